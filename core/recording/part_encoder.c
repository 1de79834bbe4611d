// A record: varint number, signed at_ms, signed wall_ms, u8 kind, u8 (1 full, 2 open), text key?, text incident?, json
// body?

#include "recording/part_encoder.h"

#include "engine/effect_bytes.h"
#include "recording/event_encoder.h"
#include "recording/wire.h"

static void put_item(struct tend_buffer *out, enum tend_recording_item kind, struct tend_buffer *take_payload)
{
    tend_item_put(out, kind, tend_buffer_text(take_payload), take_payload->size);
    out->failed = out->failed || take_payload->failed || take_payload->size > TEND_RECORDING_ITEM_BYTES_MAX;
    tend_buffer_clear(take_payload);
}

void tend_item_put_json(struct tend_buffer *out, enum tend_recording_item kind, const json_t *value)
{
    struct tend_buffer payload;
    tend_buffer_init(&payload);
    tend_wire_put_json(&payload, value);
    put_item(out, kind, &payload);
}

void tend_item_put_generation(struct tend_buffer *out, const char *hash, const json_t *sources, const json_t *document)
{
    struct tend_buffer payload;
    tend_buffer_init(&payload);
    tend_wire_put_text(&payload, hash);
    tend_wire_put_json(&payload, sources);
    tend_wire_put_json(&payload, document);
    put_item(out, TEND_ITEM_GENERATION, &payload);
}

static void put_record(struct tend_buffer *out, const struct tend_record *record)
{
    tend_wire_put_varint(out, record->number);
    tend_wire_put_signed(out, record->at_ms);
    tend_wire_put_signed(out, record->wall_ms);
    tend_buffer_put_u8(out, (uint8_t)record->kind);
    tend_buffer_put_u8(out, (uint8_t)((record->full ? 1 : 0) | (record->open ? 2 : 0)));
    tend_wire_put_text(out, record->key);
    tend_wire_put_text(out, record->incident);
    tend_wire_put_json(out, record->body);
}

void tend_item_put_effects(struct tend_buffer *out, const struct tend_effects *effects)
{
    size_t others = 0;
    size_t records = 0;
    for (size_t i = 0; i < effects->count; i++) {
        others += effects->list[i].kind != TEND_EFFECT_WAKE;
        records += effects->list[i].kind == TEND_EFFECT_RECORD;
    }
    if (others == 0) {
        return;
    }
    struct tend_buffer payload;
    tend_buffer_init(&payload);
    tend_buffer_put_u64(&payload, tend_effects_hash(effects));
    tend_wire_put_varint(&payload, records);
    for (size_t i = 0; i < effects->count; i++) {
        if (effects->list[i].kind == TEND_EFFECT_RECORD) {
            put_record(&payload, &effects->list[i].record);
        }
    }
    put_item(out, TEND_ITEM_OUTCOME, &payload);
}

void tend_item_put_outcome(struct tend_buffer *out, uint64_t hash, const struct tend_record *records, size_t count)
{
    struct tend_buffer payload;
    tend_buffer_init(&payload);
    tend_buffer_put_u64(&payload, hash);
    tend_wire_put_varint(&payload, count);
    for (size_t i = 0; i < count; i++) {
        put_record(&payload, &records[i]);
    }
    put_item(out, TEND_ITEM_OUTCOME, &payload);
}

void tend_item_put_end(struct tend_buffer *out, uint64_t events)
{
    struct tend_buffer payload;
    tend_buffer_init(&payload);
    tend_wire_put_varint(&payload, events);
    put_item(out, TEND_ITEM_END, &payload);
}
