#pragma once
/// Selected series: what other rules select that the recorded rules did not, so that a recording lacks it.
///
/// A recording holds the series that its own rules selected, and no others. A selector of the others is in it for sure
/// when some selector of the same service had all of its matchers or fewer; else at least a part of it may not be.

#include "engine/ruleset.h"

/// @return a new list of texts, sorted as services and metrics are:
/// "ledger: queue: queue_depth{kind=\"in\"} was not selected when it was recorded" or
/// "search: was not watched when it was recorded"; NULL: out of memory
json_t *tend_selected_series_lacking(const struct tend_ruleset *recorded, const struct tend_ruleset *others);
