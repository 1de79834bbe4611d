// What lasts: a run's process that dies, tend that dies, a disk that is slow or fails.

#include "engine_world.h"

#define LEDGER "ledger/h:1"
#define ACT ",'rules':[{'rule':0,'clear_below':1,'severity':'page','act':true}],'remedies':[0]"
#define ONE(more) DOCUMENT(SERVICE("ledger", "'http://h:1/metrics'", ACT more), LOAD_RULE, PLAYBOOK("restart", ""), "")

static const char *const restart[] = { "restart " LEDGER, "verify", NULL };
static const char *const once[] = { "once " LEDGER, "verify", NULL };
static const char *const many[] = { "note one", "restart " LEDGER, "verify " LEDGER,
                                    "note two", "restart " LEDGER, "verify",
                                    NULL };

static void cure(struct world *world, const char *verb, const char *instance)
{
    (void)verb;
    world_target(world, instance)->load = 1;
}

static void begin_armed(struct world *world, const char *const *script)
{
    world_begin(world, ONE(""));
    world->scripts[0] = script;
    world_blame(world, "ledger");
    world_operate(world, "arm", "*");
    world_target(world, LEDGER)->load = 10;
}

// How many step records of a kind were begun, and how many ended.
static size_t begun(const struct world *world, const char *kind)
{
    size_t count = 0;
    for (size_t i = 0; i < world->record_count; i++) {
        const json_t *body = world->records[i].body;
        count += world->records[i].kind == TEND_RECORD_STEP && strcmp(tend_json_text(body, "kind", ""), kind) == 0 &&
                 strcmp(tend_json_text(body, "state", ""), "begun") == 0;
    }
    return count;
}

static void nothing_is_done_before_its_intent_is_on_disk(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, restart);
    world_pass(&world, 1);
    world.holds_journal = true; // stalled, not failed
    world_pass(&world, 5);
    assert_int_equal(world.execs, 0);
    assert_int_equal(world_count_records(&world, TEND_RECORD_RUN, NULL, NULL), 1);
    world_mend_journal(&world); // the run's beginning
    assert_int_equal(world.execs, 1);
    world_end(&world);
}

static void a_script_goes_on_only_when_the_outcome_is_on_disk(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, restart);
    world.on_exec = cure;
    world.exec_ms = 300;
    world_pass(&world, 1);
    world_scrape_all(&world);
    world_until(&world, world.now_ms + 100);
    assert_int_equal(world.execs, 1);
    world.holds_journal = true;
    world_until(&world, world.now_ms + 900);
    world_pass(&world, 3);
    assert_int_equal(begun(&world, "verify"), 0);
    world_mend_journal(&world);
    assert_int_equal(begun(&world, "verify"), 1);
    world_pass(&world, 3);
    assert_string_equal(world_outcome(&world), "recovered");
    world_end(&world);
}

static void a_journal_that_fails_stops_acting_and_watching_goes_on(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, restart);
    world_target(&world, LEDGER)->load = 1;
    world_pass(&world, 2);
    world_fail_journal(&world);
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 10);
    assert_int_equal(world.execs, 0);
    assert_int_equal(world_count_records(&world, TEND_RECORD_RUN, NULL, NULL), 0);
    assert_int_equal(world_decided(&world, "journal"), 1);
    assert_int_equal(tend_engine_counts(world.engine).alerts_firing, 1);
    world_mend_journal(&world);
    world_pass(&world, 2);
    assert_int_equal(world.execs, 1);
    world_end(&world);
}

static void a_journal_that_fails_during_a_run_stops_its_next_act(void **state)
{
    (void)state;
    static const char *const two[] = { "restart " LEDGER, "wait 500", "restart " LEDGER, "verify", NULL };
    struct world world;
    begin_armed(&world, two);
    world_pass(&world, 1);
    world_scrape_all(&world);
    world_until(&world, world.now_ms + 100);
    assert_int_equal(world.execs, 1);
    world_fail_journal(&world);
    world_until(&world, world.now_ms + 900);
    world_pass(&world, 3);
    assert_int_equal(world.execs, 1);
    world_mend_journal(&world);
    world_pass(&world, 1);
    assert_string_equal(world_outcome(&world), "escalated");
    world_end(&world);
}

static void a_process_that_dies_between_steps_asks_for_the_same_and_nothing_is_done_twice(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, many);
    world.on_exec = cure;
    world_pass(&world, 2); // the first act is done, its verify waits
    assert_int_equal(world.execs, 1);
    world_kill_process(&world);
    world_pass(&world, 6);
    assert_string_equal(world.did, "restart " LEDGER ", restart " LEDGER);
    assert_int_equal(begun(&world, "exec"), 2);
    assert_string_equal(world_outcome(&world), "recovered");
    world_end(&world);
}

static void a_process_that_dies_while_a_program_runs_gets_its_result_all_the_same(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, restart);
    world.on_exec = cure;
    world.exec_ms = 1500;
    world.holds_runs = false;
    world_pass(&world, 2);
    assert_int_equal(world.execs, 1);
    world.holds_runs = true; // the new process is slow to start, and the program ends meanwhile
    world_kill_process(&world);
    world_pass(&world, 2);
    world.holds_runs = false;
    struct scripted_run *process = &world.processes[0];
    world_run_reply(&world, process->id, scripted_run_next(process, NULL), NULL);
    world_pass(&world, 5);
    assert_int_equal(world.execs, 1);
    assert_string_equal(world_outcome(&world), "recovered");
    world_end(&world);
}

static void a_process_that_dies_again_and_again_ends_the_run(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, restart);
    world_pass(&world, 2);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(world_outcome(&world), "");
        world_kill_process(&world);
        world_until(&world, world.now_ms + 100);
    }
    assert_string_equal(world_outcome(&world), "escalated");
    assert_int_equal(world.execs, 1);
    world_end(&world);
}

static void a_run_that_ends_while_its_program_runs_ends_the_program_and_forgets_no_step(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, restart);
    world.holds_exec = true;
    world_pass(&world, 2);
    assert_int_equal(world.execs, 1);
    for (int i = 0; i < 3; i++) {
        world_kill_process(&world);
        world_until(&world, world.now_ms + 100);
    }
    assert_string_equal(world_outcome(&world), "escalated");
    assert_int_equal(world.cancelled, world.exec_id);
    const json_t *step = world_newest(&world, TEND_RECORD_STEP, NULL, NULL);
    assert_string_equal(tend_json_text(step, "state", ""), "ended");
    assert_string_equal(tend_json_text(step, "outcome", ""), "unknown");
    world_end(&world);
}

static void a_rerun_that_asks_for_something_else_stops_for_a_person(void **state)
{
    (void)state;
    static const char *const other[] = { "restart ledger/h:2", "verify", NULL };
    struct world world;
    begin_armed(&world, restart);
    world_pass(&world, 2);
    world.scripts[0] = other;
    world_kill_process(&world);
    world_until(&world, world.now_ms + 100);
    assert_string_equal(world_outcome(&world), "escalated");
    assert_int_equal(world.execs, 1);
    world_end(&world);
}

static void a_rerun_that_ends_before_its_last_step_stops_for_a_person(void **state)
{
    (void)state;
    static const char *const nothing[] = { NULL };
    struct world world;
    begin_armed(&world, restart);
    world_pass(&world, 2);
    world.scripts[0] = nothing;
    world_kill_process(&world);
    world_until(&world, world.now_ms + 100);
    assert_string_equal(world_outcome(&world), "escalated");
    world_end(&world);
}

static void after_a_crash_before_the_intent_was_on_disk_nothing_was_done_and_the_run_goes_on(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, restart);
    world.on_exec = cure;
    world_pass(&world, 1);
    world.holds_runs = true;
    world_pass(&world, 1); // the run has begun
    world.holds_journal = true;
    world.holds_runs = false;
    world_run_reply(&world, world.processes[0].id, scripted_run_next(&world.processes[0], NULL), NULL);
    world_until(&world, world.now_ms + 10);
    assert_int_equal(begun(&world, "exec"), 1);
    world.holds_journal = false;
    world.grace_ms = 30000;
    world_crash(&world);
    assert_int_equal(begun(&world, "exec"), 0);
    world_load(&world, world.document);
    world_pass(&world, 6);
    assert_int_equal(world.execs, 1);
    assert_string_equal(world_outcome(&world), "recovered");
    world_end(&world);
}

// Dies while the program of the first act runs.
static void crash_in_the_act(struct world *world, const char *const *script)
{
    begin_armed(world, script);
    world->holds_exec = true;
    world_pass(world, 2);
    assert_int_equal(world->execs, 1);
    world->holds_exec = false;
    world_restart(world);
}

static void an_unknown_step_is_looked_at_first_and_counts_as_done_when_all_is_well(void **state)
{
    (void)state;
    struct world world;
    crash_in_the_act(&world, once);
    world_target(&world, LEDGER)->load = 1; // it did happen
    world_pass(&world, 6);
    assert_int_equal(world.execs, 1);
    assert_string_equal(world_outcome(&world), "recovered");
    const json_t *step = world_newest(&world, TEND_RECORD_STEP, "kind", "exec");
    assert_true(tend_json_bool(json_object_get(step, "value"), "looked", false));
    world_end(&world);
}

static void an_unknown_idempotent_step_is_done_once_more_when_the_target_is_still_out_of_line(void **state)
{
    (void)state;
    struct world world;
    crash_in_the_act(&world, restart);
    world.on_exec = cure;
    world_pass(&world, 1);
    assert_int_equal(world.execs, 1); // one sample is not enough to judge
    world_pass(&world, 5);
    assert_int_equal(world.execs, 2);
    assert_string_equal(world_outcome(&world), "recovered");
    world_end(&world);
}

static void an_unknown_idempotent_step_is_never_done_a_third_time(void **state)
{
    (void)state;
    struct world world;
    crash_in_the_act(&world, restart);
    world.holds_exec = true;
    world_pass(&world, 3);
    assert_int_equal(world.execs, 2);
    world.holds_exec = false;
    world_restart(&world);
    world_pass(&world, 20);
    assert_int_equal(world.execs, 2);
    assert_string_equal(world_outcome(&world), "escalated");
    world_end(&world);
}

static void an_unknown_step_that_may_not_be_done_twice_calls_a_person(void **state)
{
    (void)state;
    struct world world;
    crash_in_the_act(&world, once);
    world_pass(&world, 20);
    assert_int_equal(world.execs, 1);
    assert_string_equal(world_outcome(&world), "escalated");
    world_end(&world);
}

static void a_program_that_ran_out_of_time_is_looked_at_too(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, once);
    world.exec_outcome = "unknown";
    world_pass(&world, 2);
    assert_int_equal(world.execs, 1);
    assert_string_equal(world_outcome(&world), "");
    world_target(&world, LEDGER)->load = 1;
    world_pass(&world, 5);
    assert_string_equal(world_outcome(&world), "recovered");
    assert_int_equal(world.execs, 1);
    world_end(&world);
}

static void a_run_is_rebuilt_from_the_journal_without_doing_anything_twice(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, many);
    world.on_exec = cure;
    world_pass(&world, 2);
    assert_int_equal(world.execs, 1);
    world_restart(&world);
    world_pass(&world, 8);
    assert_string_equal(world.did, "restart " LEDGER ", restart " LEDGER);
    assert_string_equal(world_outcome(&world), "recovered");
    world_end(&world);
}

static void samples_of_before_a_restart_prove_nothing(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, restart);
    world.on_exec = cure;
    world_pass(&world, 3); // done, and one scrape after it was good
    assert_string_equal(world_outcome(&world), "");
    world_restart(&world);
    world_pass(&world, 1);
    assert_string_equal(world_outcome(&world), "");
    world_pass(&world, 2);
    assert_string_equal(world_outcome(&world), "recovered");
    world_end(&world);
}

// Kills tend after each record in turn; the whole story is checked by the world itself at each act.
static void a_crash_after_any_record_does_nothing_twice_that_may_be_done_once(void **state)
{
    (void)state;
    for (uint64_t last = 3;; last++) {
        struct world world;
        begin_armed(&world, once);
        world.on_exec = cure;
        while (world.record_count < last && world.now_ms < WORLD_BEGIN_MS + 10000) {
            world_pass(&world, 1);
        }
        const bool over = world.record_count < last;
        if (!over) {
            world.reached = last; // the disk holds no more
            world_restart(&world);
            world_pass(&world, 20);
            assert_true(world.execs <= 2); // an act whose intent was cut off here had been done in this test only
            size_t intents = 0;
            for (size_t i = 0; i < world.record_count; i++) {
                intents += world.records[i].kind == TEND_RECORD_STEP &&
                           strcmp(tend_json_text(world.records[i].body, "kind", ""), "exec") == 0 &&
                           strcmp(tend_json_text(world.records[i].body, "state", ""), "begun") == 0;
            }
            assert_true(intents <= 1);
        }
        world_end(&world);
        if (over) {
            break;
        }
    }
}

static void what_was_open_is_open_again_after_a_restart(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, restart);
    world_operate(&world, "disarm", "*");
    world_pass(&world, 5);
    assert_int_equal(tend_engine_counts(world.engine).incidents_open, 1);
    world_restart(&world);
    assert_int_equal(tend_engine_counts(world.engine).incidents_open, 1);
    assert_int_equal(tend_engine_counts(world.engine).alerts_firing, 1);
    world_pass(&world, 5);
    assert_int_equal(tend_engine_counts(world.engine).incidents_open, 1);
    assert_int_equal(world_count_records(&world, TEND_RECORD_ALERT, "state", "firing"), 1); // it never stopped
    world_target(&world, LEDGER)->load = 1;
    world_pass(&world, 2);
    assert_int_equal(tend_engine_counts(world.engine).incidents_open, 0);
    world_end(&world);
}

static void what_was_armed_is_armed_after_a_restart_and_what_was_disarmed_is_not(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, restart);
    world_target(&world, LEDGER)->load = 1;
    world_restart(&world);
    world_target(&world, LEDGER)->load = 10;
    world.on_exec = cure;
    world_pass(&world, 6);
    assert_int_equal(world.execs, 1);
    world_operate(&world, "disarm", "restart");
    world_restart(&world);
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 6);
    assert_int_equal(world.execs, 1);
    world_end(&world);
}

static void a_run_that_called_a_person_stays_with_that_person_after_a_restart(void **state)
{
    (void)state;
    struct world world;
    crash_in_the_act(&world, once);
    world_pass(&world, 20);
    assert_string_equal(world_outcome(&world), "escalated");
    world_restart(&world);
    world_pass(&world, 60);
    assert_int_equal(world.execs, 1);
    assert_int_equal(world_count_records(&world, TEND_RECORD_DECISION, "what", "escalate"), 1); // nor called again
    world_end(&world);
}

static void attempts_are_counted_over_a_restart(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, restart); // 2 attempts
    world_pass(&world, 2);
    for (int i = 0; i < 4; i++) {
        world_restart(&world);
        world_pass(&world, 60);
    }
    assert_int_equal(world_count_records(&world, TEND_RECORD_RUN, "state", "ended"), 2);
    world_end(&world);
}

static void attempts_are_counted_over_a_crash_in_a_run(void **state)
{
    (void)state;
    struct world world;
    crash_in_the_act(&world, restart); // the first of 2 attempts
    world_pass(&world, 120);
    assert_int_equal(world_count_records(&world, TEND_RECORD_RUN, "state", "ended"), 2);
    world_end(&world);
}

static void a_crash_right_after_a_person_was_called_does_not_take_it_from_that_person(void **state)
{
    (void)state;
    struct world world;
    crash_in_the_act(&world, once);
    world_pass(&world, 20);
    size_t end = world.record_count;
    while (world.records[end - 1].kind != TEND_RECORD_RUN) {
        end--;
    }
    world.reached = world.records[end - 1].number;
    world_restart(&world);
    world_pass(&world, 120);
    assert_int_equal(world.execs, 1);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_done_before_its_intent_is_on_disk),
        cmocka_unit_test(a_script_goes_on_only_when_the_outcome_is_on_disk),
        cmocka_unit_test(a_journal_that_fails_stops_acting_and_watching_goes_on),
        cmocka_unit_test(a_journal_that_fails_during_a_run_stops_its_next_act),
        cmocka_unit_test(a_process_that_dies_between_steps_asks_for_the_same_and_nothing_is_done_twice),
        cmocka_unit_test(a_process_that_dies_while_a_program_runs_gets_its_result_all_the_same),
        cmocka_unit_test(a_process_that_dies_again_and_again_ends_the_run),
        cmocka_unit_test(a_run_that_ends_while_its_program_runs_ends_the_program_and_forgets_no_step),
        cmocka_unit_test(a_rerun_that_asks_for_something_else_stops_for_a_person),
        cmocka_unit_test(a_rerun_that_ends_before_its_last_step_stops_for_a_person),
        cmocka_unit_test(after_a_crash_before_the_intent_was_on_disk_nothing_was_done_and_the_run_goes_on),
        cmocka_unit_test(an_unknown_step_is_looked_at_first_and_counts_as_done_when_all_is_well),
        cmocka_unit_test(an_unknown_idempotent_step_is_done_once_more_when_the_target_is_still_out_of_line),
        cmocka_unit_test(an_unknown_idempotent_step_is_never_done_a_third_time),
        cmocka_unit_test(an_unknown_step_that_may_not_be_done_twice_calls_a_person),
        cmocka_unit_test(a_program_that_ran_out_of_time_is_looked_at_too),
        cmocka_unit_test(a_run_is_rebuilt_from_the_journal_without_doing_anything_twice),
        cmocka_unit_test(samples_of_before_a_restart_prove_nothing),
        cmocka_unit_test(a_crash_after_any_record_does_nothing_twice_that_may_be_done_once),
        cmocka_unit_test(what_was_open_is_open_again_after_a_restart),
        cmocka_unit_test(what_was_armed_is_armed_after_a_restart_and_what_was_disarmed_is_not),
        cmocka_unit_test(a_run_that_called_a_person_stays_with_that_person_after_a_restart),
        cmocka_unit_test(attempts_are_counted_over_a_restart),
        cmocka_unit_test(attempts_are_counted_over_a_crash_in_a_run),
        cmocka_unit_test(a_crash_right_after_a_person_was_called_does_not_take_it_from_that_person),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
