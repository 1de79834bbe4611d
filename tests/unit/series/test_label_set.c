// Facts about label sets.

#include "series/label_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define LABEL(name, value)                                                                                             \
    {                                                                                                                  \
        name, sizeof(name) - 1, value, sizeof(value) - 1                                                               \
    }

static const struct tend_label_set *make(const char *name, const struct tend_label *labels, size_t count)
{
    const struct tend_label_set *set = NULL;
    assert_int_equal(tend_label_set_create(name, strlen(name), labels, count, &set), TEND_OK);
    return set;
}

static void assert_text(const char *name, const struct tend_label *labels, size_t count, const char *text)
{
    const struct tend_label_set *set = make(name, labels, count);
    size_t bytes = 0;
    assert_string_equal(tend_label_set_text(set, &bytes), text);
    assert_int_equal(bytes, strlen(text));
    tend_label_set_release(set);
}

static void the_text_has_labels_sorted_by_name(void **state)
{
    (void)state;
    const struct tend_label labels[] = { LABEL("path", "/"), LABEL("code", "200") };
    assert_text("http_requests_total", labels, 2, "http_requests_total{code=\"200\",path=\"/\"}");
    assert_text("up", NULL, 0, "up");
}

static void the_text_escapes_quotes_backslashes_and_line_ends(void **state)
{
    (void)state;
    const struct tend_label labels[] = { LABEL("a", "1\"2\\3\n4") };
    assert_text("x", labels, 1, "x{a=\"1\\\"2\\\\3\\n4\"}");
}

static void names_that_need_it_are_quoted(void **state)
{
    (void)state;
    const struct tend_label labels[] = { LABEL("odd.label", "x") };
    assert_text("odd.name", labels, 1, "{\"odd.name\",\"odd.label\"=\"x\"}");
    assert_text("9lives", NULL, 0, "{\"9lives\"}");
    assert_text("job:x:rate", labels, 1, "job:x:rate{\"odd.label\"=\"x\"}");
}

static void a_label_with_an_empty_value_is_no_label(void **state)
{
    (void)state;
    const struct tend_label labels[] = { LABEL("a", ""), LABEL("b", "1") };
    const struct tend_label_set *with = make("x", labels, 2);
    const struct tend_label_set *without = make("x", labels + 1, 1);
    assert_true(tend_label_set_equal(with, without));
    assert_null(tend_label_set_get(with, "a", NULL));
    tend_label_set_release(with);
    tend_label_set_release(without);
}

static void the_order_of_labels_does_not_matter_and_a_value_does(void **state)
{
    (void)state;
    const struct tend_label one[] = { LABEL("a", "1"), LABEL("b", "2") };
    const struct tend_label two[] = { LABEL("b", "2"), LABEL("a", "1") };
    const struct tend_label three[] = { LABEL("a", "1"), LABEL("b", "3") };
    const struct tend_label_set *sets[] = { make("x", one, 2), make("x", two, 2), make("x", three, 2),
                                            make("y", one, 2) };
    assert_true(tend_label_set_equal(sets[0], sets[1]));
    assert_int_equal(tend_label_set_compare(sets[0], sets[1]), 0);
    assert_false(tend_label_set_equal(sets[0], sets[2]));
    assert_true(tend_label_set_compare(sets[0], sets[2]) < 0);
    assert_false(tend_label_set_equal(sets[0], sets[3]));
    for (size_t i = 0; i < 4; i++) {
        tend_label_set_release(sets[i]);
    }
}

static void get_finds_a_value_by_label_name(void **state)
{
    (void)state;
    const struct tend_label labels[] = { LABEL("code", "200"), LABEL("nul", "a\0b") };
    const struct tend_label_set *set = make("x", labels, 2);
    size_t bytes = 0;
    assert_string_equal(tend_label_set_get(set, "code", &bytes), "200");
    assert_int_equal(bytes, 3);
    assert_memory_equal(tend_label_set_get(set, "nul", &bytes), "a\0b", 3);
    assert_int_equal(bytes, 3);
    assert_null(tend_label_set_get(set, "cod", NULL));
    assert_string_equal(tend_label_set_name(set, &bytes), "x");
    assert_int_equal(bytes, 1);
    tend_label_set_release(set);
}

static void a_set_lives_as_long_as_its_last_reference(void **state)
{
    (void)state;
    const struct tend_label_set *set = make("x", NULL, 0);
    assert_ptr_equal(tend_label_set_retain(set), set);
    tend_label_set_release(set);
    assert_string_equal(tend_label_set_text(set, NULL), "x");
    tend_label_set_release(set);
    tend_label_set_release(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_has_labels_sorted_by_name),
        cmocka_unit_test(the_text_escapes_quotes_backslashes_and_line_ends),
        cmocka_unit_test(names_that_need_it_are_quoted),
        cmocka_unit_test(a_label_with_an_empty_value_is_no_label),
        cmocka_unit_test(the_order_of_labels_does_not_matter_and_a_value_does),
        cmocka_unit_test(get_finds_a_value_by_label_name),
        cmocka_unit_test(a_set_lives_as_long_as_its_last_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
