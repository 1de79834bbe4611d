// Facts about which recorded logs a rehearsal reads.

#include "driver/past/rehearsed_logs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static int set_up(void **state)
{
    *state = tend_rehearsed_logs_create();
    return *state == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    tend_rehearsed_logs_destroy(*state);
    return 0;
}

static struct tend_service_def service(const char *name, size_t files)
{
    return (struct tend_service_def){ .name = (char *)(uintptr_t)name, .logs = { .file_count = files } };
}

static void list(struct tend_rehearsed_logs *logs, const char *name, bool in_history)
{
    const struct tend_service_def def = service(name, 1);
    tend_rehearsed_logs_list(logs, &def, in_history);
}

static void a_log_is_read_from_when_its_service_is_first_listed(void **state)
{
    struct tend_rehearsed_logs *logs = *state;
    tend_rehearsed_logs_begin(logs);
    list(logs, "web", true);
    list(logs, "web", true); // its second instance
    struct tend_event_logs begun = tend_rehearsed_logs_done(logs);
    assert_int_equal(begun.count, 1);
    assert_string_equal(begun.services[0].service, "web");
    assert_int_equal(begun.services[0].count, 0);
    tend_rehearsed_logs_begin(logs);
    list(logs, "web", true);
    list(logs, "db", true);
    begun = tend_rehearsed_logs_done(logs);
    assert_int_equal(begun.count, 1);
    assert_string_equal(begun.services[0].service, "db");
}

static void one_that_was_gone_begins_anew(void **state)
{
    struct tend_rehearsed_logs *logs = *state;
    tend_rehearsed_logs_begin(logs);
    list(logs, "web", true);
    tend_rehearsed_logs_begin(logs);
    assert_int_equal(tend_rehearsed_logs_done(logs).count, 0);
    tend_rehearsed_logs_begin(logs);
    list(logs, "web", true);
    assert_int_equal(tend_rehearsed_logs_done(logs).count, 1);
}

static void what_the_rules_do_not_read_is_passed_over(void **state)
{
    struct tend_rehearsed_logs *logs = *state;
    const struct tend_service_def unread = service("db", 0);
    tend_rehearsed_logs_begin(logs);
    list(logs, "web", true);
    tend_rehearsed_logs_list(logs, &unread, true);
    const struct tend_logged_service said[] = { { .service = "db", .skipped_bytes = 1 },
                                                { .service = "web", .skipped_bytes = 2 },
                                                { .service = "gone", .skipped_bytes = 3 } };
    const struct tend_event_logs read =
        tend_rehearsed_logs_read(logs, &(struct tend_event_logs){ .services = said, .count = 3 });
    assert_int_equal(read.count, 1);
    assert_int_equal(read.services[0].skipped_bytes, 2);
    char text[100];
    assert_false(tend_rehearsed_logs_lacking(logs, text, sizeof text));
}

static void logs_that_the_history_lacks_are_told(void **state)
{
    struct tend_rehearsed_logs *logs = *state;
    char text[100];
    tend_rehearsed_logs_begin(logs);
    list(logs, "a", false);
    list(logs, "b", true);
    assert_true(tend_rehearsed_logs_lacking(logs, text, sizeof text));
    assert_string_equal(text, "the source has no log of a");
    for (const char *name = "cdefgh"; *name != '\0'; name++) {
        list(logs, (char[]){ *name, '\0' }, false);
    }
    assert_true(tend_rehearsed_logs_lacking(logs, text, sizeof text));
    assert_string_equal(text, "the source has no log of a, c, d, e, f and 2 more");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_log_is_read_from_when_its_service_is_first_listed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_was_gone_begins_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_the_rules_do_not_read_is_passed_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(logs_that_the_history_lacks_are_told, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
