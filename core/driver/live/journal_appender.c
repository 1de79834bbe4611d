// One INSERT and one UPSERT a record, prepared once.
//
// `synchronous` is switched between transactions: in WAL mode FULL syncs the log at each commit (and with it what
// earlier NORMAL commits wrote), NORMAL only before a checkpoint. The last hash and number are held here, and move on
// only when COMMIT has returned.

#include "driver/live/journal_appender.h"

#include "driver/live/journal_fault.h"
#include "driver/live/journal_file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

// A file as it was when it was first looked at.
struct seen_file {
    char *path;
    dev_t device;
    ino_t inode;
    bool known;
};

enum { DATABASE, LOG, FILES };

struct tend_journal_appender {
    sqlite3 *connection;
    sqlite3_stmt *insert;
    sqlite3_stmt *set_state;
    sqlite3_stmt *find_source;
    struct tend_buffer scratch;
    uint64_t last;
    char last_hash[TEND_JOURNAL_HASH_SIZE];
    bool full;     ///< synchronous, as it is set
    int log_pages; ///< in the WAL after the last commit
    struct seen_file files[FILES];
};

enum { CHECKPOINT_PAGES = 1000 };

static const char insert_sql[] =
    "INSERT INTO record(number, at_ms, wall_ms, kind, key, incident, open, body, hash) VALUES(?,?,?,?,?,?,?,?,?)";
static const char set_state_sql[] =
    "INSERT INTO state(kind, key, number, open) VALUES(?,?,?,?) "
    "ON CONFLICT(kind, key) DO UPDATE SET number = excluded.number, open = excluded.open";
static const char find_source_sql[] = "SELECT body FROM record WHERE kind = 'source' AND body IS NOT NULL AND key = ? "
                                      "ORDER BY number DESC LIMIT 1";
static const char tail_sql[] = "SELECT number, hash FROM record ORDER BY number DESC LIMIT 1";

static enum tend_status read_tail(struct tend_journal_appender *appender, struct tend_error *error)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(appender->connection, tail_sql, -1, &statement, NULL);
    if (result == SQLITE_OK) {
        result = sqlite3_step(statement);
    }
    enum tend_status status = TEND_OK;
    if (result == SQLITE_ROW) {
        const char *hash = (const char *)sqlite3_column_text(statement, 1);
        if (hash == NULL || strlen(hash) != TEND_JOURNAL_HASH_SIZE - 1) {
            tend_error_set(error, "the journal's last record has no hash");
            status = TEND_E_CORRUPT;
        } else {
            appender->last = (uint64_t)sqlite3_column_int64(statement, 0);
            memcpy(appender->last_hash, hash, TEND_JOURNAL_HASH_SIZE);
        }
    } else if (result != SQLITE_DONE) {
        status = tend_journal_file_failed(appender->connection, "read the journal's end", error);
    }
    sqlite3_finalize(statement);
    return status;
}

static int note_log_size(void *context, sqlite3 *connection, const char *name, int pages)
{
    (void)connection;
    (void)name;
    struct tend_journal_appender *appender = context;
    appender->log_pages = pages;
    return SQLITE_OK;
}

// Whether what was written can be found again: SQLite goes on writing to files that somebody removed or replaced, and a
// restart would know nothing of it.
static enum tend_status check_files(struct tend_journal_appender *appender, struct tend_error *error)
{
    for (size_t i = 0; i < FILES; i++) {
        struct seen_file *file = &appender->files[i];
        struct stat now;
        const bool is_there = stat(file->path, &now) == 0;
        if (is_there && !file->known) {
            *file = (struct seen_file){ .path = file->path, .device = now.st_dev, .inode = now.st_ino, .known = true };
        }
        if (!is_there || now.st_dev != file->device || now.st_ino != file->inode) {
            tend_error_set(error, "%s was %s while tend writes to it; put it back, or start tend anew", file->path,
                           is_there ? "replaced" : "removed");
            return TEND_E_IO;
        }
    }
    return TEND_OK;
}

static bool name_files(struct tend_journal_appender *appender, const char *directory)
{
    static const char *const names[FILES] = { [DATABASE] = "journal.db", [LOG] = "journal.db-wal" };
    bool named = true;
    for (size_t i = 0; i < FILES; i++) {
        struct tend_buffer path;
        tend_buffer_init(&path);
        tend_buffer_printf(&path, "%s/%s", directory, names[i]);
        appender->files[i].path = path.data;
        named = named && !path.failed;
    }
    struct stat database;
    if (named && stat(appender->files[DATABASE].path, &database) == 0) {
        appender->files[DATABASE].device = database.st_dev;
        appender->files[DATABASE].inode = database.st_ino;
        appender->files[DATABASE].known = true;
    }
    return named;
}

enum tend_status tend_journal_appender_open(const char *directory, bool create, struct tend_journal_appender **out,
                                            struct tend_error *error)
{
    struct tend_journal_appender *appender = calloc(1, sizeof *appender);
    if (appender == NULL) {
        tend_error_set(error, "out of memory while opening the journal");
        return TEND_E_NOMEM;
    }
    tend_buffer_init(&appender->scratch);
    enum tend_status status = tend_journal_file_open(directory, create ? TEND_JOURNAL_CREATE : TEND_JOURNAL_WRITE,
                                                     &appender->connection, error);
    if (status == TEND_OK && !name_files(appender, directory)) {
        tend_error_set(error, "out of memory while opening the journal");
        status = TEND_E_NOMEM;
    }
    if (status != TEND_OK) {
        goto fail;
    }
    appender->full = true;                                                 // journal_file.c sets it
    (void)sqlite3_wal_hook(appender->connection, note_log_size, appender); // takes the automatic checkpoint's place
    const unsigned keep = SQLITE_PREPARE_PERSISTENT;
    if (sqlite3_prepare_v3(appender->connection, insert_sql, -1, keep, &appender->insert, NULL) != SQLITE_OK ||
        sqlite3_prepare_v3(appender->connection, set_state_sql, -1, keep, &appender->set_state, NULL) != SQLITE_OK ||
        sqlite3_prepare_v3(appender->connection, find_source_sql, -1, keep, &appender->find_source, NULL) !=
            SQLITE_OK) {
        status = tend_journal_file_failed(appender->connection, "open the journal", error);
        goto fail;
    }
    status = read_tail(appender, error);
    if (status != TEND_OK) {
        goto fail;
    }
    *out = appender;
    return TEND_OK;
fail:
    tend_journal_appender_close(appender);
    return status;
}

void tend_journal_appender_close(struct tend_journal_appender *appender)
{
    if (appender == NULL) {
        return;
    }
    sqlite3_finalize(appender->insert);
    sqlite3_finalize(appender->set_state);
    sqlite3_finalize(appender->find_source);
    (void)sqlite3_close(appender->connection);
    tend_buffer_clear(&appender->scratch);
    for (size_t i = 0; i < FILES; i++) {
        free(appender->files[i].path);
    }
    free(appender);
}

uint64_t tend_journal_appender_last(const struct tend_journal_appender *appender)
{
    return appender->last;
}

static enum tend_status set_full(struct tend_journal_appender *appender, bool full, struct tend_error *error)
{
    if (appender->full == full) {
        return TEND_OK;
    }
    const enum tend_status status = tend_journal_file_execute(
        appender->connection, full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", "write", error);
    if (status == TEND_OK) {
        appender->full = full;
    }
    return status;
}

enum tend_status tend_journal_appender_secure(struct tend_journal_appender *appender, struct tend_error *error)
{
    enum tend_status status = set_full(appender, true, error);
    if (status != TEND_OK) {
        return status;
    }
    // TRUNCATE copies every frame into the database file, syncs that, and begins a new log: nothing that a reader can
    // see then depends on pages whose sync failed.
    const int result = sqlite3_wal_checkpoint_v2(appender->connection, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return result == SQLITE_OK ? TEND_OK : tend_journal_file_failed(appender->connection, "recover the journal", error);
}

// A source whose newest kept body is this very one need not be kept again.
static bool source_is_kept(struct tend_journal_appender *appender, const struct tend_journal_entry *entry)
{
    if (strcmp(entry->kind, "source") != 0 || entry->body == NULL) {
        return false;
    }
    sqlite3_stmt *find = appender->find_source;
    bool kept = false;
    if (sqlite3_bind_text(find, 1, entry->key, -1, SQLITE_STATIC) == SQLITE_OK && sqlite3_step(find) == SQLITE_ROW) {
        const char *body = (const char *)sqlite3_column_text(find, 0);
        kept = body != NULL && strcmp(body, entry->body) == 0;
    }
    (void)sqlite3_reset(find); // a look-up that failed only means that the body is kept twice
    return kept;
}

static bool bind_record(sqlite3_stmt *insert, const struct tend_journal_entry *entry, const char *hash)
{
    // A NULL text binds as NULL.
    return sqlite3_bind_int64(insert, 1, (sqlite3_int64)entry->number) == SQLITE_OK &&
           sqlite3_bind_int64(insert, 2, entry->at_ms) == SQLITE_OK &&
           sqlite3_bind_int64(insert, 3, entry->wall_ms) == SQLITE_OK &&
           sqlite3_bind_text(insert, 4, entry->kind, -1, SQLITE_STATIC) == SQLITE_OK &&
           sqlite3_bind_text(insert, 5, entry->key, -1, SQLITE_STATIC) == SQLITE_OK &&
           sqlite3_bind_text(insert, 6, entry->incident, -1, SQLITE_STATIC) == SQLITE_OK &&
           sqlite3_bind_int(insert, 7, entry->open) == SQLITE_OK &&
           sqlite3_bind_text(insert, 8, entry->body, -1, SQLITE_STATIC) == SQLITE_OK &&
           sqlite3_bind_text(insert, 9, hash, -1, SQLITE_STATIC) == SQLITE_OK;
}

static bool bind_state(sqlite3_stmt *set, const struct tend_journal_entry *entry)
{
    return sqlite3_bind_text(set, 1, entry->kind, -1, SQLITE_STATIC) == SQLITE_OK &&
           sqlite3_bind_text(set, 2, entry->key, -1, SQLITE_STATIC) == SQLITE_OK &&
           sqlite3_bind_int64(set, 3, (sqlite3_int64)entry->number) == SQLITE_OK &&
           sqlite3_bind_int(set, 4, entry->open) == SQLITE_OK;
}

// Runs a statement without rows and makes it ready for the next use.
static bool run(sqlite3_stmt *statement)
{
    const bool done = sqlite3_step(statement) == SQLITE_DONE;
    return sqlite3_reset(statement) == SQLITE_OK && done; // keeps the error of a failed step
}

// @param chain  in: the hash of the record before; out: of this one
static enum tend_status write_entry(struct tend_journal_appender *appender, const struct tend_journal_entry *entry,
                                    char chain[TEND_JOURNAL_HASH_SIZE], struct tend_error *error)
{
    struct tend_journal_entry kept = *entry;
    if (source_is_kept(appender, entry)) {
        kept.body = NULL;
    }
    char next[TEND_JOURNAL_HASH_SIZE];
    if (tend_journal_entry_hash(&kept, chain, &appender->scratch, next) != TEND_OK) {
        tend_error_set(error, "cannot write record %llu: out of memory", (unsigned long long)entry->number);
        return TEND_E_NOMEM;
    }
    memcpy(chain, next, TEND_JOURNAL_HASH_SIZE);
    if (!bind_record(appender->insert, &kept, next) || !run(appender->insert) ||
        !bind_state(appender->set_state, &kept) || !run(appender->set_state)) {
        return tend_journal_file_failed(appender->connection, "write to the journal", error);
    }
    return TEND_OK;
}

enum tend_status tend_journal_appender_commit(struct tend_journal_appender *appender,
                                              const struct tend_journal_entry_list *entries, bool full,
                                              struct tend_error *error)
{
    const struct tend_journal_entry *first = entries->first;
    while (first != NULL && first->number <= appender->last) {
        first = first->next;
    }
    if (first == NULL) {
        return TEND_OK;
    }
    const uint64_t last = entries->last->number;
    tend_journal_fault_at(TEND_JOURNAL_FAULT_BEFORE, first->number, last);
    enum tend_status status = set_full(appender, full, error);
    if (status == TEND_OK) {
        status = tend_journal_file_execute(appender->connection, "BEGIN IMMEDIATE", "write to the journal", error);
    }
    char chain[TEND_JOURNAL_HASH_SIZE];
    memcpy(chain, appender->last_hash, sizeof chain);
    for (const struct tend_journal_entry *entry = first; entry != NULL && status == TEND_OK; entry = entry->next) {
        status = write_entry(appender, entry, chain, error);
    }
    tend_journal_fault_at(TEND_JOURNAL_FAULT_DURING, first->number, last);
    if (status == TEND_OK) {
        status = tend_journal_file_execute(appender->connection, "COMMIT", "write to the journal", error);
    }
    if (status != TEND_OK) {
        (void)sqlite3_exec(appender->connection, "ROLLBACK", NULL, NULL, NULL); // SQLite may have done so itself
        return status;
    }
    tend_journal_fault_at(TEND_JOURNAL_FAULT_AFTER, first->number, last);
    if (full) {
        status = check_files(appender, error);
        if (status != TEND_OK) {
            return status; // to be opened again, by its name
        }
    }
    appender->last = last;
    memcpy(appender->last_hash, chain, sizeof chain);
    return TEND_OK;
}

enum tend_status tend_journal_appender_checkpoint(struct tend_journal_appender *appender, struct tend_error *error)
{
    if (appender->log_pages < CHECKPOINT_PAGES) {
        return TEND_OK;
    }
    const int result = sqlite3_wal_checkpoint_v2(appender->connection, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return result == SQLITE_OK || (result & 0xff) == SQLITE_BUSY // a reader is in the way: after the next commit
               ? TEND_OK
               : tend_journal_file_failed(appender->connection, "write the journal's log back", error);
}
