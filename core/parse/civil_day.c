// Years are counted from March, so that the leap day is the last of its year; 400 years, an era, have 146097 days.
// After Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".

#include "parse/civil_day.h"

enum { ERA_YEARS = 400, ERA_DAYS = 146097, EPOCH_DAYS = 719468 /* from 0000-03-01 to 1970-01-01 */ };

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

int64_t tend_civil_day_number(struct tend_civil_day date)
{
    const int64_t year = date.year - (date.month <= 2);
    const int64_t era = floor_divide(year, ERA_YEARS);
    const int64_t year_of_era = year - era * ERA_YEARS;
    const int64_t month = (date.month + 9) % 12; // March is 0
    const int64_t day_of_year = (153 * month + 2) / 5 + date.day - 1;
    return era * ERA_DAYS + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - EPOCH_DAYS;
}

struct tend_civil_day tend_civil_day_of(int64_t number)
{
    const int64_t days = number + EPOCH_DAYS;
    const int64_t era = floor_divide(days, ERA_DAYS);
    const int64_t day_of_era = days - era * ERA_DAYS;
    const int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / (ERA_DAYS - 1)) / 365;
    const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t month = (5 * day_of_year + 2) / 153; // March is 0
    return (struct tend_civil_day){
        .year = year_of_era + era * ERA_YEARS + (month >= 10),
        .month = (int)(month < 10 ? month + 3 : month - 9),
        .day = (int)(day_of_year - (153 * month + 2) / 5 + 1),
    };
}

int tend_civil_weekday(int64_t number)
{
    const int64_t since_monday = number + 3; // 1970-01-01 was a Thursday
    return (int)(since_monday - floor_divide(since_monday, 7) * 7);
}
