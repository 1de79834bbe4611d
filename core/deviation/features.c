// All values are kept less the first one seen: so that floats hold small movements of large numbers.
//
// The constants were chosen on public data by what held on flat plateaus and on disturbed copies of it (thinned, cut,
// turned upside down, with noise), not by the best score; docs of the method: README of stdlib, "How unusual is it".

#include "deviation/features.h"

#include <math.h>
#include <string.h>

enum {
    RING = TEND_FEATURES_RING, ///< NEW + BEFORE
    NEW = 24,                  ///< samples whose mean is compared with
    BEFORE = 300,              ///< the mean of so many before them
    SPREAD_NEW = 36,
    SPREAD_BEFORE = 60,
    WARM_UP = 120, ///< samples
    WILD_MAX = 3,
    CALIBRATE_FROM = 5,
    SLOW = 700, ///< samples of the mean that stands in for an hour not seen yet
    SLOWER = 1500,
    SCALE = 1000,
    SMOOTH = 6,
};
static const double FORECAST_GAIN = 0.05;
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

/// The value of `ago` samples before the newest.
static double at(const struct tend_features *of, uint64_t ago)
{
    return (double)of->ring[(of->count - 1 - ago) % RING];
}

// Sums that are moved along lose digits; they are taken anew each time the ring begins anew, which depends on nothing
// but the count.
static void put_in_ring(struct tend_features *of, double value)
{
    const float kept = (float)value;
    of->sum_new += (double)kept;
    if (of->count >= NEW) {
        const double leaves = at(of, NEW - 1);
        of->sum_new -= leaves;
        of->sum_before += leaves;
    }
    if (of->count >= RING) {
        of->sum_before -= (double)of->ring[of->count % RING];
    }
    of->ring[of->count++ % RING] = kept;
    if (of->count % RING == 0) {
        of->sum_new = of->sum_before = 0;
        for (uint64_t i = 0; i < RING; i++) {
            *(i < NEW ? &of->sum_new : &of->sum_before) += at(of, i);
        }
    }
}

/// Copies the newest values, newest last.
static void copy_newest(const struct tend_features *of, size_t samples, float *out)
{
    const size_t end = of->count % RING; // the newest is before it
    const size_t tail = end < samples ? end : samples;
    memcpy(out, of->ring + RING - (samples - tail), (samples - tail) * sizeof *out);
    memcpy(out + samples - tail, of->ring + end - tail, tail * sizeof *out);
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

static bool is_wild(const struct tend_features *of, double value)
{
    const double unit = fmax(of->scale, LEVEL_SHARE * fabs(of->slow + of->origin));
    return of->count > WARM_UP && unit > 0 && fabs(value - of->slow) > WILD * unit;
}

static double towards(double mean, double value, double samples, uint64_t count)
{
    return mean + (value - mean) / fmin((double)count, samples);
}

static void take_features(struct tend_features *of, double value, double distance, double *features)
{
    const bool first = of->count == 0;
    const double before = first ? value : of->newest;
    features[TEND_DETECTOR_CHANGE] = fabs(value - before);
    features[TEND_DETECTOR_MISS] = first ? 0 : fabs(value - of->forecast);
    of->unchanged = !first && value == before ? of->unchanged + 1 : 0;
    features[TEND_DETECTOR_STUCK] = of->unchanged;
    of->newest = value;
    put_in_ring(of, value);
    const uint64_t count = of->count;
    if (count >= NEW + BEFORE / 2) {
        const double samples_before = (double)(count < RING ? count : RING) - NEW;
        const double mean = of->sum_new / NEW;
        features[TEND_DETECTOR_STEP] = fabs(mean - of->sum_before / samples_before);
        features[TEND_DETECTOR_SLOW] = fabs(mean - of->slower);
    }
    of->slow = towards(of->slow, value, SLOW, count);
    of->slower = towards(of->slower, value, SLOWER, count);
    of->forecast = first ? value : of->forecast + FORECAST_GAIN * (value - of->forecast);
    if (count > SPREAD_NEW + SPREAD_BEFORE) {
        float values[SPREAD_BEFORE + SPREAD_NEW];
        copy_newest(of, SPREAD_BEFORE + SPREAD_NEW, values);
        const double now = spread(values + SPREAD_BEFORE, SPREAD_NEW);
        const double then = spread(values, SPREAD_BEFORE);
        const double least = SPREAD_FLOOR * (fabs(of->slow) + then);
        const double scale = of->scale > 0 ? SPREAD_FLOOR * of->scale : 0;
        features[TEND_DETECTOR_WIDER] = (now + least + scale) / (then + least + scale);
        features[TEND_DETECTOR_NARROWER] = (then + least + scale) / (now + least + scale);
    }
    of->smooth += (distance - of->smooth) / SMOOTH;
    features[TEND_DETECTOR_SEASON] = fabs(distance);
    features[TEND_DETECTOR_SEASON_SMOOTH] = fabs(of->smooth);
    of->scale = towards(of->scale, fabs(value - of->slow), SCALE, count);
    for (size_t i = 0; i <= TEND_DETECTOR_CHANGE; i++) {
        features[i] = fmax(features[i], FLOOR_SHARE * of->scale);
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

bool tend_features_accept(struct tend_features *of, double value, double *relative, struct tend_detection *out)
{
    struct tend_detection detection = { .a = (double)NAN, .sum = (double)NAN };
    if (!isfinite(value)) {
        *out = detection;
        return false;
    }
    if (of->count == 0) {
        of->origin = value;
    }
    value -= of->origin;
    if (is_wild(of, value) && ++of->wild <= WILD_MAX) {
        detection.tails[TEND_DETECTOR_MISS] = TAIL_MAX;
        detection.strongest = TEND_DETECTOR_MISS;
        detection.sum = TAIL_MAX;
        detection.a = TAIL_MAX / THRESHOLD;
        *out = detection;
        return false;
    }
    of->wild = 0;
    *relative = fmax(-FLOAT_SAFE, fmin(value, FLOAT_SAFE));
    return true;
}

struct tend_detection tend_features_push(struct tend_features *of, double relative, double distance)
{
    struct tend_detection detection = { .a = 0 };
    double features[TEND_DETECTOR_FEATURES] = { 0 };
    take_features(of, relative, distance, features);
    for (size_t i = 0; i < TEND_DETECTOR_FEATURES; i++) {
        detection.tails[i] = fmin(tend_tail_of(&of->tails[i], features[i]), TAIL_MAX);
        if (of->count > CALIBRATE_FROM) {
            tend_tail_push(&of->tails[i], features[i]);
        }
    }
    detection.sum = of->count > WARM_UP ? combine(&detection) : 0;
    detection.a = detection.sum / THRESHOLD;
    return detection;
}

void tend_features_init(struct tend_features *of)
{
    *of = (struct tend_features){ .count = 0 };
    for (size_t i = 0; i < TEND_DETECTOR_FEATURES; i++) {
        tend_tail_init(&of->tails[i]);
    }
}

// What hangs on `count` begins anew with it; the rest of the ring is not read before it was written.
void tend_features_restart(struct tend_features *of)
{
    of->count = 0;
    of->smooth = of->sum_new = of->sum_before = 0;
    of->unchanged = of->wild = 0;
}

void tend_features_stretch(struct tend_features *of, double times)
{
    const int quarters = (int)lround(4 * log2(times));
    for (size_t i = 0; i <= TEND_DETECTOR_CHANGE; i++) { // the others are shares, and samples
        tend_tail_stretch(&of->tails[i], quarters);
    }
    of->scale *= times;
}

void tend_features_save(const struct tend_features *of, struct tend_buffer *out)
{
    tend_buffer_put_u64(out, of->count);
    const double numbers[] = { of->origin, of->newest, of->slow,    of->slower,    of->forecast,
                               of->scale,  of->smooth, of->sum_new, of->sum_before };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        tend_buffer_put_f64(out, numbers[i]);
    }
    tend_buffer_put_u32(out, of->unchanged);
    tend_buffer_put_u32(out, of->wild);
    for (size_t i = 0; i < RING; i++) {
        uint32_t bits;
        memcpy(&bits, &of->ring[i], sizeof bits);
        tend_buffer_put_u32(out, bits);
    }
    for (size_t i = 0; i < TEND_DETECTOR_FEATURES; i++) {
        tend_tail_save(&of->tails[i], out);
    }
}

enum tend_status tend_features_load(struct tend_features *of, struct tend_reader *reader)
{
    of->count = tend_reader_get_u64(reader);
    double *const numbers[] = { &of->origin, &of->newest, &of->slow,    &of->slower,    &of->forecast,
                                &of->scale,  &of->smooth, &of->sum_new, &of->sum_before };
    bool fits = true;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        *numbers[i] = tend_reader_get_f64(reader);
        fits = fits && isfinite(*numbers[i]);
    }
    of->unchanged = tend_reader_get_u32(reader);
    of->wild = tend_reader_get_u32(reader);
    for (size_t i = 0; i < RING; i++) {
        const uint32_t bits = tend_reader_get_u32(reader);
        memcpy(&of->ring[i], &bits, sizeof bits);
        fits = fits && isfinite(of->ring[i]);
    }
    for (size_t i = 0; i < TEND_DETECTOR_FEATURES; i++) {
        fits = tend_tail_load(&of->tails[i], reader) == TEND_OK && fits;
    }
    if (!fits || reader->failed) {
        reader->failed = true;
        tend_features_init(of);
        return TEND_E_CORRUPT;
    }
    return TEND_OK;
}
