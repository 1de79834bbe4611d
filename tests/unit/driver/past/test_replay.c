// A storm of a scenario, recorded by the real writer and replayed through real evaluator processes; and recordings in
// which something was changed, of which the replay must name the first difference.

#include "driver/past/replay.h"

#include "base/log.h"
#include "recorded_scenario.h"
#include "script/embedded.h"
#include "script/evaluator.h"
#include "seeded_random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char rules[] =
    "local tend = require 'tend'\n"
    "tend.group 'shop' {\n"
    "  every = '1s', timeout = '800ms', window = '5s',\n"
    "  metrics = {\n"
    "    response_time = { tend.mean 'http_request_duration_seconds', alpha = 2, floor = '50ms', expect = '20ms' },\n"
    "    error_rate = { tend.share('http_requests_total{code=~\"5..\"}', 'http_requests_total'), expect = 0,\n"
    "      out_at = 0.05 },\n"
    "    traffic = { tend.rate 'http_requests_total', bad = 'both' },\n"
    "  },\n"
    "  control = require 'tend.control.command' { restart = { 'restart', '{instance}' }, idempotent = true },\n"
    "  remedies = { 'restart the worst' },\n"
    "  limits = { at_once = 1, share = 0.5, min_healthy = 0, cooldown = '5s', per_hour = 100 },\n"
    "}\n"
    "local where = { 'http://127.0.0.1:1/metrics', 'http://127.0.0.1:2/metrics' }\n"
    "tend.service 'front' { is = { 'shop' }, targets = where, depends = { 'back' } }\n"
    "tend.service 'back' { is = { 'shop' }, targets = where }\n"
    "tend.rule 'down' { on = 'shop', per = 'instance', when = 'up', fire_after = '1s', severity = 'page', act = true "
    "}\n"
    "tend.rule 'slow' { on = 'shop', per = 'instance', fire_after = '1s', severity = 'page', act = true,\n"
    "  when = function(s) return s.response_time.out and s.response_time.A > 1.5 end }\n"
    "tend.rule 'errors' { on = 'shop', when = function(s) return s.error_rate.out end, fire_after = '1s',\n"
    "  severity = 'page', act = true }\n"
    "tend.playbook 'restart the worst' { within = '30s', run = function(p)\n"
    "  for i in p:worst_first() do p:restart(i); p:verify(i) end\n"
    "end }\n"
    "tend.notify 'on call' { on = '*', severity = 'page', to = { require 'tend.notify.log' {} } }\n";

#define WORLD "world = { front = 2, back = 2 }"
#define CHECK "check = function(run) assert(run.ended == 'recovered', run.ended) end"
static const char storm[] = "test.scenario 'storm' { " WORLD ",\n"
                            "  faults = { { at = '30s', on = 'back/1', kind = 'hang' },\n"
                            "             { at = '3m', on = 'front/2', kind = 'crash' },\n"
                            "             { at = '5m', on = 'back/2', kind = 'errors', ratio = 0.4 } },\n"
                            "  " CHECK " }\n";

// Plays the one scenario that the test's text declares, and records it.
static struct recorded record_cut_scenario(const char *more_rules, const char *scenario, bool cuts_runs)
{
    char *text = NULL;
    char *test = NULL;
    assert_true(asprintf(&text, "%s%s", rules, more_rules) > 0);
    assert_true(asprintf(&test, "local test = require 'tend.test'\n%s", scenario) > 0);
    struct recorded recorded = load_sources(json_pack("{s:[{s:s, s:s}, {s:s, s:s}], s:n}", "files", "name", "shop.lua",
                                                      "text", text, "name", "shop_test.lua", "text", test, "env"));
    free(text);
    free(test);
    recorded.cuts_runs = cuts_runs;
    assert_true(play(&recorded, 0));
    return recorded;
}

static struct recorded record_scenario(const char *more_rules, const char *scenario)
{
    return record_cut_scenario(more_rules, scenario, false);
}

static const struct tend_replay_options plain = { .trusts_document = true };
static const struct tend_replay_options believing = { .trusts_answers = true };

static void a_storm_replays_to_the_byte(void **state)
{
    (void)state;
    struct recorded recorded = record_scenario("", storm);
    json_t *report = replay_changed(&recorded, &plain, NULL, NULL);
    assert_string_equal(text_of_difference(report), "");
    assert_true(tend_json_bool(report, "exact", false));
    assert_int_equal(tend_json_integer(report, "events", 0), recorded.events);
    assert_true(tend_json_integer(report, "segments", 0) >= 3); // one at least every two minutes
    assert_int_equal(tend_json_integer(report, "restarts", -1), 0);
    assert_true(tend_json_integer(report, "decisions", 0) > 20);
    assert_true(tend_json_integer(report, "evaluated", 0) > 300); // a tick a second for six minutes
    assert_int_equal(tend_json_integer(report, "believed", -1), 0);
    assert_int_equal(json_array_size(json_object_get(report, "notes")), 0);
    json_decref(report);
    forget(&recorded);
}

static void without_evaluators_answers_are_believed(void **state)
{
    (void)state;
    struct recorded recorded = record_scenario("", storm);
    json_t *report = replay_changed(&recorded, &believing, NULL, NULL);
    assert_string_equal(text_of_difference(report), "");
    assert_int_equal(tend_json_integer(report, "evaluated", -1), 0);
    assert_true(tend_json_integer(report, "believed", 0) > 300);
    json_decref(report);
    forget(&recorded);
}

static void a_restart_a_pause_and_a_reload_of_tend_replay_too(void **state)
{
    (void)state;
    struct recorded recorded = record_scenario("", "test.scenario 'storm' { " WORLD ",\n"
                                                   "  faults = { { at = '1m', on = 'back/1', kind = 'hang' },\n"
                                                   "             { at = '4m', on = 'front/2', kind = 'crash' } },\n"
                                                   "  people = { { at = '3m', pause = '10s' },\n"
                                                   "             { at = '3m30s', reload = true } },\n"
                                                   "  crashes = { '20s', 'restart begun' },\n"
                                                   "  " CHECK " }\n");
    json_t *report = replay_changed(&recorded, &plain, NULL, NULL);
    assert_string_equal(text_of_difference(report), "");
    assert_int_equal(tend_json_integer(report, "restarts", 0), 2);
    assert_int_equal(tend_json_integer(report, "events", 0), recorded.events);
    json_decref(report);
    forget(&recorded);
}

static void a_rule_that_was_killed_is_not_run_into_its_death_again(void **state)
{
    (void)state;
    struct recorded recorded =
        record_scenario("tend.rule 'endless' { on = 'shop', fire_after = '1s', severity = 'warn',\n"
                        "  when = function(s) while s.response_time.out do end end }\n",
                        storm);
    json_t *report = replay_changed(&recorded, &plain, NULL, NULL);
    assert_string_equal(text_of_difference(report), "");
    assert_true(tend_json_integer(report, "kills", 0) >= 1);
    json_decref(report);
    forget(&recorded);
}

// Parts until the one that a test changes.
struct change {
    enum tend_recorded_kind kind;
    size_t countdown; // of parts of that kind
    struct tend_record *records;
    json_t *body;
    char *bytes;
    json_t *json;
};

static void change_clear(struct change *change)
{
    free(change->records);
    json_decref(change->body);
    free(change->bytes);
    json_decref(change->json);
}

// The first alert that fires was recorded with another severity.
static bool change_severity(void *context, struct tend_recorded *part)
{
    struct change *change = context;
    for (size_t i = 0; part->kind == TEND_RECORDED_OUTCOME && change->body == NULL && i < part->outcome.record_count;
         i++) {
        const struct tend_record *record = &part->outcome.records[i];
        if (record->kind == TEND_RECORD_ALERT && strcmp(tend_json_text(record->body, "state", ""), "firing") == 0) {
            change->records = calloc(part->outcome.record_count, sizeof *record);
            assert_non_null(change->records);
            memcpy(change->records, part->outcome.records, part->outcome.record_count * sizeof *record);
            change->body = json_deep_copy(record->body);
            assert_int_equal(json_object_set_new(change->body, "severity", json_string("warn")), 0);
            change->records[i].body = change->body;
            part->outcome.records = change->records;
        }
    }
    return true;
}

static void a_changed_record_is_named_with_its_member(void **state)
{
    (void)state;
    struct recorded recorded = record_scenario("", storm);
    struct change change = { .records = NULL };
    json_t *report = replay_changed(&recorded, &plain, change_severity, &change);
    const json_t *difference = json_object_get(report, "difference");
    assert_string_equal(tend_json_text(difference, "what", ""), "record");
    assert_string_equal(tend_json_text(difference, "field", ""), "body.severity");
    assert_string_equal(tend_json_text(difference, "expected", ""), "warn");
    assert_string_equal(tend_json_text(difference, "now", ""), "page");
    assert_non_null(strstr(text_of_difference(report), "(alert "));
    assert_true(tend_json_integer(difference, "at_ms", 0) > tend_json_integer(report, "from_ms", 0));
    change_clear(&change);
    json_decref(report);
    forget(&recorded);
}

// One verdict of the countdown-th tick is turned around.
static bool change_verdict(void *context, struct tend_recorded *part)
{
    struct change *change = context;
    if (part->kind == TEND_RECORDED_EVENT && part->event.kind == TEND_EVENT_VERDICTS && change->countdown-- == 1) {
        change->bytes = malloc(part->event.reply.byte_count);
        assert_non_null(change->bytes);
        memcpy(change->bytes, part->event.reply.bytes, part->event.reply.byte_count);
        change->bytes[12] = 1; // u64 tick, u32 count, then the first verdict: out
        part->event.reply.bytes = change->bytes;
    }
    return true;
}

static void a_changed_verdict_is_named_by_rule_and_subject(void **state)
{
    (void)state;
    struct recorded recorded = record_scenario("", storm);
    struct change change = { .countdown = 10 };
    json_t *report = replay_changed(&recorded, &plain, change_verdict, &change);
    // The only request of a quiet second; rules with a function are sorted by their declaration: "slow" comes first.
    assert_string_equal(text_of_difference(report), "rule \"slow\" (shop.lua:18) on back/1: recorded out, now in line");
    assert_string_equal(tend_json_text(json_object_get(report, "difference"), "what", ""), "verdict");
    change_clear(&change);
    json_decref(report);
    forget(&recorded);
}

// The countdown-th value was another one.
static bool change_sample(void *context, struct tend_recorded *part)
{
    struct change *change = context;
    if (part->kind == TEND_RECORDED_EVENT && part->event.kind == TEND_EVENT_SCRAPED && change->countdown-- == 1) {
        part->event.scraped.kind = TEND_SCRAPE_REFUSED;
        part->event.scraped.layout = NULL;
        part->event.scraped.value_count = 0;
    }
    return true;
}

static void another_past_leads_to_a_difference(void **state)
{
    (void)state;
    struct recorded recorded = record_scenario("", storm);
    struct change change = { .countdown = 50 };
    json_t *report = replay_changed(&recorded, &plain, change_sample, &change);
    assert_string_not_equal(text_of_difference(report), "");
    json_decref(report);
    forget(&recorded);
}

// Another build made it, and its P of the first alert differs by a relative `by`.
struct other_build {
    struct change change;
    double by;
};

static bool change_build(void *context, struct tend_recorded *part)
{
    struct other_build *other = context;
    struct change *change = &other->change;
    if (part->kind == TEND_RECORDED_HEADER) {
        json_decref(change->json);
        change->json = json_deep_copy(part->json);
        assert_int_equal(json_object_set_new(change->json, "build", json_string("another")), 0);
        part->json = change->json;
    }
    if (part->kind == TEND_RECORDED_OUTCOME) {
        part->outcome.hash ^= 1;
    }
    for (size_t i = 0; part->kind == TEND_RECORDED_OUTCOME && change->body == NULL && i < part->outcome.record_count;
         i++) {
        const struct tend_record *record = &part->outcome.records[i];
        if (record->kind == TEND_RECORD_ALERT && tend_json_number(record->body, "F", 0) > 0) {
            change->records = calloc(part->outcome.record_count, sizeof *record);
            assert_non_null(change->records);
            memcpy(change->records, part->outcome.records, part->outcome.record_count * sizeof *record);
            change->body = json_deep_copy(record->body);
            const double f = tend_json_number(record->body, "F", 0) * (1 + other->by);
            assert_int_equal(json_object_set_new(change->body, "F", json_real(f)), 0);
            change->records[i].body = change->body;
            part->outcome.records = change->records;
        }
    }
    return true;
}

static void numbers_of_another_build_may_differ_in_their_tenth_digit(void **state)
{
    (void)state;
    struct recorded recorded = record_scenario("", storm);
    struct other_build near = { .by = 1e-10 };
    json_t *report = replay_changed(&recorded, &plain, change_build, &near);
    assert_string_equal(text_of_difference(report), "");
    assert_false(tend_json_bool(report, "exact", true));
    assert_non_null(near.change.body);
    json_decref(report);
    struct other_build far = { .by = 1e-8 };
    report = replay_changed(&recorded, &plain, change_build, &far);
    assert_string_equal(tend_json_text(json_object_get(report, "difference"), "field", ""), "body.F");
    json_decref(report);
    change_clear(&near.change);
    change_clear(&far.change);
    forget(&recorded);
}

// The recording ends after the event that fired the first alert, before what came of it.
static bool cut_before_outcome(void *context, struct tend_recorded *part)
{
    (void)context;
    for (size_t i = 0; part->kind == TEND_RECORDED_OUTCOME && i < part->outcome.record_count; i++) {
        if (part->outcome.records[i].kind == TEND_RECORD_INCIDENT) {
            return false;
        }
    }
    return true;
}

static void what_came_of_the_last_event_may_be_torn_off(void **state)
{
    (void)state;
    struct recorded recorded = record_scenario("", storm);
    json_t *report = replay_changed(&recorded, &plain, cut_before_outcome, NULL);
    assert_string_equal(text_of_difference(report), "");
    assert_true(tend_json_bool(report, "torn", false));
    json_decref(report);
    forget(&recorded);
}

// The first segment is passed over.
static bool skip_first_segment(void *context, struct tend_recorded *part)
{
    (void)context;
    if (part->segment == 0) {
        part->kind = TEND_RECORDED_NOTE;
    }
    return true;
}

static void a_replay_that_begins_at_a_later_segment_agrees(void **state)
{
    (void)state;
    struct recorded recorded = record_scenario("", storm);
    json_t *report = replay_changed(&recorded, &plain, skip_first_segment, NULL);
    assert_string_equal(text_of_difference(report), "");
    assert_true(tend_json_integer(report, "segments", 0) >= 2);
    json_decref(report);
    forget(&recorded);
}

// The segments before the one that the context says are passed over.
static bool skip_segments(void *context, struct tend_recorded *part)
{
    const uint64_t *first = context;
    if (part->segment < *first) {
        part->kind = TEND_RECORDED_NOTE;
    }
    return true;
}

static void a_replay_may_begin_in_the_middle_of_a_run(void **state)
{
    (void)state;
    struct recorded recorded = record_cut_scenario("", storm, true);
    json_t *report = replay_changed(&recorded, &plain, NULL, NULL);
    const int64_t segments = tend_json_integer(report, "segments", 0);
    assert_string_equal(text_of_difference(report), "");
    assert_true(segments > 20); // three runs of five seconds, with some scrapes a second
    json_decref(report);
    for (uint64_t first = 1; first < (uint64_t)segments; first += 3) {
        report = replay_changed(&recorded, &plain, skip_segments, &first);
        if (text_of_difference(report)[0] != '\0') {
            fail_msg("from segment %llu: %s", (unsigned long long)first, text_of_difference(report));
        }
        assert_int_equal(tend_json_integer(report, "believed", -1), 0);
        json_decref(report);
    }
    forget(&recorded);
}

static void a_rule_that_remembers_is_found_out(void **state)
{
    (void)state;
    struct recorded recorded =
        record_scenario("local calls = 0\n"
                        "tend.rule 'counts' { on = 'back', fire_after = '1s', severity = 'warn',\n"
                        "  when = function() calls = calls + 1; return calls % 40 == 39 end }\n",
                        storm);
    json_t *report = replay_changed(&recorded, &plain, skip_first_segment, NULL);
    if (strstr(text_of_difference(report), "rule \"counts\" (shop.lua:27) on back: recorded ") == NULL) {
        fail_msg("%s", text_of_difference(report));
    }
    json_decref(report);
    forget(&recorded);
}

static bool leave_headers_out(void *context, struct tend_recorded *part)
{
    (void)context;
    part->kind =
        part->kind == TEND_RECORDED_HEADER || part->kind == TEND_RECORDED_CHECKPOINT ? TEND_RECORDED_NOTE : part->kind;
    return true;
}

static void parts_without_a_beginning_are_refused(void **state)
{
    (void)state;
    struct recorded recorded = record_scenario("", storm);
    struct tend_error error = { "" };
    struct tend_recording_reader *reader = NULL;
    struct tend_replay *replay = NULL;
    assert_int_equal(tend_recording_open(recorded.directory, &reader, &error), TEND_OK);
    assert_int_equal(tend_replay_create(&plain, &replay), TEND_OK);
    enum tend_status status = TEND_OK;
    while (status == TEND_OK) {
        struct tend_recorded part;
        assert_int_equal(tend_recording_next(reader, &part, &error), TEND_OK);
        (void)leave_headers_out(NULL, &part);
        status = tend_replay_take(replay, &part, &error);
    }
    assert_int_equal(status, TEND_E_CORRUPT);
    assert_non_null(strstr(error.text, "an event before a checkpoint"));
    tend_replay_destroy(replay);
    tend_recording_close(reader);
    forget(&recorded);
}

// One event of the recording, the countdown-th, has a member forged.

static int64_t odd_number(void)
{
    static const int64_t odd[] = { 0, 1, -1, INT32_MAX, INT64_C(1) << 40, -(INT64_C(1) << 40), INT64_C(1) << 53 };
    return odd[random_below(sizeof odd / sizeof odd[0])];
}

static void forge_reply(struct change *forgery, struct tend_event *event)
{
    struct tend_event_died *died = event->kind == TEND_EVENT_RUN_REPLY ? &event->run_reply.died : &event->reply.died;
    static const char *const what[] = { "rule", "locate", "playbook", "notify", "", "nobody" };
    if (random_below(2) == 0) {
        *died = (struct tend_event_died){
            .died = true, .what = what[random_below(6)], .index = (uint32_t)odd_number(), .reason = "it was forged"
        };
        return;
    }
    static const char *const texts[] = { "{}",
                                         "{\"ranking\": 7, \"culprits\": [{}], \"fits\": []}",
                                         "{\"effect\": {}}",
                                         "{\"end\": {}}",
                                         "{\"effect\": {\"kind\": \"exec\", \"seq\": -1, \"args\": 1}}",
                                         "{\"http\": {\"url\": []}}" };
    forgery->json = json_loads(texts[random_below(6)], 0, NULL);
    assert_non_null(forgery->json);
    if (event->kind == TEND_EVENT_RUN_REPLY) {
        event->run_reply.json = forgery->json;
    } else {
        event->reply.json = forgery->json;
    }
}

static bool forge(void *context, struct tend_recorded *part)
{
    struct change *forgery = context;
    if (part->kind != TEND_RECORDED_EVENT || forgery->countdown-- != 1) {
        return true;
    }
    struct tend_event *event = &part->event;
    if (random_below(4) == 0) {
        event->at_ms += odd_number();
        event->wall_ms += odd_number();
    } else if (event->kind == TEND_EVENT_SCRAPED) {
        event->scraped.target = (size_t)odd_number();
        event->scraped.begun_ms += odd_number();
    } else if (is_answer(event->kind)) {
        forge_reply(forgery, event);
    } else if (event->kind == TEND_EVENT_JOURNAL_REACHED) {
        event->journal_reached = (uint64_t)odd_number();
    } else if (event->kind == TEND_EVENT_STEP_RESULT) {
        event->step.id = (uint64_t)odd_number();
        event->step.outcome = "forged";
    } else {
        event->kind = TEND_EVENT_OPERATOR;
        event->operator.command = "close";
        event->operator.argument = "nobody";
        event->operator.who = "";
    }
    return true;
}

static void a_forged_event_harms_nobody(void **state)
{
    (void)state;
    struct recorded recorded = record_scenario("", storm);
    seed_random((uint64_t)getpid());
    for (int i = 0; i < 50; i++) {
        struct change forgery = { .countdown = 1 + (size_t)random_below((int)recorded.events) };
        struct tend_error error = { "" };
        json_t *report = replay_or_refuse(&recorded, &believing, forge, &forgery, &error);
        // Most lead to a difference, some to none (a timer that comes later), and some parts are refused.
        assert_true(report != NULL || error.text[0] != '\0');
        json_decref(report);
        change_clear(&forgery);
    }
    forget(&recorded);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "evaluator") == 0) {
        _exit(tend_evaluator_run(tend_embedded_modules));
    }
    tend_log_set_level(TEND_LOG_NOTHING);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_storm_replays_to_the_byte),
        cmocka_unit_test(without_evaluators_answers_are_believed),
        cmocka_unit_test(a_restart_a_pause_and_a_reload_of_tend_replay_too),
        cmocka_unit_test(a_rule_that_was_killed_is_not_run_into_its_death_again),
        cmocka_unit_test(a_changed_record_is_named_with_its_member),
        cmocka_unit_test(a_changed_verdict_is_named_by_rule_and_subject),
        cmocka_unit_test(another_past_leads_to_a_difference),
        cmocka_unit_test(numbers_of_another_build_may_differ_in_their_tenth_digit),
        cmocka_unit_test(what_came_of_the_last_event_may_be_torn_off),
        cmocka_unit_test(a_replay_that_begins_at_a_later_segment_agrees),
        cmocka_unit_test(a_replay_may_begin_in_the_middle_of_a_run),
        cmocka_unit_test(a_rule_that_remembers_is_found_out),
        cmocka_unit_test(parts_without_a_beginning_are_refused),
        cmocka_unit_test(a_forged_event_harms_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
