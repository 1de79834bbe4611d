// The neighbourhood of an incident: its members and all that they depend on, as far as NEIGHBOURS_MAX allows.
//
// Of more than that the larger half is given to what the most members depend on, as the cause of so much is likely
// there; the rest to the members in the order in which they joined, then to what is nearest to them.

#include "engine/state.h"

#include <stdlib.h>

enum {
    SHARED_MOST = 120,  // places for what many members depend on
    ASKED_MEMBERS = 200 // members that are asked what they depend on: a walk each, some microseconds
};

size_t tend_incident_services(const struct tend_engine *engine, const struct tend_incident *incident, size_t *services)
{
    const struct tend_fleet *fleet = engine->fleet;
    unsigned char *seen = calloc(fleet->service_count + 1, 1);
    TEND_ASSERT(seen != NULL);
    size_t count = 0;
    for (size_t i = 0; i < incident->member_count; i++) {
        const struct tend_service *member = tend_fleet_find(fleet, incident->members[i].service);
        if (member != NULL && !seen[member->index]) {
            seen[member->index] = 1;
            services[count++] = member->index;
        }
    }
    free(seen);
    return count;
}

struct candidate {
    size_t service;
    size_t place;   // among all, nearest first
    size_t callers; // members that depend on it
};

static int by_callers(const void *left, const void *right)
{
    const struct candidate *one = left;
    const struct candidate *other = right;
    if (one->callers != other->callers) {
        return one->callers > other->callers ? -1 : 1;
    }
    return one->place < other->place ? -1 : 1;
}

// Leaves NEIGHBOURS_MAX of the services, which are members first, then by distance.
static void choose(const struct tend_fleet *fleet, const size_t *members, size_t member_count, size_t *services,
                   size_t count)
{
    struct candidate *candidates = calloc(count + 1, sizeof *candidates);
    size_t *callers = calloc(fleet->service_count + 1, sizeof *callers);
    size_t *reached = calloc(fleet->service_count + 1, sizeof *reached);
    TEND_ASSERT(candidates != NULL && callers != NULL && reached != NULL);
    for (size_t m = 0; m < member_count && m < ASKED_MEMBERS; m++) {
        const size_t below = tend_topology_reach(&fleet->topology, members[m], reached);
        for (size_t i = 1; i < below; i++) { // not itself
            callers[reached[i]]++;
        }
    }
    for (size_t i = 0; i < count; i++) {
        candidates[i] = (struct candidate){ .service = services[i], .place = i, .callers = callers[services[i]] };
    }
    qsort(candidates, count, sizeof *candidates, by_callers);
    size_t kept = 0;
    while (kept < SHARED_MOST && candidates[kept].callers > 0) {
        reached[kept] = candidates[kept].service;
        callers[candidates[kept].service] = SIZE_MAX; // it has its place
        kept++;
    }
    for (size_t i = 0; i < count && kept < NEIGHBOURS_MAX; i++) {
        if (callers[services[i]] != SIZE_MAX) {
            reached[kept++] = services[i];
        }
    }
    for (size_t i = 0; i < kept; i++) {
        services[i] = reached[i];
    }
    free(candidates);
    free(callers);
    free(reached);
}

static int by_index(const void *left, const void *right)
{
    const size_t one = *(const size_t *)left;
    const size_t other = *(const size_t *)right;
    return one == other ? 0 : one < other ? -1 : 1;
}

size_t tend_evidence_near(const struct tend_engine *engine, const struct tend_incident *incident, size_t *services)
{
    const struct tend_fleet *fleet = engine->fleet;
    size_t *members = calloc(fleet->service_count + 1, sizeof *members);
    TEND_ASSERT(members != NULL);
    const size_t member_count = tend_incident_services(engine, incident, members);
    const size_t reached = tend_topology_below(&fleet->topology, members, member_count, services);
    size_t count = 0;
    for (size_t i = 0; i < reached; i++) {
        if (!tend_sleep_is_asleep(engine, fleet->services[services[i]])) { // no culprit, and nothing to wait for
            services[count++] = services[i];
        }
    }
    if (count > NEIGHBOURS_MAX) {
        choose(fleet, members, member_count, services, count);
        count = NEIGHBOURS_MAX;
    }
    free(members);
    qsort(services, count, sizeof *services, by_index);
    return count;
}
