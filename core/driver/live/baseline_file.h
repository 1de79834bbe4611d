#pragma once
/// Baseline file: what was learned (tend.learned), kept over restarts in the state directory as `baselines`.
///
/// A stranger's or a damaged file is told and not used: then all is learned anew, which is safe, and the file is put
/// aside, for it may be that of a newer tend, or of a disk that fails. A file is whole or not there: it is written
/// beside the old one, synced, and takes its place.
/// Threads: a writer has one of its own, so that a stalled disk stalls nobody; all else is for one thread.

#include "base/buffer.h"
#include "base/status.h"

#include <stdbool.h>

/// Reads the file of a state directory.
/// @param[out] out  appended to: what tend_engine_save_baselines gave; nothing when there is no file
/// @return TEND_OK, TEND_E_IO, TEND_E_CORRUPT or TEND_E_NOMEM with the error set, and nothing was appended
TEND_MUST_CHECK enum tend_status tend_baseline_file_read(const char *directory, struct tend_buffer *out,
                                                         struct tend_error *error);
/// Renames one that cannot be read to `baselines.unread`, in the place of an older such one. @return whether it was
bool tend_baseline_file_put_aside(const char *directory);
/// Reads such a file wherever it lies. @return as above; TEND_E_IO when there is none
TEND_MUST_CHECK enum tend_status tend_baseline_file_read_path(const char *path, struct tend_buffer *out,
                                                              struct tend_error *error);
/// Writes it and waits until it is on the disk. @return TEND_OK, or TEND_E_IO with the error set and the old file as it
/// was
TEND_MUST_CHECK enum tend_status tend_baseline_file_write(const char *directory, const char *bytes, size_t count,
                                                          struct tend_error *error);

struct tend_baseline_writer;

/// @param directory  outlives the writer
TEND_MUST_CHECK enum tend_status tend_baseline_writer_create(const char *directory, struct tend_baseline_writer **out);
void tend_baseline_writer_destroy(struct tend_baseline_writer *writer); ///< Waits for what is being written.
void tend_baseline_writer_wait(struct tend_baseline_writer *writer);    ///< until none is under way
/// Whether a write is under way.
bool tend_baseline_writer_is_busy(const struct tend_baseline_writer *writer);
/// Begins to write, unless one is under way. A write that fails is told in the log. @param take_bytes  emptied
void tend_baseline_writer_put(struct tend_baseline_writer *writer, struct tend_buffer *take_bytes);
