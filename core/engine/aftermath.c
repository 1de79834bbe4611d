// Aftermath: what others felt of a fault that is over.
//
// When the last alert of an incident resolves, a service that depends on one of it may still be out of line and wait
// for its fire_after, or, after a restart, not have been looked at yet. Alone it would open an incident of its own,
// page for what was told already, and be blamed. So the incident stays open a little: what fires meanwhile joins it. It
// waits for no longer than SETTLE_MS, as there may be another fault.

#include "engine/state.h"

enum { SETTLE_MS = 120000 };

// Whether an alert may be about to fire for what is over.
static bool is_unsettled(const struct tend_engine *engine, const struct tend_incident *incident,
                         const struct tend_rule_alert *alert)
{
    const bool pending = alert->alert.state == TEND_ALERT_PENDING;
    const bool restored = incident->opened_ms < engine->started_ms;
    if (restored && engine->now_ms - engine->started_ms < engine->options.startup_grace_ms) {
        return pending || alert->data_ms == TEND_NEVER || alert->verdict == TEND_VERDICT_UNKNOWN;
    }
    return pending && alert->alert.began_ms <= incident->calm_since_ms;
}

static bool depends_on_a_member(const struct tend_engine *engine, const struct tend_incident *incident, size_t service)
{
    for (size_t i = 0; i < incident->member_count; i++) {
        const struct tend_service *member = tend_fleet_find(engine->fleet, incident->members[i].service);
        if (member != NULL && member->index != service &&
            tend_topology_depends(&engine->fleet->topology, service, member->index)) {
            return true;
        }
    }
    return false;
}

bool tend_aftermath_lasts(const struct tend_engine *engine, struct tend_incident *incident)
{
    if (incident->calm_since_ms == TEND_NEVER) {
        incident->calm_since_ms = engine->now_ms;
    }
    if (engine->now_ms - incident->calm_since_ms >= SETTLE_MS) {
        return false;
    }
    for (size_t i = 0; i < engine->fleet->service_count; i++) {
        const struct tend_service *service = engine->fleet->services[i];
        for (size_t a = 0; a < service->alert_count; a++) {
            if (is_unsettled(engine, incident, &service->alerts[a]) && depends_on_a_member(engine, incident, i)) {
                return true;
            }
        }
    }
    return false;
}
