// Facts about hours.

#include "parse/hours.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { MON, TUE, WED, THU, FRI, SAT, SUN };

static struct tend_hours hours_of(const char *text)
{
    struct tend_hours hours;
    struct tend_error error = { "" };
    if (tend_hours_parse(text, strlen(text), &hours, &error) != TEND_OK) {
        fail_msg("%s: %s", text, error.text);
    }
    return hours;
}

// Whether the text holds at a time of a day somewhere within a month.
static bool holds(const char *text, int weekday, int hour, int minute)
{
    const struct tend_hours hours = hours_of(text);
    const struct tend_local_time local = {
        .weekday = weekday, .day = 17, .day_before = 16, .minute = hour * 60 + minute
    };
    return tend_hours_contains(&hours, &local);
}

static bool holds_on(const char *text, int day, int day_before, int hour)
{
    const struct tend_hours hours = hours_of(text);
    const struct tend_local_time local = { .weekday = WED, .day = day, .day_before = day_before, .minute = hour * 60 };
    return tend_hours_contains(&hours, &local);
}

static void assert_refused(const char *text, const char *message)
{
    struct tend_hours hours = { .count = 77 };
    struct tend_error error = { "" };
    assert_int_equal(tend_hours_parse(text, strlen(text), &hours, &error), TEND_E_INVALID);
    assert_string_equal(error.text, message);
    assert_int_equal(hours.count, 77);
    assert_int_equal(tend_hours_parse(text, strlen(text), &hours, NULL), TEND_E_INVALID);
}

static void a_span_holds_from_its_first_minute_to_before_its_last(void **state)
{
    (void)state;
    assert_false(holds("06:00-22:00", WED, 5, 59));
    assert_true(holds("06:00-22:00", WED, 6, 0));
    assert_true(holds("06:00-22:00", SUN, 21, 59));
    assert_false(holds("06:00-22:00", WED, 22, 0));
    assert_true(holds("6:00-9:30", WED, 9, 29)); // an hour may have one digit
}

static void days_of_the_week_are_a_range_or_a_list(void **state)
{
    (void)state;
    assert_true(holds("Mon-Fri 08:00-20:00", MON, 12, 0));
    assert_true(holds("Mon-Fri 08:00-20:00", FRI, 12, 0));
    assert_false(holds("Mon-Fri 08:00-20:00", SAT, 12, 0));
    assert_true(holds("Sat,Sun 10:00-12:00", SUN, 10, 0));
    assert_true(holds("Sat, Sun 10:00-12:00", SAT, 10, 0));
    assert_false(holds("Sat,Sun 10:00-12:00", MON, 10, 0));
    assert_true(holds("Sat-Mon 10:00-12:00", SUN, 10, 0)); // over the end of the week
    assert_false(holds("Sat-Mon 10:00-12:00", TUE, 10, 0));
    assert_true(holds("Mon,Wed-Fri 10:00-12:00", THU, 10, 0));
}

static void days_without_a_span_are_meant_whole(void **state)
{
    (void)state;
    assert_true(holds("Sat,Sun", SUN, 0, 0));
    assert_true(holds("Sat,Sun", SUN, 23, 59));
    assert_false(holds("Sat,Sun", MON, 0, 0));
    assert_true(holds_on("day 15", 15, 14, 23));
}

static void a_span_over_midnight_belongs_to_the_day_on_which_it_begins(void **state)
{
    (void)state;
    assert_true(holds("22:00-06:00", WED, 23, 0));
    assert_true(holds("22:00-06:00", WED, 5, 59));
    assert_false(holds("22:00-06:00", WED, 6, 0));
    assert_true(holds("Fri 22:00-06:00", FRI, 22, 0));
    assert_true(holds("Fri 22:00-06:00", SAT, 5, 59));
    assert_false(holds("Fri 22:00-06:00", FRI, 5, 59));
    assert_true(holds("Sun 22:00-06:00", MON, 1, 0));
    assert_true(holds_on("day 31 22:00-06:00", 1, 31, 5));
    assert_false(holds_on("day 30 22:00-06:00", 1, 31, 5)); // the month had 31 days
    assert_true(holds_on("day 28 22:00-06:00", 1, 28, 5));  // a February
}

static void midnight_ends_a_day_as_00_00_and_as_24_00(void **state)
{
    (void)state;
    assert_true(holds("Fri 22:00-24:00", FRI, 23, 59));
    assert_false(holds("Fri 22:00-24:00", SAT, 0, 0));
    assert_true(holds("Fri 22:00-00:00", FRI, 23, 59));
    assert_false(holds("Fri 22:00-00:00", SAT, 0, 0));
    assert_true(holds("00:00-24:00", WED, 0, 0));
}

static void days_of_the_month_are_numbers_and_ranges(void **state)
{
    (void)state;
    assert_true(holds_on("day 1 00:00-12:00", 1, 31, 11));
    assert_false(holds_on("day 1 00:00-12:00", 1, 31, 12));
    assert_false(holds_on("day 1 00:00-12:00", 11, 10, 11));
    assert_true(holds_on("day 1-3,31 00:00-12:00", 3, 2, 0));
    assert_true(holds_on("day 1-3, 31 00:00-12:00", 31, 30, 0));
    assert_false(holds_on("day 1-3,31 00:00-12:00", 4, 3, 0));
}

static void several_spans_share_their_days(void **state)
{
    (void)state;
    const char *text = "Mon-Fri 08:00-12:00, 13:00-17:00";
    assert_true(holds(text, TUE, 11, 59));
    assert_false(holds(text, TUE, 12, 30));
    assert_true(holds(text, TUE, 13, 0));
    assert_false(holds(text, SAT, 13, 0));
}

static void days_after_a_span_begin_a_new_part(void **state)
{
    (void)state;
    static const char *const texts[] = { "Mon-Fri 08:00-20:00, Sat 10:00-12:00", "Mon-Fri 08:00-20:00; Sat 10:00-12:00",
                                         "Mon-Fri 08:00-20:00;Sat 10:00-12:00" };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_true(holds(texts[i], MON, 19, 0));
        assert_true(holds(texts[i], SAT, 11, 0));
        assert_false(holds(texts[i], SAT, 13, 0));
        assert_false(holds(texts[i], SUN, 11, 0));
    }
    assert_true(holds("Sat; Sun 10:00-12:00", SAT, 20, 0));         // all of Saturday
    assert_true(holds("Mon 08:00-09:00; 20:00-21:00", SUN, 20, 0)); // ";" ends the days, too
    assert_true(holds_on("Thu 08:00-09:00, day 5 20:00-21:00", 5, 4, 20));
}

static void what_is_no_time_span_is_told(void **state)
{
    (void)state;
    assert_refused("Mon-Fri 8-20", "\"8-20\" is no time span; write it like 08:00-20:00");
    assert_refused("08:00", "\"08:00\" is no time span; write it like 08:00-20:00");
    assert_refused("08:60-09:00", "\"08:60-09:00\" is no time span; write it like 08:00-20:00");
    assert_refused("08:00-24:01", "\"08:00-24:01\" is no time span; write it like 08:00-20:00");
    assert_refused("08:0-09:00", "\"08:0-09:00\" is no time span; write it like 08:00-20:00");
    assert_refused("08:00 - 20:00", "\"08:00\" is no time span; write it like 08:00-20:00");
    assert_refused("day 1 08:00-09:00 15", "\"15\" is no time span; write it like 08:00-20:00");
    assert_refused("08:00-08:00", "\"08:00-08:00\" ends when it begins; all day long is 00:00-24:00");
    assert_refused("24:00-08:00", "\"24:00-08:00\" begins when the day is over; a day begins at 00:00");
}

static void what_is_no_day_is_told(void **state)
{
    (void)state;
    assert_refused("Mo-Fr 08:00-20:00", "\"Mo-Fr\" is no day; write Mon, Tue … or Mon-Fri");
    assert_refused("monday 08:00-20:00", "\"monday\" is no day; write Mon, Tue … or Mon-Fri");
    assert_refused("day 0 08:00-20:00", "\"0\" is a day that no month has");
    assert_refused("day 32", "\"32\" is a day that no month has");
    assert_refused("day 5-2", "\"5-2\" goes backwards");
    assert_refused("day 123", "\"123\" is no day of the month; write day 1, or day 1-5");
    assert_refused("day", "\"day\" has no number after it; write it like \"day 1 00:00-12:00\"");
    assert_refused("day 08:00-09:00",
                   "\"08:00-09:00\" comes after \"day\" without a number; write it like \"day 1 00:00-12:00\"");
    assert_refused("Mon day 1", "\"day\" comes among days of the week; separate them with \";\"");
    assert_refused("day 1 Mon", "\"Mon\" is a day of the week among days of the month; separate them with \";\"");
}

static void no_time_at_all_is_told(void **state)
{
    (void)state;
    const char *message = "it names no time; write it like \"Mon-Fri 08:00-20:00\"";
    assert_refused("", message);
    assert_refused(" , ", message);
    assert_refused("Mon;", message);
    assert_refused("Mon;;Tue", message);
}

static void a_fault_is_shown_without_its_control_characters(void **state)
{
    (void)state;
    struct tend_hours hours;
    struct tend_error error;
    assert_int_equal(tend_hours_parse("\033[2J\0x", 6, &hours, &error), TEND_E_INVALID);
    assert_string_equal(error.text, "\"\\x1b[2J\\x00x\" is no time span; write it like 08:00-20:00");
}

static void too_many_spans_are_refused(void **state)
{
    (void)state;
    char text[(TEND_HOURS_PARTS + 1) * 12 + 1];
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = "00:00-00:01 "[i % 12];
    }
    struct tend_hours hours;
    struct tend_error error;
    assert_int_equal(tend_hours_parse(text, TEND_HOURS_PARTS * (size_t)12, &hours, &error), TEND_OK);
    assert_int_equal(hours.count, TEND_HOURS_PARTS);
    assert_int_equal(tend_hours_parse(text, sizeof text - 1, &hours, &error), TEND_E_LIMIT);
    assert_string_equal(error.text, "more than 32 spans; write fewer, longer ones");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_span_holds_from_its_first_minute_to_before_its_last),
        cmocka_unit_test(days_of_the_week_are_a_range_or_a_list),
        cmocka_unit_test(days_without_a_span_are_meant_whole),
        cmocka_unit_test(a_span_over_midnight_belongs_to_the_day_on_which_it_begins),
        cmocka_unit_test(midnight_ends_a_day_as_00_00_and_as_24_00),
        cmocka_unit_test(days_of_the_month_are_numbers_and_ranges),
        cmocka_unit_test(several_spans_share_their_days),
        cmocka_unit_test(days_after_a_span_begin_a_new_part),
        cmocka_unit_test(what_is_no_time_span_is_told),
        cmocka_unit_test(what_is_no_day_is_told),
        cmocka_unit_test(no_time_at_all_is_told),
        cmocka_unit_test(a_fault_is_shown_without_its_control_characters),
        cmocka_unit_test(too_many_spans_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
