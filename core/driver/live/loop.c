// The live driver.
//
// Engine time is CLOCK_BOOTTIME (it counts a suspend) plus an offset that is set once: engine time is wall time at the
// start, but never below the journal's newest record. What happens while effects are being carried out (a program that
// cannot be started, say) is put off to the next turn of the loop, so that effects of one step are never mixed with
// those of another: records must reach the journal in order.
//
// The kill switch has three handles: `tend pause`, SIGUSR1 (command_run.c) and a file called "pause" in the state
// directory, looked for twice a second.

#include "driver/live/loop.h"
#include "driver/live/baseline_file.h"

#include "base/log.h"
#include "driver/live/child_process.h"
#include "driver/live/deliveries.h"
#include "driver/live/evaluator_pool.h"
#include "driver/live/generation_loader.h"
#include "driver/live/http_client.h"
#include "driver/live/journal_restore.h"
#include "driver/live/journal_writer.h"
#include "driver/live/log_watch.h"
#include "driver/live/loop_discovery.h"
#include "driver/live/loop_logs.h"
#include "driver/live/loop_recorder.h"
#include "driver/live/operator_check.h"
#include "driver/live/question.h"
#include "driver/live/secrets.h"
#include "driver/live/state_dir.h"
#include "driver/live/step_clock.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    PULSE_MS = 500,      ///< of the loop's own timer
    WALL_JUMP_MS = 2000, ///< more than this is a jump
    STARTUP_GRACE_MS = 30000,
    BASELINES_EVERY_MS = 5 * 60 * 1000, ///< so much of what was learned a crash may cost
};

struct tend_loop {
    struct tend_loop_options options;
    struct tend_state_dir *state;
    struct tend_journal *journal;
    struct tend_journal_writer *writer;
    struct tend_baseline_writer *baselines;
    int64_t baselines_due_ms;
    struct tend_loop_recorder *recorder; ///< NULL: nothing is to be recorded
    struct tend_secrets *secrets;
    struct tend_evaluator_pool *pool;
    struct tend_generation_loader *loader;
    struct tend_scrape_client *scrapes;
    struct tend_children *children;
    struct tend_http_client *steps;
    struct tend_deliveries *notices;
    struct tend_log_watch *logs;
    struct tend_loop_discovery *discovery;
    size_t target_count; ///< set in the scrape client
    struct tend_engine *engine;
    struct event *wake;
    struct event *pulse;
    int64_t offset_ms;     ///< engine time less CLOCK_BOOTTIME
    int64_t wall_drift_ms; ///< wall time less engine time, at the last pulse
    int64_t pulse_due_ms;
    bool paused_by_file;             ///< by the file and nobody else: with it the pause ends
    json_t *sources;                 ///< of the generation in use
    struct tend_question *questions; ///< to evaluators, without an answer yet
    struct tend_loop_counts counts;
    struct tend_step_clock clock;
};

static int64_t clock_read_ms(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t engine_ms(void *context)
{
    const struct tend_loop *loop = context;
    return clock_read_ms(CLOCK_BOOTTIME) + loop->offset_ms;
}

static void carry_out(struct tend_loop *loop, struct tend_effect *effect);

// The recorder and the journal need the same text: it is written once.
static void write_records(struct tend_effects *effects)
{
    for (size_t i = 0; i < effects->count; i++) {
        if (effects->list[i].kind == TEND_EFFECT_RECORD) {
            const enum tend_status status = tend_record_write(&effects->list[i].record);
            TEND_ASSERT(status == TEND_OK);
        }
    }
}

static void feed(struct tend_loop *loop, struct tend_event *event)
{
    event->at_ms = engine_ms(loop);
    event->wall_ms = clock_read_ms(CLOCK_REALTIME);
    struct tend_effects effects;
    tend_effects_init(&effects);
    tend_step_clock_mark(&loop->clock, TEND_STEP_FED);
    tend_loop_recorder_event(loop->recorder, loop->engine, loop->sources, loop->questions != NULL, event);
    tend_step_clock_mark(&loop->clock, TEND_STEP_RECORDED);
    tend_engine_step(loop->engine, event, &effects);
    tend_step_clock_mark(&loop->clock, TEND_STEP_DECIDED);
    write_records(&effects);
    tend_loop_recorder_outcome(loop->recorder, &effects);
    // A crash may not leave half of what an event changed: a run that ended without its cooldown, say.
    tend_journal_writer_hold(loop->writer);
    for (size_t i = 0; i < effects.count; i++) {
        carry_out(loop, &effects.list[i]);
    }
    tend_journal_writer_release(loop->writer);
    const size_t effect_count = effects.count;
    tend_effects_clear(&effects);
    tend_step_clock_end(&loop->clock, event->kind, effect_count);
}

// What could not even be begun, told to the engine on the next turn of the loop.
struct late_failure {
    struct tend_loop *loop;
    uint64_t step;  ///< a step, or
    char *notice;   ///< a notice
    bool delivered; ///< the notice was a line for the log, and is done
    char error[512];
};

static void tell_late_failure(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct late_failure *late = context;
    struct tend_event event = { .kind = TEND_EVENT_STEP_RESULT };
    if (late->notice != NULL) {
        event.kind = TEND_EVENT_DELIVERED;
        event.delivered.key = late->notice;
        event.delivered.ok = late->delivered;
        event.delivered.retry_after_ms = -1;
        event.delivered.error = late->error;
    } else {
        event.step.id = late->step;
        event.step.outcome = "failed";
        event.step.error = late->error;
    }
    feed(late->loop, &event);
    free(late->notice);
    free(late);
}

static void fail_later(struct tend_loop *loop, uint64_t step, const char *notice, bool delivered, const char *error)
{
    struct late_failure *late = calloc(1, sizeof *late);
    TEND_ASSERT(late != NULL);
    *late = (struct late_failure){ .loop = loop, .step = step, .delivered = delivered };
    (void)snprintf(late->error, sizeof late->error, "%s", error);
    if (notice != NULL) {
        late->notice = strdup(notice);
        TEND_ASSERT(late->notice != NULL);
    }
    const struct timeval now = { 0, 0 };
    const int asked = event_base_once(loop->options.base, -1, EV_TIMEOUT, tell_late_failure, late, &now);
    TEND_ASSERT(asked == 0);
}

// ---- what the world answers ----

static void on_scraped(void *context, const struct tend_event_scraped *scraped)
{
    feed(context, &(struct tend_event){ .kind = TEND_EVENT_SCRAPED, .scraped = *scraped });
}

static void on_targets(void *context, const struct tend_event_targets *targets)
{
    feed(context, &(struct tend_event){ .kind = TEND_EVENT_TARGETS, .targets = *targets });
}

static void on_logs(void *context, const struct tend_event_logs *logs)
{
    feed(context, &(struct tend_event){ .kind = TEND_EVENT_LOGS, .logs = *logs });
}

static void on_reached(void *context, uint64_t number)
{
    const struct tend_loop *loop = context;
    feed(context, &(struct tend_event){ .kind = TEND_EVENT_JOURNAL_REACHED, .journal_reached = number });
    if (loop->options.on_reached != NULL) {
        loop->options.on_reached(loop->options.context, number);
    }
}

static void on_journal_failed(void *context, const char *reason)
{
    const struct tend_loop *loop = context;
    feed(context, &(struct tend_event){ .kind = TEND_EVENT_JOURNAL_FAILED, .journal_failed = reason });
    if (loop->options.on_journal_failing != NULL) {
        loop->options.on_journal_failing(loop->options.context, reason);
    }
}

static void on_child_end(void *context, uint64_t id, const struct tend_child_result *result)
{
    json_t *value = tend_child_result_json(result);
    struct tend_event event = { .kind = TEND_EVENT_STEP_RESULT };
    event.step.id = id;
    event.step.outcome = result->outcome;
    event.step.error = result->error;
    event.step.value = value;
    feed(context, &event);
    json_decref(value);
}

static void on_step_answer(void *context, uint64_t id, const struct tend_http_result *result)
{
    json_t *value = tend_http_result_json(result);
    struct tend_event event = { .kind = TEND_EVENT_STEP_RESULT };
    event.step.id = id;
    event.step.outcome = result->outcome;
    event.step.error = result->error;
    event.step.value = value;
    feed(context, &event);
    json_decref(value);
}

static void on_delivered(void *context, struct tend_event *event)
{
    feed(context, event);
}

static void on_evaluator_reply(void *context, const struct tend_evaluator_reply *reply)
{
    struct tend_question *question = context;
    struct tend_loop *loop = question->asker;
    loop->counts.evaluator_kills += reply->died.died;
    struct tend_event event = { .kind = question->kind };
    if (question->kind == TEND_EVENT_RUN_REPLY) {
        event.run_reply.run = question->run;
        event.run_reply.json = reply->json;
        event.run_reply.died = reply->died;
    } else {
        event.reply.id = question->id;
        event.reply.bytes = reply->bytes;
        event.reply.byte_count = reply->byte_count;
        event.reply.json = reply->json;
        event.reply.died = reply->died;
    }
    feed(loop, &event);
    tend_question_remove(&loop->questions, question);
}

static struct tend_question *ask(struct tend_loop *loop, enum tend_event_kind kind, uint64_t id, const char *run)
{
    return tend_question_add(&loop->questions, loop, kind, id, run);
}

// ---- what the engine asks for ----

static void start_run(struct tend_loop *loop, const struct tend_effect *effect)
{
    json_t *sources = NULL;
    const struct tend_ruleset *ruleset = tend_engine_ruleset(loop->engine);
    if (ruleset != NULL && strcmp(ruleset->hash, effect->text) == 0) {
        sources = json_incref(loop->sources);
    } else {
        struct tend_error error;
        if (tend_journal_find_source(loop->journal, effect->text, &sources, &error) != TEND_OK) {
            tend_log(TEND_LOG_ERROR, "sources of a run are not in the journal run=%s why=\"%s\"", effect->key,
                     error.text);
            sources = NULL;
        }
    }
    struct tend_question *question = ask(loop, TEND_EVENT_RUN_REPLY, 0, effect->key);
    if (sources == NULL) {
        sources = json_object(); // loads nothing: the run's process says that it lacks the playbook, and the run ends
    }
    tend_evaluator_pool_run_start(loop->pool, effect->key, sources, effect->json, on_evaluator_reply, question);
    json_decref(sources);
}

static void deliver(struct tend_loop *loop, const struct tend_effect *effect)
{
    const char *line = tend_json_text(effect->json, "log", NULL);
    if (line != NULL) {
        tend_log(TEND_LOG_WARN, "notice %s", line);
        fail_later(loop, 0, effect->key, true, "");
        return;
    }
    struct tend_error error = { .text = "" };
    if (tend_deliveries_send(loop->notices, effect->key, effect->json, &error) != TEND_OK) {
        fail_later(loop, 0, effect->key, false, error.text);
    }
}

static void take_up_targets(struct tend_loop *loop)
{
    const size_t count = tend_engine_target_count(loop->engine);
    const size_t most = count > loop->target_count ? count : loop->target_count;
    for (size_t i = 0; i < most; i++) {
        const struct tend_target_view view =
            i < count ? tend_engine_target(loop->engine, i) : (struct tend_target_view){ .url = NULL };
        if (view.url == NULL) {
            tend_scrape_client_remove_target(loop->scrapes, i);
        } else if (tend_scrape_client_set_target(loop->scrapes, i, &view) != TEND_OK) {
            tend_log(TEND_LOG_ERROR, "target cannot be polled url=%s", view.url);
        }
    }
    loop->target_count = count;
    tend_loop_discovery_use(loop->discovery, tend_engine_ruleset(loop->engine));
    tend_loop_logs_take_up(loop->logs, loop->engine);
}

static void set_wake(struct tend_loop *loop, int64_t at_ms)
{
    const int64_t now_ms = engine_ms(loop);
    const int64_t wait_ms = at_ms > now_ms ? at_ms - now_ms : 0;
    const struct timeval wait = { .tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000 };
    (void)event_add(loop->wake, &wait);
}

static void start_exec(struct tend_loop *loop, const struct tend_effect *effect)
{
    struct tend_error error = { .text = "" };
    if (tend_children_start_json(loop->children, effect->id, effect->json, &error) != TEND_OK) {
        fail_later(loop, effect->id, NULL, false, error.text);
    }
}

static void start_http(struct tend_loop *loop, const struct tend_effect *effect)
{
    struct tend_error error = { .text = "" };
    if (tend_http_client_send_json(loop->steps, effect->id, effect->json, loop->secrets, &error) != TEND_OK) {
        fail_later(loop, effect->id, NULL, false, error.text);
    }
}

static void carry_out(struct tend_loop *loop, struct tend_effect *effect)
{
    switch (effect->kind) {
    case TEND_EFFECT_EVALUATE:
        tend_evaluator_pool_tick(loop->pool, effect->bytes.data, effect->bytes.size, on_evaluator_reply,
                                 ask(loop, TEND_EVENT_VERDICTS, effect->id, NULL));
        break;
    case TEND_EFFECT_ASK:
        tend_evaluator_pool_ask(loop->pool, effect->bytes.data, effect->bytes.size, on_evaluator_reply,
                                ask(loop, TEND_EVENT_REPLY, effect->id, NULL));
        break;
    case TEND_EFFECT_RUN_START:
        start_run(loop, effect);
        break;
    case TEND_EFFECT_RUN_ANSWER:
        tend_evaluator_pool_run_answer(loop->pool, effect->key, effect->json, on_evaluator_reply,
                                       ask(loop, TEND_EVENT_RUN_REPLY, 0, effect->key));
        break;
    case TEND_EFFECT_RUN_END:
        tend_evaluator_pool_run_end(loop->pool, effect->key);
        break;
    case TEND_EFFECT_EXEC:
        start_exec(loop, effect);
        break;
    case TEND_EFFECT_HTTP:
        start_http(loop, effect);
        break;
    case TEND_EFFECT_CANCEL:
        tend_children_cancel(loop->children, effect->id);
        tend_http_client_cancel(loop->steps, effect->id);
        break;
    case TEND_EFFECT_DELIVER:
        deliver(loop, effect);
        break;
    case TEND_EFFECT_RECORD:
        tend_journal_writer_append(loop->writer, &effect->record);
        break;
    case TEND_EFFECT_WAKE:
        set_wake(loop, effect->at_ms);
        break;
    case TEND_EFFECT_TARGETS:
        take_up_targets(loop);
        break;
    }
}

// ---- time ----

static void on_wake(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    feed(context, &(struct tend_event){ .kind = TEND_EVENT_TIMER });
}

static bool has_pause_file(const struct tend_loop *loop)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/pause", tend_state_dir_path(loop->state));
    return access(path, F_OK) == 0;
}

// While the file is there, acting is paused; when it goes, the pause goes with it, unless a person paused as well.
static void look_for_pause_file(struct tend_loop *loop)
{
    const bool there = has_pause_file(loop);
    const bool begins = there && !tend_engine_counts(loop->engine).paused;
    if (!begins && (there || !loop->paused_by_file)) {
        return;
    }
    loop->paused_by_file = there;
    struct tend_event event = { .kind = TEND_EVENT_OPERATOR };
    event.operator.command = there ? "pause" : "resume";
    event.operator.argument = "";
    event.operator.who = "the file \"pause\" in the state directory";
    feed(loop, &event);
}

// What was learned before the start goes in as an event, so that a replay has it too.
static void take_baselines(struct tend_loop *loop)
{
    struct tend_buffer bytes;
    tend_buffer_init(&bytes);
    struct tend_error error;
    if (tend_baseline_file_read(tend_state_dir_path(loop->state), &bytes, &error) != TEND_OK) {
        const bool aside = tend_baseline_file_put_aside(tend_state_dir_path(loop->state));
        tend_log(TEND_LOG_ERROR, "baselines not read: all is learned anew why=\"%s\"%s", error.text,
                 aside ? " kept_as=baselines.unread" : "");
    } else if (bytes.size > 0) {
        struct tend_event event = { .kind = TEND_EVENT_BASELINES };
        event.baselines.bytes = bytes.data;
        event.baselines.byte_count = bytes.size;
        feed(loop, &event);
    }
    tend_buffer_clear(&bytes);
    loop->baselines_due_ms = engine_ms(loop) + BASELINES_EVERY_MS;
}

static void keep_baselines(struct tend_loop *loop)
{
    struct tend_buffer bytes;
    tend_buffer_init(&bytes);
    if (tend_engine_save_baselines(loop->engine, &bytes) > 0 && !bytes.failed) {
        tend_baseline_writer_put(loop->baselines, &bytes);
    }
    tend_buffer_clear(&bytes);
    loop->baselines_due_ms = engine_ms(loop) + BASELINES_EVERY_MS;
}

static void on_pulse(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct tend_loop *loop = context;
    const int64_t now_ms = engine_ms(loop);
    // A timer runs from libevent's time of this turn of the loop: after a long turn the next pulse comes early, which
    // is no lag.
    const int64_t late_ms = now_ms - loop->pulse_due_ms;
    loop->counts.lag_s = late_ms < 0 ? 0.0 : (double)late_ms / 1000.0;
    loop->pulse_due_ms = now_ms + PULSE_MS;
    const int64_t drift_ms = clock_read_ms(CLOCK_REALTIME) - now_ms;
    const int64_t moved_ms = drift_ms - loop->wall_drift_ms;
    loop->wall_drift_ms = drift_ms;
    if (moved_ms > WALL_JUMP_MS || moved_ms < -WALL_JUMP_MS) {
        feed(loop, &(struct tend_event){ .kind = TEND_EVENT_WALL_MOVED, .wall_moved_ms = moved_ms });
    }
    look_for_pause_file(loop);
    tend_loop_recorder_pulse(loop->recorder, now_ms);
    if (now_ms >= loop->baselines_due_ms && !tend_baseline_writer_is_busy(loop->baselines)) {
        keep_baselines(loop);
    }
    const struct timeval wait = { .tv_sec = 0, .tv_usec = PULSE_MS * 1000L };
    (void)event_add(loop->pulse, &wait);
}

// ---- rules ----

static void on_generation(void *context, struct tend_ruleset *take_ruleset, json_t *sources)
{
    struct tend_loop *loop = context;
    json_decref(loop->sources);
    loop->sources = json_incref(sources);
    struct tend_event event = { .kind = TEND_EVENT_GENERATION };
    event.generation.ruleset = take_ruleset;
    event.generation.sources = loop->sources;
    feed(loop, &event);
}

static void on_load_ended(void *context, uint64_t id, const json_t *errors, const json_t *warnings)
{
    const struct tend_loop *loop = context;
    loop->options.on_loaded(loop->options.context, id, errors, warnings);
}

void tend_loop_reload(struct tend_loop *loop, uint64_t id)
{
    tend_generation_loader_load(loop->loader, id);
}

// ---- beginning and end ----

static enum tend_status open_recorder(struct tend_loop *loop)
{
    const struct tend_recording_writer_options options = { .bytes_max = loop->options.record_bytes,
                                                           .age_max_ms = loop->options.record_age_ms };
    return loop->options.no_recording
               ? TEND_OK
               : tend_loop_recorder_create(tend_state_dir_path(loop->state), &options, &loop->recorder);
}

// The journal first: engine time may not fall below it, and what was open comes alive before anything is polled.
static enum tend_status open_journal(struct tend_loop *loop, struct tend_error *error)
{
    const char *path = tend_state_dir_path(loop->state);
    const struct tend_journal_writer_callbacks callbacks = { .reached = on_reached,
                                                             .failed = on_journal_failed,
                                                             .context = loop };
    const struct tend_journal_writer_options writing = { .before_full = tend_loop_recorder_sync,
                                                         .before_full_context = loop->recorder };
    enum tend_status status =
        tend_journal_writer_create(path, loop->options.base, &callbacks, &writing, &loop->writer, error);
    struct tend_journal_tail tail = { .number = 0 };
    if (status == TEND_OK) {
        status = tend_journal_open(path, &loop->journal, error);
    }
    if (status == TEND_OK) {
        status = tend_journal_tail(loop->journal, &tail, error);
    }
    if (status != TEND_OK) {
        return status;
    }
    struct tend_error tampered;
    if (tend_journal_verify_chain(loop->journal, &tampered) != TEND_OK) {
        tend_log(TEND_LOG_ERROR, "journal was changed by somebody else: its hashes do not follow why=\"%s\"",
                 tampered.text);
    }
    const int64_t wall_ms = clock_read_ms(CLOCK_REALTIME);
    const int64_t start_ms = wall_ms > tail.at_ms ? wall_ms : tail.at_ms + 1;
    loop->offset_ms = start_ms - clock_read_ms(CLOCK_BOOTTIME);
    loop->wall_drift_ms = wall_ms - start_ms;
    const struct tend_engine_options options = {
        .at_ms = start_ms, .wall_ms = wall_ms, .next_record = tail.number + 1, .startup_grace_ms = STARTUP_GRACE_MS
    };
    status = tend_engine_create(&options, &loop->engine);
    if (status == TEND_OK) {
        status = tend_journal_restore_engine(loop->engine, loop->journal, error);
    }
    return status;
}

static enum tend_status open_world(struct tend_loop *loop, struct tend_error *error)
{
    struct event_base *base = loop->options.base;
    const struct tend_scrape_options scraping = {
        .clock_ms = engine_ms,
        .clock_context = loop,
        .on_scraped = on_scraped,
        .context = loop,
        .ca_file = loop->options.ca_file,
    };
    const struct tend_evaluator_deadlines deadlines = tend_evaluator_default_deadlines();
    enum tend_status status = TEND_OK;
    if (loop->options.secrets_dir != NULL) {
        status = tend_secrets_open(loop->options.secrets_dir, &loop->secrets, error);
    }
    if (status == TEND_OK) {
        status = tend_evaluator_pool_create(base, &deadlines, &loop->pool);
    }
    if (status == TEND_OK) {
        const struct tend_generation_loader_options loading = {
            .pool = loop->pool,
            .rules_dir = loop->options.rules_dir,
            .env = loop->options.env,
            .secrets_dir = loop->options.secrets_dir,
            .on_generation = on_generation,
            .on_ended = on_load_ended,
            .context = loop,
        };
        status = tend_generation_loader_create(&loading, &loop->loader);
    }
    if (status == TEND_OK) {
        status = tend_scrape_client_create(base, &scraping, &loop->scrapes);
    }
    if (status == TEND_OK) {
        status = tend_children_create(base, on_child_end, loop, &loop->children);
    }
    if (status == TEND_OK) {
        status = tend_http_client_create(base, on_step_answer, loop, &loop->steps);
    }
    if (status == TEND_OK) {
        status = tend_deliveries_create(base, loop->secrets, on_delivered, loop, &loop->notices);
    }
    if (status == TEND_OK) {
        status = tend_loop_discovery_create(base, on_targets, loop, &loop->discovery);
    }
    if (status == TEND_OK) {
        const struct tend_log_watch_options logs = {
            .base = base, .on_logs = on_logs, .clock_ms = engine_ms, .context = loop
        };
        status = tend_log_watch_create(&logs, &loop->logs);
    }
    loop->wake = event_new(base, -1, 0, on_wake, loop);
    loop->pulse = event_new(base, -1, 0, on_pulse, loop);
    return loop->wake == NULL || loop->pulse == NULL ? TEND_E_NOMEM : status;
}

enum tend_status tend_loop_create(const struct tend_loop_options *options, struct tend_loop **out,
                                  struct tend_error *error)
{
    struct tend_loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL) {
        return TEND_E_NOMEM;
    }
    loop->options = *options;
    enum tend_status status = tend_state_dir_open(options->state_dir, &loop->state, error);
    if (status == TEND_OK) {
        status = open_recorder(loop);
    }
    if (status == TEND_OK) {
        status = tend_baseline_writer_create(tend_state_dir_path(loop->state), &loop->baselines);
    }
    if (status == TEND_OK) {
        status = open_journal(loop, error);
    }
    if (status == TEND_OK) {
        status = open_world(loop, error);
    }
    if (status != TEND_OK) {
        tend_loop_destroy(loop);
        return status;
    }
    take_baselines(loop);
    loop->pulse_due_ms = engine_ms(loop);
    on_pulse(-1, 0, loop);
    tend_loop_reload(loop, 0);
    *out = loop;
    return TEND_OK;
}

// What is being written comes first, so that the newest is what stays.
static void end_baselines(struct tend_loop *loop)
{
    tend_baseline_writer_wait(loop->baselines);
    keep_baselines(loop);
}

void tend_loop_destroy(struct tend_loop *loop)
{
    if (loop == NULL) {
        return;
    }
    tend_loop_discovery_destroy(loop->discovery);
    tend_log_watch_destroy(loop->logs);
    tend_scrape_client_destroy(loop->scrapes);
    tend_evaluator_pool_destroy(loop->pool);
    tend_generation_loader_destroy(loop->loader);
    json_decref(loop->sources);
    tend_questions_clear(&loop->questions); // those that get no answer, as the pool went first
    tend_children_destroy(loop->children);
    tend_http_client_destroy(loop->steps);
    tend_deliveries_destroy(loop->notices);
    if (loop->wake != NULL) {
        event_free(loop->wake);
    }
    if (loop->pulse != NULL) {
        event_free(loop->pulse);
        end_baselines(loop);
    }
    tend_baseline_writer_destroy(loop->baselines);
    tend_journal_writer_destroy(loop->writer); // commits what it was given
    tend_loop_recorder_destroy(loop->recorder);
    tend_journal_close(loop->journal);
    tend_engine_destroy(loop->engine);
    tend_secrets_close(loop->secrets);
    tend_state_dir_close(loop->state);
    free(loop);
}

enum tend_status tend_loop_operate(struct tend_loop *loop, const char *command, const char *argument, const char *who,
                                   uint64_t *record, struct tend_error *error)
{
    const enum tend_status status = tend_operator_check(loop->engine, loop->journal, command, argument, error);
    if (status != TEND_OK) {
        return status;
    }
    if (strcmp(command, "resume") == 0 && has_pause_file(loop)) {
        tend_error_set(error, "the file %s/pause is there: remove it first", tend_state_dir_path(loop->state));
        return TEND_E_INVALID;
    }
    if (strcmp(command, "pause") == 0 || strcmp(command, "resume") == 0) {
        loop->paused_by_file = false;
    }
    struct tend_event event = { .kind = TEND_EVENT_OPERATOR };
    event.operator.command = command;
    event.operator.argument = argument;
    event.operator.who = who;
    const uint64_t before = tend_engine_counts(loop->engine).records;
    feed(loop, &event);
    const uint64_t newest = tend_engine_counts(loop->engine).records;
    if (record != NULL) {
        *record = newest > before ? newest : 0;
    }
    return TEND_OK;
}

void tend_loop_catch_up(struct tend_loop *loop)
{
    feed(loop, &(struct tend_event){ .kind = TEND_EVENT_TIMER });
}

void tend_loop_problems(const struct tend_loop *loop, json_t *list)
{
    tend_loop_discovery_problems(loop->discovery, list);
    tend_log_watch_problems(loop->logs, list);
    struct tend_recording_counts counts;
    if (tend_loop_recording(loop, &counts) && counts.failing) {
        char text[sizeof counts.why + 64];
        (void)snprintf(text, sizeof text, "nothing is recorded: %s", counts.why);
        (void)json_array_append_new(list, tend_json_string(text, strlen(text)));
    }
}

const struct tend_engine *tend_loop_engine(const struct tend_loop *loop)
{
    return loop->engine;
}

const char *tend_loop_state_path(const struct tend_loop *loop)
{
    return tend_state_dir_path(loop->state);
}

struct tend_scrape_counters tend_loop_scrapes(const struct tend_loop *loop)
{
    return tend_scrape_client_counters(loop->scrapes);
}

struct tend_loop_counts tend_loop_counts(const struct tend_loop *loop)
{
    struct tend_loop_counts counts = loop->counts;
    counts.steps = loop->clock.steps;
    tend_generation_loader_counts(loop->loader, &counts.reloads, &counts.reloads_refused);
    return counts;
}

struct tend_log_watch_counts tend_loop_logs(const struct tend_loop *loop)
{
    return tend_log_watch_counts(loop->logs);
}

bool tend_loop_recording(const struct tend_loop *loop, struct tend_recording_counts *out)
{
    *out = tend_loop_recorder_counts(loop->recorder);
    return loop->recorder != NULL;
}
