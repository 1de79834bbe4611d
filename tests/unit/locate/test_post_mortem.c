// The document of evidence: what columns are made into, what is left out, and when it began.

#include "locate/post_mortem.h"

#include "base/buffer.h"
#include "base/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 60, LIVE = 50, STEP_S = 30 }; // the onset is between rows 49 and 50

static const double onset_s = LIVE * STEP_S - 10;

// A frame of the columns of the header; each is the first of its two texts before the onset, then the second.
static void make(const char *header, const char *before, const char *after, struct tend_metric_frame *frame)
{
    struct tend_buffer text;
    tend_buffer_init(&text);
    tend_buffer_printf(&text, "time,%s\n", header);
    for (int row = 0; row < ROWS; row++) {
        tend_buffer_printf(&text, "%d,%s\n", row * STEP_S, row < LIVE ? before : after);
    }
    size_t line;
    struct tend_error error;
    assert_int_equal(tend_metric_frame_read(text.data, text.size, frame, &line, &error), TEND_OK);
    tend_buffer_clear(&text);
}

static json_t *evidence_of(const char *header, const char *before, const char *after, double alarm_s,
                           const char *edges_text)
{
    struct tend_metric_frame frame;
    struct tend_error error = { "" };
    json_t *evidence = NULL;
    json_t *edges = json_loads(edges_text, 0, NULL);
    make(header, before, after, &frame);
    const struct tend_post_mortem_options options = { .alarm_s = alarm_s, .edges = edges, .symptom_service = "web" };
    assert_int_equal(tend_post_mortem_evidence(&frame, &options, &evidence, &error), TEND_OK);
    tend_metric_frame_clear(&frame);
    json_decref(edges);
    return evidence;
}

// The only column there is evidence in.
static const json_t *only_column(const json_t *evidence)
{
    const json_t *columns = json_object_get(json_array_get(json_object_get(evidence, "views"), 0), "columns");
    assert_int_equal(json_array_size(columns), 1);
    return json_array_get(columns, 0);
}

static void is(const json_t *column, const char *key, const char *expected)
{
    assert_string_equal(tend_json_text(column, key, "(none)"), expected);
}

static void near(const json_t *column, const char *key, double expected)
{
    const double value = tend_json_number(column, key, -1);
    if (fabs(value - expected) > 1e-9) {
        fail_msg("%s is %.17g and not %.17g", key, value, expected);
    }
}

static void a_column_that_rose_is_told_and_one_that_did_not_is_left_out(void **state)
{
    (void)state;
    json_t *evidence = evidence_of("ledger:cpu,web:cpu", "10,10", "85,10", onset_s, "[]");
    const json_t *column = only_column(evidence);
    is(column, "service", "ledger");
    is(column, "metric", "cpu");
    is(column, "kind", "resource");
    near(column, "before", 10);
    near(column, "after", 85);
    near(column, "up", 0.2 + log(75 / 2.5)); // 75 units of a tenth of the level
    near(column, "onset_s", LIVE * STEP_S);
    assert_int_equal(json_array_size(json_object_get(evidence, "services")), 2);
    is(evidence, "symptom", "web");
    json_decref(evidence);
}

static void availability_is_judged_by_its_failures(void **state)
{
    (void)state;
    json_t *evidence = evidence_of("ledger:availability", "100", "95", onset_s, "[]");
    const json_t *column = only_column(evidence);
    is(column, "kind", "error");
    near(column, "before", 0);
    near(column, "after", 0.05);
    near(column, "up", 0.2 + log(25 / 2.5)); // units of 0.002
    json_decref(evidence);
}

static void errors_beside_calls_are_a_share_of_them(void **state)
{
    (void)state;
    json_t *evidence = evidence_of("a:span_calls,a:span_errors", "100,1", "100,26", onset_s, "[]");
    const json_t *column = only_column(evidence);
    near(column, "before", 0.01);
    near(column, "after", 0.26);
    json_decref(evidence);
}

static void time_that_all_calls_took_is_a_mean_beside_their_count(void **state)
{
    (void)state;
    json_t *evidence =
        evidence_of("a:requests_seconds_sum,a:requests_seconds_count", "50,100", "250,100", onset_s, "[]");
    const json_t *column = only_column(evidence);
    is(column, "kind", "latency");
    near(column, "before", 0.5);
    near(column, "after", 2.5);
    assert_true(tend_json_bool(column, "mean", false));
    json_decref(evidence);
    evidence = evidence_of("a:requests_seconds_sum", "50", "250", onset_s, "[]"); // by itself it follows the traffic
    is(only_column(evidence), "kind", "calls");
    json_decref(evidence);
}

static void what_is_left_of_a_traffic_that_collapses_is_told(void **state)
{
    (void)state;
    json_t *evidence = evidence_of("a:rps,b:rps", "100,10", "5,30", onset_s, "[]");
    const json_t *columns = json_object_get(json_array_get(json_object_get(evidence, "views"), 0), "columns");
    assert_int_equal(json_array_size(columns), 2);
    near(json_array_get(columns, 0), "left", 0.05);
    assert_null(json_object_get(json_array_get(columns, 1), "left"));
    near(json_object_get(evidence, "flows"), "a", 1);
    json_decref(evidence);
    evidence = evidence_of("a:rps,a:net_tx", "100,900", "70,900", onset_s, "[]"); // no collapse
    assert_null(json_object_get(only_column(evidence), "left"));
    near(json_object_get(evidence, "flows"), "a", 2);
    json_decref(evidence);
}

static void time_on_the_way_is_what_the_callee_does_not_see(void **state)
{
    (void)state;
    json_t *evidence = evidence_of("web>ledger:latency_mean,web>ledger:server_latency_mean", "0.25,0.125", "0.75,0.625",
                                   onset_s, "[]");
    const json_t *columns = json_object_get(json_array_get(json_object_get(evidence, "views"), 0), "columns");
    for (size_t i = 0; i < json_array_size(columns); i++) { // 0.125 s on the way all the time
        assert_false(tend_json_bool(json_array_get(columns, i), "way", false));
    }
    json_decref(evidence);
    evidence = evidence_of("web>ledger:latency_mean,web>ledger:server_latency_mean", "0.25,0.125", "0.25,0.0625",
                           onset_s, "[]");
    const json_t *way = NULL;
    columns = json_object_get(json_array_get(json_object_get(evidence, "views"), 0), "columns");
    for (size_t i = 0; i < json_array_size(columns); i++) {
        const json_t *column = json_array_get(columns, i);
        way = tend_json_bool(column, "way", false) ? column : way;
    }
    near(way, "before", 0.125);
    near(way, "after", 0.1875);
    is(way, "callee", "ledger");
    json_decref(evidence);
}

static void calls_made_are_judged_by_the_callers_own_traffic(void **state)
{
    (void)state;
    json_t *evidence = evidence_of("web:requests,ledger:requests", "10,20", "100,200", onset_s,
                                   "[[\"web\",\"ledger\"]]"); // ten times the traffic, two calls for each as before
    const json_t *columns = json_object_get(json_array_get(json_object_get(evidence, "views"), 0), "columns");
    assert_int_equal(json_array_size(columns), 2);
    json_decref(evidence);
    evidence = evidence_of("web:requests,ledger:requests", "10,20", "10,2", onset_s, "[[\"web\",\"ledger\"]]");
    columns = json_object_get(json_array_get(json_object_get(evidence, "views"), 0), "columns");
    const json_t *made = json_array_get(columns, json_array_size(columns) - 1);
    assert_int_equal(tend_json_integer(made, "made", 0), 1);
    is(made, "caller", "web");
    near(made, "before", 2);
    near(made, "after", 0.2);
    json_decref(evidence);
}

static void a_column_that_falls_silent_while_its_peers_speak_is_told(void **state)
{
    (void)state;
    json_t *evidence = evidence_of("a:latency,b:latency", "1,1", ",1", onset_s, "[]");
    const json_t *column = only_column(evidence);
    is(column, "service", "a");
    assert_true(tend_json_number(column, "silence", 0) > 1);
    json_decref(evidence);
    evidence = evidence_of("a:latency,b:latency", "1,1", ",", onset_s, "[]"); // all are silent: nothing is collected
    assert_int_equal(json_array_size(json_object_get(json_array_get(json_object_get(evidence, "views"), 0), "columns")),
                     0);
    json_decref(evidence);
}

static void services_that_are_never_called_are_idle(void **state)
{
    (void)state;
    json_t *evidence = evidence_of("a:requests,b:requests,c:cpu", "1,0,1", "1,0,1", onset_s, "[]");
    const json_t *idle = json_object_get(evidence, "idle");
    assert_int_equal(json_array_size(idle), 1);
    assert_string_equal(json_string_value(json_array_get(idle, 0)), "b");
    json_decref(evidence);
}

static void an_unknown_onset_is_found_between_its_rows(void **state)
{
    (void)state;
    json_t *evidence = evidence_of("ledger:cpu,web:latency", "10,0.1", "85,0.9", (double)NAN, "[]");
    near(evidence, "onset_s", LIVE * STEP_S - STEP_S / 2.0);
    json_decref(evidence);
}

static void too_few_rows_are_refused(void **state)
{
    (void)state;
    struct tend_metric_frame frame;
    struct tend_error error;
    json_t *evidence = NULL;
    make("a:cpu", "1", "1", &frame);
    const struct tend_post_mortem_options options = { .alarm_s = ROWS * STEP_S };
    assert_int_equal(tend_post_mortem_evidence(&frame, &options, &evidence, &error), TEND_E_INVALID);
    assert_string_equal(error.text, "60 rows before and 0 after the onset; at least 4 and 1 are needed");
    tend_metric_frame_clear(&frame);
}

// ---- counters, and faults that pass ----

// Evidence of one column, whose values are a function of the row; the onset is between rows 49 and 50 of 80.
static json_t *evidence_of_rows(const char *column, double (*value)(int row))
{
    struct tend_buffer text;
    tend_buffer_init(&text);
    tend_buffer_printf(&text, "time,%s,web:cpu\n", column);
    for (int row = 0; row < 80; row++) {
        const double at = value(row);
        if (isnan(at)) {
            tend_buffer_printf(&text, "%d,,1\n", row * STEP_S);
        } else {
            tend_buffer_printf(&text, "%d,%.17g,1\n", row * STEP_S, at);
        }
    }
    struct tend_metric_frame frame;
    struct tend_error error;
    size_t line;
    assert_int_equal(tend_metric_frame_read(text.data, text.size, &frame, &line, &error), TEND_OK);
    tend_buffer_clear(&text);
    const struct tend_post_mortem_options options = { .alarm_s = onset_s };
    json_t *evidence = NULL;
    assert_int_equal(tend_post_mortem_evidence(&frame, &options, &evidence, &error), TEND_OK);
    tend_metric_frame_clear(&frame);
    return evidence;
}

static double counts_twenty_a_row(int row)
{
    return 5000.0 + 20 * row;
}

static double counts_thrice_as_many(int row)
{
    return row < LIVE ? 5000.0 + 20 * row : 5000.0 + 20 * LIVE + 60 * (row - LIVE);
}

static double begins_anew(int row)
{
    return row < LIVE ? 5000.0 + 20 * row : 20.0 * (row - LIVE);
}

static void a_counter_is_judged_by_what_it_grows_by(void **state)
{
    (void)state;
    json_t *steady = evidence_of_rows("db:questions", counts_twenty_a_row);
    assert_int_equal(json_array_size(json_object_get(json_array_get(json_object_get(steady, "views"), 0), "columns")),
                     0);
    json_t *more = evidence_of_rows("db:questions", counts_thrice_as_many);
    const json_t *column = only_column(more);
    near(column, "before", 20);
    near(column, "after", 60);
    assert_null(json_object_get(column, "began_anew"));
    json_decref(steady);
    json_decref(more);
}

static void a_counter_that_begins_anew_is_told(void **state)
{
    (void)state;
    json_t *evidence = evidence_of_rows("db:questions", begins_anew);
    assert_true(json_is_true(json_object_get(only_column(evidence), "began_anew")));
    json_decref(evidence);
}

static double grows_as_memory_does(int row)
{
    return 1e6 + 1e4 * row;
}

static void memory_that_grows_is_no_counter(void **state)
{
    (void)state;
    json_t *evidence = evidence_of_rows("db:memory", grows_as_memory_does);
    const json_t *column = only_column(evidence);
    assert_true(tend_json_number(column, "after", 0) > 1e6);
    json_decref(evidence);
}

static double is_full_for_ten_rows(int row)
{
    return row >= LIVE && row < LIVE + 10 ? 90 : 10 + row % 3;
}

static double is_full_for_ten_late_rows(int row)
{
    return row >= LIVE + 15 && row < LIVE + 25 ? 90 : 10 + row % 3;
}

static void a_fault_that_passes_shows_in_the_first_rows(void **state)
{
    (void)state;
    json_t *first = evidence_of_rows("db:cpu", is_full_for_ten_rows);
    assert_true(tend_json_number(only_column(first), "up", 0) > 1);
    json_t *late = evidence_of_rows("db:cpu", is_full_for_ten_late_rows);
    const json_t *columns = json_object_get(json_array_get(json_object_get(late, "views"), 0), "columns");
    assert_true(json_array_size(columns) == 0 || tend_json_number(json_array_get(columns, 0), "up", 0) < 0.3);
    json_decref(first);
    json_decref(late);
}

static double lacks_values_for_six_rows(int row)
{
    return row >= LIVE && row < LIVE + 6 ? (double)NAN : 10;
}

static void a_silence_that_passes_is_told(void **state)
{
    (void)state;
    json_t *evidence = evidence_of_rows("db:cpu", lacks_values_for_six_rows);
    assert_int_equal(json_array_size(json_object_get(json_array_get(json_object_get(evidence, "views"), 0), "columns")),
                     1);
    assert_true(tend_json_number(only_column(evidence), "silence", 0) > 0.5);
    near(json_object_get(evidence, "lasting"), "db", 1);
    json_decref(evidence);
}

static void a_moment_long_ago_for_which_far_more_speaks_is_a_view_too(void **state)
{
    (void)state;
    enum { LONG_ROWS = 200, LONG_AGO = 100, JUST_NOW = 190 };
    struct tend_buffer text;
    tend_buffer_init(&text);
    tend_buffer_put_text(&text, "time,a:cpu,b:cpu,c:cpu,d:cpu,e:cpu\n");
    for (int row = 0; row < LONG_ROWS; row++) {
        const int noise = row % 3, many = (row < LONG_AGO ? 10 : 80) + noise, one = (row < JUST_NOW ? 10 : 80) + noise;
        tend_buffer_printf(&text, "%d,%d,%d,%d,%d,%d\n", row * STEP_S, many, many, many, many, one);
    }
    struct tend_metric_frame frame;
    struct tend_error error;
    size_t line;
    assert_int_equal(tend_metric_frame_read(text.data, text.size, &frame, &line, &error), TEND_OK);
    const struct tend_post_mortem_options options = { .alarm_s = (double)NAN };
    json_t *evidence = NULL;
    assert_int_equal(tend_post_mortem_evidence(&frame, &options, &evidence, &error), TEND_OK);
    near(evidence, "onset_s", JUST_NOW * STEP_S - STEP_S / 2.0);
    bool is_long_ago = false;
    size_t i;
    const json_t *view;
    json_array_foreach(json_object_get(evidence, "views"), i, view)
    {
        is_long_ago =
            is_long_ago || fabs(tend_json_number(view, "onset_s", 0) - (LONG_AGO * STEP_S - STEP_S / 2.0)) < 1;
    }
    assert_true(is_long_ago);
    json_decref(evidence);
    tend_metric_frame_clear(&frame);
    tend_buffer_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_moment_long_ago_for_which_far_more_speaks_is_a_view_too),
        cmocka_unit_test(a_counter_is_judged_by_what_it_grows_by),
        cmocka_unit_test(a_counter_that_begins_anew_is_told),
        cmocka_unit_test(memory_that_grows_is_no_counter),
        cmocka_unit_test(a_fault_that_passes_shows_in_the_first_rows),
        cmocka_unit_test(a_silence_that_passes_is_told),
        cmocka_unit_test(a_column_that_rose_is_told_and_one_that_did_not_is_left_out),
        cmocka_unit_test(availability_is_judged_by_its_failures),
        cmocka_unit_test(errors_beside_calls_are_a_share_of_them),
        cmocka_unit_test(time_that_all_calls_took_is_a_mean_beside_their_count),
        cmocka_unit_test(what_is_left_of_a_traffic_that_collapses_is_told),
        cmocka_unit_test(time_on_the_way_is_what_the_callee_does_not_see),
        cmocka_unit_test(calls_made_are_judged_by_the_callers_own_traffic),
        cmocka_unit_test(a_column_that_falls_silent_while_its_peers_speak_is_told),
        cmocka_unit_test(services_that_are_never_called_are_idle),
        cmocka_unit_test(an_unknown_onset_is_found_between_its_rows),
        cmocka_unit_test(too_few_rows_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
