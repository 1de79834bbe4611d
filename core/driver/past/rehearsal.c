// The history leads: before each of its items the simulation goes on to that time, so that ticks, timers and runs
// happen in between as they would have.

#include "driver/past/rehearsal.h"

#include "base/buffer.h"
#include "base/hash_map.h"
#include "base/text.h"
#include "driver/past/rehearsal_document.h"
#include "driver/past/rehearsed_logs.h"
#include "driver/world/scenario_document.h"
#include "parse/duration.h"
#include "series/missing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    AFTER_LAST_MS = 50,     // the tick of the last samples, and what follows from it at once
    LOOKS_AT_CLOCK = 256,   // items between two looks
    PROGRESS_EVERY_MS = 200 // of real time
};

// What a history's instance is in the engine.
struct place {
    bool known;      // the rules watch its service
    size_t target;   // index in the engine; SIZE_MAX: none
    size_t *metrics; // where its metrics by hand lie in the definition; SIZE_MAX: the rules have no such metric
};

struct rehearsal {
    const struct tend_rehearsal_options *options;
    struct tend_simulation *simulation;
    struct tend_report_builder *builder;
    const struct tend_layout *no_series;
    struct tend_rehearsed_logs *logs;
    struct place *places;
    size_t place_count;
    double *given; // one a metric of the service with the most
    uint8_t *given_missing;
    size_t given_capacity;
    json_t *missing;
    json_t *noted; // texts in `missing`
    int64_t newest_ms;
    bool any_sample;
    json_int_t samples; // values that were there
};

static void *must(void *pointer)
{
    TEND_ASSERT(pointer != NULL);
    return pointer;
}

static void note_missing(struct rehearsal *rehearsal, const char *text)
{
    if (json_object_get(rehearsal->noted, text) == NULL) {
        (void)json_object_set_new(rehearsal->noted, text, json_true());
        (void)json_array_append_new(rehearsal->missing, tend_json_string(text, strlen(text)));
    }
}

// ---- instances ----

// A URL that is nobody else's; its host is the instance's own where that can be one.
static void put_url(const struct tend_history_instance *instance, size_t index, char *out, size_t bytes)
{
    static const char host[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:";
    const char *colon = strchr(instance->address, ':');
    const bool has_port = strlen(instance->address) < bytes / 2 && colon != NULL && colon != instance->address &&
                          colon[1] != '\0' && strlen(colon + 1) <= 5 &&
                          strspn(colon + 1, "0123456789") == strlen(colon + 1) &&
                          strspn(instance->address, host) == strlen(instance->address);
    if (has_port && atoi(colon + 1) > 0 && atoi(colon + 1) < 65536) { // NOLINT(cert-err34-c): digits, five at most
        (void)snprintf(out, bytes, "http://%s/metrics?of=%zu", instance->address, index);
    } else {
        (void)snprintf(out, bytes, "http://instance-%zu:9100/metrics", index);
    }
}

// Its labels, and a value for each {name} that the rules' texts mention and it lacks.
static json_t *labels_of(const struct rehearsal *rehearsal, const struct tend_history_instance *instance, size_t index)
{
    json_t *labels = tend_scenario_labels(rehearsal->options->sources, instance->service, index + 1);
    (void)json_object_del(labels, tend_scenario_service_label);
    (void)json_object_update(labels, (json_t *)(uintptr_t)instance->labels); // NOLINT(performance-no-int-to-ptr)
    (void)json_object_set_new(labels, tend_rehearsal_service_label, json_string(instance->service));
    return labels;
}

static void list_targets(struct rehearsal *rehearsal, const struct tend_history_instance *instances, size_t count)
{
    struct tend_discovered *targets = must(calloc(count + 1, sizeof *targets));
    char(*urls)[400] = must(calloc(count + 1, sizeof *urls));
    size_t listed = 0;
    for (size_t i = 0; i < count; i++) {
        if (rehearsal->places[i].known && !instances[i].gone) {
            put_url(&instances[i], i, urls[listed], sizeof urls[listed]);
            targets[listed] = (struct tend_discovered){ .url = urls[listed],
                                                        .address = instances[i].address,
                                                        .labels = labels_of(rehearsal, &instances[i], i) };
            listed++;
        }
    }
    tend_simulation_list_targets(rehearsal->simulation,
                                 &(struct tend_event_targets){ .discovery = 0, .targets = targets, .count = listed });
    for (size_t i = 0; i < listed; i++) {
        json_decref(targets[i].labels);
    }
    free(targets);
    free(urls);
}

static size_t metric_of(const struct tend_service_def *def, const char *name)
{
    for (size_t m = 0; m < def->metric_count; m++) {
        if (strcmp(def->metrics[m].name, name) == 0) {
            return m;
        }
    }
    return SIZE_MAX;
}

static void place_metrics(struct rehearsal *rehearsal, struct place *place,
                          const struct tend_history_instance *instance, const struct tend_service_def *def)
{
    free(place->metrics);
    place->metrics = must(calloc(instance->metric_count + 1, sizeof *place->metrics));
    for (size_t i = 0; i < instance->metric_count; i++) {
        place->metrics[i] = metric_of(def, instance->metrics[i]);
        if (place->metrics[i] == SIZE_MAX) {
            char text[600];
            tend_text_format(text, sizeof text, "%s:%s is in the source, but the rules have no such metric",
                             instance->service, instance->metrics[i]);
            note_missing(rehearsal, text);
        }
    }
    if (def->metric_count > rehearsal->given_capacity) {
        rehearsal->given = must(reallocarray(rehearsal->given, def->metric_count, sizeof *rehearsal->given));
        rehearsal->given_missing = must(realloc(rehearsal->given_missing, def->metric_count));
        rehearsal->given_capacity = def->metric_count;
    }
}

// Rates want two scrapes in the window; where the past was scraped less often than the rules would, they have none.
static void note_short_window(struct rehearsal *rehearsal, const struct tend_history_instance *instance,
                              const struct tend_service_def *def)
{
    if (instance->metrics == NULL && instance->every_ms > 0 && def->window_ms < 2 * instance->every_ms) {
        char every[TEND_DURATION_TEXT_BYTES];
        char window[TEND_DURATION_TEXT_BYTES];
        char text[400];
        (void)snprintf(text, sizeof text,
                       "%s: it was scraped every %s, and the rules look back %s: a rate needs two scrapes",
                       instance->service, tend_duration_format(instance->every_ms, every),
                       tend_duration_format(def->window_ms, window));
        note_missing(rehearsal, text);
    }
}

// Finds each instance among the engine's targets.
static void find_places(struct rehearsal *rehearsal, const struct tend_history_instance *instances, size_t count)
{
    const struct tend_engine *engine = tend_simulation_engine(rehearsal->simulation);
    struct tend_hash_map *by_name = NULL;
    struct tend_buffer name;
    tend_buffer_init(&name);
    TEND_ASSERT(tend_hash_map_create(&by_name) == TEND_OK);
    for (size_t i = 0; i < count; i++) {
        rehearsal->places[i].target = SIZE_MAX;
        if (rehearsal->places[i].known && !instances[i].gone) {
            tend_buffer_reset(&name);
            tend_buffer_printf(&name, "%s/%s", instances[i].service, instances[i].address);
            TEND_ASSERT(!name.failed &&
                        tend_hash_map_set(by_name, name.data, name.size, &rehearsal->places[i]) == TEND_OK);
        }
    }
    for (size_t t = 0; t < tend_engine_target_count(engine); t++) {
        const struct tend_target_view view = tend_engine_target(engine, t);
        struct place *place =
            view.url == NULL ? NULL : tend_hash_map_find(by_name, view.instance, strlen(view.instance));
        if (place != NULL) {
            place->target = t;
            place_metrics(rehearsal, place, &instances[place - rehearsal->places], view.def);
            tend_rehearsed_logs_list(rehearsal->logs, view.def, instances[place - rehearsal->places].logged);
            note_short_window(rehearsal, &instances[place - rehearsal->places], view.def);
        }
    }
    tend_hash_map_destroy(by_name);
    tend_buffer_clear(&name);
}

static void take_instances(struct rehearsal *rehearsal)
{
    size_t count;
    const struct tend_history_reader *history = rehearsal->options->history;
    const struct tend_history_instance *instances = history->instances(history->context, &count);
    if (count > rehearsal->place_count) {
        rehearsal->places = must(reallocarray(rehearsal->places, count, sizeof *rehearsal->places));
        memset(rehearsal->places + rehearsal->place_count, 0,
               (count - rehearsal->place_count) * sizeof *rehearsal->places);
        rehearsal->place_count = count;
    }
    for (size_t i = 0; i < count; i++) {
        rehearsal->places[i].known = tend_rehearsal_knows(rehearsal->options->document, instances[i].service);
        if (!rehearsal->places[i].known) {
            char text[400];
            tend_text_format(text, sizeof text, "%s is in the source, but the rules watch no such service",
                             instances[i].service);
            note_missing(rehearsal, text);
        }
    }
    list_targets(rehearsal, instances, count);
    tend_rehearsed_logs_begin(rehearsal->logs);
    find_places(rehearsal, instances, count);
}

// ---- logs ----

static void give_logs(struct rehearsal *rehearsal, int64_t at_ms, struct tend_event_logs logs)
{
    if (logs.count > 0) {
        struct tend_event event = { .kind = TEND_EVENT_LOGS, .logs = logs };
        tend_simulation_give(rehearsal->simulation, at_ms, &event);
    }
}

// ---- samples ----

static void give_measured(struct rehearsal *rehearsal, const struct place *place, const struct tend_history_item *item)
{
    const struct tend_engine *engine = tend_simulation_engine(rehearsal->simulation);
    const struct tend_service_def *def = tend_engine_target(engine, place->target).def;
    for (size_t m = 0; m < def->metric_count; m++) {
        rehearsal->given[m] = TEND_NO_DATA;
        rehearsal->given_missing[m] = TEND_MEASURED_AS_SCRAPED;
    }
    for (size_t i = 0; i < item->value_count; i++) {
        const size_t m = place->metrics[i];
        if (m != SIZE_MAX) {
            const double value = item->values[i];
            rehearsal->given[m] = value;
            rehearsal->given_missing[m] = (uint8_t)(isnan(value) ? TEND_MISSING_SERIES_GONE : TEND_HAS_DATA);
            rehearsal->samples += !isnan(value);
        }
    }
    struct tend_event event = { .kind = TEND_EVENT_MEASURED };
    event.measured = (struct tend_event_measured){ .target = place->target,
                                                   .values = rehearsal->given,
                                                   .missing = rehearsal->given_missing,
                                                   .count = def->metric_count };
    tend_simulation_give(rehearsal->simulation, item->at_ms, &event);
    event = (struct tend_event){ .kind = TEND_EVENT_SCRAPED };
    event.scraped = (struct tend_event_scraped){ .target = place->target,
                                                 .begun_ms = item->begun_ms,
                                                 .kind = TEND_SCRAPE_OK,
                                                 .reason = "",
                                                 .layout = rehearsal->no_series };
    tend_simulation_give(rehearsal->simulation, item->at_ms, &event);
}

static void give_scraped(struct rehearsal *rehearsal, const struct place *place, const struct tend_history_item *item)
{
    for (size_t i = 0; i < item->value_count; i++) {
        rehearsal->samples += !tend_is_stale(item->values[i]);
    }
    struct tend_event event = { .kind = TEND_EVENT_SCRAPED };
    event.scraped = (struct tend_event_scraped){ .target = place->target,
                                                 .begun_ms = item->begun_ms,
                                                 .duration_s = item->duration_s,
                                                 .kind = item->scrape,
                                                 .reason = item->reason,
                                                 .layout = item->layout,
                                                 .values = item->values,
                                                 .value_count = item->value_count };
    tend_simulation_give(rehearsal->simulation, item->at_ms, &event);
}

static void take_item(struct rehearsal *rehearsal, const struct tend_history_item *item)
{
    if (item->kind == TEND_HISTORY_INSTANCES) {
        (void)tend_simulation_run(rehearsal->simulation, item->at_ms);
        take_instances(rehearsal);
        give_logs(rehearsal, item->at_ms, tend_rehearsed_logs_done(rehearsal->logs));
        return;
    }
    if (item->kind == TEND_HISTORY_LOGS) {
        give_logs(rehearsal, item->at_ms, tend_rehearsed_logs_read(rehearsal->logs, item->logs));
        return;
    }
    const struct place *place = &rehearsal->places[item->instance];
    if (place->target == SIZE_MAX) {
        return;
    }
    rehearsal->any_sample = true;
    rehearsal->newest_ms = item->at_ms;
    if (item->kind == TEND_HISTORY_MEASURED) {
        give_measured(rehearsal, place, item);
    } else {
        give_scraped(rehearsal, place, item);
    }
}

// ---- the whole ----

static void no_act(void *context, const struct tend_world_act *act, int64_t at_ms, struct tend_world_outcome *out)
{
    (void)context;
    (void)act;
    (void)at_ms;
    out->outcome = "failed"; // no playbook is armed, so none gets here
    out->error = "the past does not change";
}

static void look(void *context, const struct tend_simulation *simulation)
{
    const struct rehearsal *rehearsal = context;
    tend_report_look(rehearsal->builder, simulation);
    if (rehearsal->options->look != NULL) {
        rehearsal->options->look(rehearsal->options->look_context, simulation);
    }
}

static void give_learned(struct rehearsal *rehearsal, int64_t at_ms)
{
    const struct tend_rehearsal_options *options = rehearsal->options;
    struct tend_event event = { .kind = TEND_EVENT_BASELINES,
                                .baselines = { .bytes = options->learned, .byte_count = options->learned_bytes } };
    if (options->learned_bytes > 0) {
        tend_simulation_give(rehearsal->simulation, at_ms, &event);
    }
}

static enum tend_status begin(struct rehearsal *rehearsal, int64_t at_ms, struct tend_error *error)
{
    const struct tend_rehearsal_options *options = rehearsal->options;
    size_t count;
    const struct tend_history_instance *instances = options->history->instances(options->history->context, &count);
    json_t *document = tend_rehearsal_document(options->document, instances, count);
    struct tend_ruleset *ruleset = NULL;
    enum tend_status status = tend_ruleset_create(document, options->hash, &ruleset, error);
    json_decref(document);
    if (status != TEND_OK) {
        return status;
    }
    const struct tend_simulation_options simulation = {
        .at_ms = at_ms,
        .sources = options->sources,
        .evaluator = options->evaluator,
        .ruleset = ruleset,
        .world = { .act = no_act },
    };
    const struct tend_report_options report = {
        .title = options->title,
        .source_kind = options->source_kind,
        .source_text = options->source_text,
        .generation = options->hash,
    };
    status = tend_simulation_create(&simulation, &rehearsal->simulation);
    if (status == TEND_OK) {
        status = tend_report_create(&report, &rehearsal->builder);
    }
    if (status == TEND_OK) {
        status = tend_layout_create(NULL, 0, &rehearsal->no_series);
    }
    rehearsal->logs = must(tend_rehearsed_logs_create());
    if (status == TEND_OK) {
        give_learned(rehearsal, at_ms);
        tend_simulation_watch(rehearsal->simulation, look, rehearsal);
        look(rehearsal, rehearsal->simulation);
    } else {
        tend_error_set(error, "%s", tend_status_text(status));
    }
    return status;
}

static int64_t clock_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void tell_progress(const struct rehearsal *rehearsal, int64_t at_ms, int64_t *told_ms)
{
    const struct tend_rehearsal_options *options = rehearsal->options;
    const int64_t now_ms = clock_ms();
    if (now_ms - *told_ms >= PROGRESS_EVERY_MS) {
        *told_ms = now_ms;
        options->on_progress(options->progress_context, options->history->progress(options->history->context), at_ms);
    }
}

static enum tend_status play(struct rehearsal *rehearsal, struct tend_error *error)
{
    const struct tend_rehearsal_options *options = rehearsal->options;
    int64_t told_ms = INT64_MIN / 2; // the first look is told at once
    for (size_t items = 0;; items++) {
        struct tend_history_item item;
        const enum tend_status status = options->history->next(options->history->context, &item, error);
        if (status != TEND_OK) {
            return status;
        }
        if (item.kind == TEND_HISTORY_END || item.at_ms > options->until_ms) {
            return TEND_OK;
        }
        if (rehearsal->simulation == NULL) {
            const enum tend_status begun =
                begin(rehearsal, item.at_ms > options->from_ms ? item.at_ms : options->from_ms, error);
            if (begun != TEND_OK) {
                return begun;
            }
        }
        if (item.kind == TEND_HISTORY_INSTANCES || item.at_ms >= options->from_ms) {
            take_item(rehearsal, &item);
        }
        if (options->on_progress != NULL && items % LOOKS_AT_CLOCK == 0) {
            tell_progress(rehearsal, item.at_ms, &told_ms);
        }
    }
}

static const struct tend_metric_def *find_metric(const struct tend_ruleset *ruleset, const char *service,
                                                 const char *metric)
{
    for (size_t d = 0; d < ruleset->discovery_count; d++) {
        for (size_t i = 0; i < ruleset->discoveries[d].override_count; i++) {
            const struct tend_service_def *def = ruleset->discoveries[d].overrides[i];
            const size_t m = strcmp(def->name, service) == 0 ? metric_of(def, metric) : SIZE_MAX;
            if (m != SIZE_MAX) {
                return &def->metrics[m];
            }
        }
    }
    return NULL;
}

// "ledger:memory never had a value: no series process_resident_memory_bytes"
static void note_no_value(struct rehearsal *rehearsal, const char *service, const char *metric)
{
    const struct tend_ruleset *ruleset = tend_engine_ruleset(tend_simulation_engine(rehearsal->simulation));
    const struct tend_metric_def *def = find_metric(ruleset, service, metric);
    struct tend_buffer text;
    tend_buffer_init(&text);
    tend_buffer_printf(&text, "%s:%s never had a value", service, metric);
    for (size_t i = 0; def != NULL && i < 2 && def->sources[i] != NULL; i++) {
        tend_buffer_put_text(&text, i == 0 ? ": no series " : ", or none of ");
        tend_selector_format(def->sources[i], &text);
    }
    note_missing(rehearsal, tend_buffer_text(&text));
    tend_buffer_clear(&text);
}

// Metrics of the rules that never had a value.
static void note_empty(struct rehearsal *rehearsal, const json_t *report)
{
    const json_t *metrics = json_object_get(report, "metrics");
    for (size_t i = 0; i < json_array_size(metrics); i++) {
        const json_t *metric = json_array_get(metrics, i);
        const json_t *points = json_object_get(metric, "points");
        bool any = tend_json_text(metric, "instance", "")[0] != '\0';
        for (size_t p = 0; p < json_array_size(points) && !any; p++) {
            any = !json_is_null(json_array_get(json_array_get(points, p), 1));
        }
        if (!any) {
            note_no_value(rehearsal, tend_json_text(metric, "service", ""), tend_json_text(metric, "metric", ""));
        }
    }
}

// Services that the rules watch and the history has no instance of.
static void note_absent(struct rehearsal *rehearsal, const json_t *definitions)
{
    size_t count;
    const struct tend_history_reader *history = rehearsal->options->history;
    const struct tend_history_instance *instances = history->instances(history->context, &count);
    for (size_t i = 0; i < json_array_size(definitions); i++) {
        const json_t *definition = json_array_get(definitions, i);
        const char *name = tend_json_text(definition, "name", "");
        bool any = !tend_json_bool(definition, "watched", true);
        for (size_t j = 0; j < count && !any; j++) {
            any = strcmp(instances[j].service, name) == 0;
        }
        if (!any) {
            char text[400];
            tend_text_format(text, sizeof text, "%s: the source has no instance of it", name);
            note_missing(rehearsal, text);
        }
    }
}

static json_t *finish(struct rehearsal *rehearsal)
{
    const struct tend_rehearsal_options *options = rehearsal->options;
    (void)tend_simulation_run(rehearsal->simulation, rehearsal->newest_ms + AFTER_LAST_MS);
    if (options->at_end != NULL) {
        options->at_end(options->at_end_context, rehearsal->simulation);
    }
    json_t *report = tend_report_document(rehearsal->builder);
    json_t *lacked = options->history->missing(options->history->context);
    for (size_t i = 0; i < json_array_size(lacked); i++) {
        note_missing(rehearsal, json_string_value(json_array_get(lacked, i)));
    }
    json_decref(lacked);
    char lacking[600];
    if (tend_rehearsed_logs_lacking(rehearsal->logs, lacking, sizeof lacking)) {
        note_missing(rehearsal, lacking);
    }
    note_absent(rehearsal, json_object_get(options->document, "services"));
    const json_t *discoveries = json_object_get(options->document, "discoveries");
    for (size_t i = 0; i < json_array_size(discoveries); i++) {
        note_absent(rehearsal, json_object_get(json_array_get(discoveries, i), "overrides"));
    }
    note_empty(rehearsal, report);
    (void)json_object_set(report, "missing", rehearsal->missing);
    (void)json_object_set_new(json_object_get(report, "sums"), "samples", json_integer(rehearsal->samples));
    return report;
}

static json_t *records_of(const struct tend_simulation *simulation)
{
    size_t count;
    const struct tend_record *records = tend_simulation_records(simulation, &count);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(
            list, json_pack("{s:I, s:I, s:s, s:s, s:O}", "number", (json_int_t)records[i].number, "at_ms",
                            (json_int_t)records[i].at_ms, "kind", tend_record_kind_text(records[i].kind), "key",
                            records[i].key, "body", records[i].body));
    }
    return list;
}

static void clear(struct rehearsal *rehearsal)
{
    tend_simulation_destroy(rehearsal->simulation);
    tend_report_destroy(rehearsal->builder);
    tend_layout_release(rehearsal->no_series);
    tend_rehearsed_logs_destroy(rehearsal->logs);
    for (size_t i = 0; i < rehearsal->place_count; i++) {
        free(rehearsal->places[i].metrics);
    }
    free(rehearsal->places);
    free(rehearsal->given);
    free(rehearsal->given_missing);
    json_decref(rehearsal->missing);
    json_decref(rehearsal->noted);
}

enum tend_status tend_rehearsal_play(const struct tend_rehearsal_options *options, json_t **report, json_t **records,
                                     struct tend_error *error)
{
    struct rehearsal rehearsal = { .options = options, .missing = json_array(), .noted = json_object() };
    enum tend_status status = play(&rehearsal, error);
    if (status == TEND_OK && !rehearsal.any_sample) {
        tend_error_set(
            error, "%s: there is no sample of a service that the rules watch, in the time that was asked for%s%s",
            options->source_text, json_array_size(rehearsal.missing) > 0 ? "; " : "",
            json_array_size(rehearsal.missing) > 0 ? json_string_value(json_array_get(rehearsal.missing, 0)) : "");
        status = TEND_E_INVALID;
    }
    if (status == TEND_OK) {
        *report = finish(&rehearsal);
        if (records != NULL) {
            *records = records_of(rehearsal.simulation);
        }
    }
    clear(&rehearsal);
    return status;
}
