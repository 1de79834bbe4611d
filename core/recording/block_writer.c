// Compression level 1: with level 3 recordings of a fleet and of a shop were 4 and 7 % smaller, for 30 % more CPU time
// of reading and writing them again; with level 9 no more than another percent, for three times as much.

#include "recording/block_writer.h"

#include "base/buffer.h"
#include "recording/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

enum { LEVEL = 1, BLOCK_BYTES = 1024 * 1024 };

struct tend_block_writer {
    int fd;
    char *path;
    ZSTD_CCtx *stream;
    struct tend_buffer block;
    uint64_t file_check;
    uint64_t bytes; // up to the end of the last whole block
    uint32_t number;
};

static enum tend_status io_failed(const struct tend_block_writer *writer, const char *what, struct tend_error *error)
{
    const char *cause = strerrordesc_np(errno);
    tend_error_set(error, "cannot %s %s: %s", what, writer->path, cause == NULL ? "unknown error" : cause);
    return TEND_E_IO;
}

static enum tend_status no_memory(struct tend_error *error)
{
    tend_error_set(error, "out of memory");
    return TEND_E_NOMEM;
}

static enum tend_status write_all(struct tend_block_writer *writer, const char *bytes, size_t count,
                                  struct tend_error *error)
{
    for (size_t done = 0; done < count;) {
        const ssize_t written = write(writer->fd, bytes + done, count - done);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            errno = written == 0 ? ENOSPC : errno;
            const enum tend_status status = io_failed(writer, "write", error);
            const int cut = ftruncate(writer->fd, (off_t)writer->bytes);
            (void)cut; // a reader sees a torn tail then
            return status;
        }
        done += (size_t)written;
    }
    writer->bytes += count;
    return TEND_OK;
}

enum tend_status tend_block_writer_create(const char *path, struct tend_recording_file_header *header,
                                          struct tend_block_writer **out, struct tend_error *error)
{
    struct tend_block_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL) {
        return TEND_E_NOMEM;
    }
    writer->fd = -1;
    writer->path = strdup(path);
    writer->stream = ZSTD_createCCtx();
    if (writer->path == NULL || writer->stream == NULL ||
        ZSTD_isError(ZSTD_CCtx_setParameter(writer->stream, ZSTD_c_compressionLevel, LEVEL)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(writer->stream, ZSTD_c_windowLog, TEND_RECORDING_WINDOW_LOG))) {
        tend_error_set(error, "out of memory");
        tend_block_writer_destroy(writer);
        return TEND_E_NOMEM;
    }
    writer->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW | O_APPEND, 0640);
    enum tend_status status = writer->fd < 0 ? io_failed(writer, "make", error) : TEND_OK;
    if (status == TEND_OK) {
        char bytes[TEND_RECORDING_FILE_HEADER_BYTES];
        status = tend_recording_put_file_header(header, bytes) ? write_all(writer, bytes, sizeof bytes, error)
                                                               : no_memory(error);
        writer->file_check = header->check;
        if (status != TEND_OK) {
            (void)unlink(path);
        }
    }
    if (status != TEND_OK) {
        tend_block_writer_destroy(writer);
        return status;
    }
    *out = writer;
    return TEND_OK;
}

void tend_block_writer_destroy(struct tend_block_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    if (writer->fd >= 0) {
        (void)close(writer->fd);
    }
    (void)ZSTD_freeCCtx(writer->stream);
    tend_buffer_clear(&writer->block);
    free(writer->path);
    free(writer);
}

static void put_number(char *at, uint64_t number, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        at[i] = (char)(number >> 8 * i);
    }
}

// Compresses into the block's buffer, after room for its header.
static enum tend_status compress(struct tend_block_writer *writer, const char *raw, size_t count)
{
    tend_buffer_reset(&writer->block);
    const size_t most = TEND_RECORDING_BLOCK_HEADER_BYTES + ZSTD_compressBound(count) + ZSTD_CStreamOutSize();
    if (tend_buffer_reserve(&writer->block, most) == NULL) {
        return TEND_E_NOMEM;
    }
    ZSTD_inBuffer in = { .src = raw, .size = count, .pos = 0 };
    ZSTD_outBuffer out = { .dst = writer->block.data + TEND_RECORDING_BLOCK_HEADER_BYTES,
                           .size = most - TEND_RECORDING_BLOCK_HEADER_BYTES,
                           .pos = 0 };
    size_t left;
    do {
        left = ZSTD_compressStream2(writer->stream, &out, &in, ZSTD_e_flush);
        if (ZSTD_isError(left) || (left != 0 && out.pos == out.size)) {
            return TEND_E_NOMEM;
        }
    } while (left != 0);
    writer->block.size = TEND_RECORDING_BLOCK_HEADER_BYTES + out.pos;
    return TEND_OK;
}

static enum tend_status put_block(struct tend_block_writer *writer, const char *raw, size_t count, bool begins_frame,
                                  struct tend_error *error)
{
    if (begins_frame) {
        (void)ZSTD_CCtx_reset(writer->stream, ZSTD_reset_session_only);
    }
    if (compress(writer, raw, count) != TEND_OK) {
        return no_memory(error);
    }
    char *header = writer->block.data;
    const char *data = header + TEND_RECORDING_BLOCK_HEADER_BYTES;
    const size_t stored = writer->block.size - TEND_RECORDING_BLOCK_HEADER_BYTES;
    uint64_t check;
    if (!tend_recording_check(data, stored, &check)) {
        return no_memory(error);
    }
    put_number(header, stored, 4);
    put_number(header + 4, count, 4);
    put_number(header + 8, writer->number, 4);
    put_number(header + 12, begins_frame ? TEND_RECORDING_BEGINS_FRAME : 0, 4);
    put_number(header + 16, check, 8);
    char checked[8 + 24];
    put_number(checked, writer->file_check, 8);
    memcpy(checked + 8, header, 24);
    if (!tend_recording_check(checked, sizeof checked, &check)) {
        return no_memory(error);
    }
    put_number(header + 24, check, 8);
    writer->number++;
    return write_all(writer, writer->block.data, writer->block.size, error);
}

// How many of the bytes a block takes: whole items, about BLOCK_BYTES of them.
static size_t next_piece(const char *items, size_t count)
{
    struct tend_reader in = tend_reader_over(items, count);
    while (in.next < in.end && (size_t)(in.next - items) < BLOCK_BYTES) {
        size_t payload;
        (void)tend_reader_get_u8(&in);
        (void)tend_wire_get_bytes(&in, &payload);
    }
    TEND_ASSERT(!in.failed && in.next - items <= TEND_RECORDING_BLOCK_BYTES_MAX);
    return (size_t)(in.next - items);
}

enum tend_status tend_block_writer_put(struct tend_block_writer *writer, const char *items, size_t count,
                                       bool begins_frame, struct tend_error *error)
{
    for (size_t done = 0; done < count;) {
        const size_t piece = next_piece(items + done, count - done);
        const enum tend_status status = put_block(writer, items + done, piece, begins_frame && done == 0, error);
        if (status != TEND_OK) {
            return status;
        }
        done += piece;
    }
    return TEND_OK;
}

enum tend_status tend_block_writer_rename(struct tend_block_writer *writer, const char *path, struct tend_error *error)
{
    char *copy = strdup(path);
    if (copy == NULL) {
        tend_error_set(error, "out of memory");
        return TEND_E_NOMEM;
    }
    if (rename(writer->path, path) != 0) {
        const char *cause = strerrordesc_np(errno);
        tend_error_set(error, "cannot make %s: %s", path, cause == NULL ? "unknown error" : cause);
        free(copy);
        return TEND_E_IO;
    }
    free(writer->path);
    writer->path = copy;
    return TEND_OK;
}

enum tend_status tend_block_writer_sync(struct tend_block_writer *writer, struct tend_error *error)
{
    return fdatasync(writer->fd) == 0 ? TEND_OK : io_failed(writer, "sync", error);
}

uint64_t tend_block_writer_bytes(const struct tend_block_writer *writer)
{
    return writer->bytes;
}
