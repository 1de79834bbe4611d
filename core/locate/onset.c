// A column votes for a row with how much its next few rows differ from the few before, in units of its own spread and
// capped: many columns that change a little are more than one that explodes.

#include "locate/onset.h"

#include "locate/evidence.h"

#include <math.h>
#include <stdlib.h>

enum { AFTER_ROWS = 4, BEFORE_ROWS = 4 };

static const double vote_most = 3; // of one column, a log

static double vote(const double *values, size_t row, size_t rows, double scale, double *work)
{
    const size_t before = row < BEFORE_ROWS ? row : BEFORE_ROWS;
    const size_t after = rows - row < AFTER_ROWS ? rows - row : AFTER_ROWS;
    const double was = tend_evidence_median(values + row - before, before, work);
    const double is = tend_evidence_median(values + row, after, work);
    if (isnan(was) || isnan(is)) {
        return 0;
    }
    const double units = fabs(is - was) / scale;
    return units < 3 ? 0 : fmin(log(units / 3), vote_most);
}

enum tend_status tend_onset_find(const struct tend_metric_frame *frame, double near_s, double around_s, double *onset_s)
{
    double *votes = calloc(frame->rows + 1, sizeof *votes);
    double *work = calloc(frame->rows + 1, sizeof *work);
    double *spread = calloc(frame->rows + 1, sizeof *spread);
    if (votes == NULL || work == NULL || spread == NULL) {
        free(votes);
        free(work);
        free(spread);
        return TEND_E_NOMEM;
    }
    size_t first = frame->rows / 3, last = frame->rows;
    for (size_t row = first; !isnan(near_s) && row < frame->rows; row++) {
        first = frame->at_s[row] < near_s - around_s ? row + 1 : first;
        last = frame->at_s[row] > near_s + around_s && row < last ? row : last;
    }
    first = first < 1 ? 1 : first;
    for (size_t i = 0; i < frame->column_count; i++) {
        const double *values = frame->columns[i].values;
        const double median = tend_evidence_median(values, frame->rows, work);
        for (size_t row = 0; row < frame->rows; row++) {
            spread[row] = fabs(values[row] - median);
        }
        const double scale =
            fmax(1.4826 * tend_evidence_median(spread, frame->rows, work), fmax(0.05 * fabs(median), 1e-9));
        for (size_t row = first; row < last; row++) {
            votes[row] += vote(values, row, frame->rows, scale, work);
        }
    }
    size_t best = last;
    for (size_t row = first; row < last; row++) {
        best = best == last || votes[row] > votes[best] ? row : best;
    }
    *onset_s = best < last ? frame->at_s[best] - frame->step_s / 2 : near_s;
    free(votes);
    free(work);
    free(spread);
    return TEND_OK;
}
