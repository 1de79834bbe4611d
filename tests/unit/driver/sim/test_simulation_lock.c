// The locks of a simulation, each tried in a child process: what it may still do, what fails, and what kills it.

#include "driver/sim/simulation_lock.h"

#include "driver/sim/awaited_evaluator.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#ifdef TEND_SANITIZED
static const bool sanitized = true; // its filter forbids only what reaches for the world
#else
static const bool sanitized = false;
#endif

enum { EXIT_FINE = 42, EXIT_LOCK_FAILED = 43, EXIT_WRONG = 44 };

struct trial {
    struct tend_zygote *zygote;
    int pair[2];          // a socket pair from before
    char inside[64];      // a directory that may be given as one to write in
    char outside[64];     // another
    bool inside_is_given; // whether it was
};

// Forks a child that locks itself and lets it act. Returns its wait status.
static int status_of(int (*act)(struct trial *trial, long argument), long argument, bool give_directory)
{
    struct trial trial = { .inside = "/tmp/tend-lock-in-XXXXXX", .outside = "/tmp/tend-lock-out-XXXXXX" };
    assert_non_null(mkdtemp(trial.inside));
    assert_non_null(mkdtemp(trial.outside));
    trial.inside_is_given = give_directory;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct tend_error error;
        const char *const directories[] = { trial.inside };
        if (socketpair(AF_UNIX, SOCK_DGRAM, 0, trial.pair) != 0 ||
            tend_zygote_create(&trial.zygote, &error) != TEND_OK ||
            tend_simulation_lock(trial.zygote, directories, give_directory ? 1 : 0, &error) != TEND_OK) {
            _exit(EXIT_LOCK_FAILED);
        }
        _exit(act(&trial, argument));
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    char path[128];
    (void)snprintf(path, sizeof path, "%s/made", trial.inside);
    (void)unlink(path);
    (void)rmdir(trial.inside);
    assert_int_equal(rmdir(trial.outside), 0); // fails when anything was made there
    return status;
}

static void assert_is_fine(int (*act)(struct trial *trial, long argument), long argument, bool give_directory)
{
    const int status = status_of(act, argument, give_directory);
    if (WIFSIGNALED(status)) {
        fail_msg("it was killed by signal %d", WTERMSIG(status));
    }
    assert_int_equal(WEXITSTATUS(status), EXIT_FINE);
}

static void assert_is_killed(const char *name, int (*act)(struct trial *trial, long argument), long argument)
{
    const int status = status_of(act, argument, false);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS) {
        fail_msg("%s: wait status %d, and not killed by SIGSYS", name, status);
    }
}

static int call(struct trial *trial, long number)
{
    (void)trial;
    (void)syscall(number, -1L, 0L, 0L, 0L, 0L, 0L);
    return EXIT_WRONG;
}

// ---- what kills ----

static void what_reaches_for_the_world_kills(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        long number;
    } calls[] = {
        { "socket", SYS_socket },
        { "connect", SYS_connect },
        { "bind", SYS_bind },
        { "listen", SYS_listen },
        { "accept", SYS_accept },
        { "accept4", SYS_accept4 },
        { "sendto", SYS_sendto },
        { "sendmmsg", SYS_sendmmsg },
        { "execve", SYS_execve },
        { "execveat", SYS_execveat },
        { "process_vm_writev", SYS_process_vm_writev },
        { "pidfd_open", SYS_pidfd_open },
        { "pidfd_getfd", SYS_pidfd_getfd },
        { "setns", SYS_setns },
        { "unshare", SYS_unshare },
        { "mount", SYS_mount },
        { "umount2", SYS_umount2 },
        { "chroot", SYS_chroot },
        { "io_uring_setup", SYS_io_uring_setup },
        { "bpf", SYS_bpf },
        { "keyctl", SYS_keyctl },
        { "clock_settime", SYS_clock_settime },
        { "reboot", SYS_reboot },
        { "shmget", SYS_shmget },
        { "mq_open", SYS_mq_open },
    };
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        assert_is_killed(calls[i].name, call, calls[i].number);
    }
}

static int start_program(struct trial *trial, long argument)
{
    (void)trial;
    (void)argument;
    char *const argv[] = { NULL };
    (void)execve("/bin/true", argv, argv);
    return EXIT_WRONG;
}

static int copy_itself(struct trial *trial, long argument)
{
    (void)trial;
    (void)argument;
    return fork() == 0 ? EXIT_WRONG : EXIT_LOCK_FAILED;
}

static int signal_another(struct trial *trial, long argument)
{
    (void)trial;
    (void)argument;
    (void)kill(getppid(), 0);
    return EXIT_WRONG;
}

static int send_on_another_socket(struct trial *trial, long argument)
{
    (void)argument;
    const struct msghdr message = { .msg_iov = NULL };
    (void)sendmsg(trial->pair[0], &message, 0);
    return EXIT_WRONG;
}

static void programs_copies_and_signals_to_others_kill(void **state)
{
    (void)state;
    assert_is_killed("execve", start_program, 0);
    if (sanitized) {
        return; // its library needs the rest
    }
    assert_is_killed("fork", copy_itself, 0);
    assert_is_killed("ptrace", call, SYS_ptrace);
    assert_is_killed("kill", signal_another, 0);
    assert_is_killed("sendmsg", send_on_another_socket, 0);
}

// ---- what fails ----

static int change_files(struct trial *trial, long argument)
{
    (void)argument;
    char path[128];
    (void)snprintf(path, sizeof path, "%s/made", trial->outside);
    const bool refused = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0 && mkdir(path, 0700) != 0 &&
                         open("/etc/passwd", O_WRONLY | O_CLOEXEC) < 0 && open("/etc/passwd", O_RDWR | O_CLOEXEC) < 0 &&
                         symlink("/etc/passwd", path) != 0 && rmdir(trial->outside) != 0 &&
                         rename(trial->inside, path) != 0;
    return refused ? EXIT_FINE : EXIT_WRONG;
}

static int change_what_landlock_does_not_know(struct trial *trial, long argument)
{
    (void)argument;
    const bool refused = chmod(trial->outside, 0711) != 0 && errno == EPERM && chown(trial->outside, 1, 1) != 0 &&
                         errno == EPERM && utimensat(AT_FDCWD, trial->outside, NULL, 0) != 0 && errno == EPERM;
    return refused ? EXIT_FINE : EXIT_WRONG;
}

static int map_code(struct trial *trial, long argument)
{
    (void)trial;
    (void)argument;
    const void *made = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return made == MAP_FAILED ? EXIT_FINE : EXIT_WRONG;
}

static bool skips_without_landlock(void)
{
    if (tend_simulation_lock_landlock_version() == 0) {
        print_message("[   NOTE   ] this kernel has no Landlock, or it is off\n");
        return true;
    }
    return false;
}

static void no_file_is_changed(void **state)
{
    (void)state;
    if (sanitized && skips_without_landlock()) {
        skip();
    }
    assert_is_fine(change_files, 0, false);
}

static void neither_are_the_properties_of_files_nor_can_code_be_made(void **state)
{
    (void)state;
    if (sanitized) {
        print_message("skipped: the sanitizers need calls and memory that the lock forbids; the plain build runs it\n");
        skip();
    }
    assert_is_fine(change_what_landlock_does_not_know, 0, false);
    assert_is_fine(map_code, 0, false);
}

static int write_inside_only(struct trial *trial, long argument)
{
    (void)argument;
    char path[128];
    (void)snprintf(path, sizeof path, "%s/made", trial->inside);
    const int made = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (made < 0 || write(made, "x", 1) != 1 || close(made) != 0) {
        return EXIT_WRONG;
    }
    (void)snprintf(path, sizeof path, "%s/made", trial->outside);
    const bool refused = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0 && errno == EACCES &&
                         open("/etc/passwd", O_WRONLY | O_CLOEXEC) < 0 && errno == EACCES;
    return refused ? EXIT_FINE : EXIT_WRONG;
}

static void with_a_directory_nothing_is_written_outside_of_it(void **state)
{
    (void)state;
    if (skips_without_landlock()) {
        skip();
    }
    assert_is_fine(write_inside_only, 0, true);
}

// ---- what remains ----

static int compute(struct trial *trial, long argument)
{
    (void)trial;
    (void)argument;
    char line[64];
    char *memory = malloc(32 << 20);
    FILE *file = fopen("/etc/passwd", "re");
    const bool read = file != NULL && fgets(line, sizeof line, file) != NULL;
    if (file != NULL) {
        (void)fclose(file);
    }
    int pair[2];
    const bool talks = socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && write(pair[0], "x", 1) == 1;
    const time_t now = time(NULL);
    struct tm local;
    const bool zoned = localtime_r(&now, &local) != NULL;
    const bool good = memory != NULL && read && talks && zoned;
    free(memory);
    return good ? EXIT_FINE : EXIT_WRONG;
}

// Twice: the second evaluator takes the place of the first, which is killed and reaped.
static int use_evaluators(struct trial *trial, long argument)
{
    (void)argument;
    json_t *sources =
        json_pack("{s:[{s:s, s:s}], s:n, s:n}", "files", "name", "a.lua", "text",
                  "local tend = require 'tend'\ntend.rule 'r' { on = '*', when = 'up' }", "env", "secrets");
    const struct tend_evaluator_starter starter = tend_zygote_starter(trial->zygote);
    struct tend_awaited_evaluator *evaluator;
    if (tend_awaited_evaluator_create(sources, &evaluator) != TEND_OK) {
        return EXIT_WRONG;
    }
    tend_awaited_evaluator_set_starter(evaluator, &starter);
    bool good = true;
    for (int i = 0; i < 2; i++) {
        struct tend_awaited_reply reply = tend_awaited_evaluator_load(evaluator);
        good = good && json_array_size(json_object_get(reply.json, "rules")) == 1 &&
               json_array_size(json_object_get(reply.json, "errors")) == 0;
        tend_awaited_reply_clear(&reply);
    }
    tend_awaited_evaluator_destroy(evaluator);
    json_decref(sources);
    tend_zygote_destroy(trial->zygote);
    return good ? EXIT_FINE : EXIT_WRONG;
}

static int give_up(struct trial *trial, long argument)
{
    (void)trial;
    (void)argument;
    (void)signal(SIGABRT, SIG_DFL);
    abort();
}

static void a_locked_process_computes_reads_and_has_evaluators(void **state)
{
    (void)state;
    assert_is_fine(compute, 0, false);
    assert_is_fine(use_evaluators, 0, false);
    assert_is_fine(use_evaluators, 0, true);
}

static void a_failed_assertion_is_told_as_such(void **state)
{
    (void)state;
    const int status = status_of(give_up, 0, false);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_reaches_for_the_world_kills),
        cmocka_unit_test(programs_copies_and_signals_to_others_kill),
        cmocka_unit_test(no_file_is_changed),
        cmocka_unit_test(neither_are_the_properties_of_files_nor_can_code_be_made),
        cmocka_unit_test(with_a_directory_nothing_is_written_outside_of_it),
        cmocka_unit_test(a_locked_process_computes_reads_and_has_evaluators),
        cmocka_unit_test(a_failed_assertion_is_told_as_such),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
