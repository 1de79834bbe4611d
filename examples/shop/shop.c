/// Any service of the demo shop, the load on it, or a lone gauge: one process each, on 127.0.0.1.
///
///     shop --service payments --port 9312 --calls ledger=127.0.0.1:9314 --work-ms 10 --log payments.log
///     shop --load 40 --to 127.0.0.1:9310
///     shop --gauge queue_length --value 500 --port 9320
///
/// `GET /` works for --work-ms, then calls what --calls names, one after the other (instances in turn). It answers 200;
/// 500 when it or something it calls failed; 504 when that did not answer in --timeout-ms; 503 with IN_FLIGHT_MAX
/// requests at work. `GET /metrics` is Prometheus text and answers whatever the rest waits for. `POST
/// /fault?kind=K[&factor=X]` hurts it:
///     crash            dies at once
///     hang             takes every connection and answers nothing, /metrics included
///     slow   (50)      its own work takes X times as long
///     errors (0.8)     answers 500 to that share of the requests
///     leak   (30)      keeps X more MB each second, to LEAK_MAX_MB
///     none             is well again
/// `POST /set?value=X` sets the gauge. SIGTERM ends it.
///
/// One thread, everything from libevent's loop. Times are seconds of CLOCK_MONOTONIC (`_s`).
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    CALLEES_MAX = 8,
    ADDRESSES_MAX = 8, // of one callee
    IN_FLIGHT_MAX = 500,
    HELD_MAX = 500, // requests a hung service keeps; the oldest are dropped, their clients left long ago
    LOAD_IN_FLIGHT_MAX = 200,
    LEAK_MAX_MB = 600, // the demo must not hurt the machine it runs on
    LEAK_STEPS_PER_S = 10,
    PATH_BYTES = 32,
};

enum fault { FAULT_NONE, FAULT_HANG, FAULT_SLOW, FAULT_ERRORS, FAULT_LEAK };

static const int CODES[] = { 200, 500, 503, 504 };
static const double BUCKETS_S[] = { 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5 };
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/// What has been asked so far, of this service or of a callee.
struct tally {
    uint64_t by_code[COUNT_OF(CODES)];
    uint64_t by_bucket[COUNT_OF(BUCKETS_S)]; // each request in one bucket only; summed up when shown
    uint64_t count;
    double sum_s;
};

struct callee {
    char *name;
    struct {
        char *host;
        uint16_t port;
    } addresses[ADDRESSES_MAX];
    size_t address_count;
    size_t turn; // whose turn it is
    struct tally tally;
};

struct leaked {
    struct leaked *next;
    char bytes[];
};

struct shop {
    struct event_base *base;
    struct evhttp *http; // NULL in load mode
    const char *service;
    const char *version;
    const char *gauge; // NULL: no gauge mode
    double gauge_value;
    uint16_t port;
    double work_s;
    double timeout_s;
    double load_per_s; // 0: no load mode
    struct callee callees[CALLEES_MAX];
    size_t callee_count;
    FILE *log; // NULL: none
    uint64_t random;
    enum fault fault;
    double factor; // of the fault
    struct tally tally;
    int in_flight;
    double started_wall_s;
    struct evhttp_request *held[HELD_MAX]; // a ring
    size_t held_oldest;
    size_t held_count;
    struct leaked *leaked;
    size_t leaked_steps;
    struct event *leak_timer;
};

/// A request at work: first the own work, then the callees in turn. `request` belongs to libevent until it is answered.
struct job {
    struct shop *shop;
    struct evhttp_request *request;
    struct event *timer;
    double started_s;
    size_t next_callee;
    bool must_fail;
};

/// One call of a callee, for a job, or for the load (`job` is NULL).
struct call {
    struct shop *shop;
    struct job *job;
    struct callee *callee;
    struct evhttp_connection *connection;
    double started_s;
};

static double now_s(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct timeval timeval_of(double seconds)
{
    const long whole = (long)seconds;
    return (struct timeval){ .tv_sec = whole, .tv_usec = (long)((seconds - (double)whole) * 1e6) };
}

/// The next number of this service's own sequence, in [0, 1): xorshift64*, seeded with the port.
static double next_random(struct shop *shop)
{
    shop->random ^= shop->random >> 12;
    shop->random ^= shop->random << 25;
    shop->random ^= shop->random >> 27;
    return (double)((shop->random * UINT64_C(2685821657736338717)) >> 11) * 0x1p-53;
}

__attribute__((format(printf, 3, 4))) static void log_line(struct shop *shop, const char *level, const char *format,
                                                           ...)
{
    if (shop->log == NULL) {
        return;
    }
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    struct tm parts;
    char stamp[sizeof "2026-01-01T00:00:00"];
    if (gmtime_r(&now.tv_sec, &parts) == NULL || strftime(stamp, sizeof stamp, "%FT%T", &parts) == 0) {
        return;
    }
    (void)fprintf(shop->log, "{\"time\":\"%s.%03ldZ\",\"level\":\"%s\",\"service\":\"%s\",\"port\":%d,", stamp,
                  now.tv_nsec / 1000000, level, shop->service, shop->port);
    va_list arguments;
    va_start(arguments, format);
    (void)vfprintf(shop->log, format, arguments);
    va_end(arguments);
    (void)fputs("}\n", shop->log);
    (void)fflush(shop->log);
}

static void tally_add(struct tally *tally, int code, double took_s)
{
    for (size_t i = 0; i < COUNT_OF(CODES); i++) {
        if (CODES[i] == code) {
            tally->by_code[i]++;
        }
    }
    for (size_t i = 0; i < COUNT_OF(BUCKETS_S); i++) {
        if (took_s <= BUCKETS_S[i]) {
            tally->by_bucket[i]++;
            break;
        }
    }
    tally->count++;
    tally->sum_s += took_s;
}

// ---- calls of other services

static void free_connection(evutil_socket_t fd, short events, void *connection)
{
    (void)fd;
    (void)events;
    evhttp_connection_free(connection);
}

static void job_call_ended(struct job *job, const struct callee *callee, int code);

static void call_ended(struct evhttp_request *answer, void *arg)
{
    struct call *call = arg;
    struct shop *shop = call->shop;
    const double took_s = now_s(CLOCK_MONOTONIC) - call->started_s;
    int code = answer != NULL ? evhttp_request_get_response_code(answer) : 0;
    if (code != 200 && code != 504) { // libevent does not say in every case that it was the time
        code = took_s >= 0.95 * shop->timeout_s ? 504 : 500;
    }
    tally_add(&call->callee->tally, code, took_s);
    // The connection is still in use by the function that called us: it goes in a turn of the loop of its own.
    const struct timeval at_once = { 0, 0 };
    (void)event_base_once(shop->base, -1, EV_TIMEOUT, free_connection, call->connection, &at_once);
    if (call->job != NULL) {
        job_call_ended(call->job, call->callee, code);
    } else {
        shop->in_flight--;
    }
    free(call);
}

/// Begins a call of the callee's next instance. False when it could not be begun.
static bool call_begin(struct shop *shop, struct job *job, struct callee *callee)
{
    const size_t turn = callee->turn++ % callee->address_count;
    const char *host = callee->addresses[turn].host;
    struct call *call = calloc(1, sizeof *call);
    if (call == NULL) {
        return false;
    }
    *call = (struct call){ .shop = shop, .job = job, .callee = callee, .started_s = now_s(CLOCK_MONOTONIC) };
    call->connection = evhttp_connection_base_new(shop->base, NULL, host, callee->addresses[turn].port);
    if (call->connection == NULL) {
        free(call);
        return false;
    }
    const struct timeval timeout = timeval_of(shop->timeout_s);
    evhttp_connection_set_timeout_tv(call->connection, &timeout);
    struct evhttp_request *request = evhttp_request_new(call_ended, call);
    if (request == NULL) {
        evhttp_connection_free(call->connection);
        free(call);
        return false;
    }
    (void)evhttp_add_header(evhttp_request_get_output_headers(request), "Host", host);
    (void)evhttp_add_header(evhttp_request_get_output_headers(request), "Connection", "close");
    // A failure from here on is told to call_ended.
    (void)evhttp_make_request(call->connection, request, EVHTTP_REQ_GET, "/");
    return true;
}

// ---- the service's work

static void drop_oldest_held(struct shop *shop)
{
    struct evhttp_request *request = shop->held[shop->held_oldest];
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    shop->held_oldest = (shop->held_oldest + 1) % HELD_MAX;
    shop->held_count--;
    if (connection != NULL) {
        evhttp_connection_free(connection); // and the request with it
    } else {
        evhttp_request_free(request);
    }
}

/// Keeps a request for ever, as a hung service does.
static void hold(struct shop *shop, struct evhttp_request *request)
{
    if (shop->held_count == HELD_MAX) {
        drop_oldest_held(shop);
    }
    shop->held[(shop->held_oldest + shop->held_count++) % HELD_MAX] = request;
}

static void answer(struct evhttp_request *request, int code, const char *text)
{
    struct evbuffer *body = evhttp_request_get_output_buffer(request);
    (void)evbuffer_add_printf(body, "%s\n", text);
    evhttp_send_reply(request, code, NULL, NULL);
}

/// Answers the request and forgets the job. `reason` is NULL when all went well.
static void job_end(struct job *job, int code, const char *reason)
{
    struct shop *shop = job->shop;
    shop->in_flight--;
    if (shop->fault == FAULT_HANG) {
        hold(shop, job->request);
    } else {
        const double took_s = now_s(CLOCK_MONOTONIC) - job->started_s;
        tally_add(&shop->tally, code, took_s);
        if (reason == NULL) {
            log_line(shop, "info", "\"event\":\"request\",\"code\":%d,\"ms\":%.1f", code, took_s * 1e3);
        } else {
            log_line(shop, "error", "\"event\":\"request\",\"code\":%d,\"ms\":%.1f,\"error\":\"%s\"", code,
                     took_s * 1e3, reason);
        }
        answer(job->request, code, reason != NULL ? reason : "ok");
    }
    if (job->timer != NULL) {
        event_free(job->timer);
    }
    free(job);
}

static void job_go_on(struct job *job)
{
    struct shop *shop = job->shop;
    if (job->next_callee == shop->callee_count) {
        job_end(job, 200, NULL);
    } else if (!call_begin(shop, job, &shop->callees[job->next_callee++])) {
        job_end(job, 500, "no memory for a call");
    }
}

static void job_call_ended(struct job *job, const struct callee *callee, int code)
{
    if (code == 200) {
        job_go_on(job);
        return;
    }
    char reason[128];
    (void)snprintf(reason, sizeof reason, "%s %s", callee->name, code == 504 ? "did not answer in time" : "failed");
    job_end(job, code == 504 ? 504 : 500, reason);
}

static void job_worked(evutil_socket_t fd, short events, void *arg)
{
    struct job *job = arg;
    (void)fd;
    (void)events;
    if (job->must_fail) {
        job_end(job, 500, "cannot do it");
    } else {
        job_go_on(job);
    }
}

static void handle_work(struct shop *shop, struct evhttp_request *request)
{
    struct job *job = shop->in_flight < IN_FLIGHT_MAX ? calloc(1, sizeof *job) : NULL;
    if (job == NULL) {
        tally_add(&shop->tally, 503, 0);
        log_line(shop, "error", "\"event\":\"request\",\"code\":503,\"error\":\"too many requests at work\"");
        answer(request, 503, "too many requests at work");
        return;
    }
    shop->in_flight++;
    *job = (struct job){ .shop = shop, .request = request, .started_s = now_s(CLOCK_MONOTONIC) };
    job->must_fail = shop->fault == FAULT_ERRORS && next_random(shop) < shop->factor;
    job->timer = evtimer_new(shop->base, job_worked, job);
    const double jitter = 0.75 + 0.5 * next_random(shop);
    const struct timeval work = timeval_of(shop->work_s * jitter * (shop->fault == FAULT_SLOW ? shop->factor : 1));
    if (job->timer == NULL || evtimer_add(job->timer, &work) != 0) {
        job_end(job, 500, "no memory for a timer");
    }
}

// ---- metrics

static double resident_bytes(void)
{
    char line[128] = "";
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL) {
        return 0;
    }
    const bool read = fgets(line, sizeof line, file) != NULL;
    (void)fclose(file);
    const char *second = read ? strchr(line, ' ') : NULL;
    return second != NULL ? strtod(second, NULL) * (double)sysconf(_SC_PAGESIZE) : 0;
}

static void add_requests(struct evbuffer *out, const char *name, const char *callee, const struct tally *tally)
{
    for (size_t i = 0; i < COUNT_OF(CODES); i++) {
        const char *comma = callee[0] != '\0' ? "," : "";
        (void)evbuffer_add_printf(out, "%s{%s%scode=\"%d\"} %ju\n", name, callee, comma, CODES[i], tally->by_code[i]);
    }
}

static void add_process(const struct shop *shop, struct evbuffer *out)
{
    (void)evbuffer_add_printf(out,
                              "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes %.0f\n"
                              "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total %.6f\n"
                              "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds %.3f\n"
                              "# TYPE shop_build_info gauge\nshop_build_info{version=\"%s\"} 1\n",
                              resident_bytes(), now_s(CLOCK_PROCESS_CPUTIME_ID), shop->started_wall_s, shop->version);
}

static void add_service(const struct shop *shop, struct evbuffer *out)
{
    (void)evbuffer_add_printf(out,
                              "# HELP http_requests_total Requests answered.\n# TYPE http_requests_total counter\n");
    add_requests(out, "http_requests_total", "", &shop->tally);
    (void)evbuffer_add_printf(out, "# TYPE http_request_duration_seconds histogram\n");
    uint64_t so_far = 0;
    for (size_t i = 0; i < COUNT_OF(BUCKETS_S); i++) {
        so_far += shop->tally.by_bucket[i];
        (void)evbuffer_add_printf(out, "http_request_duration_seconds_bucket{le=\"%g\"} %ju\n", BUCKETS_S[i], so_far);
    }
    (void)evbuffer_add_printf(
        out,
        "http_request_duration_seconds_bucket{le=\"+Inf\"} %ju\nhttp_request_duration_seconds_sum %.17g\n"
        "http_request_duration_seconds_count %ju\n"
        "# TYPE requests_in_flight gauge\nrequests_in_flight %d\n",
        shop->tally.count, shop->tally.sum_s, shop->tally.count, shop->in_flight);
    if (shop->callee_count == 0) {
        return;
    }
    (void)evbuffer_add_printf(out, "# TYPE http_client_requests_total counter\n");
    char label[128];
    for (size_t i = 0; i < shop->callee_count; i++) {
        (void)snprintf(label, sizeof label, "callee=\"%s\"", shop->callees[i].name);
        add_requests(out, "http_client_requests_total", label, &shop->callees[i].tally);
    }
    (void)evbuffer_add_printf(out, "# TYPE http_client_request_duration_seconds summary\n");
    for (size_t i = 0; i < shop->callee_count; i++) {
        const struct callee *callee = &shop->callees[i];
        (void)evbuffer_add_printf(out,
                                  "http_client_request_duration_seconds_sum{callee=\"%s\"} %.17g\n"
                                  "http_client_request_duration_seconds_count{callee=\"%s\"} %ju\n",
                                  callee->name, callee->tally.sum_s, callee->name, callee->tally.count);
    }
}

static void handle_metrics(const struct shop *shop, struct evhttp_request *request)
{
    struct evbuffer *out = evhttp_request_get_output_buffer(request);
    if (shop->gauge != NULL) {
        (void)evbuffer_add_printf(out, "# TYPE %s gauge\n%s %.17g\n", shop->gauge, shop->gauge, shop->gauge_value);
    } else {
        add_service(shop, out);
    }
    add_process(shop, out);
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    (void)evhttp_add_header(headers, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    evhttp_send_reply(request, 200, NULL, NULL);
}

// ---- faults

static void leak_step(evutil_socket_t fd, short events, void *arg)
{
    struct shop *shop = arg;
    (void)fd;
    (void)events;
    const size_t step_bytes = (size_t)(shop->factor * 1e6 / LEAK_STEPS_PER_S);
    if (step_bytes < sizeof(struct leaked) || (shop->leaked_steps + 1) * step_bytes > LEAK_MAX_MB * UINT64_C(1000000)) {
        return;
    }
    struct leaked *leaked = malloc(step_bytes);
    if (leaked == NULL) {
        return;
    }
    leaked->next = shop->leaked;
    memset(leaked->bytes, 1, step_bytes - sizeof *leaked); // memory never touched would not be resident
    shop->leaked = leaked;
    shop->leaked_steps++;
}

static void recover(struct shop *shop)
{
    shop->fault = FAULT_NONE;
    (void)event_del(shop->leak_timer);
    while (shop->leaked != NULL) {
        struct leaked *next = shop->leaked->next;
        free(shop->leaked);
        shop->leaked = next;
    }
    shop->leaked_steps = 0;
    while (shop->held_count > 0) {
        drop_oldest_held(shop);
    }
}

static void handle_fault(struct shop *shop, struct evhttp_request *request, const struct evkeyvalq *query)
{
    static const struct {
        const char *kind;
        enum fault fault;
        double factor;
    } FAULTS[] = { { "none", FAULT_NONE, 0 },
                   { "hang", FAULT_HANG, 0 },
                   { "slow", FAULT_SLOW, 50 },
                   { "errors", FAULT_ERRORS, 0.8 },
                   { "leak", FAULT_LEAK, 30 } };
    const char *kind = evhttp_find_header(query, "kind");
    const char *factor = evhttp_find_header(query, "factor");
    if (kind != NULL && strcmp(kind, "crash") == 0) {
        log_line(shop, "fatal", "\"event\":\"crash\"");
        _exit(134);
    }
    for (size_t i = 0; i < COUNT_OF(FAULTS); i++) {
        if (kind == NULL || strcmp(kind, FAULTS[i].kind) != 0) {
            continue;
        }
        recover(shop);
        shop->fault = FAULTS[i].fault;
        shop->factor = factor != NULL ? strtod(factor, NULL) : FAULTS[i].factor;
        if (shop->fault == FAULT_LEAK) {
            const struct timeval step = timeval_of(1.0 / LEAK_STEPS_PER_S);
            (void)event_add(shop->leak_timer, &step);
        }
        log_line(shop, "warn", "\"event\":\"fault\",\"kind\":\"%s\",\"factor\":%g", FAULTS[i].kind, shop->factor);
        answer(request, 200, FAULTS[i].kind);
        return;
    }
    answer(request, 400, "kind must be crash, hang, slow, errors, leak or none");
}

static void handle_set(struct shop *shop, struct evhttp_request *request, const struct evkeyvalq *query)
{
    const char *value = evhttp_find_header(query, "value");
    char *end = NULL;
    const double number = value != NULL ? strtod(value, &end) : 0;
    if (value == NULL || end == value || *end != '\0') {
        answer(request, 400, "value must be a number");
        return;
    }
    shop->gauge_value = number;
    answer(request, 200, "ok");
}

static void handle(struct evhttp_request *request, void *arg)
{
    struct shop *shop = arg;
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *path = evhttp_uri_get_path(uri);
    const bool post = evhttp_request_get_command(request) == EVHTTP_REQ_POST;
    struct evkeyvalq query;
    if (path == NULL || evhttp_parse_query_str(evhttp_uri_get_query(uri), &query) != 0) {
        answer(request, 400, "cannot read the query");
        return;
    }
    if (post && strcmp(path, "/fault") == 0) { // also while it hangs: this is the hand from outside
        handle_fault(shop, request, &query);
    } else if (post && strcmp(path, "/set") == 0) {
        handle_set(shop, request, &query);
    } else if (shop->fault == FAULT_HANG) {
        hold(shop, request);
    } else if (strcmp(path, "/metrics") == 0) {
        handle_metrics(shop, request);
    } else if (strcmp(path, "/") == 0 && shop->gauge == NULL) {
        handle_work(shop, request);
    } else {
        answer(request, 404, "not here");
    }
    evhttp_clear_headers(&query);
}

// ---- start and end

static void send_load(evutil_socket_t fd, short events, void *arg)
{
    struct shop *shop = arg;
    (void)fd;
    (void)events;
    if (shop->in_flight < LOAD_IN_FLIGHT_MAX && call_begin(shop, NULL, &shop->callees[0])) {
        shop->in_flight++;
    }
}

static void stop(evutil_socket_t fd, short events, void *base)
{
    (void)fd;
    (void)events;
    (void)event_base_loopbreak(base);
}

/// Reads "HOST:PORT[,HOST:PORT…]". `text` is cut up and kept.
static bool add_callee(struct shop *shop, char *name, char *text)
{
    if (shop->callee_count == CALLEES_MAX) {
        return false;
    }
    struct callee *callee = &shop->callees[shop->callee_count];
    callee->name = name;
    char *rest = NULL;
    for (char *item = strtok_r(text, ",", &rest); item != NULL; item = strtok_r(NULL, ",", &rest)) {
        char *colon = strrchr(item, ':');
        if (colon == NULL || callee->address_count == ADDRESSES_MAX) {
            return false;
        }
        *colon = '\0';
        const long port = strtol(colon + 1, NULL, 10);
        if (port < 1 || port > UINT16_MAX) {
            return false;
        }
        callee->addresses[callee->address_count].host = item;
        callee->addresses[callee->address_count++].port = (uint16_t)port;
    }
    shop->callee_count++;
    return callee->address_count > 0;
}

/// Takes one `--name value`; the value's text is kept. False when the name is unknown or the value makes no sense.
static bool take_option(struct shop *shop, const char *name, char *value)
{
    if (strcmp(name, "--service") == 0) {
        shop->service = value;
    } else if (strcmp(name, "--version") == 0) {
        shop->version = value;
    } else if (strcmp(name, "--gauge") == 0) {
        shop->gauge = value;
    } else if (strcmp(name, "--value") == 0) {
        shop->gauge_value = strtod(value, NULL);
    } else if (strcmp(name, "--work-ms") == 0) {
        shop->work_s = strtod(value, NULL) / 1e3;
    } else if (strcmp(name, "--timeout-ms") == 0) {
        shop->timeout_s = strtod(value, NULL) / 1e3;
    } else if (strcmp(name, "--load") == 0) {
        shop->load_per_s = strtod(value, NULL);
        return shop->load_per_s > 0;
    } else if (strcmp(name, "--port") == 0) {
        const long port = strtol(value, NULL, 10);
        shop->port = (uint16_t)port;
        return port >= 1 && port <= UINT16_MAX;
    } else if (strcmp(name, "--to") == 0) {
        static char target[] = "target";
        return add_callee(shop, target, value);
    } else if (strcmp(name, "--calls") == 0) {
        char *equals = strchr(value, '=');
        if (equals == NULL) {
            return false;
        }
        *equals = '\0';
        return add_callee(shop, value, equals + 1);
    } else if (strcmp(name, "--log") == 0) {
        shop->log = fopen(value, "ae");
        return shop->log != NULL;
    } else {
        return false;
    }
    return true;
}

/// Opens what the mode needs: the port to listen on, or the timer of the load.
static bool open_shop(struct shop *shop)
{
    if (shop->load_per_s > 0) {
        const struct timeval pause = timeval_of(1 / shop->load_per_s);
        struct event *timer = event_new(shop->base, -1, EV_PERSIST, send_load, shop);
        return timer != NULL && event_add(timer, &pause) == 0;
    }
    shop->http = evhttp_new(shop->base);
    if (shop->http == NULL || evhttp_bind_socket(shop->http, "127.0.0.1", shop->port) != 0) {
        (void)fprintf(stderr, "shop: cannot listen on 127.0.0.1:%d: %s\n", shop->port, strerrordesc_np(errno));
        return false;
    }
    evhttp_set_gencb(shop->http, handle, shop);
    shop->leak_timer = event_new(shop->base, -1, EV_PERSIST, leak_step, shop);
    return shop->leak_timer != NULL;
}

int main(int argc, char **argv)
{
    // Static, so that what is still at work when it ends is in reach of the leak checker.
    static struct shop shop = { .service = "shop", .version = "1.0", .work_s = 0.01, .timeout_s = 2 };
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc || !take_option(&shop, argv[i], argv[i + 1])) {
            (void)fprintf(stderr, "shop: cannot use %s %s\n", argv[i], i + 1 < argc ? argv[i + 1] : "without a value");
            return 2;
        }
    }
    if (shop.load_per_s > 0 ? shop.callee_count != 1 : shop.port == 0) {
        (void)fprintf(stderr, "shop: needs --port PORT, or --load PER_SECOND --to HOST:PORT\n");
        return 2;
    }
    shop.random = UINT64_C(0x9e3779b97f4a7c15) ^ shop.port;
    shop.started_wall_s = now_s(CLOCK_REALTIME);
    (void)signal(SIGPIPE, SIG_IGN);
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) { // a hung callee costs its callers two descriptors a request
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    shop.base = event_base_new();
    if (shop.base == NULL || !open_shop(&shop)) {
        return 1;
    }
    struct event *term = evsignal_new(shop.base, SIGTERM, stop, shop.base);
    struct event *interrupt = evsignal_new(shop.base, SIGINT, stop, shop.base);
    if (term == NULL || interrupt == NULL || event_add(term, NULL) != 0 || event_add(interrupt, NULL) != 0) {
        return 1;
    }
    log_line(&shop, "info", "\"event\":\"start\",\"version\":\"%s\"", shop.version);
    (void)event_base_dispatch(shop.base);
    log_line(&shop, "info", "\"event\":\"stop\"");
    return 0;
}
