// Facts about text sets.

#include "parse/text_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static bool add(struct tend_text_set *set, const char *text, size_t bytes)
{
    bool added = false;
    assert_int_equal(tend_text_set_add(set, text, bytes, &added), TEND_OK);
    return added;
}

static void a_string_is_added_once(void **state)
{
    (void)state;
    struct tend_text_set set;
    tend_text_set_init(&set);
    assert_true(add(&set, "a", 1));
    assert_false(add(&set, "a", 1));
    assert_true(add(&set, "a\0", 2));
    assert_true(add(&set, "", 0));
    assert_false(add(&set, "", 0));
    tend_text_set_clear(&set);
}

static void many_strings_are_all_known(void **state)
{
    (void)state;
    struct tend_text_set set;
    tend_text_set_init(&set);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 5000; i++) {
            char text[16];
            const int bytes = snprintf(text, sizeof text, "%d", i);
            assert_int_equal(add(&set, text, (size_t)bytes), round == 0);
        }
    }
    tend_text_set_clear(&set);
}

static void after_a_reset_all_is_new(void **state)
{
    (void)state;
    struct tend_text_set set;
    tend_text_set_init(&set);
    for (int i = 0; i < 100; i++) {
        assert_true(add(&set, "a", 1));
        tend_text_set_reset(&set);
    }
    assert_int_equal(set.count, 0);
    set.generation = UINT32_MAX; // the next reset wraps
    assert_true(add(&set, "a", 1));
    tend_text_set_reset(&set);
    assert_true(add(&set, "a", 1));
    assert_false(add(&set, "a", 1));
    tend_text_set_clear(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_string_is_added_once),
        cmocka_unit_test(many_strings_are_all_known),
        cmocka_unit_test(after_a_reset_all_is_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
