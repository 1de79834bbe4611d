#pragma once
/// Durations: how many of something took how long, in fixed classes.
///
/// A struct of counters: zeroed is empty, copied is a snapshot. Units: seconds (`_s`). Threads: the owner's.

#include <stdint.h>

enum { TEND_DURATION_BOUNDS = 12 };

/// Upper bounds of the classes, rising: 0.2 ms to 1 s. What is longer is in a class of its own.
extern const double tend_duration_bounds_s[TEND_DURATION_BOUNDS];

struct tend_durations {
    uint64_t counts[TEND_DURATION_BOUNDS + 1]; ///< [i]: at most bounds[i], more than the one before; the last: beyond
    double sum_s;
};

void tend_durations_add(struct tend_durations *durations, double took_s);
