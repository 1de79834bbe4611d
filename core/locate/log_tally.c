// Hashes lie in an array of their own, which is searched from its front: of few templates that is as quick as a map,
// and templates that come often came first.

#include "locate/log_tally.h"

#include <stdlib.h>
#include <string.h>

enum { SMALL = 32 };

uint64_t tend_log_template_hash(enum tend_line_level level, const char *template, size_t bytes)
{
    uint64_t hash = UINT64_C(14695981039346656037) ^ (uint64_t)level; // FNV-1a
    for (size_t i = 0; i < bytes; i++) {
        hash = (hash ^ (unsigned char)template[i]) * UINT64_C(1099511628211);
    }
    return hash;
}

void tend_log_tally_init(struct tend_log_tally *tally)
{
    *tally = (struct tend_log_tally){ .counts = NULL };
}

void tend_log_tally_clear(struct tend_log_tally *tally)
{
    free(tally->counts);
    free(tally->hashes);
    tend_log_tally_init(tally);
}

void tend_log_tally_empty(struct tend_log_tally *tally)
{
    if (tally->capacity > SMALL) {
        tend_log_tally_clear(tally);
    }
    tally->count = 0;
    tally->is_grave = false;
}

static enum tend_status make_room(struct tend_log_tally *tally)
{
    if (tally->count < tally->capacity) {
        return TEND_OK;
    }
    const size_t capacity = tally->capacity == 0 ? 8 : 2 * tally->capacity;
    struct tend_log_count *counts = reallocarray(tally->counts, capacity, sizeof *counts);
    if (counts == NULL) {
        return TEND_E_NOMEM;
    }
    tally->counts = counts;
    uint64_t *hashes = reallocarray(tally->hashes, capacity, sizeof *hashes);
    if (hashes == NULL) {
        return TEND_E_NOMEM;
    }
    tally->hashes = hashes;
    tally->capacity = capacity;
    return TEND_OK;
}

static struct tend_log_count *find(const struct tend_log_tally *tally, uint64_t hash, enum tend_line_level level,
                                   const char *template, size_t bytes)
{
    for (size_t i = 0; i < tally->count; i++) {
        struct tend_log_count *count = &tally->counts[i];
        if (tally->hashes[i] == hash && count->level == level && memcmp(count->text, template, bytes) == 0 &&
            count->text[bytes] == '\0') {
            return count;
        }
    }
    return NULL;
}

enum tend_status tend_log_tally_add(struct tend_log_tally *tally, enum tend_line_level level, const char *template,
                                    size_t bytes, int64_t at_ms)
{
    TEND_ASSERT(bytes <= TEND_LOG_TEMPLATE_BYTES);
    uint64_t hash = tend_log_template_hash(level, template, bytes);
    struct tend_log_count *count = find(tally, hash, level, template, bytes);
    if (count == NULL && tally->count >= TEND_LOG_TEMPLATES_MAX) {
        template = TEND_LOG_OTHER;
        bytes = sizeof TEND_LOG_OTHER - 1;
        hash = tend_log_template_hash(level, template, bytes);
        count = find(tally, hash, level, template, bytes);
    }
    if (count == NULL) {
        if (make_room(tally) != TEND_OK) {
            return TEND_E_NOMEM;
        }
        tally->hashes[tally->count] = hash;
        count = &tally->counts[tally->count++];
        *count = (struct tend_log_count){ .level = level, .first_ms = at_ms };
        memcpy(count->text, template, bytes);
    }
    tally->is_grave = tally->is_grave || level != TEND_LINE_INFO;
    count->lines++;
    return TEND_OK;
}
