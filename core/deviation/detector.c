// All values are kept less the first one seen: so that floats hold small movements of large numbers.
//
// The constants were chosen on public data by what held on flat plateaus and on disturbed copies of it (thinned, cut,
// turned upside down, with noise), not by the best score; docs of the method: README of stdlib, "How unusual is it".

#include "deviation/detector.h"

#include "deviation/tail.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    RING = 324,   ///< NEW + BEFORE
    NEW = 24,     ///< samples whose mean is compared with
    BEFORE = 300, ///< the mean of so many before them
    SPREAD_NEW = 36,
    SPREAD_BEFORE = 60,
    HOURS = 24,
    HOLD = 60,     ///< samples in which an incident alarms once
    WARM_UP = 120, ///< samples
    WILD_MAX = 3,
    CALIBRATE_FROM = 5,
    SLOW = 700, ///< samples of the mean that stands in for an hour not seen yet
    SLOWER = 1500,
    SCALE = 1000,
    SMOOTH = 6,
};
static const double FORECAST_GAIN = 0.05;
static const double SEASON_GAIN = 0.25;
static const double FLOOR_SHARE = 0.2; ///< of the mean distance to the slow mean: smaller movements are all alike
static const double SPREAD_FLOOR = 1e-3;
/// A sample farther from the slow mean than so many times the usual distance, or the level's thousandth part, is told,
/// and teaches nothing until it came WILD_MAX times in a row: one that only says "no value" (1e20) must hide nothing
/// after it.
static const double WILD = 1e5;
static const double LEVEL_SHARE = 1e-3;
static const double FLOAT_SAFE = 1e30;
static const double RARE = 2; ///< a tail of one percent
static const double THRESHOLD = 6;
static const double TAIL_MAX = 12;

// How much of a feature's tail counts when it is the strongest, and how much it adds in any case.
struct weight {
    double alone, added;
};
static const struct weight WEIGHTS[TEND_DETECTOR_FEATURES] = {
    [TEND_DETECTOR_SEASON] = { 1, 1 },  [TEND_DETECTOR_SEASON_SMOOTH] = { 0, 2 }, [TEND_DETECTOR_STEP] = { 1.2, 0 },
    [TEND_DETECTOR_SLOW] = { 0.5, 2 },  [TEND_DETECTOR_MISS] = { 1, 0 },          [TEND_DETECTOR_CHANGE] = { 0, 1 },
    [TEND_DETECTOR_WIDER] = { 0.6, 1 }, [TEND_DETECTOR_NARROWER] = { 0.6, 1 },    [TEND_DETECTOR_STUCK] = { 0, 1 },
};
static const double ADDED_SHARE = 0.5 / 6;
static const double SECOND_SHARE = 0.2;
static const double AGREEMENT = 0.1; ///< for each feature that is rare

struct season {
    float mean[HOURS];
    uint8_t days[HOURS];
};

struct tend_detector {
    uint64_t count;
    double origin; ///< the first value
    double newest;
    double slow, slower, forecast, scale, smooth;
    double sum_new, sum_before; ///< of the ring
    uint32_t unchanged;
    uint32_t wild;            ///< samples in a row that were
    struct season seasons[2]; ///< weekdays, weekends
    double hour_sum;
    uint32_t hour_count;
    int16_t hour; ///< that hour_sum is of; -1: none
    bool weekend;
    float ring[RING]; ///< ring[count % RING] is the oldest
    float peaks[HOLD];
    struct tend_tail tails[TEND_DETECTOR_FEATURES];
};
_Static_assert(sizeof(struct tend_detector) <= TEND_DETECTOR_BYTES_MAX, "a metric may cost no more");

const char *tend_detector_feature_text(enum tend_detector_feature feature)
{
    static const char *const texts[TEND_DETECTOR_FEATURES] = {
        "unusual for this hour",
        "unusual for this hour, for a while",
        "a step",
        "far from its slow mean",
        "a spike",
        "a sudden change",
        "wider spread",
        "narrower spread",
        "stuck",
    };
    return texts[feature];
}

size_t tend_detector_bytes(void)
{
    return sizeof(struct tend_detector);
}

enum tend_status tend_detector_create(struct tend_detector **out)
{
    struct tend_detector *detector = calloc(1, sizeof *detector);
    if (detector == NULL) {
        return TEND_E_NOMEM;
    }
    detector->hour = -1;
    for (size_t i = 0; i < TEND_DETECTOR_FEATURES; i++) {
        tend_tail_init(&detector->tails[i]);
    }
    *out = detector;
    return TEND_OK;
}

void tend_detector_destroy(struct tend_detector *detector)
{
    free(detector);
}

/// The value of `ago` samples before the newest.
static double at(const struct tend_detector *detector, uint64_t ago)
{
    return (double)detector->ring[(detector->count - 1 - ago) % RING];
}

// Sums that are moved along lose digits; they are taken anew each time the ring begins anew, which depends on nothing
// but the count.
static void put_in_ring(struct tend_detector *detector, double value)
{
    const float kept = (float)value;
    detector->sum_new += (double)kept;
    if (detector->count >= NEW) {
        const double leaves = at(detector, NEW - 1);
        detector->sum_new -= leaves;
        detector->sum_before += leaves;
    }
    if (detector->count >= RING) {
        detector->sum_before -= (double)detector->ring[detector->count % RING];
    }
    detector->ring[detector->count++ % RING] = kept;
    if (detector->count % RING == 0) {
        detector->sum_new = detector->sum_before = 0;
        for (uint64_t i = 0; i < RING; i++) {
            *(i < NEW ? &detector->sum_new : &detector->sum_before) += at(detector, i);
        }
    }
}

/// Copies the newest values, newest last.
static void copy_newest(const struct tend_detector *detector, size_t samples, float *out)
{
    const size_t end = detector->count % RING; // the newest is before it
    const size_t tail = end < samples ? end : samples;
    memcpy(out, detector->ring + RING - (samples - tail), (samples - tail) * sizeof *out);
    memcpy(out + samples - tail, detector->ring + end - tail, tail * sizeof *out);
}

// Four sums side by side: each waits for itself only.
static double spread(const float *values, size_t samples)
{
    double sums[4] = { 0 };
    for (size_t i = 0; i < samples; i++) {
        sums[i % 4] += (double)values[i];
    }
    const double mean = (sums[0] + sums[1] + sums[2] + sums[3]) / (double)samples;
    double squares[4] = { 0 };
    for (size_t i = 0; i < samples; i++) {
        const double distance = (double)values[i] - mean;
        squares[i % 4] += distance * distance;
    }
    return sqrt((squares[0] + squares[1] + squares[2] + squares[3]) / (double)samples);
}

/// Puts away the mean of the hour that has ended.
static void end_hour(struct tend_detector *detector)
{
    if (detector->hour_count == 0) {
        return;
    }
    const int hour = detector->hour;
    struct season *season = &detector->seasons[detector->weekend];
    const struct season *other = &detector->seasons[!detector->weekend];
    double gain = fmax(SEASON_GAIN, 1.0 / (season->days[hour] + 1));
    if (season->days[hour] == 0 && other->days[hour] > 0) { // the first weekend begins as a weekday
        season->mean[hour] = other->mean[hour];
        gain = 0.5;
    }
    const double mean = detector->hour_sum / detector->hour_count;
    season->mean[hour] += (float)(gain * (mean - (double)season->mean[hour]));
    if (season->days[hour] < UINT8_MAX) {
        season->days[hour]++;
    }
}

/// Distance to what is usual at this hour; 0 while no such hour was seen.
static double season_distance(struct tend_detector *detector, int64_t wall_s, double value)
{
    const int64_t day = (wall_s - ((wall_s % 86400) + 86400) % 86400) / 86400;
    const int hour = (int)((wall_s - day * 86400) / 3600);
    const bool weekend = ((day + 3) % 7 + 7) % 7 >= 5; // 1970-01-01 was a Thursday
    const struct season *season = &detector->seasons[weekend];
    if (season->days[hour] == 0) {
        season = &detector->seasons[!weekend];
    }
    const double distance = season->days[hour] == 0 ? 0 : value - (double)season->mean[hour];
    if (hour != detector->hour) {
        if (detector->hour >= 0) {
            end_hour(detector);
        }
        detector->hour = (int16_t)hour;
        detector->weekend = weekend;
        detector->hour_sum = 0;
        detector->hour_count = 0;
    }
    detector->hour_sum += value;
    detector->hour_count++;
    return distance;
}

static bool is_wild(const struct tend_detector *detector, double value)
{
    const double unit = fmax(detector->scale, LEVEL_SHARE * fabs(detector->slow + detector->origin));
    return detector->count > WARM_UP && unit > 0 && fabs(value - detector->slow) > WILD * unit;
}

static double towards(double mean, double value, double samples, uint64_t count)
{
    return mean + (value - mean) / fmin((double)count, samples);
}

static void take_features(struct tend_detector *detector, int64_t wall_s, double value, double *features)
{
    const bool first = detector->count == 0;
    const double before = first ? value : detector->newest;
    features[TEND_DETECTOR_CHANGE] = fabs(value - before);
    features[TEND_DETECTOR_MISS] = first ? 0 : fabs(value - detector->forecast);
    detector->unchanged = !first && value == before ? detector->unchanged + 1 : 0;
    features[TEND_DETECTOR_STUCK] = detector->unchanged;
    detector->newest = value;
    put_in_ring(detector, value);
    const uint64_t count = detector->count;
    if (count >= NEW + BEFORE / 2) {
        const double samples_before = (double)(count < RING ? count : RING) - NEW;
        const double mean = detector->sum_new / NEW;
        features[TEND_DETECTOR_STEP] = fabs(mean - detector->sum_before / samples_before);
        features[TEND_DETECTOR_SLOW] = fabs(mean - detector->slower);
    }
    detector->slow = towards(detector->slow, value, SLOW, count);
    detector->slower = towards(detector->slower, value, SLOWER, count);
    detector->forecast = first ? value : detector->forecast + FORECAST_GAIN * (value - detector->forecast);
    if (count > SPREAD_NEW + SPREAD_BEFORE) {
        float values[SPREAD_BEFORE + SPREAD_NEW];
        copy_newest(detector, SPREAD_BEFORE + SPREAD_NEW, values);
        const double now = spread(values + SPREAD_BEFORE, SPREAD_NEW);
        const double then = spread(values, SPREAD_BEFORE);
        const double least = SPREAD_FLOOR * (fabs(detector->slow) + then);
        const double scale = detector->scale > 0 ? SPREAD_FLOOR * detector->scale : 0;
        features[TEND_DETECTOR_WIDER] = (now + least + scale) / (then + least + scale);
        features[TEND_DETECTOR_NARROWER] = (then + least + scale) / (now + least + scale);
    }
    const double distance = season_distance(detector, wall_s, value);
    detector->smooth += (distance - detector->smooth) / SMOOTH;
    features[TEND_DETECTOR_SEASON] = fabs(distance);
    features[TEND_DETECTOR_SEASON_SMOOTH] = fabs(detector->smooth);
    detector->scale = towards(detector->scale, fabs(value - detector->slow), SCALE, count);
    for (size_t i = 0; i <= TEND_DETECTOR_CHANGE; i++) {
        features[i] = fmax(features[i], FLOOR_SHARE * detector->scale);
    }
}

/// What all features say together.
static double combine(struct tend_detection *detection)
{
    double strongest = 0;
    double second = 0;
    double added = 0;
    double rare = 0;
    for (size_t i = 0; i < TEND_DETECTOR_FEATURES; i++) {
        const double tail = detection->tails[i];
        const double alone = WEIGHTS[i].alone * tail;
        if (alone > strongest) {
            second = strongest;
            strongest = alone;
            detection->strongest = (enum tend_detector_feature)i;
        } else {
            second = fmax(second, alone);
        }
        added += WEIGHTS[i].added * tail;
        rare += tail > RARE;
    }
    return strongest + SECOND_SHARE * second + ADDED_SHARE * added + AGREEMENT * rare;
}

struct tend_detection tend_detector_push(struct tend_detector *detector, int64_t wall_s, double value)
{
    struct tend_detection detection = { .a = (double)NAN };
    if (!isfinite(value)) {
        return detection;
    }
    if (detector->count == 0) {
        detector->origin = value;
    }
    value -= detector->origin;
    if (is_wild(detector, value) && ++detector->wild <= WILD_MAX) {
        detection.tails[TEND_DETECTOR_MISS] = TAIL_MAX;
        detection.strongest = TEND_DETECTOR_MISS;
        detection.a = detector->wild == 1 ? TAIL_MAX / THRESHOLD : 0;
        return detection;
    }
    detector->wild = 0;
    double features[TEND_DETECTOR_FEATURES] = { 0 };
    take_features(detector, wall_s, fmax(-FLOAT_SAFE, fmin(value, FLOAT_SAFE)), features);
    for (size_t i = 0; i < TEND_DETECTOR_FEATURES; i++) {
        detection.tails[i] = fmin(tend_tail_of(&detector->tails[i], features[i]), TAIL_MAX);
        if (detector->count > CALIBRATE_FROM) {
            tend_tail_push(&detector->tails[i], features[i]);
        }
    }
    const double sum = detector->count > WARM_UP ? combine(&detection) : 0;
    float peak = 0;
    for (size_t i = 0; i < HOLD; i++) {
        peak = detector->peaks[i] > peak ? detector->peaks[i] : peak;
    }
    detector->peaks[detector->count % HOLD] = (float)sum;
    detection.a = (float)sum > peak ? sum / THRESHOLD : 0;
    return detection;
}
