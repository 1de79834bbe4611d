#pragma once
/// Scrape transfer: one scrape on the wire, and what became of it. Used again from scrape to scrape, for any target.
///
/// Bytes are counted after decoding, as they come; nothing is believed of Content-Length.
/// Units: `_ms` milliseconds. Ownership: who creates it destroys it, after it was removed from its multi. Threads: one.

#include "base/buffer.h"
#include "driver/live/curl_multi.h"
#include "engine/event.h"
#include "series/decoder.h"

#include <time.h>

struct tend_scrape_client;

struct tend_scrape_transfer {
    CURL *easy;
    struct tend_scrape_client *client; ///< its user's, not touched here
    size_t target;                     ///< its user's
    int64_t begun_ms;                  ///< its user's: engine time
    struct tend_scrape_transfer *next; ///< its user's: in a pool
    struct tend_buffer body;           ///< as far as it came, decoded
    struct timespec begun;             // the rest is private
    int64_t timeout_ms;
    struct tend_curl_progress progress;
    size_t body_bytes_max;
    size_t header_bytes;
    size_t error_body_bytes;
    bool too_large;
    bool no_memory;
    char curl_error[CURL_ERROR_SIZE];
};

/// @param ca_file  PEM certificates to trust; NULL: the system's  @return NULL: out of memory
struct tend_scrape_transfer *tend_scrape_transfer_create(size_t body_bytes_max, const char *ca_file);
void tend_scrape_transfer_destroy(struct tend_scrape_transfer *transfer); ///< NULL is allowed

/// Makes it ready to be added to a multi. @param headers  outlive the transfer on the wire
TEND_MUST_CHECK enum tend_status tend_scrape_transfer_begin(struct tend_scrape_transfer *transfer, const char *url,
                                                            struct curl_slist *headers, int64_t timeout_ms);

/// What became of it: fills in all of @p scraped but target and time. A good answer is decoded.
/// @param result  libcurl's; CURLE_OPERATION_TIMEDOUT for one that its user ended
/// @param[out] scraped  `layout` and `values` borrowed from the decoder, `reason` is @p reason
void tend_scrape_transfer_end(struct tend_scrape_transfer *transfer, CURLcode result, struct tend_decoder *decoder,
                              struct tend_event_scraped *scraped, struct tend_error *reason);
/// Gives up memory that only an unusually large answer needed.
void tend_scrape_transfer_trim(struct tend_scrape_transfer *transfer);
