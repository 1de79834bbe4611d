#pragma once
/// Trend: the robust line through a short, evenly spaced row of values, and how sure its slope is.
///
/// The slope is the median of the slopes between all pairs (Theil 1950; Sen 1968, "Estimates of the regression
/// coefficient based on Kendall's tau"), so that up to a quarter of the values may be wild. Its interval is Sen's, from
/// the variance of Kendall's S; where neighbouring residuals are alike, that variance is (1 + r) / (1 - r) times as
/// large, r being their lag-1 correlation (Bayley and Hammersley 1946), freed of its bias: a curve or a slow swing is
/// no line, and a row of values that follow each other tells less than its length.
///
/// Units: x counts the places of the row, so a slope is per place. The same values times a power of two give the same
/// answer times it, to the bit. Nothing allocates.

#include <stdbool.h>
#include <stddef.h>

enum { TEND_TREND_VALUES_MAX = 24, TEND_TREND_VALUES_MIN = 4 };

struct tend_trend {
    double slope;
    double least, most; ///< 99 % interval of the slope
    double level;       ///< of the line at the newest place
    double noise;       ///< usual size of a residual: the standard deviation if they are normal, from their median size
    size_t count;       ///< values it was made of
};

/// Lays the line. @param values  oldest first, NaN where there is none; @p count at most TEND_TREND_VALUES_MAX
/// @return false, and nothing is set: there are fewer than TEND_TREND_VALUES_MIN values
bool tend_trend_fit(const double *values, size_t count, struct tend_trend *out);
/// The slope alone; NaN where fit would return false.
double tend_trend_slope(const double *values, size_t count);
