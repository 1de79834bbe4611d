#pragma once
/// Tuning advice: which point of a rule's grid fits a budget of false alarms, and is the best of those that do.
///
/// A point fits when the past had no more false alarms under it than the budget allows in as long a time, and these did
/// not fire for more than a tenth of it: one alarm that never ends is no quiet rule. Of those that fit: the one that
/// finds most marked incidents; of these the one that finds them soonest; of these the one that changes least. Without
/// marks: the one that changes least, and as it is when that fits. A point that is more sensitive than the present is
/// suggested only for what it finds.

#include "driver/past/tuning.h"

/// Sets `suggested` and `advice`, from points that are judged. @param marks  how many incidents are marked
void tend_tuning_advise(struct tend_tuning_rule *rule, const struct tend_tuning_budget *budget, size_t marks);
