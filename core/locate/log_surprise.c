#include "locate/log_surprise.h"

#include <math.h>

struct tend_log_expectation tend_log_expect(double before, const struct tend_log_spans *spans)
{
    const double ratio = spans->after_s / spans->before_s;
    const double grown = fmin(fmax((spans->after + 5) / (spans->before * ratio + 5), 0.5), 2);
    const double shape = before + 0.5;
    return (struct tend_log_expectation){ .mean = shape * ratio * grown, .shape = shape };
}

double tend_log_surprise(size_t count, const struct tend_log_expectation *expected, bool at_least)
{
    const double mean = expected->mean;
    const double shape = expected->shape;
    const double success = shape / (shape + mean);
    double log_mass = shape * log(success), below = 0, mass = 0;
    const size_t last = count < 5000 ? count : 5000;
    for (size_t i = 0; i <= last; i++) {
        mass = exp(log_mass);
        if (i < count) {
            below += mass;
        }
        log_mass += log(((double)i + shape) / ((double)i + 1)) + log1p(-success);
    }
    const double tail = at_least ? 1 - below : below + mass;
    return -log(fmax(tail, 1e-12));
}

double tend_log_surprise_bound(double count, const struct tend_log_expectation *expected, bool at_least)
{
    const double mean = expected->mean;
    const double shape = expected->shape;
    if (at_least ? count <= mean : count >= mean) {
        return 0;
    }
    const double own = count > 0 ? count * log(count / mean) : 0;
    return fmax(0, own - (count + shape) * log((count + shape) / (mean + shape)));
}
