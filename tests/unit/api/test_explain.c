// Stories put together from records that were written by hand.

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "api/explain.h"
#include "api/step_text.h"
#include "api/wall_time.h"
#include "ledger_incident.h"

static json_t *story_of(const struct written_record *written, size_t count)
{
    struct tend_explanation *explanation = NULL;
    assert_int_equal(tend_explanation_create(&explanation), TEND_OK);
    for (size_t i = 0; i < count; i++) {
        struct tend_record record = written_to_record(&written[i], i + 1);
        assert_non_null(record.body);
        assert_int_equal(tend_explanation_add(explanation, &record), TEND_OK);
        tend_record_clear(&record);
    }
    json_t *story = tend_explanation_finish(explanation);
    tend_explanation_destroy(explanation);
    return story;
}

static json_t *ledger_story(void)
{
    json_t *story = story_of(ledger_incident, LEDGER_INCIDENT_RECORDS);
    assert_non_null(story);
    return story;
}

static void assert_json(const json_t *value, const char *expected)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

static json_t *at(json_t *object, const char *list, size_t index)
{
    return json_array_get(json_object_get(object, list), index);
}

static void the_head_says_when_how_long_and_how_it_ended(void **state)
{
    (void)state;
    json_t *story = ledger_story();
    assert_string_equal(tend_json_text(story, "incident", ""), "i7");
    assert_string_equal(tend_json_text(story, "state", ""), "ended");
    assert_string_equal(tend_json_text(story, "outcome", ""), "recovered");
    assert_string_equal(tend_json_text(story, "opened", ""), "2026-01-31T09:05:07.250Z");
    assert_string_equal(tend_json_text(story, "ended", ""), "2026-01-31T09:05:12.500Z");
    assert_true(tend_json_number(story, "took_s", 0) == 5.25);
    assert_json(json_object_get(story, "services"), "[\"ledger\",\"payments\"]");
    json_decref(story);
}

static void an_alert_keeps_the_numbers_that_fired_it(void **state)
{
    (void)state;
    json_t *story = ledger_story();
    assert_int_equal(json_array_size(json_object_get(story, "alerts")), 2);
    const json_t *down = at(story, "alerts", 0);
    assert_string_equal(tend_json_text(down, "state", ""), "resolved");
    assert_true(tend_json_number(down, "measured", -1) == 0); // not the 1 of the end
    assert_true(tend_json_number(down, "expected", -1) == 1);
    assert_true(tend_json_number(down, "A", -1) == 2);
    assert_true(tend_json_number(down, "since_after_s", 0) == -1);
    assert_true(tend_json_number(down, "fired_after_s", -1) == 0);
    assert_true(tend_json_number(down, "resolved_after_s", -1) == 5);
    const json_t *slow = at(story, "alerts", 1);
    assert_string_equal(tend_json_text(slow, "service", ""), "payments");
    assert_true(json_is_null(json_object_get(slow, "resolved")));
    json_decref(story);
}

static void the_culprit_has_its_confidence_and_the_rankings_reasons(void **state)
{
    (void)state;
    json_t *story = ledger_story();
    assert_json(json_object_get(story, "culprits"),
                "[{\"service\":\"ledger\",\"confidence\":0.92000000000000004,"
                "\"reasons\":[\"out of line, its dependencies are in line\",\"the first to go\"]}]");
    assert_int_equal(json_array_size(json_object_get(story, "ranking")), 2);
    assert_true(json_is_null(json_object_get(story, "wait")));
    json_decref(story);
}

static void the_ranking_is_the_one_that_was_decided_on(void **state)
{
    (void)state;
    static const struct written_record cured[] = {
        { TEND_RECORD_INCIDENT, 0, "i7", "{'id':'i7','state':'open','opened_wall_ms':$0,'culprits':[]}" },
        { TEND_RECORD_EVIDENCE, 10, "i7",
          "{'ranking':[{'service':'ledger','confidence':0.5,'reasons':['slow']}],'culprits':[],'wait':'young'}" },
        { TEND_RECORD_EVIDENCE, 20, "i7",
          "{'ranking':[{'service':'ledger','confidence':0.9,'reasons':['up 0 of 1']}],'culprits':['ledger']}" },
        { TEND_RECORD_DECISION, 1000, "i7", "{'service':'ledger','what':'act','playbook':'restart','reason':'armed'}" },
        { TEND_RECORD_EVIDENCE, 3000, "i7",
          "{'ranking':[{'service':'ledger','confidence':0.9,'reasons':['up 1 of 1']}],'culprits':['ledger']}" },
        { TEND_RECORD_INCIDENT, 4000, "i7",
          "{'id':'i7','state':'ended','outcome':'recovered','opened_wall_ms':$0,'ended_wall_ms':$4000,"
          "'culprits':[{'service':'ledger','confidence':0.9}]}" },
    };
    json_t *story = story_of(cured, sizeof cured / sizeof cured[0]);
    assert_non_null(story);
    assert_json(json_object_get(at(story, "culprits", 0), "reasons"), "[\"up 0 of 1\"]");
    assert_true(json_is_null(json_object_get(story, "wait")));
    json_decref(story);
}

static void a_decision_repeated_is_one_that_counts(void **state)
{
    (void)state;
    json_t *story = ledger_story();
    assert_int_equal(json_array_size(json_object_get(story, "decisions")), 2);
    const json_t *hold = at(story, "decisions", 0);
    assert_string_equal(tend_json_text(hold, "what", ""), "hold");
    assert_int_equal(tend_json_integer(hold, "times", 0), 2);
    assert_true(tend_json_number(hold, "after_s", 0) == 1);
    json_decref(story);
}

static void a_run_has_its_steps_with_outcome_and_time(void **state)
{
    (void)state;
    json_t *story = ledger_story();
    json_t *run = at(story, "runs", 0);
    assert_string_equal(tend_json_text(run, "outcome", ""), "recovered");
    assert_true(tend_json_number(run, "took_s", 0) == 2.45);
    assert_int_equal(json_array_size(json_object_get(run, "steps")), 2);
    const json_t *restart = at(run, "steps", 0);
    assert_string_equal(tend_json_text(restart, "text", ""), "restart ledger/127.0.0.1:9105");
    assert_string_equal(tend_json_text(restart, "asks", ""), "shopctl '/tmp/a shop' restart ledger");
    assert_string_equal(tend_json_text(restart, "outcome", ""), "done");
    assert_true(tend_json_number(restart, "began_after_s", 0) == 2.01);
    assert_true(tend_json_number(restart, "took_s", 0) == 0.42);
    assert_string_equal(tend_json_text(at(run, "steps", 1), "text", ""), "verify the incident");
    json_decref(story);
}

static void the_timeline_tells_it_in_order(void **state)
{
    (void)state;
    static const struct {
        double after_s;
        const char *text;
    } expected[] = {
        { -1, "ledger/127.0.0.1:9105 out of line: up is 0, expected 1 (F 1, α 0.5, A 2); rule down waits" },
        { 0, "alert down fires on ledger/127.0.0.1:9105: up is 0, expected 1 (F 1, α 0.5, A 2)" },
        { 0, "incident opened, severity page" },
        { 0.5, "alert slow fires on payments: response_time is 1.2 s, expected 20 ms (F 59, α 2, A 29.5)" },
        { 0.6, "no verdict on the culprit yet: ledger has no scrape that began after the onset" },
        { 1, "culprit: ledger (confidence 0.92)" },
        { 1, "decision: hold “restart” on ledger: the ranking is younger than 1 s" },
        { 2, "decision: act “restart” on ledger: confidence 0.92 is over 0.8" },
        { 2, "run r3 begins: “restart” on ledger" },
        { 2.01, "step 1 begins: restart ledger/127.0.0.1:9105, by shopctl '/tmp/a shop' restart ledger" },
        { 2.43, "step 1 done after 0.42 s" },
        { 2.44, "step 2 begins: verify the incident" },
        { 4.44, "step 2 done after 2.00 s" },
        { 4.45, "run r3 ended: recovered" },
        { 4.5, "notice to “on call” was taken" },
        { 5, "alert down on ledger/127.0.0.1:9105 is over: up is 1" },
        { 5.25, "incident ended: recovered" },
    };
    json_t *story = ledger_story();
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const json_t *entry = at(story, "timeline", i);
        assert_string_equal(tend_json_text(entry, "text", "(none)"), expected[i].text);
        assert_true(tend_json_number(entry, "after_s", -9) == expected[i].after_s);
    }
    assert_int_equal(json_array_size(json_object_get(story, "timeline")), sizeof expected / sizeof expected[0]);
    json_decref(story);
}

static void records_without_an_incident_are_no_story(void **state)
{
    (void)state;
    assert_null(story_of(ledger_incident, 2)); // two alert records
}

static void an_incident_that_just_opened_is_a_story(void **state)
{
    (void)state;
    json_t *story = story_of(ledger_incident, 3);
    assert_non_null(story);
    assert_true(json_is_null(json_object_get(story, "ended")));
    assert_true(json_is_null(json_object_get(story, "took_s")));
    assert_json(json_object_get(story, "culprits"), "[]");
    assert_json(json_object_get(story, "runs"), "[]");
    json_decref(story);
}

static void a_step_that_never_ended_shows_that_it_began(void **state)
{
    (void)state;
    json_t *story = story_of(ledger_incident, 12); // up to "step 1 begun"
    json_t *step = at(at(story, "runs", 0), "steps", 0);
    assert_string_equal(tend_json_text(step, "state", ""), "begun");
    assert_true(json_is_null(json_object_get(step, "outcome")));
    assert_true(json_is_null(json_object_get(step, "took_s")));
    json_decref(story);
}

static void why_nothing_was_done_is_told(void **state)
{
    (void)state;
    static const struct written_record refused[] = {
        { TEND_RECORD_OPERATOR, -60000, "pause",
          "{'what':'pause','argument':'deploy','who':'uid 1000 (ops)','on':true}" },
        { TEND_RECORD_INCIDENT, 0, "i7",
          "{'id':'i7','state':'open','opened_wall_ms':$0,'ended_wall_ms':null,'severity':'page','services':['ledger'],"
          "'alerts':[],'culprits':[],'outcome':null}" },
        { TEND_RECORD_DECISION, 1000, "i7",
          "{'service':'ledger','what':'refuse','playbook':'restart','reason':'paused','text':'acting is paused by uid "
          "1000 (ops)'}" },
        { TEND_RECORD_ALERT, 2000, "x",
          "{'rule':'quiet','service':'ledger','instance':'','state':'firing','severity':'warn','since_wall_ms':$1000,"
          "'fired_wall_ms':$2000,'metric':'traffic','P':null,'E':null,'F':null,'alpha':null,'A':null,'unit':'',"
          "'missing':'series gone','summary':'','incident':'i7'}" },
        { TEND_RECORD_NOTICE, 3000, "k",
          "{'key':'k','notify':'on call','to':0,'status':'failed','tries':9,'error':'HTTP 500'}" },
    };
    json_t *story = story_of(refused, sizeof refused / sizeof refused[0]);
    assert_non_null(story);
    assert_string_equal(tend_json_text(at(story, "decisions", 0), "reason", ""), "paused");
    static const char *const lines[] = {
        "uid 1000 (ops): pause deploy",
        "incident opened, severity page",
        "decision: refuse “restart” on ledger: acting is paused by uid 1000 (ops)",
        "alert quiet fires on ledger: traffic has no data: series gone",
        "notice to “on call” failed after 9 tries: HTTP 500",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_string_equal(tend_json_text(at(story, "timeline", i), "text", ""), lines[i]);
    }
    json_decref(story);
}

static void a_record_of_unknown_shape_breaks_nothing(void **state)
{
    (void)state;
    static const struct written_record odd[] = {
        { TEND_RECORD_INCIDENT, 0, "i7", "{}" },
        { TEND_RECORD_ALERT, 0, "a", "{'rule':7,'instance':null,'P':'x'}" },
        { TEND_RECORD_EVIDENCE, 0, "i7", "{'ranking':{},'culprits':[7,null,{}]}" },
        { TEND_RECORD_DECISION, 0, "i7", "{}" },
        { TEND_RECORD_RUN, 0, "r1", "{'state':'ended'}" },
        { TEND_RECORD_STEP, 0, "r1/1", "{'run':'r1','args':[1],'kind':'exec','state':'ended'}" },
        { TEND_RECORD_NOTICE, 0, "k", "{}" },
        { TEND_RECORD_OPERATOR, 0, "o", "{}" },
    };
    json_t *story = story_of(odd, sizeof odd / sizeof odd[0]);
    assert_non_null(story);
    json_decref(story);
}

static void assert_step(const char *body, const char *text, const char *asks)
{
    json_t *step = written_body(body);
    struct tend_buffer out;
    tend_buffer_init(&out);
    tend_step_text(step, &out);
    assert_string_equal(tend_buffer_text(&out), text);
    tend_buffer_reset(&out);
    tend_step_asks(step, &out);
    assert_string_equal(out.size > 0 ? tend_buffer_text(&out) : "", asks);
    tend_buffer_clear(&out);
    json_decref(step);
}

static void each_kind_of_step_has_its_words(void **state)
{
    (void)state;
    assert_step("{'kind':'wait','args':{'ms':1500}}", "wait 1s500ms", "");
    assert_step("{'kind':'verify','instance':'a/b:1'}", "verify a/b:1", "");
    assert_step("{'kind':'note','args':{'text':'ledger first'}}", "note: ledger first", "");
    assert_step("{'kind':'pick','value':{'instance':'a/b:1'}}", "pick the worst instance: a/b:1", "");
    assert_step("{'kind':'pick','state':'ended','value':{'instance':null}}", "no instance is left to pick", "");
    assert_step("{'kind':'exec','args':{'argv':['a','-b','','c d']}}", "a -b '' 'c d'", "a -b '' 'c d'");
    assert_step("{'kind':'exec','undo':true,'verb':'drain','instance':'a/b:1','args':{'argv':['x']}}",
                "undo: drain a/b:1", "x");
}

static void secrets_are_never_shown(void **state)
{
    (void)state;
    assert_step("{'kind':'http','args':{'method':'POST','url':['http://h/',{'secret':'token'},'/x']}}",
                "POST http://h/***/x", "POST http://h/***/x");
}

static void a_notice_says_what_it_was_about(void **state)
{
    (void)state;
    json_t *story = ledger_story();
    assert_string_equal(tend_json_text(at(story, "notices", 0), "about", ""), "firing");
    json_decref(story);
}

static void wall_times_are_rfc_3339_in_utc(void **state)
{
    (void)state;
    char text[TEND_WALL_TIME_BYTES];
    assert_string_equal(tend_wall_time_format(0, text), "1970-01-01T00:00:00.000Z");
    assert_string_equal(tend_wall_time_format(INT64_C(951782400007), text), "2000-02-29T00:00:00.007Z");
    assert_string_equal(tend_wall_time_format(-1, text), "1969-12-31T23:59:59.999Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_head_says_when_how_long_and_how_it_ended),
        cmocka_unit_test(an_alert_keeps_the_numbers_that_fired_it),
        cmocka_unit_test(the_culprit_has_its_confidence_and_the_rankings_reasons),
        cmocka_unit_test(the_ranking_is_the_one_that_was_decided_on),
        cmocka_unit_test(a_decision_repeated_is_one_that_counts),
        cmocka_unit_test(a_run_has_its_steps_with_outcome_and_time),
        cmocka_unit_test(the_timeline_tells_it_in_order),
        cmocka_unit_test(records_without_an_incident_are_no_story),
        cmocka_unit_test(an_incident_that_just_opened_is_a_story),
        cmocka_unit_test(a_step_that_never_ended_shows_that_it_began),
        cmocka_unit_test(why_nothing_was_done_is_told),
        cmocka_unit_test(a_record_of_unknown_shape_breaks_nothing),
        cmocka_unit_test(each_kind_of_step_has_its_words),
        cmocka_unit_test(secrets_are_never_shown),
        cmocka_unit_test(a_notice_says_what_it_was_about),
        cmocka_unit_test(wall_times_are_rfc_3339_in_utc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
