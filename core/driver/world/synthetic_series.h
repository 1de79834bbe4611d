#pragma once
/// Synthetic series: what an instance of a simulated service would tell a scrape, made from what its metrics select.
///
/// Each metric's definition says which series it reads (names and label matchers) and what is expected of it; from that
/// follow series whose metrics come out at that value while nothing is wrong. What a fault does to a metric follows
/// from its role, which is told from its kind, unit and name: latency, errors, traffic, memory, liveness, or none of
/// these. Ownership: who creates, destroys; definitions are borrowed. Threads: one.

#include "base/status.h"
#include "engine/ruleset.h"
#include "series/layout.h"

struct tend_synthetic_series; ///< of a service: the columns
struct tend_synthetic_row;    ///< of an instance: its counters

/// How an instance does, as its series tell it.
struct tend_signals {
    double load;    ///< of what is usual; 1
    double latency; ///< of what is usual; 1
    double errors;  ///< share of requests that fail, beside those that usually do; 0
    double memory;  ///< of what is usual; 1
    bool serves;    ///< for a liveness gauge of an exporter
    bool new_version;
    double wall_s;
    double started_s; ///< wall time of the process's start
};

/// Makes the columns of a service.
/// @param usual  metric → value (or text with a unit) while nothing is wrong, in place of what is expected; NULL: none
/// @param[out] error  which selector has no series that it would select, or which usual value makes no sense
TEND_MUST_CHECK enum tend_status tend_synthetic_series_create(const struct tend_service_def *def, const json_t *usual,
                                                              struct tend_synthetic_series **out,
                                                              struct tend_error *error);
void tend_synthetic_series_destroy(struct tend_synthetic_series *series); ///< NULL is allowed
const struct tend_layout *tend_synthetic_series_layout(const struct tend_synthetic_series *series);
/// Mean seconds that a request usually takes.
double tend_synthetic_series_latency_s(const struct tend_synthetic_series *series);
/// Requests a second that an instance usually gets.
double tend_synthetic_series_rate(const struct tend_synthetic_series *series);
/// Whether `up` is told by a gauge: an exporter answers for the service, also when that does not.
bool tend_synthetic_series_has_exporter(const struct tend_synthetic_series *series);

/// @param seed  of the small noise
TEND_MUST_CHECK enum tend_status tend_synthetic_row_create(const struct tend_synthetic_series *series, uint64_t seed,
                                                           struct tend_synthetic_row **out);
void tend_synthetic_row_destroy(struct tend_synthetic_row *row);
/// Lets time pass: counters go on.
void tend_synthetic_row_advance(struct tend_synthetic_row *row, const struct tend_signals *signals, double seconds);
void tend_synthetic_row_restart(struct tend_synthetic_row *row); ///< counters begin at 0
/// What a scrape finds now: a value for each column; borrowed until the next call.
const double *tend_synthetic_row_values(struct tend_synthetic_row *row, const struct tend_signals *signals);
