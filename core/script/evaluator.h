#pragma once
/// Evaluator: the whole life of an evaluator process: locks itself in, then answers the messages of its one socket.

#include "script/embedded.h"

/// Makes libraries ask the system now for what they ask for on their first use: later it is forbidden. A process that
/// others are copied from calls it once for all of them.
void tend_evaluator_warm_up(void);

/// Runs until the socket is closed. Expects it at TEND_MESSAGE_FD, and to be the only code of the process.
/// @param modules  what `require` finds  @return an enum tend_evaluator_exit, to exit with
int tend_evaluator_run(const struct tend_embedded_module *modules);
