// tend.peers in the whole engine: what is expected of whom when one of them is bad, has no data, or is the only one
// left.

#include "engine_world.h"

#define PEERS(more)                                                                                                    \
    ",'metrics':[" UP_METRIC ",{'name':'load','kind':'gauge','sources':['load'],'expect':{'peers':{" more              \
    "}},'alpha':0.5,'bad':'above'}]"
#define FOUR "'http://h:1/metrics','http://h:2/metrics','http://h:3/metrics','http://h:4/metrics'"
#define EACH ",'rules':[{'rule':0,'clear_below':1,'severity':'page','missing':'hold'}]"
#define INSTANCES(more) SERVICE("ledger", FOUR, PEERS(more) EACH)
#define EACH_RULE RULE("unlike", ",'metric':'load','per':'instance'")

static struct world_target *ledger(struct world *world, int number)
{
    char name[32];
    (void)snprintf(name, sizeof name, "ledger/h:%d", number);
    return world_target(world, name);
}

static const json_t *service_of(const json_t *status, const char *name)
{
    size_t i;
    const json_t *service;
    json_array_foreach(json_object_get(status, "services"), i, service)
    {
        if (strcmp(tend_json_text(service, "name", ""), name) == 0) {
            return service;
        }
    }
    return NULL;
}

// E of an instance's load, from 1; NaN: there is none.
static double expected_of(const struct world *world, int number)
{
    json_t *status = tend_engine_status(world->engine);
    const json_t *instances = json_object_get(service_of(status, "ledger"), "instances");
    const json_t *metrics = json_object_get(json_array_get(instances, (size_t)(number - 1)), "metrics");
    const double e = tend_json_number(json_object_get(metrics, "load"), "E", (double)NAN);
    json_decref(status);
    return e;
}

// A number of a service's load.
static double of_service(const struct world *world, const char *service, const char *which)
{
    json_t *status = tend_engine_status(world->engine);
    const json_t *metrics = json_object_get(service_of(status, service), "metrics");
    double value = (double)NAN;
    for (size_t i = 0; i < json_array_size(metrics); i++) {
        const json_t *metric = json_array_get(metrics, i);
        if (strcmp(tend_json_text(metric, "name", ""), "load") == 0) {
            value = tend_json_number(metric, which, (double)NAN);
        }
    }
    json_decref(status);
    return value;
}

static void begin(struct world *world, const char *document)
{
    world_begin(world, document);
    for (int i = 1; i <= 4; i++) {
        ledger(world, i)->load = 10;
    }
    world_pass(world, 2);
}

#define ONE_SERVICE DOCUMENT(INSTANCES(""), EACH_RULE, "", "")

static void one_bad_of_four_is_out_of_line_and_the_others_are_expected_as_before(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE_SERVICE);
    ledger(&world, 2)->load = 100;
    world_pass(&world, 1);
    for (int i = 1; i <= 4; i++) {
        assert_true(expected_of(&world, i) == 10);
    }
    assert_true(of_service(&world, "ledger", "P") == 32.5); // (10 + 100 + 10 + 10) / 4
    assert_true(of_service(&world, "ledger", "E") == 10);
    assert_int_equal(tend_engine_counts(world.engine).alerts_firing, 1);
    assert_string_equal(tend_json_text(world_newest(&world, TEND_RECORD_ALERT, NULL, NULL), "instance", ""),
                        "ledger/h:2");
    world_end(&world);
}

static void with_self_the_mean_is_over_all_whatever_they_say(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOCUMENT(SERVICE("ledger", FOUR, PEERS("'self':true") EACH), EACH_RULE, "", ""));
    ledger(&world, 2)->load = 100;
    world_pass(&world, 1);
    assert_true(expected_of(&world, 1) == 32.5);
    assert_true(expected_of(&world, 2) == 32.5);
    world_end(&world);
}

static void a_peer_without_data_is_no_peer(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE_SERVICE);
    ledger(&world, 1)->load = 12;
    ledger(&world, 2)->kind = TEND_SCRAPE_REFUSED;
    world_pass(&world, 2);
    assert_true(expected_of(&world, 1) == 10); // of the third and the fourth
    assert_true(expected_of(&world, 2) == 32.0 / 3);
    assert_true(expected_of(&world, 3) == 11);
    assert_int_equal(world_count_records(&world, TEND_RECORD_ALERT, NULL, NULL), 0);
    world_end(&world);
}

static void the_only_one_left_has_nothing_to_be_set_against(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE_SERVICE);
    for (int i = 2; i <= 4; i++) {
        ledger(&world, i)->kind = TEND_SCRAPE_REFUSED;
    }
    ledger(&world, 1)->load = 1000;
    world_pass(&world, 3);
    assert_true(isnan(expected_of(&world, 1)));
    assert_true(expected_of(&world, 2) == 1000); // but it says nothing itself
    assert_int_equal(world_count_records(&world, TEND_RECORD_ALERT, NULL, NULL), 0);
    for (int i = 2; i <= 4; i++) {
        ledger(&world, i)->kind = TEND_SCRAPE_OK;
    }
    world_pass(&world, 1);
    assert_true(expected_of(&world, 1) == 10);
    assert_int_equal(tend_engine_counts(world.engine).alerts_firing, 1);
    world_end(&world);
}

static void one_that_fires_does_not_resolve_as_its_peers_go(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE_SERVICE);
    ledger(&world, 1)->load = 100;
    world_pass(&world, 1);
    assert_int_equal(tend_engine_counts(world.engine).alerts_firing, 1);
    for (int i = 2; i <= 4; i++) {
        ledger(&world, i)->kind = TEND_SCRAPE_READ_TIMEOUT;
        world_pass(&world, 2);
        assert_int_equal(tend_engine_counts(world.engine).alerts_firing, 1);
    }
    world_end(&world);
}

// Three of four are bad: the one that is well stands out instead, on the side that is not bad. Nobody can tell.
static void where_most_are_bad_they_are_the_rule(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE_SERVICE);
    for (int i = 2; i <= 4; i++) {
        ledger(&world, i)->load = 100;
    }
    world_pass(&world, 1);
    assert_true(expected_of(&world, 1) == 100);
    assert_true(expected_of(&world, 2) == 100);
    assert_int_equal(world_count_records(&world, TEND_RECORD_ALERT, NULL, NULL), 0);
    world_end(&world);
}

#define MEMBER(name, port) SERVICE(name, "'http://h:" port "/metrics'", PEERS("'among':'*'"))

static void of_a_group_one_bad_service_is_left_out_of_what_is_expected_of_the_others(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, DOCUMENT(MEMBER("a", "1") "," MEMBER("b", "2") "," MEMBER("c", "3") "," MEMBER("d", "4"),
                                 LOAD_RULE, "", ""));
    world_target(&world, "a/h:1")->load = 10;
    world_target(&world, "b/h:2")->load = 11;
    world_target(&world, "c/h:3")->load = 12;
    world_target(&world, "d/h:4")->load = 500;
    world_pass(&world, 2);
    assert_true(of_service(&world, "a", "E") == 11.5); // 11, 12 and 500: the last is far from 12
    assert_true(of_service(&world, "d", "E") == 11);
    world_target(&world, "b/h:2")->kind = TEND_SCRAPE_REFUSED;
    world_pass(&world, 2);
    assert_true(of_service(&world, "a", "E") == 256); // of two, 12 and 500, nobody knows which is far
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_bad_of_four_is_out_of_line_and_the_others_are_expected_as_before),
        cmocka_unit_test(with_self_the_mean_is_over_all_whatever_they_say),
        cmocka_unit_test(a_peer_without_data_is_no_peer),
        cmocka_unit_test(the_only_one_left_has_nothing_to_be_set_against),
        cmocka_unit_test(one_that_fires_does_not_resolve_as_its_peers_go),
        cmocka_unit_test(where_most_are_bad_they_are_the_rule),
        cmocka_unit_test(of_a_group_one_bad_service_is_left_out_of_what_is_expected_of_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
