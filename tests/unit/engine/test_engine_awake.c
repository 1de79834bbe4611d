// Sleep in the whole engine: outside `awake` nothing is judged, learned or acted on. The world begins at 02:40:00 in
// UTC.

#include "engine_world.h"

#define LEDGER "ledger/h:1"
#define TARGET "'http://h:1/metrics'"
#define AWAKE(hours) ",'awake':{'hours':'" hours "','zone':'UTC'}"
#define BOUND(more) ",'rules':[{'rule':0,'clear_below':1,'severity':'page','act':true" more "}]"
#define ONE(hours, binding) DOCUMENT(SERVICE("ledger", TARGET, BOUND(binding) AWAKE(hours)), LOAD_RULE, "", "")
#define FIRST_MINUTE "02:40-02:41"
#define LATER "02:41-06:00"

static const json_t *metric(const json_t *status, const char *name)
{
    const json_t *metrics = json_object_get(json_array_get(json_object_get(status, "services"), 0), "metrics");
    for (size_t i = 0; i < json_array_size(metrics); i++) {
        if (strcmp(tend_json_text(json_array_get(metrics, i), "name", ""), name) == 0) {
            return json_array_get(metrics, i);
        }
    }
    return NULL;
}

static const char *incident_outcome(const struct world *world)
{
    return tend_json_text(world_newest(world, TEND_RECORD_INCIDENT, "state", "ended"), "outcome", "");
}

static void a_service_is_judged_from_the_moment_at_which_it_wakes(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ONE(LATER, ""));
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 60);
    assert_int_equal(world_count_records(&world, TEND_RECORD_ALERT, NULL, NULL), 0);
    world_pass(&world, 1); // scraped at 02:41:00.000
    assert_string_equal(world_alert_state(&world, "ledger"), "firing");
    world_end(&world);
}

static void its_alerts_end_as_it_falls_asleep(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ONE(FIRST_MINUTE, ""));
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 60);
    assert_string_equal(world_alert_state(&world, "ledger"), "firing");
    world_pass(&world, 1);
    const json_t *alert = world_newest(&world, TEND_RECORD_ALERT, "state", "resolved");
    assert_string_equal(tend_json_text(alert, "missing", ""), "asleep");
    assert_string_equal(incident_outcome(&world), "fell asleep");
    const size_t records = world.record_count;
    world_pass(&world, 100);
    assert_int_equal(world.record_count, records);
    world_end(&world);
}

static void a_pending_time_ends_too_and_begins_anew(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ONE("02:40-02:41; 02:42-06:00", ",'fire_after_ms':10000"));
    world_pass(&world, 55);
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 6);
    assert_string_equal(world_alert_state(&world, "ledger"), "inactive");
    world_pass(&world, 60); // from 02:42:00 on it is awake again
    assert_string_equal(world_alert_state(&world, "ledger"), "pending");
    world_pass(&world, 9);
    assert_string_equal(world_alert_state(&world, "ledger"), "pending");
    world_pass(&world, 1);
    assert_string_equal(world_alert_state(&world, "ledger"), "firing");
    world_end(&world);
}

static void whatever_the_rule_says_of_missing_data_sleep_raises_nothing(void **state)
{
    (void)state;
    static const char *const documents[] = { ONE(LATER, ",'missing':'warn'"), ONE(LATER, ",'missing':'act'") };
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        world_begin(&world, documents[i]);
        world_target(&world, LEDGER)->kind = TEND_SCRAPE_REFUSED;
        world_pass(&world, 60);
        assert_int_equal(world_count_records(&world, TEND_RECORD_ALERT, NULL, NULL), 0);
        world_pass(&world, 1); // awake, and silent: now it says something
        assert_string_equal(world_alert_state(&world, "ledger"), "firing");
        world_end(&world);
    }
}

static void samples_from_before_it_woke_are_not_in_its_window(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world,
                DOCUMENT(SERVICE("ledger", TARGET, BOUND("") AWAKE(LATER) ",'window_ms':30000"), LOAD_RULE, "", ""));
    world_target(&world, LEDGER)->load = 100;
    world_pass(&world, 60);
    world_target(&world, LEDGER)->load = 1;
    world_pass(&world, 1);
    json_t *status = tend_engine_status(world.engine);
    assert_true(tend_json_number(metric(status, "load"), "P", 0.0) == 1.0);
    json_decref(status);
    assert_int_equal(world_count_records(&world, TEND_RECORD_ALERT, NULL, NULL), 0);
    world_end(&world);
}

static void a_result_that_comes_late_of_a_scrape_begun_asleep_counts_for_nothing(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ONE(LATER, ",'missing':'act'"));
    world_pass(&world, 60);
    world_step(&world, (struct tend_event){ .kind = TEND_EVENT_SCRAPED,
                                            .scraped = { .target = 0,
                                                         .begun_ms = world.now_ms - 400,
                                                         .duration_s = 0.5,
                                                         .kind = TEND_SCRAPE_READ_TIMEOUT,
                                                         .reason = "late" } });
    world_until(&world, world.now_ms + 100);
    assert_int_equal(world_count_records(&world, TEND_RECORD_ALERT, NULL, NULL), 0);
    json_t *status = tend_engine_status(world.engine);
    assert_string_equal(tend_json_text(metric(status, "up"), "missing", ""), "asleep");
    json_decref(status);
    world_end(&world);
}

static void a_wake_that_a_reload_goes_through_is_a_wake_all_the_same(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ONE(LATER, ""));
    world_target(&world, LEDGER)->load = 100;
    world_pass(&world, 60);
    world_load(&world,
               DOCUMENT(SERVICE("ledger", TARGET, BOUND("") AWAKE(LATER) ",'window_ms':30000"), LOAD_RULE, "", ""));
    world_target(&world, LEDGER)->load = 1;
    world_pass(&world, 2);
    assert_int_equal(world_count_records(&world, TEND_RECORD_ALERT, NULL, NULL), 0);
    world_end(&world);
}

static void without_hours_from_a_reload_on_it_is_judged_at_once(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ONE(LATER, ""));
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 10);
    world_load(&world, DOCUMENT(SERVICE("ledger", TARGET, BOUND("")), LOAD_RULE, "", ""));
    world_pass(&world, 2);
    assert_string_equal(world_alert_state(&world, "ledger"), "firing");
    world_end(&world);
}

static void an_alert_from_before_a_restart_ends_when_tend_starts_asleep(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ONE(FIRST_MINUTE, ""));
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 50);
    assert_string_equal(world_alert_state(&world, "ledger"), "firing");
    world_crash(&world);
    world_until(&world, world.now_ms + 20000);
    world_load(&world, world.document);
    world_pass(&world, 1);
    assert_string_equal(world_alert_state(&world, "ledger"), "resolved");
    assert_string_equal(incident_outcome(&world), "fell asleep");
    world_end(&world);
}

// It falls asleep while the evaluator thinks.
static enum tend_verdict judge_for_a_minute(struct world *world, const struct view_call *call)
{
    (void)call;
    world->wall_skew_ms = 60000;
    return TEND_VERDICT_OUT;
}

static void a_verdict_that_comes_after_it_fell_asleep_is_not_used(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, DOCUMENT(SERVICE("ledger", TARGET, BOUND("") AWAKE(FIRST_MINUTE)), RULE("judged", ""), "", ""));
    world.judge = judge_for_a_minute;
    world_pass(&world, 10);
    assert_int_equal(world.evaluations, 1);
    assert_int_equal(world_count_records(&world, TEND_RECORD_ALERT, NULL, NULL), 0);
    world_end(&world);
}

#define LEARNING                                                                                                       \
    "{'services':[{'name':'ledger','groups':['*'],'targets':[" TARGET "],'every_ms':1000,'window_ms':1000,"            \
    "'timeout_ms':500,'metrics':[" UP_METRIC ",{'name':'load','kind':'gauge','sources':['load'],'expect':{'last':3},"  \
    "'out_at':50,'bad':'above'}]," LIMITS("") AWAKE("02:40-02:41; 02:42-06:00") "}]}"

static void nothing_is_learned_asleep(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, LEARNING);
    world_pass(&world, 60);
    world_target(&world, LEDGER)->load = 9;
    world_pass(&world, 60);
    world_target(&world, LEDGER)->load = 1;
    world_pass(&world, 1);
    json_t *status = tend_engine_status(world.engine);
    assert_true(tend_json_number(metric(status, "load"), "E", 0.0) == 1.0);
    json_decref(status);
    world_end(&world);
}

static void a_latch_does_not_last_over_the_night(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, DOCUMENT(SERVICE("ledger", TARGET,
                                         ",'rules':[{'rule':0,'clear_below':0.5}]" AWAKE("02:40-02:41; 02:42-06:00")),
                                 LOAD_RULE, "", ""));
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 60);
    assert_string_equal(world_alert_state(&world, "ledger"), "firing");
    world_target(&world, LEDGER)->load = 1.8; // A is 0.8: too little to fire, too much to clear
    world_pass(&world, 70);
    assert_string_equal(world_alert_state(&world, "ledger"), "resolved");
    world_end(&world);
}

static void what_one_instance_said_before_is_not_pooled_with_what_another_says_now(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, DOCUMENT(SERVICE("ledger", TARGET ",'http://h:2/metrics'", AWAKE("02:40-02:41; 02:42-06:00")),
                                 LOAD_RULE, "", ""));
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 60);
    world_target(&world, LEDGER)->silent = true;
    world_pass(&world, 61);
    json_t *status = tend_engine_status(world.engine);
    assert_true(tend_json_number(metric(status, "load"), "P", 0.0) == 1.0);
    json_decref(status);
    world_end(&world);
}

static const json_t *instance(const json_t *status)
{
    const json_t *service = json_array_get(json_object_get(status, "services"), 0);
    return json_array_get(json_object_get(service, "instances"), 0);
}

static void a_deploy_is_seen_asleep_too(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, DOCUMENT(SERVICE("ledger", TARGET,
                                         AWAKE(LATER) ",'version':{'series':'app_build_info','label':'version'}"),
                                 LOAD_RULE, "", ""));
    world_target(&world, LEDGER)->version[0] = '1';
    world_pass(&world, 10);
    world_target(&world, LEDGER)->version[0] = '2';
    world_pass(&world, 10);
    json_t *status = tend_engine_status(world.engine);
    assert_string_equal(tend_json_text(instance(status), "version", ""), "2");
    json_decref(status);
    world_end(&world);
}

static void an_onset_is_of_the_same_day(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ONE("02:40-02:41; 02:42-06:00", ""));
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 122);
    json_t *status = tend_engine_status(world.engine);
    const json_t *load = json_object_get(json_object_get(instance(status), "metrics"), "load");
    assert_int_equal(tend_json_integer(load, "onset_ms", 0), WORLD_BEGIN_MS + 120000);
    json_decref(status);
    world_end(&world);
}

static void the_status_says_who_is_asleep(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ONE(LATER, ""));
    world_target(&world, LEDGER)->kind = TEND_SCRAPE_REFUSED;
    world_pass(&world, 1);
    json_t *status = tend_engine_status(world.engine);
    const json_t *service = json_array_get(json_object_get(status, "services"), 0);
    assert_string_equal(tend_json_text(service, "state", ""), "asleep");
    assert_string_equal(tend_json_text(instance(status), "state", ""), "asleep");
    assert_false(tend_json_bool(instance(status), "up", true));
    assert_string_equal(tend_json_text(metric(status, "load"), "missing", ""), "asleep");
    assert_string_equal(tend_json_text(metric(status, "up"), "missing", ""), "asleep");
    json_decref(status);
    world_end(&world);
}

// Acting
// ----------------------------------------------------------------------------------------------------------------

#define ARMED                                                                                                          \
    DOCUMENT(SERVICE("ledger", TARGET, BOUND("") AWAKE(FIRST_MINUTE) ",'remedies':[0]"), LOAD_RULE,                    \
             PLAYBOOK("restart", ",'within_ms':30000"), "")

static void begin_armed(struct world *world, const char *const *script, int healthy_s)
{
    world_begin(world, ARMED);
    world->scripts[0] = script;
    world_blame(world, "ledger");
    world_operate(world, "arm", "*");
    world_pass(world, healthy_s);
    world_target(world, LEDGER)->load = 10;
}

static void a_run_whose_culprit_falls_asleep_undoes_what_it_did_and_calls_nobody(void **state)
{
    (void)state;
    static const char *const script[] = { "restart " LEDGER, "verify", "else", "undo " LEDGER, NULL };
    struct world world;
    begin_armed(&world, script, 50);
    world_pass(&world, 10);
    assert_int_equal(tend_engine_counts(world.engine).runs_open, 1);
    world_pass(&world, 2);
    assert_string_equal(world.did, "restart " LEDGER ", undo " LEDGER);
    assert_string_equal(world_outcome(&world), "rolled back");
    assert_int_equal(world_count_records(&world, TEND_RECORD_DECISION, "what", "escalate"), 0);
    const json_t *guard = world_newest(&world, TEND_RECORD_TARGET, NULL, NULL);
    assert_int_equal(tend_json_integer(guard, "failed_runs", -1), 0);
    assert_int_equal(tend_engine_counts(world.engine).incidents_open, 0);
    world_end(&world);
}

static void an_act_that_is_due_after_it_fell_asleep_is_not_done(void **state)
{
    (void)state;
    static const char *const script[] = { "wait 20000", "restart " LEDGER, "verify", NULL };
    struct world world;
    begin_armed(&world, script, 50);
    world_pass(&world, 40);
    assert_int_equal(world.execs, 0);
    assert_string_equal(world_outcome(&world), "failed");
    assert_string_equal(tend_json_text(world_newest(&world, TEND_RECORD_STEP, "verb", "restart"), "error", ""),
                        "asleep: its awake hours are over");
    assert_int_equal(world_count_records(&world, TEND_RECORD_DECISION, "what", "escalate"), 0);
    world_end(&world);
}

#define SHOP_AND_BATCH                                                                                                 \
    DOCUMENT(SERVICE("shop", "'http://s:1/metrics'", BOUND("") ",'depends':['batch']") "," SERVICE(                    \
                 "batch", "'http://b:1/metrics','http://b:2/metrics','http://b:3/metrics'",                            \
                 BOUND("") AWAKE(LATER) ",'remedies':[0]"),                                                            \
             LOAD_RULE, PLAYBOOK("restart", ""), "")

static void one_that_is_asleep_is_no_culprit_and_is_not_acted_on(void **state)
{
    (void)state;
    static const char *const script[] = { "restart batch/b:1", "verify", NULL };
    struct world world;
    world_begin(&world, SHOP_AND_BATCH);
    world.scripts[0] = script;
    world_blame(&world, "batch"); // though it was not even in the request
    world_operate(&world, "arm", "*");
    world_target(&world, "shop/s:1")->load = 10;
    world_pass(&world, 10);
    const json_t *services = json_object_get(world.asked, "services");
    assert_int_equal(json_array_size(services), 1);
    assert_string_equal(tend_json_text(json_array_get(services, 0), "name", ""), "shop");
    assert_int_equal(world.execs, 0);
    assert_int_equal(world_decided(&world, "asleep"), 1);
    world_end(&world);
}

static void a_scrape_that_failed_at_night_is_no_evidence_in_the_morning(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, SHOP_AND_BATCH);
    world_target(&world, "batch/b:1")->kind = TEND_SCRAPE_REFUSED;
    world_pass(&world, 60);
    world_target(&world, "batch/b:1")->silent = true;
    world_target(&world, "shop/s:1")->load = 10;
    world_pass(&world, 2);
    const json_t *services = json_object_get(world.asked, "services");
    assert_int_equal(json_array_size(services), 2);
    const json_t *batch = json_array_get(services, 1);
    assert_string_equal(tend_json_text(batch, "name", ""), "batch");
    assert_int_equal(json_object_size(json_object_get(batch, "failures")), 0);
    world_end(&world);
}

static void targets_of_one_that_is_asleep_do_not_make_tend_blind(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, SHOP_AND_BATCH);
    for (int i = 1; i <= 3; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "batch/b:%d", i);
        world_target(&world, name)->kind = TEND_SCRAPE_REFUSED;
    }
    world_pass(&world, 60);
    json_t *status = tend_engine_status(world.engine);
    assert_int_equal(json_array_size(json_object_get(status, "warnings")), 0);
    json_decref(status);
    world_pass(&world, 1); // three of four, awake
    status = tend_engine_status(world.engine);
    assert_int_equal(json_array_size(json_object_get(status, "warnings")), 1);
    json_decref(status);
    world_end(&world);
}

static void the_good_answers_of_one_that_is_asleep_hide_no_shared_cause(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world,
                DOCUMENT(SERVICE("shop", "'http://s:1/metrics','http://s:2/metrics','http://s:3/metrics'",
                                 "") "," SERVICE("batch", "'http://b:1/metrics','http://b:2/metrics'", AWAKE(LATER)),
                         LOAD_RULE, "", ""));
    world_target(&world, "shop/s:1")->kind = TEND_SCRAPE_REFUSED;
    world_target(&world, "shop/s:2")->kind = TEND_SCRAPE_REFUSED;
    world_pass(&world, 1);
    json_t *status = tend_engine_status(world.engine);
    assert_int_equal(json_array_size(json_object_get(status, "warnings")), 1);
    json_decref(status);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_service_is_judged_from_the_moment_at_which_it_wakes),
        cmocka_unit_test(its_alerts_end_as_it_falls_asleep),
        cmocka_unit_test(a_pending_time_ends_too_and_begins_anew),
        cmocka_unit_test(whatever_the_rule_says_of_missing_data_sleep_raises_nothing),
        cmocka_unit_test(samples_from_before_it_woke_are_not_in_its_window),
        cmocka_unit_test(a_result_that_comes_late_of_a_scrape_begun_asleep_counts_for_nothing),
        cmocka_unit_test(a_wake_that_a_reload_goes_through_is_a_wake_all_the_same),
        cmocka_unit_test(without_hours_from_a_reload_on_it_is_judged_at_once),
        cmocka_unit_test(an_alert_from_before_a_restart_ends_when_tend_starts_asleep),
        cmocka_unit_test(a_verdict_that_comes_after_it_fell_asleep_is_not_used),
        cmocka_unit_test(nothing_is_learned_asleep),
        cmocka_unit_test(a_latch_does_not_last_over_the_night),
        cmocka_unit_test(what_one_instance_said_before_is_not_pooled_with_what_another_says_now),
        cmocka_unit_test(a_deploy_is_seen_asleep_too),
        cmocka_unit_test(an_onset_is_of_the_same_day),
        cmocka_unit_test(the_status_says_who_is_asleep),
        cmocka_unit_test(a_run_whose_culprit_falls_asleep_undoes_what_it_did_and_calls_nobody),
        cmocka_unit_test(an_act_that_is_due_after_it_fell_asleep_is_not_done),
        cmocka_unit_test(one_that_is_asleep_is_no_culprit_and_is_not_acted_on),
        cmocka_unit_test(a_scrape_that_failed_at_night_is_no_evidence_in_the_morning),
        cmocka_unit_test(targets_of_one_that_is_asleep_do_not_make_tend_blind),
        cmocka_unit_test(the_good_answers_of_one_that_is_asleep_hide_no_shared_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
