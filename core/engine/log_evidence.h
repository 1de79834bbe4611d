#pragma once
/// Log evidence: what the log of one service said over the last ten minutes and before, as counts of templates, and
/// what of that is new or more than usual. Pure: no clock, no I/O.
///
/// Counts lie in 64 buckets of 10 s. What falls out of them goes on in a sum that halves each hour, so that "usual" is
/// known over a few hours in constant memory. Bounded: TEND_LOG_TEMPLATES_MAX templates and one more a level for all
/// others; a template that did not come for as long as the buckets reach makes room for a new one. Those that differ in
/// a word that varies are one (locate/log_variants.h). At most 160 KB a service, 600 B a template; 100 KB as measured
/// with 200 templates of 80 bytes. Units: `_ms` engine time.

#include "base/json.h"
#include "engine/event.h"
#include "locate/log_tally.h"

enum {
    TEND_LOG_BUCKETS = 64,
    TEND_LOG_BUCKET_MS = 10000,
    TEND_LOG_TRACKS_MAX = TEND_LOG_TEMPLATES_MAX + TEND_LINE_ERROR + 1,
};

struct tend_log_track {
    char *text;     ///< the template
    uint64_t hash;  ///< tend_log_template_hash
    uint64_t shape; ///< tend_log_shape
    enum tend_line_level level;
    int64_t first_ms;                   ///< when its first line came; when it was forgotten and came again, that one
    int64_t newest_ms;                  ///< when its newest line was counted
    double older;                       ///< lines before the buckets, halved each hour
    uint32_t buckets[TEND_LOG_BUCKETS]; ///< [number of the bucket modulo their count]
};

struct tend_log_evidence {
    struct tend_log_track *tracks;
    size_t count, capacity;
    int64_t since_ms;       ///< since when the log is read
    int64_t bucket;         ///< number of the newest: engine time / TEND_LOG_BUCKET_MS
    double older_s;         ///< seconds before the buckets, halved each hour as the lines are
    uint64_t skipped_bytes; ///< of the log, not read as too much came at once
    int64_t skipped_ms;     ///< when some were skipped last; TEND_NEVER_MS: never
};

/// @param at_ms  since when the log is read. @return NULL: out of memory
struct tend_log_evidence *tend_log_evidence_create(int64_t at_ms);
void tend_log_evidence_destroy(struct tend_log_evidence *evidence); ///< NULL is allowed
/// Takes what was counted up to @p at_ms. Aborts when out of memory, as the engine does.
/// @param names  of services, or NULL
void tend_log_evidence_take(struct tend_log_evidence *evidence, const struct tend_logged_service *logged, int64_t at_ms,
                            const struct tend_log_names *names);

/// What the log says of the time since @p onset_ms: the few lines that are new, more or fewer than usual, the most
/// telling first: [{"level", "template", "lines", "seconds", "expected" (lines), "up", "down" (nats of surprise),
/// "new", "lead_s" (its first line, before the onset), "skipped_bytes"?}].
/// @return NULL: nothing to tell, or the log is not known for long enough
json_t *tend_log_evidence_lines(const struct tend_log_evidence *evidence, int64_t onset_ms, int64_t now_ms);
