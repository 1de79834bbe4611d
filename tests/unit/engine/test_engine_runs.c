// Runs: from the culprit to the proof, dry and armed, and what a run may not get around.

#include "engine_world.h"

#define LEDGER "ledger/h:1"
#define ACT ",'rules':[{'rule':0,'clear_below':1,'severity':'page','act':true}],'remedies':[0]"
#define ONE(playbooks, more) DOCUMENT(SERVICE("ledger", "'http://h:1/metrics'", ACT more), LOAD_RULE, playbooks, "")
#define SHOP ONE(PLAYBOOK("restart", ""), "")
#define TWO_REMEDIES ONE(PLAYBOOK("restart", "") "," PLAYBOOK("redeploy", ""), ",'remedies':[0,1]")

static const char *const restart[] = { "restart " LEDGER, "verify", NULL };

static void cure(struct world *world, const char *verb, const char *instance)
{
    (void)verb;
    struct world_target *target = world_target(world, instance);
    target->load = 1;
    target->kind = TEND_SCRAPE_OK;
}

// Armed, with this script; ledger is out of line from the first second on.
static void begin_armed(struct world *world, const char *document, const char *const *script)
{
    world_begin(world, document);
    world->scripts[0] = script;
    world_blame(world, "ledger");
    world_operate(world, "arm", "*");
    world_target(world, LEDGER)->load = 10;
}

static void an_armed_remedy_cures_the_culprit(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, SHOP, restart);
    world.on_exec = cure;
    world_pass(&world, 6);
    assert_string_equal(world.did, "restart " LEDGER);
    assert_string_equal(world_outcome(&world), "recovered");
    assert_string_equal(tend_json_text(world_newest(&world, TEND_RECORD_INCIDENT, "state", "ended"), "outcome", ""),
                        "recovered");
    world_end(&world);
}

static void an_unarmed_remedy_says_what_it_would_do_and_does_nothing(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, SHOP, restart);
    world_operate(&world, "disarm", "*");
    world_pass(&world, 20);
    assert_int_equal(world.execs, 0);
    assert_string_equal(world_outcome(&world), "dry");
    assert_int_equal(world_count_records(&world, TEND_RECORD_RUN, "state", "begun"), 1); // said once
    assert_int_equal(world_count_records(&world, TEND_RECORD_STEP, "kind", "exec"), 1);
    assert_int_equal(world_decided(&world, "not armed"), 2); // the dry run, and that a person is called
    world_end(&world);
}

static void arming_works_without_waiting_for_a_new_incident(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, SHOP, restart);
    world.on_exec = cure;
    world_operate(&world, "disarm", "*");
    world_pass(&world, 5);
    assert_int_equal(world.execs, 0);
    world_operate(&world, "arm", "restart");
    world_pass(&world, 5);
    assert_int_equal(world.execs, 1);
    assert_string_equal(world_outcome(&world), "recovered");
    assert_int_equal(world_count_records(&world, TEND_RECORD_INCIDENT, "state", "ended"), 1);
    world_end(&world);
}

static void a_changed_playbook_is_dry_again(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, SHOP, restart);
    world_load(&world, ONE(PLAYBOOK("restart", ",'source':'2'"), ""));
    world_pass(&world, 10);
    assert_int_equal(world.execs, 0);
    assert_string_equal(world_outcome(&world), "dry");
    world_end(&world);
}

static void changed_limits_are_dry_again(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, SHOP, restart);
    world_load(&world, ONE(PLAYBOOK("restart", ""), "," LIMITS(",'cooldown_ms':1")));
    world_pass(&world, 10);
    assert_int_equal(world.execs, 0);
    world_end(&world);
}

static void a_generation_that_leaves_the_playbook_alone_leaves_it_armed(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, SHOP, restart);
    world_load(&world, DOCUMENT(SERVICE("ledger", "'http://h:1/metrics'", ACT) "," SERVICE("mail", "'http://m:1/'", ""),
                                LOAD_RULE, PLAYBOOK("restart", ",'at':'shop.lua:99'"), ""));
    world_pass(&world, 5);
    assert_int_equal(world.execs, 1);
    world_end(&world);
}

static void nothing_is_done_before_the_ranking_has_stood_for_an_interval(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, ONE(PLAYBOOK("restart", ""), ",'every_ms':3000,'window_ms':3000"), restart);
    world_scrape_all(&world);
    world_until(&world, WORLD_BEGIN_MS + 2000); // fired and located at 5 ms
    world_scrape_all(&world);
    world_until(&world, WORLD_BEGIN_MS + 3004);
    assert_int_equal(world.execs, 0);
    world_scrape_all(&world);
    world_until(&world, WORLD_BEGIN_MS + 3010);
    assert_int_equal(world.execs, 1);
    world_end(&world);
}

static void a_ranking_without_samples_newer_than_it_is_not_acted_on(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, ONE(PLAYBOOK("restart", ""), ",'every_ms':3000,'window_ms':3000"), restart);
    world_scrape_all(&world); // fired and located at 5 ms
    world_until(&world, WORLD_BEGIN_MS + 9000);
    assert_int_equal(world.execs, 0);
    world_end(&world);
}

static void a_new_ranking_settles_anew(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, ONE(PLAYBOOK("restart", ""), ",'every_ms':3000,'window_ms':3000"), restart);
    world_pass(&world, 2);
    world_blame(&world, "nobody");
    world_pass(&world, 2); // at 3 s, an interval after the first ranking: another culprit
    world_blame(&world, "ledger");
    world_pass(&world, 3); // at 6 s: the first one again
    assert_int_equal(world.execs, 0);
    world_pass(&world, 3); // it has stood from 6 s to 9 s
    assert_int_equal(world.execs, 1);
    world_end(&world);
}

static void a_locator_that_waits_is_waited_for(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, SHOP, restart);
    world.wait = "disk has no scrape that began after the onset";
    world_pass(&world, 10);
    assert_int_equal(world.execs, 0);
    world.wait = NULL;
    world_pass(&world, 3);
    assert_int_equal(world.execs, 1);
    world_end(&world);
}

static void an_exit_code_alone_is_no_recovery(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, SHOP, restart);
    world_pass(&world, 6); // done, says the program; the load stays
    assert_int_equal(world.execs, 1);
    assert_string_equal(world_outcome(&world), "");
    world_pass(&world, 2); // 5 s after the act
    assert_string_equal(world_outcome(&world), "failed");
    world_end(&world);
}

static void a_playbook_that_ends_without_a_proof_has_not_recovered(void **state)
{
    (void)state;
    static const char *const hopes[] = { "restart " LEDGER, NULL };
    struct world world;
    begin_armed(&world, SHOP, hopes);
    world_pass(&world, 4);
    assert_int_equal(world.execs, 1);
    assert_string_equal(world_outcome(&world), "failed");
    world_end(&world);
}

static void a_proof_from_before_the_last_act_is_none(void **state)
{
    (void)state;
    static const char *const again[] = { "restart " LEDGER, "verify", "restart " LEDGER, NULL };
    struct world world;
    begin_armed(&world, SHOP, again);
    world.on_exec = cure;
    world_pass(&world, 6);
    assert_int_equal(world.execs, 2);
    assert_string_equal(world_outcome(&world), "failed");
    world_end(&world);
}

static void only_samples_begun_after_the_act_prove_anything(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, SHOP, restart);
    world.on_exec = cure;
    world.exec_ms = 3500; // in line while the program still runs
    world_pass(&world, 4);
    assert_int_equal(world.execs, 1); // at 1.005 s; ends at 4.505 s
    world_pass(&world, 2);            // one scrape after it, at 5 s
    assert_string_equal(world_outcome(&world), "");
    world_pass(&world, 1);
    assert_string_equal(world_outcome(&world), "recovered");
    world_end(&world);
}

static void go_blind(struct world *world, const char *verb, const char *instance)
{
    (void)verb;
    world_target(world, instance)->bare = true;
    (void)snprintf(world_target(world, instance)->version, 2, "1");
}

static void a_metric_that_was_out_of_line_and_has_no_data_now_is_no_cure(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, SHOP, restart);
    world.on_exec = go_blind;
    world_pass(&world, 9);
    assert_string_equal(world_outcome(&world), "failed");
    const json_t *verify = world_newest(&world, TEND_RECORD_STEP, "kind", "verify");
    assert_non_null(strstr(tend_json_text(verify, "error", ""), "has no data yet"));
    world_end(&world);
}

static void a_service_that_does_not_answer_is_no_cure(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, SHOP, restart);
    world_pass(&world, 2);
    world_target(&world, LEDGER)->kind = TEND_SCRAPE_REFUSED;
    world_pass(&world, 7);
    assert_string_equal(world_outcome(&world), "failed");
    world_end(&world);
}

static void not_cured_means_the_next_remedy(void **state)
{
    (void)state;
    static const char *const redeploy[] = { "redeploy", "verify", NULL };
    struct world world;
    begin_armed(&world, TWO_REMEDIES, restart);
    world.scripts[1] = redeploy;
    world_pass(&world, 40);
    assert_int_equal(strncmp(world.did, "restart " LEDGER ", redeploy ", 29), 0);
    world_end(&world);
}

static void a_remedy_whose_when_does_not_hold_is_passed_over(void **state)
{
    (void)state;
    static const char *const redeploy[] = { "redeploy", "verify", NULL };
    struct world world;
    begin_armed(&world, TWO_REMEDIES, restart);
    world.scripts[1] = redeploy;
    world.fits = "{'ledger':[false,true]}";
    world_pass(&world, 3);
    assert_int_equal(strncmp(world.did, "redeploy", 8), 0);
    assert_int_equal(world_decided(&world, "when"), 1);
    world_end(&world);
}

static void remedies_are_tried_as_often_as_attempts_says_and_then_a_person_is_called(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, ONE(PLAYBOOK("restart", ",'limits':{'attempts':2}"), ""), restart);
    world_pass(&world, 120);
    assert_int_equal(world.execs, 2);
    assert_true(world_decided(&world, "no remedy") >= 1);
    world_end(&world);
}

static void a_culprit_without_a_remedy_calls_a_person(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, ONE(PLAYBOOK("restart", ""), ",'remedies':[]"), restart);
    world_pass(&world, 10);
    assert_int_equal(world_count_records(&world, TEND_RECORD_RUN, NULL, NULL), 0);
    assert_int_equal(world_decided(&world, "no remedy"), 2); // of the culprit, and the call
    world_end(&world);
}

static void an_unknown_culprit_calls_a_person_once(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, SHOP, restart);
    world_blame(&world, NULL);
    world_pass(&world, 10);
    assert_int_equal(world.execs, 0);
    assert_int_equal(world_decided(&world, "unknown"), 1);
    world_end(&world);
}

static void what_was_done_is_undone_when_a_step_fails(void **state)
{
    (void)state;
    static const char *const whole[] = { "restart " LEDGER, "verify " LEDGER, "else", "undo " LEDGER, NULL };
    struct world world;
    begin_armed(&world, SHOP, whole);
    world_pass(&world, 9);
    assert_string_equal(world.did, "restart " LEDGER ", undo " LEDGER);
    assert_string_equal(world_outcome(&world), "rolled back");
    world_end(&world);
}

static void fail_undo(struct world *world, const char *verb, const char *instance)
{
    (void)instance;
    world->exec_outcome = strcmp(verb, "undo") == 0 ? "failed" : "done";
}

static void an_undo_that_fails_calls_a_person_and_ends_it_for_this_incident(void **state)
{
    (void)state;
    static const char *const whole[] = { "restart " LEDGER, "verify " LEDGER, "else", "undo " LEDGER, NULL };
    struct world world;
    begin_armed(&world, SHOP, whole);
    world.on_exec = fail_undo;
    world_pass(&world, 60);
    assert_int_equal(world.execs, 2);
    assert_string_equal(world_outcome(&world), "escalated");
    assert_int_equal(world_decided(&world, "run"), 1);
    world_end(&world);
}

static void the_worst_instance_comes_first_and_none_twice(void **state)
{
    (void)state;
    static const char *const rolling[] = { "pick", "restart $", "verify $", "again", "verify", NULL };
    struct world world;
    begin_armed(&world,
                DOCUMENT(SERVICE("ledger", "'http://h:1/m','http://h:2/m','http://h:3/m'", ACT), LOAD_RULE,
                         PLAYBOOK("restart", ""), ""),
                rolling);
    world_target(&world, "ledger/h:2")->load = 20;
    world_target(&world, "ledger/h:3")->load = 1;
    world.on_exec = cure;
    world_pass(&world, 10);
    assert_string_equal(world.did, "restart ledger/h:2, restart ledger/h:1");
    assert_string_equal(world_outcome(&world), "recovered");
    world_end(&world);
}

static void a_wait_lasts_its_time(void **state)
{
    (void)state;
    static const char *const patient[] = { "wait 2500", "restart " LEDGER, "verify", NULL };
    struct world world;
    begin_armed(&world, SHOP, patient);
    world_until(&world, WORLD_BEGIN_MS);
    world_pass(&world, 3); // the run begins at 1.005 s
    assert_int_equal(world.execs, 0);
    world_until(&world, WORLD_BEGIN_MS + 3504);
    assert_int_equal(world.execs, 0);
    world_until(&world, WORLD_BEGIN_MS + 3505);
    assert_int_equal(world.execs, 1);
    world_end(&world);
}

static void a_playbook_can_call_a_person(void **state)
{
    (void)state;
    static const char *const calls[] = { "note the disk is full", "escalate clean the disk", "verify", NULL };
    struct world world;
    begin_armed(&world, SHOP, calls);
    world_pass(&world, 3);
    const json_t *decision = world_newest(&world, TEND_RECORD_DECISION, "what", "escalate");
    assert_string_equal(tend_json_text(decision, "text", ""), "clean the disk");
    world_end(&world);
}

static void a_step_that_is_none_fails(void **state)
{
    (void)state;
    static const char *const odd[] = { "dance", "verify", NULL };
    struct world world;
    begin_armed(&world, SHOP, odd);
    world_pass(&world, 3);
    assert_string_equal(world_outcome(&world), "failed");
    world_end(&world);
}

static void what_the_script_may_read_is_frozen_in_the_first_record(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, SHOP, restart);
    world_pass(&world, 3);
    const json_t *frozen = json_object_get(world_newest(&world, TEND_RECORD_RUN, "state", "begun"), "frozen");
    const json_t *culprit = json_object_get(frozen, "culprit");
    assert_string_equal(tend_json_text(culprit, "name", ""), "ledger");
    assert_true(tend_json_number(culprit, "confidence", 0) == 0.9);
    const json_t *instance = json_array_get(json_object_get(culprit, "instances"), 0);
    assert_string_equal(tend_json_text(instance, "name", ""), LEDGER);
    assert_string_equal(tend_json_text(instance, "host", ""), "h");
    assert_string_equal(tend_json_text(instance, "port", ""), "1");
    const json_t *load = json_object_get(json_object_get(instance, "metrics"), "load");
    assert_true(tend_json_number(load, "P", 0) == 10);
    assert_true(tend_json_number(load, "A", 0) == 9); // |10 - 1| of the |2 - 1| that is allowed
    assert_string_equal(tend_json_text(json_array_get(json_object_get(frozen, "alerts"), 0), "rule", ""), "loaded");
    world_end(&world);
}

static void a_victim_is_not_acted_on_by_a_ranking_from_before_the_culprit_showed(void **state)
{
    (void)state;
    static const char *const victim[] = { "restart payments/p:1", "verify", NULL };
    struct world world;
    world_begin(&world, DOCUMENT(SERVICE("payments", "'http://p:1/m'",
                                         ACT ",'depends':['ledger']") "," SERVICE("ledger", "'http://h:1/m'", ACT),
                                 LOAD_RULE, PLAYBOOK("restart", ""), ""));
    world.scripts[0] = victim;
    world_operate(&world, "arm", "*");
    world_blame(&world, "payments");
    world_target(&world, "payments/p:1")->load = 10;
    world_pass(&world, 1);
    world_target(&world, LEDGER)->load = 10; // shows in the tick in which the old ranking has settled
    world_blame(&world, "ledger");
    world_pass(&world, 1);
    assert_int_equal(world.execs, 0);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_armed_remedy_cures_the_culprit),
        cmocka_unit_test(an_unarmed_remedy_says_what_it_would_do_and_does_nothing),
        cmocka_unit_test(arming_works_without_waiting_for_a_new_incident),
        cmocka_unit_test(a_changed_playbook_is_dry_again),
        cmocka_unit_test(changed_limits_are_dry_again),
        cmocka_unit_test(a_generation_that_leaves_the_playbook_alone_leaves_it_armed),
        cmocka_unit_test(nothing_is_done_before_the_ranking_has_stood_for_an_interval),
        cmocka_unit_test(a_ranking_without_samples_newer_than_it_is_not_acted_on),
        cmocka_unit_test(a_new_ranking_settles_anew),
        cmocka_unit_test(a_locator_that_waits_is_waited_for),
        cmocka_unit_test(an_exit_code_alone_is_no_recovery),
        cmocka_unit_test(a_playbook_that_ends_without_a_proof_has_not_recovered),
        cmocka_unit_test(a_proof_from_before_the_last_act_is_none),
        cmocka_unit_test(only_samples_begun_after_the_act_prove_anything),
        cmocka_unit_test(a_metric_that_was_out_of_line_and_has_no_data_now_is_no_cure),
        cmocka_unit_test(a_service_that_does_not_answer_is_no_cure),
        cmocka_unit_test(not_cured_means_the_next_remedy),
        cmocka_unit_test(a_remedy_whose_when_does_not_hold_is_passed_over),
        cmocka_unit_test(remedies_are_tried_as_often_as_attempts_says_and_then_a_person_is_called),
        cmocka_unit_test(a_culprit_without_a_remedy_calls_a_person),
        cmocka_unit_test(an_unknown_culprit_calls_a_person_once),
        cmocka_unit_test(what_was_done_is_undone_when_a_step_fails),
        cmocka_unit_test(an_undo_that_fails_calls_a_person_and_ends_it_for_this_incident),
        cmocka_unit_test(the_worst_instance_comes_first_and_none_twice),
        cmocka_unit_test(a_wait_lasts_its_time),
        cmocka_unit_test(a_playbook_can_call_a_person),
        cmocka_unit_test(a_step_that_is_none_fails),
        cmocka_unit_test(what_the_script_may_read_is_frozen_in_the_first_record),
        cmocka_unit_test(a_victim_is_not_acted_on_by_a_ranking_from_before_the_culprit_showed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
