// Facts about thinned traces.

#include "driver/sim/metric_trace.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void push(struct tend_metric_trace *trace, size_t most, int64_t at_ms, double p, double a)
{
    struct tend_trace_point *point = tend_metric_trace_push(trace, most, p, a);
    if (point != NULL) {
        *point = (struct tend_trace_point){ .at_ms = at_ms, .p = p, .e = 1, .a = a, .low = NAN, .high = 2 };
    }
}

static void few_ticks_are_all_kept(void **state)
{
    (void)state;
    struct tend_metric_trace trace;
    tend_metric_trace_init(&trace);
    for (int i = 0; i < 8; i++) {
        push(&trace, 8, i, i, 0.0);
    }
    assert_int_equal(trace.count, 8);
    assert_int_equal(trace.points[7].at_ms, 7);
    tend_metric_trace_clear(&trace);
}

static void a_full_trace_keeps_the_worse_of_each_two(void **state)
{
    (void)state;
    static const double a[] = { 0.1, 0.9, 0.8, 0.2, 0.3, 0.4, 0.6, 0.5 };
    struct tend_metric_trace trace;
    tend_metric_trace_init(&trace);
    for (int i = 0; i < 8; i++) {
        push(&trace, 4, i, 1.0, a[i]);
    }
    // Stretches of two ticks: the worse ones are at 1, 2, 5 and 6.
    static const int64_t expected[] = { 1, 2, 5, 6 };
    assert_int_equal(trace.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(trace.points[i].at_ms, expected[i]);
    }
    tend_metric_trace_clear(&trace);
}

static void no_peak_is_lost_and_no_limit_passed_however_long_it_goes(void **state)
{
    (void)state;
    for (int peak = 0; peak < 5000; peak += 617) {
        struct tend_metric_trace trace;
        tend_metric_trace_init(&trace);
        for (int i = 0; i < 5000; i++) {
            push(&trace, 100, i, 1.0, i == peak ? 5.0 : 0.5);
        }
        size_t found = 0;
        for (size_t i = 0; i < trace.count; i++) {
            found += trace.points[i].at_ms == peak;
            assert_true(i == 0 || trace.points[i].at_ms > trace.points[i - 1].at_ms);
        }
        assert_int_equal(found, 1);
        assert_in_range(trace.count, 50, 100);
        tend_metric_trace_clear(&trace);
    }
}

static void where_nothing_is_expected_the_largest_value_stays_and_data_beats_none(void **state)
{
    (void)state;
    struct tend_metric_trace trace;
    tend_metric_trace_init(&trace);
    static const double p[] = { 3.0, -7.0, NAN, 1.0 };
    for (int i = 0; i < 4; i++) {
        push(&trace, 2, i, p[i], NAN);
    }
    assert_int_equal(trace.count, 2);
    assert_int_equal(trace.points[0].at_ms, 1);
    assert_int_equal(trace.points[1].at_ms, 3);
    tend_metric_trace_clear(&trace);
}

static void what_is_missing_is_null(void **state)
{
    (void)state;
    struct tend_metric_trace trace;
    tend_metric_trace_init(&trace);
    push(&trace, 2, 5, NAN, NAN);
    json_t *got = tend_metric_trace_json(&trace);
    json_t *expected = json_pack("[[i, n, f, n, f]]", 5, 1.0, 2.0);
    assert_true(json_equal(got, expected));
    json_decref(got);
    json_decref(expected);
    tend_metric_trace_clear(&trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_ticks_are_all_kept),
        cmocka_unit_test(a_full_trace_keeps_the_worse_of_each_two),
        cmocka_unit_test(no_peak_is_lost_and_no_limit_passed_however_long_it_goes),
        cmocka_unit_test(where_nothing_is_expected_the_largest_value_stays_and_data_beats_none),
        cmocka_unit_test(what_is_missing_is_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
