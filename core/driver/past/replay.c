// One part after the other. An event is stepped at once; what came of it waits in `effects` for the OUTCOME that must
// follow, or for the next part, which says that there was none.

#include "driver/past/replay.h"

#include "driver/past/replay_answers.h"
#include "driver/past/replay_difference.h"
#include "engine/checkpoint.h"
#include "engine/effect_bytes.h"
#include "engine/engine.h"
#include "recording/event_check.h"
#include "recording/origin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OTHER_BUILD_TOLERANCE 1e-9

struct counts {
    json_int_t segments, restarts, events, scrapes, samples, ticks, records, decisions;
};

struct tend_replay {
    struct tend_replay_answers *answers;
    struct tend_engine *engine; // NULL: before the first checkpoint
    uint64_t ticks_before;      // of the engine, when it was made

    json_t *header;   // of the segment
    double tolerance; // 0: to the byte
    char hash[65];    // of the generation at the segment's beginning; "": none
    json_t *document; // its document
    uint64_t segment; // where the newest part is, for messages
    uint64_t at_byte;

    struct tend_effects effects; // of the newest event
    bool waits_for_outcome;
    uint64_t effects_hash;
    int64_t at_ms, wall_ms; // of the newest event
    int64_t from_ms, from_wall_ms;

    struct counts counts;
    bool torn;
    json_t *generations; // hash → true
    json_t *difference;
};

enum tend_status tend_replay_create(const struct tend_replay_options *options, struct tend_replay **out)
{
    struct tend_replay *replay = calloc(1, sizeof *replay);
    if (replay == NULL) {
        return TEND_E_NOMEM;
    }
    const struct tend_replay_answers_options answers = { .believes_all = options->trusts_answers,
                                                         .believes_document = options->trusts_document,
                                                         .find_sources = options->find_sources,
                                                         .context = options->context };
    replay->generations = json_object();
    tend_effects_init(&replay->effects);
    if (replay->generations == NULL || tend_replay_answers_create(&answers, &replay->answers) != TEND_OK) {
        tend_replay_destroy(replay);
        return TEND_E_NOMEM;
    }
    *out = replay;
    return TEND_OK;
}

void tend_replay_destroy(struct tend_replay *replay)
{
    if (replay == NULL) {
        return;
    }
    tend_replay_answers_destroy(replay->answers);
    tend_engine_destroy(replay->engine);
    tend_effects_clear(&replay->effects);
    json_decref(replay->header);
    json_decref(replay->document);
    json_decref(replay->generations);
    json_decref(replay->difference);
    free(replay);
}

const json_t *tend_replay_difference_found(const struct tend_replay *replay)
{
    return replay->difference;
}

// ---- telling ----

// Takes the difference; the first one stays.
static void differs(struct tend_replay *replay, json_t *take_difference)
{
    if (take_difference == NULL) {
        return;
    }
    if (replay->difference != NULL) {
        json_decref(take_difference);
        return;
    }
    json_t *place = json_pack("{s:I, s:I, s:I, s:I, s:I}", "at_ms", (json_int_t)replay->at_ms, "wall_ms",
                              (json_int_t)replay->wall_ms, "event", replay->counts.events, "segment",
                              (json_int_t)replay->segment, "at_byte", (json_int_t)replay->at_byte);
    TEND_ASSERT(place != NULL && json_object_update(take_difference, place) == 0);
    json_decref(place);
    replay->difference = take_difference;
}

static enum tend_status corrupt(const struct tend_replay *replay, struct tend_error *error, const char *what)
{
    tend_error_set(error, "byte %llu: %s", (unsigned long long)replay->at_byte, what);
    return TEND_E_CORRUPT;
}

// ---- segments ----

// Whether this binary, on this code path of libm, made it. Another maker's numbers may differ in their last digits.
static bool is_ours(const json_t *header)
{
    static const char *const members[] = { "tend", "build", "libm" };
    json_t *origin = tend_recording_origin();
    TEND_ASSERT(origin != NULL);
    bool same = true;
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        same = same && json_equal(json_object_get(header, members[i]), json_object_get(origin, members[i]));
    }
    json_decref(origin);
    return same;
}

static void take_header(struct tend_replay *replay, const struct tend_recorded *part)
{
    json_decref(replay->header);
    replay->header = json_deep_copy(part->json);
    TEND_ASSERT(replay->header != NULL);
    replay->tolerance = is_ours(replay->header) ? 0.0 : OTHER_BUILD_TOLERANCE;
    tend_replay_answers_set_tolerance(replay->answers, replay->tolerance);
    replay->hash[0] = '\0';
    json_decref(replay->document);
    replay->document = NULL;
}

static enum tend_status take_generation(struct tend_replay *replay, const struct tend_recorded *part,
                                        struct tend_error *error)
{
    if (strlen(part->generation.hash) != sizeof replay->hash - 1 || !json_is_object(part->generation.document)) {
        return corrupt(replay, error, "a generation has no hash or no document");
    }
    (void)snprintf(replay->hash, sizeof replay->hash, "%s", part->generation.hash);
    json_decref(replay->document);
    replay->document = json_incref(part->generation.document);
    tend_replay_answers_know(replay->answers, part->generation.hash, part->generation.sources);
    return TEND_OK;
}

static void use_generation(struct tend_replay *replay, const char *hash, const json_t *document)
{
    (void)json_object_set_new(replay->generations, hash, json_true());
    differs(replay, tend_replay_answers_use(replay->answers, hash, document));
}

static void count_ticks(struct tend_replay *replay)
{
    if (replay->engine != NULL) {
        const uint64_t ticks = tend_engine_counts(replay->engine).ticks;
        replay->counts.ticks += (json_int_t)(ticks - replay->ticks_before);
        replay->ticks_before = ticks;
    }
}

static enum tend_status begin_anew(struct tend_replay *replay, const struct tend_recorded *part,
                                   struct tend_error *error)
{
    struct tend_ruleset *ruleset = NULL;
    enum tend_status status = TEND_OK;
    struct tend_error why = { "" };
    if (replay->document != NULL) {
        status = tend_ruleset_create(replay->document, replay->hash, &ruleset, &why);
    }
    if (status != TEND_OK) {
        return status == TEND_E_NOMEM ? status : corrupt(replay, error, why.text);
    }
    count_ticks(replay);
    replay->counts.restarts += replay->engine != NULL;
    tend_engine_destroy(replay->engine);
    replay->engine = NULL;
    status = tend_engine_load(part->checkpoint.bytes, part->checkpoint.byte_count, ruleset, &replay->engine, &why);
    if (status != TEND_OK) {
        tend_error_set(error, "byte %llu: its checkpoint: %s", (unsigned long long)replay->at_byte, why.text);
        return status;
    }
    replay->ticks_before = tend_engine_counts(replay->engine).ticks;
    if (replay->hash[0] != '\0') {
        use_generation(replay, replay->hash, replay->document);
    }
    differs(replay, tend_replay_answers_begin(replay->answers, replay->engine));
    return TEND_OK;
}

// The engine that came here must be the one that was recorded here.
static void compare_state(struct tend_replay *replay, const struct tend_recorded *part)
{
    struct tend_buffer now;
    tend_buffer_init(&now);
    tend_engine_save(replay->engine, &now);
    TEND_ASSERT(!now.failed);
    const char *was = part->checkpoint.bytes;
    const size_t was_count = part->checkpoint.byte_count;
    if (now.size != was_count || memcmp(now.data, was, was_count) != 0) {
        const size_t least = now.size < was_count ? now.size : was_count;
        size_t at = 0;
        while (at < least && now.data[at] == was[at]) {
            at++;
        }
        differs(replay, tend_replay_difference("state", "the engine's state",
                                               "the engine's state at the end of the segment is not the recorded one: "
                                               "%zu bytes, recorded %zu, the first that differs is %zu",
                                               now.size, was_count, at));
    }
    tend_buffer_clear(&now);
}

static enum tend_status take_checkpoint(struct tend_replay *replay, const struct tend_recorded *part,
                                        struct tend_error *error)
{
    if (replay->header == NULL) {
        return corrupt(replay, error, "a checkpoint outside a segment");
    }
    replay->counts.segments++;
    replay->at_ms = tend_json_integer(replay->header, "at_ms", replay->at_ms);
    replay->wall_ms = tend_json_integer(replay->header, "wall_ms", replay->wall_ms);
    if (replay->counts.segments == 1) {
        replay->from_ms = replay->at_ms;
        replay->from_wall_ms = replay->wall_ms;
    }
    if (replay->engine == NULL || !tend_json_bool(replay->header, "continues", false)) {
        return begin_anew(replay, part, error);
    }
    if (replay->tolerance <= 0.0) {
        compare_state(replay, part);
    }
    return TEND_OK;
}

// ---- events ----

static bool decides(enum tend_record_kind kind)
{
    return kind != TEND_RECORD_START && kind != TEND_RECORD_SOURCE && kind != TEND_RECORD_EVIDENCE &&
           kind != TEND_RECORD_OPERATOR;
}

// The records of the newest event's effects, borrowed. free() the list.
static struct tend_record *records_of(const struct tend_effects *effects, size_t *count)
{
    struct tend_record *records = calloc(effects->count + 1, sizeof *records);
    TEND_ASSERT(records != NULL);
    *count = 0;
    for (size_t i = 0; i < effects->count; i++) {
        if (effects->list[i].kind == TEND_EFFECT_RECORD) {
            records[(*count)++] = effects->list[i].record;
        }
    }
    return records;
}

// "evaluate, record ×3": what an event had come of it.
static void put_effects(struct tend_buffer *out, const struct tend_effects *effects)
{
    static const char *const names[] = {
        [TEND_EFFECT_EVALUATE] = "a tick to evaluate",
        [TEND_EFFECT_ASK] = "a question to an evaluator",
        [TEND_EFFECT_RUN_START] = "a run's start",
        [TEND_EFFECT_RUN_ANSWER] = "an answer to a run",
        [TEND_EFFECT_RUN_END] = "a run's end",
        [TEND_EFFECT_EXEC] = "a program to start",
        [TEND_EFFECT_HTTP] = "a request to send",
        [TEND_EFFECT_CANCEL] = "a step to cancel",
        [TEND_EFFECT_DELIVER] = "a notice to send",
        [TEND_EFFECT_RECORD] = "a record",
        [TEND_EFFECT_WAKE] = "",
        [TEND_EFFECT_TARGETS] = "a change of targets",
    };
    size_t counts[TEND_EFFECT_TARGETS + 1] = { 0 };
    for (size_t i = 0; i < effects->count; i++) {
        counts[effects->list[i].kind]++;
    }
    const char *gap = "";
    for (size_t kind = 0; kind < sizeof counts / sizeof counts[0]; kind++) {
        if (counts[kind] == 0 || kind == TEND_EFFECT_WAKE) {
            continue;
        }
        tend_buffer_printf(out, "%s%s", gap, names[kind]);
        if (counts[kind] > 1) {
            tend_buffer_printf(out, " (%zu times)", counts[kind]);
        }
        gap = ", ";
    }
    tend_buffer_put_text(out, gap[0] == '\0' ? "nothing" : "");
}

static bool has_effects(const struct tend_effects *effects)
{
    for (size_t i = 0; i < effects->count; i++) {
        if (effects->list[i].kind != TEND_EFFECT_WAKE) {
            return true;
        }
    }
    return false;
}

// What came of the newest event now, beside what came of it then.
static void compare_outcome(struct tend_replay *replay, const struct tend_record *was, size_t was_count,
                            const uint64_t *hash)
{
    size_t now_count = 0;
    struct tend_record *now = records_of(&replay->effects, &now_count);
    replay->waits_for_outcome = false;
    differs(replay, tend_replay_records_differ(was, was_count, now, now_count, replay->tolerance));
    const bool same = hash == NULL ? !has_effects(&replay->effects) : *hash == replay->effects_hash;
    if (replay->difference == NULL && replay->tolerance <= 0.0 && !same) {
        struct tend_buffer text;
        tend_buffer_init(&text);
        put_effects(&text, &replay->effects);
        differs(replay, tend_replay_difference("effects", "what the event led to",
                                               was_count == 0 && hash == NULL
                                                   ? "what the event led to: recorded nothing, now %s"
                                                   : "what the event led to: its records are the recorded ones, and "
                                                     "something else is not; now it is %s",
                                               tend_buffer_text(&text)));
        tend_buffer_clear(&text);
    }
    if (replay->difference == NULL) {
        replay->counts.records += (json_int_t)now_count;
        for (size_t i = 0; i < now_count; i++) {
            replay->counts.decisions += decides(now[i].kind);
        }
    }
    free(now);
}

// Another part follows the newest event, or none ever will.
static void end_event(struct tend_replay *replay, bool outcome_may_be_lost)
{
    if (replay->waits_for_outcome && !outcome_may_be_lost) {
        compare_outcome(replay, NULL, 0, NULL);
    }
    replay->waits_for_outcome = false;
}

static enum tend_status make_next_ruleset(struct tend_replay *replay, const struct tend_recorded *part,
                                          struct tend_event *event, struct tend_error *error)
{
    struct tend_error why = { "" };
    const enum tend_status status = tend_ruleset_create(part->next_generation.document, part->next_generation.hash,
                                                        &event->generation.ruleset, &why);
    if (status != TEND_OK) {
        return status == TEND_E_NOMEM ? status : corrupt(replay, error, why.text);
    }
    tend_replay_answers_know(replay->answers, part->next_generation.hash, event->generation.sources);
    return TEND_OK;
}

static enum tend_status take_event(struct tend_replay *replay, const struct tend_recorded *part,
                                   struct tend_error *error)
{
    if (replay->engine == NULL) {
        return corrupt(replay, error, "an event before a checkpoint");
    }
    const char *fault = tend_event_check(part);
    if (fault != NULL) {
        return corrupt(replay, error, fault);
    }
    struct tend_event event = part->event;
    replay->at_ms = event.at_ms;
    replay->wall_ms = event.wall_ms;
    replay->counts.events++;
    if (event.kind == TEND_EVENT_SCRAPED) {
        replay->counts.scrapes++;
        replay->counts.samples += (json_int_t)event.scraped.value_count;
    } else if (event.kind == TEND_EVENT_VERDICTS || event.kind == TEND_EVENT_REPLY ||
               event.kind == TEND_EVENT_RUN_REPLY) {
        differs(replay, tend_replay_answers_take(replay->answers, &event, tend_engine_ruleset(replay->engine)));
    } else if (event.kind == TEND_EVENT_GENERATION) {
        const enum tend_status status = make_next_ruleset(replay, part, &event, error);
        if (status != TEND_OK) {
            return status;
        }
    }
    tend_effects_reset(&replay->effects);
    tend_engine_step(replay->engine, &event, &replay->effects);
    replay->effects_hash = replay->tolerance <= 0.0 ? tend_effects_hash(&replay->effects) : 0;
    replay->waits_for_outcome = true;
    for (size_t i = 0; i < replay->effects.count; i++) {
        tend_replay_answers_asked(replay->answers, &replay->effects.list[i]);
    }
    if (event.kind == TEND_EVENT_GENERATION) {
        use_generation(replay, part->next_generation.hash, part->next_generation.document);
    }
    return TEND_OK;
}

// A bundle's journal has the rules of runs that began before it.
static void take_journal_row(struct tend_replay *replay, const json_t *row)
{
    const json_t *body = json_object_get(row, "body");
    if (strcmp(tend_json_text(row, "kind", ""), "source") == 0 && json_is_object(body)) {
        json_t *sources = json_deep_copy(body);
        TEND_ASSERT(sources != NULL);
        tend_replay_answers_know(replay->answers, tend_json_text(row, "key", ""), sources);
        json_decref(sources);
    }
}

enum tend_status tend_replay_take(struct tend_replay *replay, const struct tend_recorded *part,
                                  struct tend_error *error)
{
    if (replay->difference != NULL) {
        return TEND_OK;
    }
    if (part->kind != TEND_RECORDED_OUTCOME && part->kind != TEND_RECORDED_NOTE &&
        part->kind != TEND_RECORDED_JOURNAL) {
        // A tend that was killed may have lost what came of its last event.
        end_event(replay, part->kind == TEND_RECORDED_HEADER && !tend_json_bool(part->json, "continues", false));
    }
    replay->segment = part->segment;
    replay->at_byte = part->at_byte;
    switch (part->kind) {
    case TEND_RECORDED_HEADER:
        take_header(replay, part);
        return TEND_OK;
    case TEND_RECORDED_GENERATION:
        return take_generation(replay, part, error);
    case TEND_RECORDED_CHECKPOINT:
        return take_checkpoint(replay, part, error);
    case TEND_RECORDED_EVENT:
        return take_event(replay, part, error);
    case TEND_RECORDED_OUTCOME:
        if (!replay->waits_for_outcome) {
            return corrupt(replay, error, "an outcome without an event");
        }
        compare_outcome(replay, part->outcome.records, part->outcome.record_count, &part->outcome.hash);
        return TEND_OK;
    case TEND_RECORDED_JOURNAL:
        take_journal_row(replay, part->json);
        return TEND_OK;
    case TEND_RECORDED_NOTE:
        return TEND_OK;
    }
    return TEND_OK;
}

void tend_replay_end(struct tend_replay *replay, bool torn)
{
    if (replay->difference == NULL) {
        end_event(replay, torn);
    }
    replay->torn = torn;
    count_ticks(replay);
}

// ---- the report ----

static json_t *names_of(const json_t *object)
{
    json_t *names = json_array();
    json_t *iterated = (json_t *)(uintptr_t)object; // NOLINT(performance-no-int-to-ptr): jansson knows no const
    for (void *at = json_object_iter(iterated); at != NULL; at = json_object_iter_next(iterated, at)) {
        (void)json_array_append_new(names, json_string(json_object_iter_key(at)));
    }
    return names;
}

json_t *tend_replay_report(const struct tend_replay *replay)
{
    const struct counts *counts = &replay->counts;
    const struct tend_replay_answers_counts answers = tend_replay_answers_counts(replay->answers);
    json_t *report = json_pack(
        "{s:O?, s:O?, s:O?, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "tend",
        json_object_get(replay->header, "tend"), "build", json_object_get(replay->header, "build"), "libm",
        json_object_get(replay->header, "libm"), "exact", replay->tolerance <= 0.0, "from_wall_ms",
        (json_int_t)replay->from_wall_ms, "until_wall_ms", (json_int_t)replay->wall_ms, "from_ms",
        (json_int_t)replay->from_ms, "until_ms", (json_int_t)replay->at_ms, "segments", counts->segments, "restarts",
        counts->restarts, "events", counts->events, "scrapes", counts->scrapes, "samples", counts->samples);
    json_t *more = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:b, s:o, s:O?}", "ticks", counts->ticks, "records",
                             counts->records, "decisions", counts->decisions, "evaluated", (json_int_t)answers.again,
                             "believed", (json_int_t)answers.believed, "kills", (json_int_t)answers.deaths,
                             "generations", names_of(replay->generations), "torn", replay->torn, "notes",
                             names_of(tend_replay_answers_notes(replay->answers)), "difference", replay->difference);
    TEND_ASSERT(report != NULL && more != NULL && json_object_update(report, more) == 0);
    json_decref(more);
    if (replay->difference == NULL) {
        (void)json_object_set_new(report, "difference", json_null());
    }
    return report;
}
