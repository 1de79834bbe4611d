// Reads what event_encoder.c writes. Any byte may be wrong: counts are checked against what can follow, numbers against
// what was defined, enums against their range; and what a segment may define is bounded (recording/format.h).

#include "recording/event_decoder.h"

#include "base/arena.h"
#include "parse/utf8.h"
#include "recording/format.h"
#include "recording/wire.h"
#include "series/layout.h"
#include "series/missing.h"

#include <stdlib.h>
#include <string.h>

enum { LABELS_MAX = 4096 }; // of one set; the parser's limit is far below

struct target_row {
    double *values; // the newest of each column that ever was
    size_t count;
};

struct tend_event_decoder {
    const struct tend_label_set **label_sets;
    size_t label_set_count, label_set_capacity, label_text_bytes;
    const struct tend_layout **layouts;
    size_t layout_count, layout_capacity, column_count;
    struct target_row *targets;
    size_t target_count;
    size_t row_values;
    struct tend_arena arena; // of the newest event or outcome
    json_t **held;           // its JSON
    size_t held_count, held_capacity;
    uint64_t at_ms, drift_ms; // of the event before
    uint64_t events;
};

enum tend_status tend_event_decoder_create(struct tend_event_decoder **out)
{
    struct tend_event_decoder *decoder = calloc(1, sizeof *decoder);
    if (decoder == NULL) {
        return TEND_E_NOMEM;
    }
    tend_arena_init(&decoder->arena);
    *out = decoder;
    return TEND_OK;
}

static void release_newest(struct tend_event_decoder *decoder)
{
    while (decoder->held_count > 0) {
        json_decref(decoder->held[--decoder->held_count]);
    }
    tend_arena_clear(&decoder->arena);
}

void tend_event_decoder_reset(struct tend_event_decoder *decoder)
{
    release_newest(decoder);
    while (decoder->layout_count > 0) {
        tend_layout_release(decoder->layouts[--decoder->layout_count]);
    }
    while (decoder->label_set_count > 0) {
        tend_label_set_release(decoder->label_sets[--decoder->label_set_count]);
    }
    for (size_t i = 0; i < decoder->target_count; i++) {
        free(decoder->targets[i].values);
    }
    free(decoder->targets);
    decoder->targets = NULL;
    decoder->target_count = decoder->row_values = decoder->label_text_bytes = decoder->column_count = 0;
    decoder->at_ms = decoder->drift_ms = decoder->events = 0;
}

void tend_event_decoder_destroy(struct tend_event_decoder *decoder)
{
    if (decoder == NULL) {
        return;
    }
    tend_event_decoder_reset(decoder);
    free((void *)decoder->label_sets);
    free((void *)decoder->layouts);
    free((void *)decoder->held);
    free(decoder);
}

uint64_t tend_event_decoder_count(const struct tend_event_decoder *decoder)
{
    return decoder->events;
}

static enum tend_status corrupt(const char **why, const char *what)
{
    *why = what;
    return TEND_E_CORRUPT;
}

// ---- definitions ----

static bool get_labels(struct tend_reader *in, struct tend_label *labels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct tend_label *label = &labels[i];
        label->name = tend_wire_get_bytes(in, &label->name_bytes);
        label->value = tend_wire_get_bytes(in, &label->value_bytes);
        if (in->failed || label->value_bytes == 0 || !tend_utf8_valid(label->name, label->name_bytes) ||
            !tend_utf8_valid(label->value, label->value_bytes)) {
            return false;
        }
        if (i > 0) {
            const struct tend_label *before = &labels[i - 1];
            const size_t shared = before->name_bytes < label->name_bytes ? before->name_bytes : label->name_bytes;
            const int order = memcmp(before->name, label->name, shared);
            if (order > 0 || (order == 0 && before->name_bytes >= label->name_bytes)) {
                return false;
            }
        }
    }
    return in->next == in->end;
}

enum tend_status tend_event_decoder_labels(struct tend_event_decoder *decoder, const char *bytes, size_t count,
                                           const char **why)
{
    struct tend_reader in = tend_reader_over(bytes, count);
    decoder->label_text_bytes += count;
    if (decoder->label_set_count == TEND_RECORDING_LABEL_SETS_MAX ||
        decoder->label_text_bytes > 2 * (size_t)TEND_RECORDING_LABEL_TEXT_MAX) {
        return corrupt(why, "more series than a segment may have");
    }
    if (decoder->label_set_count == decoder->label_set_capacity) {
        const size_t capacity = decoder->label_set_capacity == 0 ? 64 : 2 * decoder->label_set_capacity;
        const struct tend_label_set **grown =
            (const struct tend_label_set **)reallocarray((void *)decoder->label_sets, capacity, sizeof *grown);
        if (grown == NULL) {
            return TEND_E_NOMEM;
        }
        decoder->label_sets = grown;
        decoder->label_set_capacity = capacity;
    }
    size_t name_bytes;
    const char *name = tend_wire_get_bytes(&in, &name_bytes);
    const size_t label_count = tend_wire_get_count(&in, 2);
    if (in.failed || label_count > LABELS_MAX || !tend_utf8_valid(name, name_bytes)) {
        return corrupt(why, "a series is malformed");
    }
    struct tend_label *labels = calloc(label_count + 1, sizeof *labels);
    if (labels == NULL) {
        return TEND_E_NOMEM;
    }
    enum tend_status status;
    if (get_labels(&in, labels, label_count)) {
        status = tend_label_set_create(name, name_bytes, labels, label_count,
                                       &decoder->label_sets[decoder->label_set_count]);
    } else {
        status = corrupt(why, "a series has malformed labels");
    }
    free(labels);
    decoder->label_set_count += status == TEND_OK;
    return status;
}

static enum tend_status get_columns(const struct tend_event_decoder *decoder, struct tend_reader *in,
                                    struct tend_column *columns, size_t count, const char **why)
{
    uint64_t next = 0;
    for (size_t i = 0; i < count; i++) {
        const uint64_t number = next + (uint64_t)tend_wire_get_signed(in);
        const uint8_t type = tend_reader_get_u8(in);
        if (in->failed || number >= decoder->label_set_count || type > TEND_SERIES_STATE_SET) {
            return corrupt(why, "a layout has a column of no series");
        }
        columns[i] = (struct tend_column){ .labels = decoder->label_sets[number], .type = (enum tend_series_type)type };
        next = number + 1;
    }
    return in->next == in->end ? TEND_OK : corrupt(why, "a layout has bytes left over");
}

enum tend_status tend_event_decoder_layout(struct tend_event_decoder *decoder, const char *bytes, size_t count,
                                           const char **why)
{
    struct tend_reader in = tend_reader_over(bytes, count);
    const size_t column_count = tend_wire_get_count(&in, 2);
    decoder->column_count += column_count + 1;
    if (in.failed || decoder->column_count > TEND_RECORDING_COLUMNS_MAX) {
        return corrupt(why, in.failed ? "a layout is malformed" : "more columns than a segment may have");
    }
    if (decoder->layout_count == decoder->layout_capacity) {
        const size_t capacity = decoder->layout_capacity == 0 ? 64 : 2 * decoder->layout_capacity;
        const struct tend_layout **grown =
            (const struct tend_layout **)reallocarray((void *)decoder->layouts, capacity, sizeof *grown);
        if (grown == NULL) {
            return TEND_E_NOMEM;
        }
        decoder->layouts = grown;
        decoder->layout_capacity = capacity;
    }
    struct tend_column *columns = calloc(column_count + 1, sizeof *columns);
    if (columns == NULL) {
        return TEND_E_NOMEM;
    }
    const struct tend_layout *layout = NULL;
    enum tend_status status = get_columns(decoder, &in, columns, column_count, why);
    if (status == TEND_OK) {
        status = tend_layout_create(columns, column_count, &layout);
    }
    for (size_t i = 0; status == TEND_OK && i < column_count; i++) {
        if (tend_layout_find(layout, columns[i].labels) != i) {
            status = corrupt(why, "a layout has a series twice");
        }
    }
    free(columns);
    if (status != TEND_OK) {
        tend_layout_release(layout);
        return status;
    }
    decoder->layouts[decoder->layout_count++] = layout;
    return TEND_OK;
}

// ---- rows ----

static enum tend_status grow_targets(struct tend_event_decoder *decoder, size_t target)
{
    if (target < decoder->target_count) {
        return TEND_OK;
    }
    size_t count = decoder->target_count < 16 ? 16 : decoder->target_count;
    while (count <= target) {
        count *= 2;
    }
    struct target_row *grown = reallocarray(decoder->targets, count, sizeof *grown);
    if (grown == NULL) {
        return TEND_E_NOMEM;
    }
    memset(grown + decoder->target_count, 0, (count - decoder->target_count) * sizeof *grown);
    decoder->targets = grown;
    decoder->target_count = count;
    return TEND_OK;
}

static enum tend_status grow_row(struct tend_event_decoder *decoder, struct target_row *row, size_t count,
                                 const char **why)
{
    if (count <= row->count) {
        return TEND_OK;
    }
    decoder->row_values += count - row->count;
    if (decoder->row_values > TEND_RECORDING_ROW_VALUES_MAX) {
        return corrupt(why, "more values than a segment may have");
    }
    double *grown = reallocarray(row->values, count, sizeof *grown);
    if (grown == NULL) {
        return TEND_E_NOMEM;
    }
    memset(grown + row->count, 0, (count - row->count) * sizeof *grown); // +0.0
    row->values = grown;
    row->count = count;
    return TEND_OK;
}

static bool get_xor(struct tend_reader *in, uint8_t code, double *value)
{
    const unsigned length = (code >> 1) % 8 + 1;
    const unsigned trailing = code >> 4;
    const char *bytes = tend_wire_take(in, length);
    if (code >= 0x80 || trailing + length > 8 || bytes == NULL) {
        return false;
    }
    uint64_t bits;
    memcpy(&bits, value, sizeof bits);
    for (unsigned i = 0; i < length; i++) {
        bits ^= (uint64_t)(uint8_t)bytes[i] << 8 * (trailing + i);
    }
    memcpy(value, &bits, sizeof bits);
    return true;
}

// Replaces each value by the one that follows it. The first byte of a varint has the low bits, so it says which form
// a value has.
static bool get_row(struct tend_reader *in, double *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (in->failed || in->next == in->end) {
            return false;
        }
        const uint8_t first = (uint8_t)*in->next;
        if ((first & 1) != 0) {
            in->next++;
            if (!get_xor(in, first, &values[i])) {
                return false;
            }
        } else if (first == 0) {
            in->next++;
        } else {
            const uint64_t code = tend_wire_get_varint(in) / 2;
            const int64_t difference = (int64_t)(code >> 1 ^ (0 - (code & 1)));
            if (in->failed || !(values[i] > -9007199254740992.0 && values[i] < 9007199254740992.0)) {
                return false;
            }
            values[i] = (double)((int64_t)values[i] + difference);
        }
    }
    return true;
}

static enum tend_status get_scraped(struct tend_event_decoder *decoder, struct tend_reader *in,
                                    struct tend_event *event, const char **why)
{
    struct tend_event_scraped *scraped = &event->scraped;
    const uint64_t target = tend_wire_get_varint(in);
    scraped->begun_ms = (int64_t)((uint64_t)event->at_ms + (uint64_t)tend_wire_get_signed(in));
    scraped->duration_s = tend_reader_get_f64(in);
    const uint8_t kind = tend_reader_get_u8(in);
    scraped->reason = tend_wire_get_text(in);
    const uint64_t layout = tend_wire_get_varint(in);
    if (in->failed || target >= TEND_RECORDING_TARGETS_MAX || kind > TEND_SCRAPE_PARSE ||
        layout > decoder->layout_count) {
        return corrupt(why, "a scrape is malformed");
    }
    scraped->target = (size_t)target;
    scraped->kind = (enum tend_scrape_kind)kind;
    if (layout == 0) {
        return TEND_OK;
    }
    scraped->layout = decoder->layouts[layout - 1];
    scraped->value_count = tend_layout_count(scraped->layout);
    enum tend_status status = grow_targets(decoder, scraped->target);
    struct target_row *row = status == TEND_OK ? &decoder->targets[scraped->target] : NULL;
    if (status == TEND_OK) {
        status = grow_row(decoder, row, scraped->value_count, why);
    }
    if (status != TEND_OK) {
        return status;
    }
    scraped->values = row->values;
    return get_row(in, row->values, scraped->value_count) ? TEND_OK
                                                          : corrupt(why, "the values of a scrape are malformed");
}

// ---- the other kinds ----

// The JSON that is next, kept until the next call. NULL may be what was recorded; a failure sets in->failed.
static json_t *hold_json(struct tend_event_decoder *decoder, struct tend_reader *in)
{
    json_t *value = tend_wire_get_json(in);
    if (value == NULL) {
        return NULL;
    }
    if (decoder->held_count == decoder->held_capacity) {
        const size_t capacity = decoder->held_capacity == 0 ? 16 : 2 * decoder->held_capacity;
        json_t **grown = (json_t **)reallocarray((void *)decoder->held, capacity, sizeof *grown);
        if (grown == NULL) {
            json_decref(value);
            in->failed = true;
            return NULL;
        }
        decoder->held = grown;
        decoder->held_capacity = capacity;
    }
    decoder->held[decoder->held_count++] = value;
    return value;
}

// The readers below set in->failed for whatever is wrong.

static void get_targets(struct tend_event_decoder *decoder, struct tend_reader *in, struct tend_event_targets *targets)
{
    targets->discovery = (size_t)tend_wire_get_varint(in);
    targets->count = tend_wire_get_count(in, 3);
    struct tend_discovered *list = tend_arena_alloc(&decoder->arena, targets->count + 1, sizeof *list);
    in->failed = in->failed || list == NULL;
    for (size_t i = 0; !in->failed && i < targets->count; i++) {
        list[i].url = tend_wire_get_text(in);
        list[i].address = tend_wire_get_text(in);
        list[i].labels = hold_json(decoder, in);
    }
    targets->targets = list;
}

static void get_measured(struct tend_event_decoder *decoder, struct tend_reader *in,
                         struct tend_event_measured *measured)
{
    const uint64_t target = tend_wire_get_varint(in);
    in->failed = in->failed || target >= TEND_RECORDING_TARGETS_MAX;
    measured->target = (size_t)target;
    measured->count = tend_wire_get_count(in, sizeof(double) + 1);
    double *values = tend_arena_alloc(&decoder->arena, measured->count + 1, sizeof *values);
    in->failed = in->failed || values == NULL;
    for (size_t i = 0; !in->failed && i < measured->count; i++) {
        values[i] = tend_reader_get_f64(in);
    }
    const char *missing = tend_wire_take(in, measured->count);
    for (size_t i = 0; !in->failed && i < measured->count; i++) {
        const uint8_t cause = (uint8_t)missing[i];
        in->failed = cause > TEND_MISSING_ASLEEP && cause != TEND_MEASURED_AS_SCRAPED;
    }
    measured->values = values;
    measured->missing = (const uint8_t *)missing;
}

static void get_logged(struct tend_event_decoder *decoder, struct tend_reader *in, struct tend_logged_service *service)
{
    service->service = tend_wire_get_text(in);
    service->skipped_bytes = tend_wire_get_varint(in);
    service->count = tend_wire_get_count(in, 4);
    struct tend_logged *list = tend_arena_alloc(&decoder->arena, service->count + 1, sizeof *list);
    in->failed = in->failed || list == NULL;
    for (size_t i = 0; !in->failed && i < service->count; i++) {
        list[i].template = tend_wire_get_text(in);
        list[i].level = tend_reader_get_u8(in);
        list[i].lines = tend_wire_get_varint(in);
        list[i].first_ago_ms = (int64_t)tend_wire_get_varint(in);
    }
    service->logged = list;
}

static void get_logs(struct tend_event_decoder *decoder, struct tend_reader *in, struct tend_event_logs *logs)
{
    logs->count = tend_wire_get_count(in, 3);
    struct tend_logged_service *list = tend_arena_alloc(&decoder->arena, logs->count + 1, sizeof *list);
    in->failed = in->failed || list == NULL;
    for (size_t i = 0; !in->failed && i < logs->count; i++) {
        get_logged(decoder, in, &list[i]);
    }
    logs->services = list;
}

static void get_died(struct tend_reader *in, struct tend_event_died *died)
{
    const uint8_t flag = tend_reader_get_u8(in);
    died->died = flag == 1;
    in->failed = in->failed || flag > 1;
    if (died->died) {
        died->what = tend_wire_get_text(in);
        const uint64_t index = tend_wire_get_varint(in);
        died->index = (uint32_t)index;
        died->reason = tend_wire_get_text(in);
        in->failed = in->failed || index > UINT32_MAX;
    }
}

static void get_reply(struct tend_event_decoder *decoder, struct tend_reader *in, struct tend_event *event)
{
    event->reply.id = tend_wire_get_varint(in);
    const uint8_t has_bytes = tend_reader_get_u8(in);
    in->failed = in->failed || has_bytes > 1;
    if (has_bytes == 1) {
        event->reply.bytes = tend_wire_get_bytes(in, &event->reply.byte_count);
    }
    event->reply.json = hold_json(decoder, in);
    get_died(in, &event->reply.died);
}

static void get_delivered(struct tend_reader *in, struct tend_event *event)
{
    event->delivered.key = tend_wire_get_text(in);
    const uint8_t flags = tend_reader_get_u8(in);
    in->failed = in->failed || flags > 3;
    event->delivered.ok = (flags & 1) != 0;
    event->delivered.retry = (flags & 2) != 0;
    event->delivered.retry_after_ms = tend_wire_get_signed(in);
    event->delivered.error = tend_wire_get_text(in);
}

static void get_generation(struct tend_event_decoder *decoder, struct tend_reader *in, struct tend_recorded *out)
{
    out->next_generation.hash = tend_wire_get_text(in);
    out->event.generation.sources = hold_json(decoder, in);
    out->next_generation.document = hold_json(decoder, in);
}

// All kinds but SCRAPED.
static void get_rest(struct tend_event_decoder *decoder, struct tend_reader *in, struct tend_recorded *out)
{
    struct tend_event *event = &out->event;
    switch (event->kind) {
    case TEND_EVENT_SCRAPED:
    case TEND_EVENT_TIMER:
        break;
    case TEND_EVENT_TARGETS:
        get_targets(decoder, in, &event->targets);
        break;
    case TEND_EVENT_MEASURED:
        get_measured(decoder, in, &event->measured);
        break;
    case TEND_EVENT_LOGS:
        get_logs(decoder, in, &event->logs);
        break;
    case TEND_EVENT_VERDICTS:
    case TEND_EVENT_REPLY:
        get_reply(decoder, in, event);
        break;
    case TEND_EVENT_RUN_REPLY:
        event->run_reply.run = tend_wire_get_text(in);
        event->run_reply.json = hold_json(decoder, in);
        get_died(in, &event->run_reply.died);
        break;
    case TEND_EVENT_STEP_RESULT:
        event->step.id = tend_wire_get_varint(in);
        event->step.outcome = tend_wire_get_text(in);
        event->step.error = tend_wire_get_text(in);
        event->step.value = hold_json(decoder, in);
        break;
    case TEND_EVENT_DELIVERED:
        get_delivered(in, event);
        break;
    case TEND_EVENT_JOURNAL_REACHED:
        event->journal_reached = tend_wire_get_varint(in);
        break;
    case TEND_EVENT_JOURNAL_FAILED:
        event->journal_failed = tend_wire_get_text(in);
        break;
    case TEND_EVENT_OPERATOR:
        event->operator.command = tend_wire_get_text(in);
        event->operator.argument = tend_wire_get_text(in);
        event->operator.who = tend_wire_get_text(in);
        break;
    case TEND_EVENT_WALL_MOVED:
        event->wall_moved_ms = tend_wire_get_signed(in);
        break;
    case TEND_EVENT_GENERATION:
        get_generation(decoder, in, out);
        break;
    case TEND_EVENT_BASELINES:
        event->baselines.bytes = tend_wire_get_bytes(in, &event->baselines.byte_count);
        break;
    }
}

enum tend_status tend_event_decoder_event(struct tend_event_decoder *decoder, const char *bytes, size_t count,
                                          struct tend_recorded *out, const char **why)
{
    release_newest(decoder);
    struct tend_reader in = tend_reader_over(bytes, count);
    const uint8_t kind = tend_reader_get_u8(&in);
    if (in.failed || kind > TEND_EVENT_BASELINES) {
        return corrupt(why, "an event of no known kind");
    }
    out->kind = TEND_RECORDED_EVENT;
    out->event = (struct tend_event){ .kind = (enum tend_event_kind)kind };
    decoder->at_ms += (uint64_t)tend_wire_get_signed(&in);
    decoder->drift_ms += (uint64_t)tend_wire_get_signed(&in);
    out->event.at_ms = (int64_t)decoder->at_ms;
    out->event.wall_ms = (int64_t)(decoder->at_ms + decoder->drift_ms);
    decoder->events++;
    if (out->event.kind == TEND_EVENT_SCRAPED) {
        const enum tend_status status = get_scraped(decoder, &in, &out->event, why);
        if (status != TEND_OK) {
            return status;
        }
    } else {
        get_rest(decoder, &in, out);
    }
    return in.failed || in.next != in.end ? corrupt(why, "an event is malformed") : TEND_OK;
}

// ---- outcomes ----

static void get_record(struct tend_event_decoder *decoder, struct tend_reader *in, struct tend_record *record)
{
    record->number = tend_wire_get_varint(in);
    record->at_ms = tend_wire_get_signed(in);
    record->wall_ms = tend_wire_get_signed(in);
    const uint8_t kind = tend_reader_get_u8(in);
    const uint8_t flags = tend_reader_get_u8(in);
    const char *key = tend_wire_get_text(in);
    const char *incident = tend_wire_get_text(in);
    record->body = hold_json(decoder, in);
    record->kind = (enum tend_record_kind)kind;
    record->full = (flags & 1) != 0;
    record->open = (flags & 2) != 0;
    record->key = tend_arena_string(&decoder->arena, key);
    record->incident = tend_arena_string(&decoder->arena, incident);
    in->failed = in->failed || kind >= TEND_RECORD_KINDS || flags > 3 || (key != NULL && record->key == NULL) ||
                 (incident != NULL && record->incident == NULL);
}

enum tend_status tend_event_decoder_outcome(struct tend_event_decoder *decoder, const char *bytes, size_t count,
                                            struct tend_recorded *out, const char **why)
{
    enum { RECORD_BYTES_MIN = 8 };
    release_newest(decoder);
    struct tend_reader in = tend_reader_over(bytes, count);
    const uint64_t hash = tend_reader_get_u64(&in);
    const size_t record_count = tend_wire_get_count(&in, RECORD_BYTES_MIN);
    struct tend_record *records = tend_arena_alloc(&decoder->arena, record_count + 1, sizeof *records);
    if (records == NULL) {
        return TEND_E_NOMEM;
    }
    for (size_t i = 0; !in.failed && i < record_count; i++) {
        get_record(decoder, &in, &records[i]);
    }
    if (in.failed || in.next != in.end) {
        return corrupt(why, "an outcome is malformed");
    }
    out->kind = TEND_RECORDED_OUTCOME;
    out->outcome.hash = hash;
    out->outcome.records = records;
    out->outcome.record_count = record_count;
    return TEND_OK;
}
