// Facts about row windows.

#include "series/missing.h"
#include "series/row_window.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "seeded_random.h"

static int setup(void **state)
{
    struct tend_row_window *window = NULL;
    if (tend_row_window_create(2, 1, &window) != TEND_OK) {
        return -1;
    }
    *state = window;
    return 0;
}

static int teardown(void **state)
{
    tend_row_window_destroy(*state);
    return 0;
}

static void push_into_a_full_window_drops_the_oldest(void **state)
{
    struct tend_row_window *window = *state; // 2 rows of 1 column, from the setup function
    for (int i = 1; i <= 3; i++) {
        const double value = i;
        assert_int_equal(tend_row_window_push(window, i * INT64_C(1000), &value), TEND_OK);
    }
    double mean;
    tend_row_window_means(window, 0, 3000, &mean);
    assert_true(mean == 2.5); // exact: small integers
    assert_int_equal(tend_row_window_count(window), 2);
}

static void means_of_nothing_are_no_data(void **state)
{
    struct tend_row_window *window = *state;
    double mean = 0;
    tend_row_window_means(window, 0, 3000, &mean);
    assert_true(isnan(mean));
    const double nan_value = TEND_NO_DATA;
    assert_int_equal(tend_row_window_push(window, 1, &nan_value), TEND_OK);
    tend_row_window_means(window, 0, 3000, &mean);
    assert_true(isnan(mean));
}

static void a_mean_takes_rows_after_and_until(void **state)
{
    struct tend_row_window *window = *state;
    const double values[] = { 1, 5 };
    assert_int_equal(tend_row_window_push(window, 1000, &values[0]), TEND_OK);
    assert_int_equal(tend_row_window_push(window, 2000, &values[1]), TEND_OK);
    double mean;
    tend_row_window_means(window, 1000, 2000, &mean);
    assert_true(mean == 5);
    tend_row_window_means(window, 999, 1999, &mean);
    assert_true(mean == 1);
}

static void a_row_that_is_not_newer_is_refused(void **state)
{
    struct tend_row_window *window = *state;
    const double value = 1;
    assert_int_equal(tend_row_window_push(window, 1000, &value), TEND_OK);
    assert_int_equal(tend_row_window_push(window, 1000, &value), TEND_E_OUT_OF_ORDER);
    assert_int_equal(tend_row_window_push(window, 999, &value), TEND_E_OUT_OF_ORDER);
    assert_int_equal(tend_row_window_count(window), 1);
}

static void create_refuses_windows_without_rows_or_columns(void **state)
{
    (void)state;
    struct tend_row_window *window = NULL;
    assert_int_equal(tend_row_window_create(0, 1, &window), TEND_E_INVALID);
    assert_int_equal(tend_row_window_create(1, 0, &window), TEND_E_INVALID);
    assert_int_equal(tend_row_window_create(1U << 20, SIZE_MAX / 8, &window), TEND_E_INVALID);
    assert_null(window);
    tend_row_window_destroy(NULL);
}

enum { ROWS = 7, COLUMNS = 3, PUSHES = 500 };

struct array {
    int64_t at_ms[PUSHES];
    double values[PUSHES][COLUMNS];
};

// The mean of one column over the newest ROWS rows up to this one, read slowly.
static double plain_mean(const struct array *all, int newest, int column, int64_t after_ms, int64_t until_ms)
{
    double sum = 0;
    int count = 0;
    for (int r = newest < ROWS ? 0 : newest - ROWS + 1; r <= newest; r++) {
        const double value = all->values[r][column];
        if (all->at_ms[r] > after_ms && all->at_ms[r] <= until_ms && !isnan(value)) {
            sum += value;
            count++;
        }
    }
    return count == 0 ? TEND_NO_DATA : sum / count;
}

// The ring against an array that keeps everything.
static void a_window_agrees_with_an_array(void **state)
{
    (void)state;
    seed_random(20260302);
    static struct array all;
    struct tend_row_window *window = NULL;
    assert_int_equal(tend_row_window_create(ROWS, COLUMNS, &window), TEND_OK);
    int64_t at_ms = -100;
    for (int i = 0; i < PUSHES; i++) {
        at_ms += 1 + random_below(20);
        all.at_ms[i] = at_ms;
        for (int c = 0; c < COLUMNS; c++) {
            all.values[i][c] = random_below(5) == 0 ? TEND_NO_DATA : random_below(1000000) / 1000.0;
        }
        assert_int_equal(tend_row_window_push(window, at_ms, all.values[i]), TEND_OK);
        const int64_t after_ms = at_ms - random_below(100);
        const int64_t until_ms = at_ms - random_below(30);
        double means[COLUMNS];
        tend_row_window_means(window, after_ms, until_ms, means);
        for (int c = 0; c < COLUMNS; c++) {
            const double expected = plain_mean(&all, i, c, after_ms, until_ms);
            assert_true(means[c] == expected || (isnan(means[c]) && isnan(expected)));
        }
        int64_t newest_ms = 0;
        const double *newest = tend_row_window_row(window, tend_row_window_count(window) - 1, &newest_ms);
        assert_memory_equal(newest, all.values[i], sizeof all.values[i]);
        assert_int_equal(newest_ms, at_ms);
    }
    tend_row_window_destroy(window);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(push_into_a_full_window_drops_the_oldest, setup, teardown),
        cmocka_unit_test_setup_teardown(means_of_nothing_are_no_data, setup, teardown),
        cmocka_unit_test_setup_teardown(a_mean_takes_rows_after_and_until, setup, teardown),
        cmocka_unit_test_setup_teardown(a_row_that_is_not_newer_is_refused, setup, teardown),
        cmocka_unit_test(create_refuses_windows_without_rows_or_columns),
        cmocka_unit_test(a_window_agrees_with_an_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
