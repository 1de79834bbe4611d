#pragma once
/// Study: the columns of a frame while evidence is drawn from them. Private to this folder.
///
/// Some columns are made from others: time on the way (a caller's latency less what the callee sees) and calls made
/// (how often a caller calls, for each time that it is called itself). Ownership: a study borrows its frame and edges;
/// who fills its columns clears it.

#include "locate/column_kind.h"
#include "locate/evidence.h"
#include "locate/metric_frame.h"

#include <jansson.h>

struct tend_study_column {
    struct tend_metric_column *from;
    struct tend_column_class class;
    const char *caller; ///< of calls made; NULL of others
    const char *callee;
    bool is_way, is_made, is_share;
    bool is_mean;       ///< it was a sum, and its values are for each one now
    bool is_counter;    ///< it only grew: its values became what it grew by from row to row
    size_t first_reset; ///< of a counter: the row at which it began anew; SIZE_MAX: it never did
    double level;       ///< the median of the healthy rows; NaN when there is none
    double peers;       ///< the median level of the columns of the same metric
    double silence;     ///< points of having no values where its peers have some
    size_t sharers;     ///< of calls made: among how many callers the callee's calls are divided
};

enum { TEND_STUDY_VIEWS_MAX = 8 };

/// One moment that may have been the onset.
struct tend_study_view {
    double onset_s;
    double weight; ///< how likely it is, against the others
    struct tend_evidence_rows rows;
};

struct tend_study {
    struct tend_metric_frame *frame;
    const json_t *edges; ///< [[caller, callee], …] or NULL
    struct tend_study_column *columns;
    size_t count, capacity;
    size_t plain;                                       ///< the first ones, which are the frame's own
    struct tend_evidence_rows rows;                     ///< for all views: [0, healthy) is before all of them
    struct tend_study_view views[TEND_STUDY_VIEWS_MAX]; ///< different ones, the likeliest first
    size_t view_count;
    size_t first_rows; ///< so many live ones are looked at by themselves too; 0: none
    struct tend_evidence_scratch scratch;
    struct tend_study_column **by_metric;
    struct tend_study_column **by_owner; ///< the plain ones
};

/// Fills the columns: classified, successes turned to failures, errors divided by calls, the made ones added.
/// @return TEND_OK or TEND_E_NOMEM; either way tend_study_clear is due
TEND_MUST_CHECK enum tend_status tend_study_prepare(struct tend_study *study);
void tend_study_clear(struct tend_study *study);
