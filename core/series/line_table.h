#pragma once
/// Line table: the series lines that a target has sent, as bytes, each with what the decoder knows of it.
///
/// A line's id is its index; ids stay as they are until keep_placed. Keyed hash: a target cannot choose collisions.
/// Ownership: who creates a table destroys it; it copies the lines. Threads: one.

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

#define TEND_NO_LINE UINT32_MAX
#define TEND_NO_POSITION UINT32_MAX

struct tend_line {
    uint64_t hash;
    size_t offset;     ///< of its bytes
    uint32_t bytes;    ///< their number
    uint32_t column;   ///< the decoder's
    uint32_t position; ///< the decoder's: where the last body had it, or TEND_NO_POSITION
};

struct tend_line_table;

/// @param[out] out  set on success, else left as it was  @return TEND_OK or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_line_table_create(struct tend_line_table **out);
void tend_line_table_destroy(struct tend_line_table *table); ///< NULL is allowed

size_t tend_line_table_count(const struct tend_line_table *table);
struct tend_line *tend_line_table_line(const struct tend_line_table *table, uint32_t id); ///< until the next add
/// Whether a line has just these bytes.
bool tend_line_table_is(const struct tend_line_table *table, uint32_t id, const char *text, size_t bytes);
/// The id of a line, or TEND_NO_LINE.
uint32_t tend_line_table_find(const struct tend_line_table *table, const char *text, size_t bytes);
/// Adds a line that is not held, without a position; its id is the count before.
/// @return TEND_OK; TEND_E_LIMIT (a line of 4 GB) or TEND_E_NOMEM and nothing was changed
TEND_MUST_CHECK enum tend_status tend_line_table_add(struct tend_line_table *table, const char *text, size_t bytes,
                                                     uint32_t column);
/// Takes back the newest lines until @p count are left.
void tend_line_table_truncate(struct tend_line_table *table, size_t count);
/// Gives back the room that growing took in advance; does nothing until lines were added again.
void tend_line_table_trim(struct tend_line_table *table);
/// Forgets all lines without a position. The others keep their order and get new ids.
void tend_line_table_keep_placed(struct tend_line_table *table);
