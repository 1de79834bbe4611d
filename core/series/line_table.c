// Lines in the order of their arrival, their bytes one after the other in a single buffer, and an open-addressing table
// of ids (linear probing, at most half full).
//
// Why not base/hash_map: it would hold the bytes a second time, and it cannot forget most of its keys in one pass.
// Why truncate may simply free places: lines leave in the reverse order of their coming, growing re-inserts in the
// order of ids, so no line that stays was ever pushed on by one that goes.

#include "series/line_table.h"

#include "base/hash_map.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct tend_line_table {
    uint64_t seed[2];
    struct tend_line *lines;
    size_t count;
    size_t capacity;
    char *text;
    size_t text_bytes;
    size_t text_capacity;
    uint32_t *places;   // ids, TEND_NO_LINE: free
    bool trimmed;       // nothing was added since trim
    size_t place_count; // 0 or a power of two, at least 2 * count
};

enum tend_status tend_line_table_create(struct tend_line_table **out)
{
    struct tend_line_table *table = calloc(1, sizeof *table);
    if (table == NULL) {
        return TEND_E_NOMEM;
    }
    if (getrandom(table->seed, sizeof table->seed, GRND_NONBLOCK) != (ssize_t)sizeof table->seed) {
        memset(table->seed, 0x5a, sizeof table->seed); // early boot or a filter: still a table, with a known key
    }
    *out = table;
    return TEND_OK;
}

void tend_line_table_destroy(struct tend_line_table *table)
{
    if (table == NULL) {
        return;
    }
    free(table->places);
    free(table->text);
    free(table->lines);
    free(table);
}

size_t tend_line_table_count(const struct tend_line_table *table)
{
    return table->count;
}

struct tend_line *tend_line_table_line(const struct tend_line_table *table, uint32_t id)
{
    TEND_ASSERT(id < table->count);
    return &table->lines[id];
}

bool tend_line_table_is(const struct tend_line_table *table, uint32_t id, const char *text, size_t bytes)
{
    const struct tend_line *line = &table->lines[id];
    return line->bytes == bytes && memcmp(table->text + line->offset, text, bytes) == 0;
}

uint32_t tend_line_table_find(const struct tend_line_table *table, const char *text, size_t bytes)
{
    if (table->count == 0) {
        return TEND_NO_LINE;
    }
    const uint64_t hash = tend_siphash(table->seed, text, bytes);
    const size_t mask = table->place_count - 1;
    for (size_t place = hash & mask; table->places[place] != TEND_NO_LINE; place = (place + 1) & mask) {
        const uint32_t id = table->places[place];
        if (table->lines[id].hash == hash && tend_line_table_is(table, id, text, bytes)) {
            return id;
        }
    }
    return TEND_NO_LINE;
}

static void put_in_place(uint32_t *places, size_t place_count, uint64_t hash, uint32_t id)
{
    const size_t mask = place_count - 1;
    size_t place = hash & mask;
    while (places[place] != TEND_NO_LINE) {
        place = (place + 1) & mask;
    }
    places[place] = id;
}

static void put_all_in_place(const struct tend_line_table *table, uint32_t *places, size_t place_count)
{
    memset(places, 0xff, place_count * sizeof *places); // all TEND_NO_LINE
    for (size_t id = 0; id < table->count; id++) {
        put_in_place(places, place_count, table->lines[id].hash, (uint32_t)id);
    }
}

static enum tend_status make_room_for_a_line(struct tend_line_table *table)
{
    if (table->count == table->capacity) {
        const size_t capacity = table->capacity == 0 ? 16 : table->capacity * 2;
        struct tend_line *lines = realloc(table->lines, capacity * sizeof *lines);
        if (lines == NULL) {
            return TEND_E_NOMEM;
        }
        table->lines = lines;
        table->capacity = capacity;
    }
    if ((table->count + 1) * 2 > table->place_count) {
        const size_t place_count = table->place_count == 0 ? 32 : table->place_count * 2;
        uint32_t *places = malloc(place_count * sizeof *places);
        if (places == NULL) {
            return TEND_E_NOMEM;
        }
        put_all_in_place(table, places, place_count);
        free(table->places);
        table->places = places;
        table->place_count = place_count;
    }
    return TEND_OK;
}

static enum tend_status make_room_for_text(struct tend_line_table *table, size_t bytes)
{
    if (table->text_capacity - table->text_bytes >= bytes) {
        return TEND_OK;
    }
    size_t capacity = table->text_capacity == 0 ? 512 : table->text_capacity * 2;
    while (capacity - table->text_bytes < bytes) {
        capacity *= 2;
    }
    char *text = realloc(table->text, capacity);
    if (text == NULL) {
        return TEND_E_NOMEM;
    }
    table->text = text;
    table->text_capacity = capacity;
    return TEND_OK;
}

enum tend_status tend_line_table_add(struct tend_line_table *table, const char *text, size_t bytes, uint32_t column)
{
    if (bytes > UINT32_MAX || table->count >= UINT32_MAX / 2) {
        return TEND_E_LIMIT;
    }
    enum tend_status status = make_room_for_a_line(table);
    if (status == TEND_OK) {
        status = make_room_for_text(table, bytes + 1); // one more, so that the text of an empty first line is no NULL
    }
    if (status != TEND_OK) {
        return status;
    }
    memcpy(table->text + table->text_bytes, text, bytes);
    const struct tend_line line = { .hash = tend_siphash(table->seed, text, bytes),
                                    .offset = table->text_bytes,
                                    .bytes = (uint32_t)bytes,
                                    .column = column,
                                    .position = TEND_NO_POSITION };
    table->text_bytes += bytes;
    table->lines[table->count] = line;
    put_in_place(table->places, table->place_count, line.hash, (uint32_t)table->count);
    table->count++;
    table->trimmed = false;
    return TEND_OK;
}

void tend_line_table_truncate(struct tend_line_table *table, size_t count)
{
    while (table->count > count) {
        const size_t id = --table->count;
        const size_t mask = table->place_count - 1;
        size_t place = table->lines[id].hash & mask;
        while (table->places[place] != id) {
            place = (place + 1) & mask;
        }
        table->places[place] = TEND_NO_LINE;
        table->text_bytes = table->lines[id].offset;
    }
}

void tend_line_table_trim(struct tend_line_table *table)
{
    if (table->trimmed || table->count == 0) {
        return;
    }
    table->trimmed = true; // a failed shrink keeps the larger block, which is no harm
    struct tend_line *lines = realloc(table->lines, table->count * sizeof *lines);
    if (lines != NULL) {
        table->lines = lines;
        table->capacity = table->count;
    }
    char *text = realloc(table->text, table->text_bytes + 1);
    if (text != NULL) {
        table->text = text;
        table->text_capacity = table->text_bytes + 1;
    }
}

void tend_line_table_keep_placed(struct tend_line_table *table)
{
    size_t kept = 0;
    size_t text_bytes = 0;
    for (size_t id = 0; id < table->count; id++) {
        struct tend_line line = table->lines[id];
        if (line.position == TEND_NO_POSITION) {
            continue;
        }
        memmove(table->text + text_bytes, table->text + line.offset, line.bytes);
        line.offset = text_bytes;
        text_bytes += line.bytes;
        table->lines[kept++] = line;
    }
    table->count = kept;
    table->text_bytes = text_bytes;
    table->trimmed = false;
    if (table->place_count > 0) {
        while (table->place_count > 32 && table->count * 8 < table->place_count) {
            table->place_count /= 2; // the block shrinks when it is next made anew
        }
        put_all_in_place(table, table->places, table->place_count);
    }
}
