// Numbers of varying length, texts and JSON in items.

#include "recording/wire.h"

#include "recording/format.h"

#include <stdlib.h>
#include <string.h>

enum { VARINT_BYTES_MAX = 10 };

void tend_wire_put_varint(struct tend_buffer *out, uint64_t value)
{
    char *to = tend_buffer_reserve(out, VARINT_BYTES_MAX);
    if (to == NULL) {
        return;
    }
    size_t count = 0;
    for (; value >= 0x80; value >>= 7) {
        to[count++] = (char)(value | 0x80);
    }
    to[count++] = (char)value;
    out->size += count;
    to[count] = '\0';
}

void tend_wire_put_signed(struct tend_buffer *out, int64_t value)
{
    const uint64_t sign = value < 0 ? UINT64_MAX : 0;
    tend_wire_put_varint(out, (uint64_t)value << 1 ^ sign);
}

void tend_wire_put_bytes(struct tend_buffer *out, const char *bytes, size_t count)
{
    tend_wire_put_varint(out, count);
    tend_buffer_put(out, bytes, count);
}

void tend_wire_put_text(struct tend_buffer *out, const char *text)
{
    const size_t count = text == NULL ? 0 : strlen(text) + 1;
    tend_wire_put_varint(out, count);
    tend_buffer_put(out, text, count);
}

void tend_wire_put_json(struct tend_buffer *out, const json_t *value)
{
    if (value == NULL) {
        tend_wire_put_varint(out, 0);
        return;
    }
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
    if (text == NULL) {
        out->failed = true;
        return;
    }
    const size_t count = strlen(text);
    tend_wire_put_bytes(out, text, count);
    out->failed = out->failed || count > TEND_RECORDING_JSON_BYTES_MAX; // no reader would take it
    free(text);
}

const char *tend_wire_take(struct tend_reader *in, size_t count)
{
    if (in->failed || count > (size_t)(in->end - in->next)) {
        in->failed = true;
        return NULL;
    }
    const char *taken = in->next;
    in->next += count;
    return taken;
}

uint64_t tend_wire_get_varint(struct tend_reader *in)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !in->failed && in->next < in->end; shift += 7) {
        const uint8_t byte = (uint8_t)*in->next++;
        if (shift == 63 && byte > 1) {
            break; // more than 64 bits
        }
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return value;
        }
    }
    in->failed = true;
    return 0;
}

int64_t tend_wire_get_signed(struct tend_reader *in)
{
    const uint64_t value = tend_wire_get_varint(in);
    return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

const char *tend_wire_get_bytes(struct tend_reader *in, size_t *count)
{
    const uint64_t wanted = tend_wire_get_varint(in);
    const char *bytes = wanted > SIZE_MAX / 2 ? NULL : tend_wire_take(in, (size_t)wanted);
    in->failed = in->failed || bytes == NULL;
    *count = in->failed ? 0 : (size_t)wanted;
    return in->failed ? "" : bytes;
}

const char *tend_wire_get_text(struct tend_reader *in)
{
    size_t count;
    const char *bytes = tend_wire_get_bytes(in, &count);
    if (count == 0) {
        return NULL;
    }
    if (memchr(bytes, '\0', count) != bytes + count - 1) {
        in->failed = true;
        return NULL;
    }
    return bytes;
}

json_t *tend_wire_get_json(struct tend_reader *in)
{
    size_t count;
    const char *bytes = tend_wire_get_bytes(in, &count);
    if (count == 0) {
        return NULL;
    }
    json_t *value = count > TEND_RECORDING_JSON_BYTES_MAX
                        ? NULL
                        : json_loadb(bytes, count, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
    in->failed = in->failed || value == NULL;
    return value;
}

size_t tend_wire_get_count(struct tend_reader *in, size_t least)
{
    const uint64_t count = tend_wire_get_varint(in);
    if (in->failed || count > (size_t)(in->end - in->next) / least) {
        in->failed = true;
        return 0;
    }
    return (size_t)count;
}
