#pragma once
/// Kept records: what a simulation's engine wrote, read back as a start reads a journal.

#include "engine/engine.h"

/// Gives an engine back what the records hold, in the order of tend_engine_restore: the newest record of each (kind,
/// key) that is still open, then the steps of the runs among them.
void tend_kept_records_restore(struct tend_engine *engine, const struct tend_record *records, size_t count);
