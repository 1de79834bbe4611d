// Open addressing with linear probing over a power-of-two table, at most 3/4 full; removal shifts the run back, so
// there are no tombstones. SipHash-1-3 is from Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012), with
// the round counts that other runtimes use for their tables.

#include "base/hash_map.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct entry {
    uint64_t hash;
    char *key; // NULL: the place is free
    size_t key_bytes;
    void *value;
};

struct tend_hash_map {
    uint64_t seed[2];
    struct entry *entries;
    size_t capacity;
    size_t count;
};

static inline uint64_t rotate(uint64_t value, unsigned by)
{
    return (value << by) | (value >> (64 - by));
}

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

uint64_t tend_siphash(const uint64_t key[2], const void *bytes, size_t count)
{
    uint64_t v[4] = { UINT64_C(0x736f6d6570736575) ^ key[0], UINT64_C(0x646f72616e646f6d) ^ key[1],
                      UINT64_C(0x6c7967656e657261) ^ key[0], UINT64_C(0x7465646279746573) ^ key[1] };
    const unsigned char *in = bytes;
    size_t left = count;
    for (; left >= 8; left -= 8, in += 8) {
        uint64_t word = 0;
        for (unsigned i = 0; i < 8; i++) {
            word |= (uint64_t)in[i] << (8 * i);
        }
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    uint64_t last = (uint64_t)count << 56;
    for (unsigned i = 0; i < left; i++) {
        last |= (uint64_t)in[i] << (8 * i);
    }
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

enum tend_status tend_hash_map_create(struct tend_hash_map **out)
{
    struct tend_hash_map *map = calloc(1, sizeof *map);
    if (map == NULL) {
        return TEND_E_NOMEM;
    }
    if (getrandom(map->seed, sizeof map->seed, GRND_NONBLOCK) != (ssize_t)sizeof map->seed) {
        memset(map->seed, 0x5a, sizeof map->seed); // early boot or a filter: still a map, with a known key
    }
    *out = map;
    return TEND_OK;
}

void tend_hash_map_destroy(struct tend_hash_map *map)
{
    if (map == NULL) {
        return;
    }
    for (size_t i = 0; i < map->capacity; i++) {
        free(map->entries[i].key);
    }
    free(map->entries);
    free(map);
}

// The place of the key, or the free place where it would go. The table must not be empty.
static size_t place_of(const struct tend_hash_map *map, uint64_t hash, const void *key, size_t key_bytes)
{
    size_t i = hash & (map->capacity - 1);
    while (map->entries[i].key != NULL) {
        const struct entry *entry = &map->entries[i];
        if (entry->hash == hash && entry->key_bytes == key_bytes && memcmp(entry->key, key, key_bytes) == 0) {
            break;
        }
        i = (i + 1) & (map->capacity - 1);
    }
    return i;
}

void *tend_hash_map_find(const struct tend_hash_map *map, const void *key, size_t key_bytes)
{
    if (map->count == 0) {
        return NULL;
    }
    const struct entry *entry = &map->entries[place_of(map, tend_siphash(map->seed, key, key_bytes), key, key_bytes)];
    return entry->key == NULL ? NULL : entry->value;
}

static enum tend_status grow(struct tend_hash_map *map)
{
    const size_t capacity = map->capacity == 0 ? 16 : map->capacity * 2;
    struct entry *entries = calloc(capacity, sizeof *entries);
    if (entries == NULL) {
        return TEND_E_NOMEM;
    }
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->entries[i].key == NULL) {
            continue;
        }
        size_t j = map->entries[i].hash & (capacity - 1);
        while (entries[j].key != NULL) {
            j = (j + 1) & (capacity - 1);
        }
        entries[j] = map->entries[i];
    }
    free(map->entries);
    map->entries = entries;
    map->capacity = capacity;
    return TEND_OK;
}

enum tend_status tend_hash_map_set(struct tend_hash_map *map, const void *key, size_t key_bytes, void *value)
{
    TEND_ASSERT(value != NULL);
    if ((map->count + 1) * 4 > map->capacity * 3) {
        const enum tend_status status = grow(map);
        if (status != TEND_OK) {
            return status;
        }
    }
    const uint64_t hash = tend_siphash(map->seed, key, key_bytes);
    struct entry *entry = &map->entries[place_of(map, hash, key, key_bytes)];
    if (entry->key == NULL) {
        char *copy = malloc(key_bytes + 1);
        if (copy == NULL) {
            return TEND_E_NOMEM;
        }
        if (key_bytes > 0) {
            memcpy(copy, key, key_bytes);
        }
        copy[key_bytes] = '\0';
        *entry = (struct entry){ .hash = hash, .key = copy, .key_bytes = key_bytes };
        map->count++;
    }
    entry->value = value;
    return TEND_OK;
}

bool tend_hash_map_remove(struct tend_hash_map *map, const void *key, size_t key_bytes)
{
    if (map->count == 0) {
        return false;
    }
    const size_t mask = map->capacity - 1;
    size_t hole = place_of(map, tend_siphash(map->seed, key, key_bytes), key, key_bytes);
    if (map->entries[hole].key == NULL) {
        return false;
    }
    free(map->entries[hole].key);
    map->entries[hole].key = NULL;
    map->count--;
    for (size_t i = (hole + 1) & mask; map->entries[i].key != NULL; i = (i + 1) & mask) {
        const size_t home = map->entries[i].hash & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            map->entries[hole] = map->entries[i];
            map->entries[i].key = NULL;
            hole = i;
        }
    }
    return true;
}

size_t tend_hash_map_count(const struct tend_hash_map *map)
{
    return map->count;
}
