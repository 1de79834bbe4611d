#pragma once
/// World calls: how the services of a scenario's world do, given how their instances are, and who calls whom.
///
/// Requests flow from callers down to what they depend on; time, errors and time-outs flow back up. MODEL.md has the
/// formulas. Units and ownership: world_state.h.

#include "driver/world/world_state.h"

/// Finds how services do while nothing is wrong, once, when all of them are there.
/// @return TEND_OK or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_world_find_usual(struct tend_scenario_world *world);
/// Works out how services do, after a change, and notes it when others serve than before.
void tend_world_settle(struct tend_scenario_world *world);
/// Lets time pass up to a moment, with everything as it has been since the last change.
void tend_world_carry_on(struct tend_scenario_world *world, int64_t now_ms);
/// Brings up to date what an instance shows and does not count.
void tend_world_show(struct tend_world_instance *instance, int64_t now_ms);
