#pragma once
/// Text: messages in buffers of a fixed size that may go anywhere: into JSON, the journal, a terminal.

#include "base/status.h"

#include <stddef.h>

/// As snprintf, but what it leaves is always valid UTF-8: a character that does not fit whole is left out, and so is
/// the rest; a byte that is no UTF-8 becomes "?". @param bytes  of out, at least 1
void tend_text_format(char *out, size_t bytes, const char *format, ...) TEND_PRINTF(3, 4);

/// Makes a NUL-terminated text valid in place, in the same way.
void tend_text_mend(char *text);
