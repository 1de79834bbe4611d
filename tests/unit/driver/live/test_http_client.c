// Facts about the requests of steps and notices, against a real server on loopback.

#include "driver/live/http_client.h"

#include "driver/live/secrets.h"
#include "target_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { GUARD_S = 20 };

struct fixture {
    struct event_base *base;
    struct tend_http_client *client;
    struct target_server server;
    char url[128];
    size_t ended;
    uint64_t id;
    char outcome[16];
    char error[600];
    int status;
    char *body;
    size_t body_bytes;
    bool body_cut;
    bool cancelled;
    int64_t retry_after_ms;
    int64_t took_ms;
};

static void on_end(void *context, uint64_t id, const struct tend_http_result *result)
{
    struct fixture *fixture = context;
    fixture->ended++;
    fixture->id = id;
    (void)snprintf(fixture->outcome, sizeof fixture->outcome, "%s", result->outcome);
    (void)snprintf(fixture->error, sizeof fixture->error, "%s", result->error);
    fixture->status = result->status;
    free(fixture->body);
    fixture->body = malloc(result->body_bytes + 1);
    memcpy(fixture->body, result->body, result->body_bytes + 1);
    fixture->body_bytes = result->body_bytes;
    fixture->body_cut = result->body_cut;
    fixture->cancelled = result->cancelled;
    fixture->retry_after_ms = result->retry_after_ms;
    fixture->took_ms = result->took_ms;
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->base = event_base_new();
    target_server_start(&fixture->server, fixture->base);
    (void)snprintf(fixture->url, sizeof fixture->url, "http://127.0.0.1:%u/hook?a=1", fixture->server.port);
    if (tend_http_client_create(fixture->base, on_end, fixture, &fixture->client) != TEND_OK) {
        return -1;
    }
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    tend_http_client_destroy(fixture->client);
    target_server_stop(&fixture->server);
    event_base_free(fixture->base);
    free(fixture->body);
    free(fixture);
    return 0;
}

static void on_guard(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    (void)context;
    fail_msg("no result in %d s", GUARD_S);
}

static void wait_for(struct fixture *fixture, size_t ended)
{
    const struct timeval guard = { .tv_sec = GUARD_S };
    struct event *timer = evtimer_new(fixture->base, on_guard, NULL);
    (void)event_add(timer, &guard);
    while (fixture->ended < ended) {
        assert_int_equal(event_base_loop(fixture->base, EVLOOP_ONCE), 0);
    }
    event_free(timer);
}

static void send_request(struct fixture *fixture, const struct tend_http_request *request, target_answer_fn answer,
                         const char *text)
{
    fixture->server.answer = answer;
    fixture->server.text = text;
    struct tend_error error = { "" };
    assert_int_equal(tend_http_client_send(fixture->client, 7, request, &error), TEND_OK);
    assert_int_equal(fixture->ended, 0); // never from within the call
    wait_for(fixture, 1);
    assert_int_equal(fixture->id, 7);
    assert_int_equal(tend_http_client_count(fixture->client), 0);
}

static void get(struct fixture *fixture, target_answer_fn answer, const char *text)
{
    const struct tend_http_request request = { .url = fixture->url, .timeout_ms = 200 };
    send_request(fixture, &request, answer, text);
}

static void refuse(struct fixture *fixture, const struct tend_http_request *request, const char *message)
{
    struct tend_error error = { "" };
    assert_int_equal(tend_http_client_send(fixture->client, 7, request, &error), TEND_E_INVALID);
    assert_non_null(strstr(error.text, message));
    assert_int_equal(tend_http_client_count(fixture->client), 0);
}

static void answer_raw(struct target_server *server, struct bufferevent *peer, const char *request)
{
    (void)request;
    target_server_send(peer, server->text);
}

static void answer_raw_and_close(struct target_server *server, struct bufferevent *peer, const char *request)
{
    answer_raw(server, peer, request);
    target_server_close(server, peer);
}

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

static void an_answer_is_done(void **state)
{
    struct fixture *fixture = *state;
    get(fixture, answer_raw, OK_ANSWER);
    assert_string_equal(fixture->outcome, "done");
    assert_string_equal(fixture->error, "");
    assert_int_equal(fixture->status, 200);
    assert_string_equal(fixture->body, "hello");
    assert_false(fixture->body_cut);
    assert_true(fixture->retry_after_ms == -1);
    assert_ptr_equal(strstr(fixture->server.request, "GET /hook?a=1 HTTP/1.1\r\n"), fixture->server.request);
    assert_non_null(strstr(fixture->server.request, "\r\nUser-Agent: tend/"));
}

static void any_status_is_done(void **state)
{
    struct fixture *fixture = *state;
    get(fixture, answer_raw, "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n");
    assert_string_equal(fixture->outcome, "done");
    assert_int_equal(fixture->status, 500);
}

static void retry_after_is_read(void **state)
{
    struct fixture *fixture = *state;
    get(fixture, answer_raw, "HTTP/1.1 429 Slow Down\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(fixture->status, 429);
    assert_int_equal(fixture->retry_after_ms, 120000);
}

static void retry_after_is_a_day_at_most(void **state)
{
    struct fixture *fixture = *state;
    get(fixture, answer_raw, "HTTP/1.1 503 Busy\r\nRetry-After: 99999999999\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(fixture->retry_after_ms, 24 * 3600 * 1000);
}

static void a_post_sends_headers_and_body(void **state)
{
    struct fixture *fixture = *state;
    const struct tend_http_header headers[] = { { "Content-Type", "application/json" },
                                                { "X-Empty", "" },
                                                { "Authorization", "Bearer t0k" } };
    const struct tend_http_request request = { .method = "POST",
                                               .url = fixture->url,
                                               .headers = headers,
                                               .header_count = 3,
                                               .body = "{\"a\":1}",
                                               .body_bytes = 7 };
    send_request(fixture, &request, answer_raw, OK_ANSWER);
    const char *sent = fixture->server.request;
    assert_ptr_equal(strstr(sent, "POST /hook?a=1 HTTP/1.1\r\n"), sent);
    assert_non_null(strstr(sent, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(sent, "\r\nX-Empty:\r\n"));
    assert_non_null(strstr(sent, "\r\nAuthorization: Bearer t0k\r\n"));
    assert_non_null(strstr(sent, "\r\nContent-Length: 7\r\n"));
    assert_null(strstr(sent, "Expect"));
    assert_non_null(strstr(sent, "\r\n\r\n{\"a\":1}"));
}

static void a_body_may_hold_any_bytes(void **state)
{
    struct fixture *fixture = *state;
    const struct tend_http_request request = {
        .method = "PUT", .url = fixture->url, .body = "a\0b\xff", .body_bytes = 4
    };
    send_request(fixture, &request, answer_raw, OK_ANSWER);
    assert_ptr_equal(strstr(fixture->server.request, "PUT /hook"), fixture->server.request);
    const char *body = strstr(fixture->server.request, "\r\n\r\n");
    assert_memory_equal(body + 4, "a\0b\xff", 4);
    assert_null(strstr(fixture->server.request, "Content-Type")); // none was given
}

static void a_post_without_body_says_so(void **state)
{
    struct fixture *fixture = *state;
    const struct tend_http_request request = { .method = "POST", .url = fixture->url };
    send_request(fixture, &request, answer_raw, OK_ANSWER);
    assert_non_null(strstr(fixture->server.request, "\r\nContent-Length: 0\r\n"));
}

static void other_methods_go_out_as_written(void **state)
{
    struct fixture *fixture = *state;
    const struct tend_http_request request = { .method = "DELETE", .url = fixture->url };
    send_request(fixture, &request, answer_raw, "HTTP/1.1 204 Gone\r\n\r\n");
    assert_ptr_equal(strstr(fixture->server.request, "DELETE /hook"), fixture->server.request);
    assert_int_equal(fixture->status, 204);
}

static void head_takes_no_body(void **state)
{
    struct fixture *fixture = *state;
    const struct tend_http_request request = { .method = "HEAD", .url = fixture->url };
    send_request(fixture, &request, answer_raw, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    assert_string_equal(fixture->outcome, "done");
    assert_int_equal(fixture->body_bytes, 0);
}

static void a_refused_connection_has_failed(void **state)
{
    struct fixture *fixture = *state;
    target_server_stop(&fixture->server);
    get(fixture, NULL, "");
    assert_string_equal(fixture->outcome, "failed");
    assert_string_equal(fixture->error, "connection refused by 127.0.0.1");
    assert_int_equal(fixture->status, 0);
}

static void a_name_without_address_has_failed(void **state)
{
    struct fixture *fixture = *state;
    const struct tend_http_request request = { .url = "http://no-such-host.invalid/", .timeout_ms = 200 };
    send_request(fixture, &request, NULL, "");
    assert_string_equal(fixture->outcome, "failed");
}

static void no_answer_after_sending_is_unknown(void **state)
{
    struct fixture *fixture = *state;
    get(fixture, NULL, "");
    assert_int_equal(fixture->server.requests, 1);
    assert_string_equal(fixture->outcome, "unknown");
    assert_string_equal(fixture->error, "sent, but no whole answer in 200 ms");
    assert_in_range(fixture->took_ms, 190, GUARD_S * 1000);
}

static void half_an_answer_is_unknown(void **state)
{
    struct fixture *fixture = *state;
    get(fixture, answer_raw_and_close, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello");
    assert_string_equal(fixture->outcome, "unknown");
    assert_int_equal(fixture->status, 0);
}

static void a_close_without_answer_is_unknown_and_not_sent_again(void **state)
{
    struct fixture *fixture = *state;
    get(fixture, answer_raw, OK_ANSWER); // a connection that could be kept
    fixture->ended = 0;
    const struct tend_http_request request = { .method = "POST", .url = fixture->url };
    send_request(fixture, &request, answer_raw_and_close, "");
    assert_string_equal(fixture->outcome, "unknown");
    assert_int_equal(fixture->server.requests, 2);
    assert_int_equal(fixture->server.connections, 2);
}

static void a_handshake_without_answer_has_failed(void **state)
{
    struct fixture *fixture = *state;
    (void)snprintf(fixture->url, sizeof fixture->url, "https://127.0.0.1:%u/", fixture->server.port);
    get(fixture, NULL, "");
    assert_string_equal(fixture->outcome, "failed");
    assert_string_equal(fixture->error, "no connection in 200 ms");
}

static void metadata_addresses_are_never_connected_to(void **state)
{
    struct fixture *fixture = *state;
    const struct tend_http_request request = { .url = "http://169.254.169.254/", .timeout_ms = 200 };
    send_request(fixture, &request, NULL, "");
    assert_string_equal(fixture->outcome, "failed");
    assert_non_null(strstr(fixture->error, "never connected to"));
}

static void a_redirect_is_an_answer(void **state)
{
    struct fixture *fixture = *state;
    get(fixture, answer_raw, "HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n");
    assert_string_equal(fixture->outcome, "done");
    assert_int_equal(fixture->status, 302);
    assert_int_equal(fixture->server.requests, 1);
}

static void answer_100_kb(struct target_server *server, struct bufferevent *peer, const char *request)
{
    (void)server;
    (void)request;
    char *body = malloc(100000);
    memset(body, 'x', 100000);
    target_server_reply(peer, "200 OK", "", body, 100000);
    free(body);
}

static void of_a_long_answer_the_first_64_kb_are_kept(void **state)
{
    struct fixture *fixture = *state;
    get(fixture, answer_100_kb, "");
    assert_string_equal(fixture->outcome, "done");
    assert_int_equal(fixture->body_bytes, TEND_HTTP_BODY_BYTES);
    assert_true(fixture->body_cut);
}

static void answer_2_mb(struct target_server *server, struct bufferevent *peer, const char *request)
{
    (void)server;
    (void)request;
    char *body = calloc(2000000, 1);
    target_server_reply(peer, "202 Accepted", "", body, 2000000);
    free(body);
}

static void of_a_huge_answer_the_status_stands(void **state)
{
    struct fixture *fixture = *state;
    const struct tend_http_request request = { .url = fixture->url };
    send_request(fixture, &request, answer_2_mb, "");
    assert_string_equal(fixture->outcome, "done");
    assert_int_equal(fixture->status, 202);
    assert_true(fixture->body_cut);
}

static void line_breaks_in_headers_are_refused(void **state)
{
    struct fixture *fixture = *state;
    static const struct tend_http_header headers[] = {
        { "X-A", "b\r\nX-Evil: 1" },
        { "X-A", "b\nc" },
        { "X-A", "\x01" },
        { "X-A\r\nX-B", "c" },
        { "X A", "b" },
        { "", "b" },
        { "X-A:", "b" },
    };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        const struct tend_http_request request = { .url = fixture->url, .headers = &headers[i], .header_count = 1 };
        refuse(fixture, &request, "header");
    }
}

static void headers_that_frame_the_body_are_refused(void **state)
{
    struct fixture *fixture = *state;
    static const struct tend_http_header headers[] = { { "content-length", "5" }, { "Transfer-Encoding", "chunked" } };
    for (size_t i = 0; i < 2; i++) {
        const struct tend_http_request request = { .url = fixture->url, .headers = &headers[i], .header_count = 1 };
        refuse(fixture, &request, "made by tend itself");
    }
}

static void wrong_requests_are_refused(void **state)
{
    struct fixture *fixture = *state;
    const struct tend_http_request requests[] = {
        { .url = NULL },
        { .url = "file:///etc/passwd" },
        { .url = "http://a/\r\nX: 1" },
        { .url = "http://a/", .method = "GET /x" },
        { .url = "http://a/", .method = "" },
        { .url = "http://a/", .unix_socket = "run/docker.sock" },
    };
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        refuse(fixture, &requests[i], "");
    }
}

static void a_unix_socket_is_spoken_to(void **state)
{
    struct fixture *fixture = *state;
    target_server_stop(&fixture->server);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char directory[] = "/tmp/tend-http-XXXXXX";
    assert_non_null(mkdtemp(directory));
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", directory);
    target_server_listen(&fixture->server, fixture->base, (struct sockaddr *)&address, sizeof address);
    const struct tend_http_request request = { .url = "http://docker/v1/info", .unix_socket = address.sun_path };
    send_request(fixture, &request, answer_raw, OK_ANSWER);
    assert_string_equal(fixture->outcome, "done");
    assert_string_equal(fixture->body, "hello");
    assert_non_null(strstr(fixture->server.request, "GET /v1/info HTTP/1.1\r\nHost: docker\r\n"));
    (void)unlink(address.sun_path);
    (void)rmdir(directory);
}

static void a_missing_unix_socket_has_failed(void **state)
{
    struct fixture *fixture = *state;
    const struct tend_http_request request = { .url = "http://docker/", .unix_socket = "/no/such/socket" };
    send_request(fixture, &request, NULL, "");
    assert_string_equal(fixture->outcome, "failed");
}

static void a_cancelled_request_that_was_sent_is_unknown(void **state)
{
    struct fixture *fixture = *state;
    const struct tend_http_request request = { .url = fixture->url };
    assert_int_equal(tend_http_client_send(fixture->client, 3, &request, NULL), TEND_OK);
    while (fixture->server.requests == 0) {
        assert_int_equal(event_base_loop(fixture->base, EVLOOP_ONCE), 0);
    }
    tend_http_client_cancel(fixture->client, 3);
    tend_http_client_cancel(fixture->client, 3);
    assert_int_equal(fixture->ended, 0);
    wait_for(fixture, 1);
    assert_true(fixture->cancelled);
    assert_string_equal(fixture->outcome, "unknown");
}

static void a_request_cancelled_at_once_has_failed(void **state)
{
    struct fixture *fixture = *state;
    const struct tend_http_request request = { .url = fixture->url };
    assert_int_equal(tend_http_client_send(fixture->client, 3, &request, NULL), TEND_OK);
    tend_http_client_cancel(fixture->client, 3);
    wait_for(fixture, 1);
    assert_string_equal(fixture->outcome, "failed");
    assert_string_equal(fixture->error, "cancelled");
}

static void an_id_in_flight_is_refused(void **state)
{
    struct fixture *fixture = *state;
    const struct tend_http_request request = { .url = fixture->url };
    assert_int_equal(tend_http_client_send(fixture->client, 3, &request, NULL), TEND_OK);
    assert_int_equal(tend_http_client_send(fixture->client, 3, &request, NULL), TEND_E_INVALID);
    assert_int_equal(tend_http_client_count(fixture->client), 1); // and the tear-down drops it
}

static struct tend_secrets *make_secrets(const char *directory, const char *token)
{
    char path[200];
    (void)snprintf(path, sizeof path, "%s/token", directory);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs(token, file);
    (void)fclose(file);
    assert_int_equal(chmod(path, 0600), 0);
    struct tend_secrets *secrets = NULL;
    assert_int_equal(tend_secrets_open(directory, &secrets, NULL), TEND_OK);
    return secrets;
}

static void drop_secrets(struct tend_secrets *secrets, const char *directory)
{
    char path[200];
    (void)snprintf(path, sizeof path, "%s/token", directory);
    (void)unlink(path);
    (void)rmdir(directory);
    tend_secrets_close(secrets);
}

static void a_json_request_gets_its_secrets_when_it_is_sent(void **state)
{
    struct fixture *fixture = *state;
    char directory[] = "/tmp/tend-http-XXXXXX";
    assert_non_null(mkdtemp(directory));
    struct tend_secrets *secrets = make_secrets(directory, "t0k/en\n");
    json_t *request = json_pack("{s:s, s:[s, {s:s}], s:{s:[s, {s:s}]}, s:[s, {s:s}, s], s:i}", "method", "POST", "url",
                                fixture->url, "secret", "token", "headers", "Authorization", "Bearer ", "secret",
                                "token", "body", "key=", "secret", "token", "&x", "timeout_ms", 5000);
    assert_non_null(request);
    fixture->server.answer = answer_raw;
    fixture->server.text = OK_ANSWER;
    struct tend_error error = { "" };
    assert_int_equal(tend_http_client_send_json(fixture->client, 1, request, secrets, &error), TEND_OK);
    wait_for(fixture, 1);
    assert_non_null(strstr(fixture->server.request, "POST /hook?a=1t0k/en HTTP/1.1\r\n"));
    assert_non_null(strstr(fixture->server.request, "\r\nAuthorization: Bearer t0k/en\r\n"));
    assert_non_null(strstr(fixture->server.request, "\r\n\r\nkey=t0k/en&x"));
    json_decref(request);
    drop_secrets(secrets, directory);
}

static void no_message_shows_a_secret(void **state)
{
    struct fixture *fixture = *state;
    char directory[] = "/tmp/tend-http-XXXXXX";
    assert_non_null(mkdtemp(directory));
    struct tend_secrets *secrets = make_secrets(directory, "s3\ncret\n");
    static const char *const requests[] = {
        "{\"url\":{\"secret\":\"token\"}}",
        "{\"url\":[\"http://a/\",{\"secret\":\"token\"}]}",
        "{\"url\":\"http://a/\",\"headers\":{\"A\":{\"secret\":\"token\"}}}",
    };
    for (size_t i = 0; i < 3; i++) {
        json_t *request = json_loads(requests[i], 0, NULL);
        struct tend_error error = { "" };
        assert_int_equal(tend_http_client_send_json(fixture->client, 1, request, secrets, &error), TEND_E_INVALID);
        assert_string_not_equal(error.text, "");
        assert_null(strstr(error.text, "s3"));
        assert_null(strstr(error.text, "cret\n"));
        json_decref(request);
    }
    drop_secrets(secrets, directory);
}

static void a_wrong_json_request_is_refused(void **state)
{
    struct fixture *fixture = *state;
    static const char *const requests[] = {
        "{}",
        "{\"url\":1}",
        "{\"url\":\"http://a/\",\"body\":5}",
        "{\"url\":\"http://a/\",\"headers\":{\"A\":\"b\\u0000c\"}}",
        "{\"url\":{\"secret\":\"token\"}}", // there are none
    };
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        json_t *request = json_loads(requests[i], JSON_ALLOW_NUL, NULL);
        struct tend_error error = { "" };
        assert_int_equal(tend_http_client_send_json(fixture->client, 1, request, NULL, &error), TEND_E_INVALID);
        assert_string_not_equal(error.text, "");
        json_decref(request);
    }
    assert_int_equal(tend_http_client_count(fixture->client), 0);
}

static void a_result_as_json_says_what_a_step_may_read(void **state)
{
    (void)state;
    const struct tend_http_result result = { .status = 201, .body = "a\xff", .body_bytes = 2, .took_ms = 4 };
    json_t *json = tend_http_result_json(&result);
    char *text = tend_json_canonical(json);
    assert_string_equal(text, "{\"body\":\"a\\\\xff\",\"status\":201,\"took_ms\":4}");
    free(text);
    json_decref(json);
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FACT(an_answer_is_done),
        FACT(any_status_is_done),
        FACT(retry_after_is_read),
        FACT(retry_after_is_a_day_at_most),
        FACT(a_post_sends_headers_and_body),
        FACT(a_body_may_hold_any_bytes),
        FACT(a_post_without_body_says_so),
        FACT(other_methods_go_out_as_written),
        FACT(head_takes_no_body),
        FACT(a_refused_connection_has_failed),
        FACT(a_name_without_address_has_failed),
        FACT(no_answer_after_sending_is_unknown),
        FACT(half_an_answer_is_unknown),
        FACT(a_close_without_answer_is_unknown_and_not_sent_again),
        FACT(a_handshake_without_answer_has_failed),
        FACT(metadata_addresses_are_never_connected_to),
        FACT(a_redirect_is_an_answer),
        FACT(of_a_long_answer_the_first_64_kb_are_kept),
        FACT(of_a_huge_answer_the_status_stands),
        FACT(line_breaks_in_headers_are_refused),
        FACT(headers_that_frame_the_body_are_refused),
        FACT(wrong_requests_are_refused),
        FACT(a_unix_socket_is_spoken_to),
        FACT(a_missing_unix_socket_has_failed),
        FACT(a_cancelled_request_that_was_sent_is_unknown),
        FACT(a_request_cancelled_at_once_has_failed),
        FACT(an_id_in_flight_is_refused),
        FACT(a_json_request_gets_its_secrets_when_it_is_sent),
        FACT(no_message_shows_a_secret),
        FACT(a_wrong_json_request_is_refused),
        FACT(a_result_as_json_says_what_a_step_may_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
