#pragma once
/// Change: when a metric left what it was, and how.
///
/// Pure. Rows are as in evidence.h, but may be unequally far apart. Units: milliseconds of engine time.

#include "locate/evidence.h"

#include <stdint.h>

enum tend_change_shape {
    TEND_CHANGE_STEP,  ///< at once, and it stays
    TEND_CHANGE_RAMP,  ///< on and on
    TEND_CHANGE_SPIKE, ///< it is mostly back
    TEND_CHANGE_SHAPE_COUNT
};

struct tend_change {
    bool found;        ///< false: it did not leave it for good
    int64_t onset_ms;  ///< of the first row that had left
    int64_t within_ms; ///< it happened at most so long before: how far the row with a value before it is away
    enum tend_change_shape shape;
};

/// @param evidence  of the same values and rows  @param window_ms  the time that one value is a mean over
struct tend_change tend_change_of(const double *values, const int64_t *at_ms, const struct tend_evidence_rows *rows,
                                  const struct tend_evidence *evidence, int64_t window_ms);

const char *tend_change_shape_text(enum tend_change_shape shape); ///< "step", "ramp", "spike"
