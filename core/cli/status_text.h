#pragma once
/// Status text: what `tend status` prints for people, made from the answer of /v1/status.

#include "base/buffer.h"
#include "base/json.h"

/// @param status  as tend_engine_status makes it; members that are missing show as "-" or not at all
void tend_status_text_format(const json_t *status, struct tend_buffer *out);
