#pragma once
/// Replay: the events of a recording once more through an engine, and everything it decides compared with what was
/// decided then.
///
///     recording_reader → parts → replay → what differs first, or nothing
///
/// A replay is given a recording's parts in order. It makes the engine of the first checkpoint, feeds it each event at
/// the time that the event had, and compares what comes of it: the hash over all effects, and each record. What the
/// evaluators answered is asked of real evaluator processes again, loaded with the recorded sources; the engine gets
/// the recorded answer, so the first difference is where it was made and nothing follows from it. Answers of an
/// evaluator that died are taken as they are: whether a rule was too slow is not to be decided again.
/// Where a segment continues the one before, the engine goes on, and its state is compared with the checkpoint byte for
/// byte; after a restart of tend, or a gap, it begins anew from the checkpoint.
/// The same binary on the same code path of libm must agree to the byte. Another one must decide the same; its numbers
/// may differ by 1e-9 of their size, and hashes and states are not compared.
/// Nothing here can act: what the engine asks of the world is compared, and dropped.
/// Units: `_ms` milliseconds. Ownership: who creates, destroys. Threads: one.

#include "base/json.h"
#include "base/status.h"
#include "recording/recording.h"

struct tend_replay;

struct tend_replay_options {
    bool trusts_answers;  ///< evaluators are not asked again: their recorded answers are believed
    bool trusts_document; ///< what the sources declare is not compared: a scenario's services are made to measure
    /// Sources of a generation that the recording does not have, which a run that began before it may need. The
    /// caller's reference, or NULL: nobody has them. NULL: nobody is asked.
    json_t *(*find_sources)(void *context, const char *hash);
    void *context;
};

TEND_MUST_CHECK enum tend_status tend_replay_create(const struct tend_replay_options *options,
                                                    struct tend_replay **out);
void tend_replay_destroy(struct tend_replay *replay); ///< NULL is allowed

/// Takes the next part. The first one that does anything is a HEADER.
/// @return TEND_OK (also when something differs: see below); TEND_E_CORRUPT, TEND_E_INVALID: the recording holds what
/// cannot be (the error says what and where); TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_replay_take(struct tend_replay *replay, const struct tend_recorded *part,
                                                  struct tend_error *error);
/// No part follows. @param torn  the tail was lost: what came of the last event may be missing
void tend_replay_end(struct tend_replay *replay, bool torn);

/// The first difference, as replay_difference.h has it and with {"at_ms", "wall_ms", "event": number in the replay,
/// "segment", "at_byte"}; NULL: there is none so far. Borrowed. After it nothing is taken any more.
const json_t *tend_replay_difference_found(const struct tend_replay *replay);

/// {"tend", "build", "libm", "exact": bool, "from_wall_ms", "until_wall_ms", "from_ms", "until_ms", "segments",
/// "restarts", "events", "scrapes", "samples", "ticks", "records", "decisions", "evaluated": answers of evaluators that
/// were asked for again and agreed, "believed": those that were not, "kills": evaluators that died then,
/// "generations": [hash], "torn": bool, "notes": [text], "difference": null or as above}; a new reference.
/// `decisions` are the records that are no evidence, no operator's act and not tend's own: alerts, incidents, what was
/// decided, runs, steps, targets, notices.
json_t *tend_replay_report(const struct tend_replay *replay);
