#pragma once
/// Row window: the newest samples of all series of one target.
///
/// A scrape adds one row: a time, and a value for each column. Holds at most `rows` rows; a push into a full window
/// drops the oldest. Nothing allocates after create. Units: times are milliseconds of engine time (`_ms`), values are
/// in the unit of their series, NaN is "no data". Ownership: who creates a window destroys it. Threads: none; a window
/// belongs to one engine.

#include "base/status.h"

#include <stdint.h>

struct tend_row_window; // opaque: the fields are in row_window.c

/// Makes an empty window of up to `rows` scrapes of `columns` series (both at least 1).
/// @param[out] out  set on success, else left as it was
/// @return TEND_OK, TEND_E_INVALID or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_row_window_create(size_t rows, size_t columns, struct tend_row_window **out);
void tend_row_window_destroy(struct tend_row_window *window); ///< Frees it. NULL is allowed.

/// Adds one scrape, which must be newer than the newest one held. A failed scrape is a row of NaN.
/// @param values  `columns` of them, borrowed for the call
/// @return TEND_OK, or TEND_E_OUT_OF_ORDER and the window is unchanged
TEND_MUST_CHECK enum tend_status tend_row_window_push(struct tend_row_window *window, int64_t at_ms,
                                                      const double *values);

/// Means of all columns over the rows with after_ms < at_ms <= until_ms; NaN where there is none (no data is not an
/// error).
/// @param[out] means  `columns` of them
void tend_row_window_means(const struct tend_row_window *window, int64_t after_ms, int64_t until_ms, double *means);

size_t tend_row_window_rows(const struct tend_row_window *window);    ///< the most it holds
size_t tend_row_window_columns(const struct tend_row_window *window); ///< values in a row
size_t tend_row_window_count(const struct tend_row_window *window);   ///< rows held
/// A row's values, borrowed until the next push. @param row  0 is the oldest, count - 1 the newest
/// @param[out] at_ms  its time; NULL is allowed
const double *tend_row_window_row(const struct tend_row_window *window, size_t row, int64_t *at_ms);
/// Rows where they lie: the window is a ring, so they are at most two pieces, the older one first.
struct tend_row_piece {
    const double *values; ///< of the piece's first row; the next row lies `stride` further on
    size_t rows;          ///< 0: there is no such piece
    size_t stride;
};
/// The rows begin … end - 1, borrowed until the next push.
void tend_row_window_pieces(const struct tend_row_window *window, size_t begin, size_t end,
                            struct tend_row_piece pieces[2]);
/// The first row with at_ms > after_ms; the count when there is none.
size_t tend_row_window_first_after(const struct tend_row_window *window, int64_t after_ms);
