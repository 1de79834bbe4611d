#include "driver/sim/kept_records.h"

#include "base/hash_map.h"

#include <stdlib.h>
#include <string.h>

// Which records are the newest of their (kind, key).
static bool *find_newest(const struct tend_record *records, size_t count)
{
    struct tend_hash_map *seen;
    bool *newest = calloc(count + 1, sizeof *newest);
    struct tend_buffer key;
    TEND_ASSERT(newest != NULL && tend_hash_map_create(&seen) == TEND_OK);
    tend_buffer_init(&key);
    for (size_t i = count; i-- > 0;) {
        tend_buffer_reset(&key);
        tend_buffer_printf(&key, "%d %s", (int)records[i].kind, records[i].key);
        newest[i] = tend_hash_map_find(seen, key.data, key.size) == NULL;
        if (newest[i]) {
            TEND_ASSERT(tend_hash_map_set(seen, key.data, key.size, newest) == TEND_OK);
        }
    }
    tend_buffer_clear(&key);
    tend_hash_map_destroy(seen);
    return newest;
}

static void restore_steps(struct tend_engine *engine, const char *run, const struct tend_record *records, size_t count)
{
    const size_t bytes = strlen(run);
    for (size_t i = 0; i < count; i++) {
        if (records[i].kind == TEND_RECORD_STEP && strncmp(records[i].key, run, bytes) == 0 &&
            records[i].key[bytes] == '/') {
            tend_engine_restore(engine, &records[i]);
        }
    }
}

void tend_kept_records_restore(struct tend_engine *engine, const struct tend_record *records, size_t count)
{
    bool *newest = find_newest(records, count);
    for (size_t i = 0; i < count; i++) {
        if (newest[i] && records[i].open) {
            tend_engine_restore(engine, &records[i]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (newest[i] && records[i].open && records[i].kind == TEND_RECORD_RUN) {
            restore_steps(engine, records[i].key, records, count);
        }
    }
    free(newest);
}
