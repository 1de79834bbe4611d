#pragma once
/// Report change: what two reports (simulation_report.h) of the same past by different rules have not in common.
///
/// An alert of one report is an alert of the other when it is of the same rule, service and instance and the two
/// overlap in time; an act when it reads the same and lies within ten minutes. All others are gone or new.

#include "base/json.h"

/// @return a new reference: {"alerts": [{"change": "earlier"|"later"|"gone"|"new", "rule", "service", "instance",
/// "was_ms": n|null, "at_ms": n|null, "by_s": seconds later (negative: earlier)|null}], "alerts_same": n,
/// "acts": [{"change", "act": "would restart ledger/1", "playbook", "dry", "was_ms", "at_ms", "by_s"}], "acts_same":
/// n}; both in the order of time
json_t *tend_report_change(const json_t *was, const json_t *now);
