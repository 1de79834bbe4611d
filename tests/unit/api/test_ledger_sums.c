// Shares with their intervals, and spreads.

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/ledger_sums.h"

static const double z = 1.6448536269514722;

static bool is_near(double one, double other, double by)
{
    return fabs(one - other) <= by;
}

// Wilson's interval ends where the share is just z standard errors away: |x - p| = z · √(p(1-p)/n).
static void an_interval_ends_where_the_score_is_just_z(void **state)
{
    (void)state;
    static const size_t trials[][2] = { { 8, 10 }, { 1, 2 }, { 3, 4 }, { 50, 100 }, { 1, 1000 }, { 7, 9 } };
    for (size_t i = 0; i < sizeof trials / sizeof trials[0]; i++) {
        const double n = (double)trials[i][1];
        const struct tend_share share = tend_share_of(trials[i][0], trials[i][1]);
        assert_true(is_near(share.share, (double)trials[i][0] / n, 1e-15));
        assert_true(share.low < share.share && share.share < share.high);
        assert_true(is_near(share.share - share.low, z * sqrt(share.low * (1 - share.low) / n), 1e-12));
        assert_true(is_near(share.high - share.share, z * sqrt(share.high * (1 - share.high) / n), 1e-12));
    }
}

// By hand: z² = 2.7055; the middle is (0.8 + 0.13528) / 1.27055 = 0.73612, half the width 1.29460 · 0.150877 = 0.19533.
static void eight_of_ten_are_between_54_and_93_percent(void **state)
{
    (void)state;
    const struct tend_share share = tend_share_of(8, 10);
    assert_true(is_near(share.low, 0.54079, 1e-5));
    assert_true(is_near(share.high, 0.93144, 1e-5));
}

// None of n: from 0 to z² / (n + z²). All of n: the mirror of it.
static void none_and_all_have_an_interval_too(void **state)
{
    (void)state;
    const struct tend_share none = tend_share_of(0, 1);
    assert_true(none.share == 0 && none.low == 0);
    assert_true(is_near(none.high, 2.705543454 / 3.705543454, 1e-9));
    const struct tend_share all = tend_share_of(5, 5);
    assert_true(all.share == 1 && all.high == 1);
    assert_true(is_near(all.low, 5 / (5 + 2.705543454), 1e-9));
}

static void a_share_of_nothing_is_not_known(void **state)
{
    (void)state;
    const struct tend_share share = tend_share_of(0, 0);
    assert_true(isnan(share.share) && isnan(share.low) && isnan(share.high));
}

static void a_median_is_the_middle_or_the_mean_of_two(void **state)
{
    (void)state;
    struct tend_spread spread = { .values = NULL };
    assert_true(isnan(tend_spread_median(&spread)) && isnan(tend_spread_largest(&spread)));
    tend_spread_add(&spread, 9);
    assert_true(tend_spread_median(&spread) == 9);
    tend_spread_add(&spread, 2);
    assert_true(tend_spread_median(&spread) == 5.5);
    tend_spread_add(&spread, 4);
    assert_true(tend_spread_median(&spread) == 4);
    assert_true(tend_spread_largest(&spread) == 9);
    tend_spread_clear(&spread);
    assert_int_equal(spread.count, 0);
}

static void what_is_not_known_or_runs_backwards_is_left_out(void **state)
{
    (void)state;
    struct tend_spread spread = { .values = NULL };
    tend_spread_add(&spread, (double)NAN);
    tend_spread_add(&spread, -1);
    assert_int_equal(spread.count, 0);
    for (int i = 0; i < 100; i++) {
        tend_spread_add(&spread, 100 - i);
    }
    assert_true(tend_spread_median(&spread) == 50.5);
    tend_spread_clear(&spread);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_interval_ends_where_the_score_is_just_z),
        cmocka_unit_test(eight_of_ten_are_between_54_and_93_percent),
        cmocka_unit_test(none_and_all_have_an_interval_too),
        cmocka_unit_test(a_share_of_nothing_is_not_known),
        cmocka_unit_test(a_median_is_the_middle_or_the_mean_of_two),
        cmocka_unit_test(what_is_not_known_or_runs_backwards_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
