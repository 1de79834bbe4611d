#pragma once
/// Zygote: a small process, forked before anything was read, that makes evaluator processes for a locked one.
///
/// A simulation is forbidden to start programs (simulation_lock.h), so its evaluators are copies of a process that was
/// made before. It holds no descriptor but its socket, nothing of the environment, and no word of a user's file. What
/// it makes are children of the caller, not its own: they are waited for, measured and killed as if they had been
/// started by `tend` itself, and die with it. The zygote dies with it too.
///
/// Ownership: who creates, destroys; evaluators live on. Threads: one; to be created while there is no other.

#include "base/status.h"
#include "driver/live/evaluator_process.h"

struct tend_zygote;

/// Forks it. @return TEND_OK, TEND_E_NOMEM or TEND_E_IO and the error says why
TEND_MUST_CHECK enum tend_status tend_zygote_create(struct tend_zygote **out, struct tend_error *error);
void tend_zygote_destroy(struct tend_zygote *zygote); ///< Ends and reaps it. NULL is allowed.

/// What tend_evaluator_create_by is given. The zygote must outlive it.
struct tend_evaluator_starter tend_zygote_starter(struct tend_zygote *zygote);
int tend_zygote_socket(const struct tend_zygote *zygote); ///< the one that requests are sent on
pid_t tend_zygote_pid(const struct tend_zygote *zygote);
