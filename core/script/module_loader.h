#pragma once
/// Module loader: compiles text, and `require` for the modules that are embedded in the binary.

#include "script/environment.h"

#include <lua.h>
#include <stddef.h>

/// Compiles text into a function with fresh globals of the kind, and pushes it. Text only: bytecode is refused, for a
/// changed byte of it can do anything. @param chunk  "@shop.lua" for the user's, "=stdlib/…" for the library's
/// @return 0, or an error code with the message pushed
int tend_lua_compile(lua_State *lua, const char *text, size_t bytes, const char *chunk, enum tend_environment kind);

/// Compiles the embedded modules now, for the time when they are required. Raises; to be called protected.
int tend_lua_compile_modules(lua_State *lua);

/// Has `require` find the function at `index` under the name of an embedded module, in place of that one.
void tend_lua_provide(lua_State *lua, const char *name, int index);

/// require(name): loads an embedded module once; what it returned, or true. Unknown names are an error with a
/// suggestion.
int tend_lua_require(lua_State *lua);
