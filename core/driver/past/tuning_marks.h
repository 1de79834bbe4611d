#pragma once
/// Tuning marks: which alarms fell within incidents that were marked as real, and how soon those were found.
///
/// An alarm belongs to a mark when it fired at some time within it and, where the mark names a service, when its
/// service is that one or depends on it, over however many others. Ownership: who creates destroys. Threads: none.

#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tend_tuning_marks;

/// @param labels  as of tend_incident_labels_read; NULL: none
/// @param services  of a report: [{"name", "depends": [name]}]
/// @return NULL: out of memory
struct tend_tuning_marks *tend_tuning_marks_create(const json_t *labels, const json_t *services);
void tend_tuning_marks_destroy(struct tend_tuning_marks *marks); ///< NULL is allowed
size_t tend_tuning_marks_count(const struct tend_tuning_marks *marks);

/// Forgets which marks were found.
void tend_tuning_marks_begin(struct tend_tuning_marks *marks);
/// Takes an alarm. @param ended_ms  INT64_MAX: it fires still  @return whether it belongs to a mark
bool tend_tuning_marks_take(struct tend_tuning_marks *marks, const char *service, int64_t fired_ms, int64_t ended_ms);
/// How many marks were found since the beginning. @param[out] delay_s  the median, NaN when none was: from the mark's
/// beginning to the first alarm, 0 when that fired before
size_t tend_tuning_marks_found(const struct tend_tuning_marks *marks, double *delay_s);
