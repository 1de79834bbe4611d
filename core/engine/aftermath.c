// Aftermath: what others felt of a fault that is over.
//
// When the last alert of an incident resolves, a service that depends on one of it may still be out of line and wait
// for its fire_after, or, after a restart, not have been looked at yet. Alone it would open an incident of its own,
// page for what was told already, and be blamed. So the incident stays open a little: what fires meanwhile joins it. It
// waits for no longer than SETTLE_MS, as there may be another fault.

#include "engine/state.h"

#include <stdlib.h>

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

enum { ABOVE = 1, MEMBER = 2 };

// Whether a service depends on a member other than itself. @param is  of each service: above a member, a member
static bool depends_on_a_member(const struct tend_fleet *fleet, const unsigned char *is, size_t service,
                                size_t *reached)
{
    if (is[service] != MEMBER) {
        return is[service] == ABOVE;
    }
    const size_t below = tend_topology_reach(&fleet->topology, service, reached);
    for (size_t i = 1; i < below; i++) {
        if (is[reached[i]] == MEMBER) {
            return true;
        }
    }
    return false;
}

static bool is_any_unsettled(const struct tend_engine *engine, const struct tend_incident *incident,
                             const struct tend_service *service)
{
    for (size_t a = 0; a < service->alert_count; a++) {
        if (is_unsettled(engine, incident, &service->alerts[a])) {
            return true;
        }
    }
    return false;
}

static bool is_felt(const struct tend_engine *engine, const struct tend_incident *incident)
{
    const struct tend_fleet *fleet = engine->fleet;
    unsigned char *is = calloc(fleet->service_count + 1, 1);
    size_t *members = calloc(fleet->service_count + 1, sizeof *members);
    size_t *reached = calloc(fleet->service_count + 1, sizeof *reached);
    TEND_ASSERT(is != NULL && members != NULL && reached != NULL);
    const size_t member_count = tend_incident_services(engine, incident, members);
    const size_t above = tend_topology_above(&fleet->topology, members, member_count, reached);
    for (size_t i = 0; i < above; i++) {
        is[reached[i]] = i < member_count ? MEMBER : ABOVE;
    }
    bool felt = false;
    for (size_t i = 0; i < fleet->service_count && !felt; i++) {
        felt = is[i] != 0 && is_any_unsettled(engine, incident, fleet->services[i]) &&
               depends_on_a_member(fleet, is, i, reached);
    }
    free(is);
    free(members);
    free(reached);
    return felt;
}

bool tend_aftermath_lasts(const struct tend_engine *engine, struct tend_incident *incident)
{
    if (incident->calm_since_ms == TEND_NEVER) {
        incident->calm_since_ms = engine->now_ms;
    }
    if (engine->now_ms - incident->calm_since_ms >= SETTLE_MS) {
        return false;
    }
    return is_felt(engine, incident);
}
