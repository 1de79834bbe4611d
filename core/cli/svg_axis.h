#pragma once
/// SVG axis: round numbers to mark along an axis, and what to write beside them.
///
/// Values step by 1, 2 or 5 times a power of ten; bytes by powers of two; seconds from a minute on as clocks do. Times
/// step by what people count in (5 s, 15 min, 6 h, 2 days), and are UTC. Units: values in the metric's own, times in
/// milliseconds since 1970. Threads: none.

#include "parse/quantity.h"

#include <stddef.h>
#include <stdint.h>

#define TEND_AXIS_TIME_TEXT_BYTES 40

struct tend_value_axis {
    double low, high; ///< multiples of step; low < high
    double step;
    size_t count; ///< of marks: low, low + step … high
};

struct tend_time_axis {
    int64_t first_ms; ///< of the marks; nothing is marked before
    int64_t step_ms;
    size_t count;
};

/// An axis that holds everything from @p low to @p high (finite; low may be high), in about @p steps steps. One that is
/// not far above 0 begins there.
struct tend_value_axis tend_value_axis_over(double low, double high, const char *unit, size_t steps);
/// The value of a mark; exactly 0 where it should be.
double tend_value_axis_at(const struct tend_value_axis *axis, size_t mark);

/// Marks from @p from_ms to @p until_ms (at least as late), at most @p most of them.
struct tend_time_axis tend_time_axis_over(int64_t from_ms, int64_t until_ms, size_t most);
/// "10:05:30", "10:05", or "3 Mar" where a day begins, as short as the step allows. @return out
const char *tend_time_axis_text(const struct tend_time_axis *axis, int64_t at_ms, char out[TEND_AXIS_TIME_TEXT_BYTES]);
/// A moment in full: "2 Mar 2026 10:05:30". @return out
const char *tend_axis_moment_text(int64_t at_ms, char out[TEND_AXIS_TIME_TEXT_BYTES]);
/// How long something took, in three digits: "8.2 s", "350 ms", "5m12s". @return out
const char *tend_axis_lasted_text(int64_t lasted_ms, char out[TEND_QUANTITY_TEXT_BYTES]);
/// The time of the day of a moment: "10:05:30". @return out
const char *tend_axis_clock_text(int64_t at_ms, char out[TEND_AXIS_TIME_TEXT_BYTES]);
