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
    size_t words;      // a list of masked ones is one
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
    writer->words++;
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

static void put_word(struct writer *writer, const char *word, size_t bytes)
{
    if (bytes > 0 && is_variable(word, bytes)) {
        put_mask(writer);
        return;
    }
    writer->words += bytes > 0 ? 1 : 0;
    for (size_t i = 0; i < bytes; i++) {
        const char c = word[i];
        put(writer, isascii((unsigned char)c) ? c : '?');
    }
}

static void put_mark(struct writer *writer, char c)
{
    const bool is_blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (!is_blank) {
        const char shown = isprint((unsigned char)c) ? c : '?';
        put(writer, shown);
    } else if (writer->bytes > 0 && writer->out[writer->bytes - 1] != ' ') {
        put(writer, ' ');
    }
}

size_t tend_log_template(const char *message, size_t bytes, char out[TEND_LOG_TEMPLATE_BYTES + 1])
{
    struct writer writer = { .out = out };
    const size_t end = bytes < TEND_LOG_MESSAGE_BYTES ? bytes : TEND_LOG_MESSAGE_BYTES;
    for (size_t at = 0; at < end && writer.bytes < TEND_LOG_TEMPLATE_BYTES && writer.words < TEND_LOG_TEMPLATE_WORDS;
         at++) {
        const size_t begin = at;
        while (at < end && is_word((unsigned char)message[at])) {
            at++;
        }
        put_word(&writer, message + begin, at - begin);
        if (at < end && writer.words < TEND_LOG_TEMPLATE_WORDS) {
            put_mark(&writer, message[at]);
        }
    }
    while (writer.bytes > 0 && out[writer.bytes - 1] == ' ') {
        writer.bytes--;
    }
    out[writer.bytes] = '\0';
    return writer.bytes;
}
