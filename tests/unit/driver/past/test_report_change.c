// What two reports of one past have not in common: which alerts and acts are the same, and what becomes of the others.

#include "driver/past/report_change.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ALERT(rule, service, fired, resolved)                                                                          \
    "{'rule':'" rule "','service':'" service "','instance':'','fired_ms':" fired ",'resolved_ms':" resolved "}"
#define ACT(verb, instance, at) "{'verb':'" verb "','text':'would " verb " " instance "','at_ms':" at "}"
#define REPORT(alerts, acts)                                                                                           \
    "{'alerts':[" alerts "],'incidents':[{'runs':[{'playbook':'cure','dry':true,'steps':[" acts "]}]}]}"

// ' stands for ".
static json_t *parse(const char *text)
{
    char *quoted = strdup(text);
    assert_non_null(quoted);
    for (char *at = quoted; *at != '\0'; at++) {
        if (*at == '\'') {
            *at = '"';
        }
    }
    json_t *json = json_loads(quoted, 0, NULL);
    free(quoted);
    assert_non_null(json);
    return json;
}

static void assert_change(const char *was_text, const char *now_text, const char *expected_text)
{
    json_t *was = parse(was_text);
    json_t *now = parse(now_text);
    json_t *expected = parse(expected_text);
    json_t *change = tend_report_change(was, now);
    if (!json_equal(change, expected)) {
        char *text = json_dumps(change, 0);
        fail_msg("%s", text);
    }
    json_decref(change);
    json_decref(expected);
    json_decref(now);
    json_decref(was);
}

static void the_same_report_has_no_change(void **state)
{
    (void)state;
    const char report[] = REPORT(ALERT("slow", "ledger", "1000", "5000") "," ALERT("slow", "ledger", "9000", "null"),
                                 ACT("restart", "ledger/1", "2000"));
    assert_change(report, report, "{'alerts':[],'alerts_same':2,'acts':[],'acts_same':1}");
}

static void an_alert_that_overlaps_is_earlier_or_later(void **state)
{
    (void)state;
    assert_change(REPORT(ALERT("slow", "a", "1000", "5000") "," ALERT("slow", "b", "1000", "null"), ""),
                  REPORT(ALERT("slow", "a", "4500", "8000") "," ALERT("slow", "b", "500", "null"), ""),
                  "{'alerts':[{'change':'earlier','rule':'slow','service':'b','instance':'','was_ms':1000,'at_ms':500,"
                  "'by_s':-0.5},{'change':'later','rule':'slow','service':'a','instance':'','was_ms':1000,'at_ms':4500,"
                  "'by_s':3.5}],'alerts_same':0,'acts':[],'acts_same':0}");
}

static void an_alert_that_does_not_is_gone_and_another_is_new(void **state)
{
    (void)state;
    assert_change(REPORT(ALERT("slow", "a", "1000", "5000"), ""), REPORT(ALERT("slow", "a", "5001", "null"), ""),
                  "{'alerts':[{'change':'gone','rule':'slow','service':'a','instance':'','was_ms':1000,'at_ms':null,"
                  "'by_s':null},{'change':'new','rule':'slow','service':'a','instance':'','was_ms':null,'at_ms':5001,"
                  "'by_s':null}],'alerts_same':0,'acts':[],'acts_same':0}");
}

static void of_two_the_nearest_is_the_same(void **state)
{
    (void)state;
    assert_change(REPORT(ALERT("slow", "a", "1000", "9000"), ""),
                  REPORT(ALERT("slow", "a", "500", "800") "," ALERT("slow", "a", "1100",
                                                                    "2000") "," ALERT("slow", "a", "3000", "null"),
                         ""),
                  "{'alerts':[{'change':'new','rule':'slow','service':'a','instance':'','was_ms':null,'at_ms':500,"
                  "'by_s':null},{'change':'later','rule':'slow','service':'a','instance':'','was_ms':1000,'at_ms':1100,"
                  "'by_s':0.1},{'change':'new','rule':'slow','service':'a','instance':'','was_ms':null,'at_ms':3000,"
                  "'by_s':null}],'alerts_same':0,'acts':[],'acts_same':0}");
}

static void an_act_is_the_same_within_ten_minutes(void **state)
{
    (void)state;
    assert_change(REPORT("", ACT("restart", "a/1", "1000") "," ACT("restart", "a/2", "1000")),
                  REPORT("", ACT("restart", "a/1", "601000") "," ACT("restart", "a/2", "601001")),
                  "{'alerts':[],'alerts_same':0,'acts':["
                  "{'change':'gone','act':'would restart a/2','playbook':'cure','dry':true,'was_ms':1000,'at_ms':null,"
                  "'by_s':null},"
                  "{'change':'later','act':'would restart a/1','playbook':'cure','dry':true,'was_ms':1000,"
                  "'at_ms':601000,'by_s':600.0},"
                  "{'change':'new','act':'would restart a/2','playbook':'cure','dry':true,'was_ms':null,'at_ms':601001,"
                  "'by_s':null}],'acts_same':0}");
}

static void what_looks_or_waits_is_no_act(void **state)
{
    (void)state;
    assert_change(REPORT("", ACT("pick", "", "5") "," ACT("verify", "a/1", "5") "," ACT("wait", "", "5")),
                  REPORT("", ""), "{'alerts':[],'alerts_same':0,'acts':[],'acts_same':0}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_report_has_no_change),
        cmocka_unit_test(an_alert_that_overlaps_is_earlier_or_later),
        cmocka_unit_test(an_alert_that_does_not_is_gone_and_another_is_new),
        cmocka_unit_test(of_two_the_nearest_is_the_same),
        cmocka_unit_test(an_act_is_the_same_within_ten_minutes),
        cmocka_unit_test(what_looks_or_waits_is_no_act),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
