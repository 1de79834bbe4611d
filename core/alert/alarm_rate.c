// With n alarms seen in a time T, and a stretch of length L to come:
//
//   rate      λ = (n + φ/2) / T     Jeffreys' prior of half an event, an event being a cluster of φ alarms: no alarm in
//                                   T is no promise of none
//   mean      μ = λ L
//   variance  v = φ μ (1 + L/T) + (τ μ)²
//
// φ is the dispersion (variance over mean) of the counts of blocks. φ μ is how much counts vary around a known rate,
// φ μ L/T what n alarms leave open of the rate itself: for φ = 1 these two are the predictive distribution of the
// Gamma-Poisson model, which is negative binomial (Gelman et al., Bayesian Data Analysis, 3rd ed., 2.6; Meeker, Hahn
// and Escobar, Statistical Intervals, 2nd ed., 7.6), and clusters enlarge both alike (quasi-Poisson: McCullagh and
// Nelder, Generalized Linear Models, 2nd ed., 6.2).
//   φ = max(1, (w φ₀ + Σ (cᵢ − c̄)²/c̄) / (w + B − 1)): Pearson's statistic over B blocks, drawn towards what is usual by
//   a prior of the weight of w blocks, as B is often small.
// τ is drift: the coefficient of variation of the rate from one stretch to the next, which no amount of past takes
// away.
//   τ² = (τ₀² + ι τ̂²) / (1 + ι): of Q quarters of the past with the mean count m and the variance s², τ̂² = (s² − φ
//   m)/m² (method of moments; what φ does not explain), which tells the more, the less of s² is φ's: ι = (Q − 1) m/(m +
//   φ/τ₀²).
//
// φ₀, w and τ₀ were set by hand on histories of the kind that tests/bench/tune_splits.py plays. How many of the ranges
// held what came moved by two of a hundred over all that was tried: φ₀ from 1.2 to 3, w from 2 to 4, τ₀ from 0.35 to
// 0.8. There, ranges of rules as they are held 91 % (Poisson ranges: 68 %), those of suggestions 87 %: what was chosen
// for its few alarms had some luck with them.

#include "alert/alarm_rate.h"

#include <math.h>

static const double USUAL_DISPERSION = 1.5; // φ₀
static const double PRIOR_WEIGHT = 4;       // w, in blocks
static const double USUAL_DRIFT = 0.5;      // τ₀
static const double COVERAGE = 0.9;
enum { QUARTERS = 4 };
static const double FEW = 200; // up to this mean the distribution is summed, beyond it approximated

static double total_of(const struct tend_alarm_counts *seen)
{
    double total = 0;
    for (size_t i = 0; i < seen->blocks; i++) {
        total += seen->counts[i];
    }
    return total;
}

double tend_alarm_dispersion(const struct tend_alarm_counts *seen)
{
    const double mean = total_of(seen) / (double)seen->blocks;
    double pearson = 0;
    for (size_t i = 0; i < seen->blocks && mean > 0; i++) {
        pearson += (seen->counts[i] - mean) * (seen->counts[i] - mean) / mean;
    }
    const double freedom = mean > 0 ? (double)seen->blocks - 1 : 0; // no alarms tell nothing of how they cluster
    const double dispersion = (PRIOR_WEIGHT * USUAL_DISPERSION + pearson) / (PRIOR_WEIGHT + freedom);
    return dispersion > 1 ? dispersion : 1;
}

// τ², from how much quarters of the past differ.
static double drift_squared(const struct tend_alarm_counts *seen, double dispersion)
{
    const double usual = USUAL_DRIFT * USUAL_DRIFT;
    const double mean = total_of(seen) / QUARTERS;
    if (seen->blocks < QUARTERS || mean == 0) {
        return usual;
    }
    double squares = 0;
    for (size_t q = 0; q < QUARTERS; q++) {
        double sum = 0;
        for (size_t i = q * seen->blocks / QUARTERS; i < (q + 1) * seen->blocks / QUARTERS; i++) {
            sum += seen->counts[i];
        }
        squares += (sum - mean) * (sum - mean);
    }
    const double beyond = fmax(0, (squares / (QUARTERS - 1) - dispersion * mean) / (mean * mean));
    const double weight = (QUARTERS - 1) * mean / (mean + dispersion / usual);
    return (usual + weight * beyond) / (1 + weight);
}

// ---- the negative binomial distribution ----

struct distribution {
    double shape, mean;
    double log_ratio; // of neighbours' probabilities, for large counts: log(mean / (shape + mean))
};

static struct distribution distribution_of(const struct tend_alarm_forecast *forecast)
{
    const double shape = forecast->mean * forecast->mean / (forecast->variance - forecast->mean);
    return (struct distribution){ .shape = shape, .mean = forecast->mean, .log_ratio = -log1p(shape / forecast->mean) };
}

static double probability(const struct distribution *of, uint32_t count)
{
    const double k = count;
    int sign; // all are above 0
    return exp(lgamma_r(k + of->shape, &sign) - lgamma_r(of->shape, &sign) - lgamma_r(k + 1, &sign) +
               k * of->log_ratio - of->shape * log1p(of->mean / of->shape));
}

// The gamma distribution of the same mean and shape, by the cube root that makes it nearly normal (Wilson and Hilferty,
// Proc. Nat. Acad. Sci. 17, 1931).
static double large_quantile(const struct distribution *of, double deviations)
{
    const double root = 1 - 1 / (9 * of->shape) + deviations / (3 * sqrt(of->shape));
    return root > 0 ? of->mean * root * root * root : 0;
}

// The probability of at most `count`, for large means.
static double large_cumulated(const struct distribution *of, double count)
{
    const double root = cbrt((count + 0.5) / of->mean);
    const double deviations = (root - 1 + 1 / (9 * of->shape)) * 3 * sqrt(of->shape);
    return 0.5 * erfc(-deviations / sqrt(2.0));
}

// The shortest range: it grows from the most probable count towards the more probable side.
static void find_range(const struct distribution *of, uint32_t *low, uint32_t *high)
{
    uint32_t mode = 0;
    if (of->shape > 1) {
        mode = (uint32_t)floor(of->mean * (of->shape - 1) / of->shape);
    }
    *low = *high = mode;
    double within = probability(of, mode);
    double below = mode == 0 ? 0 : probability(of, mode - 1);
    double above = probability(of, mode + 1);
    while (within < COVERAGE) {
        if (*low > 0 && below >= above) {
            within += below;
            --*low;
            below = *low == 0 ? 0 : probability(of, *low - 1);
        } else {
            within += above;
            ++*high;
            above = probability(of, *high + 1);
        }
    }
}

struct tend_alarm_forecast tend_alarm_forecast(const struct tend_alarm_counts *seen, double stretch_s)
{
    const double dispersion = tend_alarm_dispersion(seen);
    const double seen_s = (double)seen->blocks * seen->block_s;
    const double mean = (total_of(seen) + dispersion / 2) * stretch_s / seen_s;
    struct tend_alarm_forecast forecast = {
        .mean = mean,
        .variance = dispersion * mean * (1 + stretch_s / seen_s) + drift_squared(seen, dispersion) * mean * mean,
    };
    const struct distribution of = distribution_of(&forecast);
    if (mean <= FEW) {
        find_range(&of, &forecast.low, &forecast.high);
    } else {
        forecast.low = (uint32_t)fmin(large_quantile(&of, -1.6448536), 4e9);
        forecast.high = (uint32_t)fmin(large_quantile(&of, 1.6448536), 4e9);
    }
    return forecast;
}

double tend_alarm_exceeds(const struct tend_alarm_forecast *forecast, double count)
{
    const struct distribution of = distribution_of(forecast);
    if (forecast->mean > FEW) {
        return 1 - large_cumulated(&of, floor(count));
    }
    double within = 0;
    double next = probability(&of, 0);
    for (uint32_t k = 0; k <= count; k++) {
        within += next;
        next *= (k + of.shape) / (k + 1.0) * exp(of.log_ratio);
    }
    return within < 1 ? 1 - within : 0;
}
