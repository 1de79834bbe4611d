#include "driver/past/tuning_document.h"

#include "driver/past/tuning_changes.h"

#include <math.h>
#include <string.h>

static json_t *time_or_null(int64_t time_ms)
{
    return time_ms < 0 ? json_null() : json_integer(time_ms);
}

// The first alert of the rule: its limits stand for all where they are all the same.
static const struct tend_tuning_stream *any_alert(const struct tend_tuning_options *options, size_t rule)
{
    size_t count;
    const struct tend_tuning_stream *streams = tend_tuning_streams_all(options->streams, &count);
    for (size_t i = 0; i < count; i++) {
        if (streams[i].rule == rule) {
            return &streams[i];
        }
    }
    return NULL;
}

static json_t *point_of(const struct tend_tuning_rule *rule, const struct tend_tuning_stream *alert,
                        const struct tend_tuning_point *point)
{
    const bool by_alpha = rule->by_metric && !isnan(rule->alpha);
    const bool by_out_at = rule->by_metric && !isnan(rule->out_at);
    const double clear_below = rule->by_metric && point->clear > 0 ? tend_tuning_clears[point->clear] : (double)NAN;
    const int64_t clear_after_ms = !rule->by_metric && point->clear > 0 ? rule->waits_ms[point->clear] : -1;
    return json_pack("{s:f, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:f, s:f, s:I, s:I, s:o, s:o, s:I, s:o}", "factor",
                     tend_tuning_factors[point->factor], "alpha",
                     tend_json_real(by_alpha ? alert->alphas[point->factor] : (double)NAN), "out_at",
                     tend_json_real(by_out_at ? alert->out_ats[point->factor] : (double)NAN), "fire_after_ms",
                     time_or_null(rule->waits_ms[point->wait]), "clear_below", tend_json_real(clear_below),
                     "clear_after_ms", time_or_null(clear_after_ms), "alarms", (json_int_t)point->alarms,
                     "false_alarms", (json_int_t)point->false_alarms, "firing_share", point->firing_share, "mean",
                     point->forecast.mean, "low", (json_int_t)point->forecast.low, "high",
                     (json_int_t)point->forecast.high, "per_budget", tend_json_real(point->per_budget), "exceeds",
                     tend_json_real(point->exceeds), "found", (json_int_t)point->found, "delay_s",
                     tend_json_real(point->delay_s));
}

static const char *unit_of(const json_t *definitions, const struct tend_tuning_stream *alert)
{
    for (size_t i = 0; alert->metric != NULL && i < json_array_size(definitions); i++) {
        const json_t *metrics = json_object_get(json_array_get(definitions, i), "metrics");
        for (size_t m = 0; m < json_array_size(metrics); m++) {
            const json_t *metric = json_array_get(metrics, m);
            if (strcmp(tend_json_text(metric, "name", ""), alert->metric) == 0) {
                return tend_json_text(metric, "unit", "");
            }
        }
    }
    return NULL;
}

static const char *unit_in(const json_t *document, const struct tend_tuning_stream *alert)
{
    const char *unit = unit_of(json_object_get(document, "services"), alert);
    const json_t *discoveries = json_object_get(document, "discoveries");
    for (size_t i = 0; unit == NULL && i < json_array_size(discoveries); i++) {
        const json_t *discovery = json_array_get(discoveries, i);
        unit = unit_of(json_object_get(discovery, "overrides"), alert);
        if (unit == NULL) {
            json_t *list = json_pack("[O]", json_object_get(discovery, "template"));
            unit = unit_of(list, alert); // borrowed from the document, which outlives the list
            json_decref(list);
        }
    }
    return unit == NULL ? "" : unit;
}

static json_t *rule_of(const struct tend_tuning_options *options, const struct tend_tuning_rule *rule,
                       const json_t *document)
{
    static const char *const advices[] = { "none", "keep", "change", "nearest" };
    const struct tend_tuning_stream *alert = any_alert(options, rule->rule);
    const json_t *declared = json_array_get(json_object_get(document, "rules"), rule->rule);
    json_t *points = json_array();
    for (size_t i = 0; i < rule->point_count; i++) {
        (void)json_array_append_new(points, point_of(rule, alert, &rule->points[i]));
    }
    json_t *made = json_pack(
        "{s:s, s:s, s:s?, s:I, s:f, s:f, s:o, s:o, s:s, s:o, s:o, s:o, s:s, s:b, s:b, s:b, s:o, s:I, s:I, s:s, s:o, "
        "s:n}",
        "rule", tend_json_text(declared, "name", ""), "at", tend_json_text(declared, "at", ""), "metric", alert->metric,
        "alerts", (json_int_t)rule->alerts, "observed_s", rule->observed_s, "dispersion", rule->dispersion, "alpha",
        tend_json_real(rule->alpha), "out_at", tend_json_real(rule->out_at), "unit", unit_in(document, alert),
        "fire_after_ms", time_or_null(rule->fire_after_ms), "clear_below", tend_json_real(rule->clear_below),
        "clear_after_ms", time_or_null(rule->clear_after_ms), "varies", rule->by_metric ? "limit" : "times", "shared",
        rule->shares, "approximate", rule->approximate, "unexplained", rule->unexplained, "points", points, "now",
        (json_int_t)rule->now, "suggested", (json_int_t)rule->suggested, "advice", advices[rule->advice], "changes",
        tend_tuning_changes(options, rule, document), "confirmed");
    (void)json_object_set_new(made, "noisiest",
                              rule->noisiest == NULL ? json_null()
                                                     : json_pack("{s:s, s:I}", "service", rule->noisiest, "alarms",
                                                                 (json_int_t)rule->noisiest_alarms));
    return made;
}

json_t *tend_tuning_document(const struct tend_tuning_options *options, const struct tend_tuning *tuning,
                             const json_t *document)
{
    const json_t *report = options->report;
    json_t *rules = json_array();
    for (size_t i = 0; i < tuning->count; i++) {
        (void)json_array_append_new(rules, rule_of(options, &tuning->rules[i], document));
    }
    const struct tend_tuning_budget *budget = &options->budget;
    return json_pack(
        "{s:O, s:O, s:I, s:o, s:I, s:I, s:I, s:O, s:O, s:o}", "from_ms", json_object_get(report, "from_ms"), "until_ms",
        json_object_get(report, "until_ms"), "period_ms", (json_int_t)options->period_ms, "budget",
        budget->within_ms == 0
            ? json_null()
            : json_pack("{s:f, s:I}", "alarms", budget->alarms, "within_ms", (json_int_t)budget->within_ms),
        "marks", (json_int_t)json_array_size(options->labels), "incidents",
        (json_int_t)json_array_size(json_object_get(report, "incidents")), "pages",
        (json_int_t)json_array_size(json_object_get(report, "pages")), "missing", json_object_get(report, "missing"),
        "learned", json_object_get(report, "learned"), "rules", rules);
}
