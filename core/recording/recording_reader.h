#pragma once
/// Recording reader: the parts of a recording, one after the other.
///
/// Opens a segment, a bundle, or a directory of segments (read in order). Trusts nothing: all that is read is checked.
/// Ownership: who opens closes. Threads: one. What was decoded stays as it is until the next call.

#include "recording/recording.h"

struct tend_recording_reader;

/// @return TEND_OK, TEND_E_IO, TEND_E_INVALID (not a recording, a newer format; the error says which) or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_recording_open(const char *path, struct tend_recording_reader **out,
                                                     struct tend_error *error);
/// @return TEND_OK; TEND_END; TEND_E_CORRUPT: `PATH: byte N: what is wrong`; TEND_E_INVALID (a file of the directory is
/// no segment, or a newer tend's), TEND_E_IO or TEND_E_NOMEM. A torn tail of the newest segment is an end: then
/// tend_recording_torn is true, and the error says which file was torn at which byte. After a failure only seek and
/// close are left.
TEND_MUST_CHECK enum tend_status tend_recording_next(struct tend_recording_reader *reader, struct tend_recorded *out,
                                                     struct tend_error *error);
bool tend_recording_torn(const struct tend_recording_reader *reader);
/// Goes to the newest segment that begins at or before a time (the first one when all are newer); the next part is its
/// header. @return TEND_OK, TEND_END (there is no segment), TEND_E_IO or TEND_E_CORRUPT
TEND_MUST_CHECK enum tend_status tend_recording_seek(struct tend_recording_reader *reader, int64_t at_ms,
                                                     struct tend_error *error);
/// What a progress bar shows: bytes read and bytes in all.
void tend_recording_progress(const struct tend_recording_reader *reader, uint64_t *read, uint64_t *all);
void tend_recording_close(struct tend_recording_reader *reader); ///< NULL is allowed
