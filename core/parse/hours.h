#pragma once
/// Hours: "Mon-Fri 08:00-20:00": which minutes of local time are meant.
///
/// A part is days and then spans of time: "06:00-22:00", "Mon-Fri 08:00-12:00, 13:00-17:00", "Sat,Sun 10:00-12:00",
/// "day 1 00:00-12:00", "day 1-5,15". Without days it holds on every day, without spans all day long. ";" separates
/// parts; so does "," before days that follow a span. A span that ends before it begins ends on the next day and
/// belongs to the day on which it begins: "Fri 22:00-06:00" ends on Saturday morning. The end is not part of it; 24:00
/// is the end of a day. A part for the 31st does not hold in months that have none.

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

#define TEND_HOURS_PARTS 32 ///< more spans than that are an error

struct tend_hours_part {
    uint32_t month_days;  ///< bit 1 << day, 1 to 31; 0: on any
    uint16_t from_minute; ///< of the day, 0 to 1439
    uint16_t to_minute;   ///< 1 to 1440; not above from_minute: on the next day
    uint8_t weekdays;     ///< bit 1 << weekday, Monday is 0; 0: on any
};

struct tend_hours {
    struct tend_hours_part parts[TEND_HOURS_PARTS];
    size_t count;
};

/// What the clock on the wall shows.
struct tend_local_time {
    int weekday;    ///< Monday is 0
    int day;        ///< of the month, from 1
    int day_before; ///< yesterday's day of its month
    int minute;     ///< of the day, 0 to 1439
};

/// Reads hours.
/// @param[out] out  set on success
/// @param[out] error  on failure: `"8-20" is no time span; write it like 08:00-20:00`; NULL is allowed
/// @return TEND_OK, TEND_E_INVALID or TEND_E_LIMIT (over TEND_HOURS_PARTS)
TEND_MUST_CHECK enum tend_status tend_hours_parse(const char *text, size_t bytes, struct tend_hours *out,
                                                  struct tend_error *error);

bool tend_hours_contains(const struct tend_hours *hours, const struct tend_local_time *local);
