#pragma once
/// Topology text: what GET /v1/topology answers, for people and for Graphviz.

#include "base/buffer.h"
#include "base/json.h"

/// A line an edge: who depends on whom, whether that is declared or learned, how old it is, its load when known.
void tend_topology_text_format(const json_t *answer, struct tend_buffer *out);

/// A digraph in the language of Graphviz's dot: learned edges dashed, what no rule watches dotted, services out of line
/// red.
void tend_topology_dot_format(const json_t *answer, struct tend_buffer *out);
