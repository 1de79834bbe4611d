// All pairs: 276 slopes of 24 values, sorted. Rank methods with n log n exist; at this size they cost more.

#include "deviation/trend.h"

#include <math.h>
#include <stdlib.h>

enum { PAIRS_MAX = TEND_TREND_VALUES_MAX * (TEND_TREND_VALUES_MAX - 1) / 2 };

static const double NORMAL_99 = 2.5758293035489004; // two-sided quantile of the normal distribution
static const double MEDIAN_TO_DEVIATION = 1.4826;   // of normal residuals: 1 / the 75 % quantile
static const double CORRELATION_MAX = 0.95;

static int by_value(const void *left, const void *right)
{
    const double one = *(const double *)left;
    const double other = *(const double *)right;
    return (one > other) - (one < other);
}

static double median_of_sorted(const double *values, size_t count)
{
    return count % 2 == 1 ? values[count / 2] : 0.5 * values[count / 2 - 1] + 0.5 * values[count / 2];
}

// Slopes between all pairs of values that are there, sorted. @return how many
static size_t sort_slopes(const double *values, size_t count, double *slopes)
{
    size_t pairs = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count; j++) {
            const double slope = (values[j] - values[i]) / (double)(j - i);
            if (!isnan(slope)) {
                slopes[pairs++] = slope;
            }
        }
    }
    qsort(slopes, pairs, sizeof *slopes, by_value);
    return pairs;
}

static size_t count_values(const double *values, size_t count)
{
    size_t there = 0;
    for (size_t i = 0; i < count; i++) {
        there += isnan(values[i]) ? 0 : 1;
    }
    return there;
}

// Lag-1 correlation of the residuals, at least 0; residuals that are only rounding have none. A line takes a part of
// what follows itself with it: of n residuals of a line the correlation comes out lower by (2 + 4 r) / n on average
// (Marriott and Pope 1954, Kendall 1954, "Bias in the estimation of autocorrelations").
static double correlation(const double *residuals, size_t count, double level)
{
    double with_next = 0.0;
    double with_itself = 0.0;
    for (size_t i = 0; i < count; i++) {
        if (isnan(residuals[i])) {
            continue;
        }
        with_itself += residuals[i] * residuals[i];
        if (i + 1 < count && !isnan(residuals[i + 1])) {
            with_next += residuals[i] * residuals[i + 1];
        }
    }
    const double rounding = 0x1p-20 * fabs(level); // values come as floats
    if (with_itself <= (double)count * rounding * rounding) {
        return 0.0;
    }
    const double n = (double)count;
    const double r = n <= 4 ? 0 : (n * with_next / with_itself + 2) / (n - 4);
    return fmax(0, fmin(r, CORRELATION_MAX));
}

// The line's level and noise, from the residuals of a line of this slope through 0 at the newest place.
static double set_level(const double *values, size_t count, struct tend_trend *trend)
{
    double at_newest[TEND_TREND_VALUES_MAX];
    double sorted[TEND_TREND_VALUES_MAX];
    size_t there = 0;
    for (size_t i = 0; i < count; i++) {
        at_newest[i] = values[i] + trend->slope * (double)(count - 1 - i);
        if (!isnan(at_newest[i])) {
            sorted[there++] = at_newest[i];
        }
    }
    qsort(sorted, there, sizeof *sorted, by_value);
    trend->level = median_of_sorted(sorted, there);
    for (size_t i = 0; i < there; i++) {
        sorted[i] = fabs(sorted[i] - trend->level);
    }
    qsort(sorted, there, sizeof *sorted, by_value);
    trend->noise = MEDIAN_TO_DEVIATION * median_of_sorted(sorted, there);
    for (size_t i = 0; i < count; i++) {
        at_newest[i] -= trend->level;
    }
    return correlation(at_newest, count, trend->level);
}

bool tend_trend_fit(const double *values, size_t count, struct tend_trend *out)
{
    const size_t there = count_values(values, count);
    if (count > TEND_TREND_VALUES_MAX || there < TEND_TREND_VALUES_MIN) {
        return false;
    }
    double slopes[PAIRS_MAX];
    const size_t pairs = sort_slopes(values, count, slopes);
    struct tend_trend trend = { .slope = median_of_sorted(slopes, pairs), .count = there };
    const double r = set_level(values, count, &trend);
    const double n = (double)there;
    const double variance = n * (n - 1) * (2 * n + 5) / 18 * (1 + r) / (1 - r); // Kendall 1975, without ties
    const double half = NORMAL_99 * sqrt(variance) / 2;
    const double low = floor((double)pairs / 2 - half); // ranks of Sen's interval, from 0, rounded outwards
    const double high = ceil((double)pairs / 2 + half);
    trend.least = low < 0 ? -(double)INFINITY : slopes[(size_t)low];
    trend.most = high > (double)pairs - 1 ? (double)INFINITY : slopes[(size_t)high];
    *out = trend;
    return true;
}

double tend_trend_slope(const double *values, size_t count)
{
    if (count > TEND_TREND_VALUES_MAX || count_values(values, count) < TEND_TREND_VALUES_MIN) {
        return (double)NAN;
    }
    double slopes[PAIRS_MAX];
    const size_t pairs = sort_slopes(values, count, slopes);
    return median_of_sorted(slopes, pairs);
}
