// Directories of rules made for each test.

#include "driver/live/rules_dir.h"

#include "base/buffer.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int make_directory(void **state)
{
    char *path = strdup("/tmp/tend-rules-XXXXXX");
    *state = path;
    return path != NULL && mkdtemp(path) != NULL ? 0 : -1;
}

static int remove_directory(void **state)
{
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", (const char *)*state);
    const int removed = system(command); // NOLINT(cert-env33-c): a test's own path
    free(*state);
    return removed;
}

static void path_of(const char *directory, const char *name, char path[256])
{
    (void)snprintf(path, 256, "%s/%s", directory, name);
}

static void put_directory(const char *directory, const char *name)
{
    char path[256];
    path_of(directory, name, path);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void put_file(const char *directory, const char *name, const char *text)
{
    char path[256];
    path_of(directory, name, path);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0644), 0);
}

// The names of the files that are read, joined by spaces; or the error.
static void read_names(const char *directory, const char *env, const char *secrets, struct tend_buffer *out)
{
    json_t *sources = NULL;
    struct tend_error error = { "" };
    tend_buffer_init(out);
    if (tend_rules_dir_read(directory, env, secrets, &sources, &error) != TEND_OK) {
        tend_buffer_put_text(out, error.text);
        return;
    }
    const json_t *files = json_object_get(sources, "files");
    for (size_t i = 0; i < json_array_size(files); i++) {
        tend_buffer_printf(out, "%s%s", i == 0 ? "" : " ", tend_json_text(json_array_get(files, i), "name", "?"));
    }
    json_decref(sources);
}

static void assert_read(const char *directory, const char *env, const char *expected)
{
    struct tend_buffer names;
    read_names(directory, env, NULL, &names);
    assert_string_equal(tend_buffer_text(&names), expected);
    tend_buffer_clear(&names);
}

static void files_are_read_sorted_without_tests_env_and_dot_files(void **state)
{
    const char *directory = *state;
    put_directory(directory, "sub");
    put_directory(directory, "env");
    put_directory(directory, "sub/env");
    put_file(directory, "b.lua", "");
    put_file(directory, "a.lua", "");
    put_file(directory, "a_test.lua", "");
    put_file(directory, ".hidden.lua", "");
    put_file(directory, "notes.txt", "");
    put_file(directory, "sub/c.lua", "");
    put_file(directory, "sub/env/d.lua", "");
    put_file(directory, "env/prod.lua", "");
    assert_read(directory, NULL, "a.lua b.lua sub/c.lua sub/env/d.lua");
}

static void sources_hold_texts_env_and_the_names_of_secrets(void **state)
{
    const char *directory = *state;
    char secrets[256];
    path_of(directory, "secrets", secrets);
    put_directory(directory, "env");
    put_directory(directory, "secrets");
    put_file(directory, "a.lua", "return 1");
    put_file(directory, "env/prod.lua", "return {}");
    put_file(directory, "secrets/token", "t");
    json_t *sources = NULL;
    struct tend_error error = { "" };
    assert_int_equal(tend_rules_dir_read(directory, "prod", secrets, &sources, &error), TEND_OK);
    char *text = tend_json_canonical(sources);
    assert_string_equal(text, "{\"env\":{\"name\":\"env/prod.lua\",\"text\":\"return {}\"},"
                              "\"files\":[{\"name\":\"a.lua\",\"text\":\"return 1\"}],\"secrets\":[\"token\"]}");
    free(text);
    json_decref(sources);
}

static void an_env_that_is_not_there_is_an_error_that_lists_those_there_are(void **state)
{
    put_file(*state, "a.lua", "");
    assert_read(*state, "prod", "env/prod.lua: no such file; --env can be: nothing, there is no env directory");
    put_directory(*state, "env");
    put_file(*state, "env/staging.lua", "");
    put_file(*state, "env/test.lua", "");
    assert_read(*state, "prod", "env/prod.lua: no such file; --env can be: staging, test");
    assert_read(*state, "../x", "--env ../x: a name is made of letters, digits, _ . and -");
}

static void a_link_is_refused(void **state)
{
    char path[256];
    put_file(*state, "a.lua", "");
    path_of(*state, "b.lua", path);
    assert_int_equal(symlink("a.lua", path), 0);
    assert_read(*state, NULL, "b.lua: a link; rules must be files themselves");
}

static void a_file_that_others_may_write_is_refused(void **state)
{
    char path[256];
    put_file(*state, "a.lua", "");
    path_of(*state, "a.lua", path);
    assert_int_equal(chmod(path, 0664), 0);
    assert_read(*state, NULL, "a.lua: writable by others than its owner; chmod go-w it");
}

static void a_file_of_another_user_is_refused(void **state)
{
    if (geteuid() != 0) {
        print_message("skipped: only root can make a file of another user\n");
        skip();
    }
    char path[256];
    put_file(*state, "a.lua", "");
    path_of(*state, "a.lua", path);
    assert_int_equal(chown(path, 12345, 0), 0);
    assert_read(*state, NULL, "a.lua: owned by another user; rules must be owned by who runs tend, or by root");
}

static void a_fifo_named_like_rules_is_refused_without_waiting(void **state)
{
    char path[256];
    path_of(*state, "a.lua", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_read(*state, NULL, "a.lua: not a regular file");
}

static void what_is_no_text_or_too_large_is_refused(void **state)
{
    char path[256];
    put_file(*state, "a.lua", "x = '\xff'");
    assert_read(*state, NULL, "a.lua: not UTF-8 text");
    path_of(*state, "a.lua", path);
    assert_int_equal(truncate(path, 1024 * 1024 + 1), 0);
    assert_read(*state, NULL, "a.lua: larger than 1 MB");
    assert_int_equal(truncate(path, 2), 0);
    put_file(*state, "a.lua", "fine");
    assert_read(*state, NULL, "a.lua");
}

static void a_directory_without_rules_is_an_error(void **state)
{
    struct tend_buffer names;
    read_names(*state, NULL, NULL, &names);
    assert_non_null(strstr(tend_buffer_text(&names), ": there is no *.lua file"));
    tend_buffer_clear(&names);
    assert_read("/nonexistent/rules", NULL, "/nonexistent/rules: No such file or directory");
}

static void the_hash_covers_files_and_env_but_no_secrets(void **state)
{
    (void)state;
    char first[65];
    char other[65];
    json_t *sources =
        json_loads("{\"files\":[{\"name\":\"a\",\"text\":\"1\"}],\"env\":null,\"secrets\":null}", 0, NULL);
    tend_rules_dir_hash(sources, first);
    assert_int_equal(strlen(first), 64);
    assert_int_equal(json_object_set_new(sources, "secrets", json_pack("[s]", "token")), 0);
    tend_rules_dir_hash(sources, other);
    assert_string_equal(first, other);
    assert_int_equal(json_object_set_new(sources, "env", json_pack("{s:s,s:s}", "name", "e", "text", "")), 0);
    tend_rules_dir_hash(sources, other);
    assert_string_not_equal(first, other);
    json_decref(sources);
}

int main(void)
{
#define FACT(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        FACT(files_are_read_sorted_without_tests_env_and_dot_files),
        FACT(sources_hold_texts_env_and_the_names_of_secrets),
        FACT(an_env_that_is_not_there_is_an_error_that_lists_those_there_are),
        FACT(a_link_is_refused),
        FACT(a_file_that_others_may_write_is_refused),
        FACT(a_file_of_another_user_is_refused),
        FACT(a_fifo_named_like_rules_is_refused_without_waiting),
        FACT(what_is_no_text_or_too_large_is_refused),
        FACT(a_directory_without_rules_is_an_error),
        FACT(the_hash_covers_files_and_env_but_no_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
