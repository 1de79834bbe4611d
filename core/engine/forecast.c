// The limits that an outlook is held against are those of now, so a reload that moves a limit moves the forecast.

#include "engine/forecast.h"

#include <math.h>

enum { BUCKETS_AHEAD = 64 };
static const double FAR = 1.5; // times `ahead`, beyond which a forecast no longer holds a latch

int64_t tend_forecast_bucket_ms(const struct tend_service_def *def, const struct tend_metric_def *metric)
{
    const int64_t wanted_ms = metric->ahead_ms / BUCKETS_AHEAD;
    return wanted_ms < def->every_ms ? def->every_ms : wanted_ms;
}

// Whether the limit is a value of the metric, and not a part of what is expected at the time.
static bool has_value_limit(const struct tend_metric_def *metric)
{
    return !isnan(metric->out_at) || metric->expect == TEND_EXPECT_VALUE;
}

bool tend_forecast_goes_on(const struct tend_service_def *now_of, const struct tend_metric_def *now,
                           const struct tend_service_def *before_of, const struct tend_metric_def *before)
{
    return now->ahead_ms > 0 && before->ahead_ms > 0 && now->bad == before->bad &&
           has_value_limit(now) == has_value_limit(before) &&
           (now->bad != TEND_BAD_BOTH || now->expect_value == before->expect_value ||
            now->expect != TEND_EXPECT_VALUE) &&
           tend_forecast_bucket_ms(now_of, now) == tend_forecast_bucket_ms(before_of, before);
}

// How far a value lies on the bad side, as an outlook wants it: growing towards the limit.
static double badness(enum tend_bad bad, double value, double expected)
{
    switch (bad) {
    case TEND_BAD_ABOVE:
        return value;
    case TEND_BAD_BELOW:
        return -value;
    case TEND_BAD_BOTH:
        break;
    }
    return fabs(value - expected);
}

// @param changed_ms  when its process, or its version, became another; TEND_NEVER: it never did. For the length of a
// window from then on P is still a mean over both.
static void note(struct tend_fleet *fleet, const struct tend_service_def *def, struct tend_subject *subject,
                 int64_t changed_ms, int64_t data_ms)
{
    const struct tend_metric_table *table = &fleet->table;
    for (size_t m = 0; m < def->metric_count; m++) {
        struct tend_outlook *outlook = subject->outlooks[m];
        if (outlook == NULL) {
            continue;
        }
        const size_t slot = subject->slot + m;
        const enum tend_bad bad = def->metrics[m].bad;
        const double e = table->e[slot];
        const int64_t window_ms = def->metrics[m].window_ms > 0 ? def->metrics[m].window_ms : def->window_ms;
        if (changed_ms != TEND_NEVER && data_ms - changed_ms <= window_ms) {
            tend_outlook_cut(outlook, data_ms);
        } else if (has_value_limit(&def->metrics[m])) {
            tend_outlook_push(outlook, data_ms, badness(bad, table->p[slot], e),
                              badness(bad, tend_facts_threshold(table, slot), e));
        } else {
            const double scale = fmax(fabs(e), table->floor[slot]);
            tend_outlook_push(outlook, data_ms, badness(bad, (table->p[slot] - e) / scale, 0), table->alpha[slot]);
        }
    }
}

static int64_t changed_ms(const struct tend_instance *instance)
{
    const int64_t restart_ms = tend_series_window_history(instance->window)->restart_seen_ms;
    return restart_ms > instance->version_since_ms ? restart_ms : instance->version_since_ms;
}

void tend_forecast_note_instance(struct tend_fleet *fleet, struct tend_instance *instance)
{
    const int64_t newest_ms = tend_series_window_history(instance->window)->newest_ms;
    note(fleet, instance->service->def, &instance->subject, changed_ms(instance), newest_ms);
}

void tend_forecast_note_service(struct tend_fleet *fleet, struct tend_service *service)
{
    int64_t newest_ms = TEND_NEVER;
    for (size_t i = 0; i < service->instance_count; i++) {
        const int64_t changed = changed_ms(service->instances[i]);
        newest_ms = changed > newest_ms ? changed : newest_ms;
    }
    note(fleet, service->def, &service->subject, newest_ms, service->data_ms);
}

void tend_forecast_cut_subject(const struct tend_service_def *def, struct tend_subject *subject, int64_t now_ms)
{
    for (size_t m = 0; m < def->metric_count; m++) {
        if (subject->outlooks[m] != NULL) {
            tend_outlook_cut(subject->outlooks[m], now_ms);
        }
    }
}

void tend_forecast_cut(struct tend_service *service, int64_t now_ms)
{
    tend_forecast_cut_subject(service->def, &service->subject, now_ms);
    for (size_t i = 0; i < service->instance_count; i++) {
        tend_forecast_cut_subject(service->def, &service->instances[i]->subject, now_ms);
    }
}

struct tend_forecast tend_forecast_of(const struct tend_fleet *fleet, const struct tend_subject *subject, size_t metric)
{
    const struct tend_metric_table *table = &fleet->table;
    const size_t slot = subject->slot + metric;
    const double none = (double)NAN;
    if (table->missing[slot] == TEND_HAS_DATA && table->a[slot] >= 1.0) {
        return (struct tend_forecast){ .eta_s = 0, .least_s = 0, .most_s = 0, .span_s = none, .rise_per_s = none };
    }
    if (table->missing[slot] == TEND_HAS_DATA && subject->outlooks[metric] != NULL) {
        return tend_outlook_forecast(subject->outlooks[metric]);
    }
    return (struct tend_forecast){ .eta_s = none, .least_s = none, .most_s = none, .span_s = none, .rise_per_s = none };
}

static const struct tend_subject *subject_of(const struct tend_rule_alert *alert)
{
    return alert->instance == NULL ? &alert->service->subject : &alert->instance->subject;
}

bool tend_forecast_latch(const struct tend_engine *engine, const struct tend_rule_alert *alert, size_t metric)
{
    const bool latched = (alert->latches[metric] & TEND_LATCHED_FORETOLD) != 0;
    const struct tend_fleet *fleet = engine->fleet;
    const struct tend_subject *subject = subject_of(alert);
    const double a = fleet->table.a[subject->slot + metric];
    if (alert->binding->ahead_ms == 0) {
        return false;
    }
    if (isnan(a)) {
        return latched;
    }
    const double ahead_s = (double)alert->binding->ahead_ms / 1000.0;
    const double eta_s = tend_forecast_of(fleet, subject, metric).eta_s;
    return eta_s <= ahead_s ||
           (latched && (eta_s <= FAR * ahead_s || (isnan(eta_s) && a >= alert->binding->clear_below)));
}

bool tend_forecast_alone(const struct tend_rule_alert *alert, int metric)
{
    return metric >= 0 && alert->latches[metric] == TEND_LATCHED_FORETOLD;
}

static bool is_foretold(const struct tend_engine *engine, const struct tend_rule_alert *alert,
                        const struct tend_instance *instance)
{
    const double far_s = FAR * (double)alert->binding->ahead_ms / 1000.0;
    for (size_t m = 0; m < alert->service->def->metric_count; m++) {
        if ((alert->latches[m] & TEND_LATCHED_FORETOLD) != 0 &&
            (instance == NULL || instance == alert->instance ||
             (alert->instance == NULL && tend_forecast_of(engine->fleet, &instance->subject, m).eta_s <= far_s))) {
            return true;
        }
    }
    return false;
}

bool tend_forecast_concerns(const struct tend_engine *engine, const struct tend_service *service,
                            const struct tend_instance *instance)
{
    for (size_t i = 0; i < service->alert_count; i++) {
        const struct tend_rule_alert *alert = &service->alerts[i];
        if (alert->alert.state == TEND_ALERT_FIRING && alert->binding->ahead_ms > 0 &&
            is_foretold(engine, alert, instance)) {
            return true;
        }
    }
    return false;
}

void tend_forecast_set(json_t *numbers, struct tend_forecast forecast)
{
    if (!isnan(forecast.eta_s) && !isnan(forecast.span_s)) {
        (void)json_object_set_new(numbers, "eta_s", tend_json_real(forecast.eta_s));
        (void)json_object_set_new(numbers, "eta_least_s", tend_json_real(forecast.least_s));
        (void)json_object_set_new(numbers, "eta_most_s", tend_json_real(forecast.most_s));
        (void)json_object_set_new(numbers, "eta_span_s", tend_json_real(forecast.span_s));
    }
}
