// An alert that flaps: told once, said why, and known over a restart and a reload.

#include "engine_world.h"

#define LEDGER "ledger/h:1"
#define DOC(more)                                                                                                      \
    DOCUMENT(SERVICE("ledger", "'http://h:1/m'", ",'rules':[{'rule':0,'clear_below':1,'severity':'page'}]"),           \
             RULE("loaded", ",'metric':'load'" more), "",                                                              \
             ",'notifies':[{'name':'ops','on':['*'],'severity':['page'],'to':1}]")

static size_t told(const struct world *world, const char *what)
{
    size_t count = 0;
    for (const char *at = tend_buffer_text(&world->delivered); (at = strstr(at, what)) != NULL; at++) {
        count++;
    }
    return count;
}

static void flip(struct world *world, int times)
{
    for (int i = 0; i < times; i++) {
        world_target(world, LEDGER)->load = 10;
        world_pass(world, 5);
        world_target(world, LEDGER)->load = 1;
        world_pass(world, 25);
    }
}

static void begin(struct world *world)
{
    world_begin(world, DOC(""));
    world->wait = "nobody yet";
}

static void what_flaps_is_told_a_few_times_and_then_no_more(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    flip(&world, 20);
    assert_int_equal(told(&world, "/firing/"), 3);
    assert_int_equal(told(&world, "/resolved/"), 2);
    assert_int_equal(tend_engine_counts(world.engine).alerts_flapping, 1);
    assert_int_equal(world_decided(&world, "flapping"), 1);
    assert_string_equal(tend_json_text(world_newest(&world, TEND_RECORD_DECISION, "reason", "flapping"), "text", ""),
                        "\"loaded\" of ledger is in line again, but fires on, so that it is told once: flapping: 3 "
                        "times in 2m, clears after 2m");
    json_t *status = tend_engine_status(world.engine);
    const json_t *service = json_array_get(json_object_get(status, "services"), 0);
    assert_string_equal(tend_json_text(json_array_get(json_object_get(service, "alerts"), 0), "flapping", ""),
                        "flapping: 20 times in 10m, clears after 2m");
    json_decref(status);
    world_pass(&world, 120);
    assert_int_equal(told(&world, "/resolved/"), 3); // it is over when it really is
    world_end(&world);
}

static void a_restart_does_not_make_it_forget(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    flip(&world, 5);
    world_restart(&world);
    world_pass(&world, 100);
    assert_int_equal(tend_engine_counts(world.engine).incidents_open, 1); // in line for 100 s, and 120 are wanted
    world_pass(&world, 40);
    assert_int_equal(tend_engine_counts(world.engine).incidents_open, 0);
    world_restart(&world); // while it does not fire
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 3);
    assert_int_equal(tend_engine_counts(world.engine).alerts_flapping, 1);
    const json_t *alert = world_newest(&world, TEND_RECORD_ALERT, "state", "firing");
    assert_non_null(strstr(tend_json_text(alert, "flapping", ""), "clears after 4m"));
    world_end(&world);
}

static void a_reload_does_not_make_it_forget(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    flip(&world, 5);
    world_load(&world, DOC(",'at':'shop.lua:9'"));
    flip(&world, 5);
    assert_int_equal(told(&world, "/firing/"), 3);
    world_end(&world);
}

static void what_a_journal_says_of_flapping_is_taken_within_bounds(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    flip(&world, 3);
    for (size_t i = 0; i < world.record_count; i++) {
        json_t *flap = json_object_get(world.records[i].body, "flap");
        if (flap != NULL) {
            (void)json_object_set_new(flap, "level", json_integer(1 << 30));
            (void)json_object_set_new(flap, "count", json_integer(-7));
        }
    }
    world_restart(&world);
    world_pass(&world, 3700);
    assert_int_equal(tend_engine_counts(world.engine).incidents_open, 0); // an hour is the most
    world_end(&world);
}

static void cure(struct world *world, const char *verb, const char *instance)
{
    (void)verb;
    world_target(world, instance)->load = 1;
}

static void what_acts_have_cured_each_time_did_not_flap(void **state)
{
    (void)state;
    static const char *const restart[] = { "restart " LEDGER, "verify", NULL };
    struct world world;
    world_begin(&world, DOCUMENT(SERVICE("ledger", "'http://h:1/m'",
                                         ",'rules':[{'rule':0,'clear_below':1,'severity':'page','act':true}]"
                                         ",'remedies':[0]"),
                                 RULE("loaded", ",'metric':'load'"), PLAYBOOK("restart", ""), ""));
    world.scripts[0] = restart;
    world.on_exec = cure;
    world_blame(&world, "ledger");
    world_operate(&world, "arm", "*");
    for (size_t times = 1; times <= 4; times++) { // each ten minutes, so that nothing of it cools down
        world_target(&world, LEDGER)->load = 10;
        world_pass(&world, 30);
        assert_int_equal(world.execs, times);
        assert_string_equal(world_outcome(&world), "recovered");
        assert_int_equal(tend_engine_counts(world.engine).incidents_open, 0);
        world_pass(&world, 620);
    }
    assert_int_equal(world_decided(&world, "flapping"), 0);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_flaps_is_told_a_few_times_and_then_no_more),
        cmocka_unit_test(a_restart_does_not_make_it_forget),
        cmocka_unit_test(a_reload_does_not_make_it_forget),
        cmocka_unit_test(what_acts_have_cured_each_time_did_not_flap),
        cmocka_unit_test(what_a_journal_says_of_flapping_is_taken_within_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
