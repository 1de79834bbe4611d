// inotify knows one directory at a time: each is watched, and looked for anew before each play, as directories come and
// go. An editor writes a file in several steps, so all that comes within a moment is one change.

#include "cli/test_watch.h"

#include "base/status.h"
#include "cli/command.h"
#include "cli/terminal.h"

#include <errno.h>
#include <fts.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOMENT_MS = 100 };

static bool watch_all(int watching, const char *dir)
{
    char *path = strdup(dir);
    char *const paths[] = { path, NULL };
    FTS *walk = path == NULL ? NULL : fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    bool watched = false;
    for (const FTSENT *entry = NULL; walk != NULL && (entry = fts_read(walk)) != NULL;) {
        if (entry->fts_info == FTS_D) {
            watched |= inotify_add_watch(watching, entry->fts_accpath,
                                         IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE) >= 0;
        }
    }
    if (walk != NULL) {
        (void)fts_close(walk);
    }
    free(path);
    return watched;
}

// Waits for a change, and for the quiet after it. @return false: it cannot be waited for
static bool wait_for_change(int watching)
{
    struct pollfd waiting = { .fd = watching, .events = POLLIN };
    char events[4096];
    int timeout_ms = -1;
    for (;;) {
        const int ready = poll(&waiting, 1, timeout_ms);
        if (ready == 0) {
            return true;
        }
        if (ready < 0 || read(watching, events, sizeof events) <= 0) {
            return false;
        }
        timeout_ms = MOMENT_MS;
    }
}

static bool play_apart(int watching, int (*play)(void *context), void *context)
{
    (void)fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        (void)close(watching);
        const int status = play(context);
        (void)fflush(NULL);
        _exit(status);
    }
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child;
}

int tend_test_watch(const char *dir, int (*play)(void *context), void *context)
{
    const int watching = inotify_init1(IN_CLOEXEC);
    bool goes_on = watching >= 0;
    while (goes_on) {
        if (isatty(STDOUT_FILENO)) {
            (void)fputs("\033[H\033[2J\033[3J", stdout);
        }
        goes_on = watch_all(watching, dir) && play_apart(watching, play, context);
        if (goes_on) {
            (void)puts("waiting for a change; Ctrl-C ends");
            (void)fflush(stdout);
            goes_on = wait_for_change(watching);
        }
    }
    tend_terminal_complain("%s: cannot be watched: %s", dir,
                           strerror(errno)); // NOLINT(concurrency-mt-unsafe): one thread
    if (watching >= 0) {
        (void)close(watching);
    }
    return TEND_EXIT_TROUBLE;
}
