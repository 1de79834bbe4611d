// Within a run every sample has the same level, so the latch and the verdict do not change after its first sample, and
// the state machine only waits for time to pass: it is given the first sample, those after it for as long as it may yet
// fire or resolve, and the last one. A state machine that has settled is told nothing more of the run but its end.

#include "alert/alert_stream.h"

#include <stdlib.h>

// ---- levels ----

void tend_level_table_clear(struct tend_level_table *table)
{
    free(table->levels);
    *table = (struct tend_level_table){ 0 };
}

enum tend_status tend_level_table_find(struct tend_level_table *table, struct tend_level level, uint16_t *out)
{
    // Newest first: what is new is often seen again soon. There are hardly more levels than limits.
    for (size_t i = table->count; i > 0; i--) {
        if (table->levels[i - 1].kind == level.kind && table->levels[i - 1].beyond == level.beyond) {
            *out = (uint16_t)(i - 1);
            return TEND_OK;
        }
    }
    if (table->count > UINT16_MAX) {
        return TEND_E_LIMIT;
    }
    if (table->count == table->capacity) {
        const size_t capacity = table->capacity == 0 ? 64 : table->capacity * 2;
        struct tend_level *grown = reallocarray(table->levels, capacity, sizeof *grown);
        if (grown == NULL) {
            return TEND_E_NOMEM;
        }
        table->levels = grown;
        table->capacity = capacity;
    }
    table->levels[table->count] = level;
    *out = (uint16_t)table->count++;
    return TEND_OK;
}

// ---- taking ----

void tend_alert_stream_clear(struct tend_alert_stream *stream)
{
    free(stream->runs);
    *stream = (struct tend_alert_stream){ 0 };
}

static bool continues(const struct tend_alert_run *run, int64_t at_ms, uint16_t level, int64_t gap_ms)
{
    return run->level == level && run->count < UINT16_MAX && at_ms - run->first_ms <= UINT32_MAX &&
           at_ms - (run->first_ms + run->span_ms) <= gap_ms;
}

enum tend_status tend_alert_stream_push(struct tend_alert_stream *stream, int64_t at_ms, uint16_t level, int64_t gap_ms)
{
    struct tend_alert_run *newest = stream->count == 0 ? NULL : &stream->runs[stream->count - 1];
    if (newest != NULL && continues(newest, at_ms, level, gap_ms)) {
        newest->span_ms = (uint32_t)(at_ms - newest->first_ms);
        newest->count++;
        stream->newest_ms = at_ms;
        return TEND_OK;
    }
    if (stream->runs == NULL || stream->count == stream->capacity) {
        const size_t capacity = stream->capacity == 0 ? 16 : stream->capacity * 2;
        struct tend_alert_run *grown = reallocarray(stream->runs, capacity, sizeof *grown);
        if (grown == NULL) {
            return TEND_E_NOMEM;
        }
        stream->runs = grown;
        stream->capacity = capacity;
    }
    stream->runs[stream->count++] = (struct tend_alert_run){ .first_ms = at_ms, .count = 1, .level = level };
    stream->newest_ms = at_ms;
    return TEND_OK;
}

// ---- playing ----

struct player {
    const struct tend_alert_settings *settings;
    tend_alert_stream_fired *fired;
    void *context;
    struct tend_alert alert;
    bool latched;
    int64_t fired_ms; // of the alert that fires; TEND_ALERT_NEVER: none does
};

static void take_change(struct player *player, enum tend_alert_change change, int64_t at_ms)
{
    // What fires may fire anew: a warning of missing data that became an alert by data. People are told twice.
    const bool ends = change == TEND_ALERT_FIRED || change == TEND_ALERT_RESOLVED;
    if (ends && player->fired_ms != TEND_ALERT_NEVER) {
        player->fired(player->context, player->fired_ms, at_ms);
    }
    if (ends) {
        player->fired_ms = change == TEND_ALERT_FIRED ? at_ms : TEND_ALERT_NEVER;
    }
}

static enum tend_verdict verdict_of(struct player *player, const struct tend_level *level)
{
    switch (level->kind) {
    case TEND_LEVEL_DATA:
        player->latched = (level->beyond & player->settings->out_bit) != 0 ||
                          (player->latched && (level->beyond & player->settings->clear_bit) != 0);
        if (player->latched) {
            return TEND_VERDICT_OUT;
        }
        return player->alert.state == TEND_ALERT_FIRING && (level->beyond & player->settings->hold_bit) != 0
                   ? TEND_VERDICT_HOLD
                   : TEND_VERDICT_IN_LINE;
    case TEND_LEVEL_UNKNOWN:
        return TEND_VERDICT_UNKNOWN;
    case TEND_LEVEL_HELD:
    case TEND_LEVEL_ENDED:
        break;
    }
    return TEND_VERDICT_HOLD;
}

// Whether more of the same may still change something before the run's end.
static bool is_settled(const struct tend_alert *alert, enum tend_verdict verdict)
{
    switch (verdict) {
    case TEND_VERDICT_OUT:
        return alert->state == TEND_ALERT_FIRING && !alert->by_missing;
    case TEND_VERDICT_IN_LINE:
        return alert->state == TEND_ALERT_INACTIVE;
    case TEND_VERDICT_UNKNOWN:
        return alert->state != TEND_ALERT_PENDING;
    case TEND_VERDICT_HOLD:
    case TEND_VERDICT_ERROR:
        break;
    }
    return true;
}

static void take(struct player *player, enum tend_verdict verdict, int64_t at_ms)
{
    take_change(player, tend_alert_take(&player->alert, &player->settings->times, verdict, at_ms), at_ms);
}

static void play_run(struct player *player, const struct tend_alert_run *run, const struct tend_level *level)
{
    if (level->kind == TEND_LEVEL_ENDED) {
        player->latched = false;
        take_change(player, tend_alert_end(&player->alert), run->first_ms);
        return;
    }
    const enum tend_verdict verdict = verdict_of(player, level);
    take(player, verdict, run->first_ms);
    if (run->count < 2) {
        return;
    }
    for (uint32_t i = 1; i + 1 < run->count && !is_settled(&player->alert, verdict); i++) {
        take(player, verdict, run->first_ms + (int64_t)run->span_ms * i / (run->count - 1));
    }
    take(player, verdict, run->first_ms + run->span_ms);
}

void tend_alert_stream_play(const struct tend_alert_stream *stream, const struct tend_level_table *table,
                            const struct tend_alert_settings *settings, tend_alert_stream_fired *fired, void *context)
{
    struct player player = {
        .settings = settings,
        .fired = fired,
        .context = context,
        .alert = { .clear_since_ms = TEND_ALERT_NEVER }, // as the engine begins one
        .fired_ms = TEND_ALERT_NEVER,
    };
    int64_t before_ms = INT64_MAX;
    for (size_t i = 0; i < stream->count; i++) {
        const struct tend_alert_run *run = &stream->runs[i];
        if (before_ms != INT64_MAX && run->first_ms - before_ms > settings->gap_ms) {
            take_change(&player, tend_alert_gap(&player.alert), run->first_ms);
        }
        play_run(&player, run, &table->levels[run->level]);
        before_ms = run->first_ms + run->span_ms;
    }
    if (player.fired_ms != TEND_ALERT_NEVER) {
        fired(context, player.fired_ms, INT64_MAX);
    }
}
