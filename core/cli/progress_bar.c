#include "cli/progress_bar.h"

#include "base/buffer.h"
#include "cli/terminal.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { CELLS = 30, PERIOD_MS = 100 };

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct tend_progress_bar tend_progress_bar_begin(const char *what)
{
    return (struct tend_progress_bar){ .what = what, .is_terminal = isatty(STDERR_FILENO) == 1 };
}

void tend_progress_bar_show(struct tend_progress_bar *bar, double share, int64_t at_wall_ms)
{
    if (!bar->is_terminal) {
        return;
    }
    const int64_t at_ms = now_ms();
    if (at_ms - bar->drawn_ms < PERIOD_MS) {
        return;
    }
    bar->drawn_ms = at_ms;
    bar->is_drawn = true;
    const double kept = share > 0.0 ? (share < 1.0 ? share : 1.0) : 0.0;
    const int full = (int)(kept * CELLS);
    struct tend_buffer line;
    tend_buffer_init(&line);
    tend_buffer_printf(&line, "\r\x1b[K%s [", bar->what);
    for (int i = 0; i < CELLS; i++) {
        tend_buffer_put_text(&line, i < full ? "━" : " ");
    }
    tend_buffer_printf(&line, "] %3.0f %%", kept * 100.0);
    if (at_wall_ms >= 0) {
        tend_buffer_put_text(&line, "  ");
        tend_terminal_put_time(&line, at_wall_ms);
    }
    (void)fputs(tend_buffer_text(&line), stderr);
    (void)fflush(stderr);
    tend_buffer_clear(&line);
}

void tend_progress_bar_end(struct tend_progress_bar *bar)
{
    if (bar->is_drawn) {
        (void)fputs("\r\x1b[K", stderr);
        (void)fflush(stderr);
        bar->is_drawn = false;
    }
}
