#include "cli/svg_axis.h"

#include "parse/civil_day.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

enum { DAY_MS = 24 * 3600 * 1000, MARKS_MAX = 64 };

// The smallest of 1, 2 and 5 times a power of ten that is no less than what is wanted.
static double decimal_step(double wanted)
{
    const double power = pow(10.0, floor(log10(wanted)));
    const double part = wanted / power;
    if (part <= 1.0) {
        return power;
    }
    return part <= 2.0 ? 2.0 * power : part <= 5.0 ? 5.0 * power : 10.0 * power;
}

static double seconds_step(double wanted)
{
    static const double steps[] = { 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400 };
    if (wanted <= 10.0) {
        return decimal_step(wanted);
    }
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (wanted <= steps[i]) {
            return steps[i];
        }
    }
    return 86400.0 * decimal_step(wanted / 86400.0);
}

static double step_of(double wanted, const char *unit)
{
    switch (tend_unit_family_of(unit)) {
    case TEND_UNIT_BYTES:
        return wanted <= 1.0 ? decimal_step(wanted) : exp2(ceil(log2(wanted)));
    case TEND_UNIT_SECONDS:
        return seconds_step(wanted);
    case TEND_UNIT_PLAIN:
    case TEND_UNIT_RATIO:
        break;
    }
    return decimal_step(wanted);
}

struct tend_value_axis tend_value_axis_over(double low, double high, const char *unit, size_t steps)
{
    if (high <= low) { // a metric that never moved stands in the middle
        const double around = low == 0.0 ? 1.0 : fabs(low);
        high = low + around;
        low = low >= 0.0 ? 0.0 : low - around;
    }
    if (low > 0.0 && low < 0.6 * high) {
        low = 0.0;
    }
    const double wanted = fmax((high - low) / (double)steps, fabs(high) * 1e-12);
    struct tend_value_axis axis = { .step = step_of(wanted, unit) };
    axis.low = floor(low / axis.step + 1e-9) * axis.step;
    axis.high = ceil(high / axis.step - 1e-9) * axis.step;
    axis.count = (size_t)fmin(round((axis.high - axis.low) / axis.step), MARKS_MAX) + 1;
    return axis;
}

double tend_value_axis_at(const struct tend_value_axis *axis, size_t mark)
{
    const double value = axis->low + (double)mark * axis->step;
    return fabs(value) < axis->step * 1e-6 ? 0.0 : value;
}

static int64_t time_step(int64_t span_ms, size_t most)
{
    static const int64_t seconds[] = { 1,   2,    5,    10,   15,    30,    60,    120,   300,   600,
                                       900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800 };
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
        if (span_ms / (seconds[i] * 1000) < (int64_t)most) {
            return seconds[i] * 1000;
        }
    }
    const double days = (double)span_ms / (double)DAY_MS / (double)(most > 1 ? most - 1 : 1);
    return (int64_t)decimal_step(fmax(days, 5.0)) * DAY_MS;
}

static int64_t floor_to(int64_t at_ms, int64_t step_ms)
{
    const int64_t rest_ms = at_ms % step_ms;
    return at_ms - (rest_ms < 0 ? rest_ms + step_ms : rest_ms);
}

struct tend_time_axis tend_time_axis_over(int64_t from_ms, int64_t until_ms, size_t most)
{
    struct tend_time_axis axis = { .step_ms = time_step(until_ms - from_ms, most) };
    axis.first_ms = floor_to(from_ms + axis.step_ms - 1, axis.step_ms);
    axis.count = axis.first_ms > until_ms ? 0 : (size_t)((until_ms - axis.first_ms) / axis.step_ms) + 1;
    return axis;
}

static const char *month_text(int month)
{
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    return months[month - 1];
}

static struct tend_civil_day day_of(int64_t at_ms)
{
    return tend_civil_day_of(floor_to(at_ms, DAY_MS) / DAY_MS);
}

static int second_of_day(int64_t at_ms)
{
    return (int)((at_ms - floor_to(at_ms, DAY_MS)) / 1000);
}

const char *tend_axis_clock_text(int64_t at_ms, char out[TEND_AXIS_TIME_TEXT_BYTES])
{
    const int second = second_of_day(at_ms);
    (void)snprintf(out, TEND_AXIS_TIME_TEXT_BYTES, "%02d:%02d:%02d", second / 3600, second / 60 % 60, second % 60);
    return out;
}

const char *tend_axis_moment_text(int64_t at_ms, char out[TEND_AXIS_TIME_TEXT_BYTES])
{
    char clock[TEND_AXIS_TIME_TEXT_BYTES];
    const struct tend_civil_day day = day_of(at_ms);
    (void)snprintf(out, TEND_AXIS_TIME_TEXT_BYTES, "%d %s %lld %.8s", day.day, month_text(day.month),
                   (long long)day.year, tend_axis_clock_text(at_ms, clock));
    return out;
}

const char *tend_time_axis_text(const struct tend_time_axis *axis, int64_t at_ms, char out[TEND_AXIS_TIME_TEXT_BYTES])
{
    const int second = second_of_day(at_ms);
    const struct tend_civil_day day = day_of(at_ms);
    if (second == 0 && axis->step_ms >= 60000) {
        (void)snprintf(out, TEND_AXIS_TIME_TEXT_BYTES, "%d %s", day.day, month_text(day.month));
    } else if (axis->step_ms % 60000 == 0) {
        (void)snprintf(out, TEND_AXIS_TIME_TEXT_BYTES, "%02d:%02d", second / 3600, second / 60 % 60);
    } else {
        return tend_axis_clock_text(at_ms, out);
    }
    return out;
}

const char *tend_axis_lasted_text(int64_t lasted_ms, char out[TEND_QUANTITY_TEXT_BYTES])
{
    const double step_ms = lasted_ms >= 100000 ? 1000.0 : lasted_ms >= 10000 ? 100.0 : lasted_ms >= 1000 ? 10.0 : 1.0;
    return tend_quantity_format(round((double)lasted_ms / step_ms) * step_ms / 1000.0, "s", out);
}
