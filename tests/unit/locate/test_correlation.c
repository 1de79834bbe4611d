// Whether one metric moves as another one does, and how far ahead.

#include "locate/correlation.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { ROWS = 24, EVERY_MS = 5000 };

static int64_t times[ROWS];

static struct tend_correlation correlate(const double *first, const double *second, size_t rows)
{
    for (size_t i = 0; i < ROWS; i++) {
        times[i] = (int64_t)i * EVERY_MS;
    }
    const struct tend_correlation_grid grid = { .last_ms = times[rows - 1], .every_ms = EVERY_MS, .rows = rows };
    struct tend_correlation_ranks ranks[2];
    const struct tend_correlation_trace traces[2] = { { .at_ms = times, .values = first, .rows = rows },
                                                      { .at_ms = times, .values = second, .rows = rows } };
    tend_correlation_rank(&traces[0], &grid, &ranks[0]);
    tend_correlation_rank(&traces[1], &grid, &ranks[1]);
    return tend_correlation_of(&ranks[0], &ranks[1], &grid);
}

// 12 rows leave no room for a lag. Of n ranks without ties it is 1 - 6 Σd² / (n (n² - 1)) = 1 - 72 / 1716.
static void it_is_the_rank_correlation(void **state)
{
    (void)state;
    const double first[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 1000 };
    const double second[] = { 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11 };
    const struct tend_correlation correlation = correlate(first, second, 12);
    assert_true(correlation.found);
    assert_true(fabs(correlation.value - (1 - 72.0 / 1716)) < 1e-9);
    assert_int_equal(correlation.lag_ms, 0);
    assert_int_equal(correlation.common, 12);
}

// Ranks of the first are 3.5 six times and 9.5 six times: Σxy = 108, Σxx = 108, Σyy = 143.
static void ties_share_a_rank(void **state)
{
    (void)state;
    const double first[] = { 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2 };
    const double second[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
    assert_true(fabs(correlate(first, second, 12).value - (sqrt(108.0 / 143))) < 1e-9);
}

static void fill_step(double *values, int row)
{
    for (int i = 0; i < ROWS; i++) {
        values[i] = i < row ? 10 : 90;
    }
}

static void what_moved_first_is_ahead(void **state)
{
    (void)state;
    double first[ROWS], second[ROWS];
    fill_step(first, 12);
    fill_step(second, 15);
    const struct tend_correlation ahead = correlate(first, second, ROWS);
    assert_true(fabs(ahead.value - 1) < 1e-9);
    assert_int_equal(ahead.lag_ms, 3 * EVERY_MS);
    assert_int_equal(ahead.common, ROWS - 3);
    assert_int_equal(correlate(second, first, ROWS).lag_ms, -3 * EVERY_MS);
}

static void what_falls_as_the_other_one_rises_moves_against_it(void **state)
{
    (void)state;
    double first[ROWS], second[ROWS];
    fill_step(first, 12);
    for (int i = 0; i < ROWS; i++) {
        second[i] = i < 12 ? 5 : 1;
    }
    assert_true(fabs(correlate(first, second, ROWS).value + 1) < 1e-9);
}

static void of_nearly_equal_lags_the_shortest_is_told(void **state)
{
    (void)state;
    double first[ROWS], second[ROWS];
    for (int i = 0; i < ROWS; i++) {
        first[i] = second[i] = i; // as alike at every lag
    }
    assert_int_equal(correlate(first, second, ROWS).lag_ms, 0);
}

static void what_does_not_move_or_is_hardly_known_says_nothing(void **state)
{
    (void)state;
    double first[ROWS], second[ROWS];
    fill_step(first, 12);
    for (int i = 0; i < ROWS; i++) {
        second[i] = 7;
    }
    assert_false(correlate(first, second, ROWS).found);
    fill_step(second, 12);
    for (int i = 0; i < 13; i++) {
        second[i] = (double)NAN;
    }
    assert_false(correlate(first, second, ROWS).found);
}

// Rows at 0, 5, 10 s; a grid of 4 s: at 8 s the value of 5 s, at 20 s and 24 s none, as 10 s is 8 s and more away.
static void a_value_stands_for_less_than_two_rows(void **state)
{
    (void)state;
    const int64_t at_ms[] = { 0, 5000, 10000 };
    const double values[] = { 1, 2, 3 };
    const struct tend_correlation_trace trace = { .at_ms = at_ms, .values = values, .rows = 3 };
    const struct tend_correlation_grid grid = { .last_ms = 24000, .every_ms = 4000, .rows = 8 };
    struct tend_correlation_ranks ranks;
    tend_correlation_rank(&trace, &grid, &ranks); // at -4 s none, then 1 1 2 3 3, none, none
    assert_int_equal(ranks.known, 5);
    assert_true(isnan(ranks.ranks[0]) && isnan(ranks.ranks[6]) && isnan(ranks.ranks[7]));
    assert_true(fabs(ranks.ranks[1] + 1.5) < 1e-9); // places 0 and 1 of 0 to 4, less 2
    assert_true(fabs(ranks.ranks[3] - 0) < 1e-9);
    assert_true(fabs(ranks.ranks[5] - 1.5) < 1e-9);
}

static void as_many_rows_lie_before_the_onset_as_after_it(void **state)
{
    (void)state;
    assert_int_equal(tend_correlation_grid_of(100000, 105000, EVERY_MS).rows, 0); // two rows are too few
    const struct tend_correlation_grid young = tend_correlation_grid_of(100000, 120000, EVERY_MS);
    assert_int_equal(young.rows, 5 + 12); // 12 at the least
    assert_int_equal(young.last_ms, 120000);
    assert_int_equal(tend_correlation_grid_of(100000, 195000, EVERY_MS).rows, 20 + 20);
    const struct tend_correlation_grid old = tend_correlation_grid_of(100000, 1000000, EVERY_MS);
    assert_int_equal(old.rows, TEND_CORRELATION_ROWS);
    assert_int_equal(old.last_ms, 100000 + 23 * EVERY_MS);
    assert_int_equal(tend_correlation_grid_of(100000, 90000, EVERY_MS).rows, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_rank_correlation),
        cmocka_unit_test(ties_share_a_rank),
        cmocka_unit_test(what_moved_first_is_ahead),
        cmocka_unit_test(what_falls_as_the_other_one_rises_moves_against_it),
        cmocka_unit_test(of_nearly_equal_lags_the_shortest_is_told),
        cmocka_unit_test(what_does_not_move_or_is_hardly_known_says_nothing),
        cmocka_unit_test(a_value_stands_for_less_than_two_rows),
        cmocka_unit_test(as_many_rows_lie_before_the_onset_as_after_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
