// Learned edges: what counters of calls teach, how long it lasts, and what it is good for.

#include "engine_world.h"

#define EDGES ",'edges':[{'series':'calls','from':'client','to':'server'}]"
#define ACT ",'rules':[{'rule':0,'clear_below':1,'severity':'page','act':true}],'remedies':[0]"
#define FLEET                                                                                                          \
    DOCUMENT(SERVICE("mesh", "'http://m:1/m'", EDGES) "," SERVICE("payments", "'http://p:1/m'",                        \
                                                                  ACT) "," SERVICE("ledger", "'http://h:1/m'", ACT),   \
             LOAD_RULE, PLAYBOOK("restart", ""), "")

struct call {
    const char *client;
    const char *server;
    double count;
};

// One scrape of the target "mesh/m:1", which is the first, with these counters.
static void scrape_calls(struct world *world, const struct call *calls, size_t count)
{
    struct tend_column columns[8];
    double values[8];
    for (size_t i = 0; i < count; i++) {
        const struct tend_label labels[] = {
            { .name = "client", .name_bytes = 6, .value = calls[i].client, .value_bytes = strlen(calls[i].client) },
            { .name = "server", .name_bytes = 6, .value = calls[i].server, .value_bytes = strlen(calls[i].server) },
        };
        assert_int_equal(tend_label_set_create("calls", 5, labels, 2, &columns[i].labels), TEND_OK);
        columns[i].type = TEND_SERIES_COUNTER;
        values[i] = calls[i].count;
    }
    const struct tend_layout *layout = NULL;
    assert_int_equal(tend_layout_create(columns, count, &layout), TEND_OK);
    world_step(world, (struct tend_event){ .kind = TEND_EVENT_SCRAPED,
                                           .scraped = { .target = 0,
                                                        .begun_ms = world->now_ms,
                                                        .duration_s = 0.01,
                                                        .kind = TEND_SCRAPE_OK,
                                                        .reason = "",
                                                        .layout = layout,
                                                        .values = values,
                                                        .value_count = count } });
    tend_layout_release(layout);
    for (size_t i = 0; i < count; i++) {
        tend_label_set_release(columns[i].labels);
    }
    world_until(world, world->now_ms + 1000);
}

// Two scrapes between which payments called ledger ten times.
static void teach(struct world *world, const char *client, const char *server)
{
    scrape_calls(world, &(struct call){ client, server, 100 }, 1);
    scrape_calls(world, &(struct call){ client, server, 110 }, 1);
}

static json_t *edges_of(const struct world *world)
{
    json_t *topology = tend_engine_topology(world->engine);
    json_t *edges = json_incref(json_object_get(topology, "edges"));
    json_decref(topology);
    return edges;
}

static size_t count_edges(const struct world *world)
{
    json_t *edges = edges_of(world);
    const size_t count = json_array_size(edges);
    json_decref(edges);
    return count;
}

static void a_counter_that_grows_is_an_edge(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, FLEET);
    teach(&world, "payments", "ledger");
    json_t *edges = edges_of(&world);
    assert_int_equal(json_array_size(edges), 1);
    const json_t *edge = json_array_get(edges, 0);
    assert_string_equal(tend_json_text(edge, "from", ""), "payments");
    assert_string_equal(tend_json_text(edge, "to", ""), "ledger");
    assert_true(tend_json_bool(edge, "learned", false) && tend_json_bool(edge, "known", false));
    assert_false(tend_json_bool(edge, "declared", true));
    json_decref(edges);
    world_end(&world);
}

static void a_counter_that_stands_still_or_names_nobody_is_none(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, FLEET);
    scrape_calls(&world, &(struct call){ "payments", "ledger", 100 }, 1);
    scrape_calls(&world, &(struct call){ "payments", "ledger", 100 }, 1);
    scrape_calls(&world, &(struct call){ "payments", "ledger", 3 }, 1); // it began anew
    teach(&world, "unknown", "ledger");
    teach(&world, "payments", "");
    teach(&world, "ledger", "ledger");
    assert_int_equal(count_edges(&world), 0);
    world_end(&world);
}

static void a_learned_edge_joins_incidents_and_is_told_to_the_locator(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, FLEET);
    teach(&world, "payments", "ledger");
    world_target(&world, "ledger/h:1")->load = 5;
    world_target(&world, "payments/p:1")->load = 5;
    world_pass(&world, 2);
    assert_int_equal(tend_engine_counts(world.engine).incidents_open, 1);
    const json_t *payments = json_array_get(json_object_get(world.asked, "services"), 0);
    assert_string_equal(tend_json_text(payments, "name", ""), "payments");
    assert_string_equal(json_string_value(json_array_get(json_object_get(payments, "depends"), 0)), "ledger");
    assert_int_equal(tend_json_integer(world.asked, "edges", 0), 1);
    world_end(&world);
}

static void without_it_they_are_two_incidents_beside_each_other(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, FLEET);
    world_target(&world, "ledger/h:1")->load = 5;
    world_target(&world, "payments/p:1")->load = 5;
    world_pass(&world, 2);
    assert_int_equal(tend_engine_counts(world.engine).incidents_open, 2);
    assert_int_equal(tend_json_integer(world.asked, "edges", -1), 0);
    assert_int_equal(json_array_size(json_object_get(world.asked, "beside")), 1);
    world_end(&world);
}

static void loops_and_services_that_no_rule_knows_are_fine(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, FLEET);
    teach(&world, "payments", "ledger");
    teach(&world, "ledger", "payments");
    teach(&world, "ledger", "redis");
    json_t *edges = edges_of(&world);
    assert_int_equal(json_array_size(edges), 3); // sorted by caller, then callee
    assert_string_equal(tend_json_text(json_array_get(edges, 1), "to", ""), "redis");
    assert_false(tend_json_bool(json_array_get(edges, 1), "known", true));
    json_decref(edges);
    world_target(&world, "ledger/h:1")->load = 5;
    world_pass(&world, 2);
    assert_int_equal(tend_engine_counts(world.engine).incidents_open, 1);
    world_end(&world);
}

static void an_edge_is_forgotten_a_day_after_the_last_call(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, FLEET);
    teach(&world, "payments", "ledger");
    world.now_ms += INT64_C(24) * 3600 * 1000 - 5000;
    world_pass(&world, 2);
    assert_int_equal(count_edges(&world), 1);
    world.now_ms += 10000;
    world_pass(&world, 2);
    assert_int_equal(count_edges(&world), 0);
    world_target(&world, "ledger/h:1")->load = 5;
    world_target(&world, "payments/p:1")->load = 5;
    world_pass(&world, 2);
    assert_int_equal(tend_engine_counts(world.engine).incidents_open, 2);
    world_end(&world);
}

static void what_was_learned_outlasts_a_reload(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, FLEET);
    teach(&world, "payments", "ledger");
    world_load(&world, FLEET " ");
    world_target(&world, "ledger/h:1")->load = 5;
    world_target(&world, "payments/p:1")->load = 5;
    world_pass(&world, 2);
    assert_int_equal(tend_engine_counts(world.engine).incidents_open, 1);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_counter_that_grows_is_an_edge),
        cmocka_unit_test(a_counter_that_stands_still_or_names_nobody_is_none),
        cmocka_unit_test(a_learned_edge_joins_incidents_and_is_told_to_the_locator),
        cmocka_unit_test(without_it_they_are_two_incidents_beside_each_other),
        cmocka_unit_test(loops_and_services_that_no_rule_knows_are_fine),
        cmocka_unit_test(an_edge_is_forgotten_a_day_after_the_last_call),
        cmocka_unit_test(what_was_learned_outlasts_a_reload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
