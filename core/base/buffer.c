// A growing byte buffer, doubled as it fills, with one byte kept for a NUL; and a bounds-checked reader.

#include "base/buffer.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tend_buffer_init(struct tend_buffer *buffer)
{
    *buffer = (struct tend_buffer){ .data = NULL };
}

void tend_buffer_clear(struct tend_buffer *buffer)
{
    free(buffer->data);
    tend_buffer_init(buffer);
}

void tend_buffer_reset(struct tend_buffer *buffer)
{
    buffer->size = 0;
    buffer->failed = false;
    if (buffer->data != NULL) {
        buffer->data[0] = '\0';
    }
}

char *tend_buffer_reserve(struct tend_buffer *buffer, size_t bytes)
{
    if (buffer->failed) {
        return NULL;
    }
    if (bytes >= SIZE_MAX / 4 || buffer->size >= SIZE_MAX / 4) {
        buffer->failed = true;
        return NULL;
    }
    const size_t needed = buffer->size + bytes + 1;
    if (needed > buffer->capacity) {
        size_t capacity = buffer->capacity < 64 ? 64 : buffer->capacity;
        while (capacity < needed) {
            capacity *= 2;
        }
        char *grown = realloc(buffer->data, capacity);
        if (grown == NULL) {
            buffer->failed = true;
            return NULL;
        }
        buffer->data = grown;
        buffer->capacity = capacity;
    }
    return buffer->data + buffer->size;
}

void tend_buffer_put(struct tend_buffer *buffer, const void *bytes, size_t count)
{
    char *to = tend_buffer_reserve(buffer, count);
    if (to == NULL) {
        return;
    }
    if (count > 0) {
        memcpy(to, bytes, count);
    }
    buffer->size += count;
    buffer->data[buffer->size] = '\0';
}

void tend_buffer_put_text(struct tend_buffer *buffer, const char *text)
{
    tend_buffer_put(buffer, text, strlen(text));
}

void tend_buffer_printf(struct tend_buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    const int wanted = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *to = wanted < 0 ? NULL : tend_buffer_reserve(buffer, (size_t)wanted);
    if (to != NULL) {
        (void)vsnprintf(to, (size_t)wanted + 1, format, again);
        buffer->size += (size_t)wanted;
    } else {
        buffer->failed = true;
    }
    va_end(again);
}

// Inline, so that the copy is one of known size: a tick's request is made of a hundred thousand of them a second.
static inline void put_little_endian(struct tend_buffer *buffer, uint64_t value, size_t count)
{
    const bool has_room = !buffer->failed && buffer->capacity - buffer->size > count; // capacity 0: no data
    char *to = has_room ? buffer->data + buffer->size : tend_buffer_reserve(buffer, count);
    if (to == NULL) {
        return;
    }
    const uint64_t bytes = htole64(value);
    memcpy(to, &bytes, count);
    to[count] = '\0';
    buffer->size += count;
}

void tend_buffer_put_u8(struct tend_buffer *buffer, uint8_t value)
{
    put_little_endian(buffer, value, 1);
}

void tend_buffer_put_u32(struct tend_buffer *buffer, uint32_t value)
{
    put_little_endian(buffer, value, 4);
}

void tend_buffer_put_u64(struct tend_buffer *buffer, uint64_t value)
{
    put_little_endian(buffer, value, 8);
}

void tend_buffer_put_f64(struct tend_buffer *buffer, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_little_endian(buffer, bits, 8);
}

void tend_buffer_put_string(struct tend_buffer *buffer, const char *bytes, size_t count)
{
    if (count > UINT32_MAX) {
        buffer->failed = true;
        return;
    }
    tend_buffer_put_u32(buffer, (uint32_t)count);
    tend_buffer_put(buffer, bytes, count);
}

const char *tend_buffer_text(const struct tend_buffer *buffer)
{
    return buffer->data == NULL ? "" : buffer->data;
}

struct tend_reader tend_reader_over(const void *bytes, size_t count)
{
    const char *start = bytes;
    return (struct tend_reader){ .next = start, .end = start + count };
}

static inline uint64_t get_little_endian(struct tend_reader *reader, size_t count)
{
    if (reader->failed || (size_t)(reader->end - reader->next) < count) {
        reader->failed = true;
        return 0;
    }
    uint64_t bytes = 0;
    memcpy(&bytes, reader->next, count);
    reader->next += count;
    return le64toh(bytes);
}

uint8_t tend_reader_get_u8(struct tend_reader *reader)
{
    return (uint8_t)get_little_endian(reader, 1);
}

uint32_t tend_reader_get_u32(struct tend_reader *reader)
{
    return (uint32_t)get_little_endian(reader, 4);
}

uint64_t tend_reader_get_u64(struct tend_reader *reader)
{
    return get_little_endian(reader, 8);
}

double tend_reader_get_f64(struct tend_reader *reader)
{
    const uint64_t bits = get_little_endian(reader, 8);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

const char *tend_reader_get_string(struct tend_reader *reader, size_t *count)
{
    const uint32_t length = tend_reader_get_u32(reader);
    if (reader->failed || (size_t)(reader->end - reader->next) < length) {
        reader->failed = true;
        *count = 0;
        return "";
    }
    const char *string = reader->next;
    reader->next += length;
    *count = length;
    return string;
}
