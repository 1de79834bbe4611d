// How many alarms are to be expected: the formulas against values by hand, and the range against its definition.

#include "alert/alarm_rate.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define DAY_S 86400.0

static struct tend_alarm_counts days(const uint32_t *counts, size_t blocks)
{
    return (struct tend_alarm_counts){ .counts = counts, .blocks = blocks, .block_s = DAY_S };
}

static void assert_near(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-9 * fabs(expected))) {
        fail_msg("%.17g where %.17g is expected", value, expected);
    }
}

static void even_counts_are_taken_for_no_steadier_than_a_poisson_process(void **state)
{
    (void)state;
    const uint32_t counts[] = { 2, 2, 2, 2, 2 };
    const struct tend_alarm_counts seen = days(counts, 5);
    assert_true(tend_alarm_dispersion(&seen) == 1.0); // (4 · 1.5 + 0) / (4 + 4) would be 0.75
}

static void all_alarms_on_one_day_of_four_are_clusters(void **state)
{
    (void)state;
    const uint32_t counts[] = { 0, 0, 0, 8 };
    const struct tend_alarm_counts seen = days(counts, 4);
    // The mean is 2, Pearson's statistic (4 + 4 + 4 + 36) / 2 = 24: (4 · 1.5 + 24) / (4 + 3).
    assert_near(tend_alarm_dispersion(&seen), 30.0 / 7.0);
}

static void no_alarms_tell_nothing_of_clusters_and_promise_none_for_ever(void **state)
{
    (void)state;
    const uint32_t counts[14] = { 0 };
    const struct tend_alarm_counts seen = days(counts, 14);
    assert_true(tend_alarm_dispersion(&seen) == 1.5);
    const struct tend_alarm_forecast week = tend_alarm_forecast(&seen, 7 * DAY_S);
    assert_near(week.mean, 0.375);                                        // 0.75 alarms in 14 days
    assert_near(week.variance, 1.5 * 0.375 * 1.5 + 0.25 * 0.375 * 0.375); // no drift was seen: the usual
    assert_int_equal(week.low, 0);
    assert_int_equal(week.high, 1);
    const struct tend_alarm_forecast year = tend_alarm_forecast(&seen, 365 * DAY_S);
    assert_true(year.high > 20); // two quiet weeks say little of a year
}

static void mean_and_variance_are_those_of_the_formulas(void **state)
{
    (void)state;
    const uint32_t counts[] = { 0, 0, 0, 8 };
    const struct tend_alarm_counts seen = days(counts, 4);
    const struct tend_alarm_forecast next = tend_alarm_forecast(&seen, 4 * DAY_S);
    const double dispersion = 30.0 / 7.0;
    const double mean = 8 + dispersion / 2;
    // Quarters: mean 2, variance 48 / 3 = 16; what dispersion does not explain is (16 - 2 · 30/7) / 4 = 13/7, and is
    // believed by 3 · 2 / (2 + 4 · 30/7) = 21/67 of a whole.
    const double drift = (0.25 + 21.0 / 67.0 * 13.0 / 7.0) / (1 + 21.0 / 67.0);
    assert_near(next.mean, mean);
    assert_near(next.variance, dispersion * mean * 2 + drift * mean * mean);
}

static void exceeding_is_the_tail_of_the_negative_binomial_distribution(void **state)
{
    (void)state;
    // Mean 1 and variance 2 is shape 1, the geometric distribution: 1/2, 1/4, 1/8 …
    const struct tend_alarm_forecast geometric = { .mean = 1, .variance = 2 };
    assert_near(tend_alarm_exceeds(&geometric, 0), 0.5);
    assert_near(tend_alarm_exceeds(&geometric, 1), 0.25);
    assert_near(tend_alarm_exceeds(&geometric, 1.5), 0.25); // half an alarm is none
    assert_near(tend_alarm_exceeds(&geometric, 4), 1.0 / 32.0);
}

static void the_range_is_the_shortest_that_holds_nine_of_ten(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < 120; n += 7) {
        const uint32_t counts[] = { n, n / 2, n, n + 3, n, n, 1 };
        const struct tend_alarm_counts seen = days(counts, 7);
        const struct tend_alarm_forecast week = tend_alarm_forecast(&seen, DAY_S);
        const double below = week.low == 0 ? 0 : 1 - tend_alarm_exceeds(&week, week.low - 1.0);
        const double held = 1 - below - tend_alarm_exceeds(&week, week.high);
        assert_true(held >= 0.9 - 1e-9);
        const double without_last =
            held - (tend_alarm_exceeds(&week, week.high - 1.0) - tend_alarm_exceeds(&week, week.high));
        assert_true(week.high == 0 || without_last < 0.9);
    }
}

static void many_alarms_are_approximated_without_a_jump(void **state)
{
    (void)state;
    // 28 days of 7 and of 8 alarms: means of a little less and a little more than 200, where the way to compute
    // changes.
    uint32_t counts[28];
    struct tend_alarm_forecast forecasts[2];
    for (uint32_t i = 0; i < 2; i++) {
        for (size_t d = 0; d < 28; d++) {
            counts[d] = i == 1 && d % 4 == 0 ? 8 : 7;
        }
        const struct tend_alarm_counts seen = days(counts, 28);
        forecasts[i] = tend_alarm_forecast(&seen, 28 * DAY_S);
    }
    assert_true(forecasts[0].mean < 200 && forecasts[1].mean > 200);
    const double ratio = forecasts[1].mean / forecasts[0].mean;
    assert_true(fabs(forecasts[1].high / (double)forecasts[0].high / ratio - 1) < 0.1);
    assert_true(tend_alarm_exceeds(&forecasts[1], forecasts[1].high) < 0.06);
    assert_true(tend_alarm_exceeds(&forecasts[1], forecasts[1].low) > 0.9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(even_counts_are_taken_for_no_steadier_than_a_poisson_process),
        cmocka_unit_test(all_alarms_on_one_day_of_four_are_clusters),
        cmocka_unit_test(no_alarms_tell_nothing_of_clusters_and_promise_none_for_ever),
        cmocka_unit_test(mean_and_variance_are_those_of_the_formulas),
        cmocka_unit_test(exceeding_is_the_tail_of_the_negative_binomial_distribution),
        cmocka_unit_test(the_range_is_the_shortest_that_holds_nine_of_ten),
        cmocka_unit_test(many_alarms_are_approximated_without_a_jump),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
