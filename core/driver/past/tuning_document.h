#pragma once
// clang-format off
/// Tuning document: what `tend tune` tells, as one JSON object, from which the terminal's text is made.
///
/// { "from_ms", "until_ms", "period_ms": that forecasts are for, "budget": {"alarms": n, "within_ms"}|null, "marks": n,
///   "incidents": n, "pages": n,      of the rehearsal, under the rules as they are
///   "rules": [{"rule", "at": "FILE:LINE", "metric": text|null, "alerts": n, "observed_s", "dispersion",
///     "alpha": n|null, "out_at": n|null, "unit", "fire_after_ms": n|null, "clear_below": n|null, "clear_after_ms": n|null,
///                                    as they are; null: not the same for all services, or not given
///     "varies": "limit"|"times",     the limit and clear_below, or clear_after; fire_after always
///     "shared", "approximate", "unexplained": bool,
///     "noisiest": {"service", "alarms"}|null,
///     "points": [{"factor", "alpha"|null, "out_at"|null, "fire_after_ms"|null, "clear_below"|null, "clear_after_ms"|null,
///                 "alarms": n, "false_alarms": n, "firing_share", "mean", "low": n, "high": n, "per_budget"|null, "exceeds"|null,
///                 "found": n, "delay_s"|null}],   null of a setting: as it is
///     "now": index in points, "suggested": index, "advice": "none"|"keep"|"change"|"nearest",
///     "changes": [{"at": "FILE:LINE", "in": text, "line": text, "was": text}],   tuning_changes.h
///     "confirmed": {"alarms": n, "false_alarms": n}|null }] }   of another rehearsal, with the changes of all rules in it
// clang-format on

#include "base/json.h"
#include "driver/past/tuning.h"

/// @param document  the generation document  @return a new reference
json_t *tend_tuning_document(const struct tend_tuning_options *options, const struct tend_tuning *tuning,
                             const json_t *document);
