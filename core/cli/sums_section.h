#pragma once
/// Sums section: what a simulation came to, as tiles at the head of its page. Threads: none.

#include "base/buffer.h"
#include "base/json.h"

/// Appends a `<section class="tiles">`. @param document  driver/sim/simulation_report.h
void tend_sums_section(struct tend_buffer *out, const json_t *document);
