#pragma once
/// Explanation: the story of one incident, put together from its journal records; nothing else is asked.
///
/// Feed it the incident's records in order of number, and operator records of its time, then finish. What did not
/// happen and why is in it too: decisions not to act are records like any other.
///
/// The JSON (times are RFC 3339 in UTC; `after_s` is seconds since the incident opened, negative before; null: none):
///   {incident, state, outcome, opened, ended, took_s, severity, mark:{mark, why, who, at}, services:[…],
///    alerts:[{rule, service, instance, severity, state, metric, expected, measured, F, alpha, A, out_at, unit,
///    missing,
///             summary, foretold, eta_s, eta_least_s, eta_most_s, since, fired, resolved, since_after_s, fired_after_s,
///             resolved_after_s}],
///    culprits:[{service, confidence, reasons}], ranking:[{service, score, confidence, reasons}], wait,
///    decisions:[{at, after_s, what, service, playbook, reason, text, times}],   times: how often in a row
///    runs:[{id, playbook, playbook_hash, service, dry, state, outcome, error, generation, began, ended, began_after_s,
///    took_s,
///           steps:[{seq, attempt, verb, instance, kind, args, undo, dry, idempotent, at, state, outcome, error, value,
///                   began, ended, began_after_s, took_s}]}],
///    notices:[{key, about, notify, to, status, tries, error, at, after_s}],
///    operators:[{what, argument, who, on, at, after_s}],
///    timeline:[{at, after_s, text}]}
/// The P, E, F and A of an alert are those of the record that fired it.
/// Ownership: who creates destroys; records are borrowed for the call of add.

#include "base/json.h"
#include "base/status.h"
#include "journal/record.h"

struct tend_explanation;

TEND_MUST_CHECK enum tend_status tend_explanation_create(struct tend_explanation **out);
void tend_explanation_destroy(struct tend_explanation *explanation); ///< NULL is allowed

/// Takes the next record; kinds that tell nothing about an incident are ignored. @return TEND_OK or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_explanation_add(struct tend_explanation *explanation,
                                                      const struct tend_record *record);

/// The story so far; the caller's reference. NULL: there was no incident record, or out of memory.
json_t *tend_explanation_finish(const struct tend_explanation *explanation);
