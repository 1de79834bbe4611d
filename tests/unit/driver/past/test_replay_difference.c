// Differences of a replay: which member is named, what counts as the same, and in what words it is told.

#include "driver/past/replay_difference.h"

#include "alert/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static json_t *json(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    return value;
}

// The text of the difference of two replies, or "" when there is none. `out` of 512 bytes.
static const char *reply_text(const char *was, const char *now, double tolerance, char *out)
{
    json_t *one = json(was);
    json_t *other = json(now);
    json_t *difference = tend_replay_reply_differs("reply", "R", one, other, tolerance);
    (void)snprintf(out, 512, "%s", tend_json_text(difference, "text", ""));
    json_decref(difference);
    json_decref(one);
    json_decref(other);
    return out;
}

static void what_is_the_same_does_not_differ(void **state)
{
    (void)state;
    char text[512];
    assert_string_equal(
        reply_text("{\"a\": [1, 2.5, null, \"x\"], \"b\": {}}", "{\"b\": {}, \"a\": [1, 2.5, null, \"x\"]}", 0, text),
        "");
}

static void the_first_member_that_differs_is_named_by_its_path(void **state)
{
    (void)state;
    char text[512];
    assert_string_equal(
        reply_text("{\"a\": {\"b\": [1, {\"c\": \"x\"}]}}", "{\"a\": {\"b\": [1, {\"c\": \"y\"}]}}", 0, text),
        "R: a.b[1].c: recorded \"x\", now \"y\"");
}

static void members_are_compared_in_the_order_of_their_names(void **state)
{
    (void)state;
    char text[512];
    assert_string_equal(reply_text("{\"b\": 1, \"a\": 1}", "{\"b\": 2, \"a\": 2}", 0, text), "R: a: recorded 1, now 2");
}

static void what_is_not_there_is_nothing(void **state)
{
    (void)state;
    char text[512];
    assert_string_equal(reply_text("{\"a\": 1}", "{}", 0, text), "R: a: recorded 1, now nothing");
    assert_string_equal(reply_text("[1]", "[1, null]", 0, text), "R: [1]: recorded nothing, now null");
}

static void a_change_of_type_is_a_difference(void **state)
{
    (void)state;
    char text[512];
    assert_string_equal(reply_text("{\"a\": \"1\"}", "{\"a\": 1}", 0, text), "R: a: recorded \"1\", now 1");
    assert_string_equal(reply_text("1", "1.0", 0, text), "R: recorded 1, now 1.0");
}

static void without_tolerance_the_last_bit_counts(void **state)
{
    (void)state;
    char text[512];
    assert_string_equal(reply_text("0.1", "0.10000000000000002", 0, text),
                        "R: recorded 0.10000000000000001, now 0.10000000000000002");
}

static void with_tolerance_a_relative_error_below_it_is_none(void **state)
{
    (void)state;
    char text[512];
    assert_string_equal(reply_text("1000.0", "1000.0000009", 1e-9, text), "");
    assert_string_equal(reply_text("1000.0", "1000.0000011", 1e-9, text), "R: recorded 1000.0, now 1000.0000011");
    assert_string_equal(reply_text("0.0", "1e-13", 1e-9, text), "");
    assert_string_equal(reply_text("2", "2.0", 1e-9, text), "");
}

static void with_tolerance_whole_numbers_and_texts_are_still_exact(void **state)
{
    (void)state;
    char text[512];
    assert_string_equal(reply_text("10000000000", "10000000001", 1e-9, text),
                        "R: recorded 10000000000, now 10000000001");
    assert_string_equal(reply_text("\"0.1\"", "\"0.10000000000000001\"", 1e-9, text),
                        "R: recorded \"0.1\", now \"0.10000000000000001\"");
}

static struct tend_record record(uint64_t number, enum tend_record_kind kind, const char *key, const char *body)
{
    return (struct tend_record){
        .number = number, .at_ms = 5, .wall_ms = 6, .kind = kind, .key = strdup(key), .open = true, .body = json(body)
    };
}

static void records_text(struct tend_record *was, size_t was_count, struct tend_record *now, size_t now_count,
                         const char *expected)
{
    json_t *difference = tend_replay_records_differ(was, was_count, now, now_count, 0);
    assert_string_equal(tend_json_text(difference, "text", ""), expected);
    json_decref(difference);
    for (size_t i = 0; i < was_count; i++) {
        tend_record_clear(&was[i]);
    }
    for (size_t i = 0; i < now_count; i++) {
        tend_record_clear(&now[i]);
    }
}

static void a_record_is_named_with_its_number_and_key(void **state)
{
    (void)state;
    struct tend_record was[] = { record(41, TEND_RECORD_ALERT, "slow\nledger\n", "{\"state\": \"firing\"}") };
    struct tend_record now[] = { record(41, TEND_RECORD_ALERT, "slow\nledger\n", "{\"state\": \"pending\"}") };
    records_text(was, 1, now, 1, "record 41 (alert slow / ledger): body.state: recorded \"firing\", now \"pending\"");
}

static void a_record_too_few_or_too_many_is_told(void **state)
{
    (void)state;
    struct tend_record was[] = { record(1, TEND_RECORD_INCIDENT, "i1", "{}"), record(2, TEND_RECORD_RUN, "r2", "{}") };
    struct tend_record now[] = { record(1, TEND_RECORD_INCIDENT, "i1", "{}") };
    records_text(was, 2, now, 1, "record 2 (run r2) was recorded, and is not made now");
    struct tend_record fewer[] = { record(1, TEND_RECORD_INCIDENT, "i1", "{}") };
    struct tend_record more[] = { record(1, TEND_RECORD_INCIDENT, "i1", "{}"), record(2, TEND_RECORD_RUN, "r2", "{}") };
    records_text(fewer, 1, more, 2, "record 2 (run r2) is made now, and was not recorded");
}

static void another_record_in_its_place_is_told_by_both_names(void **state)
{
    (void)state;
    struct tend_record was[] = { record(7, TEND_RECORD_RUN, "r7", "{}") };
    struct tend_record now[] = { record(7, TEND_RECORD_DECISION, "i3", "{}") };
    records_text(was, 1, now, 1, "recorded was record 7 (run r7), now it is record 7 (decision i3)");
}

static void how_a_record_reaches_the_disk_is_compared_too(void **state)
{
    (void)state;
    struct tend_record was[] = { record(7, TEND_RECORD_STEP, "r1/1", "{}") };
    struct tend_record now[] = { record(7, TEND_RECORD_STEP, "r1/1", "{}") };
    now[0].full = true;
    records_text(was, 1, now, 1, "record 7 (step r1/1): full: recorded false, now true");
}

static void put_call(struct tend_buffer *request, uint32_t rule, const char *subject)
{
    tend_view_put_call(request, &(struct tend_view_call){ .rule = rule,
                                                          .subject = subject,
                                                          .service = "s",
                                                          .instance = "",
                                                          .labels = "",
                                                          .version = "",
                                                          .metric_count = 1 });
    tend_view_put_metric(request, &(struct tend_view_metric){ .name = "load", .p = 1 });
}

static void a_verdict_is_told_by_its_rule_and_subject(void **state)
{
    (void)state;
    struct tend_buffer request;
    struct tend_buffer was;
    struct tend_buffer now;
    tend_buffer_init(&request);
    tend_buffer_init(&was);
    tend_buffer_init(&now);
    tend_view_begin(&request, 9, 1.5, 2);
    put_call(&request, 0, "ledger");
    put_call(&request, 1, "stock/127.0.0.1:9");
    tend_verdicts_begin(&was, 9, 2);
    tend_verdicts_put(&was, TEND_VERDICT_ERROR, "a.lua:1: no");
    tend_verdicts_put(&was, TEND_VERDICT_OUT, NULL);
    tend_verdicts_begin(&now, 9, 2);
    tend_verdicts_put(&now, TEND_VERDICT_ERROR, "a.lua:1: no");
    tend_verdicts_put(&now, TEND_VERDICT_IN_LINE, NULL);
    json_t *rules = json("[{\"name\": \"a\", \"at\": \"a.lua:1\"}, {\"name\": \"slow\", \"at\": \"a.lua:8\"}]");

    json_t *difference =
        tend_replay_verdicts_differ(request.data, request.size, was.data, was.size, now.data, now.size, rules);
    assert_string_equal(tend_json_text(difference, "text", ""),
                        "rule \"slow\" (a.lua:8) on stock/127.0.0.1:9: recorded out, now in line");
    assert_string_equal(tend_json_text(difference, "expected", ""), "out");
    json_decref(difference);
    assert_null(tend_replay_verdicts_differ(request.data, request.size, was.data, was.size, was.data, was.size, rules));
    difference = tend_replay_verdicts_differ(request.data, request.size, was.data, 12, now.data, now.size, rules);
    assert_string_equal(tend_json_text(difference, "text", ""), "the recorded verdicts are no answer to this tick");

    json_decref(difference);
    json_decref(rules);
    tend_buffer_clear(&request);
    tend_buffer_clear(&was);
    tend_buffer_clear(&now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_the_same_does_not_differ),
        cmocka_unit_test(the_first_member_that_differs_is_named_by_its_path),
        cmocka_unit_test(members_are_compared_in_the_order_of_their_names),
        cmocka_unit_test(what_is_not_there_is_nothing),
        cmocka_unit_test(a_change_of_type_is_a_difference),
        cmocka_unit_test(without_tolerance_the_last_bit_counts),
        cmocka_unit_test(with_tolerance_a_relative_error_below_it_is_none),
        cmocka_unit_test(with_tolerance_whole_numbers_and_texts_are_still_exact),
        cmocka_unit_test(a_record_is_named_with_its_number_and_key),
        cmocka_unit_test(a_record_too_few_or_too_many_is_told),
        cmocka_unit_test(another_record_in_its_place_is_told_by_both_names),
        cmocka_unit_test(how_a_record_reaches_the_disk_is_compared_too),
        cmocka_unit_test(a_verdict_is_told_by_its_rule_and_subject),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
