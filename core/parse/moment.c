// Digits are read by hand: strptime would take blanks, signs and the locale's words.

#include "parse/moment.h"

#include "parse/civil_day.h"
#include "parse/number.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#define MS_PER_DAY INT64_C(86400000)
#define LAST_MS INT64_C(253402300799999) // 9999-12-31T23:59:59.999Z

static const double first_in_ms = 1e11; // as seconds it would be the year 5138, as milliseconds it is 1973

struct text {
    const char *at, *end;
};

// As many digits as asked for. @return -1: they are not there
static int64_t take_digits(struct text *text, int count)
{
    int64_t value = 0;
    for (int i = 0; i < count; i++) {
        if (text->at == text->end || !isdigit((unsigned char)*text->at)) {
            return -1;
        }
        value = value * 10 + (*text->at++ - '0');
    }
    return value;
}

static bool take(struct text *text, char one, char other)
{
    if (text->at < text->end && (*text->at == one || *text->at == other)) {
        text->at++;
        return true;
    }
    return false;
}

static bool take_date(struct text *text, int64_t *day_number)
{
    const int64_t year = take_digits(text, 4);
    if (year < 1970 || !take(text, '-', '-')) {
        return false;
    }
    const int64_t month = take_digits(text, 2);
    if (month < 1 || month > 12 || !take(text, '-', '-')) {
        return false;
    }
    const int64_t day = take_digits(text, 2);
    const struct tend_civil_day date = { .year = year, .month = (int)month, .day = (int)day };
    if (day < 1 || day > 31) {
        return false;
    }
    *day_number = tend_civil_day_number(date);
    return tend_civil_day_of(*day_number).day == date.day; // the month has it
}

// "10:00", "10:00:05", "10:00:05.250"
static bool take_clock(struct text *text, int64_t *clock_ms)
{
    const int64_t hour = take_digits(text, 2);
    if (hour < 0 || hour > 23 || !take(text, ':', ':')) {
        return false;
    }
    const int64_t minute = take_digits(text, 2);
    if (minute < 0 || minute > 59) {
        return false;
    }
    int64_t second = 0;
    int64_t fraction_ms = 0;
    if (take(text, ':', ':')) {
        second = take_digits(text, 2);
        if (second < 0 || second > 60) { // 60: a leap second, which the count of seconds leaves out
            return false;
        }
        if (take(text, '.', ',')) {
            int64_t scale = 100;
            if (text->at == text->end || !isdigit((unsigned char)*text->at)) {
                return false;
            }
            for (; text->at < text->end && isdigit((unsigned char)*text->at); text->at++) {
                fraction_ms += scale * (*text->at - '0');
                scale /= 10;
            }
        }
    }
    *clock_ms = ((hour * 60 + minute) * 60 + second) * 1000 + fraction_ms;
    return true;
}

// "Z", "+01:00", "+0100", "+01" or nothing.
static bool take_zone(struct text *text, bool *given, int64_t *offset_ms)
{
    *offset_ms = 0;
    *given = true;
    if (take(text, 'Z', 'z')) {
        return true;
    }
    const bool minus = text->at < text->end && *text->at == '-';
    if (!take(text, '+', '-')) {
        *given = false;
        return true;
    }
    const int64_t hours = take_digits(text, 2);
    const bool colon = take(text, ':', ':');
    const int64_t minutes = colon || text->at < text->end ? take_digits(text, 2) : 0;
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) {
        return false;
    }
    *offset_ms = (minus ? -1 : 1) * (hours * 60 + minutes) * 60000;
    return true;
}

// The moment at which the clocks of a zone show this; of two the first, and within a gap as they showed before it.
static int64_t of_local(const struct tend_zone *zone, int64_t local_ms)
{
    const int64_t before_s = tend_zone_offset_s(zone, local_ms - MS_PER_DAY);
    const int64_t first_ms = local_ms - before_s * 1000;
    if (tend_zone_offset_s(zone, first_ms) == before_s) {
        return first_ms;
    }
    const int64_t after_s = tend_zone_offset_s(zone, local_ms + MS_PER_DAY);
    const int64_t second_ms = local_ms - after_s * 1000;
    return tend_zone_offset_s(zone, second_ms) == after_s ? second_ms : first_ms;
}

static bool parse_iso(const char *begin, size_t bytes, const struct tend_zone *zone, int64_t *out_ms)
{
    struct text text = { .at = begin, .end = begin + bytes };
    int64_t day = 0;
    int64_t clock_ms = 0;
    int64_t offset_ms = 0;
    bool given = false;
    if (!take_date(&text, &day)) {
        return false;
    }
    if (text.at < text.end && (!(take(&text, 'T', ' ') || take(&text, 't', 't')) || !take_clock(&text, &clock_ms) ||
                               !take_zone(&text, &given, &offset_ms))) {
        return false;
    }
    const int64_t local_ms = day * MS_PER_DAY + clock_ms;
    *out_ms = given || zone == NULL ? local_ms - offset_ms : of_local(zone, local_ms);
    return text.at == text.end;
}

static bool parse_number(const char *text, size_t bytes, int64_t *out_ms)
{
    double number;
    if (!tend_number_parse(text, bytes, &number) || !(number >= 0) || number > (double)LAST_MS) {
        return false;
    }
    *out_ms = (int64_t)floor(number >= first_in_ms ? number : number * 1000.0 + 1e-6); // 0.001 is a hair below 1 ms
    return true;
}

enum tend_status tend_moment_parse(const char *text, size_t bytes, const struct tend_zone *zone, int64_t *out_ms,
                                   struct tend_error *error)
{
    int64_t at_ms;
    const bool is_date = bytes > 4 && text[4] == '-' && isdigit((unsigned char)text[0]);
    if ((is_date ? parse_iso(text, bytes, zone, &at_ms) : parse_number(text, bytes, &at_ms)) && at_ms >= 0 &&
        at_ms <= LAST_MS) {
        *out_ms = at_ms;
        return TEND_OK;
    }
    tend_error_set(error, "\"%.*s\" is no time; write it like 2026-03-02T10:00:05Z, or in seconds since 1970",
                   (int)(bytes < 60 ? bytes : 60), text);
    return TEND_E_INVALID;
}
