#include "driver/world/hand_series.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VALUES_MAX = 100000 };

// What one word says: `count` values from `first` on, each `step` more than the one before.
struct word {
    double first;
    double step;
    size_t count;
};

static bool read_count(const char *text, size_t *out)
{
    char *end;
    if (!isdigit((unsigned char)text[0])) {
        return false;
    }
    const unsigned long long count = strtoull(text, &end, 10);
    *out = count > VALUES_MAX ? (size_t)VALUES_MAX + 1 : (size_t)count;
    return *end == '\0';
}

// Up to the end, or to the sign that begins the step. Not hexadecimal: in "0x10" the x says how often.
static bool read_number(const char *text, const char *end, double *out, const char **rest)
{
    char number[64];
    const size_t bytes = (size_t)(end - text);
    if (bytes == 0 || bytes >= sizeof number || memchr(text, 'x', bytes) != NULL) {
        return false;
    }
    memcpy(number, text, bytes);
    number[bytes] = '\0';
    char *stop;
    *out = strtod(number, &stop);
    *rest = text + (stop - number);
    return stop != number && isfinite(*out);
}

static bool read_word(const char *text, struct word *out)
{
    *out = (struct word){ .first = (double)NAN, .count = 1 };
    if (strcmp(text, "_") == 0 || strcmp(text, "stale") == 0) {
        return true;
    }
    if (text[0] == '_' && text[1] == 'x') {
        return read_count(text + 2, &out->count);
    }
    const char *times = strrchr(text, 'x');
    const char *end = times == NULL ? text + strlen(text) : times;
    const char *rest;
    if (!read_number(text, end, &out->first, &rest) || (times != NULL && !read_count(times + 1, &out->count))) {
        return false;
    }
    if (rest == end) {
        return true;
    }
    out->count++; // a and then N steps
    return times != NULL && (rest[0] == '+' || rest[0] == '-') && read_number(rest, end, &out->step, &rest) &&
           rest == end;
}

static enum tend_status append(struct tend_hand_series *series, const struct word *word, struct tend_error *error)
{
    if (word->count > VALUES_MAX || series->count + word->count > VALUES_MAX) {
        tend_error_set(error, "a series by hand has at most %d values", VALUES_MAX);
        return TEND_E_LIMIT;
    }
    double *grown = reallocarray(series->values, series->count + word->count + 1, sizeof *series->values);
    if (grown == NULL) {
        tend_error_set(error, "%s", tend_status_text(TEND_E_NOMEM));
        return TEND_E_NOMEM;
    }
    series->values = grown;
    for (size_t i = 0; i < word->count; i++) {
        series->values[series->count++] = word->first + (double)i * word->step;
    }
    return TEND_OK;
}

enum tend_status tend_hand_series_parse(const char *text, struct tend_hand_series *out, struct tend_error *error)
{
    struct tend_hand_series series = { .values = NULL };
    char *copy = strdup(text);
    enum tend_status status = copy == NULL ? TEND_E_NOMEM : TEND_OK;
    char *rest = NULL;
    for (char *one = copy == NULL ? NULL : strtok_r(copy, " \t\n", &rest); one != NULL && status == TEND_OK;
         one = strtok_r(NULL, " \t\n", &rest)) {
        struct word word;
        if (!read_word(one, &word)) {
            tend_error_set(error, "\"%s\" is no value; write it like 0.4x60, 1+2x3, _x5 or stale", one);
            status = TEND_E_INVALID;
        } else {
            status = append(&series, &word, error);
        }
    }
    free(copy);
    if (status != TEND_OK) {
        tend_hand_series_clear(&series);
        return status;
    }
    *out = series;
    return TEND_OK;
}

void tend_hand_series_clear(struct tend_hand_series *series)
{
    free(series->values);
    *series = (struct tend_hand_series){ .values = NULL };
}
