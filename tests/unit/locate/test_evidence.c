// Evidence of one column: rises, falls, noise, gaps; and the least that counts.

#include "locate/evidence.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROWS = 40, HEALTHY = 30, LIVE = 32 };

static const struct tend_evidence_rows rows = { .healthy = HEALTHY, .recent = 4, .live = LIVE, .rows = ROWS };
static const struct tend_evidence_floor floor_of_one = { .share = 0, .absolute = 1 };

// A column that is `before`, then `after` from the first live row on.
static void fill(double *values, double before, double after)
{
    for (size_t i = 0; i < ROWS; i++) {
        values[i] = i < LIVE ? before : after;
    }
}

static struct tend_evidence evidence_of(const double *values, const struct tend_evidence_floor *floor)
{
    struct tend_evidence_scratch scratch;
    assert_int_equal(tend_evidence_scratch_init(&scratch, ROWS), TEND_OK);
    const struct tend_evidence evidence = tend_evidence_of(values, &rows, floor, &scratch);
    tend_evidence_scratch_clear(&scratch);
    return evidence;
}

static void a_rise_counts_by_the_log_of_how_far_it_went(void **state)
{
    (void)state;
    double values[ROWS];
    fill(values, 10, 35); // 25 units of 1; noise may always reach 2.5: a ratio of 10
    const struct tend_evidence evidence = evidence_of(values, &floor_of_one);
    assert_true(fabs(evidence.up_points - (0.2 + log(10))) < 1e-9);
    assert_true(evidence.down_points == 0);
    assert_true(evidence.before == 10 && evidence.after == 35 && evidence.scale == 1);
    assert_true(evidence.coverage == 1 && evidence.live_share == 1);
    assert_int_equal(evidence.onset, LIVE);
}

static void a_fall_counts_as_a_fall(void **state)
{
    (void)state;
    double values[ROWS];
    fill(values, 35, 10);
    const struct tend_evidence evidence = evidence_of(values, &floor_of_one);
    assert_true(evidence.up_points == 0);
    assert_true(fabs(evidence.down_points - (0.2 + log(10))) < 1e-9);
}

static void a_share_of_the_level_is_the_least_unit(void **state)
{
    (void)state;
    double values[ROWS];
    const struct tend_evidence_floor tenth = { .share = 0.1, .absolute = 0 };
    fill(values, 100, 120); // 2 units of 10
    assert_true(evidence_of(values, &tenth).scale == 10);
    assert_true(fabs(evidence_of(values, &tenth).up_points - (0.2 * 0.8 * 0.8)) < 1e-9);
}

static void a_single_spike_is_no_change(void **state)
{
    (void)state;
    double values[ROWS];
    fill(values, 10, 10);
    values[LIVE + 3] = 1000;
    const struct tend_evidence evidence = evidence_of(values, &floor_of_one);
    assert_true(evidence.up_points == 0 && evidence.down_points == 0);
}

static void what_half_of_the_live_rows_reach_is_a_change(void **state)
{
    (void)state;
    double values[ROWS];
    fill(values, 10, 10);
    for (size_t i = LIVE; i < LIVE + 4; i++) {
        values[i] = 35; // 4 of 8
    }
    assert_true(fabs(evidence_of(values, &floor_of_one).up_points - (0.2 + log(10))) < 1e-9);
}

static void what_was_there_just_before_the_onset_is_no_change(void **state)
{
    (void)state;
    double values[ROWS];
    fill(values, 10, 35);
    for (size_t i = HEALTHY - 4; i < LIVE; i++) {
        values[i] = 35; // the recent rows: another regime, not this incident
    }
    assert_true(evidence_of(values, &floor_of_one).up_points == 0);
}

static void a_column_that_does_so_in_health_too_says_little(void **state)
{
    (void)state;
    double wild[ROWS], calm[ROWS];
    fill(calm, 10, 35);
    fill(wild, 10, 35);
    for (size_t i = 10; i < 18; i++) {
        wild[i] = 35; // as long as the live rows
    }
    assert_true(evidence_of(wild, &floor_of_one).up_points < evidence_of(calm, &floor_of_one).up_points / 2);
}

static void a_column_without_a_past_has_no_points(void **state)
{
    (void)state;
    double values[ROWS];
    fill(values, (double)NAN, 35);
    const struct tend_evidence evidence = evidence_of(values, &floor_of_one);
    assert_true(evidence.up_points == 0 && evidence.down_points == 0 && isnan(evidence.before));
    assert_true(evidence.coverage == 0 && evidence.live_share == 1 && evidence.after == 35);
}

static void gaps_are_no_values(void **state)
{
    (void)state;
    double values[ROWS];
    fill(values, 10, 35);
    for (size_t i = 0; i < ROWS; i += 2) {
        values[i] = (double)NAN;
    }
    const struct tend_evidence evidence = evidence_of(values, &floor_of_one);
    assert_true(evidence.coverage == 0.5 && evidence.live_share == 0.5 && evidence.after == 35);
    assert_true(fabs(evidence.up_points - (0.2 + log(10))) < 1e-9);
    fill(values, 10, (double)NAN);
    assert_true(evidence_of(values, &floor_of_one).up_points == 0);
}

static void the_onset_is_the_row_from_which_it_stays(void **state)
{
    (void)state;
    double values[ROWS];
    fill(values, 10, 35);
    values[LIVE] = values[LIVE + 1] = 10;
    assert_int_equal(evidence_of(values, &floor_of_one).onset, LIVE + 2);
}

static void the_median_is_of_what_is_there(void **state)
{
    (void)state;
    double sorted[5];
    const double values[] = { 5, (double)NAN, 1, 3, 100 };
    assert_true(tend_evidence_median(values, 5, sorted) == 4);
    assert_true(isnan(tend_evidence_median(values + 1, 1, sorted)));
    assert_true(isnan(tend_evidence_median(values, 0, sorted)));
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void a_median_is_that_of_any_values_in_any_order(void **state)
{
    (void)state;
    enum { MOST = 300 };
    double values[MOST], sorted[MOST], expected[MOST];
    uint32_t random = 7;
    for (size_t count = 1; count <= MOST; count++) {
        for (int kind = 0; kind < 4; kind++) { // rising, falling, few different ones, any
            for (size_t i = 0; i < count; i++) {
                random = random * 1664525u + 1013904223u;
                const double at[] = { (double)i, -(double)i, (double)(random >> 30), (double)random };
                values[i] = expected[i] = at[kind];
            }
            qsort(expected, count, sizeof *expected, compare);
            const double median = tend_evidence_median(values, count, sorted);
            assert_true(median == (expected[(count - 1) / 2] + expected[count / 2]) / 2);
            assert_memory_equal(sorted, expected, count * sizeof *sorted);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_median_is_that_of_any_values_in_any_order),
        cmocka_unit_test(a_rise_counts_by_the_log_of_how_far_it_went),
        cmocka_unit_test(a_fall_counts_as_a_fall),
        cmocka_unit_test(a_share_of_the_level_is_the_least_unit),
        cmocka_unit_test(a_single_spike_is_no_change),
        cmocka_unit_test(what_half_of_the_live_rows_reach_is_a_change),
        cmocka_unit_test(what_was_there_just_before_the_onset_is_no_change),
        cmocka_unit_test(a_column_that_does_so_in_health_too_says_little),
        cmocka_unit_test(a_column_without_a_past_has_no_points),
        cmocka_unit_test(gaps_are_no_values),
        cmocka_unit_test(the_onset_is_the_row_from_which_it_stays),
        cmocka_unit_test(the_median_is_of_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
