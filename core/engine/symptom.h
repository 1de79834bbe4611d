#pragma once
/// Symptom: what callers feel in an incident (latency, errors), of the member that was out of line first; other
/// metrics are set against it, to see whether they move as it does. Private to this folder.
///
/// Ownership: the names are borrowed from the fleet. Units: milliseconds of engine time.

#include "locate/correlation.h"
#include "locate/trace.h"

struct tend_engine;
struct tend_incident;
struct tend_service;
struct tend_metric_def;

struct tend_symptom {
    const struct tend_service *service; ///< NULL: the incident has none that is still out of line
    const struct tend_metric_def *metric;
    int64_t since_ms; ///< when it was out of line first
    size_t rows;
    int64_t at_ms[TEND_TRACE_ROWS];
    double values[TEND_TRACE_ROWS];
    struct tend_correlation_grid grid; ///< of the ranks; every_ms 0: none were made yet
    struct tend_correlation_ranks ranks;
};

/// Finds the symptom of an incident as it is now.
void tend_symptom_find(const struct tend_engine *engine, const struct tend_incident *incident,
                       struct tend_symptom *symptom);
/// How a metric of a service moves with the symptom. @param trace  its rows
/// @return not found: there is no symptom, it is the symptom itself, or too little was seen
struct tend_correlation tend_symptom_correlate(struct tend_symptom *symptom, const struct tend_service *service,
                                               const struct tend_metric_def *metric,
                                               const struct tend_correlation_trace *trace);
