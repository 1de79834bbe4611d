#pragma once
/// Self metrics: what tend tells about itself on /metrics, in the Prometheus text format.
///
/// The caller counts and fills the struct; NaN leaves a metric out. Times are seconds here, as Prometheus has it.

#include "base/buffer.h"
#include "base/durations.h"
#include "recording/recording_writer.h"
#include "series/scrape_kind.h"

#include <stdbool.h>
#include <stdint.h>

enum { TEND_SELF_SCRAPE_KINDS = TEND_SCRAPE_PARSE + 1, TEND_SELF_OUTCOMES = 8 };

/// Runs that ended one way.
struct tend_self_outcome {
    const char *outcome; ///< "recovered", "rolled back", "escalated" …; NULL: no more
    uint64_t runs;
};

/// Log files of services that are read.
struct tend_self_logs {
    uint64_t files;                                  ///< followed now
    uint64_t lines, bytes, skipped_bytes, cut_lines; ///< read since the start
};

struct tend_self_metrics {
    const char *generation;                   ///< hash of the rules in use, or ""
    uint64_t scrapes[TEND_SELF_SCRAPE_KINDS]; ///< ended, by enum tend_scrape_kind
    uint64_t scrapes_late;                    ///< begun more than a slot after their time
    uint64_t scrapes_missed;                  ///< not begun at all
    struct tend_durations scrape_delays;      ///< of beginnings after their time
    uint64_t targets;
    uint64_t targets_up;
    uint64_t services;
    uint64_t ticks;
    uint64_t rules;
    uint64_t rules_off; ///< broken, slow or hostile
    uint64_t alerts_pending;
    uint64_t alerts_firing;
    uint64_t alerts_flapping; ///< of those
    uint64_t incidents_open;
    uint64_t services_looked_at; ///< by the locator, of the largest open incident
    struct tend_self_outcome outcomes[TEND_SELF_OUTCOMES];
    uint64_t evaluator_kills;
    uint64_t reloads;
    uint64_t reloads_refused;
    uint64_t journal_records;
    bool journal_ok;
    bool records; ///< what it is told to do: with false, `recording` is left out
    struct tend_recording_counts recording;
    struct tend_self_logs logs;
    double loop_lag_seconds;     ///< newest: how late a timer of the loop was
    struct tend_durations steps; ///< how long each event held the loop
    bool paused;
    uint64_t silences;     ///< in force: operators', deploys, the rules'
    uint64_t notices_held; ///< kept back for a reason
};

/// Appends all of them, then the process's own (CPU, memory, start, open files) as /proc has them.
void tend_self_metrics_format(const struct tend_self_metrics *metrics, struct tend_buffer *out);
