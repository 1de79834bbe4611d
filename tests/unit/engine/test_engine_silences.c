// Silences, deploys, acknowledgements and hours of notifies: what is kept back, why, and what is told at the end.

#include "engine_world.h"

#define LEDGER "ledger/h:1"
#define WEB "web/w:1"
#define PAGE ",'rules':[{'rule':0,'clear_below':1,'severity':'page','act':true}],'remedies':[0]"
#define OPS(more) "{'name':'ops','on':['*'],'severity':['page'],'to':1" more "}"
#define TWO(more)                                                                                                      \
    DOCUMENT(                                                                                                          \
        SERVICE("ledger", "'http://h:1/m'", PAGE) "," SERVICE("web", "'http://w:1/m'", PAGE ",'depends':['ledger']"),  \
        LOAD_RULE, PLAYBOOK("restart", ""), ",'groups':[{'name':'*'}]" more)
#define ONE(more)                                                                                                      \
    DOCUMENT(SERVICE("ledger", "'http://h:1/m'", PAGE), LOAD_RULE, PLAYBOOK("restart", ""),                            \
             ",'groups':[{'name':'*'},{'name':'shop'}]" more)
#define NOTIFIES(list) ",'notifies':[" list "]"
// The world begins at 02:40:00 UTC on Monday, 2026-02-02.
#define NIGHT "'02:00-02:41'"

static const char *const restart[] = { "pick", "restart $", "verify", NULL };

static void begin(struct world *world, const char *document)
{
    world_begin(world, document);
    world->scripts[0] = restart;
    world->wait = "nobody yet"; // so that nothing but the alert is told
}

static void fire(struct world *world)
{
    world_target(world, LEDGER)->load = 10;
}

static void operate(struct world *world, const char *command, const char *argument)
{
    json_t *json = world_json(argument);
    char *text = json_dumps(json, JSON_COMPACT);
    world_operate(world, command, text);
    free(text);
    json_decref(json);
}

static size_t told(const struct world *world, const char *what)
{
    size_t count = 0;
    for (const char *at = tend_buffer_text(&world->delivered); (at = strstr(at, what)) != NULL; at++) {
        count++;
    }
    return count;
}

static size_t silences(const struct world *world)
{
    return tend_engine_counts(world->engine).silences;
}

static const char *text_of_decision(const struct world *world, const char *reason)
{
    return tend_json_text(world_newest(world, TEND_RECORD_DECISION, "reason", reason), "text", "");
}

// Operators' silences -------------------------------------------------------------------------------------------------

static void what_is_silenced_fires_and_is_told_when_the_silence_is_over(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(NOTIFIES(OPS(""))));
    operate(&world, "silence", "{'on':'ledger','for_ms':60000,'why':'new disks'}");
    fire(&world);
    world_pass(&world, 59);
    assert_string_equal(world_alert_state(&world, "ledger"), "firing");
    assert_int_equal(tend_engine_counts(world.engine).incidents_open, 1);
    assert_int_equal(world.deliveries, 0);
    assert_int_equal(world_decided(&world, "silenced"), 1); // once
    assert_string_equal(text_of_decision(&world, "silenced"),
                        "\"ops\" is not told: silenced by uid 1 (ops) until 02:41 UTC: new disks");
    world_pass(&world, 2);
    assert_int_equal(told(&world, "/ops/firing/"), 1);
    assert_int_equal(silences(&world), 0);
    world_end(&world);
}

static void it_is_told_at_the_very_end_though_nothing_else_happens(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(NOTIFIES(OPS(""))));
    fire(&world);
    operate(&world, "silence", "{'on':'*','for_ms':60000}");
    world_pass(&world, 10);
    world_until(&world, WORLD_BEGIN_MS + 59999);
    assert_int_equal(world.deliveries, 0);
    world_until(&world, WORLD_BEGIN_MS + 60000);
    assert_int_equal(told(&world, "/ops/firing/"), 1);
    world_end(&world);
}

static void what_is_over_before_the_silence_is_never_told(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(NOTIFIES(OPS(""))));
    operate(&world, "silence", "{'on':'shop','for_ms':30000}"); // a group, of which it is no member
    operate(&world, "silence", "{'on':'ledger','rule':'loaded','for_ms':30000}");
    fire(&world);
    world_pass(&world, 10);
    world_target(&world, LEDGER)->load = 1;
    world_pass(&world, 40);
    assert_int_equal(tend_engine_counts(world.engine).incidents_open, 0);
    assert_int_equal(world.deliveries, 0); // neither that it fired nor that it is over
    world_end(&world);
}

static void a_silence_that_ends_early_lets_it_out_at_once(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(NOTIFIES(OPS(""))));
    operate(&world, "silence", "{'on':'ledger','for_ms':3600000}");
    const json_t *silence = world_newest(&world, TEND_RECORD_OPERATOR, "what", "silence");
    fire(&world);
    world_pass(&world, 5);
    char end[64];
    (void)snprintf(end, sizeof end, "{'id':'%s'}", tend_json_text(silence, "id", "?"));
    operate(&world, "unsilence", end);
    assert_int_equal(told(&world, "/ops/firing/"), 1);
    assert_int_equal(silences(&world), 0);
    assert_int_equal(world_count_records(&world, TEND_RECORD_OPERATOR, "what", "unsilence"), 1);
    world_end(&world);
}

static void what_was_told_before_is_told_to_be_over(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(NOTIFIES(OPS(",'again_ms':10000"))));
    fire(&world);
    world_pass(&world, 3);
    assert_int_equal(told(&world, "/ops/firing/"), 1);
    operate(&world, "silence", "{'on':'ledger','for_ms':3600000}");
    world_pass(&world, 30);
    assert_int_equal(told(&world, "/ops/firing/"), 1); // no repeat
    assert_int_equal(world_decided(&world, "silenced"), 1);
    world_target(&world, LEDGER)->load = 1;
    world_pass(&world, 3);
    assert_int_equal(told(&world, "/ops/resolved/"), 1); // else the pager would keep it open
    world_end(&world);
}

static void a_member_that_is_not_silenced_speaks_for_the_incident(void **state)
{
    (void)state;
    struct world world;
    begin(&world, TWO(NOTIFIES(OPS(""))));
    operate(&world, "silence", "{'on':'ledger','for_ms':3600000}");
    fire(&world);
    world_pass(&world, 3);
    assert_int_equal(world.deliveries, 0);
    world_target(&world, WEB)->load = 10; // joins the incident
    world_pass(&world, 3);
    assert_int_equal(tend_engine_counts(world.engine).incidents_open, 1);
    assert_int_equal(told(&world, "/ops/firing/"), 1);
    const json_t *payload = json_object_get(world_newest(&world, TEND_RECORD_NOTICE, "status", "queued"), "payload");
    assert_int_equal(json_array_size(json_object_get(payload, "alerts")), 1); // only what is not silenced
    world_end(&world);
}

static void nothing_is_begun_on_what_is_silenced_and_it_is_when_the_silence_is_over(void **state)
{
    (void)state;
    struct world world;
    begin(&world, TWO(NOTIFIES(OPS(""))));
    world.wait = NULL;
    world_blame(&world, "ledger");
    world_operate(&world, "arm", "*");
    operate(&world, "silence", "{'on':'ledger','for_ms':30000}");
    fire(&world);
    world_target(&world, WEB)->load = 10; // may act, and is not silenced: the culprit is
    world_pass(&world, 29);
    assert_int_equal(world.execs, 0);
    const json_t *held = world_newest(&world, TEND_RECORD_DECISION, "what", "hold");
    assert_string_equal(tend_json_text(held, "reason", ""), "silenced");
    assert_string_equal(tend_json_text(held, "text", ""), "silenced by uid 1 (ops) until 02:40 UTC");
    world_pass(&world, 6);
    assert_int_equal(world.execs, 1);
    assert_string_equal(world.did, "restart ledger/h:1");
    world_end(&world);
}

static void a_silence_ends_a_run_before_its_next_act(void **state)
{
    (void)state;
    static const char *const twice[] = { "restart ledger/h:1", "restart ledger/h:2", NULL };
    struct world world;
    begin(&world, ONE(NOTIFIES(OPS(""))));
    world.scripts[0] = twice;
    world.wait = NULL;
    world.exec_ms = 5000;
    world_blame(&world, "ledger");
    world_operate(&world, "arm", "*");
    fire(&world);
    world_pass(&world, 4);
    assert_int_equal(world.execs, 1);
    operate(&world, "silence", "{'on':'ledger','for_ms':3600000}");
    world_pass(&world, 10);
    assert_int_equal(world.execs, 1);
    assert_string_equal(world_outcome(&world), "escalated");
    assert_string_equal(tend_json_text(world_newest(&world, TEND_RECORD_STEP, "outcome", "refused"), "error", ""),
                        "silenced by uid 1 (ops) until 03:40 UTC");
    assert_int_equal(told(&world, "/ops/escalated/"), 0);
    world_end(&world);
}

static void a_call_for_a_person_that_was_kept_back_is_made_at_the_end(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(NOTIFIES(OPS(""))));
    world.wait = NULL; // nobody is to blame: a person is needed
    operate(&world, "silence", "{'on':'ledger','for_ms':60000}");
    fire(&world);
    world_pass(&world, 10);
    assert_int_equal(world_decided(&world, "unknown"), 1);
    assert_int_equal(world.deliveries, 0);
    world_restart(&world);
    world_pass(&world, 10);
    operate(&world, "unsilence", "{'id':'*'}");
    assert_int_equal(told(&world, "/ops/escalated/"), 1);
    const json_t *payload = json_object_get(world_newest(&world, TEND_RECORD_NOTICE, "status", "queued"), "payload");
    assert_string_equal(tend_json_text(payload, "summary", ""), "no service stands out as the culprit");
    world_end(&world);
}

static void a_silence_outlasts_a_restart_and_so_does_what_is_owed(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(NOTIFIES(OPS(""))));
    operate(&world, "silence", "{'on':'ledger','for_ms':60000}");
    fire(&world);
    world_pass(&world, 10);
    world_restart(&world);
    world_pass(&world, 10);
    assert_int_equal(silences(&world), 1);
    assert_int_equal(world.deliveries, 0);
    assert_int_equal(world_decided(&world, "silenced"), 1); // the reason is the same
    world_pass(&world, 42);
    assert_int_equal(told(&world, "/ops/firing/"), 1);
    assert_int_equal(silences(&world), 0);
    world_restart(&world);
    world_pass(&world, 10);
    assert_int_equal(silences(&world), 0);
    assert_int_equal(told(&world, "/ops/firing/"), 1);
    world_end(&world);
}

static void a_silence_that_ended_while_tend_was_down_is_over(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(NOTIFIES(OPS(""))));
    operate(&world, "silence", "{'on':'ledger','for_ms':60000}");
    fire(&world);
    world_pass(&world, 10);
    world_crash(&world);
    world.now_ms += 120000;
    world_load(&world, world.document);
    world_pass(&world, 5);
    assert_int_equal(silences(&world), 0);
    assert_int_equal(told(&world, "/ops/firing/"), 1);
    world_end(&world);
}

static void a_forgotten_silence_is_warned_of(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(NOTIFIES(OPS(""))));
    fire(&world);
    operate(&world, "silence", "{'on':'ledger','for_ms':172800000}");
    world_pass(&world, 5);
    world_target(&world, LEDGER)->load = 1;
    world_pass(&world, 5);
    json_t *status = tend_engine_status(world.engine);
    assert_int_equal(json_array_size(json_object_get(status, "warnings")), 0);
    assert_int_equal(json_array_size(json_object_get(status, "silences")), 1);
    json_decref(status);
    world_until(&world, world.now_ms + 2 * 3600000);
    world_pass(&world, 1);
    status = tend_engine_status(world.engine);
    const char *warning = json_string_value(json_array_get(json_object_get(status, "warnings"), 0));
    assert_non_null(strstr(warning, "silences ledger until 2026-02-04 02:40 UTC, by uid 1 (ops), and its last alert "
                                    "ended 2 h ago; tend unsilence s"));
    json_decref(status);
    world_until(&world, world.now_ms + 23 * 3600000);
    world_pass(&world, 1);
    status = tend_engine_status(world.engine);
    warning = json_string_value(json_array_get(json_object_get(status, "warnings"), 0));
    assert_non_null(strstr(warning, "silences ledger for 25 h already, by uid 1 (ops), until 2026-02-04 02:40 UTC"));
    json_decref(status);
    world_end(&world);
}

static void a_command_that_makes_no_sense_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(NOTIFIES(OPS(""))));
    static char long_why[700];
    (void)snprintf(long_why, sizeof long_why, "{'on':'ledger','for_ms':60000,'why':'%0600d'}", 0);
    const char *const silly[][3] = {
        { "silence", "{'on':'lodger','for_ms':60000}", "there is no service or group \"lodger\"" },
        { "silence", "{'on':'ledger'}", "it wants a time from 1 s to 168 h, so that it ends by itself" },
        { "silence", "{'on':'ledger','for_ms':604800001}",
          "it wants a time from 1 s to 168 h, so that it ends by itself" },
        { "silence", "{'on':'ledger','for_ms':999}", "it wants a time from 1 s to 168 h, so that it ends by itself" },
        { "silence", "{'on':'ledger','for_ms':'1h'}", "\"for_ms\" wants a number of milliseconds" },
        { "silence", "{'for_ms':60000}", "say whom to silence: a service, a group, or \"*\"" },
        { "silence", "{'on':'ledger','rule':'loded','for_ms':60000}", "there is no rule \"loded\"" },
        { "silence", "{'on':'led\\u0007ger','for_ms':60000}",
          "\"on\" wants a text of up to 256 bytes without control characters" },
        { "silence", "{'on':'ledger','for_ms':60000,'why':'\\u009b2J'}",
          "\"why\" wants a text of up to 500 bytes without control characters" },
        { "silence", long_why, "\"why\" wants a text of up to 500 bytes without control characters" },
        { "silence", "[]", "a command's argument is no JSON object" },
        { "unsilence", "{'id':'s1'}",
          "there is no silence \"s1\"; tend silence lists them, and one of the rules ends there" },
        { "deploy", "{'on':'shop'}", "there is no service \"shop\"" },
        { "deploy", "{'on':'ledger','for_ms':86400001}",
          "it wants a time from 1 s to 24 h, so that it ends by itself" },
        { "ack", "{'incident':'i9'}", "there is no open incident \"i9\"; tend incidents lists them" },
        { "ack", "{'incident':9}", "\"incident\" wants a text of up to 256 bytes without control characters" },
    };
    const size_t records = world.record_count;
    for (size_t i = 0; i < sizeof silly / sizeof silly[0]; i++) {
        struct tend_error error = { "" };
        json_t *json = world_json(silly[i][1]);
        char *text = json_dumps(json, JSON_COMPACT);
        assert_int_equal(tend_engine_check_command(world.engine, silly[i][0], text, &error), TEND_E_INVALID);
        assert_string_equal(error.text, silly[i][2]);
        world_operate(&world, silly[i][0], text);
        free(text);
        json_decref(json);
    }
    assert_int_equal(world.record_count, records);
    assert_int_equal(silences(&world), 0);
    world_end(&world);
}

static void a_member_that_a_command_does_not_have_is_no_narrower_command(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(NOTIFIES(OPS(""))));
    static const char *const strange[][3] = {
        { "silence", "{\"on\":\"ledger\",\"for_ms\":60000,\"rules\":\"loaded\"}", "silence has no \"rules\"" },
        { "silence", "{\"on\":\"ledger\",\"for_ms\":60000,\"version\":\"1\"}", "silence has no \"version\"" },
        { "deploy", "{\"on\":\"ledger\",\"rule\":\"loaded\"}", "deploy has no \"rule\"" },
        { "unsilence", "{\"id\":\"*\",\"on\":\"ledger\"}", "unsilence has no \"on\"" },
        { "ack", "{\"incident\":\"*\",\"on\":\"ledger\"}", "ack has no \"on\"" },
    };
    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
        struct tend_error error = { "" };
        assert_int_equal(tend_engine_check_command(world.engine, strange[i][0], strange[i][1], &error), TEND_E_INVALID);
        assert_string_equal(error.text, strange[i][2]);
    }
    world_end(&world);
}

// Silences of the rules -----------------------------------------------------------------------------------------------

static void hours_of_the_rules_silence_again_and_again(void **state)
{
    (void)state;
    struct world world;
    begin(&world,
          ONE(NOTIFIES(OPS("")) ",'silences':[{'name':'night','on':['ledger'],'why':'closing','during':{'hours':" NIGHT
                                ",'zone':'UTC'}}]"));
    fire(&world);
    world_pass(&world, 59);
    assert_int_equal(silences(&world), 1);
    assert_int_equal(world.deliveries, 0);
    assert_string_equal(text_of_decision(&world, "silenced"),
                        "\"ops\" is not told: silenced by the rules, \"night\": closing");
    world_pass(&world, 3);
    assert_int_equal(silences(&world), 0);
    assert_int_equal(told(&world, "/ops/firing/"), 1);
    world_end(&world);
}

static void a_silence_of_the_rules_holds_from_and_till(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(NOTIFIES(OPS("")) ",'silences':[{'name':'move','on':['*'],'zone':'Europe/Berlin',"
                                        "'from':'2026-02-02 03:40:10','till':'2026-02-02 02:41 UTC'}]"));
    world_pass(&world, 9);
    assert_int_equal(silences(&world), 0);
    world_pass(&world, 2);
    assert_int_equal(silences(&world), 1);
    fire(&world);
    world_pass(&world, 48);
    assert_int_equal(world.deliveries, 0);
    assert_string_equal(text_of_decision(&world, "silenced"),
                        "\"ops\" is not told: silenced by the rules, \"move\" until 02:41 UTC");
    world_pass(&world, 3);
    assert_int_equal(told(&world, "/ops/firing/"), 1);
    world_end(&world);
}

static void a_silence_of_the_rules_that_lasts_for_days_is_warned_of(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(NOTIFIES(OPS("")) ",'silences':[{'name':'move','at':'shop.lua:3','on':['*'],"
                                        "'from':'2026-02-01 02:30','till':'2026-02-04'}]"));
    world_pass(&world, 1);
    json_t *status = tend_engine_status(world.engine);
    assert_string_equal(json_string_value(json_array_get(json_object_get(status, "warnings"), 0)),
                        "shop.lua:3: the silence \"move\" is in force for 24 h already");
    const json_t *row = json_array_get(json_object_get(status, "silences"), 0);
    assert_string_equal(tend_json_text(row, "kind", ""), "rules");
    assert_int_equal(tend_json_integer(row, "until_wall_ms", 0), INT64_C(1770163200000));
    json_decref(status);
    world_end(&world);
}

// Deploys -------------------------------------------------------------------------------------------------------------

static void a_deploy_keeps_pages_and_remedies_back_until_it_is_done(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(NOTIFIES(OPS(""))));
    world.wait = NULL;
    world_blame(&world, "ledger");
    world_operate(&world, "arm", "*");
    operate(&world, "deploy", "{'on':'ledger','version':'2.1'}");
    fire(&world);
    world_pass(&world, 20);
    assert_int_equal(world.deliveries, 0);
    assert_int_equal(world.execs, 0);
    assert_int_equal(world_decided(&world, "deploy"), 2); // the page, and the remedy
    assert_string_equal(tend_json_text(world_newest(&world, TEND_RECORD_DECISION, "what", "not told"), "text", ""),
                        "\"ops\" is not told: ledger is being deployed to 2.1, by uid 1 (ops) until 02:50 UTC at the "
                        "latest");
    operate(&world, "deploy", "{'on':'ledger','done':true}");
    assert_int_equal(told(&world, "/ops/firing/"), 1);
    world_pass(&world, 3);
    assert_int_equal(world.execs, 1);
    world_end(&world);
}

static void a_deploy_that_nobody_ends_ends_after_its_time(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(NOTIFIES(OPS(""))));
    operate(&world, "deploy", "{'on':'ledger'}");
    operate(&world, "deploy", "{'on':'ledger','for_ms':30000}"); // takes the place of the first
    assert_int_equal(silences(&world), 1);
    fire(&world);
    world_pass(&world, 29);
    assert_int_equal(world.deliveries, 0);
    world_pass(&world, 2);
    assert_int_equal(told(&world, "/ops/firing/"), 1);
    world_end(&world);
}

static enum tend_verdict deployed(struct world *world, const struct view_call *call)
{
    (void)world;
    return call->deployed_ago_s >= 0 ? TEND_VERDICT_OUT : TEND_VERDICT_IN_LINE;
}

static void a_deploy_that_is_noted_is_seen_by_rules(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOCUMENT(SERVICE("ledger", "'http://h:1/m'", ",'rules':[{'rule':0,'severity':'warn'}]"),
                           RULE("deployed", ""), "", ""));
    world.judge = deployed;
    world_pass(&world, 3);
    assert_string_equal(world_alert_state(&world, "ledger"), "");
    operate(&world, "deploy", "{'on':'ledger'}");
    world_pass(&world, 3);
    assert_string_equal(world_alert_state(&world, "ledger"), "firing");
    world_end(&world);
}

// Acknowledgements ----------------------------------------------------------------------------------------------------

static void who_has_seen_it_is_not_told_again(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(NOTIFIES(OPS(",'again_ms':10000"))));
    fire(&world);
    world_pass(&world, 5);
    operate(&world, "ack", "{'incident':'*','why':'on it'}");
    world_pass(&world, 25);
    world_restart(&world);
    world_pass(&world, 25);
    assert_int_equal(told(&world, "/ops/firing/"), 1);
    assert_string_equal(text_of_decision(&world, "acknowledged"),
                        "\"ops\" is not told again: acknowledged by uid 1 (ops) at 02:40 UTC: on it");
    json_t *status = tend_engine_status(world.engine);
    assert_string_equal(tend_json_text(json_array_get(json_object_get(status, "incidents"), 0), "ack_who", ""),
                        "uid 1 (ops)");
    json_decref(status);
    world_target(&world, LEDGER)->load = 1;
    world_pass(&world, 3);
    assert_int_equal(told(&world, "/ops/resolved/"), 1);
    world_end(&world);
}

static void another_culprit_ends_an_acknowledgement(void **state)
{
    (void)state;
    struct world world;
    begin(&world, TWO(NOTIFIES(OPS(",'again_ms':10000"))));
    world_target(&world, WEB)->load = 10;
    world_blame(&world, "web");
    world_pass(&world, 3);
    operate(&world, "ack", "{'incident':'*'}");
    world_pass(&world, 20);
    assert_int_equal(told(&world, "/ops/firing/"), 1);
    world_blame(&world, "ledger");
    world_pass(&world, 2);
    assert_int_equal(told(&world, "/ops/firing/"), 2);
    assert_string_equal(tend_json_text(world_newest(&world, TEND_RECORD_DECISION, "what", "told again"), "text", ""),
                        "it is no longer as uid 1 (ops) acknowledged it: the culprit is ledger now");
    world_end(&world);
}

static void a_culprit_that_is_only_now_found_does_not_end_an_acknowledgement(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(NOTIFIES(OPS(",'again_ms':10000"))));
    fire(&world);
    world_pass(&world, 1);
    operate(&world, "ack", "{'incident':'*'}");
    world_blame(&world, "ledger");
    world_pass(&world, 30);
    assert_int_equal(told(&world, "/ops/firing/"), 1);
    world_end(&world);
}

static void what_gets_worse_is_told_though_it_was_acknowledged(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOCUMENT(SERVICE("ledger", "'http://h:1/m'", ",'rules':[{'rule':0,'severity':'warn'}]") "," SERVICE(
                               "web", "'http://w:1/m'", ",'rules':[{'rule':0,'severity':'page'}],'depends':['ledger']"),
                           LOAD_RULE, "", NOTIFIES("{'name':'ops','on':['*'],'severity':[],'to':1,'again_ms':10000}")));
    fire(&world);
    world_pass(&world, 3);
    operate(&world, "ack", "{'incident':'*'}");
    world_target(&world, WEB)->load = 10;
    world_pass(&world, 3);
    assert_int_equal(told(&world, "/ops/firing/"), 2);
    world_pass(&world, 10);
    assert_int_equal(told(&world, "/ops/firing/"), 3); // and again
    world_end(&world);
}

// Hours of a notify ---------------------------------------------------------------------------------------------------

static void who_is_off_duty_is_told_when_the_hours_begin(void **state)
{
    (void)state;
    struct world world;
    begin(&world,
          ONE(NOTIFIES(OPS(",'outside':{'hours':" NIGHT
                           ",'zone':'UTC'}") ",{'name':'night','on':['*'],"
                                             "'severity':['page'],'to':1,'during':{'hours':" NIGHT ",'zone':'UTC'}}")));
    fire(&world);
    world_pass(&world, 30);
    assert_int_equal(told(&world, "/night/firing/"), 1);
    assert_int_equal(told(&world, "/ops/firing/"), 0);
    assert_string_equal(text_of_decision(&world, "hours"), "\"ops\" is not told: it is outside its hours");
    world_restart(&world);
    world_pass(&world, 32);
    assert_int_equal(told(&world, "/ops/firing/"), 1);
    assert_int_equal(told(&world, "/night/firing/"), 1);
    world_target(&world, LEDGER)->load = 1;
    world_pass(&world, 3);
    assert_int_equal(told(&world, "/ops/resolved/"), 1);
    assert_int_equal(told(&world, "/night/resolved/"), 1); // it was told of it
    world_end(&world);
}

// Where several of these meet -----------------------------------------------------------------------------------------

static void one_reason_gives_way_to_the_next(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ONE(NOTIFIES(OPS(",'outside':{'hours':" NIGHT ",'zone':'UTC'}"))));
    operate(&world, "silence", "{'on':'ledger','for_ms':30000}");
    fire(&world);
    world_pass(&world, 45);
    assert_int_equal(world_decided(&world, "silenced"), 1);
    assert_int_equal(world_decided(&world, "hours"), 1);
    assert_int_equal(world.deliveries, 0);
    world_pass(&world, 17);
    assert_int_equal(told(&world, "/ops/firing/"), 1);
    world_end(&world);
}

static void what_is_owed_of_an_incident_is_owed_of_the_one_that_takes_it_in(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, DOCUMENT(SERVICE("a", "'http://a:1/m'", PAGE ",'depends':['ledger']") "," SERVICE(
                                     "b", "'http://b:1/m'",
                                     PAGE ",'depends':['ledger']") "," SERVICE("ledger", "'http://h:1/m'", PAGE),
                                 LOAD_RULE, PLAYBOOK("restart", ""), ",'groups':[{'name':'*'}]" NOTIFIES(OPS(""))));
    world.wait = "nobody yet";
    operate(&world, "silence", "{'on':'*','for_ms':60000}");
    world_target(&world, "a/a:1")->load = 10;
    world_target(&world, "b/b:1")->load = 10;
    world_pass(&world, 2);
    assert_int_equal(tend_engine_counts(world.engine).incidents_open, 2);
    assert_int_equal(tend_engine_counts(world.engine).notices_held, 2);
    fire(&world);
    world_pass(&world, 5);
    assert_int_equal(tend_engine_counts(world.engine).incidents_open, 1);
    assert_int_equal(tend_engine_counts(world.engine).notices_held, 1);
    operate(&world, "unsilence", "{'id':'*'}");
    assert_int_equal(told(&world, "/ops/firing/"), 1);
    world_end(&world);
}

static void all_targets_failing_at_once_is_not_told_while_all_is_silenced(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOCUMENT(SERVICE("ledger", "'http://h:1/m','http://h:2/m','http://h:3/m'", PAGE), LOAD_RULE,
                           PLAYBOOK("restart", ""), ",'groups':[{'name':'*'}]" NOTIFIES(OPS(""))));
    world_pass(&world, 2);
    operate(&world, "silence", "{'on':'*','for_ms':20000}");
    for (int i = 1; i <= 3; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "ledger/h:%d", i);
        world_target(&world, name)->kind = TEND_SCRAPE_REFUSED;
    }
    world_pass(&world, 18);
    assert_int_equal(world.deliveries, 0);
    world_pass(&world, 3);
    assert_int_equal(told(&world, "blind"), 1);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_silenced_fires_and_is_told_when_the_silence_is_over),
        cmocka_unit_test(it_is_told_at_the_very_end_though_nothing_else_happens),
        cmocka_unit_test(what_is_over_before_the_silence_is_never_told),
        cmocka_unit_test(a_silence_that_ends_early_lets_it_out_at_once),
        cmocka_unit_test(what_was_told_before_is_told_to_be_over),
        cmocka_unit_test(a_member_that_is_not_silenced_speaks_for_the_incident),
        cmocka_unit_test(nothing_is_begun_on_what_is_silenced_and_it_is_when_the_silence_is_over),
        cmocka_unit_test(a_silence_ends_a_run_before_its_next_act),
        cmocka_unit_test(a_call_for_a_person_that_was_kept_back_is_made_at_the_end),
        cmocka_unit_test(a_silence_outlasts_a_restart_and_so_does_what_is_owed),
        cmocka_unit_test(a_silence_that_ended_while_tend_was_down_is_over),
        cmocka_unit_test(a_forgotten_silence_is_warned_of),
        cmocka_unit_test(a_command_that_makes_no_sense_is_refused_and_changes_nothing),
        cmocka_unit_test(a_member_that_a_command_does_not_have_is_no_narrower_command),
        cmocka_unit_test(hours_of_the_rules_silence_again_and_again),
        cmocka_unit_test(a_silence_of_the_rules_holds_from_and_till),
        cmocka_unit_test(a_silence_of_the_rules_that_lasts_for_days_is_warned_of),
        cmocka_unit_test(a_deploy_keeps_pages_and_remedies_back_until_it_is_done),
        cmocka_unit_test(a_deploy_that_nobody_ends_ends_after_its_time),
        cmocka_unit_test(a_deploy_that_is_noted_is_seen_by_rules),
        cmocka_unit_test(who_has_seen_it_is_not_told_again),
        cmocka_unit_test(another_culprit_ends_an_acknowledgement),
        cmocka_unit_test(a_culprit_that_is_only_now_found_does_not_end_an_acknowledgement),
        cmocka_unit_test(what_gets_worse_is_told_though_it_was_acknowledged),
        cmocka_unit_test(who_is_off_duty_is_told_when_the_hours_begin),
        cmocka_unit_test(one_reason_gives_way_to_the_next),
        cmocka_unit_test(what_is_owed_of_an_incident_is_owed_of_the_one_that_takes_it_in),
        cmocka_unit_test(all_targets_failing_at_once_is_not_told_while_all_is_silenced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
