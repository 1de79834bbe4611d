// The gate: each reason not to begin a run or a step, their order, and the pause after a failed run.

#include "playbook/limits.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct tend_limits charter(void)
{
    return (struct tend_limits){ .at_once = 1,
                                 .share = 0.1,
                                 .min_healthy = 1,
                                 .per_hour = 5,
                                 .cooldown_ms = 300000,
                                 .attempts = 3,
                                 .confidence = 0.8 };
}

// Nothing speaks against a run.
static struct tend_gate open_gate(void)
{
    return (struct tend_gate){ .now_ms = 1000000,
                               .confidence = 0.9,
                               .cooldown_until_ms = INT64_MIN,
                               .backoff_until_ms = INT64_MIN,
                               .fleet_at_once = (double)NAN,
                               .fleet_per_hour = (double)NAN };
}

static enum tend_refusal refusal(const struct tend_gate *gate)
{
    const struct tend_limits limits = charter();
    return tend_limits_refuse_run(&limits, gate);
}

static void a_run_begins_when_nothing_speaks_against_it(void **state)
{
    (void)state;
    const struct tend_gate gate = open_gate();
    assert_int_equal(refusal(&gate), TEND_REFUSAL_NONE);
}

static void each_condition_alone_refuses_a_run(void **state)
{
    (void)state;
    struct tend_gate gates[14];
    for (size_t i = 0; i < 14; i++) {
        gates[i] = open_gate();
    }
    gates[0].paused = true;
    gates[1].journal_failed = true;
    gates[2].blind = true;
    gates[3].in_grace = true;
    gates[4].breaker_open = true;
    gates[5].confidence = 0.79;
    gates[6].attempts = 3;
    gates[7].cooldown_until_ms = 1000001;
    gates[8].backoff_until_ms = 1000001;
    gates[9].runs_last_hour = 5;
    gates[10].fleet_runs_last_hour = 12;
    gates[10].fleet_per_hour = 12;
    gates[11].runs_now = 1;
    gates[12].fleet_runs_now = 2;
    gates[12].fleet_at_once = 2;
    gates[13].dependency_in_run = true;
    static const enum tend_refusal expected[14] = {
        TEND_REFUSAL_PAUSED,  TEND_REFUSAL_JOURNAL,    TEND_REFUSAL_BLIND,    TEND_REFUSAL_GRACE,
        TEND_REFUSAL_BREAKER, TEND_REFUSAL_CONFIDENCE, TEND_REFUSAL_ATTEMPTS, TEND_REFUSAL_COOLDOWN,
        TEND_REFUSAL_BACKOFF, TEND_REFUSAL_PER_HOUR,   TEND_REFUSAL_PER_HOUR, TEND_REFUSAL_AT_ONCE,
        TEND_REFUSAL_AT_ONCE, TEND_REFUSAL_DEPENDENCY,
    };
    for (size_t i = 0; i < 14; i++) {
        if (refusal(&gates[i]) != expected[i]) {
            fail_msg("condition %zu: %s", i, tend_refusal_text(refusal(&gates[i])));
        }
    }
}

static void just_within_each_limit_a_run_begins(void **state)
{
    (void)state;
    struct tend_gate gate = open_gate();
    gate.confidence = 0.8;
    gate.attempts = 2;
    gate.cooldown_until_ms = gate.backoff_until_ms = 1000000;
    gate.runs_last_hour = 4;
    gate.fleet_runs_last_hour = 11;
    gate.fleet_per_hour = 12;
    gate.fleet_runs_now = 1;
    gate.fleet_at_once = 2;
    assert_int_equal(refusal(&gate), TEND_REFUSAL_NONE);
}

static void a_confidence_that_is_no_number_refuses(void **state)
{
    (void)state;
    struct tend_gate gate = open_gate();
    gate.confidence = (double)NAN;
    assert_int_equal(refusal(&gate), TEND_REFUSAL_CONFIDENCE);
}

static void a_service_is_single_flight_whatever_at_once_says(void **state)
{
    (void)state;
    struct tend_limits limits = charter();
    limits.at_once = 10;
    struct tend_gate gate = open_gate();
    gate.runs_now = 1;
    assert_int_equal(tend_limits_refuse_run(&limits, &gate), TEND_REFUSAL_AT_ONCE);
}

static void at_once_zero_forbids_every_run(void **state)
{
    (void)state;
    struct tend_limits limits = charter();
    limits.at_once = 0;
    const struct tend_gate gate = open_gate();
    assert_int_equal(tend_limits_refuse_run(&limits, &gate), TEND_REFUSAL_AT_ONCE);
}

static void what_a_person_did_is_said_before_what_is_wrong_with_the_world(void **state)
{
    (void)state;
    struct tend_gate gate = open_gate();
    gate.paused = gate.journal_failed = gate.blind = gate.breaker_open = true;
    assert_int_equal(refusal(&gate), TEND_REFUSAL_PAUSED);
    gate.paused = false;
    assert_int_equal(refusal(&gate), TEND_REFUSAL_JOURNAL);
    gate.journal_failed = false;
    assert_int_equal(refusal(&gate), TEND_REFUSAL_BLIND);
}

static void what_time_alone_lifts_holds_and_the_rest_calls_a_person(void **state)
{
    (void)state;
    static const enum tend_refusal holds[] = { TEND_REFUSAL_PAUSED,  TEND_REFUSAL_JOURNAL, TEND_REFUSAL_GRACE,
                                               TEND_REFUSAL_BACKOFF, TEND_REFUSAL_AT_ONCE, TEND_REFUSAL_DEPENDENCY };
    static const enum tend_refusal calls[] = { TEND_REFUSAL_BLIND,    TEND_REFUSAL_BREAKER,  TEND_REFUSAL_CONFIDENCE,
                                               TEND_REFUSAL_ATTEMPTS, TEND_REFUSAL_COOLDOWN, TEND_REFUSAL_PER_HOUR,
                                               TEND_REFUSAL_SHARE,    TEND_REFUSAL_VERSION,  TEND_REFUSAL_MIN_HEALTHY };
    for (size_t i = 0; i < sizeof holds / sizeof holds[0]; i++) {
        assert_true(tend_refusal_is_hold(holds[i]));
    }
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        assert_false(tend_refusal_is_hold(calls[i]));
    }
}

static void each_refusal_has_a_word_of_its_own(void **state)
{
    (void)state;
    for (int i = TEND_REFUSAL_PAUSED; i <= TEND_REFUSAL_VERSION; i++) {
        const char *text = tend_refusal_text((enum tend_refusal)i);
        assert_true(text[0] != '\0');
        assert_string_not_equal(text, "unknown");
        for (int j = TEND_REFUSAL_NONE; j < i; j++) {
            assert_string_not_equal(text, tend_refusal_text((enum tend_refusal)j));
        }
    }
    assert_string_equal(tend_refusal_text(TEND_REFUSAL_NONE), "");
}

static void the_stricter_of_two_limits_holds_field_by_field(void **state)
{
    (void)state;
    const struct tend_limits one = { 1, 0.5, 1, 5, 60000, 3, 0.8 };
    const struct tend_limits other = { 2, 0.1, 2, 4, 30000, 2, 0.9 };
    const struct tend_limits both = tend_limits_stricter(&one, &other);
    assert_true(both.at_once == 1);
    assert_true(both.share == 0.1);
    assert_true(both.min_healthy == 2);
    assert_true(both.per_hour == 4);
    assert_int_equal(both.cooldown_ms, 60000);
    assert_true(both.attempts == 2);
    assert_true(both.confidence == 0.9);
}

static void a_limit_that_is_not_given_changes_nothing(void **state)
{
    (void)state;
    const struct tend_limits none = tend_limits_none();
    const struct tend_limits some = charter();
    const struct tend_limits left = tend_limits_stricter(&none, &some);
    const struct tend_limits right = tend_limits_stricter(&some, &none);
    assert_memory_equal(&left, &some, sizeof some);
    assert_memory_equal(&right, &some, sizeof some);
}

static void limits_that_nobody_gave_refuse_nothing(void **state)
{
    (void)state;
    const struct tend_limits none = tend_limits_none();
    struct tend_gate gate = open_gate();
    gate.confidence = 0;
    gate.attempts = 100;
    gate.runs_last_hour = 100;
    assert_int_equal(tend_limits_refuse_run(&none, &gate), TEND_REFUSAL_NONE);
}

static enum tend_refusal step_refusal(double share, double min_healthy, struct tend_step_gate gate)
{
    struct tend_limits limits = charter();
    limits.share = share;
    limits.min_healthy = min_healthy;
    return tend_limits_refuse_step(&limits, &gate);
}

static void a_share_allows_so_many_instances_at_once_and_no_more(void **state)
{
    (void)state;
    const struct tend_step_gate two_of_twenty = {
        .instances = 20, .serving = 20, .target_serves = true, .acted_on = 1
    };
    assert_int_equal(step_refusal(0.1, 1, two_of_twenty), TEND_REFUSAL_NONE);
    struct tend_step_gate three_of_twenty = two_of_twenty;
    three_of_twenty.acted_on = 2;
    assert_int_equal(step_refusal(0.1, 1, three_of_twenty), TEND_REFUSAL_SHARE);
}

static void a_share_of_few_instances_is_one_of_them(void **state)
{
    (void)state;
    const struct tend_step_gate first = { .instances = 4, .serving = 4, .target_serves = true };
    assert_int_equal(step_refusal(0.1, 1, first), TEND_REFUSAL_NONE);
    struct tend_step_gate second = first;
    second.acted_on = 1;
    assert_int_equal(step_refusal(0.1, 1, second), TEND_REFUSAL_SHARE);
}

static void a_share_is_rounded_down(void **state)
{
    (void)state;
    const struct tend_step_gate second_of_three = {
        .instances = 3, .serving = 3, .target_serves = true, .acted_on = 1
    };
    assert_int_equal(step_refusal(0.5, 1, second_of_three), TEND_REFUSAL_SHARE); // 1.5 instances are 1
}

static void min_healthy_instances_go_on_serving(void **state)
{
    (void)state;
    const struct tend_step_gate three_serve = { .instances = 4, .serving = 3, .target_serves = true };
    assert_int_equal(step_refusal(0.5, 2, three_serve), TEND_REFUSAL_NONE);
    assert_int_equal(step_refusal(0.5, 3, three_serve), TEND_REFUSAL_MIN_HEALTHY);
}

static void the_last_that_serves_is_left_alone(void **state)
{
    (void)state;
    const struct tend_step_gate last = { .instances = 3, .serving = 1, .target_serves = true };
    assert_int_equal(step_refusal(1, 1, last), TEND_REFUSAL_MIN_HEALTHY);
}

static void one_that_does_not_serve_may_be_acted_on_whatever_serves(void **state)
{
    (void)state;
    const struct tend_step_gate dead = { .instances = 1, .serving = 0, .target_serves = false };
    assert_int_equal(step_refusal(0.1, 1, dead), TEND_REFUSAL_NONE);
}

static void the_pause_doubles_with_each_failed_run_up_to_300_s(void **state)
{
    (void)state;
    static const int64_t expected_ms[] = { 0, 10000, 20000, 40000, 80000, 160000, 300000, 300000 };
    for (size_t runs = 0; runs < sizeof expected_ms / sizeof expected_ms[0]; runs++) {
        assert_int_equal(tend_limits_backoff_ms(runs, 500), expected_ms[runs]); // 500 of 1001: no jitter
    }
    assert_int_equal(tend_limits_backoff_ms(1000000, 500), 300000);
}

static void the_pause_is_spread_by_20_percent_either_way(void **state)
{
    (void)state;
    assert_int_equal(tend_limits_backoff_ms(1, 0), 8000);
    assert_int_equal(tend_limits_backoff_ms(1, 1000), 12000);
    assert_int_equal(tend_limits_backoff_ms(1, 1001), 8000);
    for (uint64_t seed = 0; seed < 3000; seed++) {
        const int64_t pause_ms = tend_limits_backoff_ms(6, seed);
        assert_true(pause_ms >= 240000 && pause_ms <= 360000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_begins_when_nothing_speaks_against_it),
        cmocka_unit_test(each_condition_alone_refuses_a_run),
        cmocka_unit_test(just_within_each_limit_a_run_begins),
        cmocka_unit_test(a_confidence_that_is_no_number_refuses),
        cmocka_unit_test(a_service_is_single_flight_whatever_at_once_says),
        cmocka_unit_test(at_once_zero_forbids_every_run),
        cmocka_unit_test(what_a_person_did_is_said_before_what_is_wrong_with_the_world),
        cmocka_unit_test(what_time_alone_lifts_holds_and_the_rest_calls_a_person),
        cmocka_unit_test(each_refusal_has_a_word_of_its_own),
        cmocka_unit_test(the_stricter_of_two_limits_holds_field_by_field),
        cmocka_unit_test(a_limit_that_is_not_given_changes_nothing),
        cmocka_unit_test(limits_that_nobody_gave_refuse_nothing),
        cmocka_unit_test(a_share_allows_so_many_instances_at_once_and_no_more),
        cmocka_unit_test(a_share_of_few_instances_is_one_of_them),
        cmocka_unit_test(a_share_is_rounded_down),
        cmocka_unit_test(min_healthy_instances_go_on_serving),
        cmocka_unit_test(the_last_that_serves_is_left_alone),
        cmocka_unit_test(one_that_does_not_serve_may_be_acted_on_whatever_serves),
        cmocka_unit_test(the_pause_doubles_with_each_failed_run_up_to_300_s),
        cmocka_unit_test(the_pause_is_spread_by_20_percent_either_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
