#pragma once
/// World act: what acts do to a scenario's world, and how they end.
///
/// `acts` of a scenario says how: {"restart": how, "restart redis": …, "restart redis/1": …}, the nearest of them,
/// where `how` is a word ("fails") or {"how": [word, …], "takes_ms"?}, the first time and so on; the last word is also
/// for all later times. The words are those of MODEL.md. Ownership: world_state.h.

#include "driver/sim/simulation.h"
#include "driver/world/world_state.h"

void tend_world_act_happen(struct tend_scenario_world *world, const struct tend_world_act *act, int64_t at_ms,
                           struct tend_world_outcome *out);
/// The change itself, of one instance.
void tend_world_act_carry_out(struct tend_scenario_world *world, struct tend_world_service *service,
                              struct tend_world_instance *instance, const char *verb, int64_t now_ms);
