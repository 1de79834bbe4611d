// Objects are walked with lua_next, whose order differs between processes: whoever needs the same bytes each time
// writes the result with sorted keys (tend_json_canonical).
//
// The mark of an array is a metatable of its own, not a field, so that it does not show when a table is walked.

#include "script/lua_json.h"

#include <lauxlib.h>
#include <math.h>
#include <string.h>

static char array_mark; // its address is the key of the marking metatable in the registry
static char null_value; // its address is host.null

enum { MAX_VALUES = 1000000 }; // values in one message: more would not fit a frame

void tend_lua_push_null(lua_State *lua)
{
    lua_pushlightuserdata(lua, &null_value);
}

static void push_mark(lua_State *lua)
{
    lua_pushlightuserdata(lua, &array_mark);
    lua_rawget(lua, LUA_REGISTRYINDEX);
    if (lua_isnil(lua, -1)) {
        lua_pop(lua, 1);
        lua_newtable(lua);
        lua_pushboolean(lua, 0);
        lua_setfield(lua, -2, "__metatable");
        lua_pushlightuserdata(lua, &array_mark);
        lua_pushvalue(lua, -2);
        lua_rawset(lua, LUA_REGISTRYINDEX);
    }
}

void tend_lua_mark_array(lua_State *lua, int index)
{
    lua_pushvalue(lua, index);
    push_mark(lua);
    lua_setmetatable(lua, -2);
    lua_pop(lua, 1);
}

static bool is_marked(lua_State *lua, int index)
{
    if (lua_getmetatable(lua, index) == 0) {
        return false;
    }
    lua_pushlightuserdata(lua, &array_mark);
    lua_rawget(lua, LUA_REGISTRYINDEX);
    const bool marked = lua_rawequal(lua, -1, -2) != 0 && !lua_isnil(lua, -1);
    lua_pop(lua, 2);
    return marked;
}

// NOLINTBEGIN(misc-no-recursion): at most TEND_LUA_JSON_DEPTH deep
static void push_value(lua_State *lua, const json_t *value, int depth);

static void push_object(lua_State *lua, const json_t *value, int depth)
{
    lua_createtable(lua, 0, (int)json_object_size(value));
    // jansson's iterators are not const, but they change nothing
    json_t *object = (json_t *)(uintptr_t)value; // NOLINT(performance-no-int-to-ptr): see above
    for (void *i = json_object_iter(object); i != NULL; i = json_object_iter_next(object, i)) {
        if (json_is_null(json_object_iter_value(i))) {
            continue;
        }
        lua_pushlstring(lua, json_object_iter_key(i), json_object_iter_key_len(i));
        push_value(lua, json_object_iter_value(i), depth + 1);
        lua_rawset(lua, -3);
    }
}

static void push_array(lua_State *lua, const json_t *value, int depth)
{
    const size_t count = json_array_size(value);
    lua_createtable(lua, (int)count, 0);
    if (count == 0) {
        tend_lua_mark_array(lua, -1);
    }
    for (size_t i = 0; i < count; i++) {
        push_value(lua, json_array_get(value, i), depth + 1);
        lua_rawseti(lua, -2, (int)i + 1);
    }
}

static void push_value(lua_State *lua, const json_t *value, int depth)
{
    if (depth > TEND_LUA_JSON_DEPTH) {
        (void)luaL_error(lua, "JSON is more than %d deep", TEND_LUA_JSON_DEPTH);
        return;
    }
    luaL_checkstack(lua, 4, "JSON is too deep");
    if (value == NULL) {
        lua_pushnil(lua);
        return;
    }
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        push_object(lua, value, depth);
        break;
    case JSON_ARRAY:
        push_array(lua, value, depth);
        break;
    case JSON_STRING:
        lua_pushlstring(lua, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        lua_pushnumber(lua, (lua_Number)json_integer_value(value));
        break;
    case JSON_REAL:
        lua_pushnumber(lua, json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        lua_pushboolean(lua, json_is_true(value));
        break;
    case JSON_NULL:
        lua_pushnil(lua);
        break;
    }
}

// NOLINTEND(misc-no-recursion)

void tend_lua_push_json(lua_State *lua, const json_t *value)
{
    push_value(lua, value, 0);
}

// Where the walk is, for messages, and how much it has seen.
struct walk {
    lua_State *lua;
    struct tend_error *error;
    char path[256];
    size_t values;
};

// NOLINTBEGIN(misc-no-recursion): at most TEND_LUA_JSON_DEPTH deep
static json_t *walk_value(struct walk *walk, int index, int depth);

static json_t *refuse(const struct walk *walk, const char *what)
{
    tend_error_set(walk->error, "%s at %s cannot be told as JSON", what,
                   walk->path[0] == '\0' ? "the top" : walk->path);
    return NULL;
}

// Adds ".key" or "[3]" to the path; returns the length it had, for cutting it back.
static size_t path_push(struct walk *walk, const char *key, size_t number)
{
    const size_t length = strlen(walk->path);
    if (key != NULL) {
        (void)snprintf(walk->path + length, sizeof walk->path - length, "%s%s", length == 0 ? "" : ".", key);
    } else {
        (void)snprintf(walk->path + length, sizeof walk->path - length, "[%zu]", number);
    }
    return length;
}

static json_t *walk_array(struct walk *walk, int index, size_t count, int depth)
{
    json_t *array = json_array();
    for (size_t i = 1; array != NULL && i <= count; i++) {
        const size_t length = path_push(walk, NULL, i);
        lua_rawgeti(walk->lua, index, (int)i);
        json_t *value = walk_value(walk, lua_gettop(walk->lua), depth + 1);
        lua_pop(walk->lua, 1);
        walk->path[length] = '\0';
        if (value == NULL || json_array_append_new(array, value) != 0) {
            json_decref(array);
            array = NULL;
        }
    }
    return array;
}

static json_t *walk_object(struct walk *walk, int index, int depth)
{
    json_t *object = json_object();
    lua_pushnil(walk->lua);
    while (object != NULL && lua_next(walk->lua, index) != 0) {
        json_t *value = NULL;
        if (lua_type(walk->lua, -2) != LUA_TSTRING) {
            (void)refuse(walk, "a table with keys that are not all text, nor 1 to n,");
        } else {
            size_t bytes = 0;
            const char *key = lua_tolstring(walk->lua, -2, &bytes);
            const size_t length = path_push(walk, key, 0);
            value = walk_value(walk, lua_gettop(walk->lua), depth + 1);
            walk->path[length] = '\0';
            if (value != NULL && json_object_setn_new(object, key, bytes, value) != 0) {
                (void)refuse(walk, "a key that is no UTF-8");
                value = NULL;
            }
        }
        if (value == NULL) {
            lua_pop(walk->lua, 2);
            json_decref(object);
            return NULL;
        }
        lua_pop(walk->lua, 1);
    }
    return object;
}

// How many keys the table has when they are 1 to n; -1 when they are not.
static long long array_length(lua_State *lua, int index)
{
    const size_t length = lua_objlen(lua, index);
    size_t keys = 0;
    lua_pushnil(lua);
    while (lua_next(lua, index) != 0) {
        lua_pop(lua, 1);
        keys++;
        if (lua_type(lua, -1) != LUA_TNUMBER || keys > length) {
            lua_pop(lua, 1);
            return -1;
        }
    }
    for (size_t i = 1; i <= length; i++) { // objlen is a border; with holes the count would still match
        lua_rawgeti(lua, index, (int)i);
        const bool hole = lua_isnil(lua, -1);
        lua_pop(lua, 1);
        if (hole) {
            return -1;
        }
    }
    return keys == length ? (long long)length : -1;
}

static json_t *walk_table(struct walk *walk, int index, int depth)
{
    if (depth > TEND_LUA_JSON_DEPTH) {
        return refuse(walk, "a table that is too deep, or holds itself,");
    }
    if (lua_checkstack(walk->lua, 6) == 0) {
        return refuse(walk, "a table that is too deep");
    }
    const long long length = array_length(walk->lua, index);
    if (is_marked(walk->lua, index)) {
        return length < 0 ? refuse(walk, "an array with other keys than 1 to n")
                          : walk_array(walk, index, (size_t)length, depth);
    }
    return length > 0 ? walk_array(walk, index, (size_t)length, depth) : walk_object(walk, index, depth);
}

static json_t *number_to_json(double number)
{
    if (number == floor(number) && fabs(number) < 9007199254740992.0) {
        return json_integer((json_int_t)number);
    }
    return tend_json_real(number);
}

static json_t *walk_value(struct walk *walk, int index, int depth)
{
    if (++walk->values > MAX_VALUES) {
        return refuse(walk, "more than a million values");
    }
    switch (lua_type(walk->lua, index)) {
    case LUA_TNIL:
        return json_null();
    case LUA_TBOOLEAN:
        return json_boolean(lua_toboolean(walk->lua, index));
    case LUA_TNUMBER:
        return number_to_json(lua_tonumber(walk->lua, index));
    case LUA_TSTRING: {
        size_t bytes = 0;
        const char *text = lua_tolstring(walk->lua, index, &bytes);
        return memchr(text, '\0', bytes) != NULL ? refuse(walk, "text with a NUL byte") : tend_json_string(text, bytes);
    }
    case LUA_TTABLE:
        return walk_table(walk, index, depth);
    case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(walk->lua, index) == &null_value) {
            return json_null();
        }
        return refuse(walk, "a userdata");
    case LUA_TFUNCTION:
        return refuse(walk, "a function");
    default:
        return refuse(walk, "a userdata");
    }
}

// NOLINTEND(misc-no-recursion)

json_t *tend_lua_to_json(lua_State *lua, int index, struct tend_error *error)
{
    struct walk walk = { .lua = lua, .error = error };
    const int top = lua_gettop(lua);
    if (lua_checkstack(lua, 4) == 0) {
        tend_error_set(error, "%s", tend_status_text(TEND_E_NOMEM));
        return NULL;
    }
    tend_error_set(error, "%s", tend_status_text(TEND_E_NOMEM)); // what a NULL means when nothing was refused
    json_t *value = walk_value(&walk, index > 0 ? index : top + 1 + index, 0);
    lua_settop(lua, top);
    return value;
}
