// A column votes for a row with how far its next few rows are above the few before, compared with what it does anyway
// (a high quantile of the same over all rows), as a log and capped: many columns that change a little are more than one
// that explodes. Only changes for the worse vote, else a recovery would look like an onset.

#include "locate/onset.h"

#include "locate/evidence.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW_ROWS = 12, SAMPLES_MAX = 120 };

static const double window_s = 60;     // of what is compared, at least two rows and at most WINDOW_ROWS
static const double usual_share = 0.9; // of rows: what a column does anyway
static const double vote_most = 2.5;
static const double symptom_votes = 3;
// Who asks what went wrong asks soon: up to so long ago a row counts in full, and much less before that.
static const double soon_s = 700, soon_rows = 8;
// But who exports half a day does not. A moment for which so many times the votes are cast, whenever it was, is another
// that it may have been, if it is not about the same.
static const double far_more = 3;
static const double apart_s = 180, apart_rows = 2.5;

struct ballot {
    size_t window, first, last;
    double *votes;
    double *usual;
    double *steps; // of the column that votes, by row
    size_t samples;
};

// The lower of the two later quartiles against the middle of what was: a step that stays.
static double step_at(const double *values, size_t row, size_t window, size_t rows)
{
    double work[WINDOW_ROWS];
    const size_t before = row < window ? row : window;
    const size_t after = rows - row < window ? rows - row : window;
    return tend_evidence_median(values + row, after, work) - tend_evidence_median(values + row - before, before, work);
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double weight_of(const struct tend_study_column *column, const char *symptom)
{
    if (column->from->owner[0] == '_' || (symptom != NULL && strcmp(column->from->owner, symptom) == 0)) {
        return symptom_votes;
    }
    switch (column->class.kind) {
    case TEND_COLUMN_RESOURCE:
    case TEND_COLUMN_WAITING:
    case TEND_COLUMN_ERROR:
    case TEND_COLUMN_LATENCY:
        return 1;
    case TEND_COLUMN_NETWORK:
    case TEND_COLUMN_CLIENT_LATENCY:
    case TEND_COLUMN_CALLS:
    case TEND_COLUMN_MACHINE:
    case TEND_COLUMN_OTHER:
    case TEND_COLUMN_KIND_COUNT:
        break;
    }
    return 0;
}

// What the column does anyway between two rows; 0: not enough is known of it.
static double usual_step(const struct tend_study_column *column, const double *steps, size_t rows, double *work)
{
    const size_t stride = (rows + SAMPLES_MAX - 1) / SAMPLES_MAX;
    size_t count = 0;
    double level = 0;
    for (size_t row = 1; row < rows; row += stride) {
        if (!isnan(steps[row])) {
            work[count++] = fabs(steps[row]);
            level = fmax(level, fabs(column->from->values[row])); // fmax passes over NaN
        }
    }
    if (count < 8) {
        return 0;
    }
    qsort(work, count, sizeof *work, compare);
    const double least = column->class.kind == TEND_COLUMN_ERROR ? 0.003 : 0.03 * level;
    return fmax(work[(size_t)(usual_share * (double)(count - 1))], fmax(least, 1e-9));
}

// The largest step within a window of the row: a step shows at the rows beside it too, but less.
static double largest_near(const double *steps, size_t row, size_t window, size_t rows)
{
    double largest = 0;
    for (size_t i = row > window ? row - window : 1; i < rows && i <= row + window; i++) {
        largest = fmax(largest, steps[i]);
    }
    return largest;
}

static void vote(const struct tend_study *study, const struct tend_study_column *column, struct ballot *ballot,
                 double weight)
{
    const size_t rows = study->frame->rows;
    for (size_t row = 1; row < rows; row++) {
        ballot->steps[row] = step_at(column->from->values, row, ballot->window, rows);
    }
    const double usual = usual_step(column, ballot->steps, rows, ballot->usual);
    for (size_t row = ballot->first; usual > 0 && row < ballot->last; row++) {
        const double ratio = ballot->steps[row] / usual;
        if (ratio > 1) {
            const double sharpness = ballot->steps[row] / largest_near(ballot->steps, row, ballot->window, rows);
            ballot->votes[row] += weight * (0.7 + 0.3 * sharpness) * fmin(log(ratio), vote_most);
        }
    }
}

static void limit(const struct tend_study *study, const struct tend_onset_search *search, struct ballot *ballot)
{
    const struct tend_metric_frame *frame = study->frame;
    const double rows = window_s / fmax(frame->step_s, 1e-3);
    ballot->window = rows < 2 ? 2 : rows > WINDOW_ROWS ? WINDOW_ROWS : (size_t)rows;
    ballot->first = isnan(search->near_s) ? 4 : 1;
    ballot->last = frame->rows < ballot->window ? 0 : frame->rows - ballot->window + 1; // all of the window behind it
    for (size_t row = ballot->first; !isnan(search->near_s) && row < frame->rows; row++) {
        // an onset half a step before the row
        const double at_s = frame->at_s[row] - frame->step_s / 2;
        ballot->first = at_s < search->near_s - search->around_s ? row + 1 : ballot->first;
        ballot->last = at_s > search->near_s + search->around_s && row < ballot->last ? row : ballot->last;
    }
}

static double time_of(const struct tend_metric_frame *frame, size_t row)
{
    return frame->at_s[row] - frame->step_s / 2;
}

static bool is_near_one(const struct tend_metric_frame *frame, const struct tend_onsets *onsets, double at_s)
{
    const double apart = fmax(apart_s, apart_rows * frame->step_s);
    bool is_near = false;
    for (size_t i = 0; i < onsets->count; i++) {
        is_near = is_near || fabs(at_s - onsets->at_s[i]) < apart;
    }
    return is_near;
}

// @return the votes for it
static double add_likeliest(const struct tend_study *study, const struct tend_onset_search *search,
                            const struct ballot *ballot, struct tend_onsets *onsets)
{
    const struct tend_metric_frame *frame = study->frame;
    double most = 0, cast = 0;
    onsets->at_s[0] = search->near_s;
    for (size_t row = ballot->first; row < ballot->last; row++) {
        const double age = (double)(frame->rows - row) / fmax(soon_s / fmax(frame->step_s, 1e-3), soon_rows);
        const double votes = isnan(search->near_s) ? ballot->votes[row] / (1 + pow(age, 4)) : ballot->votes[row];
        if (votes > most || (row == ballot->first && isnan(search->near_s))) {
            most = votes;
            cast = ballot->votes[row];
            onsets->at_s[0] = time_of(frame, row);
        }
    }
    onsets->count = 1;
    return cast;
}

// Those for which far more votes are cast than for the likeliest one, but for the first quarter of the rows, before
// which too little is known of health.
static void add_others(const struct tend_study *study, const struct ballot *ballot, double cast,
                       struct tend_onsets *onsets)
{
    const struct tend_metric_frame *frame = study->frame;
    while (onsets->count < TEND_ONSETS_MAX) {
        double most = far_more * cast;
        size_t found = frame->rows;
        for (size_t row = ballot->first + frame->rows / 4; row < ballot->last; row++) {
            if (ballot->votes[row] > most && !is_near_one(frame, onsets, time_of(frame, row))) {
                most = ballot->votes[row];
                found = row;
            }
        }
        if (found == frame->rows) {
            return;
        }
        onsets->at_s[onsets->count++] = time_of(frame, found);
    }
}

enum tend_status tend_onset_find(const struct tend_study *study, const struct tend_onset_search *search,
                                 struct tend_onsets *onsets)
{
    const struct tend_metric_frame *frame = study->frame;
    struct ballot ballot = { .votes = calloc(frame->rows + 1, sizeof(double)),
                             .usual = calloc(SAMPLES_MAX + 2, sizeof(double)),
                             .steps = calloc(frame->rows + 1, sizeof(double)) };
    const bool has_memory = ballot.votes != NULL && ballot.usual != NULL && ballot.steps != NULL;
    if (has_memory) {
        limit(study, search, &ballot);
        for (size_t i = 0; i < study->count; i++) {
            const double weight = weight_of(&study->columns[i], search->service);
            if (weight > 0) {
                vote(study, &study->columns[i], &ballot, weight);
            }
        }
        const double cast = add_likeliest(study, search, &ballot, onsets);
        if (isnan(search->near_s)) {
            add_others(study, &ballot, cast, onsets);
        }
    }
    free(ballot.votes);
    free(ballot.usual);
    free(ballot.steps);
    return has_memory ? TEND_OK : TEND_E_NOMEM;
}
