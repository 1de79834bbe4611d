// Greedy: a candidate that still breaks takes the place of what it was made from, and all is tried again until nothing
// works any more. Large steps come first, as each of them saves many small ones.

#include "driver/world/shrink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct shrinking {
    json_t *best;
    const json_t *verbs;
    size_t tries, most_tries;
    tend_shrink_breaks *breaks;
    void *context;
};

// Takes a candidate when it still breaks. @param take_candidate  owned
static bool try_it(struct shrinking *shrinking, json_t *take_candidate)
{
    const bool tried = shrinking->tries < shrinking->most_tries && !json_equal(take_candidate, shrinking->best);
    if (tried) {
        shrinking->tries++;
    }
    if (tried && shrinking->breaks(shrinking->context, take_candidate)) {
        json_decref(shrinking->best);
        shrinking->best = take_candidate;
        return true;
    }
    json_decref(take_candidate);
    return false;
}

// ---- dropping ----

static bool drop_from_list(struct shrinking *shrinking, const char *key)
{
    bool smaller = false;
    for (size_t i = json_array_size(json_object_get(shrinking->best, key)); i-- > 0;) {
        json_t *candidate = json_deep_copy(shrinking->best);
        json_t *list = json_object_get(candidate, key);
        (void)json_array_remove(list, i);
        if (json_array_size(list) == 0 && strcmp(key, "faults") != 0) {
            (void)json_object_del(candidate, key);
        }
        smaller = try_it(shrinking, candidate) || smaller;
    }
    return smaller;
}

static bool drop_from_object(struct shrinking *shrinking, const char *key)
{
    bool smaller = false;
    json_t *before = json_deep_copy(json_object_get(shrinking->best, key));
    const char *name;
    json_t *value;
    json_object_foreach(before, name, value)
    {
        json_t *candidate = json_deep_copy(shrinking->best);
        json_t *object = json_object_get(candidate, key);
        (void)json_object_del(object, name);
        if (json_object_size(object) > 0 || strcmp(key, "acts") == 0) {
            if (json_object_size(object) == 0) {
                (void)json_object_del(candidate, key);
            }
            smaller = try_it(shrinking, candidate) || smaller;
        } else {
            json_decref(candidate);
        }
    }
    json_decref(before);
    return smaller;
}

static bool has_prefix(const char *text, const char *prefix, size_t bytes)
{
    return strncmp(text, prefix, bytes) == 0;
}

// Faults that are on an instance that is no more go to the last one.
static void move_faults(json_t *scenario, const char *service, json_int_t instances)
{
    const json_t *faults = json_object_get(scenario, "faults");
    const size_t bytes = strlen(service);
    for (size_t i = 0; i < json_array_size(faults); i++) {
        json_t *fault = json_array_get(faults, i);
        const char *on = tend_json_text(fault, "on", "");
        if (has_prefix(on, service, bytes) && on[bytes] == '/' && strtol(on + bytes + 1, NULL, 10) > instances) {
            char moved[300];
            (void)snprintf(moved, sizeof moved, "%s/%lld", service, (long long)instances);
            (void)json_object_set_new(fault, "on", json_string(moved));
        }
    }
}

static bool take_instances(struct shrinking *shrinking)
{
    bool smaller = false;
    json_t *before = json_deep_copy(json_object_get(shrinking->best, "world"));
    const char *name;
    json_t *value;
    json_object_foreach(before, name, value)
    {
        for (json_int_t count = 1; count < json_integer_value(value); count++) {
            json_t *candidate = json_deep_copy(shrinking->best);
            json_t *world = json_object_get(candidate, "world");
            if (json_object_get(world, name) == NULL) {
                json_decref(candidate);
                break;
            }
            (void)json_object_set_new(world, name, json_integer(count));
            move_faults(candidate, name, count);
            if (try_it(shrinking, candidate)) {
                smaller = true;
                break;
            }
        }
    }
    json_decref(before);
    return smaller;
}

// ---- making plain ----

static bool drop_fields(struct shrinking *shrinking)
{
    static const char *const fields[] = { "lasts_ms", "times", "ratio", NULL };
    bool smaller = false;
    for (size_t i = 0; i < json_array_size(json_object_get(shrinking->best, "faults")); i++) {
        for (size_t f = 0; fields[f] != NULL; f++) {
            json_t *candidate = json_deep_copy(shrinking->best);
            if (json_object_del(json_array_get(json_object_get(candidate, "faults"), i), fields[f]) == 0) {
                smaller = try_it(shrinking, candidate) || smaller;
            } else {
                json_decref(candidate);
            }
        }
    }
    return smaller;
}

// A crash by a record's name in place of one by a number, or by a time.
static bool name_crashes(struct shrinking *shrinking)
{
    bool smaller = false;
    for (size_t i = 0; i < json_array_size(json_object_get(shrinking->best, "crashes")); i++) {
        bool named = false;
        for (size_t v = 0; v <= 2 * json_array_size(shrinking->verbs) + 1 && !named; v++) {
            const json_t *crash = json_array_get(json_object_get(shrinking->best, "crashes"), i);
            if (json_object_get(crash, "record") == NULL) {
                break;
            }
            const char *what = v < 2 ? "run" : json_string_value(json_array_get(shrinking->verbs, v / 2 - 1));
            char after[64];
            (void)snprintf(after, sizeof after, "%s %s", what, v % 2 == 0 ? "begun" : "ended");
            json_t *candidate = json_deep_copy(shrinking->best);
            (void)json_array_set_new(json_object_get(candidate, "crashes"), i, json_pack("{s:s}", "after", after));
            named = try_it(shrinking, candidate);
        }
        smaller = smaller || named;
    }
    return smaller;
}

// The plainest time near this one for which it still breaks: whole minutes before whole seconds.
static bool round_time(struct shrinking *shrinking, const char *list, size_t index, const char *key)
{
    static const int64_t steps_ms[] = { 60000, 30000, 10000, 5000, 1000 };
    const int64_t now_ms = tend_json_integer(json_array_get(json_object_get(shrinking->best, list), index), key, -1);
    for (size_t s = 0; s < sizeof steps_ms / sizeof steps_ms[0] && now_ms >= 0; s++) {
        if (now_ms % steps_ms[s] == 0) {
            return false; // as plain as that already
        }
        const int64_t near_ms[] = { (now_ms + steps_ms[s] / 2) / steps_ms[s] * steps_ms[s],
                                    now_ms / steps_ms[s] * steps_ms[s], (now_ms / steps_ms[s] + 1) * steps_ms[s] };
        for (size_t n = 0; n < sizeof near_ms / sizeof near_ms[0]; n++) {
            if (near_ms[n] <= 0) {
                continue;
            }
            json_t *candidate = json_deep_copy(shrinking->best);
            (void)json_object_set_new(json_array_get(json_object_get(candidate, list), index), key,
                                      json_integer(near_ms[n]));
            if (try_it(shrinking, candidate)) {
                return true;
            }
        }
    }
    return false;
}

static bool round_times(struct shrinking *shrinking)
{
    static const char *const lists[] = { "faults", "crashes", "people" };
    static const char *const keys[] = { "at_ms", "lasts_ms", "pause_ms" };
    bool smaller = false;
    for (size_t l = 0; l < sizeof lists / sizeof lists[0]; l++) {
        for (size_t i = 0; i < json_array_size(json_object_get(shrinking->best, lists[l])); i++) {
            for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
                smaller = round_time(shrinking, lists[l], i, keys[k]) || smaller;
            }
        }
    }
    return smaller;
}

json_t *tend_shrink(const json_t *scenario, const json_t *verbs, size_t most_tries, tend_shrink_breaks *breaks,
                    void *context, size_t *tries)
{
    struct shrinking shrinking = {
        .best = json_deep_copy(scenario), .verbs = verbs, .most_tries = most_tries, .breaks = breaks, .context = context
    };
    bool smaller = true;
    while (smaller && shrinking.tries < most_tries) {
        smaller = drop_from_list(&shrinking, "faults");
        smaller = drop_from_list(&shrinking, "crashes") || smaller;
        smaller = drop_from_list(&shrinking, "people") || smaller;
        smaller = drop_from_object(&shrinking, "acts") || smaller;
        smaller = drop_from_object(&shrinking, "world") || smaller;
        smaller = take_instances(&shrinking) || smaller;
        smaller = drop_fields(&shrinking) || smaller;
        smaller = name_crashes(&shrinking) || smaller;
        smaller = round_times(&shrinking) || smaller;
    }
    if (tries != NULL) {
        *tries = shrinking.tries;
    }
    return shrinking.best;
}
