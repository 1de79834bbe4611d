#include "recording/event_check.h"

#include "alert/verdict.h"
#include "base/buffer.h"
#include "base/json.h"
#include "series/layout.h"

#include <string.h>

enum { HASH_DIGITS = 64 };

static const char *check_scraped(const struct tend_event_scraped *scraped)
{
    const bool good = scraped->kind == TEND_SCRAPE_OK;
    if (scraped->reason == NULL || good != (scraped->layout != NULL)) {
        return "a scrape has no reason, or a layout that it cannot have";
    }
    return !good || tend_layout_count(scraped->layout) == scraped->value_count
               ? NULL
               : "a scrape has other values than columns";
}

static const char *check_targets(const struct tend_event_targets *targets)
{
    for (size_t i = 0; i < targets->count; i++) {
        const struct tend_discovered *target = &targets->targets[i];
        if (target->url == NULL || target->address == NULL || !json_is_object(target->labels)) {
            return "a discovered target has no address or no labels";
        }
    }
    return NULL;
}

static const char *check_died(const struct tend_event_died *died)
{
    return died->what == NULL || died->reason == NULL ? "an evaluator died of nothing" : NULL;
}

static const char *check_verdicts(const struct tend_event *event)
{
    struct tend_reader reader = tend_reader_over(event->reply.bytes, event->reply.byte_count);
    const uint64_t tick = tend_reader_get_u64(&reader);
    const uint32_t count = tend_reader_get_u32(&reader);
    for (uint32_t i = 0; i < count && !reader.failed; i++) {
        const uint8_t verdict = tend_reader_get_u8(&reader);
        size_t bytes = 0;
        if (verdict == TEND_VERDICT_ERROR) {
            (void)tend_reader_get_string(&reader, &bytes);
        }
        reader.failed = reader.failed || verdict > TEND_VERDICT_ERROR;
    }
    return tick == event->reply.id && !reader.failed && reader.next == reader.end ? NULL : "verdicts are malformed";
}

static const char *check_run_reply(const struct tend_event *event)
{
    if (event->run_reply.run == NULL) {
        return "a reply of no run";
    }
    if (event->run_reply.died.died) {
        return check_died(&event->run_reply.died);
    }
    const bool effect = json_is_object(json_object_get(event->run_reply.json, "effect"));
    const bool end = json_is_object(json_object_get(event->run_reply.json, "end"));
    return effect != end ? NULL : "a run's reply is neither an effect nor an end";
}

static const char *check_generation(const struct tend_recorded *part)
{
    const char *hash = part->next_generation.hash;
    const bool has_hash =
        hash != NULL && strlen(hash) == HASH_DIGITS && strspn(hash, "0123456789abcdef") == HASH_DIGITS;
    return has_hash && json_is_object(part->next_generation.document) && json_is_object(part->event.generation.sources)
               ? NULL
               : "a generation has no hash, no sources or no document";
}

const char *tend_event_check(const struct tend_recorded *part)
{
    const struct tend_event *event = &part->event;
    switch (event->kind) {
    case TEND_EVENT_SCRAPED:
        return check_scraped(&event->scraped);
    case TEND_EVENT_TARGETS:
        return check_targets(&event->targets);
    case TEND_EVENT_VERDICTS:
        return event->reply.died.died ? check_died(&event->reply.died) : check_verdicts(event);
    case TEND_EVENT_REPLY:
        return event->reply.died.died              ? check_died(&event->reply.died)
               : json_is_object(event->reply.json) ? NULL
                                                   : "an answer is no object";
    case TEND_EVENT_RUN_REPLY:
        return check_run_reply(event);
    case TEND_EVENT_STEP_RESULT:
        return event->step.outcome == NULL || event->step.error == NULL ? "a step ended without an outcome" : NULL;
    case TEND_EVENT_DELIVERED:
        return event->delivered.key == NULL || event->delivered.error == NULL ? "a notice without a key" : NULL;
    case TEND_EVENT_JOURNAL_FAILED:
        return event->journal_failed == NULL ? "a journal failed without a reason" : NULL;
    case TEND_EVENT_OPERATOR:
        return event->operator.command == NULL || event->operator.argument == NULL || event->operator.who == NULL
                   ? "a command of nobody"
                   : NULL;
    case TEND_EVENT_GENERATION:
        return check_generation(part);
    case TEND_EVENT_TIMER:
    case TEND_EVENT_JOURNAL_REACHED:
    case TEND_EVENT_WALL_MOVED:
    case TEND_EVENT_MEASURED:
        return NULL;
    }
    return "an event of no known kind";
}
