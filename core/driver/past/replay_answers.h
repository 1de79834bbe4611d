#pragma once
/// Replay answers: what evaluators were asked in a recording, asked of evaluator processes once more.
///
/// A question is kept from the effect that asks it to the event that brings its answer, and asked then: so what was
/// never answered is never asked, and a process that died is not sent into its death again. That the generation may
/// have changed in between does no harm: a reload answers all that waits with a death.
/// A difference is as replay_difference.h has it, the caller's; NULL: there is none.
/// Ownership: who creates, destroys; destroying kills all processes. Threads: one.

#include "engine/engine.h"

struct tend_replay_answers;

struct tend_replay_answers_options {
    bool believes_all;      ///< no process is started: recorded answers are believed
    bool believes_document; ///< what the sources declare is not compared
    /// Sources of a generation that the recording does not have. The caller's reference, or NULL: nobody has them.
    /// NULL: nobody is asked.
    json_t *(*find_sources)(void *context, const char *hash);
    void *context;
};

TEND_MUST_CHECK enum tend_status tend_replay_answers_create(const struct tend_replay_answers_options *options,
                                                            struct tend_replay_answers **out);
void tend_replay_answers_destroy(struct tend_replay_answers *answers); ///< NULL is allowed

/// How near numbers must be (replay_difference.h), from here on.
void tend_replay_answers_set_tolerance(struct tend_replay_answers *answers, double tolerance);
/// Takes up the sources of a generation. @param sources  shared
void tend_replay_answers_know(struct tend_replay_answers *answers, const char *hash, json_t *sources);
/// A generation is in force from here on; what its sources declare is compared with @p document.
TEND_MUST_CHECK json_t *tend_replay_answers_use(struct tend_replay_answers *answers, const char *hash,
                                                const json_t *document);
/// Another engine goes on from here: what was asked of the old one is void, and the scripts of the new one's open runs
/// are brought to where they were.
TEND_MUST_CHECK json_t *tend_replay_answers_begin(struct tend_replay_answers *answers,
                                                  const struct tend_engine *engine);

/// Takes up what an effect asks, or that a run has ended; any other effect is none of its business. An effect that asks
/// gives up its bytes.
void tend_replay_answers_asked(struct tend_replay_answers *answers, struct tend_effect *effect);
/// Compares a recorded answer (VERDICTS, REPLY, RUN_REPLY) with the one that is given now.
/// @param ruleset  that the engine had when it asked, to name rules by; may be NULL
TEND_MUST_CHECK json_t *tend_replay_answers_take(struct tend_replay_answers *answers, const struct tend_event *event,
                                                 const struct tend_ruleset *ruleset);

struct tend_replay_answers_counts {
    uint64_t again;    ///< asked again
    uint64_t believed; ///< not asked again
    uint64_t deaths;   ///< that were recorded
};
struct tend_replay_answers_counts tend_replay_answers_counts(const struct tend_replay_answers *answers);
/// What a person should know of answers that were believed: text → true. Borrowed.
const json_t *tend_replay_answers_notes(const struct tend_replay_answers *answers);
