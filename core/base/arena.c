// Blocks of 16 kB or of what was asked for, newest first; each block serves from its start until it is full.

#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct tend_arena_block {
    struct tend_arena_block *older;
    size_t used;
    size_t capacity;
    alignas(max_align_t) unsigned char bytes[];
};

enum { BLOCK_BYTES = 16 * 1024 };

void tend_arena_init(struct tend_arena *arena)
{
    *arena = (struct tend_arena){ .newest = NULL };
}

void tend_arena_clear(struct tend_arena *arena)
{
    while (arena->newest != NULL) {
        struct tend_arena_block *older = arena->newest->older;
        free(arena->newest);
        arena->newest = older;
    }
    arena->bytes = 0;
}

void *tend_arena_alloc(struct tend_arena *arena, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / 4 / size) {
        return NULL;
    }
    const size_t align = alignof(max_align_t);
    const size_t wanted = (count * size + align - 1) / align * align;
    struct tend_arena_block *block = arena->newest;
    if (block == NULL || block->capacity - block->used < wanted) {
        const size_t capacity = wanted > BLOCK_BYTES ? wanted : BLOCK_BYTES;
        block = calloc(1, sizeof *block + capacity);
        if (block == NULL) {
            return NULL;
        }
        block->capacity = capacity;
        block->older = arena->newest;
        arena->newest = block;
        arena->bytes += sizeof *block + capacity;
    }
    void *memory = block->bytes + block->used;
    block->used += wanted;
    return memory;
}

char *tend_arena_copy(struct tend_arena *arena, const char *bytes, size_t count)
{
    char *copy = tend_arena_alloc(arena, count + 1, 1);
    if (copy != NULL && count > 0) {
        memcpy(copy, bytes, count);
    }
    return copy;
}

char *tend_arena_string(struct tend_arena *arena, const char *text)
{
    return text == NULL ? NULL : tend_arena_copy(arena, text, strlen(text));
}
