// An alert's states, and what each verdict under each policy makes of them.

#include "alert/alert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define OUT TEND_VERDICT_OUT
#define IN TEND_VERDICT_IN_LINE
#define UNKNOWN TEND_VERDICT_UNKNOWN
#define ERROR TEND_VERDICT_ERROR

static const struct tend_alert_times half_minute = { .fire_after_ms = 30000, .clear_after_ms = 30000 };
static const struct tend_alert_times at_once = { .fire_after_ms = 0, .clear_after_ms = 0 };

static struct tend_alert inactive(void)
{
    return (struct tend_alert){ .clear_since_ms = TEND_ALERT_NEVER };
}

// Pending since 0.
static struct tend_alert pending(void)
{
    struct tend_alert alert = inactive();
    assert_int_equal(tend_alert_take(&alert, &half_minute, OUT, 0), TEND_ALERT_BEGAN);
    return alert;
}

// Fired at 30 000.
static struct tend_alert firing(void)
{
    struct tend_alert alert = pending();
    assert_int_equal(tend_alert_take(&alert, &half_minute, OUT, 30000), TEND_ALERT_FIRED);
    return alert;
}

static void each_verdict_under_each_policy_moves_each_state_as_the_table_says(void **state)
{
    (void)state;
    static const struct {
        enum tend_alert_state from;
        enum tend_verdict verdict;
        enum tend_missing_policy missing;
        enum tend_alert_state to;
        enum tend_alert_change change;
    } table[] = {
        { TEND_ALERT_INACTIVE, OUT, TEND_MISSING_HOLD, TEND_ALERT_PENDING, TEND_ALERT_BEGAN },
        { TEND_ALERT_INACTIVE, IN, TEND_MISSING_HOLD, TEND_ALERT_INACTIVE, TEND_ALERT_SAME },
        { TEND_ALERT_INACTIVE, UNKNOWN, TEND_MISSING_HOLD, TEND_ALERT_INACTIVE, TEND_ALERT_SAME },
        { TEND_ALERT_INACTIVE, UNKNOWN, TEND_MISSING_WARN, TEND_ALERT_PENDING, TEND_ALERT_BEGAN },
        { TEND_ALERT_INACTIVE, UNKNOWN, TEND_MISSING_ACT, TEND_ALERT_PENDING, TEND_ALERT_BEGAN },
        { TEND_ALERT_INACTIVE, ERROR, TEND_MISSING_HOLD, TEND_ALERT_INACTIVE, TEND_ALERT_SAME },
        { TEND_ALERT_INACTIVE, ERROR, TEND_MISSING_WARN, TEND_ALERT_INACTIVE, TEND_ALERT_SAME },
        { TEND_ALERT_INACTIVE, ERROR, TEND_MISSING_ACT, TEND_ALERT_INACTIVE, TEND_ALERT_SAME },
        { TEND_ALERT_PENDING, OUT, TEND_MISSING_HOLD, TEND_ALERT_FIRING, TEND_ALERT_FIRED },
        { TEND_ALERT_PENDING, IN, TEND_MISSING_HOLD, TEND_ALERT_INACTIVE, TEND_ALERT_ENDED },
        { TEND_ALERT_PENDING, UNKNOWN, TEND_MISSING_HOLD, TEND_ALERT_INACTIVE, TEND_ALERT_ENDED },
        { TEND_ALERT_PENDING, UNKNOWN, TEND_MISSING_WARN, TEND_ALERT_FIRING, TEND_ALERT_FIRED },
        { TEND_ALERT_PENDING, UNKNOWN, TEND_MISSING_ACT, TEND_ALERT_FIRING, TEND_ALERT_FIRED },
        { TEND_ALERT_PENDING, ERROR, TEND_MISSING_HOLD, TEND_ALERT_INACTIVE, TEND_ALERT_ENDED },
        { TEND_ALERT_PENDING, ERROR, TEND_MISSING_WARN, TEND_ALERT_INACTIVE, TEND_ALERT_ENDED },
        { TEND_ALERT_PENDING, ERROR, TEND_MISSING_ACT, TEND_ALERT_INACTIVE, TEND_ALERT_ENDED },
        { TEND_ALERT_FIRING, OUT, TEND_MISSING_HOLD, TEND_ALERT_FIRING, TEND_ALERT_SAME },
        { TEND_ALERT_FIRING, IN, TEND_MISSING_HOLD, TEND_ALERT_FIRING, TEND_ALERT_SAME }, // until it has lasted
        { TEND_ALERT_FIRING, UNKNOWN, TEND_MISSING_HOLD, TEND_ALERT_FIRING, TEND_ALERT_SAME },
        { TEND_ALERT_FIRING, UNKNOWN, TEND_MISSING_WARN, TEND_ALERT_FIRING, TEND_ALERT_SAME },
        { TEND_ALERT_FIRING, UNKNOWN, TEND_MISSING_ACT, TEND_ALERT_FIRING, TEND_ALERT_SAME },
        { TEND_ALERT_FIRING, ERROR, TEND_MISSING_HOLD, TEND_ALERT_FIRING, TEND_ALERT_SAME },
        { TEND_ALERT_FIRING, ERROR, TEND_MISSING_WARN, TEND_ALERT_FIRING, TEND_ALERT_SAME },
        { TEND_ALERT_FIRING, ERROR, TEND_MISSING_ACT, TEND_ALERT_FIRING, TEND_ALERT_SAME },
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct tend_alert alert = table[i].from == TEND_ALERT_INACTIVE  ? inactive()
                                  : table[i].from == TEND_ALERT_PENDING ? pending()
                                                                        : firing();
        struct tend_alert_times times = half_minute;
        times.missing = table[i].missing;
        const enum tend_alert_change change = tend_alert_take(&alert, &times, table[i].verdict, 45000);
        if (change != table[i].change || alert.state != table[i].to) {
            fail_msg("row %zu: state %d, change %d", i, (int)alert.state, (int)change);
        }
    }
}

static void without_fire_after_the_first_sample_out_of_line_fires(void **state)
{
    (void)state;
    struct tend_alert alert = inactive();
    assert_int_equal(tend_alert_take(&alert, &at_once, OUT, 7000), TEND_ALERT_FIRED);
    assert_int_equal(alert.since_ms, 7000);
    assert_int_equal(alert.began_ms, 7000);
}

static void without_clear_after_the_first_sample_in_line_resolves(void **state)
{
    (void)state;
    struct tend_alert alert = firing();
    assert_int_equal(tend_alert_take(&alert, &at_once, IN, 31000), TEND_ALERT_RESOLVED);
    assert_int_equal(alert.state, TEND_ALERT_INACTIVE);
}

static void it_fires_at_the_sample_that_completes_fire_after_and_not_before(void **state)
{
    (void)state;
    struct tend_alert alert = pending();
    assert_int_equal(tend_alert_take(&alert, &half_minute, OUT, 15000), TEND_ALERT_SAME);
    assert_int_equal(tend_alert_take(&alert, &half_minute, OUT, 29949), TEND_ALERT_SAME);
    assert_int_equal(tend_alert_take(&alert, &half_minute, OUT, 29950), TEND_ALERT_FIRED); // half a slot early counts
    assert_int_equal(alert.since_ms, 29950);
    assert_int_equal(alert.began_ms, 0);
}

static void a_gap_restarts_the_count(void **state)
{
    (void)state;
    struct tend_alert alert = pending();
    assert_int_equal(tend_alert_take(&alert, &half_minute, UNKNOWN, 15000), TEND_ALERT_ENDED);
    assert_int_equal(tend_alert_take(&alert, &half_minute, OUT, 30000), TEND_ALERT_BEGAN);
    assert_int_equal(tend_alert_take(&alert, &half_minute, OUT, 45000), TEND_ALERT_SAME);
    assert_int_equal(tend_alert_take(&alert, &half_minute, OUT, 60000), TEND_ALERT_FIRED);
}

static void a_time_without_verdicts_restarts_the_count_too(void **state)
{
    (void)state;
    struct tend_alert alert = pending();
    assert_int_equal(tend_alert_gap(&alert), TEND_ALERT_ENDED);
    assert_int_equal(alert.state, TEND_ALERT_INACTIVE);
    assert_int_equal(tend_alert_gap(&alert), TEND_ALERT_SAME);
}

static void it_resolves_at_the_sample_that_completes_clear_after_and_not_before(void **state)
{
    (void)state;
    struct tend_alert alert = firing();
    assert_int_equal(tend_alert_take(&alert, &half_minute, IN, 45000), TEND_ALERT_SAME);
    assert_int_equal(tend_alert_take(&alert, &half_minute, IN, 60000), TEND_ALERT_SAME);
    assert_int_equal(tend_alert_take(&alert, &half_minute, IN, 75000), TEND_ALERT_RESOLVED);
}

static void out_of_line_again_restarts_the_count_to_resolve(void **state)
{
    (void)state;
    struct tend_alert alert = firing();
    (void)tend_alert_take(&alert, &half_minute, IN, 45000);
    (void)tend_alert_take(&alert, &half_minute, OUT, 60000);
    assert_int_equal(tend_alert_take(&alert, &half_minute, IN, 75000), TEND_ALERT_SAME);
    assert_int_equal(tend_alert_take(&alert, &half_minute, IN, 105000), TEND_ALERT_RESOLVED);
}

static void no_data_restarts_the_count_to_resolve(void **state)
{
    (void)state;
    struct tend_alert alert = firing();
    (void)tend_alert_take(&alert, &half_minute, IN, 45000);
    (void)tend_alert_take(&alert, &half_minute, UNKNOWN, 60000);
    assert_int_equal(tend_alert_take(&alert, &half_minute, IN, 75000), TEND_ALERT_SAME);
    assert_int_equal(tend_alert_take(&alert, &half_minute, IN, 105000), TEND_ALERT_RESOLVED);
}

static void a_time_without_verdicts_restarts_the_count_to_resolve_and_leaves_it_firing(void **state)
{
    (void)state;
    struct tend_alert alert = firing();
    (void)tend_alert_take(&alert, &half_minute, IN, 45000);
    assert_int_equal(tend_alert_gap(&alert), TEND_ALERT_SAME);
    assert_int_equal(tend_alert_take(&alert, &half_minute, IN, 90000), TEND_ALERT_SAME);
    assert_int_equal(alert.state, TEND_ALERT_FIRING);
}

static const struct tend_alert_times warn = { .fire_after_ms = 30000, .missing = TEND_MISSING_WARN };

static void missing_data_warns_and_is_marked_so(void **state)
{
    (void)state;
    struct tend_alert alert = inactive();
    (void)tend_alert_take(&alert, &warn, UNKNOWN, 0);
    assert_int_equal(tend_alert_take(&alert, &warn, UNKNOWN, 30000), TEND_ALERT_FIRED);
    assert_true(alert.by_missing);
}

static void under_the_policy_act_missing_data_is_not_marked(void **state)
{
    (void)state;
    const struct tend_alert_times act = { .fire_after_ms = 30000, .missing = TEND_MISSING_ACT };
    struct tend_alert alert = inactive();
    (void)tend_alert_take(&alert, &act, UNKNOWN, 0);
    assert_int_equal(tend_alert_take(&alert, &act, UNKNOWN, 30000), TEND_ALERT_FIRED);
    assert_false(alert.by_missing);
}

static void one_that_fires_for_a_reason_is_not_marked_when_data_goes_missing(void **state)
{
    (void)state;
    struct tend_alert alert = firing();
    (void)tend_alert_take(&alert, &warn, UNKNOWN, 45000);
    assert_false(alert.by_missing);
}

static void time_without_data_does_not_count_towards_a_firing_that_may_act(void **state)
{
    (void)state;
    struct tend_alert alert = inactive();
    (void)tend_alert_take(&alert, &warn, UNKNOWN, 0);
    (void)tend_alert_take(&alert, &warn, UNKNOWN, 15000);
    assert_int_equal(tend_alert_take(&alert, &warn, OUT, 30000), TEND_ALERT_FIRED);
    assert_true(alert.by_missing); // one sample out of line is not the 30 s that acting wants
}

static void a_warning_of_missing_data_fires_anew_once_data_has_been_out_of_line_long_enough(void **state)
{
    (void)state;
    struct tend_alert alert = inactive();
    (void)tend_alert_take(&alert, &warn, UNKNOWN, 0);
    (void)tend_alert_take(&alert, &warn, UNKNOWN, 30000);
    assert_int_equal(tend_alert_take(&alert, &warn, OUT, 45000), TEND_ALERT_SAME);
    assert_true(alert.by_missing);
    assert_int_equal(tend_alert_take(&alert, &warn, OUT, 60000), TEND_ALERT_SAME);
    assert_int_equal(tend_alert_take(&alert, &warn, OUT, 75000), TEND_ALERT_FIRED);
    assert_false(alert.by_missing);
    assert_int_equal(alert.since_ms, 75000);
}

static void a_warning_of_missing_data_stays_one_while_it_waits_to_resolve(void **state)
{
    (void)state;
    struct tend_alert_times times = warn;
    times.clear_after_ms = 30000;
    struct tend_alert alert = inactive();
    (void)tend_alert_take(&alert, &times, UNKNOWN, 0);
    (void)tend_alert_take(&alert, &times, UNKNOWN, 30000);
    (void)tend_alert_take(&alert, &times, IN, 45000);
    assert_int_equal(alert.state, TEND_ALERT_FIRING);
    assert_true(alert.by_missing);
    assert_int_equal(tend_alert_take(&alert, &times, IN, 75000), TEND_ALERT_RESOLVED);
    assert_false(alert.by_missing);
}

static void the_latch_is_set_at_one_and_let_go_below_clear_below(void **state)
{
    (void)state;
    assert_false(tend_latch(false, 0.99, 0.5));
    assert_true(tend_latch(false, 1.0, 0.5));
    assert_true(tend_latch(true, 0.5, 0.5));
    assert_false(tend_latch(true, 0.49, 0.5));
    assert_false(tend_latch(false, 0.5, 0.5));
}

static void no_data_keeps_the_latch(void **state)
{
    (void)state;
    assert_true(tend_latch(true, TEND_NO_DATA, 0.5));
    assert_false(tend_latch(false, TEND_NO_DATA, 0.5));
}

static void states_have_names(void **state)
{
    (void)state;
    assert_string_equal(tend_alert_state_text(TEND_ALERT_INACTIVE), "inactive");
    assert_string_equal(tend_alert_state_text(TEND_ALERT_PENDING), "pending");
    assert_string_equal(tend_alert_state_text(TEND_ALERT_FIRING), "firing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_verdict_under_each_policy_moves_each_state_as_the_table_says),
        cmocka_unit_test(without_fire_after_the_first_sample_out_of_line_fires),
        cmocka_unit_test(without_clear_after_the_first_sample_in_line_resolves),
        cmocka_unit_test(it_fires_at_the_sample_that_completes_fire_after_and_not_before),
        cmocka_unit_test(a_gap_restarts_the_count),
        cmocka_unit_test(a_time_without_verdicts_restarts_the_count_too),
        cmocka_unit_test(it_resolves_at_the_sample_that_completes_clear_after_and_not_before),
        cmocka_unit_test(out_of_line_again_restarts_the_count_to_resolve),
        cmocka_unit_test(no_data_restarts_the_count_to_resolve),
        cmocka_unit_test(a_time_without_verdicts_restarts_the_count_to_resolve_and_leaves_it_firing),
        cmocka_unit_test(missing_data_warns_and_is_marked_so),
        cmocka_unit_test(under_the_policy_act_missing_data_is_not_marked),
        cmocka_unit_test(one_that_fires_for_a_reason_is_not_marked_when_data_goes_missing),
        cmocka_unit_test(time_without_data_does_not_count_towards_a_firing_that_may_act),
        cmocka_unit_test(a_warning_of_missing_data_fires_anew_once_data_has_been_out_of_line_long_enough),
        cmocka_unit_test(a_warning_of_missing_data_stays_one_while_it_waits_to_resolve),
        cmocka_unit_test(the_latch_is_set_at_one_and_let_go_below_clear_below),
        cmocka_unit_test(no_data_keeps_the_latch),
        cmocka_unit_test(states_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
