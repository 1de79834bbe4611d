#pragma once
/// Chart choice: which metrics of a report are worth a chart, the most telling first.
///
/// First come metrics that were beyond a limit while there was an alert: a culprit's, then those of the alert's owner,
/// then of its service. Then come those of which data was missing while their owner had an alert, then others beyond a
/// limit, those of services that had an alert, and the rest; within each the one that was furthest beyond its limit.
/// Metrics without any data are not chosen, nor the instance's where a service has one instance only, as the service's
/// is the same. Ownership: entries are borrowed from the document. Threads: none.

#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tend_chosen_metric {
    const json_t *metric;
    bool telling; ///< some point is beyond a limit, or is missing while its owner has an alert
    int rank;     ///< lower is more telling
    double beyond;
    size_t place; ///< in the document
};

/// Ranks the metrics over a stretch of time.
/// @param services  names of those that count, or NULL for all
/// @param[out] count  of the result
/// @return an array to free(), or NULL: out of memory
struct tend_chosen_metric *tend_chart_choice(const json_t *document, int64_t from_ms, int64_t until_ms,
                                             const json_t *services, size_t *count);
