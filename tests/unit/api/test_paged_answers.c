// Paged answers: what is whole is told once, in its turn.

#include "api/paged_answers.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

struct told {
    size_t count;
    const void *request[2];
    char text[2][64];
    bool failed[2];
};

static void note(void *context, void *request, const struct tend_buffer *text)
{
    struct told *told = context;
    assert_true(told->count < 2);
    told->request[told->count] = request;
    told->failed[told->count] = text->failed;
    (void)strncpy(told->text[told->count], tend_buffer_text(text), sizeof told->text[0] - 1);
    told->count++;
}

// @param context  how many there are
static json_t *number(void *context, size_t index)
{
    return index < *(const size_t *)context ? json_integer((json_int_t)index) : NULL;
}

// Each takes longer than a turn may: it reads the clock until then.
static json_t *slow_number(void *context, size_t index)
{
    struct timespec begun;
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &begun);
    do {
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - begun.tv_sec) * 1000000 + (now.tv_nsec - begun.tv_nsec) / 1000 < 2100);
    return number(context, index);
}

static void a_list_is_filled_and_told_in_a_later_turn(void **state)
{
    (void)state;
    struct event_base *base = event_base_new();
    struct tend_paged_answers *answers = NULL;
    struct told told = { .count = 0 };
    size_t three = 3;
    size_t none = 0;
    int requests[2];
    assert_int_equal(tend_paged_answers_create(base, note, &told, &answers), TEND_OK);
    json_t *head = json_pack("{s:i}", "a", 1);
    json_t *empty = json_object();
    assert_int_equal(tend_paged_answers_ask(answers, head, "list", number, &three, &requests[0]), TEND_OK);
    assert_int_equal(tend_paged_answers_ask(answers, empty, "list", number, &none, &requests[1]), TEND_OK);
    assert_int_equal(told.count, 0);
    assert_int_equal(event_base_dispatch(base), 1); // until nothing is left to do
    assert_int_equal(told.count, 2);
    assert_ptr_equal(told.request[0], &requests[0]);
    assert_string_equal(told.text[0], "{\"a\":1,\"list\":[0,1,2]}");
    assert_ptr_equal(told.request[1], &requests[1]);
    assert_string_equal(told.text[1], "{\"list\":[]}");
    json_decref(head);
    json_decref(empty);
    tend_paged_answers_destroy(answers);
    event_base_free(base);
}

static void the_loop_turns_between_long_elements(void **state)
{
    (void)state;
    struct event_base *base = event_base_new();
    struct tend_paged_answers *answers = NULL;
    struct told told = { .count = 0 };
    size_t three = 3;
    assert_int_equal(tend_paged_answers_create(base, note, &told, &answers), TEND_OK);
    json_t *head = json_object();
    assert_int_equal(tend_paged_answers_ask(answers, head, "list", slow_number, &three, &three), TEND_OK);
    int turns = 0;
    while (told.count == 0) {
        assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
        turns++;
    }
    assert_int_equal(turns, 4); // one for each, and one that finds no more
    assert_string_equal(told.text[0], "{\"list\":[0,1,2]}");
    json_decref(head);
    tend_paged_answers_destroy(answers);
    event_base_free(base);
}

static void what_is_under_way_at_the_end_is_told_as_failed(void **state)
{
    (void)state;
    struct event_base *base = event_base_new();
    struct tend_paged_answers *answers = NULL;
    struct told told = { .count = 0 };
    size_t three = 3;
    assert_int_equal(tend_paged_answers_create(base, note, &told, &answers), TEND_OK);
    json_t *head = json_object();
    assert_int_equal(tend_paged_answers_ask(answers, head, "list", number, &three, &three), TEND_OK);
    tend_paged_answers_destroy(answers);
    assert_int_equal(told.count, 1);
    assert_true(told.failed[0]);
    json_decref(head);
    event_base_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_filled_and_told_in_a_later_turn),
        cmocka_unit_test(the_loop_turns_between_long_elements),
        cmocka_unit_test(what_is_under_way_at_the_end_is_told_as_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
