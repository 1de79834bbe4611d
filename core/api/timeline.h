#pragma once
/// Timeline: what happened, a line an event, in the order of the wall clock (and of the records where it ties).

#include "base/json.h"
#include "journal/record.h"

/// @param records  of one incident, in order of number, borrowed
/// @return [{at, after_s, text}]; the caller's reference, NULL: out of memory
json_t *tend_timeline(const struct tend_record *records, size_t count, int64_t opened_wall_ms);
