#pragma once
/// Blame: a locator's answer changed so that a given service is the culprit, to see what would come of that.

#include "base/json.h"

/// A locator's answer in which this service is the one culprit, when it is in the ranking; else there is none yet, and
/// nothing is done. A new reference.
json_t *tend_blame(const json_t *answer, const char *service);
