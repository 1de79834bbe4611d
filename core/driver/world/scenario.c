// A scenario ends when its series by hand do, or the time that it lasts; one with faults when all has been calm for a
// while after the last of them, or at the latest when the slowest rule and playbook had their time twice over.

#include "driver/world/scenario.h"

#include "driver/sim/simulation.h"
#include "driver/world/act_ledger.h"
#include "driver/world/charter.h"
#include "driver/world/coverage.h"
#include "driver/world/interruption.h"
#include "driver/world/scenario_document.h"
#include "driver/world/scenario_report.h"
#include "driver/world/scenario_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    HORIZON_MS = 30 * 60 * 1000,          // after the last fault, and what rules and playbooks wait for
    EXPLORED_HORIZON_MS = 10 * 60 * 1000, // for one of many that are made up: what breaks breaks soon
    CALM_MS = 5 * 60 * 1000,
    LOOK_MS = 5000,
};

static const char usual_beginning[] = "2026-03-02 10:00 UTC"; // a Monday

struct playing {
    const struct tend_scenario_options *options;
    const json_t *scenario;
    json_t *decided;  // the scenario, with what was left to chance
    json_t *services; // name → instances
    int64_t begun_ms;
    int minute_of_day, weekday; // at the beginning, where the scenario is
    int64_t fault_ms;           // of the first fault
    int64_t last_fault_ms;
    int64_t series_end_ms;
    json_t *document;             // of this scenario's services
    struct tend_ruleset *ruleset; // the world's own; the simulation gets a fresh one at each start
    struct tend_scenario_world *world;
    struct tend_act_ledger *ledger; // between the world and the simulation
    struct tend_simulation *simulation;
    struct tend_interruptions *interruptions;
    struct tend_error *error;
};

// "2026-03-02 02:00 Europe/Berlin" as milliseconds. The C library's zones, as nothing else runs here that reads TZ.
static bool read_beginning(struct playing *playing, const char *text)
{
    struct tm local = { .tm_isdst = -1 };
    const char *rest = strptime(text, "%Y-%m-%d %H:%M", &local);
    local.tm_isdst = -1;
    if (rest == NULL || (rest[0] != '\0' && rest[0] != ' ')) {
        return false;
    }
    const char *zone = rest[0] == '\0' ? "UTC" : rest + 1;
    const char *before = getenv("TZ"); // NOLINT(concurrency-mt-unsafe): one thread
    char *kept = before == NULL ? NULL : strdup(before);
    (void)setenv("TZ", zone, 1); // NOLINT(concurrency-mt-unsafe): one thread
    tzset();
    const time_t seconds = mktime(&local);
    if (kept != NULL) {
        (void)setenv("TZ", kept, 1); // NOLINT(concurrency-mt-unsafe): one thread
    } else {
        (void)unsetenv("TZ"); // NOLINT(concurrency-mt-unsafe): one thread
    }
    tzset();
    free(kept);
    playing->begun_ms = (int64_t)seconds * 1000;
    playing->minute_of_day = local.tm_hour * 60 + local.tm_min;
    playing->weekday = local.tm_wday;
    return seconds != (time_t)-1;
}

static const struct tend_service_def *find_def(const struct tend_ruleset *ruleset, const char *name)
{
    for (size_t i = 0; i < ruleset->service_count; i++) {
        if (strcmp(ruleset->services[i].name, name) == 0) {
            return &ruleset->services[i];
        }
    }
    for (size_t i = 0; i < ruleset->discovery_count; i++) {
        for (size_t j = 0; j < ruleset->discoveries[i].override_count; j++) {
            if (strcmp(ruleset->discoveries[i].overrides[j]->name, name) == 0) {
                return ruleset->discoveries[i].overrides[j];
            }
        }
    }
    return NULL;
}

static enum tend_status make_ruleset(struct playing *playing)
{
    playing->services = tend_scenario_services(playing->options->document, playing->scenario);
    playing->document = tend_scenario_document(playing->options->document, playing->services, playing->error);
    if (playing->document != NULL && playing->options->remedies != NULL) {
        tend_scenario_document_limit(playing->document, playing->options->remedies);
    }
    return playing->document == NULL
               ? TEND_E_INVALID
               : tend_ruleset_create(playing->document, playing->options->hash, &playing->ruleset, playing->error);
}

static struct tend_ruleset *fresh_ruleset(void *context)
{
    const struct playing *playing = context;
    struct tend_ruleset *ruleset = NULL;
    TEND_ASSERT(tend_ruleset_create(playing->document, playing->options->hash, &ruleset, playing->error) == TEND_OK);
    return ruleset;
}

// What the scenario says of a service, and for all of them. @return a new reference
static json_t *traits_of(const struct playing *playing, const char *name)
{
    const json_t *said = json_object_get(playing->scenario, "traits");
    json_t *traits = json_deep_copy(json_object_get(said, "*"));
    traits = traits == NULL ? json_object() : traits;
    (void)json_object_update_recursive(traits, json_object_get(said, name));
    return traits;
}

static enum tend_status make_world(struct playing *playing)
{
    struct tend_scenario_service *services = calloc(json_object_size(playing->services) + 1, sizeof *services);
    if (services == NULL) {
        return TEND_E_NOMEM;
    }
    size_t count = 0;
    const char *name;
    json_t *instances;
    json_object_foreach(playing->services, name, instances)
    {
        const struct tend_service_def *def = find_def(playing->ruleset, name);
        TEND_ASSERT(def != NULL);
        services[count++] = (struct tend_scenario_service){ .name = name,
                                                            .def = def,
                                                            .instances = (size_t)json_integer_value(instances),
                                                            .traits = traits_of(playing, name) };
    }
    const struct tend_scenario_world_options options = {
        .seed = tend_scenario_seed(playing->scenario),
        .services = services,
        .count = count,
        .acts = json_object_get(playing->scenario, "acts"),
        .load = json_object_get(playing->scenario, "load"),
        .at_ms = playing->begun_ms,
        .minute_of_day = playing->minute_of_day,
        .weekday = playing->weekday,
    };
    const enum tend_status status = tend_scenario_world_create(&options, &playing->world, playing->error);
    for (size_t i = 0; i < count; i++) {
        json_decref((json_t *)(uintptr_t)services[i].traits); // NOLINT(performance-no-int-to-ptr): jansson has no const
    }
    free(services);
    return status;
}

static void list_targets(void *context, const json_t *without)
{
    struct playing *playing = context;
    size_t most = 0;
    const char *name;
    json_t *instances;
    json_object_foreach(playing->services, name, instances)
    {
        most += (size_t)json_integer_value(instances);
    }
    struct tend_discovered *targets = calloc(most + 1, sizeof *targets);
    char(*texts)[2][300] = calloc(most + 1, sizeof *texts);
    TEND_ASSERT(targets != NULL && texts != NULL);
    size_t count = 0;
    json_object_foreach(playing->services, name, instances)
    {
        for (json_int_t i = 1; i <= json_integer_value(instances); i++) {
            char instance[300];
            (void)snprintf(instance, sizeof instance, "%s/%d", name, (int)i);
            if (json_object_get(without, instance) != NULL) {
                continue;
            }
            (void)snprintf(texts[count][0], sizeof texts[count][0], "http://%s-%d:9100/metrics", name, (int)i);
            (void)snprintf(texts[count][1], sizeof texts[count][1], "%d", (int)i);
            targets[count] = (struct tend_discovered){
                .url = texts[count][0],
                .address = texts[count][1],
                .labels = tend_scenario_labels(playing->options->sources, name, (size_t)i),
            };
            count++;
        }
    }
    tend_simulation_list_targets(playing->simulation,
                                 &(struct tend_event_targets){ .discovery = 0, .targets = targets, .count = count });
    for (size_t i = 0; i < count; i++) {
        json_decref(targets[i].labels);
    }
    free(targets);
    free(texts);
}

static enum tend_status plan_what_happens(struct playing *playing)
{
    const json_t *faults = json_object_get(playing->scenario, "faults");
    playing->fault_ms = json_array_size(faults) > 0 ? INT64_MAX : playing->begun_ms;
    playing->last_fault_ms = playing->series_end_ms = playing->begun_ms;
    for (size_t i = 0; i < json_array_size(faults); i++) {
        const json_t *fault = json_array_get(faults, i);
        const enum tend_status status = tend_scenario_world_break(playing->world, fault, playing->error);
        if (status != TEND_OK) {
            return status;
        }
        const int64_t at_ms = playing->begun_ms + tend_json_integer(fault, "at_ms", 0);
        const int64_t ends_ms = at_ms + tend_json_integer(fault, "lasts_ms", 0);
        playing->fault_ms = at_ms < playing->fault_ms ? at_ms : playing->fault_ms;
        playing->last_fault_ms = ends_ms > playing->last_fault_ms ? ends_ms : playing->last_fault_ms;
    }
    const int64_t interrupted_ms = tend_interruptions_end_ms(playing->interruptions);
    playing->last_fault_ms = interrupted_ms > playing->last_fault_ms ? interrupted_ms : playing->last_fault_ms;
    const char *key;
    json_t *text;
    json_object_foreach(json_object_get(playing->scenario, "series"), key, text)
    {
        const enum tend_status status = tend_scenario_world_give(playing->world, key, json_string_value(text),
                                                                 &playing->series_end_ms, playing->error);
        if (status != TEND_OK) {
            return status;
        }
    }
    const int64_t lasts_until_ms = playing->begun_ms + tend_json_integer(playing->scenario, "lasts_ms", 0);
    playing->series_end_ms = lasts_until_ms > playing->series_end_ms ? lasts_until_ms : playing->series_end_ms;
    return TEND_OK;
}

// The longest that a rule or a playbook of these services waits.
static int64_t longest_wait_ms(const struct tend_ruleset *ruleset)
{
    int64_t fire_ms = 0;
    int64_t within_ms = 0;
    for (size_t d = 0; d < ruleset->discovery_count; d++) {
        for (size_t o = 0; o < ruleset->discoveries[d].override_count; o++) {
            const struct tend_service_def *def = ruleset->discoveries[d].overrides[o];
            for (size_t r = 0; r < def->rule_count; r++) {
                const int64_t wait_ms = def->rules[r].fire_after_ms + def->rules[r].clear_after_ms + def->window_ms;
                fire_ms = wait_ms > fire_ms ? wait_ms : fire_ms;
            }
        }
    }
    for (size_t i = 0; i < ruleset->playbook_count; i++) {
        within_ms = ruleset->playbooks[i].within_ms > within_ms ? ruleset->playbooks[i].within_ms : within_ms;
    }
    return fire_ms + within_ms;
}

static bool is_calm(const struct tend_engine *engine)
{
    const struct tend_engine_counts counts = tend_engine_counts(engine);
    return counts.alerts_pending == 0 && counts.alerts_firing == 0 && counts.incidents_open == 0 &&
           counts.runs_open == 0;
}

static bool had_incident(const struct tend_simulation *simulation)
{
    size_t count;
    const struct tend_record *records = tend_simulation_records(simulation, &count);
    for (size_t i = 0; i < count; i++) {
        if (records[i].kind == TEND_RECORD_INCIDENT) {
            return true;
        }
    }
    return false;
}

static void go_on(struct playing *playing, int64_t until_ms)
{
    (void)tend_simulation_run(playing->simulation, until_ms);
    if (playing->options->coverage != NULL) {
        tend_coverage_look(playing->options->coverage, playing->simulation);
    }
}

static void go(struct playing *playing)
{
    struct tend_simulation *simulation = playing->simulation;
    const bool by_hand = playing->series_end_ms > playing->begun_ms;
    const bool broken = json_array_size(json_object_get(playing->scenario, "faults")) > 0;
    if (by_hand && !broken) {
        for (int64_t at_ms = playing->begun_ms; at_ms < playing->series_end_ms; at_ms += LOOK_MS) {
            go_on(playing, at_ms);
        }
        go_on(playing, playing->series_end_ms - 1);
        return;
    }
    const int64_t told_ms =
        playing->series_end_ms > playing->last_fault_ms ? playing->series_end_ms : playing->last_fault_ms;
    const int64_t until_ms = told_ms + (playing->options->explored != NULL ? EXPLORED_HORIZON_MS : HORIZON_MS) +
                             2 * longest_wait_ms(playing->ruleset);
    int64_t calm_since_ms = playing->last_fault_ms;
    for (int64_t at_ms = playing->begun_ms; at_ms <= until_ms; at_ms += LOOK_MS) {
        go_on(playing, at_ms);
        if (!is_calm(tend_simulation_engine(simulation)) || at_ms < playing->last_fault_ms ||
            !had_incident(simulation)) {
            calm_since_ms = at_ms;
        }
        if (at_ms - calm_since_ms >= CALM_MS && at_ms >= playing->series_end_ms) {
            return;
        }
    }
}

static enum tend_status prepare(struct playing *playing)
{
    const char *from = tend_json_text(playing->scenario, "from", NULL);
    if (!read_beginning(playing, from == NULL ? usual_beginning : from)) {
        tend_error_set(playing->error, "from = \"%s\" is no time; write it like \"2026-03-02 02:00 Europe/Berlin\"",
                       from);
        return TEND_E_INVALID;
    }
    enum tend_status status = make_ruleset(playing);
    if (status == TEND_OK) {
        status = make_world(playing);
    }
    if (status != TEND_OK) {
        return status;
    }
    const struct tend_world world = tend_scenario_world_face(playing->world);
    status = tend_act_ledger_create(&world, &playing->ledger);
    if (status != TEND_OK) {
        return status;
    }
    struct tend_simulation_options options = {
        .at_ms = playing->begun_ms,
        .sources = playing->options->sources,
        .evaluator = playing->options->evaluator,
        .ruleset = fresh_ruleset(playing),
        .world = tend_act_ledger_face(playing->ledger),
        .forgetful = playing->options->forgetful,
        .spread = tend_json_bool(playing->scenario, "spread", false),
        .seed = tend_scenario_seed(playing->scenario),
        .recorder = playing->options->recorder,
        .blamed = playing->options->blamed,
    };
    status = tend_simulation_create(&options, &playing->simulation);
    if (status != TEND_OK) {
        return status;
    }
    if (playing->options->report != NULL) {
        tend_simulation_watch(playing->simulation, tend_report_look, playing->options->report);
    }
    tend_scenario_world_attach(playing->world, playing->simulation);
    tend_act_ledger_attach(playing->ledger, playing->simulation);
    list_targets(playing, NULL);
    tend_simulation_arm_all(playing->simulation);
    const struct tend_interruption_options interruptions = {
        .scenario = playing->scenario,
        .begun_ms = playing->begun_ms,
        .simulation = playing->simulation,
        .ledger = playing->ledger,
        .known = playing->ruleset,
        .services = playing->services,
        .context = playing,
        .ruleset = fresh_ruleset,
        .list = list_targets,
    };
    status = tend_interruptions_create(&interruptions, &playing->interruptions);
    return status == TEND_OK ? plan_what_happens(playing) : status;
}

// Asks the scenario's own `check` and the invariants. @return a list of failures, a new reference
static json_t *check(const struct playing *playing, const json_t *run, json_t *take_moments)
{
    json_t *question = json_pack("{s:s, s:O, s:o}", "kind", "check", "run", run, "worlds", take_moments);
    if (playing->options->explored == NULL) {
        (void)json_object_set_new(question, "scenario", json_integer((json_int_t)playing->options->index));
    }
    struct tend_awaited_reply reply = tend_awaited_evaluator_ask(playing->options->evaluator, question);
    json_decref(question);
    json_t *failures = json_incref(json_object_get(reply.json, "failures"));
    if (!json_is_array(failures)) {
        json_decref(failures);
        char text[600];
        const char *why = tend_json_text(reply.json, "error", reply.reason);
        (void)snprintf(text, sizeof text, "%s: its check did not end: %s", tend_json_text(playing->scenario, "at", ""),
                       why);
        failures = json_pack("[s]", text);
    }
    tend_awaited_reply_clear(&reply);
    if (playing->options->explored == NULL) { // nobody wrote one that is made up
        tend_interruptions_faults(playing->interruptions, failures);
    }
    return failures;
}

// What is told of a scenario that was played: a new reference, or NULL when out of memory.
static json_t *judge(const struct playing *playing)
{
    const struct tend_charter_options options = { .ledger = playing->ledger,
                                                  .simulation = playing->simulation,
                                                  .ruleset = playing->ruleset,
                                                  .scenario = playing->scenario,
                                                  .begun_ms = playing->begun_ms };
    struct tend_charter *charter;
    if (tend_charter_create(&options, &charter) != TEND_OK) {
        return NULL;
    }
    json_t *broken = tend_charter_broken(charter);
    json_t *moments = tend_charter_moments(charter, tend_scenario_world_moments(playing->world));
    tend_charter_destroy(charter);
    json_t *run = tend_scenario_report(playing->simulation, playing->begun_ms, playing->fault_ms);
    json_t *texts = json_array();
    for (size_t i = 0; i < json_array_size(broken); i++) {
        (void)json_array_append(texts, json_object_get(json_array_get(broken, i), "text"));
    }
    (void)json_object_set_new(run, "broken", texts);
    (void)json_object_set_new(run, "spoiled", tend_json_real(tend_scenario_world_spoiled(playing->world)));
    return json_pack("{s:O?, s:O?, s:I, s:n, s:o, s:o, s:o, s:o, s:f}", "name",
                     json_object_get(playing->scenario, "name"), "at", json_object_get(playing->scenario, "at"), "seed",
                     (json_int_t)tend_json_integer(playing->scenario, "seed", 0), "skip", "failures",
                     check(playing, run, moments), "run", run, "story",
                     tend_scenario_story(playing->simulation, playing->begun_ms, playing->scenario), "broken", broken,
                     "lasted_s", (double)(tend_simulation_now_ms(playing->simulation) - playing->begun_ms) / 1000.0);
}

static void clear(struct playing *playing)
{
    tend_simulation_destroy(playing->simulation);
    tend_interruptions_destroy(playing->interruptions);
    tend_act_ledger_destroy(playing->ledger);
    tend_scenario_world_destroy(playing->world);
    tend_ruleset_destroy(playing->ruleset);
    json_decref(playing->document);
    json_decref(playing->services);
    json_decref(playing->decided);
}

enum tend_status tend_scenario_play(const struct tend_scenario_options *options, json_t **result,
                                    struct tend_error *error)
{
    struct playing playing = { .options = options, .error = error };
    tend_error_set(error, "%s", tend_status_text(TEND_E_NOMEM));
    playing.scenario = options->explored != NULL
                           ? options->explored
                           : json_array_get(json_object_get(options->document, "scenarios"), options->index);
    json_t *name = json_object_get(playing.scenario, "name");
    json_t *at = json_object_get(playing.scenario, "at");
    const char *skip = tend_json_text(playing.scenario, "skip", NULL);
    if (skip != NULL) {
        *result = json_pack("{s:O?, s:O?, s:s, s:[]}", "name", name, "at", at, "skip", skip, "failures");
        return *result == NULL ? TEND_E_NOMEM : TEND_OK;
    }
    playing.decided = tend_scenario_decided(playing.scenario);
    playing.scenario = playing.decided;
    tend_awaited_evaluator_forget(options->evaluator); // what rules remember of another scenario is none of this one's
    const enum tend_status status = prepare(&playing);
    if (status != TEND_OK) {
        clear(&playing);
        return status;
    }
    go(&playing);
    if (options->coverage != NULL) {
        tend_coverage_take(options->coverage, playing.simulation);
    }
    *result = judge(&playing);
    clear(&playing);
    return *result == NULL ? TEND_E_NOMEM : TEND_OK;
}
