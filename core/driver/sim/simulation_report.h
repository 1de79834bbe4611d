#pragma once
// clang-format off
/// Simulation report: what rules did over the past or the imagined, as one JSON document, from which the terminal's text,
/// `--json` and the HTML page are made.
///
/// Times are milliseconds of engine time; values in the metric's base unit; a missing value is null.
/// { "title": text, "source": {"kind": "csv"|"prometheus"|"recording"|"scenario"|"replay", "text": what it was},
///   "tend": version, "generation": hash, "from_ms", "until_ms",
///   "services": [{"name", "instances": n, "depends": [name]}],
///   "metrics": [{"service", "instance": ""|name, "metric", "unit", "bad": "above"|"below"|"both", "alpha",
///                "points": [[at_ms, P|null, E|null, limit_low|null, limit_high|null]]}],   at most 2000 points each: where
///                there were more, each is the one of its stretch with the highest A, so that no peak is lost
///   "alerts": [{"rule", "service", "instance", "severity", "fired_ms", "resolved_ms"|null, "P", "E", "F", "A", "alpha", "summary",
///               "incident"}],
///   "incidents": [{"id", "opened_ms", "ended_ms"|null, "severity", "services": [name], "outcome": text|null,
///                  "culprits": [{"service", "confidence", "reasons": [text]}],
///                  "decisions": [{"at_ms", "service", "what", "playbook", "reason", "text"}],
///                  "runs": [{"id", "playbook", "service", "dry", "began_ms", "ended_ms"|null, "outcome",
///                            "steps": [{"at_ms", "ended_ms"|null, "verb", "instance", "outcome", "text"}]}],
///                  "label": index in labels | null}],
///   "pages": [{"at_ms", "notify", "incident", "text"}],
///   "labels": [{"from_ms", "until_ms", "what", "service": text|null, "found": bool, "delay_s": n|null}],   real incidents
///   "learned": [{"service", "metric", "from_ms", "trusted_ms"|null}],   metrics of services that learn from their past: the
///                first value, and the first for which anything was expected
///   "missing": [text],            series that were selected and that the source lacks, by name
///   "rules_off": [{"at_ms", "rule", "text"}],                    rules that raised and were switched off
///   "sums": {"samples", "ticks", "alerts", "incidents", "recovered", "acts", "would_act", "refusals": {reason: n},
///            "false_alarms": n|null, "found": n|null, "missed": n|null, "delay_median_s": n|null,
///            "recover_median_s": n|null, "cpu_s"},
///   "expectations": [{"text", "held": bool}],   of the rules' author (a scenario's check, invariants)
///   "what_if": [] or [{"name": "do nothing", "recovered_s": n|null, "errors": n, "acts": n, "outcome", "story": [text]}] }
// clang-format on

#include "base/json.h"
#include "driver/sim/simulation.h"

enum { TEND_REPORT_POINTS_MAX = 2000 }; ///< of a metric

struct tend_report_builder;

struct tend_report_options {
    const char *title;
    const char *source_kind;
    const char *source_text;
    const char *generation;
};

/// Begins a report. Feed it after each step of a simulation (tend_simulation_watch); it reads the engine and the
/// records.
TEND_MUST_CHECK enum tend_status tend_report_create(const struct tend_report_options *options,
                                                    struct tend_report_builder **out);
/// Takes up what the simulation did since the last look: new records, and P, E and the limits of all metrics.
/// @param context  the struct tend_report_builder, so that tend_simulation_watch takes this function
void tend_report_look(void *context, const struct tend_simulation *simulation);
/// The document; a new reference. The caller adds labels, missing, expectations and what_if (here: empty), and `cpu_s`.
json_t *tend_report_document(const struct tend_report_builder *builder);
void tend_report_destroy(struct tend_report_builder *builder); ///< NULL is allowed
