#pragma once
/// Verdict: the tick's view that goes to the evaluator, and the verdicts that come back, as bytes.
///
/// One request holds every call of a tick: rule functions with the subject (a service or an instance) they look at.
/// Calls are sorted by rule, then subject. The reply has one verdict a call, in the same order. Both directions are
/// checked like any input. Layout (little-endian, strings are a u32 length and bytes):
///   request: u64 tick, f64 wall_s, u32 calls, then each call:
///     u32 rule, string subject, string service, string instance ("" for a service), string labels (a JSON object or
///     ""), string version, f64 out_share (0 to 1), f64 deployed_ago_s (NaN: not known), u32 metrics, then each metric:
///     string name, f64 P, E, F, A, eta_s, u8 out (the latch of this rule), u8 missing (enum tend_missing)
///   reply: u64 tick, u32 verdicts, then each: u8 verdict, and for an error string text ("shop.lua:12: …")

#include "base/buffer.h"
#include "series/missing.h"

enum tend_verdict {
    TEND_VERDICT_IN_LINE = 0, ///< the function returned false or nil
    TEND_VERDICT_OUT = 1,     ///< it returned something true
    TEND_VERDICT_UNKNOWN = 2, ///< it read a metric that has no data: whatever it returned is not used
    TEND_VERDICT_ERROR = 3,   ///< it raised
    /// Unknown, and held whatever the policy: all that it lacks is only warming up, or it is in line by what is left
    /// when an instance that was out of line has no data.
    TEND_VERDICT_HOLD = 4,
};

struct tend_view_metric {
    const char *name;
    double p, e, f, a, eta_s;
    bool out;
    enum tend_missing missing;
};

/// The fixed part of a call; the metrics follow with tend_view_put_metric, `metric_count` times.
struct tend_view_call {
    uint32_t rule;
    const char *subject;
    const char *service;
    const char *instance;
    const char *labels;
    const char *version;
    double out_share;
    double deployed_ago_s;
    uint32_t metric_count;
};

void tend_view_begin(struct tend_buffer *request, uint64_t tick, double wall_s, uint32_t call_count);
void tend_view_put_call(struct tend_buffer *request, const struct tend_view_call *call);
void tend_view_put_metric(struct tend_buffer *request, const struct tend_view_metric *metric);

void tend_verdicts_begin(struct tend_buffer *reply, uint64_t tick, uint32_t count);
void tend_verdicts_put(struct tend_buffer *reply, enum tend_verdict verdict, const char *error);
