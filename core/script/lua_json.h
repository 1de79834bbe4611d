#pragma once
/// Lua JSON: values from JSON to Lua and back.
///
/// In: objects and arrays become tables, null becomes nil; an empty array is marked, so that it comes back as one. Out:
/// a table with the keys 1 to n, or a marked one, is an array; one with text keys, or none, an object; anything else is
/// an error. Numbers that are whole and below 2^53 become integers, NaN and infinities null. At most
/// TEND_LUA_JSON_DEPTH deep.

#include "base/json.h"
#include "base/status.h"

#include <lua.h>

#define TEND_LUA_JSON_DEPTH 64

/// Pushes the value. Raises when it is too deep or memory runs out. NULL pushes nil.
void tend_lua_push_json(lua_State *lua, const json_t *value);

/// Makes JSON of the value at @p index; raises nothing but "not enough memory", and the Lua stack is as before.
/// @param[out] error  for NULL: "a function at services[1].metrics cannot be told as JSON"
/// @return a new reference, or NULL
json_t *tend_lua_to_json(lua_State *lua, int index, struct tend_error *error);

/// Marks the table at @p index as an array.
void tend_lua_mark_array(lua_State *lua, int index);
/// Pushes the value that becomes null.
void tend_lua_push_null(lua_State *lua);
