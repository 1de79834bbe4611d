#pragma once
/// Target server: an HTTP server on loopback that answers what a test tells it to, byte by byte, well or badly.
///
/// Runs on the loop of the code under test. Header only, for each test is a program of one file. It keeps the newest
/// request's text, and counts connections and requests.

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct target_server;

/// Answers one request, which is the header lines up to the empty one and NUL-terminated.
typedef void (*target_answer_fn)(struct target_server *server, struct bufferevent *peer, const char *request);

struct target_server {
    struct event_base *base;
    struct evconnlistener *listener;
    unsigned port;
    target_answer_fn answer; ///< NULL: never answers
    const char *text;        ///< for the answer function
    const char *greeting;    ///< sent to each that connects, before it asked; NULL: none
    size_t connections;
    size_t requests;
    char request[4096]; ///< the newest, cut
    struct bufferevent *peers[64];
    size_t peer_count;
};

static inline void target_server_forget(struct target_server *server, struct bufferevent *peer)
{
    for (size_t i = 0; i < server->peer_count; i++) {
        if (server->peers[i] == peer) {
            server->peers[i] = server->peers[--server->peer_count];
            bufferevent_free(peer);
            return;
        }
    }
}

static inline void target_server_on_event(struct bufferevent *peer, short what, void *context)
{
    (void)what;
    target_server_forget(context, peer);
}

static inline void target_server_on_flushed(struct bufferevent *peer, void *context)
{
    target_server_forget(context, peer);
}

static inline void target_server_on_bytes(struct bufferevent *peer, void *context)
{
    struct target_server *server = context;
    struct evbuffer *input = bufferevent_get_input(peer);
    const struct evbuffer_ptr end = evbuffer_search(input, "\r\n\r\n", 4, NULL);
    if (end.pos < 0) {
        return;
    }
    memset(server->request, 0, sizeof server->request);
    (void)evbuffer_copyout(input, server->request, sizeof server->request - 1);
    (void)evbuffer_drain(input, evbuffer_get_length(input));
    server->requests++;
    if (server->answer != NULL) {
        server->answer(server, peer, server->request);
    }
}

static inline void target_server_on_accept(struct evconnlistener *listener, evutil_socket_t fd,
                                           struct sockaddr *address, int bytes, void *context)
{
    (void)listener;
    (void)address;
    (void)bytes;
    struct target_server *server = context;
    struct bufferevent *peer = bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (peer == NULL || server->peer_count == sizeof server->peers / sizeof server->peers[0]) {
        abort();
    }
    server->connections++;
    server->peers[server->peer_count++] = peer;
    bufferevent_setcb(peer, target_server_on_bytes, NULL, target_server_on_event, server);
    (void)bufferevent_enable(peer, EV_READ | EV_WRITE);
    if (server->greeting != NULL) {
        (void)bufferevent_write(peer, server->greeting, strlen(server->greeting));
    }
}

/// Listens at an address; the port of TCP addresses is the kernel's choice.
static inline void target_server_listen(struct target_server *server, struct event_base *base,
                                        const struct sockaddr *address, socklen_t bytes)
{
    *server = (struct target_server){ .base = base };
    server->listener = evconnlistener_new_bind(base, target_server_on_accept, server,
                                               LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 16, address, (int)bytes);
    if (server->listener == NULL) {
        abort();
    }
    struct sockaddr_in bound = { .sin_port = 0 };
    socklen_t bound_bytes = sizeof bound;
    if (address->sa_family == AF_INET &&
        getsockname(evconnlistener_get_fd(server->listener), (struct sockaddr *)&bound, &bound_bytes) != 0) {
        abort();
    }
    server->port = ntohs(bound.sin_port);
}

static inline void target_server_start(struct target_server *server, struct event_base *base)
{
    const struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    target_server_listen(server, base, (const struct sockaddr *)&address, sizeof address);
}

static inline void target_server_stop(struct target_server *server)
{
    while (server->peer_count > 0) {
        target_server_forget(server, server->peers[0]);
    }
    if (server->listener != NULL) {
        evconnlistener_free(server->listener);
        server->listener = NULL;
    }
}

static inline void target_server_send(struct bufferevent *peer, const char *text)
{
    (void)bufferevent_write(peer, text, strlen(text));
}

/// Sends a whole answer. @param headers  lines that each end with CR LF
static inline void target_server_reply(struct bufferevent *peer, const char *status, const char *headers,
                                       const void *body, size_t body_bytes)
{
    (void)evbuffer_add_printf(bufferevent_get_output(peer), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n", status,
                              body_bytes, headers);
    (void)bufferevent_write(peer, body, body_bytes);
}

/// Closes once what was sent is out.
static inline void target_server_close(struct target_server *server, struct bufferevent *peer)
{
    if (evbuffer_get_length(bufferevent_get_output(peer)) == 0) {
        target_server_forget(server, peer);
        return;
    }
    bufferevent_setcb(peer, NULL, target_server_on_flushed, target_server_on_event, server);
}

/// Closes at once with a reset.
static inline void target_server_reset(struct target_server *server, struct bufferevent *peer)
{
    const struct linger none = { .l_onoff = 1, .l_linger = 0 };
    (void)setsockopt(bufferevent_getfd(peer), SOL_SOCKET, SO_LINGER, &none, sizeof none);
    target_server_forget(server, peer);
}
