// Edges as one array sorted by their first node and another by their second, and breadth-first walks over them.

#include "locate/topology.h"

#include <stdlib.h>
#include <string.h>

// Sorts edges by one of their ends. @param queue  zeros, `count` of them
static void sort_edges(const struct tend_edge *edges, size_t edge_count, size_t count, bool by_target, size_t *queue,
                       size_t *first, size_t *others)
{
    for (size_t i = 0; i < edge_count; i++) {
        first[(by_target ? edges[i].to : edges[i].from) + 1]++;
    }
    for (size_t i = 0; i < count; i++) {
        first[i + 1] += first[i];
    }
    for (size_t i = 0; i < edge_count; i++) { // queue counts what each node has been given so far
        const size_t node = by_target ? edges[i].to : edges[i].from;
        others[first[node] + queue[node]++] = by_target ? edges[i].from : edges[i].to;
    }
}

enum tend_status tend_topology_init(struct tend_topology *topology, size_t count, const struct tend_edge *edges,
                                    size_t edge_count)
{
    *topology = (struct tend_topology){ .count = count };
    topology->first = calloc(count + 1, sizeof *topology->first);
    topology->targets = calloc(edge_count + 1, sizeof *topology->targets);
    topology->callers_first = calloc(count + 1, sizeof *topology->callers_first);
    topology->callers = calloc(edge_count + 1, sizeof *topology->callers);
    topology->queue = calloc(count + 1, sizeof *topology->queue);
    topology->seen = calloc(count + 1, 1);
    if (topology->first == NULL || topology->targets == NULL || topology->callers_first == NULL ||
        topology->callers == NULL || topology->queue == NULL || topology->seen == NULL) {
        tend_topology_clear(topology);
        return TEND_E_NOMEM;
    }
    sort_edges(edges, edge_count, count, false, topology->queue, topology->first, topology->targets);
    memset(topology->queue, 0, count * sizeof *topology->queue);
    sort_edges(edges, edge_count, count, true, topology->queue, topology->callers_first, topology->callers);
    return TEND_OK;
}

void tend_topology_clear(struct tend_topology *topology)
{
    free(topology->first);
    free(topology->targets);
    free(topology->callers_first);
    free(topology->callers);
    free(topology->queue);
    free(topology->seen);
    *topology = (struct tend_topology){ .count = 0 };
}

// Breadth first. @param first, others  the edges, one way or the other
static size_t walk(const struct tend_topology *topology, const size_t *first, const size_t *others, const size_t *from,
                   size_t from_count, size_t *nodes)
{
    memset(topology->seen, 0, topology->count);
    size_t count = 0;
    for (size_t i = 0; i < from_count; i++) {
        if (!topology->seen[from[i]]) {
            topology->seen[from[i]] = 1;
            nodes[count++] = from[i];
        }
    }
    for (size_t next = 0; next < count; next++) {
        const size_t node = nodes[next];
        for (size_t i = first[node]; i < first[node + 1]; i++) {
            const size_t other = others[i];
            if (!topology->seen[other]) {
                topology->seen[other] = 1;
                nodes[count++] = other;
            }
        }
    }
    return count;
}

size_t tend_topology_below(const struct tend_topology *topology, const size_t *from, size_t from_count, size_t *nodes)
{
    return walk(topology, topology->first, topology->targets, from, from_count, nodes);
}

size_t tend_topology_above(const struct tend_topology *topology, const size_t *of, size_t of_count, size_t *nodes)
{
    return walk(topology, topology->callers_first, topology->callers, of, of_count, nodes);
}

size_t tend_topology_reach(const struct tend_topology *topology, size_t from, size_t *nodes)
{
    return tend_topology_below(topology, &from, 1, nodes);
}

bool tend_topology_depends(const struct tend_topology *topology, size_t from, size_t to)
{
    (void)tend_topology_reach(topology, from, topology->queue);
    return topology->seen[to] != 0;
}

bool tend_topology_connected(const struct tend_topology *topology, size_t one, size_t other)
{
    return tend_topology_depends(topology, one, other) || tend_topology_depends(topology, other, one);
}
