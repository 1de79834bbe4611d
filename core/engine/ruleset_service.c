// One service of the generation document: its metrics, which rules hold for it, its limits.

#include "engine/ruleset_reader.h"

#include "deviation/baseline.h"
#include "parse/mask_pattern.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_words[] = { "gauge", "rate",    "mean", "quantile",        "share",
                                          "age",   "changes", "up",   "scrape_duration", NULL };
static const char *const bad_words[] = { "above", "below", "both", NULL };
static const char *const policy_words[] = { "hold", "warn", "act", NULL };

// How many sources a metric of this kind has, least and most.
static void source_counts(enum tend_metric_kind kind, size_t *least, size_t *most)
{
    *least = 1;
    *most = 1;
    switch (kind) {
    case TEND_METRIC_SHARE:
        *least = 2;
        *most = 2;
        break;
    case TEND_METRIC_UP:
        *least = 0;
        break;
    case TEND_METRIC_SCRAPE_DURATION:
        *least = 0;
        *most = 0;
        break;
    case TEND_METRIC_GAUGE:
    case TEND_METRIC_RATE:
    case TEND_METRIC_MEAN:
    case TEND_METRIC_QUANTILE:
    case TEND_METRIC_AGE:
    case TEND_METRIC_CHANGES:
        break;
    }
}

static void read_sources(struct tend_ruleset_reader *reader, const json_t *object, struct tend_metric_def *metric)
{
    size_t least = 0;
    size_t most = 0;
    size_t count = 0;
    const char **sources = tend_ruleset_read_texts(reader, object, "sources", &count);
    source_counts(metric->kind, &least, &most);
    if (count < least || count > most) {
        tend_ruleset_read_fault(reader, "metric %s has %zu sources, and its kind takes %zu", metric->name, count, most);
    }
    if (reader->status != TEND_OK) {
        return;
    }
    if (metric->kind == TEND_METRIC_MEAN) {
        metric->sources[0] = tend_ruleset_read_selector(reader, sources[0], "_sum");
        metric->sources[1] = tend_ruleset_read_selector(reader, sources[0], "_count");
    } else if (metric->kind == TEND_METRIC_QUANTILE) {
        metric->sources[0] = tend_ruleset_read_selector(reader, sources[0], "_bucket");
    } else {
        for (size_t i = 0; i < count; i++) {
            metric->sources[i] = tend_ruleset_read_selector(reader, sources[i], NULL);
        }
    }
    const json_t *gauges = tend_ruleset_read_array(reader, object, "gauge");
    for (size_t i = 0; i < 2; i++) {
        metric->source_is_gauge[i] = json_is_true(json_array_get(gauges, i));
    }
}

static void read_learned(struct tend_ruleset_reader *reader, const json_t *learned, struct tend_metric_def *metric)
{
    const int64_t hour_ms = INT64_C(3600) * 1000;
    const int64_t season_ms = tend_ruleset_read_ms(reader, learned, "season_ms", 0, 0);
    if (season_ms != 0 && season_ms != TEND_BASELINE_DAY_HOURS * hour_ms &&
        season_ms != TEND_BASELINE_WEEK_HOURS * hour_ms) {
        tend_ruleset_read_fault(reader, "metric %s has a season that is neither a day nor a week", metric->name);
    }
    metric->expect = TEND_EXPECT_LEARNED;
    metric->season_hours = (uint16_t)(season_ms / hour_ms);
    metric->zone_name = tend_ruleset_read_text(reader, learned, "zone", "UTC");
    metric->given = tend_ruleset_read_text(reader, learned, "given", NULL);
    if (metric->given != NULL && season_ms != 0) {
        tend_ruleset_read_fault(reader, "metric %s has both a season and a load", metric->name);
    }
    metric->zone = reader->status == TEND_OK ? tend_ruleset_read_zone(reader, metric->zone_name) : NULL;
}

static void read_expectation(struct tend_ruleset_reader *reader, const json_t *object, struct tend_metric_def *metric)
{
    const json_t *expect = json_object_get(object, "expect");
    metric->expect_value = (double)NAN;
    if (expect == NULL || json_is_null(expect)) {
        metric->expect = TEND_EXPECT_NONE;
    } else if (json_object_get(expect, "value") != NULL) {
        metric->expect = TEND_EXPECT_VALUE;
        metric->expect_value = tend_ruleset_read_number(reader, expect, "value", -1e300, 1e300, (double)NAN);
    } else if (json_object_get(expect, "peers") != NULL) {
        const json_t *peers = json_object_get(expect, "peers");
        metric->expect = TEND_EXPECT_PEERS;
        metric->peers_among = tend_ruleset_read_text(reader, peers, "among", NULL);
        metric->peers_with_self = tend_ruleset_read_bool(reader, peers, "self", false);
    } else if (json_object_get(expect, "last") != NULL) {
        metric->expect = TEND_EXPECT_LAST;
        metric->expect_samples = (size_t)tend_ruleset_read_number(reader, expect, "last", 1, 1e6, 1);
    } else if (json_object_get(expect, "learned") != NULL) {
        read_learned(reader, json_object_get(expect, "learned"), metric);
    } else {
        tend_ruleset_read_fault(reader, "metric %s expects something unknown", metric->name);
    }
}

// What a metric with an expectation needs to be judged at all.
static void check_limit(struct tend_ruleset_reader *reader, const struct tend_metric_def *metric)
{
    const bool judged = metric->expect == TEND_EXPECT_VALUE || metric->expect == TEND_EXPECT_PEERS ||
                        metric->expect == TEND_EXPECT_LAST;
    if (metric->expect == TEND_EXPECT_LEARNED && !isnan(metric->alpha) && !isnan(metric->out_at)) {
        tend_ruleset_read_fault(reader, "metric %s has both alpha and out_at", metric->name);
    }
    if (!judged) {
        return;
    }
    if (isnan(metric->alpha) == isnan(metric->out_at)) {
        tend_ruleset_read_fault(reader, "metric %s needs one of alpha and out_at", metric->name);
    }
    if (metric->expect == TEND_EXPECT_VALUE && !isnan(metric->out_at)) {
        const double beyond = metric->out_at - metric->expect_value;
        if ((metric->bad == TEND_BAD_ABOVE && beyond <= 0) || (metric->bad == TEND_BAD_BELOW && beyond >= 0) ||
            beyond == 0) {
            tend_ruleset_read_fault(reader, "metric %s has its out_at on the good side of what is expected",
                                    metric->name);
        }
    }
}

static void read_metric(struct tend_ruleset_reader *reader, const json_t *object, struct tend_metric_def *metric)
{
    reader->at = tend_json_text(object, "at", reader->at);
    metric->name = tend_ruleset_read_name(reader, object, "name");
    metric->kind = (enum tend_metric_kind)tend_ruleset_read_word(reader, object, "kind", kind_words, 0);
    metric->quantile = tend_ruleset_read_number(reader, object, "q", 0, 1, (double)NAN);
    metric->bad = (enum tend_bad)tend_ruleset_read_word(reader, object, "bad", bad_words, TEND_BAD_ABOVE);
    metric->alpha = tend_ruleset_read_number(reader, object, "alpha", 1e-12, 1e12, (double)NAN);
    metric->out_at = tend_ruleset_read_number(reader, object, "out_at", -1e300, 1e300, (double)NAN);
    metric->floor = tend_ruleset_read_number(reader, object, "floor", 0, 1e300, 0);
    metric->unit = tend_ruleset_read_text(reader, object, "unit", "");
    metric->window_ms = tend_ruleset_read_ms(reader, object, "window_ms", 0, 0);
    metric->ahead_ms = tend_ruleset_read_ms(reader, object, "ahead_ms", 0, 0);
    metric->min_samples = (uint32_t)tend_ruleset_read_number(reader, object, "min_samples", 1, 1e6, 1);
    if (metric->kind == TEND_METRIC_QUANTILE && isnan(metric->quantile)) {
        tend_ruleset_read_fault(reader, "metric %s is a quantile without a q", metric->name);
    }
    if (reader->status == TEND_OK) {
        read_sources(reader, object, metric);
        read_expectation(reader, object, metric);
        check_limit(reader, metric);
    }
}

static int compare_metrics(const void *a, const void *b)
{
    const struct tend_metric_def *left = a;
    const struct tend_metric_def *right = b;
    return strcmp(left->name, right->name);
}

// What is learned by a load has to find it; by itself it would always be as expected.
static void find_given(struct tend_ruleset_reader *reader, const struct tend_service_def *service,
                       struct tend_metric_def *metrics)
{
    for (size_t i = 0; i < service->metric_count; i++) {
        size_t given = 0;
        while (metrics[i].given != NULL && given < service->metric_count &&
               strcmp(metrics[given].name, metrics[i].given) != 0) {
            given++;
        }
        if (metrics[i].given != NULL && (given == i || given == service->metric_count)) {
            tend_ruleset_read_fault(reader, "metric %s is learned given %s, which is no other metric of its service",
                                    metrics[i].name, metrics[i].given);
        }
        metrics[i].given_metric = given;
    }
}

static void read_metrics(struct tend_ruleset_reader *reader, const json_t *object, struct tend_service_def *service)
{
    const json_t *array = tend_ruleset_read_array(reader, object, "metrics");
    const size_t count = json_array_size(array);
    struct tend_metric_def *metrics = tend_ruleset_read_alloc(reader, count + 1, sizeof *metrics);
    for (size_t i = 0; i < count; i++) {
        if (reader->status == TEND_OK) {
            read_metric(reader, json_array_get(array, i), &metrics[i]);
        }
    }
    reader->at = service->at;
    if (reader->status != TEND_OK) {
        return;
    }
    qsort(metrics, count, sizeof *metrics, compare_metrics);
    bool has_up = false;
    for (size_t i = 0; i < count; i++) {
        has_up = has_up || (metrics[i].kind == TEND_METRIC_UP && strcmp(metrics[i].name, "up") == 0);
        if (i > 0 && strcmp(metrics[i].name, metrics[i - 1].name) == 0) {
            tend_ruleset_read_fault(reader, "metric %s is there twice", metrics[i].name);
        }
    }
    if (!has_up) {
        tend_ruleset_read_fault(reader, "service %s has no metric up", service->name);
    }
    service->metrics = metrics;
    service->metric_count = count;
    find_given(reader, service, metrics);
}

static bool has_metric(const struct tend_service_def *service, const char *name)
{
    for (size_t i = 0; i < service->metric_count; i++) {
        if (strcmp(service->metrics[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void read_bindings(struct tend_ruleset_reader *reader, const json_t *object, struct tend_service_def *service)
{
    const json_t *array = tend_ruleset_read_array(reader, object, "rules");
    const size_t count = json_array_size(array);
    struct tend_rule_binding *bindings = tend_ruleset_read_alloc(reader, count + 1, sizeof *bindings);
    for (size_t i = 0; reader->status == TEND_OK && i < count; i++) {
        const json_t *entry = json_array_get(array, i);
        struct tend_rule_binding *binding = &bindings[i];
        binding->rule = tend_ruleset_read_index(reader, entry, "rule", reader->ruleset->rule_count);
        binding->fire_after_ms = tend_ruleset_read_ms(reader, entry, "fire_after_ms", 0, 0);
        binding->clear_below = tend_ruleset_read_number(reader, entry, "clear_below", 0, 1, 1);
        binding->clear_after_ms = tend_ruleset_read_ms(reader, entry, "clear_after_ms", 0, 0);
        binding->ahead_ms = tend_ruleset_read_ms(reader, entry, "ahead_ms", 0, 0);
        binding->missing = (enum tend_missing_policy)tend_ruleset_read_word(reader, entry, "missing", policy_words, 0);
        binding->severity = tend_ruleset_read_text(reader, entry, "severity", "warn");
        binding->act = tend_ruleset_read_bool(reader, entry, "act", false);
        if (reader->status != TEND_OK) {
            break;
        }
        const char *metric = reader->ruleset->rules[binding->rule].metric;
        if (metric != NULL && !has_metric(service, metric)) {
            tend_ruleset_read_fault(reader, "rule \"%s\" is on %s, which has no metric %s",
                                    reader->ruleset->rules[binding->rule].name, service->name, metric);
        }
        for (size_t j = 0; j < i; j++) {
            if (bindings[j].rule == binding->rule) {
                tend_ruleset_read_fault(reader, "a rule holds twice for service %s", service->name);
            }
        }
    }
    service->rules = bindings;
    service->rule_count = count;
}

static void read_remedies(struct tend_ruleset_reader *reader, const json_t *object, struct tend_service_def *service)
{
    const json_t *array = tend_ruleset_read_array(reader, object, "remedies");
    const size_t count = json_array_size(array);
    uint32_t *remedies = tend_ruleset_read_alloc(reader, count + 1, sizeof *remedies);
    for (size_t i = 0; reader->status == TEND_OK && i < count; i++) {
        const json_t *value = json_array_get(array, i);
        const json_int_t number = json_is_integer(value) ? json_integer_value(value) : -1;
        if (number < 0 || (uint64_t)number >= reader->ruleset->playbook_count) {
            tend_ruleset_read_fault(reader, "a remedy of %s is no playbook", service->name);
        }
        remedies[i] = (uint32_t)number;
    }
    service->remedies = remedies;
    service->remedy_count = count;
}

static void read_records(struct tend_ruleset_reader *reader, const json_t *object, struct tend_service_def *service)
{
    size_t count = 0;
    const char **texts = tend_ruleset_read_texts(reader, object, "record", &count);
    const struct tend_selector **records =
        (const struct tend_selector **)tend_ruleset_read_alloc(reader, count + 1, sizeof *records);
    for (size_t i = 0; reader->status == TEND_OK && i < count; i++) {
        records[i] = tend_ruleset_read_selector(reader, texts[i], NULL);
    }
    service->record = records;
    service->record_count = count;
}

static void read_logs(struct tend_ruleset_reader *reader, const json_t *object, struct tend_service_def *service)
{
    const json_t *logs = json_object_get(object, "logs");
    struct tend_log_def *def = &service->logs;
    if (!json_is_object(logs)) {
        return;
    }
    def->files = tend_ruleset_read_texts(reader, logs, "files", &def->file_count);
    def->masks = tend_ruleset_read_texts(reader, logs, "mask", &def->mask_count);
    def->plain = tend_ruleset_read_bool(reader, logs, "plain", false);
    for (size_t i = 0; reader->status == TEND_OK && i < def->file_count; i++) {
        if (def->files[i][0] != '/') {
            tend_ruleset_read_fault(reader, "logs: \"%s\" does not begin with /", def->files[i]);
        }
    }
    struct tend_mask_patterns *patterns = NULL;
    struct tend_error why = { .text = "out of memory" };
    if (reader->status == TEND_OK && def->mask_count > 0 &&
        tend_mask_patterns_create((const char *const *)def->masks, def->mask_count, &patterns, &why) != TEND_OK) {
        tend_ruleset_read_fault(reader, "logs: mask: %s", why.text);
    }
    tend_mask_patterns_destroy(patterns);
}

static void read_edges(struct tend_ruleset_reader *reader, const json_t *object, struct tend_service_def *service)
{
    const json_t *array = tend_ruleset_read_array(reader, object, "edges");
    const size_t count = json_array_size(array);
    struct tend_edge_def *edges = tend_ruleset_read_alloc(reader, count + 1, sizeof *edges);
    for (size_t i = 0; reader->status == TEND_OK && i < count; i++) {
        const json_t *entry = json_array_get(array, i);
        const char *series = tend_ruleset_read_text(reader, entry, "series", "");
        edges[i].from = tend_ruleset_read_text(reader, entry, "from", NULL);
        edges[i].to = tend_ruleset_read_text(reader, entry, "to", NULL);
        edges[i].series = tend_ruleset_read_selector(reader, series, NULL);
        if (edges[i].from == NULL && edges[i].to == NULL) {
            tend_ruleset_read_fault(reader, "edges of %s name no label", service->name);
        }
    }
    service->edges = edges;
    service->edge_count = count;
}

// A service needs every limit: the engine compares with them before it acts.
static void check_limits(struct tend_ruleset_reader *reader, const struct tend_service_def *service)
{
    const struct tend_limits *limits = &service->limits;
    if (isnan(limits->at_once) || isnan(limits->share) || isnan(limits->min_healthy) || isnan(limits->per_hour) ||
        isnan(limits->attempts) || isnan(limits->confidence) || limits->cooldown_ms < 0) {
        tend_ruleset_read_fault(reader, "service %s lacks a limit", service->name);
    }
}

void tend_ruleset_read_service(struct tend_ruleset_reader *reader, const json_t *object, bool is_template,
                               struct tend_service_def *service)
{
    reader->at = tend_json_text(object, "at", "");
    service->at = tend_ruleset_read_text(reader, object, "at", "");
    service->name = is_template ? tend_ruleset_read_text(reader, object, "name", "")
                                : tend_ruleset_read_name(reader, object, "name");
    service->groups = tend_ruleset_read_texts(reader, object, "groups", &service->group_count);
    service->targets = tend_ruleset_read_texts(reader, object, "targets", &service->target_count);
    service->watched = tend_ruleset_read_bool(reader, object, "watched", true);
    service->every_ms = tend_ruleset_read_ms(reader, object, "every_ms", 100, 15000);
    service->window_ms = tend_ruleset_read_ms(reader, object, "window_ms", 100, 60000);
    service->timeout_ms = tend_ruleset_read_ms(reader, object, "timeout_ms", 10, 10000);
    service->gone_ms = tend_ruleset_read_ms(reader, object, "gone_after_ms", 0, 0);
    const char *zone = tend_ruleset_read_text(reader, object, "zone", NULL);
    if (zone != NULL) {
        (void)tend_ruleset_read_zone(reader, zone); // a misspelt one is told even while nothing asks for its time
    }
    service->awake = tend_ruleset_read_calendar(reader, object, "awake");
    service->depends = tend_ruleset_read_texts(reader, object, "depends", &service->depend_count);
    service->verbs = tend_ruleset_read_texts(reader, object, "verbs", &service->verb_count);
    service->limits = tend_ruleset_read_limits(reader, object, "limits");
    const json_t *version = json_object_get(object, "version");
    if (json_is_object(version)) {
        const char *series = tend_ruleset_read_name(reader, version, "series");
        service->version_label = tend_ruleset_read_name(reader, version, "label");
        service->version_series = series == NULL ? NULL : tend_ruleset_read_selector(reader, series, NULL);
    }
    if (reader->status != TEND_OK) {
        return;
    }
    if (service->timeout_ms > service->every_ms) {
        tend_ruleset_read_fault(reader, "service %s has a timeout longer than every", service->name);
    }
    if (is_template && service->target_count > 0) {
        tend_ruleset_read_fault(reader, "what discovery finds has targets of its own");
    }
    check_limits(reader, service);
    read_metrics(reader, object, service);
    service->keep_ms = service->window_ms;
    for (size_t i = 0; i < service->metric_count; i++) {
        const int64_t window_ms = service->metrics[i].window_ms;
        service->keep_ms = window_ms > service->keep_ms ? window_ms : service->keep_ms;
    }
    read_bindings(reader, object, service);
    read_remedies(reader, object, service);
    read_records(reader, object, service);
    read_logs(reader, object, service);
    read_edges(reader, object, service);
}
