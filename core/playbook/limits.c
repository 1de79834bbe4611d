// The gate. The order of its tests is the order in which people want to hear: what a person did, what is wrong with
// tend, what is wrong with the world, then this service's own limits.

#include "playbook/limits.h"

#include <math.h>

struct tend_limits tend_limits_none(void)
{
    const double none = (double)NAN;
    return (struct tend_limits){ .at_once = none,
                                 .share = none,
                                 .min_healthy = none,
                                 .per_hour = none,
                                 .cooldown_ms = -1,
                                 .attempts = none,
                                 .confidence = none };
}

// fmin and fmax take the number where one of both is NaN.
struct tend_limits tend_limits_stricter(const struct tend_limits *one, const struct tend_limits *other)
{
    return (struct tend_limits){
        .at_once = fmin(one->at_once, other->at_once),
        .share = fmin(one->share, other->share),
        .min_healthy = fmax(one->min_healthy, other->min_healthy),
        .per_hour = fmin(one->per_hour, other->per_hour),
        .cooldown_ms = one->cooldown_ms > other->cooldown_ms ? one->cooldown_ms : other->cooldown_ms,
        .attempts = fmin(one->attempts, other->attempts),
        .confidence = fmax(one->confidence, other->confidence),
    };
}

const char *tend_refusal_text(enum tend_refusal refusal)
{
    switch (refusal) {
    case TEND_REFUSAL_NONE:
        return "";
    case TEND_REFUSAL_PAUSED:
        return "paused";
    case TEND_REFUSAL_JOURNAL:
        return "journal";
    case TEND_REFUSAL_BLIND:
        return "blind";
    case TEND_REFUSAL_GRACE:
        return "grace";
    case TEND_REFUSAL_BREAKER:
        return "breaker";
    case TEND_REFUSAL_CONFIDENCE:
        return "confidence";
    case TEND_REFUSAL_ATTEMPTS:
        return "attempts";
    case TEND_REFUSAL_COOLDOWN:
        return "cooldown";
    case TEND_REFUSAL_BACKOFF:
        return "backoff";
    case TEND_REFUSAL_PER_HOUR:
        return "per_hour";
    case TEND_REFUSAL_AT_ONCE:
        return "at_once";
    case TEND_REFUSAL_DEPENDENCY:
        return "dependency";
    case TEND_REFUSAL_SHARE:
        return "share";
    case TEND_REFUSAL_MIN_HEALTHY:
        return "min_healthy";
    case TEND_REFUSAL_VERSION:
        return "version";
    case TEND_REFUSAL_ASLEEP:
        return "asleep";
    }
    return "unknown";
}

bool tend_refusal_is_hold(enum tend_refusal refusal)
{
    switch (refusal) {
    case TEND_REFUSAL_PAUSED:
    case TEND_REFUSAL_JOURNAL:
    case TEND_REFUSAL_ASLEEP:
    case TEND_REFUSAL_GRACE:
    case TEND_REFUSAL_BACKOFF:
    case TEND_REFUSAL_AT_ONCE:
    case TEND_REFUSAL_DEPENDENCY:
        return true;
    case TEND_REFUSAL_NONE:
    case TEND_REFUSAL_BLIND:
    case TEND_REFUSAL_BREAKER:
    case TEND_REFUSAL_CONFIDENCE:
    case TEND_REFUSAL_ATTEMPTS:
    case TEND_REFUSAL_COOLDOWN:
    case TEND_REFUSAL_PER_HOUR:
    case TEND_REFUSAL_SHARE:
    case TEND_REFUSAL_MIN_HEALTHY:
    case TEND_REFUSAL_VERSION:
        return false;
    }
    return false;
}

// A limit that is NaN was not given, and a comparison with NaN is false: it never refuses. A confidence that is NaN is
// none.
enum tend_refusal tend_limits_refuse_run(const struct tend_limits *limits, const struct tend_gate *gate)
{
    const struct {
        bool refused;
        enum tend_refusal why;
    } tests[] = {
        { gate->paused, TEND_REFUSAL_PAUSED },
        { gate->journal_failed, TEND_REFUSAL_JOURNAL },
        { gate->blind, TEND_REFUSAL_BLIND },
        { gate->asleep, TEND_REFUSAL_ASLEEP },
        { gate->in_grace, TEND_REFUSAL_GRACE },
        { gate->breaker_open, TEND_REFUSAL_BREAKER },
        { !isnan(limits->confidence) && !(gate->confidence >= limits->confidence), TEND_REFUSAL_CONFIDENCE },
        { (double)gate->attempts >= limits->attempts, TEND_REFUSAL_ATTEMPTS },
        { gate->now_ms < gate->cooldown_until_ms, TEND_REFUSAL_COOLDOWN },
        { gate->now_ms < gate->backoff_until_ms, TEND_REFUSAL_BACKOFF },
        { (double)gate->runs_last_hour >= limits->per_hour, TEND_REFUSAL_PER_HOUR },
        { (double)gate->fleet_runs_last_hour >= gate->fleet_per_hour, TEND_REFUSAL_PER_HOUR },
        { gate->runs_now > 0 || (double)gate->runs_now >= limits->at_once, TEND_REFUSAL_AT_ONCE },
        { (double)gate->fleet_runs_now >= gate->fleet_at_once, TEND_REFUSAL_AT_ONCE },
        { gate->dependency_in_run, TEND_REFUSAL_DEPENDENCY },
    };
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        if (tests[i].refused) {
            return tests[i].why;
        }
    }
    return TEND_REFUSAL_NONE;
}

enum tend_refusal tend_limits_refuse_step(const struct tend_limits *limits, const struct tend_step_gate *gate)
{
    const double allowed = fmax(1.0, floor(limits->share * (double)gate->instances)); // never less than one instance
    if ((double)gate->acted_on + 1.0 > allowed) {
        return TEND_REFUSAL_SHARE;
    }
    // One that does not serve takes nothing away by being acted on.
    if (gate->target_serves && (double)gate->serving - 1.0 < limits->min_healthy) {
        return TEND_REFUSAL_MIN_HEALTHY;
    }
    return TEND_REFUSAL_NONE;
}

int64_t tend_limits_backoff_ms(size_t failed_runs, uint64_t seed)
{
    if (failed_runs == 0) {
        return 0;
    }
    const double base = fmin(300e3, 10e3 * exp2((double)(failed_runs - 1)));
    const double jitter = 0.8 + 0.4 * (double)(seed % 1001) / 1000.0;
    return (int64_t)(base * jitter);
}
