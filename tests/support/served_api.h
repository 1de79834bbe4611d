#pragma once
// A server on a socket of its own, in a thread, with a source that answers from constants. What the source was asked is
// to be read only after a request was answered, or the loop was stopped.

#include "api/server.h"

#include <event2/event.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct served_api {
    char directory[64];
    char socket_path[96];
    struct event_base *base;
    struct tend_api_server *server;
    pthread_t loop;
    struct event *stop;
    int stop_pipe[2];
    struct tend_buffer calls; // what the source was asked to do
    uint64_t reload;          // id of a reload that waits
    uint64_t record;          // of each command
    bool answers_reload;
    bool refuses_reload;
    bool ready;
};

static inline json_t *fake_status(void *context)
{
    (void)context;
    return json_pack("{s:s}", "generation", "abc");
}

static inline json_t *fake_status_service(void *context, size_t index)
{
    (void)context;
    static const char *const names[] = { "web", "ledger" };
    return index < sizeof names / sizeof names[0] ? json_pack("{s:s}", "name", names[index]) : NULL;
}

static inline enum tend_status fake_incidents(void *context, const char *about, json_t **out, struct tend_error *error)
{
    (void)context;
    (void)about;
    (void)error;
    *out = json_pack("{s:[{s:s}]}", "incidents", "id", "i2");
    return TEND_OK;
}

static inline enum tend_status fake_explain(void *context, const char *id, json_t **out, struct tend_error *error)
{
    (void)context;
    if (strcmp(id, "i9") == 0) {
        tend_error_set(error, "there is no incident i9; the newest are i2, i1");
        return TEND_E_INVALID;
    }
    *out = json_pack("{s:s}", "incident", id);
    return TEND_OK;
}

static inline enum tend_status fake_operate(void *context, const char *command, const char *argument, const char *who,
                                            uint64_t *record, struct tend_error *error)
{
    struct served_api *served = context;
    *record = served->record;
    tend_buffer_printf(&served->calls, "%s(%s) by %.4s;", command, argument, who);
    if (strcmp(argument, "nobody") == 0) {
        tend_error_set(error, "there is no playbook 'nobody'");
        return TEND_E_INVALID;
    }
    return strcmp(argument, "broken") == 0 ? TEND_E_IO : TEND_OK;
}

static inline json_t *fake_topology(void *context)
{
    (void)context;
    return json_pack("{s:[], s:[{s:s, s:s, s:b}]}", "services", "edges", "from", "payments", "to", "ledger", "declared",
                     true);
}

static inline void fake_reload(void *context, uint64_t id, const char *who)
{
    struct served_api *served = context;
    tend_buffer_printf(&served->calls, "reload by %.4s;", who);
    served->reload = id;
    if (!served->answers_reload) {
        return;
    }
    json_t *errors = served->refuses_reload ? json_pack("[{s:s, s:s}]", "at", "shop.lua:3", "text", "no unit") : NULL;
    tend_api_server_reload_ended(served->server, id, "def", errors, NULL);
    json_decref(errors);
}

static inline void fake_metrics(void *context, struct tend_buffer *out)
{
    (void)context;
    tend_buffer_put_text(out, "tend_targets 3\n");
}

static inline bool fake_ready(void *context, struct tend_buffer *why)
{
    const struct served_api *served = context;
    if (!served->ready) {
        tend_buffer_put_text(why, "no rules yet");
    }
    return served->ready;
}

static inline void stop_loop(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    (void)event_base_loopbreak(context);
}

static inline void *turn(void *context)
{
    (void)event_base_dispatch(context);
    return NULL;
}

static inline struct tend_api_options options_of(struct served_api *served)
{
    return (struct tend_api_options){
        .base = served->base,
        .socket_path = served->socket_path,
        .listen = "127.0.0.1:0",
        .source = { .context = served,
                    .status = fake_status,
                    .status_service = fake_status_service,
                    .incidents = fake_incidents,
                    .topology = fake_topology,
                    .explain = fake_explain,
                    .operate = fake_operate,
                    .reload = fake_reload,
                    .metrics = fake_metrics,
                    .ready = fake_ready },
    };
}

static inline void start_with(struct served_api *served, const struct tend_api_options *options)
{
    struct tend_error error = { "" };
    assert_int_equal(tend_api_server_create(options, &served->server, &error), TEND_OK);
    assert_int_equal(pthread_create(&served->loop, NULL, turn, served->base), 0);
}

static inline void start(struct served_api *served)
{
    const struct tend_api_options options = options_of(served);
    start_with(served, &options);
}

static inline int served_api_set_up(void **state)
{
    struct served_api *served = calloc(1, sizeof *served);
    assert_non_null(served);
    (void)snprintf(served->directory, sizeof served->directory, "/tmp/tend-api-XXXXXX");
    assert_non_null(mkdtemp(served->directory));
    (void)snprintf(served->socket_path, sizeof served->socket_path, "%s/control.sock", served->directory);
    tend_buffer_init(&served->calls);
    served->answers_reload = true;
    served->ready = true;
    served->base = event_base_new();
    assert_non_null(served->base);
    assert_int_equal(pipe2(served->stop_pipe, O_CLOEXEC), 0);
    served->stop = event_new(served->base, served->stop_pipe[0], EV_READ, stop_loop, served->base);
    assert_int_equal(event_add(served->stop, NULL), 0);
    *state = served;
    return 0;
}

static inline int served_api_tear_down(void **state)
{
    struct served_api *served = *state;
    if (served->server != NULL) {
        assert_int_equal(write(served->stop_pipe[1], "x", 1), 1);
        assert_int_equal(pthread_join(served->loop, NULL), 0);
    }
    tend_api_server_destroy(served->server);
    assert_int_equal(access(served->socket_path, F_OK), -1); // the socket file is gone
    event_free(served->stop);
    event_base_free(served->base);
    (void)close(served->stop_pipe[0]);
    (void)close(served->stop_pipe[1]);
    (void)rmdir(served->directory);
    tend_buffer_clear(&served->calls);
    free(served);
    return 0;
}
