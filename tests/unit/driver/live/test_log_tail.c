// Facts about following a log file, with real files in a directory of the test's own. Time is the test's.

#include "driver/live/log_tail.h"

#include <fcntl.h>
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
    char path[128], other[128];
    struct tend_log_tail *tail;
    char lines[4096]; // newest, each with a "|" after it
    size_t count, longest;
    char block[TEND_LOG_BLOCK_BYTES];
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    (void)strcpy(fixture->directory, "/tmp/tend-log-tail-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    (void)snprintf(fixture->path, sizeof fixture->path, "%s/app.log", fixture->directory);
    (void)snprintf(fixture->other, sizeof fixture->other, "%s/app.log.1", fixture->directory);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    tend_log_tail_destroy(fixture->tail);
    (void)unlink(fixture->path);
    (void)unlink(fixture->other);
    (void)rmdir(fixture->directory);
    free(fixture);
    return 0;
}

static void put_bytes(const char *path, int flags, const char *bytes, size_t count)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, count), count);
    assert_int_equal(close(fd), 0);
}

static void append(const char *path, const char *text)
{
    put_bytes(path, O_APPEND, text, strlen(text));
}

static void on_line(void *context, const char *line, size_t bytes)
{
    struct fixture *fixture = context;
    const size_t used = strlen(fixture->lines);
    fixture->count++;
    fixture->longest = bytes > fixture->longest ? bytes : fixture->longest;
    if (used + bytes + 2 < sizeof fixture->lines) {
        for (size_t i = 0; i < bytes; i++) {
            fixture->lines[used + i] = (char)(line[i] == '\0' ? '0' : line[i]);
        }
        fixture->lines[used + bytes] = '|';
        fixture->lines[used + bytes + 1] = '\0';
    }
}

static size_t read_on(struct fixture *fixture, size_t budget, int64_t now_ms)
{
    fixture->lines[0] = '\0';
    fixture->count = fixture->longest = 0;
    return tend_log_tail_read(fixture->tail, budget, fixture->block, now_ms, on_line, fixture);
}

static void assert_reads(struct fixture *fixture, const char *lines)
{
    (void)read_on(fixture, 1 << 20, 0);
    assert_string_equal(fixture->lines, lines);
}

static void follow(struct fixture *fixture, enum tend_log_from from)
{
    struct tend_error error = { .text = "" };
    if (tend_log_tail_create(fixture->path, from, NULL, 0, &fixture->tail, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
}

static void new_lines_are_handed_on_once(void **state)
{
    struct fixture *fixture = *state;
    append(fixture->path, "old\n");
    follow(fixture, TEND_LOG_FROM_END);
    assert_reads(fixture, "");
    append(fixture->path, "one\ntwo\r\n\n");
    assert_reads(fixture, "one|two\r||");
    assert_int_equal(read_on(fixture, 1 << 20, 0), 0);
    append(fixture->path, "three\n");
    assert_reads(fixture, "three|");
}

static void from_its_begin_all_is_read(void **state)
{
    struct fixture *fixture = *state;
    append(fixture->path, "one\ntwo\n");
    follow(fixture, TEND_LOG_FROM_BEGIN);
    assert_reads(fixture, "one|two|");
}

static void a_line_without_its_end_waits_for_it(void **state)
{
    struct fixture *fixture = *state;
    append(fixture->path, "");
    follow(fixture, TEND_LOG_FROM_END);
    append(fixture->path, "one\nha");
    assert_reads(fixture, "one|");
    assert_int_equal(read_on(fixture, 1 << 20, 0), 0); // and is not read again before there is more
    append(fixture->path, "l");
    assert_reads(fixture, "");
    append(fixture->path, "f\nnext\n");
    assert_reads(fixture, "half|next|");
}

static void a_last_line_without_its_end_is_one_when_it_stood_still(void **state)
{
    struct fixture *fixture = *state;
    append(fixture->path, "");
    follow(fixture, TEND_LOG_FROM_END);
    append(fixture->path, "one\nlast wo");
    (void)read_on(fixture, 1 << 20, 1000);
    assert_string_equal(fixture->lines, "one|");
    append(fixture->path, "rds");
    (void)read_on(fixture, 1 << 20, 2500); // it grew: from now on it stands still
    (void)read_on(fixture, 1 << 20, 2500 + TEND_LOG_STILL_MS - 1);
    assert_int_equal(fixture->count, 0);
    (void)read_on(fixture, 1 << 20, 2500 + TEND_LOG_STILL_MS);
    assert_string_equal(fixture->lines, "last words|");
    assert_int_equal(read_on(fixture, 1 << 20, 100000), 0); // once
    assert_int_equal(tend_log_tail_counts(fixture->tail).lines, 2);
}

static void what_comes_late_of_a_line_that_stood_still_is_passed_over(void **state)
{
    struct fixture *fixture = *state;
    append(fixture->path, "");
    follow(fixture, TEND_LOG_FROM_END);
    append(fixture->path, "ha");
    (void)read_on(fixture, 1 << 20, 0);
    (void)read_on(fixture, 1 << 20, TEND_LOG_STILL_MS);
    assert_string_equal(fixture->lines, "ha|");
    append(fixture->path, "lf");
    assert_reads(fixture, "");
    append(fixture->path, "\nnext\nno end");
    assert_reads(fixture, "next|");
    (void)read_on(fixture, 1 << 20, TEND_LOG_STILL_MS);
    assert_string_equal(fixture->lines, "no end|");
    append(fixture->path, "\nnext\n"); // the newline alone came late: no line of its own
    assert_reads(fixture, "next|");
}

static void a_half_line_at_the_end_of_a_full_buffer_waits_until_the_file_is_renamed(void **state)
{
    struct fixture *fixture = *state;
    append(fixture->path, "");
    follow(fixture, TEND_LOG_FROM_END);
    char full[4096];
    memset(full, 'x', sizeof full);
    memcpy(full + sizeof full - 5, "\nhalf", 5);
    put_bytes(fixture->path, O_APPEND, full, sizeof full);
    (void)read_on(fixture, 1 << 20, 0);
    assert_int_equal(fixture->count, 1);
    assert_int_equal(read_on(fixture, 1 << 20, 100 * TEND_LOG_STILL_MS), 0);
    assert_int_equal(rename(fixture->path, fixture->other), 0);
    assert_true(tend_log_tail_was_renamed(fixture->tail, 1000000));
    (void)read_on(fixture, 1 << 20, 1000000);
    assert_string_equal(fixture->lines, "half|");
}

static void a_place_after_a_last_line_without_its_end_is_gone_on_from(void **state)
{
    struct fixture *fixture = *state;
    append(fixture->path, "");
    follow(fixture, TEND_LOG_FROM_END);
    append(fixture->path, "last words");
    (void)read_on(fixture, 1 << 20, 0);
    (void)read_on(fixture, 1 << 20, TEND_LOG_STILL_MS);
    assert_int_equal(fixture->count, 1);
    const struct tend_log_place place = tend_log_tail_place(fixture->tail);
    tend_log_tail_destroy(fixture->tail);
    fixture->tail = NULL;
    struct tend_error error;
    assert_int_equal(tend_log_tail_create(fixture->path, TEND_LOG_FROM_BEGIN, &place, 1, &fixture->tail, &error),
                     TEND_OK);
    assert_int_equal(read_on(fixture, 1 << 20, 0), 0);
    append(fixture->path, " and more\nnext\n");
    assert_reads(fixture, "next|");
}

static void the_rest_of_a_line_that_was_not_seen_from_its_begin_is_passed_over(void **state)
{
    struct fixture *fixture = *state;
    append(fixture->path, "the begin");
    follow(fixture, TEND_LOG_FROM_END);
    append(fixture->path, " the end\none\n");
    assert_reads(fixture, "one|");
}

static void a_file_that_was_renamed_is_read_to_its_end(void **state)
{
    struct fixture *fixture = *state;
    append(fixture->path, "old\n");
    follow(fixture, TEND_LOG_FROM_END);
    assert_false(tend_log_tail_was_renamed(fixture->tail, 1000));
    append(fixture->path, "one\n");
    assert_int_equal(rename(fixture->path, fixture->other), 0);
    append(fixture->path, "of the new file\n");
    append(fixture->other, "two\n"); // the program has not opened the new one yet
    assert_true(tend_log_tail_was_renamed(fixture->tail, 2000));
    assert_reads(fixture, "one|two|");
    (void)read_on(fixture, 1 << 20, 5000);
    append(fixture->other, "three\n");
    assert_true(read_on(fixture, 1 << 20, 11000) > 0);
    assert_string_equal(fixture->lines, "three|");
    assert_false(tend_log_tail_has_ended(fixture->tail, 20999)); // quiet for less than LINGER
    assert_true(tend_log_tail_has_ended(fixture->tail, 21000));
}

static void a_file_that_is_gone_is_as_one_that_was_renamed(void **state)
{
    struct fixture *fixture = *state;
    append(fixture->path, "old\n");
    follow(fixture, TEND_LOG_FROM_END);
    append(fixture->path, "last\n");
    assert_int_equal(unlink(fixture->path), 0);
    assert_true(tend_log_tail_was_renamed(fixture->tail, 0));
    assert_reads(fixture, "last|");
    assert_true(tend_log_tail_has_ended(fixture->tail, TEND_LOG_LINGER_MS));
}

static void a_file_that_is_cut_short_is_read_from_its_begin(void **state)
{
    struct fixture *fixture = *state;
    append(fixture->path, "a line of some length\n");
    follow(fixture, TEND_LOG_FROM_END);
    put_bytes(fixture->path, O_TRUNC, "one\n", 4);
    assert_reads(fixture, "one|");
    assert_int_equal(tend_log_tail_counts(fixture->tail).restarts, 1);
    assert_int_equal(truncate(fixture->path, 0), 0);
    assert_reads(fixture, "");
    append(fixture->path, "two\n");
    assert_reads(fixture, "two|");
}

static void one_that_grew_past_its_place_after_it_was_cut_is_told_by_what_is_before_it(void **state)
{
    struct fixture *fixture = *state;
    append(fixture->path, "old 1\n");
    follow(fixture, TEND_LOG_FROM_END);
    put_bytes(fixture->path, O_TRUNC, "new 1\nnew 2\nnew 3\n", 18);
    assert_reads(fixture, "new 1|new 2|new 3|");
    assert_int_equal(tend_log_tail_counts(fixture->tail).restarts, 1);
}

static void a_place_is_gone_on_from_under_another_name(void **state)
{
    struct fixture *fixture = *state;
    append(fixture->path, "old\n");
    follow(fixture, TEND_LOG_FROM_END);
    append(fixture->path, "one\n");
    assert_reads(fixture, "one|");
    const struct tend_log_place place = tend_log_tail_place(fixture->tail);
    tend_log_tail_destroy(fixture->tail);
    fixture->tail = NULL;
    append(fixture->path, "two\n");
    assert_int_equal(rename(fixture->path, fixture->other), 0);
    struct tend_error error;
    assert_int_equal(tend_log_tail_create(fixture->other, TEND_LOG_FROM_BEGIN, &place, 1, &fixture->tail, &error),
                     TEND_OK);
    assert_reads(fixture, "two|");
}

static void an_inode_that_is_used_anew_is_another_file(void **state)
{
    struct fixture *fixture = *state;
    append(fixture->path, "other 1\nother 2\nother 3\n");
    struct stat file;
    assert_int_equal(stat(fixture->path, &file), 0);
    struct tend_log_place place = { .device = file.st_dev, .inode = file.st_ino, .offset = 4, .print_bytes = 4 };
    memcpy(place.print, "old\n", 4);
    struct tend_error error;
    assert_int_equal(tend_log_tail_create(fixture->path, TEND_LOG_FROM_END, &place, 1, &fixture->tail, &error),
                     TEND_OK);
    assert_reads(fixture, "other 1|other 2|other 3|");
}

static void a_line_that_is_too_long_is_cut_and_its_rest_passed_over(void **state)
{
    struct fixture *fixture = *state;
    append(fixture->path, "");
    follow(fixture, TEND_LOG_FROM_END);
    char *text = malloc(1 << 20);
    assert_non_null(text);
    memset(text, 'x', 1 << 20);
    put_bytes(fixture->path, O_APPEND, text, 1 << 20);
    append(fixture->path, "\nnext\n");
    (void)read_on(fixture, 4 << 20, 0);
    assert_int_equal(fixture->count, 2);
    assert_int_equal(fixture->longest, TEND_LOG_LINE_BYTES);
    assert_int_equal(tend_log_tail_counts(fixture->tail).cut_lines, 1);
    memset(text, 'y', TEND_LOG_LINE_BYTES - 1);
    text[TEND_LOG_LINE_BYTES - 1] = '\n';
    put_bytes(fixture->path, O_APPEND, text, TEND_LOG_LINE_BYTES); // just fits
    free(text);
    (void)read_on(fixture, 1 << 20, 0);
    assert_int_equal(fixture->count, 1);
    assert_int_equal(fixture->longest, TEND_LOG_LINE_BYTES - 1);
    assert_int_equal(tend_log_tail_counts(fixture->tail).cut_lines, 1);
}

static void bytes_of_any_kind_are_handed_on(void **state)
{
    struct fixture *fixture = *state;
    append(fixture->path, "");
    follow(fixture, TEND_LOG_FROM_END);
    put_bytes(fixture->path, O_APPEND, "a\0b\xff\x1b\n", 6);
    assert_reads(fixture, "a0b\xff\x1b|");
}

static void a_turn_reads_no_more_than_its_budget_and_a_block(void **state)
{
    struct fixture *fixture = *state;
    append(fixture->path, "");
    follow(fixture, TEND_LOG_FROM_END);
    char lines[8192];
    for (size_t i = 0; i < sizeof lines; i++) {
        lines[i] = (char)(i % 64 == 63 ? '\n' : 'x');
    }
    for (int i = 0; i < 128; i++) { // 1 MiB
        put_bytes(fixture->path, O_APPEND, lines, sizeof lines);
    }
    uint64_t all = 0;
    for (int turn = 0; turn < 20 && all < 1 << 20; turn++) {
        assert_true(read_on(fixture, 100000, 0) <= 100000 + TEND_LOG_BLOCK_BYTES);
        assert_true(fixture->count <= (100000 + TEND_LOG_BLOCK_BYTES) / 64);
        all += 64 * fixture->count;
    }
    assert_int_equal(all, 1 << 20);
    assert_int_equal(tend_log_tail_counts(fixture->tail).skipped_bytes, 0);
}

static void what_is_too_far_behind_is_skipped_and_counted(void **state)
{
    struct fixture *fixture = *state;
    append(fixture->path, "");
    follow(fixture, TEND_LOG_FROM_END);
    const int64_t size = 100 * INT64_C(1024) * 1024;
    const int fd = open(fixture->path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, size), 0); // a hole: 100 MiB of NUL
    assert_int_equal(pwrite(fd, "\nlast\n", 6, size - 6), 6);
    assert_int_equal(close(fd), 0);
    size_t read = 0;
    for (size_t got; (got = read_on(fixture, 1 << 20, 0)) > 0;) {
        read += got;
    }
    const struct tend_log_counts counts = tend_log_tail_counts(fixture->tail);
    assert_int_equal(counts.skipped_bytes, size - TEND_LOG_KEPT_BYTES);
    assert_int_equal(counts.lines, 1); // "last": the line before began where nobody looked
    assert_true(read < (size_t)2 * TEND_LOG_KEPT_BYTES);
}

static void only_regular_files_are_opened(void **state)
{
    struct fixture *fixture = *state;
    struct tend_error error;
    assert_int_equal(tend_log_tail_create(fixture->path, TEND_LOG_FROM_END, NULL, 0, &fixture->tail, &error),
                     TEND_E_IO);
    assert_string_equal(error.text, "No such file or directory");
    assert_int_equal(mkfifo(fixture->path, 0600), 0); // an open would wait for a writer
    assert_int_equal(tend_log_tail_create(fixture->path, TEND_LOG_FROM_END, NULL, 0, &fixture->tail, &error),
                     TEND_E_INVALID);
    assert_string_equal(error.text, "it is no regular file");
    assert_int_equal(tend_log_tail_create(fixture->directory, TEND_LOG_FROM_END, NULL, 0, &fixture->tail, &error),
                     TEND_E_INVALID);
    assert_null(fixture->tail);
}

static void a_link_is_followed(void **state)
{
    struct fixture *fixture = *state;
    append(fixture->other, "old\n");
    assert_int_equal(symlink(fixture->other, fixture->path), 0);
    follow(fixture, TEND_LOG_FROM_END);
    append(fixture->other, "one\n");
    assert_reads(fixture, "one|");
    assert_false(tend_log_tail_was_renamed(fixture->tail, 0));
}

static void assert_refused_link(struct fixture *fixture)
{
    struct tend_error error;
    assert_int_equal(tend_log_tail_create(fixture->path, TEND_LOG_FROM_END, NULL, 0, &fixture->tail, &error),
                     TEND_E_INVALID);
    assert_string_equal(error.text, "it is a link that neither root, nor tend's user, nor the file's owner made");
    assert_null(fixture->tail);
}

// Whoever may write to a directory of logs must not have tend read what they may not read.
static void a_link_of_somebody_else_is_not_followed_wherever_it_lies_on_the_way(void **state)
{
    struct fixture *fixture = *state;
    enum { SOMEBODY = 65534 };
    if (geteuid() != 0) {
        print_message("only root can make links of somebody else\n");
        skip();
    }
    append(fixture->other, "old\n");
    assert_int_equal(symlink(fixture->other, fixture->path), 0);
    assert_int_equal(lchown(fixture->path, SOMEBODY, SOMEBODY), 0);
    assert_refused_link(fixture);
    char theirs[sizeof fixture->path + 8];
    (void)snprintf(theirs, sizeof theirs, "%s.theirs", fixture->path);
    assert_int_equal(rename(fixture->path, theirs), 0);
    assert_int_equal(symlink(strrchr(theirs, '/') + 1, fixture->path),
                     0); // root's link to their link, by its name only
    assert_refused_link(fixture);
    assert_int_equal(chown(fixture->other, SOMEBODY, SOMEBODY), 0); // their link to a file of theirs
    follow(fixture, TEND_LOG_FROM_END);
    append(fixture->other, "one\n");
    assert_reads(fixture, "one|");
    assert_int_equal(unlink(theirs), 0);
}

static void links_that_lead_round_end(void **state)
{
    struct fixture *fixture = *state;
    struct tend_error error;
    assert_int_equal(symlink(fixture->other, fixture->path), 0);
    assert_int_equal(symlink(fixture->path, fixture->other), 0);
    assert_int_equal(tend_log_tail_create(fixture->path, TEND_LOG_FROM_END, NULL, 0, &fixture->tail, &error),
                     TEND_E_IO);
    assert_string_equal(error.text, "Too many levels of symbolic links");
    assert_null(fixture->tail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(new_lines_are_handed_on_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(from_its_begin_all_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_without_its_end_waits_for_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_last_line_without_its_end_is_one_when_it_stood_still, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_comes_late_of_a_line_that_stood_still_is_passed_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_half_line_at_the_end_of_a_full_buffer_waits_until_the_file_is_renamed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_place_after_a_last_line_without_its_end_is_gone_on_from, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_rest_of_a_line_that_was_not_seen_from_its_begin_is_passed_over, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_was_renamed_is_read_to_its_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_is_gone_is_as_one_that_was_renamed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_is_cut_short_is_read_from_its_begin, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_grew_past_its_place_after_it_was_cut_is_told_by_what_is_before_it,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_place_is_gone_on_from_under_another_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_inode_that_is_used_anew_is_another_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_that_is_too_long_is_cut_and_its_rest_passed_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bytes_of_any_kind_are_handed_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_turn_reads_no_more_than_its_budget_and_a_block, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_too_far_behind_is_skipped_and_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_regular_files_are_opened, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_link_is_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_link_of_somebody_else_is_not_followed_wherever_it_lies_on_the_way, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(links_that_lead_round_end, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
