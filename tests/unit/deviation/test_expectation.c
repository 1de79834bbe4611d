// Facts about expectations from peers and from a metric's own past.

#include "deviation/expectation.h"
#include "series/missing.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "seeded_random.h"

static const double none = TEND_NO_DATA;

static void make_table(struct tend_metric_table *table, const double *p, size_t count)
{
    tend_metric_table_init(table);
    const struct tend_metric_def def = { .alpha = 0.05, .out_at = none, .bad = TEND_BAD_BOTH };
    for (size_t i = 0; i < count; i++) {
        size_t slot = 0;
        assert_int_equal(tend_metric_table_add(table, &def, 1, &slot), TEND_OK);
        table->p[slot] = p[i];
    }
}

static void assert_peers(const double *p, size_t count, bool with_self, const double *expected)
{
    struct tend_metric_table table;
    make_table(&table, p, count);
    size_t slots[8];
    for (size_t i = 0; i < count; i++) {
        slots[i] = i;
    }
    double scratch[8];
    if (with_self) {
        tend_expect_all(&table, slots, count);
    } else {
        tend_expect_peers(&table, slots, count, scratch);
    }
    for (size_t i = 0; i < count; i++) {
        if (!(table.e[i] == expected[i] || (isnan(table.e[i]) && isnan(expected[i])))) {
            fail_msg("E of slot %zu is %.17g, expected %.17g", i, table.e[i], expected[i]);
        }
    }
    tend_metric_table_clear(&table);
}

// E is the mean over all three, as the article has it, before and after the first jumps to 1000.
static void the_articles_example(void **state)
{
    (void)state;
    const double before[] = { 500, 300, 400 };
    assert_peers(before, 3, true, (const double[]){ 400, 400, 400 });
    struct tend_metric_table table;
    make_table(&table, before, 3);
    const size_t slots[] = { 0, 1, 2 };
    tend_expect_all(&table, slots, 3);
    tend_deviation_pass(&table, 0, 3);
    assert_true(table.f[0] == 0.25 && table.f[1] == 0.25 && table.f[2] == 0);
    table.p[0] = 1000; // E = 1700 / 3
    tend_expect_all(&table, slots, 3);
    tend_deviation_pass(&table, 0, 3);
    assert_true(fabs(table.f[0] - 13.0 / 17) < 1e-15); // (1000 - 1700/3) / (1700/3)
    assert_true(fabs(table.f[1] - 8.0 / 17) < 1e-15);  // (1700/3 - 300) / (1700/3)
    assert_true(fabs(table.f[2] - 5.0 / 17) < 1e-15);  // (1700/3 - 400) / (1700/3)
    tend_metric_table_clear(&table);
}

static void peers_leave_one_out(void **state)
{
    (void)state;
    const double p[] = { 1000, 300, 400 };
    assert_peers(p, 3, false, (const double[]){ 350, 700, 650 });
}

static void peers_without_data_are_skipped(void **state)
{
    (void)state;
    const double p[] = { 10, none, 30, 50 };
    assert_peers(p, 4, false, (const double[]){ 40, 30, 30, 20 }); // one without data has peers too
    assert_peers(p, 4, true, (const double[]){ 30, 30, 30, 30 });
}

static void without_a_peer_that_has_data_there_is_no_expectation(void **state)
{
    (void)state;
    const double p[] = { none, 30, none };
    assert_peers(p, 3, false, (const double[]){ 30, none, 30 });
    const double nobody[] = { none, none };
    assert_peers(nobody, 2, true, (const double[]){ none, none });
    const double alone[] = { 5 };
    assert_peers(alone, 1, false, (const double[]){ none });
    assert_peers(alone, 1, true, (const double[]){ 5 });
}

static void a_huge_peer_does_not_take_the_digits_of_the_others(void **state)
{
    (void)state;
    const double p[] = { 1, 1e300, 2 };
    assert_peers(p, 3, false, (const double[]){ 5e299, 1.5, 5e299 });
    const double infinite[] = { 1, HUGE_VAL, 2 };
    assert_peers(infinite, 3, false, (const double[]){ HUGE_VAL, 1.5, HUGE_VAL });
}

static void peers_agree_with_a_plain_double_loop(void **state)
{
    (void)state;
    enum { COUNT = 200 };
    seed_random(77);
    static double p[COUNT];
    static size_t slots[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        p[i] = random_below(7) == 0 ? none : random_below(100000); // whole numbers: sums are exact in any order
        slots[i] = COUNT - 1 - i;
    }
    struct tend_metric_table table;
    make_table(&table, p, COUNT);
    static double scratch[COUNT];
    tend_expect_peers(&table, slots, COUNT, scratch);
    for (size_t i = 0; i < COUNT; i++) {
        double sum = 0;
        int count = 0;
        for (size_t j = 0; j < COUNT; j++) {
            if (j != i && !isnan(p[j])) {
                sum += p[j];
                count++;
            }
        }
        assert_true(table.e[i] == sum / count);
    }
    tend_metric_table_clear(&table);
}

// alpha is 0.05 in these tables. The median is 101, the distances from it 1 0 1 899: 3.5 · 1 / 0.6745 = 5.2 is the
// limit.
static void one_bad_of_four_does_not_shift_what_is_expected_of_the_others(void **state)
{
    (void)state;
    const double p[] = { 100, 1000, 102, 101 };
    assert_peers(p, 4, false, (const double[]){ 101.5, 101, 100.5, 101 });
    assert_peers(p, 4, true, (const double[]){ 325.75, 325.75, 325.75, 325.75 }); // itself too: the plain mean
}

// The two that differ are a third of all: within 5 % of the median nobody is far, however close the others are.
static void peers_that_agree_as_well_as_alpha_asks_all_count(void **state)
{
    (void)state;
    const double p[] = { 100, 100, 100, 100, 104, 96 };
    assert_peers(p, 6, false, (const double[]){ 100, 100, 100, 100, 99.2, 100.8 });
}

// Distances from the median 100: 40 20 0 20 50, so the limit is 3.5 · 20 / 0.6745 = 104.
static void peers_that_differ_widely_all_count(void **state)
{
    (void)state;
    const double p[] = { 60, 80, 100, 120, 150 };
    assert_peers(p, 5, false, (const double[]){ 112.5, 107.5, 102.5, 97.5, 90 });
}

static void two_of_five_are_left_out_and_three_of_five_are_the_rule(void **state)
{
    (void)state;
    const double two[] = { 10, 90, 10, 90, 10 };
    assert_peers(two, 5, false, (const double[]){ 10, 10, 10, 10, 10 });
    const double three[] = { 10, 90, 90, 90, 10 }; // nobody can tell that the few are right
    assert_peers(three, 5, false, (const double[]){ 90, 90, 90, 90, 90 });
    const double half[] = { 10, 90, 90, 10 }; // the median lies between, and so does nobody
    assert_peers(half, 4, false, (const double[]){ 190.0 / 3, 110.0 / 3, 110.0 / 3, 190.0 / 3 });
}

static void of_two_peers_none_is_left_out(void **state)
{
    (void)state;
    const double p[] = { 100, 1000, none, 101 }; // each of the three has two
    assert_peers(p, 4, false, (const double[]){ 550.5, 100.5, 1201.0 / 3, 550 });
}

static void an_endless_peer_is_left_out(void **state)
{
    (void)state;
    const double p[] = { 1, HUGE_VAL, 2, 3, 2 };
    assert_peers(p, 5, false, (const double[]){ 7.0 / 3, 2, 2, 5.0 / 3, 2 });
    const double most[] = { HUGE_VAL, HUGE_VAL, HUGE_VAL, 1 };
    assert_peers(most, 4, false, (const double[]){ HUGE_VAL, HUGE_VAL, HUGE_VAL, HUGE_VAL });
}

// Medians of random lists with many equal values against sorting: who is left out of the mean tells them.
static int by_size(const void *left, const void *right)
{
    const double one = *(const double *)left;
    const double other = *(const double *)right;
    return (one > other) - (one < other);
}

static double plain_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_size);
    return values[(count - 1) / 2] / 2 + values[count / 2] / 2;
}

static void who_is_far_agrees_with_a_plain_reading_of_the_definition(void **state)
{
    (void)state;
    seed_random(78);
    for (int trial = 0; trial < 500; trial++) {
        double p[12];
        double sorted[12];
        double distances[12];
        const size_t count = 4 + (size_t)random_below(9);
        for (size_t i = 0; i < count; i++) {
            p[i] = sorted[i] = random_below(4) == 0 ? random_below(1000) : 95 + random_below(10);
        }
        const double middle = plain_median(sorted, count);
        for (size_t i = 0; i < count; i++) {
            distances[i] = fabs(p[i] - middle);
        }
        const double limit = fmax(0.05 * middle, 3.5 / 0.6745 * plain_median(distances, count));
        struct tend_metric_table table;
        make_table(&table, p, count);
        size_t slots[12];
        double scratch[12];
        for (size_t i = 0; i < count; i++) {
            slots[i] = i;
        }
        tend_expect_peers(&table, slots, count, scratch);
        for (size_t i = 0; i < count; i++) {
            double sum = 0;
            int near = 0;
            for (size_t j = 0; j < count; j++) {
                if (j != i && fabs(p[j] - middle) <= limit) {
                    sum += p[j];
                    near++;
                }
            }
            assert_true(table.e[i] == sum / near);
        }
        tend_metric_table_clear(&table);
    }
}

static void a_bad_one_among_other_slots_is_left_out(void **state)
{
    (void)state;
    const double p[] = { 7, 10, 11, 900, 12 };
    struct tend_metric_table table;
    make_table(&table, p, 5);
    const size_t peers[] = { 1, 2, 3, 4 };
    double scratch[4];
    tend_expect_mean_of(&table, 0, peers, 4, scratch);
    assert_true(table.e[0] == 11);
    tend_expect_mean_of(&table, 0, peers + 1, 3, scratch); // 11, 900 and 12: three can outvote one
    assert_true(table.e[0] == 11.5);
    tend_expect_mean_of(&table, 0, peers + 1, 2, scratch);
    assert_true(table.e[0] == 455.5);
    assert_true(tend_mean_of_all(&table, peers, 4) == 233.25);
    tend_metric_table_clear(&table);
}

// Nothing is normal here, and a single error is no reason to leave anybody out: the floor says what matters.
static void beside_zeros_the_floor_says_who_is_far(void **state)
{
    (void)state;
    const double p[] = { 0, 0, 0, 0, 0.25 };
    struct tend_metric_table table;
    make_table(&table, p, 5);
    const size_t slots[] = { 0, 1, 2, 3, 4 };
    double scratch[5];
    tend_expect_peers(&table, slots, 5, scratch);
    assert_true(table.e[0] == 0);
    for (size_t i = 0; i < 5; i++) {
        table.floor[i] = 5; // 5 % of it are 0.25
    }
    tend_expect_peers(&table, slots, 5, scratch);
    assert_true(table.e[0] == 0.0625);
    tend_metric_table_clear(&table);
}

static void a_mean_of_other_slots(void **state)
{
    (void)state;
    const double p[] = { 1, 10, none, 30 };
    struct tend_metric_table table;
    make_table(&table, p, 4);
    const size_t peers[] = { 1, 2, 3 };
    double scratch[3];
    tend_expect_mean_of(&table, 0, peers, 3, scratch);
    assert_true(table.e[0] == 20);
    tend_expect_mean_of(&table, 0, peers + 1, 1, scratch);
    assert_true(isnan(table.e[0]));
    tend_metric_table_clear(&table);
}

static void a_history_is_warming_up_until_it_is_full(void **state)
{
    (void)state;
    struct tend_history *history = NULL;
    assert_int_equal(tend_history_create(3, &history), TEND_OK);
    tend_history_push(history, 1, false);
    tend_history_push(history, 2, false);
    assert_true(isnan(tend_history_mean(history)));
    tend_history_push(history, 6, false);
    assert_true(tend_history_mean(history) == 3);
    tend_history_push(history, 10, false); // 1 goes
    assert_true(tend_history_mean(history) == 6);
    tend_history_destroy(history);
}

static void a_history_keeps_no_missing_values_and_learns_nothing_while_frozen(void **state)
{
    (void)state;
    struct tend_history *history = NULL;
    assert_int_equal(tend_history_create(2, &history), TEND_OK);
    tend_history_push(history, 1, false);
    tend_history_push(history, none, false);
    assert_true(isnan(tend_history_mean(history)));
    tend_history_push(history, 3, false);
    tend_history_push(history, 1000, true);
    assert_true(tend_history_mean(history) == 2);
    tend_history_destroy(history);
}

static void a_history_holds_at_least_one_value(void **state)
{
    (void)state;
    struct tend_history *history = NULL;
    assert_int_equal(tend_history_create(0, &history), TEND_E_INVALID);
    assert_null(history);
    tend_history_destroy(NULL);
}

static void a_loaded_history_goes_on_where_the_saved_one_was(void **state)
{
    (void)state;
    struct tend_history *saved = NULL;
    struct tend_history *loaded = NULL;
    assert_int_equal(tend_history_create(3, &saved), TEND_OK);
    assert_int_equal(tend_history_create(3, &loaded), TEND_OK);
    for (int i = 1; i <= 4; i++) {
        tend_history_push(saved, i, false); // 2, 3, 4 are held
    }
    struct tend_buffer bytes;
    tend_buffer_init(&bytes);
    tend_history_save(saved, &bytes);
    struct tend_reader reader = tend_reader_over(bytes.data, bytes.size);
    assert_int_equal(tend_history_load(loaded, &reader), TEND_OK);
    assert_true(tend_history_mean(loaded) == 3);
    tend_history_push(loaded, 8, false); // the 2 goes
    assert_true(tend_history_mean(loaded) == 5);
    tend_buffer_clear(&bytes);
    tend_history_destroy(loaded);
    tend_history_destroy(saved);
}

static void a_history_of_more_samples_or_of_no_number_is_refused(void **state)
{
    (void)state;
    const struct {
        uint32_t count;
        double values[3];
    } cases[] = { { 3, { 1, 2, 3 } }, { 2, { 1, none } }, { 2, { 1 } } };
    for (size_t i = 0; i < 3; i++) {
        struct tend_history *history = NULL;
        assert_int_equal(tend_history_create(2, &history), TEND_OK);
        struct tend_buffer bytes;
        tend_buffer_init(&bytes);
        tend_buffer_put_u32(&bytes, cases[i].count);
        for (uint32_t v = 0; v < (i == 2 ? 1 : cases[i].count); v++) {
            tend_buffer_put_f64(&bytes, cases[i].values[v]);
        }
        struct tend_reader reader = tend_reader_over(bytes.data, bytes.size);
        assert_int_equal(tend_history_load(history, &reader), TEND_E_CORRUPT);
        assert_true(reader.failed);
        tend_buffer_clear(&bytes);
        tend_history_destroy(history);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_articles_example),
        cmocka_unit_test(peers_leave_one_out),
        cmocka_unit_test(peers_without_data_are_skipped),
        cmocka_unit_test(without_a_peer_that_has_data_there_is_no_expectation),
        cmocka_unit_test(a_huge_peer_does_not_take_the_digits_of_the_others),
        cmocka_unit_test(peers_agree_with_a_plain_double_loop),
        cmocka_unit_test(one_bad_of_four_does_not_shift_what_is_expected_of_the_others),
        cmocka_unit_test(peers_that_agree_as_well_as_alpha_asks_all_count),
        cmocka_unit_test(peers_that_differ_widely_all_count),
        cmocka_unit_test(two_of_five_are_left_out_and_three_of_five_are_the_rule),
        cmocka_unit_test(of_two_peers_none_is_left_out),
        cmocka_unit_test(an_endless_peer_is_left_out),
        cmocka_unit_test(who_is_far_agrees_with_a_plain_reading_of_the_definition),
        cmocka_unit_test(a_bad_one_among_other_slots_is_left_out),
        cmocka_unit_test(beside_zeros_the_floor_says_who_is_far),
        cmocka_unit_test(a_mean_of_other_slots),
        cmocka_unit_test(a_history_is_warming_up_until_it_is_full),
        cmocka_unit_test(a_history_keeps_no_missing_values_and_learns_nothing_while_frozen),
        cmocka_unit_test(a_history_holds_at_least_one_value),
        cmocka_unit_test(a_loaded_history_goes_on_where_the_saved_one_was),
        cmocka_unit_test(a_history_of_more_samples_or_of_no_number_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
