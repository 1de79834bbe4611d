#pragma once
/// Journal fault: how a test build (-DTEND_FAULTS=ON) dies or loses data at a chosen place of the journal.
///
///     TEND_DIE_AT=before|during|after:N  SIGKILL just before the transaction that holds record N, with its rows
///     written
///                                        and COMMIT to come, or when COMMIT has returned and nobody was told
///     TEND_DIE_AT_WRITE=N                SIGKILL in the middle of the Nth write to the database or its log
///     TEND_DROP_UNSYNCED=1               what was not synced is lost when the process dies
///     TEND_FAIL_WRITE=N or N-M           the Nth write (to the Mth) fails: the disk is full
///     TEND_FAIL_SYNC=N or N-M            the Nth sync fails, and what it should have brought to the disk counts as
///     synced
///                                        and never gets there, as with Linux
///     TEND_SLOW_SYNC=MS                  each sync takes so many milliseconds longer
///
/// Writes and syncs are counted from 1 over the database, its log and its rollback journal, from the first open of this
/// process. TEND_DROP_UNSYNCED, TEND_FAIL_SYNC and TEND_SLOW_SYNC hold writes back in the memory of the process that
/// made them, so another process sees only what was synced. In other builds nothing of this is there. Threads: safe.

#include "base/status.h"

#include <stdint.h>

enum tend_journal_fault {
    TEND_JOURNAL_FAULT_BEFORE,
    TEND_JOURNAL_FAULT_DURING,
    TEND_JOURNAL_FAULT_AFTER,
};

#ifdef TEND_FAULTS
/// Dies here if the environment says so. @param first @param last  numbers of the records of the transaction
void tend_journal_fault_at(enum tend_journal_fault fault, uint64_t first, uint64_t last);
/// Puts the file layer that loses or tears writes in place, if the environment says so; once a process.
TEND_MUST_CHECK enum tend_status tend_journal_fault_vfs(struct tend_error *error);
#else
static inline void tend_journal_fault_at(enum tend_journal_fault fault, uint64_t first, uint64_t last)
{
    (void)fault;
    (void)first;
    (void)last;
}
TEND_MUST_CHECK static inline enum tend_status tend_journal_fault_vfs(struct tend_error *error)
{
    (void)error;
    return TEND_OK;
}
#endif
