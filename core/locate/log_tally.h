#pragma once
/// Log tally: how often each log template of a service came since the tally was emptied. Those that differ in a word
/// that varies are one (log_variants.h).
///
/// Bounded: TEND_LOG_TEMPLATES_MAX templates, and one more a level for all others ("other lines"). Ownership: who
/// inits a tally clears it. Times are whatever the caller counts in.

#include "base/status.h"
#include "locate/log_variants.h"
#include "parse/log_line.h"

#include <stdint.h>

enum { TEND_LOG_TEMPLATES_MAX = 200 };
#define TEND_LOG_OTHER "other lines" ///< the template of those that no place is left for

/// One template and its lines.
struct tend_log_count {
    char text[TEND_LOG_TEMPLATE_BYTES + 1];
    enum tend_line_level level;
    uint64_t lines;
    int64_t first_ms; ///< when the first of them was read
};

struct tend_log_key {
    uint64_t hash;  ///< tend_log_template_hash
    uint64_t shape; ///< tend_log_shape
};

struct tend_log_tally {
    struct tend_log_count *counts; ///< in order of their first line
    struct tend_log_key *keys;     ///< of each
    size_t count, capacity;
    bool is_grave; ///< some are warnings or errors
};

void tend_log_tally_init(struct tend_log_tally *tally);
void tend_log_tally_clear(struct tend_log_tally *tally);
void tend_log_tally_empty(struct tend_log_tally *tally); ///< what it takes up stays, but for a tally that was large
/// Counts one line. @param template  as tend_log_template made it
/// @return TEND_OK, or TEND_E_NOMEM and it is not counted
TEND_MUST_CHECK enum tend_status tend_log_tally_add(struct tend_log_tally *tally, enum tend_line_level level,
                                                    const char *template, size_t bytes, int64_t at_ms,
                                                    const struct tend_log_names *names);

/// What a template of a level is found by: equal ones have equal hashes. The same on every machine.
uint64_t tend_log_template_hash(enum tend_line_level level, const char *template, size_t bytes);
