// Facts about calendars: hours in real zones, over both changes of the clock.

#include "engine/calendar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const int64_t minute_ms = INT64_C(60000);

static struct tend_zone *zone_of(const char *name)
{
    struct tend_zone *zone = NULL;
    struct tend_error error = { "" };
    if (tend_calendar_read_zone(name, &zone, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    return zone;
}

static struct tend_calendar calendar_of(const char *hours, const struct tend_zone *zone)
{
    struct tend_calendar calendar = { .zone = zone };
    struct tend_error error = { "" };
    if (tend_hours_parse(hours, strlen(hours), &calendar.hours, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    return calendar;
}

// How many minutes of the time from one moment to another are within the hours.
static int minutes_within(const struct tend_calendar *calendar, int64_t from_s, int64_t to_s)
{
    int minutes = 0;
    for (int64_t at_s = from_s; at_s < to_s; at_s += 60) {
        minutes += tend_calendar_contains(calendar, at_s * 1000);
    }
    return minutes;
}

static void a_batch_is_awake_by_day(void **state)
{
    (void)state;
    struct tend_zone *zone = zone_of("Europe/Berlin");
    const struct tend_calendar awake = calendar_of("06:00-22:00", zone);
    assert_false(tend_calendar_contains(&awake, INT64_C(1772427599999))); // 2026-03-02, 05:59:59.999 in Berlin
    assert_true(tend_calendar_contains(&awake, INT64_C(1772427600000)));
    assert_true(tend_calendar_contains(&awake, INT64_C(1772485199999)));
    assert_false(tend_calendar_contains(&awake, INT64_C(1772485200000))); // 22:00
    tend_zone_destroy(zone);
}

static void hours_that_spring_skips_do_not_hold_and_those_that_autumn_repeats_hold_twice(void **state)
{
    (void)state;
    struct tend_zone *zone = zone_of("Europe/Berlin");
    const struct tend_calendar night = calendar_of("02:00-03:00", zone);
    const int64_t march_28_s = 1774652400;   // 2026-03-28, 00:00 in Berlin
    const int64_t march_29_s = 1774738800;   // a day of 23 hours
    const int64_t october_25_s = 1792879200; // a day of 25 hours
    assert_int_equal(minutes_within(&night, march_28_s, march_29_s), 60);
    assert_int_equal(minutes_within(&night, march_29_s, march_29_s + 23 * INT64_C(3600)), 0);
    assert_int_equal(minutes_within(&night, october_25_s, october_25_s + 25 * INT64_C(3600)), 120);
    const struct tend_calendar day = calendar_of("06:00-22:00", zone);
    assert_int_equal(minutes_within(&day, march_29_s, march_29_s + 23 * INT64_C(3600)), 16 * 60);
    assert_int_equal(minutes_within(&day, october_25_s, october_25_s + 25 * INT64_C(3600)), 16 * 60);
    tend_zone_destroy(zone);
}

static void the_zone_decides_which_day_it_is(void **state)
{
    (void)state;
    struct tend_zone *new_york = zone_of("America/New_York");
    struct tend_zone *kolkata = zone_of("Asia/Kolkata");
    struct tend_zone *utc = zone_of("UTC");
    const int64_t wall_ms = INT64_C(1772409600000); // Monday, 2026-03-02, 00:00 in UTC
    const struct tend_calendar there = calendar_of("Sun 19:00-20:00", new_york);
    const struct tend_calendar here = calendar_of("Mon 00:00-01:00", utc);
    const struct tend_calendar east = calendar_of("day 2 05:30-06:30", kolkata);
    assert_true(tend_calendar_contains(&there, wall_ms));
    assert_true(tend_calendar_contains(&here, wall_ms));
    assert_true(tend_calendar_contains(&east, wall_ms));
    assert_false(tend_calendar_contains(&east, wall_ms - 1));
    tend_zone_destroy(new_york);
    tend_zone_destroy(kolkata);
    tend_zone_destroy(utc);
}

static void the_latest_change_is_found(void **state)
{
    (void)state;
    struct tend_zone *zone = zone_of("UTC");
    const struct tend_calendar awake = calendar_of("06:00-22:00", zone);
    const int64_t six_ms = INT64_C(1772431200000); // 2026-03-02, 06:00
    assert_int_equal(tend_calendar_since_ms(&awake, six_ms, six_ms - 90 * minute_ms), six_ms);
    assert_int_equal(tend_calendar_since_ms(&awake, six_ms + 100, six_ms - 90 * minute_ms), six_ms);
    assert_int_equal(tend_calendar_since_ms(&awake, six_ms + 75 * minute_ms + 1, 0), six_ms);
    assert_int_equal(tend_calendar_since_ms(&awake, six_ms - 1, 0), six_ms - 480 * minute_ms); // 22:00
    assert_int_equal(tend_calendar_since_ms(&awake, six_ms + 100, six_ms + 50), six_ms + 50);
    tend_zone_destroy(zone);
}

static void assert_no_zone(const char *name, const char *message)
{
    struct tend_zone *zone = NULL;
    struct tend_error error = { "" };
    assert_int_equal(tend_calendar_read_zone(name, &zone, &error), TEND_E_INVALID);
    assert_string_equal(error.text, message);
    assert_null(zone);
}

static void a_zone_that_is_not_there_is_told(void **state)
{
    (void)state;
    assert_no_zone("Europe/Berln", "there is no time zone \"Europe/Berln\"; write it like \"Europe/Berlin\", as below "
                                   "/usr/share/zoneinfo");
    assert_no_zone("Europe", "there is no time zone \"Europe\"; write it like \"Europe/Berlin\", as below "
                             "/usr/share/zoneinfo");
    assert_no_zone("", "there is no time zone \"\"; write it like \"Europe/Berlin\", as below /usr/share/zoneinfo");
    assert_no_zone("../../../etc/passwd", "there is no time zone \"../../../etc/passwd\"; write it like "
                                          "\"Europe/Berlin\", as below /usr/share/zoneinfo");
    assert_no_zone("zone.tab", "there is no time zone \"zone.tab\"; write it like \"Europe/Berlin\", as below "
                               "/usr/share/zoneinfo");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_is_awake_by_day),
        cmocka_unit_test(hours_that_spring_skips_do_not_hold_and_those_that_autumn_repeats_hold_twice),
        cmocka_unit_test(the_zone_decides_which_day_it_is),
        cmocka_unit_test(the_latest_change_is_found),
        cmocka_unit_test(a_zone_that_is_not_there_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
