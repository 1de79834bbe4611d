#include "cli/simulate_progress.h"

#include "cli/terminal.h"

#include <stdio.h>
#include <unistd.h>

enum { BAR_CELLS = 30 };

void tend_simulate_progress(void *context, double done, int64_t at_ms)
{
    (void)context;
    if (isatty(STDERR_FILENO) == 0) {
        return;
    }
    const int full = done <= 0 ? 0 : done >= 1 ? BAR_CELLS : (int)(done * BAR_CELLS);
    char bar[BAR_CELLS + 1];
    for (int i = 0; i < BAR_CELLS; i++) {
        bar[i] = i < full ? '#' : '.';
    }
    bar[BAR_CELLS] = '\0';
    struct tend_buffer when;
    tend_buffer_init(&when);
    tend_terminal_put_time(&when, at_ms);
    (void)fprintf(stderr, "\r[%s] %3.0f %%  %s\x1b[K", bar, done * 100.0, tend_buffer_text(&when));
    (void)fflush(stderr);
    tend_buffer_clear(&when);
}

void tend_simulate_progress_end(void)
{
    if (isatty(STDERR_FILENO) != 0) {
        (void)fputs("\r\x1b[K", stderr);
    }
}
