// Facts about the writer's thread: what it tells, in which order, and what happens when it cannot write.
//
// Nothing here waits for a time to pass: the loop runs until the writer told what is expected (the runner's timeout
// ends a writer that never tells).

#include "driver/live/journal.h"
#include "driver/live/journal_writer.h"

#include <event2/event.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

// NOLINTBEGIN(concurrency-mt-unsafe): nftw runs when the writer has ended

struct place {
    char directory[64];
    char file[96];
    struct event_base *base;
    struct tend_journal_writer *writer;
    uint64_t reached;
    uint64_t append_until; ///< when n is reached, n + 1 is appended, up to this one
    int failures;
    char reason[512];
    char told[256]; ///< "reached 3, failed, reached 5"
};

static int make_place(void **state)
{
    static struct place place;
    place = (struct place){ .directory = "/tmp/tend-journal-XXXXXX" };
    *state = &place;
    if (mkdtemp(place.directory) == NULL) {
        return -1;
    }
    (void)snprintf(place.file, sizeof place.file, "%s/journal.db", place.directory);
    place.base = event_base_new();
    return place.base == NULL ? -1 : 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

static int remove_place(void **state)
{
    struct place *place = *state;
    tend_journal_writer_destroy(place->writer);
    event_base_free(place->base);
    return nftw(place->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void tell(struct place *place, const char *what)
{
    const size_t length = strlen(place->told);
    (void)snprintf(place->told + length, sizeof place->told - length, "%s%s", length == 0 ? "" : ", ", what);
}

static void append(struct place *place, uint64_t number, bool full)
{
    char key[32];
    (void)snprintf(key, sizeof key, "k%llu", (unsigned long long)number);
    struct tend_record record = {
        .number = number,
        .at_ms = (int64_t)number,
        .wall_ms = (int64_t)number,
        .kind = TEND_RECORD_STEP,
        .key = strdup(key),
        .full = full,
        .open = true,
        .body = json_pack("{s:I}", "n", (json_int_t)number),
    };
    tend_journal_writer_append(place->writer, &record);
    assert_null(record.body);
    assert_null(record.key);
}

static void on_reached(void *context, uint64_t number)
{
    struct place *place = context;
    place->reached = number;
    char text[32];
    (void)snprintf(text, sizeof text, "reached %llu", (unsigned long long)number);
    tell(place, text);
    if (number < place->append_until) {
        append(place, number + 1, number % 3 == 0);
    }
}

static void on_failed(void *context, const char *reason)
{
    struct place *place = context;
    place->failures++;
    (void)snprintf(place->reason, sizeof place->reason, "%s", reason);
    tell(place, "failed");
}

static void start(struct place *place, const struct tend_journal_writer_options *options)
{
    const struct tend_journal_writer_callbacks callbacks = { .reached = on_reached,
                                                             .failed = on_failed,
                                                             .context = place };
    struct tend_error error;
    if (tend_journal_writer_create(place->directory, place->base, &callbacks, options, &place->writer, &error) !=
        TEND_OK) {
        fail_msg("%s", error.text);
    }
}

static void run_until_reached(struct place *place, uint64_t number)
{
    while (place->reached < number) {
        assert_int_equal(event_base_loop(place->base, EVLOOP_ONCE), 0);
    }
}

static void run_until_failed(struct place *place)
{
    const int before = place->failures;
    while (place->failures == before) {
        assert_int_equal(event_base_loop(place->base, EVLOOP_ONCE), 0);
    }
}

static bool count_in_order(void *context, const struct tend_record *record)
{
    uint64_t *count = context;
    assert_int_equal(record->number, *count + 1);
    assert_int_equal(tend_json_integer(record->body, "n", 0), record->number);
    *count = record->number;
    return true;
}

// Reads all records, which must be 1, 2, 3 …, and verifies the chain. @return how many
static uint64_t read_all(const struct place *place)
{
    struct tend_journal *journal = NULL;
    uint64_t count = 0;
    assert_int_equal(tend_journal_open(place->directory, &journal, NULL), TEND_OK);
    assert_int_equal(tend_journal_read_after(journal, 0, count_in_order, &count, NULL), TEND_OK);
    assert_int_equal(tend_journal_verify_chain(journal, NULL), TEND_OK);
    tend_journal_close(journal);
    return count;
}

static void full_record_is_reached(void **state)
{
    struct place *place = *state;
    start(place, NULL);
    append(place, 1, true);
    run_until_reached(place, 1);
    assert_int_equal(tend_journal_writer_reached(place->writer), 1);
    assert_int_equal(read_all(place), 1);
    assert_int_equal(place->failures, 0);
}

static void record_that_is_not_full_is_reached_too(void **state)
{
    struct place *place = *state;
    start(place, NULL);
    append(place, 1, false);
    run_until_reached(place, 1);
    assert_int_equal(read_all(place), 1);
}

static void full_record_does_not_wait_for_the_gathering(void **state)
{
    struct place *place = *state;
    const struct tend_journal_writer_options options = { .gather_ms = INT64_C(3600000) };
    start(place, &options);
    append(place, 1, false);
    append(place, 2, true);
    run_until_reached(place, 2); // an hour later without the second
    assert_string_equal(place->told, "reached 2");
}

// What before_full saw: how often it was called, and how far the journal was then.
struct before_full {
    struct place *place;
    atomic_int calls;
    uint64_t reached;
};

static void look_before_full(void *context)
{
    struct before_full *before = context;
    before->reached = tend_journal_writer_reached(before->place->writer);
    atomic_fetch_add(&before->calls, 1);
}

static void what_must_be_on_the_disk_before_an_act_is_asked_for_before_the_commit(void **state)
{
    struct place *place = *state;
    struct before_full before = { .place = place };
    const struct tend_journal_writer_options options = { .gather_ms = 1,
                                                         .before_full = look_before_full,
                                                         .before_full_context = &before };
    start(place, &options);
    append(place, 1, false);
    run_until_reached(place, 1);
    assert_int_equal(atomic_load(&before.calls), 0);
    append(place, 2, true);
    run_until_reached(place, 2);
    assert_int_equal(atomic_load(&before.calls), 1);
    assert_int_equal(before.reached, 1); // record 2 was not committed yet
}

static void stop_commits_what_is_queued(void **state)
{
    struct place *place = *state;
    const struct tend_journal_writer_options options = { .gather_ms = INT64_C(3600000) };
    start(place, &options);
    for (uint64_t number = 1; number <= 500; number++) {
        append(place, number, false);
    }
    assert_int_equal(tend_journal_writer_stop(place->writer, NULL), TEND_OK);
    assert_int_equal(tend_journal_writer_reached(place->writer), 500);
    assert_int_equal(read_all(place), 500);
}

static void next_writer_goes_on_behind_the_last_record(void **state)
{
    struct place *place = *state;
    start(place, NULL);
    append(place, 1, true);
    assert_int_equal(tend_journal_writer_stop(place->writer, NULL), TEND_OK);
    tend_journal_writer_destroy(place->writer);
    start(place, NULL);
    assert_int_equal(tend_journal_writer_reached(place->writer), 1);
    append(place, 2, true);
    run_until_reached(place, 2);
    assert_int_equal(read_all(place), 2);
}

static void append_from_the_callback_is_written(void **state)
{
    struct place *place = *state;
    place->append_until = 20;
    start(place, NULL);
    append(place, 1, true);
    run_until_reached(place, 20);
    assert_int_equal(read_all(place), 20);
}

static bool note_last(void *context, const struct tend_record *record)
{
    uint64_t *last = context;
    assert_int_equal(record->number, *last + 1);
    *last = record->number;
    return true;
}

static void reader_sees_a_prefix_while_the_writer_writes(void **state)
{
    struct place *place = *state;
    const struct tend_journal_writer_options options = { .gather_ms = 1 };
    start(place, &options);
    struct tend_journal *journal = NULL;
    assert_int_equal(tend_journal_open(place->directory, &journal, NULL), TEND_OK);
    uint64_t number = 0;
    uint64_t before = 0;
    while (place->reached < 3000) {
        for (int i = 0; i < 50 && number < 3000; i++) {
            number++;
            append(place, number, number % 100 == 0);
        }
        const uint64_t told = tend_journal_writer_reached(place->writer);
        uint64_t last = 0;
        assert_int_equal(tend_journal_read_after(journal, 0, note_last, &last, NULL), TEND_OK);
        assert_true(last >= told && last >= before && last <= number);
        before = last;
        assert_int_equal(tend_journal_verify_chain(journal, NULL), TEND_OK);
        assert_true(event_base_loop(place->base, EVLOOP_NONBLOCK) >= 0);
    }
    tend_journal_close(journal);
    assert_int_equal(read_all(place), 3000);
    struct stat log;
    char path[128];
    (void)snprintf(path, sizeof path, "%s-wal", place->file);
    assert_int_equal(stat(path, &log), 0);
    assert_true(log.st_size < INT64_C(16) * 1024 * 1024); // checkpoints keep it small
}

// ---- when it cannot write ----

static void limit_files(rlim_t bytes)
{
    (void)signal(SIGXFSZ, SIG_IGN); // so that write(2) fails with EFBIG
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void failed_write_is_told_once_and_made_good_later(void **state)
{
    struct place *place = *state;
    const struct tend_journal_writer_options options = { .retry_ms = 1, .retry_max_ms = 2 };
    start(place, &options);
    append(place, 1, true);
    run_until_reached(place, 1);
    limit_files(4096);
    append(place, 2, true);
    run_until_failed(place);
    assert_non_null(strstr(place->reason, "cannot write to the journal"));
    append(place, 3, true); // comes while it is failing
    append(place, 4, false);
    limit_files(RLIM_INFINITY);
    run_until_reached(place, 4);
    assert_int_equal(place->failures, 1);
    assert_int_equal(strncmp(place->told, "reached 1, failed, reached", 26), 0);
    assert_int_equal(read_all(place), 4);
}

static void stop_while_failing_says_what_is_lost(void **state)
{
    struct place *place = *state;
    const struct tend_journal_writer_options options = { .retry_ms = INT64_C(3600000),
                                                         .retry_max_ms = INT64_C(3600000) };
    start(place, &options);
    append(place, 1, true);
    run_until_reached(place, 1);
    limit_files(4096);
    append(place, 2, true);
    append(place, 3, true);
    run_until_failed(place);
    struct tend_error error;
    assert_int_equal(tend_journal_writer_stop(place->writer, &error), TEND_E_IO);
    limit_files(RLIM_INFINITY);
    assert_int_equal(strncmp(error.text, "2 records of the journal are lost", 33), 0);
    assert_int_equal(read_all(place), 1);
}

static void file_that_is_gone_is_not_made_anew(void **state)
{
    struct place *place = *state;
    const struct tend_journal_writer_options options = { .retry_ms = 1, .retry_max_ms = 2 };
    start(place, &options);
    append(place, 1, true);
    run_until_reached(place, 1);
    limit_files(4096);
    append(place, 2, true);
    run_until_failed(place);
    assert_int_equal(unlink(place->file), 0);
    limit_files(RLIM_INFINITY);
    assert_int_equal(tend_journal_writer_stop(place->writer, NULL), TEND_E_IO);
    assert_int_not_equal(access(place->file, F_OK), 0);
}

static void file_that_is_removed_under_the_writer_is_a_failure(void **state)
{
    struct place *place = *state;
    const struct tend_journal_writer_options options = { .retry_ms = 1, .retry_max_ms = 2 };
    start(place, &options);
    append(place, 1, true);
    run_until_reached(place, 1);
    assert_int_equal(unlink(place->file), 0);
    append(place, 2, true);
    run_until_failed(place);
    assert_int_equal(place->reached, 1);
    assert_non_null(strstr(place->reason, "journal.db was removed while tend writes to it"));
    assert_int_equal(tend_journal_writer_stop(place->writer, NULL), TEND_E_IO);
    assert_int_not_equal(access(place->file, F_OK), 0);
}

static void log_that_is_removed_under_the_writer_is_a_failure(void **state)
{
    struct place *place = *state;
    const struct tend_journal_writer_options options = { .retry_ms = INT64_C(3600000),
                                                         .retry_max_ms = INT64_C(3600000) };
    start(place, &options);
    append(place, 1, true);
    run_until_reached(place, 1);
    char log[128];
    (void)snprintf(log, sizeof log, "%s-wal", place->file);
    assert_int_equal(unlink(log), 0);
    append(place, 2, true);
    run_until_failed(place);
    assert_int_equal(place->reached, 1);
}

static void full_queue_drops_what_is_not_full_and_says_so(void **state)
{
    struct place *place = *state;
    const struct tend_journal_writer_options options = { .queue_bytes = 1024 };
    start(place, &options);
    sqlite3 *other = NULL; // holds the write lock: the writer waits as for a stalled disk
    assert_int_equal(sqlite3_open(place->file, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    uint64_t number = 0;
    while (tend_journal_writer_dropped(place->writer) < 3) {
        append(place, ++number, false);
    }
    append(place, ++number, true);
    run_until_failed(place);
    assert_non_null(strstr(place->reason, "queue is full"));
    assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    run_until_reached(place, number);
    assert_int_equal(place->failures, 1);
    struct tend_journal *journal = NULL;
    assert_int_equal(tend_journal_open(place->directory, &journal, NULL), TEND_OK);
    struct tend_record record;
    char key[32];
    (void)snprintf(key, sizeof key, "k%llu", (unsigned long long)number);
    assert_int_equal(tend_journal_find(journal, TEND_RECORD_STEP, key, &record, NULL), TEND_OK);
    assert_int_equal(record.number, number);
    tend_record_clear(&record);
    assert_int_equal(tend_journal_verify_chain(journal, NULL), TEND_OK);
    tend_journal_close(journal);
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest facts[] = {
        FACT(full_record_is_reached),
        FACT(record_that_is_not_full_is_reached_too),
        FACT(full_record_does_not_wait_for_the_gathering),
        FACT(what_must_be_on_the_disk_before_an_act_is_asked_for_before_the_commit),
        FACT(stop_commits_what_is_queued),
        FACT(next_writer_goes_on_behind_the_last_record),
        FACT(append_from_the_callback_is_written),
        FACT(reader_sees_a_prefix_while_the_writer_writes),
        FACT(failed_write_is_told_once_and_made_good_later),
        FACT(stop_while_failing_says_what_is_lost),
        FACT(file_that_is_gone_is_not_made_anew),
        FACT(file_that_is_removed_under_the_writer_is_a_failure),
        FACT(log_that_is_removed_under_the_writer_is_a_failure),
        FACT(full_queue_drops_what_is_not_full_and_says_so),
    };
    return cmocka_run_group_tests(facts, NULL, NULL);
}

// NOLINTEND(concurrency-mt-unsafe)
