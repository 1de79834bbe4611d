#pragma once
/// Topology: who depends on whom, and the questions the rest asks about it.
///
/// Nodes are indexes 0 … count - 1; an edge a → b says that a depends on (calls) b. Edges that are missing or cyclic
/// are normal. Ownership: who inits clears. Nothing allocates in the questions.

#include "base/status.h"

#include <stdbool.h>

struct tend_edge {
    size_t from;
    size_t to;
};

struct tend_topology {
    size_t count;
    size_t *first; ///< count + 1 of them: the edges of node i are targets[first[i]] … targets[first[i + 1] - 1]
    size_t *targets;
    size_t *callers_first; ///< the same against the edges: who depends on node i
    size_t *callers;
    size_t *queue; ///< private: work space of a walk
    unsigned char *seen;
};

/// Takes the edges of `count` nodes. @param edge_count  how many @p edges
TEND_MUST_CHECK enum tend_status tend_topology_init(struct tend_topology *topology, size_t count,
                                                    const struct tend_edge *edges, size_t edge_count);
void tend_topology_clear(struct tend_topology *topology);

/// Whether `from` depends on `to`, directly or through others; a node depends on itself.
bool tend_topology_depends(const struct tend_topology *topology, size_t from, size_t to);
/// Whether one of both depends on the other.
bool tend_topology_connected(const struct tend_topology *topology, size_t one, size_t other);
/// Marks every node that @p from depends on (itself too), nearest first. @param[out] nodes  room for `count`
/// @return how many
size_t tend_topology_reach(const struct tend_topology *topology, size_t from, size_t *nodes);
/// The same for several at once: what any of them depends on, they first. @param from  may name a node twice
size_t tend_topology_below(const struct tend_topology *topology, const size_t *from, size_t from_count, size_t *nodes);
/// Against the edges: every node that depends on any of @p of, they first.
size_t tend_topology_above(const struct tend_topology *topology, const size_t *of, size_t of_count, size_t *nodes);
