// Exported metrics as columns: names, gaps, what is malformed or of another shape, rows that are joined.

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
    is_refused("a:b,c:d\n", 1, "the first line has to be time,SERVICE:METRIC,…");
    is_refused("time\n", 1, "the first line has to be time,SERVICE:METRIC,…");
    is_refused("time;a:b\n0;1\n", 1,
               "the first line has to be time,SERVICE:METRIC,…; its fields have semicolons between");
    is_refused("time\ta:b\n0\t1\n", 1, "the first line has to be time,SERVICE:METRIC,…; its fields have tabs between");
    is_refused("1772445600,1\n", 1, "the header is missing: the first line has to be time,SERVICE:METRIC,…");
    is_refused("time,a:b,c:d,a:b\n", 1, "column 4 is \"a:b\", as an earlier one is");
    is_refused("time,a:b,\n0,1,\n15,1,7\n", 3, "column 3 has a value, \"7\", and no name");
    is_refused("time,cpu\n", 1, "column 2 is \"cpu\"; a name has to be SERVICE:METRIC");
    is_refused("time,a:b\n0,1\n15\n", 3, "1 fields; the header has 2");
    is_refused("time,a:b\n0,x\n", 2, "a:b is \"x\", which is no number");
    is_refused("time,a:b\n15,1\n15,2\n", 3, "the time is that of line 2");
    is_refused("time,a:b\n30,1\n15,2\n0,3\n15,4\n", 5, "the time is that of line 3");
    is_refused("time,a:b\n1772445600000,1\n1772445615,2\n", 3,
               "\"1772445615\" is another kind of time than those before it: seconds, not milliseconds");
    is_refused("time,a:b\n0,1\n15,\"2\n", 4, "field 2: its quote is not closed");
}

static void what_other_programs_write_is_read(void **state)
{
    (void)state;
    struct tend_metric_frame frame;
    // A byte order mark, another name for the time, blanks, a column without a name, words for no data, quotes, CR LF.
    read_fine("\xef\xbb\xbf\"Time\",\"a:cpu\",, b:cpu ,\r\n"
              "2026-03-02 10:00:00,\"1\",, null,\r\n"
              "2026-03-02T10:00:15Z,N/A,,2 ,\r\n",
              &frame);
    assert_int_equal(frame.column_count, 2);
    assert_string_equal(frame.columns[0].owner, "a");
    assert_string_equal(frame.columns[1].owner, "b");
    assert_int_equal(frame.rows, 2);
    assert_true(frame.at_s[0] == 1772445600 && frame.at_s[1] == 1772445615);
    assert_true(frame.columns[0].values[0] == 1 && isnan(frame.columns[0].values[1]));
    assert_true(isnan(frame.columns[1].values[0]) && frame.columns[1].values[1] == 2);
    tend_metric_frame_clear(&frame);
}

static void rows_may_come_in_any_order(void **state)
{
    (void)state;
    struct tend_metric_frame frame;
    read_fine("time,a:b,c:d\n30,3,\n0,1,10\n15,2,20\n", &frame);
    assert_true(frame.at_s[0] == 0 && frame.at_s[1] == 15 && frame.at_s[2] == 30);
    const double *a = frame.columns[0].values, *c = frame.columns[1].values;
    assert_true(a[0] == 1 && a[1] == 2 && a[2] == 3);
    assert_true(c[0] == 10 && c[1] == 20 && isnan(c[2]));
    assert_true(frame.step_s == 15);
    tend_metric_frame_clear(&frame);
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
        cmocka_unit_test(what_other_programs_write_is_read),
        cmocka_unit_test(rows_may_come_in_any_order),
        cmocka_unit_test(joined_rows_are_means_and_none_has_both_sides_of_the_border),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
