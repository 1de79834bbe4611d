#pragma once
/// Ledger: what the alarms of a time were worth, rule by rule, as the journal and people's marks say.
///
/// An alarm of a rule is an incident in which it fired, however often and on however many subjects: that is what wakes
/// a person, and what a person marks. Messages, runs and acts are the incident's, and count for each rule that fired in
/// it. The JSON (times are RFC 3339 in UTC, spans seconds; null: not known):
///   {from, until, covered_s, rule,       rule: the only one that was asked for, or null
///    sums:{incidents, open, real, false, unmarked, messages, runs, cured, acts},
///    rules:[{name, alarms, firings, flaps, by_missing, real, false, unmarked, precision, precision_low,
///    precision_high,
///            per_week, messages, runs, dry_runs, cured, acts,
///            onset_to_fired_s, began_to_fired_s, fired_to_told_s, lasted_s, recovered_s}],   each {count, median,
///            largest}
///    services:[{the same}],              of the services that rules fired on
///    incidents:[{id, opened, ended, took_s, severity, state, outcome, rules, services, culprits, mark, why, who,
///    marked}]}
/// `flaps` are firings of a subject in an incident beyond its first. Rules and services by alarms, most first;
/// incidents newest first.

#include "base/json.h"
#include "base/status.h"
#include "driver/live/journal.h"

#include <stdint.h>

struct tend_ledger_options {
    int64_t from_wall_ms;  ///< incidents opened from here on
    int64_t until_wall_ms; ///< and before this
    const char *rule;      ///< only incidents in which it fired; NULL: all
};

/// @return TEND_OK, TEND_E_NOMEM, or what the journal says
TEND_MUST_CHECK enum tend_status tend_ledger_read(struct tend_journal *journal,
                                                  const struct tend_ledger_options *options, json_t **out,
                                                  struct tend_error *error);
