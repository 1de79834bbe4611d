#pragma once
/// Forecast: when a metric will be out of line, for rules that look ahead. Private to this folder.
///
/// Each metric that a rule wants to see ahead of has an outlook (deviation/outlook.h) for its service and for each
/// instance, fed with what lies on the bad side: P where the limit is a value (a low one turned round), the distance to
/// E where both sides are bad, the relative deviation where E moves and alpha is the limit. A process that began anew,
/// a new version, an act and the end of a sleep cut what came before: it tells nothing of what comes after.

#include "engine/state.h"

/// Width of the smallest buckets of a metric's outlook.
int64_t tend_forecast_bucket_ms(const struct tend_service_def *def, const struct tend_metric_def *metric);
/// Whether an outlook of a metric goes on under a new definition of it, made of the same source.
bool tend_forecast_goes_on(const struct tend_service_def *now_of, const struct tend_metric_def *now,
                           const struct tend_service_def *before_of, const struct tend_metric_def *before);

/// Takes what this tick measured into the outlooks: first the instances that are dirty, then their service.
void tend_forecast_note_instance(struct tend_fleet *fleet, struct tend_instance *instance);
void tend_forecast_note_service(struct tend_fleet *fleet, struct tend_service *service);
/// Forgets what a subject did up to @p now_ms.
void tend_forecast_cut_subject(const struct tend_service_def *def, struct tend_subject *subject, int64_t now_ms);
/// Forgets what a service and its instances did up to now.
void tend_forecast_cut(struct tend_service *service, int64_t now_ms);

/// The forecast of a subject's metric: 0 s where it is out of line already; NaN: none, or no data.
struct tend_forecast tend_forecast_of(const struct tend_fleet *fleet, const struct tend_subject *subject,
                                      size_t metric);
/// Whether a rule takes a metric for out of line by its forecast: from eta <= ahead on; until eta is beyond 1.5 times
/// ahead, or there is none and A is below clear_below. No data keeps it.
bool tend_forecast_latch(const struct tend_engine *engine, const struct tend_rule_alert *alert, size_t metric);

/// Whether an alert is out of line by nothing but a forecast of this metric.
bool tend_forecast_alone(const struct tend_rule_alert *alert, int metric);
/// Whether an alert that fires by a forecast is about this instance: it is on it, or on its service while the
/// instance's own forecast says the same. NULL: whether there is one on the service or any of its instances.
bool tend_forecast_concerns(const struct tend_engine *engine, const struct tend_service *service,
                            const struct tend_instance *instance);

/// Puts a forecast beside a metric's numbers: eta_s, eta_least_s, eta_most_s, eta_span_s; nothing where there is none,
/// or where the metric is out of line already.
void tend_forecast_set(json_t *numbers, struct tend_forecast forecast);
