// What carries it: the level that half of the live rows sustain (neither the mean nor one spike), against the long past
// and the last rows before the onset, whichever is nearer, in units of the column's own noise with floors, divided by
// what the very same statistic reaches in stretches of health. The last division is what makes columns comparable that
// are noisy, bursty, counted in bytes or nearly constant.

#include "locate/evidence.h"

#include <math.h>
#include <stdlib.h>

enum { STRETCHES_MAX = 60 };

static const double normal_mad = 1.4826;    // a normal distribution's standard deviation in median absolute deviations
static const double usual_units = 2.5;      // what noise may always reach
static const double reached_quantile = 0.9; // of stretches of health
static const double least_quantile = 0.02;  // of health
static const double inside_points = 0.2;    // at the edge of what health shows

enum tend_status tend_evidence_scratch_init(struct tend_evidence_scratch *scratch, size_t rows)
{
    *scratch = (struct tend_evidence_scratch){ .capacity = rows };
    scratch->sorted = calloc(rows + 1, sizeof *scratch->sorted);
    scratch->spread = calloc(rows + 1, sizeof *scratch->spread);
    scratch->reached = calloc((size_t)2 * (STRETCHES_MAX + 2), sizeof *scratch->reached);
    if (scratch->sorted == NULL || scratch->spread == NULL || scratch->reached == NULL) {
        tend_evidence_scratch_clear(scratch);
        return TEND_E_NOMEM;
    }
    return TEND_OK;
}

void tend_evidence_scratch_clear(struct tend_evidence_scratch *scratch)
{
    free(scratch->sorted);
    free(scratch->spread);
    free(scratch->reached);
    *scratch = (struct tend_evidence_scratch){ 0 };
}

static void insert_all(double *values, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const double value = values[i];
        size_t at = i;
        for (; at > 0 && values[at - 1] > value; at--) {
            values[at] = values[at - 1];
        }
        values[at] = value;
    }
}

// Parts values about the middle of three of them. @return how many come first; none of them is above any of the others
static size_t part(double *values, size_t count)
{
    const double a = values[0], b = values[count / 2], c = values[count - 1];
    const double pivot = fmax(fmin(a, b), fmin(fmax(a, b), c));
    size_t low = 0, high = count - 1;
    for (;;) {
        while (values[low] < pivot) {
            low++;
        }
        while (values[high] > pivot) {
            high--;
        }
        if (low >= high) {
            return high + 1;
        }
        const double held = values[low];
        values[low++] = values[high];
        values[high--] = held;
    }
}

// Sorts finite numbers. qsort calls a function for each comparison, which was a third of a case's time. The longer part
// waits, so as many wait at most as the count can be halved.
static void sort(double *values, size_t count)
{
    enum { FEW = 24, WAITING_MAX = 64 };
    struct {
        double *values;
        size_t count;
    } waiting[WAITING_MAX];
    size_t waits = 0;
    for (;;) {
        while (count > FEW) {
            const size_t first = part(values, count);
            const bool is_first_shorter = first < count - first;
            waiting[waits].values = is_first_shorter ? values + first : values;
            waiting[waits++].count = is_first_shorter ? count - first : first;
            values = is_first_shorter ? values : values + first;
            count = is_first_shorter ? first : count - first;
        }
        insert_all(values, count);
        if (waits == 0) {
            return;
        }
        values = waiting[--waits].values;
        count = waiting[waits].count;
    }
}

// The finite ones of values, sorted.
static size_t sort_finite(const double *values, size_t count, double *sorted)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (isfinite(values[i])) {
            sorted[found++] = values[i];
        }
    }
    sort(sorted, found);
    return found;
}

static double median_of_sorted(const double *sorted, size_t count)
{
    return count == 0 ? (double)NAN : (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

double tend_evidence_median(const double *values, size_t count, double *sorted)
{
    return median_of_sorted(sorted, sort_finite(values, count, sorted));
}

static double quantile_of_sorted(const double *sorted, size_t count, double share)
{
    const double at = share * (double)(count - 1);
    const size_t low = (size_t)at;
    const double part = at - (double)low;
    return low + 1 < count ? sorted[low] * (1 - part) + sorted[low + 1] * part : sorted[count - 1];
}

// The spread of a sorted sample about its median. The median deviation is 0 when more than half of a column is
// constant; what its tails show then counts too, less.
static double spread_of(const double *sorted, size_t count, double median, double *work)
{
    for (size_t i = 0; i < count; i++) {
        work[i] = fabs(sorted[i] - median);
    }
    sort(work, count);
    const double middle = normal_mad * median_of_sorted(work, count);
    const double tail = quantile_of_sorted(work, count, 0.9) / 1.645 / 2; // half of what a normal column has there
    return middle > tail ? middle : tail;
}

struct level {
    double high; // at least half of the values reach it
    double low;  // at least half are at or below it
    size_t count;
};

static struct level level_of(const double *values, size_t count, double *sorted)
{
    const size_t found = sort_finite(values, count, sorted);
    if (found == 0) {
        return (struct level){ (double)NAN, (double)NAN, 0 };
    }
    const size_t k = (found + 1) / 2; // the k-th largest
    return (struct level){ sorted[found - k], sorted[k - 1], found };
}

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

struct change {
    double up, down;
};

// Of a stretch against both pasts. A past that is NaN says nothing.
static struct change change_of(struct level level, double long_median, double recent_median, double scale)
{
    const double top = isnan(recent_median) ? long_median : larger(long_median, recent_median);
    const double bottom = isnan(recent_median) ? long_median : smaller(long_median, recent_median);
    return (struct change){ larger(0, (level.high - top) / scale), larger(0, (bottom - level.low) / scale) };
}

// What the statistic reaches in health, upwards and downwards.
static struct change reached_in_health(const double *values, const struct tend_evidence_rows *rows, double median,
                                       double scale, struct tend_evidence_scratch *scratch)
{
    // A past that is short is compared in shorter stretches: they reach more, so this errs on the side of silence.
    const size_t third = rows->healthy / 3;
    const size_t length = rows->rows - rows->live < third ? rows->rows - rows->live : third;
    const size_t gap = rows->live - rows->healthy;
    const size_t first = rows->recent + gap;
    if (length == 0 || first + length > rows->healthy) {
        return (struct change){ 0, 0 };
    }
    const size_t starts = rows->healthy - length - first + 1;
    const size_t stride = (starts + STRETCHES_MAX - 1) / STRETCHES_MAX;
    double *ups = scratch->reached, *downs = scratch->reached + STRETCHES_MAX + 2;
    size_t count = 0;
    for (size_t start = first; start < first + starts; start += stride) {
        const struct level level = level_of(values + start, length, scratch->sorted);
        if (level.count > 0) {
            const double recent =
                tend_evidence_median(values + start - gap - rows->recent, rows->recent, scratch->sorted);
            const struct change change = change_of(level, median, recent, scale);
            ups[count] = change.up;
            downs[count++] = change.down;
        }
    }
    if (count == 0) {
        return (struct change){ 0, 0 };
    }
    sort(ups, count);
    sort(downs, count);
    return (struct change){ quantile_of_sorted(ups, count, reached_quantile),
                            quantile_of_sorted(downs, count, reached_quantile) };
}

static double points_of(double units, double reached)
{
    const double ratio = units / larger(usual_units, reached);
    return ratio <= 1 ? inside_points * ratio * ratio : inside_points + log(ratio);
}

// The first live row from which on most rows are beyond half of the change.
static size_t onset_of(const double *values, const struct tend_evidence_rows *rows, double before, double after)
{
    const double border = (before + after) / 2;
    size_t onset = rows->rows, beyond = 0, seen = 0;
    for (size_t row = rows->rows; row > rows->live; row--) {
        const double value = values[row - 1];
        if (isnan(value)) {
            continue;
        }
        seen++;
        const bool is_beyond = after > before ? value > border : value < border;
        beyond += is_beyond ? 1 : 0;
        if (is_beyond && 3 * beyond >= 2 * seen) {
            onset = row - 1;
        }
    }
    return onset;
}

struct tend_evidence_past tend_evidence_past_of(const double *values, const struct tend_evidence_rows *rows,
                                                const struct tend_evidence_floor *floor,
                                                struct tend_evidence_scratch *scratch)
{
    const size_t known = sort_finite(values, rows->healthy, scratch->sorted);
    struct tend_evidence_past past = { .median = median_of_sorted(scratch->sorted, known), .scale = (double)NAN };
    past.least = known == 0 ? (double)NAN : quantile_of_sorted(scratch->sorted, known, least_quantile);
    past.coverage = rows->healthy == 0 ? 0 : (double)known / (double)rows->healthy;
    if (known == 0 || rows->live >= rows->rows) {
        return past;
    }
    const double spread = spread_of(scratch->sorted, known, past.median, scratch->spread);
    const double least = larger(floor->absolute, floor->share * fabs(past.median));
    past.scale = larger(larger(spread, least), 1e-12);
    const struct change reached = reached_in_health(values, rows, past.median, past.scale, scratch);
    past.up = reached.up;
    past.down = reached.down;
    return past;
}

struct tend_evidence tend_evidence_since(const double *values, const struct tend_evidence_rows *rows,
                                         const struct tend_evidence_past *past, struct tend_evidence_scratch *scratch)
{
    const size_t length = rows->rows - rows->live;
    const struct level level = level_of(values + rows->live, length, scratch->sorted);
    struct tend_evidence evidence = {
        .before = past->median,
        .after = level.high,
        .scale = past->scale,
        .coverage = past->coverage,
        .left = 1,
        .live_share = length == 0 ? 0 : (double)level.count / (double)length,
        .onset = rows->rows,
    };
    if (isnan(past->scale) || level.count == 0) {
        return evidence;
    }
    const double recent = tend_evidence_median(values + rows->healthy - rows->recent, rows->recent, scratch->sorted);
    const struct change change = change_of(level, past->median, recent, past->scale);
    evidence.up_points = points_of(change.up, past->up);
    evidence.down_points = points_of(change.down, past->down);
    evidence.left = past->least > 0 ? larger(0, smaller(1, level.low / past->least)) : 1;
    const bool rose = evidence.up_points >= evidence.down_points;
    evidence.after = rose ? level.high : level.low;
    if (!isnan(recent)) {
        evidence.before = rose ? larger(past->median, recent) : smaller(past->median, recent);
    }
    evidence.onset = onset_of(values, rows, evidence.before, evidence.after);
    return evidence;
}

struct tend_evidence tend_evidence_of(const double *values, const struct tend_evidence_rows *rows,
                                      const struct tend_evidence_floor *floor, struct tend_evidence_scratch *scratch)
{
    const struct tend_evidence_past past = tend_evidence_past_of(values, rows, floor, scratch);
    return tend_evidence_since(values, rows, &past, scratch);
}
