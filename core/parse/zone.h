#pragma once
/// Zone: what the clocks of a time zone show at a moment, from the bytes of a TZif file (RFC 8536).
///
/// All changes up to the end of TEND_ZONE_LAST_YEAR are worked out when the zone is made, so a lookup is a search in a
/// table. Not through the C library: it knows one zone at a time, by a variable of the environment that other threads
/// read (libcurl's resolver does).
/// Units: `_ms` milliseconds of wall time since 1970 in UTC, offsets seconds east of it. Ownership: who makes a zone
/// destroys it. Threads: any may read it; it never changes.

#include "base/status.h"
#include "parse/hours.h"

#include <stdint.h>

#define TEND_ZONE_LAST_YEAR 2100 ///< from then on the last offset stays

struct tend_zone;

/// Reads a TZif file of version 2 or newer that counts no leap seconds.
/// @param[out] out  set on success, else left as it was
/// @param[out] error  on failure what is wrong with the bytes; NULL is allowed
/// @return TEND_OK, TEND_E_INVALID or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_zone_parse(const char *bytes, size_t count, struct tend_zone **out,
                                                 struct tend_error *error);
/// Makes a zone whose clocks never change: UTC is 0. @return TEND_OK or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_zone_create_fixed(int32_t offset_s, struct tend_zone **out);
void tend_zone_destroy(struct tend_zone *zone); ///< NULL is allowed

int32_t tend_zone_offset_s(const struct tend_zone *zone, int64_t wall_ms);
/// The local day and minute at a moment.
struct tend_local_time tend_zone_local(const struct tend_zone *zone, int64_t wall_ms);
