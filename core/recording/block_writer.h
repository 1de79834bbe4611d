#pragma once
/// Block writer: appends compressed, checked blocks to a file (recording/format.h).
///
/// After a write that failed the file ends with its last whole block again, as far as the disk lets it.
/// Ownership: who creates destroys, which closes. Threads: one.

#include "recording/format.h"

#include <stdbool.h>

struct tend_block_writer;

/// Makes a file, which must not exist, mode 0640, and writes its header. @param header  its check is set
/// @return TEND_OK, TEND_E_IO or TEND_E_NOMEM; then there is no file
TEND_MUST_CHECK enum tend_status tend_block_writer_create(const char *path, struct tend_recording_file_header *header,
                                                          struct tend_block_writer **out, struct tend_error *error);
void tend_block_writer_destroy(struct tend_block_writer *writer); ///< NULL is allowed

/// Appends whole items (in pieces of up to 1 MiB, as tend_item_put makes them) as one block, or as several when they
/// are many.
/// @param begins_frame  they begin a segment  @return TEND_OK, TEND_E_IO or TEND_E_NOMEM: then only destroy is left
TEND_MUST_CHECK enum tend_status tend_block_writer_put(struct tend_block_writer *writer, const char *items,
                                                       size_t count, bool begins_frame, struct tend_error *error);
/// Gives the file another name, in the place of a file that has it. @return TEND_OK, TEND_E_IO or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_block_writer_rename(struct tend_block_writer *writer, const char *path,
                                                          struct tend_error *error);
/// Puts what was written on the disk. @return TEND_OK or TEND_E_IO
TEND_MUST_CHECK enum tend_status tend_block_writer_sync(struct tend_block_writer *writer, struct tend_error *error);
uint64_t tend_block_writer_bytes(const struct tend_block_writer *writer); ///< of the file
