#pragma once
/// Baseline: what a metric usually is at this time, learned from its own past.
///
/// E is a season (season.h) under a level (level.h): a mean for each hour of the local day or week, shifted or
/// stretched by what stays over all hours, with a trend. What is far from E counts only as far as a few usual
/// distances, so that an outlier teaches little. An hour is trusted once it was seen in two seasons; without a season,
/// from 120 samples on.
///
/// Instead of a season it may have a load: the value of another metric, over which load_curve.h holds what is usual.
///
/// Besides it says what is unusual for this metric, on the common scale of tail.h: how large a deviation F its own
/// history reaches at a fixed rarity, and, with detectors, what the features of features.h say of a value.
///
/// Constant work a sample, TEND_BASELINE_BYTES_MAX at most, no allocation after create. Values in another unit (a power
/// of two times as large) give the same answers to the bit. Units: `_s` seconds of wall time since 1970.
/// Ownership: who creates destroys. Threads: none.

#include "base/buffer.h"
#include "base/status.h"
#include "deviation/features.h"

#include <stdbool.h>
#include <stdint.h>

struct tend_baseline;
struct tend_zone;

enum {
    TEND_BASELINE_BYTES_MAX = 4096,
    TEND_BASELINE_CADENCE_S = 60, ///< it learns from one value in so long at most
    TEND_BASELINE_DAY_HOURS = 24,
    TEND_BASELINE_WEEK_HOURS = 168,
};

struct tend_baseline_spec {
    uint16_t season_hours; ///< 0: none; TEND_BASELINE_DAY_HOURS or TEND_BASELINE_WEEK_HOURS
    bool detectors;        ///< judges values by features.h too
    bool by_load;          ///< what is usual depends on a load, and on no season
};

/// @return TEND_OK or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_baseline_create(struct tend_baseline_spec spec, struct tend_baseline **out);
void tend_baseline_destroy(struct tend_baseline *baseline); ///< NULL is allowed
size_t tend_baseline_bytes(struct tend_baseline_spec spec); ///< of one
struct tend_baseline_spec tend_baseline_spec(const struct tend_baseline *baseline);

/// Where in the local week a moment lies: hours since Monday, 00:00, by the clock on the wall: 0 to below 168. An hour
/// that a zone skips is never met, one that it repeats is met twice.
double tend_baseline_week_hour(const struct tend_zone *zone, int64_t wall_ms);

/// What is expected where the season, or the load, is at.
struct tend_baseline_expected {
    double e;     ///< NaN: this hour, or such a load, was never seen
    bool trusted; ///< false: warming up, or not calibrated yet; good to learn by, not to judge by
};
/// @param at  by_load: the load, which may be NaN; else the hour of the week
struct tend_baseline_expected tend_baseline_expect(const struct tend_baseline *baseline, double at);

/// Whether enough time has gone by since the newest value that it learned from.
bool tend_baseline_is_due(const struct tend_baseline *baseline, int64_t wall_s);
/// Learns one value, which ends an excursion. No data, infinities and times that were before are passed over, and so is
/// a value by a load that is none (NaN, or not above 0).
/// @param at  as above
/// @param e  what was expected, by itself or by whoever stood in while it did not know; NaN: nothing
/// @param f  the deviation from that (deviation.h); NaN: nothing was expected
void tend_baseline_learn(struct tend_baseline *baseline, int64_t wall_s, double at, double value, double e, double f);

/// A value that is not learned, as something is wrong, may still say by how much the season, or the curve, swings at a
/// level that is new, for E may be off for that alone. One a minute counts.
/// @param at  as above
void tend_baseline_weigh(struct tend_baseline *baseline, int64_t wall_s, double at, double value);

/// A value that is out of line teaches nothing at once: it may be the begin of what an alert is about to tell. The
/// worst of them is kept, and when all is in line again and nobody was alerted, it counts as one that the metric
/// reaches.
/// @param e, f  as above
void tend_baseline_note_excursion(struct tend_baseline *baseline, double value, double e, double f);
void tend_baseline_drop_excursion(struct tend_baseline *baseline); ///< It was a fault. None is allowed.

/// The deviation F that the metric's own history reaches at a rarity of 1 in 100,000 of its samples; 0 before enough of
/// them were judged.
double tend_baseline_reach(const struct tend_baseline *baseline);
/// Whether it has seen enough deviations to say what is unusual.
bool tend_baseline_is_calibrated(const struct tend_baseline *baseline);
/// The alert index of a value that is not learned (yet): what the features of features.h say of it, or how far F is
/// beyond its reach, whichever is more. Changes nothing. Only with detectors.
double tend_baseline_judge(const struct tend_baseline *baseline, double value, double e, double f);

/// Takes over what another one knows of the same metric, as far as the specs agree: season and level where both have
/// the same hours, deviations or detectors where both keep them.
void tend_baseline_inherit(struct tend_baseline *baseline, const struct tend_baseline *from);

/// Something has changed that makes another level likely: the shape of the season stays, the level is learned anew,
/// quickly, and confidence is lower for a day. An excursion that was noted counts when it restarts from nothing.
enum tend_baseline_restart {
    TEND_BASELINE_FROM_OLD_LEVEL, ///< E goes on from the old level: what is far off can still be told
    TEND_BASELINE_FROM_NOTHING,   ///< no E until 15 samples were seen: the old level is known to be wrong
};
void tend_baseline_restart(struct tend_baseline *baseline, enum tend_baseline_restart from);
/// Whether it was restarted from nothing, and cannot judge as well as before yet: somebody has decided that the old
/// level is wrong, so it learns whatever else goes on.
bool tend_baseline_is_anew(const struct tend_baseline *baseline);
int64_t
tend_baseline_anew_s(const struct tend_baseline *baseline); ///< its minute, of the first value after; 0: it never was
/// Whether it is learning a new level, so that a distance to the old one is no reason not to.
bool tend_baseline_is_relearning(const struct tend_baseline *baseline);

struct tend_baseline_view {
    uint64_t samples;
    int64_t first_s, newest_s; ///< that it learned from; 0: none yet
    double confidence;         ///< 0 to 1: how many hours are known, over how many seasons, and for how long the level
    double scale;              ///< usual distance to E, in the metric's unit; NaN: not known yet
    double trend_per_day;      ///< of the level
    bool relearning;
};
struct tend_baseline_view tend_baseline_view(const struct tend_baseline *baseline);

/// Appends all of it. The same state gives the same bytes.
void tend_baseline_save(const struct tend_baseline *baseline, struct tend_buffer *out);
/// Fills a new baseline with what save wrote of one with the same spec.
/// @return TEND_OK, or TEND_E_CORRUPT: the reader has failed, and the baseline is as new
TEND_MUST_CHECK enum tend_status tend_baseline_load(struct tend_baseline *baseline, struct tend_reader *reader);
/// The same with what save wrote before there was more than one reading of the level (level.h): learned files are weeks
/// of work.
TEND_MUST_CHECK enum tend_status tend_baseline_load_before(struct tend_baseline *baseline, struct tend_reader *reader);
