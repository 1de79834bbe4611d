#pragma once
/// Moment: a time of the past or the future as people and programs write it.
///
/// ISO 8601 (`2026-03-02T10:00:05.250Z`, `2026-03-02 10:00+01:00`, `2026-03-02`), with "T" or a blank, seconds and
/// their fraction optional, the zone as Z or an offset, or a count since 1970 (`1772445600`, `1772445600.25`,
/// `1772445600000`). What a number counts follows from its size: seconds below 10^11, milliseconds below 10^14,
/// microseconds below 10^17, else nanoseconds, which is right from March 1973 to 5138 for all four.
/// Units: `_ms` since 1970 in UTC.

#include "base/status.h"
#include "parse/zone.h"

#include <stdint.h>

/// @param zone  of a time without one; NULL: UTC. Of an hour that comes twice the first is meant
/// @param[out] out_ms  set on success, rounded down to a millisecond
/// @param[out] error  `"2026-13-01" is no time; write it like 2026-03-02T10:00:05Z`; NULL is allowed
/// @return TEND_OK or TEND_E_INVALID (also years before 1970 or after 9999)
TEND_MUST_CHECK enum tend_status tend_moment_parse(const char *text, size_t bytes, const struct tend_zone *zone,
                                                   int64_t *out_ms, struct tend_error *error);

/// How a time is written.
enum tend_moment_form {
    TEND_MOMENT_ANY, ///< none was seen yet
    TEND_MOMENT_DATE,
    TEND_MOMENT_SECONDS,
    TEND_MOMENT_MILLISECONDS,
    TEND_MOMENT_MICROSECONDS,
    TEND_MOMENT_NANOSECONDS,
};

/// The same for one of the times of a file, which are all written one way: a number that lost a digit would else be
/// another time.
/// @param[in,out] form  of the times before it, TEND_MOMENT_ANY for the first; set on success
/// @param[out] error  also `"1772445600" is another kind of time than those before it: seconds, not a date`
TEND_MUST_CHECK enum tend_status tend_moment_parse_alike(const char *text, size_t bytes, const struct tend_zone *zone,
                                                         enum tend_moment_form *form, int64_t *out_ms,
                                                         struct tend_error *error);

/// A number that JSON has of a time, read as its text would be. @return TEND_OK or TEND_E_INVALID
TEND_MUST_CHECK enum tend_status tend_moment_of_number(double number, int64_t *out_ms, struct tend_error *error);
