// Facts about series windows. Layouts here have columns a, b, … and process_start_time_seconds where a test needs it.

#include "series/series_window.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "failing_allocation.h"

static const char *const start_time = "process_start_time_seconds";

static const struct tend_layout *make_layout(const char *const *names, size_t count)
{
    struct tend_column columns[4] = { { NULL, TEND_SERIES_UNKNOWN } };
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(tend_label_set_create(names[i], strlen(names[i]), NULL, 0, &columns[i].labels), TEND_OK);
    }
    const struct tend_layout *layout = NULL;
    assert_int_equal(tend_layout_create(columns, count, &layout), TEND_OK);
    for (size_t i = 0; i < count; i++) {
        tend_label_set_release(columns[i].labels);
    }
    return layout;
}

static int setup(void **state)
{
    struct tend_series_window *window = NULL;
    if (tend_series_window_create(60000, 10000, &window) != TEND_OK) {
        return -1;
    }
    *state = window;
    return 0;
}

static int teardown(void **state)
{
    tend_series_window_destroy(*state);
    return 0;
}

static void push(struct tend_series_window *window, int64_t at_ms, const struct tend_layout *layout, double first,
                 double second)
{
    const double values[] = { first, second };
    assert_int_equal(tend_series_window_push(window, at_ms, 0.25, layout, values), TEND_OK);
}

static void an_empty_window_knows_nothing(void **state)
{
    const struct tend_series_window *window = *state;
    const struct tend_scrape_history *history = tend_series_window_history(window);
    assert_true(history->first_ms == TEND_NEVER_MS && history->newest_good_ms == TEND_NEVER_MS);
    assert_true(isnan(history->duration_s) && isnan(history->process_start_s));
    assert_null(tend_series_window_layout(window));
    assert_int_equal(tend_series_window_count(window), 0);
}

static void the_history_counts_good_and_failed_scrapes(void **state)
{
    struct tend_series_window *window = *state;
    const char *names[] = { "a", "b" };
    const struct tend_layout *layout = make_layout(names, 2);
    push(window, 1000, layout, 1, 2);
    push(window, 2000, layout, 3, 4);
    assert_int_equal(tend_series_window_push_failed(window, 3000, 1.5, TEND_SCRAPE_REFUSED), TEND_OK);
    assert_int_equal(tend_series_window_push_failed(window, 4000, 1.5, TEND_SCRAPE_READ_TIMEOUT), TEND_OK);
    const struct tend_scrape_history *history = tend_series_window_history(window);
    assert_int_equal(history->first_ms, 1000);
    assert_int_equal(history->newest_ms, 4000);
    assert_int_equal(history->newest_good_ms, 2000);
    assert_int_equal(history->newest_failed_ms, 4000);
    assert_int_equal(history->good_count, 2);
    assert_int_equal(history->failed_count, 2);
    assert_int_equal(history->good_in_a_row, 0);
    assert_int_equal(history->failed_in_a_row, 2);
    assert_int_equal(history->kind, TEND_SCRAPE_READ_TIMEOUT);
    assert_true(history->duration_s == 1.5);
    push(window, 5000, layout, 5, 6);
    assert_int_equal(history->good_in_a_row, 1);
    assert_int_equal(history->failed_in_a_row, 0);
    tend_layout_release(layout);
}

static void rows_are_the_scrapes_and_failed_ones_have_no_values(void **state)
{
    struct tend_series_window *window = *state;
    const char *names[] = { "a", "b" };
    const struct tend_layout *layout = make_layout(names, 2);
    push(window, 1000, layout, 1, 2);
    assert_int_equal(tend_series_window_push_failed(window, 2000, 1, TEND_SCRAPE_REFUSED), TEND_OK);
    assert_int_equal(tend_series_window_count(window), 2);
    struct tend_scrape_row row = tend_series_window_row(window, 0);
    assert_true(row.good && row.at_ms == 1000 && row.values[0] == 1 && row.values[1] == 2);
    row = tend_series_window_row(window, 1);
    assert_true(!row.good && row.at_ms == 2000 && isnan(row.values[0]) && isnan(row.values[1]));
    assert_true(isnan(tend_series_window_newest(window, 0)));
    tend_layout_release(layout);
}

static void a_changed_layout_carries_columns_over_by_label_set(void **state)
{
    struct tend_series_window *window = *state;
    const char *first_names[] = { "a", "b" };
    const char *second_names[] = { "b", "c" };
    const struct tend_layout *first = make_layout(first_names, 2);
    const struct tend_layout *second = make_layout(second_names, 2);
    push(window, 1000, first, 1, 2);
    push(window, 2000, second, 3, 4);
    assert_ptr_equal(tend_series_window_layout(window), second);
    const struct tend_scrape_row old = tend_series_window_row(window, 0);
    assert_true(old.good && old.at_ms == 1000 && old.values[0] == 2 && tend_is_stale(old.values[1]));
    assert_true(tend_series_window_newest(window, 0) == 3 && tend_series_window_newest(window, 1) == 4);
    tend_layout_release(first);
    tend_layout_release(second);
}

static void failures_before_the_first_layout_are_kept(void **state)
{
    struct tend_series_window *window = *state;
    assert_int_equal(tend_series_window_push_failed(window, 1000, 1, TEND_SCRAPE_REFUSED), TEND_OK);
    const char *names[] = { "a" };
    const struct tend_layout *layout = make_layout(names, 1);
    push(window, 2000, layout, 7, 0);
    assert_int_equal(tend_series_window_count(window), 2);
    assert_false(tend_series_window_row(window, 0).good);
    assert_true(tend_series_window_newest(window, 0) == 7);
    tend_layout_release(layout);
}

static void a_scrape_that_is_not_newer_is_refused(void **state)
{
    struct tend_series_window *window = *state;
    const char *names[] = { "a" };
    const struct tend_layout *layout = make_layout(names, 1);
    push(window, 1000, layout, 1, 0);
    const double value = 2;
    assert_int_equal(tend_series_window_push(window, 1000, 0, layout, &value), TEND_E_OUT_OF_ORDER);
    assert_int_equal(tend_series_window_push_failed(window, 900, 0, TEND_SCRAPE_TLS), TEND_E_OUT_OF_ORDER);
    assert_int_equal(tend_series_window_count(window), 1);
    assert_int_equal(tend_series_window_history(window)->good_count, 1);
    assert_true(tend_series_window_newest(window, 0) == 1);
    tend_layout_release(layout);
}

static void it_holds_at_least_the_scrapes_of_its_time(void **state)
{
    struct tend_series_window *window = *state; // 60 s, a scrape each 10 s
    const char *names[] = { "a" };
    const struct tend_layout *layout = make_layout(names, 1);
    for (int i = 0; i < 100; i++) {
        push(window, i * INT64_C(10000), layout, i, 0);
    }
    const size_t first = tend_series_window_first_after(window, 990000 - 60000);
    assert_true(first > 0); // there is one before
    assert_int_equal(tend_series_window_count(window) - first, 6);
    assert_true(tend_series_window_row(window, first).values[0] == 94);
    tend_layout_release(layout);
}

static void a_cut_hides_what_is_not_newer_and_never_moves_back(void **state)
{
    struct tend_series_window *window = *state;
    const char *names[] = { "a" };
    const struct tend_layout *layout = make_layout(names, 1);
    push(window, 1000, layout, 1, 0);
    push(window, 2000, layout, 2, 0);
    tend_series_window_cut(window, 2000);
    tend_series_window_cut(window, 500);
    assert_int_equal(tend_series_window_history(window)->cut_ms, 2000);
    assert_int_equal(tend_series_window_first_after(window, 0), 2);
    assert_true(isnan(tend_series_window_newest(window, 0)));
    push(window, 2001, layout, 3, 0);
    assert_int_equal(tend_series_window_first_after(window, 0), 2);
    assert_true(tend_series_window_newest(window, 0) == 3);
    tend_layout_release(layout);
}

static void another_start_time_is_a_restart(void **state)
{
    struct tend_series_window *window = *state;
    const char *names[] = { "a", start_time };
    const struct tend_layout *layout = make_layout(names, 2);
    const struct tend_scrape_history *history = tend_series_window_history(window);
    push(window, 1000, layout, 1, 500);
    push(window, 2000, layout, 1, 500.3); // clocks drift
    assert_true(history->restart_seen_ms == TEND_NEVER_MS);
    assert_int_equal(tend_series_window_push_failed(window, 3000, 1, TEND_SCRAPE_REFUSED), TEND_OK);
    push(window, 4000, layout, 1, 503);
    assert_int_equal(history->restart_seen_ms, 4000);
    assert_true(history->process_start_s == 503);
    push(window, 5000, layout, 1, 503);
    assert_int_equal(history->restart_seen_ms, 4000);
    tend_layout_release(layout);
}

static void resize_keeps_the_newest_scrapes(void **state)
{
    struct tend_series_window *window = *state;
    const char *names[] = { "a" };
    const struct tend_layout *layout = make_layout(names, 1);
    for (int i = 0; i < 9; i++) {
        push(window, i * INT64_C(10000), layout, i, 0);
    }
    assert_int_equal(tend_series_window_resize(window, 20000, 10000), TEND_OK);
    assert_int_equal(tend_series_window_count(window), 4);
    assert_true(tend_series_window_row(window, 0).values[0] == 5);
    assert_true(tend_series_window_newest(window, 0) == 8);
    assert_int_equal(tend_series_window_resize(window, 200000, 10000), TEND_OK);
    push(window, 90000, layout, 9, 0);
    assert_int_equal(tend_series_window_count(window), 5);
    assert_int_equal(tend_series_window_resize(window, 0, 10000), TEND_E_INVALID);
    assert_int_equal(tend_series_window_create(1, 0, &window), TEND_E_INVALID);
    tend_layout_release(layout);
}

static void a_birth_is_a_first_value_after_a_good_scrape_of_the_same_process(void **state)
{
    struct tend_series_window *window = *state;
    const char *one[] = { start_time };
    const char *two[] = { start_time, "errors" };
    const struct tend_layout *before = make_layout(one, 1);
    const struct tend_layout *after = make_layout(two, 2);
    push(window, 1000, before, 500, 0);
    push(window, 2000, after, 500, 3);
    assert_true(tend_series_window_birth(window, 1, 2000) == 3);
    assert_true(isnan(tend_series_window_birth(window, 1, 1000)));
    assert_true(isnan(tend_series_window_birth(window, 0, 1000))); // there from the first scrape on
    push(window, 3000, after, 500, 4);
    assert_true(tend_series_window_birth(window, 1, 2000) == 3);
    assert_true(isnan(tend_series_window_birth(window, 1, 3000)));
    tend_layout_release(before);
    tend_layout_release(after);
}

static void a_series_that_comes_back_after_long_is_no_birth(void **state)
{
    struct tend_series_window *window = *state; // holds 6 + 1 + 2 rows
    const char *names[] = { "a", "b" };
    const struct tend_layout *layout = make_layout(names, 2);
    int64_t at_ms = 0;
    push(window, at_ms += 10000, layout, 1, 100);
    for (int i = 0; i < 20; i++) {
        push(window, at_ms += 10000, layout, 1, tend_stale());
    }
    push(window, at_ms += 10000, layout, 1, 120);
    assert_true(isnan(tend_series_window_birth(window, 1, at_ms)));
    for (int i = 0; i < 20; i++) {
        push(window, at_ms += 10000, layout, 1, tend_stale());
    }
    push(window, at_ms += 10000, layout, 1, 7); // fell: it began again at 0
    assert_true(tend_series_window_birth(window, 1, at_ms) == 7);
    tend_layout_release(layout);
}

static void a_failed_allocation_leaves_the_window_unchanged(void **state)
{
    (void)state;
    if (!TEND_CAN_FAIL_ALLOCATIONS) {
        print_message("skipped: allocations cannot be made to fail under the sanitizers\n");
        skip();
    }
    const char *first_names[] = { "a", "b" };
    const char *second_names[] = { "b", "c" };
    const struct tend_layout *first = make_layout(first_names, 2);
    const struct tend_layout *second = make_layout(second_names, 2);
    bool all_succeeded = false;
    for (long n = 0; !all_succeeded; n++) {
        void *own = NULL;
        TEND_ASSERT(setup(&own) == 0 && own != NULL);
        struct tend_series_window *window = own;
        push(window, 1000, first, 1, 2);
        const double values[] = { 3, 4 };
        fail_allocation_after(n);
        const enum tend_status status = tend_series_window_push(window, 2000, 0.5, second, values);
        all_succeeded = !was_an_allocation_failed();
        fail_allocation_after(-1);
        if (!all_succeeded) {
            assert_int_equal(status, TEND_E_NOMEM);
            assert_int_equal(tend_series_window_count(window), 1);
            assert_ptr_equal(tend_series_window_layout(window), first);
            assert_int_equal(tend_series_window_history(window)->good_count, 1);
            assert_int_equal(tend_series_window_push(window, 2000, 0.5, second, values), TEND_OK);
        }
        assert_true(tend_series_window_newest(window, 1) == 4);
        assert_int_equal(teardown(&own), 0);
    }
    tend_layout_release(first);
    tend_layout_release(second);
}

static void a_steady_layout_allocates_nothing(void **state)
{
    struct tend_series_window *window = *state;
    const char *names[] = { "a", "b" };
    const struct tend_layout *layout = make_layout(names, 2);
    push(window, 1000, layout, 1, 2);
    const long before = allocations_so_far();
    for (int i = 2; i < 100; i++) {
        push(window, i * INT64_C(1000), layout, i, i);
    }
    assert_int_equal(tend_series_window_push_failed(window, 200000, 1, TEND_SCRAPE_REFUSED), TEND_OK);
    assert_int_equal(allocations_so_far(), before);
    tend_layout_release(layout);
}

// A window with a restart, a birth, a failed scrape, a cut and more rows than it keeps.
static void fill(struct tend_series_window *window)
{
    const char *names[] = { start_time, "a", "b" };
    const struct tend_layout *small = make_layout(names, 2);
    const struct tend_layout *large = make_layout(names, 3);
    for (int i = 1; i <= 12; i++) {
        const double values[] = { i < 6 ? 100 : 200, i, 7 };
        const struct tend_layout *layout = i < 10 ? small : large;
        assert_int_equal(tend_series_window_push(window, i * INT64_C(10000), 0.5, layout, values), TEND_OK);
    }
    assert_int_equal(tend_series_window_push_failed(window, 130000, 1, TEND_SCRAPE_REFUSED), TEND_OK);
    tend_series_window_cut(window, 65000);
    tend_layout_release(small);
    tend_layout_release(large);
}

static void a_loaded_window_is_the_one_that_was_saved(void **state)
{
    struct tend_series_window *window = *state;
    fill(window);
    struct tend_buffer bytes;
    tend_buffer_init(&bytes);
    tend_series_window_save(window, &bytes);
    struct tend_series_window *loaded = NULL;
    assert_int_equal(tend_series_window_create(60000, 10000, &loaded), TEND_OK);
    struct tend_reader reader = tend_reader_over(bytes.data, bytes.size);
    assert_int_equal(tend_series_window_load(loaded, tend_series_window_layout(window), &reader), TEND_OK);
    assert_true(reader.next == reader.end);
    const struct tend_scrape_history *history = tend_series_window_history(loaded);
    assert_true(history->newest_ms == 130000 && history->newest_good_ms == 120000 && history->first_ms == 10000);
    assert_true(history->good_count == 12 && history->failed_in_a_row == 1 && history->kind == TEND_SCRAPE_REFUSED);
    assert_true(history->restart_seen_ms == 60000 && history->cut_ms == 65000 && history->process_start_s == 200);
    assert_int_equal(tend_series_window_count(loaded), tend_series_window_count(window));
    assert_true(tend_series_window_birth(loaded, 2, 100000) == 7); // appeared in the scrape at 100 s
    const double values[] = { 200, 1, 8 };
    for (int i = 0; i < 2; i++) { // and it goes on as the other does
        struct tend_series_window *one = i == 0 ? window : loaded;
        assert_int_equal(tend_series_window_push(one, 140000, 0.5, tend_series_window_layout(one), values), TEND_OK);
    }
    struct tend_buffer again[2];
    for (int i = 0; i < 2; i++) {
        tend_buffer_init(&again[i]);
        tend_series_window_save(i == 0 ? window : loaded, &again[i]);
    }
    assert_int_equal(again[0].size, again[1].size);
    assert_memory_equal(again[0].data, again[1].data, again[0].size);
    tend_buffer_clear(&again[0]);
    tend_buffer_clear(&again[1]);
    tend_buffer_clear(&bytes);
    tend_series_window_destroy(loaded);
}

static void a_window_that_is_cut_short_or_has_too_many_rows_is_refused(void **state)
{
    struct tend_series_window *window = *state;
    fill(window);
    struct tend_buffer bytes;
    tend_buffer_init(&bytes);
    tend_series_window_save(window, &bytes);
    for (size_t size = 0; size <= bytes.size; size++) {
        struct tend_series_window *loaded = NULL;
        const int64_t window_ms = size == bytes.size ? 10000 : 60000; // whole, but for another time: 4 rows at most
        assert_int_equal(tend_series_window_create(window_ms, 10000, &loaded), TEND_OK);
        struct tend_reader reader = tend_reader_over(bytes.data, size);
        assert_int_equal(tend_series_window_load(loaded, tend_series_window_layout(window), &reader), TEND_E_CORRUPT);
        assert_true(reader.failed);
        tend_series_window_destroy(loaded);
    }
    tend_buffer_clear(&bytes);
}

int main(void)
{
#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        FACT(an_empty_window_knows_nothing),
        FACT(the_history_counts_good_and_failed_scrapes),
        FACT(rows_are_the_scrapes_and_failed_ones_have_no_values),
        FACT(a_changed_layout_carries_columns_over_by_label_set),
        FACT(failures_before_the_first_layout_are_kept),
        FACT(a_scrape_that_is_not_newer_is_refused),
        FACT(it_holds_at_least_the_scrapes_of_its_time),
        FACT(a_cut_hides_what_is_not_newer_and_never_moves_back),
        FACT(another_start_time_is_a_restart),
        FACT(resize_keeps_the_newest_scrapes),
        FACT(a_birth_is_a_first_value_after_a_good_scrape_of_the_same_process),
        FACT(a_series_that_comes_back_after_long_is_no_birth),
        cmocka_unit_test(a_failed_allocation_leaves_the_window_unchanged),
        FACT(a_steady_layout_allocates_nothing),
        FACT(a_loaded_window_is_the_one_that_was_saved),
        FACT(a_window_that_is_cut_short_or_has_too_many_rows_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
