// Variants: what makes a word a variable, and what does not.

#include "locate/log_variants.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void become(const char *added, const char *const *others, size_t count, const char *expected)
{
    char out[TEND_LOG_TEMPLATE_BYTES + 1];
    assert_true(tend_log_generalize(added, others, count, NULL, out));
    assert_string_equal(out, expected);
}

static void stay_apart(const char *added, const char *const *others, size_t count)
{
    char out[TEND_LOG_TEMPLATE_BYTES + 1];
    assert_false(tend_log_generalize(added, others, count, NULL, out));
}

static void a_word_with_three_values_is_a_variable(void **state)
{
    (void)state;
    const char *others[] = { "user ann logged in", "user bob logged in" };
    become("user carl logged in", others, 2, "user <word> logged in");
}

static void a_word_with_two_values_tells_templates_apart(void **state)
{
    (void)state;
    const char *others[] = { "payment of order <*> accepted" };
    stay_apart("payment of order <*> failed", others, 1);
}

static void a_word_that_was_a_variable_stays_one(void **state)
{
    (void)state;
    const char *others[] = { "user <word> logged in" };
    become("user dora logged in", others, 1, "user <word> logged in");
}

static void a_masked_number_is_one_value_among_others(void **state)
{
    (void)state;
    const char *others[] = { "status of job is <*>" };
    stay_apart("status of job is failed", others, 1);
}

static void two_words_may_vary_at_once(void **state)
{
    (void)state;
    const char *others[] = { "trip from=york to=leeds by=train at=<*>", "trip from=leeds to=hull by=train at=<*>" };
    become("trip from=hull to=york by=train at=<*>", others, 2, "trip from=<word> to=<word> by=train at=<*>");
}

static void templates_of_which_most_words_differ_stay_apart(void **state)
{
    (void)state;
    const char *others[] = { "connection refused", "connection reset", "connection lost" };
    stay_apart("connection closed", others, 3);
}

static void marks_and_the_number_of_words_are_a_shape(void **state)
{
    (void)state;
    assert_true(tend_log_shape("user ann in") == tend_log_shape("user <*> in"));
    assert_true(tend_log_shape("user ann in") == tend_log_shape("user <word> in"));
    assert_true(tend_log_shape("user ann in") != tend_log_shape("user ann is in"));
    assert_true(tend_log_shape("user=ann in") != tend_log_shape("user ann in"));
    assert_true(tend_log_shape("") != tend_log_shape("a"));
}

static void a_general_template_stands_for_its_variants_only(void **state)
{
    (void)state;
    assert_true(tend_log_stands_for("user <word> in", "user ann in", NULL));
    assert_true(tend_log_stands_for("user <word> in", "user <word> in", NULL));
    assert_false(tend_log_stands_for("user <word> in", "user ann out", NULL));
    assert_false(tend_log_stands_for("user <word> in", "user ann is in", NULL));
    assert_false(tend_log_stands_for("user ann in", "user <word> in", NULL));
}

static void what_would_become_too_long_stays_as_it_is(void **state)
{
    (void)state;
    char texts[3][TEND_LOG_TEMPLATE_BYTES + 1];
    for (int i = 0; i < 3; i++) {
        memset(texts[i], 'x', TEND_LOG_TEMPLATE_BYTES);
        memcpy(texts[i], "same same same ", 15);
        texts[i][TEND_LOG_TEMPLATE_BYTES - 2] = ' ';
        texts[i][TEND_LOG_TEMPLATE_BYTES - 1] = (char)('a' + i);
        texts[i][TEND_LOG_TEMPLATE_BYTES] = '\0';
    }
    const char *others[] = { texts[0], texts[1] };
    stay_apart(texts[2], others, 2);
}

static bool is_ledger(const void *context, const char *word, size_t bytes)
{
    (void)context;
    return bytes == 6 && memcmp(word, "ledger", 6) == 0;
}

static void the_name_of_a_service_is_no_variable(void **state)
{
    (void)state;
    const struct tend_log_names names = { is_ledger, NULL };
    char out[TEND_LOG_TEMPLATE_BYTES + 1];
    const char *others[] = { "timeout after calling alpha", "timeout after calling beta",
                             "timeout after calling ledger" };
    assert_false(tend_log_generalize("timeout after calling ledger", others, 2, &names, out));
    assert_false(tend_log_generalize("timeout after calling beta", others + 1, 2, &names, out));
    assert_true(tend_log_generalize("timeout after calling gamma", others, 3, &names, out));
    assert_string_equal(out, "timeout after calling <word>");
    assert_true(tend_log_stands_for(out, "timeout after calling alpha", &names));
    assert_false(tend_log_stands_for(out, "timeout after calling ledger", &names));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_with_three_values_is_a_variable),
        cmocka_unit_test(a_word_with_two_values_tells_templates_apart),
        cmocka_unit_test(a_word_that_was_a_variable_stays_one),
        cmocka_unit_test(a_masked_number_is_one_value_among_others),
        cmocka_unit_test(two_words_may_vary_at_once),
        cmocka_unit_test(templates_of_which_most_words_differ_stay_apart),
        cmocka_unit_test(marks_and_the_number_of_words_are_a_shape),
        cmocka_unit_test(a_general_template_stands_for_its_variants_only),
        cmocka_unit_test(the_name_of_a_service_is_no_variable),
        cmocka_unit_test(what_would_become_too_long_stays_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
