// Facts about values with a unit.

#include "parse/quantity.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_quantity(const char *text, double expected, enum tend_unit_family expected_family)
{
    double value = 0;
    enum tend_unit_family family = TEND_UNIT_PLAIN;
    bool has_unit = false;
    struct tend_error error = { "" };
    if (tend_quantity_parse(text, strlen(text), &value, &family, &has_unit, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    assert_true(value == expected); // exact: the double nearest to what is written
    assert_int_equal(family, expected_family);
    assert_int_equal(has_unit, expected_family != TEND_UNIT_PLAIN);
}

static void assert_refused_as(const char *text, const char *unit, const char *message)
{
    double untouched = 77;
    struct tend_error error = { "" };
    assert_int_equal(tend_quantity_parse_as(text, strlen(text), unit, &untouched, &error), TEND_E_INVALID);
    assert_true(untouched == 77);
    if (strstr(error.text, message) == NULL) {
        fail_msg("the message is '%s', expected '%s' in it", error.text, message);
    }
}

static double value_as(const char *text, const char *unit)
{
    double value = -1;
    struct tend_error error = { "" };
    if (tend_quantity_parse_as(text, strlen(text), unit, &value, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    return value;
}

static void times_are_in_seconds(void **state)
{
    (void)state;
    assert_quantity("400ms", 0.4, TEND_UNIT_SECONDS);
    assert_quantity("2 s", 2, TEND_UNIT_SECONDS);
    assert_quantity("1.5h", 5400, TEND_UNIT_SECONDS);
    assert_quantity("250us", 0.00025, TEND_UNIT_SECONDS);
    assert_quantity("250µs", 0.00025, TEND_UNIT_SECONDS);
    assert_quantity("7ns", 7e-9, TEND_UNIT_SECONDS);
    assert_quantity("1m30s", 90, TEND_UNIT_SECONDS);
}

static void bytes_have_units_of_1000_and_of_1024(void **state)
{
    (void)state;
    assert_quantity("2GiB", 2147483648, TEND_UNIT_BYTES);
    assert_quantity("500MB", 5e8, TEND_UNIT_BYTES);
    assert_quantity("1kB", 1000, TEND_UNIT_BYTES);
    assert_quantity("1.5KiB", 1536, TEND_UNIT_BYTES);
    assert_quantity("64B", 64, TEND_UNIT_BYTES);
}

static void shares_are_in_per_cent(void **state)
{
    (void)state;
    assert_quantity("1.5%", 0.015, TEND_UNIT_RATIO);
    assert_quantity("100 %", 1, TEND_UNIT_RATIO);
    assert_quantity("-10%", -0.1, TEND_UNIT_RATIO);
}

static void plain_numbers_have_no_unit(void **state)
{
    (void)state;
    assert_quantity("0.4", 0.4, TEND_UNIT_PLAIN);
    assert_quantity("-1e3", -1000, TEND_UNIT_PLAIN);
    assert_quantity("+12", 12, TEND_UNIT_PLAIN);
}

static void a_value_fits_the_unit_of_its_metric(void **state)
{
    (void)state;
    assert_true(value_as("400ms", "s") == 0.4);
    assert_true(value_as("400ms", "seconds") == 0.4);
    assert_true(value_as("0.4", "seconds") == 0.4);
    assert_true(value_as("2GiB", "bytes") == 2147483648.0);
    assert_true(value_as("1.5%", "ratio") == 0.015);
    assert_true(value_as("5", "requests") == 5);
    assert_true(value_as("5 requests", "requests") == 5);
    assert_true(value_as("400ms", "ms") == 400); // a unit of its own
    assert_true(value_as("5%", "%") == 5);
    assert_true(value_as("5", NULL) == 5);
}

static void another_familys_unit_is_refused(void **state)
{
    (void)state;
    assert_refused_as("400ms", "bytes", "\"400ms\" is a time, but the unit is bytes; write it like \"64MiB\"");
    assert_refused_as("2GiB", "s", "\"2GiB\" is a number of bytes, but the unit is s; write it like \"400ms\"");
    assert_refused_as("5s", "ratio", "\"5s\" is a time, but the unit is ratio; write it like \"1.5%\"");
    assert_refused_as("5%", NULL, "\"5%\" is a share, but the metric has no unit; write a plain number");
    assert_refused_as("5 apples", "requests", "\"5 apples\" has an unknown unit");
}

static void what_is_no_value_is_refused(void **state)
{
    (void)state;
    assert_refused_as("", "s", "is no value");
    assert_refused_as("fast", "s", "\"fast\" is no value; write a number with a unit");
    assert_refused_as("NaN", "s", "is no value");
    assert_refused_as("inf", "s", "is no value");
    assert_refused_as("1e308PiB", "bytes", "is too large");
    assert_refused_as("5KB", "bytes", "has an unknown unit");
    assert_refused_as("0x10", "", "has an unknown unit");
}

static void assert_text(double value, const char *unit, const char *expected)
{
    char text[TEND_QUANTITY_TEXT_BYTES];
    assert_string_equal(tend_quantity_format(value, unit, text), expected);
}

static void values_are_written_for_people(void **state)
{
    (void)state;
    assert_text(0.4, "s", "400 ms");
    assert_text(0.0000123, "seconds", "12.3 µs");
    assert_text(90, "s", "90 s");
    assert_text(300, "s", "5m");
    assert_text(3725, "s", "1h2m5s");
    assert_text(-0.25, "s", "-250 ms");
    assert_text(0, "s", "0 s");
    assert_text(0.015, "ratio", "1.5 %");
    assert_text(2e9, "bytes", "1.863 GiB");
    assert_text(512, "bytes", "512 B");
    assert_text(1048575, "bytes", "1 MiB");
    assert_text(3, "requests", "3 requests");
    assert_text(1234567, NULL, "1234567");
    assert_text(3.14159265, "", "3.142");
}

static void no_data_and_infinity_have_words(void **state)
{
    (void)state;
    assert_text((double)NAN, "s", "no data");
    assert_text(-(double)INFINITY, "bytes", "-Inf");
}

static void any_value_and_unit_fits_its_room(void **state)
{
    (void)state;
    const char *units[] = { "s", "bytes", "ratio", "a_unit_that_is_much_longer_than_anyone_would_ever_write_it_down" };
    const double values[] = { 1.7976931348623157e308, -1.7976931348623157e308, 5e-324, 999999999999, -123456.789 };
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 5; j++) {
            char text[TEND_QUANTITY_TEXT_BYTES];
            assert_true(strlen(tend_quantity_format(values[j], units[i], text)) < sizeof text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_in_seconds),
        cmocka_unit_test(bytes_have_units_of_1000_and_of_1024),
        cmocka_unit_test(shares_are_in_per_cent),
        cmocka_unit_test(plain_numbers_have_no_unit),
        cmocka_unit_test(a_value_fits_the_unit_of_its_metric),
        cmocka_unit_test(another_familys_unit_is_refused),
        cmocka_unit_test(what_is_no_value_is_refused),
        cmocka_unit_test(values_are_written_for_people),
        cmocka_unit_test(no_data_and_infinity_have_words),
        cmocka_unit_test(any_value_and_unit_fits_its_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
