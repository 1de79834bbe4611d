#pragma once
/// Measure: from an instance's window to P: first parts that can be added up over instances, then a value.
///
/// Pooling adds parts: rates, means, shares and quantiles pool by their sums, so an idle instance does not weigh as
/// much as a busy one; a gauge, `up` and the scrape's duration take the plain mean over instances; an age is the
/// youngest one (the newest success of any instance). CHANGES is a number, and pools as its mean. Instances without
/// data do not take part; with none left the first cause in the order of enum tend_missing is the service's. Units:
/// those of the series; RATE per second and instance, AGE and SCRAPE_DURATION seconds. Nothing allocates but create.
/// Threads: one.

#include "series/metric_def.h"
#include "series/metric_plan.h"
#include "series/missing.h"
#include "series/series_window.h"

#define TEND_BUCKETS_MAX 128

/// Increases of a histogram's cumulative buckets. Over the maximum the widest finite bounds are left out.
struct tend_buckets {
    size_t count;
    double le[TEND_BUCKETS_MAX]; ///< rising
    double increase[TEND_BUCKETS_MAX];
};

/// What a metric's value is made from. Meaning by kind:
///   GAUGE, UP, SCRAPE_DURATION  numerator: sum of the instances' values, denominator: their number
///   CHANGES                     changes of an instance, 1
///   RATE                        increases, and the seconds in which they came
///   MEAN, SHARE                 as the names say (increases or newest values)
///   QUANTILE                    buckets
///   AGE                         numerator: the smallest age, denominator 1
struct tend_parts {
    double numerator;
    double denominator;
    uint32_t samples;             ///< good scrapes used; of pooled parts the most that one instance has
    uint32_t instances;           ///< with data; of an instance 1 or 0
    enum tend_missing missing;    ///< a cause when instances is 0
    struct tend_buckets *buckets; ///< QUANTILE only, else NULL
};

/// Makes parts for each definition, empty and WARMING_UP, in one block.
/// @param[out] out  set on success, else left as it was  @return TEND_OK or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_parts_create(const struct tend_metric_def *defs, size_t count,
                                                   struct tend_parts **out);
void tend_parts_destroy(struct tend_parts *parts); ///< frees all of one create; NULL is allowed

/// Measures one instance: sets the parts of every definition of the plan. Uses the scrapes with
/// max(now_ms - window_ms, the cut) < at_ms <= now_ms; a definition with a window of its own looks back as far as that.
/// The plan must be bound to the window's layout.
/// @param wall_s  wall time now, for ages
void tend_measure_instance(const struct tend_metric_plan *plan, const struct tend_series_window *window, int64_t now_ms,
                           double wall_s, int64_t window_ms, struct tend_parts *parts);

/// P of parts, of one instance or pooled; NaN with a cause when there is none. `min_samples` does not bind UP and
/// SCRAPE_DURATION: one scrape tells them.
/// @param[out] missing  TEND_HAS_DATA or the cause
double tend_measure_value(const struct tend_metric_def *def, const struct tend_parts *parts,
                          enum tend_missing *missing);

/// Empties parts before tend_parts_add. They stay TEND_MISSING_TARGET_REMOVED when nothing is added.
void tend_parts_reset(struct tend_parts *total);
/// Adds an instance's parts of the same definition. Add in a fixed order: sums must not depend on chance.
void tend_parts_add(const struct tend_metric_def *def, struct tend_parts *total, const struct tend_parts *instance);

/// PromQL's histogram_quantile of cumulative buckets; NaN without observations, without the +Inf bucket or with fewer
/// than two buckets. A q below 0 gives -Inf, above 1 +Inf. @param buckets  bounds rising; falls in the counts are
/// levelled
double tend_buckets_quantile(const struct tend_buckets *buckets, double q);
