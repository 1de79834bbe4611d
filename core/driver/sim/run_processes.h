#pragma once
/// Run processes: the evaluators of a simulation's runs, one each, as in the live driver's pool. Answers are waited
/// for.
///
/// Ownership: who creates, destroys; destroying kills what is left. Threads: one.

#include "driver/sim/awaited_evaluator.h"

struct tend_run_processes;

/// @param starter  makes the processes, and outlives them; NULL: they are programs of their own
TEND_MUST_CHECK enum tend_status tend_run_processes_create(json_t *sources,
                                                           const struct tend_evaluator_starter *starter,
                                                           struct tend_run_processes **out);
void tend_run_processes_destroy(struct tend_run_processes *processes); ///< NULL is allowed

/// Loads the sources in a process for this run and starts it; one that the run had is killed first.
struct tend_awaited_reply tend_run_processes_start(struct tend_run_processes *processes, const char *run,
                                                   const json_t *start);
struct tend_awaited_reply tend_run_processes_answer(struct tend_run_processes *processes, const char *run,
                                                    const json_t *answer);
void tend_run_processes_end(struct tend_run_processes *processes, const char *run);
