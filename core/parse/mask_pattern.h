#pragma once
/// Mask patterns: regular expressions (PCRE2) whose matches in a log message are replaced by "<*>".
///
/// They look at bytes, know nothing of UTF-8, and have no effect on anything but the text that they are given. Time is
/// bounded, whatever they are and whatever is in the text: a message on which they would take longer than is left is
/// masked whole: better nothing than a secret. Of a text that is longer than TEND_MASK_TEXT_BYTES the rest is left out.
/// Ownership: who creates them destroys them. Threads: none.

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

enum { TEND_MASK_TEXT_BYTES = 1280 };

struct tend_mask_patterns;

/// @param[out] error  what is wrong with the first pattern that is
/// @return TEND_OK, TEND_E_INVALID or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_mask_patterns_create(const char *const *texts, size_t count,
                                                           struct tend_mask_patterns **out, struct tend_error *error);
void tend_mask_patterns_destroy(struct tend_mask_patterns *patterns); ///< NULL is allowed

/// Masks a text in place. Without any pattern it stays as it is.
/// @param most  bytes that it may have; @p bytes of them are there
/// @param left_ns  CPU time that may be spent, for this text and those after it; what it took is taken off
/// @return bytes that it has now
size_t tend_mask_patterns_apply(struct tend_mask_patterns *patterns, char *text, size_t bytes, size_t most,
                                int64_t *left_ns);
