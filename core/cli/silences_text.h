#pragma once
/// Silences text: what is silent now, as rows: whom, until when, by whom and why.

#include "base/buffer.h"
#include "base/json.h"

/// Writes a table of the member "silences" of @p status (GET /v1/status), each row after @p indent.
void tend_silences_text_put(const json_t *status, const char *indent, struct tend_buffer *out);
