// JSON through Lua and back: ask of the fixture's host gives its request back.

#include "script/lua_json.h"
#include "script/script.h"
#include "script_fixture.h"

#include <lauxlib.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// A bare state: the conversions need nothing else.
static int make_lua(void **state)
{
    *state = luaL_newstate();
    return *state == NULL ? -1 : 0;
}

static int close_lua(void **state)
{
    lua_close(*state);
    return 0;
}

static int push_json_protected(lua_State *lua)
{
    tend_lua_push_json(lua, lua_touserdata(lua, 1));
    return 1;
}

// The text through Lua and back, canonical; free() it.
static char *through(lua_State *lua, const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    lua_pushcfunction(lua, push_json_protected);
    lua_pushlightuserdata(lua, value);
    assert_int_equal(lua_pcall(lua, 1, 1, 0), 0);
    struct tend_error error;
    json_t *back = tend_lua_to_json(lua, -1, &error);
    assert_non_null(back);
    assert_int_equal(lua_gettop(lua), 1);
    lua_settop(lua, 0);
    char *result = tend_json_canonical(back);
    json_decref(value);
    json_decref(back);
    return result;
}

static void assert_through(lua_State *lua, const char *text, const char *expected)
{
    char *result = through(lua, text);
    assert_string_equal(result, expected);
    free(result);
}

// What the Lua expression becomes, or the error.
static void assert_made(lua_State *lua, const char *expression, const char *expected)
{
    char code[256];
    (void)snprintf(code, sizeof code, "return %s", expression);
    assert_int_equal(luaL_loadstring(lua, code), 0);
    lua_call(lua, 0, 1);
    struct tend_error error;
    json_t *made = tend_lua_to_json(lua, -1, &error);
    char *result = made == NULL ? strdup(error.text) : tend_json_canonical(made);
    assert_string_equal(result, expected);
    free(result);
    json_decref(made);
    lua_settop(lua, 0);
}

static void values_come_back_as_they_were(void **state)
{
    assert_through(*state, "{\"a\":[1,2.5,\"x\",true,false],\"b\":{\"c\":-3}}",
                   "{\"a\":[1,2.5,\"x\",true,false],\"b\":{\"c\":-3}}");
    assert_through(*state, "\"\\u00e4\"", "\"\xc3\xa4\"");
}

static void an_empty_array_stays_one_and_an_empty_object_too(void **state)
{
    assert_through(*state, "{\"a\":[],\"o\":{}}", "{\"a\":[],\"o\":{}}");
}

static void null_members_are_left_out(void **state)
{
    assert_through(*state, "{\"a\":null,\"b\":1}", "{\"b\":1}");
}

static void numbers_that_json_lacks_become_null(void **state)
{
    assert_made(*state, "{ 0/0, 1/0, -1/0, 1 }", "[null,null,null,1]");
}

static void whole_numbers_become_integers(void **state)
{
    assert_made(*state, "{ 3, 1e15, 0.5, -0.0 }", "[3,1000000000000000,0.5,0]");
}

static void tables_with_mixed_keys_are_refused(void **state)
{
    assert_made(*state, "{ 1, 2, x = 3 }",
                "a table with keys that are not all text, nor 1 to n, at the top cannot be told as JSON");
    assert_made(*state, "{ a = { [3] = 1 } }",
                "a table with keys that are not all text, nor 1 to n, at a cannot be told as JSON");
}

static void functions_are_refused_with_their_place(void **state)
{
    assert_made(*state, "{ services = { { run = function() end } } }",
                "a function at services[1].run cannot be told as JSON");
}

static void a_table_that_holds_itself_is_refused(void **state)
{
    lua_State *lua = *state;
    assert_int_equal(luaL_loadstring(lua, "local t = {} t.t = t return t"), 0);
    lua_call(lua, 0, 1);
    struct tend_error error;
    assert_null(tend_lua_to_json(lua, -1, &error));
    assert_non_null(strstr(error.text, "too deep, or holds itself"));
    lua_settop(lua, 0);
}

static void json_that_is_too_deep_raises(void **state)
{
    char text[512] = "";
    for (int i = 0; i < 100; i++) {
        text[i] = '[';
        text[199 - i] = ']';
    }
    json_t *value = json_loads(text, 0, NULL);
    assert_non_null(value);
    lua_pushcfunction(*state, push_json_protected);
    lua_pushlightuserdata(*state, value);
    assert_int_not_equal(lua_pcall(*state, 1, 1, 0), 0);
    lua_settop(*state, 0);
    json_decref(value);
}

static void text_that_json_cannot_hold_is_refused_or_escaped(void **state)
{
    assert_made(*state, "{ 'a\\0b' }", "text with a NUL byte at [1] cannot be told as JSON");
    assert_made(*state, "{ 'a\\255' }", "[\"a\\\\xff\"]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(values_come_back_as_they_were, make_lua, close_lua),
        cmocka_unit_test_setup_teardown(an_empty_array_stays_one_and_an_empty_object_too, make_lua, close_lua),
        cmocka_unit_test_setup_teardown(null_members_are_left_out, make_lua, close_lua),
        cmocka_unit_test_setup_teardown(numbers_that_json_lacks_become_null, make_lua, close_lua),
        cmocka_unit_test_setup_teardown(whole_numbers_become_integers, make_lua, close_lua),
        cmocka_unit_test_setup_teardown(tables_with_mixed_keys_are_refused, make_lua, close_lua),
        cmocka_unit_test_setup_teardown(functions_are_refused_with_their_place, make_lua, close_lua),
        cmocka_unit_test_setup_teardown(a_table_that_holds_itself_is_refused, make_lua, close_lua),
        cmocka_unit_test_setup_teardown(json_that_is_too_deep_raises, make_lua, close_lua),
        cmocka_unit_test_setup_teardown(text_that_json_cannot_hold_is_refused_or_escaped, make_lua, close_lua),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
