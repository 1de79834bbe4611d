#pragma once
/// Block reader: the blocks of one file, checked and decompressed. Trusts nothing; holds one block in memory.
///
/// Ownership: who opens closes. Threads: one.

#include "recording/format.h"

#include <stdbool.h>

struct tend_block_reader;

struct tend_block {
    const char *items; ///< decompressed; stay until the next call
    size_t count;
    uint64_t at_byte; ///< where the block begins
    bool begins_frame;
};

/// @param[out] torn  of TEND_E_INVALID: the file is cut within its header
/// @return TEND_OK, TEND_E_IO, TEND_E_INVALID (tend_recording_get_file_header) or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_block_reader_open(const char *path, struct tend_block_reader **out, bool *torn,
                                                        struct tend_error *error);
void tend_block_reader_close(struct tend_block_reader *reader); ///< NULL is allowed
const struct tend_recording_file_header *tend_block_reader_header(const struct tend_block_reader *reader);

/// @return TEND_OK; TEND_END; TEND_E_CORRUPT with `PATH: byte N: what is wrong`; TEND_E_IO or TEND_E_NOMEM. After
/// TEND_E_CORRUPT tend_block_reader_is_torn says whether it is what a crash leaves: a block that was begun last and is
/// not whole.
TEND_MUST_CHECK enum tend_status tend_block_reader_next(struct tend_block_reader *reader, struct tend_block *out,
                                                        struct tend_error *error);
bool tend_block_reader_is_torn(const struct tend_block_reader *reader);
uint64_t tend_block_reader_bytes(const struct tend_block_reader *reader); ///< up to the end of the last whole block
