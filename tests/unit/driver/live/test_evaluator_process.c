// Evaluators as real processes: this test program is its own evaluator, with the small library of script_fixture.h.
// Hostile rules stand beside good ones: the bad one is named, and what is asked next is answered by the spare.

#include "driver/live/evaluator_pool.h"
#include "driver/live/evaluator_process.h"

#include "alert/verdict.h"
#include "base/buffer.h"
#include "script/evaluator.h"
#include "script_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

// What a request came to, copied.
struct outcome {
    bool done;
    bool died;
    char what[16];
    uint32_t index;
    char reason[256];
    json_t *json;
    char verdicts[64]; // one digit each
};

static void note_outcome(void *context, const struct tend_evaluator_reply *reply)
{
    struct outcome *outcome = context;
    assert_false(outcome->done);
    outcome->done = true;
    outcome->died = reply->died.died;
    if (reply->died.died) {
        (void)snprintf(outcome->what, sizeof outcome->what, "%s", reply->died.what);
        (void)snprintf(outcome->reason, sizeof outcome->reason, "%s", reply->died.reason);
        outcome->index = reply->died.index;
    }
    outcome->json = json_incref(reply->json);
    if (reply->bytes != NULL) {
        struct tend_reader reader = tend_reader_over(reply->bytes, reply->byte_count);
        (void)tend_reader_get_u64(&reader);
        const uint32_t count = tend_reader_get_u32(&reader);
        for (uint32_t i = 0; i < count && i + 1 < sizeof outcome->verdicts; i++) {
            const uint8_t verdict = tend_reader_get_u8(&reader);
            outcome->verdicts[i] = (char)('0' + verdict);
            if (verdict == TEND_VERDICT_ERROR) {
                size_t bytes = 0;
                (void)tend_reader_get_string(&reader, &bytes);
            }
        }
        assert_false(reader.failed);
    }
}

struct fixture {
    struct event_base *base;
    struct tend_evaluator_pool *pool;
    struct tend_evaluator_deadlines deadlines;
};

static int make_fixture(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture->base = event_base_new();
    fixture->deadlines = tend_evaluator_default_deadlines();
    fixture->deadlines.wall_ms = 60000; // a busy machine is no fault of the code under test
    fixture->deadlines.load_wall_ms = 60000;
    assert_int_equal(tend_evaluator_pool_create(fixture->base, &fixture->deadlines, &fixture->pool), TEND_OK);
    *state = fixture;
    return 0;
}

static int destroy_fixture(void **state)
{
    struct fixture *fixture = *state;
    tend_evaluator_pool_destroy(fixture->pool);
    event_base_free(fixture->base);
    free(fixture);
    return 0;
}

static void run_until(struct fixture *fixture, const bool *done)
{
    while (!*done) {
        assert_int_equal(event_base_loop(fixture->base, EVLOOP_ONCE), 0);
    }
}

static json_t *sources_of(const char *const *rules, size_t count)
{
    json_t *files = json_array();
    for (size_t i = 0; i < count; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "rule%zu.lua", i);
        assert_int_equal(json_array_append_new(files, json_pack("{s:s,s:s}", "name", name, "text", rules[i])), 0);
    }
    return json_pack("{s:o,s:n,s:n}", "files", files, "env", "secrets");
}

// Loads rules and makes them the current generation.
static void adopt(struct fixture *fixture, const char *const *rules, size_t count)
{
    struct outcome outcome = { 0 };
    json_t *sources = sources_of(rules, count);
    tend_evaluator_pool_load(fixture->pool, sources, note_outcome, &outcome);
    json_decref(sources);
    run_until(fixture, &outcome.done);
    if (outcome.died) {
        fail_msg("%s", outcome.reason);
    }
    const json_t *error = json_array_get(json_object_get(outcome.json, "errors"), 0);
    if (error != NULL) {
        fail_msg("%s", tend_json_text(error, "text", ""));
    }
    json_decref(outcome.json);
    tend_evaluator_pool_adopt(fixture->pool);
}

// A tick that calls these rules on a service with the metric memory.
static void put_tick(struct tend_buffer *request, const uint32_t *rules, size_t count)
{
    tend_buffer_init(request);
    tend_view_begin(request, 42, 0, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        const struct tend_view_call call = { .rule = rules[i],
                                             .subject = "pay",
                                             .service = "pay",
                                             .instance = "",
                                             .labels = "",
                                             .version = "",
                                             .deployed_ago_s = (double)NAN,
                                             .metric_count = 1 };
        const struct tend_view_metric metric = {
            .name = "memory", .p = 2, .e = 1, .f = 1, .a = 2, .eta_s = (double)NAN, .out = true
        };
        tend_view_put_call(request, &call);
        tend_view_put_metric(request, &metric);
    }
}

static void tick(struct fixture *fixture, const uint32_t *rules, size_t count, struct outcome *outcome)
{
    struct tend_buffer request;
    put_tick(&request, rules, count);
    *outcome = (struct outcome){ 0 };
    tend_evaluator_pool_tick(fixture->pool, request.data, request.size, note_outcome, outcome);
    tend_buffer_clear(&request);
    run_until(fixture, &outcome->done);
}

// One evaluator without a pool.
static struct tend_evaluator *single(struct fixture *fixture, const char *rule)
{
    struct tend_evaluator *evaluator = NULL;
    struct tend_error error;
    struct outcome outcome = { 0 };
    assert_int_equal(tend_evaluator_create(fixture->base, &fixture->deadlines, &evaluator, &error), TEND_OK);
    json_t *sources = sources_of(&rule, 1);
    tend_evaluator_load(evaluator, sources, note_outcome, &outcome);
    json_decref(sources);
    run_until(fixture, &outcome.done);
    assert_false(outcome.died);
    json_decref(outcome.json);
    return evaluator;
}

static const char *const good_rule = "return function(s) return s.memory.out end";

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// Rule 1 of three is hostile: the tick dies and names it, in time, and the good ones are judged by the spare.
static void assert_named_and_survived(struct fixture *fixture, const char *hostile, const char *reason_part)
{
    static const uint32_t all[] = { 0, 1, 2 };
    static const uint32_t good[] = { 0, 2 };
    const char *const rules[] = { good_rule, hostile, good_rule };
    struct outcome outcome;
    adopt(fixture, rules, 3);
    tick(fixture, all, 3, &outcome);
    assert_true(outcome.died);
    assert_string_equal(outcome.what, "rule");
    assert_int_equal(outcome.index, 1);
    if (strstr(outcome.reason, reason_part) == NULL) {
        fail_msg("the reason is: %s", outcome.reason);
    }
    tick(fixture, good, 2, &outcome);
    assert_false(outcome.died);
    assert_string_equal(outcome.verdicts, "11");
}

static void good_rules_are_judged(void **state)
{
    static const uint32_t all[] = { 0, 0, 1, 2 };
    const char *const rules[] = { good_rule, "return function() error 'x' end", "return function() end" };
    struct outcome outcome;
    adopt(*state, rules, 3);
    tick(*state, all, 4, &outcome);
    assert_false(outcome.died);
    assert_string_equal(outcome.verdicts, "1130");
}

static void an_endless_loop_is_killed_within_a_second_and_named(void **state)
{
    const int64_t begun_ms = now_ms();
    assert_named_and_survived(*state, "return function() while true do end end", "ms of CPU time");
    // Two starts, the deadline and the kill; a sanitized build has five times the deadline.
    assert_true(now_ms() - begun_ms < 1000 * (tend_evaluator_default_deadlines().cpu_ms / 100));
}

static void a_loop_of_pcall_is_killed_and_named(void **state)
{
    assert_named_and_survived(*state, "return function() while true do pcall(error, 'x') end end", "ms of CPU time");
}

static void a_catastrophic_pattern_is_killed_and_named(void **state)
{
    assert_named_and_survived(
        *state, "return function() return ((('a'):rep(30)):find('^' .. ('a?'):rep(30) .. ('a'):rep(31))) end",
        "ms of CPU time");
    assert_named_and_survived(*state, "return function() return (('('):rep(300000)):find('%b()') and ('.-'):rep(8) end",
                              "ms of CPU time");
    assert_named_and_survived(*state, "return function() return (('a'):rep(300)):find(('.-'):rep(8) .. 'b') end",
                              "ms of CPU time");
}

static void recursion_through_gsub_is_a_crash_of_that_process_only(void **state)
{
    const char *const rule = "local function f() return (('x'):gsub('x', f)) end return function() return f() end";
    static const uint32_t all[] = { 0, 1, 2 };
    const char *const rules[] = { good_rule, rule, good_rule };
    struct outcome outcome;
    adopt(*state, rules, 3);
    tick(*state, all, 3, &outcome);
    if (outcome.died) { // a crash where the C stack ends; LuaJIT may also see it coming and raise
        assert_string_equal(outcome.what, "rule");
        assert_int_equal(outcome.index, 1);
        static const uint32_t good[] = { 0, 2 };
        tick(*state, good, 2, &outcome);
        assert_string_equal(outcome.verdicts, "11");
    } else {
        assert_string_equal(outcome.verdicts, "131");
    }
}

// Memory that ends is an error of the rule, or it takes too long before that: in both cases it is named.
static void memory_without_end_harms_nobody_else(void **state)
{
    static const char *const hostile[] = {
        "return function() local t = {} for i = 1, 1e9 do t[i] = { i } end end",
        "return function() local x = ('x'):rep(1e6) while true do x = x .. x end end",
        "local held = {} return function() for i = 1, 1e9 do held[i] = { i } end end",
        "return function() local t = {} while true do pcall(function() t[#t + 1] = ('x'):rep(1e6, #t) end) end end",
    };
    static const uint32_t all[] = { 0, 1, 2 };
    static const uint32_t good[] = { 0, 2 };
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        const char *const rules[] = { good_rule, hostile[i], good_rule };
        struct outcome outcome;
        adopt(*state, rules, 3);
        tick(*state, all, 3, &outcome);
        if (outcome.died) {
            assert_string_equal(outcome.what, "rule");
            assert_int_equal(outcome.index, 1);
        } else {
            assert_string_equal(outcome.verdicts, "131");
        }
        tick(*state, good, 2, &outcome);
        assert_string_equal(outcome.verdicts, "11");
    }
}

static void what_would_hang_beyond_a_kill_is_not_there(void **state)
{
    static const char *const hostile[] = {
        "return function() xpcall(error, function() while true do end end) end",
        "return function() local p = newproxy(true) getmetatable(p).__gc = function() while true do end end end",
        "return function() local w w = coroutine.wrap(function() return w() end) return w() end",
        "return function() return getfenv(0).os.exit() end",
        "return function() return loadstring '\\27LJ' end",
    };
    static const uint32_t all[] = { 0, 1, 2 };
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        const char *const rules[] = { good_rule, hostile[i], good_rule };
        struct outcome outcome;
        adopt(*state, rules, 3);
        tick(*state, all, 3, &outcome);
        assert_false(outcome.died);
        assert_string_equal(outcome.verdicts, "131");
    }
}

static void a_file_that_never_ends_loading_is_named(void **state)
{
    struct fixture *fixture = *state;
    const char *const rules[] = { good_rule, "while true do end" };
    struct outcome outcome = { 0 };
    json_t *sources = sources_of(rules, 2);
    tend_evaluator_pool_load(fixture->pool, sources, note_outcome, &outcome);
    json_decref(sources);
    run_until(fixture, &outcome.done);
    assert_true(outcome.died);
    assert_string_equal(outcome.what, "file");
    assert_int_equal(outcome.index, 1);
    assert_non_null(strstr(outcome.reason, "ms of CPU time"));
}

static void a_candidate_that_fails_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    static const uint32_t one[] = { 0 };
    struct outcome outcome;
    adopt(fixture, &good_rule, 1);
    const char *const bad = "local = 3";
    struct outcome load = { 0 };
    json_t *sources = sources_of(&bad, 1);
    tend_evaluator_pool_load(fixture->pool, sources, note_outcome, &load);
    json_decref(sources);
    run_until(fixture, &load.done);
    assert_false(load.died);
    assert_int_equal(json_array_size(json_object_get(load.json, "errors")), 1);
    json_decref(load.json);
    tend_evaluator_pool_discard(fixture->pool);
    tick(fixture, one, 1, &outcome);
    assert_string_equal(outcome.verdicts, "1");
}

static void a_huge_reply_is_told_as_an_error(void **state)
{
    struct fixture *fixture = *state;
    const char *const rule = "return function() local t, x = {}, ('x'):rep(1e6)\n"
                             "for i = 1, 20 do t[i] = x end return t end";
    struct outcome outcome = { 0 };
    fixture->deadlines.cpu_ms = 10000; // making so much text takes its time
    struct tend_evaluator *evaluator = single(fixture, rule);
    static const char question[] = "{\"call\":0}";
    tend_evaluator_ask(evaluator, question, sizeof question - 1, note_outcome, &outcome);
    run_until(fixture, &outcome.done);
    tend_evaluator_destroy(evaluator);
    assert_false(outcome.died);
    assert_string_equal(tend_json_text(outcome.json, "error", ""), "a reply of more than 16 MB");
    json_decref(outcome.json);
}

static void a_huge_request_is_refused_and_harms_nothing(void **state)
{
    struct fixture *fixture = *state;
    static const uint32_t one[] = { 0 };
    struct outcome outcome = { 0 };
    adopt(fixture, &good_rule, 1);
    char *huge = calloc(1, 17 << 20);
    assert_non_null(huge);
    tend_evaluator_pool_tick(fixture->pool, huge, 17 << 20, note_outcome, &outcome);
    free(huge);
    run_until(fixture, &outcome.done);
    assert_true(outcome.died);
    assert_string_equal(outcome.reason, "a request of more than 16 MB");
    tick(fixture, one, 1, &outcome);
    assert_string_equal(outcome.verdicts, "1");
}

static void what_waits_is_answered_by_the_spare(void **state)
{
    struct fixture *fixture = *state;
    const char *const rules[] = { "return function() while true do end end", good_rule };
    static const uint32_t bad[] = { 0 };
    static const uint32_t good[] = { 1 };
    struct outcome first = { 0 };
    struct outcome second = { 0 };
    struct outcome third = { 0 };
    struct tend_buffer request;
    adopt(fixture, rules, 2);
    put_tick(&request, bad, 1);
    tend_evaluator_pool_tick(fixture->pool, request.data, request.size, note_outcome, &first);
    tend_evaluator_pool_tick(fixture->pool, request.data, request.size, note_outcome, &second);
    tend_buffer_clear(&request);
    put_tick(&request, good, 1);
    tend_evaluator_pool_tick(fixture->pool, request.data, request.size, note_outcome, &third);
    tend_buffer_clear(&request);
    run_until(fixture, &third.done);
    assert_true(first.done && first.died && second.done && second.died);
    assert_string_equal(third.verdicts, "1");
}

static void a_new_generation_answers_what_waited_with_died(void **state)
{
    struct fixture *fixture = *state;
    static const uint32_t one[] = { 0 };
    struct outcome waiting = { 0 };
    struct outcome outcome;
    struct outcome load = { 0 };
    adopt(fixture, &good_rule, 1);
    json_t *sources = sources_of(&good_rule, 1);
    tend_evaluator_pool_load(fixture->pool, sources, note_outcome, &load);
    json_decref(sources);
    run_until(fixture, &load.done);
    json_decref(load.json);
    struct tend_buffer request;
    put_tick(&request, one, 1);
    tend_evaluator_pool_tick(fixture->pool, request.data, request.size, note_outcome, &waiting);
    tend_buffer_clear(&request);
    tend_evaluator_pool_adopt(fixture->pool);
    assert_false(waiting.done); // never from within a call
    run_until(fixture, &waiting.done);
    assert_true(waiting.died);
    assert_string_equal(waiting.what, "");
    assert_string_equal(waiting.reason, "a new generation took over");
    tick(fixture, one, 1, &outcome);
    assert_string_equal(outcome.verdicts, "1");
}

static const char *const playbook = "return function(p)\n"
                                    "  local answer = p.step { kind = 'note' }\n"
                                    "  p.step { kind = 'exec', args = { text = answer.value } }\n"
                                    "end";

static void start_run(struct fixture *fixture, const char *rule, const char *answers, struct outcome *outcome)
{
    json_t *sources = sources_of(&rule, 1);
    json_t *start = json_pack("{s:i,s:{},s:o}", "playbook", 0, "frozen", "answers", json_loads(answers, 0, NULL));
    *outcome = (struct outcome){ 0 };
    tend_evaluator_pool_run_start(fixture->pool, "r1", sources, start, note_outcome, outcome);
    json_decref(sources);
    json_decref(start);
    run_until(fixture, &outcome->done);
}

static void answer_run(struct fixture *fixture, const char *text, struct outcome *outcome)
{
    json_t *answer = json_loads(text, 0, NULL);
    json_decref(outcome->json);
    *outcome = (struct outcome){ 0 };
    tend_evaluator_pool_run_answer(fixture->pool, "r1", answer, note_outcome, outcome);
    json_decref(answer);
    run_until(fixture, &outcome->done);
}

static void a_run_has_a_process_of_its_own(void **state)
{
    struct fixture *fixture = *state;
    struct outcome outcome;
    start_run(fixture, playbook, "[]", &outcome);
    assert_false(outcome.died);
    assert_int_equal(tend_evaluator_pool_count(fixture->pool), 1);
    assert_string_equal(tend_json_text(json_object_get(outcome.json, "effect"), "kind", ""), "note");
    answer_run(fixture, "{\"ok\":true,\"value\":\"x\"}", &outcome);
    assert_string_equal(tend_json_text(json_object_get(outcome.json, "effect"), "kind", ""), "exec");
    answer_run(fixture, "{\"ok\":true}", &outcome);
    assert_true(tend_json_bool(json_object_get(outcome.json, "end"), "ok", false));
    json_decref(outcome.json);
    tend_evaluator_pool_run_end(fixture->pool, "r1");
    assert_int_equal(tend_evaluator_pool_count(fixture->pool), 0);
}

static void a_run_thrown_away_is_rebuilt_from_its_answers(void **state)
{
    struct fixture *fixture = *state;
    struct outcome outcome;
    start_run(fixture, playbook, "[]", &outcome);
    json_decref(outcome.json);
    start_run(fixture, playbook, "[{\"ok\":true,\"value\":\"x\"}]", &outcome);
    const json_t *effect = json_object_get(outcome.json, "effect");
    assert_int_equal(tend_json_integer(effect, "seq", 0), 2);
    assert_string_equal(tend_json_text(json_object_get(effect, "args"), "text", ""), "x");
    json_decref(outcome.json);
    assert_int_equal(tend_evaluator_pool_count(fixture->pool), 1);
}

static void a_playbook_that_never_ends_is_killed_and_named(void **state)
{
    struct outcome outcome;
    start_run(*state, "return function(p) p.step { kind = 'note' } while true do end end", "[]", &outcome);
    assert_false(outcome.died);
    answer_run(*state, "{}", &outcome);
    assert_true(outcome.died);
    assert_string_equal(outcome.what, "playbook");
    answer_run(*state, "{}", &outcome); // the process is gone: so is the run
    assert_true(outcome.died);
    assert_string_equal(outcome.what, "");
}

static void a_run_whose_rules_do_not_load_is_told_why(void **state)
{
    struct outcome outcome;
    start_run(*state, "local = 1", "[]", &outcome);
    assert_true(outcome.died);
    assert_string_equal(outcome.reason, "its rules do not load any more: rule0.lua:1: '<name>' expected near '='");
}

static void a_run_without_a_process_gets_no_answer(void **state)
{
    struct outcome outcome = { 0 };
    answer_run(*state, "{}", &outcome);
    assert_true(outcome.died);
    assert_string_equal(outcome.reason, "the run has no process");
}

static void a_process_killed_from_outside_is_told_and_blames_nobody(void **state)
{
    struct fixture *fixture = *state;
    struct tend_evaluator *evaluator = single(fixture, good_rule);
    struct outcome first = { 0 };
    struct outcome second = { 0 };
    static const uint32_t one[] = { 0 };
    struct tend_buffer request;
    put_tick(&request, one, 1);
    assert_int_equal(kill(tend_evaluator_pid(evaluator), SIGSTOP), 0);
    tend_evaluator_tick(evaluator, request.data, request.size, note_outcome, &first);
    tend_evaluator_tick(evaluator, request.data, request.size, note_outcome, &second);
    tend_buffer_clear(&request);
    assert_int_equal(kill(tend_evaluator_pid(evaluator), SIGKILL), 0);
    run_until(fixture, &second.done);
    assert_true(first.died && second.died);
    assert_string_equal(first.what, "");
    assert_non_null(strstr(first.reason, "killed by signal 9"));
    assert_true(tend_evaluator_is_dead(evaluator));
    tend_evaluator_destroy(evaluator);
}

static void a_stopped_process_is_killed_by_wall_time_and_blames_nobody(void **state)
{
    struct fixture *fixture = *state;
    fixture->deadlines.wall_ms = 200;
    struct tend_evaluator *evaluator = single(fixture, good_rule);
    struct outcome outcome = { 0 };
    static const uint32_t one[] = { 0 };
    struct tend_buffer request;
    put_tick(&request, one, 1);
    assert_int_equal(kill(tend_evaluator_pid(evaluator), SIGSTOP), 0);
    tend_evaluator_tick(evaluator, request.data, request.size, note_outcome, &outcome);
    tend_buffer_clear(&request);
    run_until(fixture, &outcome.done);
    assert_true(outcome.died);
    assert_string_equal(outcome.what, "");
    assert_non_null(strstr(outcome.reason, "no answer for 200 ms"));
    tend_evaluator_destroy(evaluator);
}

static void destroying_with_a_request_in_flight_leaves_no_process(void **state)
{
    struct fixture *fixture = *state;
    struct tend_evaluator *evaluator = single(fixture, "return function() while true do end end");
    const pid_t pid = tend_evaluator_pid(evaluator);
    struct outcome outcome = { 0 };
    static const uint32_t one[] = { 0 };
    struct tend_buffer request;
    put_tick(&request, one, 1);
    tend_evaluator_tick(evaluator, request.data, request.size, note_outcome, &outcome);
    tend_buffer_clear(&request);
    assert_int_equal(event_base_loop(fixture->base, EVLOOP_NONBLOCK), 0);
    tend_evaluator_destroy(evaluator);
    assert_false(outcome.done);
    assert_int_equal(kill(pid, 0), -1);
}

static void a_malformed_tick_ends_the_process_and_is_told(void **state)
{
    struct fixture *fixture = *state;
    struct tend_evaluator *evaluator = single(fixture, good_rule);
    struct outcome outcome = { 0 };
    tend_evaluator_tick(evaluator, "x", 1, note_outcome, &outcome);
    run_until(fixture, &outcome.done);
    assert_true(outcome.died);
    assert_string_equal(outcome.reason, "it was sent a malformed request");
    tend_evaluator_destroy(evaluator);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "evaluator") == 0) {
        _exit(tend_evaluator_run(script_fixture_modules));
    }
#define FACT(name) cmocka_unit_test_setup_teardown(name, make_fixture, destroy_fixture)
    const struct CMUnitTest tests[] = {
        FACT(good_rules_are_judged),
        FACT(an_endless_loop_is_killed_within_a_second_and_named),
        FACT(a_loop_of_pcall_is_killed_and_named),
        FACT(a_catastrophic_pattern_is_killed_and_named),
        FACT(recursion_through_gsub_is_a_crash_of_that_process_only),
        FACT(memory_without_end_harms_nobody_else),
        FACT(what_would_hang_beyond_a_kill_is_not_there),
        FACT(a_file_that_never_ends_loading_is_named),
        FACT(a_candidate_that_fails_changes_nothing),
        FACT(a_huge_reply_is_told_as_an_error),
        FACT(a_huge_request_is_refused_and_harms_nothing),
        FACT(what_waits_is_answered_by_the_spare),
        FACT(a_new_generation_answers_what_waited_with_died),
        FACT(a_run_has_a_process_of_its_own),
        FACT(a_run_thrown_away_is_rebuilt_from_its_answers),
        FACT(a_playbook_that_never_ends_is_killed_and_named),
        FACT(a_run_whose_rules_do_not_load_is_told_why),
        FACT(a_run_without_a_process_gets_no_answer),
        FACT(a_process_killed_from_outside_is_told_and_blames_nobody),
        FACT(a_stopped_process_is_killed_by_wall_time_and_blames_nobody),
        FACT(destroying_with_a_request_in_flight_leaves_no_process),
        FACT(a_malformed_tick_ends_the_process_and_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
