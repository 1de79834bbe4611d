#pragma once
/// Deviation: from P and E to F and A, for a whole fleet in passes over flat arrays.
///
/// F = |P - E| / max(|E|, floor), only the bad side counting; A = F / alpha (article's formulas; the floor keeps an
/// expectation of 0 from dividing by zero). Where `out_at` is given, alpha = |out_at - E| / max(|E|, floor).
/// A metric table holds a slot for each metric of each service and of each instance; whoever owns services and
/// instances gives each a block of neighbouring slots. All values in base units; NaN is no data. Nothing allocates
/// after reserve.

#include "base/status.h"
#include "series/metric_def.h"
#include "series/missing.h"

#include <stdint.h>

/// One array per field; index = slot. Read freely; write P, E and missing only.
struct tend_metric_table {
    double *p;        ///< measured
    double *e;        ///< expected
    double *f;        ///< relative deviation on the bad side, >= 0
    double *a;        ///< alert index F / alpha
    double *alpha;    ///< NaN where out_at rules; of what is learned it may move from tick to tick
    double *out_at;   ///< NaN where alpha rules
    double *floor;    ///< >= 0
    uint8_t *bad;     ///< enum tend_bad
    uint8_t *missing; ///< enum tend_missing; with a cause here P is NaN
    size_t count;
    size_t capacity;
};

void tend_metric_table_init(struct tend_metric_table *table);
void tend_metric_table_clear(struct tend_metric_table *table);
/// Makes room, so that adding up to @p count slots in all allocates nothing. @return TEND_OK or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_metric_table_reserve(struct tend_metric_table *table, size_t count);
/// Appends a block of slots for these definitions: P, E, F, A are NaN, missing is WARMING_UP. @param[out] first its
/// first slot
TEND_MUST_CHECK enum tend_status tend_metric_table_add(struct tend_metric_table *table,
                                                       const struct tend_metric_def *defs, size_t count, size_t *first);
/// Computes F and A of the slots first … first + count - 1 from P, E and the limits. NaN in P or E gives NaN in both.
/// Where E and floor are 0 the scale is |out_at - E|, so that A is 1 at out_at; without out_at there is no scale: F and
/// A are NaN, but 0 when P is E or on the good side of it.
void tend_deviation_pass(struct tend_metric_table *table, size_t first, size_t count);
/// F of one value, as the pass makes it; NaN where P or E is, or where E and floor are 0 and P is on the bad side.
double tend_deviation_of(double p, double e, double floor, enum tend_bad bad);
