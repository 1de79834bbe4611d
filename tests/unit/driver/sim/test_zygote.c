// Evaluators made by a zygote: whose children they are, what kills them, and that nothing outlives its parent.

#include "driver/sim/zygote.h"

#include "driver/sim/awaited_evaluator.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { DEATH_TAKES_AT_MOST_MS = 20000 }; // a bound for a failing test, not a time that is waited

struct fixture {
    struct tend_zygote *zygote;
    struct tend_evaluator_starter starter;
    struct tend_awaited_evaluator *evaluator;
};

static json_t *sources_of(const char *text)
{
    return json_pack("{s:[{s:s, s:s}], s:n, s:n}", "files", "name", "a.lua", "text", text, "env", "secrets");
}

static struct fixture fixture_with(const char *text)
{
    struct fixture fixture;
    struct tend_error error;
    json_t *sources = sources_of(text);
    assert_int_equal(tend_zygote_create(&fixture.zygote, &error), TEND_OK);
    assert_int_equal(tend_awaited_evaluator_create(sources, &fixture.evaluator), TEND_OK);
    fixture.starter = tend_zygote_starter(fixture.zygote);
    json_decref(sources);
    return fixture;
}

static void clear(struct fixture *fixture)
{
    tend_awaited_evaluator_destroy(fixture->evaluator);
    tend_zygote_destroy(fixture->zygote);
}

// Asks for one process, with a socket pair of which `*ours` is this side.
static pid_t start_one(struct tend_zygote *zygote, int *ours, int *pidfd)
{
    int pair[2];
    pid_t pid = 0;
    const struct tend_evaluator_starter starter = tend_zygote_starter(zygote);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0 ||
        starter.start(starter.context, pair[1], &pid, pidfd) != 0) {
        return -1;
    }
    (void)close(pair[1]);
    *ours = pair[0];
    return pid;
}

static void an_evaluator_is_our_child_and_loads_rules(void **state)
{
    (void)state;
    struct fixture fixture = fixture_with("require('tend').rule 'r' { on = '*', when = 'up' }");
    tend_awaited_evaluator_set_starter(fixture.evaluator, &fixture.starter);
    struct tend_awaited_reply reply = tend_awaited_evaluator_load(fixture.evaluator);
    assert_int_equal(json_array_size(json_object_get(reply.json, "rules")), 1);
    tend_awaited_reply_clear(&reply);

    int socket;
    int pidfd = -1;
    const pid_t pid = start_one(fixture.zygote, &socket, &pidfd);
    assert_true(pid > 0 && pid != tend_zygote_pid(fixture.zygote));
    (void)close(socket); // it ends by itself, and we are who is told
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    (void)close(pidfd);
    clear(&fixture);
}

// A copy has the library compiled already; a program compiles what is required.
static void a_copy_loads_the_same_as_a_program(void **state)
{
    (void)state;
    const char *program = getenv("TEND_BINARY"); // NOLINT(concurrency-mt-unsafe): one thread
    if (program == NULL || access(program, X_OK) != 0) {
        print_message("[   NOTE   ] TEND_BINARY names no program\n");
        skip();
        return;
    }
    assert_int_equal(setenv("TEND_EXE", program, 1), 0); // NOLINT(concurrency-mt-unsafe): one thread
    struct fixture fixture =
        fixture_with("local tend = require 'tend'\n"
                     "tend.group 'web' { is = require 'tend.pack.golden', every = '5s' }\n"
                     "tend.service 'a' { is = 'web', targets = { 'http://127.0.0.1:1/metrics' },\n"
                     "  control = require 'tend.control.systemd' { unit = 'a' } }\n"
                     "tend.notify 'log' { on = '*', severity = 'page', to = { require 'tend.notify.log' {} } }");
    struct tend_awaited_reply from_program = tend_awaited_evaluator_load(fixture.evaluator);
    tend_awaited_evaluator_set_starter(fixture.evaluator, &fixture.starter);
    struct tend_awaited_reply from_copy = tend_awaited_evaluator_load(fixture.evaluator);
    assert_int_equal(json_array_size(json_object_get(from_copy.json, "services")), 1);
    assert_true(json_equal(from_program.json, from_copy.json));
    tend_awaited_reply_clear(&from_program);
    tend_awaited_reply_clear(&from_copy);
    clear(&fixture);
}

static void rules_that_never_end_are_killed_and_named(void **state)
{
    (void)state;
    struct fixture fixture = fixture_with("while true do end");
    tend_awaited_evaluator_set_starter(fixture.evaluator, &fixture.starter);
    struct tend_evaluator_deadlines deadlines = tend_evaluator_default_deadlines();
    deadlines.load_cpu_ms = 50;
    deadlines.load_wall_ms = 60000;
    tend_awaited_evaluator_set_deadlines(fixture.evaluator, &deadlines);
    struct tend_awaited_reply reply = tend_awaited_evaluator_load(fixture.evaluator);
    assert_true(reply.died.died);
    assert_string_equal(reply.died.what, "file");
    assert_string_equal(reply.reason, "used 50 ms of CPU time");
    tend_awaited_reply_clear(&reply);
    clear(&fixture);
}

static void all_of_them_die_with_their_parent(void **state)
{
    (void)state;
    int told[2];
    assert_int_equal(pipe2(told, O_CLOEXEC), 0);
    const pid_t parent = fork();
    assert_true(parent >= 0);
    if (parent == 0) {
        struct tend_zygote *zygote;
        struct tend_error error;
        pid_t pids[2] = { -1, -1 };
        int socket = -1;
        int pidfd = -1;
        if (tend_zygote_create(&zygote, &error) == TEND_OK) {
            pids[0] = tend_zygote_pid(zygote);
            pids[1] = start_one(zygote, &socket, &pidfd);
        }
        // An answer from the evaluator says that it is locked in: only from then on the kernel will tell it.
        char header[5];
        const bool asked = write(socket, "\3\0\0\0L{}", 7) == 7 && read(socket, header, sizeof header) > 0;
        (void)!write(told[1], pids, asked ? sizeof pids : 1);
        for (;;) {
            (void)pause();
        }
    }
    pid_t pids[2];
    assert_int_equal(read(told[0], pids, sizeof pids), sizeof pids);
    struct pollfd ends[2];
    for (int i = 0; i < 2; i++) {
        assert_true(pids[i] > 0);
        ends[i] = (struct pollfd){ .fd = pidfd_open(pids[i], 0), .events = POLLIN };
        assert_true(ends[i].fd >= 0);
    }
    assert_int_equal(kill(parent, SIGKILL), 0);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(poll(&ends[i], 1, DEATH_TAKES_AT_MOST_MS), 1);
        (void)close(ends[i].fd);
    }
    (void)close(told[0]);
    (void)close(told[1]);
}

static void it_holds_nothing_of_the_environment(void **state)
{
    (void)state;
    struct fixture fixture = fixture_with("");
    int socket;
    int pidfd = -1;
    const pid_t pid = start_one(fixture.zygote, &socket, &pidfd); // so it is ready to make some
    const pid_t both[] = { tend_zygote_pid(fixture.zygote), pid };
    assert_non_null(getenv("PATH")); // NOLINT(concurrency-mt-unsafe): one thread
    for (int i = 0; i < 2; i++) {
        char path[64];
        char bytes[4096];
        (void)snprintf(path, sizeof path, "/proc/%d/environ", (int)both[i]);
        FILE *file = fopen(path, "re");
        assert_non_null(file);
        const size_t count = fread(bytes, 1, sizeof bytes, file);
        (void)fclose(file);
        for (size_t b = 0; b < count; b++) {
            assert_int_equal(bytes[b], 0);
        }
    }
    (void)close(socket);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    (void)close(pidfd);
    clear(&fixture);
}

static void without_a_zygote_there_is_a_reason_in_place_of_an_answer(void **state)
{
    (void)state;
    struct fixture fixture = fixture_with("");
    tend_awaited_evaluator_set_starter(fixture.evaluator, &fixture.starter);
    assert_int_equal(kill(tend_zygote_pid(fixture.zygote), SIGKILL), 0);
    struct tend_awaited_reply reply = tend_awaited_evaluator_load(fixture.evaluator);
    assert_null(reply.json);
    assert_string_equal(reply.reason, "an evaluator process could not be started: Broken pipe");
    tend_awaited_reply_clear(&reply);
    clear(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_evaluator_is_our_child_and_loads_rules),
        cmocka_unit_test(a_copy_loads_the_same_as_a_program),
        cmocka_unit_test(rules_that_never_end_are_killed_and_named),
        cmocka_unit_test(all_of_them_die_with_their_parent),
        cmocka_unit_test(it_holds_nothing_of_the_environment),
        cmocka_unit_test(without_a_zygote_there_is_a_reason_in_place_of_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
