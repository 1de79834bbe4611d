// The commands, as typed, against a server in a thread; what they print is caught in files.

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "cli/command.h"
#include "cli/control_client.h"
#include "served_api.h"

#include <curl/curl.h>
#include <event2/thread.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { ARGUMENTS = 8, PRINTED_BYTES = 4096 };

struct printed {
    int exit;
    char out[PRINTED_BYTES];
    char error[PRINTED_BYTES];
};

// Sends a stream into a file without a name; returns what it was before.
static int catch_stream(FILE *stream, int fd)
{
    (void)fflush(stream);
    const int before = dup(fileno(stream));
    assert_true(before >= 0 && dup2(fd, fileno(stream)) >= 0);
    return before;
}

static void release_stream(FILE *stream, int before, int fd, char text[PRINTED_BYTES])
{
    (void)fflush(stream);
    assert_true(dup2(before, fileno(stream)) >= 0);
    const ssize_t count = pread(fd, text, PRINTED_BYTES - 1, 0);
    assert_true(count >= 0);
    text[count] = '\0';
    (void)close(before);
    (void)close(fd);
}

// Runs a command line of words and, behind them, --state DIR when it is not NULL.
static void type(int (*command)(int, char **), const char *line, const char *state, struct printed *printed)
{
    char words[256];
    char *argv[ARGUMENTS + 1] = { NULL };
    int argc = 0;
    char state_option[128];
    (void)snprintf(words, sizeof words, "%s", line);
    char *rest = NULL;
    for (char *word = strtok_r(words, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        argv[argc++] = word;
    }
    if (state != NULL) {
        (void)snprintf(state_option, sizeof state_option, "--state=%s", state);
        argv[argc++] = state_option;
    }
    const int out = memfd_create("out", MFD_CLOEXEC);
    const int error = memfd_create("error", MFD_CLOEXEC);
    const int out_before = catch_stream(stdout, out);
    const int error_before = catch_stream(stderr, error);
    printed->exit = command(argc, argv);
    release_stream(stdout, out_before, out, printed->out);
    release_stream(stderr, error_before, error, printed->error);
}

static void each_command_asks_for_what_it_says(void **state)
{
    struct served_api *served = *state;
    start(served);
    static const struct {
        int (*command)(int, char **);
        const char *line;
        const char *call;
        const char *out; // how the output begins
    } cases[] = {
        { tend_command_pause, "pause --why deploy", "pause(deploy) by uid ;", "paused: nothing is acted on until" },
        { tend_command_pause, "pause", "pause() by uid ;", "paused: " },
        { tend_command_resume, "resume", "resume() by uid ;", "resumed: tend acts again, by uid " },
        { tend_command_arm, "arm restart", "arm(restart) by uid ;", "playbook “restart” is armed now, by uid " },
        { tend_command_arm, "arm --all", "arm(*) by uid ;", "all playbooks are armed now, by uid " },
        { tend_command_disarm, "disarm restart", "disarm(restart) by uid ;", "playbook “restart” is dry now" },
        { tend_command_close, "close payments", "close(payments) by uid ;", "the breaker of payments is closed" },
        { tend_command_reload, "reload", "reload by uid ;", "loaded: generation def\n" },
        { tend_command_status, "status", "", "tend generation abc" },
        { tend_command_status, "status --json", "",
          "{\"generation\":\"abc\",\"services\":[{\"name\":\"web\"},{\"name\":\"ledger\"}]}\n" },
        { tend_command_incidents, "incidents --json", "", "{\"incidents\":[{\"id\":\"i2\"}]}\n" },
        { tend_command_explain, "explain --json i1", "", "{\"incident\":\"i1\"}\n" },
        { tend_command_explain, "explain --json", "", "{\"incident\":\"last\"}\n" },
        { tend_command_explain, "explain --json a&b/c?", "", "{\"incident\":\"a&b/c?\"}\n" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct printed printed;
        type(cases[i].command, cases[i].line, served->directory, &printed);
        assert_string_equal(printed.error, "");
        assert_int_equal(printed.exit, TEND_EXIT_FINE);
        printed.out[strlen(cases[i].out)] = '\0';
        assert_string_equal(printed.out, cases[i].out);
        assert_string_equal(served->calls.size > 0 ? tend_buffer_text(&served->calls) : "", cases[i].call);
        tend_buffer_reset(&served->calls);
    }
}

static void what_the_daemon_refuses_is_told_with_exit_1(void **state)
{
    struct served_api *served = *state;
    served->refuses_reload = true;
    start(served);
    struct printed printed;
    type(tend_command_arm, "arm nobody", served->directory, &printed);
    assert_int_equal(printed.exit, TEND_EXIT_TROUBLE);
    assert_string_equal(printed.error, "tend arm: there is no playbook 'nobody'\n");
    type(tend_command_explain, "explain i9", served->directory, &printed);
    assert_int_equal(printed.exit, TEND_EXIT_TROUBLE);
    assert_string_equal(printed.error, "tend explain: there is no incident i9; the newest are i2, i1\n");
    type(tend_command_reload, "reload", served->directory, &printed);
    assert_int_equal(printed.exit, TEND_EXIT_TROUBLE);
    assert_string_equal(printed.error, "tend reload: the rules were refused; the old ones stay in use\n"
                                       "shop.lua:3: no unit\n");
    assert_string_equal(printed.out, "");
}

static void without_a_daemon_it_says_how_to_start_one(void **state)
{
    struct served_api *served = *state; // not started
    struct printed printed;
    type(tend_command_status, "status", served->directory, &printed);
    assert_int_equal(printed.exit, TEND_EXIT_TROUBLE);
    char expected[512];
    (void)snprintf(expected, sizeof expected,
                   "tend status: no tend runs on %s (socket %s): start it with tend run DIR --state %s\n",
                   served->directory, served->socket_path, served->directory);
    assert_string_equal(printed.error, expected);
}

static void a_socket_that_a_killed_daemon_left_says_the_same(void **state)
{
    struct served_api *served = *state;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", served->socket_path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    (void)close(fd);
    struct printed printed;
    type(tend_command_status, "status", served->directory, &printed);
    assert_int_equal(printed.exit, TEND_EXIT_TROUBLE);
    assert_non_null(strstr(printed.error, "no tend runs on "));
    assert_int_equal(unlink(served->socket_path), 0);
}

static void wrong_usage_is_exit_2_and_names_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        int (*command)(int, char **);
        const char *line;
        const char *error;
    } cases[] = {
        { tend_command_status, "status --jsn", "tend status: there is no option --jsn; see tend status --help\n" },
        { tend_command_status, "status now", "tend status: one argument too many: now; see tend status --help\n" },
        { tend_command_status, "status --state",
          "tend status: a value is missing after --state; see tend status --help\n" },
        { tend_command_status, "status --all", "tend status: there is no option --all; see tend status --help\n" },
        { tend_command_resume, "resume --why x", "tend resume: there is no option --why; see tend resume --help\n" },
        { tend_command_explain, "explain i1 i2", "tend explain: one argument too many: i2; see tend explain --help\n" },
        { tend_command_arm, "arm", "tend arm: say --all, or a playbook's name; see tend arm --help\n" },
        { tend_command_arm, "arm --all x", "tend arm: --all and a name: say one of the two; see tend arm --help\n" },
        { tend_command_close, "close", "tend close: say a service's name; see tend close --help\n" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct printed printed;
        type(cases[i].command, cases[i].line, NULL, &printed);
        assert_string_equal(printed.error, cases[i].error);
        assert_int_equal(printed.exit, TEND_EXIT_USAGE);
        assert_string_equal(printed.out, "");
    }
}

static void help_goes_to_stdout_and_is_fine(void **state)
{
    (void)state;
    static int (*const commands[])(int, char **) = { tend_command_status, tend_command_incidents, tend_command_explain,
                                                     tend_command_arm,    tend_command_disarm,    tend_command_pause,
                                                     tend_command_resume, tend_command_close,     tend_command_reload };
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        struct printed printed;
        type(commands[i], "x --help", NULL, &printed);
        assert_int_equal(printed.exit, TEND_EXIT_FINE);
        assert_memory_equal(printed.out, "usage: tend ", 12);
        assert_non_null(strstr(printed.out, "exit status: 0 "));
        assert_string_equal(printed.error, "");
    }
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    if (evthread_use_pthreads() != 0 || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_command_asks_for_what_it_says, served_api_set_up, served_api_tear_down),
        cmocka_unit_test_setup_teardown(what_the_daemon_refuses_is_told_with_exit_1, served_api_set_up,
                                        served_api_tear_down),
        cmocka_unit_test_setup_teardown(without_a_daemon_it_says_how_to_start_one, served_api_set_up,
                                        served_api_tear_down),
        cmocka_unit_test_setup_teardown(a_socket_that_a_killed_daemon_left_says_the_same, served_api_set_up,
                                        served_api_tear_down),
        cmocka_unit_test(wrong_usage_is_exit_2_and_names_what_is_wrong),
        cmocka_unit_test(help_goes_to_stdout_and_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
