#pragma once
/// Ledger text: the report of `tend report` for a terminal. What it shows is in api/ledger.h.

#include "base/buffer.h"
#include "base/json.h"

void tend_ledger_text_format(const json_t *ledger, struct tend_buffer *out);
