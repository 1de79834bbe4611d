#pragma once
/// Recorded events: events of every kind with awkward contents, made from the seeded random numbers, and a comparison
/// to the bit.

#include "engine/event.h"
#include "seeded_random.h"
#include "series/layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { EVENT_KINDS = TEND_EVENT_BASELINES + 1, ROW_COLUMNS_MAX = 12, EVENT_TARGETS = 3 };

/// What made events point to; one event at a time.
struct event_source {
    const struct tend_layout *layouts[EVENT_TARGETS]; ///< of the targets, which grow
    size_t columns[EVENT_TARGETS];
    double rows[EVENT_TARGETS][ROW_COLUMNS_MAX];
    double values[ROW_COLUMNS_MAX];
    uint8_t missing[ROW_COLUMNS_MAX];
    struct tend_discovered discovered[2];
    struct tend_logged logged[2];
    struct tend_logged_service logging[2];
    json_t *json;
    int64_t at_ms, wall_ms;
};

static inline const struct tend_layout *numbered_layout(size_t columns)
{
    struct tend_column list[ROW_COLUMNS_MAX] = { { .labels = NULL } };
    for (size_t i = 0; i < columns; i++) {
        char value[24];
        (void)snprintf(value, sizeof value, "%zu", i);
        const struct tend_label labels[] = {
            { .name = "code", .name_bytes = 4, .value = value, .value_bytes = strlen(value) },
            { .name = "\xc3\xa4 odd", .name_bytes = 6, .value = "a\0\"b", .value_bytes = 4 },
        };
        list[i].type = (enum tend_series_type)(i % (TEND_SERIES_STATE_SET + 1));
        assert_int_equal(tend_label_set_create("http_requests", 13, labels, i % 3, &list[i].labels), TEND_OK);
        if (i % 3 == 0 && i > 0) { // no labels: the name tells it apart
            tend_label_set_release(list[i].labels);
            char name[32];
            (void)snprintf(name, sizeof name, "series_%zu", i);
            assert_int_equal(tend_label_set_create(name, strlen(name), NULL, 0, &list[i].labels), TEND_OK);
        }
    }
    const struct tend_layout *layout;
    assert_int_equal(tend_layout_create(list, columns, &layout), TEND_OK);
    for (size_t i = 0; i < columns; i++) {
        tend_label_set_release(list[i].labels);
    }
    return layout;
}

static inline void event_source_clear(struct event_source *source)
{
    for (size_t i = 0; i < EVENT_TARGETS; i++) {
        tend_layout_release(source->layouts[i]);
    }
    json_decref(source->json);
    *source = (struct event_source){ .at_ms = 0 };
}

static inline double value_of_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/// A value that follows another one: the same, a counter's next, a stale marker, a NaN with a payload, any bits.
static inline double next_value(double before)
{
    switch (random_below(12)) {
    case 0:
    case 1:
    case 2:
        return before;
    case 3:
        return before + 1;
    case 4:
        return before + random_below(100000);
    case 5:
        return random_below(1000) - 500;
    case 6:
        return random_below(1000000) / 997.0;
    case 7:
        return tend_stale();
    case 8:
        return value_of_bits(UINT64_C(0x7ff8000000000000) | (uint64_t)random_below(1 << 30));
    case 9:
        return value_of_bits((uint64_t)random_below(INT32_MAX) << 33 ^ (uint64_t)random_below(INT32_MAX) << 3);
    case 10:
        return random_below(2) == 0 ? -0.0 : 9007199254740991.0;
    default:
        return random_below(2) == 0 ? -9007199254740992.0 : 1e300;
    }
}

static inline void make_scrape(struct event_source *source, struct tend_event *event)
{
    const size_t target = (size_t)random_below(EVENT_TARGETS);
    event->scraped.target = target;
    event->scraped.begun_ms = source->at_ms - random_below(3000);
    event->scraped.duration_s = random_below(1000000) / 1e6;
    event->scraped.reason = "";
    if (random_below(4) == 0) {
        event->scraped.kind = (enum tend_scrape_kind)(1 + random_below(TEND_SCRAPE_PARSE));
        event->scraped.reason = "no answer \xe2\x80\x94 \x01";
        return;
    }
    if (source->layouts[target] == NULL || random_below(10) == 0) {
        tend_layout_release(source->layouts[target]);
        source->columns[target] = (size_t)random_below(ROW_COLUMNS_MAX + 1);
        source->layouts[target] = numbered_layout(source->columns[target]);
    }
    for (size_t i = 0; i < source->columns[target]; i++) {
        source->rows[target][i] = next_value(source->rows[target][i]);
    }
    event->scraped.layout = source->layouts[target];
    event->scraped.values = source->rows[target];
    event->scraped.value_count = source->columns[target];
}

static inline json_t *awkward_json(void)
{
    return json_pack("{s:s%, s:f, s:f, s:I, s:[n, b, b, {}], s:s}", "nul", "a\0b", (size_t)3, "real", 0.1 + 0.2,
                     "minus zero", -0.0, "integer", (json_int_t)INT64_MIN, "list", 1, 0, "\xc3\xa4 \"",
                     "\n\xe2\x82\xac");
}

static inline void make_rest(struct event_source *source, struct tend_event *event)
{
    const bool odd = random_below(2) == 0;
    const struct tend_event_died died = {
        .died = odd, .what = odd ? "rule" : NULL, .index = odd ? UINT32_MAX : 0, .reason = odd ? "killed" : NULL
    };
    switch (event->kind) {
    case TEND_EVENT_SCRAPED:
        make_scrape(source, event);
        break;
    case TEND_EVENT_TIMER:
        break;
    case TEND_EVENT_TARGETS:
        source->discovered[0] =
            (struct tend_discovered){ .url = "http://[::1]:9/m", .address = "[::1]:9", .labels = source->json };
        source->discovered[1] = (struct tend_discovered){ .url = "", .address = "", .labels = NULL };
        event->targets = (struct tend_event_targets){ .discovery = 7, .targets = source->discovered, .count = 2 };
        break;
    case TEND_EVENT_VERDICTS:
        event->reply.id = UINT64_MAX;
        event->reply.bytes = odd ? NULL : "\0\1\2";
        event->reply.byte_count = odd ? 0 : 3;
        event->reply.died = died;
        break;
    case TEND_EVENT_REPLY:
        event->reply.id = 12;
        event->reply.json = odd ? NULL : source->json;
        event->reply.died = died;
        break;
    case TEND_EVENT_RUN_REPLY:
        event->run_reply.run = "run-1";
        event->run_reply.json = odd ? NULL : source->json;
        event->run_reply.died = died;
        break;
    case TEND_EVENT_STEP_RESULT:
        event->step.id = 3;
        event->step.outcome = "unknown";
        event->step.error = odd ? "" : "timed out";
        event->step.value = odd ? NULL : source->json;
        break;
    case TEND_EVENT_DELIVERED:
        event->delivered.key = "incident 1/2";
        event->delivered.ok = odd;
        event->delivered.retry = !odd;
        event->delivered.retry_after_ms = -1;
        event->delivered.error = "";
        break;
    case TEND_EVENT_JOURNAL_REACHED:
        event->journal_reached = UINT64_C(1) << 40;
        break;
    case TEND_EVENT_JOURNAL_FAILED:
        event->journal_failed = "disk full";
        break;
    case TEND_EVENT_OPERATOR:
        event->operator.command = "arm";
        event->operator.argument = odd ? NULL : "restart";
        event->operator.who = "uid 0 (root)";
        break;
    case TEND_EVENT_WALL_MOVED:
        event->wall_moved_ms = odd ? INT64_MIN : INT64_MAX;
        break;
    case TEND_EVENT_GENERATION:
        event->generation.sources = source->json;
        break;
    case TEND_EVENT_MEASURED:
        for (size_t i = 0; i < ROW_COLUMNS_MAX; i++) {
            source->values[i] = next_value(source->values[i]);
            source->missing[i] = (uint8_t)(i == 0 ? TEND_MEASURED_AS_SCRAPED : i % 10);
        }
        event->measured = (struct tend_event_measured){
            .target = 1, .values = source->values, .missing = source->missing, .count = ROW_COLUMNS_MAX
        };
        break;
    case TEND_EVENT_LOGS:
        source->logged[0] = (struct tend_logged){ .template = "GET <*> failed", .level = 2, .lines = UINT64_MAX };
        source->logged[1] = (struct tend_logged){ .template = "", .level = 0, .lines = 1, .first_ago_ms = 4999 };
        source->logging[0] = (struct tend_logged_service){
            .service = "payments", .skipped_bytes = odd ? UINT64_C(1) << 40 : 0, .logged = source->logged, .count = 2
        };
        source->logging[1] = (struct tend_logged_service){ .service = "caf\303\251" };
        event->logs = (struct tend_event_logs){ .services = source->logging, .count = odd ? 2 : 0 };
        break;
    case TEND_EVENT_BASELINES:
        event->baselines.bytes = odd ? "" : "\1\0\0\0x";
        event->baselines.byte_count = odd ? 0 : 5;
        break;
    }
}

/// An event of a kind; what it points to holds until the next one. A GENERATION has no ruleset.
static inline struct tend_event make_event(struct event_source *source, enum tend_event_kind kind)
{
    json_decref(source->json);
    source->json = awkward_json();
    assert_non_null(source->json);
    source->at_ms += random_below(5000);
    source->wall_ms = source->at_ms + random_below(3) - 1;
    struct tend_event event = { .kind = kind, .at_ms = source->at_ms, .wall_ms = source->wall_ms };
    make_rest(source, &event);
    return event;
}

static inline void assert_same_text(const char *a, const char *b)
{
    assert_int_equal(a == NULL, b == NULL);
    if (a != NULL) {
        assert_string_equal(a, b);
    }
}

static inline void assert_same_json(const json_t *a, const json_t *b)
{
    assert_int_equal(a == NULL, b == NULL);
    if (a != NULL) {
        assert_true(json_equal(a, b));
    }
}

static inline void assert_same_died(const struct tend_event_died *a, const struct tend_event_died *b)
{
    assert_int_equal(a->died, b->died);
    if (a->died) {
        assert_same_text(a->what, b->what);
        assert_int_equal(a->index, b->index);
        assert_same_text(a->reason, b->reason);
    }
}

static inline void assert_same_scrape(const struct tend_event_scraped *a, const struct tend_event_scraped *b)
{
    assert_int_equal(a->target, b->target);
    assert_int_equal(a->begun_ms, b->begun_ms);
    assert_memory_equal(&a->duration_s, &b->duration_s, sizeof a->duration_s);
    assert_int_equal(a->kind, b->kind);
    assert_same_text(a->reason, b->reason);
    assert_int_equal(a->layout == NULL, b->layout == NULL);
    assert_int_equal(a->value_count, b->value_count);
    if (a->layout != NULL) {
        assert_true(tend_layout_equal(a->layout, b->layout));
        for (size_t i = 0; i < a->value_count; i++) {
            assert_int_equal(tend_layout_column(a->layout, i)->type, tend_layout_column(b->layout, i)->type);
        }
        if (a->value_count > 0) {
            assert_memory_equal(a->values, b->values, a->value_count * sizeof(double));
        }
    }
}

static inline void assert_same_logs(const struct tend_event_logs *a, const struct tend_event_logs *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_same_text(a->services[i].service, b->services[i].service);
        assert_true(a->services[i].skipped_bytes == b->services[i].skipped_bytes);
        assert_int_equal(a->services[i].count, b->services[i].count);
        for (size_t j = 0; j < a->services[i].count; j++) {
            const struct tend_logged *one = &a->services[i].logged[j];
            const struct tend_logged *other = &b->services[i].logged[j];
            assert_same_text(one->template, other->template);
            assert_int_equal(one->level, other->level);
            assert_true(one->lines == other->lines);
            assert_true(one->first_ago_ms == other->first_ago_ms);
        }
    }
}

/// Fails the test unless both are the same to the bit.
static inline void assert_same_event(const struct tend_event *a, const struct tend_event *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->at_ms, b->at_ms);
    assert_int_equal(a->wall_ms, b->wall_ms);
    switch (a->kind) {
    case TEND_EVENT_SCRAPED:
        assert_same_scrape(&a->scraped, &b->scraped);
        break;
    case TEND_EVENT_TIMER:
        break;
    case TEND_EVENT_TARGETS:
        assert_int_equal(a->targets.discovery, b->targets.discovery);
        assert_int_equal(a->targets.count, b->targets.count);
        for (size_t i = 0; i < a->targets.count; i++) {
            assert_same_text(a->targets.targets[i].url, b->targets.targets[i].url);
            assert_same_text(a->targets.targets[i].address, b->targets.targets[i].address);
            assert_same_json(a->targets.targets[i].labels, b->targets.targets[i].labels);
        }
        break;
    case TEND_EVENT_VERDICTS:
    case TEND_EVENT_REPLY:
        assert_int_equal(a->reply.id, b->reply.id);
        assert_int_equal(a->reply.bytes == NULL, b->reply.bytes == NULL);
        assert_int_equal(a->reply.byte_count, b->reply.byte_count);
        if (a->reply.byte_count > 0) {
            assert_memory_equal(a->reply.bytes, b->reply.bytes, a->reply.byte_count);
        }
        assert_same_json(a->reply.json, b->reply.json);
        assert_same_died(&a->reply.died, &b->reply.died);
        break;
    case TEND_EVENT_RUN_REPLY:
        assert_same_text(a->run_reply.run, b->run_reply.run);
        assert_same_json(a->run_reply.json, b->run_reply.json);
        assert_same_died(&a->run_reply.died, &b->run_reply.died);
        break;
    case TEND_EVENT_STEP_RESULT:
        assert_int_equal(a->step.id, b->step.id);
        assert_same_text(a->step.outcome, b->step.outcome);
        assert_same_text(a->step.error, b->step.error);
        assert_same_json(a->step.value, b->step.value);
        break;
    case TEND_EVENT_DELIVERED:
        assert_same_text(a->delivered.key, b->delivered.key);
        assert_int_equal(a->delivered.ok, b->delivered.ok);
        assert_int_equal(a->delivered.retry, b->delivered.retry);
        assert_int_equal(a->delivered.retry_after_ms, b->delivered.retry_after_ms);
        assert_same_text(a->delivered.error, b->delivered.error);
        break;
    case TEND_EVENT_JOURNAL_REACHED:
        assert_int_equal(a->journal_reached, b->journal_reached);
        break;
    case TEND_EVENT_JOURNAL_FAILED:
        assert_same_text(a->journal_failed, b->journal_failed);
        break;
    case TEND_EVENT_OPERATOR:
        assert_same_text(a->operator.command, b->operator.command);
        assert_same_text(a->operator.argument, b->operator.argument);
        assert_same_text(a->operator.who, b->operator.who);
        break;
    case TEND_EVENT_WALL_MOVED:
        assert_int_equal(a->wall_moved_ms, b->wall_moved_ms);
        break;
    case TEND_EVENT_GENERATION:
        assert_same_json(a->generation.sources, b->generation.sources);
        break;
    case TEND_EVENT_MEASURED:
        assert_int_equal(a->measured.target, b->measured.target);
        assert_int_equal(a->measured.count, b->measured.count);
        assert_memory_equal(a->measured.values, b->measured.values, a->measured.count * sizeof(double));
        assert_memory_equal(a->measured.missing, b->measured.missing, a->measured.count);
        break;
    case TEND_EVENT_LOGS:
        assert_same_logs(&a->logs, &b->logs);
        break;
    case TEND_EVENT_BASELINES:
        assert_int_equal(a->baselines.byte_count, b->baselines.byte_count);
        assert_memory_equal(a->baselines.bytes, b->baselines.bytes, a->baselines.byte_count);
        break;
    }
}
