// Facts about the tail of what was seen.

#include "deviation/tail.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "seeded_random.h"

static void push_many(struct tend_tail *tail, double value, int times)
{
    for (int i = 0; i < times; i++) {
        tend_tail_push(tail, value);
    }
}

static void nothing_is_rare_before_thirty_values(void **state)
{
    (void)state;
    struct tend_tail tail;
    tend_tail_init(&tail);
    push_many(&tail, 1, 29);
    assert_true(tend_tail_of(&tail, 1000) == 0);
    push_many(&tail, 1, 3);
    assert_true(tend_tail_of(&tail, 1000) > 2);
}

static void a_value_that_one_in_ten_reached_has_a_tail_of_one(void **state)
{
    (void)state;
    struct tend_tail tail;
    tend_tail_init(&tail);
    for (int i = 0; i < 100; i++) {
        push_many(&tail, 1, 9);
        push_many(&tail, 64, 1);
    }
    // 100 of 1,000 are in the bin that begins at 64: (100 + 0.5) / 1001 is 10^-0.998
    assert_true(fabs(tend_tail_of(&tail, 64) - 0.998) < 0.001);
    assert_true(tend_tail_of(&tail, 32) >= 0.9); // between the two: as many were larger
    assert_true(tend_tail_of(&tail, 1) < 0.01);  // all were as large
}

static void what_came_often_is_not_rare_however_far_out(void **state)
{
    (void)state;
    struct tend_tail tail;
    tend_tail_init(&tail);
    for (int day = 0; day < 14; day++) { // a nightly job of 1,000 times the usual load
        push_many(&tail, 1, 287);
        push_many(&tail, 1000, 1);
    }
    assert_true(tend_tail_of(&tail, 1000) < 3.5); // 14 in 4,032 is 10^-2.46
    assert_true(tend_tail_of(&tail, 100000) > 6);
}

static void beyond_all_that_was_seen_the_tail_grows_with_the_distance(void **state)
{
    (void)state;
    double sum = 0;
    for (int seed = 0; seed < 40; seed++) {
        struct tend_tail tail;
        tend_tail_init(&tail);
        seed_random((uint64_t)seed);
        for (int i = 0; i < 5000; i++) {
            tend_tail_push(&tail,
                           -log(1 - random_share())); // exponential with mean 1: the tail of x is exp(-x)
        }
        sum += tend_tail_of(&tail, 20);
        assert_true(tend_tail_of(&tail, 40) > 1.5 * tend_tail_of(&tail, 20));
    }
    // 20 is exp(-20) = 10^-8.7; eight values decide on the width, so the mean of forty is looked at
    assert_true(sum / 40 > 7.5 && sum / 40 < 11);
}

static void another_unit_changes_nothing_to_the_bit(void **state)
{
    (void)state;
    struct tend_tail small, large;
    tend_tail_init(&small);
    tend_tail_init(&large);
    seed_random(11);
    for (int i = 0; i < 20000; i++) {
        const double value = exp(8 * random_share()) - 1;
        assert_true(tend_tail_of(&small, value) == tend_tail_of(&large, value * 1024));
        tend_tail_push(&small, value);
        tend_tail_push(&large, value * 1024);
    }
}

static void zeros_and_no_data_are_taken(void **state)
{
    (void)state;
    struct tend_tail tail;
    tend_tail_init(&tail);
    push_many(&tail, 0, 100);
    assert_true(tend_tail_of(&tail, 0) == 0);
    assert_true(tend_tail_of(&tail, 5) == 0); // no scale is known yet
    tend_tail_push(&tail, NAN);
    assert_int_equal(tail.count, 100);
    tend_tail_push(&tail, 5);
    assert_int_equal(tail.count, 101);
    assert_true(tend_tail_of(&tail, 50) > 2);
    assert_true(tend_tail_of(&tail, NAN) == 0);
}

static void a_threshold_beyond_all_bins_is_refused(void **state)
{
    (void)state;
    struct tend_tail tail;
    tend_tail_init(&tail);
    for (int i = 1; i <= 100; i++) {
        tend_tail_push(&tail, i);
    }
    struct tend_buffer bytes;
    tend_buffer_init(&bytes);
    tend_tail_save(&tail, &bytes);
    struct tend_tail loaded;
    struct tend_reader reader = tend_reader_over(bytes.data, bytes.size);
    assert_int_equal(tend_tail_load(&loaded, &reader), TEND_OK);
    const double wrong[] = { 1e9, -1, (double)NAN, (double)INFINITY };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct tend_tail damaged = tail;
        damaged.threshold = wrong[i];
        tend_buffer_reset(&bytes);
        tend_tail_save(&damaged, &bytes);
        reader = tend_reader_over(bytes.data, bytes.size);
        assert_int_equal(tend_tail_load(&loaded, &reader), TEND_E_CORRUPT);
        assert_int_equal(loaded.count, 0);
    }
    tend_buffer_clear(&bytes);
}

static void what_doubled_is_as_rare_as_it_was(void **state)
{
    (void)state;
    struct tend_tail tail;
    struct tend_tail stretched;
    tend_tail_init(&tail);
    for (int i = 1; i <= 160; i++) { // its threshold is taken anew every 16
        tend_tail_push(&tail, i);
    }
    stretched = tail;
    tend_tail_stretch(&stretched, 4);
    for (double value = 1; value < 1000; value *= 1.3) {
        assert_true(tend_tail_of(&stretched, 2 * value) == tend_tail_of(&tail, value));
    }
    tend_tail_stretch(&stretched, -4);
    assert_memory_equal(&stretched, &tail, sizeof tail);
    tend_tail_stretch(&stretched, -20000); // no value is so small
    assert_memory_equal(&stretched, &tail, sizeof tail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_rare_before_thirty_values),
        cmocka_unit_test(a_value_that_one_in_ten_reached_has_a_tail_of_one),
        cmocka_unit_test(what_came_often_is_not_rare_however_far_out),
        cmocka_unit_test(beyond_all_that_was_seen_the_tail_grows_with_the_distance),
        cmocka_unit_test(another_unit_changes_nothing_to_the_bit),
        cmocka_unit_test(zeros_and_no_data_are_taken),
        cmocka_unit_test(what_doubled_is_as_rare_as_it_was),
        cmocka_unit_test(a_threshold_beyond_all_bins_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
