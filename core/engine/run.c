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

#include "base/log.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEP_TIMEOUT_MS = 30000, STEPS_MAX = 1000 };

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
                     tend_subject_is_out(engine->fleet, instance->service->def, &instance->subject), "metrics",
                     tend_facts_metrics(engine, instance->service->def, &instance->subject));
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
    (void)snprintf(run->id, sizeof run->id, "r%llu", (unsigned long long)engine->next_record);
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
    const struct tend_service *service = tend_fleet_find(engine->fleet, run->service);
    if (service == NULL) {
        return false;
    }
    for (size_t i = 0; i < service->instance_count; i++) {
        const struct tend_instance *instance = service->instances[i];
        if (instance->dirty || tend_series_window_history(instance->window)->newest_ms == TEND_NEVER) {
            return false;
        }
    }
    return true;
}

static void start_script(struct tend_engine *engine, struct tend_run *run)
{
    struct tend_effect *effect = tend_emit(engine, TEND_EFFECT_RUN_START);
    effect->key = tend_copy_text(run->id);
    effect->text = tend_copy_text(run->generation);
    effect->json =
        json_pack("{s:I, s:O, s:[]}", "playbook", (json_int_t)run->playbook_index, "frozen", run->frozen, "answers");
    run->replayed = 0;
    run->state = TEND_RUN_THINKING;
}

static void answer_script(struct tend_engine *engine, struct tend_run *run, json_t *answer)
{
    struct tend_effect *effect = tend_emit(engine, TEND_EFFECT_RUN_ANSWER);
    effect->key = tend_copy_text(run->id);
    effect->json = json_incref(answer);
    run->state = TEND_RUN_THINKING;
}

static void end_run(struct tend_engine *engine, struct tend_run *run, const char *outcome, const char *error)
{
    run->state = TEND_RUN_ENDED;
    tend_emit(engine, TEND_EFFECT_RUN_END)->key = tend_copy_text(run->id);
    if (strcmp(outcome, "escalated") == 0 && !run->dry) {
        tend_recovery_hand_over(engine, run); // on disk before the run's end is, as no later start may try again
    }
    tend_facts_run(engine, run, true, outcome, error);
    tend_recovery_run_ended(engine, run, outcome, error);
}

static const char *kind_of(const struct tend_step *step)
{
    return tend_json_text(step->effect, "kind", "");
}

static bool is_act(const struct tend_step *step)
{
    const char *kind = kind_of(step);
    return strcmp(kind, "exec") == 0 || strcmp(kind, "http") == 0 || strcmp(kind, "mail") == 0;
}

static const char *instance_of(const struct tend_step *step)
{
    return tend_json_text(step->effect, "instance", NULL);
}

static struct tend_instance *find_instance(const struct tend_engine *engine, const struct tend_run *run,
                                           const char *name)
{
    const struct tend_service *service = tend_fleet_find(engine->fleet, run->service);
    return service == NULL || name == NULL ? NULL : tend_service_find_instance(service, name);
}

// From now on only samples of scrapes begun after this moment count: for the culprit, for the services of the incident,
// and for all that depend on the culprit, as what they felt of it may not raise alerts after the cure.
static void cut_windows(struct tend_engine *engine, const struct tend_run *run)
{
    const struct tend_incident *incident = tend_incident_find(engine, run->incident);
    const struct tend_service *culprit = tend_fleet_find(engine->fleet, run->service);
    for (size_t i = 0; i < engine->fleet->service_count; i++) {
        struct tend_service *service = engine->fleet->services[i];
        bool concerned = culprit != NULL && tend_topology_depends(&engine->fleet->topology, i, culprit->index);
        for (size_t m = 0; incident != NULL && !concerned && m < incident->member_count; m++) {
            concerned = strcmp(incident->members[m].service, service->name) == 0;
        }
        for (size_t j = 0; concerned && j < service->instance_count; j++) {
            tend_series_window_cut(service->instances[j]->window, engine->now_ms);
        }
    }
}

static void remember(char ***names, size_t *count, const char *name)
{
    for (size_t i = 0; i < *count; i++) {
        if (strcmp((*names)[i], name) == 0) {
            return;
        }
    }
    tend_append_pointer((void ***)names, count, tend_copy_text(name));
}

static void forget(char **names, size_t *count, const char *name)
{
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        if (name == NULL || strcmp(names[i], name) == 0) {
            free(names[i]);
        } else {
            names[kept++] = names[i];
        }
    }
    *count = kept;
}

// What a step that ended means for later ones; the same whether it ends now or is read back from the journal.
static void note_effect_of(struct tend_run *run, const struct tend_step *step)
{
    const char *kind = kind_of(step);
    const char *verb = tend_json_text(step->effect, "verb", "");
    const bool ok = tend_json_bool(step->answer, "ok", false);
    if (is_act(step)) {
        if (instance_of(step) != NULL) {
            remember(&run->acted, &run->acted_count, instance_of(step));
        }
        run->redeployed = run->redeployed || strcmp(verb, "redeploy") == 0;
    } else if (strcmp(kind, "verify") == 0 && ok) {
        forget(run->acted, &run->acted_count, instance_of(step));
    } else if (strcmp(kind, "pick") == 0 && ok) {
        const char *picked = tend_json_text(json_object_get(step->answer, "value"), "instance", NULL);
        if (picked != NULL) {
            remember(&run->picked, &run->picked_count, picked);
        }
    }
}

// Ends a step. An act's answer waits for its outcome to be on disk.
static void end_step(struct tend_engine *engine, struct tend_run *run, struct tend_step *step, const char *outcome,
                     const char *error, json_t *value)
{
    free(step->outcome);
    step->outcome = tend_copy_text(outcome);
    json_decref(step->answer);
    step->answer = strcmp(outcome, "done") == 0
                       ? json_pack("{s:b, s:o}", "ok", 1, "value", value == NULL ? json_object() : value)
                       : json_pack("{s:b, s:s, s:s, s:o?}", "ok", 0, "outcome", outcome, "error",
                                   error == NULL ? "" : error, "value", value);
    TEND_ASSERT(step->answer != NULL);
    step->ended_wall_ms = engine->wall_ms;
    const bool act = is_act(step) && !run->dry;
    if (act) {
        run->acted_ms = engine->now_ms;
        cut_windows(engine, run);
        struct tend_incident *incident = tend_incident_find(engine, run->incident);
        if (incident != NULL) {
            incident->acted_ms = engine->now_ms;
        }
    }
    note_effect_of(run, step);
    step->record = tend_facts_step(engine, run, step, true, act);
    tend_log(TEND_LOG_INFO, "step ended run=%s seq=%lld kind=%s verb=%s instance=%s outcome=%s error=\"%s\"", run->id,
             (long long)step->seq, kind_of(step), tend_json_text(step->effect, "verb", ""),
             instance_of(step) == NULL ? "" : instance_of(step), outcome, error == NULL ? "" : error);
    if (act) {
        step->state = TEND_STEP_OUTCOME;
    } else {
        step->state = TEND_STEP_ENDED;
        answer_script(engine, run, step->answer);
    }
}

// A refusal ends the run and cannot be caught: the script gets no answer, its process is killed.
static void refuse_step(struct tend_engine *engine, struct tend_run *run, struct tend_step *step, const char *reason,
                        const char *text)
{
    step->outcome = tend_copy_text("refused");
    step->state = TEND_STEP_ENDED;
    step->ended_wall_ms = engine->wall_ms;
    step->answer = json_pack("{s:b, s:s, s:s}", "ok", 0, "outcome", "refused", "error", text);
    (void)tend_facts_step(engine, run, step, true, true);
    char error[320];
    (void)snprintf(error, sizeof error, "refused: %s: %s", reason, text);
    end_run(engine, run, "escalated", error);
}

// Whether an instance says another version than when the run began; one that says none is not known to have changed.
static bool has_other_version(const struct tend_run *run, const struct tend_service *service, char *text, size_t bytes)
{
    const json_t *instances = json_object_get(json_object_get(run->frozen, "culprit"), "instances");
    size_t index;
    json_t *row;
    json_array_foreach(instances, index, row)
    {
        const struct tend_instance *instance = tend_service_find_instance(service, tend_json_text(row, "name", ""));
        const char *version = tend_json_text(row, "version", "");
        if (instance != NULL && version[0] != '\0' && instance->version[0] != '\0' &&
            strcmp(instance->version, version) != 0) {
            (void)snprintf(text, bytes, "the version of %s changed from %s to %s during the run", instance->name,
                           version, instance->version);
            return true;
        }
    }
    return false;
}

static const char *refusal_of_act(const struct tend_engine *engine, const struct tend_run *run,
                                  const struct tend_step *step, char *text, size_t bytes)
{
    if (engine->paused) {
        (void)snprintf(text, bytes, "acting is paused");
        return "paused";
    }
    if (engine->journal_failed) {
        (void)snprintf(text, bytes, "the journal cannot be written");
        return "journal";
    }
    if (engine->blind) {
        (void)snprintf(text, bytes, "more than half of the targets failed at once");
        return "blind";
    }
    const struct tend_service *service = tend_fleet_find(engine->fleet, run->service);
    const struct tend_instance *instance = find_instance(engine, run, instance_of(step));
    if (service == NULL || (instance_of(step) != NULL && instance == NULL)) {
        (void)snprintf(text, bytes, "%s is no longer there",
                       instance_of(step) == NULL ? run->service : instance_of(step));
        return "gone";
    }
    if (!run->redeployed && has_other_version(run, service, text, bytes)) {
        return "version";
    }
    if (instance == NULL || tend_json_bool(step->effect, "undo", false)) {
        return NULL;
    }
    size_t others = 0;
    for (size_t i = 0; i < run->acted_count; i++) {
        others += strcmp(run->acted[i], instance->name) != 0;
    }
    const struct tend_step_gate gate = {
        .instances = service->instance_count,
        .serving = tend_service_serving(engine->fleet, service),
        .target_serves = tend_instance_serves(engine->fleet, instance),
        .acted_on = others,
    };
    const enum tend_refusal why = tend_limits_refuse_step(&run->limits, &gate);
    if (why == TEND_REFUSAL_NONE) {
        return NULL;
    }
    (void)snprintf(text, bytes, "%zu of %zu instances serve, %zu others are acted on; share %.2f, min_healthy %.0f",
                   gate.serving, gate.instances, gate.acted_on, run->limits.share, run->limits.min_healthy);
    return tend_refusal_text(why);
}

static bool is_asleep(const struct tend_engine *engine, const struct tend_run *run)
{
    const struct tend_service *service = tend_fleet_find(engine->fleet, run->service);
    return service != NULL && tend_sleep_is_asleep(engine, service);
}

static const char asleep_text[] = "asleep: its awake hours are over";

// A culprit that falls asleep is left alone: what was not done fails, what was done is undone, and nobody is called.
static bool ends_asleep(struct tend_engine *engine, struct tend_run *run, struct tend_step *step)
{
    if (!is_asleep(engine, run) || tend_json_bool(step->effect, "undo", false)) {
        return false;
    }
    end_step(engine, run, step, "failed", asleep_text, NULL);
    return true;
}

// Carries out an act whose intent is on disk.
static void act(struct tend_engine *engine, struct tend_run *run, struct tend_step *step)
{
    if (ends_asleep(engine, run, step)) {
        return;
    }
    char text[256];
    const char *refused = refusal_of_act(engine, run, step, text, sizeof text); // things may have changed meanwhile
    if (refused != NULL) {
        refuse_step(engine, run, step, refused, text);
        return;
    }
    const bool exec = strcmp(kind_of(step), "exec") == 0;
    if (!exec && strcmp(kind_of(step), "http") != 0) {
        end_step(engine, run, step, "failed", "this version cannot send mail from a playbook", NULL);
        return;
    }
    struct tend_effect *effect = tend_emit(engine, exec ? TEND_EFFECT_EXEC : TEND_EFFECT_HTTP);
    effect->id = step->effect_id = engine->next_id++;
    effect->key = tend_copy_text(instance_of(step) == NULL ? run->service : instance_of(step));
    effect->text = tend_copy_text(tend_json_text(step->effect, "verb", ""));
    effect->json = json_deep_copy(json_object_get(step->effect, "args"));
    if (json_object_get(effect->json, "timeout_ms") == NULL) {
        (void)json_object_set_new(effect->json, "timeout_ms", json_integer(STEP_TIMEOUT_MS));
    }
    step->state = TEND_STEP_ACTING;
}

static bool was_picked(const struct tend_run *run, const char *instance)
{
    for (size_t i = 0; i < run->picked_count; i++) {
        if (strcmp(run->picked[i], instance) == 0) {
            return true;
        }
    }
    return false;
}

// The worst instance that is out of line and was not picked before; none once the incident is over. An act cuts the
// windows, and no data is not "in line": until newer samples tell of each instance that is left, the pick waits.
static void check_pick(struct tend_engine *engine, struct tend_run *run, struct tend_step *step)
{
    const struct tend_service *service = tend_fleet_find(engine->fleet, run->service);
    const struct tend_instance *worst = NULL;
    double worst_a = 0.0;
    char why[256];
    const bool acted = run->acted_ms != TEND_NEVER;
    const bool late = engine->now_ms >= step->deadline_ms;
    const bool over = (run->dry && run->picked_count > 0) || is_asleep(engine, run) ||
                      (acted && tend_verify_incident(engine, run, run->acted_ms, why, sizeof why) == TEND_PROOF_YES);
    for (size_t i = 0; service != NULL && !over && i < service->instance_count; i++) {
        const struct tend_instance *instance = service->instances[i];
        if (was_picked(run, instance->name)) {
            continue;
        }
        if (acted && !late &&
            tend_verify_instance(engine, run, instance, run->acted_ms, why, sizeof why) == TEND_PROOF_NOT_YET) {
            return;
        }
        const double a = tend_subject_worst(engine->fleet, service->def, &instance->subject, NULL) +
                         (tend_instance_failed(instance) ? 1e9 : 0.0); // one that does not answer is worst of all
        if (a >= 1.0 && a > worst_a) {
            worst = instance;
            worst_a = a;
        }
    }
    end_step(engine, run, step, "done", NULL,
             worst == NULL ? json_pack("{s:n}", "instance") : json_pack("{s:s}", "instance", worst->name));
}

static int64_t proof_from(const struct tend_run *run)
{
    return run->acted_ms == TEND_NEVER ? run->began_ms : run->acted_ms;
}

static enum tend_proof proof_of(const struct tend_engine *engine, const struct tend_run *run,
                                const struct tend_step *step, int64_t after_ms, char *why, size_t bytes)
{
    const struct tend_instance *instance = find_instance(engine, run, instance_of(step));
    if (instance_of(step) == NULL) {
        return tend_verify_incident(engine, run, after_ms, why, bytes);
    }
    if (instance == NULL) {
        (void)snprintf(why, bytes, "%s is no longer there", instance_of(step));
        return TEND_PROOF_NO;
    }
    return tend_verify_instance(engine, run, instance, after_ms, why, bytes);
}

static void check_verify(struct tend_engine *engine, struct tend_run *run, struct tend_step *step)
{
    if (is_asleep(engine, run)) {
        end_step(engine, run, step, "failed", asleep_text, NULL);
        return;
    }
    char why[256];
    if (proof_of(engine, run, step, proof_from(run), why, sizeof why) == TEND_PROOF_YES) {
        end_step(engine, run, step, "done", NULL, NULL);
    } else if (engine->now_ms >= step->deadline_ms) {
        end_step(engine, run, step, "failed", why, NULL);
    }
}

// An act whose outcome is unknown: the target is looked at first. In line: it counts as done. Still out: it is done
// again if that does no harm, else a person is asked.
static void check_look(struct tend_engine *engine, struct tend_run *run, struct tend_step *step)
{
    char why[256];
    const enum tend_proof proof = proof_of(engine, run, step, step->began_ms, why, sizeof why);
    if (proof == TEND_PROOF_YES) {
        end_step(engine, run, step, "done", NULL, json_pack("{s:b}", "looked", 1));
        return;
    }
    const bool again = tend_json_bool(step->effect, "idempotent", false);
    if (engine->now_ms < step->deadline_ms && !(again && proof == TEND_PROOF_NO)) {
        return;
    }
    if (again && step->attempt < 2) {
        step->attempt++;
        step->state = TEND_STEP_INTENT;
        step->record = tend_facts_step(engine, run, step, false, true);
        return;
    }
    step->outcome = tend_copy_text("unknown");
    step->answer = json_pack("{s:b, s:s, s:s}", "ok", 0, "outcome", "unknown", "error", why);
    step->state = TEND_STEP_ENDED;
    step->ended_wall_ms = engine->wall_ms;
    (void)tend_facts_step(engine, run, step, true, true);
    char error[400];
    (void)snprintf(error, sizeof error, "the outcome of step %lld is unknown, and it may not be done twice: %s",
                   (long long)step->seq, why);
    end_run(engine, run, "escalated", error);
}

// Undoing a drain would send requests to an instance that is still out of line: it stays drained while enough others
// serve.
static bool stays_drained(const struct tend_engine *engine, const struct tend_run *run, const struct tend_step *step)
{
    const struct tend_service *service = tend_fleet_find(engine->fleet, run->service);
    const struct tend_instance *instance = find_instance(engine, run, instance_of(step));
    if (!tend_json_bool(step->effect, "undo", false) || instance == NULL ||
        strcmp(tend_json_text(step->effect, "verb", ""), "undrain") != 0) {
        return false;
    }
    const size_t others =
        tend_service_serving(engine->fleet, service) - (tend_instance_serves(engine->fleet, instance) ? 1 : 0);
    return tend_subject_is_out(engine->fleet, service->def, &instance->subject) &&
           (double)others >= run->limits.min_healthy;
}

static void begin_act(struct tend_engine *engine, struct tend_run *run, struct tend_step *step)
{
    char text[256];
    const char *refused;
    if (run->dry) {
        end_step(engine, run, step, "done", NULL, json_pack("{s:b}", "dry", 1));
    } else if (stays_drained(engine, run, step)) {
        end_step(engine, run, step, "done", NULL, json_pack("{s:b}", "stays_drained", 1));
    } else if (ends_asleep(engine, run, step)) {
        return;
    } else if ((refused = refusal_of_act(engine, run, step, text, sizeof text)) != NULL) {
        refuse_step(engine, run, step, refused, text);
    } else {
        step->state = TEND_STEP_INTENT;
        step->record = tend_facts_step(engine, run, step, false, true);
    }
}

// Begins a step that has just been asked for.
static void begin_step(struct tend_engine *engine, struct tend_run *run, struct tend_step *step)
{
    const char *kind = kind_of(step);
    const json_t *args = json_object_get(step->effect, "args");
    run->state = TEND_RUN_STEPPING;
    if (is_act(step)) {
        begin_act(engine, run, step);
    } else if (strcmp(kind, "pick") == 0) {
        step->deadline_ms = engine->now_ms + run->within_ms;
        step->state = TEND_STEP_WAITING;
        check_pick(engine, run, step);
    } else if (strcmp(kind, "verify") == 0 || strcmp(kind, "wait") == 0) {
        if (run->dry) {
            end_step(engine, run, step, "done", NULL, json_pack("{s:b}", "dry", 1));
            return;
        }
        const bool verify = kind[0] == 'v';
        step->deadline_ms = engine->now_ms + (verify ? run->within_ms : tend_json_integer(args, "ms", 0));
        step->state = TEND_STEP_WAITING;
        (void)tend_facts_step(engine, run, step, false, false);
        tend_run_advance(engine, run);
    } else if (strcmp(kind, "note") == 0) {
        end_step(engine, run, step, "done", NULL, NULL);
    } else if (strcmp(kind, "escalate") == 0) {
        struct tend_incident *incident = tend_incident_find(engine, run->incident);
        if (incident != NULL && !run->dry) {
            tend_recovery_escalate(engine, incident, run->service, "playbook", tend_json_text(args, "text", ""));
        }
        end_step(engine, run, step, "done", NULL, NULL);
    } else {
        end_step(engine, run, step, "failed", "tend knows no such step", NULL);
    }
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
        (void)snprintf(error, sizeof error, "run again, the playbook asked for something else at step %lld",
                       (long long)step->seq);
        end_run(engine, run, "escalated", error);
        return;
    }
    if (step->state == TEND_STEP_ENDED) {
        answer_script(engine, run, step->answer);
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
        end_run(engine, run, "escalated", "the playbook's process sent a step out of order, or more than 1000 of them");
        return;
    }
    struct tend_step *step = add_step(engine, run, effect);
    run->replayed = run->step_count;
    note_progress(run);
    begin_step(engine, run, step);
}

// Whether the incident was seen to be in line after the last act. The process's word for it is not enough.
static bool is_proven(const struct tend_run *run)
{
    for (size_t i = run->step_count; i > 0 && !is_act(&run->steps[i - 1]); i--) {
        const struct tend_step *step = &run->steps[i - 1];
        if (strcmp(kind_of(step), "verify") == 0 && instance_of(step) == NULL &&
            tend_json_bool(step->answer, "ok", false)) {
            return true;
        }
    }
    return false;
}

static void take_end(struct tend_engine *engine, struct tend_run *run, const json_t *end)
{
    if (run->replayed < run->step_count) {
        end_run(engine, run, "escalated", "run again, the playbook ended before its last step");
    } else if (run->dry) {
        end_run(engine, run, "dry", tend_json_text(end, "error", NULL));
    } else if (tend_json_bool(end, "ok", false)) {
        const bool proven = is_proven(run);
        end_run(engine, run, proven ? "recovered" : "failed",
                proven ? NULL : "the playbook ended, but no verify of the incident passed after its last act");
    } else {
        run->unfit = tend_json_bool(end, "unfit", false) && run->acted_ms == TEND_NEVER;
        const char *undo = tend_json_text(end, "undo", "none");
        const char *error = tend_json_text(end, "error", "the playbook failed");
        end_run(engine, run,
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
        (void)snprintf(error, sizeof error, "the playbook's process died %u times: %s", run->deaths, reason);
        end_run(engine, run, "escalated", error);
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
        end_run(engine, run, "escalated", "the playbook's process answered nothing that tend knows");
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
            if (strcmp(event->step.outcome, "unknown") == 0) {
                run->acted_ms = engine->now_ms; // it may have happened: the target is looked at
                cut_windows(engine, run);
                step->state = TEND_STEP_LOOKING;
                step->began_ms = engine->now_ms;
                step->deadline_ms = engine->now_ms + run->within_ms;
            } else {
                end_step(engine, run, step, event->step.outcome, event->step.error, json_incref(event->step.value));
            }
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

void tend_run_advance(struct tend_engine *engine, struct tend_run *run)
{
    struct tend_step *step = run->step_count == 0 ? NULL : &run->steps[run->step_count - 1];
    switch (run->state) {
    case TEND_RUN_BEGINNING:
        if (step != NULL && stops_run(step)) {
            end_run(engine, run, "escalated", tend_json_text(step->answer, "error", ""));
        } else if (engine->reached >= run->record && is_ready(engine, run)) {
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
    switch (step->state) {
    case TEND_STEP_INTENT:
        if (engine->reached >= step->record) {
            act(engine, run, step);
        }
        break;
    case TEND_STEP_OUTCOME:
        if (engine->reached >= step->record) {
            step->state = TEND_STEP_ENDED;
            answer_script(engine, run, step->answer);
        }
        break;
    case TEND_STEP_WAITING:
        if (strcmp(kind_of(step), "verify") == 0) {
            check_verify(engine, run, step);
        } else if (strcmp(kind_of(step), "pick") == 0) {
            check_pick(engine, run, step);
        } else if (engine->now_ms >= step->deadline_ms) {
            end_step(engine, run, step, "done", NULL, NULL);
        }
        break;
    case TEND_STEP_LOOKING:
        check_look(engine, run, step);
        break;
    case TEND_STEP_ACTING:
    case TEND_STEP_ENDED:
        break;
    }
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
        run->acted_ms = is_act(step) ? engine->now_ms : run->acted_ms; // samples from before the restart prove nothing
        note_effect_of(run, step);
    } else if (is_act(step)) {
        step->state = TEND_STEP_LOOKING;
        step->deadline_ms = engine->now_ms + run->within_ms;
    } else { // a wait or a verify begins anew
        const bool verify = strcmp(kind_of(step), "verify") == 0;
        step->deadline_ms =
            engine->now_ms +
            (verify ? run->within_ms : tend_json_integer(json_object_get(step->effect, "args"), "ms", 0));
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
    (void)snprintf(run->id, sizeof run->id, "%s", tend_json_text(body, "id", ""));
    (void)snprintf(run->incident, sizeof run->incident, "%s", tend_json_text(body, "incident", ""));
    (void)snprintf(run->playbook_hash, sizeof run->playbook_hash, "%s", tend_json_text(body, "playbook_hash", ""));
    (void)snprintf(run->generation, sizeof run->generation, "%s", tend_json_text(body, "generation", ""));
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
