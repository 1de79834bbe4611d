#pragma once
/// Incident section: one incident of a simulation's page: the culprit and the evidence, what was decided, what was run,
/// and where it is but a small part of the whole time, its own timeline and charts. Units: milliseconds. Threads: none.

#include "base/buffer.h"
#include "base/json.h"

#include <stddef.h>

/// Appends an `<article id="incident-N">`, N counted from 1.
/// @param document  driver/sim/simulation_report.h
/// @param index  of the incident in it
void tend_incident_section(struct tend_buffer *out, const json_t *document, size_t index);
