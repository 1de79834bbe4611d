#pragma once
/// Coverage: what of a generation's rules the scenarios of its tests reached.
///
/// A rule is covered when both of its verdicts were seen: out of line and in line. A step is a place in a playbook's
/// text that asks something of `p`; a remedy is a playbook with one of the services that have it.
/// Ownership: who creates, destroys; the document must outlive it. Threads: one.

#include "driver/sim/simulation.h"

struct tend_coverage;

/// @param document  the generation document, with "steps" of each playbook, as it has them under test
TEND_MUST_CHECK enum tend_status tend_coverage_create(const json_t *document, struct tend_coverage **out);
void tend_coverage_destroy(struct tend_coverage *coverage); ///< NULL is allowed

/// Takes up the verdicts that stand now; call it often while a scenario is played.
void tend_coverage_look(struct tend_coverage *coverage, const struct tend_simulation *simulation);
/// Takes up the records of a scenario that was played.
void tend_coverage_take(struct tend_coverage *coverage, const struct tend_simulation *simulation);

/// {"rules": [{"name", "at", "out", "in_line"}], "playbooks": [{"name", "at", "run"}], "steps": [{"playbook", "what":
/// "p:restart", "at", "reached"}], "remedies": [{"service", "playbook", "run"}], "locates": [{"name", "at", "asked"}]};
/// a new reference
json_t *tend_coverage_document(const struct tend_coverage *coverage);
