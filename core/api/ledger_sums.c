// Why Wilson's interval and not p ± z·√(p(1−p)/n): a rule has two or five marked alarms, often all of one kind, and
// there the plain one has no width at all.

#include "api/ledger_sums.h"

#include <math.h>
#include <stdlib.h>

static const double z_90 = 1.6448536269514722; // 5 % lie beyond it on each side of a normal distribution

struct tend_share tend_share_of(size_t hits, size_t count)
{
    if (count == 0) {
        return (struct tend_share){ .share = (double)NAN, .low = (double)NAN, .high = (double)NAN };
    }
    const double n = (double)count;
    const double share = (double)hits / n;
    const double z2 = z_90 * z_90;
    const double middle = (share + z2 / (2 * n)) / (1 + z2 / n);
    const double half = z_90 / (1 + z2 / n) * sqrt(share * (1 - share) / n + z2 / (4 * n * n));
    return (struct tend_share){ .share = share,
                                .low = hits == 0 ? 0 : fmax(middle - half, 0),
                                .high = hits == count ? 1 : fmin(middle + half, 1) };
}

void tend_spread_add(struct tend_spread *spread, double value)
{
    if (!(value >= 0)) {
        return;
    }
    if (spread->count == spread->capacity) {
        const size_t capacity = spread->capacity == 0 ? 16 : spread->capacity * 2;
        double *values = reallocarray(spread->values, capacity, sizeof *values);
        if (values == NULL) {
            return;
        }
        spread->values = values;
        spread->capacity = capacity;
    }
    spread->values[spread->count++] = value;
}

void tend_spread_clear(struct tend_spread *spread)
{
    free(spread->values);
    *spread = (struct tend_spread){ .values = NULL };
}

static int by_size(const void *left, const void *right)
{
    const double one = *(const double *)left;
    const double other = *(const double *)right;
    return (one > other) - (one < other);
}

double tend_spread_median(struct tend_spread *spread)
{
    if (spread->count == 0) {
        return (double)NAN;
    }
    qsort(spread->values, spread->count, sizeof *spread->values, by_size);
    const size_t half = spread->count / 2;
    return spread->count % 2 == 1 ? spread->values[half] : (spread->values[half - 1] + spread->values[half]) / 2;
}

double tend_spread_largest(const struct tend_spread *spread)
{
    double largest = (double)NAN;
    for (size_t i = 0; i < spread->count; i++) {
        largest = fmax(largest, spread->values[i]);
    }
    return largest;
}
