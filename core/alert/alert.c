// The state machine drawn in alert.h.
//
// Durations are measured between sample times. A scrape may start up to one slot (100 ms) early or late against its
// interval, so a duration counts as over when it is short by no more than half a slot: with a scrape a second,
// fire_after = "1s" means two samples in a row.

#include "alert/alert.h"

#include <math.h>

enum { HALF_SLOT_MS = 50 };

const char *tend_alert_state_text(enum tend_alert_state state)
{
    switch (state) {
    case TEND_ALERT_INACTIVE:
        return "inactive";
    case TEND_ALERT_PENDING:
        return "pending";
    case TEND_ALERT_FIRING:
        return "firing";
    }
    return "unknown";
}

static bool lasted(int64_t since_ms, int64_t until_ms, int64_t wanted_ms)
{
    return wanted_ms == 0 || until_ms - since_ms >= wanted_ms - HALF_SLOT_MS;
}

static enum tend_alert_change take_out(struct tend_alert *alert, const struct tend_alert_times *times, int64_t data_ms)
{
    switch (alert->state) {
    case TEND_ALERT_INACTIVE:
        alert->state = TEND_ALERT_PENDING;
        alert->since_ms = data_ms;
        alert->began_ms = data_ms;
        if (times->fire_after_ms > 0) {
            return TEND_ALERT_BEGAN;
        }
        break;
    case TEND_ALERT_PENDING:
        if (!lasted(alert->since_ms, data_ms, times->fire_after_ms)) {
            return TEND_ALERT_SAME;
        }
        break;
    case TEND_ALERT_FIRING:
        if (alert->clear_since_ms != TEND_ALERT_NEVER) {
            tend_flap_out_again(&alert->flap, data_ms, alert->damped);
        }
        alert->clear_since_ms = TEND_ALERT_NEVER;
        alert->damped = false;
        if (!alert->by_missing || alert->out_since_ms == TEND_ALERT_NEVER ||
            !lasted(alert->out_since_ms, data_ms, times->fire_after_ms)) {
            return TEND_ALERT_SAME;
        }
        alert->by_missing = false; // a warning until now: it fires for a reason
        break;
    }
    if (alert->state != TEND_ALERT_FIRING) {
        tend_flap_fired(&alert->flap, data_ms);
    }
    alert->state = TEND_ALERT_FIRING;
    alert->since_ms = data_ms;
    alert->clear_since_ms = TEND_ALERT_NEVER;
    return TEND_ALERT_FIRED;
}

static enum tend_alert_change take_in_line(struct tend_alert *alert, const struct tend_alert_times *times,
                                           int64_t data_ms)
{
    switch (alert->state) {
    case TEND_ALERT_INACTIVE:
        return TEND_ALERT_SAME;
    case TEND_ALERT_PENDING:
        alert->state = TEND_ALERT_INACTIVE;
        alert->by_missing = false;
        return TEND_ALERT_ENDED;
    case TEND_ALERT_FIRING:
        break;
    }
    if (alert->clear_since_ms == TEND_ALERT_NEVER) {
        alert->clear_since_ms = data_ms;
        tend_flap_in_line(&alert->flap, data_ms);
    }
    if (!lasted(alert->clear_since_ms, data_ms, times->clear_after_ms)) {
        return TEND_ALERT_SAME;
    }
    if (!lasted(alert->clear_since_ms, data_ms, tend_flap_clear_after_ms(&alert->flap, times->clear_after_ms))) {
        const bool known = alert->damped;
        alert->damped = true;
        return known ? TEND_ALERT_SAME : TEND_ALERT_DAMPED;
    }
    alert->state = TEND_ALERT_INACTIVE;
    alert->clear_since_ms = TEND_ALERT_NEVER;
    alert->by_missing = alert->damped = false;
    tend_flap_resolved(&alert->flap, data_ms);
    return TEND_ALERT_RESOLVED;
}

static enum tend_alert_change take_nothing(struct tend_alert *alert)
{
    switch (alert->state) {
    case TEND_ALERT_INACTIVE:
        break;
    case TEND_ALERT_PENDING:
        alert->state = TEND_ALERT_INACTIVE;
        return TEND_ALERT_ENDED;
    case TEND_ALERT_FIRING:
        alert->clear_since_ms = TEND_ALERT_NEVER; // in line must hold without a gap, too
        alert->damped = false;
        break;
    }
    return TEND_ALERT_SAME;
}

enum tend_alert_change tend_alert_gap(struct tend_alert *alert)
{
    alert->out_since_ms = TEND_ALERT_NEVER;
    return take_nothing(alert);
}

enum tend_alert_change tend_alert_end(struct tend_alert *alert)
{
    const enum tend_alert_state before = alert->state;
    alert->state = TEND_ALERT_INACTIVE;
    alert->out_since_ms = alert->clear_since_ms = TEND_ALERT_NEVER;
    alert->by_missing = alert->damped = false;
    switch (before) {
    case TEND_ALERT_INACTIVE:
        break;
    case TEND_ALERT_PENDING:
        return TEND_ALERT_ENDED;
    case TEND_ALERT_FIRING:
        return TEND_ALERT_RESOLVED;
    }
    return TEND_ALERT_SAME;
}

// Out by data, or by a policy that counts no data as out.
static enum tend_alert_change take_data_out(struct tend_alert *alert, const struct tend_alert_times *times,
                                            int64_t data_ms)
{
    if (alert->state == TEND_ALERT_INACTIVE || alert->out_since_ms == TEND_ALERT_NEVER) {
        alert->out_since_ms = data_ms;
    }
    if (alert->state != TEND_ALERT_FIRING) { // time in which data was missing is no reason to act
        alert->by_missing = !lasted(alert->out_since_ms, data_ms, times->fire_after_ms) &&
                            alert->state == TEND_ALERT_PENDING && alert->since_ms < alert->out_since_ms;
    }
    return take_out(alert, times, data_ms);
}

enum tend_alert_change tend_alert_take(struct tend_alert *alert, const struct tend_alert_times *times,
                                       enum tend_verdict verdict, int64_t data_ms)
{
    switch (verdict) {
    case TEND_VERDICT_OUT:
        return take_data_out(alert, times, data_ms);
    case TEND_VERDICT_IN_LINE:
        alert->out_since_ms = TEND_ALERT_NEVER;
        return take_in_line(alert, times, data_ms);
    case TEND_VERDICT_UNKNOWN:
        if (times->missing == TEND_MISSING_ACT) {
            return take_data_out(alert, times, data_ms);
        }
        if (times->missing == TEND_MISSING_HOLD) {
            return tend_alert_gap(alert);
        }
        alert->out_since_ms = TEND_ALERT_NEVER;
        if (alert->state != TEND_ALERT_FIRING) { // one that fires for a reason goes on firing for that reason
            alert->by_missing = true;
        }
        return take_out(alert, times, data_ms);
    case TEND_VERDICT_HOLD:
    case TEND_VERDICT_ERROR:
        return tend_alert_gap(alert);
    }
    return TEND_ALERT_SAME;
}

bool tend_latch(bool latched, double a, double clear_below)
{
    if (isnan(a)) {
        return latched;
    }
    return a >= 1.0 || (latched && a >= clear_below);
}
