#pragma once
/// Progress bar: one line on a terminal's stderr that says how far a long command is; on anything else nothing.
///
/// Drawn ten times a second at most, and wiped at the end, so that what is printed after it stands alone. Ownership:
/// plain values. Threads: one.

#include <stdbool.h>
#include <stdint.h>

struct tend_progress_bar {
    const char *what; ///< "replaying"; borrowed
    bool is_terminal, is_drawn;
    int64_t drawn_ms; ///< on CLOCK_MONOTONIC
};

struct tend_progress_bar tend_progress_bar_begin(const char *what);
/// @param share  0 to 1  @param at_wall_ms  the time that was come to, milliseconds since 1970; negative: none is shown
void tend_progress_bar_show(struct tend_progress_bar *bar, double share, int64_t at_wall_ms);
void tend_progress_bar_end(struct tend_progress_bar *bar); ///< Wipes the line; may be called twice.
