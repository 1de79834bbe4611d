// Facts about scrapes that are put together again from a server's series.

#include "driver/past/prometheus_page.h"

#include "series/layout.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static json_t *parse(const char *text)
{
    json_error_t fault;
    json_t *value = json_loads(text, 0, &fault);
    if (value == NULL) {
        fail_msg("%s: %s", fault.text, text);
    }
    return value;
}

static struct tend_prometheus_page *some_page(void)
{
    struct tend_prometheus_page *page = NULL;
    assert_int_equal(tend_prometheus_page_create("job", "instance", &page), TEND_OK);
    tend_prometheus_page_begin(page);
    return page;
}

static size_t take_up(struct tend_prometheus_page *page, const char *text)
{
    json_t *matrix = parse(text);
    const size_t taken = tend_prometheus_page_take_up(page, matrix, 0);
    json_decref(matrix);
    return taken;
}

static size_t take(struct tend_prometheus_page *page, const char *text)
{
    json_t *matrix = parse(text);
    const size_t taken = tend_prometheus_page_take(page, matrix, 0, NULL, NULL);
    json_decref(matrix);
    return taken;
}

static struct tend_history_item next(struct tend_prometheus_page *page)
{
    struct tend_history_item item;
    assert_true(tend_prometheus_page_next(page, &item));
    return item;
}

static double value_of(const struct tend_history_item *item, const char *series)
{
    for (size_t i = 0; i < item->value_count; i++) {
        if (strcmp(tend_label_set_text(tend_layout_column(item->layout, i)->labels, NULL), series) == 0) {
            return item->values[i];
        }
    }
    fail_msg("%s is no column", series);
    return 0;
}

static const char two_targets[] =
    "[{\"metric\": {\"__name__\": \"up\", \"job\": \"pay\", \"instance\": \"a:1\", \"zone\": \"eu\"},"
    "  \"values\": [[10.001, \"1\"], [15.001, \"0\"], [20.001, \"1\"]]},"
    " {\"metric\": {\"__name__\": \"up\", \"job\": \"pay\", \"instance\": \"b:1\"},"
    "  \"values\": [[12.5, \"1\"], [17.5, \"1\"]]}]";

static void up_gives_the_scrapes_in_order_of_time(void **state)
{
    (void)state;
    struct tend_prometheus_page *page = some_page();
    assert_int_equal(take_up(page, two_targets), 5);
    assert_int_equal(tend_prometheus_page_end(page), TEND_OK);
    static const int64_t times[] = { 10001, 12500, 15001, 17500, 20001 };
    static const size_t targets[] = { 0, 1, 0, 1, 0 };
    for (size_t i = 0; i < 5; i++) {
        const struct tend_history_item item = next(page);
        assert_int_equal(item.begun_ms, times[i]);
        assert_int_equal(item.instance, targets[i]);
        assert_int_equal(item.scrape, i == 2 ? TEND_SCRAPE_REFUSED : TEND_SCRAPE_OK);
    }
    struct tend_history_item none;
    assert_false(tend_prometheus_page_next(page, &none));
    size_t count;
    const struct tend_history_instance *instances = tend_prometheus_page_instances(page, &count);
    assert_int_equal(count, 2);
    assert_string_equal(instances[0].service, "pay");
    assert_string_equal(instances[0].address, "a:1");
    assert_string_equal(tend_json_text(instances[0].labels, "zone", ""), "eu");
    assert_int_equal(json_object_size(instances[0].labels), 1);
    assert_int_equal(instances[0].every_ms, 5000);
    tend_prometheus_page_destroy(page);
}

static void a_series_is_stale_where_the_scrape_of_that_time_did_not_have_it(void **state)
{
    (void)state;
    struct tend_prometheus_page *page = some_page();
    (void)take_up(page, two_targets);
    assert_int_equal(take(page, "[{\"metric\": {\"__name__\": \"x\", \"job\": \"pay\", \"instance\": \"a:1\"},"
                                "  \"values\": [[10.001, \"7\"]]},"
                                " {\"metric\": {\"__name__\": \"y\", \"job\": \"pay\", \"instance\": \"a:1\"},"
                                "  \"values\": [[10.001, \"1\"], [20.001, \"2\"]]}]"),
                     3);
    assert_int_equal(tend_prometheus_page_end(page), TEND_OK);
    struct tend_history_item item = next(page); // a at 10.001
    assert_true(value_of(&item, "x") == 7.0 && value_of(&item, "y") == 1.0);
    item = next(page); // b has none of them
    assert_int_equal(item.value_count, 0);
    (void)next(page); // a failed
    (void)next(page);
    item = next(page); // a at 20.001
    assert_true(tend_is_stale(value_of(&item, "x")));
    assert_true(value_of(&item, "y") == 2.0);
    tend_prometheus_page_destroy(page);
}

static void labels_are_those_that_the_target_itself_gave(void **state)
{
    (void)state;
    struct tend_prometheus_page *page = some_page();
    (void)take_up(page, two_targets);
    (void)take(page,
               "[{\"metric\": {\"__name__\": \"x\", \"job\": \"pay\", \"instance\": \"a:1\", \"zone\": \"eu\","
               "   \"exported_job\": \"mine\", \"exported_zone\": \"us\", \"exported_other\": \"o\", \"code\": \"5\"},"
               "  \"values\": [[10.001, \"7\"]]}]");
    assert_int_equal(tend_prometheus_page_end(page), TEND_OK);
    const struct tend_history_item item = next(page);
    assert_true(value_of(&item, "x{code=\"5\",exported_other=\"o\",job=\"mine\",zone=\"us\"}") == 7.0);
    tend_prometheus_page_destroy(page);
}

static void a_sample_of_a_time_of_its_own_belongs_to_the_scrape_that_brought_it(void **state)
{
    (void)state;
    struct tend_prometheus_page *page = some_page();
    (void)take_up(page, two_targets);
    (void)take(page, "[{\"metric\": {\"__name__\": \"x\", \"job\": \"pay\", \"instance\": \"b:1\"},"
                     "  \"values\": [[14, \"3\"]]}]");
    assert_int_equal(tend_prometheus_page_end(page), TEND_OK);
    (void)next(page);
    struct tend_history_item item = next(page); // b at 12.5
    assert_true(tend_is_stale(value_of(&item, "x")));
    (void)next(page);
    item = next(page); // b at 17.5
    assert_true(value_of(&item, "x") == 3.0);
    tend_prometheus_page_destroy(page);
}

static void a_scrape_is_known_when_it_ended_and_a_slow_failure_was_a_time_out(void **state)
{
    (void)state;
    struct tend_prometheus_page *page = some_page();
    (void)take_up(page, two_targets);
    json_t *matrix = parse("[{\"metric\": {\"__name__\": \"scrape_duration_seconds\", \"job\": \"pay\","
                           "  \"instance\": \"a:1\"}, \"values\": [[10.001, \"0.25\"], [15.001, \"2.5\"]]}]");
    assert_int_equal(tend_prometheus_page_take_duration(page, matrix, 0), 2);
    json_decref(matrix);
    assert_int_equal(tend_prometheus_page_end(page), TEND_OK);
    struct tend_history_item item = next(page);
    assert_int_equal(item.at_ms, 10251);
    assert_true(item.duration_s == 0.25);
    (void)next(page);  // b at 12.5
    item = next(page); // a's, which began at 15.001 and ended at 17.501: after b's at 17.5
    assert_int_equal(item.at_ms, 17500);
    item = next(page);
    assert_int_equal(item.at_ms, 17501);
    assert_int_equal(item.scrape, TEND_SCRAPE_READ_TIMEOUT);
    tend_prometheus_page_destroy(page);
}

static void samples_up_to_the_page_before_are_not_taken_again(void **state)
{
    (void)state;
    struct tend_prometheus_page *page = some_page();
    json_t *matrix = parse(two_targets);
    assert_int_equal(tend_prometheus_page_take_up(page, matrix, 15001), 2); // 17.5 and 20.001
    json_decref(matrix);
    tend_prometheus_page_destroy(page);
}

static void columns_keep_their_places_from_page_to_page_until_they_were_absent_for_long(void **state)
{
    (void)state;
    struct tend_prometheus_page *page = some_page();
    (void)take_up(page, two_targets);
    (void)take(page, "[{\"metric\": {\"__name__\": \"x\", \"job\": \"pay\", \"instance\": \"b:1\"},"
                     "  \"values\": [[12.5, \"3\"]]}]");
    assert_int_equal(tend_prometheus_page_end(page), TEND_OK);
    for (int round = 0; round < 200; round++) { // two scrapes of b each
        tend_prometheus_page_begin(page);
        (void)take_up(page, two_targets);
        (void)take(page, "[{\"metric\": {\"__name__\": \"y\", \"job\": \"pay\", \"instance\": \"b:1\"},"
                         "  \"values\": [[12.5, \"4\"]]}]");
        assert_int_equal(tend_prometheus_page_end(page), TEND_OK);
        (void)next(page);
        const struct tend_history_item item = next(page);
        assert_int_equal(item.value_count, round < 120 ? 2 : 1); // 240 scrapes without x
        assert_true(value_of(&item, "y") == 4.0);
    }
    tend_prometheus_page_destroy(page);
}

static void what_is_no_sample_is_refused(void **state)
{
    (void)state;
    static const char *const none[] = { "[{\"metric\": {\"job\": \"p\"}, \"values\": [[1, 2]]}]",
                                        "[{\"metric\": {\"job\": \"p\"}, \"values\": [[\"1\", \"2\"]]}]",
                                        "[{\"metric\": {\"job\": \"p\"}, \"values\": [[-1, \"2\"]]}]",
                                        "[{\"metric\": {\"job\": \"p\"}, \"values\": [[1, \"two\"]]}]", "{}" };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        struct tend_prometheus_page *page = some_page();
        assert_true(take_up(page, none[i]) == SIZE_MAX);
        tend_prometheus_page_destroy(page);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(up_gives_the_scrapes_in_order_of_time),
        cmocka_unit_test(a_series_is_stale_where_the_scrape_of_that_time_did_not_have_it),
        cmocka_unit_test(labels_are_those_that_the_target_itself_gave),
        cmocka_unit_test(a_sample_of_a_time_of_its_own_belongs_to_the_scrape_that_brought_it),
        cmocka_unit_test(a_scrape_is_known_when_it_ended_and_a_slow_failure_was_a_time_out),
        cmocka_unit_test(samples_up_to_the_page_before_are_not_taken_again),
        cmocka_unit_test(columns_keep_their_places_from_page_to_page_until_they_were_absent_for_long),
        cmocka_unit_test(what_is_no_sample_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
