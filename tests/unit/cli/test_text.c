// What people read: values, tables, and the texts of status, incidents and explain.

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "api/explain.h"
#include "cli/explain_text.h"
#include "cli/incidents_text.h"
#include "cli/status_text.h"
#include "cli/terminal.h"
#include "cli/text_table.h"
#include "ledger_incident.h"

static void assert_text(struct tend_buffer *out, const char *expected)
{
    assert_false(out->failed);
    assert_string_equal(tend_buffer_text(out), expected);
    tend_buffer_clear(out);
}

static void control_characters_never_reach_the_terminal(void **state)
{
    (void)state;
    struct tend_buffer out;
    tend_buffer_init(&out);
    tend_terminal_put(&out, "a\x1b[31m b\r\n\xc2\x9b"
                            "2J \xff é");
    assert_text(&out, "a\\x1b[31m b\\x0d\\x0a\\xc2\\x9b2J \\xff é");
}

static void spans_are_as_exact_as_they_are_long(void **state)
{
    (void)state;
    static const struct {
        double seconds;
        const char *text;
    } cases[] = {
        { 0, "0.00 s" },     { 0.42, "0.42 s" },    { 12.34, "12.3 s" },   { -1, "-1.00 s" },
        { 200, "3 m 20 s" }, { 18720, "5 h 12 m" }, { 273600, "3 d 4 h" }, { (double)NAN, "-" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tend_buffer out;
        tend_buffer_init(&out);
        tend_terminal_put_span(&out, cases[i].seconds);
        assert_text(&out, cases[i].text);
    }
}

static void times_are_read_as_milliseconds_and_as_text(void **state)
{
    (void)state;
    json_t *number = json_integer(LEDGER_OPENED_MS);
    json_t *text = json_string("2026-01-31T09:05:07.250Z");
    json_t *neither = json_string("yesterday");
    assert_int_equal(tend_terminal_wall_ms(number), LEDGER_OPENED_MS);
    assert_int_equal(tend_terminal_wall_ms(text), LEDGER_OPENED_MS);
    assert_int_equal(tend_terminal_wall_ms(neither), -1);
    assert_int_equal(tend_terminal_wall_ms(NULL), -1);
    struct tend_buffer out;
    tend_buffer_init(&out);
    tend_terminal_put_time(&out, LEDGER_OPENED_MS);
    assert_text(&out, "2026-01-31 09:05:07Z");
    json_decref(number);
    json_decref(text);
    json_decref(neither);
}

static void columns_line_up_by_code_points(void **state)
{
    (void)state;
    struct tend_text_table table;
    tend_text_table_init(&table, "lrl");
    static const char *const cells[] = { "α", "12", "x", "long", "3", "", "b", "", "y" };
    for (size_t i = 0; i < 9; i++) {
        tend_text_table_put(&table, cells[i]);
    }
    struct tend_buffer out;
    tend_buffer_init(&out);
    tend_text_table_format(&table, "> ", 0, &out);
    tend_text_table_clear(&table);
    assert_text(&out, "> α     12  x\n"
                      "> long   3\n"
                      "> b         y\n");
}

static void a_column_with_nothing_but_its_head_is_left_out(void **state)
{
    (void)state;
    struct tend_text_table table;
    tend_text_table_init(&table, "lll");
    static const char *const cells[] = { "A", "B", "C", "1", "", "3" };
    for (size_t i = 0; i < 6; i++) {
        tend_text_table_put(&table, cells[i]);
    }
    struct tend_buffer out;
    tend_buffer_init(&out);
    tend_text_table_format(&table, "", 1, &out);
    tend_text_table_clear(&table);
    assert_text(&out, "A  C\n1  3\n");
}

static void status_shows_the_worst_of_each_service_and_what_is_wrong(void **state)
{
    (void)state;
    json_t *status = written_body(
        "{'now_wall_ms':$0,'up_s':200.5,'generation':'0123456789abcdef','paused':{'on':true,'who':'uid 1000 "
        "(ops)','since_wall_ms':$-7250},'journal':'ok',"
        "'targets':{'total':4,'up':3},'services':["
        "{'name':'payments','watched':true,'state':'firing','instances':[{'name':'payments/h:1','up':true},"
        "{'name':'payments/h:2','up':false,'kind':'REFUSED','reason':'connection "
        "refused','metrics':{'up':{'P':0,'E':1,'F':1,"
        "'A':2,'out':true,'unit':'','out_at':0.5},'memory':{'P':null,'out':false}}}],"
        "'metrics':[{'name':'response_time','P':1.2,'E':0.02,'F':59,'A':29.5,'alpha':2,'out_at':0.06,'unit':'s','out':"
        "true,'missing':"
        "null},"
        "{'name':'error_rate','P':0.001,'E':0,'F':0.02,'A':0.02,'alpha':null,'unit':'ratio','out':false,'missing':null}"
        "],"
        "'alerts':[{'rule':'down','instance':'payments/"
        "h:2','state':'pending','severity':'page','since_s':0.25,'summary':'h:2 is down'},"
        "{'rule':'slow','instance':'','state':'firing','severity':'page','since_s':2.0,'summary':''}],'incident':'i7'},"
        "{'name':'ledger','watched':true,'state':'ok','instances':[{'name':'ledger/h:3','up':true},{'name':'ledger/"
        "h:4',"
        "'up':true}],'metrics':[{'name':'response_time','P':null,'E':0.008,'F':null,'A':null,'alpha':2,'unit':'s','out'"
        ":false,"
        "'missing':'no traffic'}],'alerts':[],'incident':null,'breaker_open':true},"
        "{'name':'bank','watched':false,'state':'unknown','instances':[],'metrics':[],'alerts':[],'incident':null}],"
        "'rules_off':[{'rule':'hostile','why':'used 100 ms of CPU time'}],"
        "'playbooks':[{'name':'restart','armed':false},{'name':'drain','armed':true}],'warnings':['the disk is "
        "slow']}");
    assert_non_null(status);
    struct tend_buffer out;
    tend_buffer_init(&out);
    tend_status_text_format(status, &out);
    json_decref(status);
    assert_text(&out, "tend up 3 m 20 s, generation 0123456789ab, 3 of 4 targets up, 1 rule off, journal ok\n"
                      "PAUSED by uid 1000 (ops) for 7.25 s: nothing is acted on until tend resume\n"
                      "SERVICE    UP  STATE        WORST METRIC     MEASURED  EXPECTED   F     A  INCIDENT\n"
                      "payments  1/2  firing       response_time       1.2 s     20 ms  59  29.5  i7\n"
                      "ledger    2/2  ok           response_time  no traffic      8 ms   -     -\n"
                      "bank           not watched\n"
                      "\nalerts\n"
                      "  firing   page  slow  payments      for 2.00 s\n"
                      "  pending  page  down  payments/h:2  for 0.25 s  h:2 is down\n"
                      "\nout of line\n"
                      "  payments      response_time  1.2 s  expected 20 ms  out at 60 ms  F 59  A 29.5\n"
                      "  payments/h:2  up                 0  expected 1      out at 0.5    F 1   A 2\n"
                      "\nnot scraped\n"
                      "  payments/h:2  REFUSED  connection refused\n"
                      "\nservices that are not acted on after failed runs (tend close SERVICE)\n"
                      "  ledger\n"
                      "\nrules that are off\n"
                      "  hostile  used 100 ms of CPU time\n"
                      "\nplaybooks that only report what they would do (tend arm NAME, or tend arm --all)\n"
                      "  restart\n"
                      "\nwarnings\n"
                      "  the disk is slow\n");
}

static void status_of_an_empty_daemon_is_short(void **state)
{
    (void)state;
    json_t *status = json_pack("{s:s, s:s}", "generation", "abc", "journal", "ok");
    struct tend_buffer out;
    tend_buffer_init(&out);
    tend_status_text_format(status, &out);
    json_decref(status);
    assert_text(&out, "tend generation abc, 0 of 0 targets up, journal ok\nno services\n");
}

static void incidents_are_a_line_each(void **state)
{
    (void)state;
    json_t *incidents = written_body(
        "{'incidents':[{'id':'i8','state':'open','outcome':null,'opened':$60000,'ended':null,'severity':'page',"
        "'services':['stock'],'culprits':[],'summary':'stock "
        "leaks','runs':[{'playbook':'restart','outcome':null,'dry':false}]},"
        "{'id':'i7','state':'ended','outcome':'recovered','opened':$0,'ended':$5250,'severity':'page','services':['"
        "ledger',"
        "'payments'],'culprits':[{'service':'ledger','confidence':0.92}],'summary':'ledger is down',"
        "'runs':[{'playbook':'restart','outcome':'recovered','dry':false}]}]}");
    struct tend_buffer out;
    tend_buffer_init(&out);
    tend_incidents_text_format(incidents, &out);
    json_decref(incidents);
    assert_text(&out, "ID  OPENED                STATE        TOOK  SEVERITY  CULPRIT      SERVICES          RUNS      "
                      "          SUMMARY\n"
                      "i8  2026-01-31 09:06:07Z  open            -  page      -            stock             restart: "
                      "running    stock leaks\n"
                      "i7  2026-01-31 09:05:07Z  recovered  5.25 s  page      ledger 0.92  ledger, payments  restart: "
                      "recovered  ledger is down\n");
}

static void no_incidents_says_so(void **state)
{
    (void)state;
    json_t *incidents = json_pack("{s:[]}", "incidents");
    struct tend_buffer out;
    tend_buffer_init(&out);
    tend_incidents_text_format(incidents, &out);
    json_decref(incidents);
    assert_text(&out, "no incidents\n");
}

static json_t *story_of_first(size_t count)
{
    struct tend_explanation *explanation = NULL;
    assert_int_equal(tend_explanation_create(&explanation), TEND_OK);
    for (size_t i = 0; i < count; i++) {
        struct tend_record record = written_to_record(&ledger_incident[i], i + 1);
        assert_int_equal(tend_explanation_add(explanation, &record), TEND_OK);
        tend_record_clear(&record);
    }
    json_t *story = tend_explanation_finish(explanation);
    assert_non_null(story);
    tend_explanation_destroy(explanation);
    return story;
}

static void explain_tells_the_whole_story(void **state)
{
    (void)state;
    json_t *story = story_of_first(LEDGER_INCIDENT_RECORDS);
    struct tend_buffer out;
    tend_buffer_init(&out);
    tend_explain_text_format(story, &out);
    json_decref(story);
    assert_text(&out,
                "incident i7: recovered after 5.25 s\n"
                "opened 2026-01-31 09:05:07Z, severity page, services ledger, payments\n"
                "\nWhat was out of line (times from the opening)\n"
                "  RULE  ON                     METRIC         EXPECTED  MEASURED   F    α     A    FIRED     "
                "OVER  SUMMARY\n"
                "  down  ledger/127.0.0.1:9105  up                    1         0   1  0.5     2  +0.00 s  "
                "+5.00 s  ledger does "
                "not answer\n"
                "  slow  payments               response_time     20 ms     1.2 s  59    2  29.5  +0.50 s     "
                "   -  payments "
                "is slow\n"
                "\nThe culprit\n"
                "  ledger (0.92): out of line, its dependencies are in line; the first to go\n"
                "  less likely\n"
                "    payments (0.05): depends on ledger\n"
                "\nWhat was decided, and why\n"
                "  +1.00 s  hold  restart on ledger  settling  the ranking is younger than 1 s (2 times)\n"
                "  +2.00 s  act   restart on ledger            confidence 0.92 is over 0.8\n"
                "\nWhat was done\n"
                "  run r3, “restart” on ledger: recovered after 2.45 s\n"
                "    1  +2.01 s  restart ledger/127.0.0.1:9105  done  0.42 s  shopctl '/tmp/a shop' restart ledger\n"
                "    2  +2.44 s  verify the incident            done  2.00 s\n"
                "\nWho was told\n"
                "  +4.50 s  on call  firing  sent after 2 tries\n"
                "\nLine by line\n"
                "  -1.00 s  ledger/127.0.0.1:9105 out of line: up is 0, expected 1 (F 1, α 0.5, A 2); rule down waits\n"
                "  +0.00 s  alert down fires on ledger/127.0.0.1:9105: up is 0, expected 1 (F 1, α 0.5, A 2)\n"
                "  +0.00 s  incident opened, severity page\n"
                "  +0.50 s  alert slow fires on payments: response_time is 1.2 s, expected 20 ms (F 59, α 2, A 29.5)\n"
                "  +0.60 s  no verdict on the culprit yet: ledger has no scrape that began after the onset\n"
                "  +1.00 s  culprit: ledger (confidence 0.92)\n"
                "  +1.00 s  decision: hold “restart” on ledger: the ranking is younger than 1 s\n"
                "  +2.00 s  decision: act “restart” on ledger: confidence 0.92 is over 0.8\n"
                "  +2.00 s  run r3 begins: “restart” on ledger\n"
                "  +2.01 s  step 1 begins: restart ledger/127.0.0.1:9105, by shopctl '/tmp/a shop' restart ledger\n"
                "  +2.43 s  step 1 done after 0.42 s\n"
                "  +2.44 s  step 2 begins: verify the incident\n"
                "  +4.44 s  step 2 done after 2.00 s\n"
                "  +4.45 s  run r3 ended: recovered\n"
                "  +4.50 s  notice to “on call” was taken\n"
                "  +5.00 s  alert down on ledger/127.0.0.1:9105 is over: up is 1\n"
                "  +5.25 s  incident ended: recovered\n");
}

static void explain_of_an_open_incident_says_what_is_not_known(void **state)
{
    (void)state;
    json_t *story = story_of_first(5); // up to the first evidence, which waits
    struct tend_buffer out;
    tend_buffer_init(&out);
    tend_explain_text_format(story, &out);
    json_decref(story);
    const char *text = tend_buffer_text(&out);
    assert_non_null(strstr(text, "incident i7: still open\n"));
    assert_non_null(strstr(text, "No culprit was found\n"
                                 "  not decided: ledger has no scrape that began after the onset\n"));
    assert_non_null(strstr(text, "Nothing was done\n"));
    tend_buffer_clear(&out);
}

static void a_program_that_failed_has_the_last_word(void **state)
{
    (void)state;
    json_t *story = written_body(
        "{'incident':'i1','runs':[{'id':'r1','steps':[{'seq':1,'kind':'exec','text':'restart a/b','state':'ended',"
        "'outcome':'failed','error':'exit status 1','value':{'output':'one\\nport 80 is taken\\n'}}]}]}");
    assert_non_null(story);
    struct tend_buffer out;
    tend_buffer_init(&out);
    tend_explain_text_format(story, &out);
    json_decref(story);
    assert_non_null(strstr(tend_buffer_text(&out), "exit status 1: port 80 is taken\n"));
    tend_buffer_clear(&out);
}

static void texts_of_empty_objects_break_nothing(void **state)
{
    (void)state;
    json_t *nothing = json_object();
    json_t *odd =
        written_body("{'services':[7,{'metrics':[1],'instances':7,'alerts':[[]]}],'incidents':[3],'alerts':[1],"
                     "'culprits':[1],'ranking':[[]],'decisions':[null],'runs':[{'steps':[3]}],'notices':[1],"
                     "'timeline':[1],'warnings':[1],'playbooks':[1]}");
    assert_non_null(odd);
    struct tend_buffer out;
    tend_buffer_init(&out);
    const json_t *const both[] = { nothing, odd };
    for (size_t i = 0; i < 2; i++) {
        tend_status_text_format(both[i], &out);
        tend_incidents_text_format(both[i], &out);
        tend_explain_text_format(both[i], &out);
    }
    assert_false(out.failed);
    tend_buffer_clear(&out);
    json_decref(nothing);
    json_decref(odd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_characters_never_reach_the_terminal),
        cmocka_unit_test(spans_are_as_exact_as_they_are_long),
        cmocka_unit_test(times_are_read_as_milliseconds_and_as_text),
        cmocka_unit_test(columns_line_up_by_code_points),
        cmocka_unit_test(a_column_with_nothing_but_its_head_is_left_out),
        cmocka_unit_test(status_shows_the_worst_of_each_service_and_what_is_wrong),
        cmocka_unit_test(status_of_an_empty_daemon_is_short),
        cmocka_unit_test(incidents_are_a_line_each),
        cmocka_unit_test(no_incidents_says_so),
        cmocka_unit_test(explain_tells_the_whole_story),
        cmocka_unit_test(explain_of_an_open_incident_says_what_is_not_known),
        cmocka_unit_test(a_program_that_failed_has_the_last_word),
        cmocka_unit_test(texts_of_empty_objects_break_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
