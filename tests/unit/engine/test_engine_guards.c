// What lasts of a service between runs and incidents: cooldown, backoff, breaker; and how many runs go on together.

#include "engine_world.h"

#define REMEDY ",'remedies':[0]"
#define ACT ",'rules':[{'rule':0,'clear_below':1,'severity':'page','act':true}]" REMEDY
#define DOC(services, more) DOCUMENT(services, LOAD_RULE, PLAYBOOK("restart", ",'limits':{}"), more)
#define ONE(limits) DOC(SERVICE("ledger", "'http://h:1/m'", ACT "," LIMITS(",'attempts':100" limits)), "")
#define LEDGER "ledger/h:1"
#define HOUR_MS INT64_C(3600000)

static const char *const restart[] = { "restart " LEDGER, "verify", NULL };

static void cure(struct world *world, const char *verb, const char *instance)
{
    (void)verb;
    world_target(world, instance)->load = 1;
}

static void begin_armed(struct world *world, const char *document, const char *const *script)
{
    world_begin(world, document);
    world->scripts[0] = script;
    world_blame(world, "ledger");
    world_operate(world, "arm", "*");
    world_target(world, LEDGER)->load = 10;
}

static size_t runs(const struct world *world)
{
    return world_count_records(world, TEND_RECORD_RUN, "state", "begun");
}

// When the n-th run (from 0) began or ended.
static int64_t run_ms(const struct world *world, size_t n, const char *what)
{
    for (size_t i = 0; i < world->record_count; i++) {
        const struct tend_record *record = &world->records[i];
        if (record->kind == TEND_RECORD_RUN && strcmp(tend_json_text(record->body, "state", ""), what) == 0 &&
            n-- == 0) {
            return record->at_ms;
        }
    }
    fail_msg("no such run");
    return 0;
}

static void after_a_failed_run_the_pause_doubles(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, ONE(""), restart);
    world_pass(&world, 80);
    const int64_t first_ms = run_ms(&world, 1, "begun") - run_ms(&world, 0, "ended");
    const int64_t second_ms = run_ms(&world, 2, "begun") - run_ms(&world, 1, "ended");
    assert_true(first_ms >= 8000 && first_ms <= 13000); // 10 s, 20 % either way, and up to a tick more
    assert_true(second_ms >= 16000 && second_ms <= 25000);
    world_end(&world);
}

static void after_three_failed_runs_the_breaker_opens_and_time_does_not_close_it(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, ONE(""), restart);
    world_pass(&world, 300);
    assert_int_equal(runs(&world), 3);
    assert_string_equal(tend_json_text(world_newest(&world, TEND_RECORD_TARGET, NULL, NULL), "breaker", ""), "open");
    assert_int_equal(world_decided(&world, "breaker"), 2); // the refusal, and the call
    world_until(&world, world.now_ms + 2 * HOUR_MS);
    world_pass(&world, 20);
    assert_int_equal(runs(&world), 3);
    world_end(&world);
}

static void only_a_person_closes_the_breaker(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, ONE(""), restart);
    world_pass(&world, 300);
    world_restart(&world);
    world_pass(&world, 30);
    assert_int_equal(runs(&world), 3); // a restart is no person
    world_load(&world, ONE(",'cooldown_ms':1"));
    world_operate(&world, "arm", "*");
    world_pass(&world, 30);
    assert_int_equal(runs(&world), 3); // nor is a reload
    world.on_exec = cure;
    world_operate(&world, "close", "ledger");
    world_pass(&world, 10);
    assert_int_equal(runs(&world), 4);
    assert_string_equal(world_outcome(&world), "recovered");
    world_end(&world);
}

static void too_many_runs_an_hour_open_the_breaker_and_the_hour_does_not_close_it(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, ONE(",'per_hour':2"), restart);
    world.on_exec = cure;
    for (int i = 0; i < 4; i++) { // cured each time, and each time it comes back
        world_target(&world, LEDGER)->load = 10;
        world_pass(&world, 30);
    }
    assert_int_equal(runs(&world), 2);
    assert_true(world_decided(&world, "per_hour") >= 1);
    world_until(&world, world.now_ms + HOUR_MS);
    world_pass(&world, 20);
    assert_int_equal(runs(&world), 2);
    world_operate(&world, "close", "ledger");
    world_pass(&world, 10);
    assert_int_equal(runs(&world), 3);
    world_end(&world);
}

static void a_service_cools_down_before_another_incident_may_start_a_run(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, ONE(",'cooldown_ms':60000"), restart);
    world.on_exec = cure;
    world_pass(&world, 10);
    assert_int_equal(runs(&world), 1);
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 30);
    assert_int_equal(runs(&world), 1);
    assert_int_equal(world_decided(&world, "cooldown"), 2); // a person hears of it
    world_pass(&world, 40);
    assert_int_equal(runs(&world), 2);
    assert_true(run_ms(&world, 1, "begun") - run_ms(&world, 0, "ended") >= 60000);
    world_end(&world);
}

static void a_cooldown_survives_a_restart(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, ONE(",'cooldown_ms':60000"), restart);
    world.on_exec = cure;
    world_pass(&world, 10);
    world_restart(&world);
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 30);
    assert_int_equal(runs(&world), 1);
    world_end(&world);
}

static void a_remedy_that_is_passed_over_does_not_get_around_the_cooldown(void **state)
{
    (void)state;
    struct world world;
    begin_armed(
        &world,
        DOCUMENT(SERVICE("ledger", "'http://h:1/m'", ACT "," LIMITS(",'cooldown_ms':60000") ",'remedies':[1,0]"),
                 LOAD_RULE, PLAYBOOK("restart", "") "," PLAYBOOK("other", ""), ""),
        restart);
    world.fits = "{'ledger':[false,true]}";
    world.on_exec = cure;
    world_pass(&world, 10);
    assert_int_equal(runs(&world), 1);
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 30);
    assert_int_equal(runs(&world), 1);
    world_end(&world);
}

static void a_cure_of_a_moment_does_not_reset_the_count_of_failures(void **state)
{
    (void)state;
    static const char *const once_more[] = { "restart " LEDGER, "verify", NULL };
    struct world world;
    begin_armed(&world, ONE(",'cooldown_ms':1"), once_more);
    world_pass(&world, 40); // two fail
    assert_int_equal(world_count_records(&world, TEND_RECORD_RUN, "outcome", "failed"), 2);
    world.on_exec = cure;
    world_pass(&world, 30);
    assert_string_equal(world_outcome(&world), "recovered");
    world.on_exec = NULL;
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 60);
    assert_int_equal(world_count_records(&world, TEND_RECORD_RUN, "outcome", "failed"), 3);
    assert_string_equal(tend_json_text(world_newest(&world, TEND_RECORD_TARGET, NULL, NULL), "breaker", ""), "open");
    world_end(&world);
}

static void a_run_that_a_person_stopped_is_no_failure_of_the_service(void **state)
{
    (void)state;
    static const char *const two[] = { "restart " LEDGER, "wait 2000", "once " LEDGER, "verify", NULL };
    struct world world;
    begin_armed(&world, ONE(""), two);
    for (int i = 0; i < 3; i++) { // an incident each
        world_target(&world, LEDGER)->load = 10;
        world_pass(&world, 2);
        world_operate(&world, "pause", "");
        world_pass(&world, 3);
        world_operate(&world, "resume", "");
        world_target(&world, LEDGER)->load = 1;
        world_pass(&world, 5);
    }
    assert_int_equal(world_count_records(&world, TEND_RECORD_RUN, "outcome", "escalated"), 3);
    assert_string_equal(tend_json_text(world_newest(&world, TEND_RECORD_TARGET, NULL, NULL), "breaker", ""), "closed");
    world_end(&world);
}

static void ten_minutes_of_health_reset_the_count_of_failures(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, ONE(",'cooldown_ms':1"), restart);
    world_pass(&world, 40);
    world.on_exec = cure;
    world_pass(&world, 30);
    assert_string_equal(world_outcome(&world), "recovered");
    world_pass(&world, 600);
    world.on_exec = NULL;
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 12);
    assert_int_equal(world_count_records(&world, TEND_RECORD_RUN, "outcome", "failed"), 3);
    assert_string_equal(tend_json_text(world_newest(&world, TEND_RECORD_TARGET, NULL, NULL), "breaker", ""), "closed");
    world_end(&world);
}

static void a_service_has_one_run_at_a_time(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, ONE(",'at_once':5"), restart);
    world.exec_ms = 20000;
    world_pass(&world, 20);
    assert_int_equal(runs(&world), 1);
    world_end(&world);
}

#define TWO_IN_LINE                                                                                                    \
    SERVICE("payments", "'http://p:1/m'", ACT ",'depends':['ledger']") "," SERVICE("ledger", "'http://h:1/m'", ACT)

static const char *const by_pick[] = { "pick", "restart $", "verify", NULL };

static void of_two_culprits_of_which_one_depends_on_the_other_the_root_comes_first(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, DOC(TWO_IN_LINE, ""), by_pick);
    world.blamed[0] = "payments";
    world.blamed[1] = "ledger";
    world_target(&world, "payments/p:1")->load = 10;
    world.exec_ms = 3000;
    world.on_exec = cure;
    world_pass(&world, 5);
    assert_string_equal(world.did, "restart ledger/h:1");
    world_end(&world);
}

static void a_dependent_of_another_incident_waits_for_the_run_of_what_it_depends_on(void **state)
{
    (void)state;
    struct world world;
    // web and mail both depend on ledger: two incidents. ledger is blamed for the one, web for the other.
    begin_armed(
        &world,
        DOC(SERVICE("mail", "'http://m:1/m'", ACT ",'depends':['ledger']") "," SERVICE(
                "web", "'http://w:1/m'", ACT ",'depends':['ledger']") "," SERVICE("ledger", "'http://h:1/m'", REMEDY),
            ""),
        by_pick);
    world_target(&world, LEDGER)->load = 1;
    world_target(&world, "mail/m:1")->load = 10;
    world.exec_ms = 20000;
    world_pass(&world, 1);
    world_target(&world, LEDGER)->load = 10; // out of line, and without an alert of its own: it joins neither
    world_pass(&world, 3);
    assert_string_equal(world.did, "restart ledger/h:1");
    world_blame(&world, "web");
    world_target(&world, "web/w:1")->load = 10;
    world_pass(&world, 5);
    assert_int_equal(tend_engine_counts(world.engine).incidents_open, 2);
    assert_string_equal(world.did, "restart ledger/h:1");
    assert_int_equal(world_decided(&world, "dependency"), 1);
    world_end(&world);
}

#define FIVE(more)                                                                                                     \
    SERVICE("a", "'http://a:1/m'", ACT more)                                                                           \
    "," SERVICE("b", "'http://b:1/m'", ACT more) "," SERVICE("c", "'http://c:1/m'", ACT more) "," SERVICE(             \
        "d", "'http://d:1/m'", ACT more) "," SERVICE("e", "'http://e:1/m'",                                            \
                                                     ACT more) "," SERVICE("ledger", "'http://h:1/m'", "")

// Each service that is out of line is blamed for its own incident.
static void blame_each(struct world *world)
{
    static char names[8][16];
    size_t count = 0;
    const json_t *services = json_object_get(world->asked, "services");
    for (size_t i = 0; i < json_array_size(services) && count < 4; i++) {
        (void)snprintf(names[count], sizeof names[count], "%s",
                       tend_json_text(json_array_get(services, i), "name", ""));
        world->blamed[count] = names[count];
        count++;
    }
    world->blamed[count < 4 ? count : 3] = NULL;
}

static void put_out(struct world *world, const char *services)
{
    for (const char *service = services; *service != '\0'; service++) {
        char name[16];
        (void)snprintf(name, sizeof name, "%c/%c:1", *service, *service);
        world_target(world, name)->load = 10;
    }
}

static void three_runs_go_on_together_in_a_fleet_and_no_more(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, DOC(FIVE(""), ""), by_pick);
    world_target(&world, LEDGER)->load = 1;
    world.on_locate = blame_each;
    world.exec_ms = 10000;
    world.on_exec = cure;
    put_out(&world, "ab");
    world_pass(&world, 1);
    put_out(&world, "cd");
    world_pass(&world, 6);
    assert_int_equal(world.execs, 3);
    assert_true(world_decided(&world, "at_once") >= 1);
    world_pass(&world, 10);
    assert_int_equal(world.execs, 4); // the fourth follows when one has ended
    world_end(&world);
}

static void a_group_counts_the_runs_of_its_own_members(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world,
                DOC(SERVICE("a", "'http://a:1/m'", ACT ",'groups':['*','db']") "," SERVICE(
                        "b", "'http://b:1/m'",
                        ACT ",'groups':['*','db']") "," SERVICE("c", "'http://c:1/m'",
                                                                ACT) "," SERVICE("d", "'http://d:1/m'",
                                                                                 "") "," SERVICE("ledger",
                                                                                                 "'http://h:1/m'", ""),
                    ",'groups':[{'name':'db','at_once':1}]"),
                by_pick);
    world_target(&world, LEDGER)->load = 1;
    world.on_locate = blame_each;
    world.exec_ms = 10000;
    put_out(&world, "c");
    world_pass(&world, 3);
    assert_string_equal(world.did, "restart c/c:1");
    put_out(&world, "a");
    world_pass(&world, 3);
    assert_string_equal(world.did, "restart c/c:1, restart a/a:1"); // c is no database
    put_out(&world, "b");
    world_pass(&world, 3);
    assert_int_equal(world.execs, 2);
    world_end(&world);
}

static void runs_of_the_last_hour_are_counted_over_a_restart(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, DOC(FIVE(""), ",'groups':[{'name':'*','per_hour':2}]"), by_pick);
    world_target(&world, LEDGER)->load = 1;
    world.on_locate = blame_each;
    world.on_exec = cure;
    put_out(&world, "ab");
    world_pass(&world, 10);
    assert_int_equal(world.execs, 2);
    world_restart(&world);
    put_out(&world, "c");
    world_pass(&world, 10);
    assert_int_equal(world.execs, 2);
    assert_true(world_decided(&world, "per_hour") >= 1);
    world_end(&world);
}

static void the_limit_of_all_together_does_not_open_the_breaker_of_one(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, DOC(FIVE(""), ",'groups':[{'name':'*','per_hour':1}]"), by_pick);
    world_target(&world, LEDGER)->load = 1;
    world.on_locate = blame_each;
    world.on_exec = cure;
    put_out(&world, "a");
    world_pass(&world, 10);
    put_out(&world, "b");
    world_pass(&world, 10);
    assert_int_equal(world.execs, 1);
    world_until(&world, world.now_ms + HOUR_MS);
    world_pass(&world, 10);
    assert_int_equal(world.execs, 2);
    world_end(&world);
}

#define FOUND                                                                                                          \
    DOCUMENT("", LOAD_RULE, PLAYBOOK("restart", ""),                                                                   \
             ",'discoveries':[{'globs':['/sd/*.json'],'service_label':'app','group':'shop','template':" SERVICE(       \
                 "", "", ACT "," LIMITS(",'attempts':100")) "}]")

static void a_service_that_discovery_forgets_for_a_while_keeps_its_breaker(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, FOUND);
    world.scripts[0] = restart;
    world_blame(&world, "ledger");
    world_operate(&world, "arm", "*");
    world_target(&world, LEDGER)->load = 10;
    world_find(&world, "ledger", "h:1");
    world_pass(&world, 300);
    assert_int_equal(runs(&world), 3);
    world_find(&world, NULL, NULL); // the file was empty for a moment
    world_pass(&world, 5);
    world_find(&world, "ledger", "h:1");
    world_pass(&world, 60);
    assert_int_equal(runs(&world), 3);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_a_failed_run_the_pause_doubles),
        cmocka_unit_test(after_three_failed_runs_the_breaker_opens_and_time_does_not_close_it),
        cmocka_unit_test(only_a_person_closes_the_breaker),
        cmocka_unit_test(too_many_runs_an_hour_open_the_breaker_and_the_hour_does_not_close_it),
        cmocka_unit_test(a_service_cools_down_before_another_incident_may_start_a_run),
        cmocka_unit_test(a_cooldown_survives_a_restart),
        cmocka_unit_test(a_remedy_that_is_passed_over_does_not_get_around_the_cooldown),
        cmocka_unit_test(a_cure_of_a_moment_does_not_reset_the_count_of_failures),
        cmocka_unit_test(a_run_that_a_person_stopped_is_no_failure_of_the_service),
        cmocka_unit_test(ten_minutes_of_health_reset_the_count_of_failures),
        cmocka_unit_test(a_service_has_one_run_at_a_time),
        cmocka_unit_test(of_two_culprits_of_which_one_depends_on_the_other_the_root_comes_first),
        cmocka_unit_test(a_dependent_of_another_incident_waits_for_the_run_of_what_it_depends_on),
        cmocka_unit_test(three_runs_go_on_together_in_a_fleet_and_no_more),
        cmocka_unit_test(a_group_counts_the_runs_of_its_own_members),
        cmocka_unit_test(runs_of_the_last_hour_are_counted_over_a_restart),
        cmocka_unit_test(the_limit_of_all_together_does_not_open_the_breaker_of_one),
        cmocka_unit_test(a_service_that_discovery_forgets_for_a_while_keeps_its_breaker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
