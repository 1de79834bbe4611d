// evhttp tells nobody when it frees a connection that never made a request. What can be seen from outside is that it
// has taken its callbacks off the bufferevent; the reference held here keeps that bufferevent, and the number of its
// descriptor, from being used again before it was looked at.

#include "api/connection_limit.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

enum { SWEEP_MS = 500, LISTENERS = 2 };

struct place {
    struct bufferevent *connection; // our reference; NULL: a free place
    int64_t since_ms;               // the last whole request, or the start
    bool held;
};

struct tend_connection_limit {
    struct event *sweep;
    struct evconnlistener *listeners[LISTENERS];
    size_t listener_count;
    int64_t deadline_ms;
    size_t count;
    size_t limit;
    struct place places[]; // `limit` of them and some for those that come in one burst of accepts
};

// A listener accepts until the kernel's queue is empty, and rests only when it comes back to the loop.
enum { BURST = 64 };

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void set_resting(struct tend_connection_limit *limit, bool resting)
{
    for (size_t i = 0; i < limit->listener_count; i++) {
        if (resting) {
            (void)evconnlistener_disable(limit->listeners[i]);
        } else {
            (void)evconnlistener_enable(limit->listeners[i]);
        }
    }
}

static bool let_go(struct bufferevent *connection)
{
    bufferevent_data_cb read_cb = NULL;
    bufferevent_data_cb write_cb = NULL;
    bufferevent_event_cb event_cb = NULL;
    void *argument = NULL;
    bufferevent_getcb(connection, &read_cb, &write_cb, &event_cb, &argument);
    return read_cb == NULL && write_cb == NULL && event_cb == NULL;
}

static void sweep(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct tend_connection_limit *limit = context;
    const int64_t now = now_ms();
    for (size_t i = 0; i < limit->limit + BURST; i++) {
        struct place *place = &limit->places[i];
        if (place->connection == NULL) {
            continue;
        }
        if (let_go(place->connection)) {
            (void)bufferevent_decref(place->connection);
            *place = (struct place){ .connection = NULL };
            limit->count--;
        } else if (!place->held && now - place->since_ms > limit->deadline_ms) {
            (void)shutdown(bufferevent_getfd(place->connection), SHUT_RDWR); // evhttp sees the end and frees it
        }
    }
    set_resting(limit, limit->count >= limit->limit);
}

// Accept failed, most likely for want of descriptors: without a rest the loop would spin on the waiting connection. The
// argument is evhttp's and so of no use here; the next sweep wakes the listener.
static void rest_after_failure(struct evconnlistener *listener, void *http)
{
    (void)http;
    (void)evconnlistener_disable(listener);
}

enum tend_status tend_connection_limit_create(struct event_base *base, size_t connections, int64_t deadline_ms,
                                              struct tend_connection_limit **out)
{
    struct tend_connection_limit *limit = calloc(1, sizeof *limit + (connections + BURST) * sizeof limit->places[0]);
    if (limit == NULL) {
        return TEND_E_NOMEM;
    }
    limit->limit = connections;
    limit->deadline_ms = deadline_ms;
    const struct timeval every = { .tv_usec = SWEEP_MS * 1000L };
    limit->sweep = event_new(base, -1, EV_PERSIST, sweep, limit);
    if (limit->sweep == NULL || event_add(limit->sweep, &every) != 0) {
        if (limit->sweep != NULL) {
            event_free(limit->sweep);
        }
        free(limit);
        return TEND_E_NOMEM;
    }
    *out = limit;
    return TEND_OK;
}

void tend_connection_limit_destroy(struct tend_connection_limit *limit)
{
    if (limit == NULL) {
        return;
    }
    for (size_t i = 0; i < limit->limit + BURST; i++) {
        if (limit->places[i].connection != NULL) {
            (void)bufferevent_decref(limit->places[i].connection);
        }
    }
    event_free(limit->sweep);
    free(limit);
}

void tend_connection_limit_watch(struct tend_connection_limit *limit, struct evconnlistener *listener)
{
    TEND_ASSERT(limit->listener_count < LISTENERS);
    limit->listeners[limit->listener_count++] = listener;
    evconnlistener_set_error_cb(listener, rest_after_failure);
}

struct bufferevent *tend_connection_limit_admit(struct event_base *base, void *context)
{
    struct tend_connection_limit *limit = context;
    struct bufferevent *connection = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    if (connection == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < limit->limit + BURST; i++) {
        if (limit->places[i].connection == NULL) {
            bufferevent_incref(connection);
            limit->places[i] = (struct place){ .connection = connection, .since_ms = now_ms() };
            limit->count++;
            break;
        }
    }
    if (limit->count >= limit->limit) {
        set_resting(limit, true);
    }
    return connection;
}

static struct place *find(struct tend_connection_limit *limit, const struct bufferevent *connection)
{
    for (size_t i = 0; i < limit->limit + BURST; i++) {
        if (limit->places[i].connection == connection) {
            return &limit->places[i];
        }
    }
    return NULL;
}

void tend_connection_limit_requested(struct tend_connection_limit *limit, const struct bufferevent *connection)
{
    struct place *place = find(limit, connection);
    if (place != NULL) {
        place->since_ms = now_ms();
        place->held = false;
    }
}

void tend_connection_limit_hold(struct tend_connection_limit *limit, const struct bufferevent *connection)
{
    struct place *place = find(limit, connection);
    if (place != NULL) {
        place->held = true;
    }
}

size_t tend_connection_limit_count(const struct tend_connection_limit *limit)
{
    return limit->count;
}
