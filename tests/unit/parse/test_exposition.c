// Facts about bodies of scrapes. The conformance cases (tests/e2e/conformance.py) have many more; here is what they do
// not show: what a sample points to, types, limits, the callback, lines of faults, and running out of memory.

#include "failing_allocation.h"

#include "parse/exposition.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_BYTES = 4096 };

struct seen {
    char text[TEXT_BYTES]; // one line a sample: type|series text|name|label=value,…|value|timestamp
    size_t samples;
    enum tend_status answer;
};

static enum tend_status write_down(void *context, const struct tend_sample *sample)
{
    struct seen *seen = context;
    char *to = seen->text + strlen(seen->text);
    to += sprintf(to, "%s|%.*s|%.*s|", tend_series_type_text(sample->type), (int)sample->series_text_bytes,
                  sample->series_text, (int)sample->name_bytes, sample->name);
    for (size_t i = 0; i < sample->label_count; i++) {
        to += sprintf(to, "%.*s=%.*s,", (int)sample->labels[i].name_bytes, sample->labels[i].name,
                      (int)sample->labels[i].value_bytes, sample->labels[i].value);
    }
    to += sprintf(to, "|%g|", sample->value);
    if (sample->has_timestamp) {
        to += sprintf(to, "%.0f", sample->timestamp_ms);
    }
    (void)sprintf(to, "\n");
    seen->samples++;
    return seen->answer;
}

static void assert_samples(enum tend_exposition_format format, const char *body, const char *expected)
{
    struct seen seen = { .text = "" };
    struct tend_parse_error error = { .line = 0 };
    if (tend_exposition_parse(body, strlen(body), format, NULL, write_down, &seen, &error) != TEND_OK) {
        fail_msg("line %zu: %s", error.line, error.fault.text);
    }
    assert_string_equal(seen.text, expected);
}

static void assert_fault(enum tend_exposition_format format, const char *body, size_t line, const char *message)
{
    struct tend_parse_error error = { .line = 0 };
    assert_int_equal(tend_exposition_parse(body, strlen(body), format, NULL, NULL, NULL, &error), TEND_E_INVALID);
    assert_string_equal(error.fault.text, message);
    assert_int_equal(error.line, line);
}

static const enum tend_exposition_format prometheus = TEND_EXPOSITION_PROMETHEUS;
static const enum tend_exposition_format openmetrics = TEND_EXPOSITION_OPENMETRICS;

static void a_sample_has_its_parts(void **state)
{
    (void)state;
    assert_samples(prometheus, "a{b=\"c\", d=\"e\"} 1.5 1000\n", "unknown|a{b=\"c\", d=\"e\"}|a|b=c,d=e,|1.5|1000\n");
    assert_samples(openmetrics, "a{b=\"c\",d=\"e\"} 1.5 1.5\n# EOF\n",
                   "unknown|a{b=\"c\",d=\"e\"}|a|b=c,d=e,|1.5|1500\n");
}

static void series_text_ends_before_the_blanks(void **state)
{
    (void)state;
    assert_samples(prometheus, "a 1\n  b \t 2\nc {} 3\n{\"d\"}4\n",
                   "unknown|a|a||1|\n"
                   "unknown|b|b||2|\n"
                   "unknown|c {}|c||3|\n"
                   "unknown|{\"d\"}|d||4|\n");
}

static void escapes_are_resolved_and_unknown_ones_kept(void **state)
{
    (void)state;
    assert_samples(prometheus, "a{b=\"x\\\\y\\\"z\\n\\q\",c=\"plain\",d=\"\\\\\"} 1\n",
                   "unknown|a{b=\"x\\\\y\\\"z\\n\\q\",c=\"plain\",d=\"\\\\\"}|a|b=x\\y\"z\n\\q,c=plain,d=\\,|1|\n");
}

static void types_come_from_the_metadata_above(void **state)
{
    (void)state;
    assert_samples(
        prometheus,
        "# TYPE a counter\na_total 1\na 1\nb 2\n"
        "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_sum 1\nhx_sum 1\n"
        "# TYPE s summary\ns_count 1\ns{quantile=\"0.5\"} 1\n# TYPE g GAUGE \ng 1\n",
        "counter|a_total|a_total||1|\ncounter|a|a||1|\nunknown|b|b||2|\n"
        "histogram|h_bucket{le=\"1\"}|h_bucket|le=1,|1|\nhistogram|h_sum|h_sum||1|\nunknown|hx_sum|hx_sum||1|\n"
        "summary|s_count|s_count||1|\nsummary|s{quantile=\"0.5\"}|s|quantile=0.5,|1|\ngauge|g|g||1|\n");
    assert_samples(openmetrics, "# TYPE a counter\na_total 1\n# TYPE s stateset\ns{s=\"up\"} 1\nb 2\n# EOF\n",
                   "counter|a_total|a_total||1|\nstateset|s{s=\"up\"}|s|s=up,|1|\nunknown|b|b||2|\n");
}

static void an_empty_body_has_no_samples(void **state)
{
    (void)state;
    assert_samples(prometheus, "", "");
    assert_samples(openmetrics, "# EOF", "");
    assert_int_equal(tend_exposition_parse(NULL, 0, prometheus, NULL, NULL, NULL, NULL), TEND_OK);
}

static void a_fault_names_its_line(void **state)
{
    (void)state;
    assert_fault(prometheus, "a 1\n\n# x\nb x\n", 4, "the value is no number: \"x\"");
    assert_fault(prometheus, "a 1\nb{c=\"d} 2\n", 2, "the quote opened at column 5 is not closed");
    assert_fault(prometheus, "a{b=\"c\" d=\"e\"} 1\n", 1,
                 "expected \",\" or \"}\" after a label at column 9, found \"d=\\x22e\\x22} 1\"");
    assert_fault(prometheus, "a{b=\"c\",b=\"d\"} 1\n", 1, "the label \"b\" is there twice");
    assert_fault(prometheus, "a 1 2.5\n", 1, "the timestamp is no whole number of milliseconds: \"2.5\"");
    assert_fault(prometheus, "a\n", 1,
                 "the line ends where \"{\" or a blank and a value after the metric name should be");
}

static void a_fault_of_openmetrics_names_its_line(void **state)
{
    (void)state;
    assert_fault(openmetrics, "a 1\n", 1, "the last line is not \"# EOF\": the body may have been cut off");
    assert_fault(openmetrics, "", 1, "the last line is not \"# EOF\": the body may have been cut off");
    assert_fault(openmetrics, "# EOF\n\n", 2, "something follows \"# EOF\"");
    assert_fault(openmetrics, "# TYPE a counter\na_total -1\n# EOF\n", 2, "a counter must be neither negative nor NaN");
    assert_fault(openmetrics, "# TYPE a histogram\na_bucket{le=\"1\"} 1\nb 1\n# EOF\n", 2,
                 "\"a\": the histogram has no +Inf bucket");
    assert_fault(openmetrics, "a 1\nb 1\na 2\n# EOF\n", 3, "\"a\": the name clashes with an earlier metric family");
    assert_fault(openmetrics, "a{x=\"1\"} 1\na{x=\"2\"} 1\na{x=\"1\"} 1\n# EOF\n", 3,
                 "samples of one metric must follow each other: others stand between");
}

static void bytes_of_a_target_are_escaped_in_messages(void **state)
{
    (void)state;
    assert_fault(prometheus, "a \x1b[2J\n", 1, "the value is no number: \"\\x1b[2J\"");
    assert_fault(prometheus, "a{b=\"\xff\"} 1\n", 1, "\"\\xff\" is not valid UTF-8");
}

static void labels_in_another_order_are_the_same_group(void **state)
{
    (void)state;
    assert_fault(openmetrics, "a{x=\"1\",y=\"2\"} 1 5\na{y=\"2\",x=\"1\"} 1 4\n# EOF\n", 2,
                 "the timestamp is older than that of the sample before");
}

static void a_histogram_may_have_points_at_several_times(void **state)
{
    (void)state;
    const char *body = "# TYPE a histogram\n"
                       "a_bucket{le=\"+Inf\"} 1 1\na_count 1 1\na_sum 1 1\n"
                       "a_bucket{le=\"+Inf\"} 2 2\na_count 2 2\na_sum 1 2\n# EOF\n";
    assert_int_equal(tend_exposition_parse(body, strlen(body), openmetrics, NULL, NULL, NULL, NULL), TEND_OK);
}

static void limits_fail_the_whole_body(void **state)
{
    (void)state;
    const struct tend_exposition_limits limits = { .samples = 2, .labels = 2, .name_bytes = 3, .value_bytes = 3 };
    const struct {
        const char *body;
        size_t line;
        const char *message;
    } cases[] = {
        { "a 1\na 2\na 3\n", 3, "more than 2 samples" },
        { "a{b=\"\",c=\"\",d=\"\"} 1\n", 1, "more than 2 labels" },
        { "abcd 1\n", 1, "the name \"abcd\" has 4 bytes, the limit is 3" },
        { "a{abcd=\"\"} 1\n", 1, "the name \"abcd\" has 4 bytes, the limit is 3" },
        { "{\"abcd\"} 1\n", 1, "the name \"abcd\" has 4 bytes, the limit is 3" },
        { "a{b=\"1234\"} 1\n", 1, "the value of the label \"b\" has 4 bytes, the limit is 3" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tend_parse_error error = { .line = 0 };
        assert_int_equal(
            tend_exposition_parse(cases[i].body, strlen(cases[i].body), prometheus, &limits, NULL, NULL, &error),
            TEND_E_LIMIT);
        assert_int_equal(error.line, cases[i].line);
        assert_string_equal(error.fault.text, cases[i].message);
    }
    const char *within = "abc{a=\"123\",b=\"1\\\\2\"} 1\na 2\n";
    assert_int_equal(tend_exposition_parse(within, strlen(within), prometheus, &limits, NULL, NULL, NULL), TEND_OK);
}

static void the_callback_may_end_the_parse(void **state)
{
    (void)state;
    struct seen seen = { .answer = TEND_E_IO };
    struct tend_parse_error error = { .line = 0 };
    assert_int_equal(tend_exposition_parse("a 1\nb 2\n", 8, prometheus, NULL, write_down, &seen, &error), TEND_E_IO);
    assert_int_equal(seen.samples, 1);
    assert_int_equal(error.line, 1);
}

static void without_a_format_nothing_is_read(void **state)
{
    (void)state;
    struct tend_parse_error error = { .line = 0 };
    assert_int_equal(tend_exposition_parse("a 1\n", 4, TEND_EXPOSITION_NONE, NULL, NULL, NULL, &error), TEND_E_INVALID);
    assert_non_null(strstr(error.fault.text, "format is unknown"));
}

static void a_body_cut_off_anywhere_is_no_openmetrics(void **state)
{
    (void)state;
    const char *body =
        "# TYPE a histogram\n# HELP a he\\nlp\na_bucket{le=\"+Inf\"} 1 # {t=\"x\"} 1 1\na_count 1\na_sum 1\n# EOF";
    const size_t bytes = strlen(body);
    for (size_t cut = 0; cut < bytes; cut++) {
        char *copy = malloc(cut + 1); // its own block, so that a read past the end is seen
        memcpy(copy, body, cut);
        assert_int_equal(tend_exposition_parse(copy, cut, openmetrics, NULL, NULL, NULL, NULL), TEND_E_INVALID);
        free(copy);
    }
    assert_int_equal(tend_exposition_parse(body, bytes, openmetrics, NULL, NULL, NULL, NULL), TEND_OK);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    if (!TEND_CAN_FAIL_ALLOCATIONS) {
        print_message("skipped: allocations cannot be made to fail under the sanitizers\n");
        skip();
    }
    const char *body =
        "# TYPE a summary\na{quantile=\"0.5\",b=\"\\n\",c=\"d\"} 1\na_sum{c=\"d\",b=\"\\n\"} 1\nb 1\n# EOF\n";
    long failed_ones = 0;
    for (long successes = 0;; successes++) {
        struct tend_parse_error error = { .line = 0 };
        fail_allocation_after(successes);
        const enum tend_status status =
            tend_exposition_parse(body, strlen(body), openmetrics, NULL, NULL, NULL, &error);
        fail_allocation_after(-1);
        if (status == TEND_OK) {
            break;
        }
        assert_int_equal(status, TEND_E_NOMEM);
        failed_ones++;
    }
    assert_true(failed_ones >= 5); // labels, escapes, name, names, groups
}

static void the_content_type_chooses_the_format(void **state)
{
    (void)state;
    assert_int_equal(tend_exposition_format_of("text/plain; version=0.0.4; charset=utf-8"), prometheus);
    assert_int_equal(tend_exposition_format_of("text/plain"), prometheus);
    assert_int_equal(tend_exposition_format_of("Text/Plain;Version=\"1.0.0\";escaping=allow-utf-8"), prometheus);
    assert_int_equal(tend_exposition_format_of("application/openmetrics-text; version=1.0.0; charset=utf-8"),
                     openmetrics);
    assert_int_equal(tend_exposition_format_of(" application/OpenMetrics-Text ; version=\"0.0.1\" ;"), openmetrics);
    assert_int_equal(tend_exposition_format_of("application/openmetrics-text"), openmetrics);
}

static void other_content_types_have_no_format(void **state)
{
    (void)state;
    const char *others[] = {
        NULL,
        "",
        "text/html; charset=utf-8",
        "application/json",
        "text/plain; version=0.0.3",
        "text/plain; version=2",
        "application/openmetrics-text; version=2.0.0",
        "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
        "text/plainx",
        "text/plain, text/html",
        "text/plain; version=\"0.0.4"
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_int_equal(tend_exposition_format_of(others[i]), TEND_EXPOSITION_NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sample_has_its_parts),
        cmocka_unit_test(series_text_ends_before_the_blanks),
        cmocka_unit_test(escapes_are_resolved_and_unknown_ones_kept),
        cmocka_unit_test(types_come_from_the_metadata_above),
        cmocka_unit_test(an_empty_body_has_no_samples),
        cmocka_unit_test(a_fault_names_its_line),
        cmocka_unit_test(a_fault_of_openmetrics_names_its_line),
        cmocka_unit_test(bytes_of_a_target_are_escaped_in_messages),
        cmocka_unit_test(labels_in_another_order_are_the_same_group),
        cmocka_unit_test(a_histogram_may_have_points_at_several_times),
        cmocka_unit_test(limits_fail_the_whole_body),
        cmocka_unit_test(the_callback_may_end_the_parse),
        cmocka_unit_test(without_a_format_nothing_is_read),
        cmocka_unit_test(a_body_cut_off_anywhere_is_no_openmetrics),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(the_content_type_chooses_the_format),
        cmocka_unit_test(other_content_types_have_no_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
