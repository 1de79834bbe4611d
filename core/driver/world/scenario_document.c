#include "driver/world/scenario_document.h"

#include "base/hash_map.h"
#include "driver/world/world_load.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char tend_scenario_service_label[] = "scenario_service";

enum { USUAL_INSTANCES = 2, DEPTH_MAX = 64 };

// The definition of a service by name: its own, an override of a discovery, else the first discovery's template.
static json_t *find_definition(const json_t *document, const char *name)
{
    const json_t *services = json_object_get(document, "services");
    for (size_t i = 0; i < json_array_size(services); i++) {
        if (strcmp(tend_json_text(json_array_get(services, i), "name", ""), name) == 0) {
            return json_array_get(services, i);
        }
    }
    const json_t *discoveries = json_object_get(document, "discoveries");
    for (size_t i = 0; i < json_array_size(discoveries); i++) {
        const json_t *overrides = json_object_get(json_array_get(discoveries, i), "overrides");
        for (size_t j = 0; j < json_array_size(overrides); j++) {
            if (strcmp(tend_json_text(json_array_get(overrides, j), "name", ""), name) == 0) {
                return json_array_get(overrides, j);
            }
        }
    }
    return json_object_get(json_array_get(discoveries, 0), "template");
}

static bool is_unwatched(const json_t *definition)
{
    return definition != NULL && !tend_json_bool(definition, "watched", true);
}

static void raise_to(json_t *services, const char *name, json_int_t count)
{
    if (json_integer_value(json_object_get(services, name)) < count) {
        (void)json_object_set_new(services, name, json_integer(count));
    }
}

// NOLINTBEGIN(misc-no-recursion): to a depth that is limited

// Adds what a service depends on, and what that depends on.
static void add_dependencies(const json_t *document, json_t *services, const char *name, int depth)
{
    const json_t *depends = json_object_get(find_definition(document, name), "depends");
    for (size_t i = 0; i < json_array_size(depends) && depth < DEPTH_MAX; i++) {
        const char *on = json_string_value(json_array_get(depends, i));
        const json_t *other = on == NULL ? NULL : find_definition(document, on);
        if (other == NULL || json_object_get(services, on) != NULL) {
            continue;
        }
        const size_t targets = json_array_size(json_object_get(other, "targets"));
        raise_to(services, on, targets > 0 ? (json_int_t)targets : is_unwatched(other) ? 1 : USUAL_INSTANCES);
        add_dependencies(document, services, on, depth + 1);
    }
}

// NOLINTEND(misc-no-recursion)

static int compare_names(const void *one, const void *other)
{
    return strcmp(*(const char *const *)one, *(const char *const *)other);
}

// The same in the order of names, so that the order in which they were written decides nothing.
static json_t *in_order(json_t *take_services)
{
    const char **names = calloc(json_object_size(take_services) + 1, sizeof(const char *));
    json_t *ordered = json_object();
    TEND_ASSERT(names != NULL && ordered != NULL);
    size_t count = 0;
    const char *name;
    json_t *value;
    json_object_foreach(take_services, name, value)
    {
        names[count++] = name;
    }
    qsort((void *)names, count, sizeof *names, compare_names);
    for (size_t i = 0; i < count; i++) {
        (void)json_object_set(ordered, names[i], json_object_get(take_services, names[i]));
    }
    free((void *)names);
    json_decref(take_services);
    return ordered;
}

// Services that only the keys of `series` name, with as many instances as those count.
static void add_written(json_t *services, const json_t *scenario)
{
    const json_t *world = json_object_get(scenario, "world");
    const char *key;
    json_t *text;
    json_object_foreach(json_object_get(scenario, "series"), key, text)
    {
        const char *slash = strchr(key, '/');
        char name[256];
        (void)snprintf(name, sizeof name, "%.*s", slash == NULL ? 0 : (int)(slash - key), key);
        const long number = slash == NULL ? 1 : strtol(slash + 1, NULL, 10); // "*" gives 0
        if (json_object_get(world, name) == NULL) {
            raise_to(services, name, number < 1 || number > TEND_SCENARIO_INSTANCES_MAX ? 1 : number);
        }
    }
}

json_t *tend_scenario_services(const json_t *document, const json_t *scenario)
{
    json_t *services = json_object();
    const char *name;
    json_t *count;
    json_object_foreach(json_object_get(scenario, "world"), name, count)
    {
        raise_to(services, name, json_integer_value(count));
    }
    add_written(services, scenario);
    // Where the whole world is written by hand, nothing else is in it.
    json_object_foreach(json_object_get(scenario, "world"), name, count)
    {
        add_dependencies(document, services, name, 0);
    }
    return in_order(services);
}

// A time between two, both of which it may be.
static void decide(json_t *fault, const char *key, uint64_t seed, uint64_t index)
{
    const json_t *bounds = json_object_get(fault, key);
    if (json_is_array(bounds)) {
        const double least = json_number_value(json_array_get(bounds, 0));
        const double most = json_number_value(json_array_get(bounds, 1));
        const double at = least + floor(tend_world_chance(seed, index) * (most - least + 1.0));
        (void)json_object_set_new(fault, key, json_integer((json_int_t)at));
    }
}

uint64_t tend_scenario_seed(const json_t *scenario)
{
    static const uint64_t key[2] = { UINT64_C(0x74656e64), UINT64_C(0x74657374) };
    const char *name = tend_json_text(scenario, "name", "");
    return tend_siphash(key, name, strlen(name)) + (uint64_t)tend_json_integer(scenario, "seed", 0);
}

json_t *tend_scenario_decided(const json_t *scenario)
{
    json_t *decided = json_deep_copy(scenario);
    const uint64_t seed = tend_scenario_seed(scenario);
    const json_t *faults = json_object_get(decided, "faults");
    for (size_t i = 0; i < json_array_size(faults); i++) {
        decide(json_array_get(faults, i), "at_ms", seed, 2 * i);
        decide(json_array_get(faults, i), "lasts_ms", seed, 2 * i + 1);
    }
    return decided;
}

static void say_services(const json_t *document, const char *name, struct tend_error *error)
{
    const json_t *services = json_object_get(document, "services");
    char names[300] = "";
    size_t bytes = 0;
    for (size_t i = 0; i < json_array_size(services) && bytes < sizeof names; i++) {
        const int added = snprintf(names + bytes, sizeof names - bytes, "%s%s", i == 0 ? "; they have " : ", ",
                                   tend_json_text(json_array_get(services, i), "name", ""));
        bytes += added < 0 ? 0 : (size_t)added;
    }
    tend_error_set(error, "a scenario names \"%s\", which the rules do not know%s", name, names);
}

json_t *tend_scenario_document(const json_t *document, const json_t *services, struct tend_error *error)
{
    json_t *overrides = json_array();
    json_t *unwatched = json_array();
    json_t *first = NULL;
    const char *name;
    json_t *count;
    json_t *sorted = json_deep_copy(services);
    json_object_foreach(sorted, name, count)
    {
        const json_t *found = find_definition(document, name);
        if (found == NULL) {
            say_services(document, name, error);
            json_decref(overrides);
            json_decref(unwatched);
            json_decref(sorted);
            return NULL;
        }
        json_t *definition = json_deep_copy(found);
        (void)json_object_set_new(definition, "name", json_string(name));
        if (is_unwatched(found)) {
            (void)json_array_append_new(unwatched, definition);
            continue;
        }
        (void)json_object_set_new(definition, "targets", json_array());
        (void)json_array_append_new(overrides, definition);
        first = first == NULL ? definition : first;
    }
    json_decref(sorted);
    json_t *made =
        json_copy((json_t *)(uintptr_t)document); // NOLINT(performance-no-int-to-ptr): jansson knows no const
    json_t *discoveries = json_array();
    if (first != NULL) {
        json_t *template = json_copy(first);
        (void)json_object_set_new(template, "name", json_string(""));
        (void)json_array_append_new(discoveries,
                                    json_pack("{s:s, s:s, s:[s], s:s, s:s, s:o, s:O}", "at", "", "kind", "file",
                                              "globs", "scenario", "service_label", tend_scenario_service_label,
                                              "group", "", "template", template, "overrides", overrides));
    }
    json_decref(overrides);
    (void)json_object_set_new(made, "services", unwatched);
    (void)json_object_set_new(made, "discoveries", discoveries);
    return made;
}

// Each {name} of a text becomes a label.
static void add_mentioned(json_t *labels, const char *text, const char *value)
{
    for (const char *open = strchr(text, '{'); open != NULL; open = strchr(open + 1, '{')) {
        size_t bytes = 0;
        while (isalnum((unsigned char)open[1 + bytes]) || open[1 + bytes] == '_') {
            bytes++;
        }
        char name[64];
        if (bytes > 0 && bytes < sizeof name && open[1 + bytes] == '}' && !isdigit((unsigned char)open[1])) {
            (void)snprintf(name, sizeof name, "%.*s", (int)bytes, open + 1);
            (void)json_object_set_new(labels, name, json_string(value));
        }
    }
}

json_t *tend_scenario_labels(const json_t *sources, const char *service, size_t number)
{
    char value[300];
    (void)snprintf(value, sizeof value, "%s-%zu", service, number);
    json_t *labels = json_object();
    const json_t *files = json_object_get(sources, "files");
    for (size_t i = 0; i < json_array_size(files); i++) {
        add_mentioned(labels, tend_json_text(json_array_get(files, i), "text", ""), value);
    }
    static const char *const own[] = { "service", "instance", "host", "port", "address", "version", NULL };
    for (size_t i = 0; own[i] != NULL; i++) {
        (void)json_object_del(labels, own[i]); // those are told by the engine
    }
    (void)json_object_set_new(labels, tend_scenario_service_label, json_string(service));
    return labels;
}

const json_t *tend_scenario_definition(const json_t *document, const char *name)
{
    return find_definition(document, name);
}

void tend_scenario_document_limit(json_t *document, const json_t *remedies)
{
    const json_t *discovery = json_array_get(json_object_get(document, "discoveries"), 0);
    size_t index;
    json_t *definition;
    json_array_foreach(json_object_get(discovery, "overrides"), index, definition)
    {
        json_t *kept = json_deep_copy(json_object_get(remedies, tend_json_text(definition, "name", "")));
        (void)json_object_set_new(definition, "remedies", kept == NULL ? json_array() : kept);
    }
}
