// Facts about bundles: what is cut from a recording is read as it was, and a bundle is whole or refused.

#include "recording/bundle_writer.h"

#include "recorded_events.h"
#include "recording/recording_reader.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    char directory[64];
    char path[96];
    struct event_source source;
};

static int make_place(void **state)
{
    static struct place place;
    place = (struct place){ .directory = "/tmp/tend-bundle-XXXXXX", .source = { .at_ms = 1000 } };
    *state = &place;
    if (mkdtemp(place.directory) == NULL) {
        return -1;
    }
    (void)snprintf(place.path, sizeof place.path, "%s/bundle", place.directory);
    return 0;
}

static int end_place(void **state)
{
    struct place *place = *state;
    event_source_clear(&place->source);
    (void)unlink(place->path);
    return rmdir(place->directory); // nothing else is left there
}

static void put(struct tend_bundle_writer *writer, const struct tend_recorded *part)
{
    struct tend_error error = { .text = "" };
    if (tend_bundle_writer_put(writer, part, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
}

static void put_json(struct tend_bundle_writer *writer, enum tend_recorded_kind kind, json_t *take_json)
{
    assert_non_null(take_json);
    put(writer, &(struct tend_recorded){ .kind = kind, .json = take_json });
    json_decref(take_json);
}

// Two segments, the second of which continues the first, with the events of a seed.
static void write_bundle(struct place *place)
{
    struct tend_bundle_writer *writer;
    struct tend_error error;
    assert_int_equal(tend_bundle_writer_create(place->path, &writer, &error), TEND_OK);
    put_json(writer, TEND_RECORDED_NOTE, json_pack("{s:s}", "incident", "shop-1"));
    seed_random(9);
    for (int segment = 4; segment < 6; segment++) {
        put_json(writer, TEND_RECORDED_HEADER, json_pack("{s:i, s:b}", "segment", segment, "continues", segment == 5));
        struct tend_recorded generation = { .kind = TEND_RECORDED_GENERATION };
        json_t *document = awkward_json();
        generation.generation.hash = "0123";
        generation.generation.document = document;
        put(writer, &generation);
        json_decref(document);
        struct tend_recorded checkpoint = { .kind = TEND_RECORDED_CHECKPOINT };
        const size_t large = 5000000; // many pieces
        char *bytes = malloc(large);
        assert_non_null(bytes);
        memset(bytes, segment, large);
        checkpoint.checkpoint.bytes = bytes;
        checkpoint.checkpoint.byte_count = large;
        put(writer, &checkpoint);
        free(bytes);
        for (int i = 0; i < 300; i++) {
            struct tend_recorded event = { .kind = TEND_RECORDED_EVENT };
            event.event = make_event(&place->source, (enum tend_event_kind)random_below(EVENT_KINDS));
            put(writer, &event);
            struct tend_recorded outcome = { .kind = TEND_RECORDED_OUTCOME };
            outcome.outcome.hash = (uint64_t)i << 50;
            put(writer, &outcome);
        }
    }
    put_json(writer, TEND_RECORDED_JOURNAL, json_pack("{s:i}", "number", 12));
    uint64_t bytes;
    assert_int_equal(tend_bundle_writer_finish(writer, &bytes, &error), TEND_OK);
    tend_bundle_writer_destroy(writer);
    struct stat about;
    assert_int_equal(stat(place->path, &about), 0);
    assert_int_equal(about.st_size, bytes);
    assert_int_equal(about.st_mode & 0777 & ~0640U, 0);
}

static void expect(struct tend_recording_reader *reader, enum tend_recorded_kind kind, struct tend_recorded *part)
{
    struct tend_error error = { .text = "" };
    if (tend_recording_next(reader, part, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    assert_int_equal(part->kind, kind);
}

static void all_parts_are_read_as_they_were(void **state)
{
    struct place *place = *state;
    write_bundle(place);
    struct tend_recording_reader *reader;
    struct tend_error error;
    struct tend_recorded part;
    assert_int_equal(tend_recording_open(place->path, &reader, &error), TEND_OK);
    expect(reader, TEND_RECORDED_NOTE, &part);
    assert_string_equal(tend_json_text(part.json, "incident", ""), "shop-1");
    struct event_source again = { .at_ms = 1000 };
    seed_random(9);
    json_t *document = awkward_json();
    for (int segment = 4; segment < 6; segment++) {
        expect(reader, TEND_RECORDED_HEADER, &part);
        assert_int_equal(tend_json_integer(part.json, "segment", 0), segment);
        assert_int_equal(part.segment, segment - 4);
        expect(reader, TEND_RECORDED_GENERATION, &part);
        assert_string_equal(part.generation.hash, "0123");
        assert_null(part.generation.sources);
        assert_true(json_equal(part.generation.document, document));
        expect(reader, TEND_RECORDED_CHECKPOINT, &part);
        assert_int_equal(part.checkpoint.byte_count, 5000000);
        for (size_t i = 0; i < part.checkpoint.byte_count; i += 9999) {
            assert_int_equal(part.checkpoint.bytes[i], segment);
        }
        for (int i = 0; i < 300; i++) {
            const struct tend_event event = make_event(&again, (enum tend_event_kind)random_below(EVENT_KINDS));
            expect(reader, TEND_RECORDED_EVENT, &part);
            assert_same_event(&event, &part.event);
            expect(reader, TEND_RECORDED_OUTCOME, &part);
            assert_int_equal(part.outcome.hash, (uint64_t)i << 50);
        }
    }
    expect(reader, TEND_RECORDED_JOURNAL, &part);
    assert_int_equal(tend_json_integer(part.json, "number", 0), 12);
    assert_int_equal(tend_recording_next(reader, &part, &error), TEND_END);
    assert_false(tend_recording_torn(reader));
    json_decref(document);
    event_source_clear(&again);
    tend_recording_close(reader);
}

static void a_bundle_that_is_cut_anywhere_is_refused(void **state)
{
    struct place *place = *state;
    write_bundle(place);
    struct stat about;
    assert_int_equal(stat(place->path, &about), 0);
    for (off_t cut = about.st_size - 1; cut > 0; cut -= 1 + cut / 50) {
        assert_int_equal(truncate(place->path, cut), 0);
        struct tend_recording_reader *reader;
        struct tend_error error = { .text = "" };
        enum tend_status status = tend_recording_open(place->path, &reader, &error);
        if (status == TEND_OK) {
            struct tend_recorded part;
            while ((status = tend_recording_next(reader, &part, &error)) == TEND_OK) {
            }
            assert_int_equal(status, TEND_E_CORRUPT);
            assert_non_null(strstr(error.text, ": byte "));
            tend_recording_close(reader);
        } else {
            assert_int_equal(status, TEND_E_INVALID);
        }
    }
}

static void a_bundle_that_is_not_finished_leaves_nothing(void **state)
{
    struct place *place = *state;
    struct tend_bundle_writer *writer;
    struct tend_error error;
    assert_int_equal(tend_bundle_writer_create(place->path, &writer, &error), TEND_OK);
    put_json(writer, TEND_RECORDED_NOTE, json_object());
    tend_bundle_writer_destroy(writer);
    assert_int_equal(access(place->path, F_OK), -1); // and end_place finds the directory empty
}

static void a_file_of_that_name_stays_until_the_bundle_is_finished(void **state)
{
    struct place *place = *state;
    const int fd = open(place->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "mine", 4), 4);
    (void)close(fd);
    struct tend_bundle_writer *writer;
    struct tend_error error;
    assert_int_equal(tend_bundle_writer_create(place->path, &writer, &error), TEND_OK);
    struct stat about;
    assert_int_equal(stat(place->path, &about), 0);
    assert_int_equal(about.st_size, 4);
    assert_int_equal(tend_bundle_writer_finish(writer, NULL, &error), TEND_OK);
    tend_bundle_writer_destroy(writer);
    assert_int_equal(stat(place->path, &about), 0);
    assert_true(about.st_size > 48);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_parts_are_read_as_they_were, make_place, end_place),
        cmocka_unit_test_setup_teardown(a_bundle_that_is_cut_anywhere_is_refused, make_place, end_place),
        cmocka_unit_test_setup_teardown(a_bundle_that_is_not_finished_leaves_nothing, make_place, end_place),
        cmocka_unit_test_setup_teardown(a_file_of_that_name_stays_until_the_bundle_is_finished, make_place, end_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
