#pragma once
/// Journal entry: a record as the journal keeps it, text only, so that it can pass from the loop to the writer's
/// thread.
///
/// Ownership: a list owns its entries, an entry its strings. Threads: none; the writer guards its lists.

#include "base/buffer.h"
#include "base/status.h"
#include "journal/record.h"

#include <stdbool.h>
#include <stdint.h>

enum { TEND_JOURNAL_HASH_SIZE = 65 }; ///< 64 hex digits and a NUL

struct tend_journal_entry {
    uint64_t number;
    int64_t at_ms;
    int64_t wall_ms;
    const char *kind; ///< static
    char *key;
    char *incident; ///< or NULL
    bool full;
    bool open;
    char *body;   ///< canonical JSON; NULL: a source's body that is in the journal already
    size_t bytes; ///< memory held, for the queue's limit
    struct tend_journal_entry *next;
};

/// Makes an entry of a record and takes what the record owns (it is cleared in any case).
/// @return TEND_OK, or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_journal_entry_create(struct tend_record *take_record,
                                                           struct tend_journal_entry **out);
void tend_journal_entry_destroy(struct tend_journal_entry *entry); ///< this one, not `next`; NULL is allowed

/// The entry's hash in the chain: SHA-256 over the hash of the record before it and all that is kept of this one.
/// @param previous  "" for the first record
/// @param scratch   memory to reuse
/// @return TEND_OK or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_journal_entry_hash(const struct tend_journal_entry *entry, const char *previous,
                                                         struct tend_buffer *scratch,
                                                         char hash[TEND_JOURNAL_HASH_SIZE]);

struct tend_journal_entry_list {
    struct tend_journal_entry *first;
    struct tend_journal_entry *last;
};

void tend_journal_entry_list_push(struct tend_journal_entry_list *list, struct tend_journal_entry *take_entry);
/// Moves all of @p from to the end of @p to.
void tend_journal_entry_list_move(struct tend_journal_entry_list *to, struct tend_journal_entry_list *from);
/// Frees all. @return how many there were
size_t tend_journal_entry_list_clear(struct tend_journal_entry_list *list);
