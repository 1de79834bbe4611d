// Who hears of an incident later than at its beginning: as a member joins that it listens to, as rules are loaded in
// which it is new, or as the incident that it was told of becomes part of an older one.
//
// A pager keeps a page open under the id of its incident until it hears that this is over. So whoever was told of an
// incident that became part of another first hears of that one, and only then that its own is over; what keeps the
// first back (hold.h) keeps the second back too. One page is open for each listener while the trouble lasts.

#include "engine/hold.h"
#include "engine/state.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

// Not what is written of the member: the record of an incident is not written anew as one of its alerts ends, so that
// after a restart it may say that it fires.
static bool is_firing(const struct tend_engine *engine, const struct tend_member *member)
{
    const struct tend_rule_alert *alert = member->firing ? tend_member_alert(engine, member) : NULL;
    return alert != NULL && alert->alert.state == TEND_ALERT_FIRING;
}

// Whether one of the members that a notify listens to fires.
static bool fires_for(const struct tend_engine *engine, size_t notify, const struct tend_incident *incident)
{
    for (size_t i = 0; i < incident->member_count; i++) {
        if (is_firing(engine, &incident->members[i]) && tend_notice_hears(engine, notify, incident, i)) {
            return true;
        }
    }
    return false;
}

void tend_notice_joined(struct tend_engine *engine, struct tend_incident *incident)
{
    for (size_t i = 0; i < engine->ruleset->notify_count; i++) {
        const struct tend_told *told = tend_told_find(engine, incident->id, i);
        const bool knows = told != NULL && (told->told_ms != TEND_NEVER || told->owed != NULL);
        if (!knows && fires_for(engine, i, incident) && !tend_hold_keeps(engine, incident, i, "firing", NULL)) {
            tend_notice_tell(engine, incident, i, "firing", NULL);
        }
    }
}

void tend_notice_loaded(struct tend_engine *engine)
{
    for (size_t i = 0; i < engine->incident_count; i++) {
        struct tend_incident *incident = engine->incidents[i];
        if (incident->outcome == NULL || strncmp(incident->outcome, "merged", 6) != 0) {
            tend_notice_joined(engine, incident);
        }
    }
}

void tend_notice_end_parts(struct tend_engine *engine, const struct tend_incident *incident, size_t entry,
                           const char *text)
{
    char *parts = engine->told[entry].parts;
    const size_t notify = engine->told[entry].notify;
    engine->told[entry].parts = NULL;
    char *rest = NULL;
    for (char *part = parts == NULL ? NULL : strtok_r(parts, " ", &rest); part != NULL;
         part = strtok_r(NULL, " ", &rest)) {
        tend_notice_tell_part(engine, incident, part, notify, text);
    }
    free(parts);
}

void tend_notice_end_merged(struct tend_engine *engine)
{
    for (size_t i = 0; i < engine->told_count; i++) {
        const struct tend_told *told = &engine->told[i];
        const struct tend_incident *incident =
            told->parts == NULL || told->told_ms == TEND_NEVER ? NULL : tend_incident_find(engine, told->incident);
        if (incident != NULL && told->notify < engine->ruleset->notify_count) {
            char text[60];
            tend_text_format(text, sizeof text, "it goes on as incident %s", incident->id);
            tend_notice_end_parts(engine, incident, i, text);
        }
    }
}
