#pragma once
/// Civil day: days since 1970-01-01 and dates of the Gregorian calendar, in both directions.

#include <stdint.h>

struct tend_civil_day {
    int64_t year;
    int month; ///< 1 to 12
    int day;   ///< 1 to 31
};

int64_t tend_civil_day_number(struct tend_civil_day date); ///< days since 1970-01-01, negative before
struct tend_civil_day tend_civil_day_of(int64_t number);
int tend_civil_weekday(int64_t number); ///< Monday is 0
