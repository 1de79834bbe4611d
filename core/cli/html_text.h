#pragma once
/// HTML text: strings that others wrote, put into a page in such a way that they are text and nothing else.
///
/// `& < > " '` become entities; control characters, marks that turn the direction of writing, and bytes that are no
/// UTF-8 are shown as \xNN. So the same text is right between tags and inside a quoted attribute. Threads: none.

#include "base/buffer.h"

#include <stddef.h>

/// Appends text; NULL is "".
void tend_html_put(struct tend_buffer *out, const char *text);
/// Appends at most @p characters of it, the last of them an ellipsis where it had more.
void tend_html_put_clipped(struct tend_buffer *out, const char *text, size_t characters);
/// Appends `<tag class="…">text</tag>`. @param tag, class  our own words; class NULL: none
void tend_html_element(struct tend_buffer *out, const char *tag, const char *class, const char *text);
/// Appends what printf would, escaped. Up to 1 KiB.
void tend_html_printf(struct tend_buffer *out, const char *format, ...) TEND_PRINTF(2, 3);
