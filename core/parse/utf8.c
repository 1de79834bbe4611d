// Plain and table-free; the ASCII test reads eight bytes at a time, as it runs over every body.

#include "parse/utf8.h"

#include <stdint.h>
#include <string.h>

bool tend_ascii_only(const char *text, size_t bytes)
{
    const uint64_t high_bits = UINT64_C(0x8080808080808080);
    size_t i = 0;
    for (; i + 8 <= bytes; i += 8) {
        uint64_t word;
        memcpy(&word, text + i, sizeof word);
        if ((word & high_bits) != 0) {
            return false;
        }
    }
    for (; i < bytes; i++) {
        if ((unsigned char)text[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

// Length of the valid sequence at text, 0 if there is none.
static size_t sequence_bytes(const unsigned char *text, size_t left)
{
    const unsigned char first = text[0];
    if (first < 0x80) {
        return 1;
    }
    if (first < 0xc2 || first > 0xf4) {
        return 0;
    }
    const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (length > left) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    const bool overlong = (first == 0xe0 && text[1] < 0xa0) || (first == 0xf0 && text[1] < 0x90);
    const bool outside = (first == 0xed && text[1] >= 0xa0) || (first == 0xf4 && text[1] >= 0x90);
    return overlong || outside ? 0 : length;
}

bool tend_utf8_valid(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes;) {
        const size_t length = sequence_bytes((const unsigned char *)text + i, bytes - i);
        if (length == 0) {
            return false;
        }
        i += length;
    }
    return true;
}

size_t tend_utf8_count(const char *text, size_t bytes)
{
    size_t count = 0;
    for (size_t i = 0; i < bytes; i++) {
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    }
    return count;
}
