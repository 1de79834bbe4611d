// Columns, not rows: all that is asked of a frame afterwards is asked of one column at a time.

#include "locate/metric_frame.h"

#include "parse/csv.h"
#include "parse/moment.h"
#include "parse/number.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    struct tend_metric_frame *frame;
    struct tend_csv_record record;
    size_t capacity; ///< of rows
    size_t *line;
    struct tend_error *error;
};

static enum tend_status take_header(struct reading *reading)
{
    struct tend_metric_frame *frame = reading->frame;
    const struct tend_csv_field *fields = reading->record.fields;
    if (fields[0].bytes != 4 || memcmp(fields[0].text, "time", 4) != 0) {
        tend_error_set(reading->error, "the first line has to be time,SERVICE:METRIC,…");
        return TEND_E_INVALID;
    }
    frame->column_count = reading->record.count - 1;
    frame->columns = tend_arena_alloc(&frame->arena, frame->column_count + 1, sizeof *frame->columns);
    if (frame->columns == NULL) {
        return TEND_E_NOMEM;
    }
    for (size_t i = 0; i < frame->column_count; i++) {
        const struct tend_csv_field *field = &fields[i + 1];
        const char *colon = field->bytes == 0 ? NULL : memrchr(field->text, ':', field->bytes);
        if (colon == NULL || colon == field->text || colon + 1 == field->text + field->bytes) {
            tend_error_set(reading->error, "column %zu is \"%.*s\"; a name has to be SERVICE:METRIC", i + 2,
                           field->bytes > 60 ? 60 : (int)field->bytes, field->text);
            return TEND_E_INVALID;
        }
        const size_t owner_bytes = (size_t)(colon - field->text);
        frame->columns[i].owner = tend_arena_copy(&frame->arena, field->text, owner_bytes);
        frame->columns[i].metric = tend_arena_copy(&frame->arena, colon + 1, field->bytes - owner_bytes - 1);
        if (frame->columns[i].owner == NULL || frame->columns[i].metric == NULL) {
            return TEND_E_NOMEM;
        }
    }
    return TEND_OK;
}

static enum tend_status make_room(struct reading *reading)
{
    struct tend_metric_frame *frame = reading->frame;
    if (frame->rows < reading->capacity) {
        return TEND_OK;
    }
    if (frame->rows >= TEND_METRIC_FRAME_ROWS_MAX) {
        tend_error_set(reading->error, "more than %d rows", (int)TEND_METRIC_FRAME_ROWS_MAX);
        return TEND_E_LIMIT;
    }
    const size_t capacity = reading->capacity == 0 ? 128 : 2 * reading->capacity;
    double *at_s = realloc(frame->at_s, capacity * sizeof *at_s);
    if (at_s == NULL) {
        return TEND_E_NOMEM;
    }
    frame->at_s = at_s;
    for (size_t i = 0; i < frame->column_count; i++) {
        double *values = realloc(frame->columns[i].values, capacity * sizeof *values);
        if (values == NULL) {
            return TEND_E_NOMEM;
        }
        frame->columns[i].values = values;
    }
    reading->capacity = capacity;
    return TEND_OK;
}

static enum tend_status take_row(struct reading *reading)
{
    struct tend_metric_frame *frame = reading->frame;
    const struct tend_csv_field *fields = reading->record.fields;
    if (reading->record.count != frame->column_count + 1) {
        tend_error_set(reading->error, "%zu fields; the header has %zu", reading->record.count,
                       frame->column_count + 1);
        return TEND_E_INVALID;
    }
    int64_t at_ms;
    enum tend_status status = tend_moment_parse(fields[0].text, fields[0].bytes, NULL, &at_ms, reading->error);
    if (status != TEND_OK) {
        return status;
    }
    const double at_s = (double)at_ms / 1000;
    if (frame->rows > 0 && at_s <= frame->at_s[frame->rows - 1]) {
        tend_error_set(reading->error, "the time is not after that of the row before");
        return TEND_E_INVALID;
    }
    status = make_room(reading);
    if (status != TEND_OK) {
        return status;
    }
    frame->at_s[frame->rows] = at_s;
    for (size_t i = 0; i < frame->column_count; i++) {
        const struct tend_csv_field *field = &fields[i + 1];
        double value = (double)NAN;
        if (field->bytes > 0 && !tend_number_parse(field->text, field->bytes, &value)) {
            tend_error_set(reading->error, "%s:%s is \"%.*s\", which is no number", frame->columns[i].owner,
                           frame->columns[i].metric, field->bytes > 40 ? 40 : (int)field->bytes, field->text);
            return TEND_E_INVALID;
        }
        frame->columns[i].values[frame->rows] = isfinite(value) ? value : (double)NAN;
    }
    frame->rows++;
    return TEND_OK;
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static enum tend_status find_step(struct tend_metric_frame *frame)
{
    if (frame->rows < 2) {
        return TEND_OK;
    }
    double *steps = calloc(frame->rows, sizeof *steps);
    if (steps == NULL) {
        return TEND_E_NOMEM;
    }
    for (size_t i = 1; i < frame->rows; i++) {
        steps[i - 1] = frame->at_s[i] - frame->at_s[i - 1];
    }
    qsort(steps, frame->rows - 1, sizeof *steps, compare_doubles);
    frame->step_s = steps[(frame->rows - 1) / 2];
    free(steps);
    return TEND_OK;
}

static enum tend_status read_all(struct reading *reading, const char *text, size_t bytes)
{
    bool has_header = false;
    size_t at = 0;
    *reading->line = 1;
    while (at < bytes) {
        size_t used = 0;
        enum tend_status status = tend_csv_read(text + at, bytes - at, true, &reading->record, &used, reading->error);
        if (status != TEND_OK) {
            *reading->line += reading->record.lines;
            return status;
        }
        if (used == 0) {
            break;
        }
        const bool is_empty = reading->record.count == 1 && reading->record.fields[0].bytes == 0;
        if (!is_empty) {
            status = has_header ? take_row(reading) : take_header(reading);
            has_header = true;
        }
        if (status != TEND_OK) {
            return status;
        }
        *reading->line += reading->record.lines;
        at += used;
    }
    if (!has_header) {
        tend_error_set(reading->error, "there is nothing in it");
        return TEND_E_INVALID;
    }
    return find_step(reading->frame);
}

enum tend_status tend_metric_frame_read(const char *text, size_t bytes, struct tend_metric_frame *frame,
                                        size_t *line, // NOLINT(readability-non-const-parameter): set while reading
                                        struct tend_error *error)
{
    *frame = (struct tend_metric_frame){ 0 };
    tend_arena_init(&frame->arena);
    struct reading reading = { .frame = frame, .line = line, .error = error };
    tend_csv_record_init(&reading.record);
    const enum tend_status status = read_all(&reading, text, bytes);
    tend_csv_record_clear(&reading.record);
    if (status != TEND_OK) {
        if (status == TEND_E_NOMEM) {
            tend_error_set(error, "out of memory");
        }
        tend_metric_frame_clear(frame);
    }
    return status;
}

void tend_metric_frame_clear(struct tend_metric_frame *frame)
{
    for (size_t i = 0; i < frame->column_count && frame->columns != NULL; i++) {
        free(frame->columns[i].values);
    }
    free(frame->at_s);
    tend_arena_clear(&frame->arena);
    *frame = (struct tend_metric_frame){ 0 };
}

static void join_values(double *values, size_t first, size_t factor, size_t rows, size_t count)
{
    for (size_t row = 0; row < count; row++) {
        double sum = 0;
        size_t found = 0;
        for (size_t i = first + row * factor; i < first + (row + 1) * factor && i < rows; i++) {
            if (!isnan(values[i])) {
                sum += values[i];
                found++;
            }
        }
        values[row] = found == 0 ? (double)NAN : sum / (double)found; // row <= what is read from here on
    }
}

size_t tend_metric_frame_join(struct tend_metric_frame *frame, size_t factor, size_t border)
{
    if (factor < 2 || frame->rows == 0) {
        return border;
    }
    const size_t first = border % factor;
    const size_t count = (frame->rows - first + factor - 1) / factor;
    for (size_t i = 0; i < frame->column_count; i++) {
        join_values(frame->columns[i].values, first, factor, frame->rows, count);
    }
    for (size_t row = 0; row < count; row++) {
        const size_t last = first + (row + 1) * factor - 1;
        frame->at_s[row] = frame->at_s[last < frame->rows ? last : frame->rows - 1];
    }
    frame->rows = count;
    frame->step_s *= (double)factor;
    return (border - first) / factor;
}
