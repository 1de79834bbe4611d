#pragma once
/// JSON: the few things that jansson leaves to each of its users.
///
/// `json_t` is jansson's; these functions take NULL where a lookup failed, so that reading nested data needs one test
/// at the end. Numbers that JSON lacks (NaN, infinities) are written as null, and read back as NaN.

#include "base/buffer.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/// A member's text, or @p otherwise when it is missing or no string. Borrowed from the object.
const char *tend_json_text(const json_t *object, const char *key, const char *otherwise);
/// A member's number (integer or real); null gives NaN, missing or other types give @p otherwise.
double tend_json_number(const json_t *object, const char *key, double otherwise);
int64_t tend_json_integer(const json_t *object, const char *key, int64_t otherwise);
bool tend_json_bool(const json_t *object, const char *key, bool otherwise);

/// A real, or null for NaN and infinities. Never NULL but when out of memory.
json_t *tend_json_real(double value);
/// A string of any bytes: what is no valid UTF-8 comes as \xNN text. Never NULL but when out of memory.
json_t *tend_json_string(const char *bytes, size_t count);

/// The value as compact JSON with sorted keys, so that equal values give equal bytes; free() it. NULL: out of memory.
char *tend_json_canonical(const json_t *value);
/// Appends the same text.
void tend_json_put(struct tend_buffer *out, const json_t *value);

/// SHA-256 of bytes as 64 lowercase hex digits and a NUL.
void tend_sha256_hex(const void *bytes, size_t count, char out[65]);
