// A new usual: the way out, without a person, of an expectation that was learned and does not hold any more.
//
// While an alert fires, what it is about teaches nothing (freeze.h). If that has come to stay, it would fire for ever.
// So what an alert was out of line about for a whole day, and nobody did anything about, counts as usual from then on:
// the level is learned anew, the shape of the season stays, and the alert resolves by itself when it is in line with
// that. How far out it was counts as one deviation that the metric reaches: weekends, which the season of a day does
// not know, alert a few times and then no more. The season of a week waits three days, as a long weekend is no new
// usual there.
//
// It waits on, however long, while
//   a person has the incident (tend ack)
//   a run is under way, or one of the service began, or the incident was acted on, less than that time ago
//   the service was deployed less than that time ago
//   anything of the incident fires that does not stand on what was learned: a limit, data that is missing, a service
//   that is down. Then it is a fault, and what it does to learned metrics is not what they usually are.

#include "engine/state.h"

#include "base/log.h"
#include "base/text.h"
#include "parse/duration.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAY_MS = 24 * 3600 * 1000, WEEK_WAITS_DAYS = 3, AGAIN_DAYS = 8 };

static int64_t wait_ms(const struct tend_metric_def *def)
{
    return def->season_hours == TEND_BASELINE_WEEK_HOURS ? (int64_t)WEEK_WAITS_DAYS * DAY_MS : DAY_MS;
}

static struct tend_subject *subject_of(const struct tend_rule_alert *alert)
{
    return alert->instance == NULL ? &alert->service->subject : &alert->instance->subject;
}

// A limit in the metric's own unit holds whatever is usual.
static bool is_learned(const struct tend_service_def *def, size_t metric)
{
    return def->metrics[metric].expect == TEND_EXPECT_LEARNED && isnan(def->metrics[metric].out_at);
}

// Whether an alert is out of line on a metric, as far as its rule reads it.
static bool is_about(const struct tend_engine *engine, const struct tend_rule_alert *alert, size_t metric)
{
    const char *only = engine->ruleset->rules[alert->binding->rule].metric;
    return (alert->latches[metric] & TEND_LATCHED_OUT) != 0 &&
           (only == NULL || strcmp(only, alert->service->def->metrics[metric].name) == 0);
}

static bool stands_on_learned(const struct tend_engine *engine, const struct tend_rule_alert *alert)
{
    const struct tend_service_def *def = alert->service->def;
    const char *only = engine->ruleset->rules[alert->binding->rule].metric;
    if (alert->alert.by_missing) {
        return false;
    }
    bool learned = false;
    for (size_t m = 0; m < def->metric_count; m++) {
        if (only != NULL && strcmp(only, def->metrics[m].name) == 0) {
            return is_learned(def, m); // in line again or not
        }
        if (only == NULL && is_about(engine, alert, m)) {
            if (!is_learned(def, m)) {
                return false;
            }
            learned = true;
        }
    }
    return learned;
}

static bool was_lately(int64_t now, int64_t then, int64_t within)
{
    return then != TEND_NEVER && now - then >= 0 && now - then < within;
}

// Whether nobody, and nothing, is at it.
static bool is_left_alone(const struct tend_engine *engine, const struct tend_rule_alert *alert, int64_t within_ms)
{
    const struct tend_service *service = alert->service;
    const double deployed_ago_s = tend_deployed_ago_s(engine, service, NULL);
    if (tend_run_of_service(engine, service->name) != NULL ||
        was_lately(engine->now_ms, service->guard.runs_ms[0], within_ms) ||
        deployed_ago_s * 1000 < (double)within_ms) { // false for NaN
        return false;
    }
    const struct tend_incident *incident = alert->incident == NULL ? NULL : tend_incident_find(engine, alert->incident);
    if (incident == NULL) {
        return true;
    }
    if (incident->ack_who != NULL || was_lately(engine->now_ms, incident->acted_ms, within_ms)) {
        return false;
    }
    for (size_t i = 0; i < engine->run_count; i++) {
        if (strcmp(engine->runs[i]->incident, incident->id) == 0) {
            return false;
        }
    }
    for (size_t i = 0; i < incident->member_count; i++) {
        const struct tend_rule_alert *member = tend_member_alert(engine, &incident->members[i]);
        if (member != NULL && member->alert.state == TEND_ALERT_FIRING && !stands_on_learned(engine, member)) {
            return false;
        }
    }
    return true;
}

static void take(struct tend_engine *engine, const struct tend_rule_alert *alert, size_t metric)
{
    const struct tend_metric_def *def = &alert->service->def->metrics[metric];
    struct tend_subject *subject = subject_of(alert);
    const char *service = alert->service->name;
    const char *who = alert->instance == NULL ? service : alert->instance->name;
    char waited[TEND_DURATION_TEXT_BYTES];
    (void)tend_duration_format(wait_ms(def), waited);
    char reason[256];
    char text[1024];
    tend_text_format(reason, sizeof reason, "%s is out of line to stay", def->name);
    tend_text_format(text, sizeof text,
                     "an alert on %s of %s fired for %s, and nobody did anything about it: what it is now counts as "
                     "usual (tend relearn %s takes that sooner; what a person has, by tend ack, is not taken)",
                     def->name, who, waited, service);
    tend_log(TEND_LOG_INFO, "baseline learned anew service=%s subject=%s metric=%s incident=%s why=\"fired for %s\"",
             service, who, def->name, alert->incident == NULL ? "" : alert->incident, waited);
    const char *incident = alert->incident;
    (void)tend_emit_record(engine, TEND_RECORD_DECISION, incident == NULL ? service : incident, incident, false, false,
                           json_pack("{s:s, s:s, s:s, s:s, s:s, s:n, s:s, s:s}", "service", service, "instance",
                                     tend_alert_instance(alert), "metric", def->name, "rule",
                                     tend_rule_name(engine, alert), "what", "new usual", "playbook", "reason", reason,
                                     "text", text));
    struct tend_baseline *baseline = subject->baselines[metric];
    const int64_t before_s = tend_baseline_anew_s(baseline);
    if (before_s != 0 && was_lately(engine->wall_ms, before_s * 1000, (int64_t)AGAIN_DAYS * DAY_MS)) {
        const struct tend_metric_table *table = &engine->fleet->table;
        const size_t slot = subject->slot + metric;
        tend_baseline_note_excursion(baseline, table->p[slot], table->e[slot], table->f[slot]);
    }
    tend_baseline_restart(baseline, TEND_BASELINE_FROM_NOTHING);
    subject->out_since_ms[metric] = TEND_NEVER;
}

static void look_at(struct tend_engine *engine, const struct tend_rule_alert *alert)
{
    const struct tend_service_def *def = alert->service->def;
    for (size_t m = 0; m < def->metric_count; m++) {
        if (!is_learned(def, m) || !is_about(engine, alert, m)) {
            continue;
        }
        const struct tend_baseline *baseline = subject_of(alert)->baselines[m];
        const int64_t within_ms = wait_ms(&def->metrics[m]);
        const int64_t anew_s = tend_baseline_anew_s(baseline);
        if (engine->now_ms - alert->alert.since_ms >= within_ms && !tend_baseline_is_anew(baseline) &&
            (anew_s == 0 || !was_lately(engine->wall_ms, anew_s * 1000, within_ms)) &&
            is_left_alone(engine, alert, within_ms)) {
            take(engine, alert, m);
        }
    }
}

void tend_new_usual_look(struct tend_engine *engine, const struct tend_service *service)
{
    for (size_t i = 0; i < service->alert_count; i++) {
        const struct tend_rule_alert *alert = &service->alerts[i];
        if (alert->alert.state == TEND_ALERT_FIRING && engine->now_ms - alert->alert.since_ms >= DAY_MS &&
            stands_on_learned(engine, alert)) {
            look_at(engine, alert);
        }
    }
}
