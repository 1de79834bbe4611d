// Recovery: what is done about a culprit, or why nothing is.
//
// Every decision is recorded once, the decisions not to act as well: `tend explain` answers "why not" from them. The
// order of remedies is the service's; one that does not fit (its `when`) is passed over; limits may make it wait (hold)
// or call a person (escalate).

#include "engine/state.h"

#include "base/log.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOUR_MS = 3600 * 1000, BLIND_LEAST = 3 };

bool tend_recovery_is_blind(const struct tend_engine *engine)
{
    size_t seen = 0;
    size_t failed = 0;
    for (size_t i = 0; engine->fleet != NULL && i < engine->fleet->instance_count; i++) {
        const struct tend_instance *instance = engine->fleet->instances[i];
        if (instance != NULL && tend_series_window_history(instance->window)->newest_ms != TEND_NEVER &&
            !tend_instance_slept(instance)) {
            seen++;
            failed += tend_instance_failed(instance);
        }
    }
    return seen >= BLIND_LEAST && failed * 2 > seen;
}

static struct tend_limits limits_for(const struct tend_engine *engine, const struct tend_service *service,
                                     size_t playbook)
{
    struct tend_limits limits =
        tend_limits_stricter(&service->def->limits, &engine->ruleset->playbooks[playbook].limits);
    limits.per_hour = fmin(limits.per_hour, TEND_RUNS_KEPT); // more are not remembered
    return limits;
}

void tend_recovery_escalate(struct tend_engine *engine, struct tend_incident *incident, const char *service,
                            const char *reason, const char *text)
{
    if (incident->escalated) {
        return; // one call for a person an incident; `again` repeats it
    }
    incident->escalated = true;
    tend_log(TEND_LOG_WARN, "escalated incident=%s service=%s reason=\"%s\" text=\"%s\"", incident->id, service, reason,
             text);
    (void)tend_emit_record(engine, TEND_RECORD_DECISION, incident->id, incident->id, false, false,
                           json_pack("{s:s, s:s, s:s?, s:s, s:s}", "service", service, "what", "escalate", "playbook",
                                     NULL, "reason", reason, "text", text));
    tend_notice_incident(engine, incident, "escalated", text);
    tend_facts_incident(engine, incident, true); // a restart must not call again
}

void tend_recovery_say(struct tend_engine *engine, struct tend_incident *incident, struct tend_culprit *culprit,
                       const char *what, const char *playbook, const char *reason, const char *text)
{
    const char *about = playbook == NULL ? "" : playbook;
    char said[64];
    tend_text_format(said, sizeof said, "%s/%s", what, reason);
    if (strcmp(what, "act") != 0 && strcmp(tend_json_text(culprit->said, about, ""), said) == 0) {
        return;
    }
    if (culprit->said == NULL) {
        culprit->said = json_object();
    }
    (void)json_object_set_new(culprit->said, about, json_string(said));
    tend_log(TEND_LOG_INFO, "decided incident=%s service=%s what=%s playbook=\"%s\" reason=\"%s\"", incident->id,
             culprit->service, what, playbook == NULL ? "" : playbook, reason);
    (void)tend_emit_record(engine, TEND_RECORD_DECISION, incident->id, incident->id, false, false,
                           json_pack("{s:s, s:s, s:s?, s:s, s:s, s:o}", "service", culprit->service, "what", what,
                                     "playbook", playbook, "reason", reason, "text", text, "confidence",
                                     tend_json_real(culprit->confidence)));
}

static bool reads_up(const struct tend_rule_def *rule)
{
    return rule->metric != NULL && strcmp(rule->metric, "up") == 0;
}

// A rule acts on a failed scrape only if it names the kind. One on `up`: some scrape of its subject failed, and none in
// a way that it names. A function: all of them failed, so that it can have read nothing but `up`. A target that answers
// and says itself that it is down is no failed scrape.
static bool kind_bars(const struct tend_engine *engine, const struct tend_rule_alert *alert)
{
    const struct tend_rule_def *rule = &engine->ruleset->rules[alert->binding->rule];
    bool failed = false;
    bool answered = false;
    bool named = false;
    for (size_t i = 0; i < alert->service->instance_count; i++) {
        const struct tend_instance *instance = alert->service->instances[i];
        if (alert->instance != NULL && alert->instance != instance) {
            continue;
        }
        if (tend_instance_failed(instance)) {
            failed = true;
            named = named || (rule->kinds & (UINT32_C(1) << tend_series_window_history(instance->window)->kind)) != 0;
        } else {
            answered = true;
        }
    }
    const bool stands_on_failure = reads_up(rule) || (rule->metric == NULL && !answered);
    return stands_on_failure && failed && !named;
}

bool tend_recovery_is_missing(const struct tend_engine *engine, const struct tend_instance *instance)
{
    if (!tend_instance_failed(instance)) {
        return false;
    }
    const uint32_t kind = UINT32_C(1) << tend_series_window_history(instance->window)->kind;
    const struct tend_service_def *def = instance->service->def;
    for (size_t i = 0; i < def->rule_count; i++) {
        const struct tend_rule_binding *binding = &def->rules[i];
        if (binding->act &&
            (binding->missing == TEND_MISSING_ACT || (engine->ruleset->rules[binding->rule].kinds & kind) != 0)) {
            return false;
        }
    }
    return true;
}

// A culprit may be named by what others feel of it. When all that is wrong with its own instances is that nothing is
// known of them, nothing is done.
static bool stands_on_missing(const struct tend_engine *engine, const struct tend_service *service, char *why,
                              size_t why_bytes)
{
    const struct tend_instance *missing = NULL;
    for (size_t i = 0; i < service->instance_count; i++) {
        const struct tend_instance *instance = service->instances[i];
        if (tend_recovery_is_missing(engine, instance)) {
            missing = instance;
        } else if (tend_instance_failed(instance) ||
                   tend_subject_is_out(engine->fleet, service->def, &instance->subject)) {
            return false;
        }
    }
    if (missing != NULL) {
        tend_text_format(why, why_bytes, "nothing is known of %s (%s), and no rule that may act names that",
                         missing->name, tend_scrape_kind_text(tend_series_window_history(missing->window)->kind));
    }
    return missing != NULL;
}

// What keeps an alert that fires from starting a recovery now, or NULL.
static const char *what_bars(const struct tend_engine *engine, const struct tend_rule_alert *alert)
{
    if (alert->alert.by_missing) {
        return "fires because data is missing, and missing data never acts";
    }
    if (tend_second_look_is_old(engine, alert->service, alert->data_ms)) {
        return "fires on, but was not judged for longer than two of its intervals";
    }
    if (alert->verdict == TEND_VERDICT_ERROR) {
        return "fires on, but its rule cannot judge now";
    }
    if (alert->verdict == TEND_VERDICT_HOLD ||
        (alert->verdict == TEND_VERDICT_UNKNOWN && alert->binding->missing != TEND_MISSING_ACT)) {
        return "fires on, but has no data now";
    }
    if (alert->verdict == TEND_VERDICT_IN_LINE) {
        return "is in line again and waits to resolve";
    }
    if (tend_silence_covers(engine, alert->service->name, tend_rule_name(engine, alert), NULL)) {
        return "is silenced";
    }
    return kind_bars(engine, alert) ? "does not name the kind in which the scrape failed" : NULL;
}

bool tend_recovery_may_act(const struct tend_engine *engine, const struct tend_incident *incident, char *why,
                           size_t why_bytes)
{
    tend_text_format(why, why_bytes, "none of its rules has act = true");
    for (size_t i = 0; i < incident->member_count; i++) {
        const struct tend_rule_alert *alert = tend_member_alert(engine, &incident->members[i]);
        if (alert == NULL || alert->alert.state != TEND_ALERT_FIRING || !alert->binding->act) {
            continue;
        }
        const char *bar = what_bars(engine, alert);
        if (bar == NULL) {
            return true;
        }
        tend_text_format(why, why_bytes, "\"%s\" %s", tend_rule_name(engine, alert), bar);
    }
    return false;
}

static size_t runs_since(const struct tend_guard *guard, int64_t since_ms)
{
    size_t runs = 0;
    while (runs < TEND_RUNS_KEPT && guard->runs_ms[runs] != TEND_NEVER && guard->runs_ms[runs] > since_ms) {
        runs++;
    }
    return runs;
}

static bool is_member(const struct tend_service *service, const char *group)
{
    for (size_t i = 0; i < service->def->group_count; i++) {
        if (strcmp(service->def->groups[i], group) == 0) {
            return true;
        }
    }
    return false;
}

// Runs under way of all members of a group; the group "*" is the fleet.
static size_t count_runs(const struct tend_engine *engine, const char *group)
{
    size_t runs = 0;
    for (size_t i = 0; i < engine->run_count; i++) {
        const struct tend_service *service = tend_fleet_find(engine->fleet, engine->runs[i]->service);
        const bool member = strcmp(group, "*") == 0 || (service != NULL && is_member(service, group));
        runs += member && !engine->runs[i]->dry;
    }
    return runs;
}

// Runs of all members that began in the last hour; what a restart read back counts too.
static size_t count_runs_of_hour(const struct tend_engine *engine, const char *group)
{
    size_t runs = 0;
    for (size_t i = 0; i < engine->fleet->service_count; i++) {
        const struct tend_service *service = engine->fleet->services[i];
        if (strcmp(group, "*") == 0 || is_member(service, group)) {
            runs += runs_since(&service->guard, engine->now_ms - HOUR_MS);
        }
    }
    return runs;
}

// Takes a limit on runs together when it leaves less room than the one that is held.
static void take_stricter(double limit, size_t runs, double *held_limit, size_t *held_runs)
{
    if (!isnan(limit) && (isnan(*held_limit) || limit - (double)runs < *held_limit - (double)*held_runs)) {
        *held_limit = limit;
        *held_runs = runs;
    }
}

// The `together` of a service's groups that leaves the least room. A limit counts the runs of the group's members;
// where nobody set one the fleet has caps of its own.
static void together(const struct tend_engine *engine, const struct tend_service *service, struct tend_gate *gate)
{
    gate->fleet_at_once = gate->fleet_per_hour = (double)NAN;
    for (size_t i = 0; i < engine->ruleset->group_count; i++) {
        const struct tend_group_def *group = &engine->ruleset->groups[i];
        if (is_member(service, group->name)) {
            take_stricter(group->at_once, count_runs(engine, group->name), &gate->fleet_at_once, &gate->fleet_runs_now);
            take_stricter(group->per_hour, count_runs_of_hour(engine, group->name), &gate->fleet_per_hour,
                          &gate->fleet_runs_last_hour);
        }
    }
    if (isnan(gate->fleet_at_once)) {
        take_stricter(3.0, count_runs(engine, "*"), &gate->fleet_at_once, &gate->fleet_runs_now);
    }
    if (isnan(gate->fleet_per_hour)) {
        take_stricter(30.0, count_runs_of_hour(engine, "*"), &gate->fleet_per_hour, &gate->fleet_runs_last_hour);
    }
}

bool tend_recovery_in_grace(const struct tend_engine *engine, const struct tend_service *service)
{
    if (engine->now_ms - engine->started_ms >= engine->options.startup_grace_ms) {
        return false;
    }
    for (size_t i = 0; i < service->instance_count; i++) {
        const struct tend_scrape_history *history = tend_series_window_history(service->instances[i]->window);
        if (history->good_count < GRACE_SCRAPES) {
            return true;
        }
    }
    return false;
}

static struct tend_gate gate_of(const struct tend_engine *engine, const struct tend_service *service,
                                const struct tend_culprit *culprit)
{
    const int64_t hour_ago_ms = engine->now_ms - HOUR_MS;
    struct tend_gate gate = {
        .now_ms = engine->now_ms,
        .paused = engine->paused,
        .journal_failed = engine->journal_failed,
        .blind = engine->blind,
        .asleep = tend_sleep_is_asleep(engine, service),
        .in_grace = tend_recovery_in_grace(engine, service),
        .breaker_open = service->guard.breaker_open,
        .confidence = culprit->confidence,
        .cooldown_until_ms =
            culprit->rounds == 0 && culprit->remedy == 0 ? service->guard.cooldown_until_ms : TEND_NEVER,
        .backoff_until_ms = service->guard.backoff_until_ms,
        .runs_last_hour =
            runs_since(&service->guard,
                       hour_ago_ms > service->guard.counted_from_ms ? hour_ago_ms : service->guard.counted_from_ms),
    };
    for (size_t i = 0; i < engine->run_count; i++) {
        const struct tend_run *run = engine->runs[i];
        if (run->dry) {
            continue;
        }
        gate.runs_now += strcmp(run->service, service->name) == 0;
        const struct tend_service *other = tend_fleet_find(engine->fleet, run->service);
        if (other != NULL && other != service &&
            tend_topology_connected(&engine->fleet->topology, other->index, service->index)) {
            gate.dependency_in_run = true;
        }
    }
    together(engine, service, &gate);
    return gate;
}

static void refusal_text(enum tend_refusal why, const struct tend_limits *limits, const struct tend_gate *gate,
                         char *text, size_t bytes)
{
    switch (why) {
    case TEND_REFUSAL_PAUSED:
        tend_text_format(text, bytes, "acting is paused; tend resume ends that");
        break;
    case TEND_REFUSAL_JOURNAL:
        tend_text_format(text, bytes, "the journal cannot be written, and nothing is done that is not written first");
        break;
    case TEND_REFUSAL_BLIND:
        tend_text_format(text, bytes, "more than half of the targets failed at once: that looks like one shared cause");
        break;
    case TEND_REFUSAL_ASLEEP:
        tend_text_format(text, bytes, "it is asleep: outside its awake hours nothing is acted on");
        break;
    case TEND_REFUSAL_GRACE:
        tend_text_format(text, bytes, "tend has just started: %d good scrapes are wanted first", GRACE_SCRAPES);
        break;
    case TEND_REFUSAL_BREAKER:
        tend_text_format(text, bytes, "its breaker is open after repeated failures; tend close SERVICE closes it");
        break;
    case TEND_REFUSAL_CONFIDENCE:
        tend_text_format(text, bytes, "confidence %.2f is below the %.2f that is asked for", gate->confidence,
                         limits->confidence);
        break;
    case TEND_REFUSAL_ATTEMPTS:
        tend_text_format(text, bytes, "tried %zu times, and %.0f are allowed", gate->attempts, limits->attempts);
        break;
    case TEND_REFUSAL_COOLDOWN:
        tend_text_format(text, bytes, "cooling down for %.1f s more after its last run",
                         (double)(gate->cooldown_until_ms - gate->now_ms) / 1000.0);
        break;
    case TEND_REFUSAL_BACKOFF:
        tend_text_format(text, bytes, "backing off for %.1f s more after a failed run",
                         (double)(gate->backoff_until_ms - gate->now_ms) / 1000.0);
        break;
    case TEND_REFUSAL_PER_HOUR:
        tend_text_format(text, bytes, "%zu runs of it and %zu of all in the last hour; allowed are %.0f and %.0f",
                         gate->runs_last_hour, gate->fleet_runs_last_hour, limits->per_hour, gate->fleet_per_hour);
        break;
    case TEND_REFUSAL_AT_ONCE:
        tend_text_format(text, bytes, "%zu runs of it and %zu of all are under way", gate->runs_now,
                         gate->fleet_runs_now);
        break;
    case TEND_REFUSAL_DEPENDENCY:
        tend_text_format(text, bytes, "a service that it depends on, or that depends on it, is being acted on");
        break;
    case TEND_REFUSAL_NONE:
    case TEND_REFUSAL_SHARE:
    case TEND_REFUSAL_MIN_HEALTHY:
    case TEND_REFUSAL_VERSION:
        tend_text_format(text, bytes, "%s", tend_refusal_text(why));
        break;
    }
}

static void no_remedy_left(struct tend_engine *engine, struct tend_incident *incident, struct tend_culprit *culprit)
{
    culprit->given_up = true;
    const bool none = culprit->rounds == 0 && culprit->remedy == 0;
    const char *text = none ? "it has no remedy: a person is needed" : "no remedy is left: a person is needed";
    tend_recovery_say(engine, incident, culprit, "escalate", NULL, "no remedy", text);
    tend_recovery_escalate(engine, incident, culprit->service, "no remedy", text);
}

static bool is_armed(const struct tend_engine *engine, size_t playbook)
{
    char hash[65];
    tend_ruleset_playbook_hash(engine->ruleset, playbook, hash);
    return json_object_get(engine->arms, hash) != NULL;
}

// Begins a run, for real or dry. A dry one tells what it would do, once for each incident.
static void begin(struct tend_engine *engine, struct tend_incident *incident, struct tend_culprit *culprit,
                  struct tend_service *service, size_t playbook, const struct tend_limits *limits)
{
    const char *name = engine->ruleset->playbooks[playbook].name;
    if (!is_armed(engine, playbook)) {
        if (!culprit->dry_told) {
            culprit->dry_told = true;
            tend_recovery_say(engine, incident, culprit, "dry", name, "not armed",
                              "the playbook is not armed: it only tells what it would do; tend arm arms it");
            (void)tend_run_begin(engine, incident, culprit, service, playbook, limits, true);
            tend_recovery_escalate(engine, incident, culprit->service, "not armed",
                                   "the playbook that would cure it is not armed");
        }
        return;
    }
    const size_t kept = sizeof service->guard.runs_ms / sizeof service->guard.runs_ms[0];
    memmove(service->guard.runs_ms + 1, service->guard.runs_ms, (kept - 1) * sizeof service->guard.runs_ms[0]);
    service->guard.runs_ms[0] = engine->now_ms;
    tend_recovery_say(engine, incident, culprit, "act", name, "armed",
                      "it is the culprit, and the playbook is its remedy");
    tend_facts_guard(engine, service);
    tend_facts_incident(engine, incident, true); // the try counts, whatever becomes of it
    (void)tend_run_begin(engine, incident, culprit, service, playbook, limits, false);
}

// How often a remedy was tried in this incident: remedies go round, so those before the next one are a round ahead.
static size_t tries_of(const struct tend_culprit *culprit, size_t remedy)
{
    return culprit->rounds + (remedy < culprit->remedy ? 1 : 0);
}

// Begins a remedy, or says what it waits for. @return false: it is not for this incident (any more), the next one is
static bool try_remedy(struct tend_engine *engine, struct tend_incident *incident, struct tend_culprit *culprit,
                       struct tend_service *service, size_t remedy)
{
    const size_t playbook = service->def->remedies[remedy];
    const char *name = engine->ruleset->playbooks[playbook].name;
    if (json_is_false(json_array_get(culprit->fits, remedy))) {
        tend_recovery_say(engine, incident, culprit, "refuse", name, "when",
                          "its `when` does not hold, or the control lacks a verb that it needs");
        return false;
    }
    const struct tend_limits limits = limits_for(engine, service, playbook);
    struct tend_gate gate = gate_of(engine, service, culprit);
    gate.attempts = tries_of(culprit, remedy);
    const enum tend_refusal why = tend_limits_refuse_run(&limits, &gate);
    if (why == TEND_REFUSAL_NONE) {
        if (is_armed(engine, playbook)) {
            culprit->remedy = (remedy + 1) % service->def->remedy_count;
            culprit->rounds += culprit->remedy == 0;
        }
        begin(engine, incident, culprit, service, playbook, &limits);
        return true;
    }
    char text[256];
    refusal_text(why, &limits, &gate, text, sizeof text);
    if ((double)gate.runs_last_hour >= limits.per_hour && !service->guard.breaker_open) {
        service->guard.breaker_open = true; // so often in an hour is no cure: a person closes it
        tend_log(TEND_LOG_ERROR, "breaker open service=%s runs_last_hour=%zu", service->name, gate.runs_last_hour);
        tend_facts_guard(engine, service);
    }
    const bool hold = tend_refusal_is_hold(why);
    tend_recovery_say(engine, incident, culprit, hold ? "hold" : "refuse", name, tend_refusal_text(why), text);
    if (why == TEND_REFUSAL_ATTEMPTS) {
        return false;
    }
    if (!hold) {
        tend_recovery_escalate(engine, incident, culprit->service, tend_refusal_text(why), text);
    }
    return true; // looked at again after the next tick
}

// A culprit that left discovery: there is nothing to act on. It is not given up, as it may come back.
static void consider_departed(struct tend_engine *engine, struct tend_incident *incident, struct tend_culprit *culprit)
{
    char text[256];
    if (!tend_recovery_may_act(engine, incident, text, sizeof text)) {
        tend_recovery_say(engine, incident, culprit, "hold", NULL, "no act", text);
        return;
    }
    tend_recovery_say(engine, incident, culprit, "hold", NULL, "left discovery", "there is nothing to act on");
    tend_recovery_escalate(engine, incident, culprit->service, "left discovery",
                           "discovery no longer lists it: a person is needed");
}

static void consider_culprit(struct tend_engine *engine, struct tend_incident *incident, struct tend_culprit *culprit)
{
    struct tend_service *service = tend_fleet_find(engine->fleet, culprit->service);
    if (service == NULL && json_object_get(engine->departed, culprit->service) != NULL) {
        consider_departed(engine, incident, culprit);
        return;
    }
    if (culprit->given_up || service == NULL || tend_run_of_service(engine, culprit->service) != NULL) {
        return;
    }
    if (tend_second_look_is_unseen(engine, service, NULL)) {
        tend_recovery_say(engine, incident, culprit, "hold", NULL, "unseen",
                          "it was not looked at for longer than two of its intervals");
        return;
    }
    struct tend_hush hush;
    if (tend_silence_covers(engine, service->name, NULL, &hush)) {
        tend_recovery_say(engine, incident, culprit, "hold", NULL, hush.reason, hush.text);
        return; // nothing is begun on it; looked at again after the next tick
    }
    char text[256];
    if (!tend_recovery_may_act(engine, incident, text, sizeof text) ||
        stands_on_missing(engine, service, text, sizeof text)) {
        tend_recovery_say(engine, incident, culprit, "hold", NULL, "no act", text);
        return;
    }
    const size_t count = service->def->remedy_count;
    for (size_t n = 0; n < count; n++) {
        const size_t remedy = (culprit->remedy + n) % count;
        if (try_remedy(engine, incident, culprit, service, remedy)) {
            return;
        }
    }
    no_remedy_left(engine, incident, culprit);
}

// Whether an earlier culprit of the incident is one that this one depends on: roots first.
static bool waits_for_root(const struct tend_engine *engine, const struct tend_incident *incident, size_t culprit)
{
    const struct tend_service *own = tend_fleet_find(engine->fleet, incident->culprits[culprit].service);
    for (size_t i = 0; own != NULL && i < incident->culprit_count; i++) {
        const struct tend_service *other = tend_fleet_find(engine->fleet, incident->culprits[i].service);
        if (i != culprit && other != NULL && other != own && !incident->culprits[i].given_up &&
            tend_topology_depends(&engine->fleet->topology, own->index, other->index)) {
            return true;
        }
    }
    return false;
}

// Whether all that fires is in line again and only waits to resolve: then nothing is to be done, by nobody.
static bool is_passing(const struct tend_engine *engine, const struct tend_incident *incident)
{
    for (size_t i = 0; i < incident->member_count; i++) {
        const struct tend_rule_alert *alert = tend_member_alert(engine, &incident->members[i]);
        if (alert != NULL && alert->alert.state == TEND_ALERT_FIRING && alert->verdict != TEND_VERDICT_IN_LINE) {
            return false;
        }
    }
    return true;
}

void tend_recovery_consider(struct tend_engine *engine, struct tend_incident *incident)
{
    if (is_passing(engine, incident)) {
        return;
    }
    if (incident->culprit_count == 0) {
        tend_recovery_escalate(engine, incident, "", "unknown", "no service stands out as the culprit");
        return;
    }
    for (size_t i = 0; i < incident->culprit_count; i++) {
        if (!waits_for_root(engine, incident, i)) {
            consider_culprit(engine, incident, &incident->culprits[i]);
        }
    }
}

static void punish(struct tend_engine *engine, struct tend_service *service, const struct tend_run *run)
{
    struct tend_guard *guard = &service->guard;
    const bool was_healthy = guard->cured_ms != TEND_NEVER && run->began_ms - guard->cured_ms >= HEALTHY_MS;
    guard->failed_runs = was_healthy ? 1 : guard->failed_runs + 1;
    guard->cured_ms = TEND_NEVER;
    uint64_t seed = (uint64_t)run->began_wall_ms; // jitter that a replay repeats
    for (const char *c = run->service; *c != '\0'; c++) {
        seed = seed * 31 + (unsigned char)*c;
    }
    guard->backoff_until_ms = engine->now_ms + tend_limits_backoff_ms(guard->failed_runs, seed);
    if (guard->failed_runs >= BREAKER_FAILURES) {
        guard->breaker_open = true;
        tend_log(TEND_LOG_ERROR, "breaker open service=%s failed_runs=%zu", service->name, guard->failed_runs);
    }
}

void tend_recovery_hand_over(struct tend_engine *engine, const struct tend_run *run)
{
    struct tend_incident *incident = tend_incident_find(engine, run->incident);
    for (size_t i = 0; incident != NULL && i < incident->culprit_count; i++) {
        if (strcmp(incident->culprits[i].service, run->service) == 0) {
            incident->culprits[i].given_up = true;
            tend_facts_incident(engine, incident, true);
        }
    }
}

// What an act has cured did not flap, whoever felt it: if it comes again, it is another fault.
static void forget_flapping(const struct tend_engine *engine, const struct tend_incident *incident)
{
    for (size_t i = 0; i < incident->member_count; i++) {
        struct tend_rule_alert *alert = tend_member_alert(engine, &incident->members[i]);
        if (alert != NULL) {
            alert->alert.flap = (struct tend_flap){ 0 };
        }
    }
}

static void note_in_incident(struct tend_engine *engine, struct tend_incident *incident, const struct tend_run *run,
                             const char *outcome, const char *error)
{
    incident->stale = true;
    free(incident->culprit_key); // the ranking must settle again on what the run left behind
    incident->culprit_key = NULL;
    if (run->dry || run->unfit) {
        return;
    }
    incident->acted = true;
    free(incident->outcome);
    incident->outcome = tend_copy_text(outcome);
    if (strcmp(outcome, "recovered") == 0) {
        forget_flapping(engine, incident);
    } else if (strcmp(outcome, "escalated") == 0) {
        tend_recovery_escalate(engine, incident, run->service, "run", error == NULL ? "the run stopped" : error);
    }
}

void tend_recovery_guard(struct tend_engine *engine, const struct tend_run *run, const char *outcome)
{
    struct tend_service *service = tend_fleet_find(engine->fleet, run->service);
    if (service == NULL || run->dry || run->unfit) {
        return; // nothing was tried
    }
    if (strcmp(outcome, "recovered") == 0) {
        service->guard.cured_ms = engine->now_ms; // failures are forgotten when that lasts
        service->guard.backoff_until_ms = TEND_NEVER;
    } else if (!run->stopped && !tend_sleep_is_asleep(engine, service)) { // else nobody knows whether it failed
        punish(engine, service, run);
    }
    if (run->limits.cooldown_ms > 0) {
        service->guard.cooldown_until_ms = engine->now_ms + run->limits.cooldown_ms;
    }
    tend_facts_guard(engine, service);
}

void tend_recovery_run_ended(struct tend_engine *engine, struct tend_run *run, const char *outcome, const char *error)
{
    struct tend_incident *incident = tend_incident_find(engine, run->incident);
    tend_log(TEND_LOG_INFO,
             "run ended run=%s incident=%s playbook=\"%s\" service=%s outcome=\"%s\" error=\"%s\" took_ms=%lld",
             run->id, run->incident, run->playbook, run->service, outcome, error == NULL ? "" : error,
             (long long)(engine->now_ms - run->began_ms));
    for (size_t i = 0; i < TEND_ENGINE_OUTCOMES; i++) {
        engine->runs_ended[i] += strcmp(tend_engine_outcomes[i], outcome) == 0;
    }
    if (incident != NULL) {
        note_in_incident(engine, incident, run, outcome, error);
        tend_facts_incident(engine, incident, true);
    }
}
