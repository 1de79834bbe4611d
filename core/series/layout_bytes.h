#pragma once
/// Layout as bytes: what a checkpoint keeps of it. The same columns in the same order give the same bytes.

#include "base/buffer.h"
#include "series/layout.h"

void tend_layout_save(const struct tend_layout *layout, struct tend_buffer *out);
/// Reads what save wrote.
/// @param[out] out  a new layout, set on success, else left as it was
/// @return TEND_OK, TEND_E_CORRUPT or TEND_E_NOMEM; then the reader has failed
TEND_MUST_CHECK enum tend_status tend_layout_load(struct tend_reader *reader, const struct tend_layout **out);
