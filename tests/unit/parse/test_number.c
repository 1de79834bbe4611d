// Facts about numbers, and the quick way against strtod.

#include "parse/number.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static double number(const char *text)
{
    double value = 0;
    if (!tend_number_parse(text, strlen(text), &value)) {
        fail_msg("%s is refused", text);
    }
    return value;
}

static void assert_refused(const char *text)
{
    double value = 77;
    if (tend_number_parse(text, strlen(text), &value) || value != 77) {
        fail_msg("%s is taken, as %g", text, value);
    }
}

static void decimals_are_read(void **state)
{
    (void)state;
    assert_true(number("0") == 0);
    assert_true(number("42") == 42);
    assert_true(number("-1.5") == -1.5);
    assert_true(number("+3") == 3);
    assert_true(number("1e3") == 1000);
    assert_true(number("1E-3") == 0.001);
    assert_true(number(".5") == 0.5);
    assert_true(number("5.") == 5);
    assert_true(number("08") == 8);
    assert_true(signbit(number("-0")));
}

static void rounding_is_correct_far_beyond_the_digits_of_a_double(void **state)
{
    (void)state;
    assert_true(number("9007199254740993") == 9007199254740992.0); // a tie, to even
    assert_true(number("9007199254740992.5") == 9007199254740992.0);
    assert_true(number("9007199254740993.0000000000000000000000001") == 9007199254740994.0);
    assert_true(number("18446744073709551615") == 18446744073709551616.0);
    assert_true(number("7.424100000000001e-05") == 0x1.3763aab07e73cp-14); // by Python's float.hex
    assert_true(number("123456789012345678901234567890") == 123456789012345677877719597056.0);
    assert_true(number("00000000000000000000000000000000000001.2e-1") == 0.12);
}

static void infinities_and_nan_have_names(void **state)
{
    (void)state;
    const double infinity = (double)INFINITY;
    assert_true(number("+Inf") == infinity);
    assert_true(number("inf") == infinity);
    assert_true(number("-Infinity") == -infinity);
    assert_true(isnan(number("NaN")));
    assert_true(isnan(number("nan")));
    assert_refused("+NaN");
    assert_refused("infi");
    assert_refused("--inf");
}

static void other_notations_are_refused(void **state)
{
    (void)state;
    const char *refused[] = { "",    "-",   "+",   ".",     "e1", "1e",   "1e+",  "1 ",  " 1",  "0x1p-3", "0x1",
                              "0b1", "1_2", "1,2", "1.2.3", "1f", "1e3x", "nan0", "--1", "1-2", "true",   "\xd9\xa1" };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_refused(refused[i]);
    }
    double value = 0;
    assert_false(tend_number_parse("1\0", 2, &value));
}

static void what_a_double_cannot_hold_is_refused_and_what_vanishes_is_zero(void **state)
{
    (void)state;
    assert_refused("1e400");
    assert_refused("1e99999999999999999999");
    assert_true(number("1e-400") == 0);
    assert_true(number("1e-99999999999999999999") == 0);
    assert_true(number("0e99999") == 0);
    assert_true(number("1.7976931348623157e308") == 1.7976931348623157e308);
    assert_true(number("5e-324") == 5e-324);
}

static void a_thousand_bytes_are_the_limit(void **state)
{
    (void)state;
    char text[1002];
    memset(text, '1', sizeof text);
    text[0] = '.';
    double value = 0;
    assert_true(tend_number_parse(text, 1000, &value));
    assert_true(value == 1.0 / 9);
    assert_false(tend_number_parse(text, 1001, &value));
}

static void random_numbers_are_those_of_strtod(void **state)
{
    (void)state;
    uint64_t seed = 7; // the same numbers each time
    for (int i = 0; i < 200000; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        char text[80];
        const uint64_t digits = seed >> (seed & 63);
        const int exponent = (int)((seed >> 32) % 70) - 40;
        switch (i % 3) {
        case 0:
            (void)snprintf(text, sizeof text, "%" PRIu64 ".%" PRIu64, digits, seed % 100000);
            break;
        case 1:
            (void)snprintf(text, sizeof text, "%" PRIu64 "e%d", digits, exponent);
            break;
        default:
            (void)snprintf(text, sizeof text, "%.*g", (int)(seed % 18) + 1, (double)digits * pow(10, exponent));
            break;
        }
        if (number(text) != strtod(text, NULL)) {
            fail_msg("%s is %.17g, by strtod %.17g", text, number(text), strtod(text, NULL));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimals_are_read),
        cmocka_unit_test(rounding_is_correct_far_beyond_the_digits_of_a_double),
        cmocka_unit_test(infinities_and_nan_have_names),
        cmocka_unit_test(other_notations_are_refused),
        cmocka_unit_test(what_a_double_cannot_hold_is_refused_and_what_vanishes_is_zero),
        cmocka_unit_test(a_thousand_bytes_are_the_limit),
        cmocka_unit_test(random_numbers_are_those_of_strtod),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
