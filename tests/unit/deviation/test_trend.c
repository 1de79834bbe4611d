// Facts about the robust line.

#include "deviation/trend.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "seeded_random.h"

static void a_line_is_found_exactly(void **state)
{
    (void)state;
    const double values[] = { 10, 12, 14, 16, 18, 20 };
    struct tend_trend trend;
    assert_true(tend_trend_fit(values, 6, &trend));
    assert_true(trend.slope == 2 && trend.level == 20 && trend.noise == 0 && trend.count == 6);
}

static void wild_values_do_not_turn_the_line(void **state)
{
    (void)state;
    const double values[] = { 1, 2, 3, 400, 5, 6, 7, 8, 9, -300, 11, 12 };
    struct tend_trend trend;
    assert_true(tend_trend_fit(values, 12, &trend));
    assert_true(trend.slope == 1 && trend.level == 12);
}

static void gaps_are_passed_over(void **state)
{
    (void)state;
    const double values[] = { 3, (double)NAN, 9, 12, (double)NAN, 18 };
    struct tend_trend trend;
    assert_true(tend_trend_fit(values, 6, &trend));
    assert_true(trend.slope == 3 && trend.level == 18 && trend.count == 4);
}

static void three_values_are_no_line(void **state)
{
    (void)state;
    const double values[] = { 1, 2, (double)NAN, 4 };
    struct tend_trend trend;
    assert_false(tend_trend_fit(values, 4, &trend));
    assert_true(isnan(tend_trend_slope(values, 4)));
}

static void a_constant_has_no_slope_and_no_interval(void **state)
{
    (void)state;
    const double values[] = { 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5 };
    struct tend_trend trend;
    assert_true(tend_trend_fit(values, 12, &trend));
    assert_true(trend.slope == 0 && trend.least == 0 && trend.most == 0 && trend.noise == 0);
}

// Twelve values: 66 slopes, Kendall's S has the variance 12 * 11 * 29 / 18 = 212.67, so the 99 % interval takes off
// 2.5758 * 14.583 / 2 = 18.78 ranks on each side of 33: from rank 14 to rank 52 of the slopes 1 to 66, had they been
// so.
static void the_interval_is_sens(void **state)
{
    (void)state;
    double values[12];
    seed_random(1);
    double inside = 0;
    for (int round = 0; round < 2000; round++) {
        for (int i = 0; i < 12; i++) {
            values[i] = 0.1 * i + random_share() + random_share() + random_share();
        }
        struct tend_trend trend;
        assert_true(tend_trend_fit(values, 12, &trend));
        assert_true(trend.least <= trend.slope && trend.slope <= trend.most);
        inside += trend.least <= 0.1 && 0.1 <= trend.most;
    }
    assert_true(inside / 2000 > 0.985);
    assert_true(inside / 2000 < 1); // it does miss now and then: it is no wider than it must be
}

static void values_that_follow_each_other_widen_it(void **state)
{
    (void)state;
    double swing[24];
    for (int i = 0; i < 24; i++) {
        swing[i] = 0.1 * i + 2 * sin(2 * M_PI * i / 16);
    }
    struct tend_trend trend;
    assert_true(tend_trend_fit(swing, 24, &trend));
    assert_true(trend.least < 0); // one and a half turns of a swing are no line
}

static void a_thousand_and_twenty_four_times_the_values_give_that_times_the_line(void **state)
{
    (void)state;
    seed_random(2);
    double values[24];
    double large[24];
    for (int i = 0; i < 24; i++) {
        values[i] = i + 5 * random_share();
        large[i] = 1024 * values[i];
    }
    struct tend_trend one;
    struct tend_trend other;
    assert_true(tend_trend_fit(values, 24, &one) && tend_trend_fit(large, 24, &other));
    assert_true(other.slope == 1024 * one.slope && other.least == 1024 * one.least && other.most == 1024 * one.most);
    assert_true(other.level == 1024 * one.level && other.noise == 1024 * one.noise);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_found_exactly),
        cmocka_unit_test(wild_values_do_not_turn_the_line),
        cmocka_unit_test(gaps_are_passed_over),
        cmocka_unit_test(three_values_are_no_line),
        cmocka_unit_test(a_constant_has_no_slope_and_no_interval),
        cmocka_unit_test(the_interval_is_sens),
        cmocka_unit_test(values_that_follow_each_other_widen_it),
        cmocka_unit_test(a_thousand_and_twenty_four_times_the_values_give_that_times_the_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
