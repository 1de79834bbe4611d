// Facts about the journal file: what is written comes back, in which order, and what is refused.

#include "driver/live/journal.h"
#include "driver/live/journal_appender.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

// NOLINTBEGIN(concurrency-mt-unsafe): nothing here starts a thread

struct place {
    char directory[64];
    char file[96]; ///< DIRECTORY/journal.db
};

static int make_place(void **state)
{
    static struct place place;
    (void)snprintf(place.directory, sizeof place.directory, "/tmp/tend-journal-XXXXXX");
    *state = &place;
    if (mkdtemp(place.directory) == NULL) {
        return -1;
    }
    (void)snprintf(place.file, sizeof place.file, "%s/journal.db", place.directory);
    return 0;
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

// ---- writing ----

struct fact_record { // NOLINT(clang-analyzer-optin.performance.Padding): in the order in which a fact is read
    uint64_t number;
    enum tend_record_kind kind;
    const char *key;
    const char *incident;
    bool open;
    const char *body;
};

static struct tend_journal_entry *entry_of(const struct fact_record *fact)
{
    struct tend_record record = {
        .number = fact->number,
        .at_ms = 1000 + (int64_t)fact->number,
        .wall_ms = 5000 + (int64_t)fact->number,
        .kind = fact->kind,
        .key = strdup(fact->key),
        .incident = fact->incident == NULL ? NULL : strdup(fact->incident),
        .open = fact->open,
        .body = json_loads(fact->body, JSON_ALLOW_NUL, NULL),
    };
    assert_non_null(record.body);
    struct tend_journal_entry *entry = NULL;
    assert_int_equal(tend_journal_entry_create(&record, &entry), TEND_OK);
    assert_null(record.body);
    return entry;
}

static enum tend_status commit(struct tend_journal_appender *appender, const struct fact_record *facts, size_t count)
{
    struct tend_journal_entry_list list = { .first = NULL };
    for (size_t i = 0; i < count; i++) {
        tend_journal_entry_list_push(&list, entry_of(&facts[i]));
    }
    const enum tend_status status = tend_journal_appender_commit(appender, &list, true, NULL);
    assert_int_equal(tend_journal_entry_list_clear(&list), count);
    return status;
}

// Writes the facts as one batch into the place's journal and opens it for reading.
static struct tend_journal *journal_with(const struct place *place, const struct fact_record *facts, size_t count)
{
    struct tend_journal_appender *appender = NULL;
    struct tend_error error = { "" };
    if (tend_journal_appender_open(place->directory, true, &appender, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    assert_int_equal(commit(appender, facts, count), TEND_OK);
    tend_journal_appender_close(appender);
    struct tend_journal *journal = NULL;
    if (tend_journal_open(place->directory, &journal, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    return journal;
}

// ---- reading ----

struct seen {
    char numbers[256]; ///< "1 2 3"
    char *last_body;
    size_t most; ///< stop after this many; 0: never
    size_t count;
};

static bool note(void *context, const struct tend_record *record)
{
    struct seen *seen = context;
    const size_t length = strlen(seen->numbers);
    (void)snprintf(seen->numbers + length, sizeof seen->numbers - length, "%s%llu", length == 0 ? "" : " ",
                   (unsigned long long)record->number);
    free(seen->last_body);
    seen->last_body = tend_json_canonical(record->body);
    seen->count++;
    return seen->count != seen->most;
}

static void forget(struct seen *seen)
{
    free(seen->last_body);
    *seen = (struct seen){ .most = 0 };
}

static void sql(const struct place *place, const char *text)
{
    sqlite3 *connection = NULL;
    assert_int_equal(sqlite3_open(place->file, &connection), SQLITE_OK);
    char *message = NULL;
    if (sqlite3_exec(connection, text, NULL, NULL, &message) != SQLITE_OK) {
        fail_msg("%s: %s", text, message);
    }
    assert_int_equal(sqlite3_close(connection), SQLITE_OK);
}

static int64_t sql_number(const struct place *place, const char *text)
{
    sqlite3 *connection = NULL;
    assert_int_equal(sqlite3_open(place->file, &connection), SQLITE_OK);
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_prepare_v2(connection, text, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    const int64_t number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    assert_int_equal(sqlite3_close(connection), SQLITE_OK);
    return number;
}

// An incident with two alerts, a run and its steps, as the engine writes them.
static const struct fact_record story[] = {
    { 1, TEND_RECORD_START, "", NULL, true, "{\"version\":\"0.1.0\"}" },
    { 2, TEND_RECORD_ALERT, "slow\npay\n", NULL, true, "{\"state\":\"pending\"}" },
    { 3, TEND_RECORD_ALERT, "slow\npay\n", "i1", true, "{\"state\":\"firing\"}" },
    { 4, TEND_RECORD_INCIDENT, "i1", "i1", true, "{\"state\":\"open\"}" },
    { 5, TEND_RECORD_STEP, "r1/1", "i1", true, "{\"state\":\"begun\"}" },
    { 6, TEND_RECORD_STEP, "r1/1", "i1", true, "{\"state\":\"ended\"}" },
    { 7, TEND_RECORD_ALERT, "slow\npay\n", "i1", false, "{\"state\":\"resolved\"}" },
    { 8, TEND_RECORD_INCIDENT, "i1", "i1", false, "{\"state\":\"ended\"}" },
    { 9, TEND_RECORD_INCIDENT, "i2", "i2", true, "{\"state\":\"open\"}" },
    { 10, TEND_RECORD_OPERATOR, "pause", NULL, true, "{\"on\":true}" },
};
enum { STORY = sizeof story / sizeof story[0] };

static void new_journal_is_empty_and_verifies(void **state)
{
    struct tend_journal *journal = journal_with(*state, NULL, 0);
    struct tend_journal_tail tail = { .number = 9 };
    assert_int_equal(tend_journal_tail(journal, &tail, NULL), TEND_OK);
    assert_int_equal(tail.number, 0);
    struct seen seen = { .most = 0 };
    assert_int_equal(tend_journal_restore(journal, note, &seen, NULL), TEND_OK);
    assert_int_equal(seen.count, 0);
    assert_int_equal(tend_journal_verify_chain(journal, NULL), TEND_OK);
    tend_journal_close(journal);
}

static void tail_is_the_last_record(void **state)
{
    struct tend_journal *journal = journal_with(*state, story, STORY);
    struct tend_journal_tail tail;
    assert_int_equal(tend_journal_tail(journal, &tail, NULL), TEND_OK);
    assert_int_equal(tail.number, 10);
    assert_int_equal(tail.at_ms, 1010);
    assert_int_equal(tail.wall_ms, 5010);
    tend_journal_close(journal);
}

static void record_comes_back_as_it_was_written(void **state)
{
    const char body[] = "{\"big\":9007199254740993,\"none\":null,\"number\":0.10000000000000001,"
                        "\"text\":\"\\u0000 \\\" naïve \\n\"}";
    const struct fact_record fact = { 7, TEND_RECORD_NOTICE, "key'); DROP TABLE record; --", "i7", true, body };
    struct tend_journal *journal = journal_with(*state, &fact, 1);
    struct tend_record record;
    assert_int_equal(tend_journal_find(journal, TEND_RECORD_NOTICE, fact.key, &record, NULL), TEND_OK);
    assert_int_equal(record.number, 7);
    assert_int_equal(record.at_ms, 1007);
    assert_int_equal(record.wall_ms, 5007);
    assert_int_equal(record.kind, TEND_RECORD_NOTICE);
    assert_string_equal(record.key, fact.key);
    assert_string_equal(record.incident, "i7");
    assert_true(record.open);
    char *text = tend_json_canonical(record.body);
    assert_string_equal(text, body);
    free(text);
    tend_record_clear(&record);
    tend_journal_close(journal);
}

static void find_gives_the_newest_record_of_a_key(void **state)
{
    struct tend_journal *journal = journal_with(*state, story, STORY);
    struct tend_record record;
    assert_int_equal(tend_journal_find(journal, TEND_RECORD_INCIDENT, "i1", &record, NULL), TEND_OK);
    assert_int_equal(record.number, 8);
    assert_false(record.open);
    tend_record_clear(&record);
    tend_journal_close(journal);
}

static void find_of_an_unknown_key_gives_number_0(void **state)
{
    struct tend_journal *journal = journal_with(*state, story, STORY);
    struct tend_record record = { .number = 5 };
    assert_int_equal(tend_journal_find(journal, TEND_RECORD_INCIDENT, "i9", &record, NULL), TEND_OK);
    assert_int_equal(record.number, 0);
    assert_null(record.body);
    tend_journal_close(journal);
}

static void restore_gives_the_newest_open_record_of_each_key_in_order(void **state)
{
    struct tend_journal *journal = journal_with(*state, story, STORY);
    struct seen seen = { .most = 0 };
    assert_int_equal(tend_journal_restore(journal, note, &seen, NULL), TEND_OK);
    assert_string_equal(seen.numbers, "1 6 9 10");
    forget(&seen);
    tend_journal_close(journal);
}

static void incident_is_read_whole_and_in_order(void **state)
{
    struct tend_journal *journal = journal_with(*state, story, STORY);
    struct seen seen = { .most = 0 };
    assert_int_equal(tend_journal_read_incident(journal, "i1", note, &seen, NULL), TEND_OK);
    assert_string_equal(seen.numbers, "3 4 5 6 7 8");
    assert_string_equal(seen.last_body, "{\"state\":\"ended\"}");
    forget(&seen);
    tend_journal_close(journal);
}

static void kind_is_read_newest_first_and_one_record_a_key(void **state)
{
    struct tend_journal *journal = journal_with(*state, story, STORY);
    struct seen seen = { .most = 0 };
    assert_int_equal(tend_journal_read_kind(journal, TEND_RECORD_INCIDENT, 100, note, &seen, NULL), TEND_OK);
    assert_string_equal(seen.numbers, "9 8");
    forget(&seen);
    assert_int_equal(tend_journal_read_kind(journal, TEND_RECORD_INCIDENT, 1, note, &seen, NULL), TEND_OK);
    assert_string_equal(seen.numbers, "9");
    forget(&seen);
    tend_journal_close(journal);
}

static void steps_of_a_run_are_read_by_the_beginning_of_their_keys(void **state)
{
    const struct fact_record facts[] = {
        { 1, TEND_RECORD_STEP, "r1/1", "i1", false, "{\"state\":\"begun\"}" },
        { 2, TEND_RECORD_STEP, "r1/1", "i1", false, "{\"state\":\"ended\"}" },
        { 3, TEND_RECORD_STEP, "r12/1", "i1", false, "{\"state\":\"begun\"}" },
        { 4, TEND_RECORD_RUN, "r1/2", "i1", false, "{\"state\":\"begun\"}" },
        { 5, TEND_RECORD_STEP, "r1/2", "i2", false, "{\"state\":\"begun\"}" }, // i1 was merged into i2 meanwhile
    };
    struct tend_journal *journal = journal_with(*state, facts, sizeof facts / sizeof facts[0]);
    struct seen seen = { .most = 0 };
    assert_int_equal(tend_journal_read_prefix(journal, TEND_RECORD_STEP, "r1/", note, &seen, NULL), TEND_OK);
    assert_string_equal(seen.numbers, "2 5");
    forget(&seen);
    tend_journal_close(journal);
}

static void reader_may_stop_early(void **state)
{
    struct tend_journal *journal = journal_with(*state, story, STORY);
    struct seen seen = { .most = 2 };
    assert_int_equal(tend_journal_read_after(journal, 4, note, &seen, NULL), TEND_OK);
    assert_string_equal(seen.numbers, "5 6");
    forget(&seen);
    tend_journal_close(journal);
}

static void same_sources_are_kept_once(void **state)
{
    const struct place *place = *state;
    const struct fact_record facts[] = {
        { 1, TEND_RECORD_SOURCE, "abc", NULL, true, "{\"files\":[1]}" },
        { 2, TEND_RECORD_SOURCE, "abc", NULL, true, "{\"files\":[1]}" },
        { 3, TEND_RECORD_SOURCE, "def", NULL, true, "{\"files\":[2]}" },
        { 4, TEND_RECORD_SOURCE, "abc", NULL, true, "{\"files\":[1]}" },
    };
    struct tend_journal *journal = journal_with(place, facts, 4);
    assert_int_equal(sql_number(place, "SELECT count(*) FROM record WHERE body IS NOT NULL"), 2);
    struct seen seen = { .most = 0 };
    assert_int_equal(tend_journal_restore(journal, note, &seen, NULL), TEND_OK);
    assert_string_equal(seen.numbers, "3 4");
    assert_string_equal(seen.last_body, "{\"files\":[1]}");
    forget(&seen);
    assert_int_equal(tend_journal_verify_chain(journal, NULL), TEND_OK);
    tend_journal_close(journal);
}

static void sources_that_changed_under_one_hash_are_kept_again(void **state)
{
    const struct place *place = *state;
    const struct fact_record facts[] = {
        { 1, TEND_RECORD_SOURCE, "abc", NULL, true, "{\"document\":1}" },
        { 2, TEND_RECORD_SOURCE, "abc", NULL, true, "{\"document\":2}" },
        { 3, TEND_RECORD_SOURCE, "abc", NULL, true, "{\"document\":2}" },
    };
    struct tend_journal *journal = journal_with(place, facts, 3);
    json_t *body = NULL;
    assert_int_equal(tend_journal_find_source(journal, "abc", &body, NULL), TEND_OK);
    assert_int_equal(tend_json_integer(body, "document", 0), 2);
    json_decref(body);
    tend_journal_close(journal);
}

static void unknown_source_is_null(void **state)
{
    struct tend_journal *journal = journal_with(*state, story, STORY);
    json_t *body = json_null();
    assert_int_equal(tend_journal_find_source(journal, "abc", &body, NULL), TEND_OK);
    assert_null(body);
    tend_journal_close(journal);
}

static void records_that_the_journal_has_are_left_out(void **state)
{
    const struct place *place = *state;
    struct tend_journal *journal = journal_with(place, story, 5);
    struct tend_journal_appender *appender = NULL;
    assert_int_equal(tend_journal_appender_open(place->directory, false, &appender, NULL), TEND_OK);
    assert_int_equal(tend_journal_appender_last(appender), 5);
    assert_int_equal(commit(appender, story, STORY), TEND_OK);
    assert_int_equal(tend_journal_appender_last(appender), STORY);
    tend_journal_appender_close(appender);
    struct seen seen = { .most = 0 };
    assert_int_equal(tend_journal_read_after(journal, 0, note, &seen, NULL), TEND_OK);
    assert_string_equal(seen.numbers, "1 2 3 4 5 6 7 8 9 10");
    forget(&seen);
    assert_int_equal(tend_journal_verify_chain(journal, NULL), TEND_OK);
    tend_journal_close(journal);
}

// ---- the chain ----

static void expect_broken_chain(void **state, const char *change, const char *text)
{
    const struct place *place = *state;
    struct tend_journal *journal = journal_with(place, story, STORY);
    assert_int_equal(tend_journal_verify_chain(journal, NULL), TEND_OK);
    sql(place, "DROP TRIGGER record_is_never_changed; DROP TRIGGER record_is_never_removed");
    sql(place, change);
    struct tend_error error;
    assert_int_equal(tend_journal_verify_chain(journal, &error), TEND_E_CORRUPT);
    if (strstr(error.text, text) == NULL) {
        fail_msg("%s", error.text);
    }
    tend_journal_close(journal);
}

static void changed_body_breaks_the_chain(void **state)
{
    expect_broken_chain(state, "UPDATE record SET body = '{\"state\":\"open\"}' WHERE number = 8", "record 8");
}

static void changed_time_breaks_the_chain(void **state)
{
    expect_broken_chain(state, "UPDATE record SET wall_ms = wall_ms + 1 WHERE number = 3", "record 3");
}

static void removed_record_breaks_the_chain(void **state)
{
    expect_broken_chain(state, "DELETE FROM record WHERE number = 5", "record 6");
}

static void removed_last_record_is_seen_in_the_states(void **state)
{
    expect_broken_chain(state, "DELETE FROM record WHERE number = 10", "record 10");
}

static void state_that_was_reopened_is_seen(void **state)
{
    expect_broken_chain(state, "UPDATE state SET open = 1 WHERE key = 'i1'", "record 8");
}

static void records_can_neither_be_changed_nor_removed(void **state)
{
    const struct place *place = *state;
    tend_journal_close(journal_with(place, story, STORY));
    sqlite3 *connection = NULL;
    assert_int_equal(sqlite3_open(place->file, &connection), SQLITE_OK);
    assert_int_equal(sqlite3_exec(connection, "UPDATE record SET body = ''", NULL, NULL, NULL), SQLITE_CONSTRAINT);
    assert_int_equal(sqlite3_exec(connection, "DELETE FROM record", NULL, NULL, NULL), SQLITE_CONSTRAINT);
    assert_int_equal(sqlite3_close(connection), SQLITE_OK);
}

static void damaged_body_is_an_error_with_its_record(void **state)
{
    const struct place *place = *state;
    struct tend_journal *journal = journal_with(place, story, STORY);
    sql(place, "DROP TRIGGER record_is_never_changed; UPDATE record SET body = '{' WHERE number = 9");
    struct seen seen = { .most = 0 };
    struct tend_error error;
    assert_int_equal(tend_journal_restore(journal, note, &seen, &error), TEND_E_CORRUPT);
    assert_string_equal(seen.numbers, "1 6");
    assert_non_null(strstr(error.text, "record 9"));
    forget(&seen);
    tend_journal_close(journal);
}

// ---- which files are refused ----

static void expect_refused(const struct place *place, enum tend_status expected, const char *text)
{
    struct tend_journal_appender *appender = NULL;
    struct tend_error error = { "" };
    assert_int_equal(tend_journal_appender_open(place->directory, true, &appender, &error), expected);
    assert_null(appender);
    struct tend_journal *journal = NULL;
    assert_int_equal(tend_journal_open(place->directory, &journal, &error), expected);
    if (strstr(error.text, text) == NULL) {
        fail_msg("%s", error.text);
    }
}

static void database_of_another_program_is_refused_and_left_alone(void **state)
{
    const struct place *place = *state;
    sql(place, "CREATE TABLE other(x); PRAGMA user_version = 1");
    expect_refused(place, TEND_E_INVALID, "another program");
    assert_int_equal(sql_number(place, "SELECT count(*) FROM sqlite_schema"), 1);
    assert_int_equal(sql_number(place, "SELECT 1 FROM pragma_journal_mode WHERE journal_mode = 'delete'"), 1);
}

static void journal_of_a_newer_tend_is_refused(void **state)
{
    const struct place *place = *state;
    tend_journal_close(journal_with(place, story, STORY));
    sql(place, "PRAGMA user_version = 2");
    expect_refused(place, TEND_E_INVALID, "newer tend (schema 2");
}

static void file_that_is_no_database_is_refused(void **state)
{
    const struct place *place = *state;
    FILE *file = fopen(place->file, "w");
    assert_non_null(file);
    for (int i = 0; i < 200; i++) {
        (void)fputs("this is a text, not a database\n", file);
    }
    (void)fclose(file);
    (void)chmod(place->file, 0640);
    expect_refused(place, TEND_E_CORRUPT, "not a journal of tend");
}

static void file_that_others_may_write_to_is_refused(void **state)
{
    const struct place *place = *state;
    tend_journal_close(journal_with(place, story, STORY));
    assert_int_equal(chmod(place->file, 0666), 0);
    expect_refused(place, TEND_E_INVALID, "0666");
}

static void link_in_place_of_the_file_is_refused(void **state)
{
    const struct place *place = *state;
    assert_int_equal(symlink("/tmp/elsewhere.db", place->file), 0);
    expect_refused(place, TEND_E_INVALID, "not a regular file");
}

static void reading_does_not_make_a_file(void **state)
{
    const struct place *place = *state;
    struct tend_journal *journal = NULL;
    assert_int_equal(tend_journal_open(place->directory, &journal, NULL), TEND_E_IO);
    assert_int_not_equal(access(place->file, F_OK), 0);
}

static void file_is_readable_by_owner_and_group_only(void **state)
{
    const struct place *place = *state;
    const mode_t mask = umask(0);
    tend_journal_close(journal_with(place, story, STORY));
    umask(mask);
    struct stat status;
    assert_int_equal(stat(place->file, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
}

// ---- memory ----

static sqlite3_mem_methods real_memory;
static long allocations_left = -1; // -1: all succeed

static bool allocation_fails(void)
{
    if (allocations_left < 0) {
        return false;
    }
    return allocations_left == 0 || allocations_left-- == 0;
}

static void *failing_malloc(int bytes)
{
    return allocation_fails() ? NULL : real_memory.xMalloc(bytes);
}

static void *failing_realloc(void *memory, int bytes)
{
    return allocation_fails() ? NULL : real_memory.xRealloc(memory, bytes);
}

// From the nth allocation on all fail: what was committed before stays, and nothing half is ever seen.
static void failing_allocations_leave_a_journal_that_verifies(void **state)
{
    const struct place *place = *state;
    tend_journal_close(journal_with(place, story, 4));
    assert_int_equal(sqlite3_shutdown(), SQLITE_OK);
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory), SQLITE_OK);
    sqlite3_mem_methods failing = real_memory;
    failing.xMalloc = failing_malloc;
    failing.xRealloc = failing_realloc;
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &failing), SQLITE_OK);
    enum tend_status status = TEND_E_NOMEM;
    long failures = 0;
    for (long n = 0; status != TEND_OK; n++) {
        struct tend_journal_appender *appender = NULL;
        allocations_left = n;
        status = tend_journal_appender_open(place->directory, false, &appender, NULL);
        if (status == TEND_OK) {
            status = commit(appender, story, STORY);
        }
        allocations_left = -1;
        tend_journal_appender_close(appender);
        struct tend_journal *journal = NULL;
        assert_int_equal(tend_journal_open(place->directory, &journal, NULL), TEND_OK);
        struct tend_journal_tail tail;
        assert_int_equal(tend_journal_tail(journal, &tail, NULL), TEND_OK);
        assert_int_equal(tail.number, status == TEND_OK ? STORY : 4);
        assert_int_equal(tend_journal_verify_chain(journal, NULL), TEND_OK);
        tend_journal_close(journal);
        failures = n;
    }
    assert_true(failures > 10); // the hook was in use
    assert_int_equal(sqlite3_shutdown(), SQLITE_OK);
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &real_memory), SQLITE_OK);
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest facts[] = {
        FACT(new_journal_is_empty_and_verifies),
        FACT(tail_is_the_last_record),
        FACT(record_comes_back_as_it_was_written),
        FACT(find_gives_the_newest_record_of_a_key),
        FACT(find_of_an_unknown_key_gives_number_0),
        FACT(restore_gives_the_newest_open_record_of_each_key_in_order),
        FACT(incident_is_read_whole_and_in_order),
        FACT(kind_is_read_newest_first_and_one_record_a_key),
        FACT(steps_of_a_run_are_read_by_the_beginning_of_their_keys),
        FACT(reader_may_stop_early),
        FACT(same_sources_are_kept_once),
        FACT(sources_that_changed_under_one_hash_are_kept_again),
        FACT(unknown_source_is_null),
        FACT(records_that_the_journal_has_are_left_out),
        FACT(changed_body_breaks_the_chain),
        FACT(changed_time_breaks_the_chain),
        FACT(removed_record_breaks_the_chain),
        FACT(removed_last_record_is_seen_in_the_states),
        FACT(state_that_was_reopened_is_seen),
        FACT(records_can_neither_be_changed_nor_removed),
        FACT(damaged_body_is_an_error_with_its_record),
        FACT(database_of_another_program_is_refused_and_left_alone),
        FACT(journal_of_a_newer_tend_is_refused),
        FACT(file_that_is_no_database_is_refused),
        FACT(file_that_others_may_write_to_is_refused),
        FACT(link_in_place_of_the_file_is_refused),
        FACT(reading_does_not_make_a_file),
        FACT(file_is_readable_by_owner_and_group_only),
        FACT(failing_allocations_leave_a_journal_that_verifies),
    };
    return cmocka_run_group_tests(facts, NULL, NULL);
}

// NOLINTEND(concurrency-mt-unsafe)
