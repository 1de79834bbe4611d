#pragma once
/// World load: how many requests come to a scenario's world at a time of the day, of what is usual.
///
/// A day is a cosine with its top at `peak_min`; Saturday and Sunday are less by a factor; and a noise goes around it,
/// smooth from minute to minute. The same seed gives the same load at the same time, in whatever order it is asked.
/// Times of the day are those of the scenario's `from`, as it is written there. Units: `_ms` engine time. Pure
/// functions.

#include <stdbool.h>
#include <stdint.h>

enum { TEND_WORLD_LOAD_STEP_MS = 10000 }; ///< within such a step it is taken to be constant

struct tend_world_load {
    double level;   ///< the mean of a working day; 1
    double swing;   ///< top of the day and bottom of the night are this share above and below the mean; 0
    int peak_min;   ///< minute of the day of the top
    double weekend; ///< factor on Saturday and Sunday; 1
    double noise;   ///< standard deviation of what comes, as a share of it; 0
    uint64_t seed;
    int64_t midnight_ms; ///< some midnight
    int weekday;         ///< of the day that began then; 0 is Sunday
};

/// The usual load, always.
struct tend_world_load tend_world_load_steady(void);
bool tend_world_load_is_steady(const struct tend_world_load *load);
/// What comes, of what is usual; never below 0.
double tend_world_load_at(const struct tend_world_load *load, int64_t at_ms);
/// A number in [0, 1) that belongs to a seed and an index; also for what else is drawn in a scenario.
double tend_world_chance(uint64_t seed, uint64_t index);
