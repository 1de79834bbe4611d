// A stream played again fires as the alert itself would have, under its own settings and under others.

#include "alert/alert_stream.h"
#include "seeded_random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { OUT = 1, CLEAR = 2, HOLD = 4, FIRED_MAX = 4000, GAP_MS = 25000 };

struct fired {
    size_t count;
    int64_t at_ms[FIRED_MAX], ended_ms[FIRED_MAX];
};

static void note(void *context, int64_t fired_ms, int64_t ended_ms)
{
    struct fired *fired = context;
    assert_true(fired->count < FIRED_MAX);
    fired->at_ms[fired->count] = fired_ms;
    fired->ended_ms[fired->count++] = ended_ms;
}

static const struct tend_alert_settings twenty_seconds = { .times = { .fire_after_ms = 20000, .clear_after_ms = 10000 },
                                                           .gap_ms = GAP_MS,
                                                           .out_bit = OUT,
                                                           .clear_bit = CLEAR,
                                                           .hold_bit = HOLD };

// A sample each ten seconds: 'O' beyond the limit, 'c' beyond clear_below only, '.' beyond neither, 'h' the
// same and a part of the service without data, '?' no data, '!'
// the rule raised, 'z' asleep, ' ' no sample.
static void push_text(struct tend_alert_stream *stream, struct tend_level_table *table, const char *text)
{
    for (int64_t at_ms = 0; *text != '\0'; text++, at_ms += 10000) {
        struct tend_level level = { .kind = TEND_LEVEL_DATA };
        level.beyond = *text == 'O' ? OUT | CLEAR : *text == 'c' ? CLEAR : *text == 'h' ? HOLD : 0;
        level.kind = *text == '?'   ? TEND_LEVEL_UNKNOWN
                     : *text == '!' ? TEND_LEVEL_HELD
                     : *text == 'z' ? TEND_LEVEL_ENDED
                                    : TEND_LEVEL_DATA;
        uint16_t index;
        if (*text != ' ') {
            assert_int_equal(tend_level_table_find(table, level, &index), TEND_OK);
            assert_int_equal(tend_alert_stream_push(stream, at_ms, index, GAP_MS), TEND_OK);
        }
    }
}

static struct fired play_text(const char *text, const struct tend_alert_settings *settings)
{
    struct tend_alert_stream stream = { 0 };
    struct tend_level_table table = { 0 };
    struct fired fired = { 0 };
    push_text(&stream, &table, text);
    tend_alert_stream_play(&stream, &table, settings, note, &fired);
    tend_alert_stream_clear(&stream);
    tend_level_table_clear(&table);
    return fired;
}

static void it_fires_with_the_sample_at_which_fire_after_is_over(void **state)
{
    (void)state;
    const struct fired fired = play_text("..OOOOO....", &twenty_seconds); // out from 20 s on
    assert_int_equal(fired.count, 1);
    assert_int_equal(fired.at_ms[0], 40000);
    assert_int_equal(fired.ended_ms[0], 80000); // in line from 70 s on
}

static void it_does_not_fire_for_less(void **state)
{
    (void)state;
    assert_int_equal(play_text("..OO....OO..", &twenty_seconds).count, 0);
}

static void what_stays_beyond_clear_below_is_one_alarm(void **state)
{
    (void)state;
    assert_int_equal(play_text("OOOccccOOO..", &twenty_seconds).count, 1);
    struct tend_alert_settings near_the_limit = twenty_seconds;
    near_the_limit.clear_bit = OUT; // clear_below = 1
    assert_int_equal(play_text("OOOccccOOO..", &near_the_limit).count, 2);
}

static void what_fires_at_the_end_fires_still(void **state)
{
    (void)state;
    const struct fired fired = play_text("..OOO", &twenty_seconds);
    assert_int_equal(fired.count, 1);
    assert_true(fired.ended_ms[0] == INT64_MAX);
}

static void a_gap_and_no_data_begin_the_wait_anew(void **state)
{
    (void)state;
    assert_int_equal(play_text(".OO  OO.", &twenty_seconds).count, 0); // 30 s between two samples
    assert_int_equal(play_text(".OO?OO..", &twenty_seconds).count, 0);
    assert_int_equal(play_text(".OO!OO..", &twenty_seconds).count, 0);
}

static void what_fires_does_not_end_while_a_part_has_no_data(void **state)
{
    (void)state;
    assert_true(play_text("OOOhhhhhh", &twenty_seconds).ended_ms[0] == INT64_MAX);
    assert_int_equal(play_text("OOOhhhhhh..OOO", &twenty_seconds).count, 2);
    assert_int_equal(play_text("OOOhhhhhh.OOO", &twenty_seconds).count, 1);
    assert_int_equal(play_text("OOhhOOO", &twenty_seconds).count, 1); // what only waits ends
}

static void what_falls_asleep_is_over(void **state)
{
    (void)state;
    const struct fired fired = play_text("OOOOzOOOO", &twenty_seconds);
    assert_int_equal(fired.count, 2);
    assert_int_equal(fired.ended_ms[0], 40000);
}

static void whether_it_fires_is_exact_where_samples_come_at_uneven_times(void **state)
{
    (void)state;
    // Samples at 0, 10, 30 and 40 s in one run: 20 s are over at 30 s; within the run it is told as 26.667 s.
    const struct fired fired = play_text("OO OO.", &twenty_seconds);
    assert_int_equal(fired.count, 1);
    assert_in_range(fired.at_ms[0], 20000, 30000);
    struct tend_alert_settings forty_one = twenty_seconds;
    forty_one.times.fire_after_ms = 41000;
    assert_int_equal(play_text("OO OO.", &forty_one).count, 0);
}

static void runs_of_one_level_are_kept_as_one(void **state)
{
    (void)state;
    struct tend_alert_stream stream = { 0 };
    struct tend_level_table table = { 0 };
    push_text(&stream, &table, "..........OOOO......");
    assert_int_equal(stream.count, 3);
    assert_int_equal(stream.runs[1].first_ms, 100000);
    assert_int_equal(stream.runs[1].span_ms, 30000);
    assert_int_equal(stream.runs[1].count, 4);
    assert_int_equal(table.count, 2);
    tend_alert_stream_clear(&stream);
    tend_level_table_clear(&table);
}

// The state machine itself, a sample at a time.
static struct fired take_each(const char *text, const struct tend_alert_settings *settings)
{
    struct fired fired = { 0 };
    struct tend_alert alert = { .clear_since_ms = TEND_ALERT_NEVER };
    bool latched = false;
    int64_t fired_ms = TEND_ALERT_NEVER;
    int64_t before_ms = TEND_ALERT_NEVER;
    for (int64_t at_ms = 0; *text != '\0'; text++, at_ms += 10000) {
        if (*text == ' ') {
            continue;
        }
        if (before_ms != TEND_ALERT_NEVER && at_ms - before_ms > GAP_MS) {
            (void)tend_alert_gap(&alert);
        }
        before_ms = at_ms;
        enum tend_verdict verdict = *text == '?' ? TEND_VERDICT_UNKNOWN : TEND_VERDICT_ERROR;
        if (*text == 'O' || *text == 'c' || *text == '.') {
            latched = *text == 'O' || (latched && *text == 'c');
            verdict = latched ? TEND_VERDICT_OUT : TEND_VERDICT_IN_LINE;
        }
        const enum tend_alert_change change = tend_alert_take(&alert, &settings->times, verdict, at_ms);
        if (fired_ms != TEND_ALERT_NEVER && (change == TEND_ALERT_FIRED || change == TEND_ALERT_RESOLVED)) {
            note(&fired, fired_ms, at_ms);
            fired_ms = TEND_ALERT_NEVER;
        }
        if (change == TEND_ALERT_FIRED) {
            fired_ms = at_ms;
        }
    }
    if (fired_ms != TEND_ALERT_NEVER) {
        note(&fired, fired_ms, INT64_MAX);
    }
    return fired;
}

static void a_stream_fires_and_ends_just_when_the_state_machine_does(void **state)
{
    (void)state;
    static const char symbols[] = "OOOOcc......?! ";
    static struct fired expected;
    static struct fired played;
    seed_random(20260301);
    for (int trial = 0; trial < 200; trial++) {
        char text[400];
        size_t length = 0;
        while (length < sizeof text - 1) { // runs alike; samples at uneven times are another test's
            const char symbol = symbols[random_below((int)sizeof symbols - 1)];
            for (int n = random_below(8) + (symbol == ' ' ? 3 : 1); n > 0 && length < sizeof text - 1; n--) {
                text[length++] = symbol;
            }
        }
        text[length] = '\0';
        struct tend_alert_settings settings = twenty_seconds;
        settings.times.fire_after_ms = random_below(5) * INT64_C(10000);
        settings.times.clear_after_ms = random_below(5) * INT64_C(10000);
        settings.times.missing = (enum tend_missing_policy)random_below(3);
        expected = take_each(text, &settings);
        played = play_text(text, &settings);
        assert_int_equal(played.count, expected.count);
        assert_memory_equal(played.at_ms, expected.at_ms, expected.count * sizeof *played.at_ms);
        assert_memory_equal(played.ended_ms, expected.ended_ms, expected.count * sizeof *played.ended_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_fires_with_the_sample_at_which_fire_after_is_over),
        cmocka_unit_test(it_does_not_fire_for_less),
        cmocka_unit_test(what_stays_beyond_clear_below_is_one_alarm),
        cmocka_unit_test(what_fires_at_the_end_fires_still),
        cmocka_unit_test(a_gap_and_no_data_begin_the_wait_anew),
        cmocka_unit_test(what_fires_does_not_end_while_a_part_has_no_data),
        cmocka_unit_test(what_falls_asleep_is_over),
        cmocka_unit_test(whether_it_fires_is_exact_where_samples_come_at_uneven_times),
        cmocka_unit_test(runs_of_one_level_are_kept_as_one),
        cmocka_unit_test(a_stream_fires_and_ends_just_when_the_state_machine_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
