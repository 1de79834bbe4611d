// The entry, and what both formats share. The readers: exposition_prometheus.c, exposition_openmetrics.c.

#include "parse/exposition.h"

#include "parse/exposition_body.h"
#include "parse/utf8.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

const struct tend_exposition_limits tend_exposition_default_limits = {
    .samples = 250000,
    .labels = 64,
    .name_bytes = 1024,
    .value_bytes = 16384,
};

bool tend_exposition_next_line(struct tend_exposition_body *body)
{
    if (body->next == body->end) {
        return false;
    }
    const size_t left = (size_t)(body->end - body->next);
    const char *newline = memchr(body->next, '\n', left);
    const size_t bytes = newline == NULL ? left : (size_t)(newline - body->next);
    tend_line_reader_start(&body->reader, body->next, bytes);
    body->next = newline == NULL ? body->end : newline + 1;
    body->line++;
    return true;
}

bool tend_exposition_emit(struct tend_exposition_body *body)
{
    if (body->samples == body->reader.limits->samples) {
        return tend_line_fail(&body->reader, TEND_E_LIMIT, "more than %zu samples", body->reader.limits->samples);
    }
    body->samples++;
    if (body->on_sample == NULL) {
        return true;
    }
    const enum tend_status status = body->on_sample(body->context, &body->reader.sample);
    if (status == TEND_OK) {
        return true;
    }
    body->ended_by_callback = true;
    body->reader.status = status;
    return false;
}

bool tend_exposition_has_suffix(const char *name, size_t name_bytes, const char *family, size_t family_bytes,
                                const char *suffix)
{
    const size_t suffix_bytes = strlen(suffix);
    return name_bytes == family_bytes + suffix_bytes && memcmp(name, family, family_bytes) == 0 &&
           memcmp(name + family_bytes, suffix, suffix_bytes) == 0;
}

enum tend_status tend_exposition_parse(const char *text, size_t bytes, enum tend_exposition_format format,
                                       const struct tend_exposition_limits *limits, tend_sample_fn on_sample,
                                       void *context, struct tend_parse_error *error)
{
    struct tend_exposition_body body = {
        .next = bytes == 0 ? "" : text, // never NULL, so that pointers may be compared
        .on_sample = on_sample,
        .context = context,
    };
    body.end = body.next + bytes;
    tend_line_reader_init(&body.reader, limits == NULL ? &tend_exposition_default_limits : limits,
                          format == TEND_EXPOSITION_OPENMETRICS, tend_ascii_only(body.next, bytes));
    bool done = false;
    switch (format) {
    case TEND_EXPOSITION_NONE:
        (void)tend_line_fail(&body.reader, TEND_E_INVALID,
                             "the format is unknown: neither text/plain nor application/openmetrics-text");
        break;
    case TEND_EXPOSITION_PROMETHEUS:
        done = tend_exposition_read_prometheus(&body);
        break;
    case TEND_EXPOSITION_OPENMETRICS:
        done = tend_exposition_read_openmetrics(&body);
        break;
    }
    const enum tend_status status = done ? TEND_OK : body.reader.status;
    if (!done && error != NULL) {
        error->line = body.line == 0 ? 1 : body.line;
        if (!body.ended_by_callback) {
            error->fault = body.reader.fault;
        }
    }
    tend_line_reader_clear(&body.reader);
    return status;
}

const char *tend_series_type_text(enum tend_series_type type)
{
    switch (type) {
    case TEND_SERIES_UNKNOWN:
        return "unknown";
    case TEND_SERIES_COUNTER:
        return "counter";
    case TEND_SERIES_GAUGE:
        return "gauge";
    case TEND_SERIES_HISTOGRAM:
        return "histogram";
    case TEND_SERIES_GAUGE_HISTOGRAM:
        return "gaugehistogram";
    case TEND_SERIES_SUMMARY:
        return "summary";
    case TEND_SERIES_INFO:
        return "info";
    case TEND_SERIES_STATE_SET:
        return "stateset";
    }
    return "unknown";
}
