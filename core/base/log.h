#pragma once
/// Log: one line an event on stderr: level, a fixed phrase, then key=value.
///
/// error: a human must act; warn: tend coped; info: a decision and its reason; debug: the rest. Bytes that a target or
/// a script wrote are escaped (control characters, invalid UTF-8), so a log cannot be forged nor a terminal be driven.
/// nothing: for a level only, when virtual time makes a log of wall time pointless.
/// The level is per process and set once at start. Threads: safe.

#include "base/buffer.h"

enum tend_log_level { TEND_LOG_NOTHING = -1, TEND_LOG_ERROR, TEND_LOG_WARN, TEND_LOG_INFO, TEND_LOG_DEBUG };

void tend_log_set_level(enum tend_log_level level);
void tend_log(enum tend_log_level level, const char *format, ...) TEND_PRINTF(2, 3);

/// Bytes of the first character at start that may be shown as it is; 0: it is a control character, one that disguises
/// others (marks and overrides of the direction of writing), or no UTF-8. @param left  bytes there, 1 or more
size_t tend_log_printable_bytes(const char *start, size_t left);

/// Appends text with control characters, quotes and invalid UTF-8 as \xNN; in quotes when it has a space or is empty.
void tend_log_escape(struct tend_buffer *out, const char *text, size_t count);
