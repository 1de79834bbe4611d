#pragma once
/// Alert table: every alert of a simulation's page in words and figures, behind a line to open it. Threads: none.

#include "base/buffer.h"
#include "base/json.h"

enum { TEND_ALERT_TABLE_ROWS_MAX = 500 };

/// Appends a `<details>`; nothing when there was no alert. Of more than TEND_ALERT_TABLE_ROWS_MAX the rest is counted.
/// @param document  driver/sim/simulation_report.h
void tend_alert_table(struct tend_buffer *out, const json_t *document);
