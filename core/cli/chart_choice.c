#include "cli/chart_choice.h"

#include "cli/svg_chart.h"

#include <stdlib.h>
#include <string.h>

static bool names(const json_t *services, const char *service)
{
    for (size_t i = 0; i < json_array_size(services); i++) {
        const char *name = json_string_value(json_array_get(services, i));
        if (name != NULL && strcmp(name, service) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_alone(const json_t *document, const char *service)
{
    const json_t *services = json_object_get(document, "services");
    for (size_t i = 0; i < json_array_size(services); i++) {
        const json_t *entry = json_array_get(services, i);
        if (strcmp(tend_json_text(entry, "name", ""), service) == 0) {
            return tend_json_integer(entry, "instances", 0) == 1;
        }
    }
    return false;
}

enum alerted { ALERTED_NOT, ALERTED_SERVICE, ALERTED_OWNER };

// @param alone  the service has one instance: what that has, the service has
static enum alerted alerted(const json_t *document, const char *service, const char *instance, bool alone,
                            int64_t from_ms, int64_t until_ms)
{
    enum alerted most = ALERTED_NOT;
    const json_t *alerts = json_object_get(document, "alerts");
    for (size_t i = 0; i < json_array_size(alerts) && most != ALERTED_OWNER; i++) {
        const json_t *alert = json_array_get(alerts, i);
        if (strcmp(tend_json_text(alert, "service", ""), service) != 0 ||
            tend_json_integer(alert, "fired_ms", 0) > until_ms ||
            tend_json_integer(alert, "resolved_ms", INT64_MAX) < from_ms) {
            continue;
        }
        most = alone || strcmp(tend_json_text(alert, "instance", ""), instance) == 0 ? ALERTED_OWNER : ALERTED_SERVICE;
    }
    return most;
}

// Whether an incident's ranking has this service first.
static bool is_culprit(const json_t *document, const char *service)
{
    const json_t *incidents = json_object_get(document, "incidents");
    for (size_t i = 0; i < json_array_size(incidents); i++) {
        const json_t *culprits = json_object_get(json_array_get(incidents, i), "culprits");
        if (strcmp(tend_json_text(json_array_get(culprits, 0), "service", ""), service) == 0) {
            return true;
        }
    }
    return false;
}

static int rank_of(enum alerted had, bool out_of_line, bool gone, bool culprit)
{
    if (out_of_line && had != ALERTED_NOT) {
        return culprit ? 0 : had == ALERTED_OWNER ? 1 : 2;
    }
    if (gone) {
        return culprit ? 2 : 3;
    }
    return out_of_line ? 4 : had != ALERTED_NOT ? 5 : 6;
}

static int compare(const void *one, const void *other)
{
    const struct tend_chosen_metric *a = one;
    const struct tend_chosen_metric *b = other;
    if (a->rank != b->rank) {
        return a->rank < b->rank ? -1 : 1;
    }
    if (a->beyond != b->beyond) {
        return a->beyond > b->beyond ? -1 : 1;
    }
    return a->place < b->place ? -1 : a->place > b->place;
}

struct tend_chosen_metric *tend_chart_choice(const json_t *document, int64_t from_ms, int64_t until_ms,
                                             const json_t *services, size_t *count)
{
    const json_t *metrics = json_object_get(document, "metrics");
    struct tend_chosen_metric *chosen = calloc(json_array_size(metrics) + 1, sizeof *chosen);
    *count = 0;
    for (size_t i = 0; i < json_array_size(metrics) && chosen != NULL; i++) {
        const json_t *metric = json_array_get(metrics, i);
        const char *service = tend_json_text(metric, "service", "");
        const char *instance = tend_json_text(metric, "instance", "");
        const bool alone = is_alone(document, service);
        if ((services != NULL && !names(services, service)) || (instance[0] != '\0' && alone)) {
            continue;
        }
        const struct tend_chart_facts facts = tend_chart_facts_of(metric, from_ms, until_ms);
        if (facts.with_data == 0) {
            continue;
        }
        const enum alerted had = alerted(document, service, instance, alone, from_ms, until_ms);
        const bool out_of_line = facts.out_of_line > 0;
        const bool gone = facts.without_data > 0 && had == ALERTED_OWNER;
        chosen[(*count)++] = (struct tend_chosen_metric){
            .metric = metric,
            .telling = out_of_line || gone,
            .rank = rank_of(had, out_of_line, gone, is_culprit(document, service)),
            .beyond = facts.worst_beyond,
            .place = i,
        };
    }
    if (chosen != NULL) {
        qsort(chosen, *count, sizeof *chosen, compare);
    }
    return chosen;
}
