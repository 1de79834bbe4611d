// Facts about statuses and error messages.

#include "base/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void every_status_has_words(void **state)
{
    (void)state;
    for (int status = TEND_OK; status <= TEND_E_CORRUPT; status++) {
        assert_string_not_equal(tend_status_text((enum tend_status)status), "unknown status");
    }
}

static void a_message_is_formatted(void **state)
{
    (void)state;
    struct tend_error error;
    tend_error_set(&error, "%s has %d", "x", 3);
    assert_string_equal(error.text, "x has 3");
    tend_error_set(NULL, "%s", "nowhere");
}

static void a_long_message_is_cut_with_an_ellipsis(void **state)
{
    (void)state;
    struct tend_error error;
    char text[1000];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    tend_error_set(&error, "%s", text);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
    assert_string_equal(error.text + strlen(error.text) - 4, "a…");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_words),
        cmocka_unit_test(a_message_is_formatted),
        cmocka_unit_test(a_long_message_is_cut_with_an_ellipsis),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
