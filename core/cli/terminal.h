#pragma once
/// Terminal: how values of the daemon's answers are shown to people.
///
/// All text is escaped (control characters, invalid UTF-8): names and values come from targets, and must not drive the
/// terminal. Missing members show as "-".

#include "base/buffer.h"
#include "base/json.h"
#include "base/status.h"

/// Writes a line to stderr, escaped as a whole: paths, arguments and the contents of files are anybody's.
void tend_terminal_complain(const char *format, ...) TEND_PRINTF(1, 2);
/// Appends text, escaped; NULL appends nothing.
void tend_terminal_put(struct tend_buffer *out, const char *text);
/// Appends a member's text, or @p otherwise when it is missing or no string.
void tend_terminal_put_member(struct tend_buffer *out, const json_t *object, const char *key, const char *otherwise);
/// Appends a list of strings, or of objects by their member @p name, with ", " between.
void tend_terminal_put_names(struct tend_buffer *out, const json_t *list, const char *name);
/// Appends a value in its unit ("1.2 s"), or "-" when it is null.
void tend_terminal_put_quantity(struct tend_buffer *out, const json_t *object, const char *key, const char *unit);
/// Appends by what load something is expected, " for traffic of 120 /s"; nothing where what was learned has none.
void tend_terminal_put_given(struct tend_buffer *out, const json_t *learned);
/// Appends a number with three digits, or "-".
void tend_terminal_put_number(struct tend_buffer *out, const json_t *object, const char *key);

/// A time of an answer: milliseconds since 1970, or RFC 3339 text, as milliseconds; -1: neither.
int64_t tend_terminal_wall_ms(const json_t *time);
/// Appends "2026-01-31 09:05:07Z", or "-" for a negative time.
void tend_terminal_put_time(struct tend_buffer *out, int64_t wall_ms);
/// Appends a span to be read, not computed with: "0.42 s", "12.5 s", "3 m 20 s", "5 h 12 m", "3 d 4 h"; "-" for NaN.
void tend_terminal_put_span(struct tend_buffer *out, double seconds);
