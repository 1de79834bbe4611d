// A metric has left what it was once it is beyond half of the change, or beyond what noise does, whichever is less: a
// leak is seen long before it is half as large as in the end.

#include "locate/change.h"

#include <math.h>

static const double noise_units = 4; // of the column's own scale

// The value beyond which it had left.
static double border_of(const struct tend_evidence *evidence)
{
    const double change = evidence->after - evidence->before;
    const double step = fmin(fabs(change) / 2, noise_units * evidence->scale);
    return evidence->before + copysign(step, change);
}

// The first row from which on two of three are beyond. Looks back no further than the last third of health: a cause may
// come long before its symptom, but not before what health is judged by.
static size_t onset_row(const double *values, const struct tend_evidence_rows *rows, double border, bool rose)
{
    size_t onset = rows->rows, beyond = 0, seen = 0;
    for (size_t row = rows->rows; row > rows->healthy - rows->healthy / 3; row--) {
        const double value = values[row - 1];
        if (isnan(value)) {
            continue;
        }
        seen++;
        if (rose ? value > border : value < border) {
            beyond++;
            onset = 3 * beyond >= 2 * seen ? row - 1 : onset;
        }
    }
    return onset;
}

static double mean_of(const double *values, size_t begin, size_t end)
{
    double sum = 0;
    size_t count = 0;
    for (size_t row = begin; row < end; row++) {
        if (!isnan(values[row])) {
            sum += values[row];
            count++;
        }
    }
    return count == 0 ? (double)NAN : sum / (double)count;
}

// Thirds of the rows since the onset, as shares of the largest distance from before. A step is a ramp for as long as a
// window takes to fill, so nothing else is said before that.
static enum tend_change_shape shape_of(const double *values, const int64_t *at_ms, size_t onset, size_t end,
                                       double before, int64_t window_ms)
{
    if (end - onset < 6 || at_ms[end - 1] - at_ms[onset] < 2 * window_ms) {
        return TEND_CHANGE_STEP;
    }
    const size_t third = (end - onset) / 3;
    double most = 0;
    for (size_t row = onset; row < end; row++) {
        most = fmax(most, fabs(values[row] - before)); // fmax passes over NaN
    }
    const double first = fabs(mean_of(values, onset, onset + third) - before) / most;
    const double last = fabs(mean_of(values, end - third, end) - before) / most;
    if (last < 0.35 && last < first) {
        return TEND_CHANGE_SPIKE;
    }
    return first < 0.5 && last > 0.7 ? TEND_CHANGE_RAMP : TEND_CHANGE_STEP;
}

struct tend_change tend_change_of(const double *values, const int64_t *at_ms, const struct tend_evidence_rows *rows,
                                  const struct tend_evidence *evidence, int64_t window_ms)
{
    struct tend_change change = { .found = false };
    if (isnan(evidence->before) || isnan(evidence->after) || evidence->before == evidence->after) {
        return change;
    }
    const size_t onset = onset_row(values, rows, border_of(evidence), evidence->after > evidence->before);
    if (onset == rows->rows) {
        return change;
    }
    change.found = true;
    change.onset_ms = at_ms[onset];
    size_t last = onset; // row that has a value before it
    while (last > 0 && (last == onset || isnan(values[last]))) {
        last--;
    }
    change.within_ms = at_ms[onset] - at_ms[last];
    change.shape = shape_of(values, at_ms, onset, rows->rows, evidence->before, window_ms);
    return change;
}

const char *tend_change_shape_text(enum tend_change_shape shape)
{
    static const char *const texts[TEND_CHANGE_SHAPE_COUNT] = { "step", "ramp", "spike" };
    return texts[shape];
}
