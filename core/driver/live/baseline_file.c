// The file: magic, u32 format, u64 bytes, the bytes, and the first 64 bits of the SHA-256 of all before.

#include "driver/live/baseline_file.h"

#include "base/json.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[8] = { 't', 'e', 'n', 'd', 'b', 'a', 's', 'e' };
enum { FORMAT_LEAST = 2, FORMAT = 3, HEAD_BYTES = 20, CHECKSUM_BYTES = 8, PATH_BYTES = 4096 };
static const off_t FILE_MOST_BYTES = (off_t)512 * 1024 * 1024; // what a recording's event may have

static uint64_t checksum(const char *bytes, size_t count)
{
    char hex[65];
    tend_sha256_hex(bytes, count, hex);
    hex[16] = '\0';
    return strtoull(hex, NULL, 16);
}

static bool make_path(const char *directory, const char *name, char path[PATH_BYTES])
{
    const int bytes = snprintf(path, PATH_BYTES, "%s/%s", directory, name);
    return bytes > 0 && bytes < PATH_BYTES;
}

static enum tend_status fail(struct tend_error *error, const char *path, int why)
{
    tend_error_set(error, "%s: %s", path, strerrordesc_np(why));
    return TEND_E_IO;
}

// @return 0 or an errno
static int read_whole(int fd, struct tend_buffer *bytes)
{
    while (true) {
        char *room = tend_buffer_reserve(bytes, 65536);
        if (room == NULL) {
            return ENOMEM;
        }
        const ssize_t got = read(fd, room, 65536);
        if (got == 0) {
            return 0;
        }
        if (got < 0 && errno != EINTR) {
            return errno;
        }
        bytes->size += got > 0 ? (size_t)got : 0;
    }
}

// @return NULL: it is whole; else what is wrong
static const char *check(const struct tend_buffer *file, struct tend_reader *body)
{
    struct tend_reader in = tend_reader_over(file->data, file->size);
    if (file->size < HEAD_BYTES + CHECKSUM_BYTES || memcmp(file->data, magic, sizeof magic) != 0) {
        return "it is no file of baselines";
    }
    in.next += sizeof magic;
    const uint32_t format = tend_reader_get_u32(&in);
    if (format < FORMAT_LEAST || format > FORMAT) { // entries say of themselves how old they are
        return "another tend wrote it, in a format of its own";
    }
    const uint64_t bytes = tend_reader_get_u64(&in);
    struct tend_reader last = tend_reader_over(file->data + file->size - CHECKSUM_BYTES, CHECKSUM_BYTES);
    if (bytes != file->size - HEAD_BYTES - CHECKSUM_BYTES ||
        tend_reader_get_u64(&last) != checksum(file->data, file->size - CHECKSUM_BYTES)) {
        return "it is damaged: its checksum is another one";
    }
    *body = tend_reader_over(in.next, bytes);
    return NULL;
}

static enum tend_status read_file(int fd, const char *path, struct tend_buffer *out, struct tend_error *error)
{
    struct tend_buffer file;
    tend_buffer_init(&file);
    struct stat about = { .st_mode = 0 };
    int failed = fstat(fd, &about) == 0 ? 0 : errno;
    const bool is_file = S_ISREG(about.st_mode);
    if (failed == 0 && is_file) {
        failed = about.st_size > FILE_MOST_BYTES ? EFBIG : read_whole(fd, &file);
    }
    (void)close(fd);
    struct tend_reader body;
    enum tend_status status = TEND_OK;
    const char *wrong = NULL;
    if (failed == 0 && !is_file) {
        tend_error_set(error, "%s: it is no regular file", path);
        status = TEND_E_IO;
    } else if (failed != 0) {
        status = fail(error, path, failed);
    } else if ((wrong = check(&file, &body)) != NULL) {
        tend_error_set(error, "%s: %s", path, wrong);
        status = TEND_E_CORRUPT;
    } else {
        tend_buffer_put(out, body.next, (size_t)(body.end - body.next));
        status = out->failed ? fail(error, path, ENOMEM) : TEND_OK;
    }
    tend_buffer_clear(&file);
    return status;
}

enum tend_status tend_baseline_file_read(const char *directory, struct tend_buffer *out, struct tend_error *error)
{
    char path[PATH_BYTES];
    if (!make_path(directory, "baselines", path)) {
        return fail(error, directory, ENAMETOOLONG);
    }
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return errno == ENOENT ? TEND_OK : fail(error, path, errno);
    }
    return read_file(fd, path, out, error);
}

bool tend_baseline_file_put_aside(const char *directory)
{
    char path[PATH_BYTES];
    char aside[PATH_BYTES];
    return make_path(directory, "baselines", path) && make_path(directory, "baselines.unread", aside) &&
           rename(path, aside) == 0;
}

enum tend_status tend_baseline_file_read_path(const char *path, struct tend_buffer *out, struct tend_error *error)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a user's file may be a pipe
    return fd < 0 ? fail(error, path, errno) : read_file(fd, path, out, error);
}

// @return 0 or an errno
static int write_whole(int fd, const char *bytes, size_t count)
{
    while (count > 0) {
        const ssize_t put = write(fd, bytes, count);
        if (put < 0 && errno != EINTR) {
            return errno;
        }
        bytes += put > 0 ? put : 0;
        count -= put > 0 ? (size_t)put : 0;
    }
    return fsync(fd) == 0 ? 0 : errno;
}

static int sync_directory(const char *directory)
{
    const int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    const int failed = fsync(fd) == 0 ? 0 : errno;
    (void)close(fd);
    return failed;
}

enum tend_status tend_baseline_file_write(const char *directory, const char *bytes, size_t count,
                                          struct tend_error *error)
{
    char path[PATH_BYTES];
    char next[PATH_BYTES];
    if (!make_path(directory, "baselines", path) || !make_path(directory, "baselines.next", next)) {
        return fail(error, directory, ENAMETOOLONG);
    }
    struct tend_buffer file;
    tend_buffer_init(&file);
    tend_buffer_put(&file, magic, sizeof magic);
    tend_buffer_put_u32(&file, FORMAT);
    tend_buffer_put_u64(&file, count);
    tend_buffer_put(&file, bytes, count);
    if (!file.failed) {
        tend_buffer_put_u64(&file, checksum(file.data, file.size));
    }
    int failed = file.failed ? ENOMEM : 0;
    const int fd = failed != 0 ? -1 : open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd >= 0) {
        failed = write_whole(fd, file.data, file.size);
        failed = close(fd) == 0 || failed != 0 ? failed : errno;
    } else if (failed == 0) {
        failed = errno;
    }
    tend_buffer_clear(&file);
    if (failed == 0 && rename(next, path) != 0) {
        failed = errno;
    }
    if (failed == 0) {
        failed = sync_directory(directory);
    }
    return failed == 0 ? TEND_OK : fail(error, path, failed);
}

struct tend_baseline_writer {
    const char *directory;
    struct tend_buffer bytes; ///< the thread's while it is busy
    pthread_t thread;
    bool joinable;
    atomic_bool busy;
};

enum tend_status tend_baseline_writer_create(const char *directory, struct tend_baseline_writer **out)
{
    struct tend_baseline_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL) {
        return TEND_E_NOMEM;
    }
    writer->directory = directory;
    tend_buffer_init(&writer->bytes);
    atomic_init(&writer->busy, false);
    *out = writer;
    return TEND_OK;
}

void tend_baseline_writer_wait(struct tend_baseline_writer *writer)
{
    if (writer->joinable) {
        (void)pthread_join(writer->thread, NULL);
        writer->joinable = false;
    }
}

void tend_baseline_writer_destroy(struct tend_baseline_writer *writer)
{
    if (writer != NULL) {
        tend_baseline_writer_wait(writer);
        tend_buffer_clear(&writer->bytes);
        free(writer);
    }
}

bool tend_baseline_writer_is_busy(const struct tend_baseline_writer *writer)
{
    return atomic_load(&writer->busy);
}

static void *write_bytes(void *context)
{
    struct tend_baseline_writer *writer = context;
    struct tend_error error;
    if (tend_baseline_file_write(writer->directory, tend_buffer_text(&writer->bytes), writer->bytes.size, &error) !=
        TEND_OK) {
        tend_log(TEND_LOG_ERROR, "baselines cannot be kept why=\"%s\"", error.text);
    }
    atomic_store(&writer->busy, false);
    return NULL;
}

void tend_baseline_writer_put(struct tend_baseline_writer *writer, struct tend_buffer *take_bytes)
{
    if (tend_baseline_writer_is_busy(writer)) {
        return;
    }
    tend_baseline_writer_wait(writer);
    tend_buffer_clear(&writer->bytes);
    writer->bytes = *take_bytes;
    tend_buffer_init(take_bytes);
    atomic_store(&writer->busy, true);
    sigset_t all; // signals are the loop's
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    writer->joinable = pthread_create(&writer->thread, NULL, write_bytes, writer) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!writer->joinable) {
        atomic_store(&writer->busy, false);
        tend_log(TEND_LOG_ERROR, "baselines cannot be kept why=\"no thread\"");
    }
}
