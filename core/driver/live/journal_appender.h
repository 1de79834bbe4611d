#pragma once
/// Journal appender: the connection that writes the journal, a batch a transaction.
///
/// After a failure it is of no more use: close it, open another, and have that one secure what the file holds before
/// anything is appended. Ownership: who opens closes. Threads: one at a time.

#include "base/status.h"
#include "driver/live/journal_entry.h"

#include <stdbool.h>
#include <stdint.h>

struct tend_journal_appender;

/// Opens DIR/journal.db for writing and looks up where the chain ends.
/// @param create  make the file when it is missing or empty (not after a failure: a new one would hide what is lost)
TEND_MUST_CHECK enum tend_status tend_journal_appender_open(const char *directory, bool create,
                                                            struct tend_journal_appender **out,
                                                            struct tend_error *error);
void tend_journal_appender_close(struct tend_journal_appender *appender); ///< NULL is allowed

uint64_t tend_journal_appender_last(const struct tend_journal_appender *appender); ///< the last record's number

/// Writes all that the file holds to the disk once more. Needed after another connection failed: what a failed fsync
/// left in the kernel's cache can be read, but is not on the disk and counts as clean there.
TEND_MUST_CHECK enum tend_status tend_journal_appender_secure(struct tend_journal_appender *appender,
                                                              struct tend_error *error);

/// Appends entries in one transaction; those with a number that the journal has passed already are left out.
/// @param full  true: on disk when this returns; false: consistent, but a power failure may take the newest
TEND_MUST_CHECK enum tend_status tend_journal_appender_commit(struct tend_journal_appender *appender,
                                                              const struct tend_journal_entry_list *entries, bool full,
                                                              struct tend_error *error);

/// Copies the log into the database file when the log has grown to 1,000 pages, so that it stays small. Not left to
/// SQLite's own automatic checkpoint, for that one keeps a failed fsync to itself.
TEND_MUST_CHECK enum tend_status tend_journal_appender_checkpoint(struct tend_journal_appender *appender,
                                                                  struct tend_error *error);
