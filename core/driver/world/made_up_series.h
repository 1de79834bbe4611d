#pragma once
/// Made-up series: a name and labels that a selector of the rules would select, for a world that has no targets.
///
/// Labels that a selector matches by a regular expression, or does not want, get the first likely value that fits.
/// Texts are literals or belong to the selector, which must outlive the series. Pure functions.

#include "parse/selector.h"

#include <stdbool.h>
#include <stddef.h>

enum { TEND_MADE_UP_LABELS_MAX = 16 };

struct tend_made_up_series {
    const char *name;
    struct tend_label labels[TEND_MADE_UP_LABELS_MAX];
    size_t label_count;
};

/// Makes up a series that the selector selects. @return false: none of the values that it tried
bool tend_made_up_series_find(const struct tend_selector *selector, struct tend_made_up_series *out);
/// A series that @p whole selects and @p part does not: the rest of a share. It has the labels by which a part is told
/// apart, with other values, so that both look alike. @return false: none was found
bool tend_made_up_series_rest(const struct tend_selector *whole, const struct tend_selector *part,
                              struct tend_made_up_series *out);
bool tend_made_up_series_is_selected(const struct tend_made_up_series *series, const struct tend_selector *selector);
/// Gives a label a value, in place of the one that it has.
void tend_made_up_series_set_label(struct tend_made_up_series *series, const char *label, const char *value);
