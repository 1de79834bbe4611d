#pragma once
/// Detector: how unusual the newest value of a metric is, against that metric's own history alone.
///
/// The features of features.h, with what is usual at this time of day, weekdays and weekends apart. A is their sum over
/// a fixed threshold: A ≥ 1 is out of line. An incident alarms once: while the evidence of the newest 60 samples was
/// stronger, A stays 0.
///
/// Causal, constant work a sample, TEND_DETECTOR_BYTES_MAX of memory, no allocation after create. The same values in
/// another unit (a power of two times as large) give the same A to the bit. Ownership: who creates destroys. Threads:
/// none.

#include "base/status.h"
#include "deviation/features.h"

#include <stddef.h>
#include <stdint.h>

struct tend_detector;

enum { TEND_DETECTOR_BYTES_MAX = 4096 };

TEND_MUST_CHECK enum tend_status tend_detector_create(struct tend_detector **out);
void tend_detector_destroy(struct tend_detector *detector); ///< NULL is allowed
size_t tend_detector_bytes(void);                           ///< of one detector

/// Takes the next sample. Until it has seen 120 of them A is 0.
/// @param wall_s  when, in seconds since 1970 and in the zone whose hours matter
/// @param value  NaN or infinite: no data, the sample is passed over
struct tend_detection tend_detector_push(struct tend_detector *detector, int64_t wall_s, double value);
