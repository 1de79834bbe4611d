#include "driver/world/world_load.h"

#include <math.h>

enum { MINUTE_MS = 60000, DAY_MIN = 24 * 60, DAYS = 7 };

static const double pi = 3.14159265358979323846;

struct tend_world_load tend_world_load_steady(void)
{
    return (struct tend_world_load){ .level = 1.0, .weekend = 1.0 };
}

bool tend_world_load_is_steady(const struct tend_world_load *load)
{
    return !(load->swing > 0.0) && !(load->noise > 0.0) && !(load->weekend < 1.0) && !(load->weekend > 1.0);
}

// splitmix64 (Steele, Lea, Flood, 2014), asked for one of its numbers.
double tend_world_chance(uint64_t seed, uint64_t index)
{
    uint64_t z = seed + (index + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return (double)(z >> 11) * 0x1p-53;
}

// Of the standard normal distribution, by Box and Muller.
static double normal(uint64_t seed, uint64_t index)
{
    const double one = 1.0 - tend_world_chance(seed, 2 * index); // never 0
    return sqrt(-2.0 * log(one)) * cos(2.0 * pi * tend_world_chance(seed, 2 * index + 1));
}

// From minute to minute on a line, so that two moments close to each other have nearly the same noise.
static double noise_at(uint64_t seed, int64_t since_ms)
{
    const int64_t minute = since_ms / MINUTE_MS;
    const double part = (double)(since_ms % MINUTE_MS) / MINUTE_MS;
    return (1.0 - part) * normal(seed, (uint64_t)minute) + part * normal(seed, (uint64_t)minute + 1);
}

double tend_world_load_at(const struct tend_world_load *load, int64_t at_ms)
{
    const int64_t since_ms = at_ms - load->midnight_ms;
    const double minute = (double)since_ms / MINUTE_MS;
    const int64_t day = since_ms / MINUTE_MS / DAY_MIN;
    const int weekday = (int)((load->weekday + day) % DAYS);
    double factor = load->level * (1.0 + load->swing * cos(2.0 * pi * (minute - load->peak_min) / DAY_MIN));
    if (weekday == 0 || weekday == DAYS - 1) {
        factor *= load->weekend;
    }
    if (load->noise > 0.0) {
        factor *= 1.0 + load->noise * noise_at(load->seed, since_ms);
    }
    return fmax(factor, 0.0);
}
