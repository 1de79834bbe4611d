#pragma once
/// Alert stream: all that one alert was told over a time, kept small, so that it can be played again under other
/// settings: what would another alpha, fire_after or clear_below have done?
///
/// A stream does not keep values. It keeps, for each sample, the *level*: which of the limits that may be asked for the
/// sample was beyond, one bit a limit. Neighbours of one level are one run, of which first, last and count are kept; so
/// whether an alert fires is exact, and when it fired within a run is exact where samples come at even times, else off
/// by as much as they are uneven (and with it, at an edge, how soon flapping is seen). A run is 16 bytes.
/// Units: `_ms` of engine time. Ownership: who inits clears. Threads: none.

#include "alert/alert.h"
#include "base/status.h"

#include <stddef.h>

enum tend_level_kind {
    TEND_LEVEL_DATA,    ///< `beyond` says which limits it was beyond
    TEND_LEVEL_UNKNOWN, ///< the verdict was unknown
    TEND_LEVEL_HELD,    ///< it was held whatever the policy, or the rule raised: nobody knows
    TEND_LEVEL_ENDED,   ///< the service fell asleep: latch and alert are over
};

/// What a sample was beyond. Equal levels are one.
struct tend_level {
    enum tend_level_kind kind;
    uint64_t beyond; ///< one bit a limit; 0 where it is not DATA
};

/// The different levels of many streams, which refer to them by index.
struct tend_level_table {
    struct tend_level *levels;
    size_t count, capacity;
};

void tend_level_table_clear(struct tend_level_table *table); ///< of one that is zero at first
/// The index of a level, which is added when it is new. @return TEND_E_LIMIT when there are 65 536 others
TEND_MUST_CHECK enum tend_status tend_level_table_find(struct tend_level_table *table, struct tend_level level,
                                                       uint16_t *out);

struct tend_alert_run {
    int64_t first_ms;
    uint32_t span_ms; ///< from the first sample to the last
    uint16_t count;   ///< samples
    uint16_t level;   ///< index in the table
};

struct tend_alert_stream {
    struct tend_alert_run *runs;
    size_t count, capacity;
    int64_t newest_ms; ///< of the newest sample
};

void tend_alert_stream_clear(struct tend_alert_stream *stream); ///< of one that is zero at first
/// Takes a sample. Times do not fall. @param gap_ms  more than this since the sample before is a gap, which ends a run
TEND_MUST_CHECK enum tend_status tend_alert_stream_push(struct tend_alert_stream *stream, int64_t at_ms, uint16_t level,
                                                        int64_t gap_ms);

/// Under which settings to play.
struct tend_alert_settings {
    struct tend_alert_times times;
    int64_t gap_ms;
    uint64_t out_bit;   ///< of the limit at A = 1: beyond it the latch closes
    uint64_t clear_bit; ///< of the limit at A = clear_below: no longer beyond it the latch opens
    uint64_t hold_bit;  ///< what fires is held, not in line, for a part of the service has no data; 0: never
};

/// An alert that fired. @param ended_ms  when it resolved or fired anew, INT64_MAX: it fires still
typedef void tend_alert_stream_fired(void *context, int64_t fired_ms, int64_t ended_ms);

/// Plays a stream through latch and state machine. Alerts come in the order in which they fired.
void tend_alert_stream_play(const struct tend_alert_stream *stream, const struct tend_level_table *table,
                            const struct tend_alert_settings *settings, tend_alert_stream_fired *fired, void *context);
