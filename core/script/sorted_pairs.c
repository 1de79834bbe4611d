// pairs takes all keys at its start and sorts them once; the iterator holds them. next keeps no state, so each call
// finds the smallest key above the given one: right for `next(t) == nil`, slow for walking a large table.

#include "script/sorted_pairs.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum rank { RANK_NUMBER, RANK_TEXT, RANK_BOOLEAN };

// A key out of the stack; text is borrowed from a string that the table holds.
struct key {
    enum rank rank;
    double number; // a boolean's 0 or 1, too
    const char *text;
    size_t bytes;
};

static struct key key_at(lua_State *lua, int index)
{
    struct key key = { 0 };
    switch (lua_type(lua, index)) {
    case LUA_TNUMBER:
        key.rank = RANK_NUMBER;
        key.number = lua_tonumber(lua, index);
        break;
    case LUA_TSTRING:
        key.rank = RANK_TEXT;
        key.text = lua_tolstring(lua, index, &key.bytes);
        break;
    case LUA_TBOOLEAN:
        key.rank = RANK_BOOLEAN;
        key.number = lua_toboolean(lua, index);
        break;
    default:
        (void)luaL_error(lua, "a table with a %s as key has no order; use text or numbers", luaL_typename(lua, index));
        break;
    }
    return key;
}

static int compare(const struct key *a, const struct key *b)
{
    if (a->rank != b->rank) {
        return a->rank < b->rank ? -1 : 1;
    }
    if (a->rank == RANK_TEXT) {
        const int order = memcmp(a->text, b->text, a->bytes < b->bytes ? a->bytes : b->bytes);
        if (order != 0) {
            return order;
        }
        return (a->bytes > b->bytes) - (a->bytes < b->bytes);
    }
    return (a->number > b->number) - (a->number < b->number);
}

static int compare_for_qsort(const void *a, const void *b)
{
    return compare(a, b);
}

static void push_key(lua_State *lua, const struct key *key)
{
    switch (key->rank) {
    case RANK_NUMBER:
        lua_pushnumber(lua, key->number);
        break;
    case RANK_TEXT:
        lua_pushlstring(lua, key->text, key->bytes);
        break;
    case RANK_BOOLEAN:
        lua_pushboolean(lua, key->number != 0);
        break;
    }
}

static size_t count_keys(lua_State *lua, int table)
{
    size_t count = 0;
    lua_pushnil(lua);
    while (lua_next(lua, table) != 0) {
        lua_pop(lua, 1);
        count++;
    }
    return count;
}

// Upvalues: the sorted keys, how many were given, how many there are, the table.
static int iterate(lua_State *lua)
{
    int position = (int)lua_tointeger(lua, lua_upvalueindex(2));
    const int count = (int)lua_tointeger(lua, lua_upvalueindex(3));
    lua_settop(lua, 0);
    while (position < count) {
        position++;
        lua_rawgeti(lua, lua_upvalueindex(1), position);
        lua_pushvalue(lua, -1);
        lua_rawget(lua, lua_upvalueindex(4));
        if (!lua_isnil(lua, -1)) { // else it was removed on the way
            lua_pushinteger(lua, position);
            lua_replace(lua, lua_upvalueindex(2));
            return 2;
        }
        lua_settop(lua, 0);
    }
    lua_pushinteger(lua, position);
    lua_replace(lua, lua_upvalueindex(2));
    lua_pushnil(lua);
    return 1;
}

int tend_sorted_pairs(lua_State *lua)
{
    luaL_checktype(lua, 1, LUA_TTABLE);
    lua_settop(lua, 1);
    const size_t count = count_keys(lua, 1);
    struct key *keys = lua_newuserdata(lua, (count + 1) * sizeof *keys); // collected, so an error leaks nothing
    size_t filled = 0;
    lua_pushnil(lua);
    while (filled < count && lua_next(lua, 1) != 0) {
        keys[filled++] = key_at(lua, -2);
        lua_pop(lua, 1);
    }
    lua_settop(lua, 2);
    qsort(keys, filled, sizeof *keys, compare_for_qsort);
    lua_createtable(lua, (int)filled, 0);
    for (size_t i = 0; i < filled; i++) {
        push_key(lua, &keys[i]);
        lua_rawseti(lua, 3, (int)i + 1);
    }
    lua_pushinteger(lua, 0);
    lua_pushinteger(lua, (lua_Integer)filled);
    lua_pushvalue(lua, 1);
    lua_pushcclosure(lua, iterate, 4);
    lua_pushvalue(lua, 1);
    lua_pushnil(lua);
    return 3;
}

int tend_sorted_next(lua_State *lua)
{
    luaL_checktype(lua, 1, LUA_TTABLE);
    lua_settop(lua, 2);
    const bool from_start = lua_isnil(lua, 2);
    struct key after = { 0 };
    if (!from_start) {
        after = key_at(lua, 2);
    }
    struct key best = { 0 };
    bool found = false;
    lua_pushnil(lua);
    while (lua_next(lua, 1) != 0) {
        lua_pop(lua, 1);
        const struct key key = key_at(lua, -1);
        if ((from_start || compare(&key, &after) > 0) && (!found || compare(&key, &best) < 0)) {
            best = key;
            found = true;
        }
    }
    if (!found) {
        lua_pushnil(lua);
        return 1;
    }
    push_key(lua, &best);
    lua_pushvalue(lua, -1);
    lua_rawget(lua, 1);
    return 2;
}
