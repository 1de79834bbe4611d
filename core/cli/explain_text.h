#pragma once
/// Explain text: what `tend explain` prints for people, made from an explanation (api/explain.h).

#include "base/buffer.h"
#include "base/json.h"

void tend_explain_text_format(const json_t *story, struct tend_buffer *out);
