// Reads whole files: a case is a few megabytes, and all of it is wanted. Nothing but the named files is opened; above
// all not meta.json, which has the answer.

#include "cli/post_mortem_case.h"

#include "api/wall_time.h"
#include "base/buffer.h"
#include "base/json.h"
#include "locate/log_book.h"
#include "locate/log_export.h"
#include "locate/post_mortem.h"
#include "parse/moment.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

static const double log_around_s = 60;        // alarms come late, and clocks differ
static const double log_same_s = 120;         // views so near to the first are about the same moment
static const double log_around_found_s = 120; // of an onset that was looked for

enum { FILE_BYTES_MAX = 1 << 30 };

// Reads a file, gzipped or not. @return TEND_OK or what went wrong, with a text
static enum tend_status read_file(const char *path, struct tend_buffer *text, struct tend_error *error)
{
    enum { CHUNK = 1 << 18 };
    errno = 0;
    gzFile file = gzopen(path, "rbe");
    if (file == NULL) {
        tend_error_set(error, "%s: %s", path, strerror(errno)); // NOLINT(concurrency-mt-unsafe): one thread
        return TEND_E_IO;
    }
    enum tend_status status = TEND_OK;
    for (;;) {
        char *room = tend_buffer_reserve(text, CHUNK);
        if (room == NULL) {
            tend_error_set(error, "%s: out of memory", path);
            status = TEND_E_NOMEM;
            break;
        }
        const int got = gzread(file, room, CHUNK);
        if (got < 0) {
            int code = 0;
            const char *what = gzerror(file, &code);
            // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
            tend_error_set(error, "%s: %s", path, code == Z_ERRNO ? strerror(errno) : what);
            status = TEND_E_IO;
            break;
        }
        text->size += (size_t)got;
        if (got == 0) {
            break;
        }
        if (text->size > FILE_BYTES_MAX) {
            tend_error_set(error, "%s: more than 1 GiB", path);
            status = TEND_E_LIMIT;
            break;
        }
    }
    if (gzclose(file) != Z_OK && status == TEND_OK) {
        tend_error_set(error, "%s: ends in the middle of its gzip data", path);
        status = TEND_E_IO;
    }
    return status;
}

static enum tend_status read_json(const char *path, json_t **out, struct tend_error *error)
{
    struct tend_buffer text;
    tend_buffer_init(&text);
    enum tend_status status = read_file(path, &text, error);
    if (status == TEND_OK) {
        json_error_t fault;
        *out = json_loadb(tend_buffer_text(&text), text.size, 0, &fault);
        if (*out == NULL) {
            tend_error_set(error, "%s:%d: column %d: %s", path, fault.line, fault.column, fault.text);
            status = TEND_E_INVALID;
        }
    }
    tend_buffer_clear(&text);
    return status;
}

static bool join_path(char out[PATH_MAX], const char *dir, const char *name)
{
    return snprintf(out, PATH_MAX, "%s/%s", dir, name) < PATH_MAX;
}

struct reading {
    const struct tend_post_mortem_files *files;
    struct tend_post_mortem_options options;
    json_t *alarm;
    json_t *topology;
    json_t *services; // an object that has their names as keys
    struct tend_log_names names;
    struct tend_log_book *book;
    struct tend_error *error;
};

static enum tend_status read_inject_time(struct reading *reading, const char *path)
{
    const json_t *time = json_object_get(reading->alarm, "inject_time");
    if (time == NULL || json_is_null(time)) {
        return TEND_OK;
    }
    struct tend_error what = { "it is no time; write it like \"2026-03-02T10:00:05Z\", or in seconds since 1970" };
    int64_t at_ms;
    enum tend_status status = TEND_E_INVALID;
    if (json_is_string(time)) {
        status = tend_moment_parse(json_string_value(time), json_string_length(time), NULL, &at_ms, &what);
    } else if (json_is_number(time)) {
        status = tend_moment_of_number(json_number_value(time), &at_ms, &what);
    }
    if (status != TEND_OK) {
        tend_error_set(reading->error, "%s: inject_time: %s", path, what.text);
        return status;
    }
    reading->options.alarm_s = (double)at_ms / 1000;
    return TEND_OK;
}

static enum tend_status read_alarm(struct reading *reading)
{
    const struct tend_post_mortem_files *files = reading->files;
    char path[PATH_MAX];
    if (files->dir == NULL || !join_path(path, files->dir, "alarm.json") || access(path, F_OK) != 0) {
        return TEND_OK;
    }
    const enum tend_status status = read_json(path, &reading->alarm, reading->error);
    if (status != TEND_OK) {
        return status;
    }
    reading->options.symptom_service = tend_json_text(json_object_get(reading->alarm, "symptom"), "service", NULL);
    return isnan(files->at_s) && !files->is_unknown ? read_inject_time(reading, path) : TEND_OK;
}

static bool is_name(const json_t *value)
{
    return json_string_length(value) > 0; // 0 of what is no string
}

// JSON has no lines once it is read, so an edge is told by its number and by what stands there.
static enum tend_status refuse_edge(const json_t *edge, size_t number, const char *path, struct tend_error *error)
{
    enum { SHOWN_BYTES = 60 };
    char *text = tend_json_canonical(edge);
    tend_error_set(error, "%s: edge %zu: %.*s is no [CALLER, CALLEE], the names of two services", path, number,
                   SHOWN_BYTES, text == NULL ? "it" : text);
    free(text);
    return TEND_E_INVALID;
}

// A list of pairs of names, or a document with such a list as "edges".
static enum tend_status check_topology(struct reading *reading, const char *path)
{
    const json_t *edges =
        json_is_array(reading->topology) ? reading->topology : json_object_get(reading->topology, "edges");
    if (!json_is_array(edges)) {
        tend_error_set(reading->error, "%s: no list of edges; write {\"edges\": [[CALLER, CALLEE], …]}", path);
        return TEND_E_INVALID;
    }
    size_t i;
    const json_t *edge;
    json_array_foreach(edges, i, edge)
    {
        if (json_array_size(edge) != 2 || !is_name(json_array_get(edge, 0)) || !is_name(json_array_get(edge, 1))) {
            return refuse_edge(edge, i + 1, path, reading->error);
        }
    }
    reading->options.edges = edges;
    return TEND_OK;
}

static enum tend_status read_topology(struct reading *reading)
{
    const struct tend_post_mortem_files *files = reading->files;
    char path[PATH_MAX];
    if (files->topology != NULL) {
        if (snprintf(path, sizeof path, "%s", files->topology) >= (int)sizeof path) {
            return TEND_E_LIMIT;
        }
    } else {
        const char *system = tend_json_text(reading->alarm, "system", NULL);
        if (files->dir == NULL || system == NULL || system[0] == '.' || strchr(system, '/') != NULL ||
            snprintf(path, sizeof path, "%s/../../system/%s/topology.json", files->dir, system) >= (int)sizeof path ||
            access(path, F_OK) != 0) {
            return TEND_OK; // a case without one is normal
        }
    }
    const enum tend_status status = read_json(path, &reading->topology, reading->error);
    return status != TEND_OK ? status : check_topology(reading, path);
}

static bool is_service(const void *context, const char *word, size_t bytes)
{
    return json_object_getn(context, word, bytes) != NULL;
}

static enum tend_status create_book(struct reading *reading, const json_t *evidence)
{
    reading->services = json_object();
    size_t i;
    const json_t *name;
    json_array_foreach(json_object_get(evidence, "services"), i, name)
    {
        if (json_object_set_new(reading->services, json_string_value(name), json_true()) != 0) {
            return TEND_E_NOMEM;
        }
    }
    reading->names = (struct tend_log_names){ is_service, reading->services };
    return tend_log_book_create(&reading->names, &reading->book);
}

static enum tend_status read_logs(struct reading *reading, const json_t *evidence)
{
    const struct tend_post_mortem_files *files = reading->files;
    char path[PATH_MAX];
    const char *from = files->logs;
    for (int i = 0; from == NULL && files->dir != NULL && i < 2; i++) {
        from =
            join_path(path, files->dir, i == 0 ? "logs.csv.gz" : "logs.csv") && access(path, F_OK) == 0 ? path : NULL;
    }
    if (from == NULL) {
        return TEND_OK;
    }
    struct tend_buffer text;
    tend_buffer_init(&text);
    enum tend_status status = read_file(from, &text, reading->error);
    if (status == TEND_OK) {
        status = create_book(reading, evidence);
    }
    if (status == TEND_OK) {
        size_t line;
        struct tend_error what = { "out of memory" };
        status = tend_log_export_read(reading->book, tend_buffer_text(&text), text.size, &line, &what);
        if (status != TEND_OK) {
            tend_error_set(reading->error, "%s:%zu: %s", from, line, what.text);
        }
    }
    tend_buffer_clear(&text);
    return status;
}

// A time outside of the file is a slip of whoever wrote it: another zone, another day.
static enum tend_status check_time(const struct tend_metric_frame *frame, double at_s, struct tend_error *error)
{
    if (isnan(at_s) || frame->rows == 0 || (at_s >= frame->at_s[0] && at_s <= frame->at_s[frame->rows - 1])) {
        return TEND_OK;
    }
    char at[TEND_WALL_TIME_BYTES];
    char first[TEND_WALL_TIME_BYTES];
    char last[TEND_WALL_TIME_BYTES];
    tend_error_set(error, "it goes from %s to %s; %s is not within",
                   tend_wall_time_format((int64_t)(frame->at_s[0] * 1000), first),
                   tend_wall_time_format((int64_t)(frame->at_s[frame->rows - 1] * 1000), last),
                   tend_wall_time_format((int64_t)(at_s * 1000), at));
    return TEND_E_INVALID;
}

static enum tend_status read_metrics(struct reading *reading, json_t **evidence)
{
    const struct tend_post_mortem_files *files = reading->files;
    char path[PATH_MAX];
    const bool fits = files->dir != NULL ? join_path(path, files->dir, "metrics.csv")
                                         : snprintf(path, sizeof path, "%s", files->metrics) < (int)sizeof path;
    if (!fits) {
        tend_error_set(reading->error, "a path is too long");
        return TEND_E_LIMIT;
    }
    struct tend_buffer text;
    tend_buffer_init(&text);
    enum tend_status status = read_file(path, &text, reading->error);
    if (status == TEND_OK) {
        struct tend_metric_frame frame;
        struct tend_error what;
        size_t line;
        status = tend_metric_frame_read(tend_buffer_text(&text), text.size, &frame, &line, &what);
        if (status != TEND_OK) {
            tend_error_set(reading->error, "%s:%zu: %s", path, line, what.text);
        } else {
            status = check_time(&frame, reading->options.alarm_s, &what);
            if (status == TEND_OK) {
                status = tend_post_mortem_evidence(&frame, &reading->options, evidence, &what);
            }
            if (status != TEND_OK) {
                tend_error_set(reading->error, "%s: %s", path, what.text);
            }
            tend_metric_frame_clear(&frame);
        }
    }
    tend_buffer_clear(&text);
    return status;
}

// Views that are about the same moment: lines tell better than any of them when it was, so they are parted once, near
// the middle of these.
static double middle_of_views(const json_t *views, double onset_s)
{
    double sum = 0, count = 0;
    size_t i;
    const json_t *view;
    json_array_foreach(views, i, view)
    {
        const double other_s = tend_json_number(view, "onset_s", onset_s);
        if (fabs(other_s - onset_s) <= log_same_s) {
            sum += other_s;
            count++;
        }
    }
    return sum / count;
}

static enum tend_status add_log_evidence(const struct reading *reading, const json_t *evidence)
{
    const double around_s = isnan(reading->options.alarm_s) ? log_around_found_s : log_around_s;
    const double first_s = tend_json_number(evidence, "onset_s", 0);
    json_t *views = json_object_get(evidence, "views");
    const double middle_s = middle_of_views(views, first_s);
    size_t i;
    json_t *view;
    json_array_foreach(views, i, view)
    {
        const double onset_s = tend_json_number(view, "onset_s", first_s);
        const double near_s = fabs(onset_s - first_s) <= log_same_s ? middle_s : onset_s;
        if (json_object_set_new(view, "logs", tend_log_book_evidence(reading->book, near_s, around_s)) != 0) {
            tend_error_set(reading->error, "out of memory");
            return TEND_E_NOMEM;
        }
    }
    return TEND_OK;
}

static enum tend_status read_all(struct reading *reading, json_t **evidence)
{
    enum tend_status status = read_alarm(reading);
    status = status == TEND_OK ? read_topology(reading) : status;
    status = status == TEND_OK ? read_metrics(reading, evidence) : status;
    if (status != TEND_OK) {
        return status;
    }
    status = read_logs(reading, *evidence);
    if (status == TEND_OK && reading->book != NULL) {
        status = add_log_evidence(reading, *evidence);
    }
    if (status != TEND_OK) {
        json_decref(*evidence);
        *evidence = NULL;
    }
    return status;
}

enum tend_status tend_post_mortem_case_read(const struct tend_post_mortem_files *files, json_t **evidence,
                                            struct tend_error *error)
{
    struct reading reading = { .files = files, .error = error };
    reading.options = (struct tend_post_mortem_options){ .alarm_s = files->at_s, .uncertainty_s = files->around_s };
    const enum tend_status status = read_all(&reading, evidence);
    json_decref(reading.alarm);
    json_decref(reading.topology);
    tend_log_book_destroy(reading.book);
    json_decref(reading.services);
    return status;
}
