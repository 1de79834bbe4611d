// Facts about the season: the shape of a metric's day as a mean for each hour, and how it goes from one to the next.

#include "deviation/season.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { DAY_HOURS = 24, MINUTE_S = 60 };

static struct tend_season *made(void)
{
    struct tend_season *season = calloc(1, tend_season_bytes(DAY_HOURS));
    assert_non_null(season);
    tend_season_init(season, DAY_HOURS);
    return season;
}

/// Minutes of one hour, on a day, each as far from what is known as the value says.
static void add_hour(struct tend_season *season, int hour, int minutes, double value)
{
    for (int i = 0; i < minutes; i++) {
        const double place = hour + (i + 0.5) / 60;
        const double known = tend_season_visits(season, place) == 0 ? 0 : tend_season_at(season, place);
        tend_season_add(season, place, value - known, MINUTE_S, MINUTE_S);
    }
}

static void an_hour_is_learned_when_it_is_over(void **state)
{
    (void)state;
    struct tend_season *season = made();
    add_hour(season, 3, 60, 7);
    assert_int_equal(tend_season_visits(season, 3.5), 0);
    add_hour(season, 4, 1, 7);
    assert_int_equal(tend_season_visits(season, 3.5), 1);
    assert_true(tend_season_at(season, 3.5) == 7);
    free(season);
}

static void a_few_minutes_of_an_hour_are_no_visit(void **state)
{
    (void)state;
    struct tend_season *season = made();
    add_hour(season, 3, 14, 7);
    add_hour(season, 4, 15, 7);
    add_hour(season, 5, 1, 7);
    assert_int_equal(tend_season_visits(season, 3.5), 0);
    assert_int_equal(tend_season_visits(season, 4.5), 1);
    free(season);
}

static void an_hour_under_way_may_be_forgotten(void **state)
{
    (void)state;
    struct tend_season *season = made();
    add_hour(season, 3, 60, 7);
    tend_season_drop_hour(season);
    add_hour(season, 4, 1, 7);
    assert_int_equal(tend_season_visits(season, 3.5), 0);
    free(season);
}

static void it_goes_on_lines_between_the_middles_of_hours(void **state)
{
    (void)state;
    struct tend_season *season = made();
    add_hour(season, 3, 60, 0);
    add_hour(season, 4, 60, 8);
    add_hour(season, 5, 60, 8);
    assert_true(tend_season_at(season, 3.5) == 0 && tend_season_at(season, 3.75) == 2);
    assert_true(tend_season_at(season, 4) == 4 && tend_season_at(season, 4.25) == 6);
    assert_true(tend_season_at(season, 3.25) == 0); // the hour before was never met
    free(season);
}

static void an_edge_that_steps_is_learned(void **state)
{
    (void)state;
    struct tend_season *season = made();
    add_hour(season, 3, 60, 0);
    add_hour(season, 4, 60, 8);
    add_hour(season, 5, 60, 8);
    assert_false(tend_season_note_edge(season, 3.9, 0)); // not known yet
    for (int minute = 55; minute < 65; minute++) {
        (void)tend_season_note_edge(season, 3 + minute / 60.0, minute < 60 ? 0 : 8);
    }
    assert_true(tend_season_note_edge(season, 4.6, 8)); // between 8 and 8 it is all one
    assert_true(tend_season_at(season, 3.99) == 0 && tend_season_at(season, 4.01) == 8);
    assert_true(tend_season_note_edge(season, 3.9, 0));
    free(season);
}

static void stretched_each_hour_is(void **state)
{
    (void)state;
    struct tend_season *season = made();
    add_hour(season, 3, 60, 4);
    add_hour(season, 4, 60, -8);
    add_hour(season, 5, 1, 0);
    tend_season_stretch(season, 1.5);
    assert_true(tend_season_at(season, 3.5) == 6 && tend_season_at(season, 4.5) == -12);
    assert_int_equal(tend_season_visits(season, 3.5), 1);
    free(season);
}

static void it_is_known_when_each_hour_was_met_in_four_seasons(void **state)
{
    (void)state;
    struct tend_season *season = made();
    for (int day = 0; day < 4; day++) {
        for (int hour = 0; hour < DAY_HOURS; hour++) {
            add_hour(season, hour, 60, 1);
        }
    }
    assert_true(tend_season_known(season) == 95.0 / 96); // the last hour is under way
    add_hour(season, 0, 60, 1);
    assert_true(tend_season_known(season) == 1);
    free(season);
}

static void saved_and_loaded_it_is_the_same(void **state)
{
    (void)state;
    struct tend_season *season = made();
    struct tend_season *other = made();
    for (int hour = 0; hour < 40; hour++) {
        add_hour(season, hour % DAY_HOURS, 60, hour);
        (void)tend_season_note_edge(season, hour % DAY_HOURS + 0.3, hour);
    }
    struct tend_buffer bytes;
    struct tend_buffer again;
    tend_buffer_init(&bytes);
    tend_buffer_init(&again);
    tend_season_save(season, &bytes);
    struct tend_reader reader = tend_reader_over(bytes.data, bytes.size);
    assert_true(tend_season_load(other, &reader));
    assert_true(reader.next == reader.end);
    tend_season_save(other, &again);
    assert_int_equal(again.size, bytes.size);
    assert_memory_equal(again.data, bytes.data, bytes.size);
    for (size_t cut = 0; cut < bytes.size; cut++) {
        reader = tend_reader_over(bytes.data, cut);
        assert_false(tend_season_load(other, &reader));
    }
    tend_buffer_clear(&bytes);
    tend_buffer_clear(&again);
    free(season);
    free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_hour_is_learned_when_it_is_over),
        cmocka_unit_test(a_few_minutes_of_an_hour_are_no_visit),
        cmocka_unit_test(an_hour_under_way_may_be_forgotten),
        cmocka_unit_test(it_goes_on_lines_between_the_middles_of_hours),
        cmocka_unit_test(an_edge_that_steps_is_learned),
        cmocka_unit_test(stretched_each_hour_is),
        cmocka_unit_test(it_is_known_when_each_hour_was_met_in_four_seasons),
        cmocka_unit_test(saved_and_loaded_it_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
