// A binding is one block of indexes for all metrics, made anew for each layout. The QUANTILE columns are sorted by
// their bound, ties in the layout's order, so that buckets add up in one pass and in one order.

#include "series/metric_plan.h"

#include "parse/number.h"
#include "parse/selector.h"
#include "series/missing.h"

#include <math.h>
#include <stdlib.h>

#define SOURCES 2

struct tend_metric_plan {
    const struct tend_metric_def *defs;
    size_t count;
    const struct tend_layout *layout;    // NULL: bound to no columns
    struct tend_source_columns *sources; // count * SOURCES
    size_t *columns;                     // all sources' columns, one after the other
    double *les;                         // beside them
};

enum tend_status tend_metric_plan_create(const struct tend_metric_def *defs, size_t count,
                                         struct tend_metric_plan **out)
{
    struct tend_metric_plan *plan = calloc(1, sizeof *plan);
    if (plan == NULL) {
        return TEND_E_NOMEM;
    }
    plan->defs = defs;
    plan->count = count;
    plan->sources = calloc(count * SOURCES + 1, sizeof *plan->sources);
    if (plan->sources == NULL) {
        free(plan);
        return TEND_E_NOMEM;
    }
    *out = plan;
    return TEND_OK;
}

void tend_metric_plan_destroy(struct tend_metric_plan *plan)
{
    if (plan == NULL) {
        return;
    }
    tend_layout_release(plan->layout);
    free(plan->columns);
    free(plan->les);
    free(plan->sources);
    free(plan);
}

// The upper bound of a bucket's series, NaN where its label is no number.
static double le_of(const struct tend_label_set *labels)
{
    size_t bytes;
    const char *text = tend_label_set_get(labels, "le", &bytes);
    if (text == NULL) {
        return TEND_NO_DATA;
    }
    double le;
    return tend_number_parse(text, bytes, &le) ? le : TEND_NO_DATA;
}

static bool selects(const struct tend_selector *selector, const struct tend_label_set *labels)
{
    size_t name_bytes;
    size_t label_count;
    const char *name = tend_label_set_name(labels, &name_bytes);
    const struct tend_label *list = tend_label_set_labels(labels, &label_count);
    return tend_selector_matches(selector, name, name_bytes, list, label_count);
}

// The columns that a source selects: writes them (and bounds for a histogram) when given room, returns how many.
static size_t select_columns(const struct tend_metric_def *def, const struct tend_selector *selector,
                             const struct tend_layout *layout, size_t *columns, double *les)
{
    if (selector == NULL || layout == NULL) {
        return 0;
    }
    size_t count = 0;
    for (size_t i = 0; i < tend_layout_count(layout); i++) {
        const struct tend_label_set *labels = tend_layout_column(layout, i)->labels;
        if (!selects(selector, labels)) {
            continue;
        }
        const double le = def->kind == TEND_METRIC_QUANTILE ? le_of(labels) : 0;
        if (isnan(le)) {
            continue;
        }
        if (columns != NULL) {
            columns[count] = i;
            les[count] = le;
        }
        count++;
    }
    return count;
}

struct bound_column {
    double le;
    size_t column;
};

static int compare_bounds(const void *a, const void *b)
{
    const struct bound_column *left = a;
    const struct bound_column *right = b;
    const int by_le = (left->le > right->le) - (left->le < right->le);
    return by_le != 0 ? by_le : (left->column > right->column) - (left->column < right->column);
}

static enum tend_status sort_by_le(size_t *columns, double *les, size_t count)
{
    struct bound_column *bounds = calloc(count + 1, sizeof *bounds);
    if (bounds == NULL) {
        return TEND_E_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        bounds[i] = (struct bound_column){ .le = les[i], .column = columns[i] };
    }
    qsort(bounds, count, sizeof *bounds, compare_bounds);
    for (size_t i = 0; i < count; i++) {
        columns[i] = bounds[i].column;
        les[i] = bounds[i].le;
    }
    free(bounds);
    return TEND_OK;
}

static enum tend_status fill(const struct tend_metric_plan *plan, const struct tend_layout *layout, size_t *columns,
                             double *les, size_t *counts)
{
    size_t used = 0;
    for (size_t i = 0; i < plan->count * SOURCES; i++) {
        const struct tend_metric_def *def = &plan->defs[i / SOURCES];
        counts[i] = select_columns(def, def->sources[i % SOURCES], layout, columns + used, les + used);
        if (def->kind == TEND_METRIC_QUANTILE && sort_by_le(columns + used, les + used, counts[i]) != TEND_OK) {
            return TEND_E_NOMEM;
        }
        used += counts[i];
    }
    return TEND_OK;
}

enum tend_status tend_metric_plan_bind(struct tend_metric_plan *plan, const struct tend_layout *layout)
{
    if (layout == plan->layout) {
        return TEND_OK;
    }
    size_t total = 0;
    for (size_t i = 0; i < plan->count * SOURCES; i++) {
        const struct tend_metric_def *def = &plan->defs[i / SOURCES];
        total += select_columns(def, def->sources[i % SOURCES], layout, NULL, NULL);
    }
    size_t *columns = calloc(total + 1, sizeof *columns);
    double *les = calloc(total + 1, sizeof *les);
    size_t *counts = calloc(plan->count * SOURCES + 1, sizeof *counts);
    if (columns == NULL || les == NULL || counts == NULL || fill(plan, layout, columns, les, counts) != TEND_OK) {
        free(counts);
        free(les);
        free(columns);
        return TEND_E_NOMEM;
    }
    size_t used = 0;
    for (size_t i = 0; i < plan->count * SOURCES; i++) {
        struct tend_source_columns *source = &plan->sources[i];
        source->columns = columns + used;
        source->count = counts[i];
        source->le = plan->defs[i / SOURCES].kind == TEND_METRIC_QUANTILE ? les + used : NULL;
        source->had_series = source->had_series || counts[i] > 0;
        used += counts[i];
    }
    free(counts);
    free(plan->columns);
    free(plan->les);
    plan->columns = columns;
    plan->les = les;
    if (layout != NULL) {
        tend_layout_retain(layout);
    }
    tend_layout_release(plan->layout);
    plan->layout = layout;
    return TEND_OK;
}

const struct tend_metric_def *tend_metric_plan_defs(const struct tend_metric_plan *plan, size_t *count)
{
    *count = plan->count;
    return plan->defs;
}

const struct tend_layout *tend_metric_plan_layout(const struct tend_metric_plan *plan)
{
    return plan->layout;
}

const struct tend_source_columns *tend_metric_plan_source(const struct tend_metric_plan *plan, size_t def,
                                                          size_t source)
{
    TEND_ASSERT(def < plan->count && source < SOURCES);
    return &plan->sources[def * SOURCES + source];
}

void tend_metric_plan_set_had_series(struct tend_metric_plan *plan, size_t def, size_t source, bool had_series)
{
    TEND_ASSERT(def < plan->count && source < SOURCES);
    plan->sources[def * SOURCES + source].had_series = had_series;
}
