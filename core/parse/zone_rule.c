// A rule in the order in which it is written: name, offset, name, offset, the day on which summer begins, that on which
// it ends. Names are of no use here and only passed over.

#include "parse/zone_rule.h"

#include "parse/civil_day.h"

#include <string.h>

enum { DAY_S = 24 * 3600, HOUR_S = 3600, CHANGE_S = 2 * HOUR_S, OFFSET_HOURS = 24, AT_HOURS = 167 };

struct reading {
    const char *at;
    const char *end;
    bool failed;
};

static bool take(struct reading *reading, char byte)
{
    if (reading->at == reading->end || *reading->at != byte) {
        return false;
    }
    reading->at++;
    return true;
}

static void want(struct reading *reading, char byte)
{
    reading->failed = !take(reading, byte) || reading->failed;
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

// A number of one to three digits.
static int read_number(struct reading *reading, int least, int most)
{
    int number = 0;
    const char *start = reading->at;
    while (reading->at < reading->end && reading->at - start < 3 && is_digit(*reading->at)) {
        number = number * 10 + (*reading->at++ - '0');
    }
    reading->failed = reading->failed || reading->at == start || number < least || number > most;
    return number;
}

// Three letters or more, or anything like "<+0330>".
static void pass_name(struct reading *reading)
{
    const bool quoted = take(reading, '<');
    const char *start = reading->at;
    while (reading->at < reading->end) {
        const char byte = *reading->at;
        const bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
        if (!letter && !(quoted && (is_digit(byte) || byte == '+' || byte == '-'))) {
            break;
        }
        reading->at++;
    }
    reading->failed = reading->failed || reading->at - start < 3;
    if (quoted) {
        want(reading, '>');
    }
}

// "[+-]hh[:mm[:ss]]" in seconds.
static int32_t read_time(struct reading *reading, int most_hours)
{
    const bool negative = take(reading, '-');
    if (!negative) {
        (void)take(reading, '+');
    }
    int32_t seconds = read_number(reading, 0, most_hours) * HOUR_S;
    if (take(reading, ':')) {
        seconds += read_number(reading, 0, 59) * 60;
        if (take(reading, ':')) {
            seconds += read_number(reading, 0, 59);
        }
    }
    return negative ? -seconds : seconds;
}

static struct tend_zone_change_rule read_change(struct reading *reading)
{
    struct tend_zone_change_rule change = { .kind = TEND_ZONE_DAY_ZERO_BASED, .at_s = CHANGE_S };
    if (take(reading, 'M')) {
        change.kind = TEND_ZONE_DAY_WEEK;
        change.month = read_number(reading, 1, 12);
        want(reading, '.');
        change.week = read_number(reading, 1, 5);
        want(reading, '.');
        change.day = read_number(reading, 0, 6);
    } else if (take(reading, 'J')) {
        change.kind = TEND_ZONE_DAY_JULIAN;
        change.day = read_number(reading, 1, 365);
    } else {
        change.day = read_number(reading, 0, 365);
    }
    if (take(reading, '/')) {
        change.at_s = read_time(reading, AT_HOURS);
    }
    return change;
}

enum tend_status tend_zone_rule_parse(const char *text, size_t bytes, struct tend_zone_rule *out)
{
    struct reading reading = { .at = text, .end = text + bytes };
    struct tend_zone_rule rule = { .has_summer = false };
    pass_name(&reading);
    rule.standard_s = -read_time(&reading, OFFSET_HOURS);
    if (!reading.failed && reading.at < reading.end) {
        rule.has_summer = true;
        rule.summer_s = rule.standard_s + HOUR_S;
        pass_name(&reading);
        if (reading.at < reading.end && *reading.at != ',') {
            rule.summer_s = -read_time(&reading, OFFSET_HOURS);
        }
        want(&reading, ',');
        rule.to_summer = read_change(&reading);
        want(&reading, ',');
        rule.to_standard = read_change(&reading);
    }
    if (reading.failed || reading.at != reading.end) {
        return TEND_E_INVALID;
    }
    *out = rule;
    return TEND_OK;
}

// The day of a change in a year, as a number of days since 1970.
static int64_t day_of(const struct tend_zone_change_rule *change, int64_t year)
{
    const int64_t new_year = tend_civil_day_number((struct tend_civil_day){ .year = year, .month = 1, .day = 1 });
    const int64_t march = tend_civil_day_number((struct tend_civil_day){ .year = year, .month = 3, .day = 1 });
    int64_t day = new_year + change->day;
    switch (change->kind) {
    case TEND_ZONE_DAY_ZERO_BASED:
        break;
    case TEND_ZONE_DAY_JULIAN:
        day--;
        day += day >= new_year + 59 && march - new_year == 60; // past the leap day
        break;
    case TEND_ZONE_DAY_WEEK: {
        const bool december = change->month == 12;
        const int64_t first =
            tend_civil_day_number((struct tend_civil_day){ .year = year, .month = change->month, .day = 1 });
        const int64_t next = tend_civil_day_number((struct tend_civil_day){
            .year = december ? year + 1 : year, .month = december ? 1 : change->month + 1, .day = 1 });
        const int weekday = (change->day + 6) % 7; // Monday is 0
        day = first + (weekday - tend_civil_weekday(first) + 7) % 7 + (int64_t)7 * (change->week - 1);
        day -= day >= next ? 7 : 0;
        break;
    }
    }
    return day;
}

int64_t tend_zone_rule_to_summer_s(const struct tend_zone_rule *rule, int64_t year)
{
    return day_of(&rule->to_summer, year) * DAY_S + rule->to_summer.at_s - rule->standard_s;
}

int64_t tend_zone_rule_to_standard_s(const struct tend_zone_rule *rule, int64_t year)
{
    return day_of(&rule->to_standard, year) * DAY_S + rule->to_standard.at_s - rule->summer_s;
}
