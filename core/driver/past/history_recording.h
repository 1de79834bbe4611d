#pragma once
/// History from a recording: the scrapes that a `tend run` recorded, by the instances that its own rules watched.
///
/// The recorded engine is driven along, without its evaluators, so that each target index is known as the instance it
/// was at the time. Series that the recorded rules did not select are not in a recording.

#include "driver/past/history.h"
#include "engine/ruleset.h"

/// @param path  a segment, a bundle, or a directory of segments
/// @param from_ms  begins at the newest segment that begins at or before; INT64_MIN: the first
/// @return TEND_OK, TEND_E_IO, TEND_E_INVALID, TEND_E_CORRUPT or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_history_recording_open(const char *path, int64_t from_ms,
                                                             struct tend_history_reader *out, struct tend_error *error);

/// Whose rules will run over it: `missing` then names, before anything is played, each series that they select and that
/// the recorded rules did not. @param reader  of tend_history_recording_open  @param others  outlives the reader
void tend_history_recording_compare(struct tend_history_reader *reader, const struct tend_ruleset *others);
