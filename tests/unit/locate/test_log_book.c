// A log as templates: what is new, what ceased, what merely goes on.

#include "locate/log_book.h"

#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void add(struct tend_log_book *book, double at_s, const char *level, const char *message)
{
    const struct tend_log_line line = { .at_s = at_s,
                                        .service = "ledger",
                                        .service_bytes = 6,
                                        .level = level,
                                        .level_bytes = strlen(level),
                                        .message = message,
                                        .message_bytes = strlen(message) };
    assert_int_equal(tend_log_book_add(book, &line), TEND_OK);
}

// The evidence on the template, from a minute before second 60 and a minute after it.
static json_t *found(const json_t *evidence, const char *template)
{
    for (size_t i = 0; i < json_array_size(evidence); i++) {
        json_t *one = json_array_get(evidence, i);
        if (strcmp(tend_json_text(one, "template", ""), template) == 0) {
            return one;
        }
    }
    return NULL;
}

static json_t *evidence_of_a_minute(void)
{
    struct tend_log_book *book;
    assert_int_equal(tend_log_book_create(NULL, &book), TEND_OK);
    for (int second = 0; second <= 120; second++) {
        char text[64];
        (void)snprintf(text, sizeof text, "request %d served", second);
        add(book, second, "INFO", text);
        if (second % 2 == 0) {
            add(book, second, "INFO", second <= 60 ? "cache hit" : "cache missed");
        }
        if (second > 60 && second % 4 == 0) {
            add(book, second, "ERROR", "the disk is full");
        }
        if (second % 10 == 5) {
            add(book, second, "error", "a retry was needed");
        }
    }
    json_t *evidence = tend_log_book_evidence(book, 60, 0);
    assert_int_equal(tend_log_book_dropped(book), 0);
    tend_log_book_destroy(book);
    return evidence;
}

static void a_new_error_surprises(void **state)
{
    (void)state;
    json_t *evidence = evidence_of_a_minute();
    const json_t *full = found(evidence, "the disk is full");
    assert_string_equal(tend_json_text(full, "level", ""), "error");
    assert_string_equal(tend_json_text(full, "service", ""), "ledger");
    assert_int_equal(tend_json_integer(full, "before", -1), 0);
    assert_int_equal(tend_json_integer(full, "after", -1), 15);
    assert_true(tend_json_number(full, "up", 0) > 8);
    json_decref(evidence);
}

static void lines_that_ceased_surprise(void **state)
{
    (void)state;
    json_t *evidence = evidence_of_a_minute();
    const json_t *hit = found(evidence, "cache hit");
    assert_int_equal(tend_json_integer(hit, "before", -1), 31);
    assert_int_equal(tend_json_integer(hit, "after", -1), 0);
    assert_true(tend_json_number(hit, "down", 0) > 8 && tend_json_number(hit, "up", 9) < 0.1);
    json_decref(evidence);
}

static void what_goes_on_does_not_surprise(void **state)
{
    (void)state;
    json_t *evidence = evidence_of_a_minute();
    assert_null(found(evidence, "request <*> served"));
    const json_t *retry = found(evidence, "a retry was needed"); // told, as it is an error
    assert_true(tend_json_number(retry, "up", 9) < 1.5 && tend_json_number(retry, "down", 9) < 1.5);
    json_decref(evidence);
}

static void the_lines_are_parted_where_they_part_best(void **state)
{
    (void)state;
    struct tend_log_book *book;
    assert_int_equal(tend_log_book_create(NULL, &book), TEND_OK);
    for (int second = 0; second <= 120; second++) {
        add(book, second, "INFO", second < 45 ? "fine" : "not fine");
    }
    json_t *evidence = tend_log_book_evidence(book, 60, 30);
    assert_int_equal(tend_json_integer(found(evidence, "fine"), "after", -1), 0);
    assert_int_equal(tend_json_integer(found(evidence, "not fine"), "before", -1), 1); // the line of second 45
    json_decref(evidence);
    tend_log_book_destroy(book);
}

static void words_that_vary_are_no_news(void **state)
{
    (void)state;
    static const char *const cities[] = { "york", "leeds", "hull", "bath", "ely" };
    struct tend_log_book *book;
    assert_int_equal(tend_log_book_create(NULL, &book), TEND_OK);
    for (int second = 0; second <= 120; second++) {
        char text[64];
        (void)snprintf(text, sizeof text, "a train to %s is full", cities[second <= 60 ? second % 3 : 3 + second % 2]);
        add(book, second, "INFO", text);
    }
    json_t *evidence = tend_log_book_evidence(book, 60, 0);
    assert_int_equal(json_array_size(evidence), 0); // 61 lines of one template before and 60 after
    json_decref(evidence);
    tend_log_book_destroy(book);
}

static void that_others_come_more_often_makes_none_cease(void **state)
{
    (void)state;
    struct tend_log_book *book;
    assert_int_equal(tend_log_book_create(NULL, &book), TEND_OK);
    for (int second = 0; second <= 120; second++) {
        if (second % 2 == 0) {
            add(book, second, "INFO", "cache hit");
        }
        for (int i = 0; second > 60 && i < 5; i++) {
            add(book, second, "INFO", "cache missed");
        }
    }
    json_t *evidence = tend_log_book_evidence(book, 60, 0);
    assert_null(found(evidence, "cache hit")); // 31 before, 30 after, though the log grew tenfold
    assert_non_null(found(evidence, "cache missed"));
    json_decref(evidence);
    tend_log_book_destroy(book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_that_vary_are_no_news),
        cmocka_unit_test(that_others_come_more_often_makes_none_cease),
        cmocka_unit_test(a_new_error_surprises),
        cmocka_unit_test(lines_that_ceased_surprise),
        cmocka_unit_test(what_goes_on_does_not_surprise),
        cmocka_unit_test(the_lines_are_parted_where_they_part_best),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
