#pragma once
/// Tuning changes: a suggestion as lines of Lua with the places where they belong, and as rules to be played again.
///
/// A value that the user wrote is changed where it was written. What a pack wrote cannot be edited: it is overridden,
/// in tend.group "*" for a rule, in the service (or the group that discovers it) for a metric. Ownership: what comes
/// out is the caller's. Threads: none.

#include "base/json.h"
#include "driver/past/tuning.h"

/// @param document  the generation document, borrowed
/// @return [{"at": "FILE:LINE", "in": "rule \"slow\"", "line": "fire_after = \"30s\",", "was": text|null}]; empty when
/// the suggestion changes nothing
json_t *tend_tuning_changes(const struct tend_tuning_options *options, const struct tend_tuning_rule *rule,
                            const json_t *document);

/// The document with what is suggested for all rules put in. @return a new reference
json_t *tend_tuning_changed(const struct tend_tuning_options *options, const struct tend_tuning *tuning,
                            const json_t *document);
