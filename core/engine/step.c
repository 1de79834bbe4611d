// A step: one thing that a playbook asked for, from its intent to its outcome.
//
//     act (exec, http):    INTENT ──on disk──▶ ACTING ──result──▶ OUTCOME ──on disk──▶ ENDED
//                                                └──unknown──▶ LOOKING ──▶ OUTCOME, or INTENT again, or the run ends
//     wait, verify, pick:  WAITING ──▶ ENDED          note, escalate: ENDED at once
//
// Refusals (limits, pause, blindness, a changed version, what second_look.c sees) are judged twice: before the intent
// is written, and again when it is on disk, for things may have changed meanwhile. A refusal ends the run; the script
// is not told.

#include "engine/state.h"

#include "engine/forecast.h"

#include "base/log.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEP_TIMEOUT_MS = 30000 };

const char *tend_step_kind(const struct tend_step *step)
{
    return tend_json_text(step->effect, "kind", "");
}

bool tend_step_is_act(const struct tend_step *step)
{
    const char *kind = tend_step_kind(step);
    return strcmp(kind, "exec") == 0 || strcmp(kind, "http") == 0 || strcmp(kind, "mail") == 0;
}

const char *tend_step_instance(const struct tend_step *step)
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
        if (concerned) {
            tend_forecast_cut(service, engine->now_ms);
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
void tend_step_note_effect(struct tend_run *run, const struct tend_step *step)
{
    const char *kind = tend_step_kind(step);
    const char *verb = tend_json_text(step->effect, "verb", "");
    const bool ok = tend_json_bool(step->answer, "ok", false);
    if (tend_step_is_act(step)) {
        if (tend_step_instance(step) != NULL) {
            remember(&run->acted, &run->acted_count, tend_step_instance(step));
        }
        run->redeployed = run->redeployed || strcmp(verb, "redeploy") == 0;
    } else if (strcmp(kind, "verify") == 0 && ok) {
        forget(run->acted, &run->acted_count, tend_step_instance(step));
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
    char why[512]; // what a program or a peer says may be any bytes
    tend_text_format(why, sizeof why, "%s", error == NULL ? "" : error);
    free(step->outcome);
    step->outcome = tend_copy_text(outcome);
    json_decref(step->answer);
    step->answer = strcmp(outcome, "done") == 0
                       ? json_pack("{s:b, s:o}", "ok", 1, "value", value == NULL ? json_object() : value)
                       : json_pack("{s:b, s:s, s:s, s:o?}", "ok", 0, "outcome", outcome, "error", why, "value", value);
    TEND_ASSERT(step->answer != NULL);
    step->ended_wall_ms = engine->wall_ms;
    const bool act = tend_step_is_act(step) && !run->dry;
    if (act) {
        run->acted_ms = engine->now_ms;
        cut_windows(engine, run);
        struct tend_incident *incident = tend_incident_find(engine, run->incident);
        if (incident != NULL) {
            incident->acted_ms = engine->now_ms;
        }
    }
    tend_step_note_effect(run, step);
    step->record = tend_facts_step(engine, run, step, true, act);
    tend_log(TEND_LOG_INFO, "step ended run=%s seq=%lld kind=%s verb=%s instance=%s outcome=%s error=\"%s\"", run->id,
             (long long)step->seq, tend_step_kind(step), tend_json_text(step->effect, "verb", ""),
             tend_step_instance(step) == NULL ? "" : tend_step_instance(step), outcome, why);
    if (act) {
        step->state = TEND_STEP_OUTCOME;
    } else {
        step->state = TEND_STEP_ENDED;
        tend_run_answer(engine, run, step->answer);
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
    // Limits are the playbook's own business; what comes from outside is no failure of the run.
    run->stopped = strcmp(reason, "share") != 0 && strcmp(reason, "min_healthy") != 0;
    const bool over = strcmp(reason, "over") == 0; // nobody need be called for it
    run->unfit = run->unfit || over;
    char error[320];
    tend_text_format(error, sizeof error, "refused: %s: %s", reason, text);
    tend_run_end(engine, run, over ? "failed" : "escalated", error);
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
            tend_text_format(text, bytes, "the version of %s changed from %s to %s during the run", instance->name,
                             version, instance->version);
            return true;
        }
    }
    return false;
}

static bool was_acted_on(const struct tend_run *run, const char *instance)
{
    for (size_t i = 0; i < run->step_count; i++) {
        const struct tend_step *step = &run->steps[i];
        const char *on = tend_step_instance(step);
        if (step->state == TEND_STEP_ENDED && tend_step_is_act(step) && (on == NULL || strcmp(on, instance) == 0)) {
            return true;
        }
    }
    return false;
}

static const char *refusal_of_act(const struct tend_engine *engine, const struct tend_run *run,
                                  const struct tend_step *step, char *text, size_t bytes)
{
    if (engine->paused) {
        tend_text_format(text, bytes, "acting is paused");
        return "paused";
    }
    if (engine->journal_failed) {
        tend_text_format(text, bytes, "the journal cannot be written");
        return "journal";
    }
    struct tend_hush hush;
    if (tend_silence_covers(engine, run->service, NULL, &hush) && strcmp(hush.reason, "deploy") != 0) {
        tend_text_format(text, bytes, "%s", hush.text);
        return "silenced"; // a deploy begins nothing new, but what is under way may be that deploy
    }
    if (engine->blind) {
        tend_text_format(text, bytes, "more than half of the targets failed at once");
        return "blind";
    }
    const struct tend_service *service = tend_fleet_find(engine->fleet, run->service);
    const struct tend_instance *instance = find_instance(engine, run, tend_step_instance(step));
    if (service == NULL || (tend_step_instance(step) != NULL && instance == NULL)) {
        tend_text_format(text, bytes, "%s is no longer there",
                         tend_step_instance(step) == NULL ? run->service : tend_step_instance(step));
        return "gone";
    }
    if (!run->redeployed && has_other_version(run, service, text, bytes)) {
        return "version";
    }
    const char *come_between = tend_second_look(engine, run, step, text, bytes);
    if (come_between != NULL) {
        return come_between;
    }
    if (instance == NULL || tend_json_bool(step->effect, "undo", false)) {
        return NULL;
    }
    if (tend_recovery_is_missing(engine, instance) && !was_acted_on(run, instance->name)) {
        tend_text_format(text, bytes, "nothing is known of %s, and no rule that may act names how its scrapes fail",
                         instance->name);
        return "missing";
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
    tend_text_format(text, bytes, "%zu of %zu instances serve, %zu others are acted on; share %.2f, min_healthy %.0f",
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
    const bool exec = strcmp(tend_step_kind(step), "exec") == 0;
    if (!exec && strcmp(tend_step_kind(step), "http") != 0) {
        end_step(engine, run, step, "failed", "this version cannot send mail from a playbook", NULL);
        return;
    }
    struct tend_effect *effect = tend_emit(engine, exec ? TEND_EFFECT_EXEC : TEND_EFFECT_HTTP);
    effect->id = step->effect_id = engine->next_id++;
    effect->key = tend_copy_text(tend_step_instance(step) == NULL ? run->service : tend_step_instance(step));
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

// Whether rules say so of an instance that is in line as of now: it was not for long enough, or will not be soon.
static bool is_judged_out(const struct tend_engine *engine, const struct tend_service *service,
                          const struct tend_instance *instance)
{
    for (size_t i = 0; i < service->alert_count; i++) {
        const struct tend_rule_alert *alert = &service->alerts[i];
        if (alert->instance == instance && alert->alert.state == TEND_ALERT_FIRING &&
            alert->verdict == TEND_VERDICT_OUT) {
            return true;
        }
    }
    return tend_forecast_concerns(engine, service, instance);
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
        if (was_picked(run, instance->name) || tend_recovery_is_missing(engine, instance)) {
            continue;
        }
        if (acted && !late &&
            tend_verify_instance(engine, run, instance, run->acted_ms, why, sizeof why) == TEND_PROOF_NOT_YET) {
            return;
        }
        const double a = tend_subject_worst(engine->fleet, service->def, &instance->subject, NULL) +
                         (is_judged_out(engine, service, instance) ? 1.0 : 0.0) +
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
    const struct tend_instance *instance = find_instance(engine, run, tend_step_instance(step));
    if (tend_step_instance(step) == NULL) {
        return tend_verify_incident(engine, run, after_ms, why, bytes);
    }
    if (instance == NULL) {
        tend_text_format(why, bytes, "%s is no longer there", tend_step_instance(step));
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
    tend_text_format(error, sizeof error, "the outcome of step %lld is unknown, and it may not be done twice: %s",
                     (long long)step->seq, why);
    tend_run_end(engine, run, "escalated", error);
}

// Undoing a drain would send requests to an instance that is still out of line: it stays drained while enough others
// serve.
static bool stays_drained(const struct tend_engine *engine, const struct tend_run *run, const struct tend_step *step)
{
    const struct tend_service *service = tend_fleet_find(engine->fleet, run->service);
    const struct tend_instance *instance = find_instance(engine, run, tend_step_instance(step));
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
void tend_step_begin(struct tend_engine *engine, struct tend_run *run, struct tend_step *step)
{
    const char *kind = tend_step_kind(step);
    const json_t *args = json_object_get(step->effect, "args");
    run->state = TEND_RUN_STEPPING;
    if (tend_step_is_act(step)) {
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

void tend_step_result(struct tend_engine *engine, struct tend_run *run, struct tend_step *step,
                      const struct tend_event *event)
{
    if (strcmp(event->step.outcome, "unknown") == 0) {
        run->acted_ms = engine->now_ms; // it may have happened: the target is looked at
        cut_windows(engine, run);
        step->state = TEND_STEP_LOOKING;
        step->began_ms = engine->now_ms;
        step->deadline_ms = engine->now_ms + run->within_ms;
    } else {
        end_step(engine, run, step, event->step.outcome, event->step.error, json_incref(event->step.value));
    }
}

void tend_step_advance(struct tend_engine *engine, struct tend_run *run, struct tend_step *step)
{
    switch (step->state) {
    case TEND_STEP_INTENT:
        if (engine->reached >= step->record) {
            act(engine, run, step);
        }
        break;
    case TEND_STEP_OUTCOME:
        if (engine->reached >= step->record) {
            step->state = TEND_STEP_ENDED;
            tend_run_answer(engine, run, step->answer);
        }
        break;
    case TEND_STEP_WAITING:
        if (strcmp(tend_step_kind(step), "verify") == 0) {
            check_verify(engine, run, step);
        } else if (strcmp(tend_step_kind(step), "pick") == 0) {
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
