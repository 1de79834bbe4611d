// What is written here was cut at a number of bytes, or comes from a process or a peer that may send any bytes; JSON
// takes only valid UTF-8, and a record that cannot be made would have to stop tend.

#include "base/text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/// Bytes of the UTF-8 character at the beginning, by RFC 3629; 0: it is none, or not whole.
static size_t character_bytes(const unsigned char *text)
{
    const unsigned char first = text[0];
    if (first < 0x80) {
        return 1;
    }
    const size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4) {
        return 0;
    }
    for (size_t i = 1; i < bytes; i++) {
        if ((text[i] & 0xc0) != 0x80) { // also the NUL behind a cut character
            return 0;
        }
    }
    const bool overlong = (first == 0xe0 && text[1] < 0xa0) || (first == 0xf0 && text[1] < 0x90);
    const bool beyond = (first == 0xed && text[1] > 0x9f) || (first == 0xf4 && text[1] > 0x8f);
    return overlong || beyond ? 0 : bytes;
}

/// Whether a character begins here that the end of the text cuts off.
static bool is_cut(const unsigned char *text)
{
    const unsigned char first = text[0];
    if (first < 0xc2 || first > 0xf4) {
        return false;
    }
    const size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    for (size_t i = 1; i < bytes; i++) {
        if (text[i] == '\0') {
            return true;
        }
        if ((text[i] & 0xc0) != 0x80) {
            return false;
        }
    }
    return false;
}

void tend_text_mend(char *text)
{
    unsigned char *at = (unsigned char *)text;
    while (*at != '\0') {
        const size_t bytes = character_bytes(at);
        if (bytes > 0) {
            at += bytes;
        } else if (is_cut(at)) {
            *at = '\0';
        } else {
            *at++ = '?';
        }
    }
}

void tend_text_format(char *out, size_t bytes, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int wanted = vsnprintf(out, bytes, format, arguments);
    va_end(arguments);
    if (wanted < 0) {
        out[0] = '\0';
    }
    tend_text_mend(out);
}
