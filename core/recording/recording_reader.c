// Files, their blocks, the blocks' items, the items' parts.
//
// A segment of a directory that is torn is an end only when it is the newest: a tend that starts cuts off what the one
// before it had not finished (recording_writer.c), so a tear further back is damage. Segments that vanish between the
// reading of the directory and their turn were dropped by the ring of a tend that runs; the oldest ones go first.

#include "recording/recording_reader.h"

#include "base/buffer.h"
#include "recording/block_reader.h"
#include "recording/event_decoder.h"
#include "recording/segment_list.h"
#include "recording/wire.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct segment_file {
    char *path;
    uint64_t bytes; // when the recording was opened
    int64_t at_ms;  // INT64_MAX: not known yet
};

struct tend_recording_reader {
    struct segment_file *files;
    size_t file_count;
    size_t file; // the current one, or the next when there is no `blocks`
    struct tend_block_reader *blocks;
    struct tend_block block;
    struct tend_reader items;
    struct tend_buffer pieces; // of an item with MORE
    uint8_t pieces_kind;       // 0: none is begun
    struct tend_event_decoder *decoder;
    json_t *json[2];       // of the newest part
    uint64_t segments;     // headers read
    uint64_t number;       // of the newest header
    uint64_t bytes_before; // in the files before the current one
    bool has_header;       // of this file
    bool after_event;      // an OUTCOME may follow
    bool closed;           // the newest item was an END
    bool ended;            // the newest segment had its END
    bool torn;
    bool sought; // the segment before was not read
};

static enum tend_status no_memory(struct tend_error *error)
{
    tend_error_set(error, "out of memory");
    return TEND_E_NOMEM;
}

static enum tend_status add_file(struct tend_recording_reader *reader, char *take_path)
{
    struct stat about;
    struct segment_file *grown =
        take_path == NULL ? NULL : reallocarray(reader->files, reader->file_count + 1, sizeof *grown);
    if (grown == NULL) {
        free(take_path);
        return TEND_E_NOMEM;
    }
    const uint64_t bytes = stat(take_path, &about) == 0 ? (uint64_t)about.st_size : 0;
    reader->files = grown;
    reader->files[reader->file_count++] =
        (struct segment_file){ .path = take_path, .bytes = bytes, .at_ms = INT64_MAX };
    return TEND_OK;
}

static enum tend_status list_files(struct tend_recording_reader *reader, const char *path, struct tend_error *error)
{
    struct stat about;
    if (stat(path, &about) != 0 || !S_ISDIR(about.st_mode)) {
        return add_file(reader, strdup(path)); // a path that is not there is an error when it is opened
    }
    struct tend_segment_list list;
    enum tend_status status = tend_segment_list_read(path, &list, error);
    if (status != TEND_OK) {
        return status;
    }
    for (size_t i = 0; status == TEND_OK && i < list.count; i++) {
        status = add_file(reader, tend_segment_path(path, list.numbers[i]));
    }
    tend_segment_list_clear(&list);
    if (status == TEND_OK && reader->file_count == 0) {
        tend_error_set(error, "%s holds no recording of tend", path);
        status = TEND_E_INVALID;
    }
    return status;
}

static void leave_file(struct tend_recording_reader *reader)
{
    if (reader->blocks != NULL) {
        reader->bytes_before += reader->files[reader->file].bytes;
        tend_block_reader_close(reader->blocks);
        reader->blocks = NULL;
        reader->file++;
    }
    reader->items = tend_reader_over("", 0);
    reader->pieces_kind = 0;
    reader->has_header = false;
    reader->after_event = false;
}

// Opens the file whose turn it is. @return TEND_END when there is none
static enum tend_status enter_file(struct tend_recording_reader *reader, struct tend_error *error)
{
    for (; reader->file < reader->file_count; reader->file++) {
        struct segment_file *file = &reader->files[reader->file];
        struct stat about;
        const bool newest = reader->file + 1 == reader->file_count;
        if (!newest && stat(file->path, &about) != 0) {
            reader->bytes_before += file->bytes;
            reader->sought = true; // nothing is known of what came before the one that follows
            continue;
        }
        bool torn;
        const enum tend_status status = tend_block_reader_open(file->path, &reader->blocks, &torn, error);
        if (status == TEND_OK) {
            file->at_ms = tend_block_reader_header(reader->blocks)->at_ms;
        } else if (torn && newest && reader->file_count > 1) {
            reader->torn = true;
            reader->file++;
            return TEND_END;
        }
        return status;
    }
    return TEND_END;
}

enum tend_status tend_recording_open(const char *path, struct tend_recording_reader **out, struct tend_error *error)
{
    struct tend_recording_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        return no_memory(error);
    }
    reader->sought = true;
    reader->items = tend_reader_over("", 0);
    enum tend_status status = tend_event_decoder_create(&reader->decoder);
    if (status == TEND_OK) {
        status = list_files(reader, path, error);
    }
    if (status == TEND_E_NOMEM) {
        (void)no_memory(error);
    }
    if (status == TEND_OK) {
        status = enter_file(reader, error);
        if (status == TEND_END) { // every segment went, or the only one is within its header
            tend_error_set(error, "%s holds no recording of tend", path);
            status = TEND_E_INVALID;
        }
    }
    if (status != TEND_OK) {
        tend_recording_close(reader);
        return status;
    }
    *out = reader;
    return TEND_OK;
}

static void release_json(struct tend_recording_reader *reader)
{
    for (size_t i = 0; i < 2; i++) {
        json_decref(reader->json[i]);
        reader->json[i] = NULL;
    }
}

void tend_recording_close(struct tend_recording_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    release_json(reader);
    tend_block_reader_close(reader->blocks);
    tend_event_decoder_destroy(reader->decoder);
    tend_buffer_clear(&reader->pieces);
    for (size_t i = 0; i < reader->file_count; i++) {
        free(reader->files[i].path);
    }
    free(reader->files);
    free(reader);
}

bool tend_recording_torn(const struct tend_recording_reader *reader)
{
    return reader->torn;
}

void tend_recording_progress(const struct tend_recording_reader *reader, uint64_t *read, uint64_t *all)
{
    *all = 0;
    for (size_t i = 0; i < reader->file_count; i++) {
        *all += reader->files[i].bytes;
    }
    *read = reader->bytes_before + (reader->blocks == NULL ? 0 : tend_block_reader_bytes(reader->blocks));
    *all = *all < *read ? *read : *all; // the newest segment may have grown
}

// ---- parts ----

static enum tend_status corrupt(const struct tend_recording_reader *reader, const char *what, struct tend_error *error)
{
    tend_error_set(error, "%s: byte %" PRIu64 ": %s", reader->files[reader->file].path, reader->block.at_byte, what);
    return TEND_E_CORRUPT;
}

static enum tend_status take_json(struct tend_recording_reader *reader, struct tend_reader *in,
                                  enum tend_recorded_kind kind, struct tend_recorded *out, struct tend_error *error)
{
    out->kind = kind;
    out->json = reader->json[0] = tend_wire_get_json(in);
    return !json_is_object(out->json) || in->next != in->end ? corrupt(reader, "a part has malformed JSON", error)
                                                             : TEND_OK;
}

static enum tend_status take_header(struct tend_recording_reader *reader, struct tend_reader *in,
                                    struct tend_recorded *out, struct tend_error *error)
{
    if (!reader->block.begins_frame) {
        return corrupt(reader, "a segment begins in the middle of another", error);
    }
    const bool bundle = tend_block_reader_header(reader->blocks)->what == TEND_RECORDING_BUNDLE;
    if (reader->has_header && !bundle) {
        return corrupt(reader, "a second segment begins in one file", error);
    }
    tend_event_decoder_reset(reader->decoder);
    const enum tend_status status = take_json(reader, in, TEND_RECORDED_HEADER, out, error);
    if (status != TEND_OK) {
        return status;
    }
    const uint64_t number = (uint64_t)tend_json_integer(out->json, "segment", 0);
    const bool follows = reader->ended && number == reader->number + 1;
    if (tend_json_bool(out->json, "continues", false) && !reader->sought && !follows) {
        return corrupt(reader, "the segment before this one is missing or is cut off", error);
    }
    out->segment = reader->segments++;
    reader->number = number;
    reader->has_header = true;
    reader->ended = false;
    reader->sought = false;
    return TEND_OK;
}

static enum tend_status take_generation(struct tend_recording_reader *reader, struct tend_reader *in,
                                        struct tend_recorded *out, struct tend_error *error)
{
    out->kind = TEND_RECORDED_GENERATION;
    out->generation.hash = tend_wire_get_text(in);
    out->generation.sources = reader->json[0] = tend_wire_get_json(in);
    out->generation.document = reader->json[1] = tend_wire_get_json(in);
    return in->failed || in->next != in->end || out->generation.hash == NULL || out->generation.document == NULL
               ? corrupt(reader, "a generation is malformed", error)
               : TEND_OK;
}

static enum tend_status take_end(struct tend_recording_reader *reader, struct tend_reader *in, struct tend_error *error)
{
    const uint64_t events = tend_wire_get_varint(in);
    if (in->failed || in->next != in->end || events != tend_event_decoder_count(reader->decoder)) {
        return corrupt(reader, "the segment does not have the events that it should", error);
    }
    reader->ended = true;
    return TEND_OK;
}

// @param why  a pointer, as it is set by the call whose status is the argument before it
static enum tend_status decoded(const struct tend_recording_reader *reader, enum tend_status status,
                                const char *const *why, struct tend_error *error)
{
    return status == TEND_E_CORRUPT ? corrupt(reader, *why, error) : status == TEND_E_NOMEM ? no_memory(error) : status;
}

// Takes one item. @param[out] is_part  false: it was for the reader only
static enum tend_status take_item(struct tend_recording_reader *reader, uint8_t kind, const char *bytes, size_t count,
                                  struct tend_recorded *out, bool *is_part, struct tend_error *error)
{
    struct tend_reader in = tend_reader_over(bytes, count);
    const char *why = "";
    const bool after_event = reader->after_event;
    *is_part = true;
    reader->closed = kind == TEND_ITEM_END;
    if (kind != TEND_ITEM_LABELS && kind != TEND_ITEM_LAYOUT) {
        reader->after_event = kind == TEND_ITEM_EVENT;
    }
    if (kind != TEND_ITEM_HEADER && kind != TEND_ITEM_JOURNAL && kind != TEND_ITEM_NOTE && kind != TEND_ITEM_END &&
        (!reader->has_header || reader->ended)) {
        return corrupt(reader, "a part that belongs to no segment", error);
    }
    switch (kind) {
    case TEND_ITEM_HEADER:
        return take_header(reader, &in, out, error);
    case TEND_ITEM_JOURNAL:
        return take_json(reader, &in, TEND_RECORDED_JOURNAL, out, error);
    case TEND_ITEM_NOTE:
        return take_json(reader, &in, TEND_RECORDED_NOTE, out, error);
    case TEND_ITEM_GENERATION:
        return take_generation(reader, &in, out, error);
    case TEND_ITEM_CHECKPOINT:
        out->kind = TEND_RECORDED_CHECKPOINT;
        out->checkpoint.bytes = bytes;
        out->checkpoint.byte_count = count;
        return TEND_OK;
    case TEND_ITEM_EVENT:
        return decoded(reader, tend_event_decoder_event(reader->decoder, bytes, count, out, &why), &why, error);
    case TEND_ITEM_OUTCOME:
        if (!after_event) {
            return corrupt(reader, "an outcome of no event", error);
        }
        return decoded(reader, tend_event_decoder_outcome(reader->decoder, bytes, count, out, &why), &why, error);
    case TEND_ITEM_LABELS:
        *is_part = false;
        return decoded(reader, tend_event_decoder_labels(reader->decoder, bytes, count, &why), &why, error);
    case TEND_ITEM_LAYOUT:
        *is_part = false;
        return decoded(reader, tend_event_decoder_layout(reader->decoder, bytes, count, &why), &why, error);
    case TEND_ITEM_END:
        *is_part = false;
        return take_end(reader, &in, error);
    default:
        return corrupt(reader, "a part of no known kind", error);
    }
}

// Puts the pieces of an item together. @param[out] whole  false: more pieces follow
static enum tend_status next_item(struct tend_recording_reader *reader, uint8_t *kind, const char **bytes,
                                  size_t *count, bool *whole, struct tend_error *error)
{
    const uint8_t tag = tend_reader_get_u8(&reader->items);
    *kind = tag & (uint8_t)~TEND_ITEM_MORE;
    *bytes = tend_wire_get_bytes(&reader->items, count);
    *whole = (tag & TEND_ITEM_MORE) == 0;
    if (reader->items.failed || (reader->pieces_kind != 0 && reader->pieces_kind != *kind)) {
        return corrupt(reader, "the parts of a block are malformed", error);
    }
    if (reader->pieces_kind == 0) {
        tend_buffer_reset(&reader->pieces);
        if (*whole) {
            return TEND_OK;
        }
    }
    if (reader->pieces.size + *count > TEND_RECORDING_ITEM_BYTES_MAX) {
        return corrupt(reader, "a part is larger than any may be", error);
    }
    tend_buffer_put(&reader->pieces, *bytes, *count);
    if (reader->pieces.failed) {
        return no_memory(error);
    }
    reader->pieces_kind = *whole ? 0 : *kind;
    *bytes = tend_buffer_text(&reader->pieces);
    *count = reader->pieces.size;
    return TEND_OK;
}

// Goes to the next block, in the next file when this one is read. @return TEND_OK, TEND_END or an error
static enum tend_status next_block(struct tend_recording_reader *reader, struct tend_error *error)
{
    while (reader->blocks != NULL) {
        const bool newest = reader->file + 1 == reader->file_count;
        const bool bundle = tend_block_reader_header(reader->blocks)->what == TEND_RECORDING_BUNDLE;
        enum tend_status status = tend_block_reader_next(reader->blocks, &reader->block, error);
        if (status == TEND_OK) {
            reader->items = tend_reader_over(reader->block.items, reader->block.count);
            return TEND_OK;
        }
        if (status == TEND_E_CORRUPT && newest && !bundle && tend_block_reader_is_torn(reader->blocks)) {
            reader->torn = true;
            return TEND_END;
        }
        if (status != TEND_END) {
            return status;
        }
        // A segment that a crash cut, and the tend after it mended, may end with the first pieces of a part.
        if (bundle ? !reader->closed : newest && reader->pieces_kind != 0) {
            tend_error_set(error, "%s: byte %" PRIu64 ": the file is cut off here", reader->files[reader->file].path,
                           tend_block_reader_bytes(reader->blocks));
            reader->torn = !bundle;
            return bundle ? TEND_E_CORRUPT : TEND_END;
        }
        leave_file(reader);
        status = enter_file(reader, error);
        if (status != TEND_OK) {
            return status;
        }
    }
    return TEND_END;
}

enum tend_status tend_recording_next(struct tend_recording_reader *reader, struct tend_recorded *out,
                                     struct tend_error *error)
{
    release_json(reader);
    for (;;) {
        if (reader->items.next == reader->items.end) {
            const enum tend_status status = next_block(reader, error);
            if (status != TEND_OK) {
                return status;
            }
        }
        uint8_t kind;
        const char *bytes;
        size_t count;
        bool whole;
        bool is_part = false;
        enum tend_status status = next_item(reader, &kind, &bytes, &count, &whole, error);
        struct tend_recorded part = { .at_byte = reader->block.at_byte,
                                      .segment = reader->segments == 0 ? 0 : reader->segments - 1 };
        if (status == TEND_OK && whole) {
            status = take_item(reader, kind, bytes, count, &part, &is_part, error);
        }
        if (status != TEND_OK) {
            return status;
        }
        if (is_part) {
            *out = part;
            return TEND_OK;
        }
    }
}

// ---- seek ----

static enum tend_status learn_time(struct segment_file *file, struct tend_error *error)
{
    if (file->at_ms != INT64_MAX) {
        return TEND_OK;
    }
    struct tend_block_reader *blocks;
    bool torn;
    const enum tend_status status = tend_block_reader_open(file->path, &blocks, &torn, error);
    if (status == TEND_OK) {
        file->at_ms = tend_block_reader_header(blocks)->at_ms;
        tend_block_reader_close(blocks);
    }
    return status;
}

// Engine time never falls, from segment to segment, so the last one that begins early enough is found by halving.
enum tend_status tend_recording_seek(struct tend_recording_reader *reader, int64_t at_ms, struct tend_error *error)
{
    size_t low = 0;
    size_t high = reader->file_count;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        struct stat about;
        const bool gone = stat(reader->files[middle].path, &about) != 0;
        const bool newest = middle + 1 == reader->file_count;
        const enum tend_status status = gone ? TEND_OK : learn_time(&reader->files[middle], error);
        if (status != TEND_OK && !newest) {
            return status;
        }
        // The ring drops the oldest ones: what is gone is before what is asked for. A newest one that cannot be read
        // may be torn within its header: what is asked for is before it.
        const bool early = gone || (status == TEND_OK && reader->files[middle].at_ms <= at_ms);
        low = early ? middle : low;
        high = early ? high : middle;
    }
    tend_block_reader_close(reader->blocks);
    reader->blocks = NULL;
    leave_file(reader);
    reader->file = low;
    reader->torn = false;
    reader->ended = false;
    reader->sought = true;
    reader->bytes_before = 0;
    for (size_t i = 0; i < low; i++) {
        reader->bytes_before += reader->files[i].bytes;
    }
    return enter_file(reader, error);
}
