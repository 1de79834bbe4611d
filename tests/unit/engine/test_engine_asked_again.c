// What is asked again between a decision and its act, and between two acts of a run: a person's word, what the rules
// say by now, what is known by now.

#include "engine_world.h"

#define LEDGER "ledger/h:1"
#define SECOND "ledger/h:2"
#define ACTING "{'rule':0,'clear_below':1,'severity':'page','act':true}"
#define TELLING "{'rule':0,'clear_below':1,'severity':'page','act':false}"
#define RULES(list) ",'rules':[" list "],'remedies':[0]"
#define ONE(list) DOCUMENT(SERVICE("ledger", "'http://h:1/m'", RULES(list)), LOAD_RULE, PLAYBOOK("restart", ""), "")

static const char *const restart[] = { "restart " LEDGER, "verify", NULL };
static const char *const twice[] = { "once " LEDGER, "wait 2000", "once " LEDGER, "verify", NULL };

static void begin_armed(struct world *world, const char *document, const char *const *script)
{
    world_begin(world, document);
    world->scripts[0] = script;
    world_blame(world, "ledger");
    world_operate(world, "arm", "*");
    world_target(world, LEDGER)->load = 10;
}

// A run began, and its first record is on a disk that takes its time.
static void begin_on_a_slow_disk(struct world *world, const char *document)
{
    begin_armed(world, document, restart);
    world_pass(world, 1);
    world->holds_journal = true;
    world_pass(world, 3);
    assert_int_equal(world_count_records(world, TEND_RECORD_RUN, "state", "begun"), 1);
    assert_int_equal(world->execs, 0);
}

static const char *why(const struct world *world)
{
    return tend_json_text(world_newest(world, TEND_RECORD_RUN, "state", "ended"), "error", "");
}

static void a_playbook_that_is_disarmed_before_its_act_does_nothing(void **state)
{
    (void)state;
    struct world world;
    begin_on_a_slow_disk(&world, ONE(ACTING));
    world_operate(&world, "disarm", "restart");
    world_mend_journal(&world);
    world_pass(&world, 2);
    assert_int_equal(world.execs, 0);
    assert_string_equal(world_outcome(&world), "escalated");
    assert_string_equal(why(&world), "refused: disarmed: the playbook is no longer armed");
    world_end(&world);
}

static void a_run_of_an_earlier_text_is_disarmed_by_the_name_of_its_playbook(void **state)
{
    (void)state;
    struct world world;
    begin_on_a_slow_disk(&world, ONE(ACTING));
    world_load(&world, DOCUMENT(SERVICE("ledger", "'http://h:1/m'", RULES(ACTING)), LOAD_RULE,
                                PLAYBOOK("restart", ",'source':'2'"), ""));
    world_operate(&world, "disarm", "restart");
    world_mend_journal(&world);
    assert_int_equal(world.execs, 0);
    world_load(&world, ONE(ACTING)); // and the earlier text is not armed when it comes back
    world_pass(&world, 6);
    assert_int_equal(world.execs, 0);
    world_end(&world);
}

static void a_playbook_that_is_disarmed_between_two_acts_does_not_do_the_second(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, ONE(ACTING), twice);
    world_pass(&world, 2);
    assert_int_equal(world.execs, 1);
    world_operate(&world, "disarm", "*");
    world_pass(&world, 4);
    assert_int_equal(world.execs, 1);
    world_end(&world);
}

static void what_is_in_line_again_before_the_act_is_left_alone(void **state)
{
    (void)state;
    struct world world;
    begin_on_a_slow_disk(&world, ONE("{'rule':0,'clear_below':1,'severity':'page','act':true,'clear_after_ms':60000}"));
    world_target(&world, LEDGER)->load = 1;
    world_pass(&world, 3);
    world_mend_journal(&world);
    world_pass(&world, 70);
    assert_int_equal(world.execs, 0);
    assert_string_equal(world_outcome(&world), "failed");
    assert_string_equal(why(&world), "refused: over: what it was begun for is over: "
                                     "\"loaded\" is in line again and waits to resolve");
    assert_int_equal(world_count_records(&world, TEND_RECORD_DECISION, "what", "escalate"), 0);
    assert_string_equal(tend_json_text(world_newest(&world, TEND_RECORD_INCIDENT, "state", "ended"), "outcome", ""),
                        "resolved by itself");
    world_end(&world);
}

static void a_rule_that_may_act_no_more_before_the_act_does_nothing(void **state)
{
    (void)state;
    struct world world;
    begin_on_a_slow_disk(&world, ONE(ACTING));
    world_load(&world, ONE(TELLING));
    world_pass(&world, 1);
    world_mend_journal(&world);
    world_pass(&world, 5);
    assert_int_equal(world.execs, 0);
    assert_int_equal(world_decided(&world, "no act"), 1); // none of its rules has act = true
    world_end(&world);
}

static void what_nobody_looked_at_for_an_hour_is_not_acted_on(void **state)
{
    (void)state;
    struct world world;
    begin_on_a_slow_disk(&world, ONE(ACTING));
    world.now_ms += 3600 * 1000; // it was stopped, and the first that it hears of is its disk
    world_mend_journal(&world);
    assert_int_equal(world.execs, 0);
    assert_string_equal(why(&world),
                        "refused: unseen: ledger/h:1 was not looked at for longer than two of its intervals");
    world_end(&world);
}

static void a_run_does_not_begin_on_what_nobody_looked_at_for_an_hour(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, ONE(ACTING), restart);
    world_pass(&world, 1);
    world_operate(&world, "pause", "");
    world_pass(&world, 3);
    world.now_ms += 3600 * 1000;
    world_operate(&world, "resume", "");
    world_until(&world, world.now_ms + 900);
    assert_int_equal(world.execs, 0);
    assert_int_equal(world_count_records(&world, TEND_RECORD_RUN, "state", "begun"), 0);
    assert_int_equal(world_decided(&world, "unseen"), 1);
    world_pass(&world, 4); // now it was
    assert_int_equal(world.execs, 1);
    world_end(&world);
}

static void a_run_of_before_a_restart_goes_on_after_three_good_scrapes(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, ONE(ACTING), twice);
    world.grace_ms = 30000;
    world_pass(&world, 2);
    assert_int_equal(world.execs, 1);
    world_restart(&world);
    world_pass(&world, 2);
    world_until(&world, world.now_ms + 10000);
    assert_int_equal(world.execs, 1);
    world_pass(&world, 3); // the wait begins anew
    assert_int_equal(world.execs, 2);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_playbook_that_is_disarmed_before_its_act_does_nothing),
        cmocka_unit_test(a_run_of_an_earlier_text_is_disarmed_by_the_name_of_its_playbook),
        cmocka_unit_test(a_playbook_that_is_disarmed_between_two_acts_does_not_do_the_second),
        cmocka_unit_test(what_is_in_line_again_before_the_act_is_left_alone),
        cmocka_unit_test(a_rule_that_may_act_no_more_before_the_act_does_nothing),
        cmocka_unit_test(what_nobody_looked_at_for_an_hour_is_not_acted_on),
        cmocka_unit_test(a_run_does_not_begin_on_what_nobody_looked_at_for_an_hour),
        cmocka_unit_test(a_run_of_before_a_restart_goes_on_after_three_good_scrapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
