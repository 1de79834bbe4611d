#include "driver/world/world_fault.h"

#include "driver/sim/simulation.h"

#include <math.h>
#include <string.h>

static const double leak_per_minute = 0.25;

void tend_world_start_again(struct tend_scenario_world *world, struct tend_world_service *service,
                            struct tend_world_instance *instance, int64_t now_ms)
{
    instance->crashed = instance->hung = false;
    instance->slow = 1.0;
    instance->writes = NULL;
    instance->errors = instance->leak = instance->held = 0.0;
    instance->ready_ms = now_ms + service->traits.start_up_ms;
    instance->started_ms = now_ms;
    tend_synthetic_row_restart(instance->row);
    (void)tend_world_plan(world, instance->ready_ms); // nothing changes then but that it serves
}

// What was leaked stays with the process after the leak has ended.
static void leak(struct tend_world_instance *instance, double per_minute, int64_t now_ms)
{
    instance->held += instance->leak * (double)(now_ms - instance->leak_ms) / 60000.0;
    instance->leak = per_minute;
    instance->leak_ms = now_ms;
}

static void deploy_badly(struct tend_world_service *service, struct tend_world_instance *instance, const json_t *fault,
                         bool ends, int64_t now_ms)
{
    const bool only_slow = json_object_get(fault, "times") != NULL && json_object_get(fault, "ratio") == NULL;
    service->bad_deploy = !ends;
    service->bad_slow = tend_json_number(fault, "times", 1.0);
    service->bad_errors = tend_json_number(fault, "ratio", only_slow ? 0.0 : 0.3);
    instance->new_version = !ends;
    instance->started_ms = now_ms;
    tend_synthetic_row_restart(instance->row);
}

static void crash(struct tend_scenario_world *world, struct tend_world_service *service,
                  struct tend_world_instance *instance, bool ends, int64_t now_ms)
{
    if (!ends) {
        instance->crashed = true;
    } else if (instance->crashed) { // nobody has restarted it before
        tend_world_start_again(world, service, instance, now_ms);
    }
}

static void write_log(struct tend_world_instance *instance, const json_t *fault, bool ends)
{
    const char *log = tend_json_text(fault, "log", NULL);
    if (log != NULL) {
        instance->writes = ends ? NULL : log;
    }
}

static void break_instance(struct tend_scenario_world *world, struct tend_world_service *service,
                           struct tend_world_instance *instance, const json_t *fault, bool ends, int64_t now_ms)
{
    const char *kind = tend_json_text(fault, "kind", "");
    if (strcmp(kind, "crash") == 0) {
        crash(world, service, instance, ends, now_ms);
    } else if (strcmp(kind, "hang") == 0) {
        instance->hung = !ends;
    } else if (strcmp(kind, "slow") == 0) {
        instance->slow = ends ? 1.0 : tend_json_number(fault, "times", 5.0);
    } else if (strcmp(kind, "noisy neighbour") == 0) {
        instance->noisy = ends ? 1.0 : tend_json_number(fault, "times", 3.0);
    } else if (strcmp(kind, "surge") == 0) {
        service->surge = ends ? 1.0 : tend_json_number(fault, "times", 3.0);
    } else if (strcmp(kind, "errors") == 0) {
        instance->errors = ends ? 0.0 : tend_json_number(fault, "ratio", 0.3);
    } else if (strcmp(kind, "leak") == 0) {
        const double per_minute = tend_json_number(fault, "per_minute", leak_per_minute);
        leak(instance, ends ? 0.0 : tend_json_number(fault, "times", 1.0) * per_minute, now_ms);
    } else if (strcmp(kind, "metrics gone") == 0) {
        instance->dark = !ends;
    } else if (strcmp(kind, "network loss") == 0) {
        instance->unreachable = !ends;
    } else if (strcmp(kind, "bad deploy") == 0) {
        deploy_badly(service, instance, fault, ends, now_ms);
    }
}

// Those that tend does not see any more: a share of all that the fault is on, the same ones each time it is played.
static void blind(struct tend_scenario_world *world, const json_t *fault, bool ends)
{
    const char *on = tend_json_text(fault, "on", "*");
    size_t all = 0;
    for (size_t i = 0; i < world->count; i++) {
        for (size_t j = 0; j < world->services[i].count; j++) {
            all += tend_world_is_on(on, &world->services[i], &world->services[i].instances[j]);
        }
    }
    size_t left = (size_t)ceil(tend_json_number(fault, "ratio", 1.0) * (double)all - 1e-9);
    for (size_t i = 0; i < world->count; i++) {
        for (size_t j = 0; j < world->services[i].count; j++) {
            struct tend_world_instance *instance = &world->services[i].instances[j];
            if (!tend_world_is_on(on, &world->services[i], instance)) {
                continue;
            }
            // Each with the chance that leaves as many of the rest as are to be taken: a sample without replacement.
            if (tend_world_chance(world->seed ^ UINT64_C(0x626c696e64), all) * (double)all < (double)left) {
                instance->unseen = !ends;
                left--;
            }
            all--;
        }
    }
}

void tend_world_fault_happen(struct tend_scenario_world *world, const json_t *fault, bool ends, int64_t now_ms)
{
    const char *on = tend_json_text(fault, "on", "");
    const char *kind = tend_json_text(fault, "kind", "");
    if (strcmp(kind, "clock jump") == 0) {
        const int64_t by_ms = tend_json_integer(fault, "by_ms", 0);
        tend_simulation_move_wall(world->simulation, ends ? -by_ms : by_ms);
        return;
    }
    if (strcmp(kind, "monitoring blind") == 0) {
        blind(world, fault, ends);
        return;
    }
    for (size_t i = 0; i < world->count; i++) {
        struct tend_world_service *service = &world->services[i];
        for (size_t j = 0; j < service->count; j++) {
            if (tend_world_is_on(on, service, &service->instances[j])) {
                write_log(&service->instances[j], fault, ends);
                break_instance(world, service, &service->instances[j], fault, ends, now_ms);
            }
        }
    }
}
