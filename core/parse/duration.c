// Whole numbers throughout: a fraction is kept as its digits over a power of ten, so "1.1h" is exactly 3,960,000 ms.

#include "parse/duration.h"

#include "base/buffer.h"
#include "parse/quoted_text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct unit {
    const char *text;
    int64_t ms;
} units[] = {
    { "w", INT64_C(604800000) }, { "d", INT64_C(86400000) }, { "h", INT64_C(3600000) },
    { "m", INT64_C(60000) },     { "s", INT64_C(1000) },     { "ms", INT64_C(1) },
};

enum { UNITS = sizeof units / sizeof *units, FRACTION_DIGITS = 9 };

struct reading {
    const char *text;
    const char *at;
    const char *end;
    struct tend_error *error;
};

static enum tend_status fail(const struct reading *reading, const char *what, const char *remedy)
{
    if (reading->error != NULL) {
        struct tend_buffer shown;
        tend_buffer_init(&shown);
        tend_text_escape(&shown, reading->text, (size_t)(reading->end - reading->text));
        tend_error_set(reading->error, "\"%.60s\" %s; %s", tend_buffer_text(&shown), what, remedy);
        tend_buffer_clear(&shown);
    }
    return TEND_E_INVALID;
}

static enum tend_status fail_without_unit(const struct reading *reading)
{
    char remedy[100] = "write it like \"30s\"";
    if (reading->end - reading->text <= 60) {
        (void)snprintf(remedy, sizeof remedy, "write \"%.*ss\"", (int)(reading->end - reading->text), reading->text);
    }
    return fail(reading, "has no unit", remedy);
}

static enum tend_status fail_with_limit(const struct reading *reading)
{
    (void)fail(reading, "is too long", "a duration is at most 100 years");
    return TEND_E_LIMIT;
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

struct part {
    int64_t whole;
    int64_t fraction; // over `scale`
    int64_t scale;
    size_t unit;
};

static enum tend_status read_number(struct reading *reading, struct part *part)
{
    const char *start = reading->at;
    *part = (struct part){ .scale = 1 };
    for (; reading->at < reading->end && is_digit(*reading->at); reading->at++) {
        part->whole = part->whole * 10 + (*reading->at - '0');
        if (part->whole > TEND_DURATION_MAX_MS) {
            return fail_with_limit(reading);
        }
    }
    bool any = reading->at > start;
    if (reading->at < reading->end && *reading->at == '.') {
        const char *first = ++reading->at;
        for (; reading->at < reading->end && is_digit(*reading->at); reading->at++) {
            if (reading->at - first >= FRACTION_DIGITS) {
                return fail(reading, "has too many digits after the point", "nine are enough");
            }
            part->fraction = part->fraction * 10 + (*reading->at - '0');
            part->scale *= 10;
        }
        any = reading->at > first;
    }
    if (!any) {
        const bool negative = *start == '-';
        return fail(reading, negative ? "is negative" : "is no duration",
                    negative ? "a duration is 0 or more" : "write it like \"30s\" or \"1m30s\"");
    }
    return TEND_OK;
}

static enum tend_status read_part(struct reading *reading, struct part *part)
{
    const enum tend_status status = read_number(reading, part);
    if (status != TEND_OK) {
        return status;
    }
    const char *start = reading->at;
    while (reading->at < reading->end && !is_digit(*reading->at) && *reading->at != '.') {
        reading->at++;
    }
    const size_t bytes = (size_t)(reading->at - start);
    if (bytes == 0) {
        return reading->at == reading->end ? fail_without_unit(reading)
                                           : fail(reading, "is no duration", "write it like \"30s\" or \"1m30s\"");
    }
    for (part->unit = 0; part->unit < UNITS; part->unit++) {
        if (bytes == strlen(units[part->unit].text) && memcmp(start, units[part->unit].text, bytes) == 0) {
            return TEND_OK;
        }
    }
    return fail(reading, "has an unknown unit", "units are ms, s, m, h, d and w, without blanks");
}

enum tend_status tend_duration_parse(const char *text, size_t bytes, int64_t *out_ms, struct tend_error *error)
{
    struct reading reading = { .text = bytes == 0 ? "" : text, .error = error };
    reading.at = reading.text;
    reading.end = reading.text + bytes;
    if (bytes == 0) {
        return fail(&reading, "is no duration", "write it like \"30s\"");
    }
    int64_t total_ms = 0;
    size_t least_unit = 0; // a part may have this unit or a smaller one
    bool positive = false;
    while (reading.at < reading.end) {
        struct part part;
        const enum tend_status status = read_part(&reading, &part);
        if (status != TEND_OK) {
            return status;
        }
        if (part.unit < least_unit) {
            return fail(&reading, "has its parts in the wrong order", "they go from large to small, each unit once");
        }
        if (part.scale > 1 && reading.at < reading.end) {
            return fail(&reading, "has a fraction before its last part", "only the last part may have one");
        }
        if (part.whole > TEND_DURATION_MAX_MS / units[part.unit].ms) {
            return fail_with_limit(&reading);
        }
        // scale <= 10^9 and a unit is below 10^9 ms: no overflow
        total_ms +=
            part.whole * units[part.unit].ms + (part.fraction * units[part.unit].ms + part.scale / 2) / part.scale;
        positive = positive || part.whole > 0 || part.fraction > 0;
        least_unit = part.unit + 1;
    }
    if (total_ms > TEND_DURATION_MAX_MS) {
        return fail_with_limit(&reading);
    }
    if (positive && total_ms == 0) {
        return fail(&reading, "is less than a millisecond", "the shortest duration is \"1ms\"");
    }
    *out_ms = total_ms;
    return TEND_OK;
}

const char *tend_duration_format(int64_t duration_ms, char out[TEND_DURATION_TEXT_BYTES])
{
    // Unsigned, as INT64_MIN has no positive twin.
    uint64_t left = duration_ms < 0 ? UINT64_C(0) - (uint64_t)duration_ms : (uint64_t)duration_ms;
    size_t used = 0;
    if (duration_ms < 0) {
        out[used++] = '-';
    }
    const bool whole_weeks = left % (uint64_t)units[0].ms == 0;
    const size_t start = used;
    for (size_t i = whole_weeks ? 0 : 1; i < UNITS && left > 0; i++) {
        const uint64_t count = left / (uint64_t)units[i].ms;
        left %= (uint64_t)units[i].ms;
        if (count > 0) {
            used +=
                (size_t)snprintf(out + used, TEND_DURATION_TEXT_BYTES - used, "%" PRIu64 "%s", count, units[i].text);
        }
    }
    if (used == start) {
        (void)snprintf(out + used, TEND_DURATION_TEXT_BYTES - used, "0s");
    }
    return out;
}
