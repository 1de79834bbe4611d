// Facts about log lines: what a target wrote can neither forge one nor drive a terminal.

#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void assert_escaped_bytes(const char *text, size_t count, const char *expected)
{
    struct tend_buffer out;
    tend_buffer_init(&out);
    tend_log_escape(&out, text, count);
    assert_string_equal(tend_buffer_text(&out), expected);
    tend_buffer_clear(&out);
}

static void assert_escaped(const char *text, const char *expected)
{
    assert_escaped_bytes(text, strlen(text), expected);
}

static void plain_text_stays(void **state)
{
    (void)state;
    assert_escaped("127.0.0.1:9100", "127.0.0.1:9100");
    assert_escaped("caf\xc3\xa9", "caf\xc3\xa9");
}

static void text_with_a_space_and_no_text_stand_in_quotes(void **state)
{
    (void)state;
    assert_escaped("two words", "\"two words\"");
    assert_escaped("", "\"\"");
}

static void control_characters_are_escaped(void **state)
{
    (void)state;
    assert_escaped("a\nb", "a\\x0ab");
    assert_escaped("\x1b[2J", "\\x1b[2J");
    assert_escaped("\x7f", "\\x7f");
    assert_escaped("\xc2\x9b", "\\xc2\\x9b"); // CSI as one C1 character
    assert_escaped_bytes("a\0b", 3, "a\\x00b");
}

static void characters_that_disguise_others_are_escaped(void **state)
{
    (void)state;
    assert_escaped("a\xe2\x80\xae"
                   "b",
                   "a\\xe2\\x80\\xaeb");                            // right-to-left override
    assert_escaped("\xe2\x81\xa6", "\\xe2\\x81\\xa6");              // left-to-right isolate
    assert_escaped("\xd8\x9c", "\\xd8\\x9c");                       // Arabic letter mark
    assert_escaped("\xe2\x80\xa8", "\\xe2\\x80\\xa8");              // line separator
    assert_escaped("\xe2\x80\xa6\xd7\x90", "\xe2\x80\xa6\xd7\x90"); // an ellipsis and a Hebrew letter stay
}

static void quotes_and_backslashes_are_escaped(void **state)
{
    (void)state;
    assert_escaped("a\"b\\c", "a\\x22b\\x5cc");
}

static void what_is_no_utf8_is_escaped(void **state)
{
    (void)state;
    assert_escaped("\xff\xc3", "\\xff\\xc3");
    assert_escaped("\xc0\x80", "\\xc0\\x80");
    assert_escaped("\xed\xa0\x80", "\\xed\\xa0\\x80");
    assert_escaped("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
}

// What tend_log writes while `level` is the lowest that is shown.
static size_t logged(enum tend_log_level lowest, enum tend_log_level level, const char *message, char *out, size_t room)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const int saved = dup(STDERR_FILENO);
    assert_true(saved >= 0);
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    assert_int_equal(close(ends[1]), 0);
    tend_log_set_level(lowest);
    tend_log(level, "%s", message);
    tend_log_set_level(TEND_LOG_INFO);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    assert_int_equal(close(saved), 0);
    const ssize_t count = read(ends[0], out, room - 1); // a line is shorter than a pipe holds
    assert_true(count >= 0);
    assert_int_equal(close(ends[0]), 0);
    out[count] = '\0';
    return (size_t)count;
}

static void a_message_is_one_line_with_its_time_and_level(void **state)
{
    (void)state;
    char line[512];
    (void)logged(TEND_LOG_INFO, TEND_LOG_WARN, "scrape failed\nforged", line, sizeof line);
    const char *shape = "0000-00-00T00:00:00.000Z warn  scrape failed\\x0aforged\n";
    assert_int_equal(strlen(line), strlen(shape));
    for (size_t i = 0; i < strlen(shape); i++) {
        if (shape[i] == '0' && i < 24) {
            assert_in_range(line[i], '0', '9');
        } else {
            assert_int_equal(line[i], shape[i]);
        }
    }
}

static void levels_below_the_lowest_are_not_written(void **state)
{
    (void)state;
    char line[512];
    assert_int_equal(logged(TEND_LOG_WARN, TEND_LOG_INFO, "quiet", line, sizeof line), 0);
    assert_int_not_equal(logged(TEND_LOG_WARN, TEND_LOG_ERROR, "loud", line, sizeof line), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_stays),
        cmocka_unit_test(text_with_a_space_and_no_text_stand_in_quotes),
        cmocka_unit_test(control_characters_are_escaped),
        cmocka_unit_test(characters_that_disguise_others_are_escaped),
        cmocka_unit_test(quotes_and_backslashes_are_escaped),
        cmocka_unit_test(what_is_no_utf8_is_escaped),
        cmocka_unit_test(a_message_is_one_line_with_its_time_and_level),
        cmocka_unit_test(levels_below_the_lowest_are_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
