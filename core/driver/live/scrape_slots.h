#pragma once
/// Scrape slots: when each target is scraped next.
///
/// A target starts at `phase + k * every`: the phase is a multiple of 100 ms (a slot) chosen by a hash of its URL, so
/// the starts of a fleet are spread over the interval, the same way after each restart, and those of one slot share one
/// wake-up. A start that was overslept by a whole interval or more is not made up for: it is counted as missed and the
/// target keeps its phase, so that a long stall does not end in a herd.
/// Units: engine time in milliseconds (`_ms`). Knows no clock. Ownership: who creates it destroys it. Threads: none.

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

#define TEND_SCRAPE_SLOT_MS 100

struct tend_scrape_slots; // opaque: the fields are in scrape_slots.c

struct tend_scrape_start {
    size_t target;   ///< the index that it was set with
    int64_t due_ms;  ///< when it should have started
    int64_t late_ms; ///< how long after that it is taken; 0 for a first start: adding a large fleet takes its time
    uint64_t missed; ///< 0: start it now; else so many starts were overslept, this one too: leave it, it comes again
};

TEND_MUST_CHECK enum tend_status tend_scrape_slots_create(struct tend_scrape_slots **out);
void tend_scrape_slots_destroy(struct tend_scrape_slots *slots); ///< NULL is allowed

/// Adds or changes a target; its next start is the first of its phase after @p now_ms. With the same URL and interval
/// nothing changes. @param every_ms  at least 1  @return TEND_OK, TEND_E_INVALID or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_scrape_slots_set(struct tend_scrape_slots *slots, size_t target, const char *url,
                                                       int64_t every_ms, int64_t now_ms);
void tend_scrape_slots_remove(struct tend_scrape_slots *slots, size_t target); ///< unknown targets are ignored

int64_t tend_scrape_slots_next_ms(const struct tend_scrape_slots *slots); ///< INT64_MAX: there is no target
/// Takes the next start that is due, earliest first, then by target. @return false: none is due at @p now_ms
bool tend_scrape_slots_take(struct tend_scrape_slots *slots, int64_t now_ms, struct tend_scrape_start *start);
