#include "cli/topology_text.h"

#include "cli/terminal.h"
#include "cli/text_table.h"

#include <math.h>
#include <string.h>

static const char *source_of(const json_t *edge)
{
    const bool declared = tend_json_bool(edge, "declared", false);
    const bool learned = tend_json_bool(edge, "learned", false);
    return declared && learned ? "declared, seen" : declared ? "declared" : "learned";
}

static void put_edge(const json_t *edge, struct tend_text_table *table)
{
    tend_terminal_put_member(tend_text_table_cell(table), edge, "from", "?");
    tend_terminal_put_member(tend_text_table_cell(table), edge, "to", "?");
    tend_text_table_put(table, source_of(edge));
    struct tend_buffer *cell = tend_text_table_cell(table);
    const double calls = tend_json_number(edge, "calls_per_s", (double)NAN);
    if (!isnan(calls)) {
        tend_buffer_printf(cell, "%.3g/s", calls);
    }
    static const char *const times[] = { "seen_ago_s", "age_s" };
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        cell = tend_text_table_cell(table);
        if (!isnan(tend_json_number(edge, times[i], (double)NAN))) {
            tend_terminal_put_span(cell, tend_json_number(edge, times[i], (double)NAN));
        }
    }
    tend_text_table_put(table, tend_json_bool(edge, "known", true) ? "" : "not a service of these rules");
}

static bool has_edge(const json_t *edges, const char *service)
{
    size_t i = 0;
    const json_t *edge = NULL;
    json_array_foreach(edges, i, edge)
    {
        if (strcmp(tend_json_text(edge, "from", ""), service) == 0 ||
            strcmp(tend_json_text(edge, "to", ""), service) == 0) {
            return true;
        }
    }
    return false;
}

void tend_topology_text_format(const json_t *answer, struct tend_buffer *out)
{
    static const char *const heads[] = { "SERVICE", "DEPENDS ON", "SOURCE", "CALLS", "SEEN AGO", "KNOWN FOR", "" };
    const json_t *edges = json_object_get(answer, "edges");
    struct tend_text_table table;
    tend_text_table_init(&table, "lllrrrl");
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        tend_text_table_put(&table, heads[i]);
    }
    size_t i = 0;
    const json_t *row = NULL;
    json_array_foreach(edges, i, row)
    {
        put_edge(row, &table);
    }
    if (json_array_size(edges) > 0) {
        tend_text_table_format(&table, "", 1, out);
    }
    tend_text_table_clear(&table);
    size_t alone = 0;
    json_array_foreach(json_object_get(answer, "services"), i, row)
    {
        if (!has_edge(edges, tend_json_text(row, "name", ""))) {
            tend_buffer_put_text(out, alone++ == 0 ? "no dependencies are known of " : ", ");
            tend_terminal_put_member(out, row, "name", "?");
        }
    }
    tend_buffer_put_text(out, alone > 0 ? "\n" : "");
}

// A quoted identifier of dot: a backslash and a quote are escaped, what is no printable character is shown as such.
static void put_quoted(const char *text, struct tend_buffer *out)
{
    struct tend_buffer shown;
    tend_buffer_init(&shown);
    tend_terminal_put(&shown, text);
    tend_buffer_put_text(out, "\"");
    for (const char *c = tend_buffer_text(&shown); *c != '\0'; c++) {
        if (*c == '"' || *c == '\\') {
            tend_buffer_put_text(out, "\\");
        }
        tend_buffer_put(out, c, 1);
    }
    tend_buffer_put_text(out, "\"");
    tend_buffer_clear(&shown);
}

void tend_topology_dot_format(const json_t *answer, struct tend_buffer *out)
{
    tend_buffer_put_text(out, "digraph services {\n  rankdir=LR;\n  node [shape=box];\n");
    size_t i = 0;
    const json_t *row = NULL;
    json_array_foreach(json_object_get(answer, "services"), i, row)
    {
        tend_buffer_put_text(out, "  ");
        put_quoted(tend_json_text(row, "name", "?"), out);
        tend_buffer_put_text(out, tend_json_bool(row, "out", false)      ? " [color=red];\n"
                                  : tend_json_bool(row, "watched", true) ? ";\n"
                                                                         : " [style=dotted];\n");
    }
    json_array_foreach(json_object_get(answer, "edges"), i, row)
    {
        tend_buffer_put_text(out, "  ");
        put_quoted(tend_json_text(row, "from", "?"), out);
        tend_buffer_put_text(out, " -> ");
        put_quoted(tend_json_text(row, "to", "?"), out);
        const double calls = tend_json_number(row, "calls_per_s", (double)NAN);
        const bool declared = tend_json_bool(row, "declared", false);
        if (!isnan(calls)) {
            tend_buffer_printf(out, " [label=\"%.3g/s\"%s]", calls, declared ? "" : ", style=dashed");
        } else if (!declared) {
            tend_buffer_put_text(out, " [style=dashed]");
        }
        tend_buffer_put_text(out, ";\n");
    }
    tend_buffer_put_text(out, "}\n");
}
