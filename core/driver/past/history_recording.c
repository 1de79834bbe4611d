// The recorded engine goes along, so that a target's index is known as the instance that it was when the event came.
// What its table of targets depends on is given to it: checkpoints, generations and lists of targets. The rest is not,
// so it ticks, asks and decides nothing here.

#include "driver/past/history_recording.h"

#include "base/hash_map.h"
#include "driver/past/selected_series.h"
#include "engine/checkpoint.h"
#include "recording/event_check.h"
#include "recording/recording_reader.h"

#include <stdlib.h>
#include <string.h>

struct known_instance {
    char *service, *address;
    json_t *labels;
    int64_t every_ms;
    bool gone, logged;
};

struct recording_history {
    struct tend_recording_reader *reader;
    struct tend_engine *engine; // NULL: no checkpoint yet
    char hash[65];              // of the segment's generation; "": none
    json_t *document;
    struct known_instance *known;
    size_t known_count;
    struct tend_history_instance *views;
    struct tend_hash_map *by_name; // "service/address" → index + 1
    size_t *by_target;             // target index → instance; SIZE_MAX: none
    size_t target_count;
    int64_t newest_ms; // INT64_MIN: nothing yet
    bool changed;      // the instances, since they were told last
    bool at_end;
    bool holds; // `held` was read, and the instances must be told first
    struct tend_recorded held;
    json_t *torn;                      // where, or NULL
    const struct tend_ruleset *others; // whose rules run over it; NULL: not said
    json_t *lacking;                   // text → true: what those select and was not recorded
    char compared[65];                 // the generation that `lacking` is about, among others
};

static void *must(void *pointer)
{
    TEND_ASSERT(pointer != NULL);
    return pointer;
}

// ---- instances ----

static size_t know(struct recording_history *history, const struct tend_target_view *target)
{
    const size_t bytes = strlen(target->instance);
    size_t index = (size_t)(uintptr_t)tend_hash_map_find(history->by_name, target->instance, bytes);
    if (index == 0) {
        history->known = must(reallocarray(history->known, history->known_count + 1, sizeof *history->known));
        const char *slash = strchr(target->instance + strlen(target->service), '/');
        history->known[history->known_count] =
            (struct known_instance){ .service = must(strdup(target->service)),
                                     .address = must(strdup(slash == NULL ? "1" : slash + 1)) };
        index = ++history->known_count;
        // NOLINTNEXTLINE(performance-no-int-to-ptr): the map holds pointers; an index plus one is as good
        TEND_ASSERT(tend_hash_map_set(history->by_name, target->instance, bytes, (void *)(uintptr_t)index) == TEND_OK);
    }
    struct known_instance *known = &history->known[index - 1];
    json_decref(known->labels);
    known->labels = target->labels == NULL ? must(json_object()) : must(json_deep_copy(target->labels));
    known->every_ms = target->every_ms;
    known->gone = false;
    const bool logged = target->def->logs.file_count > 0;
    history->changed = history->changed || known->logged != logged;
    known->logged = logged;
    return index - 1;
}

// Takes up the engine's table of targets. It is another one only when an instance came or went, or its log is read or
// no longer: each segment begins with a table.
static void take_targets(struct recording_history *history)
{
    const size_t count = tend_engine_target_count(history->engine);
    const size_t known_before = history->known_count;
    bool *gone_before = must(calloc(known_before + 1, sizeof *gone_before));
    for (size_t i = 0; i < known_before; i++) {
        gone_before[i] = history->known[i].gone;
        history->known[i].gone = true;
    }
    history->by_target = must(reallocarray(history->by_target, count + 1, sizeof *history->by_target));
    for (size_t i = 0; i < count; i++) {
        const struct tend_target_view target = tend_engine_target(history->engine, i);
        history->by_target[i] = target.url == NULL ? SIZE_MAX : know(history, &target);
    }
    history->target_count = count;
    history->changed = history->changed || history->known_count != known_before;
    for (size_t i = 0; i < known_before; i++) {
        history->changed = history->changed || history->known[i].gone != gone_before[i];
    }
    free(gone_before);
}

// ---- what the engine is given ----

static void step(struct recording_history *history, const struct tend_event *event)
{
    struct tend_effects effects;
    tend_effects_init(&effects);
    tend_engine_step(history->engine, event, &effects);
    tend_effects_clear(&effects);
    take_targets(history);
}

static enum tend_status make_ruleset(json_t *document, const char *hash, struct tend_ruleset **out,
                                     struct tend_error *error)
{
    struct tend_error fault;
    const enum tend_status status = tend_ruleset_create(document, hash, out, &fault);
    if (status != TEND_OK) {
        tend_error_set(error, "the rules in the recording cannot be used: %s", fault.text);
    }
    return status;
}

// What the others select and the generation in use did not.
static void compare(struct recording_history *history)
{
    const struct tend_ruleset *recorded = history->engine == NULL ? NULL : tend_engine_ruleset(history->engine);
    if (history->others == NULL || recorded == NULL || strcmp(recorded->hash, history->compared) == 0) {
        return;
    }
    (void)snprintf(history->compared, sizeof history->compared, "%s", recorded->hash);
    json_t *lacking = tend_selected_series_lacking(recorded, history->others);
    for (size_t i = 0; i < json_array_size(lacking); i++) {
        (void)json_object_set_new(history->lacking, json_string_value(json_array_get(lacking, i)), json_true());
    }
    json_decref(lacking);
}

void tend_history_recording_compare(struct tend_history_reader *reader, const struct tend_ruleset *others)
{
    struct recording_history *history = reader->context;
    history->others = others;
    compare(history);
}

static enum tend_status take_checkpoint(struct recording_history *history, const struct tend_recorded *part,
                                        struct tend_error *error)
{
    struct tend_ruleset *ruleset = NULL;
    if (history->document != NULL) {
        const enum tend_status status = make_ruleset(history->document, history->hash, &ruleset, error);
        if (status != TEND_OK) {
            return status;
        }
    }
    tend_engine_destroy(history->engine);
    history->engine = NULL;
    const enum tend_status status =
        tend_engine_load(part->checkpoint.bytes, part->checkpoint.byte_count, ruleset, &history->engine, error);
    if (status == TEND_OK) {
        take_targets(history);
        compare(history);
    }
    return status;
}

static enum tend_status take_generation(struct recording_history *history, const struct tend_recorded *part,
                                        struct tend_error *error)
{
    struct tend_event event = part->event;
    const enum tend_status status =
        make_ruleset(part->next_generation.document, part->next_generation.hash, &event.generation.ruleset, error);
    if (status == TEND_OK) {
        step(history, &event);
        compare(history);
    }
    return status;
}

static void take_header_generation(struct recording_history *history, const struct tend_recorded *part)
{
    json_decref(history->document);
    history->document = json_incref(part->generation.document);
    (void)snprintf(history->hash, sizeof history->hash, "%s", part->generation.hash);
}

// An event: either the table of targets follows it, or it is a scrape or what logs said. @param[out] is_item  it is one
static enum tend_status take_event(struct recording_history *history, const struct tend_recorded *part, bool *is_item,
                                   struct tend_error *error)
{
    const struct tend_event *event = &part->event;
    *is_item = false;
    if (history->engine == NULL) {
        return TEND_OK;
    }
    const char *fault = tend_event_check(part);
    if (fault != NULL) {
        tend_error_set(error, "byte %llu: %s", (unsigned long long)part->at_byte, fault);
        return TEND_E_CORRUPT;
    }
    history->newest_ms = event->at_ms > history->newest_ms ? event->at_ms : history->newest_ms;
    if (event->kind == TEND_EVENT_GENERATION) {
        return take_generation(history, part, error);
    }
    if (event->kind == TEND_EVENT_TARGETS) {
        step(history, event);
    }
    *is_item = (event->kind == TEND_EVENT_LOGS && history->known_count > 0) ||
               (event->kind == TEND_EVENT_SCRAPED && event->scraped.target < history->target_count &&
                history->by_target[event->scraped.target] != SIZE_MAX);
    return TEND_OK;
}

static enum tend_status take_part(struct recording_history *history, const struct tend_recorded *part, bool *is_item,
                                  struct tend_error *error)
{
    *is_item = false;
    switch (part->kind) {
    case TEND_RECORDED_HEADER:
        json_decref(history->document);
        history->document = NULL;
        return TEND_OK;
    case TEND_RECORDED_GENERATION:
        take_header_generation(history, part);
        return TEND_OK;
    case TEND_RECORDED_CHECKPOINT:
        return take_checkpoint(history, part, error);
    case TEND_RECORDED_EVENT:
        return take_event(history, part, is_item, error);
    case TEND_RECORDED_OUTCOME:
    case TEND_RECORDED_JOURNAL:
    case TEND_RECORDED_NOTE:
        return TEND_OK;
    }
    return TEND_OK;
}

// ---- the reader ----

static void put_held(const struct recording_history *history, struct tend_history_item *out)
{
    if (history->held.event.kind == TEND_EVENT_LOGS) {
        *out = (struct tend_history_item){
            .kind = TEND_HISTORY_LOGS, .at_ms = history->newest_ms, .reason = "", .logs = &history->held.event.logs
        };
        return;
    }
    const struct tend_event_scraped *scraped = &history->held.event.scraped;
    *out = (struct tend_history_item){ .kind = TEND_HISTORY_SCRAPED,
                                       .at_ms = history->newest_ms,
                                       .instance = history->by_target[scraped->target],
                                       .begun_ms = scraped->begun_ms,
                                       .duration_s = scraped->duration_s,
                                       .scrape = scraped->kind,
                                       .reason = scraped->reason,
                                       .layout = scraped->layout,
                                       .values = scraped->values,
                                       .value_count = scraped->value_count };
}

// Reads on to the next item, or to the end.
static enum tend_status read_on(struct recording_history *history, struct tend_error *error)
{
    while (!history->holds && !history->at_end) {
        struct tend_error fault = { "" };
        enum tend_status status = tend_recording_next(history->reader, &history->held, &fault);
        if (status == TEND_END) {
            history->at_end = true;
            if (tend_recording_torn(history->reader)) {
                history->torn = tend_json_string(fault.text, strlen(fault.text));
            }
            return TEND_OK;
        }
        if (status == TEND_OK) {
            status = take_part(history, &history->held, &history->holds, &fault);
        }
        if (status != TEND_OK) {
            tend_error_set(error, "%s", fault.text);
            return status;
        }
    }
    return TEND_OK;
}

static enum tend_status recording_next(void *context, struct tend_history_item *out, struct tend_error *error)
{
    struct recording_history *history = context;
    const enum tend_status status = read_on(history, error);
    if (status != TEND_OK) {
        return status;
    }
    *out = (struct tend_history_item){ .kind = TEND_HISTORY_END, .at_ms = history->newest_ms, .reason = "" };
    if (history->changed) {
        history->changed = false;
        out->kind = TEND_HISTORY_INSTANCES;
    } else if (history->holds) {
        history->holds = false;
        put_held(history, out);
    }
    return TEND_OK;
}

static const struct tend_history_instance *recording_instances(void *context, size_t *count)
{
    struct recording_history *history = context;
    history->views = must(reallocarray(history->views, history->known_count + 1, sizeof *history->views));
    for (size_t i = 0; i < history->known_count; i++) {
        const struct known_instance *known = &history->known[i];
        history->views[i] = (struct tend_history_instance){ .service = known->service,
                                                            .address = known->address,
                                                            .labels = known->labels,
                                                            .every_ms = known->every_ms,
                                                            .gone = known->gone,
                                                            .logged = known->logged };
    }
    *count = history->known_count;
    return history->views;
}

static json_t *recording_missing(void *context)
{
    const struct recording_history *history = context;
    json_t *missing = json_array();
    if (history->torn != NULL) {
        (void)json_array_append(missing, history->torn);
    }
    const char *text;
    json_t *ignored;
    json_object_foreach(history->lacking, text, ignored)
    {
        (void)json_array_append_new(missing, tend_json_string(text, strlen(text)));
    }
    return missing;
}

static double recording_progress(void *context)
{
    const struct recording_history *history = context;
    uint64_t done;
    uint64_t all;
    tend_recording_progress(history->reader, &done, &all);
    return all == 0 ? 1.0 : (double)done / (double)all;
}

static void recording_destroy(void *context)
{
    struct recording_history *history = context;
    if (history == NULL) {
        return;
    }
    for (size_t i = 0; i < history->known_count; i++) {
        free(history->known[i].service);
        free(history->known[i].address);
        json_decref(history->known[i].labels);
    }
    free(history->known);
    free(history->views);
    free(history->by_target);
    tend_hash_map_destroy(history->by_name);
    tend_engine_destroy(history->engine);
    json_decref(history->document);
    json_decref(history->torn);
    json_decref(history->lacking);
    tend_recording_close(history->reader);
    free(history);
}

enum tend_status tend_history_recording_open(const char *path, int64_t from_ms, struct tend_history_reader *out,
                                             struct tend_error *error)
{
    struct recording_history *history = must(calloc(1, sizeof *history));
    history->newest_ms = INT64_MIN;
    history->lacking = must(json_object());
    enum tend_status status = tend_hash_map_create(&history->by_name);
    if (status == TEND_OK) {
        status = tend_recording_open(path, &history->reader, error);
    }
    if (status == TEND_OK && from_ms != INT64_MIN) {
        status = tend_recording_seek(history->reader, from_ms, error);
        status = status == TEND_END ? TEND_OK : status;
    }
    if (status == TEND_OK) {
        status = read_on(history, error); // the first item, so that instances and the time are known
    }
    if (status != TEND_OK) {
        recording_destroy(history);
        return status;
    }
    *out = (struct tend_history_reader){
        .context = history,
        .next = recording_next,
        .instances = recording_instances,
        .missing = recording_missing,
        .progress = recording_progress,
        .destroy = recording_destroy,
    };
    return TEND_OK;
}
