#pragma once
/// Format: how a recording lies in a file. Numbers are little-endian.
///
/// A file is a file header and then blocks. What the blocks hold, one after the other and uncompressed, is a sequence
/// of items; an item never crosses from one block into the next but by its MORE bit.
///
///     file header, 48 bytes
///       0  8  magic, TEND_RECORDING_MAGIC
///       8  4  format: 1
///      12  4  what: 0 a segment, 1 a bundle
///      16  8  number of the segment, or 0
///      24  8  engine time at its beginning, ms
///      32  8  wall time at its beginning, ms
///      40  8  check of the 40 bytes before
///
///     block
///       0  4  bytes of data that follow the block's header
///       4  4  bytes that they are when decompressed, 1 to TEND_RECORDING_BLOCK_BYTES_MAX
///       8  4  number of the block in its file, from 0
///      12  4  flags: 1 the data begins a new zstd frame
///      16  8  check of the data
///      24  8  check of the file header's check and the 24 bytes before: a block of another file is not taken for one
///      32     data: a piece of a zstd frame, flushed, so that all of the block's items come out of it
///
/// A check is the first 8 bytes of SHA-256. One zstd frame goes on through all blocks of a segment: small blocks (one a
/// second) compress as well as large ones, and a segment is read from its beginning anyway.
///
///     item:  u8 kind (| 0x80 MORE: the next item goes on with the payload of this one), varint length, payload
///
///     HEADER, JOURNAL, NOTE   json
///     GENERATION              text hash, json sources, json document
///     CHECKPOINT              the bytes of tend_engine_save
///     LABELS                  defines the next label set: bytes name, varint count, each label: bytes name, bytes
///     value LAYOUT                  defines the next layout: varint count, each column: signed label set less the one
///     of the
///                             column before less 1, u8 type
///     EVENT                   u8 kind, signed at_ms less that of the event before, signed (wall_ms - at_ms) less that
///                             of the event before, and what its kind has, as event_encoder.c says
///     OUTCOME                 u64 hash, varint count of records, records
///     END                     varint count of events: the segment or the bundle was ended properly
///
/// A HEADER begins a segment: numbers of label sets and layouts begin at 0 again, and no target has a row before.
///
/// Rows: each value is coded against the value of the same column in the row before of the same target, of whatever
/// layout (a decoder appends columns, so older columns keep their place); there is none before: +0.0.
///     0                       the same bits
///     varint 2·zigzag(d)      both are integers within ±2^53 and the new one is the old one + d, d ≠ 0
///     odd byte                else: 2·(8·trailing + length - 1) + 1, and the `length` bytes of the XOR of both, low
///     byte
///                             first, that are left when `trailing` zero bytes at its low end and those at its high end
///                             are cut off
/// So every bit pattern comes back: stale markers, payloads of NaNs, -0.0.

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEND_RECORDING_MAGIC "\211tendrec"

enum {
    TEND_RECORDING_FORMAT = 1,
    TEND_RECORDING_FILE_HEADER_BYTES = 48,
    TEND_RECORDING_BLOCK_HEADER_BYTES = 32,
    TEND_RECORDING_CHECK_BYTES = 8,
    TEND_RECORDING_BLOCK_BYTES_MAX = 4 * 1024 * 1024, ///< decompressed
    TEND_RECORDING_WINDOW_LOG = 20,                   ///< of zstd: what a reader needs in memory
    TEND_RECORDING_BEGINS_FRAME = 1,
};

enum tend_recording_file {
    TEND_RECORDING_SEGMENT = 0,
    TEND_RECORDING_BUNDLE = 1,
};

enum tend_recording_item {
    TEND_ITEM_HEADER = 1,
    TEND_ITEM_GENERATION,
    TEND_ITEM_CHECKPOINT,
    TEND_ITEM_EVENT,
    TEND_ITEM_OUTCOME,
    TEND_ITEM_JOURNAL,
    TEND_ITEM_NOTE,
    TEND_ITEM_LABELS,
    TEND_ITEM_LAYOUT,
    TEND_ITEM_END,
    TEND_ITEM_MORE = 0x80,
};

/// Limits, which a writer keeps (it begins a new segment, or stops recording) and a reader trusts nobody about: they
/// bound the memory that a file of a few bytes can ask for.
enum {
    TEND_RECORDING_ITEM_BYTES_MAX = 512 * 1024 * 1024, ///< a checkpoint
    TEND_RECORDING_JSON_BYTES_MAX = 64 * 1024 * 1024,
    TEND_RECORDING_TARGETS_MAX = 1024 * 1024,
    TEND_RECORDING_LABEL_SETS_MAX = 8 * 1024 * 1024,   ///< of a segment
    TEND_RECORDING_COLUMNS_MAX = 16 * 1024 * 1024,     ///< of all layouts of a segment
    TEND_RECORDING_ROW_VALUES_MAX = 64 * 1024 * 1024,  ///< of the newest rows of all targets
    TEND_RECORDING_LABEL_TEXT_MAX = 256 * 1024 * 1024, ///< bytes of all label sets of a segment
};

/// What a file says of itself at its beginning.
struct tend_recording_file_header {
    enum tend_recording_file what;
    uint64_t number;
    int64_t at_ms;
    int64_t wall_ms;
    uint64_t check; ///< of it; also part of each block's
};

/// The first 8 bytes of SHA-256. @return false: out of memory
TEND_MUST_CHECK bool tend_recording_check(const void *bytes, size_t count, uint64_t *out);
/// Sets header->check and writes the 48 bytes. @return false: out of memory
TEND_MUST_CHECK bool tend_recording_put_file_header(struct tend_recording_file_header *header, char *bytes);
/// @param count  how many of the 48 there are
/// @return TEND_OK, TEND_E_INVALID (no recording, a newer format or a damaged header) or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_recording_get_file_header(const char *bytes, size_t count, const char *path,
                                                                struct tend_recording_file_header *out,
                                                                struct tend_error *error);
/// A little-endian number at a place of a header.
uint32_t tend_recording_get_u32(const char *at);
uint64_t tend_recording_get_u64(const char *at);
