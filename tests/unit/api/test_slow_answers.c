// Slow answers: the loop goes on while one is made, and each question is told once.

#include "api/slow_answers.h"

#include <event2/event.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { REQUESTS = 3 };

struct asked {
    struct event_base *base;
    struct tend_slow_answers *answers;
    pthread_mutex_t gate; // held: no answer can be made
    size_t told;
    bool ignores;           // what it is told
    int requests[REQUESTS]; // their addresses are handed over
    const void *order[REQUESTS];
    enum tend_status status[REQUESTS];
    char text[REQUESTS][64];
    char error[REQUESTS][64];
};

static enum tend_status make_answer(void *context, const char *about, json_t **out, struct tend_error *error)
{
    struct asked *asked = context;
    (void)pthread_mutex_lock(&asked->gate);
    (void)pthread_mutex_unlock(&asked->gate);
    if (strcmp(about, "nobody") == 0) {
        tend_error_set(error, "there is nobody");
        return TEND_E_INVALID;
    }
    *out = json_pack("{s:s}", "about", about);
    return TEND_OK;
}

static void note(void *context, void *request, enum tend_status status, const struct tend_buffer *text,
                 const struct tend_error *error)
{
    struct asked *asked = context;
    if (asked->ignores) {
        return;
    }
    assert_true(asked->told < REQUESTS);
    asked->order[asked->told] = request;
    asked->status[asked->told] = status;
    (void)snprintf(asked->text[asked->told], sizeof asked->text[0], "%.60s", tend_buffer_text(text));
    (void)snprintf(asked->error[asked->told], sizeof asked->error[0], "%.60s", error->text);
    asked->told++;
}

static int begin(void **state)
{
    struct asked *asked = calloc(1, sizeof *asked);
    asked->base = event_base_new();
    assert_int_equal(pthread_mutex_init(&asked->gate, NULL), 0);
    assert_int_equal(tend_slow_answers_create(asked->base, note, asked, &asked->answers), TEND_OK);
    *state = asked;
    return 0;
}

static int end(void **state)
{
    struct asked *asked = *state;
    tend_slow_answers_destroy(asked->answers);
    event_base_free(asked->base);
    (void)pthread_mutex_destroy(&asked->gate);
    free(asked);
    return 0;
}

static void ask(struct asked *asked, size_t request, const char *about)
{
    assert_int_equal(tend_slow_answers_ask(asked->answers, make_answer, asked, about, &asked->requests[request]),
                     TEND_OK);
}

static void run_until_told(struct asked *asked, size_t count)
{
    while (asked->told < count) {
        assert_int_equal(event_base_loop(asked->base, EVLOOP_ONCE), 0);
    }
}

static void answers_come_in_the_order_of_the_questions(void **state)
{
    struct asked *asked = *state;
    ask(asked, 0, "i1");
    ask(asked, 1, "nobody");
    run_until_told(asked, 2);
    assert_ptr_equal(asked->order[0], &asked->requests[0]);
    assert_int_equal(asked->status[0], TEND_OK);
    assert_string_equal(asked->text[0], "{\"about\":\"i1\"}");
    assert_ptr_equal(asked->order[1], &asked->requests[1]);
    assert_int_equal(asked->status[1], TEND_E_INVALID);
    assert_string_equal(asked->text[1], "");
    assert_string_equal(asked->error[1], "there is nobody");
}

static void the_loop_turns_while_an_answer_is_made(void **state)
{
    struct asked *asked = *state;
    (void)pthread_mutex_lock(&asked->gate);
    ask(asked, 0, "i1");
    assert_int_equal(event_base_loop(asked->base, EVLOOP_NONBLOCK), 0); // comes back
    assert_int_equal(asked->told, 0);
    (void)pthread_mutex_unlock(&asked->gate);
    run_until_told(asked, 1);
    assert_int_equal(asked->status[0], TEND_OK);
}

static void at_the_end_every_question_is_told(void **state)
{
    struct asked *asked = *state;
    (void)pthread_mutex_lock(&asked->gate);
    ask(asked, 0, "i1");
    ask(asked, 1, "i2");
    ask(asked, 2, "i3");
    (void)pthread_mutex_unlock(&asked->gate);
    tend_slow_answers_destroy(asked->answers); // some were made by now, the others are given up
    asked->answers = NULL;
    assert_int_equal(asked->told, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_ptr_equal(asked->order[i], &asked->requests[i]);
        assert_true(asked->status[i] == TEND_OK || strcmp(asked->error[i], "tend ends") == 0);
    }
}

static void too_many_that_wait_are_refused(void **state)
{
    struct asked *asked = *state;
    static int requests[70];
    asked->ignores = true;
    (void)pthread_mutex_lock(&asked->gate);
    size_t taken = 0;
    while (taken < 70 && tend_slow_answers_ask(asked->answers, make_answer, asked, "i1", &requests[taken]) == TEND_OK) {
        taken++;
    }
    (void)pthread_mutex_unlock(&asked->gate);
    assert_true(taken == 64 || taken == 65); // the thread has one of them in hand, or not yet
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers_come_in_the_order_of_the_questions, begin, end),
        cmocka_unit_test_setup_teardown(the_loop_turns_while_an_answer_is_made, begin, end),
        cmocka_unit_test_setup_teardown(at_the_end_every_question_is_told, begin, end),
        cmocka_unit_test_setup_teardown(too_many_that_wait_are_refused, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
