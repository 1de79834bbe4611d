// One pass over a line, without copying: names and label values point into the body, and only a value with an escape is
// written to `unescaped`. All that a line can unescape to is shorter than the line, so that buffer is made large enough
// before its first use in a line and then never moves under the labels that point into it.

#include "parse/exposition_line.h"

#include "base/log.h"
#include "parse/number.h"
#include "parse/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_EXEMPLAR_CHARACTERS = 128 }; // OpenMetrics 1.0: label names and values together

// Byte sets as bits. Metric names may hold ":", label names not; a first byte is no digit.
static const uint64_t metric_name_bytes[4] = { UINT64_C(0x07ff000000000000), UINT64_C(0x07fffffe87fffffe), 0, 0 };
static const uint64_t label_name_bytes[4] = { UINT64_C(0x03ff000000000000), UINT64_C(0x07fffffe87fffffe), 0, 0 };

static inline bool is_in(const uint64_t set[4], char byte)
{
    const unsigned char c = (unsigned char)byte;
    return ((set[c >> 6] >> (c & 63)) & 1) != 0;
}

static inline bool is_digit(char byte)
{
    return (unsigned)(byte - '0') < 10;
}

static inline bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

void tend_line_reader_init(struct tend_line_reader *reader, const struct tend_exposition_limits *limits,
                           bool openmetrics, bool all_ascii)
{
    *reader = (struct tend_line_reader){ .limits = limits, .openmetrics = openmetrics, .all_ascii = all_ascii };
    tend_buffer_init(&reader->unescaped);
}

void tend_line_reader_clear(struct tend_line_reader *reader)
{
    free(reader->labels.labels);
    free(reader->exemplar_labels.labels);
    tend_buffer_clear(&reader->unescaped);
}

void tend_line_reader_start(struct tend_line_reader *reader, const char *line, size_t bytes)
{
    reader->line = line;
    reader->at = line;
    reader->end = line + bytes;
    reader->unescaped.size = 0;
}

bool tend_line_fail(struct tend_line_reader *reader, enum tend_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(reader->fault.text, sizeof reader->fault.text, format, arguments);
    va_end(arguments);
    reader->status = status;
    return false;
}

const char *tend_line_excerpt(const char *text, size_t bytes, char out[TEND_EXCERPT_BYTES])
{
    const size_t shown = bytes < 40 ? bytes : 40; // at most 4 characters a byte and a few more
    struct tend_buffer escaped;
    tend_buffer_init(&escaped);
    tend_log_escape(&escaped, text, shown);
    const char *quote = escaped.size > 0 && escaped.data[0] == '"' ? "" : "\"";
    (void)snprintf(out, TEND_EXCERPT_BYTES, "%s%s%s%s", quote, tend_buffer_text(&escaped), quote,
                   shown < bytes ? "…" : "");
    tend_buffer_clear(&escaped);
    return out;
}

bool tend_line_skip_blanks(struct tend_line_reader *reader)
{
    while (reader->at < reader->end && is_blank(*reader->at)) {
        reader->at++;
    }
    return reader->at < reader->end;
}

// Blanks inside a sample line: free in the text format, none in OpenMetrics but where it says so.
static inline void skip_free_blanks(struct tend_line_reader *reader)
{
    if (!reader->openmetrics) {
        (void)tend_line_skip_blanks(reader);
    }
}

static bool fail_at(struct tend_line_reader *reader, const char *wanted)
{
    char seen[TEND_EXCERPT_BYTES];
    if (reader->at == reader->end) {
        return tend_line_fail(reader, TEND_E_INVALID, "the line ends where %s should be", wanted);
    }
    return tend_line_fail(reader, TEND_E_INVALID, "expected %s at column %zu, found %s", wanted,
                          (size_t)(reader->at - reader->line) + 1,
                          tend_line_excerpt(reader->at, (size_t)(reader->end - reader->at), seen));
}

static bool check_name_length(struct tend_line_reader *reader, const char *name, size_t bytes)
{
    if (bytes <= reader->limits->name_bytes) {
        return true;
    }
    char seen[TEND_EXCERPT_BYTES];
    return tend_line_fail(reader, TEND_E_LIMIT, "the name %s has %zu bytes, the limit is %zu",
                          tend_line_excerpt(name, bytes, seen), bytes, reader->limits->name_bytes);
}

static bool fail_unclosed(struct tend_line_reader *reader, const char *start)
{
    return tend_line_fail(reader, TEND_E_INVALID, "the quote opened at column %zu is not closed",
                          (size_t)(start - reader->line));
}

// A quoted string with escapes in it, from `at`, which is behind the opening quote, to behind the closing one.
static bool read_escaped(struct tend_line_reader *reader, const char **text, size_t *bytes)
{
    if (reader->unescaped.size == 0 &&
        tend_buffer_reserve(&reader->unescaped, (size_t)(reader->end - reader->line)) == NULL) {
        return tend_line_fail(reader, TEND_E_NOMEM, "out of memory");
    }
    const char *start = reader->at;
    char *first = reader->unescaped.data + reader->unescaped.size;
    char *to = first;
    const char *at = start;
    for (; at < reader->end && *at != '"'; at++) {
        char byte = *at;
        if (byte == '\\' && at + 1 < reader->end) {
            at++;
            byte = *at;
            if (byte == 'n') {
                byte = '\n';
            } else if (byte != '"' && byte != '\\') {
                *to++ = '\\'; // an unknown escape stands for itself
            }
        }
        *to++ = byte;
    }
    if (at == reader->end) {
        return fail_unclosed(reader, start);
    }
    *text = first;
    *bytes = (size_t)(to - first);
    reader->unescaped.size += *bytes;
    reader->at = at + 1;
    return true;
}

// The text of a quoted string, from `at`, which is behind the opening quote, to behind the closing one.
static bool read_quoted(struct tend_line_reader *reader, const char **text, size_t *bytes)
{
    const char *start = reader->at;
    const char *quote = memchr(start, '"', (size_t)(reader->end - start));
    if (quote == NULL) {
        return fail_unclosed(reader, start);
    }
    if (memchr(start, '\\', (size_t)(quote - start)) == NULL) {
        *text = start;
        *bytes = (size_t)(quote - start);
        reader->at = quote + 1;
    } else if (!read_escaped(reader, text, bytes)) {
        return false;
    }
    if (!reader->all_ascii && !tend_utf8_valid(*text, *bytes)) {
        char seen[TEND_EXCERPT_BYTES];
        return tend_line_fail(reader, TEND_E_INVALID, "%s is not valid UTF-8", tend_line_excerpt(*text, *bytes, seen));
    }
    return true;
}

// A name without quotes. The caller knows that a name begins here.
static inline size_t scan_name(struct tend_line_reader *reader, const uint64_t set[4])
{
    const char *start = reader->at;
    const char *at = start;
    while (at < reader->end && is_in(set, *at)) {
        at++;
    }
    reader->at = at;
    return (size_t)(at - start);
}

static inline bool at_name(const struct tend_line_reader *reader, const uint64_t set[4])
{
    return reader->at < reader->end && is_in(set, *reader->at) && !is_digit(*reader->at);
}

// A name in quotes, which may hold anything but may not be empty.
static bool read_quoted_name(struct tend_line_reader *reader, const char **name, size_t *bytes)
{
    reader->at++;
    if (!read_quoted(reader, name, bytes)) {
        return false;
    }
    if (*bytes == 0) {
        return tend_line_fail(reader, TEND_E_INVALID, "a name is empty");
    }
    return check_name_length(reader, *name, *bytes);
}

bool tend_line_read_metadata_name(struct tend_line_reader *reader, const char **name, size_t *bytes)
{
    if (reader->at < reader->end && *reader->at == '"') {
        return read_quoted_name(reader, name, bytes);
    }
    if (!at_name(reader, metric_name_bytes)) {
        return fail_at(reader, "a metric name");
    }
    *name = reader->at;
    *bytes = scan_name(reader, metric_name_bytes);
    return check_name_length(reader, *name, *bytes);
}

static bool push_label(struct tend_line_reader *reader, struct tend_label_list *list, const struct tend_label *label)
{
    char seen[TEND_EXCERPT_BYTES];
    for (size_t i = 0; i < list->count; i++) {
        if (list->labels[i].name_bytes == label->name_bytes &&
            memcmp(list->labels[i].name, label->name, label->name_bytes) == 0) {
            return tend_line_fail(reader, TEND_E_INVALID, "the label %s is there twice",
                                  tend_line_excerpt(label->name, label->name_bytes, seen));
        }
    }
    if (list->count == reader->limits->labels) {
        return tend_line_fail(reader, TEND_E_LIMIT, "more than %zu labels", reader->limits->labels);
    }
    if (list->count == list->capacity) {
        const size_t capacity = list->capacity == 0 ? 16 : list->capacity * 2;
        struct tend_label *grown = realloc(list->labels, capacity * sizeof *grown);
        if (grown == NULL) {
            return tend_line_fail(reader, TEND_E_NOMEM, "out of memory");
        }
        list->labels = grown;
        list->capacity = capacity;
    }
    list->labels[list->count++] = *label;
    return true;
}

// After a label's name: = "value".
static bool read_label_value(struct tend_line_reader *reader, struct tend_label *label)
{
    char seen[TEND_EXCERPT_BYTES];
    if (reader->at == reader->end || *reader->at != '=') {
        return fail_at(reader, "\"=\"");
    }
    reader->at++;
    skip_free_blanks(reader);
    if (reader->at == reader->end || *reader->at != '"') {
        return fail_at(reader, "a label value in double quotes");
    }
    reader->at++;
    if (!read_quoted(reader, &label->value, &label->value_bytes)) {
        return false;
    }
    if (label->value_bytes > reader->limits->value_bytes) {
        return tend_line_fail(reader, TEND_E_LIMIT, "the value of the label %s has %zu bytes, the limit is %zu",
                              tend_line_excerpt(label->name, label->name_bytes, seen), label->value_bytes,
                              reader->limits->value_bytes);
    }
    return true;
}

// One element between the braces: name="value", or the metric's own name in quotes.
static bool read_label(struct tend_line_reader *reader, struct tend_label_list *list)
{
    static const char reserved[] = "__name__";
    struct tend_label label;
    if (reader->at < reader->end && *reader->at == '"') {
        if (!read_quoted_name(reader, &label.name, &label.name_bytes)) {
            return false;
        }
        skip_free_blanks(reader);
        const bool is_metric_name =
            reader->at < reader->end && (*reader->at == ',' || *reader->at == '}') && list == &reader->labels;
        if (is_metric_name) {
            if (reader->sample.name != NULL) {
                return tend_line_fail(reader, TEND_E_INVALID, "the metric has two names");
            }
            reader->sample.name = label.name;
            reader->sample.name_bytes = label.name_bytes;
            return true;
        }
    } else {
        if (!at_name(reader, label_name_bytes)) {
            return fail_at(reader, "a label name");
        }
        label.name = reader->at;
        label.name_bytes = scan_name(reader, label_name_bytes);
        if (!check_name_length(reader, label.name, label.name_bytes)) {
            return false;
        }
        skip_free_blanks(reader);
    }
    if (label.name_bytes == sizeof reserved - 1 && memcmp(label.name, reserved, sizeof reserved - 1) == 0) {
        return tend_line_fail(reader, TEND_E_INVALID, "the label name __name__ is reserved");
    }
    return read_label_value(reader, &label) && push_label(reader, list, &label);
}

// From just after the "{" to just after the "}".
static bool read_labels(struct tend_line_reader *reader, struct tend_label_list *list)
{
    list->count = 0;
    bool after_comma = false;
    for (;;) {
        skip_free_blanks(reader);
        const bool closed = reader->at < reader->end && *reader->at == '}';
        if (closed && !(after_comma && reader->openmetrics)) {
            reader->at++;
            return true;
        }
        if (!read_label(reader, list)) {
            return false;
        }
        skip_free_blanks(reader);
        if (reader->at < reader->end && *reader->at == '}') {
            reader->at++;
            return true;
        }
        if (reader->at == reader->end || *reader->at != ',') {
            return fail_at(reader, "\",\" or \"}\" after a label");
        }
        reader->at++;
        after_comma = true;
    }
}

// From `at` to the next blank or the end.
static inline const char *read_token(struct tend_line_reader *reader, size_t *bytes)
{
    const char *start = reader->at;
    const char *at = start;
    while (at < reader->end && !is_blank(*at)) {
        at++;
    }
    reader->at = at;
    *bytes = (size_t)(at - start);
    return start;
}

static bool read_number(struct tend_line_reader *reader, const char *what, double *out)
{
    size_t bytes;
    const char *token = read_token(reader, &bytes);
    if (tend_number_parse(token, bytes, out)) {
        return true;
    }
    char seen[TEND_EXCERPT_BYTES];
    if (bytes == 0) {
        reader->at = token;
        return fail_at(reader, what);
    }
    return tend_line_fail(reader, TEND_E_INVALID, "%s is no number: %s", what, tend_line_excerpt(token, bytes, seen));
}

// A name, labels, or both. Leaves `at` after them; `had_labels` says that there were braces.
static bool read_series(struct tend_line_reader *reader, bool *had_labels)
{
    struct tend_sample *sample = &reader->sample;
    const char *start = reader->at;
    reader->labels.count = 0;
    sample->name = NULL;
    *had_labels = false;
    if (at_name(reader, metric_name_bytes)) {
        sample->name = reader->at;
        sample->name_bytes = scan_name(reader, metric_name_bytes);
        if (!check_name_length(reader, sample->name, sample->name_bytes)) {
            return false;
        }
    } else if (reader->at == reader->end || *reader->at != '{') {
        return fail_at(reader, "a metric name");
    }
    const char *end = reader->at;
    skip_free_blanks(reader);
    if (reader->at < reader->end && *reader->at == '{') {
        reader->at++;
        if (!read_labels(reader, &reader->labels)) {
            return false;
        }
        *had_labels = true;
        end = reader->at;
    } else {
        reader->at = end;
    }
    if (sample->name == NULL) {
        return tend_line_fail(reader, TEND_E_INVALID, "the sample has no metric name");
    }
    sample->series_text = start;
    sample->series_text_bytes = (size_t)(end - start);
    sample->labels = reader->labels.labels;
    sample->label_count = reader->labels.count;
    return true;
}

// The text format's timestamp: a whole number of milliseconds that fits 64 bits.
static bool read_timestamp_ms(struct tend_line_reader *reader)
{
    size_t bytes;
    const char *token = read_token(reader, &bytes);
    const size_t sign = *token == '-' || *token == '+';
    int64_t value = 0;
    bool valid = bytes > sign;
    for (size_t i = sign; valid && i < bytes; i++) {
        valid = is_digit(token[i]) && !__builtin_mul_overflow(value, 10, &value) &&
                !__builtin_sub_overflow(value, token[i] - '0', &value); // downwards, as INT64_MIN has no positive twin
    }
    if (valid && *token != '-') {
        valid = !__builtin_sub_overflow(INT64_C(0), value, &value);
    }
    if (!valid) {
        char seen[TEND_EXCERPT_BYTES];
        return tend_line_fail(reader, TEND_E_INVALID, "the timestamp is no whole number of milliseconds: %s",
                              tend_line_excerpt(token, bytes, seen));
    }
    reader->sample.has_timestamp = true;
    reader->sample.timestamp_ms = (double)value;
    return true;
}

// The text format after the series: blanks value [blanks timestamp] [blanks].
static bool read_text_tail(struct tend_line_reader *reader, bool had_labels)
{
    const char *before = reader->at;
    (void)tend_line_skip_blanks(reader);
    if (!had_labels && reader->at == before) {
        return fail_at(reader, "\"{\" or a blank and a value after the metric name");
    }
    if (!read_number(reader, "the value", &reader->sample.value)) {
        return false;
    }
    if (!tend_line_skip_blanks(reader)) {
        return true;
    }
    if (!read_timestamp_ms(reader)) {
        return false;
    }
    return tend_line_skip_blanks(reader) ? fail_at(reader, "the end of the line") : true;
}

static bool take(struct tend_line_reader *reader, char byte, const char *wanted)
{
    if (reader->at == reader->end || *reader->at != byte) {
        return fail_at(reader, wanted);
    }
    reader->at++;
    return true;
}

// OpenMetrics timestamps are seconds; finite.
static bool read_timestamp_seconds(struct tend_line_reader *reader, double *seconds)
{
    if (!read_number(reader, "the timestamp", seconds)) {
        return false;
    }
    return isfinite(*seconds) ? true : tend_line_fail(reader, TEND_E_INVALID, "the timestamp is not finite");
}

// After " # ": {labels} value [timestamp].
static bool read_exemplar(struct tend_line_reader *reader)
{
    double ignored;
    if (!take(reader, '{', "the \"{\" of an exemplar") || !read_labels(reader, &reader->exemplar_labels)) {
        return false;
    }
    size_t characters = 0;
    for (size_t i = 0; i < reader->exemplar_labels.count; i++) {
        const struct tend_label *label = &reader->exemplar_labels.labels[i];
        characters += tend_utf8_count(label->name, label->name_bytes);
        characters += tend_utf8_count(label->value, label->value_bytes);
    }
    if (characters > LONGEST_EXEMPLAR_CHARACTERS) {
        return tend_line_fail(reader, TEND_E_INVALID, "the exemplar's labels have %zu characters, %d are allowed",
                              characters, LONGEST_EXEMPLAR_CHARACTERS);
    }
    if (!take(reader, ' ', "a space after the exemplar's labels") ||
        !read_number(reader, "the exemplar's value", &ignored)) {
        return false;
    }
    if (reader->at < reader->end && (!take(reader, ' ', "a space") || !read_timestamp_seconds(reader, &ignored))) {
        return false;
    }
    reader->has_exemplar = true;
    return reader->at == reader->end ? true : fail_at(reader, "the end of the line");
}

// OpenMetrics after the series: SP value [SP timestamp] [SP # SP exemplar].
static bool read_openmetrics_tail(struct tend_line_reader *reader)
{
    struct tend_sample *sample = &reader->sample;
    if (!take(reader, ' ', "a space and a value") || !read_number(reader, "the value", &sample->value)) {
        return false;
    }
    if (reader->at == reader->end) {
        return true;
    }
    if (!take(reader, ' ', "a space")) {
        return false;
    }
    if (reader->at == reader->end || *reader->at != '#') {
        double seconds;
        if (!read_timestamp_seconds(reader, &seconds)) {
            return false;
        }
        sample->has_timestamp = true;
        sample->timestamp_ms = seconds * 1000;
        if (reader->at == reader->end) {
            return true;
        }
        if (!take(reader, ' ', "a space")) {
            return false;
        }
    }
    return take(reader, '#', "the \"#\" of an exemplar") && take(reader, ' ', "a space after the \"#\"") &&
           read_exemplar(reader);
}

bool tend_line_read_sample(struct tend_line_reader *reader)
{
    bool had_labels;
    reader->has_exemplar = false;
    reader->sample.has_timestamp = false;
    reader->sample.timestamp_ms = 0;
    if (!read_series(reader, &had_labels)) {
        return false;
    }
    return reader->openmetrics ? read_openmetrics_tail(reader) : read_text_tail(reader, had_labels);
}
