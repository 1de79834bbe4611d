#pragma once
/// History from a Prometheus-compatible server: Prometheus, VictoriaMetrics, Thanos, Mimir.
///
/// The scrapes are found again as they were: `up` has one sample for each scrape of a target, at the time of its
/// samples, and each series that was in that scrape has a sample of just that time. So raw samples are asked for
/// (`selector[range]` as an instant query), never values filled in by look-back: a series without a sample at the time
/// of a scrape was not in it, and a scrape whose `up` is 0 failed. `--step` asks for `last_over_time(selector[step])`
/// over query_range instead, for servers that hold no raw samples any more; then each step is a scrape (and what
/// VictoriaMetrics hides of its last half minute is not there). What is asked for: the series that the rules' metrics
/// select, of the services that the rules watch, in pages of at most 11,000 points a series; a page that a server finds
/// too large is asked for in halves. Units: `_ms` since 1970. Threads: one; calls wait for the server (30 s a request
/// at most).

#include "driver/past/history.h"

struct tend_history_prometheus_options {
    const char *url; ///< "http://127.0.0.1:9090", "https://mimir.example.org/prometheus"; of a path and a query
    int64_t from_ms, until_ms;
    const char *service_label, *instance_label;
    const char *step;       ///< a duration, or NULL: raw samples
    const char *token_file; ///< with a bearer token, or NULL; read anew for each request
    const json_t *document; ///< the generation document: its services and the series that they select
    const char *hash;       ///< of the generation
};

/// Asks for the targets and the intervals of their scrapes.
/// @return TEND_OK, TEND_E_IO (the server's words), TEND_E_INVALID or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_history_prometheus_open(const struct tend_history_prometheus_options *options,
                                                              struct tend_history_reader *out,
                                                              struct tend_error *error);
