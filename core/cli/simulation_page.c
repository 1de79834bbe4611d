#include "cli/simulation_page.h"

#include "cli/alert_table.h"
#include "cli/chart_choice.h"
#include "cli/html_page.h"
#include "cli/html_text.h"
#include "cli/incident_section.h"
#include "cli/learned_text.h"
#include "cli/simulation_page_assets.h"
#include "cli/sums_section.h"
#include "cli/svg_axis.h"
#include "cli/svg_chart.h"
#include "cli/svg_timeline.h"
#include "parse/duration.h"
#include "parse/quantity.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OUT_CHARTS_MAX = 36,   // of metrics that were out of line
    QUIET_CHARTS_MAX = 24, // of those that were not
    INCIDENTS_MAX = 50,
    MISSING_MAX = 200,
};

static int64_t begin_of(const json_t *document)
{
    return tend_json_integer(document, "from_ms", 0);
}

static int64_t end_of(const json_t *document)
{
    return tend_json_integer(document, "until_ms", 0);
}

// ---- the frame ----

static void put_top(struct tend_buffer *out, const char *title)
{
    tend_html_page_begin(out, title, tend_simulation_page_js);
    tend_buffer_put_text(out, "<svg class=\"figures\" aria-hidden=\"true\"><defs>"
                              "<pattern id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
                              "patternTransform=\"rotate(45)\"><path class=\"hatch\" d=\"M0 0V6\"/></pattern>"
                              "<pattern id=\"dots\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">"
                              "<circle class=\"dots\" cx=\"3\" cy=\"3\" r=\"1\"/></pattern>"
                              "</defs></svg>\n");
}

static void put_link(struct tend_buffer *out, const char *id, const char *text, size_t count)
{
    if (count > 0) {
        tend_buffer_printf(out, "<a href=\"#%s\">%s</a>", id, text);
    }
}

static void put_head(struct tend_buffer *out, const json_t *document)
{
    const json_t *source = json_object_get(document, "source");
    char from[TEND_AXIS_TIME_TEXT_BYTES];
    char until[TEND_AXIS_TIME_TEXT_BYTES];
    char span[TEND_DURATION_TEXT_BYTES];
    tend_buffer_put_text(out, "<header>");
    tend_html_element(out, "h1", NULL, tend_json_text(document, "title", "simulation"));
    tend_buffer_put_text(out, "<p class=\"where\"><span>");
    tend_html_printf(out, "%s ", tend_json_text(source, "kind", ""));
    tend_html_put(out, tend_json_text(source, "text", ""));
    tend_buffer_printf(out, "</span> <span>%s to %s UTC</span> <span>%s</span></p>\n",
                       tend_axis_moment_text(begin_of(document), from), tend_axis_moment_text(end_of(document), until),
                       tend_duration_format((end_of(document) - begin_of(document)) / 1000 * 1000, span));
    tend_buffer_put_text(out, "<nav>");
    put_link(out, "timeline", "Timeline", 1);
    put_link(out, "expectations", "Expectations", json_array_size(json_object_get(document, "expectations")));
    put_link(out, "what-if", "What if", json_array_size(json_object_get(document, "what_if")));
    put_link(out, "incidents", "Incidents", json_array_size(json_object_get(document, "incidents")));
    put_link(out, "metrics", "Metrics", json_array_size(json_object_get(document, "metrics")));
    put_link(out, "warm-up", "Warm-up", tend_learned_text_any(document));
    put_link(out, "missing", "Missing series", json_array_size(json_object_get(document, "missing")));
    tend_buffer_put_text(out, "</nav></header>\n<main>\n");
}

static void put_foot(struct tend_buffer *out, const json_t *document)
{
    const json_t *sums = json_object_get(document, "sums");
    tend_buffer_put_text(out, "</main>\n<footer>");
    tend_html_printf(out, "tend %s · rules %.12s · %lld samples in %lld ticks · %.1f CPU seconds",
                     tend_json_text(document, "tend", ""), tend_json_text(document, "generation", ""),
                     (long long)tend_json_integer(sums, "samples", 0), (long long)tend_json_integer(sums, "ticks", 0),
                     tend_json_number(sums, "cpu_s", 0.0));
    tend_buffer_put_text(out, "</footer>\n<script>");
    tend_buffer_put_text(out, tend_simulation_page_js);
    tend_buffer_put_text(out, "</script>\n</body>\n</html>\n");
}

// ---- what the author expected, and what else could have been done ----

static void put_expectations(struct tend_buffer *out, const json_t *document)
{
    const json_t *expectations = json_object_get(document, "expectations");
    if (json_array_size(expectations) == 0) {
        return;
    }
    tend_buffer_put_text(out, "<h2 id=\"expectations\">Expectations</h2><ul class=\"card expectations\">");
    for (int held = 0; held <= 1; held++) { // those that do not hold come first
        for (size_t i = 0; i < json_array_size(expectations); i++) {
            const json_t *expectation = json_array_get(expectations, i);
            if ((int)tend_json_bool(expectation, "held", false) == held) {
                tend_buffer_printf(out, "<li><span class=\"badge %s\">%s</span>", held ? "good" : "bad",
                                   held ? "holds" : "does not hold");
                tend_html_element(out, "span", NULL, tend_json_text(expectation, "text", ""));
                tend_buffer_put_text(out, "</li>");
            }
        }
    }
    tend_buffer_put_text(out, "</ul>\n");
}

static void put_rules_off(struct tend_buffer *out, const json_t *document)
{
    const json_t *rules = json_object_get(document, "rules_off");
    if (json_array_size(rules) == 0) {
        return;
    }
    tend_buffer_put_text(out, "<h2 id=\"rules-off\">Rules that were switched off</h2><ul class=\"card expectations\">");
    for (size_t i = 0; i < json_array_size(rules); i++) {
        const json_t *rule = json_array_get(rules, i);
        char clock[TEND_AXIS_TIME_TEXT_BYTES];
        tend_buffer_printf(out, "<li><time>%s</time><span>",
                           tend_axis_clock_text(tend_json_integer(rule, "at_ms", 0), clock));
        tend_html_element(out, "b", NULL, tend_json_text(rule, "rule", ""));
        tend_buffer_put_text(out, ": ");
        tend_html_put(out, tend_json_text(rule, "text", ""));
        tend_buffer_put_text(out, "</span></li>");
    }
    tend_buffer_put_text(out, "</ul>\n");
}

static double most_errors(const json_t *courses)
{
    double most = 0.0;
    for (size_t i = 0; i < json_array_size(courses); i++) {
        most = fmax(most, tend_json_number(json_array_get(courses, i), "errors", 0.0));
    }
    return most;
}

static void put_course(struct tend_buffer *out, const json_t *course, double most)
{
    const double errors = fmax(tend_json_number(course, "errors", 0.0), 0.0);
    const double recovered_s = tend_json_number(course, "recovered_s", (double)NAN);
    const json_t *story = json_object_get(course, "story");
    char text[TEND_QUANTITY_TEXT_BYTES];
    tend_buffer_put_text(out, "<tr><td>");
    tend_html_element(out, "b", NULL, tend_json_text(course, "name", ""));
    if (json_array_size(story) > 0) {
        tend_buffer_put_text(out, "<details><summary>what happens</summary><p class=\"story\">");
        for (size_t i = 0; i < json_array_size(story); i++) {
            tend_html_put(out, json_string_value(json_array_get(story, i)));
            tend_buffer_put_text(out, "\n");
        }
        tend_buffer_put_text(out, "</p></details>");
    }
    const char *outcome = tend_json_text(course, "outcome", "");
    tend_buffer_printf(out, "</td><td><span class=\"badge %s\">", isnan(recovered_s) ? "bad" : "good");
    tend_html_put(out, outcome);
    tend_buffer_printf(out, "</span></td><td class=\"n\">%s</td>",
                       isnan(recovered_s) ? "never" : tend_axis_lasted_text(llround(recovered_s * 1000.0), text));
    tend_buffer_printf(out,
                       "<td class=\"n\">%.0f</td><td class=\"share\"><svg viewBox=\"0 0 100 8\" "
                       "preserveAspectRatio=\"none\" height=\"8\"><rect class=\"all\" width=\"100\" height=\"8\"/>"
                       "<rect width=\"%.1f\" height=\"8\"/></svg></td><td class=\"n\">%lld</td></tr>\n",
                       errors, most > 0.0 ? errors / most * 100.0 : 0.0,
                       (long long)tend_json_integer(course, "acts", 0));
}

static void put_what_if(struct tend_buffer *out, const json_t *document)
{
    const json_t *courses = json_object_get(document, "what_if");
    if (json_array_size(courses) == 0) {
        return;
    }
    tend_buffer_put_text(out, "<h2 id=\"what-if\">What if <small>the same incident, met otherwise</small></h2>"
                              "<div class=\"card scroll\"><table><thead><tr><th>Course</th><th>Outcome</th>"
                              "<th class=\"n\">Recovered after</th><th class=\"n\">Errors served</th><th></th>"
                              "<th class=\"n\">Acts</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < json_array_size(courses); i++) {
        put_course(out, json_array_get(courses, i), most_errors(courses));
    }
    tend_buffer_put_text(out,
                         "</tbody></table><p class=\"note\">Errors served: requests from outside that got an error or "
                         "no answer, until all was calm again, or for half an hour and what rules and playbooks "
                         "wait for.</p></div>\n");
}

// ---- what happened ----

static void put_timeline(struct tend_buffer *out, const json_t *document)
{
    tend_buffer_put_text(out, "<h2 id=\"timeline\">Timeline</h2><div class=\"card\">");
    tend_svg_timeline(out, document, begin_of(document), end_of(document), NULL);
    tend_alert_table(out, document);
    tend_buffer_put_text(out, "</div>\n");
}

static void put_incidents(struct tend_buffer *out, const json_t *document)
{
    const size_t count = json_array_size(json_object_get(document, "incidents"));
    if (count == 0) {
        return;
    }
    tend_buffer_put_text(out, "<h2 id=\"incidents\">Incidents</h2>\n");
    for (size_t i = 0; i < count && i < INCIDENTS_MAX; i++) {
        tend_incident_section(out, document, i);
    }
    if (count > INCIDENTS_MAX) {
        tend_buffer_printf(out, "<p class=\"quiet\">%zu incidents more are on the timeline only.</p>\n",
                           count - INCIDENTS_MAX);
    }
}

static void put_legend(struct tend_buffer *out)
{
    tend_buffer_put_text(
        out, "<div class=\"legend\">"
             "<span><svg viewBox=\"0 0 26 12\"><path class=\"p\" d=\"M2 8 8 5 14 7 24 3\"/></svg>measured (P)</span>"
             "<span><svg viewBox=\"0 0 26 12\"><path class=\"e\" d=\"M1 6H25\"/></svg>expected (E)</span>"
             "<span><svg viewBox=\"0 0 26 12\"><rect class=\"band\" width=\"26\" height=\"12\"/>"
             "<path class=\"limit\" d=\"M0 1H26M0 11H26\"/></svg>in line</span>"
             "<span><svg viewBox=\"0 0 26 12\"><rect class=\"out\" width=\"26\" height=\"12\"/></svg>out of line</span>"
             "<span><svg viewBox=\"0 0 26 12\"><rect class=\"gap\" width=\"26\" height=\"12\"/></svg>no data</span>"
             "<span><svg viewBox=\"0 0 26 12\"><rect class=\"warm\" width=\"26\" height=\"12\"/></svg>warming up"
             "</span>"
             "<span class=\"alert-mark\"><svg viewBox=\"0 0 26 12\"><path d=\"M8 2h10l-5 8z\"/></svg>alert fired</span>"
             "<span class=\"step-mark\"><svg viewBox=\"0 0 26 12\"><path d=\"M13 1l5 5-5 5-5-5z\"/></svg>step</span>"
             "</div>\n");
}

// Charts of those that were out of line, or of the others; at most @p most.
static void put_charts(struct tend_buffer *out, const json_t *document, const struct tend_chosen_metric *chosen,
                       size_t count, bool telling, size_t most)
{
    size_t left_out = 0;
    size_t shown = 0;
    tend_buffer_put_text(out, "<div class=\"charts\">\n");
    for (size_t i = 0; i < count; i++) {
        if (chosen[i].telling != telling) {
            continue;
        }
        if (shown++ >= most) {
            left_out++;
            continue;
        }
        tend_svg_chart(out, &(struct tend_chart){ .metric = chosen[i].metric,
                                                  .document = document,
                                                  .from_ms = begin_of(document),
                                                  .until_ms = end_of(document) });
    }
    tend_buffer_put_text(out, "</div>\n");
    if (left_out > 0) {
        tend_buffer_printf(out, "<p class=\"quiet\">%zu charts more were left out.</p>\n", left_out);
    }
}

static void put_metrics(struct tend_buffer *out, const json_t *document)
{
    size_t count;
    struct tend_chosen_metric *chosen = tend_chart_choice(document, begin_of(document), end_of(document), NULL, &count);
    if (chosen == NULL) {
        out->failed = true;
        return;
    }
    size_t telling = 0;
    for (size_t i = 0; i < count; i++) {
        telling += chosen[i].telling;
    }
    if (count > 0) {
        tend_buffer_printf(out, "<h2 id=\"metrics\">Metrics <small>%zu to look at, %zu in line</small></h2>\n", telling,
                           count - telling);
        put_legend(out);
    }
    if (telling > 0) {
        put_charts(out, document, chosen, count, true, OUT_CHARTS_MAX);
    }
    if (count > telling) {
        tend_buffer_printf(out, "<details%s><summary>Metrics that stayed in line</summary>\n",
                           telling == 0 ? " open" : "");
        put_charts(out, document, chosen, count, false, QUIET_CHARTS_MAX);
        tend_buffer_put_text(out, "</details>\n");
    }
    free(chosen);
}

static void put_warm_up(struct tend_buffer *out, const json_t *document)
{
    if (!tend_learned_text_any(document)) {
        return;
    }
    struct tend_buffer lines;
    tend_buffer_init(&lines);
    tend_learned_text_put(document, "", &lines);
    tend_buffer_put_text(out, "<h2 id=\"warm-up\">Warm-up <small>of metrics that learn what to expect of them"
                              "</small></h2><ul class=\"card missing\">");
    char *rest = NULL;
    for (char *line = lines.failed ? NULL : strtok_r(lines.data, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        tend_html_element(out, "li", NULL, line);
    }
    tend_buffer_put_text(out, "</ul>\n");
    tend_buffer_clear(&lines);
}

static void put_missing(struct tend_buffer *out, const json_t *document)
{
    const json_t *missing = json_object_get(document, "missing");
    const size_t count = json_array_size(missing);
    if (count == 0) {
        return;
    }
    tend_buffer_put_text(out, "<h2 id=\"missing\">Missing series <small>selected by the rules, and not in the "
                              "source</small></h2><ul class=\"card missing\">");
    for (size_t i = 0; i < count && i < MISSING_MAX; i++) {
        tend_html_element(out, "li", NULL, json_string_value(json_array_get(missing, i)));
    }
    tend_buffer_put_text(out, "</ul>\n");
    if (count > MISSING_MAX) {
        tend_buffer_printf(out, "<p class=\"quiet\">%zu series more.</p>\n", count - MISSING_MAX);
    }
}

void tend_simulation_page_render(const json_t *document, struct tend_buffer *out)
{
    put_top(out, tend_json_text(document, "title", "simulation"));
    put_head(out, document);
    tend_sums_section(out, document);
    put_timeline(out, document);
    put_expectations(out, document);
    put_rules_off(out, document);
    put_what_if(out, document);
    put_incidents(out, document);
    put_metrics(out, document);
    put_warm_up(out, document);
    put_missing(out, document);
    put_foot(out, document);
}

enum tend_status tend_simulation_page_write(const json_t *document, const char *path, struct tend_error *error)
{
    struct tend_buffer page;
    tend_buffer_init(&page);
    tend_simulation_page_render(document, &page);
    const enum tend_status status = tend_html_page_write(&page, path, error);
    tend_buffer_clear(&page);
    return status;
}
