#pragma once
/// Scrape client: scrapes every target at its times, whatever else happens.
///
/// Each scrape that was started ends in exactly one on_scraped, good or failed, unless its target is removed first. It
/// ends at the latest at its timeout or at the target's next start, so a hung target is scraped as often as any other.
/// Connections are kept; no redirects; link-local and metadata addresses are refused (kind RESOLVE). Bytes are limited
/// after decoding. A response is decoded on the loop's thread, all or nothing.
/// Units: engine time in milliseconds (`_ms`). Ownership: who creates it destroys it, before the event base; what a
/// target view points to is borrowed for the call, but for `def`, whose selectors must live until the target is set
/// again or removed. Threads: the loop's.

#include "base/durations.h"
#include "base/status.h"
#include "engine/engine.h"
#include "engine/event.h"
#include "series/scrape_kind.h"

#include <stdint.h>

struct event_base;
struct tend_scrape_client; // opaque: the fields are in scrape_client.c

struct tend_scrape_options {
    int64_t (*clock_ms)(void *context); ///< engine time now
    void *clock_context;
    /// Takes one result, borrowed for the call, layout and values until the target is set or removed. May do both.
    void (*on_scraped)(void *context, const struct tend_event_scraped *scraped);
    void *context;
    size_t body_bytes;   ///< longest body after decoding; 0: 10 MB
    const char *ca_file; ///< PEM certificates to trust; NULL: the system's
};

struct tend_scrape_counters {
    uint64_t started;
    uint64_t ended[TEND_SCRAPE_PARSE + 1]; ///< by enum tend_scrape_kind; [TEND_SCRAPE_OK] are the good ones
    uint64_t late;                         ///< started more than one slot (100 ms) after its time
    uint64_t missed;                       ///< not started at all
    uint64_t body_bytes;                   ///< decoded, all scrapes together
    struct tend_durations delays;          ///< of starts after their time, to the millisecond; a first start has none
};

/// @param options  copied  @param base  outlives the client  @return TEND_OK or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_scrape_client_create(struct event_base *base,
                                                           const struct tend_scrape_options *options,
                                                           struct tend_scrape_client **out);
void tend_scrape_client_destroy(struct tend_scrape_client *client); ///< NULL is allowed; no callback comes any more

/// Adds or changes the target of the engine's index; nothing happens when the revision is the one already set. With the
/// same URL a scrape in flight goes on, else it is dropped. A view without a URL removes the target.
/// @return TEND_OK, TEND_E_INVALID (every_ms < 1) or TEND_E_NOMEM; then the index has no target
TEND_MUST_CHECK enum tend_status tend_scrape_client_set_target(struct tend_scrape_client *client, size_t index,
                                                               const struct tend_target_view *view);
void tend_scrape_client_remove_target(struct tend_scrape_client *client, size_t index); ///< unknown: nothing

struct tend_scrape_counters tend_scrape_client_counters(const struct tend_scrape_client *client);
size_t tend_scrape_client_in_flight(const struct tend_scrape_client *client);
