#pragma once
// A directory with a journal that is written, and then read: the state of a cmocka test, by the setup and teardown
// below.

#include "driver/live/journal_writer.h"

#include <event2/event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct journal_place {
    char directory[64];
    struct event_base *base;
    struct tend_journal_writer *writer;
    struct tend_journal *journal; // NULL until it is read
    uint64_t number;              // of the newest record, for the test to count
};

static inline void journal_place_ignore_number(void *context, uint64_t number)
{
    (void)context;
    (void)number;
}

static inline void journal_place_ignore_reason(void *context, const char *reason)
{
    (void)context;
    (void)reason;
}

static inline int journal_place_make(void **state)
{
    struct journal_place *place = calloc(1, sizeof *place);
    assert_non_null(place);
    (void)snprintf(place->directory, sizeof place->directory, "/tmp/tend-journal-XXXXXX");
    assert_non_null(mkdtemp(place->directory));
    place->base = event_base_new();
    const struct tend_journal_writer_callbacks callbacks = { .reached = journal_place_ignore_number,
                                                             .failed = journal_place_ignore_reason };
    struct tend_error error = { "" };
    assert_int_equal(
        tend_journal_writer_create(place->directory, place->base, &callbacks, NULL, &place->writer, &error), TEND_OK);
    *state = place;
    return 0;
}

static inline int journal_place_remove(void **state)
{
    struct journal_place *place = *state;
    tend_journal_close(place->journal);
    tend_journal_writer_destroy(place->writer);
    event_base_free(place->base);
    static const char *const files[] = { "journal.db", "journal.db-wal", "journal.db-shm" };
    const int directory = open(place->directory, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        (void)unlinkat(directory, files[i], 0);
    }
    (void)close(directory);
    const int removed = rmdir(place->directory);
    free(place);
    return removed;
}

// Ends the writing, once, and opens the journal to be read.
static inline struct tend_journal *journal_place_read(struct journal_place *place)
{
    struct tend_error error = { "" };
    if (place->journal == NULL) {
        assert_int_equal(tend_journal_writer_stop(place->writer, &error), TEND_OK);
        assert_int_equal(tend_journal_open(place->directory, &place->journal, &error), TEND_OK);
    }
    return place->journal;
}
