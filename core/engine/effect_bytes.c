// Every field of an effect but its time is written for every kind, present or not: a field that one engine sets and the
// other does not is a difference. What is NULL is told from what is empty by a byte before it.

#include "engine/effect_bytes.h"

#include <stdlib.h>
#include <string.h>

static void put_text(struct tend_buffer *out, const char *text)
{
    tend_buffer_put_u8(out, text != NULL);
    if (text != NULL) {
        tend_buffer_put_string(out, text, strlen(text));
    }
}

static void put_json(struct tend_buffer *out, const json_t *json)
{
    char *text = json == NULL ? NULL : tend_json_canonical(json);
    out->failed = out->failed || (json != NULL && text == NULL);
    put_text(out, text);
    free(text);
}

static void put_record(struct tend_buffer *out, const struct tend_record *record)
{
    tend_buffer_put_u64(out, record->number);
    tend_buffer_put_u64(out, (uint64_t)record->at_ms);
    tend_buffer_put_u64(out, (uint64_t)record->wall_ms);
    tend_buffer_put_u8(out, (uint8_t)record->kind);
    put_text(out, record->key);
    put_text(out, record->incident);
    tend_buffer_put_u8(out, record->full);
    tend_buffer_put_u8(out, record->open);
    if (record->text != NULL) {
        put_text(out, record->text);
    } else {
        put_json(out, record->body);
    }
}

void tend_effects_put(struct tend_buffer *out, const struct tend_effects *effects)
{
    for (size_t i = 0; i < effects->count; i++) {
        const struct tend_effect *effect = &effects->list[i];
        if (effect->kind == TEND_EFFECT_WAKE) {
            continue;
        }
        tend_buffer_put_u8(out, (uint8_t)effect->kind);
        tend_buffer_put_u64(out, effect->id);
        put_text(out, effect->key);
        put_text(out, effect->text);
        if (effect->kind == TEND_EFFECT_ASK) { // its place is that of `json`, of which it is the canonical text
            put_text(out, tend_buffer_text(&effect->bytes));
            tend_buffer_put_string(out, "", 0);
        } else {
            put_json(out, effect->json);
            tend_buffer_put_string(out, tend_buffer_text(&effect->bytes), effect->bytes.size);
        }
        if (effect->kind == TEND_EFFECT_RECORD) {
            put_record(out, &effect->record);
        }
    }
}

uint64_t tend_effects_hash(const struct tend_effects *effects)
{
    struct tend_buffer bytes;
    tend_buffer_init(&bytes);
    tend_effects_put(&bytes, effects);
    TEND_ASSERT(!bytes.failed); // a hash of half of them would be taken for a difference
    char hex[65];
    tend_sha256_hex(tend_buffer_text(&bytes), bytes.size, hex);
    tend_buffer_clear(&bytes);
    hex[16] = '\0';
    return strtoull(hex, NULL, 16);
}
