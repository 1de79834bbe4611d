// The second look: between a decision and its act lie writes to the disk, the playbook's process and its waits, and
// tend itself may have been stopped or suspended. What was true when the run began is asked for again before each act.

#include "engine/state.h"

#include "base/text.h"

#include <string.h>

bool tend_second_look_is_old(const struct tend_engine *engine, const struct tend_service *service, int64_t data_ms)
{
    const struct tend_service_def *def = service->def;
    return data_ms == TEND_NEVER || engine->now_ms - data_ms > 2 * def->every_ms + SLOT_MS + def->timeout_ms;
}

bool tend_second_look_is_unseen(const struct tend_engine *engine, const struct tend_service *service,
                                const struct tend_instance *instance)
{
    for (size_t i = 0; i < service->instance_count; i++) {
        const struct tend_instance *one = service->instances[i];
        if ((instance == NULL || instance == one) &&
            !tend_second_look_is_old(engine, service, tend_series_window_history(one->window)->newest_ms)) {
            return false;
        }
    }
    return true;
}

// The first act stands on the alerts that the run was begun for. After it they are new: its windows were cut.
static bool is_first_act(const struct tend_run *run, const struct tend_step *step)
{
    for (size_t i = 0; &run->steps[i] != step; i++) {
        if (tend_step_is_act(&run->steps[i])) {
            return false;
        }
    }
    return step->attempt == 1; // else it may have happened, and was looked at
}

const char *tend_second_look(const struct tend_engine *engine, const struct tend_run *run, const struct tend_step *step,
                             char *text, size_t bytes)
{
    if (json_object_get(engine->arms, run->playbook_hash) == NULL) {
        tend_text_format(text, bytes, "the playbook is no longer armed");
        return "disarmed";
    }
    if (tend_json_bool(step->effect, "undo", false)) {
        return NULL; // what was done is undone, whatever is known by now
    }
    const struct tend_service *service = tend_fleet_find(engine->fleet, run->service);
    const char *name = tend_step_instance(step);
    const struct tend_instance *instance =
        service == NULL || name == NULL ? NULL : tend_service_find_instance(service, name);
    if (service != NULL && (name == NULL || instance != NULL) &&
        tend_second_look_is_unseen(engine, service, instance)) {
        tend_text_format(text, bytes, "%s was not looked at for longer than two of its intervals",
                         name == NULL ? run->service : name);
        return "unseen";
    }
    const struct tend_incident *incident = tend_incident_find(engine, run->incident);
    char why[200];
    if (incident != NULL && is_first_act(run, step) && !tend_recovery_may_act(engine, incident, why, sizeof why)) {
        tend_text_format(text, bytes, "what it was begun for is over: %s", why);
        return "over";
    }
    return NULL;
}

bool tend_second_look_is_due(const struct tend_engine *engine, const struct tend_run *run)
{
    const struct tend_service *service = tend_fleet_find(engine->fleet, run->service);
    const struct tend_incident *incident = tend_incident_find(engine, run->incident);
    if (service == NULL || tend_recovery_in_grace(engine, service)) {
        return false;
    }
    for (size_t i = 0; i < service->instance_count; i++) {
        if (service->instances[i]->dirty) {
            return false;
        }
    }
    for (size_t i = 0; incident != NULL && i < incident->member_count; i++) {
        const struct tend_rule_alert *alert = tend_member_alert(engine, &incident->members[i]);
        if (alert != NULL && alert->alert.state == TEND_ALERT_FIRING && alert->data_ms == TEND_NEVER) {
            return false;
        }
    }
    return true;
}
