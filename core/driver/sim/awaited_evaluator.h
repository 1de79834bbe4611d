#pragma once
/// Awaited evaluator: an evaluator process whose answers are waited for: simulated time does not pass meanwhile.
///
/// It loads the same sources anew after each death, so that one bad rule costs one answer, as in the live driver.
/// Ownership: who creates, destroys; destroying kills the child. Threads: one.

#include "base/buffer.h"
#include "driver/live/evaluator_process.h"

struct tend_awaited_evaluator;

/// What a request came to. The caller clears it.
struct tend_awaited_reply {
    struct tend_event_died died;
    char reason[256]; ///< what died.reason points to
    json_t *json;     ///< NULL when there is none
    struct tend_buffer bytes;
};
void tend_awaited_reply_clear(struct tend_awaited_reply *reply);

/// Starts no process yet. @param sources  {"files","env","secrets"}, shared
TEND_MUST_CHECK enum tend_status tend_awaited_evaluator_create(json_t *sources, struct tend_awaited_evaluator **out);
/// From now on its processes are made by @p starter, which outlives it; NULL: they are programs of their own.
void tend_awaited_evaluator_set_starter(struct tend_awaited_evaluator *evaluator,
                                        const struct tend_evaluator_starter *starter);
const struct tend_evaluator_starter *tend_awaited_evaluator_starter(const struct tend_awaited_evaluator *evaluator);
void tend_awaited_evaluator_destroy(struct tend_awaited_evaluator *evaluator); ///< NULL is allowed
/// How long its processes may take from the next one on; else as in the live driver.
void tend_awaited_evaluator_set_deadlines(struct tend_awaited_evaluator *evaluator,
                                          const struct tend_evaluator_deadlines *deadlines);

/// The generation document, loaded when it is not yet. The reply's json is NULL when the process could not be started
/// (died.reason says why) or died.
struct tend_awaited_reply tend_awaited_evaluator_load(struct tend_awaited_evaluator *evaluator);
struct tend_awaited_reply tend_awaited_evaluator_tick(struct tend_awaited_evaluator *evaluator, const char *bytes,
                                                      size_t byte_count);
struct tend_awaited_reply tend_awaited_evaluator_ask(struct tend_awaited_evaluator *evaluator, const json_t *question);
/// The same of a question as it is sent.
struct tend_awaited_reply tend_awaited_evaluator_ask_text(struct tend_awaited_evaluator *evaluator,
                                                          const char *question, size_t byte_count);
struct tend_awaited_reply tend_awaited_evaluator_run_start(struct tend_awaited_evaluator *evaluator,
                                                           const json_t *start);
struct tend_awaited_reply tend_awaited_evaluator_answer(struct tend_awaited_evaluator *evaluator, const json_t *answer);
/// Ends the process, so that the next request is answered by a fresh one: whoever remembers anything is found out so.
void tend_awaited_evaluator_forget(struct tend_awaited_evaluator *evaluator);
