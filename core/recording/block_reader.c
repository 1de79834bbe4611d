// A block that is not whole is torn, and not corrupt, when a crash can have left it so: its header or its data is cut
// by the end of the file, its data reaches the end exactly and is not what was written (pages that did not reach the
// disk), or nothing but zeros follows (a file that grew before its data was written).

#include "recording/block_reader.h"

#include "base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

struct tend_block_reader {
    int fd;
    char *path;
    struct tend_recording_file_header header;
    ZSTD_DCtx *stream;
    struct tend_buffer stored;
    struct tend_buffer raw;
    uint64_t at; // end of the last whole block
    uint32_t number;
    bool torn;
};

static enum tend_status io_failed(const struct tend_block_reader *reader, const char *what, struct tend_error *error)
{
    const char *cause = strerrordesc_np(errno);
    tend_error_set(error, "cannot %s %s: %s", what, reader->path, cause == NULL ? "unknown error" : cause);
    return TEND_E_IO;
}

// Reads up to @p count bytes; fewer only at the end of the file.
static enum tend_status read_at(const struct tend_block_reader *reader, uint64_t at, char *bytes, size_t count,
                                size_t *got, struct tend_error *error)
{
    *got = 0;
    while (*got < count) {
        const ssize_t piece = pread(reader->fd, bytes + *got, count - *got, (off_t)(at + *got));
        if (piece < 0 && errno != EINTR) {
            return io_failed(reader, "read", error);
        }
        if (piece == 0) {
            break;
        }
        *got += piece > 0 ? (size_t)piece : 0;
    }
    return TEND_OK;
}

enum tend_status tend_block_reader_open(const char *path, struct tend_block_reader **out, bool *torn,
                                        struct tend_error *error)
{
    struct tend_block_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        return TEND_E_NOMEM;
    }
    *torn = false;
    enum tend_status status = TEND_E_NOMEM;
    reader->fd = -1;
    reader->path = strdup(path);
    reader->stream = ZSTD_createDCtx();
    if (reader->path == NULL || reader->stream == NULL ||
        ZSTD_isError(ZSTD_DCtx_setParameter(reader->stream, ZSTD_d_windowLogMax, TEND_RECORDING_WINDOW_LOG))) {
        tend_error_set(error, "out of memory");
        goto fail;
    }
    reader->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat about;
    if (reader->fd < 0 || fstat(reader->fd, &about) != 0) {
        status = io_failed(reader, "open", error);
        goto fail;
    }
    if (!S_ISREG(about.st_mode)) {
        tend_error_set(error, "%s is not a recording of tend: it is no file", path);
        status = TEND_E_INVALID;
        goto fail;
    }
    char bytes[TEND_RECORDING_FILE_HEADER_BYTES];
    size_t got;
    status = read_at(reader, 0, bytes, sizeof bytes, &got, error);
    if (status == TEND_OK) {
        status = tend_recording_get_file_header(bytes, got, path, &reader->header, error);
        *torn = status != TEND_OK && got < sizeof bytes && memcmp(bytes, TEND_RECORDING_MAGIC, got < 8 ? got : 8) == 0;
    }
    if (status != TEND_OK) {
        goto fail;
    }
    reader->at = sizeof bytes;
    *out = reader;
    return TEND_OK;
fail:
    tend_block_reader_close(reader);
    return status;
}

void tend_block_reader_close(struct tend_block_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    if (reader->fd >= 0) {
        (void)close(reader->fd);
    }
    (void)ZSTD_freeDCtx(reader->stream);
    tend_buffer_clear(&reader->stored);
    tend_buffer_clear(&reader->raw);
    free(reader->path);
    free(reader);
}

const struct tend_recording_file_header *tend_block_reader_header(const struct tend_block_reader *reader)
{
    return &reader->header;
}

bool tend_block_reader_is_torn(const struct tend_block_reader *reader)
{
    return reader->torn;
}

uint64_t tend_block_reader_bytes(const struct tend_block_reader *reader)
{
    return reader->at;
}

static enum tend_status corrupt(struct tend_block_reader *reader, bool torn, const char *what, struct tend_error *error)
{
    reader->torn = torn;
    tend_error_set(error, "%s: byte %" PRIu64 ": %s", reader->path, reader->at, what);
    return TEND_E_CORRUPT;
}

static enum tend_status only_zeros_follow(struct tend_block_reader *reader, bool *zeros, struct tend_error *error)
{
    char bytes[4096];
    size_t got;
    uint64_t at = reader->at;
    *zeros = true;
    do {
        const enum tend_status status = read_at(reader, at, bytes, sizeof bytes, &got, error);
        if (status != TEND_OK) {
            return status;
        }
        for (size_t i = 0; i < got; i++) {
            *zeros = *zeros && bytes[i] == '\0';
        }
        at += got;
    } while (*zeros && got == sizeof bytes);
    return TEND_OK;
}

static enum tend_status no_memory(struct tend_error *error)
{
    tend_error_set(error, "out of memory");
    return TEND_E_NOMEM;
}

// @param[out] good  whether it is this block's  @return false: out of memory
static bool check_header(const struct tend_block_reader *reader, const char *header, bool *good)
{
    char checked[8 + 24];
    for (size_t i = 0; i < 8; i++) {
        checked[i] = (char)(reader->header.check >> 8 * i);
    }
    memcpy(checked + 8, header, 24);
    uint64_t check = 0;
    const bool done = tend_recording_check(checked, sizeof checked, &check);
    *good = done && tend_recording_get_u64(header + 24) == check;
    return done;
}

static enum tend_status decompress(struct tend_block_reader *reader, size_t raw_count, struct tend_error *error)
{
    tend_buffer_reset(&reader->raw);
    if (tend_buffer_reserve(&reader->raw, raw_count) == NULL) {
        tend_error_set(error, "out of memory");
        return TEND_E_NOMEM;
    }
    ZSTD_inBuffer in = { .src = reader->stored.data, .size = reader->stored.size, .pos = 0 };
    ZSTD_outBuffer out = { .dst = reader->raw.data, .size = raw_count, .pos = 0 };
    for (size_t before = SIZE_MAX; in.pos + out.pos != before;) {
        before = in.pos + out.pos;
        if (ZSTD_isError(ZSTD_decompressStream(reader->stream, &out, &in))) {
            return corrupt(reader, false, "a block cannot be decompressed", error);
        }
    }
    if (in.pos != in.size || out.pos != raw_count) {
        return corrupt(reader, false, "a block is not as long as it says", error);
    }
    reader->raw.size = raw_count;
    return TEND_OK;
}

enum tend_status tend_block_reader_next(struct tend_block_reader *reader, struct tend_block *out,
                                        struct tend_error *error)
{
    char header[TEND_RECORDING_BLOCK_HEADER_BYTES];
    size_t got;
    enum tend_status status = read_at(reader, reader->at, header, sizeof header, &got, error);
    if (status != TEND_OK) {
        return status;
    }
    if (got == 0) {
        return TEND_END;
    }
    if (got < sizeof header) {
        return corrupt(reader, true, "the file ends within a block's header", error);
    }
    bool good;
    if (!check_header(reader, header, &good)) {
        return no_memory(error);
    }
    if (!good) {
        bool zeros;
        status = only_zeros_follow(reader, &zeros, error);
        return status == TEND_OK ? corrupt(reader, zeros, "a block's header is damaged", error) : status;
    }
    const size_t stored = tend_recording_get_u32(header);
    const size_t raw = tend_recording_get_u32(header + 4);
    const uint32_t flags = tend_recording_get_u32(header + 12);
    if (tend_recording_get_u32(header + 8) != reader->number) {
        return corrupt(reader, false, "a block is missing before this one", error);
    }
    if (raw == 0 || raw > TEND_RECORDING_BLOCK_BYTES_MAX || flags > TEND_RECORDING_BEGINS_FRAME ||
        stored > ZSTD_compressBound(raw) + ZSTD_CStreamOutSize()) {
        return corrupt(reader, false, "a block's header makes no sense", error);
    }
    tend_buffer_reset(&reader->stored);
    if (tend_buffer_reserve(&reader->stored, stored + 1) == NULL) {
        tend_error_set(error, "out of memory");
        return TEND_E_NOMEM;
    }
    status = read_at(reader, reader->at + sizeof header, reader->stored.data, stored + 1, &got, error);
    if (status != TEND_OK) {
        return status;
    }
    if (got < stored) {
        return corrupt(reader, true, "the file ends within a block", error);
    }
    uint64_t check;
    if (!tend_recording_check(reader->stored.data, stored, &check)) {
        return no_memory(error);
    }
    if (tend_recording_get_u64(header + 16) != check) {
        return corrupt(reader, got == stored, "a block's data is damaged", error);
    }
    reader->stored.size = stored;
    if ((flags & TEND_RECORDING_BEGINS_FRAME) != 0) {
        (void)ZSTD_DCtx_reset(reader->stream, ZSTD_reset_session_only);
    }
    status = decompress(reader, raw, error);
    if (status != TEND_OK) {
        return status;
    }
    *out = (struct tend_block){ .items = reader->raw.data,
                                .count = raw,
                                .at_byte = reader->at,
                                .begins_frame = (flags & TEND_RECORDING_BEGINS_FRAME) != 0 };
    reader->at += sizeof header + stored;
    reader->number++;
    return TEND_OK;
}
