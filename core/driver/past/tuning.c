// For each rule: which points the grid has, all its alerts played under each of them, and what that says.

#include "driver/past/tuning.h"

#include "driver/past/tuning_advice.h"
#include "driver/past/tuning_marks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS (INT64_C(24) * 3600 * 1000)

enum { BLOCKS_MIN = 14 };

// What people write for a time.
static const int64_t ladder_ms[] = { 1000,     2000,     5000,     10000,    15000,   20000,   30000,
                                     45000,    60000,    90000,    120000,   180000,  300000,  600000,
                                     900000,   1200000,  1800000,  2700000,  3600000, 5400000, 7200000,
                                     10800000, 14400000, 21600000, 43200000, 86400000 };

struct judge {
    const struct tend_tuning_options *options;
    const struct tend_tuning_stream *streams;
    size_t stream_count;
    struct tend_tuning_marks *marks;
    int64_t from_ms, until_ms;
    int64_t block_ms; // a day, or a fourteenth of a past that is shorter
    size_t blocks;
    uint8_t *covered;     // one a block: the rule had samples in it
    uint32_t *in_block;   // one a block: false alarms under the point that is played
    uint32_t *of_covered; // the same, without blocks that had no samples
    // What is played:
    const struct tend_tuning_stream *stream;
    struct tend_tuning_point *point;
    uint32_t stream_false;
    double firing_s; // of false alarms, of all alerts
};

// ---- which points there are ----

// From the interval of scrapes, for less is no wait, to eight times the longest wait there is; and none at all.
static void choose_waits(struct tend_tuning_rule *rule, int64_t every_ms, int64_t longest_ms)
{
    enum { STEPS = TEND_TUNING_WAITS - 2 };
    const double most_ms = fmax(32 * (double)every_ms, 8 * (double)longest_ms);
    const double ratio = pow(most_ms / (double)every_ms, 1.0 / (STEPS - 1)) * 0.9;
    rule->waits_ms[0] = -1;
    rule->waits_ms[1] = 0;
    rule->wait_count = 2;
    double least_ms = (double)every_ms;
    for (size_t i = 0; i < sizeof ladder_ms / sizeof *ladder_ms && rule->wait_count < TEND_TUNING_WAITS; i++) {
        if ((double)ladder_ms[i] >= least_ms) {
            rule->waits_ms[rule->wait_count++] = ladder_ms[i];
            least_ms = (double)ladder_ms[i] * ratio;
        }
    }
}

static double common(double one, double other)
{
    return one == other ? one : (double)NAN;
}

// Whether another rule is on a metric of that name: of the same service, or of one that may have its limit from the
// same group.
static bool is_shared(const struct judge *judge, const struct tend_tuning_stream *stream)
{
    for (size_t i = 0; stream->metric != NULL && i < judge->stream_count; i++) {
        const struct tend_tuning_stream *other = &judge->streams[i];
        if (other->rule != stream->rule && other->metric != NULL && strcmp(other->metric, stream->metric) == 0) {
            return true;
        }
    }
    return false;
}

static int64_t common_ms(bool first, int64_t one_ms, int64_t other_ms)
{
    return first || one_ms == other_ms ? other_ms : -1;
}

// What is the same for all alerts is the rule's.
static void describe_settings(struct tend_tuning_rule *rule, const struct tend_tuning_stream *stream, bool first)
{
    const double alpha = stream->has_limits ? stream->alphas[TEND_TUNING_NOW] : (double)NAN;
    const double out_at = stream->has_limits ? stream->out_ats[TEND_TUNING_NOW] : (double)NAN;
    rule->alpha = first ? alpha : common(rule->alpha, alpha);
    rule->out_at = first ? out_at : common(rule->out_at, out_at);
    rule->clear_below = first ? stream->clear_below : common(rule->clear_below, stream->clear_below);
    rule->fire_after_ms = common_ms(first, rule->fire_after_ms, stream->times.fire_after_ms);
    rule->clear_after_ms = common_ms(first, rule->clear_after_ms, stream->times.clear_after_ms);
}

static void describe_kind(const struct judge *judge, struct tend_tuning_rule *rule,
                          const struct tend_tuning_stream *stream)
{
    const bool learns = stream->expect == TEND_EXPECT_LAST || stream->expect == TEND_EXPECT_LEARNED;
    rule->by_metric = rule->by_metric && stream->has_limits && stream->explained;
    rule->unexplained = rule->unexplained || (stream->metric != NULL && !stream->explained);
    rule->shares = rule->shares || is_shared(judge, stream);
    rule->approximate = rule->approximate || (stream->metric != NULL && learns);
}

static void describe(const struct judge *judge, struct tend_tuning_rule *rule)
{
    int64_t every_ms = INT64_MAX;
    int64_t longest_ms = 0;
    rule->by_metric = true;
    for (size_t i = 0; i < judge->stream_count; i++) {
        const struct tend_tuning_stream *stream = &judge->streams[i];
        if (stream->rule != rule->rule) {
            continue;
        }
        describe_settings(rule, stream, rule->alerts == 0);
        describe_kind(judge, rule, stream);
        rule->alerts++;
        every_ms = stream->every_ms < every_ms ? stream->every_ms : every_ms;
        longest_ms = stream->times.fire_after_ms > longest_ms ? stream->times.fire_after_ms : longest_ms;
    }
    choose_waits(rule, every_ms, longest_ms);
}

static bool lay_grid(struct tend_tuning_rule *rule)
{
    const size_t factors = rule->by_metric ? TEND_TUNING_FACTORS : 1;
    const size_t clears = rule->by_metric ? TEND_TUNING_CLEARS : rule->wait_count;
    rule->points = calloc(factors * rule->wait_count * clears, sizeof *rule->points);
    if (rule->points == NULL) {
        return false;
    }
    for (size_t f = 0; f < factors; f++) {
        for (size_t wait = 0; wait < rule->wait_count; wait++) {
            for (size_t clear = 0; clear < clears; clear++) {
                const size_t factor = rule->by_metric ? f : TEND_TUNING_NOW;
                if (factor == TEND_TUNING_NOW && wait == 0 && clear == 0) {
                    rule->now = rule->point_count;
                }
                rule->points[rule->point_count++] =
                    (struct tend_tuning_point){ .factor = factor, .wait = wait, .clear = clear };
            }
        }
    }
    rule->suggested = rule->now;
    return true;
}

const struct tend_tuning_point *tend_tuning_find(const struct tend_tuning_rule *rule, size_t factor, size_t wait,
                                                 size_t clear)
{
    for (size_t i = 0; i < rule->point_count; i++) {
        const struct tend_tuning_point *point = &rule->points[i];
        if (point->factor == factor && point->wait == wait && point->clear == clear) {
            return point;
        }
    }
    return NULL;
}

// ---- what was seen of a rule ----

static size_t block_of(const struct judge *judge, int64_t at_ms)
{
    const int64_t block = at_ms <= judge->from_ms ? 0 : (at_ms - judge->from_ms) / judge->block_ms;
    return (size_t)block < judge->blocks ? (size_t)block : judge->blocks - 1;
}

// A block without a sample of any of the rule's alerts is no time in which alarms could have been.
static size_t cover(const struct judge *judge, size_t rule)
{
    memset(judge->covered, 0, judge->blocks);
    for (size_t i = 0; i < judge->stream_count; i++) {
        const struct tend_alert_stream *told = &judge->streams[i].told;
        for (size_t r = 0; judge->streams[i].rule == rule && r < told->count; r++) {
            const size_t last = block_of(judge, told->runs[r].first_ms + told->runs[r].span_ms);
            for (size_t b = block_of(judge, told->runs[r].first_ms); b <= last; b++) {
                judge->covered[b] = 1;
            }
        }
    }
    size_t covered = 0;
    for (size_t b = 0; b < judge->blocks; b++) {
        covered += judge->covered[b];
    }
    return covered;
}

// ---- playing ----

static void take_alarm(void *context, int64_t fired_ms, int64_t ended_ms)
{
    struct judge *judge = context;
    judge->point->alarms++;
    if (!tend_tuning_marks_take(judge->marks, judge->stream->service, fired_ms, ended_ms)) {
        judge->point->false_alarms++;
        judge->stream_false++;
        judge->firing_s += (double)((ended_ms < judge->until_ms ? ended_ms : judge->until_ms) - fired_ms) / 1000.0;
        judge->in_block[block_of(judge, fired_ms)]++;
    }
}

static struct tend_alert_settings settings_of(const struct tend_tuning_rule *rule,
                                              const struct tend_tuning_stream *stream,
                                              const struct tend_tuning_point *point)
{
    struct tend_alert_settings settings = { .times = stream->times,
                                            .gap_ms = stream->gap_ms,
                                            .hold_bit = tend_tuning_hold_bit() };
    if (point->wait > 0) {
        settings.times.fire_after_ms = rule->waits_ms[point->wait];
    }
    if (rule->by_metric) {
        settings.out_bit = tend_tuning_out_bit(point->factor);
        settings.clear_bit = tend_tuning_clear_bit(point->factor, point->clear);
    } else {
        settings.out_bit = settings.clear_bit = tend_tuning_verdict_bit();
        if (point->clear > 0) {
            settings.times.clear_after_ms = rule->waits_ms[point->clear];
        }
    }
    return settings;
}

static struct tend_alarm_counts counts_of(const struct judge *judge)
{
    size_t covered = 0;
    for (size_t b = 0; b < judge->blocks; b++) {
        if (judge->covered[b]) {
            judge->of_covered[covered++] = judge->in_block[b];
        }
    }
    return (struct tend_alarm_counts){ .counts = judge->of_covered,
                                       .blocks = covered,
                                       .block_s = (double)judge->block_ms / 1000.0 };
}

static void note_noisiest(struct tend_tuning_rule *rule, const char *service, uint32_t alarms)
{
    if (alarms > rule->noisiest_alarms) {
        rule->noisiest = service;
        rule->noisiest_alarms = alarms;
    }
}

static void play_point(struct judge *judge, struct tend_tuning_rule *rule, struct tend_tuning_point *point)
{
    const struct tend_tuning_options *options = judge->options;
    judge->point = point;
    judge->firing_s = 0;
    memset(judge->in_block, 0, judge->blocks * sizeof *judge->in_block);
    tend_tuning_marks_begin(judge->marks);
    uint32_t of_service = 0;
    const char *service = NULL;
    for (size_t i = 0; i < judge->stream_count; i++) {
        const struct tend_tuning_stream *stream = &judge->streams[i];
        if (stream->rule != rule->rule) {
            continue;
        }
        judge->stream = stream;
        judge->stream_false = 0;
        const struct tend_alert_settings settings = settings_of(rule, stream, point);
        tend_alert_stream_play(&stream->told, tend_tuning_streams_levels(options->streams), &settings, take_alarm,
                               judge);
        of_service = service != NULL && strcmp(service, stream->service) == 0 ? of_service + judge->stream_false
                                                                              : judge->stream_false;
        service = stream->service;
        if (point == &rule->points[rule->now]) {
            note_noisiest(rule, service, of_service);
        }
    }
    const struct tend_alarm_counts counts = counts_of(judge);
    point->forecast = tend_alarm_forecast(&counts, (double)options->period_ms / 1000.0);
    point->per_budget = point->exceeds = (double)NAN;
    if (options->budget.within_ms > 0) {
        const double within_s = (double)options->budget.within_ms / 1000.0;
        const struct tend_alarm_forecast forecast = tend_alarm_forecast(&counts, within_s);
        point->per_budget = point->false_alarms * within_s / rule->observed_s;
        point->exceeds = tend_alarm_exceeds(&forecast, options->budget.alarms);
    }
    point->firing_share = judge->firing_s / (rule->observed_s * (double)rule->alerts);
    point->found = (uint32_t)tend_tuning_marks_found(judge->marks, &point->delay_s);
    if (point == &rule->points[rule->now]) {
        rule->dispersion = tend_alarm_dispersion(&counts);
    }
}

// ---- the whole ----

static bool begin(struct judge *judge)
{
    const json_t *report = judge->options->report;
    const int64_t from_ms = tend_json_integer(report, "from_ms", 0);
    const int64_t span_ms = tend_json_integer(report, "until_ms", 0) - from_ms;
    judge->streams = tend_tuning_streams_all(judge->options->streams, &judge->stream_count);
    judge->from_ms = from_ms;
    judge->blocks = span_ms / DAY_MS > BLOCKS_MIN ? (size_t)(span_ms / DAY_MS) : BLOCKS_MIN;
    judge->block_ms = span_ms / (int64_t)judge->blocks + 1;
    judge->until_ms = from_ms + span_ms;
    judge->covered = calloc(judge->blocks, sizeof *judge->covered);
    judge->in_block = calloc(judge->blocks, sizeof *judge->in_block);
    judge->of_covered = calloc(judge->blocks, sizeof *judge->of_covered);
    judge->marks = tend_tuning_marks_create(judge->options->labels, json_object_get(report, "services"));
    return judge->covered != NULL && judge->in_block != NULL && judge->of_covered != NULL && judge->marks != NULL;
}

static void end(struct judge *judge)
{
    free(judge->covered);
    free(judge->in_block);
    free(judge->of_covered);
    tend_tuning_marks_destroy(judge->marks);
}

static bool judge_rule(struct judge *judge, struct tend_tuning_rule *rule)
{
    describe(judge, rule);
    if (!lay_grid(rule)) {
        return false;
    }
    rule->observed_s = (double)cover(judge, rule->rule) * (double)judge->block_ms / 1000.0;
    for (size_t i = 0; i < rule->point_count; i++) {
        play_point(judge, rule, &rule->points[i]);
    }
    tend_tuning_advise(rule, &judge->options->budget, tend_tuning_marks_count(judge->marks));
    return true;
}

enum tend_status tend_tuning_judge(const struct tend_tuning_options *options, struct tend_tuning *out)
{
    struct judge judge = { .options = options };
    struct tend_tuning tuning = { 0 };
    bool fine = begin(&judge);
    size_t rules = 0;
    for (size_t i = 0; i < judge.stream_count; i++) {
        rules = judge.streams[i].rule >= rules ? judge.streams[i].rule + 1 : rules;
    }
    tuning.rules = calloc(rules + 1, sizeof *tuning.rules);
    uint8_t *there = calloc(rules + 1, 1);
    fine = fine && tuning.rules != NULL && there != NULL;
    for (size_t i = 0; fine && i < judge.stream_count; i++) {
        there[judge.streams[i].rule] = options->only == SIZE_MAX || options->only == judge.streams[i].rule;
    }
    for (size_t r = 0; fine && r < rules; r++) {
        if (there[r]) {
            tuning.rules[tuning.count].rule = r;
            fine = judge_rule(&judge, &tuning.rules[tuning.count++]);
        }
    }
    free(there);
    end(&judge);
    if (!fine) {
        tend_tuning_clear(&tuning);
        return TEND_E_NOMEM;
    }
    *out = tuning;
    return TEND_OK;
}

void tend_tuning_clear(struct tend_tuning *tuning)
{
    for (size_t i = 0; i < tuning->count; i++) {
        free(tuning->rules[i].points);
    }
    free(tuning->rules);
    *tuning = (struct tend_tuning){ 0 };
}
