// A scenario as a person would write it.

#include "driver/world/scenario_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_lines(const char *scenario_text, const char *const *expected)
{
    json_error_t error;
    json_t *scenario = json_loads(scenario_text, 0, &error);
    assert_non_null(scenario);
    json_t *lines = tend_scenario_text(scenario);
    size_t count = 0;
    for (; expected[count] != NULL; count++) {
        assert_string_equal(json_string_value(json_array_get(lines, count)), expected[count]);
    }
    assert_int_equal(json_array_size(lines), count);
    json_decref(lines);
    json_decref(scenario);
}

static void the_least_is_five_lines(void **state)
{
    (void)state;
    assert_lines("{\"name\": \"x\", \"world\": {\"db\": 1}, \"faults\": [{\"at_ms\": 60000, \"on\": \"db\", \"kind\": "
                 "\"hang\"}]}",
                 (const char *const[]){ "test.scenario \"x\" {", "  world = { db = 1 },",
                                        "  faults = { { at = \"1m\", on = \"db\", kind = \"hang\" } },",
                                        "  check = function(run) assert(#run.broken == 0, run.broken[1]) end,", "}",
                                        NULL });
}

static void all_that_can_be_made_up_can_be_written(void **state)
{
    (void)state;
    assert_lines(
        "{\"name\": \"x\", \"world\": {\"db\": 2, \"my-web\": 1}, \"faults\": [{\"at_ms\": 73400, \"on\": "
        "\"db/1\", \"kind\": \"slow\", \"times\": 7, \"lasts_ms\": 5000}], \"acts\": {\"restart\": \"works, "
        "but says it failed\", \"end\": \"fails\"}, \"crashes\": [{\"at_ms\": 240000}, {\"record\": 41}, "
        "{\"after\": \"run ended\"}], \"people\": [{\"at_ms\": 60000, \"pause_ms\": 90000}, {\"at_ms\": "
        "120000, \"reload\": true}]}",
        (const char *const[]){
            "test.scenario \"x\" {", "  world = { db = 2, [\"my-web\"] = 1 },",
            "  faults = { { at = \"1m13s400ms\", on = \"db/1\", kind = \"slow\", times = 7, lasts = \"5s\" } },",
            "  acts = { restart = \"works, but says it failed\", [\"end\"] = \"fails\" },",
            "  crashes = { \"4m\", 41, \"run ended\" },",
            "  people = { { at = \"1m\", pause = \"1m30s\" }, { at = \"2m\", reload = true } },",
            "  check = function(run) assert(#run.broken == 0, run.broken[1]) end,", "}", NULL });
}

static void what_does_not_fit_goes_into_the_next_line(void **state)
{
    (void)state;
    assert_lines(
        "{\"name\": \"say \\\"x\\\"\", \"world\": {\"db\": 1}, \"faults\": [{\"at_ms\": 1000, \"on\": "
        "\"a-service-with-a-long-name/1\", \"kind\": \"noisy neighbour\"}, {\"at_ms\": 2000, \"on\": "
        "\"a-service-with-a-long-name/2\", \"kind\": \"noisy neighbour\"}]}",
        (const char *const[]){
            "test.scenario \"say \\\"x\\\"\" {", "  world = { db = 1 },",
            "  faults = { { at = \"1s\", on = \"a-service-with-a-long-name/1\", kind = \"noisy neighbour\" },",
            "             { at = \"2s\", on = \"a-service-with-a-long-name/2\", kind = \"noisy neighbour\" } },",
            "  check = function(run) assert(#run.broken == 0, run.broken[1]) end,", "}", NULL });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_is_five_lines),
        cmocka_unit_test(all_that_can_be_made_up_can_be_written),
        cmocka_unit_test(what_does_not_fit_goes_into_the_next_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
