#pragma once
/// Report records: what a report tells of alerts, incidents, runs, steps and pages, gathered from records as they come.
///
/// Ownership: who creates, destroys. Threads: none.

#include "base/json.h"
#include "journal/record.h"

struct tend_report_records;

struct tend_report_records *tend_report_records_create(void);          ///< NULL: out of memory
void tend_report_records_destroy(struct tend_report_records *records); ///< NULL is allowed

/// Takes the next record up. @param record  borrowed for the call
void tend_report_records_take(struct tend_report_records *records, const struct tend_record *record);

/// "alerts", "incidents", "pages", "rules_off" and "sums" (without samples, ticks, labels and CPU time) of
/// driver/sim/simulation_report.h; a new reference.
json_t *tend_report_records_document(const struct tend_report_records *records);
