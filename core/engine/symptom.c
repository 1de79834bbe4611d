// The symptom is looked for anew with each slice of a study: members join, and what is out of line changes.

#include "engine/symptom.h"

#include "engine/state.h"

#include <stdlib.h>
#include <string.h>

static const struct tend_trace *trace_of(const struct tend_service *service, size_t subject)
{
    if (subject > 0) {
        return service->instances[subject - 1]->subject.trace;
    }
    const bool is_instances = service->subject.trace == NULL && service->instance_count == 1;
    return is_instances ? service->instances[0]->subject.trace : service->subject.trace;
}

// The earlier one wins; of equal ones a service's own before that of its instances, and then the first in order.
static void look_at(const struct tend_service *service, size_t subject, struct tend_symptom *symptom,
                    const struct tend_trace **trace, size_t *column)
{
    const int64_t *since_ms =
        subject == 0 ? service->subject.out_since_ms : service->instances[subject - 1]->subject.out_since_ms;
    for (size_t m = 0; m < service->def->metric_count && trace_of(service, subject) != NULL; m++) {
        const char *kind;
        if (since_ms[m] == TEND_NEVER || (symptom->service != NULL && since_ms[m] >= symptom->since_ms) ||
            strcmp(tend_evidence_class(&service->def->metrics[m], &kind), "symptom") != 0) {
            continue;
        }
        symptom->service = service;
        symptom->metric = &service->def->metrics[m];
        symptom->since_ms = since_ms[m];
        *trace = trace_of(service, subject);
        *column = m;
    }
}

void tend_symptom_find(const struct tend_engine *engine, const struct tend_incident *incident,
                       struct tend_symptom *symptom)
{
    symptom->service = NULL;
    symptom->metric = NULL;
    symptom->rows = 0;
    symptom->grid.every_ms = 0;
    const struct tend_trace *trace = NULL;
    size_t column = 0;
    size_t *members = calloc(engine->fleet->service_count + 1, sizeof *members);
    TEND_ASSERT(members != NULL);
    const size_t count = tend_incident_services(engine, incident, members);
    for (size_t i = 0; i < count; i++) {
        const struct tend_service *service = engine->fleet->services[members[i]];
        for (size_t subject = 0; subject <= service->instance_count; subject++) {
            look_at(service, subject, symptom, &trace, &column);
        }
    }
    free(members);
    if (trace != NULL) {
        symptom->rows = tend_trace_count(trace);
        tend_trace_times(trace, symptom->at_ms);
        tend_trace_column(trace, column, symptom->values);
    }
}

struct tend_correlation tend_symptom_correlate(struct tend_symptom *symptom, const struct tend_service *service,
                                               const struct tend_metric_def *metric,
                                               const struct tend_correlation_trace *trace)
{
    const struct tend_correlation none = { .found = false };
    if (symptom->service == NULL || symptom->rows == 0 || (service == symptom->service && metric == symptom->metric)) {
        return none;
    }
    const int64_t own_ms = symptom->service->def->every_ms;
    const int64_t every_ms = service->def->every_ms > own_ms ? service->def->every_ms : own_ms;
    if (symptom->grid.every_ms != every_ms) {
        symptom->grid = tend_correlation_grid_of(symptom->since_ms, symptom->at_ms[symptom->rows - 1], every_ms);
        const struct tend_correlation_trace own = { .at_ms = symptom->at_ms,
                                                    .values = symptom->values,
                                                    .rows = symptom->rows };
        tend_correlation_rank(&own, &symptom->grid, &symptom->ranks);
    }
    if (symptom->grid.rows == 0) {
        return none;
    }
    struct tend_correlation_ranks ranks;
    tend_correlation_rank(trace, &symptom->grid, &ranks);
    return tend_correlation_of(&ranks, &symptom->ranks, &symptom->grid);
}
