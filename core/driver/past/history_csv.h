#pragma once
/// History from a CSV file: P by hand, one row a time.
///
/// Wide: a header `time,service:metric,service/instance:metric,…` and a row for each time. Plain: `timestamp,value`
/// with or without a header, for one metric. Times as parse/moment.h reads them, all of one form, rising. An empty cell
/// or NaN is no sample; a row in which an instance has no cell at all counts for it as a scrape that brought nothing
/// only when one was due, so services of different intervals may share a file. What is due is learned from the first
/// rows (`every_ms` of instances). A column without an instance is that of instance "1".

#include "driver/past/history.h"
#include "parse/zone.h"

struct tend_history_csv_options {
    const char *path;             ///< a regular file
    const struct tend_zone *zone; ///< of times without one; NULL: UTC. Outlives the history
    const char *as;               ///< whose a plain file is: "service:metric"; NULL: the only one of `choices`
    const json_t *choices;        ///< ["service:metric"]: what it could be; borrowed for the call
};

/// Opens it, reads the header and looks at the first rows.
/// @return TEND_OK, TEND_E_IO, TEND_E_INVALID (`FILE:LINE: …`), TEND_E_LIMIT or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_history_csv_open(const struct tend_history_csv_options *options,
                                                       struct tend_history_reader *out, struct tend_error *error);
