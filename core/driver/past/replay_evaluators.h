#pragma once
/// Replay evaluators: the evaluator processes that answer once more what the recorded ones were asked.
///
/// One for the generation in force, and one for each run that is under way, loaded with the sources of that run's own
/// generation. Answers are waited for. They get ten times as long as in a live tend: a kill decides something, so only
/// the recorded ones happen, not those of a machine that is slower or busier today.
/// Ownership: who creates, destroys; destroying kills all. Threads: one.

#include "driver/sim/awaited_evaluator.h"

#include <stdbool.h>

struct tend_replay_evaluators;

TEND_MUST_CHECK enum tend_status tend_replay_evaluators_create(struct tend_replay_evaluators **out);
void tend_replay_evaluators_destroy(struct tend_replay_evaluators *evaluators); ///< NULL is allowed

/// Takes up the sources of a generation; one that is known already stays as it is. @param sources  shared
void tend_replay_evaluators_know(struct tend_replay_evaluators *evaluators, const char *hash, json_t *sources);
/// The sources of a generation, or NULL. Borrowed.
json_t *tend_replay_evaluators_sources(const struct tend_replay_evaluators *evaluators, const char *hash);

/// Makes a generation the one in force. The reply is its document; json NULL: why it could not be loaded, or that its
/// sources are not known.
struct tend_awaited_reply tend_replay_evaluators_use(struct tend_replay_evaluators *evaluators, const char *hash);

struct tend_awaited_reply tend_replay_evaluators_tick(struct tend_replay_evaluators *evaluators, const char *bytes,
                                                      size_t byte_count);
struct tend_awaited_reply tend_replay_evaluators_ask(struct tend_replay_evaluators *evaluators, const char *question,
                                                     size_t byte_count);

/// Starts a run's process; one that it had is killed first. Its generation must be known.
struct tend_awaited_reply tend_replay_evaluators_run_start(struct tend_replay_evaluators *evaluators, const char *run,
                                                           const char *hash, const json_t *start);
struct tend_awaited_reply tend_replay_evaluators_run_answer(struct tend_replay_evaluators *evaluators, const char *run,
                                                            const json_t *answer);
bool tend_replay_evaluators_has_run(const struct tend_replay_evaluators *evaluators, const char *run);
void tend_replay_evaluators_run_end(struct tend_replay_evaluators *evaluators, const char *run);
void tend_replay_evaluators_end_runs(struct tend_replay_evaluators *evaluators); ///< All of them.
