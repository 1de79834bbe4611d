// Facts about the recorder, and about reading back what it wrote.
//
// The recorder's thread is waited for by sync and destroy; nothing here waits for a time to pass.

#include "recording/recording_writer.h"

#include "base/log.h"
#include "engine/checkpoint.h"
#include "recorded_events.h"
#include "recording/format.h"
#include "recording/recording_reader.h"
#include "recording/segment_list.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

// NOLINTBEGIN(concurrency-mt-unsafe): nftw runs when no recorder does

enum { PATH_MAX_BYTES = 160 };

struct place {
    char directory[64]; // of the recording's own
    char recording[96];
    struct tend_engine *engine;
    struct event_source source;
};

static int make_place(void **state)
{
    static struct place place;
    place = (struct place){ .directory = "/tmp/tend-recording-XXXXXX", .source = { .at_ms = 1000000 } };
    *state = &place;
    if (mkdtemp(place.directory) == NULL) {
        return -1;
    }
    (void)snprintf(place.recording, sizeof place.recording, "%s/recording", place.directory);
    const struct tend_engine_options options = { .at_ms = 1000000, .wall_ms = 1000000, .next_record = 1 };
    return tend_engine_create(&options, &place.engine) == TEND_OK ? 0 : -1;
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
    tend_engine_destroy(place->engine);
    event_source_clear(&place->source);
    return nftw(place->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static struct tend_recording_writer *begin_with(const struct place *place, struct tend_recording_writer_options options)
{
    struct tend_recording_writer *writer;
    struct tend_error error = { .text = "" };
    options.directory = place->recording;
    if (tend_recording_writer_create(&options, &writer, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    return writer;
}

static struct tend_recording_writer *begin(const struct place *place)
{
    return begin_with(place, (struct tend_recording_writer_options){ .bytes_max = 0 });
}

static void begin_segment(const struct place *place, struct tend_recording_writer *writer)
{
    tend_recording_writer_begin_segment(writer, place->engine, NULL, place->source.at_ms, place->source.at_ms);
}

// Effects whose record says which event they are of.
static void put_record(struct tend_effects *effects, uint64_t number)
{
    struct tend_record *record = &tend_effects_add(effects, TEND_EFFECT_RECORD)->record;
    *record =
        (struct tend_record){ .number = number, .at_ms = 5, .wall_ms = -6, .kind = TEND_RECORD_STEP, .full = true };
    record->key = strdup("run/1");
    record->incident = number % 2 == 0 ? strdup("incident") : NULL;
    record->body = awkward_json();
}

static void record_one(struct place *place, struct tend_recording_writer *writer, enum tend_event_kind kind,
                       uint64_t record)
{
    const struct tend_event event = make_event(&place->source, kind);
    if (tend_recording_writer_wants_segment(writer, event.at_ms)) {
        begin_segment(place, writer);
    }
    tend_recording_writer_event(writer, &event);
    struct tend_effects effects;
    tend_effects_init(&effects);
    tend_effects_add(&effects, TEND_EFFECT_WAKE)->at_ms = 1;
    if (record != 0) {
        put_record(&effects, record);
    }
    tend_recording_writer_outcome(writer, &effects);
    tend_effects_clear(&effects);
}

struct tally {
    size_t headers, continued, generations, checkpoints, events, outcomes;
    bool torn;
    char error[sizeof((struct tend_error *)NULL)->text];
};

// Reads all of it. @return the status of the end
static enum tend_status read_all(const char *path, struct tally *tally)
{
    struct tend_recording_reader *reader;
    struct tend_error error = { .text = "" };
    *tally = (struct tally){ .headers = 0 };
    enum tend_status status = tend_recording_open(path, &reader, &error);
    if (status != TEND_OK) {
        (void)snprintf(tally->error, sizeof tally->error, "%s", error.text);
        return status;
    }
    struct tend_recorded part;
    while ((status = tend_recording_next(reader, &part, &error)) == TEND_OK) {
        tally->headers += part.kind == TEND_RECORDED_HEADER;
        tally->continued += part.kind == TEND_RECORDED_HEADER && tend_json_bool(part.json, "continues", false);
        tally->generations += part.kind == TEND_RECORDED_GENERATION;
        tally->checkpoints += part.kind == TEND_RECORDED_CHECKPOINT;
        tally->events += part.kind == TEND_RECORDED_EVENT;
        tally->outcomes += part.kind == TEND_RECORDED_OUTCOME;
    }
    (void)snprintf(tally->error, sizeof tally->error, "%s", error.text);
    tally->torn = tend_recording_torn(reader);
    uint64_t read;
    uint64_t all;
    tend_recording_progress(reader, &read, &all);
    assert_true(read <= all);
    tend_recording_close(reader);
    return status;
}

// The events that a seed gives, each with a record in every fourth outcome.
static void record_events(struct place *place, struct tend_recording_writer *writer, uint64_t seed, int count)
{
    seed_random(seed);
    for (int i = 0; i < count; i++) {
        record_one(place, writer, (enum tend_event_kind)random_below(EVENT_KINDS), i % 4 == 0 ? (uint64_t)i + 1 : 0);
    }
}

static void what_was_recorded_is_read(void **state)
{
    struct place *place = *state;
    const struct tend_recording_writer_options one_segment = { .segment_ms = INT64_C(100000000) };
    struct tend_recording_writer *writer = begin_with(place, one_segment);
    record_events(place, writer, 5, 500);
    const struct tend_recording_counts counts = tend_recording_writer_counts(writer);
    assert_int_equal(counts.events, 500);
    assert_int_equal(counts.lost, 0);
    tend_recording_writer_destroy(writer);

    struct tend_recording_reader *reader;
    struct tend_error error;
    struct tend_recorded part;
    assert_int_equal(tend_recording_open(place->recording, &reader, &error), TEND_OK);
    assert_int_equal(tend_recording_next(reader, &part, &error), TEND_OK);
    assert_int_equal(part.kind, TEND_RECORDED_HEADER);
    assert_string_equal(json_string_value(json_object_get(part.json, "tend")), TEND_VERSION);
    assert_int_equal(tend_json_integer(part.json, "format", 0), 1);
    assert_false(tend_json_bool(part.json, "continues", true));
    assert_non_null(strstr(json_string_value(json_object_get(part.json, "libm")), "glibc 2."));
    assert_int_equal(tend_recording_next(reader, &part, &error), TEND_OK);
    assert_int_equal(part.kind, TEND_RECORDED_CHECKPOINT);
    struct tend_buffer checkpoint;
    tend_buffer_init(&checkpoint);
    tend_engine_save(place->engine, &checkpoint);
    assert_int_equal(part.checkpoint.byte_count, checkpoint.size);
    assert_memory_equal(part.checkpoint.bytes, checkpoint.data, checkpoint.size);
    tend_buffer_clear(&checkpoint);

    struct event_source again = { .at_ms = 1000000 };
    seed_random(5);
    json_t *body = awkward_json();
    for (uint64_t i = 0; i < 500; i++) {
        const struct tend_event event = make_event(&again, (enum tend_event_kind)random_below(EVENT_KINDS));
        assert_int_equal(tend_recording_next(reader, &part, &error), TEND_OK);
        assert_int_equal(part.kind, TEND_RECORDED_EVENT);
        assert_same_event(&event, &part.event);
        if (i % 4 != 0) {
            continue;
        }
        assert_int_equal(tend_recording_next(reader, &part, &error), TEND_OK);
        assert_int_equal(part.kind, TEND_RECORDED_OUTCOME);
        assert_int_equal(part.outcome.record_count, 1);
        const struct tend_record *record = part.outcome.records;
        assert_int_equal(record->number, i + 1);
        assert_int_equal(record->at_ms, 5);
        assert_int_equal(record->wall_ms, -6);
        assert_int_equal(record->kind, TEND_RECORD_STEP);
        assert_true(record->full && !record->open);
        assert_string_equal(record->key, "run/1");
        assert_same_text(record->incident, (i + 1) % 2 == 0 ? "incident" : NULL);
        assert_true(json_equal(record->body, body));
    }
    assert_int_equal(tend_recording_next(reader, &part, &error), TEND_END);
    assert_false(tend_recording_torn(reader));
    json_decref(body);
    event_source_clear(&again);
    tend_recording_close(reader);
}

static void the_files_are_nobody_elses_business(void **state)
{
    struct place *place = *state;
    const mode_t mask = umask(022);
    struct tend_recording_writer *writer = begin(place);
    record_events(place, writer, 1, 1);
    tend_recording_writer_destroy(writer);
    (void)umask(mask);
    struct stat about;
    assert_int_equal(stat(place->recording, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0750);
    char path[PATH_MAX_BYTES];
    (void)snprintf(path, sizeof path, "%s/000000000001.tendrec", place->recording);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0640);
}

// ---- damage ----

static char *read_file(const char *path, size_t *count)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat about = { .st_size = 0 };
    assert_true(fd >= 0 && fstat(fd, &about) == 0);
    char *bytes = malloc((size_t)about.st_size + 1);
    assert_non_null(bytes);
    assert_int_equal(read(fd, bytes, (size_t)about.st_size), about.st_size);
    (void)close(fd);
    *count = (size_t)about.st_size;
    return bytes;
}

static void write_file(const char *path, const char *bytes, size_t count)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, count), count);
    (void)close(fd);
}

// A segment of four blocks with an event each.
static char *small_segment(struct place *place, size_t *count)
{
    struct tend_recording_writer *writer = begin(place);
    seed_random(3);
    for (int i = 0; i < 4; i++) {
        record_one(place, writer, i == 1 ? TEND_EVENT_TARGETS : TEND_EVENT_SCRAPED, (uint64_t)i);
        tend_recording_writer_flush(writer);
    }
    tend_recording_writer_destroy(writer);
    char path[PATH_MAX_BYTES];
    (void)snprintf(path, sizeof path, "%s/000000000001.tendrec", place->recording);
    return read_file(path, count);
}

static void a_cut_file_loses_its_tail_only(void **state)
{
    struct place *place = *state;
    size_t count;
    char *bytes = small_segment(place, &count);
    char path[PATH_MAX_BYTES];
    (void)snprintf(path, sizeof path, "%s/cut", place->directory);
    size_t events_before = 0;
    for (size_t cut = 0; cut <= count; cut++) {
        write_file(path, bytes, cut);
        struct tally tally;
        const enum tend_status status = read_all(path, &tally);
        if (cut < TEND_RECORDING_FILE_HEADER_BYTES) {
            assert_int_equal(status, TEND_E_INVALID);
            assert_non_null(strstr(tally.error, cut == 0 ? "is not a recording of tend" : "/cut"));
            continue;
        }
        assert_int_equal(status, TEND_END);
        assert_in_range(tally.events, events_before, events_before + 1); // a longer file never has less
        assert_true(!tally.torn || strstr(tally.error, ": byte ") != NULL);
        events_before = tally.events;
    }
    assert_int_equal(events_before, 4);
    free(bytes);
}

static void flip(char *bytes, size_t bit)
{
    bytes[bit / 8] = (char)((unsigned char)bytes[bit / 8] ^ 1U << bit % 8);
}

static void a_flipped_bit_is_found(void **state)
{
    struct place *place = *state;
    size_t count;
    char *bytes = small_segment(place, &count);
    char path[PATH_MAX_BYTES];
    (void)snprintf(path, sizeof path, "%s/flipped", place->directory);
    size_t corrupt = 0;
    size_t torn = 0;
    for (size_t bit = 0; bit < 8 * count; bit++) {
        flip(bytes, bit);
        write_file(path, bytes, count);
        flip(bytes, bit);
        struct tally tally;
        const enum tend_status status = read_all(path, &tally);
        assert_true(status == TEND_E_CORRUPT || status == TEND_E_INVALID || (status == TEND_END && tally.torn));
        assert_non_null(strstr(tally.error, path));
        corrupt += status == TEND_E_CORRUPT;
        torn += status == TEND_END;
    }
    assert_true(corrupt > torn); // only the newest block can pass for torn
    assert_true(torn > 0);
    free(bytes);
}

static void damage_in_the_middle_is_named_with_its_place(void **state)
{
    struct place *place = *state;
    size_t count;
    char *bytes = small_segment(place, &count);
    flip(bytes, 8 * (size_t)(TEND_RECORDING_FILE_HEADER_BYTES + TEND_RECORDING_BLOCK_HEADER_BYTES));
    char path[PATH_MAX_BYTES];
    (void)snprintf(path, sizeof path, "%s/damaged", place->directory);
    write_file(path, bytes, count);
    free(bytes);
    struct tally tally;
    assert_int_equal(read_all(path, &tally), TEND_E_CORRUPT);
    char expected[PATH_MAX_BYTES + 64];
    (void)snprintf(expected, sizeof expected, "%s: byte 48: a block's data is damaged", path);
    assert_string_equal(tally.error, expected);
}

static void a_block_of_another_file_is_not_taken(void **state)
{
    struct place *place = *state;
    size_t count;
    char *bytes = small_segment(place, &count);
    struct tend_recording_file_header other = { .number = 2, .at_ms = 1, .wall_ms = 1 };
    assert_true(tend_recording_put_file_header(&other, bytes));
    char path[PATH_MAX_BYTES];
    (void)snprintf(path, sizeof path, "%s/mixed", place->directory);
    write_file(path, bytes, count);
    free(bytes);
    struct tally tally;
    assert_int_equal(read_all(path, &tally), TEND_E_CORRUPT);
    assert_non_null(strstr(tally.error, "byte 48: a block's header is damaged"));
}

static void what_is_no_recording_is_refused(void **state)
{
    struct place *place = *state;
    char path[PATH_MAX_BYTES];
    char expected[PATH_MAX_BYTES + 64];
    struct tally tally;
    (void)snprintf(path, sizeof path, "%s/foreign", place->directory);
    (void)snprintf(expected, sizeof expected, "%s is not a recording of tend", path);
    static const char *const foreign[] = { "", "time,a:b\n1,2\n", "SQLite format 3", "\x28\xb5\x2f\xfd",
                                           "\211PNG\r\n\032\n" };
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        write_file(path, foreign[i], strlen(foreign[i]));
        assert_int_equal(read_all(path, &tally), TEND_E_INVALID);
        assert_string_equal(tally.error, expected);
    }
    assert_int_equal(read_all("/dev/null", &tally), TEND_E_INVALID);
    (void)snprintf(path, sizeof path, "%s/absent", place->directory);
    assert_int_equal(read_all(path, &tally), TEND_E_IO);
    assert_non_null(strstr(tally.error, "No such file"));
    assert_int_equal(read_all(place->directory, &tally), TEND_E_INVALID);
    assert_non_null(strstr(tally.error, "holds no recording of tend"));
}

static void a_newer_format_is_refused_as_such(void **state)
{
    struct place *place = *state;
    size_t count;
    char *bytes = small_segment(place, &count);
    bytes[8] = 2;
    char path[PATH_MAX_BYTES];
    (void)snprintf(path, sizeof path, "%s/newer", place->directory);
    write_file(path, bytes, count);
    free(bytes);
    struct tally tally;
    assert_int_equal(read_all(path, &tally), TEND_E_INVALID);
    assert_non_null(strstr(tally.error, "format 2"));
}

// ---- segments ----

static const struct tend_recording_writer_options short_segments = { .segment_ms = 1000 };

static void segments_continue_one_another(void **state)
{
    struct place *place = *state;
    struct tend_recording_writer *writer = begin(place);
    seed_random(11);
    for (int segment = 0; segment < 3; segment++) {
        begin_segment(place, writer);
        for (int i = 0; i < 5; i++) {
            record_one(place, writer, TEND_EVENT_SCRAPED, 1);
        }
    }
    tend_recording_writer_destroy(writer);
    struct tally tally;
    assert_int_equal(read_all(place->recording, &tally), TEND_END);
    assert_int_equal(tally.headers, 3);
    assert_int_equal(tally.continued, 2);
    assert_int_equal(tally.checkpoints, 3);
    assert_int_equal(tally.events, 15);
    assert_int_equal(tally.outcomes, 15);
}

static void a_missing_segment_is_found(void **state)
{
    segments_continue_one_another(state);
    struct place *place = *state;
    char path[PATH_MAX_BYTES];
    (void)snprintf(path, sizeof path, "%s/000000000002.tendrec", place->recording);
    assert_int_equal(unlink(path), 0);
    struct tally tally;
    assert_int_equal(read_all(place->recording, &tally), TEND_E_CORRUPT);
    assert_non_null(strstr(tally.error, "000000000003.tendrec: byte 48: the segment before this one is missing"));
    (void)snprintf(path, sizeof path, "%s/000000000001.tendrec", place->recording);
    assert_int_equal(unlink(path), 0); // what the ring does: the oldest are gone
    assert_int_equal(read_all(place->recording, &tally), TEND_END);
    assert_int_equal(tally.events, 5);
}

static void a_segment_cut_before_another_that_continues_it_is_found(void **state)
{
    segments_continue_one_another(state);
    struct place *place = *state;
    char path[PATH_MAX_BYTES];
    (void)snprintf(path, sizeof path, "%s/000000000001.tendrec", place->recording);
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(truncate(path, about.st_size - 1), 0);
    struct tally tally;
    assert_int_equal(read_all(place->recording, &tally), TEND_E_CORRUPT);
    assert_non_null(strstr(tally.error, "000000000001.tendrec: byte "));
}

static void seek_finds_the_segment_of_a_time(void **state)
{
    struct place *place = *state;
    struct tend_recording_writer *writer = begin(place);
    for (int64_t at_ms = 1000; at_ms <= 5000; at_ms += 1000) {
        tend_recording_writer_begin_segment(writer, place->engine, NULL, at_ms, 0);
    }
    tend_recording_writer_destroy(writer);
    static const int64_t cases[][2] = { { 0, 1000 },    { 1000, 1000 }, { 1999, 1000 },     { 3000, 3000 },
                                        { 4500, 4000 }, { 5000, 5000 }, { INT64_MAX, 5000 } };
    struct tend_recording_reader *reader;
    struct tend_error error;
    assert_int_equal(tend_recording_open(place->recording, &reader, &error), TEND_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(tend_recording_seek(reader, cases[i][0], &error), TEND_OK);
        struct tend_recorded part;
        assert_int_equal(tend_recording_next(reader, &part, &error), TEND_OK);
        assert_int_equal(part.kind, TEND_RECORDED_HEADER);
        assert_int_equal(tend_json_integer(part.json, "at_ms", 0), cases[i][1]);
        assert_int_equal(tend_recording_next(reader, &part, &error), TEND_OK);
        assert_int_equal(part.kind, TEND_RECORDED_CHECKPOINT);
    }
    tend_recording_close(reader);
}

static void after_a_crash_a_new_segment_begins_behind_the_mended_one(void **state)
{
    struct place *place = *state;
    size_t count;
    char *bytes = small_segment(place, &count);
    char path[PATH_MAX_BYTES];
    (void)snprintf(path, sizeof path, "%s/000000000001.tendrec", place->recording);
    for (size_t cut = 1; cut <= count; cut += 7) {
        write_file(path, bytes, cut);
        struct tend_recording_writer *writer = begin(place);
        record_events(place, writer, 4, 3);
        tend_recording_writer_destroy(writer);
        struct tally tally;
        assert_int_equal(read_all(place->recording, &tally), TEND_END);
        assert_false(tally.torn);
        assert_int_equal(tally.continued, 0);
        assert_in_range(tally.events, 3, 7);
        struct tend_segment_list list;
        assert_int_equal(tend_segment_list_read(place->recording, &list, NULL), TEND_OK);
        assert_int_equal(list.numbers[list.count - 1], 2);
        tend_segment_list_clear(&list);
        (void)snprintf(path, sizeof path, "%s/000000000002.tendrec", place->recording);
        assert_int_equal(unlink(path), 0);
        (void)snprintf(path, sizeof path, "%s/000000000001.tendrec", place->recording);
    }
    free(bytes);
}

static void segments_end_by_age(void **state)
{
    struct place *place = *state;
    struct tend_recording_writer *writer = begin_with(place, short_segments);
    assert_true(tend_recording_writer_wants_segment(writer, 0));
    begin_segment(place, writer);
    const int64_t begun_ms = place->source.at_ms;
    assert_int_equal(tend_recording_writer_sync(writer), TEND_OK);
    assert_false(tend_recording_writer_wants_segment(writer, begun_ms + 999));
    assert_false(tend_recording_writer_wants_segment(writer, begun_ms + 5999)); // its beginning is larger than the rest
    assert_true(tend_recording_writer_wants_segment(writer, begun_ms + 6000));
    record_events(place, writer, 1, 3000); // more than the beginning
    tend_recording_writer_flush(writer);
    assert_int_equal(tend_recording_writer_sync(writer), TEND_OK);
    begin_segment(place, writer);
    record_events(place, writer, 1, 200);
    tend_recording_writer_flush(writer);
    assert_int_equal(tend_recording_writer_sync(writer), TEND_OK);
    assert_true(tend_recording_writer_wants_segment(writer, place->source.at_ms + 1000));
    tend_recording_writer_destroy(writer);
}

static void the_ring_keeps_its_bounds(void **state)
{
    struct place *place = *state;
    const struct tend_recording_writer_options options = { .bytes_max = 400000, .segment_bytes = 50000 };
    struct tend_recording_writer *writer = begin_with(place, options);
    for (int i = 0; i < 60; i++) {
        record_events(place, writer, (uint64_t)i + 1, 400);
        tend_recording_writer_flush(writer);
        assert_int_equal(tend_recording_writer_sync(writer), TEND_OK);
        assert_true(tend_recording_writer_counts(writer).bytes_held <= 400000);
    }
    assert_true(tend_recording_writer_counts(writer).bytes_written > 800000); // it went around
    tend_recording_writer_destroy(writer);
    struct tend_segment_list list;
    assert_int_equal(tend_segment_list_read(place->recording, &list, NULL), TEND_OK);
    assert_true(list.count > 2 && list.numbers[0] > 1);
    uint64_t held = 0;
    for (size_t i = 0; i < list.count; i++) {
        char *path = tend_segment_path(place->recording, list.numbers[i]);
        struct stat about;
        assert_int_equal(stat(path, &about), 0);
        held += (uint64_t)about.st_size;
        free(path);
    }
    assert_true(held <= 400000);
    tend_segment_list_clear(&list);
    struct tally tally;
    assert_int_equal(read_all(place->recording, &tally), TEND_END);
    assert_true(tally.events > 1000);
}

static void segments_older_than_the_bound_are_dropped(void **state)
{
    struct place *place = *state;
    const struct tend_recording_writer_options options = { .age_max_ms = 2500 };
    struct tend_recording_writer *writer = begin_with(place, options);
    for (int64_t at_ms = 1000; at_ms <= 10000; at_ms += 1000) {
        tend_recording_writer_begin_segment(writer, place->engine, NULL, at_ms, 0);
    }
    tend_recording_writer_destroy(writer);
    struct tend_segment_list list;
    assert_int_equal(tend_segment_list_read(place->recording, &list, NULL), TEND_OK);
    assert_int_equal(list.numbers[0], 7); // ended at 8000; 7000, where the sixth ended, is 3000 old
    assert_int_equal(list.count, 4);
    tend_segment_list_clear(&list);
}

// ---- failure ----

static void set_file_limit(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_full_disk_stops_recording_until_there_is_room(void **state)
{
    struct place *place = *state;
    (void)signal(SIGXFSZ, SIG_IGN);
    struct tend_recording_writer *writer = begin(place);
    record_events(place, writer, 2, 50);
    tend_recording_writer_flush(writer);
    assert_int_equal(tend_recording_writer_sync(writer), TEND_OK);
    set_file_limit(tend_recording_writer_counts(writer).bytes_held + 10);
    record_events(place, writer, 3, 1);
    tend_recording_writer_flush(writer);
    assert_int_equal(tend_recording_writer_sync(writer), TEND_E_IO);
    struct tend_recording_counts counts = tend_recording_writer_counts(writer);
    assert_true(counts.failing);
    assert_non_null(strstr(counts.why, "File too large"));
    struct tally tally;
    assert_int_equal(read_all(place->recording, &tally), TEND_END); // the file ends with its last whole block
    assert_false(tally.torn);
    assert_int_equal(tally.events, 50);

    const struct tend_event lost = make_event(&place->source, TEND_EVENT_TIMER);
    tend_recording_writer_event(writer, &lost);
    assert_int_equal(tend_recording_writer_counts(writer).lost, 1);
    assert_false(tend_recording_writer_wants_segment(writer, lost.at_ms + 999));
    assert_true(tend_recording_writer_wants_segment(writer, lost.at_ms + 1000));
    set_file_limit(RLIM_INFINITY);
    begin_segment(place, writer);
    record_events(place, writer, 4, 20);
    tend_recording_writer_flush(writer);
    assert_int_equal(tend_recording_writer_sync(writer), TEND_OK);
    assert_int_equal(tend_recording_writer_counts(writer).events, 71); // the one that was lost with its block, too
    assert_false(tend_recording_writer_counts(writer).failing);
    tend_recording_writer_destroy(writer);
    assert_int_equal(read_all(place->recording, &tally), TEND_END);
    assert_int_equal(tally.headers, 2);
    assert_int_equal(tally.continued, 0);
    assert_int_equal(tally.events, 70);
}

static void a_segment_that_cannot_begin_leaves_no_file(void **state)
{
    struct place *place = *state;
    (void)signal(SIGXFSZ, SIG_IGN);
    struct tend_recording_writer *writer = begin(place);
    set_file_limit(60);
    record_events(place, writer, 2, 5);
    assert_int_equal(tend_recording_writer_sync(writer), TEND_E_IO);
    set_file_limit(RLIM_INFINITY);
    tend_recording_writer_destroy(writer);
    assert_int_equal(rmdir(place->recording), 0); // it is empty
}

static void a_directory_that_cannot_be_made_is_an_error(void **state)
{
    struct place *place = *state;
    write_file(place->recording, "", 0);
    const struct tend_recording_writer_options options = { .directory = place->recording };
    struct tend_recording_writer *writer;
    struct tend_error error = { .text = "" };
    assert_int_equal(tend_recording_writer_create(&options, &writer, &error), TEND_E_IO);
    assert_non_null(strstr(error.text, place->recording));
}

// NOLINTEND(concurrency-mt-unsafe)

int main(void)
{
    tend_log_set_level(TEND_LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_recorded_is_read, make_place, end_place),
        cmocka_unit_test_setup_teardown(the_files_are_nobody_elses_business, make_place, end_place),
        cmocka_unit_test_setup_teardown(a_cut_file_loses_its_tail_only, make_place, end_place),
        cmocka_unit_test_setup_teardown(a_flipped_bit_is_found, make_place, end_place),
        cmocka_unit_test_setup_teardown(damage_in_the_middle_is_named_with_its_place, make_place, end_place),
        cmocka_unit_test_setup_teardown(a_block_of_another_file_is_not_taken, make_place, end_place),
        cmocka_unit_test_setup_teardown(what_is_no_recording_is_refused, make_place, end_place),
        cmocka_unit_test_setup_teardown(a_newer_format_is_refused_as_such, make_place, end_place),
        cmocka_unit_test_setup_teardown(segments_continue_one_another, make_place, end_place),
        cmocka_unit_test_setup_teardown(a_missing_segment_is_found, make_place, end_place),
        cmocka_unit_test_setup_teardown(a_segment_cut_before_another_that_continues_it_is_found, make_place, end_place),
        cmocka_unit_test_setup_teardown(seek_finds_the_segment_of_a_time, make_place, end_place),
        cmocka_unit_test_setup_teardown(after_a_crash_a_new_segment_begins_behind_the_mended_one, make_place,
                                        end_place),
        cmocka_unit_test_setup_teardown(segments_end_by_age, make_place, end_place),
        cmocka_unit_test_setup_teardown(the_ring_keeps_its_bounds, make_place, end_place),
        cmocka_unit_test_setup_teardown(segments_older_than_the_bound_are_dropped, make_place, end_place),
        cmocka_unit_test_setup_teardown(a_full_disk_stops_recording_until_there_is_room, make_place, end_place),
        cmocka_unit_test_setup_teardown(a_segment_that_cannot_begin_leaves_no_file, make_place, end_place),
        cmocka_unit_test_setup_teardown(a_directory_that_cannot_be_made_is_an_error, make_place, end_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
