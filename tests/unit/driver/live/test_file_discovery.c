// Facts about watching file_sd files, with real files in a directory of the test's own.

#include "driver/live/file_discovery.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GUARD_S = 20 };

struct fixture {
    struct event_base *base;
    struct tend_file_discovery *discovery;
    char directory[64];
    char globs[4][200];
    size_t results;
    char urls[1000];  // of the newest result, each with a space after it
    char labels[200]; // of its first target
    size_t problems;
    char problem_file[300];
    char problem[700];
};

static void on_targets(void *context, const struct tend_event_targets *targets)
{
    struct fixture *fixture = context;
    fixture->results++;
    assert_int_equal(targets->discovery, 3);
    fixture->urls[0] = '\0';
    for (size_t i = 0; i < targets->count; i++) {
        const size_t used = strlen(fixture->urls);
        (void)snprintf(fixture->urls + used, sizeof fixture->urls - used, "%s ", targets->targets[i].url);
    }
    fixture->labels[0] = '\0';
    if (targets->count > 0) {
        char *text = tend_json_canonical(targets->targets[0].labels);
        (void)snprintf(fixture->labels, sizeof fixture->labels, "%s", text);
        free(text);
    }
}

static void on_problem(void *context, const char *file, const char *text)
{
    struct fixture *fixture = context;
    fixture->problems++;
    (void)snprintf(fixture->problem_file, sizeof fixture->problem_file, "%s", file);
    (void)snprintf(fixture->problem, sizeof fixture->problem, "%s", text);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->base = event_base_new();
    (void)snprintf(fixture->directory, sizeof fixture->directory, "/tmp/tend-sd-XXXXXX");
    if (mkdtemp(fixture->directory) == NULL) {
        return -1;
    }
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    tend_file_discovery_destroy(fixture->discovery);
    event_base_free(fixture->base);
    char command[200];
    (void)snprintf(command, sizeof command, "rm -rf %s", fixture->directory);
    assert_int_equal(system(command), 0); // NOLINT(cert-env33-c,concurrency-mt-unsafe): our own
    free(fixture);
    return 0;
}

static void path_of(const struct fixture *fixture, const char *name, char path[200])
{
    (void)snprintf(path, 200, "%s/%s", fixture->directory, name);
}

// As every writer of such files should: beside it, then renamed.
static void put(const struct fixture *fixture, const char *name, const char *text)
{
    char path[200];
    char beside[210];
    path_of(fixture, name, path);
    (void)snprintf(beside, sizeof beside, "%s.new", path);
    FILE *file = fopen(beside, "w");
    assert_non_null(file);
    (void)fputs(text, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(beside, path), 0);
}

static void start(struct fixture *fixture, const char *first, const char *second)
{
    const char *globs[2];
    path_of(fixture, first, fixture->globs[0]);
    globs[0] = fixture->globs[0];
    if (second != NULL) {
        path_of(fixture, second, fixture->globs[1]);
        globs[1] = fixture->globs[1];
    }
    const struct tend_file_discovery_options options = {
        .discovery = 3,
        .globs = globs,
        .glob_count = second == NULL ? 1 : 2,
        .on_targets = on_targets,
        .on_problem = on_problem,
        .context = fixture,
    };
    assert_int_equal(tend_file_discovery_create(fixture->base, &options, &fixture->discovery, NULL), TEND_OK);
    assert_int_equal(fixture->results, 0); // never from within create
}

static void on_guard(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    (void)context;
    fail_msg("nothing came in %d s", GUARD_S);
}

static void wait_for(struct fixture *fixture, size_t results, size_t problems)
{
    const struct timeval guard = { .tv_sec = GUARD_S };
    struct event *timer = evtimer_new(fixture->base, on_guard, NULL);
    (void)event_add(timer, &guard);
    while (fixture->results < results || fixture->problems < problems) {
        assert_int_equal(event_base_loop(fixture->base, EVLOOP_ONCE), 0);
    }
    event_free(timer);
}

// Reads all again, and waits until that has happened: told by a problem that only the test makes.
static void look_again(struct fixture *fixture)
{
    const size_t problems = fixture->problems;
    put(fixture, "zz-mark.json", problems % 2 == 0 ? "{}" : "1,");
    wait_for(fixture, 0, problems + 1);
}

static void files_are_read_at_the_start(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "a.json", "[{\"targets\":[\"z:1\",\"a:1\"],\"labels\":{\"app\":\"x\"}}]");
    put(fixture, "b.json", "[{\"targets\":[\"m:1\"]}]");
    put(fixture, "notes.txt", "not ours");
    put(fixture, ".hidden.json", "[{\"targets\":[\"h:1\"]}]");
    start(fixture, "*.json", NULL);
    wait_for(fixture, 1, 0);
    assert_string_equal(fixture->urls, "http://a:1/metrics http://m:1/metrics http://z:1/metrics ");
    assert_string_equal(fixture->labels, "{\"app\":\"x\"}");
    assert_int_equal(fixture->problems, 0);
}

static void no_file_is_told_as_no_target(void **state)
{
    struct fixture *fixture = *state;
    start(fixture, "*.json", NULL);
    wait_for(fixture, 1, 0);
    assert_string_equal(fixture->urls, "");
    assert_int_equal(fixture->problems, 0);
}

static void a_file_that_is_replaced_by_rename_is_seen(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "a.json", "[{\"targets\":[\"a:1\"]}]");
    start(fixture, "a.json", NULL);
    wait_for(fixture, 1, 0);
    put(fixture, "a.json", "[{\"targets\":[\"a:2\"]}]");
    wait_for(fixture, 2, 0);
    assert_string_equal(fixture->urls, "http://a:2/metrics ");
}

static void a_file_that_is_written_in_place_is_seen(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "a.json", "[{\"targets\":[\"a:1\"]}]");
    start(fixture, "a.json", NULL);
    wait_for(fixture, 1, 0);
    FILE *file = fopen(fixture->globs[0], "w");
    (void)fputs("[{\"targets\":[\"a:33\"]}]", file);
    (void)fclose(file);
    wait_for(fixture, 2, 0);
    assert_string_equal(fixture->urls, "http://a:33/metrics ");
}

static void a_new_file_is_seen(void **state)
{
    struct fixture *fixture = *state;
    start(fixture, "*.json", NULL);
    wait_for(fixture, 1, 0);
    put(fixture, "a.json", "[{\"targets\":[\"a:1\"]}]");
    wait_for(fixture, 2, 0);
    assert_string_equal(fixture->urls, "http://a:1/metrics ");
}

static void a_removed_file_loses_its_targets(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "a.json", "[{\"targets\":[\"a:1\"]}]");
    put(fixture, "b.json", "[{\"targets\":[\"b:1\"]}]");
    start(fixture, "*.json", NULL);
    wait_for(fixture, 1, 0);
    char path[200];
    path_of(fixture, "a.json", path);
    assert_int_equal(unlink(path), 0);
    wait_for(fixture, 2, 0);
    assert_string_equal(fixture->urls, "http://b:1/metrics ");
}

static void a_bad_file_keeps_its_last_good_targets_and_is_reported_once(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "a.json", "[{\"targets\":[\"a:1\"]}]");
    put(fixture, "b.json", "[{\"targets\":[\"b:1\"]}]");
    start(fixture, "*.json", NULL);
    wait_for(fixture, 1, 0);
    put(fixture, "a.json", "[null]");
    wait_for(fixture, 1, 1);
    path_of(fixture, "a.json", fixture->globs[3]);
    assert_string_equal(fixture->problem_file, fixture->globs[3]);
    assert_string_equal(fixture->problem, "element 1 is null");
    put(fixture, "b.json", "[{\"targets\":[\"b:2\"]}]");
    wait_for(fixture, 2, 0);
    assert_string_equal(fixture->urls, "http://a:1/metrics http://b:2/metrics ");
    assert_int_equal(fixture->problems, 1);
    put(fixture, "a.json", "[{\"targets\":[\"a:3\"]}]");
    wait_for(fixture, 3, 0);
    assert_string_equal(fixture->urls, "http://a:3/metrics http://b:2/metrics ");
}

static void what_is_wrong_is_told_for_as_long_as_it_is(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "a.json", "[null]");
    start(fixture, "*.json", NULL);
    wait_for(fixture, 1, 1);
    char path[300];
    path_of(fixture, "a.json", path);
    char expected[400];
    (void)snprintf(expected, sizeof expected, "%s: element 1 is null", path);
    json_t *list = json_array();
    tend_file_discovery_problems(fixture->discovery, list);
    assert_int_equal(json_array_size(list), 1);
    assert_string_equal(json_string_value(json_array_get(list, 0)), expected);
    (void)json_array_clear(list);
    put(fixture, "a.json", "[{\"targets\":[\"a:3\"]}]");
    wait_for(fixture, 2, 0);
    tend_file_discovery_problems(fixture->discovery, list);
    assert_int_equal(json_array_size(list), 0);
    json_decref(list);
}

static void the_same_targets_again_are_not_told(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "a.json", "[{\"targets\":[\"a:1\"],\"labels\":{\"k\":\"v\"}}]");
    start(fixture, "*.json", NULL);
    wait_for(fixture, 1, 0);
    put(fixture, "a.json", "[ {\"labels\":{\"k\":\"v\"}, \"targets\":[\"a:1\"]} ]");
    look_again(fixture);
    assert_int_equal(fixture->results, 1);
}

static void another_label_is_told(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "a.json", "[{\"targets\":[\"a:1\"],\"labels\":{\"k\":\"v\"}}]");
    start(fixture, "*.json", NULL);
    wait_for(fixture, 1, 0);
    put(fixture, "a.json", "[{\"targets\":[\"a:1\"],\"labels\":{\"k\":\"w\"}}]");
    wait_for(fixture, 2, 0);
    assert_string_equal(fixture->labels, "{\"k\":\"w\"}");
}

static void a_url_in_two_files_counts_once_and_the_first_file_wins(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "b.json", "[{\"targets\":[\"a:1\"],\"labels\":{\"from\":\"b\"}}]");
    put(fixture, "a.json", "[{\"targets\":[\"a:1\",\"a:1\"],\"labels\":{\"from\":\"a\"}}]");
    start(fixture, "b.json", "*.json"); // a file that two globs match is still one
    wait_for(fixture, 1, 0);
    assert_string_equal(fixture->urls, "http://a:1/metrics ");
    assert_string_equal(fixture->labels, "{\"from\":\"a\"}");
}

static void yaml_is_refused_with_the_remedy(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "a.yml", "- targets: ['a:1']\n");
    start(fixture, "a*", NULL);
    wait_for(fixture, 1, 1);
    assert_string_equal(fixture->problem, "YAML is not read here; write the same as JSON, in a .json file");
    assert_string_equal(fixture->urls, "");
}

static void a_file_that_is_not_there_yet_is_reported_and_seen_when_it_comes(void **state)
{
    struct fixture *fixture = *state;
    start(fixture, "a.json", NULL);
    wait_for(fixture, 1, 1);
    assert_string_equal(fixture->problem, "there is no such file");
    put(fixture, "a.json", "[{\"targets\":[\"a:1\"]}]");
    wait_for(fixture, 2, 0);
    assert_string_equal(fixture->urls, "http://a:1/metrics ");
}

static void a_missing_directory_is_reported(void **state)
{
    struct fixture *fixture = *state;
    start(fixture, "later/*.json", NULL);
    wait_for(fixture, 1, 1);
    assert_string_equal(fixture->problem, "cannot list its directory: No such file or directory");
    char path[200];
    path_of(fixture, "later", path);
    assert_int_equal(mkdir(path, 0700), 0);
    put(fixture, "later/a.json", "[{\"targets\":[\"a:1\"]}]");
    tend_file_discovery_read(fixture->discovery);
    wait_for(fixture, 2, 0);
    assert_string_equal(fixture->urls, "http://a:1/metrics ");
}

static void what_is_no_file_is_reported_and_does_not_block(void **state)
{
    struct fixture *fixture = *state;
    char path[200];
    path_of(fixture, "fifo.json", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    start(fixture, "*.json", NULL);
    wait_for(fixture, 1, 1);
    assert_string_equal(fixture->problem, "it is no regular file");
}

static void targets_that_are_left_out_are_reported(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "a.json", "[{\"targets\":[\"a:1\",\"b/c\"]}]");
    start(fixture, "*.json", NULL);
    wait_for(fixture, 1, 1);
    assert_string_equal(fixture->urls, "http://a:1/metrics ");
    assert_string_equal(fixture->problem, "1 of its targets left out: element 1: b/c is no host:port");
}

static void a_star_in_a_directory_is_refused(void **state)
{
    struct fixture *fixture = *state;
    const char *const globs[] = { "/etc/*/sd.json" };
    const struct tend_file_discovery_options options = { .globs = globs, .glob_count = 1, .on_targets = on_targets };
    struct tend_error error = { "" };
    assert_int_equal(tend_file_discovery_create(fixture->base, &options, &fixture->discovery, &error), TEND_E_INVALID);
    assert_string_equal(error.text, "\"/etc/*/sd.json\": `*` may be in the last part of the path only");
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FACT(files_are_read_at_the_start),
        FACT(no_file_is_told_as_no_target),
        FACT(a_file_that_is_replaced_by_rename_is_seen),
        FACT(a_file_that_is_written_in_place_is_seen),
        FACT(a_new_file_is_seen),
        FACT(a_removed_file_loses_its_targets),
        FACT(a_bad_file_keeps_its_last_good_targets_and_is_reported_once),
        FACT(what_is_wrong_is_told_for_as_long_as_it_is),
        FACT(the_same_targets_again_are_not_told),
        FACT(another_label_is_told),
        FACT(a_url_in_two_files_counts_once_and_the_first_file_wins),
        FACT(yaml_is_refused_with_the_remedy),
        FACT(a_file_that_is_not_there_yet_is_reported_and_seen_when_it_comes),
        FACT(a_missing_directory_is_reported),
        FACT(what_is_no_file_is_reported_and_does_not_block),
        FACT(targets_that_are_left_out_are_reported),
        FACT(a_star_in_a_directory_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
