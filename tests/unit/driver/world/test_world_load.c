// How much comes at which time of the day.

#include "driver/world/world_load.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HOUR_MS INT64_C(3600000)

static void assert_near(double actual, double expected, double apart)
{
    if (!(fabs(actual - expected) <= apart)) {
        fail_msg("%.12g is not %.12g", actual, expected);
    }
}

// Friday, its top at 15:00.
static struct tend_world_load friday(void)
{
    return (struct tend_world_load){
        .level = 2.0, .swing = 0.5, .peak_min = 15 * 60, .weekend = 0.25, .seed = 3, .midnight_ms = 1000, .weekday = 5
    };
}

static void a_steady_load_is_the_usual_one(void **state)
{
    (void)state;
    const struct tend_world_load load = tend_world_load_steady();
    assert_true(tend_world_load_is_steady(&load));
    assert_near(tend_world_load_at(&load, 123456789), 1.0, 0.0);
}

static void a_day_has_a_top_a_bottom_and_a_mean(void **state)
{
    (void)state;
    const struct tend_world_load load = friday();
    assert_false(tend_world_load_is_steady(&load));
    assert_near(tend_world_load_at(&load, 1000 + 15 * HOUR_MS), 3.0, 1e-9); // 2 × 1.5
    assert_near(tend_world_load_at(&load, 1000 + 3 * HOUR_MS), 1.0, 1e-9);  // 2 × 0.5
    assert_near(tend_world_load_at(&load, 1000 + 9 * HOUR_MS), 2.0, 1e-9);
}

static void a_weekend_is_less(void **state)
{
    (void)state;
    const struct tend_world_load load = friday();
    assert_near(tend_world_load_at(&load, 1000 + 39 * HOUR_MS), 0.75, 1e-9);        // Saturday
    assert_near(tend_world_load_at(&load, 1000 + (39 + 24) * HOUR_MS), 0.75, 1e-9); // Sunday
    assert_near(tend_world_load_at(&load, 1000 + (39 + 48) * HOUR_MS), 3.0, 1e-9);
}

static void noise_has_the_size_that_was_asked_for_and_is_the_same_each_time(void **state)
{
    (void)state;
    struct tend_world_load load = { .level = 1.0, .weekend = 1.0, .noise = 0.1, .seed = 11 };
    double sum = 0.0;
    double squares = 0.0;
    const int count = 20000;
    for (int i = 0; i < count; i++) { // at full minutes, where it is not between two numbers
        const double apart = tend_world_load_at(&load, i * INT64_C(60000)) - 1.0;
        sum += apart;
        squares += apart * apart;
    }
    assert_near(sum / count, 0.0, 0.003);
    assert_near(sqrt(squares / count), 0.1, 0.003);
    const double before = tend_world_load_at(&load, 90000);
    assert_near(tend_world_load_at(&load, 90000), before, 0.0);
    load.seed = 12;
    assert_true(fabs(tend_world_load_at(&load, 90000) - before) > 1e-6);
}

static void load_is_never_negative(void **state)
{
    (void)state;
    const struct tend_world_load load = { .level = 1.0, .swing = 1.0, .weekend = 1.0, .noise = 1.0, .seed = 5 };
    for (int i = 0; i < 5000; i++) {
        assert_true(tend_world_load_at(&load, i * INT64_C(30000)) >= 0.0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_steady_load_is_the_usual_one),
        cmocka_unit_test(a_day_has_a_top_a_bottom_and_a_mean),
        cmocka_unit_test(a_weekend_is_less),
        cmocka_unit_test(noise_has_the_size_that_was_asked_for_and_is_the_same_each_time),
        cmocka_unit_test(load_is_never_negative),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
