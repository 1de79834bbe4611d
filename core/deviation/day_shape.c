// Hours are those of engine time, which need not begin with a wall clock's: only that they are a day apart matters.

#include "deviation/day_shape.h"

#include <math.h>
#include <string.h>

enum { HOURS = TEND_DAY_SHAPE_HOURS, DAY = 24, PAIRS_LEAST = 20 };

static const double HOUR_MS = 3600000;
static const double DAYS_ALIKE = 2;   // one day's rise is at most so many times the other's
static const double LATE_END_MAX = 3; // times the forecast, or times an hour

static void hold(struct tend_day_shape *shape, float mean)
{
    shape->hours[shape->next] = mean;
    shape->next = (shape->next + 1) % HOURS;
    shape->held += shape->held < HOURS;
}

void tend_day_shape_push(struct tend_day_shape *shape, int64_t at_ms, double value)
{
    const int64_t hour = (int64_t)floor((double)at_ms / HOUR_MS);
    if (shape->parts > 0 && hour != shape->hour) {
        hold(shape, (float)(shape->sum / shape->parts));
        for (int64_t i = shape->hour + 1; i < hour && i - shape->hour <= HOURS; i++) {
            hold(shape, NAN);
        }
        shape->sum = 0.0;
        shape->parts = 0;
    }
    shape->hour = hour;
    shape->sum += value;
    shape->parts++;
}

// The mean of an hour, so many before the one that fills (1: the newest that is whole).
static double before(const struct tend_day_shape *shape, size_t hours)
{
    return (double)shape->hours[(shape->next + HOURS - hours) % HOURS];
}

struct rise {
    double least, median, most;
};

// How much the 24 hours before `from` hours ago were above those of the day before. @return false: too few are known
static bool rise_of(const struct tend_day_shape *shape, size_t from, struct rise *out)
{
    double sorted[DAY];
    size_t count = 0;
    for (size_t i = 1; i <= DAY; i++) {
        const double rise = before(shape, from + i) - before(shape, from + DAY + i);
        if (isnan(rise)) {
            continue;
        }
        size_t place = count++;
        for (; place > 0 && sorted[place - 1] > rise; place--) {
            sorted[place] = sorted[place - 1];
        }
        sorted[place] = rise;
    }
    if (count < PAIRS_LEAST) {
        return false;
    }
    *out = (struct rise){ .least = sorted[count / 10],
                          .median = sorted[count / 2],
                          .most = sorted[count - 1 - count / 10] };
    return true;
}

// When yesterday's hours and so much more reach the limit; NaN: not within a day.
static double crossing(const struct tend_day_shape *shape, double rise, double limit)
{
    double last = (double)NAN;
    for (size_t j = 0; j < DAY; j++) {
        const double value = before(shape, DAY - j) + rise;
        const double middle_ms = ((double)shape->hour + (double)j + 0.5) * HOUR_MS;
        if (value >= limit) {
            return last < limit ? middle_ms - HOUR_MS * (value - limit) / (value - last) : middle_ms;
        }
        last = value;
    }
    return (double)NAN;
}

bool tend_day_shape_foretell(const struct tend_day_shape *shape, double now_ms, double limit,
                             struct tend_day_crossing *out)
{
    struct rise rise;
    struct rise day_before;
    if (shape->held < HOURS || !rise_of(shape, 0, &rise) || !rise_of(shape, DAY, &day_before)) {
        return false;
    }
    if (!(rise.least > 0) || !(day_before.least > 0) || rise.median > DAYS_ALIKE * day_before.median ||
        day_before.median > DAYS_ALIKE * rise.median) {
        return false;
    }
    const double cross_ms = fmax(crossing(shape, rise.median, limit), now_ms);
    const double least_ms = fmax(crossing(shape, rise.most, limit), now_ms);
    const double most_ms = crossing(shape, rise.least, limit);
    if (isnan(crossing(shape, rise.median, limit)) || isnan(most_ms) ||
        most_ms - now_ms > LATE_END_MAX * fmax(cross_ms - now_ms, HOUR_MS)) {
        return false;
    }
    *out = (struct tend_day_crossing){ .cross_ms = cross_ms,
                                       .least_ms = fmin(least_ms, cross_ms),
                                       .most_ms = fmax(most_ms, cross_ms),
                                       .rise_per_ms = rise.median / (DAY * HOUR_MS) };
    return true;
}

void tend_day_shape_save(const struct tend_day_shape *shape, struct tend_buffer *out)
{
    tend_buffer_put_u64(out, (uint64_t)shape->hour);
    tend_buffer_put_f64(out, shape->sum);
    tend_buffer_put_u32(out, shape->parts);
    tend_buffer_put_u32(out, shape->held);
    for (size_t i = shape->held; i > 0; i--) {
        uint32_t bits;
        memcpy(&bits, &shape->hours[(shape->next + HOURS - i) % HOURS], sizeof bits);
        tend_buffer_put_u32(out, bits);
    }
}

bool tend_day_shape_load(struct tend_day_shape *shape, struct tend_reader *reader)
{
    shape->hour = (int64_t)tend_reader_get_u64(reader);
    shape->sum = tend_reader_get_f64(reader);
    shape->parts = tend_reader_get_u32(reader);
    const uint32_t held = tend_reader_get_u32(reader);
    for (uint32_t i = 0; i < held && held <= HOURS && !reader->failed; i++) {
        const uint32_t bits = tend_reader_get_u32(reader);
        float mean;
        memcpy(&mean, &bits, sizeof mean);
        hold(shape, mean);
    }
    // A number of an hour is a time, which is within some centuries.
    return !reader->failed && held <= HOURS && shape->hour > -(INT64_C(1) << 50) && shape->hour < INT64_C(1) << 50;
}
