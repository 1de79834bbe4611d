#pragma once
/// Tail: how rare a value is among those seen so far, as −log10 of its tail probability.
///
/// A histogram over powers of two, four bins each, of values that are at least 0; it holds 64 bins below its highest
/// and forgets by halving. Up to the largest one percent (or the eighth largest, whichever is rarer) the answer is the
/// rank; beyond it, an exponential tail with the mean excess over that point, as in the peaks-over-threshold method
/// (Pickands 1975; the exponential is its case of shape 0). So a value that was met often is never rare, and one far
/// beyond all before gets a number that still grows with it.
///
/// Only ratios of values are looked at: the same values in another unit (a power of two times as large) give the same
/// answers to the bit. Nothing allocates. Copy it freely.

#include "base/buffer.h"

#include <stdint.h>

enum { TEND_TAIL_BINS = 64 };

struct tend_tail {
    uint16_t bins[TEND_TAIL_BINS]; ///< bins[TEND_TAIL_BINS - 1] is the one of `top`
    uint32_t count;                ///< values held; all in no bin while `top` is 0
    int32_t top;                   ///< key of the highest bin; 0: no value above 0 was seen
    float beyond;                  ///< how many values are above `threshold`
    double threshold;              ///< where the exponential tail begins
    double mean_excess;            ///< of the values beyond it
    int32_t threshold_bin;
};

void tend_tail_init(struct tend_tail *tail);
/// −log10 of the share of earlier values that were at least as large; 0 before 30 values were seen, and for NaN.
double tend_tail_of(const struct tend_tail *tail, double value);
void tend_tail_push(struct tend_tail *tail, double value); ///< one more value; NaN is passed over
/// The other way round: the value that is so rare, as −log10 of its tail probability; 0 before 30 values were seen.
/// @param rarity  what lies below the exponential tail gives the value at which that begins
double tend_tail_at(const struct tend_tail *tail, double rarity);

/// Takes the values held for so many quarters of an octave larger (below 0: smaller).
void tend_tail_stretch(struct tend_tail *tail, int quarters);

void tend_tail_save(const struct tend_tail *tail, struct tend_buffer *out); ///< the same tail gives the same bytes
/// @return TEND_OK, or TEND_E_CORRUPT: the reader has failed, and the tail is as new
TEND_MUST_CHECK enum tend_status tend_tail_load(struct tend_tail *tail, struct tend_reader *reader);
