// Facts about secrets, with real files in a directory of the test's own.

#include "driver/live/secrets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    char directory[64];
    struct tend_secrets *secrets;
    struct tend_buffer out;
    struct tend_error error;
};

static void path_of(const struct fixture *fixture, const char *name, char path[200])
{
    (void)snprintf(path, 200, "%s/%s", fixture->directory, name);
}

static void put(const struct fixture *fixture, const char *name, const void *bytes, size_t count, mode_t mode)
{
    char path[200];
    path_of(fixture, name, path);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    (void)snprintf(fixture->directory, sizeof fixture->directory, "/tmp/tend-secrets-XXXXXX");
    if (mkdtemp(fixture->directory) == NULL ||
        tend_secrets_open(fixture->directory, &fixture->secrets, NULL) != TEND_OK) {
        return -1;
    }
    tend_buffer_init(&fixture->out);
    put(fixture, "token", "s3cret\n", 7, 0600);
    put(fixture, "url", "https://hooks.example/T0", 24, 0640);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    static const char *const names[] = { "token", "url", "bad", "link", ".hidden", "fifo", "no name" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[200];
        path_of(fixture, names[i], path);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(fixture->directory), 0);
    tend_secrets_close(fixture->secrets);
    tend_secrets_wipe(&fixture->out);
    free(fixture);
    return 0;
}

static enum tend_status get(struct fixture *fixture, const char *name)
{
    return tend_secrets_get(fixture->secrets, name, &fixture->out, &fixture->error);
}

static enum tend_status resolve(struct fixture *fixture, const char *json)
{
    json_t *text = json_loads(json, JSON_DECODE_ANY, NULL);
    assert_non_null(text);
    const enum tend_status status = tend_secrets_resolve(fixture->secrets, text, &fixture->out, &fixture->error);
    json_decref(text);
    return status;
}

static void one_trailing_newline_is_cut(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(get(fixture, "token"), TEND_OK);
    assert_string_equal(tend_buffer_text(&fixture->out), "s3cret");
    put(fixture, "bad", "a\n\r\n", 4, 0600);
    tend_buffer_reset(&fixture->out);
    assert_int_equal(get(fixture, "bad"), TEND_OK);
    assert_string_equal(tend_buffer_text(&fixture->out), "a\n");
}

static void a_secret_that_was_changed_is_read_anew(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(get(fixture, "url"), TEND_OK);
    put(fixture, "url", "new", 3, 0600);
    tend_buffer_reset(&fixture->out);
    assert_int_equal(get(fixture, "url"), TEND_OK);
    assert_string_equal(tend_buffer_text(&fixture->out), "new");
}

static void the_names_are_sorted_and_only_of_secrets(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, ".hidden", "x", 1, 0600);
    put(fixture, "no name", "x", 1, 0600);
    put(fixture, "bad", "x", 1, 0600);
    json_t *names = tend_secrets_names(fixture->secrets);
    char *text = tend_json_canonical(names);
    assert_string_equal(text, "[\"bad\",\"token\",\"url\"]");
    free(text);
    json_decref(names);
}

static void an_unknown_name_is_no_secret(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(get(fixture, "tokn"), TEND_E_INVALID);
    assert_string_equal(fixture->error.text, "no secret tokn in the secrets directory");
}

static void a_name_cannot_leave_the_directory(void **state)
{
    struct fixture *fixture = *state;
    static const char *const names[] = { "../etc/passwd", "/etc/passwd", "..", ".", "", "a/b", ".hidden", "a b" };
    put(fixture, ".hidden", "x", 1, 0600);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(get(fixture, names[i]), TEND_E_INVALID);
    }
    assert_int_equal(fixture->out.size, 0);
}

static void a_symbolic_link_is_refused(void **state)
{
    struct fixture *fixture = *state;
    char path[200];
    path_of(fixture, "link", path);
    assert_int_equal(symlink("token", path), 0);
    assert_int_equal(get(fixture, "link"), TEND_E_INVALID);
}

static void a_fifo_is_refused_at_once(void **state)
{
    struct fixture *fixture = *state;
    char path[200];
    path_of(fixture, "fifo", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(get(fixture, "fifo"), TEND_E_INVALID);
}

static void a_file_that_others_may_read_is_refused(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "bad", "x", 1, 0604);
    assert_int_equal(get(fixture, "bad"), TEND_E_INVALID);
    assert_string_equal(fixture->error.text, "secret bad has the mode 604, open to others; chmod 600 it");
    put(fixture, "bad", "x", 1, 0620);
    assert_int_equal(get(fixture, "bad"), TEND_E_INVALID);
}

static void the_limit_is_64_kb(void **state)
{
    struct fixture *fixture = *state;
    char *bytes = malloc(65537);
    memset(bytes, 'x', 65537);
    put(fixture, "bad", bytes, 65536, 0600);
    assert_int_equal(get(fixture, "bad"), TEND_OK);
    assert_int_equal(fixture->out.size, 65536);
    put(fixture, "bad", bytes, 65537, 0600);
    assert_int_equal(get(fixture, "bad"), TEND_E_LIMIT);
    free(bytes);
}

static void nothing_and_nul_are_no_secrets(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "bad", "\n", 1, 0600);
    assert_int_equal(get(fixture, "bad"), TEND_E_INVALID);
    put(fixture, "bad", "a\0b", 3, 0600);
    assert_int_equal(get(fixture, "bad"), TEND_E_INVALID);
    assert_non_null(strstr(fixture->error.text, "NUL"));
}

static void a_text_is_a_string_a_secret_or_a_list_of_those(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(resolve(fixture, "\"plain\""), TEND_OK);
    assert_int_equal(resolve(fixture, "{\"secret\":\"token\"}"), TEND_OK);
    assert_int_equal(resolve(fixture, "[\"Bearer \",{\"secret\":\"token\"},\"!\"]"), TEND_OK);
    assert_int_equal(resolve(fixture, "[]"), TEND_OK);
    assert_string_equal(tend_buffer_text(&fixture->out), "plains3cretBearer s3cret!");
}

static void what_is_no_text_is_refused(void **state)
{
    struct fixture *fixture = *state;
    static const char *const texts[] = { "1", "null", "{}", "{\"secret\":1}", "[[\"a\"]]", "[\"a\",null]" };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(resolve(fixture, texts[i]), TEND_E_INVALID);
    }
    assert_int_equal(tend_secrets_resolve(fixture->secrets, NULL, &fixture->out, NULL), TEND_E_INVALID);
}

static void without_a_directory_there_are_no_secrets(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(tend_secrets_get(NULL, "token", &fixture->out, &fixture->error), TEND_E_INVALID);
    assert_string_equal(fixture->error.text, "no secret token: start with --secrets DIR");
}

static void no_message_holds_a_secret(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "bad", "s3cret\0", 7, 0600);
    assert_int_equal(get(fixture, "bad"), TEND_E_INVALID);
    assert_null(strstr(fixture->error.text, "s3cret"));
}

static void a_directory_that_others_may_write_is_refused(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(chmod(fixture->directory, 0707), 0);
    struct tend_secrets *secrets = NULL;
    assert_int_equal(tend_secrets_open(fixture->directory, &secrets, &fixture->error), TEND_E_INVALID);
    assert_null(secrets);
}

static void a_missing_directory_is_an_error(void **state)
{
    struct fixture *fixture = *state;
    struct tend_secrets *secrets = NULL;
    assert_int_equal(tend_secrets_open("/no/such/directory", &secrets, &fixture->error), TEND_E_IO);
    assert_string_equal(fixture->error.text,
                        "cannot open the secrets directory /no/such/directory: No such file or directory");
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FACT(one_trailing_newline_is_cut),
        FACT(a_secret_that_was_changed_is_read_anew),
        FACT(the_names_are_sorted_and_only_of_secrets),
        FACT(an_unknown_name_is_no_secret),
        FACT(a_name_cannot_leave_the_directory),
        FACT(a_symbolic_link_is_refused),
        FACT(a_fifo_is_refused_at_once),
        FACT(a_file_that_others_may_read_is_refused),
        FACT(the_limit_is_64_kb),
        FACT(nothing_and_nul_are_no_secrets),
        FACT(a_text_is_a_string_a_secret_or_a_list_of_those),
        FACT(what_is_no_text_is_refused),
        FACT(without_a_directory_there_are_no_secrets),
        FACT(no_message_holds_a_secret),
        FACT(a_directory_that_others_may_write_is_refused),
        FACT(a_missing_directory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
