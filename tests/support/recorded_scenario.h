#pragma once
/// Recorded scenario: a scenario that is played, recorded by the real writer, and replayed, for tests of replays.
///
/// The test's own program must be an evaluator when its first argument is "evaluator".

#include "driver/past/replay.h"

#include "driver/live/rules_dir.h"
#include "driver/sim/simulation.h"
#include "driver/world/scenario.h"
#include "recording/recording_reader.h"
#include "recording/recording_writer.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

// A recording as a test makes one, and what the scenario said.
struct recorded {
    char directory[64];
    struct tend_recording_writer *writer;
    json_t *sources;
    json_t *document;
    struct tend_awaited_evaluator *evaluator;
    json_t *result;
    bool cuts_runs; // a segment begins at every event at which a run is under way
    int open_questions;
    size_t events;
};

static inline struct tend_recording_writer *open_writer(const char *directory)
{
    const struct tend_recording_writer_options options = { .directory = directory, .segment_ms = 20000 };
    struct tend_recording_writer *writer = NULL;
    struct tend_error error = { "" };
    if (tend_recording_writer_create(&options, &writer, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    return writer;
}

static inline bool is_answer(enum tend_event_kind kind)
{
    return kind == TEND_EVENT_VERDICTS || kind == TEND_EVENT_REPLY || kind == TEND_EVENT_RUN_REPLY;
}

// As a live tend does it: a writer for each life of the process, a segment where no question is open.
static inline void record_event(void *context, const struct tend_engine *engine, const struct tend_event *event,
                                bool anew)
{
    struct recorded *recorded = context;
    if (anew) {
        tend_recording_writer_destroy(recorded->writer);
        recorded->writer = open_writer(recorded->directory);
        recorded->open_questions = 0;
    }
    const bool cuts = recorded->cuts_runs && tend_engine_counts(engine).runs_open > 0;
    if (recorded->open_questions == 0 &&
        (cuts || tend_recording_writer_wants_segment(recorded->writer, event->at_ms))) {
        const json_t *sources = tend_engine_ruleset(engine) == NULL ? NULL : recorded->sources;
        tend_recording_writer_begin_segment(recorded->writer, engine, sources, event->at_ms, event->wall_ms);
    }
    recorded->open_questions -= is_answer(event->kind);
    recorded->events++;
    tend_recording_writer_event(recorded->writer, event);
}

static inline void record_outcome(void *context, const struct tend_effects *effects)
{
    struct recorded *recorded = context;
    for (size_t i = 0; i < effects->count; i++) {
        const enum tend_effect_kind kind = effects->list[i].kind;
        recorded->open_questions += kind == TEND_EFFECT_EVALUATE || kind == TEND_EFFECT_ASK ||
                                    kind == TEND_EFFECT_RUN_START || kind == TEND_EFFECT_RUN_ANSWER;
    }
    tend_recording_writer_outcome(recorded->writer, effects);
}

// Loads the sources. Takes them.
static inline struct recorded load_sources(json_t *take_sources)
{
    struct recorded recorded = { .sources = take_sources };
    assert_non_null(recorded.sources);
    assert_int_equal(tend_awaited_evaluator_create(recorded.sources, &recorded.evaluator), TEND_OK);
    struct tend_awaited_reply reply = tend_awaited_evaluator_load(recorded.evaluator);
    const json_t *errors = json_object_get(reply.json, "errors");
    if (reply.json == NULL || json_array_size(errors) > 0) {
        fail_msg("%s %s: %s", reply.reason, tend_json_text(json_array_get(errors, 0), "at", ""),
                 tend_json_text(json_array_get(errors, 0), "text", ""));
    }
    recorded.document = json_incref(reply.json);
    tend_awaited_reply_clear(&reply);
    return recorded;
}

// Plays a scenario and records it. @return false: it is skipped
static inline bool play(struct recorded *recorded, size_t scenario)
{
    (void)snprintf(recorded->directory, sizeof recorded->directory, "/tmp/tend-replay-XXXXXX");
    assert_non_null(mkdtemp(recorded->directory));
    char hash[65];
    tend_rules_dir_hash(recorded->sources, hash);
    const struct tend_simulation_recorder recorder = { .context = recorded,
                                                       .event = record_event,
                                                       .outcome = record_outcome };
    const struct tend_scenario_options options = { .document = recorded->document,
                                                   .index = scenario,
                                                   .hash = hash,
                                                   .sources = recorded->sources,
                                                   .evaluator = recorded->evaluator,
                                                   .recorder = &recorder };
    struct tend_error error = { "" };
    if (tend_scenario_play(&options, &recorded->result, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    const json_t *failures = json_object_get(recorded->result, "failures");
    if (json_array_size(failures) > 0) {
        fail_msg("%s", json_string_value(json_array_get(failures, 0)));
    }
    tend_recording_writer_destroy(recorded->writer);
    recorded->writer = NULL;
    return !json_is_string(json_object_get(recorded->result, "skip"));
}

static inline void remove_recording(const struct recorded *recorded)
{
    DIR *directory = opendir(recorded->directory);
    assert_non_null(directory);
    // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
    for (const struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        if (entry->d_name[0] != '.') {
            assert_int_equal(unlinkat(dirfd(directory), entry->d_name, 0), 0);
        }
    }
    (void)closedir(directory);
    assert_int_equal(rmdir(recorded->directory), 0);
}

static inline void forget(struct recorded *recorded)
{
    remove_recording(recorded);
    tend_awaited_evaluator_destroy(recorded->evaluator);
    json_decref(recorded->document);
    json_decref(recorded->sources);
    json_decref(recorded->result);
}

// Changes a part before it is replayed. @return false: the recording ends before it
typedef bool change_part(void *context, struct tend_recorded *part);

// @return NULL: a part is refused, the error says why
static inline json_t *replay_or_refuse(const struct recorded *recorded, const struct tend_replay_options *options,
                                       change_part *change, void *context, struct tend_error *error)
{
    struct tend_recording_reader *reader = NULL;
    struct tend_replay *replay = NULL;
    if (tend_recording_open(recorded->directory, &reader, error) != TEND_OK) {
        fail_msg("%s", error->text);
    }
    assert_int_equal(tend_replay_create(options, &replay), TEND_OK);
    enum tend_status status = TEND_OK;
    bool torn = false;
    while (status == TEND_OK && !torn) {
        struct tend_recorded part;
        status = tend_recording_next(reader, &part, error);
        torn = status == TEND_OK && change != NULL && !change(context, &part);
        if (status == TEND_OK && !torn) {
            status = tend_replay_take(replay, &part, error);
        }
    }
    tend_replay_end(replay, torn);
    json_t *report = status == TEND_END || torn ? tend_replay_report(replay) : NULL;
    tend_replay_destroy(replay);
    tend_recording_close(reader);
    return report;
}

static inline json_t *replay_changed(const struct recorded *recorded, const struct tend_replay_options *options,
                                     change_part *change, void *context)
{
    struct tend_error error = { "" };
    json_t *report = replay_or_refuse(recorded, options, change, context, &error);
    if (report == NULL) {
        fail_msg("%s", error.text);
    }
    return report;
}

static inline const char *text_of_difference(const json_t *report)
{
    return tend_json_text(json_object_get(report, "difference"), "text", "");
}
