// Three lists. Why not two: to kill on all that is not listed would kill where a C library of another version asks for
// something new and harmless, and to let all else pass would leave open what nobody thought of. So what is not listed
// fails, as on a kernel that lacks it, and only what can reach the world ends the process: there an error would be
// taken for bad luck, and tried again.
//
// The order: Landlock opens the directories it is told of, which the filter may forbid; the filter comes last.

#include "driver/sim/simulation_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef TEND_SANITIZED
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif

// Of later kernels than the header may know.
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

// ---- Landlock ----

int tend_simulation_lock_landlock_version(void)
{
    const long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return version < 0 ? 0 : (int)version;
}

// All that changes the file system, and starting what lies there.
static uint64_t accesses_of(int version)
{
    uint64_t accesses = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                        LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
                        LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                        LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;
    if (version >= 2) {
        accesses |= LANDLOCK_ACCESS_FS_REFER;
    }
    if (version >= 3) {
        accesses |= LANDLOCK_ACCESS_FS_TRUNCATE;
    }
    return accesses;
}

static enum tend_status allow_below(int ruleset, const char *directory, uint64_t accesses, struct tend_error *error)
{
    const uint64_t files = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                           LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_TRUNCATE;
    struct landlock_path_beneath_attr rule = { .allowed_access = accesses & files };
    rule.parent_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (rule.parent_fd < 0) {
        tend_error_set(error, "%s: %s", directory, strerrordesc_np(errno));
        return TEND_E_IO;
    }
    const long failed = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    if (failed != 0) {
        tend_error_set(error, "the simulation could not be locked: landlock: %s", strerrordesc_np(errno));
    }
    (void)close(rule.parent_fd);
    return failed == 0 ? TEND_OK : TEND_E_IO;
}

static enum tend_status lock_files(int version, const char *const *directories, size_t count, struct tend_error *error)
{
    const struct landlock_ruleset_attr attributes = { .handled_access_fs = accesses_of(version) };
    const long made = syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    const int ruleset = (int)made;
    enum tend_status status = TEND_OK;
    if (ruleset < 0) {
        tend_error_set(error, "the simulation could not be locked: landlock: %s", strerrordesc_np(errno));
        return TEND_E_IO;
    }
    for (size_t i = 0; i < count && status == TEND_OK; i++) {
        status = allow_below(ruleset, directories[i], attributes.handled_access_fs, error);
    }
    if (status == TEND_OK && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) {
        tend_error_set(error, "the simulation could not be locked: landlock: %s", strerrordesc_np(errno));
        status = TEND_E_IO;
    }
    (void)close(ruleset);
    return status;
}

// ---- seccomp ----

// Reaches other machines, other processes, or what other processes see; io_uring and its kin would go round the filter.
static const int deadly[] = {
    SCMP_SYS(socket),
    SCMP_SYS(connect),
    SCMP_SYS(bind),
    SCMP_SYS(listen),
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(process_madvise),
    SCMP_SYS(kcmp),
    SCMP_SYS(pidfd_open),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(tkill),
    SCMP_SYS(rt_sigqueueinfo),
    SCMP_SYS(rt_tgsigqueueinfo),
    SCMP_SYS(setns),
    SCMP_SYS(unshare),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsmount),
    SCMP_SYS(fspick),
    SCMP_SYS(mount_setattr),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(io_setup),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(adjtimex),
    SCMP_SYS(shmget),
    SCMP_SYS(shmat),
    SCMP_SYS(msgget),
    SCMP_SYS(msgsnd),
    SCMP_SYS(semget),
    SCMP_SYS(mq_open),
    SCMP_SYS(quotactl),
    SCMP_SYS(acct),
    SCMP_SYS(personality),
};

// A sanitized build makes a copy of itself at its end and lets that look at it, to find leaks.
static const int deadly_but_sanitized[] = { SCMP_SYS(clone), SCMP_SYS(clone3), SCMP_SYS(ptrace) };

static const int needed[] = {
    // memory, locks, time
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(brk),
    SCMP_SYS(madvise),
    SCMP_SYS(futex),
    SCMP_SYS(membarrier),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(getrandom),
    SCMP_SYS(rseq),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(restart_syscall),
    // what is open, and reading more
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(pwrite64),
    SCMP_SYS(lseek),
    SCMP_SYS(close),
    SCMP_SYS(close_range),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(ftruncate),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(statx),
    SCMP_SYS(fstatfs),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getdents64),
    SCMP_SYS(getcwd),
    SCMP_SYS(fadvise64),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(pipe),
    SCMP_SYS(pipe2),
    SCMP_SYS(inotify_init1),
    SCMP_SYS(inotify_add_watch),
    SCMP_SYS(inotify_rm_watch),
    // the event loop
    SCMP_SYS(epoll_create),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(eventfd2),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(getsockopt),
    // itself and its children
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getppid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getpgrp),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(getrusage),
    SCMP_SYS(times),
    SCMP_SYS(getrlimit),
    SCMP_SYS(wait4),
    SCMP_SYS(waitid),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigpending),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

// What fails as on a kernel that lacks it, so that the C library takes the older way; all else fails with EPERM.
static const int lacking[] = { SCMP_SYS(openat2) };

static const int fcntl_commands[] = { F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL };
static const unsigned long ioctl_requests[] = { TCGETS, TIOCGWINSZ, FIONREAD };

static bool add_all(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        good = good && seccomp_rule_add(filter, action, calls[i], 0) == 0;
    }
    return good;
}

static bool allow_if(scmp_filter_ctx filter, int call, struct scmp_arg_cmp condition)
{
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &condition) == 0;
}

// Only where the argument says so; else what is there to kill kills.
static bool kill_unless(scmp_filter_ctx filter, int call, unsigned argument, scmp_datum_t value)
{
    const struct scmp_arg_cmp same = { .arg = argument, .op = SCMP_CMP_EQ, .datum_a = value };
    const struct scmp_arg_cmp other = { .arg = argument, .op = SCMP_CMP_NE, .datum_a = value };
    return allow_if(filter, call, same) && seccomp_rule_add_array(filter, SCMP_ACT_KILL_PROCESS, call, 1, &other) == 0;
}

static bool add_conditions(scmp_filter_ctx filter, int zygote_socket, bool may_open_for_writing)
{
    const scmp_datum_t self = (scmp_datum_t)getpid();
    const scmp_datum_t zygote = (scmp_datum_t)zygote_socket;
    const scmp_datum_t changes = may_open_for_writing ? 0 : O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);
    bool good = kill_unless(filter, SCMP_SYS(kill), 0, self) && kill_unless(filter, SCMP_SYS(tgkill), 0, self) &&
                kill_unless(filter, SCMP_SYS(pidfd_send_signal), 1, SIGKILL) &&
                kill_unless(filter, SCMP_SYS(sendmsg), 0, zygote) &&
                kill_unless(filter, SCMP_SYS(recvmsg), 0, zygote) &&
                kill_unless(filter, SCMP_SYS(socketpair), 0, AF_UNIX);
    good = good && allow_if(filter, SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) &&
           allow_if(filter, SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) &&
           allow_if(filter, SCMP_SYS(open), SCMP_A1(SCMP_CMP_MASKED_EQ, changes, 0)) &&
           allow_if(filter, SCMP_SYS(openat), SCMP_A2(SCMP_CMP_MASKED_EQ, changes, 0)) &&
           allow_if(filter, SCMP_SYS(prlimit64), SCMP_A2(SCMP_CMP_EQ, 0, 0)); // to ask, not to set
    for (size_t i = 0; i < sizeof fcntl_commands / sizeof fcntl_commands[0]; i++) {
        good = good && allow_if(filter, SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)fcntl_commands[i], 0));
    }
    for (size_t i = 0; i < sizeof ioctl_requests / sizeof ioctl_requests[0]; i++) {
        good = good && allow_if(filter, SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, ioctl_requests[i], 0));
    }
    return good;
}

static bool add_changes_of_files(scmp_filter_ctx filter)
{
    static const int changes[] = { SCMP_SYS(mkdir),  SCMP_SYS(mkdirat),  SCMP_SYS(unlink),   SCMP_SYS(unlinkat),
                                   SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2) };
    return add_all(filter, SCMP_ACT_ALLOW, changes, sizeof changes / sizeof changes[0]);
}

static bool add_rules(scmp_filter_ctx filter, int zygote_socket, bool may_open_for_writing)
{
    return seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0 &&
           // the lists are long and asked at each call: as a tree
           seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0 &&
           add_all(filter, SCMP_ACT_KILL_PROCESS, deadly, sizeof deadly / sizeof deadly[0]) &&
           (sanitized || (add_all(filter, SCMP_ACT_KILL_PROCESS, deadly_but_sanitized,
                                  sizeof deadly_but_sanitized / sizeof deadly_but_sanitized[0]) &&
                          add_all(filter, SCMP_ACT_ALLOW, needed, sizeof needed / sizeof needed[0]) &&
                          add_all(filter, SCMP_ACT_ERRNO(ENOSYS), lacking, sizeof lacking / sizeof lacking[0]) &&
                          (!may_open_for_writing || add_changes_of_files(filter)) &&
                          add_conditions(filter, zygote_socket, may_open_for_writing)));
}

static enum tend_status lock_calls(int zygote_socket, bool may_open_for_writing, struct tend_error *error)
{
    scmp_filter_ctx filter = seccomp_init(sanitized ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM));
    const bool made = filter != NULL && add_rules(filter, zygote_socket, may_open_for_writing);
    const int failed = made ? -seccomp_load(filter) : ENOMEM;
    if (filter != NULL) {
        seccomp_release(filter);
    }
    if (failed != 0) {
        tend_error_set(error, "the simulation could not be locked: seccomp: %s", strerrordesc_np(failed));
        return TEND_E_IO;
    }
    return TEND_OK;
}

enum tend_status tend_simulation_lock(const struct tend_zygote *zygote, const char *const *directories,
                                      size_t directory_count, struct tend_error *error)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        tend_error_set(error, "the simulation could not be locked: no new privileges: %s", strerrordesc_np(errno));
        return TEND_E_IO;
    }
    const int version = tend_simulation_lock_landlock_version();
    const enum tend_status status = version > 0 ? lock_files(version, directories, directory_count, error) : TEND_OK;
    return status == TEND_OK ? lock_calls(tend_zygote_socket(zygote), directory_count > 0, error) : status;
}
