// Between two changes all is constant, so counters are carried on in one go whenever something is about to change or is
// looked at. How services do follows from the state of the instances; it is worked out after each change, dependencies
// first.

#include "driver/sim/scenario_world.h"

#include "base/hash_map.h"
#include "driver/sim/hand_series.h"
#include "driver/sim/synthetic_series.h"
#include "series/missing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    START_UP_MS = 3000,
    ACT_TOOK_MS = 1000,
    LATE_MS = 30000,
    GOOD_SCRAPE_MS = 2,
    REFUSED_MS = 1,
};

static const double usual_use = 0.2;      // of the capacity
static const double call_timeout_s = 1.0; // of a caller
static const double passed_on = 0.5;      // of a dependency's errors
static const double leak_per_minute = 0.25;

struct given_series {
    size_t metric;
    struct tend_hand_series series;
};

struct instance {
    char *name; // "redis/1"
    struct tend_synthetic_row *row;
    bool crashed, hung, unreachable, dark, drained, new_version;
    bool half_done; // an act that half works did nothing the last time
    double slow, noisy, errors;
    double leak;      // share of the usual memory a minute
    int64_t leak_ms;  // since when
    int64_t ready_ms; // end of its start-up
    int64_t started_ms;
    struct tend_signals signals;
    struct given_series *given;
    size_t given_count;
};

struct service {
    const struct tend_service_def *def;
    char *name;
    struct tend_synthetic_series *series;
    struct instance *instances;
    size_t count;
    size_t *depends; // indexes of services
    size_t depend_count;
    bool bad_deploy;
    double bad_errors, bad_slow;
    double extra_s; // what a call takes more than usual, and
    double errors;  // its share of errors: as callers feel it
    bool settled;   // worked out in this round
};

struct change {
    struct change *next;
    struct tend_scenario_world *world;
    const json_t *fault; // begins, or ends
    bool ends;
    char *verb; // of an act that comes late
    size_t service, instance;
};

struct tend_scenario_world {
    struct service *services;
    size_t count;
    json_t *acts;
    int64_t begun_ms;
    int64_t now_ms; // up to where counters were carried on
    struct tend_simulation *simulation;
    struct change *changes; // owned, all of them
    json_t *faults;
    json_t *moments;
    double *given;
    uint8_t *given_missing;
};

static bool takes_calls(const struct instance *instance, int64_t now_ms)
{
    return !instance->crashed && !instance->drained && instance->ready_ms <= now_ms;
}

static bool serves(const struct instance *instance, int64_t now_ms)
{
    return takes_calls(instance, now_ms) && !instance->hung && !instance->unreachable;
}

// ---- how services do ----

static double queueing(double load)
{
    return (1.0 - usual_use) / fmax(1.0 - usual_use * load, 0.1);
}

// What a request feels of all dependencies together.
struct below {
    double extra_s;
    double fine; // share of requests that they do not spoil
};

// How one instance does, and what its callers feel of it, which is added to the service's.
static void settle_instance(struct service *service, struct instance *instance, const struct below *below,
                            size_t taking, int64_t now_ms)
{
    const bool takes = takes_calls(instance, now_ms);
    const bool bad = service->bad_deploy && instance->new_version;
    const bool mute = instance->hung || instance->unreachable;
    const double usual_s = tend_synthetic_series_latency_s(service->series);
    const double load = taking == 0 ? 0.0 : (double)service->count / (double)taking;
    const double own_s = usual_s * instance->slow * instance->noisy * queueing(load) * (bad ? service->bad_slow : 1.0);
    const double own_errors = fmin(1.0, instance->errors + (bad ? service->bad_errors : 0.0));
    struct tend_signals *signals = &instance->signals;
    signals->load = takes ? load : 0.0;
    signals->latency = (own_s + below->extra_s) / usual_s;
    signals->errors = 1.0 - (1.0 - own_errors) * below->fine;
    signals->serves = !instance->crashed && !instance->hung && instance->ready_ms <= now_ms;
    signals->new_version = instance->new_version;
    signals->started_s = (double)instance->started_ms / 1000.0;
    if (takes) {
        service->extra_s += (mute ? call_timeout_s : own_s + below->extra_s - usual_s) / (double)taking;
        service->errors += (mute ? 1.0 : signals->errors) / (double)taking;
    }
}

// NOLINTBEGIN(misc-no-recursion): as deep as services depend on each other, which is checked to be no circle

static void settle(struct tend_scenario_world *world, struct service *service)
{
    if (service->settled) {
        return;
    }
    service->settled = true;
    struct below below = { .fine = 1.0 };
    for (size_t i = 0; i < service->depend_count; i++) {
        struct service *on = &world->services[service->depends[i]];
        settle(world, on);
        below.extra_s += on->extra_s;
        below.fine *= 1.0 - passed_on * on->errors;
    }
    size_t taking = 0;
    for (size_t i = 0; i < service->count; i++) {
        taking += takes_calls(&service->instances[i], world->now_ms);
    }
    service->extra_s = 0.0;
    service->errors = taking == 0 ? 1.0 : 0.0;
    for (size_t i = 0; i < service->count; i++) {
        settle_instance(service, &service->instances[i], &below, taking, world->now_ms);
    }
    service->extra_s = fmax(service->extra_s, 0.0);
    service->errors = fmin(service->errors, 1.0);
}

// NOLINTEND(misc-no-recursion)

static void note_moment(struct tend_scenario_world *world)
{
    json_t *services = json_object();
    for (size_t i = 0; i < world->count; i++) {
        const struct service *service = &world->services[i];
        size_t healthy = 0;
        for (size_t j = 0; j < service->count; j++) {
            healthy += serves(&service->instances[j], world->now_ms);
        }
        (void)json_object_set_new(
            services, service->name,
            json_pack("{s:I, s:I}", "healthy", (json_int_t)healthy, "instances", (json_int_t)service->count));
    }
    const size_t count = json_array_size(world->moments);
    if (count > 0 && json_equal(json_object_get(json_array_get(world->moments, count - 1), "services"), services)) {
        json_decref(services);
        return;
    }
    (void)json_array_append_new(
        world->moments,
        json_pack("{s:I, s:o}", "at_ms", (json_int_t)(world->now_ms - world->begun_ms), "services", services));
}

static void settle_all(struct tend_scenario_world *world)
{
    for (size_t i = 0; i < world->count; i++) {
        world->services[i].settled = false;
    }
    for (size_t i = 0; i < world->count; i++) {
        settle(world, &world->services[i]);
    }
    note_moment(world);
}

static double memory_of(const struct instance *instance, int64_t now_ms)
{
    return 1.0 + instance->leak * (double)(now_ms - instance->leak_ms) / 60000.0;
}

// Carries counters on to a moment, with everything as it has been since the last change.
static void carry_on(struct tend_scenario_world *world, int64_t now_ms)
{
    const double seconds = (double)(now_ms - world->now_ms) / 1000.0;
    if (seconds <= 0.0) {
        return;
    }
    for (size_t i = 0; i < world->count; i++) {
        struct service *service = &world->services[i];
        for (size_t j = 0; j < service->count; j++) {
            struct instance *instance = &service->instances[j];
            instance->signals.memory = memory_of(instance, now_ms);
            instance->signals.wall_s = (double)now_ms / 1000.0;
            if (serves(instance, world->now_ms)) {
                tend_synthetic_row_advance(instance->row, &instance->signals, seconds);
            }
        }
    }
    world->now_ms = now_ms;
}

// ---- faults ----

static void break_instance(struct service *service, struct instance *instance, const json_t *fault, bool ends,
                           int64_t now_ms)
{
    const char *kind = tend_json_text(fault, "kind", "");
    const double times =
        ends ? 1.0 : tend_json_number(fault, "times", strcmp(kind, "noisy neighbour") == 0 ? 3.0 : 5.0);
    const double ratio = ends ? 0.0 : tend_json_number(fault, "ratio", 0.3);
    if (strcmp(kind, "crash") == 0) {
        instance->crashed = !ends;
    } else if (strcmp(kind, "hang") == 0) {
        instance->hung = !ends;
    } else if (strcmp(kind, "slow") == 0) {
        instance->slow = times;
    } else if (strcmp(kind, "noisy neighbour") == 0) {
        instance->noisy = times;
    } else if (strcmp(kind, "errors") == 0) {
        instance->errors = ratio;
    } else if (strcmp(kind, "leak") == 0) {
        instance->leak = ends ? 0.0 : tend_json_number(fault, "times", 1.0) * leak_per_minute;
        instance->leak_ms = now_ms;
    } else if (strcmp(kind, "metrics gone") == 0) {
        instance->dark = !ends;
    } else if (strcmp(kind, "network loss") == 0) {
        instance->unreachable = !ends;
    } else if (strcmp(kind, "bad deploy") == 0) {
        service->bad_deploy = !ends;
        service->bad_slow = tend_json_number(fault, "times", 1.0);
        service->bad_errors = json_object_get(fault, "times") != NULL ? tend_json_number(fault, "ratio", 0.0) : ratio;
        instance->new_version = !ends;
        instance->started_ms = now_ms;
        tend_synthetic_row_restart(instance->row);
    }
}

static bool is_on(const char *on, const struct service *service, const struct instance *instance)
{
    return strcmp(on, "*") == 0 || strcmp(on, service->name) == 0 || strcmp(on, instance->name) == 0;
}

static void happen_fault(struct tend_scenario_world *world, const json_t *fault, bool ends, int64_t now_ms)
{
    const char *on = tend_json_text(fault, "on", "");
    for (size_t i = 0; i < world->count; i++) {
        struct service *service = &world->services[i];
        for (size_t j = 0; j < service->count; j++) {
            if (is_on(on, service, &service->instances[j])) {
                break_instance(service, &service->instances[j], fault, ends, now_ms);
            }
        }
    }
}

// ---- acts ----

static void start_again(struct tend_scenario_world *world, struct instance *instance, int64_t now_ms);

static void carry_out(struct tend_scenario_world *world, struct instance *instance, const char *verb, int64_t now_ms)
{
    if (strcmp(verb, "restart") == 0) {
        start_again(world, instance, now_ms);
    } else if (strcmp(verb, "redeploy") == 0) {
        instance->new_version = false;
        start_again(world, instance, now_ms);
    } else if (strcmp(verb, "drain") == 0 || strcmp(verb, "undrain") == 0) {
        instance->drained = strcmp(verb, "drain") == 0;
    }
}

static void happen(void *context, int64_t at_ms)
{
    struct change *change = context;
    struct tend_scenario_world *world = change->world;
    carry_on(world, at_ms);
    if (change->fault != NULL) {
        happen_fault(world, change->fault, change->ends, at_ms);
    } else if (change->verb != NULL) {
        struct service *service = &world->services[change->service];
        carry_out(world, &service->instances[change->instance], change->verb, at_ms);
    }
    settle_all(world);
}

static struct change *plan(struct tend_scenario_world *world, int64_t at_ms)
{
    struct change *change = calloc(1, sizeof *change);
    TEND_ASSERT(change != NULL);
    change->world = world;
    change->next = world->changes;
    world->changes = change;
    tend_simulation_at(world->simulation, at_ms, happen, change);
    return change;
}

static void start_again(struct tend_scenario_world *world, struct instance *instance, int64_t now_ms)
{
    instance->crashed = instance->hung = false;
    instance->slow = 1.0;
    instance->errors = 0.0;
    instance->leak = 0.0;
    instance->ready_ms = now_ms + START_UP_MS;
    instance->started_ms = now_ms;
    tend_synthetic_row_restart(instance->row);
    (void)plan(world, instance->ready_ms); // nothing changes then but that it serves
}

// Whether an act that half works works this time.
static bool works_this_time(struct instance *instance)
{
    instance->half_done = !instance->half_done;
    return !instance->half_done;
}

static bool act_on(struct tend_scenario_world *world, size_t s, size_t i, const char *verb, const char *how,
                   int64_t now_ms)
{
    struct service *service = &world->services[s];
    struct instance *instance = &service->instances[i];
    if (instance->unreachable) {
        return false;
    }
    if (strcmp(how, "fails") == 0 || strcmp(how, "times out") == 0 ||
        (strcmp(how, "half works") == 0 && !works_this_time(instance))) {
        return true;
    }
    // A new version goes from instance to instance; everything else at once.
    const int64_t turn_ms = strcmp(verb, "redeploy") == 0 ? (int64_t)i * (START_UP_MS + ACT_TOOK_MS) : 0;
    const int64_t late_ms = turn_ms + (strcmp(how, "works late") == 0 ? LATE_MS : 0);
    if (late_ms > 0) {
        struct change *change = plan(world, now_ms + late_ms);
        change->verb = strdup(verb);
        TEND_ASSERT(change->verb != NULL);
        change->service = s;
        change->instance = i;
    } else {
        carry_out(world, instance, verb, now_ms);
    }
    return true;
}

static bool changes_nothing(const struct tend_world_act *act)
{
    const char *method = tend_json_text(act->args, "method", "POST");
    return act->is_http && (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0);
}

static json_t *value_of(const struct tend_world_act *act, bool fine)
{
    return act->is_http ? json_pack("{s:i, s:s, s:i}", "status", fine ? 200 : 500, "body", "", "took_ms", ACT_TOOK_MS)
                        : json_pack("{s:i, s:s, s:i}", "exit", fine ? 0 : 1, "output", "", "took_ms", ACT_TOOK_MS);
}

static void act(void *context, const struct tend_world_act *act, int64_t at_ms, struct tend_world_outcome *out)
{
    struct tend_scenario_world *world = context;
    const char *how = tend_json_text(world->acts, act->verb, "works");
    bool reached = true;
    carry_on(world, at_ms);
    for (size_t s = 0; s < world->count && !changes_nothing(act); s++) {
        for (size_t i = 0; i < world->services[s].count; i++) {
            if (is_on(act->on, &world->services[s], &world->services[s].instances[i])) {
                reached = act_on(world, s, i, act->verb, how, at_ms) && reached;
            }
        }
    }
    settle_all(world);
    out->took_ms = ACT_TOOK_MS;
    if (!reached) {
        out->outcome = "failed";
        out->error = "it cannot be reached";
    } else if (strcmp(act->verb, "scale") == 0) {
        out->outcome = "failed";
        out->error = "a scenario's services do not scale";
    } else if (strcmp(how, "times out") == 0) {
        out->outcome = "unknown";
        out->error = "no answer in time";
        out->took_ms = tend_json_integer(act->args, "timeout_ms", ACT_TOOK_MS);
    } else if (strcmp(how, "fails") == 0 || strcmp(how, "works, but says it failed") == 0) {
        out->outcome = "failed";
        out->error = act->is_http ? "HTTP 500" : "exit 1";
    }
    if (strcmp(out->outcome, "unknown") != 0) {
        out->value = value_of(act, strcmp(out->outcome, "done") == 0);
    }
}

// ---- scrapes ----

static bool find(struct tend_scenario_world *world, const char *name, struct service **service,
                 struct instance **instance)
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

static void give(struct tend_scenario_world *world, const struct service *service, const struct instance *instance,
                 int64_t at_ms, struct tend_world_scrape *out)
{
    const size_t scrapes = (size_t)((at_ms - world->begun_ms) / service->def->every_ms);
    for (size_t i = 0; i < service->def->metric_count; i++) {
        world->given[i] = (double)NAN;
        world->given_missing[i] = TEND_MEASURED_AS_SCRAPED;
    }
    for (size_t i = 0; i < instance->given_count; i++) {
        const struct given_series *given = &instance->given[i];
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
    struct service *service;
    struct instance *instance;
    carry_on(world, at_ms);
    if (!find(world, target->instance, &service, &instance)) {
        fail(out, TEND_SCRAPE_REFUSED, "nothing listens there", REFUSED_MS);
        return;
    }
    const bool exporter = tend_synthetic_series_has_exporter(service->series);
    if (instance->given_count > 0) {
        give(world, service, instance, at_ms, out);
    }
    if (instance->unreachable) {
        fail(out, TEND_SCRAPE_CONNECT_TIMEOUT, "no answer to the connect", target->timeout_ms);
    } else if (instance->dark) {
        fail(out, TEND_SCRAPE_HTTP_STATUS, "HTTP status 404", GOOD_SCRAPE_MS);
    } else if (!exporter && (instance->crashed || instance->ready_ms > at_ms)) {
        fail(out, TEND_SCRAPE_REFUSED, "connection refused", REFUSED_MS);
    } else if (!exporter && instance->hung) {
        fail(out, TEND_SCRAPE_READ_TIMEOUT, "no whole answer in time", target->timeout_ms);
    } else {
        instance->signals.memory = memory_of(instance, at_ms);
        instance->signals.wall_s = (double)at_ms / 1000.0;
        out->took_ms = GOOD_SCRAPE_MS;
        out->layout = tend_synthetic_series_layout(service->series);
        out->value_count = tend_layout_count(out->layout);
        out->values = tend_synthetic_row_values(instance->row, &instance->signals);
    }
}

// ---- making it ----

static uint64_t seed_of(const char *text, size_t instance)
{
    static const uint64_t key[2] = { UINT64_C(0x74656e64), UINT64_C(0x74657374) };
    return tend_siphash(key, text, strlen(text)) + instance;
}

static enum tend_status make_service(struct tend_scenario_world *world, const char *seed,
                                     const struct tend_scenario_service *from, struct tend_error *error)
{
    struct service *service = &world->services[world->count];
    service->def = from->def;
    service->name = strdup(from->name);
    service->instances = calloc(from->instances + 1, sizeof *service->instances);
    world->count++;
    if (service->name == NULL || service->instances == NULL) {
        return TEND_E_NOMEM;
    }
    enum tend_status status = tend_synthetic_series_create(from->def, &service->series, error);
    for (size_t i = 0; i < from->instances && status == TEND_OK; i++) {
        struct instance *instance = &service->instances[service->count++];
        *instance = (struct instance){ .slow = 1.0, .noisy = 1.0, .ready_ms = world->begun_ms };
        instance->started_ms = world->begun_ms - INT64_C(86400000);
        instance->signals.memory = 1.0;
        status =
            asprintf(&instance->name, "%s/%zu", from->name, i + 1) < 0
                ? TEND_E_NOMEM
                : tend_synthetic_row_create(service->series, seed_of(seed, world->count * 1000 + i), &instance->row);
    }
    return status;
}

static enum tend_status connect_services(struct tend_scenario_world *world)
{
    for (size_t i = 0; i < world->count; i++) {
        struct service *service = &world->services[i];
        service->depends = calloc(service->def->depend_count + 1, sizeof *service->depends);
        if (service->depends == NULL) {
            return TEND_E_NOMEM;
        }
        for (size_t d = 0; d < service->def->depend_count; d++) {
            for (size_t j = 0; j < world->count; j++) {
                if (j != i && strcmp(world->services[j].name, service->def->depends[d]) == 0) {
                    service->depends[service->depend_count++] = j;
                }
            }
        }
    }
    return TEND_OK;
}

enum tend_status tend_scenario_world_create(const char *name, const struct tend_scenario_service *services,
                                            size_t count, const json_t *acts, int64_t at_ms,
                                            struct tend_scenario_world **out, struct tend_error *error)
{
    struct tend_scenario_world *world = calloc(1, sizeof *world);
    if (world == NULL) {
        return TEND_E_NOMEM;
    }
    world->services = calloc(count + 1, sizeof *world->services);
    world->acts = json_deep_copy(acts);
    world->begun_ms = world->now_ms = at_ms;
    world->moments = json_array();
    world->faults = json_array();
    enum tend_status status = world->services == NULL ? TEND_E_NOMEM : TEND_OK;
    size_t most = 0;
    for (size_t i = 0; i < count && status == TEND_OK; i++) {
        status = make_service(world, name, &services[i], error);
        most = services[i].def->metric_count > most ? services[i].def->metric_count : most;
    }
    world->given = calloc(most + 1, sizeof *world->given);
    world->given_missing = calloc(most + 1, sizeof *world->given_missing);
    if (status == TEND_OK) {
        status = world->given == NULL || world->given_missing == NULL ? TEND_E_NOMEM : connect_services(world);
    }
    if (status != TEND_OK) {
        tend_scenario_world_destroy(world);
        return status;
    }
    settle_all(world);
    *out = world;
    return TEND_OK;
}

static void instance_clear(struct instance *instance)
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
        struct service *service = &world->services[i];
        for (size_t j = 0; j < service->count; j++) {
            instance_clear(&service->instances[j]);
        }
        tend_synthetic_series_destroy(service->series);
        free(service->instances);
        free(service->depends);
        free(service->name);
    }
    while (world->changes != NULL) {
        struct change *change = world->changes;
        world->changes = change->next;
        free(change->verb);
        free(change);
    }
    json_decref(world->acts);
    json_decref(world->faults);
    json_decref(world->moments);
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

enum tend_status tend_scenario_world_break(struct tend_scenario_world *world, const json_t *fault,
                                           struct tend_error *error)
{
    const char *on = tend_json_text(fault, "on", "");
    bool somebody = false;
    for (size_t i = 0; i < world->count; i++) {
        for (size_t j = 0; j < world->services[i].count; j++) {
            somebody = somebody || is_on(on, &world->services[i], &world->services[i].instances[j]);
        }
    }
    if (!somebody) {
        tend_error_set(error, "a fault is on \"%s\", which is not in this world", on);
        return TEND_E_INVALID;
    }
    json_t *kept = json_deep_copy(fault);
    (void)json_array_append_new(world->faults, kept);
    const int64_t at_ms = world->begun_ms + tend_json_integer(fault, "at_ms", 0);
    plan(world, at_ms)->fault = kept;
    const int64_t lasts_ms = tend_json_integer(fault, "lasts_ms", 0);
    if (lasts_ms > 0) {
        struct change *end = plan(world, at_ms + lasts_ms);
        end->fault = kept;
        end->ends = true;
    }
    return TEND_OK;
}

static enum tend_status give_instance(struct service *service, struct instance *instance, const char *metric,
                                      const char *text, struct tend_error *error)
{
    for (size_t m = 0; m < service->def->metric_count; m++) {
        if (strcmp(service->def->metrics[m].name, metric) != 0) {
            continue;
        }
        struct given_series *grown = reallocarray(instance->given, instance->given_count + 1, sizeof *instance->given);
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
        struct service *service = &world->services[i];
        if (strlen(service->name) != (size_t)(slash - key) || strncmp(service->name, key, (size_t)(slash - key)) != 0) {
            continue;
        }
        for (size_t j = 0; j < service->count; j++) {
            struct instance *instance = &service->instances[j];
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
