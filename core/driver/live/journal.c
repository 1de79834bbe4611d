// Every read prepares its statement, steps through the rows and hands each on as a record; nothing is cached, for reads
// are rare (a start, a person who asks) and SQLite's own page cache serves the second one.
//
// A read is one statement, hence one snapshot; `each` may call other reads of the same journal meanwhile.

#include "driver/live/journal.h"

#include "driver/live/journal_entry.h"
#include "driver/live/journal_file.h"

#include <stdlib.h>
#include <string.h>

struct tend_journal {
    sqlite3 *connection;
};

// The columns of a record, with the kept body of a source that refers to an older one.
#define RECORD_COLUMNS                                                                                                 \
    "SELECT r.number, r.at_ms, r.wall_ms, r.kind, r.key, r.incident, r.open, coalesce(r.body, "                        \
    "(SELECT o.body FROM record o WHERE o.kind = 'source' AND o.body IS NOT NULL AND o.key = r.key "                   \
    "AND o.number < r.number ORDER BY o.number DESC LIMIT 1)) "
enum column { NUMBER, AT_MS, WALL_MS, KIND, KEY, INCIDENT, OPEN, BODY, HASH };

static const char reading[] = "read the journal";

enum tend_status tend_journal_open(const char *directory, struct tend_journal **out, struct tend_error *error)
{
    struct tend_journal *journal = calloc(1, sizeof *journal);
    if (journal == NULL) {
        tend_error_set(error, "out of memory while opening the journal");
        return TEND_E_NOMEM;
    }
    const enum tend_status status = tend_journal_file_open(directory, TEND_JOURNAL_READ, &journal->connection, error);
    if (status != TEND_OK) {
        free(journal);
        return status;
    }
    *out = journal;
    return TEND_OK;
}

void tend_journal_close(struct tend_journal *journal)
{
    if (journal != NULL) {
        (void)sqlite3_close(journal->connection);
        free(journal);
    }
}

static const char *column_text(sqlite3_stmt *row, enum column column)
{
    return (const char *)sqlite3_column_text(row, (int)column);
}

static uint64_t column_number(sqlite3_stmt *row)
{
    return (uint64_t)sqlite3_column_int64(row, NUMBER);
}

static char *copy_text(const char *text, bool *failed)
{
    char *copy = text == NULL ? NULL : strdup(text);
    *failed = *failed || (text != NULL && copy == NULL);
    return copy;
}

// Makes a record of the row; on failure `record` is left as it was.
static enum tend_status take_row(sqlite3_stmt *row, struct tend_record *record, struct tend_error *error)
{
    const unsigned long long number = column_number(row);
    const char *kind_text = column_text(row, KIND);
    const char *body = column_text(row, BODY);
    const int kind = kind_text == NULL ? -1 : tend_record_kind_parse(kind_text);
    if (kind < 0 || body == NULL || column_text(row, KEY) == NULL) {
        tend_error_set(error, "record %llu of the journal is damaged: kind %s, %s", number,
                       kind_text == NULL ? "missing" : kind_text, body == NULL ? "no body" : "no key");
        return TEND_E_CORRUPT;
    }
    json_error_t wrong;
    bool failed = false;
    struct tend_record made = {
        .number = number,
        .at_ms = sqlite3_column_int64(row, AT_MS),
        .wall_ms = sqlite3_column_int64(row, WALL_MS),
        .kind = (enum tend_record_kind)kind,
        .key = copy_text(column_text(row, KEY), &failed),
        .incident = copy_text(column_text(row, INCIDENT), &failed),
        .open = sqlite3_column_int(row, OPEN) != 0,
        .body = json_loads(body, JSON_ALLOW_NUL | JSON_DECODE_ANY, &wrong),
    };
    if (failed || (made.body == NULL && json_error_code(&wrong) == json_error_out_of_memory)) {
        tend_error_set(error, "out of memory while reading record %llu of the journal", number);
        tend_record_clear(&made);
        return TEND_E_NOMEM;
    }
    if (made.body == NULL) {
        tend_error_set(error, "record %llu of the journal is damaged: its body: %s", number, wrong.text);
        tend_record_clear(&made);
        return TEND_E_CORRUPT;
    }
    *record = made;
    return TEND_OK;
}

// Steps through a statement's rows. Finalizes it.
static enum tend_status read_rows(struct tend_journal *journal, sqlite3_stmt *take_statement, tend_journal_each *each,
                                  void *context, struct tend_error *error)
{
    enum tend_status status = TEND_OK;
    bool more = true;
    while (status == TEND_OK && more) {
        const int result = sqlite3_step(take_statement);
        if (result == SQLITE_DONE) {
            break;
        }
        if (result != SQLITE_ROW) {
            status = tend_journal_file_failed(journal->connection, reading, error);
            break;
        }
        struct tend_record record;
        status = take_row(take_statement, &record, error);
        if (status == TEND_OK) {
            more = each(context, &record);
            tend_record_clear(&record);
        }
    }
    sqlite3_finalize(take_statement);
    return status;
}

// Prepares a statement and binds its text parameters (NULL ends them early), then its integer.
static enum tend_status prepare(struct tend_journal *journal, const char *sql, const char *first, const char *second,
                                const int64_t *integer, sqlite3_stmt **out, struct tend_error *error)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(journal->connection, sql, -1, &statement, NULL);
    int parameter = 1;
    if (result == SQLITE_OK && first != NULL) {
        result = sqlite3_bind_text(statement, parameter++, first, -1, SQLITE_TRANSIENT);
    }
    if (result == SQLITE_OK && second != NULL) {
        result = sqlite3_bind_text(statement, parameter++, second, -1, SQLITE_TRANSIENT);
    }
    if (result == SQLITE_OK && integer != NULL) {
        result = sqlite3_bind_int64(statement, parameter, *integer);
    }
    if (result != SQLITE_OK) {
        const enum tend_status status = tend_journal_file_failed(journal->connection, reading, error);
        sqlite3_finalize(statement);
        return status;
    }
    *out = statement;
    return TEND_OK;
}

enum tend_status tend_journal_tail(struct tend_journal *journal, struct tend_journal_tail *tail,
                                   struct tend_error *error)
{
    sqlite3_stmt *statement = NULL;
    enum tend_status status = prepare(journal, "SELECT number, at_ms, wall_ms FROM record ORDER BY number DESC LIMIT 1",
                                      NULL, NULL, NULL, &statement, error);
    if (status != TEND_OK) {
        return status;
    }
    const int result = sqlite3_step(statement);
    if (result == SQLITE_ROW) {
        *tail = (struct tend_journal_tail){ .number = column_number(statement),
                                            .at_ms = sqlite3_column_int64(statement, AT_MS),
                                            .wall_ms = sqlite3_column_int64(statement, WALL_MS) };
    } else if (result == SQLITE_DONE) {
        *tail = (struct tend_journal_tail){ .number = 0 };
    } else {
        status = tend_journal_file_failed(journal->connection, reading, error);
    }
    sqlite3_finalize(statement);
    return status;
}

enum tend_status tend_journal_restore(struct tend_journal *journal, tend_journal_each *each, void *context,
                                      struct tend_error *error)
{
    sqlite3_stmt *statement = NULL;
    const enum tend_status status = prepare(
        journal, RECORD_COLUMNS "FROM state s JOIN record r ON r.number = s.number WHERE s.open = 1 ORDER BY s.number",
        NULL, NULL, NULL, &statement, error);
    return status == TEND_OK ? read_rows(journal, statement, each, context, error) : status;
}

enum tend_status tend_journal_read_incident(struct tend_journal *journal, const char *incident, tend_journal_each *each,
                                            void *context, struct tend_error *error)
{
    sqlite3_stmt *statement = NULL;
    const enum tend_status status =
        prepare(journal, RECORD_COLUMNS "FROM record r WHERE r.incident = ? ORDER BY r.number", incident, NULL, NULL,
                &statement, error);
    return status == TEND_OK ? read_rows(journal, statement, each, context, error) : status;
}

enum tend_status tend_journal_read_incident_without(struct tend_journal *journal, const char *incident,
                                                    enum tend_record_kind without, tend_journal_each *each,
                                                    void *context, struct tend_error *error)
{
    sqlite3_stmt *statement = NULL;
    const enum tend_status status =
        prepare(journal, RECORD_COLUMNS "FROM record r WHERE r.incident = ? AND r.kind <> ? ORDER BY r.number",
                incident, tend_record_kind_text(without), NULL, &statement, error);
    return status == TEND_OK ? read_rows(journal, statement, each, context, error) : status;
}

enum tend_status tend_journal_read_kind(struct tend_journal *journal, enum tend_record_kind kind, size_t limit,
                                        tend_journal_each *each, void *context, struct tend_error *error)
{
    const int64_t most = limit > INT64_MAX ? INT64_MAX : (int64_t)limit;
    sqlite3_stmt *statement = NULL;
    const enum tend_status status =
        prepare(journal,
                RECORD_COLUMNS "FROM state s JOIN record r ON r.number = s.number WHERE s.kind = ? "
                               "ORDER BY s.number DESC LIMIT ?",
                tend_record_kind_text(kind), NULL, &most, &statement, error);
    return status == TEND_OK ? read_rows(journal, statement, each, context, error) : status;
}

enum tend_status tend_journal_read_prefix(struct tend_journal *journal, enum tend_record_kind kind, const char *prefix,
                                          tend_journal_each *each, void *context, struct tend_error *error)
{
    // Between the prefix and the prefix with a byte that no UTF-8 text has: a range of the primary key.
    sqlite3_stmt *statement = NULL;
    const enum tend_status status =
        prepare(journal,
                RECORD_COLUMNS "FROM state s JOIN record r ON r.number = s.number WHERE s.kind = ?1 AND s.key >= ?2 "
                               "AND s.key < ?2 || CAST(x'ff' AS TEXT) ORDER BY s.number",
                tend_record_kind_text(kind), prefix, NULL, &statement, error);
    return status == TEND_OK ? read_rows(journal, statement, each, context, error) : status;
}

enum tend_status tend_journal_read_after(struct tend_journal *journal, uint64_t number, tend_journal_each *each,
                                         void *context, struct tend_error *error)
{
    const int64_t after = (int64_t)number;
    sqlite3_stmt *statement = NULL;
    const enum tend_status status =
        prepare(journal, RECORD_COLUMNS "FROM record r WHERE r.number > ? ORDER BY r.number", NULL, NULL, &after,
                &statement, error);
    return status == TEND_OK ? read_rows(journal, statement, each, context, error) : status;
}

enum tend_status tend_journal_find(struct tend_journal *journal, enum tend_record_kind kind, const char *key,
                                   struct tend_record *record, struct tend_error *error)
{
    sqlite3_stmt *statement = NULL;
    enum tend_status status = prepare(
        journal, RECORD_COLUMNS "FROM state s JOIN record r ON r.number = s.number WHERE s.kind = ? AND s.key = ?",
        tend_record_kind_text(kind), key, NULL, &statement, error);
    if (status != TEND_OK) {
        return status;
    }
    const int result = sqlite3_step(statement);
    if (result == SQLITE_ROW) {
        status = take_row(statement, record, error);
    } else if (result == SQLITE_DONE) {
        *record = (struct tend_record){ .number = 0 };
    } else {
        status = tend_journal_file_failed(journal->connection, reading, error);
    }
    sqlite3_finalize(statement);
    return status;
}

enum tend_status tend_journal_find_source(struct tend_journal *journal, const char *hash, json_t **body,
                                          struct tend_error *error)
{
    struct tend_record record = { .number = 0 };
    const enum tend_status status = tend_journal_find(journal, TEND_RECORD_SOURCE, hash, &record, error);
    if (status == TEND_OK) {
        *body = json_incref(record.body); // NULL stays NULL
        tend_record_clear(&record);
    }
    return status;
}

// Checks one row against the chain. @param chain  in: the hash of the record before; out: of this one
static enum tend_status verify_row(sqlite3_stmt *row, struct tend_buffer *scratch, char chain[TEND_JOURNAL_HASH_SIZE],
                                   struct tend_error *error)
{
    bool failed = false;
    struct tend_journal_entry entry = {
        .number = column_number(row),
        .at_ms = sqlite3_column_int64(row, AT_MS),
        .wall_ms = sqlite3_column_int64(row, WALL_MS),
        .kind = column_text(row, KIND),
        .key = copy_text(column_text(row, KEY), &failed),
        .incident = copy_text(column_text(row, INCIDENT), &failed),
        .open = sqlite3_column_int(row, OPEN) != 0,
        .body = copy_text(column_text(row, BODY), &failed),
    };
    char expected[TEND_JOURNAL_HASH_SIZE];
    enum tend_status status = TEND_E_NOMEM;
    if (!failed && tend_journal_entry_hash(&entry, chain, scratch, expected) == TEND_OK) {
        const char *found = column_text(row, HASH);
        status = found != NULL && strcmp(found, expected) == 0 ? TEND_OK : TEND_E_CORRUPT;
        memcpy(chain, expected, TEND_JOURNAL_HASH_SIZE);
    }
    if (status == TEND_E_CORRUPT) {
        tend_error_set(error, "record %llu of the journal, or one removed before it, is not what was written",
                       (unsigned long long)entry.number);
    } else if (status == TEND_E_NOMEM) {
        tend_error_set(error, "out of memory while verifying the journal");
    }
    free(entry.key);
    free(entry.incident);
    free(entry.body);
    return status;
}

static enum tend_status verify_records(struct tend_journal *journal, struct tend_error *error)
{
    sqlite3_stmt *statement = NULL;
    enum tend_status status = prepare(journal,
                                      "SELECT number, at_ms, wall_ms, kind, key, incident, open, body, hash "
                                      "FROM record ORDER BY number",
                                      NULL, NULL, NULL, &statement, error);
    struct tend_buffer scratch;
    tend_buffer_init(&scratch);
    char chain[TEND_JOURNAL_HASH_SIZE] = "";
    int result = SQLITE_ROW;
    while (status == TEND_OK && (result = sqlite3_step(statement)) == SQLITE_ROW) {
        status = verify_row(statement, &scratch, chain, error);
    }
    if (status == TEND_OK && result != SQLITE_DONE) {
        status = tend_journal_file_failed(journal->connection, reading, error);
    }
    sqlite3_finalize(statement);
    tend_buffer_clear(&scratch);
    return status;
}

// The states must be what the records say: for each (kind, key) the newest record and its `open`.
static enum tend_status verify_states(struct tend_journal *journal, struct tend_error *error)
{
    static const char differing[] =
        "WITH newest AS (SELECT kind, key, max(number) AS number, open FROM record GROUP BY kind, key) "
        "SELECT number FROM (SELECT kind, key, number, open FROM newest EXCEPT SELECT kind, key, number, open FROM "
        "state) "
        "UNION ALL "
        "SELECT number FROM (SELECT kind, key, number, open FROM state EXCEPT SELECT kind, key, number, open FROM "
        "newest)";
    sqlite3_stmt *statement = NULL;
    enum tend_status status = prepare(journal, differing, NULL, NULL, NULL, &statement, error);
    if (status != TEND_OK) {
        return status;
    }
    const int result = sqlite3_step(statement);
    if (result == SQLITE_ROW) {
        tend_error_set(error, "the journal's state that refers to record %lld is not what its records say",
                       (long long)sqlite3_column_int64(statement, 0));
        status = TEND_E_CORRUPT;
    } else if (result != SQLITE_DONE) {
        status = tend_journal_file_failed(journal->connection, reading, error);
    }
    sqlite3_finalize(statement);
    return status;
}

enum tend_status tend_journal_verify_chain(struct tend_journal *journal, struct tend_error *error)
{
    // One transaction, so that records and states are of the same moment while the writer goes on.
    enum tend_status status = tend_journal_file_execute(journal->connection, "BEGIN", reading, error);
    if (status != TEND_OK) {
        return status;
    }
    status = verify_records(journal, error);
    if (status == TEND_OK) {
        status = verify_states(journal, error);
    }
    (void)sqlite3_exec(journal->connection, "COMMIT", NULL, NULL, NULL); // ends a read: nothing to lose
    return status;
}
