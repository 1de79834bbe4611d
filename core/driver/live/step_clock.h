#pragma once
/// Step clock: how long each event holds the loop, from the moment it is fed to the last of its effects.
///
/// Nothing else runs on the loop meanwhile, so a scrape that is due waits as long. A step of more than 5 ms is told in
/// the log at level debug, with its parts and its CPU time: on a busy machine the difference is what others took.
/// Threads: the loop's.

#include "base/durations.h"
#include "engine/event.h"

struct tend_step_clock {
    struct tend_durations steps;
    int64_t marks_ns[3]; ///< when it was fed, recorded, decided
    int64_t fed_cpu_ns;
};

enum tend_step_mark { TEND_STEP_FED, TEND_STEP_RECORDED, TEND_STEP_DECIDED };

void tend_step_clock_mark(struct tend_step_clock *clock, enum tend_step_mark mark); ///< In this order, each once.
/// Its effects are carried out. All marks were set for it.
void tend_step_clock_end(struct tend_step_clock *clock, enum tend_event_kind kind, size_t effect_count);
