#include "cli/alert_table.h"

#include "cli/html_text.h"
#include "cli/svg_axis.h"

#include <math.h>

static void put_row(struct tend_buffer *out, const json_t *alert)
{
    char text[TEND_AXIS_TIME_TEXT_BYTES];
    char lasted[TEND_QUANTITY_TEXT_BYTES];
    const int64_t fired_ms = tend_json_integer(alert, "fired_ms", 0);
    const int64_t resolved_ms = tend_json_integer(alert, "resolved_ms", -1);
    const char *instance = tend_json_text(alert, "instance", "");
    const double index = tend_json_number(alert, "A", (double)NAN);
    tend_buffer_printf(out, "<tr><td><time>%s</time></td><td class=\"n\">%s</td>",
                       tend_axis_moment_text(fired_ms, text),
                       resolved_ms < 0 ? "not over" : tend_axis_lasted_text(resolved_ms - fired_ms, lasted));
    tend_html_element(out, "td", NULL, tend_json_text(alert, "severity", ""));
    tend_buffer_put_text(out, "<td>");
    tend_html_element(out, "b", NULL, instance[0] == '\0' ? tend_json_text(alert, "service", "") : instance);
    tend_buffer_put_text(out, " ");
    tend_html_put(out, tend_json_text(alert, "rule", ""));
    tend_buffer_put_text(out, "</td><td class=\"n\">");
    if (isfinite(index)) {
        tend_buffer_printf(out, "%.3g", index);
    }
    tend_buffer_put_text(out, "</td>");
    tend_html_element(out, "td", NULL, tend_json_text(alert, "summary", ""));
    tend_buffer_put_text(out, "</tr>\n");
}

void tend_alert_table(struct tend_buffer *out, const json_t *document)
{
    const json_t *alerts = json_object_get(document, "alerts");
    const size_t count = json_array_size(alerts);
    if (count == 0) {
        return;
    }
    tend_buffer_printf(out,
                       "<details><summary>All alerts in words (%zu)</summary><div class=\"scroll\">"
                       "<table class=\"alerts\"><thead><tr><th>Fired</th><th class=\"n\">Lasted</th><th>Severity</th>"
                       "<th>Alert</th><th class=\"n\">A</th><th>Summary</th></tr></thead><tbody>\n",
                       count);
    for (size_t i = 0; i < count && i < TEND_ALERT_TABLE_ROWS_MAX; i++) {
        put_row(out, json_array_get(alerts, i));
    }
    tend_buffer_put_text(out, "</tbody></table></div>");
    if (count > TEND_ALERT_TABLE_ROWS_MAX) {
        tend_buffer_printf(out, "<p class=\"note\">%zu alerts more are on the timeline only.</p>",
                           count - TEND_ALERT_TABLE_ROWS_MAX);
    }
    tend_buffer_put_text(out, "</details>\n");
}
