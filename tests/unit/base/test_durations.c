// Durations in their classes.

#include "base/durations.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void a_bound_belongs_to_its_class(void **state)
{
    (void)state;
    struct tend_durations durations = { .sum_s = 0 };
    tend_durations_add(&durations, 0);
    tend_durations_add(&durations, 0.0002);
    tend_durations_add(&durations, 0.00021);
    tend_durations_add(&durations, 0.005);
    assert_int_equal(durations.counts[0], 2);
    assert_int_equal(durations.counts[1], 1);
    assert_int_equal(durations.counts[4], 1);
    assert_true(tend_duration_bounds_s[4] == 0.005);
}

static void what_is_longer_than_all_bounds_is_counted(void **state)
{
    (void)state;
    struct tend_durations durations = { .sum_s = 0 };
    tend_durations_add(&durations, 2.5);
    assert_int_equal(durations.counts[TEND_DURATION_BOUNDS], 1);
    assert_true(durations.sum_s == 2.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bound_belongs_to_its_class),
        cmocka_unit_test(what_is_longer_than_all_bounds_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
