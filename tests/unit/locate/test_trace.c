// The trace of a subject: what it keeps, how exactly, and its way through copies and bytes.

#include "locate/trace.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SECOND = 1000 };

static struct tend_trace *create(size_t columns, int64_t every_ms)
{
    struct tend_trace *trace = NULL;
    assert_int_equal(tend_trace_create(columns, every_ms, &trace), TEND_OK);
    return trace;
}

// Rows first … last of one column, at i seconds with the value i.
static void push_seconds(struct tend_trace *trace, int first, int last)
{
    for (int i = first; i <= last; i++) {
        const double value = i;
        tend_trace_push(trace, (int64_t)i * SECOND, &value);
    }
}

static void the_newest_rows_are_kept_as_they_came(void **state)
{
    (void)state;
    struct tend_trace *trace = create(1, SECOND);
    push_seconds(trace, 1, 3);
    int64_t at_ms[TEND_TRACE_ROWS];
    double values[TEND_TRACE_ROWS];
    tend_trace_times(trace, at_ms);
    tend_trace_column(trace, 0, values);
    assert_int_equal(tend_trace_count(trace), 3);
    assert_int_equal(at_ms[0], 1000);
    assert_int_equal(at_ms[2], 3000);
    assert_true(values[0] == 1 && values[2] == 3); // small integers have few bits
    tend_trace_destroy(trace);
}

// At 1 s the newest 48 rows are 48 s; the other 1152 of 20 minutes are spread over 64 rows: each 18th.
static void of_older_rows_each_nth_is_kept(void **state)
{
    (void)state;
    struct tend_trace *trace = create(1, SECOND);
    push_seconds(trace, 1, 48 + 18 * 3);
    int64_t at_ms[TEND_TRACE_ROWS];
    tend_trace_times(trace, at_ms);
    assert_int_equal(tend_trace_count(trace), 48 + 3);
    assert_int_equal(at_ms[0], 18 * SECOND); // the 18th row that left
    assert_int_equal(at_ms[1], 36 * SECOND);
    assert_int_equal(at_ms[2], 54 * SECOND);
    assert_int_equal(at_ms[3], 55 * SECOND); // the oldest of the newest 48
    tend_trace_destroy(trace);
}

static void a_full_trace_reaches_back_twenty_minutes(void **state)
{
    (void)state;
    struct tend_trace *trace = create(1, SECOND);
    push_seconds(trace, 1, 5000);
    int64_t at_ms[TEND_TRACE_ROWS];
    double values[TEND_TRACE_ROWS];
    tend_trace_times(trace, at_ms);
    tend_trace_column(trace, 0, values);
    assert_int_equal(tend_trace_count(trace), TEND_TRACE_ROWS);
    const int64_t reach_ms = 5000 * SECOND - at_ms[0];
    assert_true(reach_ms >= TEND_TRACE_SPAN_MS - 18 * SECOND && reach_ms <= TEND_TRACE_SPAN_MS + 18 * SECOND);
    for (size_t row = 1; row < TEND_TRACE_ROWS; row++) {
        assert_true(at_ms[row] > at_ms[row - 1]);
        assert_true(fabs(values[row] - (double)at_ms[row] / SECOND) <= values[row] / 256); // 8 significant bits
    }
    tend_trace_destroy(trace);
}

static void of_a_long_interval_only_the_newest_rows_are_kept(void **state)
{
    (void)state;
    struct tend_trace *trace = create(1, 30 * SECOND); // 48 rows are 24 minutes
    for (int i = 1; i <= 100; i++) {
        const double value = i;
        tend_trace_push(trace, (int64_t)i * 30 * SECOND, &value);
    }
    assert_int_equal(tend_trace_count(trace), TEND_TRACE_FINE);
    tend_trace_destroy(trace);
}

static void values_have_three_digits_and_what_is_missing_stays_so(void **state)
{
    (void)state;
    struct tend_trace *trace = create(4, SECOND);
    const double row[] = { 123456789.0, 0.00123, (double)NAN, 1e300 };
    tend_trace_push(trace, 1, row);
    double value;
    tend_trace_column(trace, 0, &value);
    assert_true(fabs(value - 123456789.0) < 123456789.0 * 0.004);
    tend_trace_column(trace, 1, &value);
    assert_true(fabs(value - 0.00123) < 0.00123 * 0.004);
    tend_trace_column(trace, 2, &value);
    assert_true(isnan(value));
    tend_trace_column(trace, 3, &value); // beyond a float: no data rather than infinity
    assert_true(isnan(value));
    tend_trace_destroy(trace);
}

static void two_instances_make_one_row_an_interval(void **state)
{
    (void)state;
    struct tend_trace *trace = create(1, SECOND);
    for (int i = 0; i < 20; i++) { // two a second
        const double value = i;
        tend_trace_push(trace, (int64_t)i * SECOND / 2, &value);
    }
    double values[TEND_TRACE_ROWS];
    tend_trace_column(trace, 0, values);
    assert_int_equal(tend_trace_count(trace), 11); // 0, 1, … 9 and the newest half
    assert_true(values[10] == 19);
    tend_trace_destroy(trace);
}

static void a_row_that_is_not_newer_is_passed_over(void **state)
{
    (void)state;
    struct tend_trace *trace = create(1, SECOND);
    push_seconds(trace, 5, 7);
    push_seconds(trace, 6, 7);
    assert_int_equal(tend_trace_count(trace), 3);
    tend_trace_destroy(trace);
}

static void a_copy_takes_the_columns_that_are_still_there(void **state)
{
    (void)state;
    struct tend_trace *before = create(2, SECOND), *now = create(3, SECOND), *slower = create(3, 2 * SECOND);
    tend_trace_push(before, 1000, (const double[]){ 1, 2 });
    const int from[] = { 1, -1, 0 };
    tend_trace_copy(now, before, from);
    tend_trace_copy(slower, before, from);
    double value;
    tend_trace_column(now, 0, &value);
    assert_true(value == 2);
    tend_trace_column(now, 1, &value);
    assert_true(isnan(value));
    tend_trace_column(now, 2, &value);
    assert_true(value == 1);
    assert_int_equal(tend_trace_count(slower), 0);
    tend_trace_destroy(before);
    tend_trace_destroy(now);
    tend_trace_destroy(slower);
}

// What is loaded goes on as the saved one would.
static void a_trace_survives_its_bytes(void **state)
{
    (void)state;
    struct tend_trace *trace = create(1, SECOND), *loaded = create(1, SECOND);
    push_seconds(trace, 1, 130);
    struct tend_buffer bytes, again;
    tend_buffer_init(&bytes);
    tend_buffer_init(&again);
    tend_trace_save(trace, &bytes);
    struct tend_reader reader = tend_reader_over(bytes.data, bytes.size);
    assert_int_equal(tend_trace_load(loaded, &reader), TEND_OK);
    push_seconds(trace, 131, 200);
    push_seconds(loaded, 131, 200);
    tend_buffer_reset(&bytes);
    tend_trace_save(trace, &bytes);
    tend_trace_save(loaded, &again);
    assert_int_equal(bytes.size, again.size);
    assert_memory_equal(bytes.data, again.data, bytes.size);
    for (size_t cut = 0; cut < bytes.size; cut += 7) {
        reader = tend_reader_over(bytes.data, cut);
        assert_int_equal(tend_trace_load(loaded, &reader), TEND_E_CORRUPT);
        assert_int_equal(tend_trace_count(loaded), 0);
    }
    tend_buffer_clear(&bytes);
    tend_buffer_clear(&again);
    tend_trace_destroy(trace);
    tend_trace_destroy(loaded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_rows_are_kept_as_they_came),
        cmocka_unit_test(of_older_rows_each_nth_is_kept),
        cmocka_unit_test(a_full_trace_reaches_back_twenty_minutes),
        cmocka_unit_test(of_a_long_interval_only_the_newest_rows_are_kept),
        cmocka_unit_test(values_have_three_digits_and_what_is_missing_stays_so),
        cmocka_unit_test(two_instances_make_one_row_an_interval),
        cmocka_unit_test(a_row_that_is_not_newer_is_passed_over),
        cmocka_unit_test(a_copy_takes_the_columns_that_are_still_there),
        cmocka_unit_test(a_trace_survives_its_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
