#pragma once
/// Post-mortem: what exported data says of an incident, column by column, as a document that a ranking can be made of.
///
/// The document: {"onset_s", "step_s", "rows", "services": [name], "idle": [name] (never called), "lasting": {name:
/// columns that go on though nobody calls}, "flows": {name: columns of what comes and goes while it works}, "timed":
/// {name: true} (has a latency of its own), "symptom": service (that raised the alarm, if known), "edges": [[caller,
/// callee]], "views": [{"onset_s", "weight", "live_rows", "columns": [{"service" or "caller" and "callee", "metric",
/// "kind", "up", "down" (points), "before", "after", "coverage", "live", "onset_s", "own", "turned", "server": true,
/// "way": true, "mean": true, "made", "silence", "left"}]}]}. "left" is how much there is of a column that collapsed,
/// for 1 of the least that health shows. A view is what the columns say if the onset was then: it is never quite known,
/// so a few moments are looked at, the likeliest first. Columns without any points are left out. Units: seconds since
/// 1970. Ownership: the document is the caller's. Threads: none shared.

#include "locate/metric_frame.h"

#include <jansson.h>

struct tend_post_mortem_options {
    double alarm_s;              ///< when trouble began, as far as is known; NaN: it is looked for
    double uncertainty_s;        ///< the onset is looked for that far around the alarm
    const char *symptom_service; ///< whose symptom raised the alarm; NULL: not known
    const json_t *edges;         ///< [[caller, callee], …] or NULL; what is no such pair is passed over
};

/// @param frame  is changed: rows are joined, success becomes failure
/// @return TEND_OK, TEND_E_INVALID (too few rows before or after the alarm) or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_post_mortem_evidence(struct tend_metric_frame *frame,
                                                           const struct tend_post_mortem_options *options, json_t **out,
                                                           struct tend_error *error);
