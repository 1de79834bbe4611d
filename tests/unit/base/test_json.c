// Facts about what base/json.h adds to jansson.

#include "base/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static json_t *loaded(const char *text)
{
    json_t *value = json_loads(text, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    return value;
}

static void members_are_read_by_type(void **state)
{
    (void)state;
    json_t *object = loaded("{\"t\":\"x\",\"n\":1.5,\"i\":7,\"b\":true,\"z\":null}");
    assert_string_equal(tend_json_text(object, "t", "other"), "x");
    assert_true(tend_json_number(object, "n", 9) == 1.5);
    assert_true(tend_json_number(object, "i", 9) == 7);
    assert_true(isnan(tend_json_number(object, "z", 9)));
    assert_int_equal(tend_json_integer(object, "i", 9), 7);
    assert_int_equal(tend_json_integer(object, "n", 9), 1);
    assert_true(tend_json_bool(object, "b", false));
    json_decref(object);
}

static void what_is_missing_or_another_type_is_the_default(void **state)
{
    (void)state;
    json_t *object = loaded("{\"t\":1,\"n\":\"x\",\"huge\":1e300}");
    assert_string_equal(tend_json_text(object, "t", "other"), "other");
    assert_true(tend_json_number(object, "n", 9) == 9);
    assert_true(tend_json_number(object, "missing", 9) == 9);
    assert_int_equal(tend_json_integer(object, "n", 9), 9);
    assert_int_equal(tend_json_integer(object, "huge", 9), 9);
    assert_false(tend_json_bool(object, "n", false));
    json_decref(object);
    assert_string_equal(tend_json_text(NULL, "t", "other"), "other");
    assert_true(tend_json_number(NULL, "n", 9) == 9);
}

static void assert_canonical(json_t *value, const char *expected)
{
    assert_non_null(value);
    char *text = tend_json_canonical(value);
    assert_string_equal(text, expected);
    free(text);
    json_decref(value);
}

static void canonical_text_has_sorted_keys_and_no_blanks(void **state)
{
    (void)state;
    assert_canonical(loaded("{ \"b\": [1, 2.5], \"a\": {\"d\": null, \"c\": \"x\"} }"),
                     "{\"a\":{\"c\":\"x\",\"d\":null},\"b\":[1,2.5]}");
}

static void numbers_that_json_lacks_are_null(void **state)
{
    (void)state;
    assert_canonical(tend_json_real((double)NAN), "null");
    assert_canonical(tend_json_real((double)INFINITY), "null");
    assert_canonical(tend_json_real(0.5), "0.5");
}

static void reals_read_back_to_the_same_double(void **state)
{
    (void)state;
    const double values[] = { 0.1, 1.0 / 3, 5e-324, 1.7976931348623157e308, 123456789.123456789 };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        json_t *real = tend_json_real(values[i]);
        char *text = tend_json_canonical(real);
        json_t *again = loaded(text);
        assert_true(json_real_value(again) == values[i]);
        json_decref(again);
        free(text);
        json_decref(real);
    }
}

static void strings_may_be_any_bytes(void **state)
{
    (void)state;
    assert_canonical(tend_json_string("caf\xc3\xa9", 5), "\"caf\xc3\xa9\"");
    assert_canonical(tend_json_string("a\0b", 3), "\"a\\u0000b\"");
    assert_canonical(tend_json_string("a\xff", 2), "\"a\\\\xff\"");
    assert_canonical(tend_json_string("", 0), "\"\"");
}

static void sha256_is_that_of_the_standard(void **state)
{
    (void)state;
    char hex[65];
    tend_sha256_hex("abc", 3, hex); // FIPS 180-2, appendix B.1
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    tend_sha256_hex("", 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_read_by_type),
        cmocka_unit_test(what_is_missing_or_another_type_is_the_default),
        cmocka_unit_test(canonical_text_has_sorted_keys_and_no_blanks),
        cmocka_unit_test(numbers_that_json_lacks_are_null),
        cmocka_unit_test(reals_read_back_to_the_same_double),
        cmocka_unit_test(strings_may_be_any_bytes),
        cmocka_unit_test(sha256_is_that_of_the_standard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
