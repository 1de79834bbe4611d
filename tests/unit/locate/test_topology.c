// Who depends on whom: chains, circles, and random graphs against a plain closure.

#include "locate/topology.h"
#include "seeded_random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { NODES_MAX = 12 };

static struct tend_topology made(size_t count, const struct tend_edge *edges, size_t edge_count)
{
    struct tend_topology topology;
    assert_int_equal(tend_topology_init(&topology, count, edges, edge_count), TEND_OK);
    return topology;
}

// web 0 → payments 1 → ledger 2 → disk 3; search 4 → ledger 2; mail 5
static const struct tend_edge shop[] = { { 0, 1 }, { 1, 2 }, { 2, 3 }, { 4, 2 } };

static void a_service_depends_on_what_it_calls_directly_and_through_others(void **state)
{
    (void)state;
    struct tend_topology topology = made(6, shop, 4);
    assert_true(tend_topology_depends(&topology, 0, 1));
    assert_true(tend_topology_depends(&topology, 0, 3));
    assert_false(tend_topology_depends(&topology, 3, 0));
    assert_false(tend_topology_depends(&topology, 0, 5));
    tend_topology_clear(&topology);
}

static void a_service_depends_on_itself(void **state)
{
    (void)state;
    struct tend_topology topology = made(6, shop, 4);
    assert_true(tend_topology_depends(&topology, 5, 5));
    tend_topology_clear(&topology);
}

static void two_that_share_a_dependency_are_not_connected_by_it(void **state)
{
    (void)state;
    struct tend_topology topology = made(6, shop, 4);
    assert_false(tend_topology_connected(&topology, 0, 4));
    assert_true(tend_topology_connected(&topology, 4, 3));
    assert_true(tend_topology_connected(&topology, 3, 4));
    tend_topology_clear(&topology);
}

static void all_that_depend_on_one_are_above_it(void **state)
{
    (void)state;
    struct tend_topology topology = made(6, shop, 4);
    size_t nodes[6];
    const size_t ledger = 2;
    assert_int_equal(tend_topology_above(&topology, &ledger, 1, nodes), 4);
    assert_int_equal(nodes[0], 2);
    assert_int_equal(nodes[1], 1); // its callers, in the order of the edges
    assert_int_equal(nodes[2], 4);
    assert_int_equal(nodes[3], 0);
    tend_topology_clear(&topology);
}

static void below_several_each_is_named_once(void **state)
{
    (void)state;
    struct tend_topology topology = made(6, shop, 4);
    size_t nodes[6];
    static const size_t from[] = { 4, 1, 4 };
    assert_int_equal(tend_topology_below(&topology, from, 3, nodes), 4);
    assert_int_equal(nodes[0], 4);
    assert_int_equal(nodes[1], 1);
    assert_int_equal(nodes[2], 2);
    assert_int_equal(nodes[3], 3);
    tend_topology_clear(&topology);
}

static void reach_gives_the_nearest_first(void **state)
{
    (void)state;
    static const struct tend_edge edges[] = { { 0, 3 }, { 0, 1 }, { 1, 2 }, { 3, 4 } };
    struct tend_topology topology = made(5, edges, 4);
    size_t nodes[5];
    assert_int_equal(tend_topology_reach(&topology, 0, nodes), 5);
    static const size_t expected[] = { 0, 3, 1, 4, 2 };
    assert_memory_equal(nodes, expected, sizeof expected);
    tend_topology_clear(&topology);
}

static void a_circle_ends(void **state)
{
    (void)state;
    static const struct tend_edge edges[] = { { 0, 1 }, { 1, 2 }, { 2, 0 }, { 1, 1 } };
    struct tend_topology topology = made(3, edges, 4);
    size_t nodes[3];
    assert_int_equal(tend_topology_reach(&topology, 1, nodes), 3);
    assert_true(tend_topology_depends(&topology, 2, 1));
    tend_topology_clear(&topology);
}

static void the_same_edge_twice_counts_once(void **state)
{
    (void)state;
    static const struct tend_edge edges[] = { { 0, 1 }, { 0, 1 } };
    struct tend_topology topology = made(2, edges, 2);
    size_t nodes[2];
    assert_int_equal(tend_topology_reach(&topology, 0, nodes), 2);
    tend_topology_clear(&topology);
}

static void a_topology_without_edges_connects_nobody(void **state)
{
    (void)state;
    struct tend_topology topology = made(2, NULL, 0);
    assert_false(tend_topology_connected(&topology, 0, 1));
    tend_topology_clear(&topology);
    struct tend_topology empty = made(0, NULL, 0);
    assert_int_equal(empty.count, 0);
    tend_topology_clear(&empty);
}

static void random_graphs_agree_with_a_plain_closure(void **state)
{
    (void)state;
    seed_random(20260131);
    for (int round = 0; round < 300; round++) {
        const size_t count = 1 + (size_t)random_below(NODES_MAX);
        const size_t edge_count = (size_t)random_below(25);
        struct tend_edge edges[25];
        bool reaches[NODES_MAX][NODES_MAX] = { { false } };
        for (size_t i = 0; i < edge_count; i++) {
            edges[i] = (struct tend_edge){ (size_t)random_below((int)count), (size_t)random_below((int)count) };
            reaches[edges[i].from][edges[i].to] = true;
        }
        for (size_t k = 0; k < count; k++) {
            reaches[k][k] = true;
        }
        for (size_t k = 0; k < count; k++) {
            for (size_t i = 0; i < count; i++) {
                for (size_t j = 0; j < count; j++) {
                    reaches[i][j] = reaches[i][j] || (reaches[i][k] && reaches[k][j]);
                }
            }
        }
        struct tend_topology topology = made(count, edges, edge_count);
        for (size_t i = 0; i < count; i++) {
            for (size_t j = 0; j < count; j++) {
                assert_int_equal(tend_topology_depends(&topology, i, j), reaches[i][j]);
            }
        }
        tend_topology_clear(&topology);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_service_depends_on_what_it_calls_directly_and_through_others),
        cmocka_unit_test(a_service_depends_on_itself),
        cmocka_unit_test(two_that_share_a_dependency_are_not_connected_by_it),
        cmocka_unit_test(reach_gives_the_nearest_first),
        cmocka_unit_test(all_that_depend_on_one_are_above_it),
        cmocka_unit_test(below_several_each_is_named_once),
        cmocka_unit_test(a_circle_ends),
        cmocka_unit_test(the_same_edge_twice_counts_once),
        cmocka_unit_test(a_topology_without_edges_connects_nobody),
        cmocka_unit_test(random_graphs_agree_with_a_plain_closure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
