// A chunk's globals are an empty table; behind it (__index) stands the kind's table of names, which is shared and
// cannot be reached, and behind that the error for unknown names. So setting any global, also one of the names, meets
// __newindex. The libraries (string, math, table) are empty tables before private ones in the same way: no code changes
// them for other code, nor remembers anything in them.

#include "script/environment.h"

#include "script/sorted_pairs.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static char environment_keys[2]; // their addresses are the registry keys of the kinds' metatables

static const char *const base_names[] = { "assert", "error",    "ipairs", "pcall", "select",
                                          "type",   "tonumber", "unpack", NULL };
static const char *const library_names[] = { "setmetatable", "getmetatable", "rawget", "rawset", NULL };
static const char *const math_names[] = { "abs",   "acos", "asin",  "atan", "atan2", "ceil", "cos",   "cosh",
                                          "deg",   "exp",  "floor", "fmod", "frexp", "huge", "ldexp", "log",
                                          "log10", "max",  "min",   "modf", "pi",    "pow",  "rad",   "sin",
                                          "sinh",  "sqrt", "tan",   "tanh", NULL };
static const char *const string_names[] = { "byte",  "char",  "find",    "gmatch", "gsub",  "len",
                                            "lower", "match", "reverse", "sub",    "upper", NULL };
static const char *const table_names[] = { "concat", "insert", "maxn", "remove", "sort", NULL };

static int refuse_global(lua_State *lua)
{
    const char *name = lua_type(lua, 2) == LUA_TSTRING ? lua_tostring(lua, 2) : "?";
    return luaL_error(lua, "global variable '%s': write `local %s`", name, name);
}

static int refuse_unknown(lua_State *lua)
{
    const char *name = lua_type(lua, 2) == LUA_TSTRING ? lua_tostring(lua, 2) : "?";
    return luaL_error(lua, "there is no '%s' here; is it misspelt, or a `local` too late?", name);
}

static int refuse_change(lua_State *lua)
{
    const char *name = lua_type(lua, 2) == LUA_TSTRING ? lua_tostring(lua, 2) : "?";
    return luaL_error(lua, "'%s' cannot be set: the libraries are the same for all code", name);
}

// tostring(value): as the builtin, but a table, function or userdata shows its type and no address.
static int plain_tostring(lua_State *lua)
{
    luaL_checkany(lua, 1);
    if (luaL_callmeta(lua, 1, "__tostring") != 0) {
        return 1;
    }
    switch (lua_type(lua, 1)) {
    case LUA_TNUMBER:
    case LUA_TSTRING:
        lua_settop(lua, 1);
        (void)lua_tostring(lua, 1);
        break;
    case LUA_TBOOLEAN:
        lua_pushstring(lua, lua_toboolean(lua, 1) != 0 ? "true" : "false");
        break;
    default:
        lua_pushstring(lua, luaL_typename(lua, 1));
        break;
    }
    return 1;
}

// string.rep(text, n, separator), upvalue: the builtin.
static int capped_rep(lua_State *lua)
{
    size_t bytes = 0;
    size_t separator_bytes = 0;
    (void)luaL_checklstring(lua, 1, &bytes);
    const lua_Number times = luaL_checknumber(lua, 2);
    (void)luaL_optlstring(lua, 3, "", &separator_bytes);
    if (times > 0 && (lua_Number)(bytes + separator_bytes) * times > TEND_REP_MAX_BYTES) {
        return luaL_error(lua, "string.rep makes at most %d bytes", TEND_REP_MAX_BYTES);
    }
    lua_pushvalue(lua, lua_upvalueindex(1));
    lua_insert(lua, 1);
    lua_call(lua, lua_gettop(lua) - 1, 1);
    return 1;
}

static bool has_pointer_conversion(const char *format)
{
    for (const char *c = strchr(format, '%'); c != NULL; c = strchr(c, '%')) {
        c++;
        c += strspn(c, "-+ #0123456789.");
        if (*c == 'p') {
            return true;
        }
        if (*c != '\0') {
            c++;
        }
    }
    return false;
}

// string.format(format, …), upvalue: the builtin. Tables and the like come as plain_tostring tells them.
static int plain_format(lua_State *lua)
{
    const char *format = luaL_checkstring(lua, 1);
    if (has_pointer_conversion(format)) {
        return luaL_error(lua, "string.format has no %%p: addresses differ in each process");
    }
    const int count = lua_gettop(lua);
    for (int i = 2; i <= count; i++) {
        const int type = lua_type(lua, i);
        if (type != LUA_TNUMBER && type != LUA_TSTRING && type != LUA_TNIL && type != LUA_TBOOLEAN) {
            lua_pushcfunction(lua, plain_tostring);
            lua_pushvalue(lua, i);
            lua_call(lua, 1, 1);
            lua_replace(lua, i);
        }
    }
    lua_pushvalue(lua, lua_upvalueindex(1));
    lua_insert(lua, 1);
    lua_call(lua, count, 1);
    return 1;
}

// Copies the named fields of the table at `from` into the one on top.
static void copy_fields(lua_State *lua, int from, const char *const *names)
{
    for (; *names != NULL; names++) {
        lua_getfield(lua, from, *names);
        if (lua_isnil(lua, -1)) {
            (void)luaL_error(lua, "this LuaJIT has no '%s'", *names);
        }
        lua_setfield(lua, -2, *names);
    }
}

// Replaces the table on top by an empty one that shows it and cannot be changed.
static void make_constant(lua_State *lua, lua_CFunction newindex)
{
    lua_newtable(lua);
    lua_newtable(lua);
    lua_pushvalue(lua, -3);
    lua_setfield(lua, -2, "__index");
    lua_pushcfunction(lua, newindex);
    lua_setfield(lua, -2, "__newindex");
    lua_pushboolean(lua, 0);
    lua_setfield(lua, -2, "__metatable");
    lua_setmetatable(lua, -2);
    lua_replace(lua, -2);
}

// Pushes the private string functions; also what ("x"):rep finds.
static void push_string_functions(lua_State *lua)
{
    lua_getfield(lua, LUA_GLOBALSINDEX, "string");
    const int builtin = lua_gettop(lua);
    lua_newtable(lua);
    copy_fields(lua, builtin, string_names);
    lua_getfield(lua, builtin, "rep");
    lua_pushcclosure(lua, capped_rep, 1);
    lua_setfield(lua, -2, "rep");
    lua_getfield(lua, builtin, "format");
    lua_pushcclosure(lua, plain_format, 1);
    lua_setfield(lua, -2, "format");
    lua_remove(lua, builtin);

    lua_pushliteral(lua, "");
    if (lua_getmetatable(lua, -1) == 0) {
        (void)luaL_error(lua, "strings have no metatable");
    }
    lua_pushvalue(lua, -3);
    lua_setfield(lua, -2, "__index");
    lua_pushboolean(lua, 0);
    lua_setfield(lua, -2, "__metatable");
    lua_pop(lua, 2);
}

static void push_library(lua_State *lua, const char *library, const char *const *names)
{
    lua_getfield(lua, LUA_GLOBALSINDEX, library);
    lua_newtable(lua);
    copy_fields(lua, lua_gettop(lua) - 1, names);
    lua_remove(lua, -2);
    make_constant(lua, refuse_change);
}

// Pushes the table of names that both kinds have.
static void push_names(lua_State *lua, int string, int math, int table, int require)
{
    lua_newtable(lua);
    copy_fields(lua, LUA_GLOBALSINDEX, base_names);
    lua_pushcfunction(lua, tend_sorted_pairs);
    lua_setfield(lua, -2, "pairs");
    lua_pushcfunction(lua, tend_sorted_next);
    lua_setfield(lua, -2, "next");
    lua_pushcfunction(lua, plain_tostring);
    lua_setfield(lua, -2, "tostring");
    lua_pushvalue(lua, string);
    lua_setfield(lua, -2, "string");
    lua_pushvalue(lua, math);
    lua_setfield(lua, -2, "math");
    lua_pushvalue(lua, table);
    lua_setfield(lua, -2, "table");
    lua_pushvalue(lua, require);
    lua_setfield(lua, -2, "require");
}

// Takes the table of names on top and keeps the metatable of this kind's globals in the registry.
static void keep_environment(lua_State *lua, enum tend_environment kind)
{
    lua_newtable(lua); // the metatable of the names
    lua_pushcfunction(lua, refuse_unknown);
    lua_setfield(lua, -2, "__index");
    lua_setmetatable(lua, -2);

    lua_newtable(lua); // the metatable of a chunk's globals
    lua_pushvalue(lua, -2);
    lua_setfield(lua, -2, "__index");
    lua_pushcfunction(lua, refuse_global);
    lua_setfield(lua, -2, "__newindex");
    lua_pushboolean(lua, 0);
    lua_setfield(lua, -2, "__metatable");
    lua_pushlightuserdata(lua, &environment_keys[kind]);
    lua_pushvalue(lua, -2);
    lua_rawset(lua, LUA_REGISTRYINDEX);
    lua_pop(lua, 2);
}

static void open_builtin(lua_State *lua, lua_CFunction open, const char *name)
{
    lua_pushcfunction(lua, open);
    lua_pushstring(lua, name);
    lua_call(lua, 1, 0);
}

static void clear_table(lua_State *lua, int table)
{
    lua_pushnil(lua);
    while (lua_next(lua, table) != 0) {
        lua_pop(lua, 1);
        lua_pushvalue(lua, -1);
        lua_pushnil(lua);
        lua_rawset(lua, table); // clearing the field that lua_next gave is allowed
    }
}

void tend_environment_open(lua_State *lua, int host, int require)
{
    const int top = lua_gettop(lua);
    open_builtin(lua, luaopen_base, "");
    open_builtin(lua, luaopen_string, LUA_STRLIBNAME);
    open_builtin(lua, luaopen_table, LUA_TABLIBNAME);
    open_builtin(lua, luaopen_math, LUA_MATHLIBNAME);

    push_string_functions(lua);
    make_constant(lua, refuse_change);
    push_library(lua, "math", math_names);
    push_library(lua, "table", table_names);
    const int string = top + 1;

    push_names(lua, string, string + 1, string + 2, require);
    keep_environment(lua, TEND_ENVIRONMENT_RULE);

    push_names(lua, string, string + 1, string + 2, require);
    copy_fields(lua, LUA_GLOBALSINDEX, library_names);
    lua_pushvalue(lua, host);
    lua_setfield(lua, -2, "host");
    keep_environment(lua, TEND_ENVIRONMENT_LIBRARY);

    lua_getfield(lua, LUA_REGISTRYINDEX, "_LOADED"); // what a luaopen registers for the builtin require
    if (lua_istable(lua, -1)) {
        clear_table(lua, lua_gettop(lua));
    }
    lua_pushvalue(lua, LUA_GLOBALSINDEX);
    clear_table(lua, lua_gettop(lua));
    lua_settop(lua, top);
}

void tend_environment_push(lua_State *lua, enum tend_environment kind)
{
    lua_newtable(lua);
    lua_pushlightuserdata(lua, &environment_keys[kind]);
    lua_rawget(lua, LUA_REGISTRYINDEX);
    lua_setmetatable(lua, -2);
}
