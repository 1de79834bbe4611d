// Values are kept less the first one since the cut, so that floats hold small movements of large numbers.
//
// A bucket that is full goes into the ring of its level and adds its mean to the bucket of the next level, so a sample
// touches one accumulator, and each level a quarter as often as the one below. Lines are laid when a bucket of the
// second level is full; a look at the ring's ends first says whether any line could reach the limit, and nearly always
// none could: what is at rest costs next to nothing.
//
// `high` of a bucket is the highest mean of a second-level bucket in it: one bad scrape is no place where it has been.
//
// Invariants: held <= BUCKETS; next < BUCKETS; a level's `number` is that of the bucket that fills now, and those of
// the levels above are its number shifted right by two bits a level.

#include "deviation/outlook.h"

#include "deviation/day_shape.h"
#include "deviation/trend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LEVELS = 6,
    BUCKETS = TEND_TREND_VALUES_MAX,
    WIDER_BITS = 2,
    HALF = BUCKETS / 2,
    FULL_LEAST = 18,
    PARTS_LEAST = 2,
    DAY_HOURS = 24
};

static const int64_t NOT_YET_MS = INT64_MIN;
static const double LATE_END_MAX = 3;       // times the forecast
static const double RISE_NOISE_MIN = 3;     // times the noise
static const double NEWEST_SHARE_MIN = 0.7; // of the slope
static const double NEWEST_SHARE_MAX = 2;
static const double HELD_SHARE = 0.125;     // of the line's length, for which a forecast stands
static const double HELD_DAYS_MS = 3600000; // for which one by the days' shape does
static const double NUMBER_MAX = 1e300;     // what is loaded is below it, but for a slack without end
static const double DAYS_SEEN_MS = 3 * 86400000.0;
static const double AHEAD_KNOWN = 2; // times the line's length, where as much is known of before
static const double AHEAD_NEW = 1;
static const double AHEAD_FIRST_DAY = 0.7; // of long lines
static const double LONG_MS = 2 * 3600000.0;
static const double NEW_SHARE = 0.1;   // of what is left above the highest before
static const double LEVEL_ERROR = 5;   // 99 % of a normal line's end: its deviation is twice that of a mean
static const double FALL_NOISE = 4;    // below the line, and a forecast is over
static const double FALL_SHARE = 0.1;  // of what is left, likewise
static const double ROUGH_SHARE = 0.4; // of the slope needed, that the ring's ends must show

struct level {
    int64_t number; // of the bucket that fills
    double sum;
    float high;     // of the bucket that fills
    uint32_t parts; // that its sum is of
    uint32_t held, next;
    float means[BUCKETS]; // NaN: no data
    float highs[BUCKETS];
};

struct tend_outlook {
    int64_t bucket_ms;
    int64_t newest_ms; // NOT_YET_MS: no sample since create; after a cut the cut's time
    bool begun;        // there is an origin
    double origin;
    double cross_ms, least_ms, most_ms; // of the forecast, from 0 of engine time; NaN: none
    double until_ms;                    // it stands
    double span_ms, rise_per_ms;
    double slack; // so far may the metric be below the line
    double limit; // the newest; NaN: none yet
    double usual; // the highest that it was, and no leak, before the cut; NaN: not known
    struct level levels[LEVELS];
    struct tend_day_shape days;
};
_Static_assert(sizeof(struct tend_outlook) <= TEND_OUTLOOK_BYTES_MAX, "an outlook is as large as its header says");

// A piece of a ring with a line through it, in the units of the ring's buckets.
struct stretch {
    size_t level;
    size_t count;           // of buckets
    double values[BUCKETS]; // oldest first, less the origin
    int64_t from_number;    // of its oldest bucket
    double width_ms;        // of a bucket
    double newest_ms;       // middle of its newest bucket
};

// What all lines of one look are held against.
struct look {
    double limit;
    double here, noise; // newest mean of the second level, and how much those differ by chance
    double here_ms;     // middle of its bucket
};

// All but what it usually reaches.
static void forget(struct tend_outlook *outlook)
{
    memset(outlook->levels, 0, sizeof outlook->levels);
    outlook->days = (struct tend_day_shape){ .held = 0 };
    outlook->begun = false;
    outlook->origin = 0.0;
    outlook->cross_ms = outlook->least_ms = outlook->most_ms = outlook->until_ms = (double)NAN;
    outlook->span_ms = outlook->rise_per_ms = outlook->slack = (double)NAN;
}

enum tend_status tend_outlook_create(int64_t bucket_ms, struct tend_outlook **out)
{
    if (bucket_ms < 1) {
        return TEND_E_INVALID;
    }
    struct tend_outlook *outlook = calloc(1, sizeof *outlook);
    if (outlook == NULL) {
        return TEND_E_NOMEM;
    }
    outlook->bucket_ms = bucket_ms;
    outlook->newest_ms = NOT_YET_MS;
    outlook->limit = outlook->usual = (double)NAN;
    forget(outlook);
    *out = outlook;
    return TEND_OK;
}

void tend_outlook_destroy(struct tend_outlook *outlook)
{
    free(outlook);
}

size_t tend_outlook_bytes(void)
{
    return sizeof(struct tend_outlook);
}

int64_t tend_outlook_bucket_ms(const struct tend_outlook *outlook)
{
    return outlook->bucket_ms;
}

static void hold(struct level *level, float mean, float high)
{
    level->means[level->next] = mean;
    level->highs[level->next] = high;
    level->next = (level->next + 1) % BUCKETS;
    level->held += level->held < BUCKETS;
}

static float bucket(const float *ring, const struct level *level, size_t newest) // 0: the newest one
{
    return ring[(level->next + BUCKETS - 1 - newest) % BUCKETS];
}

// Puts the bucket that fills into the ring, and as many without data as lie before `number`.
// @return whether it had data; its mean and highest
static bool close_bucket(struct level *level, size_t depth, int64_t number, float *mean, float *high)
{
    const bool enough = level->parts >= (depth == 0 ? 1 : PARTS_LEAST);
    *mean = enough ? (float)(level->sum / level->parts) : NAN;
    *high = depth >= 2 && enough ? level->high : *mean;
    if (level->parts > 0 || level->held > 0) {
        hold(level, *mean, *high);
        for (int64_t i = level->number + 1; i < number && i - level->number <= BUCKETS; i++) {
            hold(level, NAN, NAN);
        }
    }
    level->number = number;
    level->sum = 0.0;
    level->parts = 0;
    return enough;
}

static void add(struct level *level, double value, float high)
{
    level->high = level->parts == 0 || high > level->high ? high : level->high;
    level->sum += value;
    level->parts++;
}

// The highest that a process has been which ended without a forecast, and below the limit: it begins anew to be as high
// again. One that lived for less than a day may have ended on its way up.
static void note_usual(struct tend_outlook *outlook)
{
    const bool foretold = (double)outlook->newest_ms <= outlook->until_ms;
    double highest = -(double)INFINITY;
    for (size_t depth = 1; depth < LEVELS; depth++) {
        const struct level *level = &outlook->levels[depth];
        for (size_t i = 0; i < level->held; i++) {
            const double high = (double)bucket(level->highs, level, i);
            highest = high > highest ? high : highest; // NaN is passed over
        }
    }
    highest += outlook->origin;
    if (foretold || !(highest < outlook->limit)) {
        outlook->usual = (double)NAN;
    } else if (isfinite(highest)) {
        outlook->usual = outlook->days.held >= DAY_HOURS ? highest : fmax(outlook->usual, highest);
    }
}

void tend_outlook_cut(struct tend_outlook *outlook, int64_t at_ms)
{
    if (outlook->begun) {
        note_usual(outlook);
    }
    forget(outlook);
    if (at_ms > outlook->newest_ms) {
        outlook->newest_ms = at_ms;
    }
}

static int64_t number_of(const struct tend_outlook *outlook, int64_t at_ms)
{
    return at_ms / outlook->bucket_ms - (at_ms % outlook->bucket_ms < 0);
}

static void begin(struct tend_outlook *outlook, int64_t number, double value)
{
    outlook->begun = true;
    outlook->origin = value;
    for (size_t depth = 0; depth < LEVELS; depth++) {
        outlook->levels[depth].number = number >> (WIDER_BITS * depth);
    }
}

// @return whether a bucket of the second level was closed
static bool add_sample(struct tend_outlook *outlook, int64_t number, double value)
{
    size_t depth = 0;
    for (; depth < LEVELS; depth++) {
        struct level *level = &outlook->levels[depth];
        const int64_t moved_to = number >> (WIDER_BITS * depth);
        float mean;
        float high;
        if (moved_to == level->number) {
            break;
        }
        if (close_bucket(level, depth, moved_to, &mean, &high) && depth + 1 < LEVELS) {
            add(level + 1, (double)mean, high);
        }
    }
    add(&outlook->levels[0], value - outlook->origin, 0.0F);
    return depth >= 2;
}

static void take_stretch(const struct tend_outlook *outlook, size_t depth, size_t count, struct stretch *out)
{
    const struct level *level = &outlook->levels[depth];
    *out = (struct stretch){ .level = depth, .count = count };
    for (size_t i = 0; i < count; i++) {
        out->values[i] = (double)bucket(level->means, level, count - 1 - i);
    }
    out->from_number = level->number - (int64_t)count;
    out->width_ms = (double)(outlook->bucket_ms << (WIDER_BITS * depth));
    out->newest_ms = ((double)level->number - 0.5) * out->width_ms;
}

// Mean of values that are there; NaN when none is.
static double mean_of(const double *values, size_t count)
{
    double sum = 0.0;
    size_t there = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isnan(values[i])) {
            sum += values[i];
            there++;
        }
    }
    return there == 0 ? (double)NAN : sum / (double)there;
}

static bool may_reach(const struct stretch *stretch, double limit)
{
    const size_t quarter = stretch->count / 4;
    const double newest = mean_of(stretch->values + stretch->count - quarter, quarter);
    const double rise = newest - mean_of(stretch->values, quarter);
    return rise > 0 && rise * AHEAD_KNOWN >= ROUGH_SHARE * (limit - newest); // false for NaN
}

// The highest that it has been before the stretch; what was beyond the limit does not count.
// @param[out] known  whether as much is known of before the stretch as the stretch is long
static double highest_before(const struct tend_outlook *outlook, const struct stretch *stretch, double limit,
                             bool *known)
{
    double highest = -(double)INFINITY;
    const double from_ms = (double)stretch->from_number * stretch->width_ms;
    const double length_ms = (double)stretch->count * stretch->width_ms;
    *known = false;
    for (size_t depth = stretch->level; depth < LEVELS; depth++) {
        const struct level *level = &outlook->levels[depth];
        const double width_ms = (double)(outlook->bucket_ms << (WIDER_BITS * depth));
        for (size_t i = 0; i < level->held; i++) {
            const double high = (double)bucket(level->highs, level, i);
            const double begin_ms = (double)(level->number - 1 - (int64_t)i) * width_ms;
            if (isnan(high) || begin_ms + width_ms > from_ms) {
                continue;
            }
            *known = *known || begin_ms <= from_ms - length_ms;
            highest = high < limit ? fmax(highest, high) : highest;
        }
    }
    return highest;
}

// Whether the metric is now, by a part of what is left to the limit, above all that it has been before.
static bool is_new(const struct tend_outlook *outlook, const struct stretch *stretch, double limit, bool *known)
{
    const size_t quarter = stretch->count / 4;
    const double usual = outlook->usual - outlook->origin;
    double highest = fmax(highest_before(outlook, stretch, limit, known), usual < limit ? usual : -(double)INFINITY);
    double here = -(double)INFINITY;
    for (size_t i = 0; i < stretch->count; i++) { // NaN is passed over
        if (i < stretch->count / 2) {
            highest = fmax(highest, stretch->values[i]);
        } else if (i >= stretch->count - quarter) {
            here = fmax(here, stretch->values[i]);
        }
    }
    return here - highest >= NEW_SHARE * (limit - highest);
}

// Whether the line is one to go by, apart from where it leads.
static bool is_rise(const struct stretch *stretch, const struct tend_trend *trend)
{
    if (!(trend->least > 0) || trend->slope * (double)stretch->count < RISE_NOISE_MIN * trend->noise) {
        return false;
    }
    const size_t half = stretch->count / 2;
    const double newest = tend_trend_slope(stretch->values + stretch->count - half, half);
    return newest >= NEWEST_SHARE_MIN * trend->slope && newest <= NEWEST_SHARE_MAX * trend->slope;
}

// How far ahead a line may look, times its length.
static double ahead_of(const struct tend_outlook *outlook, const struct stretch *stretch, bool known)
{
    const bool is_long = (double)stretch->count * stretch->width_ms >= LONG_MS;
    if (is_long && outlook->days.held < DAY_HOURS && isnan(outlook->usual)) {
        return AHEAD_FIRST_DAY;
    }
    return known ? AHEAD_KNOWN : AHEAD_NEW;
}

// Lays a line through a stretch, and takes what it foretells if that holds and is surer than what others foretold.
static void consider(const struct tend_outlook *outlook, const struct stretch *stretch, const struct look *look,
                     struct tend_outlook *surest)
{
    const double limit = look->limit;
    struct tend_trend trend;
    if (!may_reach(stretch, limit) || !tend_trend_fit(stretch->values, stretch->count, &trend) ||
        trend.count * 3 < stretch->count * 2 || !is_rise(stretch, &trend)) {
        return;
    }
    bool known;
    if (!is_new(outlook, stretch, limit, &known)) {
        return;
    }
    const double left = limit - trend.level;
    const double error = LEVEL_ERROR * trend.noise / sqrt((double)trend.count);
    const double eta = fmax(left / trend.slope, 0);
    const double late = fmax((left + error) / trend.least, 0);
    const double length = (double)stretch->count;
    if (late > LATE_END_MAX * fmax(eta, 1) || eta > ahead_of(outlook, stretch, known) * length) {
        return;
    }
    const double slack = fmax(FALL_NOISE * fmax(trend.noise, look->noise), FALL_SHARE * left);
    const double line_here = trend.level + trend.slope * (look->here_ms - stretch->newest_ms) / stretch->width_ms;
    if (look->here < line_here - slack) {
        return;
    }
    const double cross_ms = stretch->newest_ms + eta * stretch->width_ms;
    const double least_ms = stretch->newest_ms + fmax((left - error) / trend.most, 0) * stretch->width_ms;
    const double most_ms = stretch->newest_ms + late * stretch->width_ms;
    if (!(most_ms - least_ms >= surest->most_ms - surest->least_ms)) { // NaN: there was none
        surest->cross_ms = cross_ms;
        surest->least_ms = least_ms;
        surest->most_ms = most_ms;
        surest->span_ms = length * stretch->width_ms;
        surest->rise_per_ms = trend.slope / stretch->width_ms;
        surest->slack = slack;
        surest->until_ms = (double)outlook->newest_ms + HELD_SHARE * surest->span_ms;
    }
}

// How much neighbouring means of the second level differ, as a standard deviation of one: from the median, as a step is
// no noise.
static double noise_here(const struct level *level)
{
    double distances[BUCKETS];
    size_t count = 0;
    for (size_t i = 0; i + 1 < level->held; i++) {
        const double distance =
            fabs((double)bucket(level->means, level, i) - (double)bucket(level->means, level, i + 1));
        if (isnan(distance)) {
            continue;
        }
        size_t place = count++;
        for (; place > 0 && distances[place - 1] > distance; place--) {
            distances[place] = distances[place - 1];
        }
        distances[place] = distance;
    }
    return count == 0 ? 0.0 : 1.4826 * M_SQRT1_2 * distances[count / 2];
}

static bool has_fallen(const struct tend_outlook *outlook, const struct look *look)
{
    const double line_here = look->limit - outlook->rise_per_ms * (outlook->cross_ms - look->here_ms);
    return look->here < line_here - outlook->slack;
}

// What creeps up from day to day is no line, but may be foretold all the same.
static void consider_days(const struct tend_outlook *outlook, double limit, struct tend_outlook *surest)
{
    struct tend_day_crossing days;
    if (tend_day_shape_foretell(&outlook->days, (double)outlook->newest_ms, limit, &days) &&
        !(days.most_ms - days.least_ms >= surest->most_ms - surest->least_ms)) { // NaN: there was none
        surest->cross_ms = days.cross_ms;
        surest->least_ms = days.least_ms;
        surest->most_ms = days.most_ms;
        surest->span_ms = DAYS_SEEN_MS;
        surest->rise_per_ms = days.rise_per_ms;
        surest->slack = (double)INFINITY;
        surest->until_ms = (double)outlook->newest_ms + HELD_DAYS_MS;
    }
}

static void look_ahead(struct tend_outlook *outlook, double limit)
{
    const struct level *near = &outlook->levels[1];
    const double looks_ms = (double)(outlook->bucket_ms << WIDER_BITS); // between two looks: the second level's width
    const struct look look = { .limit = limit,
                               .here = (double)bucket(near->means, near, 0),
                               .noise = noise_here(near),
                               .here_ms = ((double)near->number - 0.5) * looks_ms };
    struct tend_outlook surest = { .cross_ms = (double)NAN, .least_ms = (double)NAN, .most_ms = (double)NAN };
    for (size_t depth = 0; depth < LEVELS; depth++) {
        const size_t held = outlook->levels[depth].held;
        struct stretch stretch;
        if (held >= FULL_LEAST) {
            take_stretch(outlook, depth, held, &stretch);
            consider(outlook, &stretch, &look, &surest);
        }
        if (held >= HALF) {
            take_stretch(outlook, depth, HALF, &stretch);
            consider(outlook, &stretch, &look, &surest);
        }
    }
    consider_days(outlook, limit, &surest);
    if (!isnan(surest.cross_ms)) {
        outlook->cross_ms = surest.cross_ms;
        outlook->least_ms = surest.least_ms;
        outlook->most_ms = surest.most_ms;
        outlook->span_ms = surest.span_ms;
        outlook->rise_per_ms = surest.rise_per_ms;
        outlook->slack = surest.slack;
        outlook->until_ms = fmax(surest.until_ms, (double)outlook->newest_ms + 2 * looks_ms);
    } else if (has_fallen(outlook, &look)) {
        outlook->until_ms = (double)NAN;
    }
}

void tend_outlook_push(struct tend_outlook *outlook, int64_t at_ms, double value, double limit)
{
    if (!isfinite(value) || at_ms <= outlook->newest_ms) {
        return;
    }
    outlook->newest_ms = at_ms;
    const int64_t number = number_of(outlook, at_ms);
    if (!outlook->begun) {
        begin(outlook, number, value);
    }
    outlook->limit = isfinite(limit) ? limit : outlook->limit;
    tend_day_shape_push(&outlook->days, at_ms, value - outlook->origin);
    if (add_sample(outlook, number, value) && isfinite(limit)) {
        look_ahead(outlook, limit - outlook->origin);
    }
}

struct tend_forecast tend_outlook_forecast(const struct tend_outlook *outlook)
{
    const double now_ms = (double)outlook->newest_ms;
    if (!(now_ms <= outlook->until_ms)) { // NaN: there is none
        return (struct tend_forecast){ .eta_s = (double)NAN,
                                       .least_s = (double)NAN,
                                       .most_s = (double)NAN,
                                       .span_s = (double)NAN,
                                       .rise_per_s = (double)NAN };
    }
    return (struct tend_forecast){
        .eta_s = fmax(outlook->cross_ms - now_ms, 0) / 1000,
        .least_s = fmax(outlook->least_ms - now_ms, 0) / 1000,
        .most_s = fmax(outlook->most_ms - now_ms, 0) / 1000,
        .span_s = outlook->span_ms / 1000,
        .rise_per_s = outlook->rise_per_ms * 1000,
    };
}

static void put_float(struct tend_buffer *out, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    tend_buffer_put_u32(out, bits);
}

static float get_float(struct tend_reader *reader)
{
    const uint32_t bits = tend_reader_get_u32(reader);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void save_level(const struct level *level, struct tend_buffer *out)
{
    tend_buffer_put_u64(out, (uint64_t)level->number);
    tend_buffer_put_f64(out, level->sum);
    put_float(out, level->high);
    tend_buffer_put_u32(out, level->parts);
    tend_buffer_put_u32(out, level->held);
    for (size_t i = level->held; i > 0; i--) { // oldest first
        put_float(out, bucket(level->means, level, i - 1));
        put_float(out, bucket(level->highs, level, i - 1));
    }
}

static bool load_level(struct level *level, struct tend_reader *reader)
{
    level->number = (int64_t)tend_reader_get_u64(reader);
    level->sum = tend_reader_get_f64(reader);
    level->high = get_float(reader);
    level->parts = tend_reader_get_u32(reader);
    const uint32_t held = tend_reader_get_u32(reader);
    for (uint32_t i = 0; i < held && held <= BUCKETS && !reader->failed; i++) {
        const float mean = get_float(reader);
        hold(level, mean, get_float(reader));
    }
    // Times are within some centuries, and a width is a time: numbers of wider buckets are smaller.
    return !reader->failed && held <= BUCKETS && level->number > -(INT64_C(1) << 60) &&
           level->number < INT64_C(1) << 60;
}

void tend_outlook_save(const struct tend_outlook *outlook, struct tend_buffer *out)
{
    tend_buffer_put_u64(out, (uint64_t)outlook->newest_ms);
    tend_buffer_put_f64(out, outlook->limit);
    tend_buffer_put_f64(out, outlook->usual);
    tend_buffer_put_u8(out, outlook->begun);
    if (!outlook->begun) {
        return;
    }
    const double numbers[] = { outlook->origin,   outlook->cross_ms, outlook->least_ms,    outlook->most_ms,
                               outlook->until_ms, outlook->span_ms,  outlook->rise_per_ms, outlook->slack };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        tend_buffer_put_f64(out, numbers[i]);
    }
    for (size_t i = 0; i < LEVELS; i++) {
        save_level(&outlook->levels[i], out);
    }
    tend_day_shape_save(&outlook->days, out);
}

enum tend_status tend_outlook_load(struct tend_outlook *outlook, struct tend_reader *reader)
{
    outlook->newest_ms = (int64_t)tend_reader_get_u64(reader);
    outlook->limit = tend_reader_get_f64(reader);
    outlook->usual = tend_reader_get_f64(reader);
    outlook->begun = tend_reader_get_u8(reader) != 0;
    bool fits = !reader->failed && !(fabs(outlook->limit) > NUMBER_MAX) && !(fabs(outlook->usual) > NUMBER_MAX);
    if (fits && outlook->begun) {
        double *const numbers[] = { &outlook->origin,   &outlook->cross_ms, &outlook->least_ms,    &outlook->most_ms,
                                    &outlook->until_ms, &outlook->span_ms,  &outlook->rise_per_ms, &outlook->slack };
        for (size_t i = 0; i < sizeof numbers / sizeof(double *); i++) {
            *numbers[i] = tend_reader_get_f64(reader);
            fits = fits && (isnan(*numbers[i]) || fabs(*numbers[i]) < NUMBER_MAX || numbers[i] == &outlook->slack);
        }
        for (size_t i = 0; fits && i < LEVELS; i++) {
            fits = load_level(&outlook->levels[i], reader);
        }
        fits = fits && tend_day_shape_load(&outlook->days, reader) && isfinite(outlook->origin);
    }
    if (!fits) {
        outlook->limit = outlook->usual = (double)NAN;
        forget(outlook);
        reader->failed = true;
    }
    return fits ? TEND_OK : TEND_E_CORRUPT;
}
