#pragma once
/// Journal file: opens DIR/journal.db, and knows its schema and which files it must not touch.
///
/// Ownership: who opens closes with sqlite3_close. Threads: a connection is for one thread at a time.

#include "base/status.h"

#include <sqlite3.h>

enum tend_journal_access {
    TEND_JOURNAL_READ,   ///< the file must be there; nothing is ever written through this connection
    TEND_JOURNAL_WRITE,  ///< the file must be there; one such connection at a time
    TEND_JOURNAL_CREATE, ///< as WRITE; made (mode 0640, WAL) when it is missing or empty
};

enum {
    TEND_JOURNAL_APPLICATION_ID = 0x74656e64, ///< "tend", in the file's header
    TEND_JOURNAL_SCHEMA = 1,                  ///< user_version: what this tend writes, and the newest it reads
};

TEND_MUST_CHECK enum tend_status tend_journal_file_open(const char *directory, enum tend_journal_access access,
                                                        sqlite3 **out, struct tend_error *error);

/// What an SQLite result means for a caller, and its text in @p error: "cannot WHAT: disk I/O error (fsync failed)".
enum tend_status tend_journal_file_failed(sqlite3 *connection, const char *what, struct tend_error *error);

/// Runs SQL that gives no rows.
TEND_MUST_CHECK enum tend_status tend_journal_file_execute(sqlite3 *connection, const char *sql, const char *what,
                                                           struct tend_error *error);
