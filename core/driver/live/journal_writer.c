// Two threads, one queue:
//
//     loop:    append → queue ── wake (condition) ──→ thread: batch → commit
//     loop:    on_wake ←────── wake (eventfd) ─────── thread: outcome
//
// The mutex guards the queue and the outcome and is held for a few instructions, never across I/O: the loop may take it
// at any time. The batch, the appender and the pause belong to the thread; a batch is kept until its commit returned.
//
// The thread is in one of two states:
//     WRITING  (appender open)  commit failed → FAILING, which is reported once
//     FAILING  (appender closed) after a pause: open, secure, commit; all good → WRITING, else a longer pause
//
// What the loop is told is merged into one outcome of the form reached, failed, reached: in that order nothing is lost
// that matters, however late the loop reads it.

#include "driver/live/journal_writer.h"

#include "base/log.h"
#include "driver/live/journal_appender.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { GATHER_MS = 50, RETRY_MS = 500, RETRY_MAX_MS = 10000 };

struct outcome {
    uint64_t reached_before; ///< 0: nothing to tell
    bool failed;
    struct tend_error error;
    uint64_t reached_after; ///< after the failure was over
};

struct tend_journal_writer {
    char *directory;
    struct tend_journal_writer_callbacks callbacks;
    struct tend_journal_writer_options options;
    struct event *event;
    int wake_fd;
    uint64_t last_appended; ///< the loop's
    pthread_t thread;
    bool running;

    pthread_mutex_t mutex;
    pthread_cond_t changed; ///< the queue or `stop`; on CLOCK_MONOTONIC
    struct tend_journal_entry_list queue;
    int64_t queued_since_ms; ///< when its first record came
    bool queue_is_urgent;    ///< holds a `full` record
    bool held;               ///< more records of the same event may come: the queue is left alone
    size_t held_bytes;       ///< of the queue and the batch
    bool stop;
    bool drop_told; ///< a drop was reported since the last commit
    struct outcome outcome;

    struct tend_journal_appender *appender; ///< the thread's, as what follows; NULL while FAILING
    struct tend_journal_entry_list batch;
    bool batch_is_urgent;
    int64_t pause_ms;
    struct tend_error last_error; ///< read by the loop after it joined

    atomic_uint_fast64_t reached;
    atomic_uint_fast64_t dropped;
};

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void lock(struct tend_journal_writer *writer)
{
    const int result = pthread_mutex_lock(&writer->mutex);
    TEND_ASSERT(result == 0);
}

static void unlock(struct tend_journal_writer *writer)
{
    const int result = pthread_mutex_unlock(&writer->mutex);
    TEND_ASSERT(result == 0);
}

static void wake_loop(struct tend_journal_writer *writer)
{
    const uint64_t one = 1;
    const ssize_t written = write(writer->wake_fd, &one, sizeof one);
    (void)written; // fails only when the counter is full, and then the loop will wake anyway
}

// ---- the thread ----

static void tell_reached(struct tend_journal_writer *writer, uint64_t number)
{
    atomic_store(&writer->reached, number);
    lock(writer);
    writer->drop_told = false;
    if (writer->outcome.failed) {
        writer->outcome.reached_after = number;
    } else {
        writer->outcome.reached_before = number;
    }
    unlock(writer);
    wake_loop(writer);
}

// The mutex is held.
static void put_failure(struct outcome *outcome, const struct tend_error *error)
{
    if (outcome->reached_after != 0) {
        outcome->reached_before = outcome->reached_after;
        outcome->reached_after = 0;
    }
    outcome->failed = true;
    outcome->error = *error;
}

static void tell_failed(struct tend_journal_writer *writer, const struct tend_error *error)
{
    lock(writer);
    put_failure(&writer->outcome, error);
    unlock(writer);
    wake_loop(writer);
}

// Waits until a time on now_ms()'s clock, or a signal. The mutex is held.
static void wait_until(struct tend_journal_writer *writer, int64_t until_ms)
{
    const struct timespec until = { .tv_sec = until_ms / 1000, .tv_nsec = (until_ms % 1000) * 1000000 };
    const int result = pthread_cond_timedwait(&writer->changed, &writer->mutex, &until);
    TEND_ASSERT(result == 0 || result == ETIMEDOUT);
}

// Waits for records and moves them to the batch. @return false: told to stop; what came until then is in the batch
static bool gather(struct tend_journal_writer *writer)
{
    lock(writer);
    if (writer->appender == NULL) {
        const int64_t until_ms = now_ms() + writer->pause_ms;
        while (!writer->stop && now_ms() < until_ms) {
            wait_until(writer, until_ms);
        }
    } else {
        while (!writer->stop && writer->queue.first == NULL) {
            const int result = pthread_cond_wait(&writer->changed, &writer->mutex);
            TEND_ASSERT(result == 0);
        }
        const int64_t until_ms = writer->queued_since_ms + writer->options.gather_ms;
        while (!writer->stop && !writer->queue_is_urgent && now_ms() < until_ms) {
            wait_until(writer, until_ms);
        }
    }
    while (!writer->stop && writer->held) {
        const int result = pthread_cond_wait(&writer->changed, &writer->mutex);
        TEND_ASSERT(result == 0);
    }
    tend_journal_entry_list_move(&writer->batch, &writer->queue);
    writer->batch_is_urgent = writer->batch_is_urgent || writer->queue_is_urgent;
    writer->queue_is_urgent = false;
    const bool go_on = !writer->stop;
    unlock(writer);
    return go_on;
}

// Opens the journal again after a failure, and makes sure of what it holds.
static enum tend_status reopen(struct tend_journal_writer *writer, struct tend_error *error)
{
    struct tend_journal_appender *appender = NULL;
    enum tend_status status = tend_journal_appender_open(writer->directory, false, &appender, error);
    if (status == TEND_OK) {
        status = tend_journal_appender_secure(appender, error);
    }
    if (status == TEND_OK && tend_journal_appender_last(appender) < atomic_load(&writer->reached)) {
        tend_error_set(error, "the journal ends at record %llu, and %llu had been written",
                       (unsigned long long)tend_journal_appender_last(appender),
                       (unsigned long long)atomic_load(&writer->reached));
        status = TEND_E_CORRUPT; // going on would put new records behind a hole; a restart begins from what is there
    }
    if (status != TEND_OK) {
        tend_journal_appender_close(appender);
        return status;
    }
    writer->appender = appender;
    return TEND_OK;
}

static void release_batch(struct tend_journal_writer *writer)
{
    size_t bytes = 0;
    for (const struct tend_journal_entry *entry = writer->batch.first; entry != NULL; entry = entry->next) {
        bytes += entry->bytes;
    }
    (void)tend_journal_entry_list_clear(&writer->batch);
    writer->batch_is_urgent = false;
    lock(writer);
    writer->held_bytes -= bytes;
    unlock(writer);
}

// WRITING → FAILING, or another failure while FAILING: a longer pause.
static void fail(struct tend_journal_writer *writer, bool was_failing)
{
    tend_journal_appender_close(writer->appender);
    writer->appender = NULL;
    if (!was_failing) {
        tell_failed(writer, &writer->last_error);
    }
    const int64_t longer_ms = writer->pause_ms == 0 ? writer->options.retry_ms : 2 * writer->pause_ms;
    writer->pause_ms = longer_ms < writer->options.retry_max_ms ? longer_ms : writer->options.retry_max_ms;
}

// Commits the batch. On failure it is kept.
static void write_batch(struct tend_journal_writer *writer, bool stopping)
{
    const bool was_failing = writer->appender == NULL;
    if (writer->batch_is_urgent && writer->options.before_full != NULL) {
        writer->options.before_full(writer->options.before_full_context);
    }
    enum tend_status status = was_failing ? reopen(writer, &writer->last_error) : TEND_OK;
    if (status == TEND_OK) {
        // The first commit after a failure is FULL whatever it holds: it is the proof that the disk takes writes again.
        const bool full = writer->batch_is_urgent || stopping || was_failing;
        status = tend_journal_appender_commit(writer->appender, &writer->batch, full, &writer->last_error);
    }
    if (status != TEND_OK) {
        fail(writer, was_failing);
        return;
    }
    writer->pause_ms = 0;
    release_batch(writer);
    tell_reached(writer, tend_journal_appender_last(writer->appender));
    if (tend_journal_appender_checkpoint(writer->appender, &writer->last_error) != TEND_OK) {
        fail(writer, false);
    }
}

static void *run(void *context)
{
    struct tend_journal_writer *writer = context;
    bool go_on = true;
    while (go_on) {
        go_on = gather(writer);
        if (writer->batch.first != NULL || writer->appender == NULL) {
            write_batch(writer, !go_on);
        }
    }
    if (writer->appender != NULL) {
        // What earlier NORMAL commits left in the kernel's cache; a reader in the way only leaves it to the next start.
        const enum tend_status secured = tend_journal_appender_secure(writer->appender, NULL);
        (void)secured;
    }
    tend_journal_appender_close(writer->appender);
    writer->appender = NULL;
    return NULL;
}

// ---- the loop ----

static void on_wake(evutil_socket_t fd, short what, void *context)
{
    (void)what;
    struct tend_journal_writer *writer = context;
    uint64_t count;
    const ssize_t got = read(fd, &count, sizeof count);
    (void)got; // only empties the counter
    lock(writer);
    const struct outcome outcome = writer->outcome;
    writer->outcome = (struct outcome){ .failed = false };
    unlock(writer);
    const struct tend_journal_writer_callbacks *callbacks = &writer->callbacks;
    if (outcome.reached_before != 0) {
        callbacks->reached(callbacks->context, outcome.reached_before);
    }
    if (outcome.failed) {
        callbacks->failed(callbacks->context, outcome.error.text);
    }
    if (outcome.reached_after != 0) {
        callbacks->reached(callbacks->context, outcome.reached_after);
    }
}

static void init_sync(struct tend_journal_writer *writer)
{
    pthread_condattr_t attributes;
    TEND_ASSERT(pthread_condattr_init(&attributes) == 0);
    TEND_ASSERT(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    TEND_ASSERT(pthread_cond_init(&writer->changed, &attributes) == 0);
    TEND_ASSERT(pthread_condattr_destroy(&attributes) == 0);
    TEND_ASSERT(pthread_mutex_init(&writer->mutex, NULL) == 0);
}

// Signals are the loop's business: the thread is started with all of them blocked.
static enum tend_status start_thread(struct tend_journal_writer *writer)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    const int result = pthread_create(&writer->thread, NULL, run, writer);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result != 0) {
        return TEND_E_NOMEM;
    }
    (void)pthread_setname_np(writer->thread, "journal");
    writer->running = true;
    return TEND_OK;
}

static struct tend_journal_writer_options with_defaults(const struct tend_journal_writer_options *options)
{
    struct tend_journal_writer_options full = { .gather_ms = 0 };
    if (options != NULL) {
        full = *options;
    }
    full.gather_ms = full.gather_ms == 0 ? GATHER_MS : full.gather_ms;
    full.retry_ms = full.retry_ms == 0 ? RETRY_MS : full.retry_ms;
    full.retry_max_ms = full.retry_max_ms == 0 ? RETRY_MAX_MS : full.retry_max_ms;
    full.queue_bytes = full.queue_bytes == 0 ? TEND_JOURNAL_QUEUE_BYTES : full.queue_bytes;
    return full;
}

enum tend_status tend_journal_writer_create(const char *directory, struct event_base *base,
                                            const struct tend_journal_writer_callbacks *callbacks,
                                            const struct tend_journal_writer_options *options,
                                            struct tend_journal_writer **out, struct tend_error *error)
{
    struct tend_journal_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL) {
        tend_error_set(error, "out of memory while opening the journal");
        return TEND_E_NOMEM;
    }
    writer->callbacks = *callbacks;
    writer->options = with_defaults(options);
    init_sync(writer);
    writer->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    writer->directory = strdup(directory);
    if (writer->wake_fd >= 0) {
        writer->event = event_new(base, writer->wake_fd, EV_READ | EV_PERSIST, on_wake, writer);
    }
    enum tend_status status = TEND_E_NOMEM;
    if (writer->directory == NULL || writer->event == NULL || event_add(writer->event, NULL) != 0) {
        tend_error_set(error, "out of memory or file descriptors while opening the journal");
        goto fail;
    }
    status = tend_journal_appender_open(directory, true, &writer->appender, error);
    if (status != TEND_OK) {
        goto fail;
    }
    writer->last_appended = tend_journal_appender_last(writer->appender);
    atomic_store(&writer->reached, writer->last_appended);
    status = start_thread(writer);
    if (status != TEND_OK) {
        tend_error_set(error, "cannot start the journal's thread");
        goto fail;
    }
    *out = writer;
    return TEND_OK;
fail:
    tend_journal_writer_destroy(writer);
    return status;
}

// Only what is not `full` may be dropped: it is nobody's condition for an act. Reported once until the next commit.
static void drop(struct tend_journal_writer *writer, struct tend_journal_entry *take_entry)
{
    const uint64_t before = atomic_fetch_add(&writer->dropped, 1);
    lock(writer);
    const bool tell = !writer->drop_told;
    writer->drop_told = true;
    if (tell) {
        struct tend_error error;
        tend_error_set(&error, "the journal's queue is full (%zu bytes wait for the disk); record %llu (%s) is dropped",
                       writer->held_bytes, (unsigned long long)take_entry->number, take_entry->kind);
        put_failure(&writer->outcome, &error);
    }
    unlock(writer);
    if (tell) {
        tend_log(TEND_LOG_ERROR, "journal record dropped number=%llu kind=%s dropped=%llu",
                 (unsigned long long)take_entry->number, take_entry->kind, (unsigned long long)before + 1);
        wake_loop(writer);
    }
    tend_journal_entry_destroy(take_entry);
}

void tend_journal_writer_append(struct tend_journal_writer *writer, struct tend_record *take_record)
{
    TEND_ASSERT(take_record->number > writer->last_appended);
    writer->last_appended = take_record->number;
    struct tend_journal_entry *entry = NULL;
    // A record may not be lost for want of memory: as with effects, better to stop and restore from what is on disk.
    const enum tend_status status = tend_journal_entry_create(take_record, &entry);
    TEND_ASSERT(status == TEND_OK);
    lock(writer);
    const bool room = entry->full || writer->held_bytes + entry->bytes <= writer->options.queue_bytes;
    if (room) {
        if (writer->queue.first == NULL) {
            writer->queued_since_ms = now_ms();
        }
        writer->held_bytes += entry->bytes;
        writer->queue_is_urgent = writer->queue_is_urgent || entry->full;
        tend_journal_entry_list_push(&writer->queue, entry);
        (void)pthread_cond_signal(&writer->changed);
    }
    unlock(writer);
    if (!room) {
        drop(writer, entry);
    }
}

void tend_journal_writer_hold(struct tend_journal_writer *writer)
{
    lock(writer);
    TEND_ASSERT(!writer->held);
    writer->held = true;
    unlock(writer);
}

void tend_journal_writer_release(struct tend_journal_writer *writer)
{
    lock(writer);
    writer->held = false;
    (void)pthread_cond_signal(&writer->changed);
    unlock(writer);
}

uint64_t tend_journal_writer_reached(const struct tend_journal_writer *writer)
{
    return atomic_load(&writer->reached);
}

uint64_t tend_journal_writer_dropped(const struct tend_journal_writer *writer)
{
    return atomic_load(&writer->dropped);
}

enum tend_status tend_journal_writer_stop(struct tend_journal_writer *writer, struct tend_error *error)
{
    if (!writer->running) {
        return TEND_OK;
    }
    lock(writer);
    writer->stop = true;
    (void)pthread_cond_signal(&writer->changed);
    unlock(writer);
    TEND_ASSERT(pthread_join(writer->thread, NULL) == 0);
    writer->running = false;
    (void)event_del(writer->event);
    const size_t lost = tend_journal_entry_list_clear(&writer->batch);
    if (lost > 0) {
        tend_error_set(error, "%zu records of the journal are lost: %s", lost, writer->last_error.text);
        return TEND_E_IO;
    }
    return TEND_OK;
}

void tend_journal_writer_destroy(struct tend_journal_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    struct tend_error error;
    if (tend_journal_writer_stop(writer, &error) != TEND_OK) {
        tend_log(TEND_LOG_ERROR, "journal not written reason=\"%s\"", error.text);
    }
    tend_journal_appender_close(writer->appender); // still here when the thread was never started
    if (writer->event != NULL) {
        event_free(writer->event);
    }
    if (writer->wake_fd >= 0) {
        close(writer->wake_fd);
    }
    (void)pthread_cond_destroy(&writer->changed);
    (void)pthread_mutex_destroy(&writer->mutex);
    free(writer->directory);
    free(writer);
}
