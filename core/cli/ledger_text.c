#include "cli/ledger_text.h"

#include "cli/terminal.h"
#include "cli/text_table.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { INCIDENTS_SHOWN = 50 };

static void put_heads(struct tend_text_table *table, const char *const *heads)
{
    for (; *heads != NULL; heads++) {
        tend_text_table_put(table, *heads);
    }
}

static void put_count(struct tend_text_table *table, const json_t *tally, const char *key)
{
    tend_buffer_printf(tend_text_table_cell(table), "%" PRId64, tend_json_integer(tally, key, 0));
}

// "1.2 s", and the largest where there are more: "1.2 s (9 s)".
static void put_spread(struct tend_text_table *table, const json_t *tally, const char *key)
{
    const json_t *spread = json_object_get(tally, key);
    struct tend_buffer *cell = tend_text_table_cell(table);
    tend_terminal_put_span(cell, tend_json_number(spread, "median", (double)NAN));
    if (tend_json_integer(spread, "count", 0) > 1) {
        tend_buffer_put_text(cell, " (");
        tend_terminal_put_span(cell, tend_json_number(spread, "largest", (double)NAN));
        tend_buffer_put_text(cell, ")");
    }
}

static void put_precision(struct tend_text_table *table, const json_t *tally)
{
    const double precision = tend_json_number(tally, "precision", (double)NAN);
    struct tend_buffer *cell = tend_text_table_cell(table);
    if (isnan(precision)) {
        tend_buffer_put_text(cell, "-");
        return;
    }
    tend_buffer_printf(cell, "%.0f %% (%.0f-%.0f %%)", precision * 100,
                       tend_json_number(tally, "precision_low", 0) * 100,
                       tend_json_number(tally, "precision_high", 0) * 100);
}

static void put_per_week(struct tend_text_table *table, const json_t *tally)
{
    const double per_week = tend_json_number(tally, "per_week", (double)NAN);
    if (isnan(per_week)) {
        tend_text_table_put(table, "-");
    } else {
        tend_buffer_printf(tend_text_table_cell(table), "%.1f", per_week);
    }
}

static void put_alarms(const json_t *list, const char *what, struct tend_buffer *out)
{
    const char *const heads[] = { what,       "ALARMS",    "A WEEK", "REAL",     "FALSE",
                                  "UNMARKED", "PRECISION", "FLAPS",  "MESSAGES", NULL };
    struct tend_text_table table;
    tend_text_table_init(&table, "lrrrrrrrr");
    put_heads(&table, heads);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *tally = json_array_get(list, i);
        tend_terminal_put_member(tend_text_table_cell(&table), tally, "name", "?");
        put_count(&table, tally, "alarms");
        put_per_week(&table, tally);
        put_count(&table, tally, "real");
        put_count(&table, tally, "false");
        put_count(&table, tally, "unmarked");
        put_precision(&table, tally);
        put_count(&table, tally, "flaps");
        put_count(&table, tally, "messages");
    }
    tend_text_table_format(&table, "", 1, out);
    tend_text_table_clear(&table);
}

static void put_courses(const json_t *list, const char *what, struct tend_buffer *out)
{
    const char *const heads[] = {
        what,   "ONSET TO FIRED", "OUT TO FIRED", "FIRED TO TOLD", "LASTED", "RECOVERED AFTER",
        "RUNS", "CURED",          "ACTS",         "DRY RUNS",      NULL
    };
    struct tend_text_table table;
    tend_text_table_init(&table, "lrrrrrrrrr");
    put_heads(&table, heads);
    for (size_t i = 0; i < json_array_size(list); i++) {
        static const char *const spans[] = { "onset_to_fired_s", "began_to_fired_s", "fired_to_told_s", "lasted_s",
                                             "recovered_s" };
        const json_t *tally = json_array_get(list, i);
        tend_terminal_put_member(tend_text_table_cell(&table), tally, "name", "?");
        for (size_t s = 0; s < sizeof spans / sizeof spans[0]; s++) {
            put_spread(&table, tally, spans[s]);
        }
        put_count(&table, tally, "runs");
        put_count(&table, tally, "cured");
        put_count(&table, tally, "acts");
        put_count(&table, tally, "dry_runs");
    }
    tend_text_table_format(&table, "", 1, out);
    tend_text_table_clear(&table);
}

static void put_incident(const json_t *incident, struct tend_text_table *table)
{
    tend_terminal_put_member(tend_text_table_cell(table), incident, "id", "?");
    tend_terminal_put_time(tend_text_table_cell(table), tend_terminal_wall_ms(json_object_get(incident, "opened")));
    tend_terminal_put_span(tend_text_table_cell(table), tend_json_number(incident, "took_s", (double)NAN));
    tend_terminal_put_member(tend_text_table_cell(table), incident, "outcome", tend_json_text(incident, "state", "?"));
    tend_terminal_put_member(tend_text_table_cell(table), incident, "mark", "-");
    tend_terminal_put_names(tend_text_table_cell(table), json_object_get(incident, "rules"), "name");
    tend_terminal_put_names(tend_text_table_cell(table), json_object_get(incident, "services"), "name");
    tend_terminal_put_names(tend_text_table_cell(table), json_object_get(incident, "culprits"), "service");
    tend_terminal_put_member(tend_text_table_cell(table), incident, "why", "");
}

static void put_incidents(const json_t *list, struct tend_buffer *out)
{
    static const char *const heads[] = { "ID",    "OPENED",   "TOOK",    "OUTCOME", "MARK",
                                         "RULES", "SERVICES", "CULPRIT", "WHY",     NULL };
    struct tend_text_table table;
    tend_text_table_init(&table, "llrllllll");
    put_heads(&table, heads);
    const size_t count = json_array_size(list);
    for (size_t i = 0; i < count && i < INCIDENTS_SHOWN; i++) {
        put_incident(json_array_get(list, i), &table);
    }
    tend_text_table_format(&table, "", 1, out);
    tend_text_table_clear(&table);
    if (count > INCIDENTS_SHOWN) {
        tend_buffer_printf(out, "and %zu older ones; --json and --html list them all\n", count - INCIDENTS_SHOWN);
    }
}

void tend_ledger_text_format(const json_t *ledger, struct tend_buffer *out)
{
    const json_t *sums = json_object_get(ledger, "sums");
    tend_terminal_put_time(out, tend_terminal_wall_ms(json_object_get(ledger, "from")));
    tend_buffer_put_text(out, " to ");
    tend_terminal_put_time(out, tend_terminal_wall_ms(json_object_get(ledger, "until")));
    tend_buffer_put_text(out, ", of which the journal covers ");
    tend_terminal_put_span(out, tend_json_number(ledger, "covered_s", (double)NAN));
    tend_buffer_printf(out,
                       "\n%" PRId64 " incidents (%" PRId64 " open): %" PRId64 " marked real, %" PRId64
                       " false, %" PRId64 " not marked\n",
                       tend_json_integer(sums, "incidents", 0), tend_json_integer(sums, "open", 0),
                       tend_json_integer(sums, "real", 0), tend_json_integer(sums, "false", 0),
                       tend_json_integer(sums, "unmarked", 0));
    const json_t *rules = json_object_get(ledger, "rules");
    if (json_array_size(rules) == 0) {
        return;
    }
    tend_buffer_put_text(out,
                         "\nalarms of each rule: the incidents in which it fired; precision with its 90 % interval\n");
    put_alarms(rules, "RULE", out);
    tend_buffer_put_text(out, "\nhow they went: medians (the largest)\n");
    put_courses(rules, "RULE", out);
    tend_buffer_put_text(out, "\nby service\n");
    put_alarms(json_object_get(ledger, "services"), "SERVICE", out);
    tend_buffer_put_text(out, "\nincidents, newest first; tend explain ID tells the story of one\n");
    put_incidents(json_object_get(ledger, "incidents"), out);
}
