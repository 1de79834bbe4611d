// Facts about what an alert keeps from being learned: what it is about, or all of its service.

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
#define LEARNED(name)                                                                                                  \
    "{'name':'" name "','kind':'gauge','sources':['" name "'],"                                                        \
    "'expect':{'learned':{'season_ms':0,'zone':'UTC'}},'alpha':0.2,'bad':'both'}"
#define SERVICE_WITH(rules)                                                                                            \
    "{'rules':[{'name':'busy','at':'a:1','metric':'traffic'},{'name':'either','at':'a:2'}],'services':["               \
    "{'name':'ledger','groups':['*'],'targets':['http://127.0.0.1:9101/metrics'],'every_ms':60000,"                    \
    "'window_ms':60000,'timeout_ms':500,'metrics':[" UP_METRIC                                                         \
    "," LEARNED("load") "," LEARNED("traffic") "]," LIMITS("") ",'rules':[" rules "]}]}"

enum { WARM = 130 };

static void pass_minutes(struct world *world, int minutes, double traffic)
{
    world_target(world, LEDGER)->load = 5;
    world_target(world, LEDGER)->traffic = traffic;
    for (int i = 0; i < minutes; i++) {
        world_scrape_all(world);
        world_until(world, world->now_ms + 60000);
    }
}

/// @return what status says keeps a metric from being learned, of few words that last; "no": nothing
static const char *frozen(const struct world *world, const char *name)
{
    static const char *const words[] = { "an alert is firing", "out of line", "being acted on" };
    json_t *status = tend_engine_status(world->engine);
    const json_t *metrics = json_object_get(json_array_get(json_object_get(status, "services"), 0), "metrics");
    const char *found = "no such metric";
    size_t i;
    json_t *metric;
    json_array_foreach(metrics, i, metric)
    {
        if (strcmp(tend_json_text(metric, "name", ""), name) != 0) {
            continue;
        }
        const char *why = tend_json_text(json_object_get(metric, "learned"), "frozen", NULL);
        found = why == NULL ? "no" : "of another kind";
        for (size_t j = 0; why != NULL && j < sizeof words / sizeof words[0]; j++) {
            found = strcmp(why, words[j]) == 0 ? words[j] : found;
        }
    }
    json_decref(status);
    return found;
}

static double samples(const struct world *world, const char *name)
{
    json_t *status = tend_engine_status(world->engine);
    const json_t *metrics = json_object_get(json_array_get(json_object_get(status, "services"), 0), "metrics");
    double number = (double)NAN;
    size_t i;
    json_t *metric;
    json_array_foreach(metrics, i, metric)
    {
        if (strcmp(tend_json_text(metric, "name", ""), name) == 0) {
            number = tend_json_number(json_object_get(metric, "learned"), "samples", (double)NAN);
        }
    }
    json_decref(status);
    return number;
}

/// Warm, then busy for ten minutes, in which the alert fires. @return how many of them `load` was learned from
static double learned_of_load(struct world *world, const char *document)
{
    world_begin(world, document);
    pass_minutes(world, WARM, 100);
    pass_minutes(world, 1, 300);
    assert_string_equal(world_alert_state(world, "ledger"), "firing");
    const double before = samples(world, "load");
    const double traffic = samples(world, "traffic");
    pass_minutes(world, 10, 300);
    assert_true(samples(world, "traffic") == traffic);
    assert_string_equal(frozen(world, "traffic"), "an alert is firing");
    return samples(world, "load") - before;
}

static void a_ticket_freezes_what_it_is_about(void **state)
{
    (void)state;
    struct world world;
    assert_true(learned_of_load(&world, SERVICE_WITH("{'rule':0,'severity':'ticket'}")) == 10);
    assert_string_equal(frozen(&world, "load"), "no");
    pass_minutes(&world, 1, 100);
    assert_string_equal(frozen(&world, "traffic"), "no");
    world_end(&world);
}

static void a_warning_freezes_what_it_is_about(void **state)
{
    (void)state;
    struct world world;
    assert_true(learned_of_load(&world, SERVICE_WITH("{'rule':0,'severity':'warn'}")) == 10);
    world_end(&world);
}

static void a_page_freezes_the_whole_service(void **state)
{
    (void)state;
    struct world world;
    assert_true(learned_of_load(&world, SERVICE_WITH("{'rule':0,'severity':'page'}")) == 0);
    assert_string_equal(frozen(&world, "load"), "an alert is firing");
    world_end(&world);
}

static void what_may_start_a_recovery_freezes_the_whole_service(void **state)
{
    (void)state;
    struct world world;
    assert_true(learned_of_load(&world, SERVICE_WITH("{'rule':0,'severity':'ticket','act':true}")) == 0);
    world_end(&world);
}

static enum tend_verdict busy(struct world *world, const struct view_call *call)
{
    (void)call;
    return world_target(world, LEDGER)->traffic > 200 ? TEND_VERDICT_OUT : TEND_VERDICT_IN_LINE;
}

static void a_function_looks_at_nobody_knows_what_and_freezes_the_whole_service(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.judge = busy;
    world_load(&world, SERVICE_WITH("{'rule':1,'severity':'ticket'}"));
    pass_minutes(&world, WARM, 100);
    pass_minutes(&world, 1, 300);
    assert_string_equal(world_alert_state(&world, "ledger"), "firing");
    const double before = samples(&world, "load");
    pass_minutes(&world, 10, 300);
    assert_true(samples(&world, "load") == before);
    world_end(&world);
}

static void a_page_that_is_only_a_warning_of_missing_data_freezes_what_it_is_about(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, SERVICE_WITH("{'rule':0,'severity':'page','missing':'warn'}"));
    pass_minutes(&world, WARM, 100);
    pass_minutes(&world, 3, 0); // its series is gone
    assert_string_equal(world_alert_state(&world, "ledger"), "firing");
    const double before = samples(&world, "load");
    pass_minutes(&world, 10, 0);
    assert_true(samples(&world, "load") == before + 10);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ticket_freezes_what_it_is_about),
        cmocka_unit_test(a_warning_freezes_what_it_is_about),
        cmocka_unit_test(a_page_freezes_the_whole_service),
        cmocka_unit_test(what_may_start_a_recovery_freezes_the_whole_service),
        cmocka_unit_test(a_function_looks_at_nobody_knows_what_and_freezes_the_whole_service),
        cmocka_unit_test(a_page_that_is_only_a_warning_of_missing_data_freezes_what_it_is_about),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
