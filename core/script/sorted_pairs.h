#pragma once
/// Sorted pairs: `pairs` and `next` that go through a table in the same order in each process.
///
/// The builtin order follows memory addresses and a random seed, so two processes with the same rules would decide
/// differently. Here: numbers rising, then texts by bytes, then false and true. A key that is anything else has no
/// order that two processes could agree on, so it is an error.

#include <lua.h>

int tend_sorted_pairs(lua_State *lua); ///< pairs(table) → iterator, table, nil. Keys set meanwhile are not seen
int tend_sorted_next(lua_State *lua);  ///< next(table, key) → key, value; takes a look at every key of the table
