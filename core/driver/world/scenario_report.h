#pragma once
/// Scenario report: what `check(run)` sees, and the story for people, from the records of a simulation.

#include "driver/sim/simulation.h"

/// {"culprit", "culprits", "alerts", "steps", "pages", "refused", "ended", "weighed", "fault_s" of the first,
/// "recovered_s"}; a new reference.
/// @param fault_ms  engine time of the first fault, or of the beginning
json_t *tend_scenario_report(const struct tend_simulation *simulation, int64_t begun_ms, int64_t fault_ms);
/// Lines: "1m05s  fired: down on redis/1"; a new reference.
json_t *tend_scenario_story(const struct tend_simulation *simulation, int64_t begun_ms, const json_t *scenario);
