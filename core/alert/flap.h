#pragma once
/// Flap: an alert that fires and resolves again and again, and how much longer it must be in line to resolve.
///
/// It flaps from the TEND_FLAP_LEASTth firing within TEND_FLAP_WINDOW_MS on. Then the time in line that ends it is
/// doubled with each firing, up to TEND_FLAP_CLEAR_MS: soon it goes on firing through the pauses, and is told once. It
/// never fires late, as fire_after stays. Each TEND_FLAP_CALM_MS without a flip, resolved or out
/// without a break, takes one doubling back. What an act has cured did not flap: the engine begins anew then.
/// Units: `_ms` is the engine time of samples. All zero is an alert that never fired.

#include <stdbool.h>
#include <stdint.h>

#define TEND_FLAP_WINDOW_MS INT64_C(3600000)
#define TEND_FLAP_CALM_MS INT64_C(1800000)
#define TEND_FLAP_LEAST_CLEAR_MS INT64_C(60000) ///< what is doubled, when clear_after is shorter
#define TEND_FLAP_CLEAR_MS INT64_C(3600000)     ///< the longest that flapping makes clear_after
enum { TEND_FLAP_LEAST = 3, TEND_FLAP_LEVELS = 6, TEND_FLAP_TEXT_BYTES = 160 };

struct tend_flap {
    int64_t fired_ms[TEND_FLAP_LEAST]; ///< its newest firings, newest first
    int64_t began_ms;                  ///< the first firing that counts as flapping
    int64_t calm_ms;                   ///< since when it is calm: resolved, or out without a break
    uint32_t firings;                  ///< how many of fired_ms there are
    uint32_t level;                    ///< how often clear_after is doubled; 0: it does not flap
    uint32_t count;                    ///< how often it went out of line since began_ms
    uint32_t told;                     ///< the level that tend_flap_is_news was last true for
};

void tend_flap_fired(struct tend_flap *flap, int64_t at_ms);
/// It is in line after it fired: calm that lasted until now counts.
void tend_flap_in_line(struct tend_flap *flap, int64_t at_ms);
/// It went out of line again while it fired on. @param would_have  it would have been resolved, but for flapping
void tend_flap_out_again(struct tend_flap *flap, int64_t at_ms, bool would_have);
void tend_flap_resolved(struct tend_flap *flap, int64_t at_ms);

/// How long it must be in line to resolve now, instead of @p clear_after_ms.
int64_t tend_flap_clear_after_ms(const struct tend_flap *flap, int64_t clear_after_ms);
/// True once for each doubling.
bool tend_flap_is_news(struct tend_flap *flap);
/// "flapping: 5 times in 20m, clears after 8m", or "" when it does not. @return out
const char *tend_flap_text(const struct tend_flap *flap, int64_t clear_after_ms, int64_t now_ms,
                           char out[TEND_FLAP_TEXT_BYTES]);
