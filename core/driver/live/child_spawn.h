#pragma once
/// Child spawn: starts one program: its file, environment, fds and signals, and nothing of this process besides.
///
/// A session and process group of its own, /dev/null as input, default signals, no other fd, no core dump.
/// Threads: any.

#include "base/status.h"

#include <sys/types.h>

/// @param argv  NULL-terminated; [0] is absolute, or a name that is looked up in the fixed PATH
/// @param environment  "NAME=value", NULL-terminated, beside or instead of PATH and LANG; NULL: none
/// @param cwd  NULL: "/"  @param output  what the program gets as output and error; stays the caller's
/// @param[out] pid  on success: also the number of its process group
/// @return TEND_OK, or TEND_E_IO with the error set
TEND_MUST_CHECK enum tend_status tend_child_spawn(const char *const *argv, const char *const *environment,
                                                  const char *cwd, int output, pid_t *pid, struct tend_error *error);
