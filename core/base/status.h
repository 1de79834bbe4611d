#pragma once
/// Status and error: how functions say what went wrong.
///
/// A function that can fail returns `enum tend_status`; what a user will read is put, in the user's words, into a
/// `struct tend_error`. Absence is not an error: "no data" is NaN and "not found" is NULL.

#include <stdarg.h>
#include <stddef.h>

#define TEND_MUST_CHECK __attribute__((warn_unused_result))
#define TEND_PRINTF(format_index, first_argument) __attribute__((format(printf, format_index, first_argument)))

enum tend_status {
    TEND_OK = 0,
    TEND_E_NOMEM,        ///< an allocation failed
    TEND_E_INVALID,      ///< the input is not what the function takes; nothing was changed
    TEND_E_LIMIT,        ///< a limit that is documented was passed
    TEND_E_OUT_OF_ORDER, ///< older than what is held already
    TEND_E_IO,           ///< the operating system or a peer refused
    TEND_E_CORRUPT,      ///< stored bytes are not what was written
    TEND_END,            ///< no error: what is read part by part has no more
};

/// The status as a short phrase for messages: "out of memory", "invalid input" …
const char *tend_status_text(enum tend_status status);

/// A message for a person. Always NUL-terminated; cut with "…" when it is longer than it can hold.
struct tend_error {
    char text[512];
};

/// Sets the message. NULL is allowed for @p error: then nothing happens.
void tend_error_set(struct tend_error *error, const char *format, ...) TEND_PRINTF(2, 3);

/// Ends the process after writing where and what to stderr; for broken invariants of our own, in release too.
_Noreturn void tend_assert_failed(const char *file, int line, const char *what);

/// A broken invariant of our own: better to stop than to act on a wrong state. Input can never trip it.
#define TEND_ASSERT(condition) ((condition) ? (void)0 : tend_assert_failed(__FILE__, __LINE__, #condition))
