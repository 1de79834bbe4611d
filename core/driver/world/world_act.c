#include "driver/world/world_act.h"

#include "driver/world/world_fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { USUALLY_TAKES_MS = 1000, LATE_MS = 30000, KEY_BYTES = 600 };

static const char bad_version[] = "v2"; // as synthetic series have it

// How an act goes this time.
struct way {
    const char *word;
    int64_t takes_ms;
};

static const json_t *find_way(const struct tend_scenario_world *world, const struct tend_world_act *act,
                              char key[KEY_BYTES])
{
    (void)snprintf(key, KEY_BYTES, "%s %s", act->verb, act->on);
    const json_t *found = json_object_get(world->acts, key);
    char *slash = strchr(key, '/');
    if (found == NULL && slash != NULL) {
        *slash = '\0'; // of an instance: its service
        found = json_object_get(world->acts, key);
    }
    if (found == NULL) {
        (void)snprintf(key, KEY_BYTES, "%s", act->verb);
        found = json_object_get(world->acts, key);
    }
    return found;
}

static struct way way_of(struct tend_scenario_world *world, const struct tend_world_act *act)
{
    char key[KEY_BYTES];
    const json_t *found = find_way(world, act, key);
    struct way way = { .word = "works", .takes_ms = USUALLY_TAKES_MS };
    if (json_is_string(found)) {
        way.word = json_string_value(found);
    } else if (json_is_object(found)) {
        const json_t *words = json_object_get(found, "how");
        const size_t count = json_array_size(words);
        const size_t turn = (size_t)tend_json_integer(world->turns, key, 0);
        (void)json_object_set_new(world->turns, key, json_integer((json_int_t)turn + 1));
        if (count > 0) {
            way.word = json_string_value(json_array_get(words, turn < count ? turn : count - 1));
        }
        way.takes_ms = tend_json_integer(found, "takes_ms", USUALLY_TAKES_MS);
    }
    return way;
}

void tend_world_act_carry_out(struct tend_scenario_world *world, struct tend_world_service *service,
                              struct tend_world_instance *instance, const char *verb, int64_t now_ms)
{
    if (strcmp(verb, "restart") == 0) {
        tend_world_start_again(world, service, instance, now_ms);
    } else if (strcmp(verb, "redeploy") == 0) {
        instance->new_version = false;
        tend_world_start_again(world, service, instance, now_ms);
    } else if (strcmp(verb, "drain") == 0 || strcmp(verb, "undrain") == 0) {
        instance->drained = strcmp(verb, "drain") == 0;
    }
}

// Whether an act that half works works this time: on every second instance, and on the others the next time.
static bool works_this_time(struct tend_world_instance *instance, bool one_alone, size_t number)
{
    const bool first = !instance->half_done;
    instance->half_done = !instance->half_done;
    return first == (!one_alone && number % 2 == 0);
}

static bool changes(const char *word)
{
    return strcmp(word, "fails") != 0 && strcmp(word, "times out") != 0;
}

static bool act_on(struct tend_scenario_world *world, size_t s, size_t i, const struct tend_world_act *act,
                   const struct way *way, int64_t now_ms)
{
    struct tend_world_service *service = &world->services[s];
    struct tend_world_instance *instance = &service->instances[i];
    if (instance->unreachable || instance->unseen) {
        return false;
    }
    const bool one_alone = service->count == 1 || strcmp(act->on, instance->name) == 0;
    if (!changes(way->word) || (strcmp(way->word, "half works") == 0 && !works_this_time(instance, one_alone, i))) {
        return true;
    }
    // A new version goes from instance to instance; everything else at once.
    const bool in_turn = strcmp(act->verb, "redeploy") == 0;
    const int64_t turn_ms = in_turn ? (int64_t)i * (service->traits.start_up_ms + USUALLY_TAKES_MS) : 0;
    const int64_t late_ms = turn_ms + (strcmp(way->word, "works late") == 0 ? LATE_MS : 0);
    if (late_ms > 0) {
        struct tend_world_change *change = tend_world_plan(world, now_ms + late_ms);
        change->verb = strdup(act->verb);
        TEND_ASSERT(change->verb != NULL);
        change->service = s;
        change->instance = i;
    } else {
        tend_world_act_carry_out(world, service, instance, act->verb, now_ms);
    }
    return true;
}

// Reading, or deploying once more what is bad already.
static bool changes_nothing(const struct tend_world_act *act)
{
    const char *method = tend_json_text(act->args, "method", "POST");
    if (act->is_http) {
        return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    }
    const json_t *argv = json_object_get(act->args, "argv");
    for (size_t i = 0; i < json_array_size(argv) && strcmp(act->verb, "redeploy") == 0; i++) {
        const char *word = json_string_value(json_array_get(argv, i));
        if (word != NULL && strcmp(word, bad_version) == 0) {
            return true;
        }
    }
    return false;
}

static json_t *value_of(const struct tend_world_act *act, bool fine, int64_t took_ms)
{
    return act->is_http
               ? json_pack("{s:i, s:s, s:I}", "status", fine ? 200 : 500, "body", "", "took_ms", (json_int_t)took_ms)
               : json_pack("{s:i, s:s, s:I}", "exit", fine ? 0 : 1, "output", "", "took_ms", (json_int_t)took_ms);
}

static void end(const struct tend_world_act *act, const struct way *way, bool reached, struct tend_world_outcome *out)
{
    out->took_ms = way->takes_ms;
    if (!reached) {
        out->outcome = "failed";
        out->error = "it cannot be reached";
    } else if (strcmp(act->verb, "scale") == 0) {
        out->outcome = "failed";
        out->error = "a scenario's services do not scale";
    } else if (strcmp(way->word, "times out") == 0 || strcmp(way->word, "works, but times out") == 0) {
        out->outcome = "unknown";
        out->error = "no answer in time";
        out->took_ms = tend_json_integer(act->args, "timeout_ms", way->takes_ms);
    } else if (strcmp(way->word, "fails") == 0 || strcmp(way->word, "works, but says it failed") == 0) {
        out->outcome = "failed";
        out->error = act->is_http ? "HTTP 500" : "exit 1";
    }
    if (strcmp(out->outcome, "unknown") != 0) {
        out->value = value_of(act, strcmp(out->outcome, "done") == 0, out->took_ms);
    }
}

void tend_world_act_happen(struct tend_scenario_world *world, const struct tend_world_act *act, int64_t at_ms,
                           struct tend_world_outcome *out)
{
    const struct way way = way_of(world, act);
    bool reached = true;
    for (size_t s = 0; s < world->count && !changes_nothing(act); s++) {
        for (size_t i = 0; i < world->services[s].count; i++) {
            if (tend_world_is_on(act->on, &world->services[s], &world->services[s].instances[i])) {
                reached = act_on(world, s, i, act, &way, at_ms) && reached;
            }
        }
    }
    end(act, &way, reached, out);
}
