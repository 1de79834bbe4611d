#pragma once
/// Wall time: milliseconds since 1970 as text, in UTC, as RFC 3339 has it.

#include "base/json.h"

#include <stdint.h>

#define TEND_WALL_TIME_BYTES 32

/// "2026-01-31T09:05:07.250Z". @return out
const char *tend_wall_time_format(int64_t wall_ms, char out[TEND_WALL_TIME_BYTES]);
/// The same as JSON; null for a negative time. NULL: out of memory.
json_t *tend_wall_time_json(int64_t wall_ms);
