#pragma once
/// Environment: what code can see. Two kinds, each a list of what is there (sandbox.h); nothing of the builtin globals
/// can be reached from either.

#include <lua.h>

enum tend_environment { TEND_ENVIRONMENT_RULE, TEND_ENVIRONMENT_LIBRARY };

/// Longest text that string.rep makes.
#define TEND_REP_MAX_BYTES (1024 * 1024)

/// Prepares a fresh state: takes what both kinds need out of the builtin libraries and empties the real globals.
/// Raises; call it protected, once. @param host  stack index of the `host` table; require is at @p require
void tend_environment_open(lua_State *lua, int host, int require);

/// Pushes a new table to be a chunk's globals: nothing can be set in it, and an unknown name is an error.
void tend_environment_push(lua_State *lua, enum tend_environment kind);
