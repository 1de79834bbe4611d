// Rows are found by their label in a plain array: no group has more than ROWS_MAX of them.

#include "cli/svg_timeline.h"

#include "cli/html_text.h"
#include "cli/svg_axis.h"
#include "parse/quantity.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WIDTH = 1120,
    LABELS = 96, // where the rows' names begin; left of it stand the groups'
    LEFT = 300,
    RIGHT = 1110,
    HEAD = 26,
    ROW = 22,
    GROUP_GAP = 8,
    ROWS_MAX = 24,
    LABEL_BYTES = 256,
    LABEL_CHARACTERS = 32,
    TIME_MARKS = 12,
};

enum group { GROUP_LABELS, GROUP_INCIDENTS, GROUP_ALERTS, GROUP_STEPS, GROUP_PAGES, GROUP_COUNT };

struct row {
    enum group group;
    char label[LABEL_BYTES];
    bool shared;      // of all labels for which there is no row
    int64_t until_ms; // the end of the last item
};

struct item {
    size_t row;
    int64_t from_ms;
    int64_t until_ms;  // INT64_MAX: it has not ended
    const char *class; // ours
    char *title;       // owned
    size_t link;       // 1 + index of an incident; 0: none
};

struct timeline {
    struct tend_buffer *out;
    int64_t from_ms, until_ms;
    struct row *rows;
    size_t row_count;
    struct item *items;
    size_t item_count;
};

static char *print(const char *format, ...) TEND_PRINTF(1, 2);
static char *print(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    const int bytes = vasprintf(&text, format, arguments);
    va_end(arguments);
    return bytes < 0 ? NULL : text;
}

// ---- rows ----

static size_t count_of(const struct timeline *timeline, enum group group)
{
    size_t count = 0;
    for (size_t i = 0; i < timeline->row_count; i++) {
        count += timeline->rows[i].group == group;
    }
    return count;
}

static bool add_row(struct timeline *timeline, enum group group, const char *label, size_t *row)
{
    struct row *grown = reallocarray(timeline->rows, timeline->row_count + 1, sizeof *grown);
    if (grown == NULL) {
        timeline->out->failed = true;
        return false;
    }
    timeline->rows = grown;
    *row = timeline->row_count++;
    grown[*row] = (struct row){ .group = group, .until_ms = INT64_MIN };
    (void)snprintf(grown[*row].label, sizeof grown[*row].label, "%s", label);
    return true;
}

// The row of this label; the last row of a full group takes all further labels.
static bool find_row(struct timeline *timeline, enum group group, const char *label, size_t *row)
{
    size_t last = 0;
    for (size_t i = 0; i < timeline->row_count; i++) {
        if (timeline->rows[i].group != group) {
            continue;
        }
        last = i;
        if (!timeline->rows[i].shared && strncmp(timeline->rows[i].label, label, LABEL_BYTES - 1) == 0) {
            *row = i;
            return true;
        }
    }
    if (count_of(timeline, group) < ROWS_MAX) {
        return add_row(timeline, group, label, row);
    }
    timeline->rows[last].shared = true;
    *row = last;
    return true;
}

// A row of this group that is free from then on, or a new one.
static bool free_row(struct timeline *timeline, enum group group, const char *label, int64_t from_ms, size_t *row)
{
    for (size_t i = 0; i < timeline->row_count; i++) {
        if (timeline->rows[i].group == group && timeline->rows[i].until_ms < from_ms &&
            strcmp(timeline->rows[i].label, label) == 0) {
            *row = i;
            return true;
        }
    }
    return find_row(timeline, group, label, row);
}

// @param take_title  may be NULL when there was no memory for it
static void add_item(struct timeline *timeline, size_t row, int64_t from_ms, int64_t until_ms, const char *class,
                     char *take_title, size_t link)
{
    struct item *grown = reallocarray(timeline->items, timeline->item_count + 1, sizeof *grown);
    if (grown == NULL || take_title == NULL) {
        timeline->out->failed = true;
        timeline->items = grown == NULL ? timeline->items : grown;
        free(take_title);
        return;
    }
    timeline->items = grown;
    grown[timeline->item_count++] = (struct item){
        .row = row, .from_ms = from_ms, .until_ms = until_ms, .class = class, .title = take_title, .link = link
    };
    timeline->rows[row].until_ms = until_ms > timeline->rows[row].until_ms ? until_ms : timeline->rows[row].until_ms;
}

static bool overlaps(const struct timeline *timeline, int64_t from_ms, int64_t until_ms)
{
    return from_ms <= timeline->until_ms && until_ms >= timeline->from_ms;
}

static const char *lasted_text(int64_t from_ms, int64_t until_ms, char out[TEND_QUANTITY_TEXT_BYTES])
{
    if (until_ms == INT64_MAX) {
        return "not over";
    }
    return tend_axis_lasted_text(until_ms - from_ms, out);
}

static bool is_of(const json_t *entry, const char *incident)
{
    return incident == NULL || strcmp(tend_json_text(entry, "incident", ""), incident) == 0;
}

// ---- what happened ----

static void take_labels(struct timeline *timeline, const json_t *document)
{
    const json_t *labels = json_object_get(document, "labels");
    for (size_t i = 0; i < json_array_size(labels); i++) {
        const json_t *label = json_array_get(labels, i);
        const int64_t from_ms = tend_json_integer(label, "from_ms", 0);
        const int64_t until_ms = tend_json_integer(label, "until_ms", INT64_MAX);
        const char *what = tend_json_text(label, "what", "");
        size_t row;
        char text[TEND_QUANTITY_TEXT_BYTES];
        if (overlaps(timeline, from_ms, until_ms) &&
            free_row(timeline, GROUP_LABELS, what[0] == '\0' ? tend_json_text(label, "service", "") : what, from_ms,
                     &row)) {
            add_item(timeline, row, from_ms, until_ms, tend_json_bool(label, "found", false) ? "label" : "label missed",
                     print("%s (%s, %s)", what, lasted_text(from_ms, until_ms, text),
                           tend_json_bool(label, "found", false) ? "found" : "not found"),
                     0);
        }
    }
}

static void take_incidents(struct timeline *timeline, const json_t *document, const char *only)
{
    const json_t *incidents = json_object_get(document, "incidents");
    for (size_t i = 0; i < json_array_size(incidents); i++) {
        const json_t *incident = json_array_get(incidents, i);
        const char *id = tend_json_text(incident, "id", "");
        const int64_t from_ms = tend_json_integer(incident, "opened_ms", 0);
        const int64_t until_ms = tend_json_integer(incident, "ended_ms", INT64_MAX);
        const char *culprit =
            tend_json_text(json_array_get(json_object_get(incident, "culprits"), 0), "service", "no culprit");
        size_t row;
        char text[TEND_QUANTITY_TEXT_BYTES];
        if ((only == NULL || strcmp(id, only) == 0) && overlaps(timeline, from_ms, until_ms) &&
            free_row(timeline, GROUP_INCIDENTS, culprit, from_ms, &row)) {
            add_item(timeline, row, from_ms, until_ms, "incident",
                     print("%s: %s, %s", id, tend_json_text(incident, "outcome", "open"),
                           lasted_text(from_ms, until_ms, text)),
                     only == NULL ? i + 1 : 0);
        }
    }
}

static void take_alerts(struct timeline *timeline, const json_t *document, const char *only)
{
    const json_t *alerts = json_object_get(document, "alerts");
    for (size_t i = 0; i < json_array_size(alerts); i++) {
        const json_t *alert = json_array_get(alerts, i);
        const int64_t from_ms = tend_json_integer(alert, "fired_ms", 0);
        const int64_t until_ms = tend_json_integer(alert, "resolved_ms", INT64_MAX);
        const char *instance = tend_json_text(alert, "instance", "");
        const char *severity = tend_json_text(alert, "severity", "");
        char text[TEND_QUANTITY_TEXT_BYTES];
        char label[LABEL_BYTES];
        (void)snprintf(label, sizeof label, "%s %s",
                       instance[0] == '\0' ? tend_json_text(alert, "service", "") : instance,
                       tend_json_text(alert, "rule", ""));
        size_t row;
        if (is_of(alert, only) && overlaps(timeline, from_ms, until_ms) &&
            find_row(timeline, GROUP_ALERTS, label, &row)) {
            add_item(timeline, row, from_ms, until_ms, strcmp(severity, "page") == 0 ? "alert page" : "alert",
                     print("%s: %s (%s, %s)", label, tend_json_text(alert, "summary", ""), severity,
                           lasted_text(from_ms, until_ms, text)),
                     0);
        }
    }
}

static void take_step(struct timeline *timeline, const json_t *run, const json_t *step)
{
    const int64_t from_ms = tend_json_integer(step, "at_ms", 0);
    const int64_t until_ms = tend_json_integer(step, "ended_ms", INT64_MAX);
    const bool dry = tend_json_bool(run, "dry", false);
    const char *instance = tend_json_text(step, "instance", "");
    const char *outcome = tend_json_text(step, "outcome", "");
    char label[LABEL_BYTES];
    (void)snprintf(label, sizeof label, "%s%s %s", dry ? "would " : "", tend_json_text(step, "verb", ""),
                   instance[0] == '\0' ? tend_json_text(run, "service", "") : instance);
    char text[TEND_QUANTITY_TEXT_BYTES];
    size_t row;
    if (overlaps(timeline, from_ms, until_ms) && find_row(timeline, GROUP_STEPS, label, &row)) {
        add_item(timeline, row, from_ms, until_ms,
                 dry                            ? "step dry"
                 : strcmp(outcome, "done") == 0 ? "step"
                                                : "step bad",
                 print("%s: %s, %s, by %s", label, outcome[0] == '\0' ? "no outcome" : outcome,
                       lasted_text(from_ms, until_ms, text), tend_json_text(run, "playbook", "")),
                 0);
    }
}

static void take_steps(struct timeline *timeline, const json_t *document, const char *only)
{
    const json_t *incidents = json_object_get(document, "incidents");
    for (size_t i = 0; i < json_array_size(incidents); i++) {
        const json_t *incident = json_array_get(incidents, i);
        const json_t *runs = json_object_get(incident, "runs");
        for (size_t r = 0; r < json_array_size(runs); r++) {
            const json_t *steps = json_object_get(json_array_get(runs, r), "steps");
            for (size_t s = 0; s < json_array_size(steps); s++) {
                // Which instance comes next is a step in the journal, and nothing to look at.
                const bool picks = strcmp(tend_json_text(json_array_get(steps, s), "verb", ""), "pick") == 0;
                if (!picks && (only == NULL || strcmp(tend_json_text(incident, "id", ""), only) == 0)) {
                    take_step(timeline, json_array_get(runs, r), json_array_get(steps, s));
                }
            }
        }
    }
}

static void take_pages(struct timeline *timeline, const json_t *document, const char *only)
{
    const json_t *pages = json_object_get(document, "pages");
    for (size_t i = 0; i < json_array_size(pages); i++) {
        const json_t *page = json_array_get(pages, i);
        const int64_t at_ms = tend_json_integer(page, "at_ms", 0);
        const char *notify = tend_json_text(page, "notify", "");
        const char *text = tend_json_text(page, "text", "");
        size_t row;
        if (is_of(page, only) && overlaps(timeline, at_ms, at_ms) &&
            find_row(timeline, GROUP_PAGES, notify[0] == '\0' ? "to people" : notify, &row)) {
            add_item(timeline, row, at_ms, at_ms, "page", print("%s", text[0] == '\0' ? "a message to people" : text),
                     0);
        }
    }
}

// ---- drawing ----

static double x_of(const struct timeline *timeline, int64_t at_ms)
{
    const double span = (double)(timeline->until_ms - timeline->from_ms);
    const double part = span <= 0.0 ? 0.0 : (double)(at_ms - timeline->from_ms) / span;
    return LEFT + fmin(fmax(part, 0.0), 1.0) * (RIGHT - LEFT);
}

static void draw_shape(const struct timeline *timeline, const struct item *item, double y)
{
    struct tend_buffer *out = timeline->out;
    const double x = x_of(timeline, item->from_ms);
    const double end = x_of(timeline, item->until_ms == INT64_MAX ? timeline->until_ms : item->until_ms);
    const double width = fmax(end - x, 4.0);
    const double begin = fmin(x, RIGHT - width);
    switch (timeline->rows[item->row].group) {
    case GROUP_LABELS:
    case GROUP_INCIDENTS:
        tend_buffer_printf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"14\" rx=\"3\"/>", begin, y - 7,
                           width);
        break;
    case GROUP_ALERTS:
        tend_buffer_printf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"8\" rx=\"2\"/>", begin, y - 4,
                           width);
        break;
    case GROUP_STEPS:
        tend_buffer_printf(out,
                           "<path d=\"M%.1f %.1fH%.1f\"/><path class=\"d\" d=\"M%.1f %.1fl5.5 5.5-5.5 5.5-5.5-5.5z\"/>",
                           x, y, end, fmin(x, RIGHT - 5.5), y - 5.5);
        break;
    case GROUP_PAGES:
        tend_buffer_printf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\"/>", fmin(x, RIGHT - 5), y);
        break;
    case GROUP_COUNT:
        break;
    }
    if (item->until_ms == INT64_MAX) { // it goes on
        tend_buffer_printf(out, "<path class=\"more\" d=\"M%d %.1fl4 5-4 5\"/>", RIGHT + 4, y - 5);
    }
}

static void draw_item(const struct timeline *timeline, const struct item *item, double y)
{
    struct tend_buffer *out = timeline->out;
    char clock[TEND_AXIS_TIME_TEXT_BYTES];
    if (item->link > 0) {
        tend_buffer_printf(out, "<a href=\"#incident-%zu\">", item->link);
    }
    tend_buffer_printf(out, "<g class=\"%s\"><title>%s ", item->class, tend_axis_clock_text(item->from_ms, clock));
    tend_html_put(out, item->title);
    tend_buffer_put_text(out, "</title>");
    draw_shape(timeline, item, y);
    tend_buffer_put_text(out, item->link > 0 ? "</g></a>" : "</g>");
}

static void draw_row(const struct timeline *timeline, size_t row, double y, bool first)
{
    static const char *const groups[] = { "real", "incidents", "alerts", "steps", "pages" };
    struct tend_buffer *out = timeline->out;
    if (first) {
        tend_buffer_printf(out, "<text class=\"group\" x=\"0\" y=\"%.1f\">%s</text>", y + 4,
                           groups[timeline->rows[row].group]);
    }
    tend_buffer_printf(out, "<path class=\"base\" d=\"M%d %.1fH%d\"/><text class=\"name\" x=\"%d\" y=\"%.1f\">", LEFT,
                       y, RIGHT, LABELS, y + 4);
    if (timeline->rows[row].shared) {
        tend_buffer_put_text(out, "all others");
    } else {
        tend_html_put_clipped(out, timeline->rows[row].label, LABEL_CHARACTERS);
    }
    tend_buffer_put_text(out, "</text>");
    for (size_t i = 0; i < timeline->item_count; i++) {
        if (timeline->items[i].row == row) {
            draw_item(timeline, &timeline->items[i], y);
        }
    }
}

static void draw_times(const struct timeline *timeline, double height)
{
    const struct tend_time_axis axis = tend_time_axis_over(timeline->from_ms, timeline->until_ms, TIME_MARKS);
    tend_buffer_put_text(timeline->out, "<g class=\"grid\">");
    for (size_t i = 0; i < axis.count; i++) {
        char text[TEND_AXIS_TIME_TEXT_BYTES];
        const int64_t at_ms = axis.first_ms + (int64_t)i * axis.step_ms;
        const double x = x_of(timeline, at_ms);
        tend_buffer_printf(timeline->out, "<path d=\"M%.1f %dV%.1f\"/><text class=\"x\" x=\"%.1f\" y=\"%d\">%s</text>",
                           x, HEAD - 6, height, fmin(x, RIGHT - 20), HEAD - 12,
                           tend_time_axis_text(&axis, at_ms, text));
    }
    tend_buffer_put_text(timeline->out, "</g>");
}

static void draw(const struct timeline *timeline)
{
    size_t groups = 0;
    for (int group = 0; group < GROUP_COUNT; group++) {
        groups += count_of(timeline, (enum group)group) > 0;
    }
    const double height = (double)(HEAD + timeline->row_count * ROW + groups * GROUP_GAP);
    tend_buffer_printf(timeline->out,
                       "<div class=\"scroll\"><svg class=\"timeline\" viewBox=\"0 0 %d %.0f\" role=\"img\" "
                       "aria-label=\"timeline\">",
                       WIDTH, height);
    draw_times(timeline, height);
    double y = HEAD + GROUP_GAP / 2.0 + ROW / 2.0;
    for (int group = 0; group < GROUP_COUNT; group++) {
        bool first = true;
        for (size_t row = 0; row < timeline->row_count; row++) {
            if ((int)timeline->rows[row].group == group) {
                draw_row(timeline, row, y, first);
                first = false;
                y += ROW;
            }
        }
        y += first ? 0 : GROUP_GAP;
    }
    tend_buffer_put_text(timeline->out, "</svg></div>\n");
}

void tend_svg_timeline(struct tend_buffer *out, const json_t *document, int64_t from_ms, int64_t until_ms,
                       const char *incident)
{
    struct timeline timeline = { .out = out, .from_ms = from_ms, .until_ms = until_ms };
    take_labels(&timeline, document);
    take_incidents(&timeline, document, incident);
    take_alerts(&timeline, document, incident);
    take_steps(&timeline, document, incident);
    take_pages(&timeline, document, incident);
    if (timeline.row_count == 0) {
        tend_buffer_put_text(out, "<p class=\"quiet\">Nothing happened.</p>\n");
    } else {
        draw(&timeline);
    }
    for (size_t i = 0; i < timeline.item_count; i++) {
        free(timeline.items[i].title);
    }
    free(timeline.items);
    free(timeline.rows);
}
