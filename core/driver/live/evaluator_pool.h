#pragma once
/// Evaluator pool: the evaluator processes of a `tend run`: who is asked, and who stands by.
///
///     current    the generation that is in force; ticks and questions go to it, one at a time, in order
///     spare      loaded with the same sources, so that a kill costs no start; takes over when the current one dies
///     candidate  the next generation, loaded beside; becomes the current one by adopt, or is dropped
///     runs       one process for each run that is being resumed
/// A spare whose document differs from the current one's is not used: rule 3 would be another rule.
/// `done` functions are called as in evaluator_process.h: once, from the loop, never from within the call.
/// Ownership: who creates, destroys; destroying kills all children. Threads: the loop's only.

#include "base/json.h"
#include "base/status.h"
#include "driver/live/evaluator_process.h"

#include <event2/event.h>
#include <stddef.h>

struct tend_evaluator_pool;

TEND_MUST_CHECK enum tend_status tend_evaluator_pool_create(struct event_base *base,
                                                            const struct tend_evaluator_deadlines *deadlines,
                                                            struct tend_evaluator_pool **out);
void tend_evaluator_pool_destroy(struct tend_evaluator_pool *pool); ///< Kills all. NULL is allowed.

/// Loads a generation beside the current one; the reply is its document. Until adopt nothing else changes. A candidate
/// that was not adopted is dropped first, and its `done` is not called any more.
void tend_evaluator_pool_load(struct tend_evaluator_pool *pool, json_t *sources, tend_evaluator_done *done,
                              void *context);
/// Makes the loaded candidate the current evaluator and starts a spare. Requests that wait go to the old generation and
/// are dropped: their `done` gets died with an empty `what` and the reason "a new generation took over".
void tend_evaluator_pool_adopt(struct tend_evaluator_pool *pool);
void tend_evaluator_pool_discard(struct tend_evaluator_pool *pool); ///< Kills the candidate, if there is one.

/// Sends to the current evaluator. When it dies the request in flight gets died, and those that wait go to the spare.
void tend_evaluator_pool_tick(struct tend_evaluator_pool *pool, const char *bytes, size_t byte_count,
                              tend_evaluator_done *done, void *context);
void tend_evaluator_pool_ask(struct tend_evaluator_pool *pool, const char *question, size_t byte_count,
                             tend_evaluator_done *done, void *context);

/// Starts a process of its own for a run, loads the sources into it and sends the start; the reply is the first effect.
/// A process that the run already has is killed first. Sources that do not load any more are told as died.
void tend_evaluator_pool_run_start(struct tend_evaluator_pool *pool, const char *run, json_t *sources, json_t *start,
                                   tend_evaluator_done *done, void *context);
/// Answers the run's last effect. A run without a process gets died.
void tend_evaluator_pool_run_answer(struct tend_evaluator_pool *pool, const char *run, const json_t *answer,
                                    tend_evaluator_done *done, void *context);
void tend_evaluator_pool_run_end(struct tend_evaluator_pool *pool, const char *run); ///< Kills its process, if any.

/// Processes alive now: for reports and tests.
size_t tend_evaluator_pool_count(const struct tend_evaluator_pool *pool);
