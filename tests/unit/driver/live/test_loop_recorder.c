// Facts about when the loop records: from the first event on, in segments that begin between question and answer only
// when there is no other way, and on the disk before what follows from it.

#include "driver/live/loop_recorder.h"

#include "base/log.h"
#include "recording/recording_reader.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

// NOLINTBEGIN(concurrency-mt-unsafe): nftw runs when the recorder has ended

enum { DUE_MS = 6 * 1000 }; // a segment of a second, six times as long: its events took less than its beginning

struct place {
    char directory[64];
    char recording[96];
    struct tend_engine *engine;
    struct tend_loop_recorder *recorder;
};

static int make_place(void **state)
{
    static struct place place;
    place = (struct place){ .directory = "/tmp/tend-loop-recorder-XXXXXX" };
    *state = &place;
    if (mkdtemp(place.directory) == NULL) {
        return -1;
    }
    (void)snprintf(place.recording, sizeof place.recording, "%s/recording", place.directory);
    const struct tend_engine_options options = { .at_ms = 1000, .wall_ms = 1000, .next_record = 1 };
    const struct tend_recording_writer_options recording = { .segment_ms = 1000 };
    return tend_engine_create(&options, &place.engine) == TEND_OK &&
                   tend_loop_recorder_create(place.directory, &recording, &place.recorder) == TEND_OK
               ? 0
               : -1;
}

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *walk)
{
    (void)about;
    (void)kind;
    (void)walk;
    return remove(path);
}

static int end_place(void **state)
{
    struct place *place = *state;
    tend_loop_recorder_destroy(place->recorder);
    tend_engine_destroy(place->engine);
    return nftw(place->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

// A timer's event, and all of it written.
static void event_at(struct place *place, int64_t at_ms, bool asked)
{
    const struct tend_event event = { .kind = TEND_EVENT_TIMER, .at_ms = at_ms, .wall_ms = at_ms };
    tend_loop_recorder_event(place->recorder, place->engine, NULL, asked, &event);
    tend_loop_recorder_pulse(place->recorder, at_ms + 1000);
    tend_loop_recorder_sync(place->recorder);
}

static size_t count_parts(const struct place *place, enum tend_recorded_kind kind)
{
    struct tend_recording_reader *reader;
    struct tend_error error = { .text = "" };
    if (tend_recording_open(place->recording, &reader, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    struct tend_recorded part;
    size_t count = 0;
    enum tend_status status;
    while ((status = tend_recording_next(reader, &part, &error)) == TEND_OK) {
        count += part.kind == kind;
    }
    assert_int_equal(status, TEND_END);
    tend_recording_close(reader);
    return count;
}

static void the_first_event_is_recorded(void **state)
{
    struct place *place = *state;
    event_at(place, 1000, false);
    assert_int_equal(count_parts(place, TEND_RECORDED_CHECKPOINT), 1);
    assert_int_equal(count_parts(place, TEND_RECORDED_EVENT), 1);
}

static void a_segment_waits_for_answers(void **state)
{
    struct place *place = *state;
    event_at(place, 1000, false);
    event_at(place, 1000 + DUE_MS, true);
    event_at(place, 2000 + DUE_MS, true);
    assert_int_equal(count_parts(place, TEND_RECORDED_HEADER), 1);
    event_at(place, 3000 + DUE_MS, false);
    assert_int_equal(count_parts(place, TEND_RECORDED_HEADER), 2);
    assert_int_equal(count_parts(place, TEND_RECORDED_EVENT), 4);
}

static void but_not_for_longer_than_a_minute(void **state)
{
    struct place *place = *state;
    event_at(place, 1000, false);
    event_at(place, 1000 + DUE_MS, true);
    event_at(place, 60999 + DUE_MS, true);
    assert_int_equal(count_parts(place, TEND_RECORDED_HEADER), 1);
    event_at(place, 61000 + DUE_MS, true);
    assert_int_equal(count_parts(place, TEND_RECORDED_HEADER), 2);
}

static void an_intent_is_handed_on_at_once(void **state)
{
    struct place *place = *state;
    const struct tend_event event = { .kind = TEND_EVENT_TIMER, .at_ms = 1000, .wall_ms = 1000 };
    struct tend_effects effects;
    tend_effects_init(&effects);
    tend_effects_add(&effects, TEND_EFFECT_RECORD)->record =
        (struct tend_record){ .number = 1, .kind = TEND_RECORD_ALERT, .key = strdup("a"), .body = json_object() };

    tend_loop_recorder_event(place->recorder, place->engine, NULL, false, &event);
    tend_loop_recorder_outcome(place->recorder, &effects);
    tend_loop_recorder_sync(place->recorder);
    assert_int_equal(count_parts(place, TEND_RECORDED_OUTCOME), 0); // an alert may wait for its block

    effects.list[0].record.full = true;
    tend_loop_recorder_event(place->recorder, place->engine, NULL, false, &event);
    tend_loop_recorder_outcome(place->recorder, &effects);
    tend_loop_recorder_sync(place->recorder);
    assert_int_equal(count_parts(place, TEND_RECORDED_OUTCOME), 2);
    tend_effects_clear(&effects);
}

static void a_recorder_that_cannot_begin_says_why(void **state)
{
    struct place *place = *state;
    char occupied[sizeof place->recording];
    (void)snprintf(occupied, sizeof occupied, "%s/file", place->directory);
    FILE *file = fopen(occupied, "we");
    assert_non_null(file);
    (void)fclose(file);
    struct tend_loop_recorder *recorder;
    const struct tend_recording_writer_options options = { .bytes_max = 0 };
    assert_int_equal(tend_loop_recorder_create(occupied, &options, &recorder), TEND_OK);
    const struct tend_event event = { .kind = TEND_EVENT_TIMER, .at_ms = 1000 };
    tend_loop_recorder_event(recorder, place->engine, NULL, false, &event);
    tend_loop_recorder_sync(recorder); // does not wait
    const struct tend_recording_counts counts = tend_loop_recorder_counts(recorder);
    assert_true(counts.failing);
    assert_non_null(strstr(counts.why, occupied));
    tend_loop_recorder_destroy(recorder);
}

static void nothing_is_recorded_without_a_recorder(void **state)
{
    const struct place *place = *state;
    const struct tend_event event = { .kind = TEND_EVENT_TIMER, .at_ms = 1000 };
    const struct tend_effects effects = { .list = NULL };
    tend_loop_recorder_event(NULL, place->engine, NULL, false, &event);
    tend_loop_recorder_outcome(NULL, &effects);
    tend_loop_recorder_pulse(NULL, 5000);
    tend_loop_recorder_sync(NULL);
    assert_false(tend_loop_recorder_counts(NULL).failing);
    tend_loop_recorder_destroy(NULL);
}

// NOLINTEND(concurrency-mt-unsafe)

int main(void)
{
    tend_log_set_level(TEND_LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_event_is_recorded, make_place, end_place),
        cmocka_unit_test_setup_teardown(a_segment_waits_for_answers, make_place, end_place),
        cmocka_unit_test_setup_teardown(but_not_for_longer_than_a_minute, make_place, end_place),
        cmocka_unit_test_setup_teardown(an_intent_is_handed_on_at_once, make_place, end_place),
        cmocka_unit_test_setup_teardown(a_recorder_that_cannot_begin_says_why, make_place, end_place),
        cmocka_unit_test_setup_teardown(nothing_is_recorded_without_a_recorder, make_place, end_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
