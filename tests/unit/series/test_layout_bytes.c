// Facts about layouts as bytes.

#include "series/layout_bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void add_column(struct tend_column *columns, size_t *count, const char *name, size_t name_bytes,
                       const char *value)
{
    const struct tend_label labels[] = {
        { .name = "odd name", .name_bytes = 8, .value = value, .value_bytes = strlen(value) },
        { .name = "empty", .name_bytes = 5, .value = "", .value_bytes = 0 },
    };
    columns[*count].type = TEND_SERIES_COUNTER;
    assert_int_equal(tend_label_set_create(name, name_bytes, labels, 2, &columns[(*count)++].labels), TEND_OK);
}

// Three columns: a plain one, one with a NUL in its name, one with all that is escaped in its label.
static void save(struct tend_buffer *bytes, const struct tend_layout **out)
{
    struct tend_column columns[3];
    size_t count = 0;
    add_column(columns, &count, "up", 2, "");
    add_column(columns, &count, "u\0p", 3, "a");
    add_column(columns, &count, "down", 4, "\\\"\n\xff");
    assert_int_equal(tend_layout_create(columns, count, out), TEND_OK);
    for (size_t i = 0; i < count; i++) {
        tend_label_set_release(columns[i].labels);
    }
    tend_buffer_init(bytes);
    tend_layout_save(*out, bytes);
}

static void a_loaded_layout_equals_the_saved_one(void **state)
{
    (void)state;
    struct tend_buffer bytes;
    const struct tend_layout *saved = NULL;
    const struct tend_layout *loaded = NULL;
    save(&bytes, &saved);
    struct tend_reader reader = tend_reader_over(bytes.data, bytes.size);
    assert_int_equal(tend_layout_load(&reader, &loaded), TEND_OK);
    assert_true(reader.next == reader.end);
    assert_true(tend_layout_equal(saved, loaded));
    size_t text_bytes;
    const char *text = tend_label_set_text(tend_layout_column(loaded, 2)->labels, &text_bytes);
    assert_string_equal(text, "down{\"odd name\"=\"\\\\\\\"\\n\xff\"}");
    tend_layout_release(loaded);
    tend_layout_release(saved);
    tend_buffer_clear(&bytes);
}

static void a_layout_that_is_cut_short_is_refused(void **state)
{
    (void)state;
    struct tend_buffer bytes;
    const struct tend_layout *saved = NULL;
    save(&bytes, &saved);
    for (size_t size = 0; size < bytes.size; size++) {
        const struct tend_layout *loaded = NULL;
        struct tend_reader reader = tend_reader_over(bytes.data, size);
        assert_int_equal(tend_layout_load(&reader, &loaded), TEND_E_CORRUPT);
        assert_null(loaded);
        assert_true(reader.failed);
    }
    tend_layout_release(saved);
    tend_buffer_clear(&bytes);
}

static void a_series_that_comes_twice_is_refused(void **state)
{
    (void)state;
    struct tend_buffer bytes;
    tend_buffer_init(&bytes);
    tend_buffer_put_u32(&bytes, 2);
    for (int i = 0; i < 2; i++) {
        tend_buffer_put_u8(&bytes, TEND_SERIES_GAUGE);
        tend_buffer_put_string(&bytes, "up", 2);
        tend_buffer_put_u32(&bytes, 0);
    }
    const struct tend_layout *loaded = NULL;
    struct tend_reader reader = tend_reader_over(bytes.data, bytes.size);
    assert_int_equal(tend_layout_load(&reader, &loaded), TEND_E_CORRUPT);
    assert_null(loaded);
    tend_buffer_clear(&bytes);
}

static void a_type_that_is_none_is_refused(void **state)
{
    (void)state;
    struct tend_buffer bytes;
    tend_buffer_init(&bytes);
    tend_buffer_put_u32(&bytes, 1);
    tend_buffer_put_u8(&bytes, TEND_SERIES_STATE_SET + 1);
    tend_buffer_put_string(&bytes, "up", 2);
    tend_buffer_put_u32(&bytes, 0);
    const struct tend_layout *loaded = NULL;
    struct tend_reader reader = tend_reader_over(bytes.data, bytes.size);
    assert_int_equal(tend_layout_load(&reader, &loaded), TEND_E_CORRUPT);
    tend_buffer_clear(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loaded_layout_equals_the_saved_one),
        cmocka_unit_test(a_layout_that_is_cut_short_is_refused),
        cmocka_unit_test(a_series_that_comes_twice_is_refused),
        cmocka_unit_test(a_type_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
