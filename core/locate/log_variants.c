#include "locate/log_variants.h"

#include "base/fnv.h"

#include <ctype.h>
#include <string.h>

static const double alike_least = 0.6; // of the words that are equal

struct word {
    const char *text;
    size_t bytes;
};

enum { WORDS_MAX = TEND_LOG_TEMPLATE_BYTES / 2 + 1 };

struct words {
    struct word list[WORDS_MAX];
    size_t count;
};

static bool is_word_byte(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.' || c == '?';
}

// How long the word is that a text begins with; 0: it begins with a mark.
static size_t word_bytes(const char *text)
{
    static const char *const masks[] = { "<*>", TEND_LOG_WORD };
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        if (strncmp(text, masks[i], strlen(masks[i])) == 0) {
            return strlen(masks[i]);
        }
    }
    size_t bytes = 0;
    while (is_word_byte(text[bytes])) {
        bytes++;
    }
    return bytes;
}

static void split(const char *template, struct words *words)
{
    words->count = 0;
    while (*template != '\0' && words->count < WORDS_MAX) {
        const size_t bytes = word_bytes(template);
        if (bytes > 0) {
            words->list[words->count++] = (struct word){ template, bytes };
        }
        template += bytes > 0 ? bytes : 1;
    }
}

static bool is_any(const struct word *word)
{
    return word->bytes == sizeof TEND_LOG_WORD - 1 && memcmp(word->text, TEND_LOG_WORD, word->bytes) == 0;
}

static bool is_same(const struct word *a, const struct word *b)
{
    return a->bytes == b->bytes && memcmp(a->text, b->text, a->bytes) == 0;
}

uint64_t tend_log_shape(const char *template)
{
    uint64_t hash = TEND_FNV_BEGIN;
    while (*template != '\0') {
        const size_t bytes = word_bytes(template);
        const unsigned char c = bytes > 0 ? 'w' : (unsigned char)*template;
        hash = tend_fnv(hash, c);
        template += bytes > 0 ? bytes : 1;
    }
    return hash;
}

static bool is_name(const struct tend_log_names *names, const struct word *word)
{
    return names != NULL && names->has(names->context, word->text, word->bytes);
}

// Those that differ in a name are of different services.
static bool is_alike(const struct words *a, const struct words *b, const struct tend_log_names *names)
{
    size_t equal = 0;
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        const bool same = is_same(&a->list[i], &b->list[i]);
        if (!same && (is_name(names, &a->list[i]) || is_name(names, &b->list[i]))) {
            return false;
        }
        equal += same || is_any(&a->list[i]) || is_any(&b->list[i]) ? 1 : 0;
    }
    return a->count == b->count && (double)equal >= alike_least * (double)a->count;
}

// The values that one word was seen with.
struct values {
    struct word list[TEND_LOG_VARIANTS];
    size_t count;
};

static void note_value(struct values *values, const struct word *word)
{
    if (is_any(word)) {
        values->count = TEND_LOG_VARIANTS;
    }
    if (values->count == TEND_LOG_VARIANTS) {
        return;
    }
    for (size_t i = 0; i < values->count; i++) {
        if (is_same(&values->list[i], word)) {
            return;
        }
    }
    values->list[values->count++] = *word;
}

// The template with what varies masked. @return false: it would be too long
static bool write_general(const char *template, const struct words *words, const struct values *values, char *out)
{
    size_t bytes = 0;
    const char *from = template;
    for (size_t i = 0; i <= words->count; i++) {
        const char *end = i < words->count ? words->list[i].text : from + strlen(from);
        const bool varies = i < words->count && values[i].count == TEND_LOG_VARIANTS;
        const char *word = i == words->count ? "" : varies ? TEND_LOG_WORD : words->list[i].text;
        const size_t between = (size_t)(end - from);
        const size_t own = i == words->count ? 0 : varies ? sizeof TEND_LOG_WORD - 1 : words->list[i].bytes;
        if (bytes + between + own > TEND_LOG_TEMPLATE_BYTES) {
            return false;
        }
        memcpy(out + bytes, from, between);
        memcpy(out + bytes + between, word, own);
        bytes += between + own;
        from = end + (i < words->count ? words->list[i].bytes : 0);
    }
    out[bytes] = '\0';
    return true;
}

bool tend_log_generalize(const char *added, const char *const *others, size_t count, const struct tend_log_names *names,
                         char out[TEND_LOG_TEMPLATE_BYTES + 1])
{
    struct words own = { .count = 0 }, other = { .count = 0 };
    struct values values[WORDS_MAX] = { { .count = 0 } };
    split(added, &own);
    for (size_t i = 0; i < own.count; i++) {
        note_value(&values[i], &own.list[i]);
    }
    for (size_t k = 0; k < count && k < TEND_LOG_VARIANTS_MAX; k++) {
        split(others[k], &other);
        const bool counts = is_alike(&own, &other, names);
        for (size_t i = 0; counts && i < own.count; i++) {
            note_value(&values[i], &other.list[i]);
        }
    }
    bool found = false;
    for (size_t i = 0; i < own.count; i++) {
        found = found || values[i].count == TEND_LOG_VARIANTS;
    }
    return found && write_general(added, &own, values, out);
}

bool tend_log_stands_for(const char *general, const char *template, const struct tend_log_names *names)
{
    struct words a = { .count = 0 }, b = { .count = 0 };
    split(general, &a);
    split(template, &b);
    bool stands = a.count == b.count && tend_log_shape(general) == tend_log_shape(template);
    for (size_t i = 0; stands && i < a.count; i++) {
        stands = is_same(&a.list[i], &b.list[i]) || (is_any(&a.list[i]) && !is_name(names, &b.list[i]));
    }
    return stands;
}

bool tend_log_find_group(const char *added, size_t count, const char *(*text_at)(const void *context, size_t place),
                         const void *context, const struct tend_log_names *names, struct tend_log_group *out)
{
    const char *texts[TEND_LOG_VARIANTS_MAX] = { NULL };
    size_t found = 0;
    for (size_t i = 0; i < count && found < TEND_LOG_VARIANTS_MAX; i++) {
        const char *text = text_at(context, i);
        if (text != NULL) {
            texts[found] = text;
            out->members[found++] = i;
        }
    }
    out->count = 0;
    if (!tend_log_generalize(added, texts, found, names, out->general)) {
        return false;
    }
    for (size_t i = 0; i < found; i++) {
        if (tend_log_stands_for(out->general, texts[i], names)) {
            out->members[out->count++] = out->members[i];
        }
    }
    return true;
}
