// Facts about the logs of services, with real files in a directory of the test's own. The test makes the turns, and
// time is its own.

#include "driver/live/log_watch.h"

#include "locate/log_tally.h"
#include "parse/log_line.h"

#include <fcntl.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char directory[64];
    char path[128];
    struct tend_log_watch *watch;
    int64_t now_ms;
    char told[4096]; // "SERVICE:LEVEL TEMPLATE xLINES|"
    size_t events, templates;
    uint64_t lines, skipped;
};

static void on_logs(void *context, const struct tend_event_logs *logs)
{
    struct fixture *fixture = context;
    fixture->events++;
    for (size_t i = 0; i < logs->count; i++) {
        const struct tend_logged_service *service = &logs->services[i];
        fixture->skipped += service->skipped_bytes;
        fixture->templates += service->count;
        for (size_t j = 0; j < service->count; j++) {
            const size_t used = strlen(fixture->told);
            fixture->lines += service->logged[j].lines;
            (void)snprintf(fixture->told + used, sizeof fixture->told - used, "%s:%d %s x%llu|", service->service,
                           service->logged[j].level, service->logged[j].template,
                           (unsigned long long)service->logged[j].lines);
        }
    }
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    (void)strcpy(fixture->directory, "/tmp/tend-log-watch-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    fixture->now_ms = 1000000;
    const struct tend_log_watch_options options = { .on_logs = on_logs, .context = fixture };
    assert_int_equal(tend_log_watch_create(&options, &fixture->watch), TEND_OK);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    tend_log_watch_destroy(fixture->watch);
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf %s", fixture->directory);
    assert_int_equal(system(command), 0); // NOLINT(cert-env33-c,concurrency-mt-unsafe): a test of one thread
    free(fixture);
    return 0;
}

static const char *in_directory(struct fixture *fixture, const char *name)
{
    (void)snprintf(fixture->path, sizeof fixture->path, "%s/%s", fixture->directory, name);
    return fixture->path;
}

static void put_bytes(struct fixture *fixture, const char *name, const char *bytes, size_t count)
{
    const int fd = open(in_directory(fixture, name), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, count), count);
    assert_int_equal(close(fd), 0);
}

static void append(struct fixture *fixture, const char *name, const char *text)
{
    put_bytes(fixture, name, text, strlen(text));
}

static void move(struct fixture *fixture, const char *from, const char *to)
{
    char old[128];
    (void)snprintf(old, sizeof old, "%s", in_directory(fixture, from));
    assert_int_equal(rename(old, in_directory(fixture, to)), 0);
}

// Reads the logs of one service, or of two, by one glob within the directory.
static void want(struct fixture *fixture, const char *service, const char *other, const char *glob, const char *mask)
{
    char path[200];
    (void)snprintf(path, sizeof path, "%s/%s", fixture->directory, glob);
    const char *files[] = { path };
    const char *masks[] = { mask };
    const struct tend_log_def def = { .files = files, .file_count = 1, .masks = masks, .mask_count = mask != NULL };
    const struct tend_logging_service services[] = { { service, &def }, { other, &def } };
    assert_int_equal(tend_log_watch_set(fixture->watch, services, other == NULL ? 1 : 2, NULL, 0), TEND_OK);
}

// Makes turns for that long.
static void pass(struct fixture *fixture, int64_t for_ms)
{
    const int64_t until_ms = fixture->now_ms + for_ms;
    fixture->told[0] = '\0';
    while (fixture->now_ms <= until_ms) {
        const int64_t wait_ms = tend_log_watch_turn(fixture->watch, fixture->now_ms);
        assert_true(wait_ms >= 0 && wait_ms <= 5000);
        fixture->now_ms += wait_ms > 0 ? wait_ms : 1;
    }
}

static void assert_told(struct fixture *fixture, int64_t for_ms, const char *told)
{
    pass(fixture, for_ms);
    assert_string_equal(fixture->told, told);
}

static void assert_problem(const struct fixture *fixture, const char *words)
{
    json_t *list = json_array();
    tend_log_watch_problems(fixture->watch, list);
    bool found = words == NULL && json_array_size(list) == 0;
    for (size_t i = 0; words != NULL && i < json_array_size(list); i++) {
        found = found || strstr(json_string_value(json_array_get(list, i)), words) != NULL;
    }
    char *text = json_dumps(list, 0);
    json_decref(list);
    if (!found) {
        fail_msg("%s is not among %s", words, text);
    }
    free(text);
}

static void lines_are_told_as_templates_of_their_service(void **state)
{
    struct fixture *fixture = *state;
    append(fixture, "web.log", "ERROR old\n");
    append(fixture, "db.log", "");
    want(fixture, "web", "db", "{service}.log", NULL);
    pass(fixture, 1000);
    assert_int_equal(fixture->events, 1); // both are read from now on
    append(fixture, "web.log", "INFO served 12 in 3 ms\nINFO served 13 in 44 ms\n\tcontinued\n");
    append(fixture, "db.log", "{\"level\":\"error\",\"msg\":\"no space on /dev/sda1\"}\n");
    assert_told(fixture, 2000, "db:2 no space on /dev/<*> x1|");
    assert_told(fixture, 5000, "web:0 INFO served <*> in <*> ms x2|"); // nothing grave: after 5 s
    assert_int_equal(tend_log_watch_counts(fixture->watch).files, 2);
    assert_problem(fixture, NULL);
}

static void secrets_are_masked_before_anything_is_told(void **state)
{
    struct fixture *fixture = *state;
    append(fixture, "a.log", "");
    want(fixture, "a", NULL, "a.log", "floor \\w+");
    pass(fixture, 1000);
    append(fixture, "a.log", "ERROR password=hunter on floor basement by eve@shop.example, Bearer abc.def\n");
    assert_told(fixture, 2000, "a:2 ERROR password=<*> on <*> by <*>, Bearer <*> x1|");
}

static void a_rotated_file_is_read_once(void **state)
{
    struct fixture *fixture = *state;
    append(fixture, "app.log", "");
    want(fixture, "a", NULL, "app.log*", NULL);
    pass(fixture, 1000);
    append(fixture, "app.log", "ERROR one\n");
    move(fixture, "app.log", "app.log.1");
    append(fixture, "app.log", "ERROR two\n");
    append(fixture, "app.log.1", "ERROR three\n");
    pass(fixture, 60000); // the old one has ended, and looks found it under its new name
    assert_int_equal(fixture->lines, 3);
    append(fixture, "app.log", "ERROR four\n");
    append(fixture, "app.log.2.gz", "ERROR what is compressed is not read\n");
    pass(fixture, 60000);
    assert_int_equal(fixture->lines, 4);
}

static void a_file_that_comes_later_is_read_from_its_begin(void **state)
{
    struct fixture *fixture = *state;
    want(fixture, "a", NULL, "a*.log", NULL);
    pass(fixture, 1000);
    assert_problem(fixture, "no such file");
    append(fixture, "a1.log", "ERROR one\n");
    assert_told(fixture, 8000, "a:2 ERROR one x1|");
    assert_problem(fixture, NULL);
}

static void new_rules_go_on_where_the_old_ones_were(void **state)
{
    struct fixture *fixture = *state;
    append(fixture, "a.log", "");
    want(fixture, "a", NULL, "a.log", NULL);
    pass(fixture, 2000);
    append(fixture, "a.log", "ERROR one\n");
    pass(fixture, 2000);
    append(fixture, "a.log", "ERROR floor x\n");
    want(fixture, "a", NULL, "a.log", "floor \\w+");
    assert_told(fixture, 3000, "a:2 ERROR <*> x1|");
    want(fixture, "a", NULL, "a.log", "floor \\w+");
    append(fixture, "a.log", "ERROR three\n");
    assert_told(fixture, 3000, "a:2 ERROR three x1|");
    assert_int_equal(tend_log_watch_set(fixture->watch, NULL, 0, NULL, 0), TEND_OK);
    assert_int_equal(tend_log_watch_counts(fixture->watch).files, 0);
}

static void what_cannot_be_read_is_a_problem_until_it_can(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(mkfifo(in_directory(fixture, "a.log"), 0600), 0);
    want(fixture, "a", NULL, "a.log", NULL);
    pass(fixture, 6000);
    assert_problem(fixture, "no regular file");
    assert_int_equal(unlink(in_directory(fixture, "a.log")), 0);
    append(fixture, "a.log", "ERROR of yesterday\n"); // it was there, and nobody knows for how long
    pass(fixture, 12000);
    assert_problem(fixture, NULL);
    append(fixture, "a.log", "ERROR one\n");
    assert_told(fixture, 3000, "a:2 ERROR one x1|");
}

// Each of the files could be read by a name like these, were they part of a path.
static void a_name_that_would_lead_elsewhere_is_no_part_of_a_path(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(mkdir(in_directory(fixture, "sub"), 0700), 0);
    append(fixture, "a.log", "ERROR of another\n");
    append(fixture, "sub/bee.log", "ERROR of another\n");
    append(fixture, "sub/.hidden.log", "ERROR of another\n");
    want(fixture, "../a", "b*", "sub/{service}*", NULL);
    pass(fixture, 1000);
    assert_problem(fixture, "../a");
    assert_problem(fixture, "b*");
    assert_int_equal(tend_log_watch_counts(fixture->watch).files, 0);
    want(fixture, ".hidden", "be[e]", "sub/{service}*", NULL);
    pass(fixture, 1000);
    assert_problem(fixture, ".hidden");
    assert_int_equal(tend_log_watch_counts(fixture->watch).files, 0);
    want(fixture, "bee", NULL, "sub/{service}*", NULL);
    pass(fixture, 1000);
    assert_int_equal(tend_log_watch_counts(fixture->watch).files, 1);
}

static void a_thousand_files_are_followed_and_the_next_is_a_problem(void **state)
{
    struct fixture *fixture = *state;
    char name[32];
    for (int i = 0; i <= TEND_LOG_FILES_MAX; i++) {
        (void)snprintf(name, sizeof name, "a%04d.log", i);
        append(fixture, name, "");
    }
    want(fixture, "a", NULL, "a*.log", NULL);
    pass(fixture, 1000);
    assert_int_equal(tend_log_watch_counts(fixture->watch).files, TEND_LOG_FILES_MAX);
    assert_problem(fixture, "a1000.log: its log is not read: as many log files as tend reads at once are read already");
}

static void write_much(struct fixture *fixture, const char *name, size_t bytes)
{
    char *text = malloc(bytes);
    assert_non_null(text);
    static const char letters[] = "abcdefghijklmnop";
    for (size_t i = 0; i < bytes; i++) { // lines of 64 bytes, all different even without their digits
        text[i] = letters[i / 64 >> i % 7 * 4 & 15];
    }
    for (size_t i = 63; i < bytes; i += 64) {
        text[i] = '\n';
    }
    put_bytes(fixture, name, text, bytes);
    free(text);
}

static void a_burst_costs_a_bounded_time_and_memory_and_what_is_skipped_is_counted(void **state)
{
    struct fixture *fixture = *state;
    append(fixture, "a.log", "");
    append(fixture, "b.log", "");
    want(fixture, "a", "b", "{service}.log", NULL);
    pass(fixture, 1000);
    write_much(fixture, "a.log", 40 << 20);
    append(fixture, "b.log", "ERROR of another\n");
    const size_t before = mallinfo2().uordblks;
    size_t most = 0;
    uint64_t read = tend_log_watch_counts(fixture->watch).read.bytes;
    bool told_b = false;
    for (int turns = 0; turns < 2000; turns++) {
        fixture->now_ms += tend_log_watch_turn(fixture->watch, fixture->now_ms);
        const struct tend_log_watch_counts counts = tend_log_watch_counts(fixture->watch);
        assert_true(counts.read.bytes - read <= TEND_LOG_TURN_BYTES + TEND_LOG_BLOCK_BYTES);
        read = counts.read.bytes;
        const size_t used = mallinfo2().uordblks;
        most = used > most ? used : most;
        told_b = told_b || strstr(fixture->told, "ERROR of another") != NULL;
    }
    assert_true(told_b);
    assert_true(fixture->templates <= (size_t)100 * (TEND_LOG_TEMPLATES_MAX + 3));
    assert_int_equal(fixture->skipped, (40 << 20) - TEND_LOG_KEPT_BYTES);
    assert_true(most - before < (size_t)512 * 1024); // a tally and an event of 200 templates
}

static void many_files_take_many_turns(void **state)
{
    struct fixture *fixture = *state;
    char name[32];
    for (int i = 0; i < 300; i++) {
        (void)snprintf(name, sizeof name, "a%d.log", i);
        append(fixture, name, "");
    }
    want(fixture, "a", NULL, "a*.log", NULL);
    pass(fixture, 1000);
    assert_int_equal(tend_log_watch_counts(fixture->watch).files, 300);
    for (int i = 0; i < 300; i++) {
        (void)snprintf(name, sizeof name, "a%d.log", i);
        append(fixture, name, "ERROR x\n");
    }
    assert_told(fixture, 2500, "a:2 ERROR x x200|a:2 ERROR x x100|");
}

static void a_turn_reads_so_much_of_all_files_together(void **state)
{
    struct fixture *fixture = *state;
    enum { FILES = 8, BYTES = 40 * 1024 };
    char name[32];
    for (int i = 0; i < FILES; i++) {
        (void)snprintf(name, sizeof name, "a%d.log", i);
        append(fixture, name, "");
    }
    want(fixture, "a", NULL, "a*.log", NULL);
    pass(fixture, 1000);
    for (int i = 0; i < FILES; i++) {
        (void)snprintf(name, sizeof name, "a%d.log", i);
        write_much(fixture, name, BYTES);
    }
    uint64_t read = tend_log_watch_counts(fixture->watch).read.bytes;
    const uint64_t all = read + (uint64_t)FILES * BYTES;
    for (int turns = 0; turns < 100 && read < all; turns++) {
        fixture->now_ms += tend_log_watch_turn(fixture->watch, fixture->now_ms);
        const uint64_t now = tend_log_watch_counts(fixture->watch).read.bytes;
        assert_true(now - read <= TEND_LOG_TURN_BYTES + TEND_LOG_BLOCK_BYTES);
        read = now;
    }
    assert_int_equal(read, all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_are_told_as_templates_of_their_service, set_up, tear_down),
        cmocka_unit_test_setup_teardown(secrets_are_masked_before_anything_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_rotated_file_is_read_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_comes_later_is_read_from_its_begin, set_up, tear_down),
        cmocka_unit_test_setup_teardown(new_rules_go_on_where_the_old_ones_were, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_is_a_problem_until_it_can, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_name_that_would_lead_elsewhere_is_no_part_of_a_path, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_burst_costs_a_bounded_time_and_memory_and_what_is_skipped_is_counted, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(many_files_take_many_turns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_thousand_files_are_followed_and_the_next_is_a_problem, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_turn_reads_so_much_of_all_files_together, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
