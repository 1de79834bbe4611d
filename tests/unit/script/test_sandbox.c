// The locks, each tried in a child process: what an evaluator may still do, and what kills it.

#include "script/sandbox.h"

#include "script/message.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#ifdef TEND_SANITIZED
static const bool sanitized = true; // its filter lets through what reports need, and its shadow memory is huge
#else
static const bool sanitized = false;
#endif

enum { EXIT_SURVIVED = 42, EXIT_LOCK_FAILED = 43, EXIT_REFUSED = 44 };

// Forks a child whose descriptor 3 is a socket of ours, locks it and lets it `act`. Returns its wait status.
static int status_of(int (*act)(void))
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct tend_error error;
        if (dup2(pair[1], TEND_MESSAGE_FD) < 0 || tend_sandbox_close_files() != TEND_OK ||
            tend_sandbox_lock(&error) != TEND_OK) {
            _exit(EXIT_LOCK_FAILED);
        }
        _exit(act());
    }
    (void)close(pair[1]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    (void)close(pair[0]);
    return status;
}

static void assert_survives(int (*act)(void))
{
    const int status = status_of(act);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_SURVIVED);
}

static void assert_is_killed(int (*act)(void))
{
    const int status = status_of(act);
    if (!WIFSIGNALED(status)) {
        fail_msg("it exited with %d", WEXITSTATUS(status));
    }
    assert_int_equal(WTERMSIG(status), SIGSYS);
}

static int use_memory_and_socket(void)
{
    char *memory = malloc(32 << 20);
    const ssize_t put = write(TEND_MESSAGE_FD, "x", 1);
    const bool good = memory != NULL && put == 1;
    free(memory);
    return good ? EXIT_SURVIVED : EXIT_REFUSED;
}

static int make_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}

static int start_process(void)
{
    char *const argv[] = { NULL };
    return execve("/bin/true", argv, argv);
}

static int send_signal(void)
{
    return kill(getppid(), 0);
}

static int map_executable(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

static int make_executable(void)
{
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mprotect(memory, 4096, PROT_READ | PROT_EXEC);
}

static int use_much_memory(void)
{
    // More than RLIMIT_AS: no memory, but no kill either.
    void *memory = mmap(NULL, 300 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? EXIT_SURVIVED : EXIT_REFUSED;
}

static int open_file(void)
{
    return open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static int write_elsewhere(void)
{
    return (int)write(STDOUT_FILENO, "x", 1);
}

static void a_locked_process_computes_and_talks(void **state)
{
    (void)state;
    assert_survives(use_memory_and_socket);
}

static void anything_else_kills_it(void **state)
{
    (void)state;
    assert_is_killed(make_socket);
    assert_is_killed(start_process);
    assert_is_killed(map_executable);
    assert_is_killed(make_executable);
    assert_is_killed(send_signal);
}

static void files_and_other_descriptors_are_out_of_reach(void **state)
{
    (void)state;
    if (sanitized) {
        print_message("skipped: the sanitizers need calls and memory that the lock forbids; the plain build runs it\n");
        skip();
    }
    assert_is_killed(open_file);
    assert_is_killed(write_elsewhere);
}

static void memory_is_limited(void **state)
{
    (void)state;
    if (sanitized) {
        print_message("skipped: the sanitizers need calls and memory that the lock forbids; the plain build runs it\n");
        skip();
    }
    assert_survives(use_much_memory);
}

// The parent of the locked process ends; so must it, though nothing is sent to it.
static void it_dies_with_its_parent(void **state)
{
    (void)state;
    int alive[2]; // its write end closes when the last process that has it is gone
    assert_int_equal(pipe2(alive, O_CLOEXEC), 0);
    const pid_t parent = fork();
    assert_true(parent >= 0);
    if (parent == 0) {
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) {
            _exit(EXIT_LOCK_FAILED);
        }
        const pid_t child = fork();
        if (child == 0) {
            struct tend_error error;
            (void)close(alive[0]);
            (void)signal(SIGPIPE, SIG_IGN);
            const int kept = dup(alive[1]); // close_files is not called here, so it stays open
            if (kept < 0 || dup2(pair[1], TEND_MESSAGE_FD) < 0 || tend_sandbox_lock(&error) != TEND_OK) {
                _exit(EXIT_LOCK_FAILED);
            }
            while (write(TEND_MESSAGE_FD, "r", 1) >= 0) {
            }
            for (;;) { // the other end is closed: SIGPIPE is ignored, and still it must die
            }
        }
        char ready = 0;
        const bool told = read(pair[0], &ready, 1) == 1 && ready == 'r';
        _exit(told ? EXIT_SURVIVED : EXIT_LOCK_FAILED); // without a word to the child
    }
    (void)close(alive[1]);
    int status = 0;
    assert_int_equal(waitpid(parent, &status, 0), parent);
    assert_int_equal(WEXITSTATUS(status), EXIT_SURVIVED);
    char byte = 0;
    assert_int_equal(read(alive[0], &byte, 1), 0); // would block for ever while it lives
    (void)close(alive[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_locked_process_computes_and_talks),
        cmocka_unit_test(anything_else_kills_it),
        cmocka_unit_test(files_and_other_descriptors_are_out_of_reach),
        cmocka_unit_test(memory_is_limited),
        cmocka_unit_test(it_dies_with_its_parent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
