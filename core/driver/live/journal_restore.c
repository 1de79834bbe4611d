// Two passes: what is open, then the steps of what is an open run.

#include "driver/live/journal_restore.h"

#include <stdio.h>

struct restored {
    struct tend_engine *engine;
    struct tend_journal *journal;
    enum tend_status status;
    struct tend_error *error;
};

static bool restore_record(void *context, const struct tend_record *record)
{
    const struct restored *restored = context;
    tend_engine_restore(restored->engine, record);
    return true;
}

static bool restore_steps_of_run(void *context, const struct tend_record *record)
{
    struct restored *restored = context;
    if (record->kind == TEND_RECORD_RUN) {
        char prefix[64];
        (void)snprintf(prefix, sizeof prefix, "%s/", record->key);
        restored->status = tend_journal_read_prefix(restored->journal, TEND_RECORD_STEP, prefix, restore_record,
                                                    restored, restored->error);
    }
    return restored->status == TEND_OK;
}

enum tend_status tend_journal_restore_engine(struct tend_engine *engine, struct tend_journal *journal,
                                             struct tend_error *error)
{
    struct restored restored = { .engine = engine, .journal = journal, .status = TEND_OK, .error = error };
    enum tend_status status = tend_journal_restore(journal, restore_record, &restored, error);
    if (status == TEND_OK) {
        status = tend_journal_restore(journal, restore_steps_of_run, &restored, error);
        status = status == TEND_OK ? restored.status : status;
    }
    return status;
}
