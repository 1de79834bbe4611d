#pragma once
/// Wire: the small pieces that items are made of: numbers of varying length, texts, JSON.
///
/// A varint has 7 bits a byte, low ones first, the high bit set in all but the last. A signed number is a varint of its
/// zigzag form (0, -1, 1, -2 … are 0, 1, 2, 3 …). A text or JSON may be NULL. Failures are those of base/buffer.h: a
/// put into a failed buffer does nothing, a get past the end gives zeros and NULL and sets `failed`.

#include "base/buffer.h"
#include "base/json.h"

void tend_wire_put_varint(struct tend_buffer *out, uint64_t value);
void tend_wire_put_signed(struct tend_buffer *out, int64_t value);
/// A C string, or NULL. It has its NUL with it, so that a reader can borrow it.
void tend_wire_put_text(struct tend_buffer *out, const char *text);
void tend_wire_put_bytes(struct tend_buffer *out, const char *bytes, size_t count);
/// Any JSON value, or NULL; members keep their order.
void tend_wire_put_json(struct tend_buffer *out, const json_t *value);

uint64_t tend_wire_get_varint(struct tend_reader *in);
int64_t tend_wire_get_signed(struct tend_reader *in);
const char *tend_wire_get_text(struct tend_reader *in);                 ///< borrowed; NULL when it was NULL
const char *tend_wire_get_bytes(struct tend_reader *in, size_t *count); ///< borrowed; never NULL
json_t *tend_wire_get_json(struct tend_reader *in); ///< the caller's; NULL when it was NULL, or with `failed`
/// A count of things of which each takes at least @p least bytes: fails when so many cannot follow.
size_t tend_wire_get_count(struct tend_reader *in, size_t least);
/// Takes @p count bytes. @return borrowed, or NULL and `failed`
const char *tend_wire_take(struct tend_reader *in, size_t count);
