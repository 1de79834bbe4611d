// One pass, a word at a time. Words are runs of what identifiers and numbers are made of; what stands between them
// stays. A masked word swallows the marks between it and the next masked one: "10.0.0.1:8080" and "10.0.0.1, 10.0.0.2"
// are both one variable, however long the list is.

#include "locate/log_template.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

static bool is_word(unsigned char c)
{
    return isalnum(c) || c == '_' || c == '-' || c == '.' || c >= 0x80;
}

struct writer {
    char *out;
    size_t bytes;
    size_t after_mask; // how long it was just after the last mask; 0: no mask yet
};

static void put(struct writer *writer, char c)
{
    if (writer->bytes < TEND_LOG_TEMPLATE_BYTES) {
        writer->out[writer->bytes++] = c;
    }
}

static void put_mask(struct writer *writer)
{
    static const char mask[] = "<*>";
    // only marks and blanks since the last mask: it is one list
    bool only_marks = writer->after_mask > 0;
    for (size_t i = writer->after_mask; only_marks && i < writer->bytes; i++) {
        const unsigned char c = (unsigned char)writer->out[i];
        only_marks = !isalnum(c) && c != '?' && c != '[' && c != ']' && c != '(' && c != ')';
    }
    if (only_marks) {
        writer->bytes = writer->after_mask;
        return;
    }
    for (size_t i = 0; mask[i] != '\0'; i++) {
        put(writer, mask[i]);
    }
    writer->after_mask = writer->bytes;
}

// A word is variable when it has a digit, or is hexadecimal and long.
static bool is_variable(const char *word, size_t bytes)
{
    bool is_hex = bytes >= 8;
    for (size_t i = 0; i < bytes; i++) {
        const unsigned char c = (unsigned char)word[i];
        if (isdigit(c)) {
            return true;
        }
        is_hex = is_hex && (isxdigit(c) || c == '-');
    }
    return is_hex;
}

size_t tend_log_template(const char *message, size_t bytes, char out[TEND_LOG_TEMPLATE_BYTES + 1])
{
    struct writer writer = { .out = out };
    const size_t end = bytes < TEND_LOG_MESSAGE_BYTES ? bytes : TEND_LOG_MESSAGE_BYTES;
    size_t at = 0;
    while (at < end && writer.bytes < TEND_LOG_TEMPLATE_BYTES) {
        size_t stop = at;
        while (stop < end && is_word((unsigned char)message[stop])) {
            stop++;
        }
        if (stop > at && is_variable(message + at, stop - at)) {
            put_mask(&writer);
        } else {
            for (size_t i = at; i < stop; i++) {
                const unsigned char c = (unsigned char)message[i];
                put(&writer, isprint(c) && c < 0x80 ? (char)c : '?');
            }
        }
        at = stop;
        if (at < end && !is_word((unsigned char)message[at])) {
            const unsigned char c = (unsigned char)message[at++];
            const bool is_blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
            if (!is_blank || (writer.bytes > 0 && out[writer.bytes - 1] != ' ')) {
                put(&writer, is_blank ? ' ' : isprint(c) ? (char)c : '?');
            }
        }
    }
    while (writer.bytes > 0 && out[writer.bytes - 1] == ' ') {
        writer.bytes--;
    }
    out[writer.bytes] = '\0';
    return writer.bytes;
}
