// A request is one byte with the evaluator's end of a socket pair; the answer is its pid, or an errno below 0, with its
// pidfd. Both ways the descriptors travel as SCM_RIGHTS.
//
// Why CLONE_PARENT: the copy is made by the zygote but is a child of the zygote's parent, so its end is told to `tend`
// by wait, its death with `tend` is the kernel's work (PDEATHSIG), and the peer of its socket is its parent, which the
// sandbox asks for. Why the pidfd comes from the clone: who has it needs neither kill nor pidfd_open, with which other
// processes could be reached.
//
// What each evaluator does before it is given anything, above all compiling the standard library, is done once, before
// the copies are made: that was three quarters of the time of one that loads a small set of rules.

#include "driver/sim/zygote.h"

#include "script/embedded.h"
#include "script/evaluator.h"
#include "script/message.h"
#include "script/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct tend_zygote {
    pid_t pid;
    int socket;
};

// ---- messages ----

// Sends bytes with one descriptor, or none when it is below 0. @return false when the other end is gone
static bool send_with(int socket, const void *bytes, size_t count, int descriptor)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr aligned;
    } control = { .bytes = { 0 } };
    char copy[sizeof(int32_t)];
    TEND_ASSERT(count <= sizeof copy);
    memcpy(copy, bytes, count);
    struct iovec part = { .iov_base = copy, .iov_len = count };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    if (descriptor >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof descriptor);
        memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    }
    ssize_t sent;
    do {
        sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)count;
}

// Receives exactly `count` bytes, and a descriptor or -1. @return false when the other end is gone
static bool receive_with(int socket, void *bytes, size_t count, int *descriptor)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr aligned;
    } control = { .bytes = { 0 } };
    struct iovec part = { .iov_base = bytes, .iov_len = count };
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes
    };
    ssize_t got;
    do {
        got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    *descriptor = -1;
    const struct cmsghdr *header = got < 0 ? NULL : CMSG_FIRSTHDR(&message);
    if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
        header->cmsg_len == CMSG_LEN(sizeof *descriptor)) {
        memcpy(descriptor, CMSG_DATA(header), sizeof *descriptor);
    }
    return got == (ssize_t)count;
}

// ---- the zygote's side ----

// A copy of this process, as a child of its parent. The order of arguments is that of most machines; the third is the
// same on all but s390. @return as fork
static pid_t copy_for_parent(int *pidfd)
{
    return (pid_t)syscall(SYS_clone, CLONE_PARENT | CLONE_PIDFD | SIGCHLD, NULL, pidfd, NULL, NULL);
}

static _Noreturn void serve(struct tend_script *script)
{
    for (;;) {
        char byte;
        int socket;
        if (!receive_with(TEND_MESSAGE_FD, &byte, 1, &socket)) {
            _exit(0);
        }
        int pidfd = -1;
        const pid_t pid = socket < 0 ? -1 : copy_for_parent(&pidfd);
        if (pid == 0) {
            const bool good = dup2(socket, TEND_MESSAGE_FD) == TEND_MESSAGE_FD; // the zygote's own is closed by this
            _exit(good ? tend_evaluator_run_prepared(script) : TEND_EVALUATOR_EXIT_LOCK);
        }
        const int32_t answer = pid > 0 ? pid : socket < 0 ? -EBADF : -errno;
        if (!send_with(TEND_MESSAGE_FD, &answer, sizeof answer, pid > 0 ? pidfd : -1)) {
            _exit(0);
        }
        (void)close(socket);
        (void)close(pidfd);
    }
}

// An environment may hold secrets, and copies of this memory will run users' rules.
static void forget_environment(void)
{
    for (char **variable = environ; variable != NULL && *variable != NULL; variable++) {
        explicit_bzero(*variable, strlen(*variable));
    }
    (void)clearenv(); // NOLINT(concurrency-mt-unsafe): one thread
}

static _Noreturn void live(int socket, pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent || dup2(socket, TEND_MESSAGE_FD) < 0 ||
        tend_sandbox_close_files() != TEND_OK) {
        _exit(TEND_EVALUATOR_EXIT_LOCK);
    }
    (void)setpgid(0, 0); // a Ctrl-C in the terminal is for tend alone
    for (int number = 1; number < NSIG; number++) {
        (void)signal(number, SIG_DFL);
    }
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL); // NOLINT(concurrency-mt-unsafe): one thread
    (void)prctl(PR_SET_NAME, "tend-zygote");
    forget_environment();
    struct tend_script *script = NULL;
    if (tend_evaluator_prepare(tend_embedded_modules, &script) != TEND_OK) {
        _exit(TEND_EVALUATOR_EXIT_MEMORY);
    }
    serve(script);
}

// ---- the caller's side ----

// Both ends above the standard descriptors and the evaluators' own. @return 0 or an errno
static int make_pair(int pair[2])
{
    int low[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, low) != 0) {
        return errno;
    }
    int failed = 0;
    for (int i = 0; i < 2; i++) {
        pair[i] = fcntl(low[i], F_DUPFD_CLOEXEC, TEND_MESSAGE_FD + 1);
        failed = pair[i] < 0 && failed == 0 ? errno : failed;
        (void)close(low[i]);
    }
    for (int i = 0; failed != 0 && i < 2; i++) {
        if (pair[i] >= 0) {
            (void)close(pair[i]);
        }
    }
    return failed;
}

enum tend_status tend_zygote_create(struct tend_zygote **out, struct tend_error *error)
{
    struct tend_zygote *zygote = calloc(1, sizeof *zygote);
    int pair[2] = { -1, -1 };
    if (zygote == NULL) {
        tend_error_set(error, "%s", tend_status_text(TEND_E_NOMEM));
        return TEND_E_NOMEM;
    }
    int failed = make_pair(pair);
    if (failed == 0) {
        const pid_t parent = getpid();
        zygote->socket = pair[0];
        zygote->pid = fork();
        if (zygote->pid == 0) {
            live(pair[1], parent);
        }
        failed = zygote->pid < 0 ? errno : 0;
        (void)close(pair[1]);
        if (failed != 0) {
            (void)close(pair[0]);
        }
    }
    if (failed != 0) {
        tend_error_set(error, "the zygote could not be started: %s", strerrordesc_np(failed));
        free(zygote);
        return TEND_E_IO;
    }
    *out = zygote;
    return TEND_OK;
}

void tend_zygote_destroy(struct tend_zygote *zygote)
{
    if (zygote == NULL) {
        return;
    }
    (void)close(zygote->socket); // it ends when nobody can ask any more
    while (waitpid(zygote->pid, NULL, 0) < 0 && errno == EINTR) {
    }
    free(zygote);
}

static int start(void *context, int socket, pid_t *pid, int *pidfd)
{
    const struct tend_zygote *zygote = context;
    int32_t answer;
    if (!send_with(zygote->socket, "e", 1, socket) || !receive_with(zygote->socket, &answer, sizeof answer, pidfd)) {
        return EPIPE;
    }
    if (answer < 0 || *pidfd < 0) {
        return answer < 0 ? -answer : EPROTO;
    }
    *pid = answer;
    return 0;
}

struct tend_evaluator_starter tend_zygote_starter(struct tend_zygote *zygote)
{
    return (struct tend_evaluator_starter){ .start = start, .context = zygote };
}

int tend_zygote_socket(const struct tend_zygote *zygote)
{
    return zygote->socket;
}

pid_t tend_zygote_pid(const struct tend_zygote *zygote)
{
    return zygote->pid;
}
