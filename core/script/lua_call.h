#pragma once
/// Lua call: the one way from C into Lua, and whose line is to blame.
///
/// A frame is the user's when its chunk name begins with "@" (files of rules and packs); the library's begin with "=".

#include <lua.h>
#include <stddef.h>

/// Writes "shop.lua:12" of the nearest user's frame from @p level up; "" when there is none. @return out
const char *tend_lua_caller(lua_State *lua, int level, char *out, size_t out_bytes);

/// As lua_pcall, but the error left on the stack is text that begins with the user's file and line where there is one.
/// @return 0 or LUA_ERRRUN, LUA_ERRMEM, LUA_ERRERR
int tend_lua_call(lua_State *lua, int argument_count, int result_count);

/// Message handler: replaces the error value by its text with the user's file and line. For xpcall.
int tend_lua_blame(lua_State *lua);
/// The same for a coroutine that has failed: reads its stack and pushes the text onto @p to.
void tend_lua_blame_coroutine(lua_State *to, lua_State *failed);
