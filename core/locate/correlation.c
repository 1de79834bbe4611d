// A step and a step of another metric at the same time are all that two columns of an incident need in order to be
// alike. So what is asked of a row is its rank, and what is told is the lag as well: which of both moved first.

#include "locate/correlation.h"

#include <math.h>

enum {
    LIVE_LEAST = 3,    // rows since the onset
    BEFORE_LEAST = 12, // rows before it
    HELD_ROWS = 2,     // a value stands for so long
};

static const double better_by = 0.02; // a longer lag has to say more

struct tend_correlation_grid tend_correlation_grid_of(int64_t onset_ms, int64_t newest_ms, int64_t every_ms)
{
    struct tend_correlation_grid grid = { .last_ms = newest_ms, .every_ms = every_ms };
    if (newest_ms < onset_ms) {
        return grid;
    }
    int64_t live = (newest_ms - onset_ms) / every_ms + 1;
    if (live < LIVE_LEAST) {
        return grid;
    }
    if (live > TEND_CORRELATION_ROWS / 2) { // what came long after tells nothing of how it began
        live = TEND_CORRELATION_ROWS / 2;
        grid.last_ms = onset_ms + (live - 1) * every_ms;
    }
    grid.rows = (size_t)(live + (live > BEFORE_LEAST ? live : BEFORE_LEAST));
    return grid;
}

static void fill(const struct tend_correlation_trace *trace, const struct tend_correlation_grid *grid, double *values)
{
    size_t next = 0; // the first row of the trace that is later
    for (size_t row = 0; row < grid->rows; row++) {
        const int64_t at_ms = grid->last_ms - (int64_t)(grid->rows - 1 - row) * grid->every_ms;
        while (next < trace->rows && trace->at_ms[next] <= at_ms) {
            next++;
        }
        const bool is_held = next > 0 && at_ms - trace->at_ms[next - 1] < HELD_ROWS * grid->every_ms;
        values[row] = is_held ? trace->values[next - 1] : (double)NAN;
    }
}

void tend_correlation_rank(const struct tend_correlation_trace *trace, const struct tend_correlation_grid *grid,
                           struct tend_correlation_ranks *ranks)
{
    double values[TEND_CORRELATION_ROWS];
    fill(trace, grid, values);
    ranks->known = 0;
    for (size_t row = 0; row < grid->rows; row++) {
        ranks->known += isnan(values[row]) ? 0 : 1;
    }
    // Rows are few, so counting who is below is as quick as sorting, and ties need no second look.
    const double mean = ((double)ranks->known - 1) / 2;
    for (size_t row = 0; row < grid->rows; row++) {
        size_t below = 0, alike = 0;
        for (size_t other = 0; other < grid->rows; other++) {
            below += values[other] < values[row] ? 1 : 0; // false for NaN
            alike += values[other] == values[row] ? 1 : 0;
        }
        ranks->ranks[row] = isnan(values[row]) ? (double)NAN : (double)below + ((double)alike - 1) / 2 - mean;
    }
}

// Of the rows of the first with those of the second that are `lag` rows later. NaN: one of both does not move there.
static double correlate(const double *first, const double *second, size_t rows, size_t *common)
{
    double sum_x = 0, sum_y = 0, sum_xx = 0, sum_yy = 0, sum_xy = 0, count = 0;
    for (size_t row = 0; row < rows; row++) {
        const double x = first[row], y = second[row];
        if (!isnan(x) && !isnan(y)) {
            count += 1;
            sum_x += x;
            sum_y += y;
            sum_xx += x * x;
            sum_yy += y * y;
            sum_xy += x * y;
        }
    }
    *common = (size_t)count;
    if (count < TEND_CORRELATION_LEAST) {
        return (double)NAN;
    }
    const double of_x = sum_xx - sum_x * sum_x / count, of_y = sum_yy - sum_y * sum_y / count;
    const double least = 1e-9 * count; // ranks are halves, so what is less is rounding
    return of_x > least && of_y > least ? (sum_xy - sum_x * sum_y / count) / sqrt(of_x * of_y) : (double)NAN;
}

struct tend_correlation tend_correlation_of(const struct tend_correlation_ranks *first,
                                            const struct tend_correlation_ranks *second,
                                            const struct tend_correlation_grid *grid)
{
    struct tend_correlation best = { .found = false };
    for (size_t step = 0; step <= (size_t)2 * TEND_CORRELATION_LAGS; step++) {
        const size_t lag = (step + 1) / 2; // 0, 1 ahead, 1 behind, 2 ahead …
        if (lag >= grid->rows) {
            break;
        }
        const bool is_ahead = step % 2 == 1;
        size_t common;
        const double value = correlate(first->ranks + (is_ahead ? 0 : lag), second->ranks + (is_ahead ? lag : 0),
                                       grid->rows - lag, &common);
        if (!isnan(value) && (!best.found || fabs(value) > fabs(best.value) + better_by)) {
            best = (struct tend_correlation){ .found = true,
                                              .value = fmax(-1, fmin(1, value)),
                                              .common = common,
                                              .lag_ms = (is_ahead ? 1 : -1) * (int64_t)lag * grid->every_ms };
        }
    }
    return best;
}
