// A storm of a scenario, recorded by the real writer and replayed through real evaluator processes; and recordings in
// which something was changed, of which the replay must name the first difference.

#include "driver/sim/replay.h"

#include "base/log.h"
#include "driver/live/rules_dir.h"
#include "driver/sim/scenario.h"
#include "driver/sim/simulation.h"
#include "recording/recording_reader.h"
#include "recording/recording_writer.h"
#include "script/embedded.h"
#include "script/evaluator.h"

#include <dirent.h>
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

// A recording as a test makes one, and what the scenario said.
struct recorded {
    char directory[64];
    struct tend_recording_writer *writer;
    json_t *sources;
    json_t *document;
    struct tend_awaited_evaluator *evaluator;
    json_t *result;
    int open_questions;
    size_t events;
};

static struct tend_recording_writer *open_writer(const char *directory)
{
    const struct tend_recording_writer_options options = { .directory = directory, .segment_ms = 20000 };
    struct tend_recording_writer *writer = NULL;
    struct tend_error error = { "" };
    if (tend_recording_writer_create(&options, &writer, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    return writer;
}

static bool is_answer(enum tend_event_kind kind)
{
    return kind == TEND_EVENT_VERDICTS || kind == TEND_EVENT_REPLY || kind == TEND_EVENT_RUN_REPLY;
}

// As a live tend does it: a writer for each life of the process, a segment where no question is open.
static void record_event(void *context, const struct tend_engine *engine, const struct tend_event *event, bool anew)
{
    struct recorded *recorded = context;
    if (anew) {
        tend_recording_writer_destroy(recorded->writer);
        recorded->writer = open_writer(recorded->directory);
        recorded->open_questions = 0;
    }
    if (recorded->open_questions == 0 && tend_recording_writer_wants_segment(recorded->writer, event->at_ms)) {
        const json_t *sources = tend_engine_ruleset(engine) == NULL ? NULL : recorded->sources;
        tend_recording_writer_begin_segment(recorded->writer, engine, sources, event->at_ms, event->wall_ms);
    }
    recorded->open_questions -= is_answer(event->kind);
    recorded->events++;
    tend_recording_writer_event(recorded->writer, event);
}

static void record_outcome(void *context, const struct tend_effects *effects)
{
    struct recorded *recorded = context;
    for (size_t i = 0; i < effects->count; i++) {
        const enum tend_effect_kind kind = effects->list[i].kind;
        recorded->open_questions += kind == TEND_EFFECT_EVALUATE || kind == TEND_EFFECT_ASK ||
                                    kind == TEND_EFFECT_RUN_START || kind == TEND_EFFECT_RUN_ANSWER;
    }
    tend_recording_writer_outcome(recorded->writer, effects);
}

// Loads the sources. Takes them.
static struct recorded load_sources(json_t *take_sources)
{
    struct recorded recorded = { .sources = take_sources };
    assert_non_null(recorded.sources);
    assert_int_equal(tend_awaited_evaluator_create(recorded.sources, &recorded.evaluator), TEND_OK);
    struct tend_awaited_reply reply = tend_awaited_evaluator_load(recorded.evaluator);
    const json_t *errors = json_object_get(reply.json, "errors");
    if (reply.json == NULL || json_array_size(errors) > 0) {
        fail_msg("%s %s: %s", reply.reason, tend_json_text(json_array_get(errors, 0), "at", ""),
                 tend_json_text(json_array_get(errors, 0), "text", ""));
    }
    recorded.document = json_incref(reply.json);
    tend_awaited_reply_clear(&reply);
    return recorded;
}

// Plays a scenario and records it. @return false: it is skipped
static bool play(struct recorded *recorded, size_t scenario)
{
    (void)snprintf(recorded->directory, sizeof recorded->directory, "/tmp/tend-replay-XXXXXX");
    assert_non_null(mkdtemp(recorded->directory));
    char hash[65];
    tend_rules_dir_hash(recorded->sources, hash);
    const struct tend_simulation_recorder recorder = { .context = recorded,
                                                       .event = record_event,
                                                       .outcome = record_outcome };
    const struct tend_scenario_options options = { .document = recorded->document,
                                                   .index = scenario,
                                                   .hash = hash,
                                                   .sources = recorded->sources,
                                                   .evaluator = recorded->evaluator,
                                                   .recorder = &recorder };
    struct tend_error error = { "" };
    if (tend_scenario_play(&options, &recorded->result, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    const json_t *failures = json_object_get(recorded->result, "failures");
    if (json_array_size(failures) > 0) {
        fail_msg("%s", json_string_value(json_array_get(failures, 0)));
    }
    tend_recording_writer_destroy(recorded->writer);
    recorded->writer = NULL;
    return !json_is_string(json_object_get(recorded->result, "skip"));
}

// Plays the one scenario that the test's text declares, and records it.
static struct recorded record_scenario(const char *more_rules, const char *scenario)
{
    char *text = NULL;
    char *test = NULL;
    assert_true(asprintf(&text, "%s%s", rules, more_rules) > 0);
    assert_true(asprintf(&test, "local test = require 'tend.test'\n%s", scenario) > 0);
    struct recorded recorded = load_sources(json_pack("{s:[{s:s, s:s}, {s:s, s:s}], s:n}", "files", "name", "shop.lua",
                                                      "text", text, "name", "shop_test.lua", "text", test, "env"));
    free(text);
    free(test);
    assert_true(play(&recorded, 0));
    return recorded;
}

static void remove_recording(const struct recorded *recorded)
{
    DIR *directory = opendir(recorded->directory);
    assert_non_null(directory);
    // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
    for (const struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        if (entry->d_name[0] != '.') {
            assert_int_equal(unlinkat(dirfd(directory), entry->d_name, 0), 0);
        }
    }
    (void)closedir(directory);
    assert_int_equal(rmdir(recorded->directory), 0);
}

static void forget(struct recorded *recorded)
{
    remove_recording(recorded);
    tend_awaited_evaluator_destroy(recorded->evaluator);
    json_decref(recorded->document);
    json_decref(recorded->sources);
    json_decref(recorded->result);
}

// Changes a part before it is replayed. @return false: the recording ends before it
typedef bool change_part(void *context, struct tend_recorded *part);

static json_t *replay_changed(const struct recorded *recorded, const struct tend_replay_options *options,
                              change_part *change, void *context)
{
    struct tend_error error = { "" };
    struct tend_recording_reader *reader = NULL;
    struct tend_replay *replay = NULL;
    if (tend_recording_open(recorded->directory, &reader, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    assert_int_equal(tend_replay_create(options, &replay), TEND_OK);
    enum tend_status status = TEND_OK;
    bool torn = false;
    while (status == TEND_OK && !torn) {
        struct tend_recorded part;
        status = tend_recording_next(reader, &part, &error);
        torn = status == TEND_OK && change != NULL && !change(context, &part);
        if (status == TEND_OK && !torn) {
            status = tend_replay_take(replay, &part, &error);
        }
    }
    if (status != TEND_END && !torn) {
        fail_msg("%s", error.text);
    }
    tend_replay_end(replay, torn);
    json_t *report = tend_replay_report(replay);
    tend_replay_destroy(replay);
    tend_recording_close(reader);
    return report;
}

static const char *text_of_difference(const json_t *report)
{
    return tend_json_text(json_object_get(report, "difference"), "text", "");
}

static const struct tend_replay_options plain = { .trusts_document = true };

static void a_storm_replays_to_the_byte(void **state)
{
    (void)state;
    struct recorded recorded = record_scenario("", storm);
    json_t *report = replay_changed(&recorded, &plain, NULL, NULL);
    assert_string_equal(text_of_difference(report), "");
    assert_true(tend_json_bool(report, "exact", false));
    assert_int_equal(tend_json_integer(report, "events", 0), recorded.events);
    assert_true(tend_json_integer(report, "segments", 0) > 3);
    assert_int_equal(tend_json_integer(report, "restarts", -1), 0);
    assert_true(tend_json_integer(report, "decisions", 0) > 20);
    assert_true(tend_json_integer(report, "evaluated", 0) > 300); // a tick a second for six minutes
    assert_int_equal(tend_json_integer(report, "believed", -1), 0);
    assert_int_equal(json_array_size(json_object_get(report, "notes")), 0);
    json_decref(report);
    forget(&recorded);
}

// Every scenario of a directory's suite, and how many there were.
// @param file  the only file that is loaded, as a pack's own comes from the binary; NULL: all are
static size_t replay_suite(const char *directory, const char *env, const char *file)
{
    const char *root = getenv("TEND_SOURCE_DIR"); // NOLINT(concurrency-mt-unsafe): one thread
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", root == NULL ? "." : root, directory);
    json_t *sources = NULL;
    struct tend_error error = { "" };
    if (tend_rules_dir_read_with_tests(path, env, &sources, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    json_t *files = json_object_get(sources, "files");
    for (size_t i = json_array_size(files); file != NULL && i-- > 0;) {
        if (strcmp(tend_json_text(json_array_get(files, i), "name", ""), file) != 0) {
            assert_int_equal(json_array_remove(files, i), 0);
        }
    }
    struct recorded recorded = load_sources(sources);
    const size_t count = json_array_size(json_object_get(recorded.document, "scenarios"));
    size_t played = 0;
    for (size_t i = 0; i < count; i++) {
        if (play(&recorded, i)) {
            json_t *report = replay_changed(&recorded, &plain, NULL, NULL);
            if (text_of_difference(report)[0] != '\0') {
                fail_msg("%s: %s", tend_json_text(recorded.result, "name", ""), text_of_difference(report));
            }
            json_decref(report);
            played++;
        }
        remove_recording(&recorded);
        json_decref(recorded.result);
        recorded.result = NULL;
    }
    tend_awaited_evaluator_destroy(recorded.evaluator);
    json_decref(recorded.document);
    json_decref(recorded.sources);
    return played;
}

static void every_scenario_of_the_shop_and_of_the_packs_replays_to_the_byte(void **state)
{
    (void)state;
    assert_true(replay_suite("examples/shop", "demo", NULL) >= 10);
    assert_true(replay_suite("rules/golden", NULL, "golden_test.lua") >= 5);
}

static void without_evaluators_answers_are_believed(void **state)
{
    (void)state;
    struct recorded recorded = record_scenario("", storm);
    json_t *report = replay_changed(&recorded, &(struct tend_replay_options){ .trusts_answers = true }, NULL, NULL);
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
    assert_true(tend_json_integer(report, "segments", 0) > 2);
    json_decref(report);
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

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "evaluator") == 0) {
        _exit(tend_evaluator_run(tend_embedded_modules));
    }
    tend_log_set_level(TEND_LOG_NOTHING);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_storm_replays_to_the_byte),
        cmocka_unit_test(every_scenario_of_the_shop_and_of_the_packs_replays_to_the_byte),
        cmocka_unit_test(without_evaluators_answers_are_believed),
        cmocka_unit_test(a_restart_a_pause_and_a_reload_of_tend_replay_too),
        cmocka_unit_test(a_rule_that_was_killed_is_not_run_into_its_death_again),
        cmocka_unit_test(a_changed_record_is_named_with_its_member),
        cmocka_unit_test(a_changed_verdict_is_named_by_rule_and_subject),
        cmocka_unit_test(another_past_leads_to_a_difference),
        cmocka_unit_test(numbers_of_another_build_may_differ_in_their_tenth_digit),
        cmocka_unit_test(what_came_of_the_last_event_may_be_torn_off),
        cmocka_unit_test(a_replay_that_begins_at_a_later_segment_agrees),
        cmocka_unit_test(a_rule_that_remembers_is_found_out),
        cmocka_unit_test(parts_without_a_beginning_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
