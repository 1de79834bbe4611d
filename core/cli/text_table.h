#pragma once
/// Text table: rows of cells in aligned columns, for terminals.
///
/// A cell is written by appending to the buffer that tend_text_table_cell returns; it should be escaped already. Width
/// is counted in code points. Out of memory ends the process: this is for commands, not for the daemon.
/// Ownership: who inits clears.

#include "base/buffer.h"

enum { TEND_TEXT_TABLE_COLUMNS = 12 };

struct tend_text_table {
    size_t columns;
    const char *alignment; ///< a letter a column: 'l' left, 'r' right; borrowed
    size_t rows;
    struct tend_buffer *cells; ///< private: rows * columns
    size_t capacity;
    size_t next; ///< private: cells begun so far
};

/// @param alignment  as many letters as columns, at most TEND_TEXT_TABLE_COLUMNS
void tend_text_table_init(struct tend_text_table *table, const char *alignment);
void tend_text_table_clear(struct tend_text_table *table);

/// Begins the next cell, row by row. Valid until the next call.
struct tend_buffer *tend_text_table_cell(struct tend_text_table *table);
/// Begins the next cell and puts text in.
void tend_text_table_put(struct tend_text_table *table, const char *text);

/// Writes all rows, each after @p indent, two spaces between columns, none at the end of a line. A column that is empty
/// in all rows but the first @p heads of them is left out.
void tend_text_table_format(const struct tend_text_table *table, const char *indent, size_t heads,
                            struct tend_buffer *out);
