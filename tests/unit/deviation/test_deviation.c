// Facts about F and A.

#include "deviation/deviation.h"
#include "series/missing.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "failing_allocation.h"
#include "seeded_random.h"

static const double none = TEND_NO_DATA;

struct limits {
    enum tend_bad bad;
    double alpha;
    double out_at;
    double floor;
};

static struct tend_metric_def def_of(struct limits limits)
{
    return (struct tend_metric_def){
        .bad = limits.bad, .alpha = limits.alpha, .out_at = limits.out_at, .floor = limits.floor
    };
}

// F and A of one metric.
static void deviate(struct limits limits, double p, double e, double *f, double *a)
{
    struct tend_metric_table table;
    tend_metric_table_init(&table);
    const struct tend_metric_def def = def_of(limits);
    size_t slot = 99;
    assert_int_equal(tend_metric_table_add(&table, &def, 1, &slot), TEND_OK);
    table.p[slot] = p;
    table.e[slot] = e;
    tend_deviation_pass(&table, slot, 1);
    *f = table.f[slot];
    *a = table.a[slot];
    tend_metric_table_clear(&table);
}

static void assert_f_a(struct limits limits, double p, double e, double expected_f, double expected_a)
{
    double f;
    double a;
    deviate(limits, p, e, &f, &a);
    const bool same_f = f == expected_f || (isnan(f) && isnan(expected_f));
    const bool same_a = a == expected_a || (isnan(a) && isnan(expected_a));
    if (!same_f || !same_a) {
        fail_msg("P %g E %g: F %.17g A %.17g, expected F %.17g A %.17g", p, e, f, a, expected_f, expected_a);
    }
}

// Three services around 500, 300 and 400, E = 400 over all three, alpha = 0.05.
static void the_articles_example(void **state)
{
    (void)state;
    const struct limits limits = { TEND_BAD_BOTH, 0.05, none, 0 };
    assert_f_a(limits, 500, 400, 0.25, 0.25 / 0.05);
    assert_f_a(limits, 300, 400, 0.25, 0.25 / 0.05);
    assert_f_a(limits, 400, 400, 0, 0);
    assert_f_a(limits, 1000, 400, 1.5, 1.5 / 0.05);
}

static void only_the_bad_side_counts(void **state)
{
    (void)state;
    const struct limits above = { TEND_BAD_ABOVE, 0.5, none, 0 };
    const struct limits below = { TEND_BAD_BELOW, 0.5, none, 0 };
    assert_f_a(above, 0.1, 0.4, 0, 0);
    assert_f_a(above, 8, 4, 1, 2);
    assert_f_a(below, 8, 4, 0, 0);
    assert_f_a(below, 2, 4, 0.5, 1);
}

static void a_negative_expectation_has_the_scale_of_its_size(void **state)
{
    (void)state;
    const struct limits above = { TEND_BAD_ABOVE, 0.5, none, 0 };
    assert_f_a(above, -2, -4, 0.5, 1);
    assert_f_a(above, -6, -4, 0, 0);
}

static void the_floor_is_the_smallest_scale(void **state)
{
    (void)state;
    const struct limits limits = { TEND_BAD_ABOVE, 0.5, none, 2 };
    assert_f_a(limits, 1, 0, 0.5, 1);
    assert_f_a(limits, 3, 1, 1, 2);
    assert_f_a(limits, 12, 8, 0.5, 1); // E is larger than the floor
}

static void out_at_is_where_a_is_one(void **state)
{
    (void)state;
    const struct limits above = { TEND_BAD_ABOVE, none, 600, 0 };
    assert_f_a(above, 600, 400, 0.5, 1);
    assert_f_a(above, 500, 400, 0.25, 0.5);
    const struct limits below = { TEND_BAD_BELOW, none, 1, 8 };
    assert_f_a(below, 1, 4, 3.0 / 8, 1); // the floor is the scale of F and of alpha alike
}

static void without_any_scale_out_at_is_the_scale(void **state)
{
    (void)state;
    const struct limits evictions = { TEND_BAD_ABOVE, none, 10, 0 };
    assert_f_a(evictions, 0, 0, 0, 0);
    assert_f_a(evictions, 5, 0, 0.5, 0.5);
    assert_f_a(evictions, 10, 0, 1, 1);
}

static void with_nothing_to_measure_by_there_is_no_deviation_but_at_e(void **state)
{
    (void)state;
    const struct limits limits = { TEND_BAD_ABOVE, 0.5, none, 0 };
    assert_f_a(limits, 5, 0, none, none);
    assert_f_a(limits, 0, 0, 0, 0);
    assert_f_a(limits, -5, 0, 0, 0);
}

static void no_data_is_no_deviation(void **state)
{
    (void)state;
    const enum tend_bad sides[] = { TEND_BAD_ABOVE, TEND_BAD_BELOW, TEND_BAD_BOTH };
    for (size_t i = 0; i < 3; i++) {
        const struct limits by_alpha = { sides[i], 0.5, none, 1 };
        assert_f_a(by_alpha, none, 4, none, none);
        assert_f_a(by_alpha, 4, none, none, none);
        const struct limits by_out_at = { sides[i], none, 5, 1 };
        assert_f_a(by_out_at, none, 4, none, none);
        assert_f_a(by_out_at, 4, none, none, none);
    }
}

static void a_new_slot_has_no_data_and_its_limits(void **state)
{
    (void)state;
    struct tend_metric_table table;
    tend_metric_table_init(&table);
    const struct tend_metric_def defs[] = { def_of((struct limits){ TEND_BAD_BELOW, 0.5, none, 3 }),
                                            def_of((struct limits){ TEND_BAD_ABOVE, none, 7, 0 }) };
    size_t first = 0;
    assert_int_equal(tend_metric_table_add(&table, defs, 2, &first), TEND_OK);
    assert_int_equal(tend_metric_table_add(&table, defs, 2, &first), TEND_OK);
    assert_int_equal(first, 2);
    assert_int_equal(table.count, 4);
    assert_true(isnan(table.p[2]) && isnan(table.e[2]) && isnan(table.f[2]) && isnan(table.a[2]));
    assert_int_equal(table.missing[2], TEND_MISSING_WARMING_UP);
    assert_true(table.alpha[2] == 0.5 && isnan(table.out_at[2]) && table.floor[2] == 3);
    assert_int_equal(table.bad[2], TEND_BAD_BELOW);
    assert_true(isnan(table.alpha[3]) && table.out_at[3] == 7 && table.floor[3] == 0);
    tend_metric_table_clear(&table);
    assert_int_equal(table.count, 0);
}

static void nothing_allocates_after_reserve(void **state)
{
    (void)state;
    struct tend_metric_table table;
    tend_metric_table_init(&table);
    assert_int_equal(tend_metric_table_reserve(&table, 1000), TEND_OK);
    const struct tend_metric_def def = def_of((struct limits){ TEND_BAD_BELOW, 0.5, none, 3 });
    const long before = allocations_so_far();
    for (int i = 0; i < 1000; i++) {
        size_t slot = 0;
        assert_int_equal(tend_metric_table_add(&table, &def, 1, &slot), TEND_OK);
    }
    tend_deviation_pass(&table, 0, 1000);
    assert_int_equal(allocations_so_far(), before);
    tend_metric_table_clear(&table);
}

static void a_failed_allocation_adds_nothing(void **state)
{
    (void)state;
    if (!TEND_CAN_FAIL_ALLOCATIONS) {
        print_message("skipped: allocations cannot be made to fail under the sanitizers\n");
        skip();
    }
    struct tend_metric_table table;
    tend_metric_table_init(&table);
    const struct tend_metric_def def = def_of((struct limits){ TEND_BAD_BELOW, 0.5, none, 3 });
    size_t slot = 7;
    for (long n = 0; n < 9; n++) { // one for each array
        fail_allocation_after(n);
        const enum tend_status status = tend_metric_table_add(&table, &def, 1, &slot);
        fail_allocation_after(-1);
        assert_int_equal(status, TEND_E_NOMEM);
        assert_int_equal(table.count, 0);
    }
    assert_int_equal(slot, 7);
    assert_int_equal(tend_metric_table_add(&table, &def, 1, &slot), TEND_OK);
    assert_int_equal(slot, 0);
    tend_metric_table_clear(&table);
}

// The definition, read slowly. It takes the same steps, so that the same bits can be asked for.
static void plain(const struct limits *limits, double p, double e, double *f, double *a)
{
    *f = none;
    *a = none;
    if (isnan(p) || isnan(e)) {
        return;
    }
    double distance = limits->bad == TEND_BAD_BOTH ? fabs(p - e) : limits->bad == TEND_BAD_ABOVE ? p - e : e - p;
    if (distance <= 0) {
        *f = 0;
        *a = 0;
        return;
    }
    double scale = fabs(e) > limits->floor ? fabs(e) : limits->floor;
    if (scale == 0 && !isnan(limits->out_at)) {
        scale = fabs(limits->out_at - e);
    }
    if (scale == 0) {
        return;
    }
    *f = distance / scale;
    *a = *f / (isnan(limits->out_at) ? limits->alpha : fabs(limits->out_at - e) / scale);
}

static double random_value(void)
{
    const int kind = random_below(8);
    return kind == 0 ? none : kind == 1 ? 0 : (random_below(2001) - 1000) / 8.0 * (kind == 2 ? 1e12 : 1);
}

static void the_pass_agrees_with_a_plain_loop(void **state)
{
    (void)state;
    enum { COUNT = 20000, FIRST = 3 };
    seed_random(12345);
    struct tend_metric_table table;
    tend_metric_table_init(&table);
    static struct limits limits[COUNT];
    for (int i = 0; i < COUNT; i++) {
        const bool by_alpha = random_below(2) == 0;
        limits[i] = (struct limits){ .bad = (enum tend_bad)(random_below(3)),
                                     .alpha = by_alpha ? (1 + random_below(100)) / 50.0 : none,
                                     .out_at = by_alpha ? none : (random_below(2001) - 1000) / 8.0,
                                     .floor = random_below(2) == 0 ? 0 : random_below(100) / 4.0 };
        const struct tend_metric_def def = def_of(limits[i]);
        size_t slot = 0;
        assert_int_equal(tend_metric_table_add(&table, &def, 1, &slot), TEND_OK);
        table.p[slot] = random_value();
        table.e[slot] = random_below(10) == 0 ? table.p[slot] : random_value();
    }
    tend_deviation_pass(&table, FIRST, COUNT - FIRST);
    assert_true(isnan(table.f[FIRST - 1])); // not asked for
    for (size_t i = FIRST; i < COUNT; i++) {
        double f;
        double a;
        plain(&limits[i], table.p[i], table.e[i], &f, &a);
        const bool same_f = table.f[i] == f || (isnan(f) && isnan(table.f[i]));
        const bool same_a = table.a[i] == a || (isnan(a) && isnan(table.a[i]));
        if (!same_f || !same_a) {
            fail_msg("slot %zu: P %g E %g: F %g A %g, plainly %g %g", i, table.p[i], table.e[i], table.f[i], table.a[i],
                     f, a);
        }
    }
    tend_metric_table_clear(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_articles_example),
        cmocka_unit_test(only_the_bad_side_counts),
        cmocka_unit_test(a_negative_expectation_has_the_scale_of_its_size),
        cmocka_unit_test(the_floor_is_the_smallest_scale),
        cmocka_unit_test(out_at_is_where_a_is_one),
        cmocka_unit_test(without_any_scale_out_at_is_the_scale),
        cmocka_unit_test(with_nothing_to_measure_by_there_is_no_deviation_but_at_e),
        cmocka_unit_test(no_data_is_no_deviation),
        cmocka_unit_test(a_new_slot_has_no_data_and_its_limits),
        cmocka_unit_test(nothing_allocates_after_reserve),
        cmocka_unit_test(a_failed_allocation_adds_nothing),
        cmocka_unit_test(the_pass_agrees_with_a_plain_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
