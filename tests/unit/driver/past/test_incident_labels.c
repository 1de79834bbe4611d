// Facts about labels of real incidents.

#include "driver/past/incident_labels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static json_t *parse(const char *text)
{
    json_error_t fault;
    json_t *value = json_loads(text, 0, &fault);
    if (value == NULL) {
        fail_msg("%s", fault.text);
    }
    return value;
}

// A report of two incidents: of a and b from 100 s to 200 s, first alert at 103 s, and of c from 500 s on.
static json_t *some_report(void)
{
    return parse(
        "{\"incidents\": ["
        "{\"id\": \"i1\", \"opened_ms\": 100000, \"ended_ms\": 200000, \"services\": [\"a\"],"
        " \"culprits\": [{\"service\": \"b\"}], \"label\": null},"
        "{\"id\": \"i2\", \"opened_ms\": 500000, \"ended_ms\": null, \"services\": [\"c\"], \"culprits\": [],"
        " \"label\": null}],"
        "\"alerts\": [{\"incident\": \"i1\", \"fired_ms\": 100000}, {\"incident\": \"i2\", \"fired_ms\": 500000}],"
        "\"sums\": {}}");
}

// Compares labels with that report. @return [[found, delay_s]…, "sums": …] as text
static void assert_comparison(const char *labels_text, const char *labels_expected, const char *sums_expected)
{
    json_t *labels = parse(labels_text);
    json_t *report = some_report();
    tend_incident_labels_compare(labels, report);
    json_t *got = json_array();
    for (size_t i = 0; i < json_array_size(labels); i++) {
        const json_t *label = json_array_get(json_object_get(report, "labels"), i);
        (void)json_array_append_new(
            got, json_pack("[O, O]", json_object_get(label, "found"), json_object_get(label, "delay_s")));
    }
    json_t *expected = parse(labels_expected);
    json_t *sums = parse(sums_expected);
    char *seen = json_dumps(report, JSON_COMPACT);
    if (!json_equal(got, expected) || !json_equal(json_object_get(report, "sums"), sums)) {
        fail_msg("%s", seen);
    }
    free(seen);
    json_decref(got);
    json_decref(expected);
    json_decref(sums);
    json_decref(labels);
    json_decref(report);
}

static void an_incident_within_a_label_is_found_and_the_others_are_false_alarms(void **state)
{
    (void)state;
    assert_comparison("[{\"from_ms\": 90000, \"until_ms\": 150000, \"what\": \"x\", \"service\": null}]",
                      "[[true, 10.0]]", "{\"found\": 1, \"missed\": 0, \"false_alarms\": 1, \"delay_median_s\": 10.0}");
}

static void a_label_in_the_middle_of_an_incident_is_found_at_once(void **state)
{
    (void)state;
    assert_comparison("[{\"from_ms\": 150000, \"until_ms\": 160000, \"what\": \"x\", \"service\": \"b\"}]",
                      "[[true, 0.0]]", "{\"found\": 1, \"missed\": 0, \"false_alarms\": 1, \"delay_median_s\": 0.0}");
}

static void a_label_of_another_service_or_time_is_missed(void **state)
{
    (void)state;
    assert_comparison("[{\"from_ms\": 90000, \"until_ms\": 150000, \"what\": \"x\", \"service\": \"c\"},"
                      " {\"from_ms\": 201000, \"until_ms\": 499000, \"what\": \"y\", \"service\": null}]",
                      "[[false, null], [false, null]]",
                      "{\"found\": 0, \"missed\": 2, \"false_alarms\": 2, \"delay_median_s\": null}");
}

static void a_label_without_an_end_goes_to_the_end_and_the_median_is_over_those_found(void **state)
{
    (void)state;
    assert_comparison("[{\"from_ms\": 480000, \"until_ms\": null, \"what\": \"x\", \"service\": \"c\"},"
                      " {\"from_ms\": 96000, \"until_ms\": 110000, \"what\": \"y\", \"service\": \"a\"}]",
                      "[[true, 20.0], [true, 4.0]]",
                      "{\"found\": 2, \"missed\": 0, \"false_alarms\": 0, \"delay_median_s\": 12.0}");
}

static void a_file_is_read_with_its_times_and_quotes(void **state)
{
    (void)state;
    char path[] = "/tmp/test_incident_labels_XXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    (void)fputs(
        "from,to,what,service\r\n2026-03-02T10:00:00Z,,\"slow, and \"\"odd\"\"\",\n\n1772445600,1772445660,y,pay\n",
        file);
    assert_int_equal(fclose(file), 0);
    json_t *labels = NULL;
    struct tend_error error = { "" };
    assert_int_equal(tend_incident_labels_read(path, NULL, &labels, &error), TEND_OK);
    json_t *expected =
        json_pack("[{s:I, s:n, s:s, s:n}, {s:I, s:I, s:s, s:s}]", "from_ms", (json_int_t)1772445600000, "until_ms",
                  "what", "slow, and \"odd\"", "service", "from_ms", (json_int_t)1772445600000, "until_ms",
                  (json_int_t)1772445660000, "what", "y", "service", "pay");
    assert_true(json_equal(labels, expected));
    json_decref(expected);
    json_decref(labels);
    (void)remove(path);
    assert_int_equal(tend_incident_labels_read(path, NULL, &labels, &error), TEND_E_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_incident_within_a_label_is_found_and_the_others_are_false_alarms),
        cmocka_unit_test(a_label_in_the_middle_of_an_incident_is_found_at_once),
        cmocka_unit_test(a_label_of_another_service_or_time_is_missed),
        cmocka_unit_test(a_label_without_an_end_goes_to_the_end_and_the_median_is_over_those_found),
        cmocka_unit_test(a_file_is_read_with_its_times_and_quotes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
