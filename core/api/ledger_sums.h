#pragma once
/// Ledger sums: how sure a share of a few is, and the middle of a few values.

#include <stddef.h>

/// A share of a whole: `low` to `high` holds the true one with the stated confidence. All NaN: of nothing.
struct tend_share {
    double share, low, high;
};

/// Share of @p hits in @p count with its 90 % interval by Wilson's score (E. B. Wilson, "Probable inference, the law of
/// succession, and statistical inference", JASA 22, 1927; recommended for few trials by Brown, Cai and DasGupta,
/// "Interval estimation for a binomial proportion", Statistical Science 16, 2001).
struct tend_share tend_share_of(size_t hits, size_t count);

/// Values as they come: seconds, say. Zero is empty. Who fills it clears it.
struct tend_spread {
    double *values;
    size_t count, capacity;
};

/// Adds a value; NaN and what is below 0 (a clock was set back) is left out. Out of memory leaves it out, too.
void tend_spread_add(struct tend_spread *spread, double value);
void tend_spread_clear(struct tend_spread *spread);
/// The middle one, or the mean of the two in the middle; NaN: there is none. Sorts the values.
double tend_spread_median(struct tend_spread *spread);
double tend_spread_largest(const struct tend_spread *spread); ///< NaN: there is none
