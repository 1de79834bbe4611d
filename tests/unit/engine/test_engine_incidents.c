// Incidents: which alerts belong together, who is blamed, and when it is over.

#include "engine_world.h"

#define LEDGER "ledger/h:1"
#define PAYMENTS "payments/p:1"
#define ACT ",'rules':[{'rule':0,'clear_below':1,'severity':'page','act':true}],'remedies':[0]"
#define WARN ",'rules':[{'rule':0,'clear_below':1,'severity':'warn'}]"
// web → payments → ledger; mail stands alone
#define SHOP(more)                                                                                                     \
    DOCUMENT(SERVICE("web", "'http://w:1/m'", ACT ",'depends':['payments']") "," SERVICE(                              \
                 "payments", "'http://p:1/m'",                                                                         \
                 ACT ",'depends':['ledger']") "," SERVICE("ledger", "'http://h:1/m'",                                  \
                                                          ACT) "," SERVICE("mail", "'http://m:1/m'", ACT),             \
             LOAD_RULE, PLAYBOOK("restart", ""), more)

static const char *const by_pick[] = { "pick", "restart $", "verify", NULL };

static void cure(struct world *world, const char *verb, const char *instance)
{
    (void)verb;
    world_target(world, instance)->load = 1;
}

static size_t open_incidents(const struct world *world)
{
    return tend_engine_counts(world->engine).incidents_open;
}

static void out(struct world *world, const char *instance)
{
    world_target(world, instance)->load = 10;
}

static void alerts_of_services_that_depend_on_each_other_are_one_incident(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, SHOP(""));
    world.wait = "nobody yet";
    out(&world, LEDGER);
    world_pass(&world, 2);
    out(&world, "web/w:1"); // depends on ledger through payments, which is in line
    world_pass(&world, 2);
    assert_int_equal(open_incidents(&world), 1);
    const json_t *incident = world_newest(&world, TEND_RECORD_INCIDENT, NULL, NULL);
    assert_int_equal(json_array_size(json_object_get(incident, "alerts")), 2);
    world_end(&world);
}

static void a_culprit_of_which_nothing_is_known_is_left_alone(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, SHOP(""));
    world_operate(&world, "arm", "*");
    world.scripts[0] = by_pick;
    world.on_exec = cure;
    world.blamed[0] = "ledger";
    out(&world, PAYMENTS);
    world_target(&world, LEDGER)->kind = TEND_SCRAPE_HTTP_STATUS; // no rule names that
    world_pass(&world, 10);
    assert_int_equal(tend_engine_counts(world.engine).alerts_firing, 1);
    assert_int_equal(world_count_records(&world, TEND_RECORD_RUN, NULL, NULL), 0);
    assert_true(world_decided(&world, "no act") >= 1);
    world_target(&world, LEDGER)->kind = TEND_SCRAPE_OK;
    out(&world, LEDGER);
    world_pass(&world, 3);
    assert_true(world_count_records(&world, TEND_RECORD_RUN, NULL, NULL) >= 1);
    world_end(&world);
}

static void alerts_of_services_that_do_not_are_two(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, SHOP(""));
    world.wait = "nobody yet";
    out(&world, LEDGER);
    out(&world, "mail/m:1");
    world_pass(&world, 2);
    assert_int_equal(open_incidents(&world), 2);
    world_end(&world);
}

static void victims_of_one_cause_that_shows_late_become_one_incident(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, DOCUMENT(SERVICE("a", "'http://a:1/m'", ACT ",'depends':['ledger']") "," SERVICE(
                                     "b", "'http://b:1/m'",
                                     ACT ",'depends':['ledger']") "," SERVICE("ledger", "'http://h:1/m'", ACT),
                                 LOAD_RULE, PLAYBOOK("restart", ""), ""));
    world.wait = "nobody yet";
    out(&world, "a/a:1");
    out(&world, "b/b:1");
    world_pass(&world, 1);
    assert_int_equal(open_incidents(&world), 2);
    out(&world, LEDGER);
    world_pass(&world, 1);
    assert_int_equal(open_incidents(&world), 1);
    const json_t *ended = world_newest(&world, TEND_RECORD_INCIDENT, "state", "ended");
    assert_int_equal(strncmp(tend_json_text(ended, "outcome", ""), "merged into i", 13), 0);
    const json_t *open = world_newest(&world, TEND_RECORD_INCIDENT, "state", "open");
    assert_int_equal(json_array_size(json_object_get(open, "alerts")), 3);
    world_end(&world);
}

static void a_person_keeps_a_culprit_when_incidents_are_merged(void **state)
{
    (void)state;
    static const char *const once[] = { "once b/b:1", "verify", NULL };
    struct world world;
    world_begin(&world, DOCUMENT(SERVICE("a", "'http://a:1/m'", WARN ",'depends':['b','c']") "," SERVICE(
                                     "b", "'http://b:1/m'", ACT) "," SERVICE("c", "'http://c:1/m'", WARN),
                                 LOAD_RULE, PLAYBOOK("restart", ""), ""));
    world.scripts[0] = once;
    world_operate(&world, "arm", "*");
    world_blame(&world, "c");
    out(&world, "c/c:1");
    world_pass(&world, 5); // the older incident
    world_blame(&world, "b");
    out(&world, "b/b:1");
    world.exec_outcome = "unknown";
    world_pass(&world, 20);
    assert_int_equal(world.execs, 1);
    assert_string_equal(world_outcome(&world), "escalated");
    out(&world, "a/a:1"); // depends on both: one incident
    world_pass(&world, 60);
    assert_int_equal(open_incidents(&world), 1);
    assert_int_equal(world.execs, 1);
    world_end(&world);
}

static void a_person_keeps_a_culprit_that_the_ranking_lost_for_a_while(void **state)
{
    (void)state;
    static const char *const once[] = { "once " LEDGER, "verify", NULL };
    struct world world;
    world_begin(&world, SHOP(""));
    world.scripts[0] = once;
    world_operate(&world, "arm", "*");
    world_blame(&world, "ledger");
    out(&world, LEDGER);
    world.exec_outcome = "unknown";
    world_pass(&world, 20);
    assert_string_equal(world_outcome(&world), "escalated");
    world_blame(&world, NULL);
    world_pass(&world, 5);
    world_restart(&world);
    world_pass(&world, 5);
    world_blame(&world, "ledger");
    world_pass(&world, 60);
    assert_int_equal(world.execs, 1);
    world_end(&world);
}

static void a_run_goes_with_its_incident_when_it_is_merged(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, DOCUMENT(SERVICE("a", "'http://a:1/m'", WARN ",'depends':['b','c']") "," SERVICE(
                                     "b", "'http://b:1/m'", ACT) "," SERVICE("c", "'http://c:1/m'", WARN),
                                 LOAD_RULE, PLAYBOOK("restart", ""), ""));
    world.scripts[0] = by_pick;
    world_operate(&world, "arm", "*");
    world_blame(&world, "c");
    out(&world, "c/c:1");
    world_pass(&world, 2);
    world_blame(&world, "b");
    out(&world, "b/b:1");
    world.exec_ms = 5000;
    world.on_exec = cure;
    world_pass(&world, 3);
    assert_int_equal(world.execs, 1);
    out(&world, "a/a:1");
    world_pass(&world, 1);
    assert_int_equal(open_incidents(&world), 1);
    world_restart(&world); // and the journal knows it, too
    world_target(&world, "b/b:1")->load = 1;
    world_target(&world, "a/a:1")->load = 1;
    world_target(&world, "c/c:1")->load = 1;
    world_pass(&world, 10);
    assert_string_equal(world_outcome(&world), "recovered");
    assert_string_equal(tend_json_text(world_newest(&world, TEND_RECORD_INCIDENT, NULL, NULL), "outcome", ""),
                        "recovered");
    world_end(&world);
}

static void a_victim_is_never_acted_on(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, SHOP(""));
    world.scripts[0] = by_pick;
    world_operate(&world, "arm", "*");
    world_blame(&world, "ledger");
    world.exec_outcome = "failed";
    out(&world, "web/w:1");
    out(&world, PAYMENTS);
    out(&world, LEDGER);
    world_pass(&world, 200); // also after all remedies of the culprit have failed
    assert_true(world.execs >= 1);
    assert_null(strstr(world.did, "web"));
    assert_null(strstr(world.did, "payments"));
    world_end(&world);
}

static void two_culprits_get_a_run_each(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, DOCUMENT(SERVICE("web", "'http://w:1/m'", ACT ",'depends':['ledger','disk']") "," SERVICE(
                                     "ledger", "'http://h:1/m'", ACT) "," SERVICE("disk", "'http://d:1/m'", ACT),
                                 LOAD_RULE, PLAYBOOK("restart", ""), ""));
    world.scripts[0] = by_pick;
    world_operate(&world, "arm", "*");
    world.blamed[0] = "ledger";
    world.blamed[1] = "disk";
    world.on_exec = cure;
    out(&world, "web/w:1");
    out(&world, LEDGER);
    out(&world, "disk/d:1");
    world_pass(&world, 2);
    assert_string_equal(world.did, "restart ledger/h:1, restart disk/d:1");
    world_target(&world, "web/w:1")->load = 1;
    world_pass(&world, 6);
    assert_int_equal(world_count_records(&world, TEND_RECORD_RUN, "outcome", "recovered"), 2);
    world_end(&world);
}

static void the_locator_sees_the_members_and_all_that_they_depend_on(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, SHOP(""));
    out(&world, PAYMENTS);
    world_pass(&world, 2);
    const json_t *services = json_object_get(world.asked, "services");
    assert_int_equal(json_array_size(services), 2); // neither web, which depends on it, nor mail
    const json_t *payments = json_array_get(services, 0);
    assert_string_equal(tend_json_text(payments, "name", ""), "payments");
    assert_true(tend_json_bool(payments, "out", false));
    assert_int_equal(tend_json_integer(payments, "onset_ms", 0), WORLD_BEGIN_MS);
    assert_string_equal(json_string_value(json_array_get(json_object_get(payments, "alerts"), 0)), "loaded");
    const json_t *ledger = json_array_get(services, 1);
    assert_string_equal(tend_json_text(ledger, "name", ""), "ledger");
    assert_false(tend_json_bool(ledger, "out", true));
    world_end(&world);
}

static void what_was_not_scraped_since_the_onset_is_not_fresh(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, SHOP(""));
    world_pass(&world, 2);
    world_target(&world, LEDGER)->silent = true;
    out(&world, PAYMENTS);
    world_pass(&world, 2);
    const json_t *ledger = json_array_get(json_object_get(world.asked, "services"), 1);
    assert_false(tend_json_bool(ledger, "fresh", true));
    world_target(&world, LEDGER)->silent = false;
    world_target(&world, LEDGER)->kind = TEND_SCRAPE_READ_TIMEOUT; // a failure is a result
    world_pass(&world, 1);
    ledger = json_array_get(json_object_get(world.asked, "services"), 1);
    assert_true(tend_json_bool(ledger, "fresh", false));
    assert_int_equal(tend_json_integer(json_object_get(ledger, "failures"), "READ_TIMEOUT", 0), 1);
    world_end(&world);
}

static void fail_locate(struct world *world, json_t *json, const char *died)
{
    world_step(world,
               (struct tend_event){ .kind = TEND_EVENT_REPLY,
                                    .reply = { .id = world->ask_id,
                                               .json = json,
                                               .died = { .died = died != NULL, .what = "locate", .reason = died } } });
}

static void a_service_failed_when_half_of_its_instances_had(void **state)
{
    (void)state;
    static const struct {
        size_t failing;
        double ago_s; // when it is asked, 11 s after the first began to fail
    } trials[] = { { 1, (double)NAN }, { 2, 11 }, { 3, 8 } };
    for (size_t i = 0; i < sizeof trials / sizeof trials[0]; i++) {
        struct world world;
        world_begin(&world, DOCUMENT(SERVICE("web", "'http://w:1/m'", WARN ",'depends':['ledger']") "," SERVICE(
                                         "ledger", "'http://h:1/m','http://h:2/m','http://h:3/m'", ""),
                                     LOAD_RULE, "", ""));
        static const char *const instances[] = { "ledger/h:1", "ledger/h:2", "ledger/h:3" };
        for (size_t n = 0; n < 3; n++) { // one after the other, three seconds apart
            world_target(&world, instances[n])->kind = n < trials[i].failing ? TEND_SCRAPE_REFUSED : TEND_SCRAPE_OK;
            world_pass(&world, 1);
            world_target(&world, instances[n])->kind = TEND_SCRAPE_OK;
            world_pass(&world, 2);
        }
        out(&world, "web/w:1");
        world_pass(&world, 3);
        const json_t *ledger = json_array_get(json_object_get(world.asked, "services"), 1);
        assert_string_equal(tend_json_text(ledger, "name", ""), "ledger");
        const double ago_s = tend_json_number(ledger, "failed_ago_s", (double)NAN);
        assert_true(isnan(trials[i].ago_s) ? isnan(ago_s) : floor(ago_s) == trials[i].ago_s);
        world_end(&world);
    }
}

static void a_locator_that_fails_is_asked_again_and_a_person_is_told_once(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, SHOP(""));
    world.scripts[0] = by_pick;
    world_operate(&world, "arm", "*");
    world.holds_locate = true;
    out(&world, LEDGER);
    json_t *error = json_pack("{s:s}", "error", "shop.lua:9: it raised");
    for (int i = 0; i < 3; i++) {
        world_pass(&world, 1);
        fail_locate(&world, i == 1 ? NULL : error, i == 1 ? "used 100 ms of CPU time" : NULL);
    }
    json_decref(error);
    assert_int_equal(world.locates, 3);
    assert_int_equal(world.execs, 0);
    assert_int_equal(world_decided(&world, "locator"), 1);
    world.holds_locate = false;
    world.on_exec = cure;
    world_blame(&world, "ledger");
    world_pass(&world, 8);
    assert_string_equal(world_outcome(&world), "recovered");
    world_end(&world);
}

static void a_ranking_that_names_nobody_we_know_is_no_reason_to_act(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, SHOP(""));
    world_operate(&world, "arm", "*");
    world_blame(&world, "no such service");
    out(&world, LEDGER);
    world_pass(&world, 10);
    assert_int_equal(world.execs, 0);
    world_end(&world);
}

static void a_ranking_that_is_garbage_is_no_reason_to_act(void **state)
{
    (void)state;
    static const char *const garbage[] = { "{}", "{'culprits':'ledger'}", "{'culprits':[7,null]}",
                                           "{'culprits':['ledger'],'ranking':7,'fits':[]}",
                                           "{'culprits':['ledger'],'ranking':[{'service':'ledger'}]}" };
    for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++) {
        struct world world;
        world_begin(&world, SHOP(""));
        world.scripts[0] = by_pick;
        world_operate(&world, "arm", "*");
        world.holds_locate = true;
        out(&world, LEDGER);
        for (int second = 0; second < 4; second++) {
            world_pass(&world, 1);
            json_t *reply = world_json(garbage[i]);
            fail_locate(&world, reply, NULL);
            json_decref(reply);
        }
        assert_int_equal(world.execs, 0);
        world_end(&world);
    }
}

static void an_incident_ends_with_the_last_of_its_alerts(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, SHOP(""));
    world.wait = "nobody yet";
    out(&world, PAYMENTS);
    out(&world, LEDGER);
    world_pass(&world, 2);
    world_target(&world, PAYMENTS)->load = 1;
    world_pass(&world, 2);
    assert_int_equal(open_incidents(&world), 1);
    world_target(&world, LEDGER)->load = 1;
    world_pass(&world, 1);
    assert_int_equal(open_incidents(&world), 0);
    world_end(&world);
}

static void an_alert_that_resolves_and_fires_again_rejoins_its_incident(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, SHOP(""));
    world.wait = "nobody yet";
    out(&world, PAYMENTS);
    out(&world, LEDGER);
    world_pass(&world, 2);
    world_target(&world, PAYMENTS)->load = 1;
    world_pass(&world, 2);
    out(&world, PAYMENTS);
    world_pass(&world, 1);
    assert_int_equal(open_incidents(&world), 1);
    const json_t *incident = world_newest(&world, TEND_RECORD_INCIDENT, NULL, NULL);
    assert_int_equal(json_array_size(json_object_get(incident, "alerts")), 2);
    world_end(&world);
}

static void dependencies_that_go_in_a_circle_are_one_incident(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, DOCUMENT(SERVICE("a", "'http://a:1/m'", ACT ",'depends':['b']") "," SERVICE(
                                     "b", "'http://b:1/m'", ACT ",'depends':['a','nobody']"),
                                 LOAD_RULE, PLAYBOOK("restart", ""), ""));
    world.scripts[0] = by_pick;
    world_operate(&world, "arm", "*");
    world.blamed[0] = "a";
    world.blamed[1] = "b";
    out(&world, "a/a:1");
    out(&world, "b/b:1");
    world_pass(&world, 5);
    assert_int_equal(open_incidents(&world), 1);
    assert_true(world.execs <= 1); // never both at once
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alerts_of_services_that_depend_on_each_other_are_one_incident),
        cmocka_unit_test(a_culprit_of_which_nothing_is_known_is_left_alone),
        cmocka_unit_test(alerts_of_services_that_do_not_are_two),
        cmocka_unit_test(victims_of_one_cause_that_shows_late_become_one_incident),
        cmocka_unit_test(a_person_keeps_a_culprit_when_incidents_are_merged),
        cmocka_unit_test(a_person_keeps_a_culprit_that_the_ranking_lost_for_a_while),
        cmocka_unit_test(a_run_goes_with_its_incident_when_it_is_merged),
        cmocka_unit_test(a_victim_is_never_acted_on),
        cmocka_unit_test(two_culprits_get_a_run_each),
        cmocka_unit_test(the_locator_sees_the_members_and_all_that_they_depend_on),
        cmocka_unit_test(what_was_not_scraped_since_the_onset_is_not_fresh),
        cmocka_unit_test(a_service_failed_when_half_of_its_instances_had),
        cmocka_unit_test(a_locator_that_fails_is_asked_again_and_a_person_is_told_once),
        cmocka_unit_test(a_ranking_that_names_nobody_we_know_is_no_reason_to_act),
        cmocka_unit_test(a_ranking_that_is_garbage_is_no_reason_to_act),
        cmocka_unit_test(an_incident_ends_with_the_last_of_its_alerts),
        cmocka_unit_test(an_alert_that_resolves_and_fires_again_rejoins_its_incident),
        cmocka_unit_test(dependencies_that_go_in_a_circle_are_one_incident),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
