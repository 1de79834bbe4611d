#pragma once
/// Simulate progress: a bar on stderr while a history is played, where stderr is a terminal; else nothing at all.

#include <stdint.h>

/// As tend_rehearsal_options.on_progress wants it. @param done  0 to 1
void tend_simulate_progress(void *context, double done, int64_t at_ms);
void tend_simulate_progress_end(void); ///< Takes the bar away.
