// When it is full, each two neighbours become one, so a day and a minute cost the same room.

#include "driver/sim/metric_trace.h"

#include <math.h>
#include <stdlib.h>

void tend_metric_trace_init(struct tend_metric_trace *trace)
{
    *trace = (struct tend_metric_trace){ .stretch = 1 };
}

void tend_metric_trace_clear(struct tend_metric_trace *trace)
{
    free(trace->points);
    tend_metric_trace_init(trace);
}

static bool is_worse(double p, double a, const struct tend_trace_point *than)
{
    if (isnan(a) || isnan(than->a)) {
        return isnan(than->a) && (!isnan(a) || (!isnan(p) && !(fabs(p) <= fabs(than->p))));
    }
    return a > than->a;
}

static void halve(struct tend_metric_trace *trace)
{
    size_t kept = 0;
    for (size_t i = 0; i < trace->count; i += 2) {
        const struct tend_trace_point *one = &trace->points[i];
        const struct tend_trace_point *other = i + 1 < trace->count ? one + 1 : one;
        trace->points[kept++] = is_worse(other->p, other->a, one) ? *other : *one;
    }
    if (trace->count % 2 == 0) {
        trace->filled += trace->stretch;
    }
    trace->count = kept;
    trace->stretch *= 2;
}

static struct tend_trace_point *append(struct tend_metric_trace *trace, size_t most)
{
    while (trace->count >= most) {
        halve(trace);
        if (trace->filled < trace->stretch) {
            return NULL; // the newest point has room again
        }
    }
    if (trace->count == trace->capacity) {
        const size_t twice = trace->capacity == 0 ? 32 : trace->capacity * 2;
        trace->capacity = twice < most ? twice : most;
        trace->capacity = trace->capacity > trace->count ? trace->capacity : trace->count + 1;
        trace->points = reallocarray(trace->points, trace->capacity, sizeof *trace->points);
        TEND_ASSERT(trace->points != NULL);
    }
    trace->filled = 0;
    return &trace->points[trace->count++];
}

struct tend_trace_point *tend_metric_trace_push(struct tend_metric_trace *trace, size_t most, double p, double a)
{
    if (trace->count == 0 || trace->filled >= trace->stretch) {
        struct tend_trace_point *added = append(trace, most);
        if (added != NULL) {
            trace->filled++;
            return added;
        }
    }
    TEND_ASSERT(trace->points != NULL);
    trace->filled++;
    struct tend_trace_point *newest = &trace->points[trace->count - 1];
    return is_worse(p, a, newest) ? newest : NULL;
}

json_t *tend_metric_trace_json(const struct tend_metric_trace *trace)
{
    json_t *points = json_array();
    for (size_t i = 0; i < trace->count; i++) {
        const struct tend_trace_point *point = &trace->points[i];
        (void)json_array_append_new(points, json_pack("[I, o, o, o, o]", (json_int_t)point->at_ms,
                                                      tend_json_real(point->p), tend_json_real(point->e),
                                                      tend_json_real(point->low), tend_json_real(point->high)));
    }
    return points;
}
