// Dying at a chosen record. Only in a test build; journal_fault_vfs.c has the file layer.

#include "driver/live/journal_fault.h"

#ifdef TEND_FAULTS

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
    [TEND_JOURNAL_FAULT_BEFORE] = "before:",
    [TEND_JOURNAL_FAULT_DURING] = "during:",
    [TEND_JOURNAL_FAULT_AFTER] = "after:",
};

void tend_journal_fault_at(enum tend_journal_fault fault, uint64_t first, uint64_t last)
{
    const char *at = getenv("TEND_DIE_AT"); // NOLINT(concurrency-mt-unsafe): a test sets it before it starts tend
    const size_t name_length = strlen(names[fault]);
    if (at == NULL || strncmp(at, names[fault], name_length) != 0) {
        return;
    }
    const uint64_t number = strtoull(at + name_length, NULL, 10);
    if (number >= first && number <= last) {
        (void)raise(SIGKILL);
    }
}

#endif
