// What the engine learns of a metric for the value of another one: when, when not, and what outlives it.

#include "engine/engine.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine_world.h"
#include "generation_document.h"
#include "saved_engine.h"

#define LEDGER "ledger/127.0.0.1:9101"
#define GAUGE(name, more) "{'name':'" name "','kind':'gauge','sources':['" name "']" more "}"
#define EXPECT(given) ",'expect':{'learned':{'season_ms':0,'zone':'UTC','given':'" given "'}},"
#define METRICS(given, limit) UP_METRIC "," GAUGE("traffic", "") "," GAUGE("load", EXPECT(given) limit "'bad':'both'")
#define LEDGER_OF(per, targets, given, limit, rules)                                                                   \
    "{'rules':[{'name':'high','at':'a:1','metric':'load','per':'" per "'}],'services':[{'name':'ledger',"              \
    "'groups':['*'],'targets':[" targets "],'every_ms':60000,'window_ms':60000,'timeout_ms':500,"                      \
    "'version':{'series':'app_build_info','label':'version'},'metrics':[" METRICS(given, limit) "]," LIMITS(           \
        "") ",'rules':[" rules "]}]}"
#define LEARNED(given, limit, rules) LEDGER_OF("service", "'http://127.0.0.1:9101/metrics'", given, limit, rules)
#define PER_INSTANCE(targets) LEDGER_OF("instance", targets, "traffic", "'alpha':0.2,", "{'rule':0}")
#define ALPHA LEARNED("traffic", "'alpha':0.2,", "")
#define ALPHA_AND_RULE LEARNED("traffic", "'alpha':0.2,", "{'rule':0}")
#define DETECTORS LEARNED("traffic", "", "")
#define NOBODY "{'services':[]}"

/// Half an hour for each load, so that in a day and a half all were met at three times half a day apart.
static const double loads[] = { 100, 140, 200, 280, 200, 140 };
enum { LOADS = sizeof loads / sizeof loads[0], EACH_MINUTES = 30 };

static double usual(double traffic)
{
    return 1 + traffic / 100;
}

static void pass_minutes(struct world *world, int minutes, double traffic, double load)
{
    world_target(world, LEDGER)->load = load;
    world_target(world, LEDGER)->traffic = traffic;
    for (int i = 0; i < minutes; i++) {
        world_scrape_all(world);
        world_until(world, world->now_ms + 60000);
    }
}

static void pass_days(struct world *world)
{
    for (int i = 0; i < 36 * 60 / EACH_MINUTES; i++) {
        pass_minutes(world, EACH_MINUTES, loads[i % LOADS], usual(loads[i % LOADS]));
    }
}

static const json_t *metric_in(const json_t *status)
{
    const json_t *metrics = json_object_get(json_array_get(json_object_get(status, "services"), 0), "metrics");
    assert_string_equal(tend_json_text(json_array_get(metrics, 0), "name", ""), "load");
    return json_array_get(metrics, 0);
}

/// A number of the metric, or of what was learned of it, as `tend status` shows it.
static double shown(const struct world *world, const char *member)
{
    json_t *status = tend_engine_status(world->engine);
    const json_t *metric = metric_in(status);
    const json_t *from = json_object_get(metric, member) != NULL ? metric : json_object_get(metric, "learned");
    const double number = tend_json_number(from, member, (double)NAN);
    json_decref(status);
    return number;
}

static void it_is_expected_for_the_load_there_is(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ALPHA);
    pass_minutes(&world, 60, 100, usual(100));
    assert_true(isnan(shown(&world, "E")));
    pass_days(&world);
    pass_minutes(&world, 1, 280, usual(280));
    assert_float_equal(shown(&world, "E"), 3.8, 0.01);
    assert_true(shown(&world, "A") < 0.1);
    pass_minutes(&world, 1, 100, usual(280)); // as much as at the top of the day, at its bottom
    assert_float_equal(shown(&world, "E"), 2, 0.01);
    assert_true(shown(&world, "A") > 1);
    json_t *status = tend_engine_status(world.engine);
    const json_t *given = json_object_get(json_object_get(metric_in(status), "learned"), "given");
    assert_string_equal(tend_json_text(given, "metric", ""), "traffic");
    assert_true(tend_json_number(given, "value", 0) == 100);
    json_decref(status);
    world_end(&world);
}

// What was never met warms up, which is no fault; without any load it is unknown, as its rule wants to be told.
static void a_load_that_was_not_met_or_is_none_gives_no_verdict(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, LEARNED("traffic", "'alpha':0.2,", "{'rule':0,'missing':'warn'}"));
    pass_days(&world);
    pass_minutes(&world, 3, 1000, 50);
    assert_true(isnan(shown(&world, "E")) && isnan(shown(&world, "A")));
    assert_string_equal(world_alert_state(&world, "ledger"), "");
    const double none[] = { -5, 0 };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        const double before = shown(&world, "samples");
        pass_minutes(&world, 3, none[i], 50);
        assert_true(isnan(shown(&world, "E")) && isnan(shown(&world, "A")));
        assert_string_equal(world_alert_state(&world, "ledger"), "firing");
        assert_true(shown(&world, "samples") == before);
        pass_minutes(&world, 3, 200, usual(200));
        assert_string_equal(world_alert_state(&world, "ledger"), "resolved");
        assert_float_equal(shown(&world, "E"), 3, 0.01);
    }
    world_end(&world);
}

// The new one never met a load of 100: it is judged by what its service knows of that, not by what its service has now.
static void an_instance_that_is_new_is_expected_as_its_service_at_its_own_load(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, PER_INSTANCE("'http://127.0.0.1:9101/metrics'"));
    pass_days(&world);
    world_load(&world, PER_INSTANCE("'http://127.0.0.1:9101/metrics','http://127.0.0.1:9102/metrics'"));
    struct world_target *fresh = world_target(&world, "ledger/127.0.0.1:9102");
    fresh->traffic = 280;
    fresh->load = usual(280);
    pass_minutes(&world, 130, 200, usual(200));
    assert_string_equal(world_alert_state(&world, "ledger"), "");
    fresh->traffic = 100;
    fresh->load = usual(100);
    pass_minutes(&world, 2, 200, usual(200));
    assert_string_equal(world_alert_state(&world, "ledger"), "");
    fresh->load = usual(200);
    pass_minutes(&world, 2, 200, usual(200));
    assert_string_equal(world_alert_state(&world, "ledger"), "firing");
    world_end(&world);
}

static void nothing_is_learned_while_it_fires(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ALPHA_AND_RULE);
    pass_days(&world);
    const double samples = shown(&world, "samples");
    pass_minutes(&world, 20 * 60, 100, 50);
    assert_string_equal(world_alert_state(&world, "ledger"), "firing");
    assert_true(shown(&world, "samples") == samples);
    assert_float_equal(shown(&world, "E"), 2, 0.01);
    world_end(&world);
}

static void a_deploy_moves_the_level_and_keeps_the_shape(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ALPHA);
    (void)strcpy(world_target(&world, LEDGER)->version, "1");
    pass_days(&world);
    (void)strcpy(world_target(&world, LEDGER)->version, "2");
    pass_minutes(&world, 90, 100, 1.15 * usual(100));
    assert_float_equal(shown(&world, "E"), 2.3, 0.05);
    pass_minutes(&world, 1, 280, 1.15 * usual(280));
    assert_float_equal(shown(&world, "E"), 4.37, 0.1);
    world_end(&world);
}

static void a_reload_keeps_it_unless_it_is_given_another_metric(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ALPHA);
    pass_days(&world);
    const double samples = shown(&world, "samples");
    world_load(&world, LEARNED("traffic", "'out_at':9,", ""));
    assert_true(shown(&world, "samples") == samples);
    world_load(&world, NOBODY);
    world_load(&world, ALPHA);
    assert_true(shown(&world, "samples") == samples);
    pass_minutes(&world, 1, 200, 3);
    assert_float_equal(shown(&world, "E"), 3, 0.01);
    world_load(&world, LEARNED("up", "'alpha':0.2,", ""));
    assert_true(shown(&world, "samples") == 0);
    world_end(&world);
}

static void what_was_saved_goes_into_another_engine_of_the_same_load(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ALPHA);
    pass_days(&world);
    const double samples = shown(&world, "samples");
    struct tend_buffer bytes;
    tend_buffer_init(&bytes);
    assert_int_equal(tend_engine_save_baselines(world.engine, &bytes), 2);
    world_end(&world);
    const char *const documents[] = { ALPHA, LEARNED("up", "'alpha':0.2,", "") };
    for (size_t i = 0; i < 2; i++) {
        world_init(&world);
        world_step(&world, (struct tend_event){ .kind = TEND_EVENT_BASELINES,
                                                .baselines = { .bytes = bytes.data, .byte_count = bytes.size } });
        world_load(&world, documents[i]);
        assert_true(shown(&world, "samples") == (i == 0 ? samples : 0));
        world_end(&world);
    }
    tend_buffer_clear(&bytes);
}

static void a_checkpoint_has_it_all(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, DETECTORS);
    pass_days(&world);
    saved_engine_is_the_same(&world, DETECTORS);
    world_end(&world);
}

static void rules_that_are_given_what_is_not_there_are_refused(void **state)
{
    (void)state;
    const char *const given[] = { LEARNED("nothing", "'alpha':0.2,", ""), LEARNED("load", "'alpha':0.2,", "") };
    for (size_t i = 0; i < 2; i++) {
        json_t *json = world_json(given[i]);
        char hash[65];
        tend_sha256_hex(given[i], strlen(given[i]), hash);
        struct tend_ruleset *ruleset = NULL;
        struct tend_error error = { .text = "" };
        assert_int_equal(tend_ruleset_create(json, hash, &ruleset, &error), TEND_E_INVALID);
        assert_non_null(strstr(error.text, "which is no other metric of its service"));
        json_decref(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_expected_for_the_load_there_is),
        cmocka_unit_test(a_load_that_was_not_met_or_is_none_gives_no_verdict),
        cmocka_unit_test(an_instance_that_is_new_is_expected_as_its_service_at_its_own_load),
        cmocka_unit_test(nothing_is_learned_while_it_fires),
        cmocka_unit_test(a_deploy_moves_the_level_and_keeps_the_shape),
        cmocka_unit_test(a_reload_keeps_it_unless_it_is_given_another_metric),
        cmocka_unit_test(what_was_saved_goes_into_another_engine_of_the_same_load),
        cmocka_unit_test(a_checkpoint_has_it_all),
        cmocka_unit_test(rules_that_are_given_what_is_not_there_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
