// Worked out by hand: a count of n before, over equally long spans of a service that logs as much as before, is
// negative binomial with shape and mean n + 1/2.

#include "locate/log_surprise.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct tend_log_spans even = { .before_s = 60, .after_s = 60, .before = 1000, .after = 1000 };

static bool is_near(double value, double wanted)
{
    return fabs(value - wanted) < 1e-9;
}

static void a_template_is_expected_as_often_as_it_came(void **state)
{
    (void)state;
    struct tend_log_expectation expected = tend_log_expect(10, &even);
    assert_true(expected.mean == 10.5 && expected.shape == 10.5);
    struct tend_log_spans spans = even;
    spans.after_s = 30;
    spans.after = 500; // the same rate: (500 + 5) / (500 + 5)
    assert_true(tend_log_expect(10, &spans).mean == 5.25);
    spans.after = 5000; // ten times as much of all: no more than twice is put down to that
    assert_true(tend_log_expect(10, &spans).mean == 10.5);
}

static void surprise_is_the_tail_of_the_count(void **state)
{
    (void)state;
    const struct tend_log_expectation expected = { .mean = 0.5, .shape = 0.5 };
    // success = 1/2, P(0) = sqrt(1/2), P(1) = P(0)/4
    assert_true(is_near(tend_log_surprise(0, &expected, false), 0.5 * log(2)));
    assert_true(is_near(tend_log_surprise(1, &expected, true), -log(1 - sqrt(0.5))));
    assert_true(is_near(tend_log_surprise(2, &expected, true), -log(1 - 1.25 * sqrt(0.5))));
    assert_true(tend_log_surprise(0, &expected, true) == 0);
    assert_true(tend_log_surprise(1000, &expected, true) <= 27.7);
}

static void the_bound_is_below_the_surprise_and_grows_with_it(void **state)
{
    (void)state;
    for (int before = 0; before < 300; before = 2 * before + 1) {
        const struct tend_log_expectation expected = tend_log_expect(before, &even);
        double last = 0;
        for (size_t count = 0; count < 200; count++) {
            const bool at_least = (double)count > expected.mean;
            const double bound = tend_log_surprise_bound((double)count, &expected, at_least);
            const double exact = tend_log_surprise(count, &expected, at_least);
            assert_true(bound <= exact + 1e-6 || exact > 27);
            assert_true(!at_least || bound >= last);
            last = at_least ? bound : 0;
            assert_true(tend_log_surprise_bound((double)count, &expected, !at_least) == 0);
        }
    }
}

static void the_bound_of_silence_is_exact(void **state)
{
    (void)state;
    const struct tend_log_expectation expected = { .mean = 20, .shape = 20 };
    assert_true(is_near(tend_log_surprise_bound(0, &expected, false), 20 * log(2)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_template_is_expected_as_often_as_it_came),
        cmocka_unit_test(surprise_is_the_tail_of_the_count),
        cmocka_unit_test(the_bound_is_below_the_surprise_and_grows_with_it),
        cmocka_unit_test(the_bound_of_silence_is_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
