// Facts about line tables.

#include "series/line_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
    struct tend_line_table *table = NULL;
    if (tend_line_table_create(&table) != TEND_OK) {
        return -1;
    }
    *state = table;
    return 0;
}

static int teardown(void **state)
{
    tend_line_table_destroy(*state);
    return 0;
}

static void add_numbered(struct tend_line_table *table, unsigned from, unsigned till)
{
    for (unsigned i = from; i < till; i++) {
        char text[32];
        const int bytes = snprintf(text, sizeof text, "series{n=\"%u\"}", i);
        assert_int_equal(tend_line_table_add(table, text, (size_t)bytes, i), TEND_OK);
    }
}

static uint32_t find_numbered(const struct tend_line_table *table, unsigned number)
{
    char text[32];
    const int bytes = snprintf(text, sizeof text, "series{n=\"%u\"}", number);
    return tend_line_table_find(table, text, (size_t)bytes);
}

static void a_line_is_found_by_its_bytes(void **state)
{
    struct tend_line_table *table = *state;
    assert_int_equal(find_numbered(table, 0), TEND_NO_LINE);
    add_numbered(table, 0, 1000);
    for (unsigned i = 0; i < 1000; i++) {
        const uint32_t id = find_numbered(table, i);
        assert_int_equal(id, i);
        assert_int_equal(tend_line_table_line(table, id)->column, i);
    }
    assert_int_equal(find_numbered(table, 1000), TEND_NO_LINE);
    assert_true(tend_line_table_is(table, 7, "series{n=\"7\"}", 13));
    assert_false(tend_line_table_is(table, 7, "series{n=\"8\"}", 13));
    assert_false(tend_line_table_is(table, 7, "series{n=\"7\"} ", 14));
}

static void truncate_takes_back_the_newest(void **state)
{
    struct tend_line_table *table = *state;
    add_numbered(table, 0, 500);
    tend_line_table_truncate(table, 100);
    assert_int_equal(tend_line_table_count(table), 100);
    for (unsigned i = 0; i < 500; i++) {
        assert_int_equal(find_numbered(table, i), i < 100 ? i : TEND_NO_LINE);
    }
    add_numbered(table, 100, 600);
    for (unsigned i = 0; i < 600; i++) {
        assert_int_equal(find_numbered(table, i), i);
    }
}

static void keep_placed_forgets_the_others_and_keeps_the_order(void **state)
{
    struct tend_line_table *table = *state;
    add_numbered(table, 0, 1000);
    for (uint32_t id = 0; id < 1000; id += 10) {
        tend_line_table_line(table, id)->position = id;
    }
    tend_line_table_keep_placed(table);
    assert_int_equal(tend_line_table_count(table), 100);
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(find_numbered(table, i), i % 10 == 0 ? i / 10 : TEND_NO_LINE);
    }
    add_numbered(table, 2000, 3000);
    assert_int_equal(find_numbered(table, 2999), 1099);
}

static void keep_placed_may_keep_none(void **state)
{
    struct tend_line_table *table = *state;
    tend_line_table_keep_placed(table);
    add_numbered(table, 0, 100);
    tend_line_table_keep_placed(table);
    assert_int_equal(tend_line_table_count(table), 0);
    assert_int_equal(find_numbered(table, 5), TEND_NO_LINE);
    add_numbered(table, 0, 100);
    assert_int_equal(find_numbered(table, 99), 99);
}

static void an_empty_line_is_a_line(void **state)
{
    struct tend_line_table *table = *state;
    assert_int_equal(tend_line_table_add(table, "", 0, 3), TEND_OK);
    assert_int_equal(tend_line_table_find(table, "", 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_is_found_by_its_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(truncate_takes_back_the_newest, setup, teardown),
        cmocka_unit_test_setup_teardown(keep_placed_forgets_the_others_and_keeps_the_order, setup, teardown),
        cmocka_unit_test_setup_teardown(keep_placed_may_keep_none, setup, teardown),
        cmocka_unit_test_setup_teardown(an_empty_line_is_a_line, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
