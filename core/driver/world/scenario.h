#pragma once
/// Scenario: one `test.scenario` of the generation document, and playing it.
///
/// A scenario's services are those it names, in `world` or in the keys of `series`, and what those depend on. Their
/// definitions are the rules' own, whether the rules name targets or leave that to a discovery; their instances are
/// those of the world. All playbooks are armed. Units: `_ms` engine time. Threads: one.

#include "driver/sim/awaited_evaluator.h"
#include "driver/sim/simulation_report.h"

struct tend_coverage;
struct tend_simulation_recorder;

struct tend_scenario_options {
    const json_t *document;                   ///< the generation document, without errors
    size_t index;                             ///< of the scenario in it
    const json_t *explored;                   ///< NULL, or a scenario that is played in place of one of the document:
                                              ///< it has no check, only the invariants are asked
    const char *hash;                         ///< of the generation
    json_t *sources;                          ///< rules and tests
    struct tend_awaited_evaluator *evaluator; ///< with these sources; it also calls `check`
    bool forgetful;                           ///< the evaluator is started anew before each tick
    const struct tend_simulation_recorder *recorder; ///< NULL, or who is shown all that happens (simulation.h)
    const char *blamed;                              ///< NULL, or the culprit in any case (simulation.h)
    const json_t *remedies;                          ///< NULL, or {name: [playbook's number]}: all there are
    struct tend_coverage *coverage;                  ///< NULL, or what is told what the scenario reached
    struct tend_report_builder *report;              ///< NULL, or what is shown each step
};

/// Plays a scenario and has its `check` and the invariants called.
/// @param[out] result  {"name", "at", "seed", "skip": text|null, "failures": [text], "run": {…}, "story": [text],
/// "broken": what the charter forbids and was done (charter.h)}; a new reference
/// @return TEND_OK, also when it failed or was skipped; TEND_E_INVALID: it cannot be played, error says why;
/// TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_scenario_play(const struct tend_scenario_options *options, json_t **result,
                                                    struct tend_error *error);
