#pragma once
/// Scenario document: the generation document as one scenario has it: its services, its instances, no others.

#include "base/json.h"
#include "base/status.h"

#include <stddef.h>

enum { TEND_SCENARIO_INSTANCES_MAX = 1000 };

/// The label by which a scenario's targets say whose instance they are.
extern const char tend_scenario_service_label[];

/// How many instances of each service a scenario has: {name: n}, in the order of names. What it depends on without
/// naming it has two, or one when it may not lose any and says so with one target. @return a new reference
json_t *tend_scenario_services(const json_t *document, const json_t *scenario);
/// What chance is seeded with in a scenario: its name, and its own `seed`.
uint64_t tend_scenario_seed(const json_t *scenario);
/// The scenario with each time that it leaves to chance, [least_ms, most_ms], decided: by its name and its seed.
/// @return a new reference
json_t *tend_scenario_decided(const json_t *scenario);
/// The document for these services: one discovery, which lists them all.
/// @param[out] error  "a scenario names \"serch\", which the rules do not know"  @return a new reference, or NULL
json_t *tend_scenario_document(const json_t *document, const json_t *services, struct tend_error *error);
/// The definition of a service by name, as the rules have it. Borrowed; NULL: they do not know it.
const json_t *tend_scenario_definition(const json_t *document, const char *name);
/// Leaves each service of a scenario's document the remedies that are named for it: {name: [playbook's number]}; those
/// that are not in there have none.
void tend_scenario_document_limit(json_t *document, const json_t *remedies);
/// Labels of an instance: whose it is, and a value for each {name} that the rules' texts mention. @return a new
/// reference
json_t *tend_scenario_labels(const json_t *sources, const char *service, size_t number);
