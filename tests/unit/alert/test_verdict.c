// The bytes of a tick's view and of its verdicts, byte by byte as the header says.

#include "alert/verdict.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_text(struct tend_reader *reader, const char *expected)
{
    size_t count;
    const char *text = tend_reader_get_string(reader, &count);
    assert_int_equal(count, strlen(expected));
    assert_memory_equal(text, expected, count);
}

static void a_view_holds_its_calls_and_their_metrics_in_order(void **state)
{
    (void)state;
    struct tend_buffer request;
    tend_buffer_init(&request);
    tend_view_begin(&request, 7, 1770000000.5, 1);
    tend_view_put_call(&request, &(struct tend_view_call){ .rule = 3,
                                                           .subject = "ledger/h:1",
                                                           .service = "ledger",
                                                           .instance = "ledger/h:1",
                                                           .labels = "{}",
                                                           .version = "1.2",
                                                           .out_share = 0.5,
                                                           .deployed_ago_s = (double)NAN,
                                                           .metric_count = 1 });
    tend_view_put_metric(&request, &(struct tend_view_metric){ .name = "load",
                                                               .p = 4,
                                                               .e = 1,
                                                               .f = 3,
                                                               .a = 1.5,
                                                               .eta_s = (double)NAN,
                                                               .out = true,
                                                               .missing = TEND_HAS_DATA });
    struct tend_reader reader = tend_reader_over(request.data, request.size);
    assert_int_equal(tend_reader_get_u64(&reader), 7);
    assert_true(tend_reader_get_f64(&reader) == 1770000000.5);
    assert_int_equal(tend_reader_get_u32(&reader), 1);
    assert_int_equal(tend_reader_get_u32(&reader), 3);
    assert_text(&reader, "ledger/h:1");
    assert_text(&reader, "ledger");
    assert_text(&reader, "ledger/h:1");
    assert_text(&reader, "{}");
    assert_text(&reader, "1.2");
    assert_true(tend_reader_get_f64(&reader) == 0.5);
    assert_true(isnan(tend_reader_get_f64(&reader)));
    assert_int_equal(tend_reader_get_u32(&reader), 1);
    assert_text(&reader, "load");
    assert_true(tend_reader_get_f64(&reader) == 4);
    assert_true(tend_reader_get_f64(&reader) == 1);
    assert_true(tend_reader_get_f64(&reader) == 3);
    assert_true(tend_reader_get_f64(&reader) == 1.5);
    assert_true(isnan(tend_reader_get_f64(&reader)));
    assert_int_equal(tend_reader_get_u8(&reader), 1);
    assert_int_equal(tend_reader_get_u8(&reader), TEND_HAS_DATA);
    assert_false(reader.failed);
    assert_ptr_equal(reader.next, reader.end);
    tend_buffer_clear(&request);
}

static void only_an_error_carries_a_text(void **state)
{
    (void)state;
    struct tend_buffer reply;
    tend_buffer_init(&reply);
    tend_verdicts_begin(&reply, 7, 3);
    tend_verdicts_put(&reply, TEND_VERDICT_OUT, "not sent");
    tend_verdicts_put(&reply, TEND_VERDICT_ERROR, "x");
    tend_verdicts_put(&reply, TEND_VERDICT_ERROR, NULL);
    static const unsigned char expected[] = {
        7, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 1, 3, 1, 0, 0, 0, 'x', 3, 0, 0, 0, 0
    };
    assert_int_equal(reply.size, sizeof expected);
    assert_memory_equal(reply.data, expected, sizeof expected);
    tend_buffer_clear(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_view_holds_its_calls_and_their_metrics_in_order),
        cmocka_unit_test(only_an_error_carries_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
