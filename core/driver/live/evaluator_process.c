// One child: alive → dying (killed, or its socket closed) → dead (reaped); then all that wait are told so.
//
// Replies are handed over by an event of their own (`deliver`), one a turn, as the last thing that turn does: so a
// `done` may destroy the evaluator. The request is off the list, and the next one on its way, before `done` is called.
//
// Who is to blame for a death: the piece of user code that the child said it begins. Before a child is called dead, or
// too slow, all that it has sent is read, so that neither a late loop nor a fast crash blames an innocent rule.

#include "driver/live/evaluator_process.h"

#include "alert/verdict.h"
#include "base/buffer.h"
#include "base/log.h"
#include "script/message.h"

#include <errno.h>
#include <event2/buffer.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WATCH_PERIOD_MS = 20, CLOSED_GRACE_MS = 1000, LENGTH_BYTES = 4, ERROR_MAX_BYTES = 4096 };

struct request {
    struct request *next;
    enum tend_message kind;
    char *payload; // owned; NULL: it could not be made, `failure` says why
    size_t byte_count;
    const char *failure;
    tend_evaluator_done *done;
    void *context;
};

enum evaluator_state { EVALUATOR_ALIVE, EVALUATOR_DYING, EVALUATOR_DEAD };

struct tend_evaluator {
    struct event_base *base;
    struct tend_evaluator_deadlines deadlines;
    enum evaluator_state state;
    pid_t pid;
    int pidfd;
    int socket;
    clockid_t cpu_clock;
    struct evbuffer *input;
    struct evbuffer *output;
    struct event *readable;
    struct event *writable;
    struct event *reapable;
    struct event *watch;   // every WATCH_PERIOD_MS while a request is in flight
    struct event *deliver; // made active by hand

    struct request *first; // in flight when in_flight
    struct request *last;
    bool in_flight;
    bool answered; // the first request's reply is in json or bytes, not yet delivered
    json_t *json;
    struct tend_buffer bytes;

    enum tend_progress piece; // what the child works on, and since when; 0: nothing of the user's
    uint32_t piece_index;
    int64_t piece_cpu_ns;
    int64_t piece_wall_ns;

    bool blames_nobody; // of a death
    char reason[160];
};

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now = { 0 };
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

struct tend_evaluator_deadlines tend_evaluator_default_deadlines(void)
{
    struct tend_evaluator_deadlines deadlines = {
        .cpu_ms = 100, .wall_ms = 2000, .load_cpu_ms = 2000, .load_wall_ms = 5000
    };
#ifdef TEND_SANITIZED // instrumented code takes several times as long
    deadlines.cpu_ms *= 5;
    deadlines.wall_ms *= 5;
    deadlines.load_cpu_ms *= 5;
    deadlines.load_wall_ms *= 5;
#endif
    return deadlines;
}

pid_t tend_evaluator_pid(const struct tend_evaluator *evaluator)
{
    return evaluator->pid;
}

bool tend_evaluator_is_dead(const struct tend_evaluator *evaluator)
{
    return evaluator->state != EVALUATOR_ALIVE;
}

static void begin_piece(struct tend_evaluator *evaluator, enum tend_progress piece, uint32_t index)
{
    evaluator->piece = piece;
    evaluator->piece_index = index;
    evaluator->piece_cpu_ns = clock_ns(evaluator->cpu_clock);
    evaluator->piece_wall_ns = clock_ns(CLOCK_MONOTONIC);
}

// Through the pidfd: a simulation is forbidden to reach processes by number.
static void kill_child(const struct tend_evaluator *evaluator)
{
    if (evaluator->pidfd >= 0) {
        (void)pidfd_send_signal(evaluator->pidfd, SIGKILL, NULL, 0);
    } else {
        (void)kill(evaluator->pid, SIGKILL); // it was only just started
    }
}

// From alive to dying. With a reason it is killed; without, its end will say why.
static void begin_dying(struct tend_evaluator *evaluator, const char *reason)
{
    if (evaluator->state != EVALUATOR_ALIVE) {
        return;
    }
    evaluator->state = EVALUATOR_DYING;
    (void)event_del(evaluator->readable);
    (void)event_del(evaluator->writable);
    if (reason != NULL) {
        (void)snprintf(evaluator->reason, sizeof evaluator->reason, "%s", reason);
        kill_child(evaluator);
    } else {
        const struct timeval period = { .tv_usec = WATCH_PERIOD_MS * 1000L };
        evaluator->piece_wall_ns = clock_ns(CLOCK_MONOTONIC); // from here on, for the time of grace
        (void)event_add(evaluator->watch, &period);
    }
}

static void send_first(struct tend_evaluator *evaluator)
{
    struct request *request = evaluator->first;
    if (request == NULL || evaluator->in_flight || evaluator->state == EVALUATOR_DYING) {
        return;
    }
    if (evaluator->state == EVALUATOR_DEAD || request->payload == NULL) {
        event_active(evaluator->deliver, EV_TIMEOUT, 0);
        return;
    }
    struct tend_buffer header;
    tend_buffer_init(&header);
    tend_buffer_put_u32(&header, (uint32_t)request->byte_count + 1);
    tend_buffer_put_u8(&header, (uint8_t)request->kind);
    const bool queued = !header.failed && evbuffer_add(evaluator->output, header.data, header.size) == 0 &&
                        evbuffer_add(evaluator->output, request->payload, request->byte_count) == 0;
    tend_buffer_clear(&header);
    evaluator->in_flight = true;
    begin_piece(evaluator, 0, 0);
    if (!queued) {
        evaluator->blames_nobody = true;
        begin_dying(evaluator, "tend had no memory for a request");
        return;
    }
    const struct timeval period = { .tv_usec = WATCH_PERIOD_MS * 1000L };
    (void)event_add(evaluator->writable, NULL);
    (void)event_add(evaluator->watch, &period);
}

static const char *piece_text(enum tend_progress piece)
{
    switch (piece) {
    case TEND_PROGRESS_FILE:
        return "file";
    case TEND_PROGRESS_RULE:
        return "rule";
    case TEND_PROGRESS_LOCATE:
        return "locate";
    case TEND_PROGRESS_PLAYBOOK:
        return "playbook";
    case TEND_PROGRESS_NOTIFY:
        return "notify";
    }
    return "";
}

// Whether the bytes are `count` well-formed verdicts of this tick.
static bool verdicts_are_right(const char *bytes, size_t byte_count, const struct request *request)
{
    struct tend_reader asked = tend_reader_over(request->payload, request->byte_count);
    const uint64_t tick = tend_reader_get_u64(&asked);
    (void)tend_reader_get_f64(&asked);
    const uint32_t count = tend_reader_get_u32(&asked);
    struct tend_reader reader = tend_reader_over(bytes, byte_count);
    if (tend_reader_get_u64(&reader) != tick || tend_reader_get_u32(&reader) != count) {
        return false;
    }
    for (uint32_t i = 0; i < count && !reader.failed; i++) {
        const uint8_t verdict = tend_reader_get_u8(&reader);
        size_t text_bytes = 0;
        if (verdict == TEND_VERDICT_ERROR) {
            (void)tend_reader_get_string(&reader, &text_bytes);
        }
        if (verdict > TEND_VERDICT_HOLD || text_bytes > ERROR_MAX_BYTES) {
            return false;
        }
    }
    return !reader.failed && reader.next == reader.end;
}

static enum tend_message reply_kind(enum tend_message request)
{
    return request == TEND_MESSAGE_LOAD   ? TEND_MESSAGE_DOCUMENT
           : request == TEND_MESSAGE_TICK ? TEND_MESSAGE_VERDICTS
           : request == TEND_MESSAGE_ASK  ? TEND_MESSAGE_REPLY
                                          : TEND_MESSAGE_EFFECT;
}

static bool json_is_right(enum tend_message kind, const json_t *json)
{
    if (!json_is_object(json)) {
        return false;
    }
    const bool effect = json_is_object(json_object_get(json, "effect"));
    const bool end = json_is_object(json_object_get(json, "end"));
    return kind != TEND_MESSAGE_EFFECT || effect != end;
}

static bool take_progress(struct tend_evaluator *evaluator, const char *payload, size_t byte_count)
{
    struct tend_reader reader = tend_reader_over(payload, byte_count);
    const enum tend_progress piece = (enum tend_progress)tend_reader_get_u8(&reader);
    const uint32_t index = tend_reader_get_u32(&reader);
    if (reader.failed || reader.next != reader.end || piece_text(piece)[0] == '\0') {
        return false;
    }
    begin_piece(evaluator, piece, index);
    return true;
}

// Takes one frame. @return false when it is not what was asked for
static bool take_frame(struct tend_evaluator *evaluator, enum tend_message kind, const char *payload, size_t byte_count)
{
    if (!evaluator->in_flight || evaluator->answered) {
        return false;
    }
    if (kind == TEND_MESSAGE_PROGRESS) {
        return take_progress(evaluator, payload, byte_count);
    }
    if (kind != reply_kind(evaluator->first->kind)) {
        return false;
    }
    if (kind == TEND_MESSAGE_VERDICTS) {
        if (!verdicts_are_right(payload, byte_count, evaluator->first)) {
            return false;
        }
        tend_buffer_reset(&evaluator->bytes);
        tend_buffer_put(&evaluator->bytes, payload, byte_count);
        if (evaluator->bytes.failed) {
            return false;
        }
    } else {
        json_t *json = json_loadb(payload, byte_count, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_right(kind, json)) {
            json_decref(json);
            return false;
        }
        evaluator->json = json;
    }
    evaluator->answered = true;
    (void)event_del(evaluator->watch);
    event_active(evaluator->deliver, EV_TIMEOUT, 0);
    return true;
}

// Takes the whole frames out of the input. @return false when the bytes are none
static bool take_frames(struct tend_evaluator *evaluator)
{
    for (;;) {
        char header[LENGTH_BYTES];
        if (evbuffer_copyout(evaluator->input, header, sizeof header) < (ev_ssize_t)sizeof header) {
            return true;
        }
        struct tend_reader reader = tend_reader_over(header, sizeof header);
        const size_t length = tend_reader_get_u32(&reader);
        if (length == 0 || length > TEND_MESSAGE_MAX_BYTES) {
            return false;
        }
        if (evbuffer_get_length(evaluator->input) < LENGTH_BYTES + length) {
            return true;
        }
        const unsigned char *frame = evbuffer_pullup(evaluator->input, (ev_ssize_t)(LENGTH_BYTES + length));
        if (frame == NULL || !take_frame(evaluator, (enum tend_message)frame[LENGTH_BYTES],
                                         (const char *)frame + LENGTH_BYTES + 1, length - 1)) {
            return false;
        }
        (void)evbuffer_drain(evaluator->input, LENGTH_BYTES + length);
    }
}

// Reads what has come. @return false when the other end is closed
static bool read_available(struct tend_evaluator *evaluator)
{
    for (;;) {
        const int got = evbuffer_read(evaluator->input, evaluator->socket, 256 * 1024);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
            return false;
        }
        if (!take_frames(evaluator)) {
            begin_dying(evaluator, "its reply was malformed");
            return true;
        }
        if (got < 0) {
            return true;
        }
    }
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct tend_evaluator *evaluator = context;
    if (!read_available(evaluator)) {
        begin_dying(evaluator, NULL);
    }
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
    (void)what;
    struct tend_evaluator *evaluator = context;
    while (evbuffer_get_length(evaluator->output) > 0) {
        if (evbuffer_write(evaluator->output, fd) < 0) {
            if (errno == EAGAIN || errno == EINTR) {
                (void)event_add(evaluator->writable, NULL);
            } // else it is closed: reading says so
            return;
        }
    }
}

// What a child ended with, for people.
static void describe_end(struct tend_evaluator *evaluator, int status)
{
    char *text = evaluator->reason;
    const size_t bytes = sizeof evaluator->reason;
    if (WIFSIGNALED(status)) {
        const int number = WTERMSIG(status);
        if (number == SIGSYS) {
            (void)snprintf(text, bytes, "did what the sandbox forbids");
        } else {
            (void)snprintf(text, bytes, "killed by signal %d (%s)", number, sigdescr_np(number));
        }
        return;
    }
    switch (WEXITSTATUS(status)) {
    case TEND_EVALUATOR_EXIT_MEMORY:
        (void)snprintf(text, bytes, "out of memory");
        break;
    case TEND_EVALUATOR_EXIT_REQUEST:
        (void)snprintf(text, bytes, "it was sent a malformed request");
        break;
    case TEND_EVALUATOR_EXIT_LOCK:
        (void)snprintf(text, bytes, "its sandbox could not be set up");
        break;
    default:
        (void)snprintf(text, bytes, "exited with status %d", WEXITSTATUS(status));
        break;
    }
}

static void on_reapable(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct tend_evaluator *evaluator = context;
    int status = 0;
    if (waitpid(evaluator->pid, &status, WNOHANG) != evaluator->pid) {
        return;
    }
    if (evaluator->state == EVALUATOR_ALIVE) {
        (void)read_available(evaluator); // the last it said: perhaps whom to blame
        begin_dying(evaluator, NULL);
    }
    if (evaluator->reason[0] == '\0') {
        describe_end(evaluator, status);
    }
    evaluator->state = EVALUATOR_DEAD;
    (void)event_del(evaluator->reapable);
    (void)event_del(evaluator->watch);
    if (evaluator->first != NULL) {
        event_active(evaluator->deliver, EV_TIMEOUT, 0);
    }
}

static void on_watch(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct tend_evaluator *evaluator = context;
    if (evaluator->state == EVALUATOR_ALIVE && !read_available(evaluator)) {
        begin_dying(evaluator, NULL);
    }
    const int64_t wall_ms = (clock_ns(CLOCK_MONOTONIC) - evaluator->piece_wall_ns) / 1000000;
    if (evaluator->state == EVALUATOR_DYING && wall_ms > CLOSED_GRACE_MS) {
        kill_child(evaluator); // it closed its socket and lives on
    }
    if (evaluator->state != EVALUATOR_ALIVE || !evaluator->in_flight || evaluator->answered) {
        return;
    }
    const int64_t cpu_ms = (clock_ns(evaluator->cpu_clock) - evaluator->piece_cpu_ns) / 1000000;
    const bool loading = evaluator->first->kind == TEND_MESSAGE_LOAD;
    const int64_t cpu_limit_ms = loading ? evaluator->deadlines.load_cpu_ms : evaluator->deadlines.cpu_ms;
    const int64_t wall_limit_ms = loading ? evaluator->deadlines.load_wall_ms : evaluator->deadlines.wall_ms;
    char reason[sizeof evaluator->reason];
    if (cpu_ms >= cpu_limit_ms) {
        (void)snprintf(reason, sizeof reason, "used %lld ms of CPU time", (long long)cpu_limit_ms);
        begin_dying(evaluator, reason);
    } else if (wall_ms >= wall_limit_ms) {
        // Nothing in there can wait but for a processor: the machine is at fault, not the rule. A file is named all the
        // same, for naming it switches nothing off.
        evaluator->blames_nobody = !loading;
        (void)snprintf(reason, sizeof reason, "no answer for %lld ms, with %lld ms of CPU time",
                       (long long)wall_limit_ms, (long long)cpu_ms);
        begin_dying(evaluator, reason);
    }
}

static void request_destroy(struct request *request)
{
    if (request != NULL) {
        free(request->payload);
        free(request);
    }
}

static void on_deliver(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct tend_evaluator *evaluator = context;
    struct request *request = evaluator->first;
    const bool over = evaluator->answered || evaluator->state == EVALUATOR_DEAD;
    if (request == NULL || !(over || (request->payload == NULL && !evaluator->in_flight))) {
        return;
    }
    struct tend_evaluator_reply reply = { 0 };
    struct tend_buffer bytes = evaluator->bytes;
    json_t *json = evaluator->json;
    char reason[sizeof evaluator->reason];
    (void)snprintf(reason, sizeof reason, "%s", evaluator->reason);
    if (evaluator->answered) {
        reply.json = json;
        reply.bytes = request->kind == TEND_MESSAGE_TICK ? tend_buffer_text(&bytes) : NULL;
        reply.byte_count = request->kind == TEND_MESSAGE_TICK ? bytes.size : 0;
    } else {
        const bool blamed = evaluator->in_flight && !evaluator->blames_nobody;
        reply.died = (struct tend_event_died){ .died = true,
                                               .what = blamed ? piece_text(evaluator->piece) : "",
                                               .index = blamed ? evaluator->piece_index : 0,
                                               .reason = request->payload == NULL ? request->failure : reason };
    }
    evaluator->first = request->next;
    evaluator->last = evaluator->first == NULL ? NULL : evaluator->last;
    evaluator->in_flight = false;
    evaluator->answered = false;
    evaluator->json = NULL;
    tend_buffer_init(&evaluator->bytes);
    send_first(evaluator);
    request->done(request->context, &reply); // may destroy the evaluator
    json_decref(json);
    tend_buffer_clear(&bytes);
    request_destroy(request);
}

static void add_request(struct tend_evaluator *evaluator, enum tend_message kind, char *take_payload, size_t byte_count,
                        tend_evaluator_done *done, void *context)
{
    struct request *request = calloc(1, sizeof *request);
    TEND_ASSERT(request != NULL); // a request without an answer would hold its tick or run for ever
    request->kind = kind;
    request->payload = take_payload;
    request->byte_count = byte_count;
    request->done = done;
    request->context = context;
    if (take_payload == NULL) {
        request->failure = "tend had no memory for a request";
    } else if (byte_count >= TEND_MESSAGE_MAX_BYTES) {
        free(take_payload);
        request->payload = NULL;
        request->failure = "a request of more than 16 MB";
    }
    if (evaluator->last == NULL) {
        evaluator->first = request;
    } else {
        evaluator->last->next = request;
    }
    evaluator->last = request;
    send_first(evaluator);
}

static void add_json(struct tend_evaluator *evaluator, enum tend_message kind, const json_t *json,
                     tend_evaluator_done *done, void *context)
{
    char *text = tend_json_canonical(json);
    add_request(evaluator, kind, text, text == NULL ? 0 : strlen(text), done, context);
}

void tend_evaluator_load(struct tend_evaluator *evaluator, const json_t *sources, tend_evaluator_done *done,
                         void *context)
{
    add_json(evaluator, TEND_MESSAGE_LOAD, sources, done, context);
}

static void add_copy(struct tend_evaluator *evaluator, enum tend_message kind, const char *bytes, size_t byte_count,
                     tend_evaluator_done *done, void *context)
{
    char *copy = malloc(byte_count + 1);
    if (copy != NULL) {
        memcpy(copy, bytes, byte_count);
    }
    add_request(evaluator, kind, copy, byte_count, done, context);
}

void tend_evaluator_tick(struct tend_evaluator *evaluator, const char *bytes, size_t byte_count,
                         tend_evaluator_done *done, void *context)
{
    add_copy(evaluator, TEND_MESSAGE_TICK, bytes, byte_count, done, context);
}

void tend_evaluator_ask(struct tend_evaluator *evaluator, const char *question, size_t byte_count,
                        tend_evaluator_done *done, void *context)
{
    add_copy(evaluator, TEND_MESSAGE_ASK, question, byte_count, done, context);
}

void tend_evaluator_run_start(struct tend_evaluator *evaluator, const json_t *start, tend_evaluator_done *done,
                              void *context)
{
    add_json(evaluator, TEND_MESSAGE_RUN_START, start, done, context);
}

void tend_evaluator_answer(struct tend_evaluator *evaluator, const json_t *answer, tend_evaluator_done *done,
                           void *context)
{
    add_json(evaluator, TEND_MESSAGE_ANSWER, answer, done, context);
}

// Starts the child with `theirs` as its one descriptor, as a program of its own. @return 0 or an errno
static int spawn(void *context, int theirs, pid_t *pid, int *pidfd)
{
    (void)context;
    const char *chosen = secure_getenv("TEND_EXE");
    static char name[] = "tend";
    static char command[] = "evaluator";
    char *const argv[] = { name, command, NULL };
    char *const environment[] = { NULL };
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t signals;
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed != 0) {
        return failed;
    }
    failed = posix_spawnattr_init(&attributes);
    if (failed != 0) {
        (void)posix_spawn_file_actions_destroy(&actions);
        return failed;
    }
    (void)sigemptyset(&signals);
    (void)posix_spawnattr_setsigmask(&attributes, &signals);
    (void)sigfillset(&signals);
    (void)posix_spawnattr_setsigdefault(&attributes, &signals);
    (void)posix_spawnattr_setpgroup(&attributes, 0); // a Ctrl-C in the terminal is for tend alone
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    failed = posix_spawn_file_actions_adddup2(&actions, theirs, TEND_MESSAGE_FD);
    if (failed == 0) {
        failed = posix_spawn(pid, chosen != NULL ? chosen : "/proc/self/exe", &actions, &attributes, argv, environment);
    }
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) {
        *pid = 0;
        return failed;
    }
    *pidfd = pidfd_open(*pid, 0);
    return *pidfd < 0 ? errno : 0;
}

// A socket pair whose ends lie above the standard descriptors and the child's. @return 0 or an errno
static int make_pair(int pair[2])
{
    int low[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, low) != 0) {
        return errno;
    }
    int failed = 0;
    for (int i = 0; i < 2; i++) {
        pair[i] = fcntl(low[i], F_DUPFD_CLOEXEC, TEND_MESSAGE_FD + 1);
        failed = pair[i] < 0 && failed == 0 ? errno : failed;
    }
    (void)close(low[0]);
    (void)close(low[1]);
    if (failed == 0 && evutil_make_socket_nonblocking(pair[0]) != 0) {
        failed = errno;
    }
    for (int i = 0; failed != 0 && i < 2; i++) {
        if (pair[i] >= 0) {
            (void)close(pair[i]);
        }
    }
    return failed;
}

static int start_child(struct tend_evaluator *evaluator, const struct tend_evaluator_starter *starter)
{
    int pair[2] = { -1, -1 };
    int failed = make_pair(pair);
    if (failed != 0) {
        return failed;
    }
    evaluator->socket = pair[0];
    failed = starter->start(starter->context, pair[1], &evaluator->pid, &evaluator->pidfd);
    (void)close(pair[1]);
    if (failed != 0) {
        return failed; // with a pid when it runs all the same
    }
    return clock_getcpuclockid(evaluator->pid, &evaluator->cpu_clock);
}

static bool make_events(struct tend_evaluator *evaluator)
{
    struct event_base *base = evaluator->base;
    evaluator->input = evbuffer_new();
    evaluator->output = evbuffer_new();
    evaluator->readable = event_new(base, evaluator->socket, EV_READ | EV_PERSIST, on_readable, evaluator);
    evaluator->writable = event_new(base, evaluator->socket, EV_WRITE, on_writable, evaluator);
    evaluator->reapable = event_new(base, evaluator->pidfd, EV_READ | EV_PERSIST, on_reapable, evaluator);
    evaluator->watch = event_new(base, -1, EV_PERSIST, on_watch, evaluator);
    evaluator->deliver = event_new(base, -1, 0, on_deliver, evaluator);
    return evaluator->input != NULL && evaluator->output != NULL && evaluator->readable != NULL &&
           evaluator->writable != NULL && evaluator->reapable != NULL && evaluator->watch != NULL &&
           evaluator->deliver != NULL && event_add(evaluator->readable, NULL) == 0 &&
           event_add(evaluator->reapable, NULL) == 0;
}

enum tend_status tend_evaluator_create(struct event_base *base, const struct tend_evaluator_deadlines *deadlines,
                                       struct tend_evaluator **out, struct tend_error *error)
{
    return tend_evaluator_create_by(base, deadlines, NULL, out, error);
}

enum tend_status tend_evaluator_create_by(struct event_base *base, const struct tend_evaluator_deadlines *deadlines,
                                          const struct tend_evaluator_starter *starter, struct tend_evaluator **out,
                                          struct tend_error *error)
{
    static const struct tend_evaluator_starter as_program = { .start = spawn };
    (void)signal(SIGPIPE, SIG_IGN); // to write to one that just died is no reason to die
    struct tend_evaluator *evaluator = calloc(1, sizeof *evaluator);
    if (evaluator == NULL) {
        return TEND_E_NOMEM;
    }
    evaluator->base = base;
    evaluator->deadlines = *deadlines;
    evaluator->socket = -1;
    evaluator->pidfd = -1;
    tend_buffer_init(&evaluator->bytes);
    const int failed = start_child(evaluator, starter == NULL ? &as_program : starter);
    if (failed != 0) {
        tend_error_set(error, "an evaluator process could not be started: %s", strerrordesc_np(failed));
        tend_evaluator_destroy(evaluator);
        return TEND_E_IO;
    }
    if (!make_events(evaluator)) {
        tend_error_set(error, "an evaluator process could not be started: %s", tend_status_text(TEND_E_NOMEM));
        tend_evaluator_destroy(evaluator);
        return TEND_E_NOMEM;
    }
    *out = evaluator;
    return TEND_OK;
}

static void free_event(struct event *event)
{
    if (event != NULL) {
        event_free(event);
    }
}

void tend_evaluator_destroy(struct tend_evaluator *evaluator)
{
    if (evaluator == NULL) {
        return;
    }
    free_event(evaluator->readable);
    free_event(evaluator->writable);
    free_event(evaluator->reapable);
    free_event(evaluator->watch);
    free_event(evaluator->deliver);
    if (evaluator->pid > 0 && evaluator->state != EVALUATOR_DEAD) {
        kill_child(evaluator);
        while (waitpid(evaluator->pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    if (evaluator->pidfd >= 0) {
        (void)close(evaluator->pidfd);
    }
    if (evaluator->socket >= 0) {
        (void)close(evaluator->socket);
    }
    if (evaluator->input != NULL) {
        evbuffer_free(evaluator->input);
    }
    if (evaluator->output != NULL) {
        evbuffer_free(evaluator->output);
    }
    while (evaluator->first != NULL) {
        struct request *request = evaluator->first;
        evaluator->first = request->next;
        request_destroy(request);
    }
    json_decref(evaluator->json);
    tend_buffer_clear(&evaluator->bytes);
    free(evaluator);
}
