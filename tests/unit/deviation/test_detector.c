// Facts about the detector of what is unusual.

#include "deviation/detector.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "seeded_random.h"

enum { MINUTES_5 = 300, DAY = 288 }; // seconds, samples

static int setup(void **state)
{
    struct tend_detector *detector;
    seed_random(3);
    if (tend_detector_create(&detector) != TEND_OK) {
        return -1;
    }
    *state = detector;
    return 0;
}

static int teardown(void **state)
{
    tend_detector_destroy(*state);
    return 0;
}

static double noise(void)
{
    return random_share() + random_share() + random_share() - 1.5;
}

// Load as a day has it: low at night, with noise.
static double day_shape(int sample)
{
    return 100 - 40 * cos(2 * M_PI * sample / DAY) + 3 * noise();
}

static struct tend_detection push(struct tend_detector *detector, int sample, double value)
{
    return tend_detector_push(detector, (int64_t)sample * MINUTES_5, value);
}

static int alarms_in_days(struct tend_detector *detector, int from_day, int until_day)
{
    int alarms = 0;
    for (int i = from_day * DAY; i < until_day * DAY; i++) {
        alarms += push(detector, i, day_shape(i)).a >= 1;
    }
    return alarms;
}

static void a_detector_fits_in_four_kilobytes(void **state)
{
    (void)state;
    assert_true(tend_detector_bytes() <= 4096);
}

static void a_constant_raises_nothing(void **state)
{
    for (int i = 0; i < 3000; i++) {
        assert_true(push(*state, i, 42).a < 1);
    }
}

static void once_two_days_were_seen_days_raise_nothing(void **state)
{
    assert_in_range(alarms_in_days(*state, 0, 2), 0, 16); // it has not seen a night, nor a morning
    assert_int_equal(alarms_in_days(*state, 2, 21), 0);
}

static void a_level_that_doubles_is_found_at_once(void **state)
{
    (void)alarms_in_days(*state, 0, 14);
    bool found = false;
    for (int i = 14 * DAY; i < 14 * DAY + 6; i++) {
        found = found || push(*state, i, 2 * day_shape(i)).a >= 1;
    }
    assert_true(found);
}

static void an_incident_alarms_once(void **state)
{
    (void)alarms_in_days(*state, 0, 14);
    int alarms = 0;
    for (int i = 14 * DAY; i < 14 * DAY + 48; i++) {
        alarms += push(*state, i, 500).a >= 1;
    }
    assert_in_range(alarms, 1, 3);
}

static void a_day_that_stays_flat_is_found_by_what_is_usual_at_its_hours(void **state)
{
    (void)alarms_in_days(*state, 0, 14);
    bool found = false;
    for (int i = 14 * DAY; i < 15 * DAY; i++) {
        const struct tend_detection detection = push(*state, i, 60 + 3 * noise()); // as at midnight
        found = found || detection.a >= 1;
    }
    assert_true(found);
}

static void no_data_is_no_answer_and_teaches_nothing(void **state)
{
    (void)alarms_in_days(*state, 0, 3);
    struct tend_detector *other;
    assert_int_equal(tend_detector_create(&other), TEND_OK);
    seed_random(3);
    (void)alarms_in_days(other, 0, 3);
    assert_true(isnan(push(*state, 3 * DAY, NAN).a));
    assert_true(isnan(push(*state, 3 * DAY, INFINITY).a));
    for (int i = 3 * DAY; i < 4 * DAY; i++) {
        const double value = day_shape(i);
        assert_true(push(*state, i, value).a == push(other, i, value).a);
    }
    tend_detector_destroy(other);
}

static void one_wild_value_hides_nothing_that_comes_after_it(void **state)
{
    static const double wild[3] = { 1e20, -1e300, 1.7e308 };
    for (int w = 0; w < 3; w++) {
        (void)teardown(state);
        (void)setup(state);
        (void)alarms_in_days(*state, 0, 10);
        assert_true(push(*state, 10 * DAY, wild[w]).a >= 1);
        assert_true(push(*state, 10 * DAY + 1, wild[w]).a == 0); // told once
        for (int i = 10 * DAY + 2; i < 12 * DAY; i++) {
            const bool has_none = isnan(push(*state, i, day_shape(i)).a);
            assert_false(has_none);
        }
        bool found = false;
        for (int i = 12 * DAY; i < 12 * DAY + 6; i++) {
            found = found || push(*state, i, 3 * day_shape(i)).a >= 1;
        }
        assert_true(found);
    }
}

static void a_level_far_beyond_all_before_is_learned_when_it_stays(void **state)
{
    (void)alarms_in_days(*state, 0, 10);
    for (int i = 10 * DAY; i < 20 * DAY; i++) {
        (void)push(*state, i, 1e6 + day_shape(i));
    }
    int alarms = 0;
    for (int i = 20 * DAY; i < 21 * DAY; i++) {
        alarms += push(*state, i, 1e6 + day_shape(i)).a >= 1;
    }
    assert_int_equal(alarms, 0);
}

static void another_unit_gives_the_same_a_to_the_bit(void **state)
{
    struct tend_detector *other;
    assert_int_equal(tend_detector_create(&other), TEND_OK);
    for (int i = 0; i < 10 * DAY; i++) {
        const double value = i % 700 == 699 ? 400 : day_shape(i);
        assert_true(push(*state, i, value).a == push(other, i, value * 1024).a);
    }
    tend_detector_destroy(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_detector_fits_in_four_kilobytes),
        cmocka_unit_test_setup_teardown(a_constant_raises_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(once_two_days_were_seen_days_raise_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_level_that_doubles_is_found_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(an_incident_alarms_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_day_that_stays_flat_is_found_by_what_is_usual_at_its_hours, setup, teardown),
        cmocka_unit_test_setup_teardown(no_data_is_no_answer_and_teaches_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(one_wild_value_hides_nothing_that_comes_after_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_level_far_beyond_all_before_is_learned_when_it_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(another_unit_gives_the_same_a_to_the_bit, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
