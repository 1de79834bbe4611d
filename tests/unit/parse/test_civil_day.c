// Facts about dates.

#include "parse/civil_day.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int64_t number_of(int64_t year, int month, int day)
{
    return tend_civil_day_number((struct tend_civil_day){ .year = year, .month = month, .day = day });
}

static void days_count_from_1970(void **state)
{
    (void)state;
    assert_int_equal(number_of(1970, 1, 1), 0);
    assert_int_equal(number_of(1969, 12, 31), -1);
    assert_int_equal(number_of(2000, 3, 1), 11017);
    assert_int_equal(number_of(2026, 3, 2), 20514); // 1772409600 s
}

static void leap_years_have_a_february_29(void **state)
{
    (void)state;
    assert_int_equal(number_of(2024, 3, 1) - number_of(2024, 2, 28), 2);
    assert_int_equal(number_of(2000, 3, 1) - number_of(2000, 2, 28), 2);
    assert_int_equal(number_of(1900, 3, 1) - number_of(1900, 2, 28), 1);
    assert_int_equal(number_of(2100, 3, 1) - number_of(2100, 2, 28), 1);
}

static void the_week_begins_on_monday(void **state)
{
    (void)state;
    assert_int_equal(tend_civil_weekday(0), 3); // 1970-01-01 was a Thursday
    assert_int_equal(tend_civil_weekday(-4), 6);
    assert_int_equal(tend_civil_weekday(number_of(2026, 3, 2)), 0);
}

// Plain code against clever code: one day after the other, by the lengths of months.
static void each_day_of_600_years_is_the_one_after_the_day_before(void **state)
{
    (void)state;
    static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int64_t number = number_of(1600, 1, 1);
    for (int64_t year = 1600; year < 2200; year++) {
        const int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        for (int month = 1; month <= 12; month++) {
            const int length = lengths[month - 1] + (month == 2 ? leap : 0);
            for (int day = 1; day <= length; day++, number++) {
                const struct tend_civil_day date = tend_civil_day_of(number);
                assert_true(date.year == year && date.month == month && date.day == day);
                assert_true(tend_civil_day_number(date) == number);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_count_from_1970),
        cmocka_unit_test(leap_years_have_a_february_29),
        cmocka_unit_test(the_week_begins_on_monday),
        cmocka_unit_test(each_day_of_600_years_is_the_one_after_the_day_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
