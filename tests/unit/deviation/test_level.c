// Facts about the level: by how much a shape is shifted or stretched, and how it is told which.

#include "deviation/level.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "seeded_random.h"

enum { DAY_S = 86400, MINUTE_S = 60 };
static const double THREE_DAYS_S = 3.0 * DAY_S;
static const double LOW = -40; // of the shape, whose first value was 100
static const double HIGH = 40;

static struct tend_level known(void)
{
    struct tend_level level;
    tend_level_init(&level, true);
    level.origin = 100;
    level.scale = 1;
    level.judged = 5000;
    return level;
}

static double follow(struct tend_level *level, double shape, double value)
{
    bool sure;
    return tend_level_follow(level, shape, value - level->origin, MINUTE_S, THREE_DAYS_S, false, &sure);
}

static double e(const struct tend_level *level, double shape)
{
    return level->origin + tend_level_at(level, shape);
}

static void expect_near(double seen, double wanted, double off)
{
    if (!(fabs(seen - wanted) <= off)) {
        fail_msg("%.17g, not %.17g", seen, wanted);
    }
}

static double noise(void)
{
    return random_share() - 0.5;
}

static void as_new_it_is_the_shape(void **state)
{
    (void)state;
    const struct tend_level level = known();
    assert_true(e(&level, LOW) == 60 && e(&level, HIGH) == 140);
    assert_true(tend_level_slope(&level) == 1 && tend_level_shape(&level, 7) == 7);
}

static void before_it_is_told_otherwise_all_is_stretched(void **state)
{
    (void)state;
    struct tend_level level = known();
    assert_true(tend_level_restart(&level, 0) == 1);
    for (int i = 0; i < 60; i++) {
        (void)follow(&level, LOW, 120);
    }
    expect_near(e(&level, LOW), 120, 0.1);
    expect_near(e(&level, HIGH), 280, 0.1);
    expect_near(tend_level_slope(&level), 2, 1e-3);
    expect_near(tend_level_shape(&level, 280 - 100), HIGH, 0.1);
}

static void a_shift_is_told_where_it_differs_from_a_stretch(void **state)
{
    (void)state;
    struct tend_level level = known();
    (void)tend_level_restart(&level, 0);
    for (int i = 0; i < 60; i++) {
        (void)follow(&level, LOW, 120 + noise());
    }
    bool sure;
    (void)tend_level_follow(&level, HIGH, 200 - 100, MINUTE_S, THREE_DAYS_S, false, &sure);
    assert_false(sure); // so that being 80 off is not taken for usual
    for (int i = 0; i < 300; i++) {
        (void)tend_level_follow(&level, HIGH, 200 - 100 + noise(), MINUTE_S, THREE_DAYS_S, false, &sure);
    }
    assert_true(sure);
    expect_near(e(&level, HIGH), 200, 5); // 280 by the stretch
    expect_near(e(&level, LOW), 120, 5);
}

static void it_remembers_how_the_metric_swings(void **state)
{
    (void)state;
    struct tend_level level = known();
    level.share = 0;
    level.told = 500;
    assert_true(tend_level_restart(&level, 0) == 1);
    for (int i = 0; i < 60; i++) {
        (void)follow(&level, LOW, 120);
    }
    expect_near(e(&level, HIGH), 200, 0.5);
    for (int i = 0; i < 300; i++) { // but this time it is a stretch
        (void)follow(&level, HIGH, 280);
    }
    assert_true(e(&level, LOW) < 130 && e(&level, HIGH) > 260);
}

static void what_lies_beyond_both_is_no_evidence(void **state)
{
    (void)state;
    struct tend_level level = known();
    (void)tend_level_restart(&level, 0);
    for (int i = 0; i < 60; i++) {
        (void)follow(&level, LOW, 120);
    }
    const struct tend_level before = level;
    for (int i = 0; i < 60; i++) {
        tend_level_weigh(&level, HIGH, 290 - 100); // 280, and noise of 1 or 2
        tend_level_weigh(&level, HIGH, 400 - 100);
        tend_level_weigh(&level, HIGH, 100 - 100);
    }
    assert_true(level.share == before.share && level.told == before.told);
    tend_level_weigh(&level, HIGH, 200 - 100);
    assert_true(level.share < before.share && level.told == before.told + 1);
    assert_true(level.shift == before.shift && level.stretch == before.stretch && level.samples == before.samples);
}

static void learned_anew_e_stays_and_the_shape_is_as_it_was_stretched(void **state)
{
    (void)state;
    struct tend_level level = known();
    (void)tend_level_restart(&level, 0);
    for (int i = 0; i < 100; i++) {
        (void)follow(&level, i % 2 == 0 ? LOW : HIGH, i % 2 == 0 ? 90 : 210);
    }
    const double low = e(&level, LOW);
    const double high = e(&level, HIGH);
    const double times = tend_level_restart(&level, TEND_LEVEL_RELEVEL);
    assert_true(fabs(times - 1.5) < 0.01);
    expect_near(e(&level, LOW * times), low, 1e-9);
    expect_near(e(&level, HIGH * times), high, 1e-9);
    assert_true(tend_level_slope(&level) == 1 && level.samples == TEND_LEVEL_RELEVEL);
}

static void what_was_below_0_is_only_shifted(void **state)
{
    (void)state;
    struct tend_level level = known();
    for (int i = 0; i < 10; i++) {
        (void)follow(&level, -130, -30); // a temperature at night
    }
    (void)tend_level_restart(&level, 0);
    for (int i = 0; i < 60; i++) {
        (void)follow(&level, -80, 30); // 10 more
    }
    expect_near(e(&level, 0) - e(&level, -80), 80, 1e-9);
    assert_true(tend_level_slope(&level) == 1);
}

static void what_was_always_0_is_shifted_too(void **state)
{
    (void)state;
    struct tend_level level = known();
    level.origin = 0;
    (void)tend_level_restart(&level, 0);
    for (int i = 0; i < 20; i++) {
        (void)follow(&level, 0, 5);
    }
    expect_near(e(&level, 0), 5, 0.01);
}

static void no_value_moves_the_stretch_beyond_itself(void **state)
{
    (void)state;
    struct tend_level level = known();
    level.origin = 1;
    (void)tend_level_restart(&level, 0);
    for (int i = 0; i < 20; i++) {
        (void)follow(&level, 0, 1);
    }
    (void)follow(&level, 999, 2000); // what stands for 1000, after hours that stood for 1
    assert_true(tend_level_slope(&level) >= 1 && tend_level_slope(&level) <= 2.001);
}

static void a_metric_that_went_to_0_and_comes_back_has_its_shape(void **state)
{
    (void)state;
    struct tend_level level = known();
    (void)tend_level_restart(&level, 0);
    for (int i = 0; i < 200; i++) {
        (void)follow(&level, LOW, 0);
    }
    assert_true(fabs(e(&level, HIGH)) < 1);
    const double times = tend_level_restart(&level, 0);
    for (int i = 0; i < 200; i++) {
        (void)follow(&level, LOW * times, 60);
    }
    assert_true(fabs(e(&level, HIGH * times) - 140) < 1);
}

static void another_unit_gives_the_same_bits(void **state)
{
    (void)state;
    struct tend_level small = known();
    struct tend_level large = known();
    large.origin *= 1024;
    large.scale *= 1024;
    (void)tend_level_restart(&small, 0);
    (void)tend_level_restart(&large, 0);
    for (int i = 0; i < 2000; i++) {
        const double shape = i % 700 < 350 ? LOW : HIGH;
        const double value = 150 + shape + 20 * noise();
        (void)follow(&small, shape, value);
        (void)follow(&large, 1024 * shape, 1024 * value);
        assert_true(e(&large, 1024 * HIGH) == 1024 * e(&small, HIGH));
        assert_true(large.share == small.share && large.stretch == small.stretch);
    }
}

static void saved_and_loaded_it_is_the_same(void **state)
{
    (void)state;
    struct tend_level level = known();
    (void)tend_level_restart(&level, 0);
    for (int i = 0; i < 500; i++) {
        (void)follow(&level, i % 100 < 50 ? LOW : HIGH, 200 + 30 * noise());
    }
    struct tend_buffer bytes;
    tend_buffer_init(&bytes);
    tend_level_save(&level, &bytes);
    struct tend_level other;
    tend_level_init(&other, true);
    struct tend_reader reader = tend_reader_over(bytes.data, bytes.size);
    assert_true(tend_level_load(&other, &reader));
    assert_true(reader.next == reader.end);
    struct tend_buffer again;
    tend_buffer_init(&again);
    tend_level_save(&other, &again);
    assert_int_equal(again.size, bytes.size);
    assert_memory_equal(again.data, bytes.data, bytes.size);
    struct tend_level plain; // which one that was shaped does not fit
    tend_level_init(&plain, false);
    reader = tend_reader_over(bytes.data, bytes.size);
    assert_false(tend_level_load(&plain, &reader));
    for (size_t cut = 0; cut < bytes.size; cut++) {
        tend_level_init(&other, true);
        reader = tend_reader_over(bytes.data, cut);
        assert_false(tend_level_load(&other, &reader));
    }
    tend_buffer_clear(&bytes);
    tend_buffer_clear(&again);
}

int main(void)
{
    seed_random(7);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_new_it_is_the_shape),
        cmocka_unit_test(before_it_is_told_otherwise_all_is_stretched),
        cmocka_unit_test(a_shift_is_told_where_it_differs_from_a_stretch),
        cmocka_unit_test(it_remembers_how_the_metric_swings),
        cmocka_unit_test(what_lies_beyond_both_is_no_evidence),
        cmocka_unit_test(learned_anew_e_stays_and_the_shape_is_as_it_was_stretched),
        cmocka_unit_test(what_was_below_0_is_only_shifted),
        cmocka_unit_test(what_was_always_0_is_shifted_too),
        cmocka_unit_test(no_value_moves_the_stretch_beyond_itself),
        cmocka_unit_test(a_metric_that_went_to_0_and_comes_back_has_its_shape),
        cmocka_unit_test(another_unit_gives_the_same_bits),
        cmocka_unit_test(saved_and_loaded_it_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
