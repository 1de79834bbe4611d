#pragma once
/// Metric plan: which columns of an instance's layout each of its metrics is made from.
///
/// Bound again only when the layout is another one. One per instance.
/// Ownership: who creates a plan destroys it; the definitions are borrowed and must outlive it. Threads: one.

#include "base/status.h"
#include "series/layout.h"
#include "series/metric_def.h"

#include <stdbool.h>

struct tend_metric_plan;

/// The columns that one source of a metric selects, in the layout's order.
struct tend_source_columns {
    const size_t *columns;
    size_t count;
    const double
        *le; ///< QUANTILE: the bucket's upper bound for each column; else NULL. Columns without a valid le are left out
    bool had_series; ///< some layout of this plan so far had such a column
};

/// Makes a plan that is bound to no columns. @param defs  borrowed
/// @param[out] out  set on success, else left as it was  @return TEND_OK or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_metric_plan_create(const struct tend_metric_def *defs, size_t count,
                                                         struct tend_metric_plan **out);
void tend_metric_plan_destroy(struct tend_metric_plan *plan); ///< NULL is allowed

/// Binds to the columns of a layout; at once when it is the one bound already. @param layout  retained; NULL: no
/// columns
/// @return TEND_OK, or TEND_E_NOMEM: the plan is unchanged
TEND_MUST_CHECK enum tend_status tend_metric_plan_bind(struct tend_metric_plan *plan, const struct tend_layout *layout);

const struct tend_metric_def *tend_metric_plan_defs(const struct tend_metric_plan *plan, size_t *count);
/// The layout it is bound to, or NULL.
const struct tend_layout *tend_metric_plan_layout(const struct tend_metric_plan *plan);
/// Columns of a metric's source. @param source  0 or 1
const struct tend_source_columns *tend_metric_plan_source(const struct tend_metric_plan *plan, size_t def,
                                                          size_t source);
/// Sets `had_series` of a source: the rest of a plan follows from the layout that it is bound to next.
void tend_metric_plan_set_had_series(struct tend_metric_plan *plan, size_t def, size_t source, bool had_series);
