// When a column left what it was, and in which shape.

#include "locate/change.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { ROWS = 60, HEALTHY = 30, LIVE = 36 }; // a row a second, from 0 ms on

static const struct tend_evidence_rows rows = { .healthy = HEALTHY, .recent = 4, .live = LIVE, .rows = ROWS };
static const struct tend_evidence_floor floor_of_one = { .share = 0, .absolute = 1 };

static struct tend_change change_of(const double *values)
{
    int64_t at_ms[ROWS];
    for (int i = 0; i < ROWS; i++) {
        at_ms[i] = i * INT64_C(1000);
    }
    struct tend_evidence_scratch scratch;
    assert_int_equal(tend_evidence_scratch_init(&scratch, ROWS), TEND_OK);
    const struct tend_evidence evidence = tend_evidence_of(values, &rows, &floor_of_one, &scratch);
    tend_evidence_scratch_clear(&scratch);
    return tend_change_of(values, at_ms, &rows, &evidence, 2000);
}

static void a_step_is_found_where_it_was_even_before_the_first_symptom(void **state)
{
    (void)state;
    double values[ROWS];
    for (int i = 0; i < ROWS; i++) {
        values[i] = i < 32 ? 10 : 100;
    }
    const struct tend_change change = change_of(values);
    assert_true(change.found);
    assert_int_equal(change.onset_ms, 32000); // 4 s before row 36
    assert_int_equal(change.within_ms, 1000);
    assert_int_equal(change.shape, TEND_CHANGE_STEP);
}

// It grows by 5 a row from row 30 on: 4 units of noise, which are 4, are left behind with the first of them.
static void a_ramp_begins_where_it_left_the_noise(void **state)
{
    (void)state;
    double values[ROWS];
    for (int i = 0; i < ROWS; i++) {
        values[i] = i < 30 ? 10 : 10 + 5 * (i - 29);
    }
    const struct tend_change change = change_of(values);
    assert_true(change.found);
    assert_int_equal(change.onset_ms, 30000);
    assert_int_equal(change.shape, TEND_CHANGE_RAMP);
}

static void what_is_mostly_back_is_a_spike(void **state)
{
    (void)state;
    double values[ROWS];
    for (int i = 0; i < ROWS; i++) {
        values[i] = i < LIVE ? 10 : i < 50 ? 100 : 15;
    }
    const struct tend_change change = change_of(values);
    assert_true(change.found);
    assert_int_equal(change.onset_ms, LIVE * 1000);
    assert_int_equal(change.shape, TEND_CHANGE_SPIKE);
}

static void gaps_make_the_onset_less_certain(void **state)
{
    (void)state;
    double values[ROWS];
    for (int i = 0; i < ROWS; i++) {
        values[i] = i < 32 ? 10 : i < 38 ? (double)NAN : 100;
    }
    const struct tend_change change = change_of(values);
    assert_int_equal(change.onset_ms, 38000);
    assert_int_equal(change.within_ms, 7000); // from the last row that has a value, 31
}

static void what_did_not_change_has_no_onset(void **state)
{
    (void)state;
    double values[ROWS];
    for (int i = 0; i < ROWS; i++) {
        values[i] = 10;
    }
    assert_false(change_of(values).found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_is_found_where_it_was_even_before_the_first_symptom),
        cmocka_unit_test(a_ramp_begins_where_it_left_the_noise),
        cmocka_unit_test(what_is_mostly_back_is_a_spike),
        cmocka_unit_test(gaps_make_the_onset_less_certain),
        cmocka_unit_test(what_did_not_change_has_no_onset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
