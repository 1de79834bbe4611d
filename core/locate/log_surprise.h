#pragma once
/// Log surprise: how unlikely it is that a log template came as often as it did, given how often it came before.
///
/// A template that came n times in d seconds is expected (n + 1/2) · d' / d times in the next d', times what the whole
/// service's logging grew by; the true rate is not known well, so the count is taken as negative binomial with shape
/// n + 1/2 (a Poisson count whose rate has the gamma distribution that n events leave, with Jeffreys' prior).

#include <stdbool.h>
#include <stddef.h>

/// Two spans of time, before and after, and the lines of the whole service in each.
struct tend_log_spans {
    double before_s, after_s; ///< both above 0
    double before, after;     ///< lines
};

/// What is expected of a template in the span after.
struct tend_log_expectation {
    double mean;
    double shape;
};

/// @param before  its lines in the span before
struct tend_log_expectation tend_log_expect(double before, const struct tend_log_spans *spans);

/// −ln of the probability of at least @p count lines (or at most, when @p at_least is false); at most 27.6 (1e-12).
double tend_log_surprise(size_t count, const struct tend_log_expectation *expected, bool at_least);

/// A lower bound of the same, at any count in the same time: Chernoff's, count·ln(count/mean) −
/// (count + shape)·ln((count + shape)/(mean + shape)); 0 on the other side of the mean.
double tend_log_surprise_bound(double count, const struct tend_log_expectation *expected, bool at_least);
