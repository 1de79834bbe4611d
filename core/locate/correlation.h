#pragma once
/// Correlation: whether one metric moves as another one does, and how far ahead of it.
///
/// Spearman's rank correlation with mean ranks for ties (M. Kendall, J. Gibbons, "Rank Correlation Methods", chapters 1
/// and 3), of rows about an onset. Ranks are taken once over all the rows and correlated at each lag over those that
/// both have there. Ranks, as one spike must not decide. About the onset, with as many rows before as after, as two
/// metrics that changed at all would else look alike or not by how long each had been calm.
/// Pure. Units: milliseconds of engine time. Nothing allocates. Threads: none.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TEND_CORRELATION_ROWS = 48,  ///< at most, half of them before the onset or fewer
    TEND_CORRELATION_LAGS = 6,   ///< rows, either way
    TEND_CORRELATION_LEAST = 12, ///< rows that both have, else nothing is said
};

/// A metric as its trace has it: rows in order of time, NaN is "no data".
struct tend_correlation_trace {
    const int64_t *at_ms;
    const double *values;
    size_t rows;
};

/// Where to look: equally far apart rows, the last one at `last_ms`.
struct tend_correlation_grid {
    int64_t last_ms;
    int64_t every_ms;
    size_t rows; ///< 0: too little was seen since the onset
};

/// Ranks of a metric at the rows of a grid, less their mean; NaN: no data.
struct tend_correlation_ranks {
    double ranks[TEND_CORRELATION_ROWS];
    size_t known;
};

struct tend_correlation {
    bool found;
    double value;   ///< -1 to 1
    size_t common;  ///< rows that it was taken over
    int64_t lag_ms; ///< the first one is that much ahead of the second; negative: behind
};

/// @param newest_ms  of the newest row  @param every_ms  how far rows are apart, the larger one of both metrics
struct tend_correlation_grid tend_correlation_grid_of(int64_t onset_ms, int64_t newest_ms, int64_t every_ms);
/// Each row of the grid has the newest value that was there then, unless that is older than two rows.
void tend_correlation_rank(const struct tend_correlation_trace *trace, const struct tend_correlation_grid *grid,
                           struct tend_correlation_ranks *ranks);
/// The strongest correlation over all lags; of nearly equal ones that of the shortest lag.
struct tend_correlation tend_correlation_of(const struct tend_correlation_ranks *first,
                                            const struct tend_correlation_ranks *second,
                                            const struct tend_correlation_grid *grid);
