// What an evaluator may send: a generation document on the first line, then replies, a line each. None of it may do
// more than be refused: the engine takes a document that was accepted, and goes on with whatever replies follow.
//
// A reply line is JSON; it is given to the engine as the answer to the newest question of every kind, and its bytes as
// verdicts.

#include "engine/engine.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char hash[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

struct fuzzed {
    struct tend_engine *engine;
    struct tend_effects effects;
    int64_t now_ms;
    uint64_t question;
    char run[32];
};

static void step(struct fuzzed *fuzzed, struct tend_event event)
{
    fuzzed->now_ms += 100;
    event.at_ms = event.wall_ms = fuzzed->now_ms;
    tend_engine_step(fuzzed->engine, &event, &fuzzed->effects);
    for (size_t i = 0; i < fuzzed->effects.count; i++) {
        const struct tend_effect *effect = &fuzzed->effects.list[i];
        if (effect->kind == TEND_EFFECT_ASK) {
            fuzzed->question = effect->id;
        } else if (effect->kind == TEND_EFFECT_RUN_START || effect->kind == TEND_EFFECT_RUN_ANSWER) {
            (void)strncpy(fuzzed->run, effect->key, sizeof fuzzed->run - 1);
        }
    }
    tend_effects_reset(&fuzzed->effects);
}

static void scrape_all(struct fuzzed *fuzzed)
{
    for (size_t i = 0; i < tend_engine_target_count(fuzzed->engine) && i < 8; i++) {
        step(fuzzed, (struct tend_event){ .kind = TEND_EVENT_SCRAPED,
                                          .scraped = { .target = i,
                                                       .begun_ms = fuzzed->now_ms,
                                                       .duration_s = 0.1,
                                                       .kind = TEND_SCRAPE_REFUSED,
                                                       .reason = "refused" } });
    }
    step(fuzzed, (struct tend_event){ .kind = TEND_EVENT_TIMER });
    step(fuzzed, (struct tend_event){ .kind = TEND_EVENT_JOURNAL_REACHED, .journal_reached = UINT64_MAX / 2 });
}

static void reply(struct fuzzed *fuzzed, const char *line, size_t bytes)
{
    json_t *json = json_loadb(line, bytes, JSON_DECODE_ANY, NULL);
    const struct tend_event_died died = { .died = json == NULL, .what = "rule", .reason = "fuzzed" };
    struct tend_event event = { .kind = TEND_EVENT_REPLY };
    event.reply.id = fuzzed->question;
    event.reply.json = json;
    event.reply.died = died;
    step(fuzzed, event);
    event.kind = TEND_EVENT_VERDICTS;
    for (uint64_t tick = 1; tick < 4; tick++) {
        event.reply.id = tick;
        event.reply.bytes = line;
        event.reply.byte_count = bytes;
        step(fuzzed, event);
    }
    struct tend_event run = { .kind = TEND_EVENT_RUN_REPLY };
    run.run_reply.run = fuzzed->run;
    run.run_reply.json = json;
    run.run_reply.died = died;
    step(fuzzed, run);
    json_decref(json);
    scrape_all(fuzzed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *end = memchr(text, '\n', size);
    const size_t first = end == NULL ? size : (size_t)(end - text);
    json_t *document = json_loadb(text, first, 0, NULL);
    struct tend_ruleset *ruleset;
    struct tend_error error;
    if (document == NULL || tend_ruleset_create(document, hash, &ruleset, &error) != TEND_OK) {
        json_decref(document);
        return 0;
    }
    json_decref(document);
    struct fuzzed fuzzed = { .now_ms = 1000000 };
    const struct tend_engine_options options = { .at_ms = 1000000, .wall_ms = 1000000, .next_record = 1 };
    TEND_ASSERT(tend_engine_create(&options, &fuzzed.engine) == TEND_OK);
    tend_effects_init(&fuzzed.effects);
    json_t *sources = json_object();
    struct tend_event generation = { .kind = TEND_EVENT_GENERATION };
    generation.generation.ruleset = ruleset;
    generation.generation.sources = sources;
    step(&fuzzed, generation);
    step(&fuzzed, (struct tend_event){ .kind = TEND_EVENT_OPERATOR,
                                       .operator = { .command = "arm", .argument = "*", .who = "fuzz" } });
    scrape_all(&fuzzed);
    for (size_t at = first + 1, lines = 0; at < size && lines < 16; lines++) {
        const char *stop = memchr(text + at, '\n', size - at);
        const size_t bytes = stop == NULL ? size - at : (size_t)(stop - text) - at;
        reply(&fuzzed, text + at, bytes);
        at += bytes + 1;
    }
    json_decref(tend_engine_status(fuzzed.engine));
    tend_effects_clear(&fuzzed.effects);
    tend_engine_destroy(fuzzed.engine);
    json_decref(sources);
    return 0;
}
