// A chart is 560 × 182 units of its view box, of which the plot is what the gutters leave.
//
// Two thousand points a metric and four lines of them would make pages of many megabytes. E and the limits hardly ever
// move, so a line leaves out each point that lies at the height of both its neighbours.

#include "cli/svg_chart.h"

#include "cli/html_text.h"
#include "cli/svg_axis.h"
#include "parse/quantity.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    WIDTH = 560,
    HEIGHT = 182,
    LEFT = 66,
    RIGHT = 550,
    TOP = 16,
    BOTTOM = 156,
    VALUE_STEPS = 4,
    TIME_MARKS = 7,
    LONG_MS = 24 * 3600 * 1000, // from which on a time is told with its day
    READINGS = 240,             // for the pointer; one for each two units of width
};

struct point {
    int64_t at_ms;
    double value, expected, low, high;
};

struct drawing {
    struct tend_buffer *out;
    const struct tend_chart *chart;
    const char *unit;
    struct point *points;
    size_t count;
    struct tend_value_axis axis;
};

// A member of a point; null and what is no number are NaN.
static double number_at(const json_t *row, size_t column)
{
    const json_t *value = json_array_get(row, column);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static struct point point_of(const json_t *row)
{
    return (struct point){
        .at_ms = (int64_t)fmin(fmax(number_at(row, 0), -9e15), 9e15),
        .value = number_at(row, 1),
        .expected = number_at(row, 2),
        .low = number_at(row, 3),
        .high = number_at(row, 4),
    };
}

static bool is_out(const struct point *point)
{
    return point->value > point->high || point->value < point->low;
}

// How far on the bad side of E; NaN where there is no data.
static double badness(const struct point *point, const char *bad)
{
    const double from = isnan(point->expected) ? 0.0 : point->expected;
    const double above = point->value - from;
    if (strcmp(bad, "above") == 0) {
        return above;
    }
    return strcmp(bad, "below") == 0 ? -above : fabs(above);
}

static bool is_worse(const struct point *point, const struct point *than, const char *bad)
{
    return isnan(than->value) || badness(point, bad) > badness(than, bad);
}

static double beyond(const struct point *point)
{
    const double limit = point->value > point->expected ? point->high : point->low;
    const double allowed = fabs(limit - point->expected);
    return allowed > 0.0 ? fabs(point->value - point->expected) / allowed : 0.0;
}

struct tend_chart_facts tend_chart_facts_of(const json_t *metric, int64_t from_ms, int64_t until_ms)
{
    struct tend_chart_facts facts = { 0 };
    struct point worst = { .value = (double)NAN, .expected = (double)NAN };
    const json_t *rows = json_object_get(metric, "points");
    const char *bad = tend_json_text(metric, "bad", "both");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const struct point point = point_of(json_array_get(rows, i));
        if (point.at_ms < from_ms || point.at_ms > until_ms) {
            continue;
        }
        if (isnan(point.value)) {
            facts.without_data++;
            continue;
        }
        facts.with_data++;
        facts.out_of_line += is_out(&point);
        facts.worst_beyond = fmax(facts.worst_beyond, beyond(&point));
        worst = is_worse(&point, &worst, bad) ? point : worst;
    }
    facts.worst = worst.value;
    facts.expected = worst.expected;
    return facts;
}

// ---- scales ----

static double x_of(const struct drawing *drawing, int64_t at_ms)
{
    const struct tend_chart *chart = drawing->chart;
    const double span = (double)(chart->until_ms - chart->from_ms);
    const double part = span <= 0.0 ? 0.5 : (double)(at_ms - chart->from_ms) / span;
    return LEFT + fmin(fmax(part, 0.0), 1.0) * (RIGHT - LEFT);
}

static double y_of(const struct drawing *drawing, double value)
{
    const double part = (value - drawing->axis.low) / (drawing->axis.high - drawing->axis.low);
    return BOTTOM - fmin(fmax(part, 0.0), 1.0) * (BOTTOM - TOP);
}

static void widen(double value, double *low, double *high)
{
    if (isfinite(value)) {
        *low = fmin(*low, value);
        *high = fmax(*high, value);
    }
}

// The axis holds P, E and the limits, but no limit below 0 where nothing else is.
static struct tend_value_axis axis_of(const struct drawing *drawing)
{
    double low = (double)INFINITY;
    double high = -(double)INFINITY;
    for (size_t i = 0; i < drawing->count; i++) {
        const struct point *point = &drawing->points[i];
        widen(point->value, &low, &high);
        widen(point->expected, &low, &high);
        widen(point->high, &low, &high);
        if (point->low >= 0.0 || low < 0.0) {
            widen(point->low, &low, &high);
        }
    }
    if (low > high) {
        low = 0.0;
        high = 1.0;
    }
    return tend_value_axis_over(low, high, drawing->unit, VALUE_STEPS);
}

static bool take_points(struct drawing *drawing)
{
    const json_t *rows = json_object_get(drawing->chart->metric, "points");
    drawing->points = calloc(json_array_size(rows) + 1, sizeof *drawing->points);
    if (drawing->points == NULL) {
        drawing->out->failed = true;
        return false;
    }
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const struct point point = point_of(json_array_get(rows, i));
        if (point.at_ms >= drawing->chart->from_ms && point.at_ms <= drawing->chart->until_ms) {
            drawing->points[drawing->count++] = point;
        }
    }
    return true;
}

// ---- the plot ----

static void draw_axes(const struct drawing *drawing)
{
    struct tend_buffer *out = drawing->out;
    char text[TEND_QUANTITY_TEXT_BYTES];
    tend_buffer_put_text(out, "<g class=\"grid\">");
    for (size_t i = 0; i < drawing->axis.count; i++) {
        const double value = tend_value_axis_at(&drawing->axis, i);
        const double y = y_of(drawing, value);
        tend_buffer_printf(out, "<path d=\"M%d %.1fH%d\"/><text class=\"y\" x=\"%d\" y=\"%.1f\">", LEFT, y, RIGHT,
                           LEFT - 7, y + 3.5);
        tend_html_put_clipped(out, tend_quantity_format(value, drawing->unit, text), 10);
        tend_buffer_put_text(out, "</text>");
    }
    const struct tend_time_axis times =
        tend_time_axis_over(drawing->chart->from_ms, drawing->chart->until_ms, TIME_MARKS);
    for (size_t i = 0; i < times.count; i++) {
        char time[TEND_AXIS_TIME_TEXT_BYTES];
        const int64_t at_ms = times.first_ms + (int64_t)i * times.step_ms;
        const double x = x_of(drawing, at_ms);
        tend_buffer_printf(out, "<path d=\"M%.1f %dv4\"/><text class=\"x\" x=\"%.1f\" y=\"%d\">%s</text>", x, BOTTOM,
                           fmin(fmax(x, LEFT), RIGHT - 12), BOTTOM + 17, tend_time_axis_text(&times, at_ms, time));
    }
    tend_buffer_put_text(out, "</g>");
}

static bool has_limit(const struct point *point)
{
    return !isnan(point->low) || !isnan(point->high);
}

static double edge_of(const struct drawing *drawing, const struct point *point, bool upper)
{
    const double limit = upper ? point->high : point->low;
    return isnan(limit) ? (upper ? TOP : BOTTOM) : y_of(drawing, limit);
}

// Whether a point of a stretch may be left out: both neighbours are there and at its height.
static bool is_flat(double before, double here, double after)
{
    return fabs(before - here) < 0.05 && fabs(after - here) < 0.05;
}

static void draw_band_edge(const struct drawing *drawing, size_t first, size_t end, bool upper)
{
    for (size_t n = 0; n < end - first; n++) {
        const size_t i = upper ? first + n : end - 1 - n;
        const double y = edge_of(drawing, &drawing->points[i], upper);
        if (i > first && i + 1 < end &&
            is_flat(edge_of(drawing, &drawing->points[i - 1], upper), y,
                    edge_of(drawing, &drawing->points[i + 1], upper))) {
            continue;
        }
        tend_buffer_printf(drawing->out, "%s%.1f %.1f", n == 0 && upper ? "M" : "L",
                           x_of(drawing, drawing->points[i].at_ms), y);
    }
}

static void draw_band(const struct drawing *drawing)
{
    struct tend_buffer *out = drawing->out;
    bool begun = false;
    for (size_t first = 0; first < drawing->count;) {
        size_t end = first;
        while (end < drawing->count && has_limit(&drawing->points[end])) {
            end++;
        }
        if (end > first) {
            tend_buffer_put_text(out, begun ? "" : "<path class=\"band\" d=\"");
            begun = true;
            draw_band_edge(drawing, first, end, true);
            draw_band_edge(drawing, first, end, false);
            tend_buffer_put_text(out, "Z");
        }
        first = end + 1;
    }
    tend_buffer_put_text(out, begun ? "\"/>" : "");
}

enum line { LINE_VALUE, LINE_EXPECTED, LINE_LOW, LINE_HIGH };

static double line_at(const struct point *point, enum line line)
{
    switch (line) {
    case LINE_VALUE:
        return point->value;
    case LINE_EXPECTED:
        return point->expected;
    case LINE_LOW:
        return point->low;
    case LINE_HIGH:
        break;
    }
    return point->high;
}

// A line of one value; it ends where the value is missing, and one that stands alone is a dot.
static void draw_line(const struct drawing *drawing, enum line line, const char *class)
{
    struct tend_buffer *out = drawing->out;
    const struct point *points = drawing->points;
    bool begun = false;
    for (size_t i = 0; i < drawing->count; i++) {
        const double value = line_at(&points[i], line);
        if (isnan(value)) {
            continue;
        }
        const double before = i == 0 ? (double)NAN : line_at(&points[i - 1], line);
        const double after = i + 1 == drawing->count ? (double)NAN : line_at(&points[i + 1], line);
        const double y = y_of(drawing, value);
        if (is_flat(y_of(drawing, before), y, y_of(drawing, after)) && !isnan(before) && !isnan(after)) {
            continue;
        }
        if (!begun) {
            tend_buffer_printf(out, "<path class=\"%s\" d=\"", class);
            begun = true;
        }
        tend_buffer_printf(out, "%s%.1f %.1f%s", isnan(before) ? "M" : "L", x_of(drawing, points[i].at_ms), y,
                           isnan(before) && isnan(after) ? "h0" : "");
    }
    tend_buffer_put_text(out, begun ? "\"/>" : "");
}

static void draw_stretch(const struct drawing *drawing, const char *class, double from, double until)
{
    const double width = fmax(until - from, 1.5);
    tend_buffer_printf(drawing->out, "<rect class=\"%s\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\"/>", class,
                       fmin(from, RIGHT - width), TOP, width, BOTTOM - TOP);
}

// Shades each run of points beyond a limit, to the middle between it and its neighbours.
static void draw_out_of_line(const struct drawing *drawing)
{
    const struct point *points = drawing->points;
    for (size_t first = 0; first < drawing->count;) {
        size_t end = first;
        while (end < drawing->count && is_out(&points[end])) {
            end++;
        }
        if (end > first) {
            const size_t before = first == 0 ? 0 : first - 1;
            const size_t after = end == drawing->count ? end - 1 : end;
            draw_stretch(drawing, "out", (x_of(drawing, points[before].at_ms) + x_of(drawing, points[first].at_ms)) / 2,
                         (x_of(drawing, points[end - 1].at_ms) + x_of(drawing, points[after].at_ms)) / 2);
        }
        first = end + 1;
    }
}

static bool has_no_data(const struct point *point)
{
    return isnan(point->value);
}

static bool has_only_value(const struct point *point)
{
    return !isnan(point->value) && isnan(point->expected);
}

// Whether what is expected of it was learned: then it is not judged where nothing is expected.
static bool learns(const struct drawing *drawing)
{
    const json_t *learned = json_object_get(drawing->chart->document, "learned");
    const json_t *metric = drawing->chart->metric;
    for (size_t i = 0; i < json_array_size(learned); i++) {
        const json_t *entry = json_array_get(learned, i);
        if (strcmp(tend_json_text(entry, "service", ""), tend_json_text(metric, "service", "")) == 0 &&
            strcmp(tend_json_text(entry, "metric", ""), tend_json_text(metric, "metric", "")) == 0) {
            return true;
        }
    }
    return false;
}

// Hatches each run of such points, from the last that is none to the next.
static void draw_runs(const struct drawing *drawing, const char *class, bool (*is_such)(const struct point *point))
{
    const struct point *points = drawing->points;
    for (size_t first = 0; first < drawing->count;) {
        size_t end = first;
        while (end < drawing->count && is_such(&points[end])) {
            end++;
        }
        if (end > first) {
            draw_stretch(drawing, class, x_of(drawing, points[first == 0 ? 0 : first - 1].at_ms),
                         x_of(drawing, points[end == drawing->count ? end - 1 : end].at_ms));
        }
        first = end + 1;
    }
}

// ---- marks ----

static bool belongs(const json_t *metric, const char *service, const char *instance)
{
    const char *own = tend_json_text(metric, "instance", "");
    return strcmp(tend_json_text(metric, "service", ""), service) == 0 &&
           (own[0] == '\0' || instance[0] == '\0' || strcmp(own, instance) == 0);
}

static bool is_shown(const struct tend_chart *chart, int64_t at_ms)
{
    return at_ms >= chart->from_ms && at_ms <= chart->until_ms;
}

static void draw_alerts(const struct drawing *drawing)
{
    const json_t *alerts = json_object_get(drawing->chart->document, "alerts");
    for (size_t i = 0; i < json_array_size(alerts); i++) {
        const json_t *alert = json_array_get(alerts, i);
        const int64_t at_ms = tend_json_integer(alert, "fired_ms", 0);
        if (!is_shown(drawing->chart, at_ms) || !belongs(drawing->chart->metric, tend_json_text(alert, "service", ""),
                                                         tend_json_text(alert, "instance", ""))) {
            continue;
        }
        const double x = x_of(drawing, at_ms);
        char clock[TEND_AXIS_TIME_TEXT_BYTES];
        tend_buffer_printf(drawing->out,
                           "<g class=\"alert-mark\"><path class=\"rule\" d=\"M%.1f %dV%d\"/><path d=\"M%.1f %dh10l-5 "
                           "8z\"/><title>",
                           x, TOP, BOTTOM, x - 5, TOP - 10);
        tend_html_printf(drawing->out, "%s fired: %s. %s", tend_axis_clock_text(at_ms, clock),
                         tend_json_text(alert, "rule", ""), tend_json_text(alert, "summary", ""));
        tend_buffer_put_text(drawing->out, "</title></g>");
    }
}

static void draw_step(const struct drawing *drawing, const json_t *run, const json_t *step)
{
    const int64_t at_ms = tend_json_integer(step, "at_ms", 0);
    if (!is_shown(drawing->chart, at_ms) || strcmp(tend_json_text(step, "verb", ""), "pick") == 0 ||
        !belongs(drawing->chart->metric, tend_json_text(run, "service", ""), tend_json_text(step, "instance", ""))) {
        return;
    }
    const double x = x_of(drawing, at_ms);
    char clock[TEND_AXIS_TIME_TEXT_BYTES];
    tend_buffer_printf(drawing->out,
                       "<g class=\"step-mark\"><path class=\"rule\" d=\"M%.1f %dV%d\"/><path d=\"M%.1f %dl5 5-5 5-5-"
                       "5z\"/><title>",
                       x, TOP, BOTTOM, x, BOTTOM - 5);
    tend_html_printf(drawing->out, "%s %s %s: %s", tend_axis_clock_text(at_ms, clock), tend_json_text(step, "verb", ""),
                     tend_json_text(step, "instance", ""), tend_json_text(step, "outcome", ""));
    tend_buffer_put_text(drawing->out, "</title></g>");
}

static void draw_steps(const struct drawing *drawing)
{
    const json_t *incidents = json_object_get(drawing->chart->document, "incidents");
    for (size_t i = 0; i < json_array_size(incidents); i++) {
        const json_t *runs = json_object_get(json_array_get(incidents, i), "runs");
        for (size_t r = 0; r < json_array_size(runs); r++) {
            const json_t *run = json_array_get(runs, r);
            const json_t *steps = json_object_get(run, "steps");
            for (size_t s = 0; s < json_array_size(steps); s++) {
                draw_step(drawing, run, json_array_get(steps, s));
            }
        }
    }
}

// ---- words ----

// What the pointer reads, a line each: x, y of P, and the text. Of points that share a column the worst is told.
static void put_readings(const struct drawing *drawing)
{
    const bool is_long = drawing->chart->until_ms - drawing->chart->from_ms > LONG_MS;
    const char *bad = tend_json_text(drawing->chart->metric, "bad", "both");
    const double column = (double)(RIGHT - LEFT) / READINGS;
    tend_buffer_put_text(drawing->out, " data-read=\"");
    for (size_t first = 0; first < drawing->count;) {
        const double x = x_of(drawing, drawing->points[first].at_ms);
        size_t shown = first;
        size_t end = first + 1;
        while (end < drawing->count && x_of(drawing, drawing->points[end].at_ms) - x < column) {
            shown = is_worse(&drawing->points[end], &drawing->points[shown], bad) ? end : shown;
            end++;
        }
        const struct point *point = &drawing->points[shown];
        char clock[TEND_AXIS_TIME_TEXT_BYTES];
        char value[TEND_QUANTITY_TEXT_BYTES];
        char expected[TEND_QUANTITY_TEXT_BYTES];
        tend_buffer_printf(drawing->out, "%.1f\t%.1f\t", x_of(drawing, point->at_ms),
                           isnan(point->value) ? -1.0 : y_of(drawing, point->value));
        tend_html_printf(
            drawing->out, "%s  %s%s%s\n",
            is_long ? tend_axis_moment_text(point->at_ms, clock) : tend_axis_clock_text(point->at_ms, clock),
            tend_quantity_format(point->value, drawing->unit, value), isnan(point->expected) ? "" : ", expected ",
            isnan(point->expected) ? "" : tend_quantity_format(point->expected, drawing->unit, expected));
        first = end;
    }
    tend_buffer_put_text(drawing->out, "\"");
}

static void put_name(struct tend_buffer *out, const json_t *metric)
{
    const char *instance = tend_json_text(metric, "instance", "");
    tend_html_printf(out, "%s %s", instance[0] == '\0' ? tend_json_text(metric, "service", "") : instance,
                     tend_json_text(metric, "metric", ""));
}

static void put_caption(const struct drawing *drawing)
{
    const json_t *metric = drawing->chart->metric;
    const char *instance = tend_json_text(metric, "instance", "");
    const struct tend_chart_facts facts =
        tend_chart_facts_of(metric, drawing->chart->from_ms, drawing->chart->until_ms);
    char value[TEND_QUANTITY_TEXT_BYTES];
    char expected[TEND_QUANTITY_TEXT_BYTES];
    struct tend_buffer *out = drawing->out;
    tend_buffer_put_text(out, "<figcaption>");
    tend_html_element(out, "b", NULL, tend_json_text(metric, "metric", ""));
    tend_buffer_put_text(out, " ");
    tend_html_element(out, "span", "of", instance[0] == '\0' ? tend_json_text(metric, "service", "") : instance);
    tend_buffer_put_text(out, "<span class=\"read\">");
    if (facts.with_data == 0) {
        tend_buffer_put_text(out, "no data");
    } else {
        tend_html_printf(out, "worst %s%s%s", tend_quantity_format(facts.worst, drawing->unit, value),
                         isnan(facts.expected) ? "" : ", expected ",
                         isnan(facts.expected) ? "" : tend_quantity_format(facts.expected, drawing->unit, expected));
    }
    tend_buffer_put_text(out, "</span></figcaption>");
}

void tend_svg_chart(struct tend_buffer *out, const struct tend_chart *chart)
{
    struct drawing drawing = { .out = out, .chart = chart, .unit = tend_json_text(chart->metric, "unit", "") };
    if (!take_points(&drawing)) {
        return;
    }
    drawing.axis = axis_of(&drawing);
    tend_buffer_put_text(out, "<figure class=\"metric\">");
    put_caption(&drawing);
    tend_buffer_printf(out, "<svg class=\"chart\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", WIDTH, HEIGHT);
    put_name(out, chart->metric);
    tend_buffer_put_text(out, "\"");
    put_readings(&drawing);
    tend_buffer_put_text(out, ">");
    draw_band(&drawing);
    draw_out_of_line(&drawing);
    draw_runs(&drawing, "gap", has_no_data);
    if (learns(&drawing)) {
        draw_runs(&drawing, "warm", has_only_value);
    }
    draw_axes(&drawing);
    draw_line(&drawing, LINE_LOW, "limit");
    draw_line(&drawing, LINE_HIGH, "limit");
    draw_line(&drawing, LINE_EXPECTED, "e");
    draw_line(&drawing, LINE_VALUE, "p");
    draw_steps(&drawing);
    draw_alerts(&drawing);
    tend_buffer_put_text(out, "</svg></figure>\n");
    free(drawing.points);
}
