// One turn: take what is next from the queue, or the engine's timer when that is earlier, and give it to the engine;
// then carry out what it asks for. Answers go into the queue like all else, so that no step of the engine is within
// another.

#include "driver/sim/simulation.h"

#include "base/hash_map.h"
#include "driver/sim/blame.h"
#include "driver/sim/kept_records.h"
#include "driver/sim/run_processes.h"
#include "series/series_window.h"

#include <stdlib.h>
#include <string.h>

enum {
    MESSAGE_TOOK_MS = 20,
    JOURNAL_TOOK_MS = 1, // an act waits for its intent to be on disk
    RESTART_TOOK_MS = 1000,
    STARTUP_GRACE_MS = 30000, // as in the live driver
};

enum happening_kind { HAPPENS_SCRAPE, HAPPENS_EVENT, HAPPENS_OWN, HAPPENS_RESTART };

// What is to happen. An event's parts are owned: `text` stands behind its key, run or error, `json` behind its value.
struct happening {
    int64_t at_ms;
    uint64_t order;
    enum happening_kind kind;
    struct tend_event event;
    char *text;
    char *more_text;
    json_t *json;
    struct tend_buffer bytes;
    double *values;
    uint8_t *causes;
    const struct tend_layout *layout;
    uint64_t revision; // of a target, when it is to be scraped
    tend_simulation_happening *own;
    void *own_context;
};

struct tend_simulation {
    struct tend_simulation_options options;
    struct tend_engine *engine;
    bool has_stepped; // the engine took an event
    struct tend_run_processes *runs;
    struct happening **queue; // a heap
    size_t count, capacity;
    uint64_t order;
    int64_t now_ms;
    int64_t wall_ahead_ms;       // of engine time
    int64_t wake_ms;             // TEND_NEVER_MS: none
    uint64_t *scraped_revisions; // one a target: of the scrapes that are in the queue
    size_t target_count;
    struct tend_record *records;
    size_t record_count, record_capacity;
    struct tend_simulation_restarts restarts;
    bool dead;        // its process ended, and what is left of this step is not done
    json_t *payloads; // key → payload, of the notices that were formatted
    json_t *messages;
    tend_simulation_look *look; // NULL: nobody looks
    void *look_context;
    struct tend_buffer baselines; // that the process which died leaves to the next
    uint64_t samples;
};

// ---- the queue ----

static bool is_before(const struct happening *one, const struct happening *other)
{
    return one->at_ms != other->at_ms ? one->at_ms < other->at_ms : one->order < other->order;
}

static void swap(struct happening **one, struct happening **other)
{
    struct happening *kept = *one;
    *one = *other;
    *other = kept;
}

static struct happening *plan(struct tend_simulation *simulation, int64_t at_ms, enum happening_kind kind)
{
    if (simulation->count == simulation->capacity) {
        simulation->capacity = simulation->capacity == 0 ? 64 : simulation->capacity * 2;
        struct happening **grown =
            reallocarray((void *)simulation->queue, simulation->capacity, sizeof(struct happening *));
        TEND_ASSERT(grown != NULL);
        simulation->queue = grown;
    }
    struct happening *happening = calloc(1, sizeof *happening);
    TEND_ASSERT(happening != NULL);
    happening->at_ms = at_ms < simulation->now_ms ? simulation->now_ms : at_ms;
    happening->order = simulation->order++;
    happening->kind = kind;
    tend_buffer_init(&happening->bytes);
    size_t at = simulation->count++;
    simulation->queue[at] = happening;
    while (at > 0 && is_before(simulation->queue[at], simulation->queue[(at - 1) / 2])) {
        swap(&simulation->queue[at], &simulation->queue[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    return happening;
}

static struct happening *take_first(struct tend_simulation *simulation)
{
    struct happening *first = simulation->queue[0];
    simulation->queue[0] = simulation->queue[--simulation->count];
    size_t at = 0;
    for (;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < simulation->count; child++) {
            least = is_before(simulation->queue[child], simulation->queue[least]) ? child : least;
        }
        if (least == at) {
            return first;
        }
        swap(&simulation->queue[at], &simulation->queue[least]);
        at = least;
    }
}

static void happening_destroy(struct happening *happening)
{
    free(happening->text);
    free(happening->more_text);
    json_decref(happening->json);
    tend_buffer_clear(&happening->bytes);
    free(happening->values);
    free(happening->causes);
    tend_layout_release(happening->layout);
    free(happening);
}

static char *copy_text(const char *text)
{
    char *copy = strdup(text == NULL ? "" : text);
    TEND_ASSERT(copy != NULL);
    return copy;
}

static struct happening *plan_event(struct tend_simulation *simulation, int64_t after_ms, enum tend_event_kind kind)
{
    struct happening *happening = plan(simulation, simulation->now_ms + after_ms, HAPPENS_EVENT);
    happening->event.kind = kind;
    return happening;
}

// ---- what the engine asks for ----

static void put_died(struct happening *happening, const struct tend_awaited_reply *reply, struct tend_event_died *died)
{
    happening->more_text = copy_text(reply->reason);
    *died = reply->died;
    died->reason = happening->more_text;
    died->what = reply->died.what == NULL ? "" : reply->died.what;
}

static void evaluate(struct tend_simulation *simulation, const struct tend_effect *effect)
{
    if (simulation->options.forgetful) {
        tend_awaited_evaluator_forget(simulation->options.evaluator);
    }
    struct tend_awaited_reply reply =
        tend_awaited_evaluator_tick(simulation->options.evaluator, effect->bytes.data, effect->bytes.size);
    struct happening *happening = plan_event(simulation, 0, TEND_EVENT_VERDICTS);
    happening->event.reply.id = effect->id;
    put_died(happening, &reply, &happening->event.reply.died);
    if (!reply.died.died) {
        happening->bytes = reply.bytes;
        tend_buffer_init(&reply.bytes);
        happening->event.reply.bytes = happening->bytes.data;
        happening->event.reply.byte_count = happening->bytes.size;
    }
    tend_awaited_reply_clear(&reply);
}

static void ask(struct tend_simulation *simulation, const struct tend_effect *effect)
{
    json_t *question = tend_effect_question(effect);
    json_t *payload = json_object_get(question, "notice");
    if (payload != NULL) {
        (void)json_object_set(simulation->payloads, tend_json_text(payload, "key", ""), payload);
    }
    json_decref(question);
    struct tend_awaited_reply reply =
        tend_awaited_evaluator_ask_text(simulation->options.evaluator, effect->bytes.data, effect->bytes.size);
    struct happening *happening = plan_event(simulation, 0, TEND_EVENT_REPLY);
    happening->event.reply.id = effect->id;
    put_died(happening, &reply, &happening->event.reply.died);
    const bool blames = simulation->options.blamed != NULL && json_object_get(reply.json, "ranking") != NULL;
    happening->json = blames ? tend_blame(reply.json, simulation->options.blamed) : json_incref(reply.json);
    happening->event.reply.json = happening->json;
    tend_awaited_reply_clear(&reply);
}

// Takes the reply.
static void plan_run_reply(struct tend_simulation *simulation, const char *run, struct tend_awaited_reply *reply)
{
    struct happening *happening = plan_event(simulation, 0, TEND_EVENT_RUN_REPLY);
    happening->text = copy_text(run);
    happening->event.run_reply.run = happening->text;
    put_died(happening, reply, &happening->event.run_reply.died);
    happening->json = json_incref(reply->json);
    happening->event.run_reply.json = happening->json;
    tend_awaited_reply_clear(reply);
}

static void act(struct tend_simulation *simulation, const struct tend_effect *effect)
{
    struct tend_world_outcome outcome = { .outcome = "done", .error = "" };
    const struct tend_world_act asked = {
        .verb = effect->text == NULL ? "" : effect->text,
        .on = effect->key,
        .is_http = effect->kind == TEND_EFFECT_HTTP,
        .args = effect->json,
    };
    simulation->options.world.act(simulation->options.world.context, &asked, simulation->now_ms, &outcome);
    struct happening *happening = plan_event(simulation, outcome.took_ms, TEND_EVENT_STEP_RESULT);
    happening->json = outcome.value;
    happening->event.step.id = effect->id;
    happening->event.step.outcome = outcome.outcome;
    happening->event.step.error = outcome.error;
    happening->event.step.value = outcome.value;
}

static void deliver(struct tend_simulation *simulation, const struct tend_effect *effect)
{
    const json_t *payload = json_object_get(simulation->payloads, effect->key);
    (void)json_array_append_new(
        simulation->messages,
        json_pack("{s:I, s:s, s:O?}", "at_ms", (json_int_t)simulation->now_ms, "key", effect->key, "payload", payload));
    struct happening *happening = plan_event(simulation, MESSAGE_TOOK_MS, TEND_EVENT_DELIVERED);
    happening->text = copy_text(effect->key);
    happening->event.delivered.key = happening->text;
    happening->event.delivered.ok = true;
    happening->event.delivered.retry_after_ms = -1;
    happening->event.delivered.error = "";
}

static void keep_record(struct tend_simulation *simulation, struct tend_effect *effect)
{
    if (simulation->record_count == simulation->record_capacity) {
        simulation->record_capacity = simulation->record_capacity == 0 ? 64 : simulation->record_capacity * 2;
        struct tend_record *grown =
            reallocarray(simulation->records, simulation->record_capacity, sizeof *simulation->records);
        TEND_ASSERT(grown != NULL);
        simulation->records = grown;
    }
    simulation->records[simulation->record_count++] = effect->record;
    const uint64_t number = effect->record.number;
    effect->record = (struct tend_record){ .body = NULL };
    const struct tend_simulation_restarts *restarts = &simulation->restarts;
    if (restarts->dies_after != NULL &&
        restarts->dies_after(restarts->context, &simulation->records[simulation->record_count - 1])) {
        simulation->dead = true;
        return;
    }
    plan_event(simulation, JOURNAL_TOOK_MS, TEND_EVENT_JOURNAL_REACHED)->event.journal_reached = number;
}

static void plan_scrape(struct tend_simulation *simulation, int64_t at_ms, size_t target, uint64_t revision)
{
    struct happening *happening = plan(simulation, at_ms, HAPPENS_SCRAPE);
    happening->event.scraped.target = target;
    happening->revision = revision;
}

// When a target is scraped within its interval: like all others, so that samples of one instant are one tick; or in a
// slot of its own, as the live driver chooses it (driver/live/scrape_slots.h).
static int64_t phase_of(const struct tend_simulation *simulation, const struct tend_target_view *target)
{
    enum { SLOT_MS = 100 };
    const int64_t slots = target->every_ms / SLOT_MS;
    if (!simulation->options.spread || slots < 1) {
        return 0;
    }
    const uint64_t key[2] = { UINT64_C(0x736c6f74), simulation->options.seed };
    return (int64_t)(tend_siphash(key, target->url, strlen(target->url)) % (uint64_t)slots) * SLOT_MS;
}

static void take_up_targets(struct tend_simulation *simulation)
{
    const size_t count = tend_engine_target_count(simulation->engine);
    uint64_t *revisions = calloc(count + 1, sizeof *revisions);
    TEND_ASSERT(revisions != NULL);
    for (size_t i = 0; i < count; i++) {
        const struct tend_target_view view = tend_engine_target(simulation->engine, i);
        const uint64_t before = i < simulation->target_count ? simulation->scraped_revisions[i] : 0;
        revisions[i] = view.url == NULL ? 0 : view.revision;
        if (view.url != NULL && view.revision != before && simulation->options.world.scrape != NULL) {
            const int64_t begun_ms = simulation->options.at_ms + phase_of(simulation, &view);
            const int64_t slots = (simulation->now_ms - begun_ms + view.every_ms - 1) / view.every_ms;
            plan_scrape(simulation, begun_ms + slots * view.every_ms, i, view.revision);
        }
    }
    free(simulation->scraped_revisions);
    simulation->scraped_revisions = revisions;
    simulation->target_count = count;
}

static void carry_out(struct tend_simulation *simulation, struct tend_effect *effect)
{
    struct tend_awaited_reply reply;
    switch (effect->kind) {
    case TEND_EFFECT_EVALUATE:
        evaluate(simulation, effect);
        break;
    case TEND_EFFECT_ASK:
        ask(simulation, effect);
        break;
    case TEND_EFFECT_RUN_START:
        reply = tend_run_processes_start(simulation->runs, effect->key, effect->json);
        plan_run_reply(simulation, effect->key, &reply);
        break;
    case TEND_EFFECT_RUN_ANSWER:
        reply = tend_run_processes_answer(simulation->runs, effect->key, effect->json);
        plan_run_reply(simulation, effect->key, &reply);
        break;
    case TEND_EFFECT_RUN_END:
        tend_run_processes_end(simulation->runs, effect->key);
        break;
    case TEND_EFFECT_EXEC:
    case TEND_EFFECT_HTTP:
        act(simulation, effect);
        break;
    case TEND_EFFECT_CANCEL:
        break; // an act that was begun ends by itself, and its late answer is nobody's
    case TEND_EFFECT_DELIVER:
        deliver(simulation, effect);
        break;
    case TEND_EFFECT_RECORD:
        keep_record(simulation, effect);
        break;
    case TEND_EFFECT_WAKE:
        simulation->wake_ms = effect->at_ms;
        break;
    case TEND_EFFECT_TARGETS:
        take_up_targets(simulation);
        break;
    }
}

// ---- the end of tend's process, and its next start ----

// What the world itself does goes on; taken in order, it keeps its order.
static void drop_what_was_under_way(struct tend_simulation *simulation)
{
    struct happening **kept = calloc(simulation->count + 1, sizeof(struct happening *));
    TEND_ASSERT(kept != NULL);
    size_t count = 0;
    while (simulation->count > 0) {
        struct happening *next = take_first(simulation);
        if (next->kind == HAPPENS_OWN) {
            kept[count++] = next;
        } else {
            happening_destroy(next);
        }
    }
    for (size_t i = 0; i < count; i++) { // sorted, so this is a heap
        simulation->queue[simulation->count++] = kept[i];
    }
    free((void *)kept);
}

// The next engine is there at once, so that whoever looks finds one; it is fed nothing until it has been started.
static void die(struct tend_simulation *simulation)
{
    simulation->dead = false;
    drop_what_was_under_way(simulation);
    simulation->wake_ms = TEND_NEVER_MS;
    tend_awaited_evaluator_forget(simulation->options.evaluator);
    tend_run_processes_destroy(simulation->runs);
    TEND_ASSERT(tend_run_processes_create(simulation->options.sources,
                                          tend_awaited_evaluator_starter(simulation->options.evaluator),
                                          &simulation->runs) == TEND_OK);
    const struct tend_engine_options options = {
        .at_ms = simulation->now_ms + RESTART_TOOK_MS,
        .wall_ms = simulation->now_ms + RESTART_TOOK_MS + simulation->wall_ahead_ms,
        .next_record = simulation->record_count + 1,
        .startup_grace_ms = STARTUP_GRACE_MS,
    };
    // What was learned is in a file that is written every few minutes: here it is as new as can be.
    tend_buffer_clear(&simulation->baselines);
    (void)tend_engine_save_baselines(simulation->engine, &simulation->baselines);
    tend_engine_destroy(simulation->engine);
    TEND_ASSERT(tend_engine_create(&options, &simulation->engine) == TEND_OK);
    simulation->has_stepped = false;
    tend_kept_records_restore(simulation->engine, simulation->records, simulation->record_count);
    free(simulation->scraped_revisions);
    simulation->scraped_revisions = NULL;
    simulation->target_count = 0;
    (void)plan(simulation, options.at_ms, HAPPENS_RESTART);
}

// Values that somebody gave: a metric without data, or left to what scrapes say, is none.
static uint64_t samples_of(const struct tend_event *event)
{
    uint64_t count = event->kind == TEND_EVENT_SCRAPED ? event->scraped.value_count : 0;
    for (size_t m = 0; event->kind == TEND_EVENT_MEASURED && m < event->measured.count; m++) {
        count += event->measured.missing[m] == TEND_HAS_DATA;
    }
    return count;
}

static void feed(struct tend_simulation *simulation, struct tend_event *event)
{
    event->at_ms = simulation->now_ms;
    event->wall_ms = simulation->now_ms + simulation->wall_ahead_ms;
    const struct tend_simulation_recorder *recorder = simulation->options.recorder;
    struct tend_effects effects;
    tend_effects_init(&effects);
    if (recorder != NULL) {
        recorder->event(recorder->context, simulation->engine, event, !simulation->has_stepped);
    }
    simulation->has_stepped = true;
    tend_engine_step(simulation->engine, event, &effects);
    if (recorder != NULL) {
        recorder->outcome(recorder->context, &effects);
    }
    for (size_t i = 0; i < effects.count && !simulation->dead; i++) {
        carry_out(simulation, &effects.list[i]);
    }
    tend_effects_clear(&effects);
    if (simulation->dead) {
        die(simulation);
    }
    simulation->samples += samples_of(event);
    if (simulation->look != NULL) {
        simulation->look(simulation->look_context, simulation);
    }
}

// ---- what happens ----

static void *copy_bytes(const void *bytes, size_t count)
{
    void *copy = malloc(count + 1);
    TEND_ASSERT(copy != NULL);
    if (count > 0) {
        memcpy(copy, bytes, count);
    }
    return copy;
}

static void plan_measured(struct tend_simulation *simulation, size_t target, const struct tend_world_scrape *scrape)
{
    struct happening *happening = plan_event(simulation, scrape->took_ms, TEND_EVENT_MEASURED);
    happening->values = copy_bytes(scrape->given, scrape->given_count * sizeof *scrape->given);
    happening->causes = copy_bytes(scrape->given_missing, scrape->given_count);
    happening->event.measured = (struct tend_event_measured){
        .target = target,
        .values = happening->values,
        .missing = happening->causes,
        .count = scrape->given_count,
    };
}

static void scrape(struct tend_simulation *simulation, const struct happening *due)
{
    const size_t target = due->event.scraped.target;
    const struct tend_target_view view = target < tend_engine_target_count(simulation->engine)
                                             ? tend_engine_target(simulation->engine, target)
                                             : (struct tend_target_view){ .url = NULL };
    if (view.url == NULL || view.revision != due->revision) {
        return; // it was removed, or is another target by now
    }
    struct tend_world_scrape scraped = { .kind = TEND_SCRAPE_OK, .reason = "", .took_ms = 1 };
    simulation->options.world.scrape(simulation->options.world.context, &view, simulation->now_ms, &scraped);
    if (scraped.given != NULL) {
        plan_measured(simulation, target, &scraped);
    }
    struct happening *happening = plan_event(simulation, scraped.took_ms, TEND_EVENT_SCRAPED);
    happening->values = copy_bytes(scraped.values, scraped.value_count * sizeof *scraped.values);
    happening->layout = scraped.layout == NULL ? NULL : tend_layout_retain(scraped.layout);
    happening->event.scraped = (struct tend_event_scraped){
        .target = target,
        .begun_ms = simulation->now_ms,
        .duration_s = (double)scraped.took_ms / 1000.0,
        .kind = scraped.kind,
        .reason = scraped.reason,
        .layout = happening->layout,
        .values = happening->values,
        .value_count = scraped.value_count,
    };
    plan_scrape(simulation, simulation->now_ms + view.every_ms, target, view.revision);
}

void tend_simulation_reload(struct tend_simulation *simulation)
{
    tend_awaited_evaluator_forget(simulation->options.evaluator);
    struct tend_event event = { .kind = TEND_EVENT_GENERATION };
    event.generation.ruleset = simulation->restarts.ruleset(simulation->restarts.context);
    event.generation.sources = simulation->options.sources;
    feed(simulation, &event);
    simulation->restarts.started(simulation->restarts.context);
}

static void happen(struct tend_simulation *simulation, struct happening *happening)
{
    switch (happening->kind) {
    case HAPPENS_SCRAPE:
        scrape(simulation, happening);
        break;
    case HAPPENS_EVENT:
        feed(simulation, &happening->event);
        break;
    case HAPPENS_OWN:
        happening->own(happening->own_context, simulation->now_ms);
        break;
    case HAPPENS_RESTART:
        if (simulation->baselines.size > 0) {
            feed(simulation,
                 &(struct tend_event){
                     .kind = TEND_EVENT_BASELINES,
                     .baselines = { .bytes = simulation->baselines.data, .byte_count = simulation->baselines.size },
                 });
            tend_buffer_reset(&simulation->baselines);
        }
        tend_simulation_reload(simulation);
        break;
    }
}

bool tend_simulation_run(struct tend_simulation *simulation, int64_t until_ms)
{
    while (simulation->count > 0 || simulation->wake_ms != TEND_NEVER_MS) {
        const bool wakes = simulation->wake_ms != TEND_NEVER_MS &&
                           (simulation->count == 0 || simulation->wake_ms < simulation->queue[0]->at_ms);
        const int64_t next_ms = wakes ? simulation->wake_ms : simulation->queue[0]->at_ms;
        if (next_ms > until_ms) {
            simulation->now_ms = until_ms > simulation->now_ms ? until_ms : simulation->now_ms;
            return true;
        }
        simulation->now_ms = next_ms > simulation->now_ms ? next_ms : simulation->now_ms;
        if (wakes) {
            simulation->wake_ms = TEND_NEVER_MS;
            feed(simulation, &(struct tend_event){ .kind = TEND_EVENT_TIMER });
        } else {
            struct happening *happening = take_first(simulation);
            happen(simulation, happening);
            happening_destroy(happening);
        }
    }
    return false;
}

// ---- beginning and end ----

enum tend_status tend_simulation_create(const struct tend_simulation_options *options, struct tend_simulation **out)
{
    struct tend_simulation *simulation = calloc(1, sizeof *simulation);
    const struct tend_engine_options engine_options = {
        .at_ms = options->at_ms,
        .wall_ms = options->at_ms,
        .next_record = 1,
        .startup_grace_ms = 0, // the world's beginning is not the daemon's: it has watched for long
    };
    if (simulation == NULL || tend_engine_create(&engine_options, &simulation->engine) != TEND_OK ||
        tend_run_processes_create(options->sources, tend_awaited_evaluator_starter(options->evaluator),
                                  &simulation->runs) != TEND_OK) {
        tend_simulation_destroy(simulation);
        tend_ruleset_destroy(options->ruleset);
        return TEND_E_NOMEM;
    }
    simulation->options = *options;
    simulation->now_ms = options->at_ms;
    simulation->wake_ms = TEND_NEVER_MS;
    simulation->payloads = json_object();
    simulation->messages = json_array();
    json_incref(options->sources);
    struct tend_event event = { .kind = TEND_EVENT_GENERATION };
    event.generation.ruleset = options->ruleset;
    event.generation.sources = options->sources;
    feed(simulation, &event);
    *out = simulation;
    return TEND_OK;
}

void tend_simulation_destroy(struct tend_simulation *simulation)
{
    if (simulation == NULL) {
        return;
    }
    for (size_t i = 0; i < simulation->count; i++) {
        happening_destroy(simulation->queue[i]);
    }
    free((void *)simulation->queue);
    for (size_t i = 0; i < simulation->record_count; i++) {
        tend_record_clear(&simulation->records[i]);
    }
    free(simulation->records);
    free(simulation->scraped_revisions);
    tend_buffer_clear(&simulation->baselines);
    json_decref(simulation->payloads);
    json_decref(simulation->messages);
    tend_run_processes_destroy(simulation->runs);
    tend_engine_destroy(simulation->engine);
    json_decref(simulation->options.sources);
    free(simulation);
}

void tend_simulation_at(struct tend_simulation *simulation, int64_t at_ms, tend_simulation_happening *happening,
                        void *context)
{
    struct happening *planned = plan(simulation, at_ms, HAPPENS_OWN);
    planned->own = happening;
    planned->own_context = context;
}

void tend_simulation_move_wall(struct tend_simulation *simulation, int64_t by_ms)
{
    simulation->wall_ahead_ms += by_ms;
    struct tend_event event = { .kind = TEND_EVENT_WALL_MOVED, .wall_moved_ms = by_ms };
    feed(simulation, &event);
}

void tend_simulation_log(struct tend_simulation *simulation, const struct tend_event_logs *logs)
{
    feed(simulation, &(struct tend_event){ .kind = TEND_EVENT_LOGS, .logs = *logs });
}

void tend_simulation_list_targets(struct tend_simulation *simulation, const struct tend_event_targets *targets)
{
    feed(simulation, &(struct tend_event){ .kind = TEND_EVENT_TARGETS, .targets = *targets });
}

void tend_simulation_watch(struct tend_simulation *simulation, tend_simulation_look *look, void *context)
{
    simulation->look = look;
    simulation->look_context = context;
}

uint64_t tend_simulation_samples(const struct tend_simulation *simulation)
{
    return simulation->samples;
}

void tend_simulation_give(struct tend_simulation *simulation, int64_t at_ms, struct tend_event *event)
{
    (void)tend_simulation_run(simulation, at_ms);
    simulation->now_ms = at_ms > simulation->now_ms ? at_ms : simulation->now_ms;
    feed(simulation, event);
}

void tend_simulation_operate(struct tend_simulation *simulation, const char *command, const char *argument)
{
    struct tend_event event = { .kind = TEND_EVENT_OPERATOR };
    event.operator.command = command;
    event.operator.argument = argument;
    event.operator.who = "the simulation";
    feed(simulation, &event);
}

void tend_simulation_arm_all(struct tend_simulation *simulation)
{
    tend_simulation_operate(simulation, "arm", "*");
}

void tend_simulation_set_restarts(struct tend_simulation *simulation, const struct tend_simulation_restarts *restarts)
{
    simulation->restarts = *restarts;
}

void tend_simulation_crash(struct tend_simulation *simulation)
{
    die(simulation);
}

int64_t tend_simulation_now_ms(const struct tend_simulation *simulation)
{
    return simulation->now_ms;
}

const struct tend_engine *tend_simulation_engine(const struct tend_simulation *simulation)
{
    return simulation->engine;
}

const struct tend_record *tend_simulation_records(const struct tend_simulation *simulation, size_t *count)
{
    *count = simulation->record_count;
    return simulation->records;
}

const json_t *tend_simulation_messages(const struct tend_simulation *simulation)
{
    return simulation->messages;
}
