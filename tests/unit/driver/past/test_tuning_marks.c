// Which alarms belong to incidents that were marked, and how soon those were found.

#include "driver/past/tuning_marks.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// front depends on cart, cart on store; mail on nobody. Marks: of anybody 100 to 200 s, of store 1000 to 1100 s, of
// mail from 5000 s to the end.
static int make_marks(void **state)
{
    json_t *services =
        json_pack("[{s:s, s:[s]}, {s:s, s:[s]}, {s:s, s:[]}, {s:s, s:[]}]", "name", "front", "depends", "cart", "name",
                  "cart", "depends", "store", "name", "store", "depends", "name", "mail", "depends");
    json_t *labels =
        json_pack("[{s:i, s:i, s:s, s:n}, {s:i, s:i, s:s, s:s}, {s:i, s:n, s:s, s:s}]", "from_ms", 100000, "until_ms",
                  200000, "what", "", "service", "from_ms", 1000000, "until_ms", 1100000, "what", "", "service",
                  "store", "from_ms", 5000000, "until_ms", "what", "", "service", "mail");
    *state = tend_tuning_marks_create(labels, services);
    json_decref(labels);
    json_decref(services);
    return *state == NULL;
}

static int destroy_marks(void **state)
{
    tend_tuning_marks_destroy(*state);
    return 0;
}

static void an_alarm_within_a_mark_of_anybody_belongs_to_it(void **state)
{
    double delay_s;
    assert_int_equal(tend_tuning_marks_count(*state), 3);
    assert_true(tend_tuning_marks_take(*state, "mail", 130000, 140000));
    assert_int_equal(tend_tuning_marks_found(*state, &delay_s), 1);
    assert_true(delay_s == 30.0);
}

static void an_alarm_beside_all_marks_belongs_to_none(void **state)
{
    double delay_s;
    assert_false(tend_tuning_marks_take(*state, "mail", 201000, 300000));
    assert_false(tend_tuning_marks_take(*state, "mail", 50000, 99000));
    assert_int_equal(tend_tuning_marks_found(*state, &delay_s), 0);
    assert_true(isnan(delay_s));
}

static void who_depends_on_the_marked_service_however_far_belongs_to_it(void **state)
{
    assert_true(tend_tuning_marks_take(*state, "store", 1010000, 1020000));
    assert_true(tend_tuning_marks_take(*state, "cart", 1010000, 1020000));
    assert_true(tend_tuning_marks_take(*state, "front", 1010000, 1020000));
    assert_false(tend_tuning_marks_take(*state, "mail", 1010000, 1020000));
}

static void an_early_alarm_finds_and_an_old_one_does_not(void **state)
{
    double delay_s;
    assert_false(tend_tuning_marks_take(*state, "store", 899000, INT64_MAX)); // 101 s before a mark of 100 s
    assert_true(tend_tuning_marks_take(*state, "store", 901000, INT64_MAX));
    assert_int_equal(tend_tuning_marks_found(*state, &delay_s), 1);
    assert_true(delay_s == 0.0);
}

static void a_mark_without_an_end_lasts_to_the_end_and_is_not_found_before(void **state)
{
    assert_true(tend_tuning_marks_take(*state, "mail", INT64_C(90000000), INT64_MAX));
    assert_false(tend_tuning_marks_take(*state, "mail", 4999000, INT64_MAX));
}

static void the_first_alarm_counts_and_delays_are_told_by_their_median(void **state)
{
    double delay_s;
    assert_true(tend_tuning_marks_take(*state, "mail", 180000, 190000));
    assert_true(tend_tuning_marks_take(*state, "mail", 110000, 120000));    // 10 s
    assert_true(tend_tuning_marks_take(*state, "store", 1030000, 1040000)); // 30 s
    assert_int_equal(tend_tuning_marks_found(*state, &delay_s), 2);
    assert_true(delay_s == 20.0);
    tend_tuning_marks_begin(*state);
    assert_int_equal(tend_tuning_marks_found(*state, &delay_s), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_alarm_within_a_mark_of_anybody_belongs_to_it, make_marks, destroy_marks),
        cmocka_unit_test_setup_teardown(an_alarm_beside_all_marks_belongs_to_none, make_marks, destroy_marks),
        cmocka_unit_test_setup_teardown(who_depends_on_the_marked_service_however_far_belongs_to_it, make_marks,
                                        destroy_marks),
        cmocka_unit_test_setup_teardown(an_early_alarm_finds_and_an_old_one_does_not, make_marks, destroy_marks),
        cmocka_unit_test_setup_teardown(a_mark_without_an_end_lasts_to_the_end_and_is_not_found_before, make_marks,
                                        destroy_marks),
        cmocka_unit_test_setup_teardown(the_first_alarm_counts_and_delays_are_told_by_their_median, make_marks,
                                        destroy_marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
