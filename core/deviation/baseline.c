// A season by simple means, one an hour, and a level over it by Holt's method with a slow trend (Holt 1957; Winters
// 1960 for the season; here additive, and updated once an hour instead of with each sample, so that what an hour has
// taught is known by how often it was met). Residuals are clipped at CLIP usual distances (Gelper, Fried and Croux
// 2010, "Robust forecasting with exponential and Holt-Winters smoothing"); the usual distance is the mean of the
// clipped ones.
//
// Values are kept less the first one, so that floats hold small movements of large numbers.
//
// Until an hour was met once there is nothing to clip against but how the metric moved lately (`recent`).

#include "deviation/baseline.h"

#include "deviation/load_curve.h"
#include "parse/zone.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MINUTE_S = 60,
    HOUR_S = 3600,
    DAY_S = 86400,
    NO_HOUR = -1,
    TRUSTED_VISITS = 2,    ///< seasons in which an hour was met
    SURE_VISITS = 4,       ///< as far as confidence is concerned
    TRUSTED_SAMPLES = 120, ///< without a season
    RELEVEL = 15,          ///< samples, and a new level is known
    SETTLED = 60,          ///< samples, and it is clipped as usual
    UNCLIPPED = 10,        ///< samples of a new level that count in full
    LEAST_VISIT_S = 900,   ///< of an hour that has to be seen, or it was not met
    CALIBRATED = 120,      ///< deviations or values
    VISITS_MOST = 15,
    EDGE_STEPS = 1, ///< seasons, more with a step than without
    EDGE_MOST = 7,
    CLOCK_FELL_S = 7200, ///< a wall clock that falls by more was set right
};
static const double CLIP = 4; ///< mean distances; of a normal distribution 3.2 standard deviations
static const double CLIP_WIDE = 50;
static const double LEAST_SHARE = 1e-3; ///< of E: smaller distances are all alike
static const double SEASON_GAIN = 0.25;
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
    int16_t hour; ///< of the season, that hour_sum is of
    int16_t edge; ///< that step_nearer is of
    int64_t first_s, newest_s;
    double origin; ///< the first value; all others are less it
    double level, trend, scale;
    double recent, recent_scale;
    double hour_sum;    ///< of values while the hour was never met before, else of distances to E
    double gap_s;       ///< usual time from one value to the next
    double step_nearer; ///< by how much a step says what the metric is better than a line does
    double reach;
    double worst_f, worst_value, worst_e; ///< of the values out of line since the newest one learned; worst_f 0: none
    uint64_t samples;
    uint32_t judged;        ///< values for which there was an E
    uint32_t level_samples; ///< since the level was learned anew; UINT32_MAX: it never was
    uint32_t hour_count;
    uint32_t anew_min; ///< since 1970, of the first value after the newest restart from nothing; 0: there was none
    struct tend_features *features; ///< NULL: none; this and what follows lies behind, in the same block
    struct tend_tail *tail;         ///< of F
    struct tend_load_curve *curve;  ///< of distances to the level; NULL: not by a load
    float *means;                   ///< one an hour of the season
    uint8_t *hours;                 ///< low half: in how many seasons it was met; high half: its edge, see edge_of
};

enum {
    OWN_BYTES = (int)sizeof(struct tend_baseline),
    HOUR_BYTES = (int)(sizeof(float) + sizeof(uint8_t)),
};
_Static_assert(OWN_BYTES + (int)sizeof(struct tend_tail) + (int)sizeof(struct tend_features) +
                       TEND_BASELINE_WEEK_HOURS * HOUR_BYTES <=
                   TEND_BASELINE_BYTES_MAX,
               "a metric may cost no more");
_Static_assert((int)sizeof(struct tend_load_curve) <= TEND_BASELINE_BYTES_MAX - OWN_BYTES -
                                                          (int)sizeof(struct tend_tail) -
                                                          (int)sizeof(struct tend_features),
               "by a load as well");
_Static_assert(sizeof(struct tend_baseline) % _Alignof(struct tend_features) == 0, "features lie behind it");

size_t tend_baseline_bytes(struct tend_baseline_spec spec)
{
    return sizeof(struct tend_baseline) + (spec.detectors ? sizeof(struct tend_features) : 0) +
           sizeof(struct tend_tail) + (spec.by_load ? sizeof(struct tend_load_curve) : 0) +
           (size_t)spec.season_hours * HOUR_BYTES;
}

// As new: nothing was seen.
static void reset(struct tend_baseline *baseline)
{
    const struct tend_baseline_spec spec = baseline->spec;
    memset(baseline, 0, tend_baseline_bytes(spec));
    baseline->spec = spec;
    baseline->hour = baseline->edge = NO_HOUR;
    baseline->level_samples = spec.season_hours == 0 && !spec.by_load ? 0 : UINT32_MAX;
    char *behind = (char *)(baseline + 1);
    if (spec.detectors) {
        baseline->features = (struct tend_features *)(void *)behind;
        tend_features_init(baseline->features);
        behind += sizeof(struct tend_features);
    }
    baseline->tail = (struct tend_tail *)(void *)behind;
    tend_tail_init(baseline->tail);
    behind = (char *)(baseline->tail + 1);
    if (spec.by_load) {
        baseline->curve = (struct tend_load_curve *)(void *)behind;
        behind += sizeof(struct tend_load_curve);
    }
    baseline->means = (float *)(void *)behind;
    baseline->hours = (uint8_t *)(baseline->means + spec.season_hours);
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

static int visits_of(uint8_t facts)
{
    return facts & 15;
}

/// How the metric goes over the beginning of an hour: above 0 it steps there, below 0 it goes over smoothly.
static int edge_of(uint8_t facts)
{
    return (facts >> 4 ^ 8) - 8;
}

static uint8_t hour_facts(int visits, int edge)
{
    return (uint8_t)(((unsigned)edge & 15U) << 4 | ((unsigned)visits & 15U));
}

static double season_hour(const struct tend_baseline *baseline, double week_hour)
{
    return fmod(week_hour, baseline->spec.season_hours);
}

// What the season says of a moment in two ways, and which edge of its hour is the nearer one.
struct season_part {
    double own;  ///< mean of the hour
    double line; ///< on the line to the middle of the hour beyond the edge
    int edge;
};

static struct season_part season_part_at(const struct tend_baseline *baseline, double week_hour)
{
    const int hours = baseline->spec.season_hours;
    const double position = season_hour(baseline, week_hour);
    const int hour = (int)position;
    const double past_middle = position - hour - 0.5;
    const int next = (hour + 1) % hours;
    const int other = past_middle < 0 ? (hour + hours - 1) % hours : next;
    const double own = (double)baseline->means[hour];
    return (struct season_part){
        .own = own,
        .line = visits_of(baseline->hours[other]) == 0
                    ? own
                    : own + fabs(past_middle) * ((double)baseline->means[other] - own),
        .edge = past_middle < 0 ? hour : next,
    };
}

static double season_at(const struct tend_baseline *baseline, double week_hour)
{
    const struct season_part part = season_part_at(baseline, week_hour);
    return edge_of(baseline->hours[part.edge]) >= EDGE_STEPS ? part.own : part.line;
}

// Votes on an edge that has gone by, by the half hours before and after it: which of the two was nearer.
static void end_edge(struct tend_baseline *baseline)
{
    if (baseline->edge == NO_HOUR) {
        return;
    }
    const uint8_t facts = baseline->hours[baseline->edge];
    int edge = edge_of(facts);
    if (baseline->step_nearer > 0 && edge < EDGE_MOST) {
        edge++;
    } else if (baseline->step_nearer < 0 && edge > -EDGE_MOST) {
        edge--;
    }
    baseline->hours[baseline->edge] = hour_facts(visits_of(facts), edge);
    baseline->edge = NO_HOUR;
}

// @return whether it is known how the metric goes over this edge
static bool note_edge(struct tend_baseline *baseline, double week_hour, double seasonal)
{
    const struct season_part part = season_part_at(baseline, week_hour);
    if (part.edge != baseline->edge) {
        end_edge(baseline);
        baseline->edge = (int16_t)part.edge;
        baseline->step_nearer = 0;
    }
    baseline->step_nearer += fabs(seasonal - part.line) - fabs(seasonal - part.own);
    const int edge = edge_of(baseline->hours[part.edge]);
    return part.line == part.own || edge >= EDGE_STEPS || edge < 0;
}

struct tend_baseline_expected tend_baseline_expect(const struct tend_baseline *baseline, double at)
{
    struct tend_baseline_expected expected = { .e = (double)NAN };
    if (baseline->samples == 0 || baseline->level_samples == 0) {
        return expected;
    }
    if (baseline->curve != NULL) {
        const struct tend_load_expected by_load = tend_load_curve_at(baseline->curve, at);
        expected.e = baseline->origin + (baseline->level + by_load.e);
        expected.trusted = by_load.trusted;
    } else if (baseline->spec.season_hours == 0) {
        expected.e = baseline->origin + baseline->level;
        expected.trusted = baseline->samples >= TRUSTED_SAMPLES;
    } else {
        const int visits = visits_of(baseline->hours[(int)season_hour(baseline, at)]);
        if (visits > 0) {
            expected.e = baseline->origin + (baseline->level + season_at(baseline, at));
        }
        expected.trusted = visits >= TRUSTED_VISITS;
    }
    expected.trusted = expected.trusted && baseline->level_samples >= RELEVEL && tend_baseline_is_calibrated(baseline);
    return expected;
}

bool tend_baseline_is_due(const struct tend_baseline *baseline, int64_t wall_s)
{
    return baseline->samples == 0 || wall_s / TEND_BASELINE_CADENCE_S > baseline->newest_s / TEND_BASELINE_CADENCE_S ||
           baseline->newest_s - wall_s > CLOCK_FELL_S;
}

static double clipped(double distance, double most)
{
    return fmax(-most, fmin(distance, most));
}

// What a distance is measured by. A metric that never moved has no usual distance: then its first movement is one.
static double unit_of(double scale, double e, double distance)
{
    const double unit = fmax(scale, LEAST_SHARE * fabs(e));
    return unit > 0 ? unit : fabs(distance);
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

/// Puts away what the hour that has ended taught.
static void end_hour(struct tend_baseline *baseline)
{
    const int hour = baseline->hour;
    baseline->hour = NO_HOUR;
    if (hour == NO_HOUR || baseline->hour_count * baseline->gap_s < LEAST_VISIT_S) {
        return;
    }
    const double mean = baseline->hour_sum / baseline->hour_count;
    if (visits_of(baseline->hours[hour]) == 0) {
        baseline->means[hour] = (float)(mean - baseline->level);
    } else {
        baseline->means[hour] += (float)(fmax(SEASON_GAIN, 1.0 / (visits_of(baseline->hours[hour]) + 1)) * mean);
    }
    const uint8_t facts = baseline->hours[hour];
    if (visits_of(facts) < VISITS_MOST) {
        baseline->hours[hour] = hour_facts(visits_of(facts) + 1, edge_of(facts));
    }
}

// The hour that a value belongs to. One that comes after a long silence begins a new one, though it be the same hour of
// another day; the hour that is repeated in autumn goes on.
static void add_to_hour(struct tend_baseline *baseline, double week_hour, double silence_s, double value)
{
    const int hour = (int)season_hour(baseline, week_hour);
    if (hour != baseline->hour || silence_s > HOUR_S) {
        end_hour(baseline);
        baseline->hour = (int16_t)hour;
        baseline->hour_sum = 0;
        baseline->hour_count = 0;
    }
    baseline->hour_sum += value;
    baseline->hour_count++;
}

// How the metric moved lately; the value less what was an outlier in that. @param relative  value less origin
static double follow_recent(struct tend_baseline *baseline, double relative, double step_s)
{
    const double gain = fmax(fmin(step_s / HOUR_S, 0.5), 1.0 / (double)(baseline->samples + 1));
    const double distance = relative - baseline->recent;
    const double unit = unit_of(baseline->recent_scale, baseline->origin + baseline->recent, distance);
    const double counted = baseline->samples < UNCLIPPED ? distance : clipped(distance, CLIP * unit);
    const double before = baseline->recent;
    baseline->recent += gain * counted;
    baseline->recent_scale += gain * (fabs(counted) - baseline->recent_scale);
    return before + counted;
}

// Level, trend and usual distance. @return the distance as far as it counts
static double follow_level(struct tend_baseline *baseline, double e, double distance, double step_s)
{
    const double whole_s = level_s(baseline);
    if (baseline->judged == 0) {
        baseline->scale = baseline->recent_scale;
    }
    const double unit = unit_of(baseline->scale, e, distance);
    double most = CLIP * unit;
    if (baseline->level_samples < SETTLED) {
        most = baseline->level_samples < UNCLIPPED ? (double)INFINITY : CLIP_WIDE * unit;
    }
    const double counted = clipped(distance, most);
    const double scale_gain = fmax(step_s / whole_s, 1.0 / (baseline->judged + 1.0));
    baseline->scale += scale_gain * (fmin(fabs(distance), CLIP * unit) - baseline->scale);
    const double level_gain = fmax(step_s / whole_s, 2.0 / (baseline->level_samples + 2.0));
    if (baseline->level_samples >= SETTLED && (double)(baseline->newest_s - baseline->first_s) >= 2 * whole_s) {
        // Half of what would follow a ramp without overshooting: drifts of weeks, not of days.
        baseline->trend += step_s / whole_s * (counted / (8 * whole_s) - baseline->trend / 8);
        baseline->level += baseline->trend * step_s;
    }
    baseline->level += level_gain * counted;
    baseline->judged += baseline->judged < UINT32_MAX;
    baseline->level_samples += baseline->level_samples < UINT32_MAX;
    return counted;
}

static void note_deviation(struct tend_baseline *baseline, double f)
{
    const double known = baseline->reach;
    tend_tail_push(baseline->tail, known > 0 ? fmin(f, REACH_GROWS * known) : f);
    baseline->reach = baseline->tail->count >= CALIBRATED ? tend_tail_at(baseline->tail, RARITY) : 0;
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
    const double usual_s = baseline->gap_s > 0 ? baseline->gap_s : TEND_BASELINE_CADENCE_S;
    *silence_s = baseline->samples == 0 ? usual_s : (double)(wall_s - baseline->newest_s);
    *silence_s = *silence_s > 0 ? *silence_s : usual_s;
    const double step_s = fmin(*silence_s, 2 * usual_s);
    baseline->gap_s = baseline->samples <= 1 ? fmin(*silence_s, HOUR_S) : usual_s + (step_s - usual_s) / 16;
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

static void end_excursion(struct tend_baseline *baseline)
{
    if (baseline->worst_f > 0) {
        note_deviation(baseline, baseline->worst_f);
    }
    if (baseline->worst_f > 0 && baseline->features != NULL) {
        note_features(baseline->features, baseline->worst_value, baseline->worst_e);
    }
    baseline->worst_f = 0;
}

// @return whether it is known how the metric goes there, so that the deviation says what it reaches
static bool learn_season(struct tend_baseline *baseline, double week_hour, double relative, double seen, double step_s,
                         double silence_s)
{
    const bool has_season = baseline->spec.season_hours > 0;
    const double season = has_season ? season_at(baseline, week_hour) : 0;
    double taught = seen;
    bool sure = true;
    if (!has_season || visits_of(baseline->hours[(int)season_hour(baseline, week_hour)]) > 0) {
        const double own = baseline->level + season;
        sure = !has_season || note_edge(baseline, week_hour, relative - baseline->level);
        taught = follow_level(baseline, baseline->origin + own, relative - own, step_s);
    }
    if (has_season) {
        add_to_hour(baseline, week_hour, silence_s, taught);
    }
    return sure;
}

// While a new level is learned the curve keeps its shape, but for loads that were never met.
static void learn_curve(struct tend_baseline *baseline, double load, int64_t wall_s, double relative, double step_s)
{
    const double curve = tend_load_curve_at(baseline->curve, load).e;
    const bool met = !isnan(curve);
    const double level = baseline->level;
    if (met) {
        const double own = level + curve;
        (void)follow_level(baseline, baseline->origin + own, relative - own, step_s);
    }
    if (!met || !tend_baseline_is_relearning(baseline)) {
        tend_load_curve_learn(baseline->curve, load, wall_s, relative - level, baseline->origin + level);
    }
}

void tend_baseline_learn(struct tend_baseline *baseline, int64_t wall_s, double at, double value, double e, double f)
{
    const int64_t fell_s = baseline->newest_s - wall_s;
    const bool nowhere = baseline->curve != NULL && !(at > 0 && isfinite(at));
    if (!isfinite(value) || nowhere || (baseline->samples > 0 && fell_s >= 0 && fell_s <= CLOCK_FELL_S)) {
        return;
    }
    if (baseline->samples == 0) {
        baseline->first_s = wall_s;
        baseline->origin = value;
    }
    if (baseline->samples > 0 && baseline->level_samples == 0) {
        baseline->anew_min = (uint32_t)fmax(1, fmin((double)wall_s / MINUTE_S, (double)UINT32_MAX));
    }
    end_excursion(baseline);
    double silence_s;
    const double step_s = take_time(baseline, wall_s, &silence_s);
    const double relative = value - baseline->origin;
    const double seen = follow_recent(baseline, relative, step_s);
    bool sure = true;
    if (baseline->curve != NULL) {
        learn_curve(baseline, at, wall_s, relative, step_s);
    } else {
        sure = learn_season(baseline, at, relative, seen, step_s, silence_s);
    }
    if (baseline->features != NULL) {
        note_features(baseline->features, value, e);
    }
    if (isfinite(f) && sure) {
        note_deviation(baseline, f);
    }
    baseline->samples++;
}

double tend_baseline_reach(const struct tend_baseline *baseline)
{
    return baseline->reach;
}

bool tend_baseline_is_calibrated(const struct tend_baseline *baseline)
{
    return baseline->tail->count >= CALIBRATED &&
           (baseline->features == NULL || baseline->features->count > CALIBRATED);
}

double tend_baseline_judge(const struct tend_baseline *baseline, double value, double e, double f)
{
    TEND_ASSERT(baseline->features != NULL);
    struct tend_features asked = *baseline->features;
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
    if (baseline->spec.season_hours != from->spec.season_hours || baseline->spec.by_load != from->spec.by_load) {
        return;
    }
    reset(baseline);
    struct tend_baseline own = *from;
    own.spec = baseline->spec;
    own.features = baseline->features;
    own.tail = baseline->tail;
    own.curve = baseline->curve;
    own.means = baseline->means;
    own.hours = baseline->hours;
    *baseline = own;
    memcpy(own.means, from->means, own.spec.season_hours * sizeof *own.means);
    memcpy(own.hours, from->hours, own.spec.season_hours * sizeof *own.hours);
    *own.tail = *from->tail;
    if (own.curve != NULL) {
        *own.curve = *from->curve;
    }
    if (own.features != NULL && from->features != NULL) {
        *own.features = *from->features;
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
    baseline->hour = baseline->edge = NO_HOUR;
    baseline->trend = 0;
    // What is being learned from nothing has no old level yet that could be told from.
    const uint32_t least = from == TEND_BASELINE_FROM_NOTHING ? 0 : RELEVEL;
    baseline->level_samples = baseline->level_samples < least ? baseline->level_samples : least;
    if (baseline->level_samples == RELEVEL) {
        baseline->anew_min = 0;
    }
    if (baseline->features != NULL && from == TEND_BASELINE_FROM_NOTHING) {
        tend_features_restart(baseline->features);
    }
}

bool tend_baseline_is_relearning(const struct tend_baseline *baseline)
{
    return baseline->samples > 0 && baseline->level_samples < SETTLED;
}

bool tend_baseline_is_anew(const struct tend_baseline *baseline)
{
    const bool settled = baseline->level_samples >= SETTLED && tend_baseline_is_calibrated(baseline);
    return baseline->samples > 0 && (baseline->level_samples == 0 || (baseline->anew_min != 0 && !settled));
}

int64_t tend_baseline_anew_s(const struct tend_baseline *baseline)
{
    return (int64_t)baseline->anew_min * MINUTE_S;
}

struct tend_baseline_view tend_baseline_view(const struct tend_baseline *baseline)
{
    double known = fmin((double)baseline->samples / (SURE_VISITS * TRUSTED_SAMPLES), 1);
    if (baseline->spec.season_hours > 0) {
        double sum = 0;
        for (size_t i = 0; i < baseline->spec.season_hours; i++) {
            sum += fmin(visits_of(baseline->hours[i]), SURE_VISITS);
        }
        known = sum / (SURE_VISITS * baseline->spec.season_hours);
    }
    if (baseline->curve != NULL) {
        known = tend_load_curve_known(baseline->curve);
    }
    const double of_a_day = baseline->gap_s > 0 ? baseline->level_samples * baseline->gap_s / DAY_S : 0;
    return (struct tend_baseline_view){
        .samples = baseline->samples,
        .first_s = baseline->first_s,
        .newest_s = baseline->newest_s,
        .confidence = known * (0.5 + 0.5 * fmin(of_a_day, 1)),
        .scale = baseline->judged > 0 ? baseline->scale : (double)NAN,
        .trend_per_day = baseline->trend * DAY_S,
        .relearning = tend_baseline_is_relearning(baseline),
    };
}

enum { NUMBERS = 13 };

static void list_numbers(struct tend_baseline *baseline, double *numbers[NUMBERS])
{
    double *const all[NUMBERS] = { &baseline->origin,      &baseline->level,    &baseline->trend,
                                   &baseline->scale,       &baseline->recent,   &baseline->recent_scale,
                                   &baseline->gap_s,       &baseline->hour_sum, &baseline->reach,
                                   &baseline->step_nearer, &baseline->worst_f,  &baseline->worst_value,
                                   &baseline->worst_e };
    memcpy((void *)numbers, (const void *)all, sizeof all);
}

void tend_baseline_save(const struct tend_baseline *baseline, struct tend_buffer *out)
{
    struct tend_baseline copy = *baseline; // one list of the numbers does both ways
    double *numbers[NUMBERS];
    list_numbers(&copy, numbers);
    for (size_t i = 0; i < NUMBERS; i++) {
        tend_buffer_put_f64(out, *numbers[i]);
    }
    tend_buffer_put_u64(out, (uint64_t)baseline->first_s);
    tend_buffer_put_u64(out, (uint64_t)baseline->newest_s);
    tend_buffer_put_u64(out, baseline->samples);
    tend_buffer_put_u32(out, baseline->judged);
    tend_buffer_put_u32(out, baseline->level_samples);
    tend_buffer_put_u32(out, baseline->hour_count);
    tend_buffer_put_u32(out, baseline->anew_min);
    tend_buffer_put_u32(out, (uint32_t)(baseline->hour + 1));
    tend_buffer_put_u32(out, (uint32_t)(baseline->edge + 1));
    for (size_t i = 0; i < baseline->spec.season_hours; i++) {
        uint32_t bits;
        memcpy(&bits, &baseline->means[i], sizeof bits);
        tend_buffer_put_u32(out, bits);
        tend_buffer_put_u8(out, baseline->hours[i]);
    }
    if (baseline->curve != NULL) {
        tend_load_curve_save(baseline->curve, out);
    }
    tend_tail_save(baseline->tail, out);
    if (baseline->features != NULL) {
        tend_features_save(baseline->features, out);
    }
}

// @return whether what was read is what save may have written
static bool load(struct tend_baseline *baseline, struct tend_reader *reader)
{
    double *numbers[NUMBERS];
    list_numbers(baseline, numbers);
    bool fits = true;
    for (size_t i = 0; i < NUMBERS; i++) {
        *numbers[i] = tend_reader_get_f64(reader);
        fits = fits && isfinite(*numbers[i]);
    }
    baseline->first_s = (int64_t)tend_reader_get_u64(reader);
    baseline->newest_s = (int64_t)tend_reader_get_u64(reader);
    baseline->samples = tend_reader_get_u64(reader);
    baseline->judged = tend_reader_get_u32(reader);
    baseline->level_samples = tend_reader_get_u32(reader);
    baseline->hour_count = tend_reader_get_u32(reader);
    baseline->anew_min = tend_reader_get_u32(reader);
    const uint32_t hour = tend_reader_get_u32(reader);
    const uint32_t edge = tend_reader_get_u32(reader);
    const int64_t most_s = INT64_C(1) << 40; // so that their differences are numbers
    fits = fits && hour <= baseline->spec.season_hours && edge <= baseline->spec.season_hours && baseline->gap_s >= 0 &&
           baseline->scale >= 0 && baseline->reach >= 0 && baseline->worst_f >= 0 && baseline->first_s >= -most_s &&
           baseline->first_s <= most_s && baseline->newest_s >= -most_s && baseline->newest_s <= most_s;
    baseline->hour = (int16_t)(fits ? (int)hour - 1 : NO_HOUR);
    baseline->edge = (int16_t)(fits ? (int)edge - 1 : NO_HOUR);
    for (size_t i = 0; i < baseline->spec.season_hours; i++) {
        const uint32_t bits = tend_reader_get_u32(reader);
        memcpy(&baseline->means[i], &bits, sizeof bits);
        baseline->hours[i] = tend_reader_get_u8(reader);
        fits = fits && isfinite(baseline->means[i]) && edge_of(baseline->hours[i]) >= -EDGE_MOST;
    }
    fits = (baseline->curve == NULL || tend_load_curve_load(baseline->curve, reader)) && fits;
    enum tend_status last = tend_tail_load(baseline->tail, reader);
    if (last == TEND_OK && baseline->features != NULL) {
        last = tend_features_load(baseline->features, reader);
    }
    return fits && last == TEND_OK && !reader->failed;
}

enum tend_status tend_baseline_load(struct tend_baseline *baseline, struct tend_reader *reader)
{
    if (load(baseline, reader)) {
        return TEND_OK;
    }
    reader->failed = true;
    reset(baseline);
    return TEND_E_CORRUPT;
}
