#pragma once
/// Simulation: the engine driven in virtual time. The sibling of the live loop: same events, same effects, other world.
///
/// A queue of what is to happen, by time and then by the order in which it was put there; the clock jumps from one to
/// the next. What the engine asks for is put to a `struct tend_world` or to real evaluator processes, whose answers are
/// waited for while simulated time stands still. Records are kept in memory and reach "the disk" at once. Nothing here
/// can reach a network or start a program: that code is not called from this folder. The same world and the same
/// sources give the same records. Units: `_ms` engine time. Ownership: who creates, destroys. Threads: one.

#include "driver/sim/awaited_evaluator.h"
#include "engine/engine.h"

/// One scrape, as the world answers it.
struct tend_world_scrape {
    enum tend_scrape_kind kind;
    const char *reason; ///< of a failure; static text
    int64_t took_ms;
    const struct tend_layout *layout; ///< borrowed until the next scrape; NULL when it failed
    const double *values;             ///< likewise
    size_t value_count;
    const double *given;          ///< P by hand, one a metric (TEND_EVENT_MEASURED); NULL: none
    const uint8_t *given_missing; ///< its causes
    size_t given_count;
};

/// An act that the world is asked for.
struct tend_world_act {
    const char *verb; ///< "restart"; "" when a playbook asked for a program or a request of its own
    const char *on;   ///< instance or service
    bool is_http;
    const json_t *args; ///< as the effect has them
};

struct tend_world_outcome {
    const char *outcome; ///< "done", "failed", "unknown"; static text
    const char *error;   ///< static text
    int64_t took_ms;
    json_t *value; ///< taken
};

/// The world that is watched. Time never falls from call to call.
struct tend_world {
    void *context;
    /// NULL: nothing is scraped by the clock; what was scraped is given with tend_simulation_give.
    void (*scrape)(void *context, const struct tend_target_view *target, int64_t at_ms, struct tend_world_scrape *out);
    void (*act)(void *context, const struct tend_world_act *act, int64_t at_ms, struct tend_world_outcome *out);
};

/// Shown each event before the engine takes it, and what came of it before that is carried out, as a recording has it.
struct tend_simulation_recorder {
    void *context;
    /// @param anew  the engine is a new one: it is its first event
    void (*event)(void *context, const struct tend_engine *engine, const struct tend_event *event, bool anew);
    void (*outcome)(void *context, const struct tend_effects *effects);
};

struct tend_simulation_options {
    int64_t at_ms; ///< engine time and wall time at the beginning
    bool spread;   ///< targets are scraped at times of their own within the interval, as live; else all at once
    uint64_t seed; ///< of these times
    json_t *sources;
    struct tend_awaited_evaluator *evaluator; ///< with these sources; borrowed
    struct tend_ruleset *ruleset;             ///< taken
    struct tend_world world;
    bool forgetful;                                  ///< the evaluator is started anew before each tick
    const struct tend_simulation_recorder *recorder; ///< NULL: nothing is recorded; borrowed
    const char *blamed; ///< NULL, or who is the culprit whatever the locator says (what_if.h); borrowed
};

struct tend_simulation;

TEND_MUST_CHECK enum tend_status tend_simulation_create(const struct tend_simulation_options *options,
                                                        struct tend_simulation **out);
void tend_simulation_destroy(struct tend_simulation *simulation); ///< NULL is allowed

/// Something of the world's own that happens at a time: a fault, the end of a start-up.
typedef void tend_simulation_happening(void *context, int64_t at_ms);
void tend_simulation_at(struct tend_simulation *simulation, int64_t at_ms, tend_simulation_happening *happening,
                        void *context);

/// How tend's process ends in the middle, as by kill -9, and how it is started again: from its records, with fresh
/// evaluators, and without what was under way. Acts that the world was asked for go on.
struct tend_simulation_restarts {
    void *context;
    /// Whether the process dies now that this record is on disk: what it would have done next is not done. NULL: never.
    bool (*dies_after)(void *context, const struct tend_record *record);
    struct tend_ruleset *(*ruleset)(void *context); ///< a fresh one, which is taken
    void (*started)(void *context);                 ///< it runs again: lists the targets
};
void tend_simulation_set_restarts(struct tend_simulation *simulation, const struct tend_simulation_restarts *restarts);
/// Ends the process between two events; it runs again a second later. Restarts must be set.
void tend_simulation_crash(struct tend_simulation *simulation);
/// Loads the rules anew, in a fresh evaluator, while all goes on. Restarts must be set.
void tend_simulation_reload(struct tend_simulation *simulation);

/// Tells the engine what services wrote to their logs.
void tend_simulation_log(struct tend_simulation *simulation, const struct tend_event_logs *logs);
/// Lists the targets of a discovery to the engine.
void tend_simulation_list_targets(struct tend_simulation *simulation, const struct tend_event_targets *targets);
/// Calls @p look after each step of the engine; there is one such caller at most. NULL ends it.
typedef void tend_simulation_look(void *context, const struct tend_simulation *simulation);
void tend_simulation_watch(struct tend_simulation *simulation, tend_simulation_look *look, void *context);
/// Values of series, and of metrics by hand, that the engine was given so far.
uint64_t tend_simulation_samples(const struct tend_simulation *simulation);
/// Gives the engine an event of the past at its time: goes on to @p at_ms first. What it points to is borrowed.
void tend_simulation_give(struct tend_simulation *simulation, int64_t at_ms, struct tend_event *event);
/// Gives the engine a person's command: "pause", "resume", "arm" … @param argument  of it, or ""
void tend_simulation_operate(struct tend_simulation *simulation, const char *command, const char *argument);
/// The wall clock of tend's machine jumps; engine time does not.
void tend_simulation_move_wall(struct tend_simulation *simulation, int64_t by_ms);
/// Arms every playbook: what is tried in a simulation was meant to be tried.
void tend_simulation_arm_all(struct tend_simulation *simulation);

/// Goes on to @p until_ms at most. @return false when nothing is left to happen
bool tend_simulation_run(struct tend_simulation *simulation, int64_t until_ms);
int64_t tend_simulation_now_ms(const struct tend_simulation *simulation);
const struct tend_engine *tend_simulation_engine(const struct tend_simulation *simulation);

/// The records so far, in order. Borrowed until the next run.
const struct tend_record *tend_simulation_records(const struct tend_simulation *simulation, size_t *count);
/// Messages that were sent: [{"at_ms", "key", "payload"}], the payload as the notifier was given it. Borrowed.
const json_t *tend_simulation_messages(const struct tend_simulation *simulation);
