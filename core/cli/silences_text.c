#include "cli/silences_text.h"

#include "cli/terminal.h"
#include "cli/text_table.h"

#include <string.h>

static void put_row(const json_t *silence, struct tend_text_table *table)
{
    tend_terminal_put_member(tend_text_table_cell(table), silence, "id", "?");
    tend_terminal_put_member(tend_text_table_cell(table), silence, "kind", "?");
    struct tend_buffer *cell = tend_text_table_cell(table);
    tend_terminal_put_member(cell, silence, "on", "?");
    static const char *const more[][2] = { { "rule", ", rule " }, { "version", ", version " }, { "changed", ", " } };
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
        if (json_is_string(json_object_get(silence, more[i][0]))) {
            tend_buffer_put_text(cell, more[i][1]);
            tend_terminal_put_member(cell, silence, more[i][0], "");
        }
    }
    tend_terminal_put_time(tend_text_table_cell(table),
                           tend_terminal_wall_ms(json_object_get(silence, "since_wall_ms")));
    cell = tend_text_table_cell(table);
    const int64_t until_ms = tend_terminal_wall_ms(json_object_get(silence, "until_wall_ms"));
    if (until_ms >= 0) {
        tend_terminal_put_time(cell, until_ms);
    } else {
        tend_terminal_put_member(cell, silence, "ends", "-");
    }
    tend_terminal_put_member(tend_text_table_cell(table), silence, "who", "");
    tend_terminal_put_member(tend_text_table_cell(table), silence, "why", "");
}

void tend_silences_text_put(const json_t *status, const char *indent, struct tend_buffer *out)
{
    static const char *const heads[] = { "ID", "KIND", "ON", "SINCE", "UNTIL", "BY", "WHY" };
    struct tend_text_table table;
    tend_text_table_init(&table, "lllllll");
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        tend_text_table_put(&table, heads[i]);
    }
    size_t i = 0;
    const json_t *silence = NULL;
    json_array_foreach(json_object_get(status, "silences"), i, silence)
    {
        put_row(silence, &table);
    }
    tend_text_table_format(&table, indent, 1, out);
    tend_text_table_clear(&table);
}
