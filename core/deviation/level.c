// Holt's method with a slow trend (Holt 1957), once with the shape added and once with it multiplied (Winters 1960 has
// both). Distances are clipped at CLIP usual ones (Gelper, Fried and Croux 2010, "Robust forecasting with exponential
// and Holt-Winters smoothing"); the usual distance is the mean of the clipped ones.
//
// The stretch is the least-squares slope through 0 of values over what the shape stands for, forgetting at the pace of
// the level: each distance counts by that value over the mean of its squares. `power` takes in the newest value first,
// so one value can never move the stretch beyond itself.
//
// `share` is the mean place of values between the two readings. What lies beyond both is a fault or noise, and no
// evidence. As many values as FIRST_TOLD say 1 before any is seen: what counts requests, bytes or seconds mostly swings
// in proportion to its level, and until a level has changed the two are the same.

#include "deviation/level.h"

#include <math.h>
#include <string.h>

enum {
    UNCLIPPED = 10, ///< samples of a new level that count in full
    FIRST_TOLD = 10,
    SURE_TOLD = 60,
    KEPT_TOLD = 30, ///< of them when the level is learned anew: the nature of a metric stays, mostly
    TOLD_MOST = 1440,
};
static const double CLIP = 4; ///< mean distances; of a normal distribution 3.2 standard deviations
static const double CLIP_WIDE = 50;
static const double LEAST_SHARE = 1e-3; ///< of E: smaller distances are all alike
static const double STRETCH_LEAST = 1e-6 - 1;
static const double STRETCH_MOST = 1e9;
static const double SQUARE_MOST = 1e300;

void tend_level_init(struct tend_level *level, bool shaped)
{
    *level = (struct tend_level){ .share = 1,
                                  .told = FIRST_TOLD,
                                  .kind = shaped ? TEND_LEVEL_SHAPED : TEND_LEVEL_PLAIN,
                                  .samples = shaped ? UINT32_MAX : 0 };
}

// Not by fmin and fmax, which are calls: they would be half of what a value costs.
static double larger(double one, double other)
{
    return one > other ? one : other;
}

static double within(double distance, double most)
{
    return distance > most ? most : larger(-most, distance);
}

double tend_level_unit(double scale, double e, double distance)
{
    const double unit = larger(scale, LEAST_SHARE * fabs(e));
    return unit > 0 ? unit : fabs(distance);
}

double tend_level_clipped(double distance, double unit)
{
    return within(distance, CLIP * unit);
}

// The value that a shape stands for.
static double stands_for(const struct tend_level *level, double shape)
{
    return level->origin + (level->zero + shape);
}

static double shifted(const struct tend_level *level, double shape)
{
    return level->shift + shape;
}

static double stretched(const struct tend_level *level, double shape)
{
    return level->zero + shape + level->stretch * stands_for(level, shape);
}

static double share_of(const struct tend_level *level)
{
    return level->kind == TEND_LEVEL_SHAPED && level->power > 0 ? (double)level->share : 0;
}

double tend_level_at(const struct tend_level *level, double shape)
{
    const double added = shifted(level, shape);
    const double share = share_of(level);
    return share == 0 ? added : added + share * (stretched(level, shape) - added);
}

double tend_level_slope(const struct tend_level *level)
{
    return 1 + share_of(level) * level->stretch;
}

double tend_level_shape(const struct tend_level *level, double relative)
{
    return (relative - tend_level_at(level, 0)) / tend_level_slope(level);
}

// @return whether E of the shape is sure as far as the share is concerned
static bool weigh(struct tend_level *level, double shape, double relative, double by_shift, double by_stretch)
{
    const double between = by_stretch - by_shift;
    const double size = larger(fabs(level->origin + relative), fabs(stands_for(level, shape)));
    const double unit = tend_level_unit(level->scale, size, between);
    const double place = relative - by_shift;
    if (level->kind != TEND_LEVEL_SHAPED || fabs(between) <= unit) {
        return true;
    }
    if (level->samples >= TEND_LEVEL_RELEVEL && place >= fmin(between, 0) - CLIP * unit &&
        place <= fmax(between, 0) + CLIP * unit) {
        const double share = fmax(0, fmin(place / between, 1));
        level->told = (uint16_t)(level->told < TOLD_MOST ? level->told + 1 : TOLD_MOST);
        level->share += (float)((share - (double)level->share) / level->told);
    }
    return level->told >= SURE_TOLD;
}

void tend_level_weigh(struct tend_level *level, double shape, double relative)
{
    (void)weigh(level, shape, relative, shifted(level, shape), stretched(level, shape));
}

// How far the stretch moves for a distance of 1.
static double lever(struct tend_level *level, double shape, double gain)
{
    if (level->kind == TEND_LEVEL_PLAIN) {
        return 0;
    }
    const double value = stands_for(level, shape);
    const double square = fmin(value * value, SQUARE_MOST);
    level->power = level->power > 0 ? level->power + gain * (square - level->power) : square;
    return level->power > 0 ? value / level->power : 0;
}

double tend_level_follow(struct tend_level *level, double shape, double relative, double step_s, double whole_s,
                         bool old, bool *sure)
{
    const double by_shift = shifted(level, shape);
    const double by_stretch = stretched(level, shape);
    const double expected = by_shift + share_of(level) * (by_stretch - by_shift);
    const double distance = relative - expected;
    const double unit = tend_level_unit(level->scale, level->origin + expected, distance);
    double most = CLIP * unit;
    if (level->samples < TEND_LEVEL_SETTLED) {
        most = level->samples < UNCLIPPED ? (double)INFINITY : CLIP_WIDE * unit;
    }
    const double counted = within(distance, most);
    if (level->kind == TEND_LEVEL_SHAPED && stands_for(level, shape) < -unit) {
        level->kind = TEND_LEVEL_SIGNED;
    }
    *sure = weigh(level, shape, relative, by_shift, by_stretch);
    const double pace = 1 / whole_s;
    const double share = step_s * pace;
    const double scale_gain = larger(share, 1.0 / (level->judged + 1.0));
    level->scale += scale_gain * (fabs(tend_level_clipped(distance, unit)) - level->scale);
    const double gain = larger(share, 2.0 / (level->samples + 2.0));
    const double moves = lever(level, shape, gain);
    if (level->samples >= TEND_LEVEL_SETTLED && old) {
        // Half of what would follow a ramp without overshooting: drifts of weeks, not of days.
        level->trend += share * (counted * pace - level->trend) / 8;
        level->shift += level->trend * step_s;
        level->stretch += level->trend * step_s * moves;
    }
    level->shift += gain * within(relative - by_shift, most);
    level->stretch += gain * moves * within(relative - by_stretch, most);
    level->stretch = level->stretch < STRETCH_MOST ? larger(STRETCH_LEAST, level->stretch) : STRETCH_MOST;
    level->judged += level->judged < UINT32_MAX;
    level->samples += level->samples < UINT32_MAX;
    if (level->samples == TEND_LEVEL_SETTLED) {
        level->scale *= tend_level_slope(level); // what it does by itself grows with it
    }
    return counted;
}

double tend_level_restart(struct tend_level *level, uint32_t samples)
{
    const double slope = tend_level_slope(level);
    level->shift = level->zero = tend_level_at(level, 0);
    level->stretch = 0;
    level->power = 0;
    level->trend = 0;
    level->told = level->told < KEPT_TOLD ? level->told : KEPT_TOLD;
    level->samples = level->samples < samples ? level->samples : samples;
    return slope;
}

enum { NUMBERS = 7 };

static void list_numbers(struct tend_level *level, double *numbers[NUMBERS])
{
    double *const all[NUMBERS] = { &level->origin, &level->shift, &level->zero, &level->stretch,
                                   &level->power,  &level->trend, &level->scale };
    memcpy((void *)numbers, (const void *)all, sizeof all);
}

void tend_level_save(const struct tend_level *level, struct tend_buffer *out)
{
    struct tend_level copy = *level; // one list of the numbers does both ways
    double *numbers[NUMBERS];
    list_numbers(&copy, numbers);
    for (size_t i = 0; i < NUMBERS; i++) {
        tend_buffer_put_f64(out, *numbers[i]);
    }
    tend_buffer_put_f64(out, (double)level->share);
    tend_buffer_put_u32(out, level->told);
    tend_buffer_put_u8(out, (uint8_t)level->kind);
    tend_buffer_put_u32(out, level->judged);
    tend_buffer_put_u32(out, level->samples);
}

bool tend_level_load(struct tend_level *level, struct tend_reader *reader)
{
    double *numbers[NUMBERS];
    list_numbers(level, numbers);
    bool fits = true;
    for (size_t i = 0; i < NUMBERS; i++) {
        *numbers[i] = tend_reader_get_f64(reader);
        fits = fits && isfinite(*numbers[i]);
    }
    const bool shaped = level->kind != TEND_LEVEL_PLAIN;
    const double share = tend_reader_get_f64(reader);
    const uint32_t told = tend_reader_get_u32(reader);
    const uint8_t kind = tend_reader_get_u8(reader);
    level->judged = tend_reader_get_u32(reader);
    level->samples = tend_reader_get_u32(reader);
    fits = fits && !reader->failed && level->stretch >= STRETCH_LEAST && level->stretch <= STRETCH_MOST &&
           level->power >= 0 && level->power <= SQUARE_MOST && level->scale >= 0 && share >= 0 && share <= 1 &&
           told >= FIRST_TOLD && told <= TOLD_MOST && kind <= TEND_LEVEL_SIGNED && shaped == (kind != TEND_LEVEL_PLAIN);
    level->share = fits ? (float)share : 0;
    level->told = (uint16_t)(fits ? told : FIRST_TOLD);
    level->kind = fits ? kind : level->kind;
    return fits;
}
