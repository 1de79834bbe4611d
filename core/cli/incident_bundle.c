// The recording is read twice: first its newest generation before the incident, which says how far back its windows
// reach, then the parts to be written. What is small and must be there before the first segment is written first.

#include "cli/incident_bundle.h"

#include "recording/bundle_writer.h"
#include "recording/recording_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BEFORE_MS = 120000, AFTER_MS = 60000, DEFAULT_WINDOW_MS = 60000 };

struct cut {
    const struct tend_incident_bundle_options *options;
    char *directory; // of the segments
    json_t *rows;    // the incident's journal rows, and the sources of its runs
    json_t *services;
    json_t *generations; // hash → true, of its runs and of the parts
    int64_t from_ms, until_ms;
    struct tend_bundle_writer *writer;
    bool failed; // a record could not be kept: out of memory

    int64_t first_ms, first_wall_ms, last_ms, last_wall_ms; // of what was written
    json_int_t segments, events;
};

static enum tend_status no_memory(struct tend_error *error)
{
    tend_error_set(error, "out of memory");
    return TEND_E_NOMEM;
}

// ---- the journal ----

static bool take_row(void *context, const struct tend_record *record)
{
    struct cut *cut = context;
    json_t *row = json_pack("{s:I, s:I, s:I, s:s, s:s, s:s?, s:b, s:O?}", "number", (json_int_t)record->number, "at_ms",
                            (json_int_t)record->at_ms, "wall_ms", (json_int_t)record->wall_ms, "kind",
                            tend_record_kind_text(record->kind), "key", record->key, "incident", record->incident,
                            "open", record->open, "body", record->body);
    cut->failed = cut->failed || row == NULL || json_array_append_new(cut->rows, row) != 0;
    const char *generation = record->kind == TEND_RECORD_RUN ? tend_json_text(record->body, "generation", NULL) : NULL;
    if (generation != NULL) {
        (void)json_object_set_new(cut->generations, generation, json_true());
    }
    const json_t *services = record->kind == TEND_RECORD_INCIDENT ? json_object_get(record->body, "services") : NULL;
    for (size_t i = 0; i < json_array_size(services); i++) {
        const char *name = json_string_value(json_array_get(services, i));
        if (name != NULL) {
            (void)json_object_set_new(cut->services, name, json_true());
        }
    }
    return !cut->failed;
}

// The sources of a run that began before the part of the recording that is cut out are only in the journal.
static enum tend_status read_journal(struct cut *cut, struct tend_error *error)
{
    struct tend_journal *journal = cut->options->journal;
    enum tend_status status = tend_journal_read_incident(journal, cut->options->span.id, take_row, cut, error);
    json_t *generations = json_incref(cut->generations);
    for (void *at = json_object_iter(generations); status == TEND_OK && at != NULL;
         at = json_object_iter_next(generations, at)) {
        const char *hash = json_object_iter_key(at);
        json_t *body = NULL;
        status = tend_journal_find_source(journal, hash, &body, error);
        if (status == TEND_OK && body != NULL) {
            json_t *row = json_pack("{s:s, s:s, s:o}", "kind", "source", "key", hash, "body", body);
            cut->failed = cut->failed || row == NULL || json_array_append_new(cut->rows, row) != 0;
        }
    }
    json_decref(generations);
    return cut->failed ? no_memory(error) : status;
}

// ---- how far back ----

// The window of a service of the incident by that name; one that discovery makes has its template's.
static int64_t longest_window(const struct cut *cut, const json_t *document)
{
    int64_t longest_ms = 0;
    size_t named = 0;
    const json_t *services = json_object_get(document, "services");
    for (size_t i = 0; i < json_array_size(services); i++) {
        const json_t *service = json_array_get(services, i);
        if (json_object_get(cut->services, tend_json_text(service, "name", "")) != NULL) {
            const int64_t window_ms = tend_json_integer(service, "window_ms", DEFAULT_WINDOW_MS);
            longest_ms = window_ms > longest_ms ? window_ms : longest_ms;
            named++;
        }
    }
    const json_t *discoveries =
        named == json_object_size(cut->services) ? NULL : json_object_get(document, "discoveries");
    for (size_t i = 0; i < json_array_size(discoveries); i++) {
        const json_t *template = json_object_get(json_array_get(discoveries, i), "template");
        const int64_t window_ms = tend_json_integer(template, "window_ms", DEFAULT_WINDOW_MS);
        longest_ms = window_ms > longest_ms ? window_ms : longest_ms;
    }
    return longest_ms;
}

static enum tend_status find_beginning(struct cut *cut, struct tend_error *error)
{
    struct tend_recording_reader *reader = NULL;
    struct tend_recorded part = { .kind = TEND_RECORDED_HEADER };
    int64_t before_ms = BEFORE_MS;
    enum tend_status status = tend_recording_open(cut->directory, &reader, error);
    if (status == TEND_OK) {
        status = tend_recording_seek(reader, cut->options->span.first_ms, error);
    }
    while (status == TEND_OK && part.kind != TEND_RECORDED_EVENT) {
        status = tend_recording_next(reader, &part, error);
        if (status == TEND_OK && part.kind == TEND_RECORDED_GENERATION) {
            const int64_t window_ms = longest_window(cut, part.generation.document);
            before_ms = window_ms > before_ms ? window_ms : before_ms;
        }
    }
    cut->from_ms = cut->options->span.first_ms - before_ms;
    cut->until_ms =
        cut->options->span.ended_ms > INT64_MAX - AFTER_MS ? INT64_MAX : cut->options->span.ended_ms + AFTER_MS;
    tend_recording_close(reader);
    return status == TEND_END ? TEND_OK : status;
}

// ---- writing ----

static enum tend_status put_json(struct cut *cut, enum tend_recorded_kind kind, json_t *json, struct tend_error *error)
{
    const struct tend_recorded part = { .kind = kind, .json = json };
    return json == NULL ? no_memory(error) : tend_bundle_writer_put(cut->writer, &part, error);
}

static int64_t now_wall_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static enum tend_status put_front(struct cut *cut, json_t *note, struct tend_error *error)
{
    enum tend_status status = put_json(cut, TEND_RECORDED_NOTE, note, error);
    for (size_t i = 0; status == TEND_OK && i < json_array_size(cut->rows); i++) {
        status = put_json(cut, TEND_RECORDED_JOURNAL, json_array_get(cut->rows, i), error);
    }
    return status;
}

// The first segment's header continues nothing that is in the bundle.
static enum tend_status put_header(struct cut *cut, struct tend_recorded *part, struct tend_error *error)
{
    json_t *header = json_copy(part->json);
    if (header == NULL || (cut->segments == 0 && json_object_set_new(header, "continues", json_false()) != 0)) {
        json_decref(header);
        return no_memory(error);
    }
    if (cut->segments++ == 0) {
        cut->first_ms = tend_json_integer(header, "at_ms", 0);
        cut->first_wall_ms = tend_json_integer(header, "wall_ms", 0);
    }
    struct tend_recorded changed = *part;
    changed.json = header;
    const enum tend_status status = tend_bundle_writer_put(cut->writer, &changed, error);
    json_decref(header);
    return status;
}

static enum tend_status put_part(struct cut *cut, struct tend_recorded *part, struct tend_error *error)
{
    if (part->kind == TEND_RECORDED_HEADER) {
        return put_header(cut, part, error);
    }
    if (part->kind == TEND_RECORDED_GENERATION) {
        (void)json_object_set_new(cut->generations, part->generation.hash, json_true());
    } else if (part->kind == TEND_RECORDED_EVENT) {
        cut->events++;
        cut->last_ms = part->event.at_ms;
        cut->last_wall_ms = part->event.wall_ms;
        if (part->event.kind == TEND_EVENT_GENERATION) {
            (void)json_object_set_new(cut->generations, part->next_generation.hash, json_true());
        }
    }
    return tend_bundle_writer_put(cut->writer, part, error);
}

// A header after the end begins a segment that is not wanted any more; neither is what a bundle of its own has.
static bool is_past(const struct cut *cut, const struct tend_recorded *part)
{
    return (part->kind == TEND_RECORDED_EVENT && part->event.at_ms > cut->until_ms) ||
           (part->kind == TEND_RECORDED_HEADER && tend_json_integer(part->json, "at_ms", 0) > cut->until_ms);
}

static void tell_progress(const struct cut *cut, const struct tend_recorded *part)
{
    const int64_t end_ms = cut->until_ms == INT64_MAX ? cut->last_ms : cut->until_ms;
    if (cut->options->on_progress != NULL && part->kind == TEND_RECORDED_EVENT && end_ms > cut->first_ms) {
        cut->options->on_progress(cut->options->context,
                                  (double)(part->event.at_ms - cut->first_ms) / (double)(end_ms - cut->first_ms),
                                  part->event.wall_ms);
    }
}

static enum tend_status put_parts(struct cut *cut, struct tend_error *error)
{
    struct tend_recording_reader *reader = NULL;
    enum tend_status status = tend_recording_open(cut->directory, &reader, error);
    if (status == TEND_OK) {
        status = tend_recording_seek(reader, cut->from_ms, error);
    }
    while (status == TEND_OK) {
        struct tend_recorded part;
        status = tend_recording_next(reader, &part, error);
        if (status == TEND_OK) {
            if (is_past(cut, &part)) {
                break;
            }
            status = put_part(cut, &part, error);
            tell_progress(cut, &part);
        }
    }
    tend_recording_close(reader);
    if ((status == TEND_OK || status == TEND_END) &&
        (cut->events == 0 || cut->first_ms > cut->options->span.ended_ms)) {
        tend_error_set(error, "nothing of incident %s is in the recording any more", cut->options->span.id);
        return TEND_E_INVALID;
    }
    return status == TEND_END ? TEND_OK : status;
}

static enum tend_status write_file(struct cut *cut, json_t *note, struct tend_error *error)
{
    uint64_t bytes = 0;
    enum tend_status status = tend_bundle_writer_create(cut->options->path, &cut->writer, error);
    if (status == TEND_OK) {
        status = put_front(cut, note, error);
    }
    if (status == TEND_OK) {
        status = put_parts(cut, error);
    }
    if (status == TEND_OK) {
        status = tend_bundle_writer_finish(cut->writer, &bytes, error);
    }
    if (status != TEND_OK) {
        return status;
    }
    const struct tend_incident_span *span = &cut->options->span;
    json_t *more =
        json_pack("{s:I, s:I, s:I, s:I, s:b, s:f, s:b, s:I, s:I, s:I, s:I, s:I}", "from_ms", (json_int_t)cut->first_ms,
                  "from_wall_ms", (json_int_t)cut->first_wall_ms, "until_ms", (json_int_t)cut->last_ms, "until_wall_ms",
                  (json_int_t)cut->last_wall_ms, "open", span->ended_ms == INT64_MAX, "before_s",
                  (double)(span->first_ms - cut->first_ms) / 1000.0, "whole",
                  cut->first_ms <= span->first_ms && span->ended_ms <= cut->last_ms, "segments", cut->segments,
                  "events", cut->events, "journal_rows", (json_int_t)json_array_size(cut->rows), "generations",
                  (json_int_t)json_object_size(cut->generations), "bytes", (json_int_t)bytes);
    status = more == NULL || json_object_update(note, more) != 0 ? no_memory(error) : TEND_OK;
    json_decref(more);
    return status;
}

enum tend_status tend_incident_bundle_write(const struct tend_incident_bundle_options *options, json_t **note,
                                            struct tend_error *error)
{
    struct cut cut = { .options = options };
    cut.rows = json_array();
    cut.services = json_object();
    cut.generations = json_object();
    json_t *about = json_pack("{s:s, s:s, s:I}", "incident", options->span.id, "tend", TEND_VERSION, "exported_wall_ms",
                              (json_int_t)now_wall_ms());
    enum tend_status status = TEND_OK;
    if (cut.rows == NULL || cut.services == NULL || cut.generations == NULL || about == NULL ||
        asprintf(&cut.directory, "%s/recording", options->state_dir) < 0) {
        cut.directory = NULL;
        status = no_memory(error);
    }
    if (status == TEND_OK) {
        status = read_journal(&cut, error);
    }
    if (status == TEND_OK) {
        status = find_beginning(&cut, error);
    }
    if (status == TEND_OK) {
        status = write_file(&cut, about, error);
    }
    if (status == TEND_OK) {
        *note = json_incref(about);
    }
    tend_bundle_writer_destroy(cut.writer);
    json_decref(cut.rows);
    json_decref(cut.services);
    json_decref(cut.generations);
    json_decref(about);
    free(cut.directory);
    return status;
}
