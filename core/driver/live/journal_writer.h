#pragma once
/// Journal writer: the one thread that writes the journal.
///
/// The loop appends; the thread takes what is queued as one batch and commits it: a batch with a `full` record at once
/// and with synchronous=FULL (on disk when "reached" is told), the others gathered for up to 50 ms and with NORMAL
/// (consistent after a power failure, though the newest may be gone; after the death of `tend` alone nothing is).
///
/// When a write fails (full disk, I/O error, failed fsync) `failed` is called once. Nothing is repeated on the same
/// connection, for after a failed fsync its pages count as clean: the file is opened again, its contents are written
/// and synced once more by a checkpoint, and what it lacks is appended. That is tried after 0.5 s, then at doubling
/// intervals up to 10 s; the next `reached` says that it can write again.
///
/// The queue holds at most TEND_JOURNAL_QUEUE_BYTES. Beyond that, records that are not `full` are dropped, counted and
/// reported through `failed`; a `full` one is always taken (while nothing is reached the engine begins no acts).
/// A record is turned into text on the loop's thread, so that no JSON is shared between threads.
///
/// Ownership: the writer borrows the event base, which must outlive it. Threads: all functions are the loop's.

#include "base/status.h"
#include "journal/record.h"

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct tend_journal_writer;

enum { TEND_JOURNAL_QUEUE_BYTES = 64 * 1024 * 1024 };

/// Called on the loop's thread, from the loop.
struct tend_journal_writer_callbacks {
    void (*reached)(void *context, uint64_t number);   ///< all records up to this number are committed
    void (*failed)(void *context, const char *reason); ///< records cannot be written; the reason is for people
    void *context;                                     ///< handed to both
};

struct tend_journal_writer_options {
    int64_t gather_ms;    ///< how long a batch without a `full` record may wait for more; 0: 50 ms
    int64_t retry_ms;     ///< first pause after a failure; 0: 500 ms
    int64_t retry_max_ms; ///< longest pause; 0: 10 s
    size_t queue_bytes;   ///< 0: TEND_JOURNAL_QUEUE_BYTES
    /// Called on the writer's thread before it commits a batch with a `full` record: for what must be on the disk
    /// before an act is. It may wait for the disk. NULL: nothing.
    void (*before_full)(void *context);
    void *before_full_context;
};

/// Opens DIR/journal.db for writing, making it (mode 0640) when it is missing, and starts the thread.
/// @param options  NULL: the defaults
/// @return TEND_OK, TEND_E_IO, TEND_E_INVALID (another program's file, a newer tend's, loose permissions),
/// TEND_E_CORRUPT or TEND_E_NOMEM, the reason in @p error
TEND_MUST_CHECK enum tend_status tend_journal_writer_create(const char *directory, struct event_base *base,
                                                            const struct tend_journal_writer_callbacks *callbacks,
                                                            const struct tend_journal_writer_options *options,
                                                            struct tend_journal_writer **out, struct tend_error *error);

/// Queues a record and takes what it owns (it is cleared). Never waits for the disk. Its number must be above that of
/// the last record in the journal and of all appended before.
void tend_journal_writer_append(struct tend_journal_writer *writer, struct tend_record *take_record);

/// Between hold and release nothing that is appended is committed, then all of it at once: the records of one event are
/// in the journal together or not at all, wherever `tend` dies. Hold only while effects are carried out: the disk
/// waits.
void tend_journal_writer_hold(struct tend_journal_writer *writer);
void tend_journal_writer_release(struct tend_journal_writer *writer);

/// Number of the last record that is committed.
uint64_t tend_journal_writer_reached(const struct tend_journal_writer *writer);
/// Records dropped because the queue was full.
uint64_t tend_journal_writer_dropped(const struct tend_journal_writer *writer);

/// Commits what is queued, with FULL, and ends the thread; waits for the disk. No callback comes after it.
/// While the journal cannot be written it tries once more and then gives up.
/// @return TEND_OK, or TEND_E_IO and in @p error why and how many records were lost
TEND_MUST_CHECK enum tend_status tend_journal_writer_stop(struct tend_journal_writer *writer, struct tend_error *error);
void tend_journal_writer_destroy(struct tend_journal_writer *writer); ///< Stops it if it runs. NULL is allowed.
