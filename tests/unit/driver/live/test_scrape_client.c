// Facts about scraping, each made for real on loopback. Intervals are short and nothing sleeps: the loop runs until the
// results that a test waits for are there.

#include "driver/live/scrape_client.h"

#include "parse/selector.h"
#include "series/layout.h"
#include "target_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <event2/event.h>
#include <math.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { RESULTS_MAX = 64, GUARD_S = 20 };

struct result {
    size_t target;
    int64_t begun_ms;
    double duration_s;
    enum tend_scrape_kind kind;
    char reason[512];
    size_t value_count;
    double value; // of the only column
};

struct fixture {
    struct event_base *base;
    struct tend_scrape_client *client;
    struct target_server server;
    struct tend_selector *wanted;
    const struct tend_selector *record[1];
    struct tend_service_def def;
    char url[128];
    struct result results[RESULTS_MAX];
    size_t result_count;
    size_t waited_for;
    int64_t added_ms; // to the clock
    size_t body_bytes;
    bool remove_in_callback;
};

static int64_t clock_ms(void *context)
{
    const struct fixture *fixture = context;
    struct timespec now;
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + fixture->added_ms;
}

static void on_scraped(void *context, const struct tend_event_scraped *scraped)
{
    struct fixture *fixture = context;
    if (fixture->result_count < RESULTS_MAX) {
        struct result *result = &fixture->results[fixture->result_count++];
        *result = (struct result){
            .target = scraped->target,
            .begun_ms = scraped->begun_ms,
            .duration_s = scraped->duration_s,
            .kind = scraped->kind,
            .value_count = scraped->value_count,
            .value = scraped->value_count == 1 ? scraped->values[0] : (double)NAN,
        };
        (void)snprintf(result->reason, sizeof result->reason, "%s", scraped->reason);
    }
    if (fixture->remove_in_callback) {
        tend_scrape_client_remove_target(fixture->client, scraped->target);
    }
    if (fixture->result_count >= fixture->waited_for) {
        (void)event_base_loopbreak(fixture->base);
    }
}

static void start_client(struct fixture *fixture, size_t body_bytes)
{
    const struct tend_scrape_options options = {
        .clock_ms = clock_ms,
        .clock_context = fixture,
        .on_scraped = on_scraped,
        .context = fixture,
        .body_bytes = body_bytes,
    };
    tend_scrape_client_destroy(fixture->client);
    fixture->client = NULL;
    assert_int_equal(tend_scrape_client_create(fixture->base, &options, &fixture->client), TEND_OK);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->base = event_base_new();
    target_server_start(&fixture->server, fixture->base);
    if (tend_selector_parse("x", 1, &fixture->wanted, NULL) != TEND_OK) {
        return -1;
    }
    fixture->record[0] = fixture->wanted;
    fixture->def.record = fixture->record;
    fixture->def.record_count = 1;
    (void)snprintf(fixture->url, sizeof fixture->url, "http://127.0.0.1:%u/metrics", fixture->server.port);
    start_client(fixture, 0);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    tend_scrape_client_destroy(fixture->client);
    target_server_stop(&fixture->server);
    tend_selector_destroy(fixture->wanted);
    event_base_free(fixture->base);
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

static void wait_for(struct fixture *fixture, size_t results)
{
    const struct timeval guard = { .tv_sec = GUARD_S };
    struct event *timer = evtimer_new(fixture->base, on_guard, NULL);
    (void)event_add(timer, &guard);
    fixture->waited_for = results;
    while (fixture->result_count < results) {
        assert_int_equal(event_base_loop(fixture->base, EVLOOP_ONCE), 0);
    }
    event_free(timer);
}

static void set_target(struct fixture *fixture, size_t index, const char *url, int64_t every_ms, int64_t timeout_ms,
                       uint64_t revision)
{
    const struct tend_target_view view = {
        .url = url,
        .every_ms = every_ms,
        .timeout_ms = timeout_ms,
        .def = &fixture->def,
        .revision = revision,
    };
    assert_int_equal(tend_scrape_client_set_target(fixture->client, index, &view), TEND_OK);
}

// Scrapes the server once, which answers as told.
static const struct result *scrape(struct fixture *fixture, target_answer_fn answer, const char *text)
{
    fixture->server.answer = answer;
    fixture->server.text = text;
    set_target(fixture, 0, fixture->url, 100, 80, 1);
    wait_for(fixture, 1);
    return &fixture->results[0];
}

#define PLAIN "Content-Type: text/plain; version=0.0.4\r\n"

static void answer_text(struct target_server *server, struct bufferevent *peer, const char *request)
{
    (void)request;
    target_server_reply(peer, "200 OK", PLAIN, server->text, strlen(server->text));
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

static void answer_reset(struct target_server *server, struct bufferevent *peer, const char *request)
{
    (void)request;
    target_server_reset(server, peer);
}

static void a_good_scrape_brings_a_row_of_values(void **state)
{
    struct fixture *fixture = *state;
    const int64_t before_ms = clock_ms(fixture);
    const struct result *result = scrape(fixture, answer_text, "# TYPE x gauge\nx 42\ny 7\n");
    assert_int_equal(result->kind, TEND_SCRAPE_OK);
    assert_string_equal(result->reason, "");
    assert_int_equal(result->value_count, 1);
    assert_true(result->value == 42.0);
    assert_in_range(result->begun_ms, before_ms, clock_ms(fixture));
    assert_true(result->duration_s > 0 && result->duration_s < 5);
}

static void a_scrape_says_what_it_takes_and_how_long_it_waits(void **state)
{
    struct fixture *fixture = *state;
    (void)scrape(fixture, answer_text, "x 1\n");
    const char *request = fixture->server.request;
    assert_ptr_equal(strstr(request, "GET /metrics HTTP/1.1\r\n"), request);
    assert_non_null(strstr(request, "\r\nAccept: application/openmetrics-text;version=1.0.0;"));
    assert_non_null(strstr(request, "text/plain;version=0.0.4"));
    assert_non_null(strstr(request, "\r\nX-Prometheus-Scrape-Timeout-Seconds: 0.080\r\n"));
    assert_non_null(strstr(request, "\r\nAccept-Encoding: gzip, deflate\r\n"));
    assert_non_null(strstr(request, "\r\nUser-Agent: tend/"));
}

static void a_connection_is_kept_from_scrape_to_scrape(void **state)
{
    struct fixture *fixture = *state;
    (void)scrape(fixture, answer_text, "x 1\n");
    wait_for(fixture, 4);
    assert_int_equal(fixture->server.requests, 4);
    assert_int_equal(fixture->server.connections, 1);
    for (size_t i = 1; i < 4; i++) {
        assert_int_equal(fixture->results[i].kind, TEND_SCRAPE_OK);
    }
}

static void openmetrics_is_chosen_by_its_content_type(void **state)
{
    struct fixture *fixture = *state;
    const struct result *result = scrape(fixture, answer_raw,
                                         "HTTP/1.1 200 OK\r\nContent-Length: 28\r\nContent-Type: "
                                         "application/openmetrics-text; version=1.0.0\r\n\r\n"
                                         "# TYPE x gauge\nx 3.5\n# EOF\n\n");
    assert_int_equal(result->kind, TEND_SCRAPE_PARSE); // nothing may follow # EOF
    assert_non_null(strstr(result->reason, "4"));
}

// gzip of "# TYPE x gauge\nx 42\n"
static const char GZIP[] =
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x53\x56\x08\x89\x0c\x70\x55\xa8\x50\x48\x4f\x2c\x4d\x4f"
    "\xe5\xaa\x50\x30\x31\xe2\x02\x00\xd3\x05\x36\x34\x14\x00\x00\x00";

static void answer_gzip(struct target_server *server, struct bufferevent *peer, const char *request)
{
    (void)server;
    (void)request;
    target_server_reply(peer, "200 OK", PLAIN "Content-Encoding: gzip\r\n", GZIP, sizeof GZIP - 1);
}

static void a_compressed_body_is_decoded(void **state)
{
    const struct result *result = scrape(*state, answer_gzip, "");
    assert_string_equal(result->reason, "");
    assert_int_equal(result->kind, TEND_SCRAPE_OK);
    assert_true(result->value == 42.0);
}

// gzip of "# ", 20,000 times "a", "\nx 1\n"
static const char BOMB[] =
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xed\xc1\x41\x11\x00\x00\x04\x00\xb0\xbf\x14\xee\x24\x10"
    "\x49\x0b\xf1\xd5\xf0\xd8\x56\x39\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    "\x00\x00\x00\xbc\x10\x9b\x1d\x07\xc6\x53\xea\x52\x27\x4e\x00\x00";

static void answer_bomb(struct target_server *server, struct bufferevent *peer, const char *request)
{
    (void)server;
    (void)request;
    target_server_reply(peer, "200 OK", PLAIN "Content-Encoding: gzip\r\n", BOMB, sizeof BOMB - 1);
}

static void a_compressed_body_counts_with_its_decoded_size(void **state)
{
    struct fixture *fixture = *state;
    start_client(fixture, 20000);
    const struct result *result = scrape(fixture, answer_bomb, "");
    assert_int_equal(result->kind, TEND_SCRAPE_TOO_LARGE);
    assert_string_equal(result->reason, "body over 20000 bytes (after decoding)");
}

static void a_body_over_the_limit_is_too_large(void **state)
{
    struct fixture *fixture = *state;
    start_client(fixture, 10);
    assert_int_equal(scrape(fixture, answer_text, "x 1\n# more\n")->kind, TEND_SCRAPE_TOO_LARGE);
}

static void a_body_at_the_limit_is_taken(void **state)
{
    struct fixture *fixture = *state;
    start_client(fixture, 11);
    assert_int_equal(scrape(fixture, answer_text, "x 1\n# more\n")->kind, TEND_SCRAPE_OK);
}

static void a_chunked_body_over_the_limit_is_too_large(void **state)
{
    struct fixture *fixture = *state;
    start_client(fixture, 10);
    const struct result *result = scrape(fixture, answer_raw,
                                         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" PLAIN "\r\n"
                                         "4\r\nx 1\n\r\n7\r\n# more\n\r\n0\r\n\r\n");
    assert_int_equal(result->kind, TEND_SCRAPE_TOO_LARGE);
}

static void a_chunked_body_is_taken(void **state)
{
    const struct result *result = scrape(*state, answer_raw,
                                         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" PLAIN "\r\n"
                                         "2\r\nx \r\n2\r\n9\n\r\n0\r\n\r\n");
    assert_int_equal(result->kind, TEND_SCRAPE_OK);
    assert_true(result->value == 9.0);
}

static void a_chunk_that_is_none_is_a_parse_failure(void **state)
{
    const struct result *result =
        scrape(*state, answer_raw, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" PLAIN "\r\nzz\r\nx 1\n");
    assert_int_equal(result->kind, TEND_SCRAPE_PARSE);
}

static void answer_many_headers(struct target_server *server, struct bufferevent *peer, const char *request)
{
    (void)server;
    (void)request;
    target_server_send(peer, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 3000; i++) {
        target_server_send(peer, "X-Filler: 0123456789\r\n"); // 66 kB
    }
}

static void headers_without_end_are_too_large(void **state)
{
    assert_int_equal(scrape(*state, answer_many_headers, "")->kind, TEND_SCRAPE_TOO_LARGE);
}

static void nobody_listening_is_refused(void **state)
{
    struct fixture *fixture = *state;
    target_server_stop(&fixture->server);
    const struct result *result = scrape(fixture, NULL, "");
    assert_int_equal(result->kind, TEND_SCRAPE_REFUSED);
    assert_string_equal(result->reason, "connection refused by 127.0.0.1");
}

static void no_answer_is_a_read_timeout(void **state)
{
    const struct result *result = scrape(*state, NULL, "");
    assert_int_equal(result->kind, TEND_SCRAPE_READ_TIMEOUT);
    assert_string_equal(result->reason, "connected, but no answer in 80 ms");
    assert_true(result->duration_s >= 0.079 && result->duration_s < 5);
}

static void on_drip(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    target_server_send(context, "#");
}

static struct event *drip_timer;

static void answer_dripping(struct target_server *server, struct bufferevent *peer, const char *request)
{
    (void)request;
    target_server_send(peer, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n" PLAIN "\r\n");
    if (drip_timer == NULL) {
        const struct timeval period = { .tv_usec = 5000 };
        drip_timer = event_new(server->base, -1, EV_PERSIST, on_drip, peer);
        (void)event_add(drip_timer, &period);
    }
}

static void a_dripping_body_ends_at_the_deadline(void **state)
{
    struct fixture *fixture = *state;
    fixture->remove_in_callback = true; // one scrape: the drip's peer must not be closed before the drip
    const struct result *result = scrape(fixture, answer_dripping, "");
    event_free(drip_timer);
    drip_timer = NULL;
    assert_int_equal(result->kind, TEND_SCRAPE_READ_TIMEOUT);
    assert_ptr_equal(strstr(result->reason, "the answer was not whole in 80 ms ("), result->reason);
    assert_true(result->duration_s < 5);
}

static void closing_without_an_answer_is_closed_early(void **state)
{
    assert_int_equal(scrape(*state, answer_raw_and_close, "")->kind, TEND_SCRAPE_CLOSED_EARLY);
}

static void closing_within_the_body_is_closed_early(void **state)
{
    const struct result *result =
        scrape(*state, answer_raw_and_close, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n" PLAIN "\r\nx 1\n");
    assert_int_equal(result->kind, TEND_SCRAPE_CLOSED_EARLY);
    assert_string_equal(result->reason, "the peer closed the connection after 4 bytes of the body");
}

static void closing_within_a_chunk_is_closed_early(void **state)
{
    const struct result *result = scrape(*state, answer_raw_and_close,
                                         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" PLAIN "\r\n20\r\nx 1\n");
    assert_int_equal(result->kind, TEND_SCRAPE_CLOSED_EARLY);
}

static void a_reset_is_closed_early(void **state)
{
    assert_int_equal(scrape(*state, answer_reset, "")->kind, TEND_SCRAPE_CLOSED_EARLY);
}

static void answer_503(struct target_server *server, struct bufferevent *peer, const char *request)
{
    (void)server;
    (void)request;
    target_server_reply(peer, "503 Service Unavailable", PLAIN, "x 1\n", 4);
}

static void another_status_is_a_failure(void **state)
{
    const struct result *result = scrape(*state, answer_503, "");
    assert_int_equal(result->kind, TEND_SCRAPE_HTTP_STATUS);
    assert_string_equal(result->reason, "HTTP status 503");
    assert_int_equal(result->value_count, 0);
}

static void a_redirect_is_not_followed(void **state)
{
    struct fixture *fixture = *state;
    char text[256];
    (void)snprintf(text, sizeof text, "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: %s/other\r\n\r\n",
                   fixture->url);
    fixture->remove_in_callback = true;
    const struct result *result = scrape(fixture, answer_raw, text);
    assert_int_equal(result->kind, TEND_SCRAPE_HTTP_STATUS);
    assert_string_equal(result->reason, "HTTP status 302");
    assert_int_equal(fixture->server.requests, 1);
}

static void a_malformed_line_fails_the_scrape_with_its_number(void **state)
{
    const struct result *result = scrape(*state, answer_text, "x 1\nx{ 2\n");
    assert_int_equal(result->kind, TEND_SCRAPE_PARSE);
    assert_int_equal(result->value_count, 0);
    assert_non_null(strstr(result->reason, "2"));
}

static void answer_html(struct target_server *server, struct bufferevent *peer, const char *request)
{
    (void)server;
    (void)request;
    target_server_reply(peer, "200 OK", "Content-Type: text/html\r\n", "x 1\n", 4);
}

static void another_content_type_is_a_parse_failure(void **state)
{
    const struct result *result = scrape(*state, answer_html, "");
    assert_int_equal(result->kind, TEND_SCRAPE_PARSE);
    assert_string_equal(result->reason, "Content-Type text/html is no exposition format");
}

static void no_content_type_is_a_parse_failure(void **state)
{
    const struct result *result = scrape(*state, answer_raw, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nx 1\n");
    assert_int_equal(result->kind, TEND_SCRAPE_PARSE);
    assert_string_equal(result->reason, "Content-Type (none) is no exposition format");
}

static void what_is_no_http_is_a_parse_failure(void **state)
{
    assert_int_equal(scrape(*state, answer_raw_and_close, "SSH-2.0-OpenSSH_9.2\r\n")->kind, TEND_SCRAPE_PARSE);
}

static void bytes_of_a_target_cannot_drive_a_terminal(void **state)
{
    const struct result *result =
        scrape(*state, answer_raw, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Type: \x1b[31mred\xff\r\n\r\n");
    assert_string_equal(result->reason, "Content-Type ?[31mred? is no exposition format");
}

static void a_tls_handshake_without_answer_is_a_tls_failure(void **state)
{
    struct fixture *fixture = *state;
    (void)snprintf(fixture->url, sizeof fixture->url, "https://127.0.0.1:%u/metrics", fixture->server.port);
    const struct result *result = scrape(fixture, NULL, "");
    assert_int_equal(result->kind, TEND_SCRAPE_TLS);
    assert_string_equal(result->reason, "the TLS handshake was not done in 80 ms");
}

static void a_server_without_tls_is_a_tls_failure(void **state)
{
    struct fixture *fixture = *state;
    (void)snprintf(fixture->url, sizeof fixture->url, "https://127.0.0.1:%u/metrics", fixture->server.port);
    fixture->server.greeting = "HTTP/1.1 400 Bad Request\r\n\r\n";
    assert_int_equal(scrape(fixture, NULL, "")->kind, TEND_SCRAPE_TLS);
}

static void a_name_without_address_does_not_resolve(void **state)
{
    struct fixture *fixture = *state;
    set_target(fixture, 0, "http://no-such-host.invalid/metrics", 100, 100, 1);
    wait_for(fixture, 1);
    assert_int_equal(fixture->results[0].kind, TEND_SCRAPE_RESOLVE); // also when no resolver answers in time
}

static void a_connect_without_answer_is_a_connect_timeout(void **state)
{
    struct fixture *fixture = *state;
    // a queue for one connection, which is taken and never accepted: the kernel drops what else asks for one
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t bytes = sizeof address;
    int fds[4];
    fds[0] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fds[0], (struct sockaddr *)&address, bytes), 0);
    assert_int_equal(listen(fds[0], 0), 0);
    assert_int_equal(getsockname(fds[0], (struct sockaddr *)&address, &bytes), 0);
    for (int i = 1; i < 4; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fds[i], (struct sockaddr *)&address, bytes);
    }
    (void)snprintf(fixture->url, sizeof fixture->url, "http://127.0.0.1:%u/metrics", ntohs(address.sin_port));
    const struct result *result = scrape(fixture, NULL, "");
    for (int i = 0; i < 4; i++) {
        (void)close(fds[i]);
    }
    assert_int_equal(result->kind, TEND_SCRAPE_CONNECT_TIMEOUT);
    assert_string_equal(result->reason, "no answer to the connect to 127.0.0.1 in 80 ms");
}

static void no_socket_of_our_own_is_not_blamed_on_the_target(void **state)
{
    struct fixture *fixture = *state;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    const int next = dup(0);
    (void)close(next);
    const struct rlimit none = { .rlim_cur = (rlim_t)next, .rlim_max = limit.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    const struct result *result = scrape(fixture, NULL, "");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(result->kind, TEND_SCRAPE_SEND);
    assert_string_equal(result->reason, "no socket here: Too many open files");
}

static void metadata_addresses_are_never_connected_to(void **state)
{
    struct fixture *fixture = *state;
    set_target(fixture, 0, "http://169.254.169.254/latest/meta-data", 100, 80, 1);
    wait_for(fixture, 1);
    assert_int_equal(fixture->results[0].kind, TEND_SCRAPE_RESOLVE);
    assert_string_equal(fixture->results[0].reason,
                        "169.254.169.254 is link-local or a metadata address, which is never scraped");
}

static void metadata_addresses_in_ipv6_are_never_connected_to(void **state)
{
    static const char *const urls[] = {
        "http://[fe80::1]/metrics",
        "http://[fd00:ec2::254]/metrics",
        "http://[::ffff:169.254.169.254]/metrics",
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 3; i++) {
        set_target(fixture, i, urls[i], 100, 80, 1);
    }
    wait_for(fixture, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(fixture->results[i].kind, TEND_SCRAPE_RESOLVE);
        assert_non_null(strstr(fixture->results[i].reason, "never scraped"));
    }
}

static void a_proxy_of_the_environment_is_not_used(void **state)
{
    struct fixture *fixture = *state;
    (void)setenv("http_proxy", "http://127.0.0.1:1", 1); // NOLINT(concurrency-mt-unsafe): there is one thread
    const struct result *result = scrape(fixture, answer_text, "x 1\n");
    (void)unsetenv("http_proxy"); // NOLINT(concurrency-mt-unsafe): there is one thread
    assert_int_equal(result->kind, TEND_SCRAPE_OK);
}

static void a_hung_target_is_scraped_at_every_start(void **state)
{
    struct fixture *fixture = *state;
    set_target(fixture, 0, fixture->url, 100, 100, 1); // as long as the interval
    wait_for(fixture, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(fixture->results[i].kind, TEND_SCRAPE_READ_TIMEOUT);
        if (i > 0) { // one start after the other, none left out
            const int64_t gap_ms = fixture->results[i].begun_ms - fixture->results[i - 1].begun_ms;
            assert_in_range(gap_ms, 1, 199);
        }
    }
    const struct tend_scrape_counters counters = tend_scrape_client_counters(fixture->client);
    assert_int_equal(counters.missed, 0);
    assert_int_equal(counters.ended[TEND_SCRAPE_READ_TIMEOUT], 5);
}

static void a_hung_target_does_not_hold_up_another(void **state)
{
    struct fixture *fixture = *state;
    struct target_server hung;
    target_server_start(&hung, fixture->base);
    char url[128];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/metrics", hung.port);
    fixture->server.answer = answer_text;
    fixture->server.text = "x 1\n";
    set_target(fixture, 0, url, 60000, 60000, 1);
    set_target(fixture, 1, fixture->url, 100, 100, 1);
    wait_for(fixture, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(fixture->results[i].target, 1);
        assert_int_equal(fixture->results[i].kind, TEND_SCRAPE_OK);
    }
    tend_scrape_client_remove_target(fixture->client, 0);
    target_server_stop(&hung);
}

static void starts_that_were_overslept_are_counted_as_missed(void **state)
{
    struct fixture *fixture = *state;
    (void)scrape(fixture, answer_text, "x 1\n");
    fixture->added_ms += 1000; // as if the loop had stood still for 10 intervals
    wait_for(fixture, 2);
    const struct tend_scrape_counters counters = tend_scrape_client_counters(fixture->client);
    assert_in_range(counters.missed, 9, 11);
    assert_int_equal(counters.ended[TEND_SCRAPE_OK], 2);
}

static void a_start_over_a_slot_late_is_counted(void **state)
{
    struct fixture *fixture = *state;
    fixture->server.answer = answer_text;
    fixture->server.text = "x 1\n";
    set_target(fixture, 0, fixture->url, 300, 300, 1);
    wait_for(fixture, 1);
    assert_int_equal(tend_scrape_client_counters(fixture->client).late, 0);
    fixture->added_ms += 250; // the timer for the next start is set already, and now goes off too late
    wait_for(fixture, 2);
    assert_int_equal(tend_scrape_client_counters(fixture->client).late, 1);
}

static void another_url_under_the_same_index_drops_the_scrape_in_flight(void **state)
{
    struct fixture *fixture = *state;
    struct target_server hung;
    target_server_start(&hung, fixture->base);
    char url[128];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/metrics", hung.port);
    set_target(fixture, 0, url, 100, 100, 1);
    while (hung.requests == 0) {
        assert_int_equal(event_base_loop(fixture->base, EVLOOP_ONCE), 0);
    }
    assert_int_equal(tend_scrape_client_in_flight(fixture->client), 1);
    fixture->server.answer = answer_text;
    fixture->server.text = "x 1\n";
    set_target(fixture, 0, fixture->url, 100, 100, 2);
    assert_int_equal(tend_scrape_client_in_flight(fixture->client), 0);
    wait_for(fixture, 1);
    assert_int_equal(fixture->results[0].kind, TEND_SCRAPE_OK);
    target_server_stop(&hung);
}

static void a_new_revision_keeps_the_scrape_in_flight(void **state)
{
    struct fixture *fixture = *state;
    set_target(fixture, 0, fixture->url, 100, 100, 1);
    while (fixture->server.requests == 0) {
        assert_int_equal(event_base_loop(fixture->base, EVLOOP_ONCE), 0);
    }
    set_target(fixture, 0, fixture->url, 100, 100, 2);
    assert_int_equal(tend_scrape_client_in_flight(fixture->client), 1);
    target_server_reply(fixture->server.peers[0], "200 OK", PLAIN, "x 5\n", 4);
    wait_for(fixture, 1);
    assert_int_equal(fixture->results[0].kind, TEND_SCRAPE_OK);
    assert_true(fixture->results[0].value == 5.0);
}

static void a_removed_target_is_heard_of_no_more(void **state)
{
    struct fixture *fixture = *state;
    fixture->remove_in_callback = true;
    (void)scrape(fixture, answer_text, "x 1\n");
    assert_int_equal(event_base_loop(fixture->base, EVLOOP_NONBLOCK), 0);
    assert_int_equal(fixture->result_count, 1);
    assert_int_equal(tend_scrape_client_in_flight(fixture->client), 0);
}

static void a_view_without_url_removes_the_target(void **state)
{
    struct fixture *fixture = *state;
    (void)scrape(fixture, answer_text, "x 1\n");
    set_target(fixture, 0, NULL, 0, 0, 0);
    target_server_stop(&fixture->server);
    assert_int_equal(event_base_loop(fixture->base, EVLOOP_NONBLOCK), 1); // 1: no event is left
}

static void an_interval_of_nothing_is_refused(void **state)
{
    struct fixture *fixture = *state;
    const struct tend_target_view view = { .url = fixture->url, .def = &fixture->def };
    assert_int_equal(tend_scrape_client_set_target(fixture->client, 0, &view), TEND_E_INVALID);
}

static void a_restarted_target_is_scraped_again_over_a_new_connection(void **state)
{
    struct fixture *fixture = *state;
    (void)scrape(fixture, answer_text, "x 1\n");
    while (fixture->server.peer_count > 0) {
        target_server_forget(&fixture->server, fixture->server.peers[0]); // the kept connection dies
    }
    wait_for(fixture, 2);
    assert_int_equal(fixture->results[1].kind, TEND_SCRAPE_OK);
    assert_int_equal(fixture->server.connections, 2);
}

static void destroying_with_scrapes_in_flight_leaks_nothing(void **state)
{
    struct fixture *fixture = *state;
    set_target(fixture, 0, fixture->url, 100, 100, 1);
    while (fixture->server.requests == 0) {
        assert_int_equal(event_base_loop(fixture->base, EVLOOP_ONCE), 0);
    }
    tend_scrape_client_destroy(fixture->client);
    fixture->client = NULL;
    assert_int_equal(fixture->result_count, 0);
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FACT(a_good_scrape_brings_a_row_of_values),
        FACT(a_scrape_says_what_it_takes_and_how_long_it_waits),
        FACT(a_connection_is_kept_from_scrape_to_scrape),
        FACT(openmetrics_is_chosen_by_its_content_type),
        FACT(a_compressed_body_is_decoded),
        FACT(a_compressed_body_counts_with_its_decoded_size),
        FACT(a_body_over_the_limit_is_too_large),
        FACT(a_body_at_the_limit_is_taken),
        FACT(a_chunked_body_over_the_limit_is_too_large),
        FACT(a_chunked_body_is_taken),
        FACT(a_chunk_that_is_none_is_a_parse_failure),
        FACT(headers_without_end_are_too_large),
        FACT(nobody_listening_is_refused),
        FACT(no_answer_is_a_read_timeout),
        FACT(a_dripping_body_ends_at_the_deadline),
        FACT(closing_without_an_answer_is_closed_early),
        FACT(closing_within_the_body_is_closed_early),
        FACT(closing_within_a_chunk_is_closed_early),
        FACT(a_reset_is_closed_early),
        FACT(another_status_is_a_failure),
        FACT(a_redirect_is_not_followed),
        FACT(a_malformed_line_fails_the_scrape_with_its_number),
        FACT(another_content_type_is_a_parse_failure),
        FACT(no_content_type_is_a_parse_failure),
        FACT(what_is_no_http_is_a_parse_failure),
        FACT(bytes_of_a_target_cannot_drive_a_terminal),
        FACT(a_tls_handshake_without_answer_is_a_tls_failure),
        FACT(a_server_without_tls_is_a_tls_failure),
        FACT(a_name_without_address_does_not_resolve),
        FACT(a_connect_without_answer_is_a_connect_timeout),
        FACT(no_socket_of_our_own_is_not_blamed_on_the_target),
        FACT(metadata_addresses_are_never_connected_to),
        FACT(metadata_addresses_in_ipv6_are_never_connected_to),
        FACT(a_proxy_of_the_environment_is_not_used),
        FACT(a_hung_target_is_scraped_at_every_start),
        FACT(a_hung_target_does_not_hold_up_another),
        FACT(starts_that_were_overslept_are_counted_as_missed),
        FACT(a_start_over_a_slot_late_is_counted),
        FACT(another_url_under_the_same_index_drops_the_scrape_in_flight),
        FACT(a_new_revision_keeps_the_scrape_in_flight),
        FACT(a_removed_target_is_heard_of_no_more),
        FACT(a_view_without_url_removes_the_target),
        FACT(an_interval_of_nothing_is_refused),
        FACT(a_restarted_target_is_scraped_again_over_a_new_connection),
        FACT(destroying_with_scrapes_in_flight_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
