// Facts about the state directory: where it is, who may have it, and one at a time.

#include "driver/live/state_dir.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

// NOLINTBEGIN(concurrency-mt-unsafe): nothing here starts a thread

struct place {
    char root[64]; ///< a directory of the test's own
    char path[256];
};

static int make_place(void **state)
{
    static struct place place;
    (void)snprintf(place.root, sizeof place.root, "/tmp/tend-state-XXXXXX");
    *state = &place;
    return mkdtemp(place.root) == NULL ? -1 : 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

static int remove_place(void **state)
{
    const struct place *place = *state;
    return nftw(place->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *under(struct place *place, const char *name)
{
    (void)snprintf(place->path, sizeof place->path, "%s/%s", place->root, name);
    return place->path;
}

static void option_comes_before_the_environment(void **state)
{
    (void)state;
    setenv("STATE_DIRECTORY", "/from/systemd", 1);
    char *path = NULL;
    assert_int_equal(tend_state_dir_find("/given/here/", &path, NULL), TEND_OK);
    assert_string_equal(path, "/given/here");
    free(path);
    unsetenv("STATE_DIRECTORY");
}

static void first_of_several_state_directories_is_taken(void **state)
{
    (void)state;
    setenv("STATE_DIRECTORY", "/first:/second", 1);
    char *path = NULL;
    assert_int_equal(tend_state_dir_find(NULL, &path, NULL), TEND_OK);
    assert_string_equal(path, "/first");
    free(path);
    unsetenv("STATE_DIRECTORY");
}

static void without_option_and_environment_it_depends_on_the_user(void **state)
{
    (void)state;
    unsetenv("STATE_DIRECTORY");
    setenv("HOME", "/home/ops", 1);
    char *path = NULL;
    assert_int_equal(tend_state_dir_find(NULL, &path, NULL), TEND_OK);
    assert_string_equal(path, geteuid() == 0 ? "/var/lib/tend" : "/home/ops/.local/state/tend");
    free(path);
}

static void relative_option_is_under_the_working_directory(void **state)
{
    struct place *place = *state;
    char before[1024];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(place->root), 0);
    char *path = NULL;
    assert_int_equal(tend_state_dir_find("state", &path, NULL), TEND_OK);
    assert_int_equal(chdir(before), 0);
    assert_string_equal(path, under(place, "state"));
    free(path);
}

static void empty_option_is_an_error(void **state)
{
    (void)state;
    char *path = NULL;
    assert_int_equal(tend_state_dir_find("", &path, NULL), TEND_E_INVALID);
}

static void missing_directory_is_made_with_its_parents_and_mode_0750(void **state)
{
    struct place *place = *state;
    const mode_t mask = umask(022);
    struct tend_state_dir *dir = NULL;
    assert_int_equal(tend_state_dir_open(under(place, "a/b/tend"), &dir, NULL), TEND_OK);
    umask(mask);
    struct stat status;
    assert_int_equal(stat(place->path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0750);
    assert_string_equal(tend_state_dir_path(dir), place->path);
    tend_state_dir_close(dir);
}

static void second_open_is_refused_and_names_the_pid(void **state)
{
    struct place *place = *state;
    struct tend_state_dir *first = NULL;
    assert_int_equal(tend_state_dir_open(under(place, "tend"), &first, NULL), TEND_OK);
    struct tend_state_dir *second = NULL;
    struct tend_error error;
    assert_int_equal(tend_state_dir_open(place->path, &second, &error), TEND_E_INVALID);
    char pid[32];
    (void)snprintf(pid, sizeof pid, "(pid %ld)", (long)getpid());
    assert_non_null(strstr(error.text, pid));
    tend_state_dir_close(first);
    assert_int_equal(tend_state_dir_open(place->path, &second, &error), TEND_OK);
    tend_state_dir_close(second);
}

static void lock_ends_with_the_process_that_held_it(void **state)
{
    struct place *place = *state;
    const pid_t child = fork();
    if (child == 0) {
        struct tend_state_dir *dir = NULL;
        _exit(tend_state_dir_open(under(place, "tend"), &dir, NULL) == TEND_OK ? 0 : 1); // never closed
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    struct tend_state_dir *dir = NULL;
    assert_int_equal(tend_state_dir_open(under(place, "tend"), &dir, NULL), TEND_OK);
    tend_state_dir_close(dir);
}

// As a child that is between fork and exec when its parent is killed.
static void lock_that_is_let_go_in_a_moment_is_waited_for(void **state)
{
    struct place *place = *state;
    struct tend_state_dir *dir = NULL;
    assert_int_equal(tend_state_dir_open(under(place, "tend"), &dir, NULL), TEND_OK);
    const pid_t child = fork();
    if (child == 0) {
        (void)usleep(100 * 1000);
        _exit(0);
    }
    tend_state_dir_close(dir); // the child holds the lock alone
    assert_int_equal(tend_state_dir_open(place->path, &dir, NULL), TEND_OK);
    assert_int_equal(waitpid(child, NULL, 0), child);
    tend_state_dir_close(dir);
}

static void directory_that_others_may_write_to_is_refused(void **state)
{
    struct place *place = *state;
    assert_int_equal(mkdir(under(place, "tend"), 0755), 0);
    assert_int_equal(chmod(place->path, 0777), 0);
    struct tend_state_dir *dir = NULL;
    struct tend_error error;
    assert_int_equal(tend_state_dir_open(place->path, &dir, &error), TEND_E_INVALID);
    assert_non_null(strstr(error.text, "0777"));
    assert_null(dir);
}

static void directory_of_another_user_is_refused(void **state)
{
    struct place *place = *state;
    if (geteuid() != 0) {
        print_message("skipped: only root can make a file of another user\n");
        skip();
    }
    assert_int_equal(mkdir(under(place, "tend"), 0755), 0);
    assert_int_equal(chown(place->path, 12345, 12345), 0);
    struct tend_state_dir *dir = NULL;
    struct tend_error error;
    assert_int_equal(tend_state_dir_open(place->path, &dir, &error), TEND_E_INVALID);
    assert_non_null(strstr(error.text, "12345"));
}

static void link_made_by_another_user_is_refused(void **state)
{
    struct place *place = *state;
    if (geteuid() != 0) {
        print_message("skipped: only root can make a file of another user\n");
        skip();
    }
    assert_int_equal(symlink("/tmp", under(place, "tend")), 0);
    assert_int_equal(lchown(place->path, 12345, 12345), 0);
    struct tend_state_dir *dir = NULL;
    assert_int_equal(tend_state_dir_open(place->path, &dir, NULL), TEND_E_INVALID);
}

static void own_link_is_followed_to_the_directory(void **state)
{
    struct place *place = *state;
    char target[256];
    (void)snprintf(target, sizeof target, "%s", under(place, "real"));
    assert_int_equal(mkdir(target, 0750), 0);
    assert_int_equal(symlink("real", under(place, "tend")), 0);
    struct tend_state_dir *dir = NULL;
    assert_int_equal(tend_state_dir_open(place->path, &dir, NULL), TEND_OK);
    assert_string_equal(tend_state_dir_path(dir), target);
    tend_state_dir_close(dir);
}

static void link_in_place_of_the_lock_file_is_refused(void **state)
{
    struct place *place = *state;
    assert_int_equal(mkdir(under(place, "tend"), 0750), 0);
    assert_int_equal(symlink("/tmp/elsewhere", under(place, "tend/lock")), 0);
    struct tend_state_dir *dir = NULL;
    assert_int_equal(tend_state_dir_open(under(place, "tend"), &dir, NULL), TEND_E_IO);
}

static void file_in_the_way_is_an_error(void **state)
{
    struct place *place = *state;
    const int fd = open(under(place, "tend"), O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
    struct tend_state_dir *dir = NULL;
    struct tend_error error;
    assert_int_equal(tend_state_dir_open(place->path, &dir, &error), TEND_E_IO);
    assert_non_null(strstr(error.text, "Not a directory"));
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest facts[] = {
        FACT(option_comes_before_the_environment),
        FACT(first_of_several_state_directories_is_taken),
        FACT(without_option_and_environment_it_depends_on_the_user),
        FACT(relative_option_is_under_the_working_directory),
        FACT(empty_option_is_an_error),
        FACT(missing_directory_is_made_with_its_parents_and_mode_0750),
        FACT(second_open_is_refused_and_names_the_pid),
        FACT(lock_ends_with_the_process_that_held_it),
        FACT(lock_that_is_let_go_in_a_moment_is_waited_for),
        FACT(directory_that_others_may_write_to_is_refused),
        FACT(directory_of_another_user_is_refused),
        FACT(link_made_by_another_user_is_refused),
        FACT(own_link_is_followed_to_the_directory),
        FACT(link_in_place_of_the_lock_file_is_refused),
        FACT(file_in_the_way_is_an_error),
    };
    return cmocka_run_group_tests(facts, NULL, NULL);
}

// NOLINTEND(concurrency-mt-unsafe)
