// Each request has a connection of its own: on a kept one libcurl would send again by itself what a server dropped as
// it idled, and a step may have been acted on by then.
//
// Everything sent may hold secrets, so all copies of a request are wiped when it ends.

#include "driver/live/http_client.h"

#include "base/buffer.h"
#include "driver/live/curl_multi.h"
#include "driver/live/secrets.h"
#include "parse/url.h"

#include <ctype.h>
#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum {
    TIMEOUT_MS = 30 * 1000,
    TIMEOUT_MAX_MS = 24 * 3600 * 1000,
    ANSWER_BYTES_MAX = 1024 * 1024, // more is not even read
    HEADER_BYTES_MAX = 64 * 1024,
    RETRY_AFTER_MAX_S = 24 * 3600,
};

struct exchange {
    struct tend_http_client *client;
    struct exchange *next;
    uint64_t id;
    CURL *easy;
    struct curl_slist *headers;
    struct tend_buffer request_body;
    int64_t timeout_ms;
    struct timespec begun;
    struct tend_curl_progress progress;
    struct tend_buffer body;
    size_t answer_bytes;
    size_t header_bytes;
    struct event *cancelled; // set off when it was cancelled: its end comes from the loop
    char curl_error[CURL_ERROR_SIZE];
};

struct tend_http_client {
    struct event_base *base;
    struct tend_curl_multi *multi;
    tend_http_fn on_end;
    void *context;
    struct exchange *first;
    size_t count;
};

static void wipe_list(struct curl_slist *list)
{
    for (const struct curl_slist *at = list; at != NULL; at = at->next) {
        explicit_bzero(at->data, strlen(at->data));
    }
    curl_slist_free_all(list);
}

static void free_exchange(struct exchange *exchange)
{
    if (exchange->easy != NULL) {
        curl_easy_cleanup(exchange->easy);
    }
    if (exchange->cancelled != NULL) {
        event_free(exchange->cancelled);
    }
    wipe_list(exchange->headers);
    tend_secrets_wipe(&exchange->request_body);
    tend_buffer_clear(&exchange->body);
    free(exchange);
}

static void unlink_exchange(const struct exchange *exchange)
{
    struct exchange **at = &exchange->client->first;
    while (*at != exchange) {
        at = &(*at)->next;
    }
    *at = exchange->next;
    exchange->client->count--;
}

// ---- the answer ----

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;
    const size_t byte_count = size * count;
    const size_t room = TEND_HTTP_BODY_BYTES - exchange->body.size;
    tend_buffer_put(&exchange->body, bytes, byte_count < room ? byte_count : room);
    exchange->answer_bytes += byte_count;
    return exchange->answer_bytes > ANSWER_BYTES_MAX ? 0 : byte_count;
}

// NOLINTNEXTLINE(readability-non-const-parameter): libcurl's signature
static size_t take_header(char *bytes, size_t size, size_t count, void *context)
{
    (void)bytes;
    struct exchange *exchange = context;
    exchange->header_bytes += size * count;
    return exchange->header_bytes > HEADER_BYTES_MAX ? 0 : size * count;
}

static void describe_fault(const struct exchange *exchange, CURLcode code, struct tend_error *error)
{
    const struct tend_curl_progress *progress = &exchange->progress;
    const char *text = exchange->curl_error[0] != '\0' ? exchange->curl_error : curl_easy_strerror(code);
    long reason = 0;
    (void)curl_easy_getinfo(exchange->easy, CURLINFO_OS_ERRNO, &reason);
    if (code == CURLE_COULDNT_CONNECT && progress->denied) {
        tend_error_set(error, "%s is link-local or a metadata address, which is never connected to", progress->address);
    } else if (code == CURLE_COULDNT_CONNECT && reason == ECONNREFUSED) {
        tend_error_set(error, "connection refused by %s",
                       progress->address[0] == '\0' ? "the socket" : progress->address);
    } else if (code == CURLE_OPERATION_TIMEDOUT) {
        tend_error_set(error,
                       progress->request_sent ? "sent, but no whole answer in %" PRId64 " ms"
                                              : "no connection in %" PRId64 " ms",
                       exchange->timeout_ms);
    } else {
        tend_error_set(error, "%s", text);
    }
}

static int64_t ms_since(const struct timespec *begun)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)(now.tv_sec - begun->tv_sec) * 1000 + (now.tv_nsec - begun->tv_nsec) / 1000000;
}

// Hands the result on and frees the exchange, which is in no multi any more.
static void end_exchange(struct exchange *exchange, CURLcode code, bool cancelled)
{
    struct tend_http_client *client = exchange->client;
    long status = 0;
    curl_off_t retry_after_s = 0;
    (void)curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(exchange->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    // An answer whose body is only too long to read says what it says: the status stands.
    const bool too_long = code == CURLE_WRITE_ERROR && exchange->answer_bytes > ANSWER_BYTES_MAX;
    const bool done = !cancelled && (code == CURLE_OK || too_long) && !exchange->body.failed;
    struct tend_error error = { "" };
    if (cancelled) {
        tend_error_set(&error, "cancelled");
    } else if (!done) {
        describe_fault(exchange, code, &error);
    }
    retry_after_s = retry_after_s > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : retry_after_s;
    const struct tend_http_result result = {
        .outcome = done                              ? "done"
                   : exchange->progress.request_sent ? "unknown"
                                                     : "failed",
        .error = error.text,
        .status = done ? (int)status : 0,
        .body = tend_buffer_text(&exchange->body),
        .body_bytes = exchange->body.size,
        .body_cut = exchange->answer_bytes > exchange->body.size,
        .retry_after_ms = retry_after_s > 0 ? (int64_t)retry_after_s * 1000 : -1,
        .took_ms = ms_since(&exchange->begun),
        .cancelled = cancelled,
    };
    unlink_exchange(exchange); // before the callback, which may use the id again
    client->on_end(client->context, exchange->id, &result);
    free_exchange(exchange);
}

static void on_done(void *context, CURLcode code)
{
    end_exchange(context, code, false);
}

static void on_cancelled(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    end_exchange(context, CURLE_ABORTED_BY_CALLBACK, true);
}

// ---- the request ----

static bool is_token(const char *text)
{
    if (text[0] == '\0') {
        return false;
    }
    for (; *text != '\0'; text++) {
        if (!isalnum((unsigned char)*text) && strchr("!#$%&'*+-.^_`|~", *text) == NULL) {
            return false;
        }
    }
    return true;
}

static bool is_header_value(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' ? *text != '\t' : *text == 0x7f) {
            return false;
        }
    }
    return true;
}

// Header values may be secrets: messages name the header only.
static enum tend_status check_headers(const struct tend_http_request *request, struct tend_error *error)
{
    for (size_t i = 0; i < request->header_count; i++) {
        const struct tend_http_header *header = &request->headers[i];
        if (!is_token(header->name)) {
            tend_error_set(error, "header %zu has a name that HTTP does not allow", i + 1);
            return TEND_E_INVALID;
        }
        if (!is_header_value(header->value)) {
            tend_error_set(error, "header %.100s has a line break or control character in its value", header->name);
            return TEND_E_INVALID;
        }
        if (strcasecmp(header->name, "Content-Length") == 0 || strcasecmp(header->name, "Transfer-Encoding") == 0) {
            tend_error_set(error, "header %s is made by tend itself", header->name);
            return TEND_E_INVALID;
        }
    }
    return TEND_OK;
}

static enum tend_status check(const struct tend_http_client *client, uint64_t id,
                              const struct tend_http_request *request, struct tend_error *error)
{
    for (const struct exchange *other = client->first; other != NULL; other = other->next) {
        if (other->id == id) {
            tend_error_set(error, "a request with this id is in flight already");
            return TEND_E_INVALID;
        }
    }
    struct tend_url url;
    if (request->url == NULL || tend_url_parse(request->url, strlen(request->url), &url, error) != TEND_OK) {
        if (request->url == NULL) {
            tend_error_set(error, "the request has no url");
        }
        return TEND_E_INVALID;
    }
    if (request->method != NULL && (!is_token(request->method) || strlen(request->method) > 32)) {
        tend_error_set(error, "\"%.40s\" is no HTTP method", request->method);
        return TEND_E_INVALID;
    }
    if (request->unix_socket != NULL && request->unix_socket[0] != '/') {
        tend_error_set(error, "the path of a Unix socket is absolute, not \"%.200s\"", request->unix_socket);
        return TEND_E_INVALID;
    }
    return check_headers(request, error);
}

static bool add_header(struct exchange *exchange, const char *name, const char *value)
{
    struct tend_buffer line;
    tend_buffer_init(&line);
    // libcurl's notation: "Name;" is a header without a value, "Name:" would take one away
    (void)tend_buffer_reserve(&line, strlen(name) + strlen(value) + 4);
    tend_buffer_put_text(&line, name);
    tend_buffer_put_text(&line, value[strspn(value, " \t")] == '\0' ? ";" : ": ");
    tend_buffer_put_text(&line, value[strspn(value, " \t")] == '\0' ? "" : value);
    struct curl_slist *grown = line.failed ? NULL : curl_slist_append(exchange->headers, tend_buffer_text(&line));
    tend_secrets_wipe(&line);
    if (grown == NULL) {
        return false;
    }
    exchange->headers = grown;
    return true;
}

static bool add_headers(struct exchange *exchange, const struct tend_http_request *request)
{
    bool has_type = false;
    for (size_t i = 0; i < request->header_count; i++) {
        has_type = has_type || strcasecmp(request->headers[i].name, "Content-Type") == 0;
        if (!add_header(exchange, request->headers[i].name, request->headers[i].value)) {
            return false;
        }
    }
    // What libcurl would add by itself: a wait for "100 Continue", and a form's type on a body that is none.
    struct curl_slist *grown = curl_slist_append(exchange->headers, "Expect:");
    exchange->headers = grown == NULL ? exchange->headers : grown;
    if (grown != NULL && !has_type) {
        grown = curl_slist_append(exchange->headers, "Content-Type:");
        exchange->headers = grown == NULL ? exchange->headers : grown;
    }
    return grown != NULL && curl_easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, exchange->headers) == CURLE_OK;
}

static bool set_method_and_body(struct exchange *exchange, const struct tend_http_request *request)
{
    CURL *easy = exchange->easy;
    const char *method = request->method == NULL ? "GET" : request->method;
    const bool is_get = strcmp(method, "GET") == 0;
    if (strcmp(method, "HEAD") == 0) {
        return curl_easy_setopt(easy, CURLOPT_NOBODY, 1L) == CURLE_OK;
    }
    if (request->body == NULL && (is_get || strcmp(method, "DELETE") == 0)) {
        return is_get || curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method) == CURLE_OK;
    }
    if (request->body != NULL) {
        (void)tend_buffer_reserve(&exchange->request_body, request->body_bytes);
        tend_buffer_put(&exchange->request_body, request->body, request->body_bytes);
    }
    return !exchange->request_body.failed &&
           curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)exchange->request_body.size) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_POSTFIELDS, tend_buffer_text(&exchange->request_body)) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method) == CURLE_OK;
}

static bool set_up(struct exchange *exchange, const struct tend_http_request *request)
{
    CURL *easy = curl_easy_init();
    exchange->easy = easy;
    exchange->timeout_ms = request->timeout_ms <= 0               ? TIMEOUT_MS
                           : request->timeout_ms > TIMEOUT_MAX_MS ? TIMEOUT_MAX_MS
                                                                  : request->timeout_ms;
    return easy != NULL && tend_curl_harden(easy, &exchange->progress) == TEND_OK &&
           curl_easy_setopt(easy, CURLOPT_URL, request->url) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)exchange->timeout_ms) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)exchange->timeout_ms) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->curl_error) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_USERAGENT, "tend/" TEND_VERSION) == CURLE_OK &&
           (request->unix_socket == NULL ||
            curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, request->unix_socket) == CURLE_OK) &&
           set_method_and_body(exchange, request) && add_headers(exchange, request);
}

enum tend_status tend_http_client_send(struct tend_http_client *client, uint64_t id,
                                       const struct tend_http_request *request, struct tend_error *error)
{
    const enum tend_status status = check(client, id, request, error);
    if (status != TEND_OK) {
        return status;
    }
    struct exchange *exchange = calloc(1, sizeof *exchange);
    if (exchange == NULL) {
        return TEND_E_NOMEM;
    }
    exchange->client = client;
    exchange->id = id;
    tend_buffer_init(&exchange->request_body);
    tend_buffer_init(&exchange->body);
    tend_curl_progress_clear(&exchange->progress);
    (void)clock_gettime(CLOCK_MONOTONIC, &exchange->begun);
    exchange->cancelled = evtimer_new(client->base, on_cancelled, exchange);
    if (exchange->cancelled == NULL || !set_up(exchange, request) ||
        tend_curl_multi_add(client->multi, exchange->easy, on_done, exchange) != TEND_OK) {
        free_exchange(exchange);
        tend_error_set(error, "out of memory");
        return TEND_E_NOMEM;
    }
    exchange->next = client->first;
    client->first = exchange;
    client->count++;
    return TEND_OK;
}

void tend_http_client_cancel(struct tend_http_client *client, uint64_t id)
{
    struct exchange *exchange = client->first;
    while (exchange != NULL && exchange->id != id) {
        exchange = exchange->next;
    }
    if (exchange != NULL && !evtimer_pending(exchange->cancelled, NULL)) {
        tend_curl_multi_remove(client->multi, exchange->easy);
        const struct timeval now = { 0, 0 };
        (void)event_add(exchange->cancelled, &now);
    }
}

size_t tend_http_client_count(const struct tend_http_client *client)
{
    return client->count;
}

// ---- JSON ----

// A request as its texts are resolved: each in a buffer of its own, all wiped afterwards.
struct resolved {
    struct tend_buffer url;
    struct tend_buffer body;
    struct tend_buffer *values; // of the headers
    struct tend_http_header *headers;
    size_t header_count;
};

static void wipe(struct resolved *resolved)
{
    tend_secrets_wipe(&resolved->url);
    tend_secrets_wipe(&resolved->body);
    for (size_t i = 0; i < resolved->header_count; i++) {
        tend_secrets_wipe(&resolved->values[i]);
    }
    free(resolved->values);
    free(resolved->headers);
}

// A URL that is wrong is quoted in its message, but never one that holds a secret.
static enum tend_status check_secret_url(const json_t *text, const struct tend_buffer *url, struct tend_error *error)
{
    struct tend_url parts;
    if (json_is_string(text) || tend_url_parse(tend_buffer_text(url), url->size, &parts, NULL) == TEND_OK) {
        return TEND_OK;
    }
    tend_error_set(error, "what the secret in url makes is no http or https URL");
    return TEND_E_INVALID;
}

// Text that goes where a NUL would end it.
static enum tend_status resolve_line(const struct tend_secrets *secrets, const json_t *text, const char *what,
                                     struct tend_buffer *out, struct tend_error *error)
{
    const enum tend_status status = tend_secrets_resolve(secrets, text, out, error);
    if (status == TEND_OK && strlen(tend_buffer_text(out)) != out->size) {
        tend_error_set(error, "%.100s has a NUL in it", what);
        return TEND_E_INVALID;
    }
    return status;
}

static enum tend_status resolve_headers(const struct tend_secrets *secrets, json_t *object, struct resolved *resolved,
                                        struct tend_error *error)
{
    const size_t count = json_object_size(object);
    resolved->values = calloc(count + 1, sizeof *resolved->values);
    resolved->headers = calloc(count + 1, sizeof *resolved->headers);
    if (resolved->values == NULL || resolved->headers == NULL) {
        return TEND_E_NOMEM;
    }
    const char *name = NULL;
    json_t *text = NULL;
    json_object_foreach(object, name, text)
    {
        struct tend_buffer *value = &resolved->values[resolved->header_count];
        struct tend_http_header *header = &resolved->headers[resolved->header_count++];
        tend_buffer_init(value);
        const enum tend_status status = resolve_line(secrets, text, name, value, error);
        if (status != TEND_OK) {
            return status;
        }
        *header = (struct tend_http_header){ .name = name, .value = tend_buffer_text(value) };
    }
    return TEND_OK;
}

enum tend_status tend_http_client_send_json(struct tend_http_client *client, uint64_t id, const json_t *request,
                                            const struct tend_secrets *secrets, struct tend_error *error)
{
    struct resolved resolved = { .header_count = 0 };
    tend_buffer_init(&resolved.url);
    tend_buffer_init(&resolved.body);
    const json_t *body = json_object_get(request, "body");
    const json_t *url = json_object_get(request, "url");
    enum tend_status status = resolve_line(secrets, url, "url", &resolved.url, error);
    if (status == TEND_OK) {
        status = check_secret_url(url, &resolved.url, error);
    }
    if (status == TEND_OK && body != NULL && !json_is_null(body)) {
        status = tend_secrets_resolve(secrets, body, &resolved.body, error);
    }
    if (status == TEND_OK) {
        status = resolve_headers(secrets, json_object_get(request, "headers"), &resolved, error);
    }
    if (status == TEND_OK) {
        const struct tend_http_request wanted = {
            .method = tend_json_text(request, "method", NULL),
            .url = tend_buffer_text(&resolved.url),
            .headers = resolved.headers,
            .header_count = resolved.header_count,
            .body = body == NULL || json_is_null(body) ? NULL : tend_buffer_text(&resolved.body),
            .body_bytes = resolved.body.size,
            .timeout_ms = tend_json_integer(request, "timeout_ms", 0),
            .unix_socket = tend_json_text(request, "unix_socket", NULL),
        };
        status = tend_http_client_send(client, id, &wanted, error);
    }
    wipe(&resolved);
    return status;
}

json_t *tend_http_result_json(const struct tend_http_result *result)
{
    return json_pack("{s:i, s:o, s:I}", "status", result->status, "body",
                     tend_json_string(result->body, result->body_bytes), "took_ms", (json_int_t)result->took_ms);
}

// ---- the client ----

enum tend_status tend_http_client_create(struct event_base *base, tend_http_fn on_end, void *context,
                                         struct tend_http_client **out)
{
    struct tend_http_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return TEND_E_NOMEM;
    }
    client->base = base;
    client->on_end = on_end;
    client->context = context;
    if (tend_curl_multi_create(base, &client->multi) != TEND_OK) {
        free(client);
        return TEND_E_NOMEM;
    }
    *out = client;
    return TEND_OK;
}

void tend_http_client_destroy(struct tend_http_client *client)
{
    if (client == NULL) {
        return;
    }
    for (struct exchange *exchange = client->first; exchange != NULL;) {
        struct exchange *next = exchange->next;
        if (!evtimer_pending(exchange->cancelled, NULL)) {
            tend_curl_multi_remove(client->multi, exchange->easy);
        }
        free_exchange(exchange);
        exchange = next;
    }
    tend_curl_multi_destroy(client->multi);
    free(client);
}
