// What the engine learns of a metric's own past: when, when not, and what outlives it.

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
#define HIGH "{'name':'high','at':'a:1','metric':'load'}"
#define LEARNED(limit, rules)                                                                                          \
    "{'rules':[" HIGH "],'services':[{'name':'ledger','groups':['*'],'targets':['http://127.0.0.1:9101/metrics'],"     \
    "'every_ms':60000,'window_ms':60000,'timeout_ms':500,'version':{'series':'app_build_info','label':'version'},"     \
    "'metrics':[" UP_METRIC ",{'name':'load','kind':'gauge','sources':['load'],"                                       \
    "'expect':{'learned':{'season_ms':0,'zone':'UTC'}}," limit "'bad':'both'}]," LIMITS("") ",'rules':[" rules "]}]}"
#define ALPHA LEARNED("'alpha':0.2,", "")
#define ALPHA_AND_RULE LEARNED("'alpha':0.2,", "{'rule':0}")
#define DETECTORS LEARNED("", "")
#define NOBODY "{'services':[]}"

enum { WARM = 130 };

static void pass_minutes(struct world *world, int minutes, double load)
{
    world_target(world, LEDGER)->load = load;
    for (int i = 0; i < minutes; i++) {
        world_scrape_all(world);
        world_until(world, world->now_ms + 60000);
    }
}

/// A number of the metric as `tend status` shows it.
static double shown(const struct world *world, const char *member)
{
    json_t *status = tend_engine_status(world->engine);
    const json_t *metrics = json_object_get(json_array_get(json_object_get(status, "services"), 0), "metrics");
    const json_t *metric = json_array_get(metrics, 0);
    assert_string_equal(tend_json_text(metric, "name", ""), "load");
    const json_t *learned = json_object_get(metric, "learned");
    const json_t *from = json_object_get(metric, member) != NULL ? metric : learned;
    const double number = json_is_boolean(json_object_get(from, member)) ? (double)tend_json_bool(from, member, false)
                                                                         : tend_json_number(from, member, (double)NAN);
    json_decref(status);
    return number;
}

static void expect_frozen(const struct world *world, const char *why)
{
    json_t *status = tend_engine_status(world->engine);
    const json_t *metrics = json_object_get(json_array_get(json_object_get(status, "services"), 0), "metrics");
    assert_string_equal(tend_json_text(json_object_get(json_array_get(metrics, 0), "learned"), "frozen", "no"), why);
    json_decref(status);
}

static void it_is_judged_when_it_has_seen_enough(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ALPHA);
    pass_minutes(&world, 60, 5);
    assert_true(isnan(shown(&world, "E")) && isnan(shown(&world, "A")));
    assert_true(shown(&world, "warming_up") == 1);
    pass_minutes(&world, WARM - 60, 5);
    assert_true(shown(&world, "E") == 5 && shown(&world, "A") == 0);
    pass_minutes(&world, 1, 6);
    assert_float_equal(shown(&world, "A"), 1, 1e-9);
    world_end(&world);
}

static void nothing_is_learned_while_it_fires(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ALPHA_AND_RULE);
    pass_minutes(&world, WARM, 5);
    const double samples = shown(&world, "samples");
    pass_minutes(&world, 23 * 60, 50);
    assert_string_equal(world_alert_state(&world, "ledger"), "firing");
    assert_true(shown(&world, "E") == 5 && shown(&world, "samples") == samples);
    expect_frozen(&world, "an alert is firing");
    pass_minutes(&world, 2, 5);
    assert_true(shown(&world, "samples") > samples);
    expect_frozen(&world, "no");
    world_end(&world);
}

static void what_nobody_is_alerted_of_for_a_day_is_what_it_is(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ALPHA);
    pass_minutes(&world, WARM, 5);
    pass_minutes(&world, 23 * 60, 50);
    assert_true(shown(&world, "E") == 5);
    expect_frozen(&world, "out of line");
    pass_minutes(&world, 2 * 60, 50);
    assert_float_equal(shown(&world, "E"), 50, 1e-9);
    world_end(&world);
}

static void detectors_judge_where_there_is_no_limit(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, DETECTORS);
    for (int i = 0; i < 300; i++) {
        pass_minutes(&world, 1, 5 + i * 7 % 11 * 0.01);
    }
    assert_true(shown(&world, "A") < 1);
    pass_minutes(&world, 1, 8);
    assert_true(shown(&world, "A") >= 1);
    const double by_formula = shown(&world, "F") / shown(&world, "alpha");
    assert_float_equal(by_formula, shown(&world, "A"), 1e-6);
    world_end(&world);
}

static void a_deploy_moves_the_level_quickly(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ALPHA);
    (void)strcpy(world_target(&world, LEDGER)->version, "1");
    pass_minutes(&world, WARM, 5);
    (void)strcpy(world_target(&world, LEDGER)->version, "2");
    pass_minutes(&world, 1, 5.5);
    assert_true(shown(&world, "relearning") == 1);
    pass_minutes(&world, 60, 5.5);
    assert_float_equal(shown(&world, "E"), 5.5, 0.05);
    world_end(&world);
}

static void a_person_may_have_it_learned_anew(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ALPHA);
    pass_minutes(&world, WARM, 5);
    pass_minutes(&world, 5, 50);
    world_operate(&world, "relearn", "ledger");
    pass_minutes(&world, 20, 50);
    assert_float_equal(shown(&world, "E"), 50, 1e-9);
    world_end(&world);
}

static void a_reload_keeps_it_with_another_limit_and_over_an_absence(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ALPHA);
    pass_minutes(&world, WARM, 5);
    const double samples = shown(&world, "samples");
    world_load(&world, LEARNED("'out_at':9,", ""));
    assert_true(shown(&world, "samples") == samples);
    world_load(&world, NOBODY);
    world_load(&world, ALPHA);
    assert_true(shown(&world, "samples") == samples);
    pass_minutes(&world, 1, 5);
    assert_true(shown(&world, "E") == 5);
    world_end(&world);
}

static void what_was_saved_goes_into_another_engine(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ALPHA);
    pass_minutes(&world, WARM, 5);
    struct tend_buffer bytes;
    struct tend_buffer again;
    tend_buffer_init(&bytes);
    tend_buffer_init(&again);
    assert_int_equal(tend_engine_save_baselines(world.engine, &bytes), 2); // of the service, and of its instance
    world_end(&world);
    world_init(&world);
    world_step(&world, (struct tend_event){ .kind = TEND_EVENT_BASELINES,
                                            .baselines = { .bytes = bytes.data, .byte_count = bytes.size } });
    assert_int_equal(tend_engine_save_baselines(world.engine, &again), 2); // nobody is there yet: they wait
    assert_memory_equal(again.data, bytes.data, bytes.size);
    world_load(&world, ALPHA);
    pass_minutes(&world, 1, 5);
    assert_true(shown(&world, "E") == 5);
    for (size_t cut = 1; cut < bytes.size; cut += 13) { // what is cut off is not taken, and harms nothing
        world_step(&world, (struct tend_event){ .kind = TEND_EVENT_BASELINES,
                                                .baselines = { .bytes = bytes.data, .byte_count = cut } });
    }
    assert_true(shown(&world, "E") == 5);
    tend_buffer_clear(&bytes);
    tend_buffer_clear(&again);
    world_end(&world);
}

// After what one engine saved come 5000 others, as those of a large fleet that a restart brings back.
static void what_a_large_fleet_had_learned_outlives_a_restart(void **state)
{
    (void)state;
    enum { OTHERS = 5000, KEPT = 4096 };
    struct world world;
    world_begin(&world, ALPHA);
    pass_minutes(&world, WARM, 5);
    struct tend_buffer bytes;
    struct tend_buffer saved;
    tend_buffer_init(&bytes);
    tend_buffer_init(&saved);
    assert_int_equal(tend_engine_save_baselines(world.engine, &bytes), 2);
    world_end(&world);
    for (int i = 0; i < OTHERS; i++) {
        char key[32];
        (void)snprintf(key, sizeof key, "s%d\n\nload", i);
        tend_buffer_put_string(&bytes, key, strlen(key));
        tend_buffer_put_string(&bytes, "bytes", 5);
    }
    world_init(&world);
    world_step(&world, (struct tend_event){ .kind = TEND_EVENT_BASELINES,
                                            .baselines = { .bytes = bytes.data, .byte_count = bytes.size } });
    world_load(&world, ALPHA);
    pass_minutes(&world, 1, 5);
    assert_true(shown(&world, "E") == 5);
    assert_int_equal(tend_engine_save_baselines(world.engine, &saved), OTHERS + 2); // a stop now loses nothing
    pass_minutes(&world, 60, 5); // who is not back by now does not come
    assert_int_equal(tend_engine_save_baselines(world.engine, &saved), KEPT + 2);
    world_load(&world, NOBODY);
    assert_int_equal(tend_engine_save_baselines(world.engine, &saved), KEPT);
    world_load(&world, ALPHA);
    pass_minutes(&world, 1, 5);
    assert_true(shown(&world, "E") == 5); // the newest were kept
    tend_buffer_clear(&bytes);
    tend_buffer_clear(&saved);
    world_end(&world);
}

static void a_checkpoint_has_it_all(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, DETECTORS);
    pass_minutes(&world, WARM, 5);
    saved_engine_is_the_same(&world, DETECTORS);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_judged_when_it_has_seen_enough),
        cmocka_unit_test(nothing_is_learned_while_it_fires),
        cmocka_unit_test(what_nobody_is_alerted_of_for_a_day_is_what_it_is),
        cmocka_unit_test(detectors_judge_where_there_is_no_limit),
        cmocka_unit_test(a_deploy_moves_the_level_quickly),
        cmocka_unit_test(a_person_may_have_it_learned_anew),
        cmocka_unit_test(a_reload_keeps_it_with_another_limit_and_over_an_absence),
        cmocka_unit_test(what_was_saved_goes_into_another_engine),
        cmocka_unit_test(what_a_large_fleet_had_learned_outlives_a_restart),
        cmocka_unit_test(a_checkpoint_has_it_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
