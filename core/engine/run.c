// A run: one playbook on one culprit, step by step, each step on disk before and after.
//
//     BEGINNING ──begun on disk──▶ THINKING ──an effect──▶ STEPPING ──answered──▶ THINKING … ──end──▶ ENDED
//
// The script lives in a process of its own that may die at any time. Then it is run again from the start, and what it
// asks for is answered from the steps here; what it asks for must be what it asked for before (the hash of the
// request), else a person is needed. The same happens after a crash of tend itself, with the steps from the journal.
//
// An act (exec, http) waits for its intent to be on disk, and its answer waits for the outcome to be on disk. What only
// reads (pick, verify, wait, note) is recorded with its answer: the records are in order, so whatever a later act
// stands on is on disk before that act's intent is.

#include "engine/state.h"

#include "engine/forecast.h"

#include "base/log.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_MAX = 1000 };

static void step_clear(struct tend_step *step)
{
    json_decref(step->effect);
    json_decref(step->answer);
    free(step->outcome);
}

void tend_run_destroy(struct tend_run *run)
{
    if (run == NULL) {
        return;
    }
    for (size_t i = 0; i < run->step_count; i++) {
        step_clear(&run->steps[i]);
    }
    for (size_t i = 0; i < run->acted_count; i++) {
        free(run->acted[i]);
    }
    for (size_t i = 0; i < run->picked_count; i++) {
        free(run->picked[i]);
    }
    free((void *)run->acted);
    free((void *)run->picked);
    free(run->steps);
    free(run->service);
    free(run->playbook);
    json_decref(run->frozen);
    free(run);
}

struct tend_run *tend_run_find(const struct tend_engine *engine, const char *id)
{
    for (size_t i = 0; i < engine->run_count; i++) {
        if (strcmp(engine->runs[i]->id, id) == 0) {
            return engine->runs[i];
        }
    }
    return NULL;
}

struct tend_run *tend_run_of_service(const struct tend_engine *engine, const char *service)
{
    for (size_t i = 0; i < engine->run_count; i++) {
        if (strcmp(engine->runs[i]->service, service) == 0) {
            return engine->runs[i];
        }
    }
    return NULL;
}

static json_t *freeze_instance(const struct tend_engine *engine, const struct tend_instance *instance)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:O, s:s, s:b, s:o}", "name", instance->name, "host", instance->host, "port",
                     instance->port, "address", instance->address, "labels", instance->labels, "version",
                     instance->version, "out",
                     tend_subject_is_out(engine->fleet, instance->service->def, &instance->subject) ||
                         tend_forecast_concerns(engine, instance->service, instance),
                     "metrics", tend_facts_metrics(engine, instance->service->def, &instance->subject));
}

static json_t *freeze_alerts(const struct tend_engine *engine, const struct tend_incident *incident)
{
    json_t *alerts = json_array();
    for (size_t i = 0; i < incident->member_count; i++) {
        const struct tend_rule_alert *alert = tend_member_alert(engine, &incident->members[i]);
        if (alert != NULL) {
            (void)json_array_append_new(alerts,
                                        json_pack("{s:s, s:s, s:s, s:s}", "rule", tend_rule_name(engine, alert),
                                                  "service", alert->service->name, "instance",
                                                  tend_alert_instance(alert), "severity", alert->binding->severity));
        }
    }
    return alerts;
}

// All that the script may read, as it was when the run began.
static json_t *freeze(const struct tend_engine *engine, const struct tend_run *run,
                      const struct tend_incident *incident, const struct tend_culprit *culprit,
                      const struct tend_service *service)
{
    json_t *instances = json_array();
    for (size_t i = 0; i < service->instance_count; i++) {
        (void)json_array_append_new(instances, freeze_instance(engine, service->instances[i]));
    }
    const char *version = service->instance_count > 0 ? service->instances[0]->version : "";
    json_t *frozen_culprit =
        json_pack("{s:s, s:o, s:o, s:s, s:f, s:{}, s:o, s:o}", "name", service->name, "groups",
                  tend_facts_groups(service->def), "confidence", tend_json_real(culprit->confidence), "version",
                  version, "out_share", tend_service_out_share(engine->fleet, service), "labels", "metrics",
                  tend_facts_metrics(engine, service->def, &service->subject), "instances", instances);
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:O?, s:o, s:o}", "run", run->id, "incident", incident->id,
                     "playbook", run->playbook, "at_ms", (json_int_t)engine->now_ms, "wall_ms",
                     (json_int_t)engine->wall_ms, "within_ms", (json_int_t)run->within_ms, "reasons", culprit->reasons,
                     "alerts", freeze_alerts(engine, incident), "culprit", frozen_culprit);
}

struct tend_run *tend_run_begin(struct tend_engine *engine, struct tend_incident *incident,
                                struct tend_culprit *culprit, struct tend_service *service, size_t playbook,
                                const struct tend_limits *limits, bool dry)
{
    const struct tend_playbook_def *def = &engine->ruleset->playbooks[playbook];
    struct tend_run *run = calloc(1, sizeof *run);
    TEND_ASSERT(run != NULL);
    tend_text_format(run->id, sizeof run->id, "r%llu", (unsigned long long)engine->next_record);
    memcpy(run->incident, incident->id, sizeof run->incident);
    run->service = tend_copy_text(service->name);
    run->playbook = tend_copy_text(def->name);
    run->playbook_index = playbook;
    tend_ruleset_playbook_hash(engine->ruleset, playbook, run->playbook_hash);
    memcpy(run->generation, engine->ruleset->hash, sizeof run->generation);
    run->limits = *limits;
    run->within_ms = def->within_ms;
    run->dry = dry;
    run->began_ms = engine->now_ms;
    run->began_wall_ms = engine->wall_ms;
    run->acted_ms = TEND_NEVER;
    run->frozen = freeze(engine, run, incident, culprit, service);
    TEND_ASSERT(run->frozen != NULL);
    tend_append_pointer((void ***)&engine->runs, &engine->run_count, run);
    tend_log(TEND_LOG_INFO, "run begins run=%s incident=%s playbook=\"%s\" service=%s dry=%s", run->id, run->incident,
             run->playbook, run->service, dry ? "yes" : "no");
    tend_facts_run(engine, run, false, NULL, NULL);
    return run;
}

// A run from before a restart goes on only when its culprit's instances have been looked at again.
static bool is_ready(const struct tend_engine *engine, const struct tend_run *run)
{
    if (!run->restored || engine->now_ms - engine->started_ms >= engine->options.startup_grace_ms) {
        return true;
    }
    return tend_second_look_is_due(engine, run);
}

json_t *tend_run_start(const struct tend_run *run, json_t *take_answers)
{
    return json_pack("{s:I, s:O, s:o}", "playbook", (json_int_t)run->playbook_index, "frozen", run->frozen, "answers",
                     take_answers);
}

static void start_script(struct tend_engine *engine, struct tend_run *run)
{
    struct tend_effect *effect = tend_emit(engine, TEND_EFFECT_RUN_START);
    effect->key = tend_copy_text(run->id);
    effect->text = tend_copy_text(run->generation);
    effect->json = tend_run_start(run, json_array());
    run->replayed = 0;
    run->state = TEND_RUN_THINKING;
}

void tend_run_answer(struct tend_engine *engine, struct tend_run *run, json_t *answer)
{
    struct tend_effect *effect = tend_emit(engine, TEND_EFFECT_RUN_ANSWER);
    effect->key = tend_copy_text(run->id);
    effect->json = json_incref(answer);
    run->state = TEND_RUN_THINKING;
}

// A step that the end of its run cuts off: its program is ended, and whether it did what it should nobody knows.
static void close_last_step(struct tend_engine *engine, struct tend_run *run, const char *error)
{
    struct tend_step *step = run->step_count == 0 ? NULL : &run->steps[run->step_count - 1];
    if (step == NULL || step->state == TEND_STEP_ENDED || step->state == TEND_STEP_OUTCOME) {
        return;
    }
    if (step->state == TEND_STEP_ACTING) {
        tend_emit(engine, TEND_EFFECT_CANCEL)->id = step->effect_id;
    }
    const bool acted = step->state == TEND_STEP_ACTING || step->state == TEND_STEP_LOOKING;
    step->outcome = tend_copy_text(acted ? "unknown" : "failed");
    step->answer = json_pack("{s:b, s:s, s:s}", "ok", 0, "outcome", step->outcome, "error",
                             error == NULL ? "its run ended" : error);
    step->state = TEND_STEP_ENDED;
    step->ended_wall_ms = engine->wall_ms;
    (void)tend_facts_step(engine, run, step, true, true);
}

void tend_run_end(struct tend_engine *engine, struct tend_run *run, const char *outcome, const char *error)
{
    close_last_step(engine, run, error);
    run->state = TEND_RUN_ENDED;
    tend_emit(engine, TEND_EFFECT_RUN_END)->key = tend_copy_text(run->id);
    if (strcmp(outcome, "escalated") == 0 && !run->dry) {
        tend_recovery_hand_over(engine, run); // on disk before the run's end is, as no later start may try again
    }
    tend_recovery_guard(engine, run, outcome); // likewise, as no later start may forget the cooldown
    tend_facts_run(engine, run, true, outcome, error);
    tend_recovery_run_ended(engine, run, outcome, error);
}

static void hash_request(const json_t *effect, char out[65])
{
    json_t *request = json_pack("{s:O?, s:O?, s:O?, s:O?, s:O?}", "seq", json_object_get(effect, "seq"), "verb",
                                json_object_get(effect, "verb"), "instance", json_object_get(effect, "instance"),
                                "kind", json_object_get(effect, "kind"), "args", json_object_get(effect, "args"));
    char *text = tend_json_canonical(request);
    TEND_ASSERT(text != NULL);
    tend_sha256_hex(text, strlen(text), out);
    free(text);
    json_decref(request);
}

static struct tend_step *add_step(struct tend_engine *engine, struct tend_run *run, json_t *effect)
{
    struct tend_step *grown = reallocarray(run->steps, run->step_count + 1, sizeof *grown);
    TEND_ASSERT(grown != NULL);
    run->steps = grown;
    struct tend_step *step = &grown[run->step_count++];
    *step = (struct tend_step){ .seq = (int64_t)run->step_count,
                                .effect = json_incref(effect),
                                .attempt = 1,
                                .began_ms = engine->now_ms,
                                .began_wall_ms = engine->wall_ms };
    hash_request(effect, step->hash);
    return step;
}

// Only a process that dies at the same place again and again is given up.
static void note_progress(struct tend_run *run)
{
    if (run->replayed > run->furthest) {
        run->furthest = run->replayed;
        run->deaths = 0;
    }
}

// The script runs again and asks for a step that it asked for before.
static void replay_step(struct tend_engine *engine, struct tend_run *run, const json_t *effect)
{
    struct tend_step *step = &run->steps[run->replayed++];
    note_progress(run);
    char hash[65];
    hash_request(effect, hash);
    if (strcmp(hash, step->hash) != 0) {
        char error[160];
        tend_text_format(error, sizeof error, "run again, the playbook asked for something else at step %lld",
                         (long long)step->seq);
        tend_run_end(engine, run, "escalated", error);
        return;
    }
    if (step->state == TEND_STEP_ENDED) {
        tend_run_answer(engine, run, step->answer);
        return;
    }
    run->state = TEND_RUN_STEPPING; // the step that was under way goes on
}

static void take_effect(struct tend_engine *engine, struct tend_run *run, json_t *effect)
{
    if (run->replayed < run->step_count) {
        replay_step(engine, run, effect);
        return;
    }
    if (tend_json_integer(effect, "seq", 0) != (int64_t)run->step_count + 1 || run->step_count >= STEPS_MAX) {
        tend_run_end(engine, run, "escalated",
                     "the playbook's process sent a step out of order, or more than 1000 of them");
        return;
    }
    struct tend_step *step = add_step(engine, run, effect);
    run->replayed = run->step_count;
    note_progress(run);
    tend_step_begin(engine, run, step);
}

// Whether the incident was seen to be in line after the last act. The process's word for it is not enough.
static bool is_proven(const struct tend_run *run)
{
    for (size_t i = run->step_count; i > 0 && !tend_step_is_act(&run->steps[i - 1]); i--) {
        const struct tend_step *step = &run->steps[i - 1];
        if (strcmp(tend_step_kind(step), "verify") == 0 && tend_step_instance(step) == NULL &&
            tend_json_bool(step->answer, "ok", false)) {
            return true;
        }
    }
    return false;
}

static void take_end(struct tend_engine *engine, struct tend_run *run, const json_t *end)
{
    if (run->replayed < run->step_count) {
        tend_run_end(engine, run, "escalated", "run again, the playbook ended before its last step");
    } else if (run->dry) {
        tend_run_end(engine, run, "dry", tend_json_text(end, "error", NULL));
    } else if (tend_json_bool(end, "ok", false)) {
        const bool proven = is_proven(run);
        tend_run_end(engine, run, proven ? "recovered" : "failed",
                     proven ? NULL : "the playbook ended, but no verify of the incident passed after its last act");
    } else {
        run->unfit = tend_json_bool(end, "unfit", false) && run->acted_ms == TEND_NEVER;
        const char *undo = tend_json_text(end, "undo", "none");
        const char *error = tend_json_text(end, "error", "the playbook failed");
        tend_run_end(engine, run,
                     strcmp(undo, "failed") == 0 ? "escalated"
                     : strcmp(undo, "done") == 0 ? "rolled back"
                                                 : "failed",
                     error);
    }
}

static void script_died(struct tend_engine *engine, struct tend_run *run, const char *reason)
{
    tend_log(TEND_LOG_WARN, "playbook's process died run=%s why=\"%s\"", run->id, reason);
    if (++run->deaths >= RUN_DEATHS) {
        char error[256];
        tend_text_format(error, sizeof error, "the playbook's process died %u times: %s", run->deaths, reason);
        tend_run_end(engine, run, "escalated", error);
        return;
    }
    start_script(engine, run);
}

void tend_run_reply(struct tend_engine *engine, const struct tend_event *event)
{
    struct tend_run *run = tend_run_find(engine, event->run_reply.run);
    if (run == NULL || run->state == TEND_RUN_ENDED) {
        return;
    }
    if (event->run_reply.json == NULL) {
        script_died(engine, run, event->run_reply.died.reason);
        return;
    }
    if (run->state != TEND_RUN_THINKING) {
        return; // it was not asked anything
    }
    json_t *effect = json_object_get(event->run_reply.json, "effect");
    const json_t *end = json_object_get(event->run_reply.json, "end");
    if (json_is_object(effect)) {
        take_effect(engine, run, effect);
    } else if (json_is_object(end)) {
        take_end(engine, run, end);
    } else {
        tend_run_end(engine, run, "escalated", "the playbook's process answered nothing that tend knows");
    }
}

void tend_run_step_result(struct tend_engine *engine, const struct tend_event *event)
{
    for (size_t i = 0; i < engine->run_count; i++) {
        struct tend_run *run = engine->runs[i];
        struct tend_step *step = run->step_count == 0 ? NULL : &run->steps[run->step_count - 1];
        // THINKING: its process died meanwhile, and is being told what happened before.
        if (run->state != TEND_RUN_ENDED && step != NULL && step->state == TEND_STEP_ACTING &&
            step->effect_id == event->step.id) {
            tend_step_result(engine, run, step, event);
            return;
        }
    }
}

// After a refusal or an unknown outcome a script is told nothing more, so a run whose last step is one of these ends.
static bool stops_run(const struct tend_step *step)
{
    return step->state == TEND_STEP_ENDED &&
           (strcmp(step->outcome, "refused") == 0 || strcmp(step->outcome, "unknown") == 0);
}

// The time that a step of before a restart has: an act is looked at, a wait or a verify begins again.
static void begin_time_anew(const struct tend_engine *engine, const struct tend_run *run, struct tend_step *step)
{
    const bool wait = strcmp(tend_step_kind(step), "wait") == 0;
    const json_t *args = json_object_get(step->effect, "args");
    step->deadline_ms = engine->now_ms + (wait ? tend_json_integer(args, "ms", 0) : run->within_ms);
}

void tend_run_advance(struct tend_engine *engine, struct tend_run *run)
{
    struct tend_step *step = run->step_count == 0 ? NULL : &run->steps[run->step_count - 1];
    switch (run->state) {
    case TEND_RUN_BEGINNING:
        if (step != NULL && stops_run(step)) {
            tend_run_end(engine, run, "escalated", tend_json_text(step->answer, "error", ""));
        } else if (engine->reached >= run->record && is_ready(engine, run)) {
            if (run->restored && step != NULL && step->state != TEND_STEP_ENDED) {
                begin_time_anew(engine, run, step); // it was not looked at before now
            }
            start_script(engine, run);
        }
        return;
    case TEND_RUN_THINKING:
    case TEND_RUN_ENDED:
        return;
    case TEND_RUN_STEPPING:
        break;
    }
    TEND_ASSERT(step != NULL);
    tend_step_advance(engine, run, step);
}

int64_t tend_run_wake_ms(const struct tend_run *run)
{
    if (run->state != TEND_RUN_STEPPING || run->step_count == 0) {
        return TEND_NEVER;
    }
    const struct tend_step *step = &run->steps[run->step_count - 1];
    return step->state == TEND_STEP_WAITING || step->state == TEND_STEP_LOOKING ? step->deadline_ms : TEND_NEVER;
}

void tend_run_restore_step(struct tend_engine *engine, struct tend_run *run, const json_t *body)
{
    const int64_t seq = tend_json_integer(body, "seq", 0);
    if (seq < 1 || seq > (int64_t)run->step_count + 1) {
        return;
    }
    if (seq == (int64_t)run->step_count + 1) {
        json_t *effect = json_pack("{s:I, s:O?, s:O?, s:O?, s:O?, s:O?, s:O?, s:O?}", "seq", (json_int_t)seq, "verb",
                                   json_object_get(body, "verb"), "instance", json_object_get(body, "instance"), "kind",
                                   json_object_get(body, "kind"), "args", json_object_get(body, "args"), "idempotent",
                                   json_object_get(body, "idempotent"), "undo", json_object_get(body, "undo"), "at",
                                   json_object_get(body, "at"));
        TEND_ASSERT(effect != NULL);
        (void)add_step(engine, run, effect);
        json_decref(effect);
    }
    struct tend_step *step = &run->steps[seq - 1];
    memcpy(step->hash, tend_json_text(body, "hash", step->hash), sizeof step->hash - 1);
    step->attempt = (unsigned)tend_json_integer(body, "attempt", 1);
    step->began_wall_ms = tend_json_integer(body, "began_wall_ms", engine->wall_ms);
    if (strcmp(tend_json_text(body, "state", ""), "ended") == 0) {
        json_decref(step->answer);
        free(step->outcome);
        step->outcome = tend_copy_text(tend_json_text(body, "outcome", "unknown"));
        step->ended_wall_ms = tend_json_integer(body, "ended_wall_ms", engine->wall_ms);
        step->answer = json_incref(json_object_get(body, "answer"));
        step->state = TEND_STEP_ENDED;
        run->acted_ms =
            tend_step_is_act(step) ? engine->now_ms : run->acted_ms; // samples from before the restart prove nothing
        tend_step_note_effect(run, step);
    } else if (tend_step_is_act(step)) {
        step->state = TEND_STEP_LOOKING;
    } else {
        step->state = TEND_STEP_WAITING;
    }
}

static double limit_of(const json_t *limits, const char *name)
{
    return tend_json_number(limits, name, (double)NAN);
}

void tend_run_restore(struct tend_engine *engine, const json_t *body)
{
    struct tend_run *run = calloc(1, sizeof *run);
    TEND_ASSERT(run != NULL);
    const json_t *limits = json_object_get(body, "limits");
    tend_text_format(run->id, sizeof run->id, "%s", tend_json_text(body, "id", ""));
    tend_text_format(run->incident, sizeof run->incident, "%s", tend_json_text(body, "incident", ""));
    tend_text_format(run->playbook_hash, sizeof run->playbook_hash, "%s", tend_json_text(body, "playbook_hash", ""));
    tend_text_format(run->generation, sizeof run->generation, "%s", tend_json_text(body, "generation", ""));
    run->service = tend_copy_text(tend_json_text(body, "service", ""));
    run->playbook = tend_copy_text(tend_json_text(body, "playbook", ""));
    run->playbook_index = (size_t)tend_json_integer(body, "playbook_index", 0);
    run->within_ms = tend_json_integer(body, "within_ms", 60000);
    run->dry = tend_json_bool(body, "dry", false);
    run->began_ms = tend_json_integer(body, "began_ms", engine->now_ms);
    run->began_wall_ms = tend_json_integer(body, "began_wall_ms", engine->wall_ms);
    run->limits = (struct tend_limits){ .at_once = limit_of(limits, "at_once"),
                                        .share = limit_of(limits, "share"),
                                        .min_healthy = limit_of(limits, "min_healthy"),
                                        .per_hour = limit_of(limits, "per_hour"),
                                        .cooldown_ms = tend_json_integer(limits, "cooldown_ms", -1),
                                        .attempts = limit_of(limits, "attempts"),
                                        .confidence = limit_of(limits, "confidence") };
    run->frozen = json_incref(json_object_get(body, "frozen"));
    run->acted_ms = TEND_NEVER;
    run->restored = true;
    tend_append_pointer((void ***)&engine->runs, &engine->run_count, run);
}
