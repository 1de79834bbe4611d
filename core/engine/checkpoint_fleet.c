// The fleet in a checkpoint. Services, instances and alerts are built from the ruleset and the listings in the order in
// which they were built before; that they are the same is checked by name. What a build does not know is set here: the
// numbers of targets (events name them), windows, measured values, alerts, guards.

#include "engine/checkpoint_pass.h"
#include "engine/happening.h"
#include "engine/state.h"

#include <stdlib.h>
#include <string.h>

enum { SOURCES = 2, LEAST_LEARNED_BYTES = 48 };

// Who is at this place: it is built already, and has to be the same.
static void pass_same(struct tend_pass *pass, const char *text)
{
    if (tend_pass_saves(pass)) {
        tend_buffer_put_string(pass->out, text, strlen(text));
        return;
    }
    size_t count;
    const char *saved = tend_reader_get_string(&pass->in, &count);
    if (pass->in.failed || count != strlen(text) || memcmp(saved, text, count) != 0) {
        tend_pass_refuse(pass, "a service or a target that these rules do not have there");
    }
}

TEND_PASS_COVERS(tend_subject, 56);
TEND_PASS_COVERS(tend_metric_table, 88);

// Its alpha moves from tick to tick.
static void pass_baseline(struct tend_pass *pass, struct tend_baseline *baseline, double *alpha)
{
    tend_pass_f64(pass, alpha);
    if (tend_pass_saves(pass)) {
        tend_baseline_save(baseline, pass->out);
    } else if (tend_baseline_load(baseline, &pass->in) != TEND_OK) {
        tend_pass_refuse(pass, "a baseline that is none");
    }
}

// Of the table what measuring writes; the limits are the definitions'. The slot follows from the order.
static void pass_subject(struct tend_pass *pass, const struct tend_metric_table *table,
                         const struct tend_service_def *def, struct tend_subject *subject)
{
    tend_pass_ms(pass, &subject->learned_ms);
    for (size_t m = 0; m < def->metric_count; m++) {
        const size_t slot = subject->slot + m;
        tend_pass_f64(pass, &table->p[slot]);
        tend_pass_f64(pass, &table->e[slot]);
        tend_pass_f64(pass, &table->f[slot]);
        tend_pass_f64(pass, &table->a[slot]);
        tend_pass_u8(pass, &table->missing[slot]);
        tend_pass_ms(pass, &subject->out_since_ms[m]);
        struct tend_history *history = subject->histories[m];
        if (history != NULL && tend_pass_saves(pass)) {
            tend_history_save(history, pass->out);
        } else if (history != NULL && tend_history_load(history, &pass->in) != TEND_OK) {
            tend_pass_refuse(pass, "samples that teach nothing");
        }
        struct tend_outlook *outlook = subject->outlooks[m];
        if (outlook != NULL && tend_pass_saves(pass)) {
            tend_outlook_save(outlook, pass->out);
        } else if (outlook != NULL && tend_outlook_load(outlook, &pass->in) != TEND_OK) {
            tend_pass_refuse(pass, "an outlook that is none");
        }
        if (subject->baselines[m] != NULL) {
            pass_baseline(pass, subject->baselines[m], &table->alpha[slot]);
        }
    }
    if (subject->trace != NULL && tend_pass_saves(pass)) {
        tend_trace_save(subject->trace, pass->out);
    } else if (subject->trace != NULL && tend_trace_load(subject->trace, &pass->in) != TEND_OK) {
        tend_pass_refuse(pass, "a trace that is none");
    }
}

TEND_PASS_COVERS(tend_parts, 40);
TEND_PASS_COVERS(tend_buckets, 2056);

static void pass_parts(struct tend_pass *pass, struct tend_parts *parts)
{
    tend_pass_f64(pass, &parts->numerator);
    tend_pass_f64(pass, &parts->denominator);
    tend_pass_u32(pass, &parts->samples);
    tend_pass_u32(pass, &parts->instances);
    parts->missing = (enum tend_missing)tend_pass_choice(pass, parts->missing, TEND_MISSING_ASLEEP);
    struct tend_buckets *buckets = parts->buckets;
    if (buckets == NULL) {
        return;
    }
    tend_pass_count(pass, &buckets->count, 2 * sizeof(double));
    if (buckets->count > TEND_BUCKETS_MAX) {
        buckets->count = 0;
        tend_pass_refuse(pass, "more buckets than any histogram has");
    }
    for (size_t i = 0; i < buckets->count; i++) {
        tend_pass_f64(pass, &buckets->le[i]);
        tend_pass_f64(pass, &buckets->increase[i]);
    }
}

static void pass_window(struct tend_pass *pass, struct tend_series_window *window)
{
    const struct tend_layout *layout = tend_pass_layout(pass, tend_series_window_layout(window));
    if (tend_pass_saves(pass)) {
        tend_series_window_save(window, pass->out);
        return;
    }
    const enum tend_status status =
        tend_pass_failed(pass) ? TEND_OK : tend_series_window_load(window, layout, &pass->in);
    if (status == TEND_E_NOMEM) {
        tend_pass_no_memory(pass);
    } else if (status != TEND_OK) {
        tend_pass_refuse(pass, "a window that is none");
    }
}

// The plan's columns follow from the layout that the next measuring binds it to; which series it ever saw does not.
static void pass_plan(struct tend_pass *pass, struct tend_metric_plan *plan, size_t metric_count)
{
    for (size_t i = 0; i < metric_count * SOURCES; i++) {
        bool had_series = tend_metric_plan_source(plan, i / SOURCES, i % SOURCES)->had_series;
        tend_pass_flag(pass, &had_series);
        tend_metric_plan_set_had_series(plan, i / SOURCES, i % SOURCES, had_series);
    }
}

static void pass_given(struct tend_pass *pass, struct tend_instance *instance, size_t metric_count)
{
    bool there = instance->given != NULL;
    tend_pass_flag(pass, &there);
    if (there && !tend_pass_saves(pass)) {
        instance->given = calloc(metric_count + 1, sizeof *instance->given + sizeof *instance->given_missing);
        if (instance->given == NULL) {
            tend_pass_no_memory(pass);
            return;
        }
        instance->given_missing = (uint8_t *)(instance->given + metric_count);
    }
    for (size_t m = 0; there && m < metric_count; m++) {
        tend_pass_f64(pass, &instance->given[m]);
        tend_pass_u8(pass, &instance->given_missing[m]);
    }
}

TEND_PASS_COVERS(tend_telltales, 80);

// Its columns are found anew in the next layout.
static void pass_telltales(struct tend_pass *pass, struct tend_instance *instance)
{
    bool there = instance->telltales != NULL;
    tend_pass_flag(pass, &there);
    if (!there) {
        return;
    }
    if (!tend_pass_saves(pass)) {
        instance->telltales = calloc(1, sizeof *instance->telltales);
        if (instance->telltales == NULL) {
            tend_pass_no_memory(pass);
            return;
        }
    }
    struct tend_telltales *telltales = instance->telltales;
    tend_pass_u64(pass, &telltales->build);
    tend_pass_u64(pass, &telltales->config);
    tend_pass_u64(pass, &telltales->reloads);
    tend_pass_flag(pass, &telltales->reload_failed);
    tend_pass_text(pass, &telltales->built);
    tend_pass_ms(pass, &telltales->told_first_ms);
    tend_pass_ms(pass, &telltales->restart_noted_ms);
}

TEND_PASS_COVERS(tend_instance, 408);

// Names, address and labels are the ruleset's and the listing's; the revision lies with the target table.
static void pass_instance(struct tend_pass *pass, const struct tend_metric_table *table, struct tend_instance *instance)
{
    const struct tend_service_def *def = instance->service->def;
    pass_same(pass, instance->url);
    if (!tend_pass_saves(pass)) {
        free(instance->version);
        instance->version = NULL;
    }
    tend_pass_name(pass, &instance->version);
    tend_pass_ms(pass, &instance->version_since_ms);
    tend_pass_cut_text(pass, instance->reason, sizeof instance->reason);
    tend_pass_flag(pass, &instance->dirty);
    pass_window(pass, instance->window);
    pass_plan(pass, instance->plan, def->metric_count);
    for (size_t m = 0; m < def->metric_count; m++) {
        pass_parts(pass, &instance->parts[m]);
    }
    pass_subject(pass, table, def, &instance->subject);
    pass_given(pass, instance, def->metric_count);
    pass_telltales(pass, instance);
}

TEND_PASS_COVERS(tend_flap, 56);

static void pass_flap(struct tend_pass *pass, struct tend_flap *flap)
{
    for (size_t i = 0; i < TEND_FLAP_LEAST; i++) {
        tend_pass_ms(pass, &flap->fired_ms[i]);
    }
    tend_pass_ms(pass, &flap->began_ms);
    tend_pass_ms(pass, &flap->calm_ms);
    tend_pass_u32(pass, &flap->firings);
    tend_pass_u32(pass, &flap->level);
    tend_pass_u32(pass, &flap->count);
    tend_pass_u32(pass, &flap->told);
    if (flap->firings > TEND_FLAP_LEAST || flap->level > TEND_FLAP_LEVELS) {
        tend_pass_refuse(pass, "an alert that flaps as none can");
    }
}

TEND_PASS_COVERS(tend_rule_alert, 168);
TEND_PASS_COVERS(tend_alert, 104);

static void pass_alert(struct tend_pass *pass, struct tend_rule_alert *alert)
{
    struct tend_alert *state = &alert->alert;
    state->state = (enum tend_alert_state)tend_pass_choice(pass, state->state, TEND_ALERT_FIRING);
    tend_pass_ms(pass, &state->began_ms);
    tend_pass_ms(pass, &state->since_ms);
    tend_pass_ms(pass, &state->out_since_ms);
    tend_pass_ms(pass, &state->clear_since_ms);
    tend_pass_flag(pass, &state->by_missing);
    tend_pass_flag(pass, &state->damped);
    pass_flap(pass, &state->flap);
    for (size_t m = 0; m < alert->service->def->metric_count; m++) {
        tend_pass_u8(pass, &alert->latches[m]);
    }
    alert->verdict = (enum tend_verdict)tend_pass_choice(pass, alert->verdict, TEND_VERDICT_HOLD);
    tend_pass_ms(pass, &alert->data_ms);
    tend_pass_ms(pass, &alert->fired_wall_ms);
    tend_pass_text(pass, &alert->incident);
}

TEND_PASS_COVERS(tend_guard, 1072);

static void pass_guard(struct tend_pass *pass, struct tend_guard *guard)
{
    tend_pass_ms(pass, &guard->cooldown_until_ms);
    tend_pass_ms(pass, &guard->backoff_until_ms);
    tend_pass_ms(pass, &guard->counted_from_ms);
    tend_pass_ms(pass, &guard->cured_ms);
    tend_pass_size(pass, &guard->failed_runs);
    size_t count = TEND_RUNS_KEPT;
    while (tend_pass_saves(pass) && count > 0 && guard->runs_ms[count - 1] == TEND_NEVER) {
        count--; // a new guard has TEND_NEVER in all of them
    }
    tend_pass_count(pass, &count, sizeof(int64_t));
    if (count > TEND_RUNS_KEPT) {
        tend_pass_refuse(pass, "more runs than are kept");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        tend_pass_ms(pass, &guard->runs_ms[i]);
    }
    tend_pass_flag(pass, &guard->breaker_open);
}

TEND_PASS_COVERS(tend_service, 1256);

// `pooled` is made anew from the instances' parts by each measuring before it is read.
static void pass_service(struct tend_pass *pass, const struct tend_metric_table *table, struct tend_service *service)
{
    pass_same(pass, service->name);
    tend_pass_flag(pass, &service->dirty);
    tend_pass_ms(pass, &service->data_ms);
    tend_pass_ms(pass, &service->trouble_ms);
    tend_pass_flag(pass, &service->asleep);
    tend_pass_ms(pass, &service->asleep_wall_ms);
    tend_pass_ms(pass, &service->woke_ms);
    pass_guard(pass, &service->guard);
    tend_pass_log(pass, &service->logs);
    tend_pass_json(pass, &service->happenings);
    if (service->happenings != NULL && !json_is_array(service->happenings)) {
        tend_pass_refuse(pass, "happenings that are no list");
    }
    pass_subject(pass, table, service->def, &service->subject);
    size_t count = service->instance_count;
    tend_pass_count(pass, &count, sizeof(uint64_t));
    if (count != service->instance_count) {
        tend_pass_refuse(pass, "targets other than the rules'");
    }
    for (size_t i = 0; !tend_pass_failed(pass) && i < count; i++) {
        pass_instance(pass, table, service->instances[i]);
    }
    for (size_t i = 0; !tend_pass_failed(pass) && i < service->alert_count; i++) {
        pass_alert(pass, &service->alerts[i]);
    }
}

// An instance's place in its service: slots lie service by service, its own first and then those of its instances.
static size_t place_in_service(const struct tend_instance *instance)
{
    const struct tend_service *service = instance->service;
    return (instance->subject.slot - service->subject.slot) / service->def->metric_count - 1;
}

// @return the instance at this number; NULL: the number is free
static struct tend_instance *pass_target(struct tend_pass *pass, const struct tend_fleet *fleet,
                                         struct tend_instance *instance)
{
    bool taken = instance != NULL;
    tend_pass_flag(pass, &taken);
    if (!taken) {
        return NULL;
    }
    size_t service = instance == NULL ? 0 : instance->service->index;
    size_t place = instance == NULL ? 0 : place_in_service(instance);
    uint64_t revision = instance == NULL ? 0 : instance->revision;
    tend_pass_index(pass, &service, fleet->service_count);
    tend_pass_index(pass, &place, tend_pass_failed(pass) ? 0 : fleet->services[service]->instance_count);
    tend_pass_u64(pass, &revision);
    if (tend_pass_failed(pass) || tend_pass_saves(pass)) {
        return instance;
    }
    instance = fleet->services[service]->instances[place];
    if (instance->revision != 0 || revision == 0) { // all are 0 until they have a number
        tend_pass_refuse(pass, "a target with two numbers");
    }
    instance->revision = revision;
    return instance;
}

TEND_PASS_COVERS(tend_fleet, 192);

static void pass_target_table(struct tend_pass *pass, struct tend_fleet *fleet)
{
    pass->part = "the target table";
    for (size_t i = 0; !tend_pass_saves(pass) && i < fleet->instance_count; i++) {
        fleet->instances[i]->revision = 0; // in a new fleet no number is free
    }
    tend_pass_u64(pass, &fleet->revisions);
    struct tend_instance **built = fleet->instances;
    fleet->instances = (struct tend_instance **)tend_pass_array(pass, (void *)built, &fleet->instance_count,
                                                                sizeof(struct tend_instance *), 1);
    if (!tend_pass_saves(pass)) {
        free((void *)built);
    }
    for (size_t i = 0; i < fleet->instance_count; i++) {
        fleet->instances[i] = pass_target(pass, fleet, fleet->instances[i]);
    }
}

void tend_pass_fleet(struct tend_pass *pass, struct tend_engine *engine)
{
    pass->part = "services";
    if (!tend_pass_saves(pass) && !tend_pass_failed(pass) &&
        tend_fleet_create(engine->ruleset, engine->listings, NULL, NULL, &engine->fleet) != TEND_OK) {
        tend_pass_no_memory(pass);
    }
    if (tend_pass_failed(pass)) {
        return;
    }
    struct tend_fleet *fleet = engine->fleet;
    size_t count = fleet->service_count;
    tend_pass_count(pass, &count, sizeof(uint64_t));
    if (count != fleet->service_count) {
        tend_pass_refuse(pass, "services other than the rules'");
    }
    for (size_t i = 0; !tend_pass_failed(pass) && i < count; i++) {
        pass_service(pass, &fleet->table, fleet->services[i]);
    }
    if (!tend_pass_failed(pass)) {
        pass_target_table(pass, fleet);
    }
}

TEND_PASS_COVERS(tend_learned_edge, 56);

void tend_pass_edges(struct tend_pass *pass, struct tend_engine *engine)
{
    pass->part = "learned edges";
    engine->edges =
        tend_pass_array(pass, engine->edges, &engine->edge_count, sizeof *engine->edges, LEAST_LEARNED_BYTES);
    for (size_t i = 0; i < engine->edge_count; i++) {
        struct tend_learned_edge *edge = &engine->edges[i];
        tend_pass_name(pass, &edge->from);
        tend_pass_name(pass, &edge->to);
        tend_pass_ms(pass, &edge->first_ms);
        tend_pass_ms(pass, &edge->seen_ms);
        tend_pass_f64(pass, &edge->calls);
        tend_pass_ms(pass, &edge->counted_ms);
        tend_pass_f64(pass, &edge->per_s);
    }
    tend_pass_flag(pass, &engine->edges_changed);
    if (!tend_pass_saves(pass) && !tend_pass_failed(pass)) {
        tend_edges_connect(engine);
    }
}

void tend_pass_calls(struct tend_pass *pass, struct tend_engine *engine)
{
    if (tend_pass_failed(pass)) {
        return;
    }
    pass->part = "the tick in flight";
    engine->calls = (struct tend_rule_alert **)tend_pass_array(pass, (void *)engine->calls, &engine->call_count,
                                                               sizeof(struct tend_rule_alert *), sizeof(uint64_t));
    engine->call_capacity = tend_pass_saves(pass) ? engine->call_capacity : engine->call_count;
    for (size_t i = 0; i < engine->call_count; i++) {
        struct tend_rule_alert *alert = engine->calls[i];
        size_t service = alert == NULL ? 0 : alert->service->index;
        tend_pass_index(pass, &service, engine->fleet->service_count);
        if (tend_pass_failed(pass)) {
            engine->call_count = 0;
            return;
        }
        struct tend_service *of = engine->fleet->services[service];
        size_t index = alert == NULL ? 0 : (size_t)(alert - of->alerts);
        tend_pass_index(pass, &index, of->alert_count);
        if (tend_pass_failed(pass)) {
            engine->call_count = 0;
            return;
        }
        engine->calls[i] = &of->alerts[index];
    }
}
