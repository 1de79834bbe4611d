#include "driver/world/world_generator.h"

#include "base/hash_map.h"
#include "driver/world/world_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_FAULT_MS = 60000, FAULTS_WITHIN_MS = 600000, STEP_MS = 100, SMALL_SETUP = 8 };

struct making {
    const json_t *document;
    size_t playbook;
    uint64_t seed, index; // of the next number that is drawn
    json_t *scenario;
    json_t *names;                // of the services in this world, the one that it is about first
    json_t *verbs;                // of that one
    int64_t cured_ms, relapse_ms; // what was broken at the first of these is again at the second; 0: nothing is
};

// ---- chance ----

static double chance(struct making *making)
{
    return tend_world_chance(making->seed, making->index++);
}

static size_t pick(struct making *making, size_t count)
{
    return (size_t)(chance(making) * (double)count);
}

static int64_t time_between(struct making *making, int64_t from_ms, int64_t until_ms)
{
    return from_ms + (int64_t)pick(making, (size_t)((until_ms - from_ms) / STEP_MS)) * STEP_MS;
}

// ---- services ----

static bool is_watched(const json_t *definition)
{
    return tend_json_bool(definition, "watched", true);
}

// All services that the rules name, watched or not; what a discovery makes without naming it is not known here.
static json_t *all_definitions(const json_t *document)
{
    json_t *all = json_array();
    (void)json_array_extend(all, json_object_get(document, "services"));
    const json_t *discoveries = json_object_get(document, "discoveries");
    for (size_t i = 0; i < json_array_size(discoveries); i++) {
        (void)json_array_extend(all, json_object_get(json_array_get(discoveries, i), "overrides"));
    }
    return all;
}

static bool has_remedy(const json_t *definition, size_t playbook)
{
    const json_t *remedies = json_object_get(definition, "remedies");
    for (size_t i = 0; i < json_array_size(remedies); i++) {
        if (json_integer_value(json_array_get(remedies, i)) == (json_int_t)playbook) {
            return is_watched(definition);
        }
    }
    return false;
}

static bool depends_on(const json_t *definition, const char *name)
{
    const json_t *depends = json_object_get(definition, "depends");
    for (size_t i = 0; i < json_array_size(depends); i++) {
        if (strcmp(json_string_value(json_array_get(depends, i)), name) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_name(const json_t *names, const char *name)
{
    for (size_t i = 0; i < json_array_size(names); i++) {
        if (strcmp(json_string_value(json_array_get(names, i)), name) == 0) {
            return true;
        }
    }
    return false;
}

static void add_service(struct making *making, const json_t *definition)
{
    const char *name = tend_json_text(definition, "name", "");
    if (has_name(making->names, name)) {
        return;
    }
    (void)json_array_append_new(making->names, json_string(name));
    if (!is_watched(definition)) {
        return; // it comes with whatever depends on it, and can break like all else
    }
    const size_t targets = json_array_size(json_object_get(definition, "targets"));
    const size_t count = targets > 0 && chance(making) < 0.5 ? targets : 1 + pick(making, 3);
    (void)json_object_set_new(json_object_get(making->scenario, "world"), name, json_integer((json_int_t)count));
}

// The world is about one service. What it depends on comes with it; its callers often do, so that it has victims.
static bool choose_services(struct making *making)
{
    json_t *all = all_definitions(making->document);
    json_t *cured = json_array();
    size_t i;
    json_t *definition;
    json_array_foreach(all, i, definition)
    {
        if (has_remedy(definition, making->playbook)) {
            (void)json_array_append(cured, definition);
        }
    }
    const size_t count = json_array_size(cured);
    if (count > 0) {
        const json_t *about = json_array_get(cured, pick(making, count));
        const char *name = tend_json_text(about, "name", "");
        const bool everybody = json_array_size(all) <= SMALL_SETUP && chance(making) < 0.5;
        making->verbs = json_incref(json_object_get(about, "verbs"));
        add_service(making, about);
        json_array_foreach(all, i, definition)
        {
            const bool below = depends_on(about, tend_json_text(definition, "name", ""));
            const bool above = depends_on(definition, name);
            if (below || (is_watched(definition) && (everybody || (above && chance(making) < 0.7)))) {
                add_service(making, definition);
            }
        }
    }
    json_decref(cured);
    json_decref(all);
    return count > 0;
}

// ---- what goes wrong ----

// On whom: mostly on what the world is about, and there on one instance as often as on all.
static json_t *choose_victim(struct making *making)
{
    const size_t count = json_array_size(making->names);
    const json_t *name = json_array_get(making->names, chance(making) < 0.5 ? 0 : pick(making, count));
    const json_int_t instances =
        json_integer_value(json_object_get(json_object_get(making->scenario, "world"), json_string_value(name)));
    if (chance(making) < 0.3) {
        return json_string(json_string_value(name));
    }
    char on[300];
    const size_t count_of_it = instances < 1 ? 1 : (size_t)instances;
    (void)snprintf(on, sizeof on, "%s/%zu", json_string_value(name), 1 + pick(making, count_of_it));
    return json_string(on);
}

static void add_fault(struct making *making, int64_t at_ms)
{
    static const char *const kinds[] = { "crash",           "crash", "hang",         "slow",         "slow",
                                         "errors",          "leak",  "metrics gone", "network loss", "bad deploy",
                                         "noisy neighbour", "leaves" };
    const char *kind = kinds[pick(making, sizeof kinds / sizeof kinds[0])];
    json_t *fault = json_pack("{s:I, s:o, s:s}", "at_ms", (json_int_t)at_ms, "on", choose_victim(making), "kind", kind);
    if (strcmp(kind, "leaves") == 0 && strchr(tend_json_text(fault, "on", ""), '/') == NULL) {
        char on[300]; // one target leaves, not all
        (void)snprintf(on, sizeof on, "%s/1", tend_json_text(fault, "on", ""));
        (void)json_object_set_new(fault, "on", json_string(on));
    }
    if ((strcmp(kind, "slow") == 0 || strcmp(kind, "leak") == 0) && chance(making) < 0.6) {
        (void)json_object_set_new(fault, "times", json_integer(2 + (json_int_t)pick(making, 19)));
    }
    if (strcmp(kind, "errors") == 0 && chance(making) < 0.6) {
        (void)json_object_set_new(fault, "ratio", json_real((double)(1 + pick(making, 9)) / 10.0));
    }
    if (chance(making) < 0.3) {
        (void)json_object_set_new(fault, "lasts_ms", json_integer(time_between(making, 2000, 240000)));
    }
    (void)json_array_append_new(json_object_get(making->scenario, "faults"), fault);
}

// The same again, later: what was cured comes back.
static void add_relapse(struct making *making, int64_t at_ms)
{
    json_t *faults = json_object_get(making->scenario, "faults");
    json_t *fault = json_deep_copy(json_array_get(faults, json_array_size(faults) - 1));
    making->cured_ms = tend_json_integer(fault, "at_ms", 0);
    making->relapse_ms = at_ms;
    (void)json_object_set_new(fault, "at_ms", json_integer(at_ms));
    (void)json_array_append_new(faults, fault);
}

// What is wrong with the watching, not with what is watched.
static void add_own_fault(struct making *making, int64_t at_ms)
{
    json_t *fault = chance(making) < 0.5
                        ? json_pack("{s:I, s:s, s:s, s:f, s:I}", "at_ms", (json_int_t)at_ms, "on", "*", "kind",
                                    "monitoring blind", "ratio", (double)(3 + pick(making, 8)) / 10.0, "lasts_ms",
                                    (json_int_t)time_between(making, 5000, 120000))
                        : json_pack("{s:I, s:s, s:s, s:I}", "at_ms", (json_int_t)at_ms, "on", "*", "kind", "clock jump",
                                    "by_ms", (json_int_t)time_between(making, 1000, 7200000));
    (void)json_array_append_new(json_object_get(making->scenario, "faults"), fault);
}

static void choose_faults(struct making *making)
{
    const size_t count = 1 + pick(making, 3);
    int64_t at_ms = time_between(making, FIRST_FAULT_MS, 3 * (int64_t)FIRST_FAULT_MS);
    const bool storm = chance(making) < 0.2; // all of them, and more, within seconds
    for (size_t i = 0; i < count + (storm ? 2 : 0); i++) {
        if (i > 0 && !storm && chance(making) < 0.4) {
            add_relapse(making, at_ms);
        } else {
            add_fault(making, at_ms);
        }
        at_ms += storm ? time_between(making, 0, 3000) : time_between(making, 0, FAULTS_WITHIN_MS);
    }
    if (chance(making) < 0.1) {
        add_own_fault(making, time_between(making, FIRST_FAULT_MS, at_ms));
    }
}

static void choose_acts(struct making *making)
{
    static const char *const ways[] = {
        "fails", "times out", "works late", "half works", "works, but says it failed", "works, but times out"
    };
    json_t *acts = json_object();
    for (size_t i = 0; i < json_array_size(making->verbs); i++) {
        if (chance(making) < 0.35) {
            (void)json_object_set_new(acts, json_string_value(json_array_get(making->verbs, i)),
                                      json_string(ways[pick(making, sizeof ways / sizeof ways[0])]));
        }
    }
    if (json_object_size(acts) > 0) {
        (void)json_object_set_new(making->scenario, "acts", acts);
    } else {
        json_decref(acts);
    }
}

static json_t *choose_crash(struct making *making)
{
    const double how = chance(making);
    if (how < 0.4 && making->relapse_ms - making->cured_ms > STEP_MS) { // what was learned of the first is forgotten
        return json_pack("{s:I}", "at_ms", (json_int_t)time_between(making, making->cured_ms, making->relapse_ms));
    }
    if (how < 0.4) {
        return json_pack("{s:I}", "at_ms",
                         (json_int_t)time_between(making, FIRST_FAULT_MS, FIRST_FAULT_MS + FAULTS_WITHIN_MS));
    }
    const size_t verbs = json_array_size(making->verbs);
    if (how < 0.8 && verbs > 0) {
        char after[64];
        const char *state = chance(making) < 0.5 ? "begun" : "ended";
        const char *what =
            chance(making) < 0.3 ? "run" : json_string_value(json_array_get(making->verbs, pick(making, verbs)));
        (void)snprintf(after, sizeof after, "%s %s", what, state);
        return json_pack("{s:s}", "after", after);
    }
    return json_pack("{s:I}", "record", 5 + (json_int_t)pick(making, 80));
}

static void choose_crashes(struct making *making)
{
    if (chance(making) < 0.5) {
        json_t *crashes = json_array();
        const size_t count = 1 + pick(making, 2);
        for (size_t i = 0; i < count; i++) {
            (void)json_array_append_new(crashes, choose_crash(making));
        }
        (void)json_object_set_new(making->scenario, "crashes", crashes);
    }
}

static void choose_people(struct making *making)
{
    const double what = chance(making);
    const int64_t at_ms = time_between(making, FIRST_FAULT_MS, FIRST_FAULT_MS + FAULTS_WITHIN_MS);
    if (what < 0.15) {
        (void)json_object_set_new(making->scenario, "people",
                                  json_pack("[{s:I, s:I}]", "at_ms", (json_int_t)at_ms, "pause_ms",
                                            (json_int_t)time_between(making, 5000, 300000)));
    } else if (what < 0.25) {
        (void)json_object_set_new(making->scenario, "people",
                                  json_pack("[{s:I, s:b}]", "at_ms", (json_int_t)at_ms, "reload", 1));
    }
}

json_t *tend_world_generate(const json_t *document, size_t playbook, uint64_t seed, uint64_t number)
{
    char name[96];
    (void)snprintf(name, sizeof name, "seed %llu, world %llu", (unsigned long long)seed, (unsigned long long)number);
    const json_t *about = json_array_get(json_object_get(document, "playbooks"), playbook);
    const char *playbook_name = tend_json_text(about, "name", "");
    const uint64_t key[2] = { seed, number };
    struct making making = {
        .document = document,
        .playbook = playbook,
        .seed = tend_siphash(key, playbook_name, strlen(playbook_name)),
        .scenario = json_pack("{s:s, s:s, s:{}, s:[]}", "name", name, "at", "", "world", "faults"),
        .names = json_array(),
    };
    const bool found = choose_services(&making);
    if (found) {
        choose_faults(&making);
        choose_acts(&making);
        choose_crashes(&making);
        choose_people(&making);
    }
    json_decref(making.names);
    json_decref(making.verbs);
    if (!found) {
        json_decref(making.scenario);
        return NULL;
    }
    return making.scenario;
}
