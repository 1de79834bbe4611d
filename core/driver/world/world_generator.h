#pragma once
/// World generator: scenarios made up from the rules' own services, for finding trouble.
///
/// The same document, playbook, seed and number give the same scenario on every machine: what a person reads in a
/// report can be made again. A scenario has around a service that the playbook is a remedy of: one to three faults at
/// odd times, sometimes many at once; acts that go wrong; crashes of tend, at times and at records; targets that leave;
/// a person who pauses or reloads.

#include "base/json.h"

#include <stddef.h>
#include <stdint.h>

/// A scenario as the generation document has them, without "check".
/// @param playbook  index in the document  @param number  of the world, from 1
/// @return a new reference, or NULL: the playbook is no remedy of any service that is watched
json_t *tend_world_generate(const json_t *document, size_t playbook, uint64_t seed, uint64_t number);
