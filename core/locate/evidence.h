#pragma once
/// Evidence: how far a column of numbers left what it was before, and when.
///
/// Pure functions over arrays; the rows of a column are equally far apart, the oldest first, and NaN is "no data".
/// Points are 0 for what health shows too and grow with the log of how far beyond that the column went.
/// Ownership: a scratch belongs to who inits it. Nothing else allocates. Threads: a scratch serves one.

#include "base/status.h"

#include <stdbool.h>

/// Which rows are what: [0, healthy) is before the onset for sure, [live, rows) after it.
struct tend_evidence_rows {
    size_t healthy;
    size_t recent; ///< how many of the last healthy rows are the recent ones; at least 1
    size_t live;
    size_t rows;
};

/// The smallest changes that count, in the unit of the column.
struct tend_evidence_floor {
    double share;    ///< of the column's own level
    double absolute; ///< of any
};

struct tend_evidence {
    double up_points;   ///< of having risen
    double down_points; ///< of having fallen
    double before;      ///< the level before: the median of whichever past is nearer to what came; NaN: there was none
    double after;       ///< the level that half of the live rows reach, on the side that has more points
    double left;        ///< what half of the live rows have at most, for 1 of the least that health shows; at most 1
    double scale;       ///< what one unit of deviation was
    double coverage;    ///< share of healthy rows that have a value
    double live_share;  ///< the same of live rows
    size_t onset;       ///< the first live row that is beyond all healthy ones for good; `rows` when there is none
};

struct tend_evidence_scratch {
    double *sorted;
    double *spread;
    double *reached;
    size_t capacity;
};

TEND_MUST_CHECK enum tend_status tend_evidence_scratch_init(struct tend_evidence_scratch *scratch, size_t rows);
void tend_evidence_scratch_clear(struct tend_evidence_scratch *scratch);

/// What a column was like before the onset.
struct tend_evidence_past {
    double median;   ///< NaN: it had no values
    double scale;    ///< of one unit of deviation; NaN: nothing can be said
    double least;    ///< health is seldom below
    double coverage; ///< share of healthy rows that have a value
    double up, down; ///< units that the same statistic reaches in stretches of health
};

/// @param values  rows->rows of them
struct tend_evidence_past tend_evidence_past_of(const double *values, const struct tend_evidence_rows *rows,
                                                const struct tend_evidence_floor *floor,
                                                struct tend_evidence_scratch *scratch);
/// The evidence for one onset, by a past that may be of rows before another one: it is the part that costs.
struct tend_evidence tend_evidence_since(const double *values, const struct tend_evidence_rows *rows,
                                         const struct tend_evidence_past *past, struct tend_evidence_scratch *scratch);
/// Both at once.
struct tend_evidence tend_evidence_of(const double *values, const struct tend_evidence_rows *rows,
                                      const struct tend_evidence_floor *floor, struct tend_evidence_scratch *scratch);

/// The median of the values that are no NaN; NaN when all are. @param[out] sorted  room for `count`
double tend_evidence_median(const double *values, size_t count, double *sorted);
