// Facts about selectors. A series is written here as in an exposition: name and label pairs.

#include "failing_allocation.h"

#include "base/buffer.h"
#include "parse/selector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool selects_bytes(const char *selector_text, size_t bytes, const char *name, const char *label,
                          const char *value, size_t value_bytes)
{
    struct tend_selector *selector = NULL;
    struct tend_error error = { "" };
    if (tend_selector_parse(selector_text, bytes, &selector, &error) != TEND_OK) {
        fail_msg("%s: %s", selector_text, error.text);
    }
    const struct tend_label labels[] = {
        { "job", 3, "shop", 4 },
        { label, strlen(label), value, value_bytes },
    };
    const bool selected = tend_selector_matches(selector, name, strlen(name), labels, *label == '\0' ? 1 : 2);
    tend_selector_destroy(selector);
    return selected;
}

// Every series here has job="shop", and one more label unless `label` is "".
static bool selects(const char *selector_text, const char *name, const char *label, const char *value)
{
    return selects_bytes(selector_text, strlen(selector_text), name, label, value, strlen(value));
}

static void assert_refused(const char *text, const char *why)
{
    struct tend_selector *selector = NULL;
    struct tend_error error = { "" };
    assert_int_equal(tend_selector_parse(text, strlen(text), &selector, &error), TEND_E_INVALID);
    assert_null(selector);
    if (strstr(error.text, why) == NULL) {
        fail_msg("%s: the message is '%s', expected '%s' in it", text, error.text, why);
    }
}

static void a_name_alone_selects_all_series_of_that_name(void **state)
{
    (void)state;
    assert_true(selects("http_requests_total", "http_requests_total", "code", "200"));
    assert_false(selects("http_requests_total", "http_requests", "code", "200"));
    assert_true(selects("  job:http:rate5m ", "job:http:rate5m", "", ""));
}

static void equality_and_its_negation(void **state)
{
    (void)state;
    assert_true(selects("x{code=\"200\"}", "x", "code", "200"));
    assert_false(selects("x{code=\"200\"}", "x", "code", "500"));
    assert_false(selects("x{code!=\"200\"}", "x", "code", "200"));
    assert_true(selects("x{code!=\"200\"}", "x", "code", "500"));
    assert_false(selects("x{code=\"200\"}", "x", "code", "2000"));
}

static void regular_expressions_match_the_whole_value(void **state)
{
    (void)state;
    assert_true(selects("x{code=~\"5..\"}", "x", "code", "503"));
    assert_false(selects("x{code=~\"5..\"}", "x", "code", "5030"));
    assert_false(selects("x{code=~\"5..\"}", "x", "code", "1503"));
    assert_true(selects("x{code=~\"50|503\"}", "x", "code", "503")); // the shorter alternative first
    assert_true(selects("x{code!~\"5..\"}", "x", "code", "200"));
    assert_false(selects("x{code!~\"5..\"}", "x", "code", "500"));
}

static void a_final_line_break_is_part_of_the_value(void **state)
{
    (void)state;
    assert_false(selects("x{code=~\"500\"}", "x", "code", "500\n"));
    assert_true(selects("x{code=~\"5.*\"}", "x", "code", "500\n"));
}

static void a_missing_label_is_the_empty_one(void **state)
{
    (void)state;
    assert_true(selects("x{code=\"\"}", "x", "", ""));
    assert_true(selects("x{code!=\"500\"}", "x", "", ""));
    assert_true(selects("x{code=~\".*\"}", "x", "", ""));
    assert_false(selects("x{code=~\".+\"}", "x", "", ""));
}

static void all_matchers_must_hold(void **state)
{
    (void)state;
    assert_true(selects("x{job=\"shop\", code=~\"5..\",}", "x", "code", "500"));
    assert_false(selects("x{job=\"cart\", code=~\"5..\"}", "x", "code", "500"));
    assert_false(selects("x{code=~\"5..\",code!=\"500\"}", "x", "code", "500"));
}

static void the_name_may_stand_between_the_braces(void **state)
{
    (void)state;
    assert_true(selects("{__name__=\"x\"}", "x", "", ""));
    assert_true(selects("{\"x.y\"}", "x.y", "", ""));
    assert_true(selects("{job=\"shop\",\"x.y\"}", "x.y", "", ""));
    assert_true(selects("{__name__=~\"x_.*\"}", "x_total", "", ""));
    assert_false(selects("{__name__!=\"x\",job=\"shop\"}", "x", "", ""));
    assert_true(selects("{\"x\",\"label.dotted\"=\"1\"}", "x", "label.dotted", "1"));
}

static void strings_have_three_quotes_and_escapes_of_go(void **state)
{
    (void)state;
    assert_true(selects("x{a='it\\'s'}", "x", "a", "it's"));
    assert_true(selects("x{a=`raw\\n`}", "x", "a", "raw\\n"));
    assert_true(selects("x{a=\"\\t\\x41\\101\\u00e9\\U0001F600\"}", "x", "a", "\tAA\xc3\xa9\xf0\x9f\x98\x80"));
    assert_true(selects("x{path=~\"/a\\\\.b\"}", "x", "path", "/a.b"));
    assert_false(selects("x{path=~\"/a\\\\.b\"}", "x", "path", "/aXb"));
}

static void values_may_hold_nul_bytes(void **state)
{
    (void)state;
    const char text[] = "x{a=\"b\\000c\"}";
    assert_true(selects_bytes(text, sizeof text - 1, "x", "a", "b\0c", 3));
    assert_false(selects_bytes(text, sizeof text - 1, "x", "a", "b", 1));
}

static void mistakes_are_told_with_their_column(void **state)
{
    (void)state;
    assert_refused("", ":1: the selector is empty");
    assert_refused("x{a=\"b", ":7: the string is not closed");
    assert_refused("x{a=\"b\"", ":8: the \"{\" is not closed");
    assert_refused("x{a=b}", ":5: expected a string in quotes");
    assert_refused("x{a\"b\"}", ":4: expected =, !=, =~ or !~");
    assert_refused("x{1a=\"b\"}", ":3: expected a label's name");
    assert_refused("x{a=\"b\"c=\"d\"}", ":8: expected \",\" or \"}\"");
    assert_refused("x{,}", ":3: expected a label's name");
    assert_refused("x{a=\"\\z\"}", "unknown escape");
    assert_refused("x{a=~\"(\"}", ":6: the regular expression is wrong at its character 2");
    assert_refused("x[5m]", ":2: a selector has no range");
    assert_refused("rate(x)", ":5: a selector is no expression");
    assert_refused("x + y", ":3: something follows");
    assert_refused("x{__name__=\"y\"}", "name is there twice");
    assert_refused("9x", ":1: expected a metric's name");
    assert_refused("x{a=\"\xff\"}", "not valid UTF-8");
}

static void what_selects_every_series_is_refused(void **state)
{
    (void)state;
    assert_refused("{}", "every series");
    assert_refused("{a=~\".*\"}", "every series");
    assert_refused("{a!=\"b\"}", "every series");
}

static void the_name_is_known_when_it_is_exact(void **state)
{
    (void)state;
    struct tend_selector *selector = NULL;
    assert_int_equal(tend_selector_parse("x{a='b'}", 8, &selector, NULL), TEND_OK);
    assert_string_equal(tend_selector_name(selector), "x");
    tend_selector_destroy(selector);
    assert_int_equal(tend_selector_parse("{__name__=~'x'}", 15, &selector, NULL), TEND_OK);
    assert_null(tend_selector_name(selector));
    tend_selector_destroy(selector);
}

static void a_suffix_goes_to_the_name(void **state)
{
    (void)state;
    struct tend_selector *selector = NULL;
    assert_int_equal(tend_selector_parse_with_suffix("x{a='b'}", "_sum", &selector, NULL), TEND_OK);
    assert_string_equal(tend_selector_name(selector), "x_sum");
    const struct tend_label label = { "a", 1, "b", 1 };
    assert_true(tend_selector_matches(selector, "x_sum", 5, &label, 1));
    assert_false(tend_selector_matches(selector, "x", 1, &label, 1));
    tend_selector_destroy(selector);
    struct tend_error error = { "" };
    assert_int_equal(tend_selector_parse_with_suffix("{a='b'}", "_sum", &selector, &error), TEND_E_INVALID);
    assert_non_null(strstr(error.text, "exact metric name"));
}

static void a_pattern_that_explodes_selects_nothing_and_ends(void **state)
{
    (void)state;
    char value[64];
    memset(value, 'a', sizeof value - 2);
    value[sizeof value - 2] = 'b';
    value[sizeof value - 1] = '\0';
    assert_false(selects("x{a=~\"(a+)+[cd]\"}", "x", "a", value));
    assert_false(selects("x{a!~\"(a+)+[cd]\"}", "x", "a", value));
}

static void more_than_64_matchers_are_too_many(void **state)
{
    (void)state;
    struct tend_buffer text;
    tend_buffer_init(&text);
    tend_buffer_put_text(&text, "x{");
    for (int i = 0; i < 64; i++) {
        tend_buffer_put_text(&text, "a=\"b\",");
    }
    tend_buffer_put_text(&text, "}");
    struct tend_selector *selector = NULL;
    assert_int_equal(tend_selector_parse(text.data, text.size, &selector, NULL), TEND_E_LIMIT); // the name is one too
    assert_null(selector);
    tend_buffer_clear(&text);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    if (!TEND_CAN_FAIL_ALLOCATIONS) {
        print_message("skipped: allocations cannot be made to fail under the sanitizers\n");
        skip();
    }
    const char *text = "x{a=\"b\",c=~\"d.*\",'e'!=`f`}";
    long failed_ones = 0;
    for (;; failed_ones++) {
        struct tend_selector *selector = NULL;
        struct tend_error error = { "" };
        fail_allocation_after(failed_ones);
        const enum tend_status status = tend_selector_parse(text, strlen(text), &selector, &error);
        fail_allocation_after(-1);
        if (status == TEND_OK) {
            tend_selector_destroy(selector);
            break;
        }
        assert_null(selector);
        if (status != TEND_E_NOMEM) {
            fail_msg("after %ld allocations: %s", failed_ones, error.text);
        }
    }
    assert_true(failed_ones > 10);
}

static void a_selector_is_written_as_rules_have_it(void **state)
{
    (void)state;
    static const char *const texts[][2] = {
        { "x", "x" },
        { "x{a='b', c!=\"d\",e=~\"f|g\",h!~'',}", "x{a=\"b\",c!=\"d\",e=~\"f|g\",h!~\"\"}" },
        { "{__name__=~'x.*'}", "{__name__=~\"x.*\"}" },
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct tend_selector *selector = NULL;
        struct tend_buffer out;
        tend_buffer_init(&out);
        assert_int_equal(tend_selector_parse(texts[i][0], strlen(texts[i][0]), &selector, NULL), TEND_OK);
        tend_selector_format(selector, &out);
        assert_string_equal(tend_buffer_text(&out), texts[i][1]);
        tend_buffer_clear(&out);
        tend_selector_destroy(selector);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_selector_is_written_as_rules_have_it),
        cmocka_unit_test(a_name_alone_selects_all_series_of_that_name),
        cmocka_unit_test(equality_and_its_negation),
        cmocka_unit_test(regular_expressions_match_the_whole_value),
        cmocka_unit_test(a_final_line_break_is_part_of_the_value),
        cmocka_unit_test(a_missing_label_is_the_empty_one),
        cmocka_unit_test(all_matchers_must_hold),
        cmocka_unit_test(the_name_may_stand_between_the_braces),
        cmocka_unit_test(strings_have_three_quotes_and_escapes_of_go),
        cmocka_unit_test(values_may_hold_nul_bytes),
        cmocka_unit_test(mistakes_are_told_with_their_column),
        cmocka_unit_test(what_selects_every_series_is_refused),
        cmocka_unit_test(the_name_is_known_when_it_is_exact),
        cmocka_unit_test(a_suffix_goes_to_the_name),
        cmocka_unit_test(a_pattern_that_explodes_selects_nothing_and_ends),
        cmocka_unit_test(more_than_64_matchers_are_too_many),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
