// Facts about the journal after a death: of the process, at any point of a commit, and of the machine.
//
// A child process writes ten records, waits for "reached" as the loop does, and tells through a pipe what it was told.
// It dies where the environment says; then the parent looks at what is left. The parts that need the fault hooks are
// skipped by a build without TEND_FAULTS.

#include "driver/live/journal.h"
#include "driver/live/journal_appender.h"
#include "driver/live/journal_writer.h"

#include <event2/event.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

// NOLINTBEGIN(concurrency-mt-unsafe): the environment changes when no writer runs in this process

enum { RECORDS = 10, CUT_RECORDS = 3 };

#ifdef TEND_SANITIZED
enum { WRITE_STRIDE = 4 }; // a fork of a sanitized process takes 30 ms; the plain build tries every write
#else
enum { WRITE_STRIDE = 1 };
#endif

static bool is_full(uint64_t number)
{
    return number % 3 != 0; // 3, 6 and 9 are not
}

// The child waits for each record, so that each is a commit of its own; only 6 and 7 may share one.
static bool is_waited_for(uint64_t number)
{
    return number != 6;
}

struct place {
    char directory[64];
    char file[96];
    char log[96];
    int trials;
    bool held; ///< the child appends all records between hold and release
};

static void name_files(struct place *place)
{
    (void)snprintf(place->file, sizeof place->file, "%s/journal.db", place->directory);
    (void)snprintf(place->log, sizeof place->log, "%s/journal.db-wal", place->directory);
}

static int make_place(void **state)
{
    static struct place place;
    place = (struct place){ .directory = "/tmp/tend-journal-XXXXXX" };
    *state = &place;
    if (mkdtemp(place.directory) == NULL) {
        return -1;
    }
    name_files(&place);
    return 0;
}

// An empty directory in the place, for one trial of many.
static struct place make_trial(void **state)
{
    struct place *place = *state;
    struct place trial = { .trials = 0 };
    (void)snprintf(trial.directory, sizeof trial.directory, "%.40s/%d", place->directory, ++place->trials);
    assert_int_equal(mkdir(trial.directory, 0750), 0);
    name_files(&trial);
    return trial;
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
    const struct place *place = *state;
    return nftw(place->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct tend_record make_record(uint64_t number)
{
    char key[32];
    (void)snprintf(key, sizeof key, "k%d", (int)(number % 4));
    struct tend_record record = {
        .number = number,
        .at_ms = (int64_t)number,
        .kind = TEND_RECORD_STEP,
        .key = strdup(key),
        .incident = strdup("i1"),
        .full = is_full(number),
        .open = true,
        .body = json_pack("{s:I}", "n", (json_int_t)number),
    };
    return record;
}

static bool count_in_order(void *context, const struct tend_record *record)
{
    uint64_t *count = context;
    assert_int_equal(record->number, *count + 1);
    assert_int_equal(tend_json_integer(record->body, "n", 0), record->number);
    *count = record->number;
    return true;
}

// Reads what is left, which must be records 1, 2, 3 … with a good chain. @return how many
static uint64_t read_prefix(const char *directory)
{
    struct tend_journal *journal = NULL;
    struct tend_error error;
    uint64_t count = 0;
    if (tend_journal_open(directory, &journal, &error) != TEND_OK ||
        tend_journal_read_after(journal, 0, count_in_order, &count, &error) != TEND_OK ||
        tend_journal_verify_chain(journal, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    tend_journal_close(journal);
    return count;
}

// ---- the log cut off after every byte ----

static char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    (void)fclose(file);
    return bytes;
}

static void write_file(const char *path, const char *bytes, size_t size)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0640);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    assert_int_equal(close(fd), 0);
}

// Small pages, so that every byte of the log can be tried: a database with pages of 512 bytes and no tables yet.
static void make_small_pages(const struct place *place)
{
    sqlite3 *connection = NULL;
    assert_int_equal(sqlite3_open(place->file, &connection), SQLITE_OK);
    assert_int_equal(sqlite3_exec(connection, "PRAGMA page_size = 512; VACUUM", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(connection), SQLITE_OK);
    assert_int_equal(chmod(place->file, 0640), 0);
}

// Opens the journal over its log cut off after `bytes`. Each trial begins from the same two files.
static uint64_t restored_from(const struct place *trial, const char *database, size_t database_bytes, const char *log,
                              size_t bytes)
{
    char index[128];
    (void)snprintf(index, sizeof index, "%s/journal.db-shm", trial->directory);
    (void)unlink(index);
    write_file(trial->file, database, database_bytes);
    write_file(trial->log, log, bytes);
    return read_prefix(trial->directory);
}

static void log_cut_off_after_any_byte_restores_a_prefix(void **state)
{
    const struct place *place = *state;
    make_small_pages(place);
    struct tend_journal_appender *appender = NULL;
    assert_int_equal(tend_journal_appender_open(place->directory, true, &appender, NULL), TEND_OK);
    assert_int_equal(tend_journal_appender_secure(appender, NULL), TEND_OK); // the tables are in the database file
    for (uint64_t number = 1; number <= CUT_RECORDS; number++) {
        struct tend_record record = make_record(number);
        struct tend_journal_entry *entry = NULL;
        assert_int_equal(tend_journal_entry_create(&record, &entry), TEND_OK);
        struct tend_journal_entry_list list = { .first = NULL };
        tend_journal_entry_list_push(&list, entry);
        assert_int_equal(tend_journal_appender_commit(appender, &list, is_full(number), NULL), TEND_OK);
        (void)tend_journal_entry_list_clear(&list);
    }
    size_t database_bytes = 0;
    size_t log_bytes = 0;
    char *database = read_file(place->file, &database_bytes);
    char *log = read_file(place->log, &log_bytes);
    tend_journal_appender_close(appender);

    const struct place trial = make_trial(state);
    uint64_t before = 0;
    for (size_t bytes = 0; bytes <= log_bytes; bytes++) {
        const uint64_t count = restored_from(&trial, database, database_bytes, log, bytes);
        assert_true(count == before || count == before + 1);
        before = count;
    }
    assert_int_equal(before, CUT_RECORDS);
    free(database);
    free(log);
}

// ---- a child that dies ----

struct child {
    struct event_base *base;
    struct tend_journal_writer *writer;
    uint64_t reached;
    int pipe;
};

static void on_reached(void *context, uint64_t number)
{
    struct child *child = context;
    child->reached = number;
    if (write(child->pipe, &number, sizeof number) != (ssize_t)sizeof number) {
        _exit(3);
    }
}

static void on_failed(void *context, const char *reason)
{
    (void)context;
    (void)reason;
}

// Gives the writer's thread every chance to commit the first records without the others.
static void append_in_one_hold(struct child *child)
{
    tend_journal_writer_hold(child->writer);
    for (uint64_t number = 1; number <= RECORDS; number++) {
        struct tend_record record = make_record(number);
        tend_journal_writer_append(child->writer, &record);
        for (int i = 0; i < 500; i++) {
            (void)sched_yield();
        }
    }
    tend_journal_writer_release(child->writer);
    while (child->reached < RECORDS) {
        if (event_base_loop(child->base, EVLOOP_ONCE) != 0) {
            _exit(5);
        }
    }
}

// Writes the ten records, as the loop would; then dies as by a power failure: nothing is closed.
_Noreturn static void write_and_die(const struct place *place, int pipe)
{
    struct child child = { .base = event_base_new(), .pipe = pipe };
    const struct tend_journal_writer_callbacks callbacks = { on_reached, on_failed, &child };
    const struct tend_journal_writer_options options = { .gather_ms = 1, .retry_ms = 1, .retry_max_ms = 4 };
    struct tend_error error;
    if (tend_journal_writer_create(place->directory, child.base, &callbacks, &options, &child.writer, &error) !=
        TEND_OK) {
        _exit(4);
    }
    // The loop's read connection: with it open, the writer's close neither checkpoints nor removes the log.
    struct tend_journal *journal = NULL;
    struct tend_journal_tail tail;
    if (tend_journal_open(place->directory, &journal, &error) != TEND_OK ||
        tend_journal_tail(journal, &tail, &error) != TEND_OK) {
        _exit(4);
    }
    if (place->held) {
        append_in_one_hold(&child);
    }
    for (uint64_t number = tend_journal_writer_reached(child.writer) + 1; number <= RECORDS; number++) {
        struct tend_record record = make_record(number);
        tend_journal_writer_append(child.writer, &record);
        while (is_waited_for(number) && child.reached < number) {
            if (event_base_loop(child.base, EVLOOP_ONCE) != 0) {
                _exit(5);
            }
        }
    }
    (void)raise(SIGKILL);
    _exit(6);
}

struct outcome {
    int status;         ///< of waitpid
    uint64_t last_told; ///< last number it was told as reached
    uint64_t last_full; ///< last `full` record it was told as reached
};

static struct outcome run_child(const struct place *place)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(ends[0]);
        write_and_die(place, ends[1]);
    }
    close(ends[1]);
    struct outcome outcome = { .status = -1 };
    uint64_t number = 0;
    while (read(ends[0], &number, sizeof number) == (ssize_t)sizeof number) {
        outcome.last_told = number;
    }
    close(ends[0]);
    assert_int_equal(waitpid(pid, &outcome.status, 0), pid);
    for (outcome.last_full = outcome.last_told; outcome.last_full > 0 && !is_full(outcome.last_full);) {
        outcome.last_full--;
    }
    return outcome;
}

static bool was_killed(const struct outcome *outcome)
{
    return WIFSIGNALED(outcome->status) && WTERMSIG(outcome->status) == SIGKILL;
}

static void all_written_when_nothing_goes_wrong(void **state)
{
    const struct place *place = *state;
    const struct outcome outcome = run_child(place);
    assert_true(was_killed(&outcome));
    assert_int_equal(outcome.last_told, RECORDS);
    assert_int_equal(read_prefix(place->directory), RECORDS);
}

#ifdef TEND_FAULTS

static void clear_faults(void)
{
    static const char *const names[] = { "TEND_DIE_AT", "TEND_DIE_AT_WRITE", "TEND_DROP_UNSYNCED", "TEND_FAIL_WRITE",
                                         "TEND_FAIL_SYNC" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        unsetenv(names[i]);
    }
}

static void set_number(const char *name, const char *before, uint64_t number)
{
    char text[64];
    (void)snprintf(text, sizeof text, "%s%llu", before, (unsigned long long)number);
    setenv(name, text, 1);
}

// After a death, a second tend goes on behind what is left, and writes the rest.
static void expect_it_goes_on(const struct place *place)
{
    clear_faults();
    const struct outcome outcome = run_child(place);
    assert_true(was_killed(&outcome));
    assert_int_equal(read_prefix(place->directory), RECORDS);
}

static void sweep_records(void **state, bool power_fails)
{
    static const char *const moments[] = { "before:", "during:", "after:" };
    for (size_t moment = 0; moment < 3; moment++) {
        for (uint64_t number = 1; number <= RECORDS; number++) {
            const struct place place = make_trial(state);
            set_number("TEND_DIE_AT", moments[moment], number);
            if (power_fails) {
                setenv("TEND_DROP_UNSYNCED", "1", 1);
            }
            const struct outcome outcome = run_child(&place);
            clear_faults();
            assert_true(was_killed(&outcome));
            const uint64_t left = read_prefix(place.directory);
            assert_true(outcome.last_told < number); // nobody was told of it
            assert_true(left >= (power_fails ? outcome.last_full : outcome.last_told));
            if (moment < 2) {
                assert_true(left < number);
            } else if (is_full(number) || !power_fails) {
                assert_true(left >= number);
            }
            expect_it_goes_on(&place);
        }
    }
}

static void death_at_any_record_keeps_what_was_told(void **state)
{
    sweep_records(state, false);
}

static void power_failure_at_any_record_keeps_what_was_told_as_full(void **state)
{
    sweep_records(state, true);
}

static void death_at_a_record_leaves_all_of_its_hold_or_nothing(void **state)
{
    static const char *const moments[] = { "before:", "during:", "after:" };
    for (size_t moment = 0; moment < 3; moment++) {
        for (uint64_t number = 1; number <= RECORDS; number++) {
            struct place place = make_trial(state);
            place.held = true;
            set_number("TEND_DIE_AT", moments[moment], number);
            const struct outcome outcome = run_child(&place);
            clear_faults();
            assert_true(was_killed(&outcome));
            assert_int_equal(read_prefix(place.directory), moment == 2 ? RECORDS : 0);
        }
    }
}

// A journal that was never begun has nothing to lose: the file may be missing, empty or without its tables.
static uint64_t read_what_may_not_be_begun(const struct place *place, const struct outcome *outcome)
{
    if (outcome->last_told > 0) {
        return read_prefix(place->directory);
    }
    struct tend_journal_appender *appender = NULL;
    struct tend_error error;
    if (tend_journal_appender_open(place->directory, true, &appender, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    tend_journal_appender_close(appender);
    return read_prefix(place->directory);
}

static void sweep_writes(void **state, bool power_fails)
{
    uint64_t writes = 0;
    for (bool died_early = true; died_early;) {
        writes += WRITE_STRIDE;
        const struct place place = make_trial(state);
        set_number("TEND_DIE_AT_WRITE", "", writes);
        if (power_fails) {
            setenv("TEND_DROP_UNSYNCED", "1", 1);
        }
        const struct outcome outcome = run_child(&place);
        clear_faults();
        assert_true(was_killed(&outcome));
        const uint64_t left = read_what_may_not_be_begun(&place, &outcome);
        assert_true(left >= (power_fails ? outcome.last_full : outcome.last_told));
        died_early = outcome.last_told < RECORDS;
        expect_it_goes_on(&place);
    }
    assert_true(writes > UINT64_C(2) * RECORDS); // the layer was in place
}

static void death_in_the_middle_of_any_write_keeps_what_was_told(void **state)
{
    sweep_writes(state, false);
}

static void power_failure_in_the_middle_of_any_write_keeps_what_was_told_as_full(void **state)
{
    sweep_writes(state, true);
}

// The nth sync fails and what it should have written never gets to the disk, though it can still be read. What is told
// after that must be on the disk all the same when the power fails at the end.
static void failed_sync_loses_nothing_that_is_told(void **state)
{
    for (uint64_t number = 1; number <= 30; number++) {
        const struct place place = make_trial(state);
        set_number("TEND_FAIL_SYNC", "", number);
        const struct outcome outcome = run_child(&place);
        clear_faults();
        if (was_killed(&outcome)) {
            assert_true(read_prefix(place.directory) >= outcome.last_full);
            assert_int_equal(outcome.last_told, RECORDS);
        } else { // failed when it began the journal: tend run ends with the reason
            assert_int_equal(WEXITSTATUS(outcome.status), 4);
            assert_int_equal(outcome.last_told, 0);
        }
        expect_it_goes_on(&place);
    }
}

static void disk_that_is_full_for_a_while_loses_nothing(void **state)
{
    const struct place *place = *state;
    setenv("TEND_FAIL_WRITE", "30-60", 1);
    const struct outcome outcome = run_child(place);
    clear_faults();
    assert_true(was_killed(&outcome));
    assert_int_equal(outcome.last_told, RECORDS);
    assert_int_equal(read_prefix(place->directory), RECORDS);
}

#else

static void faults_are_not_built_in(void **state)
{
    (void)state;
    print_message("skipped: dying at a record or a write needs -DTEND_FAULTS=ON\n");
    skip();
}

#endif

#define FACT(name) cmocka_unit_test_setup_teardown(name, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest facts[] = {
        FACT(log_cut_off_after_any_byte_restores_a_prefix),
        FACT(all_written_when_nothing_goes_wrong),
#ifdef TEND_FAULTS
        FACT(death_at_any_record_keeps_what_was_told),
        FACT(power_failure_at_any_record_keeps_what_was_told_as_full),
        FACT(death_at_a_record_leaves_all_of_its_hold_or_nothing),
        FACT(death_in_the_middle_of_any_write_keeps_what_was_told),
        FACT(power_failure_in_the_middle_of_any_write_keeps_what_was_told_as_full),
        FACT(failed_sync_loses_nothing_that_is_told),
        FACT(disk_that_is_full_for_a_while_loses_nothing),
#else
        FACT(faults_are_not_built_in),
#endif
    };
    return cmocka_run_group_tests(facts, NULL, NULL);
}

// NOLINTEND(concurrency-mt-unsafe)
