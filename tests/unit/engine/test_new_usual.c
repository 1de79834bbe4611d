// What a learned metric is for a day, while nobody does anything about it, becomes what it usually is.

#include "engine/engine.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine_world.h"
#include "generation_document.h"

#define LEDGER "ledger/127.0.0.1:9101"
#define RULES                                                                                                          \
    "'rules':[{'name':'high','at':'a:1','metric':'load'},{'name':'hot','at':'a:2','metric':'heat'},"                   \
    "{'name':'either','at':'a:3'}],'playbooks':[" PLAYBOOK("restart", "") "]"
#define LEARNED(season, limit, rules)                                                                                  \
    "{" RULES ",'services':[{'name':'ledger','groups':['*'],'targets':['http://127.0.0.1:9101/metrics'],"              \
    "'every_ms':60000,'window_ms':60000,'timeout_ms':500,'version':{'series':'app_build_info','label':'version'},"     \
    "'metrics':[" UP_METRIC ",{'name':'load','kind':'gauge','sources':['load'],"                                       \
    "'expect':{'learned':{'season_ms':" season ",'zone':'UTC'}}," limit "'bad':'both'},"                               \
    "{'name':'heat','kind':'gauge','sources':['load'],'expect':{'value':1},'out_at':70,'bad':'above'}]," LIMITS(       \
        "") ",'rules':[" rules "],'remedies':[0]}]}"
#define PLAIN LEARNED("0", "'alpha':0.2,", "{'rule':0}")
#define DETECTORS LEARNED("0", "", "{'rule':0}")
#define LIMIT LEARNED("0", "'out_at':9,", "{'rule':0}")
#define WEEKLY LEARNED("604800000", "'alpha':0.2,", "{'rule':0}")
#define WITH_HEAT LEARNED("0", "'alpha':0.2,", "{'rule':0},{'rule':1}")
#define BY_FUNCTION LEARNED("0", "'alpha':0.2,", "{'rule':2}")
#define ACTS LEARNED("0", "'alpha':0.2,", "{'rule':0,'act':true}")

enum { WARM = 130, HOUR = 60, DAY = 24 * 60 };

static void pass_minutes(struct world *world, int minutes, double load)
{
    world_target(world, LEDGER)->load = load;
    for (int i = 0; i < minutes; i++) {
        world_scrape_all(world);
        world_until(world, world->now_ms + 60000);
    }
}

static size_t taken(const struct world *world)
{
    return world_count_records(world, TEND_RECORD_DECISION, "what", "new usual");
}

/// A number of the metric as `tend status` shows it.
static double shown(const struct world *world, const char *member)
{
    json_t *status = tend_engine_status(world->engine);
    const json_t *services = json_object_get(status, "services");
    const json_t *metrics = json_object_get(json_array_get(services, 0), "metrics");
    double number = (double)NAN;
    size_t i = 0;
    json_t *metric = NULL;
    json_array_foreach(metrics, i, metric)
    {
        if (strcmp(tend_json_text(metric, "name", ""), "load") == 0) {
            number = tend_json_number(metric, member, (double)NAN);
        }
    }
    json_decref(status);
    return number;
}

static double expected(const struct world *world)
{
    return shown(world, "E");
}

/// Warm at 5, and at 50 for so long since then.
static void begin(struct world *world, const char *document, int minutes)
{
    world_begin(world, document);
    pass_minutes(world, WARM, 5);
    pass_minutes(world, minutes, 50);
    assert_string_equal(world_alert_state(world, "ledger"), "firing");
}

static void a_day_of_an_untouched_alert_is_a_new_usual_and_the_alert_resolves(void **state)
{
    (void)state;
    struct world world;
    begin(&world, PLAIN, DAY - 2);
    assert_true(taken(&world) == 0 && expected(&world) == 5);
    pass_minutes(&world, HOUR, 50);
    assert_int_equal(taken(&world), 1);
    assert_float_equal(expected(&world), 50, 1e-9);
    assert_string_equal(world_alert_state(&world, "ledger"), "resolved");
    const json_t *decision = world_newest(&world, TEND_RECORD_DECISION, "what", "new usual");
    assert_string_equal(tend_json_text(decision, "reason", ""), "load is out of line to stay");
    assert_non_null(strstr(tend_json_text(decision, "text", ""), "fired for 1d, and nobody did anything about it"));
    pass_minutes(&world, 2, 5); // and it is watched from there
    assert_string_equal(world_alert_state(&world, "ledger"), "firing");
    world_end(&world);
}

// The wall clock says when it is, not how long something took.
static void a_wall_clock_that_jumps_makes_no_day_of_an_hour(void **state)
{
    (void)state;
    static const int64_t jumps_ms[] = { INT64_C(108000000), -INT64_C(108000000) }; // 30 h
    for (size_t i = 0; i < sizeof jumps_ms / sizeof jumps_ms[0]; i++) {
        struct world world;
        begin(&world, PLAIN, HOUR);
        world.wall_skew_ms = jumps_ms[i];
        world_step(&world, (struct tend_event){ .kind = TEND_EVENT_WALL_MOVED, .wall_moved_ms = jumps_ms[i] });
        pass_minutes(&world, DAY - 2 - HOUR, 50);
        assert_true(taken(&world) == 0 && expected(&world) == 5);
        pass_minutes(&world, HOUR, 50);
        assert_int_equal(taken(&world), 1);
        world_end(&world);
    }
}

static void only_what_happens_again_within_eight_days_is_a_distance_that_it_reaches(void **state)
{
    (void)state;
    struct world world;
    begin(&world, PLAIN, HOUR);
    pass_minutes(&world, DAY + 2 * HOUR, 50);
    assert_true(taken(&world) == 1 && shown(&world, "alpha") == 0.2);
    pass_minutes(&world, DAY + 3 * HOUR, 5); // back: F is 45 / 50
    assert_int_equal(taken(&world), 2);
    assert_true(shown(&world, "alpha") > 0.2);
    world_end(&world);
    begin(&world, PLAIN, HOUR);
    pass_minutes(&world, 10 * DAY, 50);
    pass_minutes(&world, DAY + 3 * HOUR, 5);
    assert_true(taken(&world) == 2 && shown(&world, "alpha") == 0.2);
    world_end(&world);
}

static void metrics_that_detectors_judge_find_their_way_too(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, DETECTORS);
    for (int i = 0; i < 300; i++) {
        pass_minutes(&world, 1, 5 + i * 7 % 11 * 0.01);
    }
    pass_minutes(&world, DAY - 2, 8);
    assert_string_equal(world_alert_state(&world, "ledger"), "firing");
    for (int i = 0; i < 180; i++) {
        pass_minutes(&world, 1, 8 + i * 7 % 11 * 0.01);
    }
    assert_int_equal(taken(&world), 1);
    assert_string_equal(world_alert_state(&world, "ledger"), "resolved");
    world_end(&world);
}

static enum tend_verdict out_of_line(struct world *world, const struct view_call *call)
{
    (void)call;
    return world_target(world, LEDGER)->load > 40 ? TEND_VERDICT_OUT : TEND_VERDICT_IN_LINE;
}

static void a_rule_that_is_a_function_counts_while_it_sees_a_learned_metric_out_of_line(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, BY_FUNCTION);
    world.judge = out_of_line;
    pass_minutes(&world, WARM, 5);
    pass_minutes(&world, DAY + HOUR, 50);
    assert_int_equal(taken(&world), 1);
    assert_float_equal(expected(&world), 50, 1e-9);
    pass_minutes(&world, 2 * DAY, 50); // that the function says out of line on has nothing to do with it
    assert_int_equal(taken(&world), 1);
    world_end(&world);
}

static void the_season_of_a_week_waits_three_days(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, WEEKLY);
    pass_minutes(&world, 14 * DAY + HOUR, 5);
    pass_minutes(&world, 3 * DAY - 2, 50);
    assert_true(taken(&world) == 0 && expected(&world) == 5);
    pass_minutes(&world, HOUR, 50);
    assert_int_equal(taken(&world), 1);
    assert_string_equal(world_alert_state(&world, "ledger"), "resolved");
    world_end(&world);
}

static void what_a_person_has_is_not_taken(void **state)
{
    (void)state;
    struct world world;
    begin(&world, PLAIN, 2);
    world_operate(&world, "ack", "{\"incident\":\"*\",\"why\":\"on it\"}");
    pass_minutes(&world, 3 * DAY, 50);
    assert_true(taken(&world) == 0 && expected(&world) == 5);
    assert_string_equal(world_alert_state(&world, "ledger"), "firing");
    world_end(&world);
}

static void a_limit_in_the_metrics_own_unit_is_never_usual(void **state)
{
    (void)state;
    struct world world;
    begin(&world, LIMIT, 3 * DAY);
    assert_int_equal(taken(&world), 0);
    assert_string_equal(world_alert_state(&world, "ledger"), "firing");
    world_end(&world);
}

static void nothing_is_taken_while_what_was_not_learned_fires_in_the_incident(void **state)
{
    (void)state;
    struct world world;
    begin(&world, WITH_HEAT, HOUR);
    pass_minutes(&world, 2 * DAY, 80); // hot: a limit of 70
    assert_true(taken(&world) == 0 && expected(&world) == 5);
    pass_minutes(&world, HOUR, 50);
    assert_int_equal(taken(&world), 1);
    world_end(&world);
}

static void a_deploy_begins_the_day_anew(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, PLAIN);
    (void)strcpy(world_target(&world, LEDGER)->version, "1");
    pass_minutes(&world, WARM, 5);
    pass_minutes(&world, 20 * HOUR, 50);
    (void)strcpy(world_target(&world, LEDGER)->version, "2");
    pass_minutes(&world, 23 * HOUR, 50);
    assert_int_equal(taken(&world), 0);
    pass_minutes(&world, 2 * HOUR, 50);
    assert_int_equal(taken(&world), 1);
    world_end(&world);
}

static void what_was_acted_on_is_not_taken_for_a_day(void **state)
{
    static const char *const script[] = { "restart " LEDGER, NULL };
    (void)state;
    struct world world;
    world_begin(&world, ACTS);
    world.scripts[0] = script;
    pass_minutes(&world, WARM, 5);
    pass_minutes(&world, 20 * HOUR, 50); // nobody is blamed, and nothing done
    world_blame(&world, "ledger");
    world_operate(&world, "arm", "*");
    pass_minutes(&world, HOUR, 50);
    assert_int_equal(world.execs, 2); // both attempts, in vain
    pass_minutes(&world, 22 * HOUR, 50);
    assert_int_equal(taken(&world), 0);
    pass_minutes(&world, 2 * HOUR, 50);
    assert_int_equal(taken(&world), 1);
    world_end(&world);
}

static void a_person_need_not_wait(void **state)
{
    (void)state;
    struct world world;
    begin(&world, PLAIN, 5);
    world_operate(&world, "relearn", "ledger");
    pass_minutes(&world, 20, 50);
    assert_float_equal(expected(&world), 50, 1e-9);
    assert_string_equal(world_alert_state(&world, "ledger"), "resolved");
    assert_int_equal(taken(&world), 0);
    world_end(&world);
}

static void the_day_goes_on_over_a_restart(void **state)
{
    (void)state;
    struct world world;
    begin(&world, PLAIN, 20 * HOUR);
    struct tend_buffer bytes;
    tend_buffer_init(&bytes);
    assert_int_equal(tend_engine_save_baselines(world.engine, &bytes), 2);
    world_crash(&world);
    world_step(&world, (struct tend_event){ .kind = TEND_EVENT_BASELINES,
                                            .baselines = { .bytes = bytes.data, .byte_count = bytes.size } });
    world_load(&world, PLAIN);
    tend_buffer_clear(&bytes);
    pass_minutes(&world, 3 * HOUR, 50);
    assert_true(taken(&world) == 0 && expected(&world) == 5);
    pass_minutes(&world, 2 * HOUR, 50);
    assert_int_equal(taken(&world), 1);
    assert_string_equal(world_alert_state(&world, "ledger"), "resolved");
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_of_an_untouched_alert_is_a_new_usual_and_the_alert_resolves),
        cmocka_unit_test(a_wall_clock_that_jumps_makes_no_day_of_an_hour),
        cmocka_unit_test(only_what_happens_again_within_eight_days_is_a_distance_that_it_reaches),
        cmocka_unit_test(metrics_that_detectors_judge_find_their_way_too),
        cmocka_unit_test(a_rule_that_is_a_function_counts_while_it_sees_a_learned_metric_out_of_line),
        cmocka_unit_test(the_season_of_a_week_waits_three_days),
        cmocka_unit_test(what_a_person_has_is_not_taken),
        cmocka_unit_test(a_limit_in_the_metrics_own_unit_is_never_usual),
        cmocka_unit_test(nothing_is_taken_while_what_was_not_learned_fires_in_the_incident),
        cmocka_unit_test(a_deploy_begins_the_day_anew),
        cmocka_unit_test(what_was_acted_on_is_not_taken_for_a_day),
        cmocka_unit_test(a_person_need_not_wait),
        cmocka_unit_test(the_day_goes_on_over_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
