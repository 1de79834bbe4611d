#pragma once
/// Label set: what names one series: the metric's name and its labels, sorted by label name. Immutable.
///
/// A label with an empty value is the same as none and is left out. The canonical text is as in the text format,
/// `name{a="b",c="d"}`, names that need it quoted (`{"odd name",a="b"}`); two sets are equal when their texts are.
/// Ownership: reference-counted, one block each. Threads: one thread for all that share a set (the count is no atomic).

#include "base/status.h"
#include "parse/label.h"

#include <stdbool.h>

struct tend_label_set;

/// Makes a set with one reference. @param labels  any order, no name twice, copied
/// @param[out] out  set on success, else left as it was  @return TEND_OK or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_label_set_create(const char *name, size_t name_bytes,
                                                       const struct tend_label *labels, size_t label_count,
                                                       const struct tend_label_set **out);
const struct tend_label_set *tend_label_set_retain(const struct tend_label_set *set); ///< one more reference
void tend_label_set_release(const struct tend_label_set *set);                        ///< NULL is allowed

/// The metric's name; NUL-terminated too (a NUL inside is possible in quoted names). @param[out] bytes  NULL is allowed
const char *tend_label_set_name(const struct tend_label_set *set, size_t *bytes);
/// The value of a label, or NULL; NUL-terminated after its @p bytes. @param[out] bytes  NULL is allowed
const char *tend_label_set_get(const struct tend_label_set *set, const char *label_name, size_t *bytes);
/// The labels, sorted by name, for tend_selector_matches.
const struct tend_label *tend_label_set_labels(const struct tend_label_set *set, size_t *count);
/// The canonical text, NUL-terminated after its @p bytes. @param[out] bytes  NULL is allowed
const char *tend_label_set_text(const struct tend_label_set *set, size_t *bytes);
bool tend_label_set_equal(const struct tend_label_set *a, const struct tend_label_set *b);
/// Order by the bytes of the canonical text: < 0, 0 or > 0.
int tend_label_set_compare(const struct tend_label_set *a, const struct tend_label_set *b);
