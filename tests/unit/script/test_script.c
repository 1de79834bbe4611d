// Loading and asking, in this process.

#include "failing_allocation.h"
#include "script/script.h"
#include "script_fixture.h"

#include <lua.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct seen {
    char text[128]; // "f0 f1 …": the progress messages
};

static void note_progress(void *context, enum tend_progress what, uint32_t index)
{
    struct seen *seen = context;
    const size_t length = strlen(seen->text);
    (void)snprintf(seen->text + length, sizeof seen->text - length, "%c%u ", (char)what, index);
}

static struct tend_script *empty_script(struct seen *seen, const struct tend_embedded_module *modules)
{
    const struct tend_script_config config = {
        .modules = modules, .memory_bytes = 32 << 20, .progress = note_progress, .context = seen
    };
    struct tend_script *script = NULL;
    assert_int_equal(tend_script_create(&config, &script), TEND_OK);
    return script;
}

// Takes both.
static void assert_json(json_t *take_value, const char *expected)
{
    char *text = tend_json_canonical(take_value);
    assert_string_equal(text, expected);
    free(text);
    json_decref(take_value);
}

static void each_file_is_announced_when_it_is_read_and_when_it_runs(void **state)
{
    (void)state;
    struct seen seen = { "" };
    struct tend_script *script = empty_script(&seen, script_fixture_modules);
    json_t *sources = json_loads("{\"files\":[{\"name\":\"a.lua\",\"text\":\"return 1\"},"
                                 "{\"name\":\"b.lua\",\"text\":\"return 2\"}]}",
                                 0, NULL);
    json_decref(tend_script_load(script, sources));
    assert_string_equal(seen.text, "f0 f0 f1 f1 ");
    json_decref(sources);
    tend_script_destroy(script);
}

static void the_document_carries_the_hash_of_env(void **state)
{
    (void)state;
    struct seen seen = { "" };
    struct tend_script *script = empty_script(&seen, script_fixture_modules);
    json_t *sources =
        json_loads("{\"files\":[],\"env\":{\"name\":\"env/x.lua\",\"text\":\"\"},\"secrets\":[\"k\"]}", 0, NULL);
    json_t *document = tend_script_load(script, sources);
    assert_string_equal(tend_json_text(document, "env_sha256", ""),
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"); // of no bytes
    json_decref(document);
    assert_json(tend_script_load(script, sources),
                "{\"errors\":[{\"at\":\"\",\"text\":\"the sources are loaded already, or are none\"}]}");
    json_decref(sources);
    tend_script_destroy(script);
}

static void a_library_that_lacks_its_entry_is_an_error_not_a_crash(void **state)
{
    (void)state;
    static const struct tend_embedded_module none[] = { { NULL, NULL, NULL, 0 } };
    struct seen seen = { "" };
    struct tend_script *script = empty_script(&seen, none);
    json_t *sources = json_loads("{\"files\":[]}", 0, NULL);
    assert_json(tend_script_load(script, sources),
                "{\"errors\":[{\"at\":\"\",\"text\":\"there is no module 'tend.host'; modules are those that come with "
                "tend\"}]}");
    json_t *question = json_object();
    assert_json(tend_script_ask(script, question), "{\"error\":\"no rules are loaded\"}");
    json_decref(question);
    json_decref(sources);
    tend_script_destroy(script);
}

static void a_question_is_answered_or_told_why_not(void **state)
{
    (void)state;
    struct seen seen = { "" };
    struct tend_script *script = empty_script(&seen, script_fixture_modules);
    json_t *sources = json_loads(
        "{\"files\":[{\"name\":\"a.lua\",\"text\":\"return function(q) return q.value + 1 end\"}]}", 0, NULL);
    json_decref(tend_script_load(script, sources));
    seen.text[0] = '\0';
    json_t *question = json_loads("{\"call\":0,\"value\":1}", 0, NULL);
    assert_json(tend_script_ask(script, question), "{\"answer\":2}");
    assert_string_equal(seen.text, "l0 ");
    json_decref(question);
    question = json_loads("{\"call\":0}", 0, NULL);
    assert_json(tend_script_ask(script, question),
                "{\"error\":\"a.lua:1: attempt to perform arithmetic on field 'value' (a nil value)\"}");
    json_decref(question);
    seen.text[0] = '\0';
    question = json_loads("{\"kind\":\"notice\",\"notify\":3}", 0, NULL);
    assert_json(tend_script_ask(script, question), "{\"kind\":\"notice\",\"notify\":3}");
    assert_string_equal(seen.text, "n3 ");
    json_decref(question);
    json_decref(sources);
    tend_script_destroy(script);
}

static void *plain_allocate(void *context, void *block, size_t old_bytes, size_t new_bytes)
{
    (void)context;
    (void)old_bytes;
    if (new_bytes == 0) {
        free(block);
        return NULL;
    }
    return realloc(block, new_bytes);
}

// Allocations of a bare state and of the script's struct: when one of lua_newstate's own fails, this LuaJIT crashes in
// taking back what it has. In an evaluator that ends a process that has done nothing yet.
static long allocations_of_a_bare_state(void)
{
    const long before = allocations_so_far();
    lua_State *lua = lua_newstate(plain_allocate, NULL);
    assert_non_null(lua);
    const long count = allocations_so_far() - before;
    lua_close(lua);
    return count + 1;
}

static void each_failed_allocation_of_create_is_out_of_memory(void **state)
{
    (void)state;
    if (!TEND_CAN_FAIL_ALLOCATIONS) {
        print_message("skipped: allocations cannot be made to fail under the sanitizers\n");
        skip();
    }
    const struct tend_script_config config = { .modules = script_fixture_modules, .memory_bytes = 32 << 20 };
    const long first = allocations_of_a_bare_state();
    long allowed = first;
    for (bool over = false; !over; allowed++) {
        struct tend_script *script = NULL;
        fail_allocation_after(allowed);
        const enum tend_status status = tend_script_create(&config, &script);
        over = was_an_allocation_failed() == 0;
        fail_allocation_after(-1);
        assert_int_equal(status, over ? TEND_OK : TEND_E_NOMEM);
        tend_script_destroy(script);
    }
    assert_true(allowed > first + 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_file_is_announced_when_it_is_read_and_when_it_runs),
        cmocka_unit_test(the_document_carries_the_hash_of_env),
        cmocka_unit_test(a_library_that_lacks_its_entry_is_an_error_not_a_crash),
        cmocka_unit_test(a_question_is_answered_or_told_why_not),
        cmocka_unit_test(each_failed_allocation_of_create_is_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
