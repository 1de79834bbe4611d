// Facts about moments.

#include "parse/moment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BEGUN_MS INT64_C(1772445600000) // 2026-03-02 10:00:00 UTC

static void assert_moment(const char *text, const struct tend_zone *zone, int64_t expected_ms)
{
    int64_t got_ms = -1;
    struct tend_error error = { "" };
    if (tend_moment_parse(text, strlen(text), zone, &got_ms, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    if (got_ms != expected_ms) {
        fail_msg("%s: %lld and not %lld", text, (long long)got_ms, (long long)expected_ms);
    }
}

static void times_with_a_zone_are_of_that_zone(void **state)
{
    (void)state;
    assert_moment("2026-03-02T10:00:00Z", NULL, BEGUN_MS);
    assert_moment("2026-03-02T11:00:00+01:00", NULL, BEGUN_MS);
    assert_moment("2026-03-02t04:30:00-0530", NULL, BEGUN_MS);
    assert_moment("2026-03-02 12:00+02", NULL, BEGUN_MS);
}

static void times_without_a_zone_are_utc_or_of_the_zone_that_is_given(void **state)
{
    (void)state;
    struct tend_zone *zone = NULL;
    assert_int_equal(tend_zone_create_fixed(3600, &zone), TEND_OK);
    assert_moment("2026-03-02 10:00", NULL, BEGUN_MS);
    assert_moment("2026-03-02 11:00", zone, BEGUN_MS);
    assert_moment("2026-03-02T10:00:00Z", zone, BEGUN_MS); // its own zone counts
    assert_moment("1772445600", zone, BEGUN_MS);
    tend_zone_destroy(zone);
}

static void parts_may_be_left_out_from_the_right(void **state)
{
    (void)state;
    assert_moment("2026-03-02", NULL, BEGUN_MS - INT64_C(10) * 3600 * 1000);
    assert_moment("2026-03-02T10:00", NULL, BEGUN_MS);
    assert_moment("2026-03-02T10:00:05.25Z", NULL, BEGUN_MS + 5250);
    assert_moment("2026-03-02T10:00:05,2507Z", NULL, BEGUN_MS + 5250);
}

static void the_size_of_a_number_says_what_it_counts_since_1970(void **state)
{
    (void)state;
    assert_moment("1772445600", NULL, BEGUN_MS);
    assert_moment("1772445600.25", NULL, BEGUN_MS + 250);
    assert_moment("1772445600000", NULL, BEGUN_MS);
    assert_moment("1772445600250999", NULL, BEGUN_MS + 250); // microseconds
    assert_moment("1772445600250000000", NULL, BEGUN_MS + 250);
    assert_moment("1772445600250999000", NULL, BEGUN_MS + 250);
    assert_moment("1.7724456e9", NULL, BEGUN_MS);
    assert_moment("99999999999", NULL, INT64_C(99999999999000)); // the last that are seconds: in 5138
    assert_moment("100000000000", NULL, INT64_C(100000000000));  // the first that are milliseconds: in 1973
    assert_moment("99999999999999", NULL, INT64_C(99999999999999));
    assert_moment("100000000000000", NULL, INT64_C(100000000000)); // microseconds
    assert_moment("100000000000000000", NULL, INT64_C(100000000000));
    assert_moment("0", NULL, 0);
}

static void the_times_of_a_file_are_of_one_form(void **state)
{
    (void)state;
    enum tend_moment_form form = TEND_MOMENT_ANY;
    struct tend_error error = { "" };
    int64_t at_ms = 0;
    assert_int_equal(tend_moment_parse_alike("1772445600000", 13, NULL, &form, &at_ms, &error), TEND_OK);
    assert_int_equal(form, TEND_MOMENT_MILLISECONDS);
    assert_int_equal(tend_moment_parse_alike("1772445605000", 13, NULL, &form, &at_ms, &error), TEND_OK);
    assert_int_equal(at_ms, BEGUN_MS + 5000);
    assert_int_equal(tend_moment_parse_alike("1772445610", 10, NULL, &form, &at_ms, &error), TEND_E_INVALID);
    assert_string_equal(error.text,
                        "\"1772445610\" is another kind of time than those before it: seconds, not milliseconds");
    assert_int_equal(tend_moment_parse_alike("2026-03-02", 10, NULL, &form, &at_ms, &error), TEND_E_INVALID);
    assert_string_equal(error.text,
                        "\"2026-03-02\" is another kind of time than those before it: a date, not milliseconds");
    assert_int_equal(at_ms, BEGUN_MS + 5000);
    assert_int_equal(form, TEND_MOMENT_MILLISECONDS);
}

static void numbers_of_json_are_read_as_their_text_is(void **state)
{
    (void)state;
    struct tend_error error = { "" };
    int64_t at_ms = 0;
    assert_int_equal(tend_moment_of_number(1772445600.25, &at_ms, &error), TEND_OK);
    assert_int_equal(at_ms, BEGUN_MS + 250);
    assert_int_equal(tend_moment_of_number(1772445600250e6, &at_ms, &error), TEND_OK);
    assert_int_equal(at_ms, BEGUN_MS + 250);
    assert_int_equal(tend_moment_of_number(-1, &at_ms, &error), TEND_E_INVALID);
    assert_string_equal(error.text, "-1 is no time; write it like \"2026-03-02T10:00:05Z\", or in seconds since 1970");
}

static void what_is_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const none[] = { "",
                                        "yesterday",
                                        "2026-13-01",
                                        "2026-02-30",
                                        "2026-03-02T24:00:00Z",
                                        "2026-03-02T10",
                                        "2026-03-02T10:00:00.Z",
                                        "2026-03-02T10:00:00Zx",
                                        "2026-03-02T10:00+25:00",
                                        "1969-12-31T23:59:59Z",
                                        "1970-01-01T00:00:00+01:00",
                                        "-5",
                                        "nan",
                                        "inf",
                                        "1e300",
                                        "253402300800000000000", // nanoseconds: the year 10000
                                        "2026-3-2" };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        int64_t untouched_ms = 77;
        struct tend_error error = { "" };
        if (tend_moment_parse(none[i], strlen(none[i]), NULL, &untouched_ms, &error) != TEND_E_INVALID) {
            fail_msg("%s was taken", none[i]);
        }
        assert_int_equal(untouched_ms, 77);
        char message[200];
        (void)snprintf(message, sizeof message,
                       "\"%s\" is no time; write it like 2026-03-02T10:00:05Z, or in seconds since 1970", none[i]);
        assert_string_equal(error.text, message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_with_a_zone_are_of_that_zone),
        cmocka_unit_test(times_without_a_zone_are_utc_or_of_the_zone_that_is_given),
        cmocka_unit_test(parts_may_be_left_out_from_the_right),
        cmocka_unit_test(the_size_of_a_number_says_what_it_counts_since_1970),
        cmocka_unit_test(the_times_of_a_file_are_of_one_form),
        cmocka_unit_test(numbers_of_json_are_read_as_their_text_is),
        cmocka_unit_test(what_is_no_time_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
