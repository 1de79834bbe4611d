#pragma once
/// Alert: one rule on one subject (a service or an instance), and where it stands.
///
///                 out                    out for fire_after
///     inactive ─────────▶ pending ─────────────────────────▶ firing
///        ▲  ▲   in line, unknown │                              │
///        │  └────────────────────┘     in line for clear_after  │
///        └──────────────────────────────────────────────────────┘
///
/// An unknown verdict never fires nor resolves by accident: it ends a pending time (a gap restarts the count) and
/// leaves a firing alert firing; policy "warn" raises it as a warning that may not act, "act" counts it as out; what is
/// only warming up is held whatever the policy, or every start, wake and act would raise what waits for data. A
/// warning fires anew once data was out of line for fire_after: what fires then may act. Units: `_ms` is the engine
/// time of samples, so that lateness of their arrival cannot shorten or lengthen a duration.

#include "alert/flap.h"
#include "alert/verdict.h"

#include <stdbool.h>
#include <stdint.h>

enum tend_alert_state { TEND_ALERT_INACTIVE, TEND_ALERT_PENDING, TEND_ALERT_FIRING };

/// What a verdict did to an alert.
enum tend_alert_change {
    TEND_ALERT_SAME,
    TEND_ALERT_BEGAN,
    TEND_ALERT_FIRED,
    TEND_ALERT_RESOLVED,
    TEND_ALERT_ENDED,
    TEND_ALERT_DAMPED, ///< it would be resolved now, but flaps: it fires on
};

/// What to make of an unknown verdict.
enum tend_missing_policy { TEND_MISSING_HOLD, TEND_MISSING_WARN, TEND_MISSING_ACT };

struct tend_alert_times {
    int64_t fire_after_ms;
    int64_t clear_after_ms;
    enum tend_missing_policy missing;
};

struct tend_alert {
    enum tend_alert_state state;
    int64_t began_ms;       ///< first sample out of line of the time that is pending or firing
    int64_t since_ms;       ///< pending: first sample out of line; firing: when it fired
    int64_t out_since_ms;   ///< first of the samples out of line in a row up to the newest, or TEND_ALERT_NEVER
    int64_t clear_since_ms; ///< firing: first sample back in line, or TEND_ALERT_NEVER
    bool by_missing;        ///< out because data is missing, under "warn": it may not act
    bool damped;            ///< in line for clear_after, and firing on because it flaps
    struct tend_flap flap;
};

enum { TEND_ALERT_NEVER = -1 };

/// The state as users read it: "inactive", "pending", "firing".
const char *tend_alert_state_text(enum tend_alert_state state);

/// Takes one verdict. @param data_ms  time of the newest sample that the verdict looked at
enum tend_alert_change tend_alert_take(struct tend_alert *alert, const struct tend_alert_times *times,
                                       enum tend_verdict verdict, int64_t data_ms);
/// It is over, whatever the data says: its service fell asleep.
enum tend_alert_change tend_alert_end(struct tend_alert *alert);
/// Nobody looked for a while: what has to hold without a break begins anew.
enum tend_alert_change tend_alert_gap(struct tend_alert *alert);

/// The two-threshold latch of `.out`: true from A >= 1 on, false again below clear_below; no data keeps it.
bool tend_latch(bool latched, double a, double clear_below);
