#pragma once
/// Curl multi: many libcurl transfers at once on one libevent loop.
///
/// Ownership: easy handles stay their owner's; one that is added is removed before it is freed. Threads: the loop's.
/// Process-wide: create ignores SIGPIPE, which TLS writes may raise.

#include "base/status.h"

#include <curl/curl.h>
#include <stdbool.h>

struct event_base;
struct tend_curl_multi; // opaque: the fields are in curl_multi.c

/// A transfer ended; the handle was removed already and may be freed or added again here.
typedef void (*tend_curl_done_fn)(void *context, CURLcode result);

/// How far a transfer got, which libcurl's own result does not say.
struct tend_curl_progress {
    bool resolved;     ///< there is an address, and a socket was asked for
    bool tls_begun;    ///< connected, and the TLS handshake began
    bool request_sent; ///< connected, TLS done, and sending began: the peer may have seen the request
    bool denied;       ///< `address` is one that is never connected to
    int socket_errno;  ///< why there is no socket, or 0
    char address[46];  ///< newest IP address tried, or ""
};

/// @param base  outlives the multi  @return TEND_OK or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_curl_multi_create(struct event_base *base, struct tend_curl_multi **out);
/// Frees it. NULL is allowed. Every handle must have been removed.
void tend_curl_multi_destroy(struct tend_curl_multi *multi);

/// Starts a transfer. CURLOPT_PRIVATE of the handle is the multi's until it is done or removed.
/// The callback never comes from within this call. @return TEND_OK or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_curl_multi_add(struct tend_curl_multi *multi, CURL *easy,
                                                     tend_curl_done_fn on_done, void *context);
/// Ends a transfer that was added and is not done; its callback does not come.
void tend_curl_multi_remove(struct tend_curl_multi *multi, CURL *easy);
/// How many connections are kept open for next requests; libcurl's own choice would close them in quiet moments.
void tend_curl_multi_keep(struct tend_curl_multi *multi, size_t connections);

/// Sets what holds for every request of ours: http and https only, HTTP/1.1, no redirects, no proxy, netrc or cookies
/// from the environment, no signals, TLS 1.2 or later with peer and host checked, and never a connection to link-local
/// or metadata addresses (169.254/16, fe80::/10, fd00:ec2::254).
/// @param progress  kept: outlives the handle; tend_curl_progress_clear it before each use
/// @return TEND_OK, TEND_E_NOMEM, or TEND_E_INVALID (libcurl lacks one of these)
TEND_MUST_CHECK enum tend_status tend_curl_harden(CURL *easy, struct tend_curl_progress *progress);
void tend_curl_progress_clear(struct tend_curl_progress *progress);
