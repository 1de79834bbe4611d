// Worlds that are made up: the same seed makes the same, and each can be played.

#include "driver/world/world_generator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char document_text[] =
    "{\"playbooks\": [{\"name\": \"restart\"}, {\"name\": \"nobody's\"}], \"services\": ["
    "{\"name\": \"web\", \"watched\": true, \"targets\": [\"a\", \"b\"], \"depends\": [\"db\"], \"remedies\": [0], "
    "\"verbs\": [\"restart\"]}, {\"name\": \"db\", \"watched\": true, \"depends\": [], \"remedies\": [], \"verbs\": "
    "[]}, {\"name\": \"bank\", \"watched\": false, \"depends\": [], \"remedies\": [1], \"verbs\": []}]}";

static json_t *document(void)
{
    json_t *parsed = json_loads(document_text, 0, NULL);
    assert_non_null(parsed);
    return parsed;
}

static void the_same_seed_and_number_make_the_same_world(void **state)
{
    (void)state;
    json_t *rules = document();
    json_t *one = tend_world_generate(rules, 0, 7, 12);
    json_t *again = tend_world_generate(rules, 0, 7, 12);
    json_t *next = tend_world_generate(rules, 0, 7, 13);
    json_t *other = tend_world_generate(rules, 0, 8, 12);
    assert_true(json_equal(one, again));
    assert_false(json_equal(one, next));
    assert_false(json_equal(one, other));
    assert_string_equal(tend_json_text(one, "name", ""), "seed 7, world 12");
    json_decref(one);
    json_decref(again);
    json_decref(next);
    json_decref(other);
    json_decref(rules);
}

static void a_playbook_that_nobody_watched_has_makes_no_world(void **state)
{
    (void)state;
    json_t *rules = document();
    assert_null(tend_world_generate(rules, 1, 7, 1));
    json_decref(rules);
}

// Whether a fault is on an instance, or a service, of the world.
static bool is_on_somebody(const json_t *world, const char *on)
{
    const char *slash = strchr(on, '/');
    char name[64];
    if (strcmp(on, "*") == 0) {
        return true;
    }
    assert_true(strlen(on) < sizeof name);
    (void)strcpy(name, on);
    if (slash != NULL) {
        name[slash - on] = '\0';
    }
    const int64_t count = tend_json_integer(world, name, 0);
    return slash == NULL ? count > 0 : slash[1] - '0' >= 1 && slash[1] - '0' <= count;
}

static void every_world_has_the_service_and_faults_that_are_on_somebody(void **state)
{
    (void)state;
    json_t *rules = document();
    size_t crashes = 0;
    size_t people = 0;
    size_t acts = 0;
    for (uint64_t number = 1; number <= 500; number++) {
        json_t *scenario = tend_world_generate(rules, 0, 1, number);
        const json_t *world = json_object_get(scenario, "world");
        const json_t *faults = json_object_get(scenario, "faults");
        assert_true(tend_json_integer(world, "web", 0) >= 1);
        assert_true(json_array_size(faults) >= 1 && json_array_size(faults) <= 6);
        for (size_t i = 0; i < json_array_size(faults); i++) {
            assert_true(is_on_somebody(world, tend_json_text(json_array_get(faults, i), "on", "")));
            assert_true(tend_json_integer(json_array_get(faults, i), "at_ms", 0) >= 60000);
        }
        crashes += json_object_get(scenario, "crashes") != NULL;
        people += json_object_get(scenario, "people") != NULL;
        acts += json_object_get(scenario, "acts") != NULL;
        json_decref(scenario);
    }
    assert_in_range(crashes, 200, 300); // half of them
    assert_in_range(people, 80, 170);   // a quarter
    assert_in_range(acts, 125, 225);    // a third
    json_decref(rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_and_number_make_the_same_world),
        cmocka_unit_test(a_playbook_that_nobody_watched_has_makes_no_world),
        cmocka_unit_test(every_world_has_the_service_and_faults_that_are_on_somebody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
