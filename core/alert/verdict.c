// The writers of both messages; readers walk the bytes with tend_reader where they need them.

#include "alert/verdict.h"

#include <string.h>

static void put_text(struct tend_buffer *buffer, const char *text)
{
    tend_buffer_put_string(buffer, text, strlen(text));
}

void tend_view_begin(struct tend_buffer *request, uint64_t tick, double wall_s, uint32_t call_count)
{
    tend_buffer_put_u64(request, tick);
    tend_buffer_put_f64(request, wall_s);
    tend_buffer_put_u32(request, call_count);
}

void tend_view_put_call(struct tend_buffer *request, const struct tend_view_call *call)
{
    tend_buffer_put_u32(request, call->rule);
    put_text(request, call->subject);
    put_text(request, call->service);
    put_text(request, call->instance);
    put_text(request, call->labels);
    put_text(request, call->version);
    tend_buffer_put_f64(request, call->out_share);
    tend_buffer_put_f64(request, call->deployed_ago_s);
    tend_buffer_put_u32(request, call->metric_count);
}

void tend_view_put_metric(struct tend_buffer *request, const struct tend_view_metric *metric)
{
    put_text(request, metric->name);
    tend_buffer_put_f64(request, metric->p);
    tend_buffer_put_f64(request, metric->e);
    tend_buffer_put_f64(request, metric->f);
    tend_buffer_put_f64(request, metric->a);
    tend_buffer_put_f64(request, metric->eta_s);
    tend_buffer_put_u8(request, metric->out);
    tend_buffer_put_u8(request, (uint8_t)metric->missing);
}

void tend_verdicts_begin(struct tend_buffer *reply, uint64_t tick, uint32_t count)
{
    tend_buffer_put_u64(reply, tick);
    tend_buffer_put_u32(reply, count);
}

void tend_verdicts_put(struct tend_buffer *reply, enum tend_verdict verdict, const char *error)
{
    tend_buffer_put_u8(reply, (uint8_t)verdict);
    if (verdict == TEND_VERDICT_ERROR) {
        put_text(reply, error == NULL ? "" : error);
    }
}
