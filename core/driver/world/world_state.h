#pragma once
/// World state: the inside of a scenario's world. For world_*.c and scenario_world.c only; a world is what
/// scenario_world.h says.
///
/// Units: `_ms` engine time, `_s` seconds of a request. Ownership: all of it is the world's.

#include "driver/world/hand_series.h"
#include "driver/world/scenario_world.h"
#include "driver/world/synthetic_series.h"
#include "driver/world/world_load.h"

/// Metrics that a scenario gives by hand.
struct tend_world_given {
    size_t metric;
    struct tend_hand_series series;
};

/// What a scenario says of a service, beside how many instances it has. MODEL.md has the meaning of each.
struct tend_world_traits {
    int64_t start_up_ms;
    size_t workers, room;
    double use;       ///< utilisation of an instance while nothing is wrong
    double work_s;    ///< of the usual time of a request, what it works itself; 0: found
    double timeout_s; ///< of its calls; 0: found
    double retries;
    double needs; ///< share of requests that fail when a call of a dependency does
    bool failover;
};

/// What callers feel of a service: most requests end in an exponential time, some only after a long time-out below it.
struct tend_world_felt {
    double fast_s;
    double fast_errors; ///< share of the fast ones
    double late;        ///< share of requests
    double late_s;      ///< INFINITY: never
    double late_errors; ///< share of the late ones
};

struct tend_world_instance {
    char *name; ///< "redis/1"
    struct tend_synthetic_row *row;
    bool crashed, hung, unreachable, dark, unseen, drained, new_version;
    bool half_done;     ///< an act that half works did nothing the last time
    const char *writes; ///< a line of its log, while a fault has it write one; the fault's; NULL: none
    double slow, noisy, errors;
    double held;      ///< memory that it has leaked and that nobody uses, of the usual
    double leak;      ///< the same, a minute
    int64_t leak_ms;  ///< since when
    int64_t ready_ms; ///< end of its start-up
    int64_t started_ms;
    struct tend_signals signals;
    struct tend_world_given *given;
    size_t given_count;
};

struct tend_world_service {
    const struct tend_service_def *def;
    char *name;
    struct tend_synthetic_series *series;
    struct tend_world_instance *instances;
    size_t count;
    size_t *depends; ///< indexes of services
    size_t depend_count;
    struct tend_world_traits traits;
    bool bad_deploy;
    double bad_errors, bad_slow;
    double surge; ///< of the load that comes from outside of the world
    // While nothing is wrong:
    double usual_s;   ///< mean time of a request
    double own_s;     ///< of that, what it works itself
    double service_s; ///< of that, what it does not wait for a worker
    double usual_refused;
    double asks;          ///< share of its requests that call a dependency, each of them
    double usual_below_s; ///< what these calls take
    // Worked out:
    double load;        ///< of its requests, of what is usual
    double *calls;      ///< one a dependency: calls that a request makes, of what is usual
    double *usual_fast; ///< one a dependency: its fast_s while nothing is wrong
    struct tend_world_felt felt;
    double below_late, below_late_s; ///< share of requests that wait for a time-out below, and how long
    double late_to_count;            ///< the same share, as it is when they end
    double late_counted;             ///< the same share, of those that end now
};

/// Something that is planned.
struct tend_world_change {
    struct tend_world_change *next;
    struct tend_scenario_world *world;
    const json_t *fault; ///< begins, or ends; borrowed
    bool ends;
    char *verb;       ///< of an act that comes late, or NULL
    bool counts_late; ///< requests of a service that came late_to_count end now
    size_t service, instance;
};

// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): in the order in which it reads best
struct tend_scenario_world {
    struct tend_world_service *services;
    size_t *order; ///< of services, dependencies first
    size_t count;
    double *gets, *usually_gets; ///< requests of each service, in the working
    json_t *acts;
    json_t *turns; ///< how often each act was asked for
    uint64_t seed;
    struct tend_world_load load;
    int64_t begun_ms;
    int64_t now_ms; ///< up to where counters were carried on
    struct tend_simulation *simulation;
    struct tend_world_change *changes; ///< owned, all of them
    json_t *faults;
    json_t *moments;
    bool logs;      ///< some fault has something written to a log
    double spoiled; ///< requests from outside that got an error, or no answer in their caller's time, up to now
    double *given;
    uint8_t *given_missing;
};

bool tend_world_is_on(const char *on, const struct tend_world_service *service,
                      const struct tend_world_instance *instance);
/// Plans a change; the caller says which.
struct tend_world_change *tend_world_plan(struct tend_scenario_world *world, int64_t at_ms);
