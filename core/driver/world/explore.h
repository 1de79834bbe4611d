#pragma once
/// Explore: searches for trouble: plays playbooks in many worlds that are made up, and judges each.
///
/// A world breaks when the charter is not kept (charter.h) or when an invariant of the rules' author does not hold.
/// What is found first for a playbook is shrunk and told as a scenario to be put among the tests. The same rules and
/// seed find the same. Units: `_s` simulated seconds. Threads: one.

#include "driver/sim/awaited_evaluator.h"

struct tend_explore_options {
    const json_t *document;                   ///< the generation document, without errors
    const char *hash;                         ///< of the generation
    json_t *sources;                          ///< rules and tests
    struct tend_awaited_evaluator *evaluator; ///< with these sources
    uint64_t seed;
    uint64_t worlds;                                  ///< for each playbook
    const char *playbook;                             ///< NULL: each of them
    void (*on_progress)(void *context, double share); ///< NULL: nobody looks
    void *progress_context;
};

/// @param[out] report  {"seed", "worlds": how many were played, "acts": that tend did in them, "simulated_s",
/// "playbooks": [{"playbook", "worlds", "skip": text|null, "found": null | {"world": its number, "what": "no act on a
/// victim", "text", "tries": candidates played to shrink it, "scenario": {…}, "lines": [text], "story": [text]}}]}; a
/// new reference
/// @return TEND_OK, also when something was found; TEND_E_INVALID: no such playbook, or a world cannot be played, error
/// says why; TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_explore(const struct tend_explore_options *options, json_t **report,
                                              struct tend_error *error);
