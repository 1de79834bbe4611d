// Rules that look ahead, in the whole engine: what they fire on, what ends it, what they may do.
//
// A scrape a second, and 64 s ahead: the smallest buckets are a second wide.

#include "engine_world.h"

#define LEDGER "ledger/h:1"
#define METRIC(limit) "{'name':'load','kind':'gauge','sources':['load'],'ahead_ms':64000," limit "}"
#define HIGH METRIC("'bad':'above','expect':{'value':1},'out_at':2")
#define LOOKS(more) ",'rules':[{'rule':0,'clear_below':0.9,'severity':'page','ahead_ms':64000" more "}]"
#define ON(metric, targets, rules) SERVICE("ledger", targets, ",'metrics':[" UP_METRIC "," metric "]" rules)
#define ONE(metric, rules) DOCUMENT(ON(metric, "'http://h:1/m'", rules), LOAD_RULE, PLAYBOOK("restart", ""), "")

static const double NEVER_S = 1e9;

static size_t firing(const struct world *world)
{
    return tend_engine_counts(world->engine).alerts_firing;
}

// What the load is `second` seconds after the beginning: from 1 on, and 2 after two hundred seconds.
static double leak(int second)
{
    return 1 + second / 200.0;
}

// Lets the load of all targets go from leak(from) to leak(until), a step a second. @return the second in which an alert
// fired first, or -1
static int pass_leaking(struct world *world, int from, int until)
{
    int fired = -1;
    for (int second = from; second < until; second++) {
        for (size_t i = 0; i < world->target_count; i++) {
            world->targets[i].load = leak(second);
        }
        world_pass(world, 1);
        if (fired < 0 && firing(world) > 0) {
            fired = second;
        }
    }
    return fired;
}

static void begin(struct world *world, const char *document)
{
    world_begin(world, document);
    (void)world_target(world, LEDGER);
}

static double number(const json_t *body, const char *key)
{
    const json_t *value = json_object_get(body, key);
    return json_is_number(value) ? json_number_value(value) : NEVER_S;
}

static void a_rise_fires_as_long_before_the_limit_as_the_rule_looks_ahead(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(HIGH, LOOKS("")));
    assert_in_range(pass_leaking(&world, 0, 150), 133, 140); // 136: 64 s before
    const json_t *alert = world_newest(&world, TEND_RECORD_ALERT, "state", "firing");
    assert_true(tend_json_bool(alert, "foretold", false));
    assert_true(number(alert, "A") < 1);
    assert_true(number(alert, "eta_s") > 60 && number(alert, "eta_s") <= 64);
    assert_true(number(alert, "eta_least_s") <= number(alert, "eta_s"));
    assert_true(number(alert, "eta_most_s") >= number(alert, "eta_s"));
    assert_string_equal(tend_json_text(alert, "summary", ""),
                        "ledger: loaded: load 1.685 (expected 1), out of line (2) in 63 s (63 s to 64 s)");
    world_end(&world);
}

static void a_rule_that_does_not_look_ahead_waits_for_the_limit(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(HIGH, ",'rules':[{'rule':0,'severity':'page'}]"));
    assert_in_range(pass_leaking(&world, 0, 210), 200, 200);
    assert_false(tend_json_bool(world_newest(&world, TEND_RECORD_ALERT, "state", "firing"), "foretold", true));
    world_end(&world);
}

static void beyond_the_limit_it_goes_on_firing(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(HIGH, LOOKS("")));
    assert_in_range(pass_leaking(&world, 0, 260), 133, 140);
    assert_int_equal(firing(&world), 1);
    assert_int_equal(world_count_records(&world, TEND_RECORD_ALERT, "state", "firing"), 1);
    world_end(&world);
}

static void a_rise_that_ends_resolves_it(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(HIGH, LOOKS("")));
    assert_in_range(pass_leaking(&world, 0, 150), 133, 140);
    world_pass(&world, 60); // it stays where it is
    assert_string_equal(world_alert_state(&world, "ledger"), "resolved");
    world_end(&world);
}

static void close_below_the_limit_the_end_of_the_rise_is_no_end(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(HIGH, LOOKS("")));
    (void)pass_leaking(&world, 0, 191); // A is 0.95, above clear_below
    world_pass(&world, 200);
    assert_int_equal(firing(&world), 1);
    world_target(&world, LEDGER)->load = 1.5;
    world_pass(&world, 30);
    assert_string_equal(world_alert_state(&world, "ledger"), "resolved");
    world_end(&world);
}

static void what_is_low_is_foretold_as_well(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(METRIC("'bad':'below','expect':{'value':10},'out_at':2"), LOOKS("")));
    int fired = -1;
    for (int second = 0; second < 150 && fired < 0; second++) { // 2 is reached after 200 s
        world_target(&world, LEDGER)->load = 10 - second / 25.0;
        world_pass(&world, 1);
        fired = firing(&world) > 0 ? second : -1;
    }
    assert_in_range(fired, 133, 140);
    world_end(&world);
}

static void where_both_sides_are_bad_either_is_foretold(void **state)
{
    (void)state;
    for (int side = -1; side <= 1; side += 2) {
        struct world world;
        begin(&world, ONE(METRIC("'bad':'both','expect':{'value':10},'alpha':0.5"), LOOKS("")));
        int fired = -1;
        for (int second = 0; second < 150 && fired < 0; second++) {
            world_target(&world, LEDGER)->load = 10 + side * second / 40.0;
            world_pass(&world, 1);
            fired = firing(&world) > 0 ? second : -1;
        }
        assert_in_range(fired, 133, 140);
        world_end(&world);
    }
}

static void one_of_many_that_leaves_its_peers_is_foretold(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOCUMENT(ON(METRIC("'bad':'above','expect':{'peers':{}},'alpha':0.5"),
                              "'http://h:1/m','http://h:2/m','http://h:3/m'", LOOKS("")),
                           RULE("loaded", ",'metric':'load','per':'instance'"), "", ""));
    int fired = -1;
    for (int second = 0; second < 150 && fired < 0; second++) { // all grow, and one of them more: 1.5 times after 200 s
        const double usual = 10 + second / 100.0;
        world_target(&world, "ledger/h:2")->load = world_target(&world, "ledger/h:3")->load = usual;
        world_target(&world, LEDGER)->load = usual * (1 + second / 400.0);
        world_pass(&world, 1);
        fired = firing(&world) > 0 ? second : -1;
    }
    assert_in_range(fired, 133, 140);
    assert_string_equal(tend_json_text(world_newest(&world, TEND_RECORD_ALERT, "state", "firing"), "instance", ""),
                        LEDGER);
    world_end(&world);
}

static void no_data_neither_fires_nor_resolves_a_forecast(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(HIGH, LOOKS("")));
    (void)pass_leaking(&world, 0, 130);
    world_target(&world, LEDGER)->kind = TEND_SCRAPE_REFUSED;
    world_pass(&world, 30); // the line would be within 64 s now
    assert_int_equal(world_count_records(&world, TEND_RECORD_ALERT, NULL, NULL), 0);
    world_target(&world, LEDGER)->kind = TEND_SCRAPE_OK;
    assert_in_range(pass_leaking(&world, 160, 190), 160, 185);
    world_target(&world, LEDGER)->kind = TEND_SCRAPE_REFUSED;
    world_pass(&world, 300);
    assert_string_equal(world_alert_state(&world, "ledger"), "firing");
    world_end(&world);
}

static void another_version_begins_anew(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(HIGH, LOOKS("") ",'version':{'series':'app_build_info','label':'version'}"));
    struct world_target *target = world_target(&world, LEDGER);
    (void)strcpy(target->version, "1");
    (void)pass_leaking(&world, 0, 150);
    assert_int_equal(firing(&world), 1);
    (void)strcpy(target->version, "2");
    world_pass(&world, 2);
    assert_string_equal(world_alert_state(&world, "ledger"), "resolved");
    world_end(&world);
}

static void cure(struct world *world, const char *verb, const char *instance)
{
    (void)verb;
    world_target(world, instance)->load = 1;
}

#define MAY_ACT LOOKS(",'act':true") ",'remedies':[0]"

static void a_forecast_may_start_a_recovery_and_the_act_ends_it(void **state)
{
    (void)state;
    static const char *const worst[] = { "pick", "restart $", "verify $", "again", "verify", NULL };
    struct world world;
    begin(&world, DOCUMENT(ON(HIGH, "'http://h:1/m','http://h:2/m'", MAY_ACT),
                           RULE("loaded", ",'metric':'load','per':'instance'"), PLAYBOOK("restart", ""), ""));
    world.scripts[0] = worst;
    world.on_exec = cure;
    world_blame(&world, "ledger");
    world_operate(&world, "arm", "*");
    for (int second = 0; second < 150; second++) {
        if (world.execs == 0) {
            world_target(&world, "ledger/h:2")->load = leak(second);
        }
        world_pass(&world, 1);
    }
    assert_string_equal(world.did, "restart ledger/h:2");
    assert_string_equal(world_outcome(&world), "recovered");
    assert_int_equal(firing(&world), 0);
    world_end(&world);
}

static void a_reload_keeps_what_it_has_seen(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(HIGH, LOOKS("")));
    (void)pass_leaking(&world, 0, 120);
    world_load(&world, ONE(HIGH, LOOKS(",'clear_after_ms':1000")));
    assert_in_range(pass_leaking(&world, 120, 150), 133, 140);
    world_end(&world);
}

static void a_reload_that_moves_the_limit_moves_the_forecast(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(HIGH, LOOKS("")));
    (void)pass_leaking(&world, 0, 150);
    assert_int_equal(firing(&world), 1);
    world_load(&world, ONE(METRIC("'bad':'above','expect':{'value':1},'out_at':4"), LOOKS("")));
    (void)pass_leaking(&world, 150, 160);
    assert_string_equal(world_alert_state(&world, "ledger"), "resolved");
    world_end(&world);
}

static double seen_eta_s;
static bool seen_out;

static enum tend_verdict look(struct world *world, const struct view_call *call)
{
    (void)world;
    seen_eta_s = call->load_eta_s;
    seen_out = call->load_out;
    return call->load_out ? TEND_VERDICT_OUT : TEND_VERDICT_IN_LINE;
}

static void a_function_sees_the_forecast_and_its_rules_latch(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOCUMENT(ON(HIGH, "'http://h:1/m'", LOOKS("")), RULE("judged", ""), "", ""));
    world.judge = look;
    assert_int_equal(pass_leaking(&world, 0, 20), -1);
    assert_true(isnan(seen_eta_s) && !seen_out);
    assert_int_equal(pass_leaking(&world, 20, 120), -1);
    assert_true(fabs(seen_eta_s - 81) < 3 && !seen_out);
    assert_in_range(pass_leaking(&world, 120, 150), 133, 140);
    assert_true(seen_out);
    const json_t *alert = world_newest(&world, TEND_RECORD_ALERT, "state", "firing");
    assert_string_equal(tend_json_text(alert, "metric", ""), "load");
    assert_true(tend_json_bool(alert, "foretold", false));
    (void)pass_leaking(&world, 150, 210);
    assert_true(seen_eta_s == 0); // it is out of line already
    world_end(&world);
}

static void a_summary_tells_the_time_that_is_left(void **state)
{
    (void)state;
    struct world world;
    begin(&world,
          DOCUMENT(ON(HIGH, "'http://h:1/m'", LOOKS("")),
                   RULE("loaded", ",'metric':'load','summary':'{load}, full in {load.eta} {loadx.eta}'"), "", ""));
    (void)pass_leaking(&world, 0, 150);
    assert_string_equal(tend_json_text(world_newest(&world, TEND_RECORD_ALERT, "state", "firing"), "summary", ""),
                        "1.685 (expected 1), full in 63 s (63 s to 64 s) {loadx.eta}");
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rise_fires_as_long_before_the_limit_as_the_rule_looks_ahead),
        cmocka_unit_test(a_rule_that_does_not_look_ahead_waits_for_the_limit),
        cmocka_unit_test(beyond_the_limit_it_goes_on_firing),
        cmocka_unit_test(a_rise_that_ends_resolves_it),
        cmocka_unit_test(close_below_the_limit_the_end_of_the_rise_is_no_end),
        cmocka_unit_test(what_is_low_is_foretold_as_well),
        cmocka_unit_test(where_both_sides_are_bad_either_is_foretold),
        cmocka_unit_test(one_of_many_that_leaves_its_peers_is_foretold),
        cmocka_unit_test(no_data_neither_fires_nor_resolves_a_forecast),
        cmocka_unit_test(another_version_begins_anew),
        cmocka_unit_test(a_forecast_may_start_a_recovery_and_the_act_ends_it),
        cmocka_unit_test(a_reload_keeps_what_it_has_seen),
        cmocka_unit_test(a_reload_that_moves_the_limit_moves_the_forecast),
        cmocka_unit_test(a_function_sees_the_forecast_and_its_rules_latch),
        cmocka_unit_test(a_summary_tells_the_time_that_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
