#pragma once
/// Post-mortem case: the files of an incident that was exported, read and made evidence of.
///
/// Units: seconds since 1970. Ownership: the evidence is the caller's. Threads: none shared.

#include "base/status.h"

#include <jansson.h>
#include <stdbool.h>

/// Which files to read. All strings are borrowed for the call.
struct tend_post_mortem_files {
    const char *dir;     ///< of a case: metrics.csv, alarm.json and perhaps logs.csv.gz or logs.csv; NULL: the others
    const char *metrics; ///< used when there is no dir
    const char *logs;    ///< CSV, gzipped or not; NULL: those of the case, if any
    const char *topology; ///< {"edges": [[caller, callee], …]} or the list; NULL: DIR/../../system/SYSTEM/topology.json
    double at_s;          ///< of the onset; NaN: as alarm.json has it, else it is looked for
    double around_s;      ///< the onset is looked for that far around the known time; 0: it is taken as it is
    bool is_unknown;      ///< the time in alarm.json is not to be read either
};

/// @param[out] evidence  the document of locate/post_mortem.h, with "logs" when there are some
/// @param[out] error  "FILE:LINE: what is wrong"
/// @return TEND_OK, TEND_E_INVALID, TEND_E_LIMIT, TEND_E_IO or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_post_mortem_case_read(const struct tend_post_mortem_files *files,
                                                            json_t **evidence, struct tend_error *error);
