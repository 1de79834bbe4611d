#pragma once
/// Scenario world: a few simulated services that depend on each other, what breaks them, and what acts do to them.
///
/// The model. Load is open: each instance that takes calls gets its part of what the service usually gets, so one
/// instance less means more for the others. Time in a queue is that of M/M/1 (Kleinrock, Queueing Systems I, 3.2): 1/(1
/// - u), with one fifth of the capacity used as a rule. A request calls each dependency once: what a dependency takes
/// longer, its caller takes longer; an instance that hangs costs the caller its time-out of one second and an error;
/// half of a dependency's errors are passed on. Refused calls go to another instance; when none is left, they are
/// errors. A restart takes the instance out for its start-up time and clears what lives in the process: crash, hang,
/// slow, errors, leak. It clears no bad deploy (that needs the version before), no noisy neighbour, no lost network,
/// and nothing of a dependency. Left out: retries that add load, caches that warm up, connection pools, correlated
/// failures of hosts. Units: `_ms` engine time. Ownership: who creates, destroys. Threads: one.

#include "driver/sim/simulation.h"
#include "engine/ruleset.h"

struct tend_scenario_world;

struct tend_scenario_service {
    const char *name;
    const struct tend_service_def *def; ///< borrowed
    size_t instances;
};

/// @param name  of the scenario: what its noise is seeded with
/// @param acts  verb → how it goes ("fails" …), or NULL
TEND_MUST_CHECK enum tend_status tend_scenario_world_create(const char *name,
                                                            const struct tend_scenario_service *services, size_t count,
                                                            const json_t *acts, int64_t at_ms,
                                                            struct tend_scenario_world **out, struct tend_error *error);
void tend_scenario_world_destroy(struct tend_scenario_world *world); ///< NULL is allowed
/// What a simulation asks. The world must outlive it.
struct tend_world tend_scenario_world_face(struct tend_scenario_world *world);
/// Where changes of the world's own are planned; set before time passes.
void tend_scenario_world_attach(struct tend_scenario_world *world, struct tend_simulation *simulation);

/// Plans a fault {"at_ms" after the beginning, "on", "kind", "times"?, "ratio"?, "lasts_ms"?}.
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
