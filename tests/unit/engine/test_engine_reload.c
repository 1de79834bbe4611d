// What a new generation and a changed discovery keep, and what they let go; and that all of it repeats to the byte.

#include "engine_world.h"
#include "failing_allocation.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define LEDGER "ledger/h:1"
#define BOUND(more) ",'rules':[{'rule':0,'clear_below':1,'severity':'page'" more "}]"
#define ONE(binding, more) DOCUMENT(SERVICE("ledger", "'http://h:1/m'", BOUND(binding) more), LOAD_RULE, "", "")

static struct tend_engine_counts counts(const struct world *world)
{
    return tend_engine_counts(world->engine);
}

static void a_reload_keeps_the_pending_time(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ONE(",'fire_after_ms':3000", ""));
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 2);
    world_load(&world, ONE(",'fire_after_ms':3000,'clear_after_ms':1000", ""));
    world_pass(&world, 1);
    assert_int_equal(counts(&world).alerts_firing, 0);
    world_pass(&world, 1);
    assert_int_equal(counts(&world).alerts_firing, 1);
    world_end(&world);
}

static void another_fire_after_begins_the_pending_time_anew(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ONE(",'fire_after_ms':3000", ""));
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 3);
    world_load(&world, ONE(",'fire_after_ms':2000", ""));
    world_pass(&world, 1);
    assert_int_equal(counts(&world).alerts_firing, 0);
    world_end(&world);
}

static void a_reload_keeps_what_fires_and_its_incident(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ONE("", ""));
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 2);
    world_load(&world, ONE(",'clear_after_ms':1000", ""));
    world_pass(&world, 3);
    assert_int_equal(counts(&world).alerts_firing, 1);
    assert_int_equal(world_count_records(&world, TEND_RECORD_ALERT, "state", "firing"), 1);
    assert_int_equal(counts(&world).incidents_open, 1);
    world_end(&world);
}

static void a_reload_keeps_the_windows(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ONE("", ",'window_ms':4000"));
    world_target(&world, LEDGER)->load = 5;
    world_pass(&world, 3);
    assert_int_equal(counts(&world).alerts_firing, 1);
    world_load(&world, ONE(",'clear_after_ms':1", ",'window_ms':4000"));
    world_target(&world, LEDGER)->load = 1;
    world_pass(&world, 1); // the mean of 5, 5, 5 and 1 is 4
    assert_int_equal(counts(&world).alerts_firing, 1);
    world_pass(&world, 4);
    assert_int_equal(counts(&world).alerts_firing, 0);
    world_end(&world);
}

static void a_rule_that_is_gone_ends_its_alert_and_the_incident(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ONE("", ""));
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 2);
    world_load(&world, DOCUMENT(SERVICE("ledger", "'http://h:1/m'", ""), "", "", ""));
    world_pass(&world, 1);
    assert_int_equal(counts(&world).incidents_open, 0);
    assert_string_equal(world_alert_state(&world, "ledger"), "resolved"); // in the journal, too
    world_end(&world);
}

static void a_rule_that_comes_back_begins_afresh_even_after_a_restart(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ONE("", ""));
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 2);
    world_load(&world, DOCUMENT(SERVICE("ledger", "'http://h:1/m'", ""), "", "", ""));
    world_pass(&world, 2);
    world_restart(&world);
    world_load(&world, ONE("", ""));
    world_pass(&world, 1);
    assert_int_equal(counts(&world).alerts_firing, 1);
    assert_int_equal(counts(&world).incidents_open, 1); // it fires in an incident that people hear of
    world_end(&world);
}

static void a_rule_that_was_gone_while_tend_was_down_begins_afresh_too(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ONE("", ""));
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 2);
    world_crash(&world);
    world_load(&world, DOCUMENT(SERVICE("ledger", "'http://h:1/m'", ""), "", "", ""));
    world_pass(&world, 2);
    world_load(&world, ONE("", ""));
    world_pass(&world, 1);
    assert_int_equal(counts(&world).alerts_firing, 1);
    assert_int_equal(counts(&world).incidents_open, 1);
    world_end(&world);
}

static void alerts_of_a_merged_incident_fire_on_after_a_restart(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world,
                DOCUMENT(SERVICE("a", "'http://a:1/m'", BOUND("") ",'depends':['ledger']") "," SERVICE(
                             "b", "'http://b:1/m'",
                             BOUND("") ",'depends':['ledger']") "," SERVICE("ledger", "'http://h:1/m'", BOUND("")),
                         LOAD_RULE, "", ""));
    world.wait = "nobody yet";
    world_target(&world, "a/a:1")->load = 10;
    world_target(&world, "b/b:1")->load = 10;
    world_pass(&world, 1);
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 1);
    assert_int_equal(counts(&world).incidents_open, 1);
    world_restart(&world);
    assert_int_equal(counts(&world).alerts_firing, 3);
    assert_int_equal(counts(&world).incidents_open, 1);
    world_target(&world, "a/a:1")->load = 1;
    world_target(&world, "b/b:1")->load = 1;
    world_target(&world, LEDGER)->load = 1;
    world_pass(&world, 1);
    assert_int_equal(counts(&world).incidents_open, 0);
    world_end(&world);
}

static void a_metric_that_is_gone_does_not_carry_its_latch_over(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ONE("", ""));
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 2);
    world_load(&world,
               DOCUMENT(SERVICE("ledger", "'http://h:1/m'", BOUND("")), RULE("loaded", ",'metric':'up'"), "", ""));
    world_pass(&world, 1);
    assert_int_equal(counts(&world).alerts_firing, 0);
    world_end(&world);
}

static void a_rule_that_was_off_is_on_again(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, DOCUMENT(SERVICE("ledger", "'http://h:1/m'", BOUND("")), RULE("judged", ""), "", ""));
    world.dies_over = "rule";
    world_pass(&world, 1);
    assert_int_equal(counts(&world).rules_off, 1);
    world.dies_over = NULL;
    world_load(&world,
               DOCUMENT(SERVICE("ledger", "'http://h:1/m'", BOUND("")), RULE("judged", ",'at':'shop.lua:4'"), "", ""));
    assert_int_equal(counts(&world).rules_off, 0);
    world_end(&world);
}

static void a_tick_in_flight_at_a_reload_is_begun_anew(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, DOCUMENT(SERVICE("ledger", "'http://h:1/m'", BOUND("")), RULE("judged", ""), "", ""));
    world_scrape_all(&world);
    while (world.evaluations == 0) {
        world_step(&world, (struct tend_event){ .kind = TEND_EVENT_TIMER });
        world.now_ms++;
    }
    struct world_reply late = world.replies[--world.reply_count];
    world_load(&world,
               DOCUMENT(SERVICE("ledger", "'http://h:1/m'", BOUND("")), RULE("judged", ",'at':'shop.lua:4'"), "", ""));
    late.at_ms = world.now_ms;
    world_feed(&world, &late); // of the generation before
    world_until(&world, world.now_ms + 100);
    assert_int_equal(world.evaluations, 2);
    world_end(&world);
}

static void a_target_keeps_its_number_and_a_new_one_takes_a_free_one(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, DOCUMENT(SERVICE("a", "'http://a:1/m','http://a:2/m'", ""), "", "", ""));
    assert_string_equal(tend_engine_target(world.engine, 0).instance, "a/a:1");
    assert_string_equal(tend_engine_target(world.engine, 1).instance, "a/a:2");
    world_load(&world, DOCUMENT(SERVICE("a", "'http://a:2/m'", ""), "", "", ""));
    assert_null(tend_engine_target(world.engine, 0).url);
    assert_string_equal(tend_engine_target(world.engine, 1).instance, "a/a:2");
    world_load(&world, DOCUMENT(SERVICE("a", "'http://a:3/m','http://a:2/m'", ""), "", "", ""));
    assert_string_equal(tend_engine_target(world.engine, 0).instance, "a/a:3");
    assert_string_equal(tend_engine_target(world.engine, 1).instance, "a/a:2");
    world_end(&world);
}

static void a_scrape_of_a_target_that_is_gone_is_dropped(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, DOCUMENT(SERVICE("a", "'http://a:1/m','http://a:2/m'", ""), "", "", ""));
    world_load(&world, DOCUMENT(SERVICE("a", "'http://a:2/m'", ""), "", "", ""));
    for (size_t target = 0; target < 9; target += 4) {
        world_step(
            &world,
            (struct tend_event){
                .kind = TEND_EVENT_SCRAPED,
                .scraped = { .target = target, .begun_ms = world.now_ms, .kind = TEND_SCRAPE_REFUSED, .reason = "" } });
    }
    assert_int_equal(counts(&world).targets, 1);
    assert_int_equal(counts(&world).targets_up, 0);
    world_end(&world);
}

// In a child: one allocation fails while the new generation is taken. @return its wait status; 0: it has the new one
static int take_without_memory(const char *document, long successes)
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
        (void)close(STDERR_FILENO); // where an assertion says why it stops
        struct world world;
        world_begin(&world, ONE("", ""));
        world_pass(&world, 2);
        json_t *json = world_json(document);
        struct tend_ruleset *ruleset = NULL;
        struct tend_error error;
        char hash[65];
        tend_sha256_hex(document, strlen(document), hash);
        if (tend_ruleset_create(json, hash, &ruleset, &error) != TEND_OK) {
            _exit(3);
        }
        struct tend_event event = { .kind = TEND_EVENT_GENERATION, .at_ms = world.now_ms };
        event.generation.ruleset = ruleset;
        event.generation.sources = json;
        struct tend_effects effects;
        tend_effects_init(&effects);
        fail_allocation_after(successes);
        tend_engine_step(world.engine, &event, &effects);
        const bool had_all = was_an_allocation_failed() == 0;
        fail_allocation_after(-1);
        const bool is_new = strcmp(tend_engine_ruleset(world.engine)->hash, hash) == 0;
        _exit(!is_new ? 1 : had_all ? 2 : 0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void without_memory_tend_stops_rather_than_run_old_rules_under_new_evaluators(void **state)
{
    (void)state;
    if (!TEND_CAN_FAIL_ALLOCATIONS) {
        print_message("skipped: allocations cannot be made to fail under the sanitizers\n");
        skip();
    }
    static const char document[] = ONE(",'fire_after_ms':3000", "");
    for (long i = 0; i < 2000; i++) {
        const int status = take_without_memory(document, i);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 2) {
            assert_true(i > 100); // each of as many allocations was the one that failed
            return;
        }
        const bool stopped = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
        if (!stopped && status != 0) {
            fail_msg("allocation %ld fails: wait status %x", i, (unsigned)status);
        }
    }
    fail_msg("it never got all of its memory");
}

#define FOUND                                                                                                          \
    DOCUMENT("", LOAD_RULE, "",                                                                                        \
             ",'discoveries':[{'globs':['/sd/*.json'],'service_label':'app','group':'shop','template':" SERVICE(       \
                 "", "", BOUND("")) "}]")

static void what_discovery_finds_is_watched(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, FOUND);
    assert_int_equal(counts(&world).services, 0);
    world_find(&world, "ledger", "h:1");
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 1);
    assert_int_equal(counts(&world).alerts_firing, 1);
    world_end(&world);
}

static void a_target_that_discovery_no_longer_lists_ends_its_alert_and_the_incident(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, FOUND);
    world_find(&world, "ledger", "h:1");
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 2);
    world_find(&world, NULL, NULL);
    assert_int_equal(counts(&world).incidents_open, 0);
    assert_string_equal(world_alert_state(&world, "ledger"), "resolved");
    assert_int_equal(counts(&world).services, 0);
    world_end(&world);
}

static void a_service_that_is_found_again_fires_in_a_new_incident(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, FOUND);
    world_find(&world, "ledger", "h:1");
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 2);
    world_find(&world, NULL, NULL);
    world_pass(&world, 1);
    world_restart(&world);
    world_find(&world, "ledger", "h:1");
    world_pass(&world, 2);
    assert_int_equal(counts(&world).alerts_firing, 1);
    assert_int_equal(counts(&world).incidents_open, 1);
    world_end(&world);
}

static void a_reload_keeps_what_discovery_listed(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, FOUND);
    world_find(&world, "ledger", "h:1");
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 1);
    world_load(&world,
               DOCUMENT(SERVICE("mail", "'http://m:1/m'", ""), LOAD_RULE, "",
                        ",'discoveries':[{'globs':['/sd/"
                        "*.json'],'service_label':'app','group':'shop','template':" SERVICE("", "", BOUND("")) "}]"));
    assert_int_equal(counts(&world).services, 2);
    assert_int_equal(counts(&world).alerts_firing, 1);
    world_end(&world);
}

static void an_incident_of_before_a_restart_waits_for_discovery(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.grace_ms = 10000;
    tend_engine_destroy(world.engine);
    world_create_engine(&world);
    world_load(&world, FOUND);
    world_find(&world, "ledger", "h:1");
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 2);
    world_restart(&world);
    world_pass(&world, 2); // the file is not read yet
    assert_int_equal(counts(&world).incidents_open, 1);
    world_find(&world, "ledger", "h:1");
    world_pass(&world, 1);
    assert_int_equal(counts(&world).incidents_open, 1);
    assert_int_equal(counts(&world).alerts_firing, 1);
    world_end(&world);
}

static void an_incident_of_before_a_restart_ends_when_its_services_do_not_come_back(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.grace_ms = 10000;
    tend_engine_destroy(world.engine);
    world_create_engine(&world);
    world_load(&world, FOUND);
    world_find(&world, "ledger", "h:1");
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 2);
    world_restart(&world);
    world_pass(&world, 9);
    assert_int_equal(counts(&world).incidents_open, 1);
    world_pass(&world, 2); // without a scrape or another event, too
    assert_int_equal(counts(&world).incidents_open, 0);
    world_end(&world);
}

static void before_there_are_rules_what_was_restored_waits_without_a_storm_of_timers(void **state)
{
    (void)state;
    static const char *const restart[] = { "restart " LEDGER, "verify", NULL };
    struct world world;
    world_init(&world);
    world.grace_ms = 60000;
    world_load(&world, DOCUMENT(SERVICE("ledger", "'http://h:1/m'",
                                        ",'rules':[{'rule':0,'severity':'page','act':true}],'remedies':[0]"),
                                LOAD_RULE, PLAYBOOK("restart", ""),
                                ",'notifies':[{'name':'ops','on':['*'],'severity':['page'],'to':1,'again_ms':5000}]"));
    world.scripts[0] = restart;
    world_blame(&world, "ledger");
    world_operate(&world, "arm", "*");
    world_target(&world, LEDGER)->load = 10;
    world.holds_deliver = true;
    world_pass(&world, 3); // an incident, a run that verifies, a notice under way
    world_crash(&world);
    world.timers = 0;
    world_reach(&world, world.reached);
    world_until(&world, world.now_ms + 30000); // the rules take their time
    assert_int_equal(world.timers, 0);
    assert_int_equal(counts(&world).incidents_open, 1);
    world_load(&world, world.document);
    world_pass(&world, 3);
    assert_int_equal(counts(&world).alerts_firing, 1);
    world_end(&world);
}

static void the_last_values_teach_once_each_also_over_a_reload(void **state)
{
    (void)state;
    // Expected: the mean of the last two. 1, 3 → 2; a reload may not count 3 twice, which would make it 3.
#define LAST(rules)                                                                                                    \
    DOCUMENT(SERVICE("ledger", "'http://h:1/m'",                                                                       \
                     ",'metrics':[" UP_METRIC                                                                          \
                     ",{'name':'load','kind':'gauge','sources':['load'],'expect':{'last':2},'alpha':100}]"),           \
             rules, "", "")
    struct world world;
    world_begin(&world, LAST(""));
    world_pass(&world, 1);
    world_target(&world, LEDGER)->load = 3;
    world_pass(&world, 1);
    world_load(&world, LAST(LOAD_RULE));
    world_until(&world, world.now_ms + 100);
    world_pass(&world, 1);
    json_t *status = tend_engine_status(world.engine);
    const json_t *metrics = json_object_get(json_array_get(json_object_get(status, "services"), 0), "metrics");
    assert_string_equal(tend_json_text(json_array_get(metrics, 0), "name", ""), "load");
    assert_true(tend_json_number(json_array_get(metrics, 0), "E", 0) == 2);
    json_decref(status);
    world_end(&world);
}

// A busy story: alerts, a run, notices, a reload, a process that dies, functions that judge.
static enum tend_verdict out_above_five(struct world *world, const struct view_call *call)
{
    (void)world;
    return call->load_missing ? TEND_VERDICT_UNKNOWN : call->load > 5 ? TEND_VERDICT_OUT : TEND_VERDICT_IN_LINE;
}

static void cure(struct world *world, const char *verb, const char *instance)
{
    (void)verb;
    world_target(world, instance)->load = 1;
}

#define BUSY(more)                                                                                                     \
    DOCUMENT(SERVICE("payments", "'http://p:1/m','http://p:2/m'",                                                      \
                     ",'depends':['ledger'],'rules':[{'rule':0,'severity':'page','act':true},{'rule':1,'severity':"    \
                     "'warn'}],'remedies':[0]") "," SERVICE("ledger", "'http://h:1/m','http://h:2/m'",                 \
                                                            ",'rules':[{'rule':0,'severity':'page','act':true},{"      \
                                                            "'rule':1,'severity':'warn'}],'remedies':[0]"),            \
             RULE("loaded", ",'metric':'load','per':'instance'") "," RULE("judged", more), PLAYBOOK("restart", ""),    \
             ",'notifies':[{'name':'ops','on':['*'],'severity':['page','warn'],'to':2,'again_ms':5000}]")

static void tell_a_busy_story(struct world *world)
{
    static const char *const rolling[] = { "pick", "restart $", "verify $", "again", "verify", NULL };
    world_init(world);
    world->tells = true;
    world_load(world, BUSY(""));
    world->judge = out_above_five;
    world->scripts[0] = rolling;
    world->on_exec = cure;
    world->exec_ms = 700;
    world->retries = true;
    world_blame(world, "ledger");
    world_operate(world, "arm", "*");
    world_pass(world, 3);
    world_target(world, "ledger/h:2")->load = 9;
    world_target(world, LEDGER)->load = 12;
    world_target(world, "payments/p:2")->kind = TEND_SCRAPE_READ_TIMEOUT;
    world_pass(world, 4);
    world->delivers = false;
    world_kill_process(world);
    world_pass(world, 2);
    world_load(world, BUSY(",'at':'shop.lua:5'"));
    world_pass(world, 10);
    world_restart(world);
    world->delivers = true;
    world_target(world, LEDGER)->load = 12;
    world_pass(world, 30);
}

static void the_same_events_give_the_same_effects_to_the_byte(void **state)
{
    (void)state;
    struct world first;
    struct world second;
    tell_a_busy_story(&first);
    tell_a_busy_story(&second);
    assert_true(first.story.size > 50000); // a story that says something
    assert_true(first.execs >= 2);
    assert_int_equal(first.story.size, second.story.size);
    assert_memory_equal(first.story.data, second.story.data, first.story.size);
    world_end(&first);
    world_end(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reload_keeps_the_pending_time),
        cmocka_unit_test(another_fire_after_begins_the_pending_time_anew),
        cmocka_unit_test(a_reload_keeps_what_fires_and_its_incident),
        cmocka_unit_test(a_reload_keeps_the_windows),
        cmocka_unit_test(a_rule_that_is_gone_ends_its_alert_and_the_incident),
        cmocka_unit_test(a_rule_that_comes_back_begins_afresh_even_after_a_restart),
        cmocka_unit_test(a_rule_that_was_gone_while_tend_was_down_begins_afresh_too),
        cmocka_unit_test(alerts_of_a_merged_incident_fire_on_after_a_restart),
        cmocka_unit_test(a_metric_that_is_gone_does_not_carry_its_latch_over),
        cmocka_unit_test(a_rule_that_was_off_is_on_again),
        cmocka_unit_test(a_tick_in_flight_at_a_reload_is_begun_anew),
        cmocka_unit_test(a_target_keeps_its_number_and_a_new_one_takes_a_free_one),
        cmocka_unit_test(a_scrape_of_a_target_that_is_gone_is_dropped),
        cmocka_unit_test(without_memory_tend_stops_rather_than_run_old_rules_under_new_evaluators),
        cmocka_unit_test(what_discovery_finds_is_watched),
        cmocka_unit_test(a_target_that_discovery_no_longer_lists_ends_its_alert_and_the_incident),
        cmocka_unit_test(a_service_that_is_found_again_fires_in_a_new_incident),
        cmocka_unit_test(a_reload_keeps_what_discovery_listed),
        cmocka_unit_test(an_incident_of_before_a_restart_waits_for_discovery),
        cmocka_unit_test(an_incident_of_before_a_restart_ends_when_its_services_do_not_come_back),
        cmocka_unit_test(before_there_are_rules_what_was_restored_waits_without_a_storm_of_timers),
        cmocka_unit_test(the_last_values_teach_once_each_also_over_a_reload),
        cmocka_unit_test(the_same_events_give_the_same_effects_to_the_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
