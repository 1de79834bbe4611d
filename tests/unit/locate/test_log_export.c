// Exported log lines: what is read, and what is refused with its line.

#include "locate/log_export.h"

#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void is_refused(const char *text, size_t expected_line, const char *expected)
{
    struct tend_log_book *book;
    struct tend_error error = { "" };
    size_t line = 0;
    assert_int_equal(tend_log_book_create(NULL, &book), TEND_OK);
    assert_int_equal(tend_log_export_read(book, text, strlen(text), &line, &error), TEND_E_INVALID);
    assert_string_equal(error.text, expected);
    assert_int_equal(line, expected_line);
    tend_log_book_destroy(book);
}

// The lines of "boom" before and after the onset.
static void assert_counts(const char *text, double onset_s, int before, int after)
{
    struct tend_log_book *book;
    struct tend_error error = { "" };
    size_t line = 0;
    assert_int_equal(tend_log_book_create(NULL, &book), TEND_OK);
    if (tend_log_export_read(book, text, strlen(text), &line, &error) != TEND_OK) {
        fail_msg("%zu: %s", line, error.text);
    }
    json_t *evidence = tend_log_book_evidence(book, onset_s, 0);
    assert_int_equal(json_array_size(evidence), 1);
    const json_t *boom = json_array_get(evidence, 0);
    assert_string_equal(tend_json_text(boom, "template", ""), "boom");
    assert_string_equal(tend_json_text(boom, "service", ""), "ledger");
    assert_int_equal(tend_json_integer(boom, "before", -1), before);
    assert_int_equal(tend_json_integer(boom, "after", -1), after);
    json_decref(evidence);
    tend_log_book_destroy(book);
}

static void lines_are_read_with_and_without_a_header(void **state)
{
    (void)state;
    assert_counts("time,service,level,message\n10,ledger,ERROR,boom\n70,ledger,ERROR,boom\n80,ledger,ERROR,boom\n", 60,
                  1, 2);
    assert_counts("\xef\xbb\xbf\"Timestamp\", Service ,LEVEL,Message\r\n\r\n70,ledger,ERROR,\"boom\"\r\n", 60, 0, 1);
    assert_counts("10,ledger,ERROR,boom\n70,ledger,ERROR,boom\n", 60, 1, 1);
}

static void times_are_read_as_other_programs_write_them(void **state)
{
    (void)state;
#define HEADER "time,service,level,message\n"
    assert_counts(HEADER
                  "2026-03-02T10:00:04.999Z,ledger,ERROR,boom\n2026-03-02T11:00:05.001+01:00,ledger,ERROR,boom\n",
                  1772445605, 1, 1);
    assert_counts(HEADER "1772445604999,ledger,ERROR,boom\n1772445605001,ledger,ERROR,boom\n", 1772445605, 1, 1);
    assert_counts("1772445604999000,ledger,ERROR,boom\n1772445605001000,ledger,ERROR,boom\n", 1772445605, 1, 1);
    assert_counts(HEADER "1772445604999000000,ledger,ERROR,boom\n 1772445605001000000,ledger,ERROR,boom\n", 1772445605,
                  1, 1);
    is_refused(HEADER "1772445604,a,INFO,x\n\nnoon,a,INFO,x\n", 4,
               "\"noon\" is no time; write it like 2026-03-02T10:00:05Z, or in seconds since 1970");
#undef HEADER
}

static void lines_of_a_clock_that_was_not_set_are_passed_over(void **state)
{
    (void)state;
    assert_counts(
        "time,service,level,message\n-6795364578.871,ledger,ERROR,boom\n0001-01-01T00:00:00Z,ledger,ERROR,boom\n"
        "1772445606,ledger,ERROR,boom\n0,ledger,ERROR,boom\n",
        1772445605, 0, 1);
}

static void a_torn_log_is_told_with_its_line(void **state)
{
    (void)state;
    is_refused("time,service,level,message\n1,a,INFO,\"two\nlines\"\n2,a,INFO\n", 4,
               "3 fields; a line of a log is time,service,level,message");
    is_refused("time,service,level,message\n1,a,INFO,x\n2,a,INFO,\"x\n", 4, "field 4: its quote is not closed");
}

static void what_is_no_log_is_told_at_its_first_line(void **state)
{
    (void)state;
#define RIGHT "the first line of a log has to be time,service,level,message"
    is_refused("time,web:p90,ledger:cpu_pct,ledger:p90\n1,2,3,4\n", 1,
               RIGHT "; these are metrics (time,SERVICE:METRIC,…)");
    is_refused("time,web:p90\n1,2\n", 1, RIGHT "; these are metrics (time,SERVICE:METRIC,…)");
    is_refused("time,level,service,message\n1,INFO,a,x\n", 1, RIGHT);
    is_refused("time,service,message\n1,a,x\n", 1, RIGHT);
    is_refused("{\"level\":\"INFO\",\"msg\":\"x\"}\n", 1, RIGHT "; these are JSON lines");
    is_refused("time;service;level;message\n", 1, RIGHT "; its fields have semicolons between");
    is_refused("time\tservice\tlevel\tmessage\n", 1, RIGHT "; its fields have tabs between");
    is_refused("\n\nout of memory\n", 3, RIGHT);
    is_refused("1,0.2,3,4\n", 1, "\"0.2\" is no service; a line of a log is time,service,level,message");
#undef RIGHT
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_read_with_and_without_a_header),
        cmocka_unit_test(times_are_read_as_other_programs_write_them),
        cmocka_unit_test(lines_of_a_clock_that_was_not_set_are_passed_over),
        cmocka_unit_test(a_torn_log_is_told_with_its_line),
        cmocka_unit_test(what_is_no_log_is_told_at_its_first_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
