// Two rings in one block, the newest rows and the older ones, each a row of columns beside each other: a push is one
// row, and nothing is added up that would depend on when the trace began.
//
// Why 16 bits a value: the upper half of a float, rounded to even. A float's range matters (bytes, seconds, shares),
// its last digits do not, and a fleet has as many traces as targets. Why each n-th old row and not means of n: P is
// itself a mean over the window.

#include "locate/trace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TIME_UNIT_MS = 100 };

struct ring {
    uint16_t count;
    uint16_t oldest;
};

struct tend_trace {
    int64_t base_ms; // what times are counted from; set with the first row
    int64_t every_ms;
    uint32_t columns;
    uint32_t stride; // of rows that leave the newest ones, one in so many is kept; 0: none
    uint32_t left;   // rows that left since the last one kept
    struct ring fine, coarse;
    uint32_t at[TEND_TRACE_ROWS]; // the first TEND_TRACE_FINE are the newest rows' ring
    uint16_t values[];            // rows of columns, likewise
};

static uint16_t half_of(double value)
{
    const float single = (float)value;
    uint32_t bits;
    memcpy(&bits, &single, sizeof bits);
    if (isnan(single)) {
        return 0x7fc0;
    }
    bits += 0x7fff + (bits >> 16 & 1); // to nearest, ties to even; beyond the largest becomes infinite
    return (uint16_t)(bits >> 16);
}

static double value_of(uint16_t half)
{
    const uint32_t bits = (uint32_t)half << 16;
    float single;
    memcpy(&single, &bits, sizeof single);
    return isfinite(single) ? (double)single : (double)NAN;
}

enum tend_status tend_trace_create(size_t columns, int64_t every_ms, struct tend_trace **out)
{
    const int64_t fine_ms = TEND_TRACE_FINE * every_ms;
    const int64_t rest_ms = TEND_TRACE_SPAN_MS - fine_ms;
    const uint32_t stride =
        rest_ms <= 0 ? 0 : (uint32_t)((rest_ms + TEND_TRACE_COARSE * every_ms - 1) / (TEND_TRACE_COARSE * every_ms));
    const size_t rows = stride == 0 ? TEND_TRACE_FINE : TEND_TRACE_ROWS;
    struct tend_trace *trace = calloc(1, sizeof *trace + rows * columns * sizeof trace->values[0]);
    if (trace == NULL) {
        return TEND_E_NOMEM;
    }
    trace->every_ms = every_ms;
    trace->columns = (uint32_t)columns;
    trace->stride = stride;
    *out = trace;
    return TEND_OK;
}

void tend_trace_destroy(struct tend_trace *trace)
{
    free(trace);
}

static uint16_t *row_at(struct tend_trace *trace, size_t place)
{
    return trace->values + place * trace->columns;
}

// Where the next row of a ring goes: behind its newest, or in place of its oldest.
static size_t next_place(struct ring *ring, size_t capacity)
{
    const size_t place = (ring->oldest + ring->count) % capacity;
    if (ring->count == capacity) {
        ring->oldest = (uint16_t)((ring->oldest + 1) % capacity);
    } else {
        ring->count++;
    }
    return place;
}

static void keep_oldest(struct tend_trace *trace)
{
    if (trace->stride == 0 || ++trace->left < trace->stride) {
        return;
    }
    trace->left = 0;
    const size_t place = TEND_TRACE_FINE + next_place(&trace->coarse, TEND_TRACE_COARSE);
    trace->at[place] = trace->at[trace->fine.oldest];
    memcpy(row_at(trace, place), row_at(trace, trace->fine.oldest), trace->columns * sizeof trace->values[0]);
}

// The place of a row, oldest first.
static size_t place_of(const struct tend_trace *trace, size_t row)
{
    if (row < trace->coarse.count) {
        return TEND_TRACE_FINE + (trace->coarse.oldest + row) % TEND_TRACE_COARSE;
    }
    return (trace->fine.oldest + row - trace->coarse.count) % TEND_TRACE_FINE;
}

static int64_t time_at(const struct tend_trace *trace, size_t row)
{
    return trace->base_ms + (int64_t)trace->at[place_of(trace, row)] * TIME_UNIT_MS;
}

static size_t add_row(struct tend_trace *trace, uint32_t at)
{
    if (trace->fine.count == TEND_TRACE_FINE) {
        keep_oldest(trace);
    }
    const size_t place = next_place(&trace->fine, TEND_TRACE_FINE);
    trace->at[place] = at;
    return place;
}

void tend_trace_push(struct tend_trace *trace, int64_t at_ms, const double *values)
{
    const size_t count = tend_trace_count(trace);
    if (count == 0) {
        trace->base_ms = at_ms;
    }
    const int64_t units = (at_ms - trace->base_ms) / TIME_UNIT_MS;
    if (units < 0 || units > UINT32_MAX || (count > 0 && at_ms <= time_at(trace, count - 1))) {
        return; // after 13 years without a start nothing is added any more
    }
    const bool is_same_row = count > 1 && 2 * (at_ms - time_at(trace, count - 2)) < 3 * trace->every_ms;
    const size_t place = is_same_row ? place_of(trace, count - 1) : add_row(trace, (uint32_t)units);
    trace->at[place] = (uint32_t)units;
    uint16_t *row = row_at(trace, place);
    for (size_t c = 0; c < trace->columns; c++) {
        row[c] = half_of(values[c]);
    }
}

size_t tend_trace_columns(const struct tend_trace *trace)
{
    return trace->columns;
}

size_t tend_trace_count(const struct tend_trace *trace)
{
    return (size_t)trace->fine.count + trace->coarse.count;
}

void tend_trace_times(const struct tend_trace *trace, int64_t *at_ms)
{
    for (size_t row = 0; row < tend_trace_count(trace); row++) {
        at_ms[row] = time_at(trace, row);
    }
}

void tend_trace_column(const struct tend_trace *trace, size_t column, double *values)
{
    for (size_t row = 0; row < tend_trace_count(trace); row++) {
        values[row] = value_of(trace->values[place_of(trace, row) * trace->columns + column]);
    }
}

void tend_trace_copy(struct tend_trace *trace, const struct tend_trace *before, const int *from)
{
    if (trace->every_ms != before->every_ms) {
        return;
    }
    trace->base_ms = before->base_ms;
    trace->left = before->left;
    trace->fine = before->fine;
    trace->coarse = before->coarse;
    memcpy(trace->at, before->at, sizeof trace->at);
    for (size_t row = 0; row < tend_trace_count(before); row++) {
        const size_t place = place_of(before, row);
        const uint16_t *old = before->values + place * before->columns;
        uint16_t *values = row_at(trace, place);
        for (size_t c = 0; c < trace->columns; c++) {
            values[c] = from[c] < 0 ? half_of((double)NAN) : old[from[c]];
        }
    }
}

static void put_u16(struct tend_buffer *out, uint16_t value)
{
    tend_buffer_put_u8(out, (uint8_t)(value & 0xff));
    tend_buffer_put_u8(out, (uint8_t)(value >> 8));
}

static uint16_t get_u16(struct tend_reader *reader)
{
    const unsigned low = tend_reader_get_u8(reader);
    return (uint16_t)(low | (unsigned)tend_reader_get_u8(reader) << 8);
}

// Rows from the oldest on, so that the same contents give the same bytes wherever the rings stand.
void tend_trace_save(const struct tend_trace *trace, struct tend_buffer *out)
{
    tend_buffer_put_u64(out, (uint64_t)trace->base_ms);
    tend_buffer_put_u32(out, trace->left);
    tend_buffer_put_u32(out, trace->coarse.count);
    tend_buffer_put_u32(out, trace->fine.count);
    for (size_t row = 0; row < tend_trace_count(trace); row++) {
        const size_t place = place_of(trace, row);
        tend_buffer_put_u32(out, trace->at[place]);
        for (size_t c = 0; c < trace->columns; c++) {
            put_u16(out, trace->values[place * trace->columns + c]);
        }
    }
}

static bool load_rows(struct tend_trace *trace, struct tend_reader *reader)
{
    uint32_t last = 0;
    for (size_t row = 0; row < tend_trace_count(trace); row++) {
        const size_t place = place_of(trace, row);
        const uint32_t at = tend_reader_get_u32(reader);
        if (row > 0 && at <= last) {
            return false;
        }
        last = trace->at[place] = at;
        for (size_t c = 0; c < trace->columns; c++) {
            row_at(trace, place)[c] = get_u16(reader);
        }
    }
    return !reader->failed;
}

enum tend_status tend_trace_load(struct tend_trace *trace, struct tend_reader *reader)
{
    trace->base_ms = (int64_t)tend_reader_get_u64(reader);
    trace->left = tend_reader_get_u32(reader);
    const uint32_t coarse = tend_reader_get_u32(reader);
    const uint32_t fine = tend_reader_get_u32(reader);
    const int64_t limit = INT64_MAX / 4;
    const bool fits = coarse <= (trace->stride == 0 ? 0 : TEND_TRACE_COARSE) && fine <= TEND_TRACE_FINE &&
                      (coarse == 0 || fine == TEND_TRACE_FINE) && trace->base_ms > -limit && trace->base_ms < limit &&
                      trace->left <= trace->stride && !reader->failed;
    trace->coarse = (struct ring){ .count = fits ? (uint16_t)coarse : 0 };
    trace->fine = (struct ring){ .count = fits ? (uint16_t)fine : 0 };
    if (!fits || !load_rows(trace, reader)) {
        trace->coarse = trace->fine = (struct ring){ 0 };
        reader->failed = true;
        return TEND_E_CORRUPT;
    }
    return TEND_OK;
}
