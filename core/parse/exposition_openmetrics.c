// OpenMetrics 1.0 in full: each line strictly spaced, metadata before samples, families and series not interleaved, the
// rules of each type, "# EOF" last. Where the text of the standard leaves room, it is read as its reference parser
// (prometheus/client_python, openmetrics/parser.py) reads it.
//
// A family is open from its first line to the first line of another. What is checked when:
//   a metadata line   one TYPE, HELP, UNIT each, before samples; the unit against name and type
//   a sample          its suffix against the type (no match opens a family of type unknown), labels and value
//   a series' group   (labels less "le", "quantile" or the state) comes in one run, its times do not go back
//   a point's end     a histogram's buckets, count and sum agree
//   a family's end    none of the names that it stands for was taken by an earlier family

#include "parse/exposition_body.h"
#include "parse/number.h"
#include "parse/text_set.h"
#include "parse/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum suffix {
    SUFFIX_NONE,
    SUFFIX_TOTAL,
    SUFFIX_CREATED,
    SUFFIX_COUNT,
    SUFFIX_SUM,
    SUFFIX_BUCKET,
    SUFFIX_GCOUNT,
    SUFFIX_GSUM,
    SUFFIX_INFO,
    SUFFIXES,
};

static const char *const suffix_texts[SUFFIXES] = {
    "", "_total", "_created", "_count", "_sum", "_bucket", "_gcount", "_gsum", "_info",
};

struct type_rules {
    const char *word;
    enum tend_series_type type;
    unsigned suffixes; // a bit for each suffix that samples of the type may have
};

#define BIT(suffix) (1U << (suffix))

static const struct type_rules all_types[] = {
    { "unknown", TEND_SERIES_UNKNOWN, BIT(SUFFIX_NONE) },
    { "counter", TEND_SERIES_COUNTER, BIT(SUFFIX_TOTAL) | BIT(SUFFIX_CREATED) },
    { "gauge", TEND_SERIES_GAUGE, BIT(SUFFIX_NONE) },
    { "histogram", TEND_SERIES_HISTOGRAM,
      BIT(SUFFIX_COUNT) | BIT(SUFFIX_SUM) | BIT(SUFFIX_BUCKET) | BIT(SUFFIX_CREATED) },
    { "gaugehistogram", TEND_SERIES_GAUGE_HISTOGRAM, BIT(SUFFIX_GCOUNT) | BIT(SUFFIX_GSUM) | BIT(SUFFIX_BUCKET) },
    { "summary", TEND_SERIES_SUMMARY, BIT(SUFFIX_NONE) | BIT(SUFFIX_COUNT) | BIT(SUFFIX_SUM) | BIT(SUFFIX_CREATED) },
    { "info", TEND_SERIES_INFO, BIT(SUFFIX_INFO) },
    { "stateset", TEND_SERIES_STATE_SET, BIT(SUFFIX_NONE) },
};

// One histogram at one time: what its end is checked against.
struct histogram_point {
    bool open;
    size_t line; // of its last sample
    bool has_bucket, has_count, has_sum, has_gsum;
    bool negative_bucket, negative_gsum;
    double bound; // of the last bucket
    double in_bucket;
    double count;
};

struct family {
    bool open;
    struct tend_buffer name;
    size_t first_line;
    const struct type_rules *rules; // NULL: no TYPE line
    bool has_help, has_unit, has_samples;
    bool unit_given; // UNIT, and not the empty one
    // The group that the last sample was of.
    bool in_group;
    bool has_timestamp;
    double timestamp_ms;
    struct tend_buffer group;    // its labels, sorted
    struct tend_text_set groups; // all of the family
    struct histogram_point point;
};

struct openmetrics {
    struct tend_exposition_body *body;
    struct tend_line_reader *reader;
    struct family family;
    struct tend_text_set names;   // that closed families stand for
    struct tend_buffer new_group; // of the sample at hand
    struct tend_buffer name;      // a candidate for `names`
    const struct tend_label **sorted;
    size_t sorted_capacity;
};

#define FAIL(reader, ...) tend_line_fail(reader, TEND_E_INVALID, __VA_ARGS__)

static bool out_of_memory(struct openmetrics *om)
{
    return tend_line_fail(om->reader, TEND_E_NOMEM, "out of memory");
}

static const struct type_rules *rules_of(const struct family *family)
{
    return family->rules == NULL ? &all_types[0] : family->rules;
}

// Fails on the line of an earlier fault that is only known now.
static bool fail_on_line(struct openmetrics *om, size_t line, const char *what)
{
    char seen[TEND_EXCERPT_BYTES];
    om->body->line = line;
    return FAIL(om->reader, "%s: %s", tend_line_excerpt(tend_buffer_text(&om->family.name), om->family.name.size, seen),
                what);
}

static bool end_histogram_point(struct openmetrics *om)
{
    struct histogram_point *point = &om->family.point;
    if (!point->open) {
        return true;
    }
    point->open = false;
    const char *fault = NULL;
    if (!point->has_bucket || point->bound != (double)INFINITY) {
        fault = "the histogram has no +Inf bucket";
    } else if (point->has_count && point->count != point->in_bucket) {
        fault = "the count is not that of the +Inf bucket";
    } else if ((point->has_sum || point->has_gsum) && !point->has_count) {
        fault = "the histogram has a sum and no count";
    } else if (point->has_count && !point->has_sum && !point->has_gsum) {
        fault = "the histogram has a count and no sum";
    } else if (point->negative_bucket && point->has_sum) {
        fault = "a histogram with negative buckets may have no sum";
    } else if (!point->negative_bucket && point->negative_gsum) {
        fault = "a negative sum, though no bucket is negative";
    }
    return fault == NULL ? true : fail_on_line(om, point->line, fault);
}

static bool take_family_names(struct openmetrics *om)
{
    const unsigned suffixes = rules_of(&om->family)->suffixes | BIT(SUFFIX_NONE);
    for (unsigned i = 0; i < SUFFIXES; i++) {
        if ((suffixes & BIT(i)) == 0) {
            continue;
        }
        tend_buffer_reset(&om->name);
        tend_buffer_put(&om->name, tend_buffer_text(&om->family.name), om->family.name.size);
        tend_buffer_put_text(&om->name, suffix_texts[i]);
        bool added = false;
        if (om->name.failed || tend_text_set_add(&om->names, om->name.data, om->name.size, &added) != TEND_OK) {
            return out_of_memory(om);
        }
        if (!added) {
            return fail_on_line(om, om->family.first_line, "the name clashes with an earlier metric family");
        }
    }
    return true;
}

static bool close_family(struct openmetrics *om)
{
    if (!om->family.open) {
        return true;
    }
    om->family.open = false;
    return end_histogram_point(om) && take_family_names(om);
}

static bool open_family(struct openmetrics *om, const char *name, size_t name_bytes)
{
    if (!close_family(om)) {
        return false;
    }
    struct family *family = &om->family;
    tend_buffer_reset(&family->name);
    tend_buffer_put(&family->name, name, name_bytes);
    tend_text_set_reset(&family->groups);
    family->open = true;
    family->first_line = om->body->line;
    family->rules = NULL;
    family->has_help = family->has_unit = family->has_samples = family->unit_given = false;
    family->in_group = false;
    return family->name.failed ? out_of_memory(om) : true;
}

static bool is_family(const struct family *family, const char *name, size_t name_bytes)
{
    return family->open && family->name.size == name_bytes && memcmp(family->name.data, name, name_bytes) == 0;
}

static bool take_unit(struct openmetrics *om)
{
    struct family *family = &om->family;
    const char *unit = om->reader->at;
    const size_t bytes = (size_t)(om->reader->end - unit);
    if (family->has_unit) {
        return FAIL(om->reader, "a second UNIT for the metric");
    }
    family->has_unit = true;
    family->unit_given = bytes > 0;
    if (bytes == 0) {
        return true;
    }
    const size_t name_bytes = family->name.size;
    const bool suffixed = name_bytes > bytes + 1 && family->name.data[name_bytes - bytes - 1] == '_' &&
                          memcmp(family->name.data + name_bytes - bytes, unit, bytes) == 0;
    if (suffixed) {
        return true;
    }
    char seen[TEND_EXCERPT_BYTES];
    return FAIL(om->reader, "the metric's name does not end with its unit, %s", tend_line_excerpt(unit, bytes, seen));
}

static bool take_type(struct openmetrics *om)
{
    const char *word = om->reader->at;
    const size_t bytes = (size_t)(om->reader->end - word);
    if (om->family.rules != NULL) {
        return FAIL(om->reader, "a second TYPE for the metric");
    }
    for (size_t i = 0; i < sizeof all_types / sizeof *all_types; i++) {
        if (bytes == strlen(all_types[i].word) && memcmp(word, all_types[i].word, bytes) == 0) {
            om->family.rules = &all_types[i];
            return true;
        }
    }
    char seen[TEND_EXCERPT_BYTES];
    return FAIL(om->reader, "unknown metric type %s", tend_line_excerpt(word, bytes, seen));
}

static bool take_help(struct openmetrics *om)
{
    if (om->family.has_help) {
        return FAIL(om->reader, "a second HELP for the metric");
    }
    om->family.has_help = true;
    const size_t bytes = (size_t)(om->reader->end - om->reader->at);
    const bool valid = om->reader->all_ascii || tend_utf8_valid(om->reader->at, bytes);
    return valid ? true : FAIL(om->reader, "the HELP text is not valid UTF-8");
}

// "# TYPE name type", "# UNIT name unit", "# HELP name text": one space each, and nothing else begins with "#".
static bool read_metadata(struct openmetrics *om)
{
    struct tend_line_reader *reader = om->reader;
    static const char *const keywords[] = { "# TYPE ", "# UNIT ", "# HELP " };
    bool (*const takers[])(struct openmetrics *) = { take_type, take_unit, take_help };
    enum { KEYWORD_BYTES = 7, KEYWORDS = 3 };
    size_t keyword = 0;
    const size_t left = (size_t)(reader->end - reader->at);
    while (keyword < KEYWORDS && (left < KEYWORD_BYTES || memcmp(reader->at, keywords[keyword], KEYWORD_BYTES) != 0)) {
        keyword++;
    }
    if (keyword == KEYWORDS) {
        return FAIL(reader, "a line with \"#\" must be \"# TYPE \", \"# UNIT \", \"# HELP \" or \"# EOF\"");
    }
    reader->at += KEYWORD_BYTES;
    const char *name;
    size_t name_bytes;
    if (!tend_line_read_metadata_name(reader, &name, &name_bytes)) {
        return false;
    }
    if (reader->at == reader->end || *reader->at != ' ') {
        return FAIL(reader, "expected a space after the metric's name");
    }
    reader->at++;
    if (is_family(&om->family, name, name_bytes)) {
        if (om->family.has_samples) {
            return FAIL(reader, "metadata after the metric's samples");
        }
    } else if (!open_family(om, name, name_bytes)) {
        return false;
    }
    if (!takers[keyword](om)) {
        return false;
    }
    const enum tend_series_type type = rules_of(&om->family)->type;
    if (om->family.unit_given && (type == TEND_SERIES_INFO || type == TEND_SERIES_STATE_SET)) {
        return FAIL(reader, "a metric of type %s may have no unit", rules_of(&om->family)->word);
    }
    return true;
}

// The suffix that makes the sample one of the open family, or SUFFIXES when it is not.
static enum suffix suffix_of(const struct family *family, const struct tend_sample *sample)
{
    if (!family->open || sample->name_bytes < family->name.size ||
        memcmp(sample->name, family->name.data, family->name.size) != 0) {
        return SUFFIXES;
    }
    const unsigned suffixes = rules_of(family)->suffixes;
    const char *rest = sample->name + family->name.size;
    const size_t rest_bytes = sample->name_bytes - family->name.size;
    for (unsigned i = 0; i < SUFFIXES; i++) {
        if ((suffixes & BIT(i)) != 0 && rest_bytes == strlen(suffix_texts[i]) &&
            memcmp(rest, suffix_texts[i], rest_bytes) == 0) {
            return (enum suffix)i;
        }
    }
    return SUFFIXES;
}

static const struct tend_label *find_label(const struct tend_sample *sample, const char *name, size_t name_bytes)
{
    for (size_t i = 0; i < sample->label_count; i++) {
        const struct tend_label *label = &sample->labels[i];
        if (label->name_bytes == name_bytes && memcmp(label->name, name, name_bytes) == 0) {
            return label;
        }
    }
    return NULL;
}

// The bound of a bucket. +Inf has one spelling, so that all readers find that bucket.
static bool read_bound(struct openmetrics *om, const struct tend_label *le, double *bound)
{
    char seen[TEND_EXCERPT_BYTES];
    if (le == NULL) {
        return FAIL(om->reader, "a bucket has no label le");
    }
    const bool number = tend_number_parse(le->value, le->value_bytes, bound) && !isnan(*bound);
    const bool plus_inf = le->value_bytes == 4 && memcmp(le->value, "+Inf", 4) == 0;
    const bool canonical = number && (plus_inf || *bound != (double)INFINITY);
    return canonical ? true
                     : FAIL(om->reader, "the label le is neither a number nor \"+Inf\": %s",
                            tend_line_excerpt(le->value, le->value_bytes, seen));
}

static bool check_quantile(struct openmetrics *om, const struct tend_label *quantile)
{
    double value;
    if (quantile == NULL) {
        return FAIL(om->reader, "a sample of a summary has no label quantile");
    }
    const bool valid = tend_number_parse(quantile->value, quantile->value_bytes, &value) && value >= 0 && value <= 1;
    char seen[TEND_EXCERPT_BYTES];
    return valid ? true
                 : FAIL(om->reader, "the label quantile is no number from 0 to 1: %s",
                        tend_line_excerpt(quantile->value, quantile->value_bytes, seen));
}

// What is wrong with the value of a sample without a suffix, or NULL.
static const char *fault_in_plain_value(double value, enum tend_series_type type)
{
    if (type == TEND_SERIES_STATE_SET && value != 0 && value != 1) {
        return "the value of a state must be 0 or 1";
    }
    return type == TEND_SERIES_SUMMARY && value < 0 ? "a quantile must not be negative" : NULL;
}

// What is wrong with the value of a sample of this suffix and type, or NULL.
static const char *fault_in_value(double value, enum suffix suffix, enum tend_series_type type)
{
    switch (suffix) {
    case SUFFIX_BUCKET:
    case SUFFIX_COUNT:
    case SUFFIX_GCOUNT:
        return isfinite(value) && floor(value) == value && value >= 0
                   ? NULL
                   : "a count must be a whole number, and not negative";
    case SUFFIX_TOTAL:
    case SUFFIX_SUM:
        return value >= 0 ? NULL : "a counter must be neither negative nor NaN";
    case SUFFIX_GSUM:
        return isnan(value) ? "a sum must not be NaN" : NULL;
    case SUFFIX_INFO:
        return value == 1 ? NULL : "the value of an info must be 1";
    case SUFFIX_NONE:
        return fault_in_plain_value(value, type);
    case SUFFIX_CREATED:
    case SUFFIXES:
        return NULL;
    }
    return NULL;
}

static bool check_value(struct openmetrics *om, enum suffix suffix, enum tend_series_type type)
{
    const char *fault = fault_in_value(om->reader->sample.value, suffix, type);
    return fault == NULL ? true : FAIL(om->reader, "%s", fault);
}

static int compare_labels(const void *left, const void *right)
{
    const struct tend_label *const *a = left;
    const struct tend_label *const *b = right;
    const size_t shorter = (*a)->name_bytes < (*b)->name_bytes ? (*a)->name_bytes : (*b)->name_bytes;
    const int order = memcmp((*a)->name, (*b)->name, shorter);
    if (order != 0) {
        return order;
    }
    return ((*a)->name_bytes > (*b)->name_bytes) - ((*a)->name_bytes < (*b)->name_bytes);
}

// Writes the labels that a sample's group is known by, sorted, to new_group. @param own  the one that is left out
static bool make_group(struct openmetrics *om, const struct tend_label *own)
{
    const struct tend_sample *sample = &om->reader->sample;
    if (om->sorted_capacity < sample->label_count) {
        const size_t capacity = sample->label_count * 2;
        const struct tend_label **grown = realloc(om->sorted, capacity * sizeof(struct tend_label *));
        if (grown == NULL) {
            return out_of_memory(om);
        }
        om->sorted = grown;
        om->sorted_capacity = capacity;
    }
    size_t count = 0;
    bool in_order = true;
    for (size_t i = 0; i < sample->label_count; i++) {
        if (&sample->labels[i] != own) {
            om->sorted[count++] = &sample->labels[i];
            in_order = in_order && (count < 2 || compare_labels(&om->sorted[count - 2], &om->sorted[count - 1]) < 0);
        }
    }
    if (!in_order) {
        qsort(om->sorted, count, sizeof(struct tend_label *), compare_labels);
    }
    tend_buffer_reset(&om->new_group);
    for (size_t i = 0; i < count; i++) {
        tend_buffer_put_string(&om->new_group, om->sorted[i]->name, om->sorted[i]->name_bytes);
        tend_buffer_put_string(&om->new_group, om->sorted[i]->value, om->sorted[i]->value_bytes);
    }
    return om->new_group.failed ? out_of_memory(om) : true;
}

// Series of a group come one after another, and times within it do not go back.
static bool check_group(struct openmetrics *om, const struct tend_label *own, enum tend_series_type type)
{
    struct family *family = &om->family;
    const struct tend_sample *sample = &om->reader->sample;
    if (type == TEND_SERIES_INFO) {
        tend_buffer_reset(&om->new_group); // what an info tells is in its labels, so they make no groups
    } else if (!make_group(om, own)) {
        return false;
    }
    const bool same =
        family->in_group && family->group.size == om->new_group.size &&
        (family->group.size == 0 || memcmp(family->group.data, om->new_group.data, family->group.size) == 0);
    if (same) {
        if (family->has_timestamp != sample->has_timestamp) {
            return FAIL(om->reader, "samples of one metric with and without a timestamp");
        }
        if (sample->has_timestamp && sample->timestamp_ms < family->timestamp_ms && type != TEND_SERIES_INFO) {
            return FAIL(om->reader, "the timestamp is older than that of the sample before");
        }
    }
    if (!same || family->timestamp_ms != sample->timestamp_ms) {
        if (!end_histogram_point(om)) {
            return false;
        }
    }
    if (!same) {
        bool added = false;
        const char *group = tend_buffer_text(&om->new_group);
        if (tend_text_set_add(&family->groups, group, om->new_group.size, &added) != TEND_OK) {
            return out_of_memory(om);
        }
        if (!added) {
            return FAIL(om->reader, "samples of one metric must follow each other: others stand between");
        }
        const struct tend_buffer old = family->group;
        family->group = om->new_group;
        om->new_group = old;
    }
    family->in_group = true;
    family->has_timestamp = sample->has_timestamp;
    family->timestamp_ms = sample->timestamp_ms;
    return true;
}

static bool add_to_histogram(struct openmetrics *om, enum suffix suffix, double bound)
{
    struct histogram_point *point = &om->family.point;
    const double value = om->reader->sample.value;
    if (!point->open) {
        *point = (struct histogram_point){ .open = true };
    }
    point->line = om->body->line;
    if (suffix == SUFFIX_BUCKET) {
        if (point->has_bucket && bound <= point->bound) {
            return FAIL(om->reader, "the buckets are not in rising order");
        }
        if (point->has_bucket && value < point->in_bucket) {
            return FAIL(om->reader, "a bucket holds less than the one below it, though buckets are cumulative");
        }
        point->has_bucket = true;
        point->negative_bucket = point->negative_bucket || bound < 0;
        point->bound = bound;
        point->in_bucket = value;
    } else if (suffix == SUFFIX_COUNT || suffix == SUFFIX_GCOUNT) {
        point->has_count = true;
        point->count = value;
    } else if (suffix == SUFFIX_SUM) {
        point->has_sum = true;
    } else if (suffix == SUFFIX_GSUM) {
        point->has_gsum = true;
        point->negative_gsum = point->negative_gsum || value < 0;
    }
    return true;
}

// The label that tells the samples of one group apart: a bucket's le, a summary's quantile, a stateset's state.
static bool find_own_label(struct openmetrics *om, enum suffix suffix, enum tend_series_type type,
                           const struct tend_label **own, double *bound)
{
    const struct tend_sample *sample = &om->reader->sample;
    *own = NULL;
    *bound = 0;
    if (suffix == SUFFIX_BUCKET) {
        *own = find_label(sample, "le", 2);
        return read_bound(om, *own, bound);
    }
    if (type == TEND_SERIES_SUMMARY && suffix == SUFFIX_NONE) {
        *own = find_label(sample, "quantile", 8);
        return check_quantile(om, *own);
    }
    if (type == TEND_SERIES_STATE_SET) {
        *own = find_label(sample, om->family.name.data, om->family.name.size);
        return *own != NULL ? true : FAIL(om->reader, "a state has no label named as the metric");
    }
    return true;
}

static bool read_sample(struct openmetrics *om)
{
    struct tend_line_reader *reader = om->reader;
    if (!tend_line_read_sample(reader)) {
        return false;
    }
    enum suffix suffix = suffix_of(&om->family, &reader->sample);
    if (suffix == SUFFIXES) {
        if (!open_family(om, reader->sample.name, reader->sample.name_bytes)) {
            return false;
        }
        suffix = SUFFIX_NONE;
    }
    om->family.has_samples = true;
    const enum tend_series_type type = rules_of(&om->family)->type;
    reader->sample.type = type;
    const struct tend_label *own;
    double bound;
    if (!find_own_label(om, suffix, type, &own, &bound) || !check_value(om, suffix, type) ||
        !check_group(om, own, type)) {
        return false;
    }
    if (type == TEND_SERIES_HISTOGRAM || type == TEND_SERIES_GAUGE_HISTOGRAM) {
        if (!add_to_histogram(om, suffix, bound)) {
            return false;
        }
    }
    if (reader->has_exemplar && suffix != SUFFIX_BUCKET && suffix != SUFFIX_TOTAL) {
        return FAIL(reader, "only buckets and counters may have an exemplar");
    }
    return tend_exposition_emit(om->body);
}

static bool read_lines(struct openmetrics *om)
{
    static const char eof[] = "# EOF";
    while (tend_exposition_next_line(om->body)) {
        const char *line = om->reader->at;
        const size_t bytes = (size_t)(om->reader->end - line);
        if (bytes == 0) {
            return FAIL(om->reader, "blank lines are not allowed");
        }
        if (bytes == sizeof eof - 1 && memcmp(line, eof, bytes) == 0) {
            const size_t line_of_eof = om->body->line;
            if (tend_exposition_next_line(om->body)) {
                return FAIL(om->reader, "something follows \"# EOF\"");
            }
            om->body->line = line_of_eof;
            return close_family(om);
        }
        if (!(*line == '#' ? read_metadata(om) : read_sample(om))) {
            return false;
        }
    }
    return FAIL(om->reader, "the last line is not \"# EOF\": the body may have been cut off");
}

bool tend_exposition_read_openmetrics(struct tend_exposition_body *body)
{
    struct openmetrics om = { .body = body, .reader = &body->reader };
    tend_text_set_init(&om.names);
    tend_text_set_init(&om.family.groups);
    tend_buffer_init(&om.family.name);
    tend_buffer_init(&om.family.group);
    tend_buffer_init(&om.new_group);
    tend_buffer_init(&om.name);
    const bool valid = read_lines(&om);
    tend_text_set_clear(&om.names);
    tend_text_set_clear(&om.family.groups);
    tend_buffer_clear(&om.family.name);
    tend_buffer_clear(&om.family.group);
    tend_buffer_clear(&om.new_group);
    tend_buffer_clear(&om.name);
    free(om.sorted);
    return valid;
}
