// Runs in this process: the playbook is the function that a file returns; it steps with p.step { … }.

#include "script/script.h"
#include "script_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct tend_script *script_of(const char *playbook)
{
    const struct tend_script_config config = { .modules = script_fixture_modules, .memory_bytes = 32 << 20 };
    struct tend_script *script = NULL;
    assert_int_equal(tend_script_create(&config, &script), TEND_OK);
    json_t *sources = json_pack("{s:[{s:s,s:s}]}", "files", "name", "shop.lua", "text", playbook);
    json_t *document = tend_script_load(script, sources);
    assert_int_equal(json_array_size(json_object_get(document, "errors")), 0);
    json_decref(document);
    json_decref(sources);
    return script;
}

// Takes the reply.
static void assert_reply(json_t *take_reply, const char *expected)
{
    char *text = tend_json_canonical(take_reply);
    assert_string_equal(text, expected);
    free(text);
    json_decref(take_reply);
}

static json_t *start(struct tend_script *script, const char *answers)
{
    json_t *request =
        json_pack("{s:i,s:{s:s},s:o}", "playbook", 0, "frozen", "run", "r3", "answers", json_loads(answers, 0, NULL));
    json_t *reply = tend_script_run_start(script, request);
    json_decref(request);
    return reply;
}

static json_t *answer(struct tend_script *script, const char *text)
{
    json_t *request = json_loads(text, 0, NULL);
    json_t *reply = tend_script_answer(script, request);
    json_decref(request);
    return reply;
}

static const char *const two_steps = "return function(p)\n"
                                     "  local first = p.step { kind = 'note', args = { text = p.frozen.run } }\n"
                                     "  p.step { kind = 'exec', args = { argv = { first.value } } }\n"
                                     "end";

static void a_run_yields_its_effects_in_order_and_ends(void **state)
{
    (void)state;
    struct tend_script *script = script_of(two_steps);
    assert_reply(start(script, "[]"), "{\"effect\":{\"args\":{\"text\":\"r3\"},\"kind\":\"note\",\"seq\":1}}");
    assert_reply(answer(script, "{\"ok\":true,\"value\":\"x\"}"),
                 "{\"effect\":{\"args\":{\"argv\":[\"x\"]},\"kind\":\"exec\",\"seq\":2}}");
    assert_reply(answer(script, "{\"ok\":true}"), "{\"end\":{\"ok\":true}}");
    tend_script_destroy(script);
}

static void answers_that_are_there_are_replayed(void **state)
{
    (void)state;
    struct tend_script *script = script_of(two_steps);
    assert_reply(start(script, "[{\"ok\":true,\"value\":\"y\"}]"),
                 "{\"effect\":{\"args\":{\"argv\":[\"y\"]},\"kind\":\"exec\",\"seq\":2},"
                 "\"replayed\":[{\"args\":{\"text\":\"r3\"},\"kind\":\"note\",\"seq\":1}]}");
    tend_script_destroy(script);
}

static void a_run_that_raises_ends_with_the_users_line(void **state)
{
    (void)state;
    struct tend_script *script = script_of("return function(p)\n  p.step { kind = 'note' }\n  error 'no way'\nend");
    json_decref(start(script, "[]"));
    assert_reply(answer(script, "{\"ok\":true}"),
                 "{\"end\":{\"error\":\"shop.lua:3: no way\",\"ok\":false,\"undo\":\"none\"}}");
    tend_script_destroy(script);
}

static void a_step_may_be_yielded_through_a_protected_call(void **state)
{
    (void)state;
    struct tend_script *script =
        script_of("return function(p)\n"
                  "  local fine, value = p.try(function() return p.step { kind = 'wait' }.value end)\n"
                  "  assert(fine and value == 5)\n"
                  "  local again = pcall(p.step, { kind = 'note' })\n"
                  "  assert(again)\n"
                  "end");
    assert_reply(start(script, "[]"), "{\"effect\":{\"kind\":\"wait\",\"seq\":1}}");
    assert_reply(answer(script, "{\"ok\":true,\"value\":5}"), "{\"effect\":{\"kind\":\"note\",\"seq\":2}}");
    assert_reply(answer(script, "{}"), "{\"end\":{\"ok\":true}}");
    tend_script_destroy(script);
}

static void a_yield_that_is_no_table_or_no_json_ends_the_run(void **state)
{
    (void)state;
    struct tend_script *script = script_of("return function(p) p.step { f = p.step } end");
    assert_reply(start(script, "[]"), "{\"end\":{\"error\":\"a function at f cannot be told as JSON\",\"ok\":false,"
                                      "\"undo\":\"none\"}}");
    tend_script_destroy(script);
}

static void outside_of_a_run_nothing_can_be_yielded(void **state)
{
    (void)state;
    struct tend_script *script = script_of("local host = require('tend.library').host()\n"
                                           "return function() host.yield { kind = 'exec' } end");
    json_t *question = json_pack("{s:i}", "call", 0);
    assert_reply(tend_script_ask(script, question),
                 "{\"error\":\"shop.lua:2: this acts, so it can only be called in a playbook's run\"}");
    json_decref(question);
    tend_script_destroy(script);
}

static void an_ended_run_takes_no_answers_and_no_second_start(void **state)
{
    (void)state;
    struct tend_script *script = script_of("return function(p) end");
    assert_reply(start(script, "[]"), "{\"end\":{\"ok\":true}}");
    assert_reply(answer(script, "{}"),
                 "{\"end\":{\"error\":\"no run waits for an answer\",\"ok\":false,\"undo\":\"none\"}}");
    assert_reply(start(script, "[]"),
                 "{\"end\":{\"error\":\"this process has a run already\",\"ok\":false,\"undo\":\"none\"}}");
    tend_script_destroy(script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_yields_its_effects_in_order_and_ends),
        cmocka_unit_test(answers_that_are_there_are_replayed),
        cmocka_unit_test(a_run_that_raises_ends_with_the_users_line),
        cmocka_unit_test(a_step_may_be_yielded_through_a_protected_call),
        cmocka_unit_test(a_yield_that_is_no_table_or_no_json_ends_the_run),
        cmocka_unit_test(outside_of_a_run_nothing_can_be_yielded),
        cmocka_unit_test(an_ended_run_takes_no_answers_and_no_second_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
