#pragma once
/// Layout: which series the values of a target's row belong to, column by column. Immutable.
///
/// Scrapes of a target with the same series share one layout, so "nothing changed" is one comparison of pointers.
/// Ownership: reference-counted; a layout holds a reference to each of its label sets. Who gets a layout borrowed and
/// keeps it, retains it. Threads: one thread for all that share a layout (the count is no atomic).

#include "base/status.h"
#include "parse/exposition.h"
#include "series/label_set.h"

#include <stdint.h>

/// The value of a column whose series the newest scrape did not have: a NaN with these bits (Prometheus's stale
/// marker).
#define TEND_STALE_BITS UINT64_C(0x7ff0000000000002)
double tend_stale(void);          ///< that NaN
bool tend_is_stale(double value); ///< that NaN and no other

#define TEND_NO_COLUMN SIZE_MAX

struct tend_layout;

struct tend_column {
    const struct tend_label_set *labels;
    enum tend_series_type type; ///< as its first sample's metadata said
};

/// Makes a layout with one reference; retains the label sets. @param columns  no label set twice
/// @param[out] out  set on success, else left as it was  @return TEND_OK or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_layout_create(const struct tend_column *columns, size_t count,
                                                    const struct tend_layout **out);
const struct tend_layout *tend_layout_retain(const struct tend_layout *layout); ///< one more reference
void tend_layout_release(const struct tend_layout *layout);                     ///< NULL is allowed

size_t tend_layout_count(const struct tend_layout *layout); ///< columns; may be 0
/// A column. @param column  below the count
const struct tend_column *tend_layout_column(const struct tend_layout *layout, size_t column);
/// The column of a series, or TEND_NO_COLUMN.
size_t tend_layout_find(const struct tend_layout *layout, const struct tend_label_set *labels);
/// Whether both have the same columns in the same order.
bool tend_layout_equal(const struct tend_layout *a, const struct tend_layout *b);
