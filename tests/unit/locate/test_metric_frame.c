// Exported metrics as columns: names, gaps, what is malformed, rows that are joined.

#include "locate/metric_frame.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void read_fine(const char *text, struct tend_metric_frame *frame)
{
    struct tend_error error;
    size_t line;
    assert_int_equal(tend_metric_frame_read(text, strlen(text), frame, &line, &error), TEND_OK);
}

static void is_refused(const char *text, size_t expected_line, const char *expected)
{
    struct tend_metric_frame frame;
    struct tend_error error;
    size_t line = 0;
    assert_int_equal(tend_metric_frame_read(text, strlen(text), &frame, &line, &error), TEND_E_INVALID);
    assert_int_equal(line, expected_line);
    assert_string_equal(error.text, expected);
}

static void a_name_is_cut_at_its_last_colon(void **state)
{
    (void)state;
    struct tend_metric_frame frame;
    read_fine("time,a:b:cpu,web>a:p50\n0,1,\n15,,2.5\n30,3,4\n", &frame);
    assert_int_equal(frame.column_count, 2);
    assert_string_equal(frame.columns[0].owner, "a:b");
    assert_string_equal(frame.columns[0].metric, "cpu");
    assert_string_equal(frame.columns[1].owner, "web>a");
    assert_int_equal(frame.rows, 3);
    assert_true(frame.step_s == 15 && frame.at_s[2] == 30);
    assert_true(frame.columns[0].values[0] == 1 && isnan(frame.columns[0].values[1]));
    assert_true(isnan(frame.columns[1].values[0]) && frame.columns[1].values[1] == 2.5);
    tend_metric_frame_clear(&frame);
}

static void what_is_malformed_is_told_with_its_line(void **state)
{
    (void)state;
    is_refused("", 1, "there is nothing in it");
    is_refused("at,a:b\n", 1, "the first line has to be time,SERVICE:METRIC,…");
    is_refused("time,cpu\n", 1, "column 2 is \"cpu\"; a name has to be SERVICE:METRIC");
    is_refused("time,a:b\n0,1\n15\n", 3, "1 fields; the header has 2");
    is_refused("time,a:b\n0,x\n", 2, "a:b is \"x\", which is no number");
    is_refused("time,a:b\n15,1\n15,2\n", 3, "the time is not after that of the row before");
    is_refused("time,a:b\n0,1\n15,\"2\n", 4, "field 2: its quote is not closed");
}

static void joined_rows_are_means_and_none_has_both_sides_of_the_border(void **state)
{
    (void)state;
    struct tend_metric_frame frame;
    read_fine("time,a:b\n0,1\n1,2\n2,4\n3,\n4,7\n5,8\n6,10\n7,12\n", &frame);
    assert_int_equal(tend_metric_frame_join(&frame, 2, 5), 2); // 0 is left over; 1-2, 3-4 | 5-6, 7
    assert_int_equal(frame.rows, 4);
    assert_true(frame.columns[0].values[0] == 3 && frame.columns[0].values[1] == 7);
    assert_true(frame.columns[0].values[2] == 9 && frame.columns[0].values[3] == 12);
    assert_true(frame.at_s[0] == 2 && frame.at_s[1] == 4 && frame.at_s[2] == 6 && frame.at_s[3] == 7);
    assert_true(frame.step_s == 2);
    tend_metric_frame_clear(&frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_cut_at_its_last_colon),
        cmocka_unit_test(what_is_malformed_is_told_with_its_line),
        cmocka_unit_test(joined_rows_are_means_and_none_has_both_sides_of_the_border),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
