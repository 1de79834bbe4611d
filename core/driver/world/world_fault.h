#pragma once
/// World fault: what each kind of fault does to the instances that it is on, and what its end does.
///
/// The kinds and their numbers are those of MODEL.md. Ownership: world_state.h.

#include "driver/world/world_state.h"

/// @param fault  {"on", "kind", "times"?, "ratio"?, "per_minute"?, "by_ms"?}
/// @param ends  it is over by itself
void tend_world_fault_happen(struct tend_scenario_world *world, const json_t *fault, bool ends, int64_t now_ms);
/// A process begins anew: what lives in it is gone, and it serves when its start-up is over.
void tend_world_start_again(struct tend_scenario_world *world, struct tend_world_service *service,
                            struct tend_world_instance *instance, int64_t now_ms);
