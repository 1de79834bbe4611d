#pragma once
/// Journal: reads what the journal writer wrote: DIR/journal.db, SQLite in WAL mode.
///
/// A journal here is a read connection of its own, so one thread can read while the writer's thread writes; a read sees
/// all that was committed when it began. The writer makes the file (journal_writer.h): open it first.
///
///     record(number, at_ms, wall_ms, kind, key, incident, open, body, hash)   append-only, each hash covers the one
///     before state(kind, key, number, open)                                          the newest record of each (kind,
///     key)
///
/// A source's body is large and often the same again: a source record whose body is NULL stands for the same body as
/// the newest one before it with this key that has one. Whoever reads through here never sees the difference.
/// Size: nothing is ever removed; a record takes about 1 KB, so a busy day of 10,000 records adds about 10 MB.
///
/// Ownership: a record handed to `each` is borrowed for the call. Threads: one at a time per journal.

#include "base/json.h"
#include "base/status.h"
#include "journal/record.h"

#include <stdbool.h>
#include <stdint.h>

struct tend_journal;

/// Opens DIR/journal.db for reading.
/// @return TEND_OK, TEND_E_IO (missing or unreadable), TEND_E_INVALID (another program's, a newer tend's, loose
/// permissions), TEND_E_CORRUPT or TEND_E_NOMEM, the reason in @p error
TEND_MUST_CHECK enum tend_status tend_journal_open(const char *directory, struct tend_journal **out,
                                                   struct tend_error *error);
void tend_journal_close(struct tend_journal *journal); ///< NULL is allowed

/// The last record's number and times; all 0 in an empty journal.
struct tend_journal_tail {
    uint64_t number;
    int64_t at_ms;
    int64_t wall_ms;
};
TEND_MUST_CHECK enum tend_status tend_journal_tail(struct tend_journal *journal, struct tend_journal_tail *tail,
                                                   struct tend_error *error);

/// Takes a record, borrowed for the call (`full` is not kept and reads as false). @return false: no more, please
typedef bool tend_journal_each(void *context, const struct tend_record *record);

/// What a restart must see: the newest record of each (kind, key) if it is open, in order of number.
TEND_MUST_CHECK enum tend_status tend_journal_restore(struct tend_journal *journal, tend_journal_each *each,
                                                      void *context, struct tend_error *error);

/// All records of an incident, in order of number.
TEND_MUST_CHECK enum tend_status tend_journal_read_incident(struct tend_journal *journal, const char *incident,
                                                            tend_journal_each *each, void *context,
                                                            struct tend_error *error);

/// The same, but for the records of one kind: evidence is most of an incident's bytes, and a list does not show it.
TEND_MUST_CHECK enum tend_status tend_journal_read_incident_without(struct tend_journal *journal, const char *incident,
                                                                    enum tend_record_kind without,
                                                                    tend_journal_each *each, void *context,
                                                                    struct tend_error *error);

/// The newest record of each key of a kind, newest first, at most @p limit of them.
TEND_MUST_CHECK enum tend_status tend_journal_read_kind(struct tend_journal *journal, enum tend_record_kind kind,
                                                        size_t limit, tend_journal_each *each, void *context,
                                                        struct tend_error *error);

/// The newest record of each key of a kind that begins with @p prefix, in order of number: the steps of a run are those
/// with "r13/", whatever incident they were recorded under.
TEND_MUST_CHECK enum tend_status tend_journal_read_prefix(struct tend_journal *journal, enum tend_record_kind kind,
                                                          const char *prefix, tend_journal_each *each, void *context,
                                                          struct tend_error *error);

/// All records after a number, in order.
TEND_MUST_CHECK enum tend_status tend_journal_read_after(struct tend_journal *journal, uint64_t number,
                                                         tend_journal_each *each, void *context,
                                                         struct tend_error *error);

/// The newest record of (kind, key).
/// @param[out] record  the caller clears it; `number` is 0 when there is none
TEND_MUST_CHECK enum tend_status tend_journal_find(struct tend_journal *journal, enum tend_record_kind kind,
                                                   const char *key, struct tend_record *record,
                                                   struct tend_error *error);

/// The sources of a generation, {files, env, document}, by their hash: what a run loads.
/// @param[out] body  the caller's reference, or NULL when the journal has no such sources
TEND_MUST_CHECK enum tend_status tend_journal_find_source(struct tend_journal *journal, const char *hash, json_t **body,
                                                          struct tend_error *error);

/// Computes every hash again and compares the states with the records. Reads the whole journal: for `tend check` and
/// tests, not for the loop.
/// @return TEND_OK, or TEND_E_CORRUPT and the first record that is not what was written
TEND_MUST_CHECK enum tend_status tend_journal_verify_chain(struct tend_journal *journal, struct tend_error *error);
