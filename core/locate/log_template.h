#pragma once
/// Log template: a message with all that varies masked, so that messages of one place in a program are one.
///
/// A word with a digit in it, and what is quoted or bracketed by such words, becomes <*>; so UUIDs, hexadecimal
/// numbers, addresses, times and identifiers go. Bytes that are no printable ASCII become "?". Any bytes are safe, NUL
/// too.

#include <stddef.h>

enum {
    TEND_LOG_TEMPLATE_BYTES = 240, ///< what comes later is cut off, and so does not tell templates apart
    TEND_LOG_TEMPLATE_WORDS = 24,  ///< the same; mostly these end first, so that a long word moves no cut
    TEND_LOG_MESSAGE_BYTES = 4096  ///< of a message that are looked at
};

/// @param[out] out  the template with a NUL
/// @return its bytes, without the NUL
size_t tend_log_template(const char *message, size_t bytes, char out[TEND_LOG_TEMPLATE_BYTES + 1]);
