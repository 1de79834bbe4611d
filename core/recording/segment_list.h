#pragma once
/// Segment list: the segments in a directory, by their names, "000000000012.tendrec". Other files there are nobody's
/// business.
///
/// Ownership: who reads a list frees it.

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tend_segment_list {
    uint64_t *numbers; ///< rising
    size_t count;
};

/// @return TEND_OK (also when there is none), TEND_E_IO or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_segment_list_read(const char *directory, struct tend_segment_list *out,
                                                        struct tend_error *error);
void tend_segment_list_clear(struct tend_segment_list *list);
/// The path of a segment; free() it. NULL: out of memory.
char *tend_segment_path(const char *directory, uint64_t number);
