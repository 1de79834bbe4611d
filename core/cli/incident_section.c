#include "cli/incident_section.h"

#include "cli/chart_choice.h"
#include "cli/html_text.h"
#include "cli/svg_axis.h"
#include "cli/svg_chart.h"
#include "cli/svg_timeline.h"
#include "parse/quantity.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHARTS_MAX = 6,
    MARGIN_MS = 60 * 1000,
    CULPRITS_MAX = 6,
    DECISIONS_MAX = 40,
};

static const double small_part = 0.6; // of the whole time, up to which an incident is shown enlarged

static void put_clock(struct tend_buffer *out, int64_t at_ms)
{
    char clock[TEND_AXIS_TIME_TEXT_BYTES];
    tend_buffer_printf(out, "<time>%s</time>", tend_axis_clock_text(at_ms, clock));
}

static void put_lasted(struct tend_buffer *out, int64_t lasted_ms)
{
    char text[TEND_QUANTITY_TEXT_BYTES];
    tend_buffer_put_text(out, tend_axis_lasted_text(lasted_ms, text));
}

static const char *outcome_class(const char *outcome)
{
    if (strcmp(outcome, "recovered") == 0 || strcmp(outcome, "done") == 0) {
        return "good";
    }
    return outcome[0] == '\0' || strcmp(outcome, "resolved by itself") == 0 ? "" : "bad";
}

static void put_badge(struct tend_buffer *out, const char *class, const char *text)
{
    tend_buffer_printf(out, "<span class=\"badge %s\">", class);
    tend_html_put(out, text);
    tend_buffer_put_text(out, "</span>");
}

// Which real incident it tells of, where such were given.
static void put_label(struct tend_buffer *out, const json_t *document, const json_t *incident)
{
    const json_t *labels = json_object_get(document, "labels");
    const json_t *index = json_object_get(incident, "label");
    if (json_array_size(labels) == 0) {
        return;
    }
    if (!json_is_integer(index)) {
        put_badge(out, "bad", "false alarm");
        return;
    }
    const json_t *label = json_array_get(labels, (size_t)json_integer_value(index));
    put_badge(out, "", tend_json_text(label, "what", ""));
}

static void put_head(struct tend_buffer *out, const json_t *document, const json_t *incident)
{
    const json_t *first = json_array_get(json_object_get(incident, "culprits"), 0);
    const char *outcome = tend_json_text(incident, "outcome", "");
    const int64_t opened_ms = tend_json_integer(incident, "opened_ms", 0);
    const int64_t ended_ms = tend_json_integer(incident, "ended_ms", -1);
    tend_buffer_put_text(out, "<header><h3>");
    tend_html_put(out, tend_json_text(first, "service", "no culprit"));
    tend_buffer_put_text(out, "</h3>");
    put_badge(out, outcome_class(outcome), outcome[0] == '\0' ? "open" : outcome);
    put_badge(out, "", tend_json_text(incident, "severity", ""));
    put_label(out, document, incident);
    tend_buffer_put_text(out, "<span class=\"when\">");
    char moment[TEND_AXIS_TIME_TEXT_BYTES];
    tend_html_element(out, "time", NULL, tend_axis_moment_text(opened_ms, moment));
    if (ended_ms >= 0) {
        tend_buffer_put_text(out, " – ");
        put_clock(out, ended_ms);
        tend_buffer_put_text(out, ", ");
        put_lasted(out, ended_ms - opened_ms);
    } else {
        tend_buffer_put_text(out, ", not over");
    }
    tend_buffer_put_text(out, "</span>");
    tend_html_element(out, "code", "id", tend_json_text(incident, "id", ""));
    tend_buffer_put_text(out, "</header>\n");
}

static void put_culprit(struct tend_buffer *out, const json_t *culprit)
{
    const double confidence = fmin(fmax(tend_json_number(culprit, "confidence", 0.0), 0.0), 1.0);
    tend_buffer_put_text(out, "<li>");
    tend_html_element(out, "b", NULL, tend_json_text(culprit, "service", ""));
    tend_buffer_printf(out,
                       "<svg class=\"bar\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\"><rect class=\"all\" "
                       "width=\"100\" height=\"8\"/><rect width=\"%.1f\" height=\"8\"/></svg><span>%.0f %%</span>",
                       confidence * 100, confidence * 100);
    const json_t *reasons = json_object_get(culprit, "reasons");
    tend_buffer_put_text(out, "<ul>");
    for (size_t i = 0; i < json_array_size(reasons); i++) {
        tend_html_element(out, "li", NULL, json_string_value(json_array_get(reasons, i)));
    }
    tend_buffer_put_text(out, "</ul></li>\n");
}

static void put_culprits(struct tend_buffer *out, const json_t *incident)
{
    const json_t *culprits = json_object_get(incident, "culprits");
    tend_buffer_put_text(out, "<section><h4>Who, and why</h4>");
    if (json_array_size(culprits) == 0) {
        tend_html_element(out, "p", "quiet", "No service was named as the culprit.");
    } else {
        tend_buffer_put_text(out, "<ol class=\"culprits\">");
        for (size_t i = 0; i < json_array_size(culprits) && i < CULPRITS_MAX; i++) {
            put_culprit(out, json_array_get(culprits, i));
        }
        tend_buffer_put_text(out, "</ol>");
    }
    const json_t *services = json_object_get(incident, "services");
    if (json_array_size(services) > 1) {
        tend_buffer_put_text(out, "<p class=\"felt\">Services in it: ");
        for (size_t i = 0; i < json_array_size(services); i++) {
            tend_buffer_put_text(out, i == 0 ? "" : ", ");
            tend_html_put(out, json_string_value(json_array_get(services, i)));
        }
        tend_buffer_put_text(out, "</p>");
    }
    tend_buffer_put_text(out, "</section>\n");
}

static void put_decisions(struct tend_buffer *out, const json_t *incident)
{
    const json_t *decisions = json_object_get(incident, "decisions");
    const size_t count = json_array_size(decisions);
    tend_buffer_put_text(out, "<section><h4>Decisions</h4>");
    if (count == 0) {
        tend_html_element(out, "p", "quiet", "None.");
    }
    tend_buffer_put_text(out, "<ol class=\"log\">");
    for (size_t i = 0; i < count && i < DECISIONS_MAX; i++) {
        const json_t *decision = json_array_get(decisions, i);
        const char *playbook = tend_json_text(decision, "playbook", "");
        const char *text = tend_json_text(decision, "text", "");
        tend_buffer_put_text(out, "<li>");
        put_clock(out, tend_json_integer(decision, "at_ms", 0));
        put_badge(out, "", tend_json_text(decision, "what", ""));
        tend_buffer_put_text(out, "<div>");
        tend_html_element(out, "b", NULL, tend_json_text(decision, "service", ""));
        tend_html_printf(out, "%s%s%s%s", playbook[0] == '\0' ? "" : " “", playbook, playbook[0] == '\0' ? "" : "”",
                         text[0] == '\0' ? "" : ": ");
        tend_html_put(out, text[0] == '\0' ? tend_json_text(decision, "reason", "") : text);
        tend_buffer_put_text(out, "</div></li>");
    }
    tend_buffer_put_text(out, "</ol>");
    if (count > DECISIONS_MAX) {
        tend_buffer_printf(out, "<p class=\"quiet\">%zu decisions more.</p>", count - DECISIONS_MAX);
    }
    tend_buffer_put_text(out, "</section>\n");
}

static void put_step(struct tend_buffer *out, const json_t *run, const json_t *step)
{
    const int64_t at_ms = tend_json_integer(step, "at_ms", 0);
    const int64_t ended_ms = tend_json_integer(step, "ended_ms", -1);
    const char *outcome = tend_json_text(step, "outcome", "");
    const char *instance = tend_json_text(step, "instance", "");
    const char *text = tend_json_text(step, "text", "");
    tend_buffer_put_text(out, "<li>");
    put_clock(out, at_ms);
    put_badge(out, outcome_class(outcome), outcome[0] == '\0' ? "open" : outcome);
    tend_buffer_put_text(out, "<div>");
    const char *verb = tend_json_text(step, "verb", "");
    const bool tells_verb = verb[0] != '\0' && strncmp(text, verb, strlen(verb)) == 0;
    tend_html_element(out, "b", NULL, verb);
    if (tells_verb) {
        tend_html_put(out, text + strlen(verb));
    } else {
        tend_html_printf(out, " %s", instance[0] == '\0' ? tend_json_text(run, "service", "") : instance);
    }
    if (ended_ms >= at_ms) {
        tend_buffer_put_text(out, " <span class=\"took\">");
        put_lasted(out, ended_ms - at_ms);
        tend_buffer_put_text(out, "</span>");
    }
    if (text[0] != '\0' && !tells_verb) {
        tend_html_element(out, "div", "detail", text);
    }
    tend_buffer_put_text(out, "</div></li>");
}

static void put_run(struct tend_buffer *out, const json_t *run)
{
    const char *outcome = tend_json_text(run, "outcome", "");
    const int64_t began_ms = tend_json_integer(run, "began_ms", 0);
    const int64_t ended_ms = tend_json_integer(run, "ended_ms", -1);
    tend_buffer_put_text(out, "<p class=\"run\">");
    put_clock(out, began_ms);
    put_badge(out, outcome_class(outcome), outcome[0] == '\0' ? "open" : outcome);
    tend_buffer_put_text(out, "<span>");
    tend_html_element(out, "b", NULL, tend_json_text(run, "playbook", ""));
    tend_html_printf(out, " on %s%s", tend_json_text(run, "service", ""),
                     tend_json_bool(run, "dry", false) ? ", dry: it is not armed" : "");
    if (ended_ms >= began_ms) {
        tend_buffer_put_text(out, " <span class=\"took\">");
        put_lasted(out, ended_ms - began_ms);
        tend_buffer_put_text(out, "</span>");
    }
    tend_buffer_put_text(out, "</span></p><ol class=\"log\">");
    const json_t *steps = json_object_get(run, "steps");
    for (size_t i = 0; i < json_array_size(steps); i++) {
        put_step(out, run, json_array_get(steps, i));
    }
    tend_buffer_put_text(out, "</ol>");
}

static void put_runs(struct tend_buffer *out, const json_t *incident)
{
    const json_t *runs = json_object_get(incident, "runs");
    tend_buffer_put_text(out, "<section><h4>Runs and their steps</h4>");
    if (json_array_size(runs) == 0) {
        tend_html_element(out, "p", "quiet", "No playbook was run.");
    }
    for (size_t i = 0; i < json_array_size(runs); i++) {
        put_run(out, json_array_get(runs, i));
    }
    tend_buffer_put_text(out, "</section>\n");
}

// The incident enlarged, when the whole time is too long to see it in.
static void put_enlarged(struct tend_buffer *out, const json_t *document, const json_t *incident)
{
    const int64_t begin_ms = tend_json_integer(document, "from_ms", 0);
    const int64_t end_ms = tend_json_integer(document, "until_ms", 0);
    const int64_t opened_ms = tend_json_integer(incident, "opened_ms", begin_ms);
    const int64_t ended_ms = tend_json_integer(incident, "ended_ms", end_ms);
    const int64_t margin_ms = (ended_ms - opened_ms) / 4 > MARGIN_MS ? (ended_ms - opened_ms) / 4 : MARGIN_MS;
    const int64_t from_ms = opened_ms - margin_ms > begin_ms ? opened_ms - margin_ms : begin_ms;
    const int64_t until_ms = ended_ms + margin_ms < end_ms ? ended_ms + margin_ms : end_ms;
    if ((double)(until_ms - from_ms) > small_part * (double)(end_ms - begin_ms)) {
        return;
    }
    tend_svg_timeline(out, document, from_ms, until_ms, tend_json_text(incident, "id", ""));
    size_t count;
    struct tend_chosen_metric *chosen =
        tend_chart_choice(document, from_ms, until_ms, json_object_get(incident, "services"), &count);
    tend_buffer_put_text(out, "<div class=\"charts\">");
    for (size_t i = 0; i < count && i < CHARTS_MAX && chosen[i].telling; i++) {
        tend_svg_chart(
            out, &(struct tend_chart){
                     .metric = chosen[i].metric, .document = document, .from_ms = from_ms, .until_ms = until_ms });
    }
    tend_buffer_put_text(out, "</div>\n");
    out->failed = out->failed || chosen == NULL;
    free(chosen);
}

void tend_incident_section(struct tend_buffer *out, const json_t *document, size_t index)
{
    const json_t *incident = json_array_get(json_object_get(document, "incidents"), index);
    tend_buffer_printf(out, "<article class=\"card incident\" id=\"incident-%zu\">", index + 1);
    put_head(out, document, incident);
    tend_buffer_put_text(out, "<div class=\"columns\">");
    put_culprits(out, incident);
    tend_buffer_put_text(out, "<div>");
    put_decisions(out, incident);
    put_runs(out, incident);
    tend_buffer_put_text(out, "</div></div>");
    put_enlarged(out, document, incident);
    tend_buffer_put_text(out, "</article>\n");
}
