// JSON is scanned, not built: of each object only the members that tell a level or a message are looked at, and the
// rest is stepped over by its quotes and brackets. A line that this scan cannot follow to its end is plain text.

#include "parse/log_line.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum {
    LEVEL_WITHIN_BYTES = 120, // a plain line tells its level that early, or not at all
    DEPTH_MAX = 64,
};

static bool is_word_byte(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static bool begins_with_any(const char *word, size_t bytes, const char *const *beginnings)
{
    for (size_t i = 0; beginnings[i] != NULL; i++) {
        const size_t count = strlen(beginnings[i]);
        if (bytes >= count && strncasecmp(word, beginnings[i], count) == 0) {
            return true;
        }
    }
    return false;
}

// By how they begin, for there are many forms of each; but FINE and CONFIG, SILLY and SUCCESS are no errors.
enum tend_line_level tend_line_level_of(const char *word, size_t bytes)
{
    static const char *const errors[] = { "e", "fat", "fail", "crit", "panic", "sev", "alert", NULL };
    if (bytes == 1 && strchr("FCPfcp", word[0]) != NULL && word[0] != '\0') {
        return TEND_LINE_ERROR;
    }
    if (begins_with_any(word, bytes, errors)) {
        return TEND_LINE_ERROR;
    }
    return bytes > 0 && (word[0] == 'w' || word[0] == 'W') ? TEND_LINE_WARNING : TEND_LINE_INFO;
}

// ---- JSON ----

struct text {
    const char *at;
    size_t bytes;
};

struct scan {
    const char *at;
    const char *end;
};

static void skip_blanks(struct scan *scan)
{
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\r')) {
        scan->at++;
    }
}

// At a quote: what is between it and the next one. @return false: there is none
static bool take_string(struct scan *scan, struct text *out)
{
    const char *begin = ++scan->at;
    while (scan->at < scan->end && *scan->at != '"') {
        scan->at += *scan->at == '\\' ? 2 : 1;
    }
    if (scan->at >= scan->end) {
        return false;
    }
    *out = (struct text){ begin, (size_t)(scan->at - begin) };
    scan->at++;
    return true;
}

// At an opening bracket: steps behind the one that closes it.
static bool skip_nested(struct scan *scan)
{
    int depth = 0;
    while (scan->at < scan->end) {
        struct text ignored;
        const char c = *scan->at;
        if (c == '"') {
            if (!take_string(scan, &ignored)) {
                return false;
            }
            continue;
        }
        scan->at++;
        depth += c == '{' || c == '[' ? 1 : 0;
        depth -= c == '}' || c == ']' ? 1 : 0;
        if (depth == 0) {
            return true;
        }
        if (depth > DEPTH_MAX) {
            return false;
        }
    }
    return false;
}

// Any value. @param[out] out  a string without its quotes, a number or a word; empty for an array or object
static bool take_value(struct scan *scan, struct text *out, bool *is_string)
{
    *out = (struct text){ scan->at, 0 };
    *is_string = scan->at < scan->end && *scan->at == '"';
    if (*is_string) {
        return take_string(scan, out);
    }
    if (scan->at < scan->end && (*scan->at == '{' || *scan->at == '[')) {
        return skip_nested(scan);
    }
    while (scan->at < scan->end && (isalnum((unsigned char)*scan->at) || strchr("+-.", *scan->at) != NULL)) {
        scan->at++;
    }
    out->bytes = (size_t)(scan->at - out->at);
    return out->bytes > 0;
}

static bool is_named(const struct text *key, const char *const *names, int *rank)
{
    for (int i = 0; names[i] != NULL; i++) {
        if (strlen(names[i]) == key->bytes && strncasecmp(names[i], key->at, key->bytes) == 0) {
            *rank = i;
            return true;
        }
    }
    return false;
}

struct object {
    struct text level;
    bool level_is_string;
    struct text message;
    int message_rank; // of its key: the lower the better; -1: none
    int level_rank;
};

static const char *const level_keys[] = { "level", "severity", "lvl", "levelname", "log.level", "loglevel", NULL };
static const char *const message_keys[] = { "message", "msg", "log", "event", "error", "text", NULL };

static void take_member(struct object *object, const struct text *key, const struct text *value, bool is_string)
{
    int rank = 0;
    if (is_named(key, level_keys, &rank) && (object->level_rank < 0 || rank < object->level_rank)) {
        object->level = *value;
        object->level_is_string = is_string;
        object->level_rank = rank;
    } else if (is_string && is_named(key, message_keys, &rank) &&
               (object->message_rank < 0 || rank < object->message_rank)) {
        object->message = *value;
        object->message_rank = rank;
    }
}

static bool read_object(const char *text, size_t bytes, struct object *out)
{
    struct scan scan = { text, text + bytes };
    *out = (struct object){ .message_rank = -1, .level_rank = -1 };
    skip_blanks(&scan);
    if (scan.at == scan.end || *scan.at != '{') {
        return false;
    }
    do {
        struct text key;
        struct text value;
        bool is_string;
        scan.at++;
        skip_blanks(&scan);
        if (scan.at < scan.end && *scan.at == '}' && out->level_rank < 0 && out->message_rank < 0) {
            return true;
        }
        if (scan.at >= scan.end || *scan.at != '"' || !take_string(&scan, &key)) {
            return false;
        }
        skip_blanks(&scan);
        if (scan.at >= scan.end || *scan.at++ != ':') {
            return false;
        }
        skip_blanks(&scan);
        if (!take_value(&scan, &value, &is_string)) {
            return false;
        }
        take_member(out, &key, &value, is_string);
        skip_blanks(&scan);
    } while (scan.at < scan.end && *scan.at == ',');
    return scan.at < scan.end && *scan.at == '}';
}

// Undoes what JSON escapes; what is no printable ASCII anyway becomes "?".
static size_t unescape(const struct text *text, char *out)
{
    size_t count = 0;
    for (size_t i = 0; i < text->bytes && count < TEND_LINE_MESSAGE_BYTES; i++) {
        char c = text->at[i];
        if (c == '\\' && i + 1 < text->bytes) {
            c = text->at[++i];
            if (c == 'u') {
                i += i + 4 < text->bytes ? 4 : 0;
                c = '?';
            } else if (c == 'n' || c == 't' || c == 'r' || c == 'b' || c == 'f') {
                c = ' ';
            }
        }
        out[count++] = c;
    }
    return count;
}

// Numbers: those of syslog (0 to 7, the lower the graver) and those of bunyan and pino (10 to 60).
static enum tend_line_level level_of_number(const struct text *level)
{
    int number = 0;
    for (size_t i = 0; i < level->bytes && i < 3 && isdigit((unsigned char)level->at[i]); i++) {
        number = 10 * number + (level->at[i] - '0');
    }
    const bool is_error = number <= 3 || number >= 50;
    const bool is_warning = number == 4 || (number >= 40 && number < 50);
    return is_error ? TEND_LINE_ERROR : is_warning ? TEND_LINE_WARNING : TEND_LINE_INFO;
}

// ---- plain text ----

// "E1123 10:00:00.123456 1 main.go:7] …" as klog writes it.
static bool is_klog(const char *text, size_t bytes)
{
    return bytes > 6 && strchr("IWEF", text[0]) != NULL && isdigit((unsigned char)text[1]) &&
           isdigit((unsigned char)text[2]) && isdigit((unsigned char)text[3]) && isdigit((unsigned char)text[4]) &&
           text[5] == ' ';
}

static const char *const level_words[] = { "EMERG",  "ALERT", "CRIT",    "CRITICAL", "ERROR", "ERR",   "FATAL", "PANIC",
                                           "SEVERE", "WARN",  "WARNING", "NOTICE",   "INFO",  "DEBUG", "TRACE", NULL };

static bool is_level_word(const char *word, size_t bytes)
{
    if (bytes < 3 || bytes > 8 || strchr("eacfpswnidtEACFPSWNIDT", word[0]) == NULL) {
        return false;
    }
    for (size_t i = 0; level_words[i] != NULL; i++) {
        if (strlen(level_words[i]) == bytes && strncasecmp(level_words[i], word, bytes) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_upper(const char *word, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (!isupper((unsigned char)word[i])) {
            return false;
        }
    }
    return bytes > 0;
}

// A word in capitals, in brackets, after "level=", or before a colon is meant as a level: "no error so far" is none.
static bool is_meant(const char *text, size_t begin, size_t end, size_t bytes)
{
    static const char blank[] = " ";
    const char before = *(begin == 0 ? blank : text + begin - 1);
    const char after = *(end == bytes ? blank : text + end);
    return is_upper(text + begin, end - begin) || before == '[' || before == '<' || before == '(' || before == '|' ||
           before == '=' || (before == '"' && begin >= 2 && text[begin - 2] == '=') || after == ':' || after == ']';
}

// "ValueError: …", "java.io.IOException: …", "Traceback (most recent call last):"
static bool names_an_exception(const char *word, size_t bytes)
{
    static const char *const ends[] = { "Error", "Exception", "Traceback", NULL };
    for (size_t i = 0; ends[i] != NULL; i++) {
        const size_t end = strlen(ends[i]);
        if (bytes >= end && memcmp(word + bytes - end, ends[i], end) == 0) {
            return true;
        }
    }
    return false;
}

static enum tend_line_level level_of_plain(const char *text, size_t bytes)
{
    if (is_klog(text, bytes)) {
        return tend_line_level_of(text, 1);
    }
    const size_t within = bytes < LEVEL_WITHIN_BYTES ? bytes : LEVEL_WITHIN_BYTES;
    bool exception = false;
    for (size_t at = 0; at < within; at++) {
        const size_t begin = at;
        while (at < within && is_word_byte(text[at])) {
            at++;
        }
        if (at == begin) {
            continue;
        }
        if (is_level_word(text + begin, at - begin) && is_meant(text, begin, at, bytes)) {
            return tend_line_level_of(text + begin, at - begin);
        }
        exception = exception || names_an_exception(text + begin, at - begin);
    }
    return exception ? TEND_LINE_ERROR : TEND_LINE_INFO;
}

// "2026-03-02T02:00:00.1Z stderr F message": what containerd and CRI-O put before each line.
static void drop_container_head(struct text *text)
{
    const char *end = text->at + text->bytes;
    const char *blank = text->bytes > 20 && isdigit((unsigned char)text->at[0])
                            ? memchr(text->at, ' ', 40 < text->bytes ? 40 : text->bytes)
                            : NULL;
    if (blank == NULL || end - blank < 10) {
        return;
    }
    if ((memcmp(blank, " stdout ", 8) == 0 || memcmp(blank, " stderr ", 8) == 0) &&
        (blank[8] == 'F' || blank[8] == 'P') && blank[9] == ' ') {
        text->at = blank + 10;
        text->bytes = (size_t)(end - text->at);
    }
}

static void read_plain(const struct text *text, struct tend_line *out)
{
    // Blanks before a line: it goes on with the one before, as stack traces do.
    out->continues = text->bytes == 0 || text->at[0] == ' ' || text->at[0] == '\t';
    out->level = level_of_plain(text->at, text->bytes);
    out->message = text->at;
    out->bytes = text->bytes < TEND_LINE_MESSAGE_BYTES ? text->bytes : TEND_LINE_MESSAGE_BYTES;
}

static enum tend_line_level level_of_object(const struct object *object)
{
    return object->level_is_string ? tend_line_level_of(object->level.at, object->level.bytes)
                                   : level_of_number(&object->level);
}

// Docker wraps each line as {"log": …}, which may be an object again: what is in there is written over it, from its
// front on, and so never over what is still to be read.
static void read_said(const struct object *object, char *scratch, struct tend_line *out)
{
    struct text said = { scratch, unescape(&object->message, scratch) };
    struct object inner;
    if (said.bytes > 0 && said.at[0] == '{' && read_object(said.at, said.bytes, &inner) && inner.message_rank >= 0) {
        const bool has_level = inner.level_rank >= 0;
        const enum tend_line_level level = has_level ? level_of_object(&inner) : TEND_LINE_INFO;
        said.bytes = unescape(&inner.message, scratch);
        read_plain(&said, out);
        out->level = has_level ? level : out->level;
        return;
    }
    read_plain(&said, out);
}

void tend_line_read(const char *text, size_t bytes, enum tend_line_format format, char *scratch, struct tend_line *out)
{
    struct text line = { text, bytes };
    while (line.bytes > 0 && (line.at[line.bytes - 1] == '\r' || line.at[line.bytes - 1] == '\n')) {
        line.bytes--;
    }
    drop_container_head(&line);
    struct object object;
    if (format == TEND_LINE_PLAIN || !read_object(line.at, line.bytes, &object)) {
        read_plain(&line, out);
        return;
    }
    if (object.message_rank < 0) {
        read_plain(&line, out); // an object that says nothing by these names: all of it is the message
    } else {
        read_said(&object, scratch, out);
    }
    if (object.level_rank >= 0) {
        out->level = level_of_object(&object);
    }
}
