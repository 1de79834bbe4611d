#pragma once
/// Curl multi: many libcurl transfers at once on one libevent loop.
///
/// Ownership: easy handles stay their owner's; one that is added is removed before it is freed. Threads: the loop's.

#include "base/status.h"

#include <curl/curl.h>

struct event_base;
struct tend_curl_multi; // opaque: the fields are in curl_multi.c

/// A transfer ended; the handle was removed already and may be freed or added again here.
typedef void (*tend_curl_done_fn)(void *context, CURLcode result);

/// @param base  outlives the multi  @return TEND_OK or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_curl_multi_create(struct event_base *base, struct tend_curl_multi **out);
/// Frees it. NULL is allowed. Every handle must have been removed.
void tend_curl_multi_destroy(struct tend_curl_multi *multi);

/// Starts a transfer. CURLOPT_PRIVATE of the handle is the multi's until it is done or removed.
/// The callback never comes from within this call. @return TEND_OK or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_curl_multi_add(struct tend_curl_multi *multi, CURL *easy,
                                                     tend_curl_done_fn on_done, void *context);
void tend_curl_multi_remove(struct tend_curl_multi *multi, CURL *easy); ///< ends it; its callback does not come
/// How many idle connections are kept open for the next request.
void tend_curl_multi_keep(struct tend_curl_multi *multi, size_t connections);

/// Sets what holds for every request of ours: http and https only, HTTP/1.1, no redirects, no proxy, netrc or cookies
/// from the environment, no signals, TLS 1.2 or later with peer and host checked. @return TEND_OK or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_curl_harden(CURL *easy);
