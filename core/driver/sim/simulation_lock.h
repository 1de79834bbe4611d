#pragma once
/// Simulation lock: after it, this process can compute, read files, write what it has open, and ask its zygote for
/// evaluators, and reach nothing else of the world.
///
/// Two locks, which hold until the end of the process and for all that it starts:
///   seccomp   what reaches for the world (socket, connect, bind, listen, accept, execve, fork, kill, ptrace, mount,
///             setns, io_uring …) kills the process with SIGSYS; what a simulation needs is let through; anything else
///             fails with EPERM or ENOSYS
///   Landlock  where the kernel has it: no file is written, made or removed but below the given directories. Where it
///             has not, no file at all can be opened for writing
/// Threads: to be called while there is one. A sanitized build lets through what its reports need.

#include "base/status.h"
#include "driver/sim/zygote.h"

#include <stdbool.h>
#include <stddef.h>

/// Locks this process for good. To be called when all files are read and before any rule runs; files that are open for
/// writing stay so.
/// @param zygote  where evaluators will come from; it stays outside
/// @param directories  where files may be written from now on; none is the usual number, with the outputs opened before
/// @return TEND_OK, or TEND_E_IO and the error says what could not be locked: then nothing may be played
TEND_MUST_CHECK enum tend_status tend_simulation_lock(const struct tend_zygote *zygote, const char *const *directories,
                                                      size_t directory_count, struct tend_error *error);

/// The kernel's version of Landlock; 0: it has none, or it is off.
int tend_simulation_lock_landlock_version(void);
