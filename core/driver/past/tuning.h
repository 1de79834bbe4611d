#pragma once
/// Tuning: what other thresholds would have cost over a past: alarms under each point of a grid of alpha, fire_after
/// and clear_below, what a stretch to come will bring, which marked incidents would have been found and how soon, and
/// the point that fits a budget of false alarms.
///
/// An alarm is an alert that fires. It is false unless it fired during a marked incident of its service, or of one that
/// its service depends on. All is per rule, over all its services. Units: `_ms` milliseconds, `_s` seconds. Ownership:
/// who creates destroys. Threads: one.

#include "alert/alarm_rate.h"
#include "base/json.h"
#include "driver/past/tuning_streams.h"
enum { TEND_TUNING_WAITS = 8 };

/// A number of false alarms in a time that is acceptable.
struct tend_tuning_budget {
    double alarms;
    int64_t within_ms; ///< 0: no budget was stated
};

/// One point of the grid. Index 0 of waits and clears is "as it is".
struct tend_tuning_point {
    size_t factor; ///< index of tend_tuning_factors
    size_t wait;   ///< index of the rule's waits: fire_after
    size_t clear;  ///< index of tend_tuning_clears: clear_below; of a function's rule of its waits: clear_after
    uint32_t alarms, false_alarms;
    struct tend_alarm_forecast forecast; ///< of false alarms in the period that was asked about
    double per_budget;                   ///< false alarms seen, for as long as the budget is for; NaN without one
    double exceeds;                      ///< probability that such a time to come has more than the budget; NaN without
    uint32_t found;                      ///< marked incidents
    double firing_share;                 ///< how much of the time false alarms fired, the mean of all alerts
    double delay_s;                      ///< median over those found; NaN: none was
};

enum tend_tuning_advice {
    TEND_TUNING_NO_BUDGET, ///< none was stated: nothing is suggested
    TEND_TUNING_KEEP,      ///< as it is, it fits the budget, and no other point that does is better
    TEND_TUNING_CHANGE,    ///< `suggested` fits the budget
    TEND_TUNING_NEAREST,   ///< nothing fits; `suggested` comes nearest (which may be the point as it is)
};

struct tend_tuning_rule {
    size_t rule; ///< index in the ruleset
    size_t alerts;
    bool by_metric;         ///< the limit and clear_below are varied, else only fire_after and clear_after
    bool shares;            ///< another rule is on the same metric of a service: a suggestion keeps its limit
    bool approximate;       ///< E depends on what fired, so another point would have had another E
    bool unexplained;       ///< verdicts do not follow from A alone: the limit is not varied
    double alpha, out_at;   ///< of all alerts as it is; NaN: they differ, or have the other one
    int64_t fire_after_ms;  ///< likewise; -1: they differ
    int64_t clear_after_ms; ///< likewise
    double clear_below;     ///< likewise; NaN
    int64_t waits_ms[TEND_TUNING_WAITS]; ///< [0]: -1, as it is
    size_t wait_count;
    struct tend_tuning_point *points;
    size_t point_count;
    size_t now, suggested;
    enum tend_tuning_advice advice;
    double observed_s;    ///< how much of the past had samples for it
    double dispersion;    ///< of its false alarms as it is
    const char *noisiest; ///< the service with the most false alarms as it is; NULL: there was none. Borrowed
    uint32_t noisiest_alarms;
};

struct tend_tuning {
    struct tend_tuning_rule *rules; ///< that were judged, in the order of the ruleset
    size_t count;
};

struct tend_tuning_options {
    const struct tend_tuning_streams *streams; ///< outlives the result
    const json_t *report;                      ///< of the rehearsal: its time, and who depends on whom
    const json_t *labels;                      ///< as of tend_incident_labels_read; NULL: no incident is marked
    int64_t period_ms;                         ///< that a forecast is for
    struct tend_tuning_budget budget;
    size_t only; ///< index of a rule; SIZE_MAX: all
};

/// @return TEND_OK or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_tuning_judge(const struct tend_tuning_options *options, struct tend_tuning *out);
void tend_tuning_clear(struct tend_tuning *tuning); ///< of one that is zero, too

/// The point of a rule by its indexes; NULL: the grid has none there.
const struct tend_tuning_point *tend_tuning_find(const struct tend_tuning_rule *rule, size_t factor, size_t wait,
                                                 size_t clear);
