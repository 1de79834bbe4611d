#pragma once
/// Incident span: which incident of a state directory's journal is meant, and from when to when it went.
///
/// Times are engine time, as recordings have them. Threads: one.

#include "driver/live/journal.h"

struct tend_incident_span {
    char id[24];
    int64_t first_ms; ///< the first sample out of line of its alerts, or its opening when that is earlier
    int64_t opened_ms;
    int64_t opened_wall_ms;
    int64_t ended_ms; ///< INT64_MAX: it is still open
};

/// @param name  an incident's id, or "last": the newest one
/// @return TEND_OK; TEND_E_INVALID: there is no such incident, the error names those that are; else as journal.h says
TEND_MUST_CHECK enum tend_status tend_incident_span_find(struct tend_journal *journal, const char *name,
                                                         struct tend_incident_span *out, struct tend_error *error);
/// Whether a word of a command line can be an incident: "last", or "i" and a number.
bool tend_incident_span_is_name(const char *word);
