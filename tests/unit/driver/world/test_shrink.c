// Shrinking, with a function in place of playing: what can go goes, what it takes stays.

#include "driver/world/shrink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char big[] =
    "{\"name\": \"x\", \"world\": {\"web\": 3, \"db\": 2, \"mail\": 1}, \"faults\": [{\"at_ms\": 73400, \"on\": "
    "\"web/3\", \"kind\": \"slow\", \"times\": 7}, {\"at_ms\": 191700, \"on\": \"db\", \"kind\": \"hang\", "
    "\"lasts_ms\": 33300}, {\"at_ms\": 200000, \"on\": \"mail/1\", \"kind\": \"crash\"}], \"acts\": {\"restart\": "
    "\"fails\"}, \"crashes\": [{\"record\": 17}, {\"at_ms\": 99900}], \"people\": [{\"at_ms\": 100000, \"reload\": "
    "true}]}";

static json_t *parse(const char *text)
{
    json_t *parsed = json_loads(text, 0, NULL);
    assert_non_null(parsed);
    return parsed;
}

static json_t *fault_of(const json_t *scenario, const char *kind)
{
    const json_t *faults = json_object_get(scenario, "faults");
    for (size_t i = 0; i < json_array_size(faults); i++) {
        if (strcmp(tend_json_text(json_array_get(faults, i), "kind", ""), kind) == 0) {
            return json_array_get(faults, i);
        }
    }
    return NULL;
}

static void assert_shrinks_to(tend_shrink_breaks *breaks, const char *expected_text, size_t most_tries)
{
    size_t tries = 0;
    json_t *scenario = parse(big);
    json_t *verbs = parse("[\"restart\"]");
    json_t *expected = parse(expected_text);
    json_t *least = tend_shrink(scenario, verbs, most_tries, breaks, NULL, &tries);
    assert_true(json_equal(least, expected));
    assert_true(tries <= most_tries);
    json_decref(least);
    json_decref(expected);
    json_decref(verbs);
    json_decref(scenario);
}

static bool hangs(void *context, const json_t *scenario)
{
    (void)context;
    return fault_of(scenario, "hang") != NULL;
}

static void all_but_one_fault_goes_and_its_time_becomes_plain(void **state)
{
    (void)state;
    assert_shrinks_to(hangs,
                      "{\"name\": \"x\", \"world\": {\"mail\": 1}, \"faults\": [{\"at_ms\": 180000, \"on\": \"db\", "
                      "\"kind\": \"hang\"}]}",
                      400);
}

static bool third_is_slow(void *context, const json_t *scenario)
{
    (void)context;
    const json_t *fault = fault_of(scenario, "slow");
    return fault != NULL && tend_json_integer(json_object_get(scenario, "world"), "web", 0) == 2 &&
           tend_json_integer(fault, "at_ms", 0) > 70000;
}

static bool slow_at_two(void *context, const json_t *scenario)
{
    const json_t *fault = fault_of(scenario, "slow");
    const json_int_t count = tend_json_integer(json_object_get(scenario, "world"), "web", 0);
    return third_is_slow(context, scenario) || (fault != NULL && count == 3);
}

static void a_fault_on_an_instance_that_goes_moves_to_the_last_one(void **state)
{
    (void)state;
    // The nearest whole minute is too early for this one, the next is not.
    assert_shrinks_to(slow_at_two,
                      "{\"name\": \"x\", \"world\": {\"web\": 2}, \"faults\": [{\"at_ms\": 120000, \"on\": \"web/2\", "
                      "\"kind\": \"slow\"}]}",
                      400);
}

static bool dies_in_a_restart(void *context, const json_t *scenario)
{
    (void)context;
    const json_t *crash = json_array_get(json_object_get(scenario, "crashes"), 0);
    return tend_json_integer(crash, "record", 0) == 17 ||
           strcmp(tend_json_text(crash, "after", ""), "restart ended") == 0;
}

static void a_crash_by_number_becomes_one_by_name(void **state)
{
    (void)state;
    assert_shrinks_to(dies_in_a_restart,
                      "{\"name\": \"x\", \"world\": {\"mail\": 1}, \"faults\": [], \"crashes\": [{\"after\": \"restart "
                      "ended\"}]}",
                      400);
}

static bool always(void *context, const json_t *scenario)
{
    (void)context;
    (void)scenario;
    return true;
}

static bool never(void *context, const json_t *scenario)
{
    (void)context;
    (void)scenario;
    return false;
}

static void what_breaks_only_as_it_is_stays_as_it_is(void **state)
{
    (void)state;
    assert_shrinks_to(never, big, 400);
}

static void it_ends_after_so_many_tries(void **state)
{
    (void)state;
    assert_shrinks_to(
        always,
        "{\"name\": \"x\", \"world\": {\"web\": 3, \"db\": 2, \"mail\": 1}, \"faults\": [{\"at_ms\": "
        "73400, \"on\": \"web/3\", \"kind\": \"slow\", \"times\": 7}], \"acts\": {\"restart\": \"fails\"}, "
        "\"crashes\": [{\"record\": 17}, {\"at_ms\": 99900}], \"people\": [{\"at_ms\": 100000, "
        "\"reload\": true}]}",
        2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_but_one_fault_goes_and_its_time_becomes_plain),
        cmocka_unit_test(a_fault_on_an_instance_that_goes_moves_to_the_last_one),
        cmocka_unit_test(a_crash_by_number_becomes_one_by_name),
        cmocka_unit_test(what_breaks_only_as_it_is_stays_as_it_is),
        cmocka_unit_test(it_ends_after_so_many_tries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
