// Facts about durations.

#include "parse/duration.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void assert_duration(const char *text, int64_t expected_ms)
{
    int64_t got_ms = -1;
    struct tend_error error = { "" };
    if (tend_duration_parse(text, strlen(text), &got_ms, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    assert_int_equal(got_ms, expected_ms);
}

static void assert_refused(const char *text, const char *message)
{
    int64_t untouched_ms = 77;
    struct tend_error error = { "" };
    assert_int_equal(tend_duration_parse(text, strlen(text), &untouched_ms, &error), TEND_E_INVALID);
    assert_int_equal(untouched_ms, 77);
    assert_string_equal(error.text, message);
}

static void every_unit_is_known(void **state)
{
    (void)state;
    assert_duration("250ms", 250);
    assert_duration("30s", 30000);
    assert_duration("2m", 120000);
    assert_duration("1h", 3600000);
    assert_duration("1d", 86400000);
    assert_duration("1w", 604800000);
}

static void parts_add_up(void **state)
{
    (void)state;
    assert_duration("1m30s", 90000);
    assert_duration("1w1d1h1m1s1ms", 604800000 + 86400000 + 3600000 + 60000 + 1000 + 1);
    assert_duration("0s", 0);
}

static void the_last_part_may_have_a_fraction(void **state)
{
    (void)state;
    assert_duration("1.5h", 5400000);
    assert_duration("1.1h", 3960000); // exact, though 1.1 is no double
    assert_duration("1m0.5s", 60500);
    assert_duration("0.0005s", 1);
    assert_duration(".5s", 500);
}

static void a_missing_unit_is_told_with_the_remedy(void **state)
{
    (void)state;
    assert_refused("15", "\"15\" has no unit; write \"15s\"");
    assert_refused("1m30", "\"1m30\" has no unit; write \"1m30s\"");
    assert_refused("0", "\"0\" has no unit; write \"0s\"");
}

static void other_mistakes_are_told(void **state)
{
    (void)state;
    assert_refused("", "\"\" is no duration; write it like \"30s\"");
    assert_refused("-5s", "\"-5s\" is negative; a duration is 0 or more");
    assert_refused("s", "\"s\" is no duration; write it like \"30s\" or \"1m30s\"");
    assert_refused("5 s", "\"5 s\" has an unknown unit; units are ms, s, m, h, d and w, without blanks");
    assert_refused("5S", "\"5S\" has an unknown unit; units are ms, s, m, h, d and w, without blanks");
    assert_refused("1s1m", "\"1s1m\" has its parts in the wrong order; they go from large to small, each unit once");
    assert_refused("1s1s", "\"1s1s\" has its parts in the wrong order; they go from large to small, each unit once");
    assert_refused("1.5m3s", "\"1.5m3s\" has a fraction before its last part; only the last part may have one");
    assert_refused("0.1ms", "\"0.1ms\" is less than a millisecond; the shortest duration is \"1ms\"");
    assert_refused("1.s", "\"1.s\" is no duration; write it like \"30s\" or \"1m30s\"");
    assert_refused("1\x1b[2Js", "\"1\\x1b[2Js\" has an unknown unit; units are ms, s, m, h, d and w, without blanks");
}

static void a_hundred_years_are_the_limit(void **state)
{
    (void)state;
    int64_t got_ms = 0;
    assert_duration("36500d", TEND_DURATION_MAX_MS);
    assert_int_equal(tend_duration_parse("36501d", 6, &got_ms, NULL), TEND_E_LIMIT);
    assert_int_equal(tend_duration_parse("99999999999999999999w", 21, &got_ms, NULL), TEND_E_LIMIT);
    assert_int_equal(tend_duration_parse("36500d1ms", 9, &got_ms, NULL), TEND_E_LIMIT);
}

static void assert_text(int64_t duration_ms, const char *expected)
{
    char text[TEND_DURATION_TEXT_BYTES];
    assert_string_equal(tend_duration_format(duration_ms, text), expected);
}

static void durations_are_written_for_people(void **state)
{
    (void)state;
    assert_text(0, "0s");
    assert_text(90000, "1m30s");
    assert_text(1500, "1s500ms");
    assert_text(129600000, "1d12h");
    assert_text(604800000, "1w");
    assert_text(691200000, "8d");
    assert_text(-250, "-250ms");
    assert_text(INT64_MIN, "-106751991167d7h12m55s808ms");
}

static void what_was_written_reads_back(void **state)
{
    (void)state;
    uint64_t seed = 20240917; // any; the values do not depend on the clock
    for (int i = 0; i < 20000; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        const int64_t duration_ms = (int64_t)((seed >> 20) % (uint64_t)TEND_DURATION_MAX_MS) >> (i % 40);
        char text[TEND_DURATION_TEXT_BYTES];
        assert_duration(tend_duration_format(duration_ms, text), duration_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_unit_is_known),
        cmocka_unit_test(parts_add_up),
        cmocka_unit_test(the_last_part_may_have_a_fraction),
        cmocka_unit_test(a_missing_unit_is_told_with_the_remedy),
        cmocka_unit_test(other_mistakes_are_told),
        cmocka_unit_test(a_hundred_years_are_the_limit),
        cmocka_unit_test(durations_are_written_for_people),
        cmocka_unit_test(what_was_written_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
