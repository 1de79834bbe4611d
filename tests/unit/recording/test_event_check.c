// Which recorded events no driver can have given its engine.

#include "recording/event_check.h"

#include "alert/verdict.h"
#include "base/buffer.h"
#include "locate/log_template.h"
#include "parse/log_line.h"
#include "series/layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct tend_recorded event_of(enum tend_event_kind kind)
{
    return (struct tend_recorded){ .kind = TEND_RECORDED_EVENT, .event = { .kind = kind } };
}

static void assert_refused(const struct tend_recorded *part, const char *why)
{
    const char *fault = tend_event_check(part);
    assert_non_null(fault);
    assert_string_equal(fault, why);
}

static void a_line_of_a_log_that_no_mask_leaves_is_refused(void **state)
{
    (void)state;
    struct tend_logged logged = { .template = "cannot reach <*>", .level = TEND_LINE_ERROR, .lines = 1 };
    const struct tend_logged_service service = { .service = "web", .logged = &logged, .count = 1 };
    struct tend_recorded part = event_of(TEND_EVENT_LOGS);
    part.event.logs = (struct tend_event_logs){ .services = &service, .count = 1 };
    assert_null(tend_event_check(&part));
    char longer[TEND_LOG_TEMPLATE_BYTES + 2];
    memset(longer, 'a', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    const char *const bad[] = { NULL, "\033[31m", "caf\303\251", "line\nline", longer };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        logged.template = bad[i];
        assert_refused(&part, "lines of a log are malformed");
    }
    logged = (struct tend_logged){ .template = "", .level = 3 };
    assert_refused(&part, "lines of a log are malformed");
    logged = (struct tend_logged){ .template = "", .first_ago_ms = -1 };
    assert_refused(&part, "lines of a log are malformed");
    const struct tend_logged_service nobody = { .service = NULL };
    part.event.logs.services = &nobody;
    assert_refused(&part, "a log of no service");
}

static void a_text_that_is_missing_is_refused(void **state)
{
    (void)state;
    struct tend_recorded part = event_of(TEND_EVENT_OPERATOR);
    part.event.operator.command = "pause";
    part.event.operator.argument = "";
    assert_refused(&part, "a command of nobody");
    part.event.operator.who = "uid 0";
    assert_null(tend_event_check(&part));
    part = event_of(TEND_EVENT_STEP_RESULT);
    part.event.step.outcome = "done";
    assert_refused(&part, "a step ended without an outcome");
    part.event.step.error = "";
    assert_null(tend_event_check(&part));
    part = event_of(TEND_EVENT_DELIVERED);
    assert_refused(&part, "a notice without a key");
    part = event_of(TEND_EVENT_JOURNAL_FAILED);
    assert_refused(&part, "a journal failed without a reason");
    part = event_of(TEND_EVENT_VERDICTS);
    part.event.reply.died.died = true;
    assert_refused(&part, "an evaluator died of nothing");
}

static void a_text_that_json_cannot_hold_is_refused_where_the_engine_takes_it_as_it_is(void **state)
{
    (void)state;
    struct tend_recorded part = event_of(TEND_EVENT_OPERATOR);
    part.event.operator.command = "pause";
    part.event.operator.argument = "";
    part.event.operator.who = "uid 0 (J\xf6rg)"; // Latin-1
    assert_refused(&part, "a command of nobody");
    part.event.operator.who = "uid 0 (J\xc3\xb6rg)";
    assert_null(tend_event_check(&part));
    part.event.operator.argument = "\xff";
    assert_refused(&part, "a command of nobody");
    part = event_of(TEND_EVENT_STEP_RESULT);
    part.event.step.error = "\xff"; // what a program says is mended by the engine
    part.event.step.outcome = "failed";
    assert_null(tend_event_check(&part));
    part.event.step.outcome = "\xff";
    assert_refused(&part, "a step ended without an outcome");
}

static void a_time_that_arithmetic_cannot_take_is_refused(void **state)
{
    (void)state;
    const int64_t most_ms = INT64_C(1) << 60;
    struct tend_recorded part = event_of(TEND_EVENT_TIMER);
    part.event.at_ms = most_ms;
    part.event.wall_ms = -most_ms;
    assert_null(tend_event_check(&part));
    part.event.at_ms = most_ms + 1;
    assert_refused(&part, "an event at no time");
    part.event.at_ms = 0;
    part.event.wall_ms = -most_ms - 1;
    assert_refused(&part, "an event at no time");
    part = event_of(TEND_EVENT_SCRAPED);
    part.event.scraped.kind = TEND_SCRAPE_REFUSED;
    part.event.scraped.reason = "refused";
    part.event.scraped.begun_ms = INT64_MIN;
    assert_refused(&part, "an event at no time");
    part = event_of(TEND_EVENT_WALL_MOVED);
    part.event.wall_moved_ms = INT64_MAX;
    assert_refused(&part, "an event at no time");
    part = event_of(TEND_EVENT_DELIVERED);
    part.event.delivered.key = part.event.delivered.error = "";
    part.event.delivered.retry_after_ms = INT64_MAX;
    assert_refused(&part, "an event at no time");
}

static void a_scrape_has_values_when_it_was_good_and_only_then(void **state)
{
    (void)state;
    struct tend_recorded part = event_of(TEND_EVENT_SCRAPED);
    part.event.scraped.kind = TEND_SCRAPE_REFUSED;
    assert_refused(&part, "a scrape has no reason, or a layout that it cannot have");
    part.event.scraped.reason = "refused";
    assert_null(tend_event_check(&part));
    part.event.scraped.kind = TEND_SCRAPE_OK;
    assert_refused(&part, "a scrape has no reason, or a layout that it cannot have");
    const struct tend_layout *layout = NULL;
    assert_int_equal(tend_layout_create(NULL, 0, &layout), TEND_OK);
    part.event.scraped.layout = layout;
    assert_null(tend_event_check(&part));
    part.event.scraped.value_count = 1;
    assert_refused(&part, "a scrape has other values than columns");
    tend_layout_release(layout);
}

static void verdicts_are_whole_and_of_their_tick(void **state)
{
    (void)state;
    struct tend_buffer bytes;
    tend_buffer_init(&bytes);
    tend_verdicts_begin(&bytes, 7, 2);
    tend_verdicts_put(&bytes, TEND_VERDICT_ERROR, "a.lua:1: no");
    tend_verdicts_put(&bytes, TEND_VERDICT_OUT, NULL);
    struct tend_recorded part = event_of(TEND_EVENT_VERDICTS);
    part.event.reply.id = 7;
    part.event.reply.bytes = bytes.data;
    part.event.reply.byte_count = bytes.size;
    assert_null(tend_event_check(&part));
    for (size_t cut = 0; cut < bytes.size; cut++) {
        part.event.reply.byte_count = cut;
        assert_refused(&part, "verdicts are malformed");
    }
    part.event.reply.byte_count = bytes.size;
    part.event.reply.id = 8;
    assert_refused(&part, "verdicts are malformed");
    part.event.reply.id = 7;
    bytes.data[bytes.size - 1] = TEND_VERDICT_HOLD + 1;
    assert_refused(&part, "verdicts are malformed");
    tend_buffer_clear(&bytes);
}

static void a_run_answers_with_an_effect_or_its_end(void **state)
{
    (void)state;
    struct tend_recorded part = event_of(TEND_EVENT_RUN_REPLY);
    assert_refused(&part, "a reply of no run");
    part.event.run_reply.run = "r1";
    assert_refused(&part, "a run's reply is neither an effect nor an end");
    json_t *effect = json_pack("{s:{}}", "effect");
    json_t *both = json_pack("{s:{}, s:{}}", "effect", "end");
    part.event.run_reply.json = effect;
    assert_null(tend_event_check(&part));
    part.event.run_reply.json = both;
    assert_refused(&part, "a run's reply is neither an effect nor an end");
    json_decref(effect);
    json_decref(both);
    part = event_of(TEND_EVENT_REPLY);
    assert_refused(&part, "an answer is no object");
}

static void a_discovered_target_has_an_address_and_labels(void **state)
{
    (void)state;
    json_t *labels = json_object();
    const struct tend_discovered good = { .url = "http://a/", .address = "a", .labels = labels };
    const struct tend_discovered bad[] = { good, { .url = "http://a/", .address = "a" } };
    struct tend_recorded part = event_of(TEND_EVENT_TARGETS);
    part.event.targets.targets = bad;
    part.event.targets.count = 1;
    assert_null(tend_event_check(&part));
    part.event.targets.count = 2;
    assert_refused(&part, "a discovered target has no address or no labels");
    const struct tend_discovered garbled = { .url = "http://a/", .address = "\xff", .labels = labels };
    part.event.targets.targets = &garbled;
    part.event.targets.count = 1;
    assert_refused(&part, "a discovered target has no address or no labels");
    part.event.targets.targets = &good;
    assert_int_equal(json_object_set_new(labels, "zone", json_integer(1)), 0);
    assert_refused(&part, "a discovered target has no address or no labels");
    json_decref(labels);
}

static void a_generation_has_a_hash_sources_and_a_document(void **state)
{
    (void)state;
    json_t *object = json_object();
    struct tend_recorded part = event_of(TEND_EVENT_GENERATION);
    part.event.generation.sources = object;
    part.next_generation.document = object;
    assert_refused(&part, "a generation has no hash, no sources or no document");
    part.next_generation.hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde";
    assert_refused(&part, "a generation has no hash, no sources or no document");
    part.next_generation.hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    assert_null(tend_event_check(&part));
    part.next_generation.document = NULL;
    assert_refused(&part, "a generation has no hash, no sources or no document");
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_that_is_missing_is_refused),
        cmocka_unit_test(a_line_of_a_log_that_no_mask_leaves_is_refused),
        cmocka_unit_test(a_text_that_json_cannot_hold_is_refused_where_the_engine_takes_it_as_it_is),
        cmocka_unit_test(a_time_that_arithmetic_cannot_take_is_refused),
        cmocka_unit_test(a_scrape_has_values_when_it_was_good_and_only_then),
        cmocka_unit_test(verdicts_are_whole_and_of_their_tick),
        cmocka_unit_test(a_run_answers_with_an_effect_or_its_end),
        cmocka_unit_test(a_discovered_target_has_an_address_and_labels),
        cmocka_unit_test(a_generation_has_a_hash_sources_and_a_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
