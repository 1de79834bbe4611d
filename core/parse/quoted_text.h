#pragma once
/// Quoted text: strings of PromQL, in double or single quotes with Go's escapes, or raw in back quotes.

#include "base/buffer.h"

/// Reads a string that begins at *at with its quote, appends what it means to @p out (bytes as they come: \xff is one),
/// and moves *at behind the closing quote.
/// @param[out] fault_at  where the fault is, when there is one
/// @return NULL, or what is wrong; out of memory shows in the buffer
const char *tend_quoted_text_read(const char **at, const char *end, struct tend_buffer *out, const char **fault_at);

/// Appends text for a message: what tend_log_printable_bytes says must not be shown as \xNN, all else as it is.
void tend_text_escape(struct tend_buffer *out, const char *text, size_t bytes);
