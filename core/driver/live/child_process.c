// posix_spawn: glibc makes it of clone(CLONE_VM | CLONE_VFORK), so starting costs the same however large this process
// is, and nothing of ours runs in the child. What it cannot do, the core limit, is set from here by prlimit just after.
//
// A child:  RUNNING --pidfd--> result
//           RUNNING --timeout or cancel: TERM--> ENDING --grace: KILL--> ENDING --pidfd--> KILL to the rest, result
//           NOT_STARTED --next turn of the loop--> result
// The group is only ever signalled while its leader is running or not yet reaped: then its number cannot be another's.
//
// When the leader has ended, its pipe may still be held by what it left behind, a daemon it restarted perhaps. Closing
// our end would kill that by SIGPIPE at its next line, so the pipe becomes a leftover: read and thrown away to its end.

#include "driver/live/child_process.h"

#include "base/buffer.h"
#include "driver/live/child_spawn.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    TIMEOUT_MS = 30 * 1000,
    GRACE_MS = 5 * 1000,
    READ_BYTES = 16 * 1024,
    READS_A_TURN = 8,   // of one pipe: a flood must not keep the loop from its other work
    LEFTOVERS_MAX = 64, // the oldest is closed for a new one
    DESTROY_WAIT_MS = 1000,
};

enum state { NOT_STARTED, RUNNING, ENDING };

struct child {
    struct tend_children *children;
    struct child *next;
    uint64_t id;
    enum state state;
    pid_t pid;
    int pidfd;             // -1: none
    int pipe;              // read end; -1: none
    struct event *ended;   // the pidfd
    struct event *written; // the pipe; NULL: at its end
    struct event *timer;
    struct timespec begun;
    int64_t timeout_ms;
    int64_t grace_ms;
    bool timed_out;
    bool cancelled;
    struct tend_buffer output;
    bool output_cut;
    struct tend_error error; // why it was not started
};

struct leftover {
    struct tend_children *children;
    struct leftover *next; // newer
    int pipe;
    struct event *written;
};

struct tend_children {
    struct event_base *base;
    tend_child_fn on_end;
    void *context;
    struct child *first;
    size_t count;
    struct leftover *oldest;
    size_t leftover_count;
};

static void set_timer(struct event *timer, int64_t delay_ms)
{
    const struct timeval delay = { .tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000 };
    (void)event_add(timer, &delay);
}

// ---- pipes ----

static void free_leftover(struct leftover *leftover)
{
    struct tend_children *children = leftover->children;
    struct leftover **at = &children->oldest;
    while (*at != leftover) {
        at = &(*at)->next;
    }
    *at = leftover->next;
    children->leftover_count--;
    event_free(leftover->written);
    (void)close(leftover->pipe);
    free(leftover);
}

static void throw_away(evutil_socket_t fd, short what, void *context)
{
    (void)what;
    char bytes[READ_BYTES];
    const ssize_t count = read(fd, bytes, sizeof bytes);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
        free_leftover(context);
    }
}

// Takes over the pipe of a child that ended; closes it when that cannot be.
static void leave_over(struct tend_children *children, int pipe)
{
    struct leftover *leftover = calloc(1, sizeof *leftover);
    struct event *written =
        leftover == NULL ? NULL : event_new(children->base, pipe, EV_READ | EV_PERSIST, throw_away, leftover);
    if (written == NULL || event_add(written, NULL) != 0) {
        if (written != NULL) {
            event_free(written);
        }
        free(leftover);
        (void)close(pipe);
        return;
    }
    *leftover = (struct leftover){ .children = children, .pipe = pipe, .written = written };
    struct leftover **at = &children->oldest;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = leftover;
    if (++children->leftover_count > LEFTOVERS_MAX) {
        free_leftover(children->oldest);
    }
}

static void keep_output(struct child *child, const char *bytes, size_t count)
{
    tend_buffer_put(&child->output, bytes, count);
    if (child->output.failed) {
        tend_buffer_clear(&child->output); // out of memory: better the newest output than none
        child->output_cut = true;
        return;
    }
    if (child->output.size >= 2 * TEND_CHILD_OUTPUT_BYTES) {
        const size_t cut = child->output.size - TEND_CHILD_OUTPUT_BYTES;
        memmove(child->output.data, child->output.data + cut, TEND_CHILD_OUTPUT_BYTES + 1);
        child->output.size = TEND_CHILD_OUTPUT_BYTES;
        child->output_cut = true;
    }
}

// @return whether there may be more to come: false at the end of the output
static bool read_output(struct child *child)
{
    char bytes[READ_BYTES];
    for (int i = 0; i < READS_A_TURN; i++) {
        const ssize_t count = read(child->pipe, bytes, sizeof bytes);
        if (count < 0) {
            return errno == EAGAIN || errno == EINTR;
        }
        if (count == 0) {
            return false;
        }
        keep_output(child, bytes, (size_t)count);
    }
    return true;
}

static void on_written(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct child *child = context;
    if (!read_output(child)) {
        event_free(child->written);
        child->written = NULL;
        (void)close(child->pipe);
        child->pipe = -1;
    }
}

// ---- the end of a child ----

static void free_event(struct event *event)
{
    if (event != NULL) {
        event_free(event);
    }
}

static void unlink_child(const struct child *child)
{
    struct child **at = &child->children->first;
    while (*at != child) {
        at = &(*at)->next;
    }
    *at = child->next;
    child->children->count--;
}

static void free_child(struct child *child)
{
    free_event(child->ended);
    free_event(child->written);
    free_event(child->timer);
    if (child->pidfd >= 0) {
        (void)close(child->pidfd);
    }
    if (child->pipe >= 0) {
        (void)close(child->pipe);
    }
    tend_buffer_clear(&child->output);
    free(child);
}

static int64_t ms_since(const struct timespec *begun)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)(now.tv_sec - begun->tv_sec) * 1000 + (now.tv_nsec - begun->tv_nsec) / 1000000;
}

static void judge(const struct child *child, struct tend_child_result *result, struct tend_error *error)
{
    result->outcome = "unknown";
    if (child->state == NOT_STARTED) {
        *error = child->error;
        result->outcome = child->pid == 0 ? "failed" : "unknown";
    } else if (child->timed_out) {
        tend_error_set(error, "not ended after %" PRId64 " ms, and stopped", child->timeout_ms);
    } else if (child->cancelled) {
        tend_error_set(error, "cancelled");
    } else if (result->signal != 0) {
        tend_error_set(error, "ended by signal %d (%s)", result->signal, sigabbrev_np(result->signal));
    } else if (result->exit_status != 0) {
        tend_error_set(error, "exit status %d", result->exit_status);
        result->outcome = "failed";
    } else {
        result->outcome = "done";
    }
}

// Hands the result on and frees the child; the callback may start and cancel others.
static void end_child(struct child *child, int exit_status, int signal_number)
{
    struct tend_children *children = child->children;
    if (child->pipe >= 0) {
        const bool more = read_output(child);
        free_event(child->written);
        child->written = NULL;
        if (more) {
            leave_over(children, child->pipe);
        } else {
            (void)close(child->pipe);
        }
        child->pipe = -1;
    }
    const size_t size = child->output.size;
    const size_t cut = size > TEND_CHILD_OUTPUT_BYTES ? size - TEND_CHILD_OUTPUT_BYTES : 0;
    struct tend_error error = { "" };
    struct tend_child_result result = {
        .exit_status = exit_status,
        .signal = signal_number,
        .timed_out = child->timed_out,
        .cancelled = child->cancelled,
        .output = tend_buffer_text(&child->output) + cut,
        .output_bytes = size - cut,
        .output_cut = child->output_cut || cut > 0,
        .took_ms = ms_since(&child->begun),
    };
    judge(child, &result, &error);
    result.error = error.text;
    unlink_child(child); // before the callback, which may use the id again
    children->on_end(children->context, child->id, &result);
    free_child(child);
}

static void on_ended(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct child *child = context;
    siginfo_t info = { .si_pid = 0 };
    if (waitid(P_PIDFD, (id_t)child->pidfd, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0) {
        return; // not yet
    }
    if (child->state == ENDING) {
        (void)kill(-child->pid, SIGKILL); // what of the group outlived TERM; the leader is a zombie, its number taken
    }
    (void)waitid(P_PIDFD, (id_t)child->pidfd, &info, WEXITED | WNOHANG);
    const bool exited = info.si_code == CLD_EXITED;
    end_child(child, exited ? info.si_status : -1, exited ? 0 : info.si_status);
}

static void begin_to_end(struct child *child)
{
    child->state = ENDING;
    (void)kill(-child->pid, SIGTERM);
    set_timer(child->timer, child->grace_ms);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct child *child = context;
    switch (child->state) {
    case NOT_STARTED:
        end_child(child, -1, 0);
        break;
    case RUNNING:
        child->timed_out = true;
        begin_to_end(child);
        break;
    case ENDING:
        (void)kill(-child->pid, SIGKILL);
        break;
    }
}

// ---- the start ----

static bool watch(struct child *child)
{
    struct event_base *base = child->children->base;
    child->ended = event_new(base, child->pidfd, EV_READ | EV_PERSIST, on_ended, child);
    child->written = event_new(base, child->pipe, EV_READ | EV_PERSIST, on_written, child);
    return child->ended != NULL && child->written != NULL && event_add(child->ended, NULL) == 0 &&
           event_add(child->written, NULL) == 0;
}

// @return false: it does not run, and its error says why
static bool start(struct child *child, const struct tend_child_spec *spec)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        tend_error_set(&child->error, "cannot start %.300s: no pipe: %s", spec->argv[0], strerrordesc_np(errno));
        return false;
    }
    child->pipe = ends[0];
    (void)fcntl(ends[1], F_SETFL, 0); // the child's end blocks, as programs expect
    const enum tend_status status =
        tend_child_spawn(spec->argv, spec->environment, spec->cwd, ends[1], &child->pid, &child->error);
    (void)close(ends[1]);
    if (status != TEND_OK) {
        return false;
    }
    child->pidfd = pidfd_open(child->pid, 0);
    if (child->pidfd < 0 || !watch(child)) {
        // It cannot be watched, so it may not run: it is killed before it has got far, and its outcome is not known.
        (void)kill(-child->pid, SIGKILL);
        (void)waitpid(child->pid, NULL, 0);
        tend_error_set(&child->error, "started %.300s, but could not watch it (%s), so it was killed", spec->argv[0],
                       strerrordesc_np(errno));
        return false;
    }
    return true;
}

static struct child *find(const struct tend_children *children, uint64_t id)
{
    struct child *child = children->first;
    while (child != NULL && child->id != id) {
        child = child->next;
    }
    return child;
}

enum tend_status tend_children_start(struct tend_children *children, uint64_t id, const struct tend_child_spec *spec)
{
    if (spec->argv == NULL || spec->argv[0] == NULL || find(children, id) != NULL) {
        return TEND_E_INVALID;
    }
    struct child *child = calloc(1, sizeof *child);
    if (child == NULL) {
        return TEND_E_NOMEM;
    }
    child->children = children;
    child->id = id;
    child->pidfd = -1;
    child->pipe = -1;
    child->timeout_ms = spec->timeout_ms > 0 ? spec->timeout_ms : TIMEOUT_MS;
    child->grace_ms = spec->grace_ms > 0 ? spec->grace_ms : GRACE_MS;
    tend_buffer_init(&child->output);
    (void)clock_gettime(CLOCK_MONOTONIC, &child->begun);
    child->timer = evtimer_new(children->base, on_timer, child);
    if (child->timer == NULL) {
        free_child(child);
        return TEND_E_NOMEM;
    }
    child->next = children->first;
    children->first = child;
    children->count++;
    child->state = start(child, spec) ? RUNNING : NOT_STARTED;
    set_timer(child->timer, child->state == RUNNING ? child->timeout_ms : 0);
    return TEND_OK;
}

void tend_children_cancel(struct tend_children *children, uint64_t id)
{
    struct child *child = find(children, id);
    if (child != NULL && child->state == RUNNING) {
        child->cancelled = true;
        begin_to_end(child);
    }
}

// ---- JSON ----

// The texts of a JSON array or, with "NAME=" before them, of an object; NULL-terminated. free() list and memory.
struct text_list {
    const char **list;
    struct tend_buffer memory;
};

static void free_texts(struct text_list *texts)
{
    free(texts->list);
    tend_buffer_clear(&texts->memory);
}

static bool is_text(const json_t *value)
{
    return json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value);
}

static enum tend_status read_argv(const json_t *argv, struct text_list *texts, struct tend_error *error)
{
    const size_t count = json_array_size(argv);
    if (count == 0) {
        tend_error_set(error, "argv must be a list of at least one string");
        return TEND_E_INVALID;
    }
    texts->list = calloc(count + 1, sizeof *texts->list);
    if (texts->list == NULL) {
        return TEND_E_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(argv, i);
        if (!is_text(value)) {
            tend_error_set(error, "argv[%zu] must be a string without NUL", i + 1);
            return TEND_E_INVALID;
        }
        texts->list[i] = json_string_value(value);
    }
    return TEND_OK;
}

static enum tend_status read_environment(json_t *object, struct text_list *texts, struct tend_error *error)
{
    texts->list = calloc(json_object_size(object) + 1, sizeof *texts->list);
    if (texts->list == NULL) {
        return TEND_E_NOMEM;
    }
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(object, name, value)
    {
        if (!is_text(value) || name[0] == '\0' || strchr(name, '=') != NULL) {
            tend_error_set(error, "env.%.100s must be a string without NUL, under a name without \"=\"", name);
            return TEND_E_INVALID;
        }
        tend_buffer_printf(&texts->memory, "%s=%s", name, json_string_value(value));
        tend_buffer_put_u8(&texts->memory, 0);
    }
    if (texts->memory.failed) {
        return TEND_E_NOMEM;
    }
    const char *at = tend_buffer_text(&texts->memory); // only now: the memory moved while it grew
    for (size_t i = 0; i < json_object_size(object); i++) {
        texts->list[i] = at;
        at += strlen(at) + 1;
    }
    return TEND_OK;
}

enum tend_status tend_children_start_json(struct tend_children *children, uint64_t id, const json_t *spec,
                                          struct tend_error *error)
{
    struct text_list argv = { .list = NULL };
    struct text_list environment = { .list = NULL };
    tend_buffer_init(&argv.memory);
    tend_buffer_init(&environment.memory);
    enum tend_status status = read_argv(json_object_get(spec, "argv"), &argv, error);
    if (status == TEND_OK) {
        status = read_environment(json_object_get(spec, "env"), &environment, error);
    }
    if (status == TEND_OK) {
        const struct tend_child_spec wanted = {
            .argv = argv.list,
            .environment = environment.list,
            .cwd = tend_json_text(spec, "cwd", NULL),
            .timeout_ms = tend_json_integer(spec, "timeout_ms", 0),
        };
        status = tend_children_start(children, id, &wanted);
        if (status == TEND_E_INVALID) {
            tend_error_set(error, "a program with this id is running already");
        }
    }
    free_texts(&argv);
    free_texts(&environment);
    return status;
}

json_t *tend_child_result_json(const struct tend_child_result *result)
{
    json_t *json = json_pack(
        "{s:o, s:o, s:I}", "exit", result->exit_status < 0 ? json_null() : json_integer(result->exit_status), "output",
        tend_json_string(result->output, result->output_bytes), "took_ms", (json_int_t)result->took_ms);
    bool failed = json == NULL;
    if (!failed && result->signal != 0) {
        failed = json_object_set_new(json, "signal", json_integer(result->signal)) != 0;
    }
    if (!failed && result->timed_out) {
        failed = json_object_set_new(json, "timed_out", json_true()) != 0;
    }
    if (failed) {
        json_decref(json);
        return NULL;
    }
    return json;
}

// ---- the set ----

enum tend_status tend_children_create(struct event_base *base, tend_child_fn on_end, void *context,
                                      struct tend_children **out)
{
    struct tend_children *children = calloc(1, sizeof *children);
    if (children == NULL) {
        return TEND_E_NOMEM;
    }
    children->base = base;
    children->on_end = on_end;
    children->context = context;
    *out = children;
    return TEND_OK;
}

void tend_children_destroy(struct tend_children *children)
{
    if (children == NULL) {
        return;
    }
    for (struct child *child = children->first; child != NULL;) {
        struct child *next = child->next;
        if (child->state != NOT_STARTED) {
            (void)kill(-child->pid, SIGKILL);
            struct pollfd ended = { .fd = child->pidfd, .events = POLLIN };
            (void)poll(&ended, 1, DESTROY_WAIT_MS); // not for ever: it may be stuck in the kernel
            (void)waitpid(child->pid, NULL, WNOHANG);
        }
        free_child(child);
        child = next;
    }
    for (struct leftover *leftover = children->oldest; leftover != NULL;) {
        struct leftover *next = leftover->next;
        event_free(leftover->written);
        (void)close(leftover->pipe);
        free(leftover);
        leftover = next;
    }
    free(children);
}

size_t tend_children_count(const struct tend_children *children)
{
    return children->count;
}
