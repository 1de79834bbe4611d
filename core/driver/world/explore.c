#include "driver/world/explore.h"

#include "driver/world/scenario.h"
#include "driver/world/scenario_text.h"
#include "driver/world/shrink.h"
#include "driver/world/world_generator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHRINK_TRIES_MAX = 400 };

struct exploring {
    const struct tend_explore_options *options;
    struct tend_error *error;
    size_t playbook;
    uint64_t worlds, acts;
    double simulated_s;
    const char *what; // is looked for while shrinking
    json_t *story;    // of the smallest scenario that breaks
    json_t *text;
};

// ---- playing one ----

static enum tend_status play(const struct exploring *exploring, const json_t *scenario, json_t **result)
{
    const struct tend_scenario_options options = {
        .document = exploring->options->document,
        .explored = scenario,
        .hash = exploring->options->hash,
        .sources = exploring->options->sources,
        .evaluator = exploring->options->evaluator,
    };
    return tend_scenario_play(&options, result, exploring->error);
}

// What an invariant's failure is about: its name, for times and numbers change from world to world.
static void invariant_of(const char *failure, char *out, size_t bytes)
{
    const char *name = strstr(failure, "invariant \"");
    const char *end = name == NULL ? NULL : strstr(name, "\" does not hold");
    if (end == NULL) {
        (void)snprintf(out, bytes, "an invariant raises");
    } else {
        (void)snprintf(out, bytes, "%.*s", (int)(end + 1 - name), name);
    }
}

// The first thing that is broken, or, when one is looked for, that one. @return its text, borrowed, or NULL
static const char *find_broken(const json_t *result, const char *wanted, char *what, size_t bytes)
{
    const json_t *broken = json_object_get(result, "broken");
    for (size_t i = 0; i < json_array_size(broken); i++) {
        const json_t *one = json_array_get(broken, i);
        (void)snprintf(what, bytes, "%s", tend_json_text(one, "what", ""));
        if (wanted == NULL || strcmp(what, wanted) == 0) {
            return tend_json_text(one, "text", "");
        }
    }
    const json_t *failures = json_object_get(result, "failures");
    for (size_t i = 0; i < json_array_size(failures); i++) {
        const char *text = json_string_value(json_array_get(failures, i));
        invariant_of(text, what, bytes);
        if (wanted == NULL || strcmp(what, wanted) == 0) {
            return text;
        }
    }
    return NULL;
}

static bool still_breaks(void *context, const json_t *scenario)
{
    struct exploring *exploring = context;
    json_t *result = NULL;
    char what[160];
    if (play(exploring, scenario, &result) != TEND_OK) {
        return false; // a fault on whom the world has no more, say
    }
    const char *text = find_broken(result, exploring->what, what, sizeof what);
    if (text != NULL) {
        json_decref(exploring->story);
        json_decref(exploring->text);
        exploring->story = json_incref(json_object_get(result, "story"));
        exploring->text = json_string(text);
    }
    json_decref(result);
    return text != NULL;
}

// ---- one playbook ----

// All verbs that any service's control has.
static json_t *all_verbs(const json_t *document)
{
    json_t *set = json_object();
    json_t *services = json_array();
    (void)json_array_extend(services, json_object_get(document, "services"));
    const json_t *discoveries = json_object_get(document, "discoveries");
    for (size_t i = 0; i < json_array_size(discoveries); i++) {
        (void)json_array_extend(services, json_object_get(json_array_get(discoveries, i), "overrides"));
    }
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(services); i++) {
        const json_t *verbs = json_object_get(json_array_get(services, i), "verbs");
        for (size_t v = 0; v < json_array_size(verbs); v++) {
            const char *verb = json_string_value(json_array_get(verbs, v));
            if (json_object_get(set, verb) == NULL) {
                (void)json_object_set_new(set, verb, json_true());
                (void)json_array_append_new(list, json_string(verb));
            }
        }
    }
    json_decref(services);
    json_decref(set);
    return list;
}

static json_t *shrink_it(struct exploring *exploring, const json_t *scenario, const char *what, uint64_t number)
{
    json_t *verbs = all_verbs(exploring->options->document);
    size_t tries = 0;
    exploring->what = what;
    json_t *least = tend_shrink(scenario, verbs, SHRINK_TRIES_MAX, still_breaks, exploring, &tries);
    json_decref(verbs);
    exploring->what = NULL;
    json_t *found = json_pack("{s:I, s:s, s:O, s:I, s:o, s:o, s:O}", "world", (json_int_t)number, "what", what, "text",
                              exploring->text, "tries", (json_int_t)tries, "scenario", least, "lines",
                              tend_scenario_text(least), "story", exploring->story);
    json_decref(exploring->text);
    json_decref(exploring->story);
    exploring->text = exploring->story = NULL;
    return found;
}

static void count(struct exploring *exploring, const json_t *result)
{
    exploring->worlds++;
    exploring->acts += json_array_size(json_object_get(json_object_get(result, "run"), "steps"));
    exploring->simulated_s += tend_json_number(result, "lasted_s", 0.0);
}

// @param[out] found  NULL when nothing was; a new reference
static enum tend_status play_worlds(struct exploring *exploring, json_t **found, uint64_t *played, double done,
                                    double share)
{
    const struct tend_explore_options *options = exploring->options;
    for (*played = 0; *played < options->worlds && *found == NULL;) {
        const uint64_t number = *played + 1;
        json_t *scenario = tend_world_generate(options->document, exploring->playbook, options->seed, number);
        if (scenario == NULL) {
            return TEND_OK;
        }
        json_t *result = NULL;
        const enum tend_status status = play(exploring, scenario, &result);
        if (status != TEND_OK) {
            json_decref(scenario);
            return status;
        }
        *played = number;
        count(exploring, result);
        char what[160];
        const char *text = find_broken(result, NULL, what, sizeof what);
        if (text != NULL) {
            exploring->text = json_string(text);
            exploring->story = json_incref(json_object_get(result, "story"));
            *found = shrink_it(exploring, scenario, what, number);
        }
        json_decref(result);
        json_decref(scenario);
        if (options->on_progress != NULL) {
            options->on_progress(options->progress_context, done + share * (double)number / (double)options->worlds);
        }
    }
    return TEND_OK;
}

enum tend_status tend_explore(const struct tend_explore_options *options, json_t **report, struct tend_error *error)
{
    struct exploring exploring = { .options = options, .error = error };
    const json_t *playbooks = json_object_get(options->document, "playbooks");
    json_t *list = json_array();
    bool known = options->playbook == NULL;
    const double share = options->playbook == NULL ? 1.0 / (double)(json_array_size(playbooks) + 1) : 1.0;
    for (size_t i = 0; i < json_array_size(playbooks); i++) {
        const char *name = tend_json_text(json_array_get(playbooks, i), "name", "");
        if (options->playbook != NULL && strcmp(options->playbook, name) != 0) {
            continue;
        }
        known = true;
        exploring.playbook = i;
        json_t *found = NULL;
        uint64_t played = 0;
        const enum tend_status status =
            play_worlds(&exploring, &found, &played, options->playbook == NULL ? share * (double)i : 0.0, share);
        if (status != TEND_OK) {
            json_decref(found);
            json_decref(list);
            return status;
        }
        (void)json_array_append_new(
            list, json_pack("{s:s, s:I, s:s?, s:o?}", "playbook", name, "worlds", (json_int_t)played, "skip",
                            played == 0 ? "no service that is watched has it as a remedy" : NULL, "found", found));
    }
    if (!known) {
        tend_error_set(error, "there is no playbook \"%s\"", options->playbook);
        json_decref(list);
        return TEND_E_INVALID;
    }
    *report = json_pack("{s:I, s:I, s:I, s:f, s:o}", "seed", (json_int_t)options->seed, "worlds",
                        (json_int_t)exploring.worlds, "acts", (json_int_t)exploring.acts, "simulated_s",
                        exploring.simulated_s, "playbooks", list);
    return *report == NULL ? TEND_E_NOMEM : TEND_OK;
}
