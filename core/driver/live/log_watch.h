#pragma once
/// Log watch: the log files of all services, tailed, and their lines counted by template.
///
/// Looks for files by their globs every 5 seconds and reads what is new in them twice a second, in turns of at most
/// TEND_LOG_TURN_BYTES, so that a burst of any size neither delays the loop nor takes memory: what cannot be kept up
/// with is skipped and counted (log_tail.h). Files that were there at first are read from their end, later ones from
/// their beginning; those that a rotation compressed (.gz, .xz, .bz2, .zst, .zip) are not read. Each line is masked
/// (the service's own patterns, parse/secret_mask.h, locate/log_template.h) before anything of it is kept. What was
/// counted is told each second when warnings or errors are among it, else every 5 seconds.
/// Ownership: who creates it destroys it. Threads: the loop's.

#include "base/json.h"
#include "driver/live/log_tail.h"
#include "engine/event.h"
#include "engine/ruleset.h"

struct event_base;
struct tend_log_watch;

enum {
    TEND_LOG_TURN_BYTES = 64 * 1024, ///< most that are read at a time
    TEND_LOG_FILES_MAX = 1000,       ///< followed at once
};

struct tend_log_watch_options {
    struct event_base *base; ///< NULL: nothing happens by itself; the caller makes the turns
    /// Takes what was counted, borrowed for the call; never from within create or set.
    void (*on_logs)(void *context, const struct tend_event_logs *logs);
    int64_t (*clock_ms)(void *context); ///< not called without a base
    void *context;
};

/// A service whose log is to be read.
struct tend_logging_service {
    const char *name;
    const struct tend_log_def *def;
};

TEND_MUST_CHECK enum tend_status tend_log_watch_create(const struct tend_log_watch_options *options,
                                                       struct tend_log_watch **out);
void tend_log_watch_destroy(struct tend_log_watch *watch); ///< NULL is allowed

/// Sets whose logs are read from now on; copies. One that is as it was goes on undisturbed; of others the files go on
/// where they were read to.
/// @param names  of all services, which no template makes a variable
/// @return TEND_OK or TEND_E_NOMEM, and some are not read
TEND_MUST_CHECK enum tend_status tend_log_watch_set(struct tend_log_watch *watch,
                                                    const struct tend_logging_service *services, size_t count,
                                                    const char *const *names, size_t name_count);

/// One turn. @return ms until the next is due
int64_t tend_log_watch_turn(struct tend_log_watch *watch, int64_t now_ms);

/// What is wrong with files now, as texts for people: appends "FILE: what" to the list.
void tend_log_watch_problems(const struct tend_log_watch *watch, json_t *list);

struct tend_log_watch_counts {
    struct tend_log_counts read; ///< of all files since the start
    size_t files;                ///< followed now
};
struct tend_log_watch_counts tend_log_watch_counts(const struct tend_log_watch *watch);
