#pragma once
/// Tune text: what `tend tune` tells, for people, within 100 columns.

#include "base/buffer.h"
#include "base/json.h"

/// @param result  the document of driver/past/tuning_document.h
void tend_tune_text_format(const json_t *result, struct tend_buffer *out);
