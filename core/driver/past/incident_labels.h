#pragma once
/// Incident labels: which incidents there really were, from a file, and how a report's incidents compare with them.
///
/// The file is CSV with the header `from,to,what` or `from,to,what,service`; times as parse/moment.h reads them, an
/// empty `to` means until the end, an empty service any. A label is found when an incident of the report was open at
/// some time within it and, where it names a service, has that service among its own. The delay is from the label's
/// beginning to the first alert of such an incident; 0 when that fired before. An incident that belongs to no label is
/// a false alarm. Ownership: what comes out is the caller's. Threads: none.

#include "base/json.h"
#include "base/status.h"
#include "parse/zone.h"

/// @param zone  of times without one; NULL: UTC
/// @param[out] labels  [{"from_ms", "until_ms"|null, "what", "service": text|null}]; a new reference
/// @return TEND_OK, TEND_E_IO, TEND_E_INVALID (`FILE:LINE: …`), TEND_E_LIMIT or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_incident_labels_read(const char *path, const struct tend_zone *zone,
                                                           json_t **labels, struct tend_error *error);

/// Compares: sets "labels" of the report, "label" of its incidents, and of its sums "found", "missed", "false_alarms"
/// and "delay_median_s".
void tend_incident_labels_compare(const json_t *labels, json_t *report);
