// A recording of any bytes: read to its end or refused with a reason, and what is read stays within its bounds.
//
// A file's checks would keep the fuzzer out, so what it gives stands for what the blocks hold: the items of a segment,
// which are written as blocks with good checks. The first byte says how often the bytes of a block are damaged instead.

#include "base/buffer.h"
#include "recording/block_writer.h"
#include "recording/recording_reader.h"
#include "recording/wire.h"
#include "series/layout.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const char *path)
{
    struct tend_recording_reader *reader;
    struct tend_error error = { .text = "" };
    if (tend_recording_open(path, &reader, &error) != TEND_OK) {
        TEND_ASSERT(error.text[0] != '\0');
        return;
    }
    struct tend_recorded part;
    enum tend_status status;
    double sum = 0;
    while ((status = tend_recording_next(reader, &part, &error)) == TEND_OK) {
        if (part.kind == TEND_RECORDED_EVENT && part.event.kind == TEND_EVENT_SCRAPED) {
            for (size_t i = 0; i < part.event.scraped.value_count; i++) {
                sum += part.event.scraped.values[i];
            }
        }
    }
    TEND_ASSERT(sum <= 0 || sum > 0 || sum != sum); // reads each value
    TEND_ASSERT(status == TEND_END || error.text[0] != '\0');
    tend_recording_close(reader);
}

// Whole items, as the block writer takes them: cuts a tail that is none.
static size_t whole_items(const char *items, size_t count)
{
    enum { PIECE_BYTES_MAX = 1024 * 1024 };
    struct tend_reader in = tend_reader_over(items, count);
    size_t whole = 0;
    while (in.next < in.end) {
        size_t payload;
        (void)tend_reader_get_u8(&in);
        (void)tend_wire_get_bytes(&in, &payload);
        if (in.failed || payload > PIECE_BYTES_MAX) {
            break;
        }
        whole = (size_t)(in.next - items);
    }
    return whole;
}

static void write_items(const char *path, enum tend_recording_file what, const char *items, size_t count)
{
    struct tend_recording_file_header header = { .what = what, .number = 1 };
    struct tend_block_writer *writer;
    struct tend_error error;
    (void)unlink(path);
    if (tend_block_writer_create(path, &header, &writer, &error) != TEND_OK) {
        abort();
    }
    const size_t whole = whole_items(items, count);
    const size_t half = whole_items(items, whole / 2); // two blocks
    if (tend_block_writer_put(writer, items, half, true, &error) != TEND_OK ||
        tend_block_writer_put(writer, items + half, whole - half, half == 0, &error) != TEND_OK) {
        abort();
    }
    tend_block_writer_destroy(writer);
}

static void write_bytes(const char *path, const uint8_t *bytes, size_t count)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, bytes, count) != (ssize_t)count) {
        abort();
    }
    (void)close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[64];
    if (path[0] == '\0') {
        (void)snprintf(path, sizeof path, "/tmp/tend-fuzz-recording-%d", (int)getpid());
    }
    if (size == 0) {
        return 0;
    }
    if (data[0] % 3 == 2) {
        write_bytes(path, data + 1, size - 1);
    } else {
        write_items(path, data[0] % 3 == 0 ? TEND_RECORDING_SEGMENT : TEND_RECORDING_BUNDLE, (const char *)data + 1,
                    size - 1);
    }
    read_all(path);
    (void)unlink(path);
    return 0;
}
