#pragma once
/// Run coroutine: a playbook's `run`, resumed step by step.
///
///     start → running → (host.yield) waiting → (answer) running → … → ended
/// A run is a pure function of what it was started with and the answers: the same answers give the same effects.

#include "script/script_state.h"

#include <lua.h>

int tend_run_yield(lua_State *lua); ///< host.yield(effect) → answer; an error outside of a run
