// What is a secret in a log line, and what is none. None of the secrets is one.

#include "parse/secret_mask.h"

#include "parse/mask_pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void assert_masked(const char *text, const char *masked)
{
    char out[512];
    const size_t bytes = tend_secret_mask(text, strlen(text), out, sizeof out - 1);
    out[bytes] = '\0';
    assert_string_equal(out, masked);
}

static void secrets_are_masked(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        // names and values
        { "password=hunter", "password=<*>" },
        { "Password: hunter, user: eve", "Password: <*>, user: eve" },
        { "db_password = 'it is long' ok", "db_password = <*> ok" },
        { "{\"password\":\"hunter\",\"n\":1}", "{\"password\":<*>,\"n\":1}" },
        { "{\\\"api_key\\\": \\\"abc\\\"}", "{\\\"api_key\\\": <*>}" },
        { "login --password hunter --user eve", "login --password <*> --user eve" },
        { "?token=abc&page=next", "?token=<*>&page=next" },
        { "client_secret=a b", "client_secret=<*> b" },
        { "X-Api-Key: abc", "X-Api-Key: <*>" },
        { "pwd => hunter", "pwd => <*>" },
        { "aws_secret_access_key=wJalr/XUtn", "aws_secret_access_key=<*>" },
        { "Cookie: a=b; session=cd", "Cookie: <*>" },
        { "password=\"with \\\" quote\" end", "password=<*> end" },
        { "password=\"never closed, all of it", "password=<*>" },
        // credentials of HTTP
        { "Authorization: Bearer abc.def end", "Authorization: <*> end" },
        { "authorization: Basic dXNlcjpwYXNz", "authorization: <*>" },
        { "got Bearer abcdef from eve", "got Bearer <*> from eve" },
        // by their looks
        { "key AKIAABCDEFGHIJKLMNOP end", "key <*> end" },
        { "jwt eyJhbGciOiJub25lIn.eyJzdWIiOiJldmUi.c2ln", "jwt <*>" },
        { "push ghp_abcdefghijklmnopqrst", "push <*>" },
        { "mail to eve.smith+x@shop.example failed", "mail to <*> failed" },
        { "dial postgres://eve:hunter@db/shop", "dial postgres://<*>@db/shop" },
        { "fetch https://tok@host/x", "fetch https://<*>@host/x" },
        { "card 4111 1111 1111 1111 refused", "card <*> refused" },
        { "card 4111-1111-1111-1111, refused", "card <*>, refused" },
        { "k wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "k <*>" },
        { "MIIEvQIBADANBgkqhkiGabcdefghijABCDEFGHIJabcdefghij", "<*>" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_masked(rows[i][0], rows[i][1]);
    }
}

static void what_is_none_stays(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "token expired",
        "passwords were changed",
        "connection to 10.0.0.1:8080 refused",
        "GET https://host/a?b=c",
        "see http://host/path?a=b",
        "a secret of the trade",
        "order 1234567 shipped",
        "2026-03-02 02:00:00,123 begun",
        "/opt/app/releases/current/services/payments",
        "eye sore",
        "sk-1",
        "",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_masked(texts[i], texts[i]);
    }
}

static void a_nul_does_not_end_a_secret(void **state)
{
    (void)state;
    char out[64];
    const size_t bytes = tend_secret_mask("password=ab\0cd ef", 17, out, sizeof out);
    assert_int_equal(bytes, 15);
    assert_memory_equal(out, "password=<*> ef", 15);
}

static void what_does_not_fit_is_left_out(void **state)
{
    (void)state;
    char out[11];
    memset(out, '#', sizeof out);
    assert_int_equal(tend_secret_mask("password=hunter", 15, out, 10), 10);
    assert_memory_equal(out, "password=<#", 11);
}

// ---- patterns of a user's own ----

static struct tend_mask_patterns *patterns_of(const char *const *texts, size_t count)
{
    struct tend_mask_patterns *patterns = NULL;
    struct tend_error error;
    assert_int_equal(tend_mask_patterns_create(texts, count, &patterns, &error), TEND_OK);
    return patterns;
}

#define SECOND_NS INT64_C(1000000000)

static void assert_applied(struct tend_mask_patterns *patterns, const char *text, const char *masked)
{
    char bytes[256];
    (void)snprintf(bytes, sizeof bytes, "%s", text);
    int64_t left_ns = SECOND_NS;
    const size_t count = tend_mask_patterns_apply(patterns, bytes, strlen(text), sizeof bytes - 1, &left_ns);
    bytes[count] = '\0';
    assert_string_equal(bytes, masked);
}

// Runs of many short words that nearly are a secret. If each word looked through all of its run, a message of this
// length would take more than ten minutes; it takes milliseconds.
static void time_grows_no_faster_than_a_message(void **state)
{
    (void)state;
    static const char *const units[] = { "a%", "a+", "a/", "a=", "1 ", "1-", "a@", "://", "a ", "token ", "'", "\\" };
    enum { BYTES = 1 << 20, PATIENCE_S = 60 };
    char *text = malloc(BYTES);
    char *out = malloc(BYTES);
    assert_non_null(text);
    assert_non_null(out);
    (void)alarm(PATIENCE_S);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        for (size_t at = 0; at < BYTES; at++) {
            text[at] = units[i][at % strlen(units[i])];
        }
        assert_true(tend_secret_mask(text, BYTES, out, BYTES) > 0);
    }
    (void)alarm(0);
    free(text);
    free(out);
}

static void patterns_mask_each_match_in_turn(void **state)
{
    (void)state;
    static const char *const texts[] = { "pin[a-z]+", "<\\*>x", "(?i)EVE" };
    struct tend_mask_patterns *patterns = patterns_of(texts, 3);
    assert_applied(patterns, "pinab pincd x", "<*> <*> x");
    assert_applied(patterns, "eve and Eve", "<*> and <*>");
    assert_applied(patterns, "nothing", "nothing");
    assert_applied(patterns, "pinabx", "<*>");
    assert_applied(patterns, "pin1", "pin1");
    tend_mask_patterns_destroy(patterns);
}

static void a_pattern_that_takes_too_long_masks_the_whole(void **state)
{
    (void)state;
    static const char *const texts[] = { "(a+)+$" };
    struct tend_mask_patterns *patterns = patterns_of(texts, 1);
    assert_applied(patterns, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "<*>");
    tend_mask_patterns_destroy(patterns);
}

// Its steps within the classes are counted by no limit of PCRE2: this line would take it ten seconds.
static void time_that_patterns_may_take_is_bounded_whatever_they_are(void **state)
{
    (void)state;
    enum { BYTES = 4096, PATIENCE_S = 60 };
    static const char *const texts[] = { "[a-z]*[a-z]*1", "[a-z]+[a-z]+[a-z]+1", "(?:[a-z]+ ?)+1" };
    (void)alarm(PATIENCE_S);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct tend_mask_patterns *patterns = patterns_of(&texts[i], 1);
        int64_t left_ns = SECOND_NS / 50;
        for (int line = 0; line < 1000; line++) {
            char text[BYTES];
            memset(text, 'a', sizeof text);
            text[900] = '=';
            text[901] = '1';
            const size_t count = tend_mask_patterns_apply(patterns, text, sizeof text, sizeof text, &left_ns);
            assert_true(left_ns > 0 || count == 3);
        }
        tend_mask_patterns_destroy(patterns);
    }
    (void)alarm(0);
}

static void without_time_all_is_masked_and_without_patterns_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = { "pin" };
    struct tend_mask_patterns *patterns = patterns_of(texts, 1);
    struct tend_mask_patterns *none = patterns_of(texts, 0);
    char text[] = "a line";
    int64_t left_ns = 0;
    assert_int_equal(tend_mask_patterns_apply(none, text, 6, 6, &left_ns), 6);
    assert_memory_equal(text, "a line", 6);
    assert_int_equal(tend_mask_patterns_apply(patterns, text, 6, 6, &left_ns), 3);
    assert_memory_equal(text, "<*>", 3);
    tend_mask_patterns_destroy(patterns);
    tend_mask_patterns_destroy(none);
}

static void nothing_is_left_of_a_secret_at_the_place_where_a_long_text_is_cut_off(void **state)
{
    (void)state;
    static const char *const texts[] = { "pin[0-9]{8}" };
    struct tend_mask_patterns *patterns = patterns_of(texts, 1);
    for (size_t at = TEND_MASK_TEXT_BYTES - 300; at < TEND_MASK_TEXT_BYTES + 20; at++) {
        char text[2 * TEND_MASK_TEXT_BYTES];
        memset(text, 'a', sizeof text);
        memcpy(text + at, "pin12345678", 11); // NOLINT(bugprone-not-null-terminated-result): it has no end
        int64_t left_ns = SECOND_NS;
        const size_t count = tend_mask_patterns_apply(patterns, text, sizeof text, sizeof text, &left_ns);
        assert_true(count >= TEND_MASK_TEXT_BYTES - 300 && count <= TEND_MASK_TEXT_BYTES);
        assert_null(memmem(text, count, "pi", 2));
    }
    tend_mask_patterns_destroy(patterns);
}

static void a_pattern_that_is_none_is_told(void **state)
{
    (void)state;
    static const char *const texts[] = { "fine", "(" };
    struct tend_mask_patterns *patterns = NULL;
    struct tend_error error;
    assert_int_equal(tend_mask_patterns_create(texts, 2, &patterns, &error), TEND_E_INVALID);
    assert_string_equal(error.text, "\"(\" is wrong at its character 2: missing closing parenthesis");
    assert_null(patterns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_are_masked),
        cmocka_unit_test(what_is_none_stays),
        cmocka_unit_test(a_nul_does_not_end_a_secret),
        cmocka_unit_test(what_does_not_fit_is_left_out),
        cmocka_unit_test(time_grows_no_faster_than_a_message),
        cmocka_unit_test(patterns_mask_each_match_in_turn),
        cmocka_unit_test(a_pattern_that_takes_too_long_masks_the_whole),
        cmocka_unit_test(time_that_patterns_may_take_is_bounded_whatever_they_are),
        cmocka_unit_test(without_time_all_is_masked_and_without_patterns_nothing),
        cmocka_unit_test(nothing_is_left_of_a_secret_at_the_place_where_a_long_text_is_cut_off),
        cmocka_unit_test(a_pattern_that_is_none_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
