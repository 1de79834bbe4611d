#pragma once
/// Metric frame: exported metrics as columns of numbers at equally spaced times.
///
/// Text: a header `time,SERVICE:METRIC,…`, then a row a time, in any order; an empty cell, or one like "null" or "N/A",
/// is no data. Times are as parse/moment.h has them, all of one form. What the first column is called does not matter,
/// nor do blanks around a field, and a column without name or values is passed over. A name is cut at its last colon;
/// what is before it and has ">" in it is a call edge CALLER>CALLEE, what begins with "_" an entry point. Units:
/// seconds since 1970. Ownership: who reads a frame clears it.

#include "base/arena.h"
#include "base/status.h"

#include <stdbool.h>

enum { TEND_METRIC_FRAME_ROWS_MAX = 1000000 };

struct tend_metric_column {
    const char *owner;  ///< "ledger", "checkout>ledger", "_entry"
    const char *metric; ///< "cpu_pct"
    double *values;     ///< `rows` of them; NaN is no data
};

struct tend_metric_frame {
    double *at_s; ///< strictly rising
    size_t rows;
    struct tend_metric_column *columns;
    size_t column_count;
    double step_s; ///< the usual distance of two rows; 0 with fewer than two
    struct tend_arena arena;
};

/// @param[out] line  of the text where it is malformed
/// @return TEND_OK; TEND_E_INVALID (nothing to be cleared), TEND_E_LIMIT or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_metric_frame_read(const char *text, size_t bytes, struct tend_metric_frame *frame,
                                                        size_t *line, struct tend_error *error);
void tend_metric_frame_clear(struct tend_metric_frame *frame);

/// Joins each @p factor rows to one with their mean and the time of the last of them. Rows are joined backwards and
/// forwards from @p border, so that none has both sides in it; what is left over at the beginning is dropped.
/// @return the border among the new rows
size_t tend_metric_frame_join(struct tend_metric_frame *frame, size_t factor, size_t border);
