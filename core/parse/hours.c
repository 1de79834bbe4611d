// Word by word: words end at blanks, "," and ";". Days gather until a span takes them; the next day after a span, or a
// ";", begins new ones.

#include "parse/hours.h"

#include "base/buffer.h"
#include "parse/quoted_text.h"

#include <string.h>

enum { WEEK_DAYS = 7, MONTH_DAYS = 31, DAY_MINUTES = 24 * 60 };

static const char *const day_names[WEEK_DAYS] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };

struct word {
    const char *text;
    size_t bytes;
};

struct reading {
    struct tend_hours hours;
    struct tend_error *error;
    uint8_t weekdays;    // of the days being gathered
    uint32_t month_days; // likewise
    bool by_month;       // "day" was read, so numbers are days
    bool spanned;        // a span has taken the days
};

static enum tend_status fail(const struct reading *reading, struct word word, const char *what)
{
    if (reading->error != NULL) {
        struct tend_buffer shown;
        tend_buffer_init(&shown);
        tend_text_escape(&shown, word.text, word.bytes);
        tend_error_set(reading->error, "\"%.60s\" %s", tend_buffer_text(&shown), what);
        tend_buffer_clear(&shown);
    }
    return TEND_E_INVALID;
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool is_word(struct word word, const char *text)
{
    return word.bytes == strlen(text) && memcmp(word.text, text, word.bytes) == 0;
}

// Takes the part before the first "-" off the word. @return false: there is no "-", and all of it was taken
static bool split(struct word *word, struct word *first)
{
    const char *dash = memchr(word->text, '-', word->bytes);
    *first = *word;
    if (dash == NULL) {
        return false;
    }
    first->bytes = (size_t)(dash - word->text);
    word->text = dash + 1;
    word->bytes -= first->bytes + 1;
    return true;
}

// A number of one or two digits, or -1.
static int read_number(struct word word)
{
    if (word.bytes < 1 || word.bytes > 2 || !is_digit(word.text[0]) || !is_digit(word.text[word.bytes - 1])) {
        return -1;
    }
    return word.bytes == 1 ? word.text[0] - '0' : (word.text[0] - '0') * 10 + (word.text[1] - '0');
}

// "8:00", "08:00" or "24:00" as minutes, or -1.
static int read_minutes(struct word word)
{
    const char *colon = memchr(word.text, ':', word.bytes);
    if (colon == NULL) {
        return -1;
    }
    const struct word hour = { .text = word.text, .bytes = (size_t)(colon - word.text) };
    const struct word minute = { .text = colon + 1, .bytes = word.bytes - hour.bytes - 1 };
    const int hours = read_number(hour);
    const int minutes = minute.bytes == 2 ? read_number(minute) : -1;
    return hours < 0 || minutes < 0 || minutes > 59 || hours * 60 + minutes > DAY_MINUTES ? -1 : hours * 60 + minutes;
}

static enum tend_status add_part(struct reading *reading, int from_minute, int to_minute)
{
    if (reading->hours.count == TEND_HOURS_PARTS) {
        tend_error_set(reading->error, "more than %d spans; write fewer, longer ones", TEND_HOURS_PARTS);
        return TEND_E_LIMIT;
    }
    reading->hours.parts[reading->hours.count++] = (struct tend_hours_part){
        .month_days = reading->month_days,
        .from_minute = (uint16_t)from_minute,
        .to_minute = (uint16_t)(to_minute == 0 ? DAY_MINUTES : to_minute),
        .weekdays = reading->weekdays,
    };
    reading->spanned = true;
    return TEND_OK;
}

static enum tend_status read_span(struct reading *reading, struct word word)
{
    struct word until = word;
    struct word from;
    const bool both = split(&until, &from);
    const int from_minute = read_minutes(from);
    const int to_minute = both ? read_minutes(until) : -1;
    if (from_minute < 0 || to_minute < 0) {
        return fail(reading, word, "is no time span; write it like 08:00-20:00");
    }
    if (from_minute == DAY_MINUTES) {
        return fail(reading, word, "begins when the day is over; a day begins at 00:00");
    }
    if (from_minute == to_minute) {
        return fail(reading, word, "ends when it begins; all day long is 00:00-24:00");
    }
    if (reading->by_month && reading->month_days == 0) {
        return fail(reading, word, "comes after \"day\" without a number; write it like \"day 1 00:00-12:00\"");
    }
    return add_part(reading, from_minute, to_minute);
}

static int find_day(struct word word)
{
    for (int i = 0; i < WEEK_DAYS; i++) {
        if (is_word(word, day_names[i])) {
            return i;
        }
    }
    return -1;
}

static enum tend_status read_weekdays(struct reading *reading, struct word word)
{
    struct word until = word;
    struct word from;
    const bool both = split(&until, &from);
    const int first = find_day(from);
    const int last = both ? find_day(until) : first;
    if (first < 0 || last < 0) {
        return fail(reading, word, "is no day; write Mon, Tue … or Mon-Fri");
    }
    if (reading->by_month) {
        return fail(reading, word, "is a day of the week among days of the month; separate them with \";\"");
    }
    for (int day = first;; day = (day + 1) % WEEK_DAYS) { // "Sat-Mon" goes over Sunday
        reading->weekdays |= (uint8_t)(1U << (unsigned)day);
        if (day == last) {
            return TEND_OK;
        }
    }
}

static enum tend_status read_month_days(struct reading *reading, struct word word)
{
    struct word until = word;
    struct word from;
    const bool both = split(&until, &from);
    const int first = read_number(from);
    const int last = both ? read_number(until) : first;
    if (first < 0 || last < 0) {
        return fail(reading, word, "is no day of the month; write day 1, or day 1-5");
    }
    if (first < 1 || last > MONTH_DAYS || first > last) {
        return fail(reading, word, first > last ? "goes backwards" : "is a day that no month has");
    }
    for (int day = first; day <= last; day++) {
        reading->month_days |= UINT32_C(1) << (unsigned)day;
    }
    return TEND_OK;
}

static void begin_days(struct reading *reading)
{
    reading->weekdays = 0;
    reading->month_days = 0;
    reading->by_month = false;
    reading->spanned = false;
}

static enum tend_status read_word(struct reading *reading, struct word word)
{
    const bool is_time = memchr(word.text, ':', word.bytes) != NULL;
    if (is_letter(word.text[0])) {
        if (reading->spanned) {
            begin_days(reading);
        }
        if (!is_word(word, "day")) {
            return read_weekdays(reading, word);
        }
        if (reading->weekdays != 0) {
            return fail(reading, word, "comes among days of the week; separate them with \";\"");
        }
        reading->by_month = true;
        return TEND_OK;
    }
    if (reading->by_month && !reading->spanned && !is_time) {
        return read_month_days(reading, word);
    }
    return read_span(reading, word);
}

// At the end of days: without a span they are meant whole.
static enum tend_status end_days(struct reading *reading)
{
    if (reading->spanned) {
        return TEND_OK;
    }
    if (reading->weekdays == 0 && reading->month_days == 0) {
        tend_error_set(reading->error, reading->by_month
                                           ? "\"day\" has no number after it; write it like \"day 1 00:00-12:00\""
                                           : "it names no time; write it like \"Mon-Fri 08:00-20:00\"");
        return TEND_E_INVALID;
    }
    return add_part(reading, 0, DAY_MINUTES);
}

enum tend_status tend_hours_parse(const char *text, size_t bytes, struct tend_hours *out, struct tend_error *error)
{
    struct reading reading = { .error = error };
    size_t at = 0;
    enum tend_status status = TEND_OK;
    while (at < bytes && status == TEND_OK) {
        if (text[at] == ';') {
            status = end_days(&reading);
            begin_days(&reading);
        }
        if (strchr(" \t,;", text[at]) != NULL && text[at] != '\0') {
            at++;
            continue;
        }
        const size_t start = at;
        while (at < bytes && (text[at] == '\0' || strchr(" \t,;", text[at]) == NULL)) {
            at++;
        }
        status = read_word(&reading, (struct word){ .text = text + start, .bytes = at - start });
    }
    if (status == TEND_OK) {
        status = end_days(&reading);
    }
    if (status == TEND_OK) {
        *out = reading.hours;
    }
    return status;
}

static bool has_day(const struct tend_hours_part *part, int weekday, int day)
{
    return (part->weekdays == 0 || (part->weekdays >> (unsigned)weekday & 1U) != 0) &&
           (part->month_days == 0 || (part->month_days >> (unsigned)day & 1U) != 0);
}

bool tend_hours_contains(const struct tend_hours *hours, const struct tend_local_time *local)
{
    for (size_t i = 0; i < hours->count; i++) {
        const struct tend_hours_part *part = &hours->parts[i];
        const bool over_midnight = part->to_minute <= part->from_minute;
        const bool begun = local->minute >= part->from_minute && (over_midnight || local->minute < part->to_minute);
        if (begun && has_day(part, local->weekday, local->day)) {
            return true;
        }
        if (over_midnight && local->minute < part->to_minute &&
            has_day(part, (local->weekday + WEEK_DAYS - 1) % WEEK_DAYS, local->day_before)) {
            return true;
        }
    }
    return false;
}
