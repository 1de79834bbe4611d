// Several bodies in a row for one decoder and one series window: what one scrape leaves behind must not hurt the next.
//
// Input: bodies separated by the byte 0xff, which no valid body holds; the first byte chooses format and limits. After
// each good body every promise that the headers make about a row is checked, and the metrics are measured.

#include "parse/selector.h"
#include "series/decoder.h"
#include "series/measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DEFS = 4 };

struct target {
    struct tend_selector *selectors[DEFS];
    struct tend_metric_def defs[DEFS];
    struct tend_decoder *decoder;
    struct tend_series_window *window;
    struct tend_metric_plan *plan;
    struct tend_parts *parts;
};

static void make_target(struct target *target)
{
    const char *texts[DEFS] = { "a", "{__name__=~\"b.*\",x!=\"\"}", "h_bucket", "c{x=\"1\"}" };
    const enum tend_metric_kind kinds[DEFS] = { TEND_METRIC_GAUGE, TEND_METRIC_RATE, TEND_METRIC_QUANTILE,
                                                TEND_METRIC_AGE };
    const struct tend_selector *wanted[DEFS];
    *target = (struct target){ .decoder = NULL };
    for (size_t i = 0; i < DEFS; i++) {
        TEND_ASSERT(tend_selector_parse(texts[i], strlen(texts[i]), &target->selectors[i], NULL) == TEND_OK);
        wanted[i] = target->selectors[i];
        target->defs[i] =
            (struct tend_metric_def){ .kind = kinds[i], .quantile = 0.9, .sources = { target->selectors[i], NULL } };
    }
    TEND_ASSERT(tend_decoder_create(wanted, DEFS, &target->decoder) == TEND_OK);
    TEND_ASSERT(tend_series_window_create(40000, 10000, &target->window) == TEND_OK);
    TEND_ASSERT(tend_metric_plan_create(target->defs, DEFS, &target->plan) == TEND_OK);
    TEND_ASSERT(tend_parts_create(target->defs, DEFS, &target->parts) == TEND_OK);
}

static void destroy_target(struct target *target)
{
    tend_parts_destroy(target->parts);
    tend_metric_plan_destroy(target->plan);
    tend_series_window_destroy(target->window);
    tend_decoder_destroy(target->decoder);
    for (size_t i = 0; i < DEFS; i++) {
        tend_selector_destroy(target->selectors[i]);
    }
}

static void check_row(const struct tend_layout *layout, const double *values, size_t count,
                      const struct tend_scrape_stats *stats, size_t column_limit)
{
    size_t present = 0;
    TEND_ASSERT(count == tend_layout_count(layout) && count <= column_limit);
    for (size_t i = 0; i < count; i++) {
        present += tend_is_stale(values[i]) ? 0 : 1;
        TEND_ASSERT(tend_layout_find(layout, tend_layout_column(layout, i)->labels) == i); // no label set twice
    }
    TEND_ASSERT(present == stats->kept && stats->kept + stats->duplicates <= stats->samples);
}

static void measure(struct target *target, int64_t at_ms)
{
    TEND_ASSERT(tend_metric_plan_bind(target->plan, tend_series_window_layout(target->window)) == TEND_OK);
    tend_measure_instance(target->plan, target->window, at_ms, 1e9, 40000, target->parts);
    for (size_t i = 0; i < DEFS; i++) {
        enum tend_missing missing;
        const double p = tend_measure_value(&target->defs[i], &target->parts[i], &missing);
        TEND_ASSERT(isnan(p) == (missing != TEND_HAS_DATA));
    }
}

static void scrape(struct target *target, const char *text, size_t bytes, enum tend_exposition_format format,
                   const struct tend_decoder_limits *limits, int64_t at_ms)
{
    const struct tend_layout *layout = NULL;
    const double *values = NULL;
    size_t count = 0;
    struct tend_scrape_stats stats;
    struct tend_error error;
    const enum tend_status status =
        tend_decoder_decode(target->decoder, text, bytes, format, limits, &layout, &values, &count, &stats, &error);
    if (status == TEND_OK) {
        check_row(layout, values, count, &stats, limits->columns);
        TEND_ASSERT(tend_series_window_push(target->window, at_ms, 0.1, layout, values) == TEND_OK);
    } else {
        TEND_ASSERT(layout == NULL && values == NULL);
        TEND_ASSERT(tend_series_window_push_failed(target->window, at_ms, 0.1, TEND_SCRAPE_PARSE) == TEND_OK);
    }
    measure(target, at_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    const enum tend_exposition_format format =
        (data[0] & 1) != 0 ? TEND_EXPOSITION_OPENMETRICS : TEND_EXPOSITION_PROMETHEUS;
    struct tend_decoder_limits limits = tend_decoder_default_limits;
    if ((data[0] & 2) != 0) {
        limits.columns = 4; // columns are dropped and refused all the time
    }
    if ((data[0] & 4) != 0) {
        limits.keep_scrapes = 2;
    }
    struct target target;
    make_target(&target);
    int64_t at_ms = 0;
    const char *next = (const char *)data + 1;
    const char *end = (const char *)data + size;
    while (next < end) {
        const char *separator = memchr(next, 0xff, (size_t)(end - next));
        const size_t bytes = (size_t)((separator != NULL ? separator : end) - next);
        scrape(&target, next, bytes, format, &limits, at_ms += 10000);
        next += bytes + 1;
    }
    destroy_target(&target);
    return 0;
}
