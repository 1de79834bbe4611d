#pragma once
/// Mask patterns: regular expressions (PCRE2) whose matches in a log message are replaced by "<*>".
///
/// They look at bytes, know nothing of UTF-8, and have no effect on anything but the text that they are given. A match
/// is bounded; a message on which a pattern would take longer is masked whole: better nothing than a secret.
/// Ownership: who creates them destroys them. Threads: none.

#include "base/status.h"

struct tend_mask_patterns;

/// @param[out] error  what is wrong with the first pattern that is
/// @return TEND_OK, TEND_E_INVALID or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_mask_patterns_create(const char *const *texts, size_t count,
                                                           struct tend_mask_patterns **out, struct tend_error *error);
void tend_mask_patterns_destroy(struct tend_mask_patterns *patterns); ///< NULL is allowed

/// Masks a text in place. @param most  bytes that it may have; @p bytes of them are there
/// @return bytes that it has now
size_t tend_mask_patterns_apply(struct tend_mask_patterns *patterns, char *text, size_t bytes, size_t most);
