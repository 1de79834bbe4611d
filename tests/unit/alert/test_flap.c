// Flapping: when it is seen, how far it lengthens clear_after, and how it is forgotten.

#include "alert/alert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define OUT TEND_VERDICT_OUT
#define IN TEND_VERDICT_IN_LINE
#define MINUTE INT64_C(60000)

static const struct tend_alert_times times = { .fire_after_ms = 0, .clear_after_ms = 60000 };

static struct tend_alert inactive(void)
{
    return (struct tend_alert){ .clear_since_ms = TEND_ALERT_NEVER };
}

// Out for a minute, in line for some; a verdict each minute. @return how often it fired
static unsigned flip(struct tend_alert *alert, int64_t *at_ms, unsigned flips, unsigned in_line_minutes)
{
    unsigned fired = 0;
    for (unsigned i = 0; i < flips; i++) {
        fired += tend_alert_take(alert, &times, OUT, *at_ms) == TEND_ALERT_FIRED;
        *at_ms += MINUTE;
        for (unsigned m = 0; m < in_line_minutes; m++) {
            (void)tend_alert_take(alert, &times, IN, *at_ms);
            *at_ms += MINUTE;
        }
    }
    return fired;
}

static int64_t clear_after_minutes(const struct tend_alert *alert)
{
    return tend_flap_clear_after_ms(&alert->flap, times.clear_after_ms) / MINUTE;
}

static void the_third_firing_within_an_hour_is_flapping(void **state)
{
    (void)state;
    struct tend_alert alert = inactive();
    int64_t at_ms = 0;
    assert_int_equal(flip(&alert, &at_ms, 2, 5), 2);
    assert_int_equal(clear_after_minutes(&alert), 1);
    assert_int_equal(flip(&alert, &at_ms, 1, 0), 1);
    assert_int_equal(clear_after_minutes(&alert), 2);
}

static void three_firings_in_more_than_an_hour_are_not(void **state)
{
    (void)state;
    struct tend_alert alert = inactive();
    int64_t at_ms = 0;
    assert_int_equal(flip(&alert, &at_ms, 5, 30), 5); // every 31 minutes
    assert_int_equal(clear_after_minutes(&alert), 1);
}

static void each_firing_doubles_it_until_it_fires_through_the_pauses(void **state)
{
    (void)state;
    struct tend_alert alert = inactive();
    int64_t at_ms = 0;
    // Pauses of five minutes: three firings make it 2, then 4, then 8 minutes, which no pause lasts.
    assert_int_equal(flip(&alert, &at_ms, 30, 6), 5);
    assert_int_equal(alert.state, TEND_ALERT_FIRING);
    assert_int_equal(clear_after_minutes(&alert), 8);
    assert_int_equal(alert.flap.count, 30); // those that did not fire anew count, too
    char text[TEND_FLAP_TEXT_BYTES];
    assert_string_equal(tend_flap_text(&alert.flap, times.clear_after_ms, 20 * MINUTE, text),
                        "flapping: 30 times in 20m, clears after 8m");
}

static void it_is_never_longer_than_an_hour_unless_the_rule_says_so(void **state)
{
    (void)state;
    struct tend_flap flap = { .level = TEND_FLAP_LEVELS };
    assert_int_equal(tend_flap_clear_after_ms(&flap, 10 * MINUTE), 60 * MINUTE);
    assert_int_equal(tend_flap_clear_after_ms(&flap, 90 * MINUTE), 90 * MINUTE);
    assert_int_equal(tend_flap_clear_after_ms(&flap, 0), 60 * MINUTE);
    flap.level = 1;
    assert_int_equal(tend_flap_clear_after_ms(&flap, 0), 2 * MINUTE); // of what is shorter than a minute a minute
}

static void that_it_is_held_is_said_once_a_pause(void **state)
{
    (void)state;
    struct tend_alert alert = inactive();
    int64_t at_ms = 0;
    (void)flip(&alert, &at_ms, 2, 5);
    assert_int_equal(tend_alert_take(&alert, &times, OUT, at_ms), TEND_ALERT_FIRED);
    assert_int_equal(tend_alert_take(&alert, &times, IN, at_ms + MINUTE), TEND_ALERT_SAME);
    assert_int_equal(tend_alert_take(&alert, &times, IN, at_ms + 2 * MINUTE), TEND_ALERT_DAMPED);
    assert_int_equal(tend_alert_take(&alert, &times, IN, at_ms + 2 * MINUTE + 1000), TEND_ALERT_SAME);
    assert_int_equal(tend_alert_take(&alert, &times, IN, at_ms + 3 * MINUTE), TEND_ALERT_RESOLVED);
    assert_true(tend_flap_is_news(&alert.flap));
    assert_false(tend_flap_is_news(&alert.flap));
}

static void half_an_hour_of_calm_takes_a_doubling_back(void **state)
{
    (void)state;
    struct tend_alert alert = inactive();
    int64_t at_ms = 0;
    (void)flip(&alert, &at_ms, 5, 6); // 8 minutes
    for (int m = 0; m < 10; m++, at_ms += MINUTE) {
        (void)tend_alert_take(&alert, &times, IN, at_ms);
    }
    assert_int_equal(alert.state, TEND_ALERT_INACTIVE);
    at_ms += 65 * MINUTE; // resolved for more than an hour: two doublings less, and the firing adds one
    assert_int_equal(tend_alert_take(&alert, &times, OUT, at_ms), TEND_ALERT_FIRED);
    assert_int_equal(clear_after_minutes(&alert), 4);
    at_ms += 95 * MINUTE; // out without a break is calm, too
    assert_int_equal(tend_alert_take(&alert, &times, OUT, at_ms), TEND_ALERT_SAME);
    (void)tend_alert_take(&alert, &times, IN, at_ms);
    assert_int_equal(clear_after_minutes(&alert), 1);
    assert_int_equal(tend_alert_take(&alert, &times, IN, at_ms + MINUTE), TEND_ALERT_RESOLVED);
}

static void waiting_to_resolve_is_no_calm(void **state)
{
    (void)state;
    struct tend_alert alert = inactive();
    int64_t at_ms = 0;
    (void)flip(&alert, &at_ms, 5, 6);
    (void)flip(&alert, &at_ms, 20, 6); // two hours more of the same
    assert_int_equal(clear_after_minutes(&alert), 8);
}

static void firing_is_never_made_later(void **state)
{
    (void)state;
    struct tend_alert alert = inactive();
    int64_t at_ms = 0;
    (void)flip(&alert, &at_ms, 5, 6);
    for (int m = 0; m < 10; m++, at_ms += MINUTE) {
        (void)tend_alert_take(&alert, &times, IN, at_ms);
    }
    assert_int_equal(alert.state, TEND_ALERT_INACTIVE);
    assert_int_equal(tend_alert_take(&alert, &times, OUT, at_ms), TEND_ALERT_FIRED);
}

static void a_warning_that_turns_real_is_no_flip(void **state)
{
    (void)state;
    static const struct tend_alert_times warns = { .missing = TEND_MISSING_WARN };
    struct tend_alert alert = inactive();
    assert_int_equal(tend_alert_take(&alert, &warns, TEND_VERDICT_UNKNOWN, 0), TEND_ALERT_FIRED);
    assert_int_equal(tend_alert_take(&alert, &warns, OUT, MINUTE), TEND_ALERT_FIRED);
    assert_int_equal(alert.flap.firings, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_third_firing_within_an_hour_is_flapping),
        cmocka_unit_test(three_firings_in_more_than_an_hour_are_not),
        cmocka_unit_test(each_firing_doubles_it_until_it_fires_through_the_pauses),
        cmocka_unit_test(it_is_never_longer_than_an_hour_unless_the_rule_says_so),
        cmocka_unit_test(that_it_is_held_is_said_once_a_pause),
        cmocka_unit_test(half_an_hour_of_calm_takes_a_doubling_back),
        cmocka_unit_test(waiting_to_resolve_is_no_calm),
        cmocka_unit_test(firing_is_never_made_later),
        cmocka_unit_test(a_warning_that_turns_real_is_no_flip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
