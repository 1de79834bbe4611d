// Templates: what is masked, what stays, what is safe.

#include "locate/log_template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void becomes(const char *message, const char *expected)
{
    char out[TEND_LOG_TEMPLATE_BYTES + 1];
    assert_int_equal(tend_log_template(message, strlen(message), out), strlen(expected));
    assert_string_equal(out, expected);
}

static void words_with_a_digit_are_masked(void **state)
{
    (void)state;
    becomes("order 4711 took 12ms", "order <*> took <*>");
    becomes("user a1 is here", "user <*> is here");
    becomes("no digits at all", "no digits at all");
}

static void identifiers_and_addresses_are_masked(void **state)
{
    (void)state;
    becomes("id=f828384b-c7b1-472a-bd72-29bae7130cbc.", "id=<*>");
    becomes("to 10.0.0.1:8080 refused", "to <*> refused");
    becomes("hash deadbeef", "hash <*>");
    becomes("a facade", "a facade"); // hexadecimal, but short
}

static void a_list_of_numbers_is_one_variable_however_long(void **state)
{
    (void)state;
    becomes("seats 1, 2, 3 free", "seats <*> free");
    becomes("seats 1, 2, 3, 4, 5 free", "seats <*> free");
}

static void brackets_keep_their_places(void **state)
{
    (void)state;
    becomes("[order: 7][train: 12]", "[order: <*>][train: <*>]");
}

static void blanks_are_one(void **state)
{
    (void)state;
    becomes("  a \t\n b  ", "a b");
    becomes("", "");
}

static void bytes_that_are_no_text_become_marks(void **state)
{
    (void)state;
    char out[TEND_LOG_TEMPLATE_BYTES + 1];
    assert_int_equal(tend_log_template("a\0b\x1b[m\xff", 7, out), 7);
    assert_string_equal(out, "a?b?[m?");
}

static void a_long_message_is_cut(void **state)
{
    (void)state;
    static char message[100000];
    char out[TEND_LOG_TEMPLATE_BYTES + 1];
    memset(message, 'y', sizeof message);
    assert_int_equal(tend_log_template(message, sizeof message, out), TEND_LOG_TEMPLATE_BYTES);
    assert_int_equal(out[TEND_LOG_TEMPLATE_BYTES], '\0');
}

static void words_beyond_the_most_are_cut_whatever_their_length(void **state)
{
    (void)state;
    becomes("a b c d e f g h i j k l m n o p q r s t u v w x y z", "a b c d e f g h i j k l m n o p q r s t u v w x");
    becomes("a b c d e f g h i j k l m n o p q r s t u v w 1, 2, 3 y",
            "a b c d e f g h i j k l m n o p q r s t u v w <*>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_with_a_digit_are_masked),
        cmocka_unit_test(identifiers_and_addresses_are_masked),
        cmocka_unit_test(a_list_of_numbers_is_one_variable_however_long),
        cmocka_unit_test(brackets_keep_their_places),
        cmocka_unit_test(blanks_are_one),
        cmocka_unit_test(bytes_that_are_no_text_become_marks),
        cmocka_unit_test(a_long_message_is_cut),
        cmocka_unit_test(words_beyond_the_most_are_cut_whatever_their_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
