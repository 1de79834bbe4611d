#pragma once
/// Replay text: what `tend replay` prints of a replay's report.

#include "base/buffer.h"
#include "base/json.h"

/// @param report  as tend_replay_report makes it, with {"what": "incident i3"} on top
void tend_replay_text_format(const json_t *report, struct tend_buffer *out);
/// @param change  as tend_replay_rules_play makes it, with {"what"} on top
void tend_replay_text_format_rules(const json_t *change, struct tend_buffer *out);
