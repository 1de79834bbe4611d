#pragma once
/// Scenario text: a scenario as a person writes it into a *_test.lua file.

#include "base/json.h"

/// The lines of `test.scenario "…" { … }`: [text]; a new reference. Its check asserts that the charter was kept
/// (`run.broken`); invariants are asked in any case.
/// @param scenario  as the generation document has it, with times in milliseconds
json_t *tend_scenario_text(const json_t *scenario);
