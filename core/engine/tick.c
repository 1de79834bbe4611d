// A tick: measure what is new, set it against what is expected, latch, judge.
//
// Rules on a metric are decided here at once. Rules with a function go to the evaluator in one request; until its
// verdicts are back no other tick begins, so the metric table still holds what they looked at, and the request can be
// built again without a rule that killed the evaluator.

#include "engine/state.h"

#include "engine/forecast.h"
#include "engine/freeze.h"
#include "engine/happening.h"

#include "base/log.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *tend_rule_name(const struct tend_engine *engine, const struct tend_rule_alert *alert)
{
    return engine->ruleset->rules[alert->binding->rule].name;
}

const char *tend_alert_instance(const struct tend_rule_alert *alert)
{
    return alert->instance == NULL ? "" : alert->instance->name;
}

// Sets P and the cause of one metric of a subject from its parts.
static void set_measured(struct tend_metric_table *table, size_t slot, const struct tend_metric_def *def,
                         const struct tend_parts *parts)
{
    enum tend_missing missing = TEND_HAS_DATA;
    const double p = tend_measure_value(def, parts, &missing);
    if (missing == TEND_HAS_DATA && parts->samples < def->min_samples && def->kind != TEND_METRIC_UP &&
        def->kind != TEND_METRIC_SCRAPE_DURATION) {
        missing = TEND_MISSING_TOO_FEW_SAMPLES;
    }
    table->p[slot] = missing == TEND_HAS_DATA ? p : (double)NAN;
    table->missing[slot] = (uint8_t)missing;
}

void tend_tick_note_version(struct tend_engine *engine, struct tend_instance *instance)
{
    const struct tend_service_def *def = instance->service->def;
    const struct tend_layout *layout = tend_series_window_layout(instance->window);
    if (def->version_series == NULL || layout == NULL || tend_instance_failed(instance)) {
        return;
    }
    for (size_t c = 0; c < tend_layout_count(layout); c++) {
        const struct tend_label_set *set = tend_layout_column(layout, c)->labels;
        size_t name_bytes;
        const char *name = tend_label_set_name(set, &name_bytes);
        size_t label_count;
        const struct tend_label *labels = tend_label_set_labels(set, &label_count);
        size_t bytes = 0;
        const char *version = tend_label_set_get(set, def->version_label, &bytes);
        if (version == NULL || isnan(tend_series_window_newest(instance->window, c)) ||
            !tend_selector_matches(def->version_series, name, name_bytes, labels, label_count)) {
            continue;
        }
        if (strlen(instance->version) != bytes || memcmp(version, instance->version, bytes) != 0) {
            if (instance->version[0] != '\0') {
                instance->version_since_ms = engine->now_ms; // the first one seen is no deploy
                tend_expect_restart(engine, instance->service, instance, TEND_BASELINE_FROM_OLD_LEVEL);
            }
            free(instance->version);
            instance->version = strndup(version, bytes);
            TEND_ASSERT(instance->version != NULL);
        }
        return;
    }
}

// Whether a window has been looked through for less than its whole length: since the first scrape, or a cut.
static bool is_young(const struct tend_instance *instance)
{
    const struct tend_scrape_history *history = tend_series_window_history(instance->window);
    if (history->newest_ms == TEND_NEVER) {
        return true;
    }
    const int64_t from_ms = history->cut_ms > history->first_ms ? history->cut_ms : history->first_ms;
    return history->newest_ms - from_ms < instance->service->def->window_ms - instance->service->def->every_ms;
}

// Too few samples are no news while there cannot be enough of them yet.
static void settle_too_few(struct tend_metric_table *table, const struct tend_subject *subject, size_t metric_count,
                           bool young)
{
    for (size_t m = 0; young && m < metric_count; m++) {
        if (table->missing[subject->slot + m] == TEND_MISSING_TOO_FEW_SAMPLES) {
            table->missing[subject->slot + m] = TEND_MISSING_WARMING_UP;
        }
    }
}

static bool is_given(const struct tend_instance *instance, size_t metric)
{
    return instance->given != NULL && instance->given_missing[metric] != TEND_MEASURED_AS_SCRAPED;
}

// What was given by hand takes the place of what was measured. A service's P is then the plain mean over its instances.
static void set_given(struct tend_metric_table *table, const struct tend_instance *instance)
{
    for (size_t m = 0; m < instance->service->def->metric_count; m++) {
        if (is_given(instance, m)) {
            table->p[instance->subject.slot + m] = instance->given[m];
            table->missing[instance->subject.slot + m] = instance->given_missing[m];
        }
    }
}

static void pool_given(struct tend_metric_table *table, const struct tend_service *service, size_t metric)
{
    double sum = 0.0;
    size_t count = 0;
    bool given = false;
    uint8_t missing = TEND_HAS_DATA;
    for (size_t i = 0; i < service->instance_count; i++) {
        const size_t slot = service->instances[i]->subject.slot + metric;
        given = given || is_given(service->instances[i], metric);
        if (table->missing[slot] == TEND_HAS_DATA) {
            sum += table->p[slot];
            count++;
        } else if (missing == TEND_HAS_DATA) {
            missing = table->missing[slot];
        }
    }
    if (given) {
        table->p[service->subject.slot + metric] = count == 0 ? (double)NAN : sum / (double)count;
        table->missing[service->subject.slot + metric] = count == 0 ? missing : (uint8_t)TEND_HAS_DATA;
    }
}

static void measure_service(struct tend_engine *engine, struct tend_service *service)
{
    struct tend_metric_table *table = &engine->fleet->table;
    const struct tend_service_def *def = service->def;
    const double wall_s = (double)engine->wall_ms / 1000.0;
    for (size_t i = 0; i < service->instance_count; i++) {
        struct tend_instance *instance = service->instances[i];
        const struct tend_scrape_history *history = tend_series_window_history(instance->window);
        if (!instance->dirty || history->newest_ms == TEND_NEVER) {
            continue;
        }
        if (tend_metric_plan_bind(instance->plan, tend_series_window_layout(instance->window)) != TEND_OK) {
            continue; // out of memory: it stays dirty, and the next tick tries again
        }
        tend_measure_instance(instance->plan, instance->window, history->newest_ms, wall_s, def->window_ms,
                              instance->parts);
        for (size_t m = 0; m < def->metric_count; m++) {
            set_measured(table, instance->subject.slot + m, &def->metrics[m], &instance->parts[m]);
        }
        settle_too_few(table, &instance->subject, def->metric_count, is_young(instance));
        set_given(table, instance);
        tend_tick_note_version(engine, instance);
        tend_edges_learn(engine, instance);
        tend_happening_look(engine, instance);
        if (history->newest_ms > service->data_ms) {
            service->data_ms = history->newest_ms;
        }
    }
    for (size_t m = 0; m < def->metric_count; m++) {
        struct tend_parts *total = &service->pooled[m];
        tend_parts_reset(total);
        for (size_t i = 0; i < service->instance_count; i++) {
            tend_parts_add(&def->metrics[m], total, &service->instances[i]->parts[m]);
        }
        set_measured(table, service->subject.slot + m, &def->metrics[m], total);
        pool_given(table, service, m);
    }
    bool young = true;
    for (size_t i = 0; i < service->instance_count; i++) {
        young = young && is_young(service->instances[i]);
    }
    settle_too_few(table, &service->subject, def->metric_count, young);
}

static void note_onsets(const struct tend_engine *engine, const struct tend_service_def *def,
                        struct tend_subject *subject, int64_t data_ms)
{
    for (size_t m = 0; m < def->metric_count; m++) {
        const double a = engine->fleet->table.a[subject->slot + m];
        if (a >= 1.0) {
            if (subject->out_since_ms[m] == TEND_NEVER) {
                subject->out_since_ms[m] = data_ms;
            }
        } else if (!isnan(a)) {
            subject->out_since_ms[m] = TEND_NEVER; // no data keeps the onset: it may be why there is none
        }
    }
}

static void trace(const struct tend_engine *engine, const struct tend_subject *subject, int64_t data_ms)
{
    if (subject->trace != NULL && data_ms != TEND_NEVER) {
        tend_trace_push(subject->trace, data_ms, engine->fleet->table.p + subject->slot);
    }
}

// When a service was last in trouble, traffic aside: others may still feel it for a while. Its slots and those of its
// instances are neighbours.
static void note_trouble(const struct tend_engine *engine, struct tend_service *service)
{
    const size_t metrics = service->def->metric_count;
    for (size_t i = 0; i < metrics * (service->instance_count + 1); i++) {
        const char *kind;
        if (engine->fleet->table.a[service->subject.slot + i] >= 1.0 &&
            strcmp(tend_evidence_class(&service->def->metrics[i % metrics], &kind), "load") != 0) {
            service->trouble_ms = engine->now_ms;
            return;
        }
    }
}

static void measure_fleet(struct tend_engine *engine)
{
    struct tend_fleet *fleet = engine->fleet;
    for (size_t i = 0; i < fleet->service_count; i++) {
        if (fleet->services[i]->dirty) {
            measure_service(engine, fleet->services[i]);
        }
    }
    for (size_t i = 0; i < fleet->service_count; i++) {
        struct tend_service *service = fleet->services[i];
        if (!service->dirty) {
            continue;
        }
        tend_expect_service(engine, service);
        // The service's block and those of its instances are neighbours: one pass.
        tend_deviation_pass(&fleet->table, service->subject.slot,
                            service->def->metric_count * (service->instance_count + 1));
        note_trouble(engine, service);
        tend_new_usual_look(engine, service);
        const struct tend_freeze freeze = tend_freeze_of(engine, service);
        note_onsets(engine, service->def, &service->subject, service->data_ms);
        trace(engine, &service->subject, service->data_ms);
        tend_forecast_note_service(engine->fleet, service);
        tend_expect_learn(engine, service, &service->subject, service->data_ms, &freeze);
        for (size_t j = 0; j < service->instance_count; j++) {
            struct tend_instance *instance = service->instances[j];
            if (instance->dirty) {
                const int64_t newest_ms = tend_series_window_history(instance->window)->newest_ms;
                note_onsets(engine, service->def, &instance->subject, newest_ms);
                trace(engine, &instance->subject, newest_ms);
                tend_forecast_note_instance(engine->fleet, instance);
                tend_expect_learn(engine, service, &instance->subject, newest_ms, &freeze);
            }
        }
    }
}

static const struct tend_subject *subject_of(const struct tend_rule_alert *alert)
{
    return alert->instance == NULL ? &alert->service->subject : &alert->instance->subject;
}

struct tend_alert_times tend_rule_alert_times(const struct tend_rule_alert *alert)
{
    return (struct tend_alert_times){
        .fire_after_ms = alert->binding->fire_after_ms,
        .clear_after_ms = alert->binding->clear_after_ms,
        .missing = alert->binding->missing,
    };
}

int64_t tend_rule_alert_gap_ms(const struct tend_rule_alert *alert)
{
    return 2 * alert->service->def->every_ms + SLOT_MS;
}

// Takes a verdict into an alert; what changed goes to incidents and the journal. Where more than one scrape is missing,
// because the machine slept or could not keep up, nobody knows what was between: what holds begins to hold anew.
static void judge(struct tend_engine *engine, struct tend_rule_alert *alert, enum tend_verdict verdict)
{
    if (tend_sleep_is_asleep(engine, alert->service)) {
        return; // it fell asleep while the evaluator was asked
    }
    const struct tend_alert_times times = tend_rule_alert_times(alert);
    const int64_t data_ms = alert->instance == NULL ? alert->service->data_ms
                                                    : tend_series_window_history(alert->instance->window)->newest_ms;
    const bool looked_before = alert->data_ms != TEND_NEVER;
    if (looked_before && data_ms - alert->data_ms > tend_rule_alert_gap_ms(alert)) {
        tend_incident_alert_changed(engine, alert, tend_alert_gap(&alert->alert));
    }
    alert->verdict = verdict;
    alert->data_ms = data_ms;
    tend_incident_alert_changed(engine, alert, tend_alert_take(&alert->alert, &times, verdict, data_ms));
}

static void latch_all(const struct tend_engine *engine, struct tend_rule_alert *alert)
{
    const struct tend_subject *subject = subject_of(alert);
    for (size_t m = 0; m < alert->service->def->metric_count; m++) {
        const double a = engine->fleet->table.a[subject->slot + m];
        const bool out = tend_latch((alert->latches[m] & TEND_LATCHED_OUT) != 0, a, alert->binding->clear_below);
        const bool foretold = tend_forecast_latch(engine, alert, m);
        alert->latches[m] =
            (unsigned char)((out ? TEND_LATCHED_OUT : 0U) | (foretold ? (unsigned)TEND_LATCHED_FORETOLD : 0U));
    }
}

// Why a metric cannot be judged: it has no data, or nothing to be set against. A history that is still being filled is
// warming up; peers without data are as good as no samples.
static enum tend_missing missing_of(const struct tend_engine *engine, const struct tend_rule_alert *alert,
                                    size_t metric)
{
    const size_t slot = subject_of(alert)->slot + metric;
    const struct tend_metric_table *table = &engine->fleet->table;
    const enum tend_expect_kind expect = alert->service->def->metrics[metric].expect;
    if (table->missing[slot] != TEND_HAS_DATA || expect == TEND_EXPECT_NONE || !isnan(table->e[slot])) {
        return (enum tend_missing)table->missing[slot];
    }
    const enum tend_missing load = tend_learn_missing_load(engine, alert->service, subject_of(alert), metric);
    if (load != TEND_HAS_DATA) {
        return load;
    }
    return expect == TEND_EXPECT_PEERS ? TEND_MISSING_TOO_FEW_SAMPLES : TEND_MISSING_WARMING_UP;
}

static bool may_come_back_bad(enum tend_missing missing)
{
    switch (missing) {
    case TEND_MISSING_SCRAPE_FAILED:
    case TEND_MISSING_BAD_PAYLOAD:
    case TEND_MISSING_SERIES_GONE:
    case TEND_MISSING_WARMING_UP:
    case TEND_MISSING_TOO_FEW_SAMPLES:
        return true;
    case TEND_HAS_DATA:
    case TEND_MISSING_NO_SERIES: // it said nothing before either
    case TEND_MISSING_TARGET_REMOVED:
    case TEND_MISSING_NO_TRAFFIC: // drained: what is left is the service
    case TEND_MISSING_ASLEEP:
        return false;
    }
    return false;
}

bool tend_rule_alert_holds(const struct tend_engine *engine, const struct tend_rule_alert *alert, int metric)
{
    const struct tend_service *service = alert->service;
    const size_t begin = metric < 0 ? 0 : (size_t)metric;
    const size_t end = metric < 0 ? service->def->metric_count : begin + 1;
    for (size_t i = 0; alert->instance == NULL && i < service->instance_count; i++) {
        const struct tend_subject *subject = &service->instances[i]->subject;
        for (size_t m = begin; m < end; m++) {
            const enum tend_missing missing = (enum tend_missing)engine->fleet->table.missing[subject->slot + m];
            if (subject->out_since_ms[m] != TEND_NEVER && may_come_back_bad(missing)) {
                return true;
            }
        }
    }
    return false;
}

// A service is not in line because those of its instances that were out of line have stopped to say so.
static enum tend_verdict whole(const struct tend_engine *engine, const struct tend_rule_alert *alert, int metric,
                               enum tend_verdict verdict)
{
    const bool would_resolve = verdict == TEND_VERDICT_IN_LINE && alert->alert.state == TEND_ALERT_FIRING;
    return would_resolve && tend_rule_alert_holds(engine, alert, metric) ? TEND_VERDICT_HOLD : verdict;
}

static enum tend_verdict verdict_of_metric(const struct tend_engine *engine, const struct tend_rule_alert *alert,
                                           int metric)
{
    const size_t slot = subject_of(alert)->slot + (size_t)metric;
    const enum tend_missing missing = missing_of(engine, alert, (size_t)metric);
    if (missing != TEND_HAS_DATA) {
        return missing == TEND_MISSING_WARMING_UP ? TEND_VERDICT_HOLD : TEND_VERDICT_UNKNOWN;
    }
    if (isnan(engine->fleet->table.a[slot])) {
        return TEND_VERDICT_UNKNOWN;
    }
    return alert->latches[metric] ? TEND_VERDICT_OUT : TEND_VERDICT_IN_LINE;
}

static void add_call(struct tend_engine *engine, struct tend_rule_alert *alert)
{
    if (engine->call_count == engine->call_capacity) {
        const size_t capacity = engine->call_capacity == 0 ? 64 : engine->call_capacity * 2;
        struct tend_rule_alert **grown = reallocarray((void *)engine->calls, capacity, sizeof *grown);
        TEND_ASSERT(grown != NULL);
        engine->calls = grown;
        engine->call_capacity = capacity;
    }
    engine->calls[engine->call_count++] = alert;
}

static int by_rule(const void *left, const void *right)
{
    const struct tend_rule_alert *one = *(struct tend_rule_alert *const *)left;
    const struct tend_rule_alert *other = *(struct tend_rule_alert *const *)right;
    if (one->binding->rule != other->binding->rule) {
        return one->binding->rule < other->binding->rule ? -1 : 1;
    }
    const int services = strcmp(one->service->name, other->service->name);
    return services != 0 ? services : strcmp(tend_alert_instance(one), tend_alert_instance(other));
}

double tend_deployed_ago_s(const struct tend_engine *engine, const struct tend_service *service,
                           const struct tend_instance *only)
{
    int64_t newest = TEND_NEVER;
    for (size_t i = 0; i < service->instance_count; i++) {
        const struct tend_instance *instance = service->instances[i];
        if (instance != NULL && (only == NULL || only == instance) && instance->version_since_ms > newest) {
            newest = instance->version_since_ms;
        }
    }
    return newest == TEND_NEVER ? (double)NAN : (double)(engine->now_ms - newest) / 1000.0;
}

static void put_call(const struct tend_engine *engine, struct tend_buffer *bytes, const struct tend_rule_alert *alert)
{
    const struct tend_service *service = alert->service;
    const struct tend_instance *instance = alert->instance;
    const struct tend_instance *any = instance != NULL              ? instance
                                      : service->instance_count > 0 ? service->instances[0]
                                                                    : NULL;
    tend_view_put_call(bytes, &(struct tend_view_call){
                                  .rule = alert->binding->rule,
                                  .subject = instance == NULL ? service->name : instance->name,
                                  .service = service->name,
                                  .instance = tend_alert_instance(alert),
                                  .labels = instance == NULL ? "" : instance->labels_text,
                                  .version = any == NULL ? "" : any->version,
                                  .out_share = tend_service_out_share(engine->fleet, service),
                                  .deployed_ago_s = tend_deployed_ago_s(engine, service, instance),
                                  .metric_count = (uint32_t)service->def->metric_count,
                              });
    const struct tend_metric_table *table = &engine->fleet->table;
    for (size_t m = 0; m < service->def->metric_count; m++) {
        const size_t slot = subject_of(alert)->slot + m;
        tend_view_put_metric(bytes, &(struct tend_view_metric){
                                        .name = service->def->metrics[m].name,
                                        .p = table->p[slot],
                                        .e = table->e[slot],
                                        .f = table->f[slot],
                                        .a = table->a[slot],
                                        .eta_s = tend_forecast_of(engine->fleet, subject_of(alert), m).eta_s,
                                        .out = alert->latches[m] != 0,
                                        .missing = missing_of(engine, alert, m),
                                    });
    }
}

static void send_calls(struct tend_engine *engine)
{
    struct tend_effect *effect = tend_emit(engine, TEND_EFFECT_EVALUATE);
    effect->id = engine->tick;
    tend_view_begin(&effect->bytes, engine->tick, (double)engine->wall_ms / 1000.0, (uint32_t)engine->call_count);
    for (size_t i = 0; i < engine->call_count; i++) {
        put_call(engine, &effect->bytes, engine->calls[i]);
    }
    TEND_ASSERT(!effect->bytes.failed);
    engine->tick_in_flight = true;
}

static void end_tick(struct tend_engine *engine)
{
    engine->tick_in_flight = false;
    engine->call_count = 0;
    tend_incident_mark_stale(engine);
}

static void judge_service(struct tend_engine *engine, struct tend_service *service)
{
    for (size_t i = 0; i < service->alert_count; i++) {
        struct tend_rule_alert *alert = &service->alerts[i];
        if (alert->instance != NULL && !alert->instance->dirty) {
            continue;
        }
        latch_all(engine, alert);
        const struct tend_rule_def *rule = &engine->ruleset->rules[alert->binding->rule];
        if (rule->metric != NULL) {
            const int metric = tend_service_metric(service->def, rule->metric);
            if (metric >= 0) { // a service without the metric is skipped
                judge(engine, alert, whole(engine, alert, metric, verdict_of_metric(engine, alert, metric)));
            }
        } else if (engine->rules[alert->binding->rule].off) {
            judge(engine, alert, TEND_VERDICT_ERROR);
        } else {
            add_call(engine, alert);
        }
    }
}

void tend_tick_begin(struct tend_engine *engine)
{
    engine->tick++;
    engine->tick_due_ms = TEND_NEVER;
    engine->tick_tries = 0;
    engine->call_count = 0;
    tend_sleep_look(engine);
    tend_silence_look(engine);
    measure_fleet(engine);
    tend_edges_refresh(engine);
    engine->blind = tend_recovery_is_blind(engine);
    tend_notice_blind(engine);
    struct tend_fleet *fleet = engine->fleet;
    for (size_t i = 0; i < fleet->service_count; i++) {
        struct tend_service *service = fleet->services[i];
        if (!service->dirty) {
            continue;
        }
        judge_service(engine, service);
        service->dirty = false;
        for (size_t j = 0; j < service->instance_count; j++) {
            service->instances[j]->dirty = false;
        }
    }
    if (engine->call_count == 0) {
        end_tick(engine);
        return;
    }
    qsort((void *)engine->calls, engine->call_count, sizeof(struct tend_rule_alert *), by_rule);
    send_calls(engine);
}

static void rule_off(struct tend_engine *engine, uint32_t rule, const char *why)
{
    struct tend_rule_health *health = &engine->rules[rule];
    if (health->off) {
        return;
    }
    health->off = true;
    tend_text_format(health->why, sizeof health->why, "%s", why);
    const struct tend_rule_def *def = &engine->ruleset->rules[rule];
    tend_log(TEND_LOG_ERROR, "rule is off rule=\"%s\" at=%s why=\"%s\" until=\"the next reload\"", def->name, def->at,
             why);
    (void)tend_emit_record(engine, TEND_RECORD_DECISION, def->name, NULL, false, false,
                           json_pack("{s:s, s:s, s:s, s:s}", "what", "rule off", "rule", def->name, "reason",
                                     "rule error", "text", health->why));
    tend_notice_rule_off(engine, def->name, health->why);
}

// The evaluator died over this tick: whom it names is off, and the others are asked again.
static void evaluator_died(struct tend_engine *engine, const struct tend_event_died *died)
{
    if (strcmp(died->what, "rule") == 0 && died->index < engine->ruleset->rule_count) {
        rule_off(engine, died->index, died->reason);
    } else {
        engine->tick_tries++;
    }
    size_t kept = 0;
    const size_t count = engine->call_count;
    for (size_t i = 0; i < count; i++) {
        struct tend_rule_alert *alert = engine->calls[i];
        if (engine->rules[alert->binding->rule].off || engine->tick_tries >= EVALUATION_TRIES) {
            judge(engine, alert, TEND_VERDICT_ERROR);
        } else {
            engine->calls[kept++] = alert;
        }
    }
    engine->call_count = kept;
    if (kept == 0) {
        end_tick(engine);
        return;
    }
    send_calls(engine);
}

static enum tend_verdict read_verdict(struct tend_engine *engine, struct tend_reader *reader, uint32_t rule)
{
    const uint8_t verdict = tend_reader_get_u8(reader);
    struct tend_rule_health *health = &engine->rules[rule];
    if (verdict != TEND_VERDICT_ERROR) {
        return verdict <= TEND_VERDICT_HOLD && !reader->failed ? (enum tend_verdict)verdict : TEND_VERDICT_ERROR;
    }
    size_t count;
    const char *text = tend_reader_get_string(reader, &count);
    if (!health->raised) {
        health->raised = true;
        health->errors++;
        tend_log(TEND_LOG_WARN, "rule raised rule=\"%s\" error=\"%.*s\"", engine->ruleset->rules[rule].name, (int)count,
                 text);
    }
    if (health->errors >= RULE_ERRORS) {
        char why[160];
        tend_text_format(why, sizeof why, "%.*s", (int)count, text);
        rule_off(engine, rule, why);
    }
    return TEND_VERDICT_ERROR;
}

void tend_tick_verdicts(struct tend_engine *engine, const struct tend_event *event)
{
    if (!engine->tick_in_flight || event->reply.id != engine->tick) {
        return; // a tick of the generation before
    }
    if (event->reply.bytes == NULL) {
        evaluator_died(engine, &event->reply.died);
        return;
    }
    struct tend_reader reader = tend_reader_over(event->reply.bytes, event->reply.byte_count);
    const uint64_t tick = tend_reader_get_u64(&reader);
    const uint32_t count = tend_reader_get_u32(&reader);
    const bool fits = tick == engine->tick && count == engine->call_count;
    for (size_t i = 0; i < engine->ruleset->rule_count; i++) {
        engine->rules[i].raised = false;
    }
    for (size_t i = 0; i < engine->call_count; i++) {
        struct tend_rule_alert *alert = engine->calls[i];
        const enum tend_verdict verdict =
            fits ? read_verdict(engine, &reader, alert->binding->rule) : TEND_VERDICT_ERROR;
        judge(engine, alert, whole(engine, alert, -1, verdict));
    }
    for (size_t i = 0; i < engine->call_count; i++) {
        struct tend_rule_health *health = &engine->rules[engine->calls[i]->binding->rule];
        if (!health->raised) {
            health->errors = 0;
        }
    }
    end_tick(engine);
}
