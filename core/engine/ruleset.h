#pragma once
/// Ruleset: one generation of rules, as plain data: what the evaluator said that the user's Lua declares.
///
/// Made from the generation document (JSON, see ARCHITECTURE.md), which is checked here like any input: types, ranges,
/// indexes. Inheritance was resolved before: each definition is whole. Functions stay in the evaluator and are called
/// by index. Units: `_ms` milliseconds, ratios 0 to 1; metric values in base units. Ownership: the ruleset owns
/// everything it points to; it is immutable once made. Threads: any may read it.

#include "alert/alert.h"
#include "base/arena.h"
#include "base/json.h"
#include "base/status.h"
#include "engine/calendar.h"
#include "parse/selector.h"
#include "playbook/limits.h"
#include "series/metric_def.h"

#include <stdbool.h>
#include <stdint.h>

struct tend_rule_def {
    const char *name;
    const char *at;      ///< "shop.lua:12", for messages
    const char *summary; ///< template with {…}, or ""
    const char *runbook; ///< a link, or ""
    bool per_instance;
    const char *metric; ///< `when = "memory"`: decided in C; NULL: a function in the evaluator
    uint32_t kinds;     ///< for a rule on `up`: bit 1 << enum tend_scrape_kind of those failures that may act
};

/// A rule as it holds for one service (its overrides applied).
struct tend_rule_binding {
    uint32_t rule; ///< index in tend_ruleset.rules
    int64_t fire_after_ms;
    double clear_below;
    int64_t ahead_ms; ///< a good forecast that it will be out of line in so long counts as out; 0: none does
    int64_t clear_after_ms;
    enum tend_missing_policy missing;
    const char *severity;
    bool act;
};

/// Log files of a service, tailed where tend runs.
struct tend_log_def {
    const char **files; ///< absolute globs; "{service}" stands for the service's name
    size_t file_count;
    const char **masks; ///< regular expressions (parse/mask_pattern.h) of what is secret in their lines
    size_t mask_count;
    bool plain; ///< lines are no JSON, whatever they look like
};

/// Where a target tells who calls whom: each series that is selected and grows is an edge.
struct tend_edge_def {
    const struct tend_selector *series;
    const char *from; ///< the label that names the caller; NULL: the service that is scraped
    const char *to;   ///< the label that names the callee; NULL: the service that is scraped
};

/// A service, or what discovery makes into services ("template").
struct tend_service_def {
    const char *name;
    const char *at;
    const char **groups; ///< all groups it is in, "*" first
    size_t group_count;
    const char **targets; ///< static URLs; both zero for a template
    size_t target_count;
    bool watched; ///< false: `targets = {}`, known but not watched
    int64_t every_ms;
    int64_t window_ms;
    int64_t keep_ms; ///< the longest of it and the windows of its metrics
    int64_t timeout_ms;
    int64_t gone_ms; ///< people are told when discovery has not listed it for so long; 0: they are not
    const struct tend_calendar *awake; ///< outside it nothing is judged, learned or acted on; NULL: around the clock
    const char **depends;
    size_t depend_count;
    const struct tend_selector *version_series; ///< NULL: versions are not known
    const char *version_label;
    const struct tend_metric_def *metrics; ///< sorted by name; `up` is always there
    size_t metric_count;
    const struct tend_rule_binding *rules;
    size_t rule_count;
    const uint32_t *remedies; ///< indexes in tend_ruleset.playbooks
    size_t remedy_count;
    struct tend_limits limits; ///< all given: the charter's where the user gave none
    const char **verbs;        ///< what its controls can do: "restart", "drain" …
    size_t verb_count;
    const struct tend_selector **record; ///< more series to keep in the window
    size_t record_count;
    struct tend_log_def logs;          ///< no files: its log is not read
    const struct tend_edge_def *edges; ///< their series are recorded too
    size_t edge_count;
};

/// Where services come from at run time: every value of `service_label` is a service made from `template_def`, or from
/// the override whose name it is.
struct tend_discovery_def {
    const char *at;
    const char **globs; ///< file_sd files; `*` in the last path element only
    size_t glob_count;
    const char *service_label;
    const struct tend_service_def *template_def;
    const struct tend_service_def *const *overrides;
    size_t override_count;
};

struct tend_playbook_def {
    const char *name;
    const char *at;
    int64_t within_ms;
    struct tend_limits limits;
    bool has_when;
    const char **also; ///< other services it may touch
    size_t also_count;
};

struct tend_group_def {
    const char *name;
    double at_once;  ///< NaN: no limit of this group's own
    double per_hour; ///< NaN: none
};

struct tend_notify_def {
    const char *name;
    const char **on; ///< services and groups
    size_t on_count;
    const char **severities;
    size_t severity_count;
    int64_t again_ms;                    ///< 0: once
    const struct tend_calendar *during;  ///< it hears of nothing outside of them; NULL: around the clock
    const struct tend_calendar *outside; ///< nor within these
    size_t to_count;                     ///< how many ways, tried in order
};

/// A silence of the rules: once (from, till), again and again (during, outside), or both.
struct tend_silence_def {
    const char *name;
    const char *at;
    const char **on; ///< services and groups
    size_t on_count;
    const struct tend_calendar *during;
    const struct tend_calendar *outside;
    int64_t from_ms; ///< wall time; 0: from ever on
    int64_t till_ms; ///< INT64_MAX: for ever, so there are hours
    const char *why; ///< ""
};

/// A time zone by the name that rules call it.
struct tend_named_zone {
    const char *name;
    struct tend_zone *zone;
};

struct tend_ruleset {
    struct tend_arena arena;
    char hash[65]; ///< SHA-256 over sources, env and the standard library
    json_t *document;
    struct tend_service_def *services;
    size_t service_count;
    struct tend_discovery_def *discoveries;
    size_t discovery_count;
    struct tend_rule_def *rules;
    size_t rule_count;
    struct tend_playbook_def *playbooks;
    size_t playbook_count;
    struct tend_group_def *groups;
    size_t group_count;
    struct tend_notify_def *notifies;
    size_t notify_count;
    struct tend_silence_def *silences;
    size_t silence_count;
    struct tend_selector **selectors; ///< owned; what definitions point to
    size_t selector_count;
    struct tend_named_zone *zones; ///< owned; what calendars point to
    size_t zone_count;
};

/// Makes a ruleset of a generation document that has no errors. @param document  shared (a reference is taken)
/// @param hash  64 hex digits  @return TEND_OK, TEND_E_NOMEM or TEND_E_INVALID with the error set
TEND_MUST_CHECK enum tend_status tend_ruleset_create(json_t *document, const char *hash, struct tend_ruleset **out,
                                                     struct tend_error *error);
void tend_ruleset_destroy(struct tend_ruleset *ruleset); ///< NULL is allowed

/// The hash a person arms: over the playbook's source generation part, its limits and the env that reaches it.
/// Two generations in which nothing that matters to the playbook changed give the same hash. @param out 64 hex and NUL
void tend_ruleset_playbook_hash(const struct tend_ruleset *ruleset, size_t playbook, char out[65]);
