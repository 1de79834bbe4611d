// Facts about layouts.

#include "series/layout.h"
#include "series/missing.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct tend_layout *make(const char *const *names, size_t count)
{
    struct tend_column columns[8] = { { NULL, TEND_SERIES_GAUGE } };
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(tend_label_set_create(names[i], strlen(names[i]), NULL, 0, &columns[i].labels), TEND_OK);
        columns[i].type = TEND_SERIES_GAUGE;
    }
    const struct tend_layout *layout = NULL;
    assert_int_equal(tend_layout_create(columns, count, &layout), TEND_OK);
    for (size_t i = 0; i < count; i++) {
        tend_label_set_release(columns[i].labels); // the layout has its own reference
    }
    return layout;
}

static size_t find(const struct tend_layout *layout, const char *name)
{
    const struct tend_label_set *set = NULL;
    assert_int_equal(tend_label_set_create(name, strlen(name), NULL, 0, &set), TEND_OK);
    const size_t column = tend_layout_find(layout, set);
    tend_label_set_release(set);
    return column;
}

static void columns_keep_their_order_and_are_found_by_label_set(void **state)
{
    (void)state;
    const char *names[] = { "up", "b", "c", "a" };
    const struct tend_layout *layout = make(names, 4);
    assert_int_equal(tend_layout_count(layout), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(tend_label_set_name(tend_layout_column(layout, i)->labels, NULL), names[i]);
        assert_int_equal(find(layout, names[i]), i);
    }
    assert_true(find(layout, "bb") == TEND_NO_COLUMN);
    tend_layout_release(layout);
}

static void a_layout_may_be_empty(void **state)
{
    (void)state;
    const struct tend_layout *layout = make(NULL, 0);
    assert_int_equal(tend_layout_count(layout), 0);
    assert_true(find(layout, "x") == TEND_NO_COLUMN);
    tend_layout_release(layout);
    tend_layout_release(NULL);
}

static void layouts_are_equal_by_content_and_order(void **state)
{
    (void)state;
    const char *ab[] = { "a", "b" };
    const char *ba[] = { "b", "a" };
    const struct tend_layout *layouts[] = { make(ab, 2), make(ab, 2), make(ba, 2), make(ab, 1) };
    assert_true(tend_layout_equal(layouts[0], layouts[1]));
    assert_false(tend_layout_equal(layouts[0], layouts[2]));
    assert_false(tend_layout_equal(layouts[0], layouts[3]));
    for (size_t i = 0; i < 4; i++) {
        tend_layout_release(layouts[i]);
    }
}

static void the_stale_marker_is_a_nan_of_its_own(void **state)
{
    (void)state;
    assert_true(isnan(tend_stale()));
    assert_true(tend_is_stale(tend_stale()));
    assert_false(tend_is_stale(TEND_NO_DATA));
    assert_false(tend_is_stale(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_keep_their_order_and_are_found_by_label_set),
        cmocka_unit_test(a_layout_may_be_empty),
        cmocka_unit_test(layouts_are_equal_by_content_and_order),
        cmocka_unit_test(the_stale_marker_is_a_nan_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
