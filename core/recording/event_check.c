#include "recording/event_check.h"

#include "alert/verdict.h"
#include "base/buffer.h"
#include "base/json.h"
#include "locate/log_template.h"
#include "parse/log_line.h"
#include "parse/utf8.h"
#include "series/layout.h"

#include <string.h>

enum { HASH_DIGITS = 64 };
#define MOST_MS (INT64_C(1) << 60) // as in checkpoints: sums and differences of a few of them still fit

// It is there, and it can be part of JSON as it is: the engine mends what a program or a peer may have said, and no
// more.
static bool is_text(const char *text)
{
    return text != NULL && tend_utf8_valid(text, strlen(text));
}

static bool is_time(int64_t ms)
{
    return ms >= -MOST_MS && ms <= MOST_MS;
}

static bool has_times(const struct tend_event *event)
{
    return is_time(event->at_ms) && is_time(event->wall_ms) &&
           (event->kind != TEND_EVENT_SCRAPED || is_time(event->scraped.begun_ms)) &&
           (event->kind != TEND_EVENT_DELIVERED || is_time(event->delivered.retry_after_ms)) &&
           (event->kind != TEND_EVENT_WALL_MOVED || is_time(event->wall_moved_ms));
}

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

static bool are_labels(json_t *labels)
{
    const char *name;
    json_t *value;
    json_object_foreach(labels, name, value)
    {
        if (!json_is_string(value)) {
            return false;
        }
    }
    return json_is_object(labels);
}

static const char *check_targets(const struct tend_event_targets *targets)
{
    for (size_t i = 0; i < targets->count; i++) {
        const struct tend_discovered *target = &targets->targets[i];
        if (!is_text(target->url) || !is_text(target->address) || !are_labels(target->labels)) {
            return "a discovered target has no address or no labels";
        }
    }
    return NULL;
}

// As tend_log_template leaves it: it goes into sentences and to terminals.
static bool is_template(const char *text)
{
    size_t bytes = 0;
    for (; text != NULL && bytes <= TEND_LOG_TEMPLATE_BYTES && text[bytes] != '\0'; bytes++) {
        if (text[bytes] < ' ' || text[bytes] > '~') {
            return false;
        }
    }
    return text != NULL && bytes <= TEND_LOG_TEMPLATE_BYTES;
}

static const char *check_logs(const struct tend_event_logs *logs)
{
    for (size_t i = 0; i < logs->count; i++) {
        const struct tend_logged_service *service = &logs->services[i];
        if (!is_text(service->service)) {
            return "a log of no service";
        }
        for (size_t j = 0; j < service->count; j++) {
            const struct tend_logged *logged = &service->logged[j];
            if (!is_template(logged->template) || logged->level > TEND_LINE_ERROR || logged->first_ago_ms < 0 ||
                !is_time(logged->first_ago_ms)) {
                return "lines of a log are malformed";
            }
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
        reader.failed = reader.failed || verdict > TEND_VERDICT_HOLD;
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

static const char *check_step(const struct tend_event *event)
{
    return is_text(event->step.outcome) && event->step.error != NULL ? NULL : "a step ended without an outcome";
}

static const char *check_operator(const struct tend_event *event)
{
    return is_text(event->operator.command) && is_text(event->operator.argument) && is_text(event->operator.who)
               ? NULL
               : "a command of nobody";
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
    if (!has_times(event)) {
        return "an event at no time";
    }
    switch (event->kind) {
    case TEND_EVENT_SCRAPED:
        return check_scraped(&event->scraped);
    case TEND_EVENT_TARGETS:
        return check_targets(&event->targets);
    case TEND_EVENT_LOGS:
        return check_logs(&event->logs);
    case TEND_EVENT_VERDICTS:
        return event->reply.died.died ? check_died(&event->reply.died) : check_verdicts(event);
    case TEND_EVENT_REPLY:
        return event->reply.died.died              ? check_died(&event->reply.died)
               : json_is_object(event->reply.json) ? NULL
                                                   : "an answer is no object";
    case TEND_EVENT_RUN_REPLY:
        return check_run_reply(event);
    case TEND_EVENT_STEP_RESULT:
        return check_step(event);
    case TEND_EVENT_DELIVERED:
        return event->delivered.key == NULL || event->delivered.error == NULL ? "a notice without a key" : NULL;
    case TEND_EVENT_JOURNAL_FAILED:
        return event->journal_failed == NULL ? "a journal failed without a reason" : NULL;
    case TEND_EVENT_OPERATOR:
        return check_operator(event);
    case TEND_EVENT_GENERATION:
        return check_generation(part);
    case TEND_EVENT_TIMER:
    case TEND_EVENT_JOURNAL_REACHED:
    case TEND_EVENT_WALL_MOVED:
    case TEND_EVENT_MEASURED:
        return NULL;
    case TEND_EVENT_BASELINES:
        return event->baselines.bytes == NULL ? "baselines without bytes" : NULL;
    }
    return "an event of no known kind";
}
