// Thin bindings: check the arguments, call the core, push the result. None holds anything to be freed when it raises.

#include "script/host_table.h"

#include "parse/duration.h"
#include "parse/hours.h"
#include "parse/mask_pattern.h"
#include "parse/quantity.h"
#include "parse/selector.h"
#include "script/environment.h"
#include "script/lua_call.h"
#include "script/lua_json.h"
#include "script/module_loader.h"
#include "script/run_coroutine.h"
#include "script/script_state.h"

#include <lauxlib.h>
#include <lualib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int push_failure(lua_State *lua, const char *text)
{
    lua_pushnil(lua);
    lua_pushstring(lua, text);
    return 2;
}

static int host_caller(lua_State *lua)
{
    char where[256];
    lua_pushstring(lua, tend_lua_caller(lua, 1, where, sizeof where));
    return 1;
}

static int host_files(lua_State *lua)
{
    tend_lua_push_json(lua, tend_script_of(lua)->files);
    return 1;
}

static int host_env(lua_State *lua)
{
    tend_lua_push_json(lua, tend_script_of(lua)->env);
    return 1;
}

static int host_secrets(lua_State *lua)
{
    tend_lua_push_json(lua, tend_script_of(lua)->secrets);
    return 1;
}

// Which file a name is: its index in "files", the number of files for env, -1 for none of them.
static long long file_index(const struct tend_script *script, const char *name)
{
    const size_t count = json_array_size(script->files);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(tend_json_text(json_array_get(script->files, i), "name", ""), name) == 0) {
            return (long long)i;
        }
    }
    return strcmp(tend_json_text(script->env, "name", ""), name) == 0 ? (long long)count : -1;
}

// A user's chunk, upvalue 1, that says that it begins, upvalue 2 being its index.
static int run_file(lua_State *lua)
{
    tend_script_progress(tend_script_of(lua), TEND_PROGRESS_FILE, (uint32_t)lua_tointeger(lua, lua_upvalueindex(2)));
    lua_pushvalue(lua, lua_upvalueindex(1));
    lua_insert(lua, 1);
    lua_call(lua, lua_gettop(lua) - 1, LUA_MULTRET);
    return lua_gettop(lua);
}

static int host_compile(lua_State *lua)
{
    static const char *const kinds[] = { "rule", "library", NULL };
    size_t bytes = 0;
    const char *text = luaL_checklstring(lua, 1, &bytes);
    const char *name = luaL_checkstring(lua, 2);
    name += name[0] == '@' || name[0] == '='; // a chunk name is as good as a file's
    const enum tend_environment kind = (enum tend_environment)luaL_checkoption(lua, 3, "rule", kinds);
    const long long file = kind == TEND_ENVIRONMENT_RULE ? file_index(tend_script_of(lua), name) : -1;
    if (file >= 0) {
        tend_script_progress(tend_script_of(lua), TEND_PROGRESS_FILE, (uint32_t)file);
    }
    const char *chunk = lua_pushfstring(lua, "%s%s", kind == TEND_ENVIRONMENT_RULE ? "@" : "=", name);
    if (tend_lua_compile(lua, text, bytes, chunk, kind) != 0) {
        lua_pushnil(lua);
        lua_insert(lua, -2);
        return 2;
    }
    if (file >= 0) {
        lua_pushinteger(lua, (lua_Integer)file);
        lua_pushcclosure(lua, run_file, 2);
    }
    return 1;
}

static int host_modules(lua_State *lua)
{
    lua_newtable(lua);
    const struct tend_embedded_module *module = tend_script_of(lua)->config.modules;
    for (int count = 0; module->module != NULL; module++) {
        int at = ++count; // insertion: the table is sorted by path, names differ a little from that
        for (; at > 1; at--) {
            lua_rawgeti(lua, -1, at - 1);
            const bool right = strcmp(lua_tostring(lua, -1), module->module) < 0;
            if (right) {
                lua_pop(lua, 1);
                break;
            }
            lua_rawseti(lua, -2, at);
        }
        lua_pushstring(lua, module->module);
        lua_rawseti(lua, -2, at);
    }
    tend_lua_mark_array(lua, -1);
    return 1;
}

static int host_provide(lua_State *lua)
{
    const char *name = luaL_checkstring(lua, 1);
    luaL_checktype(lua, 2, LUA_TFUNCTION);
    tend_lua_provide(lua, name, 2);
    return 0;
}

static int host_progress(lua_State *lua)
{
    static const char *const names[] = { "file", "rule", "locate", "playbook", "notify", NULL };
    static const enum tend_progress kinds[] = { TEND_PROGRESS_FILE, TEND_PROGRESS_RULE, TEND_PROGRESS_LOCATE,
                                                TEND_PROGRESS_PLAYBOOK, TEND_PROGRESS_NOTIFY };
    const int what = luaL_checkoption(lua, 1, NULL, names);
    const lua_Integer index = luaL_checkinteger(lua, 2);
    luaL_argcheck(lua, index >= 0 && index <= INT32_MAX, 2, "an index from 0 on");
    tend_script_progress(tend_script_of(lua), kinds[what], (uint32_t)index);
    return 0;
}

static int host_duration(lua_State *lua)
{
    size_t bytes = 0;
    const char *text = luaL_checklstring(lua, 1, &bytes);
    struct tend_error error;
    int64_t duration_ms = 0;
    if (tend_duration_parse(text, bytes, &duration_ms, &error) != TEND_OK) {
        return push_failure(lua, error.text);
    }
    lua_pushnumber(lua, (lua_Number)duration_ms);
    return 1;
}

static int host_quantity(lua_State *lua)
{
    size_t bytes = 0;
    const char *text = luaL_checklstring(lua, 1, &bytes);
    struct tend_error error;
    double value = 0;
    if (tend_quantity_parse_as(text, bytes, luaL_optstring(lua, 2, ""), &value, &error) != TEND_OK) {
        return push_failure(lua, error.text);
    }
    lua_pushnumber(lua, value);
    return 1;
}

static int host_family(lua_State *lua)
{
    lua_pushstring(lua, tend_unit_family_text(tend_unit_family_of(luaL_optstring(lua, 1, ""))));
    return 1;
}

static int host_format(lua_State *lua)
{
    char text[TEND_QUANTITY_TEXT_BYTES];
    const double value = luaL_optnumber(lua, 1, (lua_Number)NAN);
    lua_pushstring(lua, tend_quantity_format(value, luaL_optstring(lua, 2, ""), text));
    return 1;
}

static int host_format_duration(lua_State *lua)
{
    char text[TEND_DURATION_TEXT_BYTES];
    const double duration_ms = luaL_checknumber(lua, 1);
    luaL_argcheck(lua, fabs(duration_ms) <= (double)TEND_DURATION_MAX_MS, 1, "milliseconds, at most 100 years");
    lua_pushstring(lua, tend_duration_format((int64_t)duration_ms, text));
    return 1;
}

static int host_hours(lua_State *lua)
{
    size_t bytes = 0;
    const char *text = luaL_checklstring(lua, 1, &bytes);
    struct tend_error error;
    struct tend_hours hours;
    if (tend_hours_parse(text, bytes, &hours, &error) != TEND_OK) {
        return push_failure(lua, error.text);
    }
    lua_pushboolean(lua, 1);
    return 1;
}

static int host_selector(lua_State *lua)
{
    size_t bytes = 0;
    const char *text = luaL_checklstring(lua, 1, &bytes);
    struct tend_error error;
    struct tend_selector *selector = NULL;
    if (tend_selector_parse(text, bytes, &selector, &error) != TEND_OK) {
        return push_failure(lua, error.text);
    }
    tend_selector_destroy(selector);
    lua_pushboolean(lua, 1);
    return 1;
}

static int host_pattern(lua_State *lua)
{
    const char *text = luaL_checkstring(lua, 1);
    struct tend_error error = { .text = "out of memory" };
    struct tend_mask_patterns *patterns = NULL;
    if (tend_mask_patterns_create(&text, 1, &patterns, &error) != TEND_OK) {
        return push_failure(lua, error.text);
    }
    tend_mask_patterns_destroy(patterns);
    lua_pushboolean(lua, 1);
    return 1;
}

static int host_sha256(lua_State *lua)
{
    size_t bytes = 0;
    const char *text = luaL_checklstring(lua, 1, &bytes);
    char hash[65];
    tend_sha256_hex(text, bytes, hash);
    lua_pushstring(lua, hash);
    return 1;
}

static int host_json(lua_State *lua)
{
    struct tend_error error;
    json_t *value = tend_lua_to_json(lua, 1, &error);
    char *text = value == NULL ? NULL : tend_json_canonical(value);
    json_decref(value);
    if (text == NULL) {
        return luaL_error(lua, "%s", value == NULL ? error.text : tend_status_text(TEND_E_NOMEM));
    }
    lua_pushstring(lua,
                   text); // may raise when Lua's memory ends; the text is then lost with the process, which ends too
    free(text);
    return 1;
}

static int host_array(lua_State *lua)
{
    luaL_checktype(lua, 1, LUA_TTABLE);
    lua_settop(lua, 1);
    tend_lua_mark_array(lua, 1);
    return 1;
}

// A Lua function, for a C function that calls pcall could not be yielded through.
static void push_call(lua_State *lua)
{
    static const char source[] = "local xpcall, blame = ... return function(f, ...) return xpcall(f, blame, ...) end";
    if (luaL_loadbufferx(lua, source, sizeof source - 1, "=host.call", "t") != 0) {
        (void)lua_error(lua);
    }
    lua_pushcfunction(lua, luaopen_base);
    lua_call(lua, 0, 0);
    lua_getfield(lua, LUA_GLOBALSINDEX, "xpcall");
    lua_pushcfunction(lua, tend_lua_blame);
    lua_call(lua, 2, 1);
    (void)lua_newtable(lua);
    (void)lua_setfenv(lua, -2);
}

void tend_host_push(lua_State *lua)
{
    static const luaL_Reg functions[] = {
        { "caller", host_caller },
        { "files", host_files },
        { "env", host_env },
        { "secrets", host_secrets },
        { "compile", host_compile },
        { "modules", host_modules },
        { "provide", host_provide },
        { "progress", host_progress },
        { "yield", tend_run_yield },
        { "duration", host_duration },
        { "quantity", host_quantity },
        { "family", host_family },
        { "format", host_format },
        { "format_duration", host_format_duration },
        { "hours", host_hours },
        { "selector", host_selector },
        { "pattern", host_pattern },
        { "sha256", host_sha256 },
        { "json", host_json },
        { "array", host_array },
        { NULL, NULL },
    };
    lua_newtable(lua);
    for (const luaL_Reg *function = functions; function->name != NULL; function++) {
        lua_pushcfunction(lua, function->func);
        lua_setfield(lua, -2, function->name);
    }
    push_call(lua);
    lua_setfield(lua, -2, "call");
    tend_lua_push_null(lua);
    lua_setfield(lua, -2, "null");
}
