// Facts about when scrapes start, at times that the test makes up.

#include "driver/live/scrape_slots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

static int set_up(void **state)
{
    struct tend_scrape_slots *slots = NULL;
    if (tend_scrape_slots_create(&slots) != TEND_OK) {
        return -1;
    }
    *state = slots;
    return 0;
}

static int tear_down(void **state)
{
    tend_scrape_slots_destroy(*state);
    return 0;
}

static void set(struct tend_scrape_slots *slots, size_t target, const char *url, int64_t every_ms, int64_t now_ms)
{
    assert_int_equal(tend_scrape_slots_set(slots, target, url, every_ms, now_ms), TEND_OK);
}

static void nothing_is_due_without_targets(void **state)
{
    struct tend_scrape_start start;
    assert_true(tend_scrape_slots_next_ms(*state) == INT64_MAX);
    assert_false(tend_scrape_slots_take(*state, INT64_MAX, &start));
}

static void an_interval_of_nothing_is_refused(void **state)
{
    assert_int_equal(tend_scrape_slots_set(*state, 0, "http://a/metrics", 0, 0), TEND_E_INVALID);
}

static void a_target_starts_once_an_interval_on_a_slot(void **state)
{
    struct tend_scrape_slots *slots = *state;
    set(slots, 3, "http://a/metrics", 1000, 50000);
    int64_t due_ms = tend_scrape_slots_next_ms(slots);
    assert_true(due_ms > 50000 && due_ms <= 51000);
    assert_int_equal(due_ms % TEND_SCRAPE_SLOT_MS, 0);
    for (int i = 0; i < 5; i++, due_ms += 1000) {
        struct tend_scrape_start start;
        assert_false(tend_scrape_slots_take(slots, due_ms - 1, &start));
        assert_true(tend_scrape_slots_take(slots, due_ms, &start));
        assert_int_equal(start.target, 3);
        assert_int_equal(start.due_ms, due_ms);
        assert_int_equal(start.missed, 0);
        assert_false(tend_scrape_slots_take(slots, due_ms, &start));
    }
}

static void an_interval_under_a_slot_is_kept(void **state)
{
    struct tend_scrape_slots *slots = *state;
    set(slots, 0, "http://a/metrics", 30, 1000);
    assert_int_equal(tend_scrape_slots_next_ms(slots), 1020); // multiples of 30
    struct tend_scrape_start start;
    assert_true(tend_scrape_slots_take(slots, 1020, &start));
    assert_int_equal(tend_scrape_slots_next_ms(slots), 1050);
}

static void the_phase_is_the_same_after_a_restart(void **state)
{
    struct tend_scrape_slots *slots = *state;
    set(slots, 0, "http://127.0.0.1:9312/metrics", 15000, 1000000);
    const int64_t due_ms = tend_scrape_slots_next_ms(slots);
    tend_scrape_slots_remove(slots, 0);
    set(slots, 7, "http://127.0.0.1:9312/metrics", 15000, 1000000 + 150000);
    assert_int_equal(tend_scrape_slots_next_ms(slots), due_ms + 150000);
}

static void setting_the_same_again_changes_nothing(void **state)
{
    struct tend_scrape_slots *slots = *state;
    set(slots, 0, "http://a/metrics", 1000, 0);
    const int64_t due_ms = tend_scrape_slots_next_ms(slots);
    set(slots, 0, "http://a/metrics", 1000, due_ms + 400); // late, but still to come
    assert_int_equal(tend_scrape_slots_next_ms(slots), due_ms);
}

static void a_late_start_keeps_its_phase(void **state)
{
    struct tend_scrape_slots *slots = *state;
    set(slots, 0, "http://a/metrics", 1000, 0);
    const int64_t due_ms = tend_scrape_slots_next_ms(slots);
    struct tend_scrape_start start;
    assert_true(tend_scrape_slots_take(slots, due_ms + 999, &start));
    assert_int_equal(start.missed, 0);
    assert_int_equal(tend_scrape_slots_next_ms(slots), due_ms + 1000);
}

static void a_first_start_is_never_late(void **state)
{
    struct tend_scrape_slots *slots = *state;
    set(slots, 0, "http://a/metrics", 1000, 0);
    const int64_t due_ms = tend_scrape_slots_next_ms(slots);
    struct tend_scrape_start start;
    assert_true(tend_scrape_slots_take(slots, due_ms + 300, &start)); // as after adding a large fleet
    assert_int_equal(start.late_ms, 0);
    assert_true(tend_scrape_slots_take(slots, due_ms + 1300, &start));
    assert_int_equal(start.late_ms, 300); // the second keeps the phase
}

static void what_was_overslept_is_missed_and_not_made_up_for(void **state)
{
    struct tend_scrape_slots *slots = *state;
    set(slots, 0, "http://a/metrics", 1000, 0);
    const int64_t due_ms = tend_scrape_slots_next_ms(slots);
    struct tend_scrape_start start;
    assert_true(tend_scrape_slots_take(slots, due_ms + 2500, &start));
    assert_int_equal(start.missed, 3); // those due at +0, +1000 and +2000
    assert_false(tend_scrape_slots_take(slots, due_ms + 2500, &start));
    assert_int_equal(tend_scrape_slots_next_ms(slots), due_ms + 3000);
}

static void a_removed_target_starts_no_more(void **state)
{
    struct tend_scrape_slots *slots = *state;
    set(slots, 0, "http://a/metrics", 1000, 0);
    set(slots, 1, "http://b/metrics", 1000, 0);
    tend_scrape_slots_remove(slots, 0);
    tend_scrape_slots_remove(slots, 0);
    tend_scrape_slots_remove(slots, 99);
    struct tend_scrape_start start;
    assert_true(tend_scrape_slots_take(slots, 1000, &start));
    assert_int_equal(start.target, 1);
    assert_false(tend_scrape_slots_take(slots, 1000, &start));
}

static void a_fleet_is_spread_over_the_interval(void **state)
{
    struct tend_scrape_slots *slots = *state;
    for (size_t i = 0; i < 1000; i++) {
        char url[64];
        (void)snprintf(url, sizeof url, "http://10.0.0.1:%zu/metrics", 10000 + i);
        set(slots, i, url, 5000, 0);
    }
    size_t counts[50] = { 0 };
    struct tend_scrape_start start;
    while (tend_scrape_slots_take(slots, 5000, &start)) {
        counts[start.due_ms / TEND_SCRAPE_SLOT_MS - 1]++;
    }
    size_t sum = 0;
    for (size_t i = 0; i < 50; i++) {
        assert_in_range(counts[i], 5, 45); // 20 each on average
        sum += counts[i];
    }
    assert_int_equal(sum, 1000);
}

// The plainest possible model: an array that is searched from end to end.
enum { TARGETS = 40, ROUNDS = 4000 };

struct model {
    int64_t due_ms[TARGETS];
    int64_t every_ms[TARGETS]; // 0: not there
};

static size_t first_due(const struct model *model, int64_t now_ms)
{
    size_t first = TARGETS;
    for (size_t i = 0; i < TARGETS; i++) {
        const bool is_due = model->every_ms[i] != 0 && model->due_ms[i] <= now_ms;
        if (is_due && (first == TARGETS || model->due_ms[i] < model->due_ms[first])) {
            first = i;
        }
    }
    return first;
}

static void take_all(struct tend_scrape_slots *slots, struct model *model, int64_t now_ms)
{
    struct tend_scrape_start start;
    size_t first = TARGETS;
    while ((first = first_due(model, now_ms)) != TARGETS) {
        assert_true(tend_scrape_slots_take(slots, now_ms, &start));
        assert_int_equal(start.target, first);
        assert_int_equal(start.due_ms, model->due_ms[first]);
        do {
            model->due_ms[first] += model->every_ms[first];
        } while (start.missed > 0 && model->due_ms[first] <= now_ms);
    }
    assert_false(tend_scrape_slots_take(slots, now_ms, &start));
}

static uint32_t draw(uint32_t *seed, uint32_t below)
{
    *seed ^= *seed << 13; // xorshift32
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed % below;
}

static void starts_come_in_order_whatever_is_set_and_removed(void **state)
{
    struct tend_scrape_slots *slots = *state;
    uint32_t seed = 20240607;
    print_message("seed %u\n", seed);
    struct model model = { .every_ms = { 0 } };
    int64_t now_ms = 1000;
    for (int round = 0; round < ROUNDS; round++) {
        const size_t target = draw(&seed, TARGETS);
        if (draw(&seed, 3) == 0) {
            tend_scrape_slots_remove(slots, target);
            model.every_ms[target] = 0;
        } else if (model.every_ms[target] == 0) {
            const int64_t every_ms = 1 + draw(&seed, 90); // under a slot: the phase is 0
            set(slots, target, "u", every_ms, now_ms);
            model.every_ms[target] = every_ms;
            model.due_ms[target] = (now_ms / every_ms + 1) * every_ms;
        }
        now_ms += draw(&seed, 20);
        take_all(slots, &model, now_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_due_without_targets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_interval_of_nothing_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_target_starts_once_an_interval_on_a_slot, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_interval_under_a_slot_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_phase_is_the_same_after_a_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(setting_the_same_again_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_late_start_keeps_its_phase, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_first_start_is_never_late, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_overslept_is_missed_and_not_made_up_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_removed_target_starts_no_more, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_fleet_is_spread_over_the_interval, set_up, tear_down),
        cmocka_unit_test_setup_teardown(starts_come_in_order_whatever_is_set_and_removed, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
