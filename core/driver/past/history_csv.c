// The file is read twice at its beginning: a first pass over some hundred rows learns how often each instance has a
// sample, which says later whether an empty row is a lost sample or simply another service's turn.

#include "driver/past/history_csv.h"

#include "parse/csv.h"
#include "parse/moment.h"
#include "parse/number.h"
#include "parse/utf8.h"
#include "series/missing.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PIECE_BYTES = 256 * 1024,
    ROWS_LOOKED_AT = 500,
    SHOWN_BYTES = 60, // of a text in a message
};

struct column {
    size_t instance;
    size_t value; // where its value lies in `values`
};

struct csv_instance {
    char *service;
    char *address;
    char **metrics;
    size_t metric_count;
    size_t first_value; // its metrics lie side by side
    int64_t every_ms;
    int64_t sampled_ms; // newest row that counted for it; INT64_MIN: none
};

struct csv_history {
    char *path;
    const struct tend_zone *zone;
    int fd;
    uint64_t bytes_all, bytes_read;
    char *bytes; // read and not used up yet
    size_t begin, end, capacity;
    bool at_end;
    struct tend_csv_record record;
    size_t line; // of the newest record, its first
    size_t next_line;
    size_t header_lines; // 0: the file has none
    struct column *columns;
    size_t column_count;
    struct csv_instance *instances;
    struct tend_history_instance *views;
    size_t instance_count;
    json_t *labels;
    double *values;
    enum tend_moment_form form; // of the times
    int64_t row_ms;             // of the row that is handed out; INT64_MIN: none yet
    size_t next_instance;       // of it
    bool told_instances;
};

// ---- the bytes ----

static enum tend_status io_error(const struct csv_history *csv, struct tend_error *error)
{
    tend_error_set(error, "%s: %s", csv->path, strerror(errno)); // NOLINT(concurrency-mt-unsafe): one thread
    return TEND_E_IO;
}

// The fault of a record, with its line. @param after  lines of the record before the fault
static enum tend_status at_line(const struct csv_history *csv, size_t after, enum tend_status status, const char *what,
                                struct tend_error *error)
{
    tend_error_set(error, "%s:%zu: %s", csv->path, csv->line + after, what);
    return status;
}

static enum tend_status read_more(struct csv_history *csv, struct tend_error *error)
{
    if (csv->begin > 0) {
        memmove(csv->bytes, csv->bytes + csv->begin, csv->end - csv->begin);
        csv->end -= csv->begin;
        csv->begin = 0;
    }
    if (csv->capacity - csv->end < PIECE_BYTES) {
        const size_t capacity = csv->capacity == 0 ? (size_t)2 * PIECE_BYTES : csv->capacity * 2;
        char *grown = realloc(csv->bytes, capacity);
        if (grown == NULL) {
            tend_error_set(error, "%s", tend_status_text(TEND_E_NOMEM));
            return TEND_E_NOMEM;
        }
        csv->bytes = grown;
        csv->capacity = capacity;
    }
    const ssize_t got = read(csv->fd, csv->bytes + csv->end, PIECE_BYTES);
    if (got < 0 && errno != EINTR) {
        return io_error(csv, error);
    }
    csv->at_end = got == 0;
    if (got > 0) {
        if (csv->bytes_read == 0 && got >= 3 && memcmp(csv->bytes, "\xef\xbb\xbf", 3) == 0) {
            csv->begin = 3; // a byte order mark
        }
        csv->end += (size_t)got;
        csv->bytes_read += (uint64_t)got;
    }
    return TEND_OK;
}

static bool is_blank(const struct tend_csv_record *record)
{
    return record->count == 1 && record->fields[0].bytes == 0;
}

// The next record that is not an empty line. @param[out] any  false: there is none left
static enum tend_status next_record(struct csv_history *csv, bool *any, struct tend_error *error)
{
    for (;;) {
        size_t used = 0;
        struct tend_error fault;
        csv->line = csv->next_line;
        enum tend_status status = csv->end == csv->begin && !csv->at_end
                                      ? TEND_OK
                                      : tend_csv_read(csv->bytes + csv->begin, csv->end - csv->begin, csv->at_end,
                                                      &csv->record, &used, &fault);
        if (status != TEND_OK) {
            return at_line(csv, csv->record.lines, status, fault.text, error);
        }
        if (used == 0 && csv->at_end) {
            *any = false;
            return TEND_OK;
        }
        if (used == 0) {
            status = read_more(csv, error);
            if (status != TEND_OK) {
                return status;
            }
            continue;
        }
        csv->begin += used;
        csv->next_line += csv->record.lines;
        if (!is_blank(&csv->record)) {
            *any = true;
            return TEND_OK;
        }
    }
}

static enum tend_status rewind_to_rows(struct csv_history *csv, struct tend_error *error)
{
    if (lseek(csv->fd, 0, SEEK_SET) != 0) {
        return io_error(csv, error);
    }
    csv->begin = csv->end = 0;
    csv->bytes_read = 0;
    csv->at_end = false;
    csv->next_line = 1;
    csv->row_ms = INT64_MIN;
    bool any = true;
    return csv->header_lines > 0 ? next_record(csv, &any, error) : TEND_OK;
}

static struct tend_csv_field trimmed(struct tend_csv_field field)
{
    while (field.bytes > 0 && (field.text[0] == ' ' || field.text[0] == '\t')) {
        field.text++;
        field.bytes--;
    }
    while (field.bytes > 0 && (field.text[field.bytes - 1] == ' ' || field.text[field.bytes - 1] == '\t')) {
        field.bytes--;
    }
    return field;
}

static int shown(struct tend_csv_field field)
{
    return (int)(field.bytes < SHOWN_BYTES ? field.bytes : SHOWN_BYTES);
}

// ---- the header ----

static void *must(void *pointer)
{
    TEND_ASSERT(pointer != NULL);
    return pointer;
}

static char *copy(const char *text, size_t bytes)
{
    return must(strndup(text, bytes));
}

static size_t instance_of(struct csv_history *csv, const char *service, const char *address)
{
    for (size_t i = 0; i < csv->instance_count; i++) {
        if (strcmp(csv->instances[i].service, service) == 0 && strcmp(csv->instances[i].address, address) == 0) {
            return i;
        }
    }
    csv->instances = must(reallocarray(csv->instances, csv->instance_count + 1, sizeof *csv->instances));
    csv->instances[csv->instance_count] = (struct csv_instance){
        .service = copy(service, strlen(service)),
        .address = copy(address, strlen(address)),
        .sampled_ms = INT64_MIN,
    };
    return csv->instance_count++;
}

// "service:metric" or "service/instance:metric"; an instance may have ":" in it. @return why not, or NULL
static const char *add_column(struct csv_history *csv, struct tend_csv_field name)
{
    const char *colon = memrchr(name.text, ':', name.bytes);
    if (!tend_utf8_valid(name.text, name.bytes)) {
        return "it is no valid UTF-8";
    }
    if (colon == NULL || colon == name.text || colon + 1 == name.text + name.bytes) {
        return "it is no service:metric or service/instance:metric";
    }
    const char *slash = memchr(name.text, '/', (size_t)(colon - name.text));
    const char *service_end = slash == NULL ? colon : slash;
    if (service_end == name.text || (slash != NULL && slash + 1 == colon)) {
        return "it is no service:metric or service/instance:metric";
    }
    char *service = copy(name.text, (size_t)(service_end - name.text));
    char *address = slash == NULL ? copy("1", 1) : copy(slash + 1, (size_t)(colon - slash - 1));
    char *metric = copy(colon + 1, (size_t)(name.text + name.bytes - colon - 1));
    const size_t at = instance_of(csv, service, address);
    free(service);
    free(address);
    struct csv_instance *instance = &csv->instances[at];
    for (size_t i = 0; i < instance->metric_count; i++) {
        if (strcmp(instance->metrics[i], metric) == 0) {
            free(metric);
            return "an earlier column is the same";
        }
    }
    instance->metrics = must(reallocarray((void *)instance->metrics, instance->metric_count + 1, sizeof(char *)));
    instance->metrics[instance->metric_count++] = metric;
    csv->columns = must(reallocarray(csv->columns, csv->column_count + 1, sizeof *csv->columns));
    csv->columns[csv->column_count++] = (struct column){ .instance = at, .value = instance->metric_count - 1 };
    return NULL;
}

// Values of an instance lie side by side, in the order of its metrics.
static void lay_out(struct csv_history *csv)
{
    size_t count = 0;
    csv->labels = must(json_object());
    csv->views = must(calloc(csv->instance_count + 1, sizeof *csv->views));
    for (size_t i = 0; i < csv->instance_count; i++) {
        struct csv_instance *instance = &csv->instances[i];
        instance->first_value = count;
        count += instance->metric_count;
        csv->views[i] = (struct tend_history_instance){
            .service = instance->service,
            .address = instance->address,
            .labels = csv->labels,
            .metrics = (const char *const *)instance->metrics,
            .metric_count = instance->metric_count,
        };
    }
    for (size_t i = 0; i < csv->column_count; i++) {
        csv->columns[i].value += csv->instances[csv->columns[i].instance].first_value;
    }
    csv->values = must(calloc(count + 1, sizeof *csv->values));
}

static enum tend_status read_wide_header(struct csv_history *csv, struct tend_error *error)
{
    for (size_t i = 1; i < csv->record.count; i++) {
        const struct tend_csv_field name = trimmed(csv->record.fields[i]);
        const char *fault = add_column(csv, name);
        if (fault != NULL) {
            char text[300];
            (void)snprintf(text, sizeof text, "column %zu \"%.*s\": %s", i + 1, shown(name), name.text, fault);
            return at_line(csv, 0, TEND_E_INVALID, text, error);
        }
    }
    return TEND_OK;
}

static void list_choices(const json_t *choices, char *out, size_t bytes)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < json_array_size(choices) && used < bytes; i++) {
        const int more = snprintf(out + used, bytes - used, "%s%s", i == 0 ? " " : ", ",
                                  json_string_value(json_array_get(choices, i)));
        used += more > 0 ? (size_t)more : 0;
    }
}

static enum tend_status name_plain(struct csv_history *csv, const struct tend_history_csv_options *options,
                                   struct tend_error *error)
{
    const char *as = options->as;
    if (as == NULL && json_array_size(options->choices) == 1) {
        as = json_string_value(json_array_get(options->choices, 0));
    }
    if (as == NULL) {
        char choices[300];
        list_choices(options->choices, choices, sizeof choices);
        tend_error_set(error,
                       "%s:%zu: a timestamp and a value, but of what? Say it with --as service:metric; it is one of%s",
                       csv->path, csv->line, choices[0] == '\0' ? " none: the rules have no service by name" : choices);
        return TEND_E_INVALID;
    }
    const char *fault = add_column(csv, (struct tend_csv_field){ .text = as, .bytes = strlen(as) });
    if (fault != NULL) {
        tend_error_set(error, "--as \"%s\": %s", as, fault);
        return TEND_E_INVALID;
    }
    return TEND_OK;
}

static enum tend_status read_header(struct csv_history *csv, const struct tend_history_csv_options *options,
                                    struct tend_error *error)
{
    bool any = false;
    enum tend_status status = next_record(csv, &any, error);
    if (status != TEND_OK) {
        return status;
    }
    if (!any) {
        return at_line(csv, 0, TEND_E_INVALID,
                       "the file is empty; its first line says what the columns are: "
                       "time,service:metric,service/instance:metric",
                       error);
    }
    if (csv->record.count < 2) {
        return at_line(csv, 0, TEND_E_INVALID,
                       "a single column; the first line says what the columns are: time,service:metric,…", error);
    }
    const struct tend_csv_field first = trimmed(csv->record.fields[0]);
    const struct tend_csv_field second = trimmed(csv->record.fields[1]);
    int64_t ignored_ms;
    const bool has_header = tend_moment_parse(first.text, first.bytes, csv->zone, &ignored_ms, NULL) != TEND_OK;
    if (!has_header && csv->record.count != 2) {
        return at_line(csv, 0, TEND_E_INVALID,
                       "the header is missing; the first line says what the columns are: time,service:metric,…", error);
    }
    csv->header_lines = has_header ? csv->next_line - 1 : 0;
    if (csv->record.count == 2 && (!has_header || memchr(second.text, ':', second.bytes) == NULL)) {
        status = name_plain(csv, options, error);
    } else if (options->as != NULL) {
        return at_line(csv, 0, TEND_E_INVALID, "its header names the columns itself; leave --as out", error);
    } else {
        status = read_wide_header(csv, error);
    }
    if (status == TEND_OK) {
        lay_out(csv);
    }
    return status;
}

// ---- rows ----

static enum tend_status read_value(const struct csv_history *csv, size_t column, double *out, struct tend_error *error)
{
    const struct tend_csv_field field = trimmed(csv->record.fields[column + 1]);
    *out = TEND_NO_DATA;
    if (field.bytes == 0) {
        return TEND_OK;
    }
    if (!tend_number_parse(field.text, field.bytes, out) || isinf(*out)) {
        const struct csv_instance *instance = &csv->instances[csv->columns[column].instance];
        char text[400];
        (void)snprintf(text, sizeof text,
                       "column %zu (%s:%s): \"%.*s\" is no value; where there is none, leave it empty", column + 2,
                       instance->service, instance->metrics[csv->columns[column].value - instance->first_value],
                       shown(field), field.text);
        return at_line(csv, csv->record.lines - 1, TEND_E_INVALID, text, error);
    }
    return TEND_OK;
}

// Reads a row into `values` and `row_ms`.
static enum tend_status read_row(struct csv_history *csv, bool *any, struct tend_error *error)
{
    enum tend_status status = next_record(csv, any, error);
    if (status != TEND_OK || !*any) {
        return status;
    }
    if (csv->record.count != csv->column_count + 1) {
        char text[200];
        (void)snprintf(text, sizeof text, "%zu fields, where the first line has %zu%s", csv->record.count,
                       csv->column_count + 1, csv->at_end && csv->begin == csv->end ? "; the file may be torn" : "");
        return at_line(csv, csv->record.lines - 1, TEND_E_INVALID, text, error);
    }
    const struct tend_csv_field time = trimmed(csv->record.fields[0]);
    int64_t at_ms;
    struct tend_error fault;
    if (tend_moment_parse_alike(time.text, time.bytes, csv->zone, &csv->form, &at_ms, &fault) != TEND_OK) {
        return at_line(csv, 0, TEND_E_INVALID, fault.text, error);
    }
    if (at_ms <= csv->row_ms) {
        char text[200];
        (void)snprintf(text, sizeof text, "\"%.*s\" is not later than the time of the row before", shown(time),
                       time.text);
        return at_line(csv, 0, TEND_E_OUT_OF_ORDER, text, error);
    }
    for (size_t i = 0; i < csv->column_count && status == TEND_OK; i++) {
        status = read_value(csv, i, &csv->values[csv->columns[i].value], error);
    }
    csv->row_ms = at_ms;
    return status;
}

static bool has_sample(const struct csv_history *csv, const struct csv_instance *instance)
{
    for (size_t i = 0; i < instance->metric_count; i++) {
        if (!isnan(csv->values[instance->first_value + i])) {
            return true;
        }
    }
    return false;
}

static int compare_gaps(const void *one, const void *other)
{
    const int64_t a = *(const int64_t *)one;
    const int64_t b = *(const int64_t *)other;
    return (a > b) - (a < b);
}

// The usual time between samples of each instance: the median over the first rows.
static enum tend_status learn_intervals(struct csv_history *csv, struct tend_error *error)
{
    int64_t(*gaps)[ROWS_LOOKED_AT] = must(calloc(csv->instance_count + 1, sizeof *gaps));
    size_t *counts = must(calloc(csv->instance_count + 1, sizeof *counts));
    enum tend_status status = TEND_OK;
    bool any = true;
    for (size_t row = 0; row <= ROWS_LOOKED_AT && status == TEND_OK; row++) {
        status = read_row(csv, &any, error);
        if (status != TEND_OK || !any) {
            break;
        }
        for (size_t i = 0; i < csv->instance_count; i++) {
            struct csv_instance *instance = &csv->instances[i];
            if (!has_sample(csv, instance)) {
                continue;
            }
            if (instance->sampled_ms != INT64_MIN && counts[i] < ROWS_LOOKED_AT) {
                gaps[i][counts[i]++] = csv->row_ms - instance->sampled_ms;
            }
            instance->sampled_ms = csv->row_ms;
        }
    }
    for (size_t i = 0; i < csv->instance_count; i++) {
        qsort(gaps[i], counts[i], sizeof gaps[i][0], compare_gaps);
        csv->views[i].every_ms = csv->instances[i].every_ms = counts[i] == 0 ? 0 : gaps[i][counts[i] / 2];
        csv->instances[i].sampled_ms = INT64_MIN;
    }
    free(gaps);
    free(counts);
    return status == TEND_OK ? rewind_to_rows(csv, error) : status;
}

// ---- the reader ----

// Whether the row says something of an instance: it has a sample, or one was due.
static bool counts_for(const struct csv_history *csv, const struct csv_instance *instance)
{
    return has_sample(csv, instance) || (instance->sampled_ms != INT64_MIN && instance->every_ms > 0 &&
                                         csv->row_ms - instance->sampled_ms >= instance->every_ms);
}

static enum tend_status csv_next(void *context, struct tend_history_item *out, struct tend_error *error)
{
    struct csv_history *csv = context;
    *out = (struct tend_history_item){ .kind = TEND_HISTORY_INSTANCES, .reason = "", .at_ms = csv->row_ms };
    if (!csv->told_instances) {
        csv->told_instances = true;
        bool any = true;
        const enum tend_status status = read_row(csv, &any, error);
        out->at_ms = csv->row_ms;
        csv->next_instance = any ? 0 : SIZE_MAX;
        return status;
    }
    while (csv->next_instance != SIZE_MAX) {
        while (csv->next_instance < csv->instance_count) {
            const size_t at = csv->next_instance++;
            struct csv_instance *instance = &csv->instances[at];
            if (counts_for(csv, instance)) {
                instance->sampled_ms = csv->row_ms;
                out->kind = TEND_HISTORY_MEASURED;
                out->at_ms = out->begun_ms = csv->row_ms;
                out->instance = at;
                out->values = csv->values + instance->first_value;
                out->value_count = instance->metric_count;
                return TEND_OK;
            }
        }
        bool any = true;
        const enum tend_status status = read_row(csv, &any, error);
        if (status != TEND_OK) {
            return status;
        }
        csv->next_instance = any ? 0 : SIZE_MAX;
    }
    out->kind = TEND_HISTORY_END;
    return TEND_OK;
}

static const struct tend_history_instance *csv_instances(void *context, size_t *count)
{
    const struct csv_history *csv = context;
    *count = csv->instance_count;
    return csv->views;
}

static json_t *csv_missing(void *context)
{
    (void)context;
    return json_array(); // what the rules select and no column has, the rehearsal knows
}

static double csv_progress(void *context)
{
    const struct csv_history *csv = context;
    return csv->bytes_all == 0 ? 1.0 : (double)csv->bytes_read / (double)csv->bytes_all;
}

static void csv_destroy(void *context)
{
    struct csv_history *csv = context;
    if (csv == NULL) {
        return;
    }
    if (csv->fd >= 0) {
        (void)close(csv->fd);
    }
    for (size_t i = 0; i < csv->instance_count; i++) {
        for (size_t m = 0; m < csv->instances[i].metric_count; m++) {
            free(csv->instances[i].metrics[m]);
        }
        free((void *)csv->instances[i].metrics);
        free(csv->instances[i].service);
        free(csv->instances[i].address);
    }
    free(csv->instances);
    free(csv->views);
    free(csv->columns);
    free(csv->values);
    free(csv->bytes);
    free(csv->path);
    json_decref(csv->labels);
    tend_csv_record_clear(&csv->record);
    free(csv);
}

static enum tend_status open_file(struct csv_history *csv, struct tend_error *error)
{
    csv->fd = open(csv->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // of a FIFO that nobody writes to: no waiting
    struct stat about;
    if (csv->fd < 0 || fstat(csv->fd, &about) != 0) {
        return io_error(csv, error);
    }
    if (!S_ISREG(about.st_mode)) {
        tend_error_set(error, "%s: this is no regular file", csv->path);
        return TEND_E_INVALID;
    }
    csv->bytes_all = (uint64_t)about.st_size;
    return TEND_OK;
}

enum tend_status tend_history_csv_open(const struct tend_history_csv_options *options, struct tend_history_reader *out,
                                       struct tend_error *error)
{
    struct csv_history *csv = must(calloc(1, sizeof *csv));
    csv->path = copy(options->path, strlen(options->path));
    csv->zone = options->zone;
    csv->next_line = 1;
    csv->row_ms = INT64_MIN;
    tend_csv_record_init(&csv->record);
    enum tend_status status = open_file(csv, error);
    if (status == TEND_OK) {
        status = read_header(csv, options, error);
    }
    if (status == TEND_OK) {
        status = rewind_to_rows(csv, error);
    }
    if (status == TEND_OK) {
        status = learn_intervals(csv, error);
    }
    if (status != TEND_OK) {
        csv_destroy(csv);
        return status;
    }
    *out = (struct tend_history_reader){
        .context = csv,
        .next = csv_next,
        .instances = csv_instances,
        .missing = csv_missing,
        .progress = csv_progress,
        .destroy = csv_destroy,
    };
    return TEND_OK;
}
