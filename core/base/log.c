// Log lines are built whole and written with one write(2), so that lines of two threads never mix.
// The level is the one piece of state of a process here: it is set before threads start and only read later.

#include "base/log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static atomic_int lowest_level = TEND_LOG_INFO;

void tend_log_set_level(enum tend_log_level level)
{
    atomic_store(&lowest_level, (int)level);
}

static size_t sequence_bytes(unsigned char first)
{
    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xf0) {
        return first <= 0xf4 ? 4 : 0;
    }
    return first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
}

// Characters that show nothing themselves but change how others are shown: marks and overrides of the direction of
// writing (U+061C, U+200E, U+200F, U+202A … U+202E, U+2066 … U+2069) and line separators (U+2028, U+2029). With them
// "restart ledger" can be made to read as something else.
static bool is_disguise(const unsigned char *text, size_t length)
{
    if (length == 2) {
        return text[0] == 0xd8 && text[1] == 0x9c;
    }
    if (length != 3 || text[0] != 0xe2) {
        return false;
    }
    return (text[1] == 0x80 && (text[2] == 0x8e || text[2] == 0x8f || (text[2] >= 0xa8 && text[2] <= 0xae))) ||
           (text[1] == 0x81 && text[2] >= 0xa6 && text[2] <= 0xa9);
}

size_t tend_log_printable_bytes(const char *start, size_t left)
{
    const unsigned char *text = (const unsigned char *)start;
    const size_t length = sequence_bytes(text[0]);
    if (length <= 1) {
        return text[0] >= 0x20 && text[0] < 0x7f ? 1 : 0;
    }
    if (length > left) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    // The second byte says whether the sequence is overlong, a surrogate, past U+10FFFF, or a C1 control character.
    const unsigned pair = (unsigned)text[0] << 8 | text[1];
    const bool overlong = (pair >= 0xe080 && pair < 0xe0a0) || (pair >= 0xf080 && pair < 0xf090);
    const bool outside = (pair >= 0xeda0 && pair < 0xee00) || (pair >= 0xf490 && pair < 0xf500);
    const bool control = pair >= 0xc280 && pair < 0xc2a0;
    return overlong || outside || control || is_disguise(text, length) ? 0 : length;
}

static void escape_into(struct tend_buffer *out, const char *text, size_t count, bool quotes_too)
{
    for (size_t i = 0; i < count;) {
        const size_t length = tend_log_printable_bytes(text + i, count - i);
        if (length == 0 || (quotes_too && (text[i] == '"' || text[i] == '\\'))) {
            tend_buffer_printf(out, "\\x%02x", (unsigned)(unsigned char)text[i]);
            i++;
        } else {
            tend_buffer_put(out, text + i, length);
            i += length;
        }
    }
}

void tend_log_escape(struct tend_buffer *out, const char *text, size_t count)
{
    const bool quoted = count == 0 || memchr(text, ' ', count) != NULL;
    if (quoted) {
        tend_buffer_put_text(out, "\"");
    }
    escape_into(out, text, count, true);
    if (quoted) {
        tend_buffer_put_text(out, "\"");
    }
}

void tend_log(enum tend_log_level level, const char *format, ...)
{
    if ((int)level > atomic_load(&lowest_level)) {
        return;
    }
    static const char *const names[] = { "error", "warn", "info", "debug" };
    struct tend_buffer line;
    tend_buffer_init(&line);
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    struct tm parts;
    (void)gmtime_r(&now.tv_sec, &parts);
    char stamp[32];
    (void)strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &parts);
    tend_buffer_printf(&line, "%s.%03ldZ %-5s ", stamp, now.tv_nsec / 1000000, names[level]);
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    const int wanted = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const size_t count = wanted < 0 ? 0 : (size_t)wanted < sizeof text ? (size_t)wanted : sizeof text - 1;
    escape_into(&line, text, count, false);
    tend_buffer_put_text(&line, "\n");
    if (!line.failed) {
        const ssize_t written = write(STDERR_FILENO, line.data, line.size);
        (void)written; // nobody to tell when stderr itself is gone
    }
    tend_buffer_clear(&line);
}
