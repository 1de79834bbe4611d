#pragma once
/// Limits: how far automatic recovery may go, and the one place that says no.
///
/// Limits come from a service, its playbook and groups; the stricter of each holds. The gate is a pure function from
/// what holds and what is going on to the first reason not to begin a run, or none. Units: `share` and `confidence` are
/// ratios 0 to 1, `_ms` is engine time.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// How many starts of runs are remembered, of a service and of the fleet: no `per_hour` can be larger.
enum { TEND_RUNS_KEPT = 128 };

struct tend_limits {     ///< NaN or -1: not given
    double at_once;      ///< runs at the same time
    double share;        ///< of a service's instances that may be out of service for a run at once
    double min_healthy;  ///< instances that must go on serving
    double per_hour;     ///< runs of a service in an hour; over it the breaker opens
    int64_t cooldown_ms; ///< after a run, before another incident may start one
    double attempts;     ///< of one remedy in one incident
    double confidence;   ///< least confidence that the culprit is the culprit
};

/// Nothing given.
struct tend_limits tend_limits_none(void);
/// The stricter of both, field by field.
struct tend_limits tend_limits_stricter(const struct tend_limits *one, const struct tend_limits *other);

enum tend_refusal {
    TEND_REFUSAL_NONE = 0,
    TEND_REFUSAL_PAUSED,
    TEND_REFUSAL_JOURNAL,
    TEND_REFUSAL_BLIND,
    TEND_REFUSAL_GRACE,
    TEND_REFUSAL_BREAKER,
    TEND_REFUSAL_CONFIDENCE,
    TEND_REFUSAL_ATTEMPTS,
    TEND_REFUSAL_COOLDOWN,
    TEND_REFUSAL_BACKOFF,
    TEND_REFUSAL_PER_HOUR,
    TEND_REFUSAL_AT_ONCE,
    TEND_REFUSAL_DEPENDENCY,
    TEND_REFUSAL_SHARE,
    TEND_REFUSAL_MIN_HEALTHY,
    TEND_REFUSAL_VERSION,
    TEND_REFUSAL_ASLEEP,
};

/// The reason as one word for records: "paused", "cooldown" …
const char *tend_refusal_text(enum tend_refusal refusal);
/// Whether time alone may lift it (hold), or a person is needed (escalate).
bool tend_refusal_is_hold(enum tend_refusal refusal);

/// What goes on as a run is about to begin.
struct tend_gate {
    int64_t now_ms;
    bool paused;
    bool journal_failed;
    bool blind;                ///< most targets failed at once
    bool asleep;               ///< outside the hours in which the service is watched
    bool in_grace;             ///< too soon after the start
    bool breaker_open;         ///< for this service
    double confidence;         ///< of the culprit
    size_t attempts;           ///< of this remedy in this incident
    int64_t cooldown_until_ms; ///< of this service, from a run of another incident
    int64_t backoff_until_ms;  ///< of this service, after a failed run
    size_t runs_last_hour;     ///< of this service
    size_t runs_now;           ///< of this service
    bool dependency_in_run;    ///< one it depends on, or that depends on it, is being acted on
    size_t fleet_runs_now;
    size_t fleet_runs_last_hour;
    double fleet_at_once; ///< the strictest `together` of its groups
    double fleet_per_hour;
};

enum tend_refusal tend_limits_refuse_run(const struct tend_limits *limits, const struct tend_gate *gate);

/// Whether one instance may be taken out of service now.
struct tend_step_gate {
    size_t instances;   ///< of the service
    size_t serving;     ///< of them, answering now
    bool target_serves; ///< the one to be acted on is among them
    size_t acted_on;    ///< others that this run acted on and that are not yet verified
};
enum tend_refusal tend_limits_refuse_step(const struct tend_limits *limits, const struct tend_step_gate *gate);

/// Pause after the n-th failed run in a row (n from 1): 10 s doubled each time, at most 300 s, within 20 % of it either
/// way by @p seed, so that many targets do not come back at once.
int64_t tend_limits_backoff_ms(size_t failed_runs, uint64_t seed);
