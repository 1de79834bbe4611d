// Lua may raise in any call of its API, so all of it happens in functions that run protected (lua_cpcall); what they
// make in C hangs off the script or the struct they are handed, and is freed outside.

#include "script/script.h"

#include "script/environment.h"
#include "script/host_table.h"
#include "script/lua_call.h"
#include "script/lua_json.h"
#include "script/module_loader.h"
#include "script/script_state.h"

#include <lauxlib.h>
#include <luajit.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char script_key; // its address is the registry key of the script
static char entry_key;  // and this one's that of the table that tend.host returned

struct tend_script *tend_script_of(lua_State *lua)
{
    lua_pushlightuserdata(lua, &script_key);
    lua_rawget(lua, LUA_REGISTRYINDEX);
    struct tend_script *script = lua_touserdata(lua, -1);
    lua_pop(lua, 1);
    TEND_ASSERT(script != NULL);
    return script;
}

void tend_script_progress(struct tend_script *script, enum tend_progress what, uint32_t index)
{
    if (what == TEND_PROGRESS_FILE) {
        script->file = index;
    }
    if (script->config.progress != NULL) {
        script->config.progress(script->config.context, what, index);
    }
}

void tend_script_push_entry(struct tend_script *script, const char *name)
{
    lua_State *lua = script->lua;
    lua_pushlightuserdata(lua, &entry_key);
    lua_rawget(lua, LUA_REGISTRYINDEX);
    if (lua_isnil(lua, -1)) {
        lua_pop(lua, 1);
        lua_pushcfunction(lua, tend_lua_require);
        lua_pushliteral(lua, "tend.host");
        lua_call(lua, 1, 1);
        luaL_checktype(lua, -1, LUA_TTABLE);
        lua_pushlightuserdata(lua, &entry_key);
        lua_pushvalue(lua, -2);
        lua_rawset(lua, LUA_REGISTRYINDEX);
    }
    lua_getfield(lua, -1, name);
    lua_remove(lua, -2);
    if (!lua_isfunction(lua, -1)) {
        (void)luaL_error(lua, "module tend.host has no function '%s'", name);
    }
}

// Lua's allocator, with a cap. A refusal becomes "not enough memory", which code can catch.
static void *allocate(void *context, void *block, size_t old_bytes, size_t new_bytes)
{
    struct tend_script *script = context;
    if (new_bytes == 0) {
        script->memory_used -= block == NULL ? 0 : old_bytes;
        free(block);
        return NULL;
    }
    const size_t held = block == NULL ? 0 : old_bytes;
    if (new_bytes > held && new_bytes - held > script->config.memory_bytes - script->memory_used) {
        script->memory_exceeded = true;
        return NULL;
    }
    void *moved = realloc(block, new_bytes);
    if (moved == NULL) {
        script->memory_exceeded = true;
        return NULL;
    }
    script->memory_used = script->memory_used - held + new_bytes;
    return moved;
}

// Lua's memory ended outside of a protected call: nothing can go on, and the last piece of code that began is to blame.
static int panic(lua_State *lua)
{
    (void)lua;
    _exit(TEND_EVALUATOR_EXIT_MEMORY);
}

static int open_protected(lua_State *lua)
{
    struct tend_script *script = lua_touserdata(lua, 1);
    lua_pushlightuserdata(lua, &script_key);
    lua_pushlightuserdata(lua, script);
    lua_rawset(lua, LUA_REGISTRYINDEX);
    tend_host_push(lua);
    lua_pushcfunction(lua, tend_lua_require);
    tend_environment_open(lua, 2, 3);
    tend_tick_open(script);
    return 0;
}

enum tend_status tend_script_create(const struct tend_script_config *config, struct tend_script **out)
{
    struct tend_script *script = calloc(1, sizeof *script);
    if (script == NULL) {
        return TEND_E_NOMEM;
    }
    script->config = *config;
    script->lua = lua_newstate(allocate, script);
    if (script->lua == NULL) {
        free(script);
        return TEND_E_NOMEM;
    }
    (void)lua_atpanic(script->lua, panic);
    (void)luaJIT_setmode(script->lua, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
    const int failed = lua_cpcall(script->lua, open_protected, script);
    if (failed != 0) {
        const bool no_memory = failed == LUA_ERRMEM || script->memory_exceeded;
        tend_script_destroy(script);
        return no_memory ? TEND_E_NOMEM : TEND_E_INVALID;
    }
    *out = script;
    return TEND_OK;
}

enum tend_status tend_script_compile_modules(struct tend_script *script)
{
    const int failed = lua_cpcall(script->lua, tend_lua_compile_modules, NULL);
    lua_settop(script->lua, 0);
    (void)lua_gc(script->lua, LUA_GCCOLLECT, 0); // of what the compiler left, copies need none
    return failed == 0 ? TEND_OK : failed == LUA_ERRMEM || script->memory_exceeded ? TEND_E_NOMEM : TEND_E_INVALID;
}

void tend_script_destroy(struct tend_script *script)
{
    if (script == NULL) {
        return;
    }
    lua_close(script->lua);
    tend_tick_close(script);
    json_decref(script->files);
    json_decref(script->env);
    json_decref(script->secrets);
    json_decref(script->document);
    free(script);
}

// One call of an entry with a JSON argument (or none) and a JSON result.
struct question {
    struct tend_script *script;
    const char *entry;
    const json_t *argument; ///< NULL: called without
    json_t *reply;          ///< NULL: `error` says why
    char error[1024];
};

static int ask_protected(lua_State *lua)
{
    struct question *question = lua_touserdata(lua, 1);
    struct tend_error error;
    int count = 0;
    tend_script_push_entry(question->script, question->entry);
    if (question->argument != NULL) {
        tend_lua_push_json(lua, question->argument);
        count = 1;
    }
    lua_call(lua, count, 1);
    question->reply = tend_lua_to_json(lua, -1, &error);
    return question->reply == NULL ? luaL_error(lua, "%s", error.text) : 0;
}

// False: question->error says why.
static bool ask(struct question *question)
{
    lua_State *lua = question->script->lua;
    lua_settop(lua, 0);
    // Blaming needs the stack as it was, so not lua_cpcall; should a push here find no memory, panic ends the process.
    lua_pushcfunction(lua, ask_protected);
    lua_pushlightuserdata(lua, question);
    if (tend_lua_call(lua, 1, 0) == 0) {
        return true;
    }
    const char *text = lua_tostring(lua, -1);
    (void)snprintf(question->error, sizeof question->error, "%s", text == NULL ? "an error without a text" : text);
    lua_settop(lua, 0);
    json_decref(question->reply);
    question->reply = NULL;
    return false;
}

// "shop.lua:12: text" as {"at":"shop.lua:12","text":"text"}; without a position "at" is "".
static json_t *fault_of(const char *message)
{
    const char *colon = strchr(message, ':');
    const char *end = colon;
    if (colon != NULL) {
        end = colon + 1 + strspn(colon + 1, "0123456789");
    }
    const bool positioned = colon != NULL && end > colon + 1 && strncmp(end, ": ", 2) == 0;
    const char *text = positioned ? end + 2 : message;
    return json_pack("{s:o,s:o}", "at", tend_json_string(message, positioned ? (size_t)(end - message) : 0), "text",
                     tend_json_string(text, strlen(text)));
}

// The document of a script that could not load. Memory that ended has no line; the file that began last is as near.
static json_t *document_with_error(const struct tend_script *script, const char *message)
{
    json_t *fault = fault_of(message);
    const char *file = tend_json_text(json_array_get(script->files, script->file), "name", NULL);
    if (file != NULL && tend_json_text(fault, "at", "")[0] == '\0') {
        char at[300];
        (void)snprintf(at, sizeof at, "%s:1", file);
        (void)json_object_set_new(fault, "at", json_string(at));
    }
    return json_pack("{s:[o]}", "errors", fault);
}

json_t *tend_script_load(struct tend_script *script, const json_t *sources)
{
    json_t *files = json_object_get(sources, "files");
    json_t *env = json_object_get(sources, "env");
    json_t *secrets = json_object_get(sources, "secrets");
    if (script->files != NULL || !json_is_array(files)) {
        return document_with_error(script, "the sources are loaded already, or are none");
    }
    script->files = json_incref(files);
    script->env = json_is_object(env) ? json_incref(env) : NULL;
    script->secrets = json_is_array(secrets) ? json_incref(secrets) : NULL;
    struct question question = { .script = script, .entry = "load" };
    if (!ask(&question)) {
        return document_with_error(script, question.error);
    }
    if (!json_is_object(question.reply)) {
        json_decref(question.reply);
        return document_with_error(script, "load() returned no table");
    }
    char env_hash[65] = "";
    if (script->env != NULL) {
        const char *text = tend_json_text(script->env, "text", "");
        tend_sha256_hex(text, strlen(text), env_hash);
    }
    (void)json_object_set_new(question.reply, "env_sha256", json_string(env_hash));
    script->document = json_incref(question.reply);
    return question.reply;
}

json_t *tend_script_ask(struct tend_script *script, const json_t *question_json)
{
    struct question question = { .script = script, .entry = "ask", .argument = question_json };
    if (script->document == NULL) {
        return json_pack("{s:s}", "error", "no rules are loaded");
    }
    if (strcmp(tend_json_text(question_json, "kind", ""), "notice") == 0) {
        tend_script_progress(script, TEND_PROGRESS_NOTIFY, (uint32_t)tend_json_integer(question_json, "notify", 0));
    }
    if (!ask(&question)) {
        return json_pack("{s:o}", "error", tend_json_string(question.error, strlen(question.error)));
    }
    return question.reply;
}
