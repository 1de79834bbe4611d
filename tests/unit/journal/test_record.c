// Names of the record kinds, which stand in journals on disk, and what a record owns.

#include "journal/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void kinds_have_the_names_that_journals_on_disk_hold(void **state)
{
    (void)state;
    static const char *const names[] = { "start", "source", "alert",  "incident", "evidence", "decision",
                                         "run",   "step",   "target", "operator", "notice" };
    assert_int_equal(TEND_RECORD_KINDS, 11);
    for (int i = 0; i < TEND_RECORD_KINDS; i++) {
        assert_string_equal(tend_record_kind_text((enum tend_record_kind)i), names[i]);
        assert_int_equal(tend_record_kind_parse(names[i]), i);
    }
}

static void what_is_no_kind_is_none(void **state)
{
    (void)state;
    assert_int_equal(tend_record_kind_parse(""), -1);
    assert_int_equal(tend_record_kind_parse("Run"), -1);
    assert_int_equal(tend_record_kind_parse("runs"), -1);
}

static void clear_frees_what_a_record_owns_and_leaves_it_empty(void **state)
{
    (void)state;
    json_t *body = json_object();
    struct tend_record record = {
        .number = 5, .key = strdup("i1"), .incident = strdup("i1"), .body = json_incref(body)
    };
    tend_record_clear(&record);
    assert_int_equal(body->refcount, 1);
    assert_null(record.key);
    assert_null(record.incident);
    assert_null(record.body);
    tend_record_clear(&record); // a second time does no harm
    json_decref(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_have_the_names_that_journals_on_disk_hold),
        cmocka_unit_test(what_is_no_kind_is_none),
        cmocka_unit_test(clear_frees_what_a_record_owns_and_leaves_it_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
