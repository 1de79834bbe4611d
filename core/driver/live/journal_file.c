// Opening looks before it touches: what the file is is decided from its header fields before anything (even the switch
// to WAL) is written to it.
//
// The file is never opened here by open(2) while it exists: closing any descriptor of it would drop the locks that
// SQLite's other connections of this process hold (POSIX locks belong to the process). It is made by O_EXCL, when there
// can be no connection yet, and otherwise only looked at by lstat(2).

#include "driver/live/journal_file.h"

#include "base/buffer.h"
#include "driver/live/journal_fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUSY_WRITE_MS = 5000, BUSY_READ_MS = 250 }; // a reader may be the loop, which must not wait

// record_source finds the newest body of a source; state_open is what a restart reads; state_kind lists incidents.
static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE record("
    "  number INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, wall_ms INTEGER NOT NULL, kind TEXT NOT NULL,"
    "  key TEXT NOT NULL, incident TEXT, open INTEGER NOT NULL, body TEXT, hash TEXT NOT NULL);"
    "CREATE INDEX record_incident ON record(incident, number) WHERE incident IS NOT NULL;"
    "CREATE INDEX record_source ON record(key, number) WHERE kind = 'source' AND body IS NOT NULL;"
    "CREATE TABLE state("
    "  kind TEXT NOT NULL, key TEXT NOT NULL, number INTEGER NOT NULL REFERENCES record(number),"
    "  open INTEGER NOT NULL, PRIMARY KEY(kind, key)) WITHOUT ROWID;"
    "CREATE INDEX state_kind ON state(kind, number);"
    "CREATE INDEX state_open ON state(number) WHERE open = 1;"
    "CREATE TRIGGER record_is_never_changed BEFORE UPDATE ON record"
    "  BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;"
    "CREATE TRIGGER record_is_never_removed BEFORE DELETE ON record"
    "  BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;"
    "PRAGMA application_id = 1952804452;" // TEND_JOURNAL_APPLICATION_ID
    "PRAGMA user_version = 1;"
    "COMMIT;";

enum tend_status tend_journal_file_failed(sqlite3 *connection, const char *what, struct tend_error *error)
{
    const int extended = sqlite3_extended_errcode(connection);
    const int system = sqlite3_system_errno(connection);
    const char *detail = extended == SQLITE_IOERR_FSYNC      ? " (fsync failed)"
                         : extended == SQLITE_IOERR_WRITE    ? " (write failed)"
                         : extended == SQLITE_IOERR_READ     ? " (read failed)"
                         : extended == SQLITE_IOERR_TRUNCATE ? " (truncate failed)"
                                                             : "";
    const char *cause = system == 0 ? NULL : strerrordesc_np(system);
    tend_error_set(error, "cannot %s: %s%s%s%s", what, sqlite3_errmsg(connection), detail, cause == NULL ? "" : ": ",
                   cause == NULL ? "" : cause);
    switch (extended & 0xff) {
    case SQLITE_NOMEM:
        return TEND_E_NOMEM;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return TEND_E_CORRUPT;
    default:
        return TEND_E_IO;
    }
}

enum tend_status tend_journal_file_execute(sqlite3 *connection, const char *sql, const char *what,
                                           struct tend_error *error)
{
    return sqlite3_exec(connection, sql, NULL, NULL, NULL) == SQLITE_OK
               ? TEND_OK
               : tend_journal_file_failed(connection, what, error);
}

static enum tend_status read_integer(sqlite3 *connection, const char *sql, int64_t *value, struct tend_error *error)
{
    sqlite3_stmt *statement = NULL;
    enum tend_status status = TEND_OK;
    if (sqlite3_prepare_v2(connection, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        *value = sqlite3_column_int64(statement, 0);
    } else {
        status = tend_journal_file_failed(connection, "read the journal's header", error);
    }
    sqlite3_finalize(statement);
    return status;
}

static enum tend_status sync_directory(const char *directory, struct tend_error *error)
{
    const int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool synced = fd >= 0 && fsync(fd) == 0;
    const int failure = errno;
    if (fd >= 0) {
        close(fd);
    }
    if (!synced) {
        tend_error_set(error, "cannot sync the directory %s: %s", directory, strerrordesc_np(failure));
        return TEND_E_IO;
    }
    return TEND_OK;
}

// Makes the file when it may be made, and refuses one that others could have put there or could change.
static enum tend_status prepare_path(const char *directory, const char *path, enum tend_journal_access access,
                                     struct tend_error *error)
{
    if (access == TEND_JOURNAL_CREATE) {
        const int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
        if (fd >= 0) {
            close(fd);
            return sync_directory(directory, error);
        }
        if (errno != EEXIST) {
            tend_error_set(error, "cannot make %s: %s", path, strerrordesc_np(errno));
            return TEND_E_IO;
        }
    }
    struct stat status;
    if (lstat(path, &status) != 0) {
        tend_error_set(error, "cannot open %s: %s", path, strerrordesc_np(errno));
        return TEND_E_IO;
    }
    if (!S_ISREG(status.st_mode)) {
        tend_error_set(error, "%s is not a regular file", path);
        return TEND_E_INVALID;
    }
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0 || (access != TEND_JOURNAL_READ && status.st_uid != geteuid())) {
        tend_error_set(
            error, "%s has mode %04o and belongs to uid %u, so others may change it; 0640 and uid %u would be right",
            path, (unsigned)(status.st_mode & 07777), (unsigned)status.st_uid, (unsigned)geteuid());
        return TEND_E_INVALID;
    }
    return TEND_OK;
}

// Says whether the file is a journal, or empty and may become one.
static enum tend_status identify(sqlite3 *connection, const char *path, bool *empty, struct tend_error *error)
{
    int64_t application = 0;
    int64_t version = 0;
    int64_t tables = 0;
    enum tend_status status = read_integer(connection, "PRAGMA application_id", &application, error);
    if (status == TEND_OK) {
        status = read_integer(connection, "PRAGMA user_version", &version, error);
    }
    if (status == TEND_OK) {
        status = read_integer(connection, "SELECT count(*) FROM sqlite_schema", &tables, error);
    }
    if (status == TEND_E_CORRUPT) {
        tend_error_set(error, "%s is not a journal of tend, or is damaged: %s", path, sqlite3_errmsg(connection));
    }
    if (status != TEND_OK) {
        return status;
    }
    *empty = application == 0 && version == 0 && tables == 0;
    if (!*empty && application != TEND_JOURNAL_APPLICATION_ID) {
        tend_error_set(error, "%s is a database of another program (application id 0x%08x), not a journal of tend",
                       path, (unsigned)application);
        return TEND_E_INVALID;
    }
    if (version > TEND_JOURNAL_SCHEMA) {
        tend_error_set(error, "%s was written by a newer tend (schema %lld; this one knows %d)", path,
                       (long long)version, TEND_JOURNAL_SCHEMA);
        return TEND_E_INVALID;
    }
    return TEND_OK;
}

// NORMAL and FULL are switched by who writes (journal_batch.c). Foreign keys are per connection.
static enum tend_status configure(sqlite3 *connection, const char *path, enum tend_journal_access access,
                                  struct tend_error *error)
{
    bool empty = false;
    enum tend_status status = identify(connection, path, &empty, error);
    if (status != TEND_OK) {
        return status;
    }
    if (empty && access != TEND_JOURNAL_CREATE) {
        tend_error_set(error, "%s is empty: no journal was begun in it", path);
        return TEND_E_INVALID;
    }
    if (access == TEND_JOURNAL_READ) {
        return tend_journal_file_execute(connection, "PRAGMA query_only = 1", "open the journal", error);
    }
    status = tend_journal_file_execute(connection,
                                       "PRAGMA synchronous = FULL; PRAGMA foreign_keys = 1; PRAGMA journal_mode = WAL;"
                                       "PRAGMA journal_size_limit = 16777216",
                                       "open the journal", error);
    if (status == TEND_OK && empty) {
        status = tend_journal_file_execute(connection, schema, "begin the journal", error);
    }
    return status;
}

enum tend_status tend_journal_file_open(const char *directory, enum tend_journal_access access, sqlite3 **out,
                                        struct tend_error *error)
{
    struct tend_buffer path;
    tend_buffer_init(&path);
    tend_buffer_printf(&path, "%s/journal.db", directory);
    enum tend_status status = path.failed ? TEND_E_NOMEM : TEND_OK;
    if (status == TEND_OK) {
        status = tend_journal_fault_vfs(error);
    }
    if (status == TEND_OK) {
        status = prepare_path(directory, path.data, access, error);
    }
    sqlite3 *connection = NULL;
    if (status == TEND_OK) {
        const int flags =
            SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_PRIVATECACHE;
        // A reader opens for writing too: SQLite lets it read after a crash only when it may rebuild the WAL's index.
        if (sqlite3_open_v2(path.data, &connection, flags, NULL) != SQLITE_OK) {
            status =
                connection == NULL ? TEND_E_NOMEM : tend_journal_file_failed(connection, "open the journal", error);
        }
    }
    if (status == TEND_OK) {
        (void)sqlite3_busy_timeout(connection, access != TEND_JOURNAL_READ ? BUSY_WRITE_MS : BUSY_READ_MS);
        (void)sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        (void)sqlite3_db_config(connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        (void)sqlite3_db_config(connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, access == TEND_JOURNAL_READ, NULL);
        status = configure(connection, path.data, access, error);
    }
    if (status == TEND_E_NOMEM) {
        tend_error_set(error, "out of memory while opening the journal");
    }
    tend_buffer_clear(&path);
    if (status != TEND_OK) {
        (void)sqlite3_close(connection);
        return status;
    }
    *out = connection;
    return TEND_OK;
}
