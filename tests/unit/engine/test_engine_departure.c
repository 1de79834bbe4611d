// What is told of a service that discovery no longer lists.

#include "engine_world.h"
#include "saved_engine.h"

#define GONE_AFTER(more) SERVICE("", "", ",'gone_after_ms':5000" more)
#define FOUND_BY(template, overrides)                                                                                  \
    ",'notifies':[{'name':'ops','on':['*'],'severity':['page'],'to':1}],"                                              \
    "'discoveries':[{'globs':['/sd/*.json'],'service_label':'app','group':'shop','template':" template ",'overrides':" \
                                                                                                       "[" overrides   \
                                                                                                       "]}]"
#define FOUND(template, overrides) DOCUMENT("", LOAD_RULE, "", FOUND_BY(template, overrides))
#define PLAIN FOUND(SERVICE("", "", ""), "")
#define ASKED FOUND(GONE_AFTER(""), "")

static size_t told(const struct world *world, const char *what)
{
    size_t count = 0;
    for (const char *at = tend_buffer_text(&world->delivered); (at = strstr(at, what)) != NULL; at++) {
        count++;
    }
    return count;
}

// The status' list of who is gone. @return how many @param[out] service  the first's name, ""; borrowed from the buffer
static size_t departed(const struct world *world, char service[64])
{
    json_t *status = tend_engine_status(world->engine);
    const json_t *list = json_object_get(status, "departed");
    const size_t count = json_array_size(list);
    (void)snprintf(service, 64, "%s", tend_json_text(json_array_get(list, 0), "service", ""));
    json_decref(status);
    return count;
}

static void begin(struct world *world, const char *document)
{
    world_begin(world, document);
    world_find(world, "ledger", "h:1");
    world_pass(world, 2);
}

static void it_is_in_the_status_and_a_record_until_it_is_back(void **state)
{
    (void)state;
    struct world world;
    char service[64];
    begin(&world, PLAIN);
    assert_int_equal(departed(&world, service), 0);
    world_find(&world, NULL, NULL);
    assert_int_equal(departed(&world, service), 1);
    assert_string_equal(service, "ledger");
    const json_t *body = world_newest(&world, TEND_RECORD_OPERATOR, "argument", "ledger");
    assert_string_equal(tend_json_text(body, "what", ""), "no longer lists");
    assert_string_equal(tend_json_text(body, "who", ""), "discovery");
    assert_int_equal(tend_json_integer(body, "instances", 0), 1);
    world_until(&world, world.now_ms + 60000);
    world_find(&world, "ledger", "h:1");
    assert_int_equal(departed(&world, service), 0);
    body = world_newest(&world, TEND_RECORD_OPERATOR, "argument", "ledger");
    assert_string_equal(tend_json_text(body, "what", ""), "lists again");
    assert_int_equal(world.deliveries, 0); // nobody asked to be told
    world_end(&world);
}

static void people_are_told_once_after_the_time_that_was_asked_for_and_when_it_is_back(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ASKED);
    world_find(&world, NULL, NULL);
    const int64_t left_ms = world.now_ms;
    world_until(&world, left_ms + 4999);
    assert_int_equal(world.deliveries, 0);
    world_until(&world, left_ms + 5000);
    assert_int_equal(told(&world, "left discovery/ops/firing/"), 1);
    world_until(&world, left_ms + 60000);
    assert_int_equal(world.deliveries, 1);
    const json_t *payload = json_object_get(world_newest(&world, TEND_RECORD_NOTICE, "status", "queued"), "payload");
    assert_string_equal(tend_json_text(payload, "summary", ""), "discovery no longer lists ledger");
    world_find(&world, "ledger", "h:1");
    assert_int_equal(told(&world, "left discovery/ops/resolved/"), 1);
    world_end(&world);
}

static void one_that_is_back_in_time_is_not_told_of(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ASKED);
    world_find(&world, NULL, NULL);
    world_until(&world, world.now_ms + 4000);
    world_find(&world, "ledger", "h:1");
    world_until(&world, world.now_ms + 60000);
    assert_int_equal(world.deliveries, 0);
    world_end(&world);
}

static void a_silence_of_it_keeps_that_back(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ASKED);
    world_find(&world, NULL, NULL);
    world_operate(&world, "silence", "{\"on\":\"ledger\",\"for_ms\":20000,\"why\":\"it moves\"}");
    world_until(&world, world.now_ms + 19000);
    assert_int_equal(world.deliveries, 0);
    world_until(&world, world.now_ms + 2000);
    assert_int_equal(told(&world, "left discovery/ops/firing/"), 1);
    world_end(&world);
}

static void a_restart_knows_who_was_gone_and_waits_anew(void **state)
{
    (void)state;
    struct world world;
    char service[64];
    begin(&world, ASKED);
    world_find(&world, NULL, NULL);
    world_until(&world, world.now_ms + 3000);
    world_restart(&world);
    assert_int_equal(departed(&world, service), 1);
    assert_string_equal(service, "ledger");
    const int64_t restarted_ms = world.now_ms;
    world_find(&world, NULL, NULL);
    world_until(&world, restarted_ms + 4000);
    assert_int_equal(world.deliveries, 0); // 8 s since it left, but discovery may yet list it
    world_until(&world, restarted_ms + 6000);
    assert_int_equal(told(&world, "left discovery/ops/firing/"), 1);
    world_find(&world, "ledger", "h:1");
    assert_int_equal(departed(&world, service), 0);
    assert_int_equal(told(&world, "left discovery/ops/resolved/"), 1);
    world_end(&world);
}

static void a_checkpoint_has_who_is_gone(void **state)
{
    (void)state;
    struct world world;
    begin(&world, ASKED);
    world_find(&world, NULL, NULL);
    saved_engine_is_the_same(&world, ASKED);
    world_end(&world);
}

#define ACT ",'rules':[{'rule':0,'clear_below':1,'severity':'page','act':true}],'remedies':[0]"
// payments, which is declared, → ledger, which is found
#define CALLER                                                                                                         \
    DOCUMENT(SERVICE("payments", "'http://p:1/m'", ACT ",'depends':['ledger']"), LOAD_RULE, PLAYBOOK("restart", ""),   \
             FOUND_BY(SERVICE("", "", ""), ""))

static void a_culprit_that_left_is_for_a_person_and_nothing_is_begun(void **state)
{
    (void)state;
    struct world world;
    begin(&world, CALLER);
    world.blamed[0] = "ledger";
    world_find(&world, NULL, NULL);
    const int64_t left_ms = world.now_ms;
    world_pass(&world, 2);
    world_target(&world, "payments/p:1")->load = 5;
    world_pass(&world, 10);
    assert_int_equal(tend_json_integer(json_object_get(world.asked, "left"), "ledger", 0), left_ms);
    const json_t *decision = world_newest(&world, TEND_RECORD_DECISION, "what", "escalate");
    assert_string_equal(tend_json_text(decision, "service", ""), "ledger");
    assert_string_equal(tend_json_text(decision, "text", ""), "discovery no longer lists it: a person is needed");
    assert_int_equal(told(&world, "/ops/escalated/"), 1);
    assert_int_equal(world.execs, 0);
    world_end(&world);
}

static void who_left_long_before_the_trouble_is_not_told_of(void **state)
{
    (void)state;
    struct world world;
    begin(&world, CALLER);
    world_find(&world, NULL, NULL);
    world_pass(&world, 601);
    world_target(&world, "payments/p:1")->load = 5;
    world_pass(&world, 3);
    assert_true(world.locates > 0);
    assert_null(json_object_get(world.asked, "left"));
    world_end(&world);
}

static void rules_that_no_longer_name_it_forget_it(void **state)
{
    (void)state;
    struct world world;
    char service[64];
    begin(&world, FOUND(SERVICE("", "", ""), SERVICE("ledger", "", ",'gone_after_ms':5000")));
    world_find(&world, NULL, NULL);
    world_until(&world, world.now_ms + 6000);
    assert_int_equal(told(&world, "left discovery/ops/firing/"), 1);
    world_load(&world, FOUND(SERVICE("", "", ""), SERVICE("ledger", "", ",'gone_after_ms':9000")));
    assert_int_equal(departed(&world, service), 1); // still named
    world_load(&world, PLAIN);
    assert_int_equal(departed(&world, service), 0);
    assert_int_equal(told(&world, "left discovery/ops/resolved/"), 1);
    world_end(&world);
}

static void the_longest_gone_makes_room(void **state)
{
    (void)state;
    struct world world;
    char service[64];
    char name[16];
    world_begin(&world, PLAIN);
    for (int i = 0; i < 258; i++) {
        (void)snprintf(name, sizeof name, "s%d", i);
        world_until(&world, world.now_ms + 1);
        world_find(&world, name, "h:1");
    }
    world_find(&world, NULL, NULL);
    assert_int_equal(departed(&world, service), 256);
    assert_string_equal(service, "s2");
    world_end(&world);
}

int main(void)
{
    tend_log_set_level(TEND_LOG_NOTHING);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_in_the_status_and_a_record_until_it_is_back),
        cmocka_unit_test(people_are_told_once_after_the_time_that_was_asked_for_and_when_it_is_back),
        cmocka_unit_test(one_that_is_back_in_time_is_not_told_of),
        cmocka_unit_test(a_silence_of_it_keeps_that_back),
        cmocka_unit_test(a_restart_knows_who_was_gone_and_waits_anew),
        cmocka_unit_test(a_checkpoint_has_who_is_gone),
        cmocka_unit_test(a_culprit_that_left_is_for_a_person_and_nothing_is_begun),
        cmocka_unit_test(who_left_long_before_the_trouble_is_not_told_of),
        cmocka_unit_test(rules_that_no_longer_name_it_forget_it),
        cmocka_unit_test(the_longest_gone_makes_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
