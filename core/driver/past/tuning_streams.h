#pragma once
/// Tuning streams: what every alert of a rehearsal was told, kept so that each can be played again under a grid of
/// other settings (alert/alert_stream.h). One pass over the past answers for the whole grid.
///
/// The grid is relative: `TEND_TUNING_FACTORS` limits from half of the present distance to twenty times it, each with
/// some values of clear_below. A under another limit is computed by the very pass that the engine uses
/// (deviation/deviation.h), so where E does not depend on what fired, a played stream fires just when the engine would.
/// Memory: 16 bytes for each time at which an alert's metric moves across a limit of the grid; TEND_TUNING_RUNS_MAX of
/// them at most (256 MB), more is an error. Units: `_ms`. Ownership: who creates destroys. Threads: one.

#include "alert/alert_stream.h"
#include "driver/sim/simulation.h"

enum {
    TEND_TUNING_FACTORS = 10,
    TEND_TUNING_NOW = 2,    ///< index of the factor 1: the limit as it is
    TEND_TUNING_CLEARS = 5, ///< values of clear_below; the first is the alert's own
    TEND_TUNING_RUNS_MAX = 16 * 1024 * 1024,
};

extern const double tend_tuning_factors[TEND_TUNING_FACTORS];
extern const double tend_tuning_clears[TEND_TUNING_CLEARS]; ///< [0] is NaN: the alert's own

/// One alert: a rule on a service or an instance.
struct tend_tuning_stream {
    size_t rule; ///< index in the ruleset
    char *service, *instance;
    char *metric; ///< that the rule is on; NULL: a function decides, and only times can be varied
    struct tend_alert_stream told;
    struct tend_alert_times times; ///< as they are
    double clear_below;            ///< as it is
    int64_t gap_ms, every_ms;
    enum tend_expect_kind expect;       ///< of the metric
    bool has_limits;                    ///< the metric's limit can be varied
    double alphas[TEND_TUNING_FACTORS]; ///< the grid's limits; NaN where out_ats are given
    double out_ats[TEND_TUNING_FACTORS];
    bool explained; ///< verdicts follow from A alone
    bool latched;   ///< private, as the rest: the latch as it is
    double newest_a;
    enum tend_verdict newest_verdict;
    bool asleep;
};

struct tend_tuning_streams;

TEND_MUST_CHECK enum tend_status tend_tuning_streams_create(struct tend_tuning_streams **out);
void tend_tuning_streams_destroy(struct tend_tuning_streams *streams); ///< NULL is allowed

/// Takes up what the alerts were told since the last look, after each step of a simulation.
/// @param context  the struct tend_tuning_streams, so that rehearsal_options.look takes this function
void tend_tuning_streams_look(void *context, const struct tend_simulation *simulation);

/// TEND_OK; TEND_E_LIMIT: more was told than is kept; TEND_E_NOMEM. What came after is lost then.
enum tend_status tend_tuning_streams_status(const struct tend_tuning_streams *streams);
/// All alerts, in the order in which they were met. Borrowed until the next look.
const struct tend_tuning_stream *tend_tuning_streams_all(const struct tend_tuning_streams *streams, size_t *count);
const struct tend_level_table *tend_tuning_streams_levels(const struct tend_tuning_streams *streams);

/// The bit of the limit at A = 1, and of the one at A = clear_below, under a factor.
uint64_t tend_tuning_out_bit(size_t factor);
uint64_t tend_tuning_clear_bit(size_t factor, size_t clear);
/// The bit of the engine's own verdict: out and clear bit at once.
uint64_t tend_tuning_verdict_bit(void);
uint64_t tend_tuning_hold_bit(void);
