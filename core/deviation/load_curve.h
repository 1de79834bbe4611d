#pragma once
/// Load curve: what a metric usually is at each size of another one, its load: latency for the traffic there is.
///
/// Bins over the load, four an octave, twelve octaves of it. Each keeps a mean of the values met there, clipped at a
/// few usual distances so that an outlier teaches little, and how often and over how long it was met. E lies on lines
/// between bins that are trusted; a load that was not seen gives none: beyond the outermost bin the last line goes on
/// for half a bin, and a line goes over an octave at most.
///
/// Constant work, TEND_LOAD_CURVE_BYTES_MAX at most, no allocation; copy it freely. Metric or load in another unit (a
/// power of two times as large) give the same answers to the bit.

#include "base/buffer.h"

#include <stdbool.h>
#include <stdint.h>

enum { TEND_LOAD_CURVE_BINS = 48, TEND_LOAD_CURVE_BYTES_MAX = 1024 };

struct tend_load_bin {
    float level;         ///< mean of the values
    float spread;        ///< mean distance to that
    float at;            ///< mean place of the load within the bin, 0 to 1. The first values lie in these three.
    uint16_t facts;      ///< low 12 bits: values, up to how many it remembers; high 4: visits, half a day or more apart
    uint16_t visit_hour; ///< hours since 1970, modulo 2^16, of the newest visit
};

/// All zero is an empty one.
struct tend_load_curve {
    int32_t lowest; ///< key of bins[0]
    uint32_t samples;
    struct tend_load_bin bins[TEND_LOAD_CURVE_BINS];
};

struct tend_load_expected {
    double e;     ///< NaN: nothing is known of such a load
    bool trusted; ///< met often enough, and at three times half a day apart: a burst alone teaches no E to judge by
};
/// @param load  NaN, 0 and below, and infinity: nothing is expected
struct tend_load_expected tend_load_curve_at(const struct tend_load_curve *curve, double load);

/// One more value. A load that gives no E is passed over, and so are one too far from all that is trusted
/// and a value above 1e37.
/// @param zero   what the values are less: distances below a thousandth of value + zero are all alike
void tend_load_curve_learn(struct tend_load_curve *curve, double load, int64_t wall_s, double value, double zero);

void tend_load_curve_stretch(struct tend_load_curve *curve, double times); ///< Multiplies the whole curve.
/// How much of the loads that were met is known well, 0 to 1.
double tend_load_curve_known(const struct tend_load_curve *curve);

void tend_load_curve_save(const struct tend_load_curve *curve, struct tend_buffer *out);
/// Fills an empty one. @return false: what was read is none, and the curve is in no state to be used
bool tend_load_curve_load(struct tend_load_curve *curve, struct tend_reader *reader);
