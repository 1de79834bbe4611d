#pragma once
/// Ledger page: the report of `tend report` as one HTML page. What it shows is in api/ledger.h.

#include "base/buffer.h"
#include "base/json.h"
#include "base/status.h"

/// Appends the page. Whatever a target, a rule or a person wrote is escaped.
void tend_ledger_page_render(const json_t *ledger, struct tend_buffer *out);
/// Writes it to a file. @return as tend_html_page_write
TEND_MUST_CHECK enum tend_status tend_ledger_page_write(const json_t *ledger, const char *path,
                                                        struct tend_error *error);
