// Facts about the baseline: what a metric usually is at this time, learned from its own past.

#include "deviation/baseline.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "deviation/tail.h"
#include "parse/zone.h"
#include "seeded_random.h"

enum { MINUTE = 60, HOUR = 3600, DAY = 86400, WEEK = 7 * DAY };
/// Monday, 2026-03-02, 00:00 UTC.
static const int64_t MONDAY = INT64_C(1772409600);

static const struct tend_baseline_spec of_day = { .season_hours = TEND_BASELINE_DAY_HOURS };
static const struct tend_baseline_spec of_week = { .season_hours = TEND_BASELINE_WEEK_HOURS };
static const struct tend_baseline_spec plain = { .season_hours = 0 };
static const struct tend_baseline_spec judged_week = { .season_hours = TEND_BASELINE_WEEK_HOURS, .detectors = true };
static const struct tend_baseline_spec by_load = { .by_load = true };
static const struct tend_baseline_spec judged_by_load = { .by_load = true, .detectors = true };

static struct tend_baseline *made(struct tend_baseline_spec spec)
{
    struct tend_baseline *baseline;
    assert_int_equal(tend_baseline_create(spec, &baseline), TEND_OK);
    return baseline;
}

static double noise(void)
{
    return random_share() + random_share() + random_share() - 1.5;
}

static double utc_hour(int64_t wall_s)
{
    return (double)((wall_s - MONDAY) % WEEK) / HOUR;
}

/// Learns as the engine does it: what was expected, and how far off it was. Bad is both.
static void learn(struct tend_baseline *baseline, int64_t wall_s, double hour, double value)
{
    const double e = tend_baseline_expect(baseline, hour).e;
    tend_baseline_learn(baseline, wall_s, hour, value, e, isnan(e) || e == 0 ? e : fabs(value - e) / fabs(e));
}

static double trusted_e(const struct tend_baseline *baseline, double hour)
{
    const struct tend_baseline_expected expected = tend_baseline_expect(baseline, hour);
    return expected.trusted ? expected.e : (double)NAN;
}

/// Load as a day has it: 60 at midnight, 140 at noon.
static double day_shape(double hour)
{
    return 100 - 40 * cos(2 * M_PI * hour / 24);
}

static void learn_days(struct tend_baseline *baseline, int from_day, int until_day, double jitter)
{
    for (int64_t s = (int64_t)from_day * DAY; s < (int64_t)until_day * DAY; s += MINUTE) {
        const double hour = utc_hour(MONDAY + s);
        learn(baseline, MONDAY + s, hour, day_shape(hour) + jitter * noise());
    }
}

static void it_costs_four_kilobytes_at_most(void **state)
{
    (void)state;
    assert_true(tend_baseline_bytes(judged_week) <= TEND_BASELINE_BYTES_MAX);
    assert_true(tend_baseline_bytes(of_week) <= 1400);
    assert_true(tend_baseline_bytes(plain) <= 500);
}

static void a_new_one_expects_nothing(void **state)
{
    (void)state;
    struct tend_baseline *baseline = made(of_day);
    assert_true(isnan(tend_baseline_expect(baseline, 12).e));
    assert_false(tend_baseline_expect(baseline, 12).trusted);
    assert_true(tend_baseline_is_due(baseline, 0));
    tend_baseline_destroy(baseline);
}

static void a_day_is_trusted_after_two_of_them(void **state)
{
    (void)state;
    struct tend_baseline *baseline = made(of_day);
    learn_days(baseline, 0, 1, 1);
    assert_true(isfinite(tend_baseline_expect(baseline, 12).e)); // good to learn by
    assert_true(isnan(trusted_e(baseline, 12)));
    learn_days(baseline, 1, 2, 1);
    assert_true(isnan(trusted_e(baseline, 23.5))); // the hour that is under way counts when it is over
    learn_days(baseline, 2, 3, 1);
    for (double hour = 0; hour < 24; hour += 0.25) {
        assert_float_equal(trusted_e(baseline, hour), day_shape(hour), 2);
    }
    tend_baseline_destroy(baseline);
}

static void a_week_is_trusted_after_two_of_them(void **state)
{
    (void)state;
    struct tend_baseline *baseline = made(of_week);
    for (int day = 0; day < 14; day++) {
        assert_true(isnan(trusted_e(baseline, day % 7 * 24 + 12)));
        learn_days(baseline, day, day + 1, 1);
    }
    learn_days(baseline, 14, 15, 1);
    assert_float_equal(trusted_e(baseline, 12), 140, 2);
    assert_float_equal(trusted_e(baseline, 6 * 24 + 0.5), day_shape(0.5), 2);
    assert_true(isfinite(tend_baseline_view(baseline).confidence));
    tend_baseline_destroy(baseline);
}

static void nothing_steps_at_the_full_hour(void **state)
{
    (void)state;
    struct tend_baseline *baseline = made(of_day);
    learn_days(baseline, 0, 4, 0);
    for (int hour = 0; hour < 24; hour++) {
        const double before = trusted_e(baseline, fmod(hour + 24 - 1e-6, 24));
        assert_float_equal(before, trusted_e(baseline, hour), 1e-3);
    }
    tend_baseline_destroy(baseline);
}

static void outliers_teach_little(void **state)
{
    (void)state;
    struct tend_baseline *clean = made(of_day);
    struct tend_baseline *dirty = made(of_day);
    for (int64_t s = 0; s < 6 * DAY; s += MINUTE) {
        const double hour = utc_hour(MONDAY + s);
        const double value = day_shape(hour) + noise();
        learn(clean, MONDAY + s, hour, value);
        learn(dirty, MONDAY + s, hour, s > 600 && s / MINUTE % 50 == 0 ? 1e6 : value); // two in a hundred
    }
    for (double hour = 0; hour < 24; hour += 0.5) {
        assert_float_equal(trusted_e(dirty, hour), trusted_e(clean, hour), 2);
    }
    tend_baseline_destroy(clean);
    tend_baseline_destroy(dirty);
}

static void a_metric_that_never_moves_is_expected_to_stay(void **state)
{
    (void)state;
    struct tend_baseline *baseline = made(of_day);
    for (int64_t s = 0; s < 3 * DAY; s += MINUTE) {
        learn(baseline, MONDAY + s, utc_hour(MONDAY + s), 7);
    }
    assert_true(trusted_e(baseline, 12) == 7);
    assert_true(tend_baseline_reach(baseline) == 0); // so the alpha that is given holds
    assert_true(tend_baseline_view(baseline).scale == 0);
    learn(baseline, MONDAY + 3 * DAY, 0, 8);
    assert_float_equal(trusted_e(baseline, 0), 7, 0.1);
    tend_baseline_destroy(baseline);
}

static void one_that_was_always_zero_can_begin_to_move(void **state)
{
    (void)state;
    struct tend_baseline *baseline = made(plain);
    for (int64_t s = 0; s < DAY; s += MINUTE) {
        tend_baseline_learn(baseline, MONDAY + s, 0, 0, 0, 0);
    }
    for (int64_t s = DAY; s < 15 * DAY; s += MINUTE) {
        tend_baseline_learn(baseline, MONDAY + s, 0, 3, 0, (double)NAN);
    }
    assert_float_equal(tend_baseline_expect(baseline, 0).e, 3, 0.3);
    tend_baseline_destroy(baseline);
}

static void hours_that_were_never_seen_are_not_guessed(void **state)
{
    (void)state;
    struct tend_baseline *baseline = made(of_day);
    for (int64_t s = 0; s < 4 * DAY; s += MINUTE) {
        const double hour = utc_hour(MONDAY + s);
        if (fmod(hour, 24) >= 8 && fmod(hour, 24) < 20) { // it sleeps at night
            learn(baseline, MONDAY + s, hour, day_shape(hour));
        }
    }
    assert_float_equal(trusted_e(baseline, 12), 140, 1);
    assert_true(isnan(tend_baseline_expect(baseline, 3).e));
    assert_true(isnan(tend_baseline_expect(baseline, 20).e));
    assert_true(tend_baseline_view(baseline).confidence <= 0.5);
    tend_baseline_destroy(baseline);
}

static void no_data_and_old_times_teach_nothing(void **state)
{
    (void)state;
    struct tend_baseline *baseline = made(plain);
    learn(baseline, MONDAY, 0, 5);
    learn(baseline, MONDAY + MINUTE, 0, (double)NAN);
    learn(baseline, MONDAY + MINUTE, 0, (double)INFINITY);
    learn(baseline, MONDAY, 0, 6);
    assert_int_equal(tend_baseline_view(baseline).samples, 1);
    assert_false(tend_baseline_is_due(baseline, MONDAY + 59));
    assert_true(tend_baseline_is_due(baseline, MONDAY + 60));
    assert_true(tend_baseline_is_due(baseline, MONDAY - DAY)); // the clock was wrong, and was set right
    tend_baseline_destroy(baseline);
}

static void the_reach_is_what_its_own_history_reaches(void **state)
{
    (void)state;
    struct tend_baseline *calm = made(of_day);
    struct tend_baseline *jittery = made(of_day);
    learn_days(calm, 0, 8, 1);
    learn_days(jittery, 0, 8, 10);
    assert_in_range((int)(1000 * tend_baseline_reach(calm)), 20, 80); // the noise is 1.5 at most, of 60 to 140
    const double ratio = tend_baseline_reach(jittery) / tend_baseline_reach(calm);
    assert_true(ratio > 6 && ratio < 14);
    tend_baseline_destroy(calm);
    tend_baseline_destroy(jittery);
}

static void a_restart_keeps_the_shape_and_learns_the_level(void **state)
{
    (void)state;
    struct tend_baseline *baseline = made(of_day);
    learn_days(baseline, 0, 6, 1);
    const double sure = tend_baseline_view(baseline).confidence;
    tend_baseline_restart(baseline, TEND_BASELINE_FROM_NOTHING);
    assert_true(isnan(tend_baseline_expect(baseline, 0).e));
    for (int64_t s = 6 * DAY; s < 6 * DAY + HOUR; s += MINUTE) {
        const double hour = utc_hour(MONDAY + s);
        learn(baseline, MONDAY + s, hour, 1.5 * (day_shape(hour) + noise()));
    }
    assert_true(fabs(trusted_e(baseline, 1) - 1.5 * day_shape(1)) < 2);
    assert_float_equal(trusted_e(baseline, 12), 210, 4);
    assert_true(tend_baseline_view(baseline).confidence < 0.6 * sure);
    tend_baseline_destroy(baseline);
}

/// A level of 50 more from midnight on: until noon E may be too high, as if all had grown.
static void what_is_added_is_told_from_what_multiplies(void **state)
{
    (void)state;
    struct tend_baseline *baseline = made(of_day);
    learn_days(baseline, 0, 6, 1);
    tend_baseline_restart(baseline, TEND_BASELINE_FROM_NOTHING);
    for (int64_t s = 6 * DAY; s < 7 * DAY; s += MINUTE) {
        const double hour = utc_hour(MONDAY + s);
        const double value = day_shape(hour) + 50 + noise();
        if (s == 6 * DAY + HOUR) {
            assert_true(trusted_e(baseline, 12) > 220); // 110 / 60 of 140 are 257
        } else if (s >= 6 * DAY + 6 * HOUR) {
            assert_float_equal(trusted_e(baseline, hour), day_shape(hour) + 50, 10);
        }
        learn(baseline, MONDAY + s, hour, value);
    }
    for (double hour = 0; hour < 24; hour++) {
        assert_float_equal(trusted_e(baseline, hour), day_shape(hour) + 50, 5);
    }
    tend_baseline_destroy(baseline);
}

/// What an alert keeps from being learned is weighed all the same, once a minute.
static void what_is_not_learned_says_how_the_season_swings(void **state)
{
    (void)state;
    struct tend_baseline *baseline = made(of_day);
    learn_days(baseline, 0, 6, 1);
    tend_baseline_restart(baseline, TEND_BASELINE_FROM_NOTHING);
    for (int64_t s = 6 * DAY; s < 6 * DAY + HOUR; s += MINUTE) {
        learn(baseline, MONDAY + s, utc_hour(MONDAY + s), day_shape(utc_hour(MONDAY + s)) + 50);
    }
    const double off = trusted_e(baseline, 12) - 190;
    assert_true(off > 10);
    for (int64_t s = 6 * DAY + 6 * HOUR; s < 6 * DAY + 8 * HOUR; s += 10) {
        const double hour = utc_hour(MONDAY + s);
        const double before = trusted_e(baseline, 12);
        tend_baseline_weigh(baseline, MONDAY + s, hour, day_shape(hour) + 50);
        assert_true(s % MINUTE == 0 || trusted_e(baseline, 12) == before);
    }
    assert_true(fabs(trusted_e(baseline, 12) - 190) < 0.2 * off);
    tend_baseline_destroy(baseline);
}

static void after_a_deploy_it_goes_on_from_the_old_level(void **state)
{
    (void)state;
    struct tend_baseline *baseline = made(of_day);
    learn_days(baseline, 0, 6, 1);
    const double before = trusted_e(baseline, 0);
    tend_baseline_restart(baseline, TEND_BASELINE_FROM_OLD_LEVEL);
    assert_float_equal(trusted_e(baseline, 0), before, 1e-4); // hours are floats
    assert_true(tend_baseline_is_relearning(baseline));
    for (int64_t s = 6 * DAY; s < 6 * DAY + HOUR; s += MINUTE) {
        const double hour = utc_hour(MONDAY + s);
        learn(baseline, MONDAY + s, hour, day_shape(hour) + 10);
    }
    assert_float_equal(trusted_e(baseline, 1), day_shape(1) + 10, 1.5);
    assert_false(tend_baseline_is_relearning(baseline));
    tend_baseline_destroy(baseline);
}

static void detectors_judge_without_learning(void **state)
{
    (void)state;
    struct tend_baseline *baseline = made(judged_week);
    learn_days(baseline, 0, 15, 1);
    const double e = trusted_e(baseline, 24);
    assert_true(tend_baseline_judge(baseline, e + 0.5, e, 0.5 / e) < 1);
    const double out = tend_baseline_judge(baseline, e + 40, e, 40 / e);
    assert_true(out >= 1);
    for (int i = 0; i < 100; i++) { // asked as often as one likes
        assert_true(tend_baseline_judge(baseline, e + 40, e, 40 / e) == out);
    }
    tend_baseline_destroy(baseline);
}

static void growth_over_weeks_is_followed(void **state)
{
    (void)state;
    struct tend_baseline *baseline = made(of_day);
    for (int64_t s = 0; s < 60 * DAY; s += MINUTE) {
        const double hour = utc_hour(MONDAY + s);
        learn(baseline, MONDAY + s, hour, day_shape(hour) + (double)s / DAY); // one a day
    }
    assert_true(tend_baseline_view(baseline).trend_per_day > 0.2);
    assert_float_equal(trusted_e(baseline, utc_hour(MONDAY + 60 * DAY)), day_shape(0) + 60, 2);
    tend_baseline_destroy(baseline);
}

static void another_unit_gives_the_same_bits(void **state)
{
    (void)state;
    struct tend_baseline *small = made(judged_week);
    struct tend_baseline *large = made(judged_week);
    for (int64_t s = 0; s < 16 * DAY; s += 5 * MINUTE) {
        const double hour = utc_hour(MONDAY + s);
        const double value = day_shape(hour) + noise();
        learn(small, MONDAY + s, hour, value);
        learn(large, MONDAY + s, hour, 1024 * value);
        const double e = tend_baseline_expect(small, hour).e;
        const double scaled = tend_baseline_expect(large, hour).e;
        assert_true(isnan(e) ? isnan(scaled) : scaled == 1024 * e);
        assert_true(tend_baseline_judge(small, value + 9, e, 9 / e) ==
                    tend_baseline_judge(large, 1024 * (value + 9), scaled, 9 / e));
    }
    tend_baseline_destroy(small);
    tend_baseline_destroy(large);
}

static struct tend_zone *berlin(void)
{
    static char bytes[65536];
    FILE *file = fopen("/usr/share/zoneinfo/Europe/Berlin", "re");
    if (file == NULL) {
        print_message("skipped: there is no time zone Europe/Berlin here (tzdata)\n");
        skip();
    }
    const size_t count = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    struct tend_zone *zone;
    assert_int_equal(tend_zone_parse(bytes, count, &zone, NULL), TEND_OK);
    return zone;
}

static void the_hour_is_that_of_the_clock_on_the_wall(void **state)
{
    (void)state;
    struct tend_zone *zone = berlin();
    // Sunday, 2026-03-29: at 02:00 the clocks go to 03:00, which is 01:00 UTC.
    const int64_t spring_ms = INT64_C(1774746000) * 1000;
    assert_true(tend_baseline_week_hour(zone, spring_ms - 60000) == 6 * 24 + 1 + 59.0 / 60);
    assert_true(tend_baseline_week_hour(zone, spring_ms) == 6 * 24 + 3);
    // Sunday, 2026-10-25: at 03:00 they go back to 02:00, which is 01:00 UTC.
    const int64_t autumn_ms = INT64_C(1792890000) * 1000;
    assert_true(tend_baseline_week_hour(zone, autumn_ms - 60000) == 6 * 24 + 2 + 59.0 / 60);
    assert_true(tend_baseline_week_hour(zone, autumn_ms) == 6 * 24 + 2);
    assert_true(tend_baseline_week_hour(zone, 4 * INT64_C(86400000) - 3600000) == 0); // Monday, 1970-01-05
    assert_true(tend_baseline_week_hour(zone, -1) == 3 * 24 + 1 - 1.0 / 3600);
    tend_zone_destroy(zone);
}

/// A shape of the local day over a change of the clocks: E follows the wall at once.
static void check_over_change(int64_t change_s)
{
    struct tend_zone *zone = berlin();
    struct tend_baseline *baseline = made(of_day);
    for (int64_t s = change_s - 6 * DAY; s < change_s + 2 * DAY; s += MINUTE) {
        const double hour = tend_baseline_week_hour(zone, s * 1000);
        if (s >= change_s - 3 * DAY) {
            assert_float_equal(trusted_e(baseline, hour), day_shape(hour), 1);
        }
        learn(baseline, s, hour, day_shape(hour));
    }
    tend_baseline_destroy(baseline);
    tend_zone_destroy(zone);
}

static void seasons_follow_the_clocks_in_spring(void **state)
{
    (void)state;
    check_over_change(INT64_C(1774746000));
}

static void seasons_follow_the_clocks_in_autumn(void **state)
{
    (void)state;
    check_over_change(INT64_C(1792890000));
}

static void saved_and_loaded_it_goes_on_as_the_same(void **state)
{
    (void)state;
    const struct tend_baseline_spec specs[] = { plain, of_day, of_week, judged_week, by_load, judged_by_load };
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        struct tend_baseline *one = made(specs[i]);
        struct tend_baseline *other = made(specs[i]);
        learn_days(one, 0, 3, 1); // of the two by a load, that is the hour
        struct tend_buffer first;
        struct tend_buffer second;
        tend_buffer_init(&first);
        tend_buffer_init(&second);
        tend_baseline_save(one, &first);
        struct tend_reader reader = tend_reader_over(first.data, first.size);
        assert_int_equal(tend_baseline_load(other, &reader), TEND_OK);
        assert_true(reader.next == reader.end);
        for (int64_t s = 3 * DAY; s < 4 * DAY; s += MINUTE) {
            learn(one, MONDAY + s, utc_hour(MONDAY + s), (double)(s % 977));
            learn(other, MONDAY + s, utc_hour(MONDAY + s), (double)(s % 977));
        }
        tend_buffer_reset(&first);
        tend_baseline_save(one, &first);
        tend_baseline_save(other, &second);
        assert_int_equal(first.size, second.size);
        assert_memory_equal(first.data, second.data, first.size);
        for (size_t cut = 0; cut < first.size; cut += 7) { // bytes cut off anywhere are told
            reader = tend_reader_over(first.data, cut);
            assert_int_equal(tend_baseline_load(other, &reader), TEND_E_CORRUPT);
            assert_int_equal(tend_baseline_view(other).samples, 0);
        }
        tend_buffer_clear(&first);
        tend_buffer_clear(&second);
        tend_baseline_destroy(one);
        tend_baseline_destroy(other);
    }
}

/// What an older tend wrote of a day: level 3, and the hour's number as its mean, met in five seasons.
static void put_before(struct tend_buffer *out)
{
    const double numbers[] = { 100, 3, 0, 0.5, 4, 0.5, 60, 0, 0.01, 0, 0, 0, 0 };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        tend_buffer_put_f64(out, numbers[i]);
    }
    tend_buffer_put_u64(out, (uint64_t)MONDAY);
    tend_buffer_put_u64(out, (uint64_t)(MONDAY + 5 * DAY));
    tend_buffer_put_u64(out, 7200);
    const uint32_t counts[] = { 7000, UINT32_MAX, 30, 0, 1, 1 };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        tend_buffer_put_u32(out, counts[i]);
    }
    for (int i = 0; i < 24; i++) {
        const float mean = (float)i;
        uint32_t bits;
        memcpy(&bits, &mean, sizeof bits);
        tend_buffer_put_u32(out, bits);
        tend_buffer_put_u8(out, 5);
    }
    struct tend_tail tail;
    tend_tail_init(&tail);
    tend_tail_save(&tail, out);
}

static void what_an_older_one_learned_is_taken(void **state)
{
    (void)state;
    struct tend_baseline *baseline = made(of_day);
    struct tend_buffer bytes;
    tend_buffer_init(&bytes);
    put_before(&bytes);
    struct tend_reader reader = tend_reader_over(bytes.data, bytes.size);
    assert_int_equal(tend_baseline_load_before(baseline, &reader), TEND_OK);
    assert_true(reader.next == reader.end);
    assert_true(tend_baseline_expect(baseline, 7.5).e == 110); // 100 + 3 + 7
    assert_true(tend_baseline_view(baseline).samples == 7200 && tend_baseline_view(baseline).confidence == 1);
    for (size_t cut = 0; cut < bytes.size; cut += 7) {
        reader = tend_reader_over(bytes.data, cut);
        assert_int_equal(tend_baseline_load_before(baseline, &reader), TEND_E_CORRUPT);
        assert_int_equal(tend_baseline_view(baseline).samples, 0);
    }
    tend_buffer_clear(&bytes);
    tend_baseline_destroy(baseline);
}

static double traffic_at(int64_t s)
{
    return 200 - 100 * cos(2 * M_PI * (double)(s % DAY) / DAY);
}

static void by_a_load_another_unit_of_either_gives_the_same_bits(void **state)
{
    (void)state;
    struct tend_baseline *small = made(judged_by_load);
    struct tend_baseline *large = made(judged_by_load);
    for (int64_t s = 0; s < 5 * DAY; s += MINUTE) {
        const double load = traffic_at(s);
        const double value = 10 + load / 10 + noise();
        const double e = tend_baseline_expect(small, load).e;
        const double scaled = tend_baseline_expect(large, load / 1024).e;
        assert_true(isnan(e) ? isnan(scaled) : scaled == 1024 * e);
        assert_true(tend_baseline_judge(small, value + 9, e, 9 / e) ==
                    tend_baseline_judge(large, 1024 * (value + 9), scaled, 9 / e));
        learn(small, MONDAY + s, load, value);
        learn(large, MONDAY + s, load / 1024, 1024 * value);
    }
    tend_baseline_destroy(small);
    tend_baseline_destroy(large);
}

static void by_a_load_a_new_level_keeps_the_shape(void **state)
{
    (void)state;
    struct tend_baseline *baseline = made(by_load);
    for (int64_t s = 0; s < 3 * DAY; s += MINUTE) {
        learn(baseline, MONDAY + s, traffic_at(s), 10 + traffic_at(s) / 10 + 0.1 * noise());
    }
    assert_true(fabs(trusted_e(baseline, 100) - 20) < 0.5 && fabs(trusted_e(baseline, 300) - 40) < 0.5);
    tend_baseline_restart(baseline, TEND_BASELINE_FROM_NOTHING);
    assert_true(isnan(trusted_e(baseline, 300)));
    for (int64_t s = 3 * DAY; s < 3 * DAY + HOUR; s += MINUTE) { // it is midnight: a load of 100
        learn(baseline, MONDAY + s, traffic_at(s), 1.25 * (10 + traffic_at(s) / 10 + 0.1 * noise()));
    }
    assert_true(fabs(trusted_e(baseline, 100) - 25) < 0.5 && fabs(trusted_e(baseline, 300) - 50) < 1);
    tend_baseline_destroy(baseline);
}

static void without_a_load_nothing_is_learned(void **state)
{
    (void)state;
    struct tend_baseline *baseline = made(by_load);
    const double none[] = { (double)NAN, 0, -3, (double)INFINITY };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        learn(baseline, MONDAY + (int64_t)i * MINUTE, none[i], 5);
        assert_true(isnan(tend_baseline_expect(baseline, none[i]).e));
    }
    assert_int_equal(tend_baseline_view(baseline).samples, 0);
    tend_baseline_destroy(baseline);
}

static void another_limit_inherits_the_season(void **state)
{
    (void)state;
    struct tend_baseline *before = made(of_week);
    struct tend_baseline *after = made(judged_week);
    struct tend_baseline *day = made(of_day);
    learn_days(before, 0, 15, 1);
    tend_baseline_inherit(after, before);
    assert_true(tend_baseline_expect(after, 12).e == tend_baseline_expect(before, 12).e);
    assert_false(tend_baseline_expect(after, 12).trusted); // its detectors have seen nothing yet
    tend_baseline_inherit(day, before);
    struct tend_baseline *curve = made(by_load);
    struct tend_baseline *judged_curve = made(judged_by_load);
    struct tend_baseline *lately = made(plain);
    learn(curve, MONDAY, 100, 5);
    tend_baseline_inherit(judged_curve, curve);
    tend_baseline_inherit(lately, curve); // which has no season either
    assert_int_equal(tend_baseline_view(judged_curve).samples, 1);
    assert_int_equal(tend_baseline_view(lately).samples, 0);
    tend_baseline_destroy(curve);
    tend_baseline_destroy(judged_curve);
    tend_baseline_destroy(lately);
    assert_int_equal(tend_baseline_view(day).samples, 0);
    tend_baseline_destroy(before);
    tend_baseline_destroy(after);
    tend_baseline_destroy(day);
}

int main(void)
{
    seed_random(11);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_costs_four_kilobytes_at_most),
        cmocka_unit_test(a_new_one_expects_nothing),
        cmocka_unit_test(a_day_is_trusted_after_two_of_them),
        cmocka_unit_test(a_week_is_trusted_after_two_of_them),
        cmocka_unit_test(nothing_steps_at_the_full_hour),
        cmocka_unit_test(outliers_teach_little),
        cmocka_unit_test(a_metric_that_never_moves_is_expected_to_stay),
        cmocka_unit_test(one_that_was_always_zero_can_begin_to_move),
        cmocka_unit_test(hours_that_were_never_seen_are_not_guessed),
        cmocka_unit_test(no_data_and_old_times_teach_nothing),
        cmocka_unit_test(the_reach_is_what_its_own_history_reaches),
        cmocka_unit_test(a_restart_keeps_the_shape_and_learns_the_level),
        cmocka_unit_test(what_is_added_is_told_from_what_multiplies),
        cmocka_unit_test(what_is_not_learned_says_how_the_season_swings),
        cmocka_unit_test(after_a_deploy_it_goes_on_from_the_old_level),
        cmocka_unit_test(detectors_judge_without_learning),
        cmocka_unit_test(growth_over_weeks_is_followed),
        cmocka_unit_test(another_unit_gives_the_same_bits),
        cmocka_unit_test(by_a_load_another_unit_of_either_gives_the_same_bits),
        cmocka_unit_test(by_a_load_a_new_level_keeps_the_shape),
        cmocka_unit_test(without_a_load_nothing_is_learned),
        cmocka_unit_test(the_hour_is_that_of_the_clock_on_the_wall),
        cmocka_unit_test(seasons_follow_the_clocks_in_spring),
        cmocka_unit_test(seasons_follow_the_clocks_in_autumn),
        cmocka_unit_test(saved_and_loaded_it_goes_on_as_the_same),
        cmocka_unit_test(what_an_older_one_learned_is_taken),
        cmocka_unit_test(another_limit_inherits_the_season),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
