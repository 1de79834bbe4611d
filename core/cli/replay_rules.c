#include "cli/replay_rules.h"

#include "driver/live/rules_dir.h"
#include "driver/past/history_recording.h"
#include "driver/past/rehearsal.h"
#include "driver/past/report_change.h"
#include "driver/past/selected_series.h"
#include "recording/event_check.h"
#include "recording/recording_reader.h"

#include <stdio.h>
#include <string.h>

// One generation of rules, ready to be played.
struct rules {
    json_t *sources;
    json_t *document;
    char hash[65];
    struct tend_awaited_evaluator *evaluator;
    json_t *report;
};

// Whose turn it is, so that the bar goes once from end to end.
struct half {
    const struct tend_replay_rules_options *options;
    double before;
};

static void rules_clear(struct rules *rules)
{
    tend_awaited_evaluator_destroy(rules->evaluator);
    json_decref(rules->sources);
    json_decref(rules->document);
    json_decref(rules->report);
}

// Loads the sources. What they declare is the document, unless a recording has it.
static enum tend_status load(struct rules *rules, const char *name, struct tend_error *error)
{
    if (tend_awaited_evaluator_create(rules->sources, &rules->evaluator) != TEND_OK) {
        tend_error_set(error, "out of memory");
        return TEND_E_NOMEM;
    }
    struct tend_awaited_reply reply = tend_awaited_evaluator_load(rules->evaluator);
    const json_t *errors = json_object_get(reply.json, "errors");
    enum tend_status status = TEND_OK;
    if (reply.json == NULL) {
        tend_error_set(error, "%s: loading the rules did not end: %s", name, reply.reason);
        status = TEND_E_INVALID;
    } else if (json_array_size(errors) > 0) {
        const json_t *first = json_array_get(errors, 0);
        tend_error_set(error, "%s: %s: %s", name, tend_json_text(first, "at", ""), tend_json_text(first, "text", ""));
        status = TEND_E_INVALID;
    } else if (rules->document == NULL) {
        rules->document = json_incref(reply.json);
    }
    tend_awaited_reply_clear(&reply);
    return status;
}

static enum tend_status load_others(const struct tend_replay_rules_options *options, struct rules *rules,
                                    struct tend_error *error)
{
    const enum tend_status status = tend_rules_dir_read(options->dir, options->env, NULL, &rules->sources, error);
    if (status != TEND_OK) {
        return status;
    }
    tend_rules_dir_hash(rules->sources, rules->hash);
    return load(rules, options->dir, error);
}

// @return false: it is none that can be loaded
static bool take_generation(struct rules *rules, const struct tend_recorded *part)
{
    const bool is_event = part->kind == TEND_RECORDED_EVENT && part->event.kind == TEND_EVENT_GENERATION;
    if ((part->kind != TEND_RECORDED_GENERATION && !is_event) || (is_event && tend_event_check(part) != NULL)) {
        return false;
    }
    json_t *sources = is_event ? part->event.generation.sources : part->generation.sources;
    if (!json_is_object(sources)) {
        return false;
    }
    rules->sources = json_incref(sources);
    rules->document = json_incref(is_event ? part->next_generation.document : part->generation.document);
    (void)snprintf(rules->hash, sizeof rules->hash, "%s",
                   is_event ? part->next_generation.hash : part->generation.hash);
    return true;
}

// The first generation that was in force.
static enum tend_status load_recorded(const struct tend_replay_rules_options *options, struct rules *rules,
                                      struct tend_error *error)
{
    struct tend_recording_reader *reader = NULL;
    enum tend_status status = tend_recording_open(options->recording, &reader, error);
    if (status == TEND_OK && options->from_ms != INT64_MIN) {
        status = tend_recording_seek(reader, options->from_ms, error);
    }
    bool found = false;
    while (status == TEND_OK && !found) {
        struct tend_recorded part;
        status = tend_recording_next(reader, &part, error);
        found = status == TEND_OK && take_generation(rules, &part);
    }
    tend_recording_close(reader);
    if (status == TEND_END) {
        tend_error_set(error, "%s: no rules were in use while it was recorded", options->recording);
        status = TEND_E_INVALID;
    }
    return status == TEND_OK ? load(rules, "the recorded rules", error) : status;
}

static void show(void *context, double done, int64_t at_ms)
{
    const struct half *half = context;
    if (half->options->on_progress != NULL) {
        half->options->on_progress(half->options->context, half->before + done / 2.0, at_ms);
    }
}

static enum tend_status play(const struct tend_replay_rules_options *options, struct rules *rules, double before,
                             struct tend_error *error)
{
    struct tend_history_reader history;
    struct half half = { .options = options, .before = before };
    enum tend_status status = tend_history_recording_open(options->recording, options->from_ms, &history, error);
    if (status != TEND_OK) {
        return status;
    }
    const struct tend_rehearsal_options rehearsal = {
        .document = rules->document,
        .hash = rules->hash,
        .sources = rules->sources,
        .evaluator = rules->evaluator,
        .history = &history,
        .from_ms = options->from_ms,
        .until_ms = options->until_ms,
        .title = "",
        .source_kind = "replay",
        .source_text = options->recording,
        .on_progress = show,
        .progress_context = &half,
    };
    status = tend_rehearsal_play(&rehearsal, &rules->report, NULL, error);
    history.destroy(history.context);
    return status;
}

// Series that the others select and that were not recorded, and what else the history lacks.
static enum tend_status missing_of(const struct rules *was, const struct rules *now, json_t **out,
                                   struct tend_error *error)
{
    struct tend_ruleset *recorded = NULL;
    struct tend_ruleset *others = NULL;
    enum tend_status status = tend_ruleset_create(was->document, was->hash, &recorded, error);
    if (status == TEND_OK) {
        status = tend_ruleset_create(now->document, now->hash, &others, error);
    }
    if (status == TEND_OK) {
        *out = tend_selected_series_lacking(recorded, others);
        TEND_ASSERT(*out != NULL && json_array_extend(*out, json_object_get(now->report, "missing")) == 0);
    }
    tend_ruleset_destroy(recorded);
    tend_ruleset_destroy(others);
    return status;
}

static enum tend_status change_of(const struct tend_replay_rules_options *options, const struct rules *was,
                                  const struct rules *now, json_t **out, struct tend_error *error)
{
    json_t *missing = NULL;
    const enum tend_status status = missing_of(was, now, &missing, error);
    if (status != TEND_OK) {
        return status;
    }
    json_t *change = tend_report_change(was->report, now->report);
    (void)json_object_set_new(change, "rules", tend_json_string(options->dir, strlen(options->dir)));
    (void)json_object_set_new(change, "missing", missing);
    (void)json_object_set(change, "from_ms", json_object_get(now->report, "from_ms"));
    (void)json_object_set(change, "until_ms", json_object_get(now->report, "until_ms"));
    *out = change;
    return TEND_OK;
}

enum tend_status tend_replay_rules_play(const struct tend_replay_rules_options *options, json_t **change,
                                        struct tend_error *error)
{
    struct rules was = { .sources = NULL };
    struct rules now = { .sources = NULL };
    enum tend_status status = load_others(options, &now, error);
    if (status == TEND_OK) {
        status = load_recorded(options, &was, error);
    }
    if (status == TEND_OK) {
        status = play(options, &was, 0.0, error);
    }
    if (status == TEND_OK) {
        status = play(options, &now, 0.5, error);
    }
    if (status == TEND_OK) {
        status = change_of(options, &was, &now, change, error);
    }
    rules_clear(&was);
    rules_clear(&now);
    return status;
}
