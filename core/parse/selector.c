// A list of matchers, all of which must hold. The metric's name is the matcher of "__name__", as in PromQL.
//
// Regular expressions: anchored at both ends by PCRE2 itself, so "a|ab" matches "ab" and no text is pasted around the
// user's. PCRE2 backtracks where RE2 does not; the limits below bound one match to about a millisecond. Without the
// JIT: executable mappings are forbidden to tend.

#define PCRE2_CODE_UNIT_WIDTH 8

#include "parse/selector.h"

#include "base/buffer.h"
#include "parse/quoted_text.h"
#include "parse/utf8.h"

#include <pcre2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_TEXT_BYTES = 65536,
    MOST_MATCHERS = 64,
    MATCH_LIMIT = 100000, // calls of PCRE2's inner match function, for one value
    HEAP_LIMIT_KIB = 1024,
    PARENTHESES = 50,
};

enum operation { EQUAL, NOT_EQUAL, MATCH, NOT_MATCH };

struct matcher {
    char *label; // with a NUL after it
    size_t label_bytes;
    char *value;
    size_t value_bytes;
    pcre2_code *pattern; // for MATCH and NOT_MATCH
    enum operation operation;
};

struct tend_selector {
    struct matcher *matchers;
    size_t count;
    size_t capacity;
    const char *name; // the value of an EQUAL matcher of __name__, borrowed from it
    pcre2_match_context *context;
    pcre2_match_data *match_data;
};

static const char name_label[] = "__name__";

// Reading ------------------------------------------------------------------------------------------------------------

struct reading {
    const char *text;
    const char *at;
    const char *end;
    const char *suffix; // to be put to the exact metric name
    struct tend_selector *selector;
    struct tend_error *error;
    enum tend_status status;
};

static bool fail_with(struct reading *reading, enum tend_status status, const char *at, const char *what)
{
    reading->status = status;
    struct tend_buffer shown;
    tend_buffer_init(&shown);
    tend_text_escape(&shown, reading->text, (size_t)(reading->end - reading->text));
    tend_error_set(reading->error, "%.*s%s:%zu: %s", 200, tend_buffer_text(&shown), shown.size > 200 ? "…" : "",
                   (size_t)(at - reading->text) + 1, what);
    tend_buffer_clear(&shown);
    return false;
}

static bool fail(struct reading *reading, const char *at, const char *what)
{
    return fail_with(reading, TEND_E_INVALID, at, what);
}

static bool fail_nomem(struct reading *reading)
{
    return fail_with(reading, TEND_E_NOMEM, reading->at, "out of memory");
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static void skip_space(struct reading *reading)
{
    while (reading->at < reading->end && is_space(*reading->at)) {
        reading->at++;
    }
}

static bool at_byte(const struct reading *reading, char byte)
{
    return reading->at < reading->end && *reading->at == byte;
}

static bool at_quote(const struct reading *reading)
{
    return at_byte(reading, '"') || at_byte(reading, '\'') || at_byte(reading, '`');
}

static bool is_name_byte(char byte, bool first, bool colons)
{
    const bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
    return letter || (!first && byte >= '0' && byte <= '9') || (colons && byte == ':');
}

// A bare name at `at`; 0 bytes when there is none.
static size_t take_name(struct reading *reading, bool colons)
{
    const char *start = reading->at;
    while (reading->at < reading->end && is_name_byte(*reading->at, reading->at == start, colons)) {
        reading->at++;
    }
    return (size_t)(reading->at - start);
}

// A string in quotes at `at`, into a buffer of its own.
static bool take_string(struct reading *reading, struct tend_buffer *out)
{
    const char *start = reading->at;
    const char *fault_at;
    const char *fault = tend_quoted_text_read(&reading->at, reading->end, out, &fault_at);
    if (fault != NULL) {
        return fail(reading, fault_at, fault);
    }
    if (out->failed) {
        return fail_nomem(reading);
    }
    return tend_utf8_valid(tend_buffer_text(out), out->size) ? true
                                                             : fail(reading, start, "the string is not valid UTF-8");
}

static bool compile(struct reading *reading, struct matcher *matcher, const char *at)
{
    int code;
    PCRE2_SIZE offset;
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (context == NULL) {
        return fail_nomem(reading);
    }
    (void)pcre2_set_parens_nest_limit(context, PARENTHESES);
    matcher->pattern = pcre2_compile((PCRE2_SPTR)matcher->value, matcher->value_bytes,
                                     PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_UTF | PCRE2_DOTALL |
                                         PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C,
                                     &code, &offset, context);
    pcre2_compile_context_free(context);
    if (matcher->pattern != NULL) {
        return true;
    }
    if (code == PCRE2_ERROR_HEAP_FAILED) {
        return fail_nomem(reading);
    }
    PCRE2_UCHAR why[120];
    (void)pcre2_get_error_message(code, why, sizeof why);
    char message[256];
    (void)snprintf(message, sizeof message, "the regular expression is wrong at its character %zu: %s",
                   (size_t)offset + 1, (const char *)why);
    return fail(reading, at, message);
}

// Moves the buffer's bytes out of it, with a NUL after them.
static bool take_bytes(struct reading *reading, struct tend_buffer *buffer, char **bytes, size_t *count)
{
    if (tend_buffer_reserve(buffer, 0) == NULL) {
        return fail_nomem(reading);
    }
    buffer->data[buffer->size] = '\0';
    *bytes = buffer->data;
    *count = buffer->size;
    tend_buffer_init(buffer);
    return true;
}

// Adds a matcher. @param label, value  emptied when they were taken over
static bool add_matcher(struct reading *reading, struct tend_buffer *label, enum operation operation,
                        struct tend_buffer *value, const char *at)
{
    struct tend_selector *selector = reading->selector;
    if (selector->count == MOST_MATCHERS) {
        return fail_with(reading, TEND_E_LIMIT, at, "a selector may have 64 matchers");
    }
    if (selector->count == selector->capacity) {
        const size_t capacity = selector->capacity == 0 ? 4 : selector->capacity * 2;
        struct matcher *grown = realloc(selector->matchers, capacity * sizeof *grown);
        if (grown == NULL) {
            return fail_nomem(reading);
        }
        selector->matchers = grown;
        selector->capacity = capacity;
    }
    const bool is_name = label->size == sizeof name_label - 1 && memcmp(label->data, name_label, label->size) == 0;
    if (is_name && operation == EQUAL) {
        if (selector->name != NULL) {
            return fail(reading, at, "the metric's name is there twice");
        }
        if (value->size == 0 || memchr(value->data, '\0', value->size) != NULL) {
            return fail(reading, at, "the metric's name is empty or has a NUL in it");
        }
        tend_buffer_put_text(value, reading->suffix);
    }
    struct matcher *matcher = &selector->matchers[selector->count];
    *matcher = (struct matcher){ .operation = operation };
    selector->count++; // from here on destroy frees it
    if (!take_bytes(reading, label, &matcher->label, &matcher->label_bytes) ||
        !take_bytes(reading, value, &matcher->value, &matcher->value_bytes)) {
        return false;
    }
    if (is_name && operation == EQUAL) {
        selector->name = matcher->value;
    }
    return operation == MATCH || operation == NOT_MATCH ? compile(reading, matcher, at) : true;
}

static bool take_operation(struct reading *reading, enum operation *operation)
{
    static const struct {
        const char *text;
        enum operation operation;
    } operations[] = { { "=~", MATCH }, { "!~", NOT_MATCH }, { "!=", NOT_EQUAL }, { "=", EQUAL } };
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        const size_t bytes = strlen(operations[i].text);
        if ((size_t)(reading->end - reading->at) >= bytes && memcmp(reading->at, operations[i].text, bytes) == 0) {
            reading->at += bytes;
            *operation = operations[i].operation;
            return true;
        }
    }
    return fail(reading, reading->at, "expected =, !=, =~ or !~ after the label's name");
}

// name="value" with any of the operators, or the metric's name in quotes; into the two buffers.
static bool read_matcher_into(struct reading *reading, struct tend_buffer *label, struct tend_buffer *value)
{
    const char *start = reading->at;
    if (at_quote(reading)) {
        if (!take_string(reading, label)) {
            return false;
        }
        skip_space(reading);
        if (at_byte(reading, ',') || at_byte(reading, '}')) {
            *value = *label;
            tend_buffer_init(label);
            tend_buffer_put_text(label, name_label);
            return label->failed ? fail_nomem(reading) : add_matcher(reading, label, EQUAL, value, start);
        }
    } else {
        const size_t bytes = take_name(reading, false);
        if (bytes == 0) {
            return fail(reading, start,
                        reading->at == reading->end ? "the \"{\" is not closed" : "expected a label's name");
        }
        tend_buffer_put(label, start, bytes);
        skip_space(reading);
    }
    if (label->failed) {
        return fail_nomem(reading);
    }
    if (label->size == 0) {
        return fail(reading, start, "the label's name is empty");
    }
    enum operation operation = EQUAL;
    if (!take_operation(reading, &operation)) {
        return false;
    }
    skip_space(reading);
    if (!at_quote(reading)) {
        return fail(reading, reading->at, "expected a string in quotes");
    }
    const char *value_at = reading->at;
    return take_string(reading, value) && add_matcher(reading, label, operation, value, value_at);
}

static bool read_matcher(struct reading *reading)
{
    struct tend_buffer label;
    struct tend_buffer value;
    tend_buffer_init(&label);
    tend_buffer_init(&value);
    const bool read = read_matcher_into(reading, &label, &value);
    tend_buffer_clear(&label);
    tend_buffer_clear(&value);
    return read;
}

// From just after the "{" to just after the "}".
static bool read_matchers(struct reading *reading)
{
    for (;;) {
        skip_space(reading);
        if (at_byte(reading, '}')) {
            break;
        }
        if (!read_matcher(reading)) {
            return false;
        }
        skip_space(reading);
        if (at_byte(reading, ',')) {
            reading->at++;
        } else if (!at_byte(reading, '}')) {
            return fail(reading, reading->at,
                        reading->at == reading->end ? "the \"{\" is not closed" : "expected \",\" or \"}\"");
        }
    }
    reading->at++;
    return true;
}

static bool read_bare_name(struct reading *reading)
{
    const char *start = reading->at;
    const size_t bytes = take_name(reading, true);
    if (bytes == 0) {
        return true;
    }
    struct tend_buffer label;
    struct tend_buffer value;
    tend_buffer_init(&label);
    tend_buffer_init(&value);
    tend_buffer_put_text(&label, name_label);
    tend_buffer_put(&value, start, bytes);
    const bool added =
        label.failed || value.failed ? fail_nomem(reading) : add_matcher(reading, &label, EQUAL, &value, start);
    tend_buffer_clear(&label);
    tend_buffer_clear(&value);
    return added;
}

static const char *fault_after_selector(const struct reading *reading)
{
    if (at_byte(reading, '[')) {
        return "a selector has no range here; the window is a field of its own";
    }
    if (at_byte(reading, '(')) {
        return "a selector is no expression: functions cannot be called here";
    }
    return "something follows the selector; it is a name and labels, no expression";
}

static bool matcher_holds(const struct tend_selector *selector, const struct matcher *matcher, const char *value,
                          size_t value_bytes)
{
    if (matcher->operation == EQUAL || matcher->operation == NOT_EQUAL) {
        const bool equal = matcher->value_bytes == value_bytes &&
                           (value_bytes == 0 || memcmp(matcher->value, value, value_bytes) == 0);
        return equal == (matcher->operation == EQUAL);
    }
    const int result =
        pcre2_match(matcher->pattern, (PCRE2_SPTR)value, value_bytes, 0, 0, selector->match_data, selector->context);
    if (result < 0 && result != PCRE2_ERROR_NOMATCH) {
        return false; // over a limit, or no UTF-8: it selects nothing
    }
    return (result >= 0) == (matcher->operation == MATCH);
}

static bool read_selector(struct reading *reading)
{
    struct tend_selector *selector = reading->selector;
    selector->context = pcre2_match_context_create(NULL);
    selector->match_data = pcre2_match_data_create(1, NULL);
    if (selector->context == NULL || selector->match_data == NULL) {
        return fail_nomem(reading);
    }
    (void)pcre2_set_match_limit(selector->context, MATCH_LIMIT);
    (void)pcre2_set_heap_limit(selector->context, HEAP_LIMIT_KIB);
    skip_space(reading);
    if (reading->at == reading->end) {
        return fail(reading, reading->at, "the selector is empty");
    }
    if (!read_bare_name(reading)) {
        return false;
    }
    skip_space(reading);
    if (at_byte(reading, '{')) {
        reading->at++;
        if (!read_matchers(reading)) {
            return false;
        }
    } else if (selector->count == 0) {
        return fail(reading, reading->at, "expected a metric's name or \"{\"");
    }
    skip_space(reading);
    if (reading->at != reading->end) {
        return fail(reading, reading->at, fault_after_selector(reading));
    }
    if (*reading->suffix != '\0' && selector->name == NULL) {
        return fail(reading, reading->text, "the selector must have an exact metric name here");
    }
    for (size_t i = 0; i < selector->count; i++) {
        if (!matcher_holds(selector, &selector->matchers[i], "", 0)) {
            return true; // it narrows
        }
    }
    return fail(reading, reading->text,
                "the selector would select every series; give a metric's name or a label's value");
}

static enum tend_status parse(const char *text, size_t bytes, const char *suffix, struct tend_selector **out,
                              struct tend_error *error)
{
    if (bytes > MOST_TEXT_BYTES) {
        tend_error_set(error, "the selector has %zu bytes, the limit is %d", bytes, MOST_TEXT_BYTES);
        return TEND_E_LIMIT;
    }
    struct tend_selector *selector = calloc(1, sizeof *selector);
    if (selector == NULL) {
        tend_error_set(error, "out of memory");
        return TEND_E_NOMEM;
    }
    const char *start = bytes == 0 ? "" : text;
    struct reading reading = {
        .text = start,
        .at = start,
        .end = start + bytes,
        .suffix = suffix,
        .selector = selector,
        .error = error,
    };
    if (!read_selector(&reading)) {
        tend_selector_destroy(selector);
        return reading.status;
    }
    *out = selector;
    return TEND_OK;
}

enum tend_status tend_selector_parse(const char *text, size_t bytes, struct tend_selector **out,
                                     struct tend_error *error)
{
    return parse(text, bytes, "", out, error);
}

enum tend_status tend_selector_parse_with_suffix(const char *text, const char *suffix, struct tend_selector **out,
                                                 struct tend_error *error)
{
    return parse(text, strlen(text), suffix, out, error);
}

void tend_selector_destroy(struct tend_selector *selector)
{
    if (selector == NULL) {
        return;
    }
    for (size_t i = 0; i < selector->count; i++) {
        free(selector->matchers[i].label);
        free(selector->matchers[i].value);
        pcre2_code_free(selector->matchers[i].pattern);
    }
    free(selector->matchers);
    pcre2_match_data_free(selector->match_data);
    pcre2_match_context_free(selector->context);
    free(selector);
}

// Matching -----------------------------------------------------------------------------------------------------------

bool tend_selector_matches(const struct tend_selector *selector, const char *name, size_t name_bytes,
                           const struct tend_label *labels, size_t label_count)
{
    for (size_t i = 0; i < selector->count; i++) {
        const struct matcher *matcher = &selector->matchers[i];
        const char *value = "";
        size_t value_bytes = 0;
        if (matcher->label_bytes == sizeof name_label - 1 &&
            memcmp(matcher->label, name_label, sizeof name_label - 1) == 0) {
            value = name;
            value_bytes = name_bytes;
        } else {
            for (size_t j = 0; j < label_count; j++) {
                if (labels[j].name_bytes == matcher->label_bytes &&
                    memcmp(labels[j].name, matcher->label, matcher->label_bytes) == 0) {
                    value = labels[j].value;
                    value_bytes = labels[j].value_bytes;
                    break;
                }
            }
        }
        if (!matcher_holds(selector, matcher, value, value_bytes)) {
            return false;
        }
    }
    return true;
}

const char *tend_selector_name(const struct tend_selector *selector)
{
    return selector->name;
}

size_t tend_selector_matcher_count(const struct tend_selector *selector)
{
    return selector->count;
}

struct tend_matcher_view tend_selector_matcher(const struct tend_selector *selector, size_t index)
{
    const struct matcher *matcher = &selector->matchers[index];
    return (struct tend_matcher_view){
        .label = matcher->label,
        .value = matcher->value,
        .negated = matcher->operation == NOT_EQUAL || matcher->operation == NOT_MATCH,
        .is_pattern = matcher->operation == MATCH || matcher->operation == NOT_MATCH,
    };
}

void tend_selector_format(const struct tend_selector *selector, struct tend_buffer *out)
{
    const char *name = tend_selector_name(selector);
    const char *before = "{";
    tend_buffer_put_text(out, name == NULL ? "" : name);
    for (size_t i = 0; i < tend_selector_matcher_count(selector); i++) {
        const struct tend_matcher_view matcher = tend_selector_matcher(selector, i);
        if (name != NULL && strcmp(matcher.label, "__name__") == 0) {
            continue;
        }
        const char *is = matcher.is_pattern ? (matcher.negated ? "!~" : "=~") : (matcher.negated ? "!=" : "=");
        tend_buffer_printf(out, "%s%s%s\"%s\"", before, matcher.label, is, matcher.value);
        before = ",";
    }
    tend_buffer_put_text(out, before[0] == ',' ? "}" : "");
}
