#include "base/durations.h"

#include <stddef.h>

const double tend_duration_bounds_s[TEND_DURATION_BOUNDS] = { 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01,
                                                              0.02,   0.05,   0.1,   0.2,   0.5,   1 };

void tend_durations_add(struct tend_durations *durations, double took_s)
{
    size_t class = 0;
    while (class < TEND_DURATION_BOUNDS && took_s > tend_duration_bounds_s[class]) {
        class ++;
    }
    durations->counts[class]++;
    durations->sum_s += took_s;
}
