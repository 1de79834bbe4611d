#pragma once
/// Event: everything that can happen to the engine. A driver makes events; the engine sees nothing else of the world.
///
/// `at_ms` is the only "now": engine time, milliseconds on CLOCK_BOOTTIME anchored to the wall at start, never falling.
/// What an event points to is borrowed for the call of tend_engine_step.

#include "base/json.h"
#include "series/scrape_kind.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tend_layout;
struct tend_ruleset;

enum tend_event_kind {
    TEND_EVENT_SCRAPED,         ///< a scrape ended, good or failed
    TEND_EVENT_TIMER,           ///< the time of a WAKE has come
    TEND_EVENT_TARGETS,         ///< what a discovery lists has changed
    TEND_EVENT_VERDICTS,        ///< the evaluator's reply to EVALUATE
    TEND_EVENT_REPLY,           ///< the evaluator's reply to ASK
    TEND_EVENT_RUN_REPLY,       ///< a run's process yielded an effect or ended
    TEND_EVENT_STEP_RESULT,     ///< exec or http of a step ended
    TEND_EVENT_DELIVERED,       ///< a notice was answered
    TEND_EVENT_JOURNAL_REACHED, ///< records up to `number` are on disk
    TEND_EVENT_JOURNAL_FAILED,  ///< the journal cannot be written: no acts until it can
    TEND_EVENT_OPERATOR,        ///< a person's command
    TEND_EVENT_WALL_MOVED,      ///< wall time jumped against engine time
    TEND_EVENT_GENERATION,      ///< a new ruleset was loaded and takes over now
    TEND_EVENT_MEASURED,        ///< P of a target's metrics, given by hand: simulation only
    TEND_EVENT_LOGS,            ///< lines of services' logs were counted
    TEND_EVENT_BASELINES,       ///< what an engine had learned before, from tend_engine_save_baselines
};

/// One scrape of one target.
struct tend_event_scraped {
    size_t target;    ///< index in the engine's target table (tend_engine_target)
    int64_t begun_ms; ///< when the request was sent: the time of its samples
    double duration_s;
    enum tend_scrape_kind kind;
    const char *reason;               ///< of a failure, for people; else ""
    const struct tend_layout *layout; ///< columns of `values`; NULL when it failed
    const double *values;
    size_t value_count;
};

/// In place of one metric's cause (enum tend_missing): it is not given, but measured from what the target's scrapes
/// say.
#define TEND_MEASURED_AS_SCRAPED UINT8_MAX

/// P of one target, which holds from its next scrape on until other values are given. A test writes metrics by hand so.
struct tend_event_measured {
    size_t target;
    const double *values;   ///< one a metric, in the order of the service's definition; NaN where there is a cause
    const uint8_t *missing; ///< the same: enum tend_missing, or TEND_MEASURED_AS_SCRAPED
    size_t count;           ///< as many as the service has metrics
};

/// A target that discovery found: the labels become the instance's.
struct tend_discovered {
    const char *url;
    const char *address; ///< host:port as discovery wrote it
    json_t *labels;      ///< name → text
};

struct tend_event_targets {
    size_t discovery; ///< index in the ruleset
    const struct tend_discovered *targets;
    size_t count;
};

/// Lines of one template that came since the newest such event.
struct tend_logged {
    const char *template; ///< printable ASCII, at most TEND_LOG_TEMPLATE_BYTES
    uint8_t level;        ///< enum tend_line_level
    uint64_t lines;
    int64_t first_ago_ms; ///< when the first of them was read, before the event; 0 or more
};

/// What the log of one service said. Without any lines: it is read from now on.
struct tend_logged_service {
    const char *service;
    uint64_t skipped_bytes; ///< not read, as too much came at once
    const struct tend_logged *logged;
    size_t count;
};

struct tend_event_logs {
    const struct tend_logged_service *services;
    size_t count;
};

/// The evaluator of the generation, or a run's, did not answer but died.
struct tend_event_died {
    bool died;
    const char *what;   ///< "rule", "locate", "playbook", "notify" or "" when it had begun none
    uint32_t index;     ///< of that what, in the ruleset
    const char *reason; ///< "used 100 ms of CPU time", "out of memory", "killed by signal 11" …
};

struct tend_event {
    enum tend_event_kind kind;
    int64_t at_ms;
    int64_t wall_ms;
    union {
        struct tend_event_scraped scraped;
        struct tend_event_targets targets;
        struct tend_event_measured measured;
        struct tend_event_logs logs;
        struct {               // VERDICTS, REPLY
            uint64_t id;       ///< tick of EVALUATE, id of ASK
            const char *bytes; ///< VERDICTS: alert/verdict.h; NULL when it died
            size_t byte_count;
            json_t *json; ///< REPLY; NULL when it died
            struct tend_event_died died;
        } reply;
        struct {
            const char *run;
            json_t *json; ///< {"effect":…} or {"end":…}; NULL when it died
            struct tend_event_died died;
        } run_reply;
        struct {
            uint64_t id;         ///< of the EXEC or HTTP effect
            const char *outcome; ///< "done", "failed", "unknown" (a time-out after sending)
            const char *error;   ///< for people, or ""
            json_t *value;       ///< {exit, output, took_ms} or {status, body, took_ms}
        } step;
        struct {
            const char *key; ///< the notice's dedup key
            bool ok;
            bool retry;             ///< worth trying again
            int64_t retry_after_ms; ///< as the peer asked, or -1
            const char *error;
        } delivered;
        uint64_t journal_reached;
        const char *journal_failed; ///< why
        struct {
            const char *command;  ///< "pause", "resume", "arm", "disarm", "close" (a breaker), "relearn", "mark"
            const char *argument; ///< of mark: the incident, "real", "false" or "none", and why, a blank between
            const char *who;      ///< "uid 1000 (ops)"
        } operator;
        int64_t wall_moved_ms;
        struct {
            const char *bytes; ///< what is damaged is not taken, and learned anew
            size_t byte_count;
        } baselines;
        struct {
            struct tend_ruleset *ruleset; ///< ownership goes to the engine
            json_t *sources;              ///< {files, env}: what the journal keeps, so that runs can load it again
        } generation;
    };
};
