// Keys lie in an array of their own, which is searched from its front: of few templates that is as quick as a map,
// and templates that come often came first.

#include "locate/log_tally.h"

#include "base/fnv.h"

#include <stdlib.h>
#include <string.h>

enum { SMALL = 32 };

uint64_t tend_log_template_hash(enum tend_line_level level, const char *template, size_t bytes)
{
    uint64_t hash = TEND_FNV_BEGIN ^ (uint64_t)level;
    for (size_t i = 0; i < bytes; i++) {
        hash = tend_fnv(hash, (unsigned char)template[i]);
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
    free(tally->keys);
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
    struct tend_log_key *keys = reallocarray(tally->keys, capacity, sizeof *keys);
    if (keys == NULL) {
        return TEND_E_NOMEM;
    }
    tally->keys = keys;
    tally->capacity = capacity;
    return TEND_OK;
}

static struct tend_log_count *find(const struct tend_log_tally *tally, uint64_t hash, enum tend_line_level level,
                                   const char *template, size_t bytes)
{
    for (size_t i = 0; i < tally->count; i++) {
        struct tend_log_count *count = &tally->counts[i];
        if (tally->keys[i].hash == hash && count->level == level && memcmp(count->text, template, bytes) == 0 &&
            count->text[bytes] == '\0') {
            return count;
        }
    }
    return NULL;
}

struct wanted {
    const struct tend_log_tally *tally;
    enum tend_line_level level;
    uint64_t shape;
};

static const char *text_at(const void *context, size_t place)
{
    const struct wanted *wanted = context;
    const struct tend_log_count *count = &wanted->tally->counts[place];
    const bool is_wanted = wanted->tally->keys[place].shape == wanted->shape && count->level == wanted->level;
    return is_wanted ? count->text : NULL;
}

static void take_out(struct tend_log_tally *tally, size_t place)
{
    const size_t behind = --tally->count - place;
    memmove(&tally->counts[place], &tally->counts[place + 1], behind * sizeof *tally->counts);
    memmove(&tally->keys[place], &tally->keys[place + 1], behind * sizeof *tally->keys);
}

static struct tend_log_count *put(struct tend_log_tally *tally, enum tend_line_level level, const char *template,
                                  size_t bytes, int64_t at_ms)
{
    if (make_room(tally) != TEND_OK) {
        return NULL;
    }
    tally->keys[tally->count] =
        (struct tend_log_key){ tend_log_template_hash(level, template, bytes), tend_log_shape(template) };
    struct tend_log_count *count = &tally->counts[tally->count++];
    *count = (struct tend_log_count){ .level = level, .first_ms = at_ms };
    memcpy(count->text, template, bytes);
    return count;
}

// Makes those that differ in a word that varies one, in the place of the first. @return NULL: there are none
static struct tend_log_count *join(struct tend_log_tally *tally, enum tend_line_level level, const char *template,
                                   const struct tend_log_names *names)
{
    const struct wanted wanted = { tally, level, tend_log_shape(template) };
    struct tend_log_group group;
    if (!tend_log_find_group(template, tally->count, text_at, &wanted, names, &group) || group.count == 0) {
        return NULL;
    }
    struct tend_log_count *first = &tally->counts[group.members[0]];
    for (size_t i = group.count; i-- > 1;) {
        const struct tend_log_count *other = &tally->counts[group.members[i]];
        first->lines += other->lines;
        first->first_ms = other->first_ms < first->first_ms ? other->first_ms : first->first_ms;
        take_out(tally, group.members[i]);
    }
    memcpy(first->text, group.general, sizeof first->text);
    tally->keys[group.members[0]].hash = tend_log_template_hash(level, first->text, strlen(first->text));
    return first;
}

enum tend_status tend_log_tally_add(struct tend_log_tally *tally, enum tend_line_level level, const char *template,
                                    size_t bytes, int64_t at_ms, const struct tend_log_names *names)
{
    TEND_ASSERT(bytes <= TEND_LOG_TEMPLATE_BYTES && template[bytes] == '\0');
    struct tend_log_count *count = find(tally, tend_log_template_hash(level, template, bytes), level, template, bytes);
    if (count == NULL) {
        count = join(tally, level, template, names);
    }
    if (count == NULL && tally->count >= TEND_LOG_TEMPLATES_MAX) {
        template = TEND_LOG_OTHER;
        bytes = sizeof TEND_LOG_OTHER - 1;
        count = find(tally, tend_log_template_hash(level, template, bytes), level, template, bytes);
    }
    if (count == NULL) {
        count = put(tally, level, template, bytes, at_ms);
    }
    if (count == NULL) {
        return TEND_E_NOMEM;
    }
    tally->is_grave = tally->is_grave || level != TEND_LINE_INFO;
    count->lines++;
    return TEND_OK;
}
