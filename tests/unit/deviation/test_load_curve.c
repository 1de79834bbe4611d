// Facts about the load curve: what a metric usually is at each size of another one.

#include "deviation/load_curve.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "seeded_random.h"

enum { MINUTE = 60, HALF_DAY = 12 * 3600 };

static double noise(void)
{
    return random_share() + random_share() + random_share() - 1.5;
}

static bool is_near(double seen, double right, double most)
{
    return fabs(seen - right) <= most;
}

static void meet(struct tend_load_curve *curve, double load, int64_t wall_s, int times, double value)
{
    for (int i = 0; i < times; i++) {
        tend_load_curve_learn(curve, load, wall_s + (int64_t)i * MINUTE, value, 0);
    }
}

/// Three times, half a day apart: trusted.
static void teach(struct tend_load_curve *curve, double load, double value)
{
    for (int64_t i = 0; i < 3; i++) {
        meet(curve, load, i * HALF_DAY, 15, value);
    }
}

static bool is_nothing(const struct tend_load_curve *curve, double load)
{
    return isnan(tend_load_curve_at(curve, load).e);
}

// Bins begin at 64 · 2^(i/4): 64, 76.1, 90.5, 107.6, 128.
static void between_two_loads_e_lies_on_the_line(void **state)
{
    (void)state;
    struct tend_load_curve curve = { 0 };
    teach(&curve, 64, 10);
    teach(&curve, 128, 30);
    // The mean place of 45 values at the beginning of a bin, after the first three were taken for its middle:
    // 0.5 · 3/4 · 4/5 · … · 44/45 = 0.5 · 3/45.
    const double at = 0.5 * 3 / 45;
    // 90.5097 begins the bin that is the second after: 2 bins from the one mean place less at, of 4 in all.
    assert_true(is_near(tend_load_curve_at(&curve, 64 * sqrt(2) * (1 + 1e-15)).e, 10 + 20 * (2 - at) / 4, 1e-4));
    assert_true(tend_load_curve_at(&curve, 100).trusted);
    // It goes on for half a bin; 60 is in the one before, which is as wide as 64 less 64 / 2^(1/4).
    assert_true(is_near(tend_load_curve_at(&curve, 64).e, 10 - 5 * at, 1e-4));
    assert_true(is_near(tend_load_curve_at(&curve, 60).e, 10 - 5 * (at + 4 / (64 - 64 / exp2(0.25))), 1e-4));
}

static void a_load_that_was_never_met_gives_nothing(void **state)
{
    (void)state;
    struct tend_load_curve curve = { 0 };
    assert_true(is_nothing(&curve, 64));
    teach(&curve, 70, 10);
    assert_true(is_near(tend_load_curve_at(&curve, 70).e, 10, 1e-6));
    // Its bin is 64 to 76.1; half a bin on either side is up to 58.7 (59.8 on the line) and 83.2 (83.3).
    assert_true(is_near(tend_load_curve_at(&curve, 83).e, 10, 1e-6));
    assert_true(is_nothing(&curve, 84));
    assert_true(is_near(tend_load_curve_at(&curve, 60.5).e, 10, 1e-6));
    assert_true(is_nothing(&curve, 58));
    assert_true(is_nothing(&curve, 64e9) && is_nothing(&curve, 64e-9));
    const double none[] = { 0, -70, (double)NAN, (double)INFINITY, -(double)INFINITY };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        const struct tend_load_curve before = curve;
        tend_load_curve_learn(&curve, none[i], HALF_DAY, 1000, 0);
        tend_load_curve_learn(&curve, 70, HALF_DAY, -1e300, 0); // a float holds no such value
        assert_true(is_nothing(&curve, none[i]));
        assert_memory_equal(&before, &curve, sizeof curve);
    }
}

static void a_gap_of_more_than_a_doubling_is_not_guessed(void **state)
{
    (void)state;
    struct tend_load_curve curve = { 0 };
    teach(&curve, 70, 10);
    teach(&curve, 260, 30); // its bin is 256 to 304.4; half a bin before it begins at 235
    assert_true(is_nothing(&curve, 140));
    assert_true(is_near(tend_load_curve_at(&curve, 240).e, 30, 1e-6));
    teach(&curve, 140, 20);
    assert_true(tend_load_curve_at(&curve, 100).e > 10 && tend_load_curve_at(&curve, 100).e < 20);
    assert_true(tend_load_curve_at(&curve, 200).e > 20 && tend_load_curve_at(&curve, 200).e < 30);
}

static void one_burst_is_not_trusted(void **state)
{
    (void)state;
    struct tend_load_curve curve = { 0 };
    meet(&curve, 70, 0, 9, 10);
    assert_true(is_nothing(&curve, 70));
    meet(&curve, 70, INT64_C(9) * MINUTE, 291, 10);
    assert_false(is_nothing(&curve, 70));
    assert_false(tend_load_curve_at(&curve, 70).trusted);
    assert_true(tend_load_curve_known(&curve) == 0);
    meet(&curve, 70, HALF_DAY, 1, 10);
    assert_false(tend_load_curve_at(&curve, 70).trusted);
    meet(&curve, 70, INT64_C(2) * HALF_DAY, 1, 10);
    assert_true(tend_load_curve_at(&curve, 70).trusted);
    assert_true(is_near(tend_load_curve_known(&curve), 0.5, 1e-12)); // three visits of six
}

// A burst beside what is trusted leaves that as it is.
static void a_burst_beside_it_changes_nothing_of_what_is_trusted(void **state)
{
    (void)state;
    struct tend_load_curve curve = { 0 };
    teach(&curve, 70, 10);
    meet(&curve, 140, INT64_C(3) * HALF_DAY, 300, 50);
    assert_true(is_near(tend_load_curve_at(&curve, 75).e, 10, 1e-6));
    assert_true(tend_load_curve_at(&curve, 75).trusted && !tend_load_curve_at(&curve, 140).trusted);
}

static void an_outlier_teaches_little_even_among_the_first(void **state)
{
    (void)state;
    seed_random(7);
    for (int which = 0; which < 40; which++) {
        struct tend_load_curve curve = { 0 };
        for (int i = 0; i < 40; i++) {
            tend_load_curve_learn(&curve, 70, (int64_t)i * HALF_DAY, i == which ? 10000 : 10 + noise(), 0);
        }
        assert_true(is_near(tend_load_curve_at(&curve, 70).e, 10, 0.6)); // the noise is 0.5, its mean of 40 is 0.08
    }
}

static void another_unit_changes_nothing_to_the_bit(void **state)
{
    (void)state;
    struct tend_load_curve curve = { 0 };
    struct tend_load_curve other = { 0 };
    seed_random(11);
    for (int i = 0; i < 5000; i++) {
        const double load = 100 * exp2(3 * random_share());
        const double value = 10 + 0.1 * load + noise();
        tend_load_curve_learn(&curve, load, (int64_t)i * 600, value, 3);
        tend_load_curve_learn(&other, load * 1024, (int64_t)i * 600, value * 1024, 3 * 1024);
    }
    for (int load = 80; load < 900; load += 7) {
        const struct tend_load_expected one = tend_load_curve_at(&curve, load);
        const struct tend_load_expected two = tend_load_curve_at(&other, load * 1024.0);
        assert_true(isnan(one.e) ? isnan(two.e) : one.e * 1024 == two.e);
        assert_int_equal(one.trusted, two.trusted);
    }
}

// A queue's time is 1 / (1 - load / 1000) · 10: 11 at 100, 20 at 500, 50 at 800.
static void a_curve_is_followed_within_the_noise(void **state)
{
    (void)state;
    struct tend_load_curve curve = { 0 };
    seed_random(3);
    for (int i = 0; i < 7 * 1440; i++) {
        const double load = 450 - 350 * cos(2 * M_PI * i / 1440);
        tend_load_curve_learn(&curve, load, (int64_t)i * MINUTE, 10 / (1 - load / 1000) + noise(), 0);
    }
    const double loads[] = { 101, 150, 300, 500, 700, 795 };
    for (size_t i = 0; i < sizeof loads / sizeof loads[0]; i++) {
        const double right = 10 / (1 - loads[i] / 1000);
        const struct tend_load_expected seen = tend_load_curve_at(&curve, loads[i]);
        assert_true(seen.trusted);
        assert_true(is_near(seen.e, right, 0.06 * right));
    }
    assert_true(tend_load_curve_known(&curve) == 1);
}

// Twelve octaves: what is trusted is not given up for a load beyond them, what was met once is.
static void stretched_all_of_it_is(void **state)
{
    (void)state;
    struct tend_load_curve curve = { 0 };
    teach(&curve, 64, 10);
    teach(&curve, 128, 30);
    meet(&curve, 512, 0, 2, 40); // one more, and it is the median of three
    const double low = tend_load_curve_at(&curve, 64).e;
    const double between = tend_load_curve_at(&curve, 90).e;
    tend_load_curve_stretch(&curve, 1.5);
    assert_true(is_near(tend_load_curve_at(&curve, 64).e, 1.5 * low, 1e-5));
    assert_true(is_near(tend_load_curve_at(&curve, 90).e, 1.5 * between, 1e-5));
    meet(&curve, 512, 2 * MINUTE, 9, 60);
    assert_true(tend_load_curve_at(&curve, 512).e == 60);
    tend_load_curve_stretch(&curve, 1e38); // what floats do not hold
    assert_true(isfinite(tend_load_curve_at(&curve, 64).e));
}

static void a_stray_load_does_not_push_out_what_is_known(void **state)
{
    (void)state;
    struct tend_load_curve curve = { 0 };
    meet(&curve, 1e-6, 0, 1, 10);
    teach(&curve, 70, 10);
    meet(&curve, 1e12, INT64_C(3) * HALF_DAY, 100, 99);
    meet(&curve, 1e-12, INT64_C(3) * HALF_DAY, 100, 99);
    assert_true(is_near(tend_load_curve_at(&curve, 70).e, 10, 1e-6));
    assert_true(is_nothing(&curve, 1e12) && is_nothing(&curve, 1e-12) && is_nothing(&curve, 1e-6));
}

static void what_is_saved_is_loaded_and_what_is_damaged_is_refused(void **state)
{
    (void)state;
    struct tend_load_curve curve = { 0 };
    teach(&curve, 70, 10);
    meet(&curve, 140, 0, 2, 50);
    struct tend_buffer bytes;
    tend_buffer_init(&bytes);
    tend_load_curve_save(&curve, &bytes);
    struct tend_load_curve loaded = { 0 };
    struct tend_reader reader = tend_reader_over(bytes.data, bytes.size);
    assert_true(tend_load_curve_load(&loaded, &reader) && reader.next == reader.end);
    assert_memory_equal(&curve, &loaded, sizeof curve);
    for (size_t size = 0; size < bytes.size; size++) {
        struct tend_load_curve cut = { 0 };
        struct tend_reader short_reader = tend_reader_over(bytes.data, size);
        assert_false(tend_load_curve_load(&cut, &short_reader));
    }
    memset(bytes.data, 0xff, 4); // a lowest bin that no double has
    struct tend_reader damaged = tend_reader_over(bytes.data, bytes.size);
    assert_false(tend_load_curve_load(&loaded, &damaged));
    tend_buffer_clear(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(between_two_loads_e_lies_on_the_line),
        cmocka_unit_test(a_load_that_was_never_met_gives_nothing),
        cmocka_unit_test(a_gap_of_more_than_a_doubling_is_not_guessed),
        cmocka_unit_test(one_burst_is_not_trusted),
        cmocka_unit_test(a_burst_beside_it_changes_nothing_of_what_is_trusted),
        cmocka_unit_test(an_outlier_teaches_little_even_among_the_first),
        cmocka_unit_test(another_unit_changes_nothing_to_the_bit),
        cmocka_unit_test(a_curve_is_followed_within_the_noise),
        cmocka_unit_test(stretched_all_of_it_is),
        cmocka_unit_test(a_stray_load_does_not_push_out_what_is_known),
        cmocka_unit_test(what_is_saved_is_loaded_and_what_is_damaged_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
