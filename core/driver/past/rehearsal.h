#pragma once
/// Rehearsal: rules over a history in virtual time: what they would have told, and would have done.
///
/// The same engine and the same evaluator processes as ever; in place of scrapes, what a history kept. No playbook is
/// armed, as an act does not change the past: what one would do is told by its dry runs. Wall time and engine time are
/// one. Memory is bounded by the newest windows, the records and the report, not by the length of the history.
/// Units: `_ms`. Threads: one.

#include "driver/past/history.h"
#include "driver/sim/awaited_evaluator.h"
#include "driver/sim/simulation_report.h"

struct tend_rehearsal_options {
    const json_t *document; ///< the generation document, without errors
    const char *hash;       ///< of the generation
    json_t *sources;
    struct tend_awaited_evaluator *evaluator;  ///< with these sources; borrowed
    const struct tend_history_reader *history; ///< at its beginning; borrowed
    int64_t from_ms;                           ///< INT64_MIN: from its beginning. What is older is passed over
    int64_t until_ms;                          ///< INT64_MAX: to its end
    const char *learned;                       ///< what was learned before, as TEND_EVENT_BASELINES takes it; borrowed
    size_t learned_bytes;                      ///< 0: nothing
    const char *title;                         ///< of the report
    const char *source_kind;                   ///< "csv", "prometheus", "recording", "replay"
    const char *source_text;
    void (*on_progress)(void *context, double done, int64_t at_ms); ///< now and then; NULL: nobody looks
    void *progress_context;
    tend_simulation_look *look; ///< called after each step, besides the report's own; NULL: nobody else looks
    void *look_context;
    tend_simulation_look *at_end; ///< called once, after the last step; NULL: nobody looks
    void *at_end_context;
};

/// Plays it.
/// @param[out] report  the document of simulation_report.h, with "missing", without labels, expectations and what_if
/// (empty lists); a new reference
/// @param[out] records  NULL, or the engine's records: [{"number", "at_ms", "kind", "key", "body"}]; a new reference
/// @return TEND_OK; TEND_E_INVALID when there is no sample of a watched service in that time; or as
/// tend_history_reader.next says
TEND_MUST_CHECK enum tend_status tend_rehearsal_play(const struct tend_rehearsal_options *options, json_t **report,
                                                     json_t **records, struct tend_error *error);
