#pragma once
/// Hand-written series: a metric's P at each scrape, in promtool's notation.
///
/// `0.4x60 0.1x2 _ _x3 1 1+2x3 9-1x4 stale`: `a+bxN` is a, a+b … a+N·b (N + 1 values), `a-bxN` the same downwards,
/// `axN` and a number alone as in promtool's unit tests; `_` is no sample, `stale` the end of the series. Where
/// promtool's `axN` is N + 1 values, here it is N: "0.4x60" are sixty scrapes. Ownership: who parses clears.

#include "base/status.h"

#include <stdbool.h>

struct tend_hand_series {
    double *values; ///< NaN where there is no sample
    size_t count;
};

/// @param[out] error  `"0.4y" is no value; write it like 0.4x60`  @return TEND_OK, TEND_E_INVALID, TEND_E_LIMIT (over
/// 100,000 values) or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_hand_series_parse(const char *text, struct tend_hand_series *out,
                                                        struct tend_error *error);
void tend_hand_series_clear(struct tend_hand_series *series);
