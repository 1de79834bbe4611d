#pragma once
/// Host table: the C functions that library code has beyond the builtin ones (sandbox.h lists them).

#include <lua.h>

/// Pushes the table. Raises; call it protected, before tend_environment_open (which takes away what it builds on).
void tend_host_push(lua_State *lua);
