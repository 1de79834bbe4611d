// Each guard where it alone keeps an act or a message back, as all others would let it through: without this, one that
// is lost would be hidden by those that say the same in most cases.

#include "engine_world.h"

#include "engine/silence.h"

#define ACTING "{'rule':0,'clear_below':1,'severity':'page','act':true"
#define WARNING(rule) "{'rule':" rule ",'severity':'page','act':false}"
#define REMEDY ",'remedies':[0]"
#define RULES(list) ",'rules':[" list "]"
#define PAGES ",'notifies':[{'name':'ops','on':['*'],'severity':['page'],'to':1}]"
#define UP_RULE(kinds) RULE("down", ",'metric':'up','per':'instance','kinds':[" kinds "]")
// web depends on ledger; the load of both is judged.
#define WEB_ON_LEDGER(web, ledger)                                                                                     \
    DOCUMENT(SERVICE("ledger", "'http://h:1/m'", ledger REMEDY) "," SERVICE("web", "'http://w:1/m'",                   \
                                                                            web ",'depends':['ledger']"),              \
             LOAD_RULE, PLAYBOOK("restart", ""), PAGES)
#define ONE(more)                                                                                                      \
    DOCUMENT(SERVICE("ledger", "'http://h:1/m'", RULES(ACTING more "}") REMEDY), LOAD_RULE, PLAYBOOK("restart", ""),   \
             PAGES)
#define LEDGER "ledger/h:1"
#define SECOND "ledger/h:2"
#define WEB "web/w:1"

static const char *const restart[] = { "restart " LEDGER, "verify", NULL };

static void begin_armed(struct world *world, const char *document)
{
    world_begin(world, document);
    world->scripts[0] = restart;
    world_blame(world, "ledger");
    world_operate(world, "arm", "*");
}

static size_t runs(const struct world *world)
{
    return world_count_records(world, TEND_RECORD_RUN, "state", "begun");
}

static void operate(struct world *world, const char *command, const char *argument)
{
    json_t *json = world_json(argument);
    char *text = json_dumps(json, JSON_COMPACT);
    world_operate(world, command, text);
    free(text);
    json_decref(json);
}

// Missing data --------------------------------------------------------------------------------------------------------

static void a_kind_that_is_not_named_does_not_act_because_a_neighbour_is_out_of_line(void **state)
{
    (void)state;
    static const enum tend_scrape_kind kinds[] = { TEND_SCRAPE_READ_TIMEOUT, TEND_SCRAPE_REFUSED };
    for (size_t named = 0; named < 2; named++) {
        struct world world;
        begin_armed(&world, DOCUMENT(SERVICE("ledger", "'http://h:1/m','http://h:2/m'",
                                             RULES("{'rule':0,'severity':'page','act':true}," WARNING("1")) REMEDY),
                                     UP_RULE("'REFUSED'") "," LOAD_RULE, PLAYBOOK("restart", ""), ""));
        world_target(&world, LEDGER)->kind = kinds[named];
        world_target(&world, SECOND)->load = 10; // only told of
        world_pass(&world, 6);
        assert_int_equal(tend_engine_counts(world.engine).alerts_firing, 2);
        assert_int_equal(runs(&world), named);
        world_end(&world);
    }
}

static void a_step_on_an_instance_of_which_nothing_is_known_is_refused(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, DOCUMENT(SERVICE("ledger", "'http://h:1/m','http://h:2/m'", RULES(ACTING "}") REMEDY),
                                 LOAD_RULE, PLAYBOOK("restart", ""), ""));
    world_target(&world, LEDGER)->kind = TEND_SCRAPE_READ_TIMEOUT; // the playbook asks for it all the same
    world_target(&world, SECOND)->load = 10;
    world_pass(&world, 6);
    assert_int_equal(runs(&world), 1);
    assert_int_equal(world.execs, 0);
    assert_non_null(strstr(tend_json_text(world_newest(&world, TEND_RECORD_RUN, "state", "ended"), "error", ""),
                           "refused: missing: nothing is known of ledger/h:1"));
    world_end(&world);
}

static void a_warning_that_data_is_missing_acts_when_the_data_that_came_was_bad_for_long_enough(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, ONE(",'missing':'warn','fire_after_ms':10000"));
    world_target(&world, LEDGER)->kind = TEND_SCRAPE_REFUSED;
    world_pass(&world, 20);
    assert_int_equal(tend_engine_counts(world.engine).alerts_firing, 1);
    world_target(&world, LEDGER)->kind = TEND_SCRAPE_OK;
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 9);
    assert_int_equal(runs(&world), 0);
    world_pass(&world, 6);
    assert_int_equal(runs(&world), 1);
    world_end(&world);
}

// What else a run waits for -------------------------------------------------------------------------------------------

static void what_is_in_line_again_does_not_act_because_another_alert_fires(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, WEB_ON_LEDGER(RULES(WARNING("0")), RULES(ACTING ",'clear_after_ms':60000}")));
    world_blame(&world, NULL);
    world_target(&world, LEDGER)->load = world_target(&world, WEB)->load = 10;
    world_pass(&world, 3);
    world_target(&world, LEDGER)->load = 1;
    world_pass(&world, 2);
    world_blame(&world, "ledger");
    world_pass(&world, 20);
    assert_int_equal(tend_engine_counts(world.engine).alerts_firing, 2);
    assert_int_equal(runs(&world), 0);
    assert_int_equal(world_decided(&world, "no act"), 1);
    world_end(&world);
}

static void an_alert_that_is_silenced_starts_nothing_on_another_service(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, WEB_ON_LEDGER(RULES(ACTING "}"), ""));
    operate(&world, "silence", "{'on':'web','rule':'loaded','for_ms':30000}");
    world_target(&world, WEB)->load = 10; // ledger is blamed, and nobody silenced it
    world_pass(&world, 29);
    assert_int_equal(runs(&world), 0);
    assert_int_equal(world_decided(&world, "no act"), 1);
    world_pass(&world, 4);
    assert_int_equal(runs(&world), 1);
    world_end(&world);
}

static void a_closed_breaker_counts_the_runs_of_the_hour_anew(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, DOCUMENT(SERVICE("ledger", "'http://h:1/m'",
                                         RULES(ACTING "}") REMEDY "," LIMITS(",'attempts':100,'per_hour':2")),
                                 LOAD_RULE, PLAYBOOK("restart", ",'limits':{}"), ""));
    for (int i = 0; i < 3; i++) {
        world_target(&world, LEDGER)->load = 10;
        world_pass(&world, 10);
        world_target(&world, LEDGER)->load = 1;
        world_pass(&world, 10);
    }
    assert_int_equal(runs(&world), 2);
    world_operate(&world, "close", "ledger");
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 10);
    assert_true(runs(&world) > 2); // within the same hour
    world_end(&world);
}

static void a_run_goes_on_over_a_deploy_that_is_noted_during_it(void **state)
{
    (void)state;
    static const char *const twice[] = { "restart " LEDGER, "once " LEDGER, NULL };
    struct world world;
    begin_armed(&world, ONE(""));
    world.scripts[0] = twice;
    world.exec_ms = 3000;
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 3);
    assert_int_equal(world.execs, 1);
    operate(&world, "deploy", "{'on':'ledger'}"); // it may be what the run does
    world_pass(&world, 6);
    assert_int_equal(world.execs, 2);
    world_end(&world);
}

// What people are told ------------------------------------------------------------------------------------------------

static void a_call_for_a_person_is_made_though_the_incident_was_acknowledged(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, ONE(""));
    world.wait = "nobody yet";
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 3);
    operate(&world, "ack", "{'incident':'*'}");
    world.wait = NULL;
    world_blame(&world, NULL);
    world_pass(&world, 4);
    assert_int_equal(world_decided(&world, "unknown"), 1);
    assert_non_null(strstr(tend_buffer_text(&world.delivered), "/ops/escalated/"));
    world_end(&world);
}

static void what_is_owed_is_on_disk_before_anything_else_happens(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, ONE(""));
    world.holds_locate = true;
    operate(&world, "silence", "{'on':'ledger','for_ms':10000}");
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 2);
    assert_int_equal(world_decided(&world, "silenced"), 1);
    world_restart(&world);
    world_pass(&world, 12);
    assert_int_equal(world.deliveries, 1);
    world_end(&world);
}

// Silences ------------------------------------------------------------------------------------------------------------

static void a_silence_ends_whatever_a_journal_says(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, ONE(""));
    operate(&world, "silence", "{'on':'ledger','for_ms':60000}");
    const json_t *record = world_newest(&world, TEND_RECORD_OPERATOR, "what", "silence");
    (void)json_object_set_new((json_t *)(uintptr_t)record, "until_ms", json_integer(INT64_MAX)); // NOLINT: see above
    world_restart(&world);
    json_t *status = tend_engine_status(world.engine);
    const json_t *silence = json_array_get(json_object_get(status, "silences"), 0);
    const int64_t left_ms =
        tend_json_integer(silence, "until_wall_ms", 0) - tend_json_integer(silence, "since_wall_ms", 0);
    assert_true(left_ms > 0 && left_ms <= TEND_SILENCE_MAX_MS + 60000);
    json_decref(status);
    world_end(&world);
}

static void no_more_than_a_thousand_silences_are_in_force(void **state)
{
    (void)state;
    struct world world;
    begin_armed(&world, ONE(""));
    static const char silence[] = "{\"on\":\"ledger\",\"for_ms\":60000}";
    struct tend_error error;
    for (int i = 0; i < TEND_SILENCES_MAX; i++) {
        assert_int_equal(tend_engine_check_command(world.engine, "silence", silence, &error), TEND_OK);
        world_operate(&world, "silence", silence);
    }
    assert_int_equal(tend_engine_check_command(world.engine, "silence", silence, &error), TEND_E_INVALID);
    assert_string_equal(error.text, "1000 silences are in force already");
    world_operate(&world, "silence", silence);
    assert_int_equal(tend_engine_counts(world.engine).silences, TEND_SILENCES_MAX);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kind_that_is_not_named_does_not_act_because_a_neighbour_is_out_of_line),
        cmocka_unit_test(a_step_on_an_instance_of_which_nothing_is_known_is_refused),
        cmocka_unit_test(a_warning_that_data_is_missing_acts_when_the_data_that_came_was_bad_for_long_enough),
        cmocka_unit_test(what_is_in_line_again_does_not_act_because_another_alert_fires),
        cmocka_unit_test(an_alert_that_is_silenced_starts_nothing_on_another_service),
        cmocka_unit_test(a_closed_breaker_counts_the_runs_of_the_hour_anew),
        cmocka_unit_test(a_run_goes_on_over_a_deploy_that_is_noted_during_it),
        cmocka_unit_test(a_call_for_a_person_is_made_though_the_incident_was_acknowledged),
        cmocka_unit_test(what_is_owed_is_on_disk_before_anything_else_happens),
        cmocka_unit_test(a_silence_ends_whatever_a_journal_says),
        cmocka_unit_test(no_more_than_a_thousand_silences_are_in_force),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
