// Facts about the decoder. Bodies are Prometheus text unless a test says otherwise.

#include "series/decoder.h"
#include "series/missing.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "failing_allocation.h"
#include "seeded_random.h"

#define WANTED_MOST 4

struct fixture {
    struct tend_selector *selectors[WANTED_MOST];
    size_t selector_count;
    struct tend_decoder *decoder;
    struct tend_decoder_limits limits;
    const struct tend_layout *layout; // of the newest decode
    const double *values;
    size_t count;
    struct tend_scrape_stats stats;
    struct tend_error error;
};

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    tend_decoder_destroy(fixture->decoder);
    for (size_t i = 0; i < fixture->selector_count; i++) {
        tend_selector_destroy(fixture->selectors[i]);
    }
    free(fixture);
    return 0;
}

// Wants a, b{x="1"} and anything named many.
static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    if (fixture == NULL) {
        return -1;
    }
    *state = fixture;
    fixture->limits = tend_decoder_default_limits;
    const char *texts[] = { "a", "b{x=\"1\"}", "many" };
    for (size_t i = 0; i < 3; i++) {
        if (tend_selector_parse(texts[i], strlen(texts[i]), &fixture->selectors[i], NULL) != TEND_OK) {
            return -1;
        }
        fixture->selector_count++;
    }
    const struct tend_selector *wanted[] = { fixture->selectors[0], fixture->selectors[1], fixture->selectors[2] };
    return tend_decoder_create(wanted, 3, &fixture->decoder) == TEND_OK ? 0 : -1;
}

static enum tend_status decode(struct fixture *fixture, const char *text)
{
    return tend_decoder_decode(fixture->decoder, text, strlen(text), TEND_EXPOSITION_PROMETHEUS, &fixture->limits,
                               &fixture->layout, &fixture->values, &fixture->count, &fixture->stats, &fixture->error);
}

static void decode_well(struct fixture *fixture, const char *text)
{
    if (decode(fixture, text) != TEND_OK) {
        fail_msg("%s", fixture->error.text);
    }
}

static const char *column_text(const struct fixture *fixture, size_t column)
{
    return tend_label_set_text(tend_layout_column(fixture->layout, column)->labels, NULL);
}

// The value of a series by its canonical text; the stale marker when there is no such column.
static double value_of(const struct fixture *fixture, const char *text)
{
    for (size_t i = 0; i < fixture->count; i++) {
        if (strcmp(column_text(fixture, i), text) == 0) {
            return fixture->values[i];
        }
    }
    return tend_stale();
}

static void only_wanted_series_are_kept(void **state)
{
    struct fixture *fixture = *state;
    decode_well(fixture, "a 1\nb{x=\"1\"} 2\nb{x=\"2\"} 3\nc 4\n");
    assert_int_equal(fixture->count, 2);
    assert_string_equal(column_text(fixture, 0), "a");
    assert_string_equal(column_text(fixture, 1), "b{x=\"1\"}");
    assert_true(fixture->values[0] == 1 && fixture->values[1] == 2);
    assert_int_equal(fixture->stats.samples, 4);
    assert_int_equal(fixture->stats.kept, 2);
    assert_int_equal(fixture->stats.added, 4);
}

static void what_tells_of_deploys_and_configs_is_always_kept(void **state)
{
    struct fixture *fixture = *state;
    decode_well(fixture, "app_build_info{version=\"1\"} 1\napp_config_hash 7\napp_info{version=\"1\"} 1\n");
    assert_int_equal(fixture->count, 2);
    assert_true(value_of(fixture, "app_build_info{version=\"1\"}") == 1 && value_of(fixture, "app_config_hash") == 7);
}

static size_t decode_builds(struct fixture *fixture, int first, int count, const char *end)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    assert_non_null(out);
    for (int i = 0; i < count; i++) {
        (void)fprintf(out, "app_build_info{version=\"%d\"} 1\n", first + i);
    }
    (void)fputs(end, out);
    assert_int_equal(fclose(out), 0);
    (void)decode(fixture, text);
    free(text);
    return fixture->count;
}

// A target that collects others' series has thousands of them.
static void of_what_tells_of_deploys_only_a_few_are_kept(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(decode_builds(fixture, 0, 100, "a 1\n"), 64 + 1);
    assert_int_equal(decode_builds(fixture, 50, 100, "a 1\n"), 64 + 1);     // none in place of those that are gone yet
    assert_int_equal(decode_builds(fixture, 200, 100, "a 1\n{\n"), 64 + 1); // a body that fails changes nothing
    assert_int_equal(decode_builds(fixture, 0, 10, "a 1\nb{x=\"1\"} 2\n"), 64 + 2);
}

static void the_start_time_of_the_process_is_always_kept(void **state)
{
    struct fixture *fixture = *state;
    decode_well(fixture, "process_start_time_seconds 1700000000\nprocess_start_time_second 1\n");
    assert_int_equal(fixture->count, 1);
    assert_true(fixture->values[0] == 1700000000);
}

static void the_same_series_again_give_the_same_layout_without_a_look_up(void **state)
{
    struct fixture *fixture = *state;
    decode_well(fixture, "a 1\nc 5\nb{x=\"1\"} 2\n");
    const struct tend_layout *layout = fixture->layout;
    decode_well(fixture, "a 3\nc 6\nb{x=\"1\"} 4\n");
    assert_ptr_equal(fixture->layout, layout);
    assert_true(fixture->values[0] == 3 && fixture->values[1] == 4);
    assert_int_equal(fixture->stats.looked_up, 0);
    assert_int_equal(fixture->stats.added, 0);
}

static void a_line_that_came_or_went_costs_one_look_up(void **state)
{
    struct fixture *fixture = *state;
    decode_well(fixture, "c 1\nd 1\na 1\ne 1\nf 1\n");
    decode_well(fixture, "c 1\na 2\ne 1\nf 1\n"); // d went: a is looked up, and the order goes on from there
    assert_int_equal(fixture->stats.looked_up, 1);
    assert_true(value_of(fixture, "a") == 2);
    decode_well(fixture, "c 1\nnew 1\na 3\ne 1\nf 1\n");
    assert_int_equal(fixture->stats.looked_up, 1);
    assert_int_equal(fixture->stats.added, 1);
    assert_true(value_of(fixture, "a") == 3);
}

static void a_series_that_is_not_there_is_stale_and_keeps_its_column(void **state)
{
    struct fixture *fixture = *state;
    decode_well(fixture, "a 1\nb{x=\"1\"} 2\n");
    const struct tend_layout *layout = fixture->layout;
    decode_well(fixture, "b{x=\"1\"} 3\n");
    assert_ptr_equal(fixture->layout, layout);
    assert_true(tend_is_stale(fixture->values[0]));
    assert_true(fixture->values[1] == 3);
    decode_well(fixture, "a NaN\nb{x=\"1\"} 3\n");
    assert_true(isnan(fixture->values[0]) && !tend_is_stale(fixture->values[0]));
}

static void a_new_series_is_appended(void **state)
{
    struct fixture *fixture = *state;
    decode_well(fixture, "b{x=\"1\"} 2\n");
    const struct tend_layout *before = tend_layout_retain(fixture->layout);
    decode_well(fixture, "a 1\nb{x=\"1\"} 3\n");
    assert_ptr_not_equal(fixture->layout, before);
    assert_int_equal(tend_layout_count(before), 1);
    assert_int_equal(fixture->count, 2);
    assert_string_equal(column_text(fixture, 0), "b{x=\"1\"}");
    assert_string_equal(column_text(fixture, 1), "a");
    assert_true(fixture->values[0] == 3 && fixture->values[1] == 1);
    tend_layout_release(before);
}

static void the_same_labels_in_another_order_are_the_same_series(void **state)
{
    struct fixture *fixture = *state;
    decode_well(fixture, "many{p=\"1\",q=\"2\"} 5\n");
    decode_well(fixture, "many{q=\"2\",p=\"1\"} 6\n");
    assert_int_equal(fixture->count, 1);
    assert_true(fixture->values[0] == 6);
}

static void of_a_series_that_comes_twice_the_first_counts(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 3; i++) {
        decode_well(fixture, "a 1\na 2\nb{x=\"1\"} 2\nmany{p=\"1\",q=\"2\"} 5\nmany{q=\"2\",p=\"1\"} 6\n");
        assert_true(value_of(fixture, "a") == 1);
        assert_true(value_of(fixture, "many{p=\"1\",q=\"2\"}") == 5);
        assert_int_equal(fixture->stats.duplicates, 2);
        assert_int_equal(fixture->count, 3);
    }
}

static void a_body_that_fails_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    decode_well(fixture, "a 1\n");
    const struct tend_layout *layout = fixture->layout;
    const size_t count = fixture->count;
    assert_int_equal(decode(fixture, "a 2\nb{x=\"1\"} 3\nmany{p=\"7\"} 1\nd 1\nthis is no sample\n"), TEND_E_INVALID);
    assert_ptr_equal(fixture->layout, layout);
    assert_int_equal(fixture->count, count);
    assert_int_equal(fixture->stats.error_line, 5);
    assert_non_null(strstr(fixture->error.text, "line 5: "));
    decode_well(fixture, "b{x=\"1\"} 4\nd 1\na 3\n");
    assert_int_equal(fixture->count, 2); // nothing of the failed body is left
    assert_true(value_of(fixture, "a") == 3);
    assert_true(value_of(fixture, "b{x=\"1\"}") == 4);
    assert_int_equal(fixture->stats.added, 2);
}

static void an_unknown_format_fails(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(tend_decoder_decode(fixture->decoder, "a 1\n", 4, TEND_EXPOSITION_NONE, NULL, &fixture->layout,
                                         &fixture->values, &fixture->count, NULL, &fixture->error),
                     TEND_E_INVALID);
    assert_null(fixture->layout);
    assert_true(fixture->error.text[0] != '\0');
}

static void an_empty_body_makes_every_column_stale(void **state)
{
    struct fixture *fixture = *state;
    decode_well(fixture, "");
    assert_int_equal(fixture->count, 0);
    assert_non_null(fixture->values);
    decode_well(fixture, "a 1\n");
    decode_well(fixture, "");
    assert_int_equal(fixture->count, 1);
    assert_true(tend_is_stale(fixture->values[0]));
}

static void timestamps_are_accepted_and_not_used(void **state)
{
    struct fixture *fixture = *state;
    decode_well(fixture, "a 1 1700000000000\n");
    decode_well(fixture, "a 2 1600000000000\n");
    assert_true(value_of(fixture, "a") == 2);
}

static void openmetrics_bodies_give_the_same_columns(void **state)
{
    struct fixture *fixture = *state;
    decode_well(fixture, "# TYPE a gauge\na 1\n");
    const struct tend_layout *layout = fixture->layout;
    const char *text = "# TYPE a gauge\na 2\n# EOF\n";
    assert_int_equal(tend_decoder_decode(fixture->decoder, text, strlen(text), TEND_EXPOSITION_OPENMETRICS, NULL,
                                         &fixture->layout, &fixture->values, &fixture->count, NULL, NULL),
                     TEND_OK);
    assert_ptr_equal(fixture->layout, layout);
    assert_true(fixture->values[0] == 2);
    assert_int_equal(tend_layout_column(layout, 0)->type, TEND_SERIES_GAUGE);
}

// Appends `many{p="from"} 0` … to text.
static void many_series(char *text, size_t size, int from, int till)
{
    size_t used = strlen(text);
    for (int i = from; i < till; i++) {
        used += (size_t)snprintf(text + used, size - used, "many{p=\"%d\"} %d\n", i, i);
        assert_true(used < size);
    }
}

static void more_series_than_the_limit_fail_the_body(void **state)
{
    struct fixture *fixture = *state;
    fixture->limits.columns = 10;
    fixture->limits.keep_scrapes = 100;
    char text[4096] = "";
    many_series(text, sizeof text, 0, 11);
    assert_int_equal(decode(fixture, text), TEND_E_LIMIT);
    assert_string_equal(fixture->error.text, "line 11: more than 10 series are selected");
    text[0] = '\0';
    many_series(text, sizeof text, 0, 10);
    decode_well(fixture, text);
    assert_int_equal(fixture->count, 10);
    // Known lines are counted too: all 10 and one more
    many_series(text, sizeof text, 10, 11);
    assert_int_equal(decode(fixture, text), TEND_E_LIMIT);
}

static void columns_gone_make_room_when_the_limit_would_be_passed(void **state)
{
    struct fixture *fixture = *state;
    fixture->limits.columns = 10;
    fixture->limits.keep_scrapes = 100;
    char text[4096] = "";
    many_series(text, sizeof text, 0, 8);
    decode_well(fixture, text);
    text[0] = '\0';
    many_series(text, sizeof text, 6, 12);
    decode_well(fixture, text); // 12 columns would be too many; 0 to 5 are gone
    assert_int_equal(fixture->count, 6);
    for (int i = 6; i < 12; i++) {
        char name[32];
        snprintf(name, sizeof name, "many{p=\"%d\"}", i);
        assert_true(value_of(fixture, name) == i);
    }
    decode_well(fixture, text);
    assert_int_equal(fixture->stats.looked_up, 0);
    assert_true(value_of(fixture, "many{p=\"11\"}") == 11);
}

static void columns_long_gone_are_dropped(void **state)
{
    struct fixture *fixture = *state;
    fixture->limits.columns = 1000;
    fixture->limits.keep_scrapes = 5;
    char text[4096] = "";
    many_series(text, sizeof text, 0, 20);
    decode_well(fixture, text);
    for (int i = 1; i < 5; i++) {
        decode_well(fixture, "a 7\nmany{p=\"3\"} 33\n");
        assert_int_equal(fixture->count, 21);
    }
    decode_well(fixture, "a 8\nmany{p=\"3\"} 34\n"); // the fifth without the others
    assert_int_equal(fixture->count, 2);
    assert_true(value_of(fixture, "a") == 8 && value_of(fixture, "many{p=\"3\"}") == 34);
    decode_well(fixture, "many{p=\"3\"} 35\na 9\nmany{p=\"4\"} 4\n");
    assert_int_equal(fixture->count, 3);
    assert_true(value_of(fixture, "a") == 9 && value_of(fixture, "many{p=\"3\"}") == 35 &&
                value_of(fixture, "many{p=\"4\"}") == 4);
}

enum { RANDOM_SERIES = 200 };

// Writes 50 lines and what a plain reading of them gives: the first value of each wanted series, NaN for the others.
static void random_body(char *text, size_t size, double expected[RANDOM_SERIES])
{
    for (int i = 0; i < RANDOM_SERIES; i++) {
        expected[i] = TEND_NO_DATA;
    }
    size_t used = 0;
    const int start = random_below(RANDOM_SERIES - 50);
    for (int line = 0; line < 50; line++) {
        const int number = random_below(10) < 9 ? start + line : random_below(RANDOM_SERIES); // mostly in order
        const bool wanted = number % 4 != 0;
        const int value = random_below(1000);
        used +=
            (size_t)snprintf(text + used, size - used, "%s{p=\"%d\"} %d\n", wanted ? "many" : "other", number, value);
        if (wanted && isnan(expected[number])) {
            expected[number] = value;
        }
    }
}

static void random_bodies_give_the_values_they_hold(void **state)
{
    struct fixture *fixture = *state;
    fixture->limits.columns = 60;
    fixture->limits.keep_scrapes = 7;
    seed_random(4711);
    for (int body = 0; body < 2000; body++) {
        double expected[RANDOM_SERIES];
        char text[4096];
        random_body(text, sizeof text, expected);
        decode_well(fixture, text);
        assert_true(fixture->count <= 60);
        size_t expected_count = 0;
        for (int i = 0; i < RANDOM_SERIES; i++) {
            char name[32];
            snprintf(name, sizeof name, "many{p=\"%d\"}", i);
            expected_count += isnan(expected[i]) ? 0 : 1;
            assert_true(isnan(expected[i]) || value_of(fixture, name) == expected[i]);
        }
        assert_int_equal(fixture->stats.kept, expected_count);
    }
}

static void churning_labels_do_not_grow_the_memory_without_end(void **state)
{
    struct fixture *fixture = *state;
    fixture->limits.columns = 1000;
    fixture->limits.keep_scrapes = 10;
    for (int i = 0; i < 3000; i++) {
        char text[256];
        snprintf(text, sizeof text, "a 1\nother{p=\"%d\"} 1\nmany{p=\"%d\"} 1\nother{q=\"%d\"} 1\n", i, i, i);
        decode_well(fixture, text);
        assert_true(fixture->count <= 64);
        assert_true(value_of(fixture, "a") == 1);
    }
}

static void a_steady_target_allocates_nothing_but_what_the_parser_does(void **state)
{
    if (!TEND_CAN_FAIL_ALLOCATIONS) {
        print_message("skipped: allocations cannot be made to fail under the sanitizers\n");
        skip();
    }
    struct fixture *fixture = *state;
    const char *text = "a 1\nb{x=\"1\"} 2\nc{d=\"e\"} 3\n";
    decode_well(fixture, text);
    decode_well(fixture, text);
    const long before_parse = allocations_so_far();
    assert_int_equal(tend_exposition_parse(text, strlen(text), TEND_EXPOSITION_PROMETHEUS, NULL, NULL, NULL, NULL),
                     TEND_OK);
    const long before_decode = allocations_so_far();
    decode_well(fixture, text);
    assert_int_equal(allocations_so_far() - before_decode, before_decode - before_parse);
}

// Every allocation of a decode fails once; the decoder must say so, and then take the same body.
static void a_failed_allocation_changes_nothing(void **state)
{
    (void)state;
    if (!TEND_CAN_FAIL_ALLOCATIONS) {
        print_message("skipped: allocations cannot be made to fail under the sanitizers\n");
        skip();
    }
    char text[4096] = "a 1\n";
    many_series(text, sizeof text, 0, 40);
    bool all_succeeded = false;
    for (long n = 0; !all_succeeded; n++) {
        void *own = NULL;
        TEND_ASSERT(setup(&own) == 0 && own != NULL);
        struct fixture *fixture = own;
        decode_well(fixture, "b{x=\"1\"} 2\nc 1\n");
        fail_allocation_after(n);
        const enum tend_status status = decode(fixture, text);
        all_succeeded = !was_an_allocation_failed();
        fail_allocation_after(-1);
        assert_int_equal(status, all_succeeded ? TEND_OK : TEND_E_NOMEM);
        decode_well(fixture, text);
        assert_int_equal(fixture->count, 42);
        assert_true(value_of(fixture, "a") == 1 && value_of(fixture, "many{p=\"39\"}") == 39);
        assert_true(tend_is_stale(value_of(fixture, "b{x=\"1\"}")));
        assert_int_equal(teardown(&own), 0);
    }
}

int main(void)
{
#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        FACT(only_wanted_series_are_kept),
        FACT(what_tells_of_deploys_and_configs_is_always_kept),
        FACT(of_what_tells_of_deploys_only_a_few_are_kept),
        FACT(the_start_time_of_the_process_is_always_kept),
        FACT(the_same_series_again_give_the_same_layout_without_a_look_up),
        FACT(a_line_that_came_or_went_costs_one_look_up),
        FACT(a_series_that_is_not_there_is_stale_and_keeps_its_column),
        FACT(a_new_series_is_appended),
        FACT(the_same_labels_in_another_order_are_the_same_series),
        FACT(of_a_series_that_comes_twice_the_first_counts),
        FACT(a_body_that_fails_changes_nothing),
        FACT(an_unknown_format_fails),
        FACT(an_empty_body_makes_every_column_stale),
        FACT(timestamps_are_accepted_and_not_used),
        FACT(openmetrics_bodies_give_the_same_columns),
        FACT(more_series_than_the_limit_fail_the_body),
        FACT(columns_gone_make_room_when_the_limit_would_be_passed),
        FACT(columns_long_gone_are_dropped),
        FACT(random_bodies_give_the_values_they_hold),
        FACT(churning_labels_do_not_grow_the_memory_without_end),
        FACT(a_steady_target_allocates_nothing_but_what_the_parser_does),
        cmocka_unit_test(a_failed_allocation_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
