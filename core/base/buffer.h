#pragma once
/// Buffer: bytes that grow, and a reader over bytes.
///
/// A writer never reports each failure: after a failed allocation the buffer is `failed`, later writes do nothing, and
/// the one test at the end sees it. Numbers are little-endian. Strings on the wire are a u32 length and the bytes.
/// Ownership: who calls init calls clear. A reader borrows its bytes.

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct tend_buffer {
    char *data;      ///< `size` bytes and a NUL after them; NULL while nothing was written
    size_t size;     ///< bytes written
    size_t capacity; ///< bytes allocated
    bool failed;     ///< an allocation failed; what is held is incomplete
};

void tend_buffer_init(struct tend_buffer *buffer);
void tend_buffer_clear(struct tend_buffer *buffer); ///< Frees and makes it empty; also ends `failed`.
void tend_buffer_reset(struct tend_buffer *buffer); ///< Makes it empty and keeps the memory for the next use.

/// Makes room for @p bytes more and returns where they go, or NULL (and `failed`); the caller then adds to `size`.
char *tend_buffer_reserve(struct tend_buffer *buffer, size_t bytes);
void tend_buffer_put(struct tend_buffer *buffer, const void *bytes, size_t count);
void tend_buffer_put_text(struct tend_buffer *buffer, const char *text); ///< the characters, no length, no NUL
void tend_buffer_printf(struct tend_buffer *buffer, const char *format, ...) TEND_PRINTF(2, 3);
void tend_buffer_put_u8(struct tend_buffer *buffer, uint8_t value);
void tend_buffer_put_u32(struct tend_buffer *buffer, uint32_t value);
void tend_buffer_put_u64(struct tend_buffer *buffer, uint64_t value);
void tend_buffer_put_f64(struct tend_buffer *buffer, double value); ///< the bits, so NaN payloads survive
void tend_buffer_put_string(struct tend_buffer *buffer, const char *bytes, size_t count); ///< u32 length, bytes
/// Returns the text, never NULL: "" when nothing was written.
const char *tend_buffer_text(const struct tend_buffer *buffer);

/// Reads what a buffer wrote. Past the end every get returns zeros and `failed` stays set.
struct tend_reader {
    const char *next;
    const char *end;
    bool failed;
};

struct tend_reader tend_reader_over(const void *bytes, size_t count);
uint8_t tend_reader_get_u8(struct tend_reader *reader);
uint32_t tend_reader_get_u32(struct tend_reader *reader);
uint64_t tend_reader_get_u64(struct tend_reader *reader);
double tend_reader_get_f64(struct tend_reader *reader);
/// A string of put_string, borrowed from the bytes and NOT NUL-terminated. @param[out] count its length
const char *tend_reader_get_string(struct tend_reader *reader, size_t *count);
