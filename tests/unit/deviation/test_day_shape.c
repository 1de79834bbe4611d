// Facts about the shape of days: what creeps up under a daily swing is foretold, and a swing alone is not.

#include "deviation/day_shape.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "seeded_random.h"

enum { PER_HOUR = 4 };
static const double HOUR_MS = 3600000;

// 20 by night, 60 from 9 to 17, half of the way up at 8 and down at 18.
static double office(int hour)
{
    const int of_day = hour % 24;
    return of_day < 8 || of_day > 18 ? 20 : of_day == 8 || of_day == 18 ? 40 : 60;
}

// `hours` of the office, each day `rise` higher than the one before, from the hour after @p from on.
static void push_days(struct tend_day_shape *shape, int from, int hours, double rise, double noise)
{
    for (int i = from * PER_HOUR; i < (from + hours) * PER_HOUR; i++) {
        const double value = office(i / PER_HOUR) + rise * (i / (24.0 * PER_HOUR)) + noise * (random_share() - 0.5);
        tend_day_shape_push(shape, (int64_t)(i * HOUR_MS / PER_HOUR), value);
    }
}

static void what_creeps_up_under_a_swing_is_foretold(void **state)
{
    (void)state;
    struct tend_day_shape shape = { .held = 0 };
    seed_random(1);
    // Seven in the morning of the fourth day: at nine it will be 60 and ten more than on the first, and the day before
    // it was at most 60 + 10 / 3 * 2.7 = 69.
    push_days(&shape, 0, 72 + 7, 10 / 3.0, 0.2);
    struct tend_day_crossing crossing;
    assert_true(tend_day_shape_foretell(&shape, (72 + 7) * HOUR_MS, 70.5, &crossing));
    assert_true(crossing.cross_ms > (72 + 8) * HOUR_MS && crossing.cross_ms < (72 + 10) * HOUR_MS);
    assert_true(crossing.least_ms <= crossing.cross_ms && crossing.cross_ms <= crossing.most_ms);
    assert_true(fabs(crossing.rise_per_ms * 24 * HOUR_MS - 10 / 3.0) < 0.2);
    assert_false(tend_day_shape_foretell(&shape, (72 + 7) * HOUR_MS, 80, &crossing)); // not within a day
}

static void a_swing_that_stays_is_not(void **state)
{
    (void)state;
    struct tend_day_shape shape = { .held = 0 };
    seed_random(2);
    for (int hour = 0; hour < 20 * 24; hour++) {
        push_days(&shape, hour, 1, 0, 0.2);
        struct tend_day_crossing crossing;
        assert_false(tend_day_shape_foretell(&shape, (hour + 1) * HOUR_MS, 60.05, &crossing));
    }
}

static void one_day_above_the_other_is_no_rise(void **state)
{
    (void)state;
    struct tend_day_shape shape = { .held = 0 };
    seed_random(3);
    for (int hour = 0; hour < 6 * 24; hour++) { // two days of a weekend, then days that are 20 higher
        const double value = office(hour) + (hour < 48 ? 0 : 20) + 0.1 * random_share();
        tend_day_shape_push(&shape, (int64_t)(hour * HOUR_MS), value);
        struct tend_day_crossing crossing;
        assert_false(tend_day_shape_foretell(&shape, hour * HOUR_MS, 81, &crossing));
    }
}

static void it_takes_three_days(void **state)
{
    (void)state;
    struct tend_day_shape shape = { .held = 0 };
    struct tend_day_crossing crossing;
    seed_random(4);
    push_days(&shape, 0, 72, 5, 0);
    assert_false(tend_day_shape_foretell(&shape, 72 * HOUR_MS, 71, &crossing));
    push_days(&shape, 72, 1, 5, 0); // the 72nd hour is whole only now
    assert_true(tend_day_shape_foretell(&shape, 73 * HOUR_MS, 71, &crossing));
}

static void days_with_gaps_foretell_nothing(void **state)
{
    (void)state;
    struct tend_day_shape shape = { .held = 0 };
    struct tend_day_crossing crossing;
    seed_random(5);
    push_days(&shape, 0, 60, 5, 0);
    push_days(&shape, 68, 6, 5, 0);
    assert_false(tend_day_shape_foretell(&shape, 74 * HOUR_MS, 71, &crossing));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_creeps_up_under_a_swing_is_foretold), cmocka_unit_test(a_swing_that_stays_is_not),
        cmocka_unit_test(one_day_above_the_other_is_no_rise),       cmocka_unit_test(it_takes_three_days),
        cmocka_unit_test(days_with_gaps_foretell_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
