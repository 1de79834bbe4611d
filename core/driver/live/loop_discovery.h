#pragma once
/// Loop discovery: the discoveries of the generation in use.
///
/// Ownership: who creates destroys; the event base outlives it. Threads: the loop's.

#include "base/json.h"
#include "driver/live/file_discovery.h"
#include "engine/ruleset.h"

struct tend_loop_discovery;

/// @param on_targets  takes what a discovery finds, with @p context
TEND_MUST_CHECK enum tend_status
tend_loop_discovery_create(struct event_base *base,
                           void (*on_targets)(void *context, const struct tend_event_targets *targets), void *context,
                           struct tend_loop_discovery **out);
void tend_loop_discovery_destroy(struct tend_loop_discovery *discovery); ///< NULL is allowed.

/// Runs the discoveries of this generation in place of those of the one before; nothing happens when they run already.
void tend_loop_discovery_use(struct tend_loop_discovery *discovery, const struct tend_ruleset *ruleset);
/// Which of their files are not used, and why, as texts for people. Appends to the list.
void tend_loop_discovery_problems(const struct tend_loop_discovery *discovery, json_t *list);
