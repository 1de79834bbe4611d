// Ticks in this process: requests are written with alert/verdict.h, rules are the functions that files return.

#include "alert/verdict.h"
#include "script/script.h"
#include "script_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct seen {
    char text[256]; // "r0 r1 …": the progress messages
};

static void note_progress(void *context, enum tend_progress what, uint32_t index)
{
    struct seen *seen = context;
    const size_t length = strlen(seen->text);
    if (what != TEND_PROGRESS_FILE) {
        (void)snprintf(seen->text + length, sizeof seen->text - length, "%c%u ", (char)what, index);
    }
}

// A script whose rule i is what text i returns.
static struct tend_script *script_of(struct seen *seen, const char *const *texts, size_t count)
{
    const struct tend_script_config config = {
        .modules = script_fixture_modules, .memory_bytes = 32 << 20, .progress = note_progress, .context = seen
    };
    struct tend_script *script = NULL;
    assert_int_equal(tend_script_create(&config, &script), TEND_OK);
    json_t *files = json_array();
    for (size_t i = 0; i < count; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "rule%zu.lua", i);
        assert_int_equal(json_array_append_new(files, json_pack("{s:s,s:s}", "name", name, "text", texts[i])), 0);
    }
    json_t *sources = json_pack("{s:o}", "files", files);
    json_t *document = tend_script_load(script, sources);
    if (json_array_size(json_object_get(document, "errors")) > 0) {
        fail_msg("%s", tend_json_text(json_array_get(json_object_get(document, "errors"), 0), "text", ""));
    }
    json_decref(document);
    json_decref(sources);
    return script;
}

// Metrics of the one call that most tests make: memory is out of line, traffic has no data, p99 has no expectation,
// and queue is warming up.
static void put_call(struct tend_buffer *request, uint32_t rule)
{
    const struct tend_view_call call = { .rule = rule,
                                         .subject = "pay/1",
                                         .service = "pay",
                                         .instance = "pay/1",
                                         .labels = "{\"zone\":\"a\"}",
                                         .version = "1.2",
                                         .out_share = 0.5,
                                         .deployed_ago_s = 600,
                                         .metric_count = 4 };
    const struct tend_view_metric metrics[] = {
        { .name = "memory", .p = 3, .e = 1, .f = 2, .a = 4, .eta_s = (double)NAN, .out = true },
        { .name = "p99", .p = 0.5, .e = (double)NAN, .f = (double)NAN, .a = (double)NAN, .eta_s = (double)NAN },
        { .name = "traffic",
          .p = (double)NAN,
          .e = (double)NAN,
          .f = (double)NAN,
          .a = (double)NAN,
          .eta_s = (double)NAN,
          .missing = TEND_MISSING_NO_TRAFFIC },
        { .name = "queue",
          .p = (double)NAN,
          .e = (double)NAN,
          .f = (double)NAN,
          .a = (double)NAN,
          .eta_s = (double)NAN,
          .missing = TEND_MISSING_WARMING_UP },
    };
    tend_view_put_call(request, &call);
    for (size_t i = 0; i < 4; i++) {
        tend_view_put_metric(request, &metrics[i]);
    }
}

// The verdict of a rule on that one call; an error's text goes to @p error.
static enum tend_verdict verdict_of(const char *rule, char error[256])
{
    struct seen seen = { "" };
    struct tend_script *script = script_of(&seen, &rule, 1);
    struct tend_buffer request;
    struct tend_buffer reply;
    tend_buffer_init(&request);
    tend_buffer_init(&reply);
    tend_view_begin(&request, 7, 0, 1);
    put_call(&request, 0);
    assert_int_equal(tend_script_tick(script, request.data, request.size, &reply), TEND_OK);
    struct tend_reader reader = tend_reader_over(reply.data, reply.size);
    assert_int_equal(tend_reader_get_u64(&reader), 7);
    assert_int_equal(tend_reader_get_u32(&reader), 1);
    const enum tend_verdict verdict = (enum tend_verdict)tend_reader_get_u8(&reader);
    error[0] = '\0';
    if (verdict == TEND_VERDICT_ERROR) {
        size_t bytes = 0;
        const char *text = tend_reader_get_string(&reader, &bytes);
        (void)snprintf(error, 256, "%.*s", (int)bytes, text);
    }
    assert_false(reader.failed);
    assert_ptr_equal(reader.next, reader.end);
    tend_buffer_clear(&request);
    tend_buffer_clear(&reply);
    tend_script_destroy(script);
    return verdict;
}

static void assert_verdict(const char *rule, enum tend_verdict expected)
{
    char error[256];
    const enum tend_verdict verdict = verdict_of(rule, error);
    if (verdict != expected) {
        fail_msg("%s: verdict %d, not %d %s", rule, (int)verdict, (int)expected, error);
    }
}

static void assert_raises(const char *rule, const char *expected)
{
    char error[256];
    assert_int_equal(verdict_of(rule, error), TEND_VERDICT_ERROR);
    assert_string_equal(error, expected);
}

static void a_rule_says_in_line_or_out(void **state)
{
    (void)state;
    assert_verdict("return function(s) return s.memory.out end", TEND_VERDICT_OUT);
    assert_verdict("return function(s) return not s.memory.out end", TEND_VERDICT_IN_LINE);
    assert_verdict("return function() end", TEND_VERDICT_IN_LINE);
    assert_verdict("return function() return 0 end", TEND_VERDICT_OUT); // as everywhere in Lua
}

static void a_rule_reads_the_numbers_of_a_metric(void **state)
{
    (void)state;
    assert_verdict("return function(s) local m = s.memory\n"
                   "return m.P == 3 and m.E == 1 and m.F == 2 and m.A == 4 and m.eta ~= m.eta and m.missing == nil end",
                   TEND_VERDICT_OUT);
}

static void a_rule_reads_what_the_service_is(void **state)
{
    (void)state;
    assert_verdict("return function(s) return s.name == 'pay/1' and s.service == 'pay' and s.instance == 'pay/1' and\n"
                   "s.version == '1.2' and s.out_share == 0.5 and s.labels.zone == 'a' and s.labels.x == nil end",
                   TEND_VERDICT_OUT);
}

static void deployed_within_compares_with_the_age_of_the_version(void **state)
{
    (void)state;
    assert_verdict("return function(s) return s:deployed_within '10m' end", TEND_VERDICT_OUT);
    assert_verdict("return function(s) return s:deployed_within '9m59s' end", TEND_VERDICT_IN_LINE);
    assert_raises("return function(s) local x = s:deployed_within '9' end",
                  "rule0.lua:1: deployed_within: \"9\" has no unit; write \"9s\"");
}

static void reading_a_missing_metric_makes_the_verdict_unknown(void **state)
{
    (void)state;
    static const char *const fields[] = { "P", "E", "F", "A", "out", "eta" };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        char rule[128];
        (void)snprintf(rule, sizeof rule, "return function(s) local x = s.traffic.%s return true end", fields[i]);
        assert_verdict(rule, TEND_VERDICT_UNKNOWN);
    }
}

static void reading_why_a_metric_is_missing_is_not_reading_it(void **state)
{
    (void)state;
    assert_verdict("return function(s) return s.traffic.missing == 'no traffic' end", TEND_VERDICT_OUT);
    assert_verdict("return function(s) local t = s.traffic return false end", TEND_VERDICT_IN_LINE);
}

static void reading_a_deviation_without_an_expectation_is_unknown(void **state)
{
    (void)state;
    assert_verdict("return function(s) return s.p99.P == 0.5 end", TEND_VERDICT_OUT);
    assert_verdict("return function(s) return not (s.p99.F > 1) end", TEND_VERDICT_UNKNOWN);
}

static void a_rule_that_lacks_only_what_is_warming_up_is_held(void **state)
{
    (void)state;
    assert_verdict("return function(s) return s.queue.out end", TEND_VERDICT_HOLD);
    assert_verdict("return function(s) return s.memory.out and s.queue.P > 1 end", TEND_VERDICT_HOLD);
    assert_verdict("return function(s) local x = s.queue.P return s.traffic.out end", TEND_VERDICT_UNKNOWN);
    assert_verdict("return function(s) local x = s.traffic.P return s.queue.out end", TEND_VERDICT_UNKNOWN);
    assert_verdict("return function(s) return s.queue.missing == 'warming up' end", TEND_VERDICT_OUT);
}

static void a_rule_that_fails_on_missing_data_is_unknown(void **state)
{
    (void)state;
    assert_verdict("return function(s) if s.traffic.P ~= 1 then error 'no' end end", TEND_VERDICT_UNKNOWN);
}

static void a_rule_that_raises_is_an_error_with_its_line(void **state)
{
    (void)state;
    assert_raises("\nreturn function(s)\n local n = nil return n.x end",
                  "rule0.lua:3: attempt to index local 'n' (a nil value)");
    assert_raises("return function() error({}) end", "rule0.lua:1: the error is a table, not a text");
}

static void an_unknown_metric_is_an_error_that_names_those_there_are(void **state)
{
    (void)state;
    assert_raises("return function(s) local x = s.memry end",
                  "rule0.lua:1: no metric 'memry' on pay; it has: memory, p99, traffic, queue");
    assert_raises("return function(s) local x = s.memory.Q end",
                  "rule0.lua:1: a metric has no 'Q'; it has P, E, F, A, out, eta, missing");
}

static void what_a_rule_sees_cannot_be_changed(void **state)
{
    (void)state;
    assert_raises("return function(s) s.x = 1 end", "rule0.lua:1: what a rule looks at cannot be changed");
    assert_raises("return function(s) s.memory.P = 1 end", "rule0.lua:1: what a rule looks at cannot be changed");
}

static void memory_without_end_is_an_error_of_that_rule_alone(void **state)
{
    (void)state;
    assert_raises("return function() local t = {} for i = 1, 1e9 do t[i] = { i } end end",
                  "rule0.lua:1: not enough memory");
}

static void rules_that_hold_memory_end_the_state(void **state)
{
    (void)state;
    const char *const hoarder = "local held = {} return function() for i = 1, 1e9 do held[i] = { i } end end";
    struct seen seen = { "" };
    struct tend_script *script = script_of(&seen, &hoarder, 1);
    struct tend_buffer request;
    struct tend_buffer reply;
    tend_buffer_init(&request);
    tend_buffer_init(&reply);
    tend_view_begin(&request, 1, 0, 1);
    put_call(&request, 0);
    assert_int_equal(tend_script_tick(script, request.data, request.size, &reply), TEND_E_LIMIT);
    tend_buffer_clear(&request);
    tend_buffer_clear(&reply);
    tend_script_destroy(script);
}

static void each_rule_is_announced_once_a_tick(void **state)
{
    (void)state;
    static const char *const rules[] = { "return function(s) return true end", "return function() error 'x' end",
                                         "return function(s) return s.memory.out end" };
    static const uint32_t calls[] = { 0, 0, 1, 1, 2 };
    struct seen seen = { "" };
    struct tend_script *script = script_of(&seen, rules, 3);
    for (int tick = 0; tick < 2; tick++) {
        struct tend_buffer request;
        struct tend_buffer reply;
        tend_buffer_init(&request);
        tend_buffer_init(&reply);
        tend_view_begin(&request, 1, 0, 5);
        for (size_t i = 0; i < 5; i++) {
            put_call(&request, calls[i]);
        }
        assert_int_equal(tend_script_tick(script, request.data, request.size, &reply), TEND_OK);
        tend_buffer_clear(&request);
        tend_buffer_clear(&reply);
    }
    assert_string_equal(seen.text, "r0 r1 r2 r0 r1 r2 ");
    tend_script_destroy(script);
}

static void a_request_cut_anywhere_is_refused(void **state)
{
    (void)state;
    const char *const rule = "return function(s) return s.memory.out end";
    struct seen seen = { "" };
    struct tend_script *script = script_of(&seen, &rule, 1);
    struct tend_buffer request;
    struct tend_buffer reply;
    tend_buffer_init(&request);
    tend_buffer_init(&reply);
    tend_view_begin(&request, 1, 0, 1);
    put_call(&request, 0);
    for (size_t bytes = 0; bytes < request.size; bytes++) {
        char *cut = malloc(bytes + 1); // so that a sanitizer sees a read past the end
        assert_non_null(cut);
        memcpy(cut, request.data, bytes);
        tend_buffer_reset(&reply);
        assert_int_equal(tend_script_tick(script, cut, bytes, &reply), TEND_E_INVALID);
        free(cut);
    }
    tend_buffer_clear(&request);
    tend_buffer_clear(&reply);
    tend_script_destroy(script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_says_in_line_or_out),
        cmocka_unit_test(a_rule_reads_the_numbers_of_a_metric),
        cmocka_unit_test(a_rule_reads_what_the_service_is),
        cmocka_unit_test(deployed_within_compares_with_the_age_of_the_version),
        cmocka_unit_test(reading_a_missing_metric_makes_the_verdict_unknown),
        cmocka_unit_test(reading_why_a_metric_is_missing_is_not_reading_it),
        cmocka_unit_test(reading_a_deviation_without_an_expectation_is_unknown),
        cmocka_unit_test(a_rule_that_lacks_only_what_is_warming_up_is_held),
        cmocka_unit_test(a_rule_that_fails_on_missing_data_is_unknown),
        cmocka_unit_test(a_rule_that_raises_is_an_error_with_its_line),
        cmocka_unit_test(an_unknown_metric_is_an_error_that_names_those_there_are),
        cmocka_unit_test(what_a_rule_sees_cannot_be_changed),
        cmocka_unit_test(memory_without_end_is_an_error_of_that_rule_alone),
        cmocka_unit_test(rules_that_hold_memory_end_the_state),
        cmocka_unit_test(each_rule_is_announced_once_a_tick),
        cmocka_unit_test(a_request_cut_anywhere_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
