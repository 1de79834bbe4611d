// Between two changes all is constant, so counters are carried on in one go whenever something is about to change or is
// looked at. What changes is in world_fault.c and world_act.c, what follows from it in world_calls.c.

#include "driver/world/scenario_world.h"

#include "driver/world/world_act.h"
#include "driver/world/world_calls.h"
#include "driver/world/world_fault.h"
#include "driver/world/world_log.h"
#include "driver/world/world_queue.h"
#include "series/missing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    START_UP_MS = 3000,
    ROOM = 100,
    GOOD_SCRAPE_MS = 2,
    REFUSED_MS = 1,
};

static const double usual_use = 0.2;   // of an instance's capacity
static const double usual_needs = 0.5; // a request in two can do without what it calls
static const int usual_peak_min = 15 * 60;

bool tend_world_is_on(const char *on, const struct tend_world_service *service,
                      const struct tend_world_instance *instance)
{
    return strcmp(on, "*") == 0 || strcmp(on, service->name) == 0 || strcmp(on, instance->name) == 0;
}

// ---- what changes ----

static void happen(void *context, int64_t at_ms)
{
    struct tend_world_change *change = context;
    struct tend_scenario_world *world = change->world;
    tend_world_carry_on(world, at_ms);
    if (change->fault != NULL) {
        tend_world_fault_happen(world, change->fault, change->ends, at_ms);
    } else if (change->counts_late) {
        world->services[change->service].late_counted = world->services[change->service].late_to_count;
    } else if (change->verb != NULL) {
        struct tend_world_service *service = &world->services[change->service];
        tend_world_act_carry_out(world, service, &service->instances[change->instance], change->verb, at_ms);
    }
    tend_world_settle(world);
}

struct tend_world_change *tend_world_plan(struct tend_scenario_world *world, int64_t at_ms)
{
    struct tend_world_change *change = calloc(1, sizeof *change);
    TEND_ASSERT(change != NULL);
    change->world = world;
    change->next = world->changes;
    world->changes = change;
    tend_simulation_at(world->simulation, at_ms, happen, change);
    return change;
}

static void act(void *context, const struct tend_world_act *act, int64_t at_ms, struct tend_world_outcome *out)
{
    struct tend_scenario_world *world = context;
    tend_world_carry_on(world, at_ms);
    tend_world_act_happen(world, act, at_ms, out);
    tend_world_settle(world);
}

// ---- scrapes ----

static bool find(struct tend_scenario_world *world, const char *name, struct tend_world_service **service,
                 struct tend_world_instance **instance)
{
    for (size_t i = 0; i < world->count; i++) {
        for (size_t j = 0; j < world->services[i].count; j++) {
            if (strcmp(world->services[i].instances[j].name, name) == 0) {
                *service = &world->services[i];
                *instance = &world->services[i].instances[j];
                return true;
            }
        }
    }
    return false;
}

static void give(struct tend_scenario_world *world, const struct tend_world_service *service,
                 const struct tend_world_instance *instance, int64_t at_ms, struct tend_world_scrape *out)
{
    const size_t scrapes = (size_t)((at_ms - world->begun_ms) / service->def->every_ms);
    for (size_t i = 0; i < service->def->metric_count; i++) {
        world->given[i] = (double)NAN;
        world->given_missing[i] = TEND_MEASURED_AS_SCRAPED;
    }
    for (size_t i = 0; i < instance->given_count; i++) {
        const struct tend_world_given *given = &instance->given[i];
        const double value = scrapes < given->series.count ? given->series.values[scrapes] : (double)NAN;
        world->given[given->metric] = value;
        world->given_missing[given->metric] = (uint8_t)(isnan(value) ? TEND_MISSING_SERIES_GONE : TEND_HAS_DATA);
    }
    out->given = world->given;
    out->given_missing = world->given_missing;
    out->given_count = service->def->metric_count;
}

static void fail(struct tend_world_scrape *out, enum tend_scrape_kind kind, const char *reason, int64_t took_ms)
{
    out->kind = kind;
    out->reason = reason;
    out->took_ms = took_ms;
}

static void scrape(void *context, const struct tend_target_view *target, int64_t at_ms, struct tend_world_scrape *out)
{
    struct tend_scenario_world *world = context;
    struct tend_world_service *service;
    struct tend_world_instance *instance;
    tend_world_carry_on(world, at_ms);
    if (!find(world, target->instance, &service, &instance)) {
        fail(out, TEND_SCRAPE_REFUSED, "nothing listens there", REFUSED_MS);
        return;
    }
    const bool exporter = tend_synthetic_series_has_exporter(service->series);
    if (instance->given_count > 0) {
        give(world, service, instance, at_ms, out);
    }
    if (instance->unreachable || instance->unseen) {
        fail(out, TEND_SCRAPE_CONNECT_TIMEOUT, "no answer to the connect", target->timeout_ms);
    } else if (instance->dark) {
        fail(out, TEND_SCRAPE_HTTP_STATUS, "HTTP status 404", GOOD_SCRAPE_MS);
    } else if (!exporter && (instance->crashed || instance->ready_ms > at_ms)) {
        fail(out, TEND_SCRAPE_REFUSED, "connection refused", REFUSED_MS);
    } else if (!exporter && instance->hung) {
        fail(out, TEND_SCRAPE_READ_TIMEOUT, "no whole answer in time", target->timeout_ms);
    } else {
        tend_world_show(instance, at_ms);
        out->took_ms = GOOD_SCRAPE_MS;
        out->layout = tend_synthetic_series_layout(service->series);
        out->value_count = tend_layout_count(out->layout);
        out->values = tend_synthetic_row_values(instance->row, &instance->signals);
    }
}

// ---- making it ----

static double least(double value, double bound)
{
    return value > bound ? value : bound;
}

static size_t count_of(const json_t *said, const char *key, int64_t usually, int64_t least_allowed, int64_t most)
{
    const int64_t count = tend_json_integer(said, key, usually);
    return (size_t)(count < least_allowed ? least_allowed : count > most ? most : count);
}

// Checked where a scenario is declared; what is out of range all the same is put into it.
static struct tend_world_traits traits_of(const json_t *said)
{
    return (struct tend_world_traits){
        .start_up_ms = tend_json_integer(said, "start_up_ms", START_UP_MS),
        .workers = count_of(said, "workers", 1, 1, TEND_WORLD_WORKERS_MAX),
        .room = count_of(said, "room", ROOM, 0, TEND_WORLD_ROOM_MAX),
        .use = fmin(least(tend_json_number(said, "use", usual_use), 0.001), 0.99),
        .work_s = (double)tend_json_integer(said, "work_ms", 0) / 1000.0,
        .timeout_s = (double)tend_json_integer(said, "timeout_ms", 0) / 1000.0,
        .retries = least((double)tend_json_integer(said, "retries", 0), 0.0),
        .needs = fmin(least(tend_json_number(said, "needs", usual_needs), 0.0), 1.0),
        .failover = tend_json_bool(said, "failover", true),
    };
}

static enum tend_status make_service(struct tend_scenario_world *world, const struct tend_scenario_service *from,
                                     struct tend_error *error)
{
    struct tend_world_service *service = &world->services[world->count];
    service->def = from->def;
    service->name = strdup(from->name);
    service->instances = calloc(from->instances + 1, sizeof *service->instances);
    service->traits = traits_of(from->traits);
    service->surge = 1.0;
    world->count++;
    if (service->name == NULL || service->instances == NULL) {
        return TEND_E_NOMEM;
    }
    enum tend_status status =
        tend_synthetic_series_create(from->def, json_object_get(from->traits, "usual"), &service->series, error);
    for (size_t i = 0; i < from->instances && status == TEND_OK; i++) {
        struct tend_world_instance *instance = &service->instances[service->count++];
        *instance = (struct tend_world_instance){ .slow = 1.0, .noisy = 1.0, .ready_ms = world->begun_ms };
        instance->started_ms = world->begun_ms - INT64_C(86400000);
        instance->signals.memory = 1.0;
        status =
            asprintf(&instance->name, "%s/%zu", from->name, i + 1) < 0
                ? TEND_E_NOMEM
                : tend_synthetic_row_create(service->series, world->seed + world->count * 1000 + i, &instance->row);
    }
    return status;
}

static struct tend_world_load load_of(const struct tend_scenario_world_options *options, uint64_t seed)
{
    const json_t *said = options->load;
    struct tend_world_load load = tend_world_load_steady();
    if (said == NULL) {
        return load;
    }
    load.level = least(tend_json_number(said, "times", 1.0), 0.0);
    load.swing = fmin(least(tend_json_number(said, "swing", 0.5), 0.0), 1.0);
    load.peak_min = (int)tend_json_integer(said, "peak_min", usual_peak_min);
    load.weekend = least(tend_json_number(said, "weekend", 1.0), 0.0);
    load.noise = least(tend_json_number(said, "noise", 0.05), 0.0);
    load.seed = seed;
    load.midnight_ms = options->at_ms - (int64_t)options->minute_of_day * 60000;
    load.weekday = options->weekday;
    return load;
}

static void add_call(struct tend_scenario_world *world, size_t from, const char *to)
{
    for (size_t j = 0; j < world->count; j++) {
        if (j != from && strcmp(world->services[j].name, to) == 0) {
            world->services[from].depends[world->services[from].depend_count++] = j;
        }
    }
}

// Whom each service calls: what the rules say it depends on, or what the scenario says that it really calls.
static enum tend_status connect_services(struct tend_scenario_world *world,
                                         const struct tend_scenario_world_options *options)
{
    for (size_t i = 0; i < world->count; i++) {
        struct tend_world_service *service = &world->services[i];
        const json_t *calls = json_object_get(options->services[i].traits, "calls");
        const size_t count = json_is_array(calls) ? json_array_size(calls) : service->def->depend_count;
        service->depends = calloc(count + 1, sizeof *service->depends);
        if (service->depends == NULL) {
            return TEND_E_NOMEM;
        }
        for (size_t d = 0; d < count; d++) {
            const char *to =
                json_is_array(calls) ? json_string_value(json_array_get(calls, d)) : service->def->depends[d];
            add_call(world, i, to == NULL ? "" : to);
        }
    }
    return TEND_OK;
}

enum tend_status tend_scenario_world_create(const struct tend_scenario_world_options *options,
                                            struct tend_scenario_world **out, struct tend_error *error)
{
    struct tend_scenario_world *world = calloc(1, sizeof *world);
    if (world == NULL) {
        return TEND_E_NOMEM;
    }
    world->services = calloc(options->count + 1, sizeof *world->services);
    world->acts = json_deep_copy(options->acts);
    world->turns = json_object();
    world->begun_ms = world->now_ms = options->at_ms;
    world->seed = options->seed;
    world->load = load_of(options, world->seed);
    world->moments = json_array();
    world->faults = json_array();
    enum tend_status status = world->services == NULL ? TEND_E_NOMEM : TEND_OK;
    size_t most = 0;
    for (size_t i = 0; i < options->count && status == TEND_OK; i++) {
        const struct tend_scenario_service *service = &options->services[i];
        status = make_service(world, service, error);
        most = service->def->metric_count > most ? service->def->metric_count : most;
    }
    world->given = calloc(most + 1, sizeof *world->given);
    world->given_missing = calloc(most + 1, sizeof *world->given_missing);
    if (status == TEND_OK) {
        status = world->given == NULL || world->given_missing == NULL ? TEND_E_NOMEM : connect_services(world, options);
    }
    if (status == TEND_OK) {
        status = tend_world_find_usual(world);
    }
    if (status != TEND_OK) {
        tend_scenario_world_destroy(world);
        return status;
    }
    tend_world_settle(world);
    *out = world;
    return TEND_OK;
}

static void instance_clear(struct tend_world_instance *instance)
{
    for (size_t i = 0; i < instance->given_count; i++) {
        tend_hand_series_clear(&instance->given[i].series);
    }
    free(instance->given);
    tend_synthetic_row_destroy(instance->row);
    free(instance->name);
}

void tend_scenario_world_destroy(struct tend_scenario_world *world)
{
    if (world == NULL) {
        return;
    }
    for (size_t i = 0; i < world->count; i++) {
        struct tend_world_service *service = &world->services[i];
        for (size_t j = 0; j < service->count; j++) {
            instance_clear(&service->instances[j]);
        }
        tend_synthetic_series_destroy(service->series);
        free(service->instances);
        free(service->depends);
        free(service->calls);
        free(service->usual_fast);
        free(service->name);
    }
    while (world->changes != NULL) {
        struct tend_world_change *change = world->changes;
        world->changes = change->next;
        free(change->verb);
        free(change);
    }
    json_decref(world->acts);
    json_decref(world->turns);
    json_decref(world->faults);
    json_decref(world->moments);
    free(world->order);
    free(world->gets);
    free(world->usually_gets);
    free(world->given);
    free(world->given_missing);
    free(world->services);
    free(world);
}

struct tend_world tend_scenario_world_face(struct tend_scenario_world *world)
{
    return (struct tend_world){ .context = world, .scrape = scrape, .act = act };
}

void tend_scenario_world_attach(struct tend_scenario_world *world, struct tend_simulation *simulation)
{
    world->simulation = simulation;
}

static void say_who_is_there(const struct tend_scenario_world *world, const char *on, struct tend_error *error)
{
    char names[300] = "";
    size_t bytes = 0;
    for (size_t i = 0; i < world->count && bytes < sizeof names; i++) {
        const int added = snprintf(names + bytes, sizeof names - bytes, "%s%s (%zu)", i == 0 ? "" : ", ",
                                   world->services[i].name, world->services[i].count);
        bytes += added < 0 ? 0 : (size_t)added;
    }
    tend_error_set(error, "a fault is on \"%s\", which is not in this world; it has %s", on, names);
}

enum tend_status tend_scenario_world_break(struct tend_scenario_world *world, const json_t *fault,
                                           struct tend_error *error)
{
    const char *on = tend_json_text(fault, "on", "");
    bool somebody = false;
    for (size_t i = 0; i < world->count; i++) {
        for (size_t j = 0; j < world->services[i].count; j++) {
            somebody = somebody || tend_world_is_on(on, &world->services[i], &world->services[i].instances[j]);
        }
    }
    if (!somebody) {
        say_who_is_there(world, on, error);
        return TEND_E_INVALID;
    }
    json_t *kept = json_deep_copy(fault);
    (void)json_array_append_new(world->faults, kept);
    const int64_t at_ms = world->begun_ms + tend_json_integer(fault, "at_ms", 0);
    tend_world_plan(world, at_ms)->fault = kept;
    if (json_is_string(json_object_get(fault, "log"))) {
        tend_world_log_begin(world);
    }
    const int64_t lasts_ms = tend_json_integer(fault, "lasts_ms", 0);
    if (lasts_ms > 0) {
        struct tend_world_change *end = tend_world_plan(world, at_ms + lasts_ms);
        end->fault = kept;
        end->ends = true;
    }
    return TEND_OK;
}

static enum tend_status give_instance(struct tend_world_service *service, struct tend_world_instance *instance,
                                      const char *metric, const char *text, struct tend_error *error)
{
    for (size_t m = 0; m < service->def->metric_count; m++) {
        if (strcmp(service->def->metrics[m].name, metric) != 0) {
            continue;
        }
        struct tend_world_given *grown =
            reallocarray(instance->given, instance->given_count + 1, sizeof *instance->given);
        if (grown == NULL) {
            return TEND_E_NOMEM;
        }
        instance->given = grown;
        instance->given[instance->given_count].metric = m;
        const enum tend_status status =
            tend_hand_series_parse(text, &instance->given[instance->given_count].series, error);
        instance->given_count += status == TEND_OK;
        return status;
    }
    tend_error_set(error, "%s has no metric \"%s\"", service->name, metric);
    return TEND_E_INVALID;
}

enum tend_status tend_scenario_world_give(struct tend_scenario_world *world, const char *key, const char *text,
                                          int64_t *until_ms, struct tend_error *error)
{
    const char *slash = strchr(key, '/');
    const char *dot = slash == NULL ? NULL : strchr(slash, '.');
    bool somebody = false;
    for (size_t i = 0; i < world->count && dot != NULL; i++) {
        struct tend_world_service *service = &world->services[i];
        if (strlen(service->name) != (size_t)(slash - key) || strncmp(service->name, key, (size_t)(slash - key)) != 0) {
            continue;
        }
        for (size_t j = 0; j < service->count; j++) {
            struct tend_world_instance *instance = &service->instances[j];
            if (strncmp(slash, "/*.", 3) != 0 && (strlen(instance->name) != (size_t)(dot - key) ||
                                                  strncmp(instance->name, key, (size_t)(dot - key)) != 0)) {
                continue;
            }
            somebody = true;
            const enum tend_status status = give_instance(service, instance, dot + 1, text, error);
            if (status != TEND_OK) {
                return status;
            }
            const int64_t ends_ms = world->begun_ms + (int64_t)instance->given[instance->given_count - 1].series.count *
                                                          service->def->every_ms;
            *until_ms = ends_ms > *until_ms ? ends_ms : *until_ms;
        }
    }
    if (!somebody) {
        tend_error_set(error, "series [\"%s\"]: this world has no such instance", key);
        return TEND_E_INVALID;
    }
    return TEND_OK;
}

const json_t *tend_scenario_world_moments(const struct tend_scenario_world *world)
{
    return world->moments;
}

double tend_scenario_world_spoiled(const struct tend_scenario_world *world)
{
    return world->spoiled;
}
