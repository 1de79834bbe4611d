// evhttp parses and limits; this file says who may ask what and hands over to the source.
//
// Why two evhttp objects: what is served behind each door is decided by the door and not by the request, so nothing a
// request says can turn the metrics port into a control port. Each door has its own limit of connections: whoever fills
// the port, which any user of the machine can, must not keep `tend pause` out.
//
// A request that came from a browser carries an Origin header: a page elsewhere must neither read nor command, so any
// foreign Origin is refused, a Host that is no loopback name too (DNS rebinding), and commands must be JSON, which a
// page cannot send across origins without asking first.

#include "api/server.h"

#include "api/connection_limit.h"
#include "api/door.h"
#include "api/kept_answers.h"
#include "api/paged_answers.h"
#include "api/reply.h"
#include "api/slow_answers.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    HEADER_BYTES = 16 * 1024,
    BODY_BYTES = 64 * 1024,
    ARGUMENT_BYTES = 4096,
    IDLE_S = 60,
    TIMEOUT_MS = 30 * 1000,
    CONNECTIONS = 64,
    RELOADS_WAITING = 8,
    ALL_METHODS = EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
                  EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH,
    FORBIDDEN = 403,
    METHOD_NOT_ALLOWED = 405,
    UNSUPPORTED_MEDIA_TYPE = 415,
    UNPROCESSABLE = 422,
    TOO_MANY_REQUESTS = 429,
};

struct waiting_reload {
    uint64_t id; // 0: a free place
    struct evhttp_request *request;
};

struct tend_api_server {
    struct tend_api_source source;
    struct tend_connection_limit *limit;         // of the Unix socket
    struct tend_connection_limit *metrics_limit; // of the TCP port, or NULL
    struct evhttp *control;                      // behind the Unix socket
    struct evhttp *metrics;                      // behind the TCP port, or NULL
    char *socket_path;                           // NULL until it is ours to remove
    uint16_t port;
    uint64_t last_reload;
    struct waiting_reload reloads[RELOADS_WAITING];
    struct tend_slow_answers *slow;
    struct tend_paged_answers *paged;
    struct tend_kept_answers *kept;
};

// What a handler knows of the request it answers.
struct ask {
    struct tend_api_server *server;
    struct evhttp_request *request;
    const char *path;
    const char *who;
    const char *command; // of a route that is a command
    json_t *body;        // of a POST: an object
};

static void answer_topology(const struct ask *ask)
{
    tend_reply_json(ask->request, HTTP_OK, ask->server->source.topology(ask->server->source.context));
}

static void reply_failure(struct evhttp_request *request, enum tend_status status, const struct tend_error *error)
{
    tend_reply_error(request, status == TEND_E_INVALID ? HTTP_NOTFOUND : HTTP_SERVUNAVAIL, "%s",
                     error->text[0] != '\0' ? error->text : tend_status_text(status));
}

// The connection waits, for as long as it takes.
static void hold(struct tend_api_server *server, struct evhttp_request *request)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    tend_connection_limit_hold(server->limit, evhttp_connection_get_bufferevent(connection));
}

// It goes on; it may have gone meanwhile, and then the reply only frees the request.
static void release(struct tend_api_server *server, struct evhttp_request *request)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    if (connection != NULL) {
        tend_connection_limit_requested(server->limit, evhttp_connection_get_bufferevent(connection));
    }
}

static void on_paged_answer(void *context, void *request, const struct tend_buffer *text)
{
    release(context, request);
    tend_reply_text(request, HTTP_OK, "application/json", text);
}

static void answer_status(const struct ask *ask)
{
    struct tend_api_server *server = ask->server;
    const struct tend_api_source *source = &server->source;
    json_t *head = source->status(source->context);
    if (head != NULL && tend_paged_answers_ask(server->paged, head, "services", source->status_service, source->context,
                                               ask->request) == TEND_OK) {
        hold(server, ask->request);
    } else {
        tend_reply_error(ask->request, HTTP_SERVUNAVAIL, "tend is out of memory");
    }
    json_decref(head);
}

static void ask_slowly(const struct ask *ask, tend_slow_make *make, const char *about)
{
    struct tend_api_server *server = ask->server;
    const enum tend_status status =
        tend_slow_answers_ask(server->slow, make, server->source.context, about, ask->request);
    if (status == TEND_OK) {
        hold(server, ask->request);
    } else if (status == TEND_E_INVALID) {
        tend_reply_error(ask->request, TOO_MANY_REQUESTS, "too many questions wait already");
    } else {
        tend_reply_error(ask->request, HTTP_SERVUNAVAIL, "tend is out of memory");
    }
}

static void on_slow_answer(void *context, void *request, enum tend_status status, const struct tend_buffer *text,
                           const struct tend_error *error)
{
    release(context, request);
    if (status == TEND_OK) {
        tend_reply_text(request, HTTP_OK, "application/json", text);
    } else {
        reply_failure(request, status, error);
    }
}

static void answer_incidents(const struct ask *ask)
{
    ask_slowly(ask, ask->server->source.incidents, "");
}

static void explain(const struct ask *ask, const char *id)
{
    ask_slowly(ask, ask->server->source.explain, id);
}

static void answer_explain(const struct ask *ask)
{
    const char *query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(ask->request));
    struct evkeyvalq parameters = { 0 };
    if (query != NULL && evhttp_parse_query_str(query, &parameters) != 0) {
        tend_reply_error(ask->request, HTTP_BADREQUEST, "the query cannot be read; write ?id=i7");
        return;
    }
    const char *id = query != NULL ? evhttp_find_header(&parameters, "id") : NULL;
    explain(ask, id != NULL ? id : "");
    evhttp_clear_headers(&parameters);
}

static void answer_metrics(const struct ask *ask)
{
    struct tend_buffer text;
    tend_buffer_init(&text);
    ask->server->source.metrics(ask->server->source.context, &text);
    tend_reply_text(ask->request, HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", &text);
    tend_buffer_clear(&text);
}

static void answer_healthy(const struct ask *ask)
{
    struct tend_buffer text;
    tend_buffer_init(&text);
    tend_buffer_put_text(&text, "tend is healthy\n"); // the loop turns, or nobody would have answered
    tend_reply_text(ask->request, HTTP_OK, "text/plain; charset=utf-8", &text);
    tend_buffer_clear(&text);
}

static void answer_ready(const struct ask *ask)
{
    struct tend_buffer text;
    tend_buffer_init(&text);
    const bool ready = ask->server->source.ready(ask->server->source.context, &text);
    if (text.size == 0) {
        tend_buffer_put_text(&text, ready ? "tend is ready" : "tend is not ready");
    }
    tend_buffer_put_text(&text, "\n");
    tend_reply_text(ask->request, ready ? HTTP_OK : HTTP_SERVUNAVAIL, "text/plain; charset=utf-8", &text);
    tend_buffer_clear(&text);
}

static void on_kept_answer(void *context, void *request, json_t *take_answer)
{
    release(context, request);
    tend_reply_json(request, HTTP_OK, take_answer);
}

// Carries the command out. @param[out] record  to be on disk before it is answered
// @return false: it was refused, and that is answered
static bool carry_out(const struct ask *ask, const char *argument, uint64_t *record)
{
    const struct tend_api_source *source = &ask->server->source;
    struct tend_error error = { "" };
    const enum tend_status status = source->operate(source->context, ask->command, argument, ask->who, record, &error);
    if (status != TEND_OK) {
        reply_failure(ask->request, status, &error);
    }
    return status == TEND_OK;
}

static void reply_once_kept(const struct ask *ask, uint64_t record, json_t *take_answer)
{
    hold(ask->server, ask->request);
    if (tend_kept_answers_ask(ask->server->kept, record, take_answer, ask->request) != TEND_OK) {
        release(ask->server, ask->request);
        tend_reply_error(ask->request, HTTP_SERVUNAVAIL, "tend is out of memory; the command is in force");
    }
}

static void operate(const struct ask *ask, const char *argument)
{
    uint64_t record = 0;
    if (strlen(argument) > ARGUMENT_BYTES) {
        tend_reply_error(ask->request, HTTP_BADREQUEST, "the text is longer than %d bytes", (int)ARGUMENT_BYTES);
    } else if (carry_out(ask, argument, &record)) {
        reply_once_kept(
            ask, record,
            json_pack("{s:b, s:s, s:s, s:s}", "ok", 1, "command", ask->command, "argument", argument, "who", ask->who));
    }
}

static void answer_pause(const struct ask *ask)
{
    operate(ask, tend_json_text(ask->body, "why", ""));
}

static void answer_resume(const struct ask *ask)
{
    operate(ask, "");
}

// Arm and disarm.
static void answer_arm(const struct ask *ask)
{
    const char *playbook = tend_json_text(ask->body, "playbook", NULL);
    const bool all = tend_json_bool(ask->body, "all", false);
    if ((playbook == NULL || playbook[0] == '\0') == !all) {
        tend_reply_error(ask->request, HTTP_BADREQUEST,
                         "say which: {\"playbook\":\"name\"} or {\"all\":true}, one of the two");
        return;
    }
    operate(ask, all ? "*" : playbook);
}

static void answer_close(const struct ask *ask)
{
    const char *service = tend_json_text(ask->body, "service", "");
    if (service[0] == '\0') {
        tend_reply_error(ask->request, HTTP_BADREQUEST, "say whose breaker: {\"service\":\"payments\"}");
        return;
    }
    operate(ask, service);
}

static void answer_relearn(const struct ask *ask)
{
    const char *service = tend_json_text(ask->body, "service", "");
    if (service[0] == '\0') {
        tend_reply_error(ask->request, HTTP_BADREQUEST, "say which service: {\"service\":\"payments\"}");
        return;
    }
    operate(ask, service);
}

static void answer_mark(const struct ask *ask)
{
    const char *incident = tend_json_text(ask->body, "incident", "");
    const char *mark = tend_json_text(ask->body, "mark", "");
    const char *why = tend_json_text(ask->body, "why", "");
    if (incident[0] == '\0' || strchr(incident, ' ') != NULL) {
        tend_reply_error(ask->request, HTTP_BADREQUEST, "say which incident: {\"incident\":\"i7\",\"mark\":\"real\"}");
        return;
    }
    if (strcmp(mark, "real") != 0 && strcmp(mark, "false") != 0 && strcmp(mark, "none") != 0) {
        tend_reply_error(ask->request, HTTP_BADREQUEST, "a mark is \"real\", \"false\" or \"none\"");
        return;
    }
    struct tend_buffer argument;
    tend_buffer_init(&argument);
    tend_buffer_printf(&argument, "%s %s%s%s", incident, mark, why[0] != '\0' ? " " : "", why);
    if (argument.failed) {
        tend_reply_error(ask->request, HTTP_SERVUNAVAIL, "tend is out of memory");
    } else {
        operate(ask, tend_buffer_text(&argument));
    }
    tend_buffer_clear(&argument);
}

// A command whose argument is the body itself, as text: the source checks what is in it. The answer tells what is
// silent now.
static void answer_with_body(const struct ask *ask)
{
    const struct tend_api_source *source = &ask->server->source;
    uint64_t record = 0;
    char *argument = json_dumps(ask->body, JSON_COMPACT | JSON_SORT_KEYS);
    if (argument == NULL || strlen(argument) > ARGUMENT_BYTES) {
        tend_reply_error(ask->request, HTTP_BADREQUEST, "the command is longer than %d bytes", (int)ARGUMENT_BYTES);
        free(argument);
        return;
    }
    const bool done = carry_out(ask, argument, &record);
    free(argument);
    if (!done) {
        return;
    }
    json_t *now = source->status(source->context);
    reply_once_kept(ask, record,
                    json_pack("{s:b, s:s, s:O, s:s, s:O?}", "ok", 1, "command", ask->command, "asked", ask->body, "who",
                              ask->who, "silences", json_object_get(now, "silences")));
    json_decref(now);
}

static void answer_reload(const struct ask *ask)
{
    struct tend_api_server *server = ask->server;
    for (size_t i = 0; i < RELOADS_WAITING; i++) {
        struct waiting_reload *place = &server->reloads[i];
        if (place->id == 0) {
            place->id = ++server->last_reload;
            place->request = ask->request;
            hold(server, ask->request);
            server->source.reload(server->source.context, place->id, ask->who);
            return;
        }
    }
    tend_reply_error(ask->request, TOO_MANY_REQUESTS, "%d reloads wait already", (int)RELOADS_WAITING);
}

struct route {
    const char *path;
    enum evhttp_cmd_type method;
    bool on_tcp;
    const char *command;
    void (*answer)(const struct ask *ask);
};

static const struct route routes[] = {
    { "/v1/status", EVHTTP_REQ_GET, false, NULL, answer_status },
    { "/v1/incidents", EVHTTP_REQ_GET, false, NULL, answer_incidents },
    { "/v1/topology", EVHTTP_REQ_GET, false, NULL, answer_topology },
    { "/v1/explain", EVHTTP_REQ_GET, false, NULL, answer_explain },
    { "/v1/pause", EVHTTP_REQ_POST, false, "pause", answer_pause },
    { "/v1/resume", EVHTTP_REQ_POST, false, "resume", answer_resume },
    { "/v1/arm", EVHTTP_REQ_POST, false, "arm", answer_arm },
    { "/v1/disarm", EVHTTP_REQ_POST, false, "disarm", answer_arm },
    { "/v1/close", EVHTTP_REQ_POST, false, "close", answer_close },
    { "/v1/relearn", EVHTTP_REQ_POST, false, "relearn", answer_relearn },
    { "/v1/mark", EVHTTP_REQ_POST, false, "mark", answer_mark },
    { "/v1/silence", EVHTTP_REQ_POST, false, "silence", answer_with_body },
    { "/v1/unsilence", EVHTTP_REQ_POST, false, "unsilence", answer_with_body },
    { "/v1/deploy", EVHTTP_REQ_POST, false, "deploy", answer_with_body },
    { "/v1/ack", EVHTTP_REQ_POST, false, "ack", answer_with_body },
    { "/v1/reload", EVHTTP_REQ_POST, false, "reload", answer_reload },
    { "/metrics", EVHTTP_REQ_GET, true, NULL, answer_metrics },
    { "/-/healthy", EVHTTP_REQ_GET, true, NULL, answer_healthy },
    { "/-/ready", EVHTTP_REQ_GET, true, NULL, answer_ready },
};

// Finds /v1/incidents/ID/explain. Returns true when it answered.
static bool answer_story(const struct ask *ask)
{
    static const char before[] = "/v1/incidents/";
    static const char after[] = "/explain";
    const size_t bytes = strlen(ask->path);
    if (strncmp(ask->path, before, sizeof before - 1) != 0 || bytes <= sizeof before - 1 + sizeof after - 1 ||
        strcmp(ask->path + bytes - (sizeof after - 1), after) != 0) {
        return false;
    }
    char *id = strndup(ask->path + sizeof before - 1, bytes - (sizeof before - 1) - (sizeof after - 1));
    char *decoded = id != NULL ? evhttp_uridecode(id, 0, NULL) : NULL;
    if (decoded != NULL) {
        explain(ask, decoded);
    } else {
        tend_reply_error(ask->request, HTTP_SERVUNAVAIL, "tend is out of memory");
    }
    free(decoded);
    free(id);
    return true;
}

// Reads a command's body into ask->body: {} when there is none. Answers and returns false when it cannot be taken.
static bool read_body(struct ask *ask)
{
    struct evbuffer *input = evhttp_request_get_input_buffer(ask->request);
    const size_t bytes = evbuffer_get_length(input);
    const char *type = evhttp_find_header(evhttp_request_get_input_headers(ask->request), "Content-Type");
    static const char json_type[] = "application/json";
    if (type == NULL || strncasecmp(type, json_type, sizeof json_type - 1) != 0) {
        tend_reply_error(ask->request, UNSUPPORTED_MEDIA_TYPE, "send commands as Content-Type: application/json");
        return false;
    }
    if (bytes == 0) {
        ask->body = json_object();
    } else {
        json_error_t wrong;
        const char *text = (const char *)evbuffer_pullup(input, -1);
        ask->body = text != NULL ? json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &wrong) : NULL;
    }
    if (!json_is_object(ask->body)) {
        json_decref(ask->body);
        ask->body = NULL;
        tend_reply_error(ask->request, HTTP_BADREQUEST, "the body is no JSON object");
        return false;
    }
    return true;
}

static void answer_route(struct ask *ask, const struct route *route)
{
    const enum evhttp_cmd_type method = evhttp_request_get_command(ask->request);
    const bool reads = method == EVHTTP_REQ_GET || method == EVHTTP_REQ_HEAD;
    if (route->method == EVHTTP_REQ_GET ? !reads : method != EVHTTP_REQ_POST) {
        (void)evhttp_add_header(evhttp_request_get_output_headers(ask->request), "Allow",
                                route->method == EVHTTP_REQ_GET ? "GET, HEAD" : "POST");
        tend_reply_error(ask->request, METHOD_NOT_ALLOWED, "%s takes %s only", route->path,
                         route->method == EVHTTP_REQ_GET ? "GET" : "POST");
        return;
    }
    if (route->method == EVHTTP_REQ_POST && !read_body(ask)) {
        return;
    }
    ask->command = route->command;
    route->answer(ask);
    json_decref(ask->body);
}

static void answer(struct ask *ask, bool on_tcp)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (strcmp(ask->path, routes[i].path) == 0 && (routes[i].on_tcp || !on_tcp)) {
            answer_route(ask, &routes[i]);
            return;
        }
    }
    const enum evhttp_cmd_type method = evhttp_request_get_command(ask->request);
    if (on_tcp || (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) || !answer_story(ask)) {
        tend_reply_error(ask->request, HTTP_NOTFOUND, "there is nothing at this path");
    }
}

// What both doors do first: the connection's time starts again. Returns NULL, and has answered, when there is no path.
static const char *begin(struct tend_connection_limit *limit, struct evhttp_request *request)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    tend_connection_limit_requested(limit, evhttp_connection_get_bufferevent(connection));
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *path = uri != NULL ? evhttp_uri_get_path(uri) : NULL;
    if (path == NULL) {
        tend_reply_error(request, HTTP_BADREQUEST, "the request has no path");
    }
    return path;
}

static void on_control(struct evhttp_request *request, void *context)
{
    struct tend_api_server *server = context;
    struct ask ask = { .server = server, .request = request, .path = begin(server->limit, request) };
    if (ask.path == NULL) {
        return;
    }
    if (evhttp_find_header(evhttp_request_get_input_headers(request), "Origin") != NULL) {
        tend_reply_error(request, FORBIDDEN, "the control socket is not for pages of a browser");
        return;
    }
    struct bufferevent *stream = evhttp_connection_get_bufferevent(evhttp_request_get_connection(request));
    struct tend_buffer who;
    tend_buffer_init(&who);
    tend_door_who(bufferevent_getfd(stream), &who);
    ask.who = tend_buffer_text(&who);
    answer(&ask, false);
    tend_buffer_clear(&who);
}

static void on_metrics(struct evhttp_request *request, void *context)
{
    struct tend_api_server *server = context;
    struct ask ask = { .server = server, .request = request, .path = begin(server->metrics_limit, request), .who = "" };
    if (ask.path == NULL) {
        return;
    }
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    const char *host = evhttp_find_header(headers, "Host");
    const char *origin = evhttp_find_header(headers, "Origin");
    if (!tend_door_host_is_loopback(host)) {
        tend_reply_error(request, FORBIDDEN, "the Host header names another host; ask for localhost");
        return;
    }
    static const char scheme[] = "http://";
    if (origin != NULL &&
        (strncasecmp(origin, scheme, sizeof scheme - 1) != 0 || strcasecmp(origin + sizeof scheme - 1, host) != 0)) {
        tend_reply_error(request, FORBIDDEN, "not for pages of another origin");
        return;
    }
    answer(&ask, true);
}

// Makes the HTTP behind a listening descriptor, which it takes, also when it fails.
static struct evhttp *serve(struct tend_api_server *server, struct event_base *base, int take_fd,
                            struct tend_connection_limit *limit, void (*on_request)(struct evhttp_request *, void *))
{
    struct evhttp *http = evhttp_new(base);
    struct evhttp_bound_socket *bound = http != NULL ? evhttp_accept_socket_with_handle(http, take_fd) : NULL;
    if (bound == NULL) {
        (void)close(take_fd);
        if (http != NULL) {
            evhttp_free(http);
        }
        return NULL;
    }
    evhttp_set_max_headers_size(http, HEADER_BYTES);
    evhttp_set_max_body_size(http, BODY_BYTES);
    evhttp_set_timeout(http, IDLE_S);
    evhttp_set_allowed_methods(http, ALL_METHODS);
    evhttp_set_gencb(http, on_request, server);
    evhttp_set_bevcb(http, tend_connection_limit_admit, limit);
    tend_connection_limit_watch(limit, evhttp_bound_socket_get_listener(bound));
    return http;
}

static enum tend_status open_doors(struct tend_api_server *server, const struct tend_api_options *options,
                                   struct tend_error *error)
{
    int fd = -1;
    enum tend_status status = TEND_OK;
    if (options->listen != NULL) { // first: a wrong address is found before an old socket is removed
        status = tend_door_open_loopback(options->listen, &fd, &server->port, error);
        if (status != TEND_OK) {
            return status;
        }
        server->metrics = serve(server, options->base, fd, server->metrics_limit, on_metrics);
        if (server->metrics == NULL) {
            return TEND_E_NOMEM;
        }
    }
    char *path = strdup(options->socket_path);
    if (path == NULL) {
        return TEND_E_NOMEM;
    }
    status = tend_door_open_unix(path, &fd, error);
    if (status != TEND_OK) {
        free(path);
        return status;
    }
    server->socket_path = path;
    server->control = serve(server, options->base, fd, server->limit, on_control);
    return server->control != NULL ? TEND_OK : TEND_E_NOMEM;
}

enum tend_status tend_api_server_create(const struct tend_api_options *options, struct tend_api_server **out,
                                        struct tend_error *error)
{
    struct tend_api_server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        return TEND_E_NOMEM;
    }
    server->source = options->source;
    const size_t connections = options->connections > 0 ? options->connections : CONNECTIONS;
    const int64_t deadline_ms = options->request_timeout_ms > 0 ? options->request_timeout_ms : TIMEOUT_MS;
    enum tend_status status = tend_connection_limit_create(options->base, connections, deadline_ms, &server->limit);
    if (status == TEND_OK && options->listen != NULL) {
        status = tend_connection_limit_create(options->base, connections, deadline_ms, &server->metrics_limit);
    }
    if (status == TEND_OK) {
        status = tend_slow_answers_create(options->base, on_slow_answer, server, &server->slow);
    }
    if (status == TEND_OK) {
        status = tend_paged_answers_create(options->base, on_paged_answer, server, &server->paged);
    }
    if (status == TEND_OK) {
        status = tend_kept_answers_create(options->base, on_kept_answer, server, 0, &server->kept);
    }
    if (status == TEND_OK) {
        status = open_doors(server, options, error);
    }
    if (status != TEND_OK) {
        if (status == TEND_E_NOMEM) {
            tend_error_set(error, "out of memory");
        }
        tend_api_server_destroy(server);
        return status;
    }
    *out = server;
    return TEND_OK;
}

void tend_api_server_destroy(struct tend_api_server *server)
{
    if (server == NULL) {
        return;
    }
    tend_kept_answers_destroy(server->kept);
    tend_paged_answers_destroy(server->paged);
    tend_slow_answers_destroy(server->slow); // the rest of what was asked is answered: none is left to be freed
    // Requests that wait for a reload belong to their connections and go with them.
    if (server->control != NULL) {
        evhttp_free(server->control);
    }
    if (server->metrics != NULL) {
        evhttp_free(server->metrics);
    }
    tend_connection_limit_destroy(server->limit);
    tend_connection_limit_destroy(server->metrics_limit);
    if (server->socket_path != NULL) {
        (void)unlink(server->socket_path);
    }
    free(server->socket_path);
    free(server);
}

void tend_api_server_reached(struct tend_api_server *server, uint64_t number)
{
    tend_kept_answers_reached(server->kept, number);
}

void tend_api_server_journal_failing(struct tend_api_server *server, const char *why)
{
    tend_kept_answers_failing(server->kept, why);
}

void tend_api_server_reload_ended(struct tend_api_server *server, uint64_t id, const char *generation,
                                  const json_t *errors, const json_t *warnings)
{
    for (size_t i = 0; i < RELOADS_WAITING; i++) {
        if (server->reloads[i].id == 0 || server->reloads[i].id > id) {
            continue;
        }
        struct evhttp_request *request = server->reloads[i].request;
        server->reloads[i] = (struct waiting_reload){ .id = 0 };
        release(server, request);
        const bool refused = json_array_size(errors) > 0;
        json_t *body = json_pack("{s:b, s:s?, s:o, s:o}", "ok", !refused, "generation", generation, "errors",
                                 errors != NULL ? json_deep_copy(errors) : json_array(), "warnings",
                                 warnings != NULL ? json_deep_copy(warnings) : json_array());
        if (body != NULL && refused) {
            (void)json_object_set_new(body, "error", json_string("the rules were refused; the old ones stay in use"));
        }
        tend_reply_json(request, refused ? UNPROCESSABLE : HTTP_OK, body);
    }
}

uint16_t tend_api_server_port(const struct tend_api_server *server)
{
    return server->port;
}
