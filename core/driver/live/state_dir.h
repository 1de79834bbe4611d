#pragma once
/// State directory: where `tend` keeps its journal, socket and recordings, and the lock that lets one `tend run` have
/// it.
///
/// Ownership: who opens closes. Threads: none.

#include "base/status.h"

/// Where the state is: @p option (--state DIR), else the first of $STATE_DIRECTORY, else /var/lib/tend as root, else
/// ~/.local/state/tend. Touches nothing; commands that only talk to a running daemon need no more.
/// @param option  NULL when it was not given
/// @param[out] path  free() it
TEND_MUST_CHECK enum tend_status tend_state_dir_find(const char *option, char **path, struct tend_error *error);

struct tend_state_dir;

/// Finds the directory, makes it (mode 0750, parents too) when it is missing, and locks it until close.
/// Refuses, with the reason in @p error: a directory that is not ours or that others may write to, a link that neither
/// root nor we made, and one that another `tend run` has locked (its pid is named).
TEND_MUST_CHECK enum tend_status tend_state_dir_open(const char *option, struct tend_state_dir **out,
                                                     struct tend_error *error);
void tend_state_dir_close(struct tend_state_dir *dir); ///< Unlocks. NULL is allowed.

const char *tend_state_dir_path(const struct tend_state_dir *dir); ///< absolute, without links; lives as long as @p dir
