#include "cli/incidents_text.h"

#include "cli/terminal.h"
#include "cli/text_table.h"

#include <math.h>

static void put_took(const json_t *incident, struct tend_buffer *out)
{
    const int64_t opened_ms = tend_terminal_wall_ms(json_object_get(incident, "opened"));
    const int64_t ended_ms = tend_terminal_wall_ms(json_object_get(incident, "ended"));
    const bool known = opened_ms >= 0 && ended_ms >= opened_ms;
    tend_terminal_put_span(out, known ? (double)(ended_ms - opened_ms) / 1000.0 : (double)NAN);
}

static void put_culprits(const json_t *incident, struct tend_buffer *out)
{
    const json_t *culprits = json_object_get(incident, "culprits");
    size_t i = 0;
    const json_t *culprit = NULL;
    json_array_foreach(culprits, i, culprit)
    {
        const double confidence = tend_json_number(culprit, "confidence", (double)NAN);
        tend_buffer_put_text(out, i > 0 ? ", " : "");
        tend_terminal_put(out, json_is_string(culprit) ? json_string_value(culprit)
                                                       : tend_json_text(culprit, "service", "?"));
        if (!isnan(confidence)) {
            tend_buffer_printf(out, " %.2f", confidence);
        }
    }
    if (json_array_size(culprits) == 0) {
        tend_buffer_put_text(out, "-");
    }
}

static void put_runs(const json_t *incident, struct tend_buffer *out)
{
    size_t i = 0;
    const json_t *run = NULL;
    json_array_foreach(json_object_get(incident, "runs"), i, run)
    {
        tend_buffer_put_text(out, i > 0 ? ", " : "");
        tend_terminal_put_member(out, run, "playbook", "?");
        tend_buffer_put_text(out, ": ");
        const bool dry = tend_json_bool(run, "dry", false);
        tend_terminal_put_member(out, run, "outcome", dry ? "dry" : "running");
    }
}

void tend_incidents_text_format(const json_t *incidents, struct tend_buffer *out)
{
    static const char *const heads[] = { "ID",   "OPENED",  "STATE",    "TOOK", "SEVERITY",
                                         "MARK", "CULPRIT", "SERVICES", "RUNS", "SUMMARY" };
    const json_t *list = json_object_get(incidents, "incidents");
    if (json_array_size(list) == 0) {
        tend_buffer_put_text(out, "no incidents\n");
        return;
    }
    struct tend_text_table table;
    tend_text_table_init(&table, "lllrllllll");
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        tend_text_table_put(&table, heads[i]);
    }
    size_t i = 0;
    const json_t *incident = NULL;
    json_array_foreach(list, i, incident)
    {
        tend_terminal_put_member(tend_text_table_cell(&table), incident, "id", "?");
        tend_terminal_put_time(tend_text_table_cell(&table),
                               tend_terminal_wall_ms(json_object_get(incident, "opened")));
        const char *state = tend_json_text(incident, "state", "?");
        tend_terminal_put_member(tend_text_table_cell(&table), incident, "outcome", state);
        put_took(incident, tend_text_table_cell(&table));
        tend_terminal_put_member(tend_text_table_cell(&table), incident, "severity", "-");
        tend_terminal_put_member(tend_text_table_cell(&table), json_object_get(incident, "mark"), "mark", "");
        put_culprits(incident, tend_text_table_cell(&table));
        tend_terminal_put_names(tend_text_table_cell(&table), json_object_get(incident, "services"), "name");
        put_runs(incident, tend_text_table_cell(&table));
        tend_terminal_put_member(tend_text_table_cell(&table), incident, "summary", "");
    }
    tend_text_table_format(&table, "", 1, out);
    tend_text_table_clear(&table);
}
