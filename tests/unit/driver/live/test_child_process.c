// Facts about programs that are started, with real ones. Nothing sleeps: the loop runs until a result is there.

#include "driver/live/child_process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GUARD_S = 20 };

struct fixture {
    struct event_base *base;
    struct tend_children *children;
    size_t ended;
    uint64_t id;
    char outcome[16];
    char error[600];
    int exit_status;
    int signal;
    bool timed_out;
    bool cancelled;
    bool output_cut;
    int64_t took_ms;
    char *output;
    size_t output_bytes;
    bool start_again;
};

static void on_end(void *context, uint64_t id, const struct tend_child_result *result)
{
    struct fixture *fixture = context;
    fixture->ended++;
    fixture->id = id;
    (void)snprintf(fixture->outcome, sizeof fixture->outcome, "%s", result->outcome);
    (void)snprintf(fixture->error, sizeof fixture->error, "%s", result->error);
    fixture->exit_status = result->exit_status;
    fixture->signal = result->signal;
    fixture->timed_out = result->timed_out;
    fixture->cancelled = result->cancelled;
    fixture->output_cut = result->output_cut;
    fixture->took_ms = result->took_ms;
    free(fixture->output);
    fixture->output_bytes = result->output_bytes;
    fixture->output = malloc(result->output_bytes + 1);
    memcpy(fixture->output, result->output, result->output_bytes + 1);
    if (fixture->start_again) {
        fixture->start_again = false;
        const char *const argv[] = { "true", NULL };
        const struct tend_child_spec spec = { .argv = argv };
        assert_int_equal(tend_children_start(fixture->children, id, &spec), TEND_OK);
    }
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->base = event_base_new();
    if (tend_children_create(fixture->base, on_end, fixture, &fixture->children) != TEND_OK) {
        return -1;
    }
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    tend_children_destroy(fixture->children);
    event_base_free(fixture->base);
    free(fixture->output);
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

static void wait_for(struct fixture *fixture, size_t ended)
{
    const struct timeval guard = { .tv_sec = GUARD_S };
    struct event *timer = evtimer_new(fixture->base, on_guard, NULL);
    (void)event_add(timer, &guard);
    while (fixture->ended < ended) {
        assert_int_equal(event_base_loop(fixture->base, EVLOOP_ONCE), 0);
    }
    event_free(timer);
}

static void run(struct fixture *fixture, const struct tend_child_spec *spec)
{
    assert_int_equal(tend_children_start(fixture->children, 7, spec), TEND_OK);
    assert_int_equal(fixture->ended, 0); // never from within the call
    wait_for(fixture, 1);
    assert_int_equal(fixture->id, 7);
    assert_int_equal(tend_children_count(fixture->children), 0);
}

static void run_shell(struct fixture *fixture, const char *script)
{
    const char *const argv[] = { "sh", "-c", script, NULL };
    const struct tend_child_spec spec = { .argv = argv };
    run(fixture, &spec);
}

// Until the program says that it is there.
static void wait_for_output(struct fixture *fixture, const char *path)
{
    while (access(path, F_OK) != 0) {
        if (event_base_loop(fixture->base, EVLOOP_NONBLOCK) != 0) { // it closed its pipe: it has ended
            assert_int_equal(access(path, F_OK), 0);
        }
    }
}

static void status_0_is_done(void **state)
{
    struct fixture *fixture = *state;
    run_shell(fixture, "echo out; echo err >&2");
    assert_string_equal(fixture->outcome, "done");
    assert_string_equal(fixture->error, "");
    assert_int_equal(fixture->exit_status, 0);
    assert_int_equal(fixture->signal, 0);
    assert_string_equal(fixture->output, "out\nerr\n");
    assert_false(fixture->output_cut);
    assert_in_range(fixture->took_ms, 0, GUARD_S * 1000);
}

static void another_status_is_failed(void **state)
{
    struct fixture *fixture = *state;
    run_shell(fixture, "exit 3");
    assert_string_equal(fixture->outcome, "failed");
    assert_string_equal(fixture->error, "exit status 3");
    assert_int_equal(fixture->exit_status, 3);
}

static void an_end_by_signal_is_unknown(void **state)
{
    struct fixture *fixture = *state;
    run_shell(fixture, "kill -SEGV $$");
    assert_string_equal(fixture->outcome, "unknown");
    assert_string_equal(fixture->error, "ended by signal 11 (SEGV)");
    assert_int_equal(fixture->exit_status, -1);
    assert_int_equal(fixture->signal, SIGSEGV);
}

static void arguments_arrive_as_they_are(void **state)
{
    struct fixture *fixture = *state;
    const char *const argv[] = { "printf", "[%s]", "a b", "\"q\" 'q'", "$(id) `id` $HOME", "", "*", "x;y|z\n", NULL };
    const struct tend_child_spec spec = { .argv = argv };
    run(fixture, &spec);
    assert_string_equal(fixture->output, "[a b][\"q\" 'q'][$(id) `id` $HOME][][*][x;y|z\n]");
}

static void the_environment_is_clean(void **state)
{
    struct fixture *fixture = *state;
    (void)setenv("TEND_TEST_SECRET", "leaked", 1); // NOLINT(concurrency-mt-unsafe): there is one thread
    const char *const argv[] = { "/usr/bin/env", NULL };
    const char *const environment[] = { "SERVICE=ledger", NULL };
    const struct tend_child_spec spec = { .argv = argv, .environment = environment };
    run(fixture, &spec);
    assert_string_equal(fixture->output, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
                                         "LANG=C\nSERVICE=ledger\n");
}

static void a_variable_that_is_given_takes_the_place_of_ours(void **state)
{
    struct fixture *fixture = *state;
    const char *const argv[] = { "/usr/bin/env", NULL };
    const char *const environment[] = { "LANG=de_DE.UTF-8", "PATH=/bin", NULL };
    const struct tend_child_spec spec = { .argv = argv, .environment = environment };
    run(fixture, &spec);
    assert_string_equal(fixture->output, "LANG=de_DE.UTF-8\nPATH=/bin\n");
}

static void no_fd_of_ours_gets_in(void **state)
{
    struct fixture *fixture = *state;
    int fds[200]; // without close-on-exec, as a library may leave them
    for (size_t i = 0; i < 200; i++) {
        fds[i] = open("/dev/null", O_RDONLY); // NOLINT(android-cloexec-open): that is the point
    }
    run_shell(fixture, "ls /proc/self/fd; readlink /proc/self/fd/0");
    for (size_t i = 0; i < 200; i++) {
        (void)close(fds[i]);
    }
    assert_string_equal(fixture->output, "0\n1\n2\n3\n/dev/null\n"); // 3 is the directory that ls reads
}

static void it_starts_in_the_root_directory_or_where_it_is_told(void **state)
{
    struct fixture *fixture = *state;
    run_shell(fixture, "pwd");
    assert_string_equal(fixture->output, "/\n");
    const char *const argv[] = { "pwd", NULL };
    const struct tend_child_spec spec = { .argv = argv, .cwd = "/usr/bin" };
    assert_int_equal(tend_children_start(fixture->children, 8, &spec), TEND_OK);
    wait_for(fixture, 2);
    assert_string_equal(fixture->output, "/usr/bin\n");
}

static void it_has_a_session_of_its_own_default_signals_and_no_core(void **state)
{
    struct fixture *fixture = *state;
    (void)signal(SIGPIPE, SIG_IGN);
    run_shell(fixture, "read -r pid name st ppid pgrp session rest </proc/$$/stat\n"
                       "test $pgrp = $$ && test $session = $$ && echo leader\n"
                       "grep SigBlk /proc/self/status; grep -o 'SigIgn:.*' /proc/$$/status | tail -c 8; ulimit -c");
    // the last 28 of the ignored signals: glibc ignores two of its own, 32 and 33
    assert_string_equal(fixture->output, "leader\nSigBlk:\t0000000000000000\n0000000\n0\n");
}

static void what_does_not_exist_has_failed(void **state)
{
    struct fixture *fixture = *state;
    const char *const argv[] = { "/no/such/program", NULL };
    const struct tend_child_spec spec = { .argv = argv };
    run(fixture, &spec);
    assert_string_equal(fixture->outcome, "failed");
    assert_string_equal(fixture->error, "cannot start /no/such/program (in /): No such file or directory");
    assert_int_equal(fixture->exit_status, -1);
}

static void a_name_that_is_in_no_fixed_place_has_failed(void **state)
{
    struct fixture *fixture = *state;
    (void)setenv("PATH", "/tmp", 1); // NOLINT(concurrency-mt-unsafe): there is one thread
    const char *const argv[] = { "no-such-program", NULL };
    const struct tend_child_spec spec = { .argv = argv };
    run(fixture, &spec);
    assert_string_equal(fixture->outcome, "failed");
    assert_non_null(strstr(fixture->error, "no such program in /usr/local/sbin:"));
}

static void a_relative_path_is_refused(void **state)
{
    struct fixture *fixture = *state;
    const char *const argv[] = { "./script", NULL };
    const struct tend_child_spec spec = { .argv = argv };
    run(fixture, &spec);
    assert_string_equal(fixture->outcome, "failed");
    assert_non_null(strstr(fixture->error, "write an absolute path"));
}

static void a_wrong_directory_has_failed(void **state)
{
    struct fixture *fixture = *state;
    const char *const argv[] = { "true", NULL };
    const struct tend_child_spec spec = { .argv = argv, .cwd = "/no/such" };
    run(fixture, &spec);
    assert_string_equal(fixture->outcome, "failed");
    assert_non_null(strstr(fixture->error, "(in /no/such): No such file or directory"));
}

static void of_a_flood_the_last_64_kb_are_kept(void **state)
{
    struct fixture *fixture = *state;
    run_shell(fixture, "head -c 3000000 /dev/zero | tr '\\0' x; echo end");
    assert_string_equal(fixture->outcome, "done");
    assert_int_equal(fixture->output_bytes, TEND_CHILD_OUTPUT_BYTES);
    assert_true(fixture->output_cut);
    assert_string_equal(fixture->output + TEND_CHILD_OUTPUT_BYTES - 5, "xend\n");
}

static void output_may_be_any_bytes(void **state)
{
    struct fixture *fixture = *state;
    run_shell(fixture, "printf 'a\\000\\377b'");
    assert_int_equal(fixture->output_bytes, 4);
    assert_memory_equal(fixture->output,
                        "a\0\xff"
                        "b",
                        4);
}

static void on_timeout_the_whole_group_is_stopped(void **state)
{
    struct fixture *fixture = *state;
    const char *const argv[] = { "sh", "-c", "sleep 1000 & echo $!; wait", NULL };
    const struct tend_child_spec spec = { .argv = argv, .timeout_ms = 100, .grace_ms = 10000 };
    run(fixture, &spec);
    assert_string_equal(fixture->outcome, "unknown");
    assert_string_equal(fixture->error, "not ended after 100 ms, and stopped");
    assert_true(fixture->timed_out);
    assert_int_equal(fixture->signal, SIGTERM);
    assert_in_range(fixture->took_ms, 90, 9999); // libevent counts in steps of 4 ms
    const pid_t grandchild = (pid_t)strtol(fixture->output, NULL, 10);
    assert_true(grandchild > 1);
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)grandchild);
    for (;;) { // it is init's to reap now; all that counts is that it no longer runs
        char line[200] = "";
        FILE *file = fopen(path, "r");
        if (file == NULL || fgets(line, sizeof line, file) == NULL || strstr(line, ") Z ") != NULL) {
            if (file != NULL) {
                (void)fclose(file);
            }
            break;
        }
        (void)fclose(file);
    }
}

static void what_ignores_term_is_killed_after_the_grace(void **state)
{
    struct fixture *fixture = *state;
    const char *const argv[] = { "sh", "-c", "trap '' TERM; while :; do sleep 1; done", NULL };
    const struct tend_child_spec spec = { .argv = argv, .timeout_ms = 100, .grace_ms = 100 };
    run(fixture, &spec);
    assert_true(fixture->timed_out);
    assert_int_equal(fixture->signal, SIGKILL);
    assert_string_equal(fixture->outcome, "unknown");
}

static void what_ends_well_on_term_was_still_stopped(void **state)
{
    struct fixture *fixture = *state;
    const char *const argv[] = { "sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.01; done", NULL };
    const struct tend_child_spec spec = { .argv = argv, .timeout_ms = 200 };
    run(fixture, &spec);
    assert_string_equal(fixture->outcome, "unknown");
    assert_true(fixture->timed_out);
    assert_int_equal(fixture->exit_status, 0);
}

static void it_ends_with_its_pid_not_with_its_output(void **state)
{
    struct fixture *fixture = *state;
    run_shell(fixture, "sleep 1000 & echo $!");
    assert_string_equal(fixture->outcome, "done");
    const pid_t grandchild = (pid_t)strtol(fixture->output, NULL, 10);
    assert_int_equal(kill(grandchild, 0), 0); // a service that was restarted lives on
    assert_int_equal(kill(grandchild, SIGKILL), 0);
}

static void what_was_left_behind_may_go_on_writing(void **state)
{
    struct fixture *fixture = *state;
    char directory[] = "/tmp/tend-child-XXXXXX";
    assert_non_null(mkdtemp(directory));
    char script[300];
    char go[64];
    char done[64];
    (void)snprintf(go, sizeof go, "%s/go", directory);
    (void)snprintf(done, sizeof done, "%s/done", directory);
    // waits for the leader's end, then writes more than a pipe holds: SIGPIPE or a full pipe would keep it from `done`
    (void)snprintf(script, sizeof script,
                   "(while ! test -e %s; do sleep 0.01; done; head -c 500000 /dev/zero; : >%s) & exit 0", go, done);
    run_shell(fixture, script);
    assert_string_equal(fixture->outcome, "done");
    const int fd = open(go, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    (void)close(fd);
    wait_for_output(fixture, done);
    (void)unlink(go);
    (void)unlink(done);
    (void)rmdir(directory);
}

static void a_cancelled_one_is_stopped(void **state)
{
    struct fixture *fixture = *state;
    const char *const argv[] = { "sleep", "1000", NULL };
    const struct tend_child_spec spec = { .argv = argv };
    assert_int_equal(tend_children_start(fixture->children, 5, &spec), TEND_OK);
    assert_int_equal(tend_children_count(fixture->children), 1);
    tend_children_cancel(fixture->children, 99);
    tend_children_cancel(fixture->children, 5);
    tend_children_cancel(fixture->children, 5);
    wait_for(fixture, 1);
    assert_true(fixture->cancelled);
    assert_false(fixture->timed_out);
    assert_string_equal(fixture->outcome, "unknown");
    assert_string_equal(fixture->error, "cancelled");
}

static void an_id_can_be_used_again_at_its_end(void **state)
{
    struct fixture *fixture = *state;
    fixture->start_again = true;
    const char *const argv[] = { "true", NULL };
    const struct tend_child_spec spec = { .argv = argv };
    assert_int_equal(tend_children_start(fixture->children, 7, &spec), TEND_OK);
    assert_int_equal(tend_children_start(fixture->children, 7, &spec), TEND_E_INVALID);
    wait_for(fixture, 2);
    assert_string_equal(fixture->outcome, "done");
}

static void many_run_at_once(void **state)
{
    struct fixture *fixture = *state;
    const char *const argv[] = { "sh", "-c", "exit 0", NULL };
    const struct tend_child_spec spec = { .argv = argv };
    for (uint64_t id = 1; id <= 40; id++) {
        assert_int_equal(tend_children_start(fixture->children, id, &spec), TEND_OK);
    }
    wait_for(fixture, 40);
    assert_int_equal(tend_children_count(fixture->children), 0);
}

static void destroying_kills_what_runs(void **state)
{
    struct fixture *fixture = *state;
    const char *const argv[] = { "sleep", "1000", NULL };
    const struct tend_child_spec spec = { .argv = argv };
    assert_int_equal(tend_children_start(fixture->children, 5, &spec), TEND_OK);
    tend_children_destroy(fixture->children);
    fixture->children = NULL;
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); // nothing is left to wait for
    assert_int_equal(errno, ECHILD);
    assert_int_equal(fixture->ended, 0);
}

static void a_json_spec_starts_a_program(void **state)
{
    struct fixture *fixture = *state;
    json_t *spec = json_loads("{\"argv\":[\"sh\",\"-c\",\"echo $WHO in $PWD\"],\"timeout_ms\":5000,"
                              "\"env\":{\"WHO\":\"a b\",\"X\":\"1\"},\"cwd\":\"/usr\"}",
                              0, NULL);
    assert_int_equal(tend_children_start_json(fixture->children, 1, spec, NULL), TEND_OK);
    json_decref(spec);
    wait_for(fixture, 1);
    assert_string_equal(fixture->output, "a b in /usr\n");
}

static void a_wrong_json_spec_is_refused(void **state)
{
    struct fixture *fixture = *state;
    static const char *const specs[] = {
        "{}",
        "{\"argv\":[]}",
        "{\"argv\":\"true\"}",
        "{\"argv\":[\"true\",1]}",
        "{\"argv\":[\"true\",\"a\\u0000b\"]}",
        "{\"argv\":[\"true\"],\"env\":{\"A=B\":\"1\"}}",
        "{\"argv\":[\"true\"],\"env\":{\"A\":1}}",
    };
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        json_t *spec = json_loads(specs[i], JSON_ALLOW_NUL, NULL);
        assert_non_null(spec);
        struct tend_error error = { "" };
        assert_int_equal(tend_children_start_json(fixture->children, 1, spec, &error), TEND_E_INVALID);
        assert_string_not_equal(error.text, "");
        json_decref(spec);
    }
    assert_int_equal(tend_children_count(fixture->children), 0);
}

static void a_result_as_json_says_what_a_step_may_read(void **state)
{
    (void)state;
    const struct tend_child_result result = {
        .outcome = "done", .error = "", .output = "ok\n", .output_bytes = 3, .took_ms = 12
    };
    json_t *json = tend_child_result_json(&result);
    char *text = tend_json_canonical(json);
    assert_string_equal(text, "{\"exit\":0,\"output\":\"ok\\n\",\"took_ms\":12}");
    free(text);
    json_decref(json);
    const struct tend_child_result killed = {
        .exit_status = -1, .signal = 15, .timed_out = true, .output = "", .took_ms = 5
    };
    json = tend_child_result_json(&killed);
    text = tend_json_canonical(json);
    assert_string_equal(text, "{\"exit\":null,\"output\":\"\",\"signal\":15,\"timed_out\":true,\"took_ms\":5}");
    free(text);
    json_decref(json);
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FACT(status_0_is_done),
        FACT(another_status_is_failed),
        FACT(an_end_by_signal_is_unknown),
        FACT(arguments_arrive_as_they_are),
        FACT(the_environment_is_clean),
        FACT(a_variable_that_is_given_takes_the_place_of_ours),
        FACT(no_fd_of_ours_gets_in),
        FACT(it_starts_in_the_root_directory_or_where_it_is_told),
        FACT(it_has_a_session_of_its_own_default_signals_and_no_core),
        FACT(what_does_not_exist_has_failed),
        FACT(a_name_that_is_in_no_fixed_place_has_failed),
        FACT(a_relative_path_is_refused),
        FACT(a_wrong_directory_has_failed),
        FACT(of_a_flood_the_last_64_kb_are_kept),
        FACT(output_may_be_any_bytes),
        FACT(on_timeout_the_whole_group_is_stopped),
        FACT(what_ignores_term_is_killed_after_the_grace),
        FACT(what_ends_well_on_term_was_still_stopped),
        FACT(it_ends_with_its_pid_not_with_its_output),
        FACT(what_was_left_behind_may_go_on_writing),
        FACT(a_cancelled_one_is_stopped),
        FACT(an_id_can_be_used_again_at_its_end),
        FACT(many_run_at_once),
        FACT(destroying_kills_what_runs),
        FACT(a_json_spec_starts_a_program),
        FACT(a_wrong_json_spec_is_refused),
        FACT(a_result_as_json_says_what_a_step_may_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
