// Facts about UTF-8.

#include "parse/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static bool valid(const char *text)
{
    return tend_utf8_valid(text, strlen(text));
}

static void utf8_has_shortest_forms_and_no_surrogates(void **state)
{
    (void)state;
    assert_true(valid(""));
    assert_true(valid("abc"));
    assert_true(valid("\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
    assert_true(tend_utf8_valid("a\0b", 3));
    const char *invalid[] = { "\x80",
                              "\xc0\x80",
                              "\xc1\xbf",
                              "\xc2",
                              "\xc2\x41",
                              "\xe0\x9f\xbf",
                              "\xed\xa0\x80",
                              "\xe2\x82",
                              "\xf0\x8f\xbf\xbf",
                              "\xf4\x90\x80\x80",
                              "\xf5\x80\x80",
                              "\xf8\x88\x80\x80",
                              "a\xff",
                              "\xe2\x28\xa1" };
    for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++) {
        assert_false(valid(invalid[i]));
    }
}

static void ascii_is_seen_at_every_place(void **state)
{
    (void)state;
    char text[40];
    memset(text, 'a', sizeof text);
    assert_true(tend_ascii_only(text, sizeof text));
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = '\x80';
        assert_false(tend_ascii_only(text, sizeof text));
        text[i] = 'a';
    }
}

static void code_points_are_counted(void **state)
{
    (void)state;
    const char *text = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";
    assert_int_equal(tend_utf8_count(text, strlen(text)), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_has_shortest_forms_and_no_surrogates),
        cmocka_unit_test(ascii_is_seen_at_every_place),
        cmocka_unit_test(code_points_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
