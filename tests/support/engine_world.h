#pragma once
/// Engine world: a small world in virtual time around the real engine, for its unit tests.
///
/// Each second every target is scraped; a test sets what a target says. Effects are carried out at once: verdicts come
/// from a function of the test, rankings are as the test set them, runs follow a script (scripted_run.h), programs and
/// messages end as the test set. Records are kept as a journal would, so that the world can crash and start again. The
/// world itself checks with every effect what must always hold: no act before its intent is on disk, none while paused
/// or the journal failed, none of a dry run, two runs of one service never, and no storm of timers.

#include "engine/engine.h"

#include "base/log.h"
#include "effect_text.h"
#include "generation_document.h"
#include "scripted_run.h"
#include "series/layout.h"
#include "view_call.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WORLD_BEGIN_MS INT64_C(1000000)
#define WORLD_WALL_MS INT64_C(1770000000000)

enum { WORLD_TARGETS_MAX = 300, WORLD_PROCESSES_MAX = 8, WORLD_SCRIPTS_MAX = 4, WORLD_TIMERS_MAX = 200 };

struct world_target {
    char name[64];
    double load;
    double traffic;             // 0: it has no such series
    enum tend_scrape_kind kind; // of its scrapes
    bool silent;                // no scrape of it ends
    bool bare;                  // answers, but has no series `load`
    char version[16];
    const char *more[2]; // names of more series, without labels; NULL: none
    double more_values[2];
};

struct world_reply { // an event to come
    int64_t at_ms;
    struct tend_event event;
    char *text; // owned; what the event points to
    json_t *json;
};

struct world {
    struct tend_engine *engine;
    int64_t now_ms, wall_skew_ms, grace_ms;
    const char *document;
    struct world_target targets[WORLD_TARGETS_MAX];
    size_t target_count;

    enum tend_verdict (*judge)(struct world *world, const struct view_call *call);
    const char *raised;    ///< what a rule that raises says; NULL: something short
    const char *dies_over; // the evaluator dies over a tick: "rule", "" …; NULL: it lives
    uint32_t dies_index;
    size_t evaluations;

    const char *blamed[4]; // the ranking's culprits
    double confidence;
    const char *wait;
    const char *fits; // JSON
    bool holds_locate;
    void (*on_locate)(struct world *world); // sets `blamed` by what was asked
    size_t locates;
    uint64_t ask_id; // of the newest locate request
    json_t *asked;   // the newest locate request

    const char *const *scripts[WORLD_SCRIPTS_MAX];
    struct scripted_run processes[WORLD_PROCESSES_MAX];
    size_t process_count;
    bool holds_runs; // runs' processes do not answer

    const char *exec_outcome;
    int64_t exec_ms;
    bool holds_exec;
    void (*on_exec)(struct world *world, const char *verb, const char *instance);
    size_t execs;
    char did[1024];              // "restart a/h:1, …"
    uint64_t exec_id, cancelled; // of the newest EXEC and CANCEL

    bool delivers, retries, holds_deliver;
    const char *format_error; // of the notifier; "died" and "killed": its evaluator died
    int64_t retry_after_ms;
    size_t deliveries;
    struct tend_buffer delivered; // "KEY to=N\n" each

    bool holds_journal, journal_failed, paused;
    uint64_t reached;
    struct tend_record *records;
    size_t record_count;

    int64_t wake_ms;
    size_t timers, timers_at_second;
    struct world_reply replies[64];
    size_t reply_count;
    void (*on_step)(struct world *world, const struct tend_event *event, const struct tend_effects *effects);
    bool tells;               // keeps the story
    struct tend_buffer story; // every effect as text
};

// Small things --------------------------------------------------------------------------------------------------------

static inline struct world_target *world_target(struct world *world, const char *name)
{
    for (size_t i = 0; i < world->target_count; i++) {
        if (strcmp(world->targets[i].name, name) == 0) {
            return &world->targets[i];
        }
    }
    assert_true(world->target_count < WORLD_TARGETS_MAX);
    struct world_target *target = &world->targets[world->target_count++];
    *target = (struct world_target){ .load = 1 };
    (void)snprintf(target->name, sizeof target->name, "%s", name);
    return target;
}

static inline void world_reply(struct world *world, int64_t after_ms, struct world_reply reply)
{
    assert_true(world->reply_count < sizeof world->replies / sizeof world->replies[0]);
    reply.at_ms = world->now_ms + after_ms;
    world->replies[world->reply_count++] = reply;
}

static inline void world_clear_replies(struct world *world)
{
    for (size_t i = 0; i < world->reply_count; i++) {
        free(world->replies[i].text);
        json_decref(world->replies[i].json);
    }
    world->reply_count = 0;
}

// The journal ---------------------------------------------------------------------------------------------------------

static inline void world_keep_record(struct world *world, struct tend_record *record)
{
    const uint64_t last = world->record_count == 0 ? 0 : world->records[world->record_count - 1].number;
    assert_int_equal(record->number, last + 1); // without a hole, over restarts too
    world->records = realloc(world->records, (world->record_count + 1) * sizeof *record);
    struct tend_record *kept = &world->records[world->record_count++];
    *kept = *record;
    kept->body = json_deep_copy(record->body);
    json_decref(record->body);
    *record = (struct tend_record){ .number = 0 };
}

static inline void world_reach(struct world *world, uint64_t number)
{
    world->reached = number;
    world_reply(world, 0,
                (struct world_reply){ .event = { .kind = TEND_EVENT_JOURNAL_REACHED, .journal_reached = number } });
}

/// How many records of a kind have this text in this member (NULL: any).
static inline size_t world_count_records(const struct world *world, enum tend_record_kind kind, const char *member,
                                         const char *text)
{
    size_t count = 0;
    for (size_t i = 0; i < world->record_count; i++) {
        const struct tend_record *record = &world->records[i];
        count +=
            record->kind == kind && (member == NULL || strcmp(tend_json_text(record->body, member, ""), text) == 0);
    }
    return count;
}

/// Body of the newest record of a kind, and with a text in a member (NULL: any); NULL: none.
static inline const json_t *world_newest(const struct world *world, enum tend_record_kind kind, const char *member,
                                         const char *text)
{
    for (size_t i = world->record_count; i-- > 0;) {
        const struct tend_record *record = &world->records[i];
        if (record->kind == kind && (member == NULL || strcmp(tend_json_text(record->body, member, ""), text) == 0)) {
            return record->body;
        }
    }
    return NULL;
}

/// Decisions with this `reason`.
static inline size_t world_decided(const struct world *world, const char *reason)
{
    return world_count_records(world, TEND_RECORD_DECISION, "reason", reason);
}

static inline const char *world_outcome(const struct world *world)
{
    return tend_json_text(world_newest(world, TEND_RECORD_RUN, "state", "ended"), "outcome", "");
}

static inline const char *world_alert_state(const struct world *world, const char *service)
{
    return tend_json_text(world_newest(world, TEND_RECORD_ALERT, "service", service), "state", "");
}

// Runs ----------------------------------------------------------------------------------------------------------------

static inline struct scripted_run *world_process(struct world *world, const char *run)
{
    for (size_t i = 0; i < world->process_count; i++) {
        if (strcmp(world->processes[i].id, run) == 0) {
            return &world->processes[i];
        }
    }
    return NULL;
}

static inline void world_run_reply(struct world *world, const char *run, json_t *json, const char *died)
{
    world_reply(
        world, 0,
        (struct world_reply){
            .text = strdup(run),
            .json = json,
            .event = { .kind = TEND_EVENT_RUN_REPLY,
                       .run_reply = { .died = { .died = died != NULL, .what = "playbook", .reason = died } } } });
}

static inline void world_drop_process(struct world *world, const char *run)
{
    struct scripted_run *process = world_process(world, run);
    if (process != NULL) {
        *process = world->processes[--world->process_count];
    }
}

/// The newest run's process dies.
static inline void world_kill_process(struct world *world)
{
    assert_true(world->process_count > 0);
    char run[24];
    (void)snprintf(run, sizeof run, "%s", world->processes[world->process_count - 1].id);
    world_drop_process(world, run);
    world_run_reply(world, run, NULL, "killed by signal 9");
}

static inline void world_start_run(struct world *world, const struct tend_effect *effect)
{
    const size_t playbook = (size_t)tend_json_integer(effect->json, "playbook", -1);
    assert_true(playbook < WORLD_SCRIPTS_MAX && world->scripts[playbook] != NULL);
    assert_null(world_process(world, effect->key));
    assert_true(world->process_count < WORLD_PROCESSES_MAX);
    struct scripted_run *process = &world->processes[world->process_count++];
    *process = (struct scripted_run){ .script = world->scripts[playbook] };
    (void)snprintf(process->id, sizeof process->id, "%s", effect->key);
    if (!world->holds_runs) {
        world_run_reply(world, effect->key, scripted_run_next(process, NULL), NULL);
    }
}

// Effects -------------------------------------------------------------------------------------------------------------

static inline void world_evaluate(struct world *world, const struct tend_effect *effect)
{
    world->evaluations++;
    struct world_reply reply = { .event = { .kind = TEND_EVENT_VERDICTS, .reply = { .id = effect->id } } };
    struct tend_reader reader = tend_reader_over(effect->bytes.data, effect->bytes.size);
    struct tend_buffer verdicts;
    tend_buffer_init(&verdicts);
    const uint64_t tick = tend_reader_get_u64(&reader);
    (void)tend_reader_get_f64(&reader);
    const uint32_t calls = tend_reader_get_u32(&reader);
    tend_verdicts_begin(&verdicts, tick, calls);
    bool dies = world->dies_over != NULL && strcmp(world->dies_over, "rule") != 0;
    for (uint32_t i = 0; i < calls; i++) {
        const struct view_call call = view_call_read(&reader);
        dies = dies ||
               (world->dies_over != NULL && strcmp(world->dies_over, "rule") == 0 && world->dies_index == call.rule);
        tend_verdicts_put(&verdicts, world->judge == NULL ? TEND_VERDICT_IN_LINE : world->judge(world, &call),
                          world->raised == NULL ? "shop.lua:3: it raised" : world->raised);
    }
    assert_false(reader.failed);
    if (dies) {
        reply.event.reply.died = (struct tend_event_died){
            .died = true, .what = world->dies_over, .index = world->dies_index, .reason = "used 100 ms of CPU time"
        };
    } else {
        reply.text = malloc(verdicts.size);
        memcpy(reply.text, verdicts.data, verdicts.size);
        reply.event.reply.byte_count = verdicts.size;
    }
    tend_buffer_clear(&verdicts);
    world_reply(world, 0, reply);
}

static inline void world_locate(struct world *world, const struct tend_effect *effect)
{
    world->locates++;
    world->ask_id = effect->id;
    json_decref(world->asked);
    world->asked = json_deep_copy(effect->json);
    if (world->holds_locate) {
        return;
    }
    if (world->on_locate != NULL) {
        world->on_locate(world);
    }
    json_t *ranking = json_array();
    json_t *culprits = json_array();
    for (size_t i = 0; i < 4 && world->blamed[i] != NULL; i++) {
        (void)json_array_append_new(culprits, json_string(world->blamed[i]));
        (void)json_array_append_new(ranking,
                                    json_pack("{s:s, s:f, s:f, s:[s]}", "service", world->blamed[i], "score", 1.0,
                                              "confidence", world->confidence, "reasons", "it stands out"));
    }
    json_t *fits = world->fits == NULL ? json_object() : world_json(world->fits);
    world_reply(world, 0,
                (struct world_reply){ .json = json_pack("{s:o, s:o, s:s?, s:o}", "ranking", ranking, "culprits",
                                                        culprits, "wait", world->wait, "fits", fits),
                                      .event = { .kind = TEND_EVENT_REPLY, .reply = { .id = effect->id } } });
}

static inline void world_format(struct world *world, const struct tend_effect *effect)
{
    char url[64];
    (void)snprintf(url, sizeof url, "http://notify%lld/way%lld",
                   (long long)tend_json_integer(effect->json, "notify", -1),
                   (long long)tend_json_integer(effect->json, "to", -1));
    if (world->format_error != NULL) {
        const bool died = strcmp(world->format_error, "died") == 0 || strcmp(world->format_error, "killed") == 0;
        world_reply(
            world, 0,
            (struct world_reply){ .json = died ? NULL : json_pack("{s:s}", "error", world->format_error),
                                  .event = { .kind = TEND_EVENT_REPLY,
                                             .reply = { .id = effect->id,
                                                        .died = { .died = died,
                                                                  .what = world->format_error[0] == 'd' ? "notify" : "",
                                                                  .reason = "killed" } } } });
        return;
    }
    json_t *notice = json_object_get(effect->json, "notice");
    world_reply(world, 0,
                (struct world_reply){
                    .json = json_pack("{s:{s:s, s:s, s:O}}", "http", "method", "POST", "url", url, "body", notice),
                    .event = { .kind = TEND_EVENT_REPLY, .reply = { .id = effect->id } } });
}

static inline void world_deliver(struct world *world, const struct tend_effect *effect)
{
    if (!world->journal_failed) { // queued on disk before it is sent
        bool queued = false;
        for (size_t i = 0; i < world->record_count && world->records[i].number <= world->reached; i++) {
            queued = queued ||
                     (world->records[i].kind == TEND_RECORD_NOTICE && strcmp(world->records[i].key, effect->key) == 0);
        }
        assert_true(queued);
    }
    world->deliveries++;
    tend_buffer_printf(&world->delivered, "%s %s\n", effect->key, tend_json_text(effect->json, "url", "?"));
    if (world->holds_deliver) {
        return;
    }
    world_reply(world, 0,
                (struct world_reply){ .text = strdup(effect->key),
                                      .event = { .kind = TEND_EVENT_DELIVERED,
                                                 .delivered = { .ok = world->delivers,
                                                                .retry = world->retries,
                                                                .retry_after_ms = world->retry_after_ms,
                                                                .error = "HTTP 503" } } });
}

static inline void world_finish_exec(struct world *world, uint64_t id, const char *outcome, int64_t after_ms)
{
    world_reply(
        world, after_ms,
        (struct world_reply){ .json = json_pack("{s:i}", "exit", 0),
                              .event = { .kind = TEND_EVENT_STEP_RESULT,
                                         .step = { .id = id, .outcome = outcome, .error = "as it was told" } } });
}

static inline bool world_is_newest(const struct world *world, size_t index)
{
    for (size_t i = index + 1; i < world->record_count; i++) {
        if (world->records[i].kind == world->records[index].kind &&
            strcmp(world->records[i].key, world->records[index].key) == 0) {
            return false;
        }
    }
    return true;
}

// No act without an intent that is on disk and has no outcome yet, of a run that is not dry.
static inline void world_check_intent(const struct world *world, const json_t *argv)
{
    for (size_t i = world->record_count; i-- > 0;) {
        const struct tend_record *record = &world->records[i];
        const json_t *args = json_object_get(record->body, "args");
        if (record->kind == TEND_RECORD_STEP && json_equal(json_object_get(args, "argv"), argv) &&
            world_is_newest(world, i) && strcmp(tend_json_text(record->body, "state", ""), "begun") == 0) {
            assert_true(record->number <= world->reached);
            assert_false(tend_json_bool(record->body, "dry", true));
            return;
        }
    }
    fail_msg("an act without an intent");
}

static inline void world_exec(struct world *world, const struct tend_effect *effect)
{
    const json_t *argv = json_object_get(effect->json, "argv");
    const char *verb = json_string_value(json_array_get(argv, 0));
    const char *instance = json_string_value(json_array_get(argv, 1));
    world_check_intent(world, argv);
    assert_false(world->paused);
    assert_false(world->journal_failed);
    world->execs++;
    world->exec_id = effect->id;
    const size_t used = strlen(world->did);
    (void)snprintf(world->did + used, sizeof world->did - used, "%s%s %s", used == 0 ? "" : ", ", verb, instance);
    if (!world->holds_exec) {
        if (world->on_exec != NULL) {
            world->on_exec(world, verb, instance);
        }
        world_finish_exec(world, effect->id, world->exec_outcome, world->exec_ms);
    }
}

// Two runs of one service never go on at once; dry ones do not count, as they do nothing.
static inline void world_check_runs(const struct world *world)
{
    char open[16][64];
    size_t count = 0;
    for (size_t i = 0; i < world->record_count; i++) {
        const json_t *body = world->records[i].body;
        if (world->records[i].kind != TEND_RECORD_RUN || tend_json_bool(body, "dry", false)) {
            continue;
        }
        char name[64];
        (void)snprintf(name, sizeof name, "%s %s", tend_json_text(body, "service", ""), tend_json_text(body, "id", ""));
        const size_t service = strcspn(name, " ") + 1;
        size_t kept = 0;
        for (size_t j = 0; j < count; j++) {
            if (strcmp(open[j], name) != 0) {
                memmove(open[kept++], open[j], sizeof open[j]);
            }
        }
        count = kept;
        if (strcmp(tend_json_text(body, "state", ""), "begun") == 0) {
            for (size_t j = 0; j < count; j++) {
                assert_int_not_equal(strncmp(open[j], name, service), 0);
            }
            memcpy(open[count++], name, sizeof name);
        }
    }
}

static inline void world_carry_out(struct world *world, struct tend_effects *effects)
{
    const size_t before = world->record_count;
    for (size_t i = 0; i < effects->count; i++) {
        struct tend_effect *effect = &effects->list[i];
        if (world->tells) {
            effect_text_put(&world->story, world->now_ms, effect);
        }
        struct scripted_run *process;
        switch (effect->kind) {
        case TEND_EFFECT_EVALUATE:
            world_evaluate(world, effect);
            break;
        case TEND_EFFECT_ASK:
            effect->json = tend_effect_question(effect);
            if (strcmp(tend_json_text(effect->json, "kind", ""), "locate") == 0) {
                world_locate(world, effect);
            } else {
                world_format(world, effect);
            }
            break;
        case TEND_EFFECT_RUN_START:
            world_start_run(world, effect);
            break;
        case TEND_EFFECT_RUN_ANSWER:
            process = world_process(world, effect->key);
            assert_non_null(process);
            if (!world->holds_runs) {
                world_run_reply(world, effect->key, scripted_run_next(process, effect->json), NULL);
            }
            break;
        case TEND_EFFECT_RUN_END:
            world_drop_process(world, effect->key);
            break;
        case TEND_EFFECT_EXEC:
            world_exec(world, effect);
            break;
        case TEND_EFFECT_CANCEL:
            world->cancelled = effect->id;
            break;
        case TEND_EFFECT_HTTP:
            break;
        case TEND_EFFECT_DELIVER:
            world_deliver(world, effect);
            break;
        case TEND_EFFECT_RECORD:
            world_keep_record(world, &effect->record);
            break;
        case TEND_EFFECT_WAKE:
            world->wake_ms = effect->at_ms;
            break;
        case TEND_EFFECT_TARGETS:
            break;
        }
    }
    if (world->record_count > before) {
        world_check_runs(world);
        if (!world->holds_journal && !world->journal_failed) {
            world_reach(world, world->records[world->record_count - 1].number);
        }
    }
}

// Time ----------------------------------------------------------------------------------------------------------------

static inline void world_step(struct world *world, struct tend_event event)
{
    event.at_ms = world->now_ms;
    event.wall_ms = world->now_ms - WORLD_BEGIN_MS + WORLD_WALL_MS + world->wall_skew_ms;
    struct tend_effects effects;
    tend_effects_init(&effects);
    tend_engine_step(world->engine, &event, &effects);
    if (world->on_step != NULL) {
        world->on_step(world, &event, &effects);
    }
    world_carry_out(world, &effects);
    tend_effects_clear(&effects);
}

static inline bool world_next_reply(struct world *world, int64_t until_ms, struct world_reply *out)
{
    size_t next = world->reply_count;
    for (size_t i = 0; i < world->reply_count; i++) {
        if (world->replies[i].at_ms <= until_ms &&
            (next == world->reply_count || world->replies[i].at_ms < world->replies[next].at_ms)) {
            next = i;
        }
    }
    if (next == world->reply_count || (world->wake_ms >= 0 && world->wake_ms < world->replies[next].at_ms)) {
        return false;
    }
    *out = world->replies[next];
    memmove(&world->replies[next], &world->replies[next + 1], (--world->reply_count - next) * sizeof *out);
    return true;
}

static inline void world_feed(struct world *world, struct world_reply *reply)
{
    world->now_ms = reply->at_ms > world->now_ms ? reply->at_ms : world->now_ms;
    struct tend_event *event = &reply->event;
    if (event->kind == TEND_EVENT_VERDICTS) {
        event->reply.bytes = reply->text;
    } else if (event->kind == TEND_EVENT_REPLY) {
        event->reply.json = reply->json;
    } else if (event->kind == TEND_EVENT_RUN_REPLY) {
        event->run_reply.run = reply->text;
        event->run_reply.json = reply->json;
    } else if (event->kind == TEND_EVENT_STEP_RESULT) {
        event->step.value = reply->json;
    } else if (event->kind == TEND_EVENT_DELIVERED) {
        event->delivered.key = reply->text;
    }
    world_step(world, *event);
    free(reply->text);
    json_decref(reply->json);
}

/// Lets time pass up to a moment: replies come, timers fire.
static inline void world_until(struct world *world, int64_t until_ms)
{
    for (;;) {
        struct world_reply reply;
        if (world_next_reply(world, until_ms, &reply)) {
            world_feed(world, &reply);
        } else if (world->wake_ms >= 0 && world->wake_ms <= until_ms) {
            world->now_ms = world->wake_ms > world->now_ms ? world->wake_ms : world->now_ms;
            world->wake_ms = -1;
            const int64_t second = world->now_ms / 1000;
            world->timers = (int64_t)world->timers_at_second == second ? world->timers + 1 : 1;
            world->timers_at_second = (size_t)second;
            assert_true(world->timers < WORLD_TIMERS_MAX); // an engine that wakes itself again and again
            world_step(world, (struct tend_event){ .kind = TEND_EVENT_TIMER });
        } else {
            world->now_ms = until_ms;
            return;
        }
    }
}

static inline void world_scrape(struct world *world, size_t index)
{
    const struct tend_target_view view = tend_engine_target(world->engine, index);
    const struct world_target *target = view.url == NULL ? NULL : world_target(world, view.instance);
    if (target == NULL || target->silent) {
        return;
    }
    struct tend_event event = { .kind = TEND_EVENT_SCRAPED,
                                .scraped = { .target = index,
                                             .begun_ms = world->now_ms,
                                             .duration_s = 0.01,
                                             .kind = target->kind,
                                             .reason = target->kind == TEND_SCRAPE_OK ? "" : "as it was told" } };
    struct tend_column columns[5];
    double values[5];
    size_t count = 0;
    const struct tend_layout *layout = NULL;
    if (target->kind == TEND_SCRAPE_OK) {
        if (!target->bare) {
            assert_int_equal(tend_label_set_create("load", 4, NULL, 0, &columns[count].labels), TEND_OK);
            columns[count].type = TEND_SERIES_GAUGE;
            values[count++] = target->load;
        }
        if (target->traffic != 0) {
            assert_int_equal(tend_label_set_create("traffic", 7, NULL, 0, &columns[count].labels), TEND_OK);
            columns[count].type = TEND_SERIES_GAUGE;
            values[count++] = target->traffic;
        }
        if (target->version[0] != '\0') {
            const struct tend_label label = {
                .name = "version", .name_bytes = 7, .value = target->version, .value_bytes = strlen(target->version)
            };
            assert_int_equal(tend_label_set_create("app_build_info", 14, &label, 1, &columns[count].labels), TEND_OK);
            columns[count].type = TEND_SERIES_GAUGE;
            values[count++] = 1;
        }
        for (size_t i = 0; i < 2 && target->more[i] != NULL; i++) {
            assert_int_equal(
                tend_label_set_create(target->more[i], strlen(target->more[i]), NULL, 0, &columns[count].labels),
                TEND_OK);
            columns[count].type = TEND_SERIES_GAUGE;
            values[count++] = target->more_values[i];
        }
        assert_int_equal(tend_layout_create(columns, count, &layout), TEND_OK);
        event.scraped.layout = layout;
        event.scraped.values = values;
        event.scraped.value_count = count;
    }
    world_step(world, event);
    tend_layout_release(layout);
    for (size_t i = 0; i < count; i++) {
        tend_label_set_release(columns[i].labels);
    }
}

/// Scrapes every target now.
static inline void world_scrape_all(struct world *world)
{
    for (size_t i = 0; i < tend_engine_target_count(world->engine); i++) {
        world_scrape(world, i);
    }
}

/// Lets seconds pass; at the beginning of each every target is scraped.
static inline void world_pass(struct world *world, int seconds)
{
    for (int i = 0; i < seconds; i++) {
        world_scrape_all(world);
        world_until(world, world->now_ms + 1000);
    }
}

// Beginning and end ---------------------------------------------------------------------------------------------------

/// Loads a generation document. Its hash is that of its text.
static inline void world_load(struct world *world, const char *document)
{
    json_t *json = world_json(document);
    char hash[65];
    tend_sha256_hex(document, strlen(document), hash);
    struct tend_ruleset *ruleset = NULL;
    struct tend_error error = { .text = "" };
    if (tend_ruleset_create(json, hash, &ruleset, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    json_decref(json);
    world->document = document;
    json_t *sources = json_pack("{s:[]}", "files");
    world_step(world, (struct tend_event){ .kind = TEND_EVENT_GENERATION,
                                           .generation = { .ruleset = ruleset, .sources = sources } });
    json_decref(sources);
    world_until(world, world->now_ms);
}

static inline void world_create_engine(struct world *world)
{
    const struct tend_engine_options options = {
        .at_ms = world->now_ms,
        .wall_ms = world->now_ms - WORLD_BEGIN_MS + WORLD_WALL_MS,
        .next_record = world->record_count == 0 ? 1 : world->records[world->record_count - 1].number + 1,
        .startup_grace_ms = world->grace_ms
    };
    assert_int_equal(tend_engine_create(&options, &world->engine), TEND_OK);
    world->wake_ms = -1;
}

/// Begins a world without rules, in which all goes well.
static inline void world_init(struct world *world)
{
    tend_log_set_level(getenv("TEND_TEST_LOG") == NULL ? TEND_LOG_ERROR : TEND_LOG_INFO);
    *world = (struct world){
        .now_ms = WORLD_BEGIN_MS, .confidence = 0.9, .exec_outcome = "done", .delivers = true, .retry_after_ms = -1
    };
    tend_buffer_init(&world->story);
    tend_buffer_init(&world->delivered);
    world_create_engine(world);
}

/// Begins a world with rules.
static inline void world_begin(struct world *world, const char *document)
{
    world_init(world);
    world_load(world, document);
}

static inline void world_drop_records(struct world *world, size_t from)
{
    for (size_t i = from; i < world->record_count; i++) {
        tend_record_clear(&world->records[i]);
    }
    world->record_count = from < world->record_count ? from : world->record_count;
}

/// Dies and starts again with what is on disk, without rules yet. What was not reached is lost.
static inline void world_crash(struct world *world)
{
    size_t kept = 0;
    while (kept < world->record_count && world->records[kept].number <= world->reached) {
        kept++;
    }
    world_drop_records(world, kept);
    world_clear_replies(world);
    world->process_count = 0;
    tend_engine_destroy(world->engine);
    world_create_engine(world);
    for (size_t i = 0; i < world->record_count; i++) {
        if (world->records[i].open && world_is_newest(world, i)) {
            tend_engine_restore(world->engine, &world->records[i]);
        }
    }
    for (size_t i = 0; i < world->record_count; i++) {
        if (world->records[i].kind != TEND_RECORD_RUN || !world->records[i].open || !world_is_newest(world, i)) {
            continue;
        }
        for (size_t s = 0; s < world->record_count; s++) {
            const char *run = tend_json_text(world->records[s].body, "run", "");
            if (world->records[s].kind == TEND_RECORD_STEP && strcmp(run, world->records[i].key) == 0) {
                tend_engine_restore(world->engine, &world->records[s]);
            }
        }
    }
    world->paused = tend_engine_counts(world->engine).paused; // a pause that was not on disk yet is lost
}

/// Dies and starts again with the same rules.
static inline void world_restart(struct world *world)
{
    world_crash(world);
    world_load(world, world->document);
}

static inline void world_end(struct world *world)
{
    world_clear_replies(world);
    tend_engine_destroy(world->engine);
    world_drop_records(world, 0);
    free(world->records);
    json_decref(world->asked);
    tend_buffer_clear(&world->story);
    tend_buffer_clear(&world->delivered);
}

static inline void world_operate(struct world *world, const char *command, const char *argument)
{
    if (strcmp(command, "pause") == 0 || strcmp(command, "resume") == 0) {
        world->paused = command[0] == 'p';
    }
    world_step(world, (struct tend_event){ .kind = TEND_EVENT_OPERATOR,
                                           .operator= { .command = command, .argument = argument, .who = "uid 1 (ops)" } });
    world_until(world, world->now_ms);
}

/// A silence, a deploy or an acknowledgement, or the end of one, for a while: @p choice decides which.
static inline void world_keep_quiet(struct world *world, int choice)
{
    static const char *const commands[][2] = {
        { "silence", "{\"on\":\"ledger\",\"for_ms\":20000}" },
        { "silence", "{\"on\":\"*\",\"for_ms\":5000,\"rule\":\"loaded\",\"why\":\"new disks\"}" },
        { "unsilence", "{\"id\":\"*\"}" },
        { "deploy", "{\"on\":\"payments\",\"version\":\"2\",\"for_ms\":15000}" },
        { "deploy", "{\"on\":\"payments\",\"done\":true}" },
        { "ack", "{\"incident\":\"*\",\"why\":\"on it\"}" },
    };
    const size_t which = (size_t)choice % (sizeof commands / sizeof commands[0]);
    world_operate(world, commands[which][0], commands[which][1]);
}

static inline void world_fail_journal(struct world *world)
{
    world->journal_failed = true;
    world_step(world, (struct tend_event){ .kind = TEND_EVENT_JOURNAL_FAILED, .journal_failed = "disk full" });
}

/// The journal takes writes again, all that it was given.
static inline void world_mend_journal(struct world *world)
{
    world->journal_failed = world->holds_journal = false;
    world_reach(world, world->records[world->record_count - 1].number);
    world_until(world, world->now_ms);
}

/// Discovery 0 lists one target of a service from now on; NULL: none.
static inline void world_find(struct world *world, const char *service, const char *address)
{
    char url[64];
    (void)snprintf(url, sizeof url, "http://%s/metrics", address == NULL ? "" : address);
    json_t *labels = json_pack("{s:s?}", "app", service);
    const struct tend_discovered target = { .url = url, .address = address, .labels = labels };
    world_step(world, (struct tend_event){ .kind = TEND_EVENT_TARGETS,
                                           .targets = { .targets = &target, .count = service == NULL ? 0 : 1 } });
    json_decref(labels);
    world_until(world, world->now_ms);
}

/// Who is blamed from now on; NULL: nobody.
static inline void world_blame(struct world *world, const char *service)
{
    world->blamed[0] = service;
    world->blamed[1] = NULL;
}
