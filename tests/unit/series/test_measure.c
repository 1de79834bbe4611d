// Facts about measuring: bodies in, P or a cause out. Instances scrape each 10 s, metrics look back 60 s. Times in the
// tests are seconds; `now` is the time of the newest scrape unless a test says otherwise.

#include "series/measure.h"

#include "parse/selector.h"
#include "series/decoder.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "failing_allocation.h"
#include "seeded_random.h"

enum { UP, DURATION, QUEUE, TRAFFIC, LATENCY, P50, ERRORS, MEMORY, AGE, ALIVE, PER_CONN, SWITCHES, LATELY, DEF_COUNT };

static const char *const sources[DEF_COUNT][2] = {
    [QUEUE] = { "queue", NULL },
    [TRAFFIC] = { "requests", NULL },
    [LATENCY] = { "latency_sum", "latency_count" },
    [P50] = { "latency_bucket", NULL },
    [ERRORS] = { "requests{code=~\"5..\"}", "requests" },
    [MEMORY] = { "memory_used", "memory_max" },
    [AGE] = { "last_success", NULL },
    [ALIVE] = { "redis_up", NULL },
    [PER_CONN] = { "requests", "connections" }, // a rate over a gauge
    [SWITCHES] = { "queue", NULL },
    [LATELY] = { "queue", NULL }, // over 20 s, where the others look at 60
};

static const enum tend_metric_kind kinds[DEF_COUNT] = {
    [UP] = TEND_METRIC_UP,          [DURATION] = TEND_METRIC_SCRAPE_DURATION,
    [QUEUE] = TEND_METRIC_GAUGE,    [TRAFFIC] = TEND_METRIC_RATE,
    [LATENCY] = TEND_METRIC_MEAN,   [P50] = TEND_METRIC_QUANTILE,
    [ERRORS] = TEND_METRIC_SHARE,   [MEMORY] = TEND_METRIC_SHARE,
    [AGE] = TEND_METRIC_AGE,        [ALIVE] = TEND_METRIC_UP,
    [PER_CONN] = TEND_METRIC_SHARE, [SWITCHES] = TEND_METRIC_CHANGES,
    [LATELY] = TEND_METRIC_GAUGE,
};

struct instance {
    struct tend_decoder *decoder;
    struct tend_series_window *window;
    struct tend_metric_plan *plan;
    struct tend_parts *parts;
    int64_t newest_s;
};

struct fixture {
    struct tend_selector *selectors[DEF_COUNT][2];
    struct tend_metric_def defs[DEF_COUNT];
    struct instance instances[2];
    struct tend_parts *total;
};

static int setup_instance(const struct fixture *fixture, struct instance *instance)
{
    const struct tend_selector *wanted[2 * DEF_COUNT];
    size_t count = 0;
    for (size_t i = 0; i < DEF_COUNT; i++) {
        for (size_t j = 0; j < 2; j++) {
            if (fixture->selectors[i][j] != NULL) {
                wanted[count++] = fixture->selectors[i][j];
            }
        }
    }
    return tend_decoder_create(wanted, count, &instance->decoder) == TEND_OK &&
                   tend_series_window_create(60000, 10000, &instance->window) == TEND_OK &&
                   tend_metric_plan_create(fixture->defs, DEF_COUNT, &instance->plan) == TEND_OK &&
                   tend_parts_create(fixture->defs, DEF_COUNT, &instance->parts) == TEND_OK
               ? 0
               : -1;
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    if (fixture == NULL) {
        return -1;
    }
    *state = fixture;
    for (size_t i = 0; i < DEF_COUNT; i++) {
        for (size_t j = 0; j < 2; j++) {
            const char *text = sources[i][j];
            if (text != NULL && tend_selector_parse(text, strlen(text), &fixture->selectors[i][j], NULL) != TEND_OK) {
                return -1;
            }
            fixture->defs[i].sources[j] = fixture->selectors[i][j];
        }
        fixture->defs[i].kind = kinds[i];
        fixture->defs[i].quantile = 0.5;
        fixture->defs[i].min_samples = 1;
    }
    fixture->defs[MEMORY].source_is_gauge[0] = true;
    fixture->defs[MEMORY].source_is_gauge[1] = true;
    fixture->defs[PER_CONN].source_is_gauge[1] = true;
    fixture->defs[LATELY].window_ms = 20000;
    if (tend_parts_create(fixture->defs, DEF_COUNT, &fixture->total) != TEND_OK) {
        return -1;
    }
    return setup_instance(fixture, &fixture->instances[0]) == 0 ? setup_instance(fixture, &fixture->instances[1]) : -1;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 2; i++) {
        tend_decoder_destroy(fixture->instances[i].decoder);
        tend_series_window_destroy(fixture->instances[i].window);
        tend_metric_plan_destroy(fixture->instances[i].plan);
        tend_parts_destroy(fixture->instances[i].parts);
    }
    tend_parts_destroy(fixture->total);
    for (size_t i = 0; i < DEF_COUNT; i++) {
        tend_selector_destroy(fixture->selectors[i][0]);
        tend_selector_destroy(fixture->selectors[i][1]);
    }
    free(fixture);
    return 0;
}

static void scrape_of(struct instance *instance, int64_t at_s, const char *text)
{
    const struct tend_layout *layout = NULL;
    const double *values = NULL;
    size_t count = 0;
    struct tend_error error = { "" };
    if (tend_decoder_decode(instance->decoder, text, strlen(text), TEND_EXPOSITION_PROMETHEUS, NULL, &layout, &values,
                            &count, NULL, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    assert_int_equal(tend_series_window_push(instance->window, at_s * 1000, 0.125, layout, values), TEND_OK);
    instance->newest_s = at_s;
}

static void scrape(struct fixture *fixture, int64_t at_s, const char *text)
{
    scrape_of(&fixture->instances[0], at_s, text);
}

static void fail_scrape_of(struct instance *instance, int64_t at_s, enum tend_scrape_kind kind)
{
    assert_int_equal(tend_series_window_push_failed(instance->window, at_s * 1000, 2, kind), TEND_OK);
    instance->newest_s = at_s;
}

static void fail_scrape(struct fixture *fixture, int64_t at_s)
{
    fail_scrape_of(&fixture->instances[0], at_s, TEND_SCRAPE_REFUSED);
}

static void measure_at(struct instance *instance, int64_t now_s)
{
    assert_int_equal(tend_metric_plan_bind(instance->plan, tend_series_window_layout(instance->window)), TEND_OK);
    tend_measure_instance(instance->plan, instance->window, now_s * 1000, 1700000000.0 + (double)now_s, 60000,
                          instance->parts);
}

static double p_at(struct fixture *fixture, int64_t now_s, size_t def, enum tend_missing *missing)
{
    measure_at(&fixture->instances[0], now_s);
    return tend_measure_value(&fixture->defs[def], &fixture->instances[0].parts[def], missing);
}

static void assert_p(struct fixture *fixture, size_t def, double expected)
{
    enum tend_missing missing = TEND_HAS_DATA;
    const double p = p_at(fixture, fixture->instances[0].newest_s, def, &missing);
    if (!(p == expected) || missing != TEND_HAS_DATA) {
        fail_msg("P is %.17g (%s), expected %.17g", p, tend_missing_text(missing), expected);
    }
}

static void assert_missing(struct fixture *fixture, size_t def, enum tend_missing expected)
{
    enum tend_missing missing = TEND_HAS_DATA;
    const double p = p_at(fixture, fixture->instances[0].newest_s, def, &missing);
    if (!isnan(p) || missing != expected) {
        fail_msg("P is %.17g (%s), expected: %s", p, tend_missing_text(missing), tend_missing_text(expected));
    }
}

// P of the service made of both instances.
static double pooled(struct fixture *fixture, size_t def, enum tend_missing *missing)
{
    tend_parts_reset(&fixture->total[def]);
    for (size_t i = 0; i < 2; i++) {
        measure_at(&fixture->instances[i], fixture->instances[i].newest_s);
        tend_parts_add(&fixture->defs[def], &fixture->total[def], &fixture->instances[i].parts[def]);
    }
    return tend_measure_value(&fixture->defs[def], &fixture->total[def], missing);
}

static void assert_pooled(struct fixture *fixture, size_t def, double expected)
{
    enum tend_missing missing = TEND_HAS_DATA;
    const double p = pooled(fixture, def, &missing);
    if (!(p == expected) || missing != TEND_HAS_DATA) {
        fail_msg("pooled P is %.17g (%s), expected %.17g", p, tend_missing_text(missing), expected);
    }
}

static void assert_pooled_missing(struct fixture *fixture, size_t def, enum tend_missing expected)
{
    enum tend_missing missing = TEND_HAS_DATA;
    const double p = pooled(fixture, def, &missing);
    if (!isnan(p) || missing != expected) {
        fail_msg("pooled P is %.17g (%s), expected: %s", p, tend_missing_text(missing), tend_missing_text(expected));
    }
}

// ---- gauges

static void a_gauge_is_the_mean_of_its_samples_in_the_window(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "queue 1000\n"); // leaves the window at 60
    scrape(fixture, 10, "queue 1\n");
    scrape(fixture, 60, "queue 2\n");
    assert_p(fixture, QUEUE, 1.5);
}

static void a_gauge_is_the_mean_over_its_series(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "queue{q=\"a\"} 1\nqueue{q=\"b\"} 2\n");
    scrape(fixture, 10, "queue{q=\"a\"} 3\nqueue{q=\"b\"} 6\n");
    assert_p(fixture, QUEUE, 3);
}

static void a_gauge_skips_values_that_are_no_numbers(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "queue 4\n");
    scrape(fixture, 10, "queue NaN\n");
    assert_p(fixture, QUEUE, 4);
    scrape(fixture, 70, "queue NaN\n");
    assert_missing(fixture, QUEUE, TEND_MISSING_NO_TRAFFIC);
}

static void a_gauge_leaves_out_series_that_are_gone(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "queue{q=\"a\"} 1\nqueue{q=\"b\"} 100\n");
    scrape(fixture, 10, "queue{q=\"a\"} 3\n");
    assert_p(fixture, QUEUE, 2);
}

static void a_gauge_bridges_a_failed_scrape(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "queue 1\n");
    fail_scrape(fixture, 10);
    scrape(fixture, 20, "queue 3\n");
    assert_p(fixture, QUEUE, 2);
}

static void a_metric_may_have_a_window_of_its_own(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "queue 1\n");
    scrape(fixture, 10, "queue 3\n");
    scrape(fixture, 20, "queue 5\n");
    assert_p(fixture, LATELY, 4); // 3 and 5
    assert_p(fixture, QUEUE, 3);
}

// ---- changes

static void changes_count_how_often_a_value_became_another(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "queue 7\n");
    scrape(fixture, 10, "queue 7\n");
    scrape(fixture, 20, "queue 9\n");
    scrape(fixture, 30, "queue 2\n");
    scrape(fixture, 40, "queue 2\n");
    assert_p(fixture, SWITCHES, 2);
    scrape(fixture, 85, "queue 2\n"); // younger than 60 s: those of 30, 40 and 85
    assert_p(fixture, SWITCHES, 0);
}

static void changes_are_seen_across_failed_scrapes_and_gaps(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "queue 7\n");
    fail_scrape(fixture, 10);
    scrape(fixture, 20, "queue 8\n");
    scrape(fixture, 30, "other 1\n");
    scrape(fixture, 40, "queue 8\n");
    assert_p(fixture, SWITCHES, 1);
    scrape(fixture, 50, "other 1\n");
    assert_missing(fixture, SWITCHES, TEND_MISSING_SERIES_GONE);
}

static void one_scrape_tells_of_no_change(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "queue 7\n");
    assert_missing(fixture, SWITCHES, TEND_MISSING_WARMING_UP);
}

static void changes_of_all_series_count_and_pool_as_their_mean(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "queue{q=\"a\"} 1\nqueue{q=\"b\"} 1\n");
    scrape(fixture, 10, "queue{q=\"a\"} 2\nqueue{q=\"b\"} 2\n");
    scrape(fixture, 20, "queue{q=\"a\"} 3\nqueue{q=\"b\"} 2\n");
    assert_p(fixture, SWITCHES, 3);
    scrape_of(&fixture->instances[1], 0, "queue 1\n");
    scrape_of(&fixture->instances[1], 10, "queue 1\n");
    assert_pooled(fixture, SWITCHES, 1.5);
}

// ---- rates

static void a_rate_is_the_increase_per_second_between_the_first_and_the_last_scrape(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "requests 100\n");
    scrape(fixture, 10, "requests 120\n");
    scrape(fixture, 20, "requests 160\n");
    assert_p(fixture, TRAFFIC, 3);
}

static void a_rate_sums_over_series(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "requests{code=\"200\"} 100\nrequests{code=\"404\"} 7\n");
    scrape(fixture, 10, "requests{code=\"200\"} 120\nrequests{code=\"404\"} 17\n");
    assert_p(fixture, TRAFFIC, 3);
}

static void the_first_scrape_gives_no_rate(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "requests 100\n");
    assert_missing(fixture, TRAFFIC, TEND_MISSING_WARMING_UP);
}

static void a_counter_that_fell_began_again_at_zero(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "requests 100\n");
    scrape(fixture, 10, "requests 30\n");
    scrape(fixture, 20, "requests 40\n");
    assert_p(fixture, TRAFFIC, 2); // 30 + 10 in 20 s
}

static void values_that_no_counter_can_hold_are_passed_over(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "requests 100\n");
    scrape(fixture, 10, "requests +Inf\n");
    scrape(fixture, 20, "requests -Inf\n");
    scrape(fixture, 30, "requests -700\n");
    scrape(fixture, 40, "requests 180\n");
    assert_p(fixture, TRAFFIC, 2); // 80 in 40 s
}

static void a_counter_that_only_ever_is_infinite_gives_no_rate(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "requests -Inf\n");
    scrape(fixture, 10, "requests +Inf\n");
    scrape(fixture, 20, "requests -Inf\n");
    assert_missing(fixture, TRAFFIC, TEND_MISSING_WARMING_UP);
}

static void a_rate_beyond_all_numbers_is_a_bad_payload(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "requests{code=\"200\"} 0\nrequests{code=\"500\"} 0\n");
    scrape(fixture, 10, "requests{code=\"200\"} 1.7e308\nrequests{code=\"500\"} 1.7e308\n");
    assert_missing(fixture, TRAFFIC, TEND_MISSING_BAD_PAYLOAD);
}

static void a_reset_counts_for_its_own_series_only(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "requests{code=\"200\"} 100\nrequests{code=\"404\"} 50\n");
    scrape(fixture, 10, "requests{code=\"200\"} 110\nrequests{code=\"404\"} 10\n");
    assert_p(fixture, TRAFFIC, 2); // 10 + 10
}

static void a_failed_scrape_between_two_good_ones_is_bridged(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "requests 100\n");
    fail_scrape(fixture, 10);
    fail_scrape(fixture, 20);
    scrape(fixture, 30, "requests 160\n");
    assert_p(fixture, TRAFFIC, 2);
}

static void a_counter_that_appears_in_a_watched_target_began_at_zero(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "process_start_time_seconds 5\nrequests{code=\"200\"} 100\n");
    scrape(fixture, 10, "process_start_time_seconds 5\nrequests{code=\"200\"} 110\nrequests{code=\"500\"} 30\n");
    assert_p(fixture, TRAFFIC, 4);
    assert_p(fixture, ERRORS, 0.75);
}

static void a_counter_that_appears_after_a_failed_scrape_has_no_known_beginning(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "requests{code=\"200\"} 100\n");
    fail_scrape(fixture, 10);
    scrape(fixture, 20, "requests{code=\"200\"} 140\nrequests{code=\"500\"} 9000\n");
    assert_p(fixture, TRAFFIC, 2);
    assert_p(fixture, ERRORS, 0);
}

static void a_counter_that_appears_with_a_restart_has_no_known_beginning(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "process_start_time_seconds 5\nrequests{code=\"200\"} 100\n");
    scrape(fixture, 10, "process_start_time_seconds 9\nrequests{code=\"200\"} 20\nrequests{code=\"500\"} 9000\n");
    assert_p(fixture, TRAFFIC, 2); // the fall is a reset as usual
}

static void a_counter_without_any_step_is_warming_up(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "queue 1\n");
    fail_scrape(fixture, 10);
    scrape(fixture, 20, "queue 1\nrequests 500\n");
    assert_missing(fixture, TRAFFIC, TEND_MISSING_WARMING_UP);
    scrape(fixture, 30, "queue 1\nrequests 530\n");
    assert_p(fixture, TRAFFIC, 1); // 30 in the 30 s from the first scrape of the window
}

static void a_birth_is_still_known_when_its_scrape_is_no_longer_the_newest(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "queue 1\n");
    scrape(fixture, 10, "queue 1\nrequests 20\n");
    scrape(fixture, 20, "queue 1\nrequests 40\n");
    assert_p(fixture, TRAFFIC, 2);
    scrape(fixture, 65, "queue 1\nrequests 150\n"); // the window begins with the scrape at 10: that is the base now
    assert_p(fixture, TRAFFIC, 130.0 / 55.0);
}

static void counters_no_older_than_the_window_count(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "requests 0\n");
    scrape(fixture, 50, "requests 1000\n");
    scrape(fixture, 60, "requests 1020\n"); // 0 is not after 60 - 60
    assert_p(fixture, TRAFFIC, 2);
}

static void a_rate_goes_on_while_one_of_its_series_is_there(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "requests{code=\"200\"} 100\nrequests{code=\"404\"} 7\n");
    scrape(fixture, 10, "requests{code=\"200\"} 120\nrequests{code=\"404\"} 17\n");
    scrape(fixture, 20, "requests{code=\"200\"} 140\n");
    assert_p(fixture, TRAFFIC, 2.5); // 40 + 10 in 20 s
    scrape(fixture, 30, "queue 1\n");
    assert_missing(fixture, TRAFFIC, TEND_MISSING_SERIES_GONE);
}

static void a_counter_that_moves_not_at_all_has_the_rate_zero(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "requests 100\n");
    scrape(fixture, 10, "requests 100\n");
    assert_p(fixture, TRAFFIC, 0);
}

// ---- causes

static void a_failed_scrape_is_the_cause_for_all_but_up_and_duration(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "queue 1\nrequests 1\n");
    scrape(fixture, 10, "queue 1\nrequests 1\n");
    fail_scrape(fixture, 20);
    for (size_t def = QUEUE; def < DEF_COUNT; def++) {
        if (def != ALIVE) {
            assert_missing(fixture, def, TEND_MISSING_SCRAPE_FAILED);
        }
    }
    assert_p(fixture, UP, 0);
    assert_p(fixture, ALIVE, 0);
    assert_p(fixture, DURATION, 2);
}

static void a_malformed_body_is_a_bad_payload(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "queue 1\n");
    fail_scrape_of(&fixture->instances[0], 10, TEND_SCRAPE_PARSE);
    assert_missing(fixture, QUEUE, TEND_MISSING_BAD_PAYLOAD);
    assert_p(fixture, UP, 0);
}

static void a_series_that_never_was_is_no_series(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "queue 1\n");
    scrape(fixture, 10, "queue 1\n");
    assert_missing(fixture, TRAFFIC, TEND_MISSING_NO_SERIES);
    assert_missing(fixture, LATENCY, TEND_MISSING_NO_SERIES);
    assert_missing(fixture, P50, TEND_MISSING_NO_SERIES);
    assert_missing(fixture, ERRORS, TEND_MISSING_NO_SERIES);
    assert_missing(fixture, MEMORY, TEND_MISSING_NO_SERIES);
    assert_missing(fixture, AGE, TEND_MISSING_NO_SERIES);
}

static void without_a_scrape_everything_is_warming_up(void **state)
{
    struct fixture *fixture = *state;
    for (size_t def = 0; def < DEF_COUNT; def++) {
        assert_missing(fixture, def, TEND_MISSING_WARMING_UP);
    }
}

static void a_newest_scrape_older_than_the_window_is_warming_up(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "queue 1\n");
    enum tend_missing missing = TEND_HAS_DATA;
    assert_true(isnan(p_at(fixture, 61, QUEUE, &missing)));
    assert_int_equal(missing, TEND_MISSING_WARMING_UP);
}

static void after_a_cut_only_newer_scrapes_count(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "queue 1\nrequests 0\n");
    scrape(fixture, 10, "queue 1\nrequests 100\n");
    tend_series_window_cut(fixture->instances[0].window, 10000);
    assert_missing(fixture, UP, TEND_MISSING_WARMING_UP);
    assert_missing(fixture, QUEUE, TEND_MISSING_WARMING_UP);
    scrape(fixture, 20, "queue 5\nrequests 110\n");
    assert_p(fixture, UP, 1);
    assert_p(fixture, QUEUE, 5);
    assert_missing(fixture, TRAFFIC, TEND_MISSING_WARMING_UP);
    scrape(fixture, 30, "queue 5\nrequests 130\n");
    assert_p(fixture, TRAFFIC, 2);
}

static void fewer_scrapes_than_asked_for_are_too_few(void **state)
{
    struct fixture *fixture = *state;
    fixture->defs[QUEUE].min_samples = 3;
    fixture->defs[UP].min_samples = 3; // does not count: one scrape tells
    scrape(fixture, 0, "queue 1\n");
    scrape(fixture, 10, "queue 2\n");
    assert_missing(fixture, QUEUE, TEND_MISSING_TOO_FEW_SAMPLES);
    assert_p(fixture, UP, 1);
    scrape(fixture, 20, "queue 3\n");
    assert_p(fixture, QUEUE, 2);
}

static void values_that_no_arithmetic_can_use_are_a_bad_payload(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "queue +Inf\n");
    scrape(fixture, 10, "queue -Inf\n");
    assert_missing(fixture, QUEUE, TEND_MISSING_BAD_PAYLOAD);
}

// ---- means, quantiles, shares

static void a_mean_is_the_increase_of_the_sum_over_that_of_the_count(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "latency_sum 100\nlatency_count 10\n");
    scrape(fixture, 10, "latency_sum 106\nlatency_count 14\n");
    assert_p(fixture, LATENCY, 1.5);
}

static void a_mean_of_nothing_is_no_traffic(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "latency_sum 100\nlatency_count 10\n");
    scrape(fixture, 10, "latency_sum 100\nlatency_count 10\n");
    assert_missing(fixture, LATENCY, TEND_MISSING_NO_TRAFFIC);
}

static void a_share_of_errors_without_a_series_of_errors_is_zero(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "requests{code=\"200\"} 100\n");
    assert_missing(fixture, ERRORS, TEND_MISSING_WARMING_UP);
    scrape(fixture, 10, "requests{code=\"200\"} 110\n");
    assert_p(fixture, ERRORS, 0);
    scrape(fixture, 70, "requests{code=\"200\"} 110\n");
    scrape(fixture, 80, "requests{code=\"200\"} 110\n");
    assert_missing(fixture, ERRORS, TEND_MISSING_NO_TRAFFIC);
}

static void a_share_of_gauges_takes_the_newest_values(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "memory_used 10\nmemory_max 200\n");
    scrape(fixture, 10, "memory_used 50\nmemory_max 200\n");
    assert_p(fixture, MEMORY, 0.25);
    scrape(fixture, 20, "memory_max 200\n");
    assert_missing(fixture, MEMORY, TEND_MISSING_SERIES_GONE);
    scrape(fixture, 30, "memory_used 50\nmemory_max 0\n");
    assert_missing(fixture, MEMORY, TEND_MISSING_NO_TRAFFIC);
}

static void a_share_of_a_rate_over_a_gauge_is_per_second(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "requests 0\nconnections 5\n");
    scrape(fixture, 10, "requests 200\nconnections 10\n");
    assert_p(fixture, PER_CONN, 2); // 20 per second over 10
}

static const char *const buckets_before = "latency_bucket{le=\"0.1\"} 5\nlatency_bucket{le=\"0.2\"} 5\n"
                                          "latency_bucket{le=\"+Inf\"} 5\n";

static void a_quantile_interpolates_in_the_increases(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, buckets_before);
    scrape(fixture, 10, "latency_bucket{le=\"0.1\"} 6\nlatency_bucket{le=\"0.2\"} 9\nlatency_bucket{le=\"+Inf\"} 9\n");
    // increases 1, 4, 4: rank 2 is the first of three in 0.1 … 0.2
    assert_p(fixture, P50, 0.1 + (0.2 - 0.1) * (1.0 / 3.0));
    scrape(fixture, 65, buckets_before);
    scrape(fixture, 75, buckets_before);
    scrape(fixture, 130, buckets_before);
    assert_missing(fixture, P50, TEND_MISSING_NO_TRAFFIC);
}

static void buckets_of_several_series_are_added_by_their_bound(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0,
           "latency_bucket{le=\"1\"} 0\nlatency_bucket{le=\"+Inf\"} 0\n"
           "latency_bucket{h=\"b\",le=\"1.0\"} 0\nlatency_bucket{h=\"b\",le=\"+Inf\"} 0\n");
    scrape(fixture, 10,
           "latency_bucket{le=\"1\"} 1\nlatency_bucket{le=\"+Inf\"} 1\n"
           "latency_bucket{h=\"b\",le=\"1.0\"} 3\nlatency_bucket{h=\"b\",le=\"+Inf\"} 3\n");
    assert_p(fixture, P50, 0.5);
    assert_int_equal(fixture->instances[0].parts[P50].buckets->count, 2);
}

static void a_histogram_without_its_last_bucket_has_no_quantile(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "latency_bucket{le=\"1\"} 0\nlatency_bucket{le=\"2\"} 0\n");
    scrape(fixture, 10, "latency_bucket{le=\"1\"} 1\nlatency_bucket{le=\"2\"} 2\n");
    assert_missing(fixture, P50, TEND_MISSING_NO_SERIES);
}

static void over_the_most_buckets_the_widest_are_left_out(void **state)
{
    struct fixture *fixture = *state;
    for (int round = 0; round < 2; round++) {
        static char text[16384];
        size_t used = 0;
        for (int i = 1; i <= 200; i++) {
            used += (size_t)snprintf(text + used, sizeof text - used, "latency_bucket{le=\"%d\"} %d\n", i, round * i);
        }
        snprintf(text + used, sizeof text - used, "latency_bucket{le=\"+Inf\"} %d\n", round * 200);
        scrape(fixture, INT64_C(10) * round, text);
    }
    assert_p(fixture, P50, 100);
    const struct tend_buckets *buckets = fixture->instances[0].parts[P50].buckets;
    assert_int_equal(buckets->count, TEND_BUCKETS_MAX);
    assert_true(buckets->le[TEND_BUCKETS_MAX - 2] == 127 && isinf(buckets->le[TEND_BUCKETS_MAX - 1]));
}

static double quantile(double q, size_t count, const double *les, const double *counts)
{
    struct tend_buckets buckets = { .count = count };
    for (size_t i = 0; i < count; i++) {
        buckets.le[i] = les[i];
        buckets.increase[i] = counts[i];
    }
    return tend_buckets_quantile(&buckets, q);
}

// The cases of PromQL's own tests of histogram_quantile, and of its documentation.
static void quantiles_are_those_of_promql(void **state)
{
    (void)state;
    const double les[] = { 0.1, 0.2, 1, HUGE_VAL };
    const double counts[] = { 50, 70, 110, 120 };
    assert_true(quantile(0, 4, les, counts) == 0);
    assert_true(quantile(0.2, 4, les, counts) == 0.1 * (24.0 / 50.0));
    assert_true(quantile(0.5, 4, les, counts) == 0.1 + (0.2 - 0.1) * (10.0 / 20.0));
    assert_true(quantile(0.8, 4, les, counts) == 0.2 + 0.8 * (26.0 / 40.0));
    assert_true(quantile(0.99, 4, les, counts) == 1); // in +Inf: the widest finite bound
    assert_true(quantile(1, 4, les, counts) == 1);
    assert_true(quantile(-0.1, 4, les, counts) == -HUGE_VAL);
    assert_true(quantile(1.1, 4, les, counts) == HUGE_VAL);
    assert_true(isnan(quantile(TEND_NO_DATA, 4, les, counts)));
    assert_true(isnan(quantile(0.5, 3, les, counts)));     // no +Inf
    assert_true(isnan(quantile(0.5, 1, les + 3, counts))); // only +Inf
    const double nothing[] = { 0, 0, 0, 0 };
    assert_true(isnan(quantile(0.5, 4, les, nothing)));
    const double negative_les[] = { -0.2, -0.1, 0.3, HUGE_VAL };
    const double negative_counts[] = { 10, 20, 30, 30 };
    assert_true(quantile(0, 4, negative_les, negative_counts) == -0.2); // the first bucket has no lower bound
    assert_true(quantile(0.5, 4, negative_les, negative_counts) == -0.2 + (-0.1 - -0.2) * (5.0 / 10.0));
    const double falling[] = { 50, 40, 110, 100 };
    assert_true(quantile(0.5, 4, les, falling) == 0.2 + 0.8 * (5.0 / 60.0)); // levelled to 50, 50, 110, 110
}

// ---- age, up, duration

static void an_age_is_the_wall_time_since_the_newest_timestamp(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 100, "last_success{job=\"a\"} 1700000040\nlast_success{job=\"b\"} 1700000070\n");
    assert_p(fixture, AGE, 30); // wall time is 1700000100
    scrape(fixture, 110, "last_success{job=\"a\"} 1700000200\n");
    assert_p(fixture, AGE, 0); // clocks differ: not from the future
}

static void up_is_one_after_a_good_scrape_and_the_gauge_where_there_is_one(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "redis_up 0\n");
    assert_p(fixture, UP, 1);
    assert_p(fixture, ALIVE, 0);
    scrape(fixture, 10, "redis_up 1\n");
    assert_p(fixture, ALIVE, 1);
    scrape(fixture, 20, "queue 1\n");
    assert_missing(fixture, ALIVE, TEND_MISSING_SERIES_GONE);
    fail_scrape(fixture, 30);
    assert_p(fixture, ALIVE, 0);
}

static void up_is_data_from_the_first_failed_scrape_on(void **state)
{
    struct fixture *fixture = *state;
    fail_scrape(fixture, 0);
    assert_p(fixture, UP, 0);
    assert_p(fixture, DURATION, 2);
    assert_missing(fixture, QUEUE, TEND_MISSING_SCRAPE_FAILED);
}

// ---- pooling

static void pooled_means_add_sums_and_counts(void **state)
{
    struct fixture *fixture = *state;
    scrape_of(&fixture->instances[0], 0, "latency_sum 0\nlatency_count 0\n");
    scrape_of(&fixture->instances[0], 10, "latency_sum 100\nlatency_count 100\n"); // busy: 1 s
    scrape_of(&fixture->instances[1], 0, "latency_sum 0\nlatency_count 0\n");
    scrape_of(&fixture->instances[1], 10, "latency_sum 60\nlatency_count 10\n"); // nearly idle: 6 s
    assert_pooled(fixture, LATENCY, 160.0 / 110.0);
}

static void pooled_gauges_are_the_plain_mean_over_instances(void **state)
{
    struct fixture *fixture = *state;
    scrape_of(&fixture->instances[0], 0, "queue 1\n");
    scrape_of(&fixture->instances[0], 10, "queue 3\n");
    scrape_of(&fixture->instances[1], 10, "queue 10\n");
    assert_pooled(fixture, QUEUE, 6); // of 2 and 10, however many samples
}

static void pooled_rates_are_per_instance(void **state)
{
    struct fixture *fixture = *state;
    scrape_of(&fixture->instances[0], 0, "requests 0\n");
    scrape_of(&fixture->instances[0], 10, "requests 100\n");
    scrape_of(&fixture->instances[1], 0, "requests 0\n");
    scrape_of(&fixture->instances[1], 10, "requests 20\n");
    assert_pooled(fixture, TRAFFIC, 6);
}

static void pooled_shares_add_numerators_and_denominators(void **state)
{
    struct fixture *fixture = *state;
    scrape_of(&fixture->instances[0], 0, "requests{code=\"500\"} 0\nrequests{code=\"200\"} 0\n");
    scrape_of(&fixture->instances[0], 10, "requests{code=\"500\"} 0\nrequests{code=\"200\"} 96\n");
    scrape_of(&fixture->instances[1], 0, "requests{code=\"500\"} 0\nrequests{code=\"200\"} 0\n");
    scrape_of(&fixture->instances[1], 10, "requests{code=\"500\"} 4\nrequests{code=\"200\"} 0\n");
    assert_pooled(fixture, ERRORS, 0.04);
}

static void pooled_quantiles_add_buckets(void **state)
{
    struct fixture *fixture = *state;
    scrape_of(&fixture->instances[0], 0, "latency_bucket{le=\"1\"} 0\nlatency_bucket{le=\"+Inf\"} 0\n");
    scrape_of(&fixture->instances[0], 10, "latency_bucket{le=\"1\"} 2\nlatency_bucket{le=\"+Inf\"} 2\n");
    scrape_of(&fixture->instances[1], 0, "latency_bucket{le=\"2\"} 0\nlatency_bucket{le=\"+Inf\"} 0\n");
    scrape_of(&fixture->instances[1], 10, "latency_bucket{le=\"2\"} 6\nlatency_bucket{le=\"+Inf\"} 6\n");
    assert_pooled(fixture, P50, 1 + (2 - 1) * (2.0 / 4.0)); // 2 at 1, 6 at 2, 8 in all: rank 4
    assert_int_equal(fixture->total[P50].buckets->count, 3);
}

static void a_pooled_age_is_that_of_the_newest_success(void **state)
{
    struct fixture *fixture = *state;
    scrape_of(&fixture->instances[0], 100, "last_success 1700000010\n");
    scrape_of(&fixture->instances[1], 100, "last_success 1700000095\n");
    assert_pooled(fixture, AGE, 5);
}

static void pooled_up_is_the_share_of_instances(void **state)
{
    struct fixture *fixture = *state;
    scrape_of(&fixture->instances[0], 0, "queue 1\n");
    fail_scrape_of(&fixture->instances[1], 0, TEND_SCRAPE_READ_TIMEOUT);
    assert_pooled(fixture, UP, 0.5);
}

static void instances_without_data_do_not_take_part(void **state)
{
    struct fixture *fixture = *state;
    scrape_of(&fixture->instances[0], 0, "queue 7\n");
    fail_scrape_of(&fixture->instances[1], 0, TEND_SCRAPE_REFUSED);
    assert_pooled(fixture, QUEUE, 7);
}

static void with_no_data_at_all_the_first_cause_stands(void **state)
{
    struct fixture *fixture = *state;
    scrape_of(&fixture->instances[0], 0, "queue 7\n");
    assert_pooled_missing(fixture, TRAFFIC, TEND_MISSING_NO_SERIES); // no series and warming up
    fail_scrape_of(&fixture->instances[1], 0, TEND_SCRAPE_REFUSED);
    assert_pooled_missing(fixture, TRAFFIC, TEND_MISSING_SCRAPE_FAILED);
    tend_parts_reset(&fixture->total[QUEUE]);
    enum tend_missing missing = TEND_HAS_DATA;
    assert_true(isnan(tend_measure_value(&fixture->defs[QUEUE], &fixture->total[QUEUE], &missing)));
    assert_int_equal(missing, TEND_MISSING_TARGET_REMOVED);
}

static void an_idle_instance_does_not_hide_the_busy_one(void **state)
{
    struct fixture *fixture = *state;
    scrape_of(&fixture->instances[0], 0, "latency_sum 5\nlatency_count 5\n");
    scrape_of(&fixture->instances[0], 10, "latency_sum 5\nlatency_count 5\n");
    scrape_of(&fixture->instances[1], 0, "latency_sum 0\nlatency_count 0\n");
    scrape_of(&fixture->instances[1], 10, "latency_sum 8\nlatency_count 4\n");
    assert_missing(fixture, LATENCY, TEND_MISSING_NO_TRAFFIC);
    assert_pooled(fixture, LATENCY, 2);
}

// ---- the whole

static void measuring_allocates_nothing(void **state)
{
    struct fixture *fixture = *state;
    scrape(fixture, 0, "queue 1\nrequests 1\nlatency_sum 1\nlatency_count 1\n");
    scrape(fixture, 10, "queue 1\nrequests 1\nlatency_sum 1\nlatency_count 1\n");
    measure_at(&fixture->instances[0], 10);
    measure_at(&fixture->instances[1], 10);
    const long before = allocations_so_far();
    measure_at(&fixture->instances[0], 10);
    enum tend_missing missing;
    (void)pooled(fixture, LATENCY, &missing);
    assert_int_equal(allocations_so_far(), before);
}

// A target with three counters that are reset, born late and sometimes not scraped, and a plain count of what they
// gain.
struct plain_target {
    double counter[3];
    double before[3]; // -1: not seen yet
    double increase;
    bool previous_good;
    int64_t first_s; // of the good scrapes; 0: none yet
    int64_t last_s;
};

static void scrape_plainly(struct fixture *fixture, struct plain_target *target, int64_t at_s, int64_t born_s)
{
    char text[256] = "queue 1\n";
    size_t used = strlen(text);
    for (int i = 0; i < 3; i++) {
        double *counter = &target->counter[i];
        double *before = &target->before[i];
        *counter = random_below(8) == 0 ? random_below(5) : *counter + random_below(50);
        if (i > 0 && at_s < born_s) {
            continue;
        }
        used += (size_t)snprintf(text + used, sizeof text - used, "requests{i=\"%d\"} %.0f\n", i, *counter);
        if (*before >= 0) {
            target->increase += *counter >= *before ? *counter - *before : *counter;
        } else if (target->previous_good) {
            target->increase += *counter;
        }
        *before = *counter;
    }
    scrape(fixture, at_s, text);
    target->first_s = target->first_s == 0 ? at_s : target->first_s;
    target->last_s = at_s;
    target->previous_good = true;
}

static void random_counters_agree_with_a_plain_sum(void **state)
{
    (void)state;
    seed_random(99);
    for (int run = 0; run < 300; run++) {
        void *own = NULL;
        TEND_ASSERT(setup(&own) == 0 && own != NULL);
        struct plain_target target = { .before = { -1, -1, -1 } };
        for (int64_t at_s = 10; at_s <= 60; at_s += 10) {
            if (random_below(6) == 0) {
                fail_scrape(own, at_s);
                target.previous_good = false;
            } else {
                scrape_plainly(own, &target, at_s, (run % 7) * INT64_C(10));
            }
        }
        if (target.previous_good && target.last_s > target.first_s) {
            assert_p(own, TRAFFIC, target.increase / (double)(target.last_s - target.first_s));
        }
        assert_int_equal(teardown(&own), 0);
    }
}

int main(void)
{
#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        FACT(a_gauge_is_the_mean_of_its_samples_in_the_window),
        FACT(a_gauge_is_the_mean_over_its_series),
        FACT(a_gauge_skips_values_that_are_no_numbers),
        FACT(a_gauge_leaves_out_series_that_are_gone),
        FACT(a_gauge_bridges_a_failed_scrape),
        FACT(a_metric_may_have_a_window_of_its_own),
        FACT(changes_count_how_often_a_value_became_another),
        FACT(changes_are_seen_across_failed_scrapes_and_gaps),
        FACT(one_scrape_tells_of_no_change),
        FACT(changes_of_all_series_count_and_pool_as_their_mean),
        FACT(a_rate_is_the_increase_per_second_between_the_first_and_the_last_scrape),
        FACT(a_rate_sums_over_series),
        FACT(the_first_scrape_gives_no_rate),
        FACT(a_counter_that_fell_began_again_at_zero),
        FACT(values_that_no_counter_can_hold_are_passed_over),
        FACT(a_counter_that_only_ever_is_infinite_gives_no_rate),
        FACT(a_rate_beyond_all_numbers_is_a_bad_payload),
        FACT(a_reset_counts_for_its_own_series_only),
        FACT(a_failed_scrape_between_two_good_ones_is_bridged),
        FACT(a_counter_that_appears_in_a_watched_target_began_at_zero),
        FACT(a_counter_that_appears_after_a_failed_scrape_has_no_known_beginning),
        FACT(a_counter_that_appears_with_a_restart_has_no_known_beginning),
        FACT(a_counter_without_any_step_is_warming_up),
        FACT(a_birth_is_still_known_when_its_scrape_is_no_longer_the_newest),
        FACT(counters_no_older_than_the_window_count),
        FACT(a_rate_goes_on_while_one_of_its_series_is_there),
        FACT(a_counter_that_moves_not_at_all_has_the_rate_zero),
        FACT(a_failed_scrape_is_the_cause_for_all_but_up_and_duration),
        FACT(a_malformed_body_is_a_bad_payload),
        FACT(a_series_that_never_was_is_no_series),
        FACT(without_a_scrape_everything_is_warming_up),
        FACT(a_newest_scrape_older_than_the_window_is_warming_up),
        FACT(after_a_cut_only_newer_scrapes_count),
        FACT(fewer_scrapes_than_asked_for_are_too_few),
        FACT(values_that_no_arithmetic_can_use_are_a_bad_payload),
        FACT(a_mean_is_the_increase_of_the_sum_over_that_of_the_count),
        FACT(a_mean_of_nothing_is_no_traffic),
        FACT(a_share_of_errors_without_a_series_of_errors_is_zero),
        FACT(a_share_of_gauges_takes_the_newest_values),
        FACT(a_share_of_a_rate_over_a_gauge_is_per_second),
        FACT(a_quantile_interpolates_in_the_increases),
        FACT(buckets_of_several_series_are_added_by_their_bound),
        FACT(a_histogram_without_its_last_bucket_has_no_quantile),
        FACT(over_the_most_buckets_the_widest_are_left_out),
        cmocka_unit_test(quantiles_are_those_of_promql),
        FACT(an_age_is_the_wall_time_since_the_newest_timestamp),
        FACT(up_is_one_after_a_good_scrape_and_the_gauge_where_there_is_one),
        FACT(up_is_data_from_the_first_failed_scrape_on),
        FACT(pooled_means_add_sums_and_counts),
        FACT(pooled_gauges_are_the_plain_mean_over_instances),
        FACT(pooled_rates_are_per_instance),
        FACT(pooled_shares_add_numerators_and_denominators),
        FACT(pooled_quantiles_add_buckets),
        FACT(a_pooled_age_is_that_of_the_newest_success),
        FACT(pooled_up_is_the_share_of_instances),
        FACT(instances_without_data_do_not_take_part),
        FACT(with_no_data_at_all_the_first_cause_stands),
        FACT(an_idle_instance_does_not_hide_the_busy_one),
        FACT(measuring_allocates_nothing),
        cmocka_unit_test(random_counters_agree_with_a_plain_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
