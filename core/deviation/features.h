#pragma once
/// Features: what is told of the newest value of a metric by looking at its own last values, nine ways at once.
///
/// Distance to what is usual now (the caller knows what that is) and the same smoothed; the step of the newest two
/// hours' worth of samples against those before; the distance to a slow mean; the miss of a short forecast; the change
/// from one sample to the next; spread that grows or shrinks; and for how long the value has not moved at all. Each is
/// calibrated against its own past (tail.h), so that a jittery and a calm metric, milliseconds and bytes, are measured
/// by the same scale. The rarest feature counts in full, the others add a part: agreement counts.
///
/// Causal, constant work a sample, nothing allocates. Copy it freely: what is pushed into a copy is a question, not a
/// lesson. The same values in another unit (a power of two times as large) give the same answers to the bit.

#include "base/buffer.h"
#include "deviation/tail.h"

#include <stdbool.h>
#include <stdint.h>

enum tend_detector_feature {
    TEND_DETECTOR_SEASON,        ///< distance to the usual value of this hour
    TEND_DETECTOR_SEASON_SMOOTH, ///< the same over the newest samples
    TEND_DETECTOR_STEP,          ///< mean of the newest against the mean of those before
    TEND_DETECTOR_SLOW,          ///< mean of the newest against a slow mean
    TEND_DETECTOR_MISS,          ///< distance to a short forecast
    TEND_DETECTOR_CHANGE,        ///< from one sample to the next
    TEND_DETECTOR_WIDER,         ///< spread against the spread before
    TEND_DETECTOR_NARROWER,
    TEND_DETECTOR_STUCK, ///< samples without any change
    TEND_DETECTOR_FEATURES
};
/// "season", "step" …: for people.
const char *tend_detector_feature_text(enum tend_detector_feature feature);

/// What one sample came to.
struct tend_detection {
    double a;                             ///< alert index, at least 0; NaN where the sample had no data
    double sum;                           ///< of the features: a is this over a fixed threshold
    double tails[TEND_DETECTOR_FEATURES]; ///< −log10 of each feature's tail probability
    enum tend_detector_feature strongest; ///< of those that count in full
};

enum { TEND_FEATURES_RING = 324 }; ///< samples that are looked back on

struct tend_features {
    uint64_t count;
    double origin; ///< the first value
    double newest;
    double slow, slower, forecast, scale, smooth;
    double sum_new, sum_before; ///< of the ring
    uint32_t unchanged;
    uint32_t wild;                  ///< samples in a row that were
    float ring[TEND_FEATURES_RING]; ///< ring[count % TEND_FEATURES_RING] is the oldest
    struct tend_tail tails[TEND_DETECTOR_FEATURES];
};

void tend_features_init(struct tend_features *of);
/// Forgets the values, and keeps how unusual each feature was: a new beginning with a known jitter.
void tend_features_restart(struct tend_features *of);

/// The metric has become so many times as large, and what it does by itself with it: distances that were met count as
/// stretched likewise.
void tend_features_stretch(struct tend_features *of, double times);

/// Looks at the next value before it is pushed. Until 120 samples were seen A is 0.
/// @param[out] relative  what to push: the value less the first one, where it teaches something
/// @param[out] out  what it came to, where it does not: no data, or so far off that it may only say "no value" (1e20);
///   one that comes for the fourth time in a row teaches
/// @return whether it is to be pushed
bool tend_features_accept(struct tend_features *of, double value, double *relative, struct tend_detection *out);
/// Takes a value that was accepted. @param distance  from what is usual now; 0 where that is not known
struct tend_detection tend_features_push(struct tend_features *of, double relative, double distance);

/// Appends all of it. The same state gives the same bytes.
void tend_features_save(const struct tend_features *of, struct tend_buffer *out);
/// @return TEND_OK, or TEND_E_CORRUPT: the reader has failed, and it is as new
TEND_MUST_CHECK enum tend_status tend_features_load(struct tend_features *of, struct tend_reader *reader);
