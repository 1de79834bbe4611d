#pragma once
/// Engine: the state machine. Events go in, effects come out; no clock, no file, no socket, no Lua.
///
/// Ownership: the engine owns its ruleset, services, instances, alerts, incidents and runs. Threads: none; one thread
/// steps it. The read functions below are for the same thread, between steps.

#include "alert/verdict.h"
#include "base/buffer.h"
#include "base/json.h"
#include "base/status.h"
#include "engine/effect.h"
#include "engine/event.h"
#include "engine/ruleset.h"

struct tend_engine;

struct tend_engine_options {
    int64_t at_ms;            ///< engine time now
    int64_t wall_ms;          ///< wall time now
    uint64_t next_record;     ///< number of the first record it makes (the journal's last + 1)
    int64_t startup_grace_ms; ///< no act before this much time, or 3 good scrapes of what a rule reads
};

TEND_MUST_CHECK enum tend_status tend_engine_create(const struct tend_engine_options *options,
                                                    struct tend_engine **out);
void tend_engine_destroy(struct tend_engine *engine);

/// Gives back, before the first event, what a journal holds: the newest open record of each (kind, key) in order of
/// number, and then, for each run that is open, all of its steps' records in order. Alerts, incidents, cooldowns,
/// breakers, arms, the pause, notices and open runs come alive again.
void tend_engine_restore(struct tend_engine *engine, const struct tend_record *record);

/// Takes one event. @param effects  appended to; the caller carries them out in order
void tend_engine_step(struct tend_engine *engine, const struct tend_event *event, struct tend_effects *effects);

/// One scrape target. Indexes are stable while it lives; a removed one has url NULL and its index may be used again.
struct tend_target_view {
    const char *url;      ///< NULL: no target has this index
    const char *instance; ///< "payments/127.0.0.1:9103"
    const char *service;
    int64_t every_ms;
    int64_t timeout_ms;
    const struct tend_service_def *def; ///< its metrics say which series to keep
    const json_t *labels;               ///< the instance's, name → text
    uint64_t revision;                  ///< changes when any of this does
};
size_t tend_engine_target_count(const struct tend_engine *engine);
struct tend_target_view tend_engine_target(const struct tend_engine *engine, size_t index);

/// Appends all that was learned (tend.learned), as TEND_EVENT_BASELINES takes it. The same state gives the same bytes.
/// @return how many
size_t tend_engine_save_baselines(const struct tend_engine *engine, struct tend_buffer *out);

const struct tend_ruleset *tend_engine_ruleset(const struct tend_engine *engine);

/// What `tend status` shows, as JSON (schema: api/). The caller owns it. NULL: out of memory.
json_t *tend_engine_status(const struct tend_engine *engine);
/// The same in parts: all but its services, and each of them; NULL: there are no more.
json_t *tend_engine_status_head(const struct tend_engine *engine);
json_t *tend_engine_status_service(const struct tend_engine *engine, size_t index);

/// What `tend topology` shows: {"services": [{name, watched, out, instances}], "edges": [{from, to, declared, learned,
/// known (both are services here), and of learned ones age_s, seen_ago_s, calls_per_s}]}. The caller owns it.
/// NULL: out of memory.
json_t *tend_engine_topology(const struct tend_engine *engine);

enum { TEND_ENGINE_OUTCOMES = 5 };
/// How runs end: "recovered", "rolled back", "escalated", "failed", "dry".
extern const char *const tend_engine_outcomes[TEND_ENGINE_OUTCOMES];

/// Counts for tend's own metrics.
struct tend_engine_counts {
    size_t targets, targets_up, services;
    size_t alerts_pending, alerts_firing, incidents_open, runs_open, rules_off;
    uint64_t ticks, records;
    uint64_t runs_ended[TEND_ENGINE_OUTCOMES]; ///< since the start, by tend_engine_outcomes
    size_t silences;                           ///< in force: operators', deploys, the rules'
    size_t notices_held;                       ///< not sent yet for a reason
    size_t alerts_flapping;
    size_t looked_at; ///< services in the neighbourhood of the largest open incident
    bool paused, journal_failed;
};
struct tend_engine_counts tend_engine_counts(const struct tend_engine *engine);
/// Whether the ruleset has a playbook of that name ("*": any), or the fleet a service: so that commands can be refused.
bool tend_engine_has_playbook(const struct tend_engine *engine, const char *name);
bool tend_engine_has_service(const struct tend_engine *engine, const char *name);

/// Whether a command of a person can be taken ("silence", "deploy" …; operator_command.h says what they carry).
/// @param[out] error  for the person  @return TEND_OK, or TEND_E_INVALID
TEND_MUST_CHECK enum tend_status tend_engine_check_command(const struct tend_engine *engine, const char *command,
                                                           const char *argument, struct tend_error *error);

/// The metrics of a service, or of one of its instances, as the newest tick left them. Arrays have one value a metric
/// of the definition. Borrowed until the next step.
struct tend_subject_view {
    const char *service;
    const char *instance; ///< "payments/127.0.0.1:9103"; "": the service
    const struct tend_service_def *def;
    int64_t data_ms; ///< of the newest scrape, good or failed; INT64_MIN: none yet, or no tick saw it yet
    const double *p, *e, *a;
    const double *alpha, *out_at, *floor; ///< deviation/deviation.h says how they make the limits
};
/// Calls @p visit for each service, in a fixed order, and after each for its instances in theirs.
void tend_engine_visit_subjects(const struct tend_engine *engine,
                                void (*visit)(void *context, const struct tend_subject_view *subject), void *context);
uint64_t tend_engine_ticks(const struct tend_engine *engine); ///< begun so far

/// One rule on one subject, as it was judged last, with what it was judged by.
struct tend_judged_view {
    size_t rule; ///< an index in the ruleset
    const char *service;
    const char *instance; ///< "payments/127.0.0.1:9103"; "": the service
    const struct tend_service_def *def;
    const struct tend_rule_binding *binding;
    int metric;                    ///< that the rule is on, an index of the definition; -1: a function decides
    struct tend_alert_times times; ///< as the alert's state machine is given them
    int64_t gap_ms;                ///< more than this between two samples is a gap (tend_alert_gap)
    int64_t data_ms;               ///< of the samples that were looked at
    enum tend_verdict verdict;
    enum tend_alert_state state;
    bool asleep;    ///< nothing is judged, and what fired was ended
    bool missing;   ///< the metric has no data, or nothing to be set against
    bool holds;     ///< in line, it would be held while it fires: instances that were out of line have no data
    double p, e, a; ///< of the metric; NaN for a function
    double alpha, out_at, floor; ///< likewise
};
/// Calls @p visit for each rule of each service and instance that was judged yet, in a fixed order.
void tend_engine_visit_judged(const struct tend_engine *engine,
                              void (*visit)(void *context, const struct tend_judged_view *judged), void *context);
/// Whether a tick waits for verdicts: rules with a function are not judged yet, others are.
bool tend_engine_is_evaluating(const struct tend_engine *engine);
/// Calls @p visit for each rule of each service and instance that was judged yet, with its newest verdict.
/// @p rule is an index in the ruleset.
void tend_engine_visit_verdicts(const struct tend_engine *engine,
                                void (*visit)(void *context, size_t rule, enum tend_verdict verdict), void *context);
