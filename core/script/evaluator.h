#pragma once
/// Evaluator: the whole life of an evaluator process: locks itself in, then answers the messages of its one socket.

#include "base/status.h"
#include "script/embedded.h"

struct tend_script;

/// Runs until the socket is closed. Expects it at TEND_MESSAGE_FD, and to be the only code of the process.
/// @param modules  what `require` finds  @return an enum tend_evaluator_exit, to exit with
int tend_evaluator_run(const struct tend_embedded_module *modules);

/// For a process that evaluators are copied from: what each of them would do before it is given anything.
/// @param[out] out  set on success  @return TEND_OK, TEND_E_NOMEM or TEND_E_INVALID
TEND_MUST_CHECK enum tend_status tend_evaluator_prepare(const struct tend_embedded_module *modules,
                                                        struct tend_script **out);
/// tend_evaluator_run in such a copy. @param take_script  as prepared
int tend_evaluator_run_prepared(struct tend_script *take_script);
