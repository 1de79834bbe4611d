// Facts about a history from a CSV file: its items, and what counts as a lost sample.

#include "driver/past/history_csv.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/test_history_csv_XXXXXX";

static int make_file(void **state)
{
    (void)state;
    const int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return remove(path);
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static struct tend_history_reader open_text(const char *text)
{
    write_file(text);
    const struct tend_history_csv_options options = { .path = path };
    struct tend_history_reader reader;
    struct tend_error error = { "" };
    if (tend_history_csv_open(&options, &reader, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    return reader;
}

static struct tend_history_item next(struct tend_history_reader *reader)
{
    struct tend_history_item item;
    struct tend_error error = { "" };
    if (reader->next(reader->context, &item, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    return item;
}

static void assert_measured(struct tend_history_reader *reader, int64_t at_ms, size_t instance, double first)
{
    const struct tend_history_item item = next(reader);
    assert_int_equal(item.kind, TEND_HISTORY_MEASURED);
    assert_int_equal(item.at_ms, at_ms);
    assert_int_equal(item.instance, instance);
    assert_true(isnan(first) ? isnan(item.values[0]) : item.values[0] == first);
}

static void assert_end(struct tend_history_reader *reader)
{
    assert_int_equal(next(reader).kind, TEND_HISTORY_END);
    assert_int_equal(next(reader).kind, TEND_HISTORY_END);
    reader->destroy(reader->context);
}

static void instances_come_first_and_have_their_metrics(void **state)
{
    (void)state;
    struct tend_history_reader reader =
        open_text("time,pay/10.0.0.1:80:p99,search:load,pay/10.0.0.1:80:errors\n100,1,2,3\n105,4,5,6\n");
    const struct tend_history_item item = next(&reader);
    assert_int_equal(item.kind, TEND_HISTORY_INSTANCES);
    assert_int_equal(item.at_ms, 100000);
    size_t count;
    const struct tend_history_instance *instances = reader.instances(reader.context, &count);
    assert_int_equal(count, 2);
    assert_string_equal(instances[0].service, "pay");
    assert_string_equal(instances[0].address, "10.0.0.1:80");
    assert_int_equal(instances[0].metric_count, 2);
    assert_string_equal(instances[0].metrics[1], "errors");
    assert_int_equal(instances[0].every_ms, 5000);
    assert_string_equal(instances[1].address, "1");
    assert_measured(&reader, 100000, 0, 1);
    const struct tend_history_item second = next(&reader);
    assert_true(second.instance == 1 && second.value_count == 1 && second.values[0] == 2.0);
    const struct tend_history_item third = next(&reader);
    assert_true(third.value_count == 2 && third.values[0] == 4.0 && third.values[1] == 6.0);
    assert_measured(&reader, 105000, 1, 5);
    assert_end(&reader);
}

static void an_empty_row_is_a_lost_sample_only_when_one_was_due(void **state)
{
    (void)state;
    struct tend_history_reader reader = open_text("time,a:x,b:x\n"
                                                  "0,1,1\n5,1,\n10,1,1\n15,1,\n20,,1\n25,1,\n30,1,\n35,1,1\n");
    assert_int_equal(next(&reader).kind, TEND_HISTORY_INSTANCES);
    assert_measured(&reader, 0, 0, 1);
    assert_measured(&reader, 0, 1, 1);
    assert_measured(&reader, 5000, 0, 1); // b has a sample each ten seconds: none is due
    assert_measured(&reader, 10000, 0, 1);
    assert_measured(&reader, 10000, 1, 1);
    assert_measured(&reader, 15000, 0, 1);
    assert_measured(&reader, 20000, 0, (double)NAN); // a's was due
    assert_measured(&reader, 20000, 1, 1);
    assert_measured(&reader, 25000, 0, 1);
    assert_measured(&reader, 30000, 0, 1);
    assert_measured(&reader, 30000, 1, (double)NAN); // and b's
    assert_measured(&reader, 35000, 0, 1);
    assert_measured(&reader, 35000, 1, 1);
    assert_end(&reader);
}

static void a_file_with_a_header_only_has_no_items(void **state)
{
    (void)state;
    struct tend_history_reader reader = open_text("\xef\xbb\xbftime,a:x\n");
    assert_int_equal(next(&reader).kind, TEND_HISTORY_INSTANCES);
    assert_end(&reader);
}

// A fault behind the rows that are looked at first is told when it is reached, with its line.
static void a_fault_far_down_is_told_with_its_line(void **state)
{
    (void)state;
    FILE *file = fopen(path, "w");
    (void)fputs("time,a:x\n", file);
    for (int i = 0; i < 20000; i++) {
        (void)fprintf(file, "%d,1.%d\n", 1000 + i, i);
    }
    (void)fputs("21000,1,2\n", file);
    assert_int_equal(fclose(file), 0);
    const struct tend_history_csv_options options = { .path = path };
    struct tend_history_reader reader;
    struct tend_error error = { "" };
    assert_int_equal(tend_history_csv_open(&options, &reader, &error), TEND_OK);
    struct tend_history_item item;
    size_t items = 0;
    while (reader.next(reader.context, &item, &error) == TEND_OK) {
        items++;
    }
    assert_int_equal(items, 20001); // the instances, and a sample a row
    char message[200];
    (void)snprintf(message, sizeof message, "%s:20002: 3 fields, where the first line has 2", path);
    assert_string_equal(error.text, message);
    reader.destroy(reader.context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instances_come_first_and_have_their_metrics),
        cmocka_unit_test(an_empty_row_is_a_lost_sample_only_when_one_was_due),
        cmocka_unit_test(a_file_with_a_header_only_has_no_items),
        cmocka_unit_test(a_fault_far_down_is_told_with_its_line),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
