#pragma once
/// Season: the shape of a metric's day or week, as a mean for each hour of it.
///
/// Between the middles of two hours it goes on a line; where the metric itself steps at a full hour, as at the end of a
/// weekend, each side keeps its own mean. That is learned for each edge of an hour by which of the two was nearer.
///
/// It lies in memory of its owner's, of tend_season_bytes; copy it whole, freely. Constant work but for stretch. The
/// shape in another unit (a power of two times as large) gives the same answers to the bit. Units: `_s` seconds; a
/// place is an hour of the week (baseline.h), of which a season of a day takes that of the day.

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tend_season {
    uint16_t hours; ///< of the season; 0: there is none
    int16_t hour;   ///< that hour_sum is of; -1: of none
    int16_t edge;   ///< that step_nearer is of; -1: of none
    uint16_t hour_count;
    double hour_sum;   ///< of values while the hour was never met before, else of distances
    float step_nearer; ///< by how much a step says what the metric is better than a line does
    float means[];     ///< one an hour; behind them a byte each: in how many seasons it was met, and its edge
};

size_t tend_season_bytes(uint16_t hours);
/// Makes it as new, of so many hours. @param season  of tend_season_bytes, all zero
void tend_season_init(struct tend_season *season, uint16_t hours);

/// In how many seasons the hour was met.
int tend_season_visits(const struct tend_season *season, double place);
/// The shape there; of an hour that was met.
double tend_season_at(const struct tend_season *season, double place);
/// Looks at a value of the shape, to learn how the metric goes over the nearer edge of its hour.
/// @return whether that is known, so that the distance to the shape says what is usual
bool tend_season_note_edge(struct tend_season *season, double place, double shape);

/// Adds to what the hour teaches, which is learned when it is over and if a quarter of it was seen.
/// @param value      distance to the shape there; of an hour that was never met, the shape itself
/// @param gap_s      usual time from one value to the next
/// @param silence_s  time since the value before
void tend_season_add(struct tend_season *season, double place, double value, double gap_s, double silence_s);
void tend_season_drop_hour(struct tend_season *season); ///< What the hour under way has taught is forgotten.
void tend_season_stretch(struct tend_season *season, double times); ///< Multiplies the whole shape.
/// How many of all visits that make it sure it has had, 0 to 1.
double tend_season_known(const struct tend_season *season);

void tend_season_save(const struct tend_season *season, struct tend_buffer *out);
/// Fills one that was made for as many hours. @return false: what was read is none
bool tend_season_load(struct tend_season *season, struct tend_reader *reader);
/// The same of the hours alone: what is under way begins anew.
bool tend_season_load_hours(struct tend_season *season, struct tend_reader *reader);
