// Facts about metric plans.

#include "series/metric_plan.h"

#include "parse/selector.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "failing_allocation.h"

struct fixture {
    struct tend_selector *selectors[3];
    struct tend_metric_def defs[2];
    struct tend_metric_plan *plan;
};

// defs[0]: the share errors / requests; defs[1]: a quantile of latency_bucket
static int setup(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){ .plan = NULL };
    const char *texts[] = { "requests{code=\"500\"}", "requests", "latency_bucket" };
    for (size_t i = 0; i < 3; i++) {
        if (tend_selector_parse(texts[i], strlen(texts[i]), &fixture.selectors[i], NULL) != TEND_OK) {
            return -1;
        }
    }
    fixture.defs[0] = (struct tend_metric_def){ .name = "error_rate",
                                                .kind = TEND_METRIC_SHARE,
                                                .sources = { fixture.selectors[0], fixture.selectors[1] } };
    fixture.defs[1] =
        (struct tend_metric_def){ .name = "p99", .kind = TEND_METRIC_QUANTILE, .sources = { fixture.selectors[2] } };
    *state = &fixture;
    return tend_metric_plan_create(fixture.defs, 2, &fixture.plan) == TEND_OK ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    tend_metric_plan_destroy(fixture->plan);
    for (size_t i = 0; i < 3; i++) {
        tend_selector_destroy(fixture->selectors[i]);
    }
    return 0;
}

struct series {
    const char *name;
    const char *label;
    const char *value;
};

static const struct tend_layout *make_layout(const struct series *series, size_t count)
{
    struct tend_column columns[8] = { { NULL, TEND_SERIES_UNKNOWN } };
    for (size_t i = 0; i < count; i++) {
        const struct tend_label label = { series[i].label, strlen(series[i].label), series[i].value,
                                          strlen(series[i].value) };
        assert_int_equal(tend_label_set_create(series[i].name, strlen(series[i].name), &label, 1, &columns[i].labels),
                         TEND_OK);
    }
    const struct tend_layout *layout = NULL;
    assert_int_equal(tend_layout_create(columns, count, &layout), TEND_OK);
    for (size_t i = 0; i < count; i++) {
        tend_label_set_release(columns[i].labels);
    }
    return layout;
}

static void a_source_has_the_columns_it_selects_in_their_order(void **state)
{
    const struct fixture *fixture = *state;
    const struct series series[] = { { "requests", "code", "200" },
                                     { "other", "code", "500" },
                                     { "requests", "code", "500" } };
    const struct tend_layout *layout = make_layout(series, 3);
    assert_int_equal(tend_metric_plan_bind(fixture->plan, layout), TEND_OK);
    assert_ptr_equal(tend_metric_plan_layout(fixture->plan), layout);
    const struct tend_source_columns *errors = tend_metric_plan_source(fixture->plan, 0, 0);
    const struct tend_source_columns *all = tend_metric_plan_source(fixture->plan, 0, 1);
    assert_int_equal(errors->count, 1);
    assert_int_equal(errors->columns[0], 2);
    assert_null(errors->le);
    assert_int_equal(all->count, 2);
    assert_int_equal(all->columns[0], 0);
    assert_int_equal(all->columns[1], 2);
    assert_int_equal(tend_metric_plan_source(fixture->plan, 1, 0)->count, 0);
    assert_int_equal(tend_metric_plan_source(fixture->plan, 1, 1)->count, 0);
    tend_layout_release(layout);
}

static void buckets_are_sorted_by_their_bound(void **state)
{
    const struct fixture *fixture = *state;
    const struct series series[] = { { "latency_bucket", "le", "+Inf" },
                                     { "latency_bucket", "le", "10" },
                                     { "latency_bucket", "le", "9" },
                                     { "latency_bucket", "le", "word" },
                                     { "latency_bucket", "x", "1" } };
    const struct tend_layout *layout = make_layout(series, 5);
    assert_int_equal(tend_metric_plan_bind(fixture->plan, layout), TEND_OK);
    const struct tend_source_columns *buckets = tend_metric_plan_source(fixture->plan, 1, 0);
    assert_int_equal(buckets->count, 3); // those without a bound are left out
    assert_int_equal(buckets->columns[0], 2);
    assert_int_equal(buckets->columns[1], 1);
    assert_int_equal(buckets->columns[2], 0);
    assert_true(buckets->le[0] == 9 && buckets->le[1] == 10 && isinf(buckets->le[2]));
    tend_layout_release(layout);
}

static void a_source_remembers_that_it_had_series(void **state)
{
    const struct fixture *fixture = *state;
    assert_int_equal(tend_metric_plan_bind(fixture->plan, NULL), TEND_OK);
    assert_false(tend_metric_plan_source(fixture->plan, 0, 0)->had_series);
    const struct series series[] = { { "requests", "code", "200" } };
    const struct tend_layout *layout = make_layout(series, 1);
    assert_int_equal(tend_metric_plan_bind(fixture->plan, layout), TEND_OK);
    assert_int_equal(tend_metric_plan_bind(fixture->plan, NULL), TEND_OK);
    assert_false(tend_metric_plan_source(fixture->plan, 0, 0)->had_series);
    assert_true(tend_metric_plan_source(fixture->plan, 0, 1)->had_series);
    assert_int_equal(tend_metric_plan_source(fixture->plan, 0, 1)->count, 0);
    tend_layout_release(layout);
}

static void binding_the_same_layout_again_allocates_nothing(void **state)
{
    const struct fixture *fixture = *state;
    const struct series series[] = { { "requests", "code", "200" } };
    const struct tend_layout *layout = make_layout(series, 1);
    assert_int_equal(tend_metric_plan_bind(fixture->plan, layout), TEND_OK);
    const long before = allocations_so_far();
    assert_int_equal(tend_metric_plan_bind(fixture->plan, layout), TEND_OK);
    assert_int_equal(allocations_so_far(), before);
    tend_layout_release(layout);
}

static void a_failed_allocation_leaves_the_plan_bound_as_it_was(void **state)
{
    if (!TEND_CAN_FAIL_ALLOCATIONS) {
        print_message("skipped: allocations cannot be made to fail under the sanitizers\n");
        skip();
    }
    const struct fixture *fixture = *state;
    const struct series series[] = { { "requests", "code", "200" }, { "latency_bucket", "le", "1" } };
    const struct tend_layout *before = make_layout(series, 1);
    const struct tend_layout *after = make_layout(series, 2);
    bool all_succeeded = false;
    for (long n = 0; !all_succeeded; n++) {
        assert_int_equal(tend_metric_plan_bind(fixture->plan, before), TEND_OK);
        fail_allocation_after(n);
        const enum tend_status status = tend_metric_plan_bind(fixture->plan, after);
        all_succeeded = !was_an_allocation_failed();
        fail_allocation_after(-1);
        assert_int_equal(status, all_succeeded ? TEND_OK : TEND_E_NOMEM);
        assert_ptr_equal(tend_metric_plan_layout(fixture->plan), all_succeeded ? after : before);
        assert_int_equal(tend_metric_plan_source(fixture->plan, 1, 0)->count, all_succeeded ? 1 : 0);
        assert_int_equal(tend_metric_plan_source(fixture->plan, 0, 1)->count, 1);
    }
    tend_layout_release(before);
    tend_layout_release(after);
}

int main(void)
{
#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        FACT(a_source_has_the_columns_it_selects_in_their_order),
        FACT(buckets_are_sorted_by_their_bound),
        FACT(a_source_remembers_that_it_had_series),
        FACT(binding_the_same_layout_again_allocates_nothing),
        FACT(a_failed_allocation_leaves_the_plan_bound_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
