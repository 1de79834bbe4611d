#pragma once
/// HTML page: the frame that tend's pages share: one file, its style inside, fetching nothing.
///
/// The policy in it names the hashes of the style and of the script: a browser that honours it runs nothing else, not
/// even what a fault in the escaping would let in. The style sheet is core/cli/simulation_page.css.

#include "base/buffer.h"
#include "base/status.h"

#include <stdbool.h>

/// Appends all up to and with <body>. @param title  escaped here  @param script  what runs in it, ours; NULL: nothing
void tend_html_page_begin(struct tend_buffer *out, const char *title, const char *script);
/// Writes a page to a file, whole or not at all as far as the reader of errors knows.
/// @return TEND_OK, TEND_E_NOMEM (the page is not whole) or TEND_E_IO
TEND_MUST_CHECK enum tend_status tend_html_page_write(const struct tend_buffer *page, const char *path,
                                                      struct tend_error *error);
