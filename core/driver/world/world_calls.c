// Load goes down and time goes up, and with retries each depends on the other: both are worked out in turn until load
// stays as it is. A hung service makes its callers try again, which is more load on it and on what it calls.

#include "driver/world/world_calls.h"

#include "driver/world/world_queue.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS_MAX = 30 };

static const double settled = 1e-9;     // change of load that is none
static const double noticed = 0.005;    // change of the share of late requests
static const double own_at_least = 0.5; // of the usual time, where the rules' expectations leave less
static const double asks_least = 0.05;
static const double timeout_least_s = 1.0;
static const double timeout_times = 5.0; // of what the slowest dependency usually takes

// ---- one call ----

struct call {
    double failed; // share of attempts, and of those
    double timed_out;
    double took_s; // mean of an attempt
};

// What a caller that waits `timeout_s` finds. An exponential time is longer than t in exp(-t/mean) of all cases. Those
// that are too late while nothing is wrong are taken off, for what a metric usually is, it is with them.
static struct call call_of(const struct tend_world_felt *felt, double timeout_s, double usual_fast_s)
{
    const double usually = usual_fast_s > 0.0 ? exp(-timeout_s / usual_fast_s) : 0.0;
    const double slow = felt->fast_s > 0.0 ? exp(-timeout_s / felt->fast_s) : 0.0;
    const double too_slow = fmax(0.0, (slow - usually) / (1.0 - usually));
    const bool too_late = felt->late_s >= timeout_s;
    const double fast = 1.0 - felt->late;
    const double late_failed = too_late ? 1.0 : felt->late_errors;
    return (struct call){
        .failed = felt->late * late_failed + fast * (too_slow + (1.0 - too_slow) * felt->fast_errors),
        .timed_out = felt->late * (too_late ? 1.0 : 0.0) + fast * too_slow,
        .took_s =
            (felt->late > 0.0 ? felt->late * fmin(felt->late_s, timeout_s) : 0.0) + fast * felt->fast_s * (1.0 - slow),
    };
}

// What a request meets below a service: all its calls, one after the other; a failed one ends some of the requests.
struct below {
    double time_s;
    double fine; // share of requests that go on to their end
    double late; // share that waited for a time-out to the end of it
    double late_s;
};

static struct below look_below(const struct tend_scenario_world *world, struct tend_world_service *service)
{
    const struct tend_world_traits *traits = &service->traits;
    struct below below = { .fine = 1.0 };
    for (size_t i = 0; i < service->depend_count; i++) {
        const struct tend_world_felt *felt = &world->services[service->depends[i]].felt;
        const struct call call = call_of(felt, traits->timeout_s, service->usual_fast[i]);
        const double lost = pow(call.failed, traits->retries + 1.0);
        const double attempts =
            call.failed < 1.0 ? (1.0 - lost) / (1.0 - call.failed) : traits->retries + 1.0; // a geometric sum
        const double waited = call.failed > 0.0 ? lost * call.timed_out / call.failed : 0.0;
        service->calls[i] = below.fine * attempts;
        below.time_s += below.fine * service->asks * attempts * call.took_s;
        below.late += below.fine * service->asks * waited;
        below.fine *= 1.0 - traits->needs * service->asks * lost;
    }
    below.late = fmin(below.late, 1.0);
    below.late_s = (traits->retries + 1.0) * traits->timeout_s;
    return below;
}

// ---- one instance ----

// Whether a caller finds somebody there: a hung one too, as nobody tells the caller before its time-out.
static bool takes_calls(const struct tend_world_instance *instance, int64_t now_ms)
{
    return !instance->crashed && !instance->drained && instance->ready_ms <= now_ms;
}

static bool serves(const struct tend_world_instance *instance, int64_t now_ms)
{
    return takes_calls(instance, now_ms) && !instance->hung && !instance->unreachable;
}

// Whether calls are sent to it.
static bool is_called(const struct tend_world_service *service, const struct tend_world_instance *instance,
                      int64_t now_ms)
{
    return service->traits.failover ? takes_calls(instance, now_ms) : !instance->drained;
}

static double together(double one, double other) // of two shares that know nothing of each other
{
    return 1.0 - (1.0 - one) * (1.0 - other);
}

// What an instance counts: the requests that end now. `late` of those that came a time-out ago end late.
static void count(const struct tend_world_service *service, struct tend_world_instance *instance,
                  const struct tend_world_felt *felt, double late, double load)
{
    const double fast = 1.0 - felt->late;
    const double ended = fast + late;
    const double late_s = late > 0.0 ? late * felt->late_s : 0.0;
    instance->signals.load = load * ended;
    instance->signals.latency = ended > 0.0 ? (fast * felt->fast_s + late_s) / ended / service->usual_s : 1.0;
    instance->signals.errors = ended > 0.0 ? (fast * felt->fast_errors + late * felt->late_errors) / ended : 0.0;
}

// How an instance that gets `load` of its usual requests does, and what its callers feel of it.
// @return share of these requests that go on to what is below
static double settle_instance(const struct tend_world_service *service, struct tend_world_instance *instance,
                              const struct below *below, double load, struct tend_world_felt *felt)
{
    const bool bad = service->bad_deploy && instance->new_version;
    const struct tend_world_queue queue = tend_world_queue_at(service->traits.use * load * instance->noisy,
                                                              service->traits.workers, service->traits.room);
    const double refused = fmax(0.0, (queue.refused - service->usual_refused) / (1.0 - service->usual_refused));
    const double own_s =
        service->service_s * instance->noisy * queue.response * instance->slow * (bad ? service->bad_slow : 1.0);
    const double own_errors = together(instance->errors, bad ? service->bad_errors : 0.0);
    const double goes_on = (1.0 - refused) * (1.0 - own_errors);
    // What the rules expect of it may be more than what they expect below; the rest stays as it is.
    const double rest_s = service->usual_s - service->own_s - service->usual_below_s;
    const double time_s = fmax((1.0 - refused) * (own_s + rest_s) + goes_on * below->time_s, (1.0 - refused) * own_s);
    const double errors = 1.0 - goes_on * below->fine;
    felt->late = goes_on * below->late;
    felt->late_s = own_s + below->late_s;
    felt->late_errors = service->traits.needs;
    const double fast = 1.0 - felt->late;
    felt->fast_s = fast > 0.0 ? fmax((time_s - felt->late * felt->late_s) / fast, own_s) : 0.0;
    felt->fast_errors = fast > 0.0 ? fmin(fmax((errors - felt->late * felt->late_errors) / fast, 0.0), 1.0) : 0.0;
    count(service, instance, felt, goes_on * service->late_counted, load);
    return goes_on;
}

// ---- services ----

// Adds what is felt of one instance, which gets `share` of the calls. Times are sums until `finish_felt`.
static void add_felt(struct tend_world_felt *sum, const struct tend_world_felt *one, double share)
{
    sum->fast_s += share * (1.0 - one->late) * one->fast_s;
    sum->fast_errors += share * (1.0 - one->late) * one->fast_errors;
    sum->late += share * one->late;
    if (one->late > 0.0) {
        sum->late_s = fmax(sum->late_s, one->late_s);
        sum->late_errors += share * one->late * one->late_errors;
    }
}

static void finish_felt(struct tend_world_felt *sum)
{
    const double fast = 1.0 - sum->late;
    sum->late_errors = sum->late > 0.0 ? sum->late_errors / sum->late : 0.0;
    sum->fast_s = fast > 1e-12 ? sum->fast_s / fast : 0.0;
    sum->fast_errors = fast > 1e-12 ? sum->fast_errors / fast : 0.0;
}

static void settle_service(struct tend_scenario_world *world, struct tend_world_service *service)
{
    static const struct tend_world_felt nobody = { .fast_errors = 1.0 };
    static const struct tend_world_felt mute = { .late = 1.0, .late_s = (double)INFINITY, .late_errors = 1.0 };
    const struct below below = look_below(world, service);
    size_t called = 0;
    for (size_t i = 0; i < service->count; i++) {
        called += is_called(service, &service->instances[i], world->now_ms);
    }
    const double load = called == 0 ? 0.0 : service->load * (double)service->count / (double)called;
    double going_on = 0.0;
    struct tend_world_felt sum = { .fast_s = 0.0 };
    for (size_t i = 0; i < service->count; i++) {
        struct tend_world_instance *instance = &service->instances[i];
        const bool gets_calls = is_called(service, instance, world->now_ms);
        const double share = gets_calls ? 1.0 / (double)called : 0.0;
        struct tend_world_felt felt;
        const double goes_on = settle_instance(service, instance, &below, gets_calls ? load : 0.0, &felt);
        instance->signals.serves = !instance->crashed && !instance->hung && instance->ready_ms <= world->now_ms;
        instance->signals.new_version = instance->new_version;
        instance->signals.started_s = (double)instance->started_ms / 1000.0;
        const bool is_there = takes_calls(instance, world->now_ms);
        const bool answers = serves(instance, world->now_ms);
        add_felt(&sum, answers ? &felt : is_there ? &mute : &nobody, share);
        going_on += answers ? share * goes_on : 0.0;
    }
    if (called == 0) {
        sum = nobody;
    }
    finish_felt(&sum);
    service->felt = sum;
    service->below_late = below.late;
    service->below_late_s = below.late_s;
    for (size_t i = 0; i < service->depend_count; i++) {
        service->calls[i] *= going_on;
    }
}

// What comes to each service: from its callers as much as they call it, of what they usually do; else from outside.
// @return the largest change
static double spread_load(struct tend_scenario_world *world, double outside, double *gets, double *usual)
{
    memset(gets, 0, world->count * sizeof *gets);
    memset(usual, 0, world->count * sizeof *usual);
    double change = 0.0;
    for (size_t i = world->count; i-- > 0;) {
        const size_t at = world->order[i];
        struct tend_world_service *service = &world->services[at];
        const double load = (usual[at] > 0.0 ? gets[at] / usual[at] : outside) + service->surge - 1.0;
        change = fmax(change, fabs(load - service->load));
        service->load = fmax(load, 0.0);
        const double requests = tend_synthetic_series_rate(service->series) * (double)service->count;
        for (size_t d = 0; d < service->depend_count; d++) {
            gets[service->depends[d]] += requests * service->asks * service->load * service->calls[d];
            usual[service->depends[d]] += requests * service->asks;
        }
    }
    return change;
}

static bool same_services(const json_t *moment, const json_t *services)
{
    return json_equal(json_object_get(moment, "services"), services) != 0;
}

static void note_moment(struct tend_scenario_world *world)
{
    json_t *services = json_object();
    for (size_t i = 0; i < world->count; i++) {
        const struct tend_world_service *service = &world->services[i];
        size_t healthy = 0;
        for (size_t j = 0; j < service->count; j++) {
            healthy += serves(&service->instances[j], world->now_ms);
        }
        (void)json_object_set_new(
            services, service->name,
            json_pack("{s:I, s:I}", "healthy", (json_int_t)healthy, "instances", (json_int_t)service->count));
    }
    const size_t count = json_array_size(world->moments);
    if (count > 0 && same_services(json_array_get(world->moments, count - 1), services)) {
        json_decref(services);
        return;
    }
    (void)json_array_append_new(
        world->moments,
        json_pack("{s:I, s:o}", "at_ms", (json_int_t)(world->now_ms - world->begun_ms), "services", services));
}

// Requests that wait for a time-out end a time-out later, and are counted only then: a caller of what hangs shows
// nothing at first. When the hang is over they end at once, as a process that is ended closes its connections.
// @return whether what is counted has changed at once
static bool count_late(struct tend_scenario_world *world)
{
    bool ended = false;
    for (size_t i = 0; i < world->count; i++) {
        struct tend_world_service *service = &world->services[i];
        const double change = service->below_late - service->late_to_count;
        if (world->simulation == NULL) { // the beginning: it has been so for long
            ended = ended || change > 0.0;
            service->late_counted = service->late_to_count = service->below_late;
        } else if (change > noticed) {
            struct tend_world_change *counted =
                tend_world_plan(world, world->now_ms + (int64_t)ceil(service->below_late_s * 1000.0));
            counted->counts_late = true;
            counted->service = i;
            service->late_to_count = service->below_late;
        } else if (change < 0.0) {
            service->late_to_count = service->below_late;
            ended = ended || service->late_counted > service->below_late;
            service->late_counted = fmin(service->late_counted, service->below_late);
        }
    }
    return ended;
}

static void settle_services(struct tend_scenario_world *world)
{
    for (size_t i = 0; i < world->count; i++) {
        settle_service(world, &world->services[world->order[i]]);
    }
}

static void work_out(struct tend_scenario_world *world)
{
    const double outside = tend_world_load_at(&world->load, world->now_ms);
    for (int round = 0; round < ROUNDS_MAX; round++) {
        if (spread_load(world, outside, world->gets, world->usually_gets) < settled && round > 0) {
            break;
        }
        settle_services(world);
    }
    if (count_late(world)) {
        settle_services(world);
    }
}

void tend_world_settle(struct tend_scenario_world *world)
{
    work_out(world);
    note_moment(world);
}

// ---- time ----

static double memory_of(const struct tend_world_instance *instance, int64_t now_ms)
{
    return 1.0 + instance->held + instance->leak * (double)(now_ms - instance->leak_ms) / 60000.0;
}

void tend_world_show(struct tend_world_instance *instance, int64_t now_ms)
{
    instance->signals.memory = memory_of(instance, now_ms);
    instance->signals.wall_s = (double)now_ms / 1000.0;
}

// Requests a second that end badly where they came from outside. Those of a service that others call are its callers'
// affair: they show there, as far as they do harm.
static double spoiled_per_second(const struct tend_scenario_world *world)
{
    double spoiled = 0.0;
    for (size_t i = 0; i < world->count; i++) {
        const struct tend_world_service *service = &world->services[i];
        if (world->usually_gets[i] > 0.0) {
            continue;
        }
        const struct tend_world_felt *felt = &service->felt;
        const double share = (1.0 - felt->late) * felt->fast_errors + felt->late * felt->late_errors;
        spoiled += share * service->load * tend_synthetic_series_rate(service->series) * (double)service->count;
    }
    return spoiled;
}

static void advance(struct tend_scenario_world *world, int64_t now_ms)
{
    const double seconds = (double)(now_ms - world->now_ms) / 1000.0;
    world->spoiled += seconds > 0.0 ? spoiled_per_second(world) * seconds : 0.0;
    for (size_t i = 0; i < world->count && seconds > 0.0; i++) {
        struct tend_world_service *service = &world->services[i];
        for (size_t j = 0; j < service->count; j++) {
            struct tend_world_instance *instance = &service->instances[j];
            tend_world_show(instance, now_ms);
            if (serves(instance, world->now_ms)) {
                tend_synthetic_row_advance(instance->row, &instance->signals, seconds);
            }
        }
    }
    world->now_ms = now_ms > world->now_ms ? now_ms : world->now_ms;
}

void tend_world_carry_on(struct tend_scenario_world *world, int64_t now_ms)
{
    while (!tend_world_load_is_steady(&world->load)) {
        const int64_t since_ms = world->now_ms - world->begun_ms;
        const int64_t step_ms = world->begun_ms + (since_ms / TEND_WORLD_LOAD_STEP_MS + 1) * TEND_WORLD_LOAD_STEP_MS;
        if (step_ms > now_ms) {
            break;
        }
        advance(world, step_ms);
        work_out(world);
    }
    advance(world, now_ms);
}

// ---- while nothing is wrong ----

// NOLINTBEGIN(misc-no-recursion): as deep as services depend on each other, which is checked to be no circle

static void put_in_order(struct tend_scenario_world *world, size_t at, size_t *placed, bool *seen)
{
    if (seen[at]) {
        return;
    }
    seen[at] = true;
    for (size_t i = 0; i < world->services[at].depend_count; i++) {
        put_in_order(world, world->services[at].depends[i], placed, seen);
    }
    world->order[(*placed)++] = at;
}

// NOLINTEND(misc-no-recursion)

static void find_usual_of(const struct tend_scenario_world *world, struct tend_world_service *service)
{
    struct tend_world_traits *traits = &service->traits;
    service->usual_s = tend_synthetic_series_latency_s(service->series);
    double slowest_s = 0.0;
    double below_s = 0.0;
    for (size_t i = 0; i < service->depend_count; i++) {
        service->usual_fast[i] = world->services[service->depends[i]].usual_s;
        slowest_s = fmax(slowest_s, service->usual_fast[i]);
        below_s += service->usual_fast[i];
    }
    if (!(traits->timeout_s > 0.0)) {
        traits->timeout_s = fmax(timeout_least_s, timeout_times * slowest_s);
    }
    for (size_t i = 0; i < service->depend_count; i++) {
        const struct tend_world_felt usual = { .fast_s = service->usual_fast[i] };
        service->usual_below_s += call_of(&usual, traits->timeout_s, usual.fast_s).took_s;
    }
    service->own_s = traits->work_s > 0.0 ? fmin(traits->work_s, service->usual_s)
                                          : fmax(service->usual_s - below_s, own_at_least * service->usual_s);
    // A request that usually takes less than all its calls together does not make each of them.
    service->asks = 1.0;
    if (service->usual_below_s > 0.0) {
        service->asks = fmin(1.0, fmax((service->usual_s - service->own_s) / service->usual_below_s, asks_least));
    }
    service->usual_below_s *= service->asks;
    const struct tend_world_queue usual = tend_world_queue_at(traits->use, traits->workers, traits->room);
    service->service_s = service->own_s / usual.response;
    service->usual_refused = usual.refused;
}

enum tend_status tend_world_find_usual(struct tend_scenario_world *world)
{
    bool *seen = calloc(world->count + 1, sizeof *seen);
    world->order = calloc(world->count + 1, sizeof *world->order);
    world->gets = calloc(world->count + 1, sizeof *world->gets);
    world->usually_gets = calloc(world->count + 1, sizeof *world->usually_gets);
    if (seen == NULL || world->order == NULL || world->gets == NULL || world->usually_gets == NULL) {
        free(seen);
        return TEND_E_NOMEM;
    }
    size_t placed = 0;
    for (size_t i = 0; i < world->count; i++) {
        put_in_order(world, i, &placed, seen);
    }
    free(seen);
    for (size_t i = 0; i < world->count; i++) {
        struct tend_world_service *service = &world->services[world->order[i]];
        service->calls = calloc(service->depend_count + 1, sizeof *service->calls);
        service->usual_fast = calloc(service->depend_count + 1, sizeof *service->usual_fast);
        if (service->calls == NULL || service->usual_fast == NULL) {
            return TEND_E_NOMEM;
        }
        for (size_t d = 0; d < service->depend_count; d++) {
            service->calls[d] = 1.0;
        }
        service->load = 1.0;
        find_usual_of(world, service);
    }
    return TEND_OK;
}
