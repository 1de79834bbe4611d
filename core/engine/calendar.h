#pragma once
/// Calendar: hours in a time zone: whether a moment lies within them.
///
/// A zone is read from the machine's tzdata when rules are loaded, and is a table from then on: what is asked of a
/// calendar in a step of the engine reads no clock and no file. By the clock on the wall: hours that the zone skips in
/// spring never hold, those that it repeats in autumn hold twice.
/// Units: `_ms` milliseconds of wall time. Ownership: a calendar borrows its zone.

#include "base/status.h"
#include "parse/hours.h"
#include "parse/zone.h"

#include <stdbool.h>
#include <stdint.h>

struct tend_calendar {
    struct tend_hours hours;
    const struct tend_zone *zone;
};

bool tend_calendar_contains(const struct tend_calendar *calendar, int64_t wall_ms);

/// Since when it has been as it is at a moment: the latest change at or before it, or @p least_ms when there was none
/// after that.
int64_t tend_calendar_since_ms(const struct tend_calendar *calendar, int64_t wall_ms, int64_t least_ms);

/// Reads a zone by its name, like "Europe/Berlin". "UTC" is always there.
/// @param[out] out  set on success, else left as it was
/// @param[out] error  on failure: `there is no time zone "Europe/Berln"; …`
/// @return TEND_OK, TEND_E_INVALID (no such zone), TEND_E_IO or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_calendar_read_zone(const char *name, struct tend_zone **out,
                                                         struct tend_error *error);
