// P by hand in promtool's notation: what each form says, and what is refused.

#include "driver/world/hand_series.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void assert_values(const char *text, const double *expected, size_t count)
{
    struct tend_hand_series series = { .values = NULL };
    struct tend_error error = { .text = "" };
    if (tend_hand_series_parse(text, &series, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    assert_int_equal(series.count, count);
    for (size_t i = 0; i < count; i++) {
        if (isnan(expected[i])) {
            assert_true(isnan(series.values[i]));
        } else {
            assert_true(fabs(series.values[i] - expected[i]) < 1e-12);
        }
    }
    tend_hand_series_clear(&series);
}

static void each_form_gives_its_values(void **state)
{
    (void)state;
    const double none = (double)NAN;
    assert_values("1", (double[]){ 1 }, 1);
    assert_values("0.4x3 0.1", (double[]){ 0.4, 0.4, 0.4, 0.1 }, 4);
    assert_values("1+2x3", (double[]){ 1, 3, 5, 7 }, 4);
    assert_values("9-1.5x2", (double[]){ 9, 7.5, 6 }, 3);
    assert_values("-2x2", (double[]){ -2, -2 }, 2);
    assert_values("-2-1x1", (double[]){ -2, -3 }, 2);
    assert_values("_ _x2 stale 5", (double[]){ none, none, none, none, 5 }, 5);
    assert_values("0x2", (double[]){ 0, 0 }, 2); // not the hexadecimal number 2
    assert_values("0+10x1", (double[]){ 0, 10 }, 2);
    assert_values("1e3x2", (double[]){ 1000, 1000 }, 2);
    assert_values("", NULL, 0);
    assert_values("3x0", NULL, 0);
}

static void what_is_no_value_is_refused_by_name(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "0.4y", "x3", "1x", "1+x3", "1+2", "_y", "1x-2", "nan", "inf", "0x1x2", "1x2.5"
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct tend_hand_series series = { .values = NULL };
        struct tend_error error = { .text = "" };
        assert_int_equal(tend_hand_series_parse(wrong[i], &series, &error), TEND_E_INVALID);
        assert_non_null(strstr(error.text, wrong[i]));
        assert_null(series.values);
    }
}

static void a_series_has_a_limit(void **state)
{
    (void)state;
    struct tend_hand_series series = { .values = NULL };
    struct tend_error error = { .text = "" };
    assert_int_equal(tend_hand_series_parse("1x100001", &series, &error), TEND_E_LIMIT);
    assert_int_equal(tend_hand_series_parse("1x60000 1x60000", &series, &error), TEND_E_LIMIT);
    assert_int_equal(tend_hand_series_parse("1x99999999999999999999", &series, &error), TEND_E_LIMIT);
    assert_null(series.values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_gives_its_values),
        cmocka_unit_test(what_is_no_value_is_refused_by_name),
        cmocka_unit_test(a_series_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
