#pragma once
/// HTTP client: the requests of steps and notices, over TCP, TLS or a Unix socket.
///
/// Never retries by itself, never follows redirects. The outcome says what is sure: any answer is "done" whatever its
/// status; "failed" was surely not acted on, for it was never sent; "unknown" was (perhaps) sent and has no whole
/// answer. Units: `_ms` milliseconds. Ownership: who creates it destroys it; destroy drops what is in flight, without a
/// callback. Threads: the loop's.

#include "base/json.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct tend_http_client; // opaque: the fields are in http_client.c
struct tend_secrets;

#define TEND_HTTP_BODY_BYTES ((size_t)64 * 1024) ///< kept of an answer's body, its start

struct tend_http_header {
    const char *name;
    const char *value;
};

struct tend_http_request {
    const char *method; ///< NULL: GET
    const char *url;
    const struct tend_http_header *headers;
    size_t header_count;
    const char *body; ///< NULL: none
    size_t body_bytes;
    int64_t timeout_ms;      ///< for the whole; 0: 30 s
    const char *unix_socket; ///< path; NULL: TCP
};

struct tend_http_result {
    const char *outcome; ///< "done", "failed" or "unknown"
    const char *error;   ///< for people, without secrets; "" when done
    int status;          ///< 0: no answer
    const char *body;    ///< any bytes, NUL-terminated
    size_t body_bytes;
    bool body_cut;          ///< there was more
    int64_t retry_after_ms; ///< what a Retry-After header asked for, or -1
    int64_t took_ms;
    bool cancelled;
};

/// Takes the end of the request with this id; the result is borrowed for the call. May send others.
typedef void (*tend_http_fn)(void *context, uint64_t id, const struct tend_http_result *result);

/// @param base  outlives the client  @return TEND_OK or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_http_client_create(struct event_base *base, tend_http_fn on_end, void *context,
                                                         struct tend_http_client **out);
void tend_http_client_destroy(struct tend_http_client *client); ///< NULL is allowed

/// Sends a request. The callback never comes from within this call.
/// @param[out] error  what is wrong with the request; NULL is allowed
/// @return TEND_OK, TEND_E_INVALID (CR, LF or NUL in a header, no http URL, the id is in use …) or TEND_E_NOMEM; then
/// nothing was sent and no callback comes
TEND_MUST_CHECK enum tend_status tend_http_client_send(struct tend_http_client *client, uint64_t id,
                                                       const struct tend_http_request *request,
                                                       struct tend_error *error);
/// The same from an HTTP or DELIVER effect: {"method"?,"url":TEXT,"headers"?:{"name":TEXT},"body"?:TEXT,"timeout_ms"?,
/// "unix_socket"?}; TEXT as in secrets.h. @param secrets  NULL: there are none
TEND_MUST_CHECK enum tend_status tend_http_client_send_json(struct tend_http_client *client, uint64_t id,
                                                            const json_t *request, const struct tend_secrets *secrets,
                                                            struct tend_error *error);
/// Drops it; the result comes from the loop as cancelled, "failed" or "unknown". Unknown ids are ignored.
void tend_http_client_cancel(struct tend_http_client *client, uint64_t id);
size_t tend_http_client_count(const struct tend_http_client *client); ///< in flight now

/// {"status","body","took_ms"}: a step's value. The caller owns it. NULL: out of memory.
json_t *tend_http_result_json(const struct tend_http_result *result);
