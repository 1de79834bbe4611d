// Which point of a grid is suggested for a budget.

#include "driver/past/tuning_advice.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { NOW, FARTHER, FARTHEST, LONGER, SOONER, POINTS };

// A rule with fire_after 2 m and a scrape a minute, and five points of its grid, in false alarms a week: as it is 6, at
// twice the limit 3, at four times 1, at a fire_after of 5 m 1, at none 9.
struct grid {
    struct tend_tuning_point points[POINTS];
    struct tend_tuning_rule rule;
};

static const struct tend_tuning_budget one_a_week = { .alarms = 1, .within_ms = INT64_C(604800000) };

static struct tend_tuning_point point(size_t factor, size_t wait, uint32_t alarms)
{
    return (struct tend_tuning_point){
        .factor = factor, .wait = wait, .false_alarms = alarms, .per_budget = alarms, .delay_s = (double)NAN
    };
}

static void make_grid(struct grid *grid)
{
    *grid = (struct grid){ .points = { point(TEND_TUNING_NOW, 0, 6), point(TEND_TUNING_NOW + 2, 0, 3),
                                       point(TEND_TUNING_NOW + 4, 0, 1), point(TEND_TUNING_NOW, 3, 1),
                                       point(TEND_TUNING_NOW, 1, 9) } };
    grid->rule = (struct tend_tuning_rule){ .by_metric = true,
                                            .clear_below = 0.9,
                                            .fire_after_ms = 120000,
                                            .waits_ms = { -1, 0, 60000, 300000 },
                                            .wait_count = 4,
                                            .points = grid->points,
                                            .point_count = POINTS,
                                            .now = NOW };
}

static void without_a_budget_nothing_is_suggested(void **state)
{
    (void)state;
    struct grid grid;
    make_grid(&grid);
    tend_tuning_advise(&grid.rule, &(struct tend_tuning_budget){ 0 }, 0);
    assert_int_equal(grid.rule.advice, TEND_TUNING_NO_BUDGET);
    assert_int_equal(grid.rule.suggested, NOW);
}

static void of_what_fits_the_least_change_is_suggested(void **state)
{
    (void)state;
    struct grid grid;
    make_grid(&grid);
    tend_tuning_advise(&grid.rule, &one_a_week, 0); // 5 m after 2 m is one doubling, four times the limit are two
    assert_int_equal(grid.rule.advice, TEND_TUNING_CHANGE);
    assert_int_equal(grid.rule.suggested, LONGER);
}

static void what_fits_as_it_is_is_kept(void **state)
{
    (void)state;
    struct grid grid;
    make_grid(&grid);
    tend_tuning_advise(&grid.rule, &(struct tend_tuning_budget){ .alarms = 6, .within_ms = one_a_week.within_ms }, 0);
    assert_int_equal(grid.rule.advice, TEND_TUNING_KEEP);
    assert_int_equal(grid.rule.suggested, NOW);
}

static void with_marks_what_finds_more_of_them_is_suggested(void **state)
{
    (void)state;
    struct grid grid;
    make_grid(&grid);
    grid.points[FARTHEST].found = 2;
    grid.points[LONGER].found = 1;
    tend_tuning_advise(&grid.rule, &one_a_week, 2);
    assert_int_equal(grid.rule.suggested, FARTHEST);
}

static void of_those_that_find_as_many_the_soonest_is_suggested(void **state)
{
    (void)state;
    struct grid grid;
    make_grid(&grid);
    grid.points[FARTHEST].found = grid.points[LONGER].found = 2;
    grid.points[FARTHEST].delay_s = 60;
    grid.points[LONGER].delay_s = 240;
    tend_tuning_advise(&grid.rule, &one_a_week, 2);
    assert_int_equal(grid.rule.suggested, FARTHEST);
}

static void more_sensitive_than_now_is_suggested_only_for_what_it_finds(void **state)
{
    (void)state;
    struct grid grid;
    make_grid(&grid);
    const struct tend_tuning_budget many = { .alarms = 100, .within_ms = one_a_week.within_ms };
    grid.points[SOONER].false_alarms = 0;
    tend_tuning_advise(&grid.rule, &many, 0);
    assert_int_equal(grid.rule.suggested, NOW);
    grid.points[SOONER].found = 1;
    tend_tuning_advise(&grid.rule, &many, 1);
    assert_int_equal(grid.rule.suggested, SOONER);
}

static void a_limit_that_two_rules_share_is_left_alone(void **state)
{
    (void)state;
    struct grid grid;
    make_grid(&grid);
    grid.rule.shares = true;
    grid.points[LONGER].per_budget = grid.points[LONGER].false_alarms = 2;
    tend_tuning_advise(&grid.rule, &one_a_week, 0);
    assert_int_equal(grid.rule.advice, TEND_TUNING_NEAREST);
    assert_int_equal(grid.rule.suggested, LONGER);
}

static void one_alarm_that_never_ends_does_not_fit(void **state)
{
    (void)state;
    struct grid grid;
    make_grid(&grid);
    grid.points[LONGER].firing_share = 0.5;
    tend_tuning_advise(&grid.rule, &one_a_week, 0);
    assert_int_equal(grid.rule.suggested, FARTHEST);
    for (size_t i = 0; i < POINTS; i++) {
        grid.points[i].firing_share = 0.5;
    }
    tend_tuning_advise(&grid.rule, &one_a_week, 0);
    assert_int_equal(grid.rule.advice, TEND_TUNING_NEAREST);
    assert_int_equal(grid.rule.suggested, NOW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_budget_nothing_is_suggested),
        cmocka_unit_test(of_what_fits_the_least_change_is_suggested),
        cmocka_unit_test(what_fits_as_it_is_is_kept),
        cmocka_unit_test(with_marks_what_finds_more_of_them_is_suggested),
        cmocka_unit_test(of_those_that_find_as_many_the_soonest_is_suggested),
        cmocka_unit_test(more_sensitive_than_now_is_suggested_only_for_what_it_finds),
        cmocka_unit_test(a_limit_that_two_rules_share_is_left_alone),
        cmocka_unit_test(one_alarm_that_never_ends_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
