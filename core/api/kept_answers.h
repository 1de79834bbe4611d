#pragma once
/// Kept answers: what a person commanded is answered once the journal has it on disk.
///
/// Who was told "paused" may pull the plug, and must find it paused after the next start. So the answer waits for the
/// record; neither for a disk that fails, nor for long for one that hangs. The command is in force all the same, and
/// the answer then says why a restart may forget it: {"unrecorded":"…"}. Ownership: who creates it destroys it, before
/// the event base. Threads: the loop's.

#include "base/json.h"
#include "base/status.h"

#include <stdint.h>

struct event_base;
struct tend_kept_answers;

enum { TEND_KEPT_WAIT_MS = 5000 }; ///< how long an answer waits for its record

/// Takes an answer that waited. @param take_answer  with "unrecorded" where its record is not on disk
typedef void tend_kept_told(void *context, void *request, json_t *take_answer);

/// @param context  of `told`; outlives it  @param wait_ms  0: TEND_KEPT_WAIT_MS  @return TEND_OK or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_kept_answers_create(struct event_base *base, tend_kept_told *told, void *context,
                                                          int64_t wait_ms, struct tend_kept_answers **out);
/// Those that wait are told as unrecorded. NULL is allowed.
void tend_kept_answers_destroy(struct tend_kept_answers *answers);

/// An answer that tells of the record of this number: told once, perhaps before this returns.
/// @param take_answer  an object  @return TEND_OK or TEND_E_NOMEM, and it is not told
TEND_MUST_CHECK enum tend_status tend_kept_answers_ask(struct tend_kept_answers *answers, uint64_t record,
                                                       json_t *take_answer, void *request);

/// All records up to this number are on disk, and the journal can be written.
void tend_kept_answers_reached(struct tend_kept_answers *answers, uint64_t number);
/// It cannot, until the next `reached`. @param why  for people
void tend_kept_answers_failing(struct tend_kept_answers *answers, const char *why);
