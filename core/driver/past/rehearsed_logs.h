#pragma once
/// Rehearsed logs: which of the logs that a history has are read under the rules of a rehearsal.
///
/// As live: a service's log is read when its rules say so, from when the service is first listed. What the history has
/// of other services' logs is passed over, and what the rules would read and it lacks is told.
/// Ownership: who creates destroys. Threads: none.

#include "engine/event.h"
#include "engine/ruleset.h"

struct tend_rehearsed_logs;

/// NULL: out of memory.
struct tend_rehearsed_logs *tend_rehearsed_logs_create(void);
void tend_rehearsed_logs_destroy(struct tend_rehearsed_logs *logs); ///< NULL is allowed

/// The services are listed anew: begin, then list each, then done.
void tend_rehearsed_logs_begin(struct tend_rehearsed_logs *logs);
/// @param in_history  whether the history has what the service's log said
void tend_rehearsed_logs_list(struct tend_rehearsed_logs *logs, const struct tend_service_def *def, bool in_history);
/// @return that the logs of those listed now and not before are read from now on, without lines; borrowed until the
/// next call, names until the next listing. Of none: nothing begins
struct tend_event_logs tend_rehearsed_logs_done(struct tend_rehearsed_logs *logs);
/// @return those of @p said that are read; borrowed until the next call, and from @p said
struct tend_event_logs tend_rehearsed_logs_read(struct tend_rehearsed_logs *logs, const struct tend_event_logs *said);
/// Whose logs the rules would read and the history lacks, as a sentence. @return false: there is none
bool tend_rehearsed_logs_lacking(const struct tend_rehearsed_logs *logs, char *text, size_t bytes);
