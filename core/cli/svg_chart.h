#pragma once
/// SVG chart: one metric over time, P against E and its limits, for a page that needs no script.
///
/// Drawn: where a value is in line (tinted, between the limits; one that is missing leaves that side open), E dashed, P
/// as a line that is broken wherever P is missing, never bridged, with such stretches hatched, as is in another way
/// where a learned metric has P and no E; stretches in which P is beyond a limit shaded; alerts of its owner as
/// triangles above, steps as diamonds below. Every coordinate is inside the view box. Colours come from the page's
/// style sheet, by class, the hatching from a pattern "hatch" of the page. Units: times in milliseconds, values in the
/// metric's own. Ownership: documents are borrowed. Threads: none.

#include "base/buffer.h"
#include "base/json.h"

#include <stdint.h>

struct tend_chart {
    const json_t *metric;   ///< an entry of "metrics" (driver/sim/simulation_report.h)
    const json_t *document; ///< whose alerts and steps are marked
    int64_t from_ms, until_ms;
};

/// Appends a `<figure>` with the chart and its caption.
void tend_svg_chart(struct tend_buffer *out, const struct tend_chart *chart);

/// What a metric went through from @p from_ms to @p until_ms.
struct tend_chart_facts {
    size_t with_data; ///< points that have P
    size_t without_data;
    size_t out_of_line;  ///< points beyond a limit
    double worst;        ///< the P that is furthest on its bad side; NaN: none has data
    double expected;     ///< E then; NaN: none
    double worst_beyond; ///< how often |P − E| was the distance from E to its limit; 0 where that cannot be told
};
struct tend_chart_facts tend_chart_facts_of(const json_t *metric, int64_t from_ms, int64_t until_ms);
