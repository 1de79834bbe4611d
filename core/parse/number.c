// Most numbers of a scrape have few digits. When mantissa and power of ten are both exact as doubles, one
// multiplication or division rounds once and so correctly (Clinger, "How to read floating point numbers accurately",
// 1990). The rest goes to strtod, which is correct for any length; tend never calls setlocale, so it reads a point as a
// point.

#include "parse/number.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    LONGEST_NUMBER_BYTES = 1000,
    MANTISSA_DIGITS = 19, // as many as a uint64_t always holds
    EXACT_POWER = 22,     // 10^22 is the last power of ten that a double holds exactly
    HUGE_EXPONENT = 100000,
};

static const double exact_powers[EXACT_POWER + 1] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

struct decimal {
    uint64_t mantissa; // the significant digits, while they are few enough
    int digits;        // significant digits seen, leading zeros not counted
    int exponent;      // of the mantissa's last digit
    bool any_digit;
};

static const char *read_digits(const char *at, const char *end, struct decimal *decimal, bool after_point)
{
    for (; at < end && (unsigned)(*at - '0') < 10; at++) {
        decimal->any_digit = true;
        if (decimal->digits > 0 || *at != '0') {
            decimal->digits++;
        }
        if (decimal->digits <= MANTISSA_DIGITS) {
            decimal->mantissa = decimal->mantissa * 10 + (uint64_t)(*at - '0');
        }
        if (after_point) {
            decimal->exponent--;
        }
    }
    return at;
}

// After the "e". NULL: no digits there.
static const char *read_exponent(const char *at, const char *end, struct decimal *decimal)
{
    bool negative = false;
    if (at < end && (*at == '+' || *at == '-')) {
        negative = *at == '-';
        at++;
    }
    if (at == end) {
        return NULL;
    }
    int exponent = 0;
    for (; at < end && (unsigned)(*at - '0') < 10; at++) {
        exponent = exponent < HUGE_EXPONENT ? exponent * 10 + (*at - '0') : exponent;
    }
    decimal->exponent += negative ? -exponent : exponent;
    return at;
}

static bool read_special(const char *text, const char *unsigned_text, const char *end, double *out)
{
    const size_t bytes = (size_t)(end - unsigned_text);
    const bool infinity = (bytes == 3 && strncasecmp(unsigned_text, "inf", 3) == 0) ||
                          (bytes == 8 && strncasecmp(unsigned_text, "infinity", 8) == 0);
    if (infinity) {
        *out = *text == '-' ? -(double)INFINITY : (double)INFINITY;
        return true;
    }
    if (text == unsigned_text && bytes == 3 && strncasecmp(text, "nan", 3) == 0) {
        *out = (double)NAN;
        return true;
    }
    return false;
}

static bool read_slowly(const char *text, size_t bytes, double *out)
{
    char copy[LONGEST_NUMBER_BYTES + 1];
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    const double value = strtod(copy, NULL);
    if (isinf(value)) {
        return false;
    }
    *out = value;
    return true;
}

// The value of few digits and a small power of ten, rounded once. False: strtod must do it.
static bool read_exactly(const struct decimal *decimal, double *out)
{
    if (decimal->digits > MANTISSA_DIGITS) {
        return false;
    }
    const double mantissa = (double)decimal->mantissa;
    const int exponent = decimal->exponent;
    if (exponent == 0 || decimal->mantissa == 0) {
        *out = mantissa;
        return true;
    }
    if (decimal->mantissa > UINT64_C(1) << 53 || exponent < -EXACT_POWER || exponent > EXACT_POWER) {
        return false;
    }
    *out = exponent < 0 ? mantissa / exact_powers[-exponent] : mantissa * exact_powers[exponent];
    return true;
}

bool tend_number_parse(const char *text, size_t bytes, double *out)
{
    if (bytes == 0 || bytes > LONGEST_NUMBER_BYTES) {
        return false;
    }
    const char *end = text + bytes;
    const bool negative = *text == '-';
    const char *first = text + (negative || *text == '+');
    struct decimal decimal = { .mantissa = 0 };
    const char *at = read_digits(first, end, &decimal, false);
    if (at < end && *at == '.') {
        at = read_digits(at + 1, end, &decimal, true);
    }
    if (!decimal.any_digit) {
        return read_special(text, first, end, out);
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at = read_exponent(at + 1, end, &decimal);
    }
    if (at != end) {
        return false;
    }
    double value;
    if (!read_exactly(&decimal, &value)) {
        return read_slowly(text, bytes, out);
    }
    *out = negative ? -value : value;
    return true;
}
