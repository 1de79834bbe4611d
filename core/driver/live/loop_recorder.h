#pragma once
/// Loop recorder: when the loop records what, and what becomes of it when it cannot.
///
/// Trouble with the recording is told (log, status, /metrics) and stops neither watching nor acting: what keeps tend
/// from acting twice is the journal; the recording is for people to learn from. All functions take NULL: nothing is to
/// be recorded. Ownership: who creates destroys. Threads: the loop's, but sync.

#include "recording/recording_writer.h"

struct tend_loop_recorder;

/// @param options  without a directory: recordings are in STATE/recording
/// @return TEND_OK, also when recording cannot begin: then it is told; or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_loop_recorder_create(const char *state_dir,
                                                           const struct tend_recording_writer_options *options,
                                                           struct tend_loop_recorder **out);
void tend_loop_recorder_destroy(struct tend_loop_recorder *recorder);

/// Before the engine takes an event. @param sources  of the generation in use, or NULL
/// @param asked  whether an evaluator owes an answer
void tend_loop_recorder_event(struct tend_loop_recorder *recorder, const struct tend_engine *engine,
                              const json_t *sources, bool asked, const struct tend_event *event);
/// After it, and before the effects are carried out.
void tend_loop_recorder_outcome(struct tend_loop_recorder *recorder, const struct tend_effects *effects);
/// For when no event comes.
void tend_loop_recorder_pulse(struct tend_loop_recorder *recorder, int64_t at_ms);
/// Waits until what outcome handed on is on the disk. On the journal writer's thread, before it commits an intent or an
/// outcome (journal_writer.h, before_full).
void tend_loop_recorder_sync(void *recorder);
struct tend_recording_counts tend_loop_recorder_counts(const struct tend_loop_recorder *recorder);
