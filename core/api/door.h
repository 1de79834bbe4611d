#pragma once
/// Door: a listening socket of the API, and who stands before it.
///
/// Two kinds: a Unix socket in the state directory, and TCP on loopback. Ownership: a returned descriptor is the
/// caller's to close.

#include "base/buffer.h"
#include "base/status.h"

#include <stdint.h>

/// Listens on a Unix socket, mode 0660. A socket file that is there already is removed, any other file is refused.
/// @param[out] out  a non-blocking, close-on-exec descriptor
/// @return TEND_OK, TEND_E_INVALID (path too long, another file there) or TEND_E_IO
TEND_MUST_CHECK enum tend_status tend_door_open_unix(const char *path, int *out, struct tend_error *error);

/// Listens on a loopback address: "127.0.0.1:9797", "[::1]:9797", "localhost:9797"; port 0 lets the kernel choose.
/// @param[out] out   a non-blocking, close-on-exec descriptor
/// @param[out] port  the port it listens on
/// @return TEND_OK, TEND_E_INVALID (no such address, or one that others can reach) or TEND_E_IO
TEND_MUST_CHECK enum tend_status tend_door_open_loopback(const char *address, int *out, uint16_t *port,
                                                         struct tend_error *error);

/// Appends who is at the other end of a connected Unix socket: "uid 1000 (ops)", or "uid 1000" without a name in
/// /etc/passwd, or "unknown". (Only that file is asked: a directory service may be slow, and the loop waits for
/// nobody.)
void tend_door_who(int fd, struct tend_buffer *out);

/// True when a Host header names loopback by address or as "localhost", whatever the port. Anything else is a name that
/// somebody may have pointed here (DNS rebinding). NULL is false.
bool tend_door_host_is_loopback(const char *host);
