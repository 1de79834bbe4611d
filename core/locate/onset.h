#pragma once
/// Onset: when the columns of a study changed for the worse, all together.
///
/// Units: seconds since 1970. Threads: none shared.

#include "locate/study.h"

/// Where to look, and what for.
struct tend_onset_search {
    double near_s;       ///< where it is expected; NaN: anywhere, rather late than early
    double around_s;     ///< how far from there it may be
    const char *service; ///< whose symptom raised the alarm: it votes thrice; NULL: not known
};

enum { TEND_ONSETS_MAX = 3 };

struct tend_onsets {
    double at_s[TEND_ONSETS_MAX]; ///< the likeliest first
    size_t count;
};

/// Looks for the moment between two rows after which most columns are worse than before. When it may be anywhere, what
/// is near the end of the rows is preferred, but another moment for which far more columns vote is told as well.
/// @param[out] onsets  at least one; near_s when nothing changed there
/// @return TEND_OK or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_onset_find(const struct tend_study *study, const struct tend_onset_search *search,
                                                 struct tend_onsets *onsets);
