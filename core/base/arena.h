#pragma once
/// Arena: many small allocations that live and die together (a set of rules, a layout).
///
/// Ownership: what the arena returns lives until tend_arena_clear; nothing in it is freed alone. Memory comes zeroed
/// and aligned for any type. An allocation that fails returns NULL and leaves the arena usable.

#include <stddef.h>

struct tend_arena {
    struct tend_arena_block *newest; ///< private
    size_t bytes;                    ///< all memory held, for reports
};

void tend_arena_init(struct tend_arena *arena);
void tend_arena_clear(struct tend_arena *arena);
void *tend_arena_alloc(struct tend_arena *arena, size_t count, size_t size);      ///< zeroed; NULL when out of memory
char *tend_arena_copy(struct tend_arena *arena, const char *bytes, size_t count); ///< a copy with a NUL after it
char *tend_arena_string(struct tend_arena *arena, const char *text);              ///< NULL gives NULL
