// Facts about texts of a fixed size.

#include "base/json.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "seeded_random.h"

static void a_character_that_does_not_fit_is_left_out_whole(void **state)
{
    (void)state;
    char text[8];
    tend_text_format(text, sizeof text, "%s", "abcdef\u00e9"); // 6 bytes and 2
    assert_string_equal(text, "abcdef");
    tend_text_format(text, sizeof text, "%s", "abcde\u00e9");
    assert_string_equal(text, "abcde\u00e9");
    tend_text_format(text, sizeof text, "%s", "abcd\u20acxyz");
    assert_string_equal(text, "abcd\u20ac");
    tend_text_format(text, sizeof text, "%s", "abc\U0001f525\U0001f525");
    assert_string_equal(text, "abc\U0001f525");
}

static void a_byte_that_is_no_utf8_is_a_question_mark(void **state)
{
    (void)state;
    char text[64];
    tend_text_format(text, sizeof text, "a%cb", (char)0xff);
    assert_string_equal(text, "a?b");
    tend_text_format(text, sizeof text, "%s", "\xc0\xaf|\xed\xa0\x80|\xf4\x90\x80\x80|\xe9z|\x80");
    assert_string_equal(text, "??|???|????|?z|?");
}

static void any_bytes_become_a_text_that_json_takes(void **state)
{
    (void)state;
    seed_random(17);
    for (int i = 0; i < 20000; i++) {
        char bytes[24] = { 0 };
        char text[16];
        for (int j = 0; j < random_below(23); j++) {
            bytes[j] = (char)(random_below(2) ? 0xe0 + random_below(24) : 0x80 + random_below(128));
        }
        tend_text_format(text, sizeof text, "%s", bytes);
        json_t *string = json_string(text);
        assert_non_null(string);
        json_decref(string);
    }
}

static void a_message_that_is_too_long_ends_with_an_ellipsis_behind_a_whole_character(void **state)
{
    (void)state;
    char many[2000];
    for (size_t i = 0; i + 3 < sizeof many; i += 2) {
        memcpy(many + i, "\u00e9", 3);
    }
    for (int before = 0; before < 4; before++) {
        struct tend_error error;
        tend_error_set(&error, "%.*s%s", before, "xxxx", many);
        json_t *string = json_string(error.text);
        assert_non_null(string);
        json_decref(string);
        assert_string_equal(error.text + strlen(error.text) - 3, "\u2026");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_character_that_does_not_fit_is_left_out_whole),
        cmocka_unit_test(a_byte_that_is_no_utf8_is_a_question_mark),
        cmocka_unit_test(any_bytes_become_a_text_that_json_takes),
        cmocka_unit_test(a_message_that_is_too_long_ends_with_an_ellipsis_behind_a_whole_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
