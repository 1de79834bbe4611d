// The header of a file, and checks.

#include "recording/format.h"

#include "base/buffer.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <string.h>

enum { AT_FORMAT = 8, AT_WHAT = 12, AT_NUMBER = 16, AT_TIME = 24, AT_WALL = 32, AT_CHECK = 40 };

bool tend_recording_check(const void *bytes, size_t count, uint64_t *out)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    if (EVP_Digest(bytes, count, hash, NULL, EVP_sha256(), NULL) != 1) {
        return false;
    }
    *out = tend_recording_get_u64((const char *)hash);
    return true;
}

uint32_t tend_recording_get_u32(const char *at)
{
    struct tend_reader reader = tend_reader_over(at, sizeof(uint32_t));
    return tend_reader_get_u32(&reader);
}

uint64_t tend_recording_get_u64(const char *at)
{
    struct tend_reader reader = tend_reader_over(at, sizeof(uint64_t));
    return tend_reader_get_u64(&reader);
}

bool tend_recording_put_file_header(struct tend_recording_file_header *header, char *bytes)
{
    struct tend_buffer buffer;
    tend_buffer_init(&buffer);
    tend_buffer_put(&buffer, TEND_RECORDING_MAGIC, AT_FORMAT);
    tend_buffer_put_u32(&buffer, TEND_RECORDING_FORMAT);
    tend_buffer_put_u32(&buffer, header->what);
    tend_buffer_put_u64(&buffer, header->number);
    tend_buffer_put_u64(&buffer, (uint64_t)header->at_ms);
    tend_buffer_put_u64(&buffer, (uint64_t)header->wall_ms);
    bool done = !buffer.failed && tend_recording_check(buffer.data, AT_CHECK, &header->check);
    tend_buffer_put_u64(&buffer, header->check);
    done = done && !buffer.failed;
    if (done) {
        memcpy(bytes, buffer.data, TEND_RECORDING_FILE_HEADER_BYTES);
    }
    tend_buffer_clear(&buffer);
    return done;
}

enum tend_status tend_recording_get_file_header(const char *bytes, size_t count, const char *path,
                                                struct tend_recording_file_header *out, struct tend_error *error)
{
    const size_t known = count < AT_FORMAT ? count : AT_FORMAT;
    if (count == 0 || memcmp(bytes, TEND_RECORDING_MAGIC, known) != 0) {
        tend_error_set(error, "%s is not a recording of tend", path);
        return TEND_E_INVALID;
    }
    if (count < TEND_RECORDING_FILE_HEADER_BYTES) {
        tend_error_set(error, "%s: byte %zu: a recording that ends within its header", path, count);
        return TEND_E_INVALID;
    }
    const uint32_t format = tend_recording_get_u32(bytes + AT_FORMAT);
    if (format != TEND_RECORDING_FORMAT) {
        tend_error_set(error, "%s has format %" PRIu32 " of recordings, and this tend knows format %d only", path,
                       format, TEND_RECORDING_FORMAT);
        return TEND_E_INVALID;
    }
    out->check = tend_recording_get_u64(bytes + AT_CHECK);
    const uint32_t what = tend_recording_get_u32(bytes + AT_WHAT);
    uint64_t check;
    if (!tend_recording_check(bytes, AT_CHECK, &check)) {
        tend_error_set(error, "out of memory");
        return TEND_E_NOMEM;
    }
    if (out->check != check || what > TEND_RECORDING_BUNDLE) {
        tend_error_set(error, "%s: byte %d: the header of the recording is damaged", path, AT_FORMAT);
        return TEND_E_INVALID;
    }
    out->what = (enum tend_recording_file)what;
    out->number = tend_recording_get_u64(bytes + AT_NUMBER);
    out->at_ms = (int64_t)tend_recording_get_u64(bytes + AT_TIME);
    out->wall_ms = (int64_t)tend_recording_get_u64(bytes + AT_WALL);
    return TEND_OK;
}
