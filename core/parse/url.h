#pragma once
/// URL: the http(s) addresses of targets and of calls, checked before anything is sent to them.
///
/// Strict on purpose: http and https only, no control characters, spaces or bytes outside ASCII, a host that is a name
/// of letters, digits, "-", "_" and ".", an IPv4 address or an IPv6 address in brackets, a port from 1 to 65535. A
/// fragment is refused: it would never be sent.
/// Ownership: a `struct tend_url` borrows from the text that it was parsed from.

#include "base/buffer.h"

#include <stdbool.h>
#include <stdint.h>

struct tend_url_part {
    const char *text; ///< not NUL-terminated; NULL when the part is not there
    size_t bytes;
};

struct tend_url {
    bool https;
    struct tend_url_part credentials; ///< "user:password" without the "@"
    struct tend_url_part host;        ///< without the brackets of an IPv6 address
    uint16_t port;                    ///< 80 or 443 when the text has none
    bool has_port;                    ///< the text has one
    bool is_ipv6;
    struct tend_url_part target; ///< path and query, as sent: "/metrics?x=1"; empty when the text ends with the host
};

/// Splits an http or https URL.
/// @param[out] error  on failure, with the URL's credentials cut out; NULL is allowed
/// @return TEND_OK, TEND_E_INVALID, or TEND_E_LIMIT (over 4 kB)
TEND_MUST_CHECK enum tend_status tend_url_parse(const char *text, size_t bytes, struct tend_url *out,
                                                struct tend_error *error);

/// Makes the whole URL of a target as people write it: "host:port" is http://host:port/metrics, "host:port/path" keeps
/// its path, and a URL without a path gets /metrics.
/// @param[out] out  appended to on success only
/// @return as tend_url_parse, or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_url_of_target(const char *text, size_t bytes, struct tend_buffer *out,
                                                    struct tend_error *error);

/// Appends the URL for people and logs: credentials become "***", and what is no printable ASCII is escaped. Takes any
/// bytes, for an invalid URL has to be shown too.
void tend_url_redact(const char *text, size_t bytes, struct tend_buffer *out);
