// The server, asked through libcurl as a client would.

#include "api/door.h"
#include "api/server.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <event2/thread.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "served_api.h"

// An answer, and what to ask.
struct asked {
    const char *headers[3];
    const char *method; // NULL: GET, or POST when there is a body
    bool on_tcp;
    long code;
    struct tend_buffer body;
    struct tend_buffer answer_headers;
};

static size_t keep_bytes(char *bytes, size_t size, size_t count, void *context)
{
    tend_buffer_put(context, bytes, size * count);
    return size * count;
}

static void ask(const struct served_api *fixture, const char *path, const char *body, struct asked *asked)
{
    tend_buffer_clear(&asked->body);
    tend_buffer_clear(&asked->answer_headers);
    CURL *curl = curl_easy_init();
    assert_non_null(curl);
    char url[256];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u%s", (unsigned)tend_api_server_port(fixture->server), path);
    struct curl_slist *headers = NULL;
    for (size_t i = 0; i < 3 && asked->headers[i] != NULL; i++) {
        headers = curl_slist_append(headers, asked->headers[i]);
    }
    if (body != NULL && asked->headers[0] == NULL) {
        headers = curl_slist_append(headers, "Content-Type: application/json");
    }
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    if (!asked->on_tcp) {
        (void)curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, fixture->socket_path);
    }
    if (body != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    }
    if (asked->method != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, asked->method);
    }
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 20000L);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep_bytes);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &asked->body);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, keep_bytes);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, &asked->answer_headers);
    assert_int_equal(curl_easy_perform(curl), CURLE_OK);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &asked->code);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
}

static void forget(struct asked *asked)
{
    tend_buffer_clear(&asked->body);
    tend_buffer_clear(&asked->answer_headers);
}

static void expect(const struct served_api *fixture, const char *path, const char *body, long code, const char *answer)
{
    struct asked asked = { .code = 0 };
    ask(fixture, path, body, &asked);
    if (answer != NULL) {
        assert_string_equal(tend_buffer_text(&asked.body), answer);
    }
    assert_int_equal(asked.code, code);
    forget(&asked);
}

static void reading_routes_answer_what_the_source_has(void **state)
{
    struct served_api *fixture = *state;
    start(fixture);
    expect(fixture, "/v1/status", NULL, 200,
           "{\"generation\":\"abc\",\"services\":[{\"name\":\"web\"},{\"name\":\"ledger\"}]}");
    expect(fixture, "/v1/incidents", NULL, 200, "{\"incidents\":[{\"id\":\"i2\"}]}");
    expect(fixture, "/v1/incidents/i1/explain", NULL, 200, "{\"incident\":\"i1\"}");
    expect(fixture, "/v1/explain?id=i1", NULL, 200, "{\"incident\":\"i1\"}");
    expect(fixture, "/v1/explain", NULL, 200, "{\"incident\":\"\"}");
    expect(fixture, "/v1/explain?id=i9", NULL, 404, "{\"error\":\"there is no incident i9; the newest are i2, i1\"}");
    expect(fixture, "/metrics", NULL, 200, "tend_targets 3\n");
}

static void answers_are_typed_json_that_no_browser_guesses_at(void **state)
{
    struct served_api *fixture = *state;
    start(fixture);
    struct asked asked = { .code = 0 };
    ask(fixture, "/v1/status", NULL, &asked);
    const char *headers = tend_buffer_text(&asked.answer_headers);
    assert_non_null(strcasestr(headers, "Content-Type: application/json\r\n"));
    assert_non_null(strcasestr(headers, "X-Content-Type-Options: nosniff\r\n"));
    assert_non_null(strcasestr(headers, "Cache-Control: no-store\r\n"));
    forget(&asked);
}

static void commands_reach_the_source_with_who_asked(void **state)
{
    struct served_api *fixture = *state;
    start(fixture);
    struct asked asked = { .code = 0 };
    ask(fixture, "/v1/pause", "{\"why\":\"deploy\"}", &asked);
    assert_int_equal(asked.code, 200);
    json_t *answer = json_loads(tend_buffer_text(&asked.body), 0, NULL);
    char who[32];
    (void)snprintf(who, sizeof who, "uid %u", (unsigned)getuid());
    assert_true(tend_json_bool(answer, "ok", false));
    assert_memory_equal(tend_json_text(answer, "who", ""), who, strlen(who));
    json_decref(answer);
    static const char *const others[][2] = {
        { "/v1/resume", "{}" },
        { "/v1/arm", "{\"playbook\":\"restart\"}" },
        { "/v1/arm", "{\"all\":true}" },
        { "/v1/disarm", "{\"playbook\":\"restart\"}" },
        { "/v1/close", "{\"service\":\"payments\"}" },
        { "/v1/mark", "{\"incident\":\"i7\",\"mark\":\"real\"}" },
        { "/v1/mark", "{\"incident\":\"i7\",\"mark\":\"false\",\"why\":\"a deploy\"}" },
        { "/v1/relearn", "{\"service\":\"payments\"}" },
        { "/v1/silence", "{\"on\":\"*\", \"for_ms\":1}" },
        { "/v1/unsilence", "{\"id\":\"s1\"}" },
        { "/v1/deploy", "{\"on\":\"payments\"}" },
        { "/v1/ack", "{\"incident\":\"i7\"}" },
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        ask(fixture, others[i][0], others[i][1], &asked);
        assert_int_equal(asked.code, 200);
    }
    assert_string_equal(tend_buffer_text(&fixture->calls),
                        "pause(deploy) by uid ;resume() by uid ;arm(restart) by uid ;arm(*) by uid ;"
                        "disarm(restart) by uid ;close(payments) by uid ;"
                        "mark(i7 real) by uid ;mark(i7 false a deploy) by uid ;relearn(payments) by uid ;"
                        "silence({\"for_ms\":1,\"on\":\"*\"}) by uid ;unsilence({\"id\":\"s1\"}) by uid ;"
                        "deploy({\"on\":\"payments\"}) by uid ;ack({\"incident\":\"i7\"}) by uid ;");
    forget(&asked);
}

static void a_command_the_source_refuses_says_why(void **state)
{
    struct served_api *fixture = *state;
    start(fixture);
    expect(fixture, "/v1/arm", "{\"playbook\":\"nobody\"}", 404, "{\"error\":\"there is no playbook 'nobody'\"}");
    expect(fixture, "/v1/arm", "{\"playbook\":\"broken\"}", 503, "{\"error\":\"input or output failed\"}");
}

static void a_command_that_is_not_clear_reaches_nobody(void **state)
{
    struct served_api *fixture = *state;
    start(fixture);
    static const char *const wrong[][2] = {
        { "/v1/arm", "{}" },
        { "/v1/arm", "{\"playbook\":\"\"}" },
        { "/v1/arm", "{\"playbook\":\"restart\",\"all\":true}" },
        { "/v1/arm", "[1]" },
        { "/v1/arm", "{\"playbook\":" },
        { "/v1/pause", "{\"why\":\"a\",\"why\":\"b\"}" },
        { "/v1/close", "{}" },
        { "/v1/mark", "{}" },
        { "/v1/mark", "{\"incident\":\"i7\"}" },
        { "/v1/mark", "{\"incident\":\"i7\",\"mark\":\"perhaps\"}" },
        { "/v1/mark", "{\"incident\":\"\",\"mark\":\"real\"}" },
        { "/v1/mark", "{\"incident\":\"i7 false\",\"mark\":\"real\"}" },
    };
    struct asked asked = { .code = 0 };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ask(fixture, wrong[i][0], wrong[i][1], &asked);
        assert_int_equal(asked.code, 400);
    }
    assert_string_equal(tend_buffer_text(&fixture->calls), "");
    forget(&asked);
}

static void what_a_command_says_is_no_longer_than_4_kb(void **state)
{
    struct served_api *fixture = *state;
    start(fixture);
    static const char *const commands[][2] = {
        { "/v1/pause", "{\"why\":\"" },
        { "/v1/close", "{\"service\":\"" },
        { "/v1/mark", "{\"incident\":\"i7\",\"mark\":\"real\",\"why\":\"" },
        { "/v1/silence", "{\"on\":\"a\",\"for_ms\":1,\"why\":\"" },
        { "/v1/ack", "{\"incident\":\"i7\",\"why\":\"" },
    };
    char why[4098];
    memset(why, 'a', sizeof why - 1);
    why[sizeof why - 1] = '\0';
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        char body[4200];
        (void)snprintf(body, sizeof body, "%s%s\"}", commands[i][1], why);
        struct asked asked = { .code = 0 };
        ask(fixture, commands[i][0], body, &asked);
        assert_int_equal(asked.code, 400);
        assert_non_null(strstr(tend_buffer_text(&asked.body), "is longer than 4096 bytes"));
        forget(&asked);
    }
    assert_string_equal(tend_buffer_text(&fixture->calls), "");
}

static void commands_need_post_and_json(void **state)
{
    struct served_api *fixture = *state;
    start(fixture);
    expect(fixture, "/v1/pause", NULL, 405, "{\"error\":\"/v1/pause takes POST only\"}");
    expect(fixture, "/v1/status", "{}", 405, "{\"error\":\"/v1/status takes GET only\"}");
    struct asked form = { .headers = { "Content-Type: application/x-www-form-urlencoded" } };
    ask(fixture, "/v1/pause", "why=deploy", &form);
    assert_int_equal(form.code, 415);
    struct asked plain = { .headers = { "Content-Type: text/plain" } };
    ask(fixture, "/v1/pause", "{}", &plain);
    assert_int_equal(plain.code, 415);
    assert_string_equal(tend_buffer_text(&fixture->calls), "");
    forget(&form);
    forget(&plain);
}

static void a_page_of_a_browser_is_refused_on_the_control_socket(void **state)
{
    struct served_api *fixture = *state;
    start(fixture);
    struct asked asked = { .headers = { "Content-Type: application/json", "Origin: http://localhost" } };
    ask(fixture, "/v1/pause", "{}", &asked);
    assert_int_equal(asked.code, 403);
    assert_string_equal(tend_buffer_text(&fixture->calls), "");
    forget(&asked);
}

static void the_port_serves_metrics_and_health_and_nothing_else(void **state)
{
    struct served_api *fixture = *state;
    start(fixture);
    struct asked asked = { .on_tcp = true };
    ask(fixture, "/metrics", NULL, &asked);
    assert_int_equal(asked.code, 200);
    assert_string_equal(tend_buffer_text(&asked.body), "tend_targets 3\n");
    assert_non_null(strcasestr(tend_buffer_text(&asked.answer_headers),
                               "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    ask(fixture, "/-/healthy", NULL, &asked);
    assert_int_equal(asked.code, 200);
    static const char *const closed[] = { "/v1/status", "/v1/incidents", "/v1/explain", "/v1/incidents/i1/explain",
                                          "/" };
    for (size_t i = 0; i < sizeof closed / sizeof closed[0]; i++) {
        ask(fixture, closed[i], NULL, &asked);
        assert_int_equal(asked.code, 404);
    }
    ask(fixture, "/v1/pause", "{}", &asked);
    assert_int_equal(asked.code, 404);
    ask(fixture, "/metrics", "{}", &asked);
    assert_int_equal(asked.code, 405);
    assert_string_equal(tend_buffer_text(&fixture->calls), "");
    forget(&asked);
}

static void ready_is_503_with_a_reason_until_it_is(void **state)
{
    struct served_api *fixture = *state;
    fixture->ready = false;
    start(fixture);
    expect(fixture, "/-/ready", NULL, 503, "no rules yet\n");
    fixture->ready = true;
    expect(fixture, "/-/ready", NULL, 200, "tend is ready\n");
}

static void the_port_refuses_other_hosts_and_origins(void **state)
{
    struct served_api *fixture = *state;
    start(fixture);
    static const struct {
        const char *header;
        long code;
    } cases[] = {
        { "Host: evil.example", 403 },  { "Host: 127.0.0.1.evil.example", 403 },
        { "Host: 10.0.0.1:9797", 403 }, { "Host: localhost:9797", 200 },
        { "Host: [::1]:9797", 200 },    { "Origin: http://evil.example", 403 },
        { "Origin: null", 403 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct asked asked = { .on_tcp = true, .headers = { cases[i].header } };
        ask(fixture, "/metrics", NULL, &asked);
        assert_int_equal(asked.code, cases[i].code);
        forget(&asked);
    }
}

static void a_reload_is_answered_when_it_ended(void **state)
{
    struct served_api *fixture = *state;
    start(fixture);
    expect(fixture, "/v1/reload", "{}", 200, "{\"ok\":true,\"generation\":\"def\",\"errors\":[],\"warnings\":[]}");
    assert_string_equal(tend_buffer_text(&fixture->calls), "reload by uid ;");
}

static void a_refused_reload_names_file_and_line(void **state)
{
    struct served_api *fixture = *state;
    fixture->refuses_reload = true;
    start(fixture);
    expect(fixture, "/v1/reload", "{}", 422,
           "{\"ok\":false,\"generation\":\"def\",\"errors\":[{\"at\":\"shop.lua:3\",\"text\":\"no unit\"}],"
           "\"warnings\":[],\"error\":\"the rules were refused; the old ones stay in use\"}");
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void send_text(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void a_client_that_leaves_a_reload_harms_nobody(void **state)
{
    struct served_api *fixture = *state;
    fixture->answers_reload = false;
    start(fixture);
    const int fd = connect_to(fixture->socket_path);
    send_text(fd,
              "POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
    struct asked asked = { .code = 0 };
    ask(fixture, "/v1/resume", "{}", &asked); // on the same loop: answered after the reload was begun
    assert_int_equal(asked.code, 200);
    forget(&asked);
    (void)close(fd);
    assert_int_equal(write(fixture->stop_pipe[1], "x", 1), 1);
    assert_int_equal(pthread_join(fixture->loop, NULL), 0);
    assert_true(fixture->reload > 0);
    tend_api_server_reload_ended(fixture->server, fixture->reload, "def", NULL, NULL);
    tend_api_server_reload_ended(fixture->server, fixture->reload, "def", NULL, NULL); // twice is once
    tend_api_server_reload_ended(fixture->server, 77, "def", NULL, NULL);
    char x;
    assert_int_equal(read(fixture->stop_pipe[0], &x, 1), 1); // for the end to stop it again
    assert_int_equal(pthread_create(&fixture->loop, NULL, turn, fixture->base), 0);
    assert_int_equal(event_add(fixture->stop, NULL), 0);
}

static void a_reload_that_waits_is_dropped_with_the_server(void **state)
{
    struct served_api *fixture = *state;
    fixture->answers_reload = false;
    start(fixture);
    const int fd = connect_to(fixture->socket_path);
    send_text(fd, "POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n");
    struct asked asked = { .code = 0 };
    ask(fixture, "/v1/status", NULL, &asked);
    forget(&asked);
    (void)close(fd);
}

static void a_ninth_reload_does_not_wait(void **state)
{
    struct served_api *fixture = *state;
    fixture->answers_reload = false;
    start(fixture);
    int clients[8];
    for (size_t i = 0; i < 8; i++) {
        clients[i] = connect_to(fixture->socket_path);
        send_text(clients[i],
                  "POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n");
        expect(fixture, "/v1/resume", "{}", 200, NULL); // on the same loop: answered after the reload was begun
    }
    expect(fixture, "/v1/reload", "{}", 429, "{\"error\":\"8 reloads wait already\"}");
    for (size_t i = 0; i < 8; i++) {
        (void)close(clients[i]);
    }
}

static void headers_and_bodies_over_the_limit_are_refused(void **state)
{
    struct served_api *fixture = *state;
    start(fixture);
    char *big = malloc(100001);
    assert_non_null(big);
    memset(big, 'a', 100000);
    big[100000] = '\0';
    struct asked asked = { .headers = { "Content-Type: application/json", "Expect:" } };
    ask(fixture, "/v1/pause", big, &asked);
    assert_int_equal(asked.code, 413);
    memcpy(big, "X-Big: ", 7);
    big[30000] = '\0';
    struct asked headers = { .headers = { big } };
    ask(fixture, "/v1/status", NULL, &headers);
    assert_int_equal(headers.code, 400);
    free(big);
    forget(&asked);
    forget(&headers);
}

static void a_connection_that_never_asks_is_cut_off(void **state)
{
    struct served_api *fixture = *state;
    struct tend_api_options options = options_of(fixture);
    options.request_timeout_ms = 1;
    start_with(fixture, &options);
    const int fd = connect_to(fixture->socket_path);
    send_text(fd, "GET /v1/status HT");
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), 0); // returns when the server closed it
    (void)close(fd);
}

static void connections_over_the_limit_wait_for_their_turn(void **state)
{
    struct served_api *fixture = *state;
    struct tend_api_options options = options_of(fixture);
    options.connections = 2;
    options.request_timeout_ms = 1;
    start_with(fixture, &options);
    int idle[6];
    for (size_t i = 0; i < 6; i++) {
        idle[i] = connect_to(fixture->socket_path);
    }
    struct asked asked = { .code = 0 };
    ask(fixture, "/v1/status", NULL, &asked);
    assert_int_equal(asked.code, 200);
    for (size_t i = 0; i < 6; i++) {
        (void)close(idle[i]);
    }
    forget(&asked);
}

static void a_full_port_keeps_nobody_from_the_socket(void **state)
{
    struct served_api *fixture = *state;
    struct tend_api_options options = options_of(fixture);
    options.connections = 2;
    options.request_timeout_ms = 60000; // longer than ask() waits
    start_with(fixture, &options);
    int idle[2];
    for (size_t i = 0; i < 2; i++) {
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_port = htons(tend_api_server_port(fixture->server)),
                                       .sin_addr = { htonl(INADDR_LOOPBACK) } };
        idle[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(idle[i], (const struct sockaddr *)&address, sizeof address), 0);
        send_text(idle[i], "GET /metr");
    }
    struct asked asked = { .code = 0 };
    ask(fixture, "/v1/status", NULL, &asked);
    assert_int_equal(asked.code, 200);
    for (size_t i = 0; i < 2; i++) {
        (void)close(idle[i]);
    }
    struct asked full = { .on_tcp = true };
    ask(fixture, "/metrics", NULL, &full); // and there is room again
    assert_int_equal(full.code, 200);
    forget(&asked);
    forget(&full);
}

static void the_socket_is_for_owner_and_group(void **state)
{
    struct served_api *fixture = *state;
    start(fixture);
    struct stat there;
    assert_int_equal(stat(fixture->socket_path, &there), 0);
    assert_true(S_ISSOCK(there.st_mode));
    assert_int_equal(there.st_mode & 0777, 0660);
}

static void an_old_socket_file_is_replaced(void **state)
{
    struct served_api *fixture = *state;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", fixture->socket_path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    (void)close(fd); // leaves the file behind, as a kill -9 does
    start(fixture);
    expect(fixture, "/v1/status", NULL, 200,
           "{\"generation\":\"abc\",\"services\":[{\"name\":\"web\"},{\"name\":\"ledger\"}]}");
}

static void another_file_in_the_sockets_place_is_left_alone(void **state)
{
    struct served_api *fixture = *state;
    const int fd = open(fixture->socket_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    struct tend_error error = { "" };
    const struct tend_api_options options = options_of(fixture);
    assert_int_equal(tend_api_server_create(&options, &fixture->server, &error), TEND_E_INVALID);
    assert_non_null(strstr(error.text, "no socket"));
    assert_null(fixture->server);
    assert_int_equal(unlink(fixture->socket_path), 0);
}

static void addresses_that_others_can_reach_are_refused(void **state)
{
    (void)state;
    static const char *const refused[] = { "0.0.0.0:0",  "[::]:0",         "192.0.2.1:9797",  "127.0.0.1",
                                           "127.0.0.1:", "example.org:80", "127.0.0.1:99999", "" };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        int fd = -1;
        uint16_t port = 0;
        struct tend_error error = { "" };
        assert_int_equal(tend_door_open_loopback(refused[i], &fd, &port, &error), TEND_E_INVALID);
        assert_non_null(strstr(error.text, "127.0.0.1:"));
        assert_int_equal(fd, -1);
    }
}

static void loopback_addresses_are_taken_and_port_0_is_the_kernels_choice(void **state)
{
    (void)state;
    static const char *const taken[] = { "127.0.0.1:0", "127.1.2.3:0", "localhost:0" };
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        int fd = -1;
        uint16_t port = 0;
        struct tend_error error = { "" };
        assert_int_equal(tend_door_open_loopback(taken[i], &fd, &port, &error), TEND_OK);
        assert_true(port > 0);
        (void)close(fd);
    }
}

static void a_path_too_long_for_a_socket_says_so(void **state)
{
    (void)state;
    char path[200];
    memset(path, 'a', sizeof path);
    path[0] = '/';
    path[sizeof path - 1] = '\0';
    int fd = -1;
    struct tend_error error = { "" };
    assert_int_equal(tend_door_open_unix(path, &fd, &error), TEND_E_INVALID);
    assert_non_null(strstr(error.text, "107 bytes at most"));
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    if (evthread_use_pthreads() != 0 || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reading_routes_answer_what_the_source_has, served_api_set_up,
                                        served_api_tear_down),
        cmocka_unit_test_setup_teardown(answers_are_typed_json_that_no_browser_guesses_at, served_api_set_up,
                                        served_api_tear_down),
        cmocka_unit_test_setup_teardown(commands_reach_the_source_with_who_asked, served_api_set_up,
                                        served_api_tear_down),
        cmocka_unit_test_setup_teardown(a_command_the_source_refuses_says_why, served_api_set_up, served_api_tear_down),
        cmocka_unit_test_setup_teardown(a_command_that_is_not_clear_reaches_nobody, served_api_set_up,
                                        served_api_tear_down),
        cmocka_unit_test_setup_teardown(what_a_command_says_is_no_longer_than_4_kb, served_api_set_up,
                                        served_api_tear_down),
        cmocka_unit_test_setup_teardown(a_ninth_reload_does_not_wait, served_api_set_up, served_api_tear_down),
        cmocka_unit_test_setup_teardown(commands_need_post_and_json, served_api_set_up, served_api_tear_down),
        cmocka_unit_test_setup_teardown(a_page_of_a_browser_is_refused_on_the_control_socket, served_api_set_up,
                                        served_api_tear_down),
        cmocka_unit_test_setup_teardown(the_port_serves_metrics_and_health_and_nothing_else, served_api_set_up,
                                        served_api_tear_down),
        cmocka_unit_test_setup_teardown(ready_is_503_with_a_reason_until_it_is, served_api_set_up,
                                        served_api_tear_down),
        cmocka_unit_test_setup_teardown(the_port_refuses_other_hosts_and_origins, served_api_set_up,
                                        served_api_tear_down),
        cmocka_unit_test_setup_teardown(a_reload_is_answered_when_it_ended, served_api_set_up, served_api_tear_down),
        cmocka_unit_test_setup_teardown(a_refused_reload_names_file_and_line, served_api_set_up, served_api_tear_down),
        cmocka_unit_test_setup_teardown(a_client_that_leaves_a_reload_harms_nobody, served_api_set_up,
                                        served_api_tear_down),
        cmocka_unit_test_setup_teardown(a_reload_that_waits_is_dropped_with_the_server, served_api_set_up,
                                        served_api_tear_down),
        cmocka_unit_test_setup_teardown(headers_and_bodies_over_the_limit_are_refused, served_api_set_up,
                                        served_api_tear_down),
        cmocka_unit_test_setup_teardown(a_connection_that_never_asks_is_cut_off, served_api_set_up,
                                        served_api_tear_down),
        cmocka_unit_test_setup_teardown(connections_over_the_limit_wait_for_their_turn, served_api_set_up,
                                        served_api_tear_down),
        cmocka_unit_test_setup_teardown(a_full_port_keeps_nobody_from_the_socket, served_api_set_up,
                                        served_api_tear_down),
        cmocka_unit_test_setup_teardown(the_socket_is_for_owner_and_group, served_api_set_up, served_api_tear_down),
        cmocka_unit_test_setup_teardown(an_old_socket_file_is_replaced, served_api_set_up, served_api_tear_down),
        cmocka_unit_test_setup_teardown(another_file_in_the_sockets_place_is_left_alone, served_api_set_up,
                                        served_api_tear_down),
        cmocka_unit_test(addresses_that_others_can_reach_are_refused),
        cmocka_unit_test(loopback_addresses_are_taken_and_port_0_is_the_kernels_choice),
        cmocka_unit_test(a_path_too_long_for_a_socket_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
