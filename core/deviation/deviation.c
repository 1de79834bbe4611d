// The pass has no branch in its loop and one place for each rule, so that the compiler can make vectors of it:
//   scale = max(|E|, floor); where both are 0, the distance that out_at allows, so that F is 1 just at out_at
//   D     = P - E, or E - P, or |P - E|, never below 0: only the bad side counts
//   F     = D / scale; 0 where D is 0, whatever the scale
//   alpha = |out_at - E| / scale where out_at is given
//   A     = F / alpha; F = 0 gives A = 0
// NaN in P or E falls through all of it: no comparison with NaN is true, and the selects below keep it. What has
// neither floor, nor E, nor out_at has no scale: F and A are NaN unless P is E or on the good side.

#include "deviation/deviation.h"
#include "series/missing.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void tend_metric_table_init(struct tend_metric_table *table)
{
    *table = (struct tend_metric_table){ 0 };
}

void tend_metric_table_clear(struct tend_metric_table *table)
{
    free(table->p);
    free(table->e);
    free(table->f);
    free(table->a);
    free(table->alpha);
    free(table->out_at);
    free(table->floor);
    free(table->bad);
    free(table->missing);
    tend_metric_table_init(table);
}

static bool grow_doubles(double **field, size_t capacity)
{
    double *grown = realloc(*field, capacity * sizeof *grown);
    *field = grown != NULL ? grown : *field;
    return grown != NULL;
}

static bool grow_bytes(uint8_t **field, size_t capacity)
{
    uint8_t *grown = realloc(*field, capacity);
    *field = grown != NULL ? grown : *field;
    return grown != NULL;
}

enum tend_status tend_metric_table_reserve(struct tend_metric_table *table, size_t count)
{
    if (count <= table->capacity) {
        return TEND_OK;
    }
    size_t capacity = table->capacity == 0 ? 64 : table->capacity;
    while (capacity < count) {
        capacity *= 2;
    }
    // An array that grew while a later one could not is larger than `capacity` says, which is no harm.
    if (!grow_doubles(&table->p, capacity) || !grow_doubles(&table->e, capacity) ||
        !grow_doubles(&table->f, capacity) || !grow_doubles(&table->a, capacity) ||
        !grow_doubles(&table->alpha, capacity) || !grow_doubles(&table->out_at, capacity) ||
        !grow_doubles(&table->floor, capacity) || !grow_bytes(&table->bad, capacity) ||
        !grow_bytes(&table->missing, capacity)) {
        return TEND_E_NOMEM;
    }
    table->capacity = capacity;
    return TEND_OK;
}

static void set_slots(struct tend_metric_table *table, size_t first, const struct tend_metric_def *defs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const size_t slot = first + i;
        table->p[slot] = TEND_NO_DATA;
        table->e[slot] = TEND_NO_DATA;
        table->f[slot] = TEND_NO_DATA;
        table->a[slot] = TEND_NO_DATA;
        table->alpha[slot] = defs[i].alpha;
        table->out_at[slot] = defs[i].out_at;
        table->floor[slot] = defs[i].floor;
        table->bad[slot] = (uint8_t)defs[i].bad;
        table->missing[slot] = TEND_MISSING_WARMING_UP;
    }
}

enum tend_status tend_metric_table_add(struct tend_metric_table *table, const struct tend_metric_def *defs,
                                       size_t count, size_t *first)
{
    const enum tend_status status = tend_metric_table_reserve(table, table->count + count);
    if (status != TEND_OK) {
        return status;
    }
    *first = table->count;
    table->count += count;
    set_slots(table, *first, defs, count);
    return TEND_OK;
}

// The larger one; NaN in a stays (the comparison is false).
static inline double raised_to(double a, double least)
{
    return a < least ? least : a;
}

void tend_deviation_pass(struct tend_metric_table *table, size_t first, size_t count)
{
    TEND_ASSERT(first + count <= table->count);
    const double *restrict p = table->p + first;
    const double *restrict e = table->e + first;
    const double *restrict alpha = table->alpha + first;
    const double *restrict out_at = table->out_at + first;
    const double *restrict floors = table->floor + first;
    const uint8_t *restrict bad = table->bad + first;
    double *restrict f = table->f + first;
    double *restrict a = table->a + first;
    for (size_t i = 0; i < count; i++) {
        const double allowed = fabs(out_at[i] - e[i]); // NaN where alpha rules
        const double relative = raised_to(fabs(e[i]), floors[i]);
        const double scale = relative == 0 && allowed > 0 ? allowed : relative;
        const double above = p[i] - e[i];
        const double sided = bad[i] == TEND_BAD_ABOVE ? above : bad[i] == TEND_BAD_BELOW ? -above : fabs(above);
        const double distance = raised_to(sided, 0);
        const double deviation = distance == 0 ? 0 : scale == 0 ? TEND_NO_DATA : distance / scale;
        const double threshold = allowed == allowed ? allowed / scale : alpha[i]; // equal to itself: no NaN
        f[i] = deviation;
        a[i] = deviation == 0 ? 0 : deviation / threshold;
    }
}

double tend_deviation_of(double p, double e, double floor, enum tend_bad bad)
{
    if (isnan(p) || isnan(e)) {
        return TEND_NO_DATA;
    }
    const double scale = raised_to(fabs(e), floor);
    const double above = p - e;
    const double sided = bad == TEND_BAD_ABOVE ? above : bad == TEND_BAD_BELOW ? -above : fabs(above);
    const double distance = raised_to(sided, 0);
    return distance == 0 ? 0 : scale == 0 ? TEND_NO_DATA : distance / scale;
}
