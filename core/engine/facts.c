// Facts: the bodies of records, and taking them back after a start. What a body holds is said in core/ARCHITECTURE.md.

#include "engine/state.h"

#include "deviation/forecast_text.h"
#include "engine/forecast.h"

#include "parse/quantity.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double tend_facts_threshold(const struct tend_metric_table *table, size_t slot)
{
    if (!isnan(table->out_at[slot])) {
        return table->out_at[slot];
    }
    const double distance = table->alpha[slot] * fmax(fabs(table->e[slot]), table->floor[slot]);
    return table->bad[slot] == TEND_BAD_BELOW ? table->e[slot] - distance : table->e[slot] + distance;
}

json_t *tend_facts_groups(const struct tend_service_def *def)
{
    json_t *groups = json_array();
    for (size_t i = 0; i < def->group_count; i++) {
        (void)json_array_append_new(groups, json_string(def->groups[i]));
    }
    return groups;
}

json_t *tend_facts_metrics(const struct tend_engine *engine, const struct tend_service_def *def,
                           const struct tend_subject *subject)
{
    const struct tend_metric_table *table = &engine->fleet->table;
    json_t *metrics = json_object();
    for (size_t m = 0; m < def->metric_count; m++) {
        const size_t slot = subject->slot + m;
        const enum tend_missing missing = (enum tend_missing)table->missing[slot];
        (void)json_object_set_new(
            metrics, def->metrics[m].name,
            json_pack("{s:o, s:o, s:o, s:o, s:b, s:s?, s:o, s:s, s:o}", "P", tend_json_real(table->p[slot]), "E",
                      tend_json_real(table->e[slot]), "F", tend_json_real(table->f[slot]), "A",
                      tend_json_real(table->a[slot]), "out", table->a[slot] >= 1.0, "missing",
                      missing == TEND_HAS_DATA ? NULL : tend_missing_text(missing), "onset_ms",
                      subject->out_since_ms[m] == TEND_NEVER ? json_null() : json_integer(subject->out_since_ms[m]),
                      "unit", def->metrics[m].unit, "out_at", tend_json_real(tend_facts_threshold(table, slot))));
        tend_forecast_set(json_object_get(metrics, def->metrics[m].name), tend_forecast_of(engine->fleet, subject, m));
    }
    return metrics;
}

static const struct tend_subject *subject_of(const struct tend_rule_alert *alert)
{
    return alert->instance == NULL ? &alert->service->subject : &alert->instance->subject;
}

// The metric that an alert is about: its rule's, or for a function the one that is furthest out.
static int metric_of(const struct tend_engine *engine, const struct tend_rule_alert *alert)
{
    const struct tend_rule_def *rule = &engine->ruleset->rules[alert->binding->rule];
    if (rule->metric != NULL) {
        return tend_service_metric(alert->service->def, rule->metric);
    }
    int worst;
    if (tend_subject_worst(engine->fleet, alert->service->def, subject_of(alert), &worst) >= 1.0) {
        return worst;
    }
    for (size_t m = 0; m < alert->service->def->metric_count; m++) {
        if (tend_forecast_alone(alert, (int)m)) {
            return (int)m;
        }
    }
    return worst;
}

static void put_value(struct tend_buffer *out, double value, const char *unit)
{
    if (isnan(value)) {
        tend_buffer_put_text(out, "no data");
    } else {
        char text[TEND_QUANTITY_TEXT_BYTES];
        tend_buffer_put_text(out, tend_quantity_format(value, unit, text));
    }
}

static void put_metric(const struct tend_engine *engine, const struct tend_rule_alert *alert, int metric,
                       struct tend_buffer *out)
{
    const struct tend_subject *subject = alert->instance == NULL ? &alert->service->subject : &alert->instance->subject;
    const struct tend_metric_def *def = &alert->service->def->metrics[metric];
    const size_t slot = subject->slot + (size_t)metric;
    put_value(out, engine->fleet->table.p[slot], def->unit);
    if (!isnan(engine->fleet->table.e[slot])) {
        tend_buffer_put_text(out, " (expected ");
        put_value(out, engine->fleet->table.e[slot], def->unit);
        tend_buffer_put_text(out, ")");
    }
}

// "{memory.eta}": what it is the forecast of is a metric. @return its index, or -1
static int metric_with_eta(const struct tend_service_def *def, const char *name)
{
    const char *dot = strrchr(name, '.');
    for (size_t m = 0; dot != NULL && strcmp(dot, ".eta") == 0 && m < def->metric_count; m++) {
        if (strncmp(def->metrics[m].name, name, (size_t)(dot - name)) == 0 &&
            def->metrics[m].name[dot - name] == '\0') {
            return (int)m;
        }
    }
    return -1;
}

static void put_named(const struct tend_engine *engine, const struct tend_rule_alert *alert, const char *name,
                      struct tend_buffer *out)
{
    const int metric = tend_service_metric(alert->service->def, name);
    const int foretold = metric_with_eta(alert->service->def, name);
    if (foretold >= 0) {
        const struct tend_forecast forecast = tend_forecast_of(engine->fleet, subject_of(alert), (size_t)foretold);
        tend_forecast_put(out, &forecast);
    } else if (strcmp(name, "service") == 0) {
        tend_buffer_put_text(out, alert->service->name);
    } else if (strcmp(name, "instance") == 0) {
        tend_buffer_put_text(out, alert->instance == NULL ? alert->service->name : alert->instance->name);
    } else if (metric >= 0) {
        put_metric(engine, alert, metric, out);
    } else {
        const char *label = alert->instance == NULL ? NULL : tend_json_text(alert->instance->labels, name, NULL);
        tend_buffer_printf(out, label == NULL ? "{%s}" : "%s", label == NULL ? name : label);
    }
}

// What an alert without a summary of its own says when nothing but a forecast is why.
static void put_forecast(const struct tend_engine *engine, const struct tend_rule_alert *alert, int metric,
                         struct tend_buffer *out)
{
    const struct tend_forecast forecast = tend_forecast_of(engine->fleet, subject_of(alert), (size_t)metric);
    if (tend_forecast_alone(alert, metric) && !isnan(forecast.eta_s)) {
        tend_buffer_put_text(out, ", out of line (");
        put_value(out, tend_facts_threshold(&engine->fleet->table, subject_of(alert)->slot + (size_t)metric),
                  alert->service->def->metrics[metric].unit);
        tend_buffer_put_text(out, ") in ");
        tend_forecast_put(out, &forecast);
    }
}

char *tend_facts_summary(const struct tend_engine *engine, const struct tend_rule_alert *alert)
{
    struct tend_buffer out;
    tend_buffer_init(&out);
    const char *template = engine->ruleset->rules[alert->binding->rule].summary;
    while (*template != '\0') {
        const char *open = strchr(template, '{');
        const char *close = open == NULL ? NULL : strchr(open, '}');
        if (close == NULL) {
            tend_buffer_put_text(&out, template);
            break;
        }
        tend_buffer_put(&out, template, (size_t)(open - template));
        char *name = strndup(open + 1, (size_t)(close - open - 1)); // not cut: a piece of a character is no text
        TEND_ASSERT(name != NULL);
        put_named(engine, alert, name, &out);
        free(name);
        template = close + 1;
    }
    const int metric = metric_of(engine, alert);
    if (out.size == 0) {
        tend_buffer_printf(&out, "%s: %s", alert->instance == NULL ? alert->service->name : alert->instance->name,
                           tend_rule_name(engine, alert));
        if (metric >= 0) {
            tend_buffer_printf(&out, ": %s ", alert->service->def->metrics[metric].name);
            put_metric(engine, alert, metric, &out);
        }
    }
    if (metric >= 0 && strstr(engine->ruleset->rules[alert->binding->rule].summary, ".eta}") == NULL) {
        put_forecast(engine, alert, metric, &out);
    }
    char *summary = tend_copy_text(tend_buffer_text(&out));
    tend_buffer_clear(&out);
    return summary;
}

// An alert's key in the journal; free() it.
static char *alert_key(const char *rule, const char *service, const char *instance)
{
    char *key = NULL;
    const int bytes = asprintf(&key, "%s\n%s\n%s", rule, service, instance);
    TEND_ASSERT(bytes >= 0);
    return key;
}

void tend_facts_alert(struct tend_engine *engine, struct tend_rule_alert *alert, const char *state)
{
    const struct tend_metric_table *table = &engine->fleet->table;
    const struct tend_subject *subject = alert->instance == NULL ? &alert->service->subject : &alert->instance->subject;
    const int metric = metric_of(engine, alert);
    const size_t slot = subject->slot + (size_t)(metric < 0 ? 0 : metric);
    const char *rule = tend_rule_name(engine, alert);
    const char *instance = tend_alert_instance(alert);
    const bool firing = strcmp(state, "firing") == 0;
    json_t *flap = tend_flapping_body(alert);
    const bool open = firing || strcmp(state, "pending") == 0 || flap != NULL; // a restart must know how it flapped
    char *summary = tend_facts_summary(engine, alert);
    static const char *const policies[] = { "hold", "warn", "act" };
    json_t *body = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:b, s:I, s:o, s:o, s:s, s:s?, s:s, s:b}", "rule", rule, "service",
        alert->service->name, "instance", instance, "state", state, "severity", alert->binding->severity, "act",
        alert->binding->act, "since_wall_ms", (json_int_t)(engine->wall_ms - (engine->now_ms - alert->alert.began_ms)),
        "fired_wall_ms", alert->fired_wall_ms == 0 ? json_null() : json_integer(alert->fired_wall_ms),
        "resolved_wall_ms", strcmp(state, "resolved") == 0 ? json_integer(engine->wall_ms) : json_null(), "summary",
        summary, "incident", alert->incident, "verdict_policy", policies[alert->binding->missing], "by_missing",
        alert->alert.by_missing);
    free(summary);
    (void)json_object_set_new(body, "since_ms", json_integer(alert->alert.since_ms));
    (void)json_object_set_new(body, "began_ms", json_integer(alert->alert.began_ms));
    if (flap != NULL) {
        char flapping[TEND_FLAP_TEXT_BYTES];
        (void)json_object_set_new(body, "flapping", json_string(tend_flapping_text(engine, alert, flapping)));
        (void)json_object_set_new(body, "flap", flap);
    }
    if (metric >= 0) {
        const enum tend_missing missing = (enum tend_missing)table->missing[slot];
        json_t *numbers = json_pack(
            "{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:s?}", "metric", alert->service->def->metrics[metric].name, "P",
            tend_json_real(table->p[slot]), "E", tend_json_real(table->e[slot]), "F", tend_json_real(table->f[slot]),
            "A", tend_json_real(table->a[slot]), "alpha",
            tend_json_real(table->a[slot] > 0.0 ? table->f[slot] / table->a[slot] : table->alpha[slot]), "out_at",
            tend_json_real(tend_facts_threshold(table, slot)), "unit", alert->service->def->metrics[metric].unit,
            "missing", missing == TEND_HAS_DATA ? NULL : tend_missing_text(missing));
        (void)json_object_update(body, numbers);
        tend_forecast_set(body, tend_forecast_of(engine->fleet, subject, (size_t)metric));
        (void)json_object_set_new(body, "foretold", json_boolean(tend_forecast_alone(alert, metric)));
        json_decref(numbers);
        const int64_t onset_ms = subject->out_since_ms[metric];
        (void)json_object_set_new(body, "onset_wall_ms",
                                  onset_ms == TEND_NEVER ? json_null()
                                                         : json_integer(engine->wall_ms - (engine->now_ms - onset_ms)));
        json_t *learned = tend_learn_view(engine, alert->service, subject, (size_t)metric);
        if (learned != NULL) {
            (void)json_object_set_new(body, "learned", learned);
        }
    }
    char *key = alert_key(rule, alert->service->name, instance);
    (void)tend_emit_record(engine, TEND_RECORD_ALERT, key, alert->incident, false, open, body);
    free(key);
}

void tend_facts_incident(struct tend_engine *engine, struct tend_incident *incident, bool open)
{
    incident->recorded_ms = engine->now_ms;
    incident->unrecorded = false;
    json_t *alerts = json_array();
    json_t *services = json_object();
    for (size_t i = 0; i < incident->member_count; i++) {
        const struct tend_member *member = &incident->members[i];
        (void)json_array_append_new(alerts, json_pack("{s:s, s:s, s:s, s:s}", "rule", member->rule, "service",
                                                      member->service, "instance", member->instance, "state",
                                                      member->firing ? "firing" : "resolved"));
        (void)json_object_set_new(services, member->service, json_true());
    }
    json_t *names = json_array();
    const char *name;
    json_t *ignored;
    json_object_foreach(services, name, ignored)
    {
        (void)json_array_append_new(names, json_string(name));
    }
    json_decref(services);
    json_t *culprits = json_array();
    json_t *past = json_array();
    for (size_t i = 0; i < incident->culprit_count + incident->past_count; i++) {
        const struct tend_culprit *culprit = &incident->culprits[i];
        (void)json_array_append_new(i < incident->culprit_count ? culprits : past,
                                    json_pack("{s:s, s:o, s:I, s:I, s:b, s:b}", "service", culprit->service,
                                              "confidence", tend_json_real(culprit->confidence), "remedy",
                                              (json_int_t)culprit->remedy, "rounds", (json_int_t)culprit->rounds,
                                              "given_up", culprit->given_up, "dry_told", culprit->dry_told));
    }
    json_t *body = json_pack(
        "{s:s, s:s, s:I, s:I, s:o, s:s, s:o, s:o, s:o, s:s?, s:b, s:b}", "id", incident->id, "state",
        open ? "open" : "ended", "opened_ms", (json_int_t)incident->opened_ms, "opened_wall_ms",
        (json_int_t)incident->opened_wall_ms, "ended_wall_ms", open ? json_null() : json_integer(engine->wall_ms),
        "severity", incident->severity == NULL ? "" : incident->severity, "services", names, "alerts", alerts,
        "culprits", culprits, "outcome", incident->outcome, "escalated", incident->escalated, "acted", incident->acted);
    (void)json_object_set_new(body, "past_culprits", past);
    if (incident->ack_who != NULL) {
        json_t *ack =
            json_pack("{s:s, s:s, s:s, s:I}", "ack_who", incident->ack_who, "ack_why", incident->ack_why,
                      "ack_culprits", incident->ack_culprits, "ack_wall_ms", (json_int_t)incident->ack_wall_ms);
        (void)json_object_update(body, ack);
        json_decref(ack);
    }
    if (open) {
        (void)json_object_set_new(body, "told", tend_told_names(engine, incident->id));
    }
    json_t *held = open ? tend_told_held(engine, incident->id) : NULL;
    if (held != NULL) {
        (void)json_object_set_new(body, "held", held);
    }
    (void)tend_emit_record(engine, TEND_RECORD_INCIDENT, incident->id, incident->id, false, open, body);
}

void tend_facts_run(struct tend_engine *engine, struct tend_run *run, bool ended, const char *outcome,
                    const char *error)
{
    const struct tend_limits *limits = &run->limits;
    json_t *body = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s?, s:b, s:s, s:I, s:I, s:o, s:s?, s:I, s:I}", "id", run->id, "incident",
        run->incident, "playbook", run->playbook, "playbook_hash", run->playbook_hash, "service", run->service, "state",
        ended ? "ended" : "begun", "outcome", outcome, "dry", run->dry, "generation", run->generation, "began_ms",
        (json_int_t)run->began_ms, "began_wall_ms", (json_int_t)run->began_wall_ms, "ended_wall_ms",
        ended ? json_integer(engine->wall_ms) : json_null(), "error", error, "playbook_index",
        (json_int_t)run->playbook_index, "within_ms", (json_int_t)run->within_ms);
    json_t *held =
        json_pack("{s:o, s:o, s:o, s:o, s:I, s:o, s:o}", "at_once", tend_json_real(limits->at_once), "share",
                  tend_json_real(limits->share), "min_healthy", tend_json_real(limits->min_healthy), "per_hour",
                  tend_json_real(limits->per_hour), "cooldown_ms", (json_int_t)limits->cooldown_ms, "attempts",
                  tend_json_real(limits->attempts), "confidence", tend_json_real(limits->confidence));
    (void)json_object_set_new(body, "limits", held);
    if (!ended) {
        (void)json_object_set(body, "frozen", run->frozen);
    }
    run->record = tend_emit_record(engine, TEND_RECORD_RUN, run->id, run->incident, true, !ended, body);
}

uint64_t tend_facts_step(struct tend_engine *engine, struct tend_run *run, struct tend_step *step, bool ended,
                         bool full)
{
    char key[64];
    (void)snprintf(key, sizeof key, "%s/%lld", run->id, (long long)step->seq);
    json_t *effect = step->effect;
    json_t *body = json_pack(
        "{s:s, s:I, s:O?, s:O?, s:O?, s:O?, s:O?, s:O?, s:b, s:s, s:I, s:s, s:s?, s:I, s:o, s:O?, s:O?}", "run",
        run->id, "seq", (json_int_t)step->seq, "verb", json_object_get(effect, "verb"), "instance",
        json_object_get(effect, "instance"), "kind", json_object_get(effect, "kind"), "args",
        json_object_get(effect, "args"), "idempotent", json_object_get(effect, "idempotent"), "undo",
        json_object_get(effect, "undo"), "dry", run->dry, "hash", step->hash, "attempt", (json_int_t)step->attempt,
        "state", ended ? "ended" : "begun", "outcome", step->outcome, "began_wall_ms", (json_int_t)step->began_wall_ms,
        "ended_wall_ms", ended ? json_integer(step->ended_wall_ms) : json_null(), "answer", ended ? step->answer : NULL,
        "at", json_object_get(effect, "at"));
    if (ended) {
        (void)json_object_set(body, "error", json_object_get(step->answer, "error"));
        (void)json_object_set(body, "value", json_object_get(step->answer, "value"));
    }
    // Steps are never open by themselves: an open run brings its steps with it (tend_engine_restore).
    return tend_emit_record(engine, TEND_RECORD_STEP, key, run->incident, full, false, body);
}

static json_t *guard_body(const struct tend_service *service)
{
    const struct tend_guard *guard = &service->guard;
    json_t *runs = json_array();
    for (size_t i = 0; i < TEND_RUNS_KEPT && guard->runs_ms[i] != TEND_NEVER; i++) {
        (void)json_array_append_new(runs, json_integer(guard->runs_ms[i]));
    }
    return json_pack("{s:s, s:n, s:I, s:I, s:I, s:I, s:I, s:o, s:s}", "service", service->name, "instance",
                     "cooldown_until_ms", (json_int_t)guard->cooldown_until_ms, "backoff_until_ms",
                     (json_int_t)guard->backoff_until_ms, "counted_from_ms", (json_int_t)guard->counted_from_ms,
                     "cured_ms", (json_int_t)guard->cured_ms, "failed_runs", (json_int_t)guard->failed_runs, "runs_ms",
                     runs, "breaker", guard->breaker_open ? "open" : "closed");
}

void tend_facts_guard(struct tend_engine *engine, const struct tend_service *service)
{
    (void)tend_emit_record(engine, TEND_RECORD_TARGET, service->name, NULL, true, true, guard_body(service));
}

void tend_facts_keep_guards(struct tend_engine *engine, const struct tend_fleet *next)
{
    for (size_t i = 0; engine->fleet != NULL && i < engine->fleet->service_count; i++) {
        const struct tend_service *service = engine->fleet->services[i];
        if (tend_fleet_find(next, service->name) == NULL) {
            (void)json_object_set_new(engine->restored_guards, service->name, guard_body(service));
        }
    }
}

static void restore_guard(struct tend_guard *guard, const json_t *body)
{
    guard->cooldown_until_ms = tend_json_integer(body, "cooldown_until_ms", TEND_NEVER);
    guard->backoff_until_ms = tend_json_integer(body, "backoff_until_ms", TEND_NEVER);
    guard->counted_from_ms = tend_json_integer(body, "counted_from_ms", TEND_NEVER);
    guard->cured_ms = tend_json_integer(body, "cured_ms", TEND_NEVER);
    guard->failed_runs = (size_t)tend_json_integer(body, "failed_runs", 0);
    guard->breaker_open = strcmp(tend_json_text(body, "breaker", ""), "open") == 0;
    const json_t *runs = json_object_get(body, "runs_ms");
    for (size_t i = 0; i < json_array_size(runs) && i < sizeof guard->runs_ms / sizeof guard->runs_ms[0]; i++) {
        guard->runs_ms[i] = json_integer_value(json_array_get(runs, i));
    }
}

void tend_facts_restore_guards(struct tend_engine *engine)
{
    for (size_t i = 0; i < engine->fleet->service_count; i++) {
        struct tend_service *service = engine->fleet->services[i];
        const json_t *body = json_object_get(engine->restored_guards, service->name);
        if (body != NULL) {
            restore_guard(&service->guard, body);
            (void)json_object_del(engine->restored_guards, service->name); // services found later still get theirs
        }
    }
}

// The open incident that an alert is in, or NULL.
static const struct tend_incident *incident_with(const struct tend_engine *engine, const struct tend_rule_alert *alert,
                                                 const json_t *body)
{
    for (size_t i = 0; i < engine->incident_count; i++) {
        for (size_t m = 0; m < engine->incidents[i]->member_count; m++) {
            if (tend_member_alert(engine, &engine->incidents[i]->members[m]) == alert) {
                return engine->incidents[i];
            }
        }
    }
    struct tend_incident *joined = tend_incident_find(engine, tend_json_text(body, "incident", ""));
    if (joined != NULL && strcmp(tend_json_text(body, "state", ""), "firing") == 0) { // not on its record yet
        (void)tend_member_add(joined, tend_rule_name(engine, alert), alert->service->name, tend_alert_instance(alert));
    }
    return joined;
}

static void restore_alert(struct tend_engine *engine, struct tend_rule_alert *alert, const json_t *body)
{
    // Of an incident that is over it would fire where nobody looks; it may have gone over to another one.
    const struct tend_incident *incident = incident_with(engine, alert, body);
    const bool firing = incident != NULL && strcmp(tend_json_text(body, "state", ""), "firing") == 0;
    alert->alert.state = firing ? TEND_ALERT_FIRING : TEND_ALERT_INACTIVE; // a gap restarts a pending count
    alert->alert.since_ms = tend_json_integer(body, "since_ms", engine->now_ms);
    alert->alert.began_ms = tend_json_integer(body, "began_ms", alert->alert.since_ms);
    alert->alert.out_since_ms = TEND_ALERT_NEVER;
    alert->alert.by_missing = tend_json_bool(body, "by_missing", false);
    tend_flapping_restore(alert, json_object_get(body, "flap"));
    alert->fired_wall_ms = tend_json_integer(body, "fired_wall_ms", engine->wall_ms);
    const int metric = tend_service_metric(alert->service->def, tend_json_text(body, "metric", ""));
    if (metric >= 0) {
        alert->latches[metric] = firing;
    }
    free(alert->incident);
    alert->incident = firing ? tend_copy_text(incident->id) : NULL;
}

void tend_facts_restore_alerts(struct tend_engine *engine)
{
    for (size_t i = 0; i < engine->fleet->service_count; i++) {
        struct tend_service *service = engine->fleet->services[i];
        for (size_t a = 0; a < service->alert_count; a++) {
            struct tend_rule_alert *alert = &service->alerts[a];
            char *key = alert_key(tend_rule_name(engine, alert), service->name, tend_alert_instance(alert));
            const json_t *body = json_object_get(engine->restored_alerts, key);
            if (body != NULL) {
                restore_alert(engine, alert, body);
                (void)json_object_del(engine->restored_alerts, key);
            }
            free(key);
        }
    }
}
