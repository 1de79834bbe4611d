// Means over all but one: the sum before a slot and the sum after it are added, instead of taking the slot off the sum
// of all, which would lose the digits of small values beside a large one and end as Inf - Inf beside an infinite one.
// Both sums are kept in E itself, which is written anyway: forwards the sums before, backwards the sums after.

#include "deviation/expectation.h"
#include "series/missing.h"

#include <math.h>
#include <stdlib.h>

static double mean(double sum, size_t count)
{
    return count > 0 ? sum / (double)count : TEND_NO_DATA;
}

void tend_expect_peers(struct tend_metric_table *table, const size_t *slots, size_t count, bool with_self)
{
    double sum = 0;
    size_t with_data = 0;
    for (size_t i = 0; i < count; i++) {
        const double p = table->p[slots[i]];
        table->e[slots[i]] = sum;
        if (!isnan(p)) {
            sum += p;
            with_data++;
        }
    }
    if (with_self) {
        for (size_t i = 0; i < count; i++) {
            table->e[slots[i]] = mean(sum, with_data);
        }
        return;
    }
    double after = 0;
    for (size_t i = count; i-- > 0;) {
        const double p = table->p[slots[i]];
        const double others = table->e[slots[i]] + after;
        table->e[slots[i]] = mean(others, with_data - (isnan(p) ? 0 : 1));
        after += isnan(p) ? 0 : p;
    }
}

void tend_expect_mean_of(struct tend_metric_table *table, size_t slot, const size_t *peers, size_t count)
{
    double sum = 0;
    size_t with_data = 0;
    for (size_t i = 0; i < count; i++) {
        const double p = table->p[peers[i]];
        if (!isnan(p)) {
            sum += p;
            with_data++;
        }
    }
    table->e[slot] = mean(sum, with_data);
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
