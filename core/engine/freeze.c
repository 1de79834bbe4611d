// Worked out once a service and tick, for what fires is seldom more than one or two of its many alerts.

#include "engine/freeze.h"

#include "engine/state.h"

#include <string.h>

static bool is_trouble(const struct tend_rule_alert *alert)
{
    if (alert->alert.by_missing) {
        return false; // a warning, whatever its rule says
    }
    return alert->binding->act || strcmp(alert->binding->severity, "page") == 0;
}

static bool is_listed(const struct tend_freeze *freeze, const char *metric)
{
    for (size_t i = 0; i < freeze->count; i++) {
        if (strcmp(freeze->metrics[i], metric) == 0) {
            return true;
        }
    }
    return false;
}

struct tend_freeze tend_freeze_of(const struct tend_engine *engine, const struct tend_service *service)
{
    struct tend_freeze freeze = { .all = tend_run_of_service(engine, service->name) != NULL };
    for (size_t i = 0; i < service->alert_count && !freeze.all; i++) {
        const struct tend_rule_alert *alert = &service->alerts[i];
        if (alert->alert.state != TEND_ALERT_FIRING) {
            continue;
        }
        const char *metric = engine->ruleset->rules[alert->binding->rule].metric;
        if (metric == NULL || is_trouble(alert)) {
            freeze.all = true;
        } else if (freeze.count == TEND_FREEZE_METRICS) {
            freeze.all = !is_listed(&freeze, metric);
        } else if (!is_listed(&freeze, metric)) {
            freeze.metrics[freeze.count++] = metric;
        }
    }
    return freeze;
}

bool tend_freeze_holds(const struct tend_freeze *freeze, const struct tend_metric_def *metric)
{
    return freeze->all || is_listed(freeze, metric->name);
}
