#include "driver/past/incident_labels.h"

#include "base/buffer.h"
#include "parse/csv.h"
#include "parse/moment.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_BYTES_MAX = 16 * 1048576, PIECE_BYTES = 65536 };

// ---- the file ----

static enum tend_status read_file(const char *path, struct tend_buffer *out, struct tend_error *error)
{
    FILE *file = fopen(path, "re");
    bool failed = file == NULL;
    size_t got = 0;
    do {
        char *to = failed ? NULL : tend_buffer_reserve(out, PIECE_BYTES);
        got = to == NULL ? 0 : fread(to, 1, PIECE_BYTES, file);
        out->size += got;
    } while (got > 0 && out->size <= FILE_BYTES_MAX);
    failed = failed || ferror(file) != 0;
    if (failed) {
        tend_error_set(error, "%s: %s", path, strerror(errno)); // NOLINT(concurrency-mt-unsafe): one thread
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    if (!failed && out->size > FILE_BYTES_MAX) {
        tend_error_set(error, "%s: a file of more than %d MB", path, FILE_BYTES_MAX / 1048576);
        return TEND_E_LIMIT;
    }
    return failed ? TEND_E_IO : TEND_OK;
}

static bool is_word(struct tend_csv_field field, const char *word)
{
    return field.bytes == strlen(word) && memcmp(field.text, word, field.bytes) == 0;
}

static bool is_header(const struct tend_csv_record *record)
{
    return (record->count == 3 || (record->count == 4 && is_word(record->fields[3], "service"))) &&
           is_word(record->fields[0], "from") && is_word(record->fields[1], "to") && is_word(record->fields[2], "what");
}

static json_t *text_of(struct tend_csv_field field)
{
    return tend_json_string(field.text, field.bytes);
}

static enum tend_status read_label(const struct tend_csv_record *record, const struct tend_zone *zone, json_t *labels,
                                   struct tend_error *error)
{
    const struct tend_csv_field *fields = record->fields;
    int64_t from_ms;
    int64_t until_ms = INT64_MAX;
    enum tend_status status = tend_moment_parse(fields[0].text, fields[0].bytes, zone, &from_ms, error);
    if (status == TEND_OK && fields[1].bytes > 0) {
        status = tend_moment_parse(fields[1].text, fields[1].bytes, zone, &until_ms, error);
    }
    if (status != TEND_OK) {
        return status;
    }
    if (until_ms < from_ms) {
        tend_error_set(error, "it ends before it begins");
        return TEND_E_INVALID;
    }
    const bool has_service = record->count > 3 && fields[3].bytes > 0;
    (void)json_array_append_new(labels, json_pack("{s:I, s:o, s:o, s:o}", "from_ms", (json_int_t)from_ms, "until_ms",
                                                  until_ms == INT64_MAX ? json_null() : json_integer(until_ms), "what",
                                                  text_of(fields[2]), "service",
                                                  has_service ? text_of(fields[3]) : json_null()));
    return TEND_OK;
}

static enum tend_status read_labels(const struct tend_buffer *bytes, const struct tend_zone *zone,
                                    struct tend_csv_record *record, json_t *labels, size_t *line,
                                    struct tend_error *error)
{
    const char *at = bytes->data;
    size_t left = bytes->size;
    size_t columns = 0;
    if (left >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0) {
        at += 3; // a byte order mark
        left -= 3;
    }
    for (*line = 1; left > 0; *line += record->lines) {
        size_t used = 0;
        enum tend_status status = tend_csv_read(at, left, true, record, &used, error);
        if (status != TEND_OK) {
            return status;
        }
        at += used;
        left -= used;
        if (record->count == 1 && record->fields[0].bytes == 0) {
            continue;
        }
        if (columns == 0) {
            columns = record->count;
            if (!is_header(record)) {
                tend_error_set(error, "the first line must be from,to,what or from,to,what,service");
                return TEND_E_INVALID;
            }
            continue;
        }
        if (record->count != columns) {
            tend_error_set(error, "%zu fields, where the first line has %zu", record->count, columns);
            return TEND_E_INVALID;
        }
        status = read_label(record, zone, labels, error);
        if (status != TEND_OK) {
            return status;
        }
    }
    if (columns == 0) {
        tend_error_set(error, "the file is empty; its first line must be from,to,what");
        return TEND_E_INVALID;
    }
    return TEND_OK;
}

enum tend_status tend_incident_labels_read(const char *path, const struct tend_zone *zone, json_t **labels,
                                           struct tend_error *error)
{
    struct tend_buffer bytes;
    struct tend_csv_record record;
    struct tend_error fault;
    size_t line = 0;
    tend_buffer_init(&bytes);
    tend_csv_record_init(&record);
    json_t *list = json_array();
    enum tend_status status = read_file(path, &bytes, error);
    if (status == TEND_OK) {
        status = read_labels(&bytes, zone, &record, list, &line, &fault);
        if (status != TEND_OK) {
            tend_error_set(error, "%s:%zu: %s", path, line, fault.text);
        }
    }
    tend_csv_record_clear(&record);
    tend_buffer_clear(&bytes);
    if (status != TEND_OK) {
        json_decref(list);
        return status;
    }
    *labels = list;
    return TEND_OK;
}

// ---- the comparison ----

static bool has_service(const json_t *incident, const char *service)
{
    const json_t *services = json_object_get(incident, "services");
    for (size_t i = 0; i < json_array_size(services); i++) {
        if (strcmp(json_string_value(json_array_get(services, i)), service) == 0) {
            return true;
        }
    }
    const json_t *culprits = json_object_get(incident, "culprits");
    for (size_t i = 0; i < json_array_size(culprits); i++) {
        if (strcmp(tend_json_text(json_array_get(culprits, i), "service", ""), service) == 0) {
            return true;
        }
    }
    return false;
}

static int64_t end_of(const json_t *object, const char *key)
{
    const json_t *end = json_object_get(object, key);
    return json_is_integer(end) ? json_integer_value(end) : INT64_MAX;
}

static bool belongs(const json_t *incident, const json_t *label)
{
    const char *service = tend_json_text(label, "service", NULL);
    return tend_json_integer(incident, "opened_ms", 0) <= end_of(label, "until_ms") &&
           end_of(incident, "ended_ms") >= tend_json_integer(label, "from_ms", 0) &&
           (service == NULL || has_service(incident, service));
}

// When the first alert of an incident fired.
static int64_t first_alert_ms(const json_t *report, const json_t *incident)
{
    int64_t first_ms = tend_json_integer(incident, "opened_ms", 0);
    const json_t *alerts = json_object_get(report, "alerts");
    for (size_t i = 0; i < json_array_size(alerts); i++) {
        const json_t *alert = json_array_get(alerts, i);
        const int64_t fired_ms = tend_json_integer(alert, "fired_ms", INT64_MAX);
        if (strcmp(tend_json_text(alert, "incident", ""), tend_json_text(incident, "id", "")) == 0 &&
            fired_ms < first_ms) {
            first_ms = fired_ms;
        }
    }
    return first_ms;
}

static int compare_numbers(const void *one, const void *other)
{
    const double a = *(const double *)one;
    const double b = *(const double *)other;
    return (a > b) - (a < b);
}

// Looks for a label's incidents. @return the delay in seconds, NaN: it was missed
static double look_for(json_t *report, const json_t *label, json_int_t index)
{
    const json_t *incidents = json_object_get(report, "incidents");
    const int64_t from_ms = tend_json_integer(label, "from_ms", 0);
    double delay_s = (double)NAN;
    for (size_t i = 0; i < json_array_size(incidents); i++) {
        json_t *incident = json_array_get(incidents, i);
        if (!belongs(incident, label)) {
            continue;
        }
        if (json_is_null(json_object_get(incident, "label"))) {
            (void)json_object_set_new(incident, "label", json_integer(index));
        }
        const int64_t fired_ms = first_alert_ms(report, incident);
        const double this_s = fired_ms < from_ms ? 0.0 : (double)(fired_ms - from_ms) / 1000.0;
        delay_s = isnan(delay_s) || this_s < delay_s ? this_s : delay_s;
    }
    return delay_s;
}

void tend_incident_labels_compare(const json_t *labels, json_t *report)
{
    json_t *told = json_array();
    double *delays = calloc(json_array_size(labels) + 1, sizeof *delays);
    TEND_ASSERT(delays != NULL && told != NULL);
    size_t found = 0;
    for (size_t i = 0; i < json_array_size(labels); i++) {
        json_t *label = json_copy(json_array_get(labels, i));
        const double delay_s = look_for(report, label, (json_int_t)i);
        if (!isnan(delay_s)) {
            delays[found++] = delay_s;
        }
        (void)json_object_set_new(label, "found", json_boolean(!isnan(delay_s)));
        (void)json_object_set_new(label, "delay_s", tend_json_real(delay_s));
        (void)json_array_append_new(told, label);
    }
    size_t false_alarms = 0;
    const json_t *incidents = json_object_get(report, "incidents");
    for (size_t i = 0; i < json_array_size(incidents); i++) {
        false_alarms += json_is_null(json_object_get(json_array_get(incidents, i), "label"));
    }
    qsort(delays, found, sizeof *delays, compare_numbers);
    const double median_s = found == 0 ? (double)NAN : (delays[(found - 1) / 2] + delays[found / 2]) / 2.0;
    json_t *sums = json_object_get(report, "sums");
    (void)json_object_set_new(sums, "found", json_integer((json_int_t)found));
    (void)json_object_set_new(sums, "missed", json_integer((json_int_t)(json_array_size(labels) - found)));
    (void)json_object_set_new(sums, "false_alarms", json_integer((json_int_t)false_alarms));
    (void)json_object_set_new(sums, "delay_median_s", tend_json_real(median_s));
    (void)json_object_set_new(report, "labels", told);
    free(delays);
}
