#pragma once
/// Metric trace: P, E and the limits of one metric over time, thinned so that it never has more than so many points.
///
/// Each point stands for a stretch of as many ticks as the others, and is the one of its stretch with the highest A, so
/// that no peak is lost; where nothing is expected, the one with the largest |P|. Units: `_ms`; values in the metric's
/// unit, NaN is no data. Ownership: who inits clears. Threads: none.

#include "base/json.h"

#include <stddef.h>
#include <stdint.h>

struct tend_trace_point {
    int64_t at_ms;
    double p, e, a;
    double low, high; ///< beyond which it is out of line; NaN: that side is never bad, or nothing is expected
};

struct tend_metric_trace {
    struct tend_trace_point *points;
    size_t count;
    size_t capacity;
    size_t stretch; ///< ticks that a point stands for
    size_t filled;  ///< ticks in the newest point
};

void tend_metric_trace_init(struct tend_metric_trace *trace);
void tend_metric_trace_clear(struct tend_metric_trace *trace);

/// Takes one tick. @return the point that the caller fills in: a new one, or the newest when this tick is worse than
/// it; NULL: it is not the worst of its stretch. @param most  points that are kept, at least 2; may fall from call to
/// call
struct tend_trace_point *tend_metric_trace_push(struct tend_metric_trace *trace, size_t most, double p, double a);
/// [[at_ms, P|null, E|null, low|null, high|null]]; a new reference.
json_t *tend_metric_trace_json(const struct tend_metric_trace *trace);
