// What is expected: E of each metric of a service, and what its own past teaches.

#include "engine/freeze.h"
#include "engine/state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// E of a subject's own history.
static void expect_from_history(struct tend_engine *engine, const struct tend_service *service,
                                const struct tend_subject *subject)
{
    struct tend_metric_table *table = &engine->fleet->table;
    for (size_t m = 0; m < service->def->metric_count; m++) {
        if (service->def->metrics[m].expect == TEND_EXPECT_LAST) {
            table->e[subject->slot + m] = tend_history_mean(subject->histories[m]);
        }
    }
}

void tend_expect_learn(const struct tend_engine *engine, const struct tend_service *service,
                       struct tend_subject *subject, int64_t data_ms, const struct tend_freeze *freeze)
{
    if (data_ms <= subject->learned_ms) {
        return;
    }
    subject->learned_ms = data_ms;
    tend_learn_subject(engine, service, subject, data_ms, freeze);
    const struct tend_metric_table *table = &engine->fleet->table;
    for (size_t m = 0; m < service->def->metric_count; m++) {
        if (service->def->metrics[m].expect == TEND_EXPECT_LAST) {
            const size_t slot = subject->slot + m;
            tend_history_push(subject->histories[m], table->p[slot],
                              tend_freeze_holds(freeze, &service->def->metrics[m]) || table->a[slot] >= 1.0);
        }
    }
}

static bool in_group(const struct tend_service_def *def, const char *group)
{
    for (size_t i = 0; i < def->group_count; i++) {
        if (strcmp(def->groups[i], group) == 0) {
            return true;
        }
    }
    return false;
}

// Slots of a metric over the services of a group, or over the instances of a service.
static size_t peer_slots(const struct tend_engine *engine, const struct tend_service *service, size_t metric,
                         size_t *slots, size_t *own)
{
    const struct tend_metric_def *def = &service->def->metrics[metric];
    size_t count = 0;
    if (def->peers_among == NULL) {
        for (size_t i = 0; i < service->instance_count; i++) {
            slots[count++] = service->instances[i]->subject.slot + metric;
        }
        return count;
    }
    for (size_t i = 0; i < engine->fleet->service_count; i++) {
        const struct tend_service *peer = engine->fleet->services[i];
        const int same = in_group(peer->def, def->peers_among) ? tend_service_metric(peer->def, def->name) : -1;
        if (same >= 0) {
            if (peer == service) {
                *own = count;
            }
            slots[count++] = peer->subject.slot + (size_t)same;
        }
    }
    return count;
}

static void expect_from_group(struct tend_engine *engine, struct tend_service *service, size_t metric, size_t *slots,
                              double *scratch)
{
    struct tend_metric_table *table = &engine->fleet->table;
    size_t own = SIZE_MAX;
    size_t count = peer_slots(engine, service, metric, slots, &own);
    const size_t slot = service->subject.slot + metric;
    if (service->def->metrics[metric].peers_with_self) {
        table->e[slot] = tend_mean_of_all(table, slots, count);
    } else {
        if (own != SIZE_MAX) {
            memmove(slots + own, slots + own + 1, (count - own - 1) * sizeof *slots);
            count--;
        }
        tend_expect_mean_of(table, slot, slots, count, scratch);
    }
    for (size_t i = 0; i < service->instance_count; i++) {
        table->e[service->instances[i]->subject.slot + metric] = table->e[slot];
    }
}

// The service's own E is then the mean of its instances' E, for E = (1/N) Σ eᵢ.
static void expect_from_instances(struct tend_engine *engine, struct tend_service *service, size_t metric,
                                  size_t *slots, double *scratch)
{
    struct tend_metric_table *table = &engine->fleet->table;
    const size_t count = peer_slots(engine, service, metric, slots, NULL);
    if (service->def->metrics[metric].peers_with_self) {
        tend_expect_all(table, slots, count);
    } else {
        tend_expect_peers(table, slots, count, scratch);
    }
    double sum = 0.0;
    size_t known = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isnan(table->e[slots[i]])) {
            sum += table->e[slots[i]];
            known++;
        }
    }
    table->e[service->subject.slot + metric] = known == 0 ? (double)NAN : sum / (double)known;
}

// E of peers: the services of a group, or the instances of a service.
static void expect_from_peers(struct tend_engine *engine, struct tend_service *service)
{
    for (size_t m = 0; m < service->def->metric_count; m++) {
        const struct tend_metric_def *def = &service->def->metrics[m];
        if (def->expect != TEND_EXPECT_PEERS) {
            continue;
        }
        const size_t most = engine->fleet->service_count + service->instance_count + 1;
        size_t *slots = calloc(most, sizeof *slots);
        double *scratch = calloc(most, sizeof *scratch);
        if (slots == NULL || scratch == NULL) {
            // without an expectation the metric is unknown for this tick
        } else if (def->peers_among != NULL) {
            expect_from_group(engine, service, m, slots, scratch);
        } else {
            expect_from_instances(engine, service, m, slots, scratch);
        }
        free(scratch);
        free(slots);
    }
}

void tend_expect_service(struct tend_engine *engine, struct tend_service *service)
{
    tend_learn_expect(engine, service);
    expect_from_peers(engine, service);
    expect_from_history(engine, service, &service->subject);
    for (size_t i = 0; i < service->instance_count; i++) {
        expect_from_history(engine, service, &service->instances[i]->subject);
    }
}
