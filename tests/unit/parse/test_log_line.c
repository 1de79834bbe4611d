// What lines of all kinds of loggers say: how grave it is, and the message.

#include "parse/log_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char scratch[TEND_LINE_MESSAGE_BYTES];

static struct tend_line read_as(const char *text, enum tend_line_format format)
{
    struct tend_line line;
    tend_line_read(text, strlen(text), format, scratch, &line);
    return line;
}

static void assert_line(const char *text, enum tend_line_level level, const char *message)
{
    const struct tend_line line = read_as(text, TEND_LINE_ANY);
    if (line.level != level || line.bytes != strlen(message) || memcmp(line.message, message, line.bytes) != 0) {
        fail_msg("%s: level %d, message %.*s", text, (int)line.level, (int)line.bytes, line.message);
    }
}

static void plain_lines_tell_their_level_early(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum tend_line_level level;
    } rows[] = {
        { "2026-03-02T02:00:00Z ERROR cannot reach ledger", TEND_LINE_ERROR },
        { "2026-03-02 02:00:00,123 WARN  c.e.Shop - slow", TEND_LINE_WARNING },
        { "INFO begun", TEND_LINE_INFO },
        { "[error] 12#12: *3 connect() failed", TEND_LINE_ERROR },
        { "[ warn ] low", TEND_LINE_INFO }, // no word that stands in its brackets
        { "error: no such file", TEND_LINE_ERROR },
        { "level=error msg=\"gone\"", TEND_LINE_ERROR },
        { "ts=1 level=\"warning\" msg=x", TEND_LINE_WARNING },
        { "E0302 02:00:00.123456    1 main.go:7] gone", TEND_LINE_ERROR },
        { "W0302 02:00:00.123456    1 main.go:7] soon gone", TEND_LINE_WARNING },
        { "I0302 02:00:00.123456    1 main.go:7] fine", TEND_LINE_INFO },
        { "Mar  2 02:00:00 vm1 kernel: FATAL it is over", TEND_LINE_ERROR },
        { "panic: runtime error: index out of range", TEND_LINE_ERROR },
        { "ValueError: bad amount", TEND_LINE_ERROR },
        { "java.io.IOException: Broken pipe", TEND_LINE_ERROR },
        { "Traceback (most recent call last):", TEND_LINE_ERROR },
        { "no error so far, and no warning", TEND_LINE_INFO },
        { "errors 0 of 12", TEND_LINE_INFO },
        { "DEBUG error handler is set", TEND_LINE_INFO }, // the first word that is meant as a level counts
        { "<crit> disk", TEND_LINE_ERROR },
        { "03:00:00 FINE nothing", TEND_LINE_INFO },
        { "", TEND_LINE_INFO },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_line(rows[i].text, rows[i].level, rows[i].text);
    }
}

static void members_of_json_tell_level_and_message(void **state)
{
    (void)state;
    assert_line("{\"level\":\"error\",\"msg\":\"gone\"}", TEND_LINE_ERROR, "gone");
    assert_line("{ \"ts\" : 1.5 , \"severity\" : \"WARNING\" , \"message\" : \"low\" }", TEND_LINE_WARNING, "low");
    assert_line("{\"lvl\":\"info\",\"a\":{\"msg\":\"not this\"},\"b\":[{\"level\":\"error\"}],\"msg\":\"fine\"}",
                TEND_LINE_INFO, "fine");
    assert_line("{\"msg\":\"second\",\"message\":\"first\",\"level\":\"debug\"}", TEND_LINE_INFO, "first");
    assert_line("{\"level\":50,\"msg\":\"as pino counts\"}", TEND_LINE_ERROR, "as pino counts");
    assert_line("{\"level\":30,\"msg\":\"as pino counts\"}", TEND_LINE_INFO, "as pino counts");
    assert_line("{\"level\":3,\"msg\":\"as syslog counts\"}", TEND_LINE_ERROR, "as syslog counts");
    assert_line("{\"level\":6,\"msg\":\"as syslog counts\"}", TEND_LINE_INFO, "as syslog counts");
    assert_line("{\"msg\":\"a \\\"b\\\" \\\\ \\u00e9 \\n c\"}", TEND_LINE_INFO, "a \"b\" \\ ?   c");
    assert_line("{\"msg\":\"ERROR by its words\"}", TEND_LINE_ERROR, "ERROR by its words");
    assert_line("{\"level\":\"error\"}", TEND_LINE_ERROR, "{\"level\":\"error\"}");
    assert_line("{}", TEND_LINE_INFO, "{}");
    static const char *const no_errors[] = { "silly", "success", "config", "fine", "debug", "trace", "notice", "" };
    for (size_t i = 0; i < sizeof no_errors / sizeof no_errors[0]; i++) {
        assert_int_equal(tend_line_level_of(no_errors[i], strlen(no_errors[i])), TEND_LINE_INFO);
    }
    static const char *const errors[] = { "E", "ERR", "Error", "emerg", "F", "fatal", "critical", "panic", "SEVERE" };
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        assert_int_equal(tend_line_level_of(errors[i], strlen(errors[i])), TEND_LINE_ERROR);
    }
    assert_int_equal(tend_line_level_of("W", 1), TEND_LINE_WARNING);
}

static void what_containers_put_around_a_line_is_taken_off(void **state)
{
    (void)state;
    assert_line("2026-03-02T02:00:00.123456789Z stderr F ERROR gone", TEND_LINE_ERROR, "ERROR gone");
    assert_line("2026-03-02T02:00:00.123456789+01:00 stdout F {\"level\":\"warn\",\"msg\":\"low\"}", TEND_LINE_WARNING,
                "low");
    assert_line("{\"log\":\"ERROR gone\\n\",\"stream\":\"stderr\",\"time\":\"2026-03-02T02:00:00Z\"}", TEND_LINE_ERROR,
                "ERROR gone ");
    assert_line("{\"log\":\"{\\\"level\\\":\\\"error\\\",\\\"msg\\\":\\\"gone "
                "\\\\\\\"x\\\\\\\"\\\"}\\n\",\"stream\":\"stdout\"}",
                TEND_LINE_ERROR, "gone \"x\"");
}

static void what_is_no_json_is_plain(void **state)
{
    (void)state;
    static const char *const texts[] = { "{\"msg\":\"cut",
                                         "{\"msg\" \"x\"}",
                                         "{msg:1}",
                                         "{\"msg\":}",
                                         "{\"a\":[}",
                                         "{\"level\":\"error\",",
                                         "{",
                                         "{\"a\\",
                                         "[1]" };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_line(texts[i], TEND_LINE_INFO, texts[i]);
    }
    const char *json = "{\"level\":\"error\",\"msg\":\"gone\"}";
    assert_int_equal(read_as(json, TEND_LINE_PLAIN).bytes, strlen(json));
}

static void a_line_that_begins_with_a_blank_continues_the_one_before(void **state)
{
    (void)state;
    assert_true(read_as("\tat shop.Cart.add(Cart.java:12)", TEND_LINE_ANY).continues);
    assert_true(read_as("  File \"cart.py\", line 3", TEND_LINE_ANY).continues);
    assert_true(read_as("\r", TEND_LINE_ANY).continues);
    assert_false(read_as("at last", TEND_LINE_ANY).continues);
}

static void any_bytes_are_safe(void **state)
{
    (void)state;
    static char bytes[70000];
    memset(bytes, '[', sizeof bytes);
    bytes[0] = '{';
    bytes[1] = bytes[3] = '"';
    bytes[4] = ':';
    struct tend_line line;
    tend_line_read(bytes, sizeof bytes, TEND_LINE_ANY, scratch, &line);
    assert_int_equal(line.bytes, TEND_LINE_MESSAGE_BYTES);
    memset(bytes, 'x', sizeof bytes);
    for (size_t i = 0; i < 8; i++) {
        bytes[i] = "{\"msg\":\""[i];
    }
    bytes[sizeof bytes - 2] = '"';
    bytes[sizeof bytes - 1] = '}';
    tend_line_read(bytes, sizeof bytes, TEND_LINE_ANY, scratch, &line);
    assert_int_equal(line.bytes, TEND_LINE_MESSAGE_BYTES);
    tend_line_read("ERROR\0\xff\xfe", 8, TEND_LINE_ANY, scratch, &line);
    assert_int_equal(line.level, TEND_LINE_ERROR);
    assert_int_equal(line.bytes, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_lines_tell_their_level_early),
        cmocka_unit_test(members_of_json_tell_level_and_message),
        cmocka_unit_test(what_containers_put_around_a_line_is_taken_off),
        cmocka_unit_test(what_is_no_json_is_plain),
        cmocka_unit_test(a_line_that_begins_with_a_blank_continues_the_one_before),
        cmocka_unit_test(any_bytes_are_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
