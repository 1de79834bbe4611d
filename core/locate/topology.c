// Edges as one array sorted by their first node, and breadth-first walks over it.

#include "locate/topology.h"

#include <stdlib.h>
#include <string.h>

enum tend_status tend_topology_init(struct tend_topology *topology, size_t count, const struct tend_edge *edges,
                                    size_t edge_count)
{
    *topology = (struct tend_topology){ .count = count };
    topology->first = calloc(count + 1, sizeof *topology->first);
    topology->targets = calloc(edge_count + 1, sizeof *topology->targets);
    topology->queue = calloc(count + 1, sizeof *topology->queue);
    topology->seen = calloc(count + 1, 1);
    if (topology->first == NULL || topology->targets == NULL || topology->queue == NULL || topology->seen == NULL) {
        tend_topology_clear(topology);
        return TEND_E_NOMEM;
    }
    for (size_t i = 0; i < edge_count; i++) {
        topology->first[edges[i].from + 1]++;
    }
    for (size_t i = 0; i < count; i++) {
        topology->first[i + 1] += topology->first[i];
    }
    for (size_t i = 0; i < edge_count; i++) { // queue counts what each node has been given so far
        const size_t from = edges[i].from;
        topology->targets[topology->first[from] + topology->queue[from]++] = edges[i].to;
    }
    return TEND_OK;
}

void tend_topology_clear(struct tend_topology *topology)
{
    free(topology->first);
    free(topology->targets);
    free(topology->queue);
    free(topology->seen);
    *topology = (struct tend_topology){ .count = 0 };
}

size_t tend_topology_reach(const struct tend_topology *topology, size_t from, size_t *nodes)
{
    memset(topology->seen, 0, topology->count);
    size_t count = 0;
    nodes[count++] = from;
    topology->seen[from] = 1;
    for (size_t next = 0; next < count; next++) {
        const size_t node = nodes[next];
        for (size_t i = topology->first[node]; i < topology->first[node + 1]; i++) {
            const size_t target = topology->targets[i];
            if (!topology->seen[target]) {
                topology->seen[target] = 1;
                nodes[count++] = target;
            }
        }
    }
    return count;
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
