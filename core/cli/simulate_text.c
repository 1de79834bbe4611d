#include "cli/simulate_text.h"

#include "cli/learned_text.h"
#include "cli/terminal.h"
#include "cli/text_table.h"

#include <math.h>
#include <string.h>

enum { ALERTS_SHOWN = 40, INCIDENTS_SHOWN = 20, REASONS_SHOWN = 3, LINES_SHOWN = 20 };

static int64_t time_of(const json_t *object, const char *key)
{
    return tend_json_integer(object, key, -1);
}

static void put_lasted(const json_t *object, const char *from, const char *until, struct tend_buffer *out)
{
    const int64_t from_ms = time_of(object, from);
    const int64_t until_ms = time_of(object, until);
    if (until_ms < 0) {
        tend_buffer_put_text(out, "to the end");
    } else {
        tend_terminal_put_span(out, (double)(until_ms - from_ms) / 1000.0);
    }
}

static void put_more(size_t count, size_t shown, struct tend_buffer *out)
{
    if (count > shown) {
        tend_buffer_printf(out, "  … and %zu more; --json has all\n", count - shown);
    }
}

static void put_head(const json_t *report, struct tend_buffer *out)
{
    const json_t *source = json_object_get(report, "source");
    const json_t *sums = json_object_get(report, "sums");
    tend_terminal_put_member(out, report, "title", "");
    tend_buffer_put_text(out, "\n  ");
    tend_terminal_put_member(out, source, "kind", "");
    tend_buffer_put_text(out, " ");
    tend_terminal_put_member(out, source, "text", "");
    tend_buffer_put_text(out, "\n  ");
    tend_terminal_put_time(out, time_of(report, "from_ms"));
    tend_buffer_put_text(out, " to ");
    tend_terminal_put_time(out, time_of(report, "until_ms"));
    tend_buffer_printf(
        out, ", %zu services, %lld samples, %lld ticks\n", json_array_size(json_object_get(report, "services")),
        (long long)tend_json_integer(sums, "samples", 0), (long long)tend_json_integer(sums, "ticks", 0));
}

static void put_alerts(const json_t *report, struct tend_buffer *out)
{
    const json_t *alerts = json_object_get(report, "alerts");
    const size_t count = json_array_size(alerts);
    if (count == 0) {
        tend_buffer_put_text(out, "\nno alerts\n");
        return;
    }
    static const char *const heads[] = { "FIRED", "LASTED", "SEVERITY", "RULE", "SUMMARY" };
    struct tend_text_table table;
    tend_text_table_init(&table, "lrlll");
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        tend_text_table_put(&table, heads[i]);
    }
    for (size_t i = 0; i < count && i < ALERTS_SHOWN; i++) {
        const json_t *alert = json_array_get(alerts, i);
        tend_terminal_put_time(tend_text_table_cell(&table), time_of(alert, "fired_ms"));
        put_lasted(alert, "fired_ms", "resolved_ms", tend_text_table_cell(&table));
        tend_terminal_put_member(tend_text_table_cell(&table), alert, "severity", "-");
        tend_terminal_put_member(tend_text_table_cell(&table), alert, "rule", "-");
        tend_terminal_put_member(tend_text_table_cell(&table), alert, "summary", "-");
    }
    tend_buffer_printf(out, "\n%zu %s\n", count, count == 1 ? "alert" : "alerts");
    tend_text_table_format(&table, "  ", 1, out);
    tend_text_table_clear(&table);
    put_more(count, ALERTS_SHOWN, out);
}

static void put_culprits(const json_t *incident, struct tend_buffer *out)
{
    const json_t *culprits = json_object_get(incident, "culprits");
    size_t i = 0;
    const json_t *culprit = NULL;
    json_array_foreach(culprits, i, culprit)
    {
        tend_buffer_put_text(out, "    at fault: ");
        tend_terminal_put_member(out, culprit, "service", "?");
        const double confidence = tend_json_number(culprit, "confidence", (double)NAN);
        if (!isnan(confidence)) {
            tend_buffer_printf(out, " (confidence %.2f)", confidence);
        }
        tend_buffer_put_text(out, "\n");
        const json_t *reasons = json_object_get(culprit, "reasons");
        for (size_t r = 0; r < json_array_size(reasons) && r < REASONS_SHOWN; r++) {
            tend_buffer_put_text(out, "      ");
            tend_terminal_put(out, json_string_value(json_array_get(reasons, r)));
            tend_buffer_put_text(out, "\n");
        }
    }
}

static void put_decisions(const json_t *incident, struct tend_buffer *out)
{
    size_t i = 0;
    const json_t *decision = NULL;
    json_array_foreach(json_object_get(incident, "decisions"), i, decision)
    {
        if (i == LINES_SHOWN) {
            put_more(json_array_size(json_object_get(incident, "decisions")), LINES_SHOWN, out);
            return;
        }
        tend_buffer_put_text(out, "    ");
        tend_terminal_put_time(out, time_of(decision, "at_ms"));
        tend_buffer_put_text(out, "  ");
        tend_terminal_put_member(out, decision, "what", "");
        tend_buffer_put_text(out, " ");
        tend_terminal_put_member(out, decision, "service", "");
        tend_buffer_put_text(out, ": ");
        tend_terminal_put_member(out, decision, "text", "");
        tend_buffer_put_text(out, "\n");
    }
}

static void put_runs(const json_t *incident, struct tend_buffer *out)
{
    size_t i = 0;
    const json_t *run = NULL;
    json_array_foreach(json_object_get(incident, "runs"), i, run)
    {
        tend_buffer_put_text(out, "    run of \"");
        tend_terminal_put_member(out, run, "playbook", "");
        tend_buffer_put_text(out, "\" on ");
        tend_terminal_put_member(out, run, "service", "");
        tend_buffer_put_text(out, ": ");
        tend_terminal_put_member(out, run, "outcome", "not ended");
        tend_buffer_put_text(out, "\n");
        size_t s = 0;
        const json_t *step = NULL;
        json_array_foreach(json_object_get(run, "steps"), s, step)
        {
            tend_buffer_put_text(out, "      ");
            tend_terminal_put_time(out, time_of(step, "at_ms"));
            tend_buffer_put_text(out, "  ");
            tend_terminal_put_member(out, step, "text", "");
            const char *outcome = tend_json_text(step, "outcome", "not ended");
            if (strcmp(outcome, "dry") != 0) { // "would …" says it already
                tend_buffer_put_text(out, ": ");
                tend_terminal_put(out, outcome);
            }
            tend_buffer_put_text(out, "\n");
        }
    }
}

static void put_incidents(const json_t *report, struct tend_buffer *out)
{
    const json_t *incidents = json_object_get(report, "incidents");
    const size_t count = json_array_size(incidents);
    if (count > 0) {
        tend_buffer_printf(out, "\n%zu %s\n", count, count == 1 ? "incident" : "incidents");
    }
    for (size_t i = 0; i < count && i < INCIDENTS_SHOWN; i++) {
        const json_t *incident = json_array_get(incidents, i);
        tend_buffer_put_text(out, "  ");
        tend_terminal_put_member(out, incident, "id", "");
        tend_buffer_put_text(out, "  ");
        tend_terminal_put_time(out, time_of(incident, "opened_ms"));
        tend_buffer_put_text(out, ", ");
        put_lasted(incident, "opened_ms", "ended_ms", out);
        tend_buffer_put_text(out, ": ");
        tend_terminal_put_names(out, json_object_get(incident, "services"), NULL);
        tend_buffer_put_text(out, "; ");
        tend_terminal_put_member(out, incident, "outcome", "open at the end");
        tend_buffer_put_text(out, "\n");
        put_culprits(incident, out);
        put_decisions(incident, out);
        put_runs(incident, out);
    }
    put_more(count, INCIDENTS_SHOWN, out);
}

static void put_labels(const json_t *report, struct tend_buffer *out)
{
    const json_t *labels = json_object_get(report, "labels");
    if (json_array_size(labels) == 0) {
        return;
    }
    static const char *const heads[] = { "FROM", "LASTED", "FOUND", "DELAY", "SERVICE", "WHAT" };
    struct tend_text_table table;
    tend_text_table_init(&table, "lrlrll");
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        tend_text_table_put(&table, heads[i]);
    }
    size_t i = 0;
    const json_t *label = NULL;
    json_array_foreach(labels, i, label)
    {
        tend_terminal_put_time(tend_text_table_cell(&table), time_of(label, "from_ms"));
        put_lasted(label, "from_ms", "until_ms", tend_text_table_cell(&table));
        tend_text_table_put(&table, tend_json_bool(label, "found", false) ? "yes" : "MISSED");
        tend_terminal_put_span(tend_text_table_cell(&table), tend_json_number(label, "delay_s", (double)NAN));
        tend_terminal_put_member(tend_text_table_cell(&table), label, "service", "");
        tend_terminal_put_member(tend_text_table_cell(&table), label, "what", "");
    }
    tend_buffer_put_text(out, "\nreal incidents\n");
    tend_text_table_format(&table, "  ", 1, out);
    tend_text_table_clear(&table);
}

static void put_list(const char *head, const json_t *list, const char *member, struct tend_buffer *out)
{
    const size_t count = json_array_size(list);
    if (count == 0) {
        return;
    }
    tend_buffer_printf(out, "\n%s\n", head);
    for (size_t i = 0; i < count && i < LINES_SHOWN; i++) {
        const json_t *entry = json_array_get(list, i);
        tend_buffer_put_text(out, "  ");
        if (member != NULL) {
            tend_terminal_put_member(out, entry, member, "");
            tend_buffer_put_text(out, ": ");
            tend_terminal_put_member(out, entry, "text", "");
        } else {
            tend_terminal_put(out, json_string_value(entry));
        }
        tend_buffer_put_text(out, "\n");
    }
    put_more(count, LINES_SHOWN, out);
}

static void put_expectations(const json_t *report, struct tend_buffer *out)
{
    const json_t *expectations = json_object_get(report, "expectations");
    size_t i = 0;
    const json_t *expectation = NULL;
    json_array_foreach(expectations, i, expectation)
    {
        tend_buffer_put_text(out, i == 0 ? "\nexpectations\n" : "");
        tend_buffer_put_text(out, tend_json_bool(expectation, "held", false) ? "  held    " : "  FAILED  ");
        tend_terminal_put_member(out, expectation, "text", "");
        tend_buffer_put_text(out, "\n");
    }
}

static void put_what_if(const json_t *report, struct tend_buffer *out)
{
    const json_t *rows = json_object_get(report, "what_if");
    if (json_array_size(rows) == 0) {
        return;
    }
    static const char *const heads[] = { "WHAT IF", "RECOVERED AFTER", "ERRORS", "ACTS", "OUTCOME" };
    struct tend_text_table table;
    tend_text_table_init(&table, "lrrrl");
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        tend_text_table_put(&table, heads[i]);
    }
    size_t i = 0;
    const json_t *row = NULL;
    json_array_foreach(rows, i, row)
    {
        tend_terminal_put_member(tend_text_table_cell(&table), row, "name", "-");
        tend_terminal_put_span(tend_text_table_cell(&table), tend_json_number(row, "recovered_s", (double)NAN));
        tend_buffer_printf(tend_text_table_cell(&table), "%.0f", tend_json_number(row, "errors", 0));
        tend_buffer_printf(tend_text_table_cell(&table), "%.0f", tend_json_number(row, "acts", 0));
        tend_terminal_put_member(tend_text_table_cell(&table), row, "outcome", "-");
    }
    tend_buffer_put_text(out, "\n");
    tend_text_table_format(&table, "  ", 1, out);
    tend_text_table_clear(&table);
}

static void put_refusals(const json_t *sums, struct tend_buffer *out)
{
    const char *reason = NULL;
    const json_t *count = NULL;
    const char *before = "; refused: ";
    void *at = json_object_iter(json_object_get(sums, "refusals"));
    while (at != NULL) {
        reason = json_object_iter_key(at);
        count = json_object_iter_value(at);
        tend_buffer_printf(out, "%s%lld × ", before, (long long)json_integer_value(count));
        tend_terminal_put(out, reason);
        before = ", ";
        at = json_object_iter_next(json_object_get(sums, "refusals"), at);
    }
}

static void put_sums(const json_t *report, struct tend_buffer *out)
{
    const json_t *sums = json_object_get(report, "sums");
    tend_buffer_printf(
        out, "\n%lld alerts, %lld incidents (%lld recovered), %zu pages, %lld acts, %lld would be done",
        (long long)tend_json_integer(sums, "alerts", 0), (long long)tend_json_integer(sums, "incidents", 0),
        (long long)tend_json_integer(sums, "recovered", 0), json_array_size(json_object_get(report, "pages")),
        (long long)tend_json_integer(sums, "acts", 0), (long long)tend_json_integer(sums, "would_act", 0));
    put_refusals(sums, out);
    tend_buffer_put_text(out, "\n");
    if (json_is_integer(json_object_get(sums, "found"))) {
        tend_buffer_printf(out, "of the real incidents %lld found, %lld missed; %lld false alarms; detection took ",
                           (long long)tend_json_integer(sums, "found", 0),
                           (long long)tend_json_integer(sums, "missed", 0),
                           (long long)tend_json_integer(sums, "false_alarms", 0));
        tend_terminal_put_span(out, tend_json_number(sums, "delay_median_s", (double)NAN));
        tend_buffer_put_text(out, " (median)\n");
    }
    const double recover_s = tend_json_number(sums, "recover_median_s", (double)NAN);
    if (!isnan(recover_s)) {
        tend_buffer_put_text(out, "recovery took ");
        tend_terminal_put_span(out, recover_s);
        tend_buffer_put_text(out, " (median)\n");
    }
    tend_buffer_printf(out, "%.2f s of CPU time\n", tend_json_number(sums, "cpu_s", 0));
}

void tend_simulate_text_format(const json_t *report, struct tend_buffer *out)
{
    put_head(report, out);
    put_alerts(report, out);
    put_incidents(report, out);
    put_labels(report, out);
    struct tend_buffer learned;
    tend_buffer_init(&learned);
    tend_learned_text_put(report, "  ", &learned);
    if (learned.size > 0) {
        tend_buffer_put_text(out, "\nwarming up\n");
        tend_buffer_put_text(out, tend_buffer_text(&learned));
    }
    tend_buffer_clear(&learned);
    put_list("missing", json_object_get(report, "missing"), NULL, out);
    put_list("rules that were switched off", json_object_get(report, "rules_off"), "rule", out);
    put_expectations(report, out);
    put_what_if(report, out);
    put_sums(report, out);
}
