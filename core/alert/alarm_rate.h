#pragma once
/// Alarm rate: how many alarms a stretch of time will bring, judged by how many another one brought.
///
/// Alarms come in clusters and their rate drifts, so counts vary more than a Poisson process of one rate would let
/// them. The forecast is a negative binomial distribution: its mean is the rate that was seen, its variance adds how
/// much counts of blocks of time vary (their dispersion), what so many alarms can tell of a rate, and drift.
/// alarm_rate.c has the formulas and their sources. Units: `_s` seconds. Pure functions.

#include <stddef.h>
#include <stdint.h>

/// What was seen: alarms in blocks of time of one length, in their order.
struct tend_alarm_counts {
    const uint32_t *counts;
    size_t blocks; ///< at least 1
    double block_s;
};

struct tend_alarm_forecast {
    double mean;        ///< alarms in the stretch
    double variance;    ///< of the number of alarms in it; above the mean
    uint32_t low, high; ///< the shortest range with a probability of 90 % or more
};

/// How much more the counts vary than those of a Poisson process: variance over mean, 1 for a Poisson process.
/// Few alarms tell little of it: it is drawn towards what is usual for alarms.
double tend_alarm_dispersion(const struct tend_alarm_counts *seen);

/// @param stretch_s  how long the time is that is asked about, above 0
struct tend_alarm_forecast tend_alarm_forecast(const struct tend_alarm_counts *seen, double stretch_s);

/// The probability of more than @p count alarms.
double tend_alarm_exceeds(const struct tend_alarm_forecast *forecast, double count);
