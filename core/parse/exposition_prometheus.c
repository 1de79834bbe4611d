// The Prometheus text format, 0.0.4 with the quoted names of 1.0.0: lines in any order, blanks where they please.
//
// A "# TYPE" line gives its type to the samples below it that belong to that family, until the next "# TYPE". A second
// TYPE or HELP, or one after the samples, is let pass, as Prometheus does: exporters that are merged from parts do it.

#include "parse/exposition_body.h"
#include "parse/utf8.h"

#include <string.h>
#include <strings.h>

struct typed_family {
    struct tend_buffer name; // a copy: the one in the body may be an unescaped one
    enum tend_series_type type;
};

static bool find_type(const char *text, size_t bytes, enum tend_series_type *type)
{
    static const struct {
        const char *word;
        enum tend_series_type type;
    } types[] = {
        { "counter", TEND_SERIES_COUNTER },
        { "gauge", TEND_SERIES_GAUGE },
        { "histogram", TEND_SERIES_HISTOGRAM },
        { "summary", TEND_SERIES_SUMMARY },
        { "untyped", TEND_SERIES_UNKNOWN },
        { "unknown", TEND_SERIES_UNKNOWN },
        { "gaugehistogram", TEND_SERIES_GAUGE_HISTOGRAM },
        { "gauge_histogram", TEND_SERIES_GAUGE_HISTOGRAM },
        { "info", TEND_SERIES_INFO },
        { "stateset", TEND_SERIES_STATE_SET },
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (bytes == strlen(types[i].word) && strncasecmp(text, types[i].word, bytes) == 0) {
            *type = types[i].type;
            return true;
        }
    }
    return false;
}

static bool take_type(struct tend_line_reader *reader, struct typed_family *family, const char *name, size_t name_bytes)
{
    const char *text = reader->at;
    size_t bytes = (size_t)(reader->end - reader->at);
    while (bytes > 0 && (text[bytes - 1] == ' ' || text[bytes - 1] == '\t')) {
        bytes--;
    }
    enum tend_series_type type;
    if (!find_type(text, bytes, &type)) {
        char seen[TEND_EXCERPT_BYTES];
        return tend_line_fail(reader, TEND_E_INVALID,
                              "unknown metric type %s; known are counter, gauge, histogram, summary, untyped",
                              tend_line_excerpt(text, bytes, seen));
    }
    tend_buffer_reset(&family->name);
    tend_buffer_put(&family->name, name, name_bytes);
    family->type = type;
    return family->name.failed ? tend_line_fail(reader, TEND_E_NOMEM, "out of memory") : true;
}

// A line whose first byte is "#", with `at` on it. Only HELP and TYPE mean something, and only when a name follows.
static bool read_comment(struct tend_line_reader *reader, struct typed_family *family)
{
    reader->at++;
    if (!tend_line_skip_blanks(reader)) {
        return true;
    }
    const char *keyword = reader->at;
    const size_t left = (size_t)(reader->end - keyword);
    const bool help = left >= 4 && memcmp(keyword, "HELP", 4) == 0;
    const bool type = left >= 4 && memcmp(keyword, "TYPE", 4) == 0;
    if (!help && !type) {
        return true;
    }
    reader->at += 4;
    const char *after = reader->at;
    if (!tend_line_skip_blanks(reader) || reader->at == after) {
        return true; // no name follows, or the word goes on: a comment
    }
    const char *name;
    size_t name_bytes;
    if (!tend_line_read_metadata_name(reader, &name, &name_bytes)) {
        return false;
    }
    after = reader->at;
    if (!tend_line_skip_blanks(reader)) {
        return true; // nothing is said about the metric
    }
    if (reader->at == after) {
        char seen[TEND_EXCERPT_BYTES];
        return tend_line_fail(reader, TEND_E_INVALID, "no metric name: %s",
                              tend_line_excerpt(name, (size_t)(reader->end - name), seen));
    }
    if (type) {
        return take_type(reader, family, name, name_bytes);
    }
    const bool valid = reader->all_ascii || tend_utf8_valid(reader->at, (size_t)(reader->end - reader->at));
    return valid ? true : tend_line_fail(reader, TEND_E_INVALID, "the HELP text is not valid UTF-8");
}

static bool belongs(const struct tend_sample *sample, const struct typed_family *family)
{
    static const char *const histogram[] = { "_bucket", "_count", "_sum", "_created", NULL };
    static const char *const gauge_histogram[] = { "_bucket", "_gcount", "_gsum", NULL };
    static const char *const summary[] = { "_count", "_sum", "_created", NULL };
    static const char *const counter[] = { "_total", "_created", NULL };
    static const char *const none[] = { NULL };
    const char *const *suffixes = none;
    switch (family->type) {
    case TEND_SERIES_HISTOGRAM:
        suffixes = histogram;
        break;
    case TEND_SERIES_GAUGE_HISTOGRAM:
        suffixes = gauge_histogram;
        break;
    case TEND_SERIES_SUMMARY:
        suffixes = summary;
        break;
    case TEND_SERIES_COUNTER:
        suffixes = counter;
        break;
    case TEND_SERIES_UNKNOWN:
    case TEND_SERIES_GAUGE:
    case TEND_SERIES_INFO:
    case TEND_SERIES_STATE_SET:
        break;
    }
    const char *name = family->name.data;
    const size_t bytes = family->name.size;
    if (bytes == 0 || sample->name_bytes < bytes || memcmp(sample->name, name, bytes) != 0) {
        return false;
    }
    if (sample->name_bytes == bytes) {
        return true;
    }
    for (; *suffixes != NULL; suffixes++) {
        if (tend_exposition_has_suffix(sample->name, sample->name_bytes, name, bytes, *suffixes)) {
            return true;
        }
    }
    return false;
}

bool tend_exposition_read_prometheus(struct tend_exposition_body *body)
{
    struct tend_line_reader *reader = &body->reader;
    struct typed_family family = { .type = TEND_SERIES_UNKNOWN };
    tend_buffer_init(&family.name);
    bool valid = true;
    while (valid && tend_exposition_next_line(body)) {
        if (!tend_line_skip_blanks(reader)) {
            continue;
        }
        if (*reader->at == '#') {
            valid = read_comment(reader, &family);
            continue;
        }
        valid = tend_line_read_sample(reader);
        if (valid) {
            reader->sample.type = belongs(&reader->sample, &family) ? family.type : TEND_SERIES_UNKNOWN;
            valid = tend_exposition_emit(body);
        }
    }
    tend_buffer_clear(&family.name);
    return valid;
}
