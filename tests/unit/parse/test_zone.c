// Facts about time zones: those of the machine's tzdata, and files made by hand.

#include "parse/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct tend_zone *zone_of(const char *name)
{
    char path[128];
    char bytes[16384];
    (void)snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    const size_t count = fread(bytes, 1, sizeof bytes, file);
    assert_int_equal(fclose(file), 0);
    struct tend_zone *zone = NULL;
    struct tend_error error = { "" };
    if (tend_zone_parse(bytes, count, &zone, &error) != TEND_OK) {
        fail_msg("%s: %s", name, error.text);
    }
    return zone;
}

static void assert_local(const struct tend_zone *zone, int64_t at_s, int weekday, int day, int hour, int minute)
{
    const struct tend_local_time local = tend_zone_local(zone, at_s * 1000);
    assert_int_equal(local.weekday, weekday);
    assert_int_equal(local.day, day);
    assert_int_equal(local.minute, hour * 60 + minute);
}

static void berlin_goes_forward_in_march_and_back_in_october(void **state)
{
    (void)state;
    struct tend_zone *zone = zone_of("Europe/Berlin");
    assert_int_equal(tend_zone_offset_s(zone, INT64_C(1774745999999)), 3600); // 2026-03-29, 01:59:59.999
    assert_int_equal(tend_zone_offset_s(zone, INT64_C(1774746000000)), 7200); // a millisecond later it is 03:00
    assert_local(zone, 1774745999, 6, 29, 1, 59);
    assert_local(zone, 1774746000, 6, 29, 3, 0);
    assert_local(zone, 1792889999, 6, 25, 2, 59); // 2026-10-25
    assert_local(zone, 1792890000, 6, 25, 2, 0);  // 02:00 for the second time
    tend_zone_destroy(zone);
}

static void new_york_is_behind_and_changes_on_other_days(void **state)
{
    (void)state;
    struct tend_zone *zone = zone_of("America/New_York");
    assert_local(zone, 1772953199, 6, 8, 1, 59); // 2026-03-08
    assert_local(zone, 1772953200, 6, 8, 3, 0);
    assert_local(zone, 1772409600, 6, 1, 19, 0); // 2026-03-02 in UTC is Monday there, and Sunday here
    tend_zone_destroy(zone);
}

static void kolkata_never_changes_and_is_off_by_half_an_hour(void **state)
{
    (void)state;
    struct tend_zone *zone = zone_of("Asia/Kolkata");
    assert_local(zone, 1772303400, 6, 1, 0, 0); // 2026-02-28, 18:30 in UTC
    assert_int_equal(tend_zone_local(zone, INT64_C(1772303400000)).day_before, 28);
    tend_zone_destroy(zone);
}

static void utc_is_what_it_is(void **state)
{
    (void)state;
    struct tend_zone *file = zone_of("UTC");
    struct tend_zone *fixed = NULL;
    assert_int_equal(tend_zone_create_fixed(0, &fixed), TEND_OK);
    assert_local(file, 1772409600, 0, 2, 0, 0);
    assert_local(fixed, 1772409600, 0, 2, 0, 0);
    assert_local(fixed, -1, 2, 31, 23, 59); // the last minute of 1969, a Wednesday
    tend_zone_destroy(file);
    tend_zone_destroy(fixed);
}

static void years_after_the_files_last_change_follow_its_rule(void **state)
{
    (void)state;
    struct tend_zone *berlin = zone_of("Europe/Berlin");
    assert_int_equal(tend_zone_offset_s(berlin, INT64_C(2855865600000)), 7200); // July 2060
    assert_int_equal(tend_zone_offset_s(berlin, INT64_C(3802550400000)), 7200); // July 2090
    tend_zone_destroy(berlin);
    struct tend_zone *sydney = zone_of("Australia/Sydney");
    assert_int_equal(tend_zone_offset_s(sydney, INT64_C(3802550400000)), 36000); // winter there
    tend_zone_destroy(sydney);
}

static void before_the_first_change_the_sun_set_the_clocks(void **state)
{
    (void)state;
    struct tend_zone *zone = zone_of("Europe/Berlin");
    assert_int_equal(tend_zone_offset_s(zone, INT64_C(-2840140800000)), 53 * 60 + 28); // 1880
    tend_zone_destroy(zone);
}

// A file of version 2 with two offsets, 0 and an hour, one change to the latter 1000 s after 1970, and a rule.
static size_t make_file(char *bytes, const char *rule)
{
    static const char head[] = "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    static const char old_counts[] = "\0\0\0\0\0\0\0\0\0\0\0\0";
    static const char data[] = "\0\0\0\0\0\0\3\350" // 1000
                               "\1"
                               "\0\0\0\0\0\0\0\0\16\20\0\0" // 0 and 3600
                               "X\0";
    memset(bytes, 0, 512);
    memcpy(bytes, head, 20);
    memcpy(bytes + 20, old_counts, sizeof old_counts - 1);
    memcpy(bytes + 44, head, 20);
    bytes[44 + 35] = 1; // changes
    bytes[44 + 39] = 2; // offsets
    bytes[44 + 43] = 1; // letters
    memcpy(bytes + 88, data, 22);
    return 110 + (size_t)sprintf(bytes + 110, "\n%s\n", rule); // NOLINT(cert-err33-c): it cannot fail
}

static void assert_refused(const char *bytes, size_t count, const char *message)
{
    struct tend_zone *zone = NULL;
    struct tend_error error = { "" };
    assert_int_equal(tend_zone_parse(bytes, count, &zone, &error), TEND_E_INVALID);
    assert_string_equal(error.text, message);
    assert_null(zone);
}

static void a_file_made_by_hand_is_read(void **state)
{
    (void)state;
    char bytes[512];
    const size_t count = make_file(bytes, "");
    struct tend_zone *zone = NULL;
    assert_int_equal(tend_zone_parse(bytes, count, &zone, NULL), TEND_OK);
    assert_int_equal(tend_zone_offset_s(zone, 999999), 0);
    assert_int_equal(tend_zone_offset_s(zone, 1000000), 3600);
    tend_zone_destroy(zone);
}

static void every_byte_of_a_file_is_needed(void **state)
{
    (void)state;
    char bytes[512];
    const size_t count = make_file(bytes, "X-1");
    for (size_t cut = 0; cut < count; cut++) {
        struct tend_zone *zone = NULL;
        assert_int_equal(tend_zone_parse(bytes, cut, &zone, NULL), TEND_E_INVALID);
    }
}

static void a_file_that_makes_no_sense_is_refused(void **state)
{
    (void)state;
    char bytes[512];
    size_t count = make_file(bytes, "");
    bytes[0] = 'X';
    assert_refused(bytes, count, "is no time zone file of version 2 or newer");
    count = make_file(bytes, "");
    bytes[4] = '\0';
    assert_refused(bytes, count, "is no time zone file of version 2 or newer");
    count = make_file(bytes, "");
    bytes[96] = 2; // the change goes to a third offset
    assert_refused(bytes, count, "has changes that make no sense");
    count = make_file(bytes, "");
    bytes[97] = 1; // 16777216 s east
    assert_refused(bytes, count, "has an offset of more than a day");
    count = make_file(bytes, "XYZ-1ZYX");
    assert_refused(bytes, count, "ends with a rule that makes no sense");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(berlin_goes_forward_in_march_and_back_in_october),
        cmocka_unit_test(new_york_is_behind_and_changes_on_other_days),
        cmocka_unit_test(kolkata_never_changes_and_is_off_by_half_an_hour),
        cmocka_unit_test(utc_is_what_it_is),
        cmocka_unit_test(years_after_the_files_last_change_follow_its_rule),
        cmocka_unit_test(before_the_first_change_the_sun_set_the_clocks),
        cmocka_unit_test(a_file_made_by_hand_is_read),
        cmocka_unit_test(every_byte_of_a_file_is_needed),
        cmocka_unit_test(a_file_that_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
