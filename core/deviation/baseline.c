// What is usual is a level (level.h) under a shape: the season of its hours (season.h), or a curve over its load.
//
// Until an hour was met once there is nothing to clip against but how the metric moved lately (`recent`).

#include "deviation/baseline.h"

#include "deviation/level.h"
#include "deviation/load_curve.h"
#include "deviation/season.h"
#include "parse/zone.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MINUTE_S = 60,
    HOUR_S = 3600,
    DAY_S = 86400,
    TRUSTED_VISITS = 2, ///< seasons in which an hour was met
    SURE_VISITS = 4,
    TRUSTED_SAMPLES = 120, ///< without a season
    UNCLIPPED = 10,        ///< samples that count in full for how it moved lately
    CALIBRATED = 120,      ///< deviations or values
    CLOCK_FELL_S = 7200,   ///< a wall clock that falls by more was set right
};
static const double DAY_LEVEL_S = 3.0 * DAY_S;
static const double WEEK_LEVEL_S = 7.0 * DAY_S;
static const double LOAD_LEVEL_S = 3.0 * DAY_S;
static const double PLAIN_LEVEL_S = 1.0 * DAY_S;
static const double RARITY = 5;
/// The detectors' threshold is for one alarm an incident in samples of five minutes; here every sample of every minute
/// is judged, so more evidence is asked for.
static const double EVERY_SAMPLE = 1.25;
static const double REACH_GROWS = 2; ///< a deviation counts as at most so many times the reach that was

struct tend_baseline {
    struct tend_baseline_spec spec;
    uint32_t anew_min; ///< since 1970, of the first value after the newest restart from nothing; 0: there was none
    struct tend_level level;
    int64_t first_s, newest_s;
    double recent, recent_scale; ///< recent is less the level's origin
    double reach;
    double worst_f, worst_value, worst_e; ///< of the values out of line since the newest one learned; worst_f 0: none
    uint64_t samples;
    float gap_s;          ///< usual time from one value to the next
    uint32_t weighed_min; ///< since 1970, of the newest value that was weighed and not learned
    /// What lies behind it, in the same block: struct tend_features with detectors, struct tend_tail of F, and its
    /// shape, struct tend_load_curve or struct tend_season.
    char *behind;
};

enum { OWN_BYTES = (int)sizeof(struct tend_baseline) };
_Static_assert(OWN_BYTES + (int)sizeof(struct tend_tail) + (int)sizeof(struct tend_features) +
                       (int)sizeof(struct tend_season) + TEND_BASELINE_WEEK_HOURS * ((int)sizeof(float) + 1) <=
                   TEND_BASELINE_BYTES_MAX,
               "a metric may cost no more");
_Static_assert(OWN_BYTES + (int)sizeof(struct tend_tail) + (int)sizeof(struct tend_features) +
                       (int)sizeof(struct tend_load_curve) <=
                   TEND_BASELINE_BYTES_MAX,
               "by a load as well");
_Static_assert(sizeof(struct tend_baseline) % _Alignof(struct tend_features) == 0, "features lie behind it");
_Static_assert(sizeof(struct tend_features) % _Alignof(struct tend_tail) == 0, "the tail lies behind them");
_Static_assert(sizeof(struct tend_tail) % _Alignof(struct tend_season) == 0, "the shape lies behind that");

static size_t features_bytes(struct tend_baseline_spec spec)
{
    return spec.detectors ? sizeof(struct tend_features) : 0;
}

static size_t shape_bytes(struct tend_baseline_spec spec)
{
    return (spec.by_load ? sizeof(struct tend_load_curve) : 0) +
           (spec.season_hours > 0 ? tend_season_bytes(spec.season_hours) : 0);
}

size_t tend_baseline_bytes(struct tend_baseline_spec spec)
{
    return sizeof(struct tend_baseline) + features_bytes(spec) + sizeof(struct tend_tail) + shape_bytes(spec);
}

// Of those that have some.
static struct tend_features *features_of(const struct tend_baseline *baseline)
{
    return (struct tend_features *)(void *)baseline->behind;
}

static struct tend_tail *tail_of(const struct tend_baseline *baseline)
{
    return (struct tend_tail *)(void *)(baseline->behind + features_bytes(baseline->spec));
}

static char *shape_of(const struct tend_baseline *baseline)
{
    return baseline->behind + features_bytes(baseline->spec) + sizeof(struct tend_tail);
}

static struct tend_load_curve *curve_of(const struct tend_baseline *baseline)
{
    return (struct tend_load_curve *)(void *)shape_of(baseline);
}

static struct tend_season *season_of(const struct tend_baseline *baseline)
{
    return (struct tend_season *)(void *)shape_of(baseline);
}

// As new: nothing was seen.
static void reset(struct tend_baseline *baseline)
{
    const struct tend_baseline_spec spec = baseline->spec;
    memset(baseline, 0, tend_baseline_bytes(spec));
    baseline->spec = spec;
    baseline->behind = (char *)(baseline + 1);
    tend_level_init(&baseline->level, spec.season_hours > 0 || spec.by_load);
    if (spec.detectors) {
        tend_features_init(features_of(baseline));
    }
    tend_tail_init(tail_of(baseline));
    if (spec.season_hours > 0) {
        tend_season_init(season_of(baseline), spec.season_hours);
    }
}

enum tend_status tend_baseline_create(struct tend_baseline_spec spec, struct tend_baseline **out)
{
    TEND_ASSERT(spec.season_hours == 0 || spec.season_hours == TEND_BASELINE_DAY_HOURS ||
                spec.season_hours == TEND_BASELINE_WEEK_HOURS);
    TEND_ASSERT(!spec.by_load || spec.season_hours == 0);
    struct tend_baseline *baseline = malloc(tend_baseline_bytes(spec));
    if (baseline == NULL) {
        return TEND_E_NOMEM;
    }
    baseline->spec = spec;
    reset(baseline);
    *out = baseline;
    return TEND_OK;
}

void tend_baseline_destroy(struct tend_baseline *baseline)
{
    free(baseline);
}

struct tend_baseline_spec tend_baseline_spec(const struct tend_baseline *baseline)
{
    return baseline->spec;
}

double tend_baseline_week_hour(const struct tend_zone *zone, int64_t wall_ms)
{
    const int64_t local_s = (wall_ms - (wall_ms % 1000 + 1000) % 1000) / 1000 + tend_zone_offset_s(zone, wall_ms);
    const int64_t week_s = INT64_C(7) * DAY_S;
    const int64_t since_monday_s =
        ((local_s + INT64_C(3) * DAY_S) % week_s + week_s) % week_s; // 1970 began on a Thursday
    return (double)since_monday_s / HOUR_S;
}

struct tend_baseline_expected tend_baseline_expect(const struct tend_baseline *baseline, double at)
{
    struct tend_baseline_expected expected = { .e = (double)NAN };
    const struct tend_level *level = &baseline->level;
    if (baseline->samples == 0 || level->samples == 0) {
        return expected;
    }
    if (baseline->spec.by_load) {
        const struct tend_load_expected by_load = tend_load_curve_at(curve_of(baseline), at);
        expected.e = level->origin + tend_level_at(level, by_load.e);
        expected.trusted = by_load.trusted;
    } else if (baseline->spec.season_hours == 0) {
        expected.e = level->origin + tend_level_at(level, 0);
        expected.trusted = baseline->samples >= TRUSTED_SAMPLES;
    } else {
        const struct tend_season *season = season_of(baseline);
        const int visits = tend_season_visits(season, at);
        if (visits > 0) {
            expected.e = level->origin + tend_level_at(level, tend_season_at(season, at));
        }
        expected.trusted = visits >= TRUSTED_VISITS;
    }
    expected.trusted =
        expected.trusted && level->samples >= TEND_LEVEL_RELEVEL && tend_baseline_is_calibrated(baseline);
    return expected;
}

bool tend_baseline_is_due(const struct tend_baseline *baseline, int64_t wall_s)
{
    return baseline->samples == 0 || wall_s / TEND_BASELINE_CADENCE_S > baseline->newest_s / TEND_BASELINE_CADENCE_S ||
           baseline->newest_s - wall_s > CLOCK_FELL_S;
}

static double level_s(const struct tend_baseline *baseline)
{
    if (baseline->spec.by_load) {
        return LOAD_LEVEL_S;
    }
    switch (baseline->spec.season_hours) {
    case TEND_BASELINE_WEEK_HOURS:
        return WEEK_LEVEL_S;
    case TEND_BASELINE_DAY_HOURS:
        return DAY_LEVEL_S;
    default:
        return PLAIN_LEVEL_S;
    }
}

// How the metric moved lately; the value less what was an outlier in that. @param relative  value less origin
static double follow_recent(struct tend_baseline *baseline, double relative, double step_s)
{
    const double gain = fmax(fmin(step_s / HOUR_S, 0.5), 1.0 / (double)(baseline->samples + 1));
    const double distance = relative - baseline->recent;
    const double unit = tend_level_unit(baseline->recent_scale, baseline->level.origin + baseline->recent, distance);
    const double counted = baseline->samples < UNCLIPPED ? distance : tend_level_clipped(distance, unit);
    const double before = baseline->recent;
    baseline->recent += gain * counted;
    baseline->recent_scale += gain * (fabs(counted) - baseline->recent_scale);
    return before + counted;
}

// @return the distance to E as far as it counts
static double follow_level(struct tend_baseline *baseline, double shape, double relative, double step_s, bool *sure)
{
    const double whole_s = level_s(baseline);
    if (baseline->level.judged == 0) {
        baseline->level.scale = baseline->recent_scale;
    }
    const bool old = (double)(baseline->newest_s - baseline->first_s) >= 2 * whole_s;
    return tend_level_follow(&baseline->level, shape, relative, step_s, whole_s, old, sure);
}

static void note_deviation(struct tend_baseline *baseline, double f)
{
    const double known = baseline->reach;
    struct tend_tail *tail = tail_of(baseline);
    tend_tail_push(tail, known > 0 ? fmin(f, REACH_GROWS * known) : f);
    baseline->reach = tail->count >= CALIBRATED ? tend_tail_at(tail, RARITY) : 0;
}

static void note_features(struct tend_features *features, double value, double e)
{
    struct tend_detection ignored;
    double relative;
    if (tend_features_accept(features, value, &relative, &ignored)) {
        (void)tend_features_push(features, relative, isnan(e) ? 0 : value - e);
    }
}

// @return seconds since the value before; of the very first, and after a long silence, what is usual
static double take_time(struct tend_baseline *baseline, int64_t wall_s, double *silence_s)
{
    const double usual_s = baseline->gap_s > 0 ? (double)baseline->gap_s : TEND_BASELINE_CADENCE_S;
    *silence_s = baseline->samples == 0 ? usual_s : (double)(wall_s - baseline->newest_s);
    *silence_s = *silence_s > 0 ? *silence_s : usual_s;
    const double step_s = fmin(*silence_s, 2 * usual_s);
    baseline->gap_s = (float)(baseline->samples <= 1 ? fmin(*silence_s, HOUR_S) : usual_s + (step_s - usual_s) / 16);
    baseline->newest_s = wall_s;
    return step_s;
}

void tend_baseline_note_excursion(struct tend_baseline *baseline, double value, double e, double f)
{
    if (isfinite(value) && isfinite(e) && isfinite(f) && f > baseline->worst_f) {
        baseline->worst_f = f;
        baseline->worst_value = value;
        baseline->worst_e = e;
    }
}

void tend_baseline_drop_excursion(struct tend_baseline *baseline)
{
    baseline->worst_f = 0;
}

static uint32_t minute_of(int64_t wall_s)
{
    return (uint32_t)fmax(1, fmin((double)wall_s / MINUTE_S, (double)UINT32_MAX));
}

static void end_excursion(struct tend_baseline *baseline)
{
    if (baseline->worst_f > 0) {
        note_deviation(baseline, baseline->worst_f);
    }
    if (baseline->worst_f > 0 && baseline->spec.detectors) {
        note_features(features_of(baseline), baseline->worst_value, baseline->worst_e);
    }
    baseline->worst_f = 0;
}

// @param seen  the value less what was an outlier in how it moved lately
// @return whether it is known how the metric goes there, so that the deviation says what it reaches
static bool learn_season(struct tend_baseline *baseline, double place, double relative, double seen, double step_s,
                         double silence_s)
{
    struct tend_season *season = season_of(baseline);
    const struct tend_level *level = &baseline->level;
    if (tend_season_visits(season, place) == 0) {
        tend_season_add(season, place, tend_level_shape(level, seen), (double)baseline->gap_s, silence_s);
        return true;
    }
    const double shape = tend_season_at(season, place);
    const double steep = 1 / tend_level_slope(level);
    const double distance = relative - tend_level_at(level, shape);
    const bool edge_known = tend_season_note_edge(season, place, shape + distance * steep);
    bool share_known;
    const double counted = follow_level(baseline, shape, relative, step_s, &share_known);
    tend_season_add(season, place, counted * steep, (double)baseline->gap_s, silence_s);
    return edge_known && share_known;
}

// While a new level is learned the curve keeps its shape, but for loads that were never met.
static bool learn_curve(struct tend_baseline *baseline, double load, int64_t wall_s, double relative, double step_s)
{
    struct tend_load_curve *curve = curve_of(baseline);
    const struct tend_level *level = &baseline->level;
    const double shape = tend_load_curve_at(curve, load).e;
    const bool met = !isnan(shape);
    const double own = tend_level_shape(level, relative);
    const double zero = (level->origin + tend_level_at(level, 0)) / tend_level_slope(level);
    bool sure = true;
    if (met) {
        (void)follow_level(baseline, shape, relative, step_s, &sure);
    }
    if (!met || !tend_baseline_is_relearning(baseline)) {
        tend_load_curve_learn(curve, load, wall_s, own, zero);
    }
    return sure;
}

void tend_baseline_learn(struct tend_baseline *baseline, int64_t wall_s, double at, double value, double e, double f)
{
    const int64_t fell_s = baseline->newest_s - wall_s;
    const bool nowhere = baseline->spec.by_load && !(at > 0 && isfinite(at));
    if (!isfinite(value) || nowhere || (baseline->samples > 0 && fell_s >= 0 && fell_s <= CLOCK_FELL_S)) {
        return;
    }
    if (baseline->samples == 0) {
        baseline->first_s = wall_s;
        baseline->level.origin = value;
    }
    if (baseline->samples > 0 && baseline->level.samples == 0) {
        baseline->anew_min = minute_of(wall_s);
    }
    end_excursion(baseline);
    double silence_s;
    const double step_s = take_time(baseline, wall_s, &silence_s);
    const double relative = value - baseline->level.origin;
    const double seen = follow_recent(baseline, relative, step_s);
    bool sure = true;
    if (baseline->spec.by_load) {
        sure = learn_curve(baseline, at, wall_s, relative, step_s);
    } else if (baseline->spec.season_hours > 0) {
        sure = learn_season(baseline, at, relative, seen, step_s, silence_s);
    } else {
        (void)follow_level(baseline, 0, relative, step_s, &sure);
    }
    if (baseline->spec.detectors) {
        note_features(features_of(baseline), value, e);
        if (baseline->level.samples == TEND_LEVEL_SETTLED) {
            tend_features_stretch(features_of(baseline), tend_level_slope(&baseline->level));
        }
    }
    if (isfinite(f) && sure) {
        note_deviation(baseline, f);
    }
    baseline->samples++;
}

void tend_baseline_weigh(struct tend_baseline *baseline, int64_t wall_s, double at, double value)
{
    const uint32_t minute = minute_of(wall_s);
    if (!isfinite(value) || minute == baseline->weighed_min || isnan(tend_baseline_expect(baseline, at).e)) {
        return;
    }
    baseline->weighed_min = minute;
    if (baseline->spec.by_load) {
        tend_level_weigh(&baseline->level, tend_load_curve_at(curve_of(baseline), at).e,
                         value - baseline->level.origin);
    } else if (baseline->spec.season_hours > 0) {
        tend_level_weigh(&baseline->level, tend_season_at(season_of(baseline), at), value - baseline->level.origin);
    }
}

double tend_baseline_reach(const struct tend_baseline *baseline)
{
    return baseline->reach;
}

bool tend_baseline_is_calibrated(const struct tend_baseline *baseline)
{
    return tail_of(baseline)->count >= CALIBRATED &&
           (!baseline->spec.detectors || features_of(baseline)->count > CALIBRATED);
}

double tend_baseline_judge(const struct tend_baseline *baseline, double value, double e, double f)
{
    TEND_ASSERT(baseline->spec.detectors);
    struct tend_features asked = *features_of(baseline);
    struct tend_detection detection;
    double relative;
    if (tend_features_accept(&asked, value, &relative, &detection)) {
        detection = tend_features_push(&asked, relative, isnan(e) ? 0 : value - e);
    }
    const double reached = baseline->reach > 0 && f > 0 ? f / baseline->reach : 0;
    return fmax(detection.a / EVERY_SAMPLE, reached); // NaN of no data gives way
}

void tend_baseline_inherit(struct tend_baseline *baseline, const struct tend_baseline *from)
{
    const struct tend_baseline_spec spec = baseline->spec;
    if (spec.season_hours != from->spec.season_hours || spec.by_load != from->spec.by_load) {
        return;
    }
    reset(baseline);
    char *const behind = baseline->behind;
    *baseline = *from;
    baseline->spec = spec;
    baseline->behind = behind;
    *tail_of(baseline) = *tail_of(from);
    memcpy(shape_of(baseline), shape_of(from), shape_bytes(spec));
    if (spec.detectors && from->spec.detectors) {
        *features_of(baseline) = *features_of(from);
    }
}

void tend_baseline_restart(struct tend_baseline *baseline, enum tend_baseline_restart from)
{
    if (baseline->samples == 0) {
        return;
    }
    if (from == TEND_BASELINE_FROM_NOTHING) {
        end_excursion(baseline);
    }
    tend_baseline_drop_excursion(baseline);
    // What is being learned from nothing has no old level yet that could be told from.
    const double times =
        tend_level_restart(&baseline->level, from == TEND_BASELINE_FROM_NOTHING ? 0 : TEND_LEVEL_RELEVEL);
    if (baseline->spec.by_load) {
        tend_load_curve_stretch(curve_of(baseline), times);
    } else if (baseline->spec.season_hours > 0) {
        tend_season_drop_hour(season_of(baseline));
        tend_season_stretch(season_of(baseline), times);
    }
    if (baseline->level.samples == TEND_LEVEL_RELEVEL) {
        baseline->anew_min = 0;
    }
    if (baseline->spec.detectors && from == TEND_BASELINE_FROM_NOTHING) {
        tend_features_restart(features_of(baseline));
    }
}

bool tend_baseline_is_relearning(const struct tend_baseline *baseline)
{
    return baseline->samples > 0 && baseline->level.samples < TEND_LEVEL_SETTLED;
}

bool tend_baseline_is_anew(const struct tend_baseline *baseline)
{
    const bool settled = baseline->level.samples >= TEND_LEVEL_SETTLED && tend_baseline_is_calibrated(baseline);
    return baseline->samples > 0 && (baseline->level.samples == 0 || (baseline->anew_min != 0 && !settled));
}

int64_t tend_baseline_anew_s(const struct tend_baseline *baseline)
{
    return (int64_t)baseline->anew_min * MINUTE_S;
}

struct tend_baseline_view tend_baseline_view(const struct tend_baseline *baseline)
{
    double known = fmin((double)baseline->samples / (SURE_VISITS * TRUSTED_SAMPLES), 1);
    if (baseline->spec.by_load) {
        known = tend_load_curve_known(curve_of(baseline));
    } else if (baseline->spec.season_hours > 0) {
        known = tend_season_known(season_of(baseline));
    }
    const struct tend_level *level = &baseline->level;
    const double of_a_day = baseline->gap_s > 0 ? level->samples * (double)baseline->gap_s / DAY_S : 0;
    return (struct tend_baseline_view){
        .samples = baseline->samples,
        .first_s = baseline->first_s,
        .newest_s = baseline->newest_s,
        .confidence = known * (0.5 + 0.5 * fmin(of_a_day, 1)),
        .scale = level->judged > 0 ? level->scale : (double)NAN,
        .trend_per_day = level->trend * DAY_S,
        .relearning = tend_baseline_is_relearning(baseline),
    };
}

enum { NUMBERS = 6 };

static void list_numbers(struct tend_baseline *baseline, double *numbers[NUMBERS])
{
    double *const all[NUMBERS] = { &baseline->recent,  &baseline->recent_scale, &baseline->reach,
                                   &baseline->worst_f, &baseline->worst_value,  &baseline->worst_e };
    memcpy((void *)numbers, (const void *)all, sizeof all);
}

void tend_baseline_save(const struct tend_baseline *baseline, struct tend_buffer *out)
{
    struct tend_baseline copy = *baseline; // one list of the numbers does both ways
    double *numbers[NUMBERS];
    list_numbers(&copy, numbers);
    tend_level_save(&baseline->level, out);
    for (size_t i = 0; i < NUMBERS; i++) {
        tend_buffer_put_f64(out, *numbers[i]);
    }
    tend_buffer_put_f64(out, (double)baseline->gap_s);
    tend_buffer_put_u64(out, (uint64_t)baseline->first_s);
    tend_buffer_put_u64(out, (uint64_t)baseline->newest_s);
    tend_buffer_put_u64(out, baseline->samples);
    tend_buffer_put_u32(out, baseline->anew_min);
    tend_buffer_put_u32(out, baseline->weighed_min);
    if (baseline->spec.by_load) {
        tend_load_curve_save(curve_of(baseline), out);
    } else if (baseline->spec.season_hours > 0) {
        tend_season_save(season_of(baseline), out);
    }
    tend_tail_save(tail_of(baseline), out);
    if (baseline->spec.detectors) {
        tend_features_save(features_of(baseline), out);
    }
}

static bool load_behind(struct tend_baseline *baseline, struct tend_reader *reader)
{
    if (tend_tail_load(tail_of(baseline), reader) != TEND_OK) {
        return false;
    }
    return !baseline->spec.detectors || tend_features_load(features_of(baseline), reader) == TEND_OK;
}

static bool times_fit(const struct tend_baseline *baseline)
{
    const int64_t most_s = INT64_C(1) << 40; // so that their differences are numbers
    return baseline->gap_s >= 0 && isfinite(baseline->gap_s) && baseline->reach >= 0 && baseline->worst_f >= 0 &&
           baseline->first_s >= -most_s && baseline->first_s <= most_s && baseline->newest_s >= -most_s &&
           baseline->newest_s <= most_s;
}

// @return whether what was read is what save may have written
static bool load(struct tend_baseline *baseline, struct tend_reader *reader)
{
    double *numbers[NUMBERS];
    list_numbers(baseline, numbers);
    bool fits = tend_level_load(&baseline->level, reader);
    for (size_t i = 0; i < NUMBERS; i++) {
        *numbers[i] = tend_reader_get_f64(reader);
        fits = fits && isfinite(*numbers[i]);
    }
    baseline->gap_s = (float)tend_reader_get_f64(reader);
    baseline->first_s = (int64_t)tend_reader_get_u64(reader);
    baseline->newest_s = (int64_t)tend_reader_get_u64(reader);
    baseline->samples = tend_reader_get_u64(reader);
    baseline->anew_min = tend_reader_get_u32(reader);
    baseline->weighed_min = tend_reader_get_u32(reader);
    fits = fits && times_fit(baseline);
    fits = (!baseline->spec.by_load || tend_load_curve_load(curve_of(baseline), reader)) && fits;
    fits = (baseline->spec.season_hours == 0 || tend_season_load(season_of(baseline), reader)) && fits;
    return load_behind(baseline, reader) && fits && !reader->failed;
}

// Of the hour and the edge under way nothing is taken.
static bool load_before(struct tend_baseline *baseline, struct tend_reader *reader)
{
    struct tend_level *level = &baseline->level;
    double gap_s;
    double hour_sum;
    double step_nearer;
    double *const numbers[] = { &level->origin,
                                &level->shift,
                                &level->trend,
                                &level->scale,
                                &baseline->recent,
                                &baseline->recent_scale,
                                &gap_s,
                                &hour_sum,
                                &baseline->reach,
                                &step_nearer,
                                &baseline->worst_f,
                                &baseline->worst_value,
                                &baseline->worst_e };
    bool fits = true;
    for (size_t i = 0; i < sizeof numbers / sizeof(double *); i++) {
        *numbers[i] = tend_reader_get_f64(reader);
        fits = fits && isfinite(*numbers[i]);
    }
    level->zero = level->shift;
    baseline->gap_s = (float)gap_s;
    baseline->first_s = (int64_t)tend_reader_get_u64(reader);
    baseline->newest_s = (int64_t)tend_reader_get_u64(reader);
    baseline->samples = tend_reader_get_u64(reader);
    level->judged = tend_reader_get_u32(reader);
    level->samples = tend_reader_get_u32(reader);
    (void)tend_reader_get_u32(reader); // values of the hour under way
    baseline->anew_min = tend_reader_get_u32(reader);
    (void)tend_reader_get_u32(reader); // that hour
    (void)tend_reader_get_u32(reader); // its edge
    fits = fits && level->scale >= 0 && times_fit(baseline);
    fits = (baseline->spec.season_hours == 0 || tend_season_load_hours(season_of(baseline), reader)) && fits;
    fits = (!baseline->spec.by_load || tend_load_curve_load(curve_of(baseline), reader)) && fits;
    return load_behind(baseline, reader) && fits && !reader->failed;
}

static enum tend_status loaded(bool fits, struct tend_baseline *baseline, struct tend_reader *reader)
{
    if (!fits) {
        reader->failed = true;
        reset(baseline);
    }
    return fits ? TEND_OK : TEND_E_CORRUPT;
}

enum tend_status tend_baseline_load(struct tend_baseline *baseline, struct tend_reader *reader)
{
    return loaded(load(baseline, reader), baseline, reader);
}

enum tend_status tend_baseline_load_before(struct tend_baseline *baseline, struct tend_reader *reader)
{
    return loaded(load_before(baseline, reader), baseline, reader);
}
