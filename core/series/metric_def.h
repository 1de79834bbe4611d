#pragma once
/// Metric definition: where a metric of a service comes from, what is expected of it, and where it is out of line.
///
/// One entry of a service's `metrics` table, resolved (inheritance done) and in base units: seconds, bytes, ratios.
/// Ownership: plain data in a ruleset's arena; selectors belong to the ruleset.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tend_selector;
struct tend_zone;

enum tend_metric_kind {
    TEND_METRIC_GAUGE,    ///< mean of the window's samples, over series and instances
    TEND_METRIC_RATE,     ///< increase per second over the window, summed over series
    TEND_METRIC_MEAN,     ///< increase of NAME_sum over increase of NAME_count
    TEND_METRIC_QUANTILE, ///< of the increases of NAME_bucket, as PromQL's histogram_quantile
    TEND_METRIC_SHARE,    ///< sources[0] over sources[1]: rates where they are counters, else gauges
    TEND_METRIC_AGE,      ///< wall time less the newest timestamp that the series hold
    TEND_METRIC_CHANGES,  ///< how often a value of the series became another within the window, summed over series
    TEND_METRIC_UP,       ///< 1 when the newest scrape was good, else 0; with a source: and that gauge's newest value
    TEND_METRIC_SCRAPE_DURATION, ///< seconds that the newest scrape took, good or not
};

enum tend_bad { TEND_BAD_ABOVE, TEND_BAD_BELOW, TEND_BAD_BOTH };

enum tend_expect_kind {
    TEND_EXPECT_NONE,    ///< evidence only: P is kept, E F A are NaN
    TEND_EXPECT_VALUE,   ///< `expect_value`
    TEND_EXPECT_PEERS,   ///< mean of P over peers
    TEND_EXPECT_LAST,    ///< mean of the metric's own last `expect_samples` values of P, before this one
    TEND_EXPECT_LEARNED, ///< what is usual at this time, learned from its own past (deviation/baseline.h)
};

struct tend_metric_def {
    const char *name;
    const struct tend_selector
        *sources[2]; ///< MEAN: NAME_sum, NAME_count; QUANTILE: NAME_bucket; SHARE: both; else [0]
    enum tend_metric_kind kind;
    enum tend_bad bad;
    enum tend_expect_kind expect;
    uint32_t min_samples;    ///< fewer good scrapes in the window than this: too few samples
    bool source_is_gauge[2]; ///< SHARE only: take the newest value, not the increase
    bool peers_with_self;    ///< PEERS: the mean is over itself too
    uint16_t season_hours;   ///< LEARNED: 0 (none), 24 or 168
    double quantile;         ///< QUANTILE only, 0 to 1
    double expect_value;     ///< VALUE
    size_t expect_samples;   ///< LAST
    const char *peers_among; ///< PEERS: a group whose services are the peers; NULL: the instances of the service
    double alpha;            ///< threshold on F; NaN when `out_at` is given; LEARNED with neither: detectors judge
    double out_at;           ///< the same limit in the metric's unit; NaN when `alpha` is given
    double floor;            ///< smallest scale that matters, > 0 or 0 for none
    const char *unit;        ///< "s", "bytes", "ratio", "/s" or another; "" for none
    int64_t window_ms;       ///< what it looks at; 0: as long as its service says
    int64_t ahead_ms;        ///< how far ahead rules want to see, the least of them; 0: none asks for a forecast

    // LEARNED:
    const struct tend_zone *zone; ///< whose hours
    const char *zone_name;        ///< of it, as rules call it
    const char *given;            ///< the metric of the same service whose value is the load; NULL: none, and no season
    size_t given_metric;          ///< its number among the service's
};
