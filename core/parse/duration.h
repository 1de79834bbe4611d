#pragma once
/// Duration: "30s", "1m30s", "1.5h", "250ms", "1d", "2w" and milliseconds.
///
/// Parts go from large to small, each unit once: w d h m s ms. Only the last part may have a fraction. A number without
/// a unit is an error that names the remedy; negative durations do not exist. At most 100 years.

#include "base/status.h"

#include <stdint.h>

#define TEND_DURATION_MAX_MS (INT64_C(100) * 365 * 24 * 3600 * 1000) ///< the longest that is taken
#define TEND_DURATION_TEXT_BYTES 48                                  ///< room that format never needs more of

/// Reads a duration.
/// @param[out] out_ms  set on success, rounded to the nearest millisecond; what is not 0 but rounds to it is an error
/// @param[out] error  on failure: `"15" has no unit; write "15s"`; NULL is allowed
/// @return TEND_OK, TEND_E_INVALID or TEND_E_LIMIT (over TEND_DURATION_MAX_MS)
TEND_MUST_CHECK enum tend_status tend_duration_parse(const char *text, size_t bytes, int64_t *out_ms,
                                                     struct tend_error *error);

/// Writes an exact form that parse reads back: 90000 is "1m30s", 0 is "0s", 1500 is "1s500ms", 129600000 is "1d12h".
/// Weeks only when nothing is left: 8 days are "8d". Negative values get a "-", which parse does not read. @return out
const char *tend_duration_format(int64_t duration_ms, char out[TEND_DURATION_TEXT_BYTES]);
