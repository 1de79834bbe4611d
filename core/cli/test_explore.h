#pragma once
/// Test, explore: what `tend test --explore` prints of a search for trouble.

#include "driver/world/explore.h"

/// Searches, with a progress bar, and prints what came of it on stdout, as text or as one JSON object.
/// @param options  without progress  @return an enum tend_exit: trouble when something was found
int tend_test_explore(const struct tend_explore_options *options, bool json);
