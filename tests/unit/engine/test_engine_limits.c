// What keeps a run from beginning, or a step from being done: each limit, the pause, blindness, the breaker.

#include "engine_world.h"

#define ACT ",'rules':[{'rule':0,'clear_below':1,'severity':'page','act':true}],'remedies':[0]"
#define SHOP(targets, more) DOCUMENT(SERVICE("ledger", targets, ACT more), LOAD_RULE, PLAYBOOK("restart", ""), "")
#define ONE(more) SHOP("'http://h:1/m'", more)
#define FOUR "'http://h:1/m','http://h:2/m','http://h:3/m','http://h:4/m'"
#define LEDGER "ledger/h:1"

static const char *const restart[] = { "restart " LEDGER, "verify", NULL };

static void cure(struct world *world, const char *verb, const char *instance)
{
    (void)verb;
    world_target(world, instance)->load = 1;
    world_target(world, instance)->kind = TEND_SCRAPE_OK;
}

static void begin_armed(struct world *world, const char *document, const char *const *script)
{
    world_begin(world, document);
    world->scripts[0] = script;
    world_blame(world, "ledger");
    world_operate(world, "arm", "*");
    world_target(world, LEDGER)->load = 10;
}

static size_t runs(const struct world *world)
{
    return world_count_records(world, TEND_RECORD_RUN, "state", "begun");
}

static void too_little_confidence_calls_a_person(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, ONE(""), restart);
    world.confidence = 0.79;
    world_pass(&world, 10);
    assert_int_equal(runs(&world), 0);
    assert_int_equal(world_decided(&world, "confidence"), 2); // the refusal, and the call
    world.confidence = 0.8;
    world_pass(&world, 1);
    assert_int_equal(runs(&world), 0); // what has only now become clear must stand for an interval
    world_pass(&world, 2);
    assert_int_equal(runs(&world), 1);
    world_end(&world);
}

static void a_ranking_without_a_confidence_is_not_acted_on(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, ONE(""), restart);
    world.holds_locate = true;
    world_pass(&world, 1);
    json_t *reply = world_json("{'ranking':[{'service':'ledger','confidence':null}],'culprits':['ledger']}");
    for (int i = 0; i < 5; i++) {
        world_step(&world,
                   (struct tend_event){ .kind = TEND_EVENT_REPLY, .reply = { .id = world.ask_id, .json = reply } });
        world_pass(&world, 1);
    }
    json_decref(reply);
    assert_int_equal(runs(&world), 0);
    world_end(&world);
}

static void an_alert_that_may_not_act_starts_nothing(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, ONE(",'rules':[{'rule':0,'severity':'page','act':false}]"), restart);
    world_pass(&world, 10);
    assert_int_equal(runs(&world), 0);
    assert_int_equal(world_decided(&world, "no act"), 1);
    world_end(&world);
}

static void missing_data_warns_and_starts_nothing(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, ONE(",'rules':[{'rule':0,'severity':'page','act':true,'missing':'warn'}]"), restart);
    world_target(&world, LEDGER)->kind = TEND_SCRAPE_REFUSED;
    world_pass(&world, 10);
    assert_int_equal(tend_engine_counts(world.engine).alerts_firing, 1);
    assert_int_equal(runs(&world), 0);
    world_end(&world);
}

static void an_alert_that_fires_on_and_has_no_data_now_starts_nothing(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, ONE(""), restart);
    world_pass(&world, 1); // fires
    world_target(&world, LEDGER)->kind = TEND_SCRAPE_READ_TIMEOUT;
    world_pass(&world, 10);
    assert_int_equal(tend_engine_counts(world.engine).alerts_firing, 1);
    assert_int_equal(runs(&world), 0);
    world_target(&world, LEDGER)->kind = TEND_SCRAPE_OK;
    world_pass(&world, 2);
    assert_int_equal(runs(&world), 1);
    world_end(&world);
}

static enum tend_verdict out_then_raises(struct world *world, const struct view_call *call)
{
    (void)call;
    return world->evaluations == 1 ? TEND_VERDICT_OUT : TEND_VERDICT_ERROR;
}

static void an_alert_whose_rule_raises_now_starts_nothing(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world,
                DOCUMENT(SERVICE("ledger", "'http://h:1/m'", ACT), RULE("judged", ""), PLAYBOOK("restart", ""), ""),
                restart);
    world.judge = out_then_raises;
    world_pass(&world, 10);
    assert_int_equal(tend_engine_counts(world.engine).alerts_firing, 1);
    assert_int_equal(runs(&world), 0);
    world_end(&world);
}

static void what_is_in_line_again_and_waits_to_resolve_is_left_alone(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, ONE(",'rules':[{'rule':0,'severity':'page','act':true,'clear_after_ms':20000}]"), restart);
    world.on_exec = cure;
    world_pass(&world, 5);
    assert_string_equal(world_outcome(&world), "recovered");
    world_blame(&world, NULL);
    world_pass(&world, 10);
    assert_int_equal(tend_engine_counts(world.engine).alerts_firing, 1);
    assert_int_equal(runs(&world), 1);
    assert_int_equal(world_count_records(&world, TEND_RECORD_DECISION, "what", "escalate"), 0); // nobody is needed
    world_end(&world);
}

#define DOWN(kinds)                                                                                                    \
    DOCUMENT(SERVICE("ledger", "'http://h:1/m'", ACT), RULE("down", ",'metric':'up','kinds':[" kinds "]"),             \
             PLAYBOOK("restart", ""), "")

static void a_failed_scrape_acts_only_when_the_rule_names_its_kind(void **state)
{
    (void)state;
    static const struct {
        enum tend_scrape_kind kind;
        size_t runs;
    } trials[] = { { TEND_SCRAPE_REFUSED, 1 }, { TEND_SCRAPE_READ_TIMEOUT, 0 }, { TEND_SCRAPE_PARSE, 0 } };
    for (size_t i = 0; i < sizeof trials / sizeof trials[0]; i++) {
        struct world world;
        begin_armed(&world, DOWN("'REFUSED'"), restart);
        world_target(&world, LEDGER)->kind = trials[i].kind;
        world_pass(&world, 4);
        assert_int_equal(tend_engine_counts(world.engine).alerts_firing, 1);
        assert_int_equal(runs(&world), trials[i].runs);
        world_end(&world);
    }
}

static void a_rule_that_names_no_kind_never_acts_on_a_failed_scrape(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, DOWN(""), restart);
    world_target(&world, LEDGER)->kind = TEND_SCRAPE_REFUSED;
    world_pass(&world, 4);
    assert_int_equal(runs(&world), 0);
    world_end(&world);
}

static void a_good_scrape_that_no_tick_has_judged_yet_starts_nothing(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, DOWN("'REFUSED'"), restart);
    world_target(&world, LEDGER)->kind = TEND_SCRAPE_READ_TIMEOUT;
    world_pass(&world, 4);
    world.holds_locate = true;
    world_pass(&world, 2);
    world_target(&world, LEDGER)->kind = TEND_SCRAPE_OK;
    world_scrape_all(&world);
    json_t *reply = world_json("{'ranking':[{'service':'ledger','confidence':0.95,'reasons':[]}],"
                               "'culprits':['ledger'],'fits':{'ledger':[true]}}");
    world_step(&world, (struct tend_event){ .kind = TEND_EVENT_REPLY, .reply = { .id = world.ask_id, .json = reply } });
    json_decref(reply);
    assert_int_equal(runs(&world), 0);
    world_pass(&world, 3);
    assert_int_equal(runs(&world), 0);
    world_end(&world);
}

static enum tend_verdict out_when_down(struct world *world, const struct view_call *call)
{
    (void)world;
    return call->up < 1 ? TEND_VERDICT_OUT : TEND_VERDICT_IN_LINE;
}

static void a_function_that_reads_up_acts_on_a_failed_scrape_only_when_it_names_the_kind(void **state)
{
    (void)state;
    for (size_t named = 0; named < 2; named++) {
        struct world world;
        begin_armed(
            &world,
            named == 1 ? DOCUMENT(SERVICE("ledger", "'http://h:1/m'", ACT), RULE("f", ",'kinds':['REFUSED']"),
                                  PLAYBOOK("restart", ""), "")
                       : DOCUMENT(SERVICE("ledger", "'http://h:1/m'", ACT), RULE("f", ""), PLAYBOOK("restart", ""), ""),
            restart);
        world.judge = out_when_down;
        world_target(&world, LEDGER)->kind = TEND_SCRAPE_REFUSED;
        world_pass(&world, 4);
        assert_int_equal(runs(&world), named);
        world_end(&world);
    }
}

static const char *const rolling[] = { "restart ledger/h:1", "restart ledger/h:2", "verify", NULL };

static void a_second_instance_waits_for_the_proof_of_the_first(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, SHOP(FOUR, "," LIMITS(",'share':0.25")), rolling);
    world_pass(&world, 4);
    assert_string_equal(world.did, "restart ledger/h:1");
    assert_string_equal(world_outcome(&world), "escalated");
    assert_non_null(
        strstr(tend_json_text(world_newest(&world, TEND_RECORD_RUN, "state", "ended"), "error", ""), "refused: share"));
    world_end(&world);
}

static void with_the_first_verified_the_second_may_follow(void **state)
{
    (void)state;
    static const char *const careful[] = { "restart ledger/h:1", "verify ledger/h:1", "restart ledger/h:2", "verify",
                                           NULL };
    struct world world;
    begin_armed(&world, SHOP(FOUR, "," LIMITS(",'share':0.25")), careful);
    world.on_exec = cure;
    world_pass(&world, 8);
    assert_string_equal(world.did, "restart ledger/h:1, restart ledger/h:2");
    assert_string_equal(world_outcome(&world), "recovered");
    world_end(&world);
}

static void min_healthy_instances_are_left_serving(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, SHOP("'http://h:1/m','http://h:2/m'", "," LIMITS(",'min_healthy':2")), restart);
    world_pass(&world, 4);
    assert_int_equal(world.execs, 0);
    assert_string_equal(world_outcome(&world), "escalated");
    world_end(&world);
}

static void what_does_not_answer_may_be_restarted_whatever_min_healthy_says(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world,
                DOCUMENT(SERVICE("ledger", "'http://h:1/m','http://h:2/m'", ACT "," LIMITS(",'min_healthy':2")),
                         RULE("down", ",'metric':'up','per':'instance','kinds':['REFUSED']"), PLAYBOOK("restart", ""),
                         ""),
                restart);
    world_target(&world, LEDGER)->kind = TEND_SCRAPE_REFUSED;
    world.on_exec = cure;
    world_pass(&world, 6);
    assert_int_equal(world.execs, 1);
    assert_string_equal(world_outcome(&world), "recovered");
    world_end(&world);
}

#define SERVICES_OF_THREE                                                                                              \
    SERVICE("ledger", "'http://h:1/m'", ACT)                                                                           \
    "," SERVICE("mail", "'http://m:1/m'", ACT) "," SERVICE("search", "'http://s:1/m'", ACT)

static void more_than_half_blind_acts_on_nothing_and_calls_a_person_once(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world,
                DOCUMENT(SERVICES_OF_THREE, RULE("down", ",'metric':'up','kinds':['REFUSED']"), PLAYBOOK("restart", ""),
                         ",'notifies':[{'name':'ops','on':['*'],'severity':['page'],'to':1}]"),
                restart);
    world_target(&world, LEDGER)->load = 1;
    world_pass(&world, 2);
    world_target(&world, LEDGER)->kind = TEND_SCRAPE_REFUSED;
    world_target(&world, "mail/m:1")->kind = TEND_SCRAPE_REFUSED;
    world_pass(&world, 20);
    assert_int_equal(runs(&world), 0);
    assert_true(world_decided(&world, "blind") >= 1);
    assert_int_equal(tend_engine_counts(world.engine).incidents_open, 2);
    assert_int_equal(world.deliveries, 1);
    assert_int_equal(strncmp(tend_buffer_text(&world.delivered), "blind", 5), 0);
    world_end(&world);
}

static void half_is_not_more_than_half(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world,
                DOCUMENT(SERVICES_OF_THREE "," SERVICE("web", "'http://w:1/m'", ""),
                         RULE("down", ",'metric':'up','kinds':['REFUSED']"), PLAYBOOK("restart", ""), ""),
                restart);
    world_target(&world, LEDGER)->kind = TEND_SCRAPE_REFUSED;
    world_target(&world, "mail/m:1")->kind = TEND_SCRAPE_REFUSED;
    world_pass(&world, 4);
    assert_true(runs(&world) >= 1);
    world_end(&world);
}

static void blindness_that_begins_during_a_run_stops_its_next_act(void **state)
{
    (void)state;
    static const char *const two[] = { "restart " LEDGER, "wait 2000", "once " LEDGER, "verify", NULL };
    struct world world;
    begin_armed(&world, DOCUMENT(SERVICES_OF_THREE, LOAD_RULE, PLAYBOOK("restart", ""), ""), two);
    world_pass(&world, 2);
    assert_int_equal(world.execs, 1);
    world_target(&world, "mail/m:1")->kind = world_target(&world, "search/s:1")->kind = TEND_SCRAPE_REFUSED;
    world_pass(&world, 4);
    assert_int_equal(world.execs, 1);
    assert_string_equal(world_outcome(&world), "escalated");
    world_end(&world);
}

static void a_pause_stops_what_would_begin_and_resume_lets_it(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, ONE(""), restart);
    world_operate(&world, "pause", "");
    world_pass(&world, 10);
    assert_int_equal(runs(&world), 0);
    assert_int_equal(world_decided(&world, "paused"), 1);
    assert_int_equal(tend_engine_counts(world.engine).alerts_firing, 1); // watching goes on
    world_operate(&world, "resume", "");
    world_pass(&world, 2);
    assert_int_equal(runs(&world), 1);
    world_end(&world);
}

static void a_pause_during_a_run_stops_its_next_act(void **state)
{
    (void)state;
    static const char *const two[] = { "restart " LEDGER, "wait 2000", "once " LEDGER, "verify", NULL };
    struct world world;
    begin_armed(&world, ONE(""), two);
    world_pass(&world, 2);
    assert_int_equal(world.execs, 1);
    world_operate(&world, "pause", "");
    world_pass(&world, 4);
    assert_int_equal(world.execs, 1);
    assert_string_equal(world_outcome(&world), "escalated");
    world_end(&world);
}

static void a_pause_between_intent_and_act_stops_the_act(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, ONE(""), restart);
    world_pass(&world, 1);
    world.holds_runs = true;
    world_pass(&world, 1);
    world.holds_journal = true; // the intent is written, and not yet on disk
    world.holds_runs = false;
    world_run_reply(&world, world.processes[0].id, scripted_run_next(&world.processes[0], NULL), NULL);
    world_until(&world, world.now_ms + 10);
    world_operate(&world, "pause", "");
    world_mend_journal(&world);
    world_pass(&world, 5);
    assert_int_equal(world.execs, 0);
    world_end(&world);
}

static void a_pause_survives_a_restart(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, ONE(""), restart);
    world_operate(&world, "pause", "");
    world_restart(&world);
    world_pass(&world, 10);
    assert_int_equal(runs(&world), 0);
    assert_true(tend_engine_counts(world.engine).paused);
    world_operate(&world, "resume", "");
    world_restart(&world);
    assert_false(tend_engine_counts(world.engine).paused);
    world_end(&world);
}

static void after_a_start_nothing_is_done_before_three_good_scrapes(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.grace_ms = 60000;
    tend_engine_destroy(world.engine);
    world_create_engine(&world);
    world_load(&world, SHOP("'http://h:1/m','http://h:2/m'", ""));
    world.scripts[0] = restart;
    world_blame(&world, "ledger");
    world_operate(&world, "arm", "*");
    world_target(&world, LEDGER)->load = 10;
    world_target(&world, "ledger/h:2")->silent = true;
    world_pass(&world, 10);
    assert_int_equal(runs(&world), 0);
    assert_int_equal(world_decided(&world, "grace"), 1);
    world_target(&world, "ledger/h:2")->silent = false;
    world_pass(&world, 2);
    assert_int_equal(runs(&world), 0);
    world_pass(&world, 1);
    assert_int_equal(runs(&world), 1);
    world_end(&world);
}

static void one_that_never_answers_holds_acting_up_for_the_grace_time_only(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.grace_ms = 10000;
    tend_engine_destroy(world.engine);
    world_create_engine(&world);
    world_load(&world, DOWN("'REFUSED'"));
    world.scripts[0] = restart;
    world_blame(&world, "ledger");
    world_operate(&world, "arm", "*");
    world_target(&world, LEDGER)->kind = TEND_SCRAPE_REFUSED;
    world_pass(&world, 10);
    assert_int_equal(runs(&world), 0);
    world_pass(&world, 1);
    assert_int_equal(runs(&world), 1);
    world_end(&world);
}

static void a_change_of_the_version_stops_the_run(void **state)
{
    (void)state;
    static const char *const two[] = { "restart ledger/h:1", "wait 2000", "once ledger/h:1", "verify", NULL };
    static const char *const changed[] = { "ledger/h:1", "ledger/h:2" }; // the second one alone is a change, too
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        begin_armed(&world,
                    SHOP("'http://h:1/m','http://h:2/m'", ",'version':{'series':'app_build_info','label':'version'}"),
                    two);
        (void)strcpy(world_target(&world, "ledger/h:1")->version, "1.0");
        (void)strcpy(world_target(&world, "ledger/h:2")->version, "1.0");
        world_pass(&world, 2);
        assert_int_equal(world.execs, 1);
        (void)strcpy(world_target(&world, changed[i])->version, "1.1");
        world_pass(&world, 4);
        assert_int_equal(world.execs, 1);
        assert_string_equal(world_outcome(&world), "escalated");
        world_end(&world);
    }
}

static void a_version_that_the_run_itself_deployed_stops_nothing(void **state)
{
    (void)state;
    static const char *const deploy[] = { "redeploy", "wait 2000", "restart " LEDGER, "verify", NULL };
    struct world world;
    begin_armed(&world, ONE(",'version':{'series':'app_build_info','label':'version'}"), deploy);
    (void)strcpy(world_target(&world, LEDGER)->version, "1.1");
    world_pass(&world, 2);
    (void)strcpy(world_target(&world, LEDGER)->version, "1.0");
    world_pass(&world, 3);
    assert_int_equal(world.execs, 2);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(too_little_confidence_calls_a_person),
        cmocka_unit_test(a_ranking_without_a_confidence_is_not_acted_on),
        cmocka_unit_test(an_alert_that_may_not_act_starts_nothing),
        cmocka_unit_test(missing_data_warns_and_starts_nothing),
        cmocka_unit_test(an_alert_that_fires_on_and_has_no_data_now_starts_nothing),
        cmocka_unit_test(an_alert_whose_rule_raises_now_starts_nothing),
        cmocka_unit_test(what_is_in_line_again_and_waits_to_resolve_is_left_alone),
        cmocka_unit_test(a_failed_scrape_acts_only_when_the_rule_names_its_kind),
        cmocka_unit_test(a_good_scrape_that_no_tick_has_judged_yet_starts_nothing),
        cmocka_unit_test(a_rule_that_names_no_kind_never_acts_on_a_failed_scrape),
        cmocka_unit_test(a_function_that_reads_up_acts_on_a_failed_scrape_only_when_it_names_the_kind),
        cmocka_unit_test(a_second_instance_waits_for_the_proof_of_the_first),
        cmocka_unit_test(with_the_first_verified_the_second_may_follow),
        cmocka_unit_test(min_healthy_instances_are_left_serving),
        cmocka_unit_test(what_does_not_answer_may_be_restarted_whatever_min_healthy_says),
        cmocka_unit_test(more_than_half_blind_acts_on_nothing_and_calls_a_person_once),
        cmocka_unit_test(half_is_not_more_than_half),
        cmocka_unit_test(blindness_that_begins_during_a_run_stops_its_next_act),
        cmocka_unit_test(a_pause_stops_what_would_begin_and_resume_lets_it),
        cmocka_unit_test(a_pause_during_a_run_stops_its_next_act),
        cmocka_unit_test(a_pause_between_intent_and_act_stops_the_act),
        cmocka_unit_test(a_pause_survives_a_restart),
        cmocka_unit_test(after_a_start_nothing_is_done_before_three_good_scrapes),
        cmocka_unit_test(one_that_never_answers_holds_acting_up_for_the_grace_time_only),
        cmocka_unit_test(a_change_of_the_version_stops_the_run),
        cmocka_unit_test(a_version_that_the_run_itself_deployed_stops_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
