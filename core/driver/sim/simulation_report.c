// What is looked at after every step must cost next to nothing when nothing happened: a step without a tick and without
// a record is two comparisons. Subjects are met in the engine's order, which hardly ever changes, so each is looked for
// where it was the last time, and by name only when it is not there.

#include "driver/sim/simulation_report.h"

#include "base/buffer.h"
#include "driver/sim/metric_trace.h"
#include "driver/sim/report_records.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    POINTS_IN_ALL = 400000, // of all metrics together: 300 bytes each as JSON
    POINTS_MIN = 64,        // of a metric, however many there are
};

struct trace_of_metric {
    json_t *head; // what is told of the metric besides its points
    struct tend_metric_trace trace;
    bool is_learned;
    int64_t first_ms;   // of P; INT64_MIN: there was none
    int64_t trusted_ms; // of E; INT64_MIN: there was none
};

struct subject {
    char *service, *instance;
    json_t *depends; // of a service
    struct trace_of_metric *metrics;
    size_t metric_count;
    int64_t data_ms;  // of the newest point
    size_t instances; // of a service: the most that it had
};

struct tend_report_builder {
    json_t *title, *source_kind, *source_text, *generation;
    struct subject *subjects;
    size_t subject_count, subject_capacity;
    size_t metric_count; // of all subjects
    size_t *order;       // subjects as they were met at the last look
    size_t order_count, order_capacity;
    size_t met;     // subjects met at this look
    size_t service; // the service met last, an index of subjects
    size_t instances_met;
    uint64_t ticks_seen, ticks;
    size_t records_seen;
    struct tend_report_records *records;
    bool begun;
    int64_t from_ms, until_ms;
    uint64_t samples;
};

// ---- metrics ----

static json_t *head_of(const struct tend_subject_view *view, const struct tend_metric_def *metric, double alpha)
{
    static const char *const sides[] = { "above", "below", "both" };
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "service", view->service, "instance", view->instance, "metric",
                     metric->name, "unit", metric->unit, "bad", sides[metric->bad], "alpha", tend_json_real(alpha));
}

static size_t add_subject(struct tend_report_builder *builder, const struct tend_subject_view *view)
{
    if (builder->subject_count == builder->subject_capacity) {
        builder->subject_capacity = builder->subject_capacity == 0 ? 64 : builder->subject_capacity * 2;
        builder->subjects = reallocarray(builder->subjects, builder->subject_capacity, sizeof *builder->subjects);
        TEND_ASSERT(builder->subjects != NULL);
    }
    struct subject *subject = &builder->subjects[builder->subject_count];
    *subject = (struct subject){ .service = strdup(view->service),
                                 .instance = strdup(view->instance),
                                 .depends = json_array(),
                                 .metrics = calloc(view->def->metric_count + 1, sizeof *subject->metrics),
                                 .metric_count = view->def->metric_count,
                                 .data_ms = INT64_MIN };
    TEND_ASSERT(subject->service != NULL && subject->instance != NULL && subject->metrics != NULL);
    for (size_t i = 0; i < view->def->depend_count; i++) {
        (void)json_array_append_new(subject->depends, json_string(view->def->depends[i]));
    }
    for (size_t m = 0; m < subject->metric_count; m++) {
        subject->metrics[m].head = head_of(view, &view->def->metrics[m], view->alpha[m]);
        tend_metric_trace_init(&subject->metrics[m].trace);
        subject->metrics[m].is_learned = view->def->metrics[m].expect == TEND_EXPECT_LEARNED;
        subject->metrics[m].first_ms = subject->metrics[m].trusted_ms = INT64_MIN;
    }
    builder->metric_count += subject->metric_count;
    return builder->subject_count++;
}

static bool is_subject(const struct subject *subject, const struct tend_subject_view *view)
{
    return strcmp(subject->instance, view->instance) == 0 && strcmp(subject->service, view->service) == 0 &&
           subject->metric_count == view->def->metric_count;
}

static struct subject *find_subject(struct tend_report_builder *builder, const struct tend_subject_view *view)
{
    const size_t place = builder->met++;
    if (place < builder->order_count && is_subject(&builder->subjects[builder->order[place]], view)) {
        return &builder->subjects[builder->order[place]];
    }
    size_t found = 0;
    while (found < builder->subject_count && !is_subject(&builder->subjects[found], view)) {
        found++;
    }
    if (found == builder->subject_count) {
        found = add_subject(builder, view);
    }
    if (place >= builder->order_capacity) {
        builder->order_capacity = place < 32 ? 64 : place * 2;
        builder->order = reallocarray(builder->order, builder->order_capacity, sizeof *builder->order);
        TEND_ASSERT(builder->order != NULL);
    }
    builder->order[place] = found;
    builder->order_count = place + 1 > builder->order_count ? place + 1 : builder->order_count;
    return &builder->subjects[found];
}

// Beyond `low` or `high` A is at least 1 (deviation/deviation.h).
static void put_limits(const struct tend_subject_view *view, size_t metric, struct tend_trace_point *point)
{
    const double e = view->e[metric];
    const double out_at = view->out_at[metric];
    const double distance = isnan(out_at) ? view->alpha[metric] * fmax(fabs(e), view->floor[metric]) : fabs(out_at - e);
    const enum tend_bad bad = view->def->metrics[metric].bad;
    point->low = bad == TEND_BAD_ABOVE ? (double)NAN : e - distance;
    point->high = bad == TEND_BAD_BELOW ? (double)NAN : e + distance;
}

static void note_trust(struct trace_of_metric *metric, const struct tend_subject_view *view, size_t index)
{
    if (metric->first_ms == INT64_MIN && !isnan(view->p[index])) {
        metric->first_ms = view->data_ms;
    }
    if (metric->trusted_ms == INT64_MIN && metric->first_ms != INT64_MIN && !isnan(view->e[index])) {
        metric->trusted_ms = view->data_ms;
    }
}

static void take_subject(void *context, const struct tend_subject_view *view)
{
    struct tend_report_builder *builder = context;
    struct subject *subject = find_subject(builder, view);
    if (view->instance[0] == '\0') {
        builder->service = (size_t)(subject - builder->subjects);
        builder->instances_met = 0;
    } else {
        struct subject *service = &builder->subjects[builder->service];
        builder->instances_met++;
        service->instances = builder->instances_met > service->instances ? builder->instances_met : service->instances;
    }
    if (view->data_ms <= subject->data_ms) {
        return;
    }
    subject->data_ms = view->data_ms;
    size_t most = POINTS_IN_ALL / builder->metric_count;
    most = most > TEND_REPORT_POINTS_MAX ? TEND_REPORT_POINTS_MAX : most < POINTS_MIN ? POINTS_MIN : most;
    for (size_t m = 0; m < subject->metric_count; m++) {
        note_trust(&subject->metrics[m], view, m);
        struct tend_trace_point *point =
            tend_metric_trace_push(&subject->metrics[m].trace, most, view->p[m], view->a[m]);
        if (point != NULL) {
            *point =
                (struct tend_trace_point){ .at_ms = view->data_ms, .p = view->p[m], .e = view->e[m], .a = view->a[m] };
            put_limits(view, m, point);
        }
    }
}

// ---- looking ----

void tend_report_look(void *context, const struct tend_simulation *simulation)
{
    struct tend_report_builder *builder = context;
    const struct tend_engine *engine = tend_simulation_engine(simulation);
    const int64_t now_ms = tend_simulation_now_ms(simulation);
    builder->from_ms = builder->begun ? builder->from_ms : now_ms;
    builder->begun = true;
    builder->until_ms = now_ms;
    builder->samples = tend_simulation_samples(simulation);
    const uint64_t ticks = tend_engine_ticks(engine);
    if (ticks != builder->ticks_seen) {
        // An engine that was started anew counts from 0 again.
        builder->ticks += ticks > builder->ticks_seen ? ticks - builder->ticks_seen : ticks;
        builder->ticks_seen = ticks;
        builder->met = 0;
        tend_engine_visit_subjects(engine, take_subject, builder);
    }
    size_t count;
    const struct tend_record *records = tend_simulation_records(simulation, &count);
    for (; builder->records_seen < count; builder->records_seen++) {
        tend_report_records_take(builder->records, &records[builder->records_seen]);
    }
}

// ---- the document ----

static json_t *services_of(const struct tend_report_builder *builder)
{
    json_t *services = json_array();
    for (size_t i = 0; i < builder->subject_count; i++) {
        const struct subject *subject = &builder->subjects[i];
        if (subject->instance[0] == '\0') {
            (void)json_array_append_new(services,
                                        json_pack("{s:s, s:I, s:O}", "name", subject->service, "instances",
                                                  (json_int_t)subject->instances, "depends", subject->depends));
        }
    }
    return services;
}

static json_t *metrics_of(const struct tend_report_builder *builder)
{
    json_t *metrics = json_array();
    for (size_t i = 0; i < builder->subject_count; i++) {
        const struct subject *subject = &builder->subjects[i];
        for (size_t m = 0; m < subject->metric_count; m++) {
            json_t *metric = json_copy(subject->metrics[m].head);
            (void)json_object_set_new(metric, "points", tend_metric_trace_json(&subject->metrics[m].trace));
            (void)json_array_append_new(metrics, metric);
        }
    }
    return metrics;
}

static json_t *learned_of(const struct tend_report_builder *builder)
{
    json_t *learned = json_array();
    for (size_t i = 0; i < builder->subject_count; i++) {
        const struct subject *subject = &builder->subjects[i];
        for (size_t m = 0; subject->instance[0] == '\0' && m < subject->metric_count; m++) {
            const struct trace_of_metric *metric = &subject->metrics[m];
            if (metric->is_learned && metric->first_ms != INT64_MIN) {
                (void)json_array_append_new(
                    learned,
                    json_pack("{s:s, s:O, s:I, s:o}", "service", subject->service, "metric",
                              json_object_get(metric->head, "metric"), "from_ms", (json_int_t)metric->first_ms,
                              "trusted_ms",
                              metric->trusted_ms == INT64_MIN ? json_null() : json_integer(metric->trusted_ms)));
            }
        }
    }
    return learned;
}

json_t *tend_report_document(const struct tend_report_builder *builder)
{
    json_t *document =
        json_pack("{s:O, s:{s:O, s:O}, s:s, s:O, s:I, s:I, s:o, s:o, s:[], s:[], s:[], s:[]}", "title", builder->title,
                  "source", "kind", builder->source_kind, "text", builder->source_text, "tend", TEND_VERSION,
                  "generation", builder->generation, "from_ms", (json_int_t)builder->from_ms, "until_ms",
                  (json_int_t)builder->until_ms, "services", services_of(builder), "metrics", metrics_of(builder),
                  "labels", "missing", "expectations", "what_if");
    (void)json_object_set_new(document, "learned", learned_of(builder));
    json_t *told = tend_report_records_document(builder->records);
    (void)json_object_update(document, told);
    json_decref(told);
    json_t *sums = json_object_get(document, "sums");
    (void)json_object_set_new(sums, "samples", json_integer((json_int_t)builder->samples));
    (void)json_object_set_new(sums, "ticks", json_integer((json_int_t)builder->ticks));
    return document;
}

enum tend_status tend_report_create(const struct tend_report_options *options, struct tend_report_builder **out)
{
    struct tend_report_builder *builder = calloc(1, sizeof *builder);
    if (builder == NULL) {
        return TEND_E_NOMEM;
    }
    builder->title = tend_json_string(options->title, strlen(options->title));
    builder->source_kind = json_string(options->source_kind);
    builder->source_text = tend_json_string(options->source_text, strlen(options->source_text));
    builder->generation = json_string(options->generation);
    builder->records = tend_report_records_create();
    if (builder->title == NULL || builder->source_kind == NULL || builder->source_text == NULL ||
        builder->generation == NULL || builder->records == NULL) {
        tend_report_destroy(builder);
        return TEND_E_NOMEM;
    }
    *out = builder;
    return TEND_OK;
}

void tend_report_destroy(struct tend_report_builder *builder)
{
    if (builder == NULL) {
        return;
    }
    for (size_t i = 0; i < builder->subject_count; i++) {
        struct subject *subject = &builder->subjects[i];
        for (size_t m = 0; m < subject->metric_count; m++) {
            json_decref(subject->metrics[m].head);
            tend_metric_trace_clear(&subject->metrics[m].trace);
        }
        free(subject->metrics);
        free(subject->service);
        free(subject->instance);
        json_decref(subject->depends);
    }
    free(builder->subjects);
    free(builder->order);
    tend_report_records_destroy(builder->records);
    json_decref(builder->title);
    json_decref(builder->source_kind);
    json_decref(builder->source_text);
    json_decref(builder->generation);
    free(builder);
}
