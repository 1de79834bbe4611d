#pragma once
/// Day shape: the hours of the past three days, and when the limit is reached if tomorrow is as today and a bit more.
///
/// What swings with the day and creeps up from day to day is no line. Here each hour is set against the same hour of
/// the day before: where nearly all of them rose, this day as the day before, the hours to come are yesterday's plus
/// that rise (the seasonal naive forecast with drift; Hyndman and Athanasopoulos, Forecasting, 3rd edition, 5.2). It
/// foretells at most a day. Two days that differ, as a Sunday and a Monday, are no rise: it takes three.
///
/// Units: `_ms` engine time; values in any unit. Copy it freely; nothing allocates.

#include "base/buffer.h"

#include <stdbool.h>
#include <stdint.h>

enum { TEND_DAY_SHAPE_HOURS = 72 };

struct tend_day_shape {
    int64_t hour; ///< number of the one that fills
    double sum;
    uint32_t parts; ///< that its sum is of
    uint32_t held, next;
    float hours[TEND_DAY_SHAPE_HOURS]; ///< a ring of means; NaN: no data
};

/// When the limit is reached.
struct tend_day_crossing {
    double cross_ms;
    double least_ms, most_ms; ///< if the rise from day to day is what nine in ten of the hours exceed, or one in ten
    double rise_per_ms;       ///< from day to day
};

/// Takes a sample, newer than those before. All zero is an empty shape.
void tend_day_shape_push(struct tend_day_shape *shape, int64_t at_ms, double value);
/// @return false: it foretells nothing
bool tend_day_shape_foretell(const struct tend_day_shape *shape, double now_ms, double limit,
                             struct tend_day_crossing *out);

void tend_day_shape_save(const struct tend_day_shape *shape, struct tend_buffer *out);
/// Fills an empty one. @return false: what was read is none
bool tend_day_shape_load(struct tend_day_shape *shape, struct tend_reader *reader);
