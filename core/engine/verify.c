// Proof: whether newer samples say that an instance, or the whole incident, is in line again.
//
// Only samples of scrapes begun after the act count: the windows were cut at its end, so P holds nothing older. No data
// is no proof: a metric that was out of line and now has none is "not yet", never "cured".

#include "engine/state.h"

#include "base/text.h"
#include <math.h>

#include <stdio.h>
#include <string.h>

static size_t scrapes_since(const struct tend_instance *instance, int64_t after_ms, bool good_only)
{
    size_t count = 0;
    for (size_t row = tend_series_window_count(instance->window); row > 0; row--) {
        const struct tend_scrape_row scrape = tend_series_window_row(instance->window, row - 1);
        if (scrape.at_ms <= after_ms) {
            break;
        }
        count += scrape.good || !good_only;
    }
    return count;
}

// Whether a metric of the instance was out of line when the run began.
static bool was_out(const struct tend_run *run, const char *instance, const char *metric)
{
    const json_t *instances = json_object_get(json_object_get(run->frozen, "culprit"), "instances");
    size_t index;
    json_t *row;
    json_array_foreach(instances, index, row)
    {
        if (strcmp(tend_json_text(row, "name", ""), instance) == 0) {
            return tend_json_bool(json_object_get(json_object_get(row, "metrics"), metric), "out", false);
        }
    }
    return false;
}

enum tend_proof tend_verify_instance(const struct tend_engine *engine, const struct tend_run *run,
                                     const struct tend_instance *instance, int64_t after_ms, char *why,
                                     size_t why_bytes)
{
    const struct tend_service_def *def = instance->service->def;
    const struct tend_metric_table *table = &engine->fleet->table;
    const size_t results = scrapes_since(instance, after_ms, false);
    if (instance->dirty || results == 0) {
        tend_text_format(why, why_bytes, "%s has no scrape newer than the act", instance->name);
        return TEND_PROOF_NOT_YET;
    }
    if (tend_instance_failed(instance)) {
        tend_text_format(why, why_bytes, "%s does not answer: %s", instance->name,
                         tend_scrape_kind_text(tend_series_window_history(instance->window)->kind));
        return results >= VERIFY_SCRAPES ? TEND_PROOF_NO : TEND_PROOF_NOT_YET;
    }
    for (size_t m = 0; m < def->metric_count; m++) {
        const size_t slot = instance->subject.slot + m;
        if (table->a[slot] >= 1.0) {
            tend_text_format(why, why_bytes, "%s is out of line: %s is %.4g where %.4g was expected", instance->name,
                             def->metrics[m].name, table->p[slot], table->e[slot]);
            return results >= VERIFY_SCRAPES ? TEND_PROOF_NO : TEND_PROOF_NOT_YET;
        }
        if (isnan(table->a[slot]) && was_out(run, instance->name, def->metrics[m].name)) {
            tend_text_format(why, why_bytes, "%s: %s was out of line and has no data yet: %s", instance->name,
                             def->metrics[m].name, tend_missing_text((enum tend_missing)table->missing[slot]));
            return TEND_PROOF_NOT_YET;
        }
    }
    if (scrapes_since(instance, after_ms, true) < VERIFY_SCRAPES) {
        tend_text_format(why, why_bytes, "%s has fewer than %d good scrapes begun after the act", instance->name,
                         VERIFY_SCRAPES);
        return TEND_PROOF_NOT_YET;
    }
    return TEND_PROOF_YES;
}

// Whether an alert says anything about this run: it is of the culprit or of a service that depends on it, and no other
// culprit of the incident, which has a run of its own, may be why it fires.
static bool is_evidence(const struct tend_engine *engine, const struct tend_incident *incident,
                        const struct tend_service *culprit, const struct tend_service *service)
{
    const struct tend_topology *topology = &engine->fleet->topology;
    if (service == culprit) {
        return true;
    }
    for (size_t i = 0; i < incident->culprit_count; i++) {
        const struct tend_service *other = tend_fleet_find(engine->fleet, incident->culprits[i].service);
        if (other != NULL && other != culprit && tend_topology_depends(topology, service->index, other->index)) {
            return false;
        }
    }
    return tend_topology_depends(topology, service->index, culprit->index);
}

enum tend_proof tend_verify_incident(const struct tend_engine *engine, const struct tend_run *run, int64_t after_ms,
                                     char *why, size_t why_bytes)
{
    const struct tend_service *service = tend_fleet_find(engine->fleet, run->service);
    if (service == NULL) {
        tend_text_format(why, why_bytes, "%s is no longer there", run->service);
        return TEND_PROOF_NO;
    }
    for (size_t i = 0; i < service->instance_count; i++) {
        const enum tend_proof proof =
            tend_verify_instance(engine, run, service->instances[i], after_ms, why, why_bytes);
        if (proof != TEND_PROOF_YES) {
            return proof;
        }
    }
    const struct tend_incident *incident = tend_incident_find(engine, run->incident);
    for (size_t i = 0; incident != NULL && i < incident->member_count; i++) {
        const struct tend_rule_alert *alert = tend_member_alert(engine, &incident->members[i]);
        if (alert == NULL || alert->alert.state != TEND_ALERT_FIRING ||
            !is_evidence(engine, incident, service, alert->service)) {
            continue;
        }
        if (alert->verdict == TEND_VERDICT_IN_LINE && alert->data_ms > after_ms) {
            continue;
        }
        const char *subject = alert->instance == NULL ? alert->service->name : alert->instance->name;
        if (alert->verdict == TEND_VERDICT_OUT && alert->data_ms > after_ms) {
            tend_text_format(why, why_bytes, "\"%s\" is still out of line on %s", tend_rule_name(engine, alert),
                             subject);
        } else {
            tend_text_format(why, why_bytes, "\"%s\" has no newer data on %s: inconclusive",
                             tend_rule_name(engine, alert), subject);
        }
        return TEND_PROOF_NOT_YET;
    }
    return TEND_PROOF_YES;
}
