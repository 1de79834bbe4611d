// Kept answers: told once the journal has their record, or cannot have it.

#include "api/kept_answers.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct told {
    struct event_base *base;
    struct tend_kept_answers *answers;
    char text[256]; // all that was told
};

static void note(void *context, void *request, json_t *take_answer)
{
    struct told *told = context;
    const size_t used = strlen(told->text);
    (void)snprintf(told->text + used, sizeof told->text - used, "%s: %s;", (const char *)request,
                   tend_json_text(take_answer, "unrecorded", "kept"));
    json_decref(take_answer);
}

static int set_up(void **state, int64_t wait_ms)
{
    struct told *told = calloc(1, sizeof *told);
    assert_non_null(told);
    told->base = event_base_new();
    assert_int_equal(tend_kept_answers_create(told->base, note, told, wait_ms, &told->answers), TEND_OK);
    *state = told;
    return 0;
}

static int with_patience(void **state)
{
    return set_up(state, 0);
}

static int without_patience(void **state)
{
    return set_up(state, 1);
}

static int tear_down(void **state)
{
    struct told *told = *state;
    tend_kept_answers_destroy(told->answers);
    event_base_free(told->base);
    free(told);
    return 0;
}

static void ask(struct told *told, uint64_t record, const char *request)
{
    void *handed_back = (void *)(uintptr_t)request;
    assert_int_equal(tend_kept_answers_ask(told->answers, record, json_object(), handed_back), TEND_OK);
}

static void expect(const struct told *told, const char *text)
{
    assert_string_equal(told->text, text);
}

static void each_waits_for_its_record(void **state)
{
    struct told *told = *state;
    ask(told, 7, "pause");
    ask(told, 9, "arm");
    ask(told, 9, "silence");
    expect(told, "");
    tend_kept_answers_reached(told->answers, 6);
    expect(told, "");
    tend_kept_answers_reached(told->answers, 8);
    expect(told, "pause: kept;");
    tend_kept_answers_reached(told->answers, 9);
    expect(told, "pause: kept;arm: kept;silence: kept;");
}

static void what_is_on_disk_already_is_told_at_once(void **state)
{
    struct told *told = *state;
    ask(told, 0, "resume");
    tend_kept_answers_reached(told->answers, 4);
    ask(told, 4, "pause");
    expect(told, "resume: kept;pause: kept;");
}

static void while_the_journal_fails_nobody_waits_and_all_hear_why(void **state)
{
    struct told *told = *state;
    ask(told, 2, "pause");
    tend_kept_answers_failing(told->answers, "disk full");
    ask(told, 3, "arm");
    expect(told, "pause: disk full;arm: disk full;");
    tend_kept_answers_reached(told->answers, 3); // it can be written again
    ask(told, 4, "resume");
    tend_kept_answers_reached(told->answers, 4);
    expect(told, "pause: disk full;arm: disk full;resume: kept;");
}

static void a_disk_that_hangs_is_not_waited_for_long(void **state)
{
    struct told *told = *state;
    ask(told, 2, "pause");
    ask(told, 3, "arm");
    assert_int_equal(event_base_dispatch(told->base), 1); // until no timer is left
    expect(told, "pause: the disk has not taken it yet;arm: the disk has not taken it yet;");
}

static void those_that_wait_at_the_end_are_told(void **state)
{
    struct told *told = *state;
    ask(told, 2, "pause");
    tend_kept_answers_destroy(told->answers);
    told->answers = NULL;
    expect(told, "pause: tend ends;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_waits_for_its_record, with_patience, tear_down),
        cmocka_unit_test_setup_teardown(what_is_on_disk_already_is_told_at_once, with_patience, tear_down),
        cmocka_unit_test_setup_teardown(while_the_journal_fails_nobody_waits_and_all_hear_why, with_patience,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_disk_that_hangs_is_not_waited_for_long, without_patience, tear_down),
        cmocka_unit_test_setup_teardown(those_that_wait_at_the_end_are_told, with_patience, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
