#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/html_text.h"

static void assert_text(struct tend_buffer *out, const char *expected)
{
    assert_false(out->failed);
    assert_string_equal(tend_buffer_text(out), expected);
    tend_buffer_clear(out);
}

static void what_means_something_in_html_becomes_an_entity(void **state)
{
    (void)state;
    struct tend_buffer out;
    tend_buffer_init(&out);
    tend_html_put(&out, "<script>alert('a')</script> & \"b\"");
    assert_text(&out, "&lt;script&gt;alert(&#39;a&#39;)&lt;/script&gt; &amp; &quot;b&quot;");
}

static void what_cannot_be_seen_is_shown_as_its_bytes(void **state)
{
    (void)state;
    struct tend_buffer out;
    tend_buffer_init(&out);
    tend_html_put(&out, "a\x1b[31m\x7f \xff \xe2\x80\xae"
                        "b é");
    assert_text(&out, "a\\x1b[31m\\x7f \\xff \\xe2\\x80\\xae"
                      "b é");
}

static void nothing_is_the_text_of_null(void **state)
{
    (void)state;
    struct tend_buffer out;
    tend_buffer_init(&out);
    tend_html_put(&out, NULL);
    assert_text(&out, "");
}

static void a_clipped_text_ends_in_an_ellipsis_and_counts_characters(void **state)
{
    (void)state;
    struct tend_buffer out;
    tend_buffer_init(&out);
    tend_html_put_clipped(&out, "é<éé", 3);
    assert_text(&out, "é&lt;…");
    tend_html_put_clipped(&out, "é<é", 3);
    assert_text(&out, "é&lt;é");
}

static void an_element_holds_its_text(void **state)
{
    (void)state;
    struct tend_buffer out;
    tend_buffer_init(&out);
    tend_html_element(&out, "b", NULL, "<");
    tend_html_element(&out, "i", "k", NULL);
    tend_html_printf(&out, "%s %d", "a>b", 3);
    assert_text(&out, "<b>&lt;</b><i class=\"k\"></i>a&gt;b 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_means_something_in_html_becomes_an_entity),
        cmocka_unit_test(what_cannot_be_seen_is_shown_as_its_bytes),
        cmocka_unit_test(nothing_is_the_text_of_null),
        cmocka_unit_test(a_clipped_text_ends_in_an_ellipsis_and_counts_characters),
        cmocka_unit_test(an_element_holds_its_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
