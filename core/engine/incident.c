// Incidents: alerts of services that depend on each other and overlap in time, and who is at fault among them.
//
// An alert that fires joins an open incident that it is connected with, joins several into the oldest, or opens one.
// After each tick that changed something the evaluator is asked for the ranking; when the same culprits have stood for
// one interval of the slowest member, recovery takes over. An incident ends when none of its alerts fires and no run is
// under way.

#include "engine/state.h"

#include "base/log.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HELD_ASK_MS = 1000,
    ASK_FREELY = 20, // services in a neighbourhood: it is asked with any news
    RECORDED_FREELY = 20,
    RECORD_MEMBER_MS = 1,
    ASK_SERVICE_MS = 5 // for each more: a ranking of 200 services costs the evaluator 40 ms, the loop as much
};

struct tend_incident *tend_incident_find(const struct tend_engine *engine, const char *id)
{
    for (size_t i = 0; i < engine->incident_count; i++) {
        if (strcmp(engine->incidents[i]->id, id) == 0) {
            return engine->incidents[i];
        }
    }
    return NULL;
}

void tend_incident_destroy(struct tend_incident *incident)
{
    for (size_t i = 0; i < incident->member_count; i++) {
        free(incident->members[i].rule);
        free(incident->members[i].service);
        free(incident->members[i].instance);
    }
    for (size_t i = 0; i < incident->culprit_count + incident->past_count; i++) {
        tend_culprit_clear(&incident->culprits[i]);
    }
    free(incident->members);
    free(incident->culprits);
    free(incident->severity);
    free(incident->culprit_key);
    free(incident->wait);
    free(incident->outcome);
    free(incident->ack_who);
    free(incident->ack_why);
    free(incident->ack_culprits);
    json_decref(incident->ranking);
    json_decref(incident->evidence);
    json_decref(incident->studied);
    tend_locate_drop(incident);
    free(incident);
}

struct tend_rule_alert *tend_member_alert(const struct tend_engine *engine, const struct tend_member *member)
{
    const struct tend_service *service = tend_fleet_find(engine->fleet, member->service);
    for (size_t i = 0; service != NULL && i < service->alert_count; i++) {
        struct tend_rule_alert *alert = &service->alerts[i];
        if (strcmp(tend_rule_name(engine, alert), member->rule) == 0 &&
            strcmp(tend_alert_instance(alert), member->instance) == 0) {
            return alert;
        }
    }
    return NULL;
}

static struct tend_incident *open_incident(struct tend_engine *engine)
{
    struct tend_incident *incident = calloc(1, sizeof *incident);
    TEND_ASSERT(incident != NULL);
    // The number of its first record names it: unique over the whole life of the journal.
    tend_text_format(incident->id, sizeof incident->id, "i%llu", (unsigned long long)engine->next_record);
    incident->opened_ms = engine->now_ms;
    incident->opened_wall_ms = engine->wall_ms;
    incident->stable_since_ms = engine->now_ms;
    incident->acted_ms = incident->asked_ms = incident->studied_ms = incident->calm_since_ms = TEND_NEVER;
    incident->recorded_ms = TEND_NEVER;
    tend_append_pointer((void ***)&engine->incidents, &engine->incident_count, incident);
    return incident;
}

// When the record of an incident that members joined is due: with a thousand members it is 100 KB. Until then their own
// records say where they belong (tend_facts_restore_alerts).
static int64_t record_due_ms(const struct tend_incident *incident)
{
    const bool is_due = incident->recorded_ms == TEND_NEVER || incident->member_count <= RECORDED_FREELY;
    return is_due ? TEND_NEVER : incident->recorded_ms + (int64_t)incident->member_count * RECORD_MEMBER_MS;
}

// A large one is left to a later step when a tick was judged in this one.
static void record_members(struct tend_engine *engine, struct tend_incident *incident, bool judged)
{
    const bool is_small = record_due_ms(incident) == TEND_NEVER;
    if (incident->unrecorded && (is_small || (!judged && engine->now_ms >= record_due_ms(incident)))) {
        tend_facts_incident(engine, incident, true);
    }
}

static void fired(struct tend_engine *engine, struct tend_rule_alert *alert)
{
    alert->fired_wall_ms = engine->wall_ms;
    struct tend_incident *incident = tend_incident_for(engine, alert->service);
    const bool opened = incident == NULL;
    if (opened) {
        incident = open_incident(engine);
    }
    (void)tend_member_add(incident, tend_rule_name(engine, alert), alert->service->name, tend_alert_instance(alert));
    free(alert->incident);
    alert->incident = tend_copy_text(incident->id);
    const char *severity = alert->alert.by_missing ? "warn" : alert->binding->severity;
    const bool worse = tend_severity_rank(severity) > tend_severity_rank(incident->severity);
    if (worse) {
        free(incident->severity);
        incident->severity = tend_copy_text(severity);
        tend_ack_end(engine, incident, "it got worse");
    }
    incident->stale = true;
    incident->ranked = false;
    incident->calm_since_ms = TEND_NEVER;
    tend_log(TEND_LOG_WARN, "alert fires rule=\"%s\" service=%s instance=%s severity=%s incident=%s",
             tend_rule_name(engine, alert), alert->service->name, tend_alert_instance(alert), severity, incident->id);
    incident->unrecorded = true;
    record_members(engine, incident, true);
    tend_facts_alert(engine, alert, "firing");
    if (opened || worse) {
        tend_notice_incident(engine, incident, "firing", NULL);
    } else {
        tend_notice_joined(engine, incident);
    }
}

// What the dependents of a service felt of its fault is not theirs: when it is well again by itself, their windows
// still tell of it, and only newer samples may blame them. (A run has cut them itself.)
static void forget_what_was_felt(struct tend_engine *engine, const struct tend_service *well)
{
    if (tend_run_of_service(engine, well->name) != NULL) {
        return;
    }
    size_t *above = calloc(engine->fleet->service_count + 1, sizeof *above);
    TEND_ASSERT(above != NULL);
    const size_t count = tend_topology_above(&engine->fleet->topology, &well->index, 1, above);
    for (size_t i = 1; i < count; i++) { // not itself
        const struct tend_service *service = engine->fleet->services[above[i]];
        for (size_t j = 0; j < service->instance_count; j++) {
            tend_series_window_cut(service->instances[j]->window, engine->now_ms);
        }
    }
    free(above);
}

static void resolved(struct tend_engine *engine, struct tend_rule_alert *alert)
{
    tend_log(TEND_LOG_INFO, "alert resolved rule=\"%s\" service=%s instance=%s incident=%s",
             tend_rule_name(engine, alert), alert->service->name, tend_alert_instance(alert),
             alert->incident == NULL ? "" : alert->incident);
    tend_facts_alert(engine, alert, "resolved");
    struct tend_incident *incident = alert->incident == NULL ? NULL : tend_incident_find(engine, alert->incident);
    for (size_t i = 0; incident != NULL && i < incident->member_count; i++) {
        if (tend_member_alert(engine, &incident->members[i]) == alert) {
            incident->members[i].firing = false;
        }
    }
    free(alert->incident);
    alert->incident = NULL;
}

void tend_incident_alert_changed(struct tend_engine *engine, struct tend_rule_alert *alert,
                                 enum tend_alert_change change)
{
    switch (change) {
    case TEND_ALERT_SAME:
        break;
    case TEND_ALERT_BEGAN:
        tend_facts_alert(engine, alert, "pending");
        break;
    case TEND_ALERT_ENDED:
        tend_facts_alert(engine, alert, "inactive");
        break;
    case TEND_ALERT_FIRED:
        fired(engine, alert);
        break;
    case TEND_ALERT_DAMPED:
        tend_flapping_damped(engine, alert);
        break;
    case TEND_ALERT_RESOLVED:
        resolved(engine, alert);
        forget_what_was_felt(engine, alert->service);
        break;
    }
}

void tend_incident_mark_stale(struct tend_engine *engine)
{
    for (size_t i = 0; i < engine->incident_count; i++) {
        engine->incidents[i]->stale = true;
    }
}

static bool has_run(const struct tend_engine *engine, const struct tend_incident *incident)
{
    for (size_t i = 0; i < engine->run_count; i++) {
        if (strcmp(engine->runs[i]->incident, incident->id) == 0) {
            return true;
        }
    }
    return false;
}

// Members whose alert is gone (its rule or target was removed) fire no more.
static size_t count_firing(const struct tend_engine *engine, struct tend_incident *incident)
{
    size_t firing = 0;
    for (size_t i = 0; i < incident->member_count; i++) {
        struct tend_member *member = &incident->members[i];
        const struct tend_rule_alert *alert = tend_member_alert(engine, member);
        member->firing = alert != NULL && alert->alert.state == TEND_ALERT_FIRING;
        firing += member->firing;
    }
    return firing;
}

// An incident from before a restart is not over while discovery has yet to bring its services back.
static bool is_coming_back(const struct tend_engine *engine, const struct tend_incident *incident)
{
    if (incident->opened_ms >= engine->started_ms ||
        engine->now_ms - engine->started_ms >= engine->options.startup_grace_ms) {
        return false;
    }
    for (size_t i = 0; i < incident->member_count; i++) {
        if (tend_member_alert(engine, &incident->members[i]) == NULL) {
            return true;
        }
    }
    return false;
}

static int64_t settling_ms(const struct tend_engine *engine, const struct tend_incident *incident)
{
    int64_t slowest_ms = 0;
    for (size_t i = 0; i < incident->member_count; i++) {
        const struct tend_service *service = tend_fleet_find(engine->fleet, incident->members[i].service);
        if (service != NULL && service->def->every_ms > slowest_ms) {
            slowest_ms = service->def->every_ms;
        }
    }
    return slowest_ms;
}

static bool has_stood(const struct tend_engine *engine, const struct tend_incident *incident)
{
    return incident->culprit_key != NULL && incident->wait == NULL &&
           engine->now_ms - incident->stable_since_ms >= settling_ms(engine, incident);
}

// A ranking stands only on samples that came while it stood: what was over before must not be acted on after.
static bool is_settled(const struct tend_engine *engine, const struct tend_incident *incident)
{
    for (size_t i = 0; i < incident->member_count; i++) {
        const struct tend_rule_alert *alert = tend_member_alert(engine, &incident->members[i]);
        if (alert != NULL && alert->alert.state == TEND_ALERT_FIRING && alert->data_ms < incident->stable_since_ms) {
            return false;
        }
    }
    return has_stood(engine, incident);
}

// Whether the locator is about to be asked: the study of evidence, or the request, goes on in the next step.
static bool is_preparing(const struct tend_incident *incident)
{
    return incident->ask == 0 && (incident->studied != NULL || tend_locate_is_drafting(incident));
}

// When news may be asked about.
static int64_t news_due_ms(const struct tend_incident *incident)
{
    const size_t many = incident->near_count > ASK_FREELY ? incident->near_count - ASK_FREELY : 0;
    return incident->asked_ms + (int64_t)many * ASK_SERVICE_MS;
}

static int64_t ranking_wake_ms(const struct tend_engine *engine, const struct tend_incident *incident)
{
    if (is_coming_back(engine, incident)) {
        return engine->started_ms + engine->options.startup_grace_ms;
    }
    if (is_preparing(incident) && !has_run(engine, incident)) {
        return engine->tick_in_flight ? TEND_NEVER : engine->now_ms; // the next slice
    }
    if (incident->stale && incident->news && incident->ask == 0 && news_due_ms(incident) > engine->now_ms) {
        return news_due_ms(incident);
    }
    if (incident->culprit_key == NULL || incident->wait != NULL || has_stood(engine, incident)) {
        return TEND_NEVER; // what is wanted then is a tick
    }
    return incident->stable_since_ms + settling_ms(engine, incident);
}

int64_t tend_incident_wake_ms(const struct tend_engine *engine, const struct tend_incident *incident)
{
    const int64_t ranking_ms = ranking_wake_ms(engine, incident);
    const int64_t record_ms = incident->unrecorded ? record_due_ms(incident) : TEND_NEVER;
    const bool record_first = record_ms != TEND_NEVER && (ranking_ms == TEND_NEVER || record_ms < ranking_ms);
    return record_first ? record_ms : ranking_ms;
}

// Whether something that a ranking hangs on changed with a tick. Between ticks results lie about that none has seen.
static void look_around(const struct tend_engine *engine, struct tend_incident *incident, int64_t onset_ms)
{
    if (incident->look_tick == engine->tick) {
        return;
    }
    const uint64_t look = tend_locate_look(engine, incident, onset_ms, &incident->near_count);
    incident->news = incident->news || look != incident->look;
    incident->look = look;
    incident->look_tick = engine->tick;
}

// Whether the newest decision on a culprit was to hold: what it waits for may be over with any tick.
static bool is_held(const struct tend_incident *incident)
{
    for (size_t i = 0; i < incident->culprit_count; i++) {
        const char *playbook;
        json_t *said;
        json_object_foreach(incident->culprits[i].said, playbook, said)
        {
            if (strncmp(json_string_value(said), "hold/", 5) == 0) {
                return true;
            }
        }
    }
    return false;
}

// The locator is asked when there is news, before anything is decided on its ranking, and else once an interval, or a
// second while an act is held: a ranking costs the evaluator a millisecond or two, and many ticks of a large fleet tell
// nothing new.
static bool is_due(const struct tend_engine *engine, const struct tend_incident *incident)
{
    if (incident->asked_ms == TEND_NEVER || (incident->news && engine->now_ms >= news_due_ms(incident)) ||
        (!incident->weighed && is_settled(engine, incident))) {
        return true;
    }
    const int64_t interval_ms = tend_evidence_interval_ms(engine, incident);
    const bool is_soon = interval_ms > HELD_ASK_MS && is_held(incident);
    return engine->now_ms - incident->asked_ms >= (is_soon ? HELD_ASK_MS : interval_ms);
}

static void ask_locator(struct tend_engine *engine, struct tend_incident *incident)
{
    if (!tend_locate_is_drafting(incident)) {
        const int64_t onset_ms = tend_locate_onset_ms(engine, incident);
        look_around(engine, incident, onset_ms);
        const json_t *studied = incident->evidence;
        if (!is_due(engine, incident) || !tend_evidence_gather(engine, incident, onset_ms)) {
            return;
        }
        tend_locate_begin(engine, incident, onset_ms);
        incident->stale = incident->news = false; // what changes from here on is news
        incident->asked_ms = engine->now_ms;
        if (incident->evidence != studied && incident->near_count > ASK_FREELY) {
            return; // the last slice of a study is work enough for one step
        }
    }
    if (tend_locate_go_on(engine, incident)) {
        struct tend_effect *effect = tend_emit(engine, TEND_EFFECT_ASK);
        effect->id = incident->ask = engine->next_id++;
        tend_locate_take(incident, &effect->bytes);
    }
}

static bool fell_asleep(const struct tend_engine *engine, const struct tend_incident *incident)
{
    for (size_t i = 0; i < incident->member_count; i++) {
        const struct tend_service *service = tend_fleet_find(engine->fleet, incident->members[i].service);
        if (service == NULL || !service->asleep) {
            return false;
        }
    }
    return incident->member_count > 0;
}

// Whether none of what fired is watched any more: its targets are no longer listed, or its rules are gone.
static bool is_forgotten(const struct tend_engine *engine, const struct tend_incident *incident)
{
    for (size_t i = 0; i < incident->member_count; i++) {
        if (tend_member_alert(engine, &incident->members[i]) != NULL) {
            return false;
        }
    }
    return incident->member_count > 0;
}

static void end_incident(struct tend_engine *engine, struct tend_incident *incident)
{
    if (incident->outcome == NULL) {
        incident->outcome = tend_copy_text(fell_asleep(engine, incident)    ? "fell asleep"
                                           : is_forgotten(engine, incident) ? "no longer watched"
                                                                            : "resolved by itself");
    } else if (strcmp(incident->outcome, "failed") == 0 && !fell_asleep(engine, incident)) {
        // Newer samples have the last word: an act that worked, but said that it failed, has worked.
        free(incident->outcome);
        incident->outcome = tend_copy_text("recovered");
    }
    tend_log(TEND_LOG_INFO, "incident ended incident=%s outcome=\"%s\" took_ms=%lld", incident->id, incident->outcome,
             (long long)(engine->now_ms - incident->opened_ms));
    tend_facts_incident(engine, incident, false);
    tend_notice_incident(engine, incident, "resolved", NULL);
}

// Whether a service has results that no tick has judged yet: its alerts and its newest scrapes tell of different times.
static bool is_unjudged(const struct tend_engine *engine, const char *name)
{
    const struct tend_service *service = tend_fleet_find(engine->fleet, name);
    return service != NULL && service->dirty;
}

static bool awaits_tick(const struct tend_engine *engine, const struct tend_incident *incident)
{
    bool awaits = engine->tick_in_flight;
    for (size_t i = 0; i < incident->culprit_count; i++) {
        awaits = awaits || is_unjudged(engine, incident->culprits[i].service);
    }
    for (size_t i = 0; i < incident->member_count; i++) {
        awaits = awaits || is_unjudged(engine, incident->members[i].service);
    }
    return awaits;
}

void tend_incident_advance(struct tend_engine *engine, struct tend_incident *incident)
{
    const bool ranked = incident->ranked;
    incident->ranked = false;
    const bool runs = has_run(engine, incident);
    // Not looked around yet since the newest tick: it was judged in this step.
    record_members(engine, incident,
                   !runs && incident->ask == 0 && incident->stale && incident->look_tick != engine->tick);
    if (runs) {
        incident->stale = incident->stale || tend_locate_is_drafting(incident);
        tend_locate_drop(incident);
        return; // a run judges by its own verifies; the ranking waits for its end
    }
    if (incident->member_count == 0 || count_firing(engine, incident) == 0) {
        return; // dropped below
    }
    const bool is_enough = ranked && incident->near_count > ASK_FREELY; // for one step
    if (incident->ask == 0 && !is_enough && (incident->stale || tend_locate_is_drafting(incident))) {
        ask_locator(engine, incident);
    }
    // A ranking of before the tick may blame a victim whose culprit shows only now: the new one is waited for.
    const bool awaits_ranking = !ranked && (incident->ask != 0 || is_preparing(incident));
    if (!incident->weighed && !awaits_ranking && is_settled(engine, incident) && !awaits_tick(engine, incident)) {
        incident->weighed = true; // the next tick brings another ranking
        tend_recovery_consider(engine, incident);
    }
}

// As tend_incident_advance has just counted them.
static bool has_firing(const struct tend_incident *incident)
{
    for (size_t i = 0; i < incident->member_count; i++) {
        if (incident->members[i].firing) {
            return true;
        }
    }
    return false;
}

void tend_incident_drop_ended(struct tend_engine *engine)
{
    size_t kept = 0;
    for (size_t i = 0; i < engine->incident_count; i++) {
        struct tend_incident *incident = engine->incidents[i];
        if (!has_run(engine, incident) && !has_firing(incident) && !is_coming_back(engine, incident) &&
            !tend_aftermath_lasts(engine, incident)) {
            end_incident(engine, incident);
            tend_incident_destroy(incident);
        } else {
            engine->incidents[kept++] = incident;
        }
    }
    engine->incident_count = kept;
}

// What was tried on a culprit goes from its old place to the new one.
static void take_tries(struct tend_culprit *culprit, struct tend_culprit *old)
{
    culprit->remedy = old->remedy;
    culprit->rounds = old->rounds;
    culprit->given_up = old->given_up;
    culprit->dry_told = old->dry_told;
    culprit->said = old->said;
    old->said = NULL;
    tend_culprit_clear(old);
    *old = (struct tend_culprit){ .service = NULL };
}

static void set_confidence(struct tend_culprit *culprit, const json_t *reply)
{
    size_t index;
    json_t *row;
    json_array_foreach(json_object_get(reply, "ranking"), index, row)
    {
        if (strcmp(tend_json_text(row, "service", ""), culprit->service) == 0) {
            culprit->confidence = tend_json_number(row, "confidence", 0.0);
            culprit->reasons = json_incref(json_object_get(row, "reasons"));
            return;
        }
    }
}

// Whether a culprit that was too doubtful to be acted on no longer is.
static bool became_sure(const struct tend_engine *engine, const struct tend_culprit *culprit, double earlier)
{
    const struct tend_service *service = tend_fleet_find(engine->fleet, culprit->service);
    const double least = service == NULL ? 1 : service->def->limits.confidence;
    return earlier < least && culprit->confidence >= least;
}

// The culprits of a new ranking; what was tried on those of earlier ones is kept.
// @return whether one of them became sure
static bool set_culprits(const struct tend_engine *engine, struct tend_incident *incident, const json_t *reply)
{
    const json_t *names = json_object_get(reply, "culprits");
    const size_t count = json_array_size(names);
    const size_t old_count = incident->culprit_count + incident->past_count;
    struct tend_culprit *culprits = calloc(count + old_count + 1, sizeof *culprits);
    TEND_ASSERT(culprits != NULL);
    size_t set = 0;
    bool surer = false;
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        if (name == NULL || tend_culprit_find(culprits, set, name) != NULL) {
            continue;
        }
        struct tend_culprit *culprit = &culprits[set++];
        culprit->service = tend_copy_text(name);
        struct tend_culprit *old = tend_culprit_find(incident->culprits, old_count, name);
        const double earlier = old == NULL ? 1 : old->confidence;
        if (old != NULL) {
            take_tries(culprit, old);
        }
        culprit->fits = json_incref(json_object_get(json_object_get(reply, "fits"), name));
        set_confidence(culprit, reply);
        surer = surer || became_sure(engine, culprit, earlier);
    }
    size_t kept = set;
    for (size_t i = 0; i < old_count; i++) {
        struct tend_culprit *old = &incident->culprits[i];
        if (old->service != NULL && (old->given_up || old->dry_told || old->rounds > 0 || old->remedy > 0)) {
            culprits[kept++] = *old;
        } else {
            tend_culprit_clear(old);
        }
    }
    free(incident->culprits);
    incident->culprits = culprits;
    incident->culprit_count = set;
    incident->past_count = kept - set;
    return surer;
}

static char *key_of_culprits(const struct tend_incident *incident)
{
    struct tend_buffer key;
    tend_buffer_init(&key);
    for (size_t i = 0; i < incident->culprit_count; i++) {
        tend_buffer_printf(&key, "%s%s", i == 0 ? "" : ", ", incident->culprits[i].service);
    }
    char *copy = tend_copy_text(tend_buffer_text(&key));
    tend_buffer_clear(&key);
    return copy;
}

static void record_evidence(struct tend_engine *engine, const struct tend_incident *incident)
{
    json_t *names = json_array();
    for (size_t i = 0; i < incident->culprit_count; i++) {
        (void)json_array_append_new(names, json_string(incident->culprits[i].service));
    }
    size_t near_count;
    json_t *services = tend_locate_told(engine, incident, &near_count);
    json_t *body = json_pack("{s:O?, s:o, s:s?, s:I, s:o}", "ranking", incident->ranking, "culprits", names, "wait",
                             incident->wait, "looked_at", (json_int_t)near_count, "services", services);
    (void)tend_emit_record(engine, TEND_RECORD_EVIDENCE, incident->id, incident->id, false, false, body);
}

// Without a ranking nothing is done; a person hears of it, and the story says why.
static void locator_failed(struct tend_engine *engine, struct tend_incident *incident, const char *why)
{
    char wait[300];
    tend_text_format(wait, sizeof wait, "the locator failed: %s", why);
    if (incident->wait != NULL && strcmp(incident->wait, wait) == 0) {
        return;
    }
    tend_log(TEND_LOG_WARN, "locator failed incident=%s why=\"%s\"", incident->id, why);
    free(incident->wait);
    incident->wait = tend_copy_text(wait);
    record_evidence(engine, incident);
    tend_recovery_escalate(engine, incident, "", "locator", wait);
}

void tend_incident_located(struct tend_engine *engine, struct tend_incident *incident, const struct tend_event *event)
{
    incident->ask = 0;
    const json_t *reply = event->reply.json;
    if (reply == NULL || json_object_get(reply, "error") != NULL) {
        incident->asked_ms = TEND_NEVER;
        locator_failed(engine, incident, reply == NULL ? event->reply.died.reason : tend_json_text(reply, "error", ""));
        return; // the next tick asks again
    }
    incident->ranked = true;
    incident->weighed = false;
    const bool surer = set_culprits(engine, incident, reply);
    json_decref(incident->ranking);
    incident->ranking = json_incref(json_object_get(reply, "ranking"));
    const bool waited = incident->wait != NULL;
    free(incident->wait);
    incident->wait = tend_copy_text(tend_json_text(reply, "wait", NULL));
    char *key = key_of_culprits(incident);
    const bool changed = incident->culprit_key == NULL || strcmp(key, incident->culprit_key) != 0;
    free(incident->culprit_key);
    incident->culprit_key = key;
    tend_ack_look(engine, incident);
    if (changed || surer) { // what has only now become clear may be half of the truth: a dependency that hangs, say
        incident->stable_since_ms = engine->now_ms;
    }
    if (changed || surer || waited != (incident->wait != NULL)) {
        tend_log(TEND_LOG_INFO, "located incident=%s culprits=\"%s\" wait=\"%s\"", incident->id, key,
                 incident->wait == NULL ? "" : incident->wait);
        record_evidence(engine, incident);
        tend_facts_incident(engine, incident, true);
    }
}

// @param count  how many there are already  @return how many came
static size_t restore_culprits(struct tend_incident *incident, size_t count, const json_t *culprits)
{
    struct tend_culprit *grown = reallocarray(incident->culprits, count + json_array_size(culprits) + 1, sizeof *grown);
    TEND_ASSERT(grown != NULL);
    incident->culprits = grown;
    size_t index;
    json_t *row;
    json_array_foreach(culprits, index, row)
    {
        grown[count + index] = (struct tend_culprit){
            .service = tend_copy_text(tend_json_text(row, "service", "")),
            .confidence = tend_json_number(row, "confidence", 0.0),
            .remedy = (size_t)tend_json_integer(row, "remedy", 0),
            .rounds = (size_t)tend_json_integer(row, "rounds", 0),
            .given_up = tend_json_bool(row, "given_up", false),
            .dry_told = tend_json_bool(row, "dry_told", false),
        };
    }
    return json_array_size(culprits);
}

void tend_incident_restore(struct tend_engine *engine, const json_t *body)
{
    struct tend_incident *incident = calloc(1, sizeof *incident);
    TEND_ASSERT(incident != NULL);
    tend_text_format(incident->id, sizeof incident->id, "%s", tend_json_text(body, "id", ""));
    incident->opened_ms = tend_json_integer(body, "opened_ms", engine->now_ms);
    incident->opened_wall_ms = tend_json_integer(body, "opened_wall_ms", engine->wall_ms);
    incident->severity = tend_copy_text(tend_json_text(body, "severity", ""));
    incident->outcome = tend_copy_text(tend_json_text(body, "outcome", NULL));
    incident->escalated = tend_json_bool(body, "escalated", false);
    incident->acted = tend_json_bool(body, "acted", false);
    incident->ack_who = tend_copy_text(tend_json_text(body, "ack_who", NULL));
    incident->ack_why = tend_copy_text(tend_json_text(body, "ack_why", ""));
    incident->ack_culprits = tend_copy_text(tend_json_text(body, "ack_culprits", ""));
    incident->ack_wall_ms = tend_json_integer(body, "ack_wall_ms", 0);
    tend_told_restore(engine, incident->id, body);
    incident->acted_ms = incident->asked_ms = incident->studied_ms = incident->calm_since_ms = TEND_NEVER;
    incident->recorded_ms = TEND_NEVER;
    incident->stable_since_ms = engine->now_ms;
    size_t index;
    json_t *row;
    json_array_foreach(json_object_get(body, "alerts"), index, row)
    {
        struct tend_member *member =
            tend_member_add(incident, tend_json_text(row, "rule", ""), tend_json_text(row, "service", ""),
                            tend_json_text(row, "instance", ""));
        member->firing = strcmp(tend_json_text(row, "state", ""), "firing") == 0;
    }
    incident->culprit_count = restore_culprits(incident, 0, json_object_get(body, "culprits"));
    incident->past_count = restore_culprits(incident, incident->culprit_count, json_object_get(body, "past_culprits"));
    tend_append_pointer((void ***)&engine->incidents, &engine->incident_count, incident);
}
