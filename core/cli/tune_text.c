#include "cli/tune_text.h"

#include "cli/learned_text.h"
#include "cli/terminal.h"
#include "cli/text_table.h"
#include "parse/duration.h"
#include "parse/quantity.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { WAITS_MAX = 8, COLUMNS_MAX = 100, CLEAR_BYTES = 22 };

// What is told of one rule.
struct told {
    const json_t *result, *rule, *points, *now, *suggested;
    double period_s;
    char period[TEND_DURATION_TEXT_BYTES]; // "week", "5d"
};

// ---- pieces ----

static void put_duration(struct tend_buffer *out, int64_t duration_ms)
{
    char text[TEND_DURATION_TEXT_BYTES];
    tend_buffer_put_text(out, tend_duration_format(duration_ms, text));
}

// "3.5", "120": alarms in a time, as exact as anybody cares.
static void put_rate(struct tend_buffer *out, double rate)
{
    const bool whole = rate >= 10 || rate == floor(rate);
    tend_buffer_printf(out, whole ? "%.0f" : rate < 0.1 ? "%.1g" : "%.1f", rate);
}

static void name_period(int64_t period_ms, char out[TEND_DURATION_TEXT_BYTES])
{
    char text[TEND_DURATION_TEXT_BYTES];
    tend_duration_format(period_ms, text);
    const char *word = strcmp(text, "1w") == 0   ? "week"
                       : strcmp(text, "1d") == 0 ? "day"
                       : strcmp(text, "1h") == 0 ? "hour"
                                                 : text;
    (void)strncpy(out, word, TEND_DURATION_TEXT_BYTES - 1);
    out[TEND_DURATION_TEXT_BYTES - 1] = '\0';
}

static double seen_rate(const struct told *told, const json_t *point)
{
    return tend_json_number(point, "false_alarms", 0) * told->period_s / tend_json_number(told->rule, "observed_s", 1);
}

static void put_range(const json_t *point, struct tend_buffer *out)
{
    const int64_t low = tend_json_integer(point, "low", 0);
    const int64_t high = tend_json_integer(point, "high", 0);
    tend_buffer_printf(out, low == high ? "%lld" : "%lld to %lld", (long long)low, (long long)high);
}

static void put_limit(const struct told *told, const json_t *point, struct tend_buffer *out)
{
    const json_t *alpha = json_object_get(point, "alpha");
    const json_t *out_at = json_object_get(point, "out_at");
    if (json_is_number(alpha)) {
        tend_buffer_printf(out, "%.4g", json_number_value(alpha));
    } else if (json_is_number(out_at)) {
        char text[TEND_QUANTITY_TEXT_BYTES];
        tend_buffer_put_text(
            out, tend_quantity_format(json_number_value(out_at), tend_json_text(told->rule, "unit", ""), text));
    } else {
        tend_buffer_printf(out, "\u00d7 %g", tend_json_number(point, "factor", 1));
    }
}

static const char *limit_name(const struct told *told)
{
    if (json_is_number(json_object_get(told->now, "out_at"))) {
        return "out_at";
    }
    return "alpha";
}

static bool varies_limit(const struct told *told)
{
    return strcmp(tend_json_text(told->rule, "varies", ""), "limit") == 0;
}

static bool is_same(const json_t *one, const json_t *other, const char *key)
{
    return json_equal(json_object_get(one, key), json_object_get(other, key)) == 1;
}

// The settings of a point: "alpha 1, fire_after 30s, clear_below 0.9".
static void put_settings(const struct told *told, const json_t *point, struct tend_buffer *out)
{
    const bool by_limit = varies_limit(told);
    if (by_limit) {
        tend_buffer_printf(out, "%s ", limit_name(told));
        put_limit(told, point, out);
        tend_buffer_put_text(out, ", ");
    }
    const char *const times[] = { "fire_after", "clear_after" };
    for (size_t i = 0; i < 2; i++) {
        char key[32];
        (void)snprintf(key, sizeof key, "%s_ms", times[i]);
        const int64_t own_ms = tend_json_integer(told->rule, key, -1);
        const int64_t time_ms = tend_json_integer(point, key, own_ms);
        if (i == 1 && by_limit) {
            break;
        }
        tend_buffer_printf(out, "%s%s ", i == 0 ? "" : ", ", times[i]);
        if (time_ms < 0) {
            tend_buffer_put_text(out, "as it is");
        } else {
            put_duration(out, time_ms);
        }
    }
    const double own = tend_json_number(told->rule, "clear_below", (double)NAN);
    const double clear_below =
        json_is_number(json_object_get(point, "clear_below")) ? tend_json_number(point, "clear_below", own) : own;
    if (by_limit && !isnan(clear_below)) {
        tend_buffer_printf(out, ", clear_below %g", clear_below);
    }
}

// "7 false alarms (3.5 a week); to expect: 1 to 8 a week (90 %)"
static void put_cost(const struct told *told, const json_t *point, struct tend_buffer *out)
{
    const int64_t false_alarms = tend_json_integer(point, "false_alarms", 0);
    const int64_t alarms = tend_json_integer(point, "alarms", 0);
    tend_buffer_printf(out, "%lld false alarm%s", (long long)false_alarms, false_alarms == 1 ? "" : "s");
    if (alarms != false_alarms) {
        tend_buffer_printf(out, " of %lld", (long long)alarms);
    }
    tend_buffer_put_text(out, ", ");
    put_rate(out, seen_rate(told, point));
    tend_buffer_printf(out, " a %s; to expect ", told->period);
    put_range(point, out);
    tend_buffer_printf(out, " a %s (90 %%)", told->period);
    const double firing_share = tend_json_number(point, "firing_share", 0);
    if (firing_share > 0.05) {
        tend_buffer_printf(out, "; firing %.0f %% of the time", 100 * firing_share);
    }
}

// "finds 3 of 4 marked incidents, 45 s after they began"
static void put_found(const struct told *told, const json_t *point, struct tend_buffer *out)
{
    const int64_t marks = tend_json_integer(told->result, "marks", 0);
    tend_buffer_printf(out, "finds %lld of %lld marked incidents", (long long)tend_json_integer(point, "found", 0),
                       (long long)marks);
    if (json_is_number(json_object_get(point, "delay_s"))) {
        tend_buffer_put_text(out, ", ");
        tend_terminal_put_span(out, tend_json_number(point, "delay_s", 0));
        tend_buffer_put_text(out, " after they began (median)");
    }
}

// ---- the grid ----

// Columns: each fire_after once, the rule's own where it belongs. @return how many
static size_t choose_columns(const struct told *told, int64_t columns[WAITS_MAX])
{
    const int64_t own_ms = tend_json_integer(told->rule, "fire_after_ms", -1);
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(told->points); i++) {
        const int64_t wait_ms = tend_json_integer(json_array_get(told->points, i), "fire_after_ms", -1);
        bool known = wait_ms == own_ms && own_ms >= 0; // as it is says the same
        for (size_t c = 0; c < count; c++) {
            known = known || columns[c] == wait_ms;
        }
        if (known || count == WAITS_MAX) {
            continue;
        }
        const int64_t at_ms = wait_ms < 0 ? own_ms : wait_ms;
        size_t place = count++;
        for (; place > 0 && (columns[place - 1] < 0 ? own_ms : columns[place - 1]) > at_ms; place--) {
            columns[place] = columns[place - 1];
        }
        columns[place] = wait_ms;
    }
    return count;
}

static const json_t *point_at(const struct told *told, double factor, int64_t wait_ms)
{
    for (size_t i = 0; i < json_array_size(told->points); i++) {
        const json_t *point = json_array_get(told->points, i);
        if (tend_json_number(point, "factor", 0) == factor &&
            tend_json_integer(point, "fire_after_ms", -1) == wait_ms && is_same(point, told->now, "clear_below") &&
            is_same(point, told->now, "clear_after_ms")) {
            return point;
        }
    }
    return NULL;
}

static void put_cell(const struct told *told, const json_t *point, struct tend_buffer *out)
{
    put_rate(out, seen_rate(told, point));
    tend_buffer_printf(out, " (%lld-%lld)%s", (long long)tend_json_integer(point, "low", 0),
                       (long long)tend_json_integer(point, "high", 0), point == told->now ? "*" : "");
}

static void put_found_cell(const json_t *point, struct tend_buffer *out)
{
    const int64_t found = tend_json_integer(point, "found", 0);
    tend_buffer_printf(out, "%lld", (long long)found);
    const double delay_s = tend_json_number(point, "delay_s", 0);
    if (found > 0 && delay_s > 0) {
        tend_buffer_put_text(out, " in ");
        tend_terminal_put_span(out, delay_s);
    } else if (found > 0) {
        tend_buffer_put_text(out, " at once");
    }
}

static void put_head(const struct told *told, const int64_t *columns, size_t count, struct tend_text_table *table)
{
    tend_text_table_put(table, varies_limit(told) ? limit_name(told) : "");
    for (size_t c = 0; c < count; c++) {
        struct tend_buffer *cell = tend_text_table_cell(table);
        const int64_t wait_ms = columns[c] < 0 ? tend_json_integer(told->rule, "fire_after_ms", -1) : columns[c];
        if (wait_ms < 0) {
            tend_buffer_put_text(cell, "as it is");
        } else {
            put_duration(cell, wait_ms);
        }
    }
}

// Where nothing alarms, nothing does farther out.
static void put_rows(const struct told *told, const int64_t *columns, size_t count, bool found,
                     struct tend_text_table *table)
{
    double newest = 0;
    int64_t alarms = 1;
    for (size_t i = 0; i < json_array_size(told->points); i++) {
        const json_t *row = json_array_get(told->points, i);
        const double factor = tend_json_number(row, "factor", 0);
        if (factor <= newest || (alarms == 0 && factor > 1)) {
            continue;
        }
        newest = factor;
        alarms = 0;
        struct tend_buffer *head = tend_text_table_cell(table);
        if (varies_limit(told)) {
            put_limit(told, row, head);
        }
        for (size_t c = 0; c < count; c++) {
            const json_t *point = point_at(told, factor, columns[c]);
            alarms += tend_json_integer(point, "alarms", 0);
            if (found) {
                put_found_cell(point, tend_text_table_cell(table));
            } else {
                put_cell(told, point, tend_text_table_cell(table));
            }
        }
    }
}

static size_t widest_line(const char *text)
{
    size_t widest = 0;
    while (*text != '\0') {
        const size_t width = strcspn(text, "\n"); // in bytes, of which a line has no fewer than columns
        widest = width > widest ? width : widest;
        text += width + (text[width] != '\0');
    }
    return widest;
}

// As many columns as fit, the longest waits left out first; what is now is shown always.
static void put_grid(const struct told *told, bool found, struct tend_buffer *out)
{
    int64_t columns[WAITS_MAX];
    size_t count = choose_columns(told, columns);
    struct tend_buffer text;
    tend_buffer_init(&text);
    for (bool fits = false; !fits; count--) {
        static const char alignment[] = "rrrrrrrrr";
        struct tend_text_table table;
        tend_text_table_init(&table, alignment + (WAITS_MAX - count));
        put_head(told, columns, count, &table);
        put_rows(told, columns, count, found, &table);
        text.size = 0;
        tend_text_table_format(&table, "    ", 1, &text);
        tend_text_table_clear(&table);
        fits = count <= 2 || widest_line(tend_buffer_text(&text)) <= COLUMNS_MAX;
        if (!fits && columns[count - 1] < 0) {
            columns[count - 2] = columns[count - 1]; // the rule's own stays
        }
    }
    tend_buffer_put(out, text.data, text.size);
    tend_buffer_clear(&text);
}

// What another clear_below, or clear_after, would do, all else as it is.
static void put_clears(const struct told *told, struct tend_buffer *out)
{
    const bool by_limit = varies_limit(told);
    const char *key = by_limit ? "clear_below" : "clear_after_ms";
    size_t line = out->size; // where it begins
    tend_buffer_printf(out, "  %s, all else as it is:", by_limit ? "clear_below" : "clear_after");
    const char *separator = "";
    for (size_t i = 0; i < json_array_size(told->points); i++) {
        const json_t *point = json_array_get(told->points, i);
        const json_t *value = json_object_get(point, key);
        if (point == told->now || !is_same(point, told->now, "factor") || !is_same(point, told->now, "fire_after_ms") ||
            json_equal(value, json_object_get(told->rule, key)) == 1) {
            continue;
        }
        tend_buffer_put_text(out, separator);
        separator = ",";
        if (out->size - line > COLUMNS_MAX - CLEAR_BYTES) {
            line = out->size + 1;
            tend_buffer_put_text(out, "\n   ");
        }
        tend_buffer_put_text(out, " ");
        if (by_limit) {
            tend_buffer_printf(out, "%g: ", json_number_value(value));
        } else {
            put_duration(out, json_integer_value(value));
            tend_buffer_put_text(out, ": ");
        }
        put_cell(told, point, out);
    }
    tend_buffer_put_text(out, "\n");
}

// ---- one rule ----

static void put_budget(const json_t *result, struct tend_buffer *out)
{
    const json_t *budget = json_object_get(result, "budget");
    char period[TEND_DURATION_TEXT_BYTES];
    name_period(tend_json_integer(budget, "within_ms", 0), period);
    tend_buffer_printf(out, "%g a %s", tend_json_number(budget, "alarms", 0), period);
}

static void put_exceeds(const struct told *told, const json_t *point, struct tend_buffer *out)
{
    const json_t *budget = json_object_get(told->result, "budget");
    char period[TEND_DURATION_TEXT_BYTES];
    name_period(tend_json_integer(budget, "within_ms", 0), period);
    const double keeps = 100 * (1 - tend_json_number(point, "exceeds", 0));
    tend_buffer_printf(out,
                       keeps > 99 ? "a %s keeps to it with a probability of more than 99 %%"
                                  : "a %s keeps to it with a probability of %.0f %%",
                       period, keeps);
}

static void put_changes(const struct told *told, struct tend_buffer *out)
{
    const json_t *changes = json_object_get(told->rule, "changes");
    for (size_t i = 0; i < json_array_size(changes); i++) {
        const json_t *change = json_array_get(changes, i);
        tend_buffer_put_text(out, "    ");
        tend_terminal_put_member(out, change, "at", "");
        tend_buffer_put_text(out, "  in ");
        tend_terminal_put_member(out, change, "in", "");
        const char *was = tend_json_text(change, "was", NULL);
        tend_buffer_put_text(out, was == NULL ? ", a new line:\n        " : ", instead of ");
        tend_terminal_put(out, was);
        tend_buffer_put_text(out, was == NULL ? "" : ":\n        ");
        tend_terminal_put_member(out, change, "line", "");
        tend_buffer_put_text(out, "\n");
    }
}

static void put_confirmed(const struct told *told, struct tend_buffer *out)
{
    const json_t *confirmed = json_object_get(told->rule, "confirmed");
    if (json_is_object(confirmed)) {
        const int64_t false_alarms = tend_json_integer(confirmed, "false_alarms", 0);
        tend_buffer_printf(out, "    played again with all that is suggested here: %lld false alarm%s\n",
                           (long long)false_alarms, false_alarms == 1 ? "" : "s");
    }
}

static void put_advice(const struct told *told, struct tend_buffer *out)
{
    const char *advice = tend_json_text(told->rule, "advice", "none");
    if (strcmp(advice, "none") == 0) {
        return;
    }
    tend_buffer_put_text(out, "  ");
    put_budget(told->result, out);
    if (strcmp(advice, "keep") == 0) {
        tend_buffer_put_text(out, ": as it is, it keeps to that; ");
        put_exceeds(told, told->now, out);
        tend_buffer_put_text(out, "\n");
        return;
    }
    const bool fits = strcmp(advice, "change") == 0;
    if (!fits && told->suggested == told->now && tend_json_number(told->now, "firing_share", 0) > 0.1) {
        tend_buffer_put_text(out,
                             ": under every setting here it fires for most of the time: look at what is expected\n");
        return;
    }
    if (!fits && told->suggested == told->now) {
        tend_buffer_put_text(out, ": nothing here keeps to that, and nothing comes nearer than it is now\n");
        return;
    }
    tend_buffer_put_text(out, fits ? ": " : ": nothing here keeps to that; nearest comes ");
    put_settings(told, told->suggested, out);
    tend_buffer_put_text(out, "\n    ");
    put_cost(told, told->suggested, out);
    tend_buffer_put_text(out, "\n    ");
    put_exceeds(told, told->suggested, out);
    if (tend_json_integer(told->result, "marks", 0) > 0) {
        tend_buffer_put_text(out, "; ");
        put_found(told, told->suggested, out);
    }
    tend_buffer_put_text(out, "\n");
    put_confirmed(told, out);
    put_changes(told, out);
}

static void put_caveats(const struct told *told, struct tend_buffer *out)
{
    const bool by_limit = varies_limit(told);
    if (tend_json_bool(told->rule, "unexplained", false)) {
        tend_buffer_put_text(out, "  its verdicts depend on more than the limit, so only times are varied\n");
    } else if (!by_limit && json_is_null(json_object_get(told->rule, "metric"))) {
        tend_buffer_put_text(out, "  a function decides, so only times are varied\n");
    } else if (!by_limit) {
        tend_buffer_put_text(out, "  its limit follows from what is learned, so only times are varied\n");
    }
    if (by_limit && tend_json_bool(told->rule, "shared", false)) {
        tend_buffer_put_text(out, "  another rule is on the same metric: a suggestion leaves its limit as it is\n");
    }
    if (tend_json_bool(told->rule, "approximate", false)) {
        tend_buffer_put_text(out, "  what is expected is learned, and is not learned while it fires: other points are "
                                  "approximate\n");
    }
}

static void put_rule(const json_t *result, const json_t *rule, struct tend_buffer *out)
{
    const json_t *points = json_object_get(rule, "points");
    struct told told = {
        .result = result,
        .rule = rule,
        .points = points,
        .now = json_array_get(points, (size_t)tend_json_integer(rule, "now", 0)),
        .suggested = json_array_get(points, (size_t)tend_json_integer(rule, "suggested", 0)),
        .period_s = tend_json_number(result, "period_ms", 0) / 1000.0,
    };
    name_period(tend_json_integer(result, "period_ms", 0), told.period);
    const bool marked = tend_json_integer(result, "marks", 0) > 0;
    tend_buffer_put_text(out, "\n");
    tend_terminal_put_member(out, rule, "rule", "");
    tend_buffer_put_text(out, "  ");
    tend_terminal_put_member(out, rule, "at", "");
    const int64_t alerts = tend_json_integer(rule, "alerts", 0);
    tend_buffer_printf(out, "  %lld alert%s, watched for ", (long long)alerts, alerts == 1 ? "" : "s");
    tend_terminal_put_span(out, tend_json_number(rule, "observed_s", 0));
    tend_buffer_put_text(out, "\n  as it is: ");
    put_settings(&told, told.now, out);
    tend_buffer_put_text(out, "\n    ");
    put_cost(&told, told.now, out);
    tend_buffer_put_text(out, "\n");
    const json_t *noisiest = json_object_get(rule, "noisiest");
    const int64_t of_noisiest = tend_json_integer(noisiest, "alarms", 0);
    if (json_is_object(noisiest) && alerts > 1 && of_noisiest > 1) { // one of each tells nothing
        tend_buffer_printf(out, "    %lld of them are of ", (long long)of_noisiest);
        tend_terminal_put_member(out, noisiest, "service", "");
        tend_buffer_put_text(out, "\n");
    }
    if (marked) {
        tend_buffer_put_text(out, "    ");
        put_found(&told, told.now, out);
        tend_buffer_put_text(out, "\n");
    }
    put_caveats(&told, out);
    tend_buffer_printf(out, "  false alarms a %s (and their range), by %s%sfire_after:\n", told.period,
                       varies_limit(&told) ? limit_name(&told) : "", varies_limit(&told) ? " and " : "");
    put_grid(&told, false, out);
    if (marked) {
        tend_buffer_put_text(out, "  marked incidents found, and how soon:\n");
        put_grid(&told, true, out);
    }
    put_clears(&told, out);
    put_advice(&told, out);
}

// ---- all ----

void tend_tune_text_format(const json_t *result, struct tend_buffer *out)
{
    tend_terminal_put_time(out, tend_json_integer(result, "from_ms", -1));
    tend_buffer_put_text(out, " to ");
    tend_terminal_put_time(out, tend_json_integer(result, "until_ms", -1));
    const int64_t incidents = tend_json_integer(result, "incidents", 0);
    tend_buffer_printf(out, "\nas the rules are: %lld incident%s, %lld message%s to people\n", (long long)incidents,
                       incidents == 1 ? "" : "s", (long long)tend_json_integer(result, "pages", 0),
                       tend_json_integer(result, "pages", 0) == 1 ? "" : "s");
    const int64_t marks = tend_json_integer(result, "marks", 0);
    if (marks == 0) {
        tend_buffer_put_text(out, "no incident is marked (--incidents): every alarm counts as false\n");
    }
    tend_learned_text_put(result, "", out);
    const json_t *missing = json_object_get(result, "missing");
    for (size_t i = 0; i < json_array_size(missing); i++) {
        tend_buffer_put_text(out, "missing: ");
        tend_terminal_put(out, json_string_value(json_array_get(missing, i)));
        tend_buffer_put_text(out, "\n");
    }
    const json_t *rules = json_object_get(result, "rules");
    for (size_t i = 0; i < json_array_size(rules); i++) {
        put_rule(result, json_array_get(rules, i), out);
    }
    if (json_array_size(rules) == 0) {
        tend_buffer_put_text(out, "no rule was judged in that time\n");
    }
}
