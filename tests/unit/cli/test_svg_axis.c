#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "cli/svg_axis.h"
#include "seeded_random.h"

#define MONDAY_MS INT64_C(1772445600000) // 2026-03-02 10:00:00 UTC

static void values_are_marked_at_round_numbers_of_their_unit(void **state)
{
    (void)state;
    static const struct {
        double low, high;
        const char *unit;
        double first, step, last;
    } rows[] = {
        { 0.03, 1.29, "s", 0, 0.5, 1.5 },
        { 0, 0.6453, "ratio", 0, 0.2, 0.8 },
        { 16.0 * 1048576, 106.6 * 1048576, "bytes", 0, 32.0 * 1048576, 128.0 * 1048576 },
        { 0, 3000, "s", 0, 900, 3600 },
        { 0, 200000, "s", 0, 86400, 259200 },
        { 990, 1000, "requests", 990, 5, 1000 },
        { -7, 12, "", -10, 5, 15 },
        { 0, 0, "ratio", 0, 0.5, 1 },
        { 5, 5, "", 0, 5, 10 },
        { -2, -2, "", -4, 1, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct tend_value_axis axis = tend_value_axis_over(rows[i].low, rows[i].high, rows[i].unit, 4);
        if (fabs(axis.low - rows[i].first) > 1e-9 || fabs(axis.step - rows[i].step) > 1e-9 ||
            fabs(axis.high - rows[i].last) > 1e-9) {
            fail_msg("row %zu: %g by %g to %g", i, axis.low, axis.step, axis.high);
        }
    }
}

static void an_axis_holds_what_it_was_made_for(void **state)
{
    (void)state;
    seed_random(3);
    static const char *const units[] = { "s", "bytes", "ratio", "" };
    for (int i = 0; i < 20000; i++) {
        const double size = exp2(random_below(120) - 60.0);
        const double one = size * (random_below(2000) - 1000.0) / 1000.0;
        const double other = one + size * random_below(1000) / 1000.0;
        const struct tend_value_axis axis = tend_value_axis_over(one, other, units[i % 4], 4);
        const double slack = axis.step * 1e-6;
        if (!(axis.low <= one + slack && axis.high >= other - slack && axis.low < axis.high && axis.count >= 2 &&
              axis.count <= 12)) {
            fail_msg("%g to %g %s: %g by %g to %g, %zu marks", one, other, units[i % 4], axis.low, axis.step, axis.high,
                     axis.count);
        }
    }
}

static void the_mark_at_nothing_is_exactly_nothing(void **state)
{
    (void)state;
    const struct tend_value_axis axis = tend_value_axis_over(-0.3, 0.3, "", 6);
    assert_true(axis.step == 0.1);
    assert_true(tend_value_axis_at(&axis, 3) == 0.0);
}

static void times_are_marked_at_round_moments(void **state)
{
    (void)state;
    static const struct {
        int64_t after_ms, lasts_ms;
        int64_t first_after_ms, step_ms;
        size_t count;
        const char *first;
    } rows[] = {
        { 0, 720000, 0, 120000, 7, "10:00" },
        { 1, 720000, 120000, 120000, 6, "10:02" },
        { 1500, 20000, 5000, 5000, 4, "10:00:05" },
        { 0, INT64_C(86400000) * 3, 7200000, INT64_C(43200000), 6, "12:00" },
        { 0, INT64_C(86400000) * 60, INT64_C(86400000) * 5 + INT64_C(14) * 3600000, INT64_C(864000000), 6, "8 Mar" },
        { 0, 0, 0, 1000, 1, "10:00:00" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const int64_t from_ms = MONDAY_MS + rows[i].after_ms;
        const struct tend_time_axis axis = tend_time_axis_over(from_ms, from_ms + rows[i].lasts_ms, 7);
        char text[TEND_AXIS_TIME_TEXT_BYTES];
        (void)tend_time_axis_text(&axis, axis.first_ms, text);
        if (axis.first_ms != MONDAY_MS + rows[i].first_after_ms || axis.step_ms != rows[i].step_ms ||
            axis.count != rows[i].count) {
            fail_msg("row %zu: after %lld by %lld, %zu marks, %s", i, (long long)(axis.first_ms - MONDAY_MS),
                     (long long)axis.step_ms, axis.count, text);
        }
        assert_string_equal(text, rows[i].first);
    }
}

static void a_moment_is_told_in_full(void **state)
{
    (void)state;
    char text[TEND_AXIS_TIME_TEXT_BYTES];
    assert_string_equal(tend_axis_moment_text(MONDAY_MS + 65000, text), "2 Mar 2026 10:01:05");
    assert_string_equal(tend_axis_clock_text(MONDAY_MS + 65999, text), "10:01:05");
    assert_string_equal(tend_axis_moment_text(-1, text), "31 Dec 1969 23:59:59");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_marked_at_round_numbers_of_their_unit),
        cmocka_unit_test(an_axis_holds_what_it_was_made_for),
        cmocka_unit_test(the_mark_at_nothing_is_exactly_nothing),
        cmocka_unit_test(times_are_marked_at_round_moments),
        cmocka_unit_test(a_moment_is_told_in_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
