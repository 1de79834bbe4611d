// What a metric's own past says: E and alpha before F and A are made, and what is learned afterwards.
//
// An instance that is new has no past. Until it has one, what is expected of it is what is expected of its service: the
// kinds of metric that are learned are means over instances (a rate is per instance), so both have the same size. It is
// judged as soon as its own deviations from that are known.
//
// What teaches, and what does not:
//   it is frozen (freeze.h): an alert    nothing: what is wrong must not become what is usual; but what was restarted
//   fires, or the service is acted on   from nothing, by a person or by new_usual.c, is learned while it fires
//   no data, asleep                     nothing
//   out of line                         nothing, as a rule may be about to fire; when it is in line again and none has,
//                                       the worst of it counts as one value that the metric reaches
//   out of line for A_DAY, and nobody   it is what the metric is now: the level is learned anew
//   who would be alerted
//   just deployed                       the new level, quickly; what is out of line, after LONG: a rule on a bad deploy
//                                       has fired by then (and then nothing teaches)

#include "engine/freeze.h"
#include "engine/state.h"

#include "base/log.h"

#include <math.h>

enum { LONG_MS = 15 * 60 * 1000, LONG_SCRAPES = 5, A_DAY_MS = 24 * 3600 * 1000 };
/// What is usual may itself lie beyond `out_at`: then it is held so far on its good side, so that A is 1 at `out_at`.
static const double GOOD_SIDE = 1e-3;

static int64_t wall_ms_of(const struct tend_engine *engine, int64_t data_ms)
{
    return data_ms + (engine->wall_ms - engine->now_ms);
}

// Where on its season, or by what load, a metric is expected.
static double place_of(const struct tend_engine *engine, const struct tend_metric_def *def,
                       const struct tend_subject *subject, int64_t wall_ms)
{
    return def->given != NULL ? engine->fleet->table.p[subject->slot + def->given_metric]
                              : tend_baseline_week_hour(def->zone, wall_ms);
}

enum tend_missing tend_learn_missing_load(const struct tend_engine *engine, const struct tend_service *service,
                                          const struct tend_subject *subject, size_t metric)
{
    const struct tend_metric_table *table = &engine->fleet->table;
    const struct tend_metric_def *def = &service->def->metrics[metric];
    if (def->given == NULL) {
        return TEND_HAS_DATA;
    }
    const size_t load = subject->slot + def->given_metric;
    const enum tend_missing missing = (enum tend_missing)table->missing[load];
    return missing == TEND_HAS_DATA && !(table->p[load] > 0) ? TEND_MISSING_NO_TRAFFIC : missing;
}

// What is expected of the service where one of its instances is: at this time, or by the load that the instance has.
static double service_e_at(const struct tend_engine *engine, const struct tend_service *service, size_t metric,
                           double at)
{
    if (service->def->metrics[metric].given == NULL) {
        return engine->fleet->table.e[service->subject.slot + metric];
    }
    const struct tend_baseline_expected expected = tend_baseline_expect(service->subject.baselines[metric], at);
    return expected.trusted ? expected.e : (double)NAN;
}

static double on_good_side(double e, double out_at, double floor, enum tend_bad bad)
{
    const double margin = GOOD_SIDE * fmax(fabs(out_at), floor);
    switch (bad) {
    case TEND_BAD_ABOVE:
        return fmin(e, out_at - margin);
    case TEND_BAD_BELOW:
        return fmax(e, out_at + margin);
    case TEND_BAD_BOTH:
        return e;
    }
    return e;
}

// A is F / alpha; of what detectors judge, A is theirs wherever P is on the bad side of E, so that is alpha.
static double alpha_by_detectors(const struct tend_baseline *baseline, double p, double e, double f)
{
    if (isnan(f) || f == 0) {
        return (double)INFINITY;
    }
    return f / tend_baseline_judge(baseline, p, e, f); // infinite where they say nothing
}

// What is out of line stays so until P comes back: the samples before an alert fires are learned, and a young baseline
// may take two of them for the metric's own noise, which would end the alert while the trouble goes on.
static bool keeps_alpha(const struct tend_metric_table *table, const struct tend_subject *subject, size_t metric)
{
    return subject->out_since_ms[metric] != TEND_NEVER && !isnan(table->alpha[subject->slot + metric]);
}

static void expect_metric(struct tend_engine *engine, const struct tend_metric_def *def,
                          const struct tend_subject *subject, size_t metric, double at, double service_e)
{
    struct tend_metric_table *table = &engine->fleet->table;
    const struct tend_baseline *baseline = subject->baselines[metric];
    const size_t slot = subject->slot + metric;
    const struct tend_baseline_expected own = tend_baseline_expect(baseline, at);
    double e = own.trusted ? own.e : (double)NAN;
    if (isnan(e) && tend_baseline_is_calibrated(baseline)) {
        e = service_e;
    }
    if (!isnan(def->out_at)) {
        table->e[slot] = on_good_side(e, def->out_at, def->floor, def->bad);
        return;
    }
    table->e[slot] = e;
    if (isnan(def->alpha)) {
        const double f = tend_deviation_of(table->p[slot], e, def->floor, def->bad);
        table->alpha[slot] = alpha_by_detectors(baseline, table->p[slot], e, f);
    } else if (!keeps_alpha(table, subject, metric)) {
        table->alpha[slot] = fmax(def->alpha, tend_baseline_reach(baseline));
    }
}

void tend_learn_expect(struct tend_engine *engine, struct tend_service *service)
{
    for (size_t m = 0; m < service->def->metric_count; m++) {
        const struct tend_metric_def *def = &service->def->metrics[m];
        if (def->expect != TEND_EXPECT_LEARNED) {
            continue;
        }
        const struct tend_subject *subject = &service->subject;
        const double now = place_of(engine, def, subject, wall_ms_of(engine, service->data_ms));
        expect_metric(engine, def, subject, m, now, (double)NAN);
        for (size_t i = 0; i < service->instance_count; i++) {
            const struct tend_instance *instance = service->instances[i];
            if (instance->dirty) {
                const int64_t newest_ms = tend_series_window_history(instance->window)->newest_ms;
                const double at = place_of(engine, def, &instance->subject, wall_ms_of(engine, newest_ms));
                expect_metric(engine, def, &instance->subject, m, at, service_e_at(engine, service, m, at));
            }
        }
    }
}

static int64_t out_for_ms(const struct tend_subject *subject, size_t metric, int64_t data_ms)
{
    return subject->out_since_ms[metric] == TEND_NEVER ? 0 : data_ms - subject->out_since_ms[metric];
}

// Whether a value says nothing about what is usual, though its service is not in trouble.
static bool is_held(const struct tend_engine *engine, const struct tend_service *service,
                    const struct tend_subject *subject, size_t metric, int64_t data_ms)
{
    const int64_t long_ms =
        LONG_MS > LONG_SCRAPES * service->def->every_ms ? LONG_MS : LONG_SCRAPES * service->def->every_ms;
    const bool is_long = out_for_ms(subject, metric, data_ms) >= long_ms;
    return engine->fleet->table.a[subject->slot + metric] >= 1.0 &&
           !(is_long && tend_baseline_is_relearning(subject->baselines[metric]));
}

static void learn_metric(const struct tend_engine *engine, const struct tend_service *service,
                         struct tend_subject *subject, size_t metric, int64_t data_ms)
{
    const struct tend_metric_table *table = &engine->fleet->table;
    const struct tend_metric_def *def = &service->def->metrics[metric];
    struct tend_baseline *baseline = subject->baselines[metric];
    const int64_t wall_ms = wall_ms_of(engine, data_ms);
    if (out_for_ms(subject, metric, data_ms) >= A_DAY_MS) {
        tend_log(TEND_LOG_INFO,
                 "baseline learned anew service=%s metric=%s why=\"out of line for a day, and no rule fired\"",
                 service->name, def->name);
        tend_baseline_drop_excursion(baseline); // a new level, no distance that it reaches by itself
        tend_baseline_restart(baseline, TEND_BASELINE_FROM_NOTHING);
        subject->out_since_ms[metric] = TEND_NEVER;
    }
    const double at = place_of(engine, def, subject, wall_ms);
    const double own = tend_baseline_expect(baseline, at).e;
    const bool is_new = isnan(own) && !tend_baseline_is_anew(baseline); // an instance without a past, or this hour's
    const double e = is_new ? service_e_at(engine, service, metric, at) : own;
    const double p = table->p[subject->slot + metric];
    const double f = tend_deviation_of(p, e, def->floor, def->bad);
    if (is_held(engine, service, subject, metric, data_ms) && subject->out_since_ms[metric] != TEND_NEVER) {
        tend_baseline_note_excursion(baseline, p, e, f);
        tend_baseline_weigh(baseline, wall_ms / 1000, at, p);
    } else {
        tend_baseline_learn(baseline, wall_ms / 1000, at, p, e, f);
    }
}

// What somebody decided to learn anew is learned through the alert that the old level raised; not through an act.
static bool goes_on(const struct tend_engine *engine, const struct tend_service *service,
                    const struct tend_baseline *baseline)
{
    return tend_baseline_is_anew(baseline) && tend_run_of_service(engine, service->name) == NULL;
}

// An alert may fire for no more than that a season swings otherwise at a new level. What an act does says nothing.
static void weigh_metric(const struct tend_engine *engine, const struct tend_service *service,
                         const struct tend_subject *subject, size_t metric, int64_t data_ms)
{
    if (tend_run_of_service(engine, service->name) == NULL) {
        const int64_t wall_ms = wall_ms_of(engine, data_ms);
        const double at = place_of(engine, &service->def->metrics[metric], subject, wall_ms);
        tend_baseline_weigh(subject->baselines[metric], wall_ms / 1000, at,
                            engine->fleet->table.p[subject->slot + metric]);
    }
}

void tend_learn_subject(const struct tend_engine *engine, const struct tend_service *service,
                        struct tend_subject *subject, int64_t data_ms, const struct tend_freeze *freeze)
{
    const struct tend_metric_table *table = &engine->fleet->table;
    for (size_t m = 0; m < service->def->metric_count; m++) {
        struct tend_baseline *baseline = subject->baselines[m];
        if (baseline == NULL) {
            continue;
        }
        if (tend_freeze_holds(freeze, &service->def->metrics[m]) && !goes_on(engine, service, baseline)) {
            tend_baseline_drop_excursion(baseline);
            weigh_metric(engine, service, subject, m, data_ms);
        } else if (!isnan(table->p[subject->slot + m]) &&
                   tend_baseline_is_due(baseline, wall_ms_of(engine, data_ms) / 1000)) {
            learn_metric(engine, service, subject, m, data_ms);
        }
    }
}

static void restart_subject(const struct tend_service *service, const struct tend_subject *subject,
                            enum tend_baseline_restart from)
{
    for (size_t m = 0; m < service->def->metric_count; m++) {
        if (subject->baselines[m] != NULL) {
            tend_baseline_drop_excursion(subject->baselines[m]); // from the old level: nobody says that it is usual
            tend_baseline_restart(subject->baselines[m], from);
            subject->out_since_ms[m] = from == TEND_BASELINE_FROM_NOTHING ? TEND_NEVER : subject->out_since_ms[m];
        }
    }
}

void tend_expect_restart(const struct tend_engine *engine, struct tend_service *service, struct tend_instance *only,
                         enum tend_baseline_restart from)
{
    (void)engine;
    restart_subject(service, &service->subject, from);
    for (size_t i = 0; i < service->instance_count; i++) {
        if (only == NULL || only == service->instances[i]) {
            restart_subject(service, &service->instances[i]->subject, from);
        }
    }
}

json_t *tend_learn_view(const struct tend_engine *engine, const struct tend_service *service,
                        const struct tend_subject *subject, size_t metric)
{
    const struct tend_baseline *baseline = subject->baselines[metric];
    if (baseline == NULL) {
        return NULL;
    }
    const struct tend_metric_table *table = &engine->fleet->table;
    const struct tend_metric_def *def = &service->def->metrics[metric];
    const struct tend_baseline_view view = tend_baseline_view(baseline);
    const struct tend_freeze freeze = tend_freeze_of(engine, service);
    const char *frozen = NULL;
    if (service->asleep) {
        frozen = "asleep";
    } else if (tend_run_of_service(engine, service->name) != NULL) {
        frozen = "being acted on";
    } else if (tend_freeze_holds(&freeze, def) && !goes_on(engine, service, baseline)) {
        frozen = "an alert is firing";
    } else if (is_held(engine, service, subject, metric, service->data_ms)) {
        frozen = view.relearning ? "out of line after a deploy" : "out of line";
    }
    const double reach = tend_baseline_reach(baseline);
    const bool raised = !isnan(def->alpha) && reach > def->alpha;
    const double age_s = view.samples == 0 ? (double)NAN : (double)engine->wall_ms / 1000.0 - (double)view.first_s;
    json_t *given = NULL;
    if (def->given != NULL) {
        given = json_pack("{s:s, s:o, s:s}", "metric", def->given, "value",
                          tend_json_real(table->p[subject->slot + def->given_metric]), "unit",
                          service->def->metrics[def->given_metric].unit);
    }
    return json_pack("{s:o, s:f, s:s?, s:b, s:b, s:o, s:I, s:o, s:o*}", "age_s", tend_json_real(age_s), "confidence",
                     view.confidence, "frozen", frozen, "warming_up", isnan(table->e[subject->slot + metric]),
                     "relearning", view.relearning, "scale", tend_json_real(view.scale), "samples",
                     (json_int_t)view.samples, "alpha_raised", raised ? json_real(reach) : json_null(), "given", given);
}
