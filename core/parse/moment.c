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

// As seconds the first would be the year 5138, as milliseconds it is 1973, and so on.
static const double first_in_ms = 1e11, first_in_us = 1e14, first_in_ns = 1e17;

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

static enum tend_moment_form form_of(double number)
{
    return number < first_in_ms   ? TEND_MOMENT_SECONDS
           : number < first_in_us ? TEND_MOMENT_MILLISECONDS
           : number < first_in_ns ? TEND_MOMENT_MICROSECONDS
                                  : TEND_MOMENT_NANOSECONDS;
}

static bool take_number(double number, enum tend_moment_form *form, int64_t *out_ms)
{
    if (!(number >= 0) || number > (double)LAST_MS * 1e6) {
        return false;
    }
    *form = form_of(number);
    const double ms = *form == TEND_MOMENT_SECONDS        ? number * 1000.0 + 1e-6 // 0.001 is a hair below 1 ms
                      : *form == TEND_MOMENT_MILLISECONDS ? number
                      : *form == TEND_MOMENT_MICROSECONDS ? number / 1e3
                                                          : number / 1e6 + 2e-4; // a double counts today's in 256s
    *out_ms = (int64_t)floor(ms);
    return true;
}

static enum tend_status parse(const char *text, size_t bytes, const struct tend_zone *zone, enum tend_moment_form *form,
                              int64_t *out_ms, struct tend_error *error)
{
    double number;
    bool is_read;
    if (bytes > 4 && text[4] == '-' && isdigit((unsigned char)text[0])) {
        *form = TEND_MOMENT_DATE;
        is_read = parse_iso(text, bytes, zone, out_ms);
    } else {
        is_read = tend_number_parse(text, bytes, &number) && take_number(number, form, out_ms);
    }
    if (is_read && *out_ms >= 0 && *out_ms <= LAST_MS) {
        return TEND_OK;
    }
    tend_error_set(error, "\"%.*s\" is no time; write it like 2026-03-02T10:00:05Z, or in seconds since 1970",
                   (int)(bytes < 60 ? bytes : 60), text);
    return TEND_E_INVALID;
}

enum tend_status tend_moment_parse(const char *text, size_t bytes, const struct tend_zone *zone, int64_t *out_ms,
                                   struct tend_error *error)
{
    enum tend_moment_form form = TEND_MOMENT_ANY;
    int64_t at_ms = 0;
    const enum tend_status status = parse(text, bytes, zone, &form, &at_ms, error);
    if (status == TEND_OK) {
        *out_ms = at_ms;
    }
    return status;
}

enum tend_status tend_moment_parse_alike(const char *text, size_t bytes, const struct tend_zone *zone,
                                         enum tend_moment_form *form, int64_t *out_ms, struct tend_error *error)
{
    static const char *const names[] = {
        [TEND_MOMENT_ANY] = "any",
        [TEND_MOMENT_DATE] = "a date",
        [TEND_MOMENT_SECONDS] = "seconds",
        [TEND_MOMENT_MILLISECONDS] = "milliseconds",
        [TEND_MOMENT_MICROSECONDS] = "microseconds",
        [TEND_MOMENT_NANOSECONDS] = "nanoseconds",
    };
    enum tend_moment_form its = TEND_MOMENT_ANY;
    int64_t at_ms = 0;
    const enum tend_status status = parse(text, bytes, zone, &its, &at_ms, error);
    if (status != TEND_OK) {
        return status;
    }
    if (*form != TEND_MOMENT_ANY && *form != its) {
        tend_error_set(error, "\"%.*s\" is another kind of time than those before it: %s, not %s",
                       (int)(bytes < 60 ? bytes : 60), text, names[its], names[*form]);
        return TEND_E_INVALID;
    }
    *form = its;
    *out_ms = at_ms;
    return TEND_OK;
}

enum tend_status tend_moment_of_number(double number, int64_t *out_ms, struct tend_error *error)
{
    enum tend_moment_form form;
    int64_t at_ms = 0;
    if (!take_number(number, &form, &at_ms) || at_ms > LAST_MS) {
        tend_error_set(error, "%.17g is no time; write it like \"2026-03-02T10:00:05Z\", or in seconds since 1970",
                       number);
        return TEND_E_INVALID;
    }
    *out_ms = at_ms;
    return TEND_OK;
}
