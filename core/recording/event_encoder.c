// What each kind of event has after its kind and its times; `?` marks what may be NULL:
//
//     SCRAPED          varint target, signed begun_ms - at_ms, f64 duration_s, u8 kind, text reason?, varint layout + 1
//                      (0: none), then, with a layout, a value for each of its columns (format.h)
//     TARGETS          varint discovery, varint count, each: text url?, text address?, json labels?
//     MEASURED         varint target, varint count, count f64, count u8
//     VERDICTS, REPLY  varint id, u8 has bytes, [bytes], json?, died
//     RUN_REPLY        text run?, json?, died
//     STEP_RESULT      varint id, text outcome?, text error?, json value?
//     DELIVERED        text key?, u8 (1 ok, 2 retry), signed retry_after_ms, text error?
//     JOURNAL_REACHED  varint number
//     JOURNAL_FAILED   text why?
//     OPERATOR         text command?, text argument?, text who?
//     WALL_MOVED       signed ms
//     GENERATION       text hash?, json sources?, json document?
//     LOGS             varint count, each: text service?, varint skipped_bytes, varint count, each: text template?,
//                      u8 level, varint lines, varint first_ago_ms
//     BASELINES        bytes
//     TIMER            nothing
//     died:            u8 died, [text what?, varint index, text reason?]
//
// Differences are taken modulo 2^64, so that no time overflows.
//
// A layout is known by its address, which stays its own as it is retained; one that is new is looked up by its content,
// for the instances of a service have layouts that are equal.

#include "recording/event_encoder.h"

#include "base/hash_map.h"
#include "engine/ruleset.h"
#include "recording/wire.h"
#include "series/layout.h"

#include <stdlib.h>
#include <string.h>

enum { ITEM_PIECE_BYTES = 1024 * 1024 };

struct target_row {
    const struct tend_layout *layout; // of the newest good scrape; retained
    size_t number;                    // of that layout
    uint64_t *bits;                   // the newest value of each column that ever was
    size_t count;
};

struct tend_event_encoder {
    struct tend_hash_map *label_sets; // canonical text → number + 1, as a pointer
    struct tend_hash_map *layouts;    // columns as bytes → number + 1, as a pointer
    size_t label_set_count, layout_count, column_count, label_text_bytes;
    struct target_row *targets;
    size_t target_count;
    size_t row_values;
    struct tend_buffer scratch; // an item's payload
    struct tend_buffer columns; // a layout's
    uint64_t at_ms, drift_ms;   // of the event before
    uint64_t events;
};

enum tend_status tend_event_encoder_create(struct tend_event_encoder **out)
{
    struct tend_event_encoder *encoder = calloc(1, sizeof *encoder);
    if (encoder == NULL) {
        return TEND_E_NOMEM;
    }
    if (tend_hash_map_create(&encoder->label_sets) != TEND_OK || tend_hash_map_create(&encoder->layouts) != TEND_OK) {
        tend_event_encoder_destroy(encoder);
        return TEND_E_NOMEM;
    }
    *out = encoder;
    return TEND_OK;
}

static void forget_targets(struct tend_event_encoder *encoder)
{
    for (size_t i = 0; i < encoder->target_count; i++) {
        tend_layout_release(encoder->targets[i].layout);
        free(encoder->targets[i].bits);
    }
    free(encoder->targets);
    encoder->targets = NULL;
    encoder->target_count = 0;
    encoder->row_values = 0;
}

void tend_event_encoder_destroy(struct tend_event_encoder *encoder)
{
    if (encoder == NULL) {
        return;
    }
    forget_targets(encoder);
    tend_hash_map_destroy(encoder->label_sets);
    tend_hash_map_destroy(encoder->layouts);
    tend_buffer_clear(&encoder->scratch);
    tend_buffer_clear(&encoder->columns);
    free(encoder);
}

// A map that cannot be made anew stays as it is, and `failed` lets the next put fail.
static void renew(struct tend_hash_map **map, bool *failed)
{
    struct tend_hash_map *fresh;
    if (tend_hash_map_create(&fresh) != TEND_OK) {
        *failed = true;
        return;
    }
    tend_hash_map_destroy(*map);
    *map = fresh;
}

void tend_event_encoder_reset(struct tend_event_encoder *encoder)
{
    forget_targets(encoder);
    tend_buffer_reset(&encoder->columns);
    bool failed = false;
    renew(&encoder->label_sets, &failed);
    renew(&encoder->layouts, &failed);
    encoder->label_set_count = encoder->layout_count = encoder->column_count = 0;
    encoder->label_text_bytes = failed ? TEND_RECORDING_LABEL_TEXT_MAX : 0;
    encoder->at_ms = encoder->drift_ms = encoder->events = 0;
}

uint64_t tend_event_encoder_count(const struct tend_event_encoder *encoder)
{
    return encoder->events;
}

bool tend_event_encoder_is_full(const struct tend_event_encoder *encoder)
{
    return encoder->label_set_count > TEND_RECORDING_LABEL_SETS_MAX / 2 ||
           encoder->column_count > TEND_RECORDING_COLUMNS_MAX / 2 ||
           encoder->label_text_bytes > TEND_RECORDING_LABEL_TEXT_MAX / 2;
}

void tend_item_put(struct tend_buffer *out, enum tend_recording_item kind, const char *bytes, size_t count)
{
    for (; count > ITEM_PIECE_BYTES; bytes += ITEM_PIECE_BYTES, count -= ITEM_PIECE_BYTES) {
        tend_buffer_put_u8(out, (uint8_t)(kind | TEND_ITEM_MORE));
        tend_wire_put_bytes(out, bytes, ITEM_PIECE_BYTES);
    }
    tend_buffer_put_u8(out, (uint8_t)kind);
    tend_wire_put_bytes(out, bytes, count);
}

static enum tend_status define_labels(struct tend_event_encoder *encoder, const struct tend_label_set *set,
                                      size_t *number, struct tend_buffer *out)
{
    size_t text_bytes;
    const char *text = tend_label_set_text(set, &text_bytes);
    const uintptr_t known = (uintptr_t)tend_hash_map_find(encoder->label_sets, text, text_bytes);
    if (known != 0) {
        *number = known - 1;
        return TEND_OK;
    }
    encoder->label_text_bytes += text_bytes;
    if (encoder->label_set_count == TEND_RECORDING_LABEL_SETS_MAX ||
        encoder->label_text_bytes > TEND_RECORDING_LABEL_TEXT_MAX) {
        return TEND_E_LIMIT;
    }
    tend_buffer_reset(&encoder->scratch);
    size_t bytes;
    const char *name = tend_label_set_name(set, &bytes);
    tend_wire_put_bytes(&encoder->scratch, name, bytes);
    size_t count;
    const struct tend_label *labels = tend_label_set_labels(set, &count);
    tend_wire_put_varint(&encoder->scratch, count);
    for (size_t i = 0; i < count; i++) {
        tend_wire_put_bytes(&encoder->scratch, labels[i].name, labels[i].name_bytes);
        tend_wire_put_bytes(&encoder->scratch, labels[i].value, labels[i].value_bytes);
    }
    tend_item_put(out, TEND_ITEM_LABELS, tend_buffer_text(&encoder->scratch), encoder->scratch.size);
    if (encoder->scratch.failed) {
        return TEND_E_NOMEM;
    }
    *number = encoder->label_set_count++;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): the map keeps numbers
    return tend_hash_map_set(encoder->label_sets, text, text_bytes, (void *)(uintptr_t)(*number + 1));
}

static enum tend_status define_layout(struct tend_event_encoder *encoder, const struct tend_layout *layout,
                                      size_t *number, struct tend_buffer *out)
{
    const size_t count = tend_layout_count(layout);
    tend_buffer_reset(&encoder->columns);
    tend_wire_put_varint(&encoder->columns, count);
    size_t next = 0;
    for (size_t i = 0; i < count; i++) {
        const struct tend_column *column = tend_layout_column(layout, i);
        size_t labels = 0;
        const enum tend_status status = define_labels(encoder, column->labels, &labels, out);
        if (status != TEND_OK) {
            return status;
        }
        tend_wire_put_signed(&encoder->columns, (int64_t)labels - (int64_t)next);
        tend_buffer_put_u8(&encoder->columns, (uint8_t)column->type);
        next = labels + 1;
    }
    if (encoder->columns.failed) {
        return TEND_E_NOMEM;
    }
    const uintptr_t known =
        (uintptr_t)tend_hash_map_find(encoder->layouts, encoder->columns.data, encoder->columns.size);
    if (known != 0) {
        *number = known - 1;
        return TEND_OK;
    }
    encoder->column_count += count + 1;
    if (encoder->column_count > TEND_RECORDING_COLUMNS_MAX) {
        return TEND_E_LIMIT;
    }
    tend_item_put(out, TEND_ITEM_LAYOUT, encoder->columns.data, encoder->columns.size);
    *number = encoder->layout_count++;
    return tend_hash_map_set(encoder->layouts, encoder->columns.data, encoder->columns.size,
                             // NOLINTNEXTLINE(performance-no-int-to-ptr): the map keeps numbers
                             (void *)(uintptr_t)(*number + 1));
}

static enum tend_status find_target(struct tend_event_encoder *encoder, size_t target, struct target_row **out)
{
    if (target >= TEND_RECORDING_TARGETS_MAX) {
        return TEND_E_LIMIT;
    }
    if (target >= encoder->target_count) {
        size_t count = encoder->target_count < 16 ? 16 : encoder->target_count;
        while (count <= target) {
            count *= 2;
        }
        struct target_row *grown = reallocarray(encoder->targets, count, sizeof *grown);
        if (grown == NULL) {
            return TEND_E_NOMEM;
        }
        memset(grown + encoder->target_count, 0, (count - encoder->target_count) * sizeof *grown);
        encoder->targets = grown;
        encoder->target_count = count;
    }
    *out = &encoder->targets[target];
    return TEND_OK;
}

// Makes sure that the row's layout is defined and that it has a value before for each column.
static enum tend_status prepare_row(struct tend_event_encoder *encoder, struct target_row *row,
                                    const struct tend_layout *layout, struct tend_buffer *out)
{
    if (row->layout == layout) {
        return TEND_OK;
    }
    const enum tend_status status = define_layout(encoder, layout, &row->number, out);
    if (status != TEND_OK) {
        return status;
    }
    tend_layout_retain(layout);
    tend_layout_release(row->layout);
    row->layout = layout;
    const size_t count = tend_layout_count(layout);
    if (count > row->count) {
        encoder->row_values += count - row->count;
        if (encoder->row_values > TEND_RECORDING_ROW_VALUES_MAX) {
            return TEND_E_LIMIT;
        }
        uint64_t *grown = reallocarray(row->bits, count, sizeof *grown);
        if (grown == NULL) {
            return TEND_E_NOMEM;
        }
        memset(grown + row->count, 0, (count - row->count) * sizeof *grown);
        row->bits = grown;
        row->count = count;
    }
    return TEND_OK;
}

// The integer that these bits are as a double, if it is one of those that a difference brings back exactly.
static bool as_integer(uint64_t bits, int64_t *integer)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    if (!(value > -9007199254740992.0 && value < 9007199254740992.0) || bits == UINT64_C(1) << 63) {
        return false;
    }
    *integer = (int64_t)value;
    return (double)*integer == value;
}

static size_t put_xor(char *to, uint64_t difference)
{
    const unsigned trailing = (unsigned)__builtin_ctzll(difference) / 8;
    const unsigned leading = (unsigned)__builtin_clzll(difference) / 8;
    const unsigned length = 8 - trailing - leading;
    to[0] = (char)(2 * (8 * trailing + length - 1) + 1);
    difference >>= 8 * trailing;
    for (unsigned i = 0; i < length; i++) {
        to[1 + i] = (char)(difference >> 8 * i);
    }
    return 1 + length;
}

static size_t put_value(char *to, uint64_t before, uint64_t bits)
{
    if (bits == before) {
        to[0] = 0;
        return 1;
    }
    int64_t old;
    int64_t new;
    if (!as_integer(bits, &new) || !as_integer(before, &old)) {
        return put_xor(to, bits ^ before);
    }
    const int64_t difference = new - old; // both are within 2^53
    uint64_t code = (uint64_t)difference << 1 ^ (difference < 0 ? UINT64_MAX : 0);
    code *= 2;
    size_t count = 0;
    for (; code >= 0x80; code >>= 7) {
        to[count++] = (char)(code | 0x80);
    }
    to[count++] = (char)code;
    return count;
}

static void put_row(const struct target_row *row, const double *values, size_t count, struct tend_buffer *out)
{
    enum { VALUE_BYTES_MAX = 10 };
    char *to = tend_buffer_reserve(out, count * VALUE_BYTES_MAX);
    if (to == NULL) {
        return;
    }
    char *const start = to;
    for (size_t i = 0; i < count; i++) {
        uint64_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        to += put_value(to, row->bits[i], bits);
        row->bits[i] = bits;
    }
    out->size += (size_t)(to - start);
    *to = '\0';
}

static enum tend_status put_scraped(struct tend_event_encoder *encoder, const struct tend_event *event,
                                    struct tend_buffer *out)
{
    const struct tend_event_scraped *scraped = &event->scraped;
    struct target_row *row = NULL;
    enum tend_status status = find_target(encoder, scraped->target, &row);
    if (status == TEND_OK && scraped->layout != NULL) {
        TEND_ASSERT(scraped->value_count == tend_layout_count(scraped->layout));
        status = prepare_row(encoder, row, scraped->layout, out);
    }
    if (status != TEND_OK) {
        return status;
    }
    struct tend_buffer *payload = &encoder->scratch;
    tend_buffer_reset(payload);
    tend_buffer_put_u8(payload, TEND_EVENT_SCRAPED);
    tend_wire_put_signed(payload, (int64_t)((uint64_t)event->at_ms - encoder->at_ms));
    tend_wire_put_signed(payload, (int64_t)((uint64_t)event->wall_ms - (uint64_t)event->at_ms - encoder->drift_ms));
    tend_wire_put_varint(payload, scraped->target);
    tend_wire_put_signed(payload, (int64_t)((uint64_t)scraped->begun_ms - (uint64_t)event->at_ms));
    tend_buffer_put_f64(payload, scraped->duration_s);
    tend_buffer_put_u8(payload, (uint8_t)scraped->kind);
    tend_wire_put_text(payload, scraped->reason);
    tend_wire_put_varint(payload, scraped->layout == NULL ? 0 : row->number + 1);
    if (scraped->layout != NULL) {
        put_row(row, scraped->values, scraped->value_count, payload);
    }
    return TEND_OK;
}

static void put_targets(const struct tend_event_targets *targets, struct tend_buffer *out)
{
    tend_wire_put_varint(out, targets->discovery);
    tend_wire_put_varint(out, targets->count);
    for (size_t i = 0; i < targets->count; i++) {
        tend_wire_put_text(out, targets->targets[i].url);
        tend_wire_put_text(out, targets->targets[i].address);
        tend_wire_put_json(out, targets->targets[i].labels);
    }
}

static void put_measured(const struct tend_event_measured *measured, struct tend_buffer *out)
{
    tend_wire_put_varint(out, measured->target);
    tend_wire_put_varint(out, measured->count);
    for (size_t i = 0; i < measured->count; i++) {
        tend_buffer_put_f64(out, measured->values[i]);
    }
    tend_buffer_put(out, measured->missing, measured->count);
}

static void put_logs(const struct tend_event_logs *logs, struct tend_buffer *out)
{
    tend_wire_put_varint(out, logs->count);
    for (size_t i = 0; i < logs->count; i++) {
        const struct tend_logged_service *service = &logs->services[i];
        tend_wire_put_text(out, service->service);
        tend_wire_put_varint(out, service->skipped_bytes);
        tend_wire_put_varint(out, service->count);
        for (size_t j = 0; j < service->count; j++) {
            tend_wire_put_text(out, service->logged[j].template);
            tend_buffer_put_u8(out, service->logged[j].level);
            tend_wire_put_varint(out, service->logged[j].lines);
            tend_wire_put_varint(out, (uint64_t)service->logged[j].first_ago_ms);
        }
    }
}

static void put_died(const struct tend_event_died *died, struct tend_buffer *out)
{
    tend_buffer_put_u8(out, died->died);
    if (died->died) {
        tend_wire_put_text(out, died->what);
        tend_wire_put_varint(out, died->index);
        tend_wire_put_text(out, died->reason);
    }
}

static void put_generation(const struct tend_event *event, const char *hash, const json_t *document,
                           struct tend_buffer *out)
{
    const struct tend_ruleset *ruleset = event->generation.ruleset;
    tend_wire_put_text(out, ruleset != NULL ? ruleset->hash : hash);
    tend_wire_put_json(out, event->generation.sources);
    tend_wire_put_json(out, ruleset != NULL ? ruleset->document : document);
}

// All kinds but SCRAPED.
static void put_rest(const struct tend_event *event, const char *hash, const json_t *document, struct tend_buffer *out)
{
    switch (event->kind) {
    case TEND_EVENT_SCRAPED:
    case TEND_EVENT_TIMER:
        break;
    case TEND_EVENT_TARGETS:
        put_targets(&event->targets, out);
        break;
    case TEND_EVENT_MEASURED:
        put_measured(&event->measured, out);
        break;
    case TEND_EVENT_LOGS:
        put_logs(&event->logs, out);
        break;
    case TEND_EVENT_VERDICTS:
    case TEND_EVENT_REPLY:
        tend_wire_put_varint(out, event->reply.id);
        tend_buffer_put_u8(out, event->reply.bytes != NULL);
        if (event->reply.bytes != NULL) {
            tend_wire_put_bytes(out, event->reply.bytes, event->reply.byte_count);
        }
        tend_wire_put_json(out, event->reply.json);
        put_died(&event->reply.died, out);
        break;
    case TEND_EVENT_RUN_REPLY:
        tend_wire_put_text(out, event->run_reply.run);
        tend_wire_put_json(out, event->run_reply.json);
        put_died(&event->run_reply.died, out);
        break;
    case TEND_EVENT_STEP_RESULT:
        tend_wire_put_varint(out, event->step.id);
        tend_wire_put_text(out, event->step.outcome);
        tend_wire_put_text(out, event->step.error);
        tend_wire_put_json(out, event->step.value);
        break;
    case TEND_EVENT_DELIVERED:
        tend_wire_put_text(out, event->delivered.key);
        tend_buffer_put_u8(out, (uint8_t)((event->delivered.ok ? 1 : 0) | (event->delivered.retry ? 2 : 0)));
        tend_wire_put_signed(out, event->delivered.retry_after_ms);
        tend_wire_put_text(out, event->delivered.error);
        break;
    case TEND_EVENT_JOURNAL_REACHED:
        tend_wire_put_varint(out, event->journal_reached);
        break;
    case TEND_EVENT_JOURNAL_FAILED:
        tend_wire_put_text(out, event->journal_failed);
        break;
    case TEND_EVENT_OPERATOR:
        tend_wire_put_text(out, event->operator.command);
        tend_wire_put_text(out, event->operator.argument);
        tend_wire_put_text(out, event->operator.who);
        break;
    case TEND_EVENT_WALL_MOVED:
        tend_wire_put_signed(out, event->wall_moved_ms);
        break;
    case TEND_EVENT_GENERATION:
        put_generation(event, hash, document, out);
        break;
    case TEND_EVENT_BASELINES:
        tend_wire_put_bytes(out, event->baselines.bytes, event->baselines.byte_count);
        break;
    }
}

enum tend_status tend_event_encoder_put(struct tend_event_encoder *encoder, const struct tend_event *event,
                                        const char *generation_hash, const json_t *generation_document,
                                        struct tend_buffer *out)
{
    struct tend_buffer *payload = &encoder->scratch;
    if (event->kind == TEND_EVENT_SCRAPED) {
        const enum tend_status status = put_scraped(encoder, event, out);
        if (status != TEND_OK) {
            return status;
        }
    } else {
        tend_buffer_reset(payload);
        tend_buffer_put_u8(payload, (uint8_t)event->kind);
        tend_wire_put_signed(payload, (int64_t)((uint64_t)event->at_ms - encoder->at_ms));
        tend_wire_put_signed(payload, (int64_t)((uint64_t)event->wall_ms - (uint64_t)event->at_ms - encoder->drift_ms));
        put_rest(event, generation_hash, generation_document, payload);
    }
    encoder->at_ms = (uint64_t)event->at_ms;
    encoder->drift_ms = (uint64_t)event->wall_ms - (uint64_t)event->at_ms;
    encoder->events++;
    if (payload->size > TEND_RECORDING_ITEM_BYTES_MAX) {
        return TEND_E_LIMIT;
    }
    tend_item_put(out, TEND_ITEM_EVENT, tend_buffer_text(payload), payload->size);
    return payload->failed || out->failed ? TEND_E_NOMEM : TEND_OK;
}
