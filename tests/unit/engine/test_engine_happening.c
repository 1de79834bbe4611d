// What was done to a service, told by people or seen in what its targets say of themselves, and what the locator hears.

#include "engine_world.h"

#define LEDGER "ledger/h:1"
#define OTHER "ledger/h:2"
#define PAGE ",'rules':[{'rule':0,'clear_below':1,'severity':'page','act':true}],'remedies':[0]"
#define ONE(more)                                                                                                      \
    DOCUMENT(SERVICE("ledger", "'http://h:1/m'", PAGE more), LOAD_RULE, PLAYBOOK("restart", ""),                       \
             ",'groups':[{'name':'*'}]")
#define TWO DOCUMENT(SERVICE("ledger", "'http://h:1/m','http://h:2/m'", PAGE), LOAD_RULE, PLAYBOOK("restart", ""), "")

static void begin(struct world *world, const char *document)
{
    world_begin(world, document);
    world->wait = "nobody yet";
}

static struct world_target *ledger(struct world *world)
{
    return world_target(world, LEDGER);
}

static void set_series(struct world *world, const char *name, double value)
{
    ledger(world)->more[0] = name;
    ledger(world)->more_values[0] = value;
}

static void set_version(struct world *world, const char *instance, const char *version)
{
    (void)snprintf(world_target(world, instance)->version, sizeof world_target(world, instance)->version, "%s",
                   version);
}

// An incident of ledger begins two seconds from now. @return what the locator is told to have happened
static const json_t *happened(struct world *world)
{
    world_pass(world, 2);
    ledger(world)->load = 10;
    world_pass(world, 1);
    assert_non_null(world->asked);
    const json_t *service = json_array_get(json_object_get(world->asked, "services"), 0);
    assert_string_equal(tend_json_text(service, "name", ""), "ledger");
    return json_object_get(service, "happened");
}

static const json_t *only(struct world *world)
{
    const json_t *list = happened(world);
    assert_int_equal(json_array_size(list), 1);
    return json_array_get(list, 0);
}

static void another_build_is_told_with_the_versions_though_no_rule_knows_of_them(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(""));
    set_version(&world, LEDGER, "1.3");
    world_pass(&world, 20);
    const int64_t changed_ms = world.now_ms;
    set_version(&world, LEDGER, "1.4");
    world_pass(&world, 1);
    const json_t *one = only(&world);
    assert_string_equal(tend_json_text(one, "what", ""), "version");
    assert_string_equal(tend_json_text(one, "from", ""), "1.3");
    assert_string_equal(tend_json_text(one, "to", ""), "1.4");
    assert_int_equal(tend_json_integer(one, "at_ms", 0), changed_ms);
    assert_int_equal(tend_json_integer(one, "times", 0), 1);
    world_end(&world);
}

static void what_was_there_from_the_first_scrape_on_has_not_happened(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(""));
    set_version(&world, LEDGER, "1.3");
    set_series(&world, "app_config_hash", 7);
    assert_int_equal(json_array_size(happened(&world)), 0);
    world_end(&world);
}

static void another_config_and_a_reload_are_told(void **state)
{
    (void)state;
    static const char *const series[][2] = {
        { "app_config_hash", "config" },
        { "app_config_last_reload_success_timestamp_seconds", "reload" },
        { "app_config_reloads_total", "reload" },
    };
    for (size_t i = 0; i < sizeof series / sizeof series[0]; i++) {
        struct world world;
        begin(&world, ONE(""));
        set_series(&world, series[i][0], 7);
        world_pass(&world, 20);
        set_series(&world, series[i][0], 8);
        world_pass(&world, 1);
        assert_string_equal(tend_json_text(only(&world), "what", ""), series[i][1]);
        world_end(&world);
    }
}

static void a_reload_that_failed_is_told_once(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(""));
    set_series(&world, "app_config_last_reload_successful", 1);
    world_pass(&world, 20);
    set_series(&world, "app_config_last_reload_successful", 0);
    world_pass(&world, 5);
    const json_t *one = only(&world);
    assert_string_equal(tend_json_text(one, "what", ""), "reload failed");
    assert_int_equal(tend_json_integer(one, "times", 0), 1);
    world_end(&world);
}

// A process that starts loads its configuration as well.
static void a_restart_is_told_and_not_what_comes_with_it(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(""));
    set_series(&world, "process_start_time_seconds", 1000);
    ledger(&world)->more[1] = "app_config_last_reload_success_timestamp_seconds";
    ledger(&world)->more_values[1] = 1000;
    world_pass(&world, 20);
    for (int i = 1; i <= 3; i++) {
        ledger(&world)->more_values[0] = ledger(&world)->more_values[1] = 1000 + 50 * i;
        ledger(&world)->kind = TEND_SCRAPE_REFUSED; // while it starts
        world_pass(&world, 2);
        ledger(&world)->kind = TEND_SCRAPE_OK;
        world_pass(&world, 2);
    }
    const json_t *one = only(&world);
    assert_string_equal(tend_json_text(one, "what", ""), "restart");
    assert_int_equal(tend_json_integer(one, "times", 0), 3);
    world_end(&world);
}

static const char *const restart_it[] = { "restart " LEDGER, "verify", NULL };

static void begin_anew(struct world *world, const char *verb, const char *instance)
{
    (void)verb;
    world_target(world, instance)->load = 1;
    world_target(world, instance)->more_values[0] += 100;
}

static void a_restart_by_tend_itself_is_none(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ONE(""));
    world.scripts[0] = restart_it;
    world.on_exec = begin_anew;
    set_series(&world, "process_start_time_seconds", 1000);
    world_blame(&world, "ledger");
    world_operate(&world, "arm", "*");
    world_pass(&world, 20);
    ledger(&world)->load = 10;
    world_pass(&world, 20);
    assert_int_equal(world.execs, 1);
    assert_int_equal(json_array_size(happened(&world)), 0);
    world_end(&world);
}

static void operate(struct world *world, const char *argument)
{
    json_t *json = world_json(argument);
    char *text = json_dumps(json, JSON_COMPACT);
    world_operate(world, "deploy", text);
    free(text);
    json_decref(json);
}

static bool is_deployed(const struct world *world)
{
    const json_t *service = json_array_get(json_object_get(world->asked, "services"), 0);
    return json_is_number(json_object_get(service, "deployed_ago_s"));
}

static void what_somebody_told_comes_with_who_and_why(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(""));
    world_pass(&world, 20);
    const int64_t told_ms = world.now_ms;
    operate(&world, "{'on':'ledger','what':'config','why':'pool of 50'}");
    const json_t *one = only(&world);
    assert_string_equal(tend_json_text(one, "what", ""), "config");
    assert_string_equal(tend_json_text(one, "who", ""), "uid 1 (ops)");
    assert_string_equal(tend_json_text(one, "why", ""), "pool of 50");
    assert_int_equal(tend_json_integer(one, "at_ms", 0), told_ms);
    assert_false(is_deployed(&world)); // there is no version to go back to
    world_end(&world);
}

static void a_version_that_somebody_told_is_a_deploy(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(""));
    world_pass(&world, 20);
    operate(&world, "{'on':'ledger','what':'version','version':'1.4'}");
    const json_t *one = only(&world);
    assert_string_equal(tend_json_text(one, "what", ""), "version");
    assert_string_equal(tend_json_text(one, "to", ""), "1.4");
    assert_null(json_object_get(one, "why"));
    assert_true(is_deployed(&world));
    world_end(&world);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(""));
    world_pass(&world, 5);
    struct tend_error error;
    assert_int_equal(tend_engine_check_command(world.engine, "deploy", "{\"on\":\"ledger\",\"what\":\"disk\"}", &error),
                     TEND_E_INVALID);
    assert_string_equal(error.text, "\"what\" wants \"version\", \"config\" or \"flag\"");
    assert_int_equal(tend_engine_check_command(world.engine, "deploy",
                                               "{\"on\":\"ledger\",\"what\":\"flag\",\"version\":\"2\"}", &error),
                     TEND_E_INVALID);
    assert_string_equal(error.text, "a version goes with a deploy of a version, not of a flag");
    world_end(&world);
}

// Pods of a deploy come beside those that are to go.
static void a_new_instance_with_another_build_than_those_beside_it_is_a_deploy(void **state)
{
    (void)state;
    struct world world;
    begin(&world, TWO);
    world_target(&world, OTHER)->silent = true; // it is not there yet
    set_version(&world, LEDGER, "1.3");
    set_version(&world, OTHER, "1.4");
    world_pass(&world, 70);
    world_target(&world, OTHER)->silent = false;
    world_pass(&world, 1);
    const json_t *one = only(&world);
    assert_string_equal(tend_json_text(one, "from", ""), "1.3");
    assert_string_equal(tend_json_text(one, "to", ""), "1.4");
    world_end(&world);
}

static void two_builds_that_run_beside_each_other_from_the_beginning_are_none(void **state)
{
    (void)state;
    struct world world;
    begin(&world, TWO);
    set_version(&world, LEDGER, "1.3");
    set_version(&world, OTHER, "1.4");
    world_pass(&world, 70);
    assert_int_equal(json_array_size(happened(&world)), 0);
    world_end(&world);
}

static void it_goes_over_into_a_new_generation(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(""));
    set_series(&world, "app_config_hash", 7);
    world_pass(&world, 20);
    set_series(&world, "app_config_hash", 8);
    world_pass(&world, 1);
    world_load(&world, ONE(",'window_ms':2000"));
    world_pass(&world, 1);
    assert_string_equal(tend_json_text(only(&world), "what", ""), "config"); // and it is not another one once more
    world_end(&world);
}

static void the_newest_eight_are_kept(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(""));
    world_pass(&world, 5);
    for (int i = 1; i <= 9; i++) {
        char argument[80];
        (void)snprintf(argument, sizeof argument, "{'on':'ledger','version':'1.%d'}", i);
        operate(&world, argument);
    }
    const json_t *list = happened(&world);
    assert_int_equal(json_array_size(list), 8);
    assert_string_equal(tend_json_text(json_array_get(list, 0), "to", ""), "1.2");
    assert_string_equal(tend_json_text(json_array_get(list, 7), "to", ""), "1.9");
    world_end(&world);
}

static void what_is_older_than_an_hour_is_not_told(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(""));
    world_pass(&world, 5);
    operate(&world, "{'on':'ledger','what':'flag'}");
    world_pass(&world, 3595);
    assert_int_equal(json_array_size(happened(&world)), 1);
    ledger(&world)->load = 1;
    world_pass(&world, 10);
    assert_int_equal(json_array_size(happened(&world)), 0);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_build_is_told_with_the_versions_though_no_rule_knows_of_them),
        cmocka_unit_test(what_was_there_from_the_first_scrape_on_has_not_happened),
        cmocka_unit_test(another_config_and_a_reload_are_told),
        cmocka_unit_test(a_reload_that_failed_is_told_once),
        cmocka_unit_test(a_restart_is_told_and_not_what_comes_with_it),
        cmocka_unit_test(a_restart_by_tend_itself_is_none),
        cmocka_unit_test(what_somebody_told_comes_with_who_and_why),
        cmocka_unit_test(a_version_that_somebody_told_is_a_deploy),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(a_new_instance_with_another_build_than_those_beside_it_is_a_deploy),
        cmocka_unit_test(two_builds_that_run_beside_each_other_from_the_beginning_are_none),
        cmocka_unit_test(it_goes_over_into_a_new_generation),
        cmocka_unit_test(the_newest_eight_are_kept),
        cmocka_unit_test(what_is_older_than_an_hour_is_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
