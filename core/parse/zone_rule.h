#pragma once
/// Zone rule: how a zone changes its clocks each year from some year on: "CET-1CEST,M3.5.0,M10.5.0/3".
///
/// The TZ text of POSIX with the extensions of RFC 8536, as it stands at the end of a TZif file. Mind that POSIX counts
/// offsets westwards; here they are seconds east of UTC.

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

enum tend_zone_day_kind {
    TEND_ZONE_DAY_WEEK,      ///< Mm.w.d: the w-th weekday d of month m, the last one for w = 5
    TEND_ZONE_DAY_JULIAN,    ///< Jn: the n-th day, 1 to 365, February 29 is never counted
    TEND_ZONE_DAY_ZERO_BASED ///< n: the n-th day, 0 to 365
};

struct tend_zone_change_rule {
    enum tend_zone_day_kind kind;
    int month;    ///< WEEK: 1 to 12
    int week;     ///< WEEK: 1 to 5
    int day;      ///< WEEK: 0 is Sunday; else the day of the year
    int32_t at_s; ///< of the local day, from -167 to 167 hours
};

struct tend_zone_rule {
    int32_t standard_s;
    bool has_summer;
    int32_t summer_s;
    struct tend_zone_change_rule to_summer;
    struct tend_zone_change_rule to_standard;
};

/// @param[out] out  set on success  @return TEND_OK or TEND_E_INVALID
TEND_MUST_CHECK enum tend_status tend_zone_rule_parse(const char *text, size_t bytes, struct tend_zone_rule *out);

/// When a year's summer time begins and ends, in seconds since 1970 in UTC. Only for rules that have one.
int64_t tend_zone_rule_to_summer_s(const struct tend_zone_rule *rule, int64_t year);
int64_t tend_zone_rule_to_standard_s(const struct tend_zone_rule *rule, int64_t year);
