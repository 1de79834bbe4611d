// What /metrics says must be read by the parser that tend reads others with.

#include "api/self_metrics.h"
#include "parse/exposition.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static const struct tend_self_metrics counted = {
    .generation = "a\"b\\c\nd",
    .scrapes = { [TEND_SCRAPE_OK] = 90, [TEND_SCRAPE_REFUSED] = 7 },
    .scrapes_late = 2,
    .targets = 5,
    .alerts_firing = 3,
    .outcomes = { { "recovered", 4 }, { "rolled back", 1 } },
    .journal_ok = true,
    .loop_lag_seconds = 0.25,
    .steps = { .counts = { [0] = 7, [4] = 2, [TEND_DURATION_BOUNDS] = 1 }, .sum_s = 1.5 },
    .paused = true,
};

static struct tend_buffer formatted(const struct tend_self_metrics *metrics)
{
    struct tend_buffer text;
    tend_buffer_init(&text);
    tend_self_metrics_format(metrics, &text);
    assert_false(text.failed);
    return text;
}

// The value of the series that is written exactly so, or NaN.
struct wanted {
    const char *series;
    double value;
};

static enum tend_status look_for(void *context, const struct tend_sample *sample)
{
    struct wanted *wanted = context;
    if (strlen(wanted->series) == sample->series_text_bytes &&
        memcmp(wanted->series, sample->series_text, sample->series_text_bytes) == 0) {
        wanted->value = sample->value;
    }
    return TEND_OK;
}

static double value_of(const struct tend_buffer *text, const char *series)
{
    struct wanted wanted = { series, (double)NAN };
    struct tend_parse_error error = { .line = 0 };
    const enum tend_status status = tend_exposition_parse(tend_buffer_text(text), text->size,
                                                          TEND_EXPOSITION_PROMETHEUS, NULL, look_for, &wanted, &error);
    if (status != TEND_OK) {
        fail_msg("line %zu: %s", error.line, error.fault.text);
    }
    return wanted.value;
}

static void what_is_counted_can_be_scraped(void **state)
{
    (void)state;
    struct tend_buffer text = formatted(&counted);
    static const struct wanted facts[] = {
        { "tend_build_info{version=\"" TEND_VERSION "\"}", 1 },
        { "tend_generation_info{generation=\"a\\\"b\\\\c\\nd\"}", 1 },
        { "tend_scrapes_total{result=\"ok\"}", 90 },
        { "tend_scrapes_total{result=\"REFUSED\"}", 7 },
        { "tend_scrapes_total{result=\"PARSE\"}", 0 },
        { "tend_scrapes_late_total", 2 },
        { "tend_scrapes_missed_total", 0 },
        { "tend_targets", 5 },
        { "tend_alerts{state=\"firing\"}", 3 },
        { "tend_runs_total{outcome=\"recovered\"}", 4 },
        { "tend_runs_total{outcome=\"rolled back\"}", 1 },
        { "tend_journal_ok", 1 },
        { "tend_loop_lag_seconds", 0.25 },
        { "tend_step_seconds_bucket{le=\"0.0002\"}", 7 },
        { "tend_step_seconds_bucket{le=\"0.005\"}", 9 },
        { "tend_step_seconds_bucket{le=\"1\"}", 9 },
        { "tend_step_seconds_bucket{le=\"+Inf\"}", 10 },
        { "tend_step_seconds_sum", 1.5 },
        { "tend_step_seconds_count", 10 },
        { "tend_scrape_start_delay_seconds_count", 0 },
        { "tend_paused", 1 },
    };
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        assert_true(value_of(&text, facts[i].series) == facts[i].value);
    }
    tend_buffer_clear(&text);
}

static void what_is_not_known_is_left_out(void **state)
{
    (void)state;
    const struct tend_self_metrics unknown = { .generation = "", .loop_lag_seconds = (double)NAN };
    struct tend_buffer text = formatted(&unknown);
    assert_true(isnan(value_of(&text, "tend_loop_lag_seconds")));
    assert_null(strstr(tend_buffer_text(&text), "generation"));
    tend_buffer_clear(&text);
}

static void the_process_tells_about_itself(void **state)
{
    (void)state;
    struct tend_buffer text = formatted(&counted);
    assert_true(value_of(&text, "process_cpu_seconds_total") >= 0);
    assert_true(value_of(&text, "process_resident_memory_bytes") > 100000);
    const double age_s = (double)time(NULL) - value_of(&text, "process_start_time_seconds");
    assert_true(age_s > -5 && age_s < 600); // this test's process is young
    const double open_before = value_of(&text, "process_open_fds");
    tend_buffer_clear(&text);
    const int fd = dup(0);
    text = formatted(&counted);
    assert_true(value_of(&text, "process_open_fds") == open_before + 1);
    (void)close(fd);
    tend_buffer_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_counted_can_be_scraped),
        cmocka_unit_test(what_is_not_known_is_left_out),
        cmocka_unit_test(the_process_tells_about_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
