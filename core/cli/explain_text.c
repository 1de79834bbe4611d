#include "cli/explain_text.h"

#include "cli/terminal.h"
#include "cli/text_table.h"
#include "parse/quoted_text.h"

#include <math.h>
#include <string.h>

// "+3.2 s" after the opening; "-" when unknown.
static void put_after(const json_t *object, const char *key, struct tend_buffer *out)
{
    const double after_s = tend_json_number(object, key, (double)NAN);
    if (isnan(after_s)) {
        tend_buffer_put_text(out, "-");
        return;
    }
    if (after_s >= 0) {
        tend_buffer_put_text(out, "+");
    }
    tend_terminal_put_span(out, after_s);
}

static void put_took(const json_t *object, struct tend_buffer *out)
{
    tend_terminal_put_span(out, tend_json_number(object, "took_s", (double)NAN));
}

static void put_title(const char *title, struct tend_buffer *out)
{
    tend_buffer_printf(out, "\n%s\n", title);
}

static void put_head(const json_t *story, struct tend_buffer *out)
{
    const char *state = tend_json_text(story, "state", "?");
    tend_buffer_put_text(out, "incident ");
    tend_terminal_put_member(out, story, "incident", "?");
    tend_buffer_put_text(out, ": ");
    if (strcmp(state, "ended") != 0) {
        tend_buffer_put_text(out, "still open");
        tend_buffer_put_text(out, json_is_string(json_object_get(story, "outcome")) ? "; its last run: " : "");
        tend_terminal_put_member(out, story, "outcome", "");
    } else {
        tend_terminal_put_member(out, story, "outcome", "ended");
    }
    if (!isnan(tend_json_number(story, "took_s", (double)NAN))) {
        tend_buffer_put_text(out, " after ");
        put_took(story, out);
    }
    tend_buffer_put_text(out, "\nopened ");
    tend_terminal_put_time(out, tend_terminal_wall_ms(json_object_get(story, "opened")));
    tend_buffer_put_text(out, ", severity ");
    tend_terminal_put_member(out, story, "severity", "none");
    tend_buffer_put_text(out, ", services ");
    tend_terminal_put_names(out, json_object_get(story, "services"), "name");
    tend_buffer_put_text(out, "\n");
}

static void put_mark(const json_t *story, struct tend_buffer *out)
{
    const json_t *mark = json_object_get(story, "mark");
    if (!json_is_object(mark)) {
        return;
    }
    tend_buffer_put_text(out, "marked ");
    tend_terminal_put_member(out, mark, "mark", "?");
    tend_buffer_put_text(out, " by ");
    tend_terminal_put_member(out, mark, "who", "?");
    tend_buffer_put_text(out, " at ");
    tend_terminal_put_time(out, tend_terminal_wall_ms(json_object_get(mark, "at")));
    if (tend_json_text(mark, "why", "")[0] != '\0') {
        tend_buffer_put_text(out, ": ");
        tend_terminal_put_member(out, mark, "why", "");
    }
    tend_buffer_put_text(out, "\n");
}

static void put_alert(const json_t *alert, struct tend_text_table *table)
{
    const char *instance = tend_json_text(alert, "instance", "");
    const char *unit = tend_json_text(alert, "unit", "");
    const char *missing = tend_json_text(alert, "missing", NULL);
    const bool has_metric = json_is_string(json_object_get(alert, "metric"));
    tend_terminal_put_member(tend_text_table_cell(table), alert, "rule", "?");
    tend_terminal_put(tend_text_table_cell(table),
                      instance[0] != '\0' ? instance : tend_json_text(alert, "service", "?"));
    tend_terminal_put_member(tend_text_table_cell(table), alert, "metric", "");
    struct tend_buffer *cell = tend_text_table_cell(table);
    if (has_metric) {
        tend_terminal_put_quantity(cell, alert, "expected", unit);
    }
    cell = tend_text_table_cell(table);
    if (missing != NULL) {
        tend_terminal_put(cell, missing);
    } else if (has_metric) {
        tend_terminal_put_quantity(cell, alert, "measured", unit);
    }
    static const char *const numbers[] = { "F", "alpha", "A" };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        cell = tend_text_table_cell(table);
        if (has_metric) {
            tend_terminal_put_number(cell, alert, numbers[i]);
        }
    }
    static const char *const times[] = { "fired_after_s", "resolved_after_s" };
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        put_after(alert, times[i], tend_text_table_cell(table));
    }
    tend_terminal_put_member(tend_text_table_cell(table), alert, "summary", "");
}

// "high: what is expected of load was learned for 21 d, confidence 0.95; its own history raised alpha to 0.31"
static void put_learned(const json_t *alert, struct tend_buffer *out)
{
    const json_t *learned = json_object_get(alert, "learned");
    if (!json_is_object(learned)) {
        return;
    }
    tend_buffer_put_text(out, "  ");
    tend_terminal_put_member(out, alert, "rule", "?");
    tend_buffer_put_text(out, ": what is expected of ");
    tend_terminal_put_member(out, alert, "metric", "?");
    tend_terminal_put_given(out, learned);
    tend_buffer_put_text(out, " was learned for ");
    tend_terminal_put_span(out, tend_json_number(learned, "age_s", (double)NAN));
    tend_buffer_put_text(out, ", confidence ");
    tend_terminal_put_number(out, learned, "confidence");
    if (json_is_number(json_object_get(learned, "alpha_raised"))) {
        tend_buffer_put_text(out, "; its own history raised alpha to ");
        tend_terminal_put_number(out, learned, "alpha_raised");
    }
    tend_buffer_put_text(out, "\n");
}

static void put_alerts(const json_t *story, struct tend_buffer *out)
{
    static const char *const heads[] = { "RULE", "ON", "METRIC", "EXPECTED", "MEASURED", "F",
                                         "α",    "A",  "FIRED",  "OVER",     "SUMMARY" };
    const json_t *alerts = json_object_get(story, "alerts");
    if (json_array_size(alerts) == 0) {
        return;
    }
    put_title("What was out of line (times from the opening)", out);
    struct tend_text_table table;
    tend_text_table_init(&table, "lllrrrrrrrl");
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        tend_text_table_put(&table, heads[i]);
    }
    size_t i = 0;
    const json_t *alert = NULL;
    json_array_foreach(alerts, i, alert)
    {
        put_alert(alert, &table);
    }
    tend_text_table_format(&table, "  ", 1, out);
    tend_text_table_clear(&table);
    json_array_foreach(alerts, i, alert)
    {
        put_learned(alert, out);
    }
}

// "ledger (0.91): up 0 of 1 (READ_TIMEOUT: … it hangs); payments depends on it and follows 5 s later"
static void put_suspect(const json_t *suspect, const char *indent, struct tend_buffer *out)
{
    tend_buffer_put_text(out, indent);
    tend_terminal_put_member(out, suspect, "service", "?");
    const double confidence = tend_json_number(suspect, "confidence", (double)NAN);
    if (!isnan(confidence)) {
        tend_buffer_printf(out, " (%.2f)", confidence);
    }
    size_t i = 0;
    const json_t *reason = NULL;
    json_array_foreach(json_object_get(suspect, "reasons"), i, reason)
    {
        tend_buffer_put_text(out, i > 0 ? "; " : ": ");
        tend_terminal_put(out, json_string_value(reason));
    }
    tend_buffer_put_text(out, "\n");
}

static bool is_culprit(const json_t *culprits, const json_t *suspect)
{
    size_t i = 0;
    const json_t *culprit = NULL;
    json_array_foreach(culprits, i, culprit)
    {
        if (strcmp(tend_json_text(culprit, "service", ""), tend_json_text(suspect, "service", "?")) == 0) {
            return true;
        }
    }
    return false;
}

static void put_culprits(const json_t *story, struct tend_buffer *out)
{
    const json_t *culprits = json_object_get(story, "culprits");
    const size_t count = json_array_size(culprits);
    put_title(count == 0 ? "No culprit was found" : count == 1 ? "The culprit" : "The culprits", out);
    size_t i = 0;
    const json_t *suspect = NULL;
    json_array_foreach(culprits, i, suspect)
    {
        put_suspect(suspect, "  ", out);
    }
    size_t others = 0;
    json_array_foreach(json_object_get(story, "ranking"), i, suspect)
    {
        if (!is_culprit(culprits, suspect)) {
            if (others++ == 0) {
                tend_buffer_put_text(out, count == 0 ? "  suspected were\n" : "  less likely\n");
            }
            put_suspect(suspect, "    ", out);
        }
    }
    const char *wait = tend_json_text(story, "wait", NULL);
    if (wait != NULL) {
        tend_buffer_put_text(out, "  not decided: ");
        tend_terminal_put(out, wait);
        tend_buffer_put_text(out, "\n");
    }
}

static void put_decisions(const json_t *story, struct tend_buffer *out)
{
    const json_t *decisions = json_object_get(story, "decisions");
    if (json_array_size(decisions) == 0) {
        return;
    }
    put_title("What was decided, and why", out);
    struct tend_text_table table;
    tend_text_table_init(&table, "rllll");
    size_t i = 0;
    const json_t *decision = NULL;
    json_array_foreach(decisions, i, decision)
    {
        put_after(decision, "after_s", tend_text_table_cell(&table));
        tend_terminal_put_member(tend_text_table_cell(&table), decision, "what", "?");
        struct tend_buffer *cell = tend_text_table_cell(&table);
        tend_terminal_put_member(cell, decision, "playbook", "");
        if (json_is_string(json_object_get(decision, "service"))) {
            tend_buffer_put_text(cell, cell->size > 0 ? " on " : "on ");
            tend_terminal_put_member(cell, decision, "service", "");
        }
        tend_terminal_put_member(tend_text_table_cell(&table), decision, "reason", "");
        cell = tend_text_table_cell(&table);
        tend_terminal_put_member(cell, decision, "text", "");
        const long long times = (long long)tend_json_integer(decision, "times", 1);
        if (times > 1) {
            tend_buffer_printf(cell, " (%lld times)", times);
        }
    }
    tend_text_table_format(&table, "  ", 0, out);
    tend_text_table_clear(&table);
}

// What a program that failed said last, which is mostly why.
static void put_last_words(const json_t *step, struct tend_buffer *cell)
{
    const char *output = tend_json_text(json_object_get(step, "value"), "output", "");
    size_t end = strlen(output);
    while (end > 0 && output[end - 1] == '\n') {
        end--;
    }
    size_t begin = end;
    while (begin > 0 && output[begin - 1] != '\n') {
        begin--;
    }
    if (begin < end) {
        tend_buffer_put_text(cell, ": ");
        tend_text_escape(cell, output + begin, end - begin);
    }
}

static void put_step(const json_t *step, struct tend_text_table *table)
{
    const char *error = tend_json_text(step, "error", "");
    const char *asks = tend_json_text(step, "asks", "");
    const char *text = tend_json_text(step, "text", "?");
    struct tend_buffer *cell = tend_text_table_cell(table);
    tend_buffer_printf(cell, "%lld", (long long)tend_json_integer(step, "seq", 0));
    const long long attempt = (long long)tend_json_integer(step, "attempt", 1);
    if (attempt > 1) {
        tend_buffer_printf(cell, " (try %lld)", attempt);
    }
    put_after(step, "began_after_s", tend_text_table_cell(table));
    tend_terminal_put(tend_text_table_cell(table), text);
    const bool ended = strcmp(tend_json_text(step, "state", ""), "ended") == 0;
    tend_terminal_put_member(tend_text_table_cell(table), step, "outcome", ended ? "ended" : "begun, no end is known");
    put_took(step, tend_text_table_cell(table));
    cell = tend_text_table_cell(table);
    if (error[0] != '\0') {
        tend_terminal_put(cell, error);
        put_last_words(step, cell);
    } else if (strcmp(asks, text) != 0) {
        tend_terminal_put(cell, asks);
    }
}

static void put_run(const json_t *run, struct tend_buffer *out)
{
    tend_buffer_put_text(out, "  run ");
    tend_terminal_put_member(out, run, "id", "?");
    tend_buffer_put_text(out, ", “");
    tend_terminal_put_member(out, run, "playbook", "?");
    tend_buffer_put_text(out, "” on ");
    tend_terminal_put_member(out, run, "service", "?");
    tend_buffer_put_text(out, ": ");
    const bool dry = tend_json_bool(run, "dry", false);
    tend_terminal_put_member(out, run, "outcome", "not ended");
    if (dry) {
        tend_buffer_put_text(out, " (dry: nothing was touched; tend arm lets it act)");
    }
    if (!isnan(tend_json_number(run, "took_s", (double)NAN))) {
        tend_buffer_put_text(out, " after ");
        put_took(run, out);
    }
    const char *error = tend_json_text(run, "error", "");
    if (error[0] != '\0') {
        tend_buffer_put_text(out, "\n    ");
        tend_terminal_put(out, error);
    }
    tend_buffer_put_text(out, "\n");
    struct tend_text_table table;
    tend_text_table_init(&table, "lrllrl");
    size_t i = 0;
    const json_t *step = NULL;
    json_array_foreach(json_object_get(run, "steps"), i, step)
    {
        put_step(step, &table);
    }
    tend_text_table_format(&table, "    ", 0, out);
    tend_text_table_clear(&table);
}

static void put_runs(const json_t *story, struct tend_buffer *out)
{
    const json_t *runs = json_object_get(story, "runs");
    put_title(json_array_size(runs) == 0 ? "Nothing was done" : "What was done", out);
    size_t i = 0;
    const json_t *run = NULL;
    json_array_foreach(runs, i, run)
    {
        put_run(run, out);
    }
}

static void put_notices(const json_t *story, struct tend_buffer *out)
{
    const json_t *notices = json_object_get(story, "notices");
    if (json_array_size(notices) == 0) {
        return;
    }
    put_title("Who was told", out);
    struct tend_text_table table;
    tend_text_table_init(&table, "rllll");
    size_t i = 0;
    const json_t *notice = NULL;
    json_array_foreach(notices, i, notice)
    {
        put_after(notice, "after_s", tend_text_table_cell(&table));
        tend_terminal_put_member(tend_text_table_cell(&table), notice, "notify", "?");
        tend_terminal_put_member(tend_text_table_cell(&table), notice, "about", "");
        struct tend_buffer *cell = tend_text_table_cell(&table);
        tend_terminal_put_member(cell, notice, "status", "?");
        const long long tries = (long long)tend_json_integer(notice, "tries", 1);
        if (tries > 1) {
            tend_buffer_printf(cell, " after %lld tries", tries);
        }
        tend_terminal_put_member(tend_text_table_cell(&table), notice, "error", "");
    }
    tend_text_table_format(&table, "  ", 0, out);
    tend_text_table_clear(&table);
}

static void put_timeline(const json_t *story, struct tend_buffer *out)
{
    put_title("Line by line", out);
    struct tend_text_table table;
    tend_text_table_init(&table, "rl");
    size_t i = 0;
    const json_t *entry = NULL;
    json_array_foreach(json_object_get(story, "timeline"), i, entry)
    {
        put_after(entry, "after_s", tend_text_table_cell(&table));
        tend_terminal_put_member(tend_text_table_cell(&table), entry, "text", "");
    }
    tend_text_table_format(&table, "  ", 0, out);
    tend_text_table_clear(&table);
}

void tend_explain_text_format(const json_t *story, struct tend_buffer *out)
{
    put_head(story, out);
    put_mark(story, out);
    put_alerts(story, out);
    put_culprits(story, out);
    put_decisions(story, out);
    put_runs(story, out);
    put_notices(story, out);
    put_timeline(story, out);
}
