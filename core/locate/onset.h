#pragma once
/// Onset: when a whole set of columns changed.
///
/// Units: seconds since 1970. Threads: none shared.

#include "locate/metric_frame.h"

/// Looks for the moment between two rows at which most columns changed most.
/// @param near_s  where it is expected, or NaN: anywhere but the first third of the rows
/// @param around_s  how far from there it may be
/// @param[out] onset_s  set on success
/// @return TEND_OK or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_onset_find(const struct tend_metric_frame *frame, double near_s, double around_s,
                                                 double *onset_s);
