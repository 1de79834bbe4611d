#pragma once
/// Replay difference: where what happened again is not what was recorded, told in words.
///
/// A difference is a JSON object {"what", "of", "field", "expected", "now", "text"}: what differs ("record", "verdict",
/// "reply", "effects", "rules", "state"), whose it is ("alert errors / stock", "rule slow on ledger"), the path of the
/// first member that differs ("body.culprits[0].service"; "" when the whole does), both values (null: there is none),
/// and a sentence.
/// `tolerance` is relative (and 1e-12 near 0), for numbers only: 0 asks for the same bits. Texts, booleans and whole
/// numbers must be the same in any case, but for a whole number beside a real one. Ownership: a difference is a new
/// reference.

#include "base/buffer.h"
#include "base/json.h"
#include "journal/record.h"

#include <stddef.h>

/// The first member in which two values differ. @param path  appended to: "culprits[0].service"
/// @param[out] was_part  @param[out] now_part  borrowed; NULL: it is not there
/// @return whether they differ
bool tend_replay_values_differ(const json_t *was, const json_t *now, double tolerance, struct tend_buffer *path,
                               const json_t **was_part, const json_t **now_part);

/// The first difference of two lists of records. NULL: there is none.
json_t *tend_replay_records_differ(const struct tend_record *was, size_t was_count, const struct tend_record *now,
                                   size_t now_count, double tolerance);

/// A difference of a reply in JSON. @param of  whose it is, for people  @return NULL: there is none
json_t *tend_replay_reply_differs(const char *what, const char *of, const json_t *was, const json_t *now,
                                  double tolerance);

/// Verdicts of one request (alert/verdict.h). @param rules  [{"name", "at"}] as in the generation document
/// @return NULL: there is none
json_t *tend_replay_verdicts_differ(const char *request, size_t request_bytes, const char *was, size_t was_bytes,
                                    const char *now, size_t now_bytes, const json_t *rules);

/// One that has no members to name.
json_t *tend_replay_difference(const char *what, const char *of, const char *text, ...) TEND_PRINTF(3, 4);
