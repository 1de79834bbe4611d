// What a log says of the time since an onset. Buckets are of 10 s; times here are seconds from T0, the begin of one.

#include "engine/log_evidence.h"

#include <malloc.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define T0 INT64_C(1700000000000)

static int begin(void **state)
{
    *state = tend_log_evidence_create(T0);
    return *state == NULL;
}

static int end(void **state)
{
    tend_log_evidence_destroy(*state);
    return 0;
}

static void log_at(struct tend_log_evidence *evidence, int at_s, enum tend_line_level level, const char *text,
                   uint64_t lines)
{
    const struct tend_logged one = { .template = text, .level = (uint8_t)level, .lines = lines };
    const struct tend_logged_service service = { .service = "a", .logged = &one, .count = 1 };
    tend_log_evidence_take(evidence, &service, T0 + at_s * INT64_C(1000), NULL);
}

static void chat(struct tend_log_evidence *evidence, int from_s, int until_s)
{
    for (int at_s = from_s; at_s < until_s; at_s += 5) {
        log_at(evidence, at_s, TEND_LINE_INFO, "served <*>", 20);
    }
}

static json_t *lines_at(const struct tend_log_evidence *evidence, int onset_s, int now_s)
{
    return tend_log_evidence_lines(evidence, T0 + onset_s * INT64_C(1000), T0 + now_s * INT64_C(1000));
}

static double number(const json_t *lines, size_t index, const char *key)
{
    return tend_json_number(json_array_get(lines, index), key, -1e9);
}

static void a_new_error_line_is_told_with_its_count_and_its_lead(void **state)
{
    struct tend_log_evidence *evidence = *state;
    chat(evidence, 0, 262);
    log_at(evidence, 262, TEND_LINE_ERROR, "disk full", 30); // 38 s before the onset
    chat(evidence, 265, 295);
    log_at(evidence, 295, TEND_LINE_ERROR, "disk full", 20);
    chat(evidence, 295, 310);
    json_t *lines = lines_at(evidence, 300, 310);
    assert_int_equal(json_array_size(lines), 1);
    assert_string_equal(tend_json_text(json_array_get(lines, 0), "template", ""), "disk full");
    assert_string_equal(tend_json_text(json_array_get(lines, 0), "level", ""), "error");
    assert_true(json_is_true(json_object_get(json_array_get(lines, 0), "new")));
    assert_true(number(lines, 0, "lines") == 50);
    assert_true(number(lines, 0, "seconds") == 50); // from the bucket of 260 on
    assert_true(number(lines, 0, "lead_s") == 38);
    assert_true(number(lines, 0, "expected") < 1);
    assert_true(number(lines, 0, "up") > 20);
    json_decref(lines);
}

static void what_goes_on_as_usual_is_not_told(void **state)
{
    struct tend_log_evidence *evidence = *state;
    for (int at_s = 0; at_s < 400; at_s += 5) {
        log_at(evidence, at_s, TEND_LINE_ERROR, "retry <*>", 3);
    }
    assert_null(lines_at(evidence, 350, 400));
}

static void a_burst_of_what_always_comes_is_told_and_is_not_new(void **state)
{
    struct tend_log_evidence *evidence = *state;
    for (int at_s = 0; at_s < 340; at_s += 5) {
        log_at(evidence, at_s, TEND_LINE_INFO, "served <*>", 20);
        log_at(evidence, at_s, TEND_LINE_WARNING, "retry <*>", at_s < 300 ? 1 : 40);
    }
    json_t *lines = lines_at(evidence, 300, 340);
    assert_int_equal(json_array_size(lines), 1);
    assert_true(json_is_false(json_object_get(json_array_get(lines, 0), "new")));
    assert_true(number(lines, 0, "lines") == 320);
    assert_true(fabs(number(lines, 0, "expected") - 60.5 * 40 / 300) < 1e-9);
    json_decref(lines);
}

static void lines_that_ceased_are_told(void **state)
{
    struct tend_log_evidence *evidence = *state;
    chat(evidence, 0, 300);
    log_at(evidence, 360, TEND_LINE_INFO, "other", 1);
    json_t *lines = lines_at(evidence, 300, 360);
    assert_string_equal(tend_json_text(json_array_get(lines, 0), "template", ""), "served <*>");
    assert_true(number(lines, 0, "lines") == 0);
    assert_true(number(lines, 0, "down") > 20 && number(lines, 0, "up") == 0);
    assert_true(json_is_null(json_object_get(json_array_get(lines, 0), "lead_s")));
    json_decref(lines);
}

static void a_log_that_is_known_for_too_short_a_time_tells_nothing(void **state)
{
    struct tend_log_evidence *evidence = *state;
    chat(evidence, 0, 20);
    log_at(evidence, 20, TEND_LINE_ERROR, "disk full", 100);
    assert_null(lines_at(evidence, 20, 30));
}

static void what_was_usual_an_hour_ago_is_still_known(void **state)
{
    struct tend_log_evidence *evidence = *state;
    log_at(evidence, 0, TEND_LINE_INFO, "begun", 1);
    for (int at_s = 0; at_s < 3600; at_s += 10) {
        log_at(evidence, at_s, TEND_LINE_ERROR, "nightly", 10);
    }
    log_at(evidence, 7200, TEND_LINE_ERROR, "nightly", 10); // after an hour of silence
    json_t *lines = lines_at(evidence, 7200, 7205);
    for (size_t i = 0; i < json_array_size(lines); i++) {
        assert_true(json_is_false(json_object_get(json_array_get(lines, i), "new")));
        assert_true(number(lines, i, "up") == 0);
    }
    json_decref(lines);
}

static void buckets_that_pass_halve_in_an_hour(void **state)
{
    struct tend_log_evidence *evidence = *state;
    log_at(evidence, 0, TEND_LINE_INFO, "begun", 1000);
    log_at(evidence, 640 + 3600 - 10, TEND_LINE_INFO, "x", 1); // 360 buckets after it fell out of the 64, less one
    assert_true(fabs(evidence->tracks[0].older - 1000 * exp2(-359.0 / 360)) < 0.1);
    assert_true(evidence->tracks[0].buckets[0] == 0);
    // Seconds in which it was read: 1 - 2^-t over the rate of halving.
    assert_true(fabs(evidence->older_s - 3600 / log(2) * (1 - exp2(-360.0 / 360))) < 20);
}

static void one_that_was_silent_for_long_makes_room_and_else_lines_are_other_lines(void **state)
{
    struct tend_log_evidence *evidence = *state;
    char text[32];
    for (int i = 0; i < TEND_LOG_TEMPLATES_MAX; i++) {
        (void)snprintf(text, sizeof text, "line %d", i);
        log_at(evidence, i, TEND_LINE_INFO, text, 1);
    }
    log_at(evidence, 300, TEND_LINE_ERROR, "no room", 7);
    assert_int_equal(evidence->count, TEND_LOG_TEMPLATES_MAX + 1);
    assert_string_equal(evidence->tracks[TEND_LOG_TEMPLATES_MAX].text, TEND_LOG_OTHER);
    log_at(evidence, 700, TEND_LINE_ERROR, "room now", 1); // line 0 came 700 s ago, longer than 640 s
    assert_int_equal(evidence->count, TEND_LOG_TEMPLATES_MAX + 1);
    assert_string_equal(evidence->tracks[0].text, "room now");
    assert_string_equal(evidence->tracks[1].text, "line 1");
}

static void a_full_log_takes_up_no_more_than_is_said(void **state)
{
    struct tend_log_evidence *evidence = *state;
    const size_t before = mallinfo2().uordblks;
    char text[TEND_LOG_TEMPLATE_BYTES + 1];
    for (int i = 0; i < 2 * TEND_LOG_TEMPLATES_MAX; i++) {
        (void)snprintf(text, sizeof text, "%0*d", (int)sizeof text - 1, i);
        log_at(evidence, i / 10, (enum tend_line_level)(i % 3), text, 1);
    }
    assert_int_equal(evidence->count, TEND_LOG_TRACKS_MAX);
    assert_true(mallinfo2().uordblks - before < (size_t)160 * 1024);
}

static void counts_do_not_overflow(void **state)
{
    struct tend_log_evidence *evidence = *state;
    log_at(evidence, 0, TEND_LINE_ERROR, "much", UINT64_MAX);
    log_at(evidence, 1, TEND_LINE_ERROR, "much", UINT64_MAX);
    assert_true(evidence->tracks[0].buckets[evidence->bucket % TEND_LOG_BUCKETS] == UINT32_MAX);
}

static void only_the_five_most_telling_lines_are_told(void **state)
{
    struct tend_log_evidence *evidence = *state;
    chat(evidence, 0, 300);
    char text[32];
    for (int i = 0; i < 20; i++) {
        (void)snprintf(text, sizeof text, "new %c", 'a' + i);
        log_at(evidence, 300, TEND_LINE_ERROR, text, (uint64_t)(100 + (i * 7) % 20));
    }
    json_t *lines = lines_at(evidence, 300, 310);
    assert_int_equal(json_array_size(lines), 5);
    for (size_t i = 0; i < 5; i++) {
        assert_true(number(lines, i, "lines") == 119 - (double)i);
    }
    json_decref(lines);
}

static void templates_that_differ_in_a_word_that_varies_are_one(void **state)
{
    struct tend_log_evidence *evidence = *state;
    log_at(evidence, 5, TEND_LINE_INFO, "user bob logged in", 2);
    log_at(evidence, 15, TEND_LINE_INFO, "a cache hit", 1);
    log_at(evidence, 25, TEND_LINE_INFO, "user ann logged in", 4);
    assert_int_equal(evidence->count, 3);
    log_at(evidence, 35, TEND_LINE_INFO, "user carl logged in", 8);
    assert_int_equal(evidence->count, 2);
    assert_string_equal(evidence->tracks[0].text, "user <word> logged in");
    assert_string_equal(evidence->tracks[1].text, "a cache hit");
    assert_int_equal(evidence->tracks[0].buckets[0], 2);
    assert_int_equal(evidence->tracks[0].buckets[2], 4);
    assert_int_equal(evidence->tracks[0].buckets[3], 8);
    assert_true(evidence->tracks[0].newest_ms == T0 + 35000);
    log_at(evidence, 45, TEND_LINE_INFO, "user dora logged in", 1);
    assert_int_equal(evidence->count, 2);
    log_at(evidence, 45, TEND_LINE_ERROR, "user dora logged in", 1); // of another level
    assert_int_equal(evidence->count, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_new_error_line_is_told_with_its_count_and_its_lead, begin, end),
        cmocka_unit_test_setup_teardown(what_goes_on_as_usual_is_not_told, begin, end),
        cmocka_unit_test_setup_teardown(a_burst_of_what_always_comes_is_told_and_is_not_new, begin, end),
        cmocka_unit_test_setup_teardown(lines_that_ceased_are_told, begin, end),
        cmocka_unit_test_setup_teardown(a_log_that_is_known_for_too_short_a_time_tells_nothing, begin, end),
        cmocka_unit_test_setup_teardown(what_was_usual_an_hour_ago_is_still_known, begin, end),
        cmocka_unit_test_setup_teardown(buckets_that_pass_halve_in_an_hour, begin, end),
        cmocka_unit_test_setup_teardown(one_that_was_silent_for_long_makes_room_and_else_lines_are_other_lines, begin,
                                        end),
        cmocka_unit_test_setup_teardown(templates_that_differ_in_a_word_that_varies_are_one, begin, end),
        cmocka_unit_test_setup_teardown(counts_do_not_overflow, begin, end),
        cmocka_unit_test_setup_teardown(a_full_log_takes_up_no_more_than_is_said, begin, end),
        cmocka_unit_test_setup_teardown(only_the_five_most_telling_lines_are_told, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
