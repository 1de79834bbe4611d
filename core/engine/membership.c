// Members of incidents: which incident an alert belongs to, and how several become one.
//
// What listens to the younger one goes on hearing of the older: see notice_join.c.

#include "engine/hold.h"
#include "engine/state.h"

#include "base/log.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tend_culprit_clear(struct tend_culprit *culprit)
{
    free(culprit->service);
    json_decref(culprit->said);
    json_decref(culprit->fits);
    json_decref(culprit->reasons);
}

int tend_severity_rank(const char *severity)
{
    if (severity == NULL) {
        return -1;
    }
    return strcmp(severity, "page") == 0 ? 2 : strcmp(severity, "warn") == 0 ? 0 : 1;
}

struct tend_culprit *tend_culprit_find(struct tend_culprit *culprits, size_t count, const char *service)
{
    for (size_t i = 0; i < count; i++) {
        if (culprits[i].service != NULL && strcmp(culprits[i].service, service) == 0) {
            return &culprits[i];
        }
    }
    return NULL;
}

// Marks, by index, what depends on a service and what it depends on, itself too. free() it.
static unsigned char *mark_connected(const struct tend_fleet *fleet, const struct tend_service *service)
{
    unsigned char *is_connected = calloc(fleet->service_count + 1, 1);
    size_t *reached = calloc(fleet->service_count + 1, sizeof *reached);
    TEND_ASSERT(is_connected != NULL && reached != NULL);
    const size_t below = tend_topology_below(&fleet->topology, &service->index, 1, reached);
    for (size_t i = 0; i < below; i++) {
        is_connected[reached[i]] = 1;
    }
    const size_t above = tend_topology_above(&fleet->topology, &service->index, 1, reached);
    for (size_t i = 0; i < above; i++) {
        is_connected[reached[i]] = 1;
    }
    free(reached);
    return is_connected;
}

static bool has_connected(const struct tend_engine *engine, const struct tend_incident *incident,
                          const unsigned char *is_connected)
{
    for (size_t i = 0; i < incident->member_count; i++) {
        const struct tend_service *member = tend_fleet_find(engine->fleet, incident->members[i].service);
        if (member != NULL && is_connected[member->index]) {
            return true;
        }
    }
    return false;
}

struct tend_member *tend_member_add(struct tend_incident *incident, const char *rule, const char *service,
                                    const char *instance)
{
    for (size_t i = 0; i < incident->member_count; i++) {
        struct tend_member *member = &incident->members[i];
        if (strcmp(member->rule, rule) == 0 && strcmp(member->service, service) == 0 &&
            strcmp(member->instance, instance) == 0) {
            member->firing = true;
            return member;
        }
    }
    struct tend_member *grown = reallocarray(incident->members, incident->member_count + 1, sizeof *grown);
    TEND_ASSERT(grown != NULL);
    incident->members = grown;
    struct tend_member *member = &grown[incident->member_count++];
    *member = (struct tend_member){ .rule = tend_copy_text(rule),
                                    .service = tend_copy_text(service),
                                    .instance = tend_copy_text(instance),
                                    .firing = true };
    return member;
}

// What was tried on the culprits of the younger incident counts in the older one.
static void merge_culprits(struct tend_incident *older, struct tend_incident *younger)
{
    const size_t count = younger->culprit_count + younger->past_count;
    size_t known = older->culprit_count + older->past_count;
    struct tend_culprit *grown = reallocarray(older->culprits, known + count + 1, sizeof *grown);
    TEND_ASSERT(grown != NULL);
    older->culprits = grown;
    for (size_t i = 0; i < count; i++) {
        struct tend_culprit *from = &younger->culprits[i];
        struct tend_culprit *to = tend_culprit_find(grown, known, from->service);
        if (to == NULL) {
            grown[known++] = *from;
            older->past_count++;
            continue;
        }
        to->given_up = to->given_up || from->given_up;
        to->dry_told = to->dry_told || from->dry_told;
        to->remedy = to->rounds < from->rounds ? from->remedy : to->remedy;
        to->rounds = to->rounds < from->rounds ? from->rounds : to->rounds;
        tend_culprit_clear(from);
    }
    younger->culprit_count = younger->past_count = 0;
}

// Moves everything of the younger incident into the older one, which goes on for both.
static void merge(struct tend_engine *engine, struct tend_incident *older, struct tend_incident *younger)
{
    for (size_t i = 0; i < younger->member_count; i++) {
        const struct tend_member *member = &younger->members[i];
        tend_member_add(older, member->rule, member->service, member->instance)->firing = member->firing;
        struct tend_rule_alert *alert = tend_member_alert(engine, member);
        if (alert != NULL && alert->incident != NULL) {
            free(alert->incident);
            alert->incident = tend_copy_text(older->id);
        }
    }
    for (size_t i = 0; i < engine->run_count; i++) {
        if (strcmp(engine->runs[i]->incident, younger->id) == 0) {
            memcpy(engine->runs[i]->incident, older->id, sizeof older->id);
            tend_facts_run(engine, engine->runs[i], false, NULL, NULL); // a restart must find it with its incident
        }
    }
    older->recorded_ms = TEND_NEVER; // what was the younger one's is to be on record as this one's
    merge_culprits(older, younger);
    tend_told_merged(engine, older->id, younger->id);
    older->acted = older->acted || younger->acted;
    older->escalated = older->escalated && younger->escalated;
    if (tend_severity_rank(younger->severity) > tend_severity_rank(older->severity)) {
        free(older->severity);
        older->severity = tend_copy_text(younger->severity);
        tend_ack_end(engine, older, "it got worse");
    }
    for (size_t i = 0; i < younger->member_count; i++) {
        free(younger->members[i].rule);
        free(younger->members[i].service);
        free(younger->members[i].instance);
    }
    younger->member_count = 0;
    free(younger->outcome);
    const int printed = asprintf(&younger->outcome, "merged into %s", older->id);
    TEND_ASSERT(printed > 0);
    tend_log(TEND_LOG_INFO, "incidents merged incident=%s into=%s", younger->id, older->id);
}

struct tend_incident *tend_incident_for(struct tend_engine *engine, const struct tend_service *service)
{
    struct tend_incident *joined = NULL;
    unsigned char *is_connected = mark_connected(engine->fleet, service);
    for (size_t i = 0; i < engine->incident_count; i++) {
        struct tend_incident *incident = engine->incidents[i];
        if (!has_connected(engine, incident, is_connected)) {
            continue;
        }
        if (joined == NULL) {
            joined = incident;
        } else {
            merge(engine, joined, incident);
        }
    }
    free(is_connected);
    return joined;
}
