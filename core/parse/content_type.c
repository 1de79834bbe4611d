// Content-Type as RFC 9110 has it: type "/" subtype, then ";" name "=" value, the value perhaps in quotes; names and
// types in any case, blanks around ";" only. Parameters that are not known (charset, escaping) change nothing.

#include "parse/exposition.h"

#include <string.h>
#include <strings.h>

struct span {
    const char *text;
    size_t bytes;
};

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t");
}

static bool span_is(struct span span, const char *word)
{
    return span.bytes == strlen(word) && strncasecmp(span.text, word, span.bytes) == 0;
}

// Takes one token up to any of the stops, without the blanks at its end.
static struct span take_token(const char **at, const char *stops)
{
    struct span token = { .text = *at, .bytes = strcspn(*at, stops) };
    *at += token.bytes;
    while (token.bytes > 0 && (token.text[token.bytes - 1] == ' ' || token.text[token.bytes - 1] == '\t')) {
        token.bytes--;
    }
    return token;
}

// A parameter's value, without its quotes. Quoted pairs do not occur in what is compared here. False: not closed.
static bool take_value(const char **at, struct span *value)
{
    if (**at != '"') {
        *value = take_token(at, ";");
        return true;
    }
    const char *start = *at + 1;
    const char *quote = strchr(start, '"');
    if (quote == NULL) {
        return false;
    }
    *value = (struct span){ .text = start, .bytes = (size_t)(quote - start) };
    *at = skip_blanks(quote + 1);
    return **at == ';' || **at == '\0';
}

static enum tend_exposition_format format_of(struct span type, struct span version)
{
    if (span_is(type, "text/plain")) {
        const bool known = version.bytes == 0 || span_is(version, "0.0.4") || span_is(version, "1.0.0");
        return known ? TEND_EXPOSITION_PROMETHEUS : TEND_EXPOSITION_NONE;
    }
    if (span_is(type, "application/openmetrics-text")) {
        const bool known = version.bytes == 0 || span_is(version, "0.0.1") || span_is(version, "1.0.0");
        return known ? TEND_EXPOSITION_OPENMETRICS : TEND_EXPOSITION_NONE;
    }
    return TEND_EXPOSITION_NONE;
}

enum tend_exposition_format tend_exposition_format_of(const char *content_type)
{
    if (content_type == NULL) {
        return TEND_EXPOSITION_NONE;
    }
    const char *at = skip_blanks(content_type);
    const struct span type = take_token(&at, ";");
    struct span version = { .text = "", .bytes = 0 };
    while (*at == ';') {
        at = skip_blanks(at + 1);
        const struct span name = take_token(&at, "=;");
        if (*at != '=') {
            continue; // ";;" and ";" at the end are common and harmless
        }
        at = skip_blanks(at + 1);
        struct span value;
        if (!take_value(&at, &value)) {
            return TEND_EXPOSITION_NONE;
        }
        if (span_is(name, "version")) {
            version = value;
        }
    }
    return format_of(type, version);
}
