#pragma once
/// Shrink: makes a scenario that breaks something as small as it can be while it still breaks the same.
///
/// Each candidate is played. It drops what can go (faults, crashes, people, acts, services, instances), then makes what
/// is left plain: no odd times, no factors, a crash by name in place of one by number.

#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>

/// Plays a candidate. @return whether it still breaks the same
typedef bool tend_shrink_breaks(void *context, const json_t *scenario);

/// @param scenario  as tend_world_generate makes them; it breaks
/// @param most_tries  after so many candidates the smallest so far is taken
/// @param[out] tries  how many candidates were played; NULL is allowed
/// @return a new reference
json_t *tend_shrink(const json_t *scenario, const json_t *verbs, size_t most_tries, tend_shrink_breaks *breaks,
                    void *context, size_t *tries);
