#pragma once
/// Operator check: whether a person's command means something now, so that who gave it is told at once what is wrong.
///
/// The engine and the journal are borrowed for the call. Threads: the loop's.

#include "base/status.h"

struct tend_engine;
struct tend_journal;

/// @param command  "arm", "silence", "mark" … @param argument  as the event OPERATOR carries it
/// @return TEND_OK, TEND_E_INVALID (nothing has that name, or the argument is malformed), TEND_E_IO (the rules are not
/// loaded yet, or the journal cannot be read); then error says so to a person
TEND_MUST_CHECK enum tend_status tend_operator_check(const struct tend_engine *engine, struct tend_journal *journal,
                                                     const char *command, const char *argument,
                                                     struct tend_error *error);
