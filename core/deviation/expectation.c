// Means over all but one: the sum before a slot and the sum after it are added, instead of taking the slot off the sum
// of all, which would lose the digits of small values beside a large one and end as Inf - Inf beside an infinite one.
// Where nobody is far from the rest the sums are those of all, to the bit. Both sums are kept in E itself, which is
// written anyway: forwards the sums before, backwards the sums after.

#include "deviation/expectation.h"
#include "series/missing.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

enum { PEERS_LEAST = 3 }; // fewer cannot outvote one

static const double z_far = 3.5;
static const double z_of_mad = 0.6745;  // the MAD of a normal distribution is this part of its deviation
static const double alpha_unsaid = 0.5; // where the limit is given as out_at

static double mean(double sum, size_t count)
{
    return count > 0 ? sum / (double)count : TEND_NO_DATA;
}

// Moves the k-th smallest to values[k], smaller ones before it: C. A. R. Hoare's FIND, CACM 4 (7), 1961.
static void select_nth(double *values, size_t count, size_t nth)
{
    const ptrdiff_t k = (ptrdiff_t)nth;
    ptrdiff_t low = 0;
    ptrdiff_t high = (ptrdiff_t)count - 1;
    while (low < high) {
        const double pivot = values[k];
        ptrdiff_t i = low;
        ptrdiff_t j = high;
        while (i <= j) {
            while (values[i] < pivot) {
                i++;
            }
            while (values[j] > pivot) {
                j--;
            }
            if (i <= j) {
                const double moved = values[i];
                values[i++] = values[j];
                values[j--] = moved;
            }
        }
        if (j < k) {
            low = i;
        }
        if (k < i) {
            high = j;
        }
    }
}

// The middle one, or the mean of the two in the middle. Changes the order of the values, of which none is NaN.
static double median(double *values, size_t count)
{
    const size_t half = count / 2;
    select_nth(values, count, half);
    if (count % 2 == 1) {
        return values[half];
    }
    double below = values[0];
    for (size_t i = 1; i < half; i++) {
        below = fmax(below, values[i]);
    }
    return below / 2 + values[half] / 2;
}

// Which values count: those no farther than `distance` from `middle`.
struct fold {
    double middle;
    double distance; // NaN: all count
};

static const struct fold everybody = { .middle = 0, .distance = TEND_NO_DATA };

static bool is_in(const struct fold *fold, double p)
{
    return !isnan(p) && !(fabs(p - fold->middle) > fold->distance);
}

static struct fold fold_of(const struct tend_metric_table *table, const size_t *slots, size_t count, size_t least,
                           double *scratch)
{
    size_t with_data = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isnan(table->p[slots[i]])) {
            scratch[with_data++] = table->p[slots[i]];
        }
    }
    if (with_data < least) {
        return everybody;
    }
    const double middle = median(scratch, with_data);
    if (!isfinite(middle)) {
        return everybody;
    }
    for (size_t i = 0; i < with_data; i++) {
        scratch[i] = fabs(scratch[i] - middle);
    }
    const double alpha = isnan(table->alpha[slots[0]]) ? alpha_unsaid : table->alpha[slots[0]];
    const double by_threshold = alpha * fmax(fabs(middle), table->floor[slots[0]]);
    const double by_spread = z_far / z_of_mad * median(scratch, with_data);
    return (struct fold){ .middle = middle, .distance = fmax(by_threshold, by_spread) };
}

void tend_expect_peers(struct tend_metric_table *table, const size_t *slots, size_t count, double *scratch)
{
    const struct fold fold = fold_of(table, slots, count, PEERS_LEAST + 1, scratch); // each has one peer less than all
    double sum = 0;
    size_t with_data = 0;
    for (size_t i = 0; i < count; i++) {
        const double p = table->p[slots[i]];
        table->e[slots[i]] = sum;
        if (is_in(&fold, p)) {
            sum += p;
            with_data++;
        }
    }
    double after = 0;
    for (size_t i = count; i-- > 0;) {
        const double p = table->p[slots[i]];
        const double others = table->e[slots[i]] + after;
        const bool counts = is_in(&fold, p);
        table->e[slots[i]] = mean(others, with_data - (counts ? 1 : 0));
        after += counts ? p : 0;
    }
}

static double mean_within(const struct tend_metric_table *table, const size_t *slots, size_t count,
                          const struct fold *fold)
{
    double sum = 0;
    size_t with_data = 0;
    for (size_t i = 0; i < count; i++) {
        const double p = table->p[slots[i]];
        if (is_in(fold, p)) {
            sum += p;
            with_data++;
        }
    }
    return mean(sum, with_data);
}

double tend_mean_of_all(const struct tend_metric_table *table, const size_t *slots, size_t count)
{
    return mean_within(table, slots, count, &everybody);
}

void tend_expect_all(struct tend_metric_table *table, const size_t *slots, size_t count)
{
    const double e = tend_mean_of_all(table, slots, count);
    for (size_t i = 0; i < count; i++) {
        table->e[slots[i]] = e;
    }
}

void tend_expect_mean_of(struct tend_metric_table *table, size_t slot, const size_t *peers, size_t count,
                         double *scratch)
{
    const struct fold fold = fold_of(table, peers, count, PEERS_LEAST, scratch);
    table->e[slot] = mean_within(table, peers, count, &fold);
}

struct tend_history {
    size_t samples;
    size_t count;
    size_t oldest;
    double values[]; // a ring
};

enum tend_status tend_history_create(size_t samples, struct tend_history **out)
{
    if (samples < 1 || samples > SIZE_MAX / sizeof(double) - sizeof(struct tend_history)) {
        return TEND_E_INVALID;
    }
    struct tend_history *history = calloc(1, sizeof *history + samples * sizeof(double));
    if (history == NULL) {
        return TEND_E_NOMEM;
    }
    history->samples = samples;
    *out = history;
    return TEND_OK;
}

void tend_history_destroy(struct tend_history *history)
{
    free(history);
}

double tend_history_mean(const struct tend_history *history)
{
    if (history->count < history->samples) {
        return TEND_NO_DATA;
    }
    double sum = 0; // oldest to newest, in two pieces: a division for each would cost more than all else
    for (size_t i = history->oldest; i < history->samples; i++) {
        sum += history->values[i];
    }
    for (size_t i = 0; i < history->oldest; i++) {
        sum += history->values[i];
    }
    return sum / (double)history->samples;
}

void tend_history_push(struct tend_history *history, double p, bool frozen)
{
    if (frozen || isnan(p)) {
        return;
    }
    if (history->count < history->samples) {
        history->values[history->count++] = p; // not yet a ring: oldest is 0
        return;
    }
    history->values[history->oldest] = p;
    history->oldest = (history->oldest + 1) % history->samples;
}

void tend_history_save(const struct tend_history *history, struct tend_buffer *out)
{
    tend_buffer_put_u32(out, (uint32_t)history->count);
    for (size_t i = 0; i < history->count; i++) {
        tend_buffer_put_f64(out, history->values[(history->oldest + i) % history->samples]);
    }
}

enum tend_status tend_history_load(struct tend_history *history, struct tend_reader *reader)
{
    const uint32_t count = tend_reader_get_u32(reader);
    bool fits = !reader->failed && count <= history->samples;
    for (uint32_t i = 0; fits && i < count; i++) {
        history->values[i] = tend_reader_get_f64(reader);
        fits = !reader->failed && !isnan(history->values[i]);
    }
    history->count = fits ? count : 0;
    reader->failed = reader->failed || !fits;
    return fits ? TEND_OK : TEND_E_CORRUPT;
}
