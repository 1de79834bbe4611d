#pragma once
/// Evaluator: the whole life of an evaluator process: locks itself in, then answers the messages of its one socket.

#include "script/embedded.h"

/// Runs until the socket is closed. Expects it at TEND_MESSAGE_FD, and to be the only code of the process.
/// @param modules  what `require` finds  @return an enum tend_evaluator_exit, to exit with
int tend_evaluator_run(const struct tend_embedded_module *modules);
