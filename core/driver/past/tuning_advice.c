#include "driver/past/tuning_advice.h"

#include <math.h>

static const double FIRING_MOST = 0.1;

static double doublings(double one, double other)
{
    return fabs(log2(one / other));
}

// How much a point changes, in doublings: of the limit's distance, of fire_after (from the interval of scrapes on, for
// less is no difference), and of what is left of A below clear_below.
static double change_of(const struct tend_tuning_rule *rule, const struct tend_tuning_point *point)
{
    const double factor = doublings(tend_tuning_factors[point->factor], 1);
    const double least_ms = rule->wait_count > 2 ? (double)rule->waits_ms[2] : 1000;
    const double now_ms = rule->fire_after_ms < 0 ? 0 : (double)rule->fire_after_ms;
    const double wait_ms = point->wait == 0 ? now_ms : (double)rule->waits_ms[point->wait];
    const double wait = doublings(wait_ms + least_ms, now_ms + least_ms);
    double clear = 0;
    if (point->clear > 0 && rule->by_metric) {
        const double now = isnan(rule->clear_below) ? 1 : rule->clear_below;
        clear = doublings(tend_tuning_clears[point->clear], now) + 0.5; // what needs no other line is simpler
    } else if (point->clear > 0) {
        const double now = rule->clear_after_ms < 0 ? 0 : (double)rule->clear_after_ms;
        clear = doublings((double)rule->waits_ms[point->clear] + least_ms, now + least_ms) + 0.5;
    }
    return factor + wait + clear;
}

// Whether the point would be out of line earlier or for less than it is now.
static bool is_more_sensitive(const struct tend_tuning_rule *rule, const struct tend_tuning_point *point)
{
    return point->factor < TEND_TUNING_NOW ||
           (point->wait > 0 && (rule->fire_after_ms < 0 || rule->waits_ms[point->wait] < rule->fire_after_ms));
}

static bool is_better(const struct tend_tuning_rule *rule, const struct tend_tuning_point *one,
                      const struct tend_tuning_point *other)
{
    if (one->found != other->found) {
        return one->found > other->found;
    }
    if (one->found > 0 && one->delay_s != other->delay_s) {
        return one->delay_s < other->delay_s;
    }
    return change_of(rule, one) < change_of(rule, other);
}

static bool ends(const struct tend_tuning_point *point)
{
    return point->firing_share <= FIRING_MOST;
}

static bool does_fit(const struct tend_tuning_point *point, const struct tend_tuning_budget *budget)
{
    return point->per_budget <= budget->alarms * 1.01 &&
           ends(point); // a week of scrapes is an interval short of a week
}

// Of points that do not fit: fewer false alarms, but not for the price of what was found.
static bool is_nearer(const struct tend_tuning_rule *rule, const struct tend_tuning_point *one,
                      const struct tend_tuning_point *other)
{
    if (ends(one) != ends(other)) {
        return ends(one);
    }
    if (one->false_alarms != other->false_alarms) {
        return one->false_alarms < other->false_alarms;
    }
    return is_better(rule, one, other);
}

static bool is_allowed(const struct tend_tuning_rule *rule, const struct tend_tuning_point *point, size_t marks)
{
    return (marks > 0 || !is_more_sensitive(rule, point)) && (!rule->shares || point->factor == TEND_TUNING_NOW);
}

void tend_tuning_advise(struct tend_tuning_rule *rule, const struct tend_tuning_budget *budget, size_t marks)
{
    rule->suggested = rule->now;
    rule->advice = TEND_TUNING_NO_BUDGET;
    if (budget->within_ms == 0) {
        return;
    }
    bool fits = does_fit(&rule->points[rule->now], budget);
    for (size_t i = 0; i < rule->point_count; i++) {
        const struct tend_tuning_point *point = &rule->points[i];
        const struct tend_tuning_point *best = &rule->points[rule->suggested];
        if (!is_allowed(rule, point, marks)) {
            continue;
        }
        const bool this_fits = does_fit(point, budget);
        if (this_fits != fits ? this_fits : fits ? is_better(rule, point, best) : is_nearer(rule, point, best)) {
            rule->suggested = i;
            fits = this_fits;
        }
    }
    if (!fits && !ends(&rule->points[rule->suggested])) {
        rule->suggested = rule->now; // nothing here makes it end: no threshold of these is the remedy
    }
    rule->advice = !fits ? TEND_TUNING_NEAREST : rule->suggested == rule->now ? TEND_TUNING_KEEP : TEND_TUNING_CHANGE;
}
