// What rules see, and what they do not: each test loads text as a user's file, in this process, without the locks.

#include "script/script.h"
#include "script_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// Loads the text as shop.lua. Returns the error, "AT: TEXT", or "" for none; free() it.
static char *load(const char *text)
{
    const struct tend_script_config config = { .modules = script_fixture_modules,
                                               .memory_bytes = TEND_SCRIPT_MEMORY_BYTES };
    struct tend_script *script = NULL;
    assert_int_equal(tend_script_create(&config, &script), TEND_OK);
    json_t *sources = json_pack("{s:[{s:s,s:s}]}", "files", "name", "shop.lua", "text", text);
    assert_non_null(sources);
    json_t *document = tend_script_load(script, sources);
    const json_t *error = json_array_get(json_object_get(document, "errors"), 0);
    struct tend_buffer message;
    tend_buffer_init(&message);
    if (error != NULL) {
        tend_buffer_printf(&message, "%s: %s", tend_json_text(error, "at", "?"), tend_json_text(error, "text", "?"));
    }
    char *result = strdup(tend_buffer_text(&message));
    tend_buffer_clear(&message);
    json_decref(document);
    json_decref(sources);
    tend_script_destroy(script);
    return result;
}

static void assert_error(const char *text, const char *expected)
{
    char *message = load(text);
    assert_string_equal(message, expected);
    free(message);
}

static void assert_fine(const char *text)
{
    assert_error(text, "");
}

static void builtin_escapes_are_not_there(void **state)
{
    (void)state;
    static const char *const names[] = {
        "load",           "loadstring", "dofile", "loadfile", "module",  "package",      "os",           "io",
        "debug",          "ffi",        "jit",    "getfenv",  "setfenv", "newproxy",     "gcinfo",       "coroutine",
        "collectgarbage", "xpcall",     "print",  "_G",       "bit",     "setmetatable", "getmetatable", "rawget",
        "rawset",         "rawequal",   "host",   "_VERSION"
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char text[64];
        char expected[160];
        (void)snprintf(text, sizeof text, "local x = %s", names[i]);
        (void)snprintf(expected, sizeof expected,
                       "shop.lua:1: there is no '%s' here; is it misspelt, or a `local` too late?", names[i]);
        assert_error(text, expected);
    }
}

static void library_functions_that_harm_are_not_there(void **state)
{
    (void)state;
    assert_fine("assert(string.dump == nil and math.random == nil and math.randomseed == nil)\n"
                "assert(table.foreach == nil and table.foreachi == nil)");
}

static void what_is_listed_is_there(void **state)
{
    (void)state;
    assert_fine("assert(select('#', 1, 2) == 2 and tonumber '7' == 7 and type {} == 'table')\n"
                "local a, b = unpack { 1, 2 } assert(a == 1 and b == 2)\n"
                "local fine, reason = pcall(error, 'x', 0) assert(not fine and reason == 'x')\n"
                "for i, v in ipairs { 5 } do assert(i == 1 and v == 5) end\n"
                "assert(math.floor(2.5) == 2 and string.upper 'a' == 'A' and ('x'):rep(3) == 'xxx')\n"
                "assert(table.concat({ 1, 2 }, ',') == '1,2' and ('%d'):format(3) == '3')");
}

static void a_global_cannot_be_set(void **state)
{
    (void)state;
    assert_error("local a = 1\nx = 5", "shop.lua:2: global variable 'x': write `local x`");
    assert_error("pairs = nil", "shop.lua:1: global variable 'pairs': write `local pairs`");
}

static void the_libraries_cannot_be_changed(void **state)
{
    (void)state;
    assert_error("string.upper = nil", "shop.lua:1: 'upper' cannot be set: the libraries are the same for all code");
    assert_error("math.x = 1", "shop.lua:1: 'x' cannot be set: the libraries are the same for all code");
    assert_fine("assert(require('tend.library').meta '' == false)");
    assert_fine("assert(require('tend.library').meta(string) == false)");
}

static void pairs_and_next_go_in_sorted_order(void **state)
{
    (void)state;
    assert_fine("local seen = {}\n"
                "for k in pairs { b = 1, a = 1, [10] = 1, [2] = 1, [true] = 1, [false] = 1, B = 1, ['a\\0'] = 1, "
                "[-1.5] = 1 } do\n"
                "  seen[#seen + 1] = tostring(k)\n"
                "end\n"
                "assert(table.concat(seen, ' ') == '-1.5 2 10 B a a\\0 b false true', table.concat(seen, ' '))");
    assert_fine("local t, seen, k = { z = 1, y = 2, [3] = 3 }, {}, nil\n"
                "repeat k = next(t, k) seen[#seen + 1] = tostring(k) until k == nil\n"
                "assert(table.concat(seen, ' ') == '3 y z nil')\n"
                "assert(next {} == nil)");
}

static void pairs_leaves_out_what_was_removed_on_the_way(void **state)
{
    (void)state;
    assert_fine("local t, n = { a = 1, b = 2, c = 3 }, 0\n"
                "for k in pairs(t) do n = n + 1 t.b = nil end\n"
                "assert(n == 2)");
}

static void a_key_without_an_order_is_an_error(void **state)
{
    (void)state;
    assert_error("for _ in pairs { [{}] = 1 } do end",
                 "shop.lua:1: a table with a table as key has no order; use text or numbers");
}

static void no_address_is_shown(void **state)
{
    (void)state;
    assert_fine("assert(tostring {} == 'table' and tostring(pcall) == 'function')\n"
                "assert(('%s %s'):format({}, pcall) == 'table function' and tostring(nil) == 'nil')");
    assert_error("local x = ('%p'):format {}", "shop.lua:1: string.format has no %p: addresses differ in each process");
    assert_error("local x = ('%-8p'):format {}",
                 "shop.lua:1: string.format has no %p: addresses differ in each process");
    assert_fine("assert(('%5.1f%%p'):format(1.5) == '  1.5%p')");
}

static void rep_is_capped(void **state)
{
    (void)state;
    assert_fine("assert(#('x'):rep(1048576) == 1048576)");
    assert_error("local x = ('x'):rep(1048577)", "shop.lua:1: string.rep makes at most 1048576 bytes");
    assert_error("local x = ('x'):rep(2^60)", "shop.lua:1: string.rep makes at most 1048576 bytes");
}

static void bytecode_is_refused(void **state)
{
    (void)state;
    assert_error("\x1bLJ\x02", "shop.lua:1: this is bytecode; rules are text");
}

static void a_syntax_error_has_its_line(void **state)
{
    (void)state;
    assert_error("local x = 1\nlocal = 2", "shop.lua:2: '<name>' expected near '='");
}

static void an_error_in_the_library_is_blamed_on_the_users_line(void **state)
{
    (void)state;
    assert_error("local l = require 'tend.library'\n\nl.broken()",
                 "shop.lua:3: stdlib/tend/library.lua:4: attempt to index local 't' (a nil value)");
    assert_error("local l = require 'tend.library'\nl.refuse()", "shop.lua:2: that is wrong");
    assert_error("error {}", "shop.lua:1: the error is a table, not a text");
}

static void the_caller_is_the_nearest_line_of_the_user(void **state)
{
    (void)state;
    assert_fine("local l = require 'tend.library'\n"
                "local at = l.here()\n"
                "assert(at == 'shop.lua:2', at)");
}

static void a_pack_is_rules_with_a_place_of_its_own(void **state)
{
    (void)state;
    assert_fine("local small = require 'tend.pack.small'\n"
                "assert(small.at == 'rules/small/small.lua:2', small.at)\n"
                "local fine, reason = require('tend.library').call(small.open)\n"
                "assert(reason:find('rules/small/small.lua:2: there is no', 1, true) == 1, reason)");
}

static void require_finds_embedded_modules_only(void **state)
{
    (void)state;
    assert_fine("assert(require 'tend.library' == require 'tend.library')");
    assert_error("require 'tend.libary'", "shop.lua:1: there is no module 'tend.libary'; did you mean 'tend.library'?");
    assert_error("require 'socket.http'",
                 "shop.lua:1: there is no module 'socket.http'; modules are those that come with tend");
}

static void deep_recursion_is_an_error(void **state)
{
    (void)state;
    char *message = load("local function f() return 1 + f() end\nf()");
    assert_non_null(strstr(message, "stack overflow"));
    free(message);
    message = load("local x = ('x'):rep(1e6, ' ')");
    assert_non_null(strstr(message, "string.rep makes at most"));
    free(message);
}

static void memory_without_end_is_an_error(void **state)
{
    (void)state;
    char *message = load("local t = {}\nfor i = 1, 1e9 do t[i] = { i } end");
    assert_string_equal(message, "shop.lua:1: not enough memory");
    free(message);
}

static void the_host_reads_units_and_selectors(void **state)
{
    (void)state;
    assert_fine("local host = require('tend.library').host()\n"
                "assert(host.duration '1m30s' == 90000)\n"
                "local none, reason = host.duration '15' assert(none == nil and reason == '\"15\" has no unit; write "
                "\"15s\"', reason)\n"
                "assert(host.quantity('400ms', 's') == 0.4 and host.format(0.4, 's') == '400 ms')\n"
                "assert(host.format(nil, 's') == 'no data' and host.format_duration(90000) == '1m30s')\n"
                "assert(host.selector 'up{job=\"x\"}' == true and host.selector 'up{' == nil)\n"
                "assert(host.hours 'Mon-Fri 08:00-20:00' == true)\n"
                "none, reason = host.hours '8-20'\n"
                "assert(none == nil and reason == '\"8-20\" is no time span; write it like 08:00-20:00', reason)\n"
                "assert(host.sha256 '' == 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')\n"
                "assert(host.json { b = 1, a = host.array {}, c = {}, d = host.null } == "
                "'{\"a\":[],\"b\":1,\"c\":{},\"d\":null}')\n"
                "assert(table.concat(host.modules(), ' ') == 'tend.host tend.library tend.pack.small')\n"
                "assert(host.files()[1].name == 'shop.lua' and host.env() == nil and host.secrets() == nil)");
}

static void compiled_code_has_globals_of_its_own(void **state)
{
    (void)state;
    assert_fine("local host = require('tend.library').host()\n"
                "local f = host.compile('return host', 'x.lua', 'library') assert(f() == host)\n"
                "local g = host.compile('return host', '@x.lua', 'rule')\n"
                "local fine, reason = host.call(g)\n"
                "assert(not fine and reason:find('x.lua:1: there is no', 1, true) == 1, reason)\n"
                "local h, why = host.compile('x x', 'y.lua', 'rule') assert(h == nil and why:find 'y.lua:1:')");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(builtin_escapes_are_not_there),
        cmocka_unit_test(library_functions_that_harm_are_not_there),
        cmocka_unit_test(what_is_listed_is_there),
        cmocka_unit_test(a_global_cannot_be_set),
        cmocka_unit_test(the_libraries_cannot_be_changed),
        cmocka_unit_test(pairs_and_next_go_in_sorted_order),
        cmocka_unit_test(pairs_leaves_out_what_was_removed_on_the_way),
        cmocka_unit_test(a_key_without_an_order_is_an_error),
        cmocka_unit_test(no_address_is_shown),
        cmocka_unit_test(rep_is_capped),
        cmocka_unit_test(bytecode_is_refused),
        cmocka_unit_test(a_syntax_error_has_its_line),
        cmocka_unit_test(an_error_in_the_library_is_blamed_on_the_users_line),
        cmocka_unit_test(the_caller_is_the_nearest_line_of_the_user),
        cmocka_unit_test(a_pack_is_rules_with_a_place_of_its_own),
        cmocka_unit_test(require_finds_embedded_modules_only),
        cmocka_unit_test(deep_recursion_is_an_error),
        cmocka_unit_test(memory_without_end_is_an_error),
        cmocka_unit_test(the_host_reads_units_and_selectors),
        cmocka_unit_test(compiled_code_has_globals_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
