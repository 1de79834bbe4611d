// Columns, not rows: all that is asked of a frame afterwards is asked of one column at a time.

#include "locate/metric_frame.h"

#include "base/hash_map.h"
#include "parse/csv.h"
#include "parse/moment.h"
#include "parse/number.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct reading {
    struct tend_metric_frame *frame;
    struct tend_csv_record record;
    size_t field_count; ///< of the header
    size_t *fields;     ///< of each column, its field
    size_t *lines;      ///< of each row
    size_t capacity;    ///< of rows
    bool is_unsorted;
    enum tend_moment_form form; ///< of the times
    size_t *line;
    struct tend_error *error;
};

static int shown(const struct tend_csv_field *field)
{
    return field->bytes > 60 ? 60 : (int)field->bytes;
}

// ---- the header ----

// A first line that is none, with what it seems to be.
static enum tend_status refuse_header(const struct reading *reading, const struct tend_csv_field *first)
{
    const bool is_row = tend_moment_parse(first->text, first->bytes, NULL, &(int64_t){ 0 }, NULL) == TEND_OK;
    const char *separator = memchr(first->text, ';', first->bytes) != NULL    ? "; its fields have semicolons between"
                            : memchr(first->text, '\t', first->bytes) != NULL ? "; its fields have tabs between"
                                                                              : "";
    tend_error_set(reading->error, "%sthe first line has to be time,SERVICE:METRIC,…%s",
                   is_row ? "the header is missing: " : "", separator);
    return TEND_E_INVALID;
}

static enum tend_status take_name(struct reading *reading, size_t index, struct tend_hash_map *names)
{
    struct tend_metric_frame *frame = reading->frame;
    const struct tend_csv_field field = tend_csv_field_trimmed(reading->record.fields[index]);
    if (field.bytes == 0) {
        return TEND_OK; // as where all lines end in a comma
    }
    const char *colon = memrchr(field.text, ':', field.bytes);
    if (colon == NULL || colon == field.text || colon + 1 == field.text + field.bytes) {
        tend_error_set(reading->error, "column %zu is \"%.*s\"; a name has to be SERVICE:METRIC", index + 1,
                       shown(&field), field.text);
        return TEND_E_INVALID;
    }
    if (tend_hash_map_find(names, field.text, field.bytes) != NULL) {
        tend_error_set(reading->error, "column %zu is \"%.*s\", as an earlier one is", index + 1, shown(&field),
                       field.text);
        return TEND_E_INVALID;
    }
    struct tend_metric_column *column = &frame->columns[frame->column_count];
    const size_t owner_bytes = (size_t)(colon - field.text);
    column->owner = tend_arena_copy(&frame->arena, field.text, owner_bytes);
    column->metric = tend_arena_copy(&frame->arena, colon + 1, field.bytes - owner_bytes - 1);
    reading->fields[frame->column_count++] = index;
    return column->owner == NULL || column->metric == NULL ? TEND_E_NOMEM
                                                           : tend_hash_map_set(names, field.text, field.bytes, frame);
}

// What the first column is called does not matter: it is the time.
static enum tend_status take_header(struct reading *reading)
{
    struct tend_metric_frame *frame = reading->frame;
    const struct tend_csv_field first = tend_csv_field_trimmed(reading->record.fields[0]);
    reading->field_count = reading->record.count;
    if (reading->field_count < 2 || memchr(first.text, ':', first.bytes) != NULL ||
        tend_moment_parse(first.text, first.bytes, NULL, &(int64_t){ 0 }, NULL) == TEND_OK) {
        return refuse_header(reading, &first);
    }
    struct tend_hash_map *names = NULL;
    frame->columns = tend_arena_alloc(&frame->arena, reading->field_count, sizeof *frame->columns);
    reading->fields = calloc(reading->field_count, sizeof *reading->fields);
    enum tend_status status =
        frame->columns == NULL || reading->fields == NULL ? TEND_E_NOMEM : tend_hash_map_create(&names);
    for (size_t i = 1; i < reading->field_count && status == TEND_OK; i++) {
        status = take_name(reading, i, names);
    }
    tend_hash_map_destroy(names);
    return status;
}

// ---- rows ----

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
    size_t *lines = realloc(reading->lines, capacity * sizeof *lines);
    if (lines == NULL) {
        return TEND_E_NOMEM;
    }
    reading->lines = lines;
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

// As other programs write that there is no value.
static bool is_no_data(const struct tend_csv_field *field)
{
    static const char *const words[] = { "", "null", "none", "na", "n/a", "nan", "undefined", "-", "\\n", NULL };
    for (size_t i = 0; words[i] != NULL; i++) {
        if (strlen(words[i]) == field->bytes && strncasecmp(words[i], field->text, field->bytes) == 0) {
            return true;
        }
    }
    return false;
}

static enum tend_status take_values(struct reading *reading, size_t row)
{
    const struct tend_metric_frame *frame = reading->frame;
    size_t column = 0;
    for (size_t i = 1; i < reading->field_count; i++) {
        const struct tend_csv_field field = tend_csv_field_trimmed(reading->record.fields[i]);
        if (column == frame->column_count || reading->fields[column] != i) {
            if (!is_no_data(&field)) {
                tend_error_set(reading->error, "column %zu has a value, \"%.*s\", and no name", i + 1, shown(&field),
                               field.text);
                return TEND_E_INVALID;
            }
            continue;
        }
        double value = (double)NAN;
        if (!is_no_data(&field) && !tend_number_parse(field.text, field.bytes, &value)) {
            tend_error_set(reading->error, "%s:%s is \"%.*s\", which is no number", frame->columns[column].owner,
                           frame->columns[column].metric, shown(&field), field.text);
            return TEND_E_INVALID;
        }
        frame->columns[column++].values[row] = isfinite(value) ? value : (double)NAN;
    }
    return TEND_OK;
}

static enum tend_status take_row(struct reading *reading)
{
    struct tend_metric_frame *frame = reading->frame;
    if (reading->record.count != reading->field_count) {
        tend_error_set(reading->error, "%zu fields; the header has %zu", reading->record.count, reading->field_count);
        return TEND_E_INVALID;
    }
    const struct tend_csv_field time = tend_csv_field_trimmed(reading->record.fields[0]);
    int64_t at_ms;
    enum tend_status status =
        tend_moment_parse_alike(time.text, time.bytes, NULL, &reading->form, &at_ms, reading->error);
    status = status == TEND_OK ? make_room(reading) : status;
    status = status == TEND_OK ? take_values(reading, frame->rows) : status;
    if (status != TEND_OK) {
        return status;
    }
    frame->at_s[frame->rows] = (double)at_ms / 1000;
    reading->lines[frame->rows] = *reading->line;
    reading->is_unsorted =
        reading->is_unsorted || (frame->rows > 0 && frame->at_s[frame->rows] <= frame->at_s[frame->rows - 1]);
    frame->rows++;
    return TEND_OK;
}

// ---- times ----

struct place {
    double at_s;
    size_t row; ///< as it was read
};

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    const int by_time = (x->at_s > y->at_s) - (x->at_s < y->at_s);
    return by_time != 0 ? by_time : (x->row > y->row) - (x->row < y->row);
}

static enum tend_status refuse_twice(const struct reading *reading, const struct place *place)
{
    *reading->line = reading->lines[place[1].row];
    tend_error_set(reading->error, "the time is that of line %zu", reading->lines[place[0].row]);
    return TEND_E_INVALID;
}

static enum tend_status reorder(struct reading *reading, struct place *places, double *moved)
{
    struct tend_metric_frame *frame = reading->frame;
    for (size_t i = 0; i < frame->rows; i++) {
        places[i] = (struct place){ frame->at_s[i], i };
    }
    qsort(places, frame->rows, sizeof *places, compare_places);
    for (size_t i = 0; i + 1 < frame->rows; i++) {
        if (places[i].at_s == places[i + 1].at_s) {
            return refuse_twice(reading, &places[i]);
        }
    }
    for (size_t i = 0; i < frame->rows; i++) {
        frame->at_s[i] = places[i].at_s;
    }
    for (size_t column = 0; column < frame->column_count; column++) {
        double *values = frame->columns[column].values;
        for (size_t i = 0; i < frame->rows; i++) {
            moved[i] = values[places[i].row];
        }
        memcpy(values, moved, frame->rows * sizeof *values);
    }
    return TEND_OK;
}

// Many programs export the newest row first.
static enum tend_status sort_rows(struct reading *reading)
{
    if (!reading->is_unsorted) {
        return TEND_OK;
    }
    struct place *places = calloc(reading->frame->rows, sizeof *places);
    double *moved = calloc(reading->frame->rows, sizeof *moved);
    const enum tend_status status = places == NULL || moved == NULL ? TEND_E_NOMEM : reorder(reading, places, moved);
    free(places);
    free(moved);
    return status;
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
    size_t at = bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; // a byte order mark
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
    const enum tend_status status = sort_rows(reading);
    return status == TEND_OK ? find_step(reading->frame) : status;
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
    free(reading.fields);
    free(reading.lines);
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
