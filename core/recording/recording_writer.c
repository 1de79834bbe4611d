// Two threads, one queue:
//
//     the caller's:  encode → block → queue ── wake (condition) ──→ writer's: compress, write, drop old segments, sync
//
// The mutex guards the queue and what both see, and is held for a few instructions, never across I/O.
//
// The caller is in one of two states:
//     CLOSED  (no segment) wants a segment, at once or, after a failure, when its pause is over; events are lost
//     OPEN    (a segment is begun) events are encoded; the thread failed → CLOSED
// and so is the thread:
//     OPEN    a write failed → CLOSED, `failing`
//     CLOSED  blocks are thrown away until a job begins a segment; one that continues a segment that failed is thrown
//             away too, as the reader of a header that "continues" must find what it continues
//
// A stalled disk fills the queue. When it holds QUEUE_BYTES_MAX, recording has failed.

#include "recording/recording_writer.h"

#include "base/log.h"
#include "base/text.h"
#include "engine/checkpoint.h"
#include "recording/block_reader.h"
#include "recording/block_writer.h"
#include "recording/event_encoder.h"
#include "recording/origin.h"
#include "recording/part_encoder.h"
#include "recording/segment_list.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BLOCK_BYTES = 256 * 1024, // before compression
    BLOCK_AGE_MS = 1000,
    QUEUE_BYTES_MAX = 256 * 1024 * 1024,
    RETRY_MS = 1000,
    RETRY_MAX_MS = 60 * 1000,
    SEGMENT_BYTES = 16 * 1024 * 1024,
    SEGMENT_MS = 10 * 60 * 1000,
    LONGEST = 6,         // times segment_ms
    BEGINNING_SHARE = 4, // a segment's events take as many times what its beginning takes
};
static const uint64_t default_bytes_max = UINT64_C(1024) * 1024 * 1024;
static const int64_t default_age_max_ms = INT64_C(7) * 24 * 3600 * 1000;

struct job {
    struct job *next;
    uint64_t segment;
    int64_t at_ms; // of a beginning, as what follows
    int64_t wall_ms;
    bool begins;    // a segment: the items are its beginning
    bool continues; // the segment before
    bool ends;      // its segment
    struct tend_buffer items;
};

struct held_segment {
    uint64_t number;
    uint64_t bytes;
    int64_t at_ms; // of its beginning
};

// What both threads see.
struct shared {
    pthread_mutex_t mutex;
    pthread_cond_t for_thread; // the queue, sync_wanted or stop
    pthread_cond_t for_sync;   // synced
    struct job *first, *last;
    size_t queued_bytes;
    uint64_t queued, done;        // jobs, counted
    uint64_t sync_wanted, synced; // the same counts
    bool stop;
    bool failing;
    uint64_t failed_segment; // while failing: the newest one that failed
    char why[200];
    uint64_t bytes_written, bytes_held;
    uint64_t began;           // the newest segment whose beginning is written
    uint64_t beginning_bytes; // of it
    uint64_t segment_bytes;   // of it, all in all
};

struct tend_recording_writer {
    char *directory;
    struct tend_recording_writer_options options;
    struct shared *shared;

    struct tend_event_encoder *encoder; // the caller's, as what follows
    struct tend_buffer block;
    int64_t block_since_ms; // time of the block's first event
    bool open;
    uint64_t segment; // the newest one
    int64_t segment_since_ms;
    int64_t retry_at_ms; // while CLOSED
    int64_t pause_ms;
    uint64_t segments, samples, events, lost;
    pthread_t thread;
    bool running;

    struct tend_block_writer *blocks; // the thread's, as what follows; NULL while CLOSED
    uint64_t blocks_segment;
    struct held_segment *held; // finished ones and the current one, oldest first
    size_t held_count;
    bool told_small; // that the ring is too small
};

static void lock(struct shared *shared)
{
    const int result = pthread_mutex_lock(&shared->mutex);
    TEND_ASSERT(result == 0);
}

static void unlock(struct shared *shared)
{
    const int result = pthread_mutex_unlock(&shared->mutex);
    TEND_ASSERT(result == 0);
}

static void free_job(struct job *job)
{
    if (job != NULL) {
        tend_buffer_clear(&job->items);
        free(job);
    }
}

// ---- the thread ----

// The mutex is held.
static void set_failing(struct shared *shared, uint64_t segment, const char *why)
{
    if (!shared->failing) {
        tend_log(TEND_LOG_ERROR, "recording stopped, watching goes on why=\"%s\"", why);
    }
    shared->failing = true;
    shared->failed_segment = segment;
    tend_text_format(shared->why, sizeof shared->why, "%s", why);
}

static void fail(struct tend_recording_writer *writer, uint64_t segment, const char *why)
{
    tend_block_writer_destroy(writer->blocks);
    writer->blocks = NULL;
    lock(writer->shared);
    set_failing(writer->shared, segment, why);
    unlock(writer->shared);
}

static uint64_t bytes_held(const struct tend_recording_writer *writer)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < writer->held_count; i++) {
        bytes += writer->held[i].bytes;
    }
    return bytes;
}

static void drop_oldest(struct tend_recording_writer *writer)
{
    char *path = tend_segment_path(writer->directory, writer->held[0].number);
    if (path != NULL && unlink(path) != 0 && errno != ENOENT) {
        tend_log(TEND_LOG_WARN, "old recording cannot be removed path=%s why=\"%s\"", path, strerrordesc_np(errno));
    }
    free(path);
    writer->held_count--;
    memmove(writer->held, writer->held + 1, writer->held_count * sizeof *writer->held);
}

// Drops what is over the bounds, but not the newest one. A segment is as old as its end, where the next one begins.
static void keep_bounds(struct tend_recording_writer *writer, int64_t now_ms)
{
    uint64_t bytes = bytes_held(writer);
    while (writer->held_count > 1 &&
           (bytes > writer->options.bytes_max || writer->held[1].at_ms <= now_ms - writer->options.age_max_ms)) {
        bytes -= writer->held[0].bytes;
        drop_oldest(writer);
    }
    lock(writer->shared);
    writer->shared->bytes_held = bytes;
    unlock(writer->shared);
}

static bool hold(struct tend_recording_writer *writer, uint64_t number, uint64_t bytes, int64_t at_ms)
{
    struct held_segment *grown = reallocarray(writer->held, writer->held_count + 1, sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    writer->held = grown;
    writer->held[writer->held_count++] = (struct held_segment){ .number = number, .bytes = bytes, .at_ms = at_ms };
    return true;
}

// A file's name is on the disk only when its directory is.
static void sync_directory(const char *directory)
{
    const int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
}

static void count_written(struct tend_recording_writer *writer, const struct job *job)
{
    const uint64_t bytes = tend_block_writer_bytes(writer->blocks);
    struct held_segment *newest = &writer->held[writer->held_count - 1];
    struct shared *shared = writer->shared;
    lock(shared);
    shared->bytes_written += bytes - newest->bytes;
    shared->segment_bytes = bytes;
    if (job->begins && bytes > writer->options.bytes_max / 4 && !writer->told_small) {
        writer->told_small = true;
        tend_log(TEND_LOG_WARN,
                 "recording reaches back less far than it should, --record-bytes is too small for this fleet "
                 "record_bytes=%" PRIu64 " beginning_of_each_segment_bytes=%" PRIu64,
                 writer->options.bytes_max, bytes);
    }
    if (job->begins) {
        shared->began = job->segment;
        shared->beginning_bytes = bytes;
        const bool failing = shared->failing && shared->failed_segment >= job->segment;
        if (shared->failing && !failing) {
            tend_log(TEND_LOG_INFO, "recording goes on");
        }
        shared->failing = failing;
    }
    unlock(shared);
    newest->bytes = bytes;
}

// The file gets its name when the beginning is written: each segment that has a name can be replayed from.
static enum tend_status write_beginning(struct tend_recording_writer *writer, const struct job *job,
                                        const char *new_path, const char *path, struct tend_error *error)
{
    struct tend_recording_file_header header = {
        .what = TEND_RECORDING_SEGMENT, .number = job->segment, .at_ms = job->at_ms, .wall_ms = job->wall_ms
    };
    enum tend_status status = tend_block_writer_create(new_path, &header, &writer->blocks, error);
    if (status != TEND_OK) {
        return status;
    }
    status = tend_block_writer_put(writer->blocks, job->items.data, job->items.size, true, error);
    if (status == TEND_OK) {
        status = tend_block_writer_rename(writer->blocks, path, error);
    }
    if (status == TEND_OK && !hold(writer, job->segment, 0, job->at_ms)) {
        (void)unlink(path);
        status = TEND_E_NOMEM;
    }
    if (status != TEND_OK) {
        (void)unlink(new_path);
    }
    return status;
}

static void begin_file(struct tend_recording_writer *writer, const struct job *job)
{
    char *path = tend_segment_path(writer->directory, job->segment);
    char *new_path = NULL;
    struct tend_error error = { .text = "out of memory" };
    enum tend_status status = TEND_E_NOMEM;
    if (path != NULL && asprintf(&new_path, "%s.new", path) >= 0) {
        (void)unlink(new_path);
        status = write_beginning(writer, job, new_path, path, &error);
        free(new_path);
    }
    free(path);
    if (status != TEND_OK) {
        fail(writer, job->segment, error.text);
        return;
    }
    sync_directory(writer->directory);
    writer->blocks_segment = job->segment;
    count_written(writer, job);
}

static void sync_file(struct tend_recording_writer *writer)
{
    struct tend_error error;
    if (writer->blocks != NULL && tend_block_writer_sync(writer->blocks, &error) != TEND_OK) {
        fail(writer, writer->blocks_segment, error.text);
    }
}

static void end_file(struct tend_recording_writer *writer)
{
    sync_file(writer);
    tend_block_writer_destroy(writer->blocks);
    writer->blocks = NULL;
}

static void do_job(struct tend_recording_writer *writer, const struct job *job)
{
    lock(writer->shared);
    const bool failing = writer->shared->failing;
    if (failing && job->begins && job->continues) {
        writer->shared->failed_segment = job->segment;
    }
    unlock(writer->shared);
    if (job->begins) {
        end_file(writer);
        if (failing && job->continues) {
            return;
        }
        begin_file(writer, job);
    } else if (writer->blocks != NULL && writer->blocks_segment == job->segment) {
        struct tend_error error;
        if (tend_block_writer_put(writer->blocks, job->items.data, job->items.size, false, &error) == TEND_OK) {
            count_written(writer, job);
        } else {
            fail(writer, job->segment, error.text);
        }
    }
    if (job->ends) {
        end_file(writer);
    }
    keep_bounds(writer, job->at_ms);
}

// Waits for a job or a wish to sync. @return NULL: a wish, or told to stop
static struct job *take_job(struct shared *shared, bool *stop)
{
    lock(shared);
    while (shared->first == NULL && !shared->stop && shared->synced >= shared->sync_wanted) {
        const int result = pthread_cond_wait(&shared->for_thread, &shared->mutex);
        TEND_ASSERT(result == 0);
    }
    struct job *job = shared->first;
    if (job != NULL) {
        shared->first = job->next;
        shared->last = shared->first == NULL ? NULL : shared->last;
        shared->queued_bytes -= job->items.size;
    }
    *stop = job == NULL && shared->stop;
    unlock(shared);
    return job;
}

static void sync_if_wanted(struct tend_recording_writer *writer, bool did_job)
{
    struct shared *shared = writer->shared;
    lock(shared);
    shared->done += did_job;
    const uint64_t done = shared->done;
    const bool wanted = shared->sync_wanted > shared->synced && done >= shared->sync_wanted;
    unlock(shared);
    if (!wanted) {
        return;
    }
    sync_file(writer);
    lock(shared);
    shared->synced = done;
    (void)pthread_cond_broadcast(&shared->for_sync);
    unlock(shared);
}

static void *run(void *context)
{
    struct tend_recording_writer *writer = context;
    for (bool stop = false; !stop;) {
        struct job *job = take_job(writer->shared, &stop);
        if (job != NULL) {
            do_job(writer, job);
        }
        sync_if_wanted(writer, job != NULL);
        free_job(job);
    }
    end_file(writer);
    return NULL;
}

// ---- making ----

// A segment that a crash left torn is cut after its last whole block. Other damage stays, for a reader to name.
static void mend(const char *path)
{
    struct tend_block_reader *blocks;
    struct tend_error error;
    bool torn;
    enum tend_status status = tend_block_reader_open(path, &blocks, &torn, &error);
    if (status != TEND_OK) {
        if (torn) {
            (void)unlink(path);
        }
        return;
    }
    struct tend_block block;
    do {
        status = tend_block_reader_next(blocks, &block, &error);
    } while (status == TEND_OK);
    if (status == TEND_E_CORRUPT && tend_block_reader_is_torn(blocks)) {
        const uint64_t bytes = tend_block_reader_bytes(blocks);
        tend_log(TEND_LOG_INFO, "recording mended path=%s bytes=%" PRIu64 " why=\"%s\"", path, bytes, error.text);
        if (truncate(path, (off_t)bytes) != 0) {
            tend_log(TEND_LOG_WARN, "recording cannot be mended path=%s why=\"%s\"", path, strerrordesc_np(errno));
        }
    }
    tend_block_reader_close(blocks);
}

static enum tend_status take_up(struct tend_recording_writer *writer, uint64_t number, bool newest)
{
    char *path = tend_segment_path(writer->directory, number);
    if (path == NULL) {
        return TEND_E_NOMEM;
    }
    if (newest) {
        mend(path);
    }
    struct stat about;
    struct tend_block_reader *blocks;
    struct tend_error error;
    bool torn;
    enum tend_status status = TEND_OK;
    if (stat(path, &about) == 0) {
        int64_t at_ms = 0; // of what is no segment
        if (tend_block_reader_open(path, &blocks, &torn, &error) == TEND_OK) {
            at_ms = tend_block_reader_header(blocks)->at_ms;
            tend_block_reader_close(blocks);
        }
        status = hold(writer, number, (uint64_t)about.st_size, at_ms) ? TEND_OK : TEND_E_NOMEM;
    }
    free(path);
    return status;
}

static enum tend_status take_up_directory(struct tend_recording_writer *writer, struct tend_error *error)
{
    if (mkdir(writer->directory, 0750) != 0 && errno != EEXIST) {
        tend_error_set(error, "cannot make %s: %s", writer->directory, strerrordesc_np(errno));
        return TEND_E_IO;
    }
    struct tend_segment_list list;
    enum tend_status status = tend_segment_list_read(writer->directory, &list, error);
    if (status != TEND_OK) {
        return status;
    }
    for (size_t i = 0; status == TEND_OK && i < list.count; i++) {
        writer->segment = list.numbers[i];
        status = take_up(writer, list.numbers[i], i + 1 == list.count);
    }
    tend_segment_list_clear(&list);
    writer->shared->bytes_held = bytes_held(writer);
    return status;
}

static struct shared *create_shared(void)
{
    struct shared *shared = calloc(1, sizeof *shared);
    if (shared != NULL) {
        TEND_ASSERT(pthread_mutex_init(&shared->mutex, NULL) == 0);
        TEND_ASSERT(pthread_cond_init(&shared->for_thread, NULL) == 0);
        TEND_ASSERT(pthread_cond_init(&shared->for_sync, NULL) == 0);
    }
    return shared;
}

static enum tend_status start_thread(struct tend_recording_writer *writer, struct tend_error *error)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    TEND_ASSERT(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    const int result = pthread_create(&writer->thread, NULL, run, writer);
    TEND_ASSERT(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    writer->running = result == 0;
    if (result != 0) {
        tend_error_set(error, "cannot start the recorder's thread: %s", strerrordesc_np(result));
        return TEND_E_IO;
    }
    return TEND_OK;
}

static struct tend_recording_writer_options with_defaults(struct tend_recording_writer_options options)
{
    options.bytes_max = options.bytes_max == 0 ? default_bytes_max : options.bytes_max;
    options.age_max_ms = options.age_max_ms == 0 ? default_age_max_ms : options.age_max_ms;
    options.segment_bytes = options.segment_bytes == 0 ? SEGMENT_BYTES : options.segment_bytes;
    options.segment_ms = options.segment_ms == 0 ? SEGMENT_MS : options.segment_ms;
    const uint64_t most = options.bytes_max / 4;
    options.segment_bytes = options.segment_bytes < most ? options.segment_bytes : most;
    return options;
}

enum tend_status tend_recording_writer_create(const struct tend_recording_writer_options *options,
                                              struct tend_recording_writer **out, struct tend_error *error)
{
    struct tend_recording_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL) {
        return TEND_E_NOMEM;
    }
    writer->options = with_defaults(*options);
    writer->retry_at_ms = INT64_MIN;
    writer->directory = strdup(options->directory);
    writer->shared = create_shared();
    enum tend_status status = TEND_E_NOMEM;
    if (writer->directory != NULL && writer->shared != NULL) {
        status = tend_event_encoder_create(&writer->encoder);
    }
    if (status == TEND_OK) {
        status = take_up_directory(writer, error);
    }
    if (status == TEND_OK) {
        status = start_thread(writer, error);
    }
    if (status != TEND_OK) {
        if (status == TEND_E_NOMEM) {
            tend_error_set(error, "out of memory");
        }
        tend_recording_writer_destroy(writer);
        return status;
    }
    *out = writer;
    return TEND_OK;
}

// ---- the caller ----

// OPEN → CLOSED: what is gathered goes, and a new segment is wanted after a pause.
static void close_failed(struct tend_recording_writer *writer, int64_t at_ms)
{
    const int64_t longer_ms = writer->pause_ms == 0 ? RETRY_MS : 2 * writer->pause_ms;
    writer->pause_ms = longer_ms < RETRY_MAX_MS ? longer_ms : RETRY_MAX_MS;
    writer->retry_at_ms = at_ms + writer->pause_ms;
    writer->open = false;
    tend_buffer_reset(&writer->block);
}

// What could not be encoded or queued leaves a hole: nothing more may follow in this segment.
static void give_up(struct tend_recording_writer *writer, const char *why, int64_t at_ms)
{
    lock(writer->shared);
    set_failing(writer->shared, writer->segment, why);
    unlock(writer->shared);
    close_failed(writer, at_ms);
}

static void enqueue(struct tend_recording_writer *writer, struct job job)
{
    struct shared *shared = writer->shared;
    struct job *queued = malloc(sizeof *queued);
    if (queued == NULL || job.items.failed) {
        tend_buffer_clear(&job.items);
        free(queued);
        give_up(writer, "out of memory, or the state of the engine is larger than a recording can hold", job.at_ms);
        return;
    }
    *queued = job;
    queued->next = NULL;
    queued->segment = writer->segment;
    lock(shared);
    const bool room = shared->queued_bytes + job.items.size <= QUEUE_BYTES_MAX;
    if (room) {
        *(shared->last == NULL ? &shared->first : &shared->last->next) = queued;
        shared->last = queued;
        shared->queued_bytes += job.items.size;
        shared->queued++;
        (void)pthread_cond_signal(&shared->for_thread);
    }
    unlock(shared);
    if (!room) {
        free_job(queued);
        give_up(writer, "the disk is slower than what is to be recorded", job.at_ms);
    }
}

static void hand_on(struct tend_recording_writer *writer, bool ends)
{
    if (writer->open && writer->block.size > 0) {
        const struct job job = { .at_ms = writer->block_since_ms, .ends = ends, .items = writer->block };
        tend_buffer_init(&writer->block);
        enqueue(writer, job);
    }
}

void tend_recording_writer_destroy(struct tend_recording_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    struct shared *shared = writer->shared;
    if (writer->running) {
        if (writer->open) {
            tend_item_put_end(&writer->block, tend_event_encoder_count(writer->encoder));
            hand_on(writer, true);
        }
        lock(shared);
        shared->stop = true;
        (void)pthread_cond_signal(&shared->for_thread);
        unlock(shared);
        TEND_ASSERT(pthread_join(writer->thread, NULL) == 0);
    }
    if (shared != NULL) {
        (void)pthread_cond_destroy(&shared->for_sync);
        (void)pthread_cond_destroy(&shared->for_thread);
        (void)pthread_mutex_destroy(&shared->mutex);
        free(shared);
    }
    tend_event_encoder_destroy(writer->encoder);
    tend_buffer_clear(&writer->block);
    free(writer->held);
    free(writer->directory);
    free(writer);
}

bool tend_recording_writer_wants_segment(const struct tend_recording_writer *writer, int64_t at_ms)
{
    if (!writer->open) {
        return at_ms >= writer->retry_at_ms;
    }
    if (tend_event_encoder_is_full(writer->encoder)) {
        return true;
    }
    struct shared *shared = writer->shared;
    lock(shared);
    const bool known = !shared->failing && shared->began == writer->segment;
    const uint64_t beginning = shared->beginning_bytes;
    const uint64_t bytes = shared->segment_bytes - beginning;
    unlock(shared);
    if (!known) {
        return false; // its beginning is still to be written, or the next event will find that it failed
    }
    const struct tend_recording_writer_options *options = &writer->options;
    const int64_t age_ms = at_ms - writer->segment_since_ms;
    // A beginning that the ring is too small for is at least not written more often than as much has happened.
    const uint64_t quarter = options->bytes_max / 4 > beginning ? options->bytes_max / 4 : beginning;
    uint64_t most = BEGINNING_SHARE * beginning < quarter ? BEGINNING_SHARE * beginning : quarter;
    most = most > options->segment_bytes ? most : options->segment_bytes;
    return bytes >= most || (age_ms >= options->segment_ms && bytes >= beginning) ||
           age_ms >= LONGEST * options->segment_ms;
}

static json_t *make_header(const struct tend_recording_writer *writer, bool continues, int64_t at_ms, int64_t wall_ms)
{
    json_t *header = tend_recording_origin();
    json_t *rest =
        json_pack("{s:I, s:I, s:I, s:i, s:b}", "segment", (json_int_t)writer->segment, "at_ms", (json_int_t)at_ms,
                  "wall_ms", (json_int_t)wall_ms, "format", TEND_RECORDING_FORMAT, "continues", (int)continues);
    if (header == NULL || rest == NULL || json_object_update(header, rest) != 0) {
        json_decref(header);
        header = NULL;
    }
    json_decref(rest);
    return header;
}

// Whether the thread, or the queue, gave the current segment up. OPEN → CLOSED is then made.
static bool has_failed(struct tend_recording_writer *writer, int64_t at_ms)
{
    struct shared *shared = writer->shared;
    lock(shared);
    const bool failed = shared->failing && shared->failed_segment >= writer->segment;
    const bool written = !shared->failing && shared->began == writer->segment;
    unlock(shared);
    if (failed) {
        close_failed(writer, at_ms);
    } else if (written) {
        writer->pause_ms = 0;
    }
    return failed;
}

void tend_recording_writer_begin_segment(struct tend_recording_writer *writer, const struct tend_engine *engine,
                                         const json_t *sources, int64_t at_ms, int64_t wall_ms)
{
    const bool continues = writer->open && !has_failed(writer, at_ms);
    if (continues) {
        tend_item_put_end(&writer->block, tend_event_encoder_count(writer->encoder));
        hand_on(writer, true);
    }
    tend_event_encoder_reset(writer->encoder);
    writer->segment++;
    writer->segments++;
    writer->open = true;
    writer->segment_since_ms = at_ms;
    struct job job = { .begins = true, .continues = continues, .at_ms = at_ms, .wall_ms = wall_ms };
    json_t *header = make_header(writer, continues, at_ms, wall_ms);
    tend_item_put_json(&job.items, TEND_ITEM_HEADER, header);
    job.items.failed = job.items.failed || header == NULL;
    json_decref(header);
    const struct tend_ruleset *ruleset = tend_engine_ruleset(engine);
    if (ruleset != NULL) {
        tend_item_put_generation(&job.items, ruleset->hash, sources, ruleset->document);
    }
    struct tend_buffer checkpoint;
    tend_buffer_init(&checkpoint);
    tend_engine_save(engine, &checkpoint);
    tend_item_put(&job.items, TEND_ITEM_CHECKPOINT, tend_buffer_text(&checkpoint), checkpoint.size);
    job.items.failed = job.items.failed || checkpoint.failed || checkpoint.size > TEND_RECORDING_ITEM_BYTES_MAX;
    tend_buffer_clear(&checkpoint);
    enqueue(writer, job);
}

void tend_recording_writer_event(struct tend_recording_writer *writer, const struct tend_event *event)
{
    if (!writer->open || has_failed(writer, event->at_ms)) {
        writer->lost++;
        return;
    }
    if (writer->block.size >= BLOCK_BYTES ||
        (writer->block.size > 0 && event->at_ms - writer->block_since_ms >= BLOCK_AGE_MS)) {
        hand_on(writer, false);
    }
    if (writer->block.size == 0) {
        writer->block_since_ms = event->at_ms;
    }
    const enum tend_status status = tend_event_encoder_put(writer->encoder, event, NULL, NULL, &writer->block);
    if (status != TEND_OK) {
        give_up(writer, tend_status_text(status), event->at_ms);
        writer->lost++;
        return;
    }
    writer->events++;
    writer->samples += event->kind == TEND_EVENT_SCRAPED ? event->scraped.value_count : 0;
}

void tend_recording_writer_outcome(struct tend_recording_writer *writer, const struct tend_effects *effects)
{
    if (writer->open && writer->block.size > 0) {
        tend_item_put_effects(&writer->block, effects);
    }
}

void tend_recording_writer_flush(struct tend_recording_writer *writer)
{
    hand_on(writer, false);
}

void tend_recording_writer_pulse(struct tend_recording_writer *writer, int64_t at_ms)
{
    if (writer->block.size > 0 && at_ms - writer->block_since_ms >= BLOCK_AGE_MS) {
        hand_on(writer, false);
    }
}

enum tend_status tend_recording_writer_sync(struct tend_recording_writer *writer)
{
    struct shared *shared = writer->shared;
    lock(shared);
    const uint64_t wanted = shared->queued;
    if (shared->sync_wanted < wanted) {
        shared->sync_wanted = wanted;
        (void)pthread_cond_signal(&shared->for_thread);
    }
    while (shared->synced < wanted) {
        const int result = pthread_cond_wait(&shared->for_sync, &shared->mutex);
        TEND_ASSERT(result == 0);
    }
    const bool failing = shared->failing;
    unlock(shared);
    return failing ? TEND_E_IO : TEND_OK;
}

struct tend_recording_counts tend_recording_writer_counts(const struct tend_recording_writer *writer)
{
    struct tend_recording_counts counts = {
        .segments = writer->segments, .samples = writer->samples, .events = writer->events, .lost = writer->lost
    };
    struct shared *shared = writer->shared;
    lock(shared);
    counts.bytes_written = shared->bytes_written;
    counts.bytes_held = shared->bytes_held;
    counts.failing = shared->failing;
    tend_text_format(counts.why, sizeof counts.why, "%s", shared->failing ? shared->why : "");
    unlock(shared);
    return counts;
}
