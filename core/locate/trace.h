#pragma once
/// Trace: what the metrics of one subject were over the last quarter of an hour or more, so that an incident can be set
/// against what was before it.
///
/// Holds the newest TEND_TRACE_FINE rows as they came, and of older ones each n-th, TEND_TRACE_COARSE of them; n is
/// such that both reach back TEND_TRACE_SPAN_MS. Where the newest alone do, no others are kept. Values have 8
/// significant bits (0.2 %), times 100 ms: evidence asks how far a metric left what it was, and needs no more.
/// Units: milliseconds of engine time, NaN is "no data". Nothing allocates after create. Ownership: who creates
/// destroys. Threads: none.

#include "base/buffer.h"
#include "base/status.h"

#include <stdint.h>

enum {
    TEND_TRACE_FINE = 48,
    TEND_TRACE_COARSE = 64,
    TEND_TRACE_ROWS = TEND_TRACE_FINE + TEND_TRACE_COARSE,
    TEND_TRACE_SPAN_MS = 20 * 60 * 1000
};

struct tend_trace;

/// Makes an empty trace. @param every_ms  how far its rows are apart, at least 1
TEND_MUST_CHECK enum tend_status tend_trace_create(size_t columns, int64_t every_ms, struct tend_trace **out);
void tend_trace_destroy(struct tend_trace *trace); ///< NULL is allowed

/// Adds a row, or moves the newest one on while it is less than one and a half distances after the row before it (a
/// service is measured with each of its instances). What is not newer than the newest is passed over.
/// @param values  one a column
void tend_trace_push(struct tend_trace *trace, int64_t at_ms, const double *values);

size_t tend_trace_columns(const struct tend_trace *trace);
size_t tend_trace_count(const struct tend_trace *trace); ///< rows, at most TEND_TRACE_ROWS
/// @param[out] at_ms  a time for each row, oldest first
void tend_trace_times(const struct tend_trace *trace, int64_t *at_ms);
/// @param[out] values  a value for each row, oldest first
void tend_trace_column(const struct tend_trace *trace, size_t column, double *values);

/// Fills an empty trace with what another one, of the same distance of rows, holds; one of another distance gives
/// nothing. @param from  for each column which one of @p before; -1: none
void tend_trace_copy(struct tend_trace *trace, const struct tend_trace *before, const int *from);

void tend_trace_save(const struct tend_trace *trace, struct tend_buffer *out);
/// Fills a trace, as create made it, with what save wrote of one with as many columns and the same distance.
/// @return TEND_OK or TEND_E_CORRUPT: the trace is empty
TEND_MUST_CHECK enum tend_status tend_trace_load(struct tend_trace *trace, struct tend_reader *reader);
