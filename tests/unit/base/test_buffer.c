// Facts about buffers and readers.

#include "failing_allocation.h"

#include "base/buffer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void an_empty_buffer_has_the_empty_text(void **state)
{
    (void)state;
    struct tend_buffer buffer;
    tend_buffer_init(&buffer);
    assert_string_equal(tend_buffer_text(&buffer), "");
    tend_buffer_put(&buffer, "", 0);
    assert_string_equal(tend_buffer_text(&buffer), "");
    tend_buffer_clear(&buffer);
}

static void bytes_are_kept_in_order_with_a_nul_behind(void **state)
{
    (void)state;
    struct tend_buffer buffer;
    tend_buffer_init(&buffer);
    for (int i = 0; i < 1000; i++) {
        tend_buffer_put_text(&buffer, "ab");
        tend_buffer_printf(&buffer, "%d;", i % 10);
    }
    assert_int_equal(buffer.size, 4000);
    assert_memory_equal(buffer.data, "ab0;ab1;", 8);
    assert_memory_equal(buffer.data + 3996, "ab9;", 5);
    assert_false(buffer.failed);
    tend_buffer_clear(&buffer);
}

static void reset_keeps_the_memory(void **state)
{
    (void)state;
    struct tend_buffer buffer;
    tend_buffer_init(&buffer);
    tend_buffer_put_text(&buffer, "abc");
    const size_t capacity = buffer.capacity;
    tend_buffer_reset(&buffer);
    assert_int_equal(buffer.size, 0);
    assert_int_equal(buffer.capacity, capacity);
    assert_string_equal(tend_buffer_text(&buffer), "");
    tend_buffer_clear(&buffer);
    assert_int_equal(buffer.capacity, 0);
}

static void numbers_are_little_endian(void **state)
{
    (void)state;
    struct tend_buffer buffer;
    tend_buffer_init(&buffer);
    tend_buffer_put_u8(&buffer, 0xab);
    tend_buffer_put_u32(&buffer, 0x01020304);
    tend_buffer_put_u64(&buffer, UINT64_C(0x1112131415161718));
    const unsigned char expected[] = { 0xab, 4, 3, 2, 1, 0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11 };
    assert_int_equal(buffer.size, sizeof expected);
    assert_memory_equal(buffer.data, expected, sizeof expected);
    tend_buffer_clear(&buffer);
}

static void what_was_written_reads_back(void **state)
{
    (void)state;
    struct tend_buffer buffer;
    tend_buffer_init(&buffer);
    tend_buffer_put_u8(&buffer, 7);
    tend_buffer_put_u32(&buffer, UINT32_MAX);
    tend_buffer_put_u64(&buffer, UINT64_MAX - 1);
    tend_buffer_put_f64(&buffer, -0.0);
    tend_buffer_put_f64(&buffer, 0.1);
    tend_buffer_put_string(&buffer, "a\0b", 3);
    tend_buffer_put_string(&buffer, NULL, 0);
    struct tend_reader reader = tend_reader_over(buffer.data, buffer.size);
    assert_int_equal(tend_reader_get_u8(&reader), 7);
    assert_int_equal(tend_reader_get_u32(&reader), UINT32_MAX);
    assert_true(tend_reader_get_u64(&reader) == UINT64_MAX - 1);
    assert_true(signbit(tend_reader_get_f64(&reader)));
    assert_true(tend_reader_get_f64(&reader) == 0.1);
    size_t count = 99;
    assert_memory_equal(tend_reader_get_string(&reader, &count), "a\0b", 3);
    assert_int_equal(count, 3);
    (void)tend_reader_get_string(&reader, &count);
    assert_int_equal(count, 0);
    assert_false(reader.failed);
    assert_ptr_equal(reader.next, reader.end);
    tend_buffer_clear(&buffer);
}

static void the_payload_of_a_nan_survives(void **state)
{
    (void)state;
    const uint64_t stale = UINT64_C(0x7ff0000000000002); // Prometheus' staleness marker, a signalling NaN
    double value;
    memcpy(&value, &stale, sizeof value);
    struct tend_buffer buffer;
    tend_buffer_init(&buffer);
    tend_buffer_put_f64(&buffer, value);
    struct tend_reader reader = tend_reader_over(buffer.data, buffer.size);
    assert_true(tend_reader_get_u64(&reader) == stale);
    tend_buffer_clear(&buffer);
}

static void past_the_end_all_is_zero_and_failed(void **state)
{
    (void)state;
    const unsigned char three[] = { 1, 2, 3 };
    struct tend_reader reader = tend_reader_over(three, sizeof three);
    assert_int_equal(tend_reader_get_u32(&reader), 0);
    assert_true(reader.failed);
    assert_int_equal(tend_reader_get_u8(&reader), 0); // though a byte is there: failed stays
    size_t count = 99;
    assert_string_equal(tend_reader_get_string(&reader, &count), "");
    assert_int_equal(count, 0);
}

static void a_string_longer_than_the_bytes_is_refused(void **state)
{
    (void)state;
    const unsigned char bytes[] = { 0xff, 0xff, 0xff, 0xff, 'a' };
    struct tend_reader reader = tend_reader_over(bytes, sizeof bytes);
    size_t count = 99;
    assert_string_equal(tend_reader_get_string(&reader, &count), "");
    assert_true(reader.failed);
}

static void sizes_that_overflow_fail(void **state)
{
    (void)state;
    struct tend_buffer buffer;
    tend_buffer_init(&buffer);
    assert_null(tend_buffer_reserve(&buffer, SIZE_MAX - 1));
    assert_true(buffer.failed);
    tend_buffer_clear(&buffer);
    assert_false(buffer.failed);
}

static void after_a_failed_allocation_nothing_more_is_written(void **state)
{
    (void)state;
    if (!TEND_CAN_FAIL_ALLOCATIONS) {
        print_message("skipped: allocations cannot be made to fail under the sanitizers\n");
        skip();
    }
    struct tend_buffer buffer;
    tend_buffer_init(&buffer);
    fail_allocation_after(0);
    tend_buffer_put_text(&buffer, "a");
    fail_allocation_after(-1);
    assert_true(buffer.failed);
    tend_buffer_put_text(&buffer, "b");
    assert_string_equal(tend_buffer_text(&buffer), "");
    tend_buffer_clear(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_buffer_has_the_empty_text),
        cmocka_unit_test(bytes_are_kept_in_order_with_a_nul_behind),
        cmocka_unit_test(reset_keeps_the_memory),
        cmocka_unit_test(numbers_are_little_endian),
        cmocka_unit_test(what_was_written_reads_back),
        cmocka_unit_test(the_payload_of_a_nan_survives),
        cmocka_unit_test(past_the_end_all_is_zero_and_failed),
        cmocka_unit_test(a_string_longer_than_the_bytes_is_refused),
        cmocka_unit_test(sizes_that_overflow_fail),
        cmocka_unit_test(after_a_failed_allocation_nothing_more_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
