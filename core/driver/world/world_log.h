#pragma once
/// World log: what the services of a scenario write to their logs: a fault's line, while it lasts.
///
/// The line goes through the same masks as one that is tailed. Ownership: world_state.h.

#include "driver/world/world_state.h"

/// From now on tend is told every 5 seconds what was written: ten lines of each instance that a fault has write some.
/// Called again it changes nothing.
void tend_world_log_begin(struct tend_scenario_world *world);
