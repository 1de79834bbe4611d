#pragma once
/// Simulate text: the report of a simulation (driver/sim/simulation_report.h), for terminals.

#include "base/buffer.h"
#include "base/json.h"

/// Appends it; the buffer is `failed` when there was no memory.
void tend_simulate_text_format(const json_t *report, struct tend_buffer *out);
