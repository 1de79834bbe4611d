#pragma once
/// Charter: whether what was done in a simulated world is what core/SAFETY.md promises.
///
/// Judged from the ledger of acts, which the world keeps; from the scenario, which knows what was really broken; and
/// from the records, which must have each act's intent before it. Only what anybody could have known counts: see
/// act_ledger.h. Ownership: who creates, destroys; what the options point to must outlive it.

#include "driver/world/act_ledger.h"

struct tend_charter_options {
    const struct tend_act_ledger *ledger;
    const struct tend_simulation *simulation;
    const struct tend_ruleset *ruleset; ///< of the world
    const json_t *scenario;             ///< its faults are the truth
    int64_t begun_ms;
};

struct tend_charter;

TEND_MUST_CHECK enum tend_status tend_charter_create(const struct tend_charter_options *options,
                                                     struct tend_charter **out);
void tend_charter_destroy(struct tend_charter *charter); ///< NULL is allowed

/// What was broken, in order of time: [{"what": "no act on a victim", "at_s", "text"}]; a new reference.
json_t *tend_charter_broken(const struct tend_charter *charter);
/// The world's moments with what tend did: each service also has "acts", how many there were, and, from its second run
/// on, "pause_s": from the last act of the run before to the first of the newest; and a moment has "by_act", whether an
/// act made it. A new reference.
/// @param moments  as tend_scenario_world_moments gives them
json_t *tend_charter_moments(const struct tend_charter *charter, const json_t *moments);
