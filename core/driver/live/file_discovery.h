#pragma once
/// File discovery: the targets in Prometheus file_sd files (JSON), watched.
///
/// Files are found by globs whose last path element may hold `*` (hidden files are not matched; of files that a `*`
/// matches only .json ones are read), at start, on each change (inotify on the directories) and every 5 minutes.
/// `[{"targets":["host:port"],"labels":{"k":"v"}}]`; `labels` may be missing. A bad file keeps its last good targets
/// and is reported; a removed one loses its targets. `__scheme__`, `__metrics_path__` and `__param_NAME` are part of
/// the URL (http and /metrics when not given); then all labels that start with `__` are dropped. A target that makes no
/// URL is reported and left out. The same URL twice counts once: the first in the order of files. Limits: a file of 10
/// MB, 100,000 targets. Files named .yml and .yaml are refused with a message. Ownership: who creates it destroys it.
/// Threads: the loop's.

#include "base/status.h"
#include "engine/event.h"

struct event_base;
struct tend_file_discovery; // opaque: the fields are in file_discovery.c

struct tend_file_discovery_options {
    size_t discovery; ///< index in the ruleset, handed on in the event
    const char *const *globs;
    size_t glob_count;
    /// Takes all targets, sorted by URL, borrowed for the call; comes only when they changed, never from within create.
    void (*on_targets)(void *context, const struct tend_event_targets *targets);
    /// Takes what is wrong with a file (or a glob), for people; comes once for each new fault. NULL is allowed.
    void (*on_problem)(void *context, const char *file, const char *text);
    void *context;
};

/// Starts; the first on_targets comes from the loop, also when there is none (count 0). Where inotify is not to be had,
/// files are looked at every 5 seconds instead.
/// @param options  copied  @param base  outlives it
/// @param[out] error  on TEND_E_INVALID: a `*` before the last path element; NULL is allowed
/// @return TEND_OK, TEND_E_INVALID or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_file_discovery_create(struct event_base *base,
                                                            const struct tend_file_discovery_options *options,
                                                            struct tend_file_discovery **out, struct tend_error *error);
void tend_file_discovery_destroy(struct tend_file_discovery *discovery); ///< NULL is allowed
void tend_file_discovery_read(struct tend_file_discovery *discovery);    ///< reads all files again, soon
/// What is wrong with its files now: appends a text for each fault to the list, "FILE: what".
void tend_file_discovery_problems(const struct tend_file_discovery *discovery, json_t *list);
