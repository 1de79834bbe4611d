#pragma once
/// Series window: the newest scrapes of one instance, good and failed, with their series: what metrics are made from.
///
/// Follows the target's layout: when a scrape comes with another one, columns are carried over by label set. Covers a
/// time (`window_ms`), not a number of scrapes; nothing allocates while the layout stays the same.
/// Units: milliseconds of engine time; seconds for durations.
/// Ownership: who creates a window destroys it; it retains the layout it holds. Threads: one.

#include "base/buffer.h"
#include "base/status.h"
#include "series/layout.h"
#include "series/row_window.h"
#include "series/scrape_kind.h"

#include <stdbool.h>
#include <stdint.h>

struct tend_series_window;

#define TEND_NEVER_MS INT64_MIN

/// What is known about an instance's scrapes without a look at their series.
struct tend_scrape_history {
    int64_t first_ms;           ///< of the first scrape, good or failed; TEND_NEVER_MS: none yet
    int64_t newest_ms;          ///< of the newest scrape, good or failed
    int64_t newest_good_ms;     ///< TEND_NEVER_MS: none yet
    int64_t newest_failed_ms;   ///< TEND_NEVER_MS: none yet
    uint64_t good_count;        ///< since create
    uint64_t failed_count;      ///< since create
    uint32_t good_in_a_row;     ///< up to the newest
    uint32_t failed_in_a_row;   ///< up to the newest
    enum tend_scrape_kind kind; ///< of the newest scrape
    double duration_s;          ///< of the newest scrape; NaN: none yet
    double process_start_s;     ///< newest process_start_time_seconds (wall); NaN: the target does not say
    int64_t restart_seen_ms;    ///< the scrape that first showed another process_start_time_seconds; TEND_NEVER_MS
    int64_t cut_ms;             ///< scrapes at or before it are not used for metrics; TEND_NEVER_MS: none
};

/// Makes an empty window. @param window_ms  the longest time a metric looks back  @param every_ms  the scrape interval
/// @param[out] out  set on success, else left as it was  @return TEND_OK, TEND_E_INVALID (neither may be < 1) or
/// TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_series_window_create(int64_t window_ms, int64_t every_ms,
                                                           struct tend_series_window **out);
void tend_series_window_destroy(struct tend_series_window *window); ///< NULL is allowed

/// Changes what it covers, after a reload; keeps its newest scrapes. @return as create; on failure it is unchanged
TEND_MUST_CHECK enum tend_status tend_series_window_resize(struct tend_series_window *window, int64_t window_ms,
                                                           int64_t every_ms);

/// Adds a good scrape. @param layout  retained when it is another than before  @param values  a value for each column
/// @return TEND_OK; TEND_E_OUT_OF_ORDER (not newer than the newest) or TEND_E_NOMEM: the window is unchanged
TEND_MUST_CHECK enum tend_status tend_series_window_push(struct tend_series_window *window, int64_t at_ms,
                                                         double duration_s, const struct tend_layout *layout,
                                                         const double *values);
/// Adds a failed scrape. @param kind  not TEND_SCRAPE_OK  @return as push
TEND_MUST_CHECK enum tend_status tend_series_window_push_failed(struct tend_series_window *window, int64_t at_ms,
                                                                double duration_s, enum tend_scrape_kind kind);
/// From now on uses only scrapes newer than @p cut_ms (an act ended then, or the clock jumped). Never moves back.
void tend_series_window_cut(struct tend_series_window *window, int64_t cut_ms);

const struct tend_scrape_history *tend_series_window_history(const struct tend_series_window *window);
/// The layout of its columns, borrowed; NULL before the first good scrape.
const struct tend_layout *tend_series_window_layout(const struct tend_series_window *window);
/// The newest value of a column, or NaN: the newest scrape failed or lacks it, or it is not newer than the cut.
double tend_series_window_newest(const struct tend_series_window *window, size_t column);

/// What a column had gained when it appeared at @p at_ms in a target that was being watched: a counter that was not in
/// the good scrape before, of the same process, began at 0 (or fell, when it was known with a larger value long ago).
/// NaN when it did not appear then, or what it gained is not known.
double tend_series_window_birth(const struct tend_series_window *window, size_t column, int64_t at_ms);

/// Whether a column's series was seen of the process that the newest good scrape was of; false where the target does
/// not tell when its process began, for then nobody knows.
bool tend_series_window_is_of_process(const struct tend_series_window *window, size_t column);

/// One scrape of the window. Rows go from 0, the oldest, to count - 1.
struct tend_scrape_row {
    int64_t at_ms;
    bool good;
    double process_start_s; ///< NaN: not known
    const double *values;   ///< a value for each column of the layout; NaN all where it failed; borrowed until a push
};
size_t tend_series_window_count(const struct tend_series_window *window);
struct tend_scrape_row tend_series_window_row(const struct tend_series_window *window, size_t row);
/// The rows begin … end - 1 where they lie, each from its first column on; for passes over many of them.
void tend_series_window_pieces(const struct tend_series_window *window, size_t begin, size_t end,
                               struct tend_row_piece pieces[2]);
/// The first row newer than both @p after_ms and the cut; the count when there is none.
size_t tend_series_window_first_after(const struct tend_series_window *window, int64_t after_ms);

/// Appends all that the window holds but its layout, which windows may share: who keeps the bytes keeps that beside
/// them. The same contents give the same bytes, whatever they went through.
void tend_series_window_save(const struct tend_series_window *window, struct tend_buffer *out);
/// Fills a window, as create made it, with what save wrote of one that covers the same time.
/// @param layout  what tend_series_window_layout said when it was saved; retained
/// @return TEND_OK; TEND_E_CORRUPT or TEND_E_NOMEM: the reader has failed, and the window can only be destroyed
TEND_MUST_CHECK enum tend_status tend_series_window_load(struct tend_series_window *window,
                                                         const struct tend_layout *layout, struct tend_reader *reader);
