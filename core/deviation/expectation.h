#pragma once
/// Expectation: fills E where it is not a constant: from peers, or from a metric's own last values.
///
/// Sums run in the order of the slots given, and never over a difference of large sums. NaN is no data and is skipped.
/// Ownership: who creates a history destroys it. Threads: one.

#include "base/buffer.h"
#include "base/status.h"
#include "deviation/deviation.h"

#include <stdbool.h>

/// Sets E of each slot to the mean of P over its peers in the list: all of them, or all but itself. NaN where no peer
/// has data. @param slots  in a fixed order, none twice
void tend_expect_peers(struct tend_metric_table *table, const size_t *slots, size_t count, bool with_self);

/// Sets E of one slot to the mean of P over other slots; NaN where none has data.
void tend_expect_mean_of(struct tend_metric_table *table, size_t slot, const size_t *peers, size_t count);

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
