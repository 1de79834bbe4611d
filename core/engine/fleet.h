#pragma once
/// Fleet: the services and their instances as they are now, and where their metrics lie.
///
/// Built from a ruleset and from what discovery lists. A new generation builds a new fleet and takes over what lasts by
/// name: an instance (by URL) keeps its windows, an alert (rule, service, instance) its state, a service its guard.
/// Ownership: the fleet owns services, instances, alerts; definitions belong to the ruleset, which outlives it.
/// Units: `_ms` engine time; TEND_NEVER where nothing happened yet. A new field that does not follow from the ruleset
/// and the listings belongs in the checkpoint (checkpoint_fleet.c).

#include "alert/alert.h"
#include "base/hash_map.h"
#include "deviation/baseline.h"
#include "deviation/deviation.h"
#include "deviation/expectation.h"
#include "deviation/outlook.h"
#include "engine/event.h"
#include "engine/log_evidence.h"
#include "engine/ruleset.h"
#include "locate/topology.h"
#include "locate/trace.h"
#include "series/measure.h"
#include "series/metric_plan.h"
#include "series/series_window.h"

#define TEND_NEVER TEND_NEVER_MS

struct tend_service;

/// Why a rule takes a metric for out of line.
enum tend_latch_bit {
    TEND_LATCHED_OUT = 1,      ///< A was 1, and has not been below clear_below since
    TEND_LATCHED_FORETOLD = 2, ///< a forecast says that it will be, within the rule's `ahead`
};

/// A rule on a subject, with the latches of that rule.
struct tend_rule_alert {
    struct tend_alert alert;
    const struct tend_rule_binding *binding;
    struct tend_service *service;
    struct tend_instance *instance; ///< NULL: the service is the subject
    unsigned char *latches;         ///< one for each metric of the service: bits of enum tend_latch_bit; 0: in line
    enum tend_verdict verdict;      ///< the last one
    int64_t data_ms;                ///< of the samples that it looked at
    int64_t fired_wall_ms;
    char *incident; ///< id, while it fires in one
};

/// Where a subject's metrics lie, and since when each is out of line.
struct tend_subject {
    size_t slot;                     ///< first slot in the metric table; one a metric, in the order of the definition
    int64_t *out_since_ms;           ///< sample time since which A >= 1 without a break; TEND_NEVER: in line or no data
    int64_t learned_ms;              ///< of the newest samples that were learned from; TEND_NEVER: none
    struct tend_history **histories; ///< of metrics expected to be like their last samples, else NULL
    struct tend_trace *trace;        ///< P of its metrics; NULL of a service with one instance, whose trace is its own
    struct tend_outlook **outlooks;  ///< of metrics whose forecast some rule asks for, else NULL
    struct tend_baseline **baselines; ///< of metrics whose past says what is usual, else NULL
};

struct tend_instance {
    char *url;
    char *name; ///< "payments/127.0.0.1:9103"
    char *address;
    char *host;
    char *port;
    json_t *labels; ///< object of texts
    char *labels_text;
    char *version; ///< "" until known
    int64_t version_since_ms;
    struct tend_service *service;
    uint64_t revision;
    struct tend_series_window *window;
    struct tend_metric_plan *plan;
    struct tend_parts *parts; ///< one a metric
    struct tend_subject subject;
    double *given;                    ///< P by hand, one a metric; NULL: none was ever given
    uint8_t *given_missing;           ///< its causes, or TEND_MEASURED_AS_SCRAPED; behind `given`, in the same block
    struct tend_edge_columns *edges;  ///< which columns of the newest layout tell of edges (edges.c); NULL: none yet
    struct tend_telltales *telltales; ///< what it said of itself last (happening.h); NULL: nothing yet
    char reason[200];                 ///< of the newest scrape, when it failed
    bool dirty;                       ///< has a result that no tick has seen
};

void tend_edge_columns_destroy(struct tend_edge_columns *columns); ///< NULL is allowed

/// What lasts of a service over incidents and restarts: who was acted on, and how it went.
struct tend_guard {
    int64_t cooldown_until_ms;
    int64_t backoff_until_ms;
    int64_t counted_from_ms;         ///< runs that began before do not count for the breaker: a person closed it
    int64_t cured_ms;                ///< when its last run recovered it; TEND_NEVER: it failed, or healthy for long
    size_t failed_runs;              ///< since it was healthy for long
    int64_t runs_ms[TEND_RUNS_KEPT]; ///< when the newest runs began, newest first; TEND_NEVER: none
    bool breaker_open;
};

struct tend_service {
    char *name;
    size_t index;
    const struct tend_service_def *def;
    struct tend_instance **instances;
    size_t instance_count;
    struct tend_subject subject;
    struct tend_parts *pooled; ///< one a metric: the sums over its instances
    struct tend_rule_alert *alerts;
    size_t alert_count;
    struct tend_guard guard;
    bool dirty;
    int64_t data_ms;                ///< newest sample time of its instances
    int64_t trouble_ms;             ///< of the newest tick in which it or an instance was out of line; TEND_NEVER
    bool asleep;                    ///< outside `awake` at the newest tick
    int64_t asleep_wall_ms;         ///< of the newest tick that saw it asleep
    int64_t woke_ms;                ///< what was scraped up to then tells nothing; TEND_NEVER: it never slept
    struct tend_log_evidence *logs; ///< NULL: its log was never read
    json_t *happenings;             ///< the newest things that were done to it (happening.h); NULL: none
};

struct tend_fleet {
    struct tend_service **services;
    size_t service_count;
    struct tend_instance **instances; ///< the target table; NULL: free
    size_t instance_count;
    struct tend_hash_map *by_name; ///< service name → service
    struct tend_metric_table table;
    struct tend_topology topology; ///< over service indexes
    uint64_t revisions;            ///< last number given to a target
};

/// A target that a discovery listed, with copies of its own.
struct tend_listed {
    char *url;
    char *address;
    json_t *labels;
};

/// What one discovery listed last, kept so that a new generation starts with it.
struct tend_listing {
    char *key; ///< the globs and label of the discovery it belongs to
    struct tend_listed *targets;
    size_t count;
};

/// Builds the fleet of a ruleset. @param listings  one for each discovery of the ruleset
/// @param before  the fleet it takes over from (what lasts is moved out of it on success), or NULL
/// @param rules_before  the ruleset of @p before
///   Alerts of it that are still pending or firing afterwards have no place in the new fleet.
/// @return TEND_OK, or TEND_E_NOMEM and nothing was moved
TEND_MUST_CHECK enum tend_status tend_fleet_create(const struct tend_ruleset *ruleset,
                                                   const struct tend_listing *listings, struct tend_fleet *before,
                                                   const struct tend_ruleset *rules_before, struct tend_fleet **out);
void tend_fleet_destroy(struct tend_fleet *fleet);

struct tend_service *tend_fleet_find(const struct tend_fleet *fleet, const char *service);
struct tend_instance *tend_service_find_instance(const struct tend_service *service, const char *name);
/// The metric's place in the service's definition, or -1.
int tend_service_metric(const struct tend_service_def *def, const char *name);

/// Whether the newest scrape is of a time in which the service slept: good or failed, it tells nothing.
bool tend_instance_slept(const struct tend_instance *instance);
/// Whether the newest scrape failed; false before the first, and of one that slept.
bool tend_instance_failed(const struct tend_instance *instance);
/// Whether any metric is out of line (A >= 1), `up` included.
bool tend_subject_is_out(const struct tend_fleet *fleet, const struct tend_service_def *def,
                         const struct tend_subject *subject);
/// Largest A of a subject, 0 when nothing has any. @param[out] metric  its index, -1 when none; NULL allowed
double tend_subject_worst(const struct tend_fleet *fleet, const struct tend_service_def *def,
                          const struct tend_subject *subject, int *metric);
/// Share of instances that are out of line, 0 to 1.
double tend_service_out_share(const struct tend_fleet *fleet, const struct tend_service *service);
/// Instances that serve: their `up` is at least one half.
size_t tend_service_serving(const struct tend_fleet *fleet, const struct tend_service *service);
bool tend_instance_serves(const struct tend_fleet *fleet, const struct tend_instance *instance);
