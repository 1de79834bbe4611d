// Escapes are Go's (strconv.Unquote), but that a quote may be escaped only in strings of that quote, as PromQL has it.

#include "parse/quoted_text.h"

#include "base/log.h"

#include <string.h>

static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : 99;
}

// `count` digits of a base at *at. @return false: there are fewer
static bool read_digits(const char **at, const char *end, int count, unsigned base, uint32_t *value)
{
    *value = 0;
    for (int i = 0; i < count; i++, (*at)++) {
        const unsigned digit = *at < end ? (unsigned)digit_value(**at) : 99;
        if (digit >= base) {
            return false;
        }
        *value = *value * base + digit;
    }
    return true;
}

static void put_code_point(struct tend_buffer *out, uint32_t point)
{
    if (point < 0x80) {
        tend_buffer_put_u8(out, (uint8_t)point);
        return;
    }
    if (point < 0x800) {
        tend_buffer_put_u8(out, (uint8_t)(0xc0 | (point >> 6)));
    } else {
        if (point < 0x10000) {
            tend_buffer_put_u8(out, (uint8_t)(0xe0 | (point >> 12)));
        } else {
            tend_buffer_put_u8(out, (uint8_t)(0xf0 | (point >> 18)));
            tend_buffer_put_u8(out, (uint8_t)(0x80 | ((point >> 12) & 0x3f)));
        }
        tend_buffer_put_u8(out, (uint8_t)(0x80 | ((point >> 6) & 0x3f)));
    }
    tend_buffer_put_u8(out, (uint8_t)(0x80 | (point & 0x3f)));
}

// After \x, \u, \U, or at the first digit of an octal one.
static const char *read_numeric_escape(char kind, const char **at, const char *end, struct tend_buffer *out)
{
    uint32_t value;
    if (kind == 'x') {
        if (!read_digits(at, end, 2, 16, &value)) {
            return "\\x needs two hexadecimal digits";
        }
        tend_buffer_put_u8(out, (uint8_t)value);
        return NULL;
    }
    if (kind == 'u' || kind == 'U') {
        if (!read_digits(at, end, kind == 'u' ? 4 : 8, 16, &value)) {
            return "\\u needs four hexadecimal digits, \\U eight";
        }
        if (value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) {
            return "there is no such Unicode character";
        }
        put_code_point(out, value);
        return NULL;
    }
    if (!read_digits(at, end, 3, 8, &value) || value > 255) {
        return "an octal escape needs three digits, up to \\377";
    }
    tend_buffer_put_u8(out, (uint8_t)value);
    return NULL;
}

// Just after the backslash. @return what is wrong, or NULL
static const char *read_escape(char quote, const char **at, const char *end, struct tend_buffer *out)
{
    static const char letters[] = "abfnrtv\\";
    static const char meanings[] = "\a\b\f\n\r\t\v\\";
    if (*at == end) {
        return "the string is not closed";
    }
    const char kind = **at;
    const char *letter = kind == '\0' ? NULL : strchr(letters, kind);
    if (letter != NULL || kind == quote) {
        (*at)++;
        tend_buffer_put_u8(out, (uint8_t)(letter != NULL ? meanings[letter - letters] : kind));
        return NULL;
    }
    if (kind == 'x' || kind == 'u' || kind == 'U') {
        (*at)++;
        return read_numeric_escape(kind, at, end, out);
    }
    if (kind >= '0' && kind <= '7') {
        return read_numeric_escape(kind, at, end, out);
    }
    return "unknown escape after the \"\\\"; a backslash itself is \"\\\\\" (or use back quotes)";
}

const char *tend_quoted_text_read(const char **at, const char *end, struct tend_buffer *out, const char **fault_at)
{
    const char quote = **at;
    *fault_at = *at;
    (*at)++;
    while (*at < end && **at != quote) {
        *fault_at = *at;
        if (quote != '`' && **at == '\n') {
            return "a line break inside the string; write \\n";
        }
        if (quote == '`' || **at != '\\') {
            const char *start = *at;
            do {
                (*at)++;
            } while (*at < end && **at != quote && **at != '\n' && (quote == '`' || **at != '\\'));
            tend_buffer_put(out, start, (size_t)(*at - start));
            continue;
        }
        (*at)++;
        const char *fault = read_escape(quote, at, end, out);
        if (fault != NULL) {
            return fault;
        }
    }
    if (*at == end) {
        *fault_at = end;
        return "the string is not closed";
    }
    (*at)++;
    return NULL;
}

void tend_text_escape(struct tend_buffer *out, const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes;) {
        const size_t length = tend_log_printable_bytes(text + i, bytes - i);
        if (length == 0) {
            tend_buffer_printf(out, "\\x%02x", (unsigned)(unsigned char)text[i]);
            i++;
        } else {
            tend_buffer_put(out, text + i, length);
            i += length;
        }
    }
}
