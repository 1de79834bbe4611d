#pragma once
/// Learned text: since when what is expected of learned metrics was trusted in a past that was played, for people.

#include "base/buffer.h"
#include "base/json.h"

#include <stdbool.h>

/// Whether there is anything to tell.
bool tend_learned_text_any(const json_t *report);
/// A line for each metric of services that was not trusted from the beginning; nothing when there is none.
/// @param report  a simulation report, or what `tend tune` makes of one: its "learned", "from_ms" and "until_ms"
/// @param indent  before each line
void tend_learned_text_put(const json_t *report, const char *indent, struct tend_buffer *out);
