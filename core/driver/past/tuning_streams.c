#include "driver/past/tuning_streams.h"

#include "deviation/deviation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BITS_A_FACTOR = TEND_TUNING_CLEARS + 1, VERDICT_BIT = 63, HOLD_BIT = 62 };
_Static_assert(BITS_A_FACTOR *TEND_TUNING_FACTORS <= HOLD_BIT, "a level has a bit for each limit");

const double tend_tuning_factors[TEND_TUNING_FACTORS] = { 0.5, 0.7, 1, 1.4, 2, 2.8, 4, 6, 10, 20 };
const double tend_tuning_clears[TEND_TUNING_CLEARS] = { (double)NAN, 0.95, 0.8, 0.65, 0.5 };

struct tend_tuning_streams {
    struct tend_tuning_stream *streams;
    size_t count, capacity;
    struct tend_level_table levels;
    size_t met;    // at this look
    size_t *order; // streams as they were met at the last look
    size_t order_count, order_capacity;
    size_t runs;
    uint64_t ticks_seen;
    bool evaluating; // at the last look: rules with a function had no verdict yet
    enum tend_status status;
    struct tend_metric_table limits; // a slot a factor: scratch
};

uint64_t tend_tuning_out_bit(size_t factor)
{
    return UINT64_C(1) << (factor * BITS_A_FACTOR);
}

uint64_t tend_tuning_clear_bit(size_t factor, size_t clear)
{
    return UINT64_C(1) << (factor * BITS_A_FACTOR + 1 + clear);
}

uint64_t tend_tuning_verdict_bit(void)
{
    return UINT64_C(1) << VERDICT_BIT;
}

uint64_t tend_tuning_hold_bit(void)
{
    return UINT64_C(1) << HOLD_BIT;
}

// ---- the grid's limits ----

// The very number that its text gives, so that what is pasted is what was played.
static double as_written(double value)
{
    char text[40];
    (void)snprintf(text, sizeof text, "%.15g", value);
    return strtod(text, NULL);
}

// To two digits, as a person would write it.
static double rounded(double value)
{
    if (value == 0 || !isfinite(value)) {
        return value;
    }
    const double unit = pow(10, floor(log10(fabs(value))) - 1);
    return as_written(round(value / unit) * unit);
}

// The limit lies on the far side of what is expected by `factor` times the distance. With `bad` below it cannot pass 0:
// what is left above 0 is divided instead.
static double alpha_of(double alpha, enum tend_bad bad, double factor)
{
    if (bad == TEND_BAD_BELOW && factor > 1 && alpha < 1) {
        return as_written(1 - rounded((1 - alpha) / factor));
    }
    return rounded(alpha * factor);
}

static double out_at_of(const struct tend_judged_view *judged, enum tend_bad bad, double factor)
{
    if (bad == TEND_BAD_BELOW && factor > 1 && judged->out_at > 0) {
        return rounded(judged->out_at / factor);
    }
    return rounded(judged->e + (judged->out_at - judged->e) * factor);
}

static void set_limits(struct tend_tuning_stream *stream, const struct tend_judged_view *judged)
{
    const struct tend_metric_def *def = &judged->def->metrics[judged->metric];
    const bool by_alpha = isnan(judged->out_at);
    // A limit in the metric's unit can be moved away from a constant, not from what is another at each sample.
    stream->has_limits = by_alpha ? !isnan(def->alpha) : def->expect == TEND_EXPECT_VALUE && !isnan(judged->e);
    for (size_t f = 0; f < TEND_TUNING_FACTORS; f++) {
        const double factor = tend_tuning_factors[f];
        stream->alphas[f] = !by_alpha              ? (double)NAN
                            : f == TEND_TUNING_NOW ? def->alpha
                                                   : alpha_of(def->alpha, def->bad, factor);
        stream->out_ats[f] = by_alpha || !stream->has_limits ? (double)NAN
                             : f == TEND_TUNING_NOW          ? judged->out_at
                                                             : out_at_of(judged, def->bad, factor);
    }
}

// The alpha that holds where another was written: of what is learned the engine takes a larger one where the metric's
// own history reaches farther (engine/learn.c), and then that holds whatever was written below it.
static double alpha_that_holds(const struct tend_tuning_stream *stream, const struct tend_judged_view *judged, size_t f)
{
    const double reach = judged->alpha > stream->alphas[TEND_TUNING_NOW] ? judged->alpha : 0;
    return stream->alphas[f] < reach ? reach : stream->alphas[f];
}

// A under each limit, by the engine's own pass. The engine's own A where that is another: then A depends on more than
// P, E and the limit, and is taken as inversely proportional to alpha.
static void alert_indexes(struct tend_tuning_streams *streams, const struct tend_tuning_stream *stream,
                          const struct tend_judged_view *judged, double out[TEND_TUNING_FACTORS])
{
    struct tend_metric_table *table = &streams->limits;
    for (size_t f = 0; f < TEND_TUNING_FACTORS; f++) {
        table->p[f] = judged->p;
        table->e[f] = judged->e;
        table->floor[f] = judged->floor;
        table->bad[f] = (uint8_t)judged->def->metrics[judged->metric].bad;
        table->alpha[f] = alpha_that_holds(stream, judged, f);
        table->out_at[f] = stream->out_ats[f];
    }
    tend_deviation_pass(table, 0, TEND_TUNING_FACTORS);
    const bool same = table->a[TEND_TUNING_NOW] == judged->a;
    for (size_t f = 0; f < TEND_TUNING_FACTORS; f++) {
        out[f] = same ? table->a[f] : judged->a / tend_tuning_factors[f];
    }
}

// ---- streams ----

static bool is_of(const struct tend_tuning_stream *stream, const struct tend_judged_view *judged)
{
    return stream->rule == judged->rule && strcmp(stream->instance, judged->instance) == 0 &&
           strcmp(stream->service, judged->service) == 0;
}

static void clear(struct tend_tuning_stream *stream)
{
    tend_alert_stream_clear(&stream->told);
    free(stream->service);
    free(stream->instance);
    free(stream->metric);
}

static struct tend_tuning_stream *add(struct tend_tuning_streams *streams, const struct tend_judged_view *judged)
{
    if (streams->count == streams->capacity) {
        const size_t capacity = streams->capacity == 0 ? 64 : streams->capacity * 2;
        struct tend_tuning_stream *grown = reallocarray(streams->streams, capacity, sizeof *grown);
        if (grown == NULL) {
            return NULL;
        }
        streams->streams = grown;
        streams->capacity = capacity;
    }
    struct tend_tuning_stream *stream = &streams->streams[streams->count];
    *stream = (struct tend_tuning_stream){
        .rule = judged->rule,
        .service = strdup(judged->service),
        .instance = strdup(judged->instance),
        .times = judged->times,
        .clear_below = judged->binding->clear_below,
        .gap_ms = judged->gap_ms,
        .every_ms = judged->def->every_ms,
        .metric = judged->metric < 0 ? NULL : strdup(judged->def->metrics[judged->metric].name),
        .explained = judged->binding->ahead_ms == 0, // a forecast looks at the limit, too
        .newest_a = (double)NAN,
        .newest_verdict = TEND_VERDICT_ERROR,
    };
    if (stream->service == NULL || stream->instance == NULL || (judged->metric >= 0 && stream->metric == NULL)) {
        clear(stream);
        return NULL;
    }
    if (judged->metric >= 0) {
        stream->expect = judged->def->metrics[judged->metric].expect;
        set_limits(stream, judged);
    }
    stream->told.newest_ms = INT64_MIN;
    streams->count++;
    return stream;
}

static bool remember_order(struct tend_tuning_streams *streams, size_t place, size_t found)
{
    if (place >= streams->order_capacity) {
        const size_t capacity = place < 32 ? 64 : place * 2;
        size_t *grown = reallocarray(streams->order, capacity, sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        streams->order = grown;
        streams->order_capacity = capacity;
    }
    streams->order[place] = found;
    streams->order_count = place + 1 > streams->order_count ? place + 1 : streams->order_count;
    return true;
}

// Alerts are met in the engine's order, which hardly ever changes, so each is looked for where it was the last time.
static struct tend_tuning_stream *find(struct tend_tuning_streams *streams, const struct tend_judged_view *judged)
{
    const size_t place = streams->met++;
    if (place < streams->order_count && is_of(&streams->streams[streams->order[place]], judged)) {
        return &streams->streams[streams->order[place]];
    }
    size_t found = 0;
    while (found < streams->count && !is_of(&streams->streams[found], judged)) {
        found++;
    }
    if (found == streams->count && add(streams, judged) == NULL) {
        return NULL;
    }
    return remember_order(streams, place, found) ? &streams->streams[found] : NULL;
}

// ---- what an alert was told ----

static struct tend_level level_of(struct tend_tuning_streams *streams, struct tend_tuning_stream *stream,
                                  const struct tend_judged_view *judged)
{
    switch (judged->verdict) {
    case TEND_VERDICT_UNKNOWN:
        return (struct tend_level){ .kind = TEND_LEVEL_UNKNOWN };
    case TEND_VERDICT_ERROR:
        return (struct tend_level){ .kind = TEND_LEVEL_HELD };
    case TEND_VERDICT_HOLD:
        if (judged->metric < 0 || judged->missing) {
            return (struct tend_level){ .kind = TEND_LEVEL_HELD };
        }
        break; // it fires, and is in line by what is left
    case TEND_VERDICT_IN_LINE:
    case TEND_VERDICT_OUT:
        break;
    }
    const bool out = judged->verdict == TEND_VERDICT_OUT;
    struct tend_level level = { .kind = TEND_LEVEL_DATA, .beyond = out ? tend_tuning_verdict_bit() : 0 };
    if (judged->metric < 0) {
        return level;
    }
    level.beyond |= judged->holds ? tend_tuning_hold_bit() : 0;
    stream->latched = tend_latch(stream->latched, judged->a, stream->clear_below);
    stream->explained = stream->explained && stream->latched == out;
    if (!stream->has_limits) {
        return level;
    }
    double a[TEND_TUNING_FACTORS];
    alert_indexes(streams, stream, judged, a);
    for (size_t f = 0; f < TEND_TUNING_FACTORS; f++) {
        level.beyond |= a[f] >= 1.0 ? tend_tuning_out_bit(f) : 0;
        for (size_t c = 0; c < TEND_TUNING_CLEARS; c++) {
            const double clear_below = c == 0 ? stream->clear_below : tend_tuning_clears[c];
            level.beyond |= a[f] >= clear_below ? tend_tuning_clear_bit(f, c) : 0;
        }
    }
    return level;
}

static void push(struct tend_tuning_streams *streams, struct tend_tuning_stream *stream, int64_t at_ms,
                 struct tend_level level)
{
    uint16_t index = 0;
    const size_t before = stream->told.count;
    streams->status = tend_level_table_find(&streams->levels, level, &index);
    if (streams->status == TEND_OK) {
        streams->status = tend_alert_stream_push(&stream->told, at_ms, index, stream->gap_ms);
    }
    streams->runs += stream->told.count - before;
    if (streams->status == TEND_OK && streams->runs > TEND_TUNING_RUNS_MAX) {
        streams->status = TEND_E_LIMIT;
    }
}

static bool same_number(double one, double other)
{
    return one == other || (isnan(one) && isnan(other));
}

// An instance is judged when it was scraped. A service may be judged anew at the same newest sample, when the result of
// an older scrape came later.
static bool is_new(const struct tend_tuning_stream *stream, const struct tend_judged_view *judged)
{
    return judged->data_ms > stream->told.newest_ms ||
           (judged->instance[0] == '\0' &&
            (judged->verdict != stream->newest_verdict || !same_number(judged->a, stream->newest_a)));
}

static void take(void *context, const struct tend_judged_view *judged)
{
    struct tend_tuning_streams *streams = context;
    struct tend_tuning_stream *stream = streams->status == TEND_OK ? find(streams, judged) : NULL;
    if (stream == NULL) {
        streams->status = streams->status == TEND_OK ? TEND_E_NOMEM : streams->status;
        return;
    }
    if (judged->asleep) {
        if (!stream->asleep) {
            push(streams, stream, judged->data_ms, (struct tend_level){ .kind = TEND_LEVEL_ENDED });
            stream->latched = false;
        }
    } else if (is_new(stream, judged)) {
        push(streams, stream, judged->data_ms, level_of(streams, stream, judged));
        stream->newest_a = judged->a;
        stream->newest_verdict = judged->verdict;
    }
    stream->asleep = judged->asleep;
}

void tend_tuning_streams_look(void *context, const struct tend_simulation *simulation)
{
    struct tend_tuning_streams *streams = context;
    const struct tend_engine *engine = tend_simulation_engine(simulation);
    const uint64_t ticks = tend_engine_ticks(engine);
    const bool evaluating = tend_engine_is_evaluating(engine);
    if (ticks != streams->ticks_seen || (streams->evaluating && !evaluating)) {
        streams->met = 0;
        tend_engine_visit_judged(engine, take, streams);
    }
    streams->ticks_seen = ticks;
    streams->evaluating = evaluating;
}

enum tend_status tend_tuning_streams_status(const struct tend_tuning_streams *streams)
{
    return streams->status;
}

const struct tend_tuning_stream *tend_tuning_streams_all(const struct tend_tuning_streams *streams, size_t *count)
{
    *count = streams->count;
    return streams->streams;
}

const struct tend_level_table *tend_tuning_streams_levels(const struct tend_tuning_streams *streams)
{
    return &streams->levels;
}

enum tend_status tend_tuning_streams_create(struct tend_tuning_streams **out)
{
    static const struct tend_metric_def none[TEND_TUNING_FACTORS];
    struct tend_tuning_streams *streams = calloc(1, sizeof *streams);
    if (streams == NULL) {
        return TEND_E_NOMEM;
    }
    tend_metric_table_init(&streams->limits);
    size_t first;
    if (tend_metric_table_add(&streams->limits, none, TEND_TUNING_FACTORS, &first) != TEND_OK) {
        free(streams);
        return TEND_E_NOMEM;
    }
    *out = streams;
    return TEND_OK;
}

void tend_tuning_streams_destroy(struct tend_tuning_streams *streams)
{
    if (streams == NULL) {
        return;
    }
    for (size_t i = 0; i < streams->count; i++) {
        clear(&streams->streams[i]);
    }
    free(streams->streams);
    free(streams->order);
    tend_level_table_clear(&streams->levels);
    tend_metric_table_clear(&streams->limits);
    free(streams);
}
