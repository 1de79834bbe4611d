// The order matters: descriptors first, then the limits, then death with the parent (checked afterwards, for the parent
// may have died before), at last the filter, which forbids all that was needed so far.
//
// What the filter must let through was found by running everything under it: allocation (mmap, mprotect, munmap,
// mremap, brk, madvise; never with PROT_EXEC), the socket (read, write), glibc's locks (futex), the clock where there
// is no vDSO, and the end. A sanitized build maps shadow memory and reports on standard error, so it lets more through
// and RLIMIT_AS is not set: the sandbox is tested on plain builds too.

#include "script/sandbox.h"

#include "script/message.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef TEND_SANITIZED
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif

static const rlim_t memory_bytes = (rlim_t)256 * 1024 * 1024; // address space of the whole process

enum tend_status tend_sandbox_close_files(void)
{
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0) {
        return TEND_E_IO;
    }
    const int last = sanitized ? STDOUT_FILENO : STDERR_FILENO;
    for (int fd = STDIN_FILENO; fd <= last; fd++) {
        if (dup2(null, fd) < 0) {
            return TEND_E_IO;
        }
    }
    return close_range(TEND_MESSAGE_FD + 1, ~0U, 0) == 0 ? TEND_OK : TEND_E_IO; // closes `null` too
}

static bool limit(__rlimit_resource_t resource, rlim_t value)
{
    const struct rlimit limits = { .rlim_cur = value, .rlim_max = value };
    return setrlimit(resource, &limits) == 0;
}

static const char *set_limits(void)
{
    if (!sanitized && !limit(RLIMIT_AS, memory_bytes)) {
        return "RLIMIT_AS";
    }
    return !limit(RLIMIT_NPROC, 0)   ? "RLIMIT_NPROC"
           : !limit(RLIMIT_FSIZE, 0) ? "RLIMIT_FSIZE"
           : !limit(RLIMIT_CORE, 0)  ? "RLIMIT_CORE"
                                     : NULL;
}

// Whoever made the socket pair is the parent. False: it is gone already, so its death will not be told.
static bool die_with_parent(void)
{
    struct ucred peer = { 0 };
    socklen_t bytes = sizeof peer;
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 &&
           getsockopt(TEND_MESSAGE_FD, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0 && getppid() == peer.pid;
}

static bool allow(scmp_filter_ctx filter, int call)
{
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0) == 0;
}

static bool allow_without_exec(scmp_filter_ctx filter, int call)
{
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) == 0;
}

static bool allow_on(scmp_filter_ctx filter, int call, int fd)
{
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)fd, 0)) == 0;
}

static bool add_rules(scmp_filter_ctx filter)
{
    static const int always[] = { SCMP_SYS(munmap),       SCMP_SYS(mremap), SCMP_SYS(brk),
                                  SCMP_SYS(madvise),      SCMP_SYS(futex),  SCMP_SYS(clock_gettime),
                                  SCMP_SYS(rt_sigreturn), SCMP_SYS(exit),   SCMP_SYS(exit_group) };
    static const int for_sanitizers[] = { SCMP_SYS(write),       SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction),
                                          SCMP_SYS(sigaltstack), SCMP_SYS(gettid),         SCMP_SYS(getpid),
                                          SCMP_SYS(tgkill),      SCMP_SYS(sched_yield),    SCMP_SYS(readlink),
                                          SCMP_SYS(openat),      SCMP_SYS(close),          SCMP_SYS(read),
                                          SCMP_SYS(newfstatat),  SCMP_SYS(fstat),          SCMP_SYS(prctl),
                                          SCMP_SYS(getrlimit),   SCMP_SYS(prlimit64),      SCMP_SYS(ioctl) };
    bool good = allow_on(filter, SCMP_SYS(read), TEND_MESSAGE_FD) &&
                allow_on(filter, SCMP_SYS(write), TEND_MESSAGE_FD) &&
                allow_on(filter, SCMP_SYS(write), STDERR_FILENO) && allow_without_exec(filter, SCMP_SYS(mmap)) &&
                allow_without_exec(filter, SCMP_SYS(mprotect));
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++) {
        good = good && allow(filter, always[i]);
    }
    for (size_t i = 0; sanitized && i < sizeof for_sanitizers / sizeof for_sanitizers[0]; i++) {
        good = good && allow(filter, for_sanitizers[i]);
    }
    return good;
}

static bool load_filter(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (filter == NULL) {
        return false;
    }
    const bool good = add_rules(filter) && seccomp_load(filter) == 0; // sets NO_NEW_PRIVS first
    seccomp_release(filter);
    return good;
}

enum tend_status tend_sandbox_lock(struct tend_error *error)
{
    const char *failed = set_limits();
    if (failed == NULL && !die_with_parent()) {
        failed = "PR_SET_PDEATHSIG";
    }
    if (failed == NULL && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        failed = "PR_SET_NO_NEW_PRIVS";
    }
    if (failed == NULL && !load_filter()) {
        failed = "seccomp";
    }
    if (failed != NULL) {
        tend_error_set(error, "the sandbox could not set %s: %s", failed, strerrordesc_np(errno));
        return TEND_E_IO;
    }
    return TEND_OK;
}
