// Sleep: outside its `awake` no data of a service is normal, so nothing of it is judged, learned or acted on.
//
// Each tick begins here, before anything is measured. A service that is asleep has no data, by the cause "asleep",
// whatever its targets say: they are scraped on, but nobody looks. Its alerts end, for a page at night about a batch
// that is off helps nobody, and what holds without a break begins anew: latches, onsets, pending times.
//
// When it wakes, its windows are cut at that moment. It is judged from its first scrape on that began after it: results
// that come later, but are of scrapes begun before, count for nothing.

#include "engine/happening.h"
#include "engine/state.h"

#include "engine/forecast.h"

#include "base/log.h"

#include <math.h>
#include <string.h>

bool tend_sleep_is_asleep(const struct tend_engine *engine, const struct tend_service *service)
{
    return service->def->awake != NULL && !tend_calendar_contains(service->def->awake, engine->wall_ms);
}

static void forget_subject(struct tend_engine *engine, const struct tend_service_def *def, struct tend_subject *subject,
                           struct tend_parts *parts)
{
    struct tend_metric_table *table = &engine->fleet->table;
    for (size_t m = 0; m < def->metric_count; m++) {
        table->p[subject->slot + m] = (double)NAN;
        table->missing[subject->slot + m] = TEND_MISSING_ASLEEP;
        subject->out_since_ms[m] = TEND_NEVER;
        tend_parts_reset(&parts[m]); // so that pooling does not add what an instance said before
        parts[m].missing = TEND_MISSING_ASLEEP;
    }
    tend_deviation_pass(table, subject->slot, def->metric_count);
}

static void forget(struct tend_engine *engine, struct tend_service *service)
{
    forget_subject(engine, service->def, &service->subject, service->pooled);
    for (size_t i = 0; i < service->instance_count; i++) {
        struct tend_instance *instance = service->instances[i];
        forget_subject(engine, service->def, &instance->subject, instance->parts);
        if (instance->dirty) {
            tend_tick_note_version(engine, instance); // a deploy at night is not one of the morning
            tend_happening_look(engine, instance);
        }
        instance->dirty = false;
    }
    service->dirty = false;
}

static void end_alerts(struct tend_engine *engine, struct tend_service *service)
{
    for (size_t i = 0; i < service->alert_count; i++) {
        struct tend_rule_alert *alert = &service->alerts[i];
        memset(alert->latches, 0, service->def->metric_count);
        alert->verdict = TEND_VERDICT_UNKNOWN;
        tend_incident_alert_changed(engine, alert, tend_alert_end(&alert->alert));
    }
}

// When it woke, in engine time: the moment at which its hours began, if that was since the tick that saw it asleep.
static int64_t woke_ms(const struct tend_engine *engine, const struct tend_service *service)
{
    if (service->def->awake == NULL || engine->wall_ms < service->asleep_wall_ms) {
        return engine->now_ms; // a new generation of rules, or the wall clock fell: what was before is not known
    }
    const int64_t since_ms = tend_calendar_since_ms(service->def->awake, engine->wall_ms, service->asleep_wall_ms);
    return engine->now_ms - (engine->wall_ms - since_ms) - 1; // what begins at that very moment counts
}

static void wake(struct tend_engine *engine, struct tend_service *service)
{
    service->asleep = false;
    service->woke_ms = woke_ms(engine, service);
    tend_log(TEND_LOG_INFO, "service awake service=%s", service->name);
    tend_forecast_cut(service, service->woke_ms);
    for (size_t i = 0; i < service->instance_count; i++) {
        tend_series_window_cut(service->instances[i]->window, service->woke_ms);
    }
}

// Results of scrapes begun before it woke are seen and done with.
static void pass_over_late(struct tend_service *service)
{
    bool dirty = false;
    for (size_t i = 0; i < service->instance_count; i++) {
        struct tend_instance *instance = service->instances[i];
        instance->dirty = instance->dirty && !tend_instance_slept(instance);
        dirty = dirty || instance->dirty;
    }
    service->dirty = dirty;
}

void tend_sleep_look(struct tend_engine *engine)
{
    for (size_t i = 0; i < engine->fleet->service_count; i++) {
        struct tend_service *service = engine->fleet->services[i];
        if (tend_sleep_is_asleep(engine, service)) {
            if (!service->asleep) {
                tend_log(TEND_LOG_INFO, "service asleep service=%s", service->name);
            }
            service->asleep = true;
            service->asleep_wall_ms = engine->wall_ms;
            forget(engine, service);
            end_alerts(engine, service);
        } else if (service->asleep) {
            wake(engine, service);
        }
        if (service->woke_ms != TEND_NEVER && service->dirty) {
            pass_over_late(service);
        }
    }
}
