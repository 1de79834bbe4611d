#include "cli/text_table.h"

#include "parse/utf8.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tend_text_table_init(struct tend_text_table *table, const char *alignment)
{
    *table = (struct tend_text_table){ .columns = strlen(alignment), .alignment = alignment };
    TEND_ASSERT(table->columns > 0 && table->columns <= TEND_TEXT_TABLE_COLUMNS);
}

void tend_text_table_clear(struct tend_text_table *table)
{
    for (size_t i = 0; i < table->next; i++) {
        tend_buffer_clear(&table->cells[i]);
    }
    free(table->cells);
    *table = (struct tend_text_table){ .columns = table->columns, .alignment = table->alignment };
}

struct tend_buffer *tend_text_table_cell(struct tend_text_table *table)
{
    if (table->next == table->capacity) {
        const size_t capacity = table->capacity > 0 ? table->capacity * 2 : 16 * table->columns;
        struct tend_buffer *cells = reallocarray(table->cells, capacity, sizeof *cells);
        if (cells == NULL) {
            (void)fputs("tend: out of memory\n", stderr); // a client: there is nothing to save
            abort();
        }
        table->cells = cells;
        table->capacity = capacity;
    }
    struct tend_buffer *cell = &table->cells[table->next++];
    table->rows = (table->next + table->columns - 1) / table->columns;
    tend_buffer_init(cell);
    return cell;
}

void tend_text_table_put(struct tend_text_table *table, const char *text)
{
    tend_buffer_put_text(tend_text_table_cell(table), text);
}

static const struct tend_buffer *cell_at(const struct tend_text_table *table, size_t row, size_t column)
{
    static const struct tend_buffer empty = { .data = NULL };
    const size_t index = row * table->columns + column;
    return index < table->next ? &table->cells[index] : &empty;
}

static size_t width_of(const struct tend_buffer *cell)
{
    return cell->size > 0 ? tend_utf8_count(cell->data, cell->size) : 0;
}

static void put_spaces(struct tend_buffer *out, size_t count)
{
    for (; count > 0; count--) {
        tend_buffer_put(out, " ", 1);
    }
}

// What is known of the columns before the first line is written.
struct layout {
    size_t widths[TEND_TEXT_TABLE_COLUMNS];
    bool shown[TEND_TEXT_TABLE_COLUMNS];
};

static struct layout lay_out(const struct tend_text_table *table, size_t heads)
{
    struct layout layout = { .widths = { 0 } };
    for (size_t row = 0; row < table->rows; row++) {
        for (size_t column = 0; column < table->columns; column++) {
            const size_t width = width_of(cell_at(table, row, column));
            layout.widths[column] = width > layout.widths[column] ? width : layout.widths[column];
            layout.shown[column] = layout.shown[column] || (row >= heads && width > 0);
        }
    }
    return layout;
}

static void put_row(const struct tend_text_table *table, const struct layout *layout, size_t row,
                    struct tend_buffer *out)
{
    size_t owed = 0; // spaces that are written only when something follows
    for (size_t column = 0; column < table->columns; column++) {
        if (!layout->shown[column]) {
            continue;
        }
        const struct tend_buffer *cell = cell_at(table, row, column);
        const size_t width = width_of(cell);
        const size_t pad = layout->widths[column] - width;
        const bool right = table->alignment[column] == 'r';
        owed += right ? pad : 0;
        if (width > 0) {
            put_spaces(out, owed);
            tend_buffer_put(out, cell->data, cell->size);
            owed = 0;
        }
        owed += (right ? 0 : pad) + 2;
    }
}

void tend_text_table_format(const struct tend_text_table *table, const char *indent, size_t heads,
                            struct tend_buffer *out)
{
    const struct layout layout = lay_out(table, heads);
    for (size_t row = 0; row < table->rows; row++) {
        tend_buffer_put_text(out, indent);
        put_row(table, &layout, row, out);
        tend_buffer_put_text(out, "\n");
    }
}
