// What others felt of a fault is part of it, through its recovery and a restart: one incident, one page.

#include "engine_world.h"

#define LEDGER "ledger/h:1"
#define WEB "web/w:1"
#define SOON ",'rules':[{'rule':0,'clear_below':1,'severity':'page','act':true}],'remedies':[0]"
#define LATER ",'rules':[{'rule':0,'clear_below':1,'severity':'page','act':true,'fire_after_ms':10000}],'remedies':[0]"
#define SERVICES(web)                                                                                                  \
    SERVICE("ledger", "'http://h:1/m'", SOON)                                                                          \
    "," SERVICE("web", "'http://w:1/m'", web ",'depends':['ledger']") "," SERVICE("mail", "'http://m:1/m'", LATER)
#define DOC(web, more)                                                                                                 \
    DOCUMENT(SERVICES(web), LOAD_RULE, PLAYBOOK("restart", ""),                                                        \
             ",'notifies':[{'name':'ops','on':['*'],'severity':['page'],'to':1" more "}]")

static const char *const restart[] = { "pick", "restart $", "verify", NULL };

static void begin(struct world *world, const char *document)
{
    world_begin(world, document);
    world->scripts[0] = restart;
    world_blame(world, "ledger");
    world_operate(world, "arm", "*");
}

static size_t told(const struct world *world, const char *what)
{
    size_t count = 0;
    for (const char *at = tend_buffer_text(&world->delivered); (at = strstr(at, what)) != NULL; at++) {
        count++;
    }
    return count;
}

static size_t opened(const struct world *world)
{
    size_t count = 0;
    for (size_t i = 0; i < world->record_count; i++) {
        bool known = world->records[i].kind != TEND_RECORD_INCIDENT;
        for (size_t j = 0; j < i && !known; j++) {
            known = world->records[j].kind == TEND_RECORD_INCIDENT &&
                    strcmp(world->records[i].key, world->records[j].key) == 0;
        }
        count += !known;
    }
    return count;
}

static void set(struct world *world, double ledger, double web)
{
    world_target(world, LEDGER)->load = ledger;
    world_target(world, WEB)->load = web;
}

static void a_victim_that_settles_after_the_culprit_is_part_of_the_same_incident(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOC(SOON, ""));
    world.exec_ms = 3000;
    set(&world, 10, 10);
    world_pass(&world, 5);
    set(&world, 1, 10); // the restart has cured the culprit
    world_pass(&world, 5);
    set(&world, 1, 1);
    world_pass(&world, 5);
    assert_int_equal(opened(&world), 1);
    assert_int_equal(told(&world, "/firing/"), 1);
    assert_int_equal(told(&world, "/resolved/"), 1);
    assert_string_equal(world.did, "restart ledger/h:1");
    world_end(&world);
}

static void a_victim_that_was_about_to_fire_when_it_was_over_does_not_page_by_itself(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOC(LATER, ",'again_ms':2000"));
    world.wait = "nobody yet"; // it passes by itself
    set(&world, 10, 10);
    world_pass(&world, 5);
    set(&world, 1, 10);
    world_pass(&world, 4); // the culprit's only alert is resolved, the victim's is pending
    assert_int_equal(tend_engine_counts(world.engine).alerts_firing, 0);
    assert_int_equal(tend_engine_counts(world.engine).incidents_open, 1);
    const size_t before = told(&world, "/firing/");
    world_pass(&world, 1);
    assert_int_equal(told(&world, "/firing/"), before); // nothing of it fires: nobody hears of it again
    world_pass(&world, 3);
    assert_int_equal(tend_engine_counts(world.engine).alerts_firing, 1);
    set(&world, 1, 1);
    world_pass(&world, 5);
    assert_int_equal(tend_engine_counts(world.engine).incidents_open, 0);
    assert_int_equal(opened(&world), 1);
    assert_int_equal(told(&world, "/resolved/"), 1);
    world_end(&world);
}

static void what_goes_in_line_again_lets_the_incident_end(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOC(LATER, ""));
    world.wait = "nobody yet";
    set(&world, 10, 10);
    world_pass(&world, 3);
    set(&world, 1, 10);
    world_pass(&world, 2);
    assert_int_equal(tend_engine_counts(world.engine).incidents_open, 1);
    set(&world, 1, 1);
    world_pass(&world, 2);
    assert_int_equal(tend_engine_counts(world.engine).incidents_open, 0);
    world_end(&world);
}

static void one_that_does_not_depend_on_it_holds_nothing_up(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOC(LATER, ""));
    world.wait = "nobody yet";
    world_target(&world, "mail/m:1")->load = 10; // pending, and of nobody's concern
    set(&world, 10, 1);
    world_pass(&world, 3);
    set(&world, 1, 1);
    world_pass(&world, 2);
    assert_int_equal(tend_engine_counts(world.engine).incidents_open, 0);
    world_end(&world);
}

static void what_begins_only_after_it_was_over_is_an_incident_of_its_own(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOC(LATER, ""));
    world.wait = "nobody yet";
    set(&world, 10, 1);
    world_pass(&world, 3);
    set(&world, 1, 1);
    world_pass(&world, 2);
    assert_int_equal(tend_engine_counts(world.engine).incidents_open, 0);
    set(&world, 1, 10);
    world_pass(&world, 15);
    assert_int_equal(opened(&world), 2);
    world_end(&world);
}

static void the_end_is_not_held_up_for_longer_than_two_minutes(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOC(",'rules':[{'rule':0,'clear_below':1,'severity':'page','fire_after_ms':3600000}]", ""));
    world.wait = "nobody yet";
    set(&world, 10, 10);
    world_pass(&world, 3);
    set(&world, 1, 10);
    world_pass(&world, 119);
    assert_int_equal(tend_engine_counts(world.engine).incidents_open, 1);
    world_pass(&world, 3);
    assert_int_equal(tend_engine_counts(world.engine).incidents_open, 0);
    world_end(&world);
}

static void a_victim_that_is_looked_at_late_after_a_restart_does_not_page_by_itself(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOC(LATER, ""));
    world.grace_ms = 60000;
    world.wait = "nobody yet";
    set(&world, 10, 10);
    world_pass(&world, 5);
    world_crash(&world);
    set(&world, 1, 10); // the culprit recovered while tend was down
    world_target(&world, WEB)->silent = true;
    world_load(&world, world.document);
    world_pass(&world, 3);
    world_target(&world, WEB)->silent = false;
    world_pass(&world, 15);
    assert_string_equal(world_alert_state(&world, "web"), "firing");
    assert_int_equal(opened(&world), 1);
    assert_int_equal(told(&world, "/firing/"), 1);
    set(&world, 1, 1);
    world_pass(&world, 60);
    assert_int_equal(tend_engine_counts(world.engine).incidents_open, 0);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_victim_that_settles_after_the_culprit_is_part_of_the_same_incident),
        cmocka_unit_test(a_victim_that_was_about_to_fire_when_it_was_over_does_not_page_by_itself),
        cmocka_unit_test(what_goes_in_line_again_lets_the_incident_end),
        cmocka_unit_test(one_that_does_not_depend_on_it_holds_nothing_up),
        cmocka_unit_test(what_begins_only_after_it_was_over_is_an_incident_of_its_own),
        cmocka_unit_test(the_end_is_not_held_up_for_longer_than_two_minutes),
        cmocka_unit_test(a_victim_that_is_looked_at_late_after_a_restart_does_not_page_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
