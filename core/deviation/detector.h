#pragma once
/// Detector: how unusual the newest value of a metric is, against that metric's own history alone.
///
/// Nine features are taken of each sample: the distance to what is usual at this time of day (weekdays and weekends
/// apart) and the same smoothed; the step of the newest two hours' worth of samples against those before; the distance
/// to a slow mean; the miss of a short forecast; the change from one sample to the next; spread that grows or shrinks;
/// and for how long the value has not moved at all. Each is calibrated against its own past (tail.h), so that a jittery
/// and a calm metric, milliseconds and bytes, are measured by the same scale. The rarest feature counts in full, the
/// others add a part: agreement counts. A is the sum over a fixed threshold: A ≥ 1 is out of line. An incident alarms
/// once: while the evidence of the newest 60 samples was stronger, A stays 0.
///
/// Causal, constant work a sample, TEND_DETECTOR_BYTES_MAX of memory, no allocation after create. The same values in
/// another unit (a power of two times as large) give the same A to the bit. Ownership: who creates destroys. Threads:
/// none.

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

struct tend_detector;

enum { TEND_DETECTOR_BYTES_MAX = 4096 };

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
    double tails[TEND_DETECTOR_FEATURES]; ///< −log10 of each feature's tail probability
    enum tend_detector_feature strongest; ///< of those that count in full
};

TEND_MUST_CHECK enum tend_status tend_detector_create(struct tend_detector **out);
void tend_detector_destroy(struct tend_detector *detector); ///< NULL is allowed
size_t tend_detector_bytes(void);                           ///< of one detector

/// Takes the next sample. Until it has seen 120 of them A is 0.
/// @param wall_s  when, in seconds since 1970 and in the zone whose hours matter
/// @param value  NaN or infinite: no data, the sample is passed over
struct tend_detection tend_detector_push(struct tend_detector *detector, int64_t wall_s, double value);
