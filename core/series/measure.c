// Increases are taken pair by pair over the good scrapes of the window, column by column, oldest to newest; sums over
// columns run in the layout's order (QUANTILE: by bound, then in the layout's order). So the last bit depends on
// nothing but the scrapes themselves.
//
// A value that fell began again at 0: what it has now is what it gained since. A value below 0 or without end is none
// that a counter can hold, and counts as not there: a rate is never negative, nor infinite. Failed scrapes between two
// good ones are bridged. The first value in the window is where counting starts, unless the series window knows it to
// be a birth.
//
// SHARE of rates: the numerator's series may not exist yet (no error so far, so no series of errors): with a
// denominator that has data it is 0. Where the target tells that its process is the same that had them, they are gone,
// and 0 would be made up. A gauge as numerator has to be there.

#include "series/measure.h"

#include <math.h>
#include <stdlib.h>

// The part of an instance's window that is used.
struct scan {
    const struct tend_metric_plan *plan;
    const struct tend_series_window *window;
    size_t begin; // rows begin … end - 1
    size_t end;
    uint32_t good_count;             // good ones among them
    size_t newest;                   // the newest row; good when missing is TEND_HAS_DATA
    struct tend_row_piece pieces[2]; // the rows where they lie
    double seconds;                  // from the first good one to the last
    enum tend_missing missing;       // why no series can be read at all, or TEND_HAS_DATA
    double wall_s;
};

enum tend_status tend_parts_create(const struct tend_metric_def *defs, size_t count, struct tend_parts **out)
{
    size_t histograms = 0;
    for (size_t i = 0; i < count; i++) {
        histograms += defs[i].kind == TEND_METRIC_QUANTILE;
    }
    const size_t parts_bytes = (count + 1) * sizeof(struct tend_parts);
    struct tend_parts *parts = calloc(1, parts_bytes + histograms * sizeof(struct tend_buckets));
    if (parts == NULL) {
        return TEND_E_NOMEM;
    }
    struct tend_buckets *buckets = (struct tend_buckets *)(void *)(parts + count + 1);
    for (size_t i = 0; i < count; i++) {
        parts[i].missing = TEND_MISSING_WARMING_UP;
        parts[i].buckets = defs[i].kind == TEND_METRIC_QUANTILE ? buckets++ : NULL;
    }
    *out = parts;
    return TEND_OK;
}

void tend_parts_destroy(struct tend_parts *parts)
{
    free(parts);
}

static void set_missing(struct tend_parts *parts, enum tend_missing cause)
{
    parts->numerator = 0;
    parts->denominator = 0;
    parts->instances = 0;
    parts->missing = cause;
    if (parts->buckets != NULL) {
        parts->buckets->count = 0;
    }
}

static void set_data(struct tend_parts *parts, double numerator, double denominator)
{
    parts->numerator = numerator;
    parts->denominator = denominator;
    parts->instances = 1;
    parts->missing = TEND_HAS_DATA;
}

static enum tend_missing missing_scrape(const struct tend_scrape_history *history)
{
    if (history->newest_ms == TEND_NEVER_MS || history->newest_ms <= history->cut_ms) {
        return TEND_MISSING_WARMING_UP;
    }
    if (history->kind == TEND_SCRAPE_OK) {
        return TEND_HAS_DATA;
    }
    return history->kind == TEND_SCRAPE_PARSE ? TEND_MISSING_BAD_PAYLOAD : TEND_MISSING_SCRAPE_FAILED;
}

static struct scan scan_window(const struct tend_metric_plan *plan, const struct tend_series_window *window,
                               int64_t now_ms, double wall_s, int64_t window_ms)
{
    struct scan scan = { .plan = plan,
                         .window = window,
                         .begin = tend_series_window_first_after(window, now_ms - window_ms),
                         .wall_s = wall_s,
                         .missing = missing_scrape(tend_series_window_history(window)) };
    int64_t first_ms = 0;
    int64_t last_ms = 0;
    for (scan.end = scan.begin; scan.end < tend_series_window_count(window); scan.end++) {
        const struct tend_scrape_row row = tend_series_window_row(window, scan.end);
        if (row.at_ms > now_ms) {
            break;
        }
        scan.newest = scan.end;
        if (row.good) {
            first_ms = scan.good_count == 0 ? row.at_ms : first_ms;
            last_ms = row.at_ms;
            scan.good_count++;
        }
    }
    tend_series_window_pieces(window, scan.begin, scan.end, scan.pieces);
    scan.seconds = (double)(last_ms - first_ms) / 1000.0;
    if (scan.missing == TEND_HAS_DATA && scan.good_count == 0) {
        scan.missing = TEND_MISSING_WARMING_UP; // the newest scrape is older than the window
    }
    return scan;
}

// Why a source cannot be read: none of its series is in the newest scrape.
static enum tend_missing missing_source(const struct scan *scan, const struct tend_source_columns *source)
{
    if (source->count == 0) {
        return source->had_series ? TEND_MISSING_SERIES_GONE : TEND_MISSING_NO_SERIES;
    }
    const double *values = tend_series_window_row(scan->window, scan->newest).values;
    for (size_t i = 0; i < source->count; i++) {
        if (!tend_is_stale(values[source->columns[i]])) {
            return TEND_HAS_DATA;
        }
    }
    return TEND_MISSING_SERIES_GONE;
}

// Why a counter that need not be there yet cannot be read: the same process had it, and has it no more.
static enum tend_missing missing_if_lost(const struct scan *scan, const struct tend_source_columns *source)
{
    if (source->count == 0 || missing_source(scan, source) == TEND_HAS_DATA) {
        return TEND_HAS_DATA;
    }
    for (size_t i = 0; i < source->count; i++) {
        if (tend_series_window_is_of_process(scan->window, source->columns[i])) {
            return TEND_MISSING_SERIES_GONE;
        }
    }
    return TEND_HAS_DATA;
}

// What a counter had gained when it was first seen, in this row; NaN when nobody knows.
static double gain_at_birth(const struct scan *scan, size_t column, size_t row)
{
    return row == scan->begin
               ? TEND_NO_DATA
               : tend_series_window_birth(scan->window, column, tend_series_window_row(scan->window, row).at_ms);
}

// What a counter gained in the window. Most of a tick's time is spent here, so it walks the rows where they lie.
// @param[in,out] steps  raised by the number of gains that were seen, of 0 or more
static double increase_of(const struct scan *scan, size_t column, uint32_t *steps)
{
    double before = TEND_NO_DATA;
    double increase = 0;
    uint32_t count = 0;
    size_t row = scan->begin;
    for (size_t p = 0; p < 2; p++) {
        const double *at = scan->pieces[p].values + column;
        for (size_t r = 0; r < scan->pieces[p].rows; r++, row++, at += scan->pieces[p].stride) {
            const double value = *at;
            if (!(value >= 0 && value < HUGE_VAL)) {
                continue; // not there, the scrape failed, or nothing that a counter can hold
            }
            const double gain = isnan(before)     ? gain_at_birth(scan, column, row)
                                : value >= before ? value - before
                                                  : value;
            if (!isnan(gain)) {
                increase += gain;
                count++;
            }
            before = value;
        }
    }
    *steps += count;
    return increase;
}

static double increase_of_all(const struct scan *scan, const struct tend_source_columns *source, uint32_t *steps)
{
    double increase = 0;
    for (size_t i = 0; i < source->count; i++) {
        increase += increase_of(scan, source->columns[i], steps);
    }
    return increase;
}

// Sum of the newest values. @param[out] count  how many numbers there were
static double newest_of_all(const struct scan *scan, const struct tend_source_columns *source, uint32_t *count)
{
    const double *values = tend_series_window_row(scan->window, scan->newest).values;
    double sum = 0;
    *count = 0;
    for (size_t i = 0; i < source->count; i++) {
        const double value = values[source->columns[i]];
        if (!isnan(value)) {
            sum += value;
            ++*count;
        }
    }
    return sum;
}

static void measure_gauge(const struct scan *scan, const struct tend_source_columns *source, struct tend_parts *parts)
{
    const double *newest = tend_series_window_row(scan->window, scan->newest).values;
    double sum = 0;
    uint32_t count = 0;
    for (size_t i = 0; i < source->count; i++) {
        const size_t column = source->columns[i];
        if (tend_is_stale(newest[column])) {
            continue; // gone: what it was is no part of what is
        }
        for (size_t p = 0; p < 2; p++) {
            const double *at = scan->pieces[p].values + column;
            for (size_t r = 0; r < scan->pieces[p].rows; r++, at += scan->pieces[p].stride) {
                if (!isnan(*at)) {
                    sum += *at;
                    count++;
                }
            }
        }
    }
    if (count == 0) {
        set_missing(parts, TEND_MISSING_NO_TRAFFIC); // NaN all along: a summary without observations, say
    } else {
        set_data(parts, sum / count, 1);
    }
}

static void measure_rate(const struct scan *scan, const struct tend_source_columns *source, struct tend_parts *parts)
{
    uint32_t steps = 0;
    const double increase = increase_of_all(scan, source, &steps);
    if (steps == 0) {
        set_missing(parts, TEND_MISSING_WARMING_UP);
    } else {
        set_data(parts, increase, scan->seconds);
    }
}

// Of the numbers that were there, each with the one before it, also over failed scrapes and gaps.
static void measure_changes(const struct scan *scan, const struct tend_source_columns *source, struct tend_parts *parts)
{
    uint32_t changes = 0;
    for (size_t i = 0; i < source->count; i++) {
        double before = TEND_NO_DATA;
        for (size_t p = 0; p < 2; p++) {
            const double *at = scan->pieces[p].values + source->columns[i];
            for (size_t r = 0; r < scan->pieces[p].rows; r++, at += scan->pieces[p].stride) {
                if (!isnan(*at)) {
                    changes += before < *at || before > *at;
                    before = *at;
                }
            }
        }
    }
    set_data(parts, changes, 1);
}

static void measure_mean(const struct scan *scan, const struct tend_source_columns *sums,
                         const struct tend_source_columns *counts, struct tend_parts *parts)
{
    uint32_t sum_steps = 0;
    uint32_t count_steps = 0;
    const double sum = increase_of_all(scan, sums, &sum_steps);
    const double count = increase_of_all(scan, counts, &count_steps);
    if (sum_steps == 0 || count_steps == 0) {
        set_missing(parts, TEND_MISSING_WARMING_UP);
    } else {
        set_data(parts, sum, count);
    }
}

// One side of a share, in units that fit the other side: beside a gauge a rate is per second.
static double side_of_share(const struct scan *scan, const struct tend_metric_def *def, size_t def_index, size_t side,
                            enum tend_missing *missing)
{
    const struct tend_source_columns *source = tend_metric_plan_source(scan->plan, def_index, side);
    const bool may_be_absent = side == 0 && !def->source_is_gauge[0];
    *missing = may_be_absent ? missing_if_lost(scan, source) : missing_source(scan, source);
    if (*missing != TEND_HAS_DATA) {
        return TEND_NO_DATA;
    }
    uint32_t count = 0;
    if (def->source_is_gauge[side]) {
        const double sum = newest_of_all(scan, source, &count);
        *missing = count == 0 ? TEND_MISSING_NO_TRAFFIC : TEND_HAS_DATA;
        return sum;
    }
    const double increase = increase_of_all(scan, source, &count);
    if (scan->good_count < 2 || (count == 0 && !may_be_absent)) {
        *missing = TEND_MISSING_WARMING_UP;
        return TEND_NO_DATA;
    }
    return def->source_is_gauge[1 - side] ? increase / scan->seconds : increase;
}

static void measure_share(const struct scan *scan, const struct tend_metric_def *def, size_t def_index,
                          struct tend_parts *parts)
{
    enum tend_missing below;
    enum tend_missing above;
    const double denominator = side_of_share(scan, def, def_index, 1, &below);
    const double numerator = side_of_share(scan, def, def_index, 0, &above);
    if (below != TEND_HAS_DATA || above != TEND_HAS_DATA) {
        set_missing(parts, below != TEND_HAS_DATA ? below : above);
    } else {
        set_data(parts, numerator, denominator);
    }
}

// Adds to the bucket of this bound, or makes it; bounds come rising. The last place is kept for +Inf.
static void add_bucket(struct tend_buckets *buckets, double le, double increase)
{
    if (buckets->count > 0 && buckets->le[buckets->count - 1] == le) {
        buckets->increase[buckets->count - 1] += increase;
        return;
    }
    const size_t room = isinf(le) && le > 0 ? TEND_BUCKETS_MAX : TEND_BUCKETS_MAX - 1;
    if (buckets->count < room) {
        buckets->le[buckets->count] = le;
        buckets->increase[buckets->count] = increase;
        buckets->count++;
    }
}

static void measure_quantile(const struct scan *scan, const struct tend_source_columns *source,
                             struct tend_parts *parts)
{
    uint32_t steps = 0;
    parts->buckets->count = 0;
    for (size_t i = 0; i < source->count; i++) {
        add_bucket(parts->buckets, source->le[i], increase_of(scan, source->columns[i], &steps));
    }
    if (steps == 0) {
        set_missing(parts, TEND_MISSING_WARMING_UP);
    } else {
        set_data(parts, 0, 0);
    }
}

static void measure_age(const struct scan *scan, const struct tend_source_columns *source, struct tend_parts *parts)
{
    const double *values = tend_series_window_row(scan->window, scan->newest).values;
    double newest_s = TEND_NO_DATA;
    for (size_t i = 0; i < source->count; i++) {
        const double value_s = values[source->columns[i]];
        if (!isnan(value_s) && !(value_s <= newest_s)) { // no fmax: the stale marker is a signaling NaN, and stays one
            newest_s = value_s;
        }
    }
    if (isnan(newest_s)) {
        set_missing(parts, TEND_MISSING_NO_TRAFFIC);
    } else {
        set_data(parts, fmax(scan->wall_s - newest_s, 0), 1);
    }
}

// Up is data as soon as there was a scrape: that it failed is what it says.
static void measure_up(const struct scan *scan, const struct tend_metric_def *def, size_t def_index,
                       struct tend_parts *parts)
{
    parts->samples = (uint32_t)(scan->end - scan->begin);
    if (scan->missing == TEND_MISSING_SCRAPE_FAILED || scan->missing == TEND_MISSING_BAD_PAYLOAD) {
        set_data(parts, 0, 1);
    } else if (scan->missing != TEND_HAS_DATA) {
        set_missing(parts, scan->missing);
    } else if (def->sources[0] == NULL) {
        set_data(parts, 1, 1);
    } else {
        const struct tend_source_columns *source = tend_metric_plan_source(scan->plan, def_index, 0);
        const enum tend_missing missing = missing_source(scan, source);
        uint32_t count = 0;
        const double sum = missing == TEND_HAS_DATA ? newest_of_all(scan, source, &count) : 0;
        if (count > 0) {
            set_data(parts, sum / count, 1);
        } else {
            set_missing(parts, missing != TEND_HAS_DATA ? missing : TEND_MISSING_NO_TRAFFIC);
        }
    }
}

static void measure_duration(const struct scan *scan, struct tend_parts *parts)
{
    const double duration_s = tend_series_window_history(scan->window)->duration_s;
    parts->samples = (uint32_t)(scan->end - scan->begin);
    if (scan->missing == TEND_MISSING_WARMING_UP || isnan(duration_s)) {
        set_missing(parts, TEND_MISSING_WARMING_UP);
    } else {
        set_data(parts, duration_s, 1);
    }
}

static bool needs_two_scrapes(enum tend_metric_kind kind)
{
    return kind == TEND_METRIC_RATE || kind == TEND_METRIC_MEAN || kind == TEND_METRIC_QUANTILE ||
           kind == TEND_METRIC_CHANGES;
}

// A metric made from series that have to be there.
static void measure_series(const struct scan *scan, const struct tend_metric_def *def, size_t def_index,
                           struct tend_parts *parts)
{
    const struct tend_source_columns *first = tend_metric_plan_source(scan->plan, def_index, 0);
    const struct tend_source_columns *second = tend_metric_plan_source(scan->plan, def_index, 1);
    enum tend_missing missing = missing_source(scan, first);
    if (missing == TEND_HAS_DATA && def->kind == TEND_METRIC_MEAN) {
        missing = missing_source(scan, second);
    }
    if (missing == TEND_HAS_DATA && needs_two_scrapes(def->kind) && scan->good_count < 2) {
        missing = TEND_MISSING_WARMING_UP;
    }
    if (missing != TEND_HAS_DATA) {
        set_missing(parts, missing);
    } else if (def->kind == TEND_METRIC_GAUGE) {
        measure_gauge(scan, first, parts);
    } else if (def->kind == TEND_METRIC_RATE) {
        measure_rate(scan, first, parts);
    } else if (def->kind == TEND_METRIC_MEAN) {
        measure_mean(scan, first, second, parts);
    } else if (def->kind == TEND_METRIC_QUANTILE) {
        measure_quantile(scan, first, parts);
    } else if (def->kind == TEND_METRIC_CHANGES) {
        measure_changes(scan, first, parts);
    } else {
        measure_age(scan, first, parts);
    }
}

static void measure(const struct scan *scan, const struct tend_metric_def *def, size_t def_index,
                    struct tend_parts *parts)
{
    parts->samples = scan->good_count;
    switch (def->kind) {
    case TEND_METRIC_UP:
        measure_up(scan, def, def_index, parts);
        return;
    case TEND_METRIC_SCRAPE_DURATION:
        measure_duration(scan, parts);
        return;
    case TEND_METRIC_GAUGE:
    case TEND_METRIC_RATE:
    case TEND_METRIC_MEAN:
    case TEND_METRIC_QUANTILE:
    case TEND_METRIC_SHARE:
    case TEND_METRIC_AGE:
    case TEND_METRIC_CHANGES:
        if (scan->missing != TEND_HAS_DATA) {
            set_missing(parts, scan->missing);
        } else if (def->kind == TEND_METRIC_SHARE) {
            measure_share(scan, def, def_index, parts);
        } else {
            measure_series(scan, def, def_index, parts);
        }
        return;
    }
}

void tend_measure_instance(const struct tend_metric_plan *plan, const struct tend_series_window *window, int64_t now_ms,
                           double wall_s, int64_t window_ms, struct tend_parts *parts)
{
    TEND_ASSERT(tend_metric_plan_layout(plan) == tend_series_window_layout(window));
    const struct scan scan = scan_window(plan, window, now_ms, wall_s, window_ms);
    size_t count;
    const struct tend_metric_def *defs = tend_metric_plan_defs(plan, &count);
    for (size_t i = 0; i < count; i++) {
        if (defs[i].window_ms > 0 && defs[i].window_ms != window_ms) {
            const struct scan own = scan_window(plan, window, now_ms, wall_s, defs[i].window_ms);
            measure(&own, &defs[i], i, &parts[i]);
        } else {
            measure(&scan, &defs[i], i, &parts[i]);
        }
    }
}

static enum tend_missing missing_quantile(const struct tend_buckets *buckets)
{
    const bool whole = buckets->count >= 2 && isinf(buckets->le[buckets->count - 1]);
    return whole ? TEND_MISSING_NO_TRAFFIC : TEND_MISSING_NO_SERIES;
}

double tend_measure_value(const struct tend_metric_def *def, const struct tend_parts *parts, enum tend_missing *missing)
{
    *missing = parts->missing;
    if (parts->instances == 0) {
        return TEND_NO_DATA;
    }
    const bool of_series = def->kind != TEND_METRIC_UP && def->kind != TEND_METRIC_SCRAPE_DURATION;
    if (of_series && parts->samples < def->min_samples) {
        *missing = TEND_MISSING_TOO_FEW_SAMPLES;
        return TEND_NO_DATA;
    }
    double value = TEND_NO_DATA;
    if (def->kind == TEND_METRIC_QUANTILE) {
        value = tend_buckets_quantile(parts->buckets, def->quantile);
        *missing = isnan(value) ? missing_quantile(parts->buckets) : TEND_HAS_DATA;
    } else if (parts->denominator == 0) {
        *missing = TEND_MISSING_NO_TRAFFIC;
    } else {
        value = parts->numerator / parts->denominator;
        // Inf - Inf, or sums over the largest double: no payload to count with. What a gauge says is what is.
        const bool told = def->kind == TEND_METRIC_GAUGE || def->kind == TEND_METRIC_UP;
        if (isnan(value) || (isinf(value) && !told)) {
            value = TEND_NO_DATA;
            *missing = TEND_MISSING_BAD_PAYLOAD;
        }
    }
    return value;
}

void tend_parts_reset(struct tend_parts *total)
{
    set_missing(total, TEND_MISSING_TARGET_REMOVED);
    total->samples = 0;
}

static void add_buckets(struct tend_buckets *total, const struct tend_buckets *more)
{
    const struct tend_buckets old = *total;
    size_t i = 0;
    size_t j = 0;
    total->count = 0;
    while (i < old.count || j < more->count) {
        if (j == more->count || (i < old.count && old.le[i] <= more->le[j])) {
            add_bucket(total, old.le[i], old.increase[i]);
            i++;
        } else {
            add_bucket(total, more->le[j], more->increase[j]);
            j++;
        }
    }
}

void tend_parts_add(const struct tend_metric_def *def, struct tend_parts *total, const struct tend_parts *instance)
{
    if (instance->instances == 0) {
        const bool first = total->missing == TEND_MISSING_TARGET_REMOVED;
        if (total->instances == 0 && (first || instance->missing < total->missing)) {
            total->missing = instance->missing;
        }
        return;
    }
    if (total->instances == 0) {
        set_data(total, 0, 0);
        total->instances = 0;
    }
    if (def->kind == TEND_METRIC_QUANTILE) {
        add_buckets(total->buckets, instance->buckets);
    } else if (def->kind == TEND_METRIC_AGE) {
        total->numerator = total->instances == 0 ? instance->numerator : fmin(total->numerator, instance->numerator);
        total->denominator = 1;
    } else {
        total->numerator += instance->numerator;
        total->denominator += instance->denominator;
    }
    total->instances += instance->instances;
    total->samples = instance->samples > total->samples ? instance->samples : total->samples;
}

double tend_buckets_quantile(const struct tend_buckets *buckets, double q)
{
    const size_t count = buckets->count;
    if (count < 2 || isnan(q) || !(isinf(buckets->le[count - 1]) && buckets->le[count - 1] > 0)) {
        return TEND_NO_DATA;
    }
    if (q < 0 || q > 1) {
        return q < 0 ? -HUGE_VAL : HUGE_VAL;
    }
    double level[TEND_BUCKETS_MAX];
    level[0] = buckets->increase[0];
    for (size_t i = 1; i < count; i++) {
        level[i] = fmax(buckets->increase[i], level[i - 1]);
    }
    if (!(level[count - 1] > 0)) {
        return TEND_NO_DATA;
    }
    double rank = q * level[count - 1];
    size_t b = 0;
    while (b < count - 1 && level[b] < rank) {
        b++;
    }
    if (b == count - 1) {
        return buckets->le[count - 2];
    }
    if (b == 0 && buckets->le[0] <= 0) {
        return buckets->le[0];
    }
    const double start = b > 0 ? buckets->le[b - 1] : 0;
    const double below = b > 0 ? level[b - 1] : 0;
    rank -= below;
    const double inside = level[b] - below;
    return inside > 0 ? start + (buckets->le[b] - start) * (rank / inside) : start; // PromQL: 0/0 for q = 0
}
