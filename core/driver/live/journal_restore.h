#pragma once
/// Journal restore: an engine gets back what its journal holds, before its first event.

#include "base/status.h"
#include "driver/live/journal.h"
#include "engine/engine.h"

/// Gives the engine the newest open record of each key, and then the steps of the runs that are open, so that they go
/// on without doing anything twice (tend_engine_restore). @return TEND_OK, or what reading the journal returned
TEND_MUST_CHECK enum tend_status tend_journal_restore_engine(struct tend_engine *engine, struct tend_journal *journal,
                                                             struct tend_error *error);
