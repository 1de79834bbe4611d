// Errors raised by Lua itself begin with the raising frame's short source and line; those of `error(text, 2)` with the
// caller's. A text that begins with a line of the user's is right as it is (but for names that Lua cut); any other, as
// of a bug in the library or of a value that is no text, gets the nearest line of the user's in front.

#include "script/lua_call.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { MAX_LEVELS = 200 }; // frames looked at; deeper stacks are recursion, whose top says enough

static bool is_users(const lua_Debug *frame)
{
    return frame->source != NULL && frame->source[0] == '@';
}

const char *tend_lua_caller(lua_State *lua, int level, char *out, size_t out_bytes)
{
    lua_Debug frame;
    out[0] = '\0';
    for (int i = level; i < level + MAX_LEVELS && lua_getstack(lua, i, &frame) == 1; i++) {
        if (lua_getinfo(lua, "Sl", &frame) != 0 && is_users(&frame) && frame.currentline > 0) {
            (void)snprintf(out, out_bytes, "%s:%d", frame.source + 1, frame.currentline);
            break;
        }
    }
    return out;
}

// Whether `text` begins with this frame's file and a line; then how long the file part is.
static size_t position_length(const char *text, const lua_Debug *frame)
{
    const size_t length = strlen(frame->short_src);
    if (strncmp(text, frame->short_src, length) != 0 || text[length] != ':') {
        return 0;
    }
    const char digit = text[length + 1];
    return digit >= '0' && digit <= '9' ? length : 0;
}

static void push_blamed(lua_State *to, lua_State *stack, const char *text, int level)
{
    lua_Debug frame;
    for (int i = level; i < level + MAX_LEVELS && lua_getstack(stack, i, &frame) == 1; i++) {
        if (lua_getinfo(stack, "Sl", &frame) == 0 || !is_users(&frame)) {
            continue;
        }
        const size_t length = position_length(text, &frame);
        if (length > 0) {
            lua_pushfstring(to, "%s%s", frame.source + 1, text + length);
            return;
        }
    }
    char where[256];
    (void)tend_lua_caller(stack, level, where, sizeof where);
    if (where[0] == '\0') {
        lua_pushstring(to, text);
    } else {
        lua_pushfstring(to, "%s: %s", where, text);
    }
}

static const char *error_text(lua_State *lua, int index)
{
    if (lua_type(lua, index) == LUA_TSTRING || lua_type(lua, index) == LUA_TNUMBER) {
        return lua_tostring(lua, index);
    }
    if (luaL_callmeta(lua, index, "__tostring") != 0 && lua_type(lua, -1) == LUA_TSTRING) {
        return lua_tostring(lua, -1);
    }
    return lua_pushfstring(lua, "the error is a %s, not a text", luaL_typename(lua, index));
}

int tend_lua_blame(lua_State *lua)
{
    const char *text = error_text(lua, 1);
    push_blamed(lua, lua, text, 1);
    return 1;
}

void tend_lua_blame_coroutine(lua_State *to, lua_State *failed)
{
    const char *text = error_text(failed, lua_gettop(failed));
    push_blamed(to, failed, text, 0);
}

int tend_lua_call(lua_State *lua, int argument_count, int result_count)
{
    const int handler = lua_gettop(lua) - argument_count;
    lua_pushcfunction(lua, tend_lua_blame);
    lua_insert(lua, handler);
    const int status = lua_pcall(lua, argument_count, result_count, handler);
    lua_remove(lua, handler);
    return status;
}
