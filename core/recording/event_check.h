#pragma once
/// Event check: whether a recorded event is one that a driver could have given its engine.
///
/// A recording may come from anywhere. Its checks find damage, not intent; an engine trusts its driver to leave no text
/// out and to hand on only replies of the right shape, so whoever plays a recording into an engine asks here first.

#include "recording/recording.h"

/// @param part  an EVENT  @return NULL: it is; else what is wrong, as a phrase
const char *tend_event_check(const struct tend_recorded *part);
