#pragma once
/// Replay rules: other rules over a recorded past, and what would have been different.
///
/// Both the recorded rules and the others are played over the same scrapes, from the same beginning and unarmed: so the
/// difference is the rules', and not what was known before or what an act changed.

#include "base/json.h"
#include "base/status.h"

#include <stdint.h>

struct tend_replay_rules_options {
    const char *recording;     ///< a segment, a bundle, or a directory of segments
    int64_t from_ms, until_ms; ///< engine time; INT64_MIN, INT64_MAX: all of it
    const char *dir;           ///< of the other rules
    const char *env;           ///< NULL: none
    void (*on_progress)(void *context, double share, int64_t wall_ms);
    void *context;
};

/// @param[out] change  as tend_report_change, with {"rules": dir, "missing": [series that the others select and the
/// recording lacks], "from_ms", "until_ms"}; a new reference
/// @return TEND_OK, TEND_E_INVALID (the rules do not load, no rules are recorded), or as readers of recordings
TEND_MUST_CHECK enum tend_status tend_replay_rules_play(const struct tend_replay_rules_options *options,
                                                        json_t **change, struct tend_error *error);
