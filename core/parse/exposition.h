#pragma once
/// Exposition: the samples in the body of a scrape (Prometheus text format 0.0.4 and 1.0.0, OpenMetrics 1.0).
///
/// One strict pass over the bytes, a callback a sample, in input order; nothing is merged or dropped. A body is all or
/// nothing: the callback runs before a fault further down is seen, so what it was given counts only when parse returns
/// TEND_OK.
/// Units: timestamps are milliseconds since 1970 in both formats (`_ms`); limits and lengths are bytes.
/// Ownership: all that a sample points to is borrowed for the callback. Nothing is NUL-terminated, and label values may
/// hold NUL and control characters: escape before they are shown. Names and values are valid UTF-8.
/// Threads: none shared; two parses may run at once.

#include "base/status.h"
#include "parse/label.h"

#include <stdbool.h>

enum tend_exposition_format {
    TEND_EXPOSITION_NONE = 0,    ///< no format of ours: an unknown or missing Content-Type
    TEND_EXPOSITION_PROMETHEUS,  ///< text/plain; version=0.0.4 or 1.0.0
    TEND_EXPOSITION_OPENMETRICS, ///< application/openmetrics-text; version=1.0.0 or 0.0.1
};

/// What a scrape sends as Accept, so that the answer has a format that is read here, OpenMetrics first.
#define TEND_EXPOSITION_ACCEPT                                                                                         \
    "application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.7,"               \
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"

/// What the metadata above the sample says; unknown where there is none (both "untyped" and "unknown").
enum tend_series_type {
    TEND_SERIES_UNKNOWN = 0,
    TEND_SERIES_COUNTER,
    TEND_SERIES_GAUGE,
    TEND_SERIES_HISTOGRAM,
    TEND_SERIES_GAUGE_HISTOGRAM,
    TEND_SERIES_SUMMARY,
    TEND_SERIES_INFO,
    TEND_SERIES_STATE_SET,
};

struct tend_sample {
    const char *series_text; ///< the line's bytes from the name (or the "{") to the end of the name or the "}": equal
                             ///< bytes are the same series, so unchanged lines are known without a look at the labels
    size_t series_text_bytes;
    const char *name; ///< as on the sample line, with its suffix, unescaped when it was quoted
    size_t name_bytes;
    const struct tend_label *labels; ///< in the line's order, unescaped, no name twice, without the metric's name
    size_t label_count;
    double value;
    bool has_timestamp;
    double timestamp_ms; ///< 0 when there is none
    enum tend_series_type type;
};

/// Limits of one body; passing one fails the whole with TEND_E_LIMIT.
struct tend_exposition_limits {
    size_t samples;
    size_t labels;      ///< of one sample
    size_t name_bytes;  ///< of a metric's or a label's name
    size_t value_bytes; ///< of a label's value, unescaped
};

/// 250,000 samples, 64 labels, names of 1 kB, values of 16 kB.
extern const struct tend_exposition_limits tend_exposition_default_limits;

struct tend_parse_error {
    size_t line;             ///< from 1: the line where the fault is seen
    struct tend_error fault; ///< what is wrong, escaped for terminals and logs
};

/// Takes one sample. Anything but TEND_OK ends the parse, which returns that status.
typedef enum tend_status (*tend_sample_fn)(void *context, const struct tend_sample *sample);

/// Reads a whole body.
/// @param limits  NULL for the defaults
/// @param on_sample  NULL only checks
/// @param[out] error  set on every failure but the callback's own, whose line alone is set; NULL is allowed
/// @return TEND_OK, TEND_E_INVALID (malformed, or the format is NONE), TEND_E_LIMIT, TEND_E_NOMEM, or the callback's
TEND_MUST_CHECK enum tend_status tend_exposition_parse(const char *text, size_t bytes,
                                                       enum tend_exposition_format format,
                                                       const struct tend_exposition_limits *limits,
                                                       tend_sample_fn on_sample, void *context,
                                                       struct tend_parse_error *error);

/// Chooses the parser by a Content-Type header's value, parameters and all; NULL, unknown types and unknown versions
/// give TEND_EXPOSITION_NONE. Without a version parameter a type means its first version.
enum tend_exposition_format tend_exposition_format_of(const char *content_type);

/// "counter", "gauge" …, "unknown".
const char *tend_series_type_text(enum tend_series_type type);
