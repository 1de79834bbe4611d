#include "cli/sums_section.h"

#include "cli/html_text.h"
#include "cli/svg_axis.h"
#include "parse/quantity.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { REASONS_MAX = 5, TEXT_BYTES = 128 };

static void begin_tile(struct tend_buffer *out, const char *class, const char *title, const char *value)
{
    tend_buffer_printf(out, "<div class=\"tile %s\">", class);
    tend_html_element(out, "h4", NULL, title);
    tend_html_element(out, "b", NULL, value);
}

static void tile(struct tend_buffer *out, const char *class, const char *title, const char *value, const char *below)
{
    begin_tile(out, class, title, value);
    if (below[0] != '\0') {
        tend_html_element(out, "span", NULL, below);
    }
    tend_buffer_put_text(out, "</div>\n");
}

static const char *count_text(char out[TEXT_BYTES], int64_t count)
{
    (void)snprintf(out, TEXT_BYTES, "%lld", (long long)count);
    return out;
}

static void put_incidents(struct tend_buffer *out, const json_t *sums)
{
    const int64_t incidents = tend_json_integer(sums, "incidents", 0);
    const int64_t recovered = tend_json_integer(sums, "recovered", 0);
    char value[TEXT_BYTES];
    char below[TEXT_BYTES];
    (void)snprintf(below, sizeof below, recovered == incidents ? "all recovered" : "%lld recovered",
                   (long long)recovered);
    tile(out, incidents > 0 && recovered == incidents ? "good" : "", "Incidents", count_text(value, incidents),
         incidents == 0 ? "" : below);
}

static void put_alerts(struct tend_buffer *out, const json_t *document)
{
    const size_t pages = json_array_size(json_object_get(document, "pages"));
    char value[TEXT_BYTES];
    char below[TEXT_BYTES];
    (void)snprintf(below, sizeof below, "%zu message%s to people", pages, pages == 1 ? "" : "s");
    tile(out, "", "Alerts", count_text(value, tend_json_integer(json_object_get(document, "sums"), "alerts", 0)),
         below);
}

static void put_recovery(struct tend_buffer *out, const json_t *sums)
{
    char value[TEND_QUANTITY_TEXT_BYTES];
    const double recover_s = tend_json_number(sums, "recover_median_s", (double)NAN);
    tile(out, "", "Time to recover", isnan(recover_s) ? "–" : tend_axis_lasted_text(llround(recover_s * 1000.0), value),
         isnan(recover_s) ? "nothing recovered" : "median, from onset");
}

static void put_acts(struct tend_buffer *out, const json_t *sums)
{
    char value[TEXT_BYTES];
    char below[TEXT_BYTES];
    (void)snprintf(below, sizeof below, "%lld more if armed", (long long)tend_json_integer(sums, "would_act", 0));
    tile(out, "", "Acts", count_text(value, tend_json_integer(sums, "acts", 0)),
         tend_json_integer(sums, "would_act", 0) == 0 ? "steps begun" : below);
}

static void put_refusals(struct tend_buffer *out, const json_t *sums)
{
    const json_t *refusals = json_object_get(sums, "refusals");
    int64_t count = 0;
    const char *reason;
    json_t *times;
    json_object_foreach((json_t *)(uintptr_t)refusals, reason, times) // NOLINT(performance-no-int-to-ptr)
    {
        count += json_integer_value(times);
    }
    char value[TEXT_BYTES];
    begin_tile(out, count == 0 ? "" : "wide", "Refusals", count_text(value, count));
    size_t shown = 0;
    json_object_foreach((json_t *)(uintptr_t)refusals, reason, times) // NOLINT(performance-no-int-to-ptr)
    {
        if (shown++ < REASONS_MAX) {
            tend_buffer_put_text(out, "<span>");
            tend_html_printf(out, "%s × %lld", reason, (long long)json_integer_value(times));
            tend_buffer_put_text(out, "</span>");
        }
    }
    if (shown > REASONS_MAX) {
        tend_buffer_printf(out, "<span>and %zu reasons more</span>", shown - REASONS_MAX);
    }
    tend_buffer_put_text(out, "</div>\n");
}

// Only where labels of real incidents were given.
static void put_labels(struct tend_buffer *out, const json_t *sums)
{
    if (!json_is_number(json_object_get(sums, "found"))) {
        return;
    }
    const int64_t found = tend_json_integer(sums, "found", 0);
    const int64_t missed = tend_json_integer(sums, "missed", 0);
    const int64_t wrong = tend_json_integer(sums, "false_alarms", 0);
    const double delay_s = tend_json_number(sums, "delay_median_s", (double)NAN);
    char value[TEXT_BYTES];
    char delay[TEND_QUANTITY_TEXT_BYTES];
    (void)snprintf(value, sizeof value, "%lld of %lld", (long long)found, (long long)(found + missed));
    tile(out, missed == 0 ? "good" : "bad", "Real incidents found", value, missed == 0 ? "none was missed" : "");
    tile(out, wrong == 0 ? "good" : "bad", "False alarms", count_text(value, wrong), "outside every real incident");
    tile(out, "", "Detection delay", isnan(delay_s) ? "–" : tend_axis_lasted_text(llround(delay_s * 1000.0), delay),
         "median, from its beginning");
}

static void put_expectations(struct tend_buffer *out, const json_t *document)
{
    const json_t *expectations = json_object_get(document, "expectations");
    const size_t count = json_array_size(expectations);
    size_t held = 0;
    for (size_t i = 0; i < count; i++) {
        held += tend_json_bool(json_array_get(expectations, i), "held", false);
    }
    if (count > 0) {
        char value[TEXT_BYTES];
        (void)snprintf(value, sizeof value, "%zu of %zu", held, count);
        tile(out, held == count ? "good" : "bad", "Expectations", value, held == count ? "all hold" : "hold");
    }
}

void tend_sums_section(struct tend_buffer *out, const json_t *document)
{
    const json_t *sums = json_object_get(document, "sums");
    tend_buffer_put_text(out, "<section class=\"tiles\">\n");
    put_expectations(out, document);
    put_incidents(out, sums);
    put_alerts(out, document);
    put_labels(out, sums);
    put_recovery(out, sums);
    put_acts(out, sums);
    put_refusals(out, sums);
    tend_buffer_put_text(out, "</section>\n");
}
