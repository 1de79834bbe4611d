// Parts are encoded again and not copied as bytes: a bundle may hold a part of a segment, and its rows are coded
// against the rows before them.

#include "recording/bundle_writer.h"

#include "base/buffer.h"
#include "recording/block_writer.h"
#include "recording/event_encoder.h"
#include "recording/part_encoder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK_BYTES = 256 * 1024 };

struct tend_bundle_writer {
    char *path;
    char *new_path;
    struct tend_block_writer *blocks;
    struct tend_event_encoder *events;
    struct tend_buffer items;
    bool begins_frame;
    bool in_segment;
    bool finished;
};

static enum tend_status no_memory(struct tend_error *error)
{
    tend_error_set(error, "out of memory");
    return TEND_E_NOMEM;
}

enum tend_status tend_bundle_writer_create(const char *path, struct tend_bundle_writer **out, struct tend_error *error)
{
    struct tend_bundle_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL) {
        return no_memory(error);
    }
    writer->begins_frame = true;
    writer->path = strdup(path);
    char *new_path;
    const bool named = asprintf(&new_path, "%s.new", path) >= 0;
    if (writer->path == NULL || !named || tend_event_encoder_create(&writer->events) != TEND_OK) {
        free(named ? new_path : NULL);
        tend_bundle_writer_destroy(writer);
        return no_memory(error);
    }
    (void)unlink(new_path); // of a tend that was killed while it wrote one
    struct tend_recording_file_header header = { .what = TEND_RECORDING_BUNDLE };
    const enum tend_status status = tend_block_writer_create(new_path, &header, &writer->blocks, error);
    if (status != TEND_OK) {
        free(new_path); // not ours to remove
        tend_bundle_writer_destroy(writer);
        return status;
    }
    writer->new_path = new_path;
    *out = writer;
    return TEND_OK;
}

void tend_bundle_writer_destroy(struct tend_bundle_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    tend_block_writer_destroy(writer->blocks);
    if (writer->new_path != NULL && !writer->finished) {
        (void)unlink(writer->new_path);
    }
    tend_event_encoder_destroy(writer->events);
    tend_buffer_clear(&writer->items);
    free(writer->path);
    free(writer->new_path);
    free(writer);
}

static enum tend_status flush(struct tend_bundle_writer *writer, struct tend_error *error)
{
    if (writer->items.failed) {
        return no_memory(error);
    }
    const enum tend_status status = tend_block_writer_put(writer->blocks, tend_buffer_text(&writer->items),
                                                          writer->items.size, writer->begins_frame, error);
    writer->begins_frame = writer->begins_frame && writer->items.size == 0;
    tend_buffer_reset(&writer->items);
    return status;
}

static enum tend_status end_segment(struct tend_bundle_writer *writer, struct tend_error *error)
{
    tend_item_put_end(&writer->items, tend_event_encoder_count(writer->events));
    return flush(writer, error);
}

static enum tend_status begin_segment(struct tend_bundle_writer *writer, const json_t *header, struct tend_error *error)
{
    const enum tend_status status = writer->in_segment ? end_segment(writer, error) : flush(writer, error);
    tend_event_encoder_reset(writer->events);
    writer->in_segment = true;
    writer->begins_frame = true;
    tend_item_put_json(&writer->items, TEND_ITEM_HEADER, header);
    return status;
}

enum tend_status tend_bundle_writer_put(struct tend_bundle_writer *writer, const struct tend_recorded *part,
                                        struct tend_error *error)
{
    enum tend_status status = TEND_OK;
    switch (part->kind) {
    case TEND_RECORDED_HEADER:
        status = begin_segment(writer, part->json, error);
        break;
    case TEND_RECORDED_GENERATION:
        tend_item_put_generation(&writer->items, part->generation.hash, part->generation.sources,
                                 part->generation.document);
        break;
    case TEND_RECORDED_CHECKPOINT:
        tend_item_put(&writer->items, TEND_ITEM_CHECKPOINT, part->checkpoint.bytes, part->checkpoint.byte_count);
        break;
    case TEND_RECORDED_EVENT:
        status = tend_event_encoder_put(writer->events, &part->event, part->next_generation.hash,
                                        part->next_generation.document, &writer->items);
        break;
    case TEND_RECORDED_OUTCOME:
        tend_item_put_outcome(&writer->items, part->outcome.hash, part->outcome.records, part->outcome.record_count);
        break;
    case TEND_RECORDED_JOURNAL:
        tend_item_put_json(&writer->items, TEND_ITEM_JOURNAL, part->json);
        break;
    case TEND_RECORDED_NOTE:
        tend_item_put_json(&writer->items, TEND_ITEM_NOTE, part->json);
        break;
    }
    if (status != TEND_OK) {
        if (part->kind != TEND_RECORDED_HEADER) {
            tend_error_set(error, "the bundle cannot be written: %s", tend_status_text(status));
        }
        return status;
    }
    return writer->items.failed || writer->items.size >= BLOCK_BYTES ? flush(writer, error) : TEND_OK;
}

enum tend_status tend_bundle_writer_finish(struct tend_bundle_writer *writer, uint64_t *bytes, struct tend_error *error)
{
    enum tend_status status = end_segment(writer, error);
    if (status == TEND_OK) {
        status = tend_block_writer_sync(writer->blocks, error);
    }
    if (status == TEND_OK) {
        status = tend_block_writer_rename(writer->blocks, writer->path, error);
    }
    if (status != TEND_OK) {
        return status;
    }
    writer->finished = true;
    if (bytes != NULL) {
        *bytes = tend_block_writer_bytes(writer->blocks);
    }
    return TEND_OK;
}
