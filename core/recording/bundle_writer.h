#pragma once
/// Bundle writer: a recording cut from another one, with journal rows and a note, as one file.
///
/// Takes parts as the reader gives them, and writes the same parts: HEADER begins a segment, and each segment has its
/// GENERATION and CHECKPOINT before its first EVENT; JOURNAL and NOTE may stand anywhere. A HEADER that "continues"
/// must follow the segment that it continues, whole; who leaves something out sets "continues" to false. The file
/// appears under its name when it is finished, and not before. Ownership: who creates destroys. Threads: one.

#include "recording/recording.h"

struct tend_bundle_writer;

/// Begins PATH.new. @return TEND_OK, TEND_E_IO or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_bundle_writer_create(const char *path, struct tend_bundle_writer **out,
                                                           struct tend_error *error);
/// Appends one part. @return TEND_OK, TEND_E_LIMIT (recording/format.h), TEND_E_IO or TEND_E_NOMEM: then only destroy
/// is left
TEND_MUST_CHECK enum tend_status tend_bundle_writer_put(struct tend_bundle_writer *writer,
                                                        const struct tend_recorded *part, struct tend_error *error);
/// Ends the file, puts it on the disk and gives it its name, in the place of a file that has it.
/// @param[out] bytes  how long it is; NULL is allowed  @return TEND_OK, TEND_E_IO or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_bundle_writer_finish(struct tend_bundle_writer *writer, uint64_t *bytes,
                                                           struct tend_error *error);
/// Removes what was not finished. NULL is allowed.
void tend_bundle_writer_destroy(struct tend_bundle_writer *writer);
