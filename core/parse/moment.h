#pragma once
/// Moment: a time of the past or the future as people and programs write it.
///
/// ISO 8601 (`2026-03-02T10:00:05.250Z`, `2026-03-02 10:00+01:00`, `2026-03-02`), with "T" or a blank, seconds and
/// their fraction optional, the zone as Z or an offset, or seconds or milliseconds since 1970 (`1772445600`,
/// `1772445600.25`, `1772445600000`: a number from 10^11 on counts milliseconds). Units: `_ms` since 1970 in UTC.

#include "base/status.h"
#include "parse/zone.h"

#include <stdint.h>

/// @param zone  of a time without one; NULL: UTC. Of an hour that comes twice the first is meant
/// @param[out] out_ms  set on success, rounded down to a millisecond
/// @param[out] error  `"2026-13-01" is no time; write it like 2026-03-02T10:00:05Z`; NULL is allowed
/// @return TEND_OK or TEND_E_INVALID (also years before 1970 or after 9999)
TEND_MUST_CHECK enum tend_status tend_moment_parse(const char *text, size_t bytes, const struct tend_zone *zone,
                                                   int64_t *out_ms, struct tend_error *error);
