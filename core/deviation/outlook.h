#pragma once
/// Outlook: what one metric has been doing for minutes and for days, and when it will reach its limit if that goes on.
///
/// Kept are means of buckets in six rings of 24, each ring's buckets four times as wide as those of the one before:
/// with half a minute for the first, they look back 12 minutes, 48, 3 hours, 13 hours, 2 days and 8 days. A line
/// (trend.h) is laid through the whole and the newest part of each ring. It is a forecast only where all of this holds:
///   - its slope is above 0 with 99 %, its interval is narrow (the late end at most three times the forecast), and what
///     it rose by is more than three times the noise;
///   - its newest half goes on with 0.7 of the slope to twice the slope: what levels off, as a cache that fills, is no
///     leak, and what grows faster is seen by a shorter line;
///   - the metric is where it has not been: above all that came before the newest half of the line, by a tenth of what
///     is left from there to the limit. What rises each morning and falls each evening, and the teeth of a garbage
///     collector, have been there. What was beyond the limit before the line does not count: it did not turn in time;
///   - it looks no further ahead than the line is long, or twice as far where at least as much is known of before; on
///     the first day 0.7 times as far as a line of hours is long: nobody knows yet that a morning is one;
///   - it is above what the process before reached, if that ended well: caches fill again after each start.
/// What swings with the day and creeps up from day to day is foretold by its hours instead (day_shape.h).
/// Of all that hold the one with the narrowest interval is the forecast. It stands for an eighth of its line's length
/// after it last held, unless the metric falls well below the line.
///
/// One-sided: the value pushed must grow towards its limit (turn the sign where low is bad). Units: `_ms` engine time,
/// values in any unit; the same values and limit times a power of two give the same forecasts to the bit.
/// TEND_OUTLOOK_BYTES_MAX of memory, constant work a sample on average, no allocation after create.
/// Ownership: who creates destroys. Threads: none.

#include "base/buffer.h"
#include "base/status.h"

#include <stdint.h>

struct tend_outlook;

enum { TEND_OUTLOOK_BYTES_MAX = 1920 };

/// When the limit will be reached. All are NaN: no forecast. least_s <= eta_s <= most_s, and none is below 0.
struct tend_forecast {
    double eta_s;
    double least_s, most_s; ///< interval (99 % of the slope, and the noise)
    double span_s;          ///< length of the line that it goes by
    double rise_per_s;      ///< its slope
};

/// @param bucket_ms  width of the smallest buckets, at least 1: about a sixty-fourth of how far ahead is asked for
/// @return TEND_OK, TEND_E_INVALID or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_outlook_create(int64_t bucket_ms, struct tend_outlook **out);
void tend_outlook_destroy(struct tend_outlook *outlook); ///< NULL is allowed
size_t tend_outlook_bytes(void);                         ///< of one outlook
int64_t tend_outlook_bucket_ms(const struct tend_outlook *outlook);

/// Takes a sample, which must be newer than the one before; an older one is passed over.
/// @param value  NaN or infinite: no data, the sample is passed over
/// @param limit  where the metric is out of line, as of now; NaN: not known, and nothing is foreseen
void tend_outlook_push(struct tend_outlook *outlook, int64_t at_ms, double value, double limit);
/// The process began anew, or was acted on: forgets all up to @p at_ms but the highest it has been, if no forecast
/// stands and it was below its limit. Samples at or before that are passed over.
void tend_outlook_cut(struct tend_outlook *outlook, int64_t at_ms);
/// The forecast as of the newest sample.
struct tend_forecast tend_outlook_forecast(const struct tend_outlook *outlook);

/// Appends all of it. The same samples give the same bytes.
void tend_outlook_save(const struct tend_outlook *outlook, struct tend_buffer *out);
/// Fills an empty outlook with what save wrote of one of the same bucket_ms. @return TEND_OK, or TEND_E_CORRUPT: the
/// reader has failed, and the outlook can only be destroyed
TEND_MUST_CHECK enum tend_status tend_outlook_load(struct tend_outlook *outlook, struct tend_reader *reader);
