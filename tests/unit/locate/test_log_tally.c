// A tally: what is counted together, and how much of it.

#include "locate/log_tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int begin(void **state)
{
    static struct tend_log_tally tally;
    tend_log_tally_init(&tally);
    *state = &tally;
    return 0;
}

static int end(void **state)
{
    tend_log_tally_clear(*state);
    return 0;
}

static void count(struct tend_log_tally *tally, enum tend_line_level level, const char *text, int64_t at_ms)
{
    assert_int_equal(tend_log_tally_add(tally, level, text, strlen(text), at_ms, NULL), TEND_OK);
}

static void those_that_differ_in_a_word_that_varies_are_one(void **state)
{
    struct tend_log_tally *tally = *state;
    static const char *const users[] = { "ann", "bob", "ann", "carl", "dora", "bob" };
    for (size_t i = 0; i < sizeof users / sizeof *users; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "user %s logged in", users[i]);
        count(tally, TEND_LINE_INFO, text, (int64_t)i);
        count(tally, TEND_LINE_INFO, "a cache hit", (int64_t)i);
    }
    assert_int_equal(tally->count, 2);
    assert_string_equal(tally->counts[0].text, "user <word> logged in");
    assert_int_equal(tally->counts[0].lines, 6);
    assert_int_equal(tally->counts[0].first_ms, 0);
    assert_string_equal(tally->counts[1].text, "a cache hit");
    assert_int_equal(tally->counts[1].lines, 6);
}

static void a_tally_counts_by_level_and_template(void **state)
{
    (void)state;
    struct tend_log_tally tally;
    tend_log_tally_init(&tally);
    assert_int_equal(tend_log_tally_add(&tally, TEND_LINE_INFO, "begun", 5, 100, NULL), TEND_OK);
    assert_false(tally.is_grave);
    assert_int_equal(tend_log_tally_add(&tally, TEND_LINE_ERROR, "begun", 5, 200, NULL), TEND_OK);
    assert_int_equal(tend_log_tally_add(&tally, TEND_LINE_INFO, "begun", 5, 300, NULL), TEND_OK);
    assert_int_equal(tend_log_tally_add(&tally, TEND_LINE_INFO, "begu", 4, 300, NULL), TEND_OK);
    assert_int_equal(tally.count, 3);
    assert_true(tally.is_grave);
    assert_true(tally.counts[0].lines == 2 && tally.counts[0].first_ms == 100);
    assert_true(tally.counts[1].lines == 1 && tally.counts[1].level == TEND_LINE_ERROR);
    tend_log_tally_empty(&tally);
    assert_true(tally.count == 0 && !tally.is_grave);
    tend_log_tally_clear(&tally);
}

static void more_templates_than_fit_are_other_lines(void **state)
{
    (void)state;
    struct tend_log_tally tally;
    tend_log_tally_init(&tally);
    char text[32];
    for (int i = 0; i < 1000; i++) {
        const int bytes = snprintf(text, sizeof text, "%d", i);
        const enum tend_line_level level = i % 2 == 0 ? TEND_LINE_INFO : TEND_LINE_ERROR;
        assert_int_equal(tend_log_tally_add(&tally, level, text, (size_t)bytes, i, NULL), TEND_OK);
    }
    assert_int_equal(tally.count, TEND_LOG_TEMPLATES_MAX + 2);
    assert_string_equal(tally.counts[TEND_LOG_TEMPLATES_MAX].text, TEND_LOG_OTHER);
    assert_true(tally.counts[TEND_LOG_TEMPLATES_MAX].lines == 400);
    assert_true(tally.counts[TEND_LOG_TEMPLATES_MAX + 1].lines == 400);
    tend_log_tally_empty(&tally);
    assert_null(tally.counts); // what a burst took up is given back
    tend_log_tally_clear(&tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tally_counts_by_level_and_template),
        cmocka_unit_test(more_templates_than_fit_are_other_lines),
        cmocka_unit_test_setup_teardown(those_that_differ_in_a_word_that_varies_are_one, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
