// A course differs from the rules in the document that the engine is given, never in their sources: what the evaluators
// load is the same. So a service's remedies can be taken away or picked without a word of Lua.

#include "driver/world/what_if.h"

#include "driver/world/scenario_document.h"

#include <stdio.h>
#include <string.h>

enum { NAME_BYTES = 400 };

struct courses {
    const struct tend_scenario_options *options;
    struct tend_error *error;
    json_t *told;
};

// ---- a course ----

static json_t *tell(const char *name, const json_t *played)
{
    const json_t *run = json_object_get(played, "run");
    json_t *recovered_s = json_object_get(run, "recovered_s");
    return json_pack("{s:s, s:O?, s:f, s:I, s:s, s:O?}", "name", name, "recovered_s", recovered_s, "errors",
                     tend_json_number(run, "spoiled", 0.0), "acts",
                     (json_int_t)json_array_size(json_object_get(run, "steps")), "outcome",
                     tend_json_text(run, "ended", ""), "story", json_object_get(played, "story"));
}

// @param take_remedies  what is left of them in this course
static enum tend_status play(struct courses *courses, const char *name, json_t *take_remedies, const char *blamed)
{
    struct tend_scenario_options options = *courses->options;
    options.remedies = take_remedies;
    options.blamed = blamed;
    options.report = NULL;
    options.recorder = NULL;
    json_t *played = NULL;
    const enum tend_status status = tend_scenario_play(&options, &played, courses->error);
    if (status == TEND_OK) {
        (void)json_array_append_new(courses->told, tell(name, played));
    }
    json_decref(played);
    json_decref(take_remedies);
    return status;
}

static const json_t *remedies_of(const struct courses *courses, const char *service)
{
    return json_object_get(tend_scenario_definition(courses->options->document, service), "remedies");
}

static bool is_full(const struct courses *courses)
{
    return json_array_size(courses->told) >= TEND_WHAT_IF_COURSES_MAX;
}

static bool holds(const json_t *names, const char *name)
{
    size_t index;
    json_t *one;
    json_array_foreach(names, index, one)
    {
        if (strcmp(json_string_value(one), name) == 0) {
            return true;
        }
    }
    return false;
}

// Each remedy of a culprit by itself; a culprit with one remedy has nothing else to try.
static enum tend_status play_remedies(struct courses *courses, const char *service)
{
    const json_t *remedies = remedies_of(courses, service);
    const json_t *playbooks = json_object_get(courses->options->document, "playbooks");
    enum tend_status status = TEND_OK;
    for (size_t i = 0; i < json_array_size(remedies) && json_array_size(remedies) > 1 && status == TEND_OK; i++) {
        json_t *number = json_array_get(remedies, i);
        const json_t *playbook = json_array_get(playbooks, (size_t)json_integer_value(number));
        char name[NAME_BYTES];
        (void)snprintf(name, sizeof name, "only \"%s\" on %s", tend_json_text(playbook, "name", ""), service);
        status = is_full(courses) ? TEND_OK : play(courses, name, json_pack("{s:[O]}", service, number), service);
    }
    return status;
}

static enum tend_status play_blamed(struct courses *courses, const char *service)
{
    const json_t *remedies = remedies_of(courses, service);
    if (json_array_size(remedies) == 0 || is_full(courses)) {
        return TEND_OK;
    }
    char name[NAME_BYTES];
    (void)snprintf(name, sizeof name, "treat %s instead", service);
    return play(courses, name, json_pack("{s:O}", service, remedies), service);
}

enum tend_status tend_what_if(const struct tend_scenario_options *options, const json_t *played, json_t **courses,
                              struct tend_error *error)
{
    struct courses all = { .options = options, .error = error, .told = json_array() };
    const json_t *run = json_object_get(played, "run");
    const json_t *culprits = json_object_get(run, "culprits");
    const json_t *weighed = json_object_get(run, "weighed");
    enum tend_status status = TEND_OK;
    if (json_array_size(weighed) > 0) {
        status = play(&all, "do nothing", json_object(), NULL);
        (void)json_array_append_new(all.told, tell("what the playbooks say", played));
    }
    size_t index;
    json_t *service;
    json_array_foreach(culprits, index, service)
    {
        status = status == TEND_OK ? play_remedies(&all, json_string_value(service)) : status;
    }
    json_array_foreach(weighed, index, service)
    {
        if (status == TEND_OK && !holds(culprits, json_string_value(service))) {
            status = play_blamed(&all, json_string_value(service));
        }
    }
    if (status != TEND_OK) {
        json_decref(all.told);
        return status;
    }
    *courses = all.told;
    return TEND_OK;
}
