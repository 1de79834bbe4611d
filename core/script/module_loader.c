// Packs ("tend.pack.…") are rules like the user's own, so they see what rules see, and their lines are blamed like the
// user's; everything else that is embedded is library.

#include "script/module_loader.h"

#include "script/lua_call.h"
#include "script/script_state.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static char loaded_key;   // address: the registry key of the table of loaded modules
static char loading_key;  // address: what a module's place holds while it is being loaded
static char compiled_key; // address: the registry key of the modules that were compiled before they are required

int tend_lua_compile(lua_State *lua, const char *text, size_t bytes, const char *chunk, enum tend_environment kind)
{
    if (bytes > 0 && text[0] == '\x1b') {
        lua_pushfstring(lua, "%s:1: this is bytecode; rules are text", chunk + 1);
        return LUA_ERRSYNTAX;
    }
    if (bytes > TEND_SCRIPT_FILE_MAX_BYTES) {
        lua_pushfstring(lua, "%s:1: the file is larger than %d bytes", chunk + 1, (int)TEND_SCRIPT_FILE_MAX_BYTES);
        return LUA_ERRSYNTAX;
    }
    const int status = luaL_loadbufferx(lua, text, bytes, chunk, "t");
    if (status == 0) {
        tend_environment_push(lua, kind);
        (void)lua_setfenv(lua, -2);
    }
    return status;
}

// Edit distance with insertions, deletions and replacements; names longer than the row are never close.
static size_t distance(const char *a, const char *b)
{
    enum { LONGEST = 64 };
    size_t row[LONGEST + 1];
    const size_t a_length = strlen(a);
    const size_t b_length = strlen(b);
    if (a_length > LONGEST || b_length > LONGEST) {
        return LONGEST;
    }
    for (size_t j = 0; j <= b_length; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            const size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            const size_t shorter = row[j] < row[j - 1] ? row[j] : row[j - 1];
            row[j] = replaced < shorter + 1 ? replaced : shorter + 1;
        }
    }
    return row[b_length];
}

static int refuse_unknown(lua_State *lua, const struct tend_embedded_module *modules, const char *name)
{
    const char *nearest = NULL;
    size_t nearest_distance = 6; // further away is no misspelling
    for (; modules->module != NULL; modules++) {
        const size_t d = distance(name, modules->module);
        if (d < nearest_distance) {
            nearest_distance = d;
            nearest = modules->module;
        }
    }
    if (nearest == NULL) {
        return luaL_error(lua, "there is no module '%s'; modules are those that come with tend", name);
    }
    return luaL_error(lua, "there is no module '%s'; did you mean '%s'?", name, nearest);
}

// Pushes a table of the registry, made when it is not there yet.
static void push_table(lua_State *lua, char *key)
{
    lua_pushlightuserdata(lua, key);
    lua_rawget(lua, LUA_REGISTRYINDEX);
    if (lua_isnil(lua, -1)) {
        lua_pop(lua, 1);
        lua_newtable(lua);
        lua_pushlightuserdata(lua, key);
        lua_pushvalue(lua, -2);
        lua_rawset(lua, LUA_REGISTRYINDEX);
    }
}

// Pushes a module as a function; raises when it is none.
static void compile_module(lua_State *lua, const struct tend_embedded_module *module)
{
    const bool is_pack = strncmp(module->module, "tend.pack.", strlen("tend.pack.")) == 0;
    char chunk[256];
    (void)snprintf(chunk, sizeof chunk, "%c%s", is_pack ? '@' : '=', module->path);
    if (tend_lua_compile(lua, module->text, module->text_bytes, chunk,
                         is_pack ? TEND_ENVIRONMENT_RULE : TEND_ENVIRONMENT_LIBRARY) != 0) {
        (void)lua_error(lua);
    }
}

int tend_lua_compile_modules(lua_State *lua)
{
    push_table(lua, &compiled_key);
    for (const struct tend_embedded_module *module = tend_script_of(lua)->config.modules; module->module != NULL;
         module++) {
        compile_module(lua, module);
        lua_setfield(lua, -2, module->module);
    }
    return 0;
}

void tend_lua_provide(lua_State *lua, const char *name, int index)
{
    lua_pushvalue(lua, index);
    push_table(lua, &compiled_key);
    lua_insert(lua, -2);
    lua_setfield(lua, -2, name);
    lua_pop(lua, 1);
}

int tend_lua_require(lua_State *lua)
{
    const char *name = luaL_checkstring(lua, 1);
    lua_settop(lua, 1);
    push_table(lua, &loaded_key);
    lua_getfield(lua, 2, name);
    if (lua_islightuserdata(lua, 3)) {
        return luaL_error(lua, "module '%s' requires itself, or has failed to load before", name);
    }
    if (!lua_isnil(lua, 3)) {
        return 1;
    }
    const struct tend_embedded_module *module = tend_script_of(lua)->config.modules;
    const struct tend_embedded_module *const modules = module;
    while (module->module != NULL && strcmp(module->module, name) != 0) {
        module++;
    }
    if (module->module == NULL) {
        return refuse_unknown(lua, modules, name);
    }
    push_table(lua, &compiled_key);
    lua_getfield(lua, -1, name);
    if (lua_isnil(lua, -1)) {
        compile_module(lua, module);
    }
    lua_pushlightuserdata(lua, &loading_key);
    lua_setfield(lua, 2, name);
    lua_pushvalue(lua, 1);
    lua_call(lua, 1, 1);
    if (lua_isnil(lua, -1)) {
        lua_pop(lua, 1);
        lua_pushboolean(lua, 1);
    }
    lua_pushvalue(lua, -1);
    lua_setfield(lua, 2, name);
    return 1;
}
