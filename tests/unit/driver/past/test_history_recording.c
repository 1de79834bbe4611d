// Facts about a history from a recording that somebody made up: its checks are right, and its events are of no driver.

#include "driver/past/history_recording.h"

#include "base/log.h"
#include "engine/checkpoint.h"
#include "generation_document.h"
#include "recording/bundle_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char hash[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
static char directory[] = "/tmp/tend-history-XXXXXX";
static char path[64];

static int make_place(void **state)
{
    (void)state;
    (void)snprintf(directory, sizeof directory, "/tmp/tend-history-XXXXXX");
    const bool made = mkdtemp(directory) != NULL;
    (void)snprintf(path, sizeof path, "%s/bundle", directory);
    return made ? 0 : -1;
}

static int end_place(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(directory);
}

static void put(struct tend_bundle_writer *writer, const struct tend_recorded *part)
{
    struct tend_error error = { .text = "" };
    if (tend_bundle_writer_put(writer, part, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
}

static void put_checkpoint(struct tend_bundle_writer *writer)
{
    const struct tend_engine_options options = { .at_ms = 1000, .wall_ms = 1000, .next_record = 1 };
    struct tend_engine *engine = NULL;
    assert_int_equal(tend_engine_create(&options, &engine), TEND_OK);
    struct tend_buffer bytes;
    tend_buffer_init(&bytes);
    tend_engine_save(engine, &bytes);
    put(writer, &(struct tend_recorded){ .kind = TEND_RECORDED_CHECKPOINT,
                                         .checkpoint = { .bytes = bytes.data, .byte_count = bytes.size } });
    tend_buffer_clear(&bytes);
    tend_engine_destroy(engine);
}

// A fresh tend, its first rules with one discovery, and then the events.
static void write_bundle_of(const char *service, const struct tend_recorded *events, size_t count)
{
    struct tend_bundle_writer *writer = NULL;
    struct tend_error error;
    assert_int_equal(tend_bundle_writer_create(path, &writer, &error), TEND_OK);
    json_t *header = json_pack("{s:i}", "segment", 1);
    put(writer, &(struct tend_recorded){ .kind = TEND_RECORDED_HEADER, .json = header });
    put_checkpoint(writer);
    json_t *document = world_json(DOCUMENT("", LOAD_RULE, "",
                                           ",'discoveries':[{'globs':['/sd/*.json'],'service_label':'app','group':"
                                           "'shop','template':" SERVICE("", "", "") "}]"));
    json_t *template = json_object_get(json_array_get(json_object_get(document, "discoveries"), 0), "template");
    assert_int_equal(json_object_update_new(template, json_loads(service, 0, NULL)), 0);
    json_t *sources = json_object();
    struct tend_recorded generation = { .kind = TEND_RECORDED_EVENT, .event = { .kind = TEND_EVENT_GENERATION } };
    generation.event.at_ms = generation.event.wall_ms = 1000;
    generation.event.generation.sources = sources;
    generation.next_generation.hash = hash;
    generation.next_generation.document = document;
    put(writer, &generation);
    for (size_t i = 0; i < count; i++) {
        put(writer, &events[i]);
    }
    assert_int_equal(tend_bundle_writer_finish(writer, NULL, &error), TEND_OK);
    tend_bundle_writer_destroy(writer);
    json_decref(header);
    json_decref(document);
    json_decref(sources);
}

static void write_bundle(const struct tend_recorded *event)
{
    write_bundle_of("{}", event, 1);
}

static enum tend_status open_bundle(struct tend_history_reader *reader, struct tend_error *error)
{
    *error = (struct tend_error){ "" };
    return tend_history_recording_open(path, INT64_MIN, reader, error);
}

static void assert_refused(const struct tend_recorded *event, const char *why)
{
    write_bundle(event);
    struct tend_history_reader reader;
    struct tend_error error;
    assert_int_equal(open_bundle(&reader, &error), TEND_E_CORRUPT);
    assert_non_null(strstr(error.text, why));
}

static struct tend_recorded list(const struct tend_discovered *target)
{
    struct tend_recorded part = { .kind = TEND_RECORDED_EVENT, .event = { .kind = TEND_EVENT_TARGETS } };
    part.event.targets = (struct tend_event_targets){ .discovery = 0, .targets = target, .count = 1 };
    return part;
}

static void a_target_that_can_be_one_is_an_instance(void **state)
{
    (void)state;
    json_t *labels = json_pack("{s:s}", "app", "pay");
    const struct tend_recorded part =
        list(&(struct tend_discovered){ .url = "http://a:1/m", .address = "a:1", .labels = labels });
    write_bundle(&part);
    struct tend_history_reader reader;
    struct tend_error error;
    assert_int_equal(open_bundle(&reader, &error), TEND_OK);
    size_t count = 0;
    const struct tend_history_instance *instances = reader.instances(reader.context, &count);
    assert_int_equal(count, 1);
    assert_string_equal(instances[0].service, "pay");
    assert_string_equal(instances[0].address, "a:1");
    reader.destroy(reader.context);
    json_decref(labels);
}

static void what_logs_said_is_an_item(void **state)
{
    (void)state;
    json_t *labels = json_pack("{s:s}", "app", "pay");
    const struct tend_discovered target = { .url = "http://a:1/m", .address = "a:1", .labels = labels };
    const struct tend_logged logged = { .template = "out of memory", .level = 2, .lines = 3, .first_ago_ms = 500 };
    const struct tend_logged_service said = { .service = "pay", .logged = &logged, .count = 1 };
    struct tend_recorded parts[] = { list(&target),
                                     { .kind = TEND_RECORDED_EVENT, .event = { .kind = TEND_EVENT_LOGS } } };
    parts[1].event.at_ms = parts[1].event.wall_ms = 7000;
    parts[1].event.logs = (struct tend_event_logs){ .services = &said, .count = 1 };
    write_bundle_of("{\"logs\": {\"files\": [\"/var/log/pay.log\"]}}", parts, 2);
    struct tend_history_reader reader;
    struct tend_error error;
    assert_int_equal(open_bundle(&reader, &error), TEND_OK);
    size_t count = 0;
    assert_true(reader.instances(reader.context, &count)[0].logged);
    struct tend_history_item item;
    assert_int_equal(reader.next(reader.context, &item, &error), TEND_OK);
    assert_int_equal(item.kind, TEND_HISTORY_INSTANCES);
    assert_int_equal(reader.next(reader.context, &item, &error), TEND_OK);
    assert_int_equal(item.kind, TEND_HISTORY_LOGS);
    assert_int_equal(item.at_ms, 7000);
    assert_int_equal(item.logs->count, 1);
    assert_string_equal(item.logs->services[0].service, "pay");
    assert_string_equal(item.logs->services[0].logged[0].template, "out of memory");
    assert_int_equal(item.logs->services[0].logged[0].lines, 3);
    assert_int_equal(reader.next(reader.context, &item, &error), TEND_OK);
    assert_int_equal(item.kind, TEND_HISTORY_END);
    reader.destroy(reader.context);
    json_decref(labels);
}

static void a_target_that_cannot_be_one_is_refused(void **state)
{
    (void)state;
    static const char why[] = "a discovered target has no address or no labels";
    json_t *labels = json_pack("{s:s}", "app", "pay");
    struct tend_recorded part = list(&(struct tend_discovered){ .labels = labels });
    assert_refused(&part, why);
    part = list(&(struct tend_discovered){ .url = "http://a:1/m", .address = "\xff", .labels = labels });
    assert_refused(&part, why);
    part = list(&(struct tend_discovered){ .url = "http://a:1/m", .address = "a:1" });
    assert_refused(&part, why);
    json_decref(labels);
}

static void a_generation_without_sources_is_refused(void **state)
{
    (void)state;
    json_t *document = world_json(DOCUMENT("", "", "", ""));
    struct tend_recorded part = { .kind = TEND_RECORDED_EVENT, .event = { .kind = TEND_EVENT_GENERATION } };
    part.next_generation.hash = hash;
    part.next_generation.document = document;
    assert_refused(&part, "a generation has no hash, no sources or no document");
    json_decref(document);
}

static void an_event_at_a_time_that_is_none_is_refused(void **state)
{
    (void)state;
    struct tend_recorded part = { .kind = TEND_RECORDED_EVENT, .event = { .kind = TEND_EVENT_TIMER } };
    part.event.at_ms = INT64_MAX;
    assert_refused(&part, "an event at no time");
}

int main(void)
{
    tend_log_set_level(TEND_LOG_NOTHING);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_target_that_can_be_one_is_an_instance, make_place, end_place),
        cmocka_unit_test_setup_teardown(what_logs_said_is_an_item, make_place, end_place),
        cmocka_unit_test_setup_teardown(a_target_that_cannot_be_one_is_refused, make_place, end_place),
        cmocka_unit_test_setup_teardown(a_generation_without_sources_is_refused, make_place, end_place),
        cmocka_unit_test_setup_teardown(an_event_at_a_time_that_is_none_is_refused, make_place, end_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
