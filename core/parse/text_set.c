// Open addressing with linear probing, at most half full. A place is taken when its generation is the set's.

#include "parse/text_set.h"

#include "base/hash_map.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct tend_text_set_place {
    uint64_t hash;
    size_t offset;
    size_t bytes;
    uint32_t generation;
};

void tend_text_set_init(struct tend_text_set *set)
{
    *set = (struct tend_text_set){ .generation = 1 };
    tend_buffer_init(&set->bytes);
    if (getrandom(set->key, sizeof set->key, GRND_NONBLOCK) != (ssize_t)sizeof set->key) {
        memset(set->key, 0x5a, sizeof set->key); // early boot or a filter: still a set, with a known key
    }
}

void tend_text_set_clear(struct tend_text_set *set)
{
    tend_buffer_clear(&set->bytes);
    free(set->places);
    set->places = NULL;
    set->capacity = 0;
    set->count = 0;
}

void tend_text_set_reset(struct tend_text_set *set)
{
    tend_buffer_reset(&set->bytes);
    set->count = 0;
    set->generation++;
    if (set->generation == 0) { // wrapped: old places could look taken
        if (set->places != NULL) {
            memset(set->places, 0, set->capacity * sizeof *set->places);
        }
        set->generation = 1;
    }
}

static enum tend_status grow(struct tend_text_set *set)
{
    const size_t capacity = set->capacity == 0 ? 64 : set->capacity * 2;
    struct tend_text_set_place *places = calloc(capacity, sizeof *places);
    if (places == NULL) {
        return TEND_E_NOMEM;
    }
    for (size_t i = 0; i < set->capacity; i++) {
        if (set->places[i].generation != set->generation) {
            continue;
        }
        size_t j = set->places[i].hash & (capacity - 1);
        while (places[j].generation == set->generation) {
            j = (j + 1) & (capacity - 1);
        }
        places[j] = set->places[i];
    }
    free(set->places);
    set->places = places;
    set->capacity = capacity;
    return TEND_OK;
}

enum tend_status tend_text_set_add(struct tend_text_set *set, const char *text, size_t bytes, bool *added)
{
    if ((set->count + 1) * 2 > set->capacity) {
        const enum tend_status status = grow(set);
        if (status != TEND_OK) {
            return status;
        }
    }
    const uint64_t hash = tend_siphash(set->key, text, bytes);
    size_t i = hash & (set->capacity - 1);
    for (; set->places[i].generation == set->generation; i = (i + 1) & (set->capacity - 1)) {
        const struct tend_text_set_place *place = &set->places[i];
        if (place->hash == hash && place->bytes == bytes &&
            (bytes == 0 || memcmp(set->bytes.data + place->offset, text, bytes) == 0)) {
            *added = false;
            return TEND_OK;
        }
    }
    const size_t offset = set->bytes.size;
    tend_buffer_put(&set->bytes, text, bytes);
    if (set->bytes.failed) {
        return TEND_E_NOMEM;
    }
    set->places[i] =
        (struct tend_text_set_place){ .hash = hash, .offset = offset, .bytes = bytes, .generation = set->generation };
    set->count++;
    *added = true;
    return TEND_OK;
}
