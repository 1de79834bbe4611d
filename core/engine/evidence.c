// Evidence: how the metrics of an incident's neighbourhood left what they were, from their traces.
//
// It is gathered subject by subject, in slices: columns cost work, most of them next to none, as what is still within
// what health showed is passed over before anything is sorted. When a slice is full the rest waits for the next step,
// so that no step takes long. A study begins anew with each interval of an incident, and what it found takes the place
// of the older one when it is whole.

#include "engine/state.h"
#include "engine/symptom.h"

#include "locate/change.h"
#include "locate/column_kind.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SLICE_WORK = 2048, // of a step: under 1 ms, were every column changed
    COLUMN_WORK = 1,
    CHANGED_WORK = 16, // of a column that is looked at closely
    CAUSE_WORK = 8,    // of one that is set against the symptom besides
    HEALTHY_LEAST = 8, // rows before the onset, else nothing is known
    KEPT_MOST = 6,     // changes told of one service
    STUDY_LEAST_MS = 1000,
};

static const double points_least = 0.3;     // at and below: what health shows too
static const double reached_share = 0.15;   // of healthy rows that reach what is now: then nothing left anything
static const double error_least = 0.002;    // of requests
static const double share_least = 0.08;     // of a metric's own level
static const double floor_share = 1.0 / 20; // of the smallest scale that matters, which is larger than what shows

const char *tend_evidence_class(const struct tend_metric_def *def, const char **kind)
{
    struct tend_column_class class = tend_column_classify(def->name, strlen(def->name));
    const char *source = def->sources[0] == NULL ? NULL : tend_selector_name(def->sources[0]);
    if (class.kind == TEND_COLUMN_OTHER && source != NULL) {
        class = tend_column_classify(source, strlen(source));
    }
    if (class.kind == TEND_COLUMN_OTHER && (def->kind == TEND_METRIC_MEAN || def->kind == TEND_METRIC_QUANTILE) &&
        strcmp(def->unit, "s") == 0) {
        class.kind = TEND_COLUMN_LATENCY;
    }
    *kind = tend_column_kind_text(class.kind);
    switch (class.kind) {
    case TEND_COLUMN_RESOURCE:
    case TEND_COLUMN_WAITING:
    case TEND_COLUMN_MACHINE:
        return "cause";
    case TEND_COLUMN_ERROR:
    case TEND_COLUMN_LATENCY:
    case TEND_COLUMN_CLIENT_LATENCY:
        return "symptom";
    case TEND_COLUMN_CALLS:
    case TEND_COLUMN_NETWORK:
        return "load";
    case TEND_COLUMN_OTHER:
    case TEND_COLUMN_KIND_COUNT:
        break;
    }
    return "other";
}

// ---- the rows of one subject ----

struct rows {
    struct tend_evidence_rows rows;
    struct tend_evidence_scratch scratch;
    int64_t at_ms[TEND_TRACE_ROWS];
    double values[TEND_TRACE_ROWS];
};

// What a slice works with.
struct study {
    struct rows rows;
    struct tend_symptom symptom;
};

// What is told of a change of one metric.
struct finding {
    const struct tend_metric_def *def;
    struct tend_evidence evidence;
    struct tend_change change;
    struct tend_correlation correlation; // with the symptom
    double points;
    double peers;         // NaN: it is the service's, or has none
    const char *instance; // NULL: the service's
};

// Before the onset less what a window and a missed scrape may hide is health; from the onset on it is live.
static bool place_rows(struct rows *rows, const struct tend_trace *trace, const struct tend_service_def *def,
                       int64_t onset_ms)
{
    const size_t count = tend_trace_count(trace);
    tend_trace_times(trace, rows->at_ms);
    size_t healthy = 0, live = 0;
    while (live < count && rows->at_ms[live] < onset_ms) {
        healthy += rows->at_ms[live] < onset_ms - def->window_ms - 2 * def->every_ms;
        live++;
    }
    const size_t recent = healthy / 4 < 1 ? 1 : healthy / 4 > 12 ? 12 : healthy / 4;
    rows->rows = (struct tend_evidence_rows){ .healthy = healthy, .recent = recent, .live = live, .rows = count };
    return healthy >= HEALTHY_LEAST && live < count;
}

// Whether what the live rows show was usual before: then nothing is to be learned of the column.
static bool is_usual(const struct rows *rows)
{
    double low = (double)INFINITY, high = -(double)INFINITY;
    for (size_t row = rows->rows.live; row < rows->rows.rows; row++) {
        low = fmin(low, rows->values[row]);
        high = fmax(high, rows->values[row]);
    }
    size_t known = 0, above = 0, below = 0;
    for (size_t row = 0; row < rows->rows.healthy; row++) {
        known += isnan(rows->values[row]) ? 0 : 1;
        above += rows->values[row] >= high ? 1 : 0;
        below += rows->values[row] <= low ? 1 : 0;
    }
    const double most = reached_share * (double)known;
    return known < HEALTHY_LEAST || low > high || ((double)above > most && (double)below > most);
}

static bool find_change(struct rows *rows, const struct tend_service_def *service, const struct tend_metric_def *def,
                        struct finding *out)
{
    const char *kind;
    (void)tend_evidence_class(def, &kind);
    const double error = strcmp(kind, "error") == 0 ? error_least : 0;
    const struct tend_evidence_floor floor = { .share = share_least,
                                               .absolute = fmax(error, def->floor * floor_share) };
    *out = (struct finding){ .def = def, .peers = (double)NAN };
    out->evidence = tend_evidence_of(rows->values, &rows->rows, &floor, &rows->scratch);
    out->points = fmax(out->evidence.up_points, out->evidence.down_points);
    if (!(out->points > points_least)) {
        return false;
    }
    out->change = tend_change_of(rows->values, rows->at_ms, &rows->rows, &out->evidence, service->window_ms);
    return out->change.found;
}

// ---- a service's findings ----

static json_t *finding_document(const struct finding *finding, const struct tend_symptom *symptom)
{
    const char *kind;
    const char *class = tend_evidence_class(finding->def, &kind);
    json_t *out =
        json_pack("{s:s, s:s, s:s, s:f, s:b, s:o, s:o, s:I, s:I, s:s}", "metric", finding->def->name, "class", class,
                  "kind", kind, "points", finding->points, "rose", finding->evidence.after > finding->evidence.before,
                  "before", tend_json_real(finding->evidence.before), "after", tend_json_real(finding->evidence.after),
                  "onset_ms", (json_int_t)finding->change.onset_ms, "within_ms", (json_int_t)finding->change.within_ms,
                  "shape", tend_change_shape_text(finding->change.shape));
    if (finding->instance != NULL) {
        (void)json_object_set_new(out, "instance", json_string(finding->instance));
        (void)json_object_set_new(out, "peers", tend_json_real(finding->peers));
    }
    if (finding->correlation.found) {
        (void)json_object_set_new(out, "correlation", json_real(finding->correlation.value));
        (void)json_object_set_new(out, "lag_s", json_real((double)finding->correlation.lag_ms / 1000.0));
        (void)json_object_set_new(
            out, "with", json_pack("{s:s, s:s}", "service", symptom->service->name, "metric", symptom->metric->name));
    }
    return out;
}

// Keeps the strongest, in order of points and then of coming. A metric of an instance counts only as far as it says
// more than the service's own.
static void keep(json_t *list, const struct finding *finding, const struct tend_symptom *symptom)
{
    size_t place = json_array_size(list);
    for (size_t i = json_array_size(list); i-- > 0;) {
        json_t *other = json_array_get(list, i);
        const double points = tend_json_number(other, "points", 0);
        if (strcmp(tend_json_text(other, "metric", ""), finding->def->name) == 0) {
            if (finding->points < points + points_least) {
                return;
            }
            (void)json_array_remove(list, i);
            place = place > json_array_size(list) ? json_array_size(list) : place;
        }
        if (points < finding->points) {
            place = i < place ? i : place;
        }
    }
    (void)json_array_insert_new(list, place, finding_document(finding, symptom));
    if (json_array_size(list) > KEPT_MOST) {
        (void)json_array_remove(list, KEPT_MOST);
    }
}

static double median_of_others(const struct tend_engine *engine, const struct tend_instance *instance, size_t metric,
                               double *values, double *sorted)
{
    const struct tend_service *service = instance->service;
    size_t count = 0;
    for (size_t i = 0; i < service->instance_count && count < TEND_TRACE_ROWS; i++) {
        if (service->instances[i] != instance) {
            values[count++] = engine->fleet->table.p[service->instances[i]->subject.slot + metric];
        }
    }
    return tend_evidence_median(values, count, sorted);
}

// What only the service itself feels is set against what its callers do. @return the work it was
static size_t correlate(struct tend_symptom *symptom, const struct tend_service *service, const struct rows *rows,
                        struct finding *finding)
{
    const char *kind;
    const char *class = tend_evidence_class(finding->def, &kind);
    if (symptom->service == NULL || (strcmp(class, "cause") != 0 && strcmp(class, "other") != 0)) {
        return 0;
    }
    const struct tend_correlation_trace trace = { .at_ms = rows->at_ms,
                                                  .values = rows->values,
                                                  .rows = rows->rows.rows };
    finding->correlation = tend_symptom_correlate(symptom, service, finding->def, &trace);
    return CAUSE_WORK;
}

// @return the work it was
static size_t study_subject(const struct tend_engine *engine, const struct tend_service *service,
                            const struct tend_instance *instance, int64_t onset_ms, struct study *study, json_t *list)
{
    struct rows *rows = &study->rows;
    const struct tend_trace *trace = instance == NULL ? service->subject.trace : instance->subject.trace;
    const bool is_service = instance == NULL || service->instance_count == 1;
    if (trace == NULL || !place_rows(rows, trace, service->def, onset_ms)) {
        return COLUMN_WORK;
    }
    size_t work = 0;
    for (size_t m = 0; m < service->def->metric_count; m++) {
        const struct tend_metric_def *def = &service->def->metrics[m];
        struct finding finding;
        work += COLUMN_WORK;
        if (def->kind == TEND_METRIC_UP || def->kind == TEND_METRIC_SCRAPE_DURATION) {
            continue; // told by themselves
        }
        tend_trace_column(trace, m, rows->values);
        if (is_usual(rows)) {
            continue;
        }
        work += CHANGED_WORK;
        if (find_change(rows, service->def, def, &finding)) {
            work += correlate(&study->symptom, service, rows, &finding);
            if (!is_service) {
                double others[TEND_TRACE_ROWS];
                finding.instance = instance->name;
                finding.peers = median_of_others(engine, instance, m, others, rows->scratch.sorted);
            }
            keep(list, &finding, &study->symptom);
        }
    }
    return work;
}

static json_t *list_of(struct tend_incident *incident, const struct tend_service *service)
{
    json_t *list = json_object_get(incident->studied, service->name);
    if (list == NULL) {
        list = json_array();
        (void)json_object_set_new(incident->studied, service->name, list);
    }
    return list;
}

static void begin_study(const struct tend_engine *engine, struct tend_incident *incident)
{
    json_decref(incident->studied);
    incident->studied = json_object();
    incident->study_service = incident->study_subject = 0;
    incident->studied_ms = engine->now_ms;
}

int64_t tend_evidence_interval_ms(const struct tend_engine *engine, const struct tend_incident *incident)
{
    int64_t interval_ms = INT64_MAX;
    for (size_t i = 0; i < incident->member_count; i++) {
        const struct tend_service *service = tend_fleet_find(engine->fleet, incident->members[i].service);
        if (service != NULL && service->def->every_ms < interval_ms) {
            interval_ms = service->def->every_ms;
        }
    }
    return interval_ms == INT64_MAX || interval_ms < STUDY_LEAST_MS ? STUDY_LEAST_MS : interval_ms;
}

bool tend_evidence_gather(struct tend_engine *engine, struct tend_incident *incident, int64_t onset_ms)
{
    if (incident->studied == NULL) {
        if (incident->evidence != NULL &&
            engine->now_ms - incident->studied_ms < tend_evidence_interval_ms(engine, incident)) {
            return true;
        }
        begin_study(engine, incident);
    }
    size_t *near = calloc(engine->fleet->service_count + 1, sizeof *near);
    struct study *study = calloc(1, sizeof *study);
    TEND_ASSERT(near != NULL && study != NULL &&
                tend_evidence_scratch_init(&study->rows.scratch, TEND_TRACE_ROWS) == TEND_OK);
    const size_t count = tend_evidence_near(engine, incident, near);
    tend_symptom_find(engine, incident, &study->symptom);
    size_t work = 0;
    // A reload between two slices may move services about: one may then be studied twice or not at all, this once.
    while (incident->study_service < count && work < SLICE_WORK) {
        const struct tend_service *service = engine->fleet->services[near[incident->study_service]];
        if (incident->study_subject > service->instance_count) {
            incident->study_service++;
            incident->study_subject = 0;
            continue;
        }
        const size_t subject = incident->study_subject++;
        work += study_subject(engine, service, subject == 0 ? NULL : service->instances[subject - 1], onset_ms, study,
                              list_of(incident, service));
    }
    const bool whole = incident->study_service >= count;
    if (whole) {
        json_decref(incident->evidence);
        incident->evidence = incident->studied;
        incident->studied = NULL;
    }
    tend_evidence_scratch_clear(&study->rows.scratch);
    free(study);
    free(near);
    return whole;
}
