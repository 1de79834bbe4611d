#pragma once
/// Connection limit: no more than so many connections to a server at once, and none that only holds its place.
///
/// evhttp limits sizes and the pause between two bytes, but neither the number of connections nor the time a whole
/// request may take: a peer that sends a byte now and then could hold all descriptors of the process. At the limit the
/// listeners are told to rest; the next peers wait in the kernel's queue.
/// Ownership: keeps a reference of each bufferevent it makes, until its server has let go of it; so a connection's
/// descriptor is closed up to a second after its end. Threads: the loop's.

#include "base/status.h"

#include <stdint.h>

struct bufferevent;
struct event_base;
struct evconnlistener;
struct tend_connection_limit;

/// @param deadline_ms  a connection is cut when no whole request came in for so long
TEND_MUST_CHECK enum tend_status tend_connection_limit_create(struct event_base *base, size_t connections,
                                                              int64_t deadline_ms, struct tend_connection_limit **out);
/// After the servers that use it are gone. NULL is allowed.
void tend_connection_limit_destroy(struct tend_connection_limit *limit);

/// Adds a listener that rests while the limit is reached, borrowed; at most two.
void tend_connection_limit_watch(struct tend_connection_limit *limit, struct evconnlistener *listener);
/// Makes the bufferevent of a new connection, for evhttp_set_bevcb. @param context  the limit. NULL: out of memory.
struct bufferevent *tend_connection_limit_admit(struct event_base *base, void *context);
/// A whole request came in on the connection: its time starts again.
void tend_connection_limit_requested(struct tend_connection_limit *limit, const struct bufferevent *connection);
/// The connection waits for an answer of ours and may take its time; until the next `requested`.
void tend_connection_limit_hold(struct tend_connection_limit *limit, const struct bufferevent *connection);
size_t tend_connection_limit_count(const struct tend_connection_limit *limit); ///< connections held
