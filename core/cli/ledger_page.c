#include "cli/ledger_page.h"

#include "cli/html_page.h"
#include "cli/html_text.h"
#include "cli/terminal.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

// ---- words and numbers ----

static void put_span(struct tend_buffer *out, double seconds)
{
    if (isnan(seconds)) {
        tend_buffer_put_text(out, "–");
    } else {
        tend_terminal_put_span(out, seconds);
    }
}

static void put_time(struct tend_buffer *out, const json_t *time)
{
    const int64_t wall_ms = tend_terminal_wall_ms(time);
    tend_buffer_put_text(out, "<time>");
    if (wall_ms >= 0) {
        tend_terminal_put_time(out, wall_ms);
    }
    tend_buffer_put_text(out, "</time>");
}

static void put_names(struct tend_buffer *out, const json_t *names)
{
    for (size_t i = 0; i < json_array_size(names); i++) {
        tend_buffer_put_text(out, i > 0 ? ", " : "");
        tend_html_put(out, json_string_value(json_array_get(names, i)));
    }
    tend_buffer_put_text(out, json_array_size(names) == 0 ? "–" : "");
}

static void put_count_cell(struct tend_buffer *out, const json_t *tally, const char *key)
{
    tend_buffer_printf(out, "<td class=\"n\">%" PRId64 "</td>", tend_json_integer(tally, key, 0));
}

static void put_spread_cell(struct tend_buffer *out, const json_t *tally, const char *key)
{
    const json_t *spread = json_object_get(tally, key);
    tend_buffer_put_text(out, "<td class=\"n\">");
    put_span(out, tend_json_number(spread, "median", (double)NAN));
    if (tend_json_integer(spread, "count", 0) > 1) {
        tend_buffer_put_text(out, " <span class=\"detail\">");
        put_span(out, tend_json_number(spread, "largest", (double)NAN));
        tend_buffer_put_text(out, "</span>");
    }
    tend_buffer_put_text(out, "</td>");
}

static void put_badge(struct tend_buffer *out, const char *mark)
{
    tend_html_element(out, "span",
                      strcmp(mark, "real") == 0    ? "badge good"
                      : strcmp(mark, "false") == 0 ? "badge bad"
                                                   : "badge",
                      mark[0] == '\0' ? "not marked" : mark);
}

// ---- the top ----

static void tile(struct tend_buffer *out, const char *title, int64_t count, const char *below)
{
    tend_buffer_put_text(out, "<div class=\"tile\">");
    tend_html_element(out, "h4", NULL, title);
    tend_buffer_printf(out, "<b>%" PRId64 "</b>", count);
    tend_html_element(out, "span", NULL, below);
    tend_buffer_put_text(out, "</div>\n");
}

static void put_tiles(struct tend_buffer *out, const json_t *ledger)
{
    const json_t *sums = json_object_get(ledger, "sums");
    tend_buffer_put_text(out, "<section class=\"tiles\">\n");
    tile(out, "Incidents", tend_json_integer(sums, "incidents", 0),
         tend_json_integer(sums, "open", 0) > 0 ? "some are still open" : "all have ended");
    tile(out, "Real", tend_json_integer(sums, "real", 0), "marked so");
    tile(out, "False alarms", tend_json_integer(sums, "false", 0), "marked so");
    tile(out, "Not marked", tend_json_integer(sums, "unmarked", 0), "tend mark ID real|false");
    tile(out, "Messages", tend_json_integer(sums, "messages", 0), "reached somebody");
    tile(out, "Runs", tend_json_integer(sums, "runs", 0), "of playbooks that acted");
    tile(out, "Cured", tend_json_integer(sums, "cured", 0), "ended as recovered");
    tend_buffer_put_text(out, "</section>\n");
}

static void put_head(struct tend_buffer *out, const json_t *ledger)
{
    const char *rule = tend_json_text(ledger, "rule", NULL);
    tend_buffer_put_text(out, "<header><h1>What the alarms were worth</h1><p class=\"where\"><span>");
    put_time(out, json_object_get(ledger, "from"));
    tend_buffer_put_text(out, " to ");
    put_time(out, json_object_get(ledger, "until"));
    tend_buffer_put_text(out, "</span> <span>the journal covers ");
    put_span(out, tend_json_number(ledger, "covered_s", (double)NAN));
    tend_buffer_put_text(out, "</span>");
    if (rule != NULL) {
        tend_buffer_put_text(out, " <span>only the rule ");
        tend_html_element(out, "b", NULL, rule);
        tend_buffer_put_text(out, "</span>");
    }
    tend_buffer_put_text(out, "</p><nav><a href=\"#rules\">Rules</a><a href=\"#course\">How they went</a>"
                              "<a href=\"#services\">Services</a><a href=\"#incidents\">Incidents</a></nav></header>\n"
                              "<main>\n");
}

// ---- tables ----

// The share as a line in its interval, and in words.
static void put_precision_cells(struct tend_buffer *out, const json_t *tally)
{
    const double precision = tend_json_number(tally, "precision", (double)NAN);
    if (isnan(precision)) {
        tend_buffer_put_text(out, "<td class=\"n\">–</td><td class=\"share\"></td>");
        return;
    }
    const double low = tend_json_number(tally, "precision_low", 0) * 100;
    const double high = tend_json_number(tally, "precision_high", 0) * 100;
    const double at = fmin(fmax(precision * 100, 1), 99);
    tend_buffer_printf(
        out,
        "<td class=\"n\">%.0f %% <span class=\"detail\">%.0f–%.0f %%</span></td><td class=\"share\">"
        "<svg class=\"bar\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" height=\"8\" role=\"img\" "
        "aria-label=\"%.0f %%, between %.0f and %.0f %%\"><rect class=\"all\" width=\"100\" "
        "height=\"8\"/><rect x=\"%.1f\" width=\"%.1f\" height=\"8\" fill-opacity=\".4\"/>"
        "<rect x=\"%.1f\" width=\"2\" height=\"8\"/></svg></td>",
        precision * 100, low, high, precision * 100, low, high, low, high - low, at - 1);
}

static void put_alarms(struct tend_buffer *out, const json_t *list, const char *id, const char *title, const char *what)
{
    tend_buffer_printf(
        out,
        "<h2 id=\"%s\">%s</h2><div class=\"card scroll\"><table><thead><tr><th>%s</th>"
        "<th class=\"n\">Alarms</th><th class=\"n\">A week</th><th class=\"n\">Real</th>"
        "<th class=\"n\">False</th><th class=\"n\">Not marked</th><th class=\"n\">Precision</th><th></th>"
        "<th class=\"n\">Flaps</th><th class=\"n\">Messages</th></tr></thead><tbody>\n",
        id, title, what);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *tally = json_array_get(list, i);
        const double per_week = tend_json_number(tally, "per_week", (double)NAN);
        tend_buffer_put_text(out, "<tr>");
        tend_html_element(out, "td", NULL, tend_json_text(tally, "name", ""));
        put_count_cell(out, tally, "alarms");
        if (isnan(per_week)) {
            tend_buffer_put_text(out, "<td class=\"n\">–</td>");
        } else {
            tend_buffer_printf(out, "<td class=\"n\">%.1f</td>", per_week);
        }
        put_count_cell(out, tally, "real");
        put_count_cell(out, tally, "false");
        put_count_cell(out, tally, "unmarked");
        put_precision_cells(out, tally);
        put_count_cell(out, tally, "flaps");
        put_count_cell(out, tally, "messages");
        tend_buffer_put_text(out, "</tr>\n");
    }
    tend_buffer_put_text(out, "</tbody></table>");
}

static void put_courses(struct tend_buffer *out, const json_t *list)
{
    tend_buffer_put_text(
        out, "<h2 id=\"course\">How they went <small>median, and the largest</small></h2>"
             "<div class=\"card scroll\"><table><thead><tr><th>Rule</th><th class=\"n\">Onset to fired</th>"
             "<th class=\"n\">Out to fired</th><th class=\"n\">Fired to told</th><th class=\"n\">Lasted</th>"
             "<th class=\"n\">Recovered after</th><th class=\"n\">Runs</th><th class=\"n\">Cured</th>"
             "<th class=\"n\">Acts</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < json_array_size(list); i++) {
        static const char *const spans[] = { "onset_to_fired_s", "began_to_fired_s", "fired_to_told_s", "lasted_s",
                                             "recovered_s" };
        const json_t *tally = json_array_get(list, i);
        tend_buffer_put_text(out, "<tr>");
        tend_html_element(out, "td", NULL, tend_json_text(tally, "name", ""));
        for (size_t s = 0; s < sizeof spans / sizeof spans[0]; s++) {
            put_spread_cell(out, tally, spans[s]);
        }
        put_count_cell(out, tally, "runs");
        put_count_cell(out, tally, "cured");
        put_count_cell(out, tally, "acts");
        tend_buffer_put_text(out, "</tr>\n");
    }
    tend_buffer_put_text(out, "</tbody></table></div>\n");
}

static void put_incident(struct tend_buffer *out, const json_t *incident)
{
    tend_buffer_put_text(out, "<tr><td><code>");
    tend_html_put(out, tend_json_text(incident, "id", ""));
    tend_buffer_put_text(out, "</code> ");
    put_time(out, json_object_get(incident, "opened"));
    tend_buffer_put_text(out, "</td><td class=\"n\">");
    put_span(out, tend_json_number(incident, "took_s", (double)NAN));
    tend_buffer_put_text(out, "</td><td>");
    put_names(out, json_object_get(incident, "rules"));
    tend_buffer_put_text(out, "</td><td>");
    put_names(out, json_object_get(incident, "services"));
    tend_buffer_put_text(out, "</td><td>");
    put_names(out, json_object_get(incident, "culprits"));
    tend_buffer_put_text(out, "</td>");
    const bool ended = strcmp(tend_json_text(incident, "state", ""), "ended") == 0;
    tend_html_element(out, "td", NULL, tend_json_text(incident, "outcome", ended ? "ended" : "open"));
    tend_buffer_put_text(out, "<td>");
    put_badge(out, tend_json_text(incident, "mark", ""));
    const char *why = tend_json_text(incident, "why", "");
    if (why[0] != '\0') {
        tend_buffer_put_text(out, " ");
        tend_html_element(out, "span", "detail", why);
    }
    tend_buffer_put_text(out, "</td></tr>\n");
}

static void put_incidents(struct tend_buffer *out, const json_t *list)
{
    tend_buffer_put_text(out,
                         "<h2 id=\"incidents\">Incidents</h2><div class=\"card scroll\"><table><thead><tr>"
                         "<th>Incident</th><th class=\"n\">Took</th><th>Rules</th><th>Services</th><th>Culprit</th>"
                         "<th>Outcome</th><th>Mark</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < json_array_size(list); i++) {
        put_incident(out, json_array_get(list, i));
    }
    tend_buffer_put_text(out, "</tbody></table></div>\n");
}

void tend_ledger_page_render(const json_t *ledger, struct tend_buffer *out)
{
    tend_html_page_begin(out, "tend report", NULL);
    put_head(out, ledger);
    put_tiles(out, ledger);
    put_alarms(out, json_object_get(ledger, "rules"), "rules", "Rules", "Rule");
    tend_buffer_put_text(out,
                         "<p class=\"note\">An alarm of a rule is an incident in which it fired. Precision: the share "
                         "of marked ones that were real, with its 90 % interval (Wilson). Flaps: firings of the same "
                         "subject beyond the first in an incident.</p></div>\n");
    put_courses(out, json_object_get(ledger, "rules"));
    put_alarms(out, json_object_get(ledger, "services"), "services", "Services", "Service");
    tend_buffer_put_text(out, "</div>\n");
    put_incidents(out, json_object_get(ledger, "incidents"));
    tend_buffer_put_text(out, "</main>\n<footer>tend " TEND_VERSION "</footer>\n</body>\n</html>\n");
}

enum tend_status tend_ledger_page_write(const json_t *ledger, const char *path, struct tend_error *error)
{
    struct tend_buffer page;
    tend_buffer_init(&page);
    tend_ledger_page_render(ledger, &page);
    const enum tend_status status = tend_html_page_write(&page, path, error);
    tend_buffer_clear(&page);
    return status;
}
