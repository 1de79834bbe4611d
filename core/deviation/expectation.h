#pragma once
/// Expectation: fills E where it is not a constant: from peers, or from a metric's own last values.
///
/// Sums run in the order of the slots given, and never over a difference of large sums. NaN is no data and is skipped.
/// Ownership: who creates a history destroys it. Threads: one.

#include "base/buffer.h"
#include "base/status.h"
#include "deviation/deviation.h"

#include <stdbool.h>

/// Sets E of each slot to the mean of P over its peers in the list, all but itself, less those that are far from the
/// rest (below). NaN where no peer has data.
/// @param slots  of one metric, in a fixed order, none twice  @param scratch  room for `count`
void tend_expect_peers(struct tend_metric_table *table, const size_t *slots, size_t count, double *scratch);
/// Sets E of each slot to the plain mean of P over all of the list, itself too, whatever they say.
void tend_expect_all(struct tend_metric_table *table, const size_t *slots, size_t count);
/// The plain mean of P over slots; NaN where none has data.
double tend_mean_of_all(const struct tend_metric_table *table, const size_t *slots, size_t count);

/// Sets E of one slot to the mean of P over other slots, less those that are far from the rest; NaN where none has
/// data.
void tend_expect_mean_of(struct tend_metric_table *table, size_t slot, const size_t *peers, size_t count,
                         double *scratch);
// Far from the rest: from three peers on, one that is farther from the median M of all of them than both
//   α · max(|M|, floor): by the metric's own threshold it would be out of line there, and
//   3.5 · MAD / 0.6745: MAD is the median distance from M (modified z-score of B. Iglewicz and D. C. Hoaglin, "How to
//   Detect and Handle Outliers", ASQC 1993).
// So peers that agree as well as the threshold asks are never left out, and less than half ever is: where half or more
// are bad, the median is one of them, or the MAD is as wide as the gap, and nothing here can tell.

/// The last values of one metric.
struct tend_history;

/// @param samples  how many, at least 1  @return TEND_OK, TEND_E_INVALID or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_history_create(size_t samples, struct tend_history **out);
void tend_history_destroy(struct tend_history *history); ///< NULL is allowed

/// The mean of the values held, oldest first, once all `samples` of them are there; before that NaN (warming up).
double tend_history_mean(const struct tend_history *history);
/// Adds a value after the expectation for it was taken; the oldest goes. NaN is not kept, nor anything while frozen: a
/// service that is firing or being acted on must not teach what is normal.
void tend_history_push(struct tend_history *history, double p, bool frozen);

/// Appends the values held. The same values in the same order give the same bytes.
void tend_history_save(const struct tend_history *history, struct tend_buffer *out);
/// Fills an empty history with what save wrote of one for as many samples. @return TEND_OK, or TEND_E_CORRUPT: the
/// reader has failed, and the history can only be destroyed
TEND_MUST_CHECK enum tend_status tend_history_load(struct tend_history *history, struct tend_reader *reader);
