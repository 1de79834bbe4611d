#pragma once
/// SVG timeline: what happened, a row each over one time axis: real incidents, incidents, alerts, steps, pages.
///
/// Alerts have a row for each rule and owner, steps one for each verb and owner; where there are too many for a page,
/// the later ones share a row that says how many they are. Nothing is left out: an alert that began in the time shown
/// is one mark of class "alert". Colours come from the page's style sheet. Units: milliseconds. Threads: none.

#include "base/buffer.h"
#include "base/json.h"

#include <stdint.h>

/// Appends an `<svg class="timeline">`.
/// @param document  driver/sim/simulation_report.h
/// @param incident  the id of the only one to show, or NULL for all there is
void tend_svg_timeline(struct tend_buffer *out, const json_t *document, int64_t from_ms, int64_t until_ms,
                       const char *incident);
