// The coroutine runs tend.host's run(request); it yields an effect's table and is resumed with the answer's. LuaJIT
// yields through pcall and xpcall, so `p:try` needs nothing more.
//
// JSON is made of a yielded table while the coroutine stands still; C numbers the effects, so a script cannot pass an
// effect off as another's.

#include "script/run_coroutine.h"

#include "script/lua_call.h"
#include "script/lua_json.h"

#include <lauxlib.h>
#include <string.h>

static char run_key; // its address is the registry key that keeps the coroutine

int tend_run_yield(lua_State *lua)
{
    if (tend_script_of(lua)->run != lua) {
        return luaL_error(lua, "this acts, so it can only be called in a playbook's run");
    }
    luaL_checktype(lua, 1, LUA_TTABLE);
    lua_settop(lua, 1);
    return lua_yield(lua, 1);
}

static json_t *ended_with(const char *error)
{
    return json_pack("{s:{s:b,s:o,s:s}}", "end", "ok", 0, "error", tend_json_string(error, strlen(error)), "undo",
                     "none");
}

// What one resume came to, filled in protected mode.
struct resume {
    struct tend_script *script;
    const json_t *argument; // an answer; or for the first time the whole start
    json_t *reply;          // {"effect"} or {"end"}
};

static json_t *reply_of(struct resume *resume, lua_State *run, const char *key)
{
    struct tend_error error;
    json_t *value = tend_lua_to_json(run, -1, &error);
    if (value == NULL) {
        return ended_with(error.text);
    }
    if (!json_is_object(value)) {
        json_decref(value);
        return ended_with(resume->script->run_waits ? "an effect is a table" : "run() returned no table");
    }
    if (resume->script->run_waits) {
        resume->script->run_seq++;
        (void)json_object_set_new(value, "seq", json_integer(resume->script->run_seq));
    }
    return json_pack("{s:o}", key, value);
}

// Runs protected on the main stack; lightuserdata: struct resume.
static int resume_protected(lua_State *lua)
{
    struct resume *resume = lua_touserdata(lua, 1);
    struct tend_script *script = resume->script;
    lua_State *run = script->run;
    if (run == NULL) {
        run = lua_newthread(lua);
        lua_pushlightuserdata(lua, &run_key);
        lua_pushvalue(lua, -2);
        lua_rawset(lua, LUA_REGISTRYINDEX);
        script->run = run;
        tend_script_push_entry(script, "run");
        lua_xmove(lua, run, 1);
    }
    tend_lua_push_json(lua, resume->argument);
    lua_xmove(lua, run, 1);
    script->run_waits = false;
    tend_script_progress(script, TEND_PROGRESS_PLAYBOOK, script->playbook);
    const int status = lua_resume(run, 1);
    if (status == LUA_YIELD) {
        script->run_waits = true;
        resume->reply = reply_of(resume, run, "effect");
        lua_settop(run, 0);
    } else if (status == 0) {
        resume->reply = reply_of(resume, run, "end");
    } else {
        tend_lua_blame_coroutine(lua, run);
        resume->reply = ended_with(lua_tostring(lua, -1));
    }
    return 0;
}

static json_t *resume_with(struct tend_script *script, const json_t *argument)
{
    struct resume resume = { .script = script, .argument = argument };
    if (lua_cpcall(script->lua, resume_protected, &resume) != 0) {
        json_decref(resume.reply);
        resume.reply = ended_with(lua_tostring(script->lua, -1));
        script->run_waits = false;
        lua_settop(script->lua, 0);
    }
    return resume.reply;
}

json_t *tend_script_run_start(struct tend_script *script, const json_t *start)
{
    if (script->run != NULL || script->document == NULL) {
        return ended_with(script->run != NULL ? "this process has a run already" : "no rules are loaded");
    }
    script->playbook = (uint32_t)tend_json_integer(start, "playbook", 0);
    json_t *reply = resume_with(script, start);
    const json_t *answers = json_object_get(start, "answers");
    json_t *replayed = json_array();
    for (size_t i = 0; script->run_waits && i < json_array_size(answers); i++) {
        (void)json_array_append(replayed, json_object_get(reply, "effect"));
        json_decref(reply);
        reply = resume_with(script, json_array_get(answers, i));
    }
    if (json_array_size(answers) > 0) {
        (void)json_object_set(reply, "replayed", replayed);
    }
    json_decref(replayed);
    return reply;
}

json_t *tend_script_answer(struct tend_script *script, const json_t *answer)
{
    if (!script->run_waits) {
        return ended_with("no run waits for an answer");
    }
    return resume_with(script, answer);
}
