// Whom the locator is taken to blame, and which remedies are left; the courses themselves are played in tests/e2e.

#include "driver/sim/blame.h"
#include "driver/world/what_if.h"

#include "driver/world/scenario_document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static json_t *an_answer(void)
{
    return json_pack("{s:[{s:s, s:f, s:[s]}, {s:s, s:f}], s:[s], s:{s:[b]}, s:s}", "ranking", "service", "ledger",
                     "confidence", 0.95, "reasons", "it is down", "service", "payments", "confidence", 0.1, "culprits",
                     "ledger", "fits", "ledger", 0, "wait", "stock was not scraped since");
}

static void who_is_blamed_is_the_one_culprit_and_the_locator_is_sure(void **state)
{
    (void)state;
    json_t *answer = an_answer();
    json_t *blaming = tend_blame(answer, "payments");
    const json_t *culprits = json_object_get(blaming, "culprits");
    assert_int_equal(json_array_size(culprits), 1);
    assert_string_equal(json_string_value(json_array_get(culprits, 0)), "payments");
    const json_t *ranking = json_object_get(blaming, "ranking");
    assert_true(tend_json_number(json_array_get(ranking, 1), "confidence", 0.0) == 1.0);
    assert_true(tend_json_number(json_array_get(ranking, 0), "confidence", 0.0) == 0.95);
    assert_null(json_object_get(blaming, "wait"));
    assert_null(json_object_get(blaming, "fits")); // those are of whom the locator blames
    json_decref(blaming);
    json_decref(answer);
}

static void who_is_not_in_the_ranking_yet_is_waited_for(void **state)
{
    (void)state;
    json_t *answer = an_answer();
    json_t *blaming = tend_blame(answer, "gateway");
    assert_int_equal(json_array_size(json_object_get(blaming, "culprits")), 0);
    assert_string_equal(tend_json_text(blaming, "wait", ""), "whom to blame has not been weighed yet");
    json_decref(blaming);
    json_decref(answer);
}

static void the_locators_own_answer_is_left_as_it_was(void **state)
{
    (void)state;
    json_t *answer = an_answer();
    json_t *same = an_answer();
    json_decref(tend_blame(answer, "payments"));
    assert_true(json_equal(answer, same));
    json_decref(answer);
    json_decref(same);
}

static void remedies_that_are_not_named_are_gone(void **state)
{
    (void)state;
    json_t *document = json_pack("{s:[{s:[{s:s, s:[i, i]}, {s:s, s:[i]}]}]}", "discoveries", "overrides", "name",
                                 "ledger", "remedies", 0, 1, "name", "payments", "remedies", 1);
    json_t *remedies = json_pack("{s:[i]}", "ledger", 1);
    tend_scenario_document_limit(document, remedies);
    const json_t *overrides = json_object_get(json_array_get(json_object_get(document, "discoveries"), 0), "overrides");
    const json_t *left = json_object_get(json_array_get(overrides, 0), "remedies");
    assert_int_equal(json_array_size(left), 1);
    assert_int_equal(json_integer_value(json_array_get(left, 0)), 1);
    assert_int_equal(json_array_size(json_object_get(json_array_get(overrides, 1), "remedies")), 0);
    json_decref(remedies);
    json_decref(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_blamed_is_the_one_culprit_and_the_locator_is_sure),
        cmocka_unit_test(who_is_not_in_the_ranking_yet_is_waited_for),
        cmocka_unit_test(the_locators_own_answer_is_left_as_it_was),
        cmocka_unit_test(remedies_that_are_not_named_are_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
