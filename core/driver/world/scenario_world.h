#pragma once
/// Scenario world: a few simulated services that depend on each other, what breaks them, and what acts do to them.
///
/// MODEL.md has the model: what it stands on, what it leaves out, and the defaults. Its inside is world_state.h.
/// Units: `_ms` engine time. Ownership: who creates, destroys. Threads: one.

#include "driver/sim/simulation.h"
#include "engine/ruleset.h"

struct tend_scenario_world;

struct tend_scenario_service {
    const char *name;
    const struct tend_service_def *def; ///< borrowed
    size_t instances;
    const json_t *traits; ///< what the scenario says of it (stdlib/tend/test.lua), or NULL; borrowed for the call
};

struct tend_scenario_world_options {
    uint64_t seed; ///< of what is left to chance
    const struct tend_scenario_service *services;
    size_t count;
    const json_t *acts; ///< how acts go (world_act.h), or NULL: they work
    const json_t *load; ///< its shape (stdlib/tend/test.lua), or NULL: steady
    int64_t at_ms;
    int minute_of_day; ///< at that time, where the scenario is
    int weekday;       ///< likewise; 0 is Sunday
};

/// @param[out] error  which selector no series could be made up for
TEND_MUST_CHECK enum tend_status tend_scenario_world_create(const struct tend_scenario_world_options *options,
                                                            struct tend_scenario_world **out, struct tend_error *error);
void tend_scenario_world_destroy(struct tend_scenario_world *world); ///< NULL is allowed
/// What a simulation asks. The world must outlive it.
struct tend_world tend_scenario_world_face(struct tend_scenario_world *world);
/// Where changes of the world's own are planned; set before time passes.
void tend_scenario_world_attach(struct tend_scenario_world *world, struct tend_simulation *simulation);

/// Plans a fault {"at_ms" after the beginning, "on", "kind", "lasts_ms"?, and what its kind has (world_fault.h)}.
/// @return TEND_OK, or TEND_E_INVALID: it is on nobody
TEND_MUST_CHECK enum tend_status tend_scenario_world_break(struct tend_scenario_world *world, const json_t *fault,
                                                           struct tend_error *error);
/// P by hand of one metric: key "search/*.response_time", promtool's notation, one value a scrape.
/// @param[out] until_ms  raised to the end of the last value
TEND_MUST_CHECK enum tend_status tend_scenario_world_give(struct tend_scenario_world *world, const char *key,
                                                          const char *text, int64_t *until_ms,
                                                          struct tend_error *error);

/// How the services were at each moment at which that changed: [{"at_ms" after the beginning, "services":
/// {name: {"healthy", "instances"}}}]. Borrowed.
const json_t *tend_scenario_world_moments(const struct tend_scenario_world *world);
/// Requests from outside of the world that got an error or no answer so far, beyond those that usually do.
double tend_scenario_world_spoiled(const struct tend_scenario_world *world);
