// A regressogram (Tukey 1961) over the log of the load, with clipped means as in baseline.c, and lines between the mean
// places of its bins instead of steps. Places are counted in bins, and within one linearly, as a load's mantissa alone
// says that: so no logarithm is taken, and another unit changes nothing but the keys.

#include "deviation/load_curve.h"

#include <math.h>
#include <string.h>

enum {
    FIRST = 3,          ///< values, of which the median is where a bin begins
    KNOWN = 10,         ///< values, and it is good to learn by
    TRUSTED = 30,       ///< values, and it is good to judge by, if they are of
    TRUSTED_VISITS = 3, ///< so many times that are
    VISIT_HOURS = 12,   ///< apart
    SURE_VISITS = 6,    ///< as far as confidence is concerned
    VISITS_MOST = 15,
    FORGETS = 1000, ///< values: a bin follows what it is met with at least by their share
    GAP = 4,        ///< bins, over which a line is drawn
    HOUR_S = 3600,
    KEY_MOST = 4 * 1100, ///< of any double
};
static const double CLIP = 4;           ///< mean distances
static const double LEAST_SHARE = 1e-3; ///< of a value
static const double BEYOND = 0.5;       ///< bins
static const double LARGEST = 1e37;     ///< value, so that distances fit into floats

_Static_assert(sizeof(struct tend_load_curve) <= TEND_LOAD_CURVE_BYTES_MAX, "a metric may cost no more");

static unsigned count_of(const struct tend_load_bin *bin)
{
    return bin->facts & 0xfffU;
}

static unsigned visits_of(const struct tend_load_bin *bin)
{
    return bin->facts >> 12U;
}

static uint16_t facts(unsigned count, unsigned visits)
{
    return (uint16_t)(visits << 12U | count);
}

// The bin of a load, and how far into it the load is, 0 to below 1. @return false: it is in none
static bool place(double load, int *key, double *within)
{
    static const double edges[] = { 0.5, 0.59460355750136053, 0.70710678118654757, 0.84089641525371454,
                                    1 }; // 2^(i/4-1)
    if (!(load > 0) || !isfinite(load)) {
        return false;
    }
    int exponent;
    const double mantissa = frexp(load, &exponent);
    int quarter = 0;
    while (mantissa >= edges[quarter + 1]) {
        quarter++;
    }
    *key = 4 * exponent + quarter;
    *within = (mantissa - edges[quarter]) / (edges[quarter + 1] - edges[quarter]);
    return true;
}

static bool is_known(const struct tend_load_bin *bin)
{
    return count_of(bin) >= KNOWN;
}

static bool is_trusted(const struct tend_load_bin *bin)
{
    return count_of(bin) >= TRUSTED && visits_of(bin) >= TRUSTED_VISITS;
}

// A load's place, counted in bins from the curve's first.
static double point_of(const struct tend_load_curve *curve, int bin)
{
    return bin + (double)curve->bins[bin].at;
}

enum { NO_BIN = -1 };

// The nearest good bin on one side of a place, from this one on, whose mean place is on that side too.
static int nearest(const struct tend_load_curve *curve, int from, double place, int step,
                   bool (*is_good)(const struct tend_load_bin *))
{
    for (int i = from; i != from + (GAP + 1) * step; i += step) {
        const bool is_there = i >= 0 && i < TEND_LOAD_CURVE_BINS && is_good(&curve->bins[i]);
        if (is_there && (step < 0 ? point_of(curve, i) <= place : point_of(curve, i) > place)) {
            return i;
        }
    }
    return NO_BIN;
}

// What lies at a place on the line through two bins; without the second one, or with too much between: of the first.
static double on_line(const struct tend_load_curve *curve, int one, int other, double place)
{
    const double level = (double)curve->bins[one].level;
    const double apart = other == NO_BIN ? 0 : point_of(curve, other) - point_of(curve, one);
    if (apart == 0 || fabs(apart) > GAP) {
        return level;
    }
    return level + (place - point_of(curve, one)) / apart * ((double)curve->bins[other].level - level);
}

// Beyond the outermost mean place, or at a gap, the line of the two last ones goes on.
static double level_beyond(const struct tend_load_curve *curve, int bin, double place, int step,
                           bool (*is_good)(const struct tend_load_bin *))
{
    const double ends = step < 0 ? bin : bin + 1;
    if ((place - ends) * step > BEYOND) {
        return (double)NAN;
    }
    return on_line(curve, bin, nearest(curve, bin - step, point_of(curve, bin), -step, is_good), place);
}

static double level_at(const struct tend_load_curve *curve, int index, double place,
                       bool (*is_good)(const struct tend_load_bin *))
{
    const int lower = nearest(curve, index, place, -1, is_good);
    const int upper = nearest(curve, index, place, +1, is_good);
    if (lower != NO_BIN && upper != NO_BIN && point_of(curve, upper) - point_of(curve, lower) <= GAP) {
        return on_line(curve, lower, upper, place);
    }
    const double from_below = lower == NO_BIN ? (double)NAN : level_beyond(curve, lower, place, +1, is_good);
    if (!isnan(from_below) || upper == NO_BIN) {
        return from_below;
    }
    return level_beyond(curve, upper, place, -1, is_good);
}

struct tend_load_expected tend_load_curve_at(const struct tend_load_curve *curve, double load)
{
    struct tend_load_expected expected = { .e = (double)NAN };
    int key;
    double within;
    if (curve->samples == 0 || !place(load, &key, &within)) {
        return expected;
    }
    const int index = key - curve->lowest;
    expected.e = level_at(curve, index, index + within, is_trusted);
    expected.trusted = !isnan(expected.e);
    if (!expected.trusted) {
        expected.e = level_at(curve, index, index + within, is_known);
    }
    return expected;
}

// Moves what bins there are, so that one with this key is among them; those that are trusted stay.
// @return its number, or -1
static int make_room(struct tend_load_curve *curve, int key)
{
    if (curve->samples == 0) {
        curve->lowest = key - TEND_LOAD_CURVE_BINS / 2;
    }
    const int index = key - curve->lowest;
    const int up = index >= TEND_LOAD_CURVE_BINS ? index - (TEND_LOAD_CURVE_BINS - 1) : index < 0 ? index : 0;
    if (up == 0) {
        return index;
    }
    struct tend_load_bin moved[TEND_LOAD_CURVE_BINS] = { 0 };
    for (int i = 0; i < TEND_LOAD_CURVE_BINS; i++) {
        const int to = i - up;
        if (to >= 0 && to < TEND_LOAD_CURVE_BINS) {
            moved[to] = curve->bins[i];
        } else if (is_trusted(&curve->bins[i])) {
            return -1;
        }
    }
    memcpy(curve->bins, moved, sizeof moved);
    curve->lowest += up;
    return key - curve->lowest;
}

// Counts the value, and the visit if it begins one.
static void count_in(struct tend_load_bin *bin, int64_t wall_s)
{
    const uint16_t hour = (uint16_t)(wall_s / HOUR_S);
    const int since = (int16_t)(uint16_t)(hour - bin->visit_hour);
    unsigned visits = visits_of(bin);
    if (visits == 0 || since >= VISIT_HOURS) {
        visits += visits < VISITS_MOST;
        bin->visit_hour = hour;
    } else if (since < 0) { // the clock was set back
        bin->visit_hour = hour;
    }
    bin->facts = facts(count_of(bin) + (count_of(bin) < FORGETS), visits);
}

// The median of the first values, so that one outlier among them is none.
static void begin_bin(struct tend_load_bin *bin, float value)
{
    float *const first[FIRST] = { &bin->level, &bin->spread, &bin->at };
    *first[count_of(bin)] = value;
    if (count_of(bin) + 1 < FIRST) {
        return;
    }
    const float a = bin->level;
    const float b = bin->spread;
    const float c = bin->at;
    const float median = fmaxf(fminf(a, b), fminf(fmaxf(a, b), c));
    const float below = median - fminf(a, fminf(b, c));
    const float above = fmaxf(a, fmaxf(b, c)) - median;
    bin->level = median;
    bin->spread = fminf(fmaxf(below, above), (float)CLIP * fminf(below, above));
    bin->at = 0.5F;
}

static void add(struct tend_load_bin *bin, double value, double within, double zero)
{
    const double gain = 1.0 / (count_of(bin) + 1.0);
    const double distance = value - (double)bin->level;
    const double unit = fmax((double)bin->spread, LEAST_SHARE * fabs((double)bin->level + zero));
    const double most = unit > 0 ? CLIP * unit : fabs(distance);
    bin->level += (float)(gain * fmax(-most, fmin(distance, most)));
    bin->spread += (float)(gain * (fmin(fabs(distance), most) - (double)bin->spread));
    bin->at += (float)(gain * (within - (double)bin->at));
}

void tend_load_curve_learn(struct tend_load_curve *curve, double load, int64_t wall_s, double value, double zero)
{
    int key;
    double within;
    if (!place(load, &key, &within) || !(fabs(value) <= LARGEST)) {
        return;
    }
    const int index = make_room(curve, key);
    if (index < 0) {
        return;
    }
    struct tend_load_bin *bin = &curve->bins[index];
    if (count_of(bin) < FIRST) {
        begin_bin(bin, (float)value);
    } else {
        add(bin, value, within, zero);
    }
    count_in(bin, wall_s);
    curve->samples += curve->samples < UINT32_MAX;
}

void tend_load_curve_stretch(struct tend_load_curve *curve, double times)
{
    for (int i = 0; i < TEND_LOAD_CURVE_BINS; i++) {
        struct tend_load_bin *bin = &curve->bins[i];
        float *const values[FIRST] = { &bin->level, &bin->spread, &bin->at };
        const int count = count_of(bin) < FIRST ? FIRST : 2; // of a bin that begins all three are values
        for (int j = 0; j < count; j++) {
            *values[j] = (float)fmax(-LARGEST, fmin((double)*values[j] * times, LARGEST));
        }
    }
}

double tend_load_curve_known(const struct tend_load_curve *curve)
{
    double known = 0;
    double met = 0;
    for (int i = 0; i < TEND_LOAD_CURVE_BINS; i++) {
        const struct tend_load_bin *bin = &curve->bins[i];
        met += count_of(bin);
        known += is_trusted(bin) ? count_of(bin) * fmin((double)visits_of(bin) / SURE_VISITS, 1) : 0;
    }
    return met > 0 ? known / met : 0;
}

static void put_float(struct tend_buffer *out, float number)
{
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    tend_buffer_put_u32(out, bits);
}

static float get_float(struct tend_reader *reader)
{
    const uint32_t bits = tend_reader_get_u32(reader);
    float number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

void tend_load_curve_save(const struct tend_load_curve *curve, struct tend_buffer *out)
{
    tend_buffer_put_u32(out, (uint32_t)(curve->lowest + 2 * KEY_MOST));
    tend_buffer_put_u32(out, curve->samples);
    for (int i = 0; i < TEND_LOAD_CURVE_BINS; i++) {
        const struct tend_load_bin *bin = &curve->bins[i];
        tend_buffer_put_u32(out, (uint32_t)bin->facts << 16 | bin->visit_hour);
        if (bin->facts > 0) {
            put_float(out, bin->level);
            put_float(out, bin->spread);
            put_float(out, bin->at);
        }
    }
}

static bool load_bin(struct tend_load_bin *bin, struct tend_reader *reader)
{
    const uint32_t both = tend_reader_get_u32(reader);
    bin->facts = (uint16_t)(both >> 16);
    bin->visit_hour = (uint16_t)both;
    if (bin->facts == 0) {
        return bin->visit_hour == 0;
    }
    bin->level = get_float(reader);
    bin->spread = get_float(reader);
    bin->at = get_float(reader);
    const bool begun = count_of(bin) < FIRST || (bin->spread >= 0 && bin->at >= 0 && bin->at <= 1);
    return begun && fabs((double)bin->level) <= LARGEST && fabs((double)bin->spread) <= 2 * LARGEST &&
           fabs((double)bin->at) <= LARGEST && count_of(bin) >= 1 && count_of(bin) <= FORGETS;
}

bool tend_load_curve_load(struct tend_load_curve *curve, struct tend_reader *reader)
{
    const uint32_t lowest = tend_reader_get_u32(reader);
    curve->samples = tend_reader_get_u32(reader);
    bool fits = lowest <= 4 * KEY_MOST;
    curve->lowest = fits ? (int32_t)lowest - 2 * KEY_MOST : 0;
    for (int i = 0; fits && i < TEND_LOAD_CURVE_BINS; i++) {
        fits = load_bin(&curve->bins[i], reader);
    }
    return fits && !reader->failed;
}
