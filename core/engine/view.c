// The views: what `tend status` shows, what the locator is asked with, and the counts for tend's own metrics.

#include "engine/happening.h"
#include "engine/state.h"

#include "engine/forecast.h"
#include "locate/column_kind.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HAPPENED_MS = 3600000 }; // before the first symptom, and it may still be why

static json_t *view_instance(const struct tend_engine *engine, const struct tend_instance *instance)
{
    const struct tend_scrape_history *history = tend_series_window_history(instance->window);
    const bool seen = history->newest_ms != TEND_NEVER;
    const bool failed = seen && history->kind != TEND_SCRAPE_OK;
    const bool slept = seen && tend_instance_slept(instance);
    const bool out = tend_subject_is_out(engine->fleet, instance->service->def, &instance->subject);
    return json_pack(
        "{s:s, s:s, s:s, s:o, s:s, s:s, s:o, s:s, s:o}", "name", instance->name, "url", instance->url, "state",
        !seen    ? "no data"
        : slept  ? "asleep"
        : failed ? "down"
        : out    ? "out of line"
                 : "ok",
        "up", !seen ? json_null() : json_boolean(!failed), "kind", seen ? tend_scrape_kind_text(history->kind) : "",
        "reason", instance->reason, "last_scrape_ago_s",
        seen ? json_real((double)(engine->now_ms - history->newest_ms) / 1000.0) : json_null(), "version",
        instance->version, "metrics", tend_facts_metrics(engine, instance->service->def, &instance->subject));
}

static json_t *view_metrics(const struct tend_engine *engine, const struct tend_service *service)
{
    static const char *const sides[] = { "above", "below", "both" };
    const struct tend_metric_table *table = &engine->fleet->table;
    json_t *metrics = json_array();
    for (size_t m = 0; m < service->def->metric_count; m++) {
        const struct tend_metric_def *def = &service->def->metrics[m];
        const size_t slot = service->subject.slot + m;
        const enum tend_missing missing = (enum tend_missing)table->missing[slot];
        (void)json_array_append_new(
            metrics,
            json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:b, s:s?, s:s, s:o*}", "name", def->name, "P",
                      tend_json_real(table->p[slot]), "E", tend_json_real(table->e[slot]), "F",
                      tend_json_real(table->f[slot]), "A", tend_json_real(table->a[slot]), "alpha",
                      tend_json_real(table->alpha[slot]), "out_at", tend_json_real(tend_facts_threshold(table, slot)),
                      "unit", def->unit, "out", table->a[slot] >= 1.0, "missing",
                      missing == TEND_HAS_DATA ? NULL : tend_missing_text(missing), "bad", sides[def->bad], "learned",
                      tend_learn_view(engine, service, &service->subject, m)));
        tend_forecast_set(json_array_get(metrics, m), tend_forecast_of(engine->fleet, &service->subject, m));
    }
    return metrics;
}

static json_t *view_alerts(const struct tend_engine *engine, const struct tend_service *service, const char **incident,
                           enum tend_alert_state *worst)
{
    json_t *alerts = json_array();
    for (size_t i = 0; i < service->alert_count; i++) {
        const struct tend_rule_alert *alert = &service->alerts[i];
        if (alert->alert.state == TEND_ALERT_INACTIVE) {
            continue;
        }
        if (alert->alert.state > *worst) {
            *worst = alert->alert.state;
        }
        *incident = alert->incident != NULL ? alert->incident : *incident;
        char *summary = tend_facts_summary(engine, alert);
        char flapping[TEND_FLAP_TEXT_BYTES];
        (void)tend_flapping_text(engine, alert, flapping);
        (void)json_array_append_new(
            alerts,
            json_pack("{s:s, s:s, s:s, s:s, s:f, s:s, s:s}", "rule", tend_rule_name(engine, alert), "instance",
                      tend_alert_instance(alert), "state", tend_alert_state_text(alert->alert.state), "severity",
                      alert->binding->severity, "since_s", (double)(engine->now_ms - alert->alert.since_ms) / 1000.0,
                      "summary", summary, "flapping", flapping));
        free(summary);
    }
    return alerts;
}

static const char *state_of(const struct tend_engine *engine, const struct tend_service *service,
                            enum tend_alert_state worst)
{
    if (worst == TEND_ALERT_FIRING) {
        return "firing";
    }
    if (worst == TEND_ALERT_PENDING) {
        return "pending";
    }
    if (!service->def->watched) {
        return "not watched";
    }
    if (service->asleep) {
        return "asleep";
    }
    if (service->data_ms == TEND_NEVER) {
        return "no data";
    }
    return tend_subject_is_out(engine->fleet, service->def, &service->subject) ? "warning" : "ok";
}

static json_t *view_service(const struct tend_engine *engine, const struct tend_service *service)
{
    json_t *instances = json_array();
    for (size_t i = 0; i < service->instance_count; i++) {
        (void)json_array_append_new(instances, view_instance(engine, service->instances[i]));
    }
    const char *incident = NULL;
    enum tend_alert_state worst = TEND_ALERT_INACTIVE;
    json_t *alerts = view_alerts(engine, service, &incident, &worst);
    const struct tend_run *run = tend_run_of_service(engine, service->name);
    return json_pack("{s:s, s:b, s:s, s:o, s:o, s:o, s:s?, s:s?, s:b}", "name", service->name, "watched",
                     service->def->watched, "state", state_of(engine, service, worst), "instances", instances,
                     "metrics", view_metrics(engine, service), "alerts", alerts, "incident", incident, "run",
                     run == NULL ? NULL : run->id, "breaker_open", service->guard.breaker_open);
}

static json_t *view_playbooks(const struct tend_engine *engine)
{
    json_t *playbooks = json_array();
    for (size_t i = 0; engine->ruleset != NULL && i < engine->ruleset->playbook_count; i++) {
        char hash[65];
        tend_ruleset_playbook_hash(engine->ruleset, i, hash);
        const char *by = json_string_value(json_object_get(engine->arms, hash));
        (void)json_array_append_new(playbooks,
                                    json_pack("{s:s, s:s, s:b, s:s?}", "name", engine->ruleset->playbooks[i].name,
                                              "hash", hash, "armed", by != NULL, "by", by));
    }
    return playbooks;
}

static json_t *view_rules_off(const struct tend_engine *engine)
{
    json_t *rules = json_array();
    for (size_t i = 0; engine->ruleset != NULL && i < engine->ruleset->rule_count; i++) {
        if (engine->rules[i].off) {
            (void)json_array_append_new(rules,
                                        json_pack("{s:s, s:s, s:s}", "rule", engine->ruleset->rules[i].name, "at",
                                                  engine->ruleset->rules[i].at, "why", engine->rules[i].why));
        }
    }
    return rules;
}

static json_t *view_warnings(const struct tend_engine *engine)
{
    json_t *warnings = json_array();
    for (size_t i = 0; engine->ruleset != NULL && i < engine->ruleset->discovery_count; i++) {
        const struct tend_discovery_def *discovery = &engine->ruleset->discoveries[i];
        for (size_t j = 0; j < discovery->override_count; j++) {
            if (engine->fleet != NULL && tend_fleet_find(engine->fleet, discovery->overrides[j]->name) == NULL) {
                (void)json_array_append_new(warnings,
                                            json_sprintf("%s: no discovery has found the service \"%s\"",
                                                         discovery->overrides[j]->at, discovery->overrides[j]->name));
            }
        }
    }
    tend_silence_warn(engine, warnings);
    if (engine->blind) {
        (void)json_array_append_new(warnings, json_string("more than half of the targets fail at once: no acts"));
    }
    return warnings;
}

static json_t *view_incidents(const struct tend_engine *engine)
{
    json_t *incidents = json_array();
    for (size_t i = 0; i < engine->incident_count; i++) {
        const struct tend_incident *incident = engine->incidents[i];
        (void)json_array_append_new(
            incidents, json_pack("{s:s, s:I, s:s, s:s, s:s, s:s?, s:s?, s:I}", "id", incident->id, "opened_wall_ms",
                                 (json_int_t)incident->opened_wall_ms, "severity",
                                 incident->severity == NULL ? "" : incident->severity, "culprits",
                                 incident->culprit_key == NULL ? "" : incident->culprit_key, "wait",
                                 incident->wait == NULL ? "" : incident->wait, "ack_who", incident->ack_who, "ack_why",
                                 incident->ack_why, "ack_wall_ms", (json_int_t)incident->ack_wall_ms));
    }
    return incidents;
}

json_t *tend_engine_status_service(const struct tend_engine *engine, size_t index)
{
    const bool is_there = engine->fleet != NULL && index < engine->fleet->service_count;
    return is_there ? view_service(engine, engine->fleet->services[index]) : NULL;
}

json_t *tend_engine_status(const struct tend_engine *engine)
{
    json_t *status = tend_engine_status_head(engine);
    json_t *services = json_array();
    json_t *service;
    for (size_t i = 0; (service = tend_engine_status_service(engine, i)) != NULL; i++) {
        (void)json_array_append_new(services, service);
    }
    (void)json_object_set_new(status, "services", services);
    return status;
}

json_t *tend_engine_status_head(const struct tend_engine *engine)
{
    const struct tend_engine_counts counts = tend_engine_counts(engine);
    return json_pack(
        "{s:I, s:f, s:s, s:{s:b, s:s?, s:I}, s:s, s:{s:I, s:I}, s:o, s:o, s:o, s:o, s:o, s:o}", "now_wall_ms",
        (json_int_t)engine->wall_ms, "up_s", (double)(engine->now_ms - engine->started_ms) / 1000.0, "generation",
        engine->ruleset == NULL ? "" : engine->ruleset->hash, "paused", "on", engine->paused, "who", engine->paused_by,
        "since_wall_ms", (json_int_t)engine->paused_wall_ms, "journal",
        engine->journal_failed ? engine->journal_why : "ok", "targets", "total", (json_int_t)counts.targets, "up",
        (json_int_t)counts.targets_up, "incidents", view_incidents(engine), "rules_off", view_rules_off(engine),
        "playbooks", view_playbooks(engine), "warnings", view_warnings(engine), "silences", tend_silence_view(engine),
        "departed", tend_departure_view(engine));
}

const char *const tend_engine_outcomes[TEND_ENGINE_OUTCOMES] = { "recovered", "rolled back", "escalated", "failed",
                                                                 "dry" };

struct tend_engine_counts tend_engine_counts(const struct tend_engine *engine)
{
    struct tend_engine_counts counts = {
        .incidents_open = engine->incident_count,
        .runs_open = engine->run_count,
        .ticks = engine->tick,
        .records = engine->next_record - 1,
        .paused = engine->paused,
        .journal_failed = engine->journal_failed,
        .silences = tend_silence_count(engine),
        .notices_held = tend_hold_count(engine),
        .alerts_flapping = tend_flapping_count(engine),
    };
    memcpy(counts.runs_ended, engine->runs_ended, sizeof counts.runs_ended);
    for (size_t i = 0; i < engine->incident_count; i++) {
        const size_t near = engine->incidents[i]->near_count;
        counts.looked_at = near > counts.looked_at ? near : counts.looked_at;
    }
    for (size_t i = 0; engine->fleet != NULL && i < engine->fleet->instance_count; i++) {
        const struct tend_instance *instance = engine->fleet->instances[i];
        if (instance != NULL) {
            const struct tend_scrape_history *history = tend_series_window_history(instance->window);
            counts.targets++;
            counts.targets_up += history->newest_ms != TEND_NEVER && history->kind == TEND_SCRAPE_OK;
        }
    }
    for (size_t i = 0; engine->fleet != NULL && i < engine->fleet->service_count; i++) {
        const struct tend_service *service = engine->fleet->services[i];
        counts.services++;
        for (size_t a = 0; a < service->alert_count; a++) {
            counts.alerts_pending += service->alerts[a].alert.state == TEND_ALERT_PENDING;
            counts.alerts_firing += service->alerts[a].alert.state == TEND_ALERT_FIRING;
        }
    }
    for (size_t i = 0; engine->ruleset != NULL && i < engine->ruleset->rule_count; i++) {
        counts.rules_off += engine->rules[i].off;
    }
    return counts;
}

bool tend_engine_has_playbook(const struct tend_engine *engine, const char *name)
{
    for (size_t i = 0; engine->ruleset != NULL && i < engine->ruleset->playbook_count; i++) {
        if (strcmp(name, "*") == 0 || strcmp(name, engine->ruleset->playbooks[i].name) == 0) {
            return true;
        }
    }
    return false;
}

bool tend_engine_has_service(const struct tend_engine *engine, const char *name)
{
    return engine->fleet != NULL && tend_fleet_find(engine->fleet, name) != NULL;
}

// Since when the subject or one of its instances is out of line, the earliest of all.
static int64_t onset_ms_of(const struct tend_service *service)
{
    int64_t onset_ms = TEND_NEVER;
    for (size_t i = 0; i <= service->instance_count; i++) {
        const struct tend_subject *subject = i == 0 ? &service->subject : &service->instances[i - 1]->subject;
        for (size_t m = 0; m < service->def->metric_count; m++) {
            const int64_t since_ms = subject->out_since_ms[m];
            if (since_ms != TEND_NEVER && (onset_ms == TEND_NEVER || since_ms < onset_ms)) {
                onset_ms = since_ms;
            }
        }
    }
    return onset_ms;
}

json_t *tend_locate_onset(const struct tend_service *service)
{
    const int64_t onset_ms = onset_ms_of(service);
    return onset_ms == TEND_NEVER ? json_null() : json_integer(onset_ms);
}

// Whether every instance has a result, good or failed, of a scrape begun after the incident opened, and seen by a tick.
bool tend_locate_is_fresh(const struct tend_service *service, int64_t onset_ms)
{
    for (size_t i = 0; i < service->instance_count; i++) {
        const struct tend_instance *instance = service->instances[i];
        const int64_t newest_ms = tend_series_window_history(instance->window)->newest_ms;
        if (newest_ms == TEND_NEVER || newest_ms <= onset_ms || instance->dirty) {
            return false;
        }
    }
    return service->instance_count > 0;
}

// Share of the instances that are plainly in line while another is not: looked at since the onset, and not a quarter as
// far out as the worst. What is only scraped later than the others, or just below a limit, does not count.
static double calm_share(const struct tend_engine *engine, const struct tend_service *service, int64_t onset_ms)
{
    double worst = 0;
    for (size_t i = 0; i < service->instance_count; i++) {
        worst = fmax(worst, tend_subject_worst(engine->fleet, service->def, &service->instances[i]->subject, NULL));
    }
    size_t calm = 0;
    for (size_t i = 0; i < service->instance_count && worst >= 1.0; i++) {
        const struct tend_instance *instance = service->instances[i];
        const double a = tend_subject_worst(engine->fleet, service->def, &instance->subject, NULL);
        const bool is_fresh = tend_series_window_history(instance->window)->newest_ms > onset_ms && !instance->dirty;
        calm += is_fresh && !tend_instance_failed(instance) && 4 * a < worst ? 1 : 0;
    }
    return service->instance_count == 0 ? 0 : (double)calm / (double)service->instance_count;
}

static int compare_newest_first(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x < y) - (x > y);
}

// Seconds since half of its instances had each failed a scrape: then it was not there for its callers. NaN: never.
double tend_failed_ago_s(const struct tend_engine *engine, const struct tend_service *service)
{
    int64_t *failed_ms = calloc(service->instance_count + 1, sizeof *failed_ms);
    TEND_ASSERT(failed_ms != NULL);
    size_t failed = 0;
    for (size_t i = 0; i < service->instance_count; i++) {
        failed_ms[failed] = tend_series_window_history(service->instances[i]->window)->newest_failed_ms;
        failed += failed_ms[failed] != TEND_NEVER;
    }
    const size_t half = (service->instance_count + 1) / 2;
    double ago_s = (double)NAN;
    if (half > 0 && failed >= half) {
        qsort(failed_ms, failed, sizeof *failed_ms, compare_newest_first);
        ago_s = (double)(engine->now_ms - failed_ms[half - 1]) / 1000.0;
    }
    free(failed_ms);
    return ago_s;
}

// Seconds since one of its instances was seen to be another process than before; NaN: never.
static double restarted_ago_s(const struct tend_engine *engine, const struct tend_service *service)
{
    int64_t newest_ms = TEND_NEVER;
    for (size_t i = 0; i < service->instance_count; i++) {
        const int64_t seen_ms = tend_series_window_history(service->instances[i]->window)->restart_seen_ms;
        newest_ms = seen_ms > newest_ms ? seen_ms : newest_ms;
    }
    return newest_ms == TEND_NEVER ? (double)NAN : (double)(engine->now_ms - newest_ms) / 1000.0;
}

// Its metrics that count threads, connections and the like; NULL: it has none.
static json_t *waiting_of(const struct tend_service_def *def)
{
    json_t *names = NULL;
    for (size_t m = 0; m < def->metric_count; m++) {
        const char *kind;
        (void)tend_evidence_class(&def->metrics[m], &kind);
        if (strcmp(kind, tend_column_kind_text(TEND_COLUMN_WAITING)) == 0) {
            names = names == NULL ? json_array() : names;
            (void)json_array_append_new(names, json_string(def->metrics[m].name));
        }
    }
    return names;
}

// @param take_logs  what its log tells, or NULL
json_t *tend_locate_service(const struct tend_engine *engine, const struct tend_service *service, int64_t onset_ms,
                            json_t *take_logs)
{
    json_t *depends = tend_edges_of(engine, service);
    json_t *alerts = json_array();
    for (size_t i = 0; i < service->alert_count; i++) {
        if (service->alerts[i].alert.state == TEND_ALERT_FIRING) {
            (void)json_array_append_new(alerts, json_string(tend_rule_name(engine, &service->alerts[i])));
        }
    }
    json_t *failures = json_object();
    const char *because = NULL; // in detail, of the first that failed
    size_t up = 0;
    bool out = tend_subject_is_out(engine->fleet, service->def, &service->subject) ||
               tend_forecast_concerns(engine, service, NULL);
    for (size_t i = 0; i < service->instance_count; i++) {
        const struct tend_instance *instance = service->instances[i];
        out = out || tend_subject_is_out(engine->fleet, service->def, &instance->subject);
        if (tend_instance_failed(instance)) {
            const char *kind = tend_scrape_kind_text(tend_series_window_history(instance->window)->kind);
            (void)json_object_set_new(failures, kind,
                                      json_integer(json_integer_value(json_object_get(failures, kind)) + 1));
            because = because == NULL ? instance->reason : because;
        } else {
            up++;
        }
    }
    json_t *remedies = json_array();
    for (size_t i = 0; i < service->def->remedy_count; i++) {
        (void)json_array_append_new(remedies, json_integer(service->def->remedies[i]));
    }
    json_t *up_share =
        service->instance_count == 0 ? json_null() : json_real((double)up / (double)service->instance_count);
    const char *version = service->instance_count > 0 ? service->instances[0]->version : "";
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:s, s:b, s:o, s:b, s:b, s:o, s:f, s:f, s:I, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o*, "
        "s:o*, s:o, s:o*}",
        "groups", tend_facts_groups(service->def), "trouble_ago_s",
        service->trouble_ms == TEND_NEVER ? json_null()
                                          : json_real((double)(engine->now_ms - service->trouble_ms) / 1000.0),
        "restarted_ago_s", tend_json_real(restarted_ago_s(engine, service)), "failed_ago_s",
        tend_json_real(tend_failed_ago_s(engine, service)), "name", service->name, "watched", service->def->watched,
        "depends", depends, "out", out, "fresh", tend_locate_is_fresh(service, onset_ms), "onset_ms",
        tend_locate_onset(service), "out_share", tend_service_out_share(engine->fleet, service), "calm_share",
        calm_share(engine, service, onset_ms), "instances", (json_int_t)service->instance_count, "up", up_share,
        "version", version, "deployed_ago_s", tend_json_real(tend_deployed_ago_s(engine, service, NULL)), "alerts",
        alerts, "failures", failures, "metrics", tend_facts_metrics(engine, service->def, &service->subject),
        "remedies", remedies, "failed_because", because == NULL ? NULL : tend_json_string(because, strlen(because)),
        "logs", take_logs, "happened", tend_happenings_since(service, onset_ms - HAPPENED_MS), "waiting",
        waiting_of(service->def));
}

int64_t tend_locate_onset_ms(const struct tend_engine *engine, const struct tend_incident *incident)
{
    int64_t onset_ms = incident->opened_ms;
    size_t *services = calloc(engine->fleet->service_count + 1, sizeof *services);
    TEND_ASSERT(services != NULL);
    const size_t count = tend_incident_services(engine, incident, services);
    for (size_t i = 0; i < count; i++) {
        const int64_t since_ms = onset_ms_of(engine->fleet->services[services[i]]);
        onset_ms = since_ms != TEND_NEVER && since_ms < onset_ms ? since_ms : onset_ms;
    }
    free(services);
    return onset_ms;
}

static struct tend_subject_view view_subject(const struct tend_engine *engine, const struct tend_service *service,
                                             const struct tend_subject *subject)
{
    const struct tend_metric_table *table = &engine->fleet->table;
    return (struct tend_subject_view){
        .service = service->name,
        .instance = "",
        .def = service->def,
        .data_ms = service->data_ms,
        .p = table->p + subject->slot,
        .e = table->e + subject->slot,
        .a = table->a + subject->slot,
        .alpha = table->alpha + subject->slot,
        .out_at = table->out_at + subject->slot,
        .floor = table->floor + subject->slot,
    };
}

void tend_engine_visit_subjects(const struct tend_engine *engine,
                                void (*visit)(void *context, const struct tend_subject_view *subject), void *context)
{
    for (size_t i = 0; engine->fleet != NULL && i < engine->fleet->service_count; i++) {
        const struct tend_service *service = engine->fleet->services[i];
        struct tend_subject_view view = view_subject(engine, service, &service->subject);
        visit(context, &view);
        for (size_t j = 0; j < service->instance_count; j++) {
            const struct tend_instance *instance = service->instances[j];
            view = view_subject(engine, service, &instance->subject);
            view.instance = instance->name;
            view.data_ms = instance->dirty ? TEND_NEVER : tend_series_window_history(instance->window)->newest_ms;
            visit(context, &view);
        }
    }
}

void tend_engine_visit_verdicts(const struct tend_engine *engine,
                                void (*visit)(void *context, size_t rule, enum tend_verdict verdict), void *context)
{
    for (size_t i = 0; engine->fleet != NULL && i < engine->fleet->service_count; i++) {
        const struct tend_service *service = engine->fleet->services[i];
        for (size_t a = 0; a < service->alert_count; a++) {
            if (service->alerts[a].data_ms != TEND_NEVER) {
                visit(context, service->alerts[a].binding->rule, service->alerts[a].verdict);
            }
        }
    }
}

static struct tend_judged_view view_judged(const struct tend_engine *engine, const struct tend_rule_alert *alert)
{
    const struct tend_service *service = alert->service;
    const struct tend_rule_def *rule = &engine->ruleset->rules[alert->binding->rule];
    struct tend_judged_view view = {
        .rule = alert->binding->rule,
        .service = service->name,
        .instance = tend_alert_instance(alert),
        .def = service->def,
        .binding = alert->binding,
        .metric = rule->metric == NULL ? -1 : tend_service_metric(service->def, rule->metric),
        .times = tend_rule_alert_times(alert),
        .gap_ms = tend_rule_alert_gap_ms(alert),
        .data_ms = alert->data_ms,
        .verdict = alert->verdict,
        .state = alert->alert.state,
        .asleep = service->asleep,
        .p = (double)NAN,
        .e = (double)NAN,
        .a = (double)NAN,
    };
    if (view.metric >= 0) {
        const struct tend_metric_table *table = &engine->fleet->table;
        const struct tend_subject *subject = alert->instance == NULL ? &service->subject : &alert->instance->subject;
        const size_t slot = subject->slot + (size_t)view.metric;
        view.missing = table->missing[slot] != TEND_HAS_DATA || isnan(table->a[slot]);
        view.holds = tend_rule_alert_holds(engine, alert, view.metric);
        view.p = table->p[slot];
        view.e = table->e[slot];
        view.a = table->a[slot];
        view.alpha = table->alpha[slot];
        view.out_at = table->out_at[slot];
        view.floor = table->floor[slot];
    }
    return view;
}

void tend_engine_visit_judged(const struct tend_engine *engine,
                              void (*visit)(void *context, const struct tend_judged_view *judged), void *context)
{
    for (size_t i = 0; engine->fleet != NULL && i < engine->fleet->service_count; i++) {
        const struct tend_service *service = engine->fleet->services[i];
        for (size_t a = 0; a < service->alert_count; a++) {
            if (service->alerts[a].data_ms != TEND_NEVER) {
                const struct tend_judged_view view = view_judged(engine, &service->alerts[a]);
                visit(context, &view);
            }
        }
    }
}

bool tend_engine_is_evaluating(const struct tend_engine *engine)
{
    return engine->tick_in_flight;
}

uint64_t tend_engine_ticks(const struct tend_engine *engine)
{
    return engine->tick;
}
