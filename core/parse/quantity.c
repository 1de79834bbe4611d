// Factors are kept as whole numbers and divided by where a unit is a part of one: 400 / 1000 is the double nearest to
// 0.4, 400 * 0.001 is not.

#include "parse/quantity.h"

#include "base/buffer.h"
#include "parse/duration.h"
#include "parse/number.h"
#include "parse/quoted_text.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const struct unit {
    const char *text;
    enum tend_unit_family family;
    double times;
    double over;
} units[] = {
    { "ns", TEND_UNIT_SECONDS, 1, 1e9 },   { "us", TEND_UNIT_SECONDS, 1, 1e6 },   { "µs", TEND_UNIT_SECONDS, 1, 1e6 },
    { "ms", TEND_UNIT_SECONDS, 1, 1e3 },   { "s", TEND_UNIT_SECONDS, 1, 1 },      { "m", TEND_UNIT_SECONDS, 60, 1 },
    { "h", TEND_UNIT_SECONDS, 3600, 1 },   { "d", TEND_UNIT_SECONDS, 86400, 1 },  { "w", TEND_UNIT_SECONDS, 604800, 1 },
    { "B", TEND_UNIT_BYTES, 1, 1 },        { "kB", TEND_UNIT_BYTES, 1e3, 1 },     { "MB", TEND_UNIT_BYTES, 1e6, 1 },
    { "GB", TEND_UNIT_BYTES, 1e9, 1 },     { "TB", TEND_UNIT_BYTES, 1e12, 1 },    { "PB", TEND_UNIT_BYTES, 1e15, 1 },
    { "KiB", TEND_UNIT_BYTES, 1024, 1 },   { "MiB", TEND_UNIT_BYTES, 0x1p20, 1 }, { "GiB", TEND_UNIT_BYTES, 0x1p30, 1 },
    { "TiB", TEND_UNIT_BYTES, 0x1p40, 1 }, { "PiB", TEND_UNIT_BYTES, 0x1p50, 1 }, { "%", TEND_UNIT_RATIO, 1, 100 },
};

enum tend_unit_family tend_unit_family_of(const char *unit)
{
    static const struct {
        const char *word;
        enum tend_unit_family family;
    } words[] = {
        { "s", TEND_UNIT_SECONDS },   { "seconds", TEND_UNIT_SECONDS }, { "B", TEND_UNIT_BYTES },
        { "bytes", TEND_UNIT_BYTES }, { "ratio", TEND_UNIT_RATIO },
    };
    for (size_t i = 0; unit != NULL && i < sizeof words / sizeof *words; i++) {
        if (strcmp(unit, words[i].word) == 0) {
            return words[i].family;
        }
    }
    return TEND_UNIT_PLAIN;
}

const char *tend_unit_family_text(enum tend_unit_family family)
{
    switch (family) {
    case TEND_UNIT_PLAIN:
        return "";
    case TEND_UNIT_SECONDS:
        return "s";
    case TEND_UNIT_BYTES:
        return "bytes";
    case TEND_UNIT_RATIO:
        return "ratio";
    }
    return "";
}

static enum tend_status fail(struct tend_error *error, const char *text, size_t bytes, const char *what)
{
    if (error != NULL) {
        struct tend_buffer shown;
        tend_buffer_init(&shown);
        tend_text_escape(&shown, text, bytes);
        tend_error_set(error, "\"%.60s\" %s", tend_buffer_text(&shown), what);
        tend_buffer_clear(&shown);
    }
    return TEND_E_INVALID;
}

static bool is_digit(const char *at, const char *end)
{
    return at < end && *at >= '0' && *at <= '9';
}

static const char *skip_digits(const char *at, const char *end)
{
    while (is_digit(at, end)) {
        at++;
    }
    return at;
}

// How much of the text is the number. An "e" counts only with digits after it.
static size_t number_bytes(const char *text, const char *end)
{
    const char *at = text;
    if (at < end && (*at == '-' || *at == '+')) {
        at++;
    }
    at = skip_digits(at, end);
    if (at < end && *at == '.') {
        at = skip_digits(at + 1, end);
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        const char *digits = at + 1;
        if (digits < end && (*digits == '-' || *digits == '+')) {
            digits++;
        }
        at = is_digit(digits, end) ? skip_digits(digits, end) : at;
    }
    return (size_t)(at - text);
}

// A value split into its number and its unit word, which is empty when there is none.
struct written {
    double number;
    const char *unit;
    size_t unit_bytes;
};

static enum tend_status split(const char *text, size_t bytes, struct written *out, struct tend_error *error)
{
    const char *end = text + bytes;
    const size_t count = number_bytes(text, end);
    if (!tend_number_parse(text, count, &out->number)) {
        return fail(error, text, bytes,
                    "is no value; write a number with a unit, like \"400ms\", \"2GiB\" or \"1.5%\"");
    }
    out->unit = text + count;
    while (out->unit < end && *out->unit == ' ') {
        out->unit++;
    }
    out->unit_bytes = (size_t)(end - out->unit);
    return TEND_OK;
}

static bool word_is(const struct written *written, const char *word)
{
    return written->unit_bytes == strlen(word) && memcmp(written->unit, word, written->unit_bytes) == 0;
}

enum tend_status tend_quantity_parse(const char *text, size_t bytes, double *value, enum tend_unit_family *family,
                                     bool *has_unit, struct tend_error *error)
{
    struct written written;
    const enum tend_status status =
        bytes == 0 ? fail(error, "", 0, "is no value") : split(text, bytes, &written, error);
    if (status != TEND_OK) {
        return status;
    }
    if (written.unit_bytes == 0) {
        *value = written.number;
        *family = TEND_UNIT_PLAIN;
        *has_unit = false;
        return TEND_OK;
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (word_is(&written, units[i].text)) {
            const double in_family = written.number * units[i].times / units[i].over;
            if (!isfinite(in_family)) {
                return fail(error, text, bytes, "is too large");
            }
            *value = in_family;
            *family = units[i].family;
            *has_unit = true;
            return TEND_OK;
        }
    }
    int64_t duration_ms;
    if (tend_duration_parse(text, bytes, &duration_ms, NULL) == TEND_OK) {
        *value = (double)duration_ms / 1000;
        *family = TEND_UNIT_SECONDS;
        *has_unit = true;
        return TEND_OK;
    }
    return fail(error, text, bytes,
                "has an unknown unit; known are ns us ms s m h d w, B kB MB GB TB PB KiB MiB GiB TiB PiB, and %");
}

static const char *family_noun(enum tend_unit_family family)
{
    switch (family) {
    case TEND_UNIT_PLAIN:
        return "a number";
    case TEND_UNIT_SECONDS:
        return "a time";
    case TEND_UNIT_BYTES:
        return "a number of bytes";
    case TEND_UNIT_RATIO:
        return "a share";
    }
    return "a number";
}

static const char *family_remedy(enum tend_unit_family family)
{
    switch (family) {
    case TEND_UNIT_PLAIN:
        return "write a plain number";
    case TEND_UNIT_SECONDS:
        return "write it like \"400ms\"";
    case TEND_UNIT_BYTES:
        return "write it like \"64MiB\"";
    case TEND_UNIT_RATIO:
        return "write it like \"1.5%\"";
    }
    return "write a plain number";
}

enum tend_status tend_quantity_parse_as(const char *text, size_t bytes, const char *unit, double *value,
                                        struct tend_error *error)
{
    const char *own_unit = unit == NULL ? "" : unit;
    struct written written;
    if (bytes > 0 && *own_unit != '\0' && split(text, bytes, &written, NULL) == TEND_OK &&
        word_is(&written, own_unit)) {
        *value = written.number;
        return TEND_OK;
    }
    double read;
    enum tend_unit_family family;
    bool has_unit;
    const enum tend_status status = tend_quantity_parse(text, bytes, &read, &family, &has_unit, error);
    if (status != TEND_OK) {
        return status;
    }
    const enum tend_unit_family wanted = tend_unit_family_of(own_unit);
    if (has_unit && family != wanted) {
        char what[200];
        if (*own_unit == '\0') {
            (void)snprintf(what, sizeof what, "is %s, but the metric has no unit; %s", family_noun(family),
                           family_remedy(wanted));
        } else {
            (void)snprintf(what, sizeof what, "is %s, but the unit is %.40s; %s", family_noun(family), own_unit,
                           family_remedy(wanted));
        }
        return fail(error, text, bytes, what);
    }
    *value = read;
    return TEND_OK;
}

// Four significant digits, or all before the point: 1234567 stays readable.
static const char *format_number(double value, char out[32])
{
    const double size = fabs(value);
    (void)snprintf(out, 32, size >= 9999.5 && size < 1e15 ? "%.0f" : "%.4g", value);
    return out;
}

static void format_seconds(double value, char out[TEND_QUANTITY_TEXT_BYTES])
{
    static const struct {
        double below;
        double times;
        const char *unit;
    } parts[] = { { 1e-6, 1e9, "ns" }, { 1e-3, 1e6, "µs" }, { 1, 1e3, "ms" }, { 120, 1, "s" } };
    const double size = fabs(value);
    char number[32];
    if (value == 0 || size >= 1e12) {
        (void)snprintf(out, TEND_QUANTITY_TEXT_BYTES, "%s s", format_number(value, number));
        return;
    }
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (size < parts[i].below) {
            const char *text = format_number(value * parts[i].times, number);
            (void)snprintf(out, TEND_QUANTITY_TEXT_BYTES, "%s %s", text, parts[i].unit);
            return;
        }
    }
    char duration[TEND_DURATION_TEXT_BYTES];
    const int64_t seconds = (int64_t)llround(value);
    (void)snprintf(out, TEND_QUANTITY_TEXT_BYTES, "%s", tend_duration_format(seconds * 1000, duration));
}

static void format_bytes(double value, char out[TEND_QUANTITY_TEXT_BYTES])
{
    static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
    size_t i = 0;
    while (fabs(value) >= 1023.95 && i + 1 < sizeof names / sizeof *names) { // what would read "1024" goes up
        value /= 1024;
        i++;
    }
    char number[32];
    (void)snprintf(out, TEND_QUANTITY_TEXT_BYTES, "%s %s", format_number(value, number), names[i]);
}

const char *tend_quantity_format(double value, const char *unit, char out[TEND_QUANTITY_TEXT_BYTES])
{
    char number[32];
    if (isnan(value)) {
        (void)snprintf(out, TEND_QUANTITY_TEXT_BYTES, "no data");
        return out;
    }
    if (isinf(value)) {
        (void)snprintf(out, TEND_QUANTITY_TEXT_BYTES, "%s", value > 0 ? "+Inf" : "-Inf");
        return out;
    }
    switch (tend_unit_family_of(unit)) {
    case TEND_UNIT_SECONDS:
        format_seconds(value, out);
        break;
    case TEND_UNIT_BYTES:
        format_bytes(value, out);
        break;
    case TEND_UNIT_RATIO:
        (void)snprintf(out, TEND_QUANTITY_TEXT_BYTES, "%s %%", format_number(value * 100, number));
        break;
    case TEND_UNIT_PLAIN:
        (void)snprintf(out, TEND_QUANTITY_TEXT_BYTES, "%s%s%.30s", format_number(value, number),
                       unit == NULL || *unit == '\0' ? "" : " ", unit == NULL ? "" : unit);
        break;
    }
    return out;
}
